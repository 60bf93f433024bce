"""What else does a standard, or a table of the city's own, ask for, and is it there?

Three lists: one of each facility in every community, of the size that the standard asks; floor area for every
hundred households; and indicators of a table. What is not known is never a failure.
"""

import re
import unicodedata
from typing import NamedTuple

import numpy as np
import pandas as pd

from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.people import community_of
from lifecircle.requirement import Figure
from lifecircle.standard import Service
from lifecircle.streets import Flags, Floats, Ints

MET, FAILED, NO_DATA = "met", "failed", "no_data"
ONE_OF_EACH, PER_HOUSEHOLDS, INDICATOR = "one_of_each", "per_100_households", "indicator"
"""What a row checks."""
SIZES = {
    "gfa_min_m2": "floor_m2",
    "gfa_m2": "floor_m2",
    "land_min_m2": "area_m2",
    "land_m2": "area_m2",
    "classes": "classes",
    "beds": "beds",
}
"""Figures of a service that ask a least size, and the column of facilities that tells it."""
_PER_HOUSEHOLDS = "_m2_per_100_households"
"""In the id of a figure of a standard that asks floor area; before it stands the id of the service."""
_HUNDRED = 100.0
_COLUMNS = (
    *("check", "community_id", "community", "subject", "asked", "sizes", "value", "not_known", "unit"),
    *("result", "source", "grade"),
)


class _Asked(NamedTuple):
    """What one list asks of every community, and what is there."""

    check: str
    service: Service
    figure: Figure
    sizes: str
    value: Floats
    not_known: Floats
    result: list[str]
    unit: str


def checklist(coverage: Coverage) -> pd.DataFrame:
    """Return what is asked beside walks, and whether it is met.

    Returns
    -------
    DataFrame
        One row per thing asked and community, then one per indicator (community_id ""): check (`ONE_OF_EACH`,
        `PER_HOUSEHOLDS` or `INDICATOR`), community_id, community, subject (id of a service, or the text of an
        indicator), asked (a number, or the text of a target), sizes (least sizes asked of each facility, such
        as ``floor_m2>=2200``), value (facilities of that size; m² per 100 households; the text of an
        indicator's value; NaN or "" where it is missing), not_known (facilities here whose size the lists do
        not tell), unit, result (`MET`, `FAILED` or `NO_DATA`), source, grade. No row where nothing is asked.
    """
    city = coverage.city
    xy = city.facilities.geometry
    here = community_of(city.communities, xy.x.to_numpy(), xy.y.to_numpy())
    found = [
        _one_of_each(city, service, figure, here)
        for service in coverage.standard.services
        if (figure := service.figure("n")) is not None
    ]
    services = {service.id: service for service in coverage.standard.services}
    for figure in coverage.standard.figures:
        service_id, mark, _ = figure.id.partition(_PER_HOUSEHOLDS)
        if mark and figure.value and service_id in services:
            found.append(_per_households(city, services[service_id], figure, here))
    tables = [
        pd.DataFrame(
            {
                "check": one.check,
                "community_id": city.communities["community_id"].to_numpy(),
                "community": city.communities["community"].to_numpy(),
                "subject": one.service.id,
                "asked": one.figure.value[0],
                "sizes": one.sizes,
                "value": one.value,
                "not_known": one.not_known,
                "unit": one.unit,
                "result": one.result,
                "source": one.figure.source,
                "grade": one.figure.grade,
            }
        ).astype({"asked": object, "value": object})
        for one in found
    ]
    if city.indicators is not None:
        tables.append(_indicators(city.indicators))
    if not tables:
        return pd.DataFrame(columns=pd.Index(_COLUMNS))
    return pd.concat(tables, ignore_index=True)


def judge(target: str, value: str) -> str:
    """Return whether the value of an indicator meets its target, by what both say.

    Numbers are at least what the target says, or at most where it says so (≤, 不超过, at most); a percentage
    is
    compared as a share. Other texts must be the same; a plain no (否, 无, 未) fails. What cannot be compared
    is no data, and neither is a blank.

    Examples
    --------
    >>> judge("≥80%", "85%"), judge("不超过 15", "15.5"), judge("80%", ""), judge("有", "有")
    ('met', 'failed', 'no_data', 'met')
    """
    target, value = (unicodedata.normalize("NFKC", text).casefold().strip() for text in (target, value))
    if not target or not value:
        return NO_DATA
    asked, told = _number(target), _number(value)
    if asked is None:
        if target == value:
            return MET
        return FAILED if re.match(r"否|无|未|没|no\b", value) else NO_DATA
    if told is None:
        return NO_DATA
    limit, found = _alike(asked, "%" in target, told, "%" in value)
    if re.search(r"≤|<|不超过|不大于|不高于|不多于|以内|以下|at most|no more", target):
        met = found < limit if re.search(r"<(?!=)", target) else found <= limit
    else:
        met = found > limit if re.search(r">(?!=)", target) else found >= limit
    return MET if met else FAILED


