import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from pyproj import CRS
from shapely import affinity
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, box

from lifecircle.catalog import find_kind, load_standard
from lifecircle.errors import DataError, FileError
from lifecircle.messages import LANGUAGES, say
from lifecircle.sources.layers import (
    read_barriers,
    read_boundary,
    read_communities,
    read_facilities,
    read_homes,
)
from lifecircle.standard import Limit, Service

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
LISHUI = CRS.from_epsg(4549)
WEST, EAST = box(492_000, 3_148_000, 493_000, 3_149_000), box(493_000, 3_148_000, 494_000, 3_149_000)
AREA = box(492_000, 3_148_000, 494_000, 3_149_000)
SERVICES = load_standard("life-circle").services


@pytest.fixture
def catchments() -> Path:
    path = SHARED / "las_palmas" / "catchments.geojson"
    if not path.exists():
        pytest.skip(f"needs the shared file {path.name}, which is not part of the project")
    return path


def write(path: Path, geometries: list[Any], **columns: list[Any]) -> Path:
    gpd.GeoDataFrame(columns, geometry=geometries, crs=LISHUI).to_file(path)
    return path


def counts(notes: pd.DataFrame) -> dict[str, int]:
    assert all(say(item, lang) for item in notes["item"] for lang in LANGUAGES)
    return {
        item.removeprefix("tables."): int(count)
        for item, count in zip(notes["item"], notes["count"], strict=True)
    }


def detail(notes: pd.DataFrame, item: str) -> str:
    assert say(f"tables.{item}", "zh") != say(f"tables.{item}", "en")
    return str(notes.set_index("item").loc[f"tables.{item}", "detail"])


def lonlat(x: float, y: float) -> tuple[float, float]:
    point = gpd.GeoSeries([Point(x, y)], crs=LISHUI).to_crs(4326).iloc[0]
    return float(point.x), float(point.y)


def facilities_csv(
    path: Path, rows: Sequence[tuple[str, str, float, float]], encoding: str = "utf-8"
) -> Path:
    """Write rows of name, type, x, y (metres of the city) as a list in degrees."""
    places = [(name, kind, *lonlat(x, y)) for name, kind, x, y in rows]
    pd.DataFrame(places, columns=["名称", "类别", "经度", "纬度"]).to_csv(
        path, index=False, encoding=encoding
    )
    return path


# Communities


def test_communities_have_ids_names_and_populations(tmp_path: Path) -> None:
    file = write(
        tmp_path / "c.gpkg", [WEST, EAST], 编号=["a", "b"], 名称=["示例甲", "示例乙"], 常住人口=[5000, 6000]
    )
    communities, notes = read_communities(file, crs=LISHUI)
    assert list(communities.columns) == ["community_id", "community", "population", "geometry"]
    assert communities.crs == LISHUI
    assert communities.drop(columns="geometry").to_dict("list") == {
        "community_id": ["a", "b"],
        "community": ["示例甲", "示例乙"],
        "population": [5000.0, 6000.0],
    }
    assert counts(notes) == {"rows_read": 2, "rows_used": 2}


def test_communities_of_a_gbk_shapefile_without_cpg(tmp_path: Path) -> None:
    file = tmp_path / "c.shp"
    frame = gpd.GeoDataFrame(
        {"社区名称": ["紫金", "白云"], "人口": ["12", ""]}, geometry=[WEST, EAST], crs=4490
    )
    frame.geometry = gpd.GeoSeries([WEST, EAST], crs=LISHUI).to_crs(4490)
    frame.to_file(file, encoding="gb18030")
    file.with_suffix(".cpg").unlink()
    communities, notes = read_communities(file, crs=LISHUI)
    assert list(communities["community"]) == ["紫金", "白云"]
    assert list(communities["community_id"]) == ["c001", "c002"]
    assert communities["population"].iloc[0] == 12
    assert math.isnan(communities["population"].iloc[1])
    assert communities.area.round(-2).to_list() == [1_000_000, 1_000_000]
    assert "紫金" in detail(notes, "encoding_guessed")
    assert detail(notes, "rows_without_number") == "c.shp: 人口: 2"


