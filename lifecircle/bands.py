"""Which ground lies within 5, 10 or 15 minutes of a service?

The walk is known exactly every few metres of every street. From there a place off the street costs the straight
access leg, up to a stated reach. So the ground within a time is a union of discs around points of streets; its
signed distance is worked out on a 10 m grid and its outline is the zero contour, between the grid's points.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import contourpy
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.city import City
from lifecircle.costs import for_walker
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.standard import Service, Walker
from lifecircle.streets import Flags, Floats, Ints

REACH_M = 50.0
"""How far from a street its ground reaches."""
GRID_M = 10.0
_POINTS_IN_REACH = 5
"""Points of streets stand so many to a reach: discs that close make a strip 0.5 % too narrow at most."""
_LEAST_REACH_M = 5.0
_OUTSIDE_M = 1e4
_MARGIN_M = 1.5 * GRID_M
"""How far around the ground its distances are known: the contour needs a height on either side."""
_SMOOTH_M = 1.0
"""Outlines may be simplified by so much: a tenth of the grid."""
_AREA = 2


def time_bands(
    coverage: Coverage,
    minutes: Iterable[float] | None = None,
    *,
    services: Iterable[str] | None = None,
    reach_m: float = REACH_M,
) -> gpd.GeoDataFrame:
    """Return the ground by how many minutes the walk from it to each service takes.

    A place counts by the least walk over the points of streets within reach: along the streets from there, and
    the straight way to there. Places in water, and places behind it, are left out. Ground in no band is either
    farther, or off every street, or unknown because the data ends: bands show what is within reach for sure.

    Parameters
    ----------
    coverage
        Measured walks.
    minutes
        Upper ends of the bands; those of the standard where None.
    services
        Ids of services; all of the standard where None.
    reach_m
        How far from a street its ground reaches, 5 to 200 m.

    Returns
    -------
    geopandas.GeoDataFrame
        service, from_minutes, to_minutes (exactly so many are inside), geometry: Polygons or MultiPolygons in the
        city's CRS, valid, those of one service not overlapping. No row for a band without ground.

    Raises
    ------
    DataError
        If `minutes` or `reach_m` cannot be used.
    UnknownNameError
        If the standard has no such service.
    """
    if not _LEAST_REACH_M <= reach_m <= MAX_SNAP_M:
        raise DataError("bands.bad_reach", value=reach_m, least=_LEAST_REACH_M, most=MAX_SNAP_M)
    standard = coverage.standard if minutes is None else coverage.standard.with_minutes(minutes)
    wanted = standard.services if services is None else [standard.service(name) for name in services]
    water = _water(coverage.city)
    grounds: dict[Walker, _Ground] = {}
    rows: list[dict[str, Any]] = []
    for service in wanted:
        if service.walker not in grounds:
            network = for_walker(coverage.city.network, service.walker, coverage.city.relief)
            grounds[service.walker] = _ground(network, reach_m, water)
        areas = _areas(coverage, service, grounds[service.walker], standard.minutes)
        inner, least = shapely.Polygon(), 0.0
        for area, most in zip(areas, standard.minutes, strict=True):
            band = _polygons(shapely.difference(area, inner))
            if not band.is_empty:
                rows.append(
                    {"service": service.id, "from_minutes": least, "to_minutes": most, "geometry": band}
                )
            inner, least = area, most
    columns = ["service", "from_minutes", "to_minutes", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=coverage.city.crs)


class _Ground(NamedTuple):
    """Points of streets that places may open on, in the order of the grid's cells they lie in."""

    network: WalkNetwork
    points: Positions
    x: Floats
    y: Floats
    reach_m: float
    water: "_Water | None"


def _ground(network: WalkNetwork, reach_m: float, water: "_Water | None") -> _Ground:
    """Return the points of a network's streets."""
    points, x, y = _street_points(network, reach_m / _POINTS_IN_REACH)
    order = np.lexsort([_nearest_line(x), _nearest_line(y)])
    return _Ground(network, points.take(order), x[order], y[order], reach_m, water)


def _street_points(network: WalkNetwork, step_m: float) -> tuple[Positions, Floats, Floats]:
    """Return points no farther apart than a step along every street that places open on, and where they are."""
    street = np.flatnonzero((np.isfinite(network.along) | np.isfinite(network.against)) & ~network.island)
    pieces = np.maximum(np.ceil(network.street_m[street] / step_m), 1.0).astype(np.int64)
    of, parts = np.repeat(street, pieces + 1), np.repeat(pieces, pieces + 1)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    along_m = network.street_m[of] * (nth / parts)
    # metres along all streets laid end to end, a metre apart
    first, last = network.line_start[:-1], network.line_start[1:] - 1
    between = np.hypot(*np.diff(network.line_xy, axis=0).T)
    between[last[:-1]] = 1.0
    total = np.concatenate([[0.0], np.cumsum(between)])
    at = np.minimum(total[first[of]] + along_m, total[last[of]])
    x, y = (np.interp(at, total, network.line_xy[:, axis]) for axis in (0, 1))
    return Positions(of, along_m, np.zeros(len(of)), np.arange(len(of))), x, y


def _areas(coverage: Coverage, service: Service, ground: _Ground, minutes: Iterable[float]) -> list[Any]:
    """Return the ground within each of the minutes, each around the one before."""
    metres = _metres(coverage, service, ground)
    thresholds_m = np.array([60.0 * service.pace_mps * most for most in minutes])
    areas, inner = [], shapely.Polygon()
    for heights, x, y in _signed_distances(ground, metres, thresholds_m):
        area = shapely.simplify(_below_zero(heights, x, y), _SMOOTH_M)
        if ground.water is not None:
            area = shapely.difference(area, ground.water.area)
        inner = shapely.union(area, inner)
        areas.append(inner)
    return areas


