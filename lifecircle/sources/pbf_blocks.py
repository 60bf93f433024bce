"""What do the blocks of a PBF unpack to, and may libosmium be trusted with them?"""

import collections
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOB_HEADER_BYTES = 1 << 16
BLOB_BYTES = 1 << 25
"""The most that the PBF format allows, of a block's header and of a block."""
_FREE_FIELDS = 500_000
"""As many as are looked at in half a second."""
_BYTES_PER_FIELD = 4
"""As many at least, when packed, takes a field of an honest file."""
_FIELDS_PER_BLOCK = 100
"""As many at least stand for a block: an honest one has hundreds of bytes."""


class TooManyFieldsError(Exception):
    """A PBF of its size holds no such number of fields, unless it was made to do harm."""


def pbf_bytes(path: Path, allowed: float) -> int:
    """Return the size of all blocks of a PBF, unpacked, or one above `allowed` as soon as it is reached.

    Raises
    ------
    ValueError
        Where the chain of blocks breaks.
    TooManyFieldsError
        Where the blocks hold more fields than an honest file of that size.
    """
    size, start, end = 0, 0, path.stat().st_size
    # A field takes two bytes and packs to nothing, so their number is bounded by the bytes on the disk.
    left = itertools.repeat(None, _FREE_FIELDS + end // _BYTES_PER_FIELD)
    with path.open("rb") as file:
        while start < end or not end:
            try:
                collections.deque(itertools.islice(left, _FIELDS_PER_BLOCK), maxlen=0)  # takes them off
                length = int.from_bytes(file.read(4))
                head = dict(_fields(file.read(length if length <= _BLOB_HEADER_BYTES else 0), left))
                packed = file.read(head[3] if head[3] <= BLOB_BYTES else 0)
                content = _unpacked(packed, left)
                size += len(content)
                if size > allowed:
                    return size
                if head[1] == b"OSMData":
                    _check_texts(content, left)
            # Too short, a field that is missing, or a number where bytes belong.
            except (AttributeError, KeyError, TypeError, ValueError, zlib.error) as error:
                raise ValueError(f"byte {start} of {end}") from error  # noqa: TRY003, EM102 - ends in our message
            start = file.tell()
    return size


def _unpacked(packed: bytes, left: Iterator[None]) -> bytes:
    """Return what one block holds; ValueError where it is none."""
    parts = list(_fields(packed, left))
    blob = dict(parts)
    if len(blob) < len(parts) or not blob.keys() <= {1, 2, 3} or {1, 3} <= blob.keys():
        raise ValueError
    if 1 in blob:
        raw: bytes = blob[1]
        return raw
    most = max(1, min(blob[2], BLOB_BYTES))  # zlib takes 0 for no limit
    return zlib.decompressobj().decompress(blob[3], most)


def _check_texts(content: bytes, left: Iterator[None]) -> None:
    """Prove that no text of a block holds a zero; ValueError where one does, or the block is none.

    libosmium takes texts to end at their first zero, and one that does not leads it out of its memory.
    """
    for number, table in _fields(content, left):
        # Nearly always the first text is the one that is empty, and no other holds a zero.
        if number == 1 and (table.count(0) > 1 or table[1:2] != b"\0"):
            for _, text in _fields(table, left):
                if 0 in text:
                    raise ValueError


def _fields(message: bytes, left: Iterator[None]) -> Iterator[tuple[int, Any]]:
    """Yield number and value (an int or bytes) of each field of a message; each takes one of those `left`.

    Raises
    ------
    ValueError
        Where the message breaks.
    TooManyFieldsError
        Where none is left.
    """
    at = 0
    for _ in left:
        if at >= len(message):
            return
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
            yield key >> 3, value
            continue
        if key & 7 == 2:  # noqa: PLR2004 - the format's mark of bytes
            length, at = varint(message, at)
        else:
            length = {1: 8, 5: 4}[key & 7]
        if length > len(message) - at:
            raise ValueError
        yield key >> 3, message[at : at + length]
        at += length
    raise TooManyFieldsError


def varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands there, seven bits a byte, the last one below 128, and where it ends."""
    value = 0
    for shift, byte in enumerate(message[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:  # noqa: PLR2004 - as above
            return value, at + shift + 1
    raise ValueError
