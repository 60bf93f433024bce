"""What changed between two runs, in sentences and on a page?"""

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from lifecircle.coverage import at_longest
from lifecircle.messages import say
from lifecircle.render.finding import list_of, percent
from lifecircle.render.limits_text import limit_labels, say_longest, shared_longest
from lifecircle.render.tables import markdown_table, markdown_text
from lifecircle.render.whom import amount, of_whom, unit_of

if TYPE_CHECKING:
    from lifecircle.render.compare import Comparison

_LEAST_PEOPLE = 0.5  # less is none, in whole numbers
_LEAST_POINTS = 0.05  # less is none, with one decimal
_LEAST_UNKNOWN = 0.0005


def sentences(comparison: "Comparison") -> list[str]:
    """Return what changed: shares, people, where most, facilities, and what cannot be told.

    Parameters
    ----------
    comparison
        Two runs.

    Returns
    -------
    list of str
    """
    lang, standard = comparison.lang, comparison.after.standard
    rows = at_longest(comparison.table, standard)
    key = "compare.share" if shared_longest(standard) else "compare.share_within"
    city, communities = rows[rows["community_id"] == ""], rows[rows["community_id"] != ""]
    shares = (
        say(
            key,
            lang,
            service=standard.service(row["service"]).label(lang),
            limit=standard.service(row["service"]).longest.label(lang),
            before=percent(row["share_covered_before"]),
            after=percent(row["share_covered_after"]),
            points=points(row["change_points"]),
        )
        for row in city.to_dict("records")
    )
    of = of_whom(comparison.after.denominators.values(), lang)
    return [
        say_longest("compare.shares", standard, lang, shares=list_of(shares, lang), of=of),
        *_people(comparison, city),
        *_most(comparison, communities),
        *_facilities(comparison),
        *_unknown(comparison, city),
        *([say("report.there_and_back", lang)] if comparison.after.round_trip else []),
    ]


def title(comparison: "Comparison") -> str:
    """Return what the page and the map are called."""
    return say("compare.title", comparison.lang, city=comparison.after.city[comparison.lang])


def subtitle(comparison: "Comparison") -> str:
    """Return which runs are compared."""
    return say(
        "compare.subtitle", comparison.lang, before=comparison.before.label, after=comparison.after.label
    )


def sample_line(comparison: "Comparison") -> str | None:
    """Return what a page about an invented city says first; None for a real one."""
    return say("report.sample", comparison.lang) if comparison.after.is_synthetic else None


def points(change: float) -> str:
    """Return a change of a share with its sign, such as ``+3.1``; a dash where there is none to tell.

    Examples
    --------
    >>> points(3.14), points(-0.001), points(float("nan"))
    ('+3.1', '0.0', '–')
    """
    if math.isnan(change):
        return "–"
    return f"{change:+.1f}".replace("-", "−") if abs(change) >= _LEAST_POINTS else "0.0"


