from typing import Any

import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lifecircle.pieces import Pieces, as_places

METRES = st.integers(-40, 40).map(float)
VERTICES = st.lists(st.tuples(METRES, METRES), min_size=2, max_size=5, unique=True)
LINES = st.lists(VERTICES, min_size=1, max_size=12)
POINTS = st.lists(st.tuples(METRES, METRES), min_size=1, max_size=12)
ROUNDING_M = 1e-9


def lines_of(drawn: list[Any]) -> NDArray[Any]:
    return np.array([shapely.LineString(line) for line in drawn])


@cases(100)
@given(LINES, POINTS, st.sampled_from([0.5, 5.0, 30.0, 1000.0]), st.booleans())
def test_near_is_what_shapely_finds_near(
    drawn: list[Any], points: list[Any], within_m: float, sites: bool
) -> None:
    lines, shapes = lines_of(drawn), shapely.points(points)
    if sites:
        shapes = shapely.buffer(shapes, 2.0)
    pieces, places = Pieces(lines), as_places(shapes)
    place, piece, metres = pieces.near(places, within_m)
    line = pieces.line[piece]
    far = np.full((len(shapes), len(lines)), np.inf)
    np.minimum.at(far, (place, line), metres)
    expected = shapely.distance(shapes[:, None], lines)
    unsure = np.abs(expected - within_m) < ROUNDING_M
    np.testing.assert_allclose(
        np.where(unsure, np.inf, far),
        np.where(unsure | (expected > within_m), np.inf, expected),
        rtol=0,
        atol=ROUNDING_M,
    )
    assert (np.diff(place) >= 0).all()
    start, foot = pieces.between(places[..., place], piece)
    np.testing.assert_allclose(np.hypot(*(foot - start)), metres, rtol=0, atol=ROUNDING_M)
    at = shapely.line_interpolate_point(lines[line], pieces.along_m(piece, start))
    np.testing.assert_allclose(shapely.get_coordinates(at).T, foot, rtol=0, atol=1e-6)


@cases(100)
@given(LINES, st.lists(st.tuples(METRES, METRES, METRES, METRES), min_size=1, max_size=12))
def test_a_straight_way_meets_what_shapely_says_it_meets(drawn: list[Any], ways: list[Any]) -> None:
    lines, ends = lines_of(drawn), np.array(ways).reshape(-1, 2, 2)
    pieces = Pieces(lines)
    way, piece = pieces.met(ends[:, 0].T, ends[:, 1].T)
    met = np.zeros((len(ends), len(lines)), dtype=bool)
    met[way, pieces.line[piece]] = True
    np.testing.assert_array_equal(met, shapely.intersects(shapely.linestrings(ends)[:, None], lines))


def test_a_line_in_pieces_has_no_piece_without_length() -> None:
    lines = np.array(
        [shapely.LineString([(0, 0), (0, 0), (3, 4)]), shapely.MultiLineString([[(9, 0), (9, 5)]])]
    )
    pieces = Pieces(lines)
    assert pieces.line.tolist() == [0, 1]
    assert pieces.begin.T.tolist() == [[0, 0], [9, 0]]
    assert pieces.end.T.tolist() == [[3, 4], [9, 5]]


@pytest.mark.parametrize(("within_m", "found"), [(3.0, 1), (2.999, 0)])
def test_a_line_as_far_as_asked_is_near(within_m: float, found: int) -> None:
    pieces = Pieces(shapely.linestrings([[(0, 0), (10, 0)]]))
    assert len(pieces.near(np.array([[5.0], [3.0]]), within_m).place) == found


def test_metres_along_a_line_count_from_where_it_begins() -> None:
    lines = shapely.linestrings([[(0, 0), (3, 4), (3, 10)], [(50, 0), (60, 0), (60, 9)]])
    # the feet: 2 m up the second leg of the first line, at its end, and 4 m up that of the second
    places, piece = np.array([[7.0, 0.0, 61.0], [6.0, 99.0, 4.0]]), np.array([1, 1, 3])
    assert Pieces(lines).along_m(piece, places).tolist() == [5 + 2, 5 + 6, 10 + 4]


def test_without_lines_nothing_is_near() -> None:
    pieces = Pieces(np.array([], dtype=object))
    assert len(pieces.near(np.zeros((2, 1)), 10).place) == 0
    assert len(pieces.met(np.zeros((2, 1)), np.ones((2, 1)))[0]) == 0
