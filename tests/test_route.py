"""Is the line the walk: as long as was measured, on streets all the way, and through no closed gate?"""

import dataclasses
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle import walks_m
from towns import ONE_WAY, PRIVATE, Street, Town, network_of, random_towns

from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.route import Routes, route_to_nearest, routes_to_nearest

Floats = NDArray[np.float64]

SAME_M = 1e-6


def routes_of(town: Town, network: WalkNetwork) -> Routes:
    homes, facilities = shapely.points(town.homes), shapely.points(town.facilities)
    return routes_to_nearest(network, homes, facilities, max_snap_m=town.max_m)


# ---------------------------------------------------------------------- random towns


@cases(200)
@given(random_towns())
def test_the_line_is_as_long_as_the_walk(town: Town) -> None:
    network = town.network()
    expected = walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m).min(axis=1)
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    measured = metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))

    routes = routes_of(town, network)

    lengths = [np.inf if route is None else route.length for route in routes.lines]
    np.testing.assert_allclose(lengths, measured.metres, rtol=0, atol=SAME_M)
    np.testing.assert_allclose(lengths, expected, rtol=0, atol=SAME_M)


@cases(50)
@given(random_towns())
def test_many_homes_together_walk_as_each_by_itself(town: Town) -> None:
    network, facilities = town.network(), shapely.points(town.facilities)
    every = walks_m(town.as_cut(), town.homes, town.facilities, max_m=town.max_m)
    together = routes_of(town, network)

    for row, (home, line) in enumerate(zip(shapely.points(town.homes), together.lines, strict=True)):
        alone = route_to_nearest(network, home, facilities, max_snap_m=town.max_m)
        assert (line is None) == (alone is None) == (together.facility[row] < 0)
        if line is not None:
            assert line.length == pytest.approx(alone.length, abs=SAME_M)  # type: ignore[union-attr]
            assert line.length == pytest.approx(every[row, together.facility[row]], abs=SAME_M)
            assert shapely.Point(line.coords[-1]) == facilities[together.facility[row]]


@cases(50)
@given(random_towns(), st.integers(0, 2**31))
def test_of_some_homes_and_to_some_facilities_it_is_as_if_there_were_no_others(town: Town, seed: int) -> None:
    network, rng = town.network(), np.random.default_rng(seed)
    homes, facilities = shapely.points(town.homes), shapely.points(town.facilities)
    of, to = (np.flatnonzero(rng.random(len(those)) < 0.5) for those in (homes, facilities))

    among = routes_to_nearest(network, homes, facilities, of=of, to=to, max_snap_m=town.max_m)
    alone = routes_to_nearest(network, homes[of], facilities[to], max_snap_m=town.max_m)

    assert among.lines[of].tolist() == alone.lines.tolist()
    assert among.facility[of].tolist() == np.append(to, -1)[alone.facility].tolist()
    others = np.setdiff1d(np.arange(len(homes)), of)
    assert (among.facility[others] == -1).all()
    assert not shapely.is_geometry(among.lines[others]).any()


@cases(200)
@given(random_towns())
def test_the_line_leads_from_home_to_facility_on_streets_as_they_are_drawn(town: Town) -> None:
    network = town.network()
    streets = shapely.union_all(network.lines)
    for home, route in zip(town.homes, routes_of(town, network).lines, strict=True):
        if route is None:
            continue
        start, *between, end = shapely.points(shapely.get_coordinates(route))
        assert start == shapely.Point(home)
        assert end in list(shapely.points(town.facilities))
        on_street = [shapely.distance(streets, vertex) < SAME_M for vertex in between]
        assert all(on_street)
        for here, there in pairwise(between):
            assert shapely.distance(streets, shapely.Point(_middle(here, there))) < SAME_M


@cases(100)
@given(random_towns())
def test_the_line_goes_the_way_streets_may_be_walked(town: Town) -> None:
    network = town.network()
    for route in routes_of(town, network).lines:
        for here, there in pairwise(shapely.get_coordinates(route)[1:-1] if route else []):
            assert _is_open(network, here, there)


@cases(100)
@given(random_towns(), st.integers(0, 2**31))
def test_on_slopes_the_line_leads_to_the_facility_of_the_least_walk(town: Town, seed: int) -> None:
    rng, level = np.random.default_rng(seed), town.network()
    up, down = rng.uniform(0.8, 3.0, (2, len(level.street_m)))
    network = dataclasses.replace(level, along=level.along * up, against=level.against * down)
    walks = walks_m(network, town.homes, town.facilities, max_m=town.max_m)

    for walk, route in zip(walks, routes_of(town, network).lines, strict=True):
        if route is None:
            assert np.isinf(walk).all()
            continue
        there = (town.facilities == shapely.get_coordinates(route)[-1]).all(axis=1)
        assert walk[there].min() <= walk.min() + SAME_M
        for here, onward in pairwise(shapely.get_coordinates(route)[1:-1]):
            assert _is_open(network, here, onward)


def _middle(here: shapely.Point, there: shapely.Point) -> tuple[float, float]:
    return (here.x + there.x) / 2, (here.y + there.y) / 2


def _is_open(network: WalkNetwork, here: Floats, there: Floats) -> bool:
    """Return whether some street under this step may be walked in its direction."""
    ends = shapely.points([here, there])
    for street in np.flatnonzero((shapely.distance(network.lines[:, None], ends) < SAME_M).all(axis=1)):
        line = network.lines[street]
        ahead = np.subtract(*shapely.line_locate_point(line, ends[::-1]))
        closed_ring = line.is_ring  # where its ends meet, a place on it has two names
        factor = network.along[street] if ahead > 0 else network.against[street]
        if closed_ring or np.isfinite(factor) or abs(ahead) < SAME_M:
            return True
    return False


