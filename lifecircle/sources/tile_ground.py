"""On which part of a region's streets do places open, and who finds it out?

An access leg is never longer than `max_m`, by way of a gate or not, so a place is put on its street exactly
wherever all streets, barriers and gates that come that near to it are known. Whatever else is in the region
changes nothing. So the halo of a tile is `max_m` around its places, whatever the limits, paces and slopes are:
walks along streets are searched on the whole network, which is small (docs/decisions/0080-tiles.md).
"""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.access import Frontage, Ground, Legs
from lifecircle.barriers import GATE_M, Barriers
from lifecircle.network import WalkNetwork
from lifecircle.sources.tile_files import column, rows_meeting, shapes, write_column, write_shapes
from lifecircle.streets import Flags, Floats, Ints, ranges

MANY_PLACES = 1000
"""So many places at once are given to workers."""
_ROUNDING_M = 1.0
_BLOCK = 50_000
"""Places that a worker looks at together, so that its memory stays bounded."""


class Part(NamedTuple):
    """A part of a ground, and where in the whole its streets and openings stand."""

    ground: Ground
    streets: Ints
    openings: Ints

    def legs(self, which: Flags, places: NDArray[Any], max_m: float) -> Legs:
        """Return the legs of places that lie well within the part; rows are those of the whole."""
        legs = Frontage(self.ground, which[self.streets]).legs(places, max_m)
        on, through = np.flatnonzero(legs.street >= 0), np.flatnonzero(legs.gate >= 0)
        legs.street[on] = self.streets[legs.street[on]]
        legs.gate[through] = self.openings[legs.gate[through]]
        return legs


def write_ground(network: WalkNetwork, folder: Path) -> None:
    """Write what `part_in` reads: streets, and what stands between them and the places around."""
    write_column(folder, "street.start", network.line_start)
    write_column(folder, "street.xy", network.line_xy)
    write_column(folder, "street.private", network.private)
    write_column(folder, "street.bounds", shapely.bounds(network.lines))
    barriers = network.barriers
    for name, those in (("bars", barriers.lines), ("waters", barriers.areas)):
        write_shapes(folder, name, shapely.to_wkb(those).tolist(), shapely.bounds(those))
    write_column(folder, "bars.doubtful", barriers.doubtful)
    write_column(folder, "openings", barriers.openings)


def part_in(folder: Path, box: Floats) -> Part:
    """Return what comes into a box: low x, low y, high x, high y."""
    streets, bars, waters = (rows_meeting(folder, name, box) for name in ("street", "bars", "waters"))
    start = column(folder, "street.start")
    rows, counts = ranges(start[streets], start[streets + 1]), np.diff(start)[streets]
    xy = column(folder, "street.xy")[rows]
    lines = np.asarray(shapely.linestrings(xy, indices=np.repeat(np.arange(len(streets)), counts)))
    openings = np.asarray(column(folder, "openings"))
    near = _within(openings, np.concatenate([box[None], column(folder, "bars.bounds")[bars]]))
    barriers = Barriers(
        shapes(folder, "bars", bars),
        shapes(folder, "waters", waters),
        openings[near],
        np.asarray(column(folder, "bars.doubtful")[bars]),
    )
    return Part(Ground(lines, np.asarray(column(folder, "street.private")[streets]), barriers), streets, near)


def legs_in(folder: Path, lot: str, tile: str, max_m: float) -> Legs:
    """Return the legs of the places of a lot that lie in a tile."""
    xy = np.asarray(column(folder, f"{lot}.{tile}"))
    box = np.concatenate([xy.min(axis=0) - max_m - _ROUNDING_M, xy.max(axis=0) + max_m + _ROUNDING_M])
    part, which = part_in(folder, box), np.asarray(column(folder, f"{lot}.which"))
    points = np.asarray(shapely.points(xy))
    blocks = np.split(points, np.arange(_BLOCK, len(points), _BLOCK))
    return _joined([part.legs(which, block, max_m) for block in blocks])


class TiledGround(Ground):
    """A ground of which only parts are ever looked at: many places are given away, few are looked at here.

    Parameters
    ----------
    network
        Whose ground it is.
    give_away
        Puts places (shape (k, 2)) on those streets (shape (streets,)) that they may open on, no farther away
        than so many metres.
    """

    def __init__(self, network: WalkNetwork, give_away: Callable[[Floats, Flags, float], Legs]) -> None:
        super().__init__(network.lines, network.private, network.barriers)
        vars(self).update(give_away=give_away, known={})

    def frontage(self, which: Flags) -> "Frontage":
        """Return the streets that places may open on, looked at in parts."""
        return _PartedFrontage(self, which)

    def part_near(self, places: NDArray[Any], max_m: float) -> Part:
        """Return what comes near some places."""
        low, high = np.split(shapely.bounds(places), 2, axis=1)
        margin = max_m + _ROUNDING_M
        boxes = shapely.box(*(low - margin).T, *(high + margin).T)
        streets, bars, waters = (np.unique(tree.query(boxes)[1]) for tree in self._trees)
        barriers = self.barriers
        around = np.concatenate([shapely.bounds(boxes), shapely.bounds(barriers.lines[bars])])
        near = _within(barriers.openings, around)
        parted = Barriers(
            barriers.lines[bars], barriers.areas[waters], barriers.openings[near], barriers.doubtful[bars]
        )
        return Part(Ground(self.lines[streets], self.private[streets], parted), streets, near)

    @functools.cached_property
    def _trees(self) -> tuple[shapely.STRtree, shapely.STRtree, shapely.STRtree]:
        barriers = self.barriers
        return tuple(shapely.STRtree(those) for those in (self.lines, barriers.lines, barriers.areas))  # type: ignore[return-value]


class _PartedFrontage(Frontage):
    """Streets that places may open on, of a ground in parts."""

    def __init__(self, ground: TiledGround, which: Flags) -> None:  # not its parent's: that looks at all
        self._parted, self._which = ground, which

    def legs(self, shapes: NDArray[Any], max_m: float) -> Legs:
        """Return legs as `Frontage.legs` does."""
        points = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all()
        if not points or len(shapes) < MANY_PLACES:
            return self._parted.part_near(shapes, max_m).legs(self._which, shapes, max_m)
        xy, which = shapely.get_coordinates(shapes), self._which
        known = vars(self._parted)["known"]
        key = hashlib.sha256(which.tobytes()).hexdigest(), max_m
        before = known.get(key)
        # homes are looked at when a city is read, and again, before its cells, when it is measured
        again = before is not None and np.array_equal(before[0], xy[: len(before[0])])
        rest = xy[len(before[0]) :] if again else xy
        give_away = vars(self._parted)["give_away"]
        legs = give_away(rest, which, max_m) if len(rest) else _joined([])
        if again:
            legs = _joined([before[1], legs])
        known[key] = xy, legs
        return Legs(*(values.copy() for values in legs))


def _within(points: Floats, boxes: Floats) -> Ints:
    """Return the rows of points in, or within reach of a gate of, any of the boxes."""
    reach = np.array([-GATE_M, -GATE_M, GATE_M, GATE_M]) * 2
    around = shapely.box(*(boxes + reach).T)
    rows: Ints = np.unique(shapely.STRtree(shapely.points(points)).query(around)[1])
    return rows


def _joined(parts: list[Legs]) -> Legs:
    none = np.zeros(0, dtype=np.int64)
    empty = Legs(none, np.zeros(0), np.zeros(0), none, np.zeros((0, 2)))
    return Legs(*(np.concatenate(columns) for columns in zip(empty, *parts, strict=True)))
