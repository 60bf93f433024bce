"""Does a batch measure every city as if alone, say what became of each, and do nothing twice or by halves?"""

import dataclasses
import functools
import json
import shutil
from pathlib import Path
from typing import Literal

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from batch_cities import SHARES, tasks, write_city
from commands import run_here
from test_read_city import EAST, WEST, write_layer

import lifecircle as lc
from lifecircle.batch.batch import BatchResult, run_batch
from lifecircle.batch.lots import Cut
from lifecircle.batch.plan import Plan, cut_large, read_plan, tasks_of
from lifecircle.batch.store import put_file
from lifecircle.batch.task import Choices, Task
from lifecircle.batch.variant import Variant
from lifecircle.errors import DataError, FileError, UnknownNameError
from lifecircle.staging import alone_in


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return three cities, of which the last has no streets."""
    home = tmp_path_factory.mktemp("cities")
    found = [write_city(home / "ahui"), write_city(home / "behai", west=900.0), write_city(home / "cezhou")]
    (found[2] / "streets.osm").unlink()
    return found


@pytest.fixture(scope="module")
def measured(cities: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a batch of them."""
    out = tmp_path_factory.mktemp("out") / "run"
    run_batch(tasks(cities, out, parts=True), str(out))
    return out


@pytest.fixture
def batch(measured: Path, cities: list[Path], tmp_path: Path) -> tuple[Path, list[Path]]:
    """Return a copy of the folder, and of the cities."""
    out, home = tmp_path / "run", tmp_path / "cities"
    shutil.copytree(measured, out)
    shutil.copytree(cities[0].parent, home)
    return out, [home / city.name for city in cities]


def states(result: BatchResult) -> dict[str, str]:
    return {outcome.task.unit: outcome.state for outcome in result.outcomes}


def table(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "summary.csv", encoding="utf-8-sig", keep_default_na=False, na_values=[""])


def test_the_table_holds_what_can_be_worked_out_by_hand(measured: Path) -> None:
    rows = table(measured)
    assert rows["city"].tolist() == ["ahui"] * 6 + ["behai"] * 6 + ["cezhou"]
    ahui = rows[rows["city"] == "ahui"].set_index(["service", "threshold_minutes"])
    assert ahui["share_covered"].to_dict() == SHARES
    assert set(ahui["total"]) == {400.0}
    assert ahui["gaps"].to_dict() == {
        key: int(share < 1) * (1 + (share == 0)) for key, share in SHARES.items()
    }
    behai = rows[rows["city"] == "behai"].set_index(["service", "threshold_minutes"])
    assert behai.loc[("clinic", 10.0), "share_covered"] == 0.1, "100 of 1000"
    assert set(rows["data"].dropna()) == {"real"}


def test_a_city_that_fails_is_a_row_with_its_reason_and_nothing_is_made_up_for_it(measured: Path) -> None:
    failed = table(measured).iloc[-1]
    assert failed["state"] == "not measured"
    assert "streets.osm" in failed["note"]
    assert failed[["service", "total", "share_covered", "gaps", "data"]].isna().all(), "missing is not 0"
    sheet = openpyxl.load_workbook(measured / "summary.xlsx").active
    text = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert text[2][0] == "City"
    assert text[3][:3] == ["Ahui", "life-circle", "Kindergarten"]
    assert len(text) == 3 + 13
    assert "streets.osm" in str(text[-1][-1])
    assert text[-1][5] is None


