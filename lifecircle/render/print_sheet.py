"""What is a sheet of paper made of: where its parts stand, and how is written on it?

A `Page` is one matplotlib Axes over the whole sheet whose data are millimetres from the lower left corner.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text

from lifecircle.errors import DataError
from lifecircle.render.print_type import MM_PER_POINT, printable, typeface, wrapped

SHEETS: Final = {"A3": (297.0, 420.0), "A4": (210.0, 297.0)}
"""Short and long side of each paper, in millimetres."""
INK, FAINT, RULE, ALARM = "#22262b", "#55595f", "#b4b0a8", "#8f1d10"
_TYPE_GROWS: Final = {"A3": 1.25, "A4": 1.0}
_MM_PER_INCH: Final = 25.4
_EDGE, GUTTER = 8.0, 4.0
AIR_MM: Final = 2.4
"""Between the map and the texts above and below it, on an A4 sheet."""
_PANEL_WIDE = 66.0
ROW_MM: Final = 3.9
"""From one row of the panel to the next, on an A4 sheet."""
_HEAD_ROWS = 1.6
_MOST_LINES = 4  # of a paragraph
_WRITING = 20.0  # above everything drawn
_LEADING: Final = 1.42
_ROUND: Final = (1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
_BOLD, _HALO = 0.035, 0.28  # of the size of the type


class Box(NamedTuple):
    """A rectangle on the sheet, in millimetres."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Millimetres across."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Millimetres up."""
        return self.top - self.bottom

    def touches(self, other: "Box") -> bool:
        """Say whether the two share more than an edge."""
        beside = self.left >= other.right or other.left >= self.right
        return not beside and self.bottom < other.top and other.bottom < self.top

    def encloses(self, other: "Box") -> bool:
        """Say whether the other lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


class Hand(NamedTuple):
    """How a text is written: its size is in points of an A4 sheet, its halo white."""

    size: float = 6.6
    color: str = INK
    bold: bool = False
    halo: bool = False
    align: str = "left"

    @property
    def line_mm(self) -> float:
        """How far below a line the next one stands, on an A4 sheet."""
        return self.size * _LEADING * MM_PER_POINT


TITLE, HEAD, BODY, SMALL = Hand(16.5, bold=True), Hand(8.0, bold=True), Hand(), Hand(5.6, FAINT)
FINDING = Hand(8.4)


@dataclasses.dataclass(frozen=True, eq=False)
class Page:
    """A sheet to draw on.

    Attributes
    ----------
    axes
        The whole sheet; data are millimetres from its lower left corner.
    unit
        How much larger type, lines and margins are than on A4.
    heading, map, panel, notes
        Where the parts of the sheet stand.
    columns
        How many columns the panel has: one beside the map, three below it.
    scale
        Metres in nature per metre on paper.
    """

    axes: Axes
    unit: float
    heading: Box
    map: Box
    panel: Box
    notes: Box
    columns: int
    scale: float


def new_page(
    sheet: str,
    size_m: tuple[float, float],
    heading: Sequence[tuple[str, Hand]],
    notes: Sequence[str],
    rows: int,
) -> Page:
    """Return an empty sheet, upright or across, whichever shows the place larger.

    Parameters
    ----------
    sheet
        One of `SHEETS`.
    size_m
        Width and height of the place, in metres.
    heading, notes
        Texts that need room above the map and below it.
    rows
        How many rows the panel needs where it stands below the map.

    Raises
    ------
    DataError
        If there is no such sheet.
    """
    if sheet not in SHEETS:
        raise DataError("print.unknown_sheet", value=sheet, known=", ".join(SHEETS))
    unit, (short, long) = _TYPE_GROWS[sheet], SHEETS[sheet]
    sides = ((long, short), (short, long))
    texts = (heading, notes)
    plans = [_plan(*side, unit, texts, rows) for side in sides]
    scales = [max(size_m[0] / plan[1].width, size_m[1] / plan[1].height) * 1000 for plan in plans]
    upright = bool(scales[1] < scales[0])
    width, height = sides[upright]
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height), autoscale_on=False)
    axes.set_axis_off()
    return Page(axes, unit, *plans[upright], columns=3 if upright else 1, scale=round_scale(min(scales)))


