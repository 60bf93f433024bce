"""Which street does a place open on?

The nearest one that a straight line reaches without crossing a barrier; where a gate makes a shorter way out,
through the gate. A place that the map leaves no way out has a gate that nobody drew: walls and fences are no
hindrance to it, water and rails are.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.barriers import TOUCH_M, Barriers, straight_pieces
from lifecircle.nearest_lines import NearestLines
from lifecircle.streets import Flags, Floats, Ints

_FIRST_LOOK_M = 25.0
_BLOCK = 4096
"""Places that look for another street at once, so that memory stays bounded."""
WALLED_IN = -2
"""What stands for the gate of a leg through walls that the map shows no way out of."""


class Pieces(NamedTuple):
    """Streets as straight pieces, found by place."""

    tree: shapely.STRtree
    street: Ints
    """Shape (pieces,). The street that each is of."""
    from_m: Floats
    """Shape (pieces,). Metres along the street to where it begins."""


class Legs(NamedTuple):
    """The access legs of some places; rows are those of the places."""

    street: Ints
    """Shape (k,). The street each opens on; -1 where none is near enough."""
    along_m: Floats
    """Shape (k,). Metres along the street from its first node; nan where there is no street."""
    off_m: Floats
    """Shape (k,). Length of the leg; inf where there is no street."""
    gate: Ints
    """Shape (k,). Row of the opening in ``barriers.openings`` that it passes; -1 where it is straight,
    `WALLED_IN` where it is straight through walls because there is no other way."""
    start: Floats
    """Shape (k, 2). Where on the place the leg begins; nan where there is no street."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ground:
    """All streets of a network, and what stands between them and the places around.

    Attributes
    ----------
    lines
        Shape (streets,). LineStrings.
    private
        Shape (streets,). Of streets equally near, a public one is taken.
    barriers
        What no leg crosses.
    """

    lines: NDArray[Any]
    private: Flags
    barriers: Barriers

    @functools.cached_property
    def pieces(self) -> Pieces:
        """The streets in straight pieces; only looked at where a barrier is in the way."""
        pieces, street = straight_pieces(self.lines)
        before_m = np.concatenate([[0.0], np.cumsum(shapely.length(pieces))])
        first = np.searchsorted(street, np.arange(len(self.lines)))
        return Pieces(shapely.STRtree(pieces), street, before_m[:-1] - before_m[first[street]])

    def frontage(self, which: Flags) -> "Frontage":
        """Return the streets, shape (streets,), that places may open on."""
        return Frontage(self, which)


