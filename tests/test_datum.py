"""Do shifted coordinates come back, and do they lie where the public maps of China have them?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.optimize import minimize

from lifecircle.catalog import DATUMS
from lifecircle.sources.datum import (
    bd09_to_gcj02,
    from_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    to_wgs84,
    wgs84_to_gcj02,
)

METRES_A_DEGREE = 111_320.0
PAIRS = [(wgs84_to_gcj02, gcj02_to_wgs84), (gcj02_to_bd09, bd09_to_gcj02)]


def places_in_china(count: int) -> Any:
    return np.random.default_rng(5).uniform([73.5, 16.0], [135.1, 53.6], (count, 2))


@pytest.mark.parametrize(("there", "back"), PAIRS, ids=["gcj02", "bd09"])
def test_a_shift_comes_back(there: Callable[..., Any], back: Callable[..., Any]) -> None:
    places = places_in_china(100_000)
    assert np.abs(back(there(places)) - places).max() * METRES_A_DEGREE < 0.001
    assert np.abs(there(back(places)) - places).max() * METRES_A_DEGREE < 0.001


@pytest.mark.parametrize(("there", "least", "most"), [(wgs84_to_gcj02, 10, 1100), (gcj02_to_bd09, 600, 1200)])
def test_every_place_in_china_moves_some_hundred_metres(
    there: Callable[..., Any], least: float, most: float
) -> None:
    places = places_in_china(20_000)
    moved = (there(places) - places) * METRES_A_DEGREE
    moved[:, 0] *= np.cos(np.radians(places[:, 1]))
    lengths = np.hypot(*moved.T)
    assert least < lengths.min()
    assert lengths.max() < most


def test_the_usual_example_comes_out() -> None:
    # the place that published converters give as their example
    place = [116.404, 39.915]
    np.testing.assert_allclose(wgs84_to_gcj02(place), [116.41024449916938, 39.91640428150164], atol=1e-12)
    np.testing.assert_allclose(gcj02_to_bd09(place), [116.41036949371029, 39.92133699351022], atol=1e-12)


def test_lishui_moves_as_surveyed() -> None:
    east, north = (wgs84_to_gcj02([119.92, 28.45]) - [119.92, 28.45]) * METRES_A_DEGREE
    assert east * np.cos(np.radians(28.45)) == pytest.approx(431, abs=3)
    assert north == pytest.approx(-378, abs=3)


@pytest.mark.parametrize("shift", [function for pair in PAIRS for function in pair])
def test_outside_china_nothing_moves(shift: Callable[..., Any]) -> None:
    abroad = np.array([[-15.43, 28.12], [139.69, 35.69], [2.35, 48.86], [103.82, -6.2], [71.4, 51.2]])
    given = abroad.copy()
    assert (shift(abroad) == given).all()
    assert (abroad == given).all()
    assert not (shift([[114.17, 22.32], [113.54, 22.19], [121.56, 25.03]]) == 0).any()


@pytest.mark.parametrize("shift", [function for pair in PAIRS for function in pair])
def test_any_shape_goes_through_and_the_argument_stays(shift: Callable[..., Any]) -> None:
    grid = places_in_china(6).reshape(3, 2, 2)
    given = grid.copy()
    assert shift(grid).shape == (3, 2, 2)
    assert (grid == given).all()
    np.testing.assert_array_equal(shift(grid)[1, 1], shift(grid[1, 1]))
    assert shift(np.empty((0, 2))).shape == (0, 2)
    assert np.isnan(shift([np.nan, 30.0])[0])
    assert shift([120, 30]).dtype == np.float64


def test_the_district_of_an_amap_list_lands_on_its_survey(shared_data: Callable[[str], Path]) -> None:
    """Two outlines of one district, each generalised in its own way: what does the datum explain?

    Vertices of the AMap outline lie 418 m (median) off the survey's as they stand, 148 m after the shift.
    Whatever the translation, 142 m stay: that much is generalisation, so 80 m cannot be reached. What a wrong
    datum leaves is a translation, and that is the fair measure: the best is 543 m long before, 28 m after.
    """
    counties = gpd.read_file(shared_data("lishui/districts_cgcs2000.geojson"))
    outline = counties[counties["name"] == "莲都区"].to_crs(4549).boundary.iloc[0]
    shapely.prepare(outline)
    listed = shapely.from_geojson(shared_data("lishui/liandu_gcj02.geojson").read_text(encoding="utf-8"))

    def off(shape: Any) -> tuple[float, float, float]:
        """Return the median metres off the outline, those after the best translation, and its length."""
        xy = shapely.get_coordinates(gpd.GeoSeries([shape], crs=4490).to_crs(4549).iloc[0])

        def median(moved: Any) -> float:
            return float(np.median(shapely.distance(shapely.points(xy + moved), outline)))

        steps = np.arange(-800, 801, 200)
        start = min(((east, north) for east in steps for north in steps), key=median)
        best = minimize(median, start, method="Nelder-Mead")
        return median((0, 0)), best.fun, float(np.hypot(*best.x))

    before, _, far = off(listed)
    after, least, near = off(shapely.transform(listed, gcj02_to_wgs84))
    assert before > 350
    assert far > 500
    assert near < 80
    assert after < 160
    assert least > 80
    assert after < 1.1 * least


def test_datums_by_name_go_there_and_back() -> None:
    places = places_in_china(1000)
    for name in DATUMS:
        moved = from_wgs84(places, name)
        assert np.abs(to_wgs84(moved, name) - places).max() * METRES_A_DEGREE < 0.001
        assert (moved == places).all() == (name == "wgs84")
    np.testing.assert_array_equal(from_wgs84(places, "bd09"), gcj02_to_bd09(wgs84_to_gcj02(places)))
    kept = to_wgs84(places, "wgs84")
    kept[0] = 0
    assert places[0].all(), "what comes back is a copy"
