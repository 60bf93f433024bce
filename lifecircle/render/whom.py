"""Whom does a figure count, in words, and which groups are too small to be shown?"""

from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from lifecircle.coverage import Coverage
from lifecircle.kinds import AGE_COLUMNS, MIN_GROUP
from lifecircle.messages import listed, say
from lifecircle.shares import STATUS
from lifecircle.streets import Floats

_OF_ALL = ("share_covered", "share_gap", "share_unknown", "median_minutes", "p90_minutes")


def of_whom(denominators: Iterable[str], lang: str) -> str:
    """Return what shares are of, such as ``of residents``, or that each service has its own."""
    one = {*denominators}
    return say("people.of_each", lang) if len(one) > 1 else say(f"report.of_{one.pop()}", lang)


def unit_of(denominators: Iterable[str], lang: str) -> str:
    """Return the unit of amounts, such as ``residents``, or that each service has its own."""
    one = {*denominators}
    return say("people.unit_each", lang) if len(one) > 1 else say(f"map.unit_{one.pop()}", lang)


def amount(denominator: str, value: float, lang: str, *, least: float = MIN_GROUP) -> str:
    """Return an amount with its unit, such as ``1,234 residents``; NaN is one too small to be shown."""
    if np.isnan(value):
        return say("people.fewer", lang, value=least, unit=say(f"map.unit_{denominator}", lang))
    return say(f"report.amount_{denominator}", lang, value=round(value))


def amount_of(denominators: Iterable[str], value: float, lang: str) -> str:
    """Return an amount summed over services, which count one thing or each its own."""
    one = {*denominators}
    if len(one) > 1:
        return say("people.amount_each", lang, value=round(value))
    return amount(one.pop(), value, lang)


def who_is_counted(coverage: Coverage, lang: str) -> str:
    """Return a sentence that names whom each service counts; empty where all count the same."""
    if set(coverage.denominators) == {coverage.city.measure}:
        return ""
    groups = (
        say("people.group", lang, service=service.label(lang), unit=unit_of([denominator], lang))
        for service, denominator in zip(coverage.standard.services, coverage.denominators, strict=True)
    )
    said = [say("people.groups", lang, groups=listed(groups, lang))]
    said += [
        say("people.by_share", lang, unit=unit_of([AGE_COLUMNS[ages]], lang), share=share)
        for ages, share in coverage.city.age_shares.items()
        if AGE_COLUMNS[ages] in coverage.denominators
    ]
    said += [say("people.small", lang, value=coverage.city.min_group)] if coverage.city.min_group > 0 else []
    return say("report.sentence_mark", lang).join(said)


def without_small(table: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    """Return a table by community or gap where amounts of age groups under ``min_group`` are NaN.

    Where the whole group of a community is that small, so are its shares and walks. Zero stays zero, and rows
    of the whole city (community_id "") stay as they are.

    Parameters
    ----------
    table
        With community_id and denominator.
    coverage
        Names the measure and the least group.
    """
    measure = coverage.city.measure
    columns = [one for one in (measure, *(f"{measure}_{word}" for word in STATUS)) if one in table]
    of_all = _OF_ALL if f"{measure}_covered" in table else ("kept_share",)
    whole = [one for one in of_all if one in table]
    return blank_small(table, columns, coverage.city.min_group, whole=whole)


def blank_small(
    table: pd.DataFrame, columns: Collection[str], least: float, *, whole: Collection[str] = ()
) -> pd.DataFrame:
    """Return a table with small amounts of age groups made NaN.

    Parameters
    ----------
    table
        With community_id and denominator.
    columns
        Of amounts.
    least
        Smaller amounts are not shown, other than 0.
    whole
        Columns that are blank, like all amounts, where the first amount is: then that is the whole group.
    """
    aged = table["denominator"].isin(AGE_COLUMNS.values()) & (table["community_id"] != "")
    if not aged.any() or not columns:
        return table
    amounts = table[[*columns]].abs()
    small = amounts.gt(0) & amounts.lt(least) & aged.to_numpy()[:, None]
    blank = table.copy()
    blank[[*columns]] = table[[*columns]].mask(small)
    if whole:
        blank.loc[small.iloc[:, 0], [*columns, *whole]] = np.nan
    return blank


def by_unit(coverage: Coverage) -> pd.DataFrame:
    """Return ``coverage.by_levels()`` without the amounts that are too small to be shown."""
    units = coverage.by_levels().rename(columns={"unit_id": "community_id"})
    return without_small(units, coverage).rename(columns={"community_id": "unit_id"})


def by_community(coverage: Coverage) -> Floats:
    """Return what each community counts of all ages, shape (communities,), in their order."""
    city = coverage.city
    rows = pd.Index(city.communities["community_id"]).get_indexer(pd.Index(city.homes["community_id"]))
    total = np.bincount(rows, weights=city.weight, minlength=len(city.communities))
    return total.astype(np.float64)


def groups_shown(frame: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    """Return homes or communities with their age groups NaN where a community's whole group is too small.

    Of homes from a list, whose numbers may be a register's, each small amount is NaN.
    """
    columns = [column for column in AGE_COLUMNS.values() if column in frame]
    if not columns:
        return frame
    group = frame.groupby("community_id")[columns].transform("sum")
    small = (group > 0) & (group < coverage.city.min_group)
    if "kind" in frame:
        own = (frame[columns] > 0) & (frame[columns] < coverage.city.min_group)
        small |= own.mul(frame["kind"] == "list", axis=0)
    return frame.assign(**frame[columns].mask(small))