def _number(text: str) -> float | None:
    """Return the one number of a text, None where there is none or are several."""
    numbers = re.findall(r"[-+]?\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", text))
    return float(numbers[0]) if len(numbers) == 1 else None


def _alike(asked: float, asked_percent: bool, told: float, told_percent: bool) -> tuple[float, float]:  # noqa: FBT001 - two pairs of one kind
    """Return target and value in one unit: a bare number up to 1 beside a percentage is a share."""
    if asked_percent == told_percent:
        return asked, told
    if asked_percent:
        return asked, told * _HUNDRED if abs(told) <= 1 else told
    return asked * _HUNDRED if abs(asked) <= 1 else asked, told


def _one_of_each(city: City, service: Service, figure: Figure, here: Ints) -> _Asked:
    """Check that so many facilities of a service, each of the size asked, stand in every community."""
    least = {SIZES[one.id]: one.value[0] for one in service.figures if one.id in SIZES and one.value}
    there = city.facilities["service"].to_numpy() == service.id
    fits, known = np.ones(len(there), dtype=bool), np.ones(len(there), dtype=bool)
    for column, size in least.items():
        told = _told(city, column)
        fits &= ~(told < size)  # a size that is not known may fit
        known &= ~np.isnan(told)
    count = len(city.communities)
    sure, maybe = (_count(here[there & fits & chosen], count) for chosen in (known, ~known))
    needed = figure.value[0]
    result = _results(sure >= needed, sure + maybe < needed, anywhere=bool(there.any()))
    sizes = "; ".join(f"{column}>={size:g}" for column, size in least.items())
    return _Asked(ONE_OF_EACH, service, figure, sizes, sure, maybe, result, "facilities")


def _per_households(city: City, service: Service, figure: Figure, here: Ints) -> _Asked:
    """Check that the facilities of a service have so much floor for every hundred households."""
    there = (city.facilities["service"].to_numpy() == service.id) & (here >= 0)
    told, count = _told(city, "floor_m2"), len(city.communities)
    floor_m2 = np.bincount(here[there], weights=np.nan_to_num(told[there]), minlength=count)
    missing = _count(here[there & np.isnan(told)], count)
    households = _households(city)
    with np.errstate(divide="ignore", invalid="ignore"):
        per = np.where(households > 0, _HUNDRED * floor_m2 / households, np.nan)
    needed = figure.value[0]
    anywhere = bool((city.facilities["service"] == service.id).any())
    result = _results(per >= needed, (per < needed) & (missing == 0), anywhere=anywhere)
    value = np.where((missing > 0) | (not anywhere), np.nan, per)
    return _Asked(PER_HOUSEHOLDS, service, figure, "", value, missing, result, "m2_per_100_households")


def _results(met: Flags, failed: Flags, *, anywhere: bool) -> list[str]:
    """Return the result of each community; where no such facility is known anywhere, nothing is known."""
    result = np.select([met, failed & anywhere], [MET, FAILED], NO_DATA)
    return [str(one) for one in result]


def _households(city: City) -> Floats:
    """Return the households of each community, NaN where they are not known."""
    if "households" in city.communities:
        return np.asarray(city.communities["households"], dtype=np.float64)
    return np.full(len(city.communities), np.nan)


def _told(city: City, column: str) -> Floats:
    if column not in city.facilities:
        return np.full(len(city.facilities), np.nan)
    return np.asarray(city.facilities[column], dtype=np.float64)


def _count(rows: Ints, count: int) -> Floats:
    return np.bincount(rows[rows >= 0], minlength=count).astype(np.float64)


def _indicators(table: pd.DataFrame) -> pd.DataFrame:
    results = [judge(*pair) for pair in zip(table["target"], table["value"], strict=True)]
    return pd.DataFrame(
        {
            "check": INDICATOR,
            "community_id": "",
            "community": "",
            "subject": table["indicator"],
            "asked": table["target"],
            "sizes": "",
            "value": table["value"],
            "not_known": 0.0,
            "unit": table["unit"],
            "result": results,
            "source": table["basis"],
            "grade": "",
        }
    )
