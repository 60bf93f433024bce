"""Of many candidates, which few together do most?

A *benefit* is what one candidate alone does for one row of people; of several chosen candidates the best
counts for each row. With people as benefit this is the maximal covering location problem [1]_, with walks
saved it is the p-median problem. Candidates may have costs and a budget, or room for so many people only.

The answer is found in three steps. Greedy choice with exchanges gives a good answer. Lagrangian relaxation
[2]_ gives a bound on every answer, and strikes out candidates that no better answer can hold. What is left
goes to HiGHS as a mixed-integer program, which proves the best; if its time is up, the best bound is told.

References
----------
.. [1] R. Church and C. ReVelle, "The maximal covering location problem", Papers of the Regional Science
   Association 32, 1974.
.. [2] R. D. Galvão and C. ReVelle, "A Lagrangean heuristic for the maximal covering location problem",
   European Journal of Operational Research 88, 1996.
"""

import dataclasses
import functools
import time
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from lifecircle.errors import DataError
from lifecircle.streets import Flags, Floats, Ints

_SAME = 1e-9
"""Relative difference of values that floating-point sums may leave."""
_FREE = 1e-6
"""What a candidate without cost is taken to cost, so that benefits can be told per cost."""
_ROUNDS, _PATIENCE, _LITTLE, _LEAST_STEP = 600, 15, 1e-6, 1e-4
"""Of the relaxation: steps at most; steps without a better bound after which they are halved; what counts as
better; the step that is the last."""
_STRIKE_EVERY, _STRIKE_BELOW = 10, 0.8
"""Candidates are struck out every so many steps, if fewer than this share of them are left."""


class Chosen(NamedTuple):
    """An answer, and how good it is."""

    rows: Ints
    """Chosen candidates: first the one that does most alone, then what adds most to those before it."""
    value: float
    """Benefit of all of them together."""
    bound: float
    """No answer has more."""
    greedy_value: float
    """What choosing one after the other gives; `value` is never less."""

    @property
    def gap(self) -> float:
        """How much better, as a share of `value`, an answer could still be; 0 is proven to be best."""
        return max(0.0, self.bound - self.value) / self.value if self.value > 0 else 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class Choice:
    """What there is to choose from.

    Attributes
    ----------
    benefit
        Shape (candidates, rows). What each candidate alone does for each row, more than 0 where stored.
    sites
        How many may be chosen.
    cost
        Shape (candidates,). Finite where `budget` is.
    budget
        Most that those chosen may cost together.
    room
        Shape (candidates,). Benefit that each can give in all, as places of a kindergarten; None for any.
    """

    benefit: sparse.csr_array
    sites: int
    cost: Floats | None = None
    budget: float = np.inf
    room: Floats | None = None

    def __post_init__(self) -> None:
        """Prove what the solver relies on."""
        if self.sites < 1:
            raise DataError("siting.bad_sites", value=self.sites)
        if self.budget < np.inf and (self.cost is None or not np.isfinite(self.cost).all()):
            raise DataError("siting.no_costs")

    @functools.cached_property
    def owner(self) -> Ints:
        """Shape (stored,). The candidate of each stored benefit."""
        return np.repeat(np.arange(self.benefit.shape[0]), np.diff(self.benefit.indptr))

    def of(self, rows: Ints) -> "Choice":
        """Return the choice among fewer candidates."""
        cost, room = (None if values is None else values[rows] for values in (self.cost, self.room))
        return dataclasses.replace(self, benefit=self.benefit[rows], cost=cost, room=room)

    @functools.cached_property
    def most(self) -> Floats:
        """Shape (rows,). The most that any candidate does for each row."""
        most = np.zeros(self.benefit.shape[1])
        np.maximum.at(most, self.benefit.indices, self.benefit.data)
        return most

    def gains(self, level: Floats) -> Floats:
        """Return what each candidate adds to what all rows have already, shape (candidates,)."""
        more = np.maximum(self.benefit.data - level[self.benefit.indices], 0.0)
        gains = np.asarray(np.bincount(self.owner, more, self.benefit.shape[0]), dtype=np.float64)
        return gains if self.room is None else np.minimum(gains, self.room)

    def raised(self, level: Floats, row: int) -> Floats:
        """Return what each row has once a candidate is added; if its room is short, first rows come first."""
        part = slice(self.benefit.indptr[row], self.benefit.indptr[row + 1])
        at, raised = self.benefit.indices[part], level.copy()
        more: Floats = np.maximum(self.benefit.data[part] - level[at], 0.0)
        if self.room is not None:
            given = np.minimum(np.cumsum(more), self.room[row])
            more = given - np.concatenate([[0.0], given[:-1]])
        raised[at] += more
        return raised

    def level(self, rows: Ints) -> Floats:
        """Return what each row has of these candidates, taken in this order, shape (rows,)."""
        level = np.zeros(self.benefit.shape[1])
        for row in rows.tolist():
            level = self.raised(level, row)
        return level

    def affordable(self, spent: float) -> Flags:
        """Return which candidates the rest of the budget pays for."""
        if self.budget == np.inf or self.cost is None:
            return np.ones(self.benefit.shape[0], dtype=bool)
        return self.cost <= (self.budget - spent) * (1 + _SAME)

    def spent(self, rows: Ints) -> float:
        """Return what these candidates cost, of a budget."""
        return 0.0 if self.cost is None or self.budget == np.inf else float(self.cost[rows].sum())


