"""What nodes, ways and relations does a PBF hold, as plain arrays?

The format is decoded by NumPy, a block at a time: objects made one by one in Python take several times as
long. Only what nearly all files are is decoded: nodes packed densely, in ten-millionths of a degree. Whatever
else stands there is an `OddPbfError`, and the file is for libosmium to read, and to judge.

The format is that of the OpenStreetMap wiki (``PBF Format``), on the encoding of Protocol Buffers.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lifecircle.sources.pbf_blocks import BLOB_BYTES, varint
from lifecircle.streets import Flags, Ints, ranges, starts

Bytes = NDArray[np.uint8]
_NANODEGREES = 100
"""The usual granularity: coordinates are whole ten-millionths of a degree, as libosmium keeps them."""
_COORDINATES = 1 << 31
"""No coordinate is as large."""
_MOMENTS = 1 << 32
"""Seconds since 1970 that libosmium knows."""
_FEATURES = {b"OsmSchema-V0.6", b"DenseNodes"}
_DENSE, _WAYS, _RELATIONS = 2, 3, 4
"""Fields of a group, in the order in which a sorted file has them."""
_DENSE_TAGS = 10
_FIELDS_OF_ONE = 16
"""As many at most has an object."""
_BYTES_OF_NUMBER = 10
_MORE = 128
"""A byte as large as this says that the number goes on; the others end one."""
_VARINT, _LENGTH = 0, 2
"""How a field is written: as a number, or as so many bytes."""


class OddPbfError(Exception):
    """A file is not written as nearly all are, or is broken."""


class Tags(NamedTuple):
    """The tags of the objects of a group."""

    texts: list[bytes]
    """The texts of the block."""
    start: Ints
    """Shape (k + 1,). Object i has the tags ``start[i]`` to ``start[i + 1]``."""
    key: Ints
    """Shape (t,). Which text is the key."""
    value: Ints

    @property
    def owner(self) -> Ints:
        """Shape (t,). Whose each tag is."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def any(self, keys: Flags, values: Flags | None = None) -> Flags:
        """Return which objects have a tag of which the texts of key, and of value, are flagged."""
        found = np.zeros(len(self.start) - 1, dtype=bool)
        found[self.owner[keys[self.key] & (True if values is None else values[self.value])]] = True
        return found

    def only(self, keys: Flags, whole: Flags | None = None) -> "Tags":
        """Return the tags of flagged keys; of flagged objects all."""
        owner = self.owner
        kept = keys[self.key] | (False if whole is None else whole[owner])
        counts = np.bincount(owner[kept], minlength=len(self.start) - 1)
        return Tags(self.texts, starts(counts), self.key[kept], self.value[kept])

    def take(self, rows: Ints) -> "Tags":
        """Return the tags of the objects in some rows."""
        at = ranges(self.start[rows], self.start[rows + 1])
        return Tags(self.texts, starts(np.diff(self.start)[rows]), self.key[at], self.value[at])


class Nodes(NamedTuple):
    """Nodes of a group; rows belong together."""

    id: Ints
    lon: Ints
    """Ten-millionths of a degree."""
    lat: Ints
    tags: Tags


class Ways(NamedTuple):
    """Ways of a group; rows belong together."""

    id: Ints
    start: Ints
    """Shape (k + 1,). Way i has the nodes ``start[i]`` to ``start[i + 1]``."""
    node: Ints
    """Ids."""
    tags: Tags
    moment: Ints
    """Shape (k,). Seconds since 1970 of the last change; 0 where it is not said."""

    @property
    def closed(self) -> Flags:
        """Shape (k,). Which end at the node where they begin."""
        closed = np.diff(self.start) > 0
        closed[closed] = self.node[self.start[:-1][closed]] == self.node[self.start[1:][closed] - 1]
        return closed

    def take(self, rows: Ints) -> "Ways":
        """Return those in some rows."""
        at = ranges(self.start[rows], self.start[rows + 1])
        start = starts(np.diff(self.start)[rows])
        return Ways(self.id[rows], start, self.node[at], self.tags.take(rows), self.moment[rows])


class Relations(NamedTuple):
    """Relations of a group; rows belong together."""

    id: Ints
    start: Ints
    """Shape (k + 1,). Relation i has the members ``start[i]`` to ``start[i + 1]``."""
    member: Ints
    """Ids."""
    is_way: Flags
    tags: Tags


Group = Nodes | Ways | Relations


