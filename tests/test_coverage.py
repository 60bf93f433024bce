"""Does coverage hold the numbers worked out by hand, and in any town the promises it makes?"""

import dataclasses
import itertools
from random import Random
from typing import Any

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
    STREETS,
    Draft,
    boxes,
    build,
    drafts,
    layer,
    limits,
    streets,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle.costs import Relief
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import UnknownNameError
from lifecircle.grouped import grouped_quantile, heaviest
from lifecircle.network import WalkNetwork
from lifecircle.standard import Walker

SERVICES = ["kindergarten", "elderly_care", "clinic"]
KEYS = ["community_id", "service", "threshold_minutes"]
PARTS = ["residents_covered", "residents_gap", "residents_unknown"]
few = cases(30)

# Metres to the nearest kindergarten, elderly care and clinic, and to where the data ends.
WALKS = {
    "a": (30 + 200, INF, 30 + 300 + 300, 30 + 300 + 300 + 2000),
    "b": (810, INF, 190 + 20, 910 + 300 + 2000),
    "c": (810.001, INF, 189.999 + 20, 910.001 + 300 + 2000),
    "d": (INF, INF, INF, INF),  # no street within 200 m
    "e": (700 + 300 + 100, INF, 700, 1300),  # the school lies straight across the river
    "f": (200 + 300 + 100, INF, 200, 1800),
    "g": (1700 + 300 + 100, INF, 1700, 300),
    "h": (1300 + 300 + 100, INF, 1300, 700),
    "i": (600 + 200 + 1800, INF, 600 + 200 + 800 + 20, 600 + 200 + 1900 + 300 + 2000),  # round by the gate
    "j": (100 + 1800, INF, 100 + 800 + 20, 100 + 1900 + 300 + 2000),
}
# c = covered, g = gap, u = unknown; homes a to j, as in WALKS.
STATUS = {
    ("kindergarten", 10): "cggggguggg",
    ("kindergarten", 15): "ccgggcuugg",
    ("elderly_care", 10): "gggggguggg",
    ("elderly_care", 15): "gggggguugg",
    ("clinic", 10): "cccgccuugg",
    ("clinic", 15): "cccgccuugc",
}
# community, service, minutes: residents covered, in a gap, unknown; 50 m cells covered
BY_COMMUNITY: list[tuple[str, str, int, int, int, int, int | None]] = [
    ("c-north", "kindergarten", 10, 100, 77, 0, 24 + 22 + 20 + 9),  # see test_area_covered
    ("c-north", "kindergarten", 15, 150, 27, 0, 36 + 34 + 32 + 15),
    ("c-north", "elderly_care", 10, 0, 177, 0, 0),
    ("c-north", "elderly_care", 15, 0, 177, 0, 0),
    ("c-north", "clinic", 10, 157, 20, 0, None),
    ("c-north", "clinic", 15, 157, 20, 0, None),
    ("c-south", "kindergarten", 10, 0, 150, 60, 4 + 1),
    ("c-south", "kindergarten", 15, 40, 80, 90, 16 + 7 + 6),
    ("c-south", "elderly_care", 10, 0, 150, 60, 0),
    ("c-south", "elderly_care", 15, 0, 120, 90, 0),
    ("c-south", "clinic", 10, 120, 0, 90, 28 + 13 + 12),
    ("c-south", "clinic", 15, 120, 0, 90, 42 + 20 + 19),
    ("c-estate", "kindergarten", 10, 0, 270, 0, 0),
    ("c-estate", "kindergarten", 15, 0, 270, 0, 0),
    ("c-estate", "elderly_care", 10, 0, 270, 0, 0),
    ("c-estate", "elderly_care", 15, 0, 270, 0, 0),
    ("c-estate", "clinic", 10, 0, 270, 0, None),
    ("c-estate", "clinic", 15, 70, 200, 0, None),
]
RESIDENTS = {"c-north": 177, "c-south": 210, "c-estate": 270}
AREA_M2 = {"c-north": 540_000, "c-south": 400_000, "c-estate": 480_000}
# community, service: metres of the median and the 90th-percentile resident of known walk; nearest facility
WALKERS: dict[tuple[str, str], tuple[float, float, str]] = {
    # a 230 m (100 people), b (50), c (7), d inf (20): half is 88.5 people, nine tenths 159.3
    ("c-north", "kindergarten"): (230, INF, "Old Kindergarten"),
    # c 209.999 m (7), b 210 (50), a 630 (100), d inf (20); nearest to a, the most people
    ("c-north", "clinic"): (630, INF, "South Surgery"),
    # f 600 m (40), e 1100 (80); g and h are unknown at 15 minutes
    ("c-south", "kindergarten"): (1100, 1100, "Old Kindergarten"),
    ("c-south", "clinic"): (700, 700, "South Surgery"),
    # j 1900 m (70), i 2600 (200)
    ("c-estate", "kindergarten"): (2600, 2600, "Old Kindergarten"),
    ("c-estate", "clinic"): (1620, 1620, "Main Clinic"),
    # a 100, f 140, b 190, c 197, e 277, j 347 (half is 283.5), i 547 (nine tenths are 510.3), d 567
    ("", "kindergarten"): (1900, 2600, "Old Kindergarten"),
    # f 40, c 47, b 97, a 197, e 277, j 347, i 547, d 567; Main Clinic serves b, c, i, j: 327, the other 310
    ("", "clinic"): (920, 1620, "Main Clinic"),
}


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return measure_coverage(toy_town(), STANDARD)