def test_every_city_has_results_of_its_own_that_are_those_of_a_city_alone(
    measured: Path, cities: list[Path], tmp_path: Path
) -> None:
    lc.analyze(cities[0], lang="en").save(tmp_path / "alone")
    for name in ("communities.csv", "report.md", "map.html", "ledger.xlsx"):
        assert (measured / "ahui" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name
    assert not (measured / "cezhou").exists()


def test_all_homes_are_one_data_set_parted_by_city_and_tile(measured: Path) -> None:
    homes = gpd.read_parquet(measured / "homes.parquet")
    assert homes.crs.to_epsg() == 4326
    assert homes.groupby("city", observed=True)["residents"].sum().to_dict() == {
        "ahui": 400.0,
        "behai": 1000.0,
    }
    assert set(homes["tile"]) == {"all"}
    assert homes["elderly_care"].map(float).eq(float("inf")).all(), "nowhere any"
    assert homes.total_bounds.round(3).tolist() == [119.902, 28.45, 119.908, 28.45]
    assert [path.name for path in (measured / "homes.parquet").rglob("*") if path.is_file()] == [
        "part.parquet"
    ] * 2


def test_parts_are_those_of_the_tiles_of_now(batch: tuple[Path, list[Path]]) -> None:
    out, cities = batch

    def parts() -> list[str]:
        return sorted(
            path.parent.name for path in (out / "homes.parquet" / "city=ahui").glob("*/part.parquet")
        )

    (task, *_) = tasks(cities[:1], out, parts=True, resume=True)
    cut = dataclasses.replace(task, cut=Cut(2))
    assert states(run_batch([cut], str(out))) == {"ahui": "kept"}, "tiles change no figure"
    (out / "ahui" / "map.html").unlink()
    assert states(run_batch([cut], str(out))) == {"ahui": "measured"}
    assert parts() == ["tile=t0000", "tile=t0001"], "and no home twice"
    homes = gpd.read_parquet(out / "homes.parquet")
    assert homes[homes["city"] == "ahui"].groupby("tile", observed=True)["residents"].sum().to_list() == [
        300.0,
        100.0,
    ]
    (out / "homes.parquet" / "city=ahui" / "tile=t0001" / "part.parquet").unlink()
    assert states(run_batch([task], str(out))) == {"ahui": "measured"}
    assert parts() == ["tile=all"]


def test_who_does_not_fit_is_cut(cities: list[Path], tmp_path: Path) -> None:
    todo = tasks([*cities, "s3://bucket/far"], tmp_path)

    def cut(tiles: int | Literal["auto"], memory_bytes: int | None) -> list[Cut | None]:
        return [task.cut for task in cut_large(todo, tiles, memory_bytes=memory_bytes, workers=2)]

    assert cut("auto", 10**12) == [None] * 4
    assert cut("auto", None) == [None] * 4, "how much there is is not known"
    # a toy town takes some 250 MB, two workers of 450 MB have less each; the third has no streets
    assert cut("auto", 450_000_000) == [Cut(None, 450_000_000)] * 2 + [None] * 2
    assert cut(3, 10**12) == [Cut(3, 10**12)] * 4


def test_resume_does_nothing_twice_and_changes_no_byte(batch: tuple[Path, list[Path]]) -> None:
    out, cities = batch
    made = (out / "ahui" / "run.json").stat().st_mtime_ns
    seen = []
    for _ in range(2):
        result = run_batch(tasks(cities, out, parts=True, resume=True), str(out))
        assert states(result) == {"ahui": "kept", "behai": "kept", "cezhou": "failed"}
        seen.append([(out / name).read_bytes() for name in ("summary.csv", "summary.xlsx", "index.html")])
    assert seen[0] == seen[1]
    assert (out / "ahui" / "run.json").stat().st_mtime_ns == made
    kept = result.outcomes[0]
    record = json.loads((out / "ahui" / "run.json").read_text("utf-8"))
    assert kept.seconds == record["elapsed_s"]["total"], "what it cost when it was measured"
    assert kept.peak_memory_mb == record["peak_memory_mb"]


def test_resume_does_again_what_changed_and_only_that(batch: tuple[Path, list[Path]]) -> None:
    out, (ahui, behai, cezhou) = batch
    again = functools.partial(tasks, (ahui, behai, cezhou), out, parts=True, resume=True)
    (ahui / "communities.gpkg").unlink()
    write_layer(ahui / "communities.gpkg", [(WEST[0], {**WEST[1], "人口": 100.0}), EAST])
    assert states(run_batch(again(), str(out))) == {"ahui": "measured", "behai": "kept", "cezhou": "failed"}
    clinic = table(out).query("service == 'clinic' and threshold_minutes == 10").set_index("city")
    assert clinic["share_covered"].to_dict() == {"ahui": 0.5, "behai": 0.1}

    (behai / "communities.prj").write_text("", encoding="utf-8")  # what belongs to a file counts with it
    shutil.copy(ahui / "streets.osm", cezhou / "streets.osm")
    assert states(run_batch(again(), str(out))) == {"ahui": "kept", "behai": "measured", "cezhou": "measured"}

    (out / "ahui" / "map.html").unlink()
    (out / "homes.parquet" / "city=behai" / "tile=all" / "part.parquet").unlink()
    assert states(run_batch(again(), str(out))) == {"ahui": "measured", "behai": "measured", "cezhou": "kept"}
    other = dataclasses.replace(again()[2], choices=Choices(round_trip=True))
    assert states(run_batch([other], str(out))) == {"cezhou": "measured"}


def test_what_a_planner_changed_is_not_replaced(batch: tuple[Path, list[Path]]) -> None:
    out, cities = batch
    (out / "ahui" / "report.md").write_text("mine", encoding="utf-8")
    result = run_batch(tasks(cities, out, parts=True, resume=True), str(out))
    assert states(result) == {"ahui": "failed", "behai": "kept", "cezhou": "failed"}
    assert "report.md" in result.outcomes[0].message["en"]
    assert (out / "ahui" / "report.md").read_text(encoding="utf-8") == "mine"

    with (out / "summary.csv").open("a", encoding="utf-8") as file:
        file.write("note\n")
    with pytest.raises(FileError, match=r"summary\.csv"):
        run_batch(tasks(cities, out, overwrite=True), str(out))
    assert (out / "summary.csv").read_text(encoding="utf-8").endswith("note\n")


def test_a_folder_that_holds_something_is_neither_replaced_nor_gone_on_with_unasked(
    batch: tuple[Path, list[Path]],
) -> None:
    out, cities = batch
    before = (out / "summary.csv").read_bytes()
    with pytest.raises(FileError, match="--resume"):
        run_batch(tasks(cities[1:], out), str(out))
    assert (out / "summary.csv").read_bytes() == before
    (out / "batch.json").unlink()
    with pytest.raises(FileError, match=r"index\.html, which lifecircle did not write"):
        run_batch(tasks(cities, out, resume=True), str(out))


def test_a_batch_killed_while_it_wrote_its_table_goes_on(batch: tuple[Path, list[Path]]) -> None:
    out, cities = batch
    earlier = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    run_batch(tasks(cities[:1], out, parts=True, resume=True), str(out))
    for name in (
        "index.html",
        "summary.xlsx",
    ):  # as if the record and the first of the files had come this far
        (out / name).write_bytes(earlier[name])
    assert states(run_batch(tasks(cities[:1], out, parts=True, resume=True), str(out))) == {"ahui": "kept"}


def test_two_batches_into_one_folder_do_not_mix(cities: list[Path], tmp_path: Path) -> None:
    out, inner = tmp_path / "run", []

    def second(outcome: object, _done: int) -> None:
        with pytest.raises(FileError, match="Another batch is at work"):
            run_batch(tasks(cities[1:], out, resume=True), str(out))
        inner.append(outcome)

    run_batch(tasks(cities[:1], out), str(out), progress=second)
    assert len(inner) == 1
    assert set(table(out)["city"]) == {"ahui"}
    assert not [path for path in out.iterdir() if path.name.startswith(".")], "the lock goes with its holder"
    with alone_in(out) as alone, alone_in(out) as other:
        assert (alone, other) == (True, False)


def test_a_plan_has_cities_standards_and_scenarios(cities: list[Path], tmp_path: Path) -> None:
    shutil.copytree(cities[0], tmp_path / "dongshan")
    planned = "编号,名称,经度,纬度,类别,status\np1,新卫生服务站,119.9018,28.4501,社区卫生服务,拟建\n"
    (tmp_path / "dongshan" / "planned.csv").write_text(planned, encoding="utf-8")
    toml = tmp_path / "dongshan" / "city.toml"
    toml.write_text('facilities = ["planned.csv"]\n' + toml.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "mine.toml").write_text('extends = "life-circle"\nid = "mine"\n', encoding="utf-8")
    (tmp_path / "plan.toml").write_text(
        """cities = ["./dongshan"]
standards = ["life-circle", "./mine.toml"]
[scenarios.today]
[scenarios.planned]
status = ["拟建"]
minutes = [5]
""",
        encoding="utf-8",
    )
    out = tmp_path / "run"
    result = run_batch(tasks([], out, plan=read_plan(tmp_path / "plan.toml")), str(out))
    variants = ["life-circle/today", "life-circle/planned", "mine/today", "mine/planned"]
    assert states(result) == {f"{variant}/dongshan": "measured" for variant in variants}
    rows = table(out)
    clinic = rows[rows["service"] == "clinic"].set_index(["standard", "scenario", "threshold_minutes"])
    assert clinic["share_covered"].to_dict() == {
        # an official list goes before OpenStreetMap: none stands today, one is planned in the west
        **{
            (standard, "today", minutes): 0.0
            for standard in ("life-circle", "mine")
            for minutes in (10.0, 15.0)
        },
        ("life-circle", "planned", 5.0): 0.75,
        ("mine", "planned", 5.0): 0.75,
    }
    coverage, _ = lc.read_run(out / "mine" / "planned" / "dongshan")
    totals = coverage.totals().set_index("service")
    assert totals.loc["clinic", "share_covered"] == 0.75, "a run of a scenario is read again as it was"


def test_a_scenario_may_say_what_analyze_may_be_told(cities: list[Path], tmp_path: Path) -> None:
    layer = gpd.GeoDataFrame(geometry=[shapely.box(119.90, 28.44, 119.91, 28.46)], crs=4326)
    layer.assign(name="规划单元").to_file(tmp_path / "units.gpkg")
    plan = f"""cities = ["{cities[0].as_posix()}"]
tiles = 2
[scenarios.all]
minutes = 15
max_snap_m = 150
sensitivity = true
most_projects = 3
formats = ["geojson"]
levels = ["units.gpkg"]
[scenarios.barred.barriers]
path = "sub/../units.gpkg"
datum = "gcj02"
"""
    (tmp_path / "sub").mkdir()
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    out, read = tmp_path / "run", read_plan(tmp_path / "plan.toml")
    assert read.tiles == 2
    every, barred = tasks([], out, plan=read)
    assert every.formats == ("geojson",)
    assert barred.choices.overrides.barriers == lc.LayerFile(tmp_path / "units.gpkg", datum="gcj02")
    assert barred.choices.projects is None
    assert states(run_batch([every], str(out))) == {"all/ahui": "measured"}
    settings = json.loads((out / "all" / "ahui" / "run.json").read_text("utf-8"))["settings"]
    assert (settings["minutes"], settings["max_snap_m"], settings["sensitivity"]) == ([15.0], 150.0, True)
    names = {path.name for path in (out / "all" / "ahui").iterdir()}
    assert {"projects.csv", "bands.geojson", "levels.csv"} <= names
    assert "units" in (out / "all" / "ahui" / "levels.csv").read_text("utf-8-sig")
    again = dataclasses.replace(every, resume=True)
    assert states(run_batch([again], str(out))) == {"all/ahui": "kept"}
    layer.assign(name="另一单元").to_file(tmp_path / "units.gpkg")
    assert states(run_batch([again], str(out))) == {"all/ahui": "measured"}, "of another content"


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ('elevation = "hills.tif"', r"hills\.tif does not exist"),
        ('candidates = "plots.csv"', r"plots\.csv does not exist"),
        ('measures = "mine.toml"', r"mine\.toml does not exist"),
        ('formats = ["gif"]', "gif"),
        ("max_snap_m = 0", r"plan\.toml, scenarios\.a\.max_snap_m: 0 is out of range"),
        ("most_projects = 5000", "from 1 to 1000"),
        ("most_projects = 3.7", r"scenarios\.a\.most_projects: 3\.7 is no whole number"),
        ("minutes = [0]", r"plan\.toml, scenarios\.a: limit"),
        ('status = ["maybe"]', r"plan\.toml, scenarios\.a: maybe is no status"),
        ('sensitivity = "yes"', "scenarios.a.sensitivity"),
        ('columns = {name = "x"}', "barriers, candidates, elevation, formats"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_said_before_any_city_is_measured(
    scenario: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "plan.toml").write_text(f'cities = ["lishui"]\n[scenarios.a]\n{scenario}', encoding="utf-8")
    with pytest.raises((DataError, FileError), match=said):
        tasks([], tmp_path / "run", plan=read_plan(tmp_path / "plan.toml"))


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(("lishui",), ("life-circle", "life-circle")), "same folder"),
        (Plan(("lishui",), ("nothing",)), "nothing"),
        (Plan(("lishui",), scenarios=(Variant(id="../x"),)), r"\.\./x"),
        (Plan(("lishui",), scenarios=(Variant(id="x", minutes=(0.0,)),)), "0"),
        (Plan(("lishui",), scenarios=(Variant(id="x", statuses=("maybe",)),)), "maybe"),
        (Plan(("./a/x", "./b/x")), "same folder"),
        (Plan(("s3://bucket/..",)), r"\.\."),
    ],
)
def test_what_is_wrong_for_every_city_is_said_before_any_is_measured(
    plan: Plan, said: str, tmp_path: Path
) -> None:
    with pytest.raises((DataError, UnknownNameError), match=said):
        tasks_of(plan, Task(city="", source="", out=str(tmp_path)))


