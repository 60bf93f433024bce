"""How is a region read and measured in tiles, by several workers, with the result of one?

What takes time and memory becomes *tasks*: hearing the file, telling homes from other buildings, putting
places on streets. A task is three words for `measure_tile`: a folder, a tile, and the work. Its inputs lie in
the folder, it writes its result there at one stroke and returns a small dictionary; so it may run wherever
the folder is seen by the same name, in this process, in another, or on a worker of a cluster, and twice does
no harm. Tasks of one lot do not depend on one another. All else is the ordinary flow.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from lifecircle.access import Legs
from lifecircle.errors import DataError
from lifecircle.network import WalkNetwork
from lifecircle.sources.child_process import end_with_parent
from lifecircle.sources.memory import memory_here, no_search_for_cycles, peak_mb
from lifecircle.sources.opening import LIMITS, Limits, check_osm
from lifecircle.sources.osm_barriers import doors_on
from lifecircle.sources.osm_elements import NOTHING, Elements, joined
from lifecircle.sources.osm_file import OsmGround, check_elements, check_is_osm, ground_of, projected
from lifecircle.sources.osm_share import Outlines, hear_share, read_shares
from lifecircle.sources.osm_things import (
    Houses,
    OsmServices,
    Things,
    ground_without_homes,
    homes_among,
    homes_of,
    houses_among,
)
from lifecircle.sources.packed import unpack
from lifecircle.sources.pbf_arrays import OddPbfError
from lifecircle.sources.tile_files import (
    read_tags,
    rows_meeting,
    shapes,
    write_column,
    write_packed,
    write_shapes,
    write_whole,
)
from lifecircle.sources.tile_ground import TiledGround, legs_in, write_ground
from lifecircle.sources.tile_plan import CELL_M, Plan, plan_tiles, tile_name
from lifecircle.streets import Flags, Floats, Ints

if TYPE_CHECKING:
    from lifecircle.standard import Service

Task = tuple[str, str, str]
"""Arguments of `measure_tile`: folder, tile, work."""
Run = Callable[[Sequence[Task]], list[dict[str, Any]]]
MEMORY_SHARE = 0.6
"""Of the machine, unless somebody says otherwise."""
_BASE_BYTES = 250_000_000
_OUTLINE_BYTES, _VERTEX_BYTES = 3_000, 1_000
"""What a worker takes by itself, for each outline, and for each vertex of a street: measured on Las Palmas
160 MB, 2.4 kB and 750 bytes, walls and places included."""
LEAST_BYTES = 2 * _BASE_BYTES
"""A worker with less has no room for a tile."""
_TILES_A_WORKER = 4
"""So that all end at about the same time."""
_MARGIN_M = 1.0
_HEARD, _SETTINGS = "heard", "settings.json"
_HEAR, _HOMES, _LEGS = "hear", "homes", "legs"


@dataclass(frozen=True)
class Tiling:
    """Into how many tiles a region is cut, where their files lie, and who works on them.

    Attributes
    ----------
    folder
        For the files of the tiles, empty or absent; every worker must see it by this name.
    tiles
        At least so many; None for as many as memory and workers ask for.
    workers
        How many tasks run at once.
    memory_bytes
        What all workers together may take; None for 60 % of the machine.
    run
        Does the tasks of one lot, in any order, and returns what `measure_tile` returns, in theirs; one after
        the other in this process where None. See `processes`. It is needed, as is the folder, until the city
        is measured for the last time.
    cell_m
        Tiles consist of cells of this side.
    done
        What every task so far has returned, for the record.
    plans
        Which tile is where, as soon as that is known.
    """

    folder: Path
    tiles: int | None = None
    workers: int = 1
    memory_bytes: int | None = None
    run: Run | None = None
    cell_m: float = CELL_M
    done: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    plans: list[Plan] = dataclasses.field(default_factory=list)

    @property
    def cost(self) -> dict[str, Any]:
        """What it took so far: tiles, tasks, seconds of work, and the most memory held, at which tile."""
        most = max(self.done, key=lambda done: done["peak_mb"] or 0.0)
        return {
            "tiles": len({done["tile"] for done in self.done if done["work"] == _HOMES}),
            "workers": self.workers,
            "tasks": len(self.done),
            "seconds": sum(done["seconds"] for done in self.done),
            "peak_mb": most["peak_mb"],
            "tile": most["tile"],
        }

    def work(self, tiles: Iterable[str], work: str) -> None:
        """Do one work on several tiles."""
        tasks = [(str(self.folder), tile, work) for tile in tiles]
        run = self.run or (lambda tasks: [measure_tile(*task) for task in tasks])
        self.done.extend(run(tasks))


@contextlib.contextmanager
def processes(workers: int) -> Iterator[Run]:
    """Yield what runs tasks in so many processes of this computer.

    Raises
    ------
    DataError
        From what is yielded, if one of the processes is killed.
    """
    if workers == 1:
        yield lambda tasks: [measure_tile(*task) for task in tasks]
        return
    spawn = multiprocessing.get_context("spawn")  # libraries with threads do not outlive a fork
    before = {child.pid for child in multiprocessing.active_children()}
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=end_with_parent) as pool:

        def run(tasks: Sequence[Task]) -> list[dict[str, Any]]:
            try:
                with _ctrl_c_waits():
                    results = pool.map(measure_tile, *zip(*tasks, strict=True))
                return list(results)
            except BrokenExecutor as error:  # killed, most likely by a system that is short of memory
                raise DataError("tiles.lost_worker", work=tasks[0][2], workers=workers) from error

        try:
            yield run
        except BaseException:  # nobody waits for what they are doing
            for child in multiprocessing.active_children():
                if child.pid not in before:
                    child.kill()
            raise


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Let Ctrl-C come after the block only; processes that begin in it never hear it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def measure_tile(folder: str, tile: str, work: str) -> dict[str, Any]:
    """Do one work on one tile and write its result to the folder.

    Parameters
    ----------
    folder
        Of a `Tiling`.
    tile
        Name of the tile, or of the share of the file.
    work
        ``"hear"``, ``"homes"``, or ``"legs-"`` and the name of a lot of places.

    Returns
    -------
    dict
        tile, work, rows (how many results), seconds, peak_mb (the most that the process held so far).
    """
    started = time.perf_counter()
    with no_search_for_cycles():
        kind, _, lot = work.partition("-")
        rows = {_HEAR: _hear, _HOMES: _find_homes, _LEGS: _find_legs}[kind](Path(folder), tile, lot)
    seconds = time.perf_counter() - started
    return {"tile": tile, "work": work, "rows": rows, "seconds": seconds, "peak_mb": peak_mb()}


def read_tiled_ground(  # noqa: PLR0913  as `read_ground`, and who does it
    path: str | Path,
    tiling: Tiling,
    *,
    services: Iterable["Service"] = (),
    crs: object | None = None,
    boundary: gpd.GeoSeries | None = None,
    barriers: gpd.GeoSeries | None = None,
    limits: Limits = LIMITS,
) -> OsmGround:
    """Return what an OpenStreetMap file holds, as `lifecircle.sources.osm_file.read_ground` does, in tiles.

    The backdrop is without buildings, and places are put on the network's streets by the workers.

    Parameters
    ----------
    path, services, crs, boundary, barriers, limits
        As for `read_ground`.
    tiling
        Who does it.

    Raises
    ------
    FileError, DataError
        As `read_ground`; also if the file is not in order.
    """
    path = Path(path)
    check_is_osm(path, limits)
    check_osm(path, limits)
    keys = sorted(OsmServices(services).keys)
    raw, lots = _heard(tiling, osm=str(path.absolute()), keys=keys, plain=path.name.endswith(".pbf"))
    check_elements(raw, path, limits)
    far = [dataclasses.replace(NOTHING, outlines=lot.found(lot.far)) for lot in lots]
    raw = dataclasses.replace(raw, outlines=joined(far).outlines)

    def find_homes(
        network: WalkNetwork, outlines: Things, gates: Things, _mapped: NDArray[Any]
    ) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
        tiling.plans.append(_planned(tiling, network, lots))
        tiled = _Tiled(tiling, tiling.plans[-1], network)
        vars(network)["ground"] = TiledGround(network, tiled.legs)
        return tiled.homes(lots, outlines, gates)

    ground = ground_of(raw, path, keys, crs=crs, boundary=boundary, barriers=barriers, homes_among=find_homes)
    seen = ground.backdrop["kind"] != "building"  # of which most are in the tiles
    return dataclasses.replace(ground, backdrop=ground.backdrop[seen].reset_index(drop=True))


class _Tiled(NamedTuple):
    """A region whose streets are known, to be measured in tiles."""

    tiling: Tiling
    plan: Plan
    network: WalkNetwork

    def homes(
        self, lots: Sequence[Outlines], outlines: Things, gates: Things
    ) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
        """Return the homes of all tiles, in the order of the file, and counts of how they were told apart."""
        folder, crs = self.tiling.folder, self.network.crs
        grounds = outlines.shapes[ground_without_homes(outlines.tags)]
        for name, those in (("grounds", grounds), ("gates", gates.shapes)):
            write_shapes(folder, name, shapely.to_wkb(those).tolist(), shapely.bounds(those))
        text = json.dumps([dict(tags) for tags in gates.tags], ensure_ascii=False)
        write_whole(folder / "gates.json", lambda file: file.write(text.encode()))
        write_ground(self.network, folder)
        _write_settings(folder, **_settings(folder), crs=crs.to_wkt())
        tiles = [self.plan.tile_of(_middles(lot, crs)) for lot in lots]
        names = self._names([np.bincount(tile, minlength=len(self.plan.weight)) for tile in tiles])
        if not names:
            none = np.zeros(0, dtype=object)
            return homes_among(Things(none, [], []), none, crs)
        for number, name in names:
            rows = [np.flatnonzero(tile == number) for tile in tiles]
            parts = [(lot.name, at) for lot, at in zip(lots, rows, strict=True) if len(at)]
            write_packed(folder / f"{name}.outlines.npz", _Owned([part for part, _ in parts], _run(parts)))
        self.tiling.work([name for _, name in names], _HOMES)
        houses: list[Houses] = [unpack(folder / f"{name}.homes.npz", [Houses]) for _, name in names]
        return homes_of(merge_houses(houses), crs)

    def legs(self, xy: Floats, which: Flags, max_m: float) -> Legs:
        """Return the access legs of many places, put on streets by the workers."""
        folder, tile = self.tiling.folder, self.plan.tile_of(xy)
        lot = f"{_LEGS}-{sum(1 for _ in folder.glob('legs-*.which.npy'))}"
        write_column(folder, f"{lot}.which", which)
        write_whole(folder / f"{lot}.json", lambda file: file.write(json.dumps({"max_m": max_m}).encode()))
        names = self._names([np.bincount(tile, minlength=len(self.plan.weight))])
        order = np.argsort(tile, kind="stable")
        first = np.searchsorted(tile[order], np.arange(len(self.plan.weight) + 1))
        for number, name in names:
            write_column(folder, f"{lot}.{name}", xy[order[first[number] : first[number + 1]]])
        self.tiling.work([name for _, name in names], lot)
        found = Legs(
            *(np.full(len(xy), -1, dtype=np.int64), np.zeros(len(xy)), np.zeros(len(xy))),
            *(np.full(len(xy), -1, dtype=np.int64), np.zeros((len(xy), 2))),
        )
        for number, name in names:
            rows = order[first[number] : first[number + 1]]
            for values, of_tile in zip(found, unpack(folder / f"{name}.{lot}.npz", [Legs]), strict=True):
                values[rows] = of_tile
        return found

    def _names(self, counts: Sequence[Ints]) -> list[tuple[int, str]]:
        """Return number and name of the tiles that hold anything, those with most first."""
        rows = sum(counts, np.zeros(len(self.plan.weight), dtype=np.int64))
        order = np.argsort(-rows, kind="stable")
        return [(tile, tile_name(tile)) for tile in order[rows[order] > 0].tolist()]


class _Owned(NamedTuple):
    """Which outlines belong to a tile."""

    lots: Sequence[str]
    rows: Ints
    """Shape (2, k). Of each: which of `lots`, and the row in it."""


def _run(parts: Sequence[tuple[str, Ints]]) -> Ints:
    """Return the rows of all parts side by side, each with the number of its part."""
    number = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
    return np.stack([number, np.concatenate([rows for _, rows in parts])])


def merge_houses(parts: Sequence[Houses]) -> Houses:
    """Return the houses of all tiles in the order in which they were heard."""
    order = np.argsort(np.concatenate([part.row for part in parts]), kind="stable")

    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    columns = {name: column(name) for name in Houses._fields if name != "elsewhere"}
    return Houses(**columns, elsewhere=sum(part.elsewhere for part in parts))


def _planned(tiling: Tiling, network: WalkNetwork, lots: Sequence[Outlines]) -> Plan:
    """Return the plan of the tiles, by where outlines and streets lie."""
    middles = [_middles(lot, network.crs) for lot in lots]
    outlines = sum(map(len, middles))
    xy = np.concatenate([*middles, network.line_xy])
    weight = np.repeat([float(_OUTLINE_BYTES), float(_VERTEX_BYTES)], [outlines, len(network.line_xy)])
    memory = tiling.memory_bytes or MEMORY_SHARE * (memory_here() or 4e9)
    most = max(memory / tiling.workers, 2 * _BASE_BYTES) - _BASE_BYTES
    wanted = 1 if tiling.workers == 1 else _TILES_A_WORKER * tiling.workers
    return plan_tiles(xy, weight, at_least=tiling.tiles or wanted, most=most, cell_m=tiling.cell_m)


def _middles(lot: Outlines, crs: pyproj.CRS) -> Floats:
    """Return the middle of the bounds of each outline of a lot, shape (k, 2), metres: it says whose it is."""
    west, south, east, north = lot.bounds.T
    to_metres = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    return np.column_stack(to_metres.transform((west + east) / 2, (south + north) / 2))


def _heard(tiling: Tiling, *, plain: bool, **settings: object) -> tuple[Elements, list[Outlines]]:
    """Return what all shares of the file hold."""
    _write_settings(tiling.folder, **settings, shares=tiling.workers, plain=plain)
    tiling.work(map(str, range(tiling.workers)), _HEAR)
    try:
        return read_shares(tiling.folder / _HEARD, tiling.workers)
    except OddPbfError:
        return _heard(tiling, plain=False, **settings)


def _settings(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / _SETTINGS).read_bytes())
    return found


def _write_settings(folder: Path, **settings: object) -> None:
    text = json.dumps(settings, ensure_ascii=False)
    write_whole(folder / _SETTINGS, lambda file: file.write(text.encode()))


def _hear(folder: Path, tile: str, _lot: str) -> int:
    said = _settings(folder)
    osm, plain = Path(said["osm"]), said["plain"]
    return hear_share(osm, folder / _HEARD, int(tile), said["shares"], said["keys"], plain=plain)


def _find_homes(folder: Path, tile: str, _lot: str) -> int:
    """Write the houses of a tile, whose rows are the numbers at which their outlines were heard."""
    crs = pyproj.CRS.from_wkt(_settings(folder)["crs"])
    owned: _Owned = unpack(folder / f"{tile}.outlines.npz", [_Owned])
    raw, tags, number = [], list[Any](), []
    for at, name in enumerate(owned.lots):
        lot = Outlines(folder / _HEARD, name, read_tags(folder / _HEARD / f"{name.rpartition('-')[0]}.json"))
        rows = owned.rows[1, owned.rows[0] == at]
        raw.append(lot.shapes(rows))
        tags += [lot.tags[tag] for tag in lot.tag[rows].tolist()]
        number.append(lot.number[rows])
    outlines = Things(projected(np.concatenate(raw), crs), tags, [])
    box = shapely.total_bounds(outlines.shapes) + np.array([-_MARGIN_M, -_MARGIN_M, _MARGIN_M, _MARGIN_M])
    near = rows_meeting(folder, "gates", box)
    gate_tags = read_tags(folder / "gates.json")
    gates = Things(shapes(folder, "gates", near), [gate_tags[row] for row in near], [])
    grounds = shapes(folder, "grounds", rows_meeting(folder, "grounds", box))
    houses = houses_among(outlines, doors_on(outlines, gates), grounds)
    heard = np.concatenate(number)[houses.row]
    write_packed(folder / f"{tile}.homes.npz", houses._replace(row=heard))
    return len(houses.row)


def _find_legs(folder: Path, tile: str, lot: str) -> int:
    """Write the access legs of the places of a lot that lie in a tile."""
    name = f"{_LEGS}-{lot}"
    max_m = json.loads((folder / f"{name}.json").read_bytes())["max_m"]
    legs = legs_in(folder, name, tile, max_m)
    write_packed(folder / f"{tile}.{name}.npz", legs)
    return len(legs.street)
