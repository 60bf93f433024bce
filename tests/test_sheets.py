import io
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from openpyxl.worksheet.cell_range import CellRange

from lifecircle.errors import DataError
from lifecircle.sources import sheets
from lifecircle.sources.cell_values import to_text
from lifecircle.sources.columns import find_column
from lifecircle.sources.notes import Note
from lifecircle.sources.tables import coordinates, read_table


def test_a_workbook_is_read_under_its_title_with_values_for_formulas(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "幼儿园"
    sheet.append(["莲都区示例设施一览表"])
    sheet.merge_cells("A1:E1")
    sheet.append([])
    sheet.append(["序号", "名 称", "经度（°）", "纬度(°)", "建成日期"])
    sheet.append([1, "示例幼儿园", 119.92, 28.45, pd.Timestamp("2020-01-02").to_pydatetime()])
    sheet.append([None, None, None, None, None])
    sheet.append([2, "=1+1", "119.93", 28.46, None])
    book.create_sheet("说明").append(["no list"])
    file = tmp_path / "facilities.xlsx"
    book.save(file)
    notes: list[Note] = []
    table = read_table(file, notes=notes)
    assert find_column(table.columns, "name") == "名 称"
    assert list(table.index) == [4, 6]
    assert coordinates(table, file, []).to_numpy().tolist() == [[119.92, 28.45], [119.93, 28.46]]
    # openpyxl wrote no computed value: an unknown value is empty, never the formula's text.
    assert to_text(table["名 称"]).to_list() == ["示例幼儿园", ""]
    assert notes == [("tables.part_chosen", 1, "facilities.xlsx: 幼儿园")]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    file = tmp_path / "lists.xlsx"
    with pd.ExcelWriter(file) as writer:
        pd.DataFrame({"name": ["A"]}).to_excel(writer, sheet_name="one", index=False)
        pd.DataFrame({"name": ["B"]}).to_excel(writer, sheet_name="two", index=False)
    assert list(read_table(file, notes=[], sheet="two")["name"]) == ["B"]
    with pytest.raises(DataError, match=r"no sheet or layer three\. It has: one, two"):
        read_table(file, notes=[], sheet="three")


def test_a_sheet_that_understates_its_size_is_read_whole(tmp_path: Path) -> None:
    plain, lying = tmp_path / "plain.xlsx", tmp_path / "lying.xlsx"
    pd.DataFrame({"name": ["A", "B"], "lon": [1, 2], "lat": [3, 4]}).to_excel(plain, index=False)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(lying, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b'<dimension ref="A1:C3"', b'<dimension ref="A1"'))
    assert read_table(lying, notes=[]).shape == (2, 3)


def test_what_is_not_a_workbook_gets_one_line(tmp_path: Path) -> None:
    file = tmp_path / "facilities.xlsx"
    file.write_text("<html>please log in</html>")
    with pytest.raises(DataError, match=r"facilities\.xlsx cannot be read"):
        read_table(file, notes=[])


def test_headers_merged_over_two_rows_are_read_together(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["莲都区设施一览表"])
    sheet.append(["名称", "类别", "坐标", None])
    sheet.append([None, None, "经度", "纬度"])
    sheet.append(["示例幼儿园", "幼儿园", 119.92, 28.45])
    for merged in ("A1:D1", "A2:A3", "B2:B3", "C2:D2"):
        sheet.merge_cells(merged)
    book.save(tmp_path / "a.xlsx")
    table = read_table(tmp_path / "a.xlsx", notes=[])
    assert list(table.columns) == ["名称", "类别", "经度", "纬度"]
    assert table.iloc[0].to_list() == ["示例幼儿园", "幼儿园", 119.92, 28.45]


