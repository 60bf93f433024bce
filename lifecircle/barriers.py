"""What stands between a place and a street, and where does it open?

An access leg, the straight line between a place and the street it opens on, passes no wall, water or rails.
"""

import dataclasses
import functools
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.pieces import Pieces
from lifecircle.streets import Flags, Floats, Ints

GATE_M = 1.5
"""A leg that crosses a barrier no farther than this from an open gate goes through the gate."""
_LOOK_M = (20.0, 60.0)
TOUCH_M = 0.05
"""A leg may touch a barrier this near its ends: a place on a fence, a wall that ends at the street."""


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
        pieces, row = self._pieces
        length = np.hypot(*(end - start).T)
        crossing = np.zeros(len(start), dtype=bool)
        from_m = TOUCH_M
        # most legs that cross anything do so early, and short pieces of legs are looked up fast
        for to_m in (*_LOOK_M, np.inf) if len(pieces) else ():
            rows = np.flatnonzero(~crossing & (length - TOUCH_M > from_m))
            if len(rows) == 0:
                break
            begin, step = start[rows].T, (end - start)[rows].T / length[rows]
            last_m = np.minimum(length[rows] - TOUCH_M, to_m)
            leg, piece = pieces.met(begin + from_m * step, begin + last_m * step)
            bars = self._bar(row[piece], begin[:, leg], walls=walls)
            crossing[rows[leg[bars]]] = True
            from_m = to_m
        return crossing

    def _bar(self, row: Ints, begin: Floats, *, walls: bool) -> Flags:
        """Return which lines and areas, by their rows, bar the way of legs that begin there and meet them."""
        rim = row >= len(self.lines)
        bar = np.ones(len(row), dtype=bool)
        bar[~rim] = walls | ~self.doubtful[row[~rim]]
        bar[rim] = ~shapely.intersects_xy(self.areas[row[rim] - len(self.lines)], *begin[:, rim])
        return bar

    @functools.cached_property
    def line_pieces(self) -> tuple[shapely.STRtree, Flags]:
        """The lines, with gaps at openings, as straight pieces, and which of these are doubtful."""
        pieces = Pieces(self._open_lines)
        return pieces.tree, self.doubtful[pieces.line]

    @functools.cached_property
    def yards(self) -> NDArray[Any]:
        """Shape (y,). Polygons that doubtful lines enclose without a gap."""
        drawn = shapely.union_all(self._open_lines[self.doubtful])
        yards: NDArray[Any] = shapely.get_parts(shapely.polygonize(shapely.get_parts(drawn)))
        return yards

    @functools.cached_property
    def _open_lines(self) -> NDArray[Any]:
        """The lines with a gap of `GATE_M` to either side of every opening near them."""
        points = np.asarray(shapely.points(self.openings))
        line, opening = shapely.STRtree(points).query(self.lines, predicate="dwithin", distance=GATE_M)
        opened, group = np.unique(line, return_inverse=True)
        order = np.argsort(group, kind="stable")
        gaps = shapely.buffer(shapely.multipoints(points[opening[order]], indices=group[order]), GATE_M)
        lines = self.lines.copy()
        lines[opened] = shapely.difference(lines[opened], gaps)
        return lines

    @functools.cached_property
    def _pieces(self) -> tuple[Pieces, Ints]:
        """Lines and rims in straight pieces, and the row that each is of; areas count on behind the lines."""
        shapely.prepare(self.areas)
        rims, area = shapely.get_parts(shapely.boundary(self.areas), return_index=True)
        pieces = Pieces(np.concatenate([self._open_lines, rims]))
        return pieces, np.append(np.arange(len(self.lines)), len(self.lines) + area)[pieces.line]


NO_BARRIERS = Barriers(
    np.zeros(0, dtype=object), np.zeros(0, dtype=object), np.zeros((0, 2)), np.zeros(0, dtype=bool)
)
