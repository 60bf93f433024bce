"""How are limits said, where services differ: some in minutes, some in metres, and not all alike?"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lifecircle.kinds import GRADES
from lifecircle.messages import listed, say
from lifecircle.standard import Limit, Service, Standard, limits_label

if TYPE_CHECKING:
    import pandas as pd


def shared_limits(standard: Standard) -> tuple[Limit, ...]:
    """Return the limits that all services have, empty where they differ; sources may differ."""
    first = standard.services[0].limits
    return first if all(_alike(service.limits, first) for service in standard.services) else ()


def shared_longest(standard: Standard) -> Limit | None:
    """Return the longest limit that all services have, None where they differ."""
    one = standard.services[0].longest
    return one if all(_alike([service.longest], [one]) for service in standard.services) else None


def say_longest(key: str, standard: Standard, lang: str, **values: object) -> str:
    """Return a message about the longest limit of every service.

    Parameters
    ----------
    key
        Of the message where that is one and the same, with ``{limit}`` (such as ``15 min``) or ``{words}``
        (``15 minutes``); with ``_each`` behind it, of the message where services differ.
    standard, lang
        Whose, and in which language.
    **values
        What else the message says.
    """
    one = shared_longest(standard)
    if one is None:
        return say(f"{key}_each", lang, **values)
    return say(key, lang, limit=one.label(lang), words=one.words(lang), **values)


def limits_listed(standard: Standard, lang: str) -> str:
    """Return all limits, such as ``10, 15 min``, or ``500 m for Kindergarten; 10, 15 min for Clinic``."""
    if shared_limits(standard):
        return standard.services[0].limits_label(lang)
    return _of_each([(service, service.limits) for service in standard.services], lang)


def threshold_notes(standard: Standard, lang: str) -> list[str]:
    """Return all limits with their sources and grades: a sentence for each source."""
    by_source: dict[tuple[str, str], dict[str, list[Limit]]] = {}
    for service, limit in standard.pairs:
        of_service = by_source.setdefault((limit.source, limit.grade), {})
        of_service.setdefault(service.id, []).append(limit)
    said = []
    for (source, grade), of_service in by_source.items():
        parts = [(standard.service(name), limits) for name, limits in of_service.items()]
        alike = len(parts) == len(standard.services) and all(_alike(one, parts[0][1]) for _, one in parts)
        limits = limits_label(parts[0][1], lang) if alike else _of_each(parts, lang)
        said.append(say("report.thresholds", lang, limits=limits, source=source, grade=grade))
    return said


def target_note(standard: Standard, lang: str) -> str:
    """Return how much of a community must be covered, with source and grade."""
    one = standard.target
    return say("limits.target", lang, enough=one.label(lang), source=one.source, grade=one.grade)


def paces_listed(standard: Standard, lang: str) -> str:
    """Return the paces of its services with their grades, but of those that are met in metres none."""
    paces = (
        say(
            "print.pace_none" if service.in_metres else "print.pace",
            lang,
            service=service.label(lang),
            pace=service.pace_mps,
            grade=service.pace_grade,
        )
        for service in standard.services
    )
    return listed(paces, lang)


def grades_listed(standard: Standard) -> str:
    """Return the grades of its limits, the surest first."""
    return ", ".join(sorted({limit.grade for _, limit in standard.pairs}, key=GRADES.index))


def limit_labels(table: "pd.DataFrame", standard: Standard, lang: str) -> list[str]:
    """Return the limit of each row of a table (columns service and threshold_minutes), such as ``500 m``."""
    labels = {
        (service.id, limit.minutes_at(service.pace_mps)): limit.label(lang)
        for service, limit in standard.pairs
    }
    return [labels[key] for key in zip(table["service"], table["threshold_minutes"], strict=True)]


def limit_code(limit: Limit) -> str:
    """Return a limit as part of a column's name: ``10`` for minutes, ``500m`` for metres."""
    return f"{limit.value:g}".replace(".", "_") + ("m" if limit.unit == "m" else "")


def metres_within(service: Service) -> str:
    """Return the metres that are walked within each limit of a service, such as ``540 / 810``."""
    return " / ".join(f"{limit.metres_at(service.pace_mps):,.0f}" for limit in service.limits)


def walk(minutes: float, service: Service, lang: str, *, digits: int = 1) -> str:
    """Return a walk in the unit that its service is met in, such as ``12.3 min`` or ``640 m``.

    Parameters
    ----------
    minutes
        At the service's pace; inf where none can be reached, NaN where it is not known.
    service, lang
        To which service, and in which language.
    digits
        Decimals of minutes.
    """
    if not math.isfinite(minutes):
        return say("ledger.not_known" if math.isnan(minutes) else "ledger.unreachable", lang)
    return say(f"limits.walk_{service.longest.unit}", lang, value=_walked(minutes, service, digits))


def walk_words(minutes: float, service: Service, lang: str, *, digits: int = 1) -> str:
    """Return `walk` as words of a sentence, such as ``12.3 minutes``."""
    if not math.isfinite(minutes):
        return walk(minutes, service, lang)
    return say(f"limits.walk_words_{service.longest.unit}", lang, value=_walked(minutes, service, digits))


def metres_walked(minutes: float, service: Service) -> float:
    """Return a walk to a service that is met in metres in metres, NaN for others."""
    return minutes * 60.0 * service.pace_mps if service.in_metres else math.nan


def _walked(minutes: float, service: Service, digits: int) -> str:
    return f"{metres_walked(minutes, service):,.0f}" if service.in_metres else f"{minutes:.{digits}f}"


def _alike(some: Sequence[Limit], others: Sequence[Limit]) -> bool:
    return [(limit.value, limit.unit) for limit in some] == [(limit.value, limit.unit) for limit in others]


def _of_each(parts: Sequence[tuple[Service, Sequence[Limit]]], lang: str) -> str:
    """Return limits with the services that have them: those with the same together."""
    services: dict[str, list[str]] = {}
    for service, limits in parts:
        services.setdefault(limits_label(limits, lang), []).append(service.label(lang))
    said = (
        say("limits.of_services", lang, services=listed(names, lang), limits=limits)
        for limits, names in services.items()
    )
    return listed(said, lang, "limits.mark")
