"""What does libosmium hear in an OpenStreetMap file, and is it whole and in order?

Read by pyosmium in one pass. A file whose objects are out of order or repeated is sorted, then read again;
one of XML with coordinates that are no numbers is read again with the nodes that have them marked.
"""

import contextlib
import dataclasses
import re
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import shapely

from lifecircle.errors import DataError, LifecircleError
from lifecircle.sources.osm_barriers import BARRIER_KEYS, NODE_KEYS, bars_the_way
from lifecircle.sources.osm_copies import room_for_copy, with_odd_nodes_nowhere
from lifecircle.sources.osm_elements import (
    AFTER_ALL,
    OSM_BEGAN,
    TIME,
    Elements,
    Found,
    Lines,
    check_ids,
    joined,
)
from lifecircle.sources.osm_things import tags_that_matter
from lifecircle.streets import Ints
from lifecircle.walkable import ACROSS, Walk, is_square, who_may_walk

if TYPE_CHECKING:
    from osmium.io import Header

_NO_PLACE = 2**31 - 1
"""What libosmium puts for the coordinates of a node that the file does not hold."""
WALK_TAGS = (
    *("highway", "access", "foot", "motorroad", "oneway:foot", "foot:forward", "foot:backward"),
    *("surface", "wheelchair", "bridge", "tunnel", "area"),
)
AREA_KEYS = frozenset({"building", "highway", "landuse", "natural", "waterway", "leisure", "amenity"})
"""Of relations that surround areas of interest, besides the keys of facilities."""
_OUT_OF_ORDER = re.compile("out of order|twice in input")
"""What libosmium says of a file that has to be sorted first."""
_WKB_HEAD_BYTES = 9
"""Before the coordinates of a line: the order of bytes, the type, the number of points."""


_FREE_EFFORT = 2_000_000
_EFFORT_PER_BYTE = 4
"""How much hearing a file may take: in honest ones a node of a way takes half a byte at the least."""
_EFFORT_PER_THING = 20
_CROSSINGS_PER_EFFORT = 5_000
"""libosmium compares every line of an area with all others beside it, a nanosecond each."""
LONG_WAY = 20
"""Rings of fewer nodes cost nothing to assemble."""


class TooMuchError(Exception):
    """A file of its size holds no such number of things, unless it was made to do harm."""


Count = TypeVar("Count", int, Ints)


def effort_of(nodes: Count, around: Count) -> Count:
    """Return what hearing one thing takes: of so many nodes, so many of them around an area."""
    return _EFFORT_PER_THING + nodes + around * around // _CROSSINGS_PER_EFFORT


class Effort:
    """How much is still to be heard of a file, in nodes of ways; a handler for pyosmium."""

    def __init__(self, path: Path) -> None:
        self.left = _FREE_EFFORT + _EFFORT_PER_BYTE * path.stat().st_size
        self._long: dict[int, int] = {}

    def spend(self, nodes: int, *, around: int = 0) -> None:
        """Take off one thing of so many nodes, and an area of which so many stand around it."""
        self.left -= effort_of(nodes, around)
        if self.left < 0:
            raise TooMuchError

    def way(self, way: Any) -> None:
        """Take off a way."""
        count = len(way.nodes)
        self.spend(count, around=count if count > LONG_WAY and way.is_closed() else 0)
        if count > LONG_WAY:
            self._long[way.id] = count

    def relation(self, relation: Any) -> None:
        """Take off a relation."""
        self.spend(len(relation.members))  # before they are gone through
        ways = (member.ref for member in relation.members if member.type == "w")
        self.spend(0, around=sum(self._long.get(ref, LONG_WAY) for ref in ways))


