"""What does each community get (一社区一方案): one page of its coverage, its gaps and what to consider?"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd
from docx.document import Document

from lifecircle.coverage import Coverage, at_longest
from lifecircle.gaps import REASONS
from lifecircle.messages import say
from lifecircle.render.dictionary import fields_of
from lifecircle.render.document_parts import add_rows, basis_values, gap_columns, sample_line
from lifecircle.render.ledger_tables import COMMUNITY_SHARES, communities_table, gaps_table
from lifecircle.render.limits_text import say_longest
from lifecircle.render.whom import amount
from lifecircle.render.word import TEXT_MM, add_picture, add_table, add_text, new_document, save_document
from lifecircle.render.workbook import xml_text

_MOST_GAPS, _FIGURE_MM = 5, (TEXT_MM, 68.0)
_COLUMNS = (
    "service_label",
    "limit",
    "meets",
    "amount_covered",
    "amount_gap",
    "amount_unknown",
    "share_covered",
    "median_walk",
    "nearest_facility",
)
_SHARES = [key for key in COMMUNITY_SHARES if key not in {"community", "meets"}]


def write_community_pages(
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    folder: Path,
    *,
    lang: str,
    communities: Iterable[str] | None = None,
    pictures: Mapping[str, Path] = MappingProxyType({}),
) -> dict[str, Path]:
    """Write one page for each community: its coverage, its gaps, what to consider.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    folder
        Where to; made if it is absent.
    lang
        ``"en"`` or ``"zh"``.
    communities
        Ids of those that get a page; all where None.
    pictures
        A PNG file by community id, for those that have one.

    Returns
    -------
    dict of str to Path
        The files by community id.

    Raises
    ------
    OSError
        If a picture cannot be read or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = None if communities is None else set(communities)
    table, ledger = communities_table(coverage, lang), gaps_table(coverage, gaps, lang)
    ledger = at_longest(ledger, coverage.standard)
    rows, of_gaps = dict(iter(table.groupby("community_id"))), dict(iter(ledger.groupby("community_id")))
    paths = {}
    for number, community in enumerate(coverage.city.communities["community_id"], start=1):
        if wanted is not None and community not in wanted:
            continue
        name = str(rows[community]["community"].iloc[0])
        safe = re.sub(r"\W+", "-", xml_text(name))[:40].strip("-")
        paths[community] = folder / f"{number:04d}-{safe}.docx"
        document = new_document(
            say("document.community_title", lang, community=xml_text(name)),
            sample=sample_line(coverage, lang),
            lang=lang,
            compact=True,
        )
        its_gaps = of_gaps.get(community, ledger.head(0))
        _community(document, coverage, rows[community], its_gaps, pictures.get(community), lang)
        save_document(document, paths[community])
    return paths


def _community(
    document: Document,
    coverage: Coverage,
    rows: pd.DataFrame,
    gaps: pd.DataFrame,
    picture: Path | None,
    lang: str,
) -> None:
    city, one, standard = coverage.city, rows.iloc[0], coverage.standard
    name = xml_text(one["community"])
    add_text(document, say("document.community_title", lang, community=name), "Heading 1")
    scope = {"city": xml_text(city.label(lang)), "number": xml_text(one["community_id"])}
    people = amount(city.measure, one["everyone"], lang)
    add_text(
        document,
        say("document.community_scope", lang, amount=people, **scope, **basis_values(coverage, lang)),
    )
    add_text(document, say("document.community_coverage", lang), "Heading 2")
    add_rows(document, rows, _COLUMNS, coverage, lang)
    add_text(document, say("report.note_communities_all", lang), "Table Note")
    add_rows(document, at_longest(rows, standard), _SHARES, coverage, lang)
    if picture is not None:
        add_picture(document, picture, most_mm=_FIGURE_MM)
    if gaps.empty:
        add_text(document, say_longest("document.no_gaps", standard, lang))
        return
    worst = gaps.head(_MOST_GAPS)
    values = {"shown": len(worst), "all": len(gaps)}
    add_text(document, say_longest("document.community_gaps", standard, lang, **values), "Heading 2")
    add_rows(document, worst, [key for key in gap_columns(coverage) if key != "community"], coverage, lang)
    add_text(document, say("document.community_measures", lang), "Heading 2")
    for reason in REASONS:
        if (gaps["reason"] == reason).any():
            label, advice = say(f"report.reason_{reason}", lang), say(f"document.advice_{reason}", lang)
            add_text(document, say("document.advice_line", lang, reason=label, advice=advice), "List Bullet")
    blank = ("owner", "deadline", "investment")
    head = [field.heading[lang] for field in fields_of("sheet_gaps", coverage) if field.key in blank]
    add_table(document, head, [[""] * len(head)])
