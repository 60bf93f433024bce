"""Is what stood there intact, or what is new complete, whatever the disk or a signal does meanwhile?"""

import json
import os
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
from commands import IMPORTED_FROM, messages, run_here, small_city, start
from overpass_server import BOUNDARY
from test_osm_file import MAIN_STREET, unordered

from lifecircle.cli_terminal import signals_as_exits
from lifecircle.errors import FileError
from lifecircle.render.folder import digests, listed_files
from lifecircle.sources.fetched_folder import put_in_place
from lifecircle.sources.osm_answers import write_pbf
from lifecircle.sources.osm_file import read_osm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and disks of POSIX")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return small_city(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def finished(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which ``out`` is a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    assert run_here(*words, "--out", str(folder / "out")) == 0
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
    disk: Callable[[str], Path],
    words: list[str],
    finished: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = shutil.copytree(finished / "out", tmp_path / "old")
    size = sum(path.stat().st_size for path in old.iterdir()) // 1000
    small = disk(f"size={size + 300}k")
    shutil.copytree(old, small / "out")
    assert run_here(*words, "--out", str(small / "out"), "--overwrite", "--formats", "svg,platform") == 1
    (said,) = messages(capsys.readouterr().err)
    assert "out cannot be written" in said
    assert names(small) == ["out"]
    assert digests(small / "out") == digests(old)


@pytest.mark.parametrize(
    ("formats", "kilobytes"),
    [("docx,png", 90), ("geojson,platform,dictionary", 1), ("parquet,survey", 3), ("html,xlsx", 8)],
)
def test_files_that_may_not_grow_leave_nothing(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], formats: str, kilobytes: int
) -> None:
    """The same without a disk of one's own: a file too large for the limit is one line, else all is whole."""
    limit = kilobytes * 1000
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = ["--run", str(finished / "out"), "--format", formats, "--out", str(tmp_path / "files")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        code = run_here("export", *words, "--lang", "en")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if code == 0:
        assert listed_files(tmp_path / "files" / "export.json")
        assert max(path.stat().st_size for path in (tmp_path / "files").rglob("*")) <= limit
    else:
        assert code == 1
        (said,) = messages(capsys.readouterr().err)
        assert "files cannot be written" in said
        assert names(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        ["WORDS", "--out", "out"],
        ["export", "--run", "RUN", "--format", "geojson", "--out", "out"],
        ["compare", "RUN", "RUN", "--out", "out"],
        ["init", "mycity"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_is_read_only_is_one_line(
    disk: Callable[[str], Path],
    words: list[str],
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    if command[0] == "WORDS":
        command = [*words, *command[1:]]
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
    disk: Callable[[str], Path], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = disk("size=4k")
    (full / "filler").write_bytes(bytes(4096))
    monkeypatch.setenv("TMPDIR", str(full))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is looked for anew
    words = ["--run", str(finished / "out"), "--format", "docx,survey", "--out", str(tmp_path / "files")]
    assert run_here("export", *words) == 0
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


# ---------------------------------------------------------------------- kills and two runs


def test_two_runs_into_one_folder_end_with_one_whole_result(words: list[str], tmp_path: Path) -> None:
    both = [start(tmp_path, [*words, "--out", "out"]) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 1], said
    assert "out holds a report already" in said[codes.index(1)]
    assert is_whole(tmp_path / "out")
    assert names(tmp_path) == ["out"]


# ---------------------------------------------------------------------- Ctrl-C and other signals


@pytest.mark.parametrize("seconds", [0, 0.7])
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


PRESS = "signal.raise_signal(signal.SIGINT)"
PRESSED = """
import signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == "{module}":
            {press}
sys.meta_path.insert(0, Press())
sys.argv = ["lifecircle", "analyze", "--city", "lishui", "--out", "out"]
from lifecircle.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "press"),
    [
        ("click", PRESS),
        ("numpy", PRESS),  # asked for by a compiled library, which prints the error and makes another of it
        ("geopandas", f"exec({PRESS!r})"),  # after which Python would end as if killed
        ("geopandas", f"""
            try: {PRESS}
            except KeyboardInterrupt: raise RuntimeError("odd") from None"""),
    ],
    ids=["click", "numpy", "exec", "another error"],
)  # fmt: skip
def test_ctrl_c_while_something_loads_is_no_crash(tmp_path: Path, module: str, press: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESSED.format(module=module, press=press)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(IMPORTED_FROM)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert not messages(done.stderr)


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


def test_other_signals_unwind_it_too(words: list[str], tmp_path: Path) -> None:
    with start(tmp_path, [*words, "--formats", "html,survey", "--out", "out"]) as process:
        while not names(tmp_path) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_each_signal_has_its_code_and_is_given_back(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # what starts tests in the background has it ignored
    try:
        with pytest.raises(SystemExit) as left, signals_as_exits():
            signal.raise_signal(number)
        assert left.value.code == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_killed_run_is_cleared_by_the_next(
    words: list[str], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished / "out", tmp_path / "out")
    told = [*words, "--out", "out", "--overwrite"]
    with start(tmp_path, [*told, "--formats", "docx"]) as process:
        while len(names(tmp_path)) < 3 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=60)
    assert len(names(tmp_path)) == 3, "a lock, a hidden folder and the old results"
    assert digests(tmp_path / "out") == digests(finished / "out")
    monkeypatch.chdir(tmp_path)
    assert run_here(*told) == 0
    assert names(tmp_path) == ["out"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["files"]
    assert names(tmp_path / "out") == names(finished / "out")