def statuses(coverage: Coverage, home: str) -> list[str]:
    """Return the status of a home for each service at 15 minutes."""
    return list(coverage.status(15).T[home])


def metres_per_minute(service: str) -> float:
    return STANDARD.service(service).pace_mps * 60


def test_walks_are_those_walked_by_hand(coverage: Coverage) -> None:
    expected = np.array(list(WALKS.values()))
    np.testing.assert_allclose(coverage.walks.metres, expected[:, :3], rtol=0, atol=1e-6)
    # all walkers are alike here, so the way to the edge is the same for every service
    np.testing.assert_allclose(coverage.walks.edge_m, expected[:, [3, 3, 3]], rtol=0, atol=1e-6)
    assert coverage.walks.on_street.tolist() == [[home != "d"] * 3 for home in WALKS]


def test_minutes_are_metres_at_the_pace_of_the_service(coverage: Coverage) -> None:
    minutes = coverage.minutes
    assert minutes.columns.to_list() == SERVICES
    for service, walk in zip(SERVICES, np.array(list(WALKS.values())).T[:3], strict=True):
        expected = walk / metres_per_minute(service)
        expected[[6, 7]] = NAN  # g and h: the data may end nearer than anything known
        np.testing.assert_allclose(minutes[service].to_numpy(), expected, rtol=0, atol=1e-6)


def test_results_keep_the_index_of_the_homes(coverage: Coverage) -> None:
    for result in (coverage.minutes, coverage.status(10)):
        assert result.index.to_list() == list("abcdefghij")
        assert result.index.name == "home"


@pytest.mark.parametrize(("service", "minutes"), STATUS)
def test_status(coverage: Coverage, service: str, minutes: int) -> None:
    status = coverage.status(minutes)[service]
    assert "".join(word[0] for word in status) == STATUS[service, minutes]
    assert list(status.cat.categories) == ["covered", "gap", "unknown"]


@pytest.mark.parametrize("minutes", [230 / 54, 12.5, 15.0, 2100 / 72, 2600 / 54])
def test_exactly_the_threshold_is_inside_and_a_hair_less_is_not(minutes: float) -> None:
    walk = minutes * 54
    home = toy_homes([("x", "c-north", (100 + walk, 0), 1)])
    long_street = streets([("", [(0, 0), (3000, 0)], "")])
    coverage = measure_coverage(toy_town(network=long_street, homes=home, boundary=None), STANDARD)
    assert coverage.status(minutes)["kindergarten"].to_list() == ["covered"]
    assert coverage.status(minutes - 1e-6 / 54)["kindergarten"].to_list() == ["gap"]


def test_table_by_community(coverage: Coverage) -> None:
    table = coverage.by_community()
    assert table[[*KEYS, *PARTS]].to_numpy().tolist() == [list(row[:6]) for row in BY_COMMUNITY]
    assert (table["denominator"] == "residents").all()
    assert table["residents"].to_list() == [RESIDENTS[community] for community, *_ in BY_COMMUNITY]
    assert table["community"].unique().tolist() == ["North Bank", "South Bank", "The Estate"]
    for word in ("covered", "gap", "unknown"):
        shares = table[f"residents_{word}"] / table["community_id"].map(RESIDENTS)
        np.testing.assert_allclose(table[f"share_{word}"], shares, rtol=1e-12)
    assert table["share_covered"].iloc[1] == pytest.approx(150 / 177)