def comparison_page(comparison: "Comparison") -> str:
    """Return the comparison as Markdown: finding, tables, facilities, how to read them."""
    lang = comparison.lang
    parts = [f"# {markdown_text(title(comparison))}"]
    if sample := sample_line(comparison):
        parts.append(f"> **{markdown_text(sample)}**")
    parts.append(markdown_text(subtitle(comparison)))
    parts.append(" ".join(markdown_text(sentence) for sentence in comparison.finding()))
    table = comparison.table
    city, communities = table[table["community_id"] == ""], table[table["community_id"] != ""]
    parts += [_heading("city", lang), _rows(comparison, city)]
    changed = communities[_is_changed(comparison, communities)]
    note = say("compare.note_communities", lang, shown=changed["community_id"].nunique())
    parts += [_heading("communities", lang), markdown_text(note)]
    if len(changed):
        parts.append(_rows(comparison, changed))
    moved = comparison.facilities[comparison.facilities["change"] != "kept"]
    if len(moved):
        parts += [_heading("facilities", lang), _facility_rows(comparison, moved)]
    notes = [say(f"compare.note_{name}", lang) for name in ("homes", "facilities", "map")]
    if not comparison.after.is_synthetic:
        notes.append(say("report.attribution", lang))
    parts += [_heading("notes", lang), "\n".join(f"- {markdown_text(note)}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def _people(comparison: "Comparison", city: pd.DataFrame) -> list[str]:
    """Return who gained and who lost by service, and how much of the change is neither."""
    measure, lang = comparison.after.measure, comparison.lang
    told = []
    for row in city.to_dict("records"):
        gained, lost, rest = (row[f"{measure}_{kind}"] for kind in ("gained", "lost", "otherwise"))
        if max(gained, lost, abs(rest)) < _LEAST_PEOPLE:
            continue
        key = "compare.people" if abs(rest) < _LEAST_PEOPLE else "compare.people_otherwise"
        told.append(
            say(
                key,
                lang,
                service=comparison.after.standard.service(row["service"]).label(lang),
                gained=amount(row["denominator"], gained, lang),
                lost=amount(row["denominator"], lost, lang),
                rest=("+" if rest > 0 else "−") + amount(row["denominator"], abs(rest), lang),
            )
        )
    return told or [say("compare.nobody", lang)]


def _most(comparison: "Comparison", communities: pd.DataFrame) -> list[str]:
    """Return the community where most gained and the one where most lost."""
    measure, lang = comparison.after.measure, comparison.lang
    told = []
    for kind in ("gained", "lost"):
        amounts = communities[f"{measure}_{kind}"]
        if not amounts.max() >= _LEAST_PEOPLE:
            continue
        row = communities.iloc[int(amounts.fillna(0.0).argmax())]
        told.append(
            say(
                f"compare.most_{kind}",
                lang,
                community=row["community"],
                service=comparison.after.standard.service(row["service"]).label(lang),
                amount=amount(row["denominator"], amounts.max(), lang),
            )
        )
    return told


def _facilities(comparison: "Comparison") -> list[str]:
    lang, facilities = comparison.lang, comparison.facilities
    told = []
    for change in ("added", "removed"):
        of_change = facilities.loc[facilities["change"] == change, "service"].value_counts()
        counts = (
            say("compare.facility_count", lang, service=service.label(lang), count=int(of_change[service.id]))
            for service in comparison.after.standard.services
            if service.id in of_change
        )
        if len(of_change):
            told.append(say(f"compare.facilities_{change}", lang, counts=list_of(counts, lang)))
    return told or [say("compare.no_facility", lang)]


def _unknown(comparison: "Comparison", city: pd.DataFrame) -> list[str]:
    """Return a warning where more or less is known than before: such a change is none of the city's."""
    lang = comparison.lang
    parts = [
        say(
            "compare.unknown_share",
            lang,
            service=comparison.after.standard.service(row["service"]).label(lang),
            before=percent(row["share_unknown_before"]),
            after=percent(row["share_unknown_after"]),
        )
        for row in city.to_dict("records")
        if abs(row["share_unknown_after"] - row["share_unknown_before"]) >= _LEAST_UNKNOWN
    ]
    return [say("compare.unknown", lang, parts=list_of(parts, lang))] if parts else []


def _is_changed(comparison: "Comparison", rows: pd.DataFrame) -> "pd.Series[bool]":
    measure = comparison.after.measure
    people = rows[[f"{measure}_{kind}" for kind in ("gained", "lost", "otherwise")]].abs().max(axis=1)
    moved = rows[["facilities_added", "facilities_removed"]].sum(axis=1) > 0
    one_sided = rows[f"{measure}_before"].isna() | rows[f"{measure}_after"].isna()
    return (people >= _LEAST_PEOPLE) | (rows["change_points"].abs() >= _LEAST_POINTS) | moved | one_sided


def _heading(name: str, lang: str) -> str:
    return "## " + say(f"compare.heading_{name}", lang)


def _rows(comparison: "Comparison", rows: pd.DataFrame) -> str:
    lang, measure = comparison.lang, comparison.after.measure
    named = bool((rows["community_id"] != "").any())
    head = [say(f"report.column_{name}", lang) for name in ("service", "limit")]
    unit = unit_of(comparison.after.denominators.values(), lang)
    head += [
        say(f"compare.column_{name}", lang, unit=unit)
        for name in ("before", "after", "points", "gained", "lost", "otherwise", "added", "removed")
    ]
    cells = []
    limits = limit_labels(rows, comparison.after.standard, lang)
    for row, limit in zip(rows.to_dict("records"), limits, strict=True):
        line = [
            comparison.after.standard.service(row["service"]).label(lang),
            limit,
            percent(row["share_covered_before"]),
            percent(row["share_covered_after"]),
            points(row["change_points"]),
            *(_moved(row[f"{measure}_{kind}"]) for kind in ("gained", "lost", "otherwise")),
            str(row["facilities_added"]),
            str(row["facilities_removed"]),
        ]
        cells.append([row["community"], *line] if named else line)
    return markdown_table([say("report.column_community", lang), *head] if named else head, cells)


def _moved(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def _facility_rows(comparison: "Comparison", facilities: Any) -> str:
    lang, areas = comparison.lang, comparison.table.drop_duplicates("community_id")
    called = dict(zip(areas["community_id"], areas["community"], strict=True))
    head = [say("compare.column_change", lang), say("report.column_service", lang)]
    head += [say("compare.column_name", lang), say("report.column_community", lang)]
    cells = [
        [
            say(f"compare.{row['change']}", lang),
            comparison.after.standard.service(row["service"]).label(lang),
            row["name"] or say("report.unnamed", lang),
            called.get(row["community_id"]) or "–",
        ]
        for row in facilities.to_dict("records")
    ]
    return markdown_table(head, cells)
