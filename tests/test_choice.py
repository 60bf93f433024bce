"""Are these the facilities a home can choose from, all of them and none besides?"""

import dataclasses

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import walks_m
from towns import ONE_WAY, PRIVATE, Street, Town, network_of, random_towns

from lifecircle import choice
from lifecircle.choice import KNearest, Pairs, count_within, k_nearest, within
from lifecircle.errors import DataError
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest

Floats = NDArray[np.float64]

SAME_M = 1e-6
CUTOFFS = st.sampled_from([0.0, 30.0, 100.0, 400.0, 1500.0, 1e6])


def places_of(town: Town, network: WalkNetwork) -> tuple[WalkNetwork, Positions, Positions]:
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    return network, homes, network.doors(*town.facilities.T, max_m=town.max_m)


def as_table(pairs: Pairs, homes: int, facilities: int) -> Floats:
    """Return all walks as one dense table, inf where there is no pair."""
    table = np.full((homes, facilities), np.inf)
    table[pairs.home, pairs.facility] = pairs.metres
    assert np.isfinite(table).sum() == len(pairs.metres), "a pair stands twice"
    return table


def assert_same(metres: Floats, expected: Floats) -> None:
    np.testing.assert_allclose(metres, expected, rtol=0, atol=SAME_M)


def oracles_table(town: Town) -> Floats:
    return walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m)


# ---------------------------------------------------------------------- the oracle


@cases(200)
@given(random_towns(), CUTOFFS, st.sampled_from([1, 100_000]))
def test_within_holds_the_oracles_pairs(town: Town, cutoff_m: float, block: int) -> None:
    expected = oracles_table(town)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "_BLOCK", block)  # 1: every facility in a piece of its own

        pairs = within(*places_of(town, town.network()), cutoff_m=cutoff_m)

    found = as_table(pairs, *expected.shape)
    inside, outside = expected <= cutoff_m - SAME_M, expected > cutoff_m + SAME_M
    assert_same(found[inside], expected[inside])
    assert np.isinf(found[outside]).all()
    assert (pairs.metres <= cutoff_m).all()


@cases(200)
@given(random_towns(), st.integers(1, 6), CUTOFFS)
def test_the_k_nearest_are_the_oracles_sorted(town: Town, k: int, cutoff_m: float) -> None:
    walks = oracles_table(town)
    expected = np.full((len(town.homes), k), np.inf)
    expected[:, : walks.shape[1]] = np.sort(walks, axis=1)[:, :k]

    found = k_nearest(*places_of(town, town.network()), k=k, cutoff_m=cutoff_m)

    inside, outside = expected <= cutoff_m - SAME_M, expected > cutoff_m + SAME_M
    assert_same(found.metres[inside], expected[inside])
    assert np.isinf(found.metres[outside]).all()
    assert ((found.facility >= 0) == np.isfinite(found.metres)).all()
    home, rank = np.nonzero(found.facility >= 0)
    assert_same(found.metres[home, rank], walks[home, found.facility[home, rank]])
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in found.facility)


@cases(100)
@given(random_towns(), st.integers(0, 2**31))
def test_on_slopes_too_all_pairs_are_the_oracles(town: Town, seed: int) -> None:
    rng, network = np.random.default_rng(seed), town.network()
    up, down = rng.uniform(0.8, 3.0, (2, len(network.street_m)))
    network = dataclasses.replace(network, along=network.along * up, against=network.against * down)
    expected = walks_m(network, town.homes, town.facilities, max_m=town.max_m)
    places = places_of(town, network)

    pairs = within(*places, cutoff_m=1e6)
    found = k_nearest(*places, k=len(town.facilities))

    assert_same(as_table(pairs, *expected.shape), expected)
    assert_same(found.metres, np.sort(expected, axis=1))


# ---------------------------------------------------------------------- properties


def sorted_pairs(pairs: Pairs, homes: int, k: int) -> KNearest:
    """Return the first k pairs of each home."""
    nearest = KNearest(np.full((homes, k), np.inf), np.full((homes, k), -1))
    for home in range(homes):
        mine = np.flatnonzero(pairs.home == home)[:k]
        nearest.metres[home, : len(mine)] = pairs.metres[mine]
        nearest.facility[home, : len(mine)] = pairs.facility[mine]
    return nearest


@cases(100)
@given(random_towns(), st.integers(1, 6), CUTOFFS)
def test_both_ways_of_searching_find_the_same(town: Town, k: int, cutoff_m: float) -> None:
    places = places_of(town, town.network())

    found = k_nearest(*places, k=k, cutoff_m=cutoff_m)
    expected = sorted_pairs(within(*places, cutoff_m=cutoff_m), len(town.homes), k)

    np.testing.assert_array_equal(found.metres, expected.metres)
    np.testing.assert_array_equal(found.facility, expected.facility)


@cases(60)
@given(random_towns())
def test_the_first_of_the_k_nearest_is_the_nearest(town: Town) -> None:
    places = places_of(town, town.network())

    found = k_nearest(*places, k=3)

    np.testing.assert_array_equal(found.metres[:, 0], metres_to_nearest(*places).metres)


@cases(60)
@given(random_towns(), CUTOFFS)
def test_pairs_are_counted_and_in_order(town: Town, cutoff_m: float) -> None:
    places = places_of(town, town.network())

    pairs = within(*places, cutoff_m=cutoff_m)
    count = count_within(*places, cutoff_m=cutoff_m)

    assert count.tolist() == np.bincount(pairs.home, minlength=len(town.homes)).tolist()
    rows = list(zip(pairs.home, pairs.metres, pairs.facility, strict=True))
    assert rows == sorted(rows)


