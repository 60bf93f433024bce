"""Is the walk the shortest, and does nothing change it that should not?"""

import networkx as nx
import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import walks_m
from towns import ONE_WAY, ORIGIN, PRIVATE, PUBLIC, Street, Town, network_of, random_towns

from lifecircle.network import WalkNetwork
from lifecircle.reach import Nearest, metres_to_nearest, minutes_to_nearest, with_sources

Floats = NDArray[np.float64]

SAME_M = 1e-6


def nearest(network: WalkNetwork, town: Town) -> Nearest:
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    return metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))


def assert_same(metres: Floats, expected: Floats) -> None:
    np.testing.assert_allclose(metres, expected, rtol=0, atol=SAME_M)


# ---------------------------------------------------------------------- the oracle


@cases(300)
@given(random_towns())
def test_the_walk_equals_the_oracles(town: Town) -> None:
    network = town.network()
    expected = walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m)

    found = nearest(network, town)

    assert_same(found.metres, expected.min(axis=1))
    reached = np.isfinite(found.metres)
    assert (found.facility[~reached] == -1).all()
    named = expected[reached, found.facility[reached]]
    assert_same(named, expected[reached].min(axis=1))


@cases(30)
@given(random_towns(), st.sampled_from([0.8, 0.9, 1.2]))
def test_minutes_are_metres_at_a_pace(town: Town, pace_mps: float) -> None:
    network = town.network()
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    doors = network.doors(*town.facilities.T, max_m=town.max_m)

    minutes = minutes_to_nearest(network, homes, doors, pace_mps=pace_mps)

    expected = walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m).min(axis=1)
    assert_same(minutes, expected / pace_mps / 60)


# ---------------------------------------------------------------------- properties


@cases(60)
@given(random_towns())
def test_a_new_facility_never_lengthens_a_walk(town: Town) -> None:
    network = town.network()
    fewer = town._replace(facilities=town.facilities[:-1])

    before, after = nearest(network, fewer).metres, nearest(network, town).metres

    assert (after <= before).all()


@cases(60)
@given(random_towns())
def test_a_walk_is_never_shorter_than_the_straight_line(town: Town) -> None:
    found = nearest(town.network(), town)

    reached = found.facility >= 0
    straight = np.hypot(*(town.homes[reached] - town.facilities[found.facility[reached]]).T)
    assert (found.metres[reached] >= straight - SAME_M).all()


@cases(80)
@given(random_towns(), st.integers(0, 2**31))
def test_the_order_of_rows_changes_nothing(town: Town, seed: int) -> None:
    rng = np.random.default_rng(seed)
    streets = [town.streets[i] for i in rng.permutation(len(town.streets))]
    homes = rng.permutation(len(town.homes))
    other = Town(streets, town.homes[homes], rng.permutation(town.facilities), town.max_m)

    assert_same(nearest(other.network(), other).metres, nearest(town.network(), town).metres[homes])


@cases(60)
@given(random_towns())
def test_the_direction_a_street_is_drawn_in_changes_nothing(town: Town) -> None:
    turned = {"yes": "-1", "-1": "yes"}
    streets = [
        Street(
            street.vertices[::-1],
            {key: turned.get(value, value) for key, value in street.tags.items()},
        )
        for street in town.streets
    ]
    other = town._replace(streets=streets)

    assert_same(nearest(other.network(), other).metres, nearest(town.network(), town).metres)


@cases(60)
@given(random_towns(), st.sampled_from([(1000.0, -2000.0), (12.345, 67.891), (*ORIGIN,)]))
def test_a_shift_of_the_map_changes_nothing(town: Town, shift: tuple[float, float]) -> None:
    streets = [Street(street.vertices + shift, street.tags) for street in town.streets]
    other = Town(streets, town.homes + shift, town.facilities + shift, town.max_m)

    assert_same(nearest(other.network(), other).metres, nearest(town.network(), town).metres)


@cases(80)
@given(random_towns(), st.floats(0.1, 0.9), st.booleans())
def test_splitting_streets_changes_nothing(town: Town, fraction: float, cut_in_two: bool) -> None:
    streets = []
    for street in town.streets:
        xy = street.vertices
        middle = xy[0] + fraction * (xy[1] - xy[0])
        if cut_in_two:
            streets += [Street([xy[0], middle], street.tags), Street([middle, *xy[1:]], street.tags)]
        else:
            streets.append(Street([xy[0], middle, *xy[1:]], street.tags))
    other = town._replace(streets=streets)

    assert_same(nearest(other.network(), other).metres, nearest(town.network(), town).metres)


@cases(60)
@given(random_towns())
def test_a_network_survives_networkx(town: Town) -> None:
    network = town.network()

    again = WalkNetwork.from_networkx(network.to_networkx())

    assert len(again.street_m) == len(network.street_m)
    assert_same(nearest(again, town).metres, nearest(network, town).metres)


@cases(60)
@given(random_towns(public_only=True))
def test_a_network_survives_a_layer_of_lines(town: Town) -> None:
    two_way = town._replace(streets=[street._replace(tags=PUBLIC) for street in town.streets])
    network = two_way.network()

    again = WalkNetwork.from_edges(network.to_streets())

    assert_same(nearest(again, town).metres, nearest(network, town).metres)