def test_a_plan_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    for text, said in (
        ("", "names no city"),
        ('cities = ["x"]\ncity = 1', "city"),
        ('cities = ["x"]\n[scenarios.a]\nstate = 1', "state"),
        ("cities = 3", "cities"),
        ('cities = ["x"]\ntiles = 0', r"plan\.toml, tiles: 0 is no number of tiles"),
    ):
        plan.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            read_plan(plan)


def test_a_group_is_its_members_and_who_has_no_data_is_no_failure(tmp_path: Path) -> None:
    group = tasks_of(Plan(("all-lishui", "liandu")), Task(city="", source="", out=str(tmp_path)))
    assert len(group) == 11
    assert all(task.may_lack_data for task in group)


def test_an_address_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    with pytest.raises(FileError) as told:
        put_file(tmp_path / "taken", f"file://{tmp_path.as_posix()}/taken/summary.csv")
    assert "/taken/summary.csv cannot be read or written" in told.value.in_language("en")


def test_results_and_cities_behind_an_address(cities: list[Path], tmp_path: Path) -> None:
    out, source = (tmp_path / "store" / "run").as_uri(), cities[0].as_uri()
    assert states(run_batch(tasks([source], out, parts=True), out)) == {"ahui": "measured"}
    store = tmp_path / "store" / "run"
    assert sorted(path.name for path in store.iterdir()) == [
        "ahui", "batch.json", "homes.parquet", "index.html", "summary.csv", "summary.xlsx"
    ]  # fmt: skip
    assert (store / "ahui" / "map.html").is_file()
    assert states(run_batch(tasks([source], out, parts=True, resume=True), out)) == {"ahui": "kept"}
    (store / "ahui" / "map.html").unlink()
    assert states(run_batch(tasks([source], out, resume=True), out)) == {"ahui": "measured"}
    with pytest.raises(FileError, match="--resume"):
        run_batch(tasks([source], out), out)
    with pytest.raises(DataError, match="nowhere://x"):
        run_batch(tasks([source], "nowhere://x"), "nowhere://x")