class Frontage:
    """The streets of a ground that places may open on.

    Parameters
    ----------
    ground
        All streets.
    which
        Shape (streets,). Those that places may open on.
    """

    def __init__(self, ground: Ground, which: Flags) -> None:
        self._ground, self._which = ground, which
        self._streets = np.flatnonzero(which)
        self._lines = NearestLines(ground.lines[which])

    def legs(self, shapes: NDArray[Any], max_m: float) -> Legs:
        """Return the shortest way from each of some shapes to a street that crosses no barrier.

        It is straight, to the nearest point of a straight piece of a street, or goes straight to a gate and
        from there straight to the gate's street. Of streets equally near, a public one is taken before a
        private one, then the one whose point lies lowest (x, then y), so the order of rows changes nothing.

        Parameters
        ----------
        shapes
            Shape (k,). Points, lines or polygons; of these a leg begins at the point that lies nearest.
        max_m
            No leg is longer.
        """
        barriers = self._ground.barriers
        legs, ends = self._straight(shapes, max_m)
        rows = np.flatnonzero(barriers.cross(legs.start, ends))
        if len(rows) == 0:
            return legs
        gates = np.asarray(shapely.points(barriers.openings))
        beyond, beyond_ends = self._straight(gates, max_m)
        shut = np.flatnonzero(barriers.cross(beyond.start, beyond_ends))
        _put(beyond, shut, self._straight_free(gates[shut], _no_legs(len(shut)), max_m))
        walled_in = np.zeros(len(shapes), dtype=bool)
        walled_in[rows[self._yards.query(shapes[rows], predicate="within")[0]]] = True
        outside = rows[~walled_in[rows]]
        for block in np.split(outside, np.arange(_BLOCK, len(outside), _BLOCK)):
            found = self._through_gates(shapes[block], gates, beyond, max_m)
            found = self._straight_free(shapes[block], found, max_m)
            out = np.flatnonzero(found.street >= 0)
            walled_in[np.delete(block, out)] = True
            _put(legs, block[out], _take(found, out))
        rows = np.flatnonzero(walled_in)
        legs.gate[rows] = WALLED_IN
        rows = rows[barriers.cross(legs.start[rows], ends[rows], walls=False)]
        _put(legs, rows, self._straight_free(shapes[rows], _no_legs(len(rows)), max_m, walls=False))
        return legs

    @functools.cached_property
    def _yards(self) -> shapely.STRtree:
        """What walls enclose without a gate, a gap or one of the streets: from there no leg is free."""
        yards = self._ground.barriers.yards
        with_street = self._lines.tree.query(yards, predicate="dwithin", distance=TOUCH_M)[0]
        return shapely.STRtree(shapely.buffer(np.delete(yards, with_street), -2 * TOUCH_M))

    def _straight(self, shapes: NDArray[Any], max_m: float) -> tuple[Legs, Floats]:
        """Return the legs to the nearest street, whatever they cross, and where they end, shape (k, 2)."""
        place, found = self._lines.nearest(shapes, max_m)
        street, lines = self._streets[found], self._lines.lines[found]
        points = shapes[place]
        if (shapely.get_type_id(shapes) != shapely.GeometryType.POINT).any():
            points = shapely.get_point(shapely.shortest_line(points, lines), 0)
        along_m = shapely.line_locate_point(lines, points)
        end = shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m))
        first = _first_of_each(place, self._ground.private[street], end, street)
        place, points, along_m, end = place[first], points[first], along_m[first], end[first]
        legs = _no_legs(len(shapes))
        legs.street[place], legs.along_m[place] = street[first], along_m
        legs.off_m[place] = shapely.distance(lines[first], points)
        legs.start[place] = shapely.get_coordinates(points)
        ends = np.full((len(shapes), 2), np.nan)
        ends[place] = end
        return legs, ends

    def _through_gates(self, shapes: NDArray[Any], gates: NDArray[Any], beyond: Legs, max_m: float) -> Legs:
        """Return the shortest free ways through a gate; `beyond` are the legs of the gates themselves."""
        place, gate = shapely.STRtree(gates).query(shapes, predicate="dwithin", distance=max_m)
        lines = shapely.shortest_line(shapes[place], gates[gate])
        off_m = shapely.length(lines) + beyond.off_m[gate]
        near = np.flatnonzero(off_m <= max_m)
        place, gate, off_m = place[near], gate[near], off_m[near]
        ends = shapely.get_coordinates(lines[near]).reshape(-1, 2, 2)
        free = np.flatnonzero(~self._ground.barriers.cross(ends[:, 0], ends[:, 1]))
        first = free[_first_of_each(place[free], off_m[free].round(9), ends[free, 1], gate[free])]
        by, legs = gate[first], _no_legs(len(shapes))
        through = Legs(beyond.street[by], beyond.along_m[by], off_m[first], by, ends[first, 0])
        _put(legs, place[first], through)
        return legs

    def _straight_free(self, shapes: NDArray[Any], legs: Legs, max_m: float, *, walls: bool = True) -> Legs:
        """Return these legs, or straight ones where such are no longer and cross no barrier.

        Without `walls`, they may cross walls and fences. It is looked ever farther away until the leg in hand
        is the shortest.
        """
        ground, pieces = self._ground, self._ground.pieces
        looked_m, radius_m = -1.0, min(_FIRST_LOOK_M, max_m)
        while looked_m < max_m:
            left = np.flatnonzero(legs.off_m > looked_m)
            place, piece = pieces.tree.query(shapes[left], predicate="dwithin", distance=radius_m)
            street, place = pieces.street[piece], left[place]
            lines = shapely.shortest_line(shapes[place], pieces.tree.geometries.take(piece))
            off_m = shapely.length(lines)
            new = np.flatnonzero(self._which[street] & (off_m > looked_m) & (off_m <= legs.off_m[place]))
            place, piece, street, off_m = place[new], piece[new], street[new], off_m[new]
            ends = shapely.get_coordinates(lines[new]).reshape(-1, 2, 2)
            free = np.flatnonzero(~ground.barriers.cross(ends[:, 0], ends[:, 1], walls=walls))
            rank = off_m[free].round(9), ground.private[street[free]], ends[free, 1], street[free]
            first = free[_first_of_each(place[free], *rank)]
            begin = shapely.get_coordinates(pieces.tree.geometries.take(piece[first]))[::2]
            along_m = pieces.from_m[piece[first]] + np.hypot(*(ends[first, 1] - begin).T)
            straight = np.full(len(first), -1 if walls else WALLED_IN, dtype=np.int64)
            _put(legs, place[first], Legs(street[first], along_m, off_m[first], straight, ends[first, 0]))
            looked_m, radius_m = radius_m, min(2 * radius_m, max_m)
        return legs


def _no_legs(count: int) -> Legs:
    none = np.full(count, -1, dtype=np.int64)
    off_m, start = np.full(count, np.inf), np.full((count, 2), np.nan)
    return Legs(none, np.full(count, np.nan), off_m, none.copy(), start)


def _take(legs: Legs, rows: Ints) -> Legs:
    """Return the legs in `rows`."""
    street, along_m, off_m, gate, start = legs
    return Legs(street[rows], along_m[rows], off_m[rows], gate[rows], start[rows])


def _put(legs: Legs, rows: Ints, other: Legs) -> None:
    """Put other legs in the place of those in `rows`."""
    for column, values in zip(legs, other, strict=True):
        column[rows] = values


def _first_of_each(place: Ints, *keys: NDArray[Any]) -> Ints:
    """Return for each place its first row by these keys, most important first; points by x, then by y."""
    columns = [
        column
        for key in keys
        for column in ((key,) if key.ndim == 1 else (key[:, 0].round(6), key[:, 1].round(6)))
    ]
    order = np.lexsort([*columns[::-1], place])
    first: Ints = order[np.unique(place[order], return_index=True)[1]]
    return first
