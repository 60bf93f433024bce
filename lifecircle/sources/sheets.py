"""Which rows does a sheet of a workbook hold, and which of its cells are merged?"""

import contextlib
import functools
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from lifecircle.errors import DataError
from lifecircle.sources.cell_values import is_filled, text_of
from lifecircle.sources.columns import is_known
from lifecircle.sources.notes import Note, note_rows, note_values
from lifecircle.sources.opening import CELL_BYTES, Limits, check_workbook, too_large

_MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14
"""Of a sheet, by its format."""
_CHUNK_BYTES, _LONGEST_TAG = 1 << 20, 1 << 10
_MERGED = re.compile(
    rb"<(?:\w{1,20}:)?mergeCell\s[^<>]{0,200}?ref=[\"']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})[\"']"
)


class Merged(NamedTuple):
    """Cells of a sheet that are shown as one: rows from 1, columns from 0, both ends inclusive."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


def xlsx_rows(
    path: Path, sheet: str | None, notes: list[Note], limits: Limits
) -> tuple[list[tuple[int, tuple[object, ...]]], list[Merged]]:
    """Return number and cells of the rows of a sheet that are not empty, and which cells are merged."""
    from openpyxl.reader.excel import ExcelReader  # noqa: PLC0415  slow to load, and few lists are workbooks

    rows, merged = [], []
    try:
        check_workbook(path, limits)
        # Opened here: openpyxl leaves the file open where it cannot read it.
        with path.open("rb") as file, warnings.catch_warnings():
            # openpyxl warns of styles and drop-down lists that it leaves out: neither is data.
            warnings.simplefilter("ignore", UserWarning)
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            reader.read()
            with contextlib.closing(reader.wb) as book:
                names = [page.title for page in book.worksheets]
                chosen = next((page for page in book.worksheets if sheet in {None, page.title}), None)
                if chosen is not None:
                    rows = list(_sheet_rows(chosen, path, limits))
                    # What is read row by row does not say which cells are merged; its XML does, behind them.
                    parts = {one.name: rel.target for one, rel in reader.parser.find_sheets()}
                    with reader.archive.open(parts[chosen.title]) as xml:
                        merged = list(_merged_cells(xml))
    except DataError:
        raise
    except Exception as error:  # whatever a damaged workbook makes of openpyxl
        raise DataError("tables.unreadable", path=path, reason=f"{type(error).__name__}: {error}") from error
    if chosen is None:
        raise DataError("tables.unknown_part", path=path, value=sheet, known=", ".join(names))
    if sheet is None and len(names) > 1:
        note_values(notes, "part_chosen", path, names[:1])
    return rows, merged


def _sheet_rows(page: Any, path: Path, limits: Limits) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Yield number and cells of each row that is not empty, as long as they fit in memory.

    A cell far out makes a row of thousands, and many cells may name one long text.
    """
    page.reset_dimensions()  # some programs declare a sheet to be one cell
    size = 0
    for number, row in enumerate(page.iter_rows(values_only=True, max_row=_MOST_ROWS), start=1):
        if is_filled(row):
            size += CELL_BYTES * len(row) + sum(len(cell) for cell in row if isinstance(cell, str))
            if size > limits.max_text_bytes:
                raise too_large(path, limits.max_text_bytes)
            yield number, row


def _merged_cells(xml: IO[bytes]) -> Iterator[Merged]:
    """Yield the merged cells that the XML of a sheet names."""
    rest = b""
    while chunk := xml.read(_CHUNK_BYTES):
        text = rest + chunk
        end = text.rfind(b"<")  # what begins there may not be whole
        for left, top, right, bottom in _MERGED.findall(text[:end]):
            yield Merged(int(top), int(bottom), _column_at(left), _column_at(right))
        rest = text[end:] if end >= 0 and len(text) - end < _LONGEST_TAG else b""


def _column_at(letters: bytes) -> int:
    """Return the position of a column, 0 for A."""
    return functools.reduce(lambda at, letter: 26 * at + letter - ord("A") + 1, letters, 0) - 1


def unmerged(
    table: pd.DataFrame, places: Sequence[int], merged: Sequence[Merged], path: Path, notes: list[Note]
) -> pd.DataFrame:
    """Return a list with every merged cell as a reader sees it: in each of its rows and columns.

    A row with nothing of its own in any known column, but cells merged with the row above, only continues
    that one, as where a place has two telephones; it is left out, and noted.

    Parameters
    ----------
    table
        As `read_table` gives it.
    places
        Where its columns stand in the sheet, from 0.
    merged
        Of the sheet; what begins above the list is none of it.
    path, notes
        As of `read_table`.
    """
    numbers, at = table.index.to_numpy(), np.array(places)
    cells, own = table.to_numpy(dtype=object, copy=True), table.map(text_of).to_numpy() != ""
    seen = np.zeros(cells.shape, dtype=np.bool_)
    rows, columns = {*numbers.tolist()}, {*places}
    for one in merged:
        if one.first_row not in rows or one.first_column not in columns:
            continue
        top, bottom = np.searchsorted(numbers, [one.first_row, one.last_row + 1])
        across = np.flatnonzero((at >= one.first_column) & (at <= one.last_column))
        first = np.flatnonzero(at == one.first_column)[0]
        within = np.ix_(np.arange(top, bottom), across)
        if seen[within].any():
            raise DataError("tables.unreadable", path=path, reason="merged cells overlap")
        seen[within] = True
        cells[within] = np.where(own[within], cells[within], cells[top, first])
    known = [row for row, name in enumerate(table.columns) if is_known(name)]
    goes_on = np.zeros(len(table), dtype=np.bool_)
    goes_on[1:] = (seen & ~own)[1:, known].any(axis=1) & ~own[1:, known].any(axis=1)
    note_rows(notes, "rows_continue", path, pd.Series(goes_on, index=table.index))
    whole = pd.DataFrame(cells, index=table.index, columns=table.columns, dtype=object)
    return whole[~goes_on]
