"""Does `lifecircle doctor` see what is there, what is missing, and what to do about it?"""

import io
import locale
import os
import re
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from commands import IMPORTED_FROM, run_here
from overpass_server import serve

from lifecircle import cli_doctor
from lifecircle.messages import say
from lifecircle.render import print_type
from lifecircle.sources import memory


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "user")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("en_US", "UTF-8"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_a_sound_computer_is_told_so_and_asks_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "answer").write_bytes(bytes(2_000_000))
    with serve() as server:
        assert run_here("doctor", "--overpass-url", server.url) == 0
        assert server.asked == []
    lines = lines_of(capsys)
    assert lines[-1] == "Everything lifecircle needs is here."
    assert all(re.match("ok   |note ", line) for line in lines[:-1])
    said = "\n".join(lines)
    for word in ("lifecircle 0.", "Python 3.", "shapely ", "GDAL ", "PROJ ", "丽水", "GB 18030", "cores"):
        assert word in said
    assert f"{tmp_path / 'cache'}, 2 MB" in said
    assert [path.name for path in tmp_path.iterdir()] == ["cache"], "nothing is made"


def test_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("doctor", "--lang", "zh") == 0
    lines = lines_of(capsys)
    assert lines[-1] == "lifecircle 所需一切就绪。"
    assert all(line.startswith(("正常", "注意")) for line in lines[:-1])


def test_servers_are_asked_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    with serve() as server:
        assert run_here("doctor", "--network", "--overpass-url", server.url) == 0
        url = server.url
    assert f"ok    {url} answers" in lines_of(capsys)
    assert run_here("doctor", "--network", "--overpass-url", url) == 1
    *_, line, verdict = lines_of(capsys)
    assert line.startswith(f"BAD   {url} does not answer: ConnectionRefusedError")
    assert "HTTPS_PROXY" in line
    assert verdict.startswith("Something is missing")


def test_what_is_missing_is_named_with_a_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_doctor, "_DRIVERS", ("GPKG", "Nonsense"))
    monkeypatch.setattr(cli_doctor, "_may_write", lambda folder: folder != Path.cwd())
    monkeypatch.setattr(cli_doctor, "_EXTRAS", {"parquet": "no_such_package"})
    monkeypatch.setattr(memory, "memory_here", lambda: 2_000_000_000)
    monkeypatch.setitem(sys.modules, "lifecircle.render.print_type", None)
    assert run_here("doctor") == 1
    said = "\n".join(lines_of(capsys))
    assert "cannot write Nonsense." in said
    assert re.search(r"note  no_such_package is not .*pip install .lifecircle\[parquet\]", said)
    assert re.search(r"BAD   results go .*It cannot be written", said)
    assert "note  2.0 GB of memory" in said
    assert re.search(r"BAD   type cannot be checked: ModuleNotFoundError.*Install again", said)


def test_folders_that_cannot_be_written_are_seen(tmp_path: Path) -> None:
    assert cli_doctor._may_write(tmp_path)
    assert not cli_doctor._may_write(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_what_only_hinders_is_a_note(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyogrio

    drivers = pyogrio.list_drivers()
    monkeypatch.setattr(pyogrio, "list_drivers", lambda *_, **__: drivers | {"OGR_VRT": "rw"})
    monkeypatch.setattr(cli_doctor, "_SCARCE_DISK_BYTES", float("inf"))
    monkeypatch.setattr(print_type, "printable", lambda text: text[:-1])
    assert run_here("doctor") == 1
    said = "\n".join(lines_of(capsys))
    assert f"note  {say('doctor.virtual', 'en')}" in said
    assert say("doctor.virtual_cure", "en") in said
    assert say("doctor.little_room", "en") in said
    assert f"BAD   {say('doctor.no_type', 'en', text=cli_doctor._HANZI)}" in said


def test_a_console_without_chinese_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    (found,) = cli_doctor._encodings("en")
    assert found[0] == "note"
    assert "cp1252" in found[1]
    assert found[2] == say("doctor.console_cure", "en")


def test_gdal_never_learns_virtual_layers_whoever_loads_it_first(tmp_path: Path) -> None:
    bare = {key: value for key, value in os.environ.items() if key != "GDAL_SKIP"}
    code = "import lifecircle, pyogrio; print('OGR_VRT' in pyogrio.list_drivers())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare | {"PYTHONPATH": str(IMPORTED_FROM)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"
