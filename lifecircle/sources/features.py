"""Which features does this file hold, and where do they lie in the city's CRS?

GeoPackage and Shapefile go through GDAL, lists through `tables`. GeoJSON goes through neither: GDAL would
take a text that names a virtual layer for that layer, and would ask the web for a CRS that is a link.
"""

import codecs
import json
import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from lifecircle.catalog import LayerFile
from lifecircle.errors import DataError
from lifecircle.sources import tables
from lifecircle.sources.tables import Note, note_rows, note_values

WGS84 = "EPSG:4326"

_FIRST_BYTES = {".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a"}
"""By these and the ending, GDAL takes no other driver than the one meant."""
_JSON = (".geojson", ".json")
_POLYGON, _COLLECTION = shapely.GeometryType.POLYGON, shapely.GeometryType.GEOMETRYCOLLECTION
_AREAS = (_POLYGON, shapely.GeometryType.MULTIPOLYGON)
_CITY_DEGREES = 10.0
"""No city is wider in degrees, and none is as narrow in metres."""
_NEAR_M = 10_000.0
_MOST = 0.5
"""From which share of the rows on what holds for them is taken to be the file's way."""


def read_features(
    file: LayerFile,
    notes: list[Note],
    *,
    crs: CRS | str | int,
    area: shapely.Polygon | shapely.MultiPolygon | None = None,
    polygons: bool = False,
) -> gpd.GeoDataFrame:
    """Return the usable rows of a GeoPackage, GeoJSON, Shapefile, CSV or XLSX.

    Parameters
    ----------
    file
        What to read; `file.sheet` also names the layer of a GeoPackage, and `file.crs` counts where the file
        itself does not say its CRS. Without it, GeoJSON and lists in degrees are WGS 84.
    notes
        Takes what was left out, repaired or chosen.
    crs
        CRS of the result.
    area
        Where the rows should lie, in `crs`, if that is known: swapped coordinates are recognised by it.
    polygons
        Whether only polygons are wanted.

    Returns
    -------
    GeoDataFrame
        The columns of the file and valid, finite, two-dimensional geometries in `crs`; the index is the row
        number in a list, or the feature's position from 1.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If it is not what its ending says, has no such layer, no CRS or an impossible one, or no usable row.
    """
    path = file.path
    frame, declared, count = _read(file, notes, polygons=polygons)
    frame = _keep(frame, _has_place(frame), "rows_without_geometry", path, notes)
    if frame.empty:
        raise DataError("tables.no_rows", path=path, count=count)
    source = declared or _known_crs(file.crs, path) or _crs_by_range(frame, path)
    frame = _keep(frame, _in_range(frame, source, path), "rows_out_of_range", path, notes)
    if area is not None:
        _refuse_swapped(frame, source, CRS.from_user_input(crs), area, path)
    frame = frame.set_crs(source, allow_override=True).to_crs(crs)
    frame = _keep(frame, _has_place(frame), "rows_out_of_range", path, notes)
    frame = _repaired(frame, path, notes)
    if polygons:
        frame = _areas(frame, path, notes)
    if frame.empty:
        raise DataError("tables.no_rows", path=path, count=count)
    return frame


def _read(file: LayerFile, notes: list[Note], *, polygons: bool) -> tuple[gpd.GeoDataFrame, CRS | None, int]:
    """Return the rows as they stand, the CRS that the file declares, and how many rows it has."""
    path, suffix = file.path, file.path.suffix.lower()
    tables.check_file(path, (*_FIRST_BYTES, *_JSON, *(() if polygons else tables.SUFFIXES)))
    if suffix in tables.SUFFIXES:
        table = tables.read_table(path, notes=notes, encoding=file.encoding, sheet=file.sheet)
        points = tables.coordinates(table, path, notes)
        geometry = gpd.points_from_xy(points["x"], points["y"])
        frame, declared = gpd.GeoDataFrame(table.loc[points.index], geometry=geometry), None
        count = len(table)
    else:
        is_json = suffix in _JSON
        frame, declared = _read_geojson(file) if is_json else _read_gdal(file, notes, polygons=polygons)
        count = len(frame)
    notes.insert(0, ("tables.rows_read", count, path.name))
    return frame, declared, count


