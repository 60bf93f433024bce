"""Does the command line do what its words say, and leave with the right code?"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import shapely
from batch_cities import write_city
from commands import run_here, small_city

import lifecircle
from lifecircle import cli, cli_terminal
from lifecircle.catalog import list_standards, load_presets
from lifecircle.errors import FetchError
from lifecircle.messages import say
from lifecircle.network import MAX_SNAP_M
from lifecircle.render.formats import ExportChoices

IMPORTED_FROM = Path(lifecircle.__file__).parents[1]  # the source tree, or where it is installed
SAMPLE = Path(__file__).parents[1] / "data" / "lishui"

pytestmark = pytest.mark.usefixtures("elsewhere")


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(IMPORTED_FROM),
        "XDG_DATA_HOME": str(home),
        "HOME": str(home),
        **more,
    }


def start(folder: Path, *words: str, **more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "lifecircle", *words],
        cwd=folder,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    code = left.value.code
    assert isinstance(code, int)
    return code


def commands() -> dict[str, click.Command]:
    return {"": cli.cli, **cli.cli.commands}


OF_SAMPLE = (
    "map.html",
    "communities.csv",
    "levels.csv",
    "gaps.gpkg",
    "ledger.xlsx",
    "report.md",
    "walks.npz",
    "run.json",
)


# ---------------------------------------------------------------------- the bundled city


def test_the_bundled_city_from_any_folder_and_any_console(tmp_path: Path) -> None:
    process = start(
        tmp_path, "analyze", "--city", "lishui", PYTHONIOENCODING="gbk", TERM="dumb", NO_COLOR="1"
    )
    out, err = (text.decode("gbk") for text in process.communicate(timeout=120))
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert not any(line.startswith(str(tmp_path)) for line in lines[:3]), "three lines of finding"
    assert lines[3:] == [str(tmp_path / "outputs" / "lishui" / name) for name in OF_SAMPLE]
    assert all(Path(path).is_file() for path in lines[3:])
    steps = [line for line in err.splitlines() if line.startswith("[")]
    assert [line[:5] for line in steps] == [f"[{number}/7]" for number in range(1, 8)]
    assert all(line.endswith(" s") for line in steps)
    assert "合成示例数据" in err
    assert "lifecircle fetch --city lishui" in err
    record = json.loads(Path(lines[-1]).read_text(encoding="utf-8"))
    assert record["data"] == "synthetic sample"
    assert record["settings"]["city"] == "lishui"
    assert set(record["elapsed_s"]) == {
        "streets",
        "communities",
        "facilities",
        "homes",
        "walks",
        "gaps",
        "write",
        "total",
    }


def test_json_is_all_of_stdout(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "analyze",
        "--city",
        "lishui",
        "--json",
        "--lang",
        "en",
        "--minutes",
        "5,10，20",
        "--out",
        "here",
    )
    assert run(*words) == 0
    out, err = capsys.readouterr()
    totals = json.loads(out)
    assert [row["threshold_minutes"] for row in totals] == [5.0, 10.0, 20.0] * 3
    assert {row["data"] for row in totals} == {"synthetic sample"}
    assert "Within 20 minutes on foot" in err
    assert str(elsewhere / "here" / "map.html") in err

    assert run(*words) == 1
    assert "--overwrite" in capsys.readouterr().err
    command = err.split("or try: ")[1].strip()
    assert run(*command.split()[1:]) == 0, "the next command works as it stands"
    assert [path.name for path in (elsewhere / "outputs").iterdir()] == ["lishui-5"]


def test_a_closed_pipe_is_no_crash(tmp_path: Path) -> None:
    process = start(tmp_path, "analyze", "--city", "lishui")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=120)
    assert b"Traceback" not in err
    assert b"Exception" not in err
    assert (tmp_path / "outputs" / "lishui" / "run.json").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_stops_and_writes_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "analyze", "--city", "lishui")
    assert process.stderr is not None
    assert process.stderr.read(1) == b"["
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not list(tmp_path.glob("outputs/*"))


# ---------------------------------------------------------------------- files of one's own


def test_a_city_from_files(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["analyze", "--crs", "EPSG:4549", "--lang", "en"]
    for option, name in (
        ("osm", "streets.osm.pbf"),
        ("communities", "communities.gpkg"),
        ("facilities", "facilities.csv"),
    ):
        words += [f"--{option}", str(SAMPLE / name)]
    assert run(*words) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(elsewhere / "outputs" / "streets" / "run.json")
    assert "lifecircle init mycity" in err
    record = json.loads((elsewhere / "outputs" / "streets" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["facilities"] == [str(SAMPLE / "facilities.csv")]
    assert [file["role"] for file in record["inputs"]] == ["osm", "communities", "facilities"]


def test_what_is_accepted_of_a_file_may_be_typed_and_is_kept_with_the_run(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*small_city(elsewhere / "city"), "--formats", "dictionary"]
    good = "name,type,lon,lat\nA,clinic,119.905,28.4501\n"
    (elsewhere / "list.csv").write_text(good + "B,clinic,,\n" * 3)
    listed = [*words, "--facilities", "list.csv", "--out", "a"]
    assert run(*listed) == 1
    assert "75" not in (said := capsys.readouterr().err)
    assert "3 of its 4 rows cannot be used, which is more than the 50% allowed" in said
    assert "--max-dropped" in said
    assert run(*listed, "--max-dropped", "75") == 0
    (elsewhere / "list.csv").write_text(good + (" " * 999 + "\n") * 2_000)
    capsys.readouterr()
    listed[-1] = "b"
    assert run(*listed, "--max-file-mb", "1") == 1
    assert "--max-file-mb" in capsys.readouterr().err
    assert run(*listed, "--max-file-mb", "10") == 0
    record = json.loads((elsewhere / "b" / "run.json").read_text(encoding="utf-8"))
    assert record["origin"]["limits"]["max_bytes"] == 10_000_000
    assert record["settings"]["max_file_mb"] == 10
    assert run("export", "--run", "b", "--format", "geojson") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--city", "atlantis"], "lishui"),
        (["--city", "../../etc"], "city.toml"),
        (["--city", "con"], "cannot be the name of a city"),
        (["--city", "lishui", "--standard", "gb50180"], "life-circle"),
        (["--city", "lishui", "--minutes", "900"], "in minutes"),
        (["--osm", "no.osm.pbf", "--communities", "no.gpkg"], "no.osm.pbf"),
        (["--city", "lishui", "--out", "."], "working in"),
    ],
)
def test_wrong_data_is_one_line_and_code_1(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("analyze", *words, "--lang", "en") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len([line for line in err.splitlines() if not line.startswith("[")]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["analyze"],
        ["analyze", "--city", "lishui", "--osm", "x.osm"],
        ["analyze", "--osm", "x.osm"],
        ["analyze", "--city", "lishui", "--minutes", "ten"],
        ["analyze", "--city", "lishui", "--lang", "fr"],
        ["analyze", "--city", "lishui", "--max-snap", "-1"],
        ["fetch"],
        ["fetch", "--city", "lishui", "--name", "x", "--place", "y"],
        ["fetch", "--city", "lishui", "--place", "y"],
        ["analyze", "--city", "all-lishui", "--osm", "x.osm"],
        ["fetch", "--name", "x"],
        ["fetch", "--place", "y"],
        ["list", "planets"],
        ["atlantis"],
        ["analyze", "--city", "lishui", "--formats", "xlsx,dwg"],
        ["export", "--city", "lishui"],
        ["export", "--format", "pdf"],
        ["export", "--city", "lishui", "--format", ","],
        ["export", "--city", "lishui", "--format", "dwg"],
        ["export", "--city", "lishui", "--run", "x", "--format", "pdf"],
        ["compare", "a"],
    ],
)
def test_wrong_words_are_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert "Error" in capsys.readouterr().err


def test_a_new_city_is_listed_and_never_replaced(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "mycity", "--lang", "en") == 0
    out, err = capsys.readouterr()
    assert [Path(line).name for line in out.splitlines()] == [
        "COMMUNITIES.md",
        "city.toml",
        "facilities.csv",
        "facilities.xlsx",
        "measures.toml",
    ]
    assert "lifecircle analyze --city mycity" in err
    assert run("init", "mycity") == 1
    assert run("init", "../mycity") == 1
    (elsewhere / "broken").mkdir()
    (elsewhere / "broken" / "city.toml").write_text("osm = 3\n")
    capsys.readouterr()
    assert run("list", "cities", "--lang", "en") == 0
    rows = dict(line.split("\t", 1) for line in capsys.readouterr().out.splitlines())
    assert set(rows) - set(load_presets()) == {"mycity", "broken"}
    assert "synthetic sample" in rows["lishui"]
    assert "city.toml: name is missing" in rows["broken"]


def test_standards_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "standards", "--lang", "en") == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}
    assert list(rows) == list_standards()
    assert rows["life-circle"] == ["Community life circle", "10, 15 min"]
    assert rows["gb50180-2018"][1].startswith("300 m for Kindergarten, Nursery")
    assert not any("…" in row[1] for row in rows.values())


# ---------------------------------------------------------------------- finished runs


@pytest.fixture
def finished(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the results of a small city, which stands in the working directory."""
    write_city(elsewhere / "ahui")
    assert run("analyze", "--city", "ahui", "--lang", "en", "--formats", "dictionary") == 0
    names = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    made = [name for name in OF_SAMPLE if name != "levels.csv"] + ["data_dictionary.csv"]
    assert names[-len(made) :] == made
    return elsewhere / "outputs" / "ahui"


