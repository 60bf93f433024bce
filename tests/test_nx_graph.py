"""Does a graph as OSMnx makes it give the same streets, and back?"""

import dataclasses
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely
from towns import ONE_WAY, PRIVATE, Street, network_of

from lifecircle.errors import DataError
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest

PLACES = {1: (0.0, 0.0), 2: (1000.0, 0.0), 3: (1000.0, 500.0)}


def graph_of(*edges: tuple[int, int, dict[str, Any]], crs: object = "EPSG:4549") -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(crs=crs)
    graph.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in PLACES.items())
    graph.add_edges_from(edges)
    return graph


def edge(osmid: object = 1, **tags: Any) -> dict[str, Any]:
    return {"osmid": osmid, "highway": "residential", "length": 1.0, "reversed": False} | tags


def test_a_street_in_both_directions_is_one() -> None:
    there, back = (1, 2, edge()), (2, 1, edge(reversed=True))

    stairs = edge(2, highway="steps")

    network = WalkNetwork.from_networkx(
        graph_of(there, back, (2, 3, stairs), (3, 2, stairs | {"reversed": True}))
    )

    assert network.street_m.tolist() == [1000, 500]
    assert network.crs.to_epsg() == 4549


def test_both_halves_of_a_ring_are_kept() -> None:
    # one way round, cut at nodes 1 and 2: two halves of the same length between the same nodes
    halves = [shapely.LineString([(0, 0), (500, side * 300), (1000, 0)]) for side in (1, -1)]
    edges = [(1, 2, edge(geometry=half)) for half in halves]
    edges += [(2, 1, edge(geometry=half.reverse(), reversed=True)) for half in halves]

    network = WalkNetwork.from_networkx(graph_of(*edges))

    assert len(network.street_m) == 2
    assert network.snap([500, 500], [299, -299]).off_m.max() < 1


def test_a_gate_at_a_node_is_shut_to_strangers() -> None:
    graph = graph_of((1, 2, edge(1)), (2, 3, edge(2)))
    assert WalkNetwork.from_networkx(graph).street_m.tolist() == [1500]
    assert np.isfinite(walk_m(WalkNetwork.from_networkx(graph)))

    graph.nodes[2].update(barrier="gate", access="no")
    assert WalkNetwork.from_networkx(graph).street_m.tolist() == [1000, 500]
    assert np.isinf(walk_m(WalkNetwork.from_networkx(graph)))

    graph.nodes[2].update(barrier="gate", access="yes")
    assert walk_m(WalkNetwork.from_networkx(graph)) == pytest.approx(1000)


def walk_m(network: WalkNetwork) -> float:
    """Return the walk from 500 m before the second node to 500 m behind it."""
    whole = dataclasses.replace(network, island=np.zeros(len(network.street_m), dtype=bool))
    return float(metres_to_nearest(whole, whole.snap(500, 0), whole.doors(1000, 500)).metres[0])


def test_parallel_ways_are_both_kept() -> None:
    assert len(WalkNetwork.from_networkx(graph_of((1, 2, edge(1)), (1, 2, edge(2)))).street_m) == 2


def test_one_way_rules_for_vehicles_bind_no_walker() -> None:
    network = WalkNetwork.from_networkx(
        graph_of((1, 2, edge(oneway=True)), (2, 3, edge(2, **{"oneway:foot": "yes"})))
    )

    assert network.along.tolist() == [1, 1]
    assert network.against.tolist() == [1, float("inf")]


def test_a_one_way_path_keeps_its_direction_when_the_graph_lists_it_backwards_first() -> None:
    tags = {"oneway:foot": "yes"}

    network = WalkNetwork.from_networkx(graph_of((2, 1, edge(reversed=True, **tags)), (1, 2, edge(**tags))))

    start, end = network.street_from[0], network.street_to[0]
    assert (network.node_x[start], network.node_x[end]) == (0, 1000)


def test_where_osmnx_merged_ways_the_first_tag_counts() -> None:
    merged = edge([1, 2], highway=["steps", "path"], access=["private", "yes"])

    network = WalkNetwork.from_networkx(graph_of((1, 2, merged)))

    assert (network.kind[0], network.private[0]) == ("steps", True)


def test_a_graph_in_degrees_is_measured_in_metres() -> None:
    graph = graph_of((1, 2, edge()), crs="EPSG:4326")
    for node, place in {1: (119.92, 28.45), 2: (119.93, 28.45), 3: (119.92, 28.46)}.items():
        graph.nodes[node]["x"], graph.nodes[node]["y"] = place

    network = WalkNetwork.from_networkx(graph)

    # 0.01 degrees of longitude at 28.45 N are 979.5 m on the ellipsoid
    assert network.crs.to_epsg() == 4549
    assert network.street_m[0] == pytest.approx(979.5, abs=0.1)
    assert WalkNetwork.from_networkx(graph, crs="EPSG:32650").crs.to_epsg() == 32650


def test_a_graph_that_names_no_crs_or_has_no_edge_is_refused() -> None:
    with pytest.raises(DataError, match="no coordinate system"):
        WalkNetwork.from_networkx(graph_of((1, 2, edge()), crs=None))
    with pytest.raises(DataError, match="nothing to walk on"):
        WalkNetwork.from_networkx(graph_of())


def test_a_graph_shows_each_direction_that_may_be_walked() -> None:
    network = network_of(
        Street([(0, 0), (900, 0), (1000, 0)]),
        Street([(0, 0), (0, 300)], ONE_WAY),
        Street([(1000, 0), (1000, 40)], PRIVATE),
    )

    graph = network.to_networkx()

    assert graph.graph["crs"] == network.crs
    assert sorted(data["length"] for *_, data in graph.edges(data=True)) == [40, 40, 300, 1000, 1000]
    node = {(data["x"], data["y"]): name for name, data in graph.nodes(data=True)}
    assert graph.has_edge(node[0, 0], node[0, 300])
    assert not graph.has_edge(node[0, 300], node[0, 0])
    back = graph[node[1000, 0]][node[0, 0]][0]
    assert back["geometry"].equals_exact(shapely.LineString([(1000, 0), (900, 0), (0, 0)]))
    assert back["reversed"]


def test_one_way_private_and_cycle_paths_survive_a_graph() -> None:
    network = network_of(
        Street([(0, 0), (1000, 0)]),
        Street([(0, 0), (0, 300)], ONE_WAY),
        Street([(1000, 0), (1000, 40)], PRIVATE),
        Street([(0, 0), (0, -500)], {"highway": "cycleway", "foot": "yes"}),
    )

    again = WalkNetwork.from_networkx(network.to_networkx())

    expected = network.to_streets().sort_values("length_m", ignore_index=True)
    assert again.to_streets().sort_values("length_m", ignore_index=True).equals(expected)
