"""Which way does the walk go?

For the popup of a map, and for checking a doubtful gap on the ground: one search for all homes, and the
streets it took.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csgraph

from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.reach import walks_on_one_street, ways_in, ways_out, with_sources
from lifecircle.streets import Flags, Floats, Ints, ranges

_FIRST, _LAST = -2, 2**31
"""Places in the order of a walk: before all stretches of streets, and behind them."""


class Routes(NamedTuple):
    """Walks as lines; rows are those of the homes."""

    lines: NDArray[Any]
    """Shape (homes,). LineStrings in the network's CRS; None where no facility can be reached."""
    facility: Ints
    """Shape (homes,). Row of the facility each leads to, -1 where there is none."""


class _Stretches(NamedTuple):
    """Parts of streets, walked from one place on them to another."""

    walk: Ints
    """Shape (k,). Row of the walk each is a part of."""
    rank: Ints
    """Shape (k,). Their order in the walk."""
    street: Ints
    from_m: Floats
    to_m: Floats


def route_to_nearest(
    network: WalkNetwork,
    home: shapely.Point | shapely.MultiPoint,
    facilities: Sequence[shapely.Point | shapely.MultiPoint],
    *,
    max_snap_m: float = MAX_SNAP_M,
) -> shapely.LineString | None:
    """Return the walk from a home to the nearest of some facilities as a line, as `routes_to_nearest`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> street = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 500 0, 500 1500)"], crs="EPSG:4549")
    >>> network = WalkNetwork.from_edges(street.to_frame("geometry"))
    >>> print(route_to_nearest(network, Point(100, 40), [Point(470, 300), Point(500, 1400)]))
    LINESTRING (100 40, 100 0, 500 0, 500 300, 470 300)
    """
    line: shapely.LineString | None = routes_to_nearest(
        network, [home], facilities, max_snap_m=max_snap_m
    ).lines[0]
    return line


def routes_to_nearest(
    network: WalkNetwork,
    homes: Sequence[shapely.Point | shapely.MultiPoint] | NDArray[Any],
    facilities: Sequence[shapely.Point | shapely.MultiPoint] | NDArray[Any],
    *,
    of: Ints | None = None,
    to: Ints | None = None,
    max_snap_m: float = MAX_SNAP_M,
) -> Routes:
    """Return the walk from each home to the nearest of some facilities as a line, by one search for all.

    It runs from the home straight to its street, along streets as they are drawn, and from the street
    straight to the facility; a leg off the street that passes a gate has a corner there. On level streets its
    length is what `lifecircle.reach.metres_to_nearest` says.

    Parameters
    ----------
    network
        Streets.
    homes
        Their points, or their doors, in metres in the network's CRS.
    facilities
        The same of each.
    of, to
        Rows of the homes whose walks are asked for, and of the facilities that these may lead to; all where
        None. The rest is put on streets as well: a whole lot that has been before is not again.
    max_snap_m
        A home or facility farther than this from every street is off the network.

    Returns
    -------
    Routes
    """
    count = len(homes)
    home_xy, owner = shapely.get_coordinates(np.asarray(homes, dtype=object), return_index=True)
    xy, facility = shapely.get_coordinates(np.asarray(facilities, dtype=object), return_index=True)
    lines, found = np.full(count, None, dtype=object), np.full(count, -1, dtype=np.int64)
    at_home, doors = network.snap(*home_xy.T, max_m=max_snap_m), network.doors(*xy.T, max_m=max_snap_m)
    at_home = at_home.take(at_home.on_street & _among(of, owner[at_home.place]))
    doors = doors.take(doors.on_street & _among(to, facility[doors.place]))
    if len(at_home) == 0 or len(doors) == 0:
        return Routes(lines, found)
    leaving, door, stretches = _least_walks(network, at_home, owner[at_home.place], doors)
    if len(leaving) == 0:
        return Routes(lines, found)
    ends = (
        (_FIRST, home_xy[at_home.place[leaving]]),
        (_LAST + 1, xy[doors.place[door]]),
    )
    gates = (_FIRST + 1, at_home.gate[leaving]), (_LAST, doors.gate[door])
    vertices = [_vertices(network, stretches)]
    every = np.arange(len(leaving))
    for rank, at in ends:
        vertices.append((every, np.full(len(every), rank), np.zeros(len(every)), at))
    for rank, gate in gates:
        through = np.flatnonzero(gate >= 0)
        at = network.barriers.openings[gate[through]]
        vertices.append((through, np.full(len(through), rank), np.zeros(len(through)), at))
    walk, order, along, points = (np.concatenate(column) for column in zip(*vertices, strict=True))
    row = np.lexsort([along, order, walk])
    walk, points = walk[row], points[row]
    last = np.append(walk[1:] != walk[:-1], True)
    kept = last | (points != np.roll(points, -1, axis=0)).any(axis=1)
    begins = np.append(0, np.flatnonzero(last)[:-1] + 1)
    kept[begins[np.bincount(walk[kept]) == 1]] = True  # a home at the very door: a line has two ends
    owner = owner[at_home.place[leaving]]
    lines[owner] = shapely.linestrings(points[kept], indices=walk[kept])
    found[owner] = facility[doors.place[door]]
    return Routes(lines, found)


