"""Which pieces of ways are there, and which ways are rings that surround something?

Of many ways at once, when it is known where their nodes lie.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.sources.osm_elements import NOTHING, Elements, Found, Lines
from lifecircle.streets import Flags, Floats, Ints, ranges, starts
from lifecircle.walkable import is_square

RING = 4
"""So many nodes at least surround anything."""


class Drawn(NamedTuple):
    """Ways and where their nodes lie."""

    id: Ints
    number: Ints
    """Shape (w,). Where in the file each stands."""
    start: Ints
    """Shape (w + 1,). Way i has the nodes ``start[i]`` to ``start[i + 1]``."""
    node: Ints
    """Shape (n,). Ids."""
    lon: Floats
    """Shape (n,). Degrees."""
    lat: Floats
    missing: Flags
    """Shape (n,). Whether the file does not hold the node."""
    valid: Flags
    """Shape (n,). Whether it does, and the node lies on Earth."""

    def take(self, rows: Ints) -> "Drawn":
        """Return the ways in some rows."""
        at = ranges(self.start[rows], self.start[rows + 1])
        start = starts(np.diff(self.start)[rows])
        places = (self.lon[at], self.lat[at], self.missing[at], self.valid[at])
        return Drawn(self.id[rows], self.number[rows], start, self.node[at], *places)

    @classmethod
    def joined(cls, parts: Sequence["Drawn"]) -> "Drawn":
        """Return the ways of all parts."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return cls(
                none, none, np.zeros(1, dtype=np.int64), none, *np.zeros((2, 0)), *np.zeros((2, 0), bool)
            )
        id_, number, _, *of_nodes = (np.concatenate(column) for column in zip(*parts, strict=True))
        counts = np.concatenate([np.diff(part.start) for part in parts])
        return cls(id_, number, starts(counts), *of_nodes)

    @property
    def way(self) -> Ints:
        """Shape (n,). The way of each node."""
        return np.repeat(np.arange(len(self.id)), np.diff(self.start))


class _Pieces(NamedTuple):
    """Runs of two nodes or more that are there; rows belong together."""

    way: Ints
    """Shape (p,). Row of the way of each."""
    start: Ints
    """Shape (p + 1,)."""
    at: Ints
    """Shape (v,). Row of each vertex among the nodes of the ways."""
    cut: Flags
    """Shape (v,). Where the way goes on, but its nodes are missing."""
    lonely: Ints
    """Rows of nodes that are there without any neighbour of theirs."""


def _pieces(drawn: Drawn) -> _Pieces:
    """Return what is left of ways where nodes are missing."""
    way, valid = drawn.way, drawn.valid
    first, last = np.zeros((2, len(way)), dtype=bool)
    some = np.diff(drawn.start) > 0
    first[drawn.start[:-1][some]] = last[drawn.start[1:][some] - 1] = True
    before, after = np.append(False, valid[:-1]) & ~first, np.append(valid[1:], False) & ~last
    begin, end = np.flatnonzero(valid & ~before), np.flatnonzero(valid & ~after)
    cut_first, cut_last, long = ~first[begin], ~last[end], end > begin
    lonely = begin[~long & (cut_first | cut_last)]
    begin, end, cut_first, cut_last = begin[long], end[long], cut_first[long], cut_last[long]
    start = starts(end - begin + 1)
    cut = np.zeros(start[-1], dtype=bool)
    cut[start[:-1]], cut[start[1:] - 1] = cut_first, cut_last
    return _Pieces(way[begin], start, ranges(begin, end + 1), cut, lonely)


def streets_of(drawn: Drawn, tags: Sequence[Mapping[str, str]]) -> Elements:
    """Return ways that people walk, with these tags, as elements."""
    pieces = _pieces(drawn)
    here = [tags[row] for row in pieces.way.tolist()]
    node = drawn.node[pieces.at]
    whole = ~np.logical_or.reduceat(np.append(pieces.cut, False), pieces.start[:-1])
    squares = np.array([is_square(of_way) for of_way in here], dtype=bool)
    square = squares & whole & (node[pieces.start[:-1]] == node[pieces.start[1:] - 1])
    lines = Lines(
        *(node, drawn.lon[pieces.at], drawn.lat[pieces.at], pieces.cut, pieces.start, here),
        square=np.where(square, np.cumsum(square) - 1, -1),
        number=drawn.number[pieces.way],
    )
    return dataclasses.replace(
        NOTHING,
        ways=lines,
        squares=int(square.sum()),
        lonely=drawn.node[pieces.lonely],
        missing=drawn.node[drawn.missing],
        misplaced=drawn.node[~drawn.missing & ~drawn.valid],
        clipped_ways=len(np.unique(drawn.way[~drawn.valid])),
    )


def bars_of(drawn: Drawn, tags: Sequence[Mapping[str, str]]) -> Found:
    """Return ways that bar the way, with these tags, as lines."""
    pieces = _pieces(drawn)
    lonlat = np.column_stack([drawn.lon[pieces.at], drawn.lat[pieces.at]])
    lines = shapely.linestrings(lonlat, indices=np.repeat(np.arange(len(pieces.way)), np.diff(pieces.start)))
    here = [tags[row] for row in pieces.way.tolist()]
    return Found(as_array(lines), here, drawn.id[pieces.way], drawn.number[pieces.way])


def rings_of(drawn: Drawn) -> tuple[Ints, NDArray[Any], Ints]:
    """Return the rows of simple rings, their areas, and the rows of others that end where they begin.

    A ring is as libosmium draws it: counterclockwise, from the westernmost of its nodes.
    """
    long = np.flatnonzero(np.diff(drawn.start) >= RING)
    first, last = drawn.start[long], drawn.start[long + 1] - 1
    meet = (drawn.lon[first] == drawn.lon[last]) & (drawn.lat[first] == drawn.lat[last])
    closed = long[meet & ~drawn.missing[first]]
    rings = drawn.take(closed)
    lonlat, way = np.column_stack([rings.lon, rings.lat]), rings.way
    odd = ~rings.valid
    odd[1:] |= (lonlat[1:] == lonlat[:-1]).all(axis=1) & (way[1:] == way[:-1])
    plain = np.ones(len(closed), dtype=bool)
    plain[way[odd]] = False
    kept = np.flatnonzero(plain)
    at, count = plain[way], np.diff(rings.start)[kept]
    drawn_rings = shapely.linearrings(lonlat[at], indices=np.repeat(np.arange(len(kept)), count))
    areas = as_array(shapely.polygons(as_array(drawn_rings)))
    simple = np.asarray(shapely.is_valid(areas), dtype=bool)
    plain[kept[~simple]] = False
    return closed[plain], shapely.reverse(shapely.normalize(areas[simple])), closed[~plain]


def as_array(shapes: Any) -> NDArray[Any]:
    """Return shapes as an array, also if there are none."""
    found: NDArray[Any] = np.asarray(shapes, dtype=object)
    return found
