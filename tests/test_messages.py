"""Does every message exist in both languages, with the values its users give?"""

import re
import string
import tomllib
from pathlib import Path

import pytest
from provoked import listen, never_provoked

import lifecircle
from lifecircle import messages
from lifecircle.errors import DataError, FetchError, FileError, LifecircleError, UnknownNameError
from lifecircle.messages import LANGUAGES, clean, say

PACKAGE = Path(lifecircle.__file__).parent
MESSAGES = {
    f"{file.stem}.{key}": texts
    for file in sorted((PACKAGE / "catalog" / "messages").glob("*.toml"))
    for key, texts in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
AREAS = {key.split(".")[0] for key in MESSAGES}
SOURCE = {
    file.relative_to(PACKAGE): file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py"))
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_say_the_same(key: str) -> None:
    texts = MESSAGES[key]
    assert set(texts) == set(LANGUAGES)
    assert placeholders(texts["en"]) == placeholders(texts["zh"])
    assert "\n" not in texts["en"] + texts["zh"]


ENDINGS = {
    "csv",
    "docx",
    "gpkg",
    "html",
    "js",
    "json",
    "md",
    "toml",
    "xlsx",
}  # names of files look like those of messages


def test_every_message_that_code_names_exists() -> None:
    named = re.compile(r'"((?:' + "|".join(AREAS) + r')\.[a-z][a-z0-9_]*)"')
    missing = {
        (str(file), key)
        for file, source in SOURCE.items()
        for key in named.findall(source)
        if key not in MESSAGES and key.rpartition(".")[2] not in ENDINGS
    }
    assert not missing


def test_every_message_is_named_by_code() -> None:
    code = "\n".join(SOURCE.values())
    families = tuple(re.findall(r"""f["']([a-z]+\.[a-z0-9_]*)\{""", code))
    named = set(re.findall(r"""["']([a-z]+\.[a-z0-9_]+)["']""", code))
    named |= {f"{key}_each" for key in re.findall(r"""say_longest\(\s*["']([a-z._]+)["']""", code)}
    assert not {key for key in MESSAGES if key not in named and not key.startswith(families)}


def test_values_cannot_drive_a_terminal() -> None:
    shown = clean("a\x1b[31mb\r\nc\u202ed\0\t")
    assert shown.isprintable()
    assert [char for char in shown if char.isascii()] == list("a[31mbcd")
    assert clean("x" * 10_000) == "x" * 300 + "…"
    assert clean("社区 🏥") == "社区 🏥"


def test_braces_in_values_stay_text() -> None:
    assert "{0.__class__}" in say("catalog.unknown_city", "en", value="{0.__class__}", known="{lang}")


def test_a_message_that_no_test_provokes_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text('assert key == "city.bad_doors"  # not "city.homes_none"', "utf-8")
    (tmp_path / "test_messages.py").write_text('"people.none"', "utf-8")
    all_but_three = set(MESSAGES) - {"city.bad_doors", "choice.bad_k", "levels.twice"}
    silent = never_provoked(all_but_three, tmp_path)
    assert silent == ["choice.bad_k", "levels.twice"]
    heard: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "_texts", messages._texts)  # put back afterwards
        listen(heard)
        say("levels.twice", value="a", known="b")
    assert heard == {"levels.twice"}


@pytest.mark.parametrize(
    ("error", "builtin"),
    [(DataError, ValueError), (UnknownNameError, KeyError), (FileError, OSError), (FetchError, OSError)],
)
def test_errors_speak_both_languages_and_are_builtin_errors(
    error: type[LifecircleError], builtin: type[Exception]
) -> None:
    caught = error("catalog.not_writable", folder="F", cause="full")
    assert isinstance(caught, builtin)
    assert str(caught).startswith("F cannot be written: full.")
    assert "无法写入 F" in caught.in_language("zh")
