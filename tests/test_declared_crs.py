"""Are the coordinate systems of Chinese planning offices read, and is one that is missing guessed well?"""

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import Point, box
from test_read_city import EAST, WEST, write_csv, write_layer, write_osm

from lifecircle.catalog import LayerFile
from lifecircle.errors import DataError
from lifecircle.sources.declared_crs import Context, likeliest_crs
from lifecircle.sources.features import read_features
from lifecircle.sources.layers import read_communities
from lifecircle.sources.read_city import read_city

LISHUI = CRS.from_epsg(4549)
SQUARE = box(492_000, 3_148_000, 493_000, 3_149_000)
AREA = box(490_000, 3_146_000, 495_000, 3_151_000)


def square_in(crs: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": ["a"]}, geometry=[SQUARE], crs=LISHUI).to_crs(crs)


def without_prj(path: Path, crs: int) -> LayerFile:
    square_in(crs).to_file(path)
    path.with_suffix(".prj").unlink()
    return LayerFile(path)


# PROJ knows no shift from Xian 80 (2364, 2385) to WGS 84, so none is made: some 100 m in truth.
@pytest.mark.parametrize("crs", [4490, 4326, 4549, 4528, 4509, 4610, 2364, 2385, 32650, 32651])
@pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson"])
def test_the_systems_of_planning_offices_are_read(tmp_path: Path, crs: int, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    square_in(crs).to_file(file)
    read = read_features(LayerFile(file), [], crs=LISHUI, polygons=True)
    assert shapely.hausdorff_distance(read.geometry.iloc[0], SQUARE) < 0.1


def test_a_prj_as_arcgis_writes_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.shp"
    square_in(4549).to_file(file)
    file.with_suffix(".prj").write_text(
        'PROJCS["CGCS2000_3_Degree_GK_CM_120E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",'
        'DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
        'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],'
        'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",120.0],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    read = read_features(LayerFile(file), [], crs=LISHUI, polygons=True)
    assert shapely.hausdorff_distance(read.geometry.iloc[0], SQUARE) < 0.01


def test_geojson_that_names_4490_has_longitude_first_and_latitude_first_is_refused(tmp_path: Path) -> None:
    square_in(4490).to_file(tmp_path / "a.geojson")
    text = (tmp_path / "a.geojson").read_text()
    assert "EPSG::4490" in text
    latitude_first = shapely.transform(square_in(4490).geometry.iloc[0], lambda xy: xy[:, ::-1])
    gpd.GeoDataFrame(geometry=[latitude_first], crs=4490).to_file(tmp_path / "b.geojson")
    with pytest.raises(DataError, match="longitude and latitude look swapped"):
        read_features(LayerFile(tmp_path / "b.geojson"), [], crs=LISHUI, polygons=True)


def test_communities_whose_latitude_comes_first_are_recognised_by_the_streets(tmp_path: Path) -> None:
    # In the far west of China both orders are possible degrees: 75.99 E, 39.47 N.
    kashgar = CRS.from_epsg(4534)
    place = box(39.46, 75.98, 39.48, 76.0)
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[place], crs=4490).to_file(tmp_path / "a.gpkg")
    streets = gpd.GeoSeries([box(75.97, 39.45, 76.01, 39.49)], crs=4490).to_crs(kashgar).iloc[0]
    assert len(read_communities(tmp_path / "a.gpkg", crs=kashgar)[0]) == 1
    with pytest.raises(DataError, match=r"fits the map only as 75\.99, 39\.47"):
        read_communities(tmp_path / "a.gpkg", crs=kashgar, area=streets)


def test_a_surveyors_x_is_north_and_the_swap_is_suggested(tmp_path: Path) -> None:
    table = pd.DataFrame({"名称": ["a"], "X坐标": [3_148_500], "Y坐标": [492_500]})
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match="look swapped") as refused:
        read_features(LayerFile(tmp_path / "a.csv", crs="EPSG:4549"), [], crs=LISHUI)
    assert "请交换这两列" in refused.value.in_language("zh")


# ---------------------------------------------------------------------- a file that names none


@pytest.mark.parametrize(
    ("crs", "likely"),
    [
        (4490, ["EPSG:4490", "EPSG:4326", "EPSG:4610"]),
        (4549, ["EPSG:4549", "EPSG:2385", "EPSG:2437"]),
        (4528, ["EPSG:4528", "EPSG:2364", "EPSG:2416"]),
        (4509, ["EPSG:4509", "EPSG:32650", "EPSG:2345"]),
        (32650, ["EPSG:4509", "EPSG:32650", "EPSG:2345"]),  # they differ by a kilometre northwards
        (4498, ["EPSG:4498", "EPSG:2334", "EPSG:21420"]),  # six-degree zone 20 before the eastings
    ],
)
def test_a_missing_prj_is_refused_with_the_three_likeliest(
    tmp_path: Path, crs: int, likely: list[str]
) -> None:
    file = without_prj(tmp_path / "a.shp", crs)
    with pytest.raises(DataError, match="does not say in which CRS") as refused:
        read_features(file, [], crs=LISHUI, area=AREA, polygons=True)
    for lang in ("en", "zh"):
        message = refused.value.in_language(lang)
        assert "--crs" in message
        named = re.findall(r"EPSG:\d+(?= \()", message)
        assert named == likely
    told = read_features(file, [], crs=LISHUI, bare_crs=f"EPSG:{crs}", area=AREA, polygons=True)
    assert shapely.hausdorff_distance(told.geometry.iloc[0], SQUARE) < 0.1


def test_the_crs_of_the_city_narrows_the_guess_where_its_area_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="EPSG:4549"):
        read_features(without_prj(tmp_path / "a.shp", 4549), [], crs=LISHUI, polygons=True)