def choose(choice: Choice, *, time_limit_s: float = 60.0) -> Chosen:
    """Return the candidates that together do most.

    Parameters
    ----------
    choice
        What there is to choose from.
    time_limit_s
        After so many seconds the best answer so far is returned, with a bound.

    Returns
    -------
    Chosen

    Examples
    --------
    >>> two_villages_and_the_hill_between = sparse.csr_array([[5.0, 0, 2], [0, 4, 1], [4, 3, 0]])
    >>> best = choose(Choice(two_villages_and_the_hill_between, sites=2))
    >>> best.rows.tolist(), best.value, best.gap
    ([0, 1], 11.0, 0.0)
    """
    ends = time.perf_counter() + time_limit_s
    greedy = greedily(choice)
    greedy_value = worth(choice, greedy)
    best = _exchanged(choice, greedy, ends)
    value = worth(choice, best)
    bound, left = _relaxed(choice, value, ends)
    if choice.room is not None:
        bound = min(bound, float(np.sort(choice.room)[::-1][: choice.sites].sum()))
    if bound > value * (1 + _SAME) and time.perf_counter() < ends:
        found, proven = _programmed(choice.of(left), ends - time.perf_counter())
        if (better := worth(choice, left[found])) > value * (1 + _SAME):
            best, value = left[found], better
        bound = min(bound, max(proven, value))
    if bound <= value * (1 + _SAME):
        bound = value
    return Chosen(_ranked(choice, best), value, bound, greedy_value)


def worth(choice: Choice, rows: Ints) -> float:
    """Return the benefit of these candidates together; where room is short it is given out best."""
    if choice.room is None or len(rows) == 0:
        return float(choice.level(rows).sum())
    part = choice.of(rows)
    stored, (candidates, people) = part.benefit.nnz, part.benefit.shape
    once = sparse.csr_array(
        (np.ones(stored), (part.benefit.indices, np.arange(stored))), shape=(people, stored)
    )
    room = sparse.csr_array((part.benefit.data, (part.owner, np.arange(stored))), shape=(candidates, stored))
    answer = milp(
        -part.benefit.data,
        constraints=[LinearConstraint(once, -np.inf, 1.0), LinearConstraint(room, -np.inf, part.room)],
        bounds=Bounds(0.0, 1.0),
    )
    return -float(answer.fun)


