"""Where do places open on streets, where do streets leave the data, and is bad input refused?"""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from towns import CRS, PRIVATE, PUBLIC, Street, edges_of, network_of

from lifecircle.errors import DataError
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.streets import Ways

MAIN = Street([(0, 0), (2000, 0)])
STEPS = {"highway": "steps"}
GATED = Street([(0, 0), (500, 0), (2000, 0)])


# ---------------------------------------------------------------------- snap


def test_a_place_opens_on_the_nearest_point_of_a_street_not_on_a_node() -> None:
    doors = network_of(MAIN, Street([(0, 0), (0, 900)], STEPS)).snap([700, 30], [40, 600])

    assert doors.street.tolist() == [0, 1]
    assert doors.along_m.tolist() == [700, 600]
    assert doors.off_m.tolist() == [40, 30]
    assert doors.place.tolist() == [0, 1]
    assert len(doors) == 2


def test_a_place_beyond_the_end_opens_on_the_end() -> None:
    doors = network_of(MAIN).snap(2030, -40)

    assert (doors.along_m[0], doors.off_m[0]) == (2000, 50)


def test_metres_along_a_street_follow_its_bends() -> None:
    # 300 + 400 m to the second corner, then 50 m; 10 m off
    doors = network_of(Street([(0, 0), (300, 0), (300, 400), (900, 400)])).snap(350, 410)

    assert (doors.along_m[0], doors.off_m[0]) == (750, 10)


def test_a_place_too_far_from_every_street_is_off_the_network() -> None:
    doors = network_of(MAIN).snap([5, 5, 5], [MAX_SNAP_M, MAX_SNAP_M + 0.001, 1e6])

    assert doors.on_street.tolist() == [True, False, False]
    assert doors.street.tolist() == [0, -1, -1]
    assert np.isinf(doors.off_m[1:]).all()


def test_nothing_snaps_to_an_island() -> None:
    island = Street([(0, 100), (50, 100)])

    doors = network_of(MAIN, island).snap(25, 99)

    assert (doors.street[0], doors.off_m[0]) == (0, 99)


def test_everything_snaps_to_the_longest_piece_however_short() -> None:
    assert network_of(Street([(0, 0), (50, 0)])).snap(25, 9).on_street.all()


@pytest.mark.parametrize("turned", [False, True])
def test_of_streets_equally_near_the_one_to_the_west_is_taken(turned: bool) -> None:
    west, east = Street([(-10, 0), (-10, 900)]), Street([(10, 0), (10, 900)])
    join = Street([(-10, 900), (10, 900)])
    streets = [east, join, west] if turned else [west, join, east]

    network = network_of(*streets)

    street = network.snap(0, 300).street[0]
    assert network.lines[street].bounds[0] == -10


@pytest.mark.parametrize("turned", [False, True])
def test_a_place_at_a_gate_opens_on_the_public_street(turned: bool) -> None:
    streets = [MAIN, Street([(0, 0), (0, 300)], PRIVATE)]

    network = network_of(*(streets[::-1] if turned else streets))

    assert not network.private[network.snap(-5, -5).street[0]]


def test_no_place_is_no_door() -> None:
    network = network_of(MAIN)

    assert len(network.snap([], [])) == len(network.doors([], [])) == 0


# ---------------------------------------------------------------------- doors


def test_a_facility_in_an_estate_has_a_door_for_strangers_and_one_for_residents() -> None:
    # 10 m from the private street (500, 0) - (500, 300), 60 m from the public one east of the gate
    network = network_of(GATED, Street([(500, 0), (500, 300)], PRIVATE))

    doors = network.doors([510, 1000], [60, 5])

    assert doors.place.tolist() == [0, 1, 0]
    assert doors.street.tolist() == [1, 1, 2]
    assert doors.along_m.tolist() == [10, 500, 60]
    assert doors.off_m.tolist() == [60, 5, 10]


def test_a_facility_deep_in_an_estate_has_no_door_for_strangers() -> None:
    network = network_of(GATED, Street([(500, 0), (500, 900)], PRIVATE))

    doors = network.doors(510, 800)

    assert doors.street.tolist() == [-1, 2]
    assert doors.on_street.tolist() == [False, True]


def test_a_private_street_no_nearer_than_the_public_one_gives_no_door() -> None:
    network = network_of(MAIN, Street([(0, 0), (0, 900)], PRIVATE))

    assert network.doors(20, 20).street.tolist() == [0]


def test_positions_are_taken_and_joined_by_rows() -> None:
    doors = network_of(MAIN).snap([100, 200, 300], [1, 2, 3])

    some = doors.take(np.array([2, 0])).plus(doors.take(np.array([False, True, False])))

    assert isinstance(some, Positions)
    assert some.place.tolist() == [2, 0, 1]
    assert some.along_m.tolist() == [300, 100, 200]
    assert some.off_m.tolist() == [3, 1, 2]


# ---------------------------------------------------------------------- exits


