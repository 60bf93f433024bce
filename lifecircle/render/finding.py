"""What did the analysis find, in a few sentences?"""

import math
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.coverage import Coverage, at_longest
from lifecircle.gaps import CAPACITY, REASONS
from lifecircle.messages import listed, say
from lifecircle.render.limits_text import (
    limit_labels,
    limits_listed,
    say_longest,
    shared_limits,
    shared_longest,
    walk_words,
)
from lifecircle.render.supply_text import checklist_sentence, supply_sentences
from lifecircle.render.whom import amount, amount_of, of_whom, without_small
from lifecircle.standard import Service, Standard


def percent(share: float) -> str:
    """Return a share (0-1) as text such as ``61.2%``; a dash where nobody lives.

    Examples
    --------
    >>> percent(0.6123)
    '61.2%'
    """
    return "–" if math.isnan(share) else f"{share:.1%}"


def list_of(texts: Iterable[str], lang: str) -> str:
    """Return texts as a list in a sentence."""
    return listed(texts, lang)


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
    totals, measure = coverage.totals(), coverage.city.measure
    everyone = float(city.weight.sum())
    lines = [
        say(
            "report.scope",
            lang,
            city=city.label(lang),
            amount=amount(measure, everyone, lang),
            communities=len(city.communities),
        ),
        say(
            "report.rule" if shared_limits(standard) else "report.rule_each",
            lang,
            standard=standard.label(lang),
            limits=limits_listed(standard, lang),
            of=of_whom(coverage.denominators, lang),
        ),
        *(say(key, lang) for key in _trip(coverage)),
    ]
    for service in standard.services:
        rows = totals[totals["service"] == service.id]
        lines.append(
            say(
                "report.service",
                lang,
                service=service.label(lang),
                shares=shares_within(service, rows, lang),
                amount=amount(rows["denominator"].iloc[-1], rows[f"{measure}_gap"].iloc[-1], lang),
                limit=service.longest.label(lang),
            )
        )
    last = at_longest(totals, standard)
    return [
        *lines,
        _most_left_out(coverage, last, lang),
        _reasons(coverage, gaps, lang),
        _worst_gap(coverage, gaps, lang),
        _whole_communities(coverage, lang),
        _unknown(coverage, last, lang),
        *_unmeasured(standard, lang),
        *supply_sentences(coverage, lang),
        *filter(None, [checklist_sentence(coverage, lang)]),
    ]


def _unmeasured(standard: Standard, lang: str) -> list[str]:
    """Say what the standard asks for that no walk was measured to, if anything."""
    services = list_of((one.label(lang) for one in standard.unanswered), lang)
    return [say("standard.unmeasured", lang, services=services)] if services else []


def shares_within(service: Service, rows: pd.DataFrame, lang: str) -> str:
    """Return the shares covered by each limit of a service, such as ``50.0% within 500 m``."""
    return list_of(
        (
            say("report.share_within", lang, limit=limit.label(lang), share=percent(share))
            for limit, share in zip(service.limits, rows["share_covered"], strict=True)
        ),
        lang,
    )


