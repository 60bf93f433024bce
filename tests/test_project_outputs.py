"""Does the project list stand in the ledger, the report and the layers as it was found, in both languages?"""

import dataclasses
import json
import locale
import shutil
from pathlib import Path

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from browser import open_browser
from map_pages import MAP, data_of, unpacked
from test_cli import SAMPLE, run
from test_missing_links import dead_end_town
from test_projects import listed
from test_siting import spots
from test_text import PAYLOADS
from test_workbook import table
from toy_town import FACILITIES, HOMES, STANDARD, toy_facilities, toy_homes, toy_town

from lifecircle.analysis import analyze, with_projects
from lifecircle.catalog import find_kind, load_standard
from lifecircle.catalog.measures_file import MEASURES_FILE, find_creation, load_measures
from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError
from lifecircle.measures import Measure
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render.dictionary import write_dictionary
from lifecircle.render.project_files import FILES, read_projects
from lifecircle.render.project_map import pack_projects
from lifecircle.render.project_tables import options_table, project_rows, projects_table
from lifecircle.render.project_text import chapter, sentences
from lifecircle.report import Report
from lifecircle.scenarios import with_scenarios

TABLE = load_measures()
BUILD = Measure(TABLE.measures["build"].sites, {"elderly_care": 90.0}, months=18.0)


def found(name: str = "gate", *, creation: str | None = "整合提升类", **town: object) -> Report:
    """Return the toy town with three places: the gate and the west to build on, and the south to let."""
    candidates = spots(
        (1900, 200), (300, 0), (700, -300),
        name=[name, "west", "south"], kind=["闲置用地", "闲置用地", "待租"], cost=[None, 30.0, None],
    )  # fmt: skip
    coverage = measure_coverage(toy_town(**town), STANDARD)
    priced = dataclasses.replace(TABLE, measures={**TABLE.measures, "build": BUILD})
    deadline = find_creation(creation, STANDARD) if creation else None
    projects = listed(coverage, candidates, table=priced, creation=deadline)
    return dataclasses.replace(analyze(coverage.city, STANDARD), projects=projects)


