"""What was read of a city before, and need not be read again?

Kept by the content of the files, so that a changed file is another city. What is kept is plain arrays; a file
of it that is damaged, or was made by another version, is as good as none.
"""

import contextlib
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import pyproj
import shapely

import lifecircle
from lifecircle.network import Positions
from lifecircle.sources.packed import NotPackedError, pack, unpack

MOST_BYTES = 2_000_000_000
"""What all that is kept may take on the disk; what was not used for longest goes first."""
_MAKERS = ("geopandas", "numpy", "osmium", "pandas", "pyproj", "scipy", "shapely")
"""Libraries whose versions may show in the last digit of what is kept."""
_ENDING = ".npz"

T = TypeVar("T")


class KeptCities:
    """A folder of what was read before.

    Parameters
    ----------
    folder
        Made when something is put in; where that cannot be, nothing is kept.
    most_bytes
        What it may grow to.

    Attributes
    ----------
    used
        Whether anything was found in it.

    Examples
    --------
    >>> import lifecircle as lc
    >>> kept = lc.KeptCities("kept")
    >>> quick = [lc.analyze("lishui", minutes=[m], kept=kept) for m in (5, 10, 15)]  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str], *, most_bytes: int = MOST_BYTES) -> None:
        self.used = False
        self._folder, self._most_bytes = Path(folder), most_bytes

    def recall(self, key: str, classes: Sequence[type], read: Callable[[], T]) -> T:
        """Return what is kept by `key`, else what `read` returns, which is kept."""
        found: T | None = self.find(key, classes)
        if found is None:
            found = read()
            self.keep(key, found)
        return found

    def find(self, key: str, classes: Sequence[type]) -> Any:
        """Return what is kept by `key`, None where there is nothing whole."""
        path = self._folder / (key + _ENDING)
        try:
            found = unpack(path, classes)
        except (OSError, NotPackedError):
            return None
        with contextlib.suppress(OSError):  # it may be that nothing can be written here
            os.utime(path)
        self.used = True
        return found

    def keep(self, key: str, value: object) -> None:
        """Keep a value; another run sees it whole or not at all. Where the disk says no, nothing is kept."""
        content = pack(value)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(part).replace(self._folder / (key + _ENDING))
            except OSError:
                Path(part).unlink(missing_ok=True)
                raise
            self._prune()

    def positions(self, key: str) -> MutableMapping[str, Positions]:
        """Return the places that were snapped to the streets kept by `key`, for `WalkNetwork.snapped`."""
        return _KeptPositions(self, key)

    def _prune(self) -> None:
        """Remove what was not used for longest, until the rest is small enough."""
        files = [(path.stat(), path) for path in self._folder.iterdir()]
        left = sum(facts.st_size for facts, _ in files)
        for facts, path in sorted(files, key=lambda file: file[0].st_mtime):
            if left <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            left -= facts.st_size


class _KeptPositions(MutableMapping[str, Positions]):
    """Snapped places, each lot a file of its own."""

    def __init__(self, kept: KeptCities, key: str) -> None:
        self._kept, self._key, self._known = kept, key, dict[str, Positions]()

    def __getitem__(self, lot: str) -> Positions:
        if lot not in self._known:
            found = self._kept.find(f"{self._key}-{lot}", [Positions])
            if found is None:
                raise KeyError(lot)
            self._known[lot] = found
        return self._known[lot]

    def __setitem__(self, lot: str, positions: Positions) -> None:
        self._known[lot] = positions
        self._kept.keep(f"{self._key}-{lot}", positions)

    def __delitem__(self, lot: str) -> None:
        del self._known[lot]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def key_of(*facts: object) -> str:
    """Return a name for what these facts, plain values, and this version of the program lead to."""
    return hashlib.sha256(json.dumps([program(), *facts], default=str).encode()).hexdigest()[:32]


@functools.cache
def program() -> list[str]:
    """Return what tells this program from others: its own text, and the versions of what it is made with.

    First the digest of its code and catalog, then the versions of GEOS and PROJ, then ``"numpy 2.0"`` etc.
    """
    digest = hashlib.sha256()
    for path in sorted(
        path for path in Path(lifecircle.__file__).parent.rglob("*") if path.suffix in {".py", ".toml"}
    ):
        digest.update(path.read_bytes())
    libraries = [f"{name} {metadata.version(name)}" for name in _MAKERS]
    return [digest.hexdigest(), shapely.geos_version_string, pyproj.proj_version_str, *libraries]
