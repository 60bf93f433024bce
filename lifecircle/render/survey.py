"""What does a planner hand to those who count the facilities (``blank_survey.xlsx``)?

The first sheet is read back as facilities, as any list is: ``catalog/columns.toml`` knows its headings. What
does not serve people yet, or no longer, has a sheet of its own, because all on the first sheet counts.
"""

import io
from pathlib import Path
from typing import Any

import xlsxwriter

from lifecircle.messages import say
from lifecircle.render.workbook import BLANK_FILL, FONTS, HEAD, MADE, OPTIONS, xml_text
from lifecircle.standard import Standard

_ROWS, _PRINTED_ROWS = 500, 30
_HEAD_ROW = 2
_WIDTHS = {
    "id": 10,
    "name": 30,
    "type": 18,
    "status": 12,
    "lon": 15,
    "lat": 15,
    "address": 32,
    "street": 14,
    "community": 20,
    "ownership": 16,
    "beds": 12,
    "floor_area": 14,
    "note": 26,
}
_RANGES = {"lon": (-180, 180), "lat": (-90, 90), "beds": (0, 100_000), "floor_area": (0, 10_000_000)}
_SHEETS = ("in_use", "not_in_use")
_STATUSES = {"in_use": ("open", "trial", "partly"), "not_in_use": ("building", "planned", "closed")}
_OWNERSHIPS = ("public", "private", "mixed")
_GUIDE = ("type", "position", "status", "people", "read")


def write_survey(path: Path, *, standard: Standard, lang: str) -> None:
    """Write an empty form for a survey of facilities, with lists to choose from.

    Parameters
    ----------
    path
        The XLSX file.
    standard
        Its services are the types to choose from.
    lang
        ``"en"`` or ``"zh"``.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    style = {"font_name": FONTS[lang], "font_size": 11, "valign": "vcenter"}
    choices = {
        "type": [service.label(lang) for service in standard.services],
        "ownership": [say(f"survey.ownership_{word}", lang) for word in _OWNERSHIPS],
        **{
            f"status_{sheet}": [say(f"survey.status_{sheet}_{word}", lang) for word in words]
            for sheet, words in _STATUSES.items()
        },
    }
    with xlsxwriter.Workbook(buffer, {**OPTIONS, "default_format_properties": style}) as book:
        book.set_properties({"title": say("survey.title", lang), "created": MADE})
        formats = {
            "title": book.add_format({"bold": True, "font_size": 16}),
            "note": book.add_format({"font_color": "#595959"}),
            "head": book.add_format({**HEAD, "border": 1, "text_wrap": True}),
            "cell": book.add_format({"border": 1, "border_color": "#BFBFBF"}),
            "wanted": book.add_format({"border": 1, "border_color": "#BFBFBF", "bg_color": BLANK_FILL}),
            "wrapped": book.add_format({"text_wrap": True}),
        }
        forms = [book.add_worksheet(say(f"survey.sheet_{name}", lang)) for name in _SHEETS]
        guide = book.add_worksheet(say("survey.sheet_guide", lang))
        listed = book.add_worksheet(say("survey.sheet_choices", lang))
        ranges = _write_choices(listed, choices, say("survey.sheet_choices", lang))
        for name, sheet in zip(_SHEETS, forms, strict=True):
            _write_form(sheet, name, ranges | {"status": ranges[f"status_{name}"]}, formats, lang)
        guide.set_column(0, 0, 100)
        guide.fit_to_pages(1, 0)
        guide.write_string(0, 0, say("survey.title", lang), formats["title"])
        for row, name in enumerate(_GUIDE, start=1):
            guide.write_string(row, 0, f"{row}. {say(f'survey.guide_{name}', lang)}", formats["wrapped"])
            guide.set_row(row, 36)
    path.write_bytes(buffer.getvalue())


def _write_choices(sheet: Any, choices: dict[str, list[str]], sheet_name: str) -> dict[str, str]:
    """Write each list below each other's side, hide the sheet, and return where the lists stand."""
    ranges = {}
    for column, (name, words) in enumerate(choices.items()):
        for row, word in enumerate(words):
            sheet.write_string(row, column, xml_text(word))
        letter = chr(ord("A") + column)
        ranges[name] = f"='{sheet_name}'!${letter}$1:${letter}${len(words)}"
    sheet.hide()
    return ranges


def _write_form(sheet: Any, name: str, ranges: dict[str, str], formats: dict[str, Any], lang: str) -> None:
    sheet.write_string(0, 0, say("survey.title", lang), formats["title"])
    sheet.write_string(1, 0, say(f"survey.note_{name}", lang), formats["note"])
    last = _HEAD_ROW + _ROWS
    for column, (field, width) in enumerate(_WIDTHS.items()):
        heading = say(f"survey.column_{field}", lang)
        sheet.write_string(_HEAD_ROW, column, heading, formats["head"])
        sheet.set_column(column, column, width)
        cell = formats["wanted" if "*" in heading else "cell"]
        for row in range(_HEAD_ROW + 1, last + 1):
            sheet.write_blank(row, column, None, cell)
        rule = _rule(field, ranges, lang)
        if rule:
            sheet.data_validation(_HEAD_ROW + 1, column, last, column, rule)
    sheet.set_default_row(22)  # high enough to write by hand
    sheet.set_row(0, 28)
    sheet.set_row(_HEAD_ROW, 34)
    sheet.freeze_panes(_HEAD_ROW + 1, 2)
    sheet.repeat_rows(_HEAD_ROW)
    sheet.print_area(0, 0, _HEAD_ROW + _PRINTED_ROWS, len(_WIDTHS) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{say('survey.title', lang)}&R{say('ledger.page', lang)}")


def _rule(field: str, ranges: dict[str, str], lang: str) -> dict[str, object]:
    """Return what a cell of this column accepts; empty where it takes anything."""
    if field in ranges:
        message = say("survey.choose", lang)
        return {"validate": "list", "source": ranges[field], "error_message": message}
    if field in _RANGES:
        low, high = _RANGES[field]
        message = say("survey.number_between", lang, low=low, high=high)
        limits = {"criteria": "between", "minimum": low, "maximum": high}
        return {"validate": "decimal", **limits, "error_message": message}
    return {}
