"""Which rows stand in the ledger, and in the tables of the report?

Columns are keys of ``catalog/dictionary.toml``; texts are in one language, numbers are unrounded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.city import CELL_M
from lifecircle.coverage import Coverage
from lifecircle.denominators import meets, of_homes
from lifecircle.kinds import GRADES
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render.finding import method
from lifecircle.render.limits_text import limit_labels, metres_walked, walk
from lifecircle.render.project_tables import options_table, projects_table
from lifecircle.render.sensitivity import gap_labels
from lifecircle.render.standard_text import figure_rows
from lifecircle.render.supply_text import checklist_rows, supply_rows
from lifecircle.render.whom import by_community, by_unit, of_whom, unit_of, without_small
from lifecircle.standard import Limit, Service, Standard
from lifecircle.streets import Floats, Ints

_STATUS_OF_ROW = ("covered", "gap", "unknown")
COMMUNITY_SHARES = (
    *("community", "service_label", "limit", "counted", "share_covered", "share_homes_covered"),
    *("share_inhabited_covered", "share_area_covered", "meets"),
)
"""Of a report's table of communities: each share with what it is of, and who meets the standard."""


def ledger_tables(
    coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str, projects: Projects | None = None
) -> dict[str, pd.DataFrame]:
    """Return the rows of every sheet of the ledger.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    lang
        ``"en"`` or ``"zh"``.
    projects
        The project list, if there is one.

    Returns
    -------
    dict of str to DataFrame
        summary, communities, levels where the city has any, gaps, projects and options where there is a list,
        supply and checklist where there is such, facilities, quality and standard, in the order of the
        sheets.
    """
    of_projects = {}
    if projects is not None:
        of_projects = {"projects": projects_table(projects, lang), "options": options_table(projects, lang)}
    further = {"supply": supply_rows(coverage, lang), "checklist": checklist_rows(coverage, lang)}
    return {
        "summary": summary_table(coverage, lang),
        "communities": communities_table(coverage, lang),
        **({"levels": levels_table(coverage, lang)} if coverage.city.levels else {}),
        "gaps": gaps_table(coverage, gaps, lang),
        **of_projects,
        **{name: table for name, table in further.items() if len(table)},
        "facilities": _facilities(coverage, lang),
        "quality": quality_table(coverage, lang),
        "standard": pd.DataFrame(_figures(coverage, lang), columns=pd.Index(_FIGURE)),
    }


