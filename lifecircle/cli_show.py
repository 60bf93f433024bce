"""What can be typed to see which cities, standards and kinds of facility are known?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from lifecircle.cli_terminal import LANG, errors_in, system_language
from lifecircle.errors import LifecircleError
from lifecircle.messages import clean, listed, say

if TYPE_CHECKING:
    from lifecircle.catalog import Preset


@click.command("list")
@click.argument("what", type=click.Choice(["cities", "standards", "kinds"]), default="cities")
@LANG
def list_known(what: str, lang: str | None) -> None:
    """List the cities, the standards or the kinds of facility that can be named.

    \b
    lifecircle list cities
    lifecircle list standards
    lifecircle list kinds
    """
    rows = {"cities": _cities, "standards": _standards, "kinds": _kinds}[what]
    lang = lang or system_language()
    for row in rows(lang):
        click.echo("\t".join(listed([fact], lang) for fact in row))  # cleaned, and no list of limits cut off


def _cities(lang: str) -> Iterator[tuple[str, ...]]:
    from lifecircle.catalog import NoDataError, find_city, list_cities, load_presets

    presets = load_presets()
    for name in sorted({*list_cities(), *presets}):
        try:
            city = find_city(name)
            yield name, city.name[lang], city.data, str(city.folder)
        except NoDataError:
            yield name, presets[name].name[lang], *_facts(presets[name], lang)
        except LifecircleError as error:  # one broken folder must not hide the others
            yield name, error.in_language(lang)


def _facts(place: "Preset", lang: str) -> Iterator[str]:
    """Yield what is known of a place whose data is not here."""
    yield say("city.preset_outline" if place.outline_name else "city.preset_open", lang)
    if place.level == "project":
        yield place.creation_type or say("city.creation_unknown", lang)
    if place.area_ha is not None:
        yield say("city.preset_ha", lang, value=place.area_ha, grade=place.grade)
    if place.population is not None:
        yield say("city.preset_people", lang, value=place.population, grade=place.grade)


def _standards(lang: str) -> Iterator[tuple[str, ...]]:
    from lifecircle.catalog import list_standards, load_standard
    from lifecircle.render.limits_text import limits_listed

    for name in list_standards():
        standard = load_standard(name)
        yield name, standard.label(lang), limits_listed(standard, lang)


def _kinds(lang: str) -> Iterator[tuple[str, ...]]:
    from lifecircle.catalog import load_kinds
    from lifecircle.render.standard_text import ages_label

    for kind in load_kinds().values():
        scene = say(f"standard.scene_{kind.scene}", lang)
        yield kind.id, kind.label(lang), scene, ages_label(kind.ages, lang), *kind.typecodes


@click.command("show")
@click.argument("what", type=click.Choice(["standard", "kind"]))
@click.argument("name")
@LANG
def show_known(what: str, name: str, lang: str | None) -> None:
    """Show all that a standard says, each number with its grade and source; or how a kind is recognised.

    \b
    lifecircle show standard gb50180-2018
    lifecircle show standard my-standard.toml
    lifecircle show kind day_care
    """
    lang = lang or system_language()
    with errors_in(lang):
        for line in _standard(name, lang) if what == "standard" else _kind(name, lang):
            click.echo(line)


def _standard(name: str, lang: str) -> Iterator[str]:
    from lifecircle.catalog import load_standard
    from lifecircle.render.standard_text import standard_rows

    standard = load_standard(name)
    yield say("standard.heading", lang, name=standard.label(lang), id=standard.id)
    yield say("standard.source", lang, source=standard.source or "–")
    for note in standard.notes:
        yield say("standard.note", lang, note=note[lang])
    if any(service.in_metres for service in standard.services):
        yield say("standard.note", lang, note=say("report.metres", lang))
    yield say("standard.grades", lang)
    ids = {one.label(lang): one.id for one in (*standard.services, *standard.unmeasured)}
    about = ""
    for row in standard_rows(standard, lang):
        if row.about != about:
            about = row.about
            yield ""
            yield say("standard.heading", lang, name=about, id=ids[about]) if about in ids else clean(about)
        yield say("standard.line_graded" if row.grade else "standard.line", lang, **row._asdict())


def _kind(name: str, lang: str) -> Iterator[str]:
    from lifecircle.catalog import find_kind
    from lifecircle.render.standard_text import ages_label

    kind = find_kind(name)
    osm, osm_except = (
        [" + ".join(f"{key}={value}" for key, value in rule.items()) for rule in rules]
        for rules in (kind.osm, kind.osm_except)
    )
    closer = [find_kind(other).label(lang) for other in kind.name_may_say]
    facts = {
        "scene": [say(f"standard.scene_{kind.scene}", lang)],
        "whom": [ages_label(kind.ages, lang)],
        "direction": [say("standard.to_home", lang)] if kind.direction == "to_home" else [],
        "known_osm": osm,
        "known_osm_except": osm_except,
        "known_typecodes": kind.typecodes,
        "known_keywords": kind.keywords,
        "known_name_may_say": closer,
    }
    yield say("standard.heading", lang, name=kind.label(lang), id=kind.id)
    pace = say("standard.mps", lang, value=kind.pace_mps)
    sourced = {"grade": kind.pace_grade, "source": kind.pace_source}
    yield say("standard.line_graded", lang, what=say("standard.pace", lang), value=pace, **sourced)
    for fact, values in facts.items():
        if values:
            what = say(f"standard.{fact}", lang)
            yield say("standard.line", lang, what=what, value=listed(values, lang))
