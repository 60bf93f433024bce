"""Is there one of these every so many metres along the streets (充电桩, 报警点), and where is none?

Of facilities that stand every N metres along streets none of a street's points is farther than N / 2 from the
nearest. So a point of a street is met if the way from it along public streets, whatever their direction, to
the nearest place where a facility meets one is N / 2 or less. Streets are cut exactly where that ends.
"""

import dataclasses
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csgraph

from lifecircle.city import City
from lifecircle.doors import facilities_on, sites_of
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.reach import ways_in, with_sources
from lifecircle.requirement import Requirement
from lifecircle.standard import Standard
from lifecircle.streets import Flags, Floats, Ints

STATES = ("gap", "unknown")
"""Of stretches that are not met: none is near enough, or one might be where the street data ends."""
_SHORTEST_M = 1e-6
_APART_M = 1.0


class Stretches(NamedTuple):
    """Parts of streets."""

    street: Ints
    """Shape (k,)."""
    from_m: Floats
    """Shape (k,). Where each begins, in metres along its street."""
    to_m: Floats
    """Shape (k,)."""


@dataclasses.dataclass(frozen=True, eq=False)
class StreetSpacing:
    """How far the streets of a city are from the facilities of services that stand every so many metres.

    Attributes
    ----------
    table
        One row per community and service, then per service of the whole city (community_id ""): community_id,
        community, service, spacing_m, streets_m (public streets there; one along a border is of both sides),
        streets_met_m, streets_gap_m, streets_unknown_m, share_met, share_gap, share_unknown (NaN without
        streets).
    stretches
        Streets in communities that are not met: service, spacing_m, status (one of `STATES`), length_m; lines
        in the city's CRS.
    """

    table: pd.DataFrame
    stretches: gpd.GeoDataFrame


def street_spacing(city: City, standard: Standard, *, max_snap_m: float = MAX_SNAP_M) -> StreetSpacing:
    """Return how the streets of a city meet the spacings that a standard asks for.

    Parameters
    ----------
    city
        Its facilities and streets. Private streets and islands are left out.
    standard
        Its services with a spacing are measured.
    max_snap_m
        A facility farther from every public street meets none.
    """
    network = city.network
    counted = np.flatnonzero(network.is_target & ~network.private)
    whole = Stretches(counted, np.zeros(len(counted)), network.street_m[counted])
    communities = city.communities.geometry.to_numpy()
    areas = np.array([*communities, city.area], dtype=object)
    names = [
        np.append(city.communities[name].to_numpy(dtype=object), "") for name in ("community_id", "community")
    ]
    all_m = _length_in(areas, _lines(network, whole))
    tables, shapes = [], []
    for service, spacing in standard.spaced:
        spacing_m = spacing.metres
        doors = _on_public_streets(city, service, max_snap_m)
        missed = _farther(network, whole, [doors], spacing_m / 2)
        gap = _farther(network, whole, [doors, network.exits], spacing_m / 2)
        gap_lines, missed_lines = _lines(network, gap), _lines(network, missed)
        gap_m, missed_m = (_length_in(areas, lines) for lines in (gap_lines, missed_lines))
        with np.errstate(invalid="ignore"):
            parts = {"met": all_m - missed_m, "gap": gap_m, "unknown": missed_m - gap_m}
            parts = {name: np.where(metres < _SHORTEST_M, 0.0, metres) for name, metres in parts.items()}
            shares = {f"share_{name}": metres / all_m for name, metres in parts.items()}
        tables.append(
            pd.DataFrame(
                {
                    "community_id": names[0],
                    "community": names[1],
                    "service": service.id,
                    "spacing_m": spacing_m,
                    "streets_m": all_m,
                    **{f"streets_{name}_m": metres for name, metres in parts.items()},
                    **shares,
                }
            )
        )
        near_edge = _lines(network, _between(network, whole, gap, missed))
        for status, lines in zip(STATES, (gap_lines, near_edge), strict=True):
            inside = _inside(areas[-1], lines)
            shapes.append(
                gpd.GeoDataFrame(
                    {"service": service.id, "spacing_m": spacing_m, "status": status},
                    index=range(len(inside)),
                    geometry=inside,
                    crs=city.crs,
                )
            )
    table = pd.concat(tables, ignore_index=True)
    last = table["community_id"] == ""
    stretches = gpd.GeoDataFrame(pd.concat(shapes, ignore_index=True), geometry="geometry", crs=city.crs)
    stretches.insert(3, "length_m", stretches.length)
    return StreetSpacing(pd.concat([table[~last], table[last]], ignore_index=True), stretches)


def _on_public_streets(city: City, service: Requirement, max_snap_m: float) -> Positions:
    """Return where the facilities of a service meet public streets."""
    facilities = city.facilities[city.facilities["service"] == service.id]
    doors = facilities_on(city.network, sites_of(facilities), max_m=max_snap_m)
    doors = doors.take(doors.on_street)
    return doors.take(~city.network.private[doors.street])


