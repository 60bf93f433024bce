"""What does the chapter of the project list say, in the report as a page and as a document?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lifecircle.measures import PHASES
from lifecircle.messages import listed, say
from lifecircle.project_list import Projects
from lifecircle.render.dictionary import fields_called
from lifecircle.render.finding import percent
from lifecircle.render.project_tables import (
    late,
    options_table,
    projects_table,
    shares_by_phase,
)
from lifecircle.render.tables import Section, markdown_table, markdown_text
from lifecircle.render.whom import amount
from lifecircle.render.workbook import shown
from lifecircle.scenarios import ROBUST

_MOST_GAPS = 20
_PROJECTS = (
    *("project_id", "phase_label", "service_label", "option_label", "place", "community", "amount_gained"),
    *("cost", "gained_per_cost", "months", "checked_label"),
)
_HOLDS = "robust_label"
_OPTIONS = (
    *("gap_id", "community", "service_label", "amount_in_gap", "option_label", "condition_label"),
    *("of_gap", "cost"),
)


def sentences(projects: Projects, lang: str) -> list[str]:
    """Return what the list holds, how it is ordered and phased, and on what it rests."""
    frame = projects.frame
    if frame.empty:
        return [say("projects.none", lang), *_about_places(projects, lang)]
    count = {phase: int((frame["phase"] == phase).sum()) for phase in PHASES}
    told = [say("projects.found", lang, count=len(frame), **count), _order(projects, lang)]
    near, medium = projects.phases
    told.append(say("projects.phases", lang, near=near, medium=medium))
    told += [say("projects.people", lang), say("projects.walks_only", lang)]
    if projects.cut:
        told.append(say("projects.cut", lang, count=len(frame)))
    return [*told, *_holds(projects, lang), *_about_places(projects, lang), *_deadline(projects, lang)]


def sections(projects: Projects, lang: str) -> list[Section]:
    """Return the tables of the chapter: the list, what it brings, and the options of the largest gaps."""
    made = []
    if len(projects.frame):
        rows = projects_table(projects, lang)
        caption = say("projects.caption_projects", lang, unit=projects.cost_unit)
        keys = (*_PROJECTS, _HOLDS) if projects.coverage.scenarios else _PROJECTS
        made += [_section(projects, caption, keys, rows, lang), _shares(projects, lang)]
    options = options_table(projects, lang)
    largest = options["gap_id"].drop_duplicates()
    rows = options[options["gap_id"].isin(largest.head(_MOST_GAPS))]
    if len(rows):
        counts = {"shown": min(_MOST_GAPS, len(largest)), "all": len(largest)}
        caption = say("projects.caption_options", lang, unit=projects.cost_unit, **counts)
        made.append(_section(projects, caption, _OPTIONS, rows, lang))
    return made


def chapter(projects: Projects, lang: str) -> str:
    """Return the chapter as Markdown, below its heading."""
    parts = [markdown_text(sentence) for sentence in sentences(projects, lang)]
    for section in sections(projects, lang):
        parts += [f"**{markdown_text(section.heading)}**", markdown_table(section.head, section.rows)]
    return "\n\n".join([*parts, markdown_text(say("projects.see_all", lang))])


def numeric(projects: Projects, section: Section) -> list[bool]:
    """Return which columns of a section hold numbers."""
    kinds = {
        field.heading[lang]: field.kind
        for field in fields_called((*_PROJECTS, *_OPTIONS, _HOLDS), projects.coverage)
        for lang in field.heading
    }
    return [kinds.get(head, "share" if row else "text") != "text" for row, head in enumerate(section.head)]


def _section(
    projects: Projects, heading: str, keys: tuple[str, ...], rows: pd.DataFrame, lang: str
) -> Section:
    fields = fields_called(keys, projects.coverage)
    texts = [[shown(value, field.kind, lang) for value in rows[field.key].tolist()] for field in fields]
    return Section(heading, [field.heading[lang] for field in fields], list(zip(*texts, strict=True)))


def _shares(projects: Projects, lang: str) -> Section:
    services = projects.coverage.standard.services
    head = [say("report.column_service", lang), say("report.column_limit", lang)]
    head += [say("projects.column_today", lang)]
    head += [
        say("projects.column_after", lang, phase=say(f"projects.phase_{phase}", lang)) for phase in PHASES
    ]
    head += [say("projects.column_gained", lang)]
    rows = [
        [
            *(service.label(lang), service.longest.label(lang), *map(percent, shares)),
            amount(projects.coverage.denominator(service.id), gained, lang),
        ]
        for service, shares, gained in zip(
            services, shares_by_phase(projects), projects.brings.sum(axis=1), strict=True
        )
    ]
    return Section(say("projects.caption_shares", lang), head, rows)


def _order(projects: Projects, lang: str) -> str:
    without = int(projects.frame["cost"].isna().sum())
    kind = "cost" if without == 0 else "people" if without == len(projects.frame) else "mixed"
    return say(f"projects.order_{kind}", lang, unit=projects.cost_unit, count=without)


def _holds(projects: Projects, lang: str) -> list[str]:
    """Say which projects bring what they promise in every scenario, where that was asked."""
    if not projects.coverage.scenarios:
        return []
    holding = projects.frame["project_id"][projects.frame["robust"] == ROBUST].tolist()
    counts = {"count": len(holding), "all": len(projects.frame)}
    which = say("projects.which_hold", lang, projects=listed(holding, lang), **counts) if holding else ""
    told = which or say("projects.none_holds", lang, **counts)
    return [told, say("sensitivity.project_rule", lang)]


def _about_places(projects: Projects, lang: str) -> Iterator[str]:
    if projects.candidates is None:
        yield say("projects.from_streets", lang)
    else:
        yield say("projects.from_list", lang, count=projects.candidates)
    if projects.unnamed:
        kinds = [
            say("projects.unnamed_one", lang, kind=kind, count=count)
            for kind, count in projects.unnamed.items()
        ]
        yield say("projects.unnamed", lang, kinds=listed(kinds, lang))
    without = projects.options[projects.options["option"] == ""]
    if len(without):
        measure = projects.coverage.city.measure
        alike = set(without["denominator"])
        counted = alike.pop() if len(alike) == 1 else measure
        people = amount(counted, float(np.nansum(without[measure])), lang)
        yield say("projects.without", lang, count=without["gap_id"].nunique(), amount=people)


def _deadline(projects: Projects, lang: str) -> Iterator[str]:
    creation = projects.creation
    if creation is None:
        yield say("projects.no_deadline", lang)
        return
    about = {"name": creation.name, "source": creation.source, "grade": creation.grade}
    if np.isnan(creation.years):
        yield say("projects.deadline_rolling", lang, **about)
        return
    years = say("projects.one_year" if creation.years == 1 else "projects.years", lang, years=creation.years)
    yield say("projects.deadline", lang, years=years, **about)
    if ids := late(projects):
        yield say("projects.in_time", lang, count=len(ids), projects=listed(ids, lang))
