"""How does a folder come into being whole or not at all, whoever is stopped or killed meanwhile?

What is written goes into a hidden folder beside its target, which then takes the target's place; or, where
others keep files in the target, each file of it moves in. A run holds a lock on another name as long as it
lives, so that the next one knows what the dead have left behind.
"""

import contextlib
import ctypes
import errno
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lifecircle.messages import LANGUAGES, say

_NEW, _ADD, _OLD, _LOCK = "new", "add", "old", "lock"
_LOOKED_AT_S = 0.05
"""As long as another run takes to see that a lock is not a dead one's, or to remove it."""
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
    fresh, old, path = _names(target)
    held = None
    try:
        while (held := _held(path)) is None:
            fresh, old, path = _names(target)
        fresh.mkdir()
        yield fresh, old
    finally:
        try:
            _end(target, (fresh, old, path), held)
        except BaseException:  # Ctrl-C may come now too
            _end(target, (fresh, old, path), held)
            raise


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
    if target.is_dir():
        shutil.copymode(target, fresh)
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


def move_in(fresh: Path, target: Path, old: Path) -> None:
    """Move every file of `fresh` into `target`, over files of the same names; `old` holds those meanwhile.

    Whoever is killed meanwhile has `clear_dead` move the rest; until then a file says so in both languages.
    Whatever else goes wrong, all is taken back.

    Raises
    ------
    OSError
        If a file cannot be moved.
    """
    files = [path.relative_to(fresh) for path in sorted(fresh.rglob("*")) if path.is_file()]
    adding = fresh.with_suffix(f".{_ADD}")
    for parent in {(old / name).parent for name in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for name in files:
        _keep(target / name, old / name)
    fresh.rename(adding)  # from here on the next run finishes it
    try:
        _notice(target, fresh).write_text(
            "\n\n".join(say("report.unfinished", lang) for lang in LANGUAGES), encoding="utf-8"
        )
        _move_all(adding, target)
    except BaseException:
        adding.rename(fresh)
        for name in files:
            if (old / name).exists():
                (old / name).replace(target / name)
            elif not (fresh / name).exists():
                (target / name).unlink(missing_ok=True)
        raise


def carry(folder: Path, into: Path) -> None:
    """Give every file below a folder, if there is one, a name at the same place of another; none is replaced.

    Raises
    ------
    OSError
        If it cannot be done.
    """
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        place = into / path.relative_to(folder)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _keep(path, place)


def clear_dead(target: Path) -> None:
    """Remove what runs that died left beside `target`, having finished or put back what they had begun."""
    mark = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{8}\." + f"({_LOCK}|{_NEW})")
    with contextlib.suppress(OSError):  # no such folder, or not ours to look into
        found = [path for path in target.parent.iterdir() if mark.fullmatch(path.name)]
        for path in [path for path in found if path.suffix == f".{_NEW}"]:
            if not path.with_suffix(f".{_LOCK}").exists():  # a lost helper wrote into it after its end
                shutil.rmtree(path, ignore_errors=True)
        for path in [path for path in found if path.suffix == f".{_LOCK}"]:
            with contextlib.suppress(OSError), path.open("r+b") as lock:
                _hold(lock)
                _clear(target, path.with_suffix(f".{_NEW}"), path.with_suffix(f".{_OLD}"))
                if sys.platform != "win32":  # which removes no open file
                    path.unlink()
            if sys.platform == "win32":
                with contextlib.suppress(OSError):
                    path.unlink()


def _names(target: Path) -> tuple[Path, Path, Path]:
    """Return new names beside `target`: of a folder, of another for what is moved away, and of their lock."""
    mark = uuid.uuid4().hex[:8]
    fresh, old, lock = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in (_NEW, _OLD, _LOCK))
    return fresh, old, lock


def _end(target: Path, names: tuple[Path, Path, Path], held: IO[bytes] | None) -> None:
    """Leave nothing behind, not even a lock that Ctrl-C kept from us when it was made."""
    fresh, old, lock = names
    _clear(target, fresh, old)
    if held is not None:
        held.close()
    with contextlib.suppress(OSError):
        lock.unlink()


def _held(path: Path) -> IO[bytes] | None:
    """Make a file and lock it; None where somebody took it for a dead one's before it was locked."""
    lock = path.open("xb")
    for seconds in (_LOOKED_AT_S, 0):  # some network drives have no locks
        try:
            _hold(lock)
            break
        except OSError:
            time.sleep(seconds)
    if path.exists():
        return lock
    lock.close()
    return None


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
    adding = fresh.with_suffix(f".{_ADD}")
    if adding.is_dir():
        _move_all(adding, target)
    elif old.is_dir() and not target.exists():
        old.rename(target)
    with contextlib.suppress(OSError):
        _notice(target, fresh).unlink()
    for folder in (adding, fresh, old):
        shutil.rmtree(folder, ignore_errors=True)


def _notice(target: Path, fresh: Path) -> Path:
    """Return the file that says, as long as files of `fresh` move into `target`, that not all are there."""
    return target / f"lifecircle-unfinished-{fresh.suffixes[-2][1:]}.txt"


def _move_all(folder: Path, target: Path) -> None:
    """Move every file below a folder to the same place below `target`, each at one stroke."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)


def _keep(path: Path, kept: Path) -> None:
    """Give a file a second name, or make a copy where a file has but one; nothing where there is no file."""
    with contextlib.suppress(FileNotFoundError):
        try:
            os.link(path, kept)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copy2(path, kept)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders at one stroke; False where the system cannot."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "renameat2"):
        names = os.fsencode(one), os.fsencode(other)
        return bool(libc.renameat2(_FROM_HERE, names[0], _FROM_HERE, names[1], _EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(libc := ctypes.CDLL(None), "renamex_np"):
        return bool(libc.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE) == 0)
    return False