def _metres(coverage: Coverage, service: Service, ground: _Ground) -> Floats:
    """Return the walk from each point of the streets to the nearest facility of a service."""
    facilities = coverage.city.facilities
    at = facilities.geometry[facilities["service"] == service.id]
    doors = ground.network.doors(at.x, at.y, max_m=coverage.max_snap_m)
    return metres_to_nearest(ground.network, ground.points, doors).metres


def _signed_distances(
    ground: _Ground, metres: Floats, thresholds_m: Floats
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield for each threshold the metres to the outline of its ground, negative inside, with the grid's x, y.

    Shape (rows, columns). Around each point is a disc as wide as the metres it has left, and no wider than the
    reach; the distance to the union of discs is the least of the distances to each.
    """
    near = metres <= thresholds_m.max() + GRID_M
    if not near.any():
        return
    margin = int(np.ceil((ground.reach_m + _MARGIN_M) / GRID_M)) + 1
    columns, rows = (
        np.arange(_nearest_line(at.min()) - margin, _nearest_line(at.max()) + margin + 1)
        for at in (ground.x[near], ground.y[near])
    )
    heights = np.full(len(rows) * len(columns), _OUTSIDE_M)
    full_m = -np.inf
    for threshold_m in thresholds_m:
        # points that had the full reach to go before have it still: their discs stand already
        new = (metres > full_m) & (metres <= threshold_m + GRID_M)
        full_m = threshold_m - ground.reach_m
        x, y = ground.x[new], ground.y[new]
        column, row = _nearest_line(x), _nearest_line(y)
        width = np.minimum(threshold_m - metres[new], ground.reach_m)
        aside_x, aside_y = column * GRID_M - x, row * GRID_M - y
        cell = (row - rows[0]) * len(columns) + column - columns[0]
        for dx, dy, barred in _steps(x, y, ground):
            far = np.sqrt((aside_x + dx * GRID_M) ** 2 + (aside_y + dy * GRID_M) ** 2)
            far[barred] = _OUTSIDE_M
            np.minimum.at(heights, cell + (dy * len(columns) + dx), far - width)
        yield heights.reshape(len(rows), len(columns)), columns * GRID_M, rows * GRID_M


def _below_zero(heights: Floats, x: Floats, y: Floats) -> Any:  # noqa: ANN401  shapely has no one type of areas
    """Return the area where heights, linear between the grid's points, are no more than 0."""
    contours = contourpy.contour_generator(x, y, heights, name="serial", fill_type="ChunkCombinedOffsetOffset")
    points, rings, parts = (chunks[0] for chunks in contours.filled(-2.0 * _OUTSIDE_M, 0.0))
    if points is None or rings is None or parts is None:
        return shapely.Polygon()
    offsets = rings, parts, np.array([0, len(parts) - 1])
    return shapely.make_valid(shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, points, offsets)[0])


def _polygons(area: Any) -> Any:  # noqa: ANN401
    """Return an area without the lines and points that cutting may leave."""
    parts = shapely.get_parts(area)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == _AREA])


class _Water(NamedTuple):
    """What nobody walks through."""

    tree: shapely.STRtree
    area: Any


def _water(city: City) -> _Water | None:
    if city.backdrop is None:
        return None
    shapes = city.backdrop.geometry[city.backdrop["kind"] == "water"].to_numpy()
    if len(shapes) == 0:
        return None
    area = shapely.union_all(shapes)
    shapely.prepare(area)
    return _Water(shapely.STRtree(shapely.get_parts(area)), area)


def _steps(x: Floats, y: Floats, ground: _Ground) -> Iterator[tuple[int, int, Ints]]:
    """Yield the steps on the grid from points to all grid points near them, and the points barred from it.

    Steps go from the grid point next to each point, a cell and a half farther than the reach, so that the
    contour has a height on either side. Barred is a way that comes to dry ground through water.
    """
    far_m = ground.reach_m + _MARGIN_M
    most = int(np.ceil(far_m / GRID_M + 0.5))
    steps = np.mgrid[-most : most + 1, -most : most + 1].reshape(2, -1).T
    least_m = np.hypot(*np.maximum(np.abs(steps) - 0.5, 0.0).T) * GRID_M
    here = np.column_stack([x, y])
    wet = np.zeros(0, dtype=np.int64)
    if ground.water is not None:
        wet = np.unique(ground.water.tree.query(shapely.points(here), "dwithin", ground.reach_m)[0])
    corner = np.column_stack([_nearest_line(x), _nearest_line(y)])[wet]
    for (dx, dy), metres in zip(steps.tolist(), least_m, strict=True):
        barred = wet[:0]
        if len(wet) and ground.water is not None and metres <= ground.reach_m:
            there = (corner + (dx, dy)) * GRID_M
            ways = shapely.linestrings(np.stack([here[wet], there], axis=1))
            through = np.unique(ground.water.tree.query(ways, "intersects")[0])
            barred = wet[through[~shapely.contains_xy(ground.water.area, there[through])]]
        if metres <= far_m:
            yield dx, dy, barred


def _nearest_line(metres: Floats) -> Ints:
    """Return the number of the grid's column or row nearest to each coordinate."""
    return np.floor(metres / GRID_M + 0.5).astype(np.int64)
