"""Are slopes those of the model, and is a hole in it no cliff?"""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from towns import ORIGIN, Street, network_of

from lifecircle.catalog import load_standard
from lifecircle.costs import tobler_factor
from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError, FileError
from lifecircle.network import WalkNetwork
from lifecircle.render.finding import method
from lifecircle.sources.elevation import read_relief
from lifecircle.sources.opening import Limits
from lifecircle.sources.read_city import load_city

CELL_M = 30.0
HOLE = -9999.0


def placed(*streets: Street) -> WalkNetwork:
    """Return the network of streets drawn around the origin of the toy maps."""
    return network_of(*(Street(np.asarray(street.xy) + ORIGIN, street.tags) for street in streets))


def write_model(path: Path, network: WalkNetwork, height: NDArray[np.float64], **profile: object) -> Path:
    """Write heights so that the middle of the raster lies at the origin of the toy maps."""
    rows, columns = height.shape
    west, north = ORIGIN[0] - columns * CELL_M / 2, ORIGIN[1] + rows * CELL_M / 2
    settings = {"crs": network.crs.to_string(), "nodata": HOLE} | profile
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=1,
        dtype="float64",
        transform=from_origin(west, north, CELL_M, CELL_M),
        **settings,
    ) as model:
        model.write(height, 1)
    return path


def plane(slope_x: float) -> NDArray[np.float64]:
    """Return heights of a plane that rises eastward."""
    return np.tile((np.arange(101) - 50) * CELL_M * slope_x, (101, 1))


def test_on_a_plane_every_street_has_the_planes_slope(tmp_path: Path) -> None:
    network = placed(
        Street([(-400, 0), (400, 0)]), Street([(0, 100), (0, 500)]), Street([(-300, -300), (0, -700)])
    )
    relief, counts = read_relief(write_model(tmp_path / "dem.tif", network, plane(0.1)), network)
    # eastward 10 %; northward level; 300 m east in a way of 500 m is 6 %
    slope = np.array([0.1, 0.0, 0.06])
    np.testing.assert_allclose(relief.along, tobler_factor(slope), rtol=1e-6)
    np.testing.assert_allclose(relief.against, tobler_factor(-slope), rtol=1e-6)
    np.testing.assert_allclose(relief.steepest, slope, atol=1e-6)
    assert set(counts.values()) == {0}


def test_a_hill_costs_both_ways(tmp_path: Path) -> None:
    network = placed(Street([(-600, 0), (600, 0)]))
    ridge = np.tile(600 - np.abs((np.arange(101) - 50) * CELL_M), (101, 1)) * 0.2
    relief, _ = read_relief(write_model(tmp_path / "dem.tif", network, ridge), network)
    both = (tobler_factor(np.array([0.2])) + tobler_factor(np.array([-0.2]))) / 2
    np.testing.assert_allclose(relief.along, both, rtol=0.02)
    np.testing.assert_allclose(relief.against, both, rtol=0.02)


def test_where_the_model_has_a_hole_the_street_is_level(tmp_path: Path) -> None:
    network = placed(Street([(-400, 0), (-100, 0)]), Street([(300, 200), (600, 200)]))
    height = plane(0.1)
    height[:, 51:] = HOLE  # the east is sea
    relief, counts = read_relief(write_model(tmp_path / "dem.tif", network, height), network)
    np.testing.assert_allclose(relief.along, [tobler_factor(np.array([0.1]))[0], 1.0], rtol=1e-6)
    assert counts == {"elevation.streets_without": 1, "elevation.streets_partly": 0}


def test_a_bridge_runs_straight_over_the_valley(tmp_path: Path) -> None:
    bridge = {"highway": "footway", "bridge": "yes"}
    network = placed(Street([(-300, 0), (300, 0)], bridge), Street([(-300, 90), (300, 90)]))
    valley = np.tile(np.abs(np.arange(101) - 50) * CELL_M * 0.3, (101, 1))
    relief, _ = read_relief(write_model(tmp_path / "dem.tif", network, valley), network)
    assert relief.steepest[0] == pytest.approx(0, abs=1e-9)
    assert relief.steepest[1] == pytest.approx(0.3, abs=1e-6)


def test_a_model_in_degrees_is_read_too(tmp_path: Path) -> None:
    network = placed(Street([(-400, 0), (400, 0)]))
    to_degrees = network.to_streets().to_crs(4326).total_bounds
    lon, lat = (to_degrees[0] + to_degrees[2]) / 2, (to_degrees[1] + to_degrees[3]) / 2
    side = 1 / 3600
    height = np.tile(np.arange(101) * 1.0, (101, 1))  # a metre a cell
    path = tmp_path / "dem.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=101, height=101, count=1, dtype="float64", crs="EPSG:4326",
        transform=from_origin(lon - 50.5 * side, lat + 50.5 * side, side, side),
    ) as model:  # fmt: skip
        model.write(height, 1)
    relief, _ = read_relief(path, network)
    degrees_m = network.street_m[0] / (to_degrees[2] - to_degrees[0])
    np.testing.assert_allclose(relief.steepest, 1 / (side * degrees_m), rtol=0.02)


