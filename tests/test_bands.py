"""Is the ground within a time what can be walked in it, and no other?"""

import dataclasses
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from toy_town import (
    CORNER,
    STANDARD,
    Draft,
    boxes,
    build,
    drafts,
    layer,
    streets,
    toy_facilities,
    toy_town,
)

from lifecircle.bands import GRID_M, time_bands
from lifecircle.barriers import Barriers
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.reach import metres_to_nearest

REACH_M = 50.0
ON_GRID_M = 2.0
"""How far an outline along a street may lie from the true one; where two meet it is less than the grid."""
STREET = streets([("", [(0, 0), (3000, 0)], "")])


def town(**other: Any) -> Coverage:
    """Return the walks to one kindergarten, in the middle of a long street."""
    facilities = toy_facilities([("K", "Kindergarten", "kindergarten", (1500, 0))])
    fields = {"network": STREET, "facilities": facilities, "boundary": None} | other
    return measure_coverage(toy_town(**fields), STANDARD)


def ground(coverage: Coverage, minutes: list[float], **options: Any) -> Any:
    """Return the ground within some minutes of the kindergarten, in metres from the corner."""
    bands = time_bands(coverage, minutes, services=["kindergarten"], **options)
    return shapely.transform(bands.union_all(), lambda xy: xy - CORNER)


def shares_outline(one: Any, other: Any, within_m: float = ON_GRID_M) -> bool:
    return bool(
        one.buffer(-within_m).within(other.buffer(1e-6)) and other.buffer(-within_m).within(one.buffer(1e-6))
    )


# ---------------------------------------------------------------------- by hand


def test_along_a_street_it_is_a_strip_that_ends_where_the_time_does() -> None:
    # 54 metres a minute: in 10 minutes 540 m either way, of which the last 50 are needed to leave the street
    found = ground(town(), [10])

    assert shares_outline(found, shapely.LineString([(1500 - 490, 0), (1500 + 490, 0)]).buffer(REACH_M))
    assert found.bounds == pytest.approx((1500 - 540, -50, 1500 + 540, 50), abs=ON_GRID_M)


def test_the_reach_is_the_callers() -> None:
    found = ground(town(), [10], reach_m=25)

    assert shares_outline(found, shapely.LineString([(1500 - 515, 0), (1500 + 515, 0)]).buffer(25))


def test_bands_are_rings_named_by_their_minutes() -> None:
    bands = time_bands(town(), [10, 5], services=["kindergarten"])

    assert bands[["service", "from_minutes", "to_minutes"]].to_numpy().tolist() == [
        ["kindergarten", 0.0, 5.0],
        ["kindergarten", 5.0, 10.0],
    ]
    assert bands.crs == town().city.crs
    # 270 m within 5 minutes, so the other band is two pieces, one on either side
    east, west = sorted(shapely.get_parts(bands.geometry.iloc[1]), key=lambda part: -part.centroid.x)
    assert east.bounds[0] - CORNER[0] == pytest.approx(1500 + 220, abs=GRID_M)
    assert west.bounds[2] - CORNER[0] == pytest.approx(1500 - 220, abs=GRID_M)
    assert east.area == pytest.approx(270 * 100, rel=0.02)


def test_the_limits_of_the_standard_are_the_bands_where_none_are_named() -> None:
    bands = time_bands(measure_coverage(toy_town(), STANDARD))

    assert sorted(set(bands["service"])) == ["clinic", "kindergarten"]  # no elderly care anywhere
    assert bands["to_minutes"].tolist() == [10, 15, 10, 15]


def test_ground_in_places_far_apart_is_that_of_each() -> None:
    at = [("K", "Kindergarten", "kindergarten", (200, 0)), ("L", "Kindergarten", "kindergarten", (2700, 0))]
    both, *each = (ground(town(facilities=toy_facilities(some)), [3]) for some in (at, at[:1], at[1:]))

    assert len(shapely.get_parts(both)) == 2
    assert shapely.equals(both, shapely.union_all(each))


