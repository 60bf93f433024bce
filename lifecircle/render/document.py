"""What does a planning bureau bind and sign (``report.docx``)?

The order is the one planners use: scope and basis, present state, coverage, maps, gaps, measures, data.
"""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
from docx.document import Document

from lifecircle import __version__
from lifecircle.coverage import Coverage, at_longest
from lifecircle.gaps import REASONS
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render.dictionary import fields_of
from lifecircle.render.document_parts import add_rows, basis_line, gap_columns, sample_line
from lifecircle.render.finding import alarms, finding, list_of, method, percent, shares_within
from lifecircle.render.ledger_tables import (
    COMMUNITY_SHARES,
    communities_table,
    gaps_table,
    input_rows,
    quality_table,
    source_label,
    summary_table,
)
from lifecircle.render.limits_text import (
    limits_listed,
    metres_within,
    say_longest,
    shared_limits,
    target_note,
    threshold_notes,
    walk_words,
)
from lifecircle.render.project_text import numeric, sections, sentences
from lifecircle.render.sensitivity import holds, sensitivity_table
from lifecircle.render.standard_text import figure_rows
from lifecircle.render.supply_text import (
    checklist_rows,
    checklist_sentence,
    supply_rows,
    why_not_judged,
)
from lifecircle.render.whom import amount, by_community, of_whom, who_is_counted, without_small
from lifecircle.render.word import TEXT_MM, add_picture, add_table, add_text, new_document, save_document
from lifecircle.render.workbook import shown, xml_text

_MOST_GAPS, _MOST_COMMUNITIES, _MOST_PAIRS, _MOST_NAMED = 20, 60, 8, 5
_FIGURE_MM = (TEXT_MM, 190.0)
_SUPPLY_COLUMNS = (
    *("community", "service_label", "amount", "supply_short", "supply_unknown", "per_1000"),
    *("minimum_per_1000", "minimum_source"),
)
_CHECKLIST_COLUMNS = (
    *("check_label", "community", "subject_label", "asked_shown", "value_shown", "result_label", "grade"),
)
_COVERAGE_COLUMNS = (
    "service_label",
    "limit",
    "denominator_label",
    "unit",
    "total",
    "covered",
    "gap",
    "unknown",
    "covered_rate",
)


def write_document(
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    path: Path,
    *,
    lang: str,
    pictures: Sequence[Path] = (),
    projects: Projects | None = None,
) -> None:
    """Write the report as a Word file; the same figures make the same bytes.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    path
        The DOCX file.
    lang
        ``"en"`` or ``"zh"``.
    pictures
        PNG files for the section of maps; one whose name ends in the id of a service is captioned with it.
    projects
        The project list, if there is one: a chapter of its own.

    Raises
    ------
    OSError
        If a picture cannot be read or the file cannot be written.
    """
    city, standard = coverage.city, coverage.standard
    title = say("document.title", lang, city=xml_text(city.label(lang)), standard=standard.label(lang))
    document = new_document(title, sample=sample_line(coverage, lang), lang=lang)
    add_text(document, title, "Title")
    time = city.osm_timestamp or "–"
    subtitle = say("document.subtitle", lang, standard=standard.label(lang), time=time, version=__version__)
    add_text(document, subtitle, "Caption")
    _scope(document, coverage, lang)
    _present(document, coverage, gaps, lang)
    _coverage(document, coverage, lang)
    _maps(document, coverage, pictures, lang)
    longest = at_longest(gaps, standard)
    _gaps(document, coverage, longest, len(gaps), lang)
    _measures(document, coverage, longest, lang)
    if projects is None:
        add_text(document, say("document.no_siting", lang))
    else:
        _projects(document, projects, lang)
    _supply(document, coverage, lang)
    _checklist(document, coverage, lang)
    heading = "document.heading_data" if projects is None else "projects.heading_data_document"
    add_text(document, say(heading, lang), "Heading 1")
    _data(document, coverage, lang)
    save_document(document, path)


