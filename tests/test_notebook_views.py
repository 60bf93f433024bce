"""Does what a notebook shows of our objects read right and run nothing?"""

import dataclasses
import sys
from typing import Any

import geopandas as gpd
import pytest
from geopandas.testing import assert_geodataframe_equal
from toy_town import FACILITIES, STANDARD, toy_facilities, toy_town

import lifecircle as lc
from lifecircle.errors import DataError
from lifecircle.report import Report

PAYLOADS = (
    "{{ 7 * 191 }}",
    "{% for i in range(3) %}no{% endfor %}",
    "${alert(1)}<img src=x onerror=alert(2)>`",
)


@pytest.fixture(scope="module")
def hostile() -> Report:
    """Return the report of a town where every name is code."""
    first = ("K", PAYLOADS[0] + PAYLOADS[2], "kindergarten", (100, 0))
    city = toy_town(
        name={"zh": PAYLOADS[2], "en": PAYLOADS[2]}, facilities=toy_facilities([first, *FACILITIES[1:]])
    )
    city = dataclasses.replace(city, communities=city.communities.assign(community=PAYLOADS))
    return lc.analyze(city, STANDARD)


def test_a_report_shows_its_finding_and_its_totals() -> None:
    report = lc.analyze(toy_town(), STANDARD)
    shown = report._repr_html_()
    assert "Toy Town" in shown
    assert report.finding()[1].split(":")[0] in shown
    shares = report.coverage.totals()["share_covered"]
    assert all(f"<td>{share:.1%}</td>" in shown for share in shares)
    assert shown.count("<tr>") == len(shares) + 1
    assert "Synthetic sample" not in shown
    assert "Synthetic sample" in lc.analyze(toy_town(data="synthetic sample"), STANDARD)._repr_html_()


def test_what_a_notebook_shows_is_inert(hostile: Report) -> None:
    for shown in (hostile._repr_html_(), hostile.coverage._repr_html_()):
        assert "<img" not in shown
        assert "&lt;img" in shown, "the name is still read"


def rendered(drawn: Any) -> str:
    text = drawn.get_root().render()
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("options", [{}, {"column": "community"}, {"column": "residents"}, {"legend": False}])
def test_explore_runs_no_name(hostile: Report, options: dict[str, Any]) -> None:
    pytest.importorskip("mapclassify")
    gaps = hostile.gaps.set_index("community", drop=False).assign(**{PAYLOADS[0]: PAYLOADS[1]})
    page = rendered(lc.explore(gaps, **options))
    assert "1337" not in page
    assert "nonono" not in page
    assert "<img" not in page
    assert "${alert" not in page
    assert "7 * 191" in page, "the name is still read"


def test_gaps_and_any_part_of_them_explore_safely(hostile: Report) -> None:
    pytest.importorskip("mapclassify")
    for part in (hostile.gaps, hostile.gaps[hostile.gaps["residents"] > 0], hostile.gaps.to_crs(4326).copy()):
        page = rendered(part.explore())
        assert "nonono" not in page
        assert "7 * 191" in page, "the name is still read"


def test_explore_by_geopandas_itself_would_run_names(hostile: Report) -> None:
    pytest.importorskip("mapclassify")
    plain = gpd.GeoDataFrame(hostile.gaps)
    assert "nonono" in rendered(plain.explore()), "if this fails, lc.explore is no longer needed"


def test_explore_leaves_the_frame_and_asks_for_no_tiles(hostile: Report) -> None:
    pytest.importorskip("mapclassify")
    before = hostile.gaps.copy()
    assert "tile.openstreetmap" not in rendered(lc.explore(hostile.gaps))
    assert_geodataframe_equal(before, hostile.gaps)


def test_explore_without_mapclassify_says_what_to_install(
    hostile: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mapclassify", None)
    with pytest.raises(DataError, match="pip install mapclassify"):
        lc.explore(hostile.gaps)