def test_city_totals_are_the_sums(coverage: Coverage) -> None:
    totals = coverage.totals()
    assert totals[[*KEYS[1:], *PARTS]].to_numpy().tolist() == [
        ["kindergarten", 10, 100, 497, 60],
        ["kindergarten", 15, 190, 377, 90],
        ["elderly_care", 10, 0, 597, 60],
        ["elderly_care", 15, 0, 567, 90],
        ["clinic", 10, 277, 290, 90],
        ["clinic", 15, 347, 220, 90],
    ]
    assert (totals["residents"] == 657).all()
    assert (totals[["community_id", "community"]] == "").all(axis=None)
    pd.testing.assert_frame_equal(coverage.share(), totals.drop(columns=["community_id", "community"]))
    assert list(totals.columns) == list(coverage.by_community().columns)


def test_median_and_p90_count_residents_whose_walk_is_known(coverage: Coverage) -> None:
    row: Any
    for row in pd.concat([coverage.by_community(), coverage.totals()]).itertuples():
        median, p90, name = WALKERS.get((row.community_id, row.service), (INF, INF, ""))
        a_minute = metres_per_minute(row.service)
        assert row.median_minutes == pytest.approx(median / a_minute)
        assert row.p90_minutes == pytest.approx(p90 / a_minute)
        assert row.nearest_facility == name


def test_area_covered(coverage: Coverage) -> None:
    """Check the cells counted by hand.

    A cell of North Bank `off` metres from Main Street is covered where off + |x - 100| <= 810: in two rows
    25 m off x up to 885, 18 cells each; in two 75 m off 17; in two 125 m off 16; in one 175 m off 15; farther
    rows are off the network. Within 540 m: 12, 11, 10 and 9. On South Bank off + x + 300 + 100 <= 810: in two
    rows 25 m off 8 cells each; 75 m off 7; 125 m off 6; within 540 m x <= 140 - off: 2, 2, 1 and 0 cells.
    To South Surgery off + x <= 720: 14, 14, 13 and 12 cells, and within 1080: 21, 21, 20 and 19.
    """
    table = coverage.by_community()
    assert table["area_m2"].to_numpy() == pytest.approx([AREA_M2[row[0]] for row in BY_COMMUNITY])
    for row, expected in zip(table.itertuples(), BY_COMMUNITY, strict=True):
        if expected[6] is not None:
            assert row.area_covered_m2 == pytest.approx(expected[6] * 2500)
            assert row.share_area_covered == pytest.approx(expected[6] * 2500 / AREA_M2[expected[0]])


def test_cells_fill_the_communities_and_carry_minutes(coverage: Coverage) -> None:
    cells = coverage.cells
    counted = cells["community_id"].value_counts()
    assert counted.to_dict() == {"c-north": 24 * 9, "c-south": 40 * 4, "c-estate": 16 * 12}
    at = cells.set_geometry(gpd.GeoSeries(cells.geometry).translate(-CORNER[0], -CORNER[1]))
    one = at[shapely.equals(at.geometry.to_numpy(), shapely.Point(325, 25))]
    assert one[SERVICES].to_numpy()[0] == pytest.approx([(25 + 225) / 54, INF, (25 + 325 + 300) / 72])
    assert cells.crs == coverage.city.crs


def test_facility_just_inside_the_edge_makes_the_unknown_known() -> None:
    """With a surgery 200 m from the edge, g walks 100 m and h 500 m to it, whatever lies beyond the edge."""
    more = toy_facilities([*FACILITIES, ("E", "East Surgery", "clinic", (1800, -300))])
    coverage = measure_coverage(toy_town(facilities=more), STANDARD)
    assert coverage.status(10)["clinic"].loc[["g", "h"]].to_list() == ["covered", "covered"]
    assert coverage.minutes["clinic"].loc[["g", "h"]].to_list() == pytest.approx([100 / 72, 500 / 72])


def test_home_outside_the_data_is_unknown_but_covered_where_a_facility_is_known_to_be_near() -> None:
    beyond = toy_homes([("x", "c-south", (2050, -300), 1)])
    coverage = measure_coverage(toy_town(homes=beyond), STANDARD)
    assert statuses(coverage, "x") == ["unknown"] * 3
    near = toy_facilities([("E", "East Surgery", "clinic", (1950, -300))])
    coverage = measure_coverage(toy_town(homes=beyond, facilities=near), STANDARD)
    assert statuses(coverage, "x") == ["unknown", "unknown", "covered"]


