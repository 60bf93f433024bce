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

from lifecircle.barriers import TOUCH_M, Barriers
from lifecircle.pieces import Near, Pieces, Places, as_places, as_shapes
from lifecircle.streets import Flags, Floats, Ints

_LOOKS_M = (25.0, 50.0, 100.0, 200.0)
"""So near streets are looked for one look after the other; almost every place has one in the first."""
_TOGETHER_M, _ROUNDING_M = 200.0, 1e-6
_BLOCK = 4096
"""Places that look for streets at once, so that memory stays bounded."""
WALLED_IN = -2
"""What stands for the gate of a leg through walls that the map shows no way out of."""


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
        """The streets in straight pieces."""
        return Pieces(self.lines)

    @functools.cached_property
    def yards(self) -> tuple[NDArray[Any], tuple[Ints, Ints]]:
        """What walls enclose without a gate or a gap, and every pair of such a yard and a street in it."""
        yards = self.barriers.yards
        yard, piece = self.pieces.tree.query(yards, predicate="dwithin", distance=TOUCH_M)
        return shapely.buffer(yards, -2 * TOUCH_M), (yard, self.pieces.line[piece])

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
        self._gates: dict[float, tuple[shapely.STRtree, Legs]] = {}

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
        barriers, places = self._ground.barriers, as_places(shapes)
        legs, ends = self._straight(places, max_m)
        rows = np.flatnonzero(barriers.cross(legs.start, ends))
        if len(rows) == 0:
            return legs
        walled_in = np.zeros(len(shapes), dtype=bool)
        walled_in[rows[self.yards.query(shapes[rows], predicate="within")[0]]] = True
        outside = rows[~walled_in[rows]]
        for block in _blocks(outside):
            found = self._through_gates(shapes[block], max_m)
            found = self._straight_free(places[..., block], found, max_m)
            out = np.flatnonzero(found.street >= 0)
            walled_in[np.delete(block, out)] = True
            _put(legs, block[out], _take(found, out))
        rows = np.flatnonzero(walled_in)
        legs.gate[rows] = WALLED_IN
        rows = rows[barriers.cross(legs.start[rows], ends[rows], walls=False)]
        _put(legs, rows, self._straight_free(places[..., rows], _no_legs(len(rows)), max_m, walls=False))
        return legs

    @functools.cached_property
    def yards(self) -> shapely.STRtree:
        """What walls enclose without a gate, a gap or one of the streets: from there no leg is free."""
        yards, (yard, street) = self._ground.yards
        return shapely.STRtree(np.delete(yards, yard[self._which[street]]))

    def _straight(self, places: Places, max_m: float) -> tuple[Legs, Floats]:
        """Return the legs to the nearest street, whatever they cross, and where they end, shape (k, 2)."""
        legs, ends = _no_legs(places.shape[-1]), np.full((places.shape[-1], 2), np.nan)

        def put(rows: Ints, within_m: Floats | float) -> None:
            place, foot = self._put_nearest(legs, places, self._near(places, rows, within_m))
            ends[place] = foot

        left = _neighbours_together(places)
        for look_m in _LOOKS_M:
            for block in _blocks(left):
                put(block, min(look_m, max_m))
            left = left[legs.street[left] < 0]
            if look_m >= max_m or len(left) == 0:
                return legs, ends
        lines = shapely.STRtree(self._ground.lines[self._which])
        for block in _blocks(left):
            (row, _), far_m = lines.query_nearest(
                as_shapes(places[..., block]), max_distance=max_m, return_distance=True, all_matches=False
            )
            put(block[row], np.minimum(far_m + _ROUNDING_M, max_m))
        return legs, ends

    def _straight_free(self, places: Places, legs: Legs, max_m: float, *, walls: bool = True) -> Legs:
        """Return these legs, or straight ones where such are no longer and cross no barrier.

        Without `walls`, they may cross walls and fences. It is looked ever farther away until the leg in hand
        is the shortest.
        """
        looked_m, radius_m = -1.0, min(_LOOKS_M[0], max_m)
        while looked_m < max_m and (legs.off_m > looked_m).any():
            for left in _blocks(np.flatnonzero(legs.off_m > looked_m)):
                near = self._near(places, left, radius_m)
                near = near.take((near.metres > looked_m) & (near.metres <= legs.off_m[near.place]))
                start, foot = self._ground.pieces.between(places[..., near.place], near.piece)
                free = ~self._ground.barriers.cross(start.T, foot.T, walls=walls)
                self._put_nearest(legs, places, near.take(free), gate=-1 if walls else WALLED_IN)
            looked_m, radius_m = radius_m, min(2 * radius_m, max_m)
        return legs

    def _through_gates(self, shapes: NDArray[Any], max_m: float) -> Legs:
        """Return the shortest free ways through a gate."""
        gates, beyond = self._from_gates(max_m)
        place, gate = gates.query(shapes, predicate="dwithin", distance=max_m)
        lines = shapely.shortest_line(shapes[place], gates.geometries.take(gate))
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

    def _from_gates(self, max_m: float) -> tuple[shapely.STRtree, Legs]:
        """Return the gates and their own free legs, worked out once."""
        if max_m not in self._gates:
            gates = np.asarray(shapely.points(self._ground.barriers.openings))
            places = as_places(gates)
            legs, ends = self._straight(places, max_m)
            shut = np.flatnonzero(self._ground.barriers.cross(legs.start, ends))
            _put(legs, shut, self._straight_free(places[..., shut], _no_legs(len(shut)), max_m))
            self._gates[max_m] = shapely.STRtree(gates), legs
        return self._gates[max_m]

    def _near(self, places: Places, rows: Ints, within_m: Floats | float) -> Near:
        """Return what streets that places may open on come near some of them, by their rows."""
        pieces = self._ground.pieces
        near = pieces.near(places[..., rows], within_m)
        return near._replace(place=rows[near.place]).take(self._which[pieces.line[near.piece]])

    def _put_nearest(self, legs: Legs, places: Places, near: Near, *, gate: int = -1) -> tuple[Ints, Floats]:
        """Make the nearest street of each place its leg; return these places, and where the legs end."""
        pieces, private = self._ground.pieces, self._ground.private
        metres = near.metres.round(9)
        first = np.flatnonzero(np.diff(near.place, prepend=-1))
        least = np.repeat(np.minimum.reduceat(metres, first), np.diff(first, append=len(metres)))
        place, piece, off_m = near.take(metres == least)
        start, foot = (ends.T for ends in pieces.between(places[..., place], piece))
        street = pieces.line[piece]
        one = _first_of_each(place, private[street], foot, street)
        along_m, gates = pieces.along_m(piece[one], start[one].T), np.full(len(one), gate)
        _put(legs, place[one], Legs(street[one], along_m, off_m[one], gates, start[one]))
        return place[one], foot[one]


def _neighbours_together(places: Places) -> Ints:
    """Return the rows of places in an order in which neighbours in the town are neighbours in memory."""
    x, y = shapely.bounds(places).T[:2] if places.ndim == 1 else places
    return np.lexsort([x // _TOGETHER_M, y // _TOGETHER_M])


def _blocks(rows: Ints) -> list[Ints]:
    return np.split(rows, np.arange(_BLOCK, len(rows), _BLOCK))


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
