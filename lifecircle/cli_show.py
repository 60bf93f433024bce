"""What can be typed to read a standard: every number with its source and grade."""

from typing import TYPE_CHECKING

import click

from lifecircle.cli_terminal import LANG, errors_in, system_language
from lifecircle.messages import clean, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lifecircle.standard import Service, Standard


@click.command("show")
@click.argument("what", type=click.Choice(["standard"]))
@click.argument("name")
@LANG
def show_known(what: str, name: str, lang: str | None) -> None:  # noqa: ARG001 - the one thing there is
    """Show a standard: its services with limits, paces, sources and grades.

    \b
    lifecircle show standard life-circle
    lifecircle show standard own.toml --lang zh
    """
    lang = lang or system_language()
    with errors_in(lang):
        from lifecircle.catalog import load_standard

        standard = load_standard(name)
    for line in _lines(standard, lang):
        click.echo(line)


def _lines(standard: "Standard", lang: str) -> "Iterator[str]":
    yield f"{clean(standard.id)}\t{clean(standard.label(lang))}"
    for service in standard.services:
        yield ""
        yield f"{service.id}\t{clean(service.label(lang))}"
        for name, value in _facts(service, lang):
            yield f"  {name}\t{value}"
    yield ""
    yield say("report.note_grades", lang)


def _facts(service: "Service", lang: str) -> "Iterator[tuple[str, str]]":
    """Yield what is said of a service: name and value."""
    for limit in service.limits:
        yield say("show.limit", lang), _sourced(limit.label(lang), limit.grade, limit.source, lang)
    pace = say("show.pace_value", lang, pace=service.pace_mps)
    yield say("show.pace", lang), _sourced(pace, service.pace_grade, service.pace_source, lang)
    if service.in_metres:
        yield say("show.metres", lang), say("report.metres", lang)
    walker = service.walker
    if walker.steps_factor > 1:
        yield say("show.steps", lang), say("show.steps_value", lang, factor=walker.steps_factor)
    if walker.avoid:
        yield say("show.avoid", lang), ", ".join(walker.avoid)
    if walker.max_slope is not None:
        yield say("show.max_slope", lang), f"{walker.max_slope:g}"
    counts = {"tags": len(service.osm), "without": len(service.osm_except), "keywords": len(service.keywords)}
    yield say("show.known_by", lang), say("show.known_by_value", lang, **counts)


def _sourced(value: str, grade: str, source: str, lang: str) -> str:
    return say("show.sourced", lang, value=value, grade=grade, source=source)
