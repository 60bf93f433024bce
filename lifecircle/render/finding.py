"""What did the analysis find, in a few sentences?"""

import math
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.coverage import Coverage
from lifecircle.gaps import REASONS
from lifecircle.messages import say


def percent(share: float) -> str:
    """Return a share (0-1) as text such as ``61.2%``; a dash where nobody lives.

    Examples
    --------
    >>> percent(0.6123)
    '61.2%'
    """
    return "–" if math.isnan(share) else f"{share:.1%}"


def amount(measure: str, value: float, lang: str) -> str:
    """Return an amount of what is measured, with its unit, such as ``1,234 residents``."""
    return say(f"report.amount_{measure}", lang, value=round(value))


def list_of(texts: Iterable[str], lang: str) -> str:
    """Return texts as a list in a sentence."""
    return say("report.list_mark", lang).join(texts)


def finding(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> list[str]:
    """Return what was found in ten sentences (with three services).

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    lang
        ``"en"`` or ``"zh"``.

    Returns
    -------
    list of str
    """
    city, standard = coverage.city, coverage.standard
    totals, measure, longest = coverage.totals(), coverage.city.measure, coverage.standard.minutes[-1]
    everyone = float(totals[measure].iloc[0])
    lines = [
        say(
            "report.scope",
            lang,
            city=city.label(lang),
            amount=amount(measure, everyone, lang),
            communities=len(city.communities),
        ),
        say(
            "report.rule",
            lang,
            standard=standard.label(lang),
            minutes=list_of((f"{minutes:g}" for minutes in standard.minutes), lang),
            of=say(f"report.of_{measure}", lang),
        ),
    ]
    for service in standard.services:
        rows = totals[totals["service"] == service.id]
        shares = (
            say("report.share_within", lang, minutes=minutes, share=percent(share))
            for minutes, share in zip(rows["threshold_minutes"], rows["share_covered"], strict=True)
        )
        lines.append(
            say(
                "report.service",
                lang,
                service=service.label(lang),
                shares=list_of(shares, lang),
                amount=amount(measure, rows[f"{measure}_gap"].iloc[-1], lang),
                minutes=longest,
            )
        )
    at_longest = totals[totals["threshold_minutes"] == longest]
    return [
        *lines,
        _most_left_out(coverage, at_longest, lang),
        _reasons(gaps[gaps["threshold_minutes"] == longest], measure, longest, lang),
        _worst_gap(coverage, gaps, lang),
        _whole_communities(coverage, longest, lang),
        _unknown(coverage, at_longest, lang),
    ]


def headline(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> list[str]:
    """Return what was found in three sentences, for a terminal."""
    totals, longest = coverage.totals(), coverage.standard.minutes[-1]
    at_longest = totals[totals["threshold_minutes"] == longest]
    shares = (
        say(
            "report.service_share",
            lang,
            service=coverage.standard.service(service).label(lang),
            share=percent(share),
        )
        for service, share in zip(at_longest["service"], at_longest["share_covered"], strict=True)
    )
    of = say(f"report.of_{coverage.city.measure}", lang)
    return [
        say("report.within", lang, minutes=longest, shares=list_of(shares, lang), of=of),
        _most_left_out(coverage, at_longest, lang),
        _worst_gap(coverage, gaps, lang),
    ]


def method(coverage: Coverage, lang: str) -> str:
    """Return how a walk is measured, and whether slopes count."""
    ground = "report.level" if coverage.city.relief is None else "report.slopes"
    return say("report.method", lang) + say("report.sentence_mark", lang) + say(ground, lang)


def alarms(coverage: Coverage, lang: str) -> list[str]:
    """Return a sentence for each service without a single facility: a result to be doubted first."""
    return [
        say("report.no_facility_at_all", lang, service=service.label(lang))
        for service in coverage.standard.services
        if not (coverage.city.facilities["service"] == service.id).any()
    ]


def _most_left_out(coverage: Coverage, at_longest: pd.DataFrame, lang: str) -> str:
    measure = coverage.city.measure
    worst = at_longest.iloc[at_longest[f"{measure}_gap"].argmax()]
    if worst[f"{measure}_gap"] <= 0:
        return say("report.nobody_left_out", lang, minutes=worst["threshold_minutes"])
    return say(
        "report.most_left_out",
        lang,
        service=coverage.standard.service(worst["service"]).label(lang),
        amount=amount(measure, worst[f"{measure}_gap"], lang),
        share=percent(worst["share_gap"]),
        minutes=worst["threshold_minutes"],
    )


def _reasons(gaps: gpd.GeoDataFrame, measure: str, minutes: float, lang: str) -> str:
    parts = (
        say(
            "report.reason_amount",
            lang,
            reason=say(f"report.reason_{reason}", lang),
            amount=amount(measure, gaps.loc[gaps["reason"] == reason, measure].sum(), lang),
        )
        for reason in REASONS
    )
    return say("report.reasons", lang, minutes=minutes, parts=list_of(parts, lang))


def _worst_gap(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    """Tell of the worst gap at the longest threshold: those people are left out by any."""
    gaps = gaps[gaps["threshold_minutes"] == coverage.standard.minutes[-1]]
    if gaps.empty:
        return say("report.no_gap", lang)
    worst = gaps.iloc[0]
    key = "report.worst_gap" if np.isfinite(worst["nearest_minutes"]) else "report.worst_gap_unreached"
    return say(
        key,
        lang,
        gap=worst["gap_id"],
        community=worst["community"],
        service=coverage.standard.service(worst["service"]).label(lang),
        amount=amount(coverage.city.measure, worst[coverage.city.measure], lang),
        reason=say(f"report.reason_{worst['reason']}", lang),
        nearest=worst["nearest_facility"] or say("report.unnamed", lang),
        nearest_minutes=worst["nearest_minutes"],
        minutes=worst["threshold_minutes"],
    )


def _whole_communities(coverage: Coverage, minutes: float, lang: str) -> str:
    rows = coverage.by_community()
    rows = rows[(rows["threshold_minutes"] == minutes) & (rows[coverage.city.measure] > 0)]
    covered = rows[f"{coverage.city.measure}_covered"] >= rows[coverage.city.measure] * (1 - 1e-9)
    whole = covered.groupby(rows["community_id"]).all()
    return say("report.whole_communities", lang, count=int(whole.sum()), all=len(whole), minutes=minutes)


def _unknown(coverage: Coverage, at_longest: pd.DataFrame, lang: str) -> str:
    if (coverage.city.quality["item"] == "city.data_end_unknown").any():
        return say("city.data_end_unknown", lang)
    unknown = at_longest[at_longest["share_unknown"] > 0]
    if unknown.empty:
        return say("report.nothing_unknown", lang)
    parts = (
        say(
            "report.service_share",
            lang,
            service=coverage.standard.service(service).label(lang),
            share=percent(share),
        )
        for service, share in zip(unknown["service"], unknown["share_unknown"], strict=True)
    )
    return say(
        "report.unknown", lang, parts=list_of(parts, lang), of=say(f"report.of_{coverage.city.measure}", lang)
    )
