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


class Nearest(NamedTuple):
    """The walk to the nearest facility; rows are those of the homes."""

    metres: Floats
    """Shape (homes,). Level metres; inf where none can be reached."""
    facility: Ints
    """Shape (homes,). Row of the facility, -1 where none can be reached."""


def metres_to_nearest(network: WalkNetwork, homes: Positions, facilities: Positions) -> Nearest:
    """Return the walk from each home to the facility nearest by the network.

    The walk is metres off the street at home, along the network, and off the street at the facility. A
    facility may have several doors (rows of the same ``place``). On streets with slopes the result is in
    level metres.

    Parameters
    ----------
    network
        Streets.
    homes
        One row per home.
    facilities
        Doors of the facilities.

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
        at_home = homes.take(rows)
        metres[rows], door[rows] = _around_corners(network, at_home, doors)
        _along_one_street(network, at_home, doors, rows, metres, door)
    return Nearest(metres, np.where(door >= 0, doors.place[door] if len(doors) else -1, -1))


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


def _cost(metres: Floats, factor: Floats) -> Floats:
    """Return metres x factor, where standing still is free even on a closed street."""
    with np.errstate(invalid="ignore"):
        return np.where(metres <= 0, 0.0, metres * factor)


def _around_corners(network: WalkNetwork, homes: Positions, doors: Positions) -> tuple[Floats, Ints]:
    """Return the least walk by way of a street's ends, and the door it leads to."""
    states = network.states
    graph, count = states.reversed_graph, states.reversed_graph.shape[0]
    street, length = doors.street, network.street_m[doors.street]
    from_first = doors.off_m + _cost(doors.along_m, network.along[street])
    from_last = doors.off_m + _cost(length - doors.along_m, network.against[street])
    ends = np.column_stack([states.street_from[street], states.street_to[street]]).ravel()
    costs = np.column_stack([from_first, from_last]).ravel()
    # both ends of a loop are one state: keep two entries, the lesser in both, since a matrix would add them
    loop = np.repeat(states.street_from[street] == states.street_to[street], 2)
    costs = np.where(loop, np.repeat(np.minimum(from_first, from_last), 2), costs)
    keep = np.isfinite(costs) & ~(loop & (np.arange(len(costs)) % 2 == 1))
    starts = np.concatenate([[0], np.cumsum(keep.reshape(-1, 2).sum(axis=1))])
    joined = sparse.csr_array(
        (
            np.concatenate([graph.data, costs[keep]]),
            np.concatenate([graph.indices, ends[keep].astype(np.int32)]),
            np.concatenate([graph.indptr, graph.indptr[-1] + starts[1:].astype(np.int32)]),
        ),
        shape=(count + len(doors), count + len(doors)),
    )
    metres, _, source = csgraph.dijkstra(
        joined, indices=count + np.arange(len(doors)), min_only=True, return_predecessors=True
    )
    street, length = homes.street, network.street_m[homes.street]
    first, last = states.street_from[street], states.street_to[street]
    by_first = _cost(homes.along_m, network.against[street]) + metres[first]
    by_last = _cost(length - homes.along_m, network.along[street]) + metres[last]
    best = homes.off_m + np.minimum(by_first, by_last)
    door = source[np.where(by_first <= by_last, first, last)].astype(np.int64) - count
    return best, np.where(np.isfinite(best), door, -1)


def _along_one_street(
    network: WalkNetwork, homes: Positions, doors: Positions, rows: Ints, metres: Floats, door: Ints
) -> None:
    """Shorten the walks in `metres` and `door` where home and facility lie on the same street."""
    order = np.argsort(doors.street, kind="stable")
    first = np.searchsorted(doors.street[order], homes.street, side="left")
    count = np.searchsorted(doors.street[order], homes.street, side="right") - first
    home = np.repeat(np.arange(len(homes)), count)
    other = order[np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)]
    ahead = doors.along_m[other] - homes.along_m[home]
    factor = np.where(ahead >= 0, network.along[homes.street[home]], network.against[homes.street[home]])
    walk = homes.off_m[home] + _cost(np.abs(ahead), factor) + doors.off_m[other]
    order = np.lexsort([other, walk, home])
    home, other, walk = home[order], other[order], walk[order]
    best = np.unique(home, return_index=True)[1]
    home, other, walk = home[best], other[best], walk[best]
    nearer = walk < metres[rows[home]]
    metres[rows[home[nearer]]], door[rows[home[nearer]]] = walk[nearer], other[nearer]
