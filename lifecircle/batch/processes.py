"""How do processes of this computer share the work, so that one that is killed takes only its own job along?

A pool of the standard library is broken for good when one of its processes is killed, as the kernel does with
the largest when memory is short. Here each process has a pipe of its own, whose end is the news of its death.
"""

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from lifecircle.batch.work import Lost, Runner, answer
from lifecircle.sources.child_process import end_with_parent

J = TypeVar("J")
R = TypeVar("R")


def in_turn(work: Callable[[J], R], jobs: Sequence[J]) -> Generator[tuple[J, R | Lost], None, None]:
    """Do one job after another in this process; a `Runner`."""
    for job in jobs:
        yield job, answer(work, job)


def local_processes(workers: int) -> Runner:
    """Return a runner with that many processes; one that dies is replaced, and its job is `Lost`."""

    def run(work: Callable[[J], R], jobs: Sequence[J]) -> Generator[tuple[J, R | Lost], None, None]:
        waiting, idle = deque(jobs), list[_Worker]()
        busy: dict[Connection, tuple[_Worker, J]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < workers:
                    worker, job = idle.pop() if idle else _Worker(), waiting.popleft()
                    busy[worker.pipe] = worker, job
                    with contextlib.suppress(OSError):  # one that died while idle: its pipe says so below
                        worker.pipe.send((work, job))
                ready = set(wait([*busy]))
                for pipe in [pipe for pipe in busy if pipe in ready]:
                    worker, job = busy.pop(pipe)
                    try:
                        result = worker.pipe.recv()
                    except (EOFError, OSError):
                        yield job, Lost("batch.worker_died", {"code": worker.ended()})
                    else:
                        idle.append(worker)
                        yield job, result
        finally:
            for worker in [*idle, *(worker for worker, _ in busy.values())]:
                worker.stop()

    return run


class _Worker:
    """A process that waits for jobs at its end of a pipe."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks, held for good
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def ended(self) -> int | None:
        """Return how the process ended: its exit code, negative for a signal."""
        self._process.join()
        self.pipe.close()
        return self._process.exitcode

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that was typed; it ends this one
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):
        while True:
            work, job = pipe.recv()
            pipe.send(answer(work, job))
