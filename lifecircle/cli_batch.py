"""What can be typed to measure many cities at once, and what is told of them?"""

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifecircle.cli_projects import are_asked, candidates_file
from lifecircle.cli_source import MAX_SNAP, overrides_of
from lifecircle.cli_terminal import (
    FILE,
    FORMAT_WORDS,
    LANG,
    NO_CACHE,
    errors_in,
    formats_option,
    language_of,
    limits_of,
    limits_options,
    minutes_option,
    system_language,
)
from lifecircle.cli_tiles import bytes_of, memory_option, tiles_option, workers_for
from lifecircle.messages import clean, listed, say

if TYPE_CHECKING:
    from lifecircle.batch.plan import Plan, Tiles
    from lifecircle.batch.task import Outcome, Projects, Task
    from lifecircle.batch.work import Runner
    from lifecircle.catalog import Preset

_LEFT = 2
"""Columns of the table that hold words."""


@click.command("batch")
@click.argument("plan", type=FILE, required=False)
@click.option("--cities", help="Names or folders of cities, with commas, or a group such as all-lishui.")
@click.option("--standard", "standards", multiple=True, help="Id or .toml file of a standard.")
@click.option("--minutes", callback=minutes_option, help="Minutes on foot for every service, such as 10,15.")
@limits_options
@MAX_SNAP
@click.option("--round-trip", is_flag=True, help="Count the walk there and back.")
@click.option(
    "--formats",
    callback=formats_option,
    metavar="FORMATS",
    help=f"What else to write for each city, with commas: {FORMAT_WORDS}.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes of this computer.  [default: as many as processors and memory allow]",
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="A running Dask cluster instead, such as tcp://host:8786."
)
@click.option(
    "--memory",
    default="60%",
    show_default=True,
    callback=memory_option,
    help="What all workers together may take, such as 8GB, or of this machine or the cluster.",
)
@click.option(
    "--tiles",
    metavar="auto|N",
    callback=tiles_option,
    help="Cut cities that would take more than a worker's share of the memory into tiles that all workers "
    "measure, as analyze does; N: cut every city into so many at least.",
)
@click.option(
    "--parts", is_flag=True, help="Also write all homes as one GeoParquet data set, parted by city and tile."
)
@click.option("--resume", is_flag=True, help="Do only what is missing, or whose files or settings changed.")
@click.option("--overwrite", is_flag=True, help="Replace earlier results in that folder.")
@click.option(
    "--out",
    metavar="FOLDER",
    help="Folder, or an address such as s3://….  [default: outputs/batch, or the plan's]",
)
@NO_CACHE
@LANG
@click.option(
    "--json", "as_json", is_flag=True, help="Print what became of each city as JSON, and nothing else."
)
def measure_many(**options: Any) -> None:
    """Measure many cities: each its own results, and one table and map of all.

    \b
    lifecircle batch --cities all-lishui --workers 2
    lifecircle batch plan.toml --scheduler tcp://10.0.0.1:8786 --resume
    """
    lang = options["lang"] or system_language()
    if bool(options["plan"]) == bool(options["cities"]) or (options["plan"] and options["standards"]):
        raise click.UsageError(say("batch.one_source", lang))
    if options["workers"] and options["scheduler"]:
        raise click.UsageError(say("batch.one_runner", lang))
    with errors_in(lang):
        from lifecircle.batch.plan import Plan, read_plan

        if options["plan"]:
            plan, called = read_plan(options["plan"]), options["plan"].stem
        else:
            cities = [
                name.strip() for name in options["cities"].replace("，", ",").split(",") if name.strip()
            ]
            plan = Plan(tuple(cities), options["standards"] or Plan.standards)
            called = cities[0] if len(cities) == 1 and cities[0].startswith("all-") else "batch"
        out = options["out"] or str(Path("outputs") / called)
        tasks, tiles = _tasks(plan, options, out), options["tiles"] or plan.tiles
    with errors_in(lang), _runner(tasks, options, tiles) as (run, workers, memory_bytes):
        if tiles:
            from lifecircle.batch.plan import cut_large

            tasks = cut_large(tasks, tiles, memory_bytes=memory_bytes, workers=workers)
            _tell_cut(tasks, lang)
        code = _run_and_tell(tasks, run, lang, as_json=options["as_json"])
    click.get_current_context().exit(code)


