"""Which short links between streets would bring a service within reach, where the walk is a detour?

Dead ends that nearly meet a street, river banks, estates without a gate on this side: pairs of points of
streets that lie close and whose walk is long. A link is worth to a home what the walk over it saves, and that
walk passes the link once, so one search tells what every link would do; the best are then built and measured.
There and back, the search counts walks that take the link both ways, which is the least that it can do: the
measurement counts all.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.demand import cutoff_of, not_served, people_covered, reached_at, weight_of
from lifecircle.doors import facilities_on, sites_of
from lifecircle.errors import DataError
from lifecircle.grounds import rows_of
from lifecircle.locate import Choice, choose
from lifecircle.measured_again import remeasure, without_cells
from lifecircle.network import Positions, WalkNetwork
from lifecircle.pieces import Pieces
from lifecircle.reach import metres_to_nearest
from lifecircle.shares import COVERED, GAP
from lifecircle.standard import CHOSEN_BY_USER, Limit
from lifecircle.streets import Flags, Floats, Ints
from lifecircle.there_and_back import nearest_there_and_back
from lifecircle.walks import Walks

KINDS = ("water", "gate", "dead_end", "shortcut")
"""Over water; out of an estate; from or to a dead end; none of these. The first that is true."""
_STEP_M = 25.0
"""Links may begin at junctions and ends, and every so many metres along streets."""
_SAVES_M = 50.0
"""A link that shortens the walk by less is none worth talking about."""
_TIME_LIMIT_S = 20.0


def suggest_links(
    coverage: Coverage,
    service: str,
    *,
    links: int = 3,
    limit: float | None = None,
    longest_m: float = 150.0,
) -> gpd.GeoDataFrame:
    """Return new public links between streets that bring most people of detour gaps within a limit.

    Parameters
    ----------
    coverage
        A measured city.
    service
        Id of the service.
    links
        How many, at most.
    limit
        In minutes or metres, as the service's own limits; the longest of these where None.
    longest_m
        No link is longer. None leads through a building that the city's backdrop knows.

    Returns
    -------
    GeoDataFrame
        Best first: rank, kind (one of `KINDS`), length_m, the city's measure M as M_gained (people of gaps
        newly within the limit, beside those of the links before) and M_alone, share_covered (of the city,
        with it and those before), and a line from where people come to where they go, in the city's CRS. All
        are measured on the streets with the links in them.

    Raises
    ------
    UnknownNameError
        If the standard has no such service.
    DataError
        If a number cannot be used.
    """
    found = missing_links(coverage, service, links=links, limit=limit, longest_m=longest_m)
    weight, measure = weight_of(coverage, service), coverage.city.measure
    served = float(weight[coverage.status_codes(coverage.walks, service, found.limit) == COVERED].sum())
    beside = [weight[homes].sum() for homes in _beside(coverage, service, found)]
    together = np.array(beside, dtype=np.float64)
    everyone = float(weight.sum())
    return gpd.GeoDataFrame(
        {
            "rank": np.arange(1, len(found.lines) + 1),
            "kind": found.kinds,
            "length_m": shapely.length(found.lines),
            f"{measure}_gained": np.diff(together, prepend=0.0),
            f"{measure}_alone": np.array([weight[homes].sum() for homes in found.helped], dtype=np.float64),
            "share_covered": (served + together) / everyone if everyone > 0 else np.nan,
        },
        geometry=found.lines,
        crs=coverage.city.crs,
    )


class MissingLinks(NamedTuple):
    """Links that would bring people within a limit."""

    limit: Limit
    lines: NDArray[Any]
    """Shape (links,). Best first, from where people come to where they go."""
    kinds: NDArray[Any]
    """Shape (links,). One of `KINDS` each."""
    helped: list[Ints]
    """Homes of gaps that each link by itself brings within the limit, measured on the streets with it."""


def missing_links(
    coverage: Coverage,
    service: str,
    *,
    links: int = 3,
    limit: float | None = None,
    longest_m: float = 150.0,
) -> MissingLinks:
    """Return links with whom each of them helps; parameters and errors as for `suggest_links`."""
    if links < 1:
        raise DataError("siting.bad_sites", value=links)
    if not 0 < longest_m < np.inf:
        raise DataError("siting.bad_choice", field="longest_m", value=longest_m, known="> 0")
    longest = coverage.standard.service(service).longest
    chosen = longest if limit is None else Limit(float(limit), longest.unit, CHOSEN_BY_USER, "M")
    cutoff_m = cutoff_of(coverage, service, chosen)
    gap, _ = not_served(coverage, service, chosen)
    found = _possible(coverage, service, _detours(coverage, service, gap, cutoff_m), cutoff_m, longest_m)
    ground = coverage.ground_for(service)
    at_home = ground.places.take(np.isin(ground.places.place, gap))
    reached = reached_at(ground, at_home, found.starts, cutoff_m=cutoff_m)
    benefit, _ = people_covered(reached, weight_of(coverage, service), len(found.lines))
    best = choose(Choice(benefit, links), time_limit_s=_TIME_LIMIT_S).rows
    lines, now = found.lines[best], _of_service(coverage, service)
    helped = [_helped(now, now.city.with_link_at(*_ends(line)), chosen) for line in lines]
    return MissingLinks(chosen, lines, _kinds(coverage, found)[best], helped)


class _Links(NamedTuple):
    """Links that could be built."""

    starts: Positions
    """Where people step on to each; ``off_m`` is the link and the walk on from its other end, or half of that
    there and back."""
    lines: NDArray[Any]
    """Shape (links,). From where people come to where they go."""
    loose: Flags
    """Shape (links,). Whether it begins at a dead end."""


def _detours(coverage: Coverage, service: str, gap: Ints, cutoff_m: float) -> Ints:
    """Return the homes of a gap that a facility is near enough to in a straight line."""
    column = [one.id for one in coverage.standard.services].index(service)
    near = coverage.ways * coverage.straight_m[gap, column] <= cutoff_m
    homes: Ints = gap[near & coverage.walks.on_street[gap, column]]
    return homes


def _possible(coverage: Coverage, service: str, homes: Ints, cutoff_m: float, longest_m: float) -> _Links:
    """Return for each place where a link could begin the one with the shortest walk on, if it is any use."""
    network, ways = coverage.ground_for(service).network, coverage.ways
    onward_m, least_m = _walk_on(coverage, service)
    starts, loose = _starts(network)
    xy = _points(network, starts)
    at = coverage.city.homes.geometry.iloc[homes]
    away_m = np.full(len(xy), np.inf)
    if len(homes):
        away_m = cKDTree(np.column_stack([at.x, at.y])).query(xy, distance_upper_bound=cutoff_m)[0]
    near = np.flatnonzero(np.isfinite(away_m))
    starts, loose, xy, away_m = starts.take(near), loose[near], xy[near], away_m[near]
    walk_m = onward_m(starts)
    # streets that lead to a facility soon enough; a walk on from one is no shorter than from its nearer end
    rows = np.flatnonzero(network.is_target & ~network.private)
    soonest_m = least_m(*(_at_end(rows, network, last=last) for last in (False, True)))
    soonest_m[np.isin(rows, _facility_doors(coverage, service).street)] = 0.0
    # by straight pieces, as a link may join two bends of one street
    soon = rows[soonest_m <= cutoff_m]
    pieces, places = Pieces(network.lines[soon]), np.ascontiguousarray(xy.T)
    start, piece, _ = pieces.near(places, longest_m)
    feet, street = pieces.between(places[:, start], piece)[1].T, soon[pieces.line[piece]]
    along_m = np.minimum(pieces.along_m(piece, places[:, start]), network.street_m[street])
    none = np.full(len(street), -1)
    onto = Positions(street, along_m, np.zeros(len(street)), np.arange(len(street)), none)
    over_m = ways * np.hypot(*(feet - xy[start]).T) + onward_m(onto)
    use = (ways * away_m[start] + over_m <= cutoff_m) & (over_m <= walk_m[start] - ways * _SAVES_M)
    start, over_m = start[use], over_m[use]
    lines = np.asarray(shapely.linestrings(np.stack([xy[start], feet[use]], axis=1)))
    free = ~_through(coverage.city.backdrop, "building", lines)
    start, over_m, lines = start[free], over_m[free], lines[free]
    order = np.lexsort([over_m, start])
    order = order[np.unique(start[order], return_index=True)[1]]
    order = order[np.argsort(shapely.length(lines[order]), kind="stable")]  # of equals, the shortest
    begun = starts.take(start[order])
    begun = dataclasses.replace(begun, off_m=over_m[order] / ways, place=np.arange(len(order)))
    return _Links(begun, lines[order], loose[start[order]])


def _walk_on(
    coverage: Coverage, service: str
) -> tuple[Callable[[Positions], Floats], Callable[[Positions, Positions], Floats]]:
    """Return what tells the walk from places on streets to the nearest facility of today, or there and back.

    And what tells the least that it can be from anywhere between two such places.
    """
    ground, doors = coverage.ground_for(service), _facility_doors(coverage, service)
    network, back = ground.network, ground.back

    def least_m(one: Positions, other: Positions) -> Floats:
        walks = [
            np.minimum(*(metres_to_nearest(way, end, doors).metres for end in (one, other)))
            for way in (network, back)
            if way is not None
        ]
        least: Floats = np.sum(walks, axis=0)
        return least

    if back is None:
        return lambda places: metres_to_nearest(network, places, doors).metres, least_m
    return lambda places: nearest_there_and_back(network, places, doors, back=back).metres, least_m


def _facility_doors(coverage: Coverage, service: str) -> Positions:
    rows = rows_of(coverage.city, service)
    sites = sites_of(coverage.city.facilities.iloc[rows])
    doors = facilities_on(coverage.ground_for(service).network, sites, max_m=coverage.max_snap_m)
    return doors.take(doors.on_street)


def _starts(network: WalkNetwork) -> tuple[Positions, Flags]:
    """Return where links may begin, and which of these places are dead ends."""
    rows = np.flatnonzero(np.isfinite(network.along) | np.isfinite(network.against))
    count = np.maximum(1, np.ceil(network.street_m[rows] / _STEP_M)).astype(np.int64) + 1
    street = np.repeat(rows, count)
    number = np.arange(len(street)) - np.repeat(np.cumsum(count) - count, count)
    last = number == np.repeat(count, count) - 1
    along_m = np.where(
        last, network.street_m[street], number * network.street_m[street] / np.repeat(count - 1, count)
    )
    node = np.select([number == 0, last], [network.street_from[street], network.street_to[street]], -1)
    meeting = np.bincount(
        np.concatenate([network.street_from[rows], network.street_to[rows]]), minlength=len(network.node_x)
    )
    loose = (node >= 0) & (meeting[node] == 1) & ~network.node_cut[node]
    # of the streets that meet at a junction one is enough, a public one before a private one
    order = np.lexsort([street, network.private[street], node])
    again = np.zeros(len(order), dtype=bool)
    again[1:] = (node[order][1:] == node[order][:-1]) & (node[order][1:] >= 0)
    kept = np.sort(order[~again])
    none = np.full(len(kept), -1)
    return Positions(street[kept], along_m[kept], np.zeros(len(kept)), np.arange(len(kept)), none), loose[
        kept
    ]


def _at_end(rows: Ints, network: WalkNetwork, *, last: bool) -> Positions:
    """Return one end of each of some streets as places."""
    along_m = network.street_m[rows] if last else np.zeros(len(rows))
    return Positions(rows, along_m, np.zeros(len(rows)), np.arange(len(rows)), np.full(len(rows), -1))


def _points(network: WalkNetwork, places: Positions) -> Floats:
    """Return where places on streets lie, shape (places, 2)."""
    return shapely.get_coordinates(
        shapely.line_interpolate_point(network.lines[places.street], places.along_m)
    )


def _kinds(coverage: Coverage, links: _Links) -> NDArray[Any]:
    """Return the kind of each link, shape (links,)."""
    city = coverage.city
    wet = _through(city.backdrop, "water", links.lines)
    wet[shapely.STRtree(city.network.barriers.areas).query(links.lines, predicate="intersects")[0]] = True
    private = city.network.private[links.starts.street]
    kinds: NDArray[Any] = np.array(KINDS, dtype=object)[
        np.select([wet, private, links.loose], [0, 1, 2], len(KINDS) - 1)
    ]
    return kinds


def _through(backdrop: gpd.GeoDataFrame | None, kind: str, lines: NDArray[Any]) -> Flags:
    """Return which lines run through an area of a kind."""
    through = np.zeros(len(lines), dtype=bool)
    if backdrop is not None:
        areas = backdrop.geometry.to_numpy()[backdrop["kind"].to_numpy() == kind]
        through[shapely.STRtree(areas).query(lines, predicate="intersects")[0]] = True
    return through


def _of_service(coverage: Coverage, service: str) -> Coverage:
    """Return the coverage of homes by one service: what else there is need not be searched."""
    column = [one.id for one in coverage.standard.services].index(service)
    homes = without_cells(coverage)
    own = dataclasses.replace(
        homes,
        standard=dataclasses.replace(coverage.standard, services=(coverage.standard.service(service),)),
        walks=_column(homes.walks, column),
        cell_walks=_column(homes.cell_walks, column),
        straight_m=coverage.straight_m[:, [column]],
        straight_facility=coverage.straight_facility[:, [column]],
        scenarios={},
    )
    vars(own)["grounds"] = (homes.ground_for(service),)
    return own


def _column(walks: Walks, column: int) -> Walks:
    return Walks(*(getattr(walks, field.name)[:, [column]] for field in dataclasses.fields(walks)))


def _ends(line: shapely.LineString) -> list[tuple[float, float]]:
    return [(x, y) for x, y in shapely.get_coordinates(line).tolist()]


def _helped(now: Coverage, city: City, limit: Limit) -> Ints:
    """Return the homes of gaps that are within a limit of the one service once the city is as it says."""
    again, service = remeasure(now, city), now.standard.services[0].id
    was, is_ = (one.status_codes(one.walks, service, limit) for one in (now, again))
    return np.flatnonzero((was == GAP) & (is_ == COVERED))


def _beside(coverage: Coverage, service: str, found: MissingLinks) -> list[Ints]:
    """Return the homes of gaps that the first link helps, the first two together, and so on."""
    now, helped = _of_service(coverage, service), found.helped[:1]
    city = now.city
    for count, line in enumerate(found.lines):
        city = city.with_link_at(*_ends(line))
        if count:
            helped.append(_helped(now, city, found.limit))
    return helped
