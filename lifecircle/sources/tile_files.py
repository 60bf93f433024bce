"""How do the parts of a region lie in a folder, so that a worker reads only what its tile needs?

Columns are plain ``.npy`` files that are mapped, not read, whole; shapes are one run of WKB and where each of
them begins. Everything is written aside and moved in place, so a reader sees it whole or not at all.
"""

import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.sources.packed import pack
from lifecircle.streets import Floats, Ints


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file; another process sees it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with part.open("xb") as file:
            write(file)
        os.replace(part, path)  # noqa: PTH105  the same, and no new Path
    finally:
        part.unlink(missing_ok=True)


def write_packed(path: Path, value: object) -> None:
    """Write a value as `lifecircle.sources.packed.pack` does."""
    write_whole(path, lambda file: file.write(pack(value)))


def write_column(folder: Path, name: str, values: NDArray[Any]) -> None:
    """Write an array of numbers or flags."""
    write_whole(folder / f"{name}.npy", lambda file: np.save(file, values, allow_pickle=False))


def column(folder: Path, name: str) -> NDArray[Any]:
    """Return an array that `write_column` wrote, mapped into memory as it is looked at."""
    values: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return values


def write_shapes(folder: Path, name: str, wkb: Sequence[bytes], bounds: Floats) -> None:
    """Write shapes given as WKB, and the bounds of each, shape (k, 4)."""
    lengths = np.fromiter(map(len, wkb), dtype=np.int64, count=len(wkb))
    write_column(folder, f"{name}.at", np.concatenate([[0], np.cumsum(lengths)]))
    write_column(folder, f"{name}.bounds", np.asarray(bounds, dtype=np.float64).reshape(-1, 4))
    write_whole(folder / f"{name}.wkb", lambda file: file.writelines(wkb))


def shapes(folder: Path, name: str, rows: Ints) -> NDArray[Any]:
    """Return some shapes that `write_shapes` wrote."""
    at = column(folder, f"{name}.at")
    parts = []
    with (folder / f"{name}.wkb").open("rb") as file:
        for start, stop in zip(at[rows].tolist(), at[rows + 1].tolist(), strict=True):
            file.seek(start)
            parts.append(file.read(stop - start))
    found = np.empty(len(parts), dtype=object)
    found[:] = shapely.from_wkb(parts)
    return found


def rows_meeting(folder: Path, name: str, box: Floats) -> Ints:
    """Return the rows of the shapes whose bounds meet a box: low x, low y, high x, high y."""
    bounds = column(folder, f"{name}.bounds")
    meets = (bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0])
    meets &= (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])
    rows: Ints = np.flatnonzero(meets)
    return rows


class TagTable:
    """Numbers for sets of tags: of many things most have the same few."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[str, str], ...], int] = {}

    def number(self, tags: Mapping[str, str]) -> int:
        """Return the number of a set of tags."""
        return self._numbers.setdefault(tuple(tags.items()), len(self._numbers))

    @property
    def tags(self) -> list[dict[str, str]]:
        """The sets of tags, by their numbers."""
        return [dict(tags) for tags in self._numbers]

    def write(self, path: Path) -> None:
        """Write them."""
        text = json.dumps(self.tags, ensure_ascii=False)
        write_whole(path, lambda file: file.write(text.encode()))


def read_tags(path: Path) -> list[dict[str, str]]:
    """Return the tags of a `TagTable`, by their numbers."""
    tags: list[dict[str, str]] = json.loads(path.read_bytes())
    return tags


class Done(NamedTuple):
    """What a worker says of a task."""

    tile: str
    work: str
    rows: int
    seconds: float
    peak_mb: float