def _read_gdal(file: LayerFile, notes: list[Note], *, polygons: bool) -> tuple[gpd.GeoDataFrame, CRS | None]:
    """Return a layer and the CRS it declares, from a file that must be of the format its ending says."""
    path, shapefile = file.path, file.path.suffix.lower() == ".shp"
    with path.open("rb") as opened:
        head = opened.read(28)
    if not head.startswith(_FIRST_BYTES[path.suffix.lower()]):
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix)
    # GDAL reads what is left of a Shapefile that was cut off; its header says how many 16-bit words it had.
    if shapefile and 2 * int.from_bytes(head[24:]) > path.stat().st_size:
        raise DataError("tables.unreadable", path=path, reason="truncated")
    try:
        with warnings.catch_warnings():
            # GDAL's remarks on single features (M values, odd rings): what they spoil is counted by us.
            warnings.simplefilter("ignore")
            layer = _chosen_layer(file, notes, polygons=polygons)
            frame = pyogrio.read_dataframe(
                path.absolute(),
                layer=layer,
                # Latin-1 carries every byte of a dbf to `_decoded`, which finds out what it means.
                encoding="ISO-8859-1" if shapefile else None,
                force_2d=True,
                on_invalid="ignore",
                use_arrow=False,
            )
    except (RuntimeError, UnicodeDecodeError) as error:
        raise DataError("tables.unreadable", path=path, reason=error) from error
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    if shapefile:
        frame = _decoded(frame, file, notes)
    usable = frame.crs is not None and (frame.crs.is_geographic or frame.crs.is_projected)
    return frame, frame.crs if usable else None


def _chosen_layer(file: LayerFile, notes: list[Note], *, polygons: bool) -> str:
    layers = {str(name): str(kind) for name, kind in pyogrio.list_layers(file.path.absolute()) if kind}
    if file.sheet is not None and file.sheet not in layers:
        raise DataError("tables.unknown_part", path=file.path, value=file.sheet, known=", ".join(layers))
    if not layers:
        raise DataError("tables.no_rows", path=file.path, count=0)
    areas = [name for name, kind in layers.items() if re.search("Polygon|Surface|Collection|Unknown", kind)]
    chosen = file.sheet or next(iter(areas if polygons and areas else layers))
    if file.sheet is None and len(layers) > 1:
        note_values(notes, "part_chosen", file.path, [chosen])
    return chosen


def _decoded(frame: gpd.GeoDataFrame, file: LayerFile, notes: list[Note]) -> gpd.GeoDataFrame:
    """Return a Shapefile's layer with names and texts decoded: as told, by its .cpg, or by what fits."""
    columns = [
        name for name in frame.columns if frame[name].dtype.kind == "O" and name != frame.geometry.name
    ]
    seen = dict.fromkeys(frame.columns)
    for name in columns:
        seen |= dict.fromkeys(value for value in frame[name].unique() if isinstance(value, str))
    told = [file.encoding] if file.encoding else _cpg(file.path)
    decoded, used = tables.decode(
        (text.encode("latin-1") for text in seen), told or ["utf-8", "gb18030"], file.path
    )
    if not told and used != "utf-8":
        shown = "; ".join([text for text in decoded if not text.isascii()][:3])
        note_values(notes, "encoding_guessed", file.path, [shown], about=used)
    meaning = dict(zip(seen, decoded, strict=True))
    for name in columns:
        frame[name] = frame[name].map(lambda value: meaning.get(value, value))
    return frame.rename(columns=meaning)


