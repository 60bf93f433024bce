"""Which ways, outlines and points does a PBF hold that is written as nearly all are?

The same as `lifecircle.sources.osm_hearing` hears by libosmium, by arithmetic on whole columns.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.sources.osm_barriers import BARRIER_KEYS, NODE_KEYS, bars_the_way
from lifecircle.sources.osm_elements import NOTHING, OSM_BEGAN, TIME, Elements, Found, joined
from lifecircle.sources.osm_hearing import (
    AREA_KEYS,
    LONG_WAY,
    WALK_TAGS,
    Effort,
    effort_of,
    header_of,
    said_in,
)
from lifecircle.sources.osm_things import OUTLINE_KEYS
from lifecircle.sources.pbf_areas import AreaRelation, assembled
from lifecircle.sources.pbf_arrays import (
    Group,
    Nodes,
    OddPbfError,
    Relations,
    Tags,
    Ways,
    blocks_in,
    groups_in,
    relations_in,
)
from lifecircle.sources.pbf_ways import RING, Drawn, as_array, bars_of, rings_of, streets_of
from lifecircle.streets import Flags, Ints, found_in, of_each
from lifecircle.walkable import Walk, who_may_walk

_HALF_TURN, _QUARTER_TURN = 1_800_000_000, 900_000_000
"""Ten-millionths of a degree, in which a file counts."""
_DEGREE = 1e7


def pbf_elements(
    path: Path, facility_keys: Collection[str], *, areas: Collection[str] | None = None
) -> Elements:
    """Return what is in a whole file, which `lifecircle.sources.opening.check_osm` has passed.

    Parameters
    ----------
    path, facility_keys
        The file, and keys of what may be a facility.
    areas
        Only areas that have one of these keys, and squares; None for all.

    Raises
    ------
    OddPbfError
        If it is written in another way, not in order, or holds more than its size lets expect.
    """
    return joined(list(pbf_parts(path, facility_keys, areas=areas)))


def pbf_parts(
    path: Path,
    facility_keys: Collection[str],
    *,
    share: int = 0,
    shares: int = 1,
    areas: Collection[str] | None = None,
) -> Iterator[Elements]:
    """Yield what is in a file, a part after the other; of many workers each its share.

    A share is every so-manieth node, way and relation; the parts of all shares join to the whole.

    Raises
    ------
    OddPbfError
        As `pbf_elements`, perhaps after some parts.
    """
    blocks = blocks_in(path)
    asked = _Asked(frozenset(facility_keys), None if areas is None else frozenset(areas), share, shares)
    reading = _Reading(path, asked, relations_in(path, blocks))
    for group in groups_in(path, blocks):
        yield from reading.part_of(group)
    yield reading.areas()


class _Asked(NamedTuple):
    """What is asked of a file."""

    facility_keys: frozenset[str]
    areas: frozenset[str] | None
    share: int
    shares: int


class _Keys:
    """Which texts of a block are keys that matter, by the number of the text."""

    def __init__(self, texts: Sequence[str], asked: _Asked) -> None:
        sought = (
            *(asked.facility_keys, NODE_KEYS, BARRIER_KEYS, WALK_TAGS, OUTLINE_KEYS, {"highway"}),
            *({"area"}, {"no"}, asked.areas or frozenset()),
        )
        every = frozenset[str]().union(*sought)
        known = [(row, text) for row, text in enumerate(texts) if text in every]
        flags = np.zeros((len(sought), len(texts)), dtype=bool)
        for of_keys, keys in zip(flags, sought, strict=True):
            of_keys[[row for row, text in known if text in keys]] = True
        self.facility, self.node, self.bar, self.walk, self.outline, self.highway = flags[:6]
        self.area, self.no, self.wanted = flags[6:]


class _Nodes(NamedTuple):
    """All nodes of a file, sorted by id; of a region these are many."""

    id: Ints
    lon: NDArray[np.int32]
    lat: NDArray[np.int32]


class _Reading:
    """What is known of a file while it is read from its first group to its last."""

    def __init__(self, path: Path, asked: _Asked, relations: list[Relations]) -> None:
        self._box, self._moment = _said_of(path)
        self._asked, self._facility_keys = asked, asked.facility_keys
        self._left: Any = Effort(path).left
        self._kind, self._last_id, self._seen = 0, 0, [0, 0, 0]
        self._dicts, none = _Dicts(), np.zeros(0, dtype=np.int64)
        self._read_nodes, self._nodes = list[_Nodes](), _Nodes(none, *np.zeros((2, 0), dtype=np.int32))
        self._long: dict[int, int] = {}
        self._relations = sum(len(group.id) for group in relations)
        every = self._areas_among(relations)
        self._areas = [area for area in every if area.number % asked.shares == asked.share]
        self._members = np.unique(np.concatenate([none, *(area.ways for area in self._areas)]))
        self._drawn, self._ring_tags = list[Drawn](), dict[int, Mapping[str, str]]()

    def part_of(self, group: Group) -> Iterator[Elements]:
        """Yield what matters of a group."""
        kind, ids = (Nodes, Ways, Relations).index(type(group)), group.id
        before = self._last_id if kind == self._kind else 0
        if kind < self._kind or (np.diff(ids, prepend=before) <= 0).any():
            raise OddPbfError("order")
        number = np.arange(self._seen[kind], self._seen[kind] + len(ids))
        self._kind, self._last_id = kind, max([before, *ids[-1:].tolist()])
        self._seen[kind] += len(ids)
        if isinstance(group, Nodes):
            self._read_nodes.append(_Nodes(ids, group.lon.astype(np.int32), group.lat.astype(np.int32)))
            yield self._of_nodes(group, number)
        elif isinstance(group, Ways):
            yield self._of_ways(group, number)
        else:
            of_ways = [self._long.get(way, LONG_WAY) for way in group.member[group.is_way].tolist()]
            of = np.repeat(np.arange(len(ids)), np.diff(group.start))[group.is_way]
            around = np.bincount(of, weights=of_ways, minlength=len(ids)).astype(np.int64)
            self._spend(np.diff(group.start), around)

    def areas(self) -> Elements:
        """Return the areas that are no simple rings, and what the file says of itself."""
        if self._seen[2] != self._relations:
            raise OddPbfError("order")
        found = assembled(Drawn.joined(self._drawn), self._ring_tags, self._areas, self._facility_keys)
        return dataclasses.replace(found, box=self._box, timestamp=self._moment)

    def _spend(self, nodes: Ints, around: Ints) -> None:
        """Take off what libosmium would have to do."""
        self._left -= effort_of(nodes, around).sum()
        if self._left < 0:
            raise OddPbfError("effort")

    def _mine(self, number: Ints) -> Flags:
        mine: Flags = number % self._asked.shares == self._asked.share
        return mine

    def _areas_among(self, relations: list[Relations]) -> Iterator[AreaRelation]:
        areas = self._asked.areas
        sought = AREA_KEYS | self._facility_keys if areas is None else areas | {"highway"}
        number = -self._relations - 1  # an area stands before the last of its ways
        for group in relations:
            for row, tags in enumerate(self._dicts.of(group.tags, _decoded(group.tags.texts))):
                number += 1
                here = slice(*group.start[row : row + 2])
                ways = group.member[here][group.is_way[here]]
                named = not tags.keys().isdisjoint(sought)
                if named and len(ways) and tags.get("type") in {"multipolygon", "boundary"}:
                    kept = {key: value for key, value in tags.items() if key != "type"}  # as libosmium does
                    yield AreaRelation(int(group.id[row]), number, ways, kept)

    def _of_nodes(self, nodes: Nodes, number: Ints) -> Elements:
        texts = _decoded(nodes.tags.texts)
        keys, mine = _Keys(texts, self._asked), self._mine(number)
        facility, gate = (nodes.tags.any(sought) & mine for sought in (keys.facility, keys.node))
        rows = np.flatnonzero(facility | gate)
        self._spend(np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64))
        on_earth = _on_earth(nodes.lon[rows], nodes.lat[rows])
        nowhere, rows = nodes.id[rows[~on_earth]], rows[on_earth]
        points = as_array(shapely.points(nodes.lon[rows] / _DEGREE, nodes.lat[rows] / _DEGREE))
        found = Found(points, self._dicts.of(nodes.tags.take(rows), texts), nodes.id[rows], number[rows])
        return dataclasses.replace(
            NOTHING, points=found.take(facility[rows]), gates=found.take(gate[rows]), misplaced=nowhere
        )

    def _of_ways(self, ways: Ways, number: Ints) -> Elements:
        if len(ways.node) and ways.node.min() <= 0:
            raise OddPbfError("node")
        texts, count, mine = _decoded(ways.tags.texts), np.diff(ways.start), self._mine(number)
        keys = _Keys(texts, self._asked)
        long = count > LONG_WAY
        self._long.update(zip(ways.id[long].tolist(), count[long].tolist(), strict=True))
        self._spend(count, np.where(long & ways.closed, count, 0))
        street, bar = (ways.tags.any(sought) & mine for sought in (keys.highway, keys.bar))
        tagged = np.diff(ways.tags.start) > 0
        area = mine & (count >= RING) & tagged & ~ways.tags.any(keys.area, keys.no)
        if self._asked.areas is not None:
            area &= ways.tags.any(keys.wanted)
        member = found_in(self._members, ways.id)[1]
        rows = np.flatnonzero(street | bar | area | member)
        ways, (street, bar, area, member) = ways.take(rows), (of[rows] for of in (street, bar, area, member))
        drawn = self._drawn_of(ways, number[rows] * (self._relations + 1))

        streets = np.flatnonzero(street)
        walk = self._dicts.of(ways.tags.take(streets).only(keys.walk), texts)
        open_ = np.array(of_each(walk, who_may_walk), dtype=np.int64) != Walk.CLOSED
        streets, walk = streets[open_], list(compress(walk, open_))
        bars = np.flatnonzero(bar)
        every = self._dicts.of(ways.tags.take(bars), texts)
        barring = np.array(of_each(every, bars_the_way), dtype=bool)
        return dataclasses.replace(
            streets_of(drawn.take(streets), walk),
            bars=bars_of(drawn.take(bars[barring]), list(compress(every, barring))),
            outlines=self._outlines(ways.tags, texts, keys, drawn, area, member),
            timestamp=None if self._moment else _newest(ways.moment[streets]),
        )

    def _outlines(
        self, tags: Tags, texts: list[str], keys: _Keys, drawn: Drawn, area: Flags, member: Flags
    ) -> Found:
        """Return the outlines that are simple rings; what else may be areas is kept for `areas`."""
        rows = np.flatnonzero(area)
        simple, shapes, odd = rings_of(drawn.take(rows))
        simple, odd = rows[simple], rows[odd]
        self._ring_tags.update(
            zip(drawn.id[odd].tolist(), self._dicts.of(tags.take(odd), texts), strict=True)
        )
        self._drawn.append(drawn.take(np.union1d(odd, np.flatnonzero(member))))
        of_rings = tags.take(simple)
        of_rings = of_rings.only(keys.outline, whole=of_rings.any(keys.facility))
        return Found(shapes, self._dicts.of(of_rings, texts), drawn.id[simple], drawn.number[simple])

    def _drawn_of(self, ways: Ways, number: Ints) -> Drawn:
        """Return ways with the places of their nodes."""
        if self._read_nodes:
            columns = zip(self._nodes, *self._read_nodes, strict=True)
            self._nodes = _Nodes(*(np.concatenate(column) for column in columns))
            self._read_nodes.clear()
        nodes = self._nodes
        at, found = found_in(nodes.id, ways.node)
        lon, lat = np.zeros((2, len(at)), dtype=np.int64)
        lon[found], lat[found] = nodes.lon[at[found]], nodes.lat[at[found]]
        valid = found & _on_earth(lon, lat)
        return Drawn(ways.id, number, ways.start, ways.node, lon / _DEGREE, lat / _DEGREE, ~found, valid)


def _said_of(path: Path) -> tuple[tuple[float, float, float, float] | None, str | None]:
    """Return what the file says of itself."""
    try:
        return said_in(header_of(path))
    except (RuntimeError, ValueError) as error:
        raise OddPbfError("header") from error


def _newest(moments: Ints) -> str | None:
    """Return the last of the moments at which OpenStreetMap was there."""
    last = int(moments.max(initial=0))
    when = datetime.fromtimestamp(last, UTC)
    return when.strftime(TIME) if when.year >= OSM_BEGAN else None


def _on_earth(lon: Ints, lat: Ints) -> Flags:
    """Say which places libosmium takes for places, in ten-millionths of a degree."""
    on_earth: Flags = (np.abs(lon) <= _HALF_TURN) & (np.abs(lat) <= _QUARTER_TURN)
    return on_earth


def _decoded(texts: list[bytes]) -> list[str]:
    try:
        return [text.decode() for text in texts]
    except UnicodeDecodeError as error:
        raise OddPbfError("text") from error


class _Dicts:
    """Tags as dictionaries, of which things that have the same share one."""

    def __init__(self) -> None:
        self._shared: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def of(self, tags: Tags, texts: list[str]) -> list[dict[str, str]]:
        """Return the tags of each object."""
        known: dict[tuple[int, ...], dict[str, str]] = {}
        found, start = list[dict[str, str]](), tags.start.tolist()
        pairs = (tags.key * len(texts) + tags.value).tolist()
        for first, last in pairwise(start):
            here = tuple(pairs[first:last])
            if here not in known:
                words = tuple((texts[pair // len(texts)], texts[pair % len(texts)]) for pair in here)
                known[here] = self._shared.setdefault(words, dict(words))
                if len(known[here]) < len(here):
                    raise OddPbfError("twice")
            found.append(known[here])
        return found
