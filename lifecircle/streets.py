"""How do ways become streets between junctions, and which of them are islands or lie inside an estate?"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.walkable import Trait, Walk, traits, walk_directions, who_may_walk

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
T = TypeVar("T")

ISLAND_M = 1000.0
"""A piece of network with fewer metres of street, and not the largest, is an island: nothing snaps to it."""
ENCLAVE_M = 5000.0
"""A public piece up to this long that only private streets reach belongs to the estate around it."""


class Ways(NamedTuple):
    """Lines as a map draws them: each a run of vertices, with tags."""

    vertex: ArrayLike
    """Shape (v,). Identity of each vertex; ways meet where they share one."""
    xy: ArrayLike
    """Shape (v, 2). Metres."""
    start: ArrayLike
    """Shape (w + 1,). Way i has the vertices ``start[i]`` to ``start[i + 1]``, at least two."""
    tags: Sequence[Mapping[str, str]]
    """OpenStreetMap tags of each way; they say who may walk it, and in which direction."""
    cut: ArrayLike | None = None
    """Shape (v,). True where the way goes on beyond the data."""
    gate: ArrayLike | None = None
    """Shape (v,). Who may pass each vertex, as `lifecircle.walkable.Walk`; all may where None."""
    square: ArrayLike | None = None
    """Shape (w,). Number of the square that each way is a ring of, the outer ring first; else -1."""
    hurdle: ArrayLike | None = None
    """Shape (v,). What at each vertex is hard for some, as `lifecircle.walkable.Trait`; None: nothing."""


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Streets:
    """Pieces of walkable ways between junctions, as plain arrays.

    Attributes
    ----------
    node_x, node_y
        Shape (nodes,). Junctions and ends, metres.
    node_cut
        Shape (nodes,). Whether a way goes on here beyond the data.
    street_from, street_to
        Shape (streets,). Nodes at the ends of each street. Parallel streets and loops are kept.
    street_m
        Shape (streets,). Length along the geometry, metres.
    along, against
        Shape (streets,). Cost of one metre in each direction, 1 on the level; inf where it may not be walked.
    private
        Shape (streets,). Walked from the homes on it outward, and by nobody else.
    kind
        Shape (streets,). OpenStreetMap's ``highway`` value.
    traits
        Shape (streets,). What makes each street hard for some, as `lifecircle.walkable.Trait`.
    line_start, line_xy
        Shapes (streets + 1,) and (vertices, 2). Street i has the vertices
        ``line_xy[line_start[i]:line_start[i + 1]]``.
    """

    node_x: Floats
    node_y: Floats
    node_cut: Flags
    street_from: Ints
    street_to: Ints
    street_m: Floats
    along: Floats
    against: Floats
    private: Flags
    kind: NDArray[np.str_]
    traits: Ints
    line_start: Ints
    line_xy: Floats

    @property
    def drawn_m(self) -> Floats:
        """Shape (streets,). Metres of street as a map has it: nobody draws ways across squares."""
        return np.where(self.traits & Trait.ACROSS, 0.0, self.street_m)

    def __post_init__(self) -> None:
        """Freeze the arrays: searches and trees built from them are kept."""
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


def cut_into_streets(ways: Ways) -> Streets:
    """Return the streets of the ways a person may walk, cut where ways share a vertex or a gate is shut."""
    walk = np.array(of_each(ways.tags, who_may_walk), dtype=np.int64)
    open_, start = walk > 0, np.asarray(ways.start, dtype=np.int64)
    rows = ranges(start[:-1][open_], start[1:][open_])
    tags = [tags for tags, who in zip(ways.tags, walk, strict=True) if who]
    _, first_row, node = np.unique(np.asarray(ways.vertex)[rows], return_index=True, return_inverse=True)
    xy = np.asarray(ways.xy, dtype=np.float64).reshape(-1, 2)[rows]
    cut = np.zeros(len(first_row), dtype=bool)
    if ways.cut is not None:
        cut[node[np.asarray(ways.cut, dtype=bool)[rows]]] = True
    who_passes = np.full(len(cut), int(Walk.PUBLIC))
    if ways.gate is not None:
        at_gate = np.asarray(ways.gate)[rows]
        for who in (Walk.PRIVATE, Walk.CLOSED):
            who_passes[node[at_gate == who]] = who
    junction = (np.bincount(node, minlength=len(cut)) > 1) | cut | (who_passes != Walk.PUBLIC)
    first, last, way = _between(junction[node], np.concatenate([[0], np.cumsum(np.diff(start)[open_])]))
    length = _line_lengths(xy, first, last)
    real = (length > 0) | (node[first] != node[last])
    first, last, way = first[real], last[real], way[real]
    private = (walk[open_] == Walk.PRIVATE)[way]
    at = np.stack([node[first], node[last]])
    hard = np.array(of_each(tags, traits), dtype=np.int64)[way]
    ends, private = _parted_at_gates(
        at, np.where(hard & Trait.ACROSS, 0.0, length[real]), private, who_passes
    )
    _, one, ends = np.unique(ends.ravel(), return_index=True, return_inverse=True)
    used, (street_from, street_to) = at.ravel()[one], ends.reshape(2, -1)
    directions = np.array(of_each(tags, walk_directions), dtype=bool).reshape(-1, 2)[way]
    return Streets(
        node_x=xy[first_row[used], 0],
        node_y=xy[first_row[used], 1],
        node_cut=cut[used],
        street_from=street_from,
        street_to=street_to,
        street_m=length[real],
        along=np.where(directions[:, 0], 1.0, np.inf),
        against=np.where(directions[:, 1], 1.0, np.inf),
        private=private,
        kind=np.array([tag.get("highway", "") for tag in tags], dtype=np.str_)[way],
        traits=hard,
        line_start=np.concatenate([[0], np.cumsum(last - first + 1)]).astype(np.int64),
        line_xy=xy[ranges(first, last + 1)],
    )


def of_each(tags: Sequence[Mapping[str, str]], rule: Callable[[Mapping[str, str]], T]) -> list[T]:
    """Return what a rule says of the tags of each thing; of things that share one object it is asked once."""
    each = [*map(id, tags)]
    said = {key: rule(one) for key, one in dict(zip(each, tags, strict=True)).items()}
    return [*map(said.__getitem__, each)]


def islands(street_from: Ints, street_to: Ints, street_m: Floats) -> Flags:
    """Return which streets lie in a small piece of network that is not the largest; shape (streets,)."""
    if len(street_from) == 0:
        return np.zeros(0, dtype=bool)
    piece = components(street_from, street_to)[street_from]
    metres = np.bincount(piece, weights=street_m)
    small = metres < ISLAND_M
    small[metres.argmax()] = False
    return small[piece]


def components(tail: Ints, head: Ints, nodes: int | None = None) -> Ints:
    """Return the number of the connected piece that each node is in."""
    count = int(max(tail.max(), head.max())) + 1 if nodes is None else nodes
    graph = sparse.coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(count, count))
    labels: Ints = csgraph.connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def _parted_at_gates(ends: Ints, street_m: Floats, private: Flags, who_passes: Ints) -> tuple[Ints, Flags]:
    """Return the nodes at the ends of streets, parted where a gate is shut, and which streets are private.

    `ends` has shape (2, streets). At a gate that not everybody may pass, the two streets meet no more: each
    gets a node of its own, numbered from the number of nodes. A private gate joins them again where one of
    them is private or lies in an enclave that only private streets and gates reach: then who lives there
    walks out. Where more than two streets meet, the map does not say which of them the gate shuts, and it
    shuts none.
    """
    nodes, flat = len(who_passes), ends.ravel()
    gated = (who_passes != Walk.PUBLIC) & (np.bincount(flat, minlength=nodes) == 2)  # noqa: PLR2004 - as said above
    parted = np.where(gated[flat], nodes + np.arange(len(flat)), flat)
    at = np.flatnonzero((gated & (who_passes == Walk.PRIVATE))[flat])
    pairs = at[np.argsort(flat[at], kind="stable")].reshape(-1, 2)
    street_from, street_to = np.concatenate([parted.reshape(2, -1), parted[pairs].T], axis=1)
    metres = np.append(street_m, np.zeros(len(pairs)))
    shut = np.append(private, np.ones(len(pairs), dtype=bool))
    private = (shut | enclaves(street_from, street_to, metres, shut))[: len(private)]
    joined = pairs[private[pairs % len(private)].any(axis=1)] if len(pairs) else pairs
    parted[joined] = flat[joined]
    return parted.reshape(2, -1), private


def enclaves(street_from: Ints, street_to: Ints, street_m: Floats, private: Flags) -> Flags:
    """Return which public streets lie in a piece that only private streets reach."""
    public = ~private
    if not public.any() or not private.any():
        return np.zeros(len(private), dtype=bool)
    nodes = int(max(street_from.max(), street_to.max())) + 1
    piece = components(street_from[public], street_to[public], nodes)
    metres = np.bincount(piece[street_from[public]], weights=street_m[public], minlength=piece.max() + 1)
    behind = np.zeros(len(metres), dtype=bool)
    behind[piece[street_from[private]]] = behind[piece[street_to[private]]] = True
    enclave = behind & (metres <= ENCLAVE_M)
    enclave[metres.argmax()] = False
    return public & enclave[piece[street_from]]


def _between(junction: Flags, start: Ints) -> tuple[Ints, Ints, Ints]:
    """Return first vertex, last vertex and way of each run between junctions or ends of ways."""
    if len(junction) == 0:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    ends = junction.copy()
    ends[start[:-1]] = ends[start[1:] - 1] = True
    rows = np.flatnonzero(ends)
    way = np.repeat(np.arange(len(start) - 1), np.diff(start))[rows]
    same = way[:-1] == way[1:]
    return rows[:-1][same], rows[1:][same], way[:-1][same]


def ranges(start: Ints, stop: Ints) -> Ints:
    """Return ``start[0] .. stop[0] - 1, start[1] .. stop[1] - 1, …`` as one array."""
    counts = stop - start
    rows: Ints = np.arange(counts.sum(), dtype=np.int64) + np.repeat(stop - np.cumsum(counts), counts)
    return rows


def found_in(known: Ints, wanted: Ints) -> tuple[Ints, Flags]:
    """Return where numbers stand among ascending ones, and which of them do; shaped as `wanted`."""
    if len(known) == 0:
        return np.zeros(wanted.shape, dtype=np.int64), np.zeros(wanted.shape, dtype=bool)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return at, known[at] == wanted


def starts(counts: Ints) -> Ints:
    """Return where each run of so many begins, and where the last one ends, shape (runs + 1,)."""
    return np.concatenate([[0], np.cumsum(counts)])


def _line_lengths(xy: Floats, first: Ints, last: Ints) -> Floats:
    """Return the length of each run of vertices, summed by itself so that no digits are lost."""
    if len(first) == 0:
        return np.zeros(0)
    step = np.hypot(*np.diff(xy, axis=0).T)
    # runs of one way share end vertices, so each step lies in one run; steps between runs are the odd sums
    edges = np.column_stack([first, last]).ravel()
    lengths: Floats = np.add.reduceat(np.append(step, 0.0), edges)[::2]
    return lengths
