"""Does a city.toml with ages, a raster and units become tables by group and unit, and back from a record?"""

import dataclasses
import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from commands import run_here
from test_read_city import EAST, WEST, write_layer, write_osm

from lifecircle.catalog import LayerFile, find_city
from lifecircle.cli import cli
from lifecircle.errors import DataError
from lifecircle.sources.datum import from_wgs84
from lifecircle.sources.finished_run import read_run
from lifecircle.sources.levels import read_levels
from lifecircle.sources.read_city import load_city, read_city

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"
AGES = """
[ages]
"60+" = 0.175
source = "2020 census of a district"

[[levels]]
id = "planning_unit"
path = "units.gpkg"
name = { zh = "规划单元", en = "Planning unit" }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample with subdistricts, planning units, and the share of the old."""
    folder = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("city") / "town")
    communities = gpd.read_file(folder / "communities.gpkg")
    half = communities.centroid.x > communities.centroid.x.median()
    communities.assign(街道=half.map({True: "东街道", False: "西街道"})).to_file(folder / "communities.gpkg")
    low_x, low_y, high_x, high_y = communities.total_bounds
    units = gpd.GeoDataFrame(
        {"名称": ["南单元"]},
        geometry=[shapely.box(low_x, low_y, high_x, (low_y + high_y) / 2)],
        crs=communities.crs,
    )
    units.to_file(folder / "units.gpkg")
    text = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text(text + AGES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "run"
    found = CliRunner().invoke(cli, ["analyze", "--city", str(folder), "--out", str(out), "--lang", "zh"])
    assert found.exit_code == 0, found.output
    return out


def test_elderly_care_counts_the_old_by_their_share(out: Path) -> None:
    table = pd.read_csv(out / "communities.csv", keep_default_na=False).query("community_id == ''")
    table = table.set_index("service").groupby(level=0).first()
    assert table["denominator"].to_dict() == {
        "clinic": "residents",
        "elderly_care": "residents_60plus",
        "kindergarten": "residents",
    }
    people = pd.to_numeric(table["residents"])
    assert people["elderly_care"] == pytest.approx(0.175 * people["clinic"])
    page = (out / "report.md").read_text(encoding="utf-8")
    assert "17.50%" in page
    assert "2020 census of a district" in page
    assert "60岁以上老人" in page


def test_levels_add_up_to_the_city(out: Path) -> None:
    levels = pd.read_csv(out / "levels.csv", keep_default_na=False)
    assert {*levels["level"]} == {"subdistrict", "planning_unit"}
    assert {*levels.query("level == 'subdistrict'")["unit"]} == {"东街道", "西街道"}
    city = pd.read_csv(out / "communities.csv", keep_default_na=False).query("community_id == ''")
    whole = pd.to_numeric(city.set_index(["service", "threshold_minutes"])["residents_covered"])
    for _, rows in levels.groupby("level"):
        summed = rows.groupby(["service", "threshold_minutes"])["residents_covered"].sum()
        assert summed.reindex(whole.index).to_numpy() == pytest.approx(whole.to_numpy(), abs=0.001)


def test_a_run_comes_back_with_its_levels_and_groups(out: Path) -> None:
    coverage, lang = read_run(out)
    assert lang == "zh"
    assert [level.id for level in coverage.city.levels] == ["subdistrict", "planning_unit"]
    assert coverage.denominator("elderly_care") == "residents_60plus"
    assert {file["role"] for file in json.loads((out / "run.json").read_text("utf-8"))["inputs"]} >= {
        "levels"
    }


def test_a_raster_on_the_command_line_says_where_people_live(folder: Path, tmp_path: Path) -> None:
    city = load_city(folder)
    low_x, low_y, high_x, high_y = city.communities.to_crs(4326).total_bounds
    transform = rasterio.transform.from_bounds(low_x, low_y, high_x, high_y, 40, 30)
    profile = {"driver": "GTiff", "height": 30, "width": 40, "count": 1, "dtype": "float32", "nodata": -99999}
    with rasterio.open(tmp_path / "p.tif", "w", crs="EPSG:4326", transform=transform, **profile) as raster:
        raster.write(np.arange(1200, dtype=np.float32).reshape(30, 40) % 7, 1)
    weighted = load_city(folder, population=tmp_path / "p.tif")
    before, after = (one.homes.groupby("community_id")["residents"].sum() for one in (city, weighted))
    pd.testing.assert_series_equal(after, before)  # every community keeps the population that it gives
    assert len(weighted.homes) > len(city.homes)  # cells without a building
    assert {"role": "population"}.items() <= weighted.inputs[-1].items()


def test_units_of_one_name_in_two_counties_are_two(folder: Path) -> None:
    communities = gpd.GeoDataFrame(
        {
            "community_id": ["1", "2", "3", "4"],
            "community": ["a", "b", "c", "d"],
            "subdistrict": ["城关", "城关", "城关", ""],
            "county": ["甲县", "乙县", "乙县", "乙县"],
        },
        geometry=shapely.box([0, 1, 2, 3], 0, [1, 2, 3, 4], 1),
        crs=4549,
    )
    files = dataclasses.replace(find_city(folder), levels=())
    kept, levels, _ = read_levels(files, communities)
    assert [*kept] == ["community_id", "community", "geometry"]
    assert [level.id for level in levels] == ["subdistrict", "county"]
    assert levels[0].units["unit_id"].tolist() == ["甲县/城关", "乙县/城关"]
    assert levels[0].units["unit"].tolist() == ["城关", "城关"]
    assert levels[0].of_community is not None
    assert levels[0].of_community.tolist() == [0, 1, 1, -1]
    assert levels[0].units.area.tolist() == [1, 2]
    assert levels[0].label("zh") == "街道/乡镇"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AGES.replace("0.175", "17.5"), r"60\+ = 17.5 is no share"),
        (AGES.replace("planning_unit", "Unit"), "Unit is no id of a level"),
        (AGES.replace("planning_unit", "2单元"), "2单元 is no id of a level"),
        (AGES.replace("planning_unit", "subdistrict"), "subdistrict stands twice"),
        (AGES.replace('source = "2020 census of a district"', ""), "source"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder: Path, tmp_path: Path, text: str, message: str) -> None:
    other = shutil.copytree(folder, tmp_path / "town")
    whole = (other / "city.toml").read_text(encoding="utf-8")
    (other / "city.toml").write_text(whole.replace(AGES, text), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_city(other)


def test_grids_are_counted_by_community_and_city_too(folder: Path) -> None:
    grids = gpd.GeoDataFrame(
        {
            "community_id": ["1", "2"],
            "community": ["网格1", "网格2"],
            "committee": "白云",
            "municipality": "丽水",
        },
        geometry=shapely.box([0, 1], 0, [1, 2], 1),
        crs=4549,
    )
    _, levels, _ = read_levels(dataclasses.replace(find_city(folder), levels=()), grids)
    assert [level.label("zh") for level in levels] == ["社区", "市"]
    assert [level.label("en") for level in levels] == ["Residents' committee", "City"]
    assert levels[0].units["unit_id"].tolist() == ["丽水/白云"]


# ---------------------------------------------------------------------- typed


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two communities in two towns, with layers of units as a planner may have them."""
    folder = tmp_path_factory.mktemp("typed")
    write_osm(folder / "streets.osm")
    towns = zip((WEST, EAST), ("甲镇", "乙镇"), strict=True)
    communities = [(box, {**columns, "镇街全称": town}) for (box, columns), town in towns]
    write_layer(folder / "communities.gpkg", communities)
    # One unit holds both blocks of flats, one of another place touches neither community.
    both, far = (119.900, 28.449, 119.910, 28.452), (119.95, 28.45, 119.96, 28.46)
    write_layer(folder / "units.gpkg", [(both, {"名称": "中心单元"}), (far, {"名称": "别处单元"})])
    write_layer(folder / "far.gpkg", [(far, {"名称": "别处单元"})])
    shifted = gpd.read_file(folder / "units.gpkg")
    moved = shapely.transform(shifted.geometry.to_numpy(), lambda xy: from_wgs84(xy, "gcj02"))
    shifted.set_geometry(gpd.GeoSeries(moved, crs=4326)).to_file(folder / "gcj.gpkg")
    return folder


def words(folder: Path, *more: str) -> list[str]:
    files = ["--osm", str(folder / "streets.osm"), "--communities", str(folder / "communities.gpkg")]
    return [*files, "--lang", "zh", *more]


@pytest.mark.usefixtures("elsewhere")
def test_levels_and_columns_may_be_typed(typed: Path, tmp_path: Path) -> None:
    options = ["--column", "subdistrict=镇街全称", "--levels", f"规划单元={typed / 'units.gpkg'}"]
    options += ["--levels", str(typed / "gcj.gpkg"), "--datum", "levels=wgs84"]
    options += ["--minutes", "10", "--out", str(tmp_path / "run")]
    assert run_here("analyze", *words(typed, *options)) == 0
    levels = pd.read_csv(tmp_path / "run" / "levels.csv", keep_default_na=False)
    assert list(dict.fromkeys(levels["level"])) == ["subdistrict", "规划单元", "gcj"]

    # 300 people live in the west and 100 in the east; all of them in the one unit, which counts them once.
    sheet = openpyxl.load_workbook(tmp_path / "run" / "ledger.xlsx")["各级单元"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(at for at, row in enumerate(rows) if row[0] == "层级")
    table = pd.DataFrame(rows[head + 1 :], columns=pd.Index(rows[head]))
    table = table[table["服务"] == "幼儿园"].set_index(["层级", "单元"])
    assert table["总量（人）"].loc[["街道/乡镇", "规划单元"]].to_dict() == {
        ("街道/乡镇", "甲镇"): 300, ("街道/乡镇", "乙镇"): 100, ("规划单元", "中心单元"): 400,
    }  # fmt: skip
    assert table["总量（人）"].loc["gcj"].to_dict() == {"中心单元": 0, "不在任何单元内": 400}
    record = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert record["settings"]["columns"] == {"subdistrict": "镇街全称"}
    page = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "| 与任何社区都不相交的单元：未采用 | 1 | units.gpkg: 别处单元 |" in page
    coverage, _ = read_run(tmp_path / "run")
    assert [level.label("zh") for level in coverage.city.levels] == ["街道/乡镇", "规划单元", "gcj"]


def test_units_on_another_datum_are_moved(typed: Path) -> None:
    files = {"osm": typed / "streets.osm", "communities": typed / "communities.gpkg"}
    city = read_city(**files, levels=[LayerFile(typed / "gcj.gpkg", datum="gcj02"), typed / "units.gpkg"])
    moved, plain = (level.units.to_crs(4326).total_bounds for level in city.levels)
    assert moved == pytest.approx(plain, abs=1e-7)
    assert [level.id for level in city.levels] == ["gcj", "units"]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--levels", "far.gpkg"], 1, "没有任何单元与社区相交（别处单元）"),
        (["--levels", "none.gpkg"], 1, "none.gpkg"),
        (["--levels", "a=units.gpkg", "--levels", "a=units.gpkg"], 1, "层级 a 重复"),
        (["--column", "population"], 2, "FIELD=COLUMN"),
        (["--column", "population=没有"], 1, "没有"),
        (["--column", "人口=人口"], 1, "人口"),
        (["--datum", "levels=gcj02"], 2, "--levels"),
    ],
)
def test_wrong_words_about_levels(
    typed: Path,
    options: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(typed)
    assert run_here("check", *words(typed, *options)) == code
    assert said in capsys.readouterr().err