def test_columns_whose_names_a_shapefile_cut_are_known_again(tmp_path: Path) -> None:
    path = tmp_path / "utf8.shp"
    columns = {"社区编号": ["1", "2"], "名称": ["甲", "乙"], "常住人口": [5, 6], "60岁以上": [1, 2]}
    areas = shapely.box([492_000, 493_000], 3_148_000, [493_000, 494_000], 3_149_000)
    frame = gpd.GeoDataFrame(columns, geometry=areas, crs=4549)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are cut
        frame.to_file(path, encoding="utf-8")
    communities, notes = read_communities(path, crs=4549)
    assert communities["community_id"].to_list() == ["1", "2"]
    assert communities["population"].to_list() == [5, 6]
    assert communities["residents_60plus"].to_list() == [1, 2]
    assert counts(notes)["column_cut"] == 3
    assert "常住人 = 常住人口" in notes["detail"].str.cat()


def test_a_missing_population_stays_missing(tmp_path: Path) -> None:
    file = write(
        tmp_path / "c.gpkg", [WEST, EAST, WEST], name=["a", "b", "c"], population=["", "about 500", "1,200"]
    )
    communities, notes = read_communities(file, crs=LISHUI)
    assert communities["population"].isna().to_list() == [True, True, False]
    assert communities["population"].iloc[2] == 1200
    assert counts(notes)["rows_without_number"] == 2
    file = write(tmp_path / "none.gpkg", [WEST], name=["a"])
    assert read_communities(file, crs=LISHUI)[0]["population"].isna().all()


def test_a_negative_population_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "c.gpkg", [WEST, EAST], name=["a", "b"], population=[10, -3])
    with pytest.raises(DataError, match="population is -3 in row 2"):
        read_communities(file, crs=LISHUI)


def test_columns_can_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "c.gpkg", [WEST], name=["a"], label=["the name"], 六普=[7])
    columns = {"community": "label", "population": "六普"}
    communities, _ = read_communities(file, crs=LISHUI, columns=columns)
    assert communities.loc[0, ["community", "population"]].to_list() == ["the name", 7]
    with pytest.raises(
        DataError, match=r"no column 人口 \(asked for as population\)\. It has: name, label, 六普"
    ):
        read_communities(file, crs=LISHUI, columns={"population": "人口"})
    with pytest.raises(DataError, match="Known here: community_id, community, population"):
        read_communities(file, crs=LISHUI, columns={"people": "六普"})


def test_names_come_from_a_column_of_texts_that_differ_and_the_choice_is_noted(tmp_path: Path) -> None:
    file = write(
        tmp_path / "c.gpkg",
        [WEST, EAST, WEST],
        postcode=["1", "2", "3"],
        district=["X", "X", "X"],
        barrio_n=["a", "b", ""],
    )
    communities, notes = read_communities(file, crs=LISHUI)
    assert list(communities["community"]) == ["a", "b", "c003"]
    assert detail(notes, "name_column_chosen") == "c.gpkg: barrio_n"
    assert detail(notes, "rows_without_name") == "c.gpkg: 3"


def test_communities_without_any_name_are_shown_by_id(tmp_path: Path) -> None:
    communities, notes = read_communities(write(tmp_path / "c.gpkg", [WEST, EAST]), crs=LISHUI)
    assert list(communities["community"]) == ["c001", "c002"]
    assert counts(notes)["rows_without_name"] == 2


def test_repeated_ids_are_told_apart_and_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "c.gpkg", [WEST, EAST], code=[331102001001.0, 331102001001.0], name=["a", "a"])
    communities, notes = read_communities(file, crs=LISHUI)
    assert list(communities["community_id"]) == ["331102001001", "331102001001-2"]
    assert detail(notes, "ids_made_unique") == "c.gpkg: 2"


