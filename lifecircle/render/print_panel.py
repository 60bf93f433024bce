"""What stands beside a printed map: legend, figures, the worst gaps, scale and north?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.patches import Polygon, Rectangle

from lifecircle.coverage import at_longest
from lifecircle.messages import say
from lifecircle.render.finding import percent
from lifecircle.render.limits_text import limit_labels, say_longest
from lifecircle.render.print_ground import mark
from lifecircle.render.print_labels import WORST_SHOWN
from lifecircle.render.print_layers import GROUND, STYLES
from lifecircle.render.print_shades import Shade
from lifecircle.render.print_sheet import (
    BODY,
    GUTTER,
    HEAD,
    INK,
    ROW_MM,
    SMALL,
    Box,
    Hand,
    Page,
    rule,
    write,
    write_lines,
)
from lifecircle.render.print_subject import Subject
from lifecircle.render.print_type import MM_PER_POINT, shortened, width_mm
from lifecircle.render.whom import of_whom, unit_of, without_small
from lifecircle.standard import Service

_KEY_WIDE, _KEY_HIGH = 7.0, 2.7
_LEAST_ROWS: Final = 4  # a part of the panel with less room is left out
_RULER_ROWS: Final = 4.4
_BAR_MM: Final = 34.0
_MOST_FIGURES: Final = 9
_MOST_MARKS: Final = 8  # one below the other in the legend
_MOST_LONG_MARKS: Final = 16  # the same, where half a column has no room for their names
_HALF_COLUMN_MM: Final = 31.0  # on an A4 sheet, of the narrower of its columns
_BESIDE_KEY: Final = 1.6
_BETWEEN, _WIDEST_BETWEEN = 1.7, 5.0  # columns of a table
_ROOM_FOR_MARK: Final = "   "
_MARK: Final = 4.6
_KILOMETRE = 1000.0
_WORDS: Final = ("covered", "gap", "unknown")


class Column(NamedTuple):
    """A column of a table: its head, to which side it is set, and whether its texts may be cut short."""

    head: str
    align: str = "right"
    gives_way: bool = False


def rows_needed(subject: Subject, shades: Sequence[Shade]) -> int:
    """Return how many rows the longest column of the panel has where it stands below the map."""
    marks = -(-len(subject.marks) // _marks_in_a_row(subject))
    legend = len(shades) + 1 + marks + (len(_keys(subject)) + 1) // 2
    figures = 3 + len(_totals(subject)) + int(np.ceil(_RULER_ROWS))
    gaps = 1 + min(len(subject.worst), WORST_SHOWN)
    return max(legend, figures, gaps)


def draw_panel(page: Page, subject: Subject, shades: Sequence[Shade], sheet: str) -> None:
    """Draw the panel of a sheet: one column beside the map, or three below it."""
    gutter, ruler = GUTTER * page.unit, _RULER_ROWS * ROW_MM * page.unit
    panel = page.panel
    wide = (panel.width - (page.columns - 1) * gutter) / page.columns
    lefts = [panel.left + number * (wide + gutter) for number in range(page.columns)]
    columns = [panel._replace(left=left, right=left + wide) for left in lefts]
    if page.columns == 1:
        left = _legend(page, columns[0]._replace(bottom=panel.bottom + ruler), subject, shades)
        left = _figures(page, left._replace(top=left.top - gutter), subject)
        _worst_gaps(page, left._replace(top=left.top - gutter), subject)
    else:
        _legend(page, columns[0], subject, shades)
        _figures(page, columns[1]._replace(bottom=panel.bottom + ruler), subject)
        _worst_gaps(page, columns[2], subject)
    _ruler(page, columns[page.columns // 2]._replace(top=panel.bottom + ruler), subject, sheet)


def _head(page: Page, box: Box, text: str) -> Box:
    """Write the head of a part and return what is left below it."""
    left = write_lines(page, box, text, HEAD)
    rule(page, box, left.top)
    return left._replace(top=left.top - 1.2 * page.unit)


def _next_row(page: Page, box: Box) -> Box:
    return box._replace(top=box.top - ROW_MM * page.unit)


# ---------------------------------------------------------------------- legend


def _legend(page: Page, box: Box, subject: Subject, shades: Sequence[Shade]) -> Box:
    lang, unit = subject.lang, page.unit
    box = _head(page, box, _legend_title(subject))
    for shade in shades:
        _key(page, box, shade.text, shade.style)
        if shade.share is not None:
            _cell(page, box, percent(shade.share), BODY._replace(align="right"))
        box = _next_row(page, box)
    _key(page, box, say("print.no_homes", lang), {"facecolor": GROUND})
    box = _next_row(page, box)
    across, services = _marks_in_a_row(subject), subject.coverage.standard.services
    for number, service in enumerate(services):
        left = box.left + number % across * box.width / across
        part = box._replace(left=left, right=left + box.width / across)
        at = np.array([[left + _KEY_WIDE * unit / 2, box.top - ROW_MM * unit / 2]])
        mark(page, at, (subject.marks[service.id], service.color), _MARK, box)
        _key(page, part, _name_of_mark(subject, service), {})
        if number % across == across - 1 or number == len(services) - 1:
            box = _next_row(page, box)
    half = box.width / 2
    for number, kind in enumerate(_keys(subject)):
        left = box.left + number % 2 * half
        _key(page, box._replace(left=left, right=left + half), say(f"print.key_{kind}", lang), STYLES[kind])
        box = _next_row(page, box) if number % 2 or number == len(_keys(subject)) - 1 else box
    return box


def _legend_title(subject: Subject) -> str:
    """Return what heads the legend: homes that miss services are shared out over everybody, of any age."""
    coverage, lang = subject.coverage, subject.lang
    if subject.service:
        return say("print.legend", lang)
    if {*coverage.denominators} != {coverage.city.measure}:
        return say("print.legend_everyone", lang)
    return say("print.legend_shares", lang, of=of_whom([coverage.city.measure], lang))


def _marks_in_a_row(subject: Subject) -> int:
    if len(subject.marks) <= _MOST_MARKS:
        return 1
    room = _HALF_COLUMN_MM - _KEY_WIDE - _BESIDE_KEY
    names = [_name_of_mark(subject, service) for service in subject.coverage.standard.services]
    short = all(width_mm(name, BODY.size) <= room for name in names)
    return 2 if short or len(names) > _MOST_LONG_MARKS else 1


def _name_of_mark(subject: Subject, service: Service) -> str:
    """Return what the legend says of a service: its name and, on the sheet of a city, how many there are."""
    name = service.label(subject.lang)
    if subject.community is not None:
        return name
    count = int((subject.whole.facilities["service"] == service.id).sum())
    return say("print.facilities", subject.lang, service=name, count=count)


def _keys(subject: Subject) -> list[str]:
    """Return the kinds of backdrop that the legend explains: those that the city has."""
    found = () if subject.whole.backdrop is None else {*subject.whole.backdrop["kind"]}
    areas = [kind for kind in ("water", "green", "building") if kind in found]
    return ["community", "main", "side", *areas, *(["edge"] if subject.whole.boundary is not None else [])]


def _key(page: Page, box: Box, text: str, style: Mapping[str, Any]) -> None:
    """Draw one sample of a style, if there is any, and say what it is."""
    unit, wide, high = page.unit, _KEY_WIDE * page.unit, _KEY_HIGH * page.unit
    middle = box.top - ROW_MM * unit / 2
    if "facecolor" in style:
        corner = (box.left, middle - high / 2)
        filled = {"edgecolor": "none", **style, "linewidth": 0.0}
        page.axes.add_artist(Rectangle(corner, wide, high, **filled))
        page.axes.add_artist(
            Rectangle(corner, wide, high, fill=False, edgecolor="#77756f", linewidth=0.3 * unit)
        )
    elif style:
        looks = {**style, "linewidth": style["linewidth"] * unit, "fill": False}
        ends = [(box.left, middle), (box.left + wide, middle)]
        page.axes.add_artist(Polygon(ends, closed=False, **looks))
    _cell(page, box._replace(left=box.left + wide + _BESIDE_KEY * unit), text, BODY)


def _cell(page: Page, box: Box, text: str, hand: Hand) -> None:
    """Write a text on the first row of a box, as much of it as there is room for."""
    size = hand.size * page.unit
    y = box.top - ROW_MM * page.unit / 2 - 0.36 * size * MM_PER_POINT
    write(page, box.left if hand.align == "left" else box.right, y, shortened(text, size, box.width), hand)


# ---------------------------------------------------------------------- tables


def _table(page: Page, box: Box, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Box]:
    """Write a table, as many of its rows as there is room for, and return where its columns stand.

    Figures are never cut: the column that gives way takes what the others leave.
    """
    shown = [[column.head for column in columns], *rows][: int(box.height / (ROW_MM * page.unit))]
    hands = [SMALL, *[BODY] * len(rows)][: len(shown)]
    widths = [
        [width_mm(text, hand.size * page.unit) for text in row]
        for row, hand in zip(shown, hands, strict=True)
    ]
    wide = np.max(widths, axis=0, initial=0.0)
    gaps = len(columns) - 1
    between = np.clip((box.width - wide.sum()) / gaps, _BETWEEN * page.unit, _WIDEST_BETWEEN * page.unit)
    gives = np.array([column.gives_way for column in columns])
    wide[gives] = box.width - wide[~gives].sum() - between * gaps
    lefts = box.left + np.cumsum(wide + between) - wide - between
    ends = np.column_stack([lefts, lefts + wide]).tolist()
    across = [box._replace(left=left, right=right) for left, right in ends]
    top = box.top
    for row, hand in zip(shown, hands, strict=True):
        for column, text, part in zip(columns, row, across, strict=True):
            _cell(page, part._replace(top=top), text, hand._replace(align=column.align))
        top -= ROW_MM * page.unit
        rule(page, box, top, wide=0.2)
    return [part._replace(bottom=top) for part in across]


def _figures(page: Page, box: Box, subject: Subject) -> Box:
    """Write the shares of the sheet, those of its coverage's totals, and return what is left below."""
    coverage, lang, measure = subject.coverage, subject.lang, subject.coverage.city.measure
    if box.height < _LEAST_ROWS * ROW_MM * page.unit:
        return box
    box = _head(page, box, say("print.figures", lang, of=of_whom(coverage.denominators, lang)))
    named = subject.service is None  # else by the title
    services = [
        Column(_ROOM_FOR_MARK, "left"),
        Column(say("report.column_service", lang), "left", gives_way=True),
    ]
    columns = [
        *(services if named else []),
        Column(say("report.column_limit", lang), "right" if named else "left", gives_way=not named),
        *(Column(say(f"report.column_{word}", lang)) for word in _WORDS),
        Column(say("report.column_gap_amount", lang)),
    ]
    totals = _totals(subject)
    rows = [
        [
            *(["", coverage.standard.service(line["service"]).label(lang)] if named else []),
            limit,
            *(percent(line[f"share_{word}"]) for word in _WORDS),
            _people(line[f"{measure}_gap"], subject),
        ]
        for line, limit in zip(
            totals.to_dict("records"), limit_labels(totals, coverage.standard, lang), strict=True
        )
    ]
    note = [say("print.unit_of_amounts", lang, unit=unit_of(coverage.denominators, lang))]
    room = int(box.height / (ROW_MM * page.unit)) - 2  # beside the head and a line below
    if len(rows) > room:
        note.append(say("print.figures_cut", lang, shown=room, all=len(rows)))
    first = _table(page, box, columns, rows[:room])[0]
    if named:
        _marks_of_rows(page, first._replace(top=box.top), subject, totals["service"][:room])
    below = first.bottom - 0.6 * page.unit
    text = say("report.sentence_mark", lang).join(note)
    return write_lines(page, box._replace(top=below), text, SMALL)


