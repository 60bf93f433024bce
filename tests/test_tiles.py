"""Is a region measured in tiles, by any number of workers, as it is measured whole?"""

import dataclasses
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pytest
import rasterio
import shapely
from budget import cases
from commands import run_here, small_city
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from osmium.osm import mutable
from pandas.testing import assert_frame_equal
from rasterio.transform import from_origin
from same_elements import assert_same as assert_same_elements
from test_osm_file import CORNER, node, square, way, written
from test_pbf_elements import grid

from lifecircle.analysis import analyze
from lifecircle.catalog import load_standard
from lifecircle.city import City
from lifecircle.cli_tiles import tiling_of
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.sources import tile_ground, tiles
from lifecircle.sources.osm_elements import NOTHING, joined
from lifecircle.sources.osm_file import elements_of, read_ground
from lifecircle.sources.osm_share import hear_share, read_shares
from lifecircle.sources.read_city import read_city
from lifecircle.sources.tile_files import write_whole
from lifecircle.sources.tile_plan import plan_tiles
from lifecircle.sources.tiles import Tiling, measure_tile, processes
from lifecircle.standard import Standard, Walker

STANDARD = load_standard("life-circle")
# The same, but elders take no steps and nothing steep, so that they find other streets than children do.
HARD = dataclasses.replace(
    STANDARD,
    services=(
        STANDARD.services[0],
        dataclasses.replace(STANDARD.services[1], walker=Walker(2.0, ("steps",), 0.2)),
        *STANDARD.services[2:],
    ),
)
SAMPLE = Path(__file__).parents[1] / "data" / "lishui"
SAME_MINUTES = 1e-9
SAME_METRES = 1e-7


def assert_same(tiled: Coverage, whole: Coverage) -> None:
    """Prove that two measurements found the same: homes, walks, what is unknown, tables and gaps."""
    assert_geodataframe_equal(tiled.city.homes, whole.city.homes)
    assert_geodataframe_equal(tiled.city.facilities, whole.city.facilities)
    assert_frame_equal(tiled.city.quality, whole.city.quality)
    np.testing.assert_allclose(tiled.minutes, whole.minutes, rtol=0, atol=SAME_MINUTES)
    for one, other in ((tiled.walks, whole.walks), (tiled.cell_walks, whole.cell_walks)):
        np.testing.assert_array_equal(one.facility, other.facility)
        np.testing.assert_array_equal(one.on_street, other.on_street)
        np.testing.assert_allclose(one.metres, other.metres, rtol=0, atol=SAME_METRES)
        np.testing.assert_allclose(one.edge_m, other.edge_m, rtol=0, atol=SAME_METRES)
    assert_frame_equal(tiled.by_community(), whole.by_community(), rtol=1e-11)
    assert_geodataframe_equal(find_gaps(tiled), find_gaps(whole))


# ---------------------------------------------------------------------- a real city


@pytest.fixture(scope="module")
def las_palmas(shared_data: Callable[[str], Path]) -> dict[str, Path]:
    return {
        "osm": shared_data("las_palmas/las_palmas.osm.pbf"),
        "communities": shared_data("las_palmas/catchments.geojson"),
    }


@pytest.fixture(scope="module")
def whole(las_palmas: dict[str, Path]) -> Coverage:
    return measure_coverage(read_city(**las_palmas, services=STANDARD.services), STANDARD)


@pytest.mark.parametrize(("count", "shares"), [(4, 3), (9, 2)])
def test_las_palmas_in_tiles_is_las_palmas(
    las_palmas: dict[str, Path], whole: Coverage, tmp_path: Path, count: int, shares: int
) -> None:
    tiling = Tiling(tmp_path, tiles=count, workers=shares)

    city = read_city(**las_palmas, services=STANDARD.services, tiling=tiling)

    assert_same(measure_coverage(city, STANDARD), whole)
    works = {work: [done for done in tiling.done if done["work"] == work] for work in ("hear", "homes")}
    assert len(works["hear"]) == shares
    assert len(works["homes"]) == count
    assert (
        sum(done["rows"] for done in works["homes"])
        == whole.city.quality.set_index("item")["count"]["osm.homes"]
    )
    assert all(done["peak_mb"] is None or 50 < done["peak_mb"] < 1e5 for done in tiling.done)


