"""What do the report and the pages of communities share: rows of the ledger, and on what figures rest?"""

from collections.abc import Sequence

import pandas as pd
from docx.document import Document

from lifecircle.coverage import Coverage
from lifecircle.messages import say
from lifecircle.render.dictionary import fields_called
from lifecircle.render.limits_text import grades_listed, paces_listed
from lifecircle.render.whom import of_whom
from lifecircle.render.word import add_table
from lifecircle.render.workbook import shown

GAP_COLUMNS = (
    "gap_id",
    "community",
    "service_label",
    "amount_in_gap",
    "reason_label",
    "nearest_of_gap",
    "nearest_walk",
    "nearest_straight_m",
    "detour_ratio",
)


def gap_columns(coverage: Coverage) -> tuple[str, ...]:
    """Return the columns of a table of gaps; whether they are robust only where that was asked for."""
    return (*GAP_COLUMNS, "robust_label") if coverage.scenarios else GAP_COLUMNS


def add_rows(
    document: Document,
    rows: pd.DataFrame,
    keys: Sequence[str],
    coverage: Coverage,
    lang: str,
    *,
    caption: tuple[str, str] | None = None,
) -> None:
    """Add the columns `keys` of a table of the ledger, headed and shown as the dictionary has them."""
    fields = fields_called(keys, coverage)
    texts = [[shown(value, field.kind, lang) for value in rows[field.key].tolist()] for field in fields]
    add_table(
        document,
        [field.heading[lang] for field in fields],
        list(zip(*texts, strict=True)),
        caption=caption,
        numbers=[field.kind != "text" for field in fields],
    )


def sample_line(coverage: Coverage, lang: str) -> str:
    """Return what must be said of an invented city; empty for a real one."""
    return say("report.sample", lang) if coverage.city.is_synthetic else ""


def basis_line(coverage: Coverage, lang: str, key: str = "document.basis_line") -> str:
    """Return the line below a table or a map: denominator, standard, paces and grades."""
    return say(key, lang, **basis_values(coverage, lang))


def basis_values(coverage: Coverage, lang: str) -> dict[str, str]:
    """Return what every figure rests on, for a message: of, standard, grade and paces."""
    standard = coverage.standard
    return {
        "of": of_whom(coverage.denominators, lang),
        "standard": standard.label(lang),
        "grade": grades_listed(standard),
        "paces": paces_listed(standard, lang),
    }
