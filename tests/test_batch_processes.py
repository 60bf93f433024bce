"""Is a killed process one failed row, and does a killed batch lose no more than what was in flight?"""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from killed_jobs import answered, led

from lifecircle.batch.lots import in_lots
from lifecircle.batch.processes import in_turn, local_processes
from lifecircle.batch.work import Lost
from lifecircle.errors import FetchError

if sys.platform == "win32":
    pytest.skip("signals as POSIX has them", allow_module_level=True)


def test_a_process_that_is_killed_takes_only_its_own_job_along() -> None:
    jobs = ["a", "kill", "b", "fail", "c"]
    found = dict(local_processes(2)(answered, jobs))
    assert set(found) == set(jobs), "each once, whatever became of it"
    killed, failed = found["kill"], found["fail"]
    assert isinstance(killed, Lost)
    assert "exit code -9" in killed.message()["en"]
    assert isinstance(failed, Lost)
    assert "ZeroDivisionError: fail" in failed.message()["en"]
    workers = [str(found[job]).rpartition(" ")[2] for job in "abc"]
    assert str(os.getpid()) not in workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(int(worker), 0)  # none is left over


@pytest.mark.parametrize("workers", [1, 2])
def test_a_leader_has_its_parts_done_and_takes_nobodys_place(workers: int) -> None:
    found = list(local_processes(workers)(led, ["x", "y"], ["a b c", "d kill"]))
    assert {job for job, _ in found} == {"x", "y", "a b c", "d kill"}
    results = dict(found)
    pid, count, parts = results["a b c"]
    assert count == workers
    assert [str(part).partition(" ")[0] for part in parts] == ["a", "b", "c"], "in their order"
    assert not [part for part in parts if str(part).endswith(f" {pid}")], "while it waits, others do them"
    _, _, (whole, lost) = results["d kill"]
    assert str(whole).startswith("d by")
    assert isinstance(lost, Lost), "a part that is killed is lost by itself"
    order = [job for job, _ in found]
    assert order.index("a b c") < order.index("d kill"), "one leader after another"


def test_a_leader_that_is_killed_is_one_lost_job(tmp_path: Path) -> None:
    found = dict(local_processes(2)(led, ["x"], [f"die {tmp_path / 'mark'} a b", "c"]))
    assert isinstance(found[f"die {tmp_path / 'mark'} a b"], Lost)
    assert str(found["x"]).startswith("x by")
    assert isinstance(found["c"], tuple), "the next leader has its turn"


def test_a_leader_alone_does_its_parts_itself() -> None:
    found = dict(in_turn(led, ["x"], ["a b"]))
    assert found["a b"] == (os.getpid(), 1, [f"a by {os.getpid()}", f"b by {os.getpid()}"])


def test_work_that_is_no_longer_wanted_ends_with_who_asked() -> None:
    done = local_processes(1)(time.sleep, [0.0, 600.0])  # type: ignore[type-var]
    assert next(done) == (0.0, None)
    began = time.perf_counter()
    done.close()
    assert time.perf_counter() - began < 5


def test_a_lot_is_in_order_and_one_lost_job_ends_it() -> None:
    assert in_lots(in_turn, answered)(["b", "a"]) == [f"b by {os.getpid()}", f"a by {os.getpid()}"]
    with pytest.raises(FetchError, match="ZeroDivisionError"):
        in_lots(in_turn, answered)(["a", "fail"])
    with pytest.raises(FetchError, match="osmium sort"):  # what is wrong with the data is said as ever
        in_lots(local_processes(1), answered)(["refuse"])


def test_in_turn_a_failure_does_not_stop_the_rest() -> None:
    found = dict(in_turn(answered, ["fail", "a"]))
    assert isinstance(found["fail"], Lost)
    assert found["a"] == f"a by {os.getpid()}"


def test_a_batch_that_is_killed_loses_at_most_what_was_in_flight(tmp_path: Path) -> None:
    from batch_cities import tasks, write_city  # here, for processes that only do jobs load this module too
    from commands import start

    from lifecircle.batch.batch import run_batch

    cities = [write_city(tmp_path / "cities" / name) for name in ("ahui", "behai", "cezhou")]
    out = tmp_path / "run"
    words = [
        "batch",
        "--cities",
        ",".join(map(str, cities)),
        "--out",
        str(out),
        "--workers",
        "1",
        "--no-cache",
    ]
    with start(tmp_path, [*words, "--lang", "en"]) as batch:
        assert batch.stderr
        assert batch.stderr.readline().startswith("[1/3] Ahui: measured")
        batch.send_signal(signal.SIGKILL)
        batch.communicate()
    # Its worker ends with it: the pipe of messages, which the worker holds too, has come to its end.
    assert not (out / "summary.csv").exists()
    finished = sorted(path.name for path in out.iterdir() if path.is_dir() and not path.name.startswith("."))
    assert "ahui" in finished
    assert all((out / name / "run.json").is_file() for name in finished), "whole or not at all"

    result = run_batch(tasks(cities, out, resume=True), str(out))
    states = {outcome.task.city: outcome.state for outcome in result.outcomes}
    assert states == {city.name: "kept" if city.name in finished else "measured" for city in cities}
    assert not [path for path in out.iterdir() if path.name.startswith(".")], "what the dead left is cleared"
