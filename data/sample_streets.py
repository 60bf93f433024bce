"""Where do the main streets run, and how do they cut the valley into superblocks and parcels?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from sample_drawing import HALF_WIDTH_M, Drawing, Floats, normals, smooth, split_by, waves
from sample_terrain import BOX, Terrain, over_or_under
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize, split, substring

_COURSE = [(-700, 1500), (2000, 2230), (4300, 2480), (6500, 2230), (9500, 1450)]
"""The river's course without its bends."""


@dataclass(frozen=True)
class MainStreet:
    """A main street: its highway kind, its name and its course before bridges are cut out of it."""

    kind: str
    name: str
    line: LineString


@dataclass(frozen=True)
class Parcel:
    """A piece of a superblock between streets, with the district it belongs to."""

    district: str
    shape: Polygon


def at(along_m: Floats | float, off_m: Floats | float) -> Floats:
    """Return places by metres along the river's course and metres north of it: streets follow the river."""
    along, off = np.broadcast_arrays(np.asarray(along_m, dtype=float), np.asarray(off_m, dtype=float))
    course = smooth(_COURSE)
    points, side = shapely.get_coordinates(course), normals(course)
    step = np.arange(len(points)) * course.length / (len(points) - 1)
    both = np.column_stack([points, side])
    x, y, north_x, north_y = (np.interp(along, step, column) for column in both.T)
    return np.column_stack([(x + off * north_x).ravel(), (y + off * north_y).ravel()])


def lay_main_streets(rng: np.random.Generator, terrain: Terrain) -> list[MainStreet]:
    """Return the main streets, trimmed to the built-up valley."""
    north = _along_bank(terrain, 205.0)
    south = _along_bank(terrain, -205.0)
    brook_west, brook_east = terrain.brook.offset_curve(85.0), terrain.brook.offset_curve(-95.0)
    frame = {
        "north": substring(north, 2020.0, 7900.0), "south": substring(south, 3000.0, 6900.0),
        "west_brook": substring(_right_way(brook_west), 3400.0, 7000.0),
        "east_brook": substring(_right_way(brook_east), 3250.0, 6600.0),
    }  # fmt: skip
    rows = {
        "r1": (800, 2250, 7500), "r2": (1330, 0, 10000), "r3": (1850, 2250, 7600), "r4": (2420, 2500, 7900),
        "s1": (-800, 3100, 6750), "s2": (-1230, 3100, 6500),
        "e1": (690, 7200, 8900), "e3": (1930, 7200, 8700),
    }  # fmt: skip
    columns = {
        "c1": (2300, 0, 2300), "c2": (2860, 0, 1900), "c3": (3420, -1330, 2500), "c4": (3930, 770, 2500),
        "c5": (4560, 0, 1900), "c6": (5190, -1330, 2500), "c7": (5760, 770, 2500), "c8": (6380, -1330, 2500),
        "t1": (4010, -1330, -200), "t2": (4620, -1330, -200), "t3": (5820, -1330, -200),
        "i1": (8010, 600, 2030), "i2": (8540, 600, 2030),
    }  # fmt: skip
    lines = dict(frame)
    for key, (off, start, end) in rows.items():
        along = np.arange(start, end + 1.0, 25.0)
        lines[key] = LineString(at(along, off + waves(rng, along, length_m=2100.0, height_m=75.0)))
    for key, (along_m, start, end) in columns.items():
        off = np.arange(start, end + 1.0, 25.0)
        lines[key] = LineString(at(along_m + waves(rng, off, length_m=1900.0, height_m=80.0), off))
    lines["d1"] = smooth(
        [at(5190, 1300)[0], at(5700, 1640)[0], at(6350, 1930)[0], (6830, 4960), (7700, 5330)]
    )
    return _trim(lines, terrain)


_KINDS = {
    "north": ("primary", "示例江滨路"), "south": ("secondary", "示例江南路"),
    "west_brook": ("secondary", "示例溪西路"), "east_brook": ("tertiary", "示例溪东路"),
    "r1": ("secondary", "示例前街"), "r2": ("primary", "示例大道"), "r3": ("secondary", "示例后街"),
    "r4": ("primary", "示例北环路"), "s1": ("primary", "示例新城大道"), "s2": ("tertiary", "示例南山路"),
    "e1": ("tertiary", "示例工业一路"), "e3": ("tertiary", "示例工业三路"),
    "c1": ("secondary", "示例西环路"), "c2": ("tertiary", "示例二路"), "c3": ("primary", "示例西桥路"),
    "c4": ("secondary", "示例四路"), "c5": ("tertiary", "示例五路"), "c6": ("primary", "示例中桥路"),
    "c7": ("tertiary", "示例七路"), "c8": ("secondary", "示例东桥路"),
    "t1": ("tertiary", "示例新一街"), "t2": ("tertiary", "示例新二街"), "t3": ("tertiary", "示例新三街"),
    "i1": ("tertiary", "示例工业纬路"), "i2": ("tertiary", "示例工业经路"),
    "d1": ("primary", "示例站前路"),
}  # fmt: skip
_LONG = frozenset({"r2", "r4", "c3", "c6", "c8", "d1"})
"""Streets that cross water; the others end at the bank."""
_ONWARD = frozenset({"r2", "d1"})
"""Streets that run on beyond the last block."""


