"""What is asked of whoever does the work, a process here or a worker of a cluster, and what may come back?

Runners know nothing of cities: a job is any small value that can be sent, the work any function of a module.
A job may be so large that it hands out parts of itself: then it is a *leader*, which waits for its parts
without taking the place of whoever could do them.
"""

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol, TypeVar

from lifecircle.errors import LifecircleError
from lifecircle.messages import LANGUAGES, say

J = TypeVar("J")
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Lost:
    """What comes of a job that gave no result: a message."""

    key: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def message(self) -> dict[str, str]:
        """Return it in every language."""
        return {lang: say(self.key, lang, **self.values) for lang in LANGUAGES}


class Spread(Protocol):
    """Has the parts of a leader done by the workers of its runner, and returns what became of each."""

    @property
    def workers(self) -> int:
        """How many parts may be done at once."""

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J]) -> list[R | Lost]: ...  # noqa: D102 - as above


class Runner(Protocol):
    """Does jobs, in any order; each is yielded once, as soon as it is done, with its result or as `Lost`.

    Leaders are begun before the others and one after another: what they hold while they wait is large. Their
    work is called with a `Spread`, too.
    """

    def __call__(  # noqa: D102 - said above
        self, work: Callable[..., R], jobs: Sequence[J], leaders: Sequence[J] = ()
    ) -> Generator[tuple[J, R | Lost], None, None]: ...


def answer(work: Callable[..., R], *job: object) -> R | Lost:
    """Return what the work makes of a job; what nobody foresaw ends that job, not the others."""
    try:
        return work(*job)
    except MemoryError:
        return Lost("memory.exhausted")
    except LifecircleError as error:  # of a part: whose leader it is says it
        return Lost(error.key, error.values)
    except Exception as error:  # noqa: BLE001 - a fault of ours in one city must not take ninety with it
        return Lost("batch.unexpected", {"cause": f"{type(error).__name__}: {error}"})
