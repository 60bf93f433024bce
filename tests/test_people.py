"""Are people where they live, each in one community, and does sharing them out lose nobody?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from toy_town import CORNER, NAN, boxes, layer, points, streets

from lifecircle.people import People, community_of, place_people, quality_frame

STREETS = streets([("", [(0, 25), (1000, 25)], ""), ("", [(0, 25), (0, 900)], "")])
LEFT, RIGHT = (0, 0, 500, 500), (500, 0, 1000, 500)


def communities(*rows: tuple[str, tuple[float, ...], float]) -> gpd.GeoDataFrame:
    return layer(
        boxes([row[1] for row in rows]),
        community_id=[row[0] for row in rows],
        community=[row[0].title() for row in rows],
        population=np.array([row[2] for row in rows], dtype=np.float64),
    )


def buildings(*rows: tuple[float, float, float]) -> gpd.GeoDataFrame:
    return layer(
        points([row[:2] for row in rows]), floor_m2=np.array([row[2] for row in rows], dtype=np.float64)
    )


def listed(*rows: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    places = buildings(*[(x, y, floor) for x, y, _, floor in rows])
    return places.assign(residents=[row[2] for row in rows])


def residents(people: People) -> list[float]:
    values: list[float] = people.homes["residents"].to_list()
    return values


def placed(people: People) -> list[list[float]]:
    """Return where the homes are, metres from the corner."""
    at: list[list[float]] = (shapely.get_coordinates(people.homes.geometry.to_numpy()) - CORNER).tolist()
    return at


def test_population_is_shared_out_by_floor_area() -> None:
    people = place_people(
        communities(("left", LEFT, 1000), ("right", RIGHT, 70)),
        STREETS,
        buildings((100, 100, 300), (200, 100, 100), (600, 100, 55)),
    )
    assert residents(people) == pytest.approx([750, 250, 70])
    assert people.measure == "residents"
    assert people.homes["community_id"].to_list() == ["left", "left", "right"]
    assert people.homes["kind"].to_list() == ["building"] * 3
    assert people.homes["floor_m2"].to_list() == [300, 100, 55]
    assert people.homes["home_places"].to_list() == [1.0] * 3
    assert people.homes.crs == STREETS.crs


@pytest.mark.parametrize("missing", [NAN, 0.0])
def test_population_is_shared_evenly_where_a_floor_area_is_missing(missing: float) -> None:
    people = place_people(
        communities(("left", LEFT, 90), ("right", RIGHT, 100)),
        STREETS,
        buildings((100, 100, 300), (200, 100, missing), (300, 100, 10), (600, 100, 30), (700, 100, 10)),
    )
    assert residents(people) == pytest.approx([30, 30, 30, 75, 25])


def test_without_populations_homes_count_their_floor_area() -> None:
    people = place_people(
        communities(("left", LEFT, 90), ("right", RIGHT, NAN)),
        STREETS,
        buildings((100, 100, 300), (600, 100, 30)),
    )
    assert people.measure == "floor_m2"
    assert people.quality["city.communities_without_population"] == 1


def test_without_populations_and_floor_areas_each_home_counts_one() -> None:
    people = place_people(
        communities(("left", LEFT, NAN), ("right", RIGHT, NAN)), STREETS, buildings((100, 100, 300))
    )
    assert people.measure == "home_places"  # the right community has a grid, which has no floor area


def test_community_without_buildings_gets_a_grid_along_its_streets() -> None:
    people = place_people(
        communities(("left", LEFT, 200), ("right", RIGHT, 30)), STREETS, buildings((100, 100, 300))
    )
    grid = people.homes["kind"] == "grid"
    assert grid.sum() == people.quality["city.homes_grid"] == 10
    # the street y = 25 crosses the cells from x = 500 to 1000; its last vertex only touches the cell at 1000
    assert placed(people)[1:] == [[x, 25] for x in range(525, 1000, 50)]
    assert residents(people) == pytest.approx([200, *[3.0] * 10])
    assert people.homes["community_id"].to_list() == ["left", *["right"] * 10]
    assert people.homes["floor_m2"][grid].isna().all()


def test_island_streets_carry_no_grid() -> None:
    island = streets(
        [("", [(0, 25), (1000, 25)], ""), ("", [(100, 425), (400, 425)], "")]  # 300 m, not connected
    )
    people = place_people(communities(("left", LEFT, 10)), island, buildings())
    assert {y for _, y in placed(people)} == {25}


def test_narrow_community_with_a_street_gets_one_point() -> None:
    narrow = communities(("beside", (110, 5, 140, 22), 12), ("across", (210, 10, 220, 30), 5))
    people = place_people(narrow, STREETS, buildings())
    assert dict(zip(people.homes["community_id"], people.homes["kind"], strict=True)) == {
        "beside": "none",
        "across": "grid",
    }
    assert sorted(residents(people)) == [5, 12]


def test_community_without_homes_and_streets_is_one_home_of_kind_none() -> None:
    people = place_people(
        communities(("left", LEFT, 10), ("hill", (600, 600, 900, 900), 400)), STREETS, buildings((10, 10, 9))
    )
    assert people.homes["kind"].to_list() == ["building", "none"]
    assert residents(people) == pytest.approx([10, 400])
    assert people.quality["city.communities_without_homes"] == 1
    assert shapely.within(people.homes.geometry.iloc[1], boxes([(600, 600, 900, 900)])[0])


def test_listed_homes_go_before_buildings_and_before_populations() -> None:
    people = place_people(
        communities(("left", LEFT, 1000), ("right", RIGHT, 70)),
        STREETS,
        buildings((100, 100, 300)),
        listed=listed((50, 50, 12, NAN), (600, 50, 30, NAN), (700, 50, 0, NAN)),
    )
    assert people.homes["kind"].to_list() == ["list"] * 3
    assert residents(people) == [12, 30, 0]
    assert people.measure == "residents"


def test_community_that_the_list_leaves_out_keeps_its_population() -> None:
    people = place_people(
        communities(("left", LEFT, 1000), ("hill", (600, 600, 900, 900), 400)),
        STREETS,
        buildings(),
        listed=listed((50, 50, 12, NAN)),
    )
    assert residents(people) == [12, 400]
    assert people.homes["kind"].to_list() == ["list", "none"]


def test_list_with_a_blank_falls_back_to_populations_and_says_so() -> None:
    people = place_people(
        communities(("left", LEFT, 1000)),
        STREETS,
        buildings(),
        listed=listed((50, 50, 12, 30), (60, 50, NAN, 10)),
    )
    assert residents(people) == pytest.approx([750, 250])
    assert people.quality["city.homes_without_residents"] == 1


def test_list_without_residents_counts_floor_area() -> None:
    people = place_people(
        communities(("left", LEFT, NAN)),
        STREETS,
        buildings(),
        listed=listed((50, 50, NAN, 30), (60, 50, NAN, 10)),
    )
    assert people.measure == "floor_m2"
    assert people.homes["floor_m2"].to_list() == [30, 10]


def test_homes_outside_every_community_are_counted_and_left_out() -> None:
    people = place_people(
        communities(("left", LEFT, 10)), STREETS, buildings((100, 100, 1), (2000, 0, 1), (0, -1, 1))
    )
    assert len(people.homes) == 1
    assert people.quality["city.homes_outside"] == 2


def test_overlap_is_measured_and_the_smallest_community_wins() -> None:
    overlapping = communities(("big", (0, 0, 1000, 500), 50), ("small", (400, 0, 600, 100), 8))
    people = place_people(overlapping, STREETS, buildings((100, 100, 1), (500, 50, 1), (500, 150, 1)))
    assert people.homes["community_id"].to_list() == ["big", "small", "big"]
    assert residents(people) == [25, 8, 25]
    assert people.quality["city.communities_overlap"] == 200 * 100


def test_home_on_the_border_of_two_equal_communities_has_the_same_one_in_any_order_of_rows() -> None:
    rows = ("left", LEFT, NAN), ("right", RIGHT, NAN)
    for layers in (communities(*rows), communities(*rows[::-1])):
        people = place_people(layers, STREETS, buildings((500, 100, 1)))
        assert people.homes["community_id"].iloc[0] == "left"


def test_quality_frame_is_rows_of_the_data_quality_table() -> None:
    frame = quality_frame({"city.homes_grid": 3, "city.homes_outside": 0}, "where")
    assert frame.to_dict("list") == {
        "item": ["city.homes_grid", "city.homes_outside"],
        "count": [3, 0],
        "detail": ["where", "where"],
    }


# ---------------------------------------------------------------------- whatever is drawn

corner = st.integers(-100, 1000)
box = st.tuples(corner, corner, st.integers(1, 700), st.integers(1, 700)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
floor_areas = st.one_of(st.floats(0.01, 1e6), st.sampled_from([0.0, NAN]))


@cases(60)
@given(
    st.lists(st.tuples(box, st.integers(0, 10**7)), min_size=1, max_size=6),
    st.lists(st.tuples(corner, corner, floor_areas), max_size=25),
)
def test_every_home_has_one_community_and_nobody_is_lost(
    rows: list[tuple[tuple[int, ...], int]], places: list[tuple[float, float, float]]
) -> None:
    layers = communities(*[(f"c{i}", bounds, people) for i, (bounds, people) in enumerate(rows)])
    people = place_people(layers, STREETS, buildings(*places))
    homes = people.homes
    inside = [
        shapely.intersects(layers.geometry.to_numpy(), place).any()
        for place in points([p[:2] for p in places])
    ]
    assert (homes["kind"] == "building").sum() == sum(inside)
    assert people.quality["city.homes_outside"] == len(places) - sum(inside)
    shape = layers.set_index("community_id").geometry
    assert shapely.intersects(homes.geometry.to_numpy(), shape[homes["community_id"]].to_numpy()).all()
    assert set(homes["community_id"]) == set(
        layers["community_id"]
    )  # a community without any home has a stand-in
    counted = homes.groupby("community_id")["residents"].sum()
    np.testing.assert_allclose(counted[layers["community_id"]], layers["population"], rtol=1e-9)
    assert (homes["residents"] >= 0).all()
    assert people.measure == "residents"


def smallest_around(layers: gpd.GeoDataFrame, point: Any) -> set[str]:
    """Return the ids of the smallest communities around a point."""
    around = [row for row in layers.itertuples() if row.geometry.intersects(point)]
    least = min((row.geometry.area for row in around), default=0.0)
    return {row.community_id for row in around if row.geometry.area == least}


@cases(60)
@given(st.lists(box, min_size=1, max_size=6, unique=True), st.lists(st.tuples(corner, corner), max_size=20))
def test_smallest_community_wins_in_any_order_of_rows(
    bounds: list[tuple[int, ...]], places: list[tuple[int, int]]
) -> None:
    layers = communities(*[(f"c{i}", one, NAN) for i, one in enumerate(bounds)])
    at = points(places)
    x, y = shapely.get_coordinates(at).T
    ids = np.append(layers["community_id"].to_numpy(dtype=object), "")
    found = ids[community_of(layers, x, y)]
    for place, owner in zip(at, found, strict=True):
        assert owner in smallest_around(layers, place) or (owner == "" and not smallest_around(layers, place))
    turned = layers.iloc[::-1]
    backwards = np.append(turned["community_id"].to_numpy(dtype=object), "")
    if len({tuple(one) for one in shapely.bounds(layers.geometry.to_numpy())[:, :2].tolist()}) == len(layers):
        assert backwards[community_of(turned, x, y)].tolist() == found.tolist()