@dataclasses.dataclass
class Heard:
    """What was heard from the file so far; thrown away whole if the file turns out to be broken."""

    box: tuple[float, float, float, float] | None = None
    timestamp: str | None = None
    vertex: "array[int]" = dataclasses.field(default_factory=lambda: array("q"))
    lon: "array[float]" = dataclasses.field(default_factory=lambda: array("d"))
    lat: "array[float]" = dataclasses.field(default_factory=lambda: array("d"))
    cut: bytearray = dataclasses.field(default_factory=bytearray)
    way_start: list[int] = dataclasses.field(default_factory=lambda: [0])
    tags: list[dict[str, str]] = dataclasses.field(default_factory=list)
    known_tags: dict[tuple[str | None, ...], dict[str, str] | None] = dataclasses.field(default_factory=dict)
    square: list[int] = dataclasses.field(default_factory=list)
    squares: int = 0
    clipped_ways: int = 0
    lonely: set[int] = dataclasses.field(default_factory=set)
    missing: set[int] = dataclasses.field(default_factory=set)
    misplaced: set[int] = dataclasses.field(default_factory=set)
    twice: int = 0
    reordered: bool = False
    newest: str = ""
    outlines: list[bytes] = dataclasses.field(default_factory=list)
    outline_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    outline_ids: list[int] = dataclasses.field(default_factory=list)
    broken_areas: int = 0
    points: list[bytes] = dataclasses.field(default_factory=list)
    point_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    point_ids: list[int] = dataclasses.field(default_factory=list)
    bars: list[bytes] = dataclasses.field(default_factory=list)
    bar_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    gates: list[bytes] = dataclasses.field(default_factory=list)
    gate_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    gate_nodes: list[int] = dataclasses.field(default_factory=list)


def heard_of(path: Path, facility_keys: Collection[str], *, room: int | None) -> Elements:
    """Return what is in a file that `lifecircle.sources.opening.check_osm` has passed.

    Parameters
    ----------
    path
        The file.
    facility_keys
        Keys of points that may be a facility.
    room
        How many bytes a copy in order may take; None for no copy.

    Raises
    ------
    DataError
        If it is not an OpenStreetMap file, not whole, holds far more than its size lets expect, or cannot be
        put in order.
    """
    import osmium  # noqa: PLC0415  a compiled reader that only those who hear a file need

    # By its full name: libosmium hands whatever begins with "http:" to a program that downloads.
    whole = path.absolute()
    with told_as_ours(path), contextlib.ExitStack() as copies:
        header, effort = _looked_through(whole)
        try:
            raw = _hear_in_order(whole, facility_keys, header, effort)
        except osmium.InvalidLocationError:
            if room is None or path.name.endswith(".pbf"):
                raise
            _, effort = _looked_through(whole)
            whole = copies.enter_context(with_odd_nodes_nowhere(whole, room))
            raw = _hear_in_order(whole, facility_keys, header, effort)
        if raw is None and room is not None:
            raw = _hear_sorted(whole, facility_keys, header, effort, room)
    if raw is None:
        raise DataError("osm.unsorted", path=path)
    check_ids(raw.missing, path)
    return as_elements(raw)


@contextlib.contextmanager
def told_as_ours(path: Path) -> Iterator[None]:
    """Turn what libosmium says of a broken file into our errors."""
    import osmium  # noqa: PLC0415  a compiled reader that only those who hear a file need

    try:
        yield
    except TooMuchError as error:
        raise DataError("osm.too_much", path=path) from error
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        if isinstance(error, LifecircleError):
            raise
        if re.search("Cannot allocate memory|Resource temporarily unavailable", str(error)):
            raise MemoryError from error  # no more of it, or no thread of the reader's own
        raise DataError("osm.corrupt", path=path, cause=error) from error


def _looked_through(path: Path) -> "tuple[Header, Effort]":
    """Return a file's header, and what is left to be heard once its ways and relations are counted."""
    import osmium  # noqa: PLC0415  as above

    effort = Effort(path)
    with osmium.io.Reader(str(path), osmium.osm.WAY | osmium.osm.RELATION) as reader:
        header = reader.header()
        osmium.apply(reader, effort)
    return header, effort


