from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lifecircle.nearest_lines import NearestLines

METRES = st.integers(-40, 40).map(float)
VERTICES = st.lists(st.tuples(METRES, METRES), min_size=2, max_size=5, unique=True)


def pairs(found: tuple[NDArray[Any], ...]) -> list[tuple[int, int]]:
    place, line = found
    return sorted(zip(place.tolist(), line.tolist(), strict=True))


@given(
    st.lists(VERTICES, min_size=1, max_size=12),
    st.lists(st.tuples(METRES, METRES), min_size=1, max_size=12),
    st.sampled_from([0.5, 5.0, 30.0, 1000.0]),
)
def test_finds_what_the_plain_search_finds(lines: list[Any], points: list[Any], max_m: float) -> None:
    streets, places = np.array([shapely.LineString(line) for line in lines]), shapely.points(points)
    expected = shapely.STRtree(streets).query_nearest(places, max_distance=max_m, all_matches=True)
    assert pairs(NearestLines(streets).nearest(places, max_m)) == pairs(expected)
    sites = shapely.buffer(places, 2.0)
    expected = shapely.STRtree(streets).query_nearest(sites, max_distance=max_m, all_matches=True)
    assert pairs(NearestLines(streets).nearest(sites, max_m)) == pairs(expected)


def test_lines_equally_near_are_all_named() -> None:
    lines = shapely.linestrings([[(0, 0), (10, 0)], [(0, 6), (10, 6)], [(0, 90), (10, 90)]])
    assert pairs(NearestLines(lines).nearest(shapely.points([(5, 3)]), 50)) == [(0, 0), (0, 1)]


@pytest.mark.parametrize(("max_m", "found"), [(3.0, 1), (2.999, 0)])
def test_a_line_as_far_as_allowed_is_found(max_m: float, found: int) -> None:
    lines = NearestLines(shapely.linestrings([[(0, 0), (10, 0)]]))
    assert len(lines.nearest(shapely.points([(5, 3)]), max_m)[0]) == found


def test_without_lines_nothing_is_near() -> None:
    assert pairs(NearestLines(np.array([], dtype=object)).nearest(shapely.points([(0, 0)]), 10)) == []
