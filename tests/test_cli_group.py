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

from lifecircle import cli_group
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

    out, err = capsys.readouterr()
    assert 'facilities.csv: datum = "gcj02"' in err
    rows = [line.split("\t") for line in out.splitlines()]
    assert len(rows) == 11
    by_id = {row[0]: row[1:] for row in rows}
    assert by_id["liandu"][0] == "莲都区"
    assert [share.split("：")[0] for share in by_id["liandu"][1:]] == [
        "幼儿园 15 分钟",
        "养老服务 15 分钟",
        "社区卫生服务 15 分钟",
    ]
    assert by_id["yunhe"][1] == "未测算：出错"
    assert "city.toml" in by_id["yunhe"][2]
    assert by_id["kaifaqu"][1] == "未测算：无数据"
    assert "边界待核" in by_id["kaifaqu"][2]
    assert (elsewhere / "outputs" / "all-lishui" / "liandu" / "report.md").is_file()
    record = json.loads((elsewhere / "outputs" / "all-lishui" / "liandu" / "run.json").read_text("utf-8"))
    assert record["settings"]["barriers"] == "wall.geojson"
    assert record["settings"]["round_trip"] is True
    covered = [f"{row['share_covered']:.1%}" for row in record["totals"]]
    assert [share.split(" ")[-1] for share in by_id["liandu"][1:]] == covered

    assert run_here("analyze", "--city", "all-lishui", "--lang", "en", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    states = {row["id"]: row["state"] for row in told}
    assert list(states.values()).count("no_data") == 9
    assert states["liandu"] == states["yunhe"] == "failed"
    assert "overwrite" in next(row["message"] for row in told if row["id"] == "liandu"), "results are kept"


def test_a_group_without_any_data_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_city("lishui").is_synthetic
    assert run_here("analyze", "--city", "all-lishui", "--lang", "en") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert all("not measured: no data" in line for line in lines)


def test_what_takes_one_place_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("check", "--city", "all-lishui", "--lang", "en") == 1
    said = capsys.readouterr().err
    assert "all-lishui names several places at once" in said
    assert "liandu" in said
    assert run_here("whatif", "--city", "all-lishui", "--status", "拟建", "--lang", "zh") == 1
    assert "同时指多个地方" in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "said"), [("zh", "幼儿园：无人居住"), ("en", "幼儿园: nobody lives here")])
def test_a_place_where_nobody_lives_has_no_share(lang: str, said: str) -> None:
    covered = [{"label": "幼儿园", "share_covered": None}]
    row = {"id": "liandu", "name": "莲都区", "state": "measured", "covered": covered}
    assert cli_group._shown(row, lang) == ["liandu", "莲都区", said]


def test_a_wrong_standard_stops_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("analyze", "--city", "all-lishui", "--standard", "nothing") == 1
    assert capsys.readouterr().out == ""
