"""Does a planner's own data, as offices write it, give the same answer as the bundled city it was made of?

A Shapefile in GBK without its .cpg, an Excel list in GCJ-02 under a title, layers moved to another datum: all
written here with the libraries that write such files, and measured whole.
"""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter
from commands import run_here

from lifecircle import LayerFile
from lifecircle.catalog import load_standard
from lifecircle.coverage import measure_coverage
from lifecircle.sources.datum import from_wgs84
from lifecircle.sources.read_city import load_city, read_city

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"
SHARES = ["share_covered", "share_gap", "share_unknown"]
STANDARD = load_standard("life-circle")


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """Return the totals of the bundled city as it stands."""
    return measure_coverage(load_city(SAMPLE), STANDARD).totals()


@pytest.fixture
def listed() -> pd.DataFrame:
    return pd.read_csv(SAMPLE / "facilities.csv")


def in_datum(table: pd.DataFrame, datum: str) -> pd.DataFrame:
    lon, lat = from_wgs84(table[["经度", "纬度"]].to_numpy(), datum).round(6).T
    return table.assign(经度=lon, 纬度=lat)


def office_list(path: Path, table: pd.DataFrame) -> Path:
    """Write an Excel list as offices do: a merged title, a date, the header below them."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("设施")
        bold = book.add_format({"bold": True, "align": "center"})
        sheet.merge_range("A1:E1", "莲都区公共服务设施一览表（示例）", bold)
        sheet.write("A2", "填报日期：2025年6月")
        sheet.write_row("A3", ["序号", "名称", "经度", "纬度", "类别"], bold)
        rows = table[["名称", "经度", "纬度", "类别"]].itertuples(index=False)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number + 2, 0, [number, *row])
        book.add_worksheet("说明").write("A1", "坐标来自高德地图")
    return path


def office_shapefile(path: Path) -> Path:
    """Write the communities as a Shapefile in GBK, eastings with the zone's number, without a .cpg."""
    communities = gpd.read_file(SAMPLE / "communities.gpkg")[["社区编号", "名称", "人口", "geometry"]]
    communities.to_crs(4528).to_file(path, encoding="gbk")
    path.with_suffix(".cpg").unlink()
    return path


def close(totals: pd.DataFrame, other: pd.DataFrame, points: float = 0.1) -> None:
    """Prove that shares differ by at most so many percentage points."""
    keys = ["service", "threshold_minutes"]
    assert totals[keys].equals(other[keys])
    np.testing.assert_allclose(totals[SHARES], other[SHARES], rtol=0, atol=points / 100)


