"""What rows does this planner's table hold, and where is each?

CSV (UTF-8 or GB 18030) and XLSX become one DataFrame whose index is the row number in the file.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from lifecircle.errors import DataError
from lifecircle.sources.cell_values import is_filled, to_numbers, to_text
from lifecircle.sources.columns import find_column, header_of, header_score, plain_name
from lifecircle.sources.notes import Note, note_rows, note_values
from lifecircle.sources.opening import LIMITS, Limits, check_cells, check_file
from lifecircle.sources.sheets import MOST_COLUMNS, Merged, unmerged, xlsx_rows

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_HEADER_WITHIN = 20
_COLUMNS_SHOWN = 50


def read_table(
    path: Path,
    *,
    notes: list[Note],
    encoding: str | None = None,
    sheet: str | None = None,
    limits: Limits = LIMITS,
) -> pd.DataFrame:
    """Read a list from CSV or XLSX.

    The header is the row, of the first twenty, that names the most known columns, so a title above it does no
    harm; a cell that it leaves empty may be named in the row above, as where two rows are merged. Empty rows
    and columns without a name are skipped; of two columns of one name the first counts. A cell that is merged
    over rows of the list stands in each of them.

    Parameters
    ----------
    path
        A file whose name ends in one of `SUFFIXES`.
    notes
        Takes what was chosen for the user: the encoding, the sheet.
    encoding
        Of a CSV; by default strict UTF-8, else GB 18030.
    sheet
        Of a workbook; by default the first.
    limits
        How large the file may be, packed and unpacked.

    Returns
    -------
    DataFrame
        One row per row of the list, texts and numbers as they stand, None where a cell is empty; the index is
        the row number a spreadsheet shows.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If it is not such a table, its text cannot be decoded, it has no such sheet, no row, or exceeds
        `limits`.
    """
    check_file(path, SUFFIXES, max_bytes=limits.max_text_bytes)
    filled: Sequence[tuple[int, Sequence[object]]]
    merged: list[Merged] = []
    if path.suffix.lower() == ".xlsx":
        filled, merged = xlsx_rows(path, sheet, notes, limits)
    else:
        filled = [(at, row) for at, row in _csv_rows(path, encoding, notes) if is_filled(row)]
    near_top = [row for _, row in filled[:_HEADER_WITHIN]]
    headers = [header_of(row, above) for above, row in pairwise([(), *near_top])]
    scores = [header_score(header) for header in headers]
    head = max(range(len(scores)), key=scores.__getitem__, default=0)
    if head == len(filled) - 1 and not scores[head][0]:  # it may be the one row of a list, not its header
        head = max((at for at in range(head) if scores[at][1] > 1), key=scores.__getitem__, default=head)
    if not (body := filled[head + 1 :]):
        names = ", ".join(name for name in (headers[head] if filled else ()) if plain_name(name))
        if not names:
            raise DataError("tables.no_rows", path=path, count=0)
        raise DataError("tables.only_header", path=path, row=filled[head][0], names=names)
    columns: dict[str, int] = {}
    for at, name in enumerate(headers[head]):
        if name:
            columns.setdefault(name, at)
    check_cells(path, len(body), len(columns), limits)
    cells = [[row[at] if at < len(row) else None for at in columns.values()] for _, row in body]
    index = pd.Index([number for number, _ in body], name="row", dtype=np.int64)
    table = pd.DataFrame(cells, index=index, columns=pd.Index(columns, dtype=object), dtype=object)
    return unmerged(table, [*columns.values()], merged, path, notes) if merged else table


def decode(texts: Iterable[bytes], encodings: Sequence[str], path: Path) -> tuple[list[str], str]:
    """Decode `texts` in the first of `encodings` that fits them all, and return that encoding too.

    A text that ends within a character, as the fixed fields of a dbf do, loses that character only.

    Raises
    ------
    DataError
        If none fits.
    """
    texts = list(texts)
    for encoding in encodings:
        try:
            return [_decode_one(text, encoding) for text in texts], encoding
        except (UnicodeError, LookupError):
            continue
    raise DataError("tables.encoding", path=path, tried=", ".join(encodings))


def coordinates(table: pd.DataFrame, path: Path, notes: list[Note]) -> pd.DataFrame:
    """Return x and y of the rows that have both; the others are counted in `notes`.

    Parameters
    ----------
    table
        As `read_table` gives it.
    path
        Named in errors and notes.
    notes
        Takes the rows without coordinates (0, 0 is none either) and those that are no finite numbers.

    Returns
    -------
    DataFrame
        Columns x, y: float, in the unit of the file. The index is that of `table`, less the rows left out.

    Raises
    ------
    DataError
        If neither two columns of coordinates are found nor one that holds both, "lon,lat".
    """
    x_column, y_column = find_column(table.columns, "lon"), find_column(table.columns, "lat")
    both = find_column(table.columns, "lonlat")
    if x_column is not None and y_column is not None:
        x_text, y_text = to_text(table[x_column]), to_text(table[y_column])
    elif both is not None:
        pair = to_text(table[both]).str.replace("，", ",")
        x_text, y_text = (pair.map(lambda text, at=at: text.partition(",")[at].strip()) for at in (0, 2))
    else:
        seen = [*table.columns[:_COLUMNS_SHOWN], *(["…"] if len(table.columns) > _COLUMNS_SHOWN else [])]
        raise DataError("tables.no_coordinates", path=path, columns=", ".join(seen))
    points = pd.DataFrame({"x": to_numbers(x_text), "y": to_numbers(y_text)})
    blank = (x_text == "") | (y_text == "") | (points == 0).all(axis=1)
    bad = points.isna().any(axis=1) & ~blank
    note_rows(notes, "rows_without_coordinates", path, blank)
    note_rows(notes, "rows_with_bad_coordinates", path, bad)
    return points[~blank & ~bad]


def unique_ids(ids: "pd.Series[str]", prefix: str, path: Path, notes: list[Note]) -> "pd.Series[str]":
    """Return `ids` without blanks or repeats.

    A blank becomes `prefix` and its position from 001. A repeat gets a suffix rather than an error: both rows
    are real (a community in two parts, two sites of one clinic), and merging them could count people twice.
    """
    by_position = pd.Series([f"{prefix}{at:03d}" for at in range(1, len(ids) + 1)], index=ids.index)
    unique = ids.where(ids != "", by_position)
    note_rows(notes, "ids_made_unique", path, unique.duplicated())
    while (repeated := unique.duplicated()).any():
        suffix = (unique.groupby(unique).cumcount() + 1).astype(str)
        unique = unique.where(~repeated, unique + "-" + suffix)
    return unique


def _csv_rows(path: Path, encoding: str | None, notes: list[Note]) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    (text,), used = decode([raw], [encoding] if encoding else ["utf-8-sig", "gb18030"], path)
    lines = text.splitlines()[:_HEADER_WITHIN]
    if used == "gb18030" and not encoding:
        note_values(notes, "encoding_guessed", path, lines[1:2], about=used)
    try:
        delimiter = max(
            ",;\t",
            key=lambda mark: max(map(header_score, csv.reader(lines, delimiter=mark)), default=(0, 0)),
        )
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise DataError("tables.unreadable", path=path, reason=error) from error
    # Strict: an unclosed quote would otherwise swallow the rest of the file as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if len(row) > MOST_COLUMNS:
                raise DataError("tables.unreadable", path=path, reason=f"{len(row)} > {MOST_COLUMNS} columns")
            # Where cells are parted by semicolons, the comma is the decimal mark.
            if delimiter == ";":
                row = [re.sub(r"^(\s*-?\d+),(\d+\s*)$", r"\1.\2", cell) for cell in row]  # noqa: PLW2901 - the same row
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError("tables.unreadable", path=path, reason=f"line {reader.line_num}: {error}") from error


def _decode_one(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason not in {"unexpected end of data", "incomplete multibyte sequence"}:
            raise
        return text[: error.start].decode(encoding)
