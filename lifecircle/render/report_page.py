"""What does the page say that a planner reads first (``report.md``), and what does a notebook show?"""

import math
from collections.abc import Iterator, Sequence

import geopandas as gpd
import pandas as pd

from lifecircle.coverage import Coverage, at_longest
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render import sensitivity, spacing_text
from lifecircle.render.dictionary import Field, fields_called, fields_of
from lifecircle.render.finding import alarms, finding, headline, method, percent
from lifecircle.render.ledger_tables import COMMUNITY_SHARES, communities_table, input_rows
from lifecircle.render.limits_text import limit_labels, metres_within, target_note, threshold_notes, walk
from lifecircle.render.project_text import chapter
from lifecircle.render.standard_text import figure_rows
from lifecircle.render.supply_text import checklist_rows, supply_rows, why_not_judged
from lifecircle.render.tables import markdown_table, markdown_text
from lifecircle.render.text import escape
from lifecircle.render.whom import amount, by_community, of_whom, unit_of, who_is_counted, without_small
from lifecircle.render.workbook import shown
from lifecircle.standard import Service, Standard

_MOST_GAPS = 20


def report_page(
    coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str, projects: Projects | None = None
) -> str:
    """Return the report as Markdown: finding, tables, quality of the data, sources and paces.

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
    str
    """
    city = coverage.city
    title = say("report.title", lang, city=city.label(lang), standard=coverage.standard.label(lang))
    parts = [f"# {markdown_text(title)}"]
    if city.is_synthetic:
        parts.append(f"> **{markdown_text(say('report.sample', lang))}**")
    parts += [f"**{markdown_text(alarm)}**" for alarm in alarms(coverage, lang)]
    parts.append(_heading("finding", lang))
    lines = finding(coverage, gaps, lang)
    parts.append("\n".join(f"{number}. {markdown_text(line)}" for number, line in enumerate(lines, start=1)))
    sections = {
        "coverage": _coverage(coverage, lang),
        "communities": _communities(coverage, lang),
        "gaps": _gaps(coverage, gaps, lang),
        "projects": "" if projects is None else chapter(projects, lang),
        "supply": _supply(coverage, lang),
        "checklist": _checklist(coverage, lang),
        "sensitivity": sensitivity.section(coverage, gaps, lang) if coverage.scenarios else "",
        "spacing": spacing_text.section(coverage, lang) if coverage.standard.spaced else "",
        "quality": _quality(coverage, lang),
        "standard": _standard(coverage, lang),
        "data": _data(coverage, lang),
    }
    for name, body in sections.items():
        parts += [_heading(name, lang), body] if body else []
    return "\n\n".join(parts) + "\n"


