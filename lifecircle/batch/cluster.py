"""How do the workers of a Dask cluster do the work? The only file that knows Dask."""

import contextlib
import dataclasses
import logging
import platform
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lifecircle import __version__
from lifecircle.batch.work import Lost, answer
from lifecircle.errors import DataError, FetchError
from lifecircle.sources.kept_city import program

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_S = 20.0
"""How long a scheduler, and its first worker, may take to answer."""
J = TypeVar("J")
R = TypeVar("R")
_PARTS_FIRST = 2
"""What a leader waits for goes before leaders, and these before all else."""


class _Other(NamedTuple):
    """The versions of a worker that are not those of the client."""

    worker: str
    versions: dict[str, str]


@contextlib.contextmanager
def cluster(address: str, *, connect_s: float = CONNECT_S) -> Iterator["ClusterRunner"]:
    """Give a runner whose work is done by the workers of a scheduler that is running.

    A worker that is killed has its jobs done by another, up to three times; where the scheduler is gone, what
    is not done is `Lost`.

    Parameters
    ----------
    address
        Of the scheduler, such as ``"tcp://10.0.0.1:8786"``. It and its workers are trusted: see
        ``docs/security.md``.
    connect_s
        Seconds to wait for the scheduler, and for its first worker.

    Raises
    ------
    DataError
        If Dask is not installed, or client and workers are not of the same versions.
    FetchError
        If no scheduler answers, or it has no worker.
    """
    try:
        import distributed  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise DataError("batch.no_dask") from error
    with _quiet(), contextlib.ExitStack() as stack:
        try:
            client = distributed.Client(address, timeout=connect_s, set_as_default=False)
        except (OSError, ValueError) as error:  # ValueError: no such kind of address
            raise FetchError("batch.no_scheduler", address=address, cause=error) from error
        stack.callback(_close, client)
        try:
            client.wait_for_workers(1, timeout=connect_s)
        except TimeoutError as error:
            raise FetchError("batch.no_workers", address=address) from error
        _check_versions(client, address)
        yield ClusterRunner(client, address)


def _close(client: "Client") -> None:
    """Close a client; one whose scheduler is gone says so at length when the process ends."""
    if client.status != "running":
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL + 1)
    client.close(timeout=2)


@dataclasses.dataclass(frozen=True)
class ClusterRunner:
    """A `Runner` whose work is done by a cluster."""

    client: "Client"
    address: str

    def __call__(
        self, work: Callable[..., R], jobs: Sequence[J], leaders: Sequence[J] = ()
    ) -> Generator[tuple[J, R | Lost], None, None]:
        """Do jobs; see `Runner`."""
        return _run(self.client, self.address, work, jobs, leaders)

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return len(self.client.nthreads())

    @property
    def memory_bytes(self) -> int | None:
        """What all workers together may take now, by what each was told; None where one was told nothing."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [worker["memory_limit"] for worker in workers]
        return sum(limits) if limits and all(limits) else None


def _run(
    client: "Client", address: str, work: Callable[..., R], jobs: Sequence[J], leaders: Sequence[J]
) -> Generator[tuple[J, R | Lost], None, None]:
    from distributed import as_completed  # noqa: PLC0415 - as above
    from distributed.client import ClosedClientError  # noqa: PLC0415

    ours, ahead = _versions(), deque(leaders)
    job_of: dict[Any, J] = {}
    done = as_completed(loop=client.loop)

    def submit(job: J, *spread: object) -> Any:
        """Return the key of what a job is to become, None where nobody takes jobs any more."""
        try:
            future = client.submit(_answer, ours, work, job, *spread, pure=False, priority=len(spread))
        except (OSError, RuntimeError, ClosedClientError):
            return None
        job_of[future.key] = job
        done.add(future)
        return future.key

    leading = submit(ahead[0], _Dealt(ours)) if ahead else None
    refused = [job for job in jobs if submit(job) is None]
    for future in done:
        result = _result(future, address)
        if isinstance(result, _Other):
            raise _mismatch(address, ours, result)
        yield job_of[future.key], result
        if future.key == leading:
            ahead.popleft()
            gone = isinstance(result, Lost) and result.key == "batch.scheduler_lost"
            leading = submit(ahead[0], _Dealt(ours)) if ahead and not gone else None
        future.release()
    yield from ((job, Lost("batch.scheduler_lost", {"address": address})) for job in [*refused, *ahead])


class _Dealt(NamedTuple):
    """Has the parts of a leader, which is done by a worker of a cluster, done by all of them."""

    versions: dict[str, str]

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        from distributed import get_client  # noqa: PLC0415 - as above

        return len(get_client().nthreads())

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J]) -> list[R | Lost]:
        from distributed import wait, worker_client  # noqa: PLC0415 - as above

        with worker_client() as client:  # its place in the worker is free as long as it waits
            futures = [
                client.submit(_answer, self.versions, work, job, pure=False, priority=_PARTS_FIRST)
                for job in jobs
            ]
            wait(futures)
            address = client.scheduler.address
            return [self._told(_result(future, address), address) for future in futures]

    def _told(self, result: Any, address: str) -> Any:
        if not isinstance(result, _Other):
            return result
        error = _mismatch(address, self.versions, result)
        return Lost(error.key, error.values)


def _result(future: "Future", address: str) -> Any:
    """Return what became of a job."""
    if future.status == "finished":
        with contextlib.suppress(OSError):  # gone between the news and the result
            return future.result()
    if future.status != "error":
        return Lost("batch.scheduler_lost", {"address": address})
    error: Any = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Lost("batch.killed_worker")
    return Lost("batch.unexpected", {"cause": f"{type(error).__name__}: {error}"})


def _answer(wanted: dict[str, str], work: Callable[..., R], *job: object) -> R | Lost | _Other:
    """Do a job on a worker, which may have come after the versions of all were compared."""
    here = _versions()
    if here != wanted:
        from distributed import get_worker  # noqa: PLC0415 - as above

        return _Other(get_worker().address, here)
    return answer(work, *job)


def _check_versions(client: "Client", address: str) -> None:
    """Refuse workers that would not make the results this computer makes."""
    try:
        found = client.run(_versions, on_error="return")
    except OSError as error:
        raise FetchError("batch.scheduler_lost", address=address) from error
    for worker, there in found.items():
        if not isinstance(there, dict):  # mostly that lifecircle is not installed there
            raise DataError("batch.no_lifecircle", worker=worker, cause=f"{type(there).__name__}: {there}")
        if there != (ours := _versions()):
            raise _mismatch(address, ours, _Other(worker, there))


def _mismatch(address: str, ours: dict[str, str], other: _Other) -> DataError:
    names = [name for name in {**ours, **other.versions} if ours.get(name) != other.versions.get(name)]
    told = ", ".join(f"{name} {other.versions.get(name, '–')} ≠ {ours.get(name, '–')}" for name in names)
    return DataError("batch.versions", address=address, worker=other.worker, versions=told)


def _versions() -> dict[str, str]:
    """Return the versions here of all that may show in a result, by name."""
    import distributed  # noqa: PLC0415 - as above

    text, geos, proj, *libraries = program()
    return {
        "lifecircle": f"{__version__} ({text[:8]})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "GEOS": geos,
        "PROJ": proj,
        **dict(library.split(" ", 1) for library in libraries),
        "distributed": distributed.__version__,
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from telling at length what is one line of ours."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="distributed")  # versions differ
        try:
            yield
        finally:
            logger.setLevel(before)