def test_home_outside_the_data_with_no_street_near_is_unknown_and_no_gap() -> None:
    beyond = toy_homes([("x", "c-south", (2500, 0), 1)])
    coverage = measure_coverage(toy_town(homes=beyond), STANDARD)
    assert not coverage.walks.on_street.any()
    assert statuses(coverage, "x") == ["unknown"] * 3


def test_without_an_edge_nothing_is_unknown() -> None:
    whole = toy_town(network=streets(STREETS), boundary=None)
    coverage = measure_coverage(whole, STANDARD)
    assert (coverage.share()["residents_unknown"] == 0).all()
    assert coverage.status(15)["kindergarten"].to_list()[6:8] == ["gap", "gap"]


def test_home_of_kind_none_is_unknown_even_beside_a_facility() -> None:
    homes = toy_homes(HOMES)
    homes.loc["a", "kind"] = "none"
    coverage = measure_coverage(toy_town(homes=homes), STANDARD)
    assert statuses(coverage, "a") == ["unknown"] * 3
    assert coverage.minutes.loc["a"].isna().all()


def test_facility_off_the_network_serves_nobody() -> None:
    hill = toy_facilities([("H", "Hill Kindergarten", "kindergarten", (600, 210))])
    assert np.isinf(measure_coverage(toy_town(facilities=hill), STANDARD).walks.metres).all()
    nearer = measure_coverage(toy_town(facilities=hill), STANDARD, max_snap_m=210)
    assert nearer.minutes["kindergarten"].loc["b"] == pytest.approx((310 + 210) / 54)


def test_home_off_the_network_is_on_it_where_the_access_leg_may_be_longer() -> None:
    farther = measure_coverage(toy_town(), STANDARD, max_snap_m=280)
    assert farther.minutes["kindergarten"].loc["d"] == pytest.approx((280 + 500) / 54)
    assert farther.minutes.drop(index="d").equals(
        measure_coverage(toy_town(), STANDARD).minutes.drop(index="d")
    )


def test_median_and_p90_of_twenty_homes_are_the_tenth_and_the_eighteenth() -> None:
    rows = [(str(n), "c-north", (100 + 10 * n, 0), 3) for n in range(20, 0, -1)]
    totals = measure_coverage(toy_town(homes=toy_homes(rows)), STANDARD).totals()
    assert totals["median_minutes"].iloc[0] == pytest.approx(100 / 54)
    assert totals["p90_minutes"].iloc[0] == pytest.approx(180 / 54)


def test_community_without_people_has_no_share() -> None:
    homes = toy_homes([row for row in HOMES if row[1] != "c-south"])
    table = measure_coverage(toy_town(homes=homes), STANDARD).by_community()
    empty = table[table["community_id"] == "c-south"]
    assert (empty[["residents", *PARTS]] == 0).all(axis=None)
    assert empty[["share_covered", "share_gap", "share_unknown", "median_minutes"]].isna().all(axis=None)
    assert (empty["area_m2"] == 400_000).all()


def test_other_measures_name_their_columns() -> None:
    coverage = measure_coverage(toy_town(measure="home_places"), STANDARD)
    table = coverage.share()
    assert (table["denominator"] == "home_places").all()
    assert table["home_places"].to_list() == [10.0] * 6
    assert table["home_places_covered"].to_list() == [STATUS[key].count("c") for key in STATUS]


def test_repr_names_the_city_and_the_shares(coverage: Coverage) -> None:
    assert repr(coverage).startswith("<Coverage Toy Town: kindergarten 10 min 15.2%, kindergarten 15 ")


# ---------------------------------------------------------------------- limits in metres beside minutes

# service, limit in minutes and in metres; homes a to j; residents covered, in a gap, unknown
MIXED_STATUS: list[tuple[str, float, float, str, int, int, int]] = [
    # 500 m: only a (230 m); g's data ends after 300 m, h's after 700 m
    ("kindergarten", 500 / 54, 500, "cggggguggg", 100, 497, 60),
    # 810 m: also b, exactly, and f (600 m), not c (a millimetre more); now h is unknown too
    ("kindergarten", 15, 810, "ccgggcuugg", 190, 377, 90),
    ("elderly_care", 10, NAN, "gggggguggg", 0, 597, 60),  # 480 m
    ("clinic", 5, NAN, "gccggcuggg", 97, 500, 60),  # 360 m: b, c and f; e 700 m and a 630 m are beyond
    ("clinic", 10, NAN, "cccgccuugg", 277, 290, 90),
    ("clinic", 15, NAN, "cccgccuugc", 347, 220, 90),
]