def _farther(network: WalkNetwork, whole: Stretches, sources: list[Positions], reach_m: float) -> Stretches:
    """Return the parts of streets that are farther along the streets than so much from all the sources."""
    street, along_m = (
        np.concatenate([getattr(one, name) for one in sources]) for name in ("street", "along_m")
    )
    counted = np.zeros(len(network.street_m), dtype=bool)
    counted[whole.street] = True
    here = counted[street]
    near = _intervals_met(network, whole, street[here], along_m[here], reach_m, counted)
    return _complement(network, whole, near)


def _intervals_met(
    network: WalkNetwork, whole: Stretches, street: Ints, along_m: Floats, reach_m: float, counted: Flags
) -> Stretches:
    """Return what is within reach: of each street from its ends inward, and around the sources on it."""
    factor = np.where(counted, 1.0, np.inf)
    level = dataclasses.replace(network, along=factor, against=factor)
    graph, none = level.states.reversed_graph, np.zeros(len(street))
    doors = Positions(street, along_m, none, np.arange(len(street)), np.full(len(street), -1))
    _, state, metres = ways_in(level, doors)
    least = csgraph.dijkstra(
        with_sources(graph, np.zeros(len(state), dtype=np.int64), state, metres, 1),
        indices=graph.shape[0],
        limit=reach_m,
    )
    length_m = network.street_m[whole.street]
    from_first = reach_m - least[level.states.street_from[whole.street]]
    from_last = reach_m - least[level.states.street_to[whole.street]]
    streets = np.concatenate([whole.street, whole.street, street])
    low = np.concatenate([np.zeros(len(length_m)), length_m - from_last, along_m - reach_m])
    high = np.concatenate([from_first, length_m, along_m + reach_m])
    low, high = np.maximum(low, 0.0), np.minimum(high, network.street_m[streets])
    kept = high >= low
    return Stretches(streets[kept], low[kept], high[kept])


def _complement(network: WalkNetwork, whole: Stretches, parts: Stretches) -> Stretches:
    """Return what of whole streets no part covers."""
    # both ends of every street are parts of no length, so that what is left lies between two parts
    ends = np.zeros(len(whole.street)), network.street_m[whole.street]
    street = np.concatenate([parts.street, whole.street, whole.street])
    low, high = np.concatenate([parts.from_m, *ends]), np.concatenate([parts.to_m, *ends])
    order = np.lexsort([high, low, street])
    street, low, high = street[order], low[order], high[order]
    # streets end to end on one line, apart from each other: the farthest so far is one running maximum
    offset = np.cumsum(network.street_m + _APART_M) - network.street_m
    covered_to = np.maximum.accumulate(high + offset[street])[:-1] - offset[street[1:]]
    left = np.flatnonzero((street[1:] == street[:-1]) & (low[1:] - covered_to > _SHORTEST_M))
    return Stretches(street[left + 1], covered_to[left], low[left + 1])


def _between(network: WalkNetwork, whole: Stretches, gap: Stretches, missed: Stretches) -> Stretches:
    """Return what is missed and no gap."""
    met = _complement(network, whole, missed)
    both = (np.concatenate([getattr(one, name) for one in (gap, met)]) for name in Stretches._fields)
    return _complement(network, whole, Stretches(*both))


def _lines(network: WalkNetwork, parts: Stretches) -> NDArray[Any]:
    """Return parts of streets as lines; every vertex between their ends is one of the street's."""
    first, last = network.line_start[:-1], network.line_start[1:] - 1
    step = np.hypot(*np.diff(network.line_xy, axis=0).T)
    step[last[:-1]] = _APART_M  # all streets end to end
    total_m = np.concatenate([[0.0], np.cumsum(step)])
    least, most = total_m[first[parts.street]], total_m[last[parts.street]]
    begin, end = (np.clip(least + metres, least, most) for metres in (parts.from_m, parts.to_m))
    next_vertex = np.searchsorted(total_m, begin, side="right")
    count = np.maximum(np.searchsorted(total_m, end, side="left") - next_vertex, 0)
    inner = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - next_vertex, count)
    number = np.arange(len(begin))
    part = np.concatenate([number, np.repeat(number, count), number])
    at_m = np.concatenate([begin, total_m[inner], end])
    order = np.lexsort([at_m, part])
    x, y = (np.interp(at_m[order], total_m, network.line_xy[:, axis]) for axis in (0, 1))
    return np.asarray(shapely.linestrings(np.column_stack([x, y]), indices=part[order]))


def _length_in(areas: NDArray[Any], lines: NDArray[Any]) -> Floats:
    """Return how many metres of lines lie in each area."""
    tree = shapely.STRtree(lines)
    metres = np.zeros(len(areas))
    for row, area in enumerate(areas):
        near = lines[tree.query(area, predicate="intersects")]
        metres[row] = shapely.length(_inside(area, near)).sum()
    return metres


def _inside(area: Any, lines: NDArray[Any]) -> NDArray[Any]:
    """Return what of lines lies in an area, without those of which nothing does."""
    shapely.prepare(area)
    parts = lines.copy()
    across = ~shapely.contains_properly(area, lines)
    parts[across] = shapely.intersection(lines[across], area)
    return parts[shapely.length(parts) > _SHORTEST_M]
