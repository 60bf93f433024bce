"""Is the map whole, quiet and safe, in a real browser and on the Python side?"""

import dataclasses
import functools
import html
import itertools
import json
import re
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import geopandas as gpd
import numpy as np
import pytest
import shapely
from branca.element import Element
from browser import DESKTOP, PHONE, visit
from test_text import PAYLOADS
from toy_town import CRS, FACILITIES, STANDARD, boxes, layer, toy_facilities, toy_town

from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.leaflet import seal
from lifecircle.render.web_map import draw_map, save_map
from lifecircle.standard import Standard

BACKDROP = layer(
    boxes([(-300, -250, 2000, -170), (200, 50, 400, 150), (500, 10, 530, 30), (520, 20, 560, 40)]),
    kind=["water", "green", "building", "building"],
)
MAP = "window[document.querySelector('.folium-map').id]"


def drawn(city: City, standard: Standard = STANDARD, lang: str = "en") -> folium.Map:
    coverage = measure_coverage(city, standard)
    return draw_map(coverage, find_gaps(coverage), lang=lang)


def saved(made: folium.Map, folder: Path) -> Path:
    save_map(made, folder / "map.html")
    return folder / "map.html"


def data_of(page: str) -> Any:  # noqa: ANN401
    found = re.search(r'id="lifecircle-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def unpacked(packed: map_data.Packed) -> list[list[np.ndarray[Any, Any]]]:
    """Return the parts of each shape, as the page's script reads them."""
    xy = np.cumsum(np.array(packed["steps"]).reshape(-1, 2), axis=0) / 1e6
    parts = np.split(xy, np.cumsum(packed["vertices"])[:-1])
    edges = np.concatenate([[0], np.cumsum(packed["parts"])])
    return [parts[low:high] for low, high in itertools.pairwise(edges)]


def even_odd(rings: list[np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401
    """Return what a canvas fills between rings."""
    polygons: Any = map(shapely.Polygon, rings)
    return functools.reduce(lambda one, other: one.symmetric_difference(other), polygons, shapely.Polygon())


@pytest.fixture(scope="module")
def town() -> Coverage:
    return measure_coverage(toy_town(backdrop=BACKDROP, osm_timestamp="2025-01-01T00:00:00Z"), STANDARD)


@pytest.fixture(scope="module")
def page(town: Coverage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(draw_map(town, find_gaps(town), lang="zh"), tmp_path_factory.mktemp("map"))


# ---------------------------------------------------------------------- in a browser


def test_every_layer_is_drawn_and_nothing_is_asked_for(page: Path) -> None:
    with visit(page) as seen:
        choices = seen.page.locator(".leaflet-control-layers-base label")
        assert choices.count() == 9
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        assert overlays.count() == 7
        legends, pictures = set(), set()
        for number in range(9):
            choices.nth(number).click()
            legends.add(seen.page.locator(".lc-legend").inner_text())
            seen.page.wait_for_timeout(50)
            pictures.add(seen.page.screenshot())
        assert len(legends) == 9  # the legend follows the layer
        assert len(pictures) == 9
        for number in range(7):
            before = seen.page.screenshot()
            overlays.nth(number).click()
            seen.page.wait_for_timeout(50)
            assert seen.page.screenshot() != before
            overlays.nth(number).click()
        assert seen.colors() > 50
        assert seen.is_quiet, seen


def test_search_finds_communities_and_facilities(page: Path) -> None:
    with visit(page) as seen:
        field = seen.page.locator(".lc-search input")
        field.fill("bank")
        found = seen.page.locator(".lc-search li")
        assert found.all_text_contents() == ["North Bank社区", "South Bank社区"]
        field.press("ArrowDown")
        field.press("Enter")
        assert seen.page.locator(".lc-popup h2").inner_text().startswith("South Bank")
        field.fill("surgery")
        field.press("Enter")
        seen.page.locator(".leaflet-popup b", has_text="South Surgery").wait_for()
        field.fill("nowhere")
        assert found.all_inner_texts() == [say("map.nothing_found", "zh")]
        assert seen.is_quiet, seen


def test_a_community_answers_with_its_table(town: Coverage, page: Path) -> None:
    with visit(page) as seen:
        seen.page.locator(".lc-search input").fill("North")
        seen.page.locator(".lc-search li").first.click()
        table = seen.page.locator(".lc-table").inner_text()
        row = town.by_community().iloc[0]
        assert f"{row['share_covered']:.1%}" in table
        assert row["nearest_facility"] in table
        assert f"{row['median_minutes']:.1f}" in table
        assert say("report.reason_no_facility", "zh") in table
        assert table.count("15 分钟") >= 3


def test_a_gap_answers_with_its_facts(town: Coverage, page: Path) -> None:
    worst = find_gaps(town).query("service == 'kindergarten' and threshold_minutes == 10").iloc[0]
    middle = gpd.GeoSeries([worst.geometry.representative_point()], crs=CRS).to_crs(4326)[0]
    with visit(page) as seen:
        seen.page.evaluate(f"void {MAP}.setView([{middle.y}, {middle.x}], 17, {{animate: false}})")
        seen.page.locator(".folium-map").click()
        said = seen.page.locator(".lc-popup").inner_text()
        assert worst["gap_id"] in said
        assert worst["community"] in said
        assert say(f"report.reason_{worst['reason']}", "zh") in said
        assert f"{worst['nearest_minutes']:.1f}" in said
        assert seen.is_quiet, seen


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_fits_a_phone(town: Coverage, lang: str, tmp_path: Path) -> None:
    with visit(saved(draw_map(town, find_gaps(town), lang=lang), tmp_path), PHONE) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert not seen.page.locator(".leaflet-control-layers-list").is_visible()
        seen.page.locator(".leaflet-control-layers-toggle").tap()
        seen.page.locator(".lc-pill").last.tap()
        assert seen.page.locator(".leaflet-control-layers-expanded").bounding_box()["width"] < PHONE[0]  # type: ignore[index]
        assert seen.is_quiet, seen


def test_it_shows_itself_in_a_notebook(town: Coverage, tmp_path: Path) -> None:
    cell = draw_map(town, find_gaps(town))._repr_html_()
    (tmp_path / "cell.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{cell}", encoding="utf-8")
    with visit(tmp_path / "cell.html") as seen:
        seen.page.frame_locator("iframe").locator(".lc-legend").wait_for()
        assert seen.colors() > 50
        assert seen.is_quiet, seen


# ---------------------------------------------------------------------- names that would do something


@pytest.fixture(scope="module")
def hostile() -> Coverage:
    """Return the toy town with a payload in every place a name can come from."""
    names = iter(PAYLOADS * 2)
    city = toy_town(backdrop=BACKDROP)
    services = tuple(
        dataclasses.replace(service, name={"en": next(names), "zh": "服务"}) for service in STANDARD.services
    )
    communities = city.communities.assign(community=[next(names) for _ in range(3)])
    facilities = city.facilities.assign(
        name=[next(names) for _ in range(3)], source=[next(names) for _ in range(3)]
    )
    columns = {payload: payload for payload in PAYLOADS}
    hostile_city = dataclasses.replace(
        city,
        name={"en": next(names), "zh": "城"},
        data="synthetic sample",
        communities=communities.assign(**columns),
        facilities=facilities.assign(**columns),
        homes=city.homes.assign(**columns),
        backdrop=BACKDROP.assign(**columns),
        osm_timestamp=next(names),
        service_sources={service.id: next(names) for service in services},
    )
    return measure_coverage(hostile_city, dataclasses.replace(STANDARD, services=services))


def test_names_do_nothing_in_python(hostile: Coverage) -> None:
    city = hostile.city
    rendered = draw_map(hostile, find_gaps(hostile).assign(**{PAYLOADS[0]: PAYLOADS[1]})).get_root().render()
    data = data_of(rendered)
    assert data["communities"]["name"] == city.communities["community"].tolist()
    assert data["facilities"]["name"] == city.facilities["name"].tolist()
    assert data["facilities"]["source"] == city.facilities["source"].tolist()
    title = say("map.title", "en", city=city.label("en"))
    assert html.unescape(re.search("<title>(.*?)</title>", rendered)[1]) == title  # type: ignore[index]


def test_names_do_nothing_in_a_browser_and_read_as_written(hostile: Coverage, tmp_path: Path) -> None:
    gaps = find_gaps(hostile)
    with visit(saved(draw_map(hostile, gaps), tmp_path)) as seen:
        page = seen.page
        assert page.title() == say("map.title", "en", city=hostile.city.label("en"))
        assert hostile.city.label("en") in page.locator("h1").inner_text()
        control = page.locator(".leaflet-control-layers-list").text_content() or ""
        for service in hostile.standard.services:
            assert service.label("en") in control
        assert hostile.city.osm_timestamp[:10] in page.locator(".leaflet-control-attribution").inner_text()  # type: ignore[index]
        field = page.locator(".lc-search input")
        for name in hostile.city.communities["community"]:
            field.fill(name)
            field.press("Enter")
            assert (page.locator(".lc-popup h2").last.text_content() or "").startswith(name)
        for name, source in hostile.city.facilities[["name", "source"]].to_numpy():
            field.fill(name)
            page.locator(".lc-search li", has=page.locator("svg")).first.click()
            card = page.locator(".leaflet-popup-content").last.text_content() or ""
            assert name in card
            assert source in card
        assert seen.is_quiet, seen


def test_the_policy_stops_what_slipped_through(page: Path, tmp_path: Path) -> None:
    intruder = "<script>alert(1)</script><img src=x onerror=alert(2)><b style='color:red' id=b>b</b>"
    spoilt = page.read_text(encoding="utf-8").replace("<header", f"{intruder}<header", 1)
    (tmp_path / "map.html").write_text(spoilt, encoding="utf-8")
    with visit(tmp_path / "map.html") as seen:
        assert not seen.dialogs
        assert not seen.requests
        assert len(seen.errors) == 4  # script, picture, handler and style: all refused
        assert seen.page.locator(".leaflet-control-layers-base label").count() == 9  # ours still runs


# ---------------------------------------------------------------------- the page


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


def test_layers_of_ones_own_may_be_added(town: Coverage, tmp_path: Path) -> None:
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
    assert html.escape(say("report.no_facility_at_all", "en", service="elderly_care")) in page


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


# ---------------------------------------------------------------------- what is drawn


def test_shapes_come_back_as_they_went_in() -> None:
    ring = shapely.Point(10, 50).buffer(0.01)
    shapes = gpd.GeoSeries(
        [
            ring.difference(shapely.Point(10, 50).buffer(0.002)),
            shapely.MultiPolygon([ring, shapely.box(11, 51, 12, 52)]),
        ],
        crs=4326,
    )
    rings = unpacked(map_data.pack(shapes))
    assert [len(parts) for parts in rings] == [2, 2]
    back = [
        shapely.Polygon(rings[0][0], [rings[0][1]]),
        shapely.MultiPolygon([(part, []) for part in rings[1]]),
    ]
    assert (shapely.hausdorff_distance(back, shapes.to_numpy()) < 1e-6).all()


def test_bands_fill_the_communities_once(town: Coverage) -> None:
    cells = town.cells
    for service, packed in zip(STANDARD.services, map_data.pack_bands(town), strict=True):
        bands = [even_odd(parts) for parts in unpacked(packed)]
        assert len(bands) == 6
        areas = gpd.GeoSeries(bands, crs=4326).to_crs(CRS).area.to_numpy()
        assert areas.sum() == pytest.approx(town.city.communities.area.sum(), rel=0.02)
        minutes = cells[service.id]
        counted = [
            (minutes <= 5).sum(), *(((minutes > low) & (minutes <= low + 5)).sum() for low in (5, 10, 15)),
            (minutes > 20).sum(), minutes.isna().sum(),
        ]  # fmt: skip
        assert areas / 2500 == pytest.approx(np.array(counted), rel=0.1, abs=3)


def test_tables_follow_the_order_of_communities(town: Coverage) -> None:
    data = map_data.pack_communities(town, find_gaps(town))
    table = town.by_community()
    keys = itertools.product(town.city.communities["community_id"], STANDARD.services, STANDARD.minutes)
    for at, (community, service, threshold) in enumerate(keys):
        row = table[
            (table["community_id"] == community)
            & (table["service"] == service.id)
            & (table["threshold_minutes"] == threshold)
        ]
        assert data["rows"]["covered"][at] == pytest.approx(row["share_covered"].iloc[0], abs=1e-4)
    assert data["rows"]["median"][2] == -1  # nobody reaches elderly care: there is none


def test_a_backdrop_too_large_is_dropped_and_said(monkeypatch: pytest.MonkeyPatch, town: Coverage) -> None:
    assert map_data.pack_backdrop(town.city)[1] == []
    monkeypatch.setattr(map_data, "_MOST_VERTICES", 30)
    data = data_of(draw_map(town, find_gaps(town), lang="en").get_root().render())
    assert "building" not in data["backdrop"]
    assert {"edge", "water"} <= set(data["backdrop"])
    assert data["notes"] == ["Not drawn, to keep the map fast: buildings."]


def test_desktop_is_wider_than_a_phone() -> None:
    assert DESKTOP[0] > 720 > PHONE[0]  # the width at which the page changes