# ---------------------------------------------------------------------- random regions


def region(rng: np.random.Generator) -> list[str]:
    """Return a town on a crooked grid, with all that a tile might cut wrongly."""
    size, step = 5, 260.0
    found, ways, ref = [], [], iter(range(1, 10**6))
    grid = np.array([next(ref) for _ in range(size * size)]).reshape(size, size)
    at = {
        int(grid[row, column]): (step * column + rng.uniform(-60, 60), step * row + rng.uniform(-60, 60))
        for row in range(size)
        for column in range(size)
    }
    kinds = [
        *({"highway": "residential"},) * 6,
        {"highway": "service", "access": "private"},
        {"highway": "steps", "oneway:foot": "yes"},
        {"highway": "path", "surface": "gravel"},
    ]
    pairs = [*zip(grid[:, :-1].ravel(), grid[:, 1:].ravel(), strict=True)]
    pairs += [*zip(grid[:-1].ravel(), grid[1:].ravel(), strict=True)]
    for one, other in pairs:
        if rng.random() < 0.25:
            continue
        middle = next(ref)  # some carry a gate
        at[middle] = tuple(np.mean([at[int(one)], at[int(other)]], axis=0) + rng.uniform(-20, 20, 2))
        tags = (
            {"barrier": "gate", "access": str(rng.choice(["private", "no", "yes"]))}
            if rng.random() < 0.1
            else {}
        )
        found.append(node(middle, *at[middle], **tags))
        ways.append(way(next(ref), [int(one), middle, int(other)], **kinds[rng.integers(len(kinds))]))
    found += [node(one, *at[one]) for one in grid.ravel().tolist()]
    extent = step * (size - 1)
    for _ in range(60):
        x, y = rng.uniform(-100, extent + 100, 2)
        kind = str(rng.choice(["apartments", "yes", "yes", "house"]))
        levels = {"building:levels": str(rng.integers(1, 9))} if rng.random() < 0.5 else {}
        found += square(10_000 + next(ref), x, y, *rng.uniform(6, 30, 2), building=kind, **levels)
    for tags in (
        {"landuse": "industrial"},
        {"natural": "water"},
        {"amenity": "kindergarten", "name": "a"},
        {"amenity": "clinic"},
        {"highway": "pedestrian", "area": "yes"},
        {"highway": "pedestrian", "area": "yes"},
        {"barrier": "wall"},
        {"barrier": "fence"},
        {"barrier": "fence"},
    ):
        x, y = rng.uniform(0, extent, 2)
        found += square(20_000 + next(ref), x, y, *rng.uniform(40, 300, 2), **tags)
    for service in ("kindergarten", "clinic", "nursing_home", "clinic"):
        found.append(node(30_000 + next(ref), *rng.uniform(0, extent, 2), amenity=service))
    for _ in range(3):  # walls, one end of which may be a gate
        one, other = next(ref), next(ref)
        x, y = rng.uniform(0, extent, 2)
        found.append(node(one, x, y, barrier="gate"))
        found.append(node(other, x + rng.uniform(-200, 200), y + rng.uniform(-200, 200)))
        ways.append(way(next(ref), [one, other], barrier="wall"))
    return [*found, *ways]


