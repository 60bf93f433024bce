"""How long do other libraries take for what ``benchmarks/engine.py`` did? It wrote the junction graph."""

import json
import statistics
import time
from collections.abc import Callable

import geopandas as gpd
import networkx as nx
import numpy as np
import pandana
import pandas as pd
from pyrosm import OSM
from scipy import sparse
from work import Work, read_work

CUTOFF_M = 1200.0


def median_s(work: Callable[[], object], rounds: int) -> float:
    """Return the median processor seconds of some rounds, after one to warm up."""
    seconds = []
    for _ in range(rounds + 1):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def with_networkx(matrix: sparse.csr_array, sources: np.ndarray) -> dict[str, float]:
    """Return seconds of NetworkX on the junction graph."""
    graph, edges, starts = nx.DiGraph(), matrix.tocoo(), sources.tolist()
    graph.add_nodes_from(range(matrix.shape[0]))
    steps = (part.tolist() for part in (*edges.coords, edges.data))
    graph.add_weighted_edges_from(zip(*steps, strict=True))

    def within() -> None:
        for node in starts:
            nx.single_source_dijkstra_path_length(graph, node, cutoff=CUTOFF_M)

    return {
        "nearest: NetworkX": median_s(lambda: nx.multi_source_dijkstra_path_length(graph, set(starts)), 3),
        "within 1,200 m: NetworkX": median_s(within, 1),
    }


def with_pandana(
    matrix: sparse.csr_array, sources: np.ndarray, x: np.ndarray, y: np.ndarray
) -> dict[str, float]:
    """Return seconds of pandana on the junction graph."""
    edges = matrix.tocoo()

    def built() -> pandana.Network:
        metres = pd.DataFrame({"metres": edges.data})
        network = pandana.Network(pd.Series(x), pd.Series(y), *edges.coords, metres, twoway=False)
        network.precompute(CUTOFF_M)
        return network

    network = built()

    def nearest() -> None:
        network.set_pois("places", CUTOFF_M, 1, pd.Series(x[sources]), pd.Series(y[sources]))
        network.nearest_pois(CUTOFF_M, "places", num_pois=1)

    return {
        "pandana: building and contraction": median_s(built, 1),
        "nearest: pandana, to 1,200 m": median_s(nearest, 3),
        "within 1,200 m: pandana": median_s(lambda: network.nodes_in_range(sources.tolist(), CUTOFF_M), 3),
    }


def streets_to_walks(work: Work, homes: gpd.GeoDataFrame) -> None:
    """Load, build and search with pandana, as its pipeline does."""
    nodes, edges = OSM(str(work.osm)).get_network(network_type="walking", nodes=True)
    nodes, farthest = nodes.set_index("id").to_crs(work.crs), max(work.metres)
    x, y = nodes.geometry.x, nodes.geometry.y
    network = pandana.Network(x, y, edges["u"], edges["v"], edges[["length"]], twoway=True)
    network.precompute(farthest)
    network.get_node_ids(homes.geometry.x, homes.geometry.y)
    for service, facilities in work.services():
        network.set_pois(service, farthest, 1, facilities.geometry.x, facilities.geometry.y)
        network.nearest_pois(farthest, service, num_pois=1)


def main() -> None:
    """Print all seconds as one line of JSON."""
    work = read_work()
    homes = gpd.read_file(work.folder / "homes.gpkg")
    graph = np.load(work.folder / "graph.npz")
    nodes = len(graph["indptr"]) - 1
    matrix = sparse.csr_array((graph["data"], graph["indices"], graph["indptr"]), shape=(nodes, nodes))
    measured = {
        **with_networkx(matrix, graph["sources"]),
        **with_pandana(matrix, graph["sources"], graph["x"], graph["y"]),
        "pandana: load, network and six searches": median_s(lambda: streets_to_walks(work, homes), 1),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
