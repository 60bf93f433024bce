"""Which communities, facilities, homes, barriers or boundary does this planner's file hold?

Each reader of a layer returns it in the city's CRS, and its notes, which are rows of the data-quality table:
item (a message key), count, detail (the file's name, then row numbers or values).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer

from lifecircle.catalog import LayerFile
from lifecircle.doors import DOORS
from lifecircle.errors import DataError
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.sources.cell_values import to_numbers, to_text
from lifecircle.sources.columns import find_column
from lifecircle.sources.datum_check import note_datum
from lifecircle.sources.declared_crs import WGS84
from lifecircle.sources.entrances import doors_of_sites
from lifecircle.sources.facility_facts import amounts_of, not_open, with_capacity
from lifecircle.sources.features import note_overlaps, read_features, without_twins
from lifecircle.sources.notes import Note, note_rows, note_values
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.service_words import FacilityWords, note_left_out, one_row_per_service, said_types
from lifecircle.sources.tables import unique_ids

if TYPE_CHECKING:
    from lifecircle.network import WalkNetwork
    from lifecircle.requirement import Requirement

Area = shapely.Polygon | shapely.MultiPolygon
NEAR_EDGE_M = 2000.0
"""How far outside the area a facility may still serve homes inside: about twice a 15-minute walk."""

_COMMUNITY_FIELDS = {
    "community_id": ("id",),
    "community": ("community", "name"),
    "population": ("population",),
    **{field: (field,) for field in ("households", *AGE_COLUMNS.values())},
    "grid": ("grid",),
    "subdistrict": ("street",),
    "county": ("county",),
    "municipality": ("municipality",),
}
LEVEL_FIELDS = ("committee", "subdistrict", "county", "municipality")
"""Columns of communities that name the units they lie in, from the finest to the coarsest."""


def read_communities(
    file: LayerFile | Path,
    *,
    crs: CRS | str | int,
    bare_crs: str | None = None,
    area: Area | None = None,
    columns: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read the areas that coverage is counted in.

    Parameters
    ----------
    file
        GeoPackage (its first layer with polygons), GeoJSON or Shapefile (in the encoding of its ``.cpg``,
        else strict UTF-8, else GB 18030); as a `LayerFile` where more is known of it than its path.
    crs
        Metric CRS of the result.
    bare_crs
        CRS of the file, where nothing else says it.
    area
        In `crs`: where they should lie, such as the box of the streets.
    columns
        Names of the columns of community_id, community (the name), population, households, the
        `lifecircle.kinds.AGE_COLUMNS`, grid (the name of an area smaller than a community), subdistrict,
        county and municipality, where they do not tell.
    limits
        How large the file may be, and which share of its rows may be left out.

    Returns
    -------
    communities
        Columns community_id (unique text), community (name), population (NaN where it is missing), geometry
        (valid Polygon or MultiPolygon in `crs`); households, the `lifecircle.kinds.AGE_COLUMNS` and
        `LEVEL_FIELDS` only where the file has them. Of a layer of grids (网格) these are the communities, and
        committee is the name of the community around them.
    notes
        Columns item, count, detail.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If the file is not what it says, has no CRS or the wrong one, no polygon, not the `columns` named, or
        a negative population.
    """
    notes: list[Note] = []
    file = LayerFile.of(file)
    path = file.path
    frame = read_features(file, notes, crs=crs, bare_crs=bare_crs, area=area, polygons=True, limits=limits)
    frame = without_twins(frame, path, notes)
    note_overlaps(frame, path, notes)
    chosen = _named_columns(frame, columns or {}, path)
    names = chosen["community"] or _likely_name_column(frame, chosen["community_id"], path, notes)
    levels = {field: chosen[field] for field in LEVEL_FIELDS if chosen.get(field)}
    if chosen["grid"] and chosen["community"]:
        levels["committee"], names = chosen["community"], chosen["grid"]
    ids = unique_ids(_texts(frame, chosen["community_id"]), "c", path, notes)
    labels = _texts(frame, names)
    note_rows(notes, "rows_without_name", path, labels == "")
    return _layer(
        frame,
        community_id=ids,
        community=labels.where(labels != "", ids),
        population=_amounts(frame, chosen["population"], path, notes),
        **{
            field: _amounts(frame, chosen[field], path, notes)
            for field in ("households", *AGE_COLUMNS.values())
            if chosen[field]
        },
        **{field: _texts(frame, column) for field, column in levels.items() if column not in (names, None)},
    ), _notes_frame(notes, path, len(frame))


