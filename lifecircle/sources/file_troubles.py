"""Which files of a city cannot be read, each by itself?

Reading a city stops at the first; a planner who mends one file wants to know of all the others too.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import geopandas as gpd
import pyproj
import shapely

from lifecircle.catalog import CityFiles
from lifecircle.errors import LifecircleError
from lifecircle.metric import as_crs
from lifecircle.sources.elevation import read_relief
from lifecircle.sources.indicators import read_indicators
from lifecircle.sources.input_files import unreadable
from lifecircle.sources.layers import (
    read_barriers,
    read_boundary,
    read_communities,
    read_facilities,
    read_homes,
)
from lifecircle.sources.levels import read_levels
from lifecircle.sources.memory import check_memory
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.osm_file import read_ground
from lifecircle.sources.population import read_population

if TYPE_CHECKING:
    from lifecircle.network import WalkNetwork
    from lifecircle.requirement import Requirement

_Read = TypeVar("_Read")
_SOMEWHERE = "+proj=webmerc +datum=WGS84"
"""A metric CRS of all the world, for layers of which nobody can say any more where they lie."""


def file_troubles(
    files: CityFiles,
    services: "Sequence[Requirement]",
    first: LifecircleError,
    *,
    crs: str | None = None,
    limits: Limits = LIMITS,
) -> list[LifecircleError]:
    """Return what is wrong with each file of a city, in the order in which files are read.

    What a file can only be told beside another one, such as that a list lies far from all communities, is
    told where that other one can be read.

    Parameters
    ----------
    files
        The files.
    services
        Services whose facilities are read.
    first
        What stopped the reading of the city: where no file by itself is to blame, it comes last.
    crs, limits
        As for `lifecircle.sources.read_city.read_city_files`.
    """
    found: list[LifecircleError] = []

    def attempt(read: Callable[..., _Read], *values: object, **more: object) -> _Read | None:
        try:
            return read(*values, **more)
        except LifecircleError as error:
            if str(error) not in map(str, found):
                found.append(error)
            return None

    bare = crs or files.crs
    missing = unreadable(files, limits)
    found.extend(missing.values())
    metric = attempt(_metric, bare)
    network = None
    if files.osm not in missing:
        network = attempt(_streets, files, services, metric, limits)
    work = network.crs if network else pyproj.CRS(metric or _SOMEWHERE)
    streets = shapely.box(*shapely.total_bounds(network.lines)) if network else None
    asked: dict[str, Any] = {"crs": work, "bare_crs": bare, "limits": limits}
    read = None
    if files.communities.path not in missing:
        about = {"area": streets, "columns": files.columns or None}
        read = attempt(read_communities, files.communities, **about, **asked)
    for path, reader in _others(files, services, network, read and read[0], asked):
        if path not in missing:
            attempt(reader)
    return found if str(first) in map(str, found) else [*found, first]


def _others(
    files: CityFiles,
    services: "Sequence[Requirement]",
    network: "WalkNetwork | None",
    communities: gpd.GeoDataFrame | None,
    asked: dict[str, Any],
) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Yield each file but the streets and the communities, and what reads it as far as those are known."""
    area = None
    if communities is not None:
        area = shapely.box(*communities.total_bounds)
        for level in files.levels:
            alone = dataclasses.replace(files, levels=(level,))
            yield level.file.path, partial(read_levels, alone, communities)
        if files.population is not None:
            yield files.population, partial(read_population, files.population, communities)
    about: dict[str, Any] = {"services": services, "area": area, "network": network}
    for layer in files.facilities:
        yield layer.path, partial(read_facilities, layer, **about, **asked)
    layers = ((read_homes, files.homes), (read_barriers, files.barriers), (read_boundary, files.data_area))
    for read, one in layers:
        if one is not None:
            yield one.path, partial(read, one, **asked)
    if files.indicators is not None:
        yield files.indicators, partial(read_indicators, files.indicators, limits=asked["limits"])
    if network is not None and files.elevation is not None:
        yield files.elevation, partial(read_relief, files.elevation, network)


def _metric(crs: str | None) -> str | None:
    """Return a CRS to measure in, None where one is to be chosen."""
    return None if crs is None or as_crs(crs).is_geographic else crs


def _streets(
    files: CityFiles, services: "Sequence[Requirement]", crs: str | None, limits: Limits
) -> "WalkNetwork":
    check_memory(files.osm)
    return read_ground(files.osm, services=services, crs=crs, limits=limits).network
