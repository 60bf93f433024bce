"""Does an OpenStreetMap file say what bars the way, who may pass, and where the doors are?

Main Street runs along y = 0 from (0, 0) to (2000, 0), as in `test_osm_file`; places are metres from
its corner.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from test_osm_file import CAMPUS, CORNER, MAIN_STREET, NEAR_M, counts, node, read, square, way

from lifecircle.sources.osm_barriers import bars_the_way, is_water
from lifecircle.sources.osm_file import OsmData, read_osm


def at(shape: shapely.Geometry) -> list[tuple[float, float]]:
    """Return coordinates in metres from the corner."""
    xy = shapely.get_coordinates(shape) - CORNER
    return sorted((round(x, 1), round(y, 1)) for x, y in xy.tolist())


def wall(ref: int, *points: tuple[float, float], **tags: str) -> list[str]:
    """Return a line and its nodes."""
    refs = [1000 * ref + number for number in range(len(points))]
    nodes = [node(number, *point) for number, point in zip(refs, points, strict=True)]
    return [*nodes, way(ref, refs, **tags)]


@pytest.mark.parametrize(
    ("tags", "bars"),
    [
        ({"barrier": "wall"}, True),
        ({"barrier": "fence", "access": "private"}, True),
        ({"barrier": "retaining_wall"}, True),
        ({"barrier": "guard_rail"}, True),
        ({"barrier": "kerb"}, False),
        ({"barrier": "handrail"}, False),
        ({"barrier": "gate"}, False),
        ({"waterway": "river"}, True),
        ({"waterway": "canal"}, True),
        ({"waterway": "canal", "tunnel": "culvert"}, False),
        ({"waterway": "stream"}, False),
        ({"waterway": "ditch"}, False),
        ({"railway": "rail"}, True),
        ({"railway": "light_rail"}, True),
        ({"railway": "rail", "bridge": "yes"}, False),
        ({"railway": "rail", "tunnel": "yes"}, False),
        ({"railway": "subway"}, False),
        ({"railway": "tram"}, False),
        ({"railway": "disused"}, False),
        ({"natural": "coastline"}, True),
        ({"natural": "cliff"}, False),
        ({"building": "yes"}, False),
    ],
)
def test_lines_that_bar_the_way(tags: dict[str, str], bars: bool) -> None:
    assert bars_the_way(tags) is bars


def test_areas_that_are_water() -> None:
    assert is_water({"natural": "water"})
    assert is_water({"landuse": "reservoir"})
    assert not is_water({"natural": "water", "covered": "yes"})
    assert not is_water({"natural": "wood"})


def test_walls_rails_waters_and_gates_are_read(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        *MAIN_STREET,
        *wall(50, (100, 20), (200, 20), (300, 20), barrier="wall"),
        *wall(51, (0, -50), (2000, -50), railway="rail"),
        *square(52, 400, 20, 50, 50, natural="water"),
        node(900, 150, 20, barrier="gate", access="private"),
        node(901, 250, 20, barrier="gate", access="no"),
        node(902, 290, 20, entrance="yes"),
        node(903, 600, 600, barrier="gate"),
        node(904, 110, 20, barrier="block", foot="no"),
    )
    barriers = data.network.barriers
    assert shapely.length(barriers.lines).round().tolist() == [200, 2000]
    assert barriers.doubtful.tolist() == [True, False]
    assert shapely.area(barriers.areas).round(-1).tolist() == [2500]
    assert at(shapely.MultiPoint(barriers.openings)) == [(150, 20), (290, 20)]
    assert counts(data)["osm.barriers"] == 3
    assert counts(data)["osm.openings"] == 2


def test_a_leg_goes_through_the_gate_of_a_mapped_wall(tmp_path: Path) -> None:
    # 40 m off the street, behind a wall; the gate is 30 m east of the home: sqrt(20^2 + 30^2) + 20
    data = read(
        tmp_path,
        *MAIN_STREET,
        *wall(50, (100, 20), (180, 20), (300, 20), barrier="fence"),
        node(900, 180, 20, barrier="gate", access="private"),
    )
    doors = data.network.snap(CORNER[0] + 150, CORNER[1] + 40)
    assert doors.off_m[0] == pytest.approx(np.hypot(20, 30) + 20, abs=5 * NEAR_M)


def test_a_private_gate_makes_an_estate_and_a_wall_across_a_street_ends_it(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        *MAIN_STREET,
        *(node(5, 1000, 50, barrier="lift_gate", access="private"), node(6, 1000, 200)),
        way(2, [2, 5, 6], highway="service"),
        *(node(7, 2000, 50, barrier="wall"), node(8, 2000, 100), node(9, 2000, 1400)),
        way(3, [3, 7, 8, 9], highway="footway"),
    )
    network = data.network
    assert network.street_m[network.private].round().tolist() == [150]
    assert sorted(network.street_m[~network.private].round().tolist()) == [50, 50, 1000, 1000, 1350]
    assert (counts(data)["osm.gates_private"], counts(data)["osm.gates_closed"]) == (1, 1)


def test_a_building_opens_at_its_entrances(tmp_path: Path) -> None:
    shared = [node(300, 100, 20, entrance="main"), node(301, 130, 20), node(302, 130, 40)]
    data = read(
        tmp_path,
        *MAIN_STREET,
        *shared,
        *(node(303, 100, 40, entrance="emergency"), node(304, 115, 40, entrance="staircase")),
        way(30, [300, 301, 302, 304, 303, 300], building="apartments"),
        *square(31, 200, 20, 30, 20, building="apartments"),
        *(node(305, 205, 30, entrance="yes"), node(306, 215, 20, barrier="gate")),
    )
    first, second = data.homes["doors"]
    assert at(first) == [(100, 20), (115, 40)]
    assert second is None  # what stands inside it is no door of it, and a gate is none of a building's
    assert counts(data)["osm.homes_with_doors"] == 1


def test_grounds_open_at_their_gates_and_else_where_they_are_nearest_to_a_street(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        *MAIN_STREET,
        *(node(300, 100, 20), node(301, 200, 20), node(302, 200, 80), node(303, 100, 80)),
        node(304, 150, 80, barrier="gate", access="private"),
        way(30, [300, 301, 302, 304, 303, 300], amenity="kindergarten", name="Gate", barrier="fence"),
        *square(31, 400, 30, 100, 50, amenity="kindergarten", name="No gate"),
        node(305, 700, 15, amenity="kindergarten", name="Point"),
    )
    doors = data.facilities.set_index("name")["doors"]
    assert at(doors["Gate"]) == [(150, 80)]
    assert {y for _, y in at(doors["No gate"])} == {30.0}
    assert doors["Point"] is None
    assert counts(data)["osm.facilities_with_doors"] == 1


@pytest.fixture
def campus(shared_data: Callable[[str], Path]) -> OsmData:
    return read_osm(shared_data(CAMPUS))


def test_a_real_campus_has_doors_gates_and_fences(campus: OsmData) -> None:
    found = counts(campus)
    assert found["osm.barriers"] > 20
    assert found["osm.openings"] >= 5
    assert found["osm.homes_with_doors"] > 0
    homes = campus.homes[campus.homes["doors"].notna()]
    assert (shapely.distance(homes.geometry.to_numpy(), homes["doors"].to_numpy()) < 200).all()
