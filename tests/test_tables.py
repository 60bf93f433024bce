import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.cell_range import CellRange

from lifecircle.errors import DataError, FileError
from lifecircle.sources import tables
from lifecircle.sources.tables import (
    Note,
    coordinates,
    find_column,
    read_table,
    table_words,
    to_numbers,
    to_text,
    unique_ids,
)

LIST = """编号,名称,类别,经度,纬度
001,示例幼儿园,幼儿园,119.92,28.45
002,示例卫生站,社区卫生服务站,119.93,28.46
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_in_the_encodings_planners_use(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(LIST, encoding=encoding)
    table = read_table(file, notes=[])
    assert list(table.columns) == ["编号", "名称", "类别", "经度", "纬度"]
    assert list(table["名称"]) == ["示例幼儿园", "示例卫生站"]
    assert list(table["编号"]) == ["001", "002"]  # leading zeros stay
    assert list(table.index) == [2, 3]  # as a spreadsheet numbers them


def test_a_guessed_encoding_is_noted_with_a_sample(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(LIST, encoding="gb18030")
    notes: list[Note] = []
    read_table(file, notes=notes)
    assert [(item, count) for item, count, _ in notes] == [("tables.encoding_guessed", 1)]
    assert "示例幼儿园" in notes[0][2]
    told: list[Note] = []
    read_table(file, notes=told, encoding="gbk")
    assert not told


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(LIST, encoding="gb18030")
    for encoding in ("utf-8", "no-such-encoding", "zlib"):
        with pytest.raises(DataError, match=f"cannot be read as {encoding}"):
            read_table(file, notes=[], encoding=encoding)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_cells_may_be_parted_by_comma_semicolon_or_tab(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text("\n".join(mark.join(row) for row in (("name", "lon", "lat"), ("A", "1.5", "2"))))
    table = read_table(file, notes=[])
    assert table.iloc[0].to_dict() == {"name": "A", "lon": "1.5", "lat": "2"}


def test_semicolons_mean_decimal_commas(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text('name;lon;lat\n"Guardería, 1";-15,43;28,12\n', encoding="utf-8")
    table = read_table(file, notes=[])
    assert table["name"].iloc[0] == "Guardería, 1"
    assert coordinates(table, file, []).iloc[0].to_list() == [-15.43, 28.12]


def test_an_unclosed_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text('name,lon,lat\n"A,1,2\nB,3,4\n')
    with pytest.raises(DataError, match="line 3"):
        read_table(file, notes=[])


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
    import zipfile

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


@pytest.mark.parametrize("content", ["", "\n\n , ,\n"])
def test_an_empty_list_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="no row with a position"):
        read_table(file, notes=[])


@pytest.mark.parametrize(
    ("content", "row", "names"),
    [
        ("名称,经度,纬度\n,,\n", 1, "名称, 经度, 纬度"),
        ("幼儿园一览\n\n名称,经度,纬度\n", 3, "名称, 经度, 纬度"),
        ("一幼,119.9,28.45,幼儿园\n", 1, "一幼, 119.9, 28.45, 幼儿园"),
        ("幼儿园一览\n一幼,119.9,28.45,幼儿园\n", 2, "一幼, 119.9, 28.45, 幼儿园"),
    ],
)
def test_a_list_that_is_only_a_header_says_what_was_taken_for_it(
    tmp_path: Path, content: str, row: int, names: str
) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=rf"below row {row}, .*\({names}\)") as refused:
        read_table(file, notes=[])
    assert refused.value.key == "tables.only_header"
    assert f"若第 {row} 行已是一处地点" in refused.value.in_language("zh")


def test_the_one_row_of_a_list_is_no_header_because_it_is_longer(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text("学校,东,北,\n一幼,119.9,28.45,幼儿园\n", encoding="utf-8")
    assert read_table(file, notes=[]).to_dict("index") == {2: {"学校": "一幼", "东": "119.9", "北": "28.45"}}


@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1/a.csv",
        "/vsicurl/http://127.0.0.1/a.csv",
        "/vsizip/a.zip/b.csv",
        "a.zip!b.csv",
        "a;b.csv",
    ],
)
def test_only_plain_files_of_this_computer_are_read(name: str) -> None:
    with pytest.raises(FileError, match="plain file"):
        read_table(Path(name), notes=[])


def test_a_missing_file_and_an_unknown_ending_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere\.csv does not exist"):
        read_table(tmp_path / "nowhere.csv", notes=[])
    with pytest.raises(FileError, match="is not a file"):
        read_table(tmp_path, notes=[])
    old = tmp_path / "old.xls"
    old.touch()
    with pytest.raises(DataError, match=r"\.csv, \.tsv, \.txt, \.xlsx"):
        read_table(old, notes=[])


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("lon", "经度"), ("lon", "LNG"), ("lon", " Longitude "), ("lon", "Ｘ"), ("lon", "经 度（°）"),
        ("lat", "纬度"), ("lat", "Lat"), ("lat", "y"), ("id", "编号"), ("name", "名称"), ("name", "Name:ZH"),
        ("type", "类别"), ("type", "Service"), ("community", "社区"), ("street", "街道"), ("address", "地址"),
        ("population", "常住人口（人）"), ("population", "Residents"), ("floor_m2", "建筑面积(㎡)"),
        ("floor_m2", "Floor Area"), ("levels", "层数"),
    ],
)  # fmt: skip
def test_columns_are_found_by_their_aliases(field: str, column: str) -> None:
    assert find_column(["别的", column, "other"], field) == column


def test_the_first_alias_wins_and_no_alias_stands_for_two_fields() -> None:
    assert find_column(["y", "lat", "x", "经度"], "lon") == "经度"
    assert find_column(["colour"], "lon") is None
    aliases = [alias for field in table_words()["columns"].values() for alias in field]
    assert len(aliases) == len(set(aliases))


def test_rows_without_usable_coordinates_are_counted_and_named(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    rows = ["119.9,28.4", ",28.4", "0,0", "east,28.4", "NaN,28.4", "Infinity,28.4", "１１９．９,28.5"]
    file.write_text("lon,lat\n" + "\n".join(rows), encoding="utf-8")
    notes: list[Note] = []
    points = coordinates(read_table(file, notes=notes), file, notes)
    assert points.to_numpy().tolist() == [[119.9, 28.4], [119.9, 28.5]]
    assert notes == [
        ("tables.rows_without_coordinates", 2, "facilities.csv: 3, 4"),
        ("tables.rows_with_bad_coordinates", 3, "facilities.csv: 5, 6, 7"),
    ]


def test_a_list_without_coordinate_columns_shows_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "facilities.csv"
    file.write_text("名称,地址\nA,B\n", encoding="utf-8")
    with pytest.raises(DataError, match="Columns seen: 名称, 地址"):
        coordinates(read_table(file, notes=[]), file, [])


def test_numbers_are_read_as_people_write_them() -> None:
    values = pd.Series(["1,200", "1 200", "", None, "12人", 3, 4.5, np.nan, "-7", "1,234,567.5", "1,23"])
    expected = [1200, np.nan, np.nan, np.nan, np.nan, 3, 4.5, np.nan, -7, 1234567.5, np.nan]
    np.testing.assert_array_equal(to_numbers(values), expected)


def test_texts_lose_the_tail_of_whole_numbers_and_line_breaks() -> None:
    values = pd.Series([331102001001.0, 7, None, np.nan, pd.NaT, " 紫金\n社区 ", 0.5], dtype=object)
    assert to_text(values).to_list() == ["331102001001", "7", "", "", "", "紫金 社区", "0.5"]


@given(st.lists(st.sampled_from(["", "a", "a-2", "b", "c001", "c-002"]), max_size=12))
def test_ids_become_unique_and_the_first_of_each_keeps_its_own(ids: list[str]) -> None:
    given_ids = pd.Series(ids, dtype=object)
    unique = unique_ids(given_ids, "c-", Path("x.csv"), [])
    assert unique.is_unique
    assert (unique != "").all()
    first = ~given_ids.duplicated() & (given_ids != "")
    later = unique[~first]
    assert not set(later) & set(given_ids[first & unique.eq(given_ids)])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-180, 180, width=32), st.floats(-90, 90, width=32)).filter(
            lambda xy: xy != (0, 0)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_coordinates_survive_a_csv_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]]
) -> None:
    file = tmp_path_factory.mktemp("points") / "points.csv"
    pd.DataFrame(points, columns=["lon", "lat"]).to_csv(file, index=False)
    assert coordinates(read_table(file, notes=[]), file, []).to_numpy().tolist() == [
        list(xy) for xy in points
    ]


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


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_names_that_a_shapefile_cuts_stand_for_one_field_or_none(encoding: str) -> None:
    fields: dict[bytes, set[str]] = {}
    for field, aliases in table_words()["columns"].items():
        for alias in aliases:
            raw = alias.encode(encoding, errors="ignore")
            if len(raw) > 10:
                fields.setdefault(raw[:10], set()).add(field)
    assert len(fields) > 10
    for raw, named in fields.items():
        whole = tables.whole_name(raw, encoding)
        assert (whole is None) == (len(named) > 1)  # "residents_" may be of three ages
        if whole is not None:
            assert find_column([whole], *named) == whole
    assert tables.whole_name(b"community_", encoding) is None
    assert tables.whole_name("名称".encode(encoding), encoding) is None


def test_a_date_is_no_coordinate_and_a_formula_counts_by_its_value(tmp_path: Path) -> None:
    import xlsxwriter

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
    import zipfile

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
        monkeypatch.setattr(tables, "_CHUNK_BYTES", size)
        assert list(tables._merged_cells(io.BytesIO(xml))) == [(3, 7, 0, 1), (10, 12, 26, 27)]
