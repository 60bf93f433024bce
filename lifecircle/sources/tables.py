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
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from lifecircle.errors import DataError
from lifecircle.sources.opening import LIMITS, Limits, check_file, check_workbook, too_large

Note = tuple[str, int, str]
"""One row of the data-quality table: message key, how many, and where (file name, then rows or values)."""

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_HEADER_WITHIN = 20
_SHOWN, _COLUMNS_SHOWN = 10, 50
_CELL_BYTES = 8
_DBF_NAME_BYTES = 10
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
"""Of a sheet, by its format."""
_NAMED_WITHIN = 1000
"""As many cells of a row are looked at for known names: lists have a hundred columns at most."""


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
        filled, merged = _xlsx_rows(path, sheet, notes, limits)
    else:
        filled = [(at, row) for at, row in _csv_rows(path, encoding, notes) if _filled(row)]
    near_top = [row for _, row in filled[:_HEADER_WITHIN]]
    headers = [_header(row, above) for above, row in pairwise([(), *near_top])]
    scores = [_header_score(header) for header in headers]
    head = max(range(len(scores)), key=scores.__getitem__, default=0)
    if head == len(filled) - 1 and not scores[head][0]:  # it may be the one row of a list, not its header
        head = max((at for at in range(head) if scores[at][1] > 1), key=scores.__getitem__, default=head)
    if not (body := filled[head + 1 :]):
        names = ", ".join(name for name in (headers[head] if filled else ()) if _key(name))
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
    return _unmerged(table, [*columns.values()], merged, path, notes) if merged else table


def check_cells(path: Path, rows: int, columns: int, limits: Limits) -> None:
    """Prove that a table of so many cells fits in memory: short rows under a wide header take little on disk.

    Raises
    ------
    DataError
        If it does not.
    """
    if rows * columns * _CELL_BYTES > limits.max_text_bytes:
        raise too_large(path, limits.max_text_bytes)


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


def numbered_columns(columns: Iterable[str], field: str) -> list[str]:
    """Return the columns that are called by an alias of `field` and a number, such as 服务1 and 服务2."""
    aliases = _aliases()[field]
    numbered = ((column, re.fullmatch(r"(.+?)\d{1,2}", _key(column))) for column in columns)
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


