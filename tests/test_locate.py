"""Is the choice the best there is, by trying them all?"""

import itertools

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from lifecircle import locate
from lifecircle.errors import DataError
from lifecircle.locate import Choice, choose, greedily, worth


@st.composite
def choices(draw: st.DrawFn, *, kind: str = "any") -> Choice:
    """Draw up to eight candidates and ten rows of people."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    candidates, rows = draw(st.integers(1, 8)), draw(st.integers(1, 10))
    reaches = rng.random((candidates, rows)) < draw(st.sampled_from([0.15, 0.4, 0.8]))
    people = rng.integers(1, 40, rows).astype(float)
    kind = draw(st.sampled_from(["cover", "walk", "room", "budget"])) if kind == "any" else kind
    benefit = np.where(reaches, people, 0.0)
    if kind == "walk":
        benefit = np.where(reaches, rng.integers(1, 60, reaches.shape), 0.0)
    return Choice(
        sparse.csr_array(benefit),
        sites=draw(st.integers(1, 4)),
        cost=rng.integers(0, 20, candidates).astype(float) if kind == "budget" else None,
        budget=float(draw(st.integers(0, 40))) if kind == "budget" else np.inf,
        room=rng.integers(1, 60, candidates).astype(float) if kind == "room" else None,
    )


def worth_by_hand(choice: Choice, rows: tuple[int, ...]) -> float:
    """Return what these candidates do together; places are given out by another linear program."""
    benefit = choice.benefit.toarray()[list(rows)]
    if choice.room is None or not rows:
        return float(benefit.max(axis=0, initial=0.0).sum())
    k, n = benefit.shape  # people of each row that go to each of k candidates
    once = np.tile(np.eye(n), k)
    room = np.repeat(np.eye(k), n, axis=1)
    limits = np.concatenate([choice.benefit.toarray().max(axis=0), choice.room[list(rows)]])
    return -linprog(
        -np.ones(k * n), np.vstack([once, room]), limits, bounds=[(0, most) for most in benefit.ravel()]
    ).fun


def best_by_hand(choice: Choice) -> float:
    count = choice.benefit.shape[0]
    return max(
        worth_by_hand(choice, rows)
        for size in range(min(choice.sites, count) + 1)
        for rows in itertools.combinations(range(count), size)
        if choice.budget == np.inf or choice.cost[list(rows)].sum() <= choice.budget
    )


@cases(300)
@given(choices(), st.booleans())
def test_no_choice_does_more(choice: Choice, relaxed: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not relaxed:  # so that the program has all the work
            patch.setattr(locate, "_relaxed", lambda choice, *_: (np.inf, np.arange(choice.benefit.shape[0])))

        best = choose(choice)

    expected = best_by_hand(choice)
    assert best.value == pytest.approx(expected, rel=1e-7)
    assert best.gap == pytest.approx(0, abs=1e-6)
    assert worth_by_hand(choice, tuple(best.rows)) == pytest.approx(best.value, rel=1e-7)
    assert len(set(best.rows)) == len(best.rows) <= choice.sites
    if choice.budget < np.inf:
        assert choice.cost[best.rows].sum() <= choice.budget
    assert best.greedy_value <= best.value * (1 + 1e-9)


@cases(200)
@given(choices())
def test_whatever_the_time_the_bound_is_a_bound(choice: Choice) -> None:
    best = choose(choice, time_limit_s=0.0)

    assert best.value * (1 - 1e-9) <= best_by_hand(choice) <= best.bound * (1 + 1e-9)
    assert best.value >= best.greedy_value * (1 - 1e-9)


@cases(200)
@given(choices(kind="cover"))
def test_greedy_choice_has_its_guarantee(choice: Choice) -> None:
    # at least 1 - 1/e of the best, by Nemhauser, Wolsey and Fisher, 1978
    assert worth(choice, greedily(choice)) >= (1 - 1 / np.e) * best_by_hand(choice) - 1e-9


@cases(100)
@given(choices())
def test_the_chosen_stand_in_the_order_of_what_they_add(choice: Choice) -> None:
    rows = choose(choice).rows
    gains = [choice.gains(choice.level(rows[:place])) for place in range(len(rows))]

    assert all(gains[place][rows[place]] == gains[place][rows[place:]].max() for place in range(len(rows)))


def test_greedy_is_led_astray_and_the_program_is_not() -> None:
    # the middle covers 6 of 10, the two ends 5 each and all together
    middle, left, right = [0, 0, 1, 1, 1, 1, 1, 1, 0, 0], [1] * 5 + [0] * 5, [0] * 5 + [1] * 5
    choice = Choice(sparse.csr_array(np.array([middle, left, right], dtype=float)), sites=2)

    best = choose(choice)

    assert greedily(choice).tolist() == [0, 1]
    assert (best.greedy_value, best.value, best.bound) == (8, 10, 10)
    assert sorted(best.rows.tolist()) == [1, 2]


def test_nobody_to_serve() -> None:
    best = choose(Choice(sparse.csr_array((3, 0)), sites=2))

    assert (len(best.rows), best.value, best.gap) == (0, 0, 0)


def test_a_choice_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        Choice(sparse.csr_array(np.eye(2)), sites=0)
    with pytest.raises(DataError, match="cost"):
        Choice(sparse.csr_array(np.eye(2)), sites=1, cost=np.array([1.0, np.nan]), budget=10.0)