def greedily(choice: Choice, sites: int | None = None) -> Ints:
    """Return candidates chosen one after the other: each adds most to those before it; none adds nothing.

    With a budget, also by benefit per cost, and the better of both.
    """
    count = choice.sites if sites is None else sites
    by_gain = _greedily(choice, count, np.ones(choice.benefit.shape[0]))
    if choice.budget == np.inf or choice.cost is None:
        return by_gain
    by_price = _greedily(choice, count, np.maximum(choice.cost, _FREE))
    values = [choice.level(rows).sum() for rows in (by_gain, by_price)]
    return by_price if values[1] > values[0] else by_gain


def _greedily(choice: Choice, count: int, price: Floats) -> Ints:
    level, chosen = np.zeros(choice.benefit.shape[1]), np.zeros(0, dtype=np.int64)
    for _ in range(count):
        gains = np.where(choice.affordable(choice.spent(chosen)), choice.gains(level), 0.0)
        gains[chosen] = 0.0
        best = int((gains / price).argmax()) if len(gains) else 0
        if len(gains) == 0 or gains[best] <= 0:
            break
        chosen = np.append(chosen, best)
        level = choice.raised(level, best)
    return chosen


def _exchanged(choice: Choice, rows: Ints, ends: float) -> Ints:
    """Return an answer that no exchange of one candidate betters."""
    best, value = rows.copy(), float(choice.level(rows).sum())
    better = len(best) > 0
    while better and time.perf_counter() < ends:
        better = False
        for place in range(len(best)):
            others = np.delete(best, place)
            level = choice.level(others)
            gains = np.where(choice.affordable(choice.spent(others)), choice.gains(level), -np.inf)
            gains[others] = -np.inf
            other = int(gains.argmax())
            if level.sum() + gains[other] > value * (1 + _SAME):
                best[place], better = other, True
                value = float(level.sum() + gains[other])
    return best


def _relaxed(choice: Choice, value: float, ends: float) -> tuple[float, Ints]:
    """Return a bound on every answer, and the candidates that an answer as good as `value` may hold.

    Each row asks a price for being served; whatever the prices, what all rows ask and what the dearest
    candidates keep is a bound. Prices move towards the one server that each row shall have.
    """
    left = np.arange(choice.benefit.shape[0])
    price, bound, step, since = choice.most / 2, np.inf, 2.0, 0
    for round_ in range(_ROUNDS):
        candidates, rows = choice.benefit.shape
        count = min(choice.sites, candidates)
        if count == 0 or rows == 0:
            return value, left
        served = _served(choice, price)
        surplus = choice.benefit.data - price[choice.benefit.indices]
        kept = np.bincount(choice.owner, weights=np.maximum(served * surplus, 0.0), minlength=candidates)
        order = np.argsort(-kept, kind="stable")
        limit = float(price.sum() + kept[order[:count]].sum())
        since = 0 if limit < bound * (1 - _LITTLE) else since + 1
        bound = min(bound, limit)
        if since >= _PATIENCE:
            step, since = step / 2, 0
        if bound <= value * (1 + _LITTLE) or step < _LEAST_STEP or time.perf_counter() > ends:
            break
        slope = np.ones(rows)
        for row in order[:count].tolist():
            part = slice(choice.benefit.indptr[row], choice.benefit.indptr[row + 1])
            slope[choice.benefit.indices[part]] -= served[part]
        slope[(price <= 0) & (slope > 0) | (price >= choice.most) & (slope < 0)] = 0.0
        steep = float(slope @ slope)
        if steep == 0:
            break
        price = np.clip(price - step * (limit - value) / steep * slope, 0.0, choice.most)
        alive = limit - kept[order[count - 1]] + kept >= value * (1 - _SAME)
        if round_ % _STRIKE_EVERY == 0 and alive.mean() < _STRIKE_BELOW:
            choice, left = choice.of(np.flatnonzero(alive)), left[alive]
            price = np.minimum(price, choice.most)
    return max(bound, value), left[limit - kept[order[count - 1]] + kept >= value * (1 - _SAME)]


