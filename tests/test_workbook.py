"""Does the ledger say what was measured, and does no name in it do anything but stand there?"""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from toy_town import FACILITIES, HOMES, STANDARD, toy_facilities, toy_homes, toy_town

from lifecircle.analysis import analyze
from lifecircle.coverage import Coverage
from lifecircle.render import workbook
from lifecircle.render.dictionary import fields_of, table_name
from lifecircle.render.ledger_tables import summary_table
from lifecircle.render.text import readable
from lifecircle.render.workbook import shown, write_ledger, xml_text
from lifecircle.report import Report

SHEETS = ("summary", "communities", "gaps", "facilities", "quality", "standard")
SAMPLE = {"en": "Synthetic sample", "zh": "合成示例数据"}
PAYLOADS = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@x",
    "http://example.org/",
    "<b>bold</b>",
    "x" * 10_000,
    "a\0b",
    "a\ufffeb",
    "🏥 clinic",
    "\u202edesrever",
    "_x0041_",
)


@pytest.fixture(scope="module")
def report() -> Report:
    return analyze(toy_town(), STANDARD)


def ledger(report: Report, folder: Path, lang: str = "en") -> Any:
    path = folder / "ledger.xlsx"
    write_ledger(report.coverage, report.gaps, path, lang=lang)
    return openpyxl.load_workbook(path)


def head_row(sheet: Any) -> int:
    """Return the row of the headings: the first that the filter covers."""
    return int(openpyxl.utils.cell.range_boundaries(sheet.auto_filter.ref)[1])


def table(book: Any, name: str, coverage: Coverage, lang: str = "en") -> pd.DataFrame:
    """Return a sheet as a table whose columns are the keys of its fields."""
    sheet = book[table_name(f"sheet_{name}", lang)]
    head, *rows = sheet.iter_rows(min_row=head_row(sheet), values_only=True)
    fields = fields_of(f"sheet_{name}", coverage)
    assert list(head) == [field.heading[lang] for field in fields]
    return pd.DataFrame(rows, columns=pd.Index([field.key for field in fields])).dropna(how="all")


