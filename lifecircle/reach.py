"""How far is the walk from every home to the nearest facility?

One Dijkstra search for all facilities of a service at once, from the facilities outward on the reversed graph
(uphill and downhill differ): each facility is a source joined to both ends of its street.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.network import Positions, WalkNetwork
from lifecircle.streets import Floats, Ints


class WaysOut(NamedTuple):
    """From places on streets to the two ends of their streets; rows are those of the places."""

    first: Ints
    """Shape (k,). State at the first node of the street."""
    last: Ints
    """Shape (k,). State at its last node."""
    first_m: Floats
    """Shape (k,). Level metres along the street to its first node; inf where it is closed that way."""
    last_m: Floats
    """Shape (k,). The same to its last node."""
    off_m: Floats
    """Shape (k,). The access leg."""

    def take(self, rows: Ints) -> "WaysOut":
        """Return the places in `rows`."""
        ends = self.first[rows], self.last[rows], self.first_m[rows], self.last_m[rows]
        return WaysOut(*ends, self.off_m[rows])

    def by_first(self, metres: Floats) -> Floats:
        """Return the walk by way of the first node, given the walks from every state (last axis)."""
        walk: Floats = self.first_m + metres[..., self.first]
        return walk

    def by_last(self, metres: Floats) -> Floats:
        """Return the walk by way of the last node."""
        walk: Floats = self.last_m + metres[..., self.last]
        return walk


class Nearest(NamedTuple):
    """The walk to the nearest facility; one row per home, in the order they first stand among the doors."""

    metres: Floats
    """Shape (homes,). Level metres; inf where none can be reached."""
    facility: Ints
    """Shape (homes,). Row of the facility, -1 where none can be reached."""


def metres_to_nearest(
    network: WalkNetwork, homes: Positions, facilities: Positions, *, cutoff_m: float = np.inf
) -> Nearest:
    """Return the walk from each home to the facility nearest by the network.

    The walk is metres off the street at home, along the network, and off the street at the facility. A home
    or facility may have several doors (rows of the same ``place``): the shortest walk counts. On streets with
    slopes the result is in level metres.

    Parameters
    ----------
    network
        Streets.
    homes
        Doors of the homes.
    facilities
        Doors of the facilities.
    cutoff_m
        A walk longer than this may be told as it is, or as inf: the search ends there.

    Returns
    -------
    Nearest

    Notes
    -----
    Dijkstra's algorithm [1]_ as in :func:`scipy.sparse.csgraph.dijkstra` with ``min_only``.

    .. [1] E. W. Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1, 1959.
    """
    doors = facilities.take(facilities.on_street)
    metres, door = np.full(len(homes), np.inf), np.full(len(homes), -1, dtype=np.int64)
    rows = np.flatnonzero(homes.on_street)
    if len(doors) and len(rows):
        at_home = homes if len(rows) == len(homes) else homes.take(rows)
        metres[rows], door[rows] = _around_corners(network, at_home, doors, cutoff_m)
        home, other, walk = walks_on_one_street(network, at_home, doors)
        order = np.lexsort([other, walk, home])
        home, other, walk = home[order], other[order], walk[order]
        best = np.unique(home, return_index=True)[1]
        home, other, walk = home[best], other[best], walk[best]
        nearer = walk < metres[rows[home]]
        metres[rows[home[nearer]]], door[rows[home[nearer]]] = walk[nearer], other[nearer]
    return _by_home(homes, metres, np.where(door >= 0, doors.place[door] if len(doors) else -1, -1))


def _by_home(homes: Positions, metres: Floats, facility: Ints) -> Nearest:
    """Return the least walk of each home over its doors; of equals, to the facility of the least row."""
    home, count = homes.row_of_place()
    if count == len(homes):
        return Nearest(metres, facility)
    least, first = np.full(count, np.inf), np.full(count, facility.max(initial=-1))
    np.minimum.at(least, home, metres)
    nearest = metres == least[home]
    np.minimum.at(first, home[nearest], facility[nearest])
    return Nearest(least, first)


def minutes_to_nearest(
    network: WalkNetwork, homes: Positions, facilities: Positions, *, pace_mps: float
) -> Floats:
    """Return the minutes from each home to its nearest facility at a pace.

    Parameters
    ----------
    network, homes, facilities
        As for `metres_to_nearest`.
    pace_mps
        Walking speed on the level, metres per second.

    Returns
    -------
    numpy.ndarray
        Shape (homes,). Minutes; inf where none can be reached.
    """
    return metres_to_nearest(network, homes, facilities).metres / (60.0 * pace_mps)


def ways_out(network: WalkNetwork, homes: Positions) -> WaysOut:
    """Return the steps from homes, all of them on streets, to the ends of their streets."""
    street, states = homes.street, network.states
    return WaysOut(
        states.street_from[street],
        states.street_to[street],
        _cost(homes.along_m, network.against[street]),
        _cost(network.street_m[street] - homes.along_m, network.along[street]),
        homes.off_m,
    )


def ways_in(network: WalkNetwork, doors: Positions) -> tuple[Ints, Ints, Floats]:
    """Return the steps from the ends of streets to doors: door, state and level metres of each.

    Two rows for each door, the first node of its street and then the last; inf where the street is closed
    that way. The access leg is part of the metres.
    """
    street, states = doors.street, network.states
    from_first = doors.off_m + _cost(doors.along_m, network.along[street])
    from_last = doors.off_m + _cost(network.street_m[street] - doors.along_m, network.against[street])
    door = np.repeat(np.arange(len(doors)), 2)
    state = np.column_stack([states.street_from[street], states.street_to[street]]).ravel()
    return door, state, np.column_stack([from_first, from_last]).ravel()


def with_sources(
    graph: sparse.csr_array, source: Ints, state: Ints, metres: Floats, sources: int
) -> sparse.csr_array:
    """Return the graph with one more node for each source, behind all others, joined to states.

    Of several steps from one source to one state, as at a loop, the least is kept: a matrix would add them.
    Steps of inf metres join nothing.
    """
    order = np.lexsort([metres, state, source])
    source, state, metres = source[order], state[order], metres[order]
    least = np.isfinite(metres)
    least[1:] &= (source[1:] != source[:-1]) | (state[1:] != state[:-1])
    ends = graph.indptr[-1] + np.cumsum(np.bincount(source[least], minlength=sources))
    nodes = graph.shape[0] + sources
    return sparse.csr_array(
        (
            np.concatenate([graph.data, metres[least]]),
            np.concatenate([graph.indices, state[least].astype(np.int32)]),
            np.concatenate([graph.indptr, ends.astype(np.int32)]),
        ),
        shape=(nodes, nodes),
    )


def walks_on_one_street(
    network: WalkNetwork, homes: Positions, doors: Positions
) -> tuple[Ints, Ints, Floats]:
    """Return every pair of a home and a door on the same street: home, door and level metres of each."""
    order = np.argsort(doors.street, kind="stable")
    has_door = np.zeros(len(network.street_m), dtype=bool)
    has_door[doors.street] = True
    rows = np.flatnonzero(has_door[homes.street])  # few homes: to search for all takes a third of a search
    first = np.searchsorted(doors.street[order], homes.street[rows], side="left")
    count = np.searchsorted(doors.street[order], homes.street[rows], side="right") - first
    home = np.repeat(rows, count)
    door = order[np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)]
    ahead = doors.along_m[door] - homes.along_m[home]
    factor = np.where(ahead >= 0, network.along[homes.street[home]], network.against[homes.street[home]])
    return home, door, homes.off_m[home] + _cost(np.abs(ahead), factor) + doors.off_m[door]


def _cost(metres: Floats, factor: Floats) -> Floats:
    """Return metres x factor, where standing still is free even on a closed street."""
    with np.errstate(invalid="ignore"):
        return np.where(metres <= 0, 0.0, metres * factor)


def _around_corners(
    network: WalkNetwork, homes: Positions, doors: Positions, limit_m: float
) -> tuple[Floats, Ints]:
    """Return the least walk by way of a street's ends, and the door it leads to."""
    graph = network.states.reversed_graph
    count, out = graph.shape[0], ways_out(network, homes)
    metres, _, source = csgraph.dijkstra(
        with_sources(graph, *ways_in(network, doors), len(doors)),
        indices=count + np.arange(len(doors)),
        min_only=True,
        return_predecessors=True,
        limit=limit_m,
    )
    by_first, by_last = out.by_first(metres), out.by_last(metres)
    best = out.off_m + np.minimum(by_first, by_last)
    door = source[np.where(by_first <= by_last, out.first, out.last)].astype(np.int64) - count
    return best, np.where(np.isfinite(best), door, -1)