@pytest.fixture(scope="module")
def mixed() -> Coverage:
    return measure_coverage(toy_town(), MIXED)


def test_each_service_has_its_own_limits(mixed: Coverage) -> None:
    totals, table = mixed.totals(), mixed.by_community()
    rows = [*KEYS[1:], "threshold_m", *PARTS]
    expected = pd.DataFrame([(*row[:3], *row[4:]) for row in MIXED_STATUS], columns=rows)
    pd.testing.assert_frame_equal(totals[rows], expected, check_dtype=False, rtol=0, atol=0)
    assert table["community_id"].to_list() == ["c-north"] * 6 + ["c-south"] * 6 + ["c-estate"] * 6
    assert table["service"].to_list() == [row[0] for row in MIXED_STATUS] * 3
    summed = table.groupby(KEYS[1:], sort=False)[PARTS].sum()
    assert summed.to_numpy().tolist() == [list(row[4:]) for row in MIXED_STATUS]
    assert repr(mixed).startswith("<Coverage Toy Town: kindergarten 500 m 15.2%, kindergarten 810 m 28.9%, ")


@pytest.mark.parametrize("row", range(6))
def test_status_by_a_limit(mixed: Coverage, row: int) -> None:
    service, limit = MIXED.pairs[row]
    codes = mixed.status_codes(mixed.walks, service.id, limit)
    assert "".join("cgu"[code] for code in codes) == MIXED_STATUS[row][3]


def test_status_without_minutes_is_by_the_longest_limit_of_each_service(mixed: Coverage) -> None:
    status = mixed.status()
    for service, row in (("kindergarten", 1), ("elderly_care", 2), ("clinic", 5)):
        assert "".join(word[0] for word in status[service]) == MIXED_STATUS[row][3]
    assert mixed.minutes["kindergarten"].isna().to_list() == [home in "gh" for home in "abcdefghij"]
    assert mixed.minutes["elderly_care"].isna().to_list() == [home == "g" for home in "abcdefghij"]


@pytest.mark.parametrize("metres", [500.0, 1000.0, 0.3, 1234.567])
def test_exactly_the_metres_are_inside_and_a_hair_less_is_not(metres: float) -> None:
    home = toy_homes([("x", "c-north", (100 + metres, 0), 1)])
    long_street = streets([("", [(0, 0), (3000, 0)], "")])
    coverage = measure_coverage(toy_town(network=long_street, homes=home, boundary=None), MIXED)
    for limit, status in (((metres,), 0), ((metres - 1e-6,), 1)):
        found = coverage.status_codes(coverage.walks, "kindergarten", limits("m", *limit)[0])
        assert found.tolist() == [status]


def test_limits_in_metres_weigh_neither_slopes_nor_steps() -> None:
    """Uphill all the way costs minutes twice, and metres nothing; a street too steep is closed to both."""
    city = toy_town()
    ones = np.ones(len(city.network.street_m))
    hilly = toy_town(relief=Relief(2 * ones, 2 * ones, 0.2 * ones))
    kindergarten, *others = MIXED.services
    slow = dataclasses.replace(MIXED.services[2], walker=Walker(steps_factor=3.0))
    standard = dataclasses.replace(MIXED, services=(kindergarten, others[0], slow))
    walks, level = (measure_coverage(town, standard).walks.metres for town in (hilly, city))
    np.testing.assert_allclose(walks[:, 0], level[:, 0], rtol=0, atol=1e-9)
    assert level[1, 2] == 190 + 20
    assert walks[1, 2] == pytest.approx(2 * 190 + 20)  # the way to the door is level
    wheels = dataclasses.replace(kindergarten, walker=Walker(max_slope=0.1))
    closed = measure_coverage(hilly, dataclasses.replace(MIXED, services=(wheels,)))
    assert not closed.walks.on_street.any()


# ---------------------------------------------------------------------- whom each facility serves, and how


