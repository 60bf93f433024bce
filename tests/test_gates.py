"""Do gates on streets let through those they should, and nobody else?

Main Street runs from (0, 0) to (2000, 0); Side Lane leaves it at (1000, 0) northward, with a gate 50 m in::

            (1000, 300)  end of Side Lane
                 |
            (1000, 50)   gate
                 |
    0 -----------+------------------ 2000   Main Street
"""

from itertools import pairwise

import networkx as nx
import numpy as np
import pyproj
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from oracle import walks_m
from towns import PRIVATE, Street, Town, random_towns, ways_of

from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.streets import Ways, cut_into_streets
from lifecircle.walkable import Walk, who_may_pass

MAIN = Street([(0, 0), (1000, 0), (2000, 0)])
SIDE = Street([(1000, 0), (1000, 50), (1000, 300)])
GATE = (1000.0, 50.0)
CRS = pyproj.CRS.from_epsg(4549)
SLIVER_M = 1e-4
"""Length of a private way that stands for a private gate."""


def gated(*streets: Street, **gates: list[tuple[float, float]]) -> Ways:
    """Return streets with gates at some vertices: shut to all (``closed``) or to strangers (``private``)."""
    ways = ways_of(*streets)
    who = np.full(len(ways.xy), int(Walk.PUBLIC))  # type: ignore[arg-type]
    for word, points in gates.items():
        for point in points:
            who[(np.asarray(ways.xy) == point).all(axis=1)] = Walk[word.upper()]
    return ways._replace(gate=who)


def walk_m(ways: Ways, home: tuple[float, float], facility: tuple[float, float]) -> float:
    network = WalkNetwork.from_ways(ways, crs=CRS)
    homes, facilities = (network.snap(*home), network.doors(*facility))
    return float(metres_to_nearest(network, homes, facilities).metres[0])


# ---------------------------------------------------------------------- what tags say


@pytest.mark.parametrize(
    ("tags", "who"),
    [
        ({"barrier": "gate"}, Walk.PUBLIC),
        ({"barrier": "lift_gate"}, Walk.PUBLIC),
        ({"barrier": "bollard"}, Walk.PUBLIC),
        ({"barrier": "kissing_gate"}, Walk.PUBLIC),
        ({"barrier": "block"}, Walk.PUBLIC),
        ({"barrier": "whatever"}, Walk.PUBLIC),
        ({"barrier": "gate", "access": "private"}, Walk.PRIVATE),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, Walk.PUBLIC),
        ({"barrier": "gate", "access": "customers"}, Walk.PUBLIC),
        ({"barrier": "lift_gate", "foot": "no"}, Walk.CLOSED),
        ({"barrier": "gate", "access": "no"}, Walk.CLOSED),
        ({"barrier": "gate", "access": "no", "foot": "permissive"}, Walk.PUBLIC),
        ({"barrier": "gate", "locked": "yes"}, Walk.PRIVATE),
        ({"barrier": "gate", "locked": "yes", "foot": "yes"}, Walk.PUBLIC),
        ({"barrier": "wall"}, Walk.CLOSED),
        ({"barrier": "fence", "foot": "yes"}, Walk.PUBLIC),
        ({"barrier": "debris"}, Walk.CLOSED),
        ({"barrier": "jersey_barrier", "access": "private"}, Walk.PRIVATE),
        ({"entrance": "yes"}, Walk.PUBLIC),
    ],
)
def test_tags_say_who_may_pass(tags: dict[str, str], who: Walk) -> None:
    assert who_may_pass(tags) is who


# ---------------------------------------------------------------------- by hand


def test_an_open_gate_changes_nothing() -> None:
    assert walk_m(gated(MAIN, SIDE), (1000, 290), (1200, 0)) == 290 + 200


def test_a_closed_gate_lets_nobody_through() -> None:
    # at the far end of the lane: a ring road long enough to be no island, cut off by the gate
    ring = Street([(1000, 300), (1000, 900), (1300, 900), (1300, 300), (1000, 300)])
    ways = gated(MAIN, SIDE, ring, closed=[GATE])
    assert walk_m(ways, (1000, 290), (1200, 0)) == np.inf
    assert walk_m(ways, (1000, 40), (1200, 0)) == 40 + 200
    assert walk_m(ways, (1000, 290), (1300, 300)) == 10 + 300


def test_who_lives_behind_a_private_gate_walks_out_and_strangers_do_not_walk_in() -> None:
    # the lane behind the gate is an estate: its kindergarten opens on the public street for strangers,
    # which is the lane before the gate, 250 m from it: too far
    ways = gated(MAIN, SIDE, private=[GATE])
    assert walk_m(ways, (1000, 290), (1200, 0)) == 290 + 200
    assert walk_m(ways, (1200, 0), (1000, 290)) == np.inf
    assert walk_m(ways, (1200, 0), (1000, 90)) == 200 + 50 + 40
    assert walk_m(ways, (1000, 290), (1000, 90)) == 200
    network = WalkNetwork.from_ways(ways, crs=CRS)
    assert sorted(network.street_m[network.private].tolist()) == [250]


