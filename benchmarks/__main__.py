"""How long does a whole run take, from the command to the last file, and how much memory does it hold?"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LAS_PALMAS = Path("data/las_palmas")


def main() -> None:
    """Run each case and print its line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--shared", type=Path, help="folder that holds data/las_palmas")
    parser.add_argument("--runs", type=int, default=5, help="runs of each case, after one to warm up")
    chosen = parser.parse_args()
    cases = {"bundled city": ["--city", "lishui"]}
    if chosen.shared:
        folder = (chosen.shared / LAS_PALMAS).resolve()
        cases["Las Palmas"] = [
            *("--osm", str(folder / "las_palmas.osm.pbf")),
            *("--communities", str(folder / "catchments.geojson")),
        ]
    print(f"{'case':14}{'median s':>10}{'min':>8}{'max':>8}{'peak MB':>10}")
    for name, options in cases.items():
        seconds, megabytes = zip(*(whole_run(options) for _ in range(chosen.runs + 1)), strict=True)
        counted = seconds[1:]
        median, least, most = statistics.median(counted), min(counted), max(counted)
        print(f"{name:14}{median:10.2f}{least:8.2f}{most:8.2f}{max(megabytes):10.0f}")


def whole_run(options: list[str]) -> tuple[float, float]:
    """Return the seconds of one run and the megabytes it held at most."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "lifecircle", "analyze", *options, "--out", str(out)],
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - started
        return seconds, json.loads((out / "run.json").read_text(encoding="utf-8"))["peak_memory_mb"]


if __name__ == "__main__":
    main()
