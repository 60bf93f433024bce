"""How do runners do the tiles of one region: lots of tasks, each of which is needed for the next lot?"""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lifecircle.batch.cluster import cluster
from lifecircle.batch.store import is_address
from lifecircle.batch.work import Lost, Runner, Spread
from lifecircle.errors import FetchError
from lifecircle.sources.tiles import Run, Task, Tiling, measure_tile
from lifecircle.staging import staged

J = TypeVar("J")
R = TypeVar("R")


def in_lots(run: Runner, work: Callable[[J], R]) -> Callable[[Sequence[J]], list[R]]:
    """Return what does a lot of different jobs and returns the results in their order.

    Parameters
    ----------
    run
        Who does them.
    work
        A function of a module.

    Raises
    ------
    FetchError
        From what is returned, if a job is lost: then the region cannot be finished.
    """

    def lot(jobs: Sequence[J]) -> list[R]:
        found: dict[J, R] = {}
        for job, result in run(work, jobs):
            found[job] = _whole(result)
        return [found[job] for job in jobs]

    return lot


def _whole(result: R | Lost) -> R:
    """Return the result of a job that was not lost."""
    if isinstance(result, Lost):
        raise FetchError(result.key, **result.values)
    return result


@contextlib.contextmanager
def tiles_on(address: str) -> Iterator[tuple[Run, int]]:
    """Give what runs the tasks of a `Tiling` on a cluster, and how many workers that has now.

    Every worker must see the folder of the tiling by its name. Errors are those of `cluster`.
    """
    with cluster(address) as run:
        yield in_lots(run, _measured), run.workers


@dataclasses.dataclass(frozen=True)
class Cut:
    """How a city of a batch is cut into tiles.

    Attributes
    ----------
    tiles
        Into so many at least; None for as many as memory and workers ask for.
    memory_bytes
        What all workers together may take; None for 60 % of the machine.
    """

    tiles: int | None = None
    memory_bytes: int | None = None


@contextlib.contextmanager
def tiling_beside(folder: str, cut: Cut, spread: Spread, *, shared: bool) -> Iterator[Tiling]:
    """Give who measures the tiles of a city of a batch; their files vanish at the end.

    Parameters
    ----------
    folder
        Where the city's results come to stand; the files of the tiles lie beside it.
    cut
        How it is cut.
    spread
        Has the tasks done; `FetchError` from the `Tiling` where one is lost.
    shared
        Whether all workers see the folder and the city's files by the same names; where not, as behind an
        address, who measures the city does all its tiles.
    """
    with contextlib.ExitStack() as stack:
        if not shared or is_address(folder):
            passing = stack.enter_context(tempfile.TemporaryDirectory(prefix="lifecircle-"))
            yield Tiling(Path(passing), tiles=cut.tiles, memory_bytes=cut.memory_bytes)
            return
        place = Path(folder)
        lots, _ = stack.enter_context(staged(place.with_name(f"{place.name}.tiles")))

        def run(tasks: Sequence[Task]) -> list[dict[str, Any]]:
            return [_whole(result) for result in spread(_measured, tasks)]

        yield Tiling(lots, tiles=cut.tiles, workers=spread.workers, memory_bytes=cut.memory_bytes, run=run)


def _measured(task: Task) -> dict[str, Any]:
    return measure_tile(*task)
