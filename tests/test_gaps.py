"""Are the gaps of the toy town those found by hand, and do they add up and stay in place in any town?"""

import dataclasses
import math
from random import Random

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from toy_town import (
    CORNER,
    FACILITIES,
    HOMES,
    INF,
    MIXED,
    NAN,
    STANDARD,
    Draft,
    boxes,
    build,
    drafts,
    layer,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.gaps import REASONS, find_gaps

KEYS = ["community_id", "service", "threshold_minutes"]
few = cases(30)

# Which homes, service, minutes, reason, residents; then metres: longest walk, median walk, straight line.
# Straight lines reach 540 m and 810 m to kindergartens, 720 m and 1080 m to clinics, in 10 and 15 minutes.
OLD, MAIN = "Old Kindergarten", "Main Clinic"
GAPS = [
    ("bc", "kindergarten", 10, "no_facility", 57, 810.001, 810, OLD, 810),  # in one cell; b has most people
    ("d", "kindergarten", 10, "off_network", 20, INF, INF, "", NAN),
    ("e", "kindergarten", 10, "no_facility", 80, 1100, 1100, OLD, math.hypot(600, 300)),  # 670.8 m
    ("f", "kindergarten", 10, "detour", 40, 600, 600, OLD, math.hypot(100, 300)),  # just across the river
    ("h", "kindergarten", 10, "no_facility", 30, 1700, 1700, OLD, math.hypot(1200, 300)),
    ("i", "kindergarten", 10, "no_facility", 200, 2600, 2600, OLD, math.hypot(1200, 200)),
    ("j", "kindergarten", 10, "no_facility", 70, 1900, 1900, OLD, math.hypot(1800, 100)),
    ("c", "kindergarten", 15, "no_facility", 7, 810.001, 810.001, OLD, 810.001),
    ("d", "kindergarten", 15, "off_network", 20, INF, INF, "", NAN),
    ("e", "kindergarten", 15, "detour", 80, 1100, 1100, OLD, math.hypot(600, 300)),
    ("i", "kindergarten", 15, "no_facility", 200, 2600, 2600, OLD, math.hypot(1200, 200)),
    ("j", "kindergarten", 15, "no_facility", 70, 1900, 1900, OLD, math.hypot(1800, 100)),
    ("a", "elderly_care", 10, "no_facility", 100, INF, INF, "", NAN),
    ("bc", "elderly_care", 10, "no_facility", 57, INF, INF, "", NAN),
    ("d", "elderly_care", 10, "off_network", 20, INF, INF, "", NAN),
    ("e", "elderly_care", 10, "no_facility", 80, INF, INF, "", NAN),
    ("f", "elderly_care", 10, "no_facility", 40, INF, INF, "", NAN),
    ("h", "elderly_care", 10, "no_facility", 30, INF, INF, "", NAN),
    ("i", "elderly_care", 10, "no_facility", 200, INF, INF, "", NAN),
    ("j", "elderly_care", 10, "no_facility", 70, INF, INF, "", NAN),
    ("a", "elderly_care", 15, "no_facility", 100, INF, INF, "", NAN),
    ("bc", "elderly_care", 15, "no_facility", 57, INF, INF, "", NAN),
    ("d", "elderly_care", 15, "off_network", 20, INF, INF, "", NAN),
    ("e", "elderly_care", 15, "no_facility", 80, INF, INF, "", NAN),
    ("f", "elderly_care", 15, "no_facility", 40, INF, INF, "", NAN),
    ("i", "elderly_care", 15, "no_facility", 200, INF, INF, "", NAN),
    ("j", "elderly_care", 15, "no_facility", 70, INF, INF, "", NAN),
    ("d", "clinic", 10, "off_network", 20, INF, INF, "", NAN),
    ("i", "clinic", 10, "detour", 200, 1620, 1620, MAIN, math.hypot(200, 180)),  # gate on the wrong side
    ("j", "clinic", 10, "no_facility", 70, 920, 920, MAIN, math.hypot(800, 80)),
    ("d", "clinic", 15, "off_network", 20, INF, INF, "", NAN),
    ("i", "clinic", 15, "detour", 200, 1620, 1620, MAIN, math.hypot(200, 180)),
]
# South-west corner of the one 50 m cell of each gap, metres.
CELL = {"a": (300, 0), "bc": (900, 0), "c": (900, 0), "d": (600, 250), "e": (700, -300), "f": (200, -300),
        "h": (1300, -300), "i": (1300, 200), "j": (1900, 100)}  # fmt: skip
COMMUNITY = {home: community for home, community, *_ in HOMES}


@pytest.fixture(scope="module")
def gaps() -> gpd.GeoDataFrame:
    return find_gaps(measure_coverage(toy_town(), STANDARD))


def by_place(gaps: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the gaps in the order of the list above."""
    lowest = shapely.bounds(gaps.geometry.to_numpy())[:, :2] - CORNER
    names = {(50 * math.floor(x / 50), 50 * math.floor(y / 50)): home[0] for home, (x, y) in CELL.items()}
    home = [names[50 * math.floor(x / 50), 50 * math.floor(y / 50)] for x, y in lowest]
    service = [{"kindergarten": 0, "elderly_care": 1, "clinic": 2}[service] for service in gaps["service"]]
    return gaps.iloc[np.lexsort([home, gaps["threshold_minutes"], service])]


def test_every_gap_found_by_hand_and_no_other(gaps: gpd.GeoDataFrame) -> None:
    ordered = by_place(gaps)
    found = ordered[[*KEYS, "reason", "residents"]].to_numpy().tolist()
    assert found == [[COMMUNITY[row[0][0]], *row[1:5]] for row in GAPS]
    assert ordered["nearest_facility"].to_list() == [row[7] for row in GAPS]
    pace = np.array([STANDARD.service(row[1]).pace_mps * 60 for row in GAPS])
    worst, median, straight = (np.array([row[column] for row in GAPS], dtype=float) for column in (5, 6, 8))
    walk = np.where(np.isfinite(median), median, NAN)
    for column, expected in {
        "worst_minutes": worst / pace,
        "median_minutes": median / pace,
        "nearest_minutes": walk / pace,
        "nearest_straight_m": straight,
        "detour_ratio": walk / straight,
    }.items():
        np.testing.assert_allclose(ordered[column], expected, rtol=1e-9, err_msg=column)


# By 500 and 810 m, by 10 minutes (480 m), and by 5, 10 and 15 minutes (360, 720 and 1080 m): homes, service,
# limit in metres or minutes, reason. As the crow flies e is 670.8 m from the kindergarten, f 316.2 m; a is
# 446 m and h 377 m from the nearest clinic, i 269 m and j 804 m.
MIXED_GAPS = [
    *((homes, "kindergarten", 500, "no_facility") for homes in ("bc", "e", "h", "i", "j")),
    ("d", "kindergarten", 500, "off_network"),
    ("f", "kindergarten", 500, "detour"),
    *((homes, "kindergarten", 810, "no_facility") for homes in ("c", "i", "j")),
    ("d", "kindergarten", 810, "off_network"),
    ("e", "kindergarten", 810, "detour"),
    *((homes, "elderly_care", 10, "no_facility") for homes in ("a", "bc", "e", "f", "h", "i", "j")),
    ("d", "elderly_care", 10, "off_network"),
    *((homes, "clinic", 5, "no_facility") for homes in ("a", "e", "h", "j")),
    ("d", "clinic", 5, "off_network"),
    ("i", "clinic", 5, "detour"),
    ("d", "clinic", 10, "off_network"),
    ("i", "clinic", 10, "detour"),
    ("j", "clinic", 10, "no_facility"),
    ("d", "clinic", 15, "off_network"),
    ("i", "clinic", 15, "detour"),
]


def test_gaps_by_limits_in_metres_and_in_minutes() -> None:
    gaps = find_gaps(measure_coverage(toy_town(), MIXED))
    limit = gaps["threshold_m"].fillna(gaps["threshold_minutes"])
    rows = pd.DataFrame({"service": gaps["service"], "limit": limit, "reason": gaps["reason"]})
    found = sorted(zip(rows.itertuples(index=False, name=None), gaps["residents"], strict=True))
    people = {home: residents for home, *_, residents in HOMES}
    expected = sorted(
        ((service, limit, reason), sum(people[home] for home in homes))
        for homes, service, limit, reason in MIXED_GAPS
    )
    assert found == expected
    in_metres = gaps[gaps["service"] == "kindergarten"]
    assert in_metres["threshold_m"].to_numpy() == pytest.approx(in_metres["threshold_minutes"] * 54)


def test_gap_is_its_cell_clipped_to_the_community(gaps: gpd.GeoDataFrame) -> None:
    for geometry, (homes, *_) in zip(by_place(gaps).geometry, GAPS, strict=True):
        x, y = CELL[homes]
        top = min(y + 50, -260) if y == -300 else y + 50  # South Bank ends at y = -260, within the cells
        assert geometry.equals(boxes([(x, y, x + 50, top)])[0])


def test_worst_first_with_ids_in_that_order(gaps: gpd.GeoDataFrame) -> None:
    assert gaps["residents"].is_monotonic_decreasing
    assert gaps["gap_id"].to_list() == [f"G{number:03d}" for number in range(1, len(GAPS) + 1)]
    assert gaps.index.to_list() == list(range(len(GAPS)))
    assert gaps.crs == toy_town().crs


def test_facility_nearest_as_the_crow_flies_is_named_even_where_none_can_be_walked_to(
    gaps: gpd.GeoDataFrame,
) -> None:
    off = gaps[(gaps["reason"] == "off_network") & (gaps["service"] == "clinic")]
    assert off["straight_facility"].to_list() == [MAIN, MAIN]
    assert off["straight_m"].to_numpy() == pytest.approx(math.hypot(500, 260))


def test_there_and_back_a_straight_line_is_walked_twice() -> None:
    both = find_gaps(measure_coverage(toy_town(), STANDARD, round_trip=True))
    clinic = both[both["service"] == "clinic"]
    north = clinic[(clinic["threshold_minutes"] == 15) & (clinic["community_id"] == "c-north")]
    a = north.set_index("residents").loc[100.0]
    # a walks 2 x 630 m to South Surgery across the river, 2 x 446 m in a straight line; 1080 m are in time
    assert a["reason"] == "detour"
    assert a["nearest_minutes"] == pytest.approx(1260 / 72)
    assert a["detour_ratio"] == pytest.approx(630 / np.hypot(300, 330))
    # in 10 minutes 720 m are walked; straight to Main Clinic it is 2 x 512 m from e and 2 x 377 m from h
    e_and_h = clinic[(clinic["threshold_minutes"] == 10) & (clinic["community_id"] == "c-south")]
    assert (e_and_h["reason"] == "no_facility").all()
    assert e_and_h["residents"].sum() == 80 + 30


def test_service_without_any_facility_leaves_all_known_homes_in_gaps() -> None:
    gaps = find_gaps(measure_coverage(toy_town(facilities=toy_facilities([])), STANDARD))
    ten = gaps[gaps["threshold_minutes"] == 10].groupby("service")["residents"].sum()
    assert ten.to_dict() == {"clinic": 567, "elderly_care": 597, "kindergarten": 597}  # h: clinic unknown
    assert set(gaps["reason"]) == {"no_facility", "off_network"}


def test_no_gap_is_a_table_without_rows_but_with_all_columns(gaps: gpd.GeoDataFrame) -> None:
    homes = toy_homes([("b", "c-north", (910, 0), 50)])
    more = toy_facilities([*FACILITIES, ("E", "Elders", "elderly_care", (900, 0))])
    none = find_gaps(measure_coverage(toy_town(homes=homes, facilities=more), STANDARD.with_minutes([15])))
    assert len(none) == 0
    for column in gaps.columns:
        assert pd.api.types.is_float_dtype(none[column]) == pd.api.types.is_float_dtype(gaps[column]), column
    assert none.crs == gaps.crs


def test_cells_one_empty_cell_apart_are_one_gap_and_two_apart_are_two() -> None:
    # cells in x: 400 and 500 (one empty between), then 650 (two empty between)
    homes = toy_homes(
        [(str(x), "c-south", (x, -300), people) for x, people in [(410, 1), (510, 2), (660, 4)]]
    )
    gaps = find_gaps(measure_coverage(toy_town(homes=homes), STANDARD.with_minutes([15])))
    elderly = gaps[gaps["service"] == "elderly_care"]
    assert elderly["residents"].to_list() == [4, 3]
    assert elderly.geometry.area.to_list() == pytest.approx([50 * 40, 2 * 50 * 40])


def test_homes_of_one_cell_share_the_reason_of_most_people() -> None:
    # 810 m in a straight line reach to x = 852.4 on South Street: y is nearer, z farther, both in one cell
    limit = 100 + math.sqrt(810**2 - 300**2)
    homes = toy_homes([("y", "c-south", (limit - 1, -300), 3), ("z", "c-south", (limit + 1, -300), 4)])
    gaps = find_gaps(measure_coverage(toy_town(homes=homes), STANDARD.with_minutes([15])))
    school = gaps[gaps["service"] == "kindergarten"]
    assert school[["reason", "residents"]].to_numpy().tolist() == [["no_facility", 7]]
    homes["residents"] = [4.0, 3.0]
    gaps = find_gaps(measure_coverage(toy_town(homes=homes), STANDARD.with_minutes([15])))
    school = gaps[gaps["service"] == "kindergarten"]
    assert school[["reason", "residents"]].to_numpy().tolist() == [["detour", 7]]


def test_median_weighs_people_and_a_gap_where_nobody_is_counted_has_one_too() -> None:
    # three homes of the estate, 2600, 2590 and 2580 m from the kindergarten
    places = [("x", (1300, 200)), ("y", (1310, 200)), ("z", (1320, 200))]
    heavy = ("w", "c-north", (1100, 0), 90_000)
    for residents, expected in [((11, 9, 0), 2600), ((0, 9, 11), 2580), ((0, 0, 0), 2590)]:
        rows = [(home, "c-estate", at, count) for (home, at), count in zip(places, residents, strict=True)]
        gaps = find_gaps(measure_coverage(toy_town(homes=toy_homes([heavy, *rows])), STANDARD))
        one = gaps[(gaps["community_id"] == "c-estate") & (gaps["service"] == "kindergarten")]
        assert one["median_minutes"].to_list() == pytest.approx([expected / 54] * 2)
        assert one["nearest_minutes"].to_list() == pytest.approx([expected / 54] * 2)
        assert one["worst_minutes"].to_list() == pytest.approx([2600 / 54] * 2)
        assert one["residents"].to_list() == [sum(residents)] * 2


def test_home_on_the_border_of_its_community_is_drawn_inside_it() -> None:
    homes = toy_homes([("x", "c-north", (1200, 100), 9)])
    city = toy_town(homes=homes)
    for gap in find_gaps(measure_coverage(city, STANDARD)).geometry:
        assert gap.area > 0
        assert city.communities.geometry.iloc[0].buffer(1e-6).covers(gap)


def test_community_that_leaves_a_cell_in_two_parts_keeps_both() -> None:
    # a U of two arms 10 m wide, 20 m apart, and a home in one of them
    arms = shapely.union_all(boxes([(1000, -10, 1010, 100), (1030, -10, 1040, 100), (1000, 90, 1040, 100)]))
    community = layer([arms], community_id=["u"], community=["U"], population=NAN)
    city = toy_town(communities=community, homes=toy_homes([("x", "u", (1005, 10), 1)]))
    gap = find_gaps(measure_coverage(city, STANDARD)).geometry.iloc[0]
    assert gap.equals(shapely.union_all(boxes([(1000, 0, 1010, 50), (1030, 0, 1040, 50)])))


def test_cell_that_touches_its_community_along_a_line_too_keeps_no_line() -> None:
    # an L whose foot runs along the lower side of the home's cell
    shape = shapely.union_all(boxes([(950, 0, 980, 50), (950, -50, 1050, 0)]))
    community = layer([shape], community_id=["l"], community=["L"], population=NAN)
    city = toy_town(communities=community, homes=toy_homes([("x", "l", (960, 10), 1)]))
    gap = find_gaps(measure_coverage(city, STANDARD)).geometry.iloc[0]
    assert gap.equals(boxes([(950, 0, 980, 50)])[0])


# ---------------------------------------------------------------------- in any town


def measure(draft: Draft) -> Coverage:
    return measure_coverage(build(draft), STANDARD.with_minutes([3, 8]))


@few
@given(drafts())
def test_people_of_the_gaps_are_the_uncovered_people(draft: Draft) -> None:
    coverage = measure(draft)
    gaps = find_gaps(coverage)
    table = coverage.by_community().set_index(KEYS)["residents_gap"]
    found = gaps.groupby(KEYS)["residents"].sum().reindex(table.index, fill_value=0)
    assert found.to_list() == table.to_list()
    assert set(gaps["reason"]) <= set(REASONS)
    assert (gaps["worst_minutes"] >= gaps["median_minutes"]).all()
    assert (gaps["worst_minutes"] > gaps["threshold_minutes"]).all()
    reached = gaps[gaps["nearest_facility"] != ""]
    assert (reached["detour_ratio"] > 1 - 1e-9).all()
    assert np.isfinite(reached["nearest_minutes"]).all()


@few
@given(drafts())
def test_gaps_lie_in_their_community_apart_from_each_other_and_near_their_homes(draft: Draft) -> None:
    coverage = measure(draft)
    city = coverage.city
    gaps = find_gaps(coverage)
    shape = city.communities.set_index("community_id").geometry
    assert shapely.is_valid(gaps.geometry.to_numpy()).all()
    assert np.isin(shapely.get_type_id(gaps.geometry.to_numpy()), [3, 6]).all()
    outside = shapely.difference(gaps.geometry.to_numpy(), shape[gaps["community_id"]].to_numpy())
    assert shapely.area(outside).max(initial=0) < 1e-3
    for (community, service, minutes), group in gaps.groupby(KEYS):
        together = shapely.union_all(group.geometry.to_numpy())
        assert together.area == pytest.approx(group.geometry.area.sum(), abs=1e-3)
        status = coverage.status(minutes)[service] == "gap"
        homes = city.homes[status & (city.homes["community_id"] == community)]
        assert shapely.distance(homes.geometry.to_numpy(), together).max() <= 50 * math.sqrt(2) + 1e-6


@few
@given(drafts(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_gap(draft: Draft, random: Random) -> None:
    coverage = measure(draft)
    layers = {
        name: frame.iloc[random.sample(range(len(frame)), len(frame))]
        for name in ("homes", "communities", "facilities")
        for frame in [getattr(coverage.city, name)]
    }
    other = measure_coverage(dataclasses.replace(coverage.city, **layers), coverage.standard)
    pd.testing.assert_frame_equal(
        pd.DataFrame(find_gaps(other).drop(columns="geometry")),
        pd.DataFrame(find_gaps(coverage).drop(columns="geometry")),
        rtol=1e-9,
    )
