"""How do people cross a square?

A map draws a square as its outline. People walk straight over it, from corner to corner and from street to
street, wherever these see one another across open ground. Those lines are added as ways that nobody drew.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.barriers import Barriers
from lifecircle.streets import Flags, Floats, Ints, Ways, found_in, ranges
from lifecircle.walkable import ACROSS, Trait, Walk, traits

DETOUR = 1.05
"""A line is left out where others of its square lead there in no more than so many times its length."""
MOST_POINTS = 64
"""Of a square with more points lesser corners are left out, and what streets have beyond thrice as many."""
_MOST_MET = 3 * MOST_POINTS
_FREE_PAIRS, _PAIRS_PER_VERTEX = 200_000, 20
"""So many pairs of points are looked at; a city has three for each vertex of its ways."""
_BLOCK = 2048
_CORNER_M = 2.0
RIM_M = 1.0
"""So far outside, a street is still on the square, and a line over it too: the kerb beside a pavement."""
_ROUNDING_M = 1e-6
_TRIANGLE = 3
_TRIES = 8


class _Points(NamedTuple):
    """Where people set foot on squares, or turn; those of one square stand together."""

    square: Ints
    row: Ints
    """One of the vertices of ways that are there."""
    ring: Ints
    """The way that is the ring it is on; -1 amid the square."""
    along_m: Floats
    """Metres along that ring."""


def with_crossings(ways: Ways, barriers: Barriers) -> Ways:
    """Return the ways and, behind them, straight ways across the squares among them.

    They run between the points of a square that see one another: vertices of streets that meet it, lead over
    it or pass within a metre, and corners of its outline and holes, to two metres. None crosses a barrier, or
    begins at a gate that is not open to all. Between two such points no walk is more than 5 % longer than
    the straight line. Such a way has the tags of its square and `ACROSS`.

    Parameters
    ----------
    ways
        Rings of one number in ``ways.square`` are one square, the outer one first.
    barriers
        What nobody walks through.
    """
    square = np.array([] if ways.square is None else ways.square, dtype=np.int64)
    if (square < 0).all():
        return ways
    vertex, start = np.asarray(ways.vertex), np.asarray(ways.start, dtype=np.int64)
    xy = np.asarray(ways.xy, dtype=np.float64).reshape(-1, 2)
    areas, outer = _areas(xy, start, square)
    points = _points(ways, np.unique(vertex, return_inverse=True)[1], xy, start, square, areas)
    one, other = _pairs(points.square)
    begin, end = xy[points.row[one]], xy[points.row[other]]
    metres = np.hypot(*(end - begin).T)
    perimeter_m: Floats = np.bincount(_way_of(start), _steps(xy, start), len(square)).astype(np.float64)
    by_rim, rim_m = _along_rim(points, one, other, metres, perimeter_m)
    open_ground = shapely.buffer(areas, RIM_M + _ROUNDING_M)
    shapely.prepare(open_ground)
    inside = np.flatnonzero(~by_rim & (metres > 0))
    lines = shapely.linestrings(np.stack([begin[inside], end[inside]], axis=1))
    inside = inside[shapely.contains_properly(open_ground[points.square[one[inside]]], lines)]
    inside = inside[~barriers.cross(begin[inside], end[inside])]
    seen = np.sort(np.append(inside, np.flatnonzero(by_rim)))
    rim_m = np.where(by_rim, rim_m, np.inf)[seen]
    needed = _needed(points.square[one[seen]], one[seen], other[seen], metres[seen], rim_m)
    seen = seen[needed & ~by_rim[seen]]
    rows = points.row[np.column_stack([one[seen], other[seen]]).ravel()]
    tags = {ring: {**ways.tags[ring], ACROSS: "yes"} for ring in outer[outer >= 0].tolist()}
    return Ways(
        np.concatenate([vertex, vertex[rows]]),
        np.concatenate([xy, xy[rows]]),
        np.concatenate([start, start[-1] + 2 * np.arange(1, len(seen) + 1)]),
        [*ways.tags, *(tags[ring] for ring in outer[points.square[one[seen]]].tolist())],
        None if ways.cut is None else np.append(ways.cut, np.zeros(len(rows), dtype=bool)),
        None if ways.gate is None else np.append(ways.gate, np.full(len(rows), int(Walk.PUBLIC))),
        hurdle=None if ways.hurdle is None else np.append(ways.hurdle, np.zeros(len(rows), dtype=np.int64)),
    )


def _areas(xy: Floats, start: Ints, square: Ints) -> tuple[NDArray[Any], Ints]:
    """Return the polygon of each square by its number, empty where rings are broken, and its outer ring."""
    way = _rings(square)
    begin, end = start[way], start[way + 1]
    closed = (end - begin > _TRIANGLE) & (xy[begin] == xy[end - 1]).all(axis=1)
    begin, end, rings = begin[closed], end[closed], np.full(len(way), None, dtype=object)
    of = np.repeat(np.arange(len(begin)), end - begin)
    rings[closed] = shapely.linearrings(xy[ranges(begin, end)], indices=of)
    areas = np.full(square.max() + 1, shapely.Polygon(), dtype=object)
    outer = np.full(len(areas), -1)
    for of_one in np.split(np.arange(len(way)), np.flatnonzero(np.diff(square[way])) + 1):
        number = square[way[of_one[0]]]
        outer[number] = way[of_one[0]]
        if closed[of_one].all():
            areas[number] = shapely.polygons(rings[of_one[0]], rings[of_one[1:]])
    areas[~shapely.is_valid(areas)] = shapely.Polygon()
    return areas, outer


def _rings(square: Ints) -> Ints:
    """Return the ways that are rings of squares; those of one square stand together, in their order."""
    way = np.flatnonzero(square >= 0)
    return way[np.argsort(square[way], kind="stable")]


def _points(ways: Ways, node: Ints, xy: Floats, start: Ints, square: Ints, areas: NDArray[Any]) -> _Points:
    """Return the points of each square: vertices of streets on it, and as many corners as there is room for.

    `node` is the number of the place of each vertex, 0 and up.
    """
    way = _way_of(start)
    row, area = _met(areas, xy, square[way])
    near, of = np.unique(way[row], return_inverse=True)
    lifted = [bool(traits(ways.tags[one]) & Trait.OFF_GROUND) for one in near.tolist()]
    low = ~np.array(lifted, dtype=bool)[of]
    row, area = row[low], area[low]
    _, first = np.unique(area * len(node) + node[row], return_index=True)
    row, area = row[first], area[first]
    room = np.maximum(MOST_POINTS - np.bincount(area, minlength=len(areas)), 0)
    ring, whole = _rings(square), ~shapely.is_empty(areas)
    ring = ring[whole[square[ring]]]
    corners = _corners(shapely.get_rings(areas[whole]), room[square[ring]])
    corner = ranges(start[ring], start[ring + 1] - 1)[corners]
    row, area = np.append(row, corner), np.append(area, square[way[corner]])
    if ways.gate is not None:
        shut = np.isin(node[row], node[np.asarray(ways.gate) != Walk.PUBLIC])
        row, area = row[~shut], area[~shut]
    key, first = np.unique(area * len(node) + node[row], return_index=True)
    first = first[np.arange(len(key)) - np.searchsorted(area[first], area[first]) < _MOST_MET]
    first = first[_few_pairs(area[first], len(node))]
    row, area = row[first], area[first]
    return _Points(area, row, *_along_rings(area * len(node) + node[row], node, xy, start, square))


def _met(areas: NDArray[Any], xy: Floats, square: Ints) -> tuple[Ints, Ints]:
    """Return every pair of a vertex and a square on which it is, of one square no more than of use.

    Vertices of its own rings, by their `square`, are left out. Where a file heaps squares upon one another,
    all pairs would be too many to hold.
    """
    count, rows, found = np.zeros(len(areas), dtype=np.int64), [], []
    low, high = np.split(shapely.bounds(areas), 2, axis=1)
    around: NDArray[Any] = np.asarray(shapely.box(*(low - RIM_M).T, *(high + RIM_M).T))
    shapely.prepare(areas)
    room, tree = np.arange(len(areas)), shapely.STRtree(around)
    for first in range(0, len(xy), _BLOCK):
        block = np.asarray(shapely.points(xy[first : first + _BLOCK]))
        row, near = tree.query(block)
        area = room[near]
        street = square[first + row] != area
        row, area = row[street], area[street]
        met = shapely.dwithin(areas[area], block[row], RIM_M)
        rows.append(first + row[met])
        found.append(area[met])
        count += np.bincount(found[-1], minlength=len(areas))
        left = room[count[room] < 2 * _MOST_MET]
        if len(left) < len(room):
            room, tree = left, shapely.STRtree(around[left])
    return np.concatenate(rows), np.concatenate(found)


def _few_pairs(square: Ints, vertices: int) -> Flags:
    """Return the points of those squares, the smallest first, that have few pairs of points in all."""
    count = np.bincount(square)
    pairs = count * (count - 1) // 2
    order = np.argsort(pairs, kind="stable")
    few = np.zeros(len(count), dtype=bool)
    few[order] = np.cumsum(pairs[order]) <= _FREE_PAIRS + _PAIRS_PER_VERTEX * vertices
    return few[square]


def _along_rings(key: Ints, node: Ints, xy: Floats, start: Ints, square: Ints) -> tuple[Ints, Floats]:
    """Return the ring that each point is on, -1 for none, and the metres along it."""
    way = _way_of(start)
    rows = np.flatnonzero(square[way] >= 0)
    known, first = np.unique(square[way[rows]] * len(node) + node[rows], return_index=True)
    found, on_ring = found_in(known, key)
    row = rows[first[found]]
    so_far = np.cumsum(_steps(xy, start))
    return np.where(on_ring, way[row], -1), so_far[row] - so_far[start[way[row]]]


def _way_of(start: Ints) -> Ints:
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _steps(xy: Floats, start: Ints) -> Floats:
    """Return the metres to each vertex from the one before on its way."""
    steps: Floats = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    steps[start[:-1]] = 0.0
    return steps


def _corners(rings: NDArray[Any], most: Ints) -> Flags:
    """Return which vertices of rings are corners, the tolerance of each as small as their number allows.

    Of each ring all vertices but the last are asked for.
    """
    kept, many = rings.copy(), np.arange(len(rings))
    for tolerance_m in _CORNER_M * 2.0 ** np.arange(_TRIES):
        kept[many] = shapely.simplify(rings[many], tolerance_m)
        many = many[shapely.get_num_coordinates(kept[many]) - 1 > most[many]]
    xy, row = shapely.get_coordinates(np.append(rings, kept), return_index=True)
    ring, of_kept, last = row % max(len(rings), 1), row >= len(rings), np.diff(row, append=-1) != 0
    place = ring * len(xy) + np.unique(xy.view(np.complex128)[:, 0], return_inverse=True)[1]
    first = np.arange(len(row)) - np.searchsorted(row, row) < most[ring]
    corner: Flags = np.isin(place[~of_kept & ~last], place[of_kept & ~last & first])
    return corner


def _pairs(square: Ints) -> tuple[Ints, Ints]:
    """Return all pairs of points on one square, by their rows, the lesser first."""
    row = np.arange(len(square))
    behind = np.searchsorted(square, square, side="right") - 1 - row
    one = np.repeat(row, behind)
    return one, one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(behind) - behind, behind)


def _along_rim(
    points: _Points, one: Ints, other: Ints, metres: Floats, perimeter_m: Floats
) -> tuple[Flags, Floats]:
    """Return between which points the outline leads in hardly more than a straight line, and in how much."""
    ring = points.ring[one]
    along_m = np.abs(points.along_m[one] - points.along_m[other])
    along_m = np.minimum(along_m, perimeter_m[ring] - along_m)
    return (ring >= 0) & (ring == points.ring[other]) & (along_m <= DETOUR * metres), along_m


def _needed(square: Ints, one: Ints, other: Ints, metres: Floats, rim_m: Floats) -> Flags:
    """Return which lines of sight to keep: those that others of their square do not replace.

    Only shorter lines replace one. As these may be replaced themselves, what is left is walked, and lines
    that are missed are put back. Where the outline leads there, `rim_m` is finite.
    """
    by_rim = np.isfinite(rim_m)
    walk_m = np.where(by_rim, rim_m, metres)
    needed = np.ones(len(one), dtype=bool)
    for block in np.split(np.arange(len(one)), np.flatnonzero(np.diff(square)) + 1):
        if len(block) == 0:
            continue
        here, there = one[block] - one[block].min(), other[block] - one[block].min()
        size, straight_m = there.max() + 1, metres[block]
        far = np.full((size, size), np.inf)
        far[here, there] = far[there, here] = walk_m[block]
        from_here, from_there = far[here], far[there]
        shorter = np.maximum(from_here, from_there) < straight_m[:, None]
        by_third = np.where(shorter, from_here + from_there, np.inf).min(axis=1)
        kept = by_rim[block] | (by_third > DETOUR * straight_m)
        far[here[~kept], there[~kept]] = far[there[~kept], here[~kept]] = np.inf
        for via in range(size):  # Floyd and Warshall's shortest ways
            np.minimum(far, far[:, via, None] + far[via], out=far)
        needed[block] = kept | (far[here, there] > DETOUR * straight_m)
    return needed
