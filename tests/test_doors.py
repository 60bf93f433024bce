"""Are places with several doors measured from the nearest, and where do outlines meet the streets?"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from oracle import walks_m
from towns import PRIVATE, Street, Town, network_of, random_towns
from toy_town import CORNER, STANDARD, toy_facilities, toy_homes, toy_town

from lifecircle.choice import count_within, k_nearest, within
from lifecircle.coverage import measure_coverage
from lifecircle.doors import doors_of_outlines, facilities_on, homes_on, sites_of
from lifecircle.errors import DataError
from lifecircle.reach import metres_to_nearest
from lifecircle.route import route_to_nearest

MAIN = Street([(0, 0), (1000, 0)])
SAME_M = 1e-6


def doors(*points: tuple[float, float]) -> shapely.MultiPoint:
    return shapely.MultiPoint(points)


def coordinates(shape: shapely.Geometry) -> list[tuple[float, float]]:
    return [(round(x, 6), round(y, 6)) for x, y in sorted(shapely.get_coordinates(shape).tolist())]


# ---------------------------------------------------------------------- outlines


def test_an_outline_that_no_street_crosses_has_its_nearest_point_for_a_door() -> None:
    school = shapely.Polygon([(100, 40), (300, 30), (300, 100), (100, 100)])

    found = doors_of_outlines(network_of(MAIN), np.array([school]))

    assert coordinates(found[0]) == [(300, 30)]


def test_the_doors_of_an_outline_are_where_public_streets_cross_it() -> None:
    path = Street([(600, 0), (600, 70), (700, 70), (700, 0)])
    drive = Street([(650, 0), (650, 60)], PRIVATE)
    network = network_of(Street([(0, 0), (600, 0), (650, 0), (700, 0), (1000, 0)]), path, drive)

    found = doors_of_outlines(network, np.array([shapely.box(500, 40, 800, 100)]))

    assert coordinates(found[0]) == [(600, 40), (700, 40)]


def test_an_outline_along_a_street_opens_on_it() -> None:
    found = doors_of_outlines(network_of(MAIN), np.array([shapely.box(200, 0, 300, 50)]))
    assert coordinates(found[0]) == [(200, 0), (300, 0)]


def test_outlines_far_from_any_street_and_shapes_that_are_none_have_no_doors() -> None:
    shapes = [shapely.box(0, 201, 9, 300), shapely.Point(5, 5), shapely.Polygon(), None]
    shapes.append(shapely.MultiPolygon([shapely.box(0, 50, 9, 60), shapely.box(20, 10, 30, 60)]))
    found = doors_of_outlines(network_of(MAIN), np.array(shapes, dtype=object))
    assert found[:4].tolist() == [None] * 4
    assert shapely.get_coordinates(found[4])[0, 1] == 10


# ---------------------------------------------------------------------- several doors


def many_doors(town: Town, per_place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the homes and facilities of a town as places of up to so many doors."""
    return tuple(
        np.array(
            [shapely.MultiPoint(places[row : row + per_place]) for row in range(0, len(places), per_place)],
            dtype=object,
        )
        for places in (town.homes, town.facilities)
    )  # type: ignore[return-value]


def least_walks(town: Town, per_place: int) -> np.ndarray:
    """Return the oracle's walks, the least over all doors of each home and facility."""
    metres = walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m)
    of_homes = np.minimum.reduceat(metres, np.arange(0, len(town.homes), per_place), axis=0)
    return np.minimum.reduceat(of_homes, np.arange(0, len(town.facilities), per_place), axis=1)


