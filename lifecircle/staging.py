"""How does a folder come into being whole or not at all, whoever is stopped or killed meanwhile?

What is written goes into a hidden folder beside its target, which then takes the target's place. A run holds
a lock on a third name as long as it lives, so that the next one knows what the dead have left behind.
"""

import contextlib
import ctypes
import errno
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_NEW, _OLD, _LOCK = "new", "old", "lock"
_ALONE = ".lifecircle.lock"
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""What a system says of a lock that another process holds."""
_FROM_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD, and RENAME_EXCHANGE of Linux or RENAME_SWAP of macOS."""


@contextlib.contextmanager
def staged(target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield an empty folder beside `target`, and the path of another for what is moved away; both vanish.

    If `target` itself was moved away and nothing has taken its place, it is put back.

    Raises
    ------
    OSError
        If something cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_dead(target)
    held, fresh, old = _held_lock(target)
    try:
        fresh.mkdir()
        yield fresh, old
    finally:
        _clear(target, fresh, old)
        held.close()
        Path(held.name).unlink(missing_ok=True)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Say whether this is the only process that works in a folder, and keep it so while the block lasts.

    What was killed holds nothing. Where a drive has no locks nobody is kept out.

    Raises
    ------
    OSError
        If the folder cannot be made, or nothing written into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _ALONE
    while True:
        lock = path.open("ab")
        try:
            _hold(lock)
        except OSError as error:
            if error.errno in _HELD:
                lock.close()
                yield False
                return
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                break
        lock.close()  # its holder took it away while it was waited for
    try:
        yield True
    finally:
        if sys.platform != "win32":  # which removes no open file
            path.unlink(missing_ok=True)
        lock.close()
        if sys.platform == "win32":
            with contextlib.suppress(OSError):  # somebody else holds it already
                path.unlink(missing_ok=True)


def take_place(fresh: Path, target: Path, old: Path, *, replace: bool) -> None:
    """Give `fresh` the name of `target`, and what stood there, where that may be replaced, the name `old`.

    On Linux and macOS both at one stroke; elsewhere `clear_dead` mends what a kill between them leaves.

    Raises
    ------
    OSError
        If it cannot be done; also if something stands there and `replace` is not given.
    """
    if not replace or not target.exists():
        if target.is_dir() and sys.platform == "win32":
            target.rmdir()  # refuses one that is not empty, as renaming does elsewhere
        fresh.rename(target)
        return
    fresh.rename(old)
    if not _exchanged(old, target):
        old.rename(fresh)
        target.rename(old)
        fresh.rename(target)


def clear_dead(target: Path) -> None:
    """Remove what runs that died left beside `target`; if one had moved it away, put it back first."""
    mark = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\." + _LOCK)
    with contextlib.suppress(OSError):  # no such folder, or not ours to look into
        for path in [path for path in target.parent.iterdir() if mark.fullmatch(path.name)]:
            with contextlib.suppress(OSError), path.open("r+b") as lock:
                _hold(lock)
                _clear(target, path.with_suffix(f".{_NEW}"), path.with_suffix(f".{_OLD}"))
                if sys.platform != "win32":  # which removes no open file
                    path.unlink()
            if sys.platform == "win32":
                with contextlib.suppress(OSError):
                    path.unlink()


def _held_lock(target: Path) -> tuple[IO[bytes], Path, Path]:
    """Return an open, locked file beside `target`, and the names of the two folders that it stands for."""
    while True:
        mark = uuid.uuid4().hex[:8]
        fresh, old, path = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in (_NEW, _OLD, _LOCK))
        lock = path.open("xb")
        with contextlib.suppress(OSError):  # some network drives have no locks
            _hold(lock)
        if path.exists():
            return lock, fresh, old
        lock.close()  # somebody took it for a dead one's before it was locked


def _hold(lock: IO[bytes]) -> None:
    """Lock an open file as long as it is open.

    Raises
    ------
    OSError
        If another process holds it, or there are no locks here.
    """
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - only Windows has it

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - Windows has no such module

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _clear(target: Path, fresh: Path, old: Path) -> None:
    if old.is_dir() and not target.exists():
        old.rename(target)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders at one stroke; False where the system cannot."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "renameat2"):
        names = os.fsencode(one), os.fsencode(other)
        return bool(libc.renameat2(_FROM_HERE, names[0], _FROM_HERE, names[1], _EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(libc := ctypes.CDLL(None), "renamex_np"):
        return bool(libc.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE) == 0)
    return False
