"""Do the pages say what the code does?"""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from toy_town import STANDARD, toy_town

import lifecircle as lc
from lifecircle.catalog import list_standards
from lifecircle.cli import cli
from lifecircle.render.formats import FORMATS
from lifecircle.render.platform import write_platform
from lifecircle.report import FILES

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("name", cli.commands)
def test_readers_meet_every_command(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"lifecircle {name}" in readme + "".join(PAGES.values())


def test_the_page_of_commands_is_what_the_command_line_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    from make_commands import commands_page

    assert PAGES["commands.md"] == commands_page(), "run: python docs/make_commands.py"
    for command in cli.commands.values():
        for option in command.params:
            if isinstance(option, click.Option):
                assert f"`{option.opts[0]}" in PAGES["commands.md"]


def test_the_page_of_the_platform_explains_every_field(tmp_path: Path) -> None:
    report = lc.analyze(toy_town(), STANDARD)
    write_platform(report.coverage, report.gaps, tmp_path)
    fields: set[str] = set()

    def collect(value: Any, *, named: bool = True) -> None:
        if isinstance(value, dict):
            if named:
                fields.update(value)
            for key, inner in value.items():  # names by language and services by id are no fields
                if key != "geometry":
                    collect(inner, named=key not in {"name", "city", "services"} or isinstance(inner, list))
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    for path in tmp_path.iterdir():
        collect(json.loads(path.read_text(encoding="utf-8")))
    explained = set(re.findall(r"`(\w+)`", PAGES["platform.md"]))
    fields = {field.removeprefix("residents") or "_covered" for field in fields}
    assert fields <= explained, fields - explained
    assert len(fields) > 30


def test_the_page_of_outputs_names_every_file() -> None:
    page = (ROOT / "outputs" / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        assert f"`{name}`" in page
    for name, (files, _) in FORMATS.items():
        assert f"`{name}`" in page
        assert all(f"`{file}`" in page for file in files)


def test_every_picture_of_the_gallery_is_there_and_made_by_code() -> None:
    pictures = set(re.findall(r"images/([\w-]+\.png)", PAGES["gallery.md"]))
    assert len(pictures) >= 4
    made = (ROOT / "docs" / "make_gallery.py").read_text(encoding="utf-8")
    for name in pictures:
        assert (ROOT / "docs" / "images" / name).stat().st_size > 10_000
        assert name in made


def test_the_page_of_standards_is_what_the_catalog_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    from make_standards import standards_page

    assert PAGES["standards.md"] == standards_page(), "run: python docs/make_standards.py"
    assert all(f"## {name}\n" in PAGES["standards.md"] for name in list_standards())


def test_the_standard_of_ones_own_in_the_page_is_ten_lines_that_work(tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGES["standards.md"], re.DOTALL)
    (tmp_path / "my.toml").write_text(toml, encoding="utf-8")
    charging = lc.load_standard(tmp_path / "my.toml").service("charging")
    assert [limit.label("en") for limit in charging.limits] == ["500 m"]
    assert len(toml.split("[[services]]")[1].strip().splitlines()) <= 10


def test_every_test_that_the_page_of_faults_names_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGES["faults.md"])
    assert len(named) > 60
    for file, name in named:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), name
    rows = [line for line in PAGES["faults.md"].splitlines() if line.startswith("| ")]
    untested = [row for row in rows if "::" not in row and not row.startswith(("| fault", "| ---"))]
    assert len(untested) == 1, "only what cannot be told"


def links_of(page: Path) -> set[Path]:
    """Return the files of the project that a page links to."""
    targets = re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets}


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_every_page_is_reached_from_a_readme_and_no_link_leads_nowhere(readme: str) -> None:
    reached, ahead = set(), {ROOT / readme}
    while ahead:
        page = ahead.pop()
        assert page.exists(), page
        reached.add(page)
        ahead |= (links_of(page) if page.suffix == ".md" else set()) - reached
    assert set((ROOT / "docs").rglob("*.md")) <= reached