def test_there_and_back_half_the_way_is_left() -> None:
    coverage = dataclasses.replace(town(), round_trip=True)

    assert shares_outline(ground(coverage, [10]), ground(town(), [5]), 1e-6)


def test_a_facility_off_its_street_leaves_less_to_walk() -> None:
    facilities = toy_facilities([("K", "Kindergarten", "kindergarten", (1500, 100))])

    found = ground(town(facilities=facilities), [10])

    assert found.bounds[2] == pytest.approx(1500 + 440, abs=ON_GRID_M)


def test_ground_across_water_is_reached_by_its_own_street_alone() -> None:
    """A river 20 m wide runs 10 m south of the street; a bridge at x = 1700 leads to a street beyond."""
    network = streets(
        [
            ("", [(0, 0), (1700, 0), (3000, 0)], ""),
            ("bridge", [(1700, 0), (1700, -50)], ""),
            ("beyond", [(1700, -50), (2500, -50)], ""),
        ]
    )
    river = layer(boxes([(-500, -30, 3500, -10)]), kind=["water"])

    found = ground(town(network=network, backdrop=river), [10])
    dry = ground(town(network=network), [10])

    assert found.intersection(shapely.box(-500, -30, 3500, -10)).area < 1e-6
    south_west = shapely.box(-500, -200, 1620, -30)  # 80 m and more from the bridge
    assert dry.intersection(south_west).area > 2000
    assert found.intersection(south_west).area < 1e-6
    assert found.contains(shapely.Point(1800, -60))
    assert found.contains(shapely.box(1400, -9, 1600, 40))


def walled(*walls: Any, gates: Any = ()) -> Any:
    """Return the long street with walls beside it."""
    lines = np.array([shapely.LineString(np.add(wall, CORNER)) for wall in walls], dtype=object)
    openings = np.reshape(np.array(gates, dtype=float), (-1, 2)) + CORNER
    none = np.zeros(0, dtype=object)
    return dataclasses.replace(
        STREET, barriers=Barriers(lines, none, openings, np.ones(len(lines), dtype=bool))
    )


def test_ground_behind_a_wall_is_left_out() -> None:
    # a wall 18 m north of the street, from x = 1200 to 1700; south of the street nothing bars the way
    wall = [(1200, 18), (1700, 18)]
    found, free = ground(town(network=walled(wall)), [10]), ground(town(), [10])

    behind = shapely.box(1260, 25, 1640, 60)  # 60 m and more from where the wall ends
    assert free.intersection(behind).area > 9000
    assert found.intersection(behind).area < 1e-6
    south = shapely.box(1000, -60, 2000, 9)
    assert found.intersection(south).area == pytest.approx(free.intersection(south).area, rel=0.01)
    assert found.contains(shapely.box(1260, -30, 1640, 8))


def test_through_a_gate_the_ground_goes_on() -> None:
    gates = [(x, 18) for x in range(1400, 1500, 3)]  # the wall has gaps from x = 1398.5 to 1500.5

    found = ground(town(network=walled([(1200, 18), (1700, 18)], gates=gates)), [10])

    assert found.contains(shapely.box(1420, 0, 1480, 40))
    assert not found.intersects(shapely.box(1260, 25, 1340, 40))


def test_a_yard_without_a_gate_is_entered_and_a_railway_never_crossed() -> None:
    yard = [(1300, 15), (1360, 15), (1360, 48), (1300, 48), (1300, 15)]
    network = walled(yard)
    assert ground(town(network=network), [10]).contains(shapely.box(1310, 5, 1350, 40))
    certain = dataclasses.replace(network.barriers, doubtful=np.zeros(1, dtype=bool))
    rails = dataclasses.replace(network, barriers=certain)
    assert not ground(town(network=rails), [10]).intersects(shapely.box(1311, 22, 1349, 40))