def _among(rows: Ints | None, places: Ints) -> Flags:
    """Return which places stand in `rows`; all where that is None."""
    return np.ones(len(places), dtype=bool) if rows is None else np.isin(places, rows)


def _least_walks(
    network: WalkNetwork, at_home: Positions, owner: Ints, doors: Positions
) -> tuple[Ints, Ints, _Stretches]:
    """Return the door that each home with a walk leaves by, the one it enters, and the streets between.

    `owner` is the home of each door in `at_home`; homes without a walk are left out.
    """
    graph = network.states.reversed_graph
    count, out, steps_in = graph.shape[0], ways_out(network, at_home), ways_in(network, doors)
    metres, onward, source = csgraph.dijkstra(
        with_sources(graph, *steps_in, len(doors)),
        indices=count + np.arange(len(doors)),
        min_only=True,
        return_predecessors=True,
    )
    by_first, by_last = out.by_first(metres), out.by_last(metres)
    first = np.where(by_first <= by_last, out.first, out.last)
    home, other, straight_m = walks_on_one_street(network, at_home, doors)
    leaving = np.concatenate([np.arange(len(at_home)), home])
    door = np.concatenate([source[first].astype(np.int64) - count, other])
    walk_m = np.concatenate([out.off_m + np.minimum(by_first, by_last), straight_m])
    order = np.lexsort([np.arange(len(leaving)), walk_m, owner[leaving]])
    best = order[np.unique(owner[leaving[order]], return_index=True)[1]]
    best = best[np.isfinite(walk_m[best])]
    straight = best >= len(at_home)
    leaving, door = leaving[best], door[best]
    at_once, around = np.flatnonzero(straight), np.flatnonzero(~straight)
    beside = _Stretches(
        at_once,
        np.zeros(len(at_once), dtype=np.int64),
        at_home.street[leaving[at_once]],
        at_home.along_m[leaving[at_once]],
        doors.along_m[door[at_once]],
    )
    length, street = network.street_m, at_home.street[leaving[around]]
    by = (by_first <= by_last)[leaving[around]]
    leave = _Stretches(
        around,
        np.zeros(len(around), dtype=np.int64),
        street,
        at_home.along_m[leaving[around]],
        np.where(by, 0.0, length[street]),
    )
    between, state, steps = _streets_between(network, around, first[leaving[around]], onward)
    # both ends of a loop are one state: the nearer end is walked
    street, at = doors.street[door[around]], steps_in[1].reshape(-1, 2)[door[around]]
    in_m = np.where(at == state[:, None], steps_in[2].reshape(-1, 2)[door[around]], np.inf)
    arrive = _Stretches(
        around,
        steps + 1,
        street,
        np.where(in_m.argmin(axis=1) == 1, length[street], 0.0),
        doors.along_m[door[around]],
    )
    parts = zip(beside, leave, between, arrive, strict=True)
    return leaving, door, _Stretches(*(np.concatenate(column) for column in parts))


