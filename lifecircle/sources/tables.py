"""What rows does this planner's table hold, and which of its columns is which?

CSV (UTF-8 or GB 18030) and XLSX become one DataFrame whose index is the row number in the file. Nothing is
dropped in silence: every function that leaves a row out says so in the `notes` it is handed.
"""

import contextlib
import csv
import functools
import io
import re
import tomllib
import unicodedata
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from lifecircle.errors import DataError, FileError

Note = tuple[str, int, str]
"""One row of the data-quality table: message key, how many, and where (file name, then rows or values)."""

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_HEADER_WITHIN = 20
_SHOWN = 10
_NOT_XLSX = (
    EOFError,
    InvalidFileException,
    KeyError,
    ParseError,
    TypeError,
    ValueError,
    BadZipFile,
    zlib.error,
)


def read_table(
    path: Path, *, notes: list[Note], encoding: str | None = None, sheet: str | None = None
) -> pd.DataFrame:
    """Read a list from CSV or XLSX.

    The header is the row, of the first twenty, that names the most known columns, so a title above it does no
    harm. Empty rows and columns without a name are skipped; of two columns of one name the first counts.

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
        If it is not such a table, its text cannot be decoded, it has no such sheet, or no row.
    """
    check_file(path, SUFFIXES)
    rows: Iterable[tuple[int, Sequence[object]]]
    if path.suffix.lower() == ".xlsx":
        rows = _xlsx_rows(path, sheet, notes)
    else:
        rows = _csv_rows(path, encoding, notes)
    filled = [(number, row) for number, row in rows if any(not _is_blank(cell) for cell in row)]
    near_top = range(min(_HEADER_WITHIN, len(filled)))
    head = max(near_top, key=lambda at: _header_score(filled[at][1]), default=0)
    body = filled[head + 1 :]
    if not body:
        raise DataError("tables.no_rows", path=path, count=0)
    columns: dict[str, int] = {}
    for at, cell in enumerate(filled[head][1]):
        if not _is_blank(cell):
            columns.setdefault(_text(cell), at)
    cells = [[row[at] if at < len(row) else None for at in columns.values()] for _, row in body]
    index = pd.Index([number for number, _ in body], name="row", dtype=np.int64)
    return pd.DataFrame(cells, index=index, columns=pd.Index(columns, dtype=object), dtype=object)


def check_file(path: Path, suffixes: Sequence[str]) -> None:
    """Prove that `path` is a plain, readable file of this computer with one of these `suffixes`.

    Raises
    ------
    FileError
        If it is missing, unreadable, a web address or a path into an archive.
    DataError
        If it has another ending.
    """
    # Readers below us take "a.zip!b" and "/vsi..." for archives and hosts, and cut a path at ";".
    if re.match(r"[A-Za-z][\w+.-]+:/", str(path)) or re.search(r"^/vsi|^//|[!;]", str(path.absolute())):
        raise FileError("tables.not_a_plain_file", path=path)
    if not path.is_file():
        raise FileError("tables.missing_file", path=path)
    if path.suffix.lower() not in suffixes:
        raise DataError("tables.unknown_format", path=path, suffix=path.suffix, known=", ".join(suffixes))
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise FileError("tables.unreadable", path=path, reason=error.strerror) from error


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


def find_column(columns: Iterable[str], field: str) -> str | None:
    """Return the column that is called by an alias of `field`, or None.

    Examples
    --------
    >>> find_column(["序号", "经 度（°）", "纬度"], "lon")
    '经 度（°）'
    """
    called = {_key(column): column for column in reversed(list(columns))}
    return next((called[alias] for alias in _aliases()[field] if alias in called), None)


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
        If no two columns of coordinates are found.
    """
    x_column, y_column = find_column(table.columns, "lon"), find_column(table.columns, "lat")
    if x_column is None or y_column is None:
        raise DataError("tables.no_coordinates", path=path, columns=", ".join(table.columns))
    points = pd.DataFrame({"x": to_numbers(table[x_column]), "y": to_numbers(table[y_column])})
    blank = (to_text(table[x_column]) == "") | (to_text(table[y_column]) == "") | (points == 0).all(axis=1)
    bad = points.isna().any(axis=1) & ~blank
    note_rows(notes, "rows_without_coordinates", path, blank)
    note_rows(notes, "rows_with_bad_coordinates", path, bad)
    return points[~blank & ~bad]


def to_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Return each value as one line of text: ``""`` where it is missing, no ``.0`` after a whole number."""
    return pd.Series([_text(value) for value in values], index=values.index, dtype=object).astype(str)


