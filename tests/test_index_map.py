"""Does the map of all cities show each with its share, lead to its own map, and run nothing of a name's?"""

import dataclasses
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from browser import Visitor
from map_pages import MAP, data_of, unpacked
from test_text import PAYLOADS
from toy_town import STANDARD, toy_town

import lifecircle as lc
from lifecircle import cli_batch
from lifecircle.batch.task import Outcome, Task
from lifecircle.messages import say
from lifecircle.render.found import Found, Unit, read_found
from lifecircle.render.index_map import draw_index
from lifecircle.render.map_page import save_map
from lifecircle.render.summary import COLUMNS, summary_table
from lifecircle.render.tables import write_csv


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("run") / "toy"
    lc.analyze(toy_town(), STANDARD, lang="en").save(folder)
    return read_found(folder)


def unit(found: Found | None, city: str = "toy", **more: str) -> Unit:
    scenario = more.get("scenario", "")
    name = more.get("name", city)
    message = {} if found else {"en": more["why"], "zh": more["why"]}
    return Unit(
        city,
        {"en": name, "zh": name},
        STANDARD.id,
        scenario,
        f"{city}/map.html",
        found=found,
        message=message,
    )


def moved(found: Found, degrees: float) -> Found:
    shape = shapely.transform(shapely.from_wkb(found.outline), lambda xy: np.add(xy, (degrees, 0)))
    return dataclasses.replace(found, outline=shapely.to_wkb(shape))


def test_what_is_found_is_what_was_measured(found: Found) -> None:
    coverage = lc.measure_coverage(toy_town(), STANDARD)
    totals, gaps = coverage.totals(), lc.find_gaps(coverage)
    assert [row["share_covered"] for row in found.rows] == totals["share_covered"].tolist()
    assert [row["total"] for row in found.rows] == totals["residents"].tolist()
    assert sum(row["gaps"] for row in found.rows) == len(gaps)
    assert found.seconds > 0
    whole = gpd.GeoSeries(shapely.from_wkb([found.outline]), crs=4326).to_crs(coverage.city.crs).iloc[0]
    areas = coverage.city.communities.union_all()
    west, south, east, north = areas.bounds
    assert whole.hausdorff_distance(areas) <= max(east - west, north - south) / 500 + 0.01


def test_each_city_has_its_outline_its_shares_and_its_pages(found: Found) -> None:
    units = [unit(found), unit(moved(found, 0.1), "far"), unit(None, "gone", why="no streets")]
    data = data_of(draw_index(units, lang="en").get_root().render())
    cities = data["cities"]
    assert cities["name"] == ["toy", "far"]
    assert cities["shares"][0] == [round(row["share_covered"], 4) for row in found.rows]
    assert cities["pages"] == [[["", "toy/map.html"]], [["", "far/map.html"]]]
    assert data["notes"] == ["gone: not measured. no streets"]
    one, other = unpacked(cities["shapes"])
    assert other[0][0][0] - one[0][0][0] == pytest.approx(0.1, abs=2e-6)


def test_scenarios_have_rows_and_pages_of_their_own_and_what_was_not_measured_is_not_known(
    found: Found,
) -> None:
    units = [
        unit(found, scenario="today"),
        unit(found, scenario="planned"),
        unit(moved(found, 0.1), "far", scenario="today"),
    ]
    data = data_of(draw_index(units, lang="en").get_root().render())
    half = len(found.rows)
    assert len(data["cities"]["shares"][0]) == 2 * half
    assert data["cities"]["shares"][1][half:] == [None] * half
    assert [label for label, _ in data["cities"]["pages"][0]] == [
        f"{STANDARD.id} · today",
        f"{STANDARD.id} · planned",
    ]
    assert data["services"][0]["name"].endswith(f"{STANDARD.id} · today")


def test_where_nobody_lives_a_share_is_not_known_and_not_zero(found: Found, tmp_path: Path) -> None:
    rows = tuple(row | {"total": 0.0, "share_covered": math.nan} for row in found.rows)
    units = [unit(dataclasses.replace(found, rows=rows))]
    assert set(data_of(draw_index(units, lang="en").get_root().render())["cities"]["shares"][0]) == {None}
    outcome = Outcome(Task(city="toy", source="", out=""), "measured", found=units[0].found)
    assert all(row[4] == "–" for row in cli_batch._rows(outcome, "Toy Town", "en"))
    write_csv(summary_table(units, "en"), tmp_path / "summary.csv")
    assert pd.read_csv(tmp_path / "summary.csv")["share_covered"].isna().all()


def test_a_page_of_nothing_measured_says_so_and_opens(tmp_path: Path, visit: Visitor) -> None:
    save_map(draw_index([unit(None, "gone", why="no streets")], lang="en"), tmp_path / "index.html")
    with visit(tmp_path / "index.html") as seen:
        assert "no streets" in seen.page.inner_text(".lc-legend")
        assert seen.is_quiet
    table = summary_table([unit(None, "gone", why="no streets")], "en")
    assert list(table.columns) == [*COLUMNS]


def test_a_click_leads_to_the_map_of_a_city_and_a_layer_changes_its_colour(
    found: Found, tmp_path: Path, visit: Visitor
) -> None:
    hostile = PAYLOADS[0]
    units = [unit(found, "toy", name=hostile), unit(moved(found, 0.1), "东城"), unit(None, "x", why=hostile)]
    save_map(draw_index(units, lang="zh"), tmp_path / "index.html")
    with visit(tmp_path / "index.html") as seen:
        assert seen.colors() > 5
        assert seen.page.get_attribute(".lc-search input", "placeholder") == "搜索城市"
        seen.page.fill(".lc-search input", "东城")
        seen.page.keyboard.press("Enter")
        link = seen.page.locator(".leaflet-popup a.lc-page, .leaflet-popup .lc-page a")
        assert link.get_attribute("href") == "%E4%B8%9C%E5%9F%8E/map.html"
        assert hostile.strip() in seen.page.inner_text(".lc-legend")
        assert seen.is_quiet
        layers = f"Object.values({MAP}._layers)"
        fills = f"{layers}.filter((one) => one.options?.fillColor).map((one) => one.options.fillColor)"
        before = seen.page.evaluate(fills)
        seen.page.locator(".leaflet-control-layers-base input").last.check(force=True)
        after = seen.page.evaluate(fills)
        assert before != after


@pytest.mark.parametrize("degrees", [0.1, 6.0, 130.0])
def test_all_cities_are_in_view_however_far_apart(
    found: Found, degrees: float, tmp_path: Path, visit: Visitor
) -> None:
    far = moved(found, -degrees)
    save_map(draw_index([unit(found), unit(far, "far")], lang="en"), tmp_path / "index.html")
    west, south, _, _ = shapely.from_wkb(far.outline).bounds
    _, _, east, north = shapely.from_wkb(found.outline).bounds
    with visit(tmp_path / "index.html") as seen:
        inside = f"{MAP}.getBounds().contains([[{south}, {west}], [{north}, {east}]])"
        assert seen.page.evaluate(inside)
        assert seen.colors() > 5
        assert seen.is_quiet


def test_a_long_list_of_what_was_not_measured_is_cut_short_and_says_so(found: Found) -> None:
    missing = [unit(None, city=f"m{number}", why="no data") for number in range(23)]
    data = data_of(draw_index([unit(found), *missing], lang="zh").get_root().render())
    assert say("batch.map_more", "zh", count=3) in data["notes"]
