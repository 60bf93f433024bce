"""What copy of an OpenStreetMap file can be read where the file itself cannot, and is there room for it?"""

import bz2
import contextlib
import gzip
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lifecircle.errors import FileError

_PART_BYTES = 1 << 24
_NODE = re.compile(rb"""<node\b(?:[^<>"']++|"[^<"]*+"|'[^<']*+')*+>""")
_ATTRIBUTE = re.compile(rb"""([^\s=<>"']++)\s*+=\s*+("[^"]*+"|'[^']*+')""")
_NUMBER = re.compile(rb"-?\d{1,9}(?:\.\d*)?(?:[eE]-?\d{1,2})?")
_BEYOND = b"200"
"""Degrees that no place has."""


@contextlib.contextmanager
def room_for_copy(path: Path, size: int) -> Iterator[Path]:
    """Give a passing folder for a copy of so many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        # Looked at before: where a disk is full, libosmium's writer takes the whole process with it.
        if (free := shutil.disk_usage(folder).free) < size:
            raise FileError("osm.no_room", path=path, folder=Path(folder).parent, free=f"{free / 1e6:.1f}")
        yield Path(folder)


@contextlib.contextmanager
def with_odd_nodes_nowhere(path: Path, size: int) -> Iterator[Path]:
    """Give a copy of a file of XML; what cannot be a coordinate lies beyond the Earth there.

    libosmium counts nodes beyond the Earth, but stops for good at ``NaN``, ``1e30`` or nothing.
    """
    packers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open}
    opened = packers.get(path.suffix, open)
    with room_for_copy(path, size) as folder:
        copy = folder / "marked.osm"
        with opened(path, "rb") as source, copy.open("wb") as target:
            rest = b""
            while part := source.read(_PART_BYTES):
                whole, mark, rest = (rest + part).rpartition(b"<")  # which never stands within an element
                target.write(_NODE.sub(_numbered, whole))
                rest = mark + rest
            target.write(_NODE.sub(_numbered, rest))
        yield copy


def _numbered(node: re.Match[bytes]) -> bytes:
    """Return the beginning of a node, whose coordinates are numbers."""

    def checked(attribute: re.Match[bytes]) -> bytes:
        name, value = attribute[1], attribute[2][1:-1]
        odd = name in {b"lat", b"lon"} and not (
            _NUMBER.fullmatch(value) and abs(float(value)) <= float(_BEYOND)
        )
        return b'%b="%b"' % (name, _BEYOND) if odd else attribute[0]

    return _ATTRIBUTE.sub(checked, node[0])
