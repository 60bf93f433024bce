"""Does `--city all-lishui` measure what has data, and say of the rest why not?"""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from commands import run_here
from test_planners_files import in_datum

from lifecircle.catalog import find_city, user_cities_folder

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_those_with_data_are_measured_and_the_others_say_so(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The sample stands in for one district, as if downloaded, with a list from AMap, and nobody said so.
    liandu = shutil.copytree(SAMPLE, user_cities_folder() / "liandu")
    listed = pd.read_csv(liandu / "facilities.csv")
    in_datum(listed, "gcj02").to_csv(liandu / "facilities.csv", index=False)
    wall = shapely.LineString([(119.9, 28.4), (119.9, 28.5)])
    gpd.GeoSeries([wall], crs=4326).to_file(elsewhere / "wall.geojson")
    broken = user_cities_folder() / "yunhe"
    broken.mkdir()
    (broken / "city.toml").write_text("osm = 3\n")

    words = ["--minutes", "15", "--barriers", "wall.geojson", "--round-trip", "--lang", "zh"]
    assert run_here("analyze", "--city", "all-lishui", *words) == 1

    told = capsys.readouterr()
    assert 'facilities.csv: datum = "gcj02"' in told.err
    assert len(told.err.splitlines()) == 11, "a line for each"
    rows = [line.split() for line in told.out.splitlines()[1:-4]]
    assert [row[1] for row in rows if row[0] == "丽水"] == ["幼儿园", "养老服务", "社区卫生服务"]
    (yunhe,) = (line for line in told.out.splitlines() if line.startswith("云和县"))
    assert "未测算：出错" in yunhe
    assert "city.toml" in yunhe
    assert any("未测算：无数据" in line and "边界待核" in line for line in told.out.splitlines())
    out = elsewhere / "outputs" / "all-lishui"
    assert (out / "liandu" / "report.md").is_file()
    record = json.loads((out / "liandu" / "run.json").read_text("utf-8"))
    assert record["settings"]["barriers"] == str(elsewhere / "wall.geojson")
    assert record["settings"]["round_trip"] is True
    covered = [f"{row['share_covered']:.1%}" for row in record["totals"]]
    assert [row[-4] for row in rows if row[0] == "丽水"] == covered
    summary = pd.read_csv(out / "summary.csv", encoding="utf-8-sig").set_index("city")
    assert summary.index.nunique() == 11
    assert summary.loc["liandu", "note"].str.contains("gcj02").all(), "an alarm stands beside the figures"

    assert run_here("analyze", "--city", "all-lishui", "--lang", "en") == 1
    assert "--overwrite" in capsys.readouterr().err, "results are kept"


def test_a_group_without_any_data_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_city("lishui").is_synthetic
    assert run_here("analyze", "--city", "all-lishui", "--lang", "en") == 0
    lines = capsys.readouterr().out.splitlines()[1:-4]
    assert len(lines) == 11
    assert all("not measured: no data" in line for line in lines)


def test_what_takes_one_place_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("check", "--city", "all-lishui", "--lang", "en") == 1
    said = capsys.readouterr().err
    assert "all-lishui names several places at once" in said
    assert "liandu" in said
    assert run_here("whatif", "--city", "all-lishui", "--status", "拟建", "--lang", "zh") == 1
    assert "同时指多个地方" in capsys.readouterr().err


def test_a_wrong_standard_stops_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("analyze", "--city", "all-lishui", "--standard", "nothing") == 1
    assert capsys.readouterr().out == ""
