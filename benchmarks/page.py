"""How do the figures become a page? ``docs/benchmarks.md``, with nothing in it but what was measured and how."""

import datetime as dt
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.whole import Runs

BY_HAND = "<!-- Below this line by hand: kept when the page is measured anew. -->"
TARGETS = {
    "OSMnx, isochrones": 25,
    "OSMnx, reached nodes": 25,
    "pandana": 15,
    "cityseer": 10,
    "Valhalla": 4,
}
"""How many times as fast as each lifecircle is meant to be, end to end."""
FLOOR = "libraries and file, no more"
_HEAD = """# Benchmarks

Measured {day} on {system}, {cores} cores, Python {python}, by `python -m benchmarks --shared ... --peers-python ...
--write docs/benchmarks.md`; this page is its output. Whole processes run in turn (A B C A B C ...), {rounds} counted
rounds after one to warm up; figures are medians, and ratios are of one run. *s* is time by the clock, *cpu s* of all
processors together. What the figures mean, and where the time goes, is in
[the record on speed](decisions/0021-where-the-time-goes.md).
"""
_WHOLE = """## A whole run

`lifecircle analyze`, from the command to the last of its files, imports included; *again* is a second run of the same
files, of which nothing is read or snapped again.
"""
_PEERS = """## Beside other libraries

The same work end to end: from the OpenStreetMap file to the share of residential floor area covered within 10 and 15
minutes (800 and 1,200 m) by community, gaps as polygons, and a map. Facilities are random places on streets (fixed
seed), because the real city has few of each kind. Each pipeline is written as its library's users would, and as
well as we could; all but OSMnx, which is spared it, read the homes from the file by the same rule. What they leave
out: reasons for gaps, what is unknown, medians, nearest facilities, bands of minutes, the ledger, the GeoPackage of
homes, the printed record. pandana and cityseer are under the (A)GPL: they are measured here and are no part of
lifecircle. *{floor}* is a process that loads the libraries of an analysis and has the streets of the file as
arrays (`benchmarks/floor.py`): what a peer takes beside it is the most that could be gained on that peer.
"""
_ENGINE = """## The engine by itself

Seconds of the processor in one process that has imported everything, {facilities} facilities on the
{junctions:,} junctions of Las Palmas. SciPy is asked for distances between junctions; lifecircle also walks from homes
and to doors along their streets, and says which facility is nearest. Within a cutoff, SciPy on the whole graph holds
a distance from every facility to every junction; lifecircle crops the graph and stays within bounded memory. The
search is meant to take at most 1.5 times SciPy's, the cutoff at most twice the best library's, and pandana at
least 20 times as long for all from file to walks.
"""
_GROWTH = """## Growth

The streets of Las Palmas side by side as often as it takes, made in memory: as many nodes as a larger city, not a
larger city. A home for every 4 nodes, 8 services with a facility for every 1,500 nodes. *s* is all from ways to
walks, with the drawing of random places; the peak is of the process, interpreter and libraries included. Wuhan: every
road of the real city, read from a file, with random homes and facilities.
"""


def page(measured: Mapping[str, Any]) -> str:
    """Return the page of all that was measured."""
    parts = [
        _HEAD.format(
            day=dt.datetime.now(dt.UTC).date(),
            system=platform.system(),
            cores=os.cpu_count(),
            python=platform.python_version(),
            rounds=measured["rounds"],
        ),
        _WHOLE + _whole(measured["whole"]),
    ]
    if "peers" in measured:
        parts.append(_PEERS.format(floor=FLOOR) + "\n".join(_beside(**case) for case in measured["peers"]))
    if "engine" in measured:
        parts.append(_ENGINE.format(**measured["engine"]) + _engine(measured["engine"]))
    if "growth" in measured:
        parts.append(_GROWTH + _growth(measured["growth"]))
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _whole(runs: Mapping[str, Runs]) -> str:
    rows = [
        [
            name,
            *(f"{run.median(figure):.2f}" for figure in ("wall_s", "cpu_s")),
            f"{run.median('peak_mb'):.0f}",
        ]
        for name, run in runs.items()
    ]
    return _table(["case", "s", "cpu s", "peak MB"], rows)


def _beside(name: str, runs: Mapping[str, Runs]) -> str:
    ours, least = runs["lifecircle"], runs[FLOOR]
    rows = []
    for peer, run in runs.items():
        if not run.runs:
            rows.append([peer, "failed", *[""] * 7])
            continue
        ratios = [f"{run.median(figure) / ours.median(figure):.1f}" for figure in ("wall_s", "cpu_s")]
        ratios.append(f"{run.median('cpu_s') / least.median('cpu_s'):.1f}")
        figures = [f"{run.median(figure):.1f}" for figure in ("wall_s", "cpu_s")]
        target = f"{TARGETS[peer]}" if peer in TARGETS else ""
        rows.append([peer, *figures, f"{run.median('peak_mb'):.0f}", *ratios, target])
    heads = [
        "",
        "s",
        "cpu s",
        "peak MB",
        "times as long",
        "times the cpu",
        "times the cpu of the least",
        "meant to be",
    ]
    return f"\n### {name} facilities\n" + _table(heads, rows)


def _engine(figures: Mapping[str, float]) -> str:
    seconds = {name: value for name, value in figures.items() if name not in {"junctions", "facilities"}}
    compared = [
        ("nearest: lifecircle, the search", "nearest: SciPy"),
        ("nearest: lifecircle, all homes", "nearest: SciPy"),
        ("within 1,200 m: lifecircle, all homes", "within 1,200 m: SciPy, whole graph"),
        ("within 1,200 m: lifecircle, all homes", "within 1,200 m: pandana"),
        ("pandana: load, network and six searches", "load, network and six searches"),
    ]
    ratios = [
        f"*{above}* / *{below}* = {seconds[above] / seconds[below]:.2f}"
        for above, below in compared
        if above in seconds and below in seconds
    ]
    rows = [[name, f"{value:.4f}"] for name, value in seconds.items()]
    return _table(["", "cpu s"], rows) + "\n" + "\n".join(f"- {ratio}" for ratio in ratios) + "\n"


def _growth(sizes: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for size in sizes:
        each = ", ".join(f"{name} {seconds:.2f}" for name, seconds in size["seconds"].items())
        counts = [f"{size[key]:,}" for key in ("nodes", "junctions", "homes", "facilities")]
        rows.append([*counts, f"{size['wall_s']:.1f}", f"{size['peak_mb']:.0f}", each])
    rows[-1][0] += " (Wuhan)"
    heads = [
        "street nodes",
        "junctions",
        "homes",
        "facilities per service",
        "s",
        "peak MB",
        "cpu s of each stage",
    ]
    return _table(heads, rows)


def give_page(text: str, path: Path | None) -> None:
    """Write a page, keeping what stands below it by hand; print it where there is no path."""
    if path is None:
        print(text)
        return
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    _, mark, by_hand = old.partition(BY_HAND)
    path.write_text("\n".join([text, mark + by_hand] if mark else [text]), encoding="utf-8")