def headline(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> list[str]:
    """Return what was found in three sentences, for a terminal; four where walks are there and back."""
    standard = coverage.standard
    last = at_longest(coverage.totals(), standard)
    key = "report.service_share" if shared_longest(standard) else "report.service_share_within"
    shares = (
        say(key, lang, service=standard.service(service).label(lang), limit=limit, share=percent(share))
        for service, limit, share in zip(
            last["service"], limit_labels(last, standard, lang), last["share_covered"], strict=True
        )
    )
    of = of_whom(coverage.denominators, lang)
    return [
        say_longest("report.within", standard, lang, shares=list_of(shares, lang), of=of),
        *(say(key, lang) for key in _trip(coverage)),
        _most_left_out(coverage, last, lang),
        _worst_gap(coverage, gaps, lang),
    ]


def method(coverage: Coverage, lang: str) -> str:
    """Return how a walk is measured: there and back or not, on slopes or level, and what metres limit."""
    in_metres = [service.in_metres for service in coverage.standard.services]
    said = ["report.method", *_trip(coverage)]
    if coverage.city.relief is None:
        said.append("report.level")
    elif not all(in_metres):
        said.append("report.slopes")
    if any(in_metres):
        said.append("report.metres")
    told = [say(key, lang) for key in said]
    coming = [service.label(lang) for service in coverage.standard.services if service.to_home]
    told += [say("report.to_home", lang, services=list_of(coming, lang))] if coming else []
    return say("report.sentence_mark", lang).join(told)


def _trip(coverage: Coverage) -> list[str]:
    """Return the key of what must be said where walks are there and back."""
    return ["report.there_and_back"] if coverage.round_trip else []


def alarms(coverage: Coverage, lang: str) -> list[str]:
    """Return a sentence about services without a single facility, if any: a result to be doubted first."""
    there = set(coverage.city.facilities["service"])
    none = [service.label(lang) for service in coverage.standard.services if service.id not in there]
    told = [say("report.no_facility_at_all", lang, services=list_of(none, lang))] if none else []
    bare = [one.label(lang) for one, _ in coverage.standard.spaced if one.id not in there]
    return told + ([say("spacing.no_facility_at_all", lang, services=list_of(bare, lang))] if bare else [])


def _most_left_out(coverage: Coverage, last: pd.DataFrame, lang: str) -> str:
    measure = coverage.city.measure
    worst = last.iloc[last[f"{measure}_gap"].argmax()]
    if worst[f"{measure}_gap"] <= 0:
        return say_longest("report.nobody_left_out", coverage.standard, lang)
    service = coverage.standard.service(worst["service"])
    return say(
        "report.most_left_out",
        lang,
        service=service.label(lang),
        amount=amount(worst["denominator"], worst[f"{measure}_gap"], lang),
        share=percent(worst["share_gap"]),
        words=service.longest.words(lang),
    )


def _reasons(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    gaps, measure = at_longest(gaps, coverage.standard), coverage.city.measure
    parts = (
        say(
            "report.reason_amount",
            lang,
            reason=say(f"report.reason_{reason}", lang),
            amount=amount_of(coverage.denominators, gaps.loc[gaps["reason"] == reason, measure].sum(), lang),
        )
        for reason in REASONS
        if reason != CAPACITY or (gaps["reason"] == CAPACITY).any()
    )
    return say_longest("report.reasons", coverage.standard, lang, parts=list_of(parts, lang))


def _worst_gap(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    """Tell of the worst gap at the longest limits: those people are left out by any."""
    gaps = at_longest(gaps, coverage.standard)
    if gaps.empty:
        return say("report.no_gap", lang)
    gaps = gaps.sort_values("reason", key=lambda reason: reason == CAPACITY, kind="stable")  # walks go first
    worst = without_small(gaps.head(1), coverage).iloc[0]
    service = coverage.standard.service(worst["service"])
    key = "report.worst_gap" if np.isfinite(worst["nearest_minutes"]) else "report.worst_gap_unreached"
    if worst["reason"] == CAPACITY:
        key = "report.worst_gap_capacity"
    return say(
        key,
        lang,
        gap=worst["gap_id"],
        community=worst["community"],
        service=service.label(lang),
        amount=amount(
            worst["denominator"], worst[coverage.city.measure], lang, least=coverage.city.min_group
        ),
        reason=say(f"report.reason_{worst['reason']}", lang),
        nearest=worst["nearest_facility"] or say("report.unnamed", lang),
        walk=walk_words(worst["nearest_minutes"], service, lang, digits=0),
        words=service.longest.words(lang),
    )


def _whole_communities(coverage: Coverage, lang: str) -> str:
    rows = at_longest(coverage.by_community(), coverage.standard)
    rows = rows[rows["communities"] > 0]
    whole = (rows["communities_covered"] > 0).groupby(rows["community_id"]).all()
    counts = {"count": int(whole.sum()), "all": len(whole)}
    enough = coverage.standard.target.label(lang)
    return say_longest("report.whole_communities", coverage.standard, lang, enough=enough, **counts)


def _unknown(coverage: Coverage, last: pd.DataFrame, lang: str) -> str:
    if (coverage.city.quality["item"] == "city.data_end_unknown").any():
        return say("city.data_end_unknown", lang)
    unknown = last[last["share_unknown"] > 0]
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
    denominators = unknown["denominator"].unique()
    return say("report.unknown", lang, parts=list_of(parts, lang), of=of_whom(denominators, lang))
