"""What does a region cost by its size, and what would a province or a country cost?

``python -m benchmarks.scale --shared ../shared --write docs/scale.md`` measures and writes the page. Las Palmas
is written as often as it takes into one file, side by side: a grid of the same real city, not a larger real
one. Each figure is of a whole ``lifecircle analyze --tiles auto``, from the command to the last of its files.
"""

import argparse
import datetime as dt
import json
import math
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd

from benchmarks.cities import measure_cities, section
from benchmarks.page import give_page
from benchmarks.whole import run_once
from lifecircle.sources.memory import memory_here

COPIES = {"100 k": 1, "1 M": 12, "twenty cities": 20, "3 M": 36}
_STEP_DEGREES = 0.19
_FAR_APART = 20_000_000_000
"""More than any id in OpenStreetMap."""


class Row(NamedTuple):
    """One region, measured by so many workers."""

    name: str
    copies: int
    nodes: int
    workers: int
    seconds: float
    cpu_s: float
    steps: dict[str, float]
    main_mb: float
    worker_mb: float
    worked_s: float
    tiles: int

    @property
    def to_gaps_s(self) -> float:
        """Seconds until all is measured and nothing is written yet."""
        return sum(value for step, value in self.steps.items() if step not in {"write", "total"})

    @property
    def all_mb(self) -> float:
        """Most that all processes can have held together."""
        return self.main_mb + (self.workers * self.worker_mb if self.workers > 1 else 0.0)