def report_html(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    """Return what a notebook shows of a report: finding and coverage of the whole city.

    Parameters
    ----------
    coverage, gaps, lang
        As for `report_page`.

    Returns
    -------
    str
        HTML; names from files are shown as they are and do nothing.
    """
    city, standard = coverage.city, coverage.standard
    title = say("report.title", lang, city=city.label(lang), standard=standard.label(lang))
    warnings = [say("report.sample", lang)] if city.is_synthetic else []
    parts = [f"<h3>{escape(title)}</h3>"]
    parts += [f"<p><strong>{escape(text)}</strong></p>" for text in [*warnings, *alarms(coverage, lang)]]
    parts += [f"<p>{escape(line)}</p>" for line in headline(coverage, gaps, lang)]
    head, rows = _coverage_table(coverage, lang)
    lines = [("th", head), *(("td", row) for row in rows)]
    cells = ("".join(f"<{tag}>{escape(text)}</{tag}>" for text in line) for tag, line in lines)
    return "\n".join([*parts, "<table>", *(f"<tr>{line}</tr>" for line in cells), "</table>"])


def _heading(name: str, lang: str) -> str:
    return "## " + say(f"report.heading_{name}", lang)


def _head(lang: str, *names: str) -> list[str]:
    return [say(f"report.column_{name}", lang) for name in names]


def _walk(minutes: float, service: Service, lang: str) -> str:
    return walk(minutes, service, lang) if math.isfinite(minutes) else "–"


def _note(text: str) -> str:
    return markdown_text(text) + "\n\n"


def _coverage(coverage: Coverage, lang: str) -> str:
    said = [
        say("report.note_shares", lang, of=of_whom(coverage.denominators, lang)),
        who_is_counted(coverage, lang),
    ]
    note = say("report.sentence_mark", lang).join(filter(None, said))
    tables = markdown_table(*_coverage_table(coverage, lang)), markdown_table(*_shares_table(coverage, lang))
    return _note(note) + f"\n\n{_note(say('report.note_denominators', lang))}".join(tables)


def _coverage_table(coverage: Coverage, lang: str) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the table of the whole city."""
    measure, totals = coverage.city.measure, coverage.totals()
    head = _head(lang, "service", "limit", "covered", "gap", "unknown", "gap_amount", "area", "median", "p90")
    rows = [
        [
            service.label(lang),
            limit.label(lang),
            *(percent(row[f"share_{status}"]) for status in ("covered", "gap", "unknown")),
            amount(row["denominator"], row[f"{measure}_gap"], lang),
            percent(row["share_area_covered"]),
            _walk(row["median_minutes"], service, lang),
            _walk(row["p90_minutes"], service, lang),
        ]
        for (service, limit), row in zip(coverage.standard.pairs, totals.to_dict("records"), strict=True)
    ]
    return head, rows


def _shares_table(coverage: Coverage, lang: str) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the shares of the whole city that are covered, by what is counted."""
    counts = ("people", "homes", "inhabited", "area", "communities")
    head = _head(lang, "service", "limit", "counted") + [
        say(f"report.column_share_{one}", lang, enough=coverage.standard.target.label(lang)) for one in counts
    ]
    columns = ("share_covered", *(f"share_{one}_covered" for one in counts[1:]))
    rows = [
        [
            service.label(lang),
            limit.label(lang),
            unit_of([row["denominator"]], lang),
            *(percent(row[column]) for column in columns),
        ]
        for (service, limit), row in zip(
            coverage.standard.pairs, coverage.totals().to_dict("records"), strict=True
        )
    ]
    return head, rows


def _communities(coverage: Coverage, lang: str) -> str:
    measure, table = coverage.city.measure, without_small(coverage.by_community(), coverage)
    head = _head(lang, "community", measure) + [
        say("report.column_pair", lang, service=service.label(lang), limit=limit.label(lang))
        for service, limit in coverage.standard.pairs
    ]
    rows = [
        [
            of_one["community"].iloc[0],
            f"{everyone:,.0f}",
            *map(percent, of_one["share_covered"]),
        ]
        for everyone, (_, of_one) in zip(
            by_community(coverage), table.groupby("community_id", sort=False), strict=True
        )
    ]
    every = at_longest(communities_table(coverage, lang), coverage.standard)
    tables = (
        markdown_table(head, rows),
        _of_fields(fields_called(COMMUNITY_SHARES, coverage), every, lang),
    )
    note = _note(say("report.note_communities_all", lang))
    return _note(say("report.note_communities", lang)) + f"\n\n{note}".join(tables)


def _gaps(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    measure, standard = coverage.city.measure, coverage.standard
    worst = without_small(gaps.head(_MOST_GAPS), coverage)
    alike = len(set(coverage.denominators)) == 1
    counted = measure if alike else "gap_amount"
    names = ["gap", "community", "service", "limit", counted, "reason", "nearest", "walk", "straight"]
    names += ["robust"] if coverage.scenarios else []
    rows = [
        [
            row["gap_id"],
            row["community"],
            standard.service(row["service"]).label(lang),
            limit,
            f"{row[measure]:,.0f}"
            if alike
            else amount(row["denominator"], row[measure], lang, least=coverage.city.min_group),
            say(f"report.reason_{row['reason']}", lang),
            row["nearest_facility"] or "–",
            _walk(row["nearest_minutes"], standard.service(row["service"]), lang),
            f"{row['nearest_straight_m']:,.0f}" if math.isfinite(row["nearest_straight_m"]) else "–",
            *([sensitivity.gap_label(row, lang)] if coverage.scenarios else []),
        ]
        for row, limit in zip(worst.to_dict("records"), limit_labels(worst, standard, lang), strict=True)
    ]
    note = say("report.note_gaps", lang, shown=len(worst), all=len(gaps))
    return _note(note) + markdown_table(_head(lang, *names), rows)


def _supply(coverage: Coverage, lang: str) -> str:
    rows = supply_rows(coverage, lang)
    note = _note(why_not_judged(coverage, lang))
    return note + _of_fields(fields_of("sheet_supply", coverage), rows, lang) if len(rows) else ""


def _checklist(coverage: Coverage, lang: str) -> str:
    rows = checklist_rows(coverage, lang)
    note = _note(say("checklist.note", lang))
    return note + _of_fields(fields_of("sheet_checklist", coverage), rows, lang) if len(rows) else ""


def _of_fields(fields: Sequence[Field], rows: pd.DataFrame, lang: str) -> str:
    """Return rows of the ledger as the dictionary heads and shows them."""
    texts = [[shown(value, field.kind, lang) for value in rows[field.key].tolist()] for field in fields]
    head = [field.heading[lang] for field in fields]
    return markdown_table(head, list(zip(*texts, strict=True)))


def _quality(coverage: Coverage, lang: str) -> str:
    rows = [
        [say(row["item"], lang), f"{row['count']:,}", str(row["detail"])]
        for row in coverage.city.quality.to_dict("records")
    ]
    return markdown_table(_head(lang, "item", "count", "detail"), rows)


def _standard(coverage: Coverage, lang: str) -> str:
    city, standard = coverage.city, coverage.standard
    head = _head(
        lang,
        *("service", "facilities", "facility_source", "limits"),
        *("pace", "metres", "grade", "pace_source"),
    )
    rows = [
        [
            service.label(lang),
            f"{(city.facilities['service'] == service.id).sum():,}",
            _source(city.service_sources.get(service.id, "")),
            service.limits_label(lang),
            f"{service.pace_mps:g}",
            metres_within(service),
            service.pace_grade,
            service.pace_source,
        ]
        for service in standard.services
    ]
    notes = [*threshold_notes(standard, lang), target_note(standard, lang)]
    parts = [
        _note(say("report.sentence_mark", lang).join(notes)) + markdown_table(head, rows),
        *_asked(standard, lang),
        markdown_text(say("report.note_grades", lang)),
    ]
    return "\n\n".join(parts)


def _asked(standard: Standard, lang: str) -> Iterator[str]:
    """Yield the numbers of a standard beside limits and paces, with grade and source, if it has any."""
    rows = [[row.about, row.what, row.value, row.grade, row.source] for row in figure_rows(standard, lang)]
    if rows:
        yield markdown_text(say("report.note_asked", lang))
        yield markdown_table(_head(lang, "about", "asked", "value", "grade", "source"), rows)


def _source(source: str) -> str:
    return "OpenStreetMap" if source == "osm" else source or "–"


def _data(coverage: Coverage, lang: str) -> str:
    head = _head(lang, "role", "file", "bytes", "sha256")
    return (
        markdown_table(head, input_rows(coverage, lang))
        + "\n\n"
        + "\n".join(f"- {markdown_text(line)}" for line in _limits(coverage, lang))
    )


def _limits(coverage: Coverage, lang: str) -> Iterator[str]:
    city = coverage.city
    yield say("report.crs", lang, crs=city.crs.name, code=city.crs.to_string()[:40])
    yield say("report.osm_time", lang, time=city.osm_timestamp or "–")
    yield method(coverage, lang)
    if not city.is_synthetic:
        yield say("report.attribution", lang)
