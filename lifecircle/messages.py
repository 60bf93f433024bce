"""What does this message say, and in which language?

Every text a person reads lives in ``catalog/messages/<area>.toml`` as ``[key]`` with ``en`` and ``zh``;
code names it ``"<area>.<key>"``. Values are cleaned here, so no name in a file can drive a terminal.
"""

import functools
import tomllib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

LANGUAGES = ("en", "zh")
_LONGEST_VALUE = 300


def _texts(key: str) -> dict[str, str]:
    """Return the message ``"area.key"`` as ``{"en": ..., "zh": ...}``."""
    area, _, name = key.partition(".")
    return _area(area)[name]


@functools.cache
def _area(area: str) -> dict[str, dict[str, str]]:
    """Return the messages of an area; one command needs few of them."""
    file = Path(__file__).parent / "catalog" / "messages" / f"{area}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def clean(value: str) -> str:
    r"""Return `value` on one line, without control or direction characters, cut at 300 characters.

    Examples
    --------
    >>> clean("a\x1b[31mb")
    'a\ufffd[31mb'
    """
    if value.isprintable() and len(value) <= _LONGEST_VALUE:  # nearly every one
        return value
    shown = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char
        for char in value[: _LONGEST_VALUE + 1]
    )
    return shown if len(shown) <= _LONGEST_VALUE else shown[:_LONGEST_VALUE] + "…"


class _Said(str):
    """A text made of messages: clean already, and not to be cut however many parts it has."""

    __slots__ = ()


def say(key: str, lang: str = "en", **values: object) -> str:
    """Return the message `key` in `lang`, with `values` filled in.

    Parameters
    ----------
    key
        ``"area.key"`` as in ``catalog/messages/area.toml``.
    lang
        ``"en"`` or ``"zh"``.
    **values
        What the message's ``{placeholders}`` stand for; texts are cleaned of control characters.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        If there is no such message or language: a fault of ours, not of the user's.
    """
    shown = {
        name: value if isinstance(value, int | float | _Said) else clean(str(value))
        for name, value in values.items()
    }
    return _Said(_texts(key)[lang].format(**shown))


def listed(texts: Iterable[str], lang: str, mark: str = "report.list_mark") -> str:
    """Return texts as a list in a sentence, parted by the message `mark`; it may be longer than a value.

    Examples
    --------
    >>> listed(["kindergarten", "clinic"], "en")
    'kindergarten, clinic'
    """
    return _Said(say(mark, lang).join(text if isinstance(text, _Said) else clean(text) for text in texts))
