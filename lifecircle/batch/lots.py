"""How do runners do the tiles of one region: lots of tasks, each of which is needed for the next lot?"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from lifecircle.batch.cluster import cluster
from lifecircle.batch.work import Lost, Runner
from lifecircle.errors import FetchError
from lifecircle.sources.tiles import Run, Task, measure_tile

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
            if isinstance(result, Lost):
                raise FetchError(result.key, **result.values)
            found[job] = result
        return [found[job] for job in jobs]

    return lot


@contextlib.contextmanager
def tiles_on(address: str) -> Iterator[tuple[Run, int]]:
    """Give what runs the tasks of a `Tiling` on a cluster, and how many workers that has now.

    Every worker must see the folder of the tiling by its name. Errors are those of `cluster`.
    """
    with cluster(address) as run:
        yield in_lots(run, _measured), run.workers


def _measured(task: Task) -> dict[str, Any]:
    return measure_tile(*task)
