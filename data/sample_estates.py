"""How is a parcel between streets built up: as a walled estate, a park, a school, shops or works?"""

from dataclasses import dataclass

import numpy as np
import shapely
from sample_drawing import Drawing, Feature, largest, nearest_on, rectangle, smooth
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Style:
    """How the houses of an estate stand: storeys, size of a house, metres to the next and from row to row."""

    levels: tuple[int, ...]
    depth_m: float
    length_m: tuple[float, float]
    gap_m: float
    pitch_m: float


WALK_UP = Style(levels=(5, 6, 6, 6, 7), depth_m=11.5, length_m=(36.0, 58.0), gap_m=9.0, pitch_m=29.0)
MIDDLE = Style(levels=(8, 9, 11, 11), depth_m=13.0, length_m=(32.0, 54.0), gap_m=12.0, pitch_m=39.0)
TOWER = Style(levels=(15, 18, 18, 22, 26), depth_m=19.0, length_m=(23.0, 30.0), gap_m=24.0, pitch_m=58.0)

_PRIVATE = {"access": "private"}


def estate_ground(parcel: Polygon, streets: BaseGeometry) -> Polygon:
    """Return the ground of a parcel inside the streets round it, its corners rounded."""
    ground = largest(shapely.difference(parcel, streets).buffer(-7.0, quad_segs=2).buffer(7.0, quad_segs=2))
    return largest(ground.simplify(0.8))


def draw_estate(  # noqa: PLR0913 - one call per parcel, each word of it needed
    drawing: Drawing,
    rng: np.random.Generator,
    ground: Polygon,
    *,
    public: BaseGeometry,
    style: Style,
    name: str,
    gate_near: Point | None = None,
) -> None:
    """Draw a walled estate: its wall, its inner paths, the gates where they meet the street, its houses."""
    loop = largest(ground.buffer(-7.0, quad_segs=2)).simplify(0.6)
    core = ground.buffer(-14.0)
    if core.is_empty or loop.is_empty:
        return
    angle = _east_west_turn(ground)
    centre = ground.centroid
    flat = rotate(core, -angle, origin=centre)
    width = flat.bounds[2] - flat.bounds[0]
    spine_x = centre.x + rng.uniform(-0.18, 0.18) * width if width > 150.0 else None
    houses, paths = _rows(rng, flat, style, spine_x)
    for house, levels in houses:
        drawing.building(rotate(house, angle, origin=centre), "apartments", levels)
    drawing.street(LineString(loop.exterior), "service", _PRIVATE)
    inner = [(path, "footway") for path in paths]
    if spine_x is not None:
        inner.append(
            (
                _sway(rng, LineString([(spine_x, flat.bounds[1] - 40.0), (spine_x, flat.bounds[3] + 40.0)])),
                "service",
            )
        )
    for line, kind in inner:
        for piece in shapely.get_parts(rotate(line, angle, origin=centre).intersection(loop)):
            if piece.geom_type == "LineString" and piece.length > 12.0:
                drawing.street(piece, kind, _PRIVATE)
    wall = ground.exterior
    gates = _gates(rng, ground, public, gate_near)
    for number, gate in enumerate(gates):
        outside, inside = nearest_on(public, gate), nearest_on(loop.exterior, gate)
        kind = "service" if number == 0 else "footway"
        drawing.street(LineString([outside, gate, inside]), kind, _PRIVATE)
        drawing.places.append(Feature(gate, {"barrier": "gate", "access": "private"}))
    stops = sorted(shapely.line_locate_point(wall, gate) for gate in gates)
    points = sorted([*(shapely.line_locate_point(wall, Point(p)) for p in wall.coords[:-1]), *stops])
    ring = [wall.interpolate(at) for at in points]
    drawing.lines.append(
        Feature(LineString([*ring, ring[0]]), {"barrier": str(rng.choice(["wall", "fence"]))})
    )
    drawing.areas.append(Feature(ground, {"landuse": "residential", "residential": "gated", "name": name}))


