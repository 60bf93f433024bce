"""What does a large OpenStreetMap file hold, heard by several workers and kept in a folder?

Every worker goes through the whole file, because only so are the places of nodes known and areas whole, and
takes down each n-th thing: taking down is three quarters of the work. Outlines, of which there are most, go
to the disk by the ten thousand; what is left in memory are the streets, as plain numbers. Each thing bears
the number at which it was heard, so that all together stand in the order in which one worker hears them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.errors import DataError
from lifecircle.sources.osm_barriers import is_water
from lifecircle.sources.osm_elements import (
    OUT_OF_ORDER,
    Elements,
    begun,
    check_ids,
    has_late_nodes,
    hear,
    looked_through,
    things_in,
    told_as_ours,
)
from lifecircle.sources.osm_things import is_backdrop, is_ground_without_homes
from lifecircle.sources.packed import unpack
from lifecircle.sources.tile_files import (
    TagTable,
    column,
    read_tags,
    shapes,
    write_column,
    write_packed,
    write_shapes,
)
from lifecircle.streets import Flags, Floats, Ints, ranges

_BESIDE_WAYS = {
    "point_number": ("points", "point_tags", "point_ids"),
    "bar_number": ("bars", "bar_is_wall"),
    "gate_number": ("gates", "gate_tags", "gate_nodes"),
}
_OUTLINES = 40_000
"""So many are held in memory at once."""


class Heard(NamedTuple):
    """What one share holds but outlines; rows of columns that begin alike belong together."""

    vertex: Ints
    lon: Floats
    lat: Floats
    cut: Flags
    way_start: Ints
    way_tags: Ints
    """Row of the tags of each way in `tags`."""
    tags: Sequence[Mapping[str, str]]
    way_number: Ints
    square: Ints
    """Shape (ways,). The square that each is a rim of, counted in this share; -1 for none."""
    points: NDArray[Any]
    point_tags: Sequence[Mapping[str, str]]
    point_ids: Sequence[str]
    point_number: Ints
    bars: NDArray[Any]
    bar_is_wall: Flags
    bar_number: Ints
    gates: NDArray[Any]
    gate_tags: Sequence[Mapping[str, str]]
    gate_nodes: Ints
    gate_number: Ints
    lonely: Ints
    missing: Ints
    misplaced: Ints
    clipped_ways: int
    broken_areas: int
    newest: str
    box: Sequence[float] | None
    timestamp: str | None
    lots: int
    """How many lots of outlines there are."""


class Outlines(NamedTuple):
    """A lot of outlines; rows belong together, and lie in files until they are asked for."""

    folder: Path
    name: str
    tags: Sequence[Mapping[str, str]]
    """By their number."""

    @property
    def tag(self) -> Ints:
        """Shape (k,). Row of each outline's tags in `tags`."""
        return np.asarray(column(self.folder, f"{self.name}.tag"))

    @property
    def far(self) -> Ints:
        """Rows of those that all tiles may need: what may be a facility, waters, grounds, greens."""
        rows: Ints = np.flatnonzero(column(self.folder, f"{self.name}.far"))
        return rows

    @property
    def number(self) -> Ints:
        """Shape (k,). When each was heard."""
        return np.asarray(column(self.folder, f"{self.name}.number"))

    @property
    def bounds(self) -> Floats:
        """Shape (k, 4). West, south, east, north, degrees."""
        return np.asarray(column(self.folder, f"{self.name}.bounds"))

    def shapes(self, rows: Ints) -> NDArray[Any]:
        """Return the polygons in some rows, in degrees."""
        return shapes(self.folder, self.name, rows)

    def ids(self, rows: Ints) -> list[str]:
        """Return w or r, and the number of the element, of some rows."""
        ids = column(self.folder, f"{self.name}.id")[rows].tolist()
        return [f"w{one}" if one >= 0 else f"r{-one}" for one in ids]


