"""What does a large OpenStreetMap file hold, read by several workers and kept in a folder?

Every worker goes through the whole file, because only so are the places of nodes known, and takes down its
share of the rest. Outlines, of which there are most, go to the disk by the ten thousand; what is left in
memory are the streets, as plain numbers. Each thing bears its number in the file, so that all together stand
in the order in which one worker finds them. A file that is not written as nearly all are one worker hears
for all.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.sources.osm_barriers import is_water
from lifecircle.sources.osm_elements import NOTHING, Elements, Found, Lines, joined
from lifecircle.sources.osm_hearing import heard_of
from lifecircle.sources.osm_things import is_backdrop, is_ground_without_homes
from lifecircle.sources.packed import unpack
from lifecircle.sources.pbf_arrays import OddPbfError
from lifecircle.sources.pbf_elements import pbf_parts
from lifecircle.sources.tile_files import (
    TagTable,
    column,
    read_tags,
    shapes,
    write_column,
    write_packed,
    write_shapes,
)
from lifecircle.streets import Floats, Ints

_TAGGED = ("ways", "points", "bars", "gates")
_OUTLINES = 40_000
"""So many are held in memory at once."""


class Share(NamedTuple):
    """What one worker has found, but outlines."""

    odd: bool
    """Whether the file is not written as nearly all are: then this is nothing."""
    elements: Any
    """`Elements`, with rows of `tags` in place of tags."""
    tags: Sequence[Mapping[str, str]]
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
        """Shape (k,). Where in the file each stands."""
        return np.asarray(column(self.folder, f"{self.name}.number"))

    @property
    def bounds(self) -> Floats:
        """Shape (k, 4). West, south, east, north, degrees."""
        return np.asarray(column(self.folder, f"{self.name}.bounds"))

    def shapes(self, rows: Ints) -> NDArray[Any]:
        """Return the polygons in some rows, in degrees."""
        return shapes(self.folder, self.name, rows)

    def found(self, rows: Ints) -> Found:
        """Return those in some rows."""
        tags = [self.tags[tag] for tag in self.tag[rows].tolist()]
        ids = np.asarray(column(self.folder, f"{self.name}.id"))[rows]
        return Found(self.shapes(rows), tags, ids, self.number[rows])


def hear_share(osm: Path, folder: Path, share: int, shares: int, keys: Sequence[str], *, plain: bool) -> int:
    """Write a share of a file to a folder; return how many things these are.

    Parameters
    ----------
    osm
        The file, which was looked into already.
    folder
        Where to.
    share, shares
        Which of how many.
    keys
        Of what may be a facility.
    plain
        Whether it is thought to be a PBF as nearly all are; else the first share is the whole file.

    Raises
    ------
    DataError
        If it is not whole, holds far more than its size lets expect, or is not in order.
    """
    lots, parts, odd = _Lots(folder, share, keys), list[Elements](), False
    try:
        if plain:
            parts.extend(map(lots.without_outlines, pbf_parts(osm, keys, share=share, shares=shares)))
        elif share == 0:
            parts.append(lots.without_outlines(heard_of(osm, keys, room=None)))
    except OddPbfError:
        odd, parts = True, []
    lots.write()
    found, table = joined(parts), TagTable()
    for name in _TAGGED:
        those = getattr(found, name)
        rows = np.array([table.number(tags) for tags in those.tags], dtype=np.int64)
        found = dataclasses.replace(found, **{name: those._replace(tags=rows)})
    write_packed(folder / f"share-{share}.npz", Share(odd, found, table.tags, lots.count))
    return lots.outlines + sum(len(getattr(found, name).tags) for name in _TAGGED)


class _Lots:
    """Outlines, written to the disk by lots."""

    def __init__(self, folder: Path, share: int, keys: Iterable[str]) -> None:
        self.count, self.outlines = 0, 0
        self._folder, self._share, self._held = folder, share, list[Elements]()
        self._table, self._afar, self._keys = TagTable(), dict[int, bool](), frozenset(keys)

    def without_outlines(self, part: Elements) -> Elements:
        """Take down the outlines of a part, and return the rest."""
        self._held.append(dataclasses.replace(NOTHING, outlines=part.outlines))
        if sum(len(held.outlines.id) for held in self._held) >= _OUTLINES:
            self._write_lot()
        return dataclasses.replace(part, outlines=NOTHING.outlines)

    def write(self) -> None:
        """Write what is left, and the tags of all."""
        self._write_lot()
        self._table.write(self._folder / f"outlines-{self._share}.json")

    def _write_lot(self) -> None:
        found, folder, name = (
            joined(self._held).outlines,
            self._folder,
            f"outlines-{self._share}-{self.count}",
        )
        self._held.clear()
        if not len(found.id):
            return
        write_shapes(folder, name, shapely.to_wkb(found.shapes).tolist(), shapely.bounds(found.shapes))
        tag = np.array([self._table.number(tags) for tags in found.tags], dtype=np.int64)
        far = np.fromiter(map(self._counts_afar, found.tags, tag.tolist()), dtype=bool)
        for what, values in (("tag", tag), ("far", far), ("id", found.id), ("number", found.number)):
            write_column(folder, f"{name}.{what}", values)
        self.count, self.outlines = self.count + 1, self.outlines + len(found.id)

    def _counts_afar(self, tags: Mapping[str, str], number: int) -> bool:
        """Say whether an outline may matter to others than its neighbours."""
        if number not in self._afar:
            offers = not self._keys.isdisjoint(tags)
            self._afar[number] = (
                offers or is_water(tags) or is_backdrop(tags) or is_ground_without_homes(tags)
            )
        return self._afar[number]


def read_shares(folder: Path, shares: int) -> tuple[Elements, list[Outlines]]:
    """Return what is in all shares, in the order of the file, but without outlines; and the lots of these.

    Raises
    ------
    OddPbfError
        If the file is not written as nearly all are.
    """
    classes = [Share, Elements, Lines, Found]
    found: list[Share] = [unpack(folder / f"share-{share}.npz", classes) for share in range(shares)]
    if any(share.odd for share in found):
        raise OddPbfError("share")
    lots, parts = list[Outlines](), list[Elements]()
    for number, share in enumerate(found):
        tags = read_tags(folder / f"outlines-{number}.json")
        lots += [Outlines(folder, f"outlines-{number}-{lot}", tags) for lot in range(share.lots)]
        tagged = {name: getattr(share.elements, name) for name in _TAGGED}
        whole = {
            name: those._replace(tags=[share.tags[row] for row in those.tags.tolist()])
            for name, those in tagged.items()
        }
        box = share.elements.box and tuple(share.elements.box)  # JSON knows lists only
        parts.append(dataclasses.replace(share.elements, **whole, box=box))
    return joined(parts), lots
