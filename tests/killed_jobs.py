"""What job tells who did it, and how does a process die of one?"""

import os
import signal


def answered(job: str) -> str:
    """Do a job: kill oneself, fail, or say who did it."""
    if job == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "fail":
        raise ZeroDivisionError(job)
    return f"{job} by {os.getpid()}"