def same(found: Any, expected: Any) -> None:
    """Compare numbers to the sixteen digits that a workbook keeps."""
    np.testing.assert_allclose(found.astype(float), expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_communities_are_those_measured(report: Report, tmp_path: Path, lang: str) -> None:
    found = table(ledger(report, tmp_path, lang), "communities", report.coverage, lang)
    expected = report.coverage.by_community()
    assert found["community_id"].tolist() == expected["community_id"].tolist()
    assert found["community"].tolist() == expected["community"].tolist()
    for column in ("share_covered", "share_gap", "share_unknown", "area_m2", "area_covered_m2"):
        same(found[column], expected[column])
    for word in ("", "_covered", "_gap", "_unknown"):
        same(found[f"amount{word}"], expected[f"residents{word}"])
    reached = np.isfinite(expected["median_minutes"])
    same(found["median_minutes"][reached], expected["median_minutes"][reached])
    words = {"en": {"unreachable", "unknown"}, "zh": {"不可达", "未知"}}[lang]
    assert set(found["median_minutes"][~reached]) <= words
    assert (~reached).any()


def test_the_summary_counts_by_every_denominator(report: Report, tmp_path: Path) -> None:
    found = table(ledger(report, tmp_path), "summary", report.coverage)
    totals = report.coverage.totals()
    by_label = {label: rows.reset_index(drop=True) for label, rows in found.groupby("denominator_label")}
    inhabited = "Inhabited area (50 m cells with homes)"
    areas = {inhabited, "Area of communities"}
    assert set(by_label) == {"Residents", "Home places", *areas, "Communities wholly covered"}
    people = by_label["Residents"]
    for word in ("covered", "gap", "unknown"):
        np.testing.assert_allclose(people[word].astype(float), totals[f"residents_{word}"])
        np.testing.assert_allclose(people[f"{word}_rate"].astype(float), totals[f"share_{word}"])
    area = by_label["Area of communities"]
    np.testing.assert_allclose(area["covered"].astype(float), totals["area_covered_m2"])
    np.testing.assert_allclose(area["total"].astype(float), totals["area_m2"])
    same(by_label[inhabited]["covered"], totals["inhabited_covered_m2"])
    assert set(by_label["Home places"]["total"]) == {len(HOMES)}
    rows = found[["covered", "gap", "unknown"]].astype(float).sum(axis=1)
    np.testing.assert_allclose(rows, found["total"].astype(float))
    assert people["median_minutes"].notna().all()
    assert area["median_minutes"].isna().all(), "medians are of people only"


def test_a_community_meets_the_standard_only_as_a_whole(tmp_path: Path) -> None:
    report = analyze(toy_town(), STANDARD, minutes=[15, 60])
    book = ledger(report, tmp_path)
    found, summary = (table(book, name, report.coverage) for name in ("communities", "summary"))
    expected = report.coverage.by_community()
    whole = expected["residents_covered"] == expected["residents"]
    assert ((found["meets"] == "yes") == whole).all()
    assert ((found["meets"] == "no") == (expected["residents_gap"] > 0)).all()
    keys = ["service_label", "limit"]
    counted = summary[summary["denominator_label"] == "Communities wholly covered"].set_index(keys)["covered"]
    yes = (found["meets"] == "yes").groupby([found[key] for key in keys]).sum()
    assert counted.to_dict() == yes.to_dict()
    assert 0 < yes.sum() < len(found)


def test_every_gap_stands_in_the_ledger(report: Report, tmp_path: Path) -> None:
    found = table(ledger(report, tmp_path), "gaps", report.coverage)
    assert found["gap_id"].tolist() == report.gaps["gap_id"].tolist()
    same(found["amount_in_gap"], report.gaps["residents"])
    reached = np.isfinite(report.gaps["nearest_minutes"])
    for column in ("nearest_minutes", "nearest_straight_m", "detour_ratio"):
        same(found[column][reached], report.gaps[column][reached])
    assert set(found["nearest_minutes"][~reached]) == {"unreachable"}
    assert found["nearest_straight_m"][~reached].isna().all()
    assert found.loc[report.gaps["reason"] == "detour", "measures"].str.startswith("First open").all()
    assert found.loc[report.gaps["reason"] == "no_facility", "measures"].str.startswith("Build").all()
    assert set(report.gaps["reason"]) == {"no_facility", "detour", "off_network"}
    assert found[["owner", "deadline", "investment"]].isna().all(axis=None)


def test_every_number_has_its_source_and_grade(report: Report, tmp_path: Path) -> None:
    found = table(ledger(report, tmp_path), "standard", report.coverage)
    paces = found[(found["group"] == "Pace") & (found["value_unit"] == "m/s")].set_index("figure")
    assert paces["value"].to_dict() == {"kindergarten": 0.9, "elderly_care": 0.8, "clinic": 1.2}
    assert set(paces["grade"]) == {"M"}
    assert set(paces["reference"]) == {"toy"}
    metres = found[found["figure"] == "clinic: walk in 15 minutes"].iloc[0]
    assert metres["value"] == pytest.approx(1080)
    assert found[found["group"] == "Threshold"]["value"].tolist() == [10, 15]
    assert found[found["group"] == "Grade"]["figure"].tolist() == ["V", "S", "M"]
    assert found[found["group"] == "Facilities"]["value"].tolist() == [1, 0, 2]


def test_files_and_their_hashes_are_named(tmp_path: Path) -> None:
    file = {"role": "osm", "path": "/secret/folder/town.osm.pbf", "size": 7, "sha256": "ab" * 32}
    listed = analyze(toy_town(inputs=(file,)), STANDARD)
    found = table(ledger(listed, tmp_path), "standard", listed.coverage).iloc[-1]
    assert (found["figure"], found["value"], found["reference"]) == ("streets: town.osm.pbf", 7, "ab" * 32)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_sample_says_so_on_every_sheet(tmp_path: Path, lang: str) -> None:
    book = ledger(analyze(toy_town(data="synthetic sample"), STANDARD), tmp_path, lang)
    for sheet in book:
        assert SAMPLE[lang] in sheet["A2"].value
        assert SAMPLE[lang] in sheet.oddHeader.center.text
    assert SAMPLE[lang] in book.properties.description


def test_a_real_city_does_not(report: Report, tmp_path: Path) -> None:
    for lang in ("en", "zh"):
        book = ledger(report, tmp_path, lang)
        cells = [str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row]
        assert not [text for text in cells if SAMPLE[lang] in text]
        assert not any(sheet.oddHeader.center.text for sheet in book)


def test_sheets_are_fit_for_screen_and_paper(report: Report, tmp_path: Path) -> None:
    book = ledger(report, tmp_path, "zh")
    assert book.sheetnames == [table_name(f"sheet_{name}", "zh") for name in SHEETS]
    for sheet in book:
        row = head_row(sheet)
        assert sheet.freeze_panes == f"C{row + 1}"
        assert sheet.print_title_rows == f"${row}:${row}"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToWidth in {None, 1}, "one page wide, which is also what a blank means"
        assert sheet.page_setup.fitToHeight == 0, "as many high as it takes"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.right.text == "第 &P 页，共 &N 页"
    formats = {cell.number_format for row in book["社区"].iter_rows(min_row=row + 1) for cell in row}
    assert {"#,##0", "0.0%", "0.0"} <= formats


def test_the_same_figures_make_the_same_bytes(report: Report, tmp_path: Path) -> None:
    ledger(report, tmp_path)
    first = (tmp_path / "ledger.xlsx").read_bytes()
    ledger(report, tmp_path)
    assert (tmp_path / "ledger.xlsx").read_bytes() == first


def test_names_are_shown_and_never_run(tmp_path: Path) -> None:
    for payload in PAYLOADS:
        city = toy_town(
            name={"zh": payload, "en": payload},
            facilities=toy_facilities([("K", payload, "kindergarten", (100, 0)), *FACILITIES[1:]]),
        )
        named = city.communities.assign(community=[payload, *city.communities["community"][1:]])
        report = analyze(dataclasses.replace(city, communities=named), STANDARD)
        book = ledger(report, tmp_path)
        for name, column in (("communities", "community"), ("facilities", "facility"), ("gaps", "community")):
            assert xml_text(payload) in set(table(book, name, report.coverage)[column]), payload[:40]
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in cells} <= {"s", "n"}, "no formula"
        assert not [cell for cell in cells if cell.hyperlink]
        with zipfile.ZipFile(tmp_path / "ledger.xlsx") as parts:
            assert not [part for part in parts.namelist() if "externalLink" in part]
            assert not [part for part in parts.namelist() if b"hyperlink" in parts.read(part)]