def _streets_between(
    network: WalkNetwork, walk: Ints, state: Ints, onward: NDArray[np.int32]
) -> tuple[_Stretches, Ints, Ints]:
    """Return the streets of walks from a state on, the last state of each, and how many steps it took.

    Of parallel streets it is the cheapest. Leaving an estate at its gate is a step without a street.
    """
    count, steps = network.states.reversed_graph.shape[0], np.zeros(len(walk), dtype=np.int64)
    state, going = state.copy(), np.arange(len(walk))
    moves = [(going[:0], steps[:0], state[:0], state[:0])]
    while True:
        ahead = onward[state[going]].astype(np.int64)
        on = ahead < count  # beyond are the doors
        going, ahead = going[on], ahead[on]
        if len(going) == 0:
            break
        steps[going] += 1
        moves.append((going, steps[going], state[going], ahead))
        state[going] = ahead
    one, rank, tail, head = (np.concatenate(column) for column in zip(*moves, strict=True))
    seen = np.zeros(count, dtype=bool)
    seen[tail] = seen[head] = True
    begin, end = network.states.street_from, network.states.street_to
    near = np.flatnonzero(seen[begin] & seen[end])
    street, turned = np.tile(near, 2), np.repeat([False, True], len(near))
    factor = np.where(turned, network.against[street], network.along[street])
    open_ = np.isfinite(factor)
    street, turned, factor = street[open_], turned[open_], factor[open_]
    key = np.where(turned, end[street], begin[street]) * count + np.where(turned, begin[street], end[street])
    order = np.lexsort([network.street_m[street] * factor, key])
    key, wanted = key[order], tail * count + head
    at = np.searchsorted(key, wanted)
    drawn = np.flatnonzero(np.append(key, -1)[at] == wanted)
    taken = order[at[drawn]]
    street, turned = street[taken], turned[taken]
    length = network.street_m[street]
    ends = np.where(turned, length, 0.0), np.where(turned, 0.0, length)
    return _Stretches(walk[one[drawn]], rank[drawn], street, *ends), state, steps


def _vertices(network: WalkNetwork, part: _Stretches) -> tuple[Ints, Ints, Floats, Floats]:
    """Return walk, rank, place in the stretch, and x and y of each vertex of stretches and of their ends."""
    streets, of = np.unique(part.street, return_inverse=True)
    first, last = network.line_start[streets], network.line_start[streets + 1]
    rows, count = ranges(first, last), last - first
    start = np.concatenate([[0], np.cumsum(count)])
    # the streets laid end to end, a metre apart
    step = np.hypot(*np.diff(network.line_xy[rows], axis=0, prepend=network.line_xy[rows[:1]]).T)
    step[start[1:-1]] = 1.0
    total_m = np.cumsum(step)
    begins, ends = total_m[start[:-1]][of], total_m[start[1:] - 1][of]
    length = network.street_m[part.street]
    low, high = (
        np.where(at >= length, ends, np.minimum(begins + at, ends)) for at in (part.from_m, part.to_m)
    )
    xy = [
        np.column_stack([np.interp(at, total_m, axis) for axis in network.line_xy[rows].T])
        for at in (low, high)
    ]
    inner = ranges(start[:-1][of], start[1:][of])
    stretch = np.repeat(np.arange(len(of)), count[of])
    at_m = total_m[inner]
    within = (at_m > np.minimum(low, high)[stretch]) & (at_m < np.maximum(low, high)[stretch])
    inner, stretch, at_m = inner[within], stretch[within], at_m[within]
    along = np.where((low > high)[stretch], -at_m, at_m)
    return (
        np.concatenate([part.walk, part.walk[stretch], part.walk]),
        np.concatenate([part.rank, part.rank[stretch], part.rank]),
        np.concatenate([np.full(len(low), -np.inf), along, np.full(len(low), np.inf)]),
        np.concatenate([xy[0], network.line_xy[rows[inner]], xy[1]]),
    )
