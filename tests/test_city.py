"""Does a `City` refuse, in both languages, whatever a later step could not bear?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from toy_town import CORNER, FACILITIES, HOMES, NAN, boxes, layer, toy_facilities, toy_homes, toy_town

from lifecircle.city import MEASURES
from lifecircle.errors import DataError

UTM51 = pyproj.CRS.from_epsg(32651)
POINT = shapely.Point(CORNER)


def moved(frame: gpd.GeoDataFrame, row: int, geometry: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Return the layer with another geometry in one row."""
    geometries = frame.geometry.to_numpy().copy()
    geometries[row] = geometry
    return frame.set_geometry(gpd.GeoSeries(geometries, index=frame.index, crs=frame.crs))


def weighed(residents: object) -> gpd.GeoDataFrame:
    homes = toy_homes(HOMES)
    homes.loc["c", "residents"] = residents
    return homes


COMMUNITIES = toy_town().communities
BOW_TIE = shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])
# message key, what is wrong, and what the English and the Chinese message must name
REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("network.not_metric", {"crs": pyproj.CRS.from_epsg(4326)}, ["WGS 84", "EPSG:4549"]),
    ("network.not_metric", {"crs": pyproj.CRS.from_epsg(2263)}, ["New York"]),  # projected, in US feet
    ("city.other_crs", {"crs": UTM51}, ["communities", "zone 50N", "zone 51N"]),
    ("city.other_crs", {"communities": COMMUNITIES.to_crs(UTM51)}, ["communities", "zone 51N"]),
    ("city.other_crs", {"facilities": toy_facilities(FACILITIES).to_crs(4326)}, ["facilities", "WGS 84"]),
    ("city.other_crs", {"homes": toy_homes(HOMES).set_crs(None, allow_override=True)}, ["homes"]),
    ("city.bad_geometry", {"communities": moved(COMMUNITIES, 2, BOW_TIE)}, ["communities", "2", "1"]),
    ("city.bad_geometry", {"communities": moved(COMMUNITIES, 1, shapely.Polygon())}, ["1"]),
    ("city.bad_geometry", {"communities": moved(COMMUNITIES, 1, POINT)}, ["1"]),
    ("city.bad_geometry", {"homes": moved(toy_homes(HOMES), 3, None)}, ["homes", "3"]),
    ("city.bad_geometry", {"homes": moved(toy_homes(HOMES), 3, shapely.Point(np.nan, 1))}, ["homes"]),
    ("city.bad_geometry", {"facilities": moved(toy_facilities(FACILITIES), 0, POINT.buffer(9))}, ["0"]),
    ("city.no_communities", {"communities": COMMUNITIES.iloc[:0], "homes": toy_homes([])}, []),
    ("city.id_twice", {"communities": COMMUNITIES.assign(community_id="c-north")}, ["c-north"]),
    ("city.id_twice", {"facilities": toy_facilities([*FACILITIES, FACILITIES[1]])}, ["facilities", "C"]),
    ("city.no_community", {"homes": toy_homes([("x", "c-west", (0, 0), 1)])}, ["c-west"]),
    ("city.unknown_measure", {"measure": "voters"}, ["voters", *MEASURES]),
    ("city.bad_weight", {"measure": "floor_m2"}, ["floor_m2", "10"]),
    ("city.bad_weight", {"homes": weighed(NAN)}, ["residents", "1"]),
    ("city.bad_weight", {"homes": weighed(np.inf)}, ["residents", "1"]),
    ("city.bad_weight", {"homes": weighed(-1)}, ["residents", "1"]),
    ("city.bad_weight", {"homes": toy_homes(HOMES).drop(columns="residents")}, ["residents", "10"]),
]


@pytest.mark.parametrize(("key", "wrong", "named"), REFUSED)
def test_refused(key: str, wrong: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(DataError) as refusal:
        toy_town(**wrong)
    assert refusal.value.key == key
    english, chinese = refusal.value.in_language("en"), refusal.value.in_language("zh")
    assert str(refusal.value) == english
    for word in named:
        assert word in english
        assert word in chinese
    assert english.isascii()
    assert any("一" <= char <= "鿿" for char in chinese)
    assert isinstance(refusal.value, ValueError)


def test_streets_in_another_crs_are_refused() -> None:
    town = toy_town()
    wrong = {name: getattr(town, name).to_crs(UTM51) for name in ("communities", "facilities", "homes")}
    with pytest.raises(DataError, match="Layer network is in WGS 84 / UTM zone 50N"):
        toy_town(crs=UTM51, **wrong)


def test_zero_weights_and_no_homes_and_no_facilities_are_results_not_errors() -> None:
    assert toy_town(homes=weighed(0.0)).weight.tolist()[2] == 0
    assert len(toy_town(homes=toy_homes([])).homes) == 0
    assert len(toy_town(facilities=toy_facilities([])).facilities) == 0


def test_parts_and_holes_are_fine() -> None:
    parts = shapely.MultiPolygon([boxes([(0, 0, 50, 50)])[0], boxes([(90, 0, 150, 50)])[0]])
    community = layer([parts], community_id=["m"], community=["M"], population=NAN)
    assert len(toy_town(communities=community, homes=toy_homes([])).communities) == 1


def test_says_what_it_is() -> None:
    town = toy_town()
    assert not town.is_synthetic
    assert toy_town(data="synthetic sample").is_synthetic
    assert town.label("zh") == "玩具镇"
    assert town.weight.tolist() == [row[3] for row in HOMES]
    assert toy_town(measure="home_places").weight.tolist() == [1.0] * 10
    assert repr(town).startswith("<City Toy Town: 3 communities, 10 homes, 3 facilities, <WalkNetwork ")