def test_catchments(coverage: Coverage) -> None:
    table = coverage.catchments().set_index("facility_id")
    # residents and metres of a to f, i and j; the walks of g and h are unknown, d has none
    kindergarten = np.array(
        [(100, 230), (50, 810), (7, 810.001), (80, 1100), (40, 600), (200, 2600), (70, 1900)]
    )
    assert table["homes"].to_dict() == {"K": 7, "C": 4, "S": 3}
    assert table["residents"].to_dict() == {"K": 547, "C": 50 + 7 + 200 + 70, "S": 100 + 80 + 40}
    mean_m = np.average(kindergarten[:, 1], weights=kindergarten[:, 0])
    assert table["mean_minutes"]["K"] == pytest.approx(mean_m / 54)
    south_m = (100 * 630 + 80 * 700 + 40 * 200) / 220
    assert table["mean_minutes"]["S"] == pytest.approx(south_m / 72)
    assert table["farthest_minutes"].to_dict() == pytest.approx(
        {"K": 2600 / 54, "C": 1620 / 72, "S": 700 / 72}
    )
    assert table[["name", "service"]].loc["S"].to_list() == ["South Surgery", "clinic"]


def test_catchment_of_a_facility_that_is_nearest_to_nobody() -> None:
    rows = [*FACILITIES, ("N", "New Clinic", "clinic", (1100, 280)), ("X", "Shop", "shop", (0, 0))]
    table = measure_coverage(toy_town(facilities=toy_facilities(rows)), STANDARD).catchments()
    assert table["facility_id"].to_list() == ["K", "C", "S", "N"]  # nothing that the standard does not name
    assert table.iloc[-1][["homes", "residents"]].to_list() == [0, 0]
    assert table.iloc[-1][["mean_minutes", "farthest_minutes"]].isna().all()


def test_mean_minutes(coverage: Coverage) -> None:
    table = coverage.mean_minutes().set_index("service")
    assert table["residents_in_reach"].to_dict() == {"kindergarten": 547, "elderly_care": 0, "clinic": 547}
    assert table["residents_out_of_reach"].to_list() == [20, 567, 20]
    assert table["residents_unknown"].to_list() == [90, 90, 90]
    metres = 100 * 630 + 50 * 210 + 7 * 209.999 + 80 * 700 + 40 * 200 + 200 * 1620 + 70 * 920
    assert table["mean_minutes"]["clinic"] == pytest.approx(metres / 547 / 72)
    assert np.isnan(table["mean_minutes"]["elderly_care"])


def test_route(coverage: Coverage) -> None:
    route = coverage.route("i", "clinic")
    assert route is not None
    way = [(1300, 200), (1900, 200), (1900, 0), (1100, 0), (1100, 20)]
    assert (shapely.get_coordinates(route) - CORNER).tolist() == [list(vertex) for vertex in way]
    assert coverage.route("i", "elderly_care") is None
    assert coverage.route("d", "clinic") is None
    farther = measure_coverage(toy_town(), STANDARD, max_snap_m=280).route("d", "clinic")
    assert farther is not None
    assert farther.length == pytest.approx(280 + 500 + 20)


def test_there_and_back_every_limit_holds_for_twice_the_walk() -> None:
    both = measure_coverage(toy_town(), STANDARD, round_trip=True)

    expected = 2 * np.array(list(WALKS.values()))[:, :3]
    np.testing.assert_allclose(both.walks.metres, expected, rtol=0, atol=1e-6)
    # 1080 m within 15 minutes of the clinic: b, c and f walk 420 m and less; j 1840 m. g might walk 300 m out
    # of the data and back, h 700 m
    assert "".join(word[0] for word in both.status(15)["clinic"]) == "gccggcuggg"
    assert both.ways == 2


def test_there_and_back_the_data_may_end_on_one_way_only() -> None:
    """One-way steps lead 100 m down to the kindergarten, and 7,500 m of street up again.

    The data ends 200 m east of the home. So 7,600 m are known, but nobody knows whether a street outside
    leads from the kindergarten to that edge: 100 m there, and no less than 200 m back.
    """
    lines = [
        [(0, 0), (800, 0)],
        [(800, 0), (1200, 0)],
        [(800, 0), (800, -100)],
        [(800, -100), (800, -3000), (0, -3000), (0, 0)],
    ]
    frame = layer(
        [shapely.LineString(np.add(line, CORNER)) for line in lines],
        highway=["residential", "residential", "steps", "residential"],
        **{"oneway:foot": [None, None, "yes", None]},
    )
    area = boxes([(-100, -4000, 1000, 100)])[0]
    city = toy_town(
        network=WalkNetwork.from_edges(frame, boundary=area),
        boundary=area,
        homes=toy_homes([("x", "c-north", (800, 0), 1)]),
        facilities=toy_facilities([("K", "Down", "kindergarten", (800, -100))]),
    )
    both = measure_coverage(city, STANDARD, round_trip=True)

    assert both.walks.metres[0, 0] == pytest.approx(100 + 2900 + 800 + 3000 + 800)
    assert both.status(299 / 54)["kindergarten"].to_list() == ["gap"]
    assert both.status(301 / 54)["kindergarten"].to_list() == ["unknown"]
    assert both.status(7600 / 54)["kindergarten"].to_list() == ["covered"]
    there, back = both.route("x", "kindergarten"), both.route("x", "kindergarten", back=True)
    assert there is not None
    assert back is not None
    assert (there.length, back.length) == pytest.approx((100, 7500))
    assert there.coords[0] == back.coords[-1]
    assert there.coords[-1] == back.coords[0]


