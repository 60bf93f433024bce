"""What was left out or assumed of a file, and where in it?

Nothing is dropped in silence: every function that leaves a row out says so in the `notes` it is handed.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

Note = tuple[str, int, str]
"""One row of the data-quality table: message key, how many, and where (file name, then rows or values)."""

_SHOWN = 10


def note_rows(notes: list[Note], item: str, path: Path, rows: "pd.Series[bool]", *, about: str = "") -> None:
    """Note how many of `rows` are true, and the numbers of the first ten; nothing where none is."""
    note_values(notes, item, path, rows.index[rows.to_numpy(dtype=bool)], about=about)


def note_values(
    notes: list[Note], item: str, path: Path, values: Iterable[object], *, about: str = ""
) -> None:
    """Note how many `values` there are, and the first ten; nothing where there is none."""
    shown = [str(value) for value in values]
    if shown:
        listed = ", ".join(shown[:_SHOWN]) + (", …" if len(shown) > _SHOWN else "")
        notes.append((f"tables.{item}", len(shown), ": ".join(filter(None, (path.name, about, listed)))))


def note_counts(notes: list[Note], item: str, path: Path, values: "pd.Series[str]") -> None:
    """Note how many `values` there are, and how often each of the ten commonest occurs."""
    counts = values.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if len(counts):
        listed = [
            f"{value} ×{count}" if count > 1 else str(value) for value, count in counts[:_SHOWN].items()
        ]
        more = ["…"] if len(counts) > _SHOWN else []
        notes.append((f"tables.{item}", int(counts.sum()), f"{path.name}: {', '.join(listed + more)}"))
