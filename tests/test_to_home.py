"""Of services that come to homes (家政, 上门养老), are walks those from the provider to the home?"""

import dataclasses
import itertools
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import assume, given
from hypothesis import strategies as st
from test_cli import run
from toy_town import (
    CORNER,
    STANDARD,
    Draft,
    build,
    drafts,
    hilly,
    streets,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle.catalog import load_standard
from lifecircle.catalog.kind_files import find_kind
from lifecircle.city import City
from lifecircle.costs import Relief
from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError
from lifecircle.measured_again import remeasure
from lifecircle.render.finding import method
from lifecircle.standard import Standard

few = cases(10)


def coming(standard: Standard = STANDARD) -> Standard:
    services = tuple(dataclasses.replace(one, direction="to_home") for one in standard.services)
    return dataclasses.replace(standard, services=services)


def metres_from_providers(city: City, service: str) -> list[float]:
    """Return the walk from the nearest provider to each home: networkx on a directed graph of cut streets."""
    network, relief = city.network, city.relief
    lines = [shapely.LineString(xy) for xy in np.split(network.line_xy, network.line_start[1:-1])]
    graph, cuts = nx.DiGraph(), {}
    places = [("home", row, at) for row, at in enumerate(city.homes.geometry)]
    rows = np.flatnonzero(city.facilities["service"] == service)
    places += [("provider", row, city.facilities.geometry.iloc[row]) for row in rows]
    for what, row, at in places:
        away = [line.distance(at) for line in lines]
        street = int(np.argmin(away))
        nearest = [lines[one] for one in np.flatnonzero(np.array(away) < away[street] + 1e-6)]
        feet = shapely.MultiPoint([line.interpolate(line.project(at)) for line in nearest])
        assume(shapely.box(*feet.bounds).length < 1e-5)  # of equal legs either is right
        if away[street] <= 200:
            cuts.setdefault(street, []).append((lines[street].project(at), (what, row)))
            graph.add_edge(("at", what, row), (what, row), metres=away[street])
            graph.add_edge((what, row), ("at", what, row), metres=away[street])
    for street, line in enumerate(lines):
        ends = (
            (0.0, ("node", network.street_from[street])),
            (line.length, ("node", network.street_to[street])),
        )
        stops = sorted([*cuts.get(street, []), *ends], key=lambda stop: stop[0])
        ahead = network.along[street] * relief.along[street]
        back = network.against[street] * relief.against[street]
        for (a, one), (b, other) in itertools.pairwise(stops):
            for tail, head, factor in ((one, other, ahead), (other, one, back)):
                metres = (b - a) * factor if b > a else 0.0
                if (
                    math.isfinite(metres)
                    and metres < graph.get_edge_data(tail, head, {"metres": np.inf})["metres"]
                ):
                    graph.add_edge(tail, head, metres=metres)
    starts = [("at", "provider", row) for row in rows if ("at", "provider", row) in graph]
    far = nx.multi_source_dijkstra_path_length(graph, set(starts), weight="metres") if starts else {}
    return [far.get(("at", "home", row), np.inf) for row in range(len(city.homes))]


@few
@given(drafts(), st.integers(0, 2**31))
def test_walks_are_those_of_networkx_on_directed_slopes(draft: Draft, seed: int) -> None:
    public = draft._replace(streets=tuple((name, line, "") for name, line, _ in draft.streets), area=None)
    city = build(public)
    if city.network.island.any():  # the rule for islands is tested elsewhere
        return
    city = hilly(city, seed)
    coverage = measure_coverage(city, coming())
    for column, service in enumerate(STANDARD.services):
        expected = metres_from_providers(city, service.id)
        np.testing.assert_allclose(coverage.walks.metres[:, column], expected, rtol=0, atol=1e-6)


def slope() -> City:
    """Return one street that climbs to the east: 1.5 level metres a metre up, 1 down."""
    return toy_town(
        network=streets([("Hill", [(0, 0), (1900, 0)], "")]),
        homes=toy_homes([("low", "c-north", (100, 0), 10), ("high", "c-north", (700, 0), 10)]),
        facilities=toy_facilities([("P", "Provider", "clinic", (400, 0))]),
        relief=Relief(np.array([1.5]), np.array([1.0]), np.zeros(1)),
    )


def test_uphill_to_the_home_counts_by_hand() -> None:
    there, home = (measure_coverage(slope(), one) for one in (STANDARD, coming()))
    # 300 m each: the low home climbs to the provider (450), the provider climbs to the high home
    assert there.walks.metres[:, 2].tolist() == [450, 300]
    assert home.walks.metres[:, 2].tolist() == [300, 450]
    assert home.minutes["clinic"].tolist() == pytest.approx([300 / 72, 450 / 72])
    line = home.route("high", "clinic")
    assert shapely.get_coordinates(line)[[0, -1], 0].tolist() == [CORNER[0] + 400, CORNER[0] + 700]
    back = home.route("high", "clinic", back=True)
    assert shapely.get_coordinates(back)[[0, -1], 0].tolist() == [CORNER[0] + 700, CORNER[0] + 400]


def test_there_and_back_is_the_same_either_way() -> None:
    for standard in (STANDARD, coming()):
        coverage = measure_coverage(slope(), standard, round_trip=True)
        assert coverage.walks.metres[:, 2].tolist() == [750, 750]


@few
@given(drafts())
def test_on_level_streets_the_way_does_not_matter(draft: Draft) -> None:
    city = build(draft)
    one, other = (measure_coverage(city, standard) for standard in (STANDARD, coming()))
    np.testing.assert_array_equal(one.walks.metres, other.walks.metres)
    assert one.grounds[0].network is other.grounds[0].network, "nothing is searched on streets turned in vain"


@few
@given(drafts(), st.integers(0, 2**31))
def test_what_changes_is_measured_that_way_too(draft: Draft, seed: int) -> None:
    city = hilly(build(draft), seed)
    facility = city.homes.to_crs(4326).geometry.iloc[0]
    more = city.with_facility("clinic", lon=facility.x, lat=facility.y)
    again = remeasure(measure_coverage(city, coming()), more)
    whole = measure_coverage(more, coming())
    np.testing.assert_allclose(again.walks.metres, whole.walks.metres, rtol=0, atol=1e-6)


def test_planners_say_it_in_their_standard(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        'extends = "life-circle"\nid = "own"\n'
        '[[services]]\nkind = "housekeeping"\nminutes = [30]\nlimit_source = "本区"\nlimit_grade = "M"\n'
        '[[services]]\nid = "clinic"\ndirection = "to_home"\n',
        encoding="utf-8",
    )
    standard = load_standard(file)
    ways = {service.id: service.direction for service in standard.services}
    assert ways == {
        "kindergarten": "to_facility", "elderly_care": "to_facility", "clinic": "to_home",
        "housekeeping": "to_home",
    }  # fmt: skip
    assert find_kind("home_visits").direction == "to_home"
    coverage = measure_coverage(toy_town(), dataclasses.replace(standard, services=standard.services[2:]))
    assert "Walks of Clinic, Housekeeping lead from the provider to the home" in method(coverage, "en")
    assert "由服务点到住宅" in method(coverage, "zh")


def test_another_direction_is_refused() -> None:
    with pytest.raises(DataError, match="to_facility, to_home"):
        dataclasses.replace(STANDARD.services[0], direction="home")


def test_show_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "kind", "housekeeping", "--lang", "zh") == 0
    assert "由服务点到住宅（上门）" in capsys.readouterr().out
