"""How is a Word file built that an office can work on: styles, tables, captions, page numbers?

Every text passes through `xml_text`, so no name in a file can break the document.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.image.image import Image
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from lifecircle.messages import clean, say
from lifecircle.render.workbook import MADE, cells_of, xml_text

TEXT_MM = 162.0
_PAGE_MM, _MARGINS_MM = (210.0, 297.0), (25.0, 22.0, 24.0, 24.0)  # top, bottom, left, right
_FONTS = {"zh": ("Times New Roman", "宋体", "黑体"), "en": ("Arial", "宋体", "黑体")}  # Latin, body, headings
_BODY_PT, _LINES = {"zh": 12.0, "en": 10.5}, {"zh": 1.4, "en": 1.2}
_COMPACT_PT, _TABLE_PT, _HEADINGS_PT = 9.5, {"zh": 8.5, "en": 8.0}, (15.0, 12.0)
_INK, _RED, _SHADE = RGBColor(0x1F, 0x4E, 0x5F), RGBColor(0xC0, 0x00, 0x00), "DCE6EA"
_LEAST_LETTERS, _MOST_LETTERS, _LETTER_MM = 5, 26, 1.6
_CELL_MARGIN_MM = 0.9
_OF_ZIP = (MADE.year, MADE.month, MADE.day, 0, 0, 0)


def new_document(title: str, *, sample: str, lang: str, compact: bool = False) -> Document:
    """Return an A4 document with its styles, a header, and page numbers in its footer.

    Parameters
    ----------
    title
        Stands in the header, and in the properties of the file, which name no person.
    sample
        Said in the header and, framed, at the top; empty for a real city.
    lang
        ``"en"`` or ``"zh"``.
    compact
        Smaller type and less air, for what must fit on one page.

    Returns
    -------
    docx.document.Document
    """
    document = docx.Document()
    _set_styles(document, lang, compact=compact)
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(side) for side in _PAGE_MM)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = (
        Mm(margin) for margin in _MARGINS_MM
    )
    header = section.header.paragraphs[0]
    header.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = header.add_run(xml_text(sample or title))
    run.font.size = Pt(8.5)
    if sample:
        run.font.color.rgb = _RED
        _framed(document.add_paragraph(), sample)
    _page_numbers(section.footer.paragraphs[0], lang)
    about = document.core_properties
    about.title, about.comments, about.language = xml_text(title)[:250], xml_text(sample), lang
    about.author = about.last_modified_by = ""
    about.created = about.modified = MADE.replace(tzinfo=None)
    return document


def add_text(document: Document, text: str, style: str = "Body Text", *, bold: bool = False) -> Paragraph:
    """Add a paragraph of a style."""
    paragraph = document.add_paragraph(style=style)
    paragraph.add_run(xml_text(text)).bold = bold or None
    return paragraph


def add_table(
    document: Document,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: tuple[str, str] | None = None,
    numbers: Sequence[bool] = (),
) -> None:
    """Add a table whose head is repeated on every page it runs over.

    Parameters
    ----------
    document
        Where to.
    head, rows
        Texts; long names are cut.
    caption
        The word for a table and the caption; tables with one are numbered.
    numbers
        Which columns hold numbers, shown at the right.
    """
    if caption is not None:
        _add_caption(document, *caption).paragraph_format.keep_with_next = True
    lines = [[clean(xml_text(text)) for text in line] for line in (head, *rows)]
    table = document.add_table(rows=len(lines), cols=len(head), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    _narrow_margins(table)
    widths = _column_widths_mm(lines, numbers or [False] * len(head))
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)  # Word reads the width of cells, others that of columns
    style = document.styles["Table Text"].style_id
    for number, (row, line) in enumerate(zip(table.rows, lines, strict=True)):
        row_rules = row._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no other way to it
        row_rules.append(OxmlElement("w:cantSplit"))
        if number == 0:
            row_rules.append(OxmlElement("w:tblHeader"))
        for column, cell in enumerate(row.cells):
            cell.width = Mm(widths[column])
            paragraph = cell.paragraphs[0]
            paragraph._p.style = style  # noqa: SLF001 - by name python-docx searches all styles, cell by cell
            paragraph.add_run(line[column]).bold = number == 0 or None
            if number == 0:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                _shade(cell)
            elif numbers and numbers[column]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def add_picture(
    document: Document, path: Path, *, caption: tuple[str, str] | None = None, most_mm: tuple[float, float]
) -> None:
    """Add a picture that is at most so wide and high, and its caption below it.

    Parameters
    ----------
    document
        Where to.
    path
        PNG or JPEG.
    caption
        The word for a figure and the caption; figures with one are numbered.
    most_mm
        Width and height.
    """
    image = Image.from_file(str(path))
    scale = min(Mm(most_mm[0]) / image.width, Mm(most_mm[1]) / image.height)
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = caption is not None
    paragraph.add_run().add_picture(str(path), width=Emu(int(image.width * scale)))
    if caption is not None:
        _add_caption(document, *caption)


def save_document(document: Document, path: Path) -> None:
    """Write a document; the same content makes the same bytes.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    made, fixed = io.BytesIO(), io.BytesIO()
    document.save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(fixed, "w") as kept:
        for name in parts.namelist():
            kept.writestr(zipfile.ZipInfo(name, _OF_ZIP), parts.read(name), zipfile.ZIP_DEFLATED)
    path.write_bytes(fixed.getvalue())


