"""Which stretches of street are farther than half a spacing from a facility: by hand, and by sampling?"""

import dataclasses
import itertools
import json
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from browser import Visitor
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from map_pages import MAP, data_of, unpacked
from toy_town import (
    CORNER,
    FACILITIES,
    STANDARD,
    Draft,
    build,
    drafts,
    streets,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle.catalog import load_standard
from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.render.dictionary import write_dictionary
from lifecircle.render.finding import alarms
from lifecircle.render.report_page import report_page
from lifecircle.render.standard_text import standard_rows
from lifecircle.render.web_map import draw_map, save_map
from lifecircle.report import Report
from lifecircle.requirement import Requirement, Spacing
from lifecircle.scenarios import with_scenarios
from lifecircle.spacing import street_spacing
from lifecircle.standard import Standard

few = cases(15)
NAME = {"zh": "充电桩", "en": "Charger"}
CHARGERS = (("E1", "", "charger", (300, 0)), ("E2", "", "charger", (1500, 0)))


def every(metres: float) -> Standard:
    asked = Requirement("charger", NAME, spacing=Spacing(metres, "toy", "M"))
    return dataclasses.replace(STANDARD, unmeasured=(asked,))


def chargers(*places: tuple[float, float]) -> object:
    return toy_facilities([(f"f{row}", "", "charger", place) for row, place in enumerate(places)])


def from_west(stretches: object) -> list[tuple[str, float, float]]:
    """Return status, and x of both ends in metres from the corner, of stretches along the x axis."""
    xy = [shapely.get_coordinates(line)[:, 0] - CORNER[0] for line in stretches.geometry]
    rows = zip(stretches["status"], xy, strict=True)
    return sorted((status, round(x.min(), 6), round(x.max(), 6)) for status, x in rows)


def one_street(*places: tuple[float, float], area: tuple[float, ...] | None = None) -> City:
    return toy_town(
        network=streets([("Main", [(0, 0), (500, 0), (1900, 0)], "")], area),
        homes=toy_homes([("a", "c-north", (100, 0), 10)]),
        facilities=chargers(*places),
        boundary=None,
    )


def test_one_street_by_hand() -> None:
    # One every 500 m: 250 m each way of x = 100 (30 m off the street) and x = 700. Met: 0-350 and 450-950.
    found = street_spacing(one_street((100, 30), (700, 0)), every(500))
    assert from_west(found.stretches) == [("gap", 350, 450), ("gap", 950, 1900)]
    assert found.stretches["length_m"].sum() == pytest.approx(100 + 950)
    table = found.table.set_index("community_id")
    # North Bank reaches to x = 1200, The Estate from there to 2000
    assert table["streets_m"].to_dict() == pytest.approx(
        {"c-north": 1200, "c-south": 0, "c-estate": 700, "": 1900}
    )
    assert table["streets_met_m"].to_dict() == pytest.approx(
        {"c-north": 850, "c-south": 0, "c-estate": 0, "": 850}
    )
    assert table["share_met"].to_dict() == pytest.approx(
        {"c-north": 850 / 1200, "c-south": np.nan, "c-estate": 0, "": 850 / 1900}, nan_ok=True
    )


def test_exactly_every_so_many_metres_meets_it() -> None:
    places = [(250 + 500 * number, 0) for number in range(4)]  # 250, 750, 1250, 1750: the end is 150 m off
    found = street_spacing(one_street(*places), every(500))
    assert found.stretches.empty
    assert found.table["share_met"].iloc[-1] == 1


def test_where_the_data_ends_nobody_knows() -> None:
    # The data ends at x = 1500: a charger beyond could meet what is 250 m from there.
    city = one_street((100, 0), area=(-300, -500, 1500, 500))
    found = street_spacing(city, every(500))
    stretches = from_west(found.stretches)
    assert ("gap", 350, 1250) in stretches
    assert ("unknown", 1250, 1750) in stretches
    row = found.table.iloc[-1]
    assert row["streets_met_m"] + row["streets_gap_m"] + row["streets_unknown_m"] == pytest.approx(
        row["streets_m"]
    )


def test_without_a_facility_all_is_a_gap() -> None:
    found = street_spacing(one_street(), every(500))
    assert from_west(found.stretches) == [("gap", 0, 1900)]


def test_private_streets_are_neither_counted_nor_passed() -> None:
    city = toy_town(facilities=chargers((1300, 200)), boundary=None)  # inside the estate: on its private path
    found = street_spacing(city, every(400))
    # the next public street is Main Street, 200 m away: there it stands
    assert found.table["streets_m"].iloc[-1] < city.network.street_m.sum() - 599
    assert found.table["streets_met_m"].iloc[-1] == pytest.approx(400)


def sampled(city: City) -> list[tuple[shapely.Point, float, float]]:
    """Return points of public streets, and how far each is from a charger and from where the data ends."""
    network = city.network
    graph, cuts = nx.Graph(), {}
    public = [
        street
        for street in range(len(network.street_m))
        if network.is_target[street] and not network.private[street]
    ]
    lines = {
        street: shapely.LineString(
            network.line_xy[network.line_start[street] : network.line_start[street + 1]]
        )
        for street in public
    }
    for row, at in enumerate(city.facilities.geometry):
        near = min(public, key=lambda street: (lines[street].distance(at), street), default=None)
        if near is not None and lines[near].distance(at) <= 200:
            cuts.setdefault(near, []).append((lines[near].project(at), ("charger", row)))
    for row, street in enumerate(network.exits.street):
        if street in lines:
            cuts.setdefault(street, []).append((network.exits.along_m[row], ("exit", row)))
    for street, line in lines.items():
        along = np.linspace(0, line.length, 30)[1:-1] + 1e-3
        stops = [(metres, ("sample", street, number)) for number, metres in enumerate(along)]
        stops += [
            (0.0, ("node", network.street_from[street])),
            (line.length, ("node", network.street_to[street])),
        ]
        stops = sorted(stops + cuts.get(street, []), key=lambda stop: stop[0])
        for (a, one), (b, other) in itertools.pairwise(stops):
            old = graph.get_edge_data(one, other, {"metres": np.inf})["metres"]
            graph.add_edge(one, other, metres=min(old, b - a))
            for metres, stop in ((a, one), (b, other)):
                if stop[0] == "sample":
                    graph.nodes[stop]["at"] = line.interpolate(metres)
    far = {}
    for what in ("charger", "exit"):
        starts = {node for node in graph if node[0] == what}
        far[what] = nx.multi_source_dijkstra_path_length(graph, starts, weight="metres") if starts else {}
    return [
        (data["at"], far["charger"].get(node, np.inf), far["exit"].get(node, np.inf))
        for node, data in graph.nodes(data=True)
        if "at" in data
    ]


@few
@given(drafts(), st.sampled_from([90.0, 240.0, 333.0, 1000.0]))
def test_every_sampled_point_is_where_it_belongs(draft: Draft, spacing_m: float) -> None:
    city = build(draft)
    city = dataclasses.replace(city, facilities=city.facilities.assign(service="charger"))
    found = street_spacing(city, every(spacing_m))
    by_status = {
        status: shapely.union_all(found.stretches.geometry[found.stretches["status"] == status].to_numpy())
        for status in ("gap", "unknown")
    }
    inside = shapely.union_all(city.communities.geometry.to_numpy())
    for at, to_charger, to_exit in sampled(city):
        away = (to_charger - spacing_m / 2, to_exit - spacing_m / 2)
        if min(map(abs, away)) < 1e-3 or inside.boundary.distance(at) < 1e-3 or not inside.contains(at):
            continue
        expected = "met" if away[0] < 0 else "unknown" if away[1] < 0 else "gap"
        told = [status for status, shape in by_status.items() if shape.distance(at) < 1e-6] or ["met"]
        assert told == [expected], (at, to_charger, to_exit)


@few
@given(drafts(), st.sampled_from([90.0, 333.0]))
def test_parts_add_up_and_a_wider_spacing_meets_more(draft: Draft, spacing_m: float) -> None:
    city = build(draft)
    city = dataclasses.replace(city, facilities=city.facilities.assign(service="charger"))
    one, other = (street_spacing(city, every(metres)).table for metres in (spacing_m, 2 * spacing_m))
    parts = one[["streets_met_m", "streets_gap_m", "streets_unknown_m"]].sum(axis=1)
    np.testing.assert_allclose(parts, one["streets_m"], atol=1e-5)
    assert (other["streets_met_m"] >= one["streets_met_m"] - 1e-6).all()


def test_planners_say_it_in_their_standard(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    text = (
        'extends = "life-circle"\nid = "own"\n[[services]]\nkind = "charging_point"\nspacing_m = {}\n'
        'spacing_source = "本区"\nspacing_grade = "M"\n'
    )
    file.write_text(text.format(500), encoding="utf-8")
    standard = load_standard(file)
    assert [service.id for service in standard.services] == ["kindergarten", "elderly_care", "clinic"]
    ((asked, spacing),) = standard.spaced
    assert (asked.id, spacing) == ("charging_point", Spacing(500, "本区", "M"))
    assert [one.id for one in standard.placed][-1] == "charging_point"
    assert not standard.unanswered
    file.write_text(text.format(0), encoding="utf-8")
    with pytest.raises(DataError, match="spacing_m = 0"):
        load_standard(file)


@pytest.fixture(scope="module")
def measured() -> Coverage:
    """Return the toy town with two chargers, measured in all scenarios."""
    town = toy_town(facilities=toy_facilities([*FACILITIES, *CHARGERS]))
    return with_scenarios(measure_coverage(town, every(500)))


def test_the_report_and_the_map_tell(measured: Coverage, tmp_path: Path) -> None:
    report = Report(measured, find_gaps(measured), "en")
    paths = report.save(tmp_path / "out")
    table = pd.read_csv(paths["spacing.csv"])
    assert table["share_met"].iloc[-1] == pytest.approx(
        measured.spacing.table["share_met"].iloc[-1], abs=1e-4
    )
    layer = gpd.read_file(paths["gaps.gpkg"], layer="spacing")
    assert layer["length_m"].sum() == pytest.approx(layer.length.sum())
    assert set(layer["status"]) == {"gap", "unknown"}
    write_dictionary(measured, tmp_path / "dictionary.csv")
    dictionary = pd.read_csv(tmp_path / "dictionary.csv", encoding="utf-8-sig")
    of_table = dictionary[(dictionary["file"] == "spacing.csv")]["column"]
    assert of_table.tolist() == list(table.columns)
    of_layer = dictionary[(dictionary["file"] == "gaps.gpkg") & (dictionary["table"] == "spacing")]["column"]
    assert {*of_layer} - {"fid", "geom"} == {*layer.columns} - {"geometry"}
    page = paths["report.md"].read_text(encoding="utf-8")
    assert "Charger: one every 500 m along streets, so 250 m at most. Source: toy. Grade M." in page
    (drawn,) = data_of(paths["map.html"].read_text(encoding="utf-8"))["spacing"]
    assert len(unpacked(drawn["at"])) == 2
    (lines,) = unpacked(drawn["lines"])
    drawn_m = gpd.GeoSeries(map(shapely.LineString, lines), crs=4326).to_crs(layer.crs).length.sum()
    assert drawn_m == pytest.approx(layer.length[layer["status"] == "gap"].sum(), rel=1e-3)
    assert read_standard_of(paths["run.json"]).spaced == measured.standard.spaced


def read_standard_of(record: Path) -> Standard:
    values = json.loads(
        record.read_text(encoding="utf-8"),
        object_hook=lambda table: {key: value for key, value in table.items() if value is not None},
    )
    return read_standard(Table(record, values["standard"]))


def test_a_city_without_any_says_so() -> None:
    coverage = measure_coverage(toy_town(), every(500))
    assert any("no facility of: Charger" in alarm for alarm in alarms(coverage, "en"))
    assert "| 充电桩 | 500 米 |" in report_page(coverage, find_gaps(coverage), "zh")


def test_the_map_draws_it_and_tells_which_gaps_hold(
    measured: Coverage, tmp_path: Path, visit: Visitor
) -> None:
    gaps = find_gaps(measured)
    save_map(draw_map(measured, gaps, lang="zh"), tmp_path / "map.html")
    worst = gaps.query("service == 'kindergarten' and threshold_minutes == 10").iloc[[0]]
    middle = worst.representative_point().to_crs(4326).iloc[0]
    with visit(tmp_path / "map.html") as seen:
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        before = seen.page.screenshot()
        overlays.filter(has_text="距充电桩超过 250 米的路段").click()
        assert seen.page.screenshot() != before
        seen.page.evaluate(f"void {MAP}.setView([{middle.y}, {middle.x}], 17, {{animate: false}})")
        seen.page.locator(".folium-map").click()
        assert "稳健性" in seen.page.locator(".lc-popup").inner_text()
        assert seen.is_quiet, seen


def test_the_standard_prints_its_spacing() -> None:
    rows = [row for row in standard_rows(every(500), "zh") if row.what == say("standard.spacing", "zh")]
    assert [row.value for row in rows] == [say("standard.spacing_value", "zh", value=500)]