def _people(value: float, subject: Subject) -> str:
    return f"<{subject.whole.min_group:g}" if np.isnan(value) else f"{value:,.0f}"


def _totals(subject: Subject) -> pd.DataFrame:
    """Return the totals of the sheet; where they are many, those at each service's longest limit."""
    totals = subject.coverage.totals()
    if subject.community is not None:
        totals = without_small(totals.assign(community_id=subject.community), subject.coverage)
    return at_longest(totals, subject.coverage.standard) if len(totals) > _MOST_FIGURES else totals


def _worst_gaps(page: Page, box: Box, subject: Subject) -> None:
    """List the worst gaps, as many as there is room for; on one community's sheet with what is nearest."""
    lang, measure = subject.lang, subject.coverage.city.measure
    worst = without_small(subject.worst.head(WORST_SHOWN), subject.coverage)
    if box.height < _LEAST_ROWS * ROW_MM * page.unit:
        return
    box = _head(page, box, say_longest("print.worst", subject.coverage.standard, lang))
    if worst.empty:
        write_lines(page, box, say("report.no_gap", lang))
        return
    head, field = ("community", "community") if subject.community is None else ("nearest", "nearest_facility")
    columns = [
        Column("", "left"),
        Column(_ROOM_FOR_MARK, "left"),
        Column(say(f"report.column_{head}", lang), "left", gives_way=True),
        Column(say("report.column_gap_amount", lang)),
        Column(say("report.column_reason", lang)),
    ]
    lines = worst.to_dict("records")
    rows = [
        [
            line["gap_id"],
            "",
            line[field] or "–",
            _people(line[measure], subject),
            say(f"report.reason_{line['reason']}", lang),
        ]
        for line in lines
    ]
    marks = _table(page, box, columns, rows)[1]
    _marks_of_rows(page, marks._replace(top=box.top), subject, worst["service"])


