"""What is the old town like: crooked alleys, dead ends and small houses wall to wall?"""

import numpy as np
import shapely
from sample_drawing import HALF_WIDTH_M, Drawing, Feature
from sample_streets import subdivide
from shapely import Polygon
from shapely.ops import substring


def draw_old_town(drawing: Drawing, rng: np.random.Generator, block: Polygon) -> list[Polygon]:
    """Draw the old town into a block, and return its quarters, bounded by its wider lanes."""
    drawing.areas.append(Feature(block, {"landuse": "residential", "name": "示例老城"}))
    quarters, lanes = subdivide(rng, block, target_m2=1.1e5, bend=0.05, skew=0.1)
    for line, depth in lanes:
        kind, name = ("pedestrian", "示例老街") if depth == 0 else ("residential", "示例横街")
        drawing.street(line, kind, {"name": name})
    ways = [(line, "pedestrian" if depth == 0 else "residential") for line, depth in lanes]
    for quarter in quarters:
        cells, alleys = subdivide(rng, quarter, target_m2=2900.0, bend=0.07, skew=0.16)
        deepest = max(depth for _, depth in alleys)
        for line, depth in alleys:
            alley, kind = line, "living_street" if depth == 0 else "footway"
            if depth >= deepest - 1 and rng.random() < 0.4:  # a dead end
                start, end = (
                    (0.0, rng.uniform(0.45, 0.75)) if rng.random() < 0.5 else (rng.uniform(0.3, 0.5), 1.0)
                )
                alley = substring(line, start, end, normalized=True)
            ways.append((alley, kind))
            drawing.street(alley, kind)
        _houses(drawing, rng, cells, ways)
    return quarters


def _houses(
    drawing: Drawing,
    rng: np.random.Generator,
    cells: list[Polygon],
    ways: list[tuple[shapely.LineString, str]],
) -> None:
    half = np.array([HALF_WIDTH_M[kind] + 0.4 for _, kind in ways])
    taken = shapely.union_all(
        shapely.buffer(np.array([line for line, _ in ways], dtype=object), half, quad_segs=2)
    )
    for cell in cells:
        for core in shapely.get_parts(cell.buffer(-0.6).difference(taken)):
            lots, _ = subdivide(rng, core, target_m2=170.0, bend=0.0, skew=0.05)
            for lot in lots:
                house = lot.buffer(-0.5, join_style="mitre").simplify(0.6)
                deep = house.distance(cell.exterior) > 12.0  # courtyards stay open
                if house.geom_type == "Polygon" and house.area > 38.0 and not deep and rng.random() < 0.86:
                    kind = str(
                        rng.choice(
                            ["house", "house", "house", "yes", "retail"], p=[0.3, 0.25, 0.25, 0.15, 0.05]
                        )
                    )
                    drawing.building(house, kind, int(rng.integers(2, 4)))
