"""Whoever is stopped or killed between any two steps: does what stood there stand whole, or what is new?

Every step is tried: a child is forked that ends itself, or is pressed Ctrl-C on, before its first change of a
file, its second, and so on, until it comes to its end.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from commands import IMPORTED_FROM

from lifecircle import staging
from lifecircle.messages import say
from lifecircle.render.folder import added_files, check_free, digests, whole_folder
from lifecircle.staging import clear_dead, staged, take_place

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals and children of POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

CHANGES = {"open", "os.rename", "os.link", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "ctypes.dlsym"}
"""What Python announces of its work on files, before it does it; the last is before folders are exchanged."""
OLD, NEW = {"a": "old", "maps/b": "old"}, {"a": "new", "c": "new"}
Files = dict[str, str]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files(folder: Path) -> Files:
    """Return the text of each file below a folder; of records, only that they are there."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: "" if name.endswith(".json") else path.read_text() for name, path in found.items()}


def write(folder: Path, texts: Files, record: str = "") -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if record:
        (folder / record).write_text(json.dumps({"files": digests(folder)}))


def stopped(work: Callable[[], None], step: int, how: str) -> bool:
    """Do work in a child that is stopped before a step, and return whether it came that far."""
    child = os.fork()
    if not child:
        left = itertools.count(-step)

        def watch(event: str, _: object) -> None:
            if event in CHANGES and next(left) == 0:
                if how == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise KeyboardInterrupt

        code = 1
        sys.addaudithook(watch)
        try:
            work()
            code = 0
        except KeyboardInterrupt:
            code = 130
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 130, -signal.SIGKILL}
    return code != 0


def run_anew(target: Path) -> None:
    with whole_folder(target, overwrite=True) as fresh:
        write(fresh, NEW, "run.json")


def add(target: Path) -> None:
    with added_files(target, overwrite=True) as fresh:
        write(fresh, NEW, "export.json")


THESIS = {"thesis.docx": "mine"}
BOTH, RECORDED = OLD | NEW, {"export.json": ""}
CASES: dict[str, tuple[Callable[[Path], None], Files | None, Files]] = {
    "a run over a run": (run_anew, OLD | RECORDED, NEW | {"run.json": ""}),
    "a first export": (add, None, NEW | RECORDED),
    "an export among earlier ones": (add, OLD | RECORDED, BOTH | RECORDED),
    "an export among files of others": (add, THESIS | OLD, THESIS | BOTH | RECORDED),
}


