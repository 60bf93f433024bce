"""Which names stand on a printed map, so that none touches another?"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from lifecircle.render.print_ground import Ground
from lifecircle.render.print_sheet import Box, Hand, Page, write
from lifecircle.render.print_subject import Subject
from lifecircle.render.print_type import MM_PER_POINT, width_mm

WORST_SHOWN: Final = 8
"""So many of the worst gaps are named on the map, and listed beside it."""
_GAP, _COMMUNITY = Hand(6.6, "#7a1d10", halo=True, align="center"), Hand(6.2, halo=True, align="center")
_FACILITY = Hand(5.6, halo=True, align="center")
_BELOW_MARK_MM = 3.2
_BREAK_AFTER = "·・ -—"
_AIR = 0.35  # of the size of the type, around a label
_TOO_HIGH, _TOO_WIDE = 0.5, 1.2  # of the place it names
_ASIDE: Final = ((0.0, 0.0), (0.0, 0.9), (0.0, -0.9), (0.5, 0.0), (-0.5, 0.0))
_CAP = 0.36  # of the size of the type: from the middle of a line down to its base line


class Label(NamedTuple):
    """A name that wants to stand around a point, in millimetres.

    Attributes
    ----------
    lines
        The name, on one line or two.
    x, y
        Where its middle would like to stand.
    hand
        How it is written.
    home
        It may step aside as long as it touches this; where None it stays.
    """

    lines: Sequence[str]
    x: float
    y: float
    hand: Hand
    home: Box | None = None


def draw_names(ground: Ground, subject: Subject, taken: Sequence[Box]) -> None:
    """Write the ids of the worst gaps, names of communities and, on a large scale, of facilities.

    Parameters
    ----------
    ground, subject
        Map and sheet.
    taken
        Where no name may stand.
    """
    page = ground.page
    labels = [*_gaps(ground, subject), *_communities(ground, subject.whole.communities)]
    if subject.community is not None:
        labels += _facilities(ground, subject)
    for label in fitting(labels, page.map, page.unit, taken):
        line_mm, size_mm = label.hand.line_mm * page.unit, label.hand.size * page.unit * MM_PER_POINT
        base = label.y + line_mm * (len(label.lines) - 1) / 2 - _CAP * size_mm
        for number, line in enumerate(label.lines):
            write(page, label.x, base - number * line_mm, line, label.hand)


def fitting(labels: Iterable[Label], frame: Box, unit: float, taken: Sequence[Box] = ()) -> list[Label]:
    """Return the labels that fit into a frame, where they fit; the first come first.

    Parameters
    ----------
    labels
        In the order of their importance.
    frame
        None leaves it.
    unit
        Of the page.
    taken
        Where none may stand.
    """
    standing, boxes = [], list(taken)
    for label in labels:
        room = _room(label, unit)
        for right, up in _ASIDE if label.home else _ASIDE[:1]:
            dx, dy = right * room.width, up * room.height
            box = Box(room.left + dx, room.bottom + dy, room.right + dx, room.top + dy)
            if (
                frame.encloses(box)
                and (label.home is None or box.touches(label.home))
                and not any(box.touches(other) for other in boxes)
            ):
                standing.append(label._replace(x=label.x + dx, y=label.y + dy))
                boxes.append(box)
                break
    return standing


def _room(label: Label, unit: float) -> Box:
    """Return what a label takes where it would like to stand, with some air."""
    size = label.hand.size * unit
    air = _AIR * size * MM_PER_POINT
    half = max(width_mm(line, size) for line in label.lines) / 2 + air
    high = (len(label.lines) * label.hand.line_mm * unit + air) / 2
    return Box(label.x - half, label.y - high, label.x + half, label.y + high)


def _boxes(ground: Ground, shapes: Any) -> list[Box]:
    """Return the millimetres around each shape."""
    bounds = shapely.bounds(shapes)
    corners = np.hstack([ground.mm(bounds[:, :2]), ground.mm(bounds[:, 2:])])
    return [Box(*corner) for corner in corners.tolist()]


def _gaps(ground: Ground, subject: Subject) -> list[Label]:
    """Return the ids of the worst gaps: in them where they have room, else above them."""
    worst, labels = subject.worst.head(WORST_SHOWN), []
    at = ground.mm(shapely.get_coordinates(worst.geometry.representative_point()))
    homes = _boxes(ground, worst.geometry.to_numpy())
    for gap, (x, y), home in zip(worst["gap_id"], at.tolist(), homes, strict=True):
        label = Label([gap], x, y, _GAP, home)
        room = _room(label, ground.page.unit)
        if room.width > home.width or room.height > home.height:
            above = home.top + room.height / 2
            label = label._replace(y=above, home=home._replace(top=home.top + room.height))
        labels.append(label)
    return labels


def _communities(ground: Ground, frame: gpd.GeoDataFrame) -> list[Label]:
    """Return the names that are not much wider than their communities, the largest community first."""
    unit = ground.page.unit
    frame = frame.iloc[np.argsort(-frame.area.to_numpy(), kind="stable")]
    shapes = frame.geometry.to_numpy()
    middle = shapely.centroid(shapes)
    middle = np.where(shapely.contains(shapes, middle), middle, shapely.point_on_surface(shapes))
    at, labels = ground.mm(shapely.get_coordinates(middle)), []
    for name, (x, y), home in zip(frame["community"], at.tolist(), _boxes(ground, shapes), strict=True):
        label = Label(in_two(name, _COMMUNITY.size * unit, home.width), x, y, _COMMUNITY, home)
        room = _room(label, unit)
        if room.height > _TOO_HIGH * home.height:  # below the place, which it would hide
            label = label._replace(y=home.bottom - room.height / 2, home=None)
        if room.width <= _TOO_WIDE * home.width:
            labels.append(label)
    return labels


def _facilities(ground: Ground, subject: Subject) -> list[Label]:
    frame = subject.whole.facilities
    frame = frame[frame["service"].isin(list(subject.marks)) & (frame["name"] != "")]
    at = ground.mm(shapely.get_coordinates(frame.geometry.to_numpy()))
    below = _BELOW_MARK_MM * ground.page.unit
    return [
        Label([name], x, y - below, _FACILITY)
        for name, (x, y) in zip(frame["name"], at.tolist(), strict=True)
    ]


def in_two(name: str, size: float, width: float) -> list[str]:
    """Return a name on two lines if it is wider than `width` millimetres and has a place to break.

    Examples
    --------
    >>> in_two("示例社区26·江南三区", 6.2, 15.0)
    ['示例社区26', '江南三区']
    """
    ends = [end for end in range(1, len(name)) if name[end - 1] in _BREAK_AFTER]
    if not ends or width_mm(name, size) <= width:
        return [name]
    end = min(ends, key=lambda end: abs(2 * end - len(name)))
    return [name[:end].rstrip(_BREAK_AFTER) or name[:end], name[end:]]


def write_caution(page: Page, text: str) -> Box:
    """Write into the corner of the map what it may not be used for, and return where that stands."""
    hand = Hand(7.2, halo=True, align="right")
    right, bottom = page.map.right - 2.4 * page.unit, page.map.bottom + 2.6 * page.unit
    write(page, right, bottom, text, hand)
    size = hand.size * page.unit
    return Box(right - width_mm(text, size), bottom, right, bottom + size * MM_PER_POINT)
