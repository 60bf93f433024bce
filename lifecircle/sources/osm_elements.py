"""What ways, outlines and points may an OpenStreetMap file hold?"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lifecircle.errors import DataError
from lifecircle.streets import Flags, Floats, Ints, ranges, starts

OSM_BEGAN = 2004
"""No moment before this year is one of OpenStreetMap's."""
TIME = "%Y-%m-%dT%H:%M:%SZ"
"""As OpenStreetMap writes it."""
AFTER_ALL = 1 << 48
"""Number from which on stand lines that are drawn by no way: the rings of squares of several ways."""


class Lines(NamedTuple):
    """Ways that people walk, or the pieces of them that are there; rows belong together.

    As `lifecircle.streets.Ways`, but in degrees.
    """

    vertex: Ints
    """Shape (v,). The node of each vertex."""
    lon: Floats
    lat: Floats
    cut: Flags
    """Shape (v,). Where a way goes on beyond the data."""
    start: Ints
    """Shape (w + 1,)."""
    tags: Sequence[Mapping[str, str]]
    square: Ints
    """Shape (w,). Number of the square that each is a ring of; -1 for none."""
    number: Ints
    """Shape (w,). Where in the file each stands."""


class Found(NamedTuple):
    """Points, lines or outlines; rows belong together."""

    shapes: NDArray[Any]
    """Shape (k,). In degrees."""
    tags: Sequence[Mapping[str, str]]
    """Things that have the same mostly share one object."""
    id: Ints
    """Shape (k,). Of the node or way, or less than 0 of the relation."""
    number: Ints
    """Shape (k,). Where in the file each stands; counted for itself in each kind."""

    def take(self, rows: Ints | Flags) -> "Found":
        """Return those in some rows."""
        at = np.arange(len(self.id))[rows]
        tags = [self.tags[row] for row in at.tolist()]
        return Found(self.shapes[at], tags, self.id[at], self.number[at])


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Elements:
    """What is in a file, in its order.

    Attributes
    ----------
    ways
        Ways that people walk.
    squares
        How many squares their rings surround.
    points, outlines, bars, gates
        What may be a facility; areas; lines that bar the way; nodes that open or bar it.
    lonely
        Nodes that are all that is here of a way.
    missing, misplaced
        Nodes that ways name: not in the file; nowhere on Earth.
    clipped_ways, broken_areas
        How many ways miss nodes, and how many areas cannot be assembled.
    twice, reordered
        How many objects stood there twice, and whether the file was out of order.
    box
        West, south, east, north of the file, as it says.
    timestamp
        When it was taken from OpenStreetMap, or its newest way was drawn.
    """

    ways: Lines
    squares: int
    points: Found
    outlines: Found
    bars: Found
    gates: Found
    lonely: Ints
    missing: Ints
    misplaced: Ints
    clipped_ways: int
    broken_areas: int
    twice: int = 0
    reordered: bool = False
    box: tuple[float, float, float, float] | None = None
    timestamp: str | None = None


_NO_INTS: Ints = np.zeros(0, dtype=np.int64)
_NO_FLOATS: Floats = np.zeros(0)
_NONE_FOUND = Found(np.zeros(0, dtype=object), [], _NO_INTS, _NO_INTS)
NOTHING = Elements(
    ways=Lines(
        *(_NO_INTS, _NO_FLOATS, _NO_FLOATS, np.zeros(0, dtype=bool)),
        *(np.zeros(1, dtype=np.int64), [], _NO_INTS, _NO_INTS),
    ),
    squares=0,
    points=_NONE_FOUND,
    outlines=_NONE_FOUND,
    bars=_NONE_FOUND,
    gates=_NONE_FOUND,
    lonely=_NO_INTS,
    missing=_NO_INTS,
    misplaced=_NO_INTS,
    clipped_ways=0,
    broken_areas=0,
)
"""Of an empty file."""


def joined(parts: Sequence[Elements]) -> Elements:
    """Return the elements of all parts of a file in its order: by their numbers, then by their parts."""
    ways, squares = _joined_lines([(part.ways, part.squares) for part in parts])

    def nodes(name: str) -> Ints:
        return np.unique(np.concatenate([_NO_INTS, *(getattr(part, name) for part in parts)]))

    def found(name: str) -> Found:
        return _joined_found([getattr(part, name) for part in parts])

    return Elements(
        ways=ways,
        squares=squares,
        points=found("points"),
        outlines=found("outlines"),
        bars=found("bars"),
        gates=found("gates"),
        lonely=nodes("lonely"),
        missing=nodes("missing"),
        misplaced=nodes("misplaced"),
        clipped_ways=sum(part.clipped_ways for part in parts),
        broken_areas=sum(part.broken_areas for part in parts),
        twice=sum(part.twice for part in parts),
        reordered=any(part.reordered for part in parts),
        box=next((part.box for part in parts if part.box is not None), None),
        timestamp=max((part.timestamp for part in parts if part.timestamp), default=None),
    )


def _joined_found(parts: Sequence[Found]) -> Found:
    shapes, tags, ids, number = zip(_NONE_FOUND, *parts, strict=True)
    everything = Found(
        np.concatenate(shapes), list(chain.from_iterable(tags)), np.concatenate(ids), np.concatenate(number)
    )
    return everything.take(np.argsort(everything.number, kind="stable"))


def _joined_lines(parts: Sequence[tuple[Lines, int]]) -> tuple[Lines, int]:
    """Return ways, and how many squares their rings surround."""
    lines = [NOTHING.ways, *(of_part for of_part, _ in parts)]
    before = np.cumsum([0, 0, *(squares for _, squares in parts)])
    counts = np.concatenate([np.diff(part.start) for part in lines])
    number = np.concatenate([part.number for part in lines])
    order = np.argsort(number, kind="stable")
    begin = np.cumsum(counts) - counts
    rows = ranges(begin[order], (begin + counts)[order])
    vertex, lon, lat, cut = (
        np.concatenate([getattr(part, name) for part in lines])[rows]
        for name in ("vertex", "lon", "lat", "cut")
    )
    tags = list(chain.from_iterable(part.tags for part in lines))
    of_parts = [
        np.where(part.square < 0, -1, part.square + first) for part, first in zip(lines, before, strict=False)
    ]
    square = np.concatenate(of_parts)[order]
    rims = np.flatnonzero(square >= 0)
    _, first, row = np.unique(square[rims], return_index=True, return_inverse=True)
    square[rims] = np.argsort(np.argsort(first))[row]
    start = starts(counts[order])
    return Lines(
        vertex, lon, lat, cut, start, [tags[row] for row in order.tolist()], square, number[order]
    ), len(first)


def check_ids(missing: Collection[int], path: Path) -> None:
    """Refuse a file of an editor, whose new nodes have negative ids that libosmium does not find."""
    if (node := min(missing, default=0)) < 0:
        raise DataError("osm.negative_ids", path=path, node=node)
