"""Do access legs go round walls, water and rails, through gates, and never far?

Main Street runs along y = 0, Back Lane along y = 100; distances are worked out by hand.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
import shapely.ops
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from towns import PRIVATE, Floats, Street, network_of, random_towns

from lifecircle.access import WALLED_IN
from lifecircle.barriers import GATE_M, TOUCH_M, Barriers
from lifecircle.doors import doors_of_outlines
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.route import route_to_nearest

MAIN, BACK = Street([(0, 0), (1000, 0)]), Street([(0, 100), (1000, 100)])
CROSS = Street([(1000, 0), (1000, 100)])
Line = Sequence[tuple[float, float]]
SAME_M = 1e-9


def barriers(
    walls: Sequence[Line] = (),
    rails: Sequence[Line] = (),
    water: Sequence[shapely.Polygon] = (),
    gates: Line = (),
) -> Barriers:
    lines = [shapely.LineString(line) for line in (*walls, *rails)]
    return Barriers(
        np.array(lines, dtype=object),
        np.array(water, dtype=object),
        np.array(gates, dtype=np.float64).reshape(-1, 2),
        np.repeat([True, False], [len(walls), len(rails)]),
    )


def between_streets(what: Barriers) -> WalkNetwork:
    return dataclasses.replace(network_of(MAIN, CROSS, BACK), barriers=what)


def met_at(network: WalkNetwork, doors: Positions) -> list[tuple[float, float]]:
    points = shapely.line_interpolate_point(network.lines[doors.street], doors.along_m)
    return [(round(x, 6), round(y, 6)) for x, y in shapely.get_coordinates(points).tolist()]


# ---------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    "what",
    [
        barriers(walls=[[(300, 20), (700, 20)]]),
        barriers(rails=[[(300, 20), (700, 20)]]),
        barriers(water=[shapely.box(300, 15, 700, 25)]),
    ],
    ids=["a wall", "rails", "a river"],
)
def test_a_leg_that_would_cross_a_barrier_takes_the_next_street(what: Barriers) -> None:
    # 40 m to Main Street, beyond the barrier; 60 m to Back Lane, on this side
    network = between_streets(what)
    doors = network.snap([500, 200], [40, 40])
    assert met_at(network, doors) == [(500, 100), (200, 0)]
    assert doors.off_m.tolist() == [60, 40]
    assert doors.gate.tolist() == [-1, -1]


def test_a_leg_may_begin_on_a_barrier_and_end_where_one_meets_the_street() -> None:
    fence = [(400, 40), (600, 40)]
    network = between_streets(barriers(walls=[fence, [(700, 0), (700, -50)]]))
    doors = network.snap([500, 700], [40, 30])
    assert met_at(network, doors) == [(500, 0), (700, 0)]


def test_of_several_pieces_of_one_street_the_nearest_that_can_be_reached_is_taken() -> None:
    # the hook comes round behind: 50 m east of the home, beyond no wall
    hook = Street([(0, 0), (550, 0), (550, 200)])
    network = dataclasses.replace(network_of(hook), barriers=barriers(rails=[[(0, 20), (540, 20)]]))
    doors = network.snap(500, 40)
    assert met_at(network, doors) == [(550, 40)]
    assert doors.off_m.tolist() == [50]


def test_a_leg_crosses_a_wall_at_an_open_gate() -> None:
    wall = [[(300, 20), (700, 20)]]
    network = between_streets(barriers(walls=wall, gates=[(500 + GATE_M - 0.1, 20)]))
    assert met_at(network, network.snap(500, 40)) == [(500, 0)]


def test_a_leg_goes_round_by_a_gate_where_that_is_shorter() -> None:
    # to the gate 20 m down and 15 m aside: 25 m; from there 20 m to the street. Back Lane is 60 m away
    network = between_streets(barriers(walls=[[(300, 20), (700, 20)]], gates=[(515, 20)]))
    doors = network.snap(500, 40)
    assert met_at(network, doors) == [(515, 0)]
    assert doors.off_m.tolist() == [45]
    assert doors.gate.tolist() == [0]
    route = route_to_nearest(network, shapely.Point(500, 40), [shapely.Point(600, -10)])
    assert route is not None
    assert shapely.get_coordinates(route).tolist() == [[500, 40], [515, 20], [515, 0], [600, 0], [600, -10]]
    facility = network.doors(600, -10)
    assert metres_to_nearest(network, doors, facility).metres == pytest.approx([45 + 85 + 10])


def test_a_facility_behind_a_wall_is_entered_by_its_gate() -> None:
    network = between_streets(barriers(walls=[[(300, 20), (700, 20)]], gates=[(515, 20)]))
    assert network.doors(500, 40).off_m.tolist() == [45]


def test_where_no_street_is_within_reach_the_place_is_off_the_network() -> None:
    # Back Lane is 60 m away: with at most 50 m, nothing is left
    what = barriers(rails=[[(300, 20), (700, 20)]], gates=[(690, 20)])
    network = between_streets(what)
    doors = network.snap([500, 500], [40, -40], max_m=50)
    assert doors.on_street.tolist() == [False, True]
    assert doors.off_m.tolist() == [np.inf, 40]


def test_a_place_that_walls_enclose_without_a_gate_has_one_that_nobody_drew() -> None:
    yard = [(480, 20), (520, 20), (520, 60), (480, 60), (480, 20)]
    network = between_streets(barriers(walls=[yard]))
    doors = network.snap([500, 600], [40, 40])
    assert met_at(network, doors) == [(500, 0), (600, 0)]
    assert doors.gate.tolist() == [WALLED_IN, -1]


def test_the_gate_nobody_drew_leads_over_no_water_and_no_rails() -> None:
    yard = [(480, 20), (520, 20), (520, 60), (480, 60), (480, 20)]
    network = between_streets(barriers(walls=[yard], rails=[[(300, 10), (700, 10)]]))
    doors = network.snap(500, 40)
    assert met_at(network, doors) == [(500, 100)]
    assert doors.gate.tolist() == [WALLED_IN]
    ring = [(470, 10), (530, 10), (530, 70), (470, 70), (470, 10)]
    shut_in = between_streets(barriers(walls=[yard], rails=[ring]))
    assert not shut_in.snap(500, 40).on_street[0]


def test_who_lives_on_the_water_comes_ashore_once() -> None:
    # a houseboat in the harbour reaches the quay; a house on the other bank does not cross the harbour
    network = between_streets(barriers(water=[shapely.box(300, 10, 700, 30)]))
    doors = network.snap([500, 500], [20, 40])
    assert met_at(network, doors) == [(500, 0), (500, 100)]


@pytest.mark.parametrize(("max_m", "off_m"), [(2000, 1200), (1200, 1200), (1199, np.inf)])
def test_a_street_more_than_a_kilometre_away_is_found_where_that_is_allowed(
    max_m: float, off_m: float
) -> None:
    doors = between_streets(barriers()).snap([500, 500], [1300, 40], max_m=max_m)
    assert doors.off_m.tolist() == [off_m, 40]


def test_of_a_street_drawn_twice_the_public_one_is_taken_whatever_the_last_digits_say() -> None:
    line = [(3.7, 11.9), (771.3, 493.1)]
    network = network_of(Street(line, PRIVATE), Street(line[::-1]), Street(line, PRIVATE))
    spots = np.random.default_rng(5).uniform(0, 500, (200, 2))
    doors = network.snap(*spots.T, max_m=1000)
    assert not network.private[doors.street].any()


def test_an_outline_opens_where_no_wall_bars_the_way() -> None:
    # the school's south side is walled off from Main Street, its north side is 40 m from Back Lane
    school = np.array([shapely.box(450, 30, 550, 60)], dtype=object)
    network = between_streets(barriers(rails=[[(300, 20), (700, 20)]]))
    found = doors_of_outlines(network, school)
    assert shapely.get_coordinates(found[0])[0, 1] == 60
    assert shapely.get_coordinates(doors_of_outlines(between_streets(barriers()), school)[0])[0, 1] == 30


def test_a_mapped_door_goes_before_the_nearest_point_of_the_outline() -> None:
    shapes = np.array([shapely.box(450, 30, 550, 60), shapely.box(700, 30, 720, 60)], dtype=object)
    mapped = np.array([shapely.MultiPoint([(450, 50)]), None], dtype=object)
    found = doors_of_outlines(between_streets(barriers()), shapes, mapped=mapped)
    assert found[0] == mapped[0]
    assert shapely.get_coordinates(found[1])[0, 1] == 30


# ---------------------------------------------------------------------- random towns


def leg_by_trial(network: WalkNetwork, xy: Floats, max_m: float) -> tuple[float, set[str]]:
    """Return the length of the access leg and how it may go, trying everything one by one.

    A gate on a street's own vertex is reached by the same line whether as a gate or as the street: such ways
    are of one length to the last digits of floats, and either name is right.
    """
    what, streets = network.barriers, network.lines[network.is_target]
    pieces = [
        shapely.LineString(pair)
        for street in streets
        for pair in zip(street.coords[:-1], street.coords[1:], strict=True)
        if pair[0] != pair[1]
    ]

    def free_m(point: shapely.Point, *, walls: bool) -> float:
        legs = [shapely.shortest_line(point, piece) for piece in pieces]
        return min((leg.length for leg in legs if not crosses(what, leg, walls=walls)), default=np.inf)

    point = shapely.Point(xy)
    nearest_m = min((piece.distance(point) for piece in pieces), default=np.inf)
    if nearest_m > max_m:
        return np.inf, {"off"}
    straight_m = free_m(point, walls=True)
    if abs(straight_m - nearest_m) < TOUCH_M * 1e-6:
        return straight_m, {"straight"}
    ways = [(straight_m, "straight")]
    ways += [
        (point.distance(gate) + free_m(gate, walls=True), "gate")
        for gate in shapely.points(what.openings)
        if not crosses(what, shapely.shortest_line(point, gate), walls=True)
    ]
    best_m = min(metres for metres, _ in ways)
    if best_m <= max_m:
        return best_m, {word for metres, word in ways if metres <= best_m + SAME_M}
    walled_in_m = free_m(point, walls=False)
    return (walled_in_m, {"walled in"}) if walled_in_m <= max_m else (np.inf, {"off"})


def crosses(what: Barriers, leg: shapely.LineString, *, walls: bool) -> bool:
    """Return whether a leg crosses a barrier, by shapely's word."""
    if leg.length <= 2 * TOUCH_M:
        return False
    inner = shapely.ops.substring(leg, TOUCH_M, leg.length - TOUCH_M)
    gates = shapely.MultiPoint(what.openings).buffer(GATE_M) if len(what.openings) else shapely.Point()
    lines = what.lines if walls else what.lines[~what.doubtful]
    start = shapely.Point(leg.coords[0])
    return any(line.difference(gates).intersects(inner) for line in lines) or any(
        area.boundary.intersects(inner) and not area.intersects(start) for area in what.areas
    )