def blocks_in(path: Path) -> list[tuple[int, int]]:
    """Return where the blocks of data lie in a file, and how long each is.

    Raises
    ------
    OddPbfError
        If it needs what is not decoded here.
    """
    found, at, end = [], 0, path.stat().st_size
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            head = _message(file.read(int.from_bytes(file.read(4))))
            at, size = file.tell(), _int(head, 3, 0)
            if _bytes(head, 1) == b"OSMData":
                found.append((at, size))
            elif not _FEATURES.issuperset(_message(_unpacked(file.read(size))).get(4, [])):
                raise OddPbfError("features")
            at += size
    return found


def groups_in(path: Path, blocks: list[tuple[int, int]]) -> Iterator[Group]:
    """Yield what is in these blocks.

    Raises
    ------
    OddPbfError
        If something is not as `blocks_in` says.
    """
    with path.open("rb") as file:
        for at, size in blocks:
            file.seek(at)
            yield from _Block(_unpacked(file.read(size))).groups()


def relations_in(path: Path, blocks: list[tuple[int, int]]) -> list[Relations]:
    """Return the relations of a file, which stand at its end: what comes before them is not looked at.

    Raises
    ------
    OddPbfError
        As `groups_in`.
    """
    found = list[Relations]()
    with path.open("rb") as file:
        for at, size in reversed(blocks):
            file.seek(at)
            block = _Block(_unpacked(file.read(size)))
            found[:0] = block.relations()
            if not block.kinds() <= {_RELATIONS}:
                break
    return found


def _unpacked(packed: bytes) -> bytes:
    blob = _message(packed)
    if 1 in blob:
        return _bytes(blob, 1)
    try:
        return zlib.decompressobj().decompress(_bytes(blob, 3), BLOB_BYTES)
    except zlib.error as error:
        raise OddPbfError("zlib") from error


class _Block:
    """What a block holds, decoded when it is asked for."""

    def __init__(self, content: bytes) -> None:
        block = _message(content)
        usual = {17: _NANODEGREES, 19: 0, 20: 0}
        if any(_int(block, field, value) != value for field, value in usual.items()):
            raise OddPbfError("granularity")
        self._texts, self._groups = _bytes(block, 1), [packed for packed in block.get(2, []) if packed != b""]
        self._moment_s = _int(block, 18, 1000) / 1000

    def kinds(self) -> set[int]:
        """Return which fields its groups are."""
        return {packed[0] >> 3 for packed in self._groups}

    def groups(self) -> Iterator[Group]:
        """Yield its groups."""
        texts = _texts(self._texts)
        for packed in self._groups:
            match packed[0] >> 3:
                case 2:
                    yield _nodes(_message(_bytes(_message(packed), _DENSE)), texts)
                case 3:
                    yield _ways(_Columns.of_fields(packed, _WAYS), texts, self._moment_s)
                case 4:
                    yield _relations(_Columns.of_fields(packed, _RELATIONS), texts)
                case _:
                    raise OddPbfError("group")

    def relations(self) -> Iterator[Relations]:
        """Yield those of its groups that are relations."""
        texts = _texts(self._texts) if _RELATIONS in self.kinds() else []
        for packed in self._groups:
            if packed[0] >> 3 == _RELATIONS:
                yield _relations(_Columns.of_fields(packed, _RELATIONS), texts)


