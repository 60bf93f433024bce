"""Does every command speak on any console: in GBK or ASCII, without a terminal, into a pipe that closes?"""

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import IMPORTED_FROM, messages, run, run_here, small_city, start

ESCAPE = "\x1b"
DEAD = "http://127.0.0.1:9"
ODD: dict[str, dict[str, str]] = {
    "gbk": {"PYTHONIOENCODING": "gbk", "TERM": "dumb"},
    "latin": {"PYTHONIOENCODING": "latin-1", "NO_COLOR": "1"},
    "C": {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TERM": ""},
}
COMMANDS = {
    "doctor": ["doctor", "--lang", "zh"],
    "check": [
        "check",
        "--osm",
        "没有.osm",
        "--communities",
        "没有.gpkg",
        "--max-dropped",
        "60",
        "--lang",
        "zh",
    ],
    "list": ["list", "cities", "--lang", "zh"],
    "init": ["init", "新城", "--lang", "zh"],
    # --no-cache: what it says must not hang on whether an earlier test has read the same files
    "export": [
        "export",
        "--run",
        "RUN",
        "--format",
        "dictionary",
        "--no-cache",
        "--lang",
        "zh",
        "--out",
        "export",
    ],
    "compare": ["compare", "RUN", "RUN", "--lang", "zh", "--out", "compared"],
    "fetch": ["fetch", "--place", "莲都区🏥", "--name", "x", "--overpass-url", DEAD],
    "analyze": ["analyze", "--osm", "没有.osm", "--communities", "没有.gpkg", "--lang", "zh"],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    assert run_here(*small_city(folder / "city"), "--out", str(folder / "out")) == 0
    return folder / "out"


def told(name: str, finished: Path) -> list[str]:
    return [word.replace("RUN", str(finished)) for word in COMMANDS[name]]


def is_readable(said: str) -> None:
    assert "Traceback" not in said
    assert ESCAPE not in said
    assert "\r" not in said


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "fetch"])
def test_every_command_is_readable_in_gbk(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    said = io.BytesIO()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, encoding="gbk", write_through=True))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(said, encoding="gbk", write_through=True))
    code = run_here(*told(name, finished))
    text = said.getvalue().decode("gbk")
    assert code == {"analyze": 1, "check": 1}.get(name, 0), text
    is_readable(text)
    assert any("一" <= char <= "鿿" for char in text)


@pytest.mark.parametrize(
    ("name", "odd"), [("fetch", "gbk"), ("list", "gbk"), ("doctor", "latin"), ("list", "C")]
)
def test_odd_consoles_get_readable_text(finished: Path, tmp_path: Path, name: str, odd: str) -> None:
    encoding = {"gbk": "gbk", "latin": "latin-1", "C": None}[odd]
    with start(tmp_path, told(name, finished), env=ODD[odd] | {"HTTPS_PROXY": DEAD}, text=False) as process:
        if name == "fetch":  # rather than wait for all its tries
            assert process.stderr is not None
            process.stderr.peek()
            process.terminate()
        out, err = process.communicate(timeout=60)
    said = (out + err).decode(encoding or "utf-8", errors="strict" if encoding else "replace")
    assert process.returncode == (143 if name == "fetch" else 0), said
    is_readable(said)


@pytest.mark.parametrize("name", ["doctor", "list", "init", "export"])
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_that_closes_ends_it_quietly(finished: Path, tmp_path: Path, name: str) -> None:
    with start(tmp_path, told(name, finished)) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
    assert process.returncode in {0, 1}
    assert messages(err) == [] or name == "init", err
    assert "Broken" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_onto_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(tmp_path, ["list", "cities"], stdout=full, env={"LANG": "C"})
    assert done.returncode == 1
    (said,) = messages(done.stderr)
    assert said.startswith(f"The system refuses: [Errno 28] {os.strerror(28)}. Make room")


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed as a shell of POSIX does")
@pytest.mark.parametrize("words", ["analyze --city nowhere", "analyze --odd"])
def test_messages_without_a_place_are_not_put_among_the_data(tmp_path: Path, words: str) -> None:
    script = f"{shlex.quote(sys.executable)} -m lifecircle {words} 2>&-"
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(IMPORTED_FROM)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (2 if "odd" in words else 1, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed as a shell of POSIX does")
def test_streams_that_are_closed_do_not_become_files(tmp_path: Path) -> None:
    code = "open('f', 'w').write(str(os.open('g', os.O_CREAT)))"
    code = f"import os; from lifecircle import __main__; __main__._open_what_is_closed(); {code}"
    script = f"{shlex.join([sys.executable, '-c', code])} <&- >&- 2>&-"
    subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(IMPORTED_FROM)},
        check=True,
    )
    assert int((tmp_path / "f").read_text()) > 2
