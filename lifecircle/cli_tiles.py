"""How is a region cut into tiles, by the words typed, and who works on them?"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifecircle.cli_terminal import system_language
from lifecircle.messages import say

if TYPE_CHECKING:
    from lifecircle.sources.tiles import Run, Tiling

_MOST_WORKERS = 256
_UNITS = {"%": 0.01, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def tiles_option(_context: click.Context, _option: click.Parameter, value: str | None) -> int | str | None:
    """Return a number of tiles, or ``auto``."""
    if value is None or value.lower() == "auto":
        return value and "auto"
    if not re.fullmatch(r"[1-9]\d{0,4}", value):
        raise click.BadParameter(say("tiles.bad_number", system_language(), value=value))
    return int(value)


def memory_option(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return a share of the machine's memory, or an amount."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|MB|GB|TB)", value.strip().upper())
    if not found or not float(found[1]) > 0 or (found[2] == "%" and float(found[1]) > 100):  # noqa: PLR2004 - 100 %
        raise click.BadParameter(say("tiles.bad_memory", system_language(), value=value))
    return found[1] + found[2]


def tile_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how a region is cut into tiles."""
    for option in (
        click.option(
            "--memory",
            default="60%",
            show_default=True,
            callback=memory_option,
            help="With --tiles: what all workers together may take, such as 8GB, or of this machine.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, _MOST_WORKERS),
            help="With --tiles: processes at once.  [default: as many as processors and memory allow]",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="With --tiles: a running Dask cluster that sees the folder of the results, such as "
            "tcp://host:8786, in place of processes here.",
        ),
        click.option(
            "--tiles",
            metavar="auto|N",
            callback=tiles_option,
            help="Cut a region into so many tiles at least, measured by several processes; "
            "auto: as many as memory asks for.",
        ),
    ):
        command = option(command)
    return command


def check_tiling(options: Mapping[str, Any], lang: str, *, group: bool) -> None:
    """Refuse tiles of a group of cities, and what is said of tiles where there are to be none."""
    if options["tiles"] and group:
        raise click.UsageError(say("tiles.of_what", lang))
    if not options["tiles"]:
        for name in ("workers", "scheduler"):
            if options[name]:
                raise click.UsageError(say("tiles.without", lang, option=f"--{name}"))


@contextlib.contextmanager
def tiling_of(options: Mapping[str, Any], out: Path, lang: str) -> Iterator["Tiling | None"]:
    """Give who works on the tiles, None if there are to be none; at the end, say what that took.

    Their files lie beside the results, where there is room for these, and are removed; those of a run that
    was killed by the next one with the same results.
    """
    if not options["tiles"]:
        yield None
        return
    from lifecircle.sources.tiles import Tiling
    from lifecircle.staging import staged

    place = out.absolute()
    with staged(place.with_name(f"{place.name}.tiles")) as (folder, _), _runner(options) as (run, workers):
        tiles = None if options["tiles"] == "auto" else options["tiles"]
        tiling = Tiling(
            folder,
            tiles=tiles,
            workers=workers,
            memory_bytes=bytes_of(options["memory"]),
            run=run,
        )
        yield tiling
        if tiling.done:
            click.echo(say("tiles.done", lang, **tiling.cost), err=True)


@contextlib.contextmanager
def _runner(options: Mapping[str, Any]) -> Iterator[tuple["Run", int]]:
    """Give who works on the tiles, and how many they are."""
    if options["scheduler"]:
        from lifecircle.batch.lots import tiles_on

        with tiles_on(options["scheduler"]) as (run, workers):
            yield run, options["workers"] or max(workers, 1)
        return
    from lifecircle.sources.tiles import processes

    workers = options["workers"] or workers_for(bytes_of(options["memory"]))
    with processes(workers) as run:
        yield run, workers


def workers_for(memory_bytes: int | None) -> int:
    """Return how many processes this computer has processors for, each with memory for the smallest tiles."""
    from lifecircle.sources.tiles import LEAST_BYTES

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = memory_bytes // LEAST_BYTES if memory_bytes else processors
    return max(1, min(processors, room, _MOST_WORKERS))


def bytes_of(memory: str, whole: int | None = None) -> int | None:
    """Return the bytes of an amount of memory, or of a share.

    Parameters
    ----------
    memory
        As `memory_option` returns it.
    whole
        What a share is of; where None all of this machine, and if that is not known so is the result.
    """
    from lifecircle.sources.memory import memory_here

    found = re.fullmatch(r"([\d.]+)(\D+)", memory)
    number, unit = (found[1], found[2]) if found else ("60", "%")
    whole = (whole or memory_here() or 0) if unit == "%" else 1
    return int(float(number) * _UNITS[unit] * whole) or None
