"""What does a metre cost whom, uphill and down?"""

import dataclasses

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from oracle import walks_m
from towns import Street, Town, network_of, random_towns

from lifecircle.costs import Relief, for_walker, tobler_factor
from lifecircle.errors import DataError
from lifecircle.reach import metres_to_nearest
from lifecircle.standard import Walker

STEPS = {"highway": "steps"}
LEVEL = Walker()


def test_tobler_is_one_on_the_level_and_least_on_a_gentle_way_down() -> None:
    # 6 exp(-3.5 * 0.05) = 5.04 km/h level; 6 km/h at -5 %; 6 exp(-3.5 * 0.15) = 3.55 km/h at +10 %
    np.testing.assert_allclose(
        tobler_factor(np.array([0.0, -0.05, 0.1])), [1.0, 5.0367 / 6, 5.0367 / 3.5493], rtol=1e-4
    )


def test_nothing_hard_is_the_same_network() -> None:
    network = network_of(Street([(0, 0), (100, 0)]))
    assert for_walker(network, LEVEL) is network


def test_steps_are_dearer_in_both_directions() -> None:
    # 100 m of street, 50 m of steps, 100 m of street; home at the start, facility at the end
    network = network_of(
        Street([(0, 0), (100, 0)]), Street([(100, 0), (150, 0)], STEPS), Street([(150, 0), (1250, 0)])
    )
    slow = for_walker(network, Walker(steps_factor=2.0))
    home, facility = slow.snap([0], [0]), slow.doors([250], [0])
    assert metres_to_nearest(slow, home, facility).metres == pytest.approx([100 + 2 * 50 + 100])


def test_who_avoids_steps_goes_round_or_not_at_all() -> None:
    # across by 60 m of steps, or round by 100 + 60 + 100 m
    across = Street([(0, 0), (0, 60)], STEPS)
    ends = Street([(0, 0), (0, -500)]), Street([(0, 60), (0, 560)])
    pram = Walker(avoid=("steps",))
    round_ = Street([(0, 0), (100, 0), (100, 60), (0, 60)])
    for streets, expected in (((across, round_, *ends), 260.0), ((across, *ends), np.inf)):
        network = for_walker(network_of(*streets), pram)
        walk = metres_to_nearest(network, network.snap([0], [0]), network.doors([0], [60])).metres
        assert walk == pytest.approx([expected])


def test_a_home_beside_closed_steps_takes_the_next_street() -> None:
    network = network_of(Street([(0, 0), (0, 60)], STEPS), Street([(0, 0), (1000, 0)]))
    assert network.snap([1], [50]).off_m == pytest.approx([1])
    assert for_walker(network, Walker(avoid=("steps",))).snap([1], [50]).off_m == pytest.approx([50])


def test_uphill_and_downhill_differ() -> None:
    network = network_of(Street([(0, 0), (1000, 0)]))
    relief = Relief(np.array([1.4]), np.array([0.9]), np.array([0.1]))
    hilly = for_walker(network, LEVEL, relief)
    low, high = 200.0, 700.0
    up = metres_to_nearest(hilly, hilly.snap([low], [0]), hilly.doors([high], [0])).metres
    down = metres_to_nearest(hilly, hilly.snap([high], [0]), hilly.doors([low], [0])).metres
    assert up == pytest.approx([500 * 1.4])
    assert down == pytest.approx([500 * 0.9])
    too_steep = for_walker(network, Walker(max_slope=0.08), relief)
    assert not too_steep.snap([low], [0]).on_street.any()


@cases(150)
@given(random_towns(), st.integers(0, 2**32 - 1))
def test_the_walk_over_hills_equals_the_oracles(town: Town, seed: int) -> None:
    rng = np.random.default_rng(seed)
    streets = town.network()
    count = len(streets.street_m)
    relief = Relief(rng.uniform(0.8, 3, count), rng.uniform(0.8, 3, count), np.zeros(count))
    network = for_walker(streets, Walker(steps_factor=2.0), relief)

    homes = network.snap(*town.homes.T, max_m=town.max_m)
    found = metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))

    expected = walks_m(network, town.homes, town.facilities, max_m=town.max_m).min(axis=1)
    np.testing.assert_allclose(found.metres, expected, rtol=0, atol=1e-6)


@cases(100)
@given(random_towns(), st.integers(0, 2**32 - 1))
def test_metres_over_hills_and_steps_are_those_of_level_streets(town: Town, seed: int) -> None:
    rng = np.random.default_rng(seed)
    streets = town.network()
    count = len(streets.street_m)
    relief = Relief(rng.uniform(0.8, 3, count), rng.uniform(0.8, 3, count), rng.uniform(0, 0.2, count))
    network = for_walker(streets, Walker(steps_factor=2.0), relief, level=True)

    homes = network.snap(*town.homes.T, max_m=town.max_m)
    found = metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))

    expected = walks_m(streets, town.homes, town.facilities, max_m=town.max_m).min(axis=1)
    np.testing.assert_allclose(found.metres, expected, rtol=0, atol=1e-6)


def test_streets_closed_to_a_walker_stay_closed_to_metres() -> None:
    # across by 60 m of steps, or by a street of slope 0.2, or round by 400 m
    network = network_of(
        Street([(0, 0), (0, 60)], STEPS),
        Street([(0, 0), (50, 30), (0, 60)]),
        Street([(0, 0), (0, -100), (200, -100)]),
        Street([(200, -100), (200, 100), (0, 60)]),
    )
    steep = np.where(np.abs(network.street_m - 2 * np.hypot(50, 30)) < 1, 0.2, 0.0)
    relief = Relief(np.full(len(steep), 1.5), np.full(len(steep), 1.5), steep)
    round_m = 100 + 200 + 200 + np.hypot(200, 40)
    for walker, expected in (
        (LEVEL, 60.0),
        (Walker(avoid=("steps",)), 2 * np.hypot(50, 30)),
        (Walker(avoid=("steps",), max_slope=0.1), round_m),
    ):
        level = for_walker(network, walker, relief, level=True)
        walk = metres_to_nearest(level, level.snap([0], [0]), level.doors([0], [60])).metres
        assert walk == pytest.approx([expected])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps_factor": 0.5}, "steps_factor = 0.5"),
        ({"avoid": ("stairs",)}, "stairs"),
        ({"max_slope": 8}, "max_slope = 8"),
    ],
)
def test_a_walker_that_cannot_be_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        dataclasses.replace(LEVEL, **wrong)  # type: ignore[arg-type]
