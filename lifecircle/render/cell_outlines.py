"""Which outlines has ground that is made of square cells?

They are followed along the sides that part one number from another, for all numbers at once: cells as boxes,
and those united, take ten times as long.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.city import CELL_M
from lifecircle.streets import Ints, found_in

_TURNS = (-1, 0, 1)
"""To the right, straight on, to the left: where ground meets itself in a corner, its rings do not cross."""


def cell_outlines(cells: Ints, number: Ints, count: int) -> NDArray[Any]:
    """Return the ground of each number as one shape.

    Parameters
    ----------
    cells
        Shape (k, 2). Column and row of cells of `CELL_M`, each once, in any order.
    number
        Shape (k,). 0 to count - 1.
    count
        How many shapes.

    Returns
    -------
    numpy.ndarray
        Shape (count,). Valid MultiPolygons in metres, with vertices where an outline turns; empty for a
        number that no cell has.
    """
    if len(cells) == 0:
        return np.full(count, shapely.MultiPolygon(), dtype=object)
    lowest = cells.min(axis=0) - 1
    high = int(np.ptp(cells[:, 1])) + 3
    key = (cells - lowest) @ [high, 1]
    order = np.argsort(key)
    key, number = key[order], number[order]
    # per side, walked with the ground on the left: what lies beyond, where it begins and ends
    beyond, begin, end = np.array([[-1, high, 1, -high], [0, high, high + 1, 1], [high, high + 1, 1, 0]])
    wanted = key + beyond[:, None]
    there, filled = found_in(key, wanted)
    alike = filled & (number[there] == number)
    side, cell = np.nonzero(alike[:2])  # the other two say the same
    joined = sparse.coo_array((np.ones(len(cell), np.int8), (cell, there[side, cell])), shape=2 * (len(key),))
    piece = csgraph.connected_components(joined, directed=False)[1] + number * len(key)
    side, cell = np.nonzero(~alike)
    corner, next_corner = key[cell] + begin[side], key[cell] + end[side]
    piece = piece[cell]
    corners = int(key[-1]) + 2 * high
    code = (piece * corners + corner) * 4 + side
    order = np.argsort(code)
    code, side, corner, next_corner, piece = (
        each[order] for each in (code, side, corner, next_corner, piece)
    )
    after = np.zeros(len(code), dtype=np.int64)
    for turn in _TURNS[::-1]:
        wanted = (piece * corners + next_corner) * 4 + (side + turn) % 4
        at, follows = found_in(code, wanted)
        after = np.where(follows, at, after)
    ring, place = _rings(after)
    turns = np.ones(len(code), dtype=bool)
    turns[after] = side[after] != side
    walked = np.lexsort([place, ring])
    walked = walked[turns[walked]]
    xy = np.column_stack(np.divmod(corner[walked], high)) + lowest
    first = np.flatnonzero(np.diff(ring[walked], prepend=-1))
    outer = np.flatnonzero(np.diff(piece[walked[first]], prepend=-1))  # a piece's first ring is around it
    of_piece = piece[walked[first[outer]]] // len(number)
    closed = np.insert(xy, np.append(first[1:], len(xy)), xy[first], axis=0) * CELL_M
    offsets = (
        np.append(first, len(xy)) + np.arange(len(first) + 1),
        np.append(outer, len(first)),
        np.searchsorted(of_piece, np.arange(count + 1)),
    )
    shapes: NDArray[Any] = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, closed, offsets)
    return shapes


def _rings(after: Ints) -> tuple[Ints, Ints]:
    """Return the lowest side of the ring that each side is in, and its place from there on.

    `after` is the side that comes next; all sides look twice as far with each step.
    """
    every = np.arange(len(after))
    ring, ahead = every, after
    for _ in range(len(after).bit_length()):
        ring, ahead = np.minimum(ring, ring[ahead]), ahead[ahead]
    ahead = np.where(ring == every, every, after)
    left = (ahead != every).astype(np.int64)
    for _ in range(len(after).bit_length()):
        left, ahead = left + left[ahead], ahead[ahead]
    return ring, np.where(left == 0, -len(after), -left)
