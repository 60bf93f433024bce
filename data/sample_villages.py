"""Who lives outside the town: on the hillside, in the villages, in a hamlet without a mapped track?"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from sample_drawing import Drawing, Feature, houses_along, largest, nearest_on, rectangle, smooth, wobble
from sample_streets import at, subdivide
from sample_terrain import BOX, Terrain, over_or_under
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring


@dataclass(frozen=True)
class Village:
    """A village: its name, the course of the road that leads to it, and how many lanes it has."""

    name: str
    road: tuple[tuple[float, float], ...]
    lanes: int
    kind: str = "unclassified"


VILLAGES = (
    Village("云坪", ((2330, 4790), (2200, 5150), (1920, 5420), (2080, 5760), (1790, 6060), (2020, 6400),
                   (1830, 6790)), 13),
    Village("竹坑", ((4900, 4905), (5000, 5300), (4760, 5560), (5080, 5850), (4880, 6160), (5160, 6480),
                   (5010, 6880)), 12),
    Village("溪源", ((6985, 5000), (7120, 5500), (6990, 6050), (7060, 6500), (6920, 6990), (7190, 7380)), 16),
    Village("滩头", ((2690, 1460), (2250, 1500), (1700, 1620), (1150, 1480), (640, 1420)), 16),
    Village("田垟", ((1130, 3480), (900, 3780), (560, 3900)), 15),
    Village("东岸", ((7620, 2700), (7820, 2420), (8120, 2330), (8420, 2250), (8930, 2330)), 14),
    Village("南岙", ((5050, 1235), (5150, 930), (5060, 640), (5300, 470), (5560, 420)), 9),
)  # fmt: skip


def draw_village(drawing: Drawing, rng: np.random.Generator, village: Village, terrain: Terrain) -> Polygon:
    """Draw a village and its winding road, and return the ground it covers."""
    public = shapely.union_all([way.geometry for way in drawing.public_streets()])
    course = smooth(village.road, step_m=16.0)
    start = nearest_on(public, Point(course.coords[0]))
    course = LineString([start.coords[0], *wobble(rng, course, length_m=260.0, height_m=16.0).coords[1:]])
    for piece, wet in over_or_under(course, terrain):
        drawing.street(piece, village.kind, {"bridge": "yes", "layer": "1"} if wet else {}, level=int(wet))
    street = substring(course, max(course.length - 420.0, 0.4 * course.length), course.length)
    lanes = [street]
    for number in range(village.lanes):
        parent = street if number < 6 else lanes[int(rng.integers(1, len(lanes)))]
        lane = _branch(rng, parent, rng.uniform(70.0, 170.0))
        if lane.intersects(terrain.crossing_zone()) or any(
            lane.distance(Point(o.interpolate(0.6, normalized=True))) < 9.0 for o in lanes
        ):
            continue
        lanes.append(lane)
        drawing.street(
            lane, str(rng.choice(["residential", "footway", "path", "track"], p=[0.35, 0.4, 0.15, 0.1]))
        )
    houses = [
        house
        for lane in lanes
        for house in houses_along(rng, lane, setback_m=3.5, size_m=(8.0, 13.5), fill=0.72)
    ]
    for house in houses:
        drawing.building(house, str(rng.choice(["house", "yes"])), int(rng.integers(2, 5)))
    return Polygon(largest(shapely.union_all(lanes).buffer(95.0).buffer(-45.0).intersection(BOX)).exterior)


def draw_hamlet(drawing: Drawing, rng: np.random.Generator, centre: Point, houses: int) -> Polygon:
    """Draw a hamlet whose track nobody has mapped."""
    built = []
    for number in range(houses):
        reach, angle = 13.0 * np.sqrt(number) + 4.0, 2.4 * number + rng.normal(0.0, 0.2)
        place = (centre.x + reach * np.cos(angle), centre.y + 0.7 * reach * np.sin(angle))
        built.append(
            rectangle(place, (rng.uniform(8.0, 12.0), rng.uniform(8.0, 11.0)), rng.uniform(-20.0, 20.0))
        )
        drawing.building(built[-1], "house", 2)
    return Polygon(shapely.union_all(built).buffer(35.0).convex_hull.exterior)


def draw_hillside(drawing: Drawing, rng: np.random.Generator) -> Polygon:
    """Draw the quarter on the slope, with its terraces, hairpins and steps, and return its ground."""
    public = shapely.union_all([way.geometry for way in drawing.public_streets()])
    terraces = []
    for number, (west, east) in enumerate(
        [(3640, 4880), (3700, 4800), (3820, 4760), (3860, 4620), (3980, 4560)]
    ):
        along = np.arange(west, east + 1.0, 14.0)
        off = (
            2510.0
            + 78.0 * number
            + 16.0 * np.sin(along / 95.0 + number)
            + 9.0 * np.sin(along / 37.0 + 2 * number)
        )
        terraces.append(LineString(at(along, off + rng.normal(0.0, 1.0, len(along)))))
    houses: list[Polygon] = []
    for number, terrace in enumerate(terraces):
        drawing.street(
            terrace, "residential" if number % 2 == 0 else "footway", {"name": f"示例坡{number + 1}弄"}
        )
        houses += houses_along(rng, terrace, setback_m=4.5, size_m=(9.0, 14.0), fill=0.8)
    _hairpins(drawing, terraces)
    for terrace, share in ((terraces[0], 0.06), (terraces[0], 0.9)):
        foot = terrace.interpolate(share, normalized=True)
        drawing.street(LineString([nearest_on(public, foot), foot]).segmentize(15.0), "residential")
    for lower, upper in pairwise(terraces):
        for share in (0.22, 0.5, 0.8):
            top = upper.interpolate(
                float(np.clip(share + rng.normal(0.0, 0.05), 0.05, 0.95)), normalized=True
            )
            drawing.street(
                LineString([nearest_on(lower, top), top]).segmentize(12.0),
                "steps",
                {"step_count": str(int(rng.integers(60, 140)))},
            )
    for share in (0.3, 0.62):
        foot = terraces[0].interpolate(share, normalized=True)
        drawing.street(
            LineString([nearest_on(public, foot), foot]).segmentize(12.0), "steps", {"handrail": "yes"}
        )
    for house in houses:
        drawing.building(
            house, str(rng.choice(["house", "yes", "apartments"], p=[0.6, 0.3, 0.1])), int(rng.integers(2, 6))
        )
    return Polygon(shapely.union_all(terraces).buffer(48.0).buffer(30.0).buffer(-30.0).exterior)


def _hairpins(drawing: Drawing, terraces: list[LineString]) -> None:
    for number, (lower, upper) in enumerate(pairwise(terraces)):
        end = -1 if number % 2 == 0 else 0
        start, stop = np.array(lower.coords[end]), np.array(upper.coords[end])
        out = (stop - start) @ np.array([[0.0, -1.0], [1.0, 0.0]]) * (1.0 if end else -1.0)
        drawing.street(
            smooth([start, start + 0.3 * (stop - start) + 0.45 * out, stop], step_m=10.0), "residential"
        )


def _branch(rng: np.random.Generator, parent: LineString, length_m: float) -> LineString:
    share = rng.uniform(0.1, 0.95)
    root, ahead = (
        parent.interpolate(share, normalized=True),
        parent.interpolate(min(share + 0.02, 1.0), normalized=True),
    )
    angle = np.arctan2(ahead.y - root.y, ahead.x - root.x) + rng.choice([-1.0, 1.0]) * rng.uniform(1.15, 1.9)
    turns = angle + np.cumsum(np.concatenate([[0.0], rng.normal(0.0, 0.22, int(length_m / 14.0))]))
    steps = 14.0 * np.column_stack([np.cos(turns), np.sin(turns)])
    return LineString(np.array([root.x, root.y]) + np.vstack([np.zeros(2), np.cumsum(steps, axis=0)]))


def fields(rng: np.random.Generator, terrain: Terrain, taken: BaseGeometry) -> list[Polygon]:
    """Return the fields between town and hills."""
    land = terrain.valley.intersection(BOX).buffer(-22.0).difference(taken)
    found = []
    tiles, _ = subdivide(rng, BOX, target_m2=7e5, bend=0.04, skew=0.16)
    for part in shapely.get_parts(shapely.intersection(land.buffer(-12.0).buffer(12.0), tiles)).tolist():
        pieces = subdivide(rng, part, target_m2=2.6e4, bend=0.04, skew=0.09)[0] if part.area > 1e4 else []
        found += [largest(piece.buffer(-4.0).simplify(1.0)) for piece in pieces]
    return [field for field in found if field.area > 2500.0]


def draw_fields(drawing: Drawing, rng: np.random.Generator, patches: list[Polygon]) -> None:
    """Draw the fields: most are tilled, some are orchards or meadows."""
    for patch in patches:
        use = str(rng.choice(["farmland", "orchard", "meadow", ""], p=[0.58, 0.14, 0.13, 0.15]))
        if use:
            drawing.areas.append(Feature(patch, {"landuse": use}))