def _cpg(path: Path) -> list[str]:
    """Return the encoding that a Shapefile's .cpg names, in a list that is empty where it names none."""
    found = [path.with_suffix(end) for end in (".cpg", ".CPG") if path.with_suffix(end).is_file()]
    if not found:
        return []
    name = found[0].read_bytes()[:40].decode("ascii", errors="ignore").strip().lower()
    name = re.sub(r"^(?:iso)?[ _-]*8859[ _-]*(\d+)$", r"iso8859-\1", name)
    name = re.sub(r"^(?:ansi|oem|cp|ms)?[ _-]*(\d+)$", r"cp\1", name)
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        return []
    return ["gb18030" if codec in {"gbk", "gb2312"} else codec]


def _read_geojson(file: LayerFile) -> tuple[gpd.GeoDataFrame, CRS | None]:
    """Return the features and their CRS; None where it is not declared and the numbers are not degrees."""
    path = file.path
    (text,), _ = tables.decode([path.read_bytes()], [file.encoding or "utf-8-sig"], path)
    try:
        document = json.loads(text)
        features = document.get("features", [document])
        geometries = [feature.get("geometry", feature) for feature in features]
        properties = [feature.get("properties") or {} for feature in features]
        member = document.get("crs") or {}
        named = member.get("properties", {}).get("name") or member
        # Member by member, so that one broken geometry does not take the others with it.
        shapes = shapely.from_geojson([json.dumps(geometry) for geometry in geometries], on_invalid="ignore")
        frame = gpd.GeoDataFrame(
            pd.DataFrame(properties, index=pd.RangeIndex(1, len(shapes) + 1)),
            geometry=shapely.force_2d(shapes),
        )
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix) from error
    if named:
        return frame, _known_crs(str(named), path)
    return frame, CRS(WGS84) if _in_degrees(frame.bounds).mean() >= _MOST else None


def _known_crs(name: str | None, path: Path) -> CRS | None:
    """Return the CRS of a name like ``EPSG:4490`` or ``urn:ogc:...``: forms that lead to no file or host."""
    if name is None:
        return None
    try:
        if re.fullmatch(r"[\w:.]+", name):
            return CRS.from_user_input(name)
    except CRSError:
        pass
    raise DataError("tables.unknown_crs", path=path, value=name)


def _crs_by_range(frame: gpd.GeoDataFrame, path: Path) -> CRS:
    """Return WGS 84 for GeoJSON and lists in degrees, in either order; refuse every other undeclared CRS."""
    if path.suffix.lower() in _FIRST_BYTES:
        bounds = ", ".join(f"{value:.6g}" for value in frame.total_bounds)
        raise DataError("tables.missing_crs", path=path, bounds=bounds)
    bounds = frame.bounds
    swapped = bounds.set_axis(["miny", "minx", "maxy", "maxx"], axis=1)
    if (_in_degrees(bounds) | _in_degrees(swapped)).mean() < _MOST:
        raise _coordinate_error("tables.metres_without_crs", frame, path)
    return CRS(WGS84)


def _in_range(frame: gpd.GeoDataFrame, source: CRS, path: Path) -> "pd.Series[bool]":
    """Return which rows can be in `source`; raise where most cannot, because then it is not their CRS."""
    bounds = frame.bounds
    inside = _in_degrees(bounds)
    if source.is_geographic:
        if inside.mean() >= _MOST:
            return inside
        swapped = _in_degrees(bounds.set_axis(["miny", "minx", "maxy", "maxx"], axis=1))
        key = "tables.swapped" if (swapped & ~inside).mean() > _MOST else "tables.not_degrees"
        raise _coordinate_error(key, frame[~inside], path, crs=source.name)
    west, south, east, north = frame.total_bounds
    if inside.all() and max(east - west, north - south) < _CITY_DEGREES:
        raise _coordinate_error("tables.not_metres", frame, path, crs=source.name)
    return pd.Series(data=True, index=frame.index)