def test_abroad_the_likeliest_are_those_of_the_place() -> None:
    here = CRS.from_epsg(32628)
    point = gpd.GeoSeries([Point(-15.43, 28.12)], crs=4326)
    city = Context(here, point.to_crs(here).buffer(5000).iloc[0], None)
    frame = gpd.GeoDataFrame(geometry=point.to_crs(here))
    likely = likeliest_crs(frame, city, geographic=False)
    assert likely[0] == "EPSG:32628 (WGS 84 / UTM zone 28N)"
    assert len(likely) == 3


def test_coordinates_that_lie_nowhere_near_get_no_guess(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[Point(7, 9e8)])
    assert likeliest_crs(frame, Context(LISHUI, AREA, None), geographic=False) == []
    assert likeliest_crs(frame, Context(CRS.from_epsg(4326), None, None), geographic=False) == []
    pd.DataFrame({"name": ["a"], "x": [7], "y": [9e8]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match="the likeliest for these coordinates: –"):
        read_features(LayerFile(tmp_path / "a.csv"), [], crs=LISHUI, area=AREA)


def test_a_list_in_metres_is_refused_with_the_likeliest_and_read_with_crs(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a"], "x": [40_492_500], "y": [3_148_500]})
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"are not degrees.*EPSG:4528 .*EPSG:2364"):
        read_features(LayerFile(tmp_path / "a.csv"), [], crs=LISHUI, area=AREA)
    for file in (
        LayerFile(tmp_path / "a.csv", crs="EPSG:4528"),
        LayerFile(tmp_path / "a.csv"),
    ):
        read = read_features(file, [], crs=LISHUI, bare_crs="EPSG:4528", area=AREA)
        assert read.geometry.iloc[0].distance(Point(492_500, 3_148_500)) < 0.01


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4549", "EPSG:4528"])
def test_the_crs_that_was_suggested_can_be_given_for_the_whole_city(tmp_path: Path, crs: str) -> None:
    osm = write_osm(tmp_path / "streets.osm")
    layer = gpd.read_file(write_layer(tmp_path / "c.gpkg", [WEST, EAST]))
    shp = tmp_path / "c.shp"
    layer.to_crs(crs).to_file(shp)
    shp.with_suffix(".prj").unlink()
    with pytest.raises(DataError, match=rf"--crs.*{crs}"):
        read_city(osm=osm, communities=shp)
    degrees = write_csv(tmp_path / "list.csv", "名称,经度,纬度,类别\n甲,119.9095,28.4502,幼儿园\n")
    city = read_city(osm=osm, communities=shp, facilities=degrees, crs=crs)
    assert city.crs.to_epsg() == {"EPSG:4490": 4549}.get(crs, int(crs[5:]))
    assert city.homes["residents"].sum() == pytest.approx(400)
    assert city.facilities["source"].to_list() == ["list.csv", "osm"]
