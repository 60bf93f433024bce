"""Which ground lies within 5, 10 or 15 minutes of a service?

The walk is known exactly at points a few metres apart on every street; from there a place off the street
costs the straight access leg, up to a stated reach. So the ground within a time is a union of discs around
points of streets. Its signed distance is worked out on a 10 m grid, and its outline is the contour at zero.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import contourpy
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from lifecircle.barriers import TOUCH_M
from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.doors import facilities_on, sites_of
from lifecircle.errors import DataError
from lifecircle.grounds import networks_of
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.standard import Service, Walker
from lifecircle.streets import Flags, Floats, Ints, found_in
from lifecircle.there_and_back import nearest_there_and_back

REACH_M = 50.0
"""How far from a street its ground reaches."""
GRID_M = 10.0
_LEAST_REACH_M = 5.0
_POINTS_IN_REACH = 5
"""Points of streets stand so many to a reach."""
_WIDER = 1 + 1 / (24 * _POINTS_IN_REACH**2)
"""Discs as wide as the reach are made wider by 0.2 %, so that a row of them has the area of its strip."""
_MARGIN_M = 1.05 * GRID_M
"""How far around the ground its distances are known: the contour needs a height on either side, a cell on."""
_OUTSIDE_M = 1e4
_SMOOTH_M = 3.0
"""Corners of an outline are dropped whose triangle is less than half this squared."""
_AREA = 2


def time_bands(
    coverage: Coverage,
    minutes: Iterable[float] | None = None,
    *,
    services: Iterable[str] | None = None,
    reach_m: float = REACH_M,
) -> gpd.GeoDataFrame:
    """Return the ground by how many minutes the walk from it to each service takes.

    A place counts by the least walk by way of any point of a street within reach, straight to that point
    and along the streets from there; a home is measured by the nearest street, which may be the longer way.
    Ground in water or in an area that bars the way is left out, and so is ground that only a way through it,
    or through a wall, fence, river or railway, leads to; yards that walls enclose without a gate are entered,
    as homes in them are measured. Ground in no band is farther, or off every street, or unknown because the
    data ends.

    Parameters
    ----------
    coverage
        Measured walks; bands are there and back where they are.
    minutes
        Upper ends of the bands; the limits of each service where None.
    services
        Ids of services; all of the standard where None.
    reach_m
        How far from a street its ground reaches, 5 to 200 m.

    Returns
    -------
    geopandas.GeoDataFrame
        service, from_minutes, to_minutes (exactly so many are inside), geometry: Polygons or MultiPolygons in
        the city's CRS, valid; those of one service do not overlap. No row for a band without ground.

    Raises
    ------
    DataError
        If `minutes` or `reach_m` cannot be used.
    UnknownNameError
        If the standard has no such service.
    """
    if not _LEAST_REACH_M <= reach_m <= MAX_SNAP_M:
        raise DataError("ground.bad_reach", value=reach_m, least=_LEAST_REACH_M, most=MAX_SNAP_M)
    standard = coverage.standard if minutes is None else coverage.standard.with_minutes(minutes)
    wanted = standard.services if services is None else [standard.service(name) for name in services]
    water = _water(coverage.city)
    ground: dict[tuple[Walker, bool, bool], _Ground] = {}
    rows: list[dict[str, Any]] = []
    for service in wanted:
        how = service.walker, service.in_metres, service.to_home
        if how not in ground:
            ground[how] = _ground(coverage, service, reach_m, water)
        ends = [limit.minutes_at(service.pace_mps) for limit in service.limits]
        rows += [
            {"service": service.id, "from_minutes": least, "to_minutes": most, "geometry": band}
            for least, most, band in zip(
                [0.0, *ends], ends, _bands(coverage, service, ground[how]), strict=False
            )
            if not band.is_empty
        ]
    columns = ["service", "from_minutes", "to_minutes", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=coverage.city.crs)


class _Water(NamedTuple):
    """What nobody walks through."""

    area: Any
    tree: shapely.STRtree
    """Of its parts."""


def _water(city: City) -> _Water | None:
    shapes = city.network.barriers.areas
    if city.backdrop is not None:
        water = city.backdrop.geometry[city.backdrop["kind"] == "water"]
        shapes = np.append(shapes, water.to_numpy())
    if len(shapes) == 0:
        return None
    area = shapely.union_all(shapes)
    shapely.prepare(area)
    return _Water(area, shapely.STRtree(shapely.get_parts(area)))


class _Walls(NamedTuple):
    """Pairs of a point and a straight piece of a barrier near it, the nearest first."""

    point: Ints
    column: Ints
    """Of the grid's point nearest to the point; `row` likewise."""
    row: Ints
    from_x: Floats
    """From the point to where the piece begins; `from_y` likewise."""
    from_y: Floats
    along_x: Floats
    """From where the piece begins to where it ends; `along_y` likewise."""
    along_y: Floats
    aside_x: Floats
    """From the point to the grid's point nearest to it; `aside_y` likewise."""
    aside_y: Floats
    doubtful: Flags
    far_m: Floats
    """Shape (pairs,). Metres from the point to the piece."""
    yards: Ints
    """Sorted keys of the grid's points in yards without a gate, which doubtful pieces do not bar."""

    def of(self, rows: Ints, points: int) -> "_Walls":
        """Return the pairs of some of the points, which are then numbered as they stand in `rows`."""
        number = np.full(points, -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        pair = np.flatnonzero(number[self.point] >= 0)
        chosen = {name: column[pair] for name, column in self._asdict().items() if name != "yards"}
        return self._replace(**chosen | {"point": number[chosen["point"]]})


class _Ground(NamedTuple):
    """Streets as they cost a walker, and spots on those that places open on."""

    network: WalkNetwork
    points: Positions
    """Of the streets; at a junction there are as many as streets."""
    spot: Ints
    """Shape (points,). Where in `x` and `y` each is."""
    x: Floats
    y: Floats
    reach_m: float
    water: _Water | None
    walls: _Walls


def _ground(coverage: Coverage, service: Service, reach_m: float, water: _Water | None) -> _Ground:
    city = coverage.city
    (network,) = networks_of(city, [service])
    points, spot, x, y = _street_points(network, reach_m / _POINTS_IN_REACH)
    order = np.argsort(_key(_nearest_line(y), _nearest_line(x)))  # neighbours near in memory
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    x, y, spot = x[order], y[order], rank[spot]
    return _Ground(network, points, spot, x, y, reach_m, water, _walls(network, x, y, reach_m))


def _walls(network: WalkNetwork, x: Floats, y: Floats, reach_m: float) -> _Walls:
    tree, doubtful = network.barriers.line_pieces
    points = np.asarray(shapely.points(x, y)) if len(tree) else np.zeros(0, dtype=object)
    point, piece = tree.query(points, "dwithin", reach_m)
    far_m = shapely.distance(tree.geometries[piece], points[point])
    nearest = np.argsort(far_m, kind="stable")
    point, piece, far_m = point[nearest], piece[nearest], far_m[nearest]
    ends = shapely.get_coordinates(tree.geometries[piece])
    (from_x, from_y), (to_x, to_y) = ends[::2].T, ends[1::2].T
    x, y = x[point], y[point]
    column, row = _nearest_line(x), _nearest_line(y)
    yards = network.yards.geometries
    yards = yards[~shapely.is_empty(yards)]
    corners = _nearest_line(np.asarray(shapely.bounds(yards))).reshape(-1, 2, 2)
    low, high = corners[:, 0], corners[:, 1]
    wide, tall = (high - low + 1).T
    of = np.repeat(np.arange(len(yards)), wide * tall)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    at = low[of] + np.column_stack([nth % wide[of], nth // wide[of]])
    shapely.prepare(yards)
    inside = shapely.contains_xy(yards[of], *(at * GRID_M).T)
    keys = np.unique(_key(*at[inside].T))
    return _Walls(
        point=point,
        column=column,
        row=row,
        from_x=from_x - x,
        from_y=from_y - y,
        along_x=to_x - from_x,
        along_y=to_y - from_y,
        aside_x=column * GRID_M - x,
        aside_y=row * GRID_M - y,
        doubtful=doubtful[piece],
        far_m=far_m,
        yards=keys,
    )


def _key(column: Ints, row: Ints) -> Ints:
    """Return one number for each point of the grid."""
    return column * 2**32 + row


def _street_points(network: WalkNetwork, step_m: float) -> tuple[Positions, Ints, Floats, Floats]:
    """Return points a step apart, or less, along every street that places open on, and where each is.

    That is a row of the x and y of all nodes, and behind them of points between nodes. Of street ends from
    where people may go on in the same ways there is one.
    """
    street = np.flatnonzero(network.is_target)
    at_last, ends = np.repeat([False, True], len(street)), np.tile(street, 2)
    state = np.where(at_last, network.states.street_to[ends], network.states.street_from[ends])
    one = np.unique(state, return_index=True)[1]
    at_last, ends = at_last[one], ends[one]
    parts = np.maximum(np.ceil(network.street_m[street] / step_m), 1.0).astype(np.int64)
    of = np.repeat(street, parts - 1)
    nth = 1 + np.arange(len(of)) - np.repeat(np.cumsum(parts - 1) - parts + 1, parts - 1)
    along_m = network.street_m[of] * (nth / np.repeat(parts, parts - 1))
    # all streets laid end to end, a metre apart
    first, last = network.line_start[:-1], network.line_start[1:] - 1
    step = np.hypot(*np.diff(network.line_xy, axis=0).T)
    step[last[:-1]] = 1.0
    total_m = np.concatenate([[0.0], np.cumsum(step)])
    at_m = np.minimum(total_m[first[of]] + along_m, total_m[last[of]])
    x, y = (
        np.append(at_nodes, np.interp(at_m, total_m, network.line_xy[:, axis]))
        for axis, at_nodes in enumerate((network.node_x, network.node_y))
    )
    node = np.where(at_last, network.street_to[ends], network.street_from[ends])
    spot = np.append(node, len(network.node_x) + np.arange(len(of)))
    of = np.append(ends, of)
    along_m = np.append(np.where(at_last, network.street_m[ends], 0.0), along_m)
    place = np.arange(len(of), dtype=np.int64)
    return Positions(of, along_m, np.zeros(len(of)), place, np.full(len(of), -1)), spot, x, y


def _bands(coverage: Coverage, service: Service, ground: _Ground) -> list[Any]:
    """Return the ground within each limit of a service, and not within the one before."""
    facilities = coverage.city.facilities
    sites = sites_of(facilities[facilities["service"] == service.id])
    doors = facilities_on(ground.network, sites, max_m=coverage.max_snap_m)
    search = nearest_there_and_back if coverage.round_trip else metres_to_nearest
    # there and back, the access leg is walked twice: half of what is left is for either
    metres = np.full(len(ground.x), np.inf)
    np.minimum.at(metres, ground.spot, search(ground.network, ground.points, doors).metres / coverage.ways)
    limits_m = [limit.metres_at(service.pace_mps) / coverage.ways for limit in service.limits]
    areas = np.array([shapely.Polygon(), *_outlines(ground, metres, limits_m)])
    # one grid gave all outlines, so where two run together they are the same, and are simplified together
    between = np.array([_polygons(part) for part in shapely.difference(areas[1:], areas[:-1])], dtype=object)
    bands = shapely.coverage_simplify(between, _SMOOTH_M)
    if ground.water is not None:
        bands = shapely.difference(bands, ground.water.area)
    return [_polygons(band) for band in bands]


def _outlines(ground: _Ground, metres: Floats, limits_m: list[float]) -> Iterator[Any]:
    """Yield the ground within each of ascending limits, given the metres from each point.

    Around each point is a disc as wide as the metres it has left, and no wider than the reach. The distance
    to the union of discs, negative inside, is the least of the distances to each.
    """
    near = metres <= max(limits_m)
    if not near.any():
        yield from [shapely.Polygon()] * len(limits_m)
        return
    margin = int(np.ceil((ground.reach_m + _MARGIN_M) / GRID_M)) + 1
    columns, rows = (
        np.arange(int(_nearest_line(at.min())) - margin, int(_nearest_line(at.max())) + margin + 1)
        for at in (ground.x[near], ground.y[near])
    )
    heights = np.full(len(rows) * len(columns), _OUTSIDE_M, dtype=np.float32)
    full_m = -np.inf
    for limit_m in limits_m:
        # discs that were as wide as the reach before stand already
        new = (metres > full_m) & (metres <= limit_m)
        full_m = limit_m - ground.reach_m
        x, y = ground.x[new], ground.y[new]
        column, row = _nearest_line(x), _nearest_line(y)
        corner = (row - rows[0] - margin) * len(columns) + column - columns[0] - margin
        width_m = (limit_m - metres[new]).astype(np.float32)
        width_m[width_m >= ground.reach_m] = ground.reach_m * _WIDER
        steps_m = (np.arange(-margin, margin + 1) * GRID_M)[:, None]
        square_x, square_y = (
            np.square(aside_m + steps_m, dtype=np.float32, casting="same_kind")
            for aside_m in (column * GRID_M - x, row * GRID_M - y)
        )
        for dx, dy, barred in _steps(np.flatnonzero(new), ground):
            far_m = np.sqrt(square_x[margin + dx] + square_y[margin + dy])
            far_m -= width_m
            far_m[barred] = _OUTSIDE_M
            np.minimum.at(heights[(margin + dy) * len(columns) + margin + dx :], corner, far_m)
        yield _below_zero(columns, rows, heights.reshape(len(rows), len(columns)))


def _steps(rows: Ints, ground: _Ground) -> Iterator[tuple[int, int, Ints]]:
    """Yield the steps on the grid that may end in a disc or next to it, and the points barred from each.

    Steps go from the grid's point nearest to each point. Barred is a way to dry ground through water, and one
    of more than a cell through a wall: a lane between walls has no point of the grid to itself.
    """
    most = int(np.ceil((ground.reach_m + _MARGIN_M) / GRID_M + 0.5))
    steps = np.mgrid[-most : most + 1, -most : most + 1].reshape(2, -1).T
    least_m = np.hypot(*np.maximum(np.abs(steps) - 0.5, 0.0).T) * GRID_M
    steps, least_m = (
        steps[least_m <= ground.reach_m + _MARGIN_M],
        least_m[least_m <= ground.reach_m + _MARGIN_M],
    )
    here, wet = np.column_stack([ground.x[rows], ground.y[rows]]), np.zeros(0, dtype=np.int64)
    walls = ground.walls.of(rows, len(ground.x)) if len(ground.walls.point) else None
    if ground.water is not None:
        wet = np.flatnonzero(shapely.dwithin(ground.water.area, shapely.points(here), ground.reach_m))
    for step, metres in zip(steps, least_m, strict=True):
        barred = wet[:0]
        if ground.water is not None and metres <= ground.reach_m:
            there = (_nearest_line(here[wet]) + step) * GRID_M
            ways = np.asarray(shapely.linestrings(np.stack([here[wet], there], axis=1)))
            # of ways to dry ground those that touch the water, which the prepared area tells in no time
            dry = np.flatnonzero(
                shapely.intersects(ground.water.area, ways) & ~shapely.contains_xy(ground.water.area, there)
            )
            barred = wet[dry[ground.water.tree.query(ways[dry], "crosses")[0]]]
        if walls is not None and metres <= ground.reach_m:
            barred = np.append(barred, _walled_off(step, walls))
        yield int(step[0]), int(step[1]), barred


def _walled_off(step: Ints, walls: _Walls) -> Ints:
    """Return the points whose straight way to a step on the grid leads through a wall."""
    far = float(np.hypot(*step))
    if far <= 1:
        return walls.point[:0]
    near = slice(0, np.searchsorted(walls.far_m, (far + 1.0) * GRID_M))
    way_x, way_y = walls.aside_x[near] + step[0] * GRID_M, walls.aside_y[near] + step[1] * GRID_M
    from_x, from_y = walls.from_x[near], walls.from_y[near]
    along_x, along_y = walls.along_x[near], walls.along_y[near]
    turn = way_x * along_y - way_y * along_x
    with np.errstate(divide="ignore", invalid="ignore"):  # side by side, they do not cross
        on_way = (from_x * along_y - from_y * along_x) / turn
        on_wall = (from_x * way_y - from_y * way_x) / turn
    touch = TOUCH_M / (far * GRID_M)
    through = np.flatnonzero((on_way > touch) & (on_way < 1 - touch) & (on_wall >= 0) & (on_wall <= 1))
    there = _key(walls.column[through] + step[0], walls.row[through] + step[1])
    doubtful = np.flatnonzero(walls.doubtful[through])
    free = np.zeros(len(through), dtype=bool)
    free[doubtful] = found_in(walls.yards, there[doubtful])[1]
    return walls.point[through[~free]]


def _below_zero(columns: Ints, rows: Ints, heights: npt.NDArray[np.float32]) -> Any:
    """Return the area where heights, linear between the grid's points, are no more than 0."""
    # no outline runs where neither a row, or column, nor the one beside it has ground
    inside = heights <= 0
    row, column = (np.flatnonzero(np.convolve(inside.any(axis), [1, 1, 1], "same")) for axis in (1, 0))
    if len(row) == 0:
        return shapely.Polygon()
    contours = contourpy.contour_generator(
        columns[column] * GRID_M,
        rows[row] * GRID_M,
        heights[np.ix_(row, column)],
        fill_type="ChunkCombinedOffsetOffset",
    )
    points, rings, parts = (chunks[0] for chunks in contours.filled(-2.0 * _OUTSIDE_M, 0.0))
    if points is None or rings is None or parts is None:
        return shapely.Polygon()
    offsets = rings, parts, np.array([0, len(parts) - 1])
    area = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, points, offsets)[0]
    return (
        area
        if shapely.is_valid(area)
        else _polygons(shapely.make_valid(area, method="structure", keep_collapsed=False))
    )


def _polygons(area: Any) -> Any:
    """Return an area without the lines and points that cutting may leave."""
    parts = shapely.get_parts(shapely.get_parts(area))
    parts = parts[(shapely.get_dimensions(parts) == _AREA) & ~shapely.is_empty(parts)]
    return shapely.multipolygons(parts) if len(parts) > 1 else next(iter(parts), shapely.Polygon())


def _nearest_line(metres: Any) -> Any:
    """Return the number of the grid's line nearest to a coordinate."""
    return np.floor(metres / GRID_M + 0.5).astype(np.int64)
