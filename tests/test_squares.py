"""Are squares crossed as people cross them? Distances are worked out by hand."""

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csgraph
from towns import CRS, Street, edges_of

from lifecircle.barriers import NO_BARRIERS, Barriers
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.squares import DETOUR, MOST_POINTS, RIM_M, with_crossings
from lifecircle.streets import Ways
from lifecircle.walkable import ACROSS, Trait

PLAZA = {"highway": "pedestrian", "area": "yes"}
WEST, EAST = Street([(-500, 0), (0, 0)]), Street([(100, 100), (600, 100)])
SQUARE = Street([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)], PLAZA)


def network(*streets: Street, barriers: Barriers = NO_BARRIERS) -> WalkNetwork:
    return WalkNetwork.from_edges(edges_of(*streets), barriers=barriers)


def metres(town: WalkNetwork, start: tuple[float, float], end: tuple[float, float]) -> float:
    return float(metres_to_nearest(town, town.snap(*start), town.doors(*end)).metres[0])


def across(town: WalkNetwork) -> Any:
    return town.lines[(town.traits & Trait.ACROSS) != 0]


def test_a_square_is_crossed_from_corner_to_corner() -> None:
    # 500 m of street on either side; round the square it would be 200 m between them
    assert metres(network(WEST, SQUARE, EAST), (-500, 0), (600, 100)) == pytest.approx(
        1000 + 100 * np.sqrt(2)
    )
    ring = SQUARE._replace(tags={"highway": "pedestrian"})
    assert metres(network(WEST, ring, EAST), (-500, 0), (600, 100)) == pytest.approx(1200)


def test_who_goes_round_a_corner_turns_at_it() -> None:
    # an L of three fields of 100 m: from the foot to the tip the way bends at (100, 100)
    outline = [(0, 0), (200, 0), (200, 100), (100, 100), (100, 200), (0, 200), (0, 0)]
    town = network(Street([(700, 0), (200, 0)]), Street(outline, PLAZA), Street([(0, 200), (-500, 200)]))

    walk = metres(town, (700, 0), (-500, 200))

    assert 1000 + 2 * 100 * np.sqrt(2) <= walk <= 1000 + DETOUR * 2 * 100 * np.sqrt(2)


def test_a_hole_is_walked_round() -> None:
    # a pond of 40 x 40 m in the middle of the square: by its corner (70, 30) it is 2 x hypot(70, 30)
    ways = Ways(
        vertex=[10, 0, 0, 1, 2, 3, 0, 4, 5, 6, 7, 4, 2, 11],
        xy=[
            *((-500, 0), (0, 0)),
            *((0, 0), (100, 0), (100, 100), (0, 100), (0, 0)),
            *((30, 30), (30, 70), (70, 70), (70, 30), (30, 30)),
            *((100, 100), (600, 100)),
        ],
        start=[0, 2, 7, 12, 14],
        tags=[{"highway": "residential"}, PLAZA, PLAZA, {"highway": "residential"}],
        square=[-1, 0, 0, -1],
    )
    town = WalkNetwork.from_ways(ways, crs=gpd.GeoSeries([], crs=CRS).crs)

    straight = 2 * np.hypot(70, 30)
    assert straight <= metres(town, (-500, 0), (600, 100)) - 1000 <= DETOUR * straight
    assert not shapely.intersects(across(town), shapely.box(31, 31, 69, 69)).any()


def test_nobody_walks_through_a_wall_on_a_square() -> None:
    wall = Barriers(
        np.array([shapely.LineString([(10, 90), (90, 10)])], dtype=object),
        np.zeros(0, dtype=object), np.zeros((0, 2)), np.array([True]),
    )  # fmt: skip
    town = network(WEST, SQUARE, EAST, barriers=wall)

    assert metres(town, (-500, 0), (600, 100)) == pytest.approx(1200)


def test_a_street_that_ends_amid_a_square_is_reached() -> None:
    # a path that ends at the fountain, 30 and 40 m from the corner, and does not meet the outline
    town = network(WEST, SQUARE, Street([(30, 40), (30, 55), (31, 400)]))

    assert metres(town, (-500, 0), (30, 40)) == pytest.approx(550)


def test_a_bridge_over_a_square_is_not() -> None:
    bridge = Street([(30, 40), (30, 400)], {"highway": "footway", "bridge": "yes"})
    way_down = Street([(30, 400), (-500, 400), (-500, 0)])

    assert metres(network(WEST, SQUARE, bridge, way_down), (-500, 0), (30, 40)) == pytest.approx(
        400 + 530 + 360
    )


