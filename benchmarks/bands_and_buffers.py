"""How near do bands of minutes come to buffers of the reached streets, and how much sooner?

By hand::

    python -m benchmarks.bands_and_buffers --shared ../shared

The buffers are exact: streets cut at the metre where the time ends, less the reach; lines merged, each
buffered by the reach, all united. Cutting the streets is not counted in their time. No water and no walls on
either side.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from lifecircle.bands import REACH_M, time_bands
from lifecircle.barriers import NO_BARRIERS
from lifecircle.catalog import load_standard
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.doors import facilities_on, sites_of
from lifecircle.network import Positions
from lifecircle.reach import metres_to_nearest
from lifecircle.sources.read_city import read_city
from lifecircle.standard import Service

LAS_PALMAS = Path("data/las_palmas/las_palmas.osm.pbf")
MINUTES = (5, 10, 15)


def main() -> None:
    """Compare each service, and print its line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bands_and_buffers", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    path = parser.parse_args().shared / LAS_PALMAS
    city = read_city(osm=path, communities=path.parent / "catchments.geojson")
    open_ground = dataclasses.replace(city.network, barriers=NO_BARRIERS)
    coverage = measure_coverage(
        dataclasses.replace(city, backdrop=None, network=open_ground),
        load_standard("life-circle").with_minutes(MINUTES),
    )
    for service in coverage.standard.services:
        seconds, bands = timed(lambda name=service.id: time_bands(coverage, services=[name]))
        exact_s, off = 0.0, []
        for minutes in MINUTES:
            lines = reached_lines(coverage, service, minutes * 60 * service.pace_mps - REACH_M)
            buffer_s, exact = timed(lambda lines=lines: buffers(lines))
            exact_s += buffer_s
            off.append(bands[bands["to_minutes"] <= minutes].area.sum() / exact.area - 1)
        areas = ", ".join(f"{share:+.2%}" for share in off)
        print(f"{service.id:14} bands {seconds:.2f} s, buffers {exact_s:.2f} s, area {areas}")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median seconds of five runs after one to warm up, and what came out."""
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        made = work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]), made


def buffers(lines: list[shapely.LineString]) -> Any:
    """Return the ground within reach of lines."""
    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    return shapely.union_all(shapely.buffer(merged, REACH_M))


def reached_lines(coverage: Coverage, service: Service, within_m: float) -> list[shapely.LineString]:
    """Return the stretches of streets from which the walk is no longer; level streets only."""
    city, network = coverage.city, coverage.city.network
    sites = sites_of(city.facilities[city.facilities["service"] == service.id])
    doors = facilities_on(network, sites, max_m=coverage.max_snap_m)
    doors = doors.take(doors.on_street)
    street = np.flatnonzero(~network.island)
    # the walk is known at both ends of each street and at every door on it, and is straight between
    mark = np.concatenate([street, street, doors.street])
    along = np.concatenate([np.zeros(len(street)), network.street_m[street], doors.along_m])
    order = np.lexsort([along, mark])
    places = np.arange(len(mark)), np.full(len(mark), -1)
    marks = Positions(mark[order], along[order], np.zeros(len(mark)), *places)
    walk = metres_to_nearest(network, marks, doors).metres
    lines = []
    for row in np.flatnonzero(marks.street[1:] == marks.street[:-1]).tolist():
        one, start, end = marks.street[row], marks.along_m[row], marks.along_m[row + 1]
        from_start = within_m - walk[row] if np.isfinite(network.against[one]) else 0.0
        from_end = within_m - walk[row + 1] if np.isfinite(network.along[one]) else 0.0
        if max(from_start, 0.0) + max(from_end, 0.0) >= end - start:
            stretches = [(start, end)]
        else:
            stretches = [(start, start + from_start), (end - from_end, end)]
        lines += [substring(network.lines[one], first, last) for first, last in stretches if last > first]
    return lines


if __name__ == "__main__":
    main()