def test_a_gbk_shapefile_and_an_excel_list_in_gcj02(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    whole: pd.DataFrame,
    listed: pd.DataFrame,
) -> None:
    monkeypatch.chdir(tmp_path)
    office_shapefile(tmp_path / "社区.shp")
    office_list(tmp_path / "设施.xlsx", in_datum(listed, "gcj02"))
    words = [
        "--osm",
        str(SAMPLE / "streets.osm.pbf"),
        "--communities",
        "社区.shp",
        "--facilities",
        "设施.xlsx",
    ]
    assert run_here("analyze", *words, "--datum", "gcj02", "--lang", "zh", "--out", "told", "--json") == 0
    out, err = capsys.readouterr()
    close(pd.DataFrame(json.loads(out)), whole)
    assert "疑似整体偏移" not in err
    page = (tmp_path / "told" / "report.md").read_text(encoding="utf-8")
    assert "设施.xlsx: gcj02, 574 m" in page
    assert "社区.shp: gb18030: 社区编号; 名称; 人口" in page
    record = json.loads((tmp_path / "told" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["datums"] == {"facilities": "gcj02"}
    assert record["origin"]["facilities"][0]["datum"] == "gcj02"

    # Not told, nothing is moved: the list is called suspect, on the terminal and in the report.
    assert run_here("analyze", *words, "--lang", "zh", "--out", "untold", "--json") == 0
    out, err = capsys.readouterr()
    assert "疑似整体偏移" in err
    assert '设施.xlsx: datum = "gcj02"' in err
    assert "设施.xlsx: datum" in (tmp_path / "untold" / "report.md").read_text(encoding="utf-8")
    off = pd.DataFrame(json.loads(out))
    assert (off["share_covered"] - whole["share_covered"]).abs().max() > 0.02


def test_a_finished_run_of_such_files_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: pd.DataFrame, listed: pd.DataFrame
) -> None:
    from lifecircle.sources.finished_run import read_run

    monkeypatch.chdir(tmp_path)
    office_shapefile(tmp_path / "c.shp")
    office_list(tmp_path / "list.xlsx", in_datum(listed, "bd09"))
    words = ["--osm", str(SAMPLE / "streets.osm.pbf"), "--communities", "c.shp", "--facilities", "list.xlsx"]
    assert run_here("analyze", *words, "--datum", "facilities=bd09", "--out", "told") == 0
    again, _ = read_run("told")
    close(again.totals(), whole)


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_the_whole_city_there_and_back_gives_the_same_coverage(
    tmp_path: Path, whole: pd.DataFrame, listed: pd.DataFrame, datum: str
) -> None:
    communities = gpd.read_file(SAMPLE / "communities.gpkg").to_crs(4326)
    moved = shapely.transform(communities.geometry.to_numpy(), lambda lonlat: from_wgs84(lonlat, datum))
    communities.set_geometry(gpd.GeoSeries(moved, crs=4326)).to_file(tmp_path / "communities.gpkg")
    in_datum(listed, datum).to_csv(tmp_path / "facilities.csv", index=False, encoding="gb18030")
    city = read_city(
        osm=SAMPLE / "streets.osm.pbf",
        communities=LayerFile(tmp_path / "communities.gpkg", datum=datum),
        facilities=LayerFile(tmp_path / "facilities.csv", datum=datum),
        crs="EPSG:4549",
    )
    close(measure_coverage(city, STANDARD).totals(), whole)
    read_again = city.communities.geometry.to_numpy()
    original = load_city(SAMPLE).communities.geometry.to_numpy()
    assert shapely.hausdorff_distance(read_again, original).max() < 0.01
    told = city.quality[city.quality["item"] == "tables.datum_moved"]
    assert sorted(told["detail"].str.split(":").str[0]) == ["communities.gpkg", "facilities.csv"]


def test_homes_and_a_city_folder_may_be_on_another_datum(tmp_path: Path) -> None:
    city = load_city(SAMPLE)
    degrees = city.homes.to_crs(4326).geometry.iloc[:200]
    lon, lat = from_wgs84(np.column_stack([degrees.x, degrees.y]), "gcj02").T
    people: Any = city.homes["residents"].iloc[:200].round(3)
    pd.DataFrame({"经度": lon, "纬度": lat, "居住人口": people}).to_csv(
        tmp_path / "homes.csv", index=False, encoding="gb18030"
    )
    for name in ("streets.osm.pbf", "communities.gpkg", "facilities.csv"):
        (tmp_path / name).write_bytes((SAMPLE / name).read_bytes())
    (tmp_path / "city.toml").write_text(
        'osm = "streets.osm.pbf"\n'
        'communities = "communities.gpkg"\n'
        'facilities = [{ path = "facilities.csv", encoding = "utf-8-sig" }]\n'
        'homes = { path = "homes.csv", datum = "gcj02", encoding = "gbk" }\n'
        'crs = "EPSG:4549"\n[name]\nzh = "小城"\nen = "Town"\n',
        encoding="utf-8",
    )
    moved = load_city(tmp_path)
    listed = moved.homes[moved.homes["kind"] == "list"].geometry.to_numpy()
    assert len(listed) == 200
    assert shapely.distance(listed, city.homes.geometry.iloc[:200].to_numpy()).max() < 0.01
    assert "encoding_guessed" not in "".join(moved.quality["item"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--datum", "mars"], "mars is no datum of a file. Give one of gcj02, bd09, wgs84"),
        (["--datum", "streets=gcj02"], "streets=gcj02 is no datum"),
        (["--datum", "homes=gcj02"], "--datum speaks of homes, but there is no --homes"),
    ],
)
@pytest.mark.parametrize("command", ["analyze", "check"])
def test_a_datum_of_nothing_is_a_wrong_word(
    words: list[str],
    said: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lifecircle.cli_source.system_language", lambda: "en")
    files = ["--osm", "a.osm", "--communities", "c.gpkg", "--facilities", "f.csv"]
    assert run_here(command, *files, *words, "--lang", "en") == 2
    assert said in capsys.readouterr().err
    assert run_here(command, "--city", "lishui", "--datum", "gcj02", "--lang", "zh") == 2
    assert "请写在 city.toml 中：facilities = [{ path" in capsys.readouterr().err
