"""How do a city's files become a `City`?"""

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import geopandas as gpd
import pandas as pd
import shapely

from lifecircle.barriers import Barriers
from lifecircle.catalog import AnyFile, CityFiles, LayerFile, Overrides, Overriding, find_city, load_standard
from lifecircle.catalog.city_files import as_record
from lifecircle.catalog.kind_files import with_supplements
from lifecircle.city import City
from lifecircle.errors import DataError
from lifecircle.kinds import AGE_COLUMNS, REAL
from lifecircle.metric import as_crs, in_china
from lifecircle.network import Positions, WalkNetwork
from lifecircle.people import place_people, quality_frame
from lifecircle.sources.city_facilities import facilities_of
from lifecircle.sources.city_quality import quality_of, supplement_notes, with_standing
from lifecircle.sources.elevation import read_relief
from lifecircle.sources.indicators import read_indicators
from lifecircle.sources.input_files import file_facts, input_files, unreadable
from lifecircle.sources.kept_city import KeptCities, key_of
from lifecircle.sources.layers import (
    read_barriers,
    read_boundary,
    read_communities,
    read_homes,
)
from lifecircle.sources.levels import read_levels
from lifecircle.sources.memory import check_memory
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.osm_file import OsmData, OsmGround, read_ground, with_facilities
from lifecircle.sources.osm_things import Things, facility_keys
from lifecircle.sources.population import read_population
from lifecircle.sources.tiles import Tiling, read_tiled_ground

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

Progress = Callable[[str], None]
_ROLES_OF_GROUND = {"osm", "data_area", "barriers", "entrances"}
"""Files that say what the streets are and where they end; all else is read anew each time."""
_LEVEL = {"elevation.none": 1}


def load_city(  # noqa: PLR0913  what may be chosen of a city
    city: str | PathLike[str],
    *,
    services: Iterable["Requirement"] | None = None,
    crs: str | None = None,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    **overriding: Unpack[Overriding],
) -> City:
    """Return the city of that name or folder.

    Parameters
    ----------
    city
        A name, looked for in the working directory, the user's data folder and among the bundled cities; or a
        folder.
    services
        Services whose facilities are read; those of the standard ``life-circle`` where None.
    crs
        Metric CRS to work in, and of layers that name none; where None the city file's own, else one that
        fits the place.
    kept
        Where to keep what was read, so that next time it need not be; nowhere where None.
    limits
        How large its files may be, and which share of their rows may be left out.
    tiling
        Who reads the streets and puts places on them, in tiles; nothing of that is kept. Whole where None.
    progress
        Called with the name of each step (``"streets"``, ``"communities"``, ``"facilities"``, ``"homes"``).
    elevation, population, barriers, levels, columns, scenario
        What is put in the place of the city's own: see `lifecircle.catalog.Overrides`.

    Returns
    -------
    City

    Raises
    ------
    UnknownNameError, FileError, DataError
        If there is no such city, or one of its files is missing or wrong.
    """
    files = find_city(city)
    return read_city_files(
        Overrides(**overriding).of(files),
        services=services,
        crs=crs,
        kept=kept,
        limits=limits,
        tiling=tiling,
        progress=progress,
    )


def read_city(  # noqa: PLR0913  every file of a city is an option of its own
    *,
    osm: str | PathLike[str],
    communities: AnyFile,
    facilities: AnyFile | Sequence[AnyFile] = (),
    homes: AnyFile | None = None,
    crs: str | None = None,
    name: str | None = None,
    services: Iterable["Requirement"] | None = None,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    **overriding: Unpack[Overriding],
) -> City:
    """Return a city from files.

    Parameters
    ----------
    osm
        OpenStreetMap extract: streets, buildings, facilities.
    communities
        Layer of polygons, with names and perhaps populations. Here as below a path, or a
        `lifecircle.LayerFile` that says more of the file: ``LayerFile("list.xlsx", datum="gcj02")``.
    facilities
        Official lists (CSV, XLSX, GPKG, GeoJSON, Shapefile, a saved answer of AMap); for a service they name,
        OpenStreetMap is not used.
    homes
        Layer of points with residents or floor_m2, in place of buildings.
    crs, services, kept, limits, tiling, progress
        As for `load_city`. A `crs` in degrees counts only for layers that name none.
    name
        What to call the city; the file's name where None.
    elevation, population, barriers, levels, columns, scenario
        As for `load_city`.

    Returns
    -------
    City

    Raises
    ------
    FileError, DataError
        If a file is missing or wrong; the message names it.
    """
    files = plain_files(osm=osm, communities=communities, facilities=facilities, homes=homes, name=name)
    return read_city_files(
        Overrides(**overriding).of(files),
        services=services,
        crs=crs,
        kept=kept,
        limits=limits,
        tiling=tiling,
        progress=progress,
    )


