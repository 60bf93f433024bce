"""Is what stood there intact, or what is new complete, whatever the disk or a signal does meanwhile?"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import IMPORTED_FROM, messages, run, run_here, small_city, start
from overpass_server import BOUNDARY
from test_osm_file import MAIN_STREET, unordered

from lifecircle import staging
from lifecircle.errors import FileError
from lifecircle.render.folder import check_free, digests, listed_files, whole_folder
from lifecircle.report import FILES
from lifecircle.sources.fetched_folder import put_in_place
from lifecircle.sources.osm_answers import write_pbf
from lifecircle.sources.osm_file import read_osm
from lifecircle.staging import clear_dead, staged, take_place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and disks of POSIX")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return small_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def finished(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which ``out`` is a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    assert run(folder, [*words, "--out", "out"]).returncode == 0
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return what makes a small disk with these mount options."""
    made: list[Path] = []

    def make(options: str) -> Path:
        folder = tmp_path / f"disk{len(made)}"
        folder.mkdir()
        mount = shutil.which("mount")
        if (
            not mount
            or subprocess.run(
                [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
            ).returncode
        ):
            pytest.skip("a disk may not be mounted here")
        made.append(folder)
        return folder

    yield make
    for folder in made:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 - of the system


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def is_whole(folder: Path) -> bool:
    """Return whether every file that a run's record lists is there, as it was written."""
    written = listed_files(folder / "run.json")
    return written is not None and digests(folder) == written | {"run.json": digests(folder)["run.json"]}


# ---------------------------------------------------------------------- disks


def test_a_full_disk_is_one_line_and_keeps_what_stood_there(
    disk: Callable[[str], Path], words: list[str], finished: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(finished / "out", tmp_path / "old")
    size = sum(path.stat().st_size for path in old.iterdir()) // 1000
    small = disk(f"size={size + 300}k")
    shutil.copytree(old, small / "out")
    done = run(tmp_path, [*words, "--out", str(small / "out"), "--overwrite", "--formats", "svg,platform"])
    assert done.returncode == 1
    assert len(messages(done.stderr)) == 1
    assert "out cannot be written" in done.stderr
    assert names(small) == ["out"]
    assert digests(small / "out") == digests(old)


@pytest.mark.parametrize(
    ("formats", "kilobytes"),
    [("docx,png", 90), ("geojson,platform,dictionary", 1), ("parquet,survey", 3), ("html,xlsx", 8)],
)
def test_files_that_may_not_grow_leave_nothing(
    finished: Path, tmp_path: Path, formats: str, kilobytes: int
) -> None:
    """The same without a disk of one's own: a file too large for the limit is one line, else all is whole."""
    limit = (kilobytes * 1000,) * 2
    words = ["export", "--run", str(finished / "out"), "--format", formats, "--out", "files", "--lang", "en"]
    done = run(tmp_path, words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    if done.returncode == 0:
        assert listed_files(tmp_path / "files" / "export.json")
        assert max(path.stat().st_size for path in (tmp_path / "files").rglob("*")) <= limit[0]
    else:
        assert done.returncode == 1
        assert len(messages(done.stderr)) == 1, done.stderr
        assert "files cannot be written" in done.stderr
        assert names(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", "--city", "lishui", "--out", "out"],
        ["export", "--run", "RUN", "--format", "geojson", "--out", "out"],
        ["compare", "RUN", "RUN", "--out", "out"],
        ["init", "mycity"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_is_read_only_is_one_line(
    disk: Callable[[str], Path],
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    closed = disk("size=1m")
    subprocess.run(["mount", "-o", "remount,ro", str(closed)], check=True)  # noqa: S607 - of the system
    monkeypatch.chdir(closed)
    assert run_here(*[word.replace("RUN", str(finished / "out")) for word in command], "--lang", "en") == 1
    said = messages(capsys.readouterr().err)
    assert len(said) == 1, said
    assert "cannot be written: Read-only file system" in said[0]
    monkeypatch.undo()  # leaves the disk
    assert names(closed) == []


@pytest.mark.parametrize(
    "command",
    [
        ["export", "--run", "RUN", "--format", "geojson", "--out", "taken"],
        ["compare", "RUN", "RUN", "--out", "taken"],
        ["analyze", "--city", "lishui", "--out", "taken"],
        ["analyze", "--city", "lishui", "--out", "taken/below"],
        ["init", "taken"],
    ],
    ids=" ".join,
)
def test_a_file_where_a_folder_is_wanted_is_one_line(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    (tmp_path / "taken").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert run_here(*[word.replace("RUN", str(finished / "out")) for word in command], "--lang", "en") == 1
    said = messages(capsys.readouterr().err)
    assert len(said) == 1, said
    assert "taken" in said[0]
    assert (tmp_path / "taken").read_text() == "mine"
    assert names(tmp_path) == ["taken"]


def test_no_room_for_temporary_files_is_done_without(
    disk: Callable[[str], Path], finished: Path, tmp_path: Path
) -> None:
    full = disk("size=4k")
    (full / "filler").write_bytes(bytes(4096))
    words = ["export", "--run", str(finished / "out"), "--format", "docx,survey", "--out", "files"]
    done = run(tmp_path, words, env={"TMPDIR": str(full)})
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "files") == ["blank_survey.xlsx", "export.json", "report.docx"]
    assert names(full) == ["filler"]


def test_no_room_for_a_sorted_copy_is_told(
    disk: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = disk("size=4k")
    (full / "filler").write_bytes(bytes(4096))
    monkeypatch.setattr(tempfile, "tempdir", str(full))
    with pytest.raises(FileError, match=r"no room for a sorted copy \(0\.0 MB free\).*osmium sort"):
        read_osm(unordered(tmp_path, *reversed(MAIN_STREET)))
    assert names(full) == ["filler"]


def test_no_room_for_a_downloaded_city_is_told(disk: Callable[[str], Path]) -> None:
    full = disk("size=64k")

    def fill(into: Path) -> None:
        write_pbf(into / "a.osm.pbf", [b'{"elements": []}' + b" " * 70_000], BOUNDARY)

    with pytest.raises(FileError, match="No space left on device"):
        put_in_place(full / "city", fill, overwrite=False)
    assert names(full) == []


# ---------------------------------------------------------------------- kills

REPLACING = """
import itertools, json, sys
from pathlib import Path
from lifecircle.render.folder import digests, whole_folder
target = Path(sys.argv[1])
for number in itertools.count():
    with whole_folder(target, overwrite=True) as fresh:
        for name in "abcdef":
            (fresh / name).write_text(str(number) * 1000)
        (fresh / "run.json").write_text(json.dumps({"files": digests(fresh)}))
    print(number, flush=True)
"""
ADDING = """
import itertools, sys
from pathlib import Path
from lifecircle.render.folder import added_files
for number in itertools.count():
    with added_files(sys.argv[1], overwrite=True) as fresh:
        for name in "abcdef":
            (fresh / name).write_text(str(number) * 1000)
    print(number, flush=True)
"""


def killed(code: str, target: Path, seconds: float) -> None:
    """Run code of ours on a folder, and kill it so long after its first round."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], cwd=IMPORTED_FROM, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline()
        time.sleep(seconds)
        child.kill()
        child.stdout.read()


def test_whoever_is_killed_leaves_a_whole_folder_and_the_next_one_clears_up(tmp_path: Path) -> None:
    target, moments = tmp_path / "out", random.Random(7)  # noqa: S311 - the same moments every time
    left = 0
    for _ in range(8):
        killed(REPLACING, target, moments.uniform(0, 0.02))
        assert is_whole(target), "at any moment"
        assert len({path.read_text() for path in target.iterdir() if len(path.name) == 1}) == 1, "of one run"
        left += len(names(tmp_path)) > 1
        check_free(target, overwrite=True)
        assert names(tmp_path) == ["out"]
    assert left > 0, "something was left to clear"


def test_whoever_is_killed_while_adding_leaves_whole_files(tmp_path: Path) -> None:
    target, moments = tmp_path / "out", random.Random(8)  # noqa: S311 - as above
    for _ in range(5):
        killed(ADDING, target, moments.uniform(0, 0.02))
        assert names(target) == list("abcdef")
        for path in target.iterdir():
            text = path.read_text()
            assert text == text[: len(text) // 1000] * 1000
        clear_dead(target)
        assert names(tmp_path) == ["out"]


def test_where_folders_cannot_be_exchanged_the_next_run_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").touch()
    monkeypatch.setattr(staging, "_exchanged", lambda *_: False)
    child = os.fork()
    if not child:  # what a kill between the two renames leaves
        with staged(target) as (fresh, old):
            target.rename(old)
            assert fresh.is_dir()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert not target.exists()
    with staged(target) as (fresh, old):
        assert names(target) == ["old"]
        take_place(fresh, target, old, replace=True)
    assert names(target) == []
    assert names(tmp_path) == ["out"]


def test_what_a_live_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with whole_folder(target, overwrite=False) as fresh:
        (fresh / "a").touch()
        code = "from lifecircle.staging import clear_dead; from pathlib import Path; clear_dead(Path({!r}))"
        subprocess.run([sys.executable, "-c", code.format(str(target))], cwd=IMPORTED_FROM, check=True)
        clear_dead(target)
        assert names(fresh) == ["a"]
    assert names(tmp_path) == ["out"]


def test_two_runs_into_one_folder_end_with_one_whole_result(words: list[str], tmp_path: Path) -> None:
    both = [start(tmp_path, [*words, "--out", "out"]) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 1], said
    assert "out holds a report already" in said[codes.index(1)]
    assert is_whole(tmp_path / "out")
    assert names(tmp_path) == ["out"]
    again = [start(tmp_path, [*words, "--out", "out", "--overwrite"]) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in again]
    assert 0 in [process.returncode for process in again], said
    assert is_whole(tmp_path / "out")
    assert names(tmp_path) == ["out"]


def test_what_appears_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with staged(target) as (fresh, old):
        (target / "mine").mkdir(parents=True)
        with pytest.raises(OSError, match="not empty"):
            take_place(fresh, target, old, replace=False)
    assert names(target) == ["mine"]


# ---------------------------------------------------------------------- Ctrl-C and other signals


@pytest.mark.parametrize("seconds", [0, 0.4, 1.2])
def test_ctrl_c_at_any_moment_ends_soon_and_leaves_nothing(
    words: list[str], tmp_path: Path, seconds: float
) -> None:
    told = [*words, "--formats", "docx,pdf", "--out", "out"]  # long enough for every moment
    with start(tmp_path, told, start_new_session=True) as process:
        assert process.stderr is not None
        assert process.stderr.read(1) == "["
        time.sleep(seconds)
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - pressed < 2
    assert process.returncode == 130
    assert "Traceback" not in err
    assert names(tmp_path) == []
    with pytest.raises(ProcessLookupError):  # children, if there were any, are gone too
        os.killpg(process.pid, 0)


def test_ctrl_c_while_the_program_loads_is_no_crash() -> None:
    code = """
import signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == "click":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Press())
from lifecircle.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=IMPORTED_FROM, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr == ""


def test_ctrl_c_while_files_are_added_takes_them_all_back(finished: Path, tmp_path: Path) -> None:
    told = ["export", "--run", str(finished / "out"), "--format", "docx,pdf,html", "--out", "files"]
    with start(tmp_path, told) as process:
        while not (there := names(tmp_path)) and process.poll() is None:
            time.sleep(0.01)
        assert there[0].startswith(".files.")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_unwind_it_too(words: list[str], tmp_path: Path, name: str) -> None:
    with start(tmp_path, [*words, "--formats", "html,survey", "--out", "out"]) as process:
        while not names(tmp_path) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name)
    assert "Traceback" not in err
    assert names(tmp_path) == []


def test_a_killed_run_is_cleared_by_the_next(words: list[str], finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "out", tmp_path / "out")
    told = [*words, "--out", "out", "--overwrite"]
    with start(tmp_path, [*told, "--formats", "docx"]) as process:
        while len(names(tmp_path)) < 3 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=60)
    assert len(names(tmp_path)) == 3, "a lock, a hidden folder and the old results"
    assert digests(tmp_path / "out") == digests(finished / "out")
    assert run(tmp_path, told).returncode == 0
    assert names(tmp_path) == ["out"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["files"]
    assert names(tmp_path / "out") == sorted(FILES)
