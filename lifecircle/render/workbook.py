"""What does a planner's office keep its books in (``ledger.xlsx``)?

Every text is written as text: no name in a file becomes a formula or a link. A walk that cannot be made is
shown as unreachable, one that is not known as unknown; any other number that is missing is an empty cell.
"""

import datetime as dt
import io
import math
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import xlsxwriter

from lifecircle.coverage import Coverage
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render.dictionary import Field, fields_of, table_name
from lifecircle.render.ledger_tables import ledger_tables
from lifecircle.render.text import readable
from lifecircle.render.whom import of_whom

MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""When every workbook says it was made, so that the same figures make the same file."""

OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
"""What makes a workbook of ours harmless, and free of temporary files."""

FONTS = {"zh": "宋体", "en": "Arial"}
HEAD = {"bold": True, "bg_color": "#1F4E5F", "font_color": "#FFFFFF", "align": "center", "valign": "vcenter"}
BLANK_FILL = "#FFF9DB"
_NUMBERS = {
    "amount": ("#,##0", ",.0f"),
    "share": ("0.0%", ".1%"),
    "minutes": ("0.0", ".1f"),
    "metres": ("#,##0", ",.0f"),
    "ratio": ("0.00", ".2f"),
    "degrees": ("0.000000", ".6f"),
    "cost": ("#,##0.0", ",.1f"),
    "number": ("General", "g"),
}
_NO_CHARACTERS = dict.fromkeys([0xFFFE, 0xFFFF])  # XML forbids these two beside the control characters
_LONGEST_BYTES = 2 * 32_767  # what Excel holds in a cell, in UTF-16
_LONGEST_TITLE = 80
_BLANK_WIDTH, _WIDEST, _LEAST_SHEET = 12, 68, 100
_MOST_ROWS = 1_048_500
"""Of what a sheet holds, less the lines above the table; beyond, cells would vanish without a word."""
_MOST_LINES, _LINE_POINTS = 8, 13.5
_A3_FROM_WIDTH = 150
_A3, _A4 = 8, 9


def xml_text(value: object) -> str:
    r"""Return `value` as one line that XML may hold and a spreadsheet's cell can take.

    Examples
    --------
    >>> xml_text("a\x00b\ufffe\u202e c")
    'ab c'
    """
    text = readable(value).translate(_NO_CHARACTERS)
    return text.encode("utf-16-le")[:_LONGEST_BYTES].decode("utf-16-le", "ignore")


def shown(value: object, kind: str, lang: str) -> str:
    """Return a value of a table as people read it, such as ``61.2%``; empty where it is missing."""
    if not isinstance(value, int | float):
        return "" if value is None else xml_text(value)
    if not math.isfinite(value):
        return _missing(value, kind, lang)
    return format(value, _NUMBERS[kind][1] if kind in _NUMBERS else "g")


def write_ledger(
    coverage: Coverage, gaps: gpd.GeoDataFrame, path: Path, *, lang: str, projects: Projects | None = None
) -> None:
    """Write the ledger: summary, communities, gaps, facilities, quality of the data, standard and sources.

    With a project list, also the projects and the options of every gap.

    The same figures make the same bytes.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    path
        The XLSX file.
    lang
        ``"en"`` or ``"zh"``.
    projects
        The project list, if there is one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    style = {"font_name": FONTS[lang], "font_size": 10, "valign": "vcenter"}
    city, standard = coverage.city, coverage.standard
    sample = xml_text(say("report.sample", lang)) if city.is_synthetic else ""
    of_measure = of_whom(coverage.denominators, lang)
    with xlsxwriter.Workbook(buffer, {**OPTIONS, "default_format_properties": style}) as book:
        title = say("report.title", lang, city=city.label(lang), standard=standard.label(lang))
        book.set_properties({"title": xml_text(title), "comments": sample, "created": MADE})
        formats = _formats(book)
        for name, rows in ledger_tables(coverage, gaps, lang, projects).items():
            table = f"sheet_{name}"
            sheet_name = table_name(table, lang)
            title = say(
                "ledger.title", lang, city=city.label(lang), standard=standard.label(lang), sheet=sheet_name
            )
            note = say(f"ledger.note_{name}", lang, of_measure=of_measure)
            if (count := len(rows)) > _MOST_ROWS:
                note = " ".join((say("ledger.cut", lang, most=_MOST_ROWS, count=count), note))
                rows = rows.iloc[:_MOST_ROWS]  # noqa: PLW2901 - what is written of them
            above = _Above(xml_text(title), sample, xml_text(note))
            _write_sheet(
                book.add_worksheet(sheet_name), rows, fields_of(table, coverage), above, formats, lang
            )
    path.write_bytes(buffer.getvalue())


