"""How fast is lifecircle, beside what else a planner could take, and as cities grow?

One command measures it all. Whole processes are measured from the command to the last file, imports included,
all in turn so that a slow minute meets all alike; every comparison is a ratio within one run.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, las_palmas
from benchmarks.growth import SIZES
from benchmarks.page import page
from benchmarks.whole import Runs, in_turn, run_once

HERE = Path(__file__).parent
LIFECIRCLE = (sys.executable, "-m", "lifecircle", "analyze", "--out", "{out}")
PEERS = {
    "Valhalla": ["with_valhalla.py"],
    "pandana": ["with_pandana.py"],
    "cityseer": ["with_cityseer.py"],
    "OSMnx, reached nodes": ["with_osmnx.py", "--nodes"],
    "OSMnx, isochrones": ["with_osmnx.py"],
}
SLOW_WITH_MANY = ("OSMnx, reached nodes", "OSMnx, isochrones")


def main() -> None:
    """Measure what was asked for; print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--shared", type=Path, help="folder that holds data/las_palmas and data/wuhan")
    parser.add_argument("--peers-python", type=Path, help="a Python with lifecircle's extra [peers]")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds, after one to warm up")
    parser.add_argument("--write", type=Path, help="file for the page, such as docs/benchmarks.md")
    chosen = parser.parse_args()
    os.environ["PYTHONPATH"] = str(HERE.parent)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(chosen, Path(folder))
    text = page(measured)
    if chosen.write:
        chosen.write.write_text(text, encoding="utf-8")
    else:
        print(text)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all figures by the sections of the page."""
    cities = {"bundled city": ["--city", "lishui"]}
    measured: dict[str, Any] = {"rounds": chosen.rounds}
    if chosen.shared:
        shared = chosen.shared.resolve()
        source = shared / "data" / "las_palmas"
        cities["Las Palmas"] = ["--osm", str(source / "las_palmas.osm.pbf")]
        cities["Las Palmas"] += ["--communities", str(source / "catchments.geojson")]
    measured["whole"] = whole_runs(cities, chosen.rounds, folder)
    if chosen.shared:
        few = las_palmas(shared, folder / "few", services=6, facilities=50)
        many = las_palmas(shared, folder / "many", services=6, facilities=500)
        measured["growth"] = growth(shared)
        measured["engine"] = _figures([sys.executable, "-m", "benchmarks.engine", str(many.folder)])
        if chosen.peers_python:
            python = str(chosen.peers_python.absolute())
            words = [python, "-W", "ignore", str(HERE / "peers" / "searches.py"), str(many.folder), "{out}"]
            measured["engine"] |= _figures(words)
            measured["peers"] = [
                beside_peers(few, python, chosen.rounds, PEERS),
                beside_peers(
                    many, python, 1, {name: PEERS[name] for name in PEERS if name not in SLOW_WITH_MANY}
                ),
            ]
    return measured


def whole_runs(cities: Mapping[str, Sequence[str]], rounds: int, folder: Path) -> dict[str, Runs]:
    """Return runs of each city, read anew and kept from an earlier run."""
    _tell("whole runs")
    commands = {}
    for name, options in cities.items():
        commands[name] = [*LIFECIRCLE, *options, "--no-cache"]
        commands[f"{name}, again"] = [*LIFECIRCLE, *options]
    return in_turn(commands, rounds, XDG_CACHE_HOME=str(folder / "cache"))


def growth(shared: Path) -> list[dict[str, Any]]:
    """Return a process per size, and one of Wuhan."""
    osm = shared / "data" / "las_palmas" / "las_palmas.osm.pbf"
    sizes = [[str(osm), str(size)] for size in SIZES]
    words = [*sizes, [str(shared / "data" / "wuhan" / "wuhan_roads.parquet")]]
    return [_figures([sys.executable, "-m", "benchmarks.growth", *size]) for size in words]


def beside_peers(case: Case, python: str, rounds: int, peers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return runs of lifecircle and its peers on one case."""
    _tell(case.name)
    commands: dict[str, Sequence[str]] = {"lifecircle": [*LIFECIRCLE, *case.options(), "--no-cache"]}
    for name, (script, *options) in peers.items():
        words = [python, "-W", "ignore", str(HERE / "peers" / script), str(case.folder), "{out}", *options]
        commands[name] = words
    return {"name": case.name, "runs": in_turn(commands, rounds)}


def _figures(words: Sequence[str]) -> dict[str, Any]:
    """Return the JSON in the last line that a process prints."""
    _tell(" ".join(Path(word).name for word in words[1:]))
    figures: dict[str, Any] = json.loads(run_once(words).output.strip().splitlines()[-1])
    return figures


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