def _trim(lines: dict[str, LineString], terrain: Terrain) -> list[MainStreet]:
    dry = {
        key: [piece for piece, wet in over_or_under(line, terrain) if not wet or key in _LONG]
        for key, line in lines.items()
    }
    kept = {key: max(pieces, key=lambda piece: piece.length) if key not in _LONG else lines[key]
            for key, pieces in dry.items()}  # fmt: skip
    faces = shapely.union_all(list(polygonize(shapely.union_all(list(kept.values()))))).buffer(1.0)
    streets = []
    for key, line in kept.items():
        kind, name = _KINDS[key]
        inside = [piece for piece, within in split_by(line, faces) if within or key in _ONWARD]
        streets += [MainStreet(kind, name, piece) for piece in inside if piece.length > 60.0]
    return streets


def superblocks(streets: Sequence[MainStreet], terrain: Terrain) -> list[Polygon]:
    """Return the dry blocks between the main streets, from south-west to north-east."""
    blocks = polygonize(shapely.union_all([street.line for street in streets]))
    dry = [
        block for block in blocks
        if block.intersection(terrain.water).area < 0.04 * block.area and block.area > 6000.0
    ]  # fmt: skip
    return sorted(dry, key=lambda block: (round(block.centroid.y), round(block.centroid.x)))


def draw_main_streets(drawing: Drawing, streets: Sequence[MainStreet], terrain: Terrain) -> None:
    """Draw the main streets, with bridges where they cross water."""
    for street in streets:
        tags = {"name": street.name}
        if street.kind == "primary":
            tags |= {"lanes": "4", "sidewalk": "both", "oneway": "no"}
        for piece, wet in over_or_under(street.line, terrain):
            bridge = {"bridge": "yes", "layer": "1"} if wet else {}
            drawing.street(piece, street.kind, tags | bridge, level=int(wet))


def subdivide(
    rng: np.random.Generator, block: Polygon, *, target_m2: float, bend: float, skew: float
) -> tuple[list[Polygon], list[tuple[LineString, int]]]:
    """Cut a block in two, again and again, until its pieces are about `target_m2` large.

    Returns the pieces, and every cut with its depth: 0 is the street that halves the whole block.
    """
    pieces: list[Polygon] = []
    cuts: list[tuple[LineString, int]] = []
    waiting = [(block, 0)]
    while waiting:
        piece, depth = waiting.pop()
        halves = _halve(rng, piece, bend, skew) if piece.area > target_m2 * rng.uniform(1.05, 1.7) else None
        if halves is None:
            pieces.append(piece)
            continue
        cuts.append((halves[0], depth))
        waiting += [(half, depth + 1) for half in halves[1]]
    return pieces, cuts


def street_area(drawing: Drawing, *, verge_m: float) -> BaseGeometry:
    """Return the ground that all public streets take, with a verge on both sides."""
    ways = drawing.public_streets()
    lines = np.array([way.geometry for way in ways], dtype=object)
    half = np.array([HALF_WIDTH_M[way.tags["highway"]] for way in ways]) + verge_m
    return shapely.union_all(shapely.buffer(lines, half, cap_style="flat", quad_segs=3))


def _halve(
    rng: np.random.Generator, block: Polygon, bend: float, skew: float
) -> tuple[LineString, list[Polygon]] | None:
    corners = shapely.get_coordinates(shapely.oriented_envelope(block))
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    along, across = (first, second) if np.hypot(*first) >= np.hypot(*second) else (second, first)
    middle = corners[:4].mean(axis=0)
    for _ in range(12):
        turn = rng.normal(0.0, skew)
        turned = across @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        t = np.linspace(-0.75, 0.75, max(int(np.hypot(*across) / 12.0), 7) if bend else 2)
        sway = bend * np.sin(np.pi * rng.uniform(0.8, 1.6) * t + rng.uniform(0.0, 2 * np.pi))
        start = middle + along * rng.uniform(-0.13, 0.13)
        line = LineString(
            start + t[:, None] * turned + (sway * np.hypot(*across) / np.hypot(*along))[:, None] * along
        )
        inside = shapely.intersection(line, block)
        halves = [part for part in shapely.get_parts(split(block, line)) if part.geom_type == "Polygon"]
        if (
            inside.geom_type == "LineString"
            and len(halves) == 2
            and min(h.area for h in halves) > 0.3 * block.area
        ):
            return inside, halves
    return None


def _along_bank(terrain: Terrain, off_m: float) -> LineString:
    bank = terrain.river.simplify(5.0).offset_curve(off_m)
    points = shapely.get_coordinates(_eastward(bank).segmentize(60.0))
    return smooth(points[:: max(len(points) // 34, 1)], step_m=22.0).intersection(BOX.buffer(600.0))


def _eastward(line: LineString) -> LineString:
    return line if line.coords[0][0] < line.coords[-1][0] else line.reverse()


def _right_way(line: LineString) -> LineString:
    return line if line.coords[0][1] > line.coords[-1][1] else line.reverse()
