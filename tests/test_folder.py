"""Do results reach their folder all together, and is nobody else's work ever replaced?"""

import json
from pathlib import Path

import pytest

from lifecircle.errors import FileError
from lifecircle.render.folder import added_files, check_free, digests, whole_folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_results(folder: Path, record: str = "run.json", **files: str) -> None:
    """Write files and the record that lists them."""
    write(folder, **files)
    listed = {name: digest for name, digest in digests(folder).items() if not name.startswith("export/")}
    (folder / record).write_text(json.dumps({"files": listed}), encoding="utf-8")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return a folder as a run and an export leave it."""
    folder = tmp_path / "results"
    write_results(folder / "export", "export.json", ledger="1", maps__all="2")
    write_results(folder, map="3", maps__all="4")
    return folder


def test_earlier_results_are_replaced_with_all_that_was_exported_from_them(results: Path) -> None:
    with pytest.raises(FileError, match="--overwrite"):
        check_free(results, overwrite=False)
    with whole_folder(results, overwrite=True) as fresh:
        write(fresh, new="5")
    assert names(results) == ["new"]
    assert names(results.parent) == ["results/new"], "no temporary folder stays"


@pytest.mark.parametrize("place", ["map", "maps/all", "export/ledger", "export/maps/all"])
def test_a_file_that_the_planner_changed_stays(results: Path, place: str) -> None:
    (results / place).write_text("责任主体：某某街道", encoding="utf-8")
    with pytest.raises(FileError, match=f"{place}, which was changed"):
        check_free(results, overwrite=True)
    assert (results / place).read_text(encoding="utf-8") == "责任主体：某某街道"


@pytest.mark.parametrize("place", ["thesis.docx", "maps/thesis.docx", "export/thesis.docx", "x/run.json"])
def test_a_file_of_somebody_else_stays(results: Path, place: str) -> None:
    write(results, **{place.replace("/", "__"): "three years of work"})
    with pytest.raises(FileError, match=f"{place}, which lifecircle did not write"):
        check_free(results, overwrite=True)


def test_a_link_is_never_ours(results: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (results / "export" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileError, match="export/more, which lifecircle did not write"):
        check_free(results, overwrite=True)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"files": 3}', '{"files": [["thesis.docx", "x"]]}', "[" * 100_000]
)
def test_a_broken_record_makes_everything_somebody_elses(tmp_path: Path, text: str) -> None:
    write(tmp_path / "results", thesis="mine")
    (tmp_path / "results" / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match="did not write"):
        check_free(tmp_path / "results", overwrite=True)


def test_files_are_added_beside_others(tmp_path: Path) -> None:
    write(tmp_path / "out", thesis="mine")
    with added_files(tmp_path / "out", overwrite=False, patterns=["maps/*.pdf"]) as fresh:
        write(fresh, **{"maps__all.pdf": "1"})
    assert names(tmp_path) == ["out/maps/all.pdf", "out/thesis"]


def test_adding_refuses_before_the_work_and_after_it(tmp_path: Path) -> None:
    write(tmp_path / "out", **{"maps__all.pdf": "mine"})
    with (
        pytest.raises(FileError, match=r"all\.pdf exists already"),
        added_files(tmp_path / "out", overwrite=False, patterns=["maps/*.pdf"]),
    ):
        pytest.fail("work was begun")
    with (
        pytest.raises(FileError, match=r"all\.pdf exists already"),
        added_files(tmp_path / "out", overwrite=False) as fresh,
    ):
        write(fresh, **{"maps__all.pdf": "ours", "a": "ours"})
    assert names(tmp_path) == ["out/maps/all.pdf"]
    assert (tmp_path / "out" / "maps" / "all.pdf").read_text() == "mine"


def test_adding_with_overwrite_replaces_those_files_alone(tmp_path: Path) -> None:
    write(tmp_path / "out", a="1", b="2")
    with added_files(tmp_path / "out", overwrite=True, patterns=["a"]) as fresh:
        write(fresh, a="3")
    assert (tmp_path / "out" / "a").read_text() + (tmp_path / "out" / "b").read_text() == "32"
    assert names(tmp_path) == ["out/a", "out/b"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_fault_while_files_are_moved_leaves_all_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    write(tmp_path / "out", a="1", c="2")
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if ".add" in str(path) and path.name == "c":
            raise fault
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    expected = FileError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected), added_files(tmp_path / "out", overwrite=True) as fresh:
        write(fresh, a="new", b="new", c="new")
    assert names(tmp_path) == ["out/a", "out/c"]
    assert [(tmp_path / "out" / name).read_text() for name in "ac"] == ["1", "2"]
