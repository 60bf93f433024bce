"""Which facilities, and how many, can each home choose from?

`within` and `count_within` search from every facility, in a piece of the network no larger than need be:
facilities are halved by place again and again, and each half keeps only the streets and homes that one
search from all of it reaches. `k_nearest` takes two searches of the whole network for each of the k, however
many facilities there are.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.errors import DataError
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import WaysOut, walks_on_one_street, ways_in, ways_out, with_sources
from lifecircle.streets import Flags, Floats, Ints

_BLOCK = 400_000
"""Facilities x (states + homes) of a piece that is searched at once; larger ones are parted."""
_MOST_HALVINGS = 3
"""How often facilities are halved before it is looked up again what streets and homes each part needs."""


class Pairs(NamedTuple):
    """Homes and facilities within reach of each other, by home, nearest first, then by facility."""

    home: Ints
    """Shape (pairs,). The home, counted in the order they first stand among the doors."""
    facility: Ints
    """Shape (pairs,). Row of the facility."""
    metres: Floats
    """Shape (pairs,). Level metres of the walk."""

    def within(self, cutoff_m: float) -> "Pairs":
        """Return those that are no farther than a cutoff."""
        near = self.metres <= cutoff_m
        return Pairs(self.home[near], self.facility[near], self.metres[near])


class KNearest(NamedTuple):
    """The walks to the nearest facilities, nearest first; rows are those of the homes."""

    metres: Floats
    """Shape (homes, k). Level metres; inf where there are fewer."""
    facility: Ints
    """Shape (homes, k). Row of the facility, -1 where there are fewer; of equals, the lower row first."""


def within(network: WalkNetwork, homes: Positions, facilities: Positions, *, cutoff_m: float) -> Pairs:
    """Return every pair of a home and a facility that is no farther than a cutoff.

    Parameters
    ----------
    network
        Streets.
    homes, facilities
        Doors of the homes and facilities; by whichever is nearer.
    cutoff_m
        Longest walk in level metres; exactly so far is inside.

    Returns
    -------
    Pairs

    Raises
    ------
    DataError
        If `cutoff_m` is negative or no number.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from lifecircle import WalkNetwork
    >>> street = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 2000 0)"], crs="EPSG:4549")
    >>> network = WalkNetwork.from_edges(street.to_frame("geometry"))
    >>> homes, facilities = network.snap([100, 900], [0, 0]), network.doors([0, 500, 1500], [0, 0, 0])
    >>> pairs = within(network, homes, facilities, cutoff_m=500)
    >>> pairs.home.tolist(), pairs.facility.tolist(), pairs.metres.tolist()
    ([0, 0, 1], [0, 1, 1], [100.0, 400.0, 400.0])
    """
    nothing = Pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    found = [nothing, *pairs_by_piece(network, homes, facilities, cutoff_m)]
    home, facility, metres = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort([facility, metres, home])
    return Pairs(home[order], facility[order], metres[order])


def count_within(network: WalkNetwork, homes: Positions, facilities: Positions, *, cutoff_m: float) -> Ints:
    """Return how many facilities each home can choose from, shape (homes,).

    Parameters
    ----------
    network, homes, facilities, cutoff_m
        As for `within`, whose pairs are counted and not kept.

    Returns
    -------
    numpy.ndarray
    """
    count = np.zeros(homes.row_of_place()[1], dtype=np.int64)
    for pairs in pairs_by_piece(network, homes, facilities, cutoff_m):
        count += np.bincount(pairs.home, minlength=len(count))
    return count


def k_nearest(
    network: WalkNetwork, homes: Positions, facilities: Positions, *, k: int, cutoff_m: float = np.inf
) -> KNearest:
    """Return the walks from each home to the k facilities nearest by the network.

    Parameters
    ----------
    network, homes, facilities
        As for `within`. A facility counts once, however many doors it has.
    k
        How many facilities, at least 1.
    cutoff_m
        Longest walk in level metres; exactly so far is inside.

    Returns
    -------
    KNearest

    Raises
    ------
    DataError
        If `k` is less than 1, or `cutoff_m` is negative or no number.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from lifecircle import WalkNetwork
    >>> street = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 2000 0)"], crs="EPSG:4549")
    >>> network = WalkNetwork.from_edges(street.to_frame("geometry"))
    >>> homes, facilities = network.snap([100, 900], [0, 0]), network.doors([0, 500, 1500], [0, 0, 0])
    >>> k_nearest(network, homes, facilities, k=2).metres.tolist()
    [[100.0, 400.0], [400.0, 600.0]]
    """
    if k < 1:
        raise DataError("choice.bad_k", value=k)
    _check_cutoff(cutoff_m)
    rows, doors = np.flatnonzero(homes.on_street), facilities.take(facilities.on_street)
    at_home = homes.take(rows)
    out = ways_out(network, at_home)
    found = [_nearest_on_one_street(network, at_home, doors, k)]
    for metres, facility in _rankings(network, doors, k, cutoff_m):
        found.append(KNearest((out.off_m + out.by_first(metres))[:, None], facility[out.first][:, None]))
        found.append(KNearest((out.off_m + out.by_last(metres))[:, None], facility[out.last][:, None]))
    metres, facility = (np.concatenate(columns, axis=1) for columns in zip(*found, strict=True))
    nearest = _nothing_near(len(homes), k)
    nearest.metres[rows], nearest.facility[rows] = _first_k(metres, facility, k, cutoff_m)
    home, count = homes.row_of_place()
    if count == len(homes):
        return nearest
    door, rank = np.nonzero(nearest.facility >= 0)
    return _ranked(home[door], nearest.facility[door, rank], nearest.metres[door, rank], count, k)


# ---------------------------------------------------------------------- everything within a cutoff


class _Piece(NamedTuple):
    """Some facilities, and what of the network and of the homes they may reach."""

    graph: sparse.csr_array
    """Reversed; its states are numbered anew in each piece."""
    doors: Positions
    steps: tuple[Ints, Ints, Floats]
    """Facility, state and metres of each step from a facility."""
    rows: Ints
    """The home of each door."""
    homes: Positions
    out: WaysOut
    """Of the homes; a state that is not in the graph is -1."""


def pairs_by_piece(
    network: WalkNetwork, homes: Positions, facilities: Positions, cutoff_m: float
) -> Iterator[Pairs]:
    """Yield the pairs within the cutoff, those of a facility together."""
    _check_cutoff(cutoff_m)
    on_street, doors = np.flatnonzero(homes.on_street), facilities.take(facilities.on_street)
    rows, at_home = homes.row_of_place()[0][on_street], homes.take(on_street)
    door, state, metres = ways_in(network, doors)
    steps = doors.place[door], state, metres
    whole = _Piece(network.states.reversed_graph, doors, steps, rows, at_home, ways_out(network, at_home))
    waiting = _parts(network, whole, _MOST_HALVINGS)
    while waiting:
        piece = _within_reach(waiting.pop(), cutoff_m)
        parts = _parts(network, piece, _MOST_HALVINGS)
        if len(parts) > 1:
            waiting += parts
        elif len(piece.rows):
            yield _search(network, piece, cutoff_m)


def _parts(network: WalkNetwork, piece: _Piece, halvings: int) -> list[_Piece]:
    """Return the piece as parts small enough to search, or as small as so many halvings make them.

    Facilities are parted across the longer side of the area they stand in; all parts share streets and homes.
    """
    facility, door = np.unique(piece.doors.place, return_index=True)
    size = len(facility) * (piece.graph.shape[0] + len(piece.rows))
    if len(facility) <= 1 or size <= _BLOCK or halvings == 0:
        return [piece]
    node = network.street_from[piece.doors.street[door]]
    xy = np.column_stack([network.node_x[node], network.node_y[node]])
    order = np.argsort(xy[:, np.ptp(xy, axis=0).argmax()], kind="stable")
    parts = []
    for half in (facility[order[: len(order) // 2]], facility[order[len(order) // 2 :]]):
        steps = np.isin(piece.steps[0], half)
        part = piece._replace(
            doors=piece.doors.take(np.isin(piece.doors.place, half)),
            steps=(piece.steps[0][steps], piece.steps[1][steps], piece.steps[2][steps]),
        )
        parts += _parts(network, part, halvings - 1)
    return parts


def _within_reach(piece: _Piece, cutoff_m: float) -> _Piece:
    """Return the piece with no more states and homes than its facilities reach, found by one search."""
    states = piece.graph.shape[0]
    facility, state, metres = piece.steps
    joined = with_sources(piece.graph, np.zeros_like(state), state, metres, 1)
    reached_m = csgraph.dijkstra(joined, indices=states, limit=cutoff_m)
    # of a state that is not in the graph, -1, the last entry tells: where the search began, which no step is
    reached_m[states] = np.inf
    walk = piece.out.off_m + np.minimum(piece.out.by_first(reached_m), piece.out.by_last(reached_m))
    homes = np.flatnonzero((walk <= cutoff_m) | np.isin(piece.homes.street, piece.doors.street))
    kept = np.flatnonzero(np.isfinite(reached_m))
    number = np.full(states + 1, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    inside = number[state] >= 0
    out = piece.out.take(homes)
    return _Piece(
        piece.graph[kept][:, kept],
        piece.doors,
        (facility[inside], number[state[inside]], metres[inside]),
        piece.rows[homes],
        piece.homes.take(homes),
        out._replace(first=number[out.first], last=number[out.last]),
    )


def _search(network: WalkNetwork, piece: _Piece, cutoff_m: float) -> Pairs:
    """Return the pairs of a piece by a search from each of its facilities."""
    states = piece.graph.shape[0]
    facility, of_door = np.unique(piece.doors.place, return_inverse=True)
    place, state, metres = piece.steps
    joined = with_sources(piece.graph, np.searchsorted(facility, place), state, metres, len(facility))
    reached_m = csgraph.dijkstra(joined, indices=states + np.arange(len(facility)), limit=cutoff_m)
    reached_m[:, -1] = np.inf  # as in _within_reach
    walk = piece.out.off_m + np.minimum(piece.out.by_first(reached_m), piece.out.by_last(reached_m))
    home, door, straight_m = walks_on_one_street(network, piece.homes, piece.doors)
    np.minimum.at(walk, (of_door[door], home), straight_m)
    rows = np.unique(piece.rows)
    if len(rows) < len(piece.rows):  # some homes have several doors
        order = np.argsort(piece.rows, kind="stable")
        walk = np.minimum.reduceat(walk[:, order], np.searchsorted(piece.rows[order], rows), axis=1)
    else:
        rows = piece.rows
    row, home = np.nonzero((walk <= cutoff_m) & np.isfinite(walk))
    return Pairs(rows[home], facility[row], walk[row, home])


# ---------------------------------------------------------------------- the k nearest


def _rankings(
    network: WalkNetwork, doors: Positions, k: int, limit_m: float
) -> Iterator[tuple[Floats, Ints]]:
    """Yield metres and facility of the nearest, second nearest … of every state, shape (states,) each.

    A state's next nearest is among its neighbour's nearest ones, or, where both know the same so far, it is
    the neighbour's next nearest. So each rank is a search of the steps between states that know the same,
    begun at the steps between those that do not. Which facility it leads to is a second search, of the
    shortest steps only, where a facility's row stands for metres: of equals, the least row comes through.
    """
    graph = network.states.reversed_graph
    tail, head = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr)), graph.indices
    door, at_door, in_m = ways_in(network, doors)
    ranks: list[tuple[Floats, Ints]] = []
    for _ in range(k):
        alike = np.ones(len(tail), dtype=bool)
        for known in np.sort([facility for _, facility in ranks], axis=0) if ranks else ():
            alike &= known[tail] == known[head]
        border = np.flatnonzero(~alike)
        starts = [(doors.place[door], at_door, in_m)] + [
            (facility[tail[border]], head[border], metres[tail[border]] + graph.data[border])
            for metres, facility in ranks
        ]
        place, state, start_m = (np.concatenate(column) for column in zip(*starts, strict=True))
        new = place >= 0
        for _, facility in ranks:
            new &= facility[state] != place
        place, state, start_m = place[new], state[new], start_m[new]
        metres = _least(graph, alike, graph.data, (state, start_m), limit_m)
        with np.errstate(invalid="ignore"):
            shortest = alike & np.isfinite(metres[tail]) & (metres[tail] + graph.data == metres[head])
        if not np.isfinite(metres).any():
            return
        first = start_m == metres[state]
        row = _least(graph, shortest, np.zeros(len(tail)), (state[first], place[first].astype(float)), np.inf)
        ranks.append((metres, np.where(np.isfinite(metres), row, -1).astype(np.int64)))
        yield ranks[-1]


def _nearest_on_one_street(network: WalkNetwork, homes: Positions, doors: Positions, k: int) -> KNearest:
    """Return for each home the k facilities nearest along its own street."""
    home, door, walk = walks_on_one_street(network, homes, doors)
    return _ranked(home, doors.place[door], walk, len(homes), k)


def _ranked(home: Ints, facility: Ints, walk: Floats, homes: int, k: int) -> KNearest:
    """Return the k nearest facilities of each home among these walks, each facility once."""
    order = np.lexsort([walk, facility, home])
    order = order[np.unique(np.column_stack([home, facility])[order], axis=0, return_index=True)[1]]
    order = order[np.lexsort([facility[order], walk[order], home[order]])]
    home, facility, walk = home[order], facility[order], walk[order]
    rank = np.arange(len(home)) - np.searchsorted(home, home)
    first, nearest = rank < k, _nothing_near(homes, k)
    nearest.metres[home[first], rank[first]] = walk[first]
    nearest.facility[home[first], rank[first]] = facility[first]
    return nearest


def _nothing_near(homes: int, k: int) -> KNearest:
    return KNearest(np.full((homes, k), np.inf), np.full((homes, k), -1, dtype=np.int64))


def _first_k(metres: Floats, facility: Ints, k: int, cutoff_m: float) -> KNearest:
    """Return the k least of each row in order, each facility once."""
    order = np.lexsort([facility, metres], axis=1)
    metres, facility = np.take_along_axis(metres, order, axis=1), np.take_along_axis(facility, order, axis=1)
    again = np.zeros(metres.shape, dtype=bool)
    for column in range(1, metres.shape[1]):
        again[:, column] = (facility[:, :column] == facility[:, column, None]).any(axis=1)
    beyond = again | (metres > cutoff_m) | np.isinf(metres)
    order = np.argsort(beyond, axis=1, kind="stable")[:, :k]
    metres, facility = np.where(beyond, np.inf, metres), np.where(beyond, -1, facility)
    return KNearest(np.take_along_axis(metres, order, axis=1), np.take_along_axis(facility, order, axis=1))


def _least(
    graph: sparse.csr_array, steps: Flags, cost: Floats, starts: tuple[Ints, Floats], limit: float
) -> Floats:
    """Return the least cost of every state over some of the steps, from states where it starts at a cost."""
    nodes = graph.shape[0]
    kept = np.concatenate([[0], np.cumsum(steps)])[graph.indptr].astype(np.int32)
    part = sparse.csr_array((cost[steps], graph.indices[steps], kept), shape=graph.shape)
    joined = with_sources(part, np.zeros_like(starts[0]), *starts, 1)
    least: Floats = csgraph.dijkstra(joined, indices=nodes, limit=limit)[:nodes]
    return least


def _check_cutoff(cutoff_m: float) -> None:
    if not cutoff_m >= 0:
        raise DataError("choice.bad_cutoff", value=cutoff_m)
