"""Where to build next, in sentences and tables: for a terminal and for a page?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd

from lifecircle.messages import clean, say
from lifecircle.render.finding import percent
from lifecircle.render.sensitivity import gap_label
from lifecircle.render.tables import Section, markdown_table, markdown_text
from lifecircle.render.whom import amount, of_whom, unit_of
from lifecircle.scenarios import ROBUST
from lifecircle.siting import Suggestion


def title(suggestion: Suggestion, lang: str) -> str:
    """Return what the page and the map are called."""
    city, service = suggestion.coverage.city, suggestion.coverage.standard.service(suggestion.service)
    return say("siting.title", lang, city=city.label(lang), service=service.label(lang))


def sample_line(suggestion: Suggestion, lang: str) -> str | None:
    """Return what is said first of an invented city; None for a real one."""
    return say("report.sample", lang) if suggestion.coverage.city.is_synthetic else None


def sentences(suggestion: Suggestion, lang: str) -> list[str]:
    """Return what was found, how good it is, and what it does not say.

    Parameters
    ----------
    suggestion
        The sites.
    lang
        ``"en"`` or ``"zh"``.
    """
    coverage, sites, choices = suggestion.coverage, suggestion.sites, suggestion.choices
    measure, service = coverage.city.measure, coverage.standard.service(suggestion.service)
    counted = coverage.denominator(service.id)
    said = {"limit": suggestion.limit.label(lang), "service": service.label(lang)}
    if sites.empty:
        return [say("siting.nothing", lang, **said)]
    told = [
        say(
            "siting.found",
            lang,
            count=len(sites),
            amount=amount(counted, sites[f"{measure}_gained"].sum(), lang),
            before=percent(float(suggestion.curve["share_covered"].iloc[0])),
            after=percent(float(sites["share_covered"].iloc[-1])),
            of=of_whom([counted], lang),
            candidates=suggestion.candidates,
            **said,
        ),
        say(f"siting.goal_{choices.goal}", lang),
    ]
    if choices.goal != "fair":
        gap = suggestion.gap
        told.append(
            say("siting.proven", lang) if gap == 0 else say("siting.proven_within", lang, gap=percent(gap))
        )
        if suggestion.greedy_value < suggestion.value * (1 - 1e-6):
            told.append(say("siting.greedy", lang, share=percent(suggestion.greedy_value / suggestion.value)))
    if (unknown := sites[f"{measure}_unknown"].sum()) >= 1:
        told.append(say("siting.unknown", lang, amount=amount(counted, unknown, lang)))
    if suggestion.without_cost:
        told.append(say("siting.without_cost", lang, count=suggestion.without_cost))
    if coverage.round_trip:
        told.append(say("report.there_and_back", lang))
    if choices.places is not None:
        told.append(say("siting.room", lang))
    elif _has_capacities(suggestion):
        told.append(say("siting.walks_only", lang))
    if suggestion.along_streets:
        told.append(say("siting.on_streets", lang, apart=choices.apart_m))
    return told


def _has_capacities(suggestion: Suggestion) -> bool:
    """Return whether any place that is known, of a site or of a facility that stands, was passed over."""
    facilities = suggestion.coverage.city.facilities
    stand = facilities[facilities["service"] == suggestion.service]
    known = bool(suggestion.sites["capacity"].notna().any())
    return known or ("capacity" in stand and bool(stand["capacity"].notna().any()))


def sections(
    suggestion: Suggestion, links: gpd.GeoDataFrame | None, lang: str, *, longest_m: float
) -> list[Section]:
    """Return the tables: sites, alternatives, the curve, and links where they were looked for.

    Parameters
    ----------
    suggestion
        The sites.
    links
        As `lifecircle.missing_links.suggest_links` returns them; None where they were not looked for.
    lang
        ``"en"`` or ``"zh"``.
    longest_m
        The longest link looked for.
    """
    made = [_sites(suggestion, lang)] if len(suggestion.sites) else []
    if len(suggestion.scenarios) and len(suggestion.sites):
        made.append(_scenarios(suggestion, lang))
    if len(suggestion.alternatives):
        made.append(_alternatives(suggestion, lang))
    if len(suggestion.curve) > 1:
        made.append(_curve(suggestion, lang))
    if links is not None:
        made.append(_links(suggestion, links, lang, longest_m))
    return made


def lines(suggestion: Suggestion, made: Sequence[Section], lang: str) -> list[str]:
    """Return all of it for a terminal, cells parted by tabs."""
    told = [*filter(None, [sample_line(suggestion, lang)]), *sentences(suggestion, lang)]
    for section in made:
        told += ["", section.heading]
        told += ["\t".join(clean(cell) for cell in row) for row in (section.head, *section.rows) if row]
        told += section.notes
    return told


def page(suggestion: Suggestion, made: Sequence[Section], lang: str) -> str:
    """Return all of it as Markdown."""
    parts = [f"# {markdown_text(title(suggestion, lang))}"]
    if sample := sample_line(suggestion, lang):
        parts.append(f"> **{markdown_text(sample)}**")
    parts += [markdown_text(sentence) for sentence in sentences(suggestion, lang)]
    for section in made:
        parts.append(f"## {markdown_text(section.heading)}")
        if section.head:
            parts.append(markdown_table(section.head, section.rows))
        parts += [markdown_text(note) for note in section.notes]
    if not suggestion.coverage.city.is_synthetic:
        parts.append(markdown_text(say("report.attribution", lang)))
    return "\n\n".join(parts) + "\n"


def _heads(lang: str, counted: str, *names: str) -> list[str]:
    unit = unit_of([counted], lang)
    return [say(f"siting.column_{name}", lang, unit=unit) for name in names]


def _places(frame: gpd.GeoDataFrame) -> list[list[str]]:
    """Return the name or number, the community, and the degrees of each site."""
    degrees = frame.geometry.to_crs(4326)
    return [
        [name or site, community or "–", f"{lon:.6f}", f"{lat:.6f}"]
        for name, site, community, lon, lat in zip(
            frame["name"], frame["site_id"], frame["community"], degrees.x, degrees.y, strict=True
        )
    ]


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def _sites(suggestion: Suggestion, lang: str) -> Section:
    sites, measure = suggestion.sites, suggestion.coverage.city.measure
    counted = suggestion.coverage.denominator(suggestion.service)
    names = ["rank", "place", "community", "lon", "lat", "gained", "alone", "share"]
    priced = bool(sites["cost"].notna().any())
    rows = []
    for place, row in zip(_places(sites), sites.to_dict("records"), strict=True):
        gains = [_number(row[f"{measure}_{kind}"]) for kind in ("gained", "alone")]
        costs = [_number(row["cost"]), _price(row[f"cost_per_{measure}"])] if priced else []
        holds = [site_label(row, lang)] if len(suggestion.scenarios) else []
        rows.append([str(row["rank"]), *place, *gains, percent(row["share_covered"]), *costs, *holds])
    names += ["cost", "per"] if priced else []
    names += ["robust"] if len(suggestion.scenarios) else []
    return Section(say("siting.heading_sites", lang), _heads(lang, counted, *names), rows)


def site_label(site: Mapping[Any, Any], lang: str) -> str:
    """Return whether a site holds in every scenario; "" where that was not asked."""
    return gap_label(site, lang, "sensitivity.site_not_robust")


def _scenarios(suggestion: Suggestion, lang: str) -> Section:
    measure, count = suggestion.coverage.city.measure, len(suggestion.sites)
    counted = suggestion.coverage.denominator(suggestion.service)
    rows = [
        [
            say(f"sensitivity.{row['scenario']}", lang),
            _number(row[f"{measure}_gained"]),
            _number(row[f"{measure}_gained_best"]),
            percent(row["value_kept"]),
            f"{row['sites_kept']} / {count}",
        ]
        for row in suggestion.scenarios.to_dict("records")
    ]
    robust = int((suggestion.sites["robust"] == ROBUST).sum())
    notes = [say("sensitivity.sites", lang, count=robust, all=count), say("sensitivity.site_rule", lang)]
    head = _heads(lang, counted, "scenario", "together", "best", "of_best", "kept")
    return Section(say("siting.heading_scenarios", lang), head, rows, notes)


def _price(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.4g}"


def _alternatives(suggestion: Suggestion, lang: str) -> Section:
    others, measure = suggestion.alternatives, suggestion.coverage.city.measure
    counted = suggestion.coverage.denominator(suggestion.service)
    rows = [
        [str(row["instead_of"]), *place, _number(row[f"{measure}_gained"]), percent(row["share_of_best"])]
        for place, row in zip(_places(others), others.to_dict("records"), strict=True)
    ]
    head = _heads(lang, counted, "instead", "place", "community", "lon", "lat", "together")
    return Section(say("siting.heading_alternatives", lang), [*head, "%"], rows)


def _curve(suggestion: Suggestion, lang: str) -> Section:
    curve, measure = suggestion.curve, suggestion.coverage.city.measure
    counted = suggestion.coverage.denominator(suggestion.service)
    rows = [
        [
            str(row["sites"]),
            _number(row[f"{measure}_gained"]),
            percent(row["share_covered"]),
            say("siting.curve_greedy", lang) if row["greedy"] else "",
        ]
        for row in curve.to_dict("records")
    ]
    return Section(
        say("siting.heading_curve", lang), [*_heads(lang, counted, "sites", "gained", "share"), ""], rows
    )


def _links(suggestion: Suggestion, links: gpd.GeoDataFrame, lang: str, longest_m: float) -> Section:
    measure, sites = suggestion.coverage.city.measure, suggestion.sites
    counted = suggestion.coverage.denominator(suggestion.service)
    heading = say("siting.heading_links", lang)
    if links.empty:
        return Section(heading, [], [], [say("siting.no_links", lang, metres=longest_m)])
    middle = links.geometry.interpolate(0.5, normalized=True).to_crs(4326)
    rows = [
        [
            str(row["rank"]),
            say(f"siting.kind_{row['kind']}", lang),
            f"{lon:.6f}",
            f"{lat:.6f}",
            f"{row['length_m']:,.0f}",
            _number(row[f"{measure}_gained"]),
            _number(row[f"{measure}_alone"]),
            percent(row["share_covered"]),
        ]
        for row, lon, lat in zip(links.to_dict("records"), middle.x, middle.y, strict=True)
    ]
    best = sites[f"{measure}_alone"].max() if len(sites) else 0.0
    compared = say(
        "siting.link_or_site",
        lang,
        link=amount(counted, links[f"{measure}_alone"].max(), lang),
        site=amount(counted, best, lang),
    )
    head = _heads(lang, counted, "rank", "kind", "lon", "lat", "length", "gained", "alone", "share")
    return Section(heading, head, rows, [compared, say("siting.link_note", lang)])
