"""What do all tests share?"""

import locale
from collections.abc import Callable, Iterator
from pathlib import Path

import budget
import platformdirs
import pytest
from browser import Visitor, open_browser
from hypothesis import settings

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

# A slow machine is no fault, so there is no deadline.
settings.register_profile("local", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if budget.ALL else "local")


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Read and keep nothing where the user of this computer does, here and in every process begun here.

    All tests share these folders, so what a command says must not hang on which test ran before.
    """
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        patch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(folder))  # platformdirs' name for both on Windows
        yield


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with empty folders for the user's data and cache, on a system in English."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "user")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("en_US", "UTF-8"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a file of the real data beside the repository, or skip where it is absent."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real data absent: {path}")
        return path

    return find


@pytest.fixture(scope="module")
def visit() -> Iterator[Visitor]:
    """Return what opens pages in a browser, which starts once for a file of tests."""
    with open_browser() as visit:
        yield visit
