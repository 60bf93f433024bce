"""Does a list's word on capacity, status, openness and several services count as it stands there?"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from test_layers import LISHUI, SERVICES
from test_read_city import write_layer, write_osm

import lifecircle as lc
from lifecircle.catalog import Counted, load_standard
from lifecircle.cli import cli
from lifecircle.errors import DataError
from lifecircle.gaps import CAPACITY, find_gaps
from lifecircle.messages import LANGUAGES, say
from lifecircle.render.formats import export
from lifecircle.sources.columns import plain_name, table_words
from lifecircle.sources.facility_facts import amounts_of_tags
from lifecircle.sources.layers import read_facilities
from lifecircle.sources.notes import Note
from lifecircle.sources.read_city import load_city

Rows = Sequence[Sequence[object]]


def listed(path: Path, head: Sequence[str], rows: Rows) -> Path:
    """Write a list, as XLSX or CSV, of facilities along one street."""
    table = pd.DataFrame(rows, columns=pd.Index(head))
    table["经度"], table["纬度"] = [119.9005 + 0.001 * row for row in range(len(table))], 28.4502
    table.to_excel(path, index=False) if path.suffix == ".xlsx" else table.to_csv(path, index=False)
    return path


def read(path: Path, services: Sequence[Any] = SERVICES) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    facilities, notes = read_facilities(path, crs=LISHUI, services=services)
    assert all(say(item, lang) for item in notes["item"] for lang in LANGUAGES)
    return facilities, dict(zip(notes["item"].str.removeprefix("tables."), notes["detail"], strict=True))


def test_an_alias_means_one_thing() -> None:
    fields: dict[str, set[str]] = {}
    for field, aliases in table_words()["columns"].items():
        for alias in aliases:
            fields.setdefault(plain_name(alias), set()).add(field)
    assert {alias: field for alias, field in fields.items() if len(field) > 1} == {}


def test_what_counts_is_said_with_the_kinds(tmp_path: Path) -> None:
    head = ["名称", "类别", "学位（个）", "床位", "建筑面积", "班数"]
    rows = [
        ["甲", "幼儿园", 180, 12, 3000, 6],
        ["乙", "幼儿园", None, 12, 3000, 6],  # classes only: 6 x 30
        ["丙", "幼儿园", None, 12, 3000, None],  # beds are no places for children
        ["丁", "养老院", 5, 40, 900, None],
        ["戊", "社区卫生服务站", 7, 8, 150, None],
        ["己", "养老院", None, "约30张", None, None],
    ]
    facilities, notes = read(listed(tmp_path / "list.xlsx", head, rows))
    assert facilities["capacity"].tolist()[:5] == [
        180.0,
        180.0,
        pytest.approx(np.nan, nan_ok=True),
        40.0,
        150.0,
    ]
    assert np.isnan(facilities["capacity"].iloc[5])
    assert facilities["capacity_from"].tolist() == ["places", "classes", "", "beds", "floor_m2", ""]
    assert notes["places_from_classes"] == "list.xlsx: × 30: 乙"
    assert notes["rows_bad_capacity"] == "list.xlsx: 床位: 7"
    assert {"floor_m2", "beds", "classes"} <= {*facilities.columns}
    assert not {"places", "site"} & {*facilities.columns}


def test_a_capacity_of_no_said_kind_counts_where_people_are_placed(tmp_path: Path) -> None:
    rows = [["a", "kindergarten", 90], ["b", "nursing home", 25], ["c", "clinic", 300]]
    facilities, _ = read(listed(tmp_path / "list.csv", ["name", "type", "capacity"], rows))
    assert facilities["capacity"].tolist()[:2] == [90.0, 25.0]
    assert np.isnan(facilities["capacity"].iloc[2])


def test_without_any_capacity_there_is_no_such_column(tmp_path: Path) -> None:
    facilities, notes = read(listed(tmp_path / "list.csv", ["名称", "类别", "学位"], [["a", "幼儿园", None]]))
    assert "capacity" not in facilities
    assert "rows_bad_capacity" not in notes


def test_a_negative_capacity_is_refused_by_row(tmp_path: Path) -> None:
    path = listed(tmp_path / "list.csv", ["名称", "类别", "床位"], [["a", "养老院", 4], ["b", "养老院", -4]])
    with pytest.raises(DataError, match=r"list\.csv: 床位 is -4 in row 3"):
        read(path)


NURSERY_TOO = (*SERVICES, *(one for one in load_standard("gb50180-2018").services if one.id == "nursery"))


@pytest.mark.parametrize(
    "said", ["幼儿园;托育", "幼儿园、托育", "幼儿园／托育", "托育 | 幼儿园", "Kindergarten; Nursery"]
)
def test_one_site_of_two_services_counts_for_both(tmp_path: Path, said: str) -> None:
    path = listed(
        tmp_path / "list.csv", ["编号", "名称", "类别", "学位", "托位"], [["K1", "甲", said, 180, 40]]
    )
    facilities, _ = read(path, NURSERY_TOO)
    capacity = dict(zip(facilities["service"], facilities["capacity"], strict=True))
    assert capacity == {"kindergarten": 180.0, "nursery": 40.0}
    assert {*facilities["facility_id"]} == {"K1-kindergarten", "K1-nursery"}


def test_one_capacity_for_two_services_is_shared_in_a_way_nobody_knows(tmp_path: Path) -> None:
    path = listed(
        tmp_path / "list.csv", ["名称", "类别", "容量"], [["甲", "幼儿园;托育", 200], ["乙", "幼儿园", 90]]
    )
    facilities, notes = read(path, NURSERY_TOO)
    assert np.isnan(facilities.loc[facilities["name"] == "甲", "capacity"]).all()
    assert facilities.loc[facilities["name"] == "乙", "capacity"].tolist() == [90.0]
    assert notes["rows_capacity_shared"] == "list.csv: 甲"


def test_services_may_stand_in_several_columns(tmp_path: Path) -> None:
    numbered = listed(
        tmp_path / "a.csv", ["名称", "服务1", "服务2"], [["甲", "幼儿园", "养老院"], ["乙", "幼儿园", ""]]
    )
    assert read(numbered)[0]["service"].tolist() == ["kindergarten", "elderly_care", "kindergarten"]
    ticked = listed(
        tmp_path / "b.csv",
        ["名称", "幼儿园", "养老院"],
        [["甲", "√", "是"], ["乙", "", "有"], ["丙", "否", ""]],
    )
    assert read(ticked)[0]["service"].tolist() == ["kindergarten", "elderly_care", "elderly_care"]


def test_three_levels_of_amap_stay_one_type_and_brackets_stay_whole(tmp_path: Path) -> None:
    rows = [
        ["甲", "科教文化服务;学校;幼儿园"],
        ["乙", "医疗保健服务;医院;社区医院"],
        ["丙", "幼儿园（含托育、早教）"],
    ]
    facilities, _ = read(listed(tmp_path / "list.csv", ["名称", "类型"], rows), NURSERY_TOO)
    assert facilities["service"].tolist() == ["kindergarten", "clinic", "kindergarten"]


@pytest.mark.parametrize("said", ["否", "不开放", "未对外开放", "No", "0", "FALSE", "内部使用"])
def test_what_is_not_open_to_all_does_not_count(tmp_path: Path, said: str) -> None:
    rows = [["甲", "幼儿园", said], ["乙", "幼儿园", "是"], ["丙", "幼儿园", None]]
    facilities, notes = read(listed(tmp_path / "list.csv", ["名称", "类别", "对外开放"], rows))
    assert facilities["name"].tolist() == ["乙", "丙"]
    assert notes["rows_not_open"] == "list.csv: 甲"


# ---------------------------------------------------------------------- whole cities of real files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a city: two blocks of flats, three kindergartens, a station, a cloud clinic."""
    folder = tmp_path / "data" / "small"
    folder.mkdir(parents=True)
    write_osm(folder / "streets.osm")
    ages = {"名称": "示例社区", "人口": 900, "3-6岁": 120, "户数": 300}
    write_layer(folder / "communities.gpkg", [((119.899, 28.448, 119.911, 28.456), ages)])
    head = ["名称", "类别", "学位", "班数", "状态", "建筑面积"]
    rows = [
        ["老幼儿园", "幼儿园", 60, None, "建成", 2500],
        ["新幼儿园", "幼儿园", None, 3, "拟建", 2300],
        ["在建园", "幼儿园", 30, None, "在建", None],
        ["服务站", "社区卫生服务站", None, None, "建成", 150],
        ["云诊室一号", "云诊室", None, None, "建成", 10],
    ]
    listed(folder / "list.xlsx", head, rows)
    (folder / "indicators.csv").write_text(
        "指标,目标值,现状值\n绿地率,≥35%,30%\n百户面积,≥30,\n", encoding="utf-8"
    )
    (folder / "city.toml").write_text(
        'lang = "zh"\nosm = "streets.osm"\ncommunities = "communities.gpkg"\nfacilities = ["list.xlsx"]\n'
        'indicators = "indicators.csv"\n[name]\nzh = "小城"\nen = "Small"\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    return folder


def names(city: lc.City, service: str = "kindergarten") -> set[str]:
    return {*city.facilities.loc[city.facilities["service"] == service, "name"]}


def not_standing(city: lc.City) -> list[str]:
    return city.quality.loc[city.quality["item"] == "tables.rows_not_standing", "detail"].tolist()


def test_what_does_not_stand_counts_when_asked_for_and_is_listed_once(folder: Path) -> None:
    today = load_city("small")
    assert names(today) == {"老幼儿园"}
    assert not_standing(today) == ["list.xlsx: 新幼儿园 (拟建), 在建园 (在建)"]
    building = load_city("small", counted=Counted(statuses=("building",)))
    assert names(building) == {"老幼儿园", "在建园"}
    assert not_standing(building) == ["list.xlsx: 新幼儿园 (拟建)"]
    every = load_city("small", counted=Counted(statuses=("在建", "planned")))
    assert names(every) == {"老幼儿园", "在建园", "新幼儿园"}
    assert not_standing(every) == []
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text('statuses = ["拟建"]\n' + text, encoding="utf-8")
    assert names(load_city("small")) == {"老幼儿园", "新幼儿园"}


def test_what_supplements_a_service_counts_when_asked_for(folder: Path) -> None:
    today = load_city("small")
    assert names(today, "clinic") == {"服务站"}
    others = today.quality.loc[today.quality["item"] == "tables.rows_other_kind", "detail"].tolist()
    assert others == ["list.xlsx: 云诊室 Cloud clinic"]
    asked = load_city("small", counted=Counted(supplementary=True))
    assert names(asked, "clinic") == {"服务站", "云诊室一号"}
    assert "云诊室" in asked.quality.set_index("item").loc["city.supplementary", "detail"]
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text("supplementary = true\n" + text, encoding="utf-8")
    assert names(load_city("small"), "clinic") == {"服务站", "云诊室一号"}


def test_only_a_plain_number_of_openstreetmap_is_a_capacity() -> None:
    bad = ["0", "-5", "20-30", "yes", "1e3", "９０", "1200000", "90.5"]
    tags = [{"capacity": " 90 "}, {"beds": "40", "capacity:beds": "45"}, {}, *({"beds": one} for one in bad)]
    notes: list[Note] = []
    amounts = amounts_of_tags([f"n{row}" for row in range(len(tags))], tags, Path("a.osm"), notes)
    assert amounts["capacity"].dropna().to_dict() == {0: 90.0}
    assert amounts["beds"].dropna().to_dict() == {1: 40.0}
    shown = ", ".join(f"n{row} {one}" for row, one in enumerate(bad, start=3))
    assert notes == [("tables.rows_bad_capacity", len(bad), f"a.osm: {shown}")]


def test_a_changed_list_is_never_served_from_what_is_kept(folder: Path, tmp_path: Path) -> None:
    kept = lc.KeptCities(tmp_path / "kept")
    before = load_city("small", kept=kept)
    assert before.facilities.set_index("name").loc["老幼儿园", "capacity"] == 60.0
    table = pd.read_excel(folder / "list.xlsx")
    table.loc[0, "学位"] = 75
    table.to_excel(folder / "list.xlsx", index=False)
    after = load_city("small", kept=kept, counted=Counted(statuses=("planned",)))
    assert kept.used
    assert after.facilities.set_index("name").loc["老幼儿园", "capacity"] == 75.0
    assert after.facilities.set_index("name").loc["新幼儿园", "capacity"] == 90.0


@pytest.mark.usefixtures("folder")
def test_a_shortage_reaches_every_output(tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(cli, ["analyze", "--city", "small", "--out", "out", "--no-cache"])
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    supply = pd.read_csv(out / "supply.csv").query("service == 'kindergarten' and threshold_minutes == 15")
    # 60 places for the 120 children of both blocks of flats
    assert supply["residents_short"].tolist() == [120.0, 120.0]
    assert supply["per_1000"].tolist() == [500.0, 500.0]
    assert supply["balance"].tolist() == [-60.0, -60.0]
    checks = pd.read_csv(out / "checklist.csv", keep_default_na=False)
    assert checks[["subject", "value", "result"]].to_numpy().tolist() == [
        ["绿地率", "30%", "failed"],
        ["百户面积", "", "no_data"],
    ]
    gaps = gpd.read_file(out / "gaps.gpkg", layer="gaps")
    lacking = gaps[(gaps["reason"] == CAPACITY) & (gaps["threshold_minutes"] == 15)]
    assert lacking["residents"].sum() == pytest.approx(120.0)
    homes = gpd.read_file(out / "gaps.gpkg", layer="homes")
    assert homes["kindergarten_per_1000"].tolist() == [500.0, 500.0]
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "幼儿园供给（15 分钟）：每千名3-6岁儿童500.0 学位（托位）（两步移动搜索法，至少需 1,000）" in page
    assert "120 名3-6岁儿童步行可达但位数不足" in page
    for heading in ("## 供给与容量", "## 配建清单与指标"):
        assert heading in page
    assert "| 指标 | （全市） | 百户面积 | ≥30 | 待填 | 无数据 |" in page
    book = openpyxl.load_workbook(out / "ledger.xlsx")
    assert {"供给", "配建清单与指标"} <= {*book.sheetnames}
    cells = {str(cell.value) for row in book["短板清单（问题台账）"].iter_rows() for cell in row}
    assert {"供给不足", "核对容量后扩班、增床、扩建，或增设设施分担"} <= cells
    assert "每名服务对象一个位" in {str(cell.value) for row in book["供给"].iter_rows() for cell in row}
    html = (out / "map.html").read_text(encoding="utf-8")
    assert re.search(r'"reason": ?\[[^]]*"capacity"', html)
    assert "步行可达但供给不足" in html
    settings = json.loads((out / "run.json").read_text(encoding="utf-8"))["settings"]
    assert settings["statuses"] == []

    coverage, lang = lc.read_run(out)
    again = find_gaps(coverage)
    formats = ("docx", "geojson", "dictionary", "platform", "svg")
    export(coverage, again, tmp_path / "more", formats, lang=lang)
    features = json.loads((tmp_path / "more" / "gaps.geojson").read_text(encoding="utf-8"))["features"]
    assert CAPACITY in {feature["properties"]["reason"] for feature in features}
    texts = [paragraph.text for paragraph in docx.Document(str(tmp_path / "more" / "report.docx")).paragraphs]
    assert {"供给与容量", "配建清单、百户面积与指标"} <= {*texts}
    assert any("供给不足" in text and "扩班" in text for text in texts)
    columns = pd.read_csv(tmp_path / "more" / "data_dictionary.csv")
    told = columns[columns["file"] == "supply.csv"]["column"].tolist()
    assert told == pd.read_csv(out / "supply.csv", nrows=0).columns.tolist()
    layer = columns[(columns["file"] == "gaps.gpkg") & (columns["table"] == "homes")]["column"].tolist()
    assert "kindergarten_per_1000" in layer
    told = columns[(columns["file"] == "gaps.gpkg") & (columns["table"] == "facilities")]["column"].tolist()
    there = gpd.read_file(out / "gaps.gpkg", layer="facilities").columns.drop("geometry").tolist()
    assert {*told} == {*there, "fid", "geom"}
    told = columns[columns["file"] == "checklist.csv"]["column"].tolist()
    assert told == checks.columns.tolist()


def test_a_scenario_of_the_command_line_is_kept_with_the_run(folder: Path, tmp_path: Path) -> None:
    words = [
        "analyze",
        "--city",
        "small",
        "--status",
        "planned",
        "--status",
        "building",
        "--with-supplementary",
    ]
    words += ["--lang", "en", "--out", "out", "--no-cache", "--indicators", str(folder / "indicators.csv")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    coverage, _ = lc.read_run(tmp_path / "out")
    assert names(coverage.city) == {"老幼儿园", "新幼儿园", "在建园"}
    assert names(coverage.city, "clinic") == {"服务站", "云诊室一号"}
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    # 60, 30 and 3 x 30 places are 180 for 120 children
    assert "1,500.0 places per 1,000 residents aged 3-6" in page
    assert "their places are reckoned from classes" in page
    assert "Of 2 things asked beside walks, 0 are met, 1 are not, and for 1 there is no data." in page
    wrong = CliRunner().invoke(cli, ["analyze", "--city", "small", "--status", "someday"])
    assert wrong.exit_code == 2