def plain_files(
    *,
    osm: str | PathLike[str],
    communities: AnyFile,
    facilities: AnyFile | Sequence[AnyFile] = (),
    homes: AnyFile | None = None,
    name: str | None = None,
) -> CityFiles:
    """Return files that stand in no folder of a city; parameters as for `read_city`."""
    lists = [facilities] if isinstance(facilities, str | PathLike | LayerFile) else facilities
    osm = Path(osm)
    called = name or osm.name.split(".")[0]
    return CityFiles(
        id=called,
        folder=osm.resolve().parent,
        name={"en": called, "zh": called},
        lang="",
        data=REAL,
        osm=osm,
        communities=LayerFile.of(communities),
        facilities=tuple(LayerFile.of(file) for file in lists),
        homes=LayerFile.of(homes) if homes else None,
    )


def read_city_files(  # noqa: PLR0913  what may be chosen of a city
    files: CityFiles,
    *,
    services: Iterable["Requirement"] | None = None,
    crs: str | None = None,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
) -> City:
    """Return the city that these files make; parameters as for `load_city`."""
    step, files = progress or (lambda _: None), dataclasses.replace(files, crs=crs or files.crs)
    chosen = tuple(services) if services is not None else load_standard("life-circle").services
    if files.supplementary:
        chosen = with_supplements(chosen)
    for error in unreadable(files, limits).values():
        raise error
    if tiling is None:
        check_memory(files.osm)
    inputs = tuple(file_facts(role, path) for role, path in input_files(files))
    step("streets")
    work_crs = None if files.crs is not None and as_crs(files.crs).is_geographic else files.crs
    area = None
    if files.data_area is not None:
        outline = read_boundary(files.data_area, crs=4326, bare_crs=files.crs, limits=limits)
        area = gpd.GeoSeries([outline], crs=4326)
    barriers, barrier_notes = None, pd.DataFrame()
    if files.barriers is not None:
        barriers, barrier_notes = read_barriers(files.barriers, crs=4326, bare_crs=files.crs, limits=limits)
    read_by: dict[str, Any] = {
        "services": chosen,
        "crs": work_crs,
        "boundary": area,
        "barriers": barriers,
        "limits": limits,
    }
    if tiling is None:
        ground = _ground(files, inputs, kept, read_by)
    else:
        ground = read_tiled_ground(files.osm, tiling, **read_by)
    osm = with_facilities(ground, chosen, files.osm)
    relief, relief_counts = (
        read_relief(files.elevation, osm.network, limits=limits) if files.elevation else (None, _LEVEL)
    )
    step("communities")
    communities, community_notes = read_communities(
        files.communities,
        crs=osm.network.crs,
        bare_crs=files.crs,
        area=shapely.box(*shapely.total_bounds(osm.network.lines)),
        columns=files.columns or None,
        limits=limits,
    )
    _check_same_place(files, communities, osm)
    communities, levels, level_notes = read_levels(files, communities)
    grid = read_population(files.population, communities, limits=limits) if files.population else None
    step("facilities")
    facilities, sources, facility_notes = facilities_of(files, osm, chosen, communities, limits)
    step("homes")
    listed, home_notes = None, pd.DataFrame()
    if files.homes is not None:
        listed, home_notes = read_homes(files.homes, crs=osm.network.crs, bare_crs=files.crs, limits=limits)
    people = place_people(communities, osm.network, osm.homes, listed=listed, grid=grid, shares=files.ages)
    city = City(
        name=files.name,
        crs=osm.network.crs,
        network=osm.network,
        communities=communities,
        facilities=facilities,
        homes=people.homes,
        measure=people.measure,
        lang=files.lang or _language(communities),
        data=files.data,
        relief=relief,
        backdrop=osm.backdrop,
        boundary=osm.boundary,
        quality=quality_of(
            osm,
            people,
            facilities,
            [
                *(quality_frame(relief_counts), barrier_notes, community_notes, *supplement_notes(files)),
                *(*facility_notes, home_notes, *level_notes),
            ],
            files.ages_source,
        ),
        inputs=inputs,
        osm_timestamp=osm.timestamp,
        service_sources=sources,
        folder=files.folder,
        levels=levels,
        min_group=files.min_group,
        indicators=None if files.indicators is None else read_indicators(files.indicators, limits=limits),
        age_shares={
            ages: share
            for ages, share in files.ages.items()
            if f"people.share_{AGE_COLUMNS[ages]}" in people.quality
        },
        origin=json.loads(json.dumps(_origin(files, limits), default=os.path.abspath)),
    )
    return with_standing(city, files.statuses)


