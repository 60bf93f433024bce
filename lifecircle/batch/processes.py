"""How do processes of this computer share the work, so that one that is killed takes only its own job along?

A pool of the standard library is broken for good when one of its processes is killed, as the kernel does with
the largest when memory is short. Here each process has a pipe of its own, whose end is the news of its death.
"""

import contextlib
import dataclasses
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeVar

from lifecircle.batch.work import Lost, Runner, answer
from lifecircle.sources.child_process import end_with_parent

J = TypeVar("J")
R = TypeVar("R")


def in_turn(
    work: Callable[..., R], jobs: Sequence[J], leaders: Sequence[J] = ()
) -> Generator[tuple[J, R | Lost], None, None]:
    """Do one job after another in this process; a `Runner`."""
    for job in leaders:
        yield job, answer(work, job, _Alone())
    for job in jobs:
        yield job, answer(work, job)


class _Alone:
    """Does the parts of a leader where it is."""

    workers = 1

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J]) -> list[R | Lost]:
        return [answer(work, job) for job in jobs]


def local_processes(workers: int) -> Runner:
    """Return a runner with that many processes; one that dies is replaced, and its job is `Lost`.

    While a leader waits for its parts, one process more takes its place.
    """

    def run(
        work: Callable[..., R], jobs: Sequence[J], leaders: Sequence[J] = ()
    ) -> Generator[tuple[J, R | Lost], None, None]:
        crew = _Crew(workers, work, deque(jobs), deque(leaders))
        try:
            yield from crew.results()
        finally:
            crew.stop()

    return run


class _Doing(NamedTuple):
    """Who does which job; a row where it is a part of the leader that waits."""

    worker: "_Worker"
    job: Any
    row: int | None = None


class _Parts(NamedTuple):
    """What a leader sends in place of a result: jobs whose results it waits for."""

    work: Callable[[Any], Any]
    jobs: Sequence[Any]


@dataclasses.dataclass
class _Lot:
    """Parts that a leader waits for."""

    leader: _Doing
    parts: _Parts
    waiting: deque[int]
    results: dict[int, Any]


class _Crew:
    """Processes, what they do, and what is to be done; one leader at a time."""

    def __init__(self, workers: int, work: Callable[..., Any], jobs: deque[Any], leaders: deque[Any]) -> None:
        self._workers, self._work, self._jobs, self._leaders = workers, work, jobs, leaders
        self._idle, self._busy = list[_Worker](), dict[Connection, _Doing]()
        self._lot: _Lot | None = None
        self._leading: _Worker | None = None

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield each job with its result."""
        while self._begin():
            ready = set(wait([*self._busy]))
            for pipe in [pipe for pipe in self._busy if pipe in ready]:
                yield from self._heard(self._busy.pop(pipe))

    def stop(self) -> None:
        """End all processes, whatever they are doing."""
        asleep = [self._lot.leader.worker] if self._lot else []
        for worker in [*self._idle, *asleep, *(doing.worker for doing in self._busy.values())]:
            worker.stop()

    def _begin(self) -> bool:
        """Give work to whoever may have some; say whether anybody is at work."""
        while len(self._busy) < self._workers and (found := self._next()):
            doing, message = found
            self._busy[doing.worker.pipe] = doing
            with contextlib.suppress(OSError):  # one that died while idle: its pipe says so later
                doing.worker.pipe.send(message)
        return bool(self._busy)

    def _next(self) -> tuple[_Doing, Any] | None:
        """Return who is to do what next, and what to tell it: what a leader waits for goes before all."""
        lot = self._lot
        if lot and len(lot.results) == len(lot.parts.jobs):
            self._lot = None
            return lot.leader, [lot.results[row] for row in range(len(lot.parts.jobs))]
        if lot and lot.waiting:
            row = lot.waiting.popleft()
            job = lot.parts.jobs[row]
            return _Doing(self._free(), job, row), (lot.parts.work, job, None)
        if self._leaders and self._leading is None:
            self._leading, job = self._free(), self._leaders.popleft()
            return _Doing(self._leading, job), (self._work, job, self._workers)
        if self._jobs:
            job = self._jobs.popleft()
            return _Doing(self._free(), job), (self._work, job, None)
        return None

    def _free(self) -> "_Worker":
        return self._idle.pop() if self._idle else _Worker()

    def _heard(self, doing: _Doing) -> Iterator[tuple[Any, Any]]:
        """Take what a process says; yield what is a result for who asked."""
        try:
            result = doing.worker.pipe.recv()
        except (EOFError, OSError):
            result = Lost("batch.worker_died", {"code": doing.worker.ended()})
        else:
            if isinstance(result, _Parts):
                self._lot = _Lot(doing, result, deque(range(len(result.jobs))), {})
                return
            self._idle.append(doing.worker)
        if self._lot and doing.row is not None:
            self._lot.results[doing.row] = result
            return
        if doing.worker is self._leading:
            self._leading = None
        yield doing.job, result


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


class _Asking(NamedTuple):
    """Has the parts of a leader done by who is at the other end of its pipe."""

    pipe: Connection
    workers: int

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J]) -> list[R | Lost]:
        self.pipe.send(_Parts(work, jobs))
        return self.pipe.recv()  # type: ignore[no-any-return]


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that was typed; it ends this one
    end_with_parent()
    with contextlib.suppress(EOFError, OSError):
        while True:
            work, job, workers = pipe.recv()
            spread = [] if workers is None else [_Asking(pipe, workers)]
            pipe.send(answer(work, job, *spread))