def draw_park(
    drawing: Drawing, rng: np.random.Generator, ground: Polygon, *, public: BaseGeometry, name: str
) -> None:
    """Draw a park: winding paths from street to street, a wood or two and a pond."""
    drawing.areas.append(Feature(ground, {"leisure": "park", "name": name}))
    middle = ground.representative_point()
    half = np.sqrt(ground.area) / 2
    turn = rng.uniform(0.0, np.pi)
    pond = _blob(rng, middle, 0.26 * half).intersection(ground.buffer(-12.0))
    drawing.areas.append(Feature(largest(pond), {"natural": "water", "water": "pond"}))
    ring = largest(_blob(rng, middle, 0.5 * half).union(pond.buffer(8.0)).intersection(ground.buffer(-8.0)))
    drawing.street(LineString(ring.exterior.simplify(1.0)), "footway")
    for spoke in range(4):
        angle = turn + spoke * np.pi / 2 + rng.normal(0.0, 0.25)
        far = Point(middle.x + 1.1 * half * np.cos(angle), middle.y + 1.1 * half * np.sin(angle))
        edge = nearest_on(public, nearest_on(ground.exterior, far))
        inner = nearest_on(ring.exterior, edge)
        bend = rng.normal(0.0, 0.12) * np.array([inner.y - edge.y, edge.x - inner.x])
        knee = np.array([(edge.x + inner.x) / 2, (edge.y + inner.y) / 2]) + bend
        drawing.street(smooth([edge.coords[0], knee, inner.coords[0]], step_m=12.0), "footway")
    for _ in range(2):
        grove = _blob(
            rng, Point(rng.normal(middle.x, 0.5 * half), rng.normal(middle.y, 0.5 * half)), 0.3 * half
        )
        grove = largest(grove.intersection(ground.buffer(-4.0)).difference(pond.buffer(3.0)))
        if grove.area > 400.0:
            drawing.areas.append(Feature(grove, {"natural": "wood"}))


def draw_school(
    drawing: Drawing, rng: np.random.Generator, ground: Polygon, *, public: BaseGeometry, name: str
) -> None:
    """Draw a school: teaching blocks, a running track, a fence and one gate."""
    angle = _east_west_turn(ground)
    centre = ground.centroid
    west = (centre.x - 0.2 * np.sqrt(ground.area), centre.y)
    east = (centre.x + 0.22 * np.sqrt(ground.area), centre.y)
    core = ground.buffer(-8.0)
    first = len(drawing.buildings)
    for row in (-42.0, 0.0, 42.0):
        block = rotate(rectangle((west[0], west[1] + row), (62.0, 14.0), 0.0), angle, origin=centre)
        if core.contains(block):
            drawing.building(block, "school", int(rng.integers(3, 6)))
    if len(drawing.buildings) == first:
        _blocks(drawing, rng, core, kinds=("school",), size_m=(24.0, 46.0), levels=(3, 6))
    track = rotate(
        LineString([(east[0], east[1] - 38.0), (east[0], east[1] + 38.0)]).buffer(32.0), angle, origin=centre
    )
    if core.contains(track) and not any(
        house.geometry.intersects(track) for house in drawing.buildings[first:]
    ):
        drawing.areas.append(Feature(track.simplify(0.5), {"leisure": "track", "sport": "athletics"}))
    gate = nearest_on(ground.exterior, nearest_on(public, Point(west)))
    drawing.street(
        LineString([nearest_on(public, gate), gate, Point(west[0], west[1] + 21.0)]), "service", _PRIVATE
    )
    drawing.places.append(Feature(gate, {"barrier": "gate", "access": "private"}))
    drawing.areas.append(Feature(ground, {"amenity": "school", "barrier": "fence", "name": name}))


def draw_shops(drawing: Drawing, rng: np.random.Generator, ground: Polygon, *, public: BaseGeometry) -> None:
    """Draw a shopping centre: a few large houses, a car park and the service road between them."""
    drawing.areas.append(Feature(ground, {"landuse": "retail"}))
    _blocks(
        drawing,
        rng,
        ground.buffer(-8.0),
        kinds=("retail", "commercial", "office"),
        size_m=(38.0, 70.0),
        levels=(3, 9),
    )
    middle = ground.representative_point()
    lot = largest(rectangle((middle.x, middle.y), (46.0, 30.0), _east_west_turn(ground)).intersection(ground))
    drawing.areas.append(Feature(lot, {"amenity": "parking", "parking": "surface"}))
    drawing.street(LineString([nearest_on(public, middle), middle]), "service", {"service": "parking_aisle"})


