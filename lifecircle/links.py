"""What becomes of the network when a street, a bridge or a gate joins two of its streets?

A link is a public street in a straight line between the points of streets nearest to two places. The streets
are cut there; nothing else of the network moves, so that what was measured away from it stays true.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.barriers import NO_BARRIERS
from lifecircle.errors import DataError
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork, where_lines_leave
from lifecircle.streets import Floats, Ints, enclaves, islands

LINK = "footway"
"""``kind`` of a street that is not there yet."""
_SAME_PLACE_M = 0.001
_SAME_POINT_M = 1e-6


class Linked(NamedTuple):
    """A network with a link."""

    network: WalkNetwork
    """Streets keep their rows; second halves of those that were cut, and the link, stand behind them."""
    parent: Ints
    """Shape (streets,). The row in the old network of the street that each is a part of; -1 for the link."""


def with_link(
    network: WalkNetwork,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    boundary: shapely.Polygon | shapely.MultiPolygon | None = None,
) -> Linked:
    """Return the network with a new public street between the streets nearest to two places.

    Islands and private streets may be joined too. An island that the link ties to the rest is none any more.
    A private street stays private: its residents have one more way out, and strangers still do not walk
    through. A link that only private streets reach is theirs too.

    Parameters
    ----------
    network
        Streets, as they are for all walkers.
    start, end
        Metres in the network's CRS, each at most `MAX_SNAP_M` from a street.
    boundary
        Area that the street data covers, in the network's CRS: where the link crosses it, the data ends.

    Returns
    -------
    Linked

    Raises
    ------
    DataError
        If no street is near enough, or the link would begin and end at one point of one street.

    Examples
    --------
    >>> import geopandas as gpd
    >>> streets = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 900 0)", "LINESTRING (0 100, 900 100)"])
    >>> network = WalkNetwork.from_edges(streets.set_crs("EPSG:4549").to_frame("geometry"))
    >>> with_link(network, (300, 0), (300, 100)).network.street_m.tolist()
    [300.0, 300.0, 600.0, 600.0, 100.0]
    """
    ends = _ends(network, np.array([start, end], dtype=np.float64))
    (one, other), (along_m, other_m) = ends.street.tolist(), ends.along_m.tolist()
    cut, first = _cut(network, one, along_m)
    if one == other and other_m > along_m and len(cut.street_m) > len(network.street_m):
        other, other_m = len(network.street_m), other_m - along_m
    parent = np.concatenate([np.arange(len(network.street_m)), [one]])[: len(cut.street_m)]
    halves, last = _cut(cut, other, other_m)
    parent = np.concatenate([parent, parent[[other]]])[: len(halves.street_m)]
    metres = np.hypot(halves.node_x[last] - halves.node_x[first], halves.node_y[last] - halves.node_y[first])
    if first == last or (metres < _SAME_PLACE_M and one == other):
        raise DataError("siting.link_to_itself", x=start[0], y=start[1])
    if metres < _SAME_PLACE_M:  # they cross or touch there: a gate, which has no length
        joined = _merged(halves, first, last)
    else:
        joined = _joined(halves, first, last, float(metres), boundary)
        parent = np.append(parent, -1)
    ring = joined.street_from, joined.street_to, joined.drawn_m
    private = joined.private | enclaves(*ring, joined.private)
    return Linked(
        _with_lines(joined, joined.lines, private=private, island=islands(*ring)),
        parent.astype(np.int64),
    )


def link_line(
    network: WalkNetwork, start: tuple[float, float], end: tuple[float, float]
) -> shapely.LineString:
    """Return the line that a link between the streets nearest to two places takes; as for `with_link`."""
    ends = _ends(network, np.array([start, end], dtype=np.float64))
    return shapely.LineString(shapely.line_interpolate_point(network.lines[ends.street], ends.along_m))


def _ends(network: WalkNetwork, xy: Floats) -> Positions:
    """Return the nearest point of a street for both ends, whatever stands between; an island counts too."""
    none = np.zeros(len(network.island), dtype=bool)
    whole = _with_lines(network, network.lines, island=none, barriers=NO_BARRIERS)
    ends = whole.snap(*xy.T, max_m=MAX_SNAP_M)
    if not ends.on_street.all():
        x, y = xy[np.flatnonzero(~ends.on_street)[0]]
        raise DataError("siting.link_off_street", x=x, y=y, metres=MAX_SNAP_M)
    return ends


def _cut(network: WalkNetwork, street: int, along_m: float) -> tuple[WalkNetwork, int]:
    """Return the network with a street cut in two, and the node there; at an end nothing is cut."""
    if along_m <= 0:
        return network, int(network.street_from[street])
    if along_m >= network.street_m[street]:
        return network, int(network.street_to[street])
    xy = network.line_xy[network.line_start[street] : network.line_start[street + 1]]
    so_far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    before, after = so_far < along_m - _SAME_POINT_M, so_far > along_m + _SAME_POINT_M
    vertex = np.flatnonzero(~before & ~after)
    at = xy[vertex[0]] if len(vertex) else _between(xy, so_far, along_m)
    node, row = len(network.node_x), len(network.street_m)
    halves = shapely.LineString([*xy[before], at]), shapely.LineString([at, *xy[after]])
    lines = np.concatenate([network.lines, np.array([halves[1]])])
    lines[street] = halves[0]
    exits = network.exits
    beyond = (exits.street == street) & (exits.along_m > along_m)
    street_to, street_m = network.street_to.copy(), network.street_m.copy()
    street_to[street], street_m[street] = node, along_m
    same = ("along", "against", "private", "kind", "traits", "island")
    return _with_lines(
        network,
        lines,
        node_x=np.append(network.node_x, at[0]),
        node_y=np.append(network.node_y, at[1]),
        node_cut=np.append(network.node_cut, False),
        street_from=np.append(network.street_from, node),
        street_to=np.append(street_to, network.street_to[street]),
        street_m=np.append(street_m, network.street_m[street] - along_m),
        **{name: np.append(getattr(network, name), getattr(network, name)[street]) for name in same},
        exits=dataclasses.replace(
            exits,
            street=np.where(beyond, row, exits.street),
            along_m=exits.along_m - np.where(beyond, along_m, 0.0),
        ),
    ), node


def _between(xy: Floats, so_far: Floats, along_m: float) -> Floats:
    """Return the point so many metres along a line."""
    return np.array([np.interp(along_m, so_far, axis) for axis in xy.T])


def _merged(network: WalkNetwork, first: int, last: int) -> WalkNetwork:
    """Return the network with two nodes made one; the second stays, and no street ends there."""
    cut = network.node_cut.copy()
    cut[first] |= cut[last]
    ends = (np.where(ends == last, first, ends) for ends in (network.street_from, network.street_to))
    street_from, street_to = ends
    return _with_lines(network, network.lines, node_cut=cut, street_from=street_from, street_to=street_to)


def _joined(
    network: WalkNetwork,
    first: int,
    last: int,
    metres: float,
    boundary: shapely.Polygon | shapely.MultiPolygon | None,
) -> WalkNetwork:
    """Return the network with a street between two nodes."""
    xy = np.column_stack([network.node_x, network.node_y])[[first, last]]
    line = np.array([shapely.LineString(xy)])
    leaves, along_m = where_lines_leave(line, np.array([metres]), boundary)
    exits = network.exits
    row, none = np.full(len(leaves), len(network.street_m)), np.full(len(leaves), -1)
    beyond = Positions(row, along_m, np.zeros(len(leaves)), len(exits) + np.arange(len(leaves)), none)
    return _with_lines(
        network,
        np.append(network.lines, line),
        street_from=np.append(network.street_from, first),
        street_to=np.append(network.street_to, last),
        street_m=np.append(network.street_m, metres),
        along=np.append(network.along, 1.0),
        against=np.append(network.against, 1.0),
        private=np.append(network.private, False),
        island=np.append(network.island, False),
        kind=np.append(network.kind, LINK),
        traits=np.append(network.traits, 0),
        exits=exits.plus(beyond),
    )


def _with_lines(network: WalkNetwork, lines: NDArray[Any], **arrays: Any) -> WalkNetwork:
    """Return the network with other arrays; lines that are the same objects need not be drawn again."""
    if lines is not network.lines:
        arrays["line_xy"] = shapely.get_coordinates(lines)
        arrays["line_start"] = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(lines))])
    other = dataclasses.replace(network, **arrays)
    vars(other)["lines"] = lines
    return other