def _nodes(dense: dict[int, list[Any]], texts: list[bytes]) -> Nodes:
    deltas = [_signed(_numbers(_as_bytes(_bytes(dense, field)))) for field in (1, 8, 9)]
    if len({len(column) for column in deltas}) > 1:
        raise OddPbfError("dense")
    ids, lat, lon = (np.cumsum(column) for column in deltas)
    if len(ids) and max(lon.max(), lat.max(), -lon.min(), -lat.min()) >= _COORDINATES:
        raise OddPbfError("coordinates")
    dense.setdefault(_DENSE_TAGS, [b""])
    if not (packed := _bytes(dense, _DENSE_TAGS)):  # not one of them has a tag
        none = np.zeros(0, dtype=np.int64)
        return Nodes(ids, lon, lat, Tags(texts, np.zeros(len(ids) + 1, dtype=np.int64), none, none))
    words = _numbers(_as_bytes(packed)).astype(np.int64)
    ends = np.flatnonzero(words == 0)
    if len(ends) != len(ids) or not len(ends) or ends[-1] != len(words) - 1:
        raise OddPbfError("tags")
    counts = np.diff(ends, prepend=-1) - 1
    if (counts % 2).any():
        raise OddPbfError("tags")
    pairs = words[words != 0].reshape(-1, 2)
    tags = Tags(texts, starts(counts // 2), pairs[:, 0], pairs[:, 1])
    return Nodes(ids, lon, lat, _checked(tags))


def _ways(columns: "_Columns", texts: list[bytes], moment_s: float) -> Ways:
    start, deltas = columns.packed(8)
    info = columns.inner(4)
    moment = np.zeros(len(columns.start)) if info is None else info.number(2) * moment_s
    if columns.has(9) or columns.has(10):
        raise OddPbfError("locations")
    if len(moment) and not 0 <= moment.min() <= moment.max() < _MOMENTS:
        raise OddPbfError("moment")
    return Ways(
        columns.number(1),
        start,
        _summed(_signed(deltas), start),
        columns.tags(texts),
        moment.astype(np.int64),
    )


def _relations(columns: "_Columns", texts: list[bytes]) -> Relations:
    start, deltas = columns.packed(9)
    (of_roles, _), (of_types, types) = columns.packed(8), columns.packed(10)
    if not (np.array_equal(start, of_roles) and np.array_equal(start, of_types)):
        raise OddPbfError("members")
    return Relations(
        columns.number(1), start, _summed(_signed(deltas), start), types == 1, columns.tags(texts)
    )


class _Columns:
    """The fields of many messages, looked at in all at once: the first of each, then the second.

    Parameters
    ----------
    content
        Bytes, and ten more, into which a number runs that is cut off at the end.
    start, stop
        Where in it each message begins and ends.
    """

    def __init__(self, content: Bytes, start: Ints, stop: Ints) -> None:
        self.start, self._stop, self._content = start, stop, content
        self._first: dict[int, Ints] = {}
        self._last: dict[int, Ints] = {}
        self._read()

    @classmethod
    def of_fields(cls, packed: bytes, field: int) -> "_Columns":
        """Return the messages that follow one another as fields of one number."""
        start, stop = _messages(packed, field)
        return cls(_as_bytes(packed + bytes(_BYTES_OF_NUMBER)), start, stop)

    def _read(self) -> None:
        rows, at = np.arange(len(self.start)), self.start.copy()
        for _ in range(_FIELDS_OF_ONE):
            rows = rows[at[rows] < self._stop[rows]]
            if not len(rows):
                return
            mark, here = self._number_at(at[rows])
            value, after = self._number_at(here)
            numbered, long = (mark & 7) == _VARINT, (mark & 7) == _LENGTH
            # of a number its place is kept, of a packed field the bytes
            first, last = np.where(long, after, here), np.where(long, after + value, after)
            if not (numbered | long).all() or (last > self._stop[rows]).any() or (last < after).any():
                raise OddPbfError("field")
            for field in np.unique(mark).tolist():
                self._keep(field, rows[mark == field], first[mark == field], last[mark == field])
            at[rows] = last
        raise OddPbfError("fields")

    def _keep(self, mark: int, rows: Ints, first: Ints, last: Ints) -> None:
        if mark not in self._first:
            self._first[mark] = np.full(len(self.start), -1)
            self._last[mark] = np.full(len(self.start), -1)
        if (self._first[mark][rows] >= 0).any():
            raise OddPbfError("twice")
        self._first[mark][rows], self._last[mark][rows] = first, last

    def has(self, field: int, but: int = 0) -> bool:
        """Say whether any message has a field, written in any way but one."""
        return any(mark >> 3 == field and mark != but for mark in self._first)

    def number(self, field: int) -> Ints:
        """Return a field that is a number; 0 where it is missing."""
        found, mark = np.zeros(len(self.start), dtype=np.int64), field << 3 | _VARINT
        if mark in self._first:
            rows = np.flatnonzero(self._first[mark] >= 0)
            found[rows] = self._number_at(self._first[mark][rows])[0]
        return found

    def packed(self, field: int) -> tuple[Ints, NDArray[np.uint64]]:
        """Return a field of many numbers: where those of each message begin, and all of them."""
        mark = field << 3 | _LENGTH
        if self.has(field, but=mark):
            raise OddPbfError("unpacked")
        if mark not in self._first:
            return np.zeros(len(self.start) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint64)
        first, last = self._first[mark], self._last[mark]
        content = self._content[ranges(first, last)]
        ends = np.concatenate([[0], np.cumsum(content < _MORE)])
        upto = np.cumsum(last - first)
        if (content[upto[last > first] - 1] >= _MORE).any():
            raise OddPbfError("cut")
        return np.concatenate([[0], ends[upto]]), _numbers(content)

    def inner(self, field: int) -> "_Columns | None":
        """Return the messages in a field, empty where it is missing; None if it always is."""
        mark = field << 3 | _LENGTH
        if mark not in self._first:
            return None
        return _Columns(self._content, np.maximum(self._first[mark], 0), np.maximum(self._last[mark], 0))

    def tags(self, texts: list[bytes]) -> Tags:
        """Return the tags of ways or relations."""
        (start, key), (of_values, value) = self.packed(2), self.packed(3)
        if not np.array_equal(start, of_values):
            raise OddPbfError("tags")
        return _checked(Tags(texts, start, key.astype(np.int64), value.astype(np.int64)))

    def _number_at(self, at: Ints) -> tuple[Ints, Ints]:
        """Return the numbers that begin at these bytes, and where they end."""
        value: NDArray[np.uint64] = np.zeros(len(at), dtype=np.uint64)
        after = at.copy()
        rows = np.arange(len(at))
        for place in range(_BYTES_OF_NUMBER):
            byte = self._content[after[rows]]
            value[rows] |= (byte & (_MORE - 1)).astype(np.uint64) << np.uint64(7 * place)
            after[rows] += 1
            rows = rows[byte >= _MORE]
            if not len(rows):
                return value.astype(np.int64), after
        raise OddPbfError("number")


def _messages(packed: bytes, field: int) -> tuple[Ints, Ints]:
    """Return where messages begin and end that follow one another as fields of one number."""
    mark, at, end = field << 3 | _LENGTH, 0, len(packed)
    start, stop = list[int](), list[int]()
    most = end // 3 + 10  # an honest one has at least as many bytes
    try:
        while at < end:
            size, after = packed[at + 1], at + 2
            if size >= _MORE:
                size, after = varint(packed, at + 1)
            if packed[at] != mark or len(start) > most:
                raise OddPbfError("messages")
            at = after + size
            start.append(after)
            stop.append(at)
    except (IndexError, ValueError) as error:
        raise OddPbfError("messages") from error
    if at != end:
        raise OddPbfError("messages")
    return np.array(start, dtype=np.int64), np.array(stop, dtype=np.int64)


def _texts(table: bytes) -> list[bytes]:
    start, stop = _messages(table, 1)
    return [table[first:last] for first, last in zip(start.tolist(), stop.tolist(), strict=True)]


def _message(packed: bytes) -> dict[int, list[Any]]:
    """Return the fields of a message, numbers and bytes in the order in which they stand."""
    found: dict[int, list[Any]] = {}
    at = 0
    try:
        while at < len(packed):
            mark, at = varint(packed, at)
            value, at = varint(packed, at)
            if mark & 7 == _LENGTH:
                if at + value > len(packed):
                    raise OddPbfError("cut")
                found.setdefault(mark >> 3, []).append(packed[at : at + value])
                at += value
            elif mark & 7 == _VARINT:
                found.setdefault(mark >> 3, []).append(value)
            else:
                raise OddPbfError("field")
    except (IndexError, ValueError) as error:
        raise OddPbfError("cut") from error
    return found


def _bytes(message: dict[int, list[Any]], field: int) -> bytes:
    """Return a field of bytes that stands there once."""
    match message.get(field):
        case [bytes(value)]:
            return value
    raise OddPbfError("field")


def _int(message: dict[int, list[Any]], field: int, default: int) -> int:
    """Return a number that stands there once, or the default."""
    match message.get(field, [default]):
        case [int(value)]:
            return value
    raise OddPbfError("field")


def _as_bytes(packed: bytes) -> Bytes:
    return np.frombuffer(packed, dtype=np.uint8)


def _numbers(content: Bytes) -> NDArray[np.uint64]:
    """Return the numbers in a packed field: seven bits a byte, the lowest first."""
    last = np.flatnonzero(content < _MORE)
    if not len(content):
        return np.zeros(0, dtype=np.uint64)
    if not len(last) or last[-1] != len(content) - 1:
        raise OddPbfError("cut")
    first = np.concatenate([[0], last[:-1] + 1])
    size = last - first + 1
    if size.max() > _BYTES_OF_NUMBER:
        raise OddPbfError("number")
    value: NDArray[np.uint64] = (content[first] & (_MORE - 1)).astype(np.uint64)
    for place in range(1, int(size.max())):
        rows = np.flatnonzero(size > place)
        value[rows] |= (content[first[rows] + place] & (_MORE - 1)).astype(np.uint64) << np.uint64(7 * place)
    return value


def _signed(numbers: NDArray[np.uint64]) -> Ints:
    """Return numbers whose lowest bit says that they are negative."""
    return (numbers >> np.uint64(1)).astype(np.int64) ^ -(numbers & np.uint64(1)).astype(np.int64)


def _summed(deltas: Ints, start: Ints) -> Ints:
    """Return numbers of which each was written as what is added to the one before, for each run anew."""
    total = np.concatenate([[0], np.cumsum(deltas)])
    summed: Ints = total[1:] - np.repeat(total[start[:-1]], np.diff(start))
    return summed


def _checked(tags: Tags) -> Tags:
    """Refuse tags of texts that are not there."""
    if len(tags.key) and max(tags.key.max(), tags.value.max()) >= len(tags.texts):
        raise OddPbfError("texts")
    return tags
