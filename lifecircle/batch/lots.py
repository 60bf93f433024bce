"""How do runners do the tiles of one region: lots of tasks, each of which is needed for the next lot?"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from lifecircle.batch.work import Lost, Runner
from lifecircle.errors import FetchError

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