@cases(100)
@given(random_towns(), st.integers(2, 3))
def test_the_nearest_of_all_doors_counts(town: Town, per_place: int) -> None:
    network, expected = town.network(), least_walks(town, per_place)
    home_sites, facility_sites = many_doors(town, per_place)
    homes = homes_on(network, home_sites, max_m=town.max_m)
    facilities = facilities_on(network, facility_sites, max_m=town.max_m)

    found = metres_to_nearest(network, homes, facilities)
    routes = [
        route_to_nearest(network, home, list(facility_sites), max_snap_m=town.max_m) for home in home_sites
    ]

    np.testing.assert_allclose(found.metres, expected.min(axis=1), rtol=0, atol=SAME_M)
    reached = np.flatnonzero(found.facility >= 0)
    chosen = expected[reached, found.facility[reached]]
    np.testing.assert_allclose(chosen, found.metres[reached], rtol=0, atol=SAME_M)
    lengths = [np.inf if route is None else route.length for route in routes]
    np.testing.assert_allclose(lengths, found.metres, rtol=0, atol=SAME_M)


@cases(100)
@given(random_towns(), st.integers(2, 3), st.sampled_from([150.0, 700.0]))
def test_choices_are_of_places_and_not_of_doors(town: Town, per_place: int, cutoff_m: float) -> None:
    network, expected = town.network(), least_walks(town, per_place)
    home_sites, facility_sites = many_doors(town, per_place)
    places = (
        homes_on(network, home_sites, max_m=town.max_m),
        facilities_on(network, facility_sites, max_m=town.max_m),
    )

    pairs = within(network, *places, cutoff_m=cutoff_m + SAME_M)
    nearest = k_nearest(network, *places, k=3)
    count = count_within(network, *places, cutoff_m=cutoff_m + SAME_M)

    home, facility = np.nonzero(expected <= cutoff_m)
    assert sorted(zip(pairs.home, pairs.facility, strict=True)) == list(zip(home, facility, strict=True))
    np.testing.assert_allclose(pairs.metres, expected[pairs.home, pairs.facility], rtol=0, atol=SAME_M)
    assert count.tolist() == np.bincount(home, minlength=len(home_sites)).tolist()
    ranked = np.pad(np.sort(expected, axis=1), ((0, 0), (0, 3)), constant_values=np.inf)[:, :3]
    np.testing.assert_allclose(nearest.metres, ranked, rtol=0, atol=SAME_M)


def test_coverage_is_measured_from_doors_and_counts_a_home_once() -> None:
    # a: doors at (300, 10) and (250, 0); its clinic: at (1100, 20) and (900, 5). The shortest walk: from 300
    # to 900 on Main Street, with 10 m and 5 m off it; in a straight line 600 m over and 5 m down
    town = toy_town()
    homes = toy_homes([("a", "c-north", (300, 30), 100)]).assign(
        doors=[doors(*(np.array([(300, 10), (250, 0)]) + CORNER))]
    )
    clinic = toy_facilities([("C", "Main Clinic", "clinic", (1100, 20))]).assign(
        doors=[doors(*(np.array([(1100, 20), (900, 5)]) + CORNER))]
    )
    coverage = measure_coverage(dataclasses.replace(town, homes=homes, facilities=clinic), STANDARD)

    column = coverage.minutes.columns.get_loc("clinic")
    assert coverage.walks.metres[:, column] == pytest.approx([10 + 600 + 5])
    assert coverage.straight_m[:, column] == pytest.approx([np.hypot(600, 5)])
    route = coverage.route("a", "clinic")
    assert route is not None
    assert route.length == pytest.approx(615)
    assert coverage.totals()["residents"].unique() == [100.0]


def test_places_without_doors_are_their_points() -> None:
    frame = gpd.GeoDataFrame({"doors": [None, doors((1, 1))]}, geometry=shapely.points([5, 6], [5, 6]))
    assert list(sites_of(frame)) == [shapely.Point(5, 5), doors((1, 1))]
    assert list(sites_of(frame.drop(columns="doors"))) == [shapely.Point(5, 5), shapely.Point(6, 6)]


@pytest.mark.parametrize("wrong", [shapely.Point(1, 1), "door", doors((np.inf, 1))])
def test_a_city_refuses_doors_that_are_none(wrong: Any) -> None:
    homes = toy_homes([("a", "c-north", (300, 30), 100)])
    homes["doors"] = pd.Series([wrong], index=homes.index, dtype=object)
    with pytest.raises(DataError, match="homes, row 0"):
        toy_town(homes=homes)
