"""Which findings hold if pace, limit or snap limit were a little other: a table, and in words?"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecircle.coverage import Coverage, at_longest
from lifecircle.gaps import homes_of_gaps
from lifecircle.messages import listed, say
from lifecircle.render.finding import percent
from lifecircle.render.limits_text import limit_labels
from lifecircle.render.tables import markdown_table, markdown_text
from lifecircle.render.whom import amount
from lifecircle.scenarios import (
    HALF,
    NOT_ROBUST,
    ROBUST,
    SCENARIOS,
    SHORT_OF_PLACES,
    Scenario,
    kept_shares,
    moved,
)
from lifecircle.shares import COVERED, GAP, STATUS, UNKNOWN
from lifecircle.standard import Limit, Service

MEASURED, EVERY = "as_measured", "every"
"""What a row is of that no single scenario is of: the run itself, and all of them together."""
_ALIKE = ((COVERED, SHORT_OF_PLACES), (GAP,), (UNKNOWN,))
"""The codes that count for each column of amounts: whoever is short of places has a facility within reach."""
_CASES = (Scenario(MEASURED), *SCENARIOS)


def sensitivity_table(coverage: Coverage) -> pd.DataFrame:
    """Return what each scenario finds.

    Parameters
    ----------
    coverage
        With scenarios.

    Returns
    -------
    pandas.DataFrame
        One row per service and limit, and scenario: first ``as_measured``, last ``every``. scenario, service,
        threshold_minutes and threshold_m (the limit as measured, as in `Coverage.by_community`), pace_mps,
        limit and limit_unit, max_snap_m (as the scenario has them, NaN for ``every``), denominator, the
        city's measure M, M_covered, M_gap, M_unknown, share_covered, share_gap, share_unknown (in ``every``:
        those who are so in all cases; the others differ), gaps (found as measured), gaps_kept (of which at
        least half of the people stay in a gap; in ``every`` those that are robust).
    """
    measured = np.column_stack(
        [coverage.status_codes(coverage.walks, one.id, limit) for one, limit in coverage.standard.pairs]
    )
    codes: Mapping[str, NDArray[np.int8]] = {MEASURED: measured, **coverage.scenarios}
    homes = homes_of_gaps(coverage)
    of_gap = homes["pair"].to_numpy()[np.unique(homes["gap"], return_index=True)[1]]
    kept = kept_shares(coverage, homes, len(of_gap)) >= HALF
    stays = {MEASURED: np.ones(len(of_gap), dtype=bool), **dict(zip(coverage.scenarios, kept, strict=True))}
    pairs = len(coverage.standard.pairs)
    rows = []
    for number, (service, limit) in enumerate(coverage.standard.pairs):
        weight, measure = coverage.weight(service.id), coverage.city.measure
        of_case = {
            name: [np.isin(code[:, number], alike) for alike in _ALIKE] for name, code in codes.items()
        }
        of_case[EVERY] = [np.logical_and.reduce(status) for status in zip(*of_case.values(), strict=True)]
        for name, parts in of_case.items():
            people = [float(weight[part].sum()) for part in parts]
            kept_here = np.logical_and.reduce([*stays.values()]) if name == EVERY else stays[name]
            whole = float(weight.sum())
            rows.append(
                {
                    "scenario": name,
                    "service": service.id,
                    "threshold_minutes": limit.minutes_at(service.pace_mps),
                    "threshold_m": limit.value if service.in_metres else np.nan,
                    **_assumed(name, service, limit, coverage.max_snap_m),
                    "denominator": coverage.denominator(service.id),
                    measure: whole,
                    **{f"{measure}_{word}": one for word, one in zip(STATUS, people, strict=True)},
                    **{
                        f"share_{word}": one / whole if whole > 0 else np.nan
                        for word, one in zip(STATUS, people, strict=True)
                    },
                    "gaps": int(np.bincount(of_gap, minlength=pairs)[number]),
                    "gaps_kept": int(np.bincount(of_gap[kept_here], minlength=pairs)[number]),
                }
            )
    return pd.DataFrame(rows)


def gap_label(gap: Mapping[Any, Any], lang: str, key: str = "sensitivity.not_robust") -> str:
    """Return whether a gap holds, and if not, under which assumption; "" where that was not asked.

    Parameters
    ----------
    gap
        A row with robust, kept_share and weakest; of suggested sites too.
    lang
        ``"en"`` or ``"zh"``.
    key
        What to say of one that does not.
    """
    if gap["robust"] != NOT_ROBUST:
        return say("sensitivity.robust", lang) if gap["robust"] == ROBUST else ""
    weakest = say(f"sensitivity.{gap['weakest']}", lang)
    return say(key, lang, scenario=weakest, share=percent(gap["kept_share"]))


def gap_labels(gaps: pd.DataFrame, lang: str) -> list[str]:
    """Return `gap_label` of each row of a table of gaps."""
    rows = gaps[["robust", "kept_share", "weakest"]].to_dict("records")
    return [gap_label(row, lang) for row in rows]


def holds(table: pd.DataFrame, coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> list[str]:
    """Return which findings hold in every scenario, in sentences.

    Parameters
    ----------
    table
        As `sensitivity_table` returns it.
    coverage
        With scenarios.
    gaps
        Its gaps, worst first.
    lang
        ``"en"`` or ``"zh"``.
    """
    measure, standard = coverage.city.measure, coverage.standard
    last = at_longest(table, standard)
    cases = last[last["scenario"] != EVERY]
    told = [say("sensitivity.note", lang), say("sensitivity.rule", lang), _range(coverage, last, lang)]
    most = {
        str(rows["service"].iloc[rows[f"{measure}_gap"].argmax()]) if rows[f"{measure}_gap"].max() > 0 else ""
        for _, rows in cases.groupby("scenario", sort=False)
    }
    if most != {""}:
        names = [standard.service(one).label(lang) for one in sorted(most - {""})]
        key = "sensitivity.most_holds" if len(most) == 1 else "sensitivity.most_differs"
        told.append(say(key, lang, services=listed(names, lang)))
    far = at_longest(gaps, standard)
    if len(far):
        holding = far[far["robust"] == ROBUST]
        worst = far.iloc[0].to_dict()
        told.append(
            say(
                "sensitivity.gaps",
                lang,
                all=len(far),
                count=len(holding),
                amount=amount(measure, holding[measure].sum(), lang),
                of=amount(measure, far[measure].sum(), lang),
            )
        )
        told.append(say("sensitivity.worst_gap", lang, gap=worst["gap_id"], label=gap_label(worst, lang)))
    return told


def headline_holds(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    """Return in one sentence how many gaps hold, for a terminal."""
    far = at_longest(gaps, coverage.standard)
    return say("sensitivity.headline", lang, all=len(far), fall=int((far["robust"] == NOT_ROBUST).sum()))


def section(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    """Return the part of the report about it, as Markdown."""
    table = sensitivity_table(coverage)
    lines = "\n".join(f"- {markdown_text(line)}" for line in holds(table, coverage, gaps, lang))
    head, rows = shown_table(table, coverage, lang)
    return f"{lines}\n\n{markdown_table(head, rows)}"


def shown_table(table: pd.DataFrame, coverage: Coverage, lang: str) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the table for people: share covered and gaps kept, scenarios side by side."""
    names = [case.id for case in _CASES] + [EVERY]
    head = [say(f"report.column_{name}", lang) for name in ("service", "limit")]
    head += [say(f"sensitivity.{name}", lang) for name in names] + [say("sensitivity.gaps_kept", lang)]
    rows = []
    parts = table.groupby(["service", "threshold_minutes"], sort=False)
    for (service, limit), (_, part) in zip(coverage.standard.pairs, parts, strict=True):
        here = part.set_index("scenario").to_dict("index")
        shares = [percent(here[name]["share_covered"]) for name in names]
        kept = f"{here[EVERY]['gaps_kept']:,} / {here[EVERY]['gaps']:,}"
        rows.append([service.label(lang), limit.label(lang), *shares, kept])
    return head, rows


