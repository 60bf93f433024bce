"""How do results reach their folder: all of them or none, and never over somebody else's work?

``run.json`` and ``export.json`` list the files that lifecircle wrote beside them, with their digests. What is
not listed, or was changed since, belongs to the planner and is not replaced with a whole folder.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Iterator
from os import PathLike
from pathlib import Path

from lifecircle.errors import FileError
from lifecircle.staging import carry, clear_dead, move_in, staged, take_place

RECORDS = ("run.json", "export.json")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its path there with forward slashes, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_of(path) for path in files}


def check_free(folder: str | PathLike[str], *, overwrite: bool) -> Path:
    """Prove that results may be written to a folder, before any work is done for them.

    What runs that were killed left beside it is cleared.

    Parameters
    ----------
    folder
        Where the results shall stand: absent, empty, or, with `overwrite`, holding nothing but results as
        they were written.
    overwrite
        Whether earlier results may be replaced.

    Returns
    -------
    Path
        The folder, absolute, links followed.

    Raises
    ------
    FileError
        If the folder is a file, is the working directory, holds results and `overwrite` is not given, or
        holds anything that is not ours or was changed since.
    """
    target = Path(folder).resolve()
    clear_dead(target)
    if target == Path.cwd() or target in Path.cwd().parents:
        raise FileError("report.folder_in_use", folder=target)
    try:
        found = any(target.iterdir())
        _check_ours(target)
    except FileNotFoundError:
        return target
    except NotADirectoryError as error:
        raise FileError("report.folder_is_file", folder=target) from error
    except FileError:
        raise
    except OSError as error:
        raise FileError("report.not_writable", folder=target, cause=error.strerror) from error
    if found and not overwrite:
        raise FileError("report.folder_exists", folder=target)
    return target


@contextlib.contextmanager
def whole_folder(folder: str | PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` that takes its place when the block ends well.

    Whatever goes wrong in the block, what stood in `folder` before stands there after.

    Parameters
    ----------
    folder, overwrite
        As for `check_free`.

    Yields
    ------
    Path
        An empty folder to write into.

    Raises
    ------
    FileError
        As `check_free`; or if something cannot be written.
    """
    target = check_free(folder, overwrite=overwrite)
    with _temporary(target) as (fresh, old):
        yield fresh
        check_free(target, overwrite=overwrite)  # again: minutes may have passed
        take_place(fresh, target, old, replace=overwrite)


@contextlib.contextmanager
def added_files(
    folder: str | PathLike[str], *, overwrite: bool, patterns: Collection[str] = ()
) -> Iterator[Path]:
    """Yield a temporary folder whose files are added to `folder` when the block ends well: all, or none.

    Where `folder` holds nothing but results, they appear at one stroke; among files of others, one by one,
    and whoever is killed between two of them has the next run add the rest.

    Parameters
    ----------
    folder
        Where the files shall stand; it may hold other files, which stay.
    overwrite
        Whether files of the same names may be replaced.
    patterns
        Which files are going to be written, such as ``"maps/*.pdf"``, so that a refusal comes early.

    Yields
    ------
    Path
        An empty folder to write into.

    Raises
    ------
    FileError
        If such a file exists and `overwrite` is not given, or if something cannot be written.
    """
    target = Path(folder).resolve()
    if not overwrite:
        _check_absent(path for pattern in patterns for path in target.glob(pattern))
    with _temporary(target) as (fresh, old):
        yield fresh
        if not overwrite:
            files = (path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file())
            _check_absent(target / name for name in files if str(name) not in RECORDS)
        if _is_ours_alone(target):  # the folder as it shall be takes its place at one stroke
            carry(target, fresh)
            take_place(fresh, target, old, replace=True)
            carry(old, target)  # what another run added meanwhile
        else:
            move_in(fresh, target, old)


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield what `staged` does; what the disk refuses is one clear line."""
    try:
        with staged(target) as folders:
            yield folders
    except FileError:
        raise
    except OSError as error:
        raise FileError("report.not_writable", folder=target, cause=error.strerror or error) from error


def _check_absent(paths: Iterator[Path]) -> None:
    for path in paths:
        if path.exists():
            raise FileError("report.file_exists", path=path)


def _is_ours_alone(target: Path) -> bool:
    """Return whether a folder may be exchanged for another: it holds nothing of others, nor us at work."""
    if target == Path.cwd() or target in Path.cwd().parents:
        return False
    try:
        _check_ours(target)
    except FileNotFoundError:
        return True
    except FileError:
        return False
    return True


def _check_ours(target: Path) -> None:
    """Refuse a folder with a file that no record lists, or that is no longer as the record says."""
    written: dict[Path, str] = {}
    for here, folders, names in os.walk(target, onerror=_raise):
        folder = Path(here)
        links = [name for name in folders if (folder / name).is_symlink()]
        records = {name: listed for name in RECORDS if (listed := listed_files(folder / name)) is not None}
        for listed in records.values():
            written |= {folder / name: digest for name, digest in listed.items()}
        for name in sorted({*names, *links} - set(records)):
            path = folder / name
            shown = path.relative_to(target)
            if path not in written or path.is_symlink():
                raise FileError("report.stranger", folder=target, name=shown)
            if digest_of(path) != written[path]:
                raise FileError("report.edited", folder=target, name=shown)


def listed_files(record: Path, key: str = "files") -> dict[str, str] | None:
    """Return the files that a record lists, with their digests; None where it is no record."""
    try:
        files = json.loads(record.read_text(encoding="utf-8"))[key]
        return dict(files.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _raise(error: OSError) -> None:
    raise error