@few
@given(drafts(), st.sampled_from([2.0, 7.0, 15.0]))
def test_on_level_streets_there_and_back_is_one_way_in_half_the_time(draft: Draft, minutes: float) -> None:
    city = build(draft)

    one_way = measure_coverage(city, STANDARD).status(minutes / 2)
    both = measure_coverage(city, STANDARD, round_trip=True).status(minutes)

    pd.testing.assert_frame_equal(both, one_way)


def test_route_of_a_home_or_service_that_does_not_exist(coverage: Coverage) -> None:
    with pytest.raises(UnknownNameError, match="There is no home z"):
        coverage.route("z", "clinic")
    with pytest.raises(UnknownNameError, match="clinic"):
        coverage.route("a", "cinema")


# ---------------------------------------------------------------------- in any town


def measure(draft: Draft) -> Coverage:
    return measure_coverage(build(draft), STANDARD.with_minutes([3, 6, 10]))


def whole_table(coverage: Coverage) -> pd.DataFrame:
    """Return the table of communities.csv, sorted."""
    return pd.concat([coverage.by_community(), coverage.totals()]).sort_values(KEYS, ignore_index=True)


@few
@given(drafts())
def test_covered_and_gap_and_unknown_are_all(draft: Draft) -> None:
    coverage = measure(draft)
    communities, totals = coverage.by_community(), coverage.totals()
    for table in (communities, totals):
        assert table[PARTS].sum(axis=1).to_list() == table["residents"].to_list()
        shares = table[["share_covered", "share_gap", "share_unknown"]].sum(axis=1, skipna=False)
        assert shares[table["residents"] > 0].to_numpy() == pytest.approx(1.0)
        assert shares[table["residents"] == 0].isna().all()
        assert table["share_area_covered"].between(0, 1).all()
    summed = communities.groupby(KEYS[1:], sort=False)[PARTS].sum()
    assert summed.to_numpy().tolist() == totals[PARTS].to_numpy().tolist()


@few
@given(drafts())
def test_catchments_hold_everybody_whose_walk_is_known(draft: Draft) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    in_reach = coverage.mean_minutes().set_index("service")["residents_in_reach"]
    of_service = coverage.catchments().groupby("service")["residents"].sum()
    assert of_service.reindex(in_reach.index, fill_value=0).to_list() == in_reach.to_list()
    table = coverage.mean_minutes().drop(columns=["service", "mean_minutes"])
    assert table.sum(axis=1).to_numpy() == pytest.approx(coverage.city.weight.sum())


@few
@given(drafts())
def test_route_is_as_long_as_the_walk(draft: Draft) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    for row, home in enumerate(coverage.city.homes.index):
        for column, service in enumerate(SERVICES):
            route = coverage.route(home, service)
            length = np.inf if route is None else route.length
            assert length == pytest.approx(coverage.walks.metres[row, column], abs=1e-6)


@few
@given(drafts())
def test_status_follows_from_minutes_and_edge(draft: Draft) -> None:
    coverage = measure(draft)
    for minutes in (3, 6, 10):
        status = coverage.status(minutes)
        for (home, walk), (column, service) in itertools.product(
            enumerate(coverage.walks.metres), enumerate(coverage.standard.services)
        ):
            reach = minutes * 60 * service.pace_mps + 1e-6
            edge = coverage.walks.edge_m[home, column]
            expected = "covered" if walk[column] <= reach else "unknown" if edge <= reach else "gap"
            assert status[service.id].iloc[home] == expected


@few
@given(drafts(), st.floats(0.5, 20), st.floats(0.5, 20))
def test_more_minutes_never_lower_a_share(draft: Draft, one: float, other: float) -> None:
    coverage = measure_coverage(build(draft), STANDARD.with_minutes({one, other}))
    for table in (coverage.by_community(), coverage.totals()):
        shares = table.groupby(["community_id", "service"])[["residents_covered", "area_covered_m2"]]
        assert (shares.diff().fillna(0) >= 0).all(axis=None)


