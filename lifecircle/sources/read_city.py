"""How do a city's files become a `City`?"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.access import WALLED_IN
from lifecircle.barriers import Barriers
from lifecircle.catalog import AnyLevel, CityFiles, LayerFile, LevelFile, find_city, load_standard
from lifecircle.catalog.kind_files import load_kinds, with_supplements
from lifecircle.city import REAL, City
from lifecircle.doors import sites_of
from lifecircle.errors import DataError, FileError, LifecircleError
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.metric import as_crs, in_china
from lifecircle.network import Positions, WalkNetwork
from lifecircle.people import People, place_people, quality_frame
from lifecircle.sources.elevation import read_relief
from lifecircle.sources.facility_facts import FROM, ROOM
from lifecircle.sources.indicators import read_indicators
from lifecircle.sources.kept_city import KeptCities, key_of
from lifecircle.sources.layers import (
    read_barriers,
    read_boundary,
    read_communities,
    read_facilities,
    read_homes,
)
from lifecircle.sources.levels import read_levels
from lifecircle.sources.memory import check_memory
from lifecircle.sources.opening import LIMITS, Limits, check_file
from lifecircle.sources.osm_file import OsmData, OsmGround, read_ground, with_facilities
from lifecircle.sources.osm_things import Things, facility_keys
from lifecircle.sources.population import read_population
from lifecircle.sources.tables import Note, note_values, unique_ids
from lifecircle.sources.tiles import Tiling, read_tiled_ground

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

Progress = Callable[[str], None]
AnyFile = str | PathLike[str] | LayerFile
_ROLES_OF_GROUND = {"osm", "data_area", "barriers", "entrances"}
"""Files that say what the streets are and where they end; all else is read anew each time."""
_LEVEL = {"elevation.none": 1}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Which facilities count beside those that stand and are full ones; and what is checked beside walks.

    Attributes
    ----------
    statuses
        Such as ``"planned"`` or ``"在建"``: facilities of these statuses count, too; where empty those of the
        ``city.toml``, and where that names none, only what stands.
    supplementary
        Whether what supplements a service, such as a cloud clinic (云诊室), counts; else as ``city.toml``
        says.
    indicators
        Table of indicators with their targets and values (CSV, XLSX); where None the city file's own.
    """

    statuses: tuple[str, ...] = ()
    supplementary: bool = False
    indicators: Path | None = None

    def of(self, files: CityFiles) -> CityFiles:
        """Return the files of a city as this says."""
        return dataclasses.replace(
            files,
            statuses=self.statuses or files.statuses,
            supplementary=self.supplementary or files.supplementary,
            indicators=self.indicators or files.indicators,
        )


AS_FILED = Scenario()
"""As the ``city.toml`` says."""