def test_the_command_tells_a_line_a_city_a_table_and_what_failed(
    cities: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        "batch",
        "--cities",
        ",".join(map(str, cities[1:])),
        "--workers",
        "1",
        "--lang",
        "en",
        "--minutes",
        "15",
    ]
    assert run_here(*words) == 1
    told = capsys.readouterr()
    first, second = told.err.splitlines()
    assert first.startswith("[1/2] Behai: measured, ")
    assert first.endswith(" MB")
    assert second.startswith("[2/2] cezhou: not measured: error: ")
    head, kindergarten, *_ = told.out.splitlines()
    assert head.split() == [
        "City",
        "Service",
        "Denominator",
        "Total",
        "Share",
        "covered",
        "Gaps",
        "Seconds",
        "Worker's",
        "peak,",
        "MB",
    ]
    assert kindergarten.split()[:8] == [
        "Behai",
        "Kindergarten",
        "15",
        "min",
        "residents",
        "1,000",
        "100.0%",
        "0",
    ]
    assert "streets.osm" in told.out
    assert told.out.splitlines()[-1] == str(tmp_path / "outputs" / "batch" / "batch.json")

    assert run_here(*words, "--resume", "--json") == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in rows] == ["kept", "failed"]
    assert rows[0]["rows"][0]["share_covered"] == 1.0
    assert run_here(*words) == 1
    assert "--resume" in capsys.readouterr().err