def draw_works(drawing: Drawing, rng: np.random.Generator, ground: Polygon, *, public: BaseGeometry) -> None:
    """Draw a factory: halls in its yard and a service road to the gate."""
    drawing.areas.append(Feature(ground, {"landuse": "industrial"}))
    _blocks(
        drawing,
        rng,
        ground.buffer(-9.0),
        kinds=("industrial", "industrial", "yes"),
        size_m=(40.0, 95.0),
        levels=(1, 3),
    )
    inner = ground.representative_point()
    gate = nearest_on(public, inner)
    drawing.street(LineString([gate, inner]), "service", {**_PRIVATE, "service": "driveway"})


def draw_hospital(
    drawing: Drawing, rng: np.random.Generator, ground: Polygon, *, public: BaseGeometry
) -> None:
    """Draw the hospital, its drive open to everybody."""
    drawing.areas.append(Feature(ground, {"amenity": "hospital", "name": "示例医院"}))
    _blocks(drawing, rng, ground.buffer(-9.0), kinds=("hospital",), size_m=(34.0, 60.0), levels=(5, 16))
    inner = ground.representative_point()
    drawing.street(LineString([nearest_on(public, inner), inner]), "service")


def _blocks(
    drawing: Drawing, rng: np.random.Generator, core: BaseGeometry, *, kinds: tuple[str, ...],
    size_m: tuple[float, float], levels: tuple[int, int],
) -> None:  # fmt: skip
    if core.is_empty:
        return
    angle = _east_west_turn(largest(core))
    centre = core.centroid
    flat = rotate(core, -angle, origin=centre)
    west, south, east, north = flat.bounds
    y = south
    while y < north - 20.0:
        depth = rng.uniform(0.45, 0.8) * rng.uniform(*size_m)
        x = west + rng.uniform(0.0, 15.0)
        while x < east - 15.0:
            width = rng.uniform(*size_m)
            hall = shapely.box(x, y, x + width, y + depth * rng.uniform(0.75, 1.0))
            if flat.contains(hall) and rng.random() < 0.75:
                drawing.building(
                    rotate(hall, angle, origin=centre), str(rng.choice(kinds)), int(rng.integers(*levels))
                )
            x += width + rng.uniform(9.0, 24.0)
        y += depth + rng.uniform(12.0, 26.0)


def _rows(
    rng: np.random.Generator, flat: BaseGeometry, style: Style, spine_x: float | None
) -> tuple[list[tuple[Polygon, int]], list[LineString]]:
    west, south, east, north = flat.bounds
    lane = shapely.box(spine_x - 5.5, south, spine_x + 5.5, north) if spine_x is not None else Polygon()
    garden = Point(rng.uniform(west, east), rng.uniform(south, north)).buffer(rng.uniform(18.0, 34.0))
    room = flat.difference(lane)
    levels = int(rng.choice(style.levels))
    gap = style.gap_m
    houses: list[tuple[Polygon, int]] = []
    paths: list[LineString] = []
    y = south + style.depth_m / 2 + rng.uniform(2.0, 7.0)
    while y < north - style.depth_m / 2:
        before = len(houses)
        for start, end in _free_runs(room, y, style.depth_m / 2 + 1.0):
            fit = int((end - start + gap) / (rng.uniform(*style.length_m) + gap)) or int(
                end - start > style.length_m[0]
            )
            if not fit:
                continue
            length = min((end - start + gap) / fit - gap, style.length_m[1])
            slack = (end - start - fit * length) / fit
            for number in range(fit):
                x = start + slack / 2 + number * (length + slack) + length / 2
                house = translate(_footprint(rng, length, style), x, y + rng.normal(0.0, 0.7))
                if not house.intersects(garden):
                    houses.append((house, max(levels + int(rng.integers(-1, 2)), 5)))
        if len(houses) > before:
            back = y + style.depth_m / 2 + 5.5
            paths.append(LineString([(west - 60.0, back), (east + 60.0, back)]))
        y += style.pitch_m * rng.uniform(0.97, 1.06)
    return houses, paths


