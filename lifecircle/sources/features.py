"""Which features does this file hold, and where do they lie in the city's CRS?

GeoPackage and Shapefile go through GDAL, lists through `tables`, GeoJSON through `json_file`.
"""

import codecs
import contextlib
import functools
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS, Geod

from lifecircle.catalog import LayerFile
from lifecircle.data_check import overlapping
from lifecircle.doors import DOORS
from lifecircle.errors import DataError
from lifecircle.sources import datum, declared_crs, tables
from lifecircle.sources.cell_values import pairs_in, to_text
from lifecircle.sources.columns import find_column, whole_name
from lifecircle.sources.declared_crs import WGS84
from lifecircle.sources.json_file import amap_places, geojson_features, read_document
from lifecircle.sources.notes import Note, note_rows, note_values
from lifecircle.sources.opening import LIMITS, Limits, check_file, check_geopackage, check_shapefile

_FIRST_BYTES = {".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a"}
"""By these and the ending, GDAL takes no other driver than the one meant."""
_JSON = (".geojson", ".json")
ENTRANCES = "entrances"
"""The layer of a GeoPackage that is taken for the entrances of the sites beside it."""
_POLYGON, _COLLECTION = shapely.GeometryType.POLYGON, shapely.GeometryType.GEOMETRYCOLLECTION
_AREAS = (_POLYGON, shapely.GeometryType.MULTIPOLYGON)
_LEFT_OUT = (
    "tables.rows_without_coordinates",
    "tables.rows_with_bad_coordinates",
    "tables.rows_without_geometry",
    "tables.rows_out_of_range",
    "tables.rows_not_polygons",
)


def read_features(  # noqa: PLR0913 - what is known of a file's place in the city
    file: LayerFile,
    notes: list[Note],
    *,
    crs: CRS | str | int,
    bare_crs: str | None = None,
    area: shapely.Polygon | shapely.MultiPolygon | None = None,
    polygons: bool = False,
    limits: Limits = LIMITS,
) -> gpd.GeoDataFrame:
    """Return the usable rows of a GeoPackage, GeoJSON, Shapefile, CSV, XLSX or saved answer of AMap.

    Parameters
    ----------
    file
        What to read; `file.sheet` also names the layer of a GeoPackage, and `file.crs` counts where the file
        itself does not say its CRS. Without it, GeoJSON and lists in degrees are WGS 84. Where its datum is
        GCJ-02 or BD-09, places are moved to WGS 84.
    notes
        Takes what was left out, repaired or chosen.
    crs
        CRS of the result.
    bare_crs
        CRS of whatever else says none.
    area
        Where the rows should lie, in `crs`, if that is known: swapped coordinates are recognised by it.
    polygons
        Whether only polygons are wanted.
    limits
        How large the file may be, and which share of its rows may be left out.

    Returns
    -------
    GeoDataFrame
        The columns of the file and valid, finite, two-dimensional geometries in `crs`; the index is the row
        number in a list, or the feature's position from 1. A column of entrances, written "lon,lat", becomes
        the column `DOORS` of MultiPoints in `crs`, None where there is none.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If it is not what its ending says, has no such layer, no CRS or an impossible one, no usable row or
        too few, or exceeds `limits`.
    """
    path = file.path
    frame, declared, count, on = _read(file, notes, limits, polygons=polygons)
    frame = _keep(frame, _has_place(frame), "rows_without_geometry", path, notes)
    if frame.empty:
        raise DataError("tables.no_rows", path=path, count=count)
    source = declared or declared_crs.known_crs(file.crs, path)
    if source is None:
        silent = path.suffix.lower() not in _FIRST_BYTES
        context = declared_crs.Context(CRS.from_user_input(crs), area, bare_crs)
        source = declared_crs.crs_by_range(frame, path, context, silent=silent)
    frame = _keep(frame, declared_crs.in_range(frame, source, path), "rows_out_of_range", path, notes)
    if area is not None:
        declared_crs.refuse_swapped(frame, source, CRS.from_user_input(crs), area, path)
    if polygons:
        declared_crs.refuse_antimeridian(frame, source, path)
    frame = frame.set_crs(source, allow_override=True)
    if on != "wgs84":
        frame = _off_datum(frame, on, path, notes)
    frame = frame.to_crs(crs).drop(columns=DOORS, errors="ignore")  # whatever the file calls so
    if (column := find_column(frame.columns, "entrance")) is not None:
        frame[DOORS] = _listed_doors(to_text(frame[column]), on, crs)
    frame = _keep(frame, _has_place(frame), "rows_out_of_range", path, notes)
    frame = _repaired(frame, path, notes)
    if polygons:
        frame = _areas(frame, path, notes)
    if frame.empty:
        raise DataError("tables.no_rows", path=path, count=count)
    if (dropped := count - len(frame)) > limits.max_dropped_share * count:
        rows = "; ".join(text for item, _, text in notes if item in _LEFT_OUT)
        allowed = f"{limits.max_dropped_share:.0%}"
        raise DataError(
            "tables.too_many_dropped", path=path, dropped=dropped, count=count, allowed=allowed, rows=rows
        )
    return frame


def without_twins(frame: gpd.GeoDataFrame, path: Path, notes: list[Note]) -> gpd.GeoDataFrame:
    """Return the layer without the rows that repeat an earlier one in every column and its geometry."""
    columns = pd.DataFrame(frame.drop(columns=frame.geometry.name)).astype(str)
    twin = columns.assign(geometry=shapely.to_wkb(frame.geometry.to_numpy())).duplicated()
    return _keep(frame, ~twin, "rows_twice", path, notes)


