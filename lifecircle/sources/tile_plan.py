"""Into which tiles is a region cut, so that each of them fits into memory?

The region is a grid of square cells; a tile is a rectangle of cells. How much lies in each cell is counted,
and the heaviest tile is halved until there are enough of them and none is too heavy. A cell belongs to one
tile, and a point to one cell: low edges are inside, high ones outside.
"""

import heapq
from typing import NamedTuple

import numpy as np

from lifecircle.streets import Floats, Ints

CELL_M = 500.0


class Plan(NamedTuple):
    """Which tile each cell of a region belongs to."""

    lowest: Ints
    """Shape (2,). Column and row of the first cell, counted from the origin of the CRS."""
    cell_m: float
    tile: Ints
    """Shape (wide, high). Number of the tile of each cell."""
    weight: Ints
    """Shape (tiles,). Bytes of memory that each tile is thought to take."""

    def tile_of(self, xy: Floats) -> Ints:
        """Return the number of the tile of each point, shape (k,); those outside belong to the nearest."""
        cell = np.floor(xy / self.cell_m).astype(np.int64) - self.lowest
        column, row = np.clip(cell, 0, np.array(self.tile.shape) - 1).T
        tile: Ints = self.tile[column, row]
        return tile


def tile_name(number: int) -> str:
    """Return what a tile is called."""
    return f"t{number:04d}"


def plan_tiles(xy: Floats, weight: Floats, *, at_least: int, most: float, cell_m: float = CELL_M) -> Plan:
    """Return a plan by what lies where.

    Parameters
    ----------
    xy
        Shape (k, 2). Where things lie, metres.
    weight
        Shape (k,). Bytes of memory that each takes.
    at_least
        So many tiles are made, if there are as many cells.
    most
        Bytes that no tile shall take, unless a single cell does.
    cell_m
        Side of the cells.

    Examples
    --------
    >>> xy = np.array([[10.0, 10.0], [20.0, 10.0], [990.0, 10.0]])
    >>> plan = plan_tiles(xy, np.ones(3), at_least=2, most=np.inf)
    >>> plan.tile_of(xy).tolist()
    [0, 0, 1]
    """
    cells = np.floor(xy / cell_m).astype(np.int64)
    lowest = cells.min(axis=0)
    wide, high = (cells.max(axis=0) - lowest + 1).tolist()
    number = (cells - lowest) @ [high, 1]
    sums = np.bincount(number, weights=weight, minlength=wide * high)
    heavy = sums.astype(np.float64).reshape(wide, high)
    waiting = [(-heavy.sum(), 0, wide, 0, high)]
    done: list[tuple[float, int, int, int, int]] = []
    while waiting and (len(waiting) + len(done) < at_least or -waiting[0][0] > most):
        tile = heapq.heappop(waiting)
        halves = _halves(heavy, tile)
        if halves:
            for half in halves:
                heapq.heappush(waiting, half)
        else:
            done.append(tile)  # a single cell, however heavy
    boxes = sorted([*waiting, *done], key=lambda box: box[1:])
    tile_at = np.zeros((wide, high), dtype=np.int64)
    for row, (_, low_x, high_x, low_y, high_y) in enumerate(boxes):
        tile_at[low_x:high_x, low_y:high_y] = row
    return Plan(lowest, cell_m, tile_at, np.array([-box[0] for box in boxes]).astype(np.int64))


def _halves(
    heavy: Floats, tile: tuple[float, int, int, int, int]
) -> list[tuple[float, int, int, int, int]] | None:
    """Return the two tiles that a tile is cut into across its longer side, None where it is one cell."""
    _, low_x, high_x, low_y, high_y = tile
    part = heavy[low_x:high_x, low_y:high_y]
    axis = int(part.shape[1] > part.shape[0])
    if part.shape[axis] == 1:
        return None
    before = np.cumsum(part.sum(axis=1 - axis))[:-1]
    cut = int(np.abs(before - part.sum() / 2).argmin()) + 1
    one, other = np.split(part, [cut], axis=axis)
    if axis == 0:
        return [
            (-one.sum(), low_x, low_x + cut, low_y, high_y),
            (-other.sum(), low_x + cut, high_x, low_y, high_y),
        ]
    return [
        (-one.sum(), low_x, high_x, low_y, low_y + cut),
        (-other.sum(), low_x, high_x, low_y + cut, high_y),
    ]
