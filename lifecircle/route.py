"""Which way does the walk go?

For the popup of a map, and for checking a doubtful gap on the ground: one search, and the streets it took.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from scipy.sparse import csgraph
from shapely.ops import substring

from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.reach import walks_on_one_street, ways_in, ways_out, with_sources
from lifecircle.streets import Floats, Ints


def route_to_nearest(
    network: WalkNetwork,
    home: shapely.Point | shapely.MultiPoint,
    facilities: Sequence[shapely.Point | shapely.MultiPoint],
    *,
    max_snap_m: float = MAX_SNAP_M,
) -> shapely.LineString | None:
    """Return the walk from a home to the nearest of some facilities as a line.

    It runs from the home straight to its street, along streets as they are drawn, and from the street
    straight to the facility; a leg off the street that passes a gate has a corner there. On level streets its
    length is what `lifecircle.reach.metres_to_nearest` says.

    Parameters
    ----------
    network
        Streets.
    home
        Its point, or its doors, in metres in the network's CRS.
    facilities
        The same of each.
    max_snap_m
        A home or facility farther than this from every street is off the network.

    Returns
    -------
    shapely.LineString or None
        In the network's CRS; None where no facility can be reached.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point
    >>> street = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 500 0, 500 1500)"], crs="EPSG:4549")
    >>> network = WalkNetwork.from_edges(street.to_frame("geometry"))
    >>> print(route_to_nearest(network, Point(100, 40), [Point(470, 300), Point(500, 1400)]))
    LINESTRING (100 40, 100 0, 500 0, 500 300, 470 300)
    """
    home_xy = shapely.get_coordinates(home)
    xy = shapely.get_coordinates(np.asarray(facilities, dtype=object)).reshape(-1, 2)
    at_home, doors = network.snap(*home_xy.T, max_m=max_snap_m), network.doors(*xy.T, max_m=max_snap_m)
    at_home, doors = at_home.take(at_home.on_street), doors.take(doors.on_street)
    if len(at_home) == 0 or len(doors) == 0:
        return None
    walk, leaving, door, pieces = _around_corners(network, at_home, doors)
    home_door, other, straight_m = walks_on_one_street(network, at_home, doors)
    if len(other) and straight_m.min() < walk:
        best = straight_m.argmin()
        walk, leaving, door = straight_m[best], home_door[best], other[best]
        along_m = at_home.along_m[leaving], doors.along_m[door]
        pieces = [_stretch(network, at_home.street[leaving], *along_m)]
    if not np.isfinite(walk):
        return None
    openings = network.barriers.openings
    gates_out, gates_in = (
        openings[gate[gate >= 0]] for gate in (at_home.gate[[leaving]], doors.gate[[door]])
    )
    out, into = home_xy[at_home.place[[leaving]]], xy[doors.place[[door]]]
    line = np.concatenate([out, gates_out, *pieces, gates_in, into])
    moves = np.append((line[1:] != line[:-1]).any(axis=1), True)
    return shapely.LineString(line[moves] if moves.sum() > 1 else line[[0, -1]])


def _around_corners(
    network: WalkNetwork, homes: Positions, doors: Positions
) -> tuple[float, int, int, list[Floats]]:
    """Return the least walk by way of the ends of streets, its doors, and the stretches it is made of."""
    graph = network.states.reversed_graph
    count, out, steps_in = graph.shape[0], ways_out(network, homes), ways_in(network, doors)
    metres, onward, _ = csgraph.dijkstra(
        with_sources(graph, *steps_in, len(doors)),
        indices=count + np.arange(len(doors)),
        min_only=True,
        return_predecessors=True,
    )
    by_first, by_last = out.by_first(metres), out.by_last(metres)
    walks = out.off_m + np.minimum(by_first, by_last)
    home = int(walks.argmin())
    first = by_first[home] <= by_last[home]
    if not np.isfinite(walks[home]):
        return np.inf, -1, -1, []
    way = [int((out.first if first else out.last)[home])]
    while way[-1] < count:
        way.append(int(onward[way[-1]]))
    door = way.pop() - count
    street, length = homes.street[home], network.street_m
    leave = _stretch(network, street, homes.along_m[home], 0.0 if first else length[street])
    # both ends of a loop are one state: the nearer end is walked
    ends = 2 * door + np.arange(2)
    in_by_last = np.where(steps_in[1][ends] == way[-1], steps_in[2][ends], np.inf).argmin()
    street = doors.street[door]
    arrive = _stretch(network, street, length[street] if in_by_last else 0.0, doors.along_m[door])
    return float(walks[home]), home, door, [leave, *_streets_between(network, np.array(way)), arrive]


def _streets_between(network: WalkNetwork, way: Ints) -> list[Floats]:
    """Return the streets from each state to the next, cheapest of parallel ones, as vertices in order.

    Leaving an estate at its gate is a step from state to state without a street.
    """
    states, length = network.states, network.street_m
    place = np.full(states.reversed_graph.shape[0], -1, dtype=np.int64)
    place[way] = np.arange(len(way))
    begin, end = place[states.street_from], place[states.street_to]
    ahead = np.flatnonzero((begin >= 0) & (end == begin + 1) & np.isfinite(network.along))
    back = np.flatnonzero((end >= 0) & (begin == end + 1) & np.isfinite(network.against))
    street, turned = np.append(ahead, back), np.repeat([False, True], [len(ahead), len(back)])
    step = np.append(begin[ahead], end[back])
    cost = np.append(length[ahead] * network.along[ahead], length[back] * network.against[back])
    order = np.lexsort([cost, step])
    order = order[np.unique(step[order], return_index=True)[1]]
    return [
        shapely.get_coordinates(network.lines[s])[:: -1 if against else 1]
        for s, against in zip(street[order], turned[order], strict=True)
    ]


def _stretch(network: WalkNetwork, street: int, start_m: float, end_m: float) -> Floats:
    """Return the vertices of a part of a street, walked from one place on it to another."""
    part: Floats = shapely.get_coordinates(substring(network.lines[street], start_m, end_m))
    return part