def read_facilities(  # noqa: PLR0913 - what is known of a file's place in the city
    file: LayerFile | Path,
    *,
    crs: CRS | str | int,
    services: Sequence["Requirement"],
    bare_crs: str | None = None,
    area: Area | None = None,
    network: "WalkNetwork | None" = None,
    limits: Limits = LIMITS,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read one list or layer of facilities and tell their services by their types.

    AMap's code decides, else the type, else the name (`FacilityWords`). A place that several services want is
    a row of each. Facilities outside `area` are kept, because they may serve homes near its edge.

    Parameters
    ----------
    file
        CSV, XLSX, GeoPackage, GeoJSON, Shapefile or a saved answer of AMap's search, as for
        `read_communities`. A list in degrees is taken as WGS 84 where nothing is said of its CRS or datum.
    crs
        Metric CRS of the result.
    services
        The services looked for; a site may offer several of them.
    bare_crs
        CRS of the file, where nothing else says it.
    area
        In `crs`: where the communities are.
    network
        Streets, in `crs`: a site drawn as an area whose entrances are not known is entered where its outline
        comes nearest to one.
    limits
        As for `read_communities`.

    Returns
    -------
    facilities
        Columns facility_id (text, unique in this file), name, service (id), source (name of the file), status
        where the file has it, geometry (Point in `crs`; of a polygon, a point on it) and, where any row has
        some, doors (MultiPoint in `crs` or None); the columns that `with_capacity` adds and those of
        `lifecircle.sources.facility_facts.SIZES` that the file has. What it calls not open to all is left
        out.
    notes
        Columns item, count, detail.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If the file is not what it says, no row has a position, no type is known, its coordinates are swapped
        or in another CRS, or every facility lies more than `NEAR_EDGE_M` outside `area`.
    """
    notes: list[Note] = []
    file = LayerFile.of(file)
    path = file.path
    frame = read_features(file, notes, crs=crs, bare_crs=bare_crs, area=area, limits=limits)
    if area is not None:
        _check_area(frame, area, path, notes)
    words = FacilityWords(services)
    columns = {field: find_column(frame.columns, field) for field in ("name", "typecode")}
    types = said_types(frame[_attributes(frame)], words)
    if types is None and not any(columns.values()):
        raise DataError("tables.no_types", path=path, columns=", ".join(_attributes(frame)))
    names, codes = (_texts(frame, column) for column in columns.values())
    types = _texts(frame, None) if types is None else types
    found = pd.Series(list(map(words.recognise, codes, types, names)), index=frame.index, dtype=object)
    known = found.map(lambda one: bool(one.services)).astype(bool)
    types = types.where(types != "", codes)
    note_left_out(notes, path, found[~known], types[~known], names[~known], words)
    if not found.map(lambda one: bool(one.kind or one.services)).any():
        seen = types.where(types != "", names).unique()[:10]
        labels = [name for one in services for name in (one.name, *(kind.name for kind in one.kinds))]
        asked = dict.fromkeys(text for name in labels for text in name.values())
        raise DataError("tables.nothing_recognised", path=path, seen=", ".join(seen), known=", ".join(asked))
    closed = known & not_open(frame)
    note_values(
        notes, "rows_not_open", path, frame.index[closed] if columns["name"] is None else names[closed]
    )
    known &= ~closed
    frame = frame[known]
    if network is not None:
        on_gcj02 = any(item == "tables.amap_datum" for item, *_ in notes)
        points = frame.representative_point()
        on = file.datum or ("gcj02" if on_gcj02 else "wgs84")
        note_datum(np.column_stack([points.x, points.y]), network, on, path, notes)
    doors = doors_of_sites(frame, file, notes, bare_crs=bare_crs, network=network, limits=limits)
    facilities = _layer(
        frame.set_geometry(frame.representative_point()),
        facility_id=unique_ids(_texts(frame, find_column(frame.columns, "id")), f"{path.stem}-", path, notes),
        name=names[known],
        service=found[known].map(lambda one: one.services),
        source=path.name,
        **amounts_of(frame, path, notes),
        site=frame.index,
        **({} if doors is None else {DOORS: doors}),
    )
    if status := find_column(frame.columns, "status"):
        facilities["status"] = _texts(frame, status).to_numpy()
    facilities = with_capacity(one_row_per_service(facilities), services, path, notes)
    return facilities, _notes_frame(notes, path, len(frame))


def read_homes(
    file: LayerFile | Path,
    *,
    crs: CRS | str | int,
    bare_crs: str | None = None,
    limits: Limits = LIMITS,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read where people live: dwellings, buildings or addresses, as points or polygons.

    Parameters
    ----------
    file, crs, bare_crs, limits
        As for `read_facilities`.

    Returns
    -------
    homes
        Columns residents, floor_m2 (float, NaN where the file does not say), geometry (Point in `crs`; of a
        polygon, a point on it); households and the `lifecircle.kinds.AGE_COLUMNS` only where the file has
        them. A polygon without a floor area gets its footprint times its levels, if known.
    notes
        Columns item, count, detail.

    Raises
    ------
    FileError, DataError
        As for `read_facilities`; also if residents, a group of them, floor area or levels are negative.
    """
    notes: list[Note] = []
    file = LayerFile.of(file)
    path = file.path
    frame = read_features(file, notes, crs=crs, bare_crs=bare_crs, limits=limits)
    amounts = {
        field: _amounts(frame, find_column(frame.columns, field), path, notes)
        for field in ("population", "floor_m2", "levels")
    }
    groups = {field: find_column(frame.columns, field) for field in ("households", *AGE_COLUMNS.values())}
    drawn = (frame.area * amounts["levels"]).where(frame.area > 0)
    return _layer(
        frame.set_geometry(frame.representative_point()),
        residents=amounts["population"],
        floor_m2=amounts["floor_m2"].fillna(drawn),
        **{field: _amounts(frame, column, path, notes) for field, column in groups.items() if column},
    ), _notes_frame(notes, path, len(frame))


def read_boundary(
    file: LayerFile | Path,
    *,
    crs: CRS | str | int,
    bare_crs: str | None = None,
    limits: Limits = LIMITS,
) -> Area:
    """Return the union of the polygons in a GeoPackage, GeoJSON or Shapefile, in `crs`.

    Raises
    ------
    FileError, DataError
        As for `read_communities`.
    """
    frame = read_features(LayerFile.of(file), [], crs=crs, bare_crs=bare_crs, polygons=True, limits=limits)
    union: Area = frame.union_all()
    return union


def read_barriers(
    file: LayerFile | Path,
    *,
    crs: CRS | str | int,
    bare_crs: str | None = None,
    limits: Limits = LIMITS,
) -> tuple[gpd.GeoSeries, pd.DataFrame]:
    """Read what nobody walks across but on a street: lines, such as walls, and areas, such as works.

    Parameters
    ----------
    file
        GeoPackage, GeoJSON or Shapefile.
    crs
        CRS of the result.
    bare_crs, limits
        As for `read_communities`.

    Returns
    -------
    barriers
        LineStrings and Polygons in `crs`.
    notes
        Columns item, count, detail.

    Raises
    ------
    FileError, DataError
        As for `read_communities`; also if no feature is a line or an area.
    """
    notes: list[Note] = []
    file = LayerFile.of(file)
    path = file.path
    frame = read_features(file, notes, crs=crs, bare_crs=bare_crs, limits=limits)
    parts = frame.geometry.explode().explode()  # twice: a collection may hold multi-part shapes
    parts = parts[parts.geom_type.isin(["LineString", "Polygon"])]
    used = frame.index.isin(parts.index)
    note_rows(notes, "rows_not_barriers", path, pd.Series(~used, index=frame.index))
    if parts.empty:
        raise DataError("tables.no_barriers", path=path, found=", ".join(sorted(set(frame.geom_type))))
    return parts.reset_index(drop=True), _notes_frame(notes, path, int(used.sum()))


def _named_columns(frame: gpd.GeoDataFrame, given: Mapping[str, str], path: Path) -> dict[str, str | None]:
    """Return the column of each field of a community: as the user names it, else as it is called."""
    known = _attributes(frame)
    for field, column in given.items():
        if field not in _COMMUNITY_FIELDS:
            raise DataError(
                "tables.unknown_field", path=path, value=field, known=", ".join(_COMMUNITY_FIELDS)
            )
        if column not in known:
            raise DataError(
                "tables.unknown_column", path=path, value=column, field=field, known=", ".join(known)
            )
    called = {
        field: next(filter(None, (find_column(known, alias) for alias in aliases)), None)
        for field, aliases in _COMMUNITY_FIELDS.items()
    }
    return {**called, **given}


def _likely_name_column(
    frame: gpd.GeoDataFrame, taken: str | None, path: Path, notes: list[Note]
) -> str | None:
    """Return the first column of texts that mostly differ, and say so in `notes`."""
    for column in _attributes(frame):
        if column != taken and frame[column].dtype.kind == "O":
            texts = _texts(frame, column)
            words = texts[texts.str.contains(r"[^\W\d_]")]
            if 2 * len(words) > len(texts) and 2 * words.nunique() > len(words):
                note_values(notes, "name_column_chosen", path, [column])
                return column
    return None


def _attributes(frame: gpd.GeoDataFrame) -> list[str]:
    return [column for column in frame.columns if column != frame.geometry.name]


def _texts(frame: gpd.GeoDataFrame, column: str | None) -> "pd.Series[str]":
    return to_text(frame[column]) if column else pd.Series("", index=frame.index)


def _amounts(
    frame: gpd.GeoDataFrame, column: str | None, path: Path, notes: list[Note]
) -> "pd.Series[float]":
    """Return a column as numbers that are not negative; what is missing stays missing."""
    if column is None:
        return pd.Series(float("nan"), index=frame.index)
    amounts = to_numbers(frame[column])
    negative = amounts[amounts < 0]
    if len(negative):
        row = negative.index[0]
        raise DataError("tables.negative", path=path, column=column, row=row, value=f"{negative[row]:g}")
    note_rows(notes, "rows_without_number", path, amounts.isna(), about=column)
    return amounts


def _check_area(frame: gpd.GeoDataFrame, area: Area, path: Path, notes: list[Note]) -> None:
    """Count the facilities outside `area`; refuse a file whose every facility is far outside."""
    distance = frame.distance(area)
    if (distance > NEAR_EDGE_M).all():
        to_degrees = Transformer.from_crs(frame.crs, WGS84, always_xy=True)
        here, there = (
            ", ".join(f"{value:.4f}" for value in to_degrees.transform_bounds(*bounds))
            for bounds in (frame.total_bounds, area.bounds)
        )
        raise DataError("tables.outside", path=path, bounds=here, area=there)
    note_rows(notes, "rows_outside", path, distance > 0)


def _layer(frame: gpd.GeoDataFrame, **columns: Any) -> gpd.GeoDataFrame:
    """Return a new layer of these columns on the geometry of `frame`, numbered from 0."""
    data = pd.DataFrame(columns, index=frame.index)
    return gpd.GeoDataFrame(data, geometry=frame.geometry, crs=frame.crs).reset_index(drop=True)


def _notes_frame(notes: list[Note], path: Path, used: int) -> pd.DataFrame:
    """Return the notes as a table, with the number of rows used at its end."""
    return pd.DataFrame(
        [*notes, ("tables.rows_used", used, path.name)], columns=pd.Index(["item", "count", "detail"])
    )
