"""How do time and memory of the engine grow with a city?

One process per size, begun by ``python -m benchmarks``. The streets of Las Palmas stand side by side as
often as it takes, made in memory: a grid of the same real city, not a larger real one. Homes and facilities
are spread over them evenly.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.sources.memory import no_search_for_cycles
from lifecircle.sources.opening import LIMITS
from lifecircle.sources.osm_file import elements_of
from lifecircle.streets import Floats, Ways

SERVICES = 8
_NODES_PER_HOME, _NODES_PER_FACILITY = 4, 1_500
_CRS = pyproj.CRS.from_epsg(32628)
_GAP_M = 5_000.0
_SEED = 3

T = TypeVar("T")


class Stages:
    """Processor seconds, stage by stage, of one process, and its megabytes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.started = time.perf_counter()

    def run(self, name: str, work: Callable[[], T]) -> T:
        """Do the work and note how long it took."""
        started = time.process_time()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - started
        return result

    def report(self, **facts: object) -> None:
        """Print what was measured as one line of JSON."""
        wall_s = time.perf_counter() - self.started
        print(json.dumps({**facts, "peak_mb": _megabytes(), "wall_s": wall_s, "seconds": self.seconds}))


def _megabytes() -> float:
    """Return the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024**2
    )


def tiled(osm: Path, nodes: int) -> Ways:
    """Return the ways of a file, of the first so many nodes or as often as it takes."""
    raw = elements_of(osm, ["amenity"], LIMITS).ways
    x, y = pyproj.Transformer.from_crs(4326, _CRS, always_xy=True).transform(raw.lon, raw.lat)
    xy, vertex = np.column_stack([x, y]), np.unique(raw.vertex, return_inverse=True)[1]
    start, each = raw.start, int(vertex.max()) + 1
    if nodes < each:
        middle = np.median(xy, axis=0)
        far = np.maximum.reduceat(np.abs(xy - middle).max(axis=1), start[:-1])
        order = np.argsort(far)
        size = np.cumsum(np.diff(start)[order])
        ways = np.sort(order[size <= nodes * len(vertex) / each])
        rows = np.concatenate([np.arange(start[way], start[way + 1]) for way in ways])
        start = np.concatenate([[0], np.cumsum(np.diff(start)[ways])])
        return Ways(vertex[rows], xy[rows], start, [raw.tags[way] for way in ways])
    tiles = round(nodes / each)
    side = int(np.ceil(np.sqrt(tiles)))
    step = np.ptp(xy, axis=0).max() + _GAP_M
    shift = np.array([(number % side, number // side) for number in range(tiles)]) * step
    return Ways(
        (vertex + np.arange(tiles)[:, None] * each).ravel(),
        (xy + shift[:, None, :]).reshape(-1, 2),
        np.concatenate([[0], (start[1:] + np.arange(tiles)[:, None] * len(vertex)).ravel()]),
        [*raw.tags] * tiles,  # ways with the same tags share them, as in a file
    )


def places(network: WalkNetwork, count: int, rng: np.random.Generator) -> Floats:
    """Return random places up to 40 m from streets, every metre of street alike."""
    rows = rng.choice(len(network.street_m), size=count, p=network.street_m / network.street_m.sum())
    at = shapely.line_interpolate_point(network.lines[rows], rng.random(count), normalized=True)
    return shapely.get_coordinates(at) + rng.uniform(-40, 40, (count, 2))


def measure(stages: Stages, network: WalkNetwork, homes: int, services: int, facilities: int) -> None:
    """Snap homes and search from each service's facilities."""
    rng = np.random.default_rng(_SEED)
    spots = stages.run("drawing places", lambda: places(network, homes, rng))
    at_home: Positions = stages.run("snap homes", lambda: network.snap(*spots.T))
    for _ in range(services):
        doors = places(network, facilities, rng)
        found = stages.run("snap facilities", lambda doors=doors: network.doors(*doors.T))
        stages.run("search", lambda found=found: metres_to_nearest(network, at_home, found))


def las_palmas_tiled(osm: Path, nodes: int) -> None:
    """Measure one size."""
    ways, stages = tiled(osm, nodes), Stages()
    count = len(np.unique(ways.vertex))
    network = stages.run("network", lambda: WalkNetwork.from_ways(ways, crs=_CRS))
    homes, facilities = count // _NODES_PER_HOME, max(count // _NODES_PER_FACILITY, 5)
    measure(stages, network, homes, SERVICES, facilities)
    stages.report(
        nodes=count,
        junctions=len(network.node_x),
        homes=homes,
        services=SERVICES,
        facilities=facilities,
    )


def wuhan(file: Path) -> None:
    """Measure every road of Wuhan with 200,000 homes and 5 services of 500 facilities."""
    stages = Stages()
    edges = stages.run("read parquet", lambda: gpd.read_parquet(file))
    network = stages.run("network", lambda: WalkNetwork.from_edges(edges))
    measure(stages, network, 200_000, 5, 500)
    nodes = len(np.unique(shapely.get_coordinates(edges.geometry.to_numpy()), axis=0))
    stages.report(nodes=nodes, junctions=len(network.node_x), homes=200_000, services=5, facilities=500)


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    with no_search_for_cycles():  # as the command line
        if chosen.suffix == ".parquet":
            wuhan(chosen)
        else:
            las_palmas_tiled(chosen, int(sys.argv[2]))