def test_a_text_is_cut_to_what_a_cell_holds() -> None:
    assert len(xml_text("x" * 40_000)) == 32_767
    assert len(xml_text("🏥" * 20_000).encode("utf-16-le")) <= 2 * 32_767
    assert xml_text("a\x00\ufffe\uffff\ud800b") == "ab"
    assert xml_text("社区 🏥") == readable("社区 🏥") == "社区 🏥"


def test_what_is_missing_is_not_a_number() -> None:
    assert shown(float("inf"), "minutes", "en") == "unreachable"
    assert shown(float("nan"), "minutes", "zh") == "未知"
    assert shown(float("nan"), "share", "en") == shown(float("inf"), "ratio", "en") == ""
    assert shown(1234.5678, "amount", "en") == "1,235"
    assert shown(0.6123, "share", "zh") == "61.2%"
    assert shown(None, "text", "en") == ""


def test_a_city_without_gaps_or_facilities_has_a_ledger(tmp_path: Path) -> None:
    everywhere = [(f"{x}-{s.id}", "Here", s.id, (x, 0)) for s in STANDARD.services for x in (300, 900)]
    happy = analyze(
        toy_town(facilities=toy_facilities(everywhere), homes=toy_homes(HOMES[:3])), STANDARD, minutes=[60]
    )
    assert table(ledger(happy, tmp_path), "gaps", happy.coverage).empty
    bare = analyze(toy_town(facilities=toy_facilities([])), STANDARD)
    assert table(ledger(bare, tmp_path), "facilities", bare.coverage).empty
    assert "unreachable" in set(table(ledger(bare, tmp_path), "communities", bare.coverage)["median_minutes"])


def test_floor_area_is_a_denominator_only_where_every_home_has_one(tmp_path: Path) -> None:
    built = analyze(toy_town(homes=toy_homes(HOMES).assign(floor_m2=100.0), measure="floor_m2"), STANDARD)
    labels = summary_table(built.coverage, "en")["denominator_label"]
    assert labels.iloc[0] == "Residential floor area", "the city's own measure comes first"
    assert "Residents" in set(labels)
    head = table(ledger(built, tmp_path), "communities", built.coverage)
    assert "amount_gap" in head
    heading = next(
        f.heading["en"] for f in fields_of("sheet_communities", built.coverage) if f.key == "amount"
    )
    assert heading == "Total, m² of floor area"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_rows_beyond_what_a_sheet_holds_are_told(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    most = 3
    whole = ledger(report, tmp_path, lang)
    monkeypatch.setattr(workbook, "_MOST_ROWS", most)
    short = ledger(report, tmp_path, lang)
    cut = 0
    for name in SHEETS:
        rows = len(table(whole, name, report.coverage, lang))
        kept = table(short, name, report.coverage, lang)
        assert len(kept) == min(rows, most)
        assert kept.iloc[:, 0].tolist() == table(whole, name, report.coverage, lang).iloc[:most, 0].tolist()
        above = " ".join(
            str(row[0].value) for row in short[table_name(f"sheet_{name}", lang)].iter_rows(max_row=4)
        )
        assert ("communities.csv" in above and str(rows) in above) == (rows > most)
        cut += rows > most
    assert 0 < cut < len(SHEETS)
