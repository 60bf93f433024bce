"""Is ground of square cells outlined as the union of its boxes is?"""

import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st

from lifecircle.render.cell_outlines import cell_outlines

CELL_M = 50.0


@st.composite
def grounds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Cells of a small grid, with holes, corners that touch, and islands in holes; and the number of each."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    full = rng.random(draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))) < draw(st.floats(0.2, 1.0))
    cells = rng.permutation(np.argwhere(full)) + rng.integers(-9, 9, 2)
    return cells, rng.integers(0, draw(st.integers(1, 3)), len(cells))


@cases(200)
@given(grounds())
def test_it_is_the_union_of_the_boxes(ground: tuple[np.ndarray, np.ndarray]) -> None:
    cells, number = ground

    outlines = cell_outlines(cells, number, 4)

    assert shapely.is_valid(outlines).all()
    for one, outline in enumerate(outlines):
        x, y = cells[number == one].T * CELL_M
        boxes = shapely.union_all(shapely.box(x, y, x + CELL_M, y + CELL_M))
        assert shapely.equals(outline, boxes)
        assert outline.area == pytest.approx(len(x) * CELL_M**2)


@cases(100)
@given(grounds())
def test_vertices_stand_where_an_outline_turns(ground: tuple[np.ndarray, np.ndarray]) -> None:
    for ring in shapely.get_rings(cell_outlines(*ground, 4)):
        along = np.diff(shapely.get_coordinates(ring), axis=0)
        assert ((along == 0).sum(axis=1) == 1).all()
        assert (along[:, 0] == 0).tolist() == (np.roll(along, 1, axis=0)[:, 0] != 0).tolist()


def test_cells_that_touch_in_a_corner() -> None:
    # 3 x 3 without its middle and without a corner: the hole touches the outline where both are missing
    cells = np.array([(x, y) for x in range(3) for y in range(3) if (x, y) not in {(1, 1), (2, 2)}])

    (around,) = cell_outlines(cells, np.zeros(7, dtype=int), 1)
    two, none = cell_outlines(np.array([(0, 0), (1, 1)]), np.zeros(2, dtype=int), 2)

    (polygon,) = around.geoms
    assert [len(ring.coords) for ring in (polygon.exterior, *polygon.interiors)] == [7, 5]
    assert sorted(shapely.bounds(two.geoms).tolist()) == [[0, 0, 50, 50], [50, 50, 100, 100]]
    assert none.is_empty


def test_no_cells() -> None:
    assert shapely.is_empty(cell_outlines(np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int), 2)).all()