@pytest.fixture(scope="module", params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def report(lang: str) -> Report:
    return dataclasses.replace(found(), lang=lang)


@pytest.fixture(scope="module")
def saved(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "out"
    report.save(folder, formats=["docx"])
    return folder


def projects_of(report: Report) -> Projects:
    assert report.projects is not None
    return report.projects


def test_what_holds_and_what_was_left_out_is_told(lang: str) -> None:
    kindergarten = dataclasses.replace(STANDARD, services=STANDARD.services[:1])
    coverage = with_scenarios(measure_coverage(toy_town(), kindergarten))
    projects = listed(coverage, spots((1100, 0), (1900, 200), kind=["闲置用地"] * 2))
    none = dataclasses.replace(projects, frame=projects.frame.assign(robust="not_robust"), cut=True)

    assert say("projects.which_hold", lang, projects="P01", count=1, all=2) in sentences(projects, lang)
    assert say("sensitivity.project_rule", lang) in sentences(projects, lang)
    label = projects_table(projects, lang)["robust_label"].tolist()[1]
    assert (
        label
        == {
            "en": "not robust (pace +10 %: brings 0.0% of that)",
            "zh": "不稳健（步速 +10 %：新覆盖仅为其 0.0%）",
        }[lang]
    )
    assert say("projects.none_holds", lang, count=0, all=2) in sentences(none, lang)
    assert say("projects.cut", lang, count=2) in sentences(none, lang)


def test_the_ledger_has_the_list(saved: Path, report: Report, lang: str) -> None:
    sheet = table(openpyxl.load_workbook(saved / "ledger.xlsx"), "projects", report.coverage, lang)
    frame = projects_of(report).frame

    assert sheet["project_id"].tolist() == frame["project_id"].tolist()
    assert sheet["place"].tolist() == frame["name"].tolist()
    np.testing.assert_allclose(sheet["amount_gained"].astype(float), frame["residents_gained"])
    by_place = sheet.set_index("place")
    # elderly care: the west 157 for 30, by the list; the gate 270 for 90, by the table
    assert by_place.loc["west", ["cost", "gained_per_cost"]].tolist() == pytest.approx([30, 157 / 30])
    assert by_place.loc["gate", ["cost", "months", "deadline_years"]].tolist() == [90, 18, 1]
    assert by_place.loc["gate", "in_time"] == {"en": "no", "zh": "否"}[lang]
    # what is missing is an empty cell, never 0
    assert by_place.loc["south", ["cost", "gained_per_cost", "months", "in_time"]].isna().all()
    assert by_place.loc["south", "option_label"] == {"en": "lease", "zh": "租赁"}[lang]
    assert set(sheet["cost_unit"]) == {"万元"}
    assert set(sheet["creation_type"]) == {"整合提升类"}


def test_the_ledger_has_the_options(saved: Path, report: Report, lang: str) -> None:
    sheet = table(openpyxl.load_workbook(saved / "ledger.xlsx"), "options", report.coverage, lang)
    options = projects_of(report).options

    assert sheet["gap_id"].tolist() == options["gap_id"].tolist()
    np.testing.assert_allclose(sheet["of_gap"].astype(float), options["residents_of_gap"])
    none = sheet[sheet["option_label"] == {"en": "none", "zh": "暂无"}[lang]]
    assert none["place"].isna().all()
    assert none["cost"].isna().all()
    assert sheet["condition_label"].notna().all()


def test_the_report_has_the_chapter(saved: Path, report: Report, lang: str) -> None:
    document = docx.Document(str(saved / "report.docx"))
    headings = [one.text for one in document.paragraphs if one.style.name == "Heading 1"]
    text = "\n".join(one.text for one in document.paragraphs)
    page = (saved / "report.md").read_text(encoding="utf-8")

    assert (
        headings[-2:]
        == {
            "en": ["7. Project list", "8. Data and limits"],
            "zh": ["七、项目库与分期", "八、数据说明与局限"],
        }[lang]
    )
    assert {"en": "Sites have not been computed", "zh": "未作选址计算"}[lang] not in text
    for sentence in sentences(projects_of(report), lang):
        assert sentence in text
    assert {"en": "## Project list", "zh": "## 项目库与分期"}[lang] in page
    rows = [[cell.text for cell in row.cells] for one in document.tables for row in one.rows]
    row = next(row for row in rows if row[0] == "P01")
    assert projects_of(report).frame["name"][0] in row
    assert f"| {row[0]} | {row[1]} |" in page
    late = next(line for line in text.splitlines() if "P0" in line)
    assert {"en": "longer than the deadline", "zh": "超过期限"}[lang] in late


def test_the_tables_and_layers(saved: Path, report: Report) -> None:
    frame = projects_of(report).frame
    written = pd.read_csv(saved / "projects.csv")
    layer = gpd.read_file(saved / "projects.gpkg", layer="projects")
    options = gpd.read_file(saved / "projects.gpkg", layer="options")

    assert {path.name for path in saved.iterdir()} >= set(FILES)
    assert written["residents_gained"].tolist() == pytest.approx(frame["residents_gained"].tolist())
    assert written["cost"].isna().sum() == frame["cost"].isna().sum() > 0
    assert layer.crs == frame.crs
    assert layer.geometry.geom_equals(frame.geometry).all()
    assert len(options) == len(pd.read_csv(saved / "options.csv")) == len(projects_of(report).options)
    assert (saved / "measures.toml").read_text(encoding="utf-8") == MEASURES_FILE.read_text(encoding="utf-8")
    assert set(written["data"]) == {"real"}


def test_every_column_is_in_the_dictionary(saved: Path, report: Report, tmp_path: Path) -> None:
    write_dictionary(report.coverage, tmp_path / "with.csv", projects=True)
    write_dictionary(report.coverage, tmp_path / "without.csv")
    listed_, without = (
        pd.read_csv(tmp_path / name, encoding="utf-8-sig") for name in ("with.csv", "without.csv")
    )

    for name in ("projects", "options"):
        rows = listed_[listed_["file"] == f"{name}.csv"]
        assert rows["column"].tolist() == list(pd.read_csv(saved / f"{name}.csv").columns)
        layer = gpd.read_file(saved / "projects.gpkg", layer=name, fid_as_index=True)
        rows = listed_[(listed_["file"] == "projects.gpkg") & (listed_["table"] == name)]
        assert rows["column"].tolist() == ["fid", "geom", *layer.columns.drop("geometry")]
    assert not without["file"].str.startswith(("projects", "options")).any()


def test_what_is_read_back_is_what_was_written(saved: Path, report: Report, lang: str) -> None:
    again = read_projects(saved, report.coverage)

    assert again is not None
    pd.testing.assert_frame_equal(
        pd.DataFrame(project_rows(again)).drop(columns="geometry"),
        pd.DataFrame(project_rows(projects_of(report))).drop(columns="geometry"),
        check_dtype=False,
    )
    assert chapter(again, lang) == chapter(projects_of(report), lang)


def test_a_list_that_was_changed_is_not_read(tmp_path: Path) -> None:
    report = found()
    report.save(tmp_path / "out")
    with (tmp_path / "out" / "projects.gpkg").open("ab") as file:
        file.write(b"more")

    with pytest.raises(DataError, match="not the project list"):
        read_projects(tmp_path / "out", report.coverage)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["projects"]["creation"]["years"] == 1


def test_the_map_has_the_list(saved: Path, report: Report, lang: str) -> None:
    drawn = data_of((saved / "map.html").read_text(encoding="utf-8"))["projects"]
    frame = projects_of(report).frame

    assert drawn["id"] == frame["project_id"].tolist()
    assert drawn["sites"] == list(range(len(frame)))
    at = np.array([parts[0][0] for parts in unpacked(drawn["at"])])
    degrees = frame.geometry.to_crs(4326)
    np.testing.assert_allclose(at, np.column_stack([degrees.x, degrees.y]), atol=1e-6)
    west = dict(drawn["facts"][frame["name"].tolist().index("west")])
    assert "30.0 万元" in west.values()
    assert {"en": "157 residents", "zh": "157 人"}[lang] in west.values()
    assert not any(value.startswith(("nan", "–")) for _, value in west.items())
    assert data_of((saved / "map.html").read_text(encoding="utf-8"))["lang"] == lang


def test_the_map_draws_links_as_lines() -> None:
    coverage = measure_coverage(dead_end_town(), STANDARD)
    projects = listed(coverage, spots((-290, 490), kind=["公园"]), links=1)

    drawn = pack_projects(projects, "en")

    assert set(projects.frame["condition"]) == {"link"}
    assert drawn["sites"] == []
    assert drawn["links"] == list(range(len(projects.frame)))
    ends = np.concatenate([parts[0] for parts in unpacked(drawn["lines"])])
    expected = np.concatenate([line.coords for line in projects.frame.geometry.to_crs(4326)])
    np.testing.assert_allclose(ends, expected, atol=1e-6)
    assert pack_projects(None, "en") == {}


def test_a_project_answers_on_the_map(tmp_path: Path) -> None:
    name = PAYLOADS[0]
    report = found(name)
    report.save(tmp_path / "out")
    at = projects_of(report).frame.set_index("name").geometry.to_crs(4326)[name]
    with open_browser() as visit, visit(tmp_path / "out" / "map.html") as seen:
        seen.page.evaluate(f"void {MAP}.setView([{at.y}, {at.x}], 17, {{animate: false}})")
        before = seen.page.screenshot()
        layer = seen.page.locator(".leaflet-control-layers-overlays label", has_text="Projects")
        layer.click()
        assert seen.page.screenshot() != before
        layer.click()
        assert "Project (site or link)" in seen.page.locator(".lc-legend").inner_text()
        seen.page.locator(".folium-map").click()
        said = seen.page.locator(".leaflet-popup-content").inner_text()
        assert said.startswith("P02")
        assert name in said
        assert "270 residents" in said
        assert seen.is_quiet, seen


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_runs(payload: str, tmp_path: Path) -> None:
    report = found(payload)
    report.save(tmp_path / "out")

    assert "<img" not in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "projects.csv").read_text(encoding="utf-8-sig").startswith(("=", "@"))
    sheet = openpyxl.load_workbook(tmp_path / "out" / "ledger.xlsx")["Project list"]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_groups_too_small_to_be_shown_are_not() -> None:
    # of 60 and older: 9 of the 270 at the gate, 15 of the 157 in the west, all others none
    old = {"i": 9.0, "a": 15.0}
    homes = toy_homes(HOMES)
    homes["residents_60plus"] = [old.get(name, 0.0) for name in homes.index]
    service = STANDARD.service("elderly_care")
    standard = dataclasses.replace(STANDARD, services=(dataclasses.replace(service, ages="60+"),))
    coverage = measure_coverage(toy_town(homes=homes), standard)
    candidates = spots((1900, 200), (300, 0), name=["gate", "west"], kind=["闲置用地"] * 2, cost=[1.0, 1.0])

    projects = listed(coverage, candidates)

    shown = project_rows(projects).set_index("name")
    assert projects.frame["residents_gained"].tolist() == [15, 9]
    assert shown["residents_gained"].to_dict() == pytest.approx({"west": 15, "gate": np.nan}, nan_ok=True)
    assert np.isnan(shown["gained_per_cost"]["gate"])
    assert projects.brings.sum() == 24, "totals count them"


def test_no_cost_and_no_deadline_are_said() -> None:
    bare = listed(measure_coverage(toy_town(), STANDARD), spots((300, 0), kind=["闲置用地"]))

    told = " ".join(sentences(bare, "en"))

    assert "No cost is known" in told
    assert "names no way of creation" in told
    assert "have no option" in told
    mixed = " ".join(sentences(projects_of(found(creation=None)), "en"))
    assert "1 of the projects have no cost" in mixed or "of the projects have no cost" in mixed


# ---------------------------------------------------------------------- typed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("en_US", "UTF-8"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_planner_lists_projects(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = folder / "town"
    shutil.copytree(SAMPLE, city)
    with (city / "city.toml").open("r+", encoding="utf-8") as file:
        old = file.read()
        file.seek(0)
        file.write(
            'candidates = "plots.csv"\nmeasures = "measures.toml"\ncreation_type = "拆改结合类"\n' + old
        )
    (city / "plots.csv").write_text(
        "名称,经度,纬度,用地类型,投资（元）\n旧厂,119.9322,28.4350,闲置用地,12000000\n公房一,119.9250,28.4340,公房,\n",
        encoding="utf-8",
    )
    text = MEASURES_FILE.read_text(encoding="utf-8").replace('months = ""', "months = 18", 1)
    (city / "measures.toml").write_text(text, encoding="utf-8")

    assert (
        run("analyze", "--city", str(city), "--projects", "--lang", "zh", "--minutes", "15", "--out", "o")
        == 0
    )

    said = capsys.readouterr()
    assert "[7/8]" in said.err
    assert "期限 2 年" in said.out
    written = pd.read_csv("o/projects.csv").set_index("name")
    assert written.loc["旧厂", ["cost", "cost_unit", "months"]].tolist() == [1200, "万元", 18]
    assert np.isnan(written.loc["公房一", "cost"])
    record = json.loads(Path("o/run.json").read_text(encoding="utf-8"))
    assert {one["role"] for one in record["projects"]["inputs"]} == {"candidates", "measures"}

    assert run("export", "--run", "o", "--format", "xlsx") == 0
    assert Path("o/export/ledger.xlsx").read_bytes() == Path("o/ledger.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--measures", "no.toml"), "no.toml"),
        (("--candidates", "no.csv"), "no.csv"),
    ],
)
def test_wrong_words_are_told(
    words: tuple[str, ...], says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("analyze", "--city", "lishui", "--lang", "en", *words) == 1
    assert says in capsys.readouterr().err
    assert not (folder / "outputs").exists()


def test_an_unknown_way_of_creation(folder: Path) -> None:
    with pytest.raises(KeyError, match="整合提升类"):
        with_projects(found(), creation_type="大拆大建")
    assert folder.exists()


def test_every_way_to_a_project_has_its_words() -> None:
    coverage = measure_coverage(toy_town(), STANDARD)
    rolling = find_creation("全域类", load_standard("zhejiang-future-community"))
    streets = listed(coverage, None, creation=rolling)
    told = "\n".join(sentences(streets, "en"))
    assert say("projects.from_streets", "en") in told
    assert rolling is not None
    assert say("projects.deadline_rolling", "en", name=rolling.name, source=rolling.source, grade="V") in told
    options = options_table(streets, "zh")
    assert say("projects.condition_street", "zh", kind="", metres=0) in set(options["condition_label"])

    kinds = ["待售", "没人知道", ""]
    places = ((1900, 200), (300, 0), (700, -300))
    candidates = spots(*places, name=["a", "b", "c"], kind=kinds, cost=[3.0, 4.0, 5.0])
    priced = listed(coverage, candidates)
    told = "\n".join(sentences(priced, "zh"))
    assert say("projects.order_cost", "zh", unit=priced.cost_unit, count=0) in told
    one = say("projects.unnamed_one", "zh", kind="没人知道", count=1)
    assert say("projects.unnamed", "zh", kinds=one) in told
    options = options_table(priced, "zh")
    assert say("projects.measure_buy", "zh") in set(options["option_label"])
    assert say("projects.condition_kind_unknown", "zh", kind="", metres=0) in set(options["condition_label"])


def test_nothing_to_do_is_said(lang: str) -> None:
    city = toy_town(facilities=toy_facilities(FACILITIES[:0]), homes=toy_homes(HOMES[3:4]))  # off the network
    coverage = measure_coverage(city, STANDARD)
    projects = listed(coverage, spots((300, 0), name=["a"], kind=["闲置用地"], cost=[1.0]))
    assert len(projects.frame) == 0
    assert say("projects.none", lang) in "\n".join([*sentences(projects, lang), chapter(projects, lang)])


def test_a_gap_of_places_says_that_a_site_nearer_by_does_not_help() -> None:
    facilities = toy_facilities(FACILITIES).assign(capacity=[1.0, np.nan, np.nan])
    homes = toy_homes(HOMES)
    city = toy_town(facilities=facilities, homes=homes.assign(residents_3_6=homes["residents"]))
    kindergarten = dataclasses.replace(STANDARD.services[0], kinds=(find_kind("kindergarten"),), ages="3-6")
    coverage = measure_coverage(city, dataclasses.replace(STANDARD, services=(kindergarten,)))
    options = options_table(listed(coverage, None), "en")
    assert say("projects.condition_capacity", "en", kind="", metres=0) in set(options["condition_label"])
