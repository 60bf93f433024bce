"""Where does the valley lie: its hills, its river and brook, the motorway and the railway at its edge?"""

from dataclasses import dataclass

import numpy as np
import shapely
from sample_drawing import Drawing, Feature, Floats, largest, normals, smooth, split_by, waves
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

BOX = shapely.box(9.0, 7.0, 8815.0, 7755.0)
"""The sample's rectangle in local metres, just inside the box of degrees that the file declares."""

_RIVER = [(-700, 1780), (300, 1830), (1300, 2250), (2300, 2560), (3200, 2400), (4100, 2290), (5000, 2560),
          (5900, 2640), (6700, 2200), (7500, 1700), (8400, 1620), (9500, 1950)]  # fmt: skip
_BROOK = [(7130, 8500), (7040, 7600), (6740, 6900), (6860, 6100), (6720, 5400), (6900, 4700), (6640, 4000),
          (6700, 3350), (6500, 2800), (6560, 2300)]  # fmt: skip
_NORTH_FOOT = [
    (-700, 4350),
    (300, 4300),
    (900, 4750),
    (1350, 5200),
    (2100, 5080),
    (2700, 5350),
    (3500, 5230),
    (4200, 5480),
    (4900, 5330),
    (5500, 5700),
    (6000, 6250),
    (6250, 7000),
    (6500, 7700),
    (6600, 8500),
]
_EAST_FOOT = [(7550, 8500), (7500, 7700), (7330, 6900), (7500, 6100), (7650, 5500), (8150, 5050),
              (8700, 4750), (9500, 4700)]  # fmt: skip
_SOUTH_FOOT = [(9500, 620), (8500, 500), (7700, 760), (6900, 480), (6200, 640), (5500, 480), (4700, 600),
               (3900, 560), (3100, 820), (2300, 640), (1500, 880), (700, 720), (-700, 900)]  # fmt: skip
_MOTORWAY = [(-700, 1180), (400, 1010), (1500, 1060), (2500, 880), (3600, 790), (4700, 760), (5700, 700),
             (6800, 690), (7700, 920), (8500, 720), (9500, 800)]  # fmt: skip
_RAILWAY = [(7780, 8500), (7720, 7600), (7560, 6800), (7660, 6000), (7860, 5300), (8230, 4600), (8620, 3900),
            (9500, 3000)]  # fmt: skip


@dataclass(frozen=True)
class Terrain:
    """The lie of the land, in local metres."""

    valley: Polygon
    water: BaseGeometry
    river: LineString
    river_area: Polygon
    brook: LineString
    brook_area: Polygon
    motorway: LineString
    railway: LineString

    def crossing_zone(self) -> BaseGeometry:
        """Return the water with its banks and the motorway, where a street needs a bridge."""
        return self.water.buffer(14.0).union(self.motorway.buffer(32.0))


def lay_terrain(rng: np.random.Generator) -> Terrain:
    """Return the lie of the land."""
    feet = [smooth(line, step_m=45.0) for line in (_NORTH_FOOT, _EAST_FOOT, _SOUTH_FOOT)]
    edge = np.vstack([_roughen(rng, line) for line in feet])
    river, brook = smooth(_RIVER, step_m=30.0), smooth(_BROOK, step_m=20.0)
    river_area = _banks(rng, river, width_m=215.0, swell_m=34.0)
    brook_area = _banks(rng, brook, width_m=46.0, swell_m=7.0)
    return Terrain(
        valley=Polygon(edge).buffer(0),
        water=shapely.union(river_area, brook_area),
        river=river,
        river_area=river_area,
        brook=brook,
        brook_area=brook_area,
        motorway=smooth(_MOTORWAY, step_m=45.0),
        railway=smooth(_RAILWAY, step_m=45.0),
    )


def draw_terrain(drawing: Drawing, terrain: Terrain, clearings: BaseGeometry) -> None:
    """Draw water, woods, motorway and railway; woods leave the clearings open."""
    island = _island(terrain.river)
    water = shapely.union(terrain.river_area, terrain.brook_area).intersection(BOX).difference(island)
    drawing.areas.append(Feature(largest(water), {"natural": "water", "water": "river", "name": "示例江"}))
    drawing.areas.append(Feature(island, {"natural": "scrub", "place": "islet", "name": "示例洲"}))
    drawing.lines.append(Feature(terrain.river, {"waterway": "river", "name": "示例江"}))
    drawing.lines.append(Feature(terrain.brook, {"waterway": "river", "name": "示例溪"}))
    hills = BOX.difference(terrain.valley).difference(clearings)
    for wood in shapely.get_parts(hills):
        if wood.area > 2e4:  # specks of wood look like mistakes
            drawing.areas.append(Feature(wood.simplify(3.0), {"landuse": "forest"}))
    for side in (13.0, -13.0):
        lane = terrain.motorway.offset_curve(side).simplify(0.5)
        drawing.street(
            lane if side < 0 else lane.reverse(),
            "motorway",
            {"name": "示例高速", "oneway": "yes", "foot": "no", "lanes": "2", "ref": "G00"},
            level=2,
        )
    for side in (2.5, -2.5):
        rail = terrain.railway.offset_curve(side).simplify(0.5)
        drawing.lines.append(
            Feature(rail, {"railway": "rail", "electrified": "contact_line", "name": "示例铁路"})
        )
    drawing.places.append(Feature(Point(7840, 5340), {"railway": "station", "name": "示例站"}))


def over_or_under(line: LineString, terrain: Terrain) -> list[tuple[LineString, bool]]:
    """Cut a street where it needs a bridge over water: its pieces, and whether each is a bridge."""
    return split_by(line, terrain.crossing_zone())


def _roughen(rng: np.random.Generator, line: LineString) -> Floats:
    points = shapely.get_coordinates(line)
    along = np.arange(len(points)) * 45.0
    bumps = waves(rng, along, length_m=620.0, height_m=55.0) + waves(
        rng, along, length_m=210.0, height_m=14.0
    )
    return np.asarray(points + normals(line) * bumps[:, None])


def _banks(rng: np.random.Generator, line: LineString, *, width_m: float, swell_m: float) -> Polygon:
    points, side = shapely.get_coordinates(line), normals(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    left = width_m / 2 + waves(rng, along, length_m=1500.0, height_m=swell_m)
    right = width_m / 2 + waves(rng, along, length_m=1300.0, height_m=swell_m)
    ring = np.vstack([points + side * left[:, None], (points - side * right[:, None])[::-1]])
    return Polygon(ring).buffer(0)


def _island(river: LineString) -> Polygon:
    middle = substring(river, 0.245 * river.length, 0.300 * river.length)
    points, side = shapely.get_coordinates(middle), normals(middle)
    half = 38.0 * np.sin(np.linspace(0.0, np.pi, len(points))) ** 0.7
    ring = np.vstack([points + side * (half + 8.0)[:, None], (points - side * (half - 6.0)[:, None])[::-1]])
    return largest(MultiPolygon([Polygon(ring).buffer(0)]).buffer(6.0).buffer(-3.0))
