"""Are saved answers of AMap's search read as it writes them, in its datum?"""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from lifecircle.catalog import LayerFile, load_standard
from lifecircle.errors import DataError
from lifecircle.messages import say
from lifecircle.sources.datum import wgs84_to_gcj02
from lifecircle.sources.features import read_features
from lifecircle.sources.json_file import amap_places
from lifecircle.sources.layers import read_facilities
from lifecircle.sources.notes import Note

LISHUI = CRS.from_epsg(4549)
SERVICES = load_standard("life-circle").services
AT = (119.9180, 28.4520)
DOOR = (119.9185, 28.4522)


def on_amap(place: tuple[float, float]) -> str:
    lon, lat = wgs84_to_gcj02(place)
    return f"{lon:.6f},{lat:.6f}"


# Version 3 writes [] for what it does not know, and the entrance beside the position.
V3 = {
    "id": "B0FFF00001",
    "name": "示例实验幼儿园",
    "type": "科教文化服务;学校;幼儿园",
    "typecode": "141204",
    "address": "示例路1号",
    "location": on_amap(AT),
    "entr_location": on_amap(DOOR),
    "adname": "莲都区",
    "tel": [],
    "biz_ext": {"rating": "4.5", "cost": []},
}
# Version 5 puts the entrance under navi, where it was asked for.
V5 = {
    "name": "示例街道社区卫生服务中心",
    "id": "B0FFF00002",
    "location": on_amap(AT),
    "type": "医疗保健服务;综合医院;卫生院",
    "typecode": "090102",
    "adname": "莲都区",
    "address": "示例路2号",
    "navi": {"navi_poiid": "J50F", "entr_location": on_amap(DOOR), "gridcode": "4519"},
}
CAR_PARK = {
    "name": "示例停车场",
    "type": "交通设施服务;停车场;停车场相关",
    "typecode": "150900",
    "location": on_amap(AT),
    "entr_location": [],
}


def save(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def answer(*pois: dict[str, Any]) -> dict[str, Any]:
    return {"status": "1", "info": "OK", "infocode": "10000", "count": str(len(pois)), "pois": list(pois)}


def metres(place: tuple[float, float]) -> shapely.Point:
    point: shapely.Point = gpd.GeoSeries([shapely.Point(place)], crs=4326).to_crs(LISHUI).iloc[0]
    return point


@pytest.mark.parametrize(
    "document",
    [
        answer(V3, V5, CAR_PARK),
        [V3, V5, CAR_PARK],
        [answer(V3), answer(V5, CAR_PARK), answer()],  # page after page
    ],
    ids=["answer", "bare list", "pages"],
)
def test_an_answer_is_read_in_gcj02_without_being_told_and_says_so(tmp_path: Path, document: object) -> None:
    file = save(tmp_path / "pois.json", document)
    facilities, notes = read_facilities(file, crs=LISHUI, services=SERVICES)
    assert facilities["service"].to_list() == ["kindergarten", "clinic"]
    assert facilities["name"].to_list() == [V3["name"], V5["name"]]
    assert facilities["facility_id"].to_list() == ["B0FFF00001", "B0FFF00002"]
    assert facilities.distance(metres(AT)).max() < 0.2
    for doors in facilities["doors"]:
        assert doors.geom_type == "MultiPoint"
        assert doors.distance(metres(DOOR)) < 0.2
    said = notes.set_index("item")
    assert said.loc["tables.amap_datum", "count"] == 3
    assert said.loc["tables.datum_moved", "detail"] == "pois.json: gcj02, 574 m"
    assert said.loc["tables.rows_with_entrances", "count"] == 2
    assert "示例停车场" in said.loc["tables.rows_unrecognised", "detail"]
    assert "高德" in say("tables.amap_datum", "zh")


def test_the_owner_may_know_better_of_which_datum_an_answer_is(tmp_path: Path) -> None:
    file = save(tmp_path / "pois.json", answer(V3))
    facilities, notes = read_facilities(LayerFile(file, datum="wgs84"), crs=LISHUI, services=SERVICES)
    assert facilities.distance(metres(AT)).iloc[0] == pytest.approx(573, abs=2)
    assert not {"tables.amap_datum", "tables.datum_moved"} & set(notes["item"])


@pytest.mark.parametrize(
    "location", [{"lng": 119.92, "lat": 28.45}, [119.92, 28.45], "119.92,28.45", "119.92， 28.45"]
)
def test_positions_are_read_in_every_form(tmp_path: Path, location: object) -> None:
    file = LayerFile(save(tmp_path / "pois.json", [{**V3, "location": location}]), datum="wgs84")
    point = read_features(file, [], crs=4326).geometry.iloc[0]
    assert (point.x, point.y) == pytest.approx((119.92, 28.45), abs=1e-9)


def test_places_without_a_position_are_counted(tmp_path: Path) -> None:
    file = save(tmp_path / "pois.json", answer(V3, {**V3, "location": []}, {**V3, "location": "north,of"}))
    notes: list[Note] = []
    from lifecircle.sources.opening import Limits

    read = read_features(LayerFile(file), notes, crs=LISHUI, limits=Limits(max_dropped_share=1.0))
    assert len(read) == 1
    assert ("tables.rows_without_coordinates", 1, "pois.json: 2") in notes
    assert ("tables.rows_with_bad_coordinates", 1, "pois.json: 3") in notes


def test_a_refusal_of_amap_is_told_from_a_list(tmp_path: Path) -> None:
    refusal = {"status": "0", "info": "INVALID_USER_KEY", "infocode": "10001"}
    with pytest.raises(DataError, match="AMap's refusal: INVALID_USER_KEY") as refused:
        read_features(LayerFile(save(tmp_path / "pois.json", refusal)), [], crs=LISHUI)
    assert "高德的拒绝信息" in refused.value.in_language("zh")


@pytest.mark.parametrize("document", [{"pois": []}, [answer()], {"pois": None}])
def test_an_answer_without_places_is_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(DataError, match="no row with a position"):
        read_features(LayerFile(save(tmp_path / "pois.json", document)), [], crs=LISHUI)


@pytest.mark.parametrize("document", [{"pois": [3]}, {"pois": ["a"]}, [], [1], [{"a": 1}], "text", 3, None])
def test_what_is_neither_an_answer_nor_geojson_is_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(DataError, match=r"does not hold what its ending|no row with a position"):
        read_features(LayerFile(save(tmp_path / "pois.json", document)), [], crs=LISHUI)


def test_geojson_is_no_answer_of_amap() -> None:
    feature = {"type": "Feature", "properties": {"location": "1,2"}, "geometry": None}
    assert amap_places({"type": "FeatureCollection", "features": [feature]}, Path("a.json")) is None
    assert amap_places(feature, Path("a.json")) is None


def test_a_table_may_hold_both_coordinates_and_the_entrance_in_one_column(tmp_path: Path) -> None:
    rows = [("甲", "幼儿园", on_amap(AT), on_amap(DOOR)), ("乙", "幼儿园", on_amap(AT), "")]
    table = pd.DataFrame(rows, columns=["名称", "类别", "经纬度", "入口坐标"])
    table.to_excel(tmp_path / "list.xlsx", index=False)
    file = LayerFile(tmp_path / "list.xlsx", datum="gcj02")
    facilities, _ = read_facilities(file, crs=LISHUI, services=SERVICES)
    assert facilities.distance(metres(AT)).max() < 0.2
    assert facilities["doors"].iloc[0].distance(metres(DOOR)) < 0.2
    assert facilities["doors"].isna().to_list() == [False, True]
    assert np.isfinite(shapely.get_coordinates(facilities["doors"].iloc[0])).all()
