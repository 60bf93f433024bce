"""What does the page of a map say, and what does it refuse to carry?"""

import dataclasses
import html
import re
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import geopandas as gpd
import numpy as np
import pytest
from branca.element import Element
from browser import DESKTOP, PHONE, Visitor
from colors import CONES, distances, palette, seen_colors
from map_pages import data_of, drawn, pictured_town, saved
from toy_town import CRS, FACILITIES, STANDARD, boxes, toy_facilities, toy_town

from lifecircle.catalog import load_standard
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.render.leaflet import seal
from lifecircle.render.map_page import MARKS
from lifecircle.render.web_map import draw_map, save_map


@pytest.fixture(scope="module")
def town() -> Coverage:
    return pictured_town()


@pytest.mark.parametrize(
    "stranger",
    [
        folium.TileLayer("OpenStreetMap"),
        folium.plugins.MarkerCluster(),  # type: ignore[no-untyped-call]
        folium.CircleMarker([0, 0], tooltip="<img src='//example.org/x.png'>"),
        Element("<style>@import 'x.css'; b { background: url(x.png) }</style>"),
        Element("<link rel=stylesheet href=//example.org/x.css>"),
    ],
    ids=["tiles", "plugin", "picture", "import", "link"],
)
def test_what_would_be_loaded_from_the_web_is_refused(
    town: Coverage, stranger: Element, tmp_path: Path
) -> None:
    made = draw_map(town, find_gaps(town))
    page: Any = made.get_root()
    (page.html if type(stranger) is Element else made).add_child(stranger)
    with pytest.raises(DataError, match="would load"):
        save_map(made, tmp_path / "map.html")
    assert not (tmp_path / "map.html").exists()


def test_layers_of_ones_own_may_be_added(visit: Visitor, town: Coverage, tmp_path: Path) -> None:
    made = draw_map(town, find_gaps(town))
    lon, lat = gpd.GeoSeries(boxes([(500, 0, 600, 100)]), crs=CRS).to_crs(4326)[0].exterior.coords[0]
    folium.CircleMarker([lat, lon], radius=30, tooltip="mine").add_to(made)
    with visit(saved(made, tmp_path)) as seen:
        assert seen.is_quiet, seen


def test_the_same_city_gives_the_same_page(town: Coverage) -> None:
    gaps = find_gaps(town)
    assert draw_map(town, gaps).get_root().render() == draw_map(town, gaps).get_root().render()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_sample_says_so(lang: str) -> None:
    banner = html.escape(say("map.sample", lang, city=toy_town().label(lang)))
    assert banner in drawn(toy_town(data="synthetic sample"), lang=lang).get_root().render()
    assert banner not in drawn(toy_town(), lang=lang).get_root().render()


def test_the_page_says_where_its_data_is_from(town: Coverage) -> None:
    attribution = data_of(draw_map(town, find_gaps(town)).get_root().render())["attribution"]
    text = html.unescape(re.sub("<.*?>", "", attribution))
    assert text == f"© OpenStreetMap contributors, ODbL · streets of 2025-01-01 · {say('map.internal', 'en')}"


def test_an_invented_city_owes_openstreetmap_nothing_but_its_tiles() -> None:
    coverage = measure_coverage(toy_town(data="synthetic sample"), STANDARD)
    gaps = find_gaps(coverage)
    for basemap, credited in (("none", False), ("osm", True)):
        page = draw_map(coverage, gaps, lang="en", basemap=basemap).get_root().render()
        assert ("OpenStreetMap" in data_of(page)["attribution"]) is credited


@pytest.mark.parametrize(
    ("sources", "note"),
    [
        ({}, None),
        ({"kindergarten": "osm", "elderly_care": "osm", "clinic": "osm"}, "Facilities from OpenStreetMap"),
        (
            {"kindergarten": "a.csv"},
            "Facilities from kindergarten (a.csv)",
        ),
    ],
)
def test_the_legend_names_the_lists(sources: dict[str, str], note: str | None) -> None:
    assert data_of(drawn(toy_town(service_sources=sources)).get_root().render())["notes"] == (
        [note] if note else []
    )


def test_a_service_without_a_facility_is_said_loudly(town: Coverage) -> None:
    page = draw_map(town, find_gaps(town), lang="en").get_root().render()
    assert page.count('<p class="lc-alarm">') == 1
    assert html.escape(say("report.no_facility_at_all", "en", services="elderly_care")) in page


def test_a_town_without_gaps_or_backdrop_has_a_map() -> None:
    everywhere = [
        (f"{name}{number}", "", service, (x, y))
        for number, (name, service) in enumerate((row[0], row[2]) for row in FACILITIES)
        for x, y in [(0, 0)]
    ]
    city = toy_town(facilities=toy_facilities(everywhere), boundary=None)
    standard = STANDARD.with_minutes([240])
    coverage = measure_coverage(city, dataclasses.replace(standard, services=standard.services[::2]))
    gaps = find_gaps(coverage)
    data = data_of(draw_map(coverage, gaps.iloc[:0], lang="en").get_root().render())
    assert data["gaps"]["shapes"] == {"parts": [], "vertices": [], "steps": []}
    assert set(data["backdrop"]) == {"side", "path"}


def test_sealing_names_every_script_and_style() -> None:
    code = "<style>b{}</style><script>1</script>"
    sealed = seal(f'<meta charset="utf-8">{code}<script type="application/json">[]</script>')
    policy = re.search('content="(.*?)"', sealed)[1]  # type: ignore[index]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == 2
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["SHARE_COLORS", "WALK_COLORS"])
def test_classes_are_steps_of_grey(name: str) -> None:
    steps = np.diff(seen_colors(palette("web_map.js", name))[:, 0])
    assert len(steps) == 4
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert np.abs(steps).min() > 6


@pytest.mark.parametrize("eyes", CONES)
def test_classes_are_told_apart_by_every_eye(eyes: str) -> None:
    for name in ("SHARE_COLORS", "WALK_COLORS"):
        assert distances(palette("web_map.js", name), eyes).min() > 7


@pytest.mark.parametrize("eyes", CONES)
def test_services_are_told_apart_by_every_eye(eyes: str) -> None:
    """The colours of the standard that is shipped; the marks' shapes differ besides."""
    services = load_standard("life-circle").services
    assert distances([service.color for service in services], eyes).min() > 20
    assert len({*MARKS[: len(services)]}) == len(services)


def test_desktop_is_wider_than_a_phone() -> None:
    assert DESKTOP[0] > 720 > PHONE[0]  # the width at which the page changes
