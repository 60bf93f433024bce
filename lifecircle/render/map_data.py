"""Which figures and shapes does the map need, small enough to stand in one page?

Shapes go in as whole numbers, each vertex as its step from the one before: a tenth of GeoJSON's size.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

from lifecircle.city import CELL_M, City
from lifecircle.coverage import Coverage
from lifecircle.gaps import REASONS
from lifecircle.render.cell_outlines import cell_outlines
from lifecircle.render.sensitivity import gap_labels
from lifecircle.render.whom import blank_small, by_community, without_small

BAND_EDGES: Final = {"min": (5.0, 10.0, 15.0, 20.0), "m": (300.0, 500.0, 1000.0, 1500.0)}
"""Minutes or metres between the bands of the layers of walks; exactly so much is in the lower band."""
SOURCE_NAMES: Final = {"osm": "OpenStreetMap"}
"""What to call a source that is no file."""
_MICRODEGREES = 1e6
_NEVER = -1
_AREA = 2  # the dimension of a polygon
_OUTLINE_M = 5.0  # tolerance for outlines of communities, neighbours kept together
_COLLINEAR_M = 0.01  # tolerance for stairs of cells: only vertices on a straight line go
STREET_M = 1.5
"""Tolerance for lines of streets."""
_MOST_VERTICES = 600_000  # of the backdrop: about 6 MB
_MAIN = frozenset({"primary", "secondary", "tertiary", "trunk", "motorway"})
_PATHS = frozenset({"footway", "path", "steps", "pedestrian", "cycleway", "track", "corridor", "bridleway"})

Packed = dict[str, list[int]]
"""Shapes: ``parts`` per shape, ``vertices`` per part, and ``steps`` in micro-degrees, lon and lat in turn."""
Shift = Callable[[Any], Any]
"""Moves degrees of WGS 84, shape (n, 2), to where the tiles below the map have them."""


def pack_communities(
    coverage: Coverage, gaps: gpd.GeoDataFrame, shift: Shift | None = None
) -> dict[str, Any]:
    """Return the communities; ``rows`` holds one value per community, service and limit, in that order.

    ``reasons`` counts the people in gaps by reason. Walks are in the unit of the service's limits.
    """
    city, measure = coverage.city, coverage.city.measure
    frame = city.communities
    keys = ["community_id", "service", "threshold_minutes"]
    table = without_small(coverage.by_community(), coverage)
    median = walks_in_units(coverage, table["median_minutes"], table["service"])
    every = pd.MultiIndex.from_frame(table[keys])
    people = gaps.pivot_table(measure, keys, "reason", aggfunc="sum")
    people = people.reindex(index=every, columns=list(REASONS)).fillna(0.0)
    people = blank_small(
        people.reset_index().assign(denominator=table["denominator"]), REASONS, city.min_group
    )
    return {
        "name": frame["community"].tolist(),
        "people": numbers(by_community(coverage)),
        **pack_outlines(frame.geometry, shift),
        "rows": {
            "covered": numbers(table["share_covered"], 4),
            "gap": numbers(table["share_gap"], 4),
            "unknown": numbers(table["share_unknown"], 4),
            "median": median,
            "nearest": table["nearest_facility"].tolist(),
            "reasons": {reason: numbers(people[reason]) for reason in REASONS},
        },
    }


def pack_outlines(areas: gpd.GeoSeries, shift: Shift | None = None) -> dict[str, Packed]:
    """Return areas that touch each other, simplified together, and a point inside each for its name."""
    outlines = shapely.coverage_simplify(areas.to_numpy(), _OUTLINE_M)
    return {
        "center": pack(areas.representative_point(), shift),
        "shapes": pack(gpd.GeoSeries(outlines, crs=areas.crs), shift),
    }


def pack_gaps(
    coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str, shift: Shift | None = None
) -> dict[str, Any]:
    """Return the gaps, worst first; communities, services and limits of the service by their row."""
    shown = without_small(gaps, coverage)
    communities = pd.Index(coverage.city.communities["community_id"])
    step = {
        (service.id, limit.minutes_at(service.pace_mps)): number
        for service in coverage.standard.services
        for number, limit in enumerate(service.limits)
    }
    return {
        "id": gaps["gap_id"].tolist(),
        "community": communities.get_indexer(pd.Index(gaps["community_id"])).tolist(),
        "service": _column(coverage, gaps["service"]).tolist(),
        "step": [step[key] for key in zip(gaps["service"], gaps["threshold_minutes"], strict=True)],
        "reason": gaps["reason"].tolist(),
        "people": numbers(shown[coverage.city.measure]),
        "worst": walks_in_units(coverage, gaps["worst_minutes"], gaps["service"]),
        "nearest": gaps["nearest_facility"].tolist(),
        "walk": walks_in_units(coverage, gaps["nearest_minutes"], gaps["service"]),
        "straight": numbers(gaps["nearest_straight_m"]),
        "robust": gap_labels(shown, lang),
        "shapes": pack(gaps.geometry.simplify(_COLLINEAR_M), shift),
    }


def pack_facilities(coverage: Coverage, shift: Shift | None = None) -> dict[str, Any]:
    """Return the facilities of the standard's services."""
    column = _column(coverage, coverage.city.facilities["service"])
    frame = coverage.city.facilities[column >= 0]
    return {
        "service": column[column >= 0].tolist(),
        "name": frame["name"].tolist(),
        "source": frame["source"].replace(SOURCE_NAMES).tolist(),
        "at": pack(frame.geometry, shift),
    }