def test_communities_must_be_areas(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no polygon"):
        read_communities(write(tmp_path / "c.gpkg", [WEST.centroid]), crs=LISHUI)
    table = tmp_path / "c.csv"
    table.write_text("名称,人口\n甲,5\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"\.csv are not read here. Save it as one of \.gpkg, \.shp, \.geojson, \.json"
    ):
        read_communities(table, crs=LISHUI)


def test_real_catchments_declared_in_another_crs(catchments: Path) -> None:
    communities, notes = read_communities(catchments, crs=CRS.from_epsg(32628))
    assert len(communities) == 29
    assert communities["community"].iloc[0] == "IES ALONSO QUESADA"
    assert communities["community_id"].iloc[0] == "35002972"
    assert communities.is_valid.all()
    lon, lat = communities.to_crs(4326).union_all().centroid.coords[0]
    assert (lon, lat) == pytest.approx((-15.45, 28.1), abs=0.06)
    assert counts(notes)["rows_used"] == 29


# Boundary


def test_a_boundary_is_the_union_of_its_polygons(tmp_path: Path) -> None:
    assert read_boundary(write(tmp_path / "b.gpkg", [WEST, EAST]), crs=LISHUI).equals(AREA)
    far = affinity.translate(EAST, 5000)
    assert isinstance(read_boundary(write(tmp_path / "f.gpkg", [WEST, far]), crs=LISHUI), MultiPolygon)
    degrees = read_boundary(write(tmp_path / "d.gpkg", [WEST, EAST]), crs=4326)
    assert degrees.centroid.coords[0] == pytest.approx(lonlat(493_000, 3_148_500), abs=1e-4)


# Barriers


def test_barriers_are_lines_and_areas(tmp_path: Path) -> None:
    line = LineString([(492_000, 3_148_000), (492_100, 3_148_000)])
    two = MultiLineString([line, affinity.translate(line, 0, 50)])
    path = write(tmp_path / "walls.geojson", [two, WEST, Point(492_500, 3_148_500)])
    barriers, notes = read_barriers(path, crs=LISHUI)
    assert barriers.geom_type.tolist() == ["LineString", "LineString", "Polygon"]
    assert barriers.crs == LISHUI
    assert barriers.length.iloc[0] == pytest.approx(100, abs=0.01)
    assert counts(notes) == {"rows_read": 3, "rows_not_barriers": 1, "rows_used": 2}
    assert detail(notes, "rows_not_barriers") == "walls.geojson: 3"


def test_a_layer_of_points_holds_no_barrier(tmp_path: Path) -> None:
    path = write(tmp_path / "points.gpkg", [Point(492_500, 3_148_500)])
    with pytest.raises(DataError, match="no line or area"):
        read_barriers(path, crs=LISHUI)


# Facilities


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_facilities_of_a_csv(tmp_path: Path, encoding: str) -> None:
    rows = [
        ("示例中心幼儿园", "幼儿园", 492_100, 3_148_200),
        ("示例站", "社区卫生服务站", 492_900, 3_148_300),
        ("示例之家", "居家养老服务中心", 493_500, 3_148_500),
    ]
    file = facilities_csv(tmp_path / "list.csv", rows, encoding)
    facilities, notes = read_facilities(file, crs=LISHUI, services=SERVICES, area=AREA)
    assert list(facilities.columns) == ["facility_id", "name", "service", "source", "geometry"]
    assert list(facilities["service"]) == ["kindergarten", "clinic", "elderly_care"]
    assert list(facilities["facility_id"]) == ["list-001", "list-002", "list-003"]
    assert set(facilities["source"]) == {"list.csv"}
    assert facilities.distance(Point(492_100, 3_148_200)).iloc[0] < 0.01
    assert {"rows_read": 3, "rows_used": 3}.items() <= counts(notes).items()


def test_facilities_of_a_workbook_under_a_title(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["示例区养老机构名单"])
    sheet.append(["编号", "机构名称", "机构类型", "东经", "北纬"])
    sheet.append([7, "示例院", "养老院", *lonlat(492_500, 3_148_500)])
    book.save(tmp_path / "list.xlsx")
    facilities, _ = read_facilities(tmp_path / "list.xlsx", crs=LISHUI, services=SERVICES, area=AREA)
    assert facilities.drop(columns="geometry").iloc[0].to_list() == [
        "7",
        "示例院",
        "elderly_care",
        "list.xlsx",
    ]


def test_facilities_of_a_layer_are_points_even_where_drawn_as_areas(tmp_path: Path) -> None:
    file = write(
        tmp_path / "f.gpkg", [WEST.buffer(-400), Point(493_500, 3_148_500)], type=["Kindergarten", "clinic"]
    )
    facilities, _ = read_facilities(file, crs=LISHUI, services=SERVICES, area=AREA)
    assert set(facilities.geom_type) == {"Point"}
    assert WEST.buffer(-400).contains(facilities.geometry.iloc[0])
    assert list(facilities["name"]) == ["", ""]


@pytest.mark.parametrize(
    ("kind", "name", "service"),
    [
        ("幼儿园", "养老院旁", "kindergarten"),  # the type goes before the name
        ("", "示例幼儿园", "kindergarten"),  # an empty type says nothing
        ("Clinic", "", "clinic"),
        ("ＣＬＩＮＩＣ", "", "clinic"),
        ("幼 儿 园", "", "kindergarten"),
        ("elderly_care", "", "elderly_care"),
        ("社区卫生服务", "", "clinic"),
    ],
)
def test_types_tell_the_service(tmp_path: Path, kind: str, name: str, service: str) -> None:
    file = facilities_csv(tmp_path / "f.csv", [(name, kind, 492_100, 3_148_200)])
    assert read_facilities(file, crs=LISHUI, services=SERVICES)[0]["service"].to_list() == [service]


def test_an_id_or_name_of_a_service_counts_only_as_the_whole_text(tmp_path: Path) -> None:
    limits = (Limit(500, "m", "test", "M"),)
    park = Service("park", {"zh": "公园", "en": "Park"}, 1.2, "test", "M", limits, kinds=(find_kind("park"),))
    rows = [("", "park", 492_100.0, 3_148_200.0), ("", "car park", 492_100.0, 3_148_200.0)]
    file = facilities_csv(tmp_path / "f.csv", rows)
    facilities, notes = read_facilities(file, crs=LISHUI, services=(park,))
    assert len(facilities) == 1
    assert detail(notes, "rows_unrecognised") == "f.csv: car park"


def test_without_a_type_column_the_name_tells(tmp_path: Path) -> None:
    file = write(tmp_path / "f.gpkg", [WEST.centroid, EAST.centroid], 名称=["示例第一幼儿园", "示例公司"])
    facilities, notes = read_facilities(file, crs=LISHUI, services=SERVICES)
    assert list(facilities["name"]) == ["示例第一幼儿园"]
    assert detail(notes, "rows_unrecognised") == "f.gpkg: 示例公司"
    with pytest.raises(DataError, match=r"no column says what each facility is.*Columns seen: size"):
        read_facilities(write(tmp_path / "g.gpkg", [WEST.centroid], size=[3]), crs=LISHUI, services=SERVICES)


def test_animal_hospitals_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        ("示例宠物诊所", "clinic", 492_100.0, 3_148_200.0),
        ("示例站", "动物医院", 492_100.0, 3_148_200.0),
        ("动物园幼儿园", "幼儿园", 492_100.0, 3_148_200.0),
    ]
    facilities, notes = read_facilities(
        facilities_csv(tmp_path / "f.csv", rows), crs=LISHUI, services=SERVICES
    )
    assert list(facilities["name"]) == ["动物园幼儿园"]
    assert detail(notes, "rows_for_animals") == "f.csv: 2, 3"
    assert "rows_unrecognised" not in counts(notes)


