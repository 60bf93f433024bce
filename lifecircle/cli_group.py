"""What can be typed to measure all districts of a city, one after another?"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifecircle.cli_projects import are_asked, listed
from lifecircle.cli_source import levels_of, scenario_of
from lifecircle.cli_terminal import errors_in, kept_cities, language_of, limits_of, tell_alarms
from lifecircle.errors import LifecircleError
from lifecircle.messages import clean, say

if TYPE_CHECKING:
    from lifecircle.catalog import Preset
    from lifecircle.report import Report
    from lifecircle.sources.kept_city import KeptCities
    from lifecircle.standard import Standard

_CHOICES = (
    *("minutes", "crs", "elevation", "population", "barriers", "columns", "round_trip", "sensitivity"),
)


def measure_group(members: tuple["Preset", ...], options: Mapping[str, Any]) -> int:
    """Measure every place that has data, and print a row for each of all; return the exit code.

    A place without data says so and how to get it; one whose data is wrong says what is wrong, does not stop
    the others, and makes the exit code 1. So do results that are there already and may not be overwritten.

    Parameters
    ----------
    members
        The places, as `lifecircle.catalog.find_group` returns them.
    options
        What was typed for `lifecircle analyze`. Its folder of results gets a folder for each place.
    """
    lang = options["lang"] or language_of(members[0].name["zh"])
    out = options["out"] or Path("outputs") / options["city"]
    with errors_in(lang):
        from lifecircle.catalog import NoDataError, load_standard
        from lifecircle.render.folder import check_free
        from lifecircle.render.formats import check_formats

        check_formats(options["formats"])
        standard = load_standard(options["standard"])
    rows: list[dict[str, Any]] = []
    for place in members:
        row: dict[str, Any] = {"id": place.id, "name": place.name[lang], "state": "measured"}
        click.echo(say("group.now", lang, name=place.name[lang]), err=True)
        try:
            check_free(out / place.id, overwrite=options["overwrite"])
            with kept_cities(lang, no_cache=options["no_cache"]) as kept:
                report = _measured(place, standard, options, lang, kept)
            tell_alarms(report.city, lang)
            report.save(out / place.id, overwrite=options["overwrite"], formats=options["formats"])
            row["covered"] = _covered(report)
            row["folder"] = str(out / place.id)
        except NoDataError as error:
            row |= {"state": "no_data", "message": error.in_language(lang)}
        except LifecircleError as error:
            row |= {"state": "failed", "message": error.in_language(lang)}
        rows.append(row)
        if not options["as_json"]:
            click.echo("\t".join(clean(text) for text in _shown(row, lang)))
    if options["as_json"]:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False))
    return int(any(row["state"] == "failed" for row in rows))


def _measured(
    place: "Preset",
    standard: "Standard",
    options: Mapping[str, Any],
    lang: str,
    kept: "KeptCities | None",
) -> "Report":
    from lifecircle.analysis import analyze

    choices = {key: options[key] for key in _CHOICES}
    choices |= {"levels": levels_of(options), "limits": limits_of(options), "kept": kept}
    choices["scenario"] = scenario_of(options)
    report = analyze(place.id, standard, **choices, lang=lang, max_snap_m=options["max_snap"])
    return listed(report, options) if are_asked(options) else report


def _covered(report: "Report") -> list[dict[str, Any]]:
    """Return the share covered of the city's measure, for each service and limit."""
    shares = report.coverage.totals()["share_covered"].astype(float)
    return [
        {
            "service": service.id,
            "label": f"{service.label(report.lang)} {limit.label(report.lang)}",
            "limit": limit.value,
            "unit": limit.unit,
            "denominator": report.coverage.denominator(service.id),
            "share_covered": None if math.isnan(share) else share,
        }
        for (service, limit), share in zip(report.coverage.standard.pairs, shares, strict=True)
    ]


def _shown(row: Mapping[str, Any], lang: str) -> list[str]:
    """Return a row of the summary: id, name, and what is covered or why nothing was measured."""
    if row["state"] != "measured":
        return [row["id"], row["name"], say(f"group.{row['state']}", lang), row["message"]]
    shares = [
        say("group.unknown", lang, label=one["label"])
        if one["share_covered"] is None
        else say("group.share", lang, label=one["label"], share=one["share_covered"])
        for one in row["covered"]
    ]
    return [row["id"], row["name"], *shares]