def _marks_of_rows(page: Page, column: Box, subject: Subject, services: Iterable[str]) -> None:
    """Draw the mark of the service in each row of a table below its head, as far down as the column is."""
    for number, name in enumerate(services, start=1):
        service = subject.coverage.standard.service(name)
        at = np.array([[(column.left + column.right) / 2, column.top - (number + 0.5) * ROW_MM * page.unit]])
        if at[0, 1] > column.bottom:
            mark(page, at, (subject.marks[service.id], service.color), _MARK, page.panel)


# ---------------------------------------------------------------------- scale and north


def round_length(at_most: float) -> float:
    """Return the longest round length that is no longer.

    Examples
    --------
    >>> round_length(1360.0)
    1000.0
    """
    power = 10.0 ** np.floor(np.log10(at_most))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= at_most))


def _ruler(page: Page, box: Box, subject: Subject, sheet: str) -> None:
    """Draw the scale bar, say the scale, and point to the north."""
    unit, lang = page.unit, subject.lang
    metres = round_length(_BAR_MM * unit * page.scale / 1000)
    long, bottom, high = metres * 1000 / page.scale, box.bottom + 1.0 * unit, 1.5 * unit
    for part in range(4):
        piece = Rectangle((box.left + part * long / 4, bottom), long / 4, high, gid="scale-bar")
        piece.set(facecolor="white" if part % 2 else INK, edgecolor=INK, linewidth=0.5 * unit)
        page.axes.add_artist(piece)
    key, whole = ("kilometres", metres / _KILOMETRE) if metres >= _KILOMETRE else ("metres", metres)
    ticks = (
        (0.0, "0", "left"),
        (long / 2, f"{whole / 2:g}", "center"),
        (long - 0.9 * unit, say(f"print.{key}", lang, value=whole), "left"),
    )
    for along, text, align in ticks:
        write(
            page, box.left + along, bottom + high + 1.2 * unit, text, SMALL._replace(color=INK, align=align)
        )
    scale = say("print.scale", lang, scale=page.scale, sheet=sheet)
    write(page, box.left, bottom + high + 5.2 * unit, scale)
    _north(page, np.array([box.right - 6.5 * unit, box.bottom + 5.6 * unit]), subject)


def _north(page: Page, middle: Any, subject: Subject) -> None:
    """Draw an arrow to the true north, which the grid of a projection misses by a little."""
    low_x, low_y, high_x, high_y = subject.coverage.city.communities.total_bounds
    here = gpd.GeoSeries([shapely.Point((low_x + high_x) / 2, (low_y + high_y) / 2)], crs=subject.whole.crs)
    there = here.to_crs(4326).translate(yoff=0.01).to_crs(subject.whole.crs)
    ahead = np.array([there.x[0] - here.x[0], there.y[0] - here.y[0]])
    ahead /= np.hypot(*ahead)
    aside = np.array([ahead[1], -ahead[0]])
    long = 4.6 * page.unit
    for side, color in ((-1, INK), (1, "white")):
        corners = long * np.array([ahead, side * 0.42 * aside - ahead, -0.55 * ahead]) + middle
        looks = {"facecolor": color, "edgecolor": INK, "linewidth": 0.6 * page.unit, "joinstyle": "miter"}
        page.axes.add_artist(Polygon(corners, closed=True, gid="north", **looks))
    x, y = 1.28 * long * ahead + middle
    write(page, x, y - 0.6 * page.unit, say("print.north", subject.lang), HEAD._replace(align="center"))