def test_places_nobody_asked_for_are_another_thing_than_places_nobody_knows(tmp_path: Path) -> None:
    here = (492_100.0, 3_148_200.0)
    rows = [
        ("示例小学", "小学", *here),
        ("王氏诊所", "诊所", *here),
        ("李氏診所", "", *here),
        ("示例幼儿园", "幼儿园", *here),
        ("示例店", "文具店", *here),
        ("另一店", "文具店", *here),
    ]
    facilities, notes = read_facilities(
        facilities_csv(tmp_path / "f.csv", rows), crs=LISHUI, services=SERVICES
    )
    assert list(facilities["name"]) == ["示例幼儿园"]
    assert counts(notes)["rows_other_kind"] == 3
    assert detail(notes, "rows_other_kind") == "f.csv: 诊所 Private clinic ×2, 小学 Primary school"
    assert detail(notes, "rows_unrecognised") == "f.csv: 文具店 (示例店, 另一店) ×2"


def test_a_list_of_other_services_is_no_error(tmp_path: Path) -> None:
    rows = [("示例小学", "小学", 492_100.0, 3_148_200.0), ("示例店", "文具店", 492_100.0, 3_148_200.0)]
    facilities, notes = read_facilities(
        facilities_csv(tmp_path / "f.csv", rows), crs=LISHUI, services=SERVICES
    )
    assert facilities.empty
    assert (counts(notes)["rows_other_kind"], counts(notes)["rows_unrecognised"]) == (1, 1)


