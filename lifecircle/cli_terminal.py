"""How does the command line speak: language, options that several commands share, errors, steps and times?"""

import contextlib
import dataclasses
import locale
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from lifecircle.errors import LifecircleError
from lifecircle.messages import LANGUAGES, clean, say
from lifecircle.render.formats import FORMATS

if TYPE_CHECKING:
    from lifecircle.analysis import StepClock
    from lifecircle.city import City
    from lifecircle.sources.kept_city import KeptCities
    from lifecircle.sources.opening import Limits

LANG = click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the results: zh (中文) or en.")
FILE = click.Path(path_type=Path)
NO_CACHE = click.option(
    "--no-cache", is_flag=True, help="Read every file again, and keep nothing for the next time."
)
ROUND_TRIP = click.option(
    "--round-trip", is_flag=True, help="Count the walk there and back: limits hold for the sum of both ways."
)
FORMAT_WORDS = ",".join(FORMATS)


def minutes_option(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    """Return thresholds that were typed with commas."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in _parts(value))
    except ValueError as error:
        raise click.BadParameter(say("cli.bad_minutes", system_language(), value=value)) from error


def formats_option(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Return formats that were typed with commas, each once."""
    chosen = dict.fromkeys(part.strip().lower() for part in _parts(value or "") if part.strip())
    for name in chosen:
        if name not in FORMATS:
            message = say("export.unknown_format", system_language(), value=name, known=FORMAT_WORDS)
            raise click.BadParameter(message)
    return tuple(chosen)


def _parts(value: str) -> list[str]:
    return re.split("[,，]", value)


@contextlib.contextmanager
def signals_as_exits() -> Iterator[list[int]]:
    """Let signals that end a program unwind it first, as Ctrl-C does, so that nothing half-written stays.

    Yields the list of the signals that came: a library may make another error of Ctrl-C.
    """
    kinds = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = threading.current_thread() is threading.main_thread()
    before = {kind: signal.getsignal(kind) for kind in kinds if ours}
    came: list[int] = []
    print_error = sys.excepthook

    def leave(number: int, frame: FrameType | None) -> None:
        came.append(number)
        sys.excepthook = lambda *_: None  # compiled libraries print what they are stopped by
        if number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        raise SystemExit(128 + number)

    for kind, handler in before.items():
        if handler in {signal.SIG_DFL, signal.default_int_handler}:
            signal.signal(kind, leave)
    try:
        yield came
    finally:
        sys.excepthook = print_error
        for kind, handler in before.items():
            signal.signal(kind, handler)


def give_up_output() -> None:
    """Let what standard output still holds go nowhere: at the end it would be tried again, and fail again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def limits_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how much of a file is accepted."""
    for option in (
        click.option(
            "--max-dropped",
            type=click.IntRange(0, 100),
            metavar="PERCENT",
            help="How many of a file's rows may be unusable.  [default: 50]",
        ),
        click.option(
            "--max-file-mb",
            type=click.IntRange(1, 1_000_000),
            metavar="MB",
            help="Largest file to read, unpacked, if you trust them.  [default: lists 200, maps 4000]",
        ),
    ):
        command = option(command)
    return command


def limits_of(options: Mapping[str, Any]) -> "Limits":
    """Return the limits that were typed; a size that is chosen counts for every kind of file."""
    from lifecircle.sources.opening import LIMITS

    changes: dict[str, Any] = {}
    if (size := options["max_file_mb"]) is not None:
        changes = {"max_text_bytes": size * 1_000_000, "max_bytes": size * 1_000_000, "max_ratio": 1e6}
    if options["max_dropped"] is not None:
        changes["max_dropped_share"] = options["max_dropped"] / 100
    return dataclasses.replace(LIMITS, **changes)


def tell_memory(osm: Path, lang: str) -> None:
    """Say what a large file is going to take, before it is read."""
    from lifecircle.sources.memory import memory_note

    if note := memory_note(osm):
        click.echo(say("memory.needs", lang, **note), err=True)


def tell_alarms(city: "City", lang: str) -> None:
    """Say what is so wrong with a city's data that nobody may miss it."""
    from lifecircle.render.found import alarms_of

    for item, detail in alarms_of(city):
        click.echo(f"{say(item, lang)}: {clean(detail)}", err=True)


@contextlib.contextmanager
def errors_in(lang: str) -> Iterator[None]:
    """Turn our errors into one line in the user's language and exit code 1."""
    try:
        yield
    except LifecircleError as error:
        raise click.ClickException(error.in_language(lang)) from error


@contextlib.contextmanager
def numbered_steps(lang: str, steps: Sequence[str]) -> Iterator["StepClock"]:
    """Show each step as it begins, and its time when it ends."""
    from lifecircle.analysis import StepClock

    def show_time() -> None:
        if clock.seconds:
            click.echo(f" {list(clock.seconds.values())[-1]:.1f} s", err=True)

    def show(step: str) -> None:
        show_time()
        number = len(clock.seconds) + 1
        click.echo(f"[{number}/{len(steps)}] {say(f'cli.step_{step}', lang)} …", nl=False, err=True)

    clock = StepClock(show)
    try:
        yield clock
    finally:
        clock.stop()
        show_time()


@contextlib.contextmanager
def kept_cities(lang: str, *, no_cache: bool) -> Iterator["KeptCities | None"]:
    """Give where cities are kept, None if nothing is to be, and say at the end whether it was of use."""
    import platformdirs

    from lifecircle.sources.kept_city import KeptCities

    folder = platformdirs.user_cache_path("lifecircle", appauthor=False) / "cities"
    kept = None if no_cache else KeptCities(folder)
    yield kept
    if kept is not None and kept.used:
        click.echo(say("kept.used", lang), err=True)


@contextlib.contextmanager
def lines() -> Iterator[Callable[[str], None]]:
    """Show lines on stderr; one that only counts down is written over the last, off a terminal left out."""
    before = ""

    def tell(line: str) -> None:
        nonlocal before
        counting = re.sub(r"\d+", "", line) == re.sub(r"\d+", "", before)
        if not counting:
            click.echo(("\n" if before else "") + line, nl=False, err=True)
        elif sys.stderr.isatty():
            click.echo("\r" + line.ljust(len(before)), nl=False, err=True)
        before = line

    try:
        yield tell
    finally:
        if before:
            click.echo(err=True)


def language_of(*names: str | None) -> str:
    """Return the language of a place by the writing of its names."""
    return "zh" if re.search("[一-鿿]", "".join(name or "" for name in names)) else "en"


def system_language() -> str:
    """Return the language to speak before the city's is known: that of the system."""
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"
