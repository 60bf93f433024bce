"""Do tiles come from their one host, in their coordinates, and does the map live without them?"""

import io
import itertools
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from browser import Visitor
from map_pages import MAP, data_of, pictured_town, saved, unpacked

from lifecircle.coverage import Coverage
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.render.leaflet import seal
from lifecircle.render.web_map import draw_map
from lifecircle.sources.datum import wgs84_to_gcj02


@pytest.fixture(scope="module")
def town() -> Coverage:
    return pictured_town()


KEY = "0123456789abcdef0123456789abcdef"
HOSTS = {
    "osm": "https://tile.openstreetmap.org",
    "tianditu": "https://t0.tianditu.gov.cn",
    "amap": "https://webrd01.is.autonavi.com",
}
CREDITS = {"osm": "OpenStreetMap", "tianditu": "天地图", "amap": "高德地图"}
WEBSITE = "https://planning.example/lishui/map.html"


def tile() -> bytes:
    picture = io.BytesIO()
    plt.imsave(picture, np.full((256, 256, 3), [1.0, 0.0, 0.0]))
    return picture.getvalue()


def with_tiles(town: Coverage, basemap: str, folder: Path, lang: str = "zh") -> Path:
    return saved(draw_map(town, find_gaps(town), lang=lang, basemap=basemap, tianditu_key=KEY), folder)


@pytest.mark.parametrize("basemap", HOSTS)
def test_tiles_come_from_their_host_alone(
    visit: Visitor, town: Coverage, basemap: str, tmp_path: Path
) -> None:
    with visit(with_tiles(town, basemap, tmp_path), address=WEBSITE, picture=tile()) as seen:
        seen.page.locator(".lc-tiles img.leaflet-tile-loaded").first.wait_for()
        assert seen.requests
        assert all(address.startswith(HOSTS[basemap] + "/") for address in seen.requests)
        assert not re.search(r"[{}]", "".join(seen.requests))
        assert not seen.errors
        assert CREDITS[basemap] in seen.page.locator(".leaflet-control-attribution").inner_text()
        streets = seen.page.locator(
            ".leaflet-control-layers-overlays label", has_text=say("map.streets", "zh")
        )
        assert not streets.locator("input").is_checked()  # tiles take the place of our own backdrop
        others = [host for name, host in HOSTS.items() if name != basemap]
        for host in (*others, "https://example.org"):
            seen.page.evaluate("address => { new Image().src = address }", f"{host}/0/0/0.png")
        seen.page.wait_for_timeout(100)
        assert len(seen.errors) == 3  # the policy lets nothing else through
        assert all(address.startswith(HOSTS[basemap] + "/") for address in seen.requests)


@pytest.mark.parametrize("basemap", HOSTS)
def test_without_a_network_the_own_backdrop_stays(
    visit: Visitor, town: Coverage, basemap: str, tmp_path: Path
) -> None:
    with visit(with_tiles(town, basemap, tmp_path)) as seen:
        seen.page.wait_for_timeout(200)
        # OpenStreetMap refuses files, so it is not even asked, and the legend says why
        assert bool(seen.requests) == (basemap != "osm")
        assert (say("map.website_only", "zh") in seen.page.locator(".lc-legend").inner_text()) == (
            basemap == "osm"
        )
        assert all(error.startswith("Failed to load resource") for error in seen.errors), seen
        streets = seen.page.locator(
            ".leaflet-control-layers-overlays label", has_text=say("map.streets", "zh")
        )
        assert streets.locator("input").is_checked()
        for number in range(9):
            seen.page.locator(".leaflet-control-layers-base label").nth(number).click()
        assert seen.colors() > 50


def test_on_amap_everything_is_moved_to_gcj02(town: Coverage) -> None:
    gaps = find_gaps(town)
    plain, moved = (
        data_of(draw_map(town, gaps, basemap=basemap).get_root().render()) for basemap in ("none", "amap")
    )
    kinds = [
        ("communities", "shapes"), ("communities", "center"), ("gaps", "shapes"), ("facilities", "at"),
        ("backdrop", "edge"), ("backdrop", "side"), ("backdrop", "water"), ("backdrop", "building"),
        ("bands", 0), ("bands", 2),
    ]  # fmt: skip
    for one, other in kinds:
        before, after = (
            np.vstack([*itertools.chain(*unpacked(data[one][other]))]) for data in (plain, moved)
        )
        np.testing.assert_allclose(after, wgs84_to_gcj02(before), atol=2e-6)
        assert np.abs(after - before).max() > 0.002


def test_the_window_is_moved_with_the_tiles(visit: Visitor, town: Coverage, tmp_path: Path) -> None:
    middles = []
    for basemap in ("none", "amap"):
        with visit(with_tiles(town, basemap, tmp_path)) as seen:
            middle = seen.page.evaluate(f"{MAP}.getCenter()")
            middles.append([middle["lng"], middle["lat"]])
    np.testing.assert_allclose(middles[1], wgs84_to_gcj02(middles[0]), atol=1e-4)


def test_the_labels_of_tiles_follow_the_language(town: Coverage, tmp_path: Path) -> None:
    for lang, tianditu, amap in (("zh", "T=cva_w", "lang=zh_cn"), ("en", "T=eva_w", "lang=en")):
        for basemap, mark in (("tianditu", tianditu), ("amap", amap)):
            data = data_of(with_tiles(town, basemap, tmp_path, lang).read_text(encoding="utf-8"))
            assert mark in data["basemap"]["tiles"][-1]


def test_one_host_is_allowed_and_no_other() -> None:
    page = '<meta charset="utf-8"><img src={}>'
    tiles = "https://tile.example.org"
    assert f"img-src data: {tiles};" in seal(page.format(f"{tiles}/1.png"), tiles)
    assert "img-src data:;" in seal(page.format("data:,"))
    for address in (f"{tiles}.evil.example/1.png", "https://evil.example/1.png", "//tile.example.org/1.png"):
        with pytest.raises(DataError, match="would load"):
            seal(page.format(address), tiles)
    with pytest.raises(DataError, match="would load"):
        seal(page.format(f"{tiles}/1.png"))


@pytest.mark.parametrize("key", [None, ""])
def test_tianditu_needs_a_key(town: Coverage, key: str | None) -> None:
    with pytest.raises(DataError, match="key of your own") as caught:
        draw_map(town, find_gaps(town), basemap="tianditu", tianditu_key=key)
    assert "tianditu.gov.cn" in caught.value.in_language("zh")


@pytest.mark.parametrize("key", ["short", "x" * 99, KEY[:-1] + "&", "'><script>alert(1)</script>"])
def test_what_is_no_key_is_refused_and_not_repeated(town: Coverage, key: str) -> None:
    with pytest.raises(DataError) as caught:
        draw_map(town, find_gaps(town), basemap="tianditu", tianditu_key=key)
    assert key not in str(caught.value)


def test_an_unknown_basemap_is_refused(town: Coverage) -> None:
    with pytest.raises(UnknownNameError, match="none, osm, tianditu, amap"):
        draw_map(town, find_gaps(town), basemap="google")