def _refuse_swapped(
    frame: gpd.GeoDataFrame, source: CRS, crs: CRS, area: shapely.Polygon | shapely.MultiPolygon, path: Path
) -> None:
    """Refuse rows none of which lies near `area`, while most would with x and y exchanged."""
    x, y = _centres(frame)
    to_city = Transformer.from_crs(source, crs, always_xy=True)
    west, south, east, north = area.bounds
    margin = max(east - west, north - south, _NEAR_M)

    def near(x: "pd.Series[float]", y: "pd.Series[float]") -> "pd.Series[bool]":
        there_x, there_y = map(pd.Series, to_city.transform(x.to_numpy(), y.to_numpy()))
        return there_x.between(west - margin, east + margin) & there_y.between(south - margin, north + margin)

    if not near(x, y).any() and near(y, x).mean() >= _MOST:
        raise _coordinate_error("tables.swapped", frame, path)


def _coordinate_error(key: str, frame: gpd.GeoDataFrame, path: Path, **values: object) -> DataError:
    """Return the error `key` with the first row of `frame` as its example."""
    x, y = (f"{centre.iloc[0]:.10g}" for centre in _centres(frame))
    return DataError(key, path=path, row=frame.index[0], x=x, y=y, **values)


def _centres(frame: gpd.GeoDataFrame) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Return x and y of the middle of each row's bounds: safe on geometry that is not valid yet."""
    bounds = frame.bounds
    return (bounds["minx"] + bounds["maxx"]) / 2, (bounds["miny"] + bounds["maxy"]) / 2


def _in_degrees(bounds: pd.DataFrame) -> "pd.Series[bool]":
    longitude = (bounds["minx"] >= -180) & (bounds["maxx"] <= 180)  # noqa: PLR2004 - degrees
    return longitude & (bounds["miny"] >= -90) & (bounds["maxy"] <= 90)  # noqa: PLR2004 - degrees


def _has_place(frame: gpd.GeoDataFrame) -> "pd.Series[bool]":
    """Return which rows have a geometry all of whose coordinates are finite."""
    geometry = frame.geometry.to_numpy()
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    usable = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    usable[owner[~np.isfinite(xy).all(axis=1)]] = False
    return pd.Series(usable, index=frame.index)


def _keep(
    frame: gpd.GeoDataFrame, usable: "pd.Series[bool]", item: str, path: Path, notes: list[Note]
) -> gpd.GeoDataFrame:
    note_rows(notes, item, path, ~usable)
    return frame[usable]


def _repaired(frame: gpd.GeoDataFrame, path: Path, notes: list[Note]) -> gpd.GeoDataFrame:
    """Return the layer with invalid polygons mended; what collapses to nothing is left out."""
    note_rows(notes, "rows_repaired", path, ~frame.is_valid)
    geometry = frame.geometry.to_numpy().copy()
    bad = ~shapely.is_valid(geometry)
    geometry[bad] = shapely.make_valid(geometry[bad])
    frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    return _keep(frame, _has_place(frame), "rows_without_geometry", path, notes)


def _areas(frame: gpd.GeoDataFrame, path: Path, notes: list[Note]) -> gpd.GeoDataFrame:
    """Return the rows that are polygons; of a collection, its polygons."""
    found = sorted(set(frame.geom_type))
    geometry = frame.geometry.to_numpy().copy()
    mixed = shapely.get_type_id(geometry) == _COLLECTION
    geometry[mixed] = [_polygons_of(collection) for collection in geometry[mixed]]
    frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    polygonal = np.isin(shapely.get_type_id(geometry), _AREAS)
    frame = _keep(frame, pd.Series(polygonal, index=frame.index), "rows_not_polygons", path, notes)
    if frame.empty and found:
        raise DataError("tables.no_polygons", path=path, found=", ".join(found))
    return frame


def _polygons_of(collection: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(collection))
    return shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGON])