def test_amap_codes_go_before_types_and_names(tmp_path: Path) -> None:
    frame = write(
        tmp_path / "f.gpkg",
        [WEST.centroid, EAST.centroid, WEST.centroid],
        name=["示例园", "示例社区卫生服务站", "示例院"],
        type=["", "医疗保健服务;诊所;诊所", "医疗保健服务;动物医疗场所;宠物诊所"],
        typecode=["141204", "090300", "090700"],
    )
    facilities, notes = read_facilities(frame, crs=LISHUI, services=SERVICES)
    assert list(facilities["service"]) == ["kindergarten", "clinic"]
    assert counts(notes)["rows_for_animals"] == 1


def test_a_place_that_two_services_want_is_a_row_of_each(tmp_path: Path) -> None:
    services = load_standard("gb50180-2018").services
    rows = [
        ("示例学校", "九年一贯制学校", 492_100.0, 3_148_200.0),
        ("示例幼儿园", "幼儿园", 492_100.0, 3_148_200.0),
    ]
    facilities, notes = read_facilities(
        facilities_csv(tmp_path / "f.csv", rows), crs=LISHUI, services=services
    )
    assert list(facilities["service"]) == ["primary_school", "middle_school", "kindergarten"]
    assert facilities["facility_id"].is_unique
    assert counts(notes)["rows_used"] == 2


def test_unrecognised_types_are_counted_and_the_first_ten_named(tmp_path: Path) -> None:
    rows = [("", f"类{number}", 492_100.0, 3_148_200.0) for number in range(12)]
    file = facilities_csv(tmp_path / "f.csv", [*rows, ("", "幼儿园", 492_100, 3_148_200)])
    facilities, notes = read_facilities(file, crs=LISHUI, services=SERVICES)
    assert len(facilities) == 1
    assert counts(notes)["rows_unrecognised"] == 12
    assert "类9" in detail(notes, "rows_unrecognised")
    assert "类10" not in detail(notes, "rows_unrecognised")
    with pytest.raises(DataError, match=r"none of its types is known: 类0, 类1.*Rename them.*幼儿园"):
        read_facilities(facilities_csv(tmp_path / "g.csv", list(rows)), crs=LISHUI, services=SERVICES)


def test_facilities_outside_are_kept_and_counted(tmp_path: Path) -> None:
    rows = [("in", "clinic", 492_100.0, 3_148_200.0), ("near", "clinic", 491_500.0, 3_148_200.0)]
    file = facilities_csv(tmp_path / "f.csv", rows)
    facilities, notes = read_facilities(file, crs=LISHUI, services=SERVICES, area=AREA)
    assert list(facilities["name"]) == ["in", "near"]
    assert detail(notes, "rows_outside") == "f.csv: 3"


def test_a_list_wholly_outside_is_refused_with_both_bounds(tmp_path: Path) -> None:
    rows = [("far", "clinic", 592_100.0, 3_148_200.0)]
    file = facilities_csv(tmp_path / "f.csv", rows)
    with pytest.raises(DataError, match="all facilities lie outside the area") as caught:
        read_facilities(file, crs=LISHUI, services=SERVICES, area=AREA)
    assert "120.9" in str(caught.value)
    assert "119.9" in str(caught.value)
    assert "GCJ-02" in caught.value.in_language("zh")


def test_swapped_facilities_are_refused_by_name(tmp_path: Path) -> None:
    lon, lat = lonlat(492_100, 3_148_200)
    pd.DataFrame({"type": ["clinic"], "lon": [lat], "lat": [lon]}).to_csv(tmp_path / "f.csv", index=False)
    with pytest.raises(DataError, match="look swapped"):
        read_facilities(tmp_path / "f.csv", crs=LISHUI, services=SERVICES, area=AREA)


