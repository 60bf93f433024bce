"""Does memory stay flat over many analyses in one process, as in a notebook that is never closed?

By hand: ``python -m benchmarks.soak`` (200 analyses of the bundled city, all files written each time: some
ten minutes) or ``python -m benchmarks.soak 20``. Linux only. Prints what the process holds after every tenth.
"""

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


def main(rounds: int) -> None:
    """Analyze and save so many times, and say how memory went."""
    start, seen = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, rounds + 1):
            lc.analyze("lishui").save(Path(folder) / "out", overwrite=True)
            if number % _EVERY == 0:
                gc.collect()
                seen.append(held_mb())
                print(
                    f"{number:4d} analyses, {time.perf_counter() - start:6.0f} s, {seen[-1]:6.1f} MB",
                    flush=True,
                )
    warm = seen[_WARM // _EVERY - 1 :]
    print(f"after {_WARM}: {warm[0]:.1f} MB, at the end {warm[-1]:.1f} MB, at most {max(warm):.1f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