def files_of(rng: np.random.Generator, folder: Path, *, hilly: bool) -> dict[str, Path]:
    """Write a region, four communities that do not fill it, and perhaps hills."""
    x, y = CORNER
    boxes = [shapely.box(x + dx, y + dy, x + dx + 520, y + dy + 500) for dx in (0, 520) for dy in (0, 500)]
    layer = gpd.GeoDataFrame({"name": [f"c{row}" for row in range(4)]}, geometry=boxes, crs=4549)
    layer.to_file(folder / "communities.gpkg")
    files = {"osm": written(folder, *region(rng)), "communities": folder / "communities.gpkg"}
    if hilly:
        heights = rng.uniform(0, 12, (40, 40)).astype("float32").cumsum(axis=0)
        grid = from_origin(x - 300, y + 1500, 50, 50)
        shape = {"width": 40, "height": 40, "count": 1, "dtype": "float32", "crs": "EPSG:4549"}
        with rasterio.open(folder / "hills.tif", "w", driver="GTiff", transform=grid, **shape) as file:
            file.write(heights, 1)
        files["elevation"] = folder / "hills.tif"
    return files


@cases(8)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(2, 9),
    shares=st.integers(1, 3),
    hilly=st.booleans(),
    round_trip=st.booleans(),
    max_snap_m=st.sampled_from([40.0, 200.0]),
)
def test_random_regions_in_tiles(
    seed: int, count: int, shares: int, *, hilly: bool, round_trip: bool, max_snap_m: float
) -> None:
    standard: Standard = HARD if hilly else STANDARD
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr(tile_ground, "MANY_PLACES", 1)  # every place is given away
        files = files_of(np.random.default_rng(seed), folder, hilly=hilly)
        tiling = Tiling(folder / "tiles", tiles=count, workers=shares, cell_m=50.0)
        cities: list[City] = [
            read_city(**files, services=standard.services, tiling=by) for by in (tiling, None)
        ]
        coverages = [
            measure_coverage(city, standard, max_snap_m=max_snap_m, round_trip=round_trip) for city in cities
        ]
        assert_same(*coverages)
        assert len({done["tile"] for done in tiling.done if done["work"] == "homes"}) > 1


def test_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_ground, "MANY_PLACES", 1)
    files = files_of(np.random.default_rng(0), tmp_path, hilly=False)
    coverages = []
    for workers in (1, 2):
        with processes(workers) as run:
            tiling = Tiling(tmp_path / f"tiles-{workers}", tiles=4, workers=workers, run=run, cell_m=50.0)
            city = read_city(**files, services=STANDARD.services, tiling=tiling)
            coverages.append(measure_coverage(city, STANDARD))

    assert_same(*coverages)


def test_a_killed_worker_is_said() -> None:
    class Deadly:
        def __reduce__(self) -> tuple[object, tuple[int]]:
            return os._exit, (9,)  # as a system short of memory ends it

    with processes(2) as run, pytest.raises(DataError, match="workers was killed"):
        run([(Deadly(), "t0000", "homes")])  # type: ignore[list-item]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals of POSIX")
def test_ctrl_c_ends_the_processes_at_once_and_they_do_not_hear_it() -> None:
    class Long:
        def __reduce__(self) -> tuple[object, tuple[int]]:
            return time.sleep, (60,)

    heard, pressed = [], []

    def press(*_: object) -> None:
        children = multiprocessing.active_children()
        for child in children:  # as a terminal tells all of them
            os.kill(child.pid or 0, signal.SIGINT)
        time.sleep(0.3)
        heard.extend(not child.is_alive() for child in children)
        pressed.append(time.monotonic())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    try:
        with pytest.raises(KeyboardInterrupt), processes(2) as run:  # noqa: PT012 - from its beginning to its end
            signal.setitimer(signal.ITIMER_REAL, 1)
            run([(Long(), "t0000", "homes")] * 2)  # type: ignore[list-item]
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - pressed[0] < 2
    assert heard == [False, False]
    assert multiprocessing.active_children() == []


def test_places_are_given_away_once(tmp_path: Path) -> None:
    files = files_of(np.random.default_rng(1), tmp_path, hilly=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tile_ground, "MANY_PLACES", 1)
        tiling = Tiling(tmp_path / "tiles", tiles=3, cell_m=50.0)
        city = read_city(**files, services=STANDARD.services, tiling=tiling)
        before = len(tiling.done)
        coverage = measure_coverage(city, STANDARD)

    # homes were put on streets when the city was read: now their cells are, and then the facilities
    later = [done for done in tiling.done[before:] if done["work"] == tiling.done[before]["work"]]
    assert sum(done["rows"] for done in later) == len(coverage.cell_places)