def hear_share(osm: Path, folder: Path, share: int, shares: int, keys: Sequence[str]) -> int:
    """Hear each `shares`-th thing of a file and write it to a folder; return how many things these are.

    Parameters
    ----------
    osm
        The file, which was looked into already.
    folder
        Where to.
    share, shares
        Things of which the number leaves this rest.
    keys
        Of what may be a facility.

    Raises
    ------
    DataError
        If it is not whole, holds far more than its size lets expect, or is not in order.
    """
    import osmium  # noqa: PLC0415  a compiled reader that only this function needs

    whole = osm.absolute()
    with told_as_ours(osm):
        header, effort = looked_through(whole)
        raw, wkb = begun(header), osmium.geom.WKBFactory()
        taken = _Taken(folder, share, raw, keys)
        try:
            for number, thing in enumerate(things_in(whole, keys)):
                if number % shares == share:
                    hear(thing, raw, wkb, keys, effort)
                    taken.note(number)
        except RuntimeError as error:
            if OUT_OF_ORDER.search(str(error)):
                raise DataError("osm.unsorted", path=osm) from error
            raise
        taken.write_outlines()
        if share == 0 and has_late_nodes(whole, header, raw.missing):
            raise DataError("osm.unsorted", path=osm)
    check_ids(raw, osm)
    write_packed(folder / f"share-{share}.npz", taken.heard())
    return sum(map(len, taken.numbers.values()))


class _Taken:
    """What a share has taken down, with the numbers at which it was heard."""

    def __init__(self, folder: Path, share: int, raw: Elements, keys: Sequence[str]) -> None:
        self.numbers: dict[str, list[int]] = {"tags": [], "points": [], "bars": [], "gates": []}
        self._folder, self._share, self._raw = folder, share, raw
        self._lots, self._at = 0, list[int]()
        self._table, self._afar, self._keys = TagTable(), dict[int, bool](), frozenset(keys)

    def note(self, number: int) -> None:
        """Say at which number what is new was heard."""
        raw = self._raw
        for name, numbers in self.numbers.items():
            more = len(getattr(raw, name)) - len(numbers)
            if more:
                numbers.extend([number] * more)
        if len(raw.outlines) > len(self._at):
            self._at.append(number)
            if len(self._at) >= _OUTLINES:
                self.write_outlines()

    def write_outlines(self) -> None:
        """Write the outlines in memory as one lot, and forget them."""
        raw, folder, name = self._raw, self._folder, f"outlines-{self._share}-{self._lots}"
        if not self._at:
            return
        ids = [int(one[1:]) if one[0] == "w" else -int(one[1:]) for one in raw.outline_ids]
        write_shapes(folder, name, raw.outlines, shapely.bounds(shapely.from_wkb(raw.outlines)))
        tag = np.array([self._table.number(tags) for tags in raw.outline_tags], dtype=np.int64)
        write_column(folder, f"{name}.tag", tag)
        write_column(folder, f"{name}.far", np.fromiter(map(self._counts_afar, raw.outline_tags), dtype=bool))
        write_column(folder, f"{name}.id", np.array(ids, dtype=np.int64))
        write_column(folder, f"{name}.number", np.array(self._at, dtype=np.int64))
        for held in (raw.outlines, raw.outline_tags, raw.outline_ids, self._at):
            held.clear()
        self._lots += 1

    def _counts_afar(self, tags: Mapping[str, str]) -> bool:
        """Say whether an outline may matter to others than its neighbours."""
        number = self._table.number(tags)
        if number not in self._afar:
            offers = not self._keys.isdisjoint(tags)
            self._afar[number] = (
                offers or is_water(tags) or is_backdrop(tags) or is_ground_without_homes(tags)
            )
        return self._afar[number]

    def heard(self) -> Heard:
        """Return the rest."""
        raw, numbers = self._raw, {name: np.array(at, dtype=np.int64) for name, at in self.numbers.items()}
        self._table.write(self._folder / f"outlines-{self._share}.json")
        table = TagTable()
        way_tags = np.array([table.number(tags) for tags in raw.tags], dtype=np.int64)
        return Heard(
            vertex=np.array(raw.vertex, dtype=np.int64),
            lon=np.array(raw.lon, dtype=np.float64),
            lat=np.array(raw.lat, dtype=np.float64),
            cut=np.frombuffer(bytes(raw.cut), dtype=bool),
            way_start=np.array(raw.way_start, dtype=np.int64),
            way_tags=way_tags,
            tags=table.tags,
            way_number=numbers["tags"],
            square=np.array(raw.square, dtype=np.int64),
            points=_as_shapes(raw.points),
            point_tags=[dict(tags) for tags in raw.point_tags],
            point_ids=raw.point_ids,
            point_number=numbers["points"],
            bars=_as_shapes(raw.bars),
            bar_is_wall=np.array(raw.bar_is_wall, dtype=bool),
            bar_number=numbers["bars"],
            gates=_as_shapes(raw.gates),
            gate_tags=[dict(tags) for tags in raw.gate_tags],
            gate_nodes=np.array(raw.gate_nodes, dtype=np.int64),
            gate_number=numbers["gates"],
            lonely=_sorted(raw.lonely),
            missing=_sorted(raw.missing),
            misplaced=_sorted(raw.misplaced),
            clipped_ways=raw.clipped_ways,
            broken_areas=raw.broken_areas,
            newest=raw.newest,
            box=raw.box,
            timestamp=raw.timestamp,
            lots=self._lots,
        )


