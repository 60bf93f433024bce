"""Is the map of what changed whole, quiet, safe and readable?"""

import dataclasses
import functools
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from browser import PHONE, Visitor
from colors import CONES, distances, palette, seen_colors
from map_pages import data_of, unpacked
from test_text import PAYLOADS
from toy_town import CRS, STANDARD
from two_runs import LATER, copied, rewritten, saved, town

from lifecircle.render.compare import CHANGES, Comparison, compare_runs
from lifecircle.render.compare_map import draw_comparison


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(town(), tmp_path_factory.mktemp("runs") / "toy-2024")


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(town(LATER), tmp_path_factory.mktemp("runs") / "toy-2025")


@pytest.fixture(scope="module")
def comparison(before: Path, after: Path) -> Comparison:
    return compare_runs(before, after)


@pytest.fixture(scope="module")
def page(before: Path, after: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compare_runs(before, after, lang="zh").save(tmp_path_factory.mktemp("compared") / "out")[
        "compare.html"
    ]


def test_the_map_is_whole_and_asks_for_nothing(visit: Visitor, page: Path) -> None:
    with visit(page) as seen:
        choices = seen.page.locator(".leaflet-control-layers-base label")
        assert choices.count() == 6
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        assert overlays.count() == 5
        pictures = set()
        for number in range(6):
            choices.nth(number).click()
            seen.page.wait_for_timeout(50)
            pictures.add(seen.page.screenshot())
        assert len(pictures) == 6
        legend = seen.page.locator(".lc-legend").inner_text()
        for text in ("原为盲区，现已消除", "新出现的盲区", "前后均为盲区", "新增", "减少"):
            assert text in legend
        for number in range(5):
            shown = seen.page.screenshot()
            overlays.nth(number).click()
            seen.page.wait_for_timeout(50)
            assert seen.page.screenshot() != shown
        assert seen.is_quiet, seen


def test_a_community_answers_before_and_after(visit: Visitor, comparison: Comparison, page: Path) -> None:
    with visit(page, PHONE) as seen:
        seen.page.locator(".lc-search input").fill("South Bank")
        seen.page.locator(".lc-search li").first.click()
        said = seen.page.locator(".lc-table").inner_text()
        row = comparison.table.query("community_id == 'c-south' and service == 'clinic'").iloc[-1]
        assert f"{row['share_covered_before']:.1%}" in said
        assert f"{row['share_covered_after']:.1%}" in said
        assert f"−{-row['change_points']:.1f}" in said
        assert "120" in said
        seen.page.locator(".lc-search input").fill("Surgery")
        seen.page.locator(".lc-search li").first.click()
        assert "减少" in seen.page.locator(".leaflet-popup-content").last.inner_text()
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert seen.is_quiet, seen


def test_the_map_draws_the_changes(comparison: Comparison) -> None:
    data = data_of(draw_comparison(comparison).get_root().render())
    parts = comparison.changes.set_index(["service", "threshold_minutes", "change"])["area_m2"]
    pairs = ((service.id, limit.value) for service, limit in STANDARD.pairs)
    for pair, packed in zip(pairs, data["changes"], strict=True):
        for change, rings in zip(CHANGES, unpacked(packed), strict=True):
            polygons: Any = map(shapely.Polygon, rings)
            shape = functools.reduce(lambda one, other: one ^ other, polygons, shapely.Polygon())
            area = gpd.GeoSeries([shape], crs=4326).to_crs(CRS).area.iloc[0]
            assert area == pytest.approx(parts.get((*pair, change), 0.0), rel=0.01, abs=1)


def test_names_do_nothing_and_read_as_written(
    visit: Visitor, before: Path, after: Path, tmp_path: Path
) -> None:
    def hostile(layer: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        column = {"communities": "community", "facilities": "name"}.get(layer)
        if not column:
            return frame
        frame[column] = list(PAYLOADS[: len(frame)] if layer == "communities" else PAYLOADS[-len(frame) :])
        return frame

    city = {"zh": PAYLOADS[0], "en": PAYLOADS[5]}
    runs = []
    for number, run in enumerate((before, after)):
        named = copied(run, tmp_path / f"a{number}", city=city)
        runs.append(rewritten(named, tmp_path / f"<img src=x onerror=alert(1)>{{{{7}}}}{number}", hostile))
    paths = compare_runs(*runs).save(tmp_path / "out")
    with visit(paths["compare.html"]) as seen:
        assert PAYLOADS[5] in seen.page.locator("h1").inner_text()
        assert "onerror=alert(1)>{{7}}0" in seen.page.locator("h1 small").inner_text()
        field = seen.page.locator(".lc-search input")
        for name in (*PAYLOADS[:3], *PAYLOADS[-2:]):
            field.fill(name)
            seen.page.locator(".lc-search li").first.click()
            assert name in (seen.page.locator(".leaflet-popup-content").last.text_content() or "")
        assert seen.is_quiet, seen
    page = paths["compare.md"].read_text(encoding="utf-8")
    assert not re.search("<(img|script|svg)", page)


@pytest.mark.parametrize("eyes", CONES)
def test_changes_are_told_apart_by_every_eye_and_in_grey(eyes: str) -> None:
    colors = palette("compare_map.js", "CHANGE_COLORS")  # ink and paper of gained, lost, still
    assert distances(colors[1::2], eyes).min() > 12
    ink, paper = (seen_colors(colors[start::2], eyes)[:, 0] for start in (0, 1))
    assert (paper - ink > 20).all()
    # on the mean, what is drawn: gained a fifth ink, lost a half, what stayed none
    tones = np.array([0.8, 0.5, 1.0]) * paper + np.array([0.2, 0.5, 0.0]) * ink
    assert np.abs(np.diff(np.sort(tones))).min() > 5


def test_a_new_link_is_drawn(comparison: Comparison, visit: Visitor, tmp_path: Path) -> None:
    bounds = comparison.after.layers["communities"].total_bounds
    low_x, low_y, high_x, high_y = bounds
    line = shapely.LineString([(low_x, low_y), (high_x, high_y)])
    linked = dataclasses.replace(comparison, links=gpd.GeoSeries([line], crs=CRS))

    with visit(linked.save(tmp_path / "out")["compare.html"]) as seen:
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        assert overlays.count() == 6
        assert "new links" in seen.page.locator(".leaflet-control-layers-overlays").inner_text()
        before = seen.page.screenshot()
        overlays.filter(has_text="new links").click()
        seen.page.wait_for_timeout(300)
        assert seen.page.screenshot() != before
        assert seen.is_quiet
