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

from benchmarks.page import FLOOR, give_page, page
from benchmarks.whole import Runs, in_turn, run_once

HERE = Path(__file__).parent
LIFECIRCLE = (sys.executable, "-m", "lifecircle", "analyze", "--out", "{out}")
SERVICES = 6
NODES = (10_000, 100_000, 1_000_000, 3_000_000)
PEERS = {
    "Valhalla": ["with_valhalla.py"],
    "pandana": ["with_pandana.py"],
    "cityseer": ["with_cityseer.py"],
    "OSMnx, reached nodes": ["with_osmnx.py", "--nodes"],
    "OSMnx, isochrones": ["with_osmnx.py"],
}
SLOW_WITH_MANY = ("OSMnx, reached nodes",)


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
    give_page(page(measured), chosen.write)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all figures by the sections of the page."""
    cities = {"bundled city": ["--city", "lishui"]}
    measured: dict[str, Any] = {"rounds": chosen.rounds}
    if chosen.shared:
        cities["Las Palmas"] = _las_palmas(chosen.shared)
    measured["whole"] = whole_runs(cities, chosen.rounds, folder)
    if not chosen.shared:
        return measured
    measured["growth"] = growth(chosen.shared.resolve() / "data")
    cases = {count: folder / str(count) for count in (50, 500)}
    for count, case in cases.items():
        words = ["-m", "benchmarks.cases", str(chosen.shared.resolve()), str(case), str(SERVICES), str(count)]
        _tell(words)
        run_once([sys.executable, *words])
    measured["engine"] = _figures([sys.executable, "-m", "benchmarks.engine", str(cases[500])])
    if chosen.peers_python:
        python = str(chosen.peers_python.absolute())
        measured["engine"] |= _figures([*_peer(python, "searches.py"), str(cases[500]), "{out}"])
        many = [name for name in PEERS if name not in SLOW_WITH_MANY]
        plans = ((50, chosen.rounds, list(PEERS)), (500, 1, many))
        measured["peers"] = [
            beside_peers(chosen.shared, cases[count], python, rounds, names) for count, rounds, names in plans
        ]
    return measured


def whole_runs(cities: Mapping[str, Sequence[str]], rounds: int, folder: Path) -> dict[str, Runs]:
    """Return runs of each city, read anew and kept from an earlier run."""
    _tell(["whole runs"])
    commands = {}
    for name, options in cities.items():
        commands[name] = [*LIFECIRCLE, *options, "--no-cache"]
        commands[f"{name}, again"] = [*LIFECIRCLE, *options]
    return in_turn(commands, rounds, XDG_CACHE_HOME=str(folder / "cache"))


def growth(data: Path) -> list[dict[str, Any]]:
    """Return a process per size, and one of Wuhan."""
    osm = str(data / "las_palmas" / "las_palmas.osm.pbf")
    words = [*([osm, str(nodes)] for nodes in NODES), [str(data / "wuhan" / "wuhan_roads.parquet")]]
    return [_figures([sys.executable, "-m", "benchmarks.growth", *size]) for size in words]


def beside_peers(shared: Path, case: Path, python: str, rounds: int, names: Sequence[str]) -> dict[str, Any]:
    """Return runs of lifecircle and its peers on one case."""
    name = f"Las Palmas, {SERVICES} x {case.name}"
    _tell([name])
    ours = [*LIFECIRCLE, *_las_palmas(shared), "--no-cache", "--lang", "en"]
    ours += ["--facilities", str(case / "facilities.csv"), "--standard", str(case / "standard.toml")]
    osm = ours[ours.index("--osm") + 1]
    commands = {"lifecircle": ours, FLOOR: [sys.executable, "-m", "benchmarks.floor", osm]}
    for peer in names:
        script, *options = PEERS[peer]
        commands[peer] = [*_peer(python, script), str(case), "{out}", *options]
    return {"name": name, "runs": in_turn(commands, rounds)}


def _las_palmas(shared: Path) -> list[str]:
    source = shared.resolve() / "data" / "las_palmas"
    osm, communities = source / "las_palmas.osm.pbf", source / "catchments.geojson"
    return ["--osm", str(osm), "--communities", str(communities)]


def _peer(python: str, script: str) -> list[str]:
    return [python, "-W", "ignore", str(HERE / "peers" / script)]


def _figures(words: Sequence[str]) -> dict[str, Any]:
    """Return the JSON in the last line that a process prints."""
    _tell(words[1:])
    figures: dict[str, Any] = json.loads(run_once(words).output.strip().splitlines()[-1])
    return figures


def _tell(words: Sequence[str]) -> None:
    print(*(Path(word).name for word in words), file=sys.stderr)


if __name__ == "__main__":
    main()