def load_city(  # noqa: PLR0913  what may be chosen of a city
    city: str | PathLike[str],
    *,
    services: Iterable["Requirement"] | None = None,
    crs: str | None = None,
    elevation: str | PathLike[str] | None = None,
    population: str | PathLike[str] | None = None,
    barriers: AnyFile | None = None,
    levels: Sequence[AnyLevel] = (),
    columns: Mapping[str, str] | None = None,
    scenario: Scenario = AS_FILED,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
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
    elevation
        GeoTIFF of heights in metres, so that slopes count; where None the city file's own, else all is level.
    population
        GeoTIFF of residents per cell, such as WorldPop's; where None the city file's own, if any.
    barriers
        Layer of lines and areas that nobody walks across but on a street, besides OpenStreetMap's; where None
        the city file's own.
    levels
        Layers of units in which people are counted together, such as planning units; where empty the city
        file's own.
    columns
        What columns of the communities are called, beside those that the city file names: see
        `lifecircle.sources.layers.read_communities`.
    scenario
        Which facilities count beside those that stand, and what is checked beside walks.
    kept
        Where to keep what was read, so that next time it need not be; nowhere where None.
    limits
        How large its files may be, and which share of their rows may be left out.
    tiling
        Who reads the streets and puts places on them, in tiles; nothing of that is kept. Whole where None.
    progress
        Called with the name of each step (``"streets"``, ``"communities"``, ``"facilities"``, ``"homes"``).

    Returns
    -------
    City

    Raises
    ------
    UnknownNameError, FileError, DataError
        If there is no such city, or one of its files is missing or wrong.
    """
    files = find_city(city)
    files = with_files(
        files,
        elevation=elevation,
        population=population,
        barriers=barriers,
        levels=levels,
        columns=columns,
        scenario=scenario,
    )
    return read_city_files(
        files, services=services, crs=crs, kept=kept, limits=limits, tiling=tiling, progress=progress
    )


def with_files(  # noqa: PLR0913  what may be chosen of a city
    files: CityFiles,
    *,
    elevation: str | PathLike[str] | None = None,
    population: str | PathLike[str] | None = None,
    barriers: AnyFile | None = None,
    levels: Sequence[AnyLevel] = (),
    columns: Mapping[str, str] | None = None,
    scenario: Scenario = AS_FILED,
) -> CityFiles:
    """Return the city's files with some put in the place of its own; None, or nothing, leaves its own."""
    if elevation is not None:
        files = dataclasses.replace(files, elevation=Path(elevation))
    if population is not None:
        files = dataclasses.replace(files, population=Path(population))
    if barriers is not None:
        files = dataclasses.replace(files, barriers=LayerFile.of(barriers))
    if levels:
        units = tuple(LevelFile.of(file, number) for number, file in enumerate(levels, start=1))
        files = dataclasses.replace(files, levels=units)
    if columns:
        files = dataclasses.replace(files, columns={**files.columns, **columns})
    return scenario.of(files)


def read_city(  # noqa: PLR0913  every file of a city is an option of its own
    *,
    osm: str | PathLike[str],
    communities: AnyFile,
    facilities: AnyFile | Sequence[AnyFile] = (),
    homes: AnyFile | None = None,
    elevation: str | PathLike[str] | None = None,
    population: str | PathLike[str] | None = None,
    barriers: AnyFile | None = None,
    levels: Sequence[AnyLevel] = (),
    columns: Mapping[str, str] | None = None,
    scenario: Scenario = AS_FILED,
    crs: str | None = None,
    name: str | None = None,
    services: Iterable["Requirement"] | None = None,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
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
    elevation
        GeoTIFF of heights in metres, so that slopes count; without one all streets are level.
    population
        GeoTIFF of residents per cell, such as WorldPop's: where in a community its people live, and how many
        where it does not say.
    barriers, levels, columns, scenario
        As for `load_city`.
    crs, services, kept, limits, tiling, progress
        As for `load_city`. A `crs` in degrees counts only for layers that name none.
    name
        What to call the city; the file's name where None.

    Returns
    -------
    City

    Raises
    ------
    FileError, DataError
        If a file is missing or wrong; the message names it.
    """
    files = plain_files(osm=osm, communities=communities, facilities=facilities, homes=homes, name=name)
    files = with_files(
        files,
        elevation=elevation,
        population=population,
        barriers=barriers,
        levels=levels,
        columns=columns,
        scenario=scenario,
    )
    return read_city_files(
        files, services=services, crs=crs, kept=kept, limits=limits, tiling=tiling, progress=progress
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
    facilities, sources, facility_notes = _facilities(files, osm, chosen, communities, limits)
    step("homes")
    listed, home_notes = None, pd.DataFrame()
    if files.homes is not None:
        listed, home_notes = read_homes(files.homes, crs=osm.network.crs, bare_crs=files.crs, limits=limits)
    people = place_people(communities, osm.network, osm.homes, listed=listed, grid=grid, shares=files.ages)
    if people.homes.empty:
        raise DataError("city.no_homes", path=files.communities.path)
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
        quality=_quality(
            osm,
            people,
            facilities,
            [
                *(quality_frame(relief_counts), barrier_notes, community_notes, *_supplements(files)),
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
    return _standing(city, files.statuses)


def _supplements(files: CityFiles) -> list[pd.DataFrame]:
    """Return the note of which kinds count only because that was asked for."""
    kinds = [" ".join(kind.name.values()) for kind in load_kinds().values() if kind.supplements]
    if not files.supplementary:
        return []
    return [quality_frame({"city.supplementary": len(kinds)}, ", ".join(kinds))]


def _standing(city: City, statuses: Sequence[str]) -> City:
    """Return the city with what stands, and what stands once that of `statuses` does; all else is listed."""
    city = city.with_status(*statuses)
    if city.planned is None or city.planned.empty:
        return city
    notes: list[Note] = []
    for source, rows in city.planned.groupby("source"):
        named = [f"{name} ({said})" for name, said in zip(rows["name"], rows["status"], strict=True)]
        note_values(notes, "rows_not_standing", Path(str(source)), named)
    listed = pd.DataFrame(notes, columns=city.quality.columns)
    return dataclasses.replace(city, quality=pd.concat([city.quality, listed], ignore_index=True))


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


def input_files(files: CityFiles) -> list[tuple[str, Path]]:
    """Return role and path of every file that a city is read from, in the order of ``City.inputs``."""
    layers = [("communities", files.communities)]
    layers += [("facilities", layer) for layer in files.facilities]
    layers += [("levels", level.file) for level in files.levels]
    further = {role: getattr(files, role) for role in ("homes", "barriers", "data_area")}
    layers += [(role, layer) for role, layer in further.items() if layer is not None]
    roles = [("osm", files.osm), *((role, layer.path) for role, layer in layers)]
    if files.indicators is not None:
        roles.append(("indicators", files.indicators))
    roles += [("entrances", layer.entrances) for _, layer in layers if layer.entrances is not None]
    rasters = {"elevation": files.elevation, "population": files.population}
    return roles + [(role, path) for role, path in rasters.items() if path is not None]


def file_facts(role: str, path: Path) -> dict[str, Any]:
    """Return what identifies a file, so that a result can be traced to its inputs."""
    if not path.is_file():
        raise FileError("city.missing_file", role=role, path=path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"role": role, "path": str(path), "size": path.stat().st_size, "sha256": digest}


def unreadable(files: CityFiles, limits: Limits = LIMITS) -> dict[Path, LifecircleError]:
    """Return which files are not there, no files, or too large, before one of them is read to its end."""
    found: dict[Path, LifecircleError] = {}
    for role, path in input_files(files):
        if not path.exists():
            found[path] = FileError("city.missing_file", role=role, path=path)
            continue
        try:
            check_file(path, (path.suffix.lower(),), max_bytes=limits.max_bytes)
        except LifecircleError as error:
            found[path] = error
    return found


def _origin(files: CityFiles, limits: Limits) -> dict[str, Any]:
    """Return where a city comes from, so that it can be read again; limits only where they were changed."""
    changed = {} if limits == LIMITS else {"limits": dataclasses.asdict(limits)}
    return dataclasses.asdict(files) | changed


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


def _degrees(bounds: Any, layer: gpd.GeoDataFrame) -> str:  # noqa: ANN401
    low_lon, low_lat, high_lon, high_lat = (
        gpd.GeoSeries([shapely.box(*bounds)], crs=layer.crs).to_crs(4326).total_bounds
    )
    return f"{low_lon:.3f}..{high_lon:.3f} E, {low_lat:.3f}..{high_lat:.3f} N"


def _facilities(
    files: CityFiles,
    osm: OsmData,
    services: Sequence["Requirement"],
    communities: gpd.GeoDataFrame,
    limits: Limits,
) -> tuple[gpd.GeoDataFrame, dict[str, str], list[pd.DataFrame]]:
    """Return facilities, the source of each service, and notes; official lists go before OpenStreetMap."""
    area = shapely.box(*communities.total_bounds)
    read = [
        read_facilities(
            layer,
            crs=osm.network.crs,
            services=services,
            bare_crs=files.crs,
            area=area,
            network=osm.network,
            limits=limits,
        )
        for layer in files.facilities
    ]
    official = [frame for frame, _ in read]
    named = {service for frame in official for service in frame["service"]}
    parts = [*official, osm.facilities[~osm.facilities["service"].isin(named)]]
    facilities = gpd.GeoDataFrame(
        pd.concat([part for part in parts if len(part)] or parts[-1:], ignore_index=True)
    )
    for text in {"status", FROM}.intersection(facilities.columns):
        facilities[text] = facilities[text].fillna("")
    facilities["facility_id"] = unique_ids(facilities["facility_id"], "f", files.folder, [])
    sources = {
        service.id: ", ".join(facilities.loc[facilities["service"] == service.id, "source"].unique())
        for service in services
    }
    notes = [notes for _, notes in read]
    if ROOM in facilities and (told := facilities[ROOM].notna() & (facilities["source"] == "osm")).any():
        shown = ", ".join(dict.fromkeys(filter(None, facilities.loc[told, "name"][:10])))
        notes.append(quality_frame({"city.places_from_osm": int(told.sum())}, shown))
    return facilities.set_crs(osm.network.crs, allow_override=True), sources, notes


def _language(communities: gpd.GeoDataFrame) -> str:
    """Return the language of the place: Chinese in China, else English."""
    low_lon, low_lat, high_lon, high_lat = communities.to_crs(4326).total_bounds
    return "zh" if in_china((low_lon + high_lon) / 2, (low_lat + high_lat) / 2) else "en"


def _quality(
    osm: OsmData, people: People, facilities: gpd.GeoDataFrame, notes: list[pd.DataFrame], ages_source: str
) -> pd.DataFrame:
    """Return the table of what was read, dropped and assumed; counts of nothing are left out."""
    counts = dict(people.quality)
    for layer, places in (("homes", people.homes), ("facilities", facilities)):
        xy, of = shapely.get_coordinates(sites_of(places), return_index=True)
        found = osm.network.snap(*xy.T, public_only=layer == "facilities").of(of)
        reached = np.unique(found.place[found.on_street])
        counts[f"city.{layer}_off_network"] = len(places) - len(reached)
        counts[f"city.{layer}_walled_in"] = len(np.unique(found.place[found.gate == WALLED_IN]))
    counts["city.data_end_unknown"] = int(osm.boundary is None and len(osm.network.exits) == 0)
    if people.measure == "residents":
        counts.pop("city.communities_without_population")
    by_share = [f"people.share_{column}" for column in AGE_COLUMNS.values()]
    shares = {item: counts.pop(item) for item in by_share if item in counts}
    parts = [osm.quality, quality_frame(counts), quality_frame(shares, ages_source), *notes]
    # An empty part has no column of whole numbers, and would make fractions of all.
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    outside = gpd.GeoSeries(shapely.points(people.outside[:11]), crs=osm.network.crs).to_crs(4326)
    shown = [f"{x:.5f}, {y:.5f}" for x, y in zip(outside.x[:10], outside.y[:10], strict=True)]
    more = ["…"] if len(outside) > len(shown) else []
    table.loc[table["item"] == "city.homes_outside", "detail"] = "; ".join(shown + more)
    return table[table["count"] > 0].reset_index(drop=True)
