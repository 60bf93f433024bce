"""Which streets run on into one another with no choice between, and so are one street to a search?

Two streets are one where nothing else meets them, they have the same attributes, and both may be walked
either way. Chains are put in order by pointer doubling, so that no loop runs over streets.
"""

import dataclasses

import numpy as np

from lifecircle.streets import Ints, Streets


def join_chains(streets: Streets) -> Streets:
    """Return the streets with each chain joined into one; a closed ring that meets nothing stays as it is.

    A traversal of street s is numbered 2 s (as drawn) or 2 s + 1 (against); it starts at the end of that
    number and leaves by the other end, whose number is one bit away.
    """
    count = len(streets.street_m)
    beyond = _streets_beyond(streets)
    follows = beyond[np.arange(2 * count) ^ 1]
    last, steps = np.where(follows < 0, np.arange(2 * count), follows), (follows >= 0).astype(np.int64)
    for _ in range(int(np.ceil(np.log2(2 * count + 1)))):
        steps, last = steps + steps[last], last[last]
    ring = follows[last] >= 0
    first = last[np.arange(2 * count) ^ 1] ^ 1
    traversal = np.flatnonzero(np.where(ring, np.arange(2 * count) % 2 == 0, first < (last ^ 1)))
    first, last, steps = (
        np.where(ring, np.arange(2 * count), first)[traversal],
        np.where(ring, np.arange(2 * count), last)[traversal],
        np.where(ring, 0, steps)[traversal],
    )
    order = np.lexsort([-steps, first])
    return _joined(streets, traversal[order], first[order], last[order])


def _streets_beyond(streets: Streets) -> Ints:
    """Return for each end (2 s, 2 s + 1) the end of the one street it runs on into, -1 for none."""
    ends = np.column_stack([streets.street_from, streets.street_to]).ravel()
    order = np.argsort(ends, kind="stable")
    nodes, first, meeting = np.unique(ends[order], return_index=True, return_counts=True)
    first = first[(meeting == 2) & ~streets.node_cut[nodes]]  # noqa: PLR2004  two ends meet
    one, other = order[first], order[first + 1]
    attributes = _attributes(streets)
    alike = attributes[one // 2] == attributes[other // 2]
    either_way = (streets.along == streets.against)[one // 2]
    joins = alike & either_way & (one // 2 != other // 2)
    beyond = np.full(len(ends), -1, dtype=np.int64)
    beyond[one[joins]], beyond[other[joins]] = other[joins], one[joins]
    return beyond


def _attributes(streets: Streets) -> Ints:
    """Return a number per street that is the same for streets alike in all but place."""
    numbers = np.zeros(len(streets.street_m), dtype=np.int64)
    for column in (streets.kind, streets.private, streets.traits, streets.along, streets.against):
        distinct, number = np.unique(column, return_inverse=True)
        numbers = numbers * len(distinct) + number
    return numbers


def _joined(streets: Streets, traversal: Ints, first: Ints, last: Ints) -> Streets:
    """Return one street per run of equal `first`, drawn along its traversals in order."""
    street, against = traversal // 2, traversal % 2 == 1
    begins = np.ones(len(first), dtype=bool)
    begins[1:] = first[1:] != first[:-1]
    heads = np.flatnonzero(begins)
    counts = np.diff(streets.line_start)[street]
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row = np.where(
        np.repeat(against, counts),
        np.repeat(streets.line_start[street + 1] - 1, counts) - offset,
        np.repeat(streets.line_start[street], counts) + offset,
    )
    kept = (offset > 0) | np.repeat(begins, counts)
    vertices = np.add.reduceat(counts - ~begins, heads) if len(heads) else heads
    ends = np.column_stack([streets.street_from, streets.street_to]).ravel()
    used, node = np.unique(np.concatenate([ends[first[heads]], ends[last[heads] ^ 1]]), return_inverse=True)
    of_first = {
        name: getattr(streets, name)[street[heads]]
        for name in ("along", "against", "private", "kind", "traits")
    }
    return dataclasses.replace(
        streets,
        node_x=streets.node_x[used],
        node_y=streets.node_y[used],
        node_cut=streets.node_cut[used],
        street_from=node[: len(heads)],
        street_to=node[len(heads) :],
        street_m=np.add.reduceat(streets.street_m[street], heads) if len(heads) else streets.street_m,
        **of_first,
        line_start=np.concatenate([[0], np.cumsum(vertices)]).astype(np.int64),
        line_xy=streets.line_xy[row[kept]],
    )