@st.composite
def walled_towns(draw: st.DrawFn) -> tuple[WalkNetwork, NDArray[np.float64], float]:
    town = draw(random_towns(public_only=True))
    network = town.network()
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    low, high = np.reshape(shapely.total_bounds(network.lines), (2, 2))
    legs = network.legs(shapely.points(town.homes), max_m=town.max_m)
    met = np.flatnonzero(legs.street >= 0)
    ends = shapely.line_interpolate_point(network.lines[legs.street[met]], legs.along_m[met])

    def line() -> shapely.LineString:
        """Return a bent line: across some leg, or anywhere."""
        row = rng.integers(len(met) + 1)
        if row == len(met):
            steps = rng.normal(0, (high - low).max() / 8 + 10, (rng.integers(2, 6), 2))
            return shapely.LineString(rng.uniform(low - 50, high + 50) + np.cumsum(steps, axis=0))
        home, end = town.homes[met[row]], shapely.get_coordinates(ends[row])[0]
        aside = np.array([[0, -1], [1, 0]]) @ (end - home) * rng.uniform(0.1, 4, (2, 1)) * [[1], [-1]]
        return shapely.LineString(home + rng.uniform(0.1, 0.9) * (end - home) + aside)

    walls = [line() for _ in range(draw(st.integers(0, 8)))]
    walls += [
        shapely.Point(home).buffer(rng.uniform(2, 30), quad_segs=2).exterior
        for home in town.homes[: draw(st.integers(0, 3))]
    ]
    rails = [line() for _ in range(draw(st.integers(0, 3)))]
    water = [line().buffer(rng.uniform(0.5, 15), quad_segs=2) for _ in range(draw(st.integers(0, 2)))]
    water = [area for area in water if area.area > 0]
    gates = [
        shapely.get_coordinates(wall.interpolate(rng.random(), normalized=True))[0]
        for wall in walls[: draw(st.integers(0, 8))]
    ]
    what = Barriers(
        np.array([*walls, *rails], dtype=object),
        np.array(water, dtype=object),
        np.array(gates).reshape(-1, 2),
        np.repeat([True, False], [len(walls), len(rails)]),
    )
    return dataclasses.replace(network, barriers=what), town.homes, town.max_m


