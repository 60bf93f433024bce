"""Where are the kindergartens, elderly care and clinics, and which of them does OpenStreetMap know?"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sample_drawing import HALF_WIDTH_M, Drawing, Feature, Floats
from sample_writer import ORIGIN, to_lonlat
from shapely import Point
from shapely.affinity import translate


@dataclass(frozen=True)
class Spot:
    """A place beside a public street where a facility or a shop may open."""

    place: Point
    street: str
    community: int


@dataclass(frozen=True)
class Plan:
    """How a service is spread: its kinds, the share of each district's communities that have it, its tags."""

    kinds: tuple[str, ...]
    shares: dict[str, float]
    second_from: float
    osm: tuple[dict[str, str], ...]


_SENIOR = {"amenity": "social_facility", "social_facility:for": "senior"}
PLANS = (
    Plan(
        ("幼儿园",), {"城": 0.95, "江南": 0.25, "坡上": 1.0, "溪东": 0.5, "溪源": 1.0}, 4900.0,
        ({"amenity": "kindergarten"},),
    ),
    Plan(
        ("居家养老服务中心", "居家养老服务中心", "日间照料中心", "养老院"),
        {"城": 0.75, "滩头": 1.0, "云坪": 1.0}, 5500.0,
        ({**_SENIOR, "social_facility": "day_care"}, {**_SENIOR, "social_facility": "nursing_home"}),
    ),
    Plan(
        ("社区卫生服务站", "社区卫生服务站", "社区卫生服务站", "社区卫生服务中心"),
        {"城": 0.75, "江南": 0.25, "溪东": 0.5, "坡上": 1.0, "东岸": 1.0}, 9999.0,
        ({"amenity": "clinic"}, {"amenity": "clinic", "healthcare": "clinic"}),
    ),
)  # fmt: skip
_IN_OSM_EVERY = 3
"""OpenStreetMap knows every third facility of the list."""
_SHOPS = ({"shop": "convenience"}, {"shop": "convenience"}, {"shop": "supermarket"}, {"shop": "bakery"},
          {"shop": "clothes"}, {"shop": "greengrocer"}, {"amenity": "restaurant"}, {"amenity": "restaurant"},
          {"amenity": "pharmacy", "dispensing": "yes"}, {"amenity": "bank"}, {"amenity": "cafe"},
          {"amenity": "doctors"}, {"highway": "bus_stop"}, {"amenity": "toilets"})  # fmt: skip
_APART_M = 420.0
_QUAY = Point(3480, 2760)
"""On the north bank, far from both bridges: near the south bank for a bird, not for a walker."""


def list_facilities(
    rng: np.random.Generator, drawing: Drawing, communities: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the official list, and draw into the city those that OpenStreetMap has, and shops."""
    local = [translate(shape, -ORIGIN[0], -ORIGIN[1]) for shape in communities.geometry]
    spots = _spots(rng, drawing, local)
    rows: list[dict[str, object]] = []
    by_quay = np.argsort(shapely.distance([spot.place for spot in spots], _QUAY))
    for order, plan in enumerate(PLANS):
        chosen = [spots[by_quay[3 * order]]]
        for number in _served(rng, plan, communities):
            chosen.append(_farthest(rng, [spot for spot in spots if spot.community == number], chosen))
        for number, spot in enumerate(chosen):
            kind = plan.kinds[number % len(plan.kinds)]
            community = communities.iloc[spot.community]
            name = f"示例{kind}{number + 1:02d}"
            address = f"{community['街道']}{spot.street}{int(rng.integers(1, 300))}号"
            rows.append({"编号": f"F{len(rows) + 1:03d}", "名称": name, "类别": kind, "地址": address,
                         "社区": community["名称"], "x": spot.place.x, "y": spot.place.y})  # fmt: skip
            if number % _IN_OSM_EVERY == 1:
                tags = plan.osm[int(rng.integers(len(plan.osm)))]
                place = translate(spot.place, *rng.normal(0.0, 3.0, 2))
                drawing.places.append(Feature(place, {**tags, "name": name}))
    for spot in rng.choice(np.array(spots, dtype=object), 320, replace=False):
        drawing.places.append(
            Feature(translate(spot.place, *rng.normal(0.0, 1.0, 2)), dict(rng.choice(_SHOPS)))
        )
    table = pd.DataFrame(rows)
    lonlat = to_lonlat(table[["x", "y"]].to_numpy()).round(6)
    table["经度"], table["纬度"] = lonlat.T
    return table[["编号", "名称", "类别", "经度", "纬度", "地址", "社区"]]


def _spots(rng: np.random.Generator, drawing: Drawing, communities: list[shapely.Polygon]) -> list[Spot]:
    ways = [
        way
        for way in drawing.public_streets()
        if way.tags["highway"] not in {"path", "steps", "track"} and way.geometry.length > 40.0
    ]
    places: list[Floats] = []
    street: list[str] = []
    for way in ways:
        at = np.arange(20.0, way.geometry.length - 15.0, 22.0)
        here = shapely.get_coordinates(shapely.line_interpolate_point(way.geometry, at))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(way.geometry, at + 1.0)) - here
        side = np.column_stack([-ahead[:, 1], ahead[:, 0]]) * rng.choice([-1.0, 1.0], len(at))[:, None]
        places.append(here + side * (HALF_WIDTH_M[way.tags["highway"]] + 2.5))
        street += [way.tags.get("name", "示例支路")] * len(at)
    points = shapely.points(np.vstack(places))
    houses = shapely.STRtree([house.geometry for house in drawing.buildings])
    free = np.ones(len(points), dtype=bool)
    free[houses.query(points, predicate="dwithin", distance=1.5)[0]] = False
    free &= _nearest_m(points, drawing, private=True) > _nearest_m(points, drawing, private=False) + 2.0
    at, community = shapely.STRtree(communities).query(points, predicate="within")
    return [Spot(points[n], street[n], int(c)) for n, c in zip(at, community, strict=True) if free[n]]


def _nearest_m(points: NDArray[np.object_], drawing: Drawing, *, private: bool) -> Floats:
    ways = shapely.STRtree([way.geometry for way in drawing.streets if ("access" in way.tags) == private])
    return ways.query_nearest(points, return_distance=True, all_matches=False)[1]


def _served(rng: np.random.Generator, plan: Plan, communities: gpd.GeoDataFrame) -> list[int]:
    """Return the communities that get a facility, twice those that get two."""
    word = communities["名称"].str.split("·").str[1]
    served: list[int] = []
    for district, share in plan.shares.items():
        there = np.flatnonzero(word.str.contains(district))
        served += sorted(int(n) for n in rng.choice(there, round(share * len(there)), replace=False))
    return served + [n for n in served if communities["人口"].iloc[n] > plan.second_from]


def _farthest(rng: np.random.Generator, spots: list[Spot], others: list[Spot]) -> Spot:
    """Return, of a dozen random spots, one that is far enough from its like, or else the farthest."""
    lot = [spots[n] for n in rng.choice(len(spots), min(12, len(spots)), replace=False)]
    near = shapely.distance(
        np.array([[spot.place] for spot in lot]), np.array([[spot.place for spot in others]])
    ).min(axis=1)
    return lot[int(np.argmax(np.minimum(near, _APART_M)))]