def test_a_header_of_two_rows_may_be_longer_above(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row("A1", ["类别", "名称", "坐标（高德）", "", "地址", "床位", "状态"])
        sheet.write_row("C2", ["经度", "纬度"])
        sheet.merge_range("C1:D1", "坐标（高德）")
        sheet.write_row("A3", ["幼儿园", "甲园", 119.91, 28.45, "甲路", "", "建成"])
    table = read_table(path, notes=[])
    assert table.columns.tolist() == ["类别", "名称", "经度", "纬度", "地址", "床位", "状态"]
    assert coordinates(table, path, []).to_numpy().tolist() == [[119.91, 28.45]]


def test_a_row_with_little_in_it_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row("B1", ["名称", "经度", "纬度"])
        sheet.write_row("A2", [1])
        sheet.write_row("A3", [2, "甲", 119.91, 28.45])
    assert read_table(path, notes=[]).index.tolist() == [2, 3]


def test_a_date_is_no_coordinate_and_a_formula_counts_by_its_value(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "lon", "lat"])
        sheet.write_row(1, 0, ["A", 119.9])
        sheet.write_formula(1, 2, "=14.2*2", None, 28.4)
        sheet.write_row(2, 0, ["B", 119.9])
        sheet.write_datetime(2, 2, pd.Timestamp("2020-01-02"), book.add_format({"num_format": "yyyy-mm-dd"}))
    notes: list[Note] = []
    table = read_table(tmp_path / "a.xlsx", notes=notes)
    assert coordinates(table, tmp_path / "a.xlsx", notes).to_numpy().tolist() == [[119.9, 28.4]]
    assert notes == [("tables.rows_with_bad_coordinates", 1, "a.xlsx: 3")]


def test_a_damaged_workbook_gets_one_line_whatever_is_damaged(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.xlsx", tmp_path / "broken.xlsx"
    pd.DataFrame({"name": ["A"], "lon": [1], "lat": [2]}).to_excel(whole, index=False)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'r="A2"', b'r="A2" t="s"'))
    with pytest.raises(DataError, match=r"broken\.xlsx cannot be read"):
        read_table(broken, notes=[])


def test_merged_cells_stand_in_each_of_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "merged.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:F1", "设施一览")
        sheet.write_row("A2", ["街道", "名称", "经度", "纬度", "类别", "电话"])
        sheet.write_row("A3", ["", "甲园", 119.91, 28.45, "", "1"])
        sheet.write_row("A4", ["", "乙园", 119.92, 28.46, "", "2"])
        sheet.write_row("A5", ["", "", "", "", "", "3"])
        sheet.write_row("A6", ["紫金街道", "丙站", 119.93, 28.47, "养老院", "4"])
        sheet.merge_range("A3:A5", "白云街道")
        sheet.merge_range("E3:E5", "幼儿园")
        for column, value in zip("BCD", ["乙园", 119.92, 28.46], strict=True):  # one place, two telephones
            sheet.merge_range(f"{column}4:{column}5", value)
        sheet.merge_range("B8:C8", "合计")
        book.add_worksheet("别的").merge_range("A3:A6", "无关")
    notes: list[Note] = []
    table = read_table(path, notes=notes)
    assert table["街道"].tolist()[:3] == ["白云街道", "白云街道", "紫金街道"]
    assert table["类别"].tolist()[:3] == ["幼儿园", "幼儿园", "养老院"]
    assert table.index.tolist() == [3, 4, 6, 8]
    assert table.loc[8, ["名称", "经度"]].tolist() == ["合计", "合计"]  # as a reader sees it; no coordinate
    assert ("tables.rows_continue", 1, "merged.xlsx: 5") in notes
    points = coordinates(table, path, notes)
    assert points.index.tolist() == [3, 4, 6]


def test_merged_cells_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["名称", "经度", "纬度"], ["甲", 119.9, 28.4], ["乙", 119.9, 28.5]):
        sheet.append(row)
    sheet.merged_cells.ranges.update({CellRange("A2:A3"), CellRange("A2:C2")})
    book.save(path)
    with pytest.raises(DataError, match="merged cells overlap"):
        read_table(path, notes=[])


def test_merged_cells_are_found_wherever_the_xml_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    xml = b'<sheetData/><mergeCells><mergeCell ref="A3:B7"/><x:mergeCell ref="AA10:AB12"/></mergeCells>'
    for size in range(1, len(xml)):
        monkeypatch.setattr(sheets, "_CHUNK_BYTES", size)
        assert list(sheets._merged_cells(io.BytesIO(xml))) == [(3, 7, 0, 1), (10, 12, 26, 27)]
