"""Are streets joined where there is no choice, and nowhere else?"""

import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from towns import ONE_WAY, PRIVATE, Street, Town, random_towns, ways_of

from lifecircle.chains import join_chains
from lifecircle.streets import Streets, Ways, cut_into_streets

STEPS = {"highway": "steps"}


def joined(*streets: Street) -> Streets:
    return join_chains(cut_into_streets(ways_of(*streets)))


def lines_of(streets: Streets) -> list[list[tuple[float, float]]]:
    runs = np.split(streets.line_xy, streets.line_start[1:-1])
    return [[(float(x), float(y)) for x, y in run] for run in runs]


def test_streets_that_run_on_into_one_another_are_one() -> None:
    # the middle one is drawn the other way round
    streets = joined(
        Street([(0, 0), (100, 0)]), Street([(250, 0), (100, 0)]), Street([(250, 0), (250, 30), (250, 70)])
    )

    assert streets.street_m.tolist() == [100 + 150 + 70]
    line = lines_of(streets)[0]
    assert line in (
        [(0, 0), (100, 0), (250, 0), (250, 30), (250, 70)],
        [(250, 70), (250, 30), (250, 0), (100, 0), (0, 0)],
    )
    ends = streets.street_from[0], streets.street_to[0]
    assert [(streets.node_x[node], streets.node_y[node]) for node in ends] == [line[0], line[-1]]


@pytest.mark.parametrize("tags", [STEPS, PRIVATE, ONE_WAY])
def test_streets_of_another_kind_stay_apart(tags: dict[str, str]) -> None:
    assert sorted(joined(Street([(0, 0), (100, 0)]), Street([(100, 0), (150, 0)], tags)).street_m) == [
        50,
        100,
    ]


def test_one_way_streets_stay_apart() -> None:
    streets = joined(Street([(0, 0), (100, 0)], ONE_WAY), Street([(100, 0), (150, 0)], ONE_WAY))

    assert sorted(streets.street_m) == [50, 100]


def test_streets_stay_apart_where_three_meet() -> None:
    star = [Street([(0, 0), (100, 0)]), Street([(0, 0), (-100, 0)]), Street([(0, 0), (0, 100)])]

    assert len(joined(*star).street_m) == 3


def test_streets_stay_apart_where_the_data_ends() -> None:
    road = {"highway": "road"}
    ways = Ways([1, 2, 3], [(0, 0), (70, 0), (200, 0)], [0, 3], [road], cut=[False, True, False])

    streets = join_chains(cut_into_streets(ways))

    assert sorted(streets.street_m) == [70, 130]
    assert streets.node_x[streets.node_cut].tolist() == [70]


def test_a_loop_keeps_the_junction_it_hangs_on() -> None:
    # a stem of 50 m and a ring of 400 m drawn as three ways
    stem = Street([(0, 0), (-50, 0)])
    ring = [
        Street([(0, 0), (100, 0), (100, 100)]),
        Street([(100, 100), (0, 100)]),
        Street([(0, 0), (0, 100)]),
    ]

    streets = joined(stem, *ring)

    assert sorted(streets.street_m) == [50, 400]
    loop = int(np.argmax(streets.street_m))
    assert streets.street_from[loop] == streets.street_to[loop]


def test_a_ring_that_meets_nothing_is_kept_whole() -> None:
    ring = [
        Street([(0, 0), (100, 0), (100, 100)]),
        Street([(100, 100), (0, 100)]),
        Street([(0, 0), (0, 100)]),
    ]

    streets = joined(*ring)

    assert streets.street_m.sum() == 400


@cases(200)
@given(random_towns())
def test_joining_keeps_every_metre_and_leaves_no_chain(town: Town) -> None:
    before = town.as_cut()

    after = join_chains(before)

    assert after.street_m.sum() == pytest.approx(before.street_m.sum(), abs=1e-6)
    lines = [
        shapely.MultiLineString([shapely.LineString(xy) for xy in lines_of(streets)])
        for streets in (before, after)
    ]
    assert shapely.normalize(shapely.line_merge(shapely.node(lines[0]))).equals(
        shapely.normalize(shapely.line_merge(shapely.node(lines[1])))
    )
    for xy, first, last, metres in zip(
        lines_of(after), after.street_from, after.street_to, after.street_m, strict=True
    ):
        assert xy[0] == (after.node_x[first], after.node_y[first])
        assert xy[-1] == (after.node_x[last], after.node_y[last])
        assert shapely.LineString(xy).length == pytest.approx(metres, abs=1e-6)
    again = join_chains(after)
    assert len(again.street_m) == len(after.street_m)
