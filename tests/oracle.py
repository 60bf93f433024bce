"""What must the walks be, worked out slowly and in another way?

Every street is cut with shapely at every home and door upon it, and networkx searches the pieces. Nothing of
the package's snapping or searching is called: only arrays of streets and their private flags are read.

The rules, as the package documents them: a place opens on the nearest street that is no island (of streets
equally near: a public one, then the one whose point lies lowest); a facility opens on the nearest public
street, and on a private one if that is nearer; strangers walk public streets only; a resident walks out of
the own estate, and never again into it or into another.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from lifecircle.streets import ENCLAVE_M, ISLAND_M, Streets

Floats = NDArray[np.float64]
Cuts = dict[int, list[tuple[float, Hashable]]]

TOUCHING_M = 1e-9


class Door(NamedTuple):
    """Where a place opens on a street."""

    street: int
    along_m: float
    off_m: float


def walks_m(network: Streets, homes: Floats, facilities: Floats, *, max_m: float = 200.0) -> Floats:
    """Return the walk from every home to every facility in metres, inf where there is none.

    Parameters
    ----------
    network
        Streets as they were cut, or a network made of them.
    homes, facilities
        Shape (k, 2). Metres.
    max_m
        Farther from every street there is no door.
    """
    lines = street_lines(network)
    island = np.array(is_island(network), dtype=bool)
    anywhere, public = np.flatnonzero(~island), np.flatnonzero(~island & ~network.private)
    home_doors = [nearest_door(network, lines, xy, anywhere, max_m) for xy in homes]
    public_doors = [nearest_door(network, lines, xy, public, max_m) for xy in facilities]
    inner_doors = [nearest_door(network, lines, xy, anywhere, max_m) for xy in facilities]
    inner_doors = [door if door and network.private[door.street] else None for door in inner_doors]
    cuts: Cuts = defaultdict(list)
    for what, doors in (("home", home_doors), ("public", public_doors), ("inner", inner_doors)):
        for row, door in enumerate(doors):
            if door:
                cuts[door.street].append((door.along_m, (what, row)))
    outside = _pieces(network, lines, np.flatnonzero(~network.private), cuts).reverse()
    to_public_door = [_metres_from(outside, ("public", row)) for row in range(len(facilities))]
    ways_out: list[dict[Hashable, float]] = [{("home", row): 0.0} for row in range(len(homes))]
    for estate in estates(network):
        inside = _pieces(network, lines, estate, cuts)
        for row, home in enumerate(home_doors):
            if home and home.street in estate:
                ways_out[row] = _metres_from(inside, ("home", row))
    metres = np.full((len(homes), len(facilities)), np.inf)
    for row, facility in np.ndindex(metres.shape):
        home, public_door, inner_door = home_doors[row], public_doors[facility], inner_doors[facility]
        out, rest = ways_out[row], to_public_door[facility]
        found = [np.inf]
        if public_door:
            found += [out[at] + rest[at] + public_door.off_m for at in out.keys() & rest.keys()]
        if inner_door:
            found.append(out.get(("inner", facility), np.inf) + inner_door.off_m)
        metres[row, facility] = min(found) + (home.off_m if home else np.inf)
    return metres


def street_lines(network: Streets) -> NDArray[Any]:
    """Return each street as a LineString."""
    starts = network.line_start
    return np.array([shapely.LineString(network.line_xy[a:b]) for a, b in pairwise(starts)], dtype=object)


def nearest_door(
    network: Streets, lines: NDArray[Any], xy: Floats, streets: NDArray[np.int64], max_m: float
) -> Door | None:
    """Return the nearest point of `streets`, tried one by one."""
    point = shapely.Point(xy)
    metres = shapely.distance(lines[streets], point)
    if len(streets) == 0 or metres.min() > max_m:
        return None
    candidates = []
    for street in streets[metres <= metres.min() + TOUCHING_M]:
        line = lines[street]
        along_m = line.project(point)
        at = line.interpolate(along_m)
        where = (bool(network.private[street]), round(at.x, 6), round(at.y, 6), int(street))
        candidates.append((where, Door(int(street), along_m, point.distance(at))))
    return min(candidates)[1]


def estates(network: Streets) -> list[set[int]]:
    """Return the private streets of each estate: those joined at nodes where no public street is."""
    public_nodes = _public_nodes(network)
    meets = nx.MultiGraph()
    for street in np.flatnonzero(network.private).tolist():
        ends: list[Hashable] = [int(network.street_from[street]), int(network.street_to[street])]
        ends = [(street, side) if node in public_nodes else node for side, node in enumerate(ends)]
        meets.add_edge(*ends, street=street)
    return [
        {street for *_, street in meets.edges(piece, data="street")}
        for piece in nx.connected_components(meets)
    ]


def is_island(network: Streets) -> list[bool]:
    """Return which streets lie in a piece shorter than a kilometre that is not the longest."""
    return _in_short_piece(network, range(len(network.street_m)), ISLAND_M)


def is_enclave(network: Streets, private: NDArray[np.bool_]) -> list[bool]:
    """Return which public streets only private ones reach, in pieces of no more than five kilometres."""
    if private.all():
        return [False] * len(private)
    public = np.flatnonzero(~private).tolist()
    behind = {int(n) for ends in (network.street_from, network.street_to) for n in ends[private]}
    short = _in_short_piece(network, public, np.nextafter(ENCLAVE_M, np.inf), touching=behind)
    flags = [False] * len(private)
    for street, inside in zip(public, short, strict=True):
        flags[street] = inside
    return flags


def _in_short_piece(
    network: Streets, streets: Iterable[int], short_m: float, touching: set[int] | None = None
) -> list[bool]:
    graph, streets = nx.MultiGraph(), list(streets)
    for street in streets:
        ends = int(network.street_from[street]), int(network.street_to[street])
        graph.add_edge(*ends, metres=float(network.street_m[street]))
    pieces = [
        (sum(metres for *_, metres in graph.edges(nodes, data="metres")), nodes)
        for nodes in nx.connected_components(graph)
    ]
    longest = max((metres for metres, _ in pieces), default=0.0)
    inside = {
        node
        for metres, nodes in pieces
        if metres < short_m and metres < longest and (touching is None or nodes & touching)
        for node in nodes
    }
    return [int(network.street_from[street]) in inside for street in streets]


def _metres_from(graph: nx.MultiDiGraph, start: Hashable) -> dict[Hashable, float]:
    if start not in graph:
        return {}
    metres: dict[Hashable, float] = nx.single_source_dijkstra_path_length(graph, start)
    return metres


def _public_nodes(network: Streets) -> set[int]:
    public = ~network.private
    return {int(node) for ends in (network.street_from, network.street_to) for node in ends[public]}


def _pieces(network: Streets, lines: NDArray[Any], streets: Iterable[int], cuts: Cuts) -> nx.MultiDiGraph:
    """Return the streets cut at homes and doors: an edge per piece and direction that may be walked."""
    graph = nx.MultiDiGraph()
    for street in streets:
        line = lines[street]
        marks: list[tuple[float, Hashable]] = [
            (0.0, int(network.street_from[street])),
            *sorted(cuts.get(street, []), key=lambda cut: cut[0]),
            (line.length, int(network.street_to[street])),
        ]
        for (start_m, here), (end_m, there) in pairwise(marks):
            metres = substring(line, start_m, end_m).length
            for tail, head, factor in (
                (here, there, network.along[street]),
                (there, here, network.against[street]),
            ):
                graph.add_nodes_from((tail, head))
                if metres < TOUCHING_M:  # two names of one place, whatever the direction
                    graph.add_edge(tail, head, weight=0.0)
                elif np.isfinite(factor):
                    graph.add_edge(tail, head, weight=metres * factor)
    return graph
