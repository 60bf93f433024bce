"""What stands between a place and a street, and where does it open?

An access leg, the straight line between a place and the street it opens on, passes no wall, water or rails.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.streets import Flags, Floats, Ints

GATE_M = 1.5
"""A leg that crosses a barrier no farther than this from an open gate goes through the gate."""
_LOOK_M = (20.0, 60.0)
TOUCH_M = 0.05
"""A leg may touch a barrier this near its ends: a place on a fence, a wall that ends at the street."""


class _Segments(NamedTuple):
    """Barriers as straight pieces, found by place."""

    tree: shapely.STRtree
    area: Ints
    """Shape (pieces,). Row of the area whose rim it is; -1 for pieces of lines."""


@dataclasses.dataclass(frozen=True, eq=False)
class Barriers:
    """Lines and areas that no access leg crosses, in the CRS of a network.

    A leg from inside an area may leave that area: a houseboat has a gangway.

    Attributes
    ----------
    lines
        Shape (l,). LineStrings: walls, fences, rivers, railways.
    areas
        Shape (a,). Polygons: water.
    openings
        Shape (o, 2). Gates and entrances that people pass.
    doubtful
        Shape (l,). Lines whose gates may be missing from the map: walls and fences.
    """

    lines: NDArray[Any]
    areas: NDArray[Any]
    openings: Floats
    doubtful: Flags

    def __post_init__(self) -> None:
        """Freeze the arrays: trees built from them are kept."""
        for value in vars(self).values():
            value.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of lines and areas."""
        return len(self.lines) + len(self.areas)

    def cross(self, start: Floats, end: Floats, *, walls: bool = True) -> Flags:
        """Return which straight legs cross a barrier.

        Parameters
        ----------
        start, end
            Shape (k, 2). Metres.
        walls
            Whether doubtful lines count.

        Returns
        -------
        numpy.ndarray
            Shape (k,).
        """
        segments = self._all if walls else self._certain
        length = np.hypot(*(end - start).T)
        crossing = np.zeros(len(start), dtype=bool)
        from_m = TOUCH_M
        # most legs that cross anything do so early, and short pieces of legs are looked up fast
        for to_m in (*_LOOK_M, np.inf) if len(segments.area) else ():
            rows = np.flatnonzero(~crossing & (length - TOUCH_M > from_m))
            part = np.column_stack([np.full(len(rows), from_m), np.minimum(length[rows] - TOUCH_M, to_m)])
            step = (part / length[rows, None])[:, :, None] * (end - start)[rows, None]
            legs = shapely.linestrings(start[rows, None] + step)
            leg, piece = segments.tree.query(legs, predicate="intersects")
            area = segments.area[piece]
            at_rim = np.flatnonzero(area >= 0)
            from_inside = shapely.intersects_xy(self.areas[area[at_rim]], *start[rows[leg[at_rim]]].T)
            crossing[rows[np.delete(leg, at_rim[from_inside])]] = True
            from_m = to_m
        return crossing

    @functools.cached_property
    def line_pieces(self) -> tuple[shapely.STRtree, Flags]:
        """The lines, with gaps at openings, as straight pieces, and which of these are doubtful."""
        pieces, of = straight_pieces(_with_gaps(self.lines, self.openings))
        return shapely.STRtree(pieces), self.doubtful[of]

    @functools.cached_property
    def yards(self) -> NDArray[Any]:
        """Shape (y,). Polygons that doubtful lines enclose without a gap."""
        drawn = shapely.union_all(_with_gaps(self.lines[self.doubtful], self.openings))
        yards: NDArray[Any] = shapely.get_parts(shapely.polygonize(shapely.get_parts(drawn)))
        return yards

    @functools.cached_property
    def _all(self) -> _Segments:
        return self._segments(self.lines)

    @functools.cached_property
    def _certain(self) -> _Segments:
        return self._segments(self.lines[~self.doubtful])

    def _segments(self, lines: NDArray[Any]) -> _Segments:
        shapely.prepare(self.areas)
        rims, area = shapely.get_parts(shapely.boundary(self.areas), return_index=True)
        pieces, of = straight_pieces(np.concatenate([_with_gaps(lines, self.openings), rims]))
        return _Segments(shapely.STRtree(pieces), np.append(np.full(len(lines), -1), area)[of])


NO_BARRIERS = Barriers(
    np.zeros(0, dtype=object), np.zeros(0, dtype=object), np.zeros((0, 2)), np.zeros(0, dtype=bool)
)


def straight_pieces(lines: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Return lines as pieces of two vertices each, and the row of the line that each is of."""
    xy, of = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    row = shapely.get_parts(lines, return_index=True)[1]
    first = np.flatnonzero((of[1:] == of[:-1]) & (xy[1:] != xy[:-1]).any(axis=1))
    pieces = shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1))
    return np.asarray(pieces), row[of[first]]


def _with_gaps(lines: NDArray[Any], openings: Floats) -> NDArray[Any]:
    """Return the lines with a gap of `GATE_M` to either side of every opening near them."""
    points = np.asarray(shapely.points(openings))
    line, opening = shapely.STRtree(points).query(lines, predicate="dwithin", distance=GATE_M)
    opened, group = np.unique(line, return_inverse=True)
    order = np.argsort(group, kind="stable")
    gaps = shapely.buffer(shapely.multipoints(points[opening[order]], indices=group[order]), GATE_M)
    with_gaps = lines.copy()
    with_gaps[opened] = shapely.difference(lines[opened], gaps)
    return with_gaps