def pack_bands(coverage: Coverage, shift: Shift | None = None) -> list[Packed]:
    """Return for each service one shape per band of walks, and last one where the walk is not known."""
    cells, city = coverage.cells, coverage.city
    corner = np.column_stack([cells.geometry.x, cells.geometry.y]) // CELL_M
    rows = np.unique(corner.view(np.complex128)[:, 0], return_index=True)[1]  # as `City.inhabited_m2`
    at = corner[rows].astype(np.int64)
    layers = []
    for service in coverage.standard.services:
        minutes, edges = cells[service.id].to_numpy()[rows], BAND_EDGES[service.longest.unit]
        walk = minutes * 60.0 * service.pace_mps if service.in_metres else minutes
        band = np.where(np.isnan(walk), len(edges) + 1, np.searchsorted(edges, walk))
        shapes = shapely.intersection(cell_outlines(at, band, len(edges) + 2), city.area)
        layers.append(pack(gpd.GeoSeries(shapely.simplify(shapes, _COLLINEAR_M), crs=city.crs), shift))
    return layers


def pack_backdrop(city: City, shift: Shift | None = None) -> tuple[dict[str, Packed], list[str]]:
    """Return what shows where one is, and the kinds left out because the page would grow too large."""
    drawn: dict[str, Packed] = {}
    dropped, vertices = [], 0
    for kind, shapes in _backdrop(city).items():
        size = int(shapely.get_num_coordinates(shapes).sum())
        if vertices + size > _MOST_VERTICES:
            dropped.append(kind)
        elif size:
            vertices += size
            packed = pack(gpd.GeoSeries(shapes, crs=city.crs), shift)
            drawn[kind] = packed | {"parts": [sum(packed["parts"])]}
    return drawn, dropped


def pack(shapes: gpd.GeoSeries, shift: Shift | None = None) -> Packed:
    """Return points, lines or polygons as whole numbers (lon and lat, EPSG:4326, or where `shift` has them).

    A part is a point, a line or a ring. Steps run on across parts and shapes; steps of nothing are left out.

    Examples
    --------
    >>> pack(gpd.GeoSeries([shapely.LineString([(1, 2), (1.5, 2), (1.5, 2.00003)])], crs=4326))
    {'parts': [1], 'vertices': [3], 'steps': [1000000, 2000000, 500000, 0, 0, 30]}
    """
    parts, shape = shapely.get_parts(shapes.to_numpy(), return_index=True)
    if (shapely.get_dimensions(parts) == _AREA).any():
        parts, part = shapely.get_rings(parts, return_index=True)
        shape = shape[part]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    xy = np.column_stack(_to_degrees(shapes.crs).transform(*xy.T))
    xy = xy if shift is None else shift(xy)
    steps = np.diff(np.rint(xy * _MICRODEGREES).astype(np.int64), axis=0, prepend=[[0, 0]])
    kept = steps.any(axis=1) | (np.diff(part, prepend=-1) > 0)
    return {
        "parts": np.bincount(shape, minlength=len(shapes)).tolist(),
        "vertices": np.bincount(part[kept], minlength=len(parts)).tolist(),
        "steps": steps[kept].ravel().tolist(),
    }


