"""Are ways cut where they meet, and are islands and enclaves told apart?"""

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from oracle import is_enclave, is_island
from towns import PRIVATE, Street, Town, random_towns, ways_of

from lifecircle.streets import ENCLAVE_M, Streets, Ways, cut_into_streets, islands

MAIN = Street([(0, 0), (2000, 0)])


def cut(*streets: Street) -> Streets:
    return cut_into_streets(ways_of(*streets))


def islands_of(streets: Streets) -> list[bool]:
    return [bool(flag) for flag in islands(streets.street_from, streets.street_to, streets.street_m)]


def test_ways_are_cut_where_they_share_a_vertex() -> None:
    # vertex 3 is the crossing; way 1 runs on over vertex 5, which only it has
    ways = Ways(
        vertex=[1, 3, 2, 4, 5, 3, 6],
        xy=[(0, 0), (100, 0), (300, 0), (100, -50), (100, -20), (100, 0), (100, 70)],
        start=[0, 3, 7],
        tags=[{"highway": "residential"}, {"highway": "steps", "oneway:foot": "yes"}],
    )

    streets = cut_into_streets(ways)

    assert streets.street_m.tolist() == [100, 200, 50, 70]
    assert streets.kind.tolist() == ["residential", "residential", "steps", "steps"]
    assert streets.along.tolist() == [1, 1, 1, 1]
    assert streets.against.tolist() == [1, 1, np.inf, np.inf]
    assert len(streets.node_x) == 5
    crossing = streets.street_to[0]
    assert (streets.node_x[crossing], streets.node_y[crossing]) == (100, 0)
    assert streets.street_from[[1, 3]].tolist() == [crossing, crossing]
    assert np.diff(streets.line_start).tolist() == [2, 2, 3, 2]


def test_lines_that_cross_without_a_shared_vertex_do_not_meet() -> None:
    bridge = Street([(1000, -500), (1000, 500)])

    assert len(cut(MAIN, bridge).street_m) == 2


def test_a_way_is_cut_where_it_meets_itself() -> None:
    # 100 m in, then once round a square of 4 x 50 m
    lollipop = Street([(0, 0), (100, 0), (150, 0), (150, 50), (100, 50), (100, 0)])

    streets = cut(lollipop)

    assert streets.street_m.tolist() == [100, 200]
    assert streets.street_from[1] == streets.street_to[1] == streets.street_to[0]


def test_a_vertex_drawn_twice_makes_no_street() -> None:
    streets = cut(Street([(0, 0), (50, 0), (50, 0), (120, 0)]))

    assert sorted(streets.street_m.tolist()) == [50, 70]


def test_closed_ways_are_left_out_and_cut_nothing() -> None:
    motorway = Street([(1000, -500), (1000, 0), (1000, 500)], {"highway": "motorway"})
    straight = Street([(0, 0), (1000, 0), (2000, 0)])

    streets = cut(straight, motorway)

    assert streets.street_m.tolist() == [2000]


def test_a_street_is_as_long_as_its_bends() -> None:
    streets = cut(Street([(0, 0), (300, 400), (300, 500), (0, 900)]))

    assert streets.street_m.tolist() == [500 + 100 + 500]


@pytest.mark.parametrize(("length_m", "island"), [(999.0, True), (1000.0, False)])
def test_a_piece_shorter_than_a_kilometre_is_an_island(length_m: float, island: bool) -> None:
    piece = Street([(0, 100), (length_m, 100)])

    assert islands_of(cut(MAIN, piece)) == [False, island]


def test_the_longest_piece_is_no_island_however_short() -> None:
    assert islands_of(cut(Street([(0, 0), (90, 0)]), Street([(0, 50), (80, 50)]))) == [False, True]


def test_private_streets_join_pieces() -> None:
    # a village of 500 m hangs on the town by a private road
    road = Street([(2000, 0), (2500, 0)], PRIVATE)
    village = Street([(2500, 0), (3000, 0)])

    assert islands_of(cut(MAIN, road, village)) == [False, False, False]


def test_public_paths_that_only_private_streets_reach_belong_to_the_estate() -> None:
    gate = Street([(1000, 0), (1000, 100)], PRIVATE)
    inner_path = Street([(1000, 100), (1200, 100)], {"highway": "footway"})
    lane = Street([(500, 0), (500, 200)])

    streets = cut(MAIN, gate, inner_path, lane)

    # the lane cuts the main street at no vertex of it: it is an island, and no enclave
    assert streets.private.tolist() == [False, True, True, False]


@pytest.mark.parametrize(("length_m", "enclave"), [(ENCLAVE_M, True), (ENCLAVE_M + 1, False)])
def test_a_large_public_piece_behind_a_private_street_stays_public(length_m: float, enclave: bool) -> None:
    main = Street([(0, 0), (9000, 0)])
    gate = Street([(0, 0), (0, 100)], PRIVATE)
    beyond = Street([(0, 100), (length_m, 100)])

    assert cut(main, gate, beyond).private.tolist() == [False, True, enclave]


def test_the_longest_public_piece_is_no_enclave() -> None:
    assert cut(Street([(0, 0), (90, 0)]), Street([(90, 0), (99, 0)], PRIVATE)).private.tolist() == [
        False,
        True,
    ]


@cases(100)
@given(random_towns())
def test_islands_and_enclaves_are_those_networkx_finds(town: Town) -> None:
    streets = town.as_cut()
    tagged = np.array(["access" in street.tags for street in town.streets])

    assert islands_of(streets) == is_island(streets)
    assert streets.private.tolist() == (tagged | is_enclave(streets, tagged)).tolist()


def test_no_way_is_no_street() -> None:
    streets = cut_into_streets(Ways(vertex=[], xy=[], start=[0], tags=[]))

    assert len(streets.street_m) == len(streets.node_x) == 0


def test_the_arrays_are_frozen() -> None:
    streets = cut(MAIN)

    with pytest.raises(ValueError, match="read-only"):
        streets.street_m[0] = 1.0
    with pytest.raises(AttributeError):
        streets.street_m = np.ones(1)  # type: ignore[misc]
