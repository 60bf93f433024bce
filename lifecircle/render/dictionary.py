"""What does every column of our tables mean, in which unit (``data_dictionary.csv``)?

The ledger and the report take the headings of their tables from here, so that the two never part.
"""

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lifecircle.checklist import checklist
from lifecircle.coverage import Coverage
from lifecircle.messages import LANGUAGES
from lifecircle.render.limits_text import limit_code
from lifecircle.render.tables import write_csv
from lifecircle.render.whom import of_whom, unit_of
from lifecircle.supply import supplies_of


class Field(NamedTuple):
    """One column of one table.

    Attributes
    ----------
    key
        What code calls it.
    column
        Its name in a file of data.
    heading, unit, meaning
        By language; the heading is its name in a file for people.
    kind
        How it is shown: text, amount, share, minutes, metres, ratio, degrees, cost, number; blank is to fill
        in.
    """

    key: str
    column: str
    heading: Mapping[str, str]
    unit: Mapping[str, str]
    meaning: Mapping[str, str]
    kind: str


def fields_of(table: str, coverage: Coverage) -> list[Field]:
    """Return the columns of a table, in their order, for a city and a standard.

    Parameters
    ----------
    table
        Id of the table in ``catalog/dictionary.toml``, such as ``"sheet_gaps"``.
    coverage
        Names the measure, the services and their limits.

    Returns
    -------
    list of Field
    """
    texts, city = _catalog()["fields"], coverage.city
    there = {
        "layer_homes": city.homes,
        "layer_communities": city.communities,
        **dict.fromkeys(("layer_facilities", "sheet_facilities"), city.facilities),
    }.get(table, ())
    keys = next(entry["fields"] for entry in _catalog()["tables"] if entry["id"] == table)
    return [
        field
        for key in keys
        if texts[key].get("column", key.removesuffix("_label")) in there or not texts[key].get("optional")
        for field in _expanded(key, texts[key], coverage)
    ]


def fields_called(keys: Sequence[str], coverage: Coverage) -> list[Field]:
    """Return the columns of those keys, of any table or of none."""
    return [next(_expanded(key, _catalog()["fields"][key], coverage)) for key in keys]


def table_name(table: str, lang: str) -> str:
    """Return what a table is called, such as the sheet of a workbook."""
    return str(next(entry["name"][lang] for entry in _catalog()["tables"] if entry["id"] == table))


def write_dictionary(coverage: Coverage, path: Path, *, projects: bool = False) -> None:
    """Write every column of the tables, of ``gaps.gpkg`` and of ``ledger.xlsx``, in both languages.

    Parameters
    ----------
    coverage
        Names the measure, the services and the limits that stand in the names of columns.
    path
        The CSV file: file, table, column, table_zh, column_zh, unit, unit_zh, meaning, meaning_zh. A ledger
        has headings in one language: those of an English one stand in column, of a Chinese one in column_zh.
    projects
        Whether there is a project list, whose tables are explained then.
    """
    left_out = {
        *(() if coverage.city.levels else ("levels",)),
        *(() if supplies_of(coverage) else ("supply",)),
        *(() if len(checklist(coverage)) else ("checklist",)),
        *(() if coverage.scenarios else ("sensitivity",)),
        *(() if coverage.standard.spaced else ("spacing", "layer_spacing")),
        *(() if projects else ("projects", "options", "layer_projects", "layer_options")),
    }
    rows = [
        {
            "file": table["file"],
            "table": table["name"]["en"],
            "column": field.heading["en"] if table["id"].startswith("sheet_") else field.column,
            "table_zh": table["name"]["zh"],
            "column_zh": field.heading["zh"],
            "unit": field.unit["en"],
            "unit_zh": field.unit["zh"],
            "meaning": field.meaning["en"],
            "meaning_zh": field.meaning["zh"],
        }
        for table in _catalog()["tables"]
        if table["id"].removeprefix("sheet_") not in left_out
        for field in fields_of(table["id"], coverage)
    ]
    write_csv(pd.DataFrame(rows), path)


@functools.cache
def _catalog() -> dict[str, Any]:
    file = resources.files("lifecircle") / "catalog" / "dictionary.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _expanded(key: str, entry: Mapping[str, Any], coverage: Coverage) -> Iterator[Field]:
    """Yield a field once, or once for every service, or every limit of it, that its column names."""
    template, measure, standard = entry.get("column", key), coverage.city.measure, coverage.standard
    if entry.get("met_in_metres") and not any(service.in_metres for service in standard.services):
        return
    pairs = [(service, service.longest) for service in standard.services]
    if entry.get("supplied"):
        pairs = [(service, limit) for service, limit in pairs if service.id in supplies_of(coverage)]
    if "{limit}" in template:
        pairs = list(standard.pairs)
    for service, limit in pairs if "{service}" in template else pairs[:1]:
        denominators = (
            [coverage.denominator(service.id)] if "{service}" in template else coverage.denominators
        )
        words = {
            lang: {
                "unit": unit_of(denominators, lang),
                "of": of_whom(denominators, lang),
                "service_label": service.label(lang),
                "limit_label": limit.label(lang),
                "enough": standard.target.label(lang),
            }
            for lang in LANGUAGES
        }
        yield Field(
            key=key,
            column=template.format(measure=measure, service=service.id, limit=limit_code(limit)),
            heading={lang: entry[lang].format(**words[lang]) for lang in LANGUAGES},
            unit={lang: entry.get("unit", {}).get(lang, "").format(**words[lang]) for lang in LANGUAGES},
            meaning={lang: entry["meaning"][lang].format(**words[lang]) for lang in LANGUAGES},
            kind=entry.get("kind", "text"),
        )
