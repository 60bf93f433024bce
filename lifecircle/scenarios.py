"""If pace, limit or snap limit were a little other, who would still be left out?

Walks are kept in level metres, so another pace or another limit only reads the same walks anew. Only another
snap limit needs homes and facilities put on streets, and services searched, again.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.kinds import FASTEST_MPS, SLOWEST_MPS
from lifecircle.shares import GAP
from lifecircle.standard import LONGEST, Limit, Service
from lifecircle.streets import Floats
from lifecircle.supply import SHORT, supplies_of, supply_codes

ROBUST, NOT_ROBUST = "robust", "not_robust"
SHORT_OF_PLACES = 3
"""Beside the codes of `Coverage`: covered, but what is within reach has too few places for all."""
IN_A_GAP = (GAP, SHORT_OF_PLACES)
HALF = 0.5
"""A gap is robust if at least so much of its people stays in a gap in every scenario."""


class Scenario(NamedTuple):
    """One assumption changed, all others as they are."""

    id: str
    pace: float = 1.0
    """Times the pace of every service that is met in minutes: metres take no pace."""
    minutes: float = 0.0
    """Added to every limit; to one in metres as many metres as are walked in them at the service's pace."""
    snap: float = 1.0
    """Times the farthest that a home or facility may be from a street."""


SCENARIOS = (
    Scenario("pace_slower", pace=0.9),
    Scenario("pace_faster", pace=1.1),
    Scenario("limit_shorter", minutes=-1.0),
    Scenario("limit_longer", minutes=1.0),
    Scenario("snap_halved", snap=0.5),
    Scenario("snap_doubled", snap=2.0),
)


def with_scenarios(coverage: Coverage) -> Coverage:
    """Return a coverage that also knows how each home stands in each of the `SCENARIOS`.

    Parameters
    ----------
    coverage
        A measured city.

    Returns
    -------
    Coverage
        The same with its `scenarios` filled in; `lifecircle.gaps.find_gaps` then says which gaps are robust.
    """
    codes = {}
    for scenario in SCENARIOS:
        other = under(coverage, scenario)
        codes[scenario.id] = np.column_stack([codes_of(other, *pair) for pair in other.standard.pairs])
    told = dataclasses.replace(coverage, scenarios=codes)
    vars(told).update({name: value for name, value in vars(coverage).items() if name not in vars(told)})
    return told


def codes_of(coverage: Coverage, service: Service, limit: Limit) -> NDArray[np.int8]:
    """Return how each home stands by a limit: a code of `Coverage`, or `SHORT_OF_PLACES`."""
    codes = coverage.status_codes(coverage.walks, service.id, limit)
    supply = supplies_of(coverage).get(service.id)
    if supply is not None:
        short = supply_codes(coverage, supply, service.limits.index(limit)) == SHORT
        codes[short] = SHORT_OF_PLACES
    return codes


def under(coverage: Coverage, scenario: Scenario) -> Coverage:
    """Return a city as it is in a scenario, as `lifecircle.coverage.measure_coverage` would measure it.

    Parameters
    ----------
    coverage
        The city as measured.
    scenario
        What is other.

    Returns
    -------
    Coverage
        With another snap limit it has no cells: nothing of areas is asked of it.
    """
    services = tuple(_changed(service, scenario) for service in coverage.standard.services)
    standard = dataclasses.replace(coverage.standard, services=services)
    if scenario.snap == 1:
        same_walks = dataclasses.replace(coverage, standard=standard, scenarios={})
        if "grounds" in vars(coverage):
            vars(same_walks)["grounds"] = coverage.grounds
        return same_walks
    return measure_coverage(
        coverage.city,
        standard,
        max_snap_m=coverage.max_snap_m * scenario.snap,
        round_trip=coverage.round_trip,
        cells=coverage.cell_places.iloc[:0],
    )


def moved(limit: Limit, scenario: Scenario, pace_mps: float) -> Limit:
    """Return a limit of a service with this pace as it is in a scenario.

    Short limits are halved at most, and long ones go at most half way to the longest there is.

    Examples
    --------
    >>> shorter = SCENARIOS[2]
    >>> [moved(Limit(*one, "-", "M"), shorter, 1.2).value for one in ((15, "min"), (1, "min"), (500, "m"))]
    [14.0, 0.5, 428.0]
    """
    if scenario.minutes == 0:
        return limit
    step = scenario.minutes * (1.0 if limit.unit == "min" else 60.0 * pace_mps)
    value = min(max(limit.value + step, limit.value / 2), (limit.value + LONGEST[limit.unit]) / 2)
    return dataclasses.replace(limit, value=value)


def _changed(service: Service, scenario: Scenario) -> Service:
    pace_mps = service.pace_mps * (1.0 if service.in_metres else scenario.pace)
    return dataclasses.replace(
        service,
        pace_mps=min(max(pace_mps, SLOWEST_MPS), FASTEST_MPS),
        limits=tuple(moved(limit, scenario, service.pace_mps) for limit in service.limits),
    )


def robustness(kept: Floats, names: Iterable[str], enough: float) -> dict[str, NDArray[Any]]:
    """Return which findings are robust, as columns of their table.

    Parameters
    ----------
    kept
        Shape (scenarios, findings). What each scenario leaves of each.
    names
        Of the scenarios.
    enough
        What every scenario must leave of a robust one.

    Returns
    -------
    dict
        robust (`ROBUST` or `NOT_ROBUST`), kept_share (the least that any scenario leaves) and weakest (that
        scenario, "" where all is left).
    """
    least = kept.min(axis=0)
    return {
        "robust": np.where(least >= enough, ROBUST, NOT_ROBUST).astype(object),
        "kept_share": least,
        "weakest": np.where(least < 1, np.array([*names], dtype=object)[kept.argmin(axis=0)], ""),
    }


def no_robustness(count: int) -> dict[str, NDArray[Any]]:
    """Return the columns of `robustness` for so many findings that were not measured in scenarios."""
    blank = np.full(count, "", dtype=object)
    return {"robust": blank, "kept_share": np.full(count, np.nan), "weakest": blank}


def kept_shares(coverage: Coverage, homes: pd.DataFrame, gaps: int) -> Floats:
    """Return how much of each gap stays a gap in each scenario.

    Parameters
    ----------
    coverage
        With scenarios.
    homes
        As `lifecircle.gaps.homes_of_gaps` returns them.
    gaps
        How many gaps there are.

    Returns
    -------
    numpy.ndarray
        Shape (scenarios, gaps). Share of its people, or of its homes where nobody of the service lives, who
        are in a gap in the scenario too, for whatever reason: not unknown, nor covered with enough places.
    """
    home, pair, gap = (homes[name].to_numpy() for name in ("home", "pair", "gap"))
    columns = [service.id for service in coverage.standard.services]
    of_pair = np.array([columns.index(service.id) for service, _ in coverage.standard.pairs])
    weight = coverage.weights[home, of_pair[pair]] + np.finfo(float).tiny
    total = np.bincount(gap, weights=weight, minlength=gaps)
    still = [
        np.bincount(gap, weights=weight * np.isin(codes[home, pair], IN_A_GAP), minlength=gaps)
        for codes in coverage.scenarios.values()
    ]
    return np.array(still).reshape(len(coverage.scenarios), gaps) / total