@functools.cache
def _to_degrees(crs: CRS) -> Transformer:
    """Return what moves x and y of a CRS to WGS 84: made once, for PROJ is long in choosing it."""
    return Transformer.from_crs(crs, 4326, always_xy=True)


def bounds(areas: gpd.GeoSeries, shift: Shift | None = None) -> list[float]:
    """Return west, south, east and north in degrees, where `pack` draws them."""
    corners = areas.to_crs(4326).total_bounds.reshape(2, 2)
    west, south, east, north = (corners if shift is None else shift(corners)).ravel().tolist()
    return [west, south, east, north]


def drawn_as(streets: gpd.GeoDataFrame) -> NDArray[np.str_]:
    """Return how a map draws each street of `WalkNetwork.to_streets`: main, side, path, or "" for not."""
    kind = np.where(streets["kind"].isin(_MAIN), "main", "side")
    drawn: NDArray[np.str_] = np.where(streets["kind"].isin(_PATHS) | streets["private"], "path", kind)
    return np.where(streets["across"], "", drawn)


def _backdrop(city: City) -> dict[str, NDArray[Any]]:
    """Return the shapes of each kind, the kinds that matter most first."""
    streets = city.network.to_streets()
    kind = drawn_as(streets)
    edge = [] if city.boundary is None else [shapely.boundary(city.boundary)]
    shapes = {"edge": np.array(edge, dtype=object)}
    for name in ("main", "side", "path"):
        joined = shapely.line_merge(shapely.multilinestrings(streets.geometry.to_numpy()[kind == name]))
        shapes[name] = shapely.simplify([joined], STREET_M, preserve_topology=False)
    areas = gpd.GeoDataFrame({"kind": []}, geometry=[]) if city.backdrop is None else city.backdrop
    for name in ("water", "green", "building"):
        # Rings that turn one way are filled even where they overlap; holes turn the other way and stay open.
        turned = shapely.orient_polygons(areas.geometry.to_numpy()[areas["kind"] == name])
        shapes[name] = turned if name == "building" else shapely.simplify(shapely.get_parts(turned), STREET_M)
    return {name: shapes[name] for name in ("edge", "water", "main", "green", "side", "path", "building")}


def _column(coverage: Coverage, services: "pd.Series[str]") -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the number of each service in the standard, -1 where it is not in it."""
    return pd.Index([service.id for service in coverage.standard.services]).get_indexer(pd.Index(services))


def walks_in_units(
    coverage: Coverage, minutes: "pd.Series[float]", services: "pd.Series[str]"
) -> list[float | None]:
    """Return walks in the unit that their service is met in: minutes with a decimal, or whole metres."""
    column = _column(coverage, services)
    in_metres = np.array([service.in_metres for service in coverage.standard.services])[column]
    pace_mps = np.array([service.pace_mps for service in coverage.standard.services])[column]
    metres = numbers(minutes.to_numpy() * 60.0 * pace_mps)
    pairs = zip(in_metres, metres, numbers(minutes, 1), strict=True)
    return [one if is_metres else other for is_metres, one, other in pairs]


def numbers(values: ArrayLike, digits: int = 0) -> list[float | None]:
    """Return rounded numbers that JSON can hold: None where not known, -1 where infinite."""
    values = np.asarray(values, dtype=np.float64)
    known = np.where(np.isinf(values), _NEVER, np.round(values, digits))
    return [None if np.isnan(value) else value for value in known.tolist()]
