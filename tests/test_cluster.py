"""Do the workers of a real Dask cluster find what processes here find, whoever of them dies meanwhile?"""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import distributed
import pytest
from batch_cities import tasks, write_city
from commands import IMPORTED_FROM, run_here
from killed_jobs import led, led_by_two

import lifecircle
from lifecircle.batch.batch import BatchResult, run_batch
from lifecircle.batch.cluster import cluster
from lifecircle.batch.lots import Cut, in_lots
from lifecircle.batch.processes import in_turn, local_processes
from lifecircle.batch.task import Outcome
from lifecircle.batch.work import Lost
from lifecircle.errors import DataError, FetchError

if sys.platform == "win32":
    pytest.skip("signals as POSIX has them", allow_module_level=True)

TABLES = ("summary.csv", "summary.xlsx")
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start processes with the command ``dask``, and end them."""
    folder, started = tmp_path_factory.mktemp("dask"), []

    def dask(*words: str, path: Path = IMPORTED_FROM) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{Path(__file__).parent}"}
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard", "--host", "127.0.0.1"]
        log = (folder / f"{len(started)}.log").open("wb")
        with log:
            started.append(subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log))
        return started[-1]

    yield dask
    for process in started:
        process.kill()
        process.wait()


def scheduler(start: Start, folder: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Start a scheduler, and return its address too."""
    folder.mkdir(exist_ok=True)
    file = folder / "scheduler.json"
    process = start("scheduler", "--port", "0", "--no-show", "--scheduler-file", str(file))
    deadline = time.monotonic() + 60
    while not file.exists() or not file.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, str(json.loads(file.read_text())["address"])


def worker(start: Start, address: str, **more: Path) -> "subprocess.Popen[bytes]":
    return start("worker", address, "--nthreads", "1", "--no-nanny", **more)


def leave(address: str, stranger: "subprocess.Popen[bytes]") -> None:
    """End the only worker of a scheduler, and wait until that knows."""
    stranger.kill()
    with distributed.Client(address, set_as_default=False) as client:
        while client.scheduler_info()["workers"]:
            time.sleep(0.05)


