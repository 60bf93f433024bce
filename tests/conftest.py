"""What do all tests share?

After a run of all tests `pytest_sessionfinish` says which messages no test has provoked, and fails.
"""

import locale
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import budget
import platformdirs
import pytest
from browser import Visitor, open_browser
from hypothesis import settings
from provoked import listen, never_provoked

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

# A slow machine is no fault, so there is no deadline.
settings.register_profile("local", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if budget.ALL else "local")


HEARD: set[str] = set()
"""The messages that were said in this process, and in its workers once they are done."""
SKIPPED: set[str] = set()
"""Tests that did not run: what they provoke is not known to be silent."""


def pytest_configure() -> None:
    listen(HEARD)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.outcome != "passed":
        SKIPPED.add(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    HEARD.update(getattr(node, "workeroutput", {}).get("heard", ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all tests after which a message was said by none and named by none.

    Of a run of some tests nothing is said; one in which some were skipped or failed tells, and fails not.
    """
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["heard"] = sorted(HEARD)
        return
    narrowed = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    fewer = ("keyword", "markexpr", "deselect", "ignore", "collectonly", "lf", "maxfail")
    if narrowed or any(config.getoption(option, None) for option in fewer):
        return
    if silent := never_provoked(HEARD, Path(__file__).parent):
        print(f"\nNo test provokes these messages: {', '.join(silent)}")  # noqa: T201  pytest's own summary follows
        if SKIPPED:
            print(f"Perhaps one of the {len(SKIPPED)} tests that did not run does.")  # noqa: T201
        else:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


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
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # compiling takes children a third of a second
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
