"""Is a network with a link the network that would have been read with it?"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import assume, given
from hypothesis import strategies as st
from toy_town import CORNER, CRS, STANDARD, Draft, build, drafts, points, streets, toy_town

from lifecircle.costs import Relief
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.links import link_line, with_link
from lifecircle.measured_again import remeasure
from lifecircle.network import WalkNetwork

SAME_MINUTES = 1e-9
ASIDE = (CORNER[0] + 7, CORNER[1] + 13)
"""Corner of towns in which no cell is as near to one street as to another."""


def at(x: float, y: float) -> tuple[float, float]:
    return x + CORNER[0], y + CORNER[1]


def assert_same_walks(one: Coverage, other: Coverage) -> None:
    """Compare all that was measured but which of equally near facilities was named."""
    for walks in ("walks", "cell_walks"):
        here, there = getattr(one, walks), getattr(other, walks)
        for name in ("metres", "edge_m"):
            np.testing.assert_allclose(
                getattr(here, name), getattr(there, name), rtol=0, atol=60 * SAME_MINUTES, err_msg=name
            )
        np.testing.assert_array_equal(here.on_street, there.on_street)
        np.testing.assert_array_equal(here.facility < 0, there.facility < 0)
    np.testing.assert_allclose(one.straight_m, other.straight_m)


@st.composite
def linked_drafts(draw: st.DrawFn) -> tuple[Draft, Draft, tuple[Any, Any]]:
    """Draw a town, the same town drawn with a link from the start, and the link's ends.

    The ends are whole metres on streets, and the town drawn with the link has a vertex there.
    """
    draft = draw(drafts())
    # off the whole metre, so that no home is as near to one street as to another: which one is then taken
    # hangs on how streets were joined
    homes = tuple((x + 0.25, y + 0.125, people) for x, y, people in draft.homes)
    facilities = tuple((x + 0.25, y + 0.125, service) for x, y, service in draft.facilities)
    draft = draft._replace(homes=homes, facilities=facilities)  # type: ignore[arg-type]

    lines = [line for _, line, _ in draft.streets]
    places = sorted(
        {
            (x0 + (x1 > x0) * share, y0 + (y1 > y0) * share)
            for (x0, y0), (x1, y1) in lines
            for share in (0, 30, 75, 150)
        }
    )
    one = draw(st.sampled_from(places))
    # a link drawn over a street is as near as that is to all around, and which is taken hangs on their order
    links = shapely.linestrings([[one, place] for place in places])
    over = shapely.length(shapely.intersection(links, shapely.MultiLineString(lines)))
    free = [place for place, metres in zip(places, over, strict=True) if place != one and metres == 0]
    assume(free)
    other = draw(st.sampled_from(free))
    network = streets(draft.streets, draft.area)
    middle = points([((x0 + x1) / 2, (y0 + y1) / 2) for _, ((x0, y0), (x1, y1)), _ in draft.streets])
    inside = network.private[shapely.STRtree(network.lines).nearest(middle)]  # by its tags, or behind a gate
    cut = []
    for (name, line, _), private in zip(draft.streets, inside, strict=True):
        (x0, y0), (x1, y1) = line
        who = "private" if private else ""
        within = {(x, y) for x, y in (one, other) if x0 <= x <= x1 and y0 <= y <= y1 and (x, y) not in line}
        cut.append((name, [line[0], *sorted(within), line[1]], who))
    return draft, draft._replace(streets=(*cut, ("link", [one, other], ""))), (one, other)


@cases(100)
@given(linked_drafts())
def test_a_city_with_a_link_is_the_city_drawn_with_it(towns: tuple[Draft, Draft, tuple[Any, Any]]) -> None:
    draft, drawn, (one, other) = towns
    city, expected = build(draft, corner=ASIDE), build(drawn, corner=ASIDE)

    linked = city.with_link_at(*((x + ASIDE[0], y + ASIDE[1]) for x, y in (one, other)))

    assert_same_walks(measure_coverage(linked, STANDARD), measure_coverage(expected, STANDARD))
    for name in ("private", "island"):
        here, there = (
            network.street_m[getattr(network, name)].sum() for network in (linked.network, expected.network)
        )
        assert here == pytest.approx(there), name


@cases(60)
@given(linked_drafts())
def test_only_what_a_link_changed_is_measured_again(towns: tuple[Draft, Draft, tuple[Any, Any]]) -> None:
    draft, _, (one, other) = towns
    city = build(draft, corner=ASIDE)
    linked = city.with_link_at(*((x + ASIDE[0], y + ASIDE[1]) for x, y in (one, other)))

    assert_same_walks(remeasure(measure_coverage(city, STANDARD), linked), measure_coverage(linked, STANDARD))


def test_a_gate_without_length_joins_streets_that_cross() -> None:
    network = streets([("road", [(0, 0), (400, 0)], ""), ("bridge", [(200, -200), (200, 201)], "")])
    # the road is nearest to the one end, the bridge to the other; both lead to the crossing
    joined, parent = with_link(network, at(199, 0), at(200, 1))
    touching, _ = with_link(network, at(200 - 1e-5, 0), at(200, 1e-5))

    assert joined.street_m.tolist() == pytest.approx([199, 201, 201, 200, np.sqrt(2)])
    assert parent.tolist() == [0, 1, 0, 1, -1]
    assert touching.street_m.tolist() == pytest.approx([200, 200, 200, 201], abs=1e-4)
    ends = np.concatenate([touching.street_from, touching.street_to])
    assert np.bincount(ends).max() == 4


def test_a_link_out_of_an_estate_is_one_more_gate() -> None:
    # i lives at the blind end of the estate path, 600 + 200 + 800 + 20 m from the clinic; a link from there
    # straight down to Main Street makes it 200 + 200 + 20 m
    city = toy_town()

    linked = city.with_link_at(at(1300, 200), at(1300, 0))

    clinic = measure_coverage(linked, STANDARD).minutes["clinic"] * 72
    assert measure_coverage(city, STANDARD).minutes["clinic"]["i"] * 72 == pytest.approx(1620)
    assert clinic["i"] == pytest.approx(420)
    assert linked.network.private.sum() == 1  # the path stays the residents' own


def test_a_link_ties_an_island_to_the_rest() -> None:
    network = streets([("road", [(0, 0), (2000, 0)], ""), ("islet", [(0, 300), (200, 300)], "")])
    assert network.island.tolist() == [False, True]

    joined, _ = with_link(network, at(0, 300), at(0, 0))

    assert not joined.island.any()


def test_a_link_between_private_streets_is_private_too() -> None:
    rows = [
        ("road", [(0, 0), (300, 0), (900, 0), (6000, 0)], ""),
        ("gate", [(300, 0), (300, 100)], "private"),
    ]
    network = streets(
        [*rows, ("court", [(300, 100), (500, 100)], ""), ("other", [(900, 0), (900, 100)], "private")]
    )
    assert network.street_m[network.private].sum() == 400  # the court lies behind the gate

    out, _ = with_link(network, at(500, 100), at(500, 0))
    across, _ = with_link(network, at(500, 100), at(900, 100))

    assert not out.private[-1]
    assert across.private[-1]


def test_where_a_link_leaves_the_data_there_is_an_end() -> None:
    area = shapely.box(*at(-100, -100), *at(500, 100))
    network = streets([("road", [(0, 0), (400, 0)], ""), ("far", [(600, 0), (1700, 0)], "")])

    joined, _ = with_link(network, at(400, 0), at(600, 0), boundary=area)

    assert joined.exits.street.tolist() == [2]
    assert joined.exits.along_m.tolist() == pytest.approx([100])
    assert with_link(network, at(400, 0), at(600, 0)).network.exits.street.tolist() == []


def test_ends_of_the_data_stay_where_they_are() -> None:
    city = toy_town()  # South Street leaves the data at x = 2000
    linked = city.with_link_at(at(1700, -300), at(1700, 0))

    exits = linked.network.exits
    place = shapely.line_interpolate_point(linked.network.lines[exits.street], exits.along_m)
    assert shapely.get_coordinates(place).tolist() == [list(at(2000, -300))]


def test_a_link_is_level_and_halves_keep_the_slope_of_their_street() -> None:
    city = toy_town()
    count = len(city.network.street_m)
    relief = Relief(np.full(count, 1.3), np.full(count, 0.9), np.full(count, 0.07))
    city = dataclasses.replace(city, relief=relief)

    linked = city.with_link_at(at(700, -300), at(700, 0))

    assert linked.relief is not None
    assert linked.relief.along.tolist() == [1.3] * (count + 2) + [1.0]
    assert linked.relief.steepest.tolist() == [0.07] * (count + 2) + [0.0]


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [((700, 250), (700, 0), "200 m"), ((700, 10), (700, -10), "same point")],
)
def test_a_link_that_joins_nothing_is_refused(
    start: tuple[float, float], end: tuple[float, float], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        toy_town().with_link_at(at(*start), at(*end))


def test_a_link_may_be_told_in_degrees() -> None:
    city = toy_town()
    ends = gpd.GeoSeries(shapely.points([at(700, -300), at(700, 0)]), crs=CRS).to_crs(4326)
    (lon, lat), (lon2, lat2) = ((end.x, end.y) for end in ends)

    linked = city.with_link((lon, lat), (lon2, lat2))

    assert linked.network.street_m[-1] == pytest.approx(300, abs=1e-6)
    with pytest.raises(DataError, match="longitude first"):
        city.with_link((lat, lon), (lat2, lon2))


def test_the_old_network_is_as_it_was() -> None:
    city = toy_town()
    before = {
        name: np.copy(value) for name, value in vars(city.network).items() if isinstance(value, np.ndarray)
    }

    city.with_link_at(at(700, -300), at(700, 0))

    for name, value in before.items():
        np.testing.assert_array_equal(getattr(city.network, name), value)
    assert isinstance(city.network, WalkNetwork)


def test_the_line_of_a_link_is_the_street_it_becomes() -> None:
    network = streets([("one", [(0, 0), (900, 0)], ""), ("other", [(0, 100), (900, 100)], "")])

    line = link_line(network, at(300, 7), at(310, 93))

    # the nearest points of both streets
    assert shapely.equals(line, shapely.LineString([at(300, 0), at(310, 100)]))
    assert shapely.equals(with_link(network, at(300, 7), at(310, 93)).network.lines[-1], line)
