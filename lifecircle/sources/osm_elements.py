"""What ways, outlines and points does an OpenStreetMap file hold, and are they whole and in order?

Read by pyosmium in one pass. A file whose objects are out of order or repeated is sorted, then read again;
one of XML with coordinates that are no numbers is read again with the nodes that have them marked.
"""

import contextlib
import dataclasses
import re
from array import array
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from lifecircle.errors import DataError, LifecircleError
from lifecircle.sources.opening import Limits, check_osm
from lifecircle.sources.osm_barriers import BARRIER_KEYS, NODE_KEYS, bars_the_way, is_wall
from lifecircle.sources.osm_copies import room_for_copy, with_odd_nodes_nowhere
from lifecircle.walkable import ACROSS, Walk, is_square, who_may_walk

if TYPE_CHECKING:
    from osmium.io import Header

_OSM_BEGAN = 2004
_NO_PLACE = 2**31 - 1
"""What libosmium puts for the coordinates of a node that the file does not hold."""
_WALK_TAGS = (
    *("highway", "access", "foot", "motorroad", "oneway:foot", "foot:forward", "foot:backward"),
    *("surface", "wheelchair", "bridge", "tunnel", "area"),
)
_COMMON_TAGS = (
    *("building", "addr:street", "addr:housenumber", "addr:city", "addr:country", "leisure"),
    "building:levels",
)
OUT_OF_ORDER = re.compile("out of order|twice in input")
"""What libosmium says of a file that has to be sorted first."""
_WKB_HEAD_BYTES = 9
"""Before the coordinates of a line: the order of bytes, the type, the number of points."""


_FREE_EFFORT = 2_000_000
_EFFORT_PER_BYTE = 4
"""How much hearing a file may take: in honest ones a node of a way takes half a byte at the least."""
_EFFORT_PER_THING = 20
_CROSSINGS_PER_EFFORT = 5_000
"""libosmium compares every line of an area with all others beside it, a nanosecond each."""
_LONG_WAY = 20


class TooMuchError(Exception):
    """A file of its size holds no such number of things, unless it was made to do harm."""


class Effort:
    """How much is still to be heard of a file, in nodes of ways; a handler for pyosmium."""

    def __init__(self, path: Path) -> None:
        self._left = _FREE_EFFORT + _EFFORT_PER_BYTE * path.stat().st_size
        self._long: dict[int, int] = {}

    def spend(self, nodes: int, *, around: int = 0) -> None:
        """Take off one thing of so many nodes, and an area of which so many stand around it."""
        self._left -= _EFFORT_PER_THING + nodes + around * around // _CROSSINGS_PER_EFFORT
        if self._left < 0:
            raise TooMuchError

    def way(self, way: Any) -> None:
        """Take off a way."""
        count = len(way.nodes)
        self.spend(count, around=count if count > _LONG_WAY and way.is_closed() else 0)
        if count > _LONG_WAY:
            self._long[way.id] = count

    def relation(self, relation: Any) -> None:
        """Take off a relation."""
        self.spend(len(relation.members))  # before they are gone through
        ways = (member.ref for member in relation.members if member.type == "w")
        self.spend(0, around=sum(self._long.get(ref, _LONG_WAY) for ref in ways))


@dataclasses.dataclass
class Elements:
    """What was heard from the file so far; thrown away whole if the file turns out to be broken."""

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
    outline_ids: list[str] = dataclasses.field(default_factory=list)
    broken_areas: int = 0
    points: list[bytes] = dataclasses.field(default_factory=list)
    point_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    point_ids: list[str] = dataclasses.field(default_factory=list)
    bars: list[bytes] = dataclasses.field(default_factory=list)
    bar_is_wall: list[bool] = dataclasses.field(default_factory=list)
    gates: list[bytes] = dataclasses.field(default_factory=list)
    gate_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    gate_nodes: list[int] = dataclasses.field(default_factory=list)
    box: tuple[float, float, float, float] | None = None
    timestamp: str | None = None


