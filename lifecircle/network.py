"""Where may people walk, and where on which street is a place?

A `WalkNetwork` is streets between junctions, kept as plain arrays; `Positions` are places snapped to the
nearest point of a street, never to a node.
"""

import dataclasses
import functools
import hashlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from lifecircle.access import Frontage, Ground, Legs
from lifecircle.barriers import NO_BARRIERS, Barriers
from lifecircle.chains import join_chains
from lifecircle.errors import DataError
from lifecircle.hurdles import with_hurdles
from lifecircle.metric import check_metric
from lifecircle.nx_graph import graph_of_streets, ways_of_graph
from lifecircle.squares import with_crossings
from lifecircle.streets import Flags, Floats, Ints, Streets, Ways, cut_into_streets, islands
from lifecircle.walk_states import WalkStates, walk_states
from lifecircle.walkable import Trait, is_square

if TYPE_CHECKING:
    import networkx as nx

MAX_SNAP_M = 200.0
"""A place farther than this from every street is off the network."""
_MANY_PLACES, _MOST_LOTS = 1000, 32
"""So many places at once are worth remembering, and so many lots of them."""
_SAME_PLACE_M = 0.001
_SAME_POINT_M = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Positions:
    """Places on streets; one row is one door of a place.

    Attributes
    ----------
    street
        Shape (k,). The street each door opens on; -1 where no street is near enough.
    along_m, off_m
        Shape (k,). Metres along the street from its first node, and metres off it (the access leg).
    place
        Shape (k,). Row number of the place each door belongs to.
    gate
        Shape (k,). Row of the opening in ``network.barriers`` that the access leg passes; -1 where it is
        straight.
    """

    street: Ints
    along_m: Floats
    off_m: Floats
    place: Ints
    gate: Ints

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for value in vars(self).values():
            value.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of doors."""
        return len(self.street)

    @property
    def on_street(self) -> Flags:
        """Shape (k,). Whether a street is near enough."""
        return self.street >= 0

    def take(self, rows: Ints | Flags) -> "Positions":
        """Return the doors in `rows`, places unchanged."""
        return Positions(**{name: column[rows] for name, column in vars(self).items()})

    def plus(self, other: "Positions") -> "Positions":
        """Return these doors and more doors of the same places."""
        columns = vars(other)
        return Positions(
            **{name: np.concatenate([column, columns[name]]) for name, column in vars(self).items()}
        )

    def of(self, owner: Ints) -> "Positions":
        """Return the same doors as those of other places: `owner` is the row of the place of each `place`."""
        return dataclasses.replace(self, place=owner[self.place])

    def row_of_place(self) -> tuple[Ints, int]:
        """Return which place each door is of, counted in the order they first stand here, and how many."""
        step = np.diff(self.place, prepend=self.place[:1])
        if (step >= 0).all():  # as they come from `snap`
            return np.cumsum(step > 0), int((step > 0).sum()) + (len(self) > 0)
        _, first, place = np.unique(self.place, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[place], len(first)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class WalkNetwork(Streets):
    """Streets a person may walk, between junctions, in one metric CRS.

    Attributes
    ----------
    crs
        Projected, in metres.
    island
        Shape (streets,). Part of a small disconnected piece: not a target for snapping.
    exits
        Where streets leave the data: beyond them, facilities are unknown.
    barriers
        What no access leg crosses.
    """

    crs: pyproj.CRS
    island: Flags
    exits: Positions
    barriers: Barriers = NO_BARRIERS

    def __repr__(self) -> str:
        """Return the size in one line."""
        km = self.drawn_m.sum() / 1000
        size = f"{len(self.node_x):,} nodes, {len(self.street_m):,} streets, {km:,.1f} km"
        return f"<WalkNetwork {size}, {self.crs.name}>"

    @classmethod
    def from_osm(cls, path: str | Path, *, crs: object | None = None) -> "WalkNetwork":
        """Return the walking network of an OpenStreetMap file.

        Parameters
        ----------
        path
            ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
        crs
            Metric CRS to work in; chosen from the place where None.

        Raises
        ------
        FileError, DataError
            If the file is missing, corrupt or holds no street.
        """
        from lifecircle.sources.osm_file import read_network  # noqa: PLC0415  docs/decisions/0003

        return read_network(path, crs=crs)

    @classmethod
    def from_ways(
        cls,
        ways: Ways,
        *,
        crs: pyproj.CRS,
        boundary: shapely.Polygon | shapely.MultiPolygon | None = None,
        barriers: Barriers = NO_BARRIERS,
    ) -> "WalkNetwork":
        """Return the network of ways: streets from one junction to the next.

        Ways meet where they share a vertex; pieces between which there is no choice are one street. Squares
        are crossed straight (`lifecircle.squares`).

        Parameters
        ----------
        ways
            Lines with tags; those closed to walkers are left out.
        crs
            Projected CRS of the ways, in metres.
        boundary
            Area the data covers, in `crs`.
        barriers
            What no access leg crosses.

        Raises
        ------
        DataError
            If `crs` is not metric.
        """
        check_metric(crs, ways.xy)
        streets = join_chains(cut_into_streets(with_hurdles(with_crossings(ways, barriers))))
        network = cls(
            **vars(streets),
            crs=crs,
            island=islands(streets.street_from, streets.street_to, streets.drawn_m),
            exits=_no_positions(),
            barriers=barriers,
        )
        return dataclasses.replace(network, exits=_exits(network, boundary))

    @classmethod
    def from_edges(
        cls,
        edges: gpd.GeoDataFrame,
        *,
        boundary: shapely.Polygon | shapely.MultiPolygon | None = None,
        barriers: Barriers = NO_BARRIERS,
    ) -> "WalkNetwork":
        """Return the network of a layer of street lines.

        Lines meet where they share a vertex (to the millimetre). Columns named as OpenStreetMap's tags
        (``highway``, ``access``, ``foot``, ``oneway:foot`` …) say who may walk; without ``highway`` everybody
        may. A closed line with ``area`` = yes is a square.

        Parameters
        ----------
        edges
            LineStrings or MultiLineStrings in a projected CRS in metres.
        boundary
            Area the data covers, in the same CRS.
        barriers
            What no access leg crosses.

        Raises
        ------
        DataError
            If the layer has no metric CRS.
        """
        if edges.crs is None:
            raise DataError("network.no_crs")
        lines = edges[~(edges.geometry.isna() | edges.geometry.is_empty)].explode(ignore_index=True)
        lines = lines[shapely.get_num_coordinates(lines.geometry.to_numpy()) > 1]
        geometry = lines.geometry.to_numpy()
        xy = shapely.get_coordinates(geometry)
        columns = lines.drop(columns=lines.geometry.name)
        texts = columns.select_dtypes(include=["object", "string"])
        tags = [
            {str(key): value for key, value in row.items() if isinstance(value, str)}
            for row in texts.to_dict("records")
        ] or [{} for _ in range(len(lines))]
        for tag in tags:
            tag.setdefault("highway", "road")
        start = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(geometry))])
        place = _same_place(xy)
        closed = place[start[:-1]] == place[start[1:] - 1]
        square = np.array([is_square(tag) for tag in tags], dtype=bool) & closed
        ways = Ways(place, xy, start, tags, square=np.where(square, np.cumsum(square) - 1, -1))
        return cls.from_ways(ways, crs=edges.crs, boundary=boundary, barriers=barriers)

    @classmethod
    def from_networkx(cls, graph: "nx.MultiDiGraph", *, crs: object | None = None) -> "WalkNetwork":
        """Return the walking network of a graph as OSMnx makes it.

        A street that stands in both directions is taken once; one-way rules for vehicles do not bind walkers.

        Parameters
        ----------
        graph
            Nodes with ``x`` and ``y``, ``graph.graph["crs"]``; edges with OpenStreetMap tags and perhaps
            ``geometry``. A node with ``barrier`` is a gate (OSMnx keeps that tag if
            ``settings.useful_tags_node`` names it, and ``access``, before simplifying).
        crs
            Metric CRS to work in; where None the graph's own if it is metric, else chosen from the place.

        Raises
        ------
        DataError
            If the graph names no CRS or has no edges.
        """
        ways, metric = ways_of_graph(graph, crs=crs)
        return cls.from_ways(ways, crs=metric)

    def to_networkx(self) -> "nx.MultiDiGraph":
        """Return a graph as OSMnx draws it, with an edge for each direction that may be walked."""
        return graph_of_streets(self, self.lines, self.crs)

    def to_streets(self) -> gpd.GeoDataFrame:
        """Return the streets as LineStrings with columns kind, length_m, private, island and across.

        Across are those that lead straight over a square: no map draws them.
        """
        return gpd.GeoDataFrame(
            {
                "kind": self.kind,
                "length_m": self.street_m,
                "private": self.private,
                "island": self.island,
                "across": (self.traits & Trait.ACROSS) != 0,
            },
            geometry=self.lines,
            crs=self.crs,
        )

    @functools.cached_property
    def lines(self) -> NDArray[Any]:
        """Shape (streets,). Each street as a shapely LineString."""
        of = np.repeat(np.arange(len(self.street_m)), np.diff(self.line_start))
        return np.asarray(shapely.linestrings(self.line_xy, indices=of))

    def snap(
        self, x: ArrayLike, y: ArrayLike, *, max_m: float = MAX_SNAP_M, public_only: bool = False
    ) -> Positions:
        """Return where every place opens on a street: the nearest point that no barrier parts it from.

        Islands are no targets. The rules are those of `lifecircle.access.Frontage.legs`.

        Parameters
        ----------
        x, y
            Shape (k,). Metres in the network's CRS.
        max_m
            A place whose leg would be longer gets street -1.
        public_only
            Leave private streets out: where strangers meet the place.

        Returns
        -------
        Positions
            One row per place, in order.
        """
        x, y = _as_arrays(x, y)
        known = self.snapped if len(x) >= _MANY_PLACES else self.snapped_few
        lot = hashlib.sha256(f"{max_m} {public_only}".encode())
        for part in (x, y, self.is_target):  # the rest of what counts is alike for all who share `snapped`
            lot.update(part.tobytes())
        name = lot.hexdigest()[:32]
        if name not in known:
            if len(known) >= _MOST_LOTS:
                del known[next(iter(known))]
            known[name] = self._snap(x, y, max_m, public_only=public_only)
        return known[name]

    def _snap(self, x: Floats, y: Floats, max_m: float, *, public_only: bool) -> Positions:
        legs = self.legs(np.asarray(shapely.points(x, y)), max_m=max_m, public_only=public_only)
        rows = np.flatnonzero(legs.street >= 0)
        legs.along_m[rows] = _at_ends(legs.along_m[rows], self.street_m[legs.street[rows]])
        place = np.arange(len(legs.street), dtype=np.int64)
        return Positions(legs.street, legs.along_m, legs.off_m, place, legs.gate)

    def legs(self, shapes: NDArray[Any], *, max_m: float = MAX_SNAP_M, public_only: bool = False) -> Legs:
        """Return the access legs of places of any shape; parameters as for `snap`."""
        return (self._public_frontage if public_only else self._frontage).legs(shapes, max_m)

    def doors(self, x: ArrayLike, y: ArrayLike, *, max_m: float = MAX_SNAP_M) -> Positions:
        """Return where facilities meet the streets: the nearest public street and, if nearer, a private one.

        Strangers come in from the public street; who lives on the private one walks straight up to it.

        Parameters
        ----------
        x, y, max_m
            As for `snap`.

        Returns
        -------
        Positions
            One or two rows per place.
        """
        public = self.snap(x, y, max_m=max_m, public_only=True)
        nearest = self.snap(x, y, max_m=max_m)
        inside = np.flatnonzero(nearest.on_street)
        return public.plus(nearest.take(inside[self.private[nearest.street[inside]]]))

    @functools.cached_property
    def snapped(self) -> MutableMapping[str, Positions]:
        """Lots of places that were snapped before, by a digest of what was asked."""
        return {}

    @functools.cached_property
    def snapped_few(self) -> MutableMapping[str, Positions]:
        """As `snapped`, of lots that are too small to be kept for another run, such as facilities."""
        return {}

    @property
    def of_geometry(self) -> dict[str, Any]:
        """What streets of the same geometry, however dear, need not work out again."""
        return {name: getattr(self, name) for name in ("lines", "ground", "snapped", "snapped_few")}

    @functools.cached_property
    def ground(self) -> Ground:
        """What access legs are found on."""
        return Ground(self.lines, self.private, self.barriers)

    @functools.cached_property
    def _frontage(self) -> Frontage:
        return self.ground.frontage(self.is_target)

    @functools.cached_property
    def _public_frontage(self) -> Frontage:
        return self.ground.frontage(self.is_target & ~self.private)

    @property
    def yards(self) -> shapely.STRtree:
        """Ground that walls enclose without a gate, a gap or a street: from there no access leg is free."""
        return self._frontage.yards

    @property
    def is_target(self) -> Flags:
        """Shape (streets,). Whether places may open on it: open in some direction and on no island."""
        return (np.isfinite(self.along) | np.isfinite(self.against)) & ~self.island

    @functools.cached_property
    def states(self) -> WalkStates:
        """The search graph, built once."""
        return walk_states(self)


def _no_positions() -> Positions:
    none = np.zeros(0, dtype=np.int64)
    return Positions(none, np.zeros(0), np.zeros(0), none.copy(), none.copy())


def _exits(network: WalkNetwork, boundary: shapely.Polygon | shapely.MultiPolygon | None) -> Positions:
    """Return where streets leave the data: at nodes whose ways are cut off, and across `boundary`."""
    at_from = np.flatnonzero(network.node_cut[network.street_from])
    at_to = np.flatnonzero(network.node_cut[network.street_to])
    across, across_m = where_lines_leave(network.lines, network.street_m, boundary)
    streets = np.concatenate([at_from, at_to, across])
    alongs = np.concatenate([np.zeros(len(at_from)), network.street_m[at_to], across_m])
    place = np.arange(len(streets), dtype=np.int64)
    return Positions(streets, alongs, np.zeros(len(streets)), place, np.full(len(streets), -1))


def _as_arrays(*columns: ArrayLike) -> list[Floats]:
    return [np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in columns]


def where_lines_leave(
    lines: NDArray[Any], street_m: Floats, boundary: shapely.Polygon | shapely.MultiPolygon | None
) -> tuple[Ints, Floats]:
    """Return which lines meet the outline of an area, and how far along, in metres; one row per point."""
    if boundary is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    shapely.prepare(boundary)
    across = np.flatnonzero(~shapely.contains_properly(boundary, lines))
    points = shapely.intersection(lines[across], shapely.boundary(boundary))
    xy, of = shapely.get_coordinates(points, return_index=True)
    street = across[of]
    along_m = shapely.line_locate_point(lines[street], shapely.points(xy))
    return street, _at_ends(along_m, street_m[street])


def _at_ends(along_m: Floats, street_m: Floats) -> Floats:
    """Put positions within a micrometre of an end on it: sums along a line differ in their last digits."""
    along: Floats = np.where(along_m > street_m - _SAME_POINT_M, street_m, along_m)
    return np.where(along_m < _SAME_POINT_M, 0.0, along)


def _same_place(xy: Floats) -> Ints:
    """Return one number per place; vertices within a millimetre are the same place."""
    numbers: Ints = np.unique(np.round(xy / _SAME_PLACE_M).astype(np.int64), axis=0, return_inverse=True)[1]
    return numbers.ravel()