def _scope(document: Document, coverage: Coverage, lang: str) -> None:
    city, standard = coverage.city, coverage.standard
    of = of_whom(coverage.denominators, lang)
    add_text(document, say("document.heading_scope", lang), "Heading 1")
    everyone = amount(city.measure, float(city.weight.sum()), lang)
    services = list_of((service.label(lang) for service in standard.services), lang)
    for text in (
        say(
            "document.scope",
            lang,
            city=xml_text(city.label(lang)),
            communities=len(city.communities),
            amount=everyone,
            services=services,
        ),
        say(
            "document.basis" if shared_limits(standard) else "document.basis_each",
            lang,
            standard=standard.label(lang),
            limits=limits_listed(standard, lang),
        ),
        say("report.sentence_mark", lang).join(
            [*threshold_notes(standard, lang), target_note(standard, lang)]
        ),
        method(coverage, lang),
        say("document.terms", lang, of=of),
        who_is_counted(coverage, lang),
        say("report.note_grades", lang),
    ):
        if text:
            add_text(document, text)
    head = [
        say(f"report.column_{name}", lang)
        for name in ("service", "limits", "pace", "metres", "grade", "pace_source")
    ]
    rows = [
        [
            service.label(lang),
            service.limits_label(lang),
            f"{service.pace_mps:g}",
            metres_within(service),
            service.pace_grade,
            service.pace_source,
        ]
        for service in standard.services
    ]
    add_table(document, head, rows, caption=_caption("standard", lang))
    if asked := [[*row] for row in figure_rows(standard, lang)]:
        head = [say(f"report.column_{name}", lang) for name in ("about", "asked", "value", "grade", "source")]
        add_table(document, head, asked, caption=_caption("asked", lang))


