from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecircle.errors import DataError, FileError
from lifecircle.sources.notes import Note
from lifecircle.sources.tables import coordinates, read_table, unique_ids

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


@given(st.lists(st.sampled_from(["", "a", "a-2", "b", "c001", "c-002"]), max_size=12))
def test_ids_become_unique_and_the_first_of_each_keeps_its_own(ids: list[str]) -> None:
    given_ids = pd.Series(ids, dtype=object)
    unique = unique_ids(given_ids, "c-", Path("x.csv"), [])
    assert unique.is_unique
    assert (unique != "").all()
    first = ~given_ids.duplicated() & (given_ids != "")
    later = unique[~first]
    assert not set(later) & set(given_ids[first & unique.eq(given_ids)])


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
