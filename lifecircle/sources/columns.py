"""Which column of a planner's table is which, and which row names them?"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from importlib import resources

from lifecircle.sources.cell_values import text_of

_DBF_NAME_BYTES = 10
_NAMED_WITHIN = 1000
"""As many cells of a row are looked at for known names: lists have a hundred columns at most."""


def find_column(columns: Iterable[str], field: str) -> str | None:
    """Return the column that is called by an alias of `field`, or None.

    Examples
    --------
    >>> find_column(["序号", "经 度（°）", "纬度"], "lon")
    '经 度（°）'
    """
    called = {plain_name(column): column for column in reversed(list(columns))}
    return next((called[alias] for alias in _aliases()[field] if alias in called), None)


def numbered_columns(columns: Iterable[str], field: str) -> list[str]:
    """Return the columns that are called by an alias of `field` and a number, such as 服务1 and 服务2."""
    aliases = _aliases()[field]
    numbered = ((column, re.fullmatch(r"(.+?)\d{1,2}", plain_name(column))) for column in columns)
    return [column for column, match in numbered if match and match[1] in aliases]


def whole_name(raw: bytes, encoding: str) -> str | None:
    """Return the known name of a column of which a Shapefile kept only the first ten bytes.

    None where the name was not cut, is not known, or could be that of several fields.

    Examples
    --------
    >>> whole_name("社区编号".encode()[:10], "utf-8"), whole_name(b"residents_", "utf-8")
    ('社区编号', None)
    """
    if len(raw) != _DBF_NAME_BYTES:
        return None
    found = {
        field: alias
        for field, aliases in table_words()["columns"].items()
        for alias in reversed(aliases)
        if (whole := alias.encode(encoding, errors="ignore")).startswith(raw) and whole != raw
    }
    return next(iter(found.values())) if len(found) == 1 else None


def is_known(column: str) -> bool:
    """Say whether a column is called by an alias of any field."""
    key = plain_name(column)
    return any(key in aliases for aliases in _aliases().values())


def header_of(row: Sequence[object], above: Sequence[object]) -> list[str]:
    """Return the names of the columns; where a cell is empty, the known name above it, as in merged rows."""
    names = [text_of(cell) for cell in row]
    if not any(map(is_known, filter(None, names))):
        return names  # a row of the list, of which little is filled in
    over = [text_of(cell) for cell in above[:_NAMED_WITHIN]]
    names += [""] * (len(over) - len(names))
    for at, name in enumerate(over):
        if not names[at] and is_known(name):
            names[at] = name
    return names


def header_score(row: Sequence[object]) -> tuple[int, int]:
    """Return how many known fields a row names, and how many cells it fills."""
    texts = list(filter(None, map(text_of, row[:_NAMED_WITHIN])))
    keys = set(map(plain_name, texts))
    return sum(not keys.isdisjoint(aliases) for aliases in _aliases().values()), len(texts)


@functools.cache
def table_words() -> dict[str, dict[str, list[str]]]:
    """Return ``catalog/columns.toml``: what planners call columns, and words that rule a row out."""
    file = resources.files("lifecircle") / "catalog" / "columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def _aliases() -> dict[str, tuple[str, ...]]:
    """Return the spellings of each field, as `plain_name` makes them."""
    columns = table_words()["columns"]
    return {field: tuple(plain_name(alias) for alias in aliases) for field, aliases in columns.items()}


def plain_name(column: str) -> str:
    """Return what is left of a column's name without case, width, brackets, spaces and punctuation."""
    plain = unicodedata.normalize("NFKC", column).casefold()
    return re.sub(r"[\W_]+", "", re.sub(r"[(\[].*?[)\]]", "", plain))
