"""How is a standard shown: each of its numbers with source and grade?"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lifecircle.kinds import Kind
from lifecircle.messages import listed, say
from lifecircle.requirement import Figure, Requirement
from lifecircle.standard import Service, Standard, Walker


class StandardRow(NamedTuple):
    """One thing that a standard says; what is no number has neither grade nor source."""

    about: str
    """The standard, a tier or a service."""
    what: str
    value: str
    grade: str = ""
    source: str = ""


def standard_rows(standard: Standard, lang: str) -> Iterator[StandardRow]:
    """Yield all that a standard says: its own figures, its tiers, its services, what cannot be measured."""
    target = standard.target
    what, enough = say("standard.target", lang), target.label(lang)
    yield StandardRow(standard.label(lang), what, enough, target.grade, target.source)
    yield from _figures(standard.label(lang), standard.figures, lang)
    for tier in standard.tiers:
        yield from _figures(tier.name[lang], tier.figures, lang)
    for one in (*standard.services, *standard.unmeasured):
        yield from _asked(one, standard, lang)


def figure_rows(standard: Standard, lang: str) -> Iterator[StandardRow]:
    """Yield the figures that a standard gives beside limits and paces, such as populations and sizes."""
    yield from _figures(standard.label(lang), standard.figures, lang)
    for tier in standard.tiers:
        yield from _figures(tier.name[lang], tier.figures, lang)
    for one in (*standard.services, *standard.unmeasured):
        yield from _figures(one.label(lang), one.figures, lang)


def ages_label(ages: str, lang: str) -> str:
    """Return whom a facility is for, such as ``ages 3-6``."""
    return say("standard.ages_all", lang) if ages == "all" else say("standard.ages", lang, ages=ages)


def _asked(one: Requirement, standard: Standard, lang: str) -> Iterator[StandardRow]:
    about = one.label(lang)
    tiers = {tier.id: tier.name[lang] for tier in standard.tiers}
    terms = [say("standard.required" if one.required else "standard.advised", lang)]
    terms += [tiers[one.tier]] if one.tier else []
    terms.append(ages_label(one.ages, lang))
    yield StandardRow(about, say("standard.terms", lang), listed(terms, lang))
    if isinstance(one, Service):
        for limit in one.limits:
            yield StandardRow(
                about, say("standard.within", lang), limit.label(lang), limit.grade, limit.source
            )
        pace = say("standard.mps", lang, value=one.pace_mps)
        yield StandardRow(about, say("standard.pace", lang), pace, one.pace_grade, one.pace_source)
        if one.to_home:
            yield StandardRow(about, say("standard.direction", lang), say("standard.to_home", lang))
        yield from _walker(about, one.walker, lang)
    elif not one.spacing:
        yield StandardRow(about, say("standard.within", lang), say("standard.not_measured", lang))
    if one.spacing:
        metres, grade, source = one.spacing.metres, one.spacing.grade, one.spacing.source
        value = say("standard.spacing_value", lang, value=metres)
        yield StandardRow(about, say("standard.spacing", lang), value, grade, source)
    yield from _figures(about, one.figures, lang)
    if one.kinds:
        yield StandardRow(about, say("standard.kinds", lang), _labels(one.kinds, lang))
    if one.optional_kinds:
        yield StandardRow(about, say("standard.optional_kinds", lang), _labels(one.optional_kinds, lang))


def _walker(about: str, walker: Walker, lang: str) -> Iterator[StandardRow]:
    """Yield what the users of a service find hard, if anything."""
    if walker.steps_factor > 1:
        factor = say("standard.steps_value", lang, factor=walker.steps_factor)
        yield StandardRow(about, say("standard.steps", lang), factor)
    if walker.avoid:
        yield StandardRow(
            about,
            say("standard.avoid", lang),
            listed((say(f"standard.avoid_{word}", lang) for word in walker.avoid), lang),
        )
    if walker.max_slope is not None:
        yield StandardRow(about, say("standard.max_slope", lang), f"{walker.max_slope:g}")


def _figures(about: str, figures: Iterable[Figure], lang: str) -> Iterator[StandardRow]:
    missing = say("standard.missing", lang)
    for one in figures:
        yield StandardRow(about, one.name[lang], one.shown(missing), one.grade, one.source)


def _labels(kinds: Iterable[Kind], lang: str) -> str:
    return listed((kind.label(lang) for kind in kinds), lang)
