"""Is the map whole, quiet and safe, in a real browser and on the Python side?"""

import dataclasses
import html
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from browser import PHONE, Visitor
from map_pages import BACKDROP, MAP, data_of, pictured_town, saved
from test_text import PAYLOADS
from toy_town import CORNER, CRS, STANDARD, STREETS, layer, toy_town

from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.network import WalkNetwork
from lifecircle.render.map_data import pack_backdrop
from lifecircle.render.web_map import draw_map


@pytest.fixture(scope="module")
def town() -> Coverage:
    return pictured_town()


@pytest.fixture(scope="module")
def page(town: Coverage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(draw_map(town, find_gaps(town), lang="zh"), tmp_path_factory.mktemp("map"))


# ---------------------------------------------------------------------- in a browser


def test_every_layer_is_drawn_and_nothing_is_asked_for(visit: Visitor, page: Path) -> None:
    with visit(page) as seen:
        choices = seen.page.locator(".leaflet-control-layers-base label")
        assert choices.count() == 9
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        assert overlays.count() == 8
        legends, pictures = set(), set()
        for number in range(9):
            choices.nth(number).click()
            legends.add(seen.page.locator(".lc-legend").inner_text())
            seen.page.wait_for_timeout(50)
            pictures.add(seen.page.screenshot())
        assert len(legends) == 9  # the legend follows the layer
        assert len(pictures) == 9
        for number in range(8):
            before = seen.page.screenshot()
            overlays.nth(number).click()
            seen.page.wait_for_timeout(50)
            assert seen.page.screenshot() != before
            overlays.nth(number).click()
        assert seen.colors() > 50
        assert seen.is_quiet, seen


def test_search_finds_communities_and_facilities(visit: Visitor, page: Path) -> None:
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


def test_a_community_answers_with_its_table(visit: Visitor, town: Coverage, page: Path) -> None:
    with visit(page) as seen:
        seen.page.locator(".lc-search input").fill("North")
        seen.page.locator(".lc-search li").first.click()
        table = seen.page.locator(".lc-table").inner_text()
        row = town.by_community().iloc[0]
        assert f"{row['share_covered']:.1%}" in table
        assert row["nearest_facility"] in table
        assert f"{row['median_minutes']:.1f}" in table
        assert table.count("15 分钟") >= 3
        gaps = find_gaps(town).query("community == 'North Bank'")
        people = gaps.groupby(["service", "threshold_minutes", "reason"])["residents"].sum()
        assert len(people) > 3
        for (_, _, reason), count in people.items():
            assert f"{say(f'report.reason_{reason}', 'zh')} {count:,.0f} 人" in table


def test_a_gap_answers_with_its_facts(visit: Visitor, town: Coverage, page: Path) -> None:
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


def test_a_gap_shows_the_walk_of_its_farthest_home_while_its_popup_is_open(
    visit: Visitor, town: Coverage, page: Path
) -> None:
    gaps = find_gaps(town).query("service == 'kindergarten' and threshold_minutes == 10")
    worst = gaps[gaps["worst_minutes"] < 1000].iloc[0]
    middle = gpd.GeoSeries([worst.geometry.representative_point()], crs=CRS).to_crs(4326)[0]
    thick_lines = f"""
        () => Object.values({MAP}._layers).filter(
            ({{ options }}) => options.weight === 4 && options.interactive === false && !options.fill
        ).map((layer) => layer.getLatLngs().map((at) => [at.lng, at.lat]))
    """
    with visit(page) as seen:
        seen.page.evaluate(f"void {MAP}.setView([{middle.y}, {middle.x}], 17, {{animate: false}})")
        assert seen.page.evaluate(thick_lines) == []
        seen.page.locator(".folium-map").click()
        (drawn,) = seen.page.evaluate(thick_lines)
        line = gpd.GeoSeries([shapely.LineString(drawn)], crs=4326).to_crs(CRS)[0]
        pace_m = 60 * STANDARD.service("kindergarten").pace_mps
        assert line.length == pytest.approx(worst["worst_minutes"] * pace_m, rel=0.01)
        said = seen.page.locator(".lc-popup").inner_text()
        assert say("map.walk_drawn", "zh") in said
        assert f"{worst['worst_minutes']:.1f} 分钟 → {worst['nearest_facility']}" in said
        seen.page.get_by_role("button", name=say("map.close", "zh")).click()
        seen.page.wait_for_timeout(50)
        assert seen.page.evaluate(thick_lines) == []
        assert seen.is_quiet, seen


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_fits_a_phone(visit: Visitor, town: Coverage, lang: str, tmp_path: Path) -> None:
    with visit(saved(draw_map(town, find_gaps(town), lang=lang), tmp_path), PHONE) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert not seen.page.locator(".leaflet-control-layers-list").is_visible()
        seen.page.locator(".leaflet-control-layers-toggle").tap()
        seen.page.locator(".lc-pill").last.tap()
        assert seen.page.locator(".leaflet-control-layers-expanded").bounding_box()["width"] < PHONE[0]  # type: ignore[index]
        assert seen.is_quiet, seen


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_choices_of_layers_are_as_wide_as_their_panel(
    visit: Visitor, town: Coverage, lang: str, tmp_path: Path
) -> None:
    with visit(saved(draw_map(town, find_gaps(town), lang=lang), tmp_path)) as seen:
        choices = seen.page.locator(".leaflet-control-layers-list")
        assert choices.evaluate("list => list.scrollWidth - list.clientWidth") == 0


def test_it_shows_itself_in_a_notebook(visit: Visitor, town: Coverage, tmp_path: Path) -> None:
    cell = draw_map(town, find_gaps(town))._repr_html_()
    (tmp_path / "cell.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{cell}", encoding="utf-8")
    with visit(tmp_path / "cell.html") as seen:
        seen.page.frame_locator("iframe").locator(".lc-legend").wait_for()
        assert seen.colors() > 50
        assert seen.is_quiet, seen


def test_leaflets_own_words_are_in_the_readers_language(visit: Visitor, page: Path) -> None:
    with visit(page) as seen:
        for name in ("zoom_in", "zoom_out", "layers"):
            assert seen.page.get_by_title(say(f"map.{name}", "zh"), exact=True).count() == 1
        seen.page.locator(".lc-search input").fill("North")
        seen.page.locator(".lc-search li").first.click()
        seen.page.get_by_role("button", name=say("map.close", "zh")).click()
        assert not re.search("Zoom|Layers|Close", seen.page.locator(".folium-map").inner_html())


def test_the_popup_is_whole_on_a_phone_and_says_why(visit: Visitor, page: Path) -> None:
    with visit(page, PHONE) as seen:
        seen.page.locator(".lc-search input").fill("North")
        seen.page.locator(".lc-search li").first.click()
        seen.page.wait_for_timeout(400)  # it moves into view
        inside = seen.page.locator(".folium-map").bounding_box()
        popup = seen.page.locator(".leaflet-popup-content-wrapper").bounding_box()
        assert inside
        assert popup
        assert popup["x"] >= 0
        assert popup["x"] + popup["width"] <= PHONE[0]
        assert popup["y"] >= inside["y"]
        assert popup["y"] + popup["height"] <= inside["y"] + inside["height"]
        whys = seen.page.locator(".lc-why")
        assert whys.count() > 0
        assert all(why.is_visible() and why.bounding_box()["width"] > 200 for why in whys.all())  # type: ignore[index]


def test_a_community_leads_to_its_page(visit: Visitor, town: Coverage, tmp_path: Path) -> None:
    pages = {"c-north": "communities/北岸 1.html#top", "c-estate": "estate.html?x='\"<b>{{ 7 }}"}
    made = draw_map(town, find_gaps(town), lang="en", pages=pages)
    with visit(saved(made, tmp_path)) as seen:
        for name, linked in {"North": "c-north", "Estate": "c-estate", "South": ""}.items():
            seen.page.locator(".lc-search input").fill(name)
            seen.page.locator(".lc-search li").first.click()
            link = seen.page.locator(".leaflet-popup").last.locator(".lc-page a")  # the one before fades
            assert link.count() == bool(linked)
            if linked:
                assert link.get_attribute("href") == pages[linked]
                assert link.evaluate("link => link.href").startswith(tmp_path.resolve().as_uri())
        assert seen.is_quiet, seen


@pytest.mark.parametrize(
    "address",
    [
        "", "/etc/passwd", "//example.org", "\\\\example.org", "https://example.org", "javascript:alert(1)",
        " javascript:alert(1)", "java\tscript:alert(1)", "../up.html", "a/../../up.html", "%2e%2e/up.html",
        "file:///etc/passwd", "a\u202eb.html", "%2Fetc", "C:\\a.html",
    ],
)  # fmt: skip
def test_a_page_lies_beside_the_map(town: Coverage, address: str) -> None:
    with pytest.raises(DataError, match="no address beside the map"):
        draw_map(town, find_gaps(town), pages={"c-north": address})


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


def test_names_do_nothing_in_a_browser_and_read_as_written(
    visit: Visitor, hostile: Coverage, tmp_path: Path
) -> None:
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


def test_the_policy_stops_what_slipped_through(visit: Visitor, page: Path, tmp_path: Path) -> None:
    intruder = "<script>alert(1)</script><img src=x onerror=alert(2)><b style='color:red' id=b>b</b>"
    spoilt = page.read_text(encoding="utf-8").replace("<header", f"{intruder}<header", 1)
    (tmp_path / "map.html").write_text(spoilt, encoding="utf-8")
    with visit(tmp_path / "map.html") as seen:
        assert not seen.dialogs
        assert not seen.requests
        assert len(seen.errors) == 4  # script, picture, handler and style: all refused
        assert seen.page.locator(".leaflet-control-layers-base label").count() == 9  # ours still runs


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_would_make_the_page_too_large_is_left_out_and_named(
    lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lifecircle.render.map_data._MOST_VERTICES", 0)
    lines = [shapely.LineString(np.add(line, CORNER)) for _, line, _ in STREETS]
    kinds = ["primary", *["residential"] * (len(lines) - 1)]
    network = WalkNetwork.from_edges(layer(lines, highway=kinds), boundary=toy_town().boundary)
    coverage = measure_coverage(toy_town(network=network, backdrop=BACKDROP), STANDARD)
    html = draw_map(coverage, find_gaps(coverage), lang=lang).get_root().render()
    _, dropped = pack_backdrop(coverage.city)
    assert dropped == ["edge", "water", "main", "green", "side", "building"]
    for kind in dropped:
        assert say(f"map.layer_{kind}", lang) in html
