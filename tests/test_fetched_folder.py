"""Does a city folder come whole or not at all, and is nobody's work lost?"""

from pathlib import Path

import pytest

from lifecircle.errors import FileError
from lifecircle.sources.fetched_folder import check_free, put_in_place


def new_city(into: Path) -> None:
    (into / "city.toml").write_text("new", encoding="utf-8")


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Return a city folder that is there already."""
    folder = tmp_path / "cities" / "town"
    folder.mkdir(parents=True)
    (folder / "city.toml").write_text("mine", encoding="utf-8")
    (folder / "facilities.csv").write_text("mine", encoding="utf-8")
    return folder


def is_untouched(town: Path) -> bool:
    return (town / "city.toml").read_text(encoding="utf-8") == "mine" and list(town.parent.iterdir()) == [
        town
    ]


def test_a_new_folder_is_made_with_those_above(tmp_path: Path) -> None:
    folder = tmp_path / "cities" / "town"
    assert put_in_place(folder, new_city, overwrite=False) is None
    assert list(folder.parent.iterdir()) == [folder]
    assert (folder / "city.toml").read_text(encoding="utf-8") == "new"


def test_an_existing_folder_is_refused(town: Path) -> None:
    with pytest.raises(FileError, match="exists already"):
        check_free(town, overwrite=False)
    check_free(town, overwrite=True)
    check_free(town / "other", overwrite=False)


def test_what_is_no_city_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for path in (tmp_path, tmp_path / "file", tmp_path / "link"):
        with pytest.raises(FileError, match="no city folder"):
            check_free(path, overwrite=True)


def test_overwriting_keeps_the_old_folder_beside(town: Path) -> None:
    old = put_in_place(town, new_city, overwrite=True)
    assert old is not None
    assert sorted(town.parent.iterdir()) == sorted([town, old])
    assert [file.name for file in town.iterdir()] == ["city.toml"]
    assert (old / "facilities.csv").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_written_leaves_the_old_one(town: Path) -> None:
    def full_disk(into: Path) -> None:
        new_city(into)
        raise OSError(28, "No space left on device")

    with pytest.raises(FileError, match="No space left"):
        put_in_place(town, full_disk, overwrite=True)
    assert is_untouched(town)


def test_ctrl_c_while_writing_leaves_the_old_one(town: Path) -> None:
    def stop(into: Path) -> None:
        new_city(into)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put_in_place(town, stop, overwrite=True)
    assert is_untouched(town)


def test_a_rename_that_fails_puts_the_old_folder_back(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def refuse_the_new(self: Path, target: Path) -> Path:
        if self.name.startswith("."):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(FileError, match="Permission denied"):
        put_in_place(town, new_city, overwrite=True)
    assert is_untouched(town)


def test_a_folder_that_another_run_wrote_meanwhile_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "town"

    def meanwhile(into: Path) -> None:
        new_city(into)
        folder.mkdir()

    with pytest.raises(FileError, match="exists already"):
        put_in_place(folder, meanwhile, overwrite=False)
    assert list(tmp_path.rglob("*")) == [folder]