def _free_runs(room: BaseGeometry, y: float, half: float) -> list[tuple[float, float]]:
    """Return from where to where a row of houses, so deep, may run at `y`."""
    west, _, east, _ = room.bounds
    band = shapely.box(west - 1.0, y - half, east + 1.0, y + half)
    runs = []
    for part in shapely.get_parts(band.intersection(room)):
        edges = [
            shapely.LineString([(west - 1.0, level), (east + 1.0, level)]).intersection(part).bounds
            for level in (y - half + 0.1, y + half - 0.1)
        ]
        if all(len(edge) == 4 and not np.isnan(edge[0]) for edge in edges):
            runs.append((max(edge[0] for edge in edges), min(edge[2] for edge in edges)))
    return [(start, end) for start, end in runs if end > start]


def _footprint(rng: np.random.Generator, length: float, style: Style) -> Polygon:
    half = style.depth_m / 2
    if style is TOWER:
        a, b = length / 2, half
        x = a * np.array([-1.0, -0.45, -0.45, 0.45, 0.45, 1.0, 1.0, 0.3, 0.3, -0.3, -0.3, -1.0])
        y = b * np.array([-0.5, -0.5, -1.0, -1.0, -0.5, -0.5, 0.65, 0.65, 1.0, 1.0, 0.65, 0.65])
        return Polygon(np.column_stack([x, y]))
    units = max(round(length / 16.0), 2)
    edges = np.linspace(-length / 2, length / 2, units + 1)
    jog = np.where(np.arange(units) % 2 == rng.integers(0, 2), 0.0, 1.4)
    south = [
        (x, -half + j)
        for left, right, j in zip(edges[:-1], edges[1:], jog, strict=True)
        for x in (left, right)
    ]
    north = [
        (x, half + j)
        for left, right, j in zip(edges[:-1], edges[1:], jog, strict=True)
        for x in (left, right)
    ]
    return Polygon(south + north[::-1])


def _gates(
    rng: np.random.Generator, ground: Polygon, public: BaseGeometry, near: Point | None
) -> list[Point]:
    wall = ground.exterior
    spots = shapely.line_interpolate_point(wall, np.arange(5.0, wall.length, 9.0))
    off = shapely.distance(spots, public)
    spots = spots[off < max(off.min() * 1.6, 18.0)]
    if near is not None:
        return [spots[np.argmin(shapely.distance(spots, near))]]
    first = spots[rng.integers(len(spots))]
    if rng.random() < 0.45:  # every second estate has but one gate
        return [first]
    return [first, spots[np.argmax(shapely.distance(spots, first) * rng.uniform(0.6, 1.0, len(spots)))]]


def _east_west_turn(ground: Polygon) -> float:
    corners = shapely.get_coordinates(shapely.oriented_envelope(ground))
    run = corners[1] - corners[0]
    angle = (np.degrees(np.arctan2(run[1], run[0])) + 45.0) % 90.0 - 45.0
    return float(np.clip(angle, -22.0, 22.0))


def _sway(rng: np.random.Generator, line: LineString) -> LineString:
    points = shapely.get_coordinates(line.segmentize(18.0))
    points[:, 0] += 2.5 * np.sin(points[:, 1] / 34.0 + rng.uniform(0.0, 6.0))
    return LineString(points)


def _blob(rng: np.random.Generator, centre: Point, radius: float) -> Polygon:
    angle = np.linspace(0.0, 2 * np.pi, 9)[:-1]
    reach = radius * rng.uniform(0.65, 1.25, len(angle))
    ring = np.column_stack([centre.x + reach * np.cos(angle), centre.y + reach * np.sin(angle)])
    return Polygon(smooth(ring, step_m=9.0, closed=True)).buffer(0)
