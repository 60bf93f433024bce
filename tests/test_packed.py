"""Does a packed value come back the same, and does a damaged file say so?"""

import dataclasses
import random
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from numpy.typing import NDArray

from lifecircle.sources.packed import NotPackedError, pack, unpack


class Inner(NamedTuple):
    shapes: NDArray[Any]
    tags: list[dict[str, str]]


@dataclasses.dataclass
class Outer:
    crs: pyproj.CRS
    frame: gpd.GeoDataFrame
    metres: NDArray[np.float64]
    area: shapely.Polygon
    inner: Inner
    missing: None = None


def value() -> Outer:
    crs = pyproj.CRS.from_epsg(32650)
    points = shapely.points([(1.1, 2.2), (3.3, 4.4)])
    doors = np.array([shapely.MultiPoint([(0, 0), (1, 1)]), None], dtype=object)
    columns = {"kind": np.array(["water", "幼儿园"]), "floor_m2": [0.1 + 0.2, np.nan], "doors": doors}
    return Outer(
        crs=crs,
        frame=gpd.GeoDataFrame(columns, geometry=points, crs=crs),
        metres=np.array([1 / 3, np.inf, np.nan]),
        area=shapely.box(0, 0, 1, 1),
        inner=Inner(points, [{"name": "<甲>"}, {}]),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.npz").write_bytes(pack(value()))
    return tmp_path / "a.npz"


def test_comes_back_the_same(file: Path) -> None:
    before, after = value(), unpack(file, [Outer, Inner])
    assert_geodataframe_equal(after.frame, before.frame)
    assert after.metres.tobytes() == before.metres.tobytes()
    assert (after.crs, after.area, after.missing) == (before.crs, before.area, None)
    assert after.crs.to_epsg() == 32650
    assert after.inner.shapes.tolist() == before.inner.shapes.tolist()
    assert after.inner.tags == before.inner.tags


def test_of_nothing_there_is_nothing(tmp_path: Path) -> None:
    empty = Inner(np.zeros(0, dtype=object), [])
    (tmp_path / "a.npz").write_bytes(pack(empty))
    assert len(unpack(tmp_path / "a.npz", [Inner]).shapes) == 0


def test_only_classes_that_the_reader_names_are_made(file: Path) -> None:
    with pytest.raises(NotPackedError):
        unpack(file, [Inner])


def test_what_is_not_plain_is_not_packed() -> None:
    with pytest.raises(TypeError):
        pack([object()])


def test_a_file_cut_anywhere_or_with_a_changed_byte_is_refused_or_the_same(file: Path) -> None:
    whole, rng = file.read_bytes(), random.Random(1)  # noqa: S311 - no secret
    for _ in range(300):
        at = rng.randrange(len(whole))
        cut = rng.random() < 0.5
        file.write_bytes(whole[:at] if cut else whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            found = unpack(file, [Outer, Inner])
        except NotPackedError:
            continue
        assert not cut
        assert pack(found) == pack(value())  # a byte that nothing reads


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", plan=np.array([{"a": 1}], dtype=object))
    with pytest.raises(NotPackedError):
        unpack(tmp_path / "a.npz", [])