def test_nobody_cuts_through_an_estate_between_two_private_gates() -> None:
    # 100 m through the estate from (1000, 0) to (1000, 100), 1,300 m round by the public road in the west
    west = Street([(1000, 0), (400, 0), (400, 100), (1000, 100)])
    inner = Street([(1000, 0), (1000, 20), (1000, 80), (1000, 100)])
    ways = gated(west, inner, private=[(1000, 20), (1000, 80)])
    assert walk_m(ways, (900, 0), (900, 100)) == 500 + 100 + 500
    assert walk_m(ways, (1000, 50), (900, 100)) == 50 + 100
    assert walk_m(ways, (1000, 50), (900, 0)) == 50 + 100
    assert walk_m(gated(west, inner), (900, 0), (900, 100)) == 100 + 100 + 100


def test_a_private_gate_between_two_large_public_parts_is_shut_to_both() -> None:
    town, village = Street([(0, 0), (6000, 0)]), Street([(0, 100), (6000, 100)])
    link = Street([(0, 0), (0, 40), (0, 100)])
    ways = gated(town, village, link, private=[(0, 40)])
    assert walk_m(ways, (500, 0), (500, 100)) == np.inf
    assert not cut_into_streets(ways).private.any()


def test_a_gate_where_three_streets_meet_shuts_none_of_them() -> None:
    ways = gated(MAIN, SIDE, closed=[(1000.0, 0.0)])
    assert walk_m(ways, (500, 0), (1500, 0)) == 1000
    assert walk_m(ways, (1000, 100), (1500, 0)) == 600


def test_a_gate_on_a_private_drive_is_the_estates_own() -> None:
    drive = SIDE._replace(tags=PRIVATE)
    for ways in (gated(MAIN, drive), gated(MAIN, drive, private=[GATE])):
        assert walk_m(ways, (1000, 290), (1200, 0)) == 290 + 200
        assert walk_m(ways, (1200, 0), (1000, 290)) == np.inf


# ---------------------------------------------------------------------- random towns


@st.composite
def gated_towns(
    draw: st.DrawFn, *, public_only: bool = False
) -> tuple[Town, list[tuple[int, int]], list[tuple[int, int]]]:
    """Draw a town, and bends of its streets (street, vertex) that are closed or private gates."""
    town = draw(random_towns(public_only=public_only))
    bends = [
        (number, bend)
        for number, street in enumerate(town.streets)
        for bend in range(1, len(street.vertices) - 1)
    ]
    drawn = draw(st.permutations(bends)) if bends else []
    closed, private = draw(st.integers(0, 3)), draw(st.integers(0, 4))
    return town, list(drawn[:closed]), list(drawn[closed : closed + private])


def without_gates(town: Town, closed: list[tuple[int, int]], private: list[tuple[int, int]]) -> Town:
    """Return the town with streets broken at closed gates, and a sliver of private way at private ones."""
    streets = []
    for number, street in enumerate(town.streets):
        xy = street.vertices
        bends = sorted(bend for at, bend in (*closed, *private) if at == number)
        for first, last in pairwise([0, *bends, len(xy) - 1]):
            part = xy[first : last + 1].copy()
            if first:
                part[0] += SLIVER_M * _unit(part[1] - part[0])
                if (number, first) in private:
                    streets.append(Street([xy[first], part[0]], PRIVATE))
            streets.append(street._replace(xy=part))
    return town._replace(streets=streets)


def _unit(step: np.ndarray) -> np.ndarray:
    return step / np.hypot(*step)  # type: ignore[no-any-return]


@cases(100)
@given(gated_towns())
def test_gates_are_broken_streets_and_slivers_of_private_way(
    drawn: tuple[Town, list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    town, closed, private = drawn
    gates = {
        word: [tuple(town.streets[number].vertices[bend]) for number, bend in bends]
        for word, bends in (("closed", closed), ("private", private))
    }
    broken = without_gates(town, closed, private)
    expected = walks_m(broken.as_cut(), town.homes, town.facilities, max_m=town.max_m).min(axis=1)

    network = WalkNetwork.from_ways(gated(*town.streets, **gates), crs=CRS)
    homes = network.snap(*town.homes.T, max_m=town.max_m)
    found = metres_to_nearest(network, homes, network.doors(*town.facilities.T, max_m=town.max_m))

    # a home that stands on a gate itself is as near to either side of it
    at_gates = np.reshape([place for places in gates.values() for place in places], (-1, 1, 2))
    apart = np.hypot(*np.moveaxis(at_gates - town.homes, 2, 0)).min(axis=0, initial=np.inf) > 2 * SLIVER_M
    np.testing.assert_allclose(found.metres[apart], expected[apart], rtol=0, atol=0.01)


@cases(100)
@given(gated_towns(public_only=True))
def test_shut_gates_part_the_streets_as_networkx_parts_them(
    drawn: tuple[Town, list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    town, closed, private = drawn
    shut = {tuple(town.streets[number].vertices[bend].tolist()) for number, bend in (*closed, *private)}
    graph = nx.Graph()
    for street in town.streets:
        for tail, head in pairwise(map(tuple, street.vertices.tolist())):
            graph.add_edge((tail, head) if tail in shut else tail, (head, tail) if head in shut else head)

    streets = cut_into_streets(gated(*town.streets, closed=list(shut)))

    ours = nx.Graph(zip(streets.street_from.tolist(), streets.street_to.tolist(), strict=True))
    assert nx.number_connected_components(ours) == nx.number_connected_components(graph)
