"""Are the elements that two ways of reading found the same?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.sources.osm_elements import Elements, Found


def assert_same(one: Elements, other: Elements) -> None:
    """Prove it; of outlines that end at one way the order may differ, and rings may begin anywhere."""
    for name in ("vertex", "lon", "lat", "cut", "start", "square"):
        np.testing.assert_array_equal(getattr(one.ways, name), getattr(other.ways, name), name)
    assert [*one.ways.tags] == [*other.ways.tags]
    for name in ("lonely", "missing", "misplaced"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in ("squares", "clipped_ways", "broken_areas", "box", "timestamp"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("points", "gates"):
        assert _listed(getattr(one, name)) == _listed(getattr(other, name))
    assert sorted(_listed(one.outlines)) == sorted(_listed(other.outlines))
    assert [*one.bars.tags] == [*other.bars.tags]
    assert shapely.to_wkb(one.bars.shapes).tolist() == shapely.to_wkb(other.bars.shapes).tolist()


def _listed(found: Found) -> Sequence[tuple[int, list[tuple[str, str]], bytes]]:
    shapes: NDArray[Any] = found.shapes.copy()
    one = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOLYGON) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes[one] = shapely.get_geometry(shapes[one], 0)
    drawn = shapely.to_wkb(shapely.normalize(shapes)).tolist()
    tags = [sorted(of_one.items()) for of_one in found.tags]
    return list(zip(found.id.tolist(), tags, drawn, strict=True))
