"""Do stiles, kerbs and the like stop those who avoid them, exactly where they stand, and nobody else?

Main Street runs from (0, 0) to (2000, 0); a path leaves it at (1000, 0) northward, with a stile 50 m in::

            (1000, 600)  end of the path; Back Street leads round to it from (2000, 0)
                 |
            (1000, 50)   stile
                 |
    0 -----------+------------------ 2000   Main Street
"""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import assume, given
from oracle import walks_m
from test_gates import CRS, SLIVER_M, gated_towns, without_gates
from test_osm_file import CORNER, node, way, written
from towns import ONE_WAY, PRIVATE, Street, Town, ways_of

from lifecircle.costs import for_walker
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.route import route_to_nearest
from lifecircle.sources.osm_file import read_osm
from lifecircle.standard import Walker
from lifecircle.streets import Ways
from lifecircle.walkable import Trait, hurdles

MAIN = Street([(0, 0), (1000, 0), (2000, 0)])
PATH = Street([(1000, 0), (1000, 50), (1000, 600)])
BACK = Street([(2000, 0), (2000, 600), (1000, 600)])
STILE = (1000.0, 50.0)
PRAM = Walker(avoid=("steps", "stile", "kerb"))
ANYBODY, CLIMBS_NOTHING = Walker(), Walker(avoid=("stile",))


def with_stiles(*streets: Street, at: list[tuple[float, float]], trait: Trait = Trait.STILE) -> Ways:
    ways = ways_of(*streets)
    hurdle = np.zeros(len(ways.xy), dtype=np.int64)  # type: ignore[arg-type]
    for point in at:
        hurdle[(np.asarray(ways.xy) == point).all(axis=1)] = trait
    return ways._replace(hurdle=hurdle)


def walk_m(ways: Ways, walker: Walker, home: tuple[float, float], facility: tuple[float, float]) -> float:
    network = for_walker(WalkNetwork.from_ways(ways, crs=CRS), walker)
    return float(metres_to_nearest(network, network.snap(*home), network.doors(*facility)).metres[0])


# ---------------------------------------------------------------------- what tags say


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"barrier": "stile"}, Trait.STILE),
        ({"barrier": "kissing_gate"}, Trait.KISSING_GATE),
        ({"barrier": "kissing_gate", "wheelchair": "yes"}, Trait(0)),
        ({"barrier": "turnstile"}, Trait.TURNSTILE),
        ({"barrier": "full-height_turnstile"}, Trait.TURNSTILE),
        ({"barrier": "cycle_barrier"}, Trait.CYCLE_BARRIER),
        ({"barrier": "cycle_barrier", "wheelchair": "no"}, Trait.CYCLE_BARRIER | Trait.NO_WHEELCHAIR),
        ({"barrier": "kerb"}, Trait.KERB),
        ({"barrier": "kerb", "kerb": "lowered"}, Trait(0)),
        ({"barrier": "kerb", "kerb": "flush"}, Trait(0)),
        ({"kerb": "raised"}, Trait.KERB),
        ({"kerb": "raised", "wheelchair": "yes"}, Trait(0)),
        ({"kerb": "yes"}, Trait(0)),
        ({"barrier": "gate"}, Trait(0)),
        ({"barrier": "bollard"}, Trait(0)),
        ({"wheelchair": "no", "amenity": "cafe"}, Trait(0)),
    ],
)
def test_tags_say_what_is_hard(tags: dict[str, str], found: Trait) -> None:
    assert hurdles(tags) == found


# ---------------------------------------------------------------------- by hand


def test_who_climbs_walks_over_and_who_cannot_goes_round() -> None:
    ways = with_stiles(MAIN, PATH, BACK, at=[STILE])
    assert walk_m(ways, ANYBODY, (1000, 290), (1200, 0)) == 290 + 200
    # up the path, along Back Street, and back along Main Street
    assert walk_m(ways, PRAM, (1000, 290), (1200, 0)) == 310 + 1000 + 600 + 800
    assert walk_m(ways, Walker(avoid=("kerb",)), (1000, 290), (1200, 0)) == 290 + 200


def test_the_way_ends_exactly_at_the_stile() -> None:
    ways = with_stiles(MAIN, PATH, BACK, at=[STILE])
    assert walk_m(ways, PRAM, (1000, 45), (1200, 0)) == 45 + 200
    assert walk_m(ways, PRAM, (1000, 49), (1000, 51)) == 49 + 1000 + 600 + 1000 + 549
    assert walk_m(ways, ANYBODY, (1000, 49), (1000, 51)) == 2


def test_where_three_streets_meet_no_hurdle_is_told_to_be_on_any() -> None:
    assert walk_m(with_stiles(MAIN, PATH, at=[(1000.0, 0.0)]), PRAM, (1000, 290), (1200, 0)) == 490


def test_a_kerb_where_one_way_ends_and_the_next_begins() -> None:
    crossing = Street([(1000, 50), (1000, 600)])
    ways = with_stiles(MAIN, Street([(1000, 0), (1000, 50)]), crossing, at=[STILE], trait=Trait.KERB)
    assert walk_m(ways, PRAM, (1000, 290), (1200, 0)) == np.inf
    assert walk_m(ways, ANYBODY, (1000, 290), (1200, 0)) == 490