@pytest.mark.parametrize("how", ["killed", "interrupted"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("system", ["exchanges folders", "cannot"])
def test_old_or_new_and_nothing_else_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, case: str, system: str
) -> None:
    if system == "cannot":  # as Windows
        monkeypatch.setattr(staging, "_exchanged", lambda *_: False)
    work, before, after = CASES[case]
    target = tmp_path / "out"
    say("report.unfinished", "en")  # read once here rather than in every child
    seen, told = [], 0
    for step in itertools.count():
        shutil.rmtree(target, ignore_errors=True)
        if before is not None:
            own = {name: text for name, text in before.items() if name != "export.json"}
            write(target, own, "export.json" if "export.json" in before else "")
        if not stopped(lambda: work(target), step, how):
            break
        if (
            system != "cannot" and case != "an export among files of others"
        ):  # no need to wait for the next run
            assert (files(target) if target.exists() else None) in (before, after), step
        if how == "interrupted":
            assert names(tmp_path) in ([], ["out"]), step
        elif target.exists() and "thesis.docx" in after:
            found = files(target)
            assert found["thesis.docx"] == "mine"
            notes = [name for name in found if name.startswith("lifecircle-unfinished-")]
            mixed = {name: text for name, text in found.items() if name not in notes} not in (before, after)
            assert mixed <= bool(notes)  # whoever looks into a mixed folder sees that it is one
            told += mixed
        clear_dead(target)
        seen.append(files(target) if target.exists() else None)
        assert names(tmp_path) == (["out"] if target.exists() else []), step
    assert files(target) == after
    assert len(seen) > 10
    assert (told > 0) == (how == "killed" and "thesis.docx" in after)
    assert all(state in (before, after) for state in seen)
    assert before in seen
    assert after in seen


@pytest.mark.filterwarnings("ignore:Exception ignored in.*lock:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("moment", ["_hold", "_held"])
def test_ctrl_c_as_the_lock_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    real = getattr(staging, moment)

    def pressed(of: Path | IO[bytes]) -> None:
        real(of)
        raise KeyboardInterrupt

    monkeypatch.setattr(staging, moment, pressed)
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "out"):
        pytest.fail("it went on")
    assert names(tmp_path) == []


def test_a_lock_that_another_run_looks_at_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run may take a new lock for a dead one's, in the moment before it is held, and remove it."""
    real, locks = staging._hold, []

    def seen_by_another(lock: IO[bytes]) -> None:
        locks.append(Path(lock.name))
        if len(locks) == 1:
            locks[0].unlink()
            raise BlockingIOError
        real(lock)

    monkeypatch.setattr(staging, "_hold", seen_by_another)
    with staged(tmp_path / "out") as (fresh, _):
        assert names(tmp_path) == sorted([fresh.name, locks[-1].name])
        assert locks[-1] != locks[0]
    assert names(tmp_path) == []


def test_what_a_live_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with whole_folder(target, overwrite=False) as fresh:
        (fresh / "a").touch()
        code = "from lifecircle.staging import clear_dead; from pathlib import Path; clear_dead(Path({!r}))"
        subprocess.run([sys.executable, "-c", code.format(str(target))], cwd=IMPORTED_FROM, check=True)
        clear_dead(target)
        assert names(fresh) == ["a"]
    assert names(tmp_path) == ["out"]


def test_what_a_helper_wrote_after_the_end_is_cleared(tmp_path: Path) -> None:
    target = tmp_path / "run.tiles"
    with staged(target) as (fresh, _):
        clear_dead(target)
        assert fresh.is_dir(), "its lock says that it is somebody's"
    (fresh / "heard").mkdir(parents=True)
    clear_dead(target)
    assert list(tmp_path.iterdir()) == []


def test_what_appears_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with staged(target) as (fresh, old):
        (target / "mine").mkdir(parents=True)
        with pytest.raises(OSError, match="not empty"):
            take_place(fresh, target, old, replace=False)
    assert names(target) == ["mine"]


def at_one_moment(folder: Path) -> dict[str, str]:
    """Return the files of a folder that was not replaced while they were read: then they vanish."""
    while True:
        before, found = folder.stat(), {}
        with contextlib.suppress(FileNotFoundError):
            found = files(folder)
        after = folder.stat()
        if (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns):
            return found


def test_many_runs_into_one_folder_end_with_one_whole_result(tmp_path: Path) -> None:
    """Each in a process of its own, over and over, at the same time."""
    target = tmp_path / "out"
    run_anew(target)
    children = []
    for _ in range(3):
        if not (child := os.fork()):
            with contextlib.suppress(BaseException):
                for _ in range(20):
                    with contextlib.suppress(ValueError, OSError):  # a folder that another has just replaced
                        run_anew(target)
                os._exit(0)
            os._exit(1)
        children.append(child)
    while children:
        assert at_one_moment(target) == NEW | {"run.json": ""}
        done, code = os.waitpid(-1, os.WNOHANG)
        if done:
            children.remove(done)
            assert code == 0
    check_free(target, overwrite=True)
    assert names(tmp_path) == ["out"]


def test_two_exports_at_once_keep_each_others_files(tmp_path: Path) -> None:
    target = tmp_path / "out"
    add(target)
    with added_files(target, overwrite=True) as one:
        write(one, {"one": "1"}, "export.json")
        with added_files(target, overwrite=True) as other:
            write(other, {"other": "2"}, "export.json")
    assert files(target) == NEW | {"one": "1", "other": "2", "export.json": ""}


def test_who_may_read_a_folder_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    run_anew(target)
    target.chmod(0o700)
    run_anew(target)
    add(target)
    assert target.stat().st_mode & 0o777 == 0o700


def test_the_folder_one_works_in_is_filled_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    add(target)
    inode = target.stat().st_ino
    monkeypatch.chdir(target)
    add(target)
    assert target.stat().st_ino == inode
    assert files(Path()) == NEW | RECORDED
