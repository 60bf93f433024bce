"""What can be typed so that a run also lists projects (项目库)?"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from lifecircle.cli_terminal import FILE, limits_of
from lifecircle.messages import clean, say
from lifecircle.ranges import MOST_PROJECTS_RANGE

if TYPE_CHECKING:
    from lifecircle.catalog import CityFiles, LayerFile
    from lifecircle.report import Report

CANDIDATES = click.option(
    "--candidates", type=FILE, help="Plots and buildings that could take one (idle land, 公房, 腾退地)."
)


def projects_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for a project list."""
    for option in (
        click.option(
            "--measures", type=FILE, help="Table of what measures cost and take (measures.toml, from init)."
        ),
        CANDIDATES,
        click.option(
            "--most-projects",
            type=click.IntRange(*MOST_PROJECTS_RANGE),
            help="How many projects to list at most.  [default: 30]",
        ),
        click.option(
            "--projects",
            is_flag=True,
            help="List what to do about each gap, and the projects in order (项目库); "
            "also with --candidates, --measures or --most-projects.",
        ),
    ):
        command = option(command)
    return command


def are_asked(options: Mapping[str, Any]) -> bool:
    """Say whether a project list is wanted."""
    return any(options[one] for one in ("projects", "candidates", "measures", "most_projects"))


def check_asked(options: Mapping[str, Any], files: "CityFiles | None") -> None:
    """Refuse what a project list cannot be made of, before minutes of work.

    Raises
    ------
    LifecircleError
        If a file is missing or wrong.
    """
    from lifecircle.catalog import load_standard
    from lifecircle.catalog.measures_file import find_creation, load_measures
    from lifecircle.errors import FileError

    if not are_asked(options):
        return
    standard = load_standard(options["standard"])
    own = files.measures if files else None
    load_measures(options["measures"] or own, services=[service.id for service in standard.services])
    if files and files.creation_type:
        find_creation(files.creation_type, standard)
    layer = candidates_file(options) or (files.candidates if files else None)
    if layer and not layer.path.is_file():
        raise FileError("tables.missing_file", path=layer.path)


def candidates_file(options: Mapping[str, Any]) -> "LayerFile | None":
    """Return the list of candidates that was typed, with its datum."""
    from lifecircle.catalog import LayerFile

    if options["candidates"] is None:
        return None
    return LayerFile(options["candidates"], datum=options["datums"].get("candidates"))


def listed(report: "Report", options: Mapping[str, Any]) -> "Report":
    """Return the report with its project list, and say what of the candidates was left out."""
    from lifecircle.analysis import with_projects

    def tell(item: str, count: int, detail: str) -> None:
        click.echo(f"\n{say(item, report.lang)}: {count} ({clean(detail)})", err=True)

    return with_projects(
        report,
        candidates=candidates_file(options),
        measures=options["measures"],
        limits=limits_of(options),
        most=options["most_projects"],
        note=tell,
    )
