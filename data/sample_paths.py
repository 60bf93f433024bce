"""Where do people walk apart from the streets: on pavements, along the river, on trails?"""

from collections.abc import Sequence

import numpy as np
import shapely
from sample_drawing import Drawing, Feature, nearest_on, smooth, wobble
from sample_streets import MainStreet
from sample_terrain import Terrain, over_or_under
from shapely import LineString, MultiLineString, Point
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge

_TRAILS = (
    ((3430, 5200), (3330, 5560), (3520, 5850), (3400, 6250), (3620, 6600)),
    ((1330, 4050), (1150, 4700), (1280, 5200), (1080, 5600)),
    ((3350, 1200), (3260, 900), (3430, 600), (3300, 250)),
    ((6720, 5000), (6420, 5500), (6480, 6000), (6130, 6450)),
)
_LOST = ((6000, 6900), (600, 5400), (4300, 6900), (7000, 200), (7900, 1150))


def draw_pavements(drawing: Drawing, streets: Sequence[MainStreet]) -> None:
    """Draw pavements of their own, with crossings, along some avenues."""
    for street in streets:
        if street.name not in {"示例新城大道", "示例后街"}:
            continue
        sides = [street.line.offset_curve(side) for side in (14.0, -14.0)]
        for side in sides:
            drawing.street(side, "footway", {"footway": "sidewalk"})
        for at in np.arange(70.0, street.line.length - 40.0, 190.0):
            middle = street.line.interpolate(at)
            crossing = [nearest_on(sides[0], middle), middle, nearest_on(sides[1], middle)]
            drawing.street(LineString(crossing), "footway", {"footway": "crossing", "crossing": "marked"})


def draw_promenade(drawing: Drawing, terrain: Terrain, blocks: BaseGeometry) -> None:
    """Draw the park along both banks in town, its promenade and the ways down to it."""
    public = shapely.union_all([way.geometry for way in drawing.public_streets()])
    bank = shapely.union(terrain.river_area, terrain.brook_area)
    green = (
        bank.buffer(70.0)
        .intersection(blocks.buffer(95.0))
        .difference(bank.buffer(3.0))
        .difference(blocks.buffer(17.0))
    )
    for park in shapely.get_parts(green.buffer(-4.0).buffer(4.0)):
        if park.area > 8000.0:
            drawing.areas.append(Feature(park.simplify(1.0), {"leisure": "park", "name": "示例滨江公园"}))
    shore = linemerge(
        MultiLineString(
            [
                part
                for part in shapely.get_parts(bank.buffer(20.0).exterior.intersection(green))
                if part.length > 5.0
            ]
        )
    )
    for walk in shapely.get_parts(shore):
        if walk.length < 150.0:
            continue
        path = walk.simplify(1.0).segmentize(40.0)
        drawing.street(path, "footway", {"name": "示例绿道"})
        for at in np.arange(20.0, path.length, 260.0):
            down = path.interpolate(at)
            up = nearest_on(public, down)
            if up.distance(down) < 140.0:
                drawing.street(LineString([up, down]).segmentize(30.0), "footway")


def draw_trails(drawing: Drawing, rng: np.random.Generator, terrain: Terrain) -> None:
    """Draw footpaths up the hills, and islands of path that join no street."""
    public = shapely.union_all([way.geometry for way in drawing.public_streets()])
    for course in _TRAILS:
        start = nearest_on(public, Point(course[0]))
        trail = wobble(
            rng, smooth([start.coords[0], *course[1:]], step_m=14.0), length_m=150.0, height_m=12.0
        )
        for piece, high in over_or_under(trail, terrain):
            bridge = {"bridge": "yes", "layer": "1"} if high else {}
            drawing.street(piece, "path", {"surface": "ground", **bridge}, level=int(high))
    for x, y in _LOST:
        lost = [(x, y), (x + 60, y + 70), (x + 30, y + 160), (x + 140, y + 210)]
        drawing.street(smooth(lost, step_m=14.0), "path", {"surface": "ground"})


def draw_interchange(drawing: Drawing, terrain: Terrain, street_end: Point) -> None:
    """Draw the ramps between a street and the motorway."""
    ahead = shapely.line_locate_point(terrain.motorway, street_end)
    toll = terrain.motorway.interpolate(ahead)
    plaza = np.array(
        [street_end.x + 0.45 * (toll.x - street_end.x), street_end.y + 0.45 * (toll.y - street_end.y)]
    )
    tags = {"oneway": "yes", "foot": "no"}
    drawing.street(
        LineString([street_end.coords[0], plaza]),
        "motorway_link",
        {"foot": "no", "barrier": "toll_booth"},
        level=2,
    )
    for side in (13.0, -13.0):
        lane = terrain.motorway.offset_curve(side)
        for reach in (-420.0, 420.0):
            here = shapely.line_locate_point(lane, toll)
            join, near = lane.interpolate(here + reach), lane.interpolate(here + 0.35 * reach)
            swing = (
                1.5 * (np.array([near.x, near.y]) - [toll.x, toll.y]) * 0.3
                + plaza * 0.4
                + np.array([near.x, near.y]) * 0.6
            )
            drawing.street(
                smooth([plaza, swing, join.coords[0]], step_m=22.0), "motorway_link", tags, level=2
            )
