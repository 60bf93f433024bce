"""How much memory will these streets take, does this computer have it, and how is it held cheaply?"""

import contextlib
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from lifecircle.errors import DataError

_BASE_BYTES = 250_000_000
"""The libraries, and what a small city takes."""
_BYTES_PER_BYTE = {".pbf": 60, ".gz": 40, ".bz2": 50, ".osm": 5}
"""Of memory by byte of an extract that is whole, measured on cities: see docs/decisions."""
_SURELY = 0.5
"""A file with more houses than streets takes as little as half of that."""
_NOTEWORTHY_BYTES = 1_500_000_000


def memory_needed(osm: Path) -> int:
    """Return about how many bytes of memory a city with these streets takes at its most."""
    return _BASE_BYTES + _BYTES_PER_BYTE.get(osm.suffix.lower(), 60) * osm.stat().st_size


def memory_here() -> int | None:
    """Return how many bytes of memory this process may take: of the machine, its container or its shell.

    None where the system does not say.
    """
    found = [_machine_bytes()]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            found.append(int(Path(file).read_text(encoding="ascii")))
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has no such module

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        found.append(None if most == resource.RLIM_INFINITY else most)
    return min((size for size in found if size), default=None)


def check_memory(osm: Path) -> None:
    """Refuse streets that surely take more memory than there is, before they are read.

    Raises
    ------
    DataError
        If even half of what such a file usually takes is more.
    """
    here, needed = memory_here(), memory_needed(osm)
    if here is not None and _SURELY * needed > here:
        raise DataError("memory.too_little", path=osm, needed=_gigabytes(needed), here=_gigabytes(here))


def memory_note(osm: Path) -> dict[str, str] | None:
    """Return what to say of a file before it is read: path, needed and here; None where nothing need be said.

    So it is of one that is small, and of one that is going to be refused.
    """
    if not osm.is_file() or (needed := memory_needed(osm)) < _NOTEWORTHY_BYTES:
        return None
    here = memory_here()
    if here is not None and _SURELY * needed > here:
        return None
    return {"path": str(osm), "needed": _gigabytes(needed), "here": "?" if here is None else _gigabytes(here)}


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f}"


def _machine_bytes() -> int | None:
    """Return how much memory the machine has."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only here

        class Status(ctypes.Structure):
            _fields_ = (("size", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong),
                        ("rest", ctypes.c_ulonglong * 6))  # fmt: skip

        status = Status(size=ctypes.sizeof(Status))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.total)
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def forget_peak() -> None:
    """Let `peak_mb` speak of what is held from now on, where the system can: Linux.

    What was freed is given back first: after a region the C library keeps most of a gigabyte.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here

        with contextlib.suppress(AttributeError, OSError):  # another C library than that of GNU
            ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float | None:
    """Return the most memory this process has held so far, in megabytes; None where the system is silent."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only here

        class Counters(ctypes.Structure):
            _fields_ = (("size", ctypes.c_ulong), ("faults", ctypes.c_ulong), ("peak", ctypes.c_size_t),
                        ("rest", ctypes.c_size_t * 7))  # fmt: skip

        counters = Counters(size=ctypes.sizeof(Counters))
        process = ctypes.c_void_p(-1)  # this one
        ask = ctypes.windll.kernel32.K32GetProcessMemoryInfo
        return counters.peak / 1e6 if ask(process, ctypes.byref(counters), counters.size) else None
    with contextlib.suppress(OSError, TypeError):  # Linux tells getrusage also what the parent held
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1e3  # type: ignore[index]
    import resource  # noqa: PLC0415 - Windows has no such module

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


@contextlib.contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Leave garbage in cycles where it is for a while.

    Where many objects are made the search takes a tenth of the time; of a large JSON, two thirds.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
