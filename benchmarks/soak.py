"""Does memory stay flat over many analyses in one process, as in a notebook that is never closed?

By hand: ``python -m benchmarks.soak`` (200 analyses of the bundled city, all files written each time: some
ten minutes) or ``python -m benchmarks.soak 20``. Linux with glibc only. Prints after every tenth what the
process holds, and what of it is in use: the rest was freed and not yet given back, and comes and goes.
"""

import ctypes
import gc
import sys
import tempfile
import time
from pathlib import Path

import lifecircle as lc

_EVERY = 10
_WARM = 20
"""By then every library is loaded and every cache filled."""


def held_mb() -> float:
    """Return the memory that this process holds now, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


class _Allocator(ctypes.Structure):
    """What glibc says of its memory: struct mallinfo2."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def used_mb() -> float:
    """Return what C has allocated and not freed, in megabytes; Python has a store of its own."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _Allocator
    told = library.mallinfo2()
    return float(told.uordblks + told.hblkhd) / 1e6


def main(rounds: int) -> None:
    """Analyze and save so many times, and say how memory went."""
    start, seen, used = time.perf_counter(), [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, rounds + 1):
            lc.analyze("lishui").save(Path(folder) / "out", overwrite=True)
            if number % _EVERY == 0:
                gc.collect()
                seen.append(held_mb())
                used.append(used_mb())
                print(
                    f"{number:4d} analyses, {time.perf_counter() - start:6.0f} s, held {seen[-1]:6.1f} MB, "
                    f"allocated by C {used[-1]:6.2f} MB, by Python {sys.getallocatedblocks()} blocks",
                    flush=True,
                )
    for what, figures in (("held", seen), ("allocated by C", used)):
        warm = figures[_WARM // _EVERY - 1 :]
        print(f"{what}: {warm[0]:.1f} MB after {_WARM}, {warm[-1]:.1f} at the end, {max(warm):.1f} at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