# Homes


def test_homes_of_points_and_of_buildings(tmp_path: Path) -> None:
    file = write(tmp_path / "h.gpkg", [WEST.centroid, EAST.centroid], 居住人口=[3, None], 建筑面积=[90.5, 70])
    homes, _ = read_homes(file, crs=LISHUI)
    assert list(homes.columns) == ["residents", "floor_m2", "geometry"]
    assert homes["floor_m2"].to_list() == [90.5, 70]
    assert homes["residents"].isna().to_list() == [False, True]

    house = box(492_000, 3_148_000, 492_020, 3_148_010)
    file = write(tmp_path / "b.gpkg", [house, house, house], 层数=[6, None, 6], 建筑面积=[None, None, 999])
    homes, notes = read_homes(file, crs=LISHUI)
    assert set(homes.geom_type) == {"Point"}
    assert homes["floor_m2"].fillna(-1).to_list() == [1200, -1, 999]
    assert detail(notes, "rows_used") == "b.gpkg"


def test_points_have_no_footprint(tmp_path: Path) -> None:
    homes, _ = read_homes(write(tmp_path / "h.gpkg", [WEST.centroid], levels=[6]), crs=LISHUI)
    assert homes["floor_m2"].isna().all()


def test_homes_of_a_list(tmp_path: Path) -> None:
    lon, lat = lonlat(492_100, 3_148_200)
    pd.DataFrame({"lon": [lon, None], "lat": [lat, lat], "people": [4, 5]}).to_csv(
        tmp_path / "h.csv", index=False
    )
    homes, notes = read_homes(tmp_path / "h.csv", crs=LISHUI)
    assert homes["residents"].to_list() == [4]
    assert counts(notes) == {"rows_read": 2, "rows_without_coordinates": 1, "rows_used": 1}


def test_homes_of_a_list_say_whose_homes_they_are(tmp_path: Path) -> None:
    lon, lat = lonlat(492_100, 3_148_200)
    rows = [["1幢", lon, lat, 40, 12, 3, 2, 9], ["2幢", lon, lat, 30, 10, "", 1, 8]]
    columns = ["楼栋", "经度", "纬度", "人口", "户数", "0-3岁", "3-6岁", "60岁以上"]
    pd.DataFrame(rows, columns=pd.Index(columns)).to_csv(tmp_path / "h.csv", index=False, encoding="gb18030")
    homes, notes = read_homes(tmp_path / "h.csv", crs=LISHUI)
    assert homes["households"].to_list() == [12, 10]
    assert homes["residents_0_3"].isna().to_list() == [False, True]  # what is missing stays missing
    assert homes[["residents_3_6", "residents_60plus"]].to_numpy().tolist() == [[2, 9], [1, 8]]
    assert detail(notes, "rows_without_number") == "h.csv: 0-3岁: 3"
    pd.DataFrame([[*rows[0][:5], -1, 2, 9]], columns=pd.Index(columns)).to_csv(
        tmp_path / "n.csv", index=False
    )
    with pytest.raises(DataError, match=r"0-3岁"):
        read_homes(tmp_path / "n.csv", crs=LISHUI)


def test_every_note_can_be_said_and_a_missing_file_is_named(tmp_path: Path) -> None:
    rows = [("a", "clinic", 492_100.0, 3_148_200.0), ("b", "?", 1.0, 1.0)]
    _, notes = read_facilities(facilities_csv(tmp_path / "f.csv", rows), crs=LISHUI, services=SERVICES)
    assert list(notes.columns) == ["item", "count", "detail"]
    assert all(say(item, lang) for item in notes["item"] for lang in ("en", "zh"))
    with pytest.raises(FileError, match=r"none\.gpkg does not exist"):
        read_homes(tmp_path / "none.gpkg", crs=LISHUI)


# Communities that are there twice