def _present(document: Document, coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> None:
    add_text(document, say("document.heading_present", lang), "Heading 1")
    for alarm in alarms(coverage, lang):
        add_text(document, alarm, bold=True)
    city, totals = coverage.city, coverage.totals()
    for service in coverage.standard.services:
        rows = totals[totals["service"] == service.id]
        last = rows.iloc[-1]
        text = say(
            "document.service",
            lang,
            service=service.label(lang),
            facilities=int((city.facilities["service"] == service.id).sum()),
            source=source_label(city.service_sources.get(service.id, "–")),
            how=say(
                "document.in_metres" if service.in_metres else "document.at_pace",
                lang,
                pace=service.pace_mps,
                grade=service.pace_grade,
            ),
            shares=shares_within(service, rows, lang),
            of=of_whom([last["denominator"]], lang),
            median=walk_words(last["median_minutes"], service, lang),
            p90=walk_words(last["p90_minutes"], service, lang),
            words=service.longest.words(lang),
            amount=amount(last["denominator"], last[f"{city.measure}_gap"], lang),
            share=percent(last["share_gap"]),
        )
        add_text(document, text)
    for text in finding(coverage, gaps, lang)[2 + len(coverage.standard.services) :]:
        add_text(document, text, "List Bullet")


def _coverage(document: Document, coverage: Coverage, lang: str) -> None:
    city, standard = coverage.city, coverage.standard
    add_text(document, say("document.heading_coverage", lang), "Heading 1")
    add_text(document, say("document.coverage", lang))
    add_rows(
        document,
        summary_table(coverage, lang),
        _COVERAGE_COLUMNS,
        coverage,
        lang,
        caption=_caption("coverage", lang),
    )
    add_text(document, basis_line(coverage, lang, "document.denominator_line"), "Table Note")
    table = coverage.by_community()
    pairs = list(standard.pairs)
    if len(pairs) > _MOST_PAIRS:
        pairs = [(service, service.longest) for service in standard.services]
        table = at_longest(table, standard)
    head = [say("report.column_community", lang), say(f"report.column_{city.measure}", lang)]
    shares = dict(iter(without_small(table, coverage).groupby("community_id")["share_covered"]))
    communities = table.drop_duplicates("community_id").assign(everyone=by_community(coverage))
    if len(communities) > _MOST_COMMUNITIES:
        left_out = table.groupby("community_id")[f"{city.measure}_gap"].sum().nlargest(_MOST_COMMUNITIES)
        kept = communities["community_id"].isin(left_out.index)
        values = {"shown": int(kept.sum()), "all": len(communities)}
        add_text(document, say("document.communities_cut", lang, **values))
        communities = communities[kept]
    caption = _caption("communities", lang, of=of_whom(coverage.denominators, lang))
    for first in range(0, len(pairs), _MOST_PAIRS):  # as many columns as a page is wide
        part = slice(first, first + _MOST_PAIRS)
        rows = [
            [
                row["community"],
                shown(row["everyone"], "amount", lang),
                *map(percent, shares[row["community_id"]].iloc[part]),
            ]
            for row in communities.to_dict("records")
        ]
        named = (
            say("report.column_pair", lang, service=service.label(lang), limit=limit.label(lang))
            for service, limit in pairs[part]
        )
        numbers = [False] + [True] * (1 + len(pairs[part]))
        add_table(document, [*head, *named], rows, caption=caption, numbers=numbers)
    every = at_longest(communities_table(coverage, lang), standard)
    every = every[every["community_id"].isin(communities["community_id"])]
    caption = _caption("communities_all", lang)
    add_rows(document, every, COMMUNITY_SHARES, coverage, lang, caption=caption)
    add_text(document, basis_line(coverage, lang), "Table Note")


def _maps(document: Document, coverage: Coverage, pictures: Sequence[Path], lang: str) -> None:
    heading = add_text(document, say("document.heading_maps", lang), "Heading 1")
    heading.paragraph_format.page_break_before = bool(pictures)  # so that the first map stands below it
    add_text(document, say("document.maps" if pictures else "document.no_maps", lang))
    city, standard = coverage.city, coverage.standard
    place = xml_text(city.label(lang))
    for picture in pictures:
        service = next((one for one in standard.services if picture.stem.endswith(one.id)), None)
        title = (
            say(
                "print.title_service",
                lang,
                place=place,
                service=service.label(lang),
                limits=service.limits_label(lang),
            )
            if service
            else say_longest("print.title_all", standard, lang, place=place)
        )
        add_picture(document, picture, caption=(say("document.figure", lang), title), most_mm=_FIGURE_MM)
        add_text(document, basis_line(coverage, lang), "Table Note")


def _gaps(document: Document, coverage: Coverage, gaps: gpd.GeoDataFrame, count: int, lang: str) -> None:
    standard = coverage.standard
    add_text(document, say("document.heading_gaps", lang), "Heading 1")
    if gaps.empty:
        add_text(document, say_longest("document.no_gaps", standard, lang))
        return
    worst = gaps.head(_MOST_GAPS)
    values = {"all": count, "count": len(gaps), "shown": len(worst)}
    add_text(document, say_longest("document.gaps", standard, lang, **values))
    caption = _caption_longest("gaps", coverage, lang)
    rows = gaps_table(coverage, worst, lang)
    add_rows(document, rows, gap_columns(coverage), coverage, lang, caption=caption)
    add_text(document, f"{basis_line(coverage, lang)} {say('document.medians', lang)}", "Table Note")
    if coverage.scenarios:
        add_text(document, say("report.heading_sensitivity", lang), "Heading 2")
        for text in holds(sensitivity_table(coverage), coverage, gaps, lang):
            add_text(document, text, "List Bullet")


def _measures(document: Document, coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> None:
    measure = coverage.city.measure
    add_text(document, say("document.heading_measures", lang), "Heading 1")
    rows: list[list[str]] = []
    for reason in REASONS:
        those = gaps[gaps["reason"] == reason]
        if those.empty:
            continue
        label = say(f"report.reason_{reason}", lang)
        people = amount(measure, those[measure].sum(), lang)
        named = those.groupby("community", sort=False)[measure].sum().nlargest(_MOST_NAMED).index
        text = say(
            "document.reason",
            lang,
            reason=label,
            count=len(those),
            amount=people,
            communities=list_of(map(xml_text, named), lang),
            advice=say(f"document.advice_{reason}", lang),
        )
        if not rows:
            add_text(document, say("document.by_reason", lang))
        add_text(document, text, "List Bullet")
        rows.append([label, f"{len(those):,}", people, say(f"ledger.measures_{reason}", lang)])
    if rows:
        head = [
            say("report.column_reason", lang),
            say("document.column_gaps", lang),
            say("report.column_gap_amount", lang),
            next(
                field.heading[lang] for field in fields_of("sheet_gaps", coverage) if field.key == "measures"
            ),
        ]
        add_table(
            document,
            head,
            rows,
            caption=_caption_longest("measures", coverage, lang),
            numbers=[False, True, True, False],
        )
        add_text(document, basis_line(coverage, lang), "Table Note")


def _projects(document: Document, projects: Projects, lang: str) -> None:
    add_text(document, say("projects.heading_document", lang), "Heading 1")
    for text in sentences(projects, lang):
        add_text(document, text)
    for section in sections(projects, lang):
        caption = say("document.table", lang), section.heading
        numbers = numeric(projects, section)
        add_table(document, section.head, section.rows, caption=caption, numbers=numbers)
    add_text(document, basis_line(projects.coverage, lang), "Table Note")
    add_text(document, say("projects.see_all", lang))


def _supply(document: Document, coverage: Coverage, lang: str) -> None:
    rows = supply_rows(coverage, lang)
    if rows.empty:
        return
    add_text(document, say("document.heading_supply", lang), "Heading 1")
    add_text(document, why_not_judged(coverage, lang))
    caption = _caption("supply", lang)
    add_rows(document, at_longest(rows, coverage.standard), _SUPPLY_COLUMNS, coverage, lang, caption=caption)


def _checklist(document: Document, coverage: Coverage, lang: str) -> None:
    rows = checklist_rows(coverage, lang)
    if rows.empty:
        return
    add_text(document, say("document.heading_checklist", lang), "Heading 1")
    add_text(document, checklist_sentence(coverage, lang))
    add_text(document, say("checklist.note", lang))
    add_rows(document, rows, _CHECKLIST_COLUMNS, coverage, lang, caption=_caption("checklist", lang))


def _data(document: Document, coverage: Coverage, lang: str) -> None:
    city = coverage.city
    add_text(document, say("document.data", lang))
    for line in (
        say("report.crs", lang, crs=city.crs.name, code=city.crs.to_string()[:40]),
        say("report.osm_time", lang, time=city.osm_timestamp or "–"),
        "" if city.is_synthetic else say("report.attribution", lang),
    ):
        if line:
            add_text(document, line, "List Bullet")
    quality = quality_table(coverage, lang)
    caption = _caption("quality", lang)
    add_rows(document, quality, ("item", "count", "detail"), coverage, lang, caption=caption)
    head = [say(f"report.column_{name}", lang) for name in ("role", "file", "bytes", "sha256")]
    rows, caption = input_rows(coverage, lang), _caption("files", lang)
    add_table(document, head, rows, caption=caption, numbers=[False, False, True, False])


def _caption(name: str, lang: str, **values: object) -> tuple[str, str]:
    return say("document.table", lang), say(f"document.caption_{name}", lang, **values)


def _caption_longest(name: str, coverage: Coverage, lang: str) -> tuple[str, str]:
    return say("document.table", lang), say_longest(f"document.caption_{name}", coverage.standard, lang)