def test_export_makes_formats_of_a_finished_run(
    finished: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecircle.grounds.metres_to_nearest", None)  # a walk measured again would fail
    assert run("export", "--city", "ahui", "--format", "GeoJSON, dictionary") == 0
    out, err = capsys.readouterr()
    folder = finished / "export"
    names = ("bands.geojson", "data_dictionary.csv", "gaps.geojson")
    assert out.splitlines() == [str(folder / name) for name in names]
    assert [line[:5] for line in err.splitlines()[:3]] == ["[1/3]", "[2/3]", "[3/3]"]
    again = ("export", "--run", "outputs/ahui", "--format", "geojson")
    assert run(*again) == 1
    assert ".geojson exists already" in capsys.readouterr().err
    assert run(*again, "--overwrite") == 0
    assert run(*again, "--out", "elsewhere") == 0
    assert (elsewhere / "elsewhere" / "gaps.geojson").is_file()


def test_a_round_trip_is_told_and_recorded(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_city(elsewhere / "ahui")
    assert run("analyze", "--city", "ahui", "--round-trip") == 0
    assert "Every walk is there and back" in capsys.readouterr().out
    record = json.loads((elsewhere / "outputs" / "ahui" / "run.json").read_text(encoding="utf-8"))
    assert record["round_trip"] is record["settings"]["round_trip"] is True


def test_export_passes_on_every_choice(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr("lifecircle.cli_export.export", lambda *_, **options: asked.update(options) or [])
    words = (
        "--format html --sheet A4 --per-community --basemap tianditu --tianditu-key k --platform-datum gcj02"
    )
    assert run("export", "--run", str(finished), *words.split(), "--lang", "zh") == 0
    assert asked["lang"] == "zh"
    assert asked["choices"] == ExportChoices(
        sheet="A4", per_community=True, basemap="tianditu", tianditu_key="k", platform_datum="gcj02"
    )
    assert "读取已完成的结果" in capsys.readouterr().err


def test_export_without_a_run_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--city", "lishui", "--format", "xlsx", "--lang", "zh") == 1
    assert "请先运行 lifecircle analyze" in capsys.readouterr().err


def test_compare_says_what_changed(
    finished: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(elsewhere / "ahui")
    write_city(elsewhere / "ahui", west=100.0)
    assert run("analyze", "--city", "ahui", "--out", "after") == 0
    capsys.readouterr()
    words = ("compare", str(finished), "after", "--lang", "en")
    assert run(*words) == 0
    *finding, table_file, page, drawn = capsys.readouterr().out.splitlines()
    assert finding
    folder = elsewhere / "outputs" / "ahui-after"
    assert [Path(line).parent for line in (table_file, page, drawn)] == [folder] * 3
    assert run(*words) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert run(*words, "--overwrite") == 0
    assert run("compare", "nowhere", "after") == 1


# ---------------------------------------------------------------------- fetching


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in for the download, and return what it was asked for."""
    asked: dict[str, Any] = {}

    def fetch_city(folder: Path, **options: Any) -> Path:
        asked.update(options, folder=folder)
        for line in ("Downloading", "again in 3 s", "again in 2 s", "again in 1 s", "Done"):
            options["progress"](line)
        return folder

    monkeypatch.setattr("lifecircle.sources.overpass.fetch_city", fetch_city)
    return asked


def test_fetch_goes_to_the_users_folder(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fetch", "--city", "lishui", "--overpass-url", "http://127.0.0.1/api", "--lang", "en") == 0
    assert asked["folder"] == tmp_path / "user" / "cities" / "lishui"
    assert asked["cache_folder"] == tmp_path / "cache" / "overpass"
    assert asked["name"] == {"zh": "丽水", "en": "Lishui"}
    assert asked["boundary"].contains(shapely.Point(119.92, 28.45))
    assert asked["overpass_url"] == "http://127.0.0.1/api"
    assert asked["overwrite"] is False
    out, err = capsys.readouterr()
    assert out.strip() == str(asked["folder"])
    assert err.splitlines() == [
        "Downloading",
        "again in 3 s",
        "Done",
        "Real data is in place. Next: lifecircle analyze --city lishui",
    ]


def test_fetch_by_place_or_boundary(asked: dict[str, Any], elsewhere: Path) -> None:
    assert run("fetch", "--place", "莲都区, 丽水市", "--name", "莲都", "--overwrite") == 0
    assert (asked["place"], asked["boundary"], asked["name"], asked["overwrite"]) == (
        "莲都区, 丽水市",
        None,
        "莲都",
        True,
    )
    square = shapely.box(119.9, 28.4, 119.95, 28.45)
    (elsewhere / "area.geojson").write_text(shapely.to_geojson(square))
    assert run("fetch", "--boundary", "area.geojson", "--name", "square") == 0
    assert asked["boundary"].equals(square)
    assert asked["lang"] == "en"
    assert run("fetch", "--place", "x", "--name", "../x") == 1


def test_what_goes_wrong_is_said_in_the_language_of_the_city(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetch_city(*_: object, **__: object) -> Path:
        raise FetchError("catalog.not_writable", folder="F", cause="x")

    monkeypatch.setattr("lifecircle.sources.overpass.fetch_city", fetch_city)
    assert run("fetch", "--city", "lishui") == 1
    assert "无法写入 F" in capsys.readouterr().err
    assert run("fetch", "--city", "lishui", "--lang", "en") == 1
    assert "F cannot be written" in capsys.readouterr().err


# ---------------------------------------------------------------------- help


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_help(name: str) -> None:
    command = commands()[name]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys, lifecircle.cli as c\n"
        "for words in (['--help'], ['analyze', '--help'], ['export', '--help'], ['--version']):\n"
        "    try: c.main(words)\n"
        "    except SystemExit as left: assert left.code == 0\n"
        "heavy = {'numpy', 'pandas', 'shapely', 'osmnx', 'folium', 'osmium', 'scipy', 'requests'}\n"
        "heavy |= {'matplotlib', 'docx', 'xlsxwriter', 'openpyxl', 'jinja2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, env=environment(IMPORTED_FROM)
    )


def test_a_plain_analysis_loads_only_what_it_uses(tmp_path: Path) -> None:
    words = [*small_city(tmp_path), "--no-cache", "--out", str(tmp_path / "out")]
    code = (
        "import sys, lifecircle.cli as c\n"
        f"try: c.main({words})\n"
        "except SystemExit as left: assert left.code == 0\n"
        "others = {'scipy.optimize', 'scipy.ndimage', 'matplotlib', 'docx', 'openpyxl', 'rasterio'}\n"
        "others |= {'networkx', 'osmnx', 'distributed'}\n"
        "ours = ('projects', 'options', 'siting', 'missing_links', 'locate')\n"
        "others |= {f'lifecircle.{one}' for one in ours}\n"
        "assert not others & set(sys.modules), others & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment(tmp_path))
    assert (tmp_path / "out" / "map.html").is_file()


def test_the_public_names_are_there_and_lazy() -> None:
    assert set(lifecircle.__all__) <= set(dir(lifecircle))
    for name in lifecircle.__all__:
        assert getattr(lifecircle, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = lifecircle.nonsense  # type: ignore[attr-defined]
    code = "import sys, lifecircle; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(IMPORTED_FROM))


def test_the_snap_distance_said_in_the_help_is_the_one_used() -> None:
    option = next(option for option in cli.analyze.params if option.name == "max_snap")
    assert option.default == MAX_SNAP_M


def test_countdowns_are_written_over_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with cli_terminal.lines() as tell:
        for line in ("wait 10 s", "wait 9 s", "done"):
            tell(line)
    assert capsys.readouterr().err == "wait 10 s\rwait 9 s \ndone\n"


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (MemoryError(), "memory.exhausted"),
        (ImportError("no x"), "cli.library"),
        (OSError("full"), "cli.system"),
    ],
)
def test_what_is_nobodys_file_ends_in_one_line_too(
    error: Exception, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecircle.cli.give_up_output", lambda: None)
    assert cli._tell_error(error) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", say(key, cli_terminal.system_language(), cause=error) + "\n")


@pytest.mark.usefixtures("elsewhere")
def test_trying_other_assumptions_is_a_step_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(*small_city(tmp_path / "city"), "--sensitivity", "--out", "out") == 0
    assert say("cli.step_sensitivity", "en") in capsys.readouterr().err
