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
import pandas as pd
import shapely

from lifecircle.catalog import CityFiles, LayerFile, find_city, load_standard
from lifecircle.city import REAL, City
from lifecircle.errors import DataError, FileError
from lifecircle.metric import in_china
from lifecircle.network import Positions, WalkNetwork
from lifecircle.people import People, place_people, quality_frame
from lifecircle.sources.elevation import read_relief
from lifecircle.sources.kept_city import KeptCities, key_of
from lifecircle.sources.layers import read_boundary, read_communities, read_facilities, read_homes
from lifecircle.sources.osm_file import OsmData, OsmGround, read_ground, with_facilities
from lifecircle.sources.osm_things import Things, facility_keys
from lifecircle.sources.tables import unique_ids

if TYPE_CHECKING:
    from lifecircle.standard import Service

Progress = Callable[[str], None]
_LEVEL = {"elevation.none": 1}


def load_city(
    city: str | PathLike[str],
    *,
    services: Iterable["Service"] | None = None,
    crs: str | None = None,
    elevation: str | PathLike[str] | None = None,
    kept: KeptCities | None = None,
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
    kept
        Where to keep what was read, so that next time it need not be; nowhere where None.
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
    if elevation is not None:
        files = dataclasses.replace(files, elevation=Path(elevation))
    return read_city_files(files, services=services, crs=crs, kept=kept, progress=progress)


def read_city(  # noqa: PLR0913  every file of a city is an option of its own
    *,
    osm: str | PathLike[str],
    communities: str | PathLike[str],
    facilities: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    homes: str | PathLike[str] | None = None,
    elevation: str | PathLike[str] | None = None,
    crs: str | None = None,
    name: str | None = None,
    services: Iterable["Service"] | None = None,
    kept: KeptCities | None = None,
    progress: Progress | None = None,
) -> City:
    """Return a city from files.

    Parameters
    ----------
    osm
        OpenStreetMap extract: streets, buildings, facilities.
    communities
        Layer of polygons, with names and perhaps populations.
    facilities
        Official lists (CSV, XLSX, GPKG, GeoJSON, Shapefile); for a service they name, OpenStreetMap is not
        used.
    homes
        Layer of points with residents or floor_m2, in place of buildings.
    elevation
        GeoTIFF of heights in metres, so that slopes count; without one all streets are level.
    crs, services, kept, progress
        As for `load_city`.
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
    lists = [facilities] if isinstance(facilities, str | PathLike) else facilities
    osm = Path(osm)
    called = name or osm.name.split(".")[0]
    files = CityFiles(
        id=called,
        folder=osm.resolve().parent,
        name={"en": called, "zh": called},
        lang="",
        data=REAL,
        osm=osm,
        communities=Path(communities),
        facilities=tuple(LayerFile(Path(path)) for path in lists),
        homes=Path(homes) if homes else None,
        elevation=Path(elevation) if elevation else None,
    )
    return read_city_files(files, services=services, crs=crs, kept=kept, progress=progress)


def read_city_files(
    files: CityFiles,
    *,
    services: Iterable["Service"] | None = None,
    crs: str | None = None,
    kept: KeptCities | None = None,
    progress: Progress | None = None,
) -> City:
    """Return the city that these files make; parameters as for `load_city`."""
    step, files = progress or (lambda _: None), dataclasses.replace(files, crs=crs or files.crs)
    chosen = tuple(services) if services is not None else load_standard("life-circle").services
    inputs = tuple(file_facts(role, path) for role, path in input_files(files))
    step("streets")
    area = None
    if files.data_area is not None:
        area = gpd.GeoSeries([read_boundary(files.data_area, crs=4326, source_crs=files.crs)], crs=4326)
    osm = _read_streets(files, chosen, area, inputs, kept)
    relief, relief_counts = read_relief(files.elevation, osm.network) if files.elevation else (None, _LEVEL)
    step("communities")
    communities, community_notes = read_communities(
        files.communities, crs=osm.network.crs, columns=files.columns or None, source_crs=files.crs
    )
    _check_same_place(files, communities, osm)
    step("facilities")
    facilities, sources, facility_notes = _facilities(files, osm, chosen, communities)
    step("homes")
    listed, home_notes = None, pd.DataFrame()
    if files.homes is not None:
        listed, home_notes = read_homes(
            files.homes, crs=osm.network.crs, source_crs=_crs_of_bare(files.homes, files)
        )
    people = place_people(communities, osm.network, osm.homes, listed=listed)
    if people.homes.empty:
        raise DataError("city.no_homes", path=files.communities)
    return City(
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
            [quality_frame(relief_counts), community_notes, *facility_notes, home_notes],
        ),
        inputs=inputs,
        osm_timestamp=osm.timestamp,
        service_sources=sources,
        folder=files.folder,
        origin=json.loads(json.dumps(dataclasses.asdict(files), default=os.path.abspath)),
    )


def _read_streets(
    files: CityFiles,
    services: Sequence["Service"],
    area: gpd.GeoSeries | None,
    inputs: Sequence[Mapping[str, Any]],
    kept: KeptCities | None,
) -> OsmData:
    """Return what the OpenStreetMap file holds, from what is kept of it if there is any."""

    def read() -> OsmGround:
        return read_ground(files.osm, services=services, crs=files.crs, boundary=area)

    if kept is None:
        return with_facilities(read(), services, files.osm)
    sources = [facts["sha256"] for facts in inputs if facts["role"] in {"osm", "data_area"}]
    key = key_of(sources, files.osm.name, files.crs, facility_keys(services))
    ground = kept.recall(key, [OsmGround, WalkNetwork, Positions, Things], read)
    vars(ground.network)["snapped"] = kept.positions(key)
    return with_facilities(ground, services, files.osm)


def input_files(files: CityFiles) -> list[tuple[str, Path]]:
    """Return role and path of every file that a city is read from, in the order of ``City.inputs``."""
    roles = [("osm", files.osm), ("communities", files.communities)]
    roles += [("facilities", layer.path) for layer in files.facilities]
    further = {"homes": files.homes, "elevation": files.elevation, "data_area": files.data_area}
    return roles + [(role, path) for role, path in further.items() if path]


def file_facts(role: str, path: Path) -> dict[str, Any]:
    """Return what identifies a file, so that a result can be traced to its inputs."""
    if not path.is_file():
        raise FileError("city.missing_file", role=role, path=path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"role": role, "path": str(path), "size": path.stat().st_size, "sha256": digest}


def _check_same_place(files: CityFiles, communities: gpd.GeoDataFrame, osm: OsmData) -> None:
    """Refuse communities that no street comes near: they are of another place or in another CRS."""
    here, there = communities.total_bounds, shapely.total_bounds(osm.network.lines)
    if not shapely.box(*here).intersects(shapely.box(*there)):
        raise DataError(
            "city.outside_streets",
            path=files.communities,
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
    files: CityFiles, osm: OsmData, services: Sequence["Service"], communities: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, dict[str, str], list[pd.DataFrame]]:
    """Return facilities, the source of each service, and notes; official lists go before OpenStreetMap."""
    area = shapely.box(*communities.total_bounds)
    read = [
        read_facilities(
            layer.path,
            crs=osm.network.crs,
            services=services,
            area=area,
            encoding=layer.encoding,
            sheet=layer.sheet,
            source_crs=layer.crs or _crs_of_bare(layer.path, files),
        )
        for layer in files.facilities
    ]
    official = [frame for frame, _ in read]
    named = {service for frame in official for service in frame["service"]}
    parts = [*official, osm.facilities[~osm.facilities["service"].isin(named)]]
    facilities = gpd.GeoDataFrame(
        pd.concat([part for part in parts if len(part)] or parts[-1:], ignore_index=True)
    )
    facilities["facility_id"] = unique_ids(facilities["facility_id"], "f", files.folder, [])
    sources = {
        service.id: ", ".join(facilities.loc[facilities["service"] == service.id, "source"].unique())
        for service in services
    }
    return facilities.set_crs(osm.network.crs, allow_override=True), sources, [notes for _, notes in read]


def _crs_of_bare(path: Path, files: CityFiles) -> str | None:
    """Return the city's CRS for a Shapefile, which may lack its own; a list of points is in degrees."""
    return files.crs if path.suffix.lower() == ".shp" else None


def _language(communities: gpd.GeoDataFrame) -> str:
    """Return the language of the place: Chinese in China, else English."""
    low_lon, low_lat, high_lon, high_lat = communities.to_crs(4326).total_bounds
    return "zh" if in_china((low_lon + high_lon) / 2, (low_lat + high_lat) / 2) else "en"


def _quality(
    osm: OsmData, people: People, facilities: gpd.GeoDataFrame, notes: list[pd.DataFrame]
) -> pd.DataFrame:
    """Return the table of what was read, dropped and assumed; counts of nothing are left out."""
    counts = dict(people.quality)
    for layer, places in (("homes", people.homes), ("facilities", facilities)):
        found = osm.network.snap(places.geometry.x, places.geometry.y, public_only=layer == "facilities")
        counts[f"city.{layer}_off_network"] = int((~found.on_street).sum())
    counts["city.data_end_unknown"] = int(osm.boundary is None and len(osm.network.exits) == 0)
    if people.measure == "residents":
        counts.pop("city.communities_without_population")
    table = pd.concat([osm.quality, quality_frame(counts), *notes], ignore_index=True)
    return table[table["count"] > 0].reset_index(drop=True)
