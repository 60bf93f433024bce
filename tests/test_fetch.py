"""Can a user fetch a city and measure it, by nothing but the command line?"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import platformdirs
import pytest
from overpass_server import BOUNDARY, sample_window, serve, town

import lifecircle
from lifecircle import cli
from lifecircle.catalog import find_city, load_presets
from lifecircle.messages import LANGUAGES
from lifecircle.sources import transport

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows does not tell its folders by environment")


def run(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in an empty folder, with folders of one's own for data and cache."""
    environment = {
        **os.environ,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(Path(lifecircle.__file__).parents[1]),
        "PYTHONUTF8": "1",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }
    return subprocess.run(
        [sys.executable, "-m", "lifecircle", *words],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def test_a_fetched_city_is_measured_in_place_of_the_sample(tmp_path: Path) -> None:
    with serve(sample_window()) as server:
        fetched = run(tmp_path, "fetch", "--city", "lishui", "--overpass-url", server.url)
    folder = tmp_path / "data" / "lifecircle" / "cities" / "lishui"
    assert (fetched.returncode, fetched.stdout) == (0, f"{folder}\n"), fetched.stderr
    assert fetched.stderr.splitlines()[-1] == "真实数据已就绪。下一步：lifecircle analyze --city lishui"

    measured = run(tmp_path, "analyze", "--city", "lishui", "--json")

    assert measured.returncode == 0, measured.stderr
    totals = json.loads(measured.stdout)
    shares = {row["service"]: row["share_covered"] for row in totals if row["threshold_minutes"] == 15}
    assert all(shares[service] > 0.1 for service in ("kindergarten", "elderly_care", "clinic"))
    assert "lifecircle fetch" not in measured.stderr
    assert f"使用真实数据：{folder}" in measured.stderr
    record = json.loads((tmp_path / "outputs" / "lishui" / "run.json").read_text("utf-8"))
    assert record["data"] == "real"
    assert {file["role"]: Path(file["path"]) for file in record["inputs"]} == {
        "osm": folder / "streets.osm.pbf",
        "communities": folder / "communities.gpkg",
        "data_area": folder / "data_area.geojson",
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let commands of this process, too, use folders of one's own."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(transport, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def test_fetching_again_asks_for_the_same_area(here: Path) -> None:
    with serve(town()) as server:
        for more in ([], ["--overwrite"], ["--overwrite"]):
            with pytest.raises(SystemExit) as left:
                cli.main(["fetch", "--city", "lishui", "--overpass-url", server.url, *more])
            assert left.value.code == 0
        assert len(server.asked) == 3  # the cache knew the answers to all questions that came later
    areas = [file.read_bytes() for file in here.glob("data/cities/lishui*/data_area.geojson")]
    assert len(areas) == 3
    assert len(set(areas)) == 1


def test_a_district_is_fetched_by_its_name_within_its_outline_and_nobody_is_asked_where_it_lies(
    tmp_path: Path,
) -> None:
    with serve(sample_window()) as server:
        fetched = run(tmp_path, "fetch", "--city", "莲都", "--overpass-url", server.url)
        asked = "".join(server.asked)
    folder = tmp_path / "data" / "lifecircle" / "cities" / "liandu"
    assert (fetched.returncode, fetched.stdout) == (0, f"{folder}\n"), fetched.stderr
    assert fetched.stderr.splitlines()[-1].endswith("lifecircle analyze --city liandu")
    assert "119.9" in asked, "the area of the outline, not the name of a place"
    assert "莲都" not in asked
    outline = load_presets()["liandu"].outline
    kept = gpd.read_file(folder / "boundary.geojson").union_all()
    assert outline is not None
    assert kept.symmetric_difference(outline).area < 1e-6 * outline.area
    assert find_city(folder).name == {"zh": "莲都区", "en": "Liandu"}

    measured = run(tmp_path, "analyze", "--city", "莲都区", "--json")

    assert measured.returncode == 0, measured.stderr
    assert json.loads((tmp_path / "outputs" / "liandu" / "run.json").read_text("utf-8"))["data"] == "real"


def test_a_project_takes_the_planners_polygon(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpd.GeoDataFrame(geometry=[BOUNDARY], crs=4326).to_file(here / "mine.geojson", driver="GeoJSON")
    with serve(town()) as server:
        for more, code in (([], 1), (["--boundary", str(here / "mine.geojson")], 0)):
            with pytest.raises(SystemExit) as left:
                cli.main(["fetch", "--city", "灯塔", "--overpass-url", server.url, *more])
            assert left.value.code == code
            if code:
                assert "边界待核" in capsys.readouterr().err
                assert server.asked == []
    folder = here / "data" / "cities" / "dengta"
    assert find_city("灯塔").folder == folder
    kept = gpd.read_file(folder / "boundary.geojson").union_all()
    assert kept.symmetric_difference(BOUNDARY).area < 1e-9


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_dead_server_is_one_clear_line_and_exit_1(
    here: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"

    with pytest.raises(SystemExit) as left:
        cli.main(["fetch", "--city", "lishui", "--overpass-url", url, "--lang", lang])

    assert left.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = [line for line in told.err.splitlines() if line.startswith("Error")]
    assert line == told.err.splitlines()[-1]
    assert "127.0.0.1" in line
    assert "lifecircle analyze --osm FILE.osm.pbf --communities FILE" in line
    assert ("连接" if lang == "zh" else "connection") in line
    assert list(here.iterdir()) == []