def _ground(
    files: CityFiles,
    inputs: Sequence[Mapping[str, Any]],
    kept: KeptCities | None,
    read_by: Mapping[str, Any],
) -> OsmGround:
    """Return what the OpenStreetMap file holds, read by `read_by` now or before."""
    if kept is None:
        return read_ground(files.osm, **read_by)
    sources = [(facts["role"], facts["sha256"]) for facts in inputs if facts["role"] in _ROLES_OF_GROUND]
    layers = [layer for layer in (files.data_area, files.barriers) if layer is not None]
    said = [(layer.encoding, layer.sheet, layer.crs, layer.datum) for layer in layers]
    read_as = [read_by["crs"], read_by["limits"], files.crs, files.osm.name, said]
    key = key_of(sources, read_as, facility_keys(read_by["services"]))
    classes = [OsmGround, WalkNetwork, Barriers, Positions, Things]
    ground = kept.recall(key, classes, lambda: read_ground(files.osm, **read_by))
    vars(ground.network)["snapped"] = kept.positions(key)
    return ground


def _check_same_place(files: CityFiles, communities: gpd.GeoDataFrame, osm: OsmData) -> None:
    """Refuse communities that no street comes near: they are of another place or in another CRS."""
    here, there = communities.total_bounds, shapely.total_bounds(osm.network.lines)
    if not shapely.box(*here).intersects(shapely.box(*there)):
        raise DataError(
            "city.outside_streets",
            path=files.communities.path,
            communities=_degrees(here, communities),
            osm=files.osm,
            streets=_degrees(there, communities),
        )


def _degrees(bounds: Any, layer: gpd.GeoDataFrame) -> str:
    low_lon, low_lat, high_lon, high_lat = (
        gpd.GeoSeries([shapely.box(*bounds)], crs=layer.crs).to_crs(4326).total_bounds
    )
    return f"{low_lon:.3f}..{high_lon:.3f} E, {low_lat:.3f}..{high_lat:.3f} N"


def _language(communities: gpd.GeoDataFrame) -> str:
    """Return the language of the place: Chinese in China, else English."""
    low_lon, low_lat, high_lon, high_lat = communities.to_crs(4326).total_bounds
    return "zh" if in_china((low_lon + high_lon) / 2, (low_lat + high_lat) / 2) else "en"


def _origin(files: CityFiles, limits: Limits) -> dict[str, Any]:
    """Return where a city comes from, so that it can be read again; limits only where they were changed."""
    changed = {} if limits == LIMITS else {"limits": dataclasses.asdict(limits)}
    return as_record(files) | changed