@cases(60)
@given(random_towns(), CUTOFFS)
def test_exactly_the_cutoff_is_inside(town: Town, cutoff_m: float) -> None:
    places = places_of(town, town.network())
    pairs = within(*places, cutoff_m=cutoff_m)

    for metres in pairs.metres[:5]:
        again = within(*places, cutoff_m=metres)

        assert len(again.metres) == (pairs.metres <= metres).sum()


# ---------------------------------------------------------------------- by hand

MAIN_STREET = Street([(0, 0), (500, 0), (1500, 0), (2000, 0)])


def test_a_facility_with_two_doors_counts_once() -> None:
    # a home on an estate path walks up to both doors of the first facility, 55 and 150 + 5 + 100 m
    network = network_of(MAIN_STREET, Street([(500, 0), (500, 300)], PRIVATE))
    home, doors = network.snap(500, 150), network.doors([505, 600], [100, 0])
    assert doors.place.tolist() == [0, 1, 0]

    assert within(network, home, doors, cutoff_m=400)._asdict() == {
        "home": pytest.approx([0, 0]),
        "facility": pytest.approx([0, 1]),
        "metres": pytest.approx([50 + 5, 150 + 100]),
    }
    assert k_nearest(network, home, doors, k=3).facility.tolist() == [[0, 1, -1]]
    assert count_within(network, home, doors, cutoff_m=400).tolist() == [2]


def test_of_facilities_equally_far_the_lower_row_comes_first() -> None:
    network = network_of(MAIN_STREET, Street([(500, 0), (500, 900)]), Street([(1500, 0), (1500, 900)]))
    # rows 1, 2 and 4 stand at one spot, row 0 as far on the other side, row 3 is nearer
    facilities = network.doors([100, 900, 900, 600, 900], [0, 0, 0, 0, 0])
    homes = network.snap([500, 500, 1500], [0, 200, 0])

    found = k_nearest(network, homes, facilities, k=4)

    assert found.facility.tolist() == [[3, 0, 1, 2], [3, 0, 1, 2], [1, 2, 4, 3]]
    assert found.metres.tolist() == [[100, 400, 400, 400], [300, 600, 600, 600], [600, 600, 600, 900]]
    assert k_nearest(network, homes, facilities, k=1).facility.ravel().tolist() == [3, 3, 1]
    pairs = within(network, homes, facilities, cutoff_m=600)
    assert pairs.facility[pairs.home == 1].tolist() == [3, 0, 1, 2, 4]


def test_the_cutoff_is_inclusive_and_counts_the_access_legs() -> None:
    network = network_of(MAIN_STREET)
    homes, facilities = network.snap([100], [40]), network.doors([800, 801], [-30, -30])

    assert count_within(network, homes, facilities, cutoff_m=40 + 700 + 30).tolist() == [1]
    assert within(network, homes, facilities, cutoff_m=770).metres.tolist() == [770]
    assert k_nearest(network, homes, facilities, k=2, cutoff_m=770).facility.tolist() == [[0, -1]]
    assert count_within(network, homes, facilities, cutoff_m=np.nextafter(770, 0)).tolist() == [0]


def test_the_walk_to_the_facility_is_meant_and_not_back() -> None:
    # a square of 300 m sides whose south side is walked eastward only
    south = Street([(0, 0), (300, 0)], ONE_WAY)
    others = [Street([(0, 0), (0, 300)]), Street([(0, 300), (300, 300)]), Street([(300, 300), (300, 0)])]
    network = network_of(south, *others)
    west, east = network.snap([100], [0]), network.snap([200], [0])

    assert within(network, west, east, cutoff_m=300).metres.tolist() == [100]
    assert within(network, east, west, cutoff_m=300).metres.tolist() == []
    assert k_nearest(network, east, west, k=1).metres.tolist() == [[100 + 3 * 300 + 100]]


def test_places_off_the_network_keep_their_rows() -> None:
    network = network_of(MAIN_STREET)
    homes, facilities = network.snap([100, 100, 200], [9000, 0, 0]), network.doors([0, 300], [9000, 0])

    assert within(network, homes, facilities, cutoff_m=1000).home.tolist() == [1, 2]
    assert within(network, homes, facilities, cutoff_m=1000).facility.tolist() == [1, 1]
    assert k_nearest(network, homes, facilities, k=2).facility.tolist() == [[-1, -1], [1, -1], [1, -1]]
    assert count_within(network, homes, facilities, cutoff_m=1000).tolist() == [0, 1, 1]


def test_nobody_and_nothing() -> None:
    network = network_of(MAIN_STREET)
    somewhere, nowhere, nothing = network.snap(100, 0), network.snap(100, 9000), network.doors([], [])

    for homes, facilities in ((somewhere, nothing), (somewhere, nowhere), (nowhere, somewhere)):
        assert len(within(network, homes, facilities, cutoff_m=500).home) == 0
        assert count_within(network, homes, facilities, cutoff_m=500).tolist() == [0]
        assert k_nearest(network, homes, facilities, k=2).facility.tolist() == [[-1, -1]]
    assert k_nearest(network, network.snap([], []), somewhere, k=2).metres.shape == (0, 2)
    assert len(within(network, network.snap([], []), somewhere, cutoff_m=500).home) == 0


@pytest.mark.parametrize("cutoff_m", [-1.0, np.nan])
def test_a_cutoff_that_cannot_be_walked_is_refused(cutoff_m: float) -> None:
    network = network_of(MAIN_STREET)
    at = network.snap(100, 0)

    with pytest.raises(DataError, match="cannot be walked"):
        within(network, at, at, cutoff_m=cutoff_m)
    with pytest.raises(DataError, match="cannot be walked"):
        k_nearest(network, at, at, k=1, cutoff_m=cutoff_m)
    with pytest.raises(DataError, match="0 nearest facilities"):
        k_nearest(network, at, at, k=0)