def test_nobody_walks_from_an_island_or_a_closed_street() -> None:
    network = streets([("", [(0, 0), (3000, 0)], ""), ("apart", [(1500, 200), (1600, 200)], "")])

    assert ground(town(network=network), [10]).bounds[3] == pytest.approx(50, abs=ON_GRID_M)


def test_without_a_facility_there_is_no_ground() -> None:
    coverage = town(facilities=toy_facilities([]).astype({"facility_id": str, "name": str, "service": str}))

    bands = time_bands(coverage)

    assert len(bands) == 0
    assert bands.crs == coverage.city.crs
    assert list(bands.columns) == ["service", "from_minutes", "to_minutes", "geometry"]


@pytest.mark.parametrize("reach_m", [0.0, 4.9, 201.0, np.nan, -5.0])
def test_a_reach_that_is_none_is_refused(reach_m: float) -> None:
    with pytest.raises(DataError, match="5 to 200 metres"):
        time_bands(town(), reach_m=reach_m)


def test_unknown_services_and_wrong_minutes_are_refused() -> None:
    with pytest.raises(UnknownNameError):
        time_bands(town(), services=["library"])
    with pytest.raises(DataError):
        time_bands(town(), [0])


# ---------------------------------------------------------------------- random towns


@cases(30)
@given(drafts(), st.sampled_from([20.0, 50.0, 120.0]), st.booleans())
def test_bands_are_valid_and_do_not_overlap(draft: Draft, reach_m: float, wet: bool) -> None:
    city = build(draft)
    if wet:
        city = dataclasses.replace(city, backdrop=layer(boxes([(80, -500, 110, 500)]), kind=["water"]))
    coverage = measure_coverage(city, STANDARD)

    bands = time_bands(coverage, [1, 3, 8], reach_m=reach_m)

    assert bands.is_valid.all()
    assert bands.geom_type.isin(["Polygon", "MultiPolygon"]).all()
    for _, of_service in bands.groupby("service"):
        assert of_service.area.sum() == pytest.approx(of_service.union_all().area)
    if wet:
        assert bands.intersection(city.backdrop.union_all()).area.max() < 1e-6 or bands.empty


@cases(30)
@given(drafts())
def test_a_home_within_reach_is_on_ground_of_its_minutes_or_less(draft: Draft) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    bands = time_bands(coverage, [1, 3, 8], reach_m=REACH_M)
    homes = coverage.city.homes.geometry
    near = coverage.city.network.snap(homes.x, homes.y).off_m <= REACH_M - ON_GRID_M

    for column, service in enumerate(STANDARD.services):
        for minutes in (1, 3, 8):
            in_time = coverage.walks.metres[:, column] <= minutes * 60 * service.pace_mps - GRID_M
            area = bands[(bands["service"] == service.id) & (bands["to_minutes"] <= minutes)].union_all()
            assert shapely.intersects(area, homes.to_numpy()[near & in_time]).all()


@cases(30)
@given(drafts())
def test_every_corner_of_the_ground_is_within_reach_of_a_street_and_in_time(draft: Draft) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    city, network = coverage.city, coverage.city.network
    street_xy = shapely.get_coordinates(shapely.segmentize(network.lines, 1.0))
    on_street = network.snap(*street_xy.T)

    for band in time_bands(coverage, [3, 8], reach_m=REACH_M).itertuples():
        at = city.facilities.geometry[city.facilities["service"] == band.service]
        walk = metres_to_nearest(network, on_street, network.doors(at.x, at.y)).metres
        in_time_m = band.to_minutes * 60 * STANDARD.service(band.service).pace_mps
        for xy in shapely.get_coordinates(band.geometry)[::5]:
            off_m = np.hypot(*(street_xy - xy).T)
            assert (walk + off_m)[off_m <= REACH_M + ON_GRID_M].min() <= in_time_m + GRID_M
