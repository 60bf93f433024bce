"""How fast is the engine by itself: searches beside raw SciPy, and streets to walks?

Begun by ``python -m benchmarks`` as a process of its own. Writes the junction graph that other libraries
search (peers/searches.py), so that all of them do the same.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.choice import count_within
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest, ways_in, with_sources

CUTOFF_M = 1200.0
ROUNDS = 7


def median_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median processor seconds of some rounds, after one to warm up."""
    seconds = []
    for _ in range(rounds + 1):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def main(folder: Path) -> None:
    """Measure the case in a folder: its first service's facilities, its homes."""
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "facilities.csv")
    homes = gpd.read_file(folder / "homes.gpkg")
    at = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(homes.crs)
    services = [at[rows] for rows in table.groupby("service").groups.values()]
    home_xy = homes.get_coordinates().to_numpy().T

    def streets_to_walks() -> None:
        network = WalkNetwork.from_osm(case["osm"])
        at_home = network.snap(*home_xy)
        for service in services:
            metres_to_nearest(network, at_home, network.doors(service.x, service.y))

    network = WalkNetwork.from_osm(case["osm"])
    at_home, doors = network.snap(*home_xy), network.doors(services[0].x, services[0].y)
    graph = network.states.reversed_graph
    sources = np.unique(network.states.street_from[doors.street])
    at_nodes = places_of_states(network)
    measured = {
        "junctions": graph.shape[0],
        "facilities": len(services[0]),
        "load, network and six searches": median_s(streets_to_walks, 3),
        "nearest: lifecircle, all homes": median_s(lambda: metres_to_nearest(network, at_home, doors)),
        "nearest: lifecircle, junctions": median_s(lambda: metres_to_nearest(network, at_nodes, doors)),
        "nearest: lifecircle, the search": median_s(lambda: search(network, doors)),
        "nearest: SciPy": median_s(lambda: csgraph.dijkstra(graph, indices=sources, min_only=True)),
        "within 1,200 m: lifecircle, all homes": median_s(
            lambda: count_within(network, at_home, doors, cutoff_m=CUTOFF_M)
        ),
        "within 1,200 m: lifecircle, junctions": median_s(
            lambda: count_within(network, at_nodes, doors, cutoff_m=CUTOFF_M)
        ),
        "within 1,200 m: SciPy, whole graph": median_s(lambda: scipy_within(graph, sources), 1),
    }
    np.savez(
        folder / "graph.npz",
        data=graph.data,
        indices=graph.indices,
        indptr=graph.indptr,
        sources=sources,
        x=state_xy(network)[0],
        y=state_xy(network)[1],
    )
    print(json.dumps(measured))


def search(network: WalkNetwork, doors: Positions) -> None:
    """Search from doors as lifecircle does, without the homes."""
    graph = network.states.reversed_graph
    joined = with_sources(graph, *ways_in(network, doors), len(doors))
    starts = graph.shape[0] + np.arange(len(doors))
    csgraph.dijkstra(joined, indices=starts, min_only=True, return_predecessors=True)


def scipy_within(graph: sparse.csr_array, sources: np.ndarray) -> int:
    """Return how many pairs lie within the cutoff, fifty facilities at a time to bound memory."""
    blocks = np.split(sources, np.arange(50, len(sources), 50))
    found = (csgraph.dijkstra(graph, indices=block, limit=CUTOFF_M) for block in blocks)
    return sum(int(np.isfinite(metres).sum()) for metres in found)


def state_xy(network: WalkNetwork) -> np.ndarray:
    """Return x and y of every state of the search."""
    xy = np.zeros((2, network.states.reversed_graph.shape[0]))
    for state, node in (
        (network.states.street_from, network.street_from),
        (network.states.street_to, network.street_to),
    ):
        xy[:, state] = network.node_x[node], network.node_y[node]
    return xy


def places_of_states(network: WalkNetwork) -> Positions:
    """Return one place at every state, as others ask for nodes and not for homes."""
    states, street = np.unique(network.states.street_from, return_index=True)
    ends, at_end = np.unique(network.states.street_to, return_index=True)
    late = ~np.isin(ends, states)
    street = np.concatenate([street, at_end[late]])
    along = np.concatenate([np.zeros(len(states)), network.street_m[at_end[late]]])
    straight = np.full(len(street), -1)
    return Positions(street, along, np.zeros(len(street)), np.arange(len(street)), straight)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