# ---------------------------------------------------------------------- by hand


def walk_m(network: WalkNetwork, home: tuple[float, float], *facilities: tuple[float, float]) -> float:
    x, y = np.transpose(facilities)
    return float(metres_to_nearest(network, network.snap(*home), network.doors(x, y)).metres[0])


def test_the_walk_counts_both_access_legs() -> None:
    # 40 m to the street, 100 to 800 along it, 30 m to the door
    assert walk_m(network_of(Street([(0, 0), (2000, 0)])), (100, 40), (800, -30)) == 40 + 700 + 30


def test_of_parallel_streets_the_shorter_is_walked() -> None:
    start, straight, end = (
        Street([(0, 0), (100, 0)]),
        Street([(100, 0), (900, 0)]),
        Street([(900, 0), (1000, 0)]),
    )
    detour = Street([(100, 0), (100, 300), (900, 300), (900, 0)])
    street_100_to_900 = 800.0

    for streets in ([start, straight, detour, end], [start, detour, straight, end]):
        walk = walk_m(network_of(*streets), (50, 0), (950, 0))
        # never 800 + 1400, which is what a sparse matrix makes of two entries
        assert walk == 50 + street_100_to_900 + 50


def test_the_search_graph_holds_one_step_from_state_to_state() -> None:
    # scipy adds up entries of one place whenever it puts a matrix in order
    network = network_of(
        Street([(0, 0), (0, 300), (800, 300), (800, 0)]),
        Street([(0, 0), (800, 0)]),
        Street([(0, 0), (400, -90), (800, 0)]),
        Street([(800, 0), (900, 0)]),
    )
    graph = network.states.reversed_graph.copy()

    graph.sum_duplicates()

    # 800 m and 100 m, both ways
    assert sorted(graph.data) == [100, 100, 800, 800]


def test_a_source_joins_a_state_once_by_its_least_step_and_never_by_a_closed_one() -> None:
    graph = network_of(Street([(0, 0), (2000, 0)])).states.reversed_graph
    source, state, metres = (
        np.array([0, 0, 0, 1]),
        np.array([1, 0, 1, 0]),
        np.array([70.0, np.inf, 30.0, 9.0]),
    )

    joined = with_sources(graph, source, state, metres, 3)

    assert joined.shape == (5, 5)
    steps = joined.tocoo()
    assert sorted(zip(steps.row, steps.col, steps.data, strict=True))[2:] == [(2, 1, 30.0), (3, 0, 9.0)]


