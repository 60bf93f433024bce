"""How do results reach their folder: all of them, or none?"""

import contextlib
import shutil
import uuid
from collections.abc import Collection, Iterator
from os import PathLike
from pathlib import Path

from lifecircle.errors import FileError


def check_free(folder: str | PathLike[str], *, overwrite: bool, ours: Collection[str]) -> Path:
    """Prove that results may be written to a folder, before any work is done for them.

    Parameters
    ----------
    folder
        Where the results shall stand: absent, empty, or, with `overwrite`, holding nothing but results.
    overwrite
        Whether earlier results may be replaced.
    ours
        Names of the files that results consist of.

    Returns
    -------
    Path
        The folder, absolute, links followed.

    Raises
    ------
    FileError
        If the folder is a file, is the working directory, holds results and `overwrite` is not given, or
        holds anything that is not ours.
    """
    target = Path(folder).resolve()
    if target == Path.cwd() or target in Path.cwd().parents:
        raise FileError("report.folder_in_use", folder=target)
    try:
        found = sorted(path.name for path in target.iterdir())
        strangers = [name for name in found if name not in ours or not (target / name).is_file()]
    except FileNotFoundError:
        return target
    except NotADirectoryError as error:
        raise FileError("report.folder_is_file", folder=target) from error
    except OSError as error:
        raise FileError("report.not_writable", folder=target, cause=error.strerror) from error
    if strangers:
        raise FileError("report.stranger", folder=target, name=strangers[0])
    if found and not overwrite:
        raise FileError("report.folder_exists", folder=target)
    return target


@contextlib.contextmanager
def whole_folder(folder: str | PathLike[str], *, overwrite: bool, ours: Collection[str]) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` that takes its place when the block ends well.

    Whatever goes wrong in the block, what stood in `folder` before stands there after.

    Parameters
    ----------
    folder, overwrite, ours
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
    target = check_free(folder, overwrite=overwrite, ours=ours)
    mark = uuid.uuid4().hex[:8]
    fresh = target.with_name(f".{target.name}.{mark}.new")
    old = target.with_name(f".{target.name}.{mark}.old")
    try:
        fresh.mkdir(parents=True)
        yield fresh
        check_free(target, overwrite=overwrite, ours=ours)  # again: minutes may have passed
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    except FileError:
        raise
    except OSError as error:
        raise FileError("report.not_writable", folder=target, cause=error.strerror or error) from error
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
