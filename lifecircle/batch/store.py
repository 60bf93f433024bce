"""Where do a batch's files live: in a folder of this computer, or behind an address that fsspec knows?

A store has no folders that change places at one stroke. There the record of a city is taken away first and
put back last, so that a city without one is not finished.
"""

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from lifecircle.errors import DataError, FileError

RECORD = "run.json"


def is_address(place: str) -> bool:
    """Say whether a place is an address such as ``s3://bucket/folder``, not a folder here."""
    return "://" in place


def under(place: str, *parts: str) -> str:
    """Return what lies below a folder or an address."""
    return "/".join([place.rstrip("/"), *parts]) if is_address(place) else str(Path(place, *parts))


@contextlib.contextmanager
def copy_here(place: str) -> Iterator[Path]:
    """Give a folder here as it is, or a passing copy of one behind an address; empty where nothing is there.

    Raises
    ------
    DataError
        If fsspec, or what it needs for such an address, is not installed.
    FileError
        If the store does not answer.
    """
    if not is_address(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="lifecircle-") as passing:
        folder = Path(passing) / place.rstrip("/").rpartition("/")[2]
        folder.mkdir()
        with _errors_of(place):
            system, root = _opened(place)
            for path in system.find(root) if system.exists(root) else []:
                there = folder / path.removeprefix(root).lstrip("/")
                if not there.resolve().is_relative_to(folder.resolve()):
                    raise FileError("batch.store", place=place, cause=path)
                there.parent.mkdir(parents=True, exist_ok=True)
                system.get_file(path, str(there))
        yield folder


@contextlib.contextmanager
def files_here(place: str, names: Collection[str]) -> Iterator[Path]:
    """Give a folder here as it is, or a passing one with those of the named files that are behind an address.

    Raises
    ------
    DataError, FileError
        As `copy_here`.
    """
    if not is_address(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="lifecircle-") as passing:
        with _errors_of(place):
            system, root = _opened(place)
            for name in names:
                if system.exists(f"{root}/{name}"):
                    system.get_file(f"{root}/{name}", str(Path(passing, name)))
        yield Path(passing)


def put_back(folder: Path, place: str) -> None:
    """Make what is behind an address the files of a folder, the record last; nothing for a folder here.

    Raises
    ------
    DataError, FileError
        As `copy_here`.
    """
    if not is_address(place):
        return
    with _errors_of(place):
        system, root = _opened(place)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        files.sort(key=lambda path: path.name == RECORD)
        new = {f"{root}/{path.relative_to(folder).as_posix()}": path for path in files}
        old = system.find(root) if system.exists(root) else []
        for path in sorted(old, key=lambda path: not path.endswith(f"/{RECORD}")):
            if path not in new or path.endswith(f"/{RECORD}"):
                system.rm_file(path)
        for there, path in new.items():
            system.makedirs(there.rpartition("/")[0], exist_ok=True)
            system.put_file(str(path), there)


def put_file(file: Path, place: str) -> None:
    """Put a file where it belongs, in a folder here or behind an address, at one stroke.

    Raises
    ------
    DataError, FileError
        As `copy_here`; or if it cannot be written here.
    """
    if is_address(place):
        with _errors_of(place):
            system, there = _opened(place)
            system.makedirs(there.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), there)
        return
    target = Path(place)
    passing = target.with_name(f".{uuid.uuid4().hex[:8]}.{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, passing)
            passing.replace(target)
        finally:
            passing.unlink(missing_ok=True)
    except OSError as error:
        raise FileError("report.not_writable", folder=target.parent, cause=error.strerror or error) from error


def keep_only(places: Sequence[str]) -> None:
    """Remove what bears the name of these files in other folders beside theirs, here or behind an address.

    Raises
    ------
    DataError, FileError
        As `put_file`.
    """
    if is_address(places[0]):
        beside, _, name = places[0].rsplit("/", 2)
        with _errors_of(beside):
            system, root = _opened(beside)
            ours = {_opened(place)[1] for place in places}
            for path in system.find(root):
                if path.endswith(f"/{name}") and path not in ours:
                    system.rm_file(path)
        return
    beside, name = str(Path(places[0]).parents[1]), Path(places[0]).name
    kept = set(map(Path, places))
    try:
        for path in [path for path in Path(beside).glob(f"*/{name}") if path not in kept]:
            path.unlink(missing_ok=True)
            path.parent.rmdir()
    except OSError as error:
        raise FileError("report.not_writable", folder=beside, cause=error.strerror or error) from error


def _opened(place: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra

        system, root = url_to_fs(place)
    except (ImportError, ValueError) as error:  # ValueError: no such kind of address
        raise DataError("batch.no_fsspec", place=place, cause=error) from error
    return system, root.rstrip("/")


@contextlib.contextmanager
def _errors_of(place: str) -> Iterator[None]:
    try:
        yield
    except (DataError, FileError):
        raise
    except OSError as error:
        raise FileError("batch.store", place=place, cause=error) from error
