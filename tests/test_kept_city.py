"""Is a city that was read before the same city, and is it not read again?"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lifecircle
from lifecircle.analysis import analyze
from lifecircle.network import _MANY_PLACES, Positions, WalkNetwork
from lifecircle.report import Report
from lifecircle.sources import read_city
from lifecircle.sources.kept_city import KeptCities
from lifecircle.streets import Floats

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"
TABLES = ("communities", "gaps", "facilities", "quality")


@pytest.fixture(scope="module")
def fresh() -> Report:
    return analyze(SAMPLE)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that an earlier run has filled."""
    folder = tmp_path_factory.mktemp("filled") / "kept"
    analyze(SAMPLE, kept=KeptCities(folder))
    return folder


@pytest.fixture
def kept(filled: Path, tmp_path: Path) -> KeptCities:
    """A copy of it that a test may spoil."""
    return KeptCities(shutil.copytree(filled, tmp_path / "kept"))


def let_nothing_be_read(patch: pytest.MonkeyPatch) -> None:
    """Fail where a street file is read, or homes are snapped; a service's few facilities may be."""
    snap = WalkNetwork._snap

    def refuse(*_: object, **__: object) -> Any:
        pytest.fail("read again")

    def snap_few(network: WalkNetwork, x: Floats, *more: Any, **options: Any) -> Positions:
        assert len(x) < _MANY_PLACES
        return snap(network, x, *more, **options)

    patch.setattr(read_city, "read_ground", refuse)
    patch.setattr(WalkNetwork, "_snap", snap_few)


def same(one: Report, other: Report) -> bool:
    return all(one.tables[name].to_csv() == other.tables[name].to_csv() for name in TABLES)


def test_the_same_run_again_reads_and_snaps_nothing_and_finds_the_same(
    kept: KeptCities, fresh: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_nothing_be_read(monkeypatch)
    assert same(analyze(SAMPLE, kept=kept), fresh)
    assert kept.used


def test_its_files_are_the_same_to_the_byte(kept: KeptCities, fresh: Report, tmp_path: Path) -> None:
    again = analyze(SAMPLE, kept=kept)
    fresh.save(tmp_path / "fresh")
    again.save(tmp_path / "again")
    for name in sorted(path.name for path in (tmp_path / "fresh").iterdir()):
        if name not in {"run.json", "gaps.gpkg", "walks.npz"}:  # these carry times
            assert (tmp_path / "fresh" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_another_threshold_and_another_standard_use_it(kept: KeptCities, tmp_path: Path) -> None:
    file = Path(lifecircle.__file__).parent / "catalog" / "standards" / "life-circle.toml"
    text = file.read_text(encoding="utf-8").replace('id = "kindergarten"', 'id = "school"')
    other = tmp_path / "other.toml"
    other.write_text(text.replace('amenity = "kindergarten"', 'amenity = "school"'), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        let_nothing_be_read(patch)
        again = [analyze(SAMPLE, other, kept=kept), analyze(SAMPLE, minutes=[7], kept=kept)]
    assert same(again[0], analyze(SAMPLE, other))
    assert same(again[1], analyze(SAMPLE, minutes=[7]))


def copied(tmp_path: Path, name: str = "city") -> Path:
    shutil.copytree(SAMPLE, tmp_path / name)
    return tmp_path / name


def test_a_changed_file_is_another_city(kept: KeptCities, tmp_path: Path) -> None:
    city = copied(tmp_path)
    analyze(city, kept=kept)
    assert kept.used  # the same content elsewhere
    streets = next(city.glob("*.pbf"))
    whole = streets.read_bytes()
    kept.used = False
    import osmium

    with osmium.SimpleWriter(str(streets), overwrite=True) as writer:
        (tmp_path / "was.osm.pbf").write_bytes(whole)
        for number, thing in enumerate(osmium.FileProcessor(str(tmp_path / "was.osm.pbf"))):
            if number:  # all but the first node
                writer.add(thing)
    analyze(city, kept=kept)
    assert not kept.used


def entries(kept: KeptCities) -> list[Path]:
    return sorted(kept._folder.iterdir(), key=lambda path: path.stat().st_size)


def test_a_file_cut_short_is_read_again_and_mended(kept: KeptCities, fresh: Report) -> None:
    largest = entries(kept)[-1]
    whole = largest.read_bytes()
    largest.write_bytes(whole[: len(whole) // 2])
    assert same(analyze(SAMPLE, kept=kept), fresh)
    assert largest.read_bytes() == whole


def test_where_nothing_can_be_written_nothing_is_kept(fresh: Report, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = KeptCities(tmp_path / "file" / "below")
    assert same(analyze(SAMPLE, kept=kept), fresh)
    assert not kept.used


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    kept = KeptCities(tmp_path, most_bytes=6000)
    for age, name in enumerate(("a", "b", "c")):
        kept.keep(name, "x" * 1500)
        os.utime(tmp_path / f"{name}.npz", (1000 + age, 1000 + age))
    assert kept.find("a", []) is not None  # used again
    kept.keep("d", "x" * 1500)
    assert {path.stem for path in tmp_path.iterdir()} == {"a", "c", "d"}


@pytest.fixture
def two_at_once(tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Two runs of the command, begun together, that keep in one folder."""
    options = {"PYTHONPATH": str(Path(lifecircle.__file__).parents[1]), "XDG_CACHE_HOME": str(tmp_path)}
    runs = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lifecircle",
                "analyze",
                "--city",
                str(SAMPLE),
                "--out",
                str(tmp_path / name),
            ],
            env={**os.environ, **options, "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name in ("one", "other")
    ]
    yield runs
    for run in runs:
        run.communicate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the folder is set by a variable of Linux")
def test_two_runs_at_once_do_not_disturb_each_other(
    two_at_once: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    assert [run.wait(timeout=120) for run in two_at_once] == [0, 0]
    one, other = (pd.read_csv(tmp_path / name / "communities.csv") for name in ("one", "other"))
    pd.testing.assert_frame_equal(one, other)
    folder = tmp_path / "lifecircle" / "cities"
    assert folder.is_dir()
    assert {path.suffix for path in folder.iterdir()} == {".npz"}