def _numbered(squares: Sequence[Ints], order: Ints) -> tuple[Ints, int]:
    """Return the square of each way, numbered in the order of the file, and how many there are."""
    before, own = 0, []
    for of_share in squares:
        own.append(np.where(of_share < 0, -1, of_share + before))
        before += int(of_share.max(initial=-1)) + 1
    square = np.concatenate(own)[order]
    rims = np.flatnonzero(square >= 0)
    _, first, row = np.unique(square[rims], return_index=True, return_inverse=True)
    square[rims] = np.argsort(np.argsort(first))[row]
    return square, len(first)


def _as_shapes(wkb: Sequence[bytes]) -> NDArray[Any]:
    found = np.empty(len(wkb), dtype=object)
    found[:] = shapely.from_wkb(wkb)
    return found


def _sorted(nodes: Iterable[int]) -> Ints:
    return np.array(sorted(nodes), dtype=np.int64)


def read_shares(folder: Path, shares: int) -> tuple[Elements, list[Outlines]]:
    """Return what all shares heard, in the order of the file, but without outlines; and the lots of these."""
    parts: list[Heard] = [unpack(folder / f"share-{share}.npz", [Heard]) for share in range(shares)]
    lots = [
        Outlines(folder, f"outlines-{share}-{lot}", tags)
        for share, part in enumerate(parts)
        for tags in [read_tags(folder / f"outlines-{share}.json")]
        for lot in range(part.lots)
    ]
    raw: Any = Elements()  # of which arrays stand for what is appended to elsewhere
    order = np.argsort(np.concatenate([part.way_number for part in parts]), kind="stable")
    counts = np.concatenate([np.diff(part.way_start) for part in parts])
    begin = np.cumsum(counts) - counts
    rows = ranges(begin[order], (begin + counts)[order])
    for name in ("vertex", "lon", "lat", "cut"):
        setattr(raw, name, np.concatenate([getattr(part, name) for part in parts])[rows])
    raw.way_start = np.concatenate([[0], np.cumsum(counts[order])])
    raw.square, raw.squares = _numbered([part.square for part in parts], order)
    tags = [tags for part in parts for tags in map(part.tags.__getitem__, part.way_tags.tolist())]
    raw.tags = [tags[row] for row in order.tolist()]
    for numbers, names in _BESIDE_WAYS.items():
        order = np.argsort(np.concatenate([getattr(part, numbers) for part in parts]), kind="stable")
        for name in names:
            found = list(chain.from_iterable(getattr(part, name) for part in parts))
            setattr(raw, name, [found[row] for row in order.tolist()])
    for name in ("points", "bars", "gates"):
        setattr(raw, name, shapely.to_wkb(np.array(getattr(raw, name), dtype=object)))
    for name in ("lonely", "missing", "misplaced"):
        setattr(raw, name, set(np.concatenate([getattr(part, name) for part in parts]).tolist()))
    raw.clipped_ways = sum(part.clipped_ways for part in parts)
    raw.broken_areas = sum(part.broken_areas for part in parts)
    raw.newest = max(part.newest for part in parts)
    raw.box, raw.timestamp = None if parts[0].box is None else tuple(parts[0].box), parts[0].timestamp
    return raw, lots
