"""Is a changed city, measured only where it changed, what a whole measurement finds?"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from test_links import assert_same_walks, at
from toy_town import (
    CRS,
    FACILITIES,
    HOMES,
    STANDARD,
    Draft,
    build,
    drafts,
    hilly,
    layer,
    points,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle import measured_again
from lifecircle.city import City
from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.measured_again import remeasure


def lon_lat(x: float, y: float) -> dict[str, float]:
    place = gpd.GeoSeries(shapely.points([at(x, y)]), crs=CRS).to_crs(4326).iloc[0]
    return {"lon": place.x, "lat": place.y}


@cases(100)
@given(
    drafts(),
    st.lists(st.tuples(st.integers(-90, 940), st.integers(-90, 540)), max_size=3),
    st.lists(st.integers(0, 9), max_size=3),
    st.sampled_from([1, 2]),
    st.one_of(st.none(), st.integers(0, 2**31)),
)
def test_facilities_that_come_and_go_are_measured_as_from_scratch(
    draft: Draft, added: list[tuple[int, int]], gone: list[int], ways: int, seed: int | None
) -> None:
    city = build(draft) if seed is None else hilly(build(draft), seed)
    coverage = measure_coverage(city, STANDARD, round_trip=ways == 2)
    changed = city
    for row in {row for row in gone if row < len(draft.facilities)}:
        changed = changed.without_facility(f"f{row}")
    for number, place in enumerate(added):
        service = STANDARD.services[number % 2].id
        changed = changed.with_facilities(service, layer(points([place]), name=["new"]))

    again = remeasure(coverage, changed)

    expected = measure_coverage(changed, STANDARD, round_trip=ways == 2)
    assert_same_walks(again, expected)
    assert again.round_trip is (ways == 2)
    assert again.city is changed
    for walks in ("walks", "cell_walks"):
        here, there = getattr(again, walks), getattr(expected, walks)
        reached = np.isfinite(here.metres)
        services = changed.facilities["service"].to_numpy()
        column = np.nonzero(reached)[1]
        assert (services[here.facility[reached]] == np.array([s.id for s in STANDARD.services])[column]).all()
        np.testing.assert_allclose(there.metres[reached], here.metres[reached])


def test_a_new_facility_shortens_only_some_walks() -> None:
    # the new clinic at (1900, 0): i walks 600 + 200 m, j 100 m
    coverage = measure_coverage(toy_town(), STANDARD)
    city = coverage.city.with_facility("clinic", **lon_lat(1900, 0), name="New Clinic", capacity=40)

    again = remeasure(coverage, city)

    walk_m = again.minutes["clinic"] * 72
    assert (walk_m["i"], walk_m["j"]) == pytest.approx((800, 100))
    assert walk_m["a"] == coverage.minutes["clinic"]["a"] * 72
    added = city.facilities.iloc[-1]
    assert added[["facility_id", "name", "service", "source", "capacity"]].tolist() == [
        "new-1", "New Clinic", "clinic", "scenario", 40,
    ]  # fmt: skip
    assert len(coverage.city.facilities) == len(FACILITIES)


def test_ids_of_new_facilities_are_new() -> None:
    city = toy_town().with_facility("clinic", **lon_lat(0, 0)).with_facility("clinic", **lon_lat(0, 0))
    again = city.without_facility("new-1").with_facility("clinic", **lon_lat(0, 0))

    assert city.facilities["facility_id"].tolist()[-2:] == ["new-1", "new-2"]
    assert again.facilities["facility_id"].tolist()[-2:] == ["new-2", "new-1"]


def test_a_facility_that_moved_under_its_old_id_is_measured_again() -> None:
    city = toy_town()
    coverage = measure_coverage(city, STANDARD)
    moved = dataclasses.replace(
        city,
        facilities=toy_facilities([("K", "Old Kindergarten", "kindergarten", (800, 0)), *FACILITIES[1:]]),
    )

    assert_same_walks(remeasure(coverage, moved), measure_coverage(moved, STANDARD))
    with_doors = city.facilities.assign(doors=[shapely.multipoints(points([(600, 0)])), None, None])
    entered = dataclasses.replace(city, facilities=with_doors)
    assert_same_walks(remeasure(coverage, entered), measure_coverage(entered, STANDARD))


def test_another_city_is_measured_whole() -> None:
    coverage = measure_coverage(toy_town(), STANDARD)
    other = toy_town(homes=toy_homes(HOMES[:4]))

    assert_same_walks(remeasure(coverage, other), measure_coverage(other, STANDARD))


@pytest.mark.parametrize("trip", [False, True])
def test_changes_may_follow_one_another(monkeypatch: pytest.MonkeyPatch, *, trip: bool) -> None:
    def never(*_: Any, **__: Any) -> None:
        pytest.fail("measured from scratch")

    coverage = measure_coverage(hilly(toy_town(), 1), STANDARD, round_trip=trip)
    first = coverage.city.with_facility("elderly_care", **lon_lat(700, 0))
    second = first.with_link_at(at(700, -300), at(700, 0))
    third = second.without_facility("S")
    with monkeypatch.context() as patch:
        patch.setattr(measured_again, "measure_coverage", never)
        for city in (first, second, third):
            coverage = remeasure(coverage, city)

    assert_same_walks(coverage, measure_coverage(third, STANDARD, round_trip=trip))


def test_an_id_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"no facility with the id X.*K, C, S"):
        toy_town().without_facility("X")
    with pytest.raises(DataError, match="Longitude 28, latitude 119"):
        toy_town().with_facility("clinic", lon=28, lat=119)


# ---------------------------------------------------------------------- what stands, and what is planned


def town_with_plans() -> City:
    facilities = toy_facilities(FACILITIES).assign(status=["建成", "在建", "拟建（2027）"])
    return toy_town(facilities=facilities)


def test_only_what_stands_counts_until_somebody_asks() -> None:
    today = town_with_plans().with_status()

    assert today.facilities["facility_id"].tolist() == ["K"]
    assert today.planned is not None
    assert today.planned["facility_id"].tolist() == ["C", "S"]
    assert today.with_status("拟建").facilities["facility_id"].tolist() == ["K", "S"]
    assert sorted(today.with_status("planned", "在建").facilities["facility_id"]) == ["C", "K", "S"]
    assert today.with_status("拟建").with_status().facilities["facility_id"].tolist() == ["K"]


def test_without_a_status_all_stand() -> None:
    city = toy_town()

    assert city.with_status("拟建") is city
    odd = toy_town(facilities=toy_facilities(FACILITIES).assign(status=["", None, "甲级"]))
    assert len(odd.with_status().facilities) == 3
    with pytest.raises(DataError, match="no status"):
        city.with_status("someday")


def test_plans_that_are_built_are_measured_as_from_scratch() -> None:
    today = town_with_plans().with_status()
    built = today.with_status("拟建", "在建")

    assert_same_walks(remeasure(measure_coverage(today, STANDARD), built), measure_coverage(built, STANDARD))


def test_an_id_may_not_stand_among_the_plans_too() -> None:
    city = town_with_plans().with_status()

    with pytest.raises(DataError, match="C"):
        dataclasses.replace(city, facilities=toy_facilities(FACILITIES))


def test_a_site_without_doors_may_be_added_where_others_have_some() -> None:
    facilities = toy_facilities(FACILITIES)
    doors = shapely.multipoints(points([(1100, 0)])[:, None])[0]
    facilities["doors"] = np.array([None, doors, None], dtype=object)
    coverage = measure_coverage(toy_town(facilities=facilities), STANDARD)

    for place in ((300, 0), (1900, 200)):  # the second change meets the first one's row
        coverage = remeasure(coverage, coverage.city.with_facility("clinic", **lon_lat(*place)))

    assert (
        coverage.city.facilities["doors"].map(type).tolist() == [type(None), type(doors)] + [type(None)] * 3
    )
    assert_same_walks(coverage, measure_coverage(coverage.city, STANDARD))