def write_copies(source: Path, path: Path, copies: int) -> int:
    """Write an extract so many times side by side; return how many nodes its streets have."""
    side = math.ceil(math.sqrt(copies))
    header = osmium.io.Header()
    with osmium.io.Reader(str(source)) as reader:
        given = reader.header()
        box = given.box()
        header.set("osmosis_replication_timestamp", given.get("osmosis_replication_timestamp"))
    header.set("sorting", "Type_then_ID")
    east, north = _STEP_DEGREES * (side - 1), _STEP_DEGREES * (math.ceil(copies / side) - 1)
    low, high = box.bottom_left, box.top_right
    header.add_box(osmium.osm.Box(low.lon, low.lat, high.lon + east, high.lat + north))
    nodes = set[int]()
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for kind in (osmium.osm.NODE, osmium.osm.WAY, osmium.osm.RELATION):
            for copy in range(copies):
                shift, more = (
                    (_STEP_DEGREES * (copy % side), _STEP_DEGREES * (copy // side)),
                    copy * _FAR_APART,
                )
                for thing in osmium.FileProcessor(str(source), kind):
                    if thing.is_node():
                        at = thing.location
                        place = at.lon + shift[0], at.lat + shift[1]
                        writer.add_node(thing.replace(id=thing.id + more, location=place))
                    elif thing.is_way():
                        refs = [node.ref + more for node in thing.nodes]
                        if copy == 0 and "highway" in thing.tags:
                            nodes.update(refs)
                        writer.add_way(thing.replace(id=thing.id + more, nodes=refs))
                    else:
                        members = [(one.type, one.ref + more, one.role) for one in thing.members]
                        writer.add_relation(thing.replace(id=thing.id + more, members=members))
    return len(nodes) * copies


def write_communities(source: Path, path: Path, copies: int) -> None:
    """Write a layer of communities so many times side by side."""
    side = math.ceil(math.sqrt(copies))
    once = gpd.read_file(source).to_crs(4326)
    parts = [
        once[["geometry"]].assign(
            name=[f"{copy}-{row}" for row in range(len(once))],
            geometry=once.translate(_STEP_DEGREES * (copy % side), _STEP_DEGREES * (copy // side)),
        )
        for copy in range(copies)
    ]
    gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=4326).to_file(path)


def measure(name: str, copies: int, nodes: int, files: tuple[Path, Path], workers: int) -> Row:
    """Run the whole analysis once in a process of its own."""
    osm, communities = files
    out = osm.parent / f"out-{copies}-{workers}"
    words = [
        sys.executable,
        "-m",
        "lifecircle",
        "analyze",
        "--osm",
        str(osm),
        "--communities",
        str(communities),
    ]
    words += ["--tiles", "auto", "--workers", str(workers), "--out", str(out), "--overwrite", "--no-cache"]
    run = run_once([*words, "--lang", "en", "--max-file-mb", "100000"])
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    said = re.search(
        r"([\d,]+) tiles, .* tasks in ([\d,.]+) s of work; the most memory held by a worker: ([\d,]+) MB",
        run.output,
    )
    tiles, worked_s, worker_mb = (
        (float(text.replace(",", "")) for text in said.groups()) if said else (0, 0, 0)
    )
    return Row(
        name=name,
        copies=copies,
        nodes=nodes,
        workers=workers,
        seconds=run.wall_s,
        cpu_s=run.cpu_s,
        steps=record["elapsed_s"],
        main_mb=record["peak_memory_mb"],
        worker_mb=worker_mb,
        worked_s=worked_s,
        tiles=int(tiles),
    )


def main() -> None:
    """Measure what was asked for; print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    parser.add_argument("--rounds", type=int, default=1, help="rounds; the page shows medians")
    parser.add_argument("--sizes", nargs="+", choices=COPIES, default=list(COPIES), help="which to measure")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--cities", type=int, default=20, help="copies for a batch; 0 for none")
    parser.add_argument("--write", type=Path, help="file for the page, such as docs/scale.md")
    chosen = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    source = chosen.shared.resolve() / "data" / "las_palmas"
    rows: list[Row] = []
    for name in chosen.sizes:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder) / "region.osm.pbf", Path(folder) / "communities.gpkg"
            nodes = write_copies(source / "las_palmas.osm.pbf", files[0], COPIES[name])
            write_communities(source / "catchments.geojson", files[1], COPIES[name])
            for workers in chosen.workers:
                runs = [measure(name, COPIES[name], nodes, files, workers) for _ in range(chosen.rounds)]
                rows.append(sorted(runs, key=lambda run: run.seconds)[len(runs) // 2])
                print(rows[-1], file=sys.stderr, flush=True)
    cities = ""
    if chosen.cities:
        cities = (
            "\n" + section(*measure_cities(chosen.shared.resolve(), chosen.cities, chosen.workers)) + "\n"
        )
    give_page(page(rows, cities), chosen.write)


# ---------------------------------------------------------------------- the page

_HEAD = """# What a region costs

Measured {day} on {system}, {cores} cores, {memory:.0f} GB, Python {python}, by `python -m benchmarks.scale --shared ...
--write docs/scale.md`; this page is its output. Las Palmas stands in one file as often as it takes, side by side: a grid of
the same real city, **not a larger real one**. Of a real province more of the streets are long and lonely and fewer of the
buildings are drawn. Three services, whole runs of `lifecircle analyze --tiles auto`, from the command to the last file.

| region | street nodes | workers | tiles | s | cpu s | s to gaps | s of work in tiles | main MB | a worker MB | all MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
_TEXT = """
*s to gaps* is until everything is measured and before maps, workbook and report are written. *all MB* is the most that
all processes can have held together: main, and each worker its most.

## By the million street nodes

{slopes}

## Where the first bottleneck lies

{shares}

What runs in workers divides by their number: taking down the file, telling homes from other buildings, access legs. What does
not: every worker goes through the whole file to know where nodes lie (a quarter of the hearing), one process builds the street
graph, searches it, and from all homes makes gaps, tables, maps and the workbook. The first wall in *time* is therefore writing
the report and finding gaps; in *memory* the main process, which holds all streets, homes and 50 m cells of the region.
Buildings, walls and their trees, which take most of an untiled run, are only ever in a worker's tile.
{cities}
## A province and a country

A projection, not a measurement: the figures above, times assumed sizes. How large an extract is stands on its download page;
Las Palmas has {nodes_per_mb:,.0f} street nodes to a megabyte of pbf, which is what is assumed here. The sizes below
are from memory and unverified (grade M): read them before you order machines.

| | pbf MB (M) | street nodes | extracts | largest of them | its GB | machines | min of work | min by the clock | USD |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{projection}

- **Zhejiang** is one `lifecircle analyze --osm zhejiang.osm.pbf --communities all.gpkg --tiles auto` on one machine.
- **China is not one such run**: its streets, homes and cells would have to stand in one memory at the end. It is 31 extracts,
  each a task of `lifecircle batch`, on as many machines as one likes; the longest of them sets the clock (a tenth of the
  country is assumed). Homes within a walk of a provincial border are *unknown* where the extract ends, unless extracts
  overlap by the longest limit.
- The bill takes {usd} USD for an hour of one core with {gb:.0f} GB (second-hand: on-demand price of a general ARM machine in
  2026), more where more memory is held; starts, idle cores and storage are on top. People's time costs more.
- What a projection cannot know: how a region of real streets is drawn, disks that are slow, a communities layer with
  hundreds of thousands of polygons, a facilities list that is wrong and has to be mended first.
"""


class _Place(NamedTuple):
    """Something far larger than what is measured: sizes from memory, unverified."""

    name: str
    megabytes: float
    extracts: int
    largest_share: float
    machines: int


_USD_PER_CORE_HOUR, _GB_PER_CORE = 0.041, 4.0
_NODES_PER_MB = 29_600
_PLACES = (_Place("Zhejiang", 70.0, 1, 1.0, 1), _Place("China", 1300.0, 31, 0.1, 8))


def page(rows: list[Row], cities: str) -> str:
    """Return the page; `cities` is what it says of a batch."""
    memory = (memory_here() or 0) / 1e9
    text = _HEAD.format(
        day=dt.datetime.now(dt.UTC).date(),
        system=platform.system(),
        cores=os.cpu_count(),
        memory=memory,
        python=platform.python_version(),
    )
    text += "".join(
        f"| {row.name} ({row.copies} x) | {row.nodes:,} | {row.workers} | {row.tiles} | {row.seconds:.1f} | {row.cpu_s:.1f} "
        f"| {row.to_gaps_s:.1f} | {row.worked_s:.1f} | {row.main_mb:,.0f} | {row.worker_mb:,.0f} | {row.all_mb:,.0f} |\n"
        for row in rows
    )
    seconds, memory_mb = _slopes(rows, 1)
    largest = max((row for row in rows if row.workers == 1), key=lambda row: row.nodes)
    return text + _TEXT.format(
        slopes="\n".join(_slope_line(rows, workers) for workers in sorted({row.workers for row in rows})),
        shares=_shares(rows),
        cities=cities,
        nodes_per_mb=_NODES_PER_MB,
        projection="\n".join(_projected(place, seconds, memory_mb, largest) for place in _PLACES),
        usd=_USD_PER_CORE_HOUR,
        gb=_GB_PER_CORE,
    )


def _slopes(rows: list[Row], workers: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return seconds and megabytes as (fixed, by the million nodes), the least squares of all sizes."""
    chosen = [row for row in rows if row.workers == workers]
    x = np.array([row.nodes / 1e6 for row in chosen])
    if len(chosen) == 1:
        return (0.0, chosen[0].seconds / x[0]), (0.0, chosen[0].all_mb / x[0])
    time, memory = (
        np.polyfit(x, [getattr(row, name) for row in chosen], 1)[::-1].tolist()
        for name in ("seconds", "all_mb")
    )
    return (time[0], time[1]), (memory[0], memory[1])


def _slope_line(rows: list[Row], workers: int) -> str:
    seconds, memory = _slopes(rows, workers)
    return (
        f"- {workers} worker{'s' * (workers > 1)}: {seconds[1]:.1f} s and {memory[1]:,.0f} MB for each million street nodes, "
        f"beside {max(seconds[0], 0):.1f} s and {max(memory[0], 0):,.0f} MB for none (least squares of the sizes above)."
    )


def _shares(rows: list[Row]) -> str:
    """Say how much faster two workers are, and what is not divided."""
    lines = []
    by_size = {(row.name, row.workers): row for row in rows}
    for name in dict.fromkeys(row.name for row in rows):
        one, two = by_size.get((name, 1)), by_size.get((name, 2))
        if one and two:
            rest = one.seconds - one.worked_s
            lines.append(
                f"- {name}: two workers are {one.seconds / two.seconds:.2f} times as fast as one to the last file, "
                f"{one.to_gaps_s / two.to_gaps_s:.2f} times to the gaps. With one, {one.worked_s:.1f} s of "
                f"{one.seconds:.1f} are work in tiles, {rest:.1f} s are not, of which {one.steps['write']:.1f} s are "
                f"writing and {one.steps['gaps']:.1f} s gaps."
            )
    return "\n".join(lines)


def _projected(place: _Place, seconds: tuple[float, float], memory: tuple[float, float], largest: Row) -> str:
    """Return a row of the table of projections, from one worker's figures."""
    million = place.megabytes * _NODES_PER_MB / 1e6
    share = place.largest_share * million  # of the extract that takes longest
    work_s = place.extracts * max(seconds[0], 0.0) + seconds[1] * million
    clock_s = max(seconds[0] + seconds[1] * share, work_s / place.machines)
    gigabytes = (memory[0] + memory[1] * share) / 1000
    bill = place.machines * clock_s / 3600 * _USD_PER_CORE_HOUR * max(1.0, gigabytes / _GB_PER_CORE)
    beyond = " (beyond what was measured)" if share * 1e6 > largest.nodes else ""
    return (
        f"| {place.name} | {place.megabytes:,.0f} | {million:,.1f} M | {place.extracts} | {share:,.1f} M{beyond} "
        f"| {gigabytes:,.1f} | {place.machines} | {work_s / 60:,.0f} | {clock_s / 60:,.0f} | {bill:,.2f} |"
    )


if __name__ == "__main__":
    main()