def _set_styles(document: Document, lang: str, *, compact: bool) -> None:
    latin, body, heading = _FONTS[lang]
    styles: Any = document.styles
    size, spacing = _BODY_PT[lang], _LINES[lang]
    if compact:
        size, spacing = _COMPACT_PT, 1.15
    _set_font(styles["Normal"], latin, body, size)
    table_text = styles.add_style("Table Text", 1)
    table_text.base_style = styles["Normal"]
    table_text.font.size = Pt(_TABLE_PT[lang])
    for name in ("Body Text", "List Bullet"):
        styles[name].paragraph_format.line_spacing = spacing
        styles[name].paragraph_format.space_after = Pt(3 if compact else 5)
    if lang == "zh":  # a Chinese paragraph begins two characters in
        indent = styles["Body Text"].element.get_or_add_pPr().get_or_add_ind()
        indent.set(qn("w:firstLineChars"), "200")
        indent.set(qn("w:firstLine"), str(int(2 * size * 20)))
    for name, points in zip(("Heading 1", "Heading 2"), _HEADINGS_PT, strict=True):
        _set_font(styles[name], latin, heading, points)
        styles[name].font.color.rgb = _INK
        styles[name].paragraph_format.space_before = Pt(points * (0.4 if compact else 0.9))
        styles[name].paragraph_format.space_after = Pt(4)
    _set_font(styles["Title"], latin, heading, 20)
    styles["Title"].font.color.rgb = _INK
    styles["Title"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _set_font(styles["Caption"], latin, heading, 9.5)
    styles["Caption"].font.bold = False
    styles["Caption"].font.color.rgb = RGBColor(0, 0, 0)
    styles["Caption"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    styles["Caption"].paragraph_format.space_before = Pt(8)
    styles["Caption"].paragraph_format.space_after = Pt(3)
    note = styles.add_style("Table Note", 1)
    note.base_style = styles["Normal"]
    note.font.size = Pt(_TABLE_PT[lang])
    note.paragraph_format.space_before = Pt(3)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-US")
        language.set(qn("w:eastAsia"), "zh-CN")


def _set_font(style: Any, latin: str, chinese: str, points: float) -> None:
    """Set the font of a style for both scripts; the theme of the template would win over it."""
    style.font.name, style.font.size = latin, Pt(points)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in [name for name in fonts.attrib if name.endswith("Theme")]:
        del fonts.attrib[name]
    fonts.set(qn("w:eastAsia"), chinese)
    fonts.set(qn("w:cs"), latin)


def _column_widths_mm(lines: Sequence[Sequence[str]], numbers: Sequence[bool]) -> list[float]:
    """Return widths that fill the page: columns of texts give way, numbers never break."""
    head, *rows = lines
    longest = [
        max([cells_of(row[column]) for row in rows] + [_unbroken(head[column])])
        for column in range(len(head))
    ]
    letters = [min(max(count, _LEAST_LETTERS), _MOST_LETTERS) for count in longest]
    widths = [_LETTER_MM * count + 2 * _CELL_MARGIN_MM for count in letters]
    room = TEXT_MM - sum(widths)
    if room < 0:
        least = [max(_unbroken(line[column]) for line in lines) * _LETTER_MM for column in range(len(head))]
        give = [
            0.0 if number else max(width - 2 * _CELL_MARGIN_MM - narrowest, 0.0)
            for width, narrowest, number in zip(widths, least, numbers, strict=True)
        ]
        share = min(-room / max(sum(give), 1.0), 1.0)
        widths = [width - share * part for width, part in zip(widths, give, strict=True)]
    return [width * TEXT_MM / sum(widths) for width in widths]


def _unbroken(text: str) -> float:
    """Return how wide a text must be at least: its longest word, or half of it if that is Chinese."""
    return max((cells_of(word) / (1 if word.isascii() else 2) for word in text.split()), default=0) + 1


def _narrow_margins(table: Any) -> None:
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(Mm(_CELL_MARGIN_MM).twips))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    table._tbl.tblPr.insert_element_before(margins, "w:tblLook")  # noqa: SLF001 - python-docx has no other way


def _framed(paragraph: Paragraph, text: str) -> None:
    """Write the sample line in red, in a red frame."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(xml_text(text))
    run.bold, run.font.color.rgb = True, _RED
    frame = OxmlElement("w:pBdr")
    for side in ("top", "left", "bottom", "right"):
        line = OxmlElement(f"w:{side}")
        for key, value in {"val": "single", "sz": "8", "space": "4", "color": str(_RED)}.items():
            line.set(qn(f"w:{key}"), value)
        frame.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(frame, "w:spacing", "w:ind", "w:jc", "w:rPr")  # noqa: SLF001 - python-docx has no other way


def _shade(cell: Any) -> None:
    shade = OxmlElement("w:shd")
    for key, value in {"val": "clear", "color": "auto", "fill": _SHADE}.items():
        shade.set(qn(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001 - python-docx has no other way


def _add_caption(document: Document, word: str, text: str) -> Paragraph:
    """Add a caption that Word numbers, and that says its number before Word does."""
    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run(f"{word} ")
    before = sum(f"SEQ {word} " in (node.get(qn("w:instr")) or "") for node in _fields(document))
    _add_field(paragraph, f"SEQ {word} \\* ARABIC", str(before + 1))
    paragraph.add_run(xml_text(f"  {text}"))
    return paragraph


def _fields(document: Document) -> Any:
    return document.element.body.iter(qn("w:fldSimple"))


def _page_numbers(paragraph: Paragraph, lang: str) -> None:
    before, between, after = say("document.page", lang, page="|", pages="|").split("|")
    paragraph.alignment, paragraph.style = WD_ALIGN_PARAGRAPH.CENTER, "Table Text"
    paragraph.add_run(before)
    _add_field(paragraph, "PAGE", "1")
    paragraph.add_run(between)
    _add_field(paragraph, "NUMPAGES", "1")
    paragraph.add_run(after)


def _add_field(paragraph: Paragraph, code: str, shown: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" {code} ")
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no other way