def test_what_is_no_model_of_this_place_is_refused(tmp_path: Path) -> None:
    network = placed(Street([(-400, 0), (400, 0)]))
    with pytest.raises(FileError, match="does not exist"):
        read_relief(tmp_path / "none.tif", network)
    text = tmp_path / "text.tif"
    text.write_text("<html>not a raster</html>")
    with pytest.raises(DataError, match="cannot be read as a GeoTIFF"):
        read_relief(text, network)
    elsewhere = write_model(tmp_path / "far.tif", network, plane(0.1), crs="EPSG:32733")
    with pytest.raises(DataError, match="no height anywhere"):
        read_relief(elsewhere, network)
    bare = write_model(tmp_path / "bare.tif", network, plane(0.1), crs=None)
    with pytest.raises(DataError, match="no coordinate system"):
        read_relief(bare, network)


def test_a_city_on_a_slope_walks_longer_and_says_so(tmp_path: Path) -> None:
    level = load_city("lishui")
    west, south, east, north = level.network.to_streets().total_bounds
    side = 100.0
    columns, rows = int((east - west) / side) + 4, int((north - south) / side) + 4
    path = tmp_path / "dem.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float64",
        crs=level.crs.to_string(), transform=from_origin(west - side, north + side, side, side),
    ) as model:  # fmt: skip
        model.write(np.tile(np.arange(columns) * side * 0.15, (rows, 1)), 1)  # 15 % up to the east

    hilly = load_city("lishui", elevation=path)

    assert level.relief is None
    assert "elevation.none" in set(level.quality["item"])
    assert hilly.relief is not None
    assert "elevation.none" not in set(hilly.quality["item"])
    assert [file["role"] for file in hilly.inputs if file["path"] == str(path)] == ["elevation"]
    standard = load_standard("life-circle")
    on_the_level, uphill = (measure_coverage(city, standard) for city in (level, hilly))
    assert (uphill.share()["share_covered"] < on_the_level.share()["share_covered"]).all()
    assert method(on_the_level, "en").endswith("all streets are taken as level.")
    assert method(uphill, "zh").endswith("上坡与下坡分别计算。")


def test_a_model_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    network = placed(Street([(-400, 0), (400, 0)]), Street([(0, 0), (0, 400)]))
    claim = {"driver": "GTiff", "count": 1, "dtype": "uint8", "crs": network.crs, "sparse_ok": True}
    west, north = ORIGIN[0] - 400, ORIGIN[1] + 400
    # 800 by 400 m in cells of 5 cm are 128 million, of which the file holds none
    fine = {"width": 40_000, "height": 40_000, "transform": from_origin(west, north, 0.05, 0.05)}
    # one block of 36 million cells is read whole, however few are asked for
    grid = from_origin(west, north, 30, 30)
    one = {"width": 6016, "height": 6016, "transform": grid, "blockxsize": 6016, "blockysize": 6016}
    for number, more in enumerate((fine, one)):
        path = tmp_path / f"{number}.tif"
        with rasterio.open(path, "w", **claim, **more, tiled=True):
            pass
        assert path.stat().st_size < 1_000_000
        with pytest.raises(DataError, match=rf"{number}\.tif is not read: \d+.* more than the 25,000,000"):
            read_relief(path, network)
    assert read_relief(path, network, limits=Limits(max_text_bytes=10**9))[1] == {
        "elevation.streets_without": 0,
        "elevation.streets_partly": 0,
    }
    for crs in ("EPSG:4978", 'LOCAL_CS["site",UNIT["metre",1]]'):  # of the whole earth, and of no place on it
        with pytest.raises(DataError, match="coordinate system"):
            read_relief(write_model(tmp_path / "odd.tif", network, plane(0.1), crs=crs), network)
    for name, transform in {
        "no_size": (0, 0, west, 0, 0, north),
        "nan": (np.nan, 0, west, 0, -1, north),
    }.items():
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", **claim, width=2, height=2, transform=rasterio.Affine(*transform)
        ):
            pass
        with pytest.raises(DataError, match=rf"{name}\.tif cannot be read"):
            read_relief(tmp_path / f"{name}.tif", network)


def test_cells_finer_than_a_step_are_walked_by_the_metre(tmp_path: Path) -> None:
    network = placed(Street([(-20, 0), (20, 0)]))
    rising = np.tile((np.arange(1000) - 500) * 0.05 * 0.1, (40, 1))
    path = write_model(tmp_path / "fine.tif", network, rising)
    with rasterio.open(path, "r+") as model:
        model.transform = from_origin(ORIGIN[0] - 25, ORIGIN[1] + 1, 0.05, 0.05)
    relief, _ = read_relief(path, network)
    assert relief.steepest == pytest.approx([0.1])
