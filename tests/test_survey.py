"""Is the blank form read back as the facilities that were filled in?"""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lifecircle.catalog import load_standard
from lifecircle.errors import DataError
from lifecircle.render.survey import write_survey
from lifecircle.sources.layers import read_facilities
from lifecircle.standard import Standard

HEAD_ROW = 3


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard("life-circle")


def blank(folder: Path, standard: Standard, lang: str) -> tuple[Path, Any]:
    path = folder / "survey.xlsx"
    write_survey(path, standard=standard, lang=lang)
    return path, openpyxl.load_workbook(path)


def fill(sheet: Any, row: int, values: dict[str, object]) -> None:
    """Write values below the headings that begin with these words."""
    heads = {str(cell.value): cell.column for cell in sheet[HEAD_ROW]}
    for word, value in values.items():
        column = next(at for head, at in heads.items() if head.startswith(word))
        sheet.cell(HEAD_ROW + row, column, value)


FILLED = {
    "zh": ("编号", "名称", "类别", "经度", "纬度", "建筑面积"),
    "en": ("id", "name", "type", "longitude", "latitude", "floor_area"),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_two_rows_are_read_back(tmp_path: Path, standard: Standard, lang: str) -> None:
    path, book = blank(tmp_path, standard, lang)
    kinds = [service.label(lang) for service in standard.services]
    fill(
        book.worksheets[0],
        1,
        dict(zip(FILLED[lang], ("A1", "=1+1", kinds[1], 119.92, 28.45, 800), strict=True)),
    )
    book.worksheets[0].cell(HEAD_ROW + 1, 2).data_type = "s"
    fill(
        book.worksheets[0],
        2,
        dict(zip(FILLED[lang], ("A2", "河边 Clinic", kinds[2], 119.93, 28.46, 120), strict=True)),
    )
    fill(
        book.worksheets[1],
        1,
        dict(zip(FILLED[lang], ("B1", "Closed", kinds[0], 119.9, 28.4, 1), strict=True)),
    )
    book.save(path)
    found, notes = read_facilities(path, crs="EPSG:4549", services=standard.services)
    assert found["facility_id"].tolist() == ["A1", "A2"], "the sheet of those not in use is not read"
    assert found["name"].tolist() == ["=1+1", "河边 Clinic"]
    assert found["service"].tolist() == ["elderly_care", "clinic"]
    degrees = found.geometry.to_crs(4326)
    assert degrees.x.round(6).tolist() == [119.92, 119.93]
    assert degrees.y.round(6).tolist() == [28.45, 28.46]
    assert set(notes["item"]) == {"tables.rows_read", "tables.rows_used", "tables.part_chosen"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_empty_form_holds_no_facility(tmp_path: Path, standard: Standard, lang: str) -> None:
    path, _ = blank(tmp_path, standard, lang)
    with pytest.raises(DataError, match="no row"):
        read_facilities(path, crs="EPSG:4549", services=standard.services)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_service_can_be_chosen(tmp_path: Path, standard: Standard, lang: str) -> None:
    _, book = blank(tmp_path, standard, lang)
    choices = book.worksheets[-1]
    assert choices.sheet_state == "hidden"
    assert [cell.value for cell in choices["A"] if cell.value] == [s.label(lang) for s in standard.services]
    for sheet in book.worksheets[:2]:
        rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
        lists = [rule for rule in rules.values() if rule.type == "list"]
        assert len(lists) == 3
        assert all(choices.title in rule.formula1 for rule in lists)
        assert rules["C4"].formula1.endswith(f"$A$1:$A${len(standard.services)}")
        limits = {(rule.formula1, rule.formula2) for rule in rules.values() if rule.type == "decimal"}
        assert {("-180", "180"), ("-90", "90")} <= limits


def test_what_each_status_may_be_differs(tmp_path: Path, standard: Standard) -> None:
    _, book = blank(tmp_path, standard, "zh")
    formulas = [
        next(str(rule.formula1) for rule in sheet.data_validations.dataValidation if "D4" in str(rule.sqref))
        for sheet in book.worksheets[:2]
    ]
    words = [
        [cell.value for cell in book.worksheets[-1][formula.split("!")[1].replace("$", "")[0]] if cell.value]
        for formula in formulas
    ]
    assert words == [["正常运营", "试运营", "部分开放"], ["在建", "规划", "停用"]]


def test_the_same_standard_makes_the_same_bytes(tmp_path: Path, standard: Standard) -> None:
    path, _ = blank(tmp_path, standard, "en")
    first = path.read_bytes()
    blank(tmp_path, standard, "en")
    assert path.read_bytes() == first
