"""A town small enough to walk through in one's head, and random towns for properties.

The toy town, in metres from a corner of EPSG:32650 (c = communities, X = homes, K, C, S = facilities)::

    300 +---------------------------+
        |              d            |                                 Gate Lane
    200 |                           |  i====estate path, private=====+ (1900, 200), the only gate
        |        c-north            |             c-estate           |
        |                           |                                j
      0 +--K----a----------bc-------C--------------------------------+ (1900, 0)   Main Street
        |                           |
        | the bridge, x = 0         |
     ~~~|~~~~~~~~~~~~~~ river ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
        |
   -300 S----f--------e--------------------h---------------g------------#------- South Street
                               c-south              the data ends at x = 2000
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyproj
import shapely

from lifecircle.city import City
from lifecircle.costs import Relief
from lifecircle.network import WalkNetwork
from lifecircle.standard import Limit, Service, Standard

CRS = pyproj.CRS.from_epsg(32650)
CORNER = (500_000.0, 3_150_000.0)


def limits(unit: str, *values: float) -> tuple[Limit, ...]:
    return tuple(Limit(float(value), unit, "toy", "M") for value in values)


def _service(service_id: str, pace_mps: float) -> Service:
    name = {"zh": service_id, "en": service_id}
    return Service(service_id, name, pace_mps, "toy", "M", limits("min", 10, 15))


# Metres a minute: 54, 48 and 72. In 10 minutes: 540, 480, 720 m. In 15 minutes: 810, 720, 1080 m.
STANDARD = Standard(
    id="toy",
    name={"zh": "玩具", "en": "Toy"},
    services=(_service("kindergarten", 0.9), _service("elderly_care", 0.8), _service("clinic", 1.2)),
)
# Some met in minutes and some in metres, and not all by as many limits.
MIXED = Standard(
    id="mixed",
    name={"zh": "混合", "en": "Mixed"},
    services=(
        dataclasses.replace(STANDARD.services[0], limits=limits("m", 500, 810)),
        dataclasses.replace(STANDARD.services[1], limits=limits("min", 10)),  # 480 m
        dataclasses.replace(STANDARD.services[2], limits=limits("min", 5, 10, 15)),  # 360, 720, 1080 m
    ),
)
INF, NAN = np.inf, np.nan

STREETS = (
    ("Main Street", [(0, 0), (1900, 0)], ""),
    ("Bridge", [(0, 0), (0, -300)], ""),
    ("South Street", [(0, -300), (2200, -300)], ""),
    ("Gate Lane", [(1900, 0), (1900, 200)], ""),
    ("Estate path", [(1300, 200), (1900, 200)], "private"),
)
DATA_AREA = (-300, -500, 2000, 500)
COMMUNITIES = (
    ("c-north", "North Bank", (0, -150, 1200, 300)),  # 1200 x 450 = 540,000 m2
    ("c-south", "South Bank", (0, -460, 2000, -260)),  # 2000 x 200 = 400,000 m2
    ("c-estate", "The Estate", (1200, -150, 2000, 450)),  # 800 x 600 = 480,000 m2
)
FACILITIES = (
    ("K", "Old Kindergarten", "kindergarten", (100, 0)),
    ("C", "Main Clinic", "clinic", (1100, 20)),  # its door is 20 m off Main Street
    ("S", "South Surgery", "clinic", (0, -300)),
)  # and nowhere any elderly care
HOMES = (
    ("a", "c-north", (300, 30), 100),
    ("b", "c-north", (910, 0), 50),  # exactly 810 m from the kindergarten
    ("c", "c-north", (910.001, 0), 7),  # a millimetre more
    ("d", "c-north", (600, 280), 20),  # 280 m from any street: off the network
    ("e", "c-south", (700, -300), 80),
    ("f", "c-south", (200, -300), 40),
    ("g", "c-south", (1700, -300), 60),  # 300 m from where the data ends
    ("h", "c-south", (1300, -300), 30),  # 700 m from there
    ("i", "c-estate", (1300, 200), 200),  # at the end of the estate path away from the gate
    ("j", "c-estate", (1900, 100), 70),
)


def points(pairs: Sequence[tuple[float, float]], corner: tuple[float, float] = CORNER) -> Any:
    """Return points given in metres from the corner."""
    xy = np.array(pairs, dtype=np.float64).reshape(-1, 2) + corner
    return shapely.points(xy)


def layer(geometry: Any, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def boxes(bounds: Sequence[tuple[float, ...]], corner: tuple[float, float] = CORNER) -> Any:
    """Return rectangles given in metres from the corner."""
    return shapely.box(*(np.array(bounds, dtype=np.float64).reshape(-1, 4) + np.tile(corner, 2)).T)


def streets(
    rows: Sequence[tuple[str, Sequence[tuple[float, float]], str]],
    area: tuple[float, ...] | None = None,
    corner: tuple[float, float] = CORNER,
) -> WalkNetwork:
    """Return a network of named lines; the last of each row is its ``access`` tag."""
    lines = [shapely.LineString(np.array(line, dtype=np.float64) + corner) for _, line, _ in rows]
    frame = layer(lines, highway="residential", access=[access or None for *_, access in rows])
    return WalkNetwork.from_edges(frame, boundary=None if area is None else boxes([area], corner)[0])


def toy_town(**other: Any) -> City:
    """Return the toy town, with other fields where wanted. Its homes are indexed by their letters."""
    fields: dict[str, Any] = {
        "name": {"zh": "玩具镇", "en": "Toy Town"},
        "crs": CRS,
        "network": streets(STREETS, DATA_AREA),
        "communities": layer(
            boxes([bounds for *_, bounds in COMMUNITIES]),
            community_id=[row[0] for row in COMMUNITIES],
            community=[row[1] for row in COMMUNITIES],
            population=NAN,
        ),
        "facilities": toy_facilities(FACILITIES),
        "homes": toy_homes(HOMES),
        "measure": "residents",
        "boundary": boxes([DATA_AREA])[0],
    }
    return City(**(fields | other))


def toy_facilities(rows: Sequence[tuple[str, str, str, tuple[float, float]]]) -> gpd.GeoDataFrame:
    return layer(
        points([row[3] for row in rows]),
        facility_id=[row[0] for row in rows],
        name=[row[1] for row in rows],
        service=[row[2] for row in rows],
        source="toy",
    )


def toy_homes(rows: Sequence[tuple[str, str, tuple[float, float], float]]) -> gpd.GeoDataFrame:
    homes = layer(
        points([row[2] for row in rows]),
        community_id=[row[1] for row in rows],
        kind="list",
        floor_m2=NAN,
        residents=[float(row[3]) for row in rows],
        home_places=1.0,
    )
    return homes.set_index(pd.Index([row[0] for row in rows], name="home"))


# ---------------------------------------------------------------------- random towns


class Draft(NamedTuple):
    """A random town before it is built, so that a test can change one thing of it."""

    streets: tuple[tuple[str, list[tuple[int, int]], str], ...]
    communities: tuple[tuple[int, int, int, int], ...]
    homes: tuple[tuple[int, int, int], ...]  # x, y, residents; inside some community
    facilities: tuple[tuple[int, int, str], ...]
    area: tuple[int, int, int, int] | None


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Draw a town of streets on a 150 m lattice: some private, some missing, perhaps an edge of the data.

    Coordinates are whole metres and streets follow the axes, so that lengths are exact and no tie hangs on
    the last digit of a float.
    """
    lattice = [(x, y) for x in range(0, 601, 150) for y in range(0, 451, 150)]
    all_streets = [((x, y), (x + 150, y)) for x, y in lattice if x < 600]
    all_streets += [((x, y), (x, y + 150)) for x, y in lattice if y < 450]
    access = draw(
        st.lists(
            st.sampled_from(["", "", "private", "closed", "closed"]),
            min_size=len(all_streets),
            max_size=len(all_streets),
        )
    )
    kept = [
        (f"{a}", [a, b], who) for (a, b), who in zip(all_streets, access, strict=True) if who != "closed"
    ] or [("only", [(0, 0), (150, 0)], "")]
    # three strips side by side; sometimes a fourth community that overlaps them
    cuts = (-100, draw(st.integers(50, 250)), draw(st.integers(300, 550)), 950)
    communities = [(cuts[i], -100, cuts[i + 1], 550) for i in range(3)]
    if draw(st.booleans()):
        x, y = draw(st.integers(-80, 400)), draw(st.integers(-80, 300))
        communities.append((x, y, x + 203, y + 151))
    coordinate = (st.integers(-90, 940), st.integers(-90, 540))  # in the far east lies no street
    homes = draw(st.lists(st.tuples(*coordinate, st.integers(0, 300)), min_size=1, max_size=14))
    service = st.sampled_from([service.id for service in STANDARD.services])
    facilities = draw(st.lists(st.tuples(*coordinate, service), max_size=5))
    area = draw(st.sampled_from([None, (-200, -200, 980, 700), (-200, -200, 431, 700), (77, 40, 980, 377)]))
    return Draft(tuple(kept), tuple(communities), tuple(homes), tuple(facilities), area)