def write_table(  # noqa: PLR0913 - a table and what stands above it
    frame: pd.DataFrame, fields: Sequence[Field], path: Path, *, title: str, note: str, sample: str, lang: str
) -> None:
    """Write one table as a workbook that looks like the ledger; the same figures make the same bytes.

    Parameters
    ----------
    frame
        The table, with the keys of the fields as columns.
    fields
        Its columns.
    path
        The XLSX file.
    title, note, sample
        What stands above it; the sample line is empty for real cities.
    lang
        ``"en"`` or ``"zh"``.
    """
    buffer = io.BytesIO()
    style = {"font_name": FONTS[lang], "font_size": 10, "valign": "vcenter"}
    with xlsxwriter.Workbook(buffer, {**OPTIONS, "default_format_properties": style}) as book:
        book.set_properties({"title": xml_text(title), "comments": xml_text(sample), "created": MADE})
        above = _Above(xml_text(title), xml_text(sample), xml_text(note))
        _write_sheet(book.add_worksheet(), frame, fields, above, _formats(book), lang)
    path.write_bytes(buffer.getvalue())


class _Above(NamedTuple):
    """The lines above a table; the sample line is empty for a real city."""

    title: str
    sample: str
    note: str


def _formats(book: Any) -> dict[str, Any]:
    cell = {"border": 1, "border_color": "#BFBFBF"}
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "sample": book.add_format({"bold": True, "font_color": "#C00000"}),
        "note": book.add_format({"font_color": "#595959"}),
        "head": book.add_format({**cell, **HEAD, "text_wrap": True}),
        "text": book.add_format({**cell, "text_wrap": True, "indent": 1}),
        "blank": book.add_format({**cell, "text_wrap": True, "bg_color": BLANK_FILL}),
        **{
            kind: book.add_format({**cell, "num_format": code, "align": "right"})
            for kind, (code, _) in _NUMBERS.items()
        },
    }


def _write_sheet(
    sheet: Any,
    rows: pd.DataFrame,
    fields: Sequence[Field],
    above: _Above,
    formats: Mapping[str, Any],
    lang: str,
) -> None:
    """Write one table below its title, with all that makes it fit for the screen and for paper."""
    lines = [(line, name) for name, line in above._asdict().items() if line]
    for number, (line, name) in enumerate(lines):
        sheet.write_string(number, 0, line, formats[name])
    head, last = len(lines), len(lines) + max(len(rows), 1)
    widths, heights = [], np.ones(len(rows), dtype=np.int64)
    for column, field in enumerate(fields):
        heading = xml_text(field.heading[lang])
        sheet.write_string(head, column, heading, formats["head"])
        wide = _write_column(sheet, (head + 1, column), rows[field.key].tolist(), field.kind, formats, lang)
        least = _BLANK_WIDTH if field.kind == "blank" else cells_of(heading) // 2 + 3
        width = min(max([*wide, least]) + 3, _WIDEST)
        sheet.set_column(column, column, width)
        widths.append(width)
        heights = np.maximum(heights, -(-np.array(wide, dtype=np.int64) // (width - 2)))
    for number, high in enumerate(np.minimum(heights, _MOST_LINES).tolist(), start=head + 1):
        sheet.set_row(number, 3 + _LINE_POINTS * high)
    if sum(widths) < _LEAST_SHEET:  # the lines above must find room on paper
        widths[-1] += _LEAST_SHEET - sum(widths)
        sheet.set_column(len(fields) - 1, len(fields) - 1, widths[-1])
    sheet.set_row(0, 24)
    sheet.set_row(head, 32)
    sheet.freeze_panes(head + 1, 2)
    sheet.autofilter(head, 0, last, len(fields) - 1)
    sheet.repeat_rows(head)
    sheet.print_area(0, 0, last, len(fields) - 1)
    sheet.set_landscape()
    sheet.set_paper(_A3 if sum(widths) > _A3_FROM_WIDTH else _A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
    sheet.hide_gridlines(2)
    if above.sample:
        sheet.set_header("&C" + above.sample.replace("&", "&&"))
    footer = above.title[:_LONGEST_TITLE].replace("&", "&&")
    sheet.set_footer(f"&L{footer}&R{say('ledger.page', lang)}")


def _write_column(
    sheet: Any,
    at: tuple[int, int],
    values: Sequence[object],
    kind: str,
    formats: Mapping[str, Any],
    lang: str,
) -> list[int]:
    """Write the cells of a column from a place on, and return how wide the text of each is."""
    first, column = at
    style, text_style = formats[kind], formats["text" if kind == "number" else kind]
    known: dict[object, tuple[str, int]] = {}  # few texts stand in a column, each of them often
    wide = []
    for row, value in enumerate(values, start=first):
        if isinstance(value, (int, float)) and math.isfinite(value):
            sheet.write_number(row, column, value, style)
            wide.append(len(shown(value, kind, lang)))
            continue
        if value not in known:
            text = shown(value, kind, lang)
            known[value] = text, cells_of(text)
        text, width = known[value]
        if text:
            sheet.write_string(row, column, text, text_style)
        else:
            sheet.write_blank(row, column, None, style)
        wide.append(width)
    return wide


def _missing(value: float, kind: str, lang: str) -> str:
    if kind != "minutes":
        return ""
    return say("ledger.not_known" if math.isnan(value) else "ledger.unreachable", lang)


def cells_of(text: str) -> int:
    """Return how wide a text is, in Latin letters: a Chinese character is as wide as two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
