"""Which committee looks after which blocks, and how many people live there?"""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sample_drawing import Drawing, largest
from sample_writer import CRS, ORIGIN
from shapely import Polygon
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize

RESIDENTS = 120_000
_FEWEST, _MOST = 3000.0, 6000.0

HILLSIDE = "坡上"


def people_of(drawing: Drawing) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of all dwellings and the floor of each in square metres."""
    homes = [
        house for house in drawing.buildings
        if house.tags["building"] in {"house", "apartments"}
        or (house.tags["building"] == "yes" and house.geometry.area < 400.0)  # larger ones are halls
    ]  # fmt: skip
    points = shapely.centroid([home.geometry for home in homes])
    floor = np.array([home.geometry.area * float(home.tags["building:levels"]) for home in homes])
    return points, floor


def group_parcels(parcels: Sequence[Polygon], people: np.ndarray) -> list[tuple[Polygon, float]]:
    """Merge parcels with their neighbours until each group is of the size of a community."""
    shapes: list[BaseGeometry | None] = list(parcels)
    count = people.astype(float).copy()
    tree = shapely.STRtree(parcels)
    beside: list[set[int]] = [set() for _ in parcels]
    for one, other in zip(*tree.query(parcels, predicate="intersects"), strict=True):
        if one != other and shapely.length(shapely.intersection(parcels[one], parcels[other])) > 40.0:
            beside[one].add(int(other))
    stuck: set[int] = set()
    while True:
        small = [
            n for n, shape in enumerate(shapes) if shape is not None and count[n] < _FEWEST and n not in stuck
        ]
        if not small:
            break
        one = min(small, key=lambda n: (count[n], n))
        limit = _MOST if count[one] > 800.0 else 1.3 * _MOST  # parks and fields go to somebody
        options = {}
        for other in sorted(beside[one]):
            if count[one] + count[other] <= limit:
                both = shapely.union(shapes[one], shapes[other])
                round_ = 4 * np.pi * both.area / both.length**2
                options[other] = round_ - 0.05 * (count[other] + count[one]) / _MOST
        if not options:
            stuck.add(one)
            continue
        other = max(options, key=lambda n: (options[n], -n))
        shapes[other] = shapely.union(shapes[one], shapes[other])
        count[other] += count[one]
        shapes[one] = None
        for neighbour in beside[one]:
            beside[neighbour].discard(one)
            if neighbour != other:
                beside[neighbour].add(other)
                beside[other].add(neighbour)
        stuck.discard(other)
    return [(largest(shape), float(n)) for shape, n in zip(shapes, count, strict=True) if shape is not None]


def make_communities(
    rng: np.random.Generator,
    drawing: Drawing,
    parcels: Sequence[Polygon],
    outskirts: Sequence[tuple[str, Polygon]],
) -> gpd.GeoDataFrame:
    """Return the communities: town parcels grouped, then the places round it (name and ground)."""
    points, floor = people_of(drawing)
    share = floor / floor.sum() * RESIDENTS
    town = group_parcels(parcels, _count(parcels, points, share))
    town.sort(key=lambda group: (-round(group[0].centroid.y / 700.0), group[0].centroid.x))
    rows = [(_district(shape), False) for shape, _ in town] + [
        (name, name != HILLSIDE) for name, _ in outskirts
    ]
    shapes = _tiles([*(shape for shape, _ in town), *(ground for _, ground in outskirts)])
    people = _count(shapes, points, share) * rng.uniform(0.93, 1.07, len(shapes))
    names, subdistricts, seen = [], [], dict[str, int]()
    for number, (word, village) in enumerate(rows, start=1):
        seen[word] = seen.get(word, 0) + 1
        if village:
            names.append(f"示例村{number:02d}·{word}")
            subdistricts.append("示例镇")
            continue
        quarter = "" if word == HILLSIDE else "一二三四五六七八九十"[seen[word] - 1] + "区"
        names.append(f"示例社区{number:02d}·{word}{quarter}")
        subdistricts.append(f"示例街道·{'城北' if word == HILLSIDE else word}")
    return gpd.GeoDataFrame(
        {
            "社区编号": [f"SAMPLE{number:03d}" for number in range(1, len(rows) + 1)],
            "名称": names,
            "街道": subdistricts,
            "人口": np.round(people).astype(int),
        },
        geometry=[translate(shape, *ORIGIN) for shape in shapes],
        crs=CRS,
    )


def _tiles(shapes: Sequence[Polygon]) -> list[Polygon]:
    """Return the shapes with every border shared exactly.

    Where two overlap the first keeps the ground; a hole between them goes to the nearest.
    """
    borders = shapely.union_all([shape.exterior for shape in shapes], grid_size=0.01)
    faces = np.array(list(polygonize(borders)), dtype=object)
    tree = shapely.STRtree(shapes)
    inside = shapely.point_on_surface(faces)
    owner = tree.nearest(inside)
    face, within = tree.query(inside, predicate="within")
    np.minimum.at(owner, face, within)
    return [largest(shapely.union_all(faces[owner == n], grid_size=0.01)) for n in range(len(shapes))]


def _count(shapes: Sequence[Polygon], points: np.ndarray, people: np.ndarray) -> np.ndarray:
    shape, point = shapely.STRtree(points).query(shapes, predicate="contains")
    return (
        pd.Series(people[point]).groupby(shape).sum().reindex(range(len(shapes)), fill_value=0.0).to_numpy()
    )


def _district(shape: Polygon) -> str:
    x, y = shape.centroid.coords[0]
    if y < 2330:
        return "江南"
    if x > 6720:
        return "溪东"
    if x < 2500:
        return "城西"
    if y > 4050:
        return "城北"
    return "城中" if x < 4350 else "城东"