def header_of(path: Path) -> "Header":
    """Return a file's header."""
    import osmium  # noqa: PLC0415  as above

    with osmium.io.Reader(str(path.absolute()), osmium.osm.NOTHING) as reader:
        return reader.header()


def _hear(path: Path, facility_keys: Collection[str], header: "Header", effort: Effort) -> Heard:
    import osmium  # noqa: PLC0415  as above

    raw, wkb = Heard(*said_in(header)), osmium.geom.WKBFactory()
    for thing in _things_in(path, facility_keys):
        _hear_thing(thing, raw, wkb, facility_keys, effort)
    return raw


def said_in(header: "Header") -> tuple[tuple[float, float, float, float] | None, str | None]:
    """Return what a file's header says: west, south, east and north of the data, and when it was taken."""
    box, moment = header.box(), header.get("osmosis_replication_timestamp") or None
    if not box.valid():
        return None, moment
    return (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat), moment


def _things_in(path: Path, facility_keys: Collection[str]) -> Any:
    """Return an iterator over the ways, areas and nodes that matter, always in the same order."""
    import osmium  # noqa: PLC0415  as above

    kinds = osmium.osm
    heard = osmium.FileProcessor(str(path)).with_areas(osmium.filter.KeyFilter(*AREA_KEYS, *facility_keys))
    heard.with_filter(osmium.filter.EntityFilter(kinds.NODE | kinds.WAY | kinds.AREA))
    way_keys, node_keys = {"highway", *BARRIER_KEYS}, {*facility_keys, *NODE_KEYS}
    for kind, keys in ((kinds.WAY, way_keys), (kinds.NODE, node_keys)):
        with_keys = osmium.filter.KeyFilter(*keys)
        with_keys.enable_for(kind)
        heard.with_filter(with_keys)
    return heard


def _hear_thing(thing: Any, raw: Heard, wkb: Any, facility_keys: Collection[str], effort: Effort) -> None:
    """Add one of `_things_in` a file to what was heard of it."""
    if thing.is_way():
        if "highway" in thing.tags:
            _hear_way(thing, raw, wkb)
        if bars_the_way(thing.tags):
            bars = _bars(thing, wkb)
            raw.bars += bars
            raw.bar_tags += [dict(thing.tags)] * len(bars)
    elif thing.is_area():
        hear_area(thing, raw, wkb, dict(thing.tags), facility_keys)
    elif thing.is_node():
        _hear_node(thing, raw, wkb, facility_keys)
        effort.spend(0)


def _hear_node(node: Any, raw: Heard, wkb: Any, facility_keys: Collection[str]) -> None:
    if not node.location.valid():
        raw.misplaced.add(node.id)
        return
    tags, point = dict(node.tags), bytes.fromhex(wkb.create_point(node))
    if not tags.keys().isdisjoint(facility_keys):
        raw.points.append(point)
        raw.point_tags.append(tags)
        raw.point_ids.append(node.id)
    if not tags.keys().isdisjoint(NODE_KEYS):
        raw.gates.append(point)
        raw.gate_tags.append(tags)
        raw.gate_nodes.append(node.id)


def _bars(way: Any, wkb: Any) -> list[bytes]:
    """Return the pieces of a way whose nodes are there."""
    import osmium  # noqa: PLC0415  as above

    try:
        return [bytes.fromhex(wkb.create_linestring(way, osmium.geom.ALL))]
    except (RuntimeError, osmium.InvalidLocationError):  # a node is missing, or there is but one
        runs: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            runs[-1].append((node.location.lon, node.location.lat))
        else:
            runs.append([])
    return [shapely.to_wkb(shapely.LineString(run)) for run in runs if len(run) > 1]


