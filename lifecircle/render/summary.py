"""What did all cities of a batch find, in one table and one workbook?"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lifecircle.messages import say
from lifecircle.render.dictionary import Field
from lifecircle.render.found import Unit
from lifecircle.render.workbook import write_table
from lifecircle.shares import STATUS

_SHARES = tuple(f"share_{word}" for word in STATUS)
_COUNTS = ("communities", "communities_covered", "gaps")
COLUMNS = (
    "city", "name", "standard", "scenario", "state", "service", "threshold_minutes", "threshold_m",
    "denominator", "total", *STATUS, *_SHARES, *_COUNTS, "data", "note",
)  # fmt: skip
"""Of ``summary.csv``; what a city that was not measured does not have is empty."""
_SHEET: Mapping[str, str] = {
    **dict.fromkeys(("name", "standard", "scenario", "service", "limit", "denominator"), "text"),
    **dict.fromkeys(("total", *STATUS), "amount"),
    **dict.fromkeys(_SHARES, "share"),
    **dict.fromkeys(_COUNTS, "amount"),
    "note": "text",
}
"""Columns of ``summary.xlsx``, and how each is shown."""


def summary_table(units: Sequence[Unit], lang: str) -> pd.DataFrame:
    """Return ``summary.csv``: a row per unit, service and limit; one row for a unit that was not measured.

    Parameters
    ----------
    units
        In their order.
    lang
        Of names and notes.

    Returns
    -------
    DataFrame
        With `COLUMNS`. It holds no times: the same figures are the same bytes, whoever measured them, and
        whatever became of the others.
    """
    table = pd.DataFrame([row for unit in units for row in _rows(unit, lang)])[[*COLUMNS]]
    return table.astype(dict.fromkeys(_COUNTS, "Int64"))  # 1, also beside a city whose count is not known


def write_summary_workbook(units: Sequence[Unit], path: Path, *, lang: str) -> None:
    """Write ``summary.xlsx``: the same rows with headings, names and limits as people say them.

    Parameters
    ----------
    units, lang
        As for `summary_table`.
    path
        The file.
    """
    frame = pd.DataFrame([row for unit in units for row in _rows(unit, lang)])
    frame["service"], frame["denominator"] = frame["service_label"], frame["denominator_label"]
    fields = [
        Field(key, key, {lang: say(f"batch.column_{key}", lang)}, {}, {}, kind)
        for key, kind in _SHEET.items()
        if key not in {"scenario", "note"} or (frame[key] != "").any()
    ]
    invented = any(unit.found is not None and unit.found.is_synthetic for unit in units)
    write_table(
        frame,
        fields,
        path,
        title=say("batch.title", lang, count=len({unit.city for unit in units})),
        note=say("batch.note", lang),
        sample=say("batch.sample", lang) if invented else "",
        lang=lang,
    )


def _rows(unit: Unit, lang: str) -> Iterator[dict[str, Any]]:
    about = {
        "city": unit.city,
        "name": unit.name[lang],
        "standard": unit.standard,
        "scenario": unit.scenario,
        "state": "measured" if unit.found else "not measured",
        "note": unit.found.alarm(lang) if unit.found else unit.message[lang],
    }
    if unit.found is None:
        texts = ("service", "service_label", "limit", "denominator", "denominator_label", "data")
        numbers = ("threshold_minutes", "threshold_m", "total", *STATUS, *_SHARES)
        yield about | dict.fromkeys(texts, "") | dict.fromkeys((*numbers, *_COUNTS), math.nan)
        return
    for row, (service, limit) in zip(unit.found.rows, unit.found.standard.pairs, strict=True):
        labels = {
            "service_label": service.label(lang),
            "limit": limit.label(lang),
            "denominator_label": say(f"map.unit_{row['denominator']}", lang),
        }
        yield {**about, **row, **labels, "data": unit.found.data}