def elements_of(path: Path, facility_keys: Collection[str], limits: Limits) -> Elements:
    """Return what is in the whole file, points that have one of `facility_keys`; of a broken one nothing.

    Raises
    ------
    DataError
        If it is not an OpenStreetMap file, not whole, unpacks to too much, holds far more than its size lets
        expect, or cannot be put in order.
    """
    import osmium  # noqa: PLC0415  a compiled reader that only those who hear a file need

    size = check_osm(path, limits)
    # By its full name: libosmium hands whatever begins with "http:" to a program that downloads.
    whole, copied = path.absolute(), size <= limits.max_text_bytes
    with told_as_ours(path), contextlib.ExitStack() as copies:
        header, effort = looked_through(whole)
        try:
            raw = _hear_in_order(whole, facility_keys, header, effort)
        except osmium.InvalidLocationError:
            if not copied or path.name.endswith(".pbf"):
                raise
            _, effort = looked_through(whole)
            whole = copies.enter_context(with_odd_nodes_nowhere(whole, size))
            raw = _hear_in_order(whole, facility_keys, header, effort)
        if raw is None and copied:
            raw = _hear_sorted(whole, facility_keys, header, effort, size)
    if raw is None:
        raise DataError("osm.unsorted", path=path)
    check_ids(raw, path)
    return raw


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


def looked_through(path: Path) -> "tuple[Header, Effort]":
    """Return a file's header, and what is left to be heard once its ways and relations are counted."""
    import osmium  # noqa: PLC0415  as above

    effort = Effort(path)
    with osmium.io.Reader(str(path), osmium.osm.WAY | osmium.osm.RELATION) as reader:
        header = reader.header()
        osmium.apply(reader, effort)
    return header, effort


def check_ids(raw: Elements, path: Path) -> None:
    """Refuse a file of an editor, whose new nodes have negative ids that libosmium does not find."""
    if (node := min(raw.missing, default=0)) < 0:
        raise DataError("osm.negative_ids", path=path, node=node)


def _hear(path: Path, facility_keys: Collection[str], header: "Header", effort: Effort) -> Elements:
    import osmium  # noqa: PLC0415  as above

    raw, wkb = begun(header), osmium.geom.WKBFactory()
    for thing in things_in(path, facility_keys):
        hear(thing, raw, wkb, facility_keys, effort)
    return raw


def begun(header: "Header") -> Elements:
    """Return what a file's header says, before anything is heard of the rest."""
    raw = Elements(timestamp=header.get("osmosis_replication_timestamp") or None)
    box = header.box()
    if box.valid():
        raw.box = (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)
    return raw


def things_in(path: Path, facility_keys: Collection[str]) -> Any:
    """Return an iterator over the ways, areas and nodes that matter, always in the same order."""
    import osmium  # noqa: PLC0415  as above

    area_keys = {"building", "highway", "landuse", "natural", "waterway", "leisure", "amenity"}
    kinds = osmium.osm
    heard = osmium.FileProcessor(str(path)).with_areas(osmium.filter.KeyFilter(*area_keys, *facility_keys))
    heard.with_filter(osmium.filter.EntityFilter(kinds.NODE | kinds.WAY | kinds.AREA))
    way_keys, node_keys = {"highway", *BARRIER_KEYS}, {*facility_keys, *NODE_KEYS}
    for kind, keys in ((kinds.WAY, way_keys), (kinds.NODE, node_keys)):
        with_keys = osmium.filter.KeyFilter(*keys)
        with_keys.enable_for(kind)
        heard.with_filter(with_keys)
    return heard


def hear(thing: Any, raw: Elements, wkb: Any, facility_keys: Collection[str], effort: Effort) -> None:
    """Add one of `things_in` a file to what was heard of it."""
    if thing.is_way():
        if "highway" in thing.tags:
            _hear_way(thing, raw, wkb)
        if bars_the_way(thing.tags):
            bars = _bars(thing, wkb)
            raw.bars += bars
            raw.bar_is_wall += [is_wall(thing.tags)] * len(bars)
    elif thing.is_area():
        _hear_area(thing, raw, wkb)
    elif thing.is_node():
        _hear_node(thing, raw, wkb, facility_keys)
        effort.spend(0)


