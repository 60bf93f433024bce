"""How does a table reach a spreadsheet, a page or another program unharmed and harmless?"""

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lifecircle.messages import clean

_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
DECIMALS = 4
_MARKS = re.compile(r"([\\`*_\[\]|~$])")


class Section(NamedTuple):
    """A heading, a table, and sentences below it."""

    heading: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def harmless(text: str) -> str:
    """Return a text that a spreadsheet shows and never runs.

    Examples
    --------
    >>> harmless("=1+1"), harmless("Clinic")
    ("'=1+1", 'Clinic')
    """
    shown = clean(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 with a byte-order mark, which is how spreadsheets know Chinese; four decimals.

    Parameters
    ----------
    frame
        The table; its index is not written.
    path
        The file.
    """
    safe = frame.round(DECIMALS)
    for column in safe.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in safe.dtypes]]:
        safe[column] = safe[column].map(lambda value: harmless(str(value)))
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def markdown_text(text: str) -> str:
    r"""Return a text that Markdown shows as it is: no markup, no HTML, no new line.

    Examples
    --------
    >>> markdown_text("a|b <i>")
    'a\\|b &lt;i&gt;'
    """
    shown = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", shown)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; every cell is shown as text."""
    lines = [head, *rows]
    cells = ["| " + " | ".join(markdown_text(cell) for cell in line) + " |" for line in lines]
    return "\n".join([cells[0], "|" + "---|" * len(head), *cells[1:]])


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values for JSON, where nan and infinity do not exist and become null."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in frame.to_dict("records")
    ]