@cases(60)
@given(walled_towns())
def test_every_leg_is_the_shortest_that_trial_finds(
    drawn: tuple[WalkNetwork, NDArray[np.float64], float],
) -> None:
    network, homes, max_m = drawn
    found = network.snap(*homes.T, max_m=max_m)
    expected = [leg_by_trial(network, home, max_m) for home in homes]
    np.testing.assert_allclose(found.off_m, [metres for metres, _ in expected], rtol=0, atol=1e-6)
    how = np.select(
        [found.street < 0, found.gate == WALLED_IN, found.gate >= 0], ["off", "walled in", "gate"], "straight"
    )
    wrong = [row for row, (_, words) in enumerate(expected) if how[row] not in words]
    assert not wrong, [(how[row], expected[row]) for row in wrong]


@cases(40)
@given(walled_towns())
def test_the_line_of_a_walk_is_as_long_as_the_walk_with_its_gates(
    drawn: tuple[WalkNetwork, NDArray[np.float64], float],
) -> None:
    network, places, max_m = drawn
    facilities = shapely.points(places[:2])
    doors = network.doors(*places[:2].T, max_m=max_m)
    found = metres_to_nearest(network, network.snap(*places.T, max_m=max_m), doors)
    routes = [
        route_to_nearest(network, home, list(facilities), max_snap_m=max_m) for home in shapely.points(places)
    ]
    lengths = [np.inf if route is None else route.length for route in routes]
    np.testing.assert_allclose(lengths, found.metres, rtol=0, atol=1e-6)
