"""Does any city.toml or standard, however odd, end in settings or in one line that names the file?"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lifecircle.catalog import find_city, load_standard
from lifecircle.errors import LifecircleError
from lifecircle.messages import LANGUAGES

FUZZ = settings.get_profile("fuzz")
SHIPPED = Path(__file__).parents[2] / "lifecircle" / "catalog" / "standards" / "life-circle.toml"
SAMPLE = Path(__file__).parents[2] / "data" / "lishui" / "city.toml"
DEEP = "a = " + "[" * 5_000

keys = st.sampled_from(
    ["osm", "communities", "facilities", "homes", "elevation", "boundary", "data_area", "place", "crs",
     "minutes", "name", "lang", "data", "columns", "path", "encoding", "sheet", "zh", "en", "id", "services",
     "pace", "typo"]
)  # fmt: skip
words = st.one_of(
    st.sampled_from(["a.pbf", "../b.gpkg", "/etc/passwd", "C:\\x", "con", "a/../../b", "", ".", "\0"]),
    st.sampled_from(["zh", "EPSG:4549"]),
    st.text(max_size=8),
)
values: Any = st.recursive(
    st.one_of(words, st.integers(), st.floats(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.one_of(keys, words), inner, max_size=4),
    max_leaves=10,
)


def toml(table: dict[str, Any]) -> str:
    """Return a table as TOML, on one line each, as far as TOML can say it."""

    def value(of: object) -> str:
        if isinstance(of, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {value(inner)}" for key, inner in of.items()) + "}"
        if isinstance(of, list):
            return "[" + ", ".join(map(value, of)) + "]"
        return {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(text := json.dumps(of), text)

    return "\n".join(f"{json.dumps(key)} = {value(of)}" for key, of in table.items())


def lines_of(file: Path) -> st.SearchStrategy[str]:
    """Return the lines of a file that is right, some left out, changed or repeated."""
    lines = file.read_text(encoding="utf-8").splitlines()
    odd = st.one_of(
        st.sampled_from(lines), values.map(lambda of: toml({"osm": of})), keys.map(lambda key: f"[{key}]")
    )
    change = st.tuples(st.integers(0, len(lines)), st.integers(0, 3), st.lists(odd, max_size=2))

    def changed(at: int, gone: int, new: list[str]) -> str:
        return "\n".join([*lines[:at], *new, *lines[at + gone :]])

    return change.map(lambda parts: changed(*parts))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


@FUZZ
@given(st.one_of(st.dictionaries(keys, values, max_size=8).map(toml), lines_of(SAMPLE), st.text(max_size=60)))
@example(DEEP)
def test_any_text_as_city_toml(folder: Path, text: str) -> None:
    (folder / "city.toml").write_text(text, encoding="utf-8", errors="replace")
    try:
        city = find_city(folder)
    except LifecircleError as error:
        said = [error.in_language(lang) for lang in LANGUAGES]
    else:
        said = ["city.toml"]
        files = [getattr(city, field.name) for field in dataclasses.fields(city)]
        layers = [one for found in files for one in (found if isinstance(found, tuple) else [found])]
        for path in [getattr(layer, "path", layer) for layer in layers]:
            assert not isinstance(path, Path) or path.resolve().is_relative_to(folder.resolve())
    assert all("city.toml" in text for text in said)


@FUZZ
@given(
    st.one_of(st.dictionaries(keys, values, max_size=8).map(toml), lines_of(SHIPPED), st.text(max_size=60))
)
@example(DEEP)
def test_any_text_as_standard(folder: Path, text: str) -> None:
    (folder / "s.toml").write_text(text, encoding="utf-8", errors="replace")
    try:
        standard = load_standard(folder / "s.toml")
    except LifecircleError as error:
        said = [error.in_language(lang) for lang in LANGUAGES]
    else:
        said = ["s.toml"]
        assert standard.services
        assert all(limit.value > 0 for _, limit in standard.pairs)
    assert all("s.toml" in text for text in said)