def _hear_in_order(
    path: Path, facility_keys: Collection[str], header: "Header", effort: Effort
) -> Heard | None:
    """Hear a file, or return None if its objects are out of order or repeated."""
    try:
        raw = _hear(path, facility_keys, header, effort)
    except RuntimeError as error:
        if _OUT_OF_ORDER.search(str(error)):
            return None
        raise
    return None if _has_late_nodes(path, header, raw.missing) else raw


def _has_late_nodes(path: Path, header: "Header", missing: Collection[int]) -> bool:
    """Say whether a file holds nodes that its ways miss: then they come too late.

    Looked for here, because libosmium's sets of ids take as much memory as the ids are far apart.
    """
    import osmium  # noqa: PLC0415  as above

    if header.get("sorting") == "Type_then_ID" or not missing:
        return False
    return any(node.id in missing for node in osmium.FileProcessor(str(path), osmium.osm.NODE))


def _hear_sorted(
    path: Path, facility_keys: Collection[str], header: "Header", effort: Effort, size: int
) -> Heard:
    """Hear a copy, of at most `size` bytes, with the objects in order, and of repeated ones the last."""
    import osmium  # noqa: PLC0415  as above

    everything = osmium.MergeInputReader()
    everything.add_file(str(path))
    with room_for_copy(path, size) as folder:
        copy = folder / "sorted.osm.pbf"
        with osmium.SimpleWriter(str(copy)) as writer:
            everything.apply(writer)
        raw = _hear(copy, facility_keys, header, effort)
        before, after = (sum(1 for _ in osmium.FileProcessor(str(file))) for file in (path, copy))
    raw.twice, raw.reordered = before - after, True
    return raw


def _hear_way(way: Any, raw: Heard, wkb: Any) -> None:
    """Keep a walkable way; where nodes are missing it falls into the pieces that are there."""
    import osmium  # noqa: PLC0415  as above

    values = tuple(map(way.tags.get, WALK_TAGS))
    if values not in raw.known_tags:  # a city has a tenth as many as ways
        new = {key: value for key, value in zip(WALK_TAGS, values, strict=True) if value is not None}
        raw.known_tags[values] = None if who_may_walk(new) is Walk.CLOSED else new
    tags = raw.known_tags[values]
    if tags is None:
        return
    if raw.timestamp is None and way.timestamp.year >= OSM_BEGAN:
        raw.newest = max(raw.newest, way.timestamp.strftime(TIME))
    try:
        line = bytes.fromhex(wkb.create_linestring(way, osmium.geom.ALL))
    except (RuntimeError, osmium.InvalidLocationError):  # a node is missing, or there is but one
        _hear_pieces(way, raw, tags)
        return
    lonlat = array("d", line[_WKB_HEAD_BYTES:])
    raw.vertex.extend([node.ref for node in way.nodes])
    raw.lon.extend(lonlat[::2])
    raw.lat.extend(lonlat[1::2])
    _end_way(raw, tags)
    if is_square(tags) and way.is_closed():
        raw.square[-1] = raw.squares
        raw.squares += 1


def _hear_pieces(way: Any, raw: Heard, tags: dict[str, str]) -> None:
    """Keep the pieces of a clipped way."""
    piece: list[tuple[int, float, float]] = []
    missing_before = clipped = False
    for node in way.nodes:
        location = node.location
        if location.valid():
            piece.append((node.ref, location.lon, location.lat))
            continue
        clipped = True
        (raw.missing if location.x == _NO_PLACE else raw.misplaced).add(node.ref)
        _keep_piece(piece, raw, tags, cut_first=missing_before, cut_last=True)
        piece, missing_before = [], True
    _keep_piece(piece, raw, tags, cut_first=missing_before, cut_last=False)
    raw.clipped_ways += clipped