@pytest.fixture(scope="module")
def address(start: Start, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a cluster of a scheduler and two workers, each a process."""
    _, address = scheduler(start, tmp_path_factory.mktemp("scheduler"))
    for _ in range(2):
        worker(start, address)
    return address


@pytest.fixture(scope="module")
def lone(start: Start, tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.Popen[bytes]", str]:
    """Return a scheduler without workers, and its address."""
    return scheduler(start, tmp_path_factory.mktemp("lone"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where lifecircle of another version lies."""
    folder, ours = tmp_path_factory.mktemp("other"), Path(lifecircle.__file__).parent
    shutil.copytree(ours, folder / "lifecircle", ignore=shutil.ignore_patterns("__pycache__"))
    init = folder / "lifecircle" / "__init__.py"
    init.write_text(init.read_text("utf-8").replace('__version__ = "', '__version__ = "9.'), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return four cities, of which one has no streets."""
    home = tmp_path_factory.mktemp("cities")
    names = ("ahui", "behai", "cezhou", "dingxi")
    found = [write_city(home / name, west=100.0 * number) for number, name in enumerate(names, start=1)]
    (found[1] / "streets.osm").unlink()
    return found


@pytest.fixture(scope="module")
def expected(cities: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tables of one process that measured the cities one after another."""
    out = tmp_path_factory.mktemp("alone") / "run"
    run_batch(tasks(cities, out), str(out), run=in_turn)
    return tables(out)


def tables(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in TABLES}


def states(result: BatchResult) -> list[str]:
    return [outcome.state for outcome in result.outcomes]


def test_cluster_processes_and_one_process_make_the_same_bytes(
    address: str, cities: list[Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    run_batch(tasks(cities, here), str(here), run=local_processes(2))
    with cluster(address) as run:
        result = run_batch(tasks(cities, there, parts=True), str(there), run=run)
    assert tables(here) == expected
    assert tables(there) == expected
    for city in ("ahui", "dingxi"):
        for name in ("communities.csv", "report.md", "map.html", "ledger.xlsx"):
            assert (here / city / name).read_bytes() == (there / city / name).read_bytes()
    assert states(result).count("measured") == 3
    workers = {outcome.worker for outcome in result.outcomes}
    assert len(workers) == 2, "both took part"
    assert not [name for name in workers if name.endswith(f":{os.getpid()}")]
    assert all((outcome.peak_memory_mb or 0) > 50 for outcome in result.outcomes), "each states its peak"
    parts = sorted(path.parts[-3] for path in there.glob("homes.parquet/*/*/part.parquet"))
    assert parts == [f"city={city.name}" for city in cities if city.name != "behai"]


def test_a_city_in_tiles_is_the_same_bytes_whoever_measures_the_tiles(
    address: str, cities: list[Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    head, *rows = expected["summary.csv"].splitlines()
    whole = [head, *(row for row in rows if row.startswith(b"ahui,"))]
    with cluster(address) as run:
        assert (run.memory_bytes or 0) > 10**8
        for name, by in (("alone", in_turn), ("processes", local_processes(1)), ("cluster", run)):
            out = tmp_path / name
            (task,) = tasks(cities[:1], out, parts=True)
            result = run_batch([dataclasses.replace(task, cut=Cut(2))], str(out), run=by)
            assert states(result) == ["measured"]
            assert tables(out)["summary.csv"].splitlines() == whole
            record = json.loads((out / "ahui" / "run.json").read_text("utf-8"))
            about = record["settings"]["in_batch"]
            assert about["tiles"]["tiles"] == 2
            assert about["tiles"]["workers"] == (2 if by is run else 1)
            parts = sorted(path.parent.name for path in out.glob("homes.parquet/city=ahui/*/part.parquet"))
            assert parts == [f"tile={tile}" for tile in about["parts"]] == ["tile=t0000", "tile=t0001"]
            assert not list(out.glob(".*")), "no files of tiles stay"


def test_leaders_wait_without_taking_a_place_and_survive_their_worker(
    address: str, start: Start, tmp_path: Path
) -> None:
    worker(start, address)  # for one is going to be killed
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
    dies = f"die {tmp_path / 'mark'} a b"
    with cluster(address) as run:
        found = dict(run(led, ["x", "y"], ["a b c d e f", dies, "g"]))
    assert (tmp_path / "mark").exists()
    assert set(found) == {"x", "y", "a b c d e f", dies, "g"}
    _, count, parts = found["a b c d e f"]
    assert count == 3
    assert [str(part).partition(" ")[0] for part in parts] == list("abcdef")
    assert str(found[dies]).startswith("die"), "done by another worker, from its beginning"


def test_a_worker_is_killed_and_the_same_result_arrives(
    address: str, start: Start, cities: list[Path], expected: dict[str, bytes], tmp_path: Path
) -> None:
    victim, out = worker(start, address), tmp_path / "run"

    def kill(outcome: Outcome, _done: int) -> None:
        if outcome.worker.endswith(f":{victim.pid}"):
            victim.send_signal(signal.SIGKILL)

    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
    with cluster(address) as run:
        result = run_batch(tasks(cities, out), str(out), run=run, progress=kill)
    assert victim.wait(timeout=20) == -signal.SIGKILL
    assert states(result).count("measured") == 3
    assert tables(out) == expected


def test_workers_of_another_version_are_one_clear_line(
    lone: tuple["subprocess.Popen[bytes]", str], start: Start, cities: list[Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str], other: Path,
) -> None:  # fmt: skip
    _, address = lone
    with pytest.raises(FetchError, match="has no worker"), cluster(address, connect_s=0.5):
        pass
    stranger = worker(start, address, path=other)
    words = ["batch", "--cities", str(cities[0]), "--out", str(tmp_path / "run"), "--scheduler", address]
    assert run_here(*words, "--lang", "en") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"lifecircle 9.{lifecircle.__version__} (" in line
    assert f"≠ {lifecircle.__version__} (" in line
    assert "numpy" not in line, "only what differs"
    assert not (tmp_path / "run").exists()

    words = ["analyze", "--city", str(cities[0]), "--out", str(tmp_path / "tiles"), "--tiles", "2"]
    assert run_here(*words, "--scheduler", address, "--lang", "zh") == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert f"lifecircle 9.{lifecircle.__version__} (" in line
    assert "请在两边安装相同版本" in line
    assert not (tmp_path / "tiles").exists()
    leave(address, stranger)


def test_tiles_on_a_worker_of_another_version_that_came_later_are_one_clear_line(
    start: Start, tmp_path: Path, other: Path
) -> None:
    _, address = scheduler(start, tmp_path / "scheduler")
    worker(start, address)
    with cluster(address) as run:
        done = run(led_by_two, [], ["a b c d"])
        stranger = threading.Timer(2, worker, (start, address), {"path": other})
        stranger.start()
        ((_, parts),) = done
        stranger.join()
    whole = [part for part in parts if not isinstance(part, Lost)]
    told = {part.message()["en"] for part in parts if isinstance(part, Lost)}
    assert 1 <= len(whole) < len(parts), "both had some"
    (line,) = told
    assert f"lifecircle 9.{lifecircle.__version__} (" in line
    assert "has other versions than this computer" in line


def test_a_worker_without_lifecircle_is_one_clear_line(
    lone: tuple["subprocess.Popen[bytes]", str], start: Start, tmp_path: Path
) -> None:
    (tmp_path / "lifecircle").mkdir()  # found before the one that is installed, and does not load
    (tmp_path / "lifecircle" / "__init__.py").write_text("raise ImportError('not here')", encoding="utf-8")
    _, address = lone
    stranger = worker(start, address, path=tmp_path)
    with pytest.raises(DataError) as told, cluster(address):
        pass
    assert "cannot run lifecircle" in told.value.in_language("en")
    leave(address, stranger)


def test_the_scheduler_is_killed_and_resume_finishes(
    lone: tuple["subprocess.Popen[bytes]", str], start: Start, cities: list[Path], expected: dict[str, bytes],
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    process, address = lone
    worker(start, address)
    out = tmp_path / "run"

    def kill(_outcome: Outcome, _done: int) -> None:
        process.send_signal(signal.SIGKILL)

    with cluster(address) as run:
        result = run_batch(tasks(cities, out), str(out), run=run, progress=kill)
    lost = [outcome for outcome in result.outcomes if outcome.state == "failed" and not outcome.worker]
    assert 2 <= len(lost) <= 3
    assert f"The scheduler at {address} went away" in lost[0].message["en"]
    assert "--resume" in lost[0].message["en"]

    words = ["batch", "--cities", ",".join(map(str, cities)), "--out", str(out), "--resume", "--lang", "en"]
    assert run_here(*words, "--scheduler", address) == 1
    assert "No scheduler answers" in capsys.readouterr().err
    again = run_batch(tasks(cities, out, resume=True), str(out))
    assert set(states(again)) == {"kept", "measured", "failed"}
    assert tables(out) == expected


@pytest.mark.parametrize("given_up", [False, True])
def test_the_scheduler_is_killed_between_two_cities_in_tiles(
    start: Start, cities: list[Path], expected: dict[str, bytes], tmp_path: Path, *, given_up: bool
) -> None:
    process, address = scheduler(start, tmp_path)
    worker(start, address)
    out = tmp_path / "run"
    todo, again = (
        [dataclasses.replace(task, cut=Cut(2)) for task in tasks(cities, out, resume=resume)]
        for resume in (False, True)
    )
    with cluster(address, connect_s=5) as run:

        def kill(_outcome: Outcome, done: int) -> None:
            process.send_signal(signal.SIGKILL)
            while given_up and done == 1 and run.client.status != "closed":
                time.sleep(0.05)

        result = run_batch(todo, str(out), run=run, progress=kill)
    assert states(result) == ["measured", "failed", "failed", "failed"]
    for outcome in result.outcomes[1:]:
        assert f"The scheduler at {address} went away" in outcome.message["en"]
        assert f"{address} 的调度器" in outcome.message["zh"]
        assert "--resume" in outcome.message["en"]
    assert not list(out.glob(".*")), "no files of tiles stay"

    _, address = scheduler(start, tmp_path / "anew")
    worker(start, address)
    with cluster(address) as run:
        result = run_batch(again, str(out), run=run)
    assert states(result) == ["kept", "failed", "measured", "measured"]
    assert tables(out) == expected


def test_no_scheduler_is_one_clear_line() -> None:
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with (
            pytest.raises(FetchError, match=f"No scheduler answers at {address}"),
            cluster(address, connect_s=0.5),
        ):
            pass


def test_without_dask_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DataError, match=r"pip install .*\[cluster\]"), cluster("tcp://127.0.0.1:9"):
        pass


def test_a_region_in_tiles_is_measured_by_the_cluster_as_whole(
    address: str, cities: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["analyze", "--city", str(cities[0]), "--lang", "en", "--no-cache"]
    assert run_here(*words, "--out", str(tmp_path / "whole")) == 0
    assert run_here(*words, "--out", str(tmp_path / "tiles"), "--tiles", "2", "--scheduler", address) == 0
    assert "tiles, 2 workers" in capsys.readouterr().err
    for name in ("communities.csv", "report.md"):
        assert (tmp_path / "tiles" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_lot_is_in_order_and_one_lost_job_ends_it() -> None:
    assert in_lots(lambda work, jobs: [(job, work(job)) for job in reversed(jobs)], str)([3, 1, 2]) == [
        "3",
        "1",
        "2",
    ]  # type: ignore[arg-type]
    with pytest.raises(FetchError, match="killed"):
        in_lots(lambda _work, jobs: [(jobs[0], Lost("batch.killed_worker"))], str)([1])  # type: ignore[arg-type]