def _hear_node(node: Any, raw: Elements, wkb: Any, facility_keys: Collection[str]) -> None:
    if not node.location.valid():
        raw.misplaced.add(node.id)
        return
    tags, point = dict(node.tags), bytes.fromhex(wkb.create_point(node))
    if not tags.keys().isdisjoint(facility_keys):
        raw.points.append(point)
        raw.point_tags.append(tags)
        raw.point_ids.append(f"n{node.id}")
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
) -> Elements | None:
    """Hear a file, or return None if its objects are out of order or repeated."""
    try:
        raw = _hear(path, facility_keys, header, effort)
    except RuntimeError as error:
        if OUT_OF_ORDER.search(str(error)):
            return None
        raise
    return None if has_late_nodes(path, header, raw.missing) else raw


def has_late_nodes(path: Path, header: "Header", missing: Collection[int]) -> bool:
    """Say whether a file holds nodes that its ways miss: then they come too late.

    Looked for here, because libosmium's sets of ids take as much memory as the ids are far apart.
    """
    import osmium  # noqa: PLC0415  as above

    if header.get("sorting") == "Type_then_ID" or not missing:
        return False
    return any(node.id in missing for node in osmium.FileProcessor(str(path), osmium.osm.NODE))


def _hear_sorted(
    path: Path, facility_keys: Collection[str], header: "Header", effort: Effort, size: int
) -> Elements:
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


def _hear_way(way: Any, raw: Elements, wkb: Any) -> None:
    """Keep a walkable way; where nodes are missing it falls into the pieces that are there."""
    import osmium  # noqa: PLC0415  as above

    values = tuple(map(way.tags.get, _WALK_TAGS))
    if values not in raw.known_tags:  # a city has a tenth as many as ways
        new = {key: value for key, value in zip(_WALK_TAGS, values, strict=True) if value is not None}
        raw.known_tags[values] = None if who_may_walk(new) is Walk.CLOSED else new
    tags = raw.known_tags[values]
    if tags is None:
        return
    if raw.timestamp is None and way.timestamp.year >= _OSM_BEGAN:
        raw.newest = max(raw.newest, way.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"))
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


def _hear_pieces(way: Any, raw: Elements, tags: dict[str, str]) -> None:
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
    raw: Elements,
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


def _end_way(raw: Elements, tags: dict[str, str]) -> None:
    """Say that the vertices heard since the last way are one."""
    raw.cut.extend(bytes(len(raw.vertex) - raw.way_start[-1]))
    raw.way_start.append(len(raw.vertex))
    raw.tags.append(tags)
    raw.square.append(-1)


def _hear_area(area: Any, raw: Elements, wkb: Any) -> None:
    try:
        raw.outlines.append(bytes.fromhex(wkb.create_multipolygon(area)))
    except RuntimeError:
        raw.broken_areas += 1
        return
    if not area.from_way() and "highway" in area.tags:
        _hear_square(area, raw)
    raw.outline_tags.append(_tags_of(area))
    raw.outline_ids.append(f"{'w' if area.from_way() else 'r'}{area.orig_id()}")


def _hear_square(area: Any, raw: Elements) -> None:
    """Keep the rings of a multipolygon that is a square; as lines that people walk nobody drew them."""
    tags = {key: value for key in _WALK_TAGS if (value := area.tags.get(key)) is not None}
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


def _tags_of(area: Any) -> dict[str, str]:
    """Return the tags of an outline: most have the same few, and asking for those is thrice as fast."""
    tags, known = area.tags, {}
    for key in _COMMON_TAGS:
        if (value := tags.get(key)) is not None:
            known[key] = value
            if len(known) == len(tags):
                return known
    return dict(tags)