def _keep_piece(
    piece: list[tuple[int, float, float]],
    raw: Heard,
    tags: dict[str, str],
    *,
    cut_first: bool,
    cut_last: bool,
) -> None:
    if len(piece) < 2:  # noqa: PLR2004  a line has two ends
        raw.lonely.update(ref for ref, *_ in piece if cut_first or cut_last)
        return
    for ref, lon, lat in piece:
        raw.vertex.append(ref)
        raw.lon.append(lon)
        raw.lat.append(lat)
    _end_way(raw, tags)
    raw.cut[raw.way_start[-2]], raw.cut[-1] = cut_first, cut_last


def _end_way(raw: Heard, tags: dict[str, str]) -> None:
    """Say that the vertices heard since the last way are one."""
    raw.cut.extend(bytes(len(raw.vertex) - raw.way_start[-1]))
    raw.way_start.append(len(raw.vertex))
    raw.tags.append(tags)
    raw.square.append(-1)


def hear_area(
    area: Any, raw: Heard, wkb: Any, tags: Mapping[str, str], facility_keys: Collection[str]
) -> None:
    """Add an area that libosmium has assembled, with its tags."""
    try:
        raw.outlines.append(bytes.fromhex(wkb.create_multipolygon(area)))
    except RuntimeError:
        raw.broken_areas += 1
        return
    if not area.from_way():
        _hear_square(area, raw, tags)
    raw.outline_tags.append(tags_that_matter(tags, facility_keys))
    raw.outline_ids.append(area.orig_id() if area.from_way() else -area.orig_id())


def _hear_square(area: Any, raw: Heard, tags: Mapping[str, str]) -> None:
    """Keep the rings of a multipolygon that is a square; as lines that people walk nobody drew them."""
    tags = {key: tags[key] for key in WALK_TAGS if key in tags}
    tags = {"area": "yes", ACROSS: "yes", **tags}
    if not is_square(tags) or who_may_walk(tags) is Walk.CLOSED:
        return
    for outer in area.outer_rings():
        for ring in (outer, *area.inner_rings(outer)):
            for node in ring:
                raw.vertex.append(node.ref)
                raw.lon.append(node.lon)
                raw.lat.append(node.lat)
            _end_way(raw, tags)
            raw.square[-1] = raw.squares
        raw.squares += 1


def as_elements(raw: Heard) -> Elements:
    """Return what was heard as arrays."""
    ways = Lines(
        np.array(raw.vertex, dtype=np.int64),
        np.array(raw.lon, dtype=np.float64),
        np.array(raw.lat, dtype=np.float64),
        np.frombuffer(bytes(raw.cut), dtype=bool),
        np.array(raw.way_start, dtype=np.int64),
        raw.tags,
        np.array(raw.square, dtype=np.int64),
        np.arange(len(raw.tags))
        + np.array([AFTER_ALL * (ACROSS in tags) for tags in raw.tags], dtype=np.int64),
    )
    found = Elements(
        ways=ways,
        squares=raw.squares,
        points=_found(raw.points, raw.point_tags, raw.point_ids),
        outlines=_found(raw.outlines, raw.outline_tags, raw.outline_ids),
        bars=_found(raw.bars, raw.bar_tags, [0] * len(raw.bars)),
        gates=_found(raw.gates, raw.gate_tags, raw.gate_nodes),
        lonely=_sorted(raw.lonely),
        missing=_sorted(raw.missing),
        misplaced=_sorted(raw.misplaced),
        clipped_ways=raw.clipped_ways,
        broken_areas=raw.broken_areas,
        twice=raw.twice,
        reordered=raw.reordered,
        box=raw.box,
        timestamp=raw.timestamp or raw.newest or None,
    )
    return joined([found])


def _found(wkb: Sequence[bytes], tags: Sequence[Mapping[str, str]], ids: Sequence[int]) -> Found:
    shapes = np.empty(len(wkb), dtype=object)
    shapes[:] = shapely.from_wkb(wkb)
    return Found(shapes, tags, np.array(ids, dtype=np.int64), np.arange(len(wkb)))


def _sorted(nodes: Collection[int]) -> Ints:
    return np.array(sorted(nodes), dtype=np.int64)
