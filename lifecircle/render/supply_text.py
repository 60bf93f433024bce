"""What is said of places for people, and of what else is asked, in the words of one language?"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lifecircle.checklist import FAILED, INDICATOR, MET, NO_DATA, checklist
from lifecircle.coverage import Coverage, at_longest
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.messages import listed, say
from lifecircle.render.limits_text import limit_labels
from lifecircle.render.whom import amount, blank_small, unit_of
from lifecircle.supply import SUPPLY, supplies_of, supply_table

_OF_SUPPLY = ("offered", "per_1000", "per_1000_gaussian", "balance")
RESULTS = (MET, FAILED, NO_DATA)


def supply_shown(coverage: Coverage) -> pd.DataFrame:
    """Return the table of supply, groups under ``min_group`` as NaN; empty where no capacity is known."""
    table, measure = supply_table(coverage), coverage.city.measure
    if table.empty:
        return table
    columns = [measure, *(f"{measure}_{word}" for word in SUPPLY)]
    return blank_small(table, columns, coverage.city.min_group, whole=_OF_SUPPLY)


def supply_rows(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return the rows of the ledger's sheet of supply; empty where no capacity is known."""
    table, measure, standard = supply_shown(coverage), coverage.city.measure, coverage.standard
    if table.empty:
        return table
    whole = say("supply.whole", lang)
    return table.rename(
        columns={measure: "amount", **{f"{measure}_{word}": f"supply_{word}" for word in SUPPLY}}
    ).assign(
        community=table["community"].where(table["community_id"] != "", whole),
        service_label=table["service"].map({one.id: one.label(lang) for one in standard.services}),
        limit=limit_labels(table, standard, lang),
        counted=table["denominator"].map(lambda one: unit_of([one], lang)),
        supply_unit=table["unit"].map(lambda unit: say(f"supply.unit_{unit}", lang)),
        minimum_source=[
            said or say("supply.one_each" if np.isfinite(least) else "supply.no_minimum", lang)
            for said, least in zip(table["minimum_source"], table["minimum_per_1000"], strict=True)
        ],
    )


def supply_sentences(coverage: Coverage, lang: str) -> list[str]:
    """Return a sentence for each service with a known capacity: how much there is, and who lacks it."""
    table, measure = supply_table(coverage), coverage.city.measure
    if table.empty:
        return []
    rows = at_longest(table[table["community_id"] == ""], coverage.standard)
    said = []
    for row in rows.to_dict("records"):
        service = coverage.standard.service(row["service"])
        judged = np.isfinite(row["minimum_per_1000"])
        per = row["per_1000"]
        values = {
            "service": service.label(lang),
            "limit": service.longest.label(lang),
            "per": say("supply.not_known", lang) if np.isnan(per) else f"{per:,.1f}",
            "unit": say(f"supply.unit_{row['unit']}", lang),
            "of": unit_of([row["denominator"]], lang),
            "unknown": amount(row["denominator"], row[f"{measure}_unknown"], lang),
        }
        if judged:
            values["short"] = amount(row["denominator"], row[f"{measure}_short"], lang)
            values["least"] = f"{row['minimum_per_1000']:,g}"
        said.append(say("supply.judged" if judged else "supply.not_judged", lang, **values))
    return said


def why_not_judged(coverage: Coverage, lang: str) -> str:
    """Return why nobody is called short of some services, or that all are judged; empty without supply."""
    mark, notes = say("report.sentence_mark", lang), [say("supply.method", lang)]
    supplies = supplies_of(coverage)
    if not supplies:
        return ""
    without = [one.service for one in supplies.values() if not one.is_judged]
    for key, group in (
        ("supply.no_ages", [one for one in without if coverage.denominator(one.id) != _counts(one.ages)]),
        ("supply.no_need", [one for one in without if coverage.denominator(one.id) == _counts(one.ages)]),
    ):
        if group:
            notes.append(say(key, lang, services=listed((one.label(lang) for one in group), lang)))
    return mark.join(notes)


def checklist_rows(coverage: Coverage, lang: str) -> pd.DataFrame:
    """Return the rows of the ledger's sheet of what is asked beside walks; empty where nothing is."""
    table = checklist(coverage)
    if table.empty:
        return table
    label = {one.id: one.label(lang) for one in coverage.standard.services}
    own = table["check"] == INDICATOR
    return table.assign(
        check_label=table["check"].map(lambda check: say(f"checklist.{check}", lang)),
        community=table["community"].where(~own, say("supply.whole", lang)),
        subject_label=table["subject"].where(own, table["subject"].map(label)),
        asked_shown=[_asked(row, lang) for row in table.to_dict("records")],
        value_shown=[_value(row, lang) for row in table.to_dict("records")],
        result_label=table["result"].map(lambda result: say(f"checklist.{result}", lang)),
        reference=table["source"],
    )


def checklist_sentence(coverage: Coverage, lang: str) -> str:
    """Return how many of the things asked are met, failed and without data; empty where nothing is asked."""
    table = checklist(coverage)
    if table.empty:
        return ""
    counts = {result: int((table["result"] == result).sum()) for result in RESULTS}
    return say("checklist.sentence", lang, all=len(table), **counts)


def _counts(ages: str) -> str:
    return AGE_COLUMNS.get(ages, "residents")


def _asked(row: Mapping[Hashable, Any], lang: str) -> str:
    """Return what a row asks, such as ``≥ 1 · floor area ≥ 350 m²``."""
    if row["check"] == INDICATOR:
        return str(row["asked"])
    least = say(f"checklist.least_{row['unit']}", lang, value=row["asked"])
    sizes = (size.partition(">=") for size in str(row["sizes"]).split("; ") if size)
    return " · ".join(
        [least, *(say(f"checklist.size_{column}", lang, value=float(size)) for column, _, size in sizes)]
    )


def _value(row: Mapping[Hashable, Any], lang: str) -> str:
    """Return what is there; what is blank in a table of indicators is to be filled in."""
    if row["check"] == INDICATOR:
        return str(row["value"]) or say("checklist.blank", lang)
    value = float(row["value"])
    shown = say("supply.not_known", lang) if np.isnan(value) else f"{value:,.4g}"
    missing = row["not_known"]
    return say("checklist.with_missing", lang, value=shown, count=missing) if missing > 0 else shown