def _tell_cut(tasks: Sequence["Task"], lang: str) -> None:
    """Say which cities are cut into tiles."""
    names = dict.fromkeys(task.city for task in tasks if task.cut)
    if names:
        click.echo(say("batch.cut", lang, names=listed(names, lang)), err=True)


def measure_group(members: tuple["Preset", ...], options: Mapping[str, Any]) -> int:
    """Measure every place of a group that has data, one after another in this process; return the exit code.

    A place without data says so and how to get it, which is no error; one whose data is wrong says what is
    wrong, does not stop the others, and makes the exit code 1.

    Parameters
    ----------
    members
        The places, as `lifecircle.catalog.find_group` returns them.
    options
        What was typed for `lifecircle analyze`. Its folder of results gets a folder for each place.
    """
    lang = options["lang"] or language_of(members[0].name["zh"])
    with errors_in(lang):
        from lifecircle.batch.plan import Plan
        from lifecircle.batch.processes import in_turn

        plan = Plan((options["city"],), (options["standard"],))
        out = options["out"] or Path("outputs") / options["city"]
        tasks = _tasks(plan, {"parts": False, "resume": False, **options, "lang": lang}, str(out))
        return _run_and_tell(tasks, in_turn, lang, as_json=options["as_json"])


def _tasks(plan: "Plan", options: Mapping[str, Any], out: str) -> list["Task"]:
    from lifecircle.batch.plan import tasks_of
    from lifecircle.batch.store import is_address
    from lifecircle.batch.task import Choices, Task
    from lifecircle.render.formats import check_formats

    check_formats([*options["formats"], *(["parquet"] if options["parts"] else [])])
    choices = Choices(
        **{key: options[key] for key in ("minutes", "round_trip", "lang")},
        max_snap_m=options["max_snap"],
        limits=limits_of(options),
        **(_of_files(options) if "city" in options else {}),
    )
    common = Task(
        city="",
        source="",
        out=out if is_address(out) else str(Path(out).resolve()),
        choices=choices,
        formats=options["formats"],
        **{key: options[key] for key in ("parts", "resume", "overwrite")},
        keep=not options["no_cache"],
    )
    return tasks_of(plan, common)


