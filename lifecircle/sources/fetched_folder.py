"""How does a downloaded city come into its folder: whole, or not at all?"""

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

from lifecircle.errors import FileError
from lifecircle.staging import staged, take_place


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Prove that a city may be written to a folder, before anything is downloaded for it.

    Raises
    ------
    FileError
        If something is there and `overwrite` is not given, or whatever is there is no city.
    """
    if not os.path.lexists(folder):
        return
    if not overwrite:
        raise FileError("fetch.exists", path=folder)
    if not (folder / "city.toml").is_file():
        raise FileError("fetch.not_a_city", path=folder)


def put_in_place(folder: Path, write: Callable[[Path], None], *, overwrite: bool) -> Path | None:
    """Let `write` fill a hidden folder, then give it its name.

    Parameters
    ----------
    folder
        The city's folder.
    write
        Called with the folder to fill.
    overwrite
        Whether another city may make room.

    Returns
    -------
    Path or None
        Where the city that was there before is kept.

    Raises
    ------
    FileError
        As `check_free`; or if something cannot be written. What stood in `folder` then stands there still.
    """
    kept = folder.with_name(f"{folder.name}.{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S-%f}.old")
    try:
        with staged(folder) as (part, _):
            write(part)
            check_free(folder, overwrite=overwrite)
            try:
                take_place(part, folder, kept, replace=overwrite)
            finally:
                if kept.exists() and not folder.exists():
                    kept.rename(folder)
    except FileError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise FileError("fetch.cannot_write", path=folder, cause=error) from error
    return kept if kept.exists() else None