def to_numbers(values: "pd.Series[str]") -> "pd.Series[float]":
    """Return each value as a float, NaN where it is missing, infinite or no number; ``1,200`` is 1200."""
    texts = to_text(values).map(lambda text: unicodedata.normalize("NFKC", text))
    texts = texts.str.replace(r"(?<=\d),(?=\d{3}(?:\D|$))", "", regex=True)
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    return numbers.where(np.isfinite(numbers))


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


@functools.cache
def table_words() -> dict[str, dict[str, list[str]]]:
    """Return ``catalog/columns.toml``: what planners call columns, and words that rule a row out."""
    file = resources.files("lifecircle") / "catalog" / "columns.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def _aliases() -> dict[str, tuple[str, ...]]:
    """Return the spellings of each field, as `_key` makes them."""
    columns = table_words()["columns"]
    return {field: tuple(_key(alias) for alias in aliases) for field, aliases in columns.items()}


def _key(column: str) -> str:
    """Return what is left of a column's name without case, width, brackets, spaces and punctuation."""
    plain = unicodedata.normalize("NFKC", column).casefold()
    return re.sub(r"[\W_]+", "", re.sub(r"[(\[].*?[)\]]", "", plain))


def _header_score(row: Sequence[object]) -> tuple[int, int]:
    """Return how many known fields a row names, and how many cells it fills."""
    texts = [_text(cell) for cell in row if not _is_blank(cell)]
    return sum(find_column(texts, field) is not None for field in _aliases()), len(texts)


def _csv_rows(path: Path, encoding: str | None, notes: list[Note]) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    (text,), used = decode([raw], [encoding] if encoding else ["utf-8-sig", "gb18030"], path)
    lines = text.splitlines()[:_HEADER_WITHIN]
    if used == "gb18030" and not encoding:
        note_values(notes, "encoding_guessed", path, lines[1:2], about=used)
    delimiter = max(
        ",;\t", key=lambda mark: max(map(_header_score, csv.reader(lines, delimiter=mark)), default=(0, 0))
    )
    # Strict: an unclosed quote would otherwise swallow the rest of the file as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            # Where cells are parted by semicolons, the comma is the decimal mark.
            if delimiter == ";":
                row = [re.sub(r"^(\s*-?\d+),(\d+\s*)$", r"\1.\2", cell) for cell in row]  # noqa: PLW2901
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError("tables.unreadable", path=path, reason=f"line {reader.line_num}: {error}") from error


def _xlsx_rows(path: Path, sheet: str | None, notes: list[Note]) -> list[tuple[int, tuple[object, ...]]]:
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and drop-down lists that it leaves out: neither is data.
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        with contextlib.closing(book):
            names = [page.title for page in book.worksheets]
            chosen = next((page for page in book.worksheets if sheet in {None, page.title}), None)
            rows = []
            if chosen is not None:
                chosen.reset_dimensions()  # some programs declare a sheet to be one cell
                rows = list(enumerate(chosen.iter_rows(values_only=True), start=1))
    except _NOT_XLSX as error:
        raise DataError("tables.unreadable", path=path, reason=f"{type(error).__name__}: {error}") from error
    if chosen is None:
        raise DataError("tables.unknown_part", path=path, value=sheet, known=", ".join(names))
    if sheet is None and len(names) > 1:
        note_values(notes, "part_chosen", path, names[:1])
    return rows


def _decode_one(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason not in {"unexpected end of data", "incomplete multibyte sequence"}:
            raise
        return text[: error.start].decode(encoding)


def _is_blank(value: object) -> bool:
    return _text(value) == ""


def _text(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else str(int(value) if float(value).is_integer() else value)
    return " ".join(str(value).split())
