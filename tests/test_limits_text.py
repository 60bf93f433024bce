"""Do all outputs stay true where services differ: some met in metres, some in minutes, one limit or three?

The toy town by the standard ``MIXED``; its figures are worked out in test_coverage.py and test_gaps.py.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from browser import Visitor
from map_pages import data_of
from pypdf import PdfReader
from toy_town import FACILITIES, MIXED, STANDARD, limits, toy_facilities, toy_town

from lifecircle.analysis import analyze
from lifecircle.catalog import load_standard
from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.costs import Relief
from lifecircle.coverage import measure_coverage
from lifecircle.messages import say
from lifecircle.render.compare import compare_runs
from lifecircle.render.compare_map import draw_comparison
from lifecircle.render.finding import finding, method
from lifecircle.render.formats import ExportChoices
from lifecircle.render.limits_text import (
    limit_labels,
    limits_listed,
    say_longest,
    threshold_notes,
    walk,
    walk_words,
)
from lifecircle.report import Report

PAIRS = [
    ("kindergarten", "500 m", 500 / 54, 500.0, 100, 497, 60),
    ("kindergarten", "810 m", 15.0, 810.0, 190, 377, 90),
    ("elderly_care", "10 min", 10.0, None, 0, 597, 60),
    ("clinic", "5 min", 5.0, None, 97, 500, 60),
    ("clinic", "10 min", 10.0, None, 277, 290, 90),
    ("clinic", "15 min", 15.0, None, 347, 220, 90),
]
FORMATS = ("pdf", "png", "docx", "geojson", "parquet", "platform", "survey", "dictionary")


@pytest.fixture(scope="module")
def report() -> Report:
    return analyze(toy_town(), MIXED, lang="en")


@pytest.fixture(scope="module")
def run(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "run"
    report.save(folder, formats=FORMATS, choices=ExportChoices(sheet="A4", per_community=True))
    return folder


# ---------------------------------------------------------------------- in words


FINDING = """\
Toy Town: 657 residents in 3 communities.
Mixed: each service within limits of its own on foot along streets (500, 810 m for kindergarten; 10 min for \
elderly_care; 5, 10, 15 min for clinic); shares are of residents.
kindergarten: 15.2% within 500 m, 28.9% within 810 m; 377 residents in a gap at 810 m.
elderly_care: 0.0% within 10 min; 597 residents in a gap at 10 min.
clinic: 14.8% within 5 min, 42.2% within 10 min, 52.8% within 15 min; 220 residents in a gap at 15 min.
Most are left out of elderly_care: 597 residents (90.9%) farther than 10 minutes.
Why, at the longest limit of each service (counted once per service): no facility near 854 residents, \
detour 280 residents, far from any street 60 residents.
Worst gap: G002, The Estate, kindergarten, 200 residents beyond 810 metres (no facility near); nearest is \
Old Kindergarten, 2,600 metres on foot.
0 of 3 communities are wholly covered by every service within its limit.
Unknown, because the street data ends too near: kindergarten 13.7%, elderly_care 9.1%, clinic 13.7% \
of residents."""
"""No facility near: c, i and j (277) by 810 m, all but d and g (577) elderly care; detours: e 80, i 200."""


def test_the_finding_names_each_limit_with_its_unit(report: Report) -> None:
    assert "\n".join(finding(report.coverage, report.gaps, "en")) == FINDING
    assert report.finding()[1] == (
        "On foot, each service within its own limit: kindergarten (810 m) 28.9%, elderly_care (10 min) 0.0%,"
        " clinic (15 min) 52.8% of residents."
    )


def test_what_the_standard_asks_for_and_is_not_measured_is_told() -> None:
    (wish, *_) = load_standard("shanghai-2016").unanswered
    asked = dataclasses.replace(MIXED, unmeasured=(dataclasses.replace(wish, tier=""),))
    found = analyze(toy_town(), asked, lang="en")
    told = finding(found.coverage, found.gaps, "en")
    assert any("not measured, because it gives no walking limit" in line for line in told)


def test_where_nobody_is_left_out_no_number_is_said_for_all() -> None:
    near = toy_facilities([*FACILITIES, *((f"E{x}", "E", "elderly_care", (x, 0)) for x in (300, 900, 1800))])
    homes = toy_town().homes.loc[["a", "b"]]
    happy = analyze(toy_town(facilities=near, homes=homes), MIXED, lang="en")
    assert "Nobody is known to be farther from any service than its limit." in happy.finding()
    alike = analyze(toy_town(facilities=near, homes=homes), MIXED, minutes=[15], lang="en")
    assert "Nobody is known to be farther than 15 minutes from any service." in alike.finding()


def test_limits_of_one_source_are_said_together() -> None:
    assert limits_listed(STANDARD, "zh") == "10、15 分钟"
    assert (
        limits_listed(MIXED, "zh")
        == "kindergarten为 500、810 米；elderly_care为 10 分钟；clinic为 5、10、15 分钟"
    )
    assert threshold_notes(STANDARD, "en") == ["Thresholds: 10, 15 min (inclusive). Source: toy. Grade M."]
    kindergarten, elderly, clinic = MIXED.services
    first, *others = clinic.limits
    clinic = dataclasses.replace(
        clinic, limits=(dataclasses.replace(first, source="TD/T 1063", grade="V"), *others)
    )
    several = dataclasses.replace(MIXED, services=(kindergarten, elderly, clinic))
    toy, published = threshold_notes(several, "en")
    assert toy.startswith(
        "Thresholds: 500, 810 m for kindergarten; 10 min for elderly_care; 10, 15 min for cl"
    )
    assert published == "Thresholds: 5 min for clinic (inclusive). Source: TD/T 1063. Grade V."


def test_one_longest_limit_is_said_once_even_where_shorter_ones_differ() -> None:
    kindergarten, _, clinic = STANDARD.services
    standard = dataclasses.replace(
        STANDARD, services=(kindergarten, dataclasses.replace(clinic, limits=limits("min", 15)))
    )
    assert say_longest("document.no_gaps", standard, "en") == "No gap was found at 15 minutes."
    metres = dataclasses.replace(
        standard,
        services=tuple(dataclasses.replace(one, limits=limits("m", 500)) for one in (kindergarten, clinic)),
    )
    assert say_longest("document.no_gaps", metres, "zh") == "500 米阈值下未发现盲区。"
    assert "any service" in say_longest("document.no_gaps", MIXED, "en")


def test_walks_are_said_in_the_unit_of_the_service() -> None:
    kindergarten, elderly, _ = MIXED.services
    assert walk(1100 / 54, kindergarten, "en") == "1,100 m"
    assert walk_words(1100 / 54, kindergarten, "zh") == " 1,100 米"
    assert walk(12.34, elderly, "en") == "12.3 min"
    assert walk_words(12.34, elderly, "en", digits=0) == "12 minutes"
    assert walk(float("inf"), kindergarten, "en") == "unreachable"
    assert walk(float("nan"), elderly, "zh") == "未知"


def test_slopes_are_said_to_count_only_where_they_do() -> None:
    ones = np.ones(len(toy_town().network.street_m))
    hilly = toy_town(relief=Relief(ones, ones, ones * 0))
    in_metres = dataclasses.replace(MIXED, services=MIXED.services[:1])
    slopes, metres = say("report.slopes", "en"), say("report.metres", "en")
    for standard, expected in ((STANDARD, (True, False)), (MIXED, (True, True)), (in_metres, (False, True))):
        said = method(measure_coverage(hilly, standard), "en")
        assert (slopes in said, metres in said) == expected


def test_services_of_the_same_limits_are_named_together_and_none_is_cut_off() -> None:
    kindergarten, _, clinic = MIXED.services
    many = [
        dataclasses.replace(clinic, id=f"s{n}", name={"zh": "长" * 20, "en": f"kind {n}"}) for n in range(30)
    ]
    standard = dataclasses.replace(MIXED, services=(kindergarten, *many))
    names = ", ".join(f"kind {n}" for n in range(30))
    said = f"500, 810 m for kindergarten; 5, 10, 15 min for {names}"
    assert limits_listed(standard, "en") == said
    assert threshold_notes(standard, "en") == [f"Thresholds: {said} (inclusive). Source: toy. Grade M."]
    assert "…" not in limits_listed(standard, "zh")


# ---------------------------------------------------------------------- in files


def test_run_json_holds_the_standard_as_it_was(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert read_standard(Table(run / "run.json", record).table("standard")) == MIXED
    assert [row["threshold_m"] for row in record["totals"]] == [pair[3] for pair in PAIRS]


def test_the_csv_and_the_geopackage_have_both_units(run: Path) -> None:
    table = pd.read_csv(run / "communities.csv", encoding="utf-8-sig")
    city = table[table["community_id"].isna()]
    columns = ["service", "threshold_minutes", "threshold_m", "residents_covered", "residents_gap"]
    found = city[columns].round(4).astype(object).where(city[columns].notna(), None).to_numpy().tolist()
    assert found == [[name, round(minutes, 4), *rest[:3]] for name, _, minutes, *rest in PAIRS]
    wide = gpd.read_file(run / "gaps.gpkg", layer="communities").set_index("community_id")
    north = wide.loc["c-north"]  # 100, then 150 of its 177 residents
    assert north["kindergarten_500m_share_covered"] == pytest.approx(100 / 177)
    assert north["kindergarten_810m_residents_gap"] == 27
    assert north["clinic_5_residents_gap"] == 120  # a and d
    assert "elderly_care_10_share_covered" in wide
    for gaps in (gpd.read_file(run / "gaps.gpkg", layer="gaps"), gpd.read_file(run / "gaps.geojson")):
        in_metres = gaps["threshold_m"].notna()
        assert set(gaps["service"][in_metres]) == {"kindergarten"}
        assert set(gaps["threshold_m"][in_metres]) == {500, 810}
        assert set(gaps["threshold_minutes"][~in_metres]) == {5, 10, 15}
    parquet = gpd.read_parquet(run / "parquet" / "gaps.parquet")
    assert set(parquet["threshold_m"].dropna()) == {500, 810}


def test_the_platform_reads_limits_of_each_service(run: Path) -> None:
    file = json.loads((run / "platform" / "by_category.json").read_text(encoding="utf-8"))
    for service, category in zip(MIXED.services, file["categories"], strict=True):
        assert category["limits"] == [dataclasses.asdict(limit) for limit in service.limits]
        rows = [pair for pair in PAIRS if pair[0] == service.id]
        assert [row["threshold_m"] for row in category["city"]] == [pair[3] for pair in rows]
        assert [row["residents_gap"] for row in category["city"]] == [pair[5] for pair in rows]
    gaps = json.loads((run / "platform" / "gaps.json").read_text(encoding="utf-8"))["gaps"]
    assert {row["threshold_m"] for row in gaps if row["service"] == "clinic"} == {None}


def test_the_dictionary_explains_every_column_of_the_files(run: Path) -> None:
    explained = pd.read_csv(run / "data_dictionary.csv", encoding="utf-8-sig", keep_default_na=False)
    known = {name: set(rows["column"]) for name, rows in explained.groupby("table")}
    assert set(pd.read_csv(run / "communities.csv", encoding="utf-8-sig", nrows=0)) <= known["communities"]
    for layer in ("gaps", "communities", "homes"):
        columns = set(gpd.read_file(run / "gaps.gpkg", layer=layer).columns) - {"geometry"}
        assert columns <= known[layer], columns - known[layer]
    book = openpyxl.load_workbook(run / "ledger.xlsx")
    heads = {cell.value for row in book["Gap ledger"].iter_rows(max_row=5) for cell in row}
    assert {"Within", "Walk to it, min", "Walk to it, m", "Longest walk, m"} <= heads & known["Gap ledger"]


def test_the_ledger_counts_in_minutes_and_in_metres(run: Path) -> None:
    book = openpyxl.load_workbook(run / "ledger.xlsx")
    summary = _sheet(book["Summary"])
    people = summary[summary["Denominator"] == "Residents"]
    assert people[["Service", "Within", "Covered", "In a gap", "Unknown"]].to_numpy().tolist() == [
        [pair[0], pair[1], *pair[4:]] for pair in PAIRS
    ]
    # half walk no more than 1900 m to the kindergarten, and 920 m to a clinic
    assert people["Median walk, m"].iloc[0] == pytest.approx(1900)
    assert people["Median walk, min"].iloc[0] == pytest.approx(1900 / 54)
    assert people["Median walk, m"].iloc[2:].isna().all()
    gaps = _sheet(book["Gap ledger"])
    estate = gaps[(gaps["Service"] == "kindergarten") & (gaps["Affected, residents"] == 200)]
    assert estate["Walk to it, m"].to_list() == pytest.approx([2600, 2600])
    figures = _sheet(book["Standard and sources"]).set_index("Figure")
    rows = figures[figures["About"] == "Threshold"]
    assert rows[["Value", "Unit"]].to_numpy().tolist() == [
        [pair[3] or pair[2], "m" if pair[3] else "minutes"] for pair in PAIRS
    ]
    assert figures.loc["kindergarten: minutes that 810 metres take", "Value"] == pytest.approx(15)
    assert figures.loc["clinic: walk in 5 minutes", "Value"] == pytest.approx(360)


def test_the_report_on_paper_and_its_pages_say_the_unit(run: Path) -> None:
    made = docx.Document(str(run / "report.docx"))
    said = "\n".join(paragraph.text for paragraph in made.paragraphs)
    assert (
        "a place is covered by a service if the walk along streets is no longer than a limit of that" in said
    )
    assert "By metres walked, the share covered is 15.2% within 500 m, 28.9% within 810 m" in said
    assert "The median walk is 1,900 metres, the 90th percentile 2,600 metres. At 810 metres, 377" in said
    assert "at the longest limit of their service" in said
    assert "kindergarten in metres, elderly_care 0.8 (grade M)" in said
    assert "A limit in metres is of metres walked" in said
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in made.tables]
    assert tables[0][1][:4] == ["kindergarten", "500, 810 m", "0.9", "500 / 810"]
    within = [row[1] for row in tables[1][1:] if row[2] == "Residents"]
    assert within == [pair[1] for pair in PAIRS]
    assert tables[2][0][2:] == [f"{service} {label}" for service, label, *_ in PAIRS]
    north = next((run / "communities").glob("*North*.docx"))
    rows = [[cell.text for cell in row.cells] for row in docx.Document(str(north)).tables[0].rows]
    assert [row[1] for row in rows[1:]] == [pair[1] for pair in PAIRS]
    assert rows[1][7] == "230 m"  # half of the north bank lives with a
    assert rows[4][7] == "8.8 min"  # 630 m to South Surgery
    assert "{" not in said


def test_sheets_say_the_unit(run: Path) -> None:
    said = {path.stem: _pdf(path) for path in (run / "maps").glob("map-*.pdf")}
    assert "servicesmissedonfoot,eachbyitsownlimit" in said["map-all"]
    assert "Worstgapsatthelongestlimits" in said["map-all"]
    for service, label, *_ in PAIRS:
        assert f"{service}{label}".replace(" ", "") in said["map-all"]
    for text in ("within500,810monfoot", "Within500monfoot", "500to810m", "Gap:homesfartherthan810m"):
        assert text in said["map-kindergarten"]
    assert "Worstgapsat10min" in said["map-elderly_care"]
    assert "Thresholds:5,10,15min(inclusive)" in said["map-clinic"]
    assert all(path.stat().st_size > 10_000 for path in (run / "maps").glob("*.png"))


def test_the_page_of_the_report_says_the_unit(report: Report) -> None:
    page = _page(report)
    assert "| kindergarten | 500 m | 15.2% | 75.6% | 9.1% | 497 residents |" in page
    assert "| 1,900 m | 2,600 m |" in page
    assert "| clinic | 5 min | 14.8% |" in page
    assert "| kindergarten 500 m | kindergarten 810 m | elderly\\_care 10 min | clinic 5 min |" in page
    assert re.search(r"\| The Estate \| kindergarten \| 810 m \| 200 \| .* \| 2,600 m \| 1,217 \|", page)


# ---------------------------------------------------------------------- on maps


def test_the_map_has_the_layers_of_each_service(visit: Visitor, run: Path) -> None:
    labels = ["500 m", "810 m", "metres", "10 min", "minutes", "5 min", "10 min", "15 min", "minutes"]
    with visit(run / "map.html") as seen:
        pills = seen.page.locator(".lc-pill")
        assert pills.all_inner_texts() == labels
        left = [pills.nth(number).bounding_box()["x"] for number in range(9)]  # type: ignore[index]
        assert left[0] == left[3] == left[5], "each service begins a row"
        legends = set()
        for number in range(9):
            pills.nth(number).click()
            legends.add(seen.page.locator(".lc-legend").inner_text())
        assert len(legends) == 9
        pills.nth(2).click()
        legend = seen.page.locator(".lc-legend").inner_text()
        assert "Metres on foot to the nearest" in legend
        assert re.findall(r"\d+", legend.split("nearest")[1])[:5] == ["0", "300", "500", "1000", "1500"]
        seen.page.locator(".lc-search input").fill("Estate")
        seen.page.locator(".lc-search li").first.click()
        table = seen.page.locator(".lc-table").inner_text()
        assert [line.strip() for line in re.findall(r"^\d+ (?:m|min)\b", table, re.MULTILINE)] == [
            p[1] for p in PAIRS
        ]
        assert "Median walk 2600 m" in table
        assert "Median walk 22.5 min" in table  # i: 1620 m to Main Clinic
        assert seen.is_quiet, seen


def test_the_rows_of_the_map_are_those_of_the_table(report: Report, run: Path) -> None:
    data = data_of((run / "map.html").read_text(encoding="utf-8"))
    assert [service["limits"] for service in data["services"]] == [
        ["500 m", "810 m"], ["10 min"], ["5 min", "10 min", "15 min"]
    ]  # fmt: skip
    table = report.coverage.by_community()
    assert data["communities"]["rows"]["covered"] == pytest.approx(table["share_covered"], abs=1e-4)
    labels = [
        data["services"][service]["limits"][step]
        for service, step in zip(data["gaps"]["service"], data["gaps"]["step"], strict=True)
    ]
    assert labels == limit_labels(report.gaps, MIXED, "en")
    assert max(value or 0 for value in data["gaps"]["walk"]) == 2600


# ---------------------------------------------------------------------- between two runs


def test_two_runs_are_compared_by_each_limit(visit: Visitor, run: Path, tmp_path: Path) -> None:
    # a new kindergarten at (1300, 0): home b walks 390 m to it, c too; e and the estate's home i stay far
    more = toy_facilities([*FACILITIES, ("K2", "New Kindergarten", "kindergarten", (1300, 0))])
    analyze(toy_town(facilities=more), MIXED, lang="en").save(tmp_path / "later")
    comparison = compare_runs(run, tmp_path / "later")
    first = comparison.finding()[0]
    assert first.startswith("Covered, each service within its own limit: kindergarten (810 m) 28.9% → ")
    city = comparison.table[comparison.table["community_id"] == ""]
    assert city["threshold_m"].fillna(0).to_list() == [pair[3] or 0 for pair in PAIRS]
    assert city["residents_covered_before"].to_list() == [pair[4] for pair in PAIRS]
    # within 500 m: b 50 and c 7; within 810 m: c 7 (b was in already) and j (100 + 600 = 700 m) 70
    assert city["residents_gained"].to_list() == [57, 77, 0, 0, 0, 0]
    paths = comparison.save(tmp_path / "compared")
    read = pd.read_csv(paths["compare.csv"], encoding="utf-8-sig")
    assert set(read["threshold_m"].dropna()) == {500, 810}
    assert "| kindergarten | 500 m | 15.2% | 23.9% |" in paths["compare.md"].read_text(encoding="utf-8")
    data = data_of(draw_comparison(comparison).get_root().render())
    assert len(data["changes"]) == 6
    assert data["communities"]["rows"]["gained"][:2] == [57, 7]
    with visit(paths["compare.html"]) as seen:
        pills = seen.page.locator(".lc-pill")
        assert pills.all_inner_texts() == [pair[1] for pair in PAIRS]
        for number in range(6):
            pills.nth(number).click()
            assert PAIRS[number][1] in seen.page.locator(".lc-legend").inner_text()
        assert seen.is_quiet, seen


def _page(report: Report) -> str:
    from lifecircle.render.report_page import report_page

    return report_page(report.coverage, report.gaps, "en")


def _pdf(path: Path) -> str:
    (page,) = PdfReader(path).pages
    return re.sub(r"\s+", "", page.extract_text())


def _sheet(sheet: Any) -> pd.DataFrame:
    rows = list(sheet.values)
    head = next(number for number, row in enumerate(rows) if row[1] is not None)
    return pd.DataFrame(rows[head + 1 :], columns=pd.Index(rows[head]))
