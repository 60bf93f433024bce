"""Which type is a printed sheet set in, and how much room does a text take?

Noto Sans SC comes as a package, so a sheet looks the same everywhere and no Chinese character is missing.
"""

import functools
import re
import unicodedata
from typing import Final

import pylopdf_fonts_zh_cn
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.textpath import TextToPath

from lifecircle.render.text import readable

MM_PER_POINT: Final = 25.4 / 72
_FAMILY: Final = "Noto Sans SC"
_SLACK: Final = 1.01  # a renderer that fits letters to its dots makes them wider
_HAIR_MM: Final = 0.01
_NO_GLYPH: Final = "□"
_EAST_ASIAN: Final = "⺀-鿿豈-﫿︰-﹏＀-￯"
_CLOSING: Final = "，。；：、）》】」』”’！？…％"
_OPENING: Final = "（《【「『“‘"
# One Chinese character or one word, with the marks that may not stand alone at the end or start of a line.
_PIECES: Final = re.compile(rf"[{_OPENING}]*(?:[{_EAST_ASIAN}]|[^\s{_EAST_ASIAN}]+)[{_CLOSING}]*\s*|\s+")


def typeface(size: float) -> FontProperties:
    """Return the sheet's type in a size in points."""
    path = str(pylopdf_fonts_zh_cn.sans_path())
    _make_known(path)
    return FontProperties(family=_FAMILY, fname=path, size=size)


def printable(text: object) -> str:
    r"""Return `text` on one line; a box stands for each character that the type does not have.

    Examples
    --------
    >>> printable("幼儿园\n🧸 $x$")
    '幼儿园 □ $x$'
    """
    plain = unicodedata.normalize("NFC", readable(text))
    return "".join(char if ord(char) in _glyphs() else _NO_GLYPH for char in plain)


def width_mm(text: str, size: float) -> float:
    """Return how wide a text stands in a size in points."""
    return _width_of_one(text) * size * MM_PER_POINT


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text, at most `width` millimetres wide unless a word is wider than that."""
    lines, line, used = [], "", 0.0
    for piece in _PIECES.findall(text):
        wide = _SLACK * width_mm(piece.rstrip(), size)
        if line.strip() and used + wide > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line += piece
        used += _SLACK * width_mm(piece, size)
    return [*lines, line.rstrip()] if line.strip() else lines


def shortened(text: str, size: float, width: float) -> str:
    """Return as much of a text as `width` millimetres hold, with an ellipsis if some is missing."""
    if width_mm(text, size) <= width + _HAIR_MM:
        return text
    kept = next((end for end in range(len(text), 0, -1) if width_mm(text[:end] + "…", size) <= width), 0)
    return text[:kept].rstrip() + "…"


@functools.lru_cache(maxsize=20_000)
def _width_of_one(text: str) -> float:
    """Return the width of a text in type of one point, in points."""
    width, _, _ = TextToPath().get_text_width_height_descent(printable(text), typeface(100.0), ismath=False)
    return float(width) / 100.0


@functools.cache
def _make_known(path: str) -> None:
    """Let SVG files call the type by its name; no setting of matplotlib's changes."""
    if all(font.fname != path for font in fontManager.ttflist):
        fontManager.addfont(path)


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(str(pylopdf_fonts_zh_cn.sans_path())).get_charmap())