def _plan(
    width: float,
    height: float,
    unit: float,
    texts: tuple[Sequence[tuple[str, Hand]], Sequence[str]],
    rows: int,
) -> tuple[Box, Box, Box, Box]:
    """Return where heading, map, panel and notes stand on paper of that size."""
    edge, gutter = _EDGE * unit, GUTTER * unit
    left, right = edge, width - edge
    heading, notes = texts

    def room(text: str, hand: Hand) -> float:
        return len(_paragraph(text, hand.size * unit, right - left)) * hand.line_mm * unit

    above = height - edge - sum(room(text, hand) for text, hand in heading) - AIR_MM * unit
    below = edge + sum(room(text, SMALL) for text in notes) + AIR_MM * unit
    top, bottom = Box(left, above, right, height - edge), Box(left, edge, right, below)
    if width > height:
        beside = right - _PANEL_WIDE * unit
        return top, Box(left, below, beside - gutter, above), Box(beside, below, right, above), bottom
    under = below + (_HEAD_ROWS + rows) * ROW_MM * unit
    return top, Box(left, under + gutter, right, above), Box(left, below, right, under), bottom


def round_scale(at_least: float) -> float:
    """Return the next larger scale of those that people use.

    Examples
    --------
    >>> round_scale(33_100)
    35000.0
    """
    power = 1.0
    while power * 10 <= at_least:
        power *= 10
    return next(step * power for step in _ROUND if step * power >= at_least)


def write(page: Page, x: float, y: float, text: str, hand: Hand = BODY) -> None:
    """Write one line on a base line; marks of formulas stay what they are."""
    size = hand.size * page.unit
    shown = _text(page, x, y, text, hand)
    if hand.halo:
        shown.set_zorder(_WRITING + 1)
        halo = Stroke(linewidth=_HALO * size, foreground="white", joinstyle="round")
        _text(page, x, y, text, hand).set_path_effects([halo])
    elif hand.bold:  # the type has one weight: outlined letters are curves, so unseen text is laid over them
        outline = Stroke(linewidth=_BOLD * size, foreground=hand.color, joinstyle="round")
        _text(page, x, y, text, hand).set_path_effects([outline, Normal()])
        shown.set_alpha(0)


def _text(page: Page, x: float, y: float, text: str, hand: Hand) -> Text:
    return page.axes.text(
        x,
        y,
        printable(text),
        color=hand.color,
        font=typeface(hand.size * page.unit),
        ha=hand.align,
        va="baseline",
        parse_math=False,
        usetex=False,
        zorder=_WRITING,
    )


def write_lines(page: Page, box: Box, text: str, hand: Hand = BODY) -> Box:
    """Write a text from the top of a box, wrapped to its width, and return what is left of the box."""
    top = box.top
    for line in _paragraph(text, hand.size * page.unit, box.width):
        write(page, box.left, top - hand.size * page.unit * MM_PER_POINT, line, hand)
        top -= hand.line_mm * page.unit
    return box._replace(top=top)


def _paragraph(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text; one that would take the sheet's room from the map is cut short."""
    lines = wrapped(text, size, width)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1] + "…"]


def rule(page: Page, box: Box, y: float, *, wide: float = 0.4) -> None:
    """Draw a line across a box."""
    line = Line2D([box.left, box.right], [y, y], color=RULE, linewidth=wide * page.unit, zorder=_WRITING)
    page.axes.add_artist(line)


def frame(page: Page, box: Box) -> None:
    """Draw the outline of a box."""
    outline = Rectangle((box.left, box.bottom), box.width, box.height, fill=False, zorder=_WRITING)
    outline.set(edgecolor=INK, linewidth=0.8 * page.unit)
    page.axes.add_artist(outline)