def to_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Return each value as one line of text: ``""`` where it is missing, no ``.0`` after a whole number."""
    return pd.Series([_text(value) for value in values], index=values.index, dtype=object).astype(str)


def to_numbers(values: "pd.Series[str]") -> "pd.Series[float]":
    """Return each value as a float, NaN where it is missing, infinite or no number; ``1,200`` is 1200."""
    texts = to_text(values).map(lambda text: unicodedata.normalize("NFKC", text))
    texts = texts.str.replace(r"(?<=\d),(?=\d{3}(?:\D|$))", "", regex=True)
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    return numbers.where(np.isfinite(numbers))


def pairs_in(text: str) -> list[tuple[float, float]]:
    """Return the places that a text names.

    Examples
    --------
    >>> pairs_in("119.9012,28.45;119.91，28.46"), pairs_in("")
    ([(119.9012, 28.45), (119.91, 28.46)], [])
    """
    number = r"(-?\d{1,3}(?:\.\d{1,20})?)"
    return [(float(x), float(y)) for x, y in re.findall(rf"{number}\s{{0,3}}[,，]\s{{0,3}}{number}", text)]


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


def note_counts(notes: list[Note], item: str, path: Path, values: "pd.Series[str]") -> None:
    """Note how many `values` there are, and how often each of the ten commonest occurs."""
    counts = values.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    if len(counts):
        listed = [
            f"{value} ×{count}" if count > 1 else str(value) for value, count in counts[:_SHOWN].items()
        ]
        more = ["…"] if len(counts) > _SHOWN else []
        notes.append((f"tables.{item}", int(counts.sum()), f"{path.name}: {', '.join(listed + more)}"))


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
    texts = list(filter(None, map(_text, row[:_NAMED_WITHIN])))
    keys = set(map(_key, texts))
    return sum(not keys.isdisjoint(aliases) for aliases in _aliases().values()), len(texts)


def _csv_rows(path: Path, encoding: str | None, notes: list[Note]) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    (text,), used = decode([raw], [encoding] if encoding else ["utf-8-sig", "gb18030"], path)
    lines = text.splitlines()[:_HEADER_WITHIN]
    if used == "gb18030" and not encoding:
        note_values(notes, "encoding_guessed", path, lines[1:2], about=used)
    try:
        delimiter = max(
            ",;\t",
            key=lambda mark: max(map(_header_score, csv.reader(lines, delimiter=mark)), default=(0, 0)),
        )
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise DataError("tables.unreadable", path=path, reason=error) from error
    # Strict: an unclosed quote would otherwise swallow the rest of the file as one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if len(row) > _MOST_COLUMNS:
                raise DataError(
                    "tables.unreadable", path=path, reason=f"{len(row)} > {_MOST_COLUMNS} columns"
                )
            # Where cells are parted by semicolons, the comma is the decimal mark.
            if delimiter == ";":
                row = [re.sub(r"^(\s*-?\d+),(\d+\s*)$", r"\1.\2", cell) for cell in row]  # noqa: PLW2901
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError("tables.unreadable", path=path, reason=f"line {reader.line_num}: {error}") from error


def _xlsx_rows(
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


def _unmerged(
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
    cells, own = table.to_numpy(dtype=object, copy=True), table.map(_text).to_numpy() != ""
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
    known = [row for row, name in enumerate(table.columns) if _is_known(name)]
    goes_on = np.zeros(len(table), dtype=np.bool_)
    goes_on[1:] = (seen & ~own)[1:, known].any(axis=1) & ~own[1:, known].any(axis=1)
    note_rows(notes, "rows_continue", path, pd.Series(goes_on, index=table.index))
    whole = pd.DataFrame(cells, index=table.index, columns=table.columns, dtype=object)
    return whole[~goes_on]


def _is_known(column: str) -> bool:
    key = _key(column)
    return any(key in aliases for aliases in _aliases().values())


def _sheet_rows(page: Any, path: Path, limits: Limits) -> Iterator[tuple[int, tuple[object, ...]]]:  # noqa: ANN401
    """Yield number and cells of each row that is not empty, as long as they fit in memory.

    A cell far out makes a row of thousands, and many cells may name one long text.
    """
    page.reset_dimensions()  # some programs declare a sheet to be one cell
    size = 0
    for number, row in enumerate(page.iter_rows(values_only=True, max_row=_MOST_ROWS), start=1):
        if _filled(row):
            size += _CELL_BYTES * len(row) + sum(len(cell) for cell in row if isinstance(cell, str))
            if size > limits.max_text_bytes:
                raise too_large(path, limits.max_text_bytes)
            yield number, row


def _header(row: Sequence[object], above: Sequence[object]) -> list[str]:
    """Return the names of the columns; where a cell is empty, the known name above it, as in merged rows."""
    names = [_text(cell) for cell in row]
    if not any(map(_is_known, filter(None, names))):
        return names  # a row of the list, of which little is filled in
    over = [_text(cell) for cell in above[:_NAMED_WITHIN]]
    names += [""] * (len(over) - len(names))
    for at, name in enumerate(over):
        if not names[at] and _is_known(name):
            names[at] = name
    return names


def _decode_one(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        if error.reason not in {"unexpected end of data", "incomplete multibyte sequence"}:
            raise
        return text[: error.start].decode(encoding)


def _filled(row: Sequence[object]) -> bool:
    return any(_text(cell) for cell in row if cell is not None)


def _text(value: object) -> str:
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else str(int(value) if float(value).is_integer() else value)
    return " ".join(str(value).split())