def _served(choice: Choice, price: Floats) -> Floats:
    """Return which part of each row a candidate would serve at these prices: who pays, if there is room."""
    surplus = choice.benefit.data - price[choice.benefit.indices]
    served: Floats = (surplus > 0).astype(np.float64)
    if choice.room is None:
        return served
    # a place goes to those first who keep most of its worth
    order = np.lexsort([-surplus / choice.benefit.data, choice.owner])
    people = np.where(surplus > 0, choice.benefit.data, 0.0)[order]
    before = np.cumsum(people) - people
    before -= before[choice.benefit.indptr[:-1][choice.owner[order]]]
    room = choice.room[choice.owner[order]] - before
    served[order] = np.clip(room, 0.0, people) / choice.benefit.data[order]
    return served


def _programmed(choice: Choice, seconds: float) -> tuple[Ints, float]:
    """Return the answer of a mixed-integer program, empty if there is none in time, and its bound."""
    benefit, (candidates, people) = choice.benefit, choice.benefit.shape
    stored = np.arange(benefit.nnz)
    alike = choice.room is None and np.array_equal(benefit.data, choice.most[benefit.indices])
    if alike:  # a row is served if any candidate that reaches it is chosen
        worth_of = choice.most
        served = sparse.eye_array(people)
        rules = [
            _rule(
                [
                    -sparse.csr_array(
                        (np.ones(benefit.nnz), (benefit.indices, choice.owner)), shape=(people, candidates)
                    ),
                    served,
                ],
                0.0,
            )
        ]
    else:  # each row has one server, or parts of several where room is short, and each server is chosen
        worth_of = benefit.data
        shape = len(stored), candidates
        open_ = sparse.csr_array((np.ones(benefit.nnz), (stored, choice.owner)), shape=shape)
        once = sparse.csr_array(
            (np.ones(benefit.nnz), (benefit.indices, stored)), shape=(people, len(stored))
        )
        rules = [
            _rule([-open_, sparse.eye_array(len(stored))], 0.0),
            _rule([sparse.csr_array((people, candidates)), once], 1.0),
        ]
        if choice.room is not None:
            full = sparse.csr_array((benefit.data, (choice.owner, stored)), shape=(candidates, len(stored)))
            rules.append(_rule([-sparse.diags_array(choice.room), full], 0.0))
    nothing = sparse.csr_array((1, len(worth_of)))
    rules.append(_rule([sparse.csr_array(np.ones((1, candidates))), nothing], choice.sites))
    if choice.cost is not None and choice.budget < np.inf:
        rules.append(_rule([sparse.csr_array(choice.cost[None]), nothing], choice.budget))
    answer = milp(
        np.concatenate([np.zeros(candidates), -worth_of]),
        constraints=rules,
        bounds=Bounds(0.0, 1.0),
        integrality=np.concatenate([np.ones(candidates), np.zeros(len(worth_of))]),
        options={"time_limit": max(seconds, 0.1), "mip_rel_gap": 0.0},
    )
    bound = np.inf if answer.mip_dual_bound is None else -float(answer.mip_dual_bound)
    found = np.zeros(0, dtype=np.int64) if answer.x is None else np.flatnonzero(answer.x[:candidates] > 0.5)  # noqa: PLR2004 - 0 or 1
    return found, worth(choice, found) if answer.status == 0 else bound


def _rule(blocks: list[sparse.sparray], most: float) -> LinearConstraint:
    """Return that these blocks, side by side, times the variables are at most so much."""
    return LinearConstraint(sparse.hstack(blocks, format="csr"), -np.inf, most)


def _ranked(choice: Choice, rows: Ints) -> Ints:
    """Return the chosen in the order in which each adds most to those before it."""
    level, left, ranked = np.zeros(choice.benefit.shape[1]), sorted(rows.tolist()), []
    while left:
        gains = choice.gains(level)
        ranked.append(max(left, key=lambda row: (gains[row], -row)))
        left.remove(ranked[-1])
        level = choice.raised(level, ranked[-1])
    return np.array(ranked, dtype=np.int64)
