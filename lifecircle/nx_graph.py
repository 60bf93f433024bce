"""How does a graph as OSMnx makes it become ways, and a network such a graph?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj
import shapely

from lifecircle.errors import DataError
from lifecircle.metric import as_crs, metric_crs
from lifecircle.streets import Streets, Ways
from lifecircle.walkable import Walk, hurdles, who_may_pass

if TYPE_CHECKING:
    import networkx as nx


def ways_of_graph(graph: "nx.MultiDiGraph", *, crs: object | None = None) -> tuple[Ways, pyproj.CRS]:
    """Return the edges of an OSMnx graph as ways, each two-way street once, and the CRS they are in.

    Parameters
    ----------
    graph
        Nodes with ``x`` and ``y``, perhaps ``barrier`` and who may pass it; ``graph.graph["crs"]``; edges
        with tags and perhaps ``geometry``.
    crs
        Metric CRS to return; where None the graph's own if it is metric, else one that fits the place.

    Raises
    ------
    DataError
        If the graph names no CRS or has no edges.
    """
    if graph.graph.get("crs") is None:
        raise DataError("network.no_crs")
    source = as_crs(graph.graph["crs"])
    number = {node: i for i, node in enumerate(graph.nodes)}
    edges = _one_of_each(graph, number)
    if edges.empty:
        raise DataError("network.no_streets")
    x, y = (np.array([graph.nodes[node][axis] for node in number], dtype=np.float64) for axis in "xy")
    ends, lines = edges[["u", "v"]].to_numpy(), edges["geometry"].to_numpy(copy=True)
    bare = pd.isna(lines)
    lines[bare] = shapely.linestrings(np.stack([x[ends[bare]], y[ends[bare]]], axis=-1))
    start = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(lines))])
    xy = shapely.get_coordinates(lines)
    vertex = np.arange(len(xy)) + len(number)
    vertex[start[:-1]], vertex[start[1:] - 1] = ends[:, 0], ends[:, 1]
    target = metric_crs(x.mean(), y.mean()) if source.is_geographic else source
    target = as_crs(crs) if crs is not None else target
    xy = np.column_stack(pyproj.Transformer.from_crs(source, target, always_xy=True).transform(*xy.T))
    gates = np.array([_gate(graph.nodes[node]) for node in number], dtype=np.int64)
    gate = np.append(gates, Walk.PUBLIC)[np.minimum(vertex, len(gates))]
    hard = np.array([hurdles(_texts(graph.nodes[node])) for node in number], dtype=np.int64)
    hurdle = np.append(hard, 0)[np.minimum(vertex, len(hard))]
    return Ways(vertex, xy, start, edges["tags"].to_list(), gate=gate, hurdle=hurdle), target


def _gate(attributes: Mapping[str, Any]) -> Walk:
    """Return who may pass a node."""
    tags = _texts(attributes)
    return who_may_pass(tags) if "barrier" in tags else Walk.PUBLIC


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in attributes.items() if isinstance(value, str)}


def graph_of_streets(streets: Streets, lines: np.ndarray, crs: pyproj.CRS) -> "nx.MultiDiGraph":
    """Return a graph as OSMnx draws it: nodes with x and y, an edge for each direction that may be walked."""
    import networkx as nx  # noqa: PLC0415  only who asks for it pays for it

    graph = nx.MultiDiGraph(crs=crs)
    for node, (x, y) in enumerate(zip(streets.node_x.tolist(), streets.node_y.tolist(), strict=True)):
        graph.add_node(node, x=x, y=y)
    edges = pd.DataFrame(
        {"osmid": np.arange(len(lines)), "highway": streets.kind, "length": streets.street_m}
    )
    edges["foot"] = np.where(streets.private, "private", "yes")
    ends, way_in = (
        (streets.street_from, streets.street_to),
        (np.isfinite(streets.along), np.isfinite(streets.against)),
    )
    for here, drawn in ((0, lines), (1, shapely.reverse(lines))):
        there, open_ = 1 - here, way_in[here]
        one_way = np.where(way_in[there], "no", "yes")
        rows = edges.assign(geometry=drawn, reversed=bool(here), **{"oneway:foot": one_way})[open_]
        tails, heads = ends[here][open_].tolist(), ends[there][open_].tolist()
        graph.add_edges_from(zip(tails, heads, rows.to_dict("records"), strict=True))
    return graph


def _one_of_each(graph: "nx.MultiDiGraph", number: Mapping[object, int]) -> pd.DataFrame:
    """Return columns u, v, geometry and tags, with each street that stands in both directions once."""
    rows = [
        (
            number[u],
            number[v],
            bool(data.get("reversed")),
            str(data.get("osmid", key)),
            data.get("geometry"),
            _first_tags(data),
        )
        for u, v, key, data in graph.edges(keys=True, data=True)
    ]
    edges = pd.DataFrame(rows, columns=["u", "v", "reversed", "osmid", "geometry", "tags"])
    edges["low"], edges["high"] = edges[["u", "v"]].min(axis=1), edges[["u", "v"]].max(axis=1)
    edges["shape"] = shapely.to_wkb(shapely.normalize(edges["geometry"].to_numpy()))
    edges = edges.sort_values("reversed", kind="stable")
    return edges.drop_duplicates(["low", "high", "osmid", "shape"]).sort_index()


def _first_tags(data: Mapping[str, object]) -> dict[str, str]:
    """Return the tags of an edge as texts; where OSMnx merged ways, the first value stands for all."""
    firsts = {key: value[0] if isinstance(value, list) and value else value for key, value in data.items()}
    return {"highway": "road"} | {key: value for key, value in firsts.items() if isinstance(value, str)}
