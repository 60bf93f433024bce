"""Which towns do the tests of the walk walk in?

A street is written as its vertices and its OpenStreetMap tags. `random_towns` draws small towns with all
that makes walking hard: parallel streets, loops, one-way steps, islands, estates, places in every odd spot.
"""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Delaunay

from lifecircle.network import WalkNetwork
from lifecircle.streets import Streets, Ways, cut_into_streets

Floats = NDArray[np.float64]
Tags = dict[str, str]

CRS = "EPSG:4549"
ORIGIN = np.array([500_000.0, 3_150_000.0])
PUBLIC: Tags = {"highway": "residential"}
PRIVATE: Tags = {"highway": "service", "access": "private"}
ONE_WAY: Tags = {"highway": "steps", "oneway:foot": "yes"}


class Street(NamedTuple):
    """One line as a map draws it."""

    xy: ArrayLike
    tags: Tags = PUBLIC

    @property
    def vertices(self) -> Floats:
        return np.asarray(self.xy, dtype=np.float64)


class Town(NamedTuple):
    """Streets, and places that may lie anywhere."""

    streets: list[Street]
    homes: Floats
    facilities: Floats
    max_m: float

    def network(self) -> WalkNetwork:
        return network_of(*self.streets)

    def as_cut(self) -> Streets:
        """Return the streets before chains of them are joined."""
        return cut_into_streets(ways_of(*self.streets))


def edges_of(*streets: Street) -> gpd.GeoDataFrame:
    """Return streets as a layer, one column per tag."""
    lines = [shapely.LineString(street.vertices) for street in streets]
    return gpd.GeoDataFrame([street.tags for street in streets], geometry=lines, crs=CRS)


def ways_of(*streets: Street) -> Ways:
    """Return streets as ways that meet where they share a vertex exactly."""
    xy = np.concatenate([street.vertices for street in streets])
    start = np.cumsum([0, *(len(street.vertices) for street in streets)])
    return Ways(np.unique(xy, axis=0, return_inverse=True)[1], xy, start, [street.tags for street in streets])


def network_of(*streets: Street) -> WalkNetwork:
    """Return the network of streets that meet where they share a vertex."""
    return WalkNetwork.from_edges(edges_of(*streets))


@st.composite
def random_towns(draw: st.DrawFn, *, public_only: bool = False) -> Town:
    """Draw a town; hypothesis makes it small and simple when a test fails."""
    size = draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    grid = draw(st.booleans())
    spacing = draw(st.sampled_from([40.0, 120.0, 400.0]))
    nodes, pairs = (_grid if grid else _triangles)(rng, size, spacing)
    nodes += ORIGIN * draw(st.booleans())
    pairs = pairs[rng.random(len(pairs)) > draw(st.sampled_from([0.0, 0.25, 0.5]))]
    if len(pairs) == 0:
        pairs = np.array([[0, 1]])
    streets = [Street(_bent(rng, nodes[a], nodes[b])) for a, b in pairs]
    for a, b in rng.permutation(pairs)[: draw(st.integers(0, 3))]:
        streets.append(Street(_bent(rng, nodes[b], nodes[a], bends=2)))
    corners = rng.integers(0, len(nodes), draw(st.integers(0, 2)))
    streets += [Street(_ring(rng, nodes[corner], spacing)) for corner in corners]
    if draw(st.booleans()):
        apart = np.array([(0.0, 0.0), (-0.3, 0.1), (-0.5, -0.1)]) - 0.2
        streets.append(Street(nodes.min(axis=0) + apart * spacing))
    one_way = rng.choice(["", "yes", "-1"], len(streets), p=[0.9, 0.05, 0.05])
    streets = [
        street._replace(tags={"highway": "steps", "oneway:foot": direction}) if direction else street
        for street, direction in zip(streets, one_way.tolist(), strict=True)
    ]
    if not public_only and draw(st.booleans()):
        streets = _with_estates(rng, streets, nodes, spacing)
    homes = _places(rng, streets, nodes, spacing, 8)
    facilities = _places(rng, streets, nodes, spacing, draw(st.integers(1, 5)))
    return Town(streets, homes, facilities, max_m=draw(st.sampled_from([30.0, 200.0])))


def _grid(rng: Generator, size: int, spacing: float) -> tuple[Floats, NDArray[np.int64]]:
    number = np.arange(size * size).reshape(size, size)
    pairs = np.concatenate(
        [
            np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
            np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
        ]
    )
    nodes = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(-1, 2) * spacing
    return nodes + rng.uniform(-0.3, 0.3, nodes.shape) * spacing, pairs


def _triangles(rng: Generator, size: int, spacing: float) -> tuple[Floats, NDArray[np.int64]]:
    nodes = rng.uniform(0.0, size * spacing, (size * size, 2))
    corners = Delaunay(nodes).simplices
    pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    return nodes, np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)


def _bent(rng: Generator, start: Floats, end: Floats, bends: int | None = None) -> Floats:
    """Return a line from `start` to `end` with a few bends."""
    count = int(rng.integers(0, 4)) if bends is None else bends
    along = np.sort(rng.uniform(0.1, 0.9, count))[:, None]
    aside = rng.normal(0.0, 0.08, (count, 2)) * np.hypot(*(end - start))
    return np.concatenate([[start], start + along * (end - start) + aside, [end]])


def _ring(rng: Generator, node: Floats, spacing: float) -> Floats:
    """Return a street that begins and ends at `node`."""
    radius = spacing * rng.uniform(0.1, 0.4)
    turn = rng.uniform(0.0, 2 * np.pi) + np.linspace(0.0, 2 * np.pi, 7)
    way = np.column_stack([np.cos(turn), np.sin(turn)]) * radius
    return np.concatenate([[node], node + way[1:-1] - way[0], [node]])


def _with_estates(rng: Generator, streets: list[Street], nodes: Floats, spacing: float) -> list[Street]:
    """Make the streets around some nodes private, and a few single ones too."""
    middles = np.array([street.vertices.mean(axis=0) for street in streets])
    centres = nodes[rng.integers(0, len(nodes), 2)]
    apart = np.hypot(*(middles[:, None] - centres).transpose(2, 0, 1)).min(axis=1)
    private = (apart < spacing * rng.uniform(0.4, 1.2)) | (rng.random(len(streets)) < 0.1)
    return [
        street._replace(tags=street.tags | {"access": "private"}) if inside else street
        for street, inside in zip(streets, private, strict=True)
    ]


def _places(rng: Generator, streets: list[Street], nodes: Floats, spacing: float, count: int) -> Floats:
    """Return places near and far, some along one street, some exactly at junctions, bends and ends."""
    low, high = nodes.min(axis=0) - spacing, nodes.max(axis=0) + spacing
    corners = np.concatenate([street.vertices for street in streets])
    line = shapely.LineString(streets[rng.integers(len(streets))].vertices)
    places = []
    for _ in range(count):
        kind = rng.integers(5)
        if kind == 0:
            places.append(rng.uniform(low, high))
        elif kind == 1:
            places.append(corners[rng.integers(len(corners))])
        elif kind == 2:
            places.append(nodes[rng.integers(len(nodes))])
        else:
            at = line.interpolate(rng.random(), normalized=True)
            places.append(np.array([at.x, at.y]) + (kind == 3) * rng.normal(0.0, 5.0, 2))
    return np.array(places).reshape(-1, 2)