@few
@given(drafts(), st.integers(-90, 690), st.integers(-90, 540), st.sampled_from(SERVICES))
def test_new_facility_never_lowers_a_share_nor_lengthens_a_walk(
    draft: Draft, x: int, y: int, service: str
) -> None:
    before = measure(draft)
    after = measure(draft._replace(facilities=(*draft.facilities, (x, y, service))))
    assert (after.walks.metres <= before.walks.metres).all()
    assert (after.walks.edge_m == before.walks.edge_m).all()
    for column in ("residents_covered", "area_covered_m2"):
        assert (after.by_community()[column] >= before.by_community()[column]).all()
    for column in ("residents_gap", "residents_unknown"):
        assert (after.by_community()[column] <= before.by_community()[column]).all()


@few
@given(drafts(), st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(draft: Draft, random: Random) -> None:
    city = build(draft)
    layers = {
        name: frame.iloc[random.sample(range(len(frame)), len(frame))]
        for name in ("homes", "communities", "facilities")
        for frame in [getattr(city, name)]
    }
    standard = STANDARD.with_minutes([3, 6, 10])
    one = measure_coverage(city, standard)
    other = measure_coverage(dataclasses.replace(city, **layers), standard)
    pd.testing.assert_frame_equal(other.minutes.loc[one.minutes.index], one.minutes, check_exact=True)
    pd.testing.assert_frame_equal(whole_table(other), whole_table(one), rtol=1e-12)


@few
@given(drafts(), st.integers(-300_000, 300_000), st.integers(-3_000_000, 3_000_000))
def test_shift_of_the_map_changes_no_minutes(draft: Draft, east: int, north: int) -> None:
    standard = STANDARD.with_minutes([3, 6, 10])
    here = measure_coverage(build(draft), standard)
    there = measure_coverage(build(draft, (CORNER[0] + east, CORNER[1] + north)), standard)
    pd.testing.assert_frame_equal(there.minutes, here.minutes, rtol=0, atol=1e-6)
    people = [*KEYS, *PARTS]
    pd.testing.assert_frame_equal(there.by_community()[people], here.by_community()[people])


# ---------------------------------------------------------------------- the two helpers of the tables


def naive_quantile(values: list[float], weights: list[int], q: float) -> float:
    """Return the least value at or below which a share `q` of the weight lies."""
    pairs = sorted((value, weight) for value, weight in zip(values, weights, strict=True) if weight)
    running = 0
    for value, weight in pairs:
        running += weight
        if running >= q * sum(weights) - 1e-9:
            return value
    return NAN


rows = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0.0, 1.5, 2.0, 7.25, INF]), st.integers(0, 9)), max_size=30
)


@given(rows, st.sampled_from([0.1, 0.25, 0.5, 0.9, 1.0]), st.sampled_from([1.0, 1e6]))
def test_grouped_quantile_is_the_naive_one(
    rows: list[tuple[int, float, int]], q: float, first_is_heavier: float
) -> None:
    group = np.array([row[0] for row in rows], dtype=np.int64)
    values, weights = np.array([row[1] for row in rows]), np.array([float(row[2]) for row in rows])
    heavy = np.where(group == 0, first_is_heavier, 1.0)
    expected = [
        naive_quantile([row[1] for row in rows if row[0] == i], [row[2] for row in rows if row[0] == i], q)
        for i in range(5)
    ]
    np.testing.assert_array_equal(grouped_quantile(group, values, weights * heavy, 5, q), expected)


def test_grouped_quantile_of_a_group_far_lighter_than_the_one_before() -> None:
    group, values = np.array([0, 1, 1, 1]), np.array([5.0, 1.0, 2.0, 3.0])
    weights = np.array([1e5, 1e-12, 1e-12, 1e-12])
    assert grouped_quantile(group, values, weights, 2, 0.5).tolist() == [5.0, 2.0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3), st.integers(0, 5)), max_size=20))
def test_heaviest_item_of_each_group(rows: list[tuple[int, int, int]]) -> None:
    group, item, weight = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    found = heaviest(group, item, weight.astype(np.float64), 5)
    for i, chosen in enumerate(found):
        carried: dict[int, int] = {}
        for row_group, row_item, row_weight in rows:
            if row_group == i and row_item >= 0:
                carried[row_item] = carried.get(row_item, 0) + row_weight
        if carried:
            assert carried[int(chosen)] == max(carried.values())
        else:
            assert chosen == -1