def test_cities_of_one_name_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cities = [write_city(tmp_path / year / "xincheng") for year in ("2025", "2026")] + [
        write_city(tmp_path / "ahui")
    ]
    cities[:2] = [city.rename(tmp_path / f"xincheng-{city.parent.name}") for city in cities[:2]]
    words = ["--out", str(tmp_path / "run"), "--workers", "1", "--no-cache", "--lang", "en"]
    assert run_here("batch", "--cities", ",".join(map(str, cities)), *words) == 0
    told = capsys.readouterr()
    assert [line.partition(":")[0] for line in told.err.splitlines()][1:] == [
        "[2/3] Xincheng (xincheng-2026)",
        "[3/3] Ahui",
    ]
    for name in ("Xincheng (xincheng-2025)", "Xincheng (xincheng-2026)", "Ahui  "):
        assert sum(line.startswith(name) for line in told.out.splitlines()) == 6, name
    sheet = openpyxl.load_workbook(tmp_path / "run" / "summary.xlsx").active
    assert {row[0].value for row in sheet.iter_rows(min_row=4)} == {
        "Xincheng (xincheng-2025)", "Xincheng (xincheng-2026)", "Ahui"
    }  # fmt: skip


def test_cities_in_tiles_are_named(
    cities: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "run"), "--workers", "1", "--tiles", "2", "--no-cache", "--lang", "en"]
    assert run_here("batch", "--cities", str(cities[0]), *words) == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first == "Measured in tiles, by all workers together: ahui."
    assert second.startswith("[1/1] Ahui: measured")


@pytest.mark.parametrize(
    "words",
    [[], ["plan.toml", "--cities", "a"], ["plan.toml", "--standard", "x"],
     ["--cities", "a", "--workers", "1", "--scheduler", "tcp://x:1"]],
)  # fmt: skip
def test_words_that_leave_open_what_is_meant_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("batch", *words) == 2
    assert capsys.readouterr().out == ""