def summary_table(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return the coverage of the city, one row per service, limit and denominator."""
    rows, enough = [], coverage.standard.target.label(lang)
    of_limit = dict(iter(coverage.by_community().groupby(["service", "threshold_minutes"])))
    totals = coverage.totals().to_dict("records")
    for (service, limit), total in zip(coverage.standard.pairs, totals, strict=True):
        communities = of_limit[service.id, total["threshold_minutes"]]
        for denominator, parts in _by_denominator(coverage, service, limit, communities, total["area_m2"]):
            whole = parts.sum()
            rates = parts / whole if whole > 0 else np.full(3, np.nan)
            counted = denominator == coverage.denominator(service.id)
            rows.append(
                {
                    "service_label": service.label(lang),
                    "limit": limit.label(lang),
                    "denominator_label": say(f"ledger.denominator_{denominator}", lang, enough=enough),
                    "unit": say(f"ledger.unit_{denominator}", lang),
                    "total": whole,
                    **dict(zip(_STATUS_OF_ROW, parts, strict=True)),
                    **{f"{word}_rate": rate for word, rate in zip(_STATUS_OF_ROW, rates, strict=True)},
                    "median_minutes": total["median_minutes"] if counted else "",
                    "p90_minutes": total["p90_minutes"] if counted else "",
                    "median_m": metres_walked(total["median_minutes"], service) if counted else "",
                    "p90_m": metres_walked(total["p90_minutes"], service) if counted else "",
                }
            )
    return pd.DataFrame(rows)


def communities_table(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return one row per community, service and limit, and whether it meets the standard."""
    table, measure, standard = coverage.by_community(), coverage.city.measure, coverage.standard
    meets_or_not = _meets(table, measure, standard)
    table = without_small(table, coverage)
    words = [say("ledger.yes", lang), say("ledger.no", lang), say("ledger.not_known", lang), ""]
    return table.rename(columns=_amount_columns(measure)).assign(
        service_label=_labels(coverage, table["service"], lang),
        limit=limit_labels(table, standard, lang),
        meets=np.array(words, dtype=object)[meets_or_not],
        everyone=np.repeat(by_community(coverage), len(standard.pairs)),
        counted=table["denominator"].map(lambda one: unit_of([one], lang)),
        median_walk=_walks(table["median_minutes"], table["service"], standard, lang),
        median_m=_metres(table["median_minutes"], table["service"], standard),
        p90_m=_metres(table["p90_minutes"], table["service"], standard),
    )


def levels_table(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return one row per unit of every level, service and limit, summed from homes."""
    table, measure, standard = by_unit(coverage), coverage.city.measure, coverage.standard
    names = {level.id: level.label(lang) for level in coverage.city.levels}
    outside = table["unit_id"] == ""
    return table.rename(columns=_amount_columns(measure)).assign(
        level_label=table["level"].map(names),
        unit_name=table["unit"].mask(outside, say("ledger.no_unit", lang)),
        service_label=_labels(coverage, table["service"], lang),
        limit=limit_labels(table, standard, lang),
        counted=table["denominator"].map(lambda one: unit_of([one], lang)),
        median_m=_metres(table["median_minutes"], table["service"], standard),
        p90_m=_metres(table["p90_minutes"], table["service"], standard),
    )


def gaps_table(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> pd.DataFrame:
    """Return the ledger of gaps, worst first, with the measures that their reasons suggest."""
    standard, services, gaps = coverage.standard, gaps["service"], without_small(gaps, coverage)
    # A gap is known to be one, so a walk that is missing there is one that cannot be made.
    nearest = gaps["nearest_minutes"].fillna(np.inf)
    return pd.DataFrame(gaps.drop(columns="geometry")).assign(
        service_label=_labels(coverage, services, lang),
        limit=limit_labels(gaps, standard, lang),
        amount_in_gap=gaps[coverage.city.measure],
        counted=gaps["denominator"].map(lambda one: unit_of([one], lang)),
        robust_label=gap_labels(gaps, lang),
        reason_label=gaps["reason"].map(lambda reason: say(f"report.reason_{reason}", lang)),
        nearest_of_gap=gaps["nearest_facility"],
        nearest_minutes=nearest,
        nearest_walk=_walks(nearest, services, standard, lang),
        nearest_m=_metres(nearest, services, standard),
        worst_m=_metres(gaps["worst_minutes"], services, standard),
        measures=gaps["reason"].map(lambda reason: say(f"ledger.measures_{reason}", lang)),
        owner="",
        deadline="",
        investment="",
    )


def quality_table(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return what was read, left out and assumed."""
    quality = coverage.city.quality
    return quality.assign(item=quality["item"].map(lambda item: say(item, lang)))


def input_rows(coverage: Coverage, lang: str) -> list[list[str]]:
    """Return what each file was read as, its name, size in bytes and the beginning of its SHA-256."""
    return [
        [
            say(f"report.role_{file['role']}", lang),
            Path(file["path"]).name,
            f"{file['size']:,}",
            str(file["sha256"])[:16],
        ]
        for file in coverage.city.inputs
    ]


def source_label(source: str) -> str:
    """Return where facilities came from, as people say it."""
    return "OpenStreetMap" if source == "osm" else source


def _by_denominator(
    coverage: Coverage, service: Service, limit: Limit, communities: pd.DataFrame, area_m2: float
) -> Iterator[tuple[str, Floats]]:
    """Yield each denominator and how much of it is covered, in a gap and unknown, for one service.

    `communities` are the rows of that service and limit.
    """
    city = coverage.city
    of_home = coverage.status_codes(coverage.walks, service.id, limit)
    for denominator, weight in of_homes(city, service.ages).items():
        yield denominator, np.bincount(of_home, weights=weight, minlength=3).astype(np.float64)
    of_cell = coverage.status_codes(coverage.cell_walks, service.id, limit)
    yield "area", area_m2 * np.bincount(of_cell, minlength=3) / len(of_cell)
    of_community = np.bincount(_meets(communities, city.measure, coverage.standard), minlength=4)[:3]
    yield "communities", of_community.astype(np.float64)


def _meets(table: pd.DataFrame, measure: str, standard: Standard) -> Ints:
    """Return the code of `lifecircle.denominators.meets` for each row of a table of communities."""
    columns = (measure, f"{measure}_covered", f"{measure}_gap")
    total, covered, gap = (table[column].to_numpy(dtype=np.float64) for column in columns)
    return meets(total, covered, gap, standard.target.share)


def _amount_columns(measure: str) -> dict[str, str]:
    return {measure: "amount", **{f"{measure}_{word}": f"amount_{word}" for word in _STATUS_OF_ROW}}


def _walks(
    minutes: "pd.Series[float]", services: "pd.Series[str]", standard: Standard, lang: str
) -> list[str]:
    return [walk(one, standard.service(name), lang) for one, name in zip(minutes, services, strict=True)]


def _metres(minutes: "pd.Series[float]", services: "pd.Series[str]", standard: Standard) -> list[float]:
    return [metres_walked(one, standard.service(name)) for one, name in zip(minutes, services, strict=True)]


def _labels(coverage: Coverage, services: "pd.Series[str]", lang: str) -> "pd.Series[str]":
    return services.map({service.id: service.label(lang) for service in coverage.standard.placed})


def _facilities(coverage: Coverage, lang: str) -> pd.DataFrame:
    facilities = coverage.city.facilities
    at = facilities.geometry.to_crs(4326)
    return pd.DataFrame(facilities.drop(columns="geometry")).assign(
        facility=facilities["name"],
        service_label=_labels(coverage, facilities["service"], lang),
        source=facilities["source"].map(source_label),
        lon=at.x,
        lat=at.y,
        **(
            {
                "capacity_from_label": facilities[FROM].map(
                    lambda one: say(f"supply.from_{one}", lang) if one else ""
                )
            }
            if FROM in facilities
            else {}
        ),
    )


FROM = "capacity_from"
_FIGURE = ("group", "figure", "value", "value_unit", "grade", "reference")


def _asked_beside(standard: Standard, lang: str) -> Iterator[tuple[str, ...]]:
    """Yield what a standard asks for beside limits: sizes and the like, and what no walk is measured to."""
    group = say("ledger.group_asked", lang)
    for given in figure_rows(standard, lang):
        yield group, f"{given.about} · {given.what}", given.value, "", given.grade, given.source
    for one in standard.unanswered:
        yield group, one.label(lang), say("standard.not_measured", lang), "", "", ""


def _figures(coverage: Coverage, lang: str) -> Iterator[tuple[Any, ...]]:
    """Yield every number of the method, with its unit, grade and source; then the data and its files."""
    city, standard = coverage.city, coverage.standard

    def row(group: str, figure: str, value: object, unit: str = "", grade: str = "", source: str = "") -> Any:
        shown_unit = say(f"ledger.unit_{unit}", lang) if unit else ""
        return say(f"ledger.group_{group}", lang), figure, value, shown_unit, grade, source

    def figure(name: str, **values: object) -> str:
        return say(f"ledger.figure_{name}", lang, **values)

    yield row("standard", figure("standard"), standard.label(lang), source=standard.id)
    alike = len({service.limits for service in standard.services}) == 1
    for service, limit in standard.pairs[: len(standard.services[0].limits)] if alike else standard.pairs:
        name = figure("threshold") if alike else figure("threshold_of", service=service.label(lang))
        unit = {"min": "minutes", "m": "m"}[limit.unit]
        yield row("threshold", name, limit.value, unit, limit.grade, limit.source)
    target = standard.target
    yield row("asked", figure("target"), target.share, "", target.grade, target.source)
    for service in standard.services:
        yield row(
            "pace", service.label(lang), service.pace_mps, "mps", service.pace_grade, service.pace_source
        )
        for limit in service.limits:
            name = figure(
                "duration" if service.in_metres else "distance",
                service=service.label(lang),
                words=limit.words(lang),
            )
            pace_mps, grade = service.pace_mps, max(service.pace_grade, limit.grade, key=GRADES.index)
            value = limit.minutes_at(pace_mps) if service.in_metres else limit.metres_at(pace_mps)
            unit = "minutes" if service.in_metres else "m"
            source = say("ledger.quotient" if service.in_metres else "ledger.product", lang)
            yield row("pace", name, value, unit, grade, source)
    yield from _asked_beside(standard, lang)
    for service in standard.services:
        count = int((city.facilities["service"] == service.id).sum())
        source = say("ledger.counted", lang, source=source_label(city.service_sources.get(service.id, "–")))
        yield row("facilities", service.label(lang), count, "facilities", "", source)
    assumed = say("ledger.own_assumption", lang)
    yield row("method", figure("snap"), coverage.max_snap_m, "m", "M", assumed)
    yield row("method", figure("cell"), CELL_M, "m", "M", assumed)
    yield row("method", figure("measure"), of_whom(coverage.denominators, lang))
    yield row("method", figure("walk"), method(coverage, lang))
    for grade in GRADES:
        yield row("grade", grade, say(f"ledger.grade_{grade.lower()}", lang))
    yield row("data", figure("crs"), city.crs.name, source=city.crs.to_string()[:40])
    yield row("data", figure("streets"), city.osm_timestamp or "–")
    if not city.is_synthetic:
        yield row("data", figure("attribution"), say("report.attribution", lang))
    for file in city.inputs:
        yield row(
            "file",
            f"{say('report.role_' + file['role'], lang)}: {Path(file['path']).name}",
            file["size"],
            "bytes",
            "",
            file["sha256"],
        )