def test_a_ring_may_begin_at_a_stile() -> None:
    # a ring of 400 m that begins and ends at the stile; from it Main Street is met at (0, 0)
    ring = Street([(0, 100), (0, 0), (100, 0), (100, 100), (0, 100)])
    ways = with_stiles(Street([(0, 0), (-2000, 0)]), ring, at=[(0.0, 100.0)])
    assert walk_m(ways, ANYBODY, (50, 100), (0, 50)) == 50 + 50
    assert walk_m(ways, PRAM, (50, 100), (0, 50)) == 50 + 100 + 100 + 50


def test_over_a_stile_of_an_estate_and_of_a_one_way_path_as_before() -> None:
    for tags in (PRIVATE, ONE_WAY):
        ways = with_stiles(MAIN, PATH._replace(tags=tags), at=[STILE])
        plain = ways._replace(hurdle=None)
        for home, facility in (((1000, 290), (1200, 0)), ((1200, 0), (1000, 290)), ((1000, 300), (1000, 40))):
            assert walk_m(ways, ANYBODY, home, facility) == walk_m(plain, ANYBODY, home, facility)


def test_the_line_leads_over_the_stile_and_no_map_draws_more_than_before() -> None:
    network = WalkNetwork.from_ways(with_stiles(MAIN, PATH, at=[STILE]), crs=CRS)
    line = route_to_nearest(network, shapely.Point(1000, 290), [shapely.Point(1200, 0)])
    assert line is not None
    assert [*line.coords] == [(1000, 290), (1000, 50), (1000, 0), (1200, 0)]
    streets = network.to_streets()
    assert streets.loc[streets["across"], "length_m"].tolist() == [0]
    assert network.drawn_m.sum() == 2000 + 600


def test_they_are_read_from_a_file_and_from_a_graph(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        *(node(1, 0, 0), node(2, 1000, 0), node(3, 2000, 0), node(6, 1000, 300)),
        node(4, 1000, 50, kerb="raised"),
        node(5, 1000, 100, barrier="kerb", kerb="lowered"),
        way(1, [1, 2, 3], highway="residential"),
        way(2, [2, 4, 5, 6], highway="footway"),
    )
    data = read_osm(path, crs=4549)
    x, y = np.add(CORNER, [(1000, 290), (1200, 0)]).T
    graph = nx.MultiDiGraph(crs=CRS)
    for ref, (at_x, at_y) in enumerate([(0, 0), (1000, 0), (2000, 0), (1000, 50), (1000, 300)]):
        graph.add_node(
            ref, x=CORNER[0] + at_x, y=CORNER[1] + at_y, **({"barrier": "kerb"} if ref == 3 else {})
        )
    for tail, head in ((0, 1), (1, 2), (1, 3), (3, 4)):
        graph.add_edge(tail, head, osmid=tail, highway="footway")
    for network in (data.network, WalkNetwork.from_networkx(graph)):
        for walker, expected in ((ANYBODY, 490.0), (PRAM, np.inf), (Walker(avoid=("stile",)), 490.0)):
            hard = for_walker(network, walker)
            found = metres_to_nearest(hard, hard.snap(x[:1], y[:1]), hard.doors(x[1:], y[1:])).metres[0]
            assert found == pytest.approx(expected, abs=0.1)
    assert len(data.network.barriers.openings) == 0


# ---------------------------------------------------------------------- random towns

Drawn = tuple[Town, list[tuple[int, int]], list[tuple[int, int]]]


@cases(60)
@given(gated_towns(public_only=True))
def test_for_who_avoids_them_they_are_broken_streets_and_for_others_nothing(drawn: Drawn) -> None:
    town, here, more = drawn
    bends = [*here, *more]
    at = [tuple(town.streets[number].vertices[bend].tolist()) for number, bend in bends]
    away = np.reshape(at, (-1, 1, 2))
    homes, facilities = (
        np.hypot(*np.moveaxis(away - places, 2, 0)).min(axis=0, initial=np.inf) > 2 * SLIVER_M
        for places in (town.homes, town.facilities)
    )
    assume(facilities.all())
    with pytest.MonkeyPatch.context() as patch:  # a piece that a stile cuts off is no island
        patch.setattr("lifecircle.streets.ISLAND_M", 0.0)
        patch.setattr("oracle.ISLAND_M", 0.0)
        network = WalkNetwork.from_ways(with_stiles(*town.streets, at=at), crs=CRS)
        for walker, streets in (
            (CLIMBS_NOTHING, without_gates(town, bends, []).as_cut()),
            (ANYBODY, town.as_cut()),
        ):
            walked = for_walker(network, walker)
            expected = walks_m(streets, town.homes, town.facilities, max_m=town.max_m).min(axis=1)
            at_home = walked.snap(*town.homes.T, max_m=town.max_m)
            doors = walked.doors(*town.facilities.T, max_m=town.max_m)
            found = metres_to_nearest(walked, at_home, doors).metres
            np.testing.assert_allclose(found[homes], expected[homes], rtol=0, atol=0.01)