def test_no_line_begins_at_a_gate_that_is_shut() -> None:
    # the corner at which the eastern street leaves is a locked gate: vertex 2
    ways = Ways(
        vertex=[10, 0, 0, 1, 2, 3, 0, 2, 11],
        xy=[(-500, 0), (0, 0), (0, 0), (100, 0), (100, 100), (0, 100), (0, 0), (100, 100), (600, 100)],
        start=[0, 2, 7, 9],
        tags=[{"highway": "residential"}, PLAZA, {"highway": "residential"}],
        gate=[1, 1, 1, 1, 0, 1, 1, 0, 1],
        square=[-1, 0, -1],
    )
    more = np.asarray(with_crossings(ways, NO_BARRIERS).vertex)[9:]

    assert more.tolist() == [1, 3]  # else 0 to 2 as well; all others are sides


def test_lines_across_a_private_square_are_its_residents() -> None:
    town = network(WEST, SQUARE._replace(tags={**PLAZA, "access": "private"}), EAST)

    assert town.private[(town.traits & Trait.ACROSS) != 0].all()


def test_what_nobody_draws_makes_no_island_a_district() -> None:
    # 400 m of outline and far more of lines across, and no street
    spikes = [(x, y) for x in range(0, 100, 10) for y in (0,)] + [(100, 0), (100, 100), (0, 100), (0, 0)]
    town = network(Street([(500, 500), (3000, 500)]), SQUARE._replace(xy=spikes))

    assert len(across(town)) > 0
    assert town.island[town.street_from != town.street_from[0]].any()
    assert town.to_streets()["across"].sum() == len(across(town))


def test_a_ring_that_crosses_itself_is_left_as_it_is() -> None:
    bow = Street([(0, 0), (100, 100), (100, 0), (0, 100), (0, 0)], PLAZA)

    assert len(across(network(WEST, bow, EAST))) == 0


def test_squares_heaped_upon_one_another_are_crossed_while_there_is_room() -> None:
    # 300 squares on one spot with 200 ends of streets: more than 5 million pairs of points
    count, ends = 300, 200
    rng = np.random.default_rng(1)
    corners = rng.uniform(-2, 0, (count, 1, 2)) + np.array([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    streets = rng.uniform(10, 90, (ends, 2, 2))
    ring = (4 * np.arange(count)[:, None] + [0, 1, 2, 3, 0]).ravel()
    ways = Ways(
        vertex=np.append(ring, 4 * count + np.arange(2 * ends)),
        xy=np.concatenate([corners.reshape(-1, 2), streets.reshape(-1, 2)]),
        start=np.append(5 * np.arange(count), 5 * count + 2 * np.arange(ends + 1)),
        tags=[{**PLAZA, "name": str(number)} for number in range(count)] + [{"highway": "path"}] * ends,
        square=np.append(np.arange(count), np.full(ends, -1)),
    )

    found = with_crossings(ways, NO_BARRIERS)

    crossed = {tags["name"] for tags in found.tags[count + ends :]}
    assert 3 <= len(crossed) <= 20


@cases(25)
@given(st.integers(3, 100), st.integers(0, 2**31))
def test_points_that_see_one_another_are_walked_to_straight(corners: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners)) + 1e-3 * np.arange(corners)
    xy = np.column_stack([np.cos(turn), np.sin(turn)]) * rng.uniform(20, 120, (corners, 1))
    ring = [*range(corners), 0]
    ways = Ways(ring, xy[ring], [0, corners + 1], [PLAZA], square=[0])
    found = with_crossings(ways, NO_BARRIERS)
    area = shapely.Polygon(xy)
    if not area.is_valid:
        assert len(found.tags) == 1
        return
    ends = np.asarray(found.vertex)[corners + 1 :].reshape(-1, 2)
    assert all(tags[ACROSS] for tags in found.tags[1:])
    assert len(np.unique(ends)) <= MOST_POINTS
    lines = shapely.linestrings(xy[ends])
    assert shapely.covers(area.buffer(RIM_M + 0.01), lines).all()
    far = np.zeros((corners, corners))
    for one, other in (*itertools.pairwise(ring), *ends):
        far[one, other] = np.hypot(*(xy[one] - xy[other]))
    walked = csgraph.shortest_path(far, directed=False)
    met = np.unique(ends)
    for one in met:
        for other in met[met > one]:
            line = shapely.LineString(xy[[one, other]])
            if area.covers(line):
                assert walked[one, other] <= DETOUR * line.length + 1e-6
