"""Do whole cities fit into 3 GB and one core, and does a province say beforehand what it needs?"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import IMPORTED_FROM, messages, run, run_here, small_city
from test_osm_file import TOWN, written

from lifecircle.errors import DataError
from lifecircle.sources import memory
from lifecircle.sources.memory import check_memory, memory_here, memory_needed, memory_note

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits memory and cores as Linux does")
THREE_GB = 3_000_000_000


def confined(size: int = THREE_GB) -> Callable[[], None]:
    import resource

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    return confine


@linux_only
def test_the_bundled_city_fits(tmp_path: Path) -> None:
    done = run(tmp_path, ["analyze", "--city", "lishui", "--out", "out"], preexec_fn=confined())
    assert done.returncode == 0, done.stderr


@linux_only
def test_a_real_city_fits(tmp_path: Path, shared_data: Callable[[str], Path]) -> None:
    osm = shared_data("las_palmas/las_palmas.osm.pbf")
    communities = shared_data("las_palmas/catchments.geojson")
    words = ["analyze", "--osm", str(osm), "--communities", str(communities), "--out", "out"]
    done = run(tmp_path, words, preexec_fn=confined())
    assert done.returncode == 0, done.stderr


@linux_only
def test_too_little_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    words = [*small_city(tmp_path / "city"), "--out", "out"]
    done = run(tmp_path, words, preexec_fn=confined(330_000_000), env={"OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 1
    assert len(messages(done.stderr)) == 1, done.stderr
    assert "memory" in done.stderr  # that there is not enough, or to free some
    assert [path.name for path in tmp_path.iterdir()] == ["city"]


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_province_says_what_it_needs(tmp_path: Path) -> None:
    province = sparse(tmp_path / "province.osm.pbf", 60_000_000)
    assert memory_needed(province) == 250_000_000 + 60 * 60_000_000
    note = memory_note(province)
    assert note is not None
    assert note["needed"] == "3.9"
    assert memory_note(sparse(tmp_path / "city.osm.pbf", 5_000_000)) is None
    assert memory_note(tmp_path / "missing.osm.pbf") is None


def test_it_is_said_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    province = sparse(tmp_path / "province.osm.pbf", 60_000_000)
    words = ["analyze", "--osm", str(province), "--communities", small_city(tmp_path)[4], "--lang", "en"]
    monkeypatch.setattr(memory, "memory_here", lambda: THREE_GB)
    assert run_here(*words) == 1
    said = messages(capsys.readouterr().err)
    assert "province.osm.pbf is large: it takes about 3.9 GB of memory, of 3.0 GB here" in said[0]
    monkeypatch.setattr(memory, "memory_here", lambda: THREE_GB // 2)
    assert run_here(*words) == 1
    (said,) = messages(capsys.readouterr().err)
    assert "takes about 3.9 GB of memory, and there are 1.5 GB here; nothing was read" in said


@linux_only
def test_a_limit_of_the_shell_is_seen() -> None:
    code = "from lifecircle.sources.memory import memory_here; print(memory_here())"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=IMPORTED_FROM, preexec_fn=confined(), capture_output=True, check=True)
    assert int(done.stdout) <= THREE_GB


def test_what_surely_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sparse(tmp_path / "a.osm.pbf", 100_000_000)
    monkeypatch.setattr(memory, "memory_here", lambda: 3_200_000_000)
    check_memory(file)  # it might just fit
    monkeypatch.setattr(memory, "memory_here", lambda: 3_000_000_000)
    with pytest.raises(DataError, match=r"6\.2 GB of memory, and there are 3\.0 GB"):
        check_memory(file)
    monkeypatch.setattr(memory, "memory_here", lambda: None)
    check_memory(file)


def test_the_memory_here_is_known() -> None:
    here = memory_here()
    assert here is None or here > 10**8


def test_a_town_needs_no_word(tmp_path: Path) -> None:
    assert memory_note(written(tmp_path, *TOWN)) is None


@linux_only
def test_a_peak_can_be_forgotten() -> None:
    held = bytes(range(256)) * 400_000  # 102 MB, every page touched
    most = memory.peak_mb()
    del held
    memory.forget_peak()
    now = memory.peak_mb()
    assert most is not None
    assert now is not None
    assert now < most - 90