def test_communities_repeated_whole_count_once_and_overlaps_are_noted(tmp_path: Path) -> None:
    wide = box(492_900, 3_148_000, 494_000, 3_149_000)
    file = write(tmp_path / "c.gpkg", [WEST, wide, WEST], name=["a", "b", "a"], population=[1, 2, 1])
    communities, notes = read_communities(file, crs=LISHUI)
    assert list(communities["community"]) == ["a", "b"]
    assert detail(notes, "rows_twice") == "c.gpkg: 3"
    assert detail(notes, "rows_overlap") == "c.gpkg: 1 + 2 (100000 m²)"


def test_neighbours_that_share_a_border_or_a_sliver_do_not_overlap(tmp_path: Path) -> None:
    sliver = box(492_999.9, 3_148_000, 494_000, 3_149_000)
    _, notes = read_communities(write(tmp_path / "c.gpkg", [WEST, sliver], name=["a", "b"]), crs=LISHUI)
    assert counts(notes) == {"rows_read": 2, "rows_used": 2}


def test_a_facility_of_several_points_is_one_facility(tmp_path: Path) -> None:
    from shapely.geometry import MultiPoint

    gates = MultiPoint([(492_500, 3_148_500), (492_600, 3_148_500)])
    file = write(tmp_path / "f.gpkg", [gates], name=["示例幼儿园"])
    facilities, _ = read_facilities(file, crs=LISHUI, services=SERVICES)
    assert facilities.geom_type.to_list() == ["Point"]
    assert facilities.geometry.iloc[0].coords[0] in [(492_500, 3_148_500), (492_600, 3_148_500)]


def test_the_word_for_what_stands_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "plans.csv"
    path.write_text(
        "名称,类别,经度,纬度,建设状态\n甲,幼儿园,119.92,28.45,建成\n乙,幼儿园,119.93,28.45,拟建\n丙,幼儿园,119.94,28.45,\n",
        encoding="utf-8",
    )

    facilities, _ = read_facilities(path, crs=LISHUI, services=SERVICES)

    assert facilities["status"].tolist() == ["建成", "拟建", ""]


# ---------------------------------------------------------------------- ages, households, levels


def test_columns_of_ages_households_and_levels_are_found_by_their_names(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "社区名称": ["甲", "乙"],
            "常住人口": [1000, 500],
            "户数": [400, None],
            "0-3岁": [30, 12],
            "3～6岁人口": [28, 11],
            "60岁及以上": [180, 90],
            "街道": ["紫金街道", ""],
            "区县": ["莲都区", "莲都区"],
        },
        geometry=shapely.box([500_000, 500_100], 3_150_000, [500_100, 500_200], 3_150_100),
        crs=4549,
    )
    frame.to_file(tmp_path / "c.gpkg")
    communities, notes = read_communities(tmp_path / "c.gpkg", crs=4549)
    assert communities["households"].iloc[0] == 400
    assert np.isnan(communities["households"].iloc[1])
    amounts = communities[["population", "residents_0_3", "residents_3_6", "residents_60plus"]]
    assert amounts.to_numpy().tolist() == [[1000, 30, 28, 180], [500, 12, 11, 90]]
    assert communities[["subdistrict", "county"]].to_numpy().tolist() == [
        ["紫金街道", "莲都区"],
        ["", "莲都区"],
    ]
    assert "户数" in " ".join(notes["detail"])


def test_a_layer_of_grids_names_its_communities_as_a_level(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"网格": ["一号", "二号"], "社区": ["甲", "甲"]},
        geometry=shapely.box([500_000, 500_100], 3_150_000, [500_100, 500_200], 3_150_100),
        crs=4549,
    )
    frame.to_file(tmp_path / "g.gpkg")
    communities, _ = read_communities(tmp_path / "g.gpkg", crs=4549)
    assert communities["community"].tolist() == ["一号", "二号"]
    assert communities["committee"].tolist() == ["甲", "甲"]


def test_a_layer_without_them_has_no_such_columns(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"name": ["a"]}, geometry=[shapely.box(500_000, 3_150_000, 500_100, 3_150_100)], crs=4549
    )
    frame.to_file(tmp_path / "c.gpkg")
    communities, _ = read_communities(tmp_path / "c.gpkg", crs=4549)
    assert [*communities] == ["community_id", "community", "population", "geometry"]
