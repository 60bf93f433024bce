"""How long do many cities take as tasks of ``lifecircle batch``, with one worker and with two?

``python -m benchmarks.cities --shared ../shared`` measures twenty copies of Las Palmas and prints what stands in
``docs/scale.md``; ``python -m benchmarks.scale`` does it too. What two workers can gain at most is measured beside it in
the same minutes: two processes of nothing but additions, for two cores of a shared virtual machine are not twice
one, and not the same an hour later.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.whole import run_once

_TOML = (
    'osm = "las_palmas.osm.pbf"\ncommunities = "catchments.geojson"\n[name]\nen = "{name}"\nzh = "{name}"\n'
)
_ADDITIONS = "total = 0\nfor number in range(30_000_000):\n    total += number"
_EVERY_S = 0.2


class Batch(NamedTuple):
    """One run of a batch; memory is of all its processes together, as is time of the processor."""

    cities: int
    workers: int
    seconds: float
    cpu_s: float
    all_mb: float
    worker_mb: float
    """The most that one worker held, as it says itself."""


@contextlib.contextmanager
def together() -> Iterator[list[float]]:
    """Look what all processes that this one begins hold together, megabytes; nothing on others than Linux.

    What several share is counted for each of them.
    """
    ended, held = threading.Event(), list[float]()

    def watch() -> None:
        while not ended.wait(_EVERY_S):
            held.append(_held_below(os.getpid()))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()


def _held_below(ancestor: int) -> float:
    """Return the megabytes of all processes that descend from one."""
    parent, held = dict[int, int](), dict[int, float]()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":", 1) for line in status.read_text(errors="replace").splitlines())
        except OSError:  # ended meanwhile
            continue
        pid = int(facts["Pid"])
        parent[pid], held[pid] = int(facts["PPid"]), float(facts.get("VmRSS", "0 kB").split()[0]) / 1000
    total = 0.0
    for pid, megabytes in held.items():
        above = parent[pid]
        while above in parent and above != ancestor:
            above = parent[above]
        total += megabytes if above == ancestor else 0.0
    return total


def gain_of_two() -> float:
    """Return how many times as fast as one two processes of nothing but additions are, here and now."""
    seconds = []
    for count in (1, 2):
        started = time.perf_counter()
        running = [subprocess.Popen([sys.executable, "-c", _ADDITIONS]) for _ in range(count)]
        for process in running:
            process.wait()
        seconds.append(time.perf_counter() - started)
    return 2 * seconds[0] / seconds[1]


def measure_cities(shared: Path, copies: int, workers: list[int]) -> tuple[list[Batch], list[float]]:
    """Return a batch of so many copies for each number of workers, and what additions gained between them."""
    rows, gains = [], [gain_of_two()]
    with tempfile.TemporaryDirectory() as folder:
        cities = [_copied(shared, Path(folder, f"lp{number:02d}")) for number in range(1, copies + 1)]
        for count in workers:
            words = [sys.executable, "-m", "lifecircle", "batch", "--cities", ",".join(map(str, cities))]
            words += ["--workers", str(count), "--no-cache", "--lang", "en"]
            out = Path(folder, f"out-{count}")
            with together() as held:
                run = run_once([*words, "--out", str(out)])
            units = json.loads((out / "batch.json").read_text(encoding="utf-8"))["units"]
            most = max(unit["peak_memory_mb"] for unit in units)
            rows.append(Batch(copies, count, run.wall_s, run.cpu_s, max(held), most))
            gains.append(gain_of_two())
            print(rows[-1], f"additions: {gains[-1]:.2f}", file=sys.stderr, flush=True)
    return rows, gains


def _copied(shared: Path, city: Path) -> Path:
    """Write one copy of Las Palmas as the folder of a city."""
    city.mkdir()
    for name in ("las_palmas.osm.pbf", "catchments.geojson"):
        shutil.copy(shared / "data" / "las_palmas" / name, city)
    (city / "city.toml").write_text(_TOML.format(name=city.name), encoding="utf-8")
    return city


def section(rows: list[Batch], gains: list[float]) -> str:
    """Return what the page says of them."""
    about = (
        f"{rows[0].cities} copies of Las Palmas as cities of one `lifecircle batch`, three services, from the command to the "
        "last file; *all MB* is what all its processes held together at their most, looked at five times a second:"
    )
    lines = [
        about,
        "",
        "| cities | workers | s | cpu s | all MB | a worker MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.cities} | {row.workers} | {row.seconds:.1f} | {row.cpu_s:.1f} | {row.all_mb:,.0f} | {row.worker_mb:,.0f} |"
        for row in rows
    ]
    by_workers = {row.workers: row for row in rows}
    told = ", ".join(f"{gain:.2f}" for gain in gains)
    if 1 in by_workers and 2 in by_workers:  # noqa: PLR2004 - two workers are what is asked
        ratio = by_workers[1].seconds / by_workers[2].seconds
        share = ratio / statistics.median(gains)
        beside = (
            f"Two workers are {ratio:.2f} times as fast as one. Before, between and after these runs two processes of "
            f"nothing but additions were {told} times as fast as one on this machine: the batch gains {share:.0%} of that."
        )
        lines += ["", beside]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cities", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    parser.add_argument("--cities", type=int, default=20, help="how many copies")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    chosen = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    print(section(*measure_cities(chosen.shared.resolve(), chosen.cities, chosen.workers)))


if __name__ == "__main__":
    main()