def test_a_city_of_files_in_tiles_by_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["analyze", "--city", str(SAMPLE), "--no-cache", "--lang", "en"]

    assert run_here(*words, "--out", "whole") == 0
    assert run_here(*words, "--out", "tiled", "--tiles", "3", "--workers", "1", "--memory", "2GB") == 0

    for name in ("communities.csv", "levels.csv"):
        assert (tmp_path / "tiled" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert "3 tiles, 1 workers" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiled", "whole"]  # no files of tiles stay


@pytest.mark.parametrize(
    "words",
    [["--tiles", "0"], ["--tiles", "many"], ["--tiles", "2", "--memory", "lots"], ["--memory", "101%"]],
)
def test_what_is_no_number_of_tiles_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run_here(*small_city(tmp_path), *words) == 2
    assert "Give" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--workers", "2"), ("--scheduler", "tcp://127.0.0.1:1")])
def test_who_does_no_tiles_is_refused(words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("analyze", "--city", "lishui", "--lang", "en", *words) == 2
    assert f"{words[0]} says who measures tiles" in capsys.readouterr().err


def test_a_group_is_not_cut_into_tiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("analyze", "--city", "all-lishui", "--tiles", "2", "--lang", "en") == 2
    assert "lifecircle batch" in capsys.readouterr().err


# ---------------------------------------------------------------------- shares and tasks


@pytest.mark.parametrize("shares", [1, 2, 5])
@pytest.mark.parametrize("name", ["beijing_campus/campus.osm", "las_palmas/las_palmas.osm.pbf"])
def test_shares_hear_what_one_hears(
    shared_data: Callable[[str], Path], tmp_path: Path, shares: int, name: str
) -> None:
    osm, keys = shared_data(name), ["amenity", "healthcare"]
    alone = elements_of(osm, keys, tiles.LIMITS)

    for share in range(shares):
        hear_share(osm, tmp_path, share, shares, keys, plain=osm.name.endswith(".pbf"))
    together, lots = read_shares(tmp_path, shares)

    of_lots = [dataclasses.replace(NOTHING, outlines=lot.found(np.arange(len(lot.tag)))) for lot in lots]
    outlines = joined(of_lots).outlines
    assert_same_elements(dataclasses.replace(together, outlines=outlines), alone)
    assert outlines.id.tolist() == alone.outlines.id.tolist()


def test_what_one_share_finds_odd_one_worker_hears_for_all(tmp_path: Path) -> None:
    """The first way is usual, and of the first share; the second bears a key twice."""
    ways = [mutable.Way(id=n, nodes=[n, n + 1], tags=[("highway", "path")] * n) for n in (1, 2)]
    osm = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(str(osm)) as writer:
        for thing in (*grid(2), *ways):
            writer.add(thing)
    tiling = Tiling(tmp_path / "tiles", workers=2)

    ground = tiles.read_tiled_ground(osm, tiling)

    assert ground.network.street_m.sum() == pytest.approx(111 + 157, abs=1)
    assert [task["rows"] for task in tiling.done] == [1, 0, 2, 0]


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / ".out.tiles.0123abcd.new"
    left.mkdir()
    (left / "streets.npy").write_bytes(b"much")
    left.with_suffix(".lock").touch()  # which nobody holds
    options = {"tiles": 2, "workers": 1, "scheduler": None, "memory": "60%"}
    with tiling_of(options, tmp_path / "out", "en") as tiling:
        assert tiling is not None
        assert tiling.folder.is_dir()
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_file_out_of_order_is_refused_in_tiles(tmp_path: Path) -> None:
    path = tmp_path / "town.osm"
    lines = written(tmp_path, node(1, 0, 0), node(2, 50, 0), way(1, [1, 2], highway="path")).read_text()
    head, way_, tail = lines.partition('<way id="1"')
    ways, end = tail.split("</way>")
    path.write_text(
        head.partition("<node")[0] + way_ + ways + "</way><node" + head.partition("<node")[2] + end
    )

    with pytest.raises(DataError, match="osmium sort"):
        tiles.read_tiled_ground(path, Tiling(tmp_path / "tiles"))


def test_streets_alone_make_tiles_without_homes(tmp_path: Path) -> None:
    path = written(tmp_path, node(1, 0, 0), node(2, 1500, 0), way(1, [1, 2], highway="path"))

    ground = tiles.read_tiled_ground(path, Tiling(tmp_path / "tiles", tiles=3))

    assert (len(ground.homes), len(ground.network.street_m)) == (0, 1)
    assert ground.counts == read_ground(path).counts


def test_a_task_done_twice_writes_the_same(tmp_path: Path) -> None:
    files = files_of(np.random.default_rng(2), tmp_path, hilly=False)
    tiling = Tiling(tmp_path / "tiles", tiles=2, cell_m=50.0)
    read_city(**files, services=STANDARD.services, tiling=tiling)
    done = next(one for one in tiling.done if one["work"] == "homes")
    path = tiling.folder / f"{done['tile']}.homes.npz"
    before = path.read_bytes()

    again = measure_tile(str(tiling.folder), done["tile"], "homes")

    assert path.read_bytes() == before
    assert again["rows"] == done["rows"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "part", lambda file: file.write(b"before"))

    def breaks(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "part", breaks)

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("part", b"before")]


# ---------------------------------------------------------------------- plans


@given(seed=st.integers(0, 2**31), things=st.integers(1, 300), at_least=st.integers(1, 40))
@cases(40)
def test_tiles_part_the_plane_and_fit(seed: int, things: int, at_least: int) -> None:
    rng = np.random.default_rng(seed)
    xy, weight = rng.normal(0, 4000, (things, 2)), rng.uniform(1, 5, things)
    most = float(rng.uniform(5, weight.sum() + 5))

    plan = plan_tiles(xy, weight, at_least=at_least, most=most, cell_m=500.0)

    tile = plan.tile_of(xy)
    cells = np.unique(np.floor(xy / 500.0), axis=0, return_inverse=True)[1].ravel()
    load = np.bincount(tile, weights=weight, minlength=len(plan.weight))
    assert plan.weight == pytest.approx(load, abs=1)  # what is said of a tile is what lies in it
    assert len(np.unique(plan.tile)) == len(plan.weight)
    assert len(plan.weight) >= min(at_least, len(plan.tile.ravel()))
    for number in np.flatnonzero(load > most):
        assert (plan.tile == number).sum() == 1  # a single cell cannot be cut
    for cell in range(cells.max() + 1):
        assert len(np.unique(tile[cells == cell])) == 1
    far = plan.tile_of(np.array([[1e7, 1e7], [-1e7, -1e7]]))
    assert set(far.tolist()) <= set(range(len(plan.weight)))  # whoever lies outside has a tile too


def test_a_point_on_the_edge_belongs_to_the_higher_cell() -> None:
    xy = np.array([[0.0, 0.0], [499.999, 0.0], [500.0, 0.0], [999.0, 0.0]])

    assert plan_tiles(xy, np.ones(4), at_least=2, most=np.inf, cell_m=500.0).tile_of(xy).tolist() == [
        0,
        0,
        1,
        1,
    ]


def test_little_memory_makes_more_tiles(tmp_path: Path) -> None:
    files = files_of(np.random.default_rng(3), tmp_path, hilly=False)
    counts = []
    for number, memory in enumerate((10**12, 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiles, "_BASE_BYTES", 100_000)
            tiling = Tiling(tmp_path / str(number), memory_bytes=memory, cell_m=50.0)
            analyze(read_city(**files, services=STANDARD.services, tiling=tiling), STANDARD)
        counts.append(len({done["tile"] for done in tiling.done if done["work"] == "homes"}))

    assert counts[0] == 1
    assert counts[1] > 3
