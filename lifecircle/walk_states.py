"""How does a search see the network: who may go from where to where, at what cost?

A walk may begin on the private streets of one's own estate and never enters private streets again. So each
private street has states of its own, with a free step from them to the public node where they meet.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from lifecircle.streets import Flags, Floats, Ints, Streets, components


class WalkStates(NamedTuple):
    """Nodes and edges of the search."""

    reversed_graph: sparse.csr_array
    """Cost in level metres of each step, turned round: from the facility to the home."""
    street_from: Ints
    """Shape (streets,). State at the first node of each street."""
    street_to: Ints
    """Shape (streets,). State at its last node."""


def walk_states(streets: Streets) -> WalkStates:
    """Return the search graph of these streets, with the cheapest of parallel ones."""
    private, nodes = streets.private, len(streets.node_x)
    is_public = np.zeros(nodes, dtype=bool)
    is_public[streets.street_from[~private]] = is_public[streets.street_to[~private]] = True
    resident, node = _resident_states(streets.street_from[private], streets.street_to[private], is_public)
    state_from, state_to = streets.street_from.copy(), streets.street_to.copy()
    state_from[private], state_to[private] = nodes + resident
    gates = np.flatnonzero(is_public[node])
    tail = np.concatenate([state_from, state_to, nodes + gates])
    head = np.concatenate([state_to, state_from, node[gates]])
    metres = np.concatenate([streets.street_m, streets.street_m, np.zeros(len(gates))])
    factor = np.concatenate([streets.along, streets.against, np.ones(len(gates))])
    open_ = np.isfinite(factor) & (tail != head)
    graph = _cheapest(head[open_], tail[open_], metres[open_] * factor[open_], nodes + len(node))
    return WalkStates(graph, state_from, state_to)


def _resident_states(street_from: Ints, street_to: Ints, is_public: Flags) -> tuple[Ints, Ints]:
    """Return the states at the ends of private streets, shape (2, private), and the node of each state.

    Two estates that share a public node share no state, so a resident of one cannot cut through the other.
    """
    ends, count = np.concatenate([street_from, street_to]), len(street_from)
    if count == 0:
        return np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
    apart = np.where(is_public[ends], len(is_public) + np.arange(len(ends)), ends)
    _, apart = np.unique(apart, return_inverse=True)
    estate = components(apart[:count], apart[count:])[apart]
    pairs, state = np.unique(np.column_stack([estate, ends]), axis=0, return_inverse=True)
    return state.reshape(2, count), pairs[:, 1]


def _cheapest(tail: Ints, head: Ints, cost: Floats, nodes: int) -> sparse.csr_array:
    """Return the graph as CSR with the least of parallel costs: scipy would add them up."""
    order = np.lexsort([cost, head, tail])
    tail, head, cost = tail[order], head[order], cost[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail[first], minlength=nodes))])
    return sparse.csr_array(
        (cost[first], head[first].astype(np.int32), indptr.astype(np.int32)), shape=(nodes, nodes)
    )
