"""What job tells who did it, and how does a process die of one?"""

import os
import signal
import time
from pathlib import Path

from lifecircle.batch.work import Lost, Spread
from lifecircle.errors import DataError


def answered(job: str) -> str:
    """Do a job: kill oneself, fail, or say who did it."""
    if job == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "fail":
        raise ZeroDivisionError(job)
    if job == "refuse":
        raise DataError("osm.unsorted", path=Path("region.osm.pbf"))
    return f"{job} by {os.getpid()}"


def led(job: str, spread: Spread | None = None) -> str | tuple[int, int, list[str | Lost]]:
    """Do a job, or as a leader have its words done by others; "die" kills it once, as a file tells."""
    if spread is None:
        return answered(job)
    first, *rest = job.split()
    if first == "die":
        spread(answered, rest[1:])
        mark = Path(rest[0])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return answered(job)
    return os.getpid(), spread.workers, spread(answered, [first, *rest])


def led_by_two(job: str, spread: Spread) -> list[str | Lost]:
    """Do a job as a leader whose words are done as soon as there are two workers."""
    while spread.workers < 2:
        time.sleep(0.05)
    return spread(answered_slowly, job.split())


def answered_slowly(job: str) -> str:
    """Do a job, and leave others time to take part."""
    time.sleep(0.5)
    return answered(job)