def _of_files(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed for `lifecircle analyze` of files in the place of a city's own."""
    paths = {key: options[key] for key in ("elevation", "population", "barriers")}
    here = {key: path and path.resolve() for key, path in paths.items()}
    return {
        "crs": options["crs"],
        "sensitivity": options["sensitivity"],
        "projects": _projects(options),
        "overrides": dataclasses.replace(overrides_of(options), **here),
    }


def _projects(options: Mapping[str, Any]) -> "Projects | None":
    """Return on what project lists rest, by the words typed; None where none are asked for."""
    from lifecircle.batch.task import Projects

    if not are_asked(options):
        return None
    layer, measures = candidates_file(options), options["measures"]
    return Projects(
        candidates=layer and dataclasses.replace(layer, path=layer.path.resolve()),
        measures=measures and measures.resolve(),
        most=options["most_projects"],
    )


@contextlib.contextmanager
def _runner(
    tasks: Sequence["Task"], options: Mapping[str, Any], tiles: "Tiles | None"
) -> Iterator[tuple["Runner", int, int | None]]:
    """Give who does the work, how many they are, and what memory they may take together."""
    if options["scheduler"]:
        from lifecircle.batch.cluster import cluster

        with cluster(options["scheduler"]) as run:
            yield run, max(run.workers, 1), bytes_of(options["memory"], run.memory_bytes)
        return
    from lifecircle.batch.processes import local_processes

    memory_bytes = bytes_of(options["memory"])
    workers = options["workers"] or _workers_here(tasks, memory_bytes, tiles)
    yield local_processes(workers), workers, memory_bytes


def _workers_here(tasks: Sequence["Task"], memory_bytes: int | None, tiles: "Tiles | None") -> int:
    """Return how many processes this computer has processors and, for the largest city, memory for."""
    from lifecircle.batch.plan import memory_of_largest

    workers, needed = workers_for(memory_bytes), memory_of_largest(tasks)
    if tiles:  # what is too large for its share is cut
        return workers
    room = memory_bytes // needed if memory_bytes and needed else workers
    return max(1, min(workers, room, len(tasks)))


def _run_and_tell(tasks: Sequence["Task"], run: "Runner", lang: str, *, as_json: bool) -> int:
    from lifecircle.batch.batch import run_batch
    from lifecircle.batch.task import as_record

    seen: list[Outcome] = []

    def progress(outcome: "Outcome", done: int) -> None:
        seen.append(outcome)
        click.echo(_line(outcome, _called(seen, lang)[-1], f"{done}/{len(tasks)}", lang), err=True)

    result = run_batch(tasks, tasks[0].out, run=run, lang=lang, progress=progress)
    if as_json:
        told = [
            as_record(outcome) | {"rows": _plain(outcome.found.rows) if outcome.found else []}
            for outcome in result.outcomes
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        for line in _table(result.outcomes, lang):
            click.echo(line)
    for path in result.files.values():
        click.echo(path, err=as_json)
    return int(any(outcome.is_failure for outcome in result.outcomes))


def _plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them."""
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]  # noqa: PLR0124 - nan


def _line(outcome: "Outcome", name: str, done: str, lang: str) -> str:
    """Return the line that says that a city is done."""
    state = say(f"batch.state_{outcome.state}", lang)
    about: dict[str, Any] = {"done": done, "name": name, "state": state}
    if outcome.found is None:
        return say("batch.line_failed", lang, **about, reason=outcome.message[lang])
    line = say("batch.line", lang, **about, seconds=outcome.seconds, memory=_memory(outcome, lang))
    alarm = outcome.found.alarm(lang)
    return say("batch.line_alarm", lang, line=line, alarm=alarm) if alarm else line


def _called(outcomes: Sequence["Outcome"], lang: str) -> list[str]:
    """Return the name of each city, with its standard and scenario where there are several."""
    from lifecircle.batch.task import as_units

    names = [unit.name[lang] for unit in as_units(outcomes)]
    variants = [outcome.task.variant.replace("/", ", ") for outcome in outcomes]
    return [f"{name} ({variant})" if variant else name for name, variant in zip(names, variants, strict=True)]


def _memory(outcome: "Outcome", lang: str) -> str:
    value = outcome.peak_memory_mb
    return "–" if value is None else say("batch.memory", lang, value=value)


def _table(outcomes: Sequence["Outcome"], lang: str) -> Iterator[str]:
    """Yield the lines of the table at the end, its columns one under another."""
    from lifecircle.render.workbook import cells_of

    heads = ("name", "service", "denominator", "total", "share_covered", "gaps", "seconds", "memory")
    rows = [
        [say(f"batch.column_{head}", lang) for head in heads],
        *(
            row
            for one, name in zip(outcomes, _called(outcomes, lang), strict=True)
            for row in _rows(one, clean(name), lang)
        ),
    ]
    whole = [row for row in rows if len(row) == len(heads)]
    widths = [max(cells_of(row[column]) for row in whole) for column in range(len(heads))]
    for row in rows:
        cells = []
        for column, cell in enumerate(row):
            gap = " " * (widths[column] - cells_of(cell))
            cells.append(cell + gap if column <= _LEFT or len(row) < len(heads) else gap + cell)
        yield "  ".join(cells).rstrip()


def _rows(outcome: "Outcome", name: str, lang: str) -> Iterator[list[str]]:
    found = outcome.found
    if found is None:
        yield [name, say(f"batch.state_{outcome.state}", lang), clean(outcome.message[lang])]
        return
    cost = [
        f"{outcome.seconds:.1f}",
        "–" if outcome.peak_memory_mb is None else f"{outcome.peak_memory_mb:.0f}",
    ]
    for row, (service, limit) in zip(found.rows, found.standard.pairs, strict=True):
        share = row["share_covered"]
        yield [
            name,
            clean(f"{service.label(lang)} {limit.label(lang)}"),
            say(f"map.unit_{row['denominator']}", lang),
            f"{row['total']:,.0f}",
            f"{share:.1%}" if share == share else "–",  # noqa: PLR0124 - nan
            str(row["gaps"]),
            *cost,
        ]