def _range(coverage: Coverage, last: pd.DataFrame, lang: str) -> str:
    """Say between which shares each service lies."""
    cases, every = last[last["scenario"] != EVERY], last[last["scenario"] == EVERY]
    limits = limit_labels(every, coverage.standard, lang)
    parts = []
    for service, held, limit in zip(every["service"], every["share_covered"], limits, strict=True):
        shares = cases.loc[cases["service"] == service, "share_covered"]
        parts.append(
            say(
                "sensitivity.range",
                lang,
                service=coverage.standard.service(service).label(lang),
                limit=limit,
                low=percent(shares.min()),
                high=percent(shares.max()),
                held=percent(held),
            )
        )
    return say("sensitivity.ranges", lang, parts=listed(parts, lang, "limits.mark"))


def _assumed(name: str, service: Service, limit: Limit, max_snap_m: float) -> dict[str, object]:
    """Return what a scenario takes for granted."""
    case = next((one for one in _CASES if one.id == name), None)
    if case is None:
        return {"pace_mps": np.nan, "limit": np.nan, "limit_unit": limit.unit, "max_snap_m": np.nan}
    return {
        "pace_mps": service.pace_mps * (1.0 if service.in_metres else case.pace),
        "limit": moved(limit, case, service.pace_mps).value,
        "limit_unit": limit.unit,
        "max_snap_m": max_snap_m * case.snap,
    }
