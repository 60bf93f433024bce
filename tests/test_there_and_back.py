"""Is the facility the one with the least walk there and back, and is that walk right?"""

import dataclasses

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import walks_m
from towns import ONE_WAY, PRIVATE, Street, Town, network_of, random_towns

from lifecircle import there_and_back
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.streets import Streets
from lifecircle.there_and_back import ThereAndBack, nearest_there_and_back

Floats = NDArray[np.float64]

SAME_M = 1e-6


def found_in(network: WalkNetwork, town: Town) -> ThereAndBack:
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    return nearest_there_and_back(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))


def sums_m(streets: Streets, town: Town) -> Floats:
    """Return the walk there and back from every home to every facility, by the oracle.

    It walks home as residents do: on streets whose directions are turned round.
    """
    turned = dataclasses.replace(streets, along=streets.against, against=streets.along)
    there, back = (walks_m(way, town.homes, town.facilities, max_m=town.max_m) for way in (streets, turned))
    return there + back


def assert_least(found: ThereAndBack, expected: Floats) -> None:
    np.testing.assert_allclose(found.metres, expected.min(axis=1), rtol=0, atol=SAME_M)
    reached = np.isfinite(found.metres)
    assert (found.facility[~reached] == -1).all()
    named = expected[reached, found.facility[reached]]
    np.testing.assert_allclose(named, found.metres[reached], rtol=0, atol=SAME_M)


def sloped(network: WalkNetwork, seed: int) -> WalkNetwork:
    rng = np.random.default_rng(seed)
    up, down = rng.uniform(0.8, 3.0, (2, len(network.street_m)))
    return dataclasses.replace(network, along=network.along * up, against=network.against * down)


# ---------------------------------------------------------------------- the oracle


@cases(150)
@given(random_towns())
def test_the_least_sum_is_the_oracles(town: Town) -> None:
    assert_least(found_in(town.network(), town), sums_m(town.as_cut(), town))


@cases(100)
@given(random_towns(public_only=True))
def test_where_nothing_is_private_the_way_back_is_the_facilitys_walk_to_the_home(town: Town) -> None:
    streets = town.as_cut()
    there = walks_m(streets, town.homes, town.facilities, max_m=town.max_m)
    back = walks_m(streets, town.facilities, town.homes, max_m=town.max_m)

    assert_least(found_in(town.network(), town), there + back.T)


@cases(200)
@given(random_towns(), st.integers(0, 2**31), st.sampled_from([(1,), (2,), (1, 3), (4, 8)]))
def test_on_slopes_the_least_sum_is_the_oracles(town: Town, seed: int, few: tuple[int, ...]) -> None:
    network = sloped(town.network(), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(there_and_back, "_FEW", few)  # few: most are searched within a cutoff

        found = found_in(network, town)

    assert_least(found, sums_m(network, town))


@cases(60)
@given(random_towns())
def test_on_level_streets_walked_both_ways_it_is_twice_the_walk(town: Town) -> None:
    two_way = town._replace(
        streets=[
            street._replace(tags={key: tag for key, tag in street.tags.items() if key != "oneway:foot"})
            for street in town.streets
        ]
    )
    network = two_way.network()
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    once = metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))

    found = found_in(network, two_way)

    np.testing.assert_array_equal(found.metres, 2 * once.metres)
    np.testing.assert_array_equal(found.facility, once.facility)


@cases(60)
@given(random_towns(), st.integers(0, 2**31))
def test_neither_way_is_shorter_than_the_nearest_that_way(town: Town, seed: int) -> None:
    found = found_in(sloped(town.network(), seed), town)

    assert (found.metres >= found.there_m + found.back_m - SAME_M).all()


# ---------------------------------------------------------------------- by hand


def test_a_farther_facility_may_have_the_smaller_sum() -> None:
    # the street to the east is easy to walk away on, and three times as hard to come back on
    level = network_of(*(Street([(0, 0), end]) for end in [(900, 0), (-900, 0), (0, 900)]))
    east = level.line_xy[:, 0].reshape(-1, 2).max(axis=1) > 0
    network = dataclasses.replace(level, against=np.where(east, 3.0, 1.0))
    home, facilities = network.snap(0, 0), network.doors([300, -400], [0, 0])

    found = nearest_there_and_back(network, home, facilities)

    assert metres_to_nearest(network, home, facilities).facility.tolist() == [0]
    # 300 there and 900 back, or 400 there and 400 back
    assert found.facility.tolist() == [1]
    assert found.metres.tolist() == [800]
    assert (found.there_m.tolist(), found.back_m.tolist()) == ([300], [400])


def test_one_way_steps_are_walked_round_the_block_on_the_way_back() -> None:
    south = Street([(0, 0), (300, 0)], ONE_WAY)
    others = [Street([(0, 0), (0, 300)]), Street([(0, 300), (300, 300)]), Street([(300, 300), (300, 0)])]
    network = network_of(south, *others)

    found = nearest_there_and_back(network, network.snap(100, 0), network.doors(200, 0))

    assert found.metres.tolist() == [100 + 100 + 3 * 300 + 100]


def test_a_facility_that_nobody_comes_back_from_serves_nobody() -> None:
    street = Street([(0, 0), (1500, 0)])
    cliff = Street([(1500, 0), (1500, -200)], ONE_WAY)
    beach = Street([(1500, -200), (3000, -200)])
    network = network_of(street, cliff, beach)
    home = network.snap(1400, 0)

    # both on the beach; then one on the street too, farther than the first
    gone = nearest_there_and_back(network, home, network.doors([1600, 1700], [-200, -200]))
    back = nearest_there_and_back(network, home, network.doors([1600, 400], [-200, 0]))

    assert (gone.metres.tolist(), gone.facility.tolist()) == ([np.inf], [-1])
    assert (back.metres.tolist(), back.facility.tolist()) == ([2000], [1])


def test_residents_come_home_by_the_gate_they_left_by() -> None:
    street = Street([(0, 0), (200, 0), (200, -1000), (800, -1000), (800, 0), (1000, 0)])
    path = Street([(200, 0), (200, 200), (800, 200), (800, 0)], PRIVATE)
    network = network_of(street, path)

    found = nearest_there_and_back(network, network.snap(250, 200), network.doors(100, 0))

    assert found.metres.tolist() == [2 * (250 + 100)]


def test_nobody_and_nothing() -> None:
    network = network_of(Street([(0, 0), (2000, 0)]))
    somewhere, nowhere, nothing = network.snap(100, 0), network.snap(100, 9000), network.doors([], [])

    for homes, facilities in ((somewhere, nothing), (somewhere, nowhere), (nowhere, somewhere)):
        found = nearest_there_and_back(network, homes, facilities)
        assert (found.metres.tolist(), found.facility.tolist()) == ([np.inf], [-1])
    assert len(nearest_there_and_back(network, network.snap([], []), somewhere).metres) == 0