# ---------------------------------------------------------------------- by hand


def line(
    network: WalkNetwork, home: tuple[float, float], *facilities: tuple[float, float]
) -> list[list[float]]:
    route = route_to_nearest(network, shapely.Point(home), shapely.points(facilities))
    assert route is not None
    return shapely.get_coordinates(route).tolist()


def test_bends_and_both_access_legs_are_drawn() -> None:
    network = network_of(Street([(0, 0), (100, 0), (100, 400), (900, 400)]))

    way = [[50, 30], [50, 0], [100, 0], [100, 400], [300, 400], [300, 380]]
    assert line(network, (50, 30), (300, 380), (800, 400)) == way
    assert line(network, (300, 380), (50, 30)) == way[::-1]


def test_of_parallel_streets_the_shorter_is_drawn() -> None:
    ends = Street([(0, 0), (100, 0)]), Street([(900, 0), (1000, 0)])
    straight = Street([(100, 0), (900, 0)])
    detour = Street([(100, 0), (100, 300), (900, 300), (900, 0)])

    for streets in ([straight, detour], [detour, straight]):
        assert line(network_of(*ends, *streets), (50, 0), (950, 0)) == [[50, 0], [100, 0], [900, 0], [950, 0]]


def test_round_a_loop_the_nearer_way_is_drawn() -> None:
    ring = Street([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    network = network_of(ring, Street([(0, 0), (-900, 0)]))

    assert line(network, (-30, 0), (0, 50)) == [[-30, 0], [0, 0], [0, 50]]
    assert line(network, (0, 50), (-30, 0)) == [[0, 50], [0, 0], [-30, 0]]
    assert line(network, (50, 0), (0, 50)) == [[50, 0], [0, 0], [0, 50]]
    assert line(network, (100, 40), (100, 60)) == [[100, 40], [100, 60]]


def test_one_way_steps_send_the_walk_round_the_block() -> None:
    south = Street([(0, 0), (300, 0)], ONE_WAY)
    others = [Street([(0, 0), (0, 300)]), Street([(0, 300), (300, 300)]), Street([(300, 300), (300, 0)])]
    network = network_of(south, *others)

    assert line(network, (100, 0), (200, 0)) == [[100, 0], [200, 0]]
    block = [[200, 0], [300, 0], [300, 300], [0, 300], [0, 0], [100, 0]]
    assert line(network, (200, 0), (100, 0)) == block


def test_a_lift_drawn_at_one_spot_is_walked_one_way() -> None:
    graph = nx.MultiDiGraph(crs="EPSG:4549")
    graph.add_nodes_from((node, {"x": x, "y": 0.0}) for node, x in enumerate([0.0, 1000.0, 1000.0, 2000.0]))
    graph.add_edge(0, 1, osmid=1, highway="path")
    graph.add_edge(1, 2, osmid=2, highway="elevator", **{"oneway:foot": "yes"})
    graph.add_edge(2, 3, osmid=3, highway="path")
    network = WalkNetwork.from_networkx(graph)

    assert line(network, (900, 0), (1100, 0)) == [[900, 0], [1000, 0], [1100, 0]]
    assert route_to_nearest(network, shapely.Point(1100, 0), [shapely.Point(900, 0)]) is None


STREET = Street([(0, 0), (200, 0), (200, -1000), (800, -1000), (800, 0), (1000, 0)])
INNER_PATH = Street([(200, 0), (200, 200), (800, 200), (800, 0)], PRIVATE)


def test_residents_leave_by_the_gate_and_strangers_go_round() -> None:
    network = network_of(STREET, INNER_PATH)

    gate_west = [[250, 200], [200, 200], [200, 0], [100, 0]]
    assert line(network, (250, 200), (100, 0)) == gate_west
    around = [[100, 0], [200, 0], [200, -1000], [800, -1000], [800, 0], [900, 0]]
    assert line(network, (100, 0), (900, 0)) == around


def test_residents_take_the_door_inside_and_strangers_the_one_on_the_street() -> None:
    network = network_of(STREET, INNER_PATH)

    assert line(network, (250, 200), (205, 100)) == [[250, 200], [200, 200], [200, 100], [205, 100]]
    # the nearest point of the public street is the bend at the gate
    assert line(network, (100, 0), (205, 100)) == [[100, 0], [200, 0], [205, 100]]


def test_a_home_at_the_door_of_the_facility() -> None:
    network = network_of(Street([(0, 0), (2000, 0)]))

    assert line(network, (100, 0), (100, 0)) == [[100, 0], [100, 0]]


def test_nowhere_to_go() -> None:
    network = network_of(Street([(0, 0), (2000, 0)]), Street([(0, 900), (2000, 900)]))
    somewhere, nowhere, beyond = shapely.points([(100, 0), (100, 400), (100, 900)])

    assert route_to_nearest(network, somewhere, []) is None
    assert route_to_nearest(network, somewhere, [nowhere]) is None
    assert route_to_nearest(network, nowhere, [somewhere]) is None
    assert route_to_nearest(network, somewhere, [beyond]) is None
    assert route_to_nearest(network, nowhere, [somewhere], max_snap_m=400) is not None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_facility_is_the_goal_whatever_the_order(order: tuple[int, int]) -> None:
    network = network_of(Street([(0, 0), (500, 0), (2000, 0)]), Street([(500, 0), (500, 900)]))
    facilities = np.array([(900.0, 0.0), (500.0, 300.0)])[list(order)]

    assert line(network, (400, 0), *facilities) == [[400, 0], [500, 0], [500, 300]]