def test_round_a_loop_the_shorter_way_is_walked() -> None:
    ring = Street([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    network = network_of(ring, Street([(0, 0), (-900, 0)]))

    # 50 m and 350 m along a ring of 400 m: 100 m back over the node, not 300 m on
    assert walk_m(network, (50, 0), (0, 50)) == 100
    # from outside: 30 m to the node, then 50 m the near way round
    assert walk_m(network, (-30, 0), (0, 50)) == 80
    assert walk_m(network, (0, 50), (-30, 0)) == 80


def test_one_way_steps_are_walked_one_way() -> None:
    # a square of 300 m sides whose south side is walked eastward only
    south = Street([(0, 0), (300, 0)], ONE_WAY)
    others = [Street([(0, 0), (0, 300)]), Street([(0, 300), (300, 300)]), Street([(300, 300), (300, 0)])]
    network = network_of(south, *others)

    assert walk_m(network, (100, 0), (200, 0)) == 100
    assert walk_m(network, (200, 0), (100, 0)) == 100 + 3 * 300 + 100
    assert walk_m(network, (0, 150), (150, 0)) == 150 + 150
    assert walk_m(network, (150, 0), (0, 150)) == 150 + 300 + 300 + 150


@pytest.mark.parametrize("direction", ["yes", "-1"])
def test_a_place_at_the_end_of_a_one_way_street_is_at_the_junction(direction: str) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        # lengths added in another order differ in the last digit; a closed direction must not mind
        bends = ORIGIN + np.cumsum(rng.uniform(-50.0, 100.0, (7, 2)), axis=0)
        steps = Street(bends, {"highway": "steps", "oneway:foot": direction})
        west = Street([bends[0], bends[0] - [1000, 0]])
        east = Street([bends[-1], bends[-1] + [3000, 0]])
        network = network_of(steps, west, east)

        for node, beside in ((bends[0], [-500, 0]), (bends[-1], [500, 0])):
            there, away = tuple(node), tuple(node + beside)
            assert walk_m(network, away, there) == pytest.approx(500, abs=SAME_M)
            assert walk_m(network, there, away) == pytest.approx(500, abs=SAME_M)


# An estate of one path of 200 + 600 + 200 m, with a gate at each end; between the gates the public street
# makes a detour of 600 + 2 x 1000 m to the south.
STREET = Street([(0, 0), (200, 0), (200, -1000), (800, -1000), (800, 0), (1000, 0)])
INNER_PATH = Street([(200, 0), (200, 200), (800, 200), (800, 0)], PRIVATE)


def test_strangers_take_no_short_cut_through_an_estate() -> None:
    network = network_of(STREET, INNER_PATH)

    assert walk_m(network, (100, 0), (900, 0)) == 100 + 2600 + 100
    public_path = INNER_PATH._replace(tags=PUBLIC)
    assert walk_m(network_of(STREET, public_path), (100, 0), (900, 0)) == 100 + 1000 + 100


def test_residents_leave_their_estate_by_the_better_gate() -> None:
    network = network_of(STREET, INNER_PATH)

    # 250 m inside from the west gate: 250 + 100 out to the west, 750 + 100 to the east
    assert walk_m(network, (250, 200), (100, 0)) == 250 + 100
    assert walk_m(network, (250, 200), (900, 0)) == 750 + 100


def test_a_facility_in_an_estate_serves_residents_inside_and_strangers_from_the_public_street() -> None:
    network = network_of(STREET, INNER_PATH)

    # 5 m off the inner path and 105 m off the public street
    assert walk_m(network, (250, 200), (205, 100)) == 50 + 100 + 5
    assert walk_m(network, (100, 0), (205, 100)) == pytest.approx(100 + np.hypot(5, 100))


def test_a_facility_out_of_reach_of_public_streets_is_for_residents_only() -> None:
    far_path = Street([(200, 0), (200, 900)], PRIVATE)
    network = network_of(STREET, far_path)

    assert walk_m(network, (200, 300), (200, 800)) == 500
    assert walk_m(network, (100, 0), (200, 800)) == np.inf


def test_a_resident_cuts_through_no_other_estate_that_shares_the_gate() -> None:
    # two estates meet at the gate (0, 0); the second one would be a short cut of 300 m
    first = Street([(0, 0), (0, 200)], PRIVATE)
    second = Street([(0, 0), (300, 0)], PRIVATE)
    around = Street([(0, 0), (0, -500), (300, -500), (300, 0), (600, 0)])
    network = network_of(first, second, around)

    assert walk_m(network, (0, 200), (400, 0)) == 200 + 500 + 300 + 500 + 100
    assert walk_m(network, (50, 0), (400, 0)) == 250 + 100


def test_a_resident_who_has_left_the_estate_does_not_come_in_again() -> None:
    # one estate in two parts that only the public street joins, for 10 m
    part = Street([(0, 0), (0, 100)], PRIVATE)
    other_part = Street([(10, 0), (10, 500), (500, 500), (500, 0)], PRIVATE)
    street = Street([(0, 0), (10, 0), (10, -400), (500, -400), (500, 0), (700, 0)])
    network = network_of(part, other_part, street)

    assert walk_m(network, (0, 100), (600, 0)) == 100 + 10 + 400 + 490 + 400 + 100


def test_where_every_street_is_private_everybody_is_a_resident() -> None:
    network = network_of(Street([(0, 0), (2000, 0)], PRIVATE))

    assert walk_m(network, (100, 5), (300, 5)) == 5 + 200 + 5


def test_one_way_steps_without_length_are_walked() -> None:
    # a lift from node 2 to node 3, drawn at one spot
    graph = nx.MultiDiGraph(crs="EPSG:4549")
    graph.add_nodes_from((node, {"x": x, "y": 0.0}) for node, x in enumerate([0.0, 1000.0, 1000.0, 2000.0]))
    graph.add_edge(0, 1, osmid=1, highway="path")
    graph.add_edge(1, 2, osmid=2, highway="elevator", **{"oneway:foot": "yes"})
    graph.add_edge(2, 3, osmid=3, highway="path")

    assert walk_m(WalkNetwork.from_networkx(graph), (900, 0), (1100, 0)) == 200


def test_nobody_and_nothing() -> None:
    network = network_of(Street([(0, 0), (2000, 0)]))
    somewhere, nowhere = network.snap(100, 0), network.snap(100, 9000)

    assert metres_to_nearest(network, somewhere, network.doors([], [])).metres.tolist() == [np.inf]
    assert metres_to_nearest(network, somewhere, network.doors([], [])).facility.tolist() == [-1]
    assert metres_to_nearest(network, somewhere, nowhere).facility.tolist() == [-1]
    assert metres_to_nearest(network, nowhere, somewhere).metres.tolist() == [np.inf]
    assert len(metres_to_nearest(network, network.snap([], []), somewhere).metres) == 0


def test_the_facility_named_is_the_row_of_the_caller() -> None:
    network = network_of(Street([(0, 0), (500, 0), (2000, 0)]), Street([(500, 0), (500, 300)], PRIVATE))

    # row 0 is off the network; row 1 has two doors, of which the first home uses the one inside, 50 m down
    # its own street; row 2 is nearest to the second home
    facilities = network.doors([0, 505, 1900], [9000, 100, 0])
    found = metres_to_nearest(network, network.snap([500, 1800], [150, 0]), facilities)

    assert found.facility.tolist() == [1, 2]
    assert found.metres.tolist() == [50 + 5, 100]
