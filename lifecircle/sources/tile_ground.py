"""On which part of a region's streets do places open, and who finds it out?

An access leg is never longer than `max_m`, by way of a gate or not, so a place is put on its street exactly
wherever all streets, barriers and gates that come that near to it are known. Whatever else is in the region
changes nothing. So the halo of a tile is `max_m` around its places, whatever limits, paces and slopes are:
walks along streets are searched on the whole network, which is small (docs/decisions/0080-tiles.md).
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A part of a ground, and where in the whole its streets and openings stand."""

    ground: Ground
    streets: Ints
    openings: Ints

    @functools.cached_property
    def _frontages(self) -> dict[bytes, Frontage]:
        return {}

    def legs(self, which: Flags, places: NDArray[Any], max_m: float) -> Legs:
        """Return the legs of places that lie well within the part; rows are those of the whole."""
        here = which[self.streets]
        key = here.tobytes()
        if key not in self._frontages:
            self._frontages[key] = Frontage(self.ground, here)
        legs = self._frontages[key].legs(places, max_m)
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
    return joined([part.legs(which, block, max_m) for block in blocks])


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
        """Return what comes near some places; the last part again where that is enough."""
        known, bounds = vars(self)["known"], shapely.bounds(places)
        if "part" in known:
            around, before_m, part = known["part"]
            enough = around.query(_boxes(bounds, _ROUNDING_M / 4), predicate="covered_by")[0]
            if max_m == before_m and len(np.unique(enough)) == len(places):
                return part  # type: ignore[no-any-return]
        part = self._part_near(bounds, max_m)
        known["part"] = shapely.STRtree(_boxes(bounds, _ROUNDING_M / 2)), max_m, part
        return part

    def _part_near(self, bounds: Floats, max_m: float) -> Part:
        boxes = _boxes(bounds, max_m + _ROUNDING_M)
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
        legs = give_away(rest, which, max_m) if len(rest) else joined([])
        if again:
            legs = joined([before[1], legs])
        known[key] = xy, legs
        return joined([legs])  # a copy: it is written to


def _boxes(bounds: Floats, margin_m: float) -> NDArray[Any]:
    return np.asarray(shapely.box(*(bounds + np.array([-1, -1, 1, 1]) * margin_m).T))


def _within(points: Floats, boxes: Floats) -> Ints:
    """Return the rows of points in, or within reach of a gate of, any of the boxes."""
    at = np.asarray(shapely.points(points))
    rows: Ints = np.unique(shapely.STRtree(at).query(_boxes(boxes, 2 * GATE_M))[1])
    return rows


def joined(parts: list[Legs]) -> Legs:
    """Return the legs of several lots of places, one after the other."""

    def column(name: str, none: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([none, *(getattr(part, name) for part in parts)])

    rows = np.zeros(0, dtype=np.int64)
    return Legs(
        street=column("street", rows),
        along_m=column("along_m", np.zeros(0)),
        off_m=column("off_m", np.zeros(0)),
        gate=column("gate", rows),
        start=column("start", np.zeros((0, 2))),
    )
