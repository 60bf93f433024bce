"""How near do the straight pieces of lines come to places, and which of them does a straight way meet?

A tree of boxes says which pieces may; that is cheap. The rest is worked out from their ends, in arrays.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.streets import Flags, Floats, Ints, ranges

_ROUNDING_M = 1e-6
_WIDE_M = 200.0
"""Wider boxes hold too much of a town for all pairs to be held; there the tree measures one by one."""
Places = NDArray[Any]
"""Points, shape (2, k), x and y in metres; or lines and polygons, shape (k,)."""


class Near(NamedTuple):
    """Pairs of a place and a piece near it, by their rows; those of a place stand together."""

    place: Ints
    piece: Ints
    metres: Floats
    """Shape (pairs,). From one to the other."""

    def take(self, rows: Ints | Flags) -> "Near":
        """Return the pairs in `rows`."""
        return Near(self.place[rows], self.piece[rows], self.metres[rows])


class Pieces:
    """Lines as straight pieces of two vertices each, found by place.

    Parameters
    ----------
    lines
        Shape (lines,). LineStrings or MultiLineStrings.

    Attributes
    ----------
    line
        Shape (pieces,). Row of the line that each is of; those of a line stand together, in its order.
    begin, end
        Shape (2, pieces). Where each begins and ends, x and y in metres; these are never the same.
    """

    def __init__(self, lines: NDArray[Any]) -> None:
        parts, row = shapely.get_parts(lines, return_index=True)
        xy, of = shapely.get_coordinates(parts, return_index=True)
        moves = (xy[1:, 0] != xy[:-1, 0]) | (xy[1:, 1] != xy[:-1, 1])
        first = np.flatnonzero((of[1:] == of[:-1]) & moves)
        self.line: Ints = row[of[first]]
        self.begin, self.end = _columns(xy[first]), _columns(xy[first + 1])
        self._first = np.searchsorted(self.line, np.arange(len(lines)))

    def __len__(self) -> int:
        """Return the number of pieces."""
        return len(self.line)

    @functools.cached_property
    def tree(self) -> shapely.STRtree:
        """The pieces as LineStrings."""
        return shapely.STRtree(_straight(self.begin, self.end))

    def near(self, places: Places, within_m: Floats | float) -> Near:
        """Return every pair of a place and a piece that are not farther apart; just so far is near.

        Parameters
        ----------
        places
            k of them.
        within_m
            Shape (k,), or one for all.
        """
        if places.ndim == 1 or np.max(within_m, initial=0.0) > _WIDE_M:
            shapes = as_shapes(places)
            place, piece = self.tree.query(shapes, predicate="dwithin", distance=within_m)
            return Near(place, piece, shapely.distance(shapes[place], self.tree.geometries.take(piece)))
        reach_m = within_m + _ROUNDING_M
        place, piece = self.tree.query(_straight(places - reach_m, places + reach_m))
        pairs = Near(place, piece, _metres(places[:, place], self.begin[:, piece], self.end[:, piece]))
        most_m = np.broadcast_to(within_m, places.shape[1])
        return pairs.take(np.flatnonzero(pairs.metres <= most_m[place]))

    def between(self, places: Places, piece: Ints) -> tuple[Floats, Floats]:
        """Return where the shortest line from each place to its piece begins and ends, shape (2, k) each.

        Parameters
        ----------
        places
            For k of them.
        piece
            Shape (k,). A piece for each.
        """
        if places.ndim == 1:
            lines = shapely.shortest_line(places, self.tree.geometries.take(piece))
            ends = shapely.get_coordinates(lines)
            return _columns(ends[::2]), _columns(ends[1::2])
        begin, end = self.begin[:, piece], self.end[:, piece]
        share = np.maximum(_share(places, begin, end), 0.0)
        return places, np.where(share < 1, begin + share * (end - begin), end)

    def along_m(self, piece: Ints, xy: Floats) -> Floats:
        """Return how far along its line the point of each piece is that lies nearest to a place.

        Parameters
        ----------
        piece
            Shape (k,). One for each place.
        xy
            Shape (2, k). The places, in metres.

        Returns
        -------
        numpy.ndarray
            Shape (k,). Metres.
        """
        first = self._first[self.line[piece]]
        before = ranges(first, piece)
        steps = np.hypot(*(self.end[:, before] - self.begin[:, before]))
        of = np.repeat(np.arange(len(piece)), piece - first)
        begin, end = self.begin[:, piece], self.end[:, piece]
        last = np.clip(_share(xy, begin, end), 0.0, 1.0) * np.hypot(*(end - begin))
        along_m: Floats = np.bincount(of, steps, len(piece)) + last
        return along_m

    def met(self, start: Floats, end: Floats) -> tuple[Ints, Ints]:
        """Return every pair of a straight way, by its row, and a piece that it crosses or touches.

        Parameters
        ----------
        start, end
            Shape (2, k). Metres.
        """
        way, piece = self.tree.query(_straight(start, end))
        # boxes that meet hold lines that meet where the ends of each lie on both sides of the other
        for way_first in (True, False):
            ways, pieces = (start[:, way], end[:, way]), (self.begin[:, piece], self.end[:, piece])
            (begin, stop), others = (ways, pieces) if way_first else (pieces, ways)
            one, other = (_cross(stop - begin, point - begin) for point in others)
            parted = np.flatnonzero(one * other <= 0)
            way, piece = way[parted], piece[parted]
        return way, piece


def as_places(shapes: NDArray[Any]) -> Places:
    """Return shapes, shape (k,), as what `Pieces` takes."""
    if (shapely.get_type_id(shapes) != shapely.GeometryType.POINT).any():
        return shapes
    return _columns(shapely.get_coordinates(shapes))


def as_shapes(places: Places) -> NDArray[Any]:
    """Return places as shapes, shape (k,)."""
    return places if places.ndim == 1 else np.asarray(shapely.points(*places))


def _metres(xy: Floats, begin: Floats, end: Floats) -> Floats:
    """Return how far places are from straight pieces."""
    along, away = end - begin, xy - begin
    square = _dot(along, along)
    share = _dot(away, along) / square
    metres: Floats = np.abs(_cross(away, along)) / square * np.sqrt(square)
    for to_end, vertex in ((share <= 0, begin), (share >= 1, end)):
        rows = np.flatnonzero(to_end)
        off = xy[:, rows] - vertex[:, rows]
        metres[rows] = np.sqrt(_dot(off, off))
    return metres


def _share(xy: Floats, begin: Floats, end: Floats) -> Floats:
    """Return the share of straight pieces, not cut off at 0 and 1, up to the feet of places."""
    along = end - begin
    return _dot(xy - begin, along) / _dot(along, along)


def _dot(one: Floats, other: Floats) -> Floats:
    product: Floats = one[0] * other[0] + one[1] * other[1]
    return product


def _cross(one: Floats, other: Floats) -> Floats:
    product: Floats = one[0] * other[1] - one[1] * other[0]
    return product


def _columns(xy: Floats) -> Floats:
    """Return x and y each in a row of its own, which is read faster."""
    return np.ascontiguousarray(xy.T)


def _straight(start: Floats, end: Floats) -> NDArray[Any]:
    return np.asarray(shapely.linestrings(np.stack([start.T, end.T], axis=1)))
