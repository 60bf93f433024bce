"""Is every place measured in metres that are metres?"""

import pyproj
import pytest

from lifecircle.errors import DataError
from lifecircle.metric import as_crs, check_metric, in_china, metric_crs


@pytest.mark.parametrize(
    ("place", "lon", "lat", "epsg"),
    [
        ("Lishui, beside the border of two UTM zones", 119.92, 28.45, 4549),
        ("Lishui, east of 120 E", 120.05, 28.45, 4549),
        ("Beijing", 116.35, 39.98, 4548),
        ("Urumqi", 87.6, 43.8, 4538),
        ("Las Palmas", -15.43, 28.12, 32628),
        ("Helsinki", 24.94, 60.17, 32635),
        ("Sydney", 151.2, -33.9, 32756),
        ("Quito, just south of the equator", -78.5, -0.2, 32717),
        ("on the date line", 180.0, 10.0, 32601),
    ],
)
def test_a_metric_system_fits_its_place(place: str, lon: float, lat: float, epsg: int) -> None:
    crs = metric_crs(lon, lat)

    assert crs.to_epsg() == epsg, place
    check_metric(crs)


@pytest.mark.parametrize(("lon", "lat"), [(119.92, 28.45), (121.4, 31.2), (-15.43, 28.12), (151.2, -33.9)])
def test_a_metre_of_the_plane_is_a_metre_of_the_ground(lon: float, lat: float) -> None:
    crs = metric_crs(lon, lat)
    ends = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform([lon, lon + 0.01], [lat, lat])

    _, _, ground = pyproj.Geod(ellps="WGS84").inv(lon, lat, lon + 0.01, lat)
    plane = ((ends[0][1] - ends[0][0]) ** 2 + (ends[1][1] - ends[1][0]) ** 2) ** 0.5
    assert plane == pytest.approx(ground, rel=4e-4)


@pytest.mark.parametrize("epsg", [4326, 4490, 2263])  # degrees, degrees, US feet
def test_degrees_and_feet_are_refused(epsg: int) -> None:
    crs = pyproj.CRS.from_epsg(epsg)

    with pytest.raises(DataError, match="does not count in metres") as raised:
        check_metric(crs)
    assert crs.name in str(raised.value)


def test_metres_on_paper_only_are_refused() -> None:
    # Web Mercator draws a metre at 28 N as 1.13 m
    with pytest.raises(DataError, match="off by 13"):
        check_metric(pyproj.CRS.from_epsg(3857), [(-1_717_660.0, 3_261_000.0)])


def test_a_zone_far_away_is_refused() -> None:
    here, lishui = metric_crs(-15.43, 28.12), metric_crs(119.92, 28.45)
    x, y = pyproj.Transformer.from_crs(4326, lishui, always_xy=True).transform(100.0, 28.45)

    check_metric(lishui, [(590_000.0, 3_148_000.0)])
    check_metric(here, [])
    # 20 degrees beside its meridian a metre of this zone is 1.05 m
    with pytest.raises(DataError, match="off by"):
        check_metric(lishui, [(x, y)])


def test_a_system_is_known_by_any_of_its_names() -> None:
    crs = pyproj.CRS.from_epsg(4549)

    assert as_crs("EPSG:4549") == as_crs(4549) == as_crs(crs) == as_crs(crs.to_wkt()) == crs


@pytest.mark.parametrize("name", ["EPSG:999999", "Lishui", "", "epsg:"])
def test_an_unknown_system_is_named(name: str) -> None:
    with pytest.raises(DataError) as raised:
        as_crs(name)
    assert name in str(raised.value)


def test_china_is_told_from_other_places() -> None:
    assert in_china(119.92, 28.45)
    assert not in_china(-15.43, 28.12)
    assert not in_china(119.92, -28.45)


@pytest.mark.parametrize("name", ["+proj=utm +zone=50 +nadgrids=/etc/passwd", "+proj=merc +geoidgrids=x.gtx"])
def test_a_crs_that_names_a_grid_file_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="no coordinate system"):
        as_crs(name)