def exits_of(network: WalkNetwork) -> list[tuple[float, float]]:
    exits = network.exits
    assert (exits.off_m == 0).all()
    at = shapely.line_interpolate_point(network.lines[exits.street], exits.along_m)
    return sorted({(point.x, point.y) for point in at})


def test_streets_leave_the_data_where_ways_are_cut() -> None:
    cut = [True, False, False, False, True]
    ways = Ways(
        vertex=[1, 2, 3, 2, 4],
        xy=[(0, 0), (100, 0), (200, 0), (100, 0), (100, 100)],
        start=[0, 3, 5],
        tags=[PUBLIC, PUBLIC],
        cut=cut,
    )

    network = WalkNetwork.from_ways(ways, crs=edges_of(MAIN).crs)

    assert exits_of(network) == [(0, 0), (100, 100)]


def test_a_node_whose_way_is_cut_is_a_junction() -> None:
    # vertex 2 lies inside the only way; another way, lost with its nodes, went off there
    ways = Ways([1, 2, 3], [(0, 0), (70, 0), (200, 0)], [0, 3], [PUBLIC], cut=[False, True, False])

    network = WalkNetwork.from_ways(ways, crs=edges_of(MAIN).crs)

    assert network.street_m.tolist() == [70, 130]
    assert exits_of(network) == [(70, 0)]


def test_streets_leave_the_data_across_the_boundary() -> None:
    # in and out again through the east side of the square, and once through the south side
    bay = Street([(50, 10), (150, 10), (150, 50), (50, 50)])
    south = Street([(50, 10), (50, -70)])
    within = Street([(50, 50), (50, 90)])

    network = WalkNetwork.from_edges(edges_of(bay, south, within), boundary=shapely.box(0, 0, 100, 100))

    assert exits_of(network) == [(50, 0), (100, 10), (100, 50)]


def test_the_whole_of_the_data_has_no_exit() -> None:
    assert len(network_of(MAIN).exits) == 0
    network = WalkNetwork.from_edges(edges_of(MAIN), boundary=shapely.box(-1, -1, 2001, 1))
    assert len(network.exits) == 0


# ---------------------------------------------------------------------- making one from lines


def test_a_layer_may_hold_multilines_gaps_and_no_tags() -> None:
    lines = [
        shapely.MultiLineString([[(0, 0), (100, 0)], [(100, 50), (100, 0), (100, -70)]]),
        None,
        shapely.LineString(),
        shapely.LineString([(0, 0, 12.0), (0, 30, 15.0)]),
    ]
    layer = gpd.GeoDataFrame({"name": ["a", "b", "c", None]}, geometry=lines, crs=CRS, index=[7, 7, 8, 9])

    network = WalkNetwork.from_edges(layer)

    assert sorted(network.street_m.tolist()) == [
        50,
        70,
        130,
    ]  # the first and the last run on into one another
    assert set(network.kind) == {"road"}
    assert not network.private.any()


def test_lines_a_fraction_of_a_millimetre_apart_meet() -> None:
    network = network_of(MAIN, Street([(2000.0002, 0), (2000, 500)], STEPS))

    assert len(network.node_x) == 3


def test_columns_named_like_tags_are_heard() -> None:
    path = Street([(0, 0), (0, 100)], {"highway": "path", "foot": "private"})
    motorway = Street([(0, 0), (900, 900)], {"highway": "motorway"})

    streets = network_of(MAIN, path, motorway).to_streets()

    assert streets["kind"].tolist() == ["residential", "path"]
    assert streets["private"].tolist() == [False, True]
    assert streets["island"].tolist() == [False, False]
    assert streets["length_m"].tolist() == [2000, 100]
    assert streets.crs == CRS
    assert streets.geometry.length.tolist() == [2000, 100]


def test_lines_without_a_coordinate_system_are_refused() -> None:
    with pytest.raises(DataError, match="no coordinate system"):
        WalkNetwork.from_edges(gpd.GeoDataFrame(geometry=[shapely.LineString(np.asarray(MAIN.xy))]))


@pytest.mark.parametrize("crs", [4326, 2263])
def test_lines_in_degrees_or_feet_are_refused(crs: int) -> None:
    with pytest.raises(DataError, match="does not count in metres"):
        WalkNetwork.from_edges(edges_of(MAIN).set_crs(crs, allow_override=True))


def test_lines_nobody_may_walk_are_no_street_and_no_place_has_a_door() -> None:
    network = network_of(Street([(0, 0), (100, 0)], {"highway": "motorway"}))

    assert network.to_streets().empty
    assert len(network.exits) == 0
    assert not network.snap([0, 50], [0, 0]).on_street.any()
    assert not network.doors([0, 50], [0, 0]).on_street.any()


def test_a_network_says_its_size() -> None:
    assert repr(network_of(MAIN, Street([(0, 0), (0, 500)], STEPS))) == (
        "<WalkNetwork 3 nodes, 2 streets, 2.5 km, CGCS2000 / 3-degree Gauss-Kruger CM 120E>"
    )