def build(draft: Draft, corner: tuple[float, float] = CORNER) -> City:
    """Return the city of a draft; every home lies in the smallest community around it."""
    shapes = boxes(draft.communities, corner)
    ids = np.array([f"c{row}" for row in range(len(shapes))])
    places = points([(x, y) for x, y, _ in draft.homes], corner)
    around = np.where(shapely.intersects(shapes[:, None], places), shapely.area(shapes)[:, None], np.inf)
    return City(
        name={"zh": "随机", "en": "Random"},
        crs=CRS,
        network=streets(draft.streets, draft.area, corner),
        communities=layer(shapes, community_id=ids, community=ids, population=NAN),
        facilities=layer(
            points([(x, y) for x, y, _ in draft.facilities], corner),
            facility_id=[f"f{row}" for row in range(len(draft.facilities))],
            name=[f"Facility {row}" for row in range(len(draft.facilities))],
            service=np.array([service for *_, service in draft.facilities], dtype=object),
            source="random",
        ),
        homes=layer(
            places,
            community_id=ids[around.argmin(axis=0)],
            kind="list",
            floor_m2=NAN,
            residents=[float(residents) for *_, residents in draft.homes],
            home_places=1.0,
        ),
        measure="residents",
        boundary=None if draft.area is None else boxes([draft.area], corner)[0],
    )


def hilly(city: City, seed: int) -> City:
    """Return the city with every street steep in its own way, and some closed in one direction."""
    rng, count = np.random.default_rng(seed), len(city.network.street_m)
    relief = Relief(rng.uniform(0.8, 3.0, count), rng.uniform(0.8, 3.0, count), np.zeros(count))
    along = np.where(rng.random(count) < 0.1, np.inf, 1.0)
    network = dataclasses.replace(city.network, along=along)
    return dataclasses.replace(city, network=network, relief=relief)
