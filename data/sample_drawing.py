"""What is a city drawn with? Streets, lines, areas and places in local metres, and the curves they follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

Floats = NDArray[np.float64]
Tags = Mapping[str, str]

HALF_WIDTH_M = {
    "motorway": 13.0, "primary": 16.0, "secondary": 12.0, "tertiary": 8.0, "residential": 5.0,
    "unclassified": 4.0, "living_street": 3.5, "pedestrian": 4.0, "service": 3.0, "track": 2.0,
    "footway": 1.5, "path": 1.2, "steps": 1.2,
}  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """A geometry in local metres with its OpenStreetMap tags; streets meet only others of the same level."""

    geometry: BaseGeometry
    tags: Tags
    level: int = 0


@dataclass
class Drawing:
    """Everything drawn so far: `streets` share nodes where they cross, `lines` and `areas` do not."""

    streets: list[Feature] = field(default_factory=list)
    lines: list[Feature] = field(default_factory=list)
    areas: list[Feature] = field(default_factory=list)
    buildings: list[Feature] = field(default_factory=list)
    places: list[Feature] = field(default_factory=list)

    def street(self, line: LineString, kind: str, tags: Tags | None = None, *, level: int = 0) -> None:
        """Add a street of this highway kind."""
        self.streets.append(Feature(line, {"highway": kind, **(tags or {})}, level))

    def building(self, shape: Polygon, kind: str, levels: int, tags: Tags | None = None) -> None:
        """Add a building of so many levels."""
        self.buildings.append(
            Feature(shape, {"building": kind, "building:levels": str(levels), **(tags or {})})
        )

    def public_streets(self) -> list[Feature]:
        """Return the streets on the ground that anybody may walk."""
        return [
            way for way in self.streets
            if way.level == 0 and "access" not in way.tags and way.tags["highway"] != "motorway"
        ]  # fmt: skip


def smooth(points: ArrayLike, *, step_m: float = 20.0, closed: bool = False) -> LineString:
    """Return a smooth curve through points, with a vertex about every `step_m` metres."""
    knots = np.asarray(points, dtype=float)
    if closed:
        knots = np.vstack([knots, knots[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    curve = CubicSpline(along, knots, bc_type="periodic" if closed else "natural")
    count = max(int(along[-1] / step_m), 4) + 1
    return LineString(curve(np.linspace(0.0, along[-1], count)))


def normals(line: LineString) -> Floats:
    """Return the unit normals to the left of a line at its vertices."""
    ahead = np.gradient(shapely.get_coordinates(line), axis=0)
    ahead /= np.hypot(*ahead.T)[:, None]
    return np.column_stack([-ahead[:, 1], ahead[:, 0]])


def waves(rng: np.random.Generator, along: Floats, *, length_m: float, height_m: float) -> Floats:
    """Return a gentle random undulation of about `height_m` at each distance along a line."""
    total = np.zeros_like(along)
    for part, share in ((1.0, 0.6), (0.53, 0.3), (0.29, 0.1)):
        phase = rng.uniform(0.0, 2 * np.pi)
        total += share * np.sin(2 * np.pi * along / (length_m * part) + phase)
    return height_m * total


def wobble(rng: np.random.Generator, line: LineString, *, length_m: float, height_m: float) -> LineString:
    """Return a line that wanders about `height_m` to its sides; its ends stay."""
    points = shapely.get_coordinates(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    calm = np.minimum(1.0, np.minimum(along, along[-1] - along) / (0.5 * length_m))
    return LineString(
        points + normals(line) * (calm * waves(rng, along, length_m=length_m, height_m=height_m))[:, None]
    )


def split_by(line: LineString, zone: BaseGeometry) -> list[tuple[LineString, bool]]:
    """Cut a line where it enters and leaves a zone: its pieces in order, and whether each lies inside."""
    cuts = shapely.get_coordinates(shapely.intersection(line, zone.boundary))
    at = np.sort(shapely.line_locate_point(line, shapely.points(cuts)))
    at = np.concatenate([[0.0], at, [line.length]])
    pieces = [substring(line, start, end) for start, end in pairwise(at) if end - start > 1.0]
    return [(piece, bool(zone.contains(piece.interpolate(0.5, normalized=True)))) for piece in pieces]


def largest(shape: BaseGeometry) -> Polygon:
    """Return the largest polygon of a geometry (an empty one if there is none)."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return max(polygons, key=lambda part: part.area, default=Polygon())


def rectangle(at: Sequence[float], size: tuple[float, float], angle_deg: float) -> Polygon:
    """Return a rectangle of this size round a centre."""
    width, depth = size
    shape = rotate(shapely.box(-width / 2, -depth / 2, width / 2, depth / 2), angle_deg, origin=(0.0, 0.0))
    return translate(shape, *at)


def houses_along(
    rng: np.random.Generator, line: LineString, *, setback_m: float, size_m: tuple[float, float], fill: float
) -> list[Polygon]:
    """Return house footprints on both sides of a lane; of the plots, a share of `fill` is built on."""
    houses: list[Polygon] = []
    for side in (-1.0, 1.0):
        at = rng.uniform(2.0, 12.0)
        while at < line.length - 4.0:
            width, depth = rng.uniform(*size_m, size=2)
            before, after = line.interpolate(at - 1.0), line.interpolate(at + 1.0)
            angle = np.arctan2(after.y - before.y, after.x - before.x)
            off = side * (setback_m + depth / 2 + rng.uniform(0.0, 2.5))
            centre = (before.x - off * np.sin(angle), before.y + off * np.cos(angle))
            if rng.random() < fill:
                houses.append(rectangle(centre, (width, depth), np.degrees(angle) + rng.normal(0.0, 4.0)))
            at += width + rng.uniform(1.5, 7.0)
    return houses


def nearest_on(lines: BaseGeometry, place: Point) -> Point:
    """Return the point of some lines that lies nearest to a place."""
    return Point(shapely.get_coordinates(shapely.shortest_line(lines, place))[0])
