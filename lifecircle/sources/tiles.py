"""How is a region measured in tiles, by several workers, with the result of one?

The contract (work in progress; the signatures stay):

A region is measured by the ordinary flow (`lifecircle.analyze`) with a `Tiling`; what takes time and memory
becomes *tasks*, all else stays as it is. A task is a row of plain values for `measure_tile`: a folder, the
name of a tile, and the name of the work. Its inputs lie in the folder, it writes its result there atomically
and returns a small dictionary. So a task may run anywhere where the folder is seen: here, in a process, on a
Dask worker. Tasks of one lot do not depend on one another, and one that is done twice writes the same.

``Tiling.run`` is given a lot of tasks and returns their summaries in the same order; by default they run one
after the other. With processes or Dask::

    Tiling(folder, run=lambda tasks: list(pool.map(measure_tile, *zip(*tasks))))
    Tiling(folder, run=lambda tasks: client.gather(client.map(measure_tile, *zip(*tasks))))
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Task = tuple[str, str, str]
"""Arguments of `measure_tile`: folder, tile, work."""


@dataclass(frozen=True)
class Tiling:
    """Into how many tiles a region is cut, where their files lie, and who works on them.

    Attributes
    ----------
    folder
        For the files of the tiles; every worker must see it by this name.
    tiles
        At least so many; None for as many as memory and workers ask for.
    workers
        How many tasks run at once.
    memory_bytes
        What one worker may take; None for 60 % of the machine, shared by the workers.
    run
        Does a lot of tasks.
    """

    folder: Path
    tiles: int | None = None
    workers: int = 1
    memory_bytes: int | None = None
    run: Callable[[Sequence[Task]], list[dict[str, Any]]] | None = None


def plan_tiles(folder: Path, *, at_least: int, memory_bytes: int) -> list[str]:
    """Return the names of the tiles, cut until each fits; called once the file was heard."""
    raise NotImplementedError


def measure_tile(folder: str, tile: str, work: str) -> dict[str, Any]:
    """Do one piece of work on one tile, write its result, and return tile, work, rows, seconds, peak_mb."""
    raise NotImplementedError


def merge_tiles(folder: Path, tiles: Sequence[str], work: str) -> Any:  # noqa: ANN401
    """Return what the tiles' results of one work make together, in the order of the untiled run."""
    raise NotImplementedError