def note_overlaps(frame: gpd.GeoDataFrame, path: Path, notes: list[Note]) -> None:
    """Note which polygons overlap, by row, and by how many square metres."""
    one, other, shared = overlapping(frame.geometry.to_numpy())
    rows = zip(frame.index[one], frame.index[other], shared, strict=True)
    note_values(notes, "rows_overlap", path, [f"{a} + {b} ({area:.0f} m²)" for a, b, area in rows])


class _Rows(NamedTuple):
    """The rows of a file as they stand, the CRS it declares, how many rows it has, and their datum."""

    frame: gpd.GeoDataFrame
    declared: CRS | None
    rows: int
    datum: str


def _read(file: LayerFile, notes: list[Note], limits: Limits, *, polygons: bool) -> _Rows:
    path, suffix = file.path, file.path.suffix.lower()
    known = (*_FIRST_BYTES, *_JSON, *(() if polygons else tables.SUFFIXES))
    check_file(path, known, max_bytes=limits.max_bytes if suffix in _FIRST_BYTES else limits.max_text_bytes)
    table, on = None, file.datum
    if suffix in tables.SUFFIXES:
        table = tables.read_table(path, notes=notes, encoding=file.encoding, sheet=file.sheet, limits=limits)
    elif suffix in _JSON:
        text, document = read_document(path, file.encoding)
        table = amap_places(document, path)
        if table is None:
            frame, declared = geojson_features(text, document, path, limits)
        elif on is None:
            on = "gcj02"
            notes.append(("tables.amap_datum", len(table), path.name))
    else:
        frame, declared = _read_gdal(file, notes, polygons=polygons)
    if table is not None:
        if table.empty:
            raise DataError("tables.no_rows", path=path, count=0)
        points = tables.coordinates(table, path, notes)
        geometry = gpd.points_from_xy(points["x"], points["y"])
        frame, declared = gpd.GeoDataFrame(table.loc[points.index], geometry=geometry), None
    count = len(frame if table is None else table)
    notes.insert(0, ("tables.rows_read", count, path.name))
    return _Rows(frame, declared, count, on or "wgs84")


def _off_datum(frame: gpd.GeoDataFrame, on: str, path: Path, notes: list[Note]) -> gpd.GeoDataFrame:
    """Return the rows moved from a datum of public maps to WGS 84, and say how far."""
    frame = frame.to_crs(WGS84)
    shapes = frame.geometry.to_numpy()
    moved = shapely.transform(shapes, functools.partial(datum.to_wgs84, datum=on))
    here, there = shapely.get_coordinates(shapes), shapely.get_coordinates(moved)
    metres = Geod(ellps="WGS84").inv(*here.T, *there.T)[2]
    notes.append(
        (
            "tables.datum_moved",
            len(frame),
            f"{path.name}: {on}, {np.median(metres) if len(metres) else 0:.0f} m",
        )
    )
    return frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=WGS84))


def _listed_doors(texts: "pd.Series[str]", on: str, crs: CRS | str | int) -> gpd.GeoSeries:
    """Return the entrances that texts name in degrees of a datum, as MultiPoints in `crs`."""
    pairs = texts.map(pairs_in)
    found = [shapely.MultiPoint(datum.to_wgs84(pair, on)) if pair else None for pair in pairs]
    return gpd.GeoSeries(found, index=texts.index, crs=WGS84).to_crs(crs)


def _read_gdal(file: LayerFile, notes: list[Note], *, polygons: bool) -> tuple[gpd.GeoDataFrame, CRS | None]:
    """Return a layer and the CRS it declares, from a file that must be of the format its ending says."""
    path, shapefile = file.path, file.path.suffix.lower() == ".shp"
    first = _FIRST_BYTES[path.suffix.lower()]
    with path.open("rb") as opened:
        head = opened.read(len(first))
    if head != first:
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix)
    (check_shapefile if shapefile else check_geopackage)(path)
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
    sites = [name for name in layers if name != ENTRANCES] or list(layers)
    areas = [name for name, kind in layers.items() if re.search("Polygon|Surface|Collection|Unknown", kind)]
    chosen = file.sheet or next(iter(areas if polygons and areas else sites))
    if file.sheet is None and len(sites) > 1:
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
    cut = {name: whole_name(str(name).encode("latin-1"), used) for name in frame.columns}
    known = {name: whole for name, whole in cut.items() if whole}
    told_of = [f"{meaning[name]} = {whole}" for name, whole in known.items()]
    note_values(notes, "column_cut", file.path, told_of)
    for name in columns:
        frame[name] = frame[name].map(lambda value: meaning.get(value, value))
    return frame.rename(columns=meaning | known)


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
    geometry = frame.geometry.to_numpy().copy()
    bad = ~shapely.is_valid(geometry)
    before = shapely.area(geometry[bad]).sum()
    geometry[bad] = [_mended(shape) for shape in geometry[bad]]
    about = f"{before:.0f} -> {shapely.area(geometry[bad]).sum():.0f} m²"
    note_rows(notes, "rows_repaired", path, pd.Series(bad, index=frame.index), about=about)
    frame = frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=frame.crs))
    return _keep(frame, _has_place(frame), "rows_without_geometry", path, notes)


def _mended(shape: shapely.Geometry) -> shapely.Geometry | None:
    with contextlib.suppress(shapely.GEOSException):  # a few defy repair
        return shapely.make_valid(shape)
    return None


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
    parts = shapely.get_parts(collection)
    while not (single := shapely.get_type_id(parts) < shapely.GeometryType.MULTIPOINT).all():
        parts = np.concatenate([parts[single], shapely.get_parts(parts[~single])])
    return shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGON])
