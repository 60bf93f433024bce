"""Where would the next facilities serve most of those who are left out?"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.candidates import street_sites
from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.doors import DOORS, doors_of_outlines
from lifecircle.errors import DataError
from lifecircle.locate import Choice, Chosen, greedily, worth
from lifecircle.network import WalkNetwork
from lifecircle.people import community_of
from lifecircle.siting_scenarios import site_scenarios
from lifecircle.siting_search import People, SitingChoices, searched
from lifecircle.standard import CHOSEN_BY_USER, Limit
from lifecircle.streets import Floats, Ints

_WITHIN = 0.05
_LONGEST_CURVE = 10


@dataclasses.dataclass(frozen=True, eq=False)
class Suggestion:
    """Sites for new facilities of one service, and what they would do.

    Attributes
    ----------
    coverage, service, limit
        What it builds on.
    choices
        What was wished.
    sites
        Best first: rank, site_id, name, community_id, community, cost, area_m2, the city's measure M as
        M_gained (people of gaps newly within the limit, beside those of the sites before), M_alone (what the
        site does alone), M_unknown (people of whom nothing is known, as the data ends, who are certainly
        served then; in no other figure), cost_per_M (cost / M_gained), share_covered (of the city, with it
        and those before), robust, kept_share, weakest (as `lifecircle.siting_scenarios.site_scenarios` tells
        them; empty unless ``choices.sensitivity``); points in the city's CRS.
    alternatives
        Other candidates in place of one site each: instead_of (its rank), the columns that describe a
        candidate, M_gained (of all sites together), share_of_best.
    curve
        sites, M_gained, share_covered, greedy (whether it is what one site after the other gives, where the
        best may be more).
    value, bound, greedy_value
        Of the goal (M gained, or M times metres saved): what the sites reach, what no choice can exceed, and
        what choosing one after the other gives.
    candidates, without_cost
        How many there were to choose from, and how many were left out as their cost is not known.
    reachable
        M of gaps that all candidates together could serve.
    along_streets
        Whether no candidates were given.
    scenarios
        What other assumptions make of the sites, as `lifecircle.siting_scenarios.site_scenarios`; no rows
        unless ``choices.sensitivity``.
    """

    coverage: Coverage
    service: str
    limit: Limit
    choices: SitingChoices
    sites: gpd.GeoDataFrame
    alternatives: gpd.GeoDataFrame
    curve: pd.DataFrame
    value: float
    bound: float
    greedy_value: float
    candidates: int
    without_cost: int
    reachable: float
    along_streets: bool
    scenarios: pd.DataFrame

    def __repr__(self) -> str:
        """Return the suggestion in one line."""
        measure = self.coverage.city.measure
        gained = self.sites[f"{measure}_gained"].sum()
        return (
            f"<Suggestion {self.service}: {len(self.sites)} sites of {self.candidates:,} candidates, "
            f"{gained:,.0f} {measure} gained, {self.gap:.1%} from proven best>"
        )

    @property
    def gap(self) -> float:
        """How much better, as a share of `value`, a choice could still be; 0 is proven to be best."""
        return Chosen(np.zeros(0, dtype=np.int64), self.value, self.bound, self.greedy_value).gap

    def city(self) -> City:
        """Return the city with all of the sites built, to be measured by `lifecircle.remeasure`."""
        return self.coverage.city.with_facilities(self.service, self.sites)


def suggest_sites(
    coverage: Coverage,
    service: str,
    *,
    sites: int | None = None,
    limit: float | None = None,
    candidates: gpd.GeoDataFrame | None = None,
    choices: SitingChoices | None = None,
) -> Suggestion:
    """Return the sites where new facilities of a service bring most people within its limit.

    Facilities that stand are kept. Walks are those of the city's coverage: from the door, by the network, and
    there and back if it was measured so.

    Parameters
    ----------
    coverage
        A measured city.
    service
        Id of the service.
    sites
        How many; three where None, or with a target as many as it takes.
    limit
        In minutes or metres, as the service's own limits; the longest of these where None.
    candidates
        Where a facility could stand: points, or polygons of plots and buildings, in any CRS, perhaps with
        name, cost, area_m2, capacity and doors; polygons without doors are entered where they meet a street.
        Points along streets where None.
    choices
        What else is wished.

    Returns
    -------
    Suggestion

    Raises
    ------
    UnknownNameError
        If the standard has no such service.
    DataError
        If a number cannot be used, there is no candidate, or a budget and no costs.

    References
    ----------
    R. Church and C. ReVelle, "The maximal covering location problem", 1974. C. Toregas, R. Swain, C. ReVelle
    and L. Bergman, "The location of emergency service facilities", Operations Research 19, 1971.
    """
    choices = choices or SitingChoices()
    if sites is not None and sites < 1:
        raise DataError("siting.bad_sites", value=sites)
    longest = coverage.standard.service(service).longest
    chosen = longest if limit is None else Limit(float(limit), longest.unit, CHOSEN_BY_USER, "M")
    given = street_sites(coverage, service, apart_m=choices.apart_m) if candidates is None else candidates
    frame = described_sites(coverage, given, coverage.ground_for(service).network)
    usable = np.ones(len(frame), dtype=bool) if choices.budget is None else frame["cost"].notna().to_numpy()
    if len(frame) and not usable.any():
        raise DataError("siting.no_costs")
    people = People.of(coverage, service, chosen, frame[usable].reset_index(drop=True))
    choice, result = searched(people, choices, sites)
    measure = coverage.city.measure
    scenarios, marks = pd.DataFrame(), {"robust": "", "kept_share": np.nan, "weakest": ""}
    if choices.sensitivity:

        def described(other: Coverage) -> gpd.GeoDataFrame:
            met = described_sites(other, given, other.ground_for(service).network)
            return met[usable].reset_index(drop=True)

        scenarios, marks = site_scenarios(people, result.rows, choices, described)
    return Suggestion(
        coverage=coverage,
        service=service,
        limit=chosen,
        choices=choices,
        sites=_sites(people, choice, result, measure, marks),
        alternatives=_alternatives(people, choice, result, choices, measure),
        curve=_curve(people, choice, result, choices, measure),
        value=result.value,
        bound=result.bound,
        greedy_value=result.greedy_value,
        candidates=int(usable.sum()),
        without_cost=int((~usable).sum()),
        reachable=float(people.benefit.max(axis=0).sum()) if people.benefit.nnz else 0.0,
        along_streets=candidates is None,
        scenarios=scenarios,
    )


def described_sites(
    coverage: Coverage, candidates: gpd.GeoDataFrame, network: WalkNetwork
) -> gpd.GeoDataFrame:
    """Return candidates as points in the city's CRS, with every column that describes them."""
    city = coverage.city
    if candidates.crs is None:
        raise DataError("siting.no_crs")
    frame = candidates.to_crs(city.crs).reset_index(drop=True)
    at = frame.geometry.representative_point()
    community = community_of(city.communities, at.x.to_numpy(), at.y.to_numpy())
    columns = {
        "site_id": [f"S{row:04d}" for row in range(1, len(frame) + 1)],
        "name": frame["name"].fillna("").astype(str) if "name" in frame else "",
        "community_id": np.append(city.communities["community_id"].to_numpy(dtype=object), "")[community],
        "community": np.append(city.communities["community"].to_numpy(dtype=object), "")[community],
        **{name: _number(frame, name) for name in ("cost", "area_m2", "capacity")},
    }
    if DOORS in frame:
        columns[DOORS] = frame[DOORS].to_numpy()
    elif not frame.geometry.geom_type.eq("Point").all():
        columns[DOORS] = doors_of_outlines(network, frame.geometry.to_numpy(), max_m=coverage.max_snap_m)
    return gpd.GeoDataFrame(columns, geometry=at.to_numpy(), crs=city.crs, index=frame.index)


def _number(frame: gpd.GeoDataFrame, column: str) -> Floats:
    """Return a column of amounts, NaN where there is none."""
    values = frame[column] if column in frame else np.full(len(frame), np.nan)
    amounts = np.asarray(values, dtype=np.float64)
    if (amounts < 0).any():
        raise DataError("siting.bad_choice", field=column, value=float(np.nanmin(amounts)), known=">= 0")
    return amounts


# ---------------------------------------------------------------------- tables


def _prefixes(choice: Choice, rows: Ints) -> Floats:
    """Return what the first one, two … of these candidates do together."""
    return np.array([worth(choice, rows[: count + 1]) for count in range(len(rows))], dtype=np.float64)


def _sites(
    people: People, choice: Choice, result: Chosen, measure: str, marks: Mapping[str, Any]
) -> gpd.GeoDataFrame:
    counted = dataclasses.replace(choice, benefit=people.benefit)
    together = _prefixes(counted, result.rows)
    gained = np.diff(together, prepend=0.0)
    unknown = np.diff(_prefixes(Choice(people.unknown, 1), result.rows), prepend=0.0)
    sites = people.frame.iloc[result.rows].reset_index(drop=True)
    sites.insert(0, "rank", np.arange(1, len(sites) + 1))
    at = len(sites.columns) - 1
    cost = sites["cost"].to_numpy()
    for name, values in (
        (f"{measure}_gained", gained),
        (f"{measure}_alone", counted.gains(np.zeros(people.benefit.shape[1]))[result.rows]),
        (f"{measure}_unknown", unknown),
        (f"cost_per_{measure}", np.divide(cost, gained, out=np.full(len(sites), np.nan), where=gained > 0)),
        ("share_covered", people.share(together)),
        *marks.items(),
    ):
        sites.insert(at, name, values)
        at += 1
    return sites


def _alternatives(
    people: People, choice: Choice, result: Chosen, choices: SitingChoices, measure: str
) -> gpd.GeoDataFrame:
    """Return for each site the candidates with which all sites together do at most 5 % less."""
    counted = dataclasses.replace(choice, benefit=people.benefit)
    found = []
    ranks = range(len(result.rows)) if choices.goal != "fair" else ()
    for place in ranks:
        others = np.delete(result.rows, place)
        level = choice.level(others)
        total = level.sum() + choice.gains(level)
        total[result.rows] = -np.inf
        total[~choice.affordable(choice.spent(others))] = -np.inf
        best = np.argsort(-total, kind="stable")[: choices.alternatives]
        for row in best[total[best] >= (1 - _WITHIN) * result.value]:
            together = worth(counted, np.append(others, row))
            found.append((place + 1, int(row), together, min(1.0, float(total[row]) / result.value)))
    table = pd.DataFrame(found, columns=["instead_of", "row", "gained", "share"])
    frame = people.frame.iloc[table["row"].to_numpy(dtype=np.int64)].reset_index(drop=True)
    frame.insert(0, "instead_of", table["instead_of"].astype(np.int64))
    for name, column in ((f"{measure}_gained", "gained"), ("share_of_best", "share")):
        frame.insert(len(frame.columns) - 1, name, table[column].astype(np.float64))
    return frame


def _curve(
    people: People, choice: Choice, result: Chosen, choices: SitingChoices, measure: str
) -> pd.DataFrame:
    """Return how many people each number of sites brings, from none on."""
    counted = dataclasses.replace(choice, benefit=people.benefit)
    chosen = _prefixes(counted, result.rows)
    greedy = np.ones(len(chosen), dtype=bool)
    greedy[len(chosen) - 1 :] = False
    if choices.goal == "people" and len(chosen):
        limited = choice.room is not None or choice.budget < np.inf
        greedy[0] = limited and len(chosen) > 1  # else, of one site, greedy choice is the best
        before = _prefixes(choice, greedily(choice)[: len(chosen) - 1])
        chosen[: len(before)] = np.maximum(chosen[: len(before)], before)
        level = choice.level(result.rows)
        further: list[float] = []
        while choice.budget == np.inf and len(chosen) + len(further) < _LONGEST_CURVE:
            gains = choice.gains(level)
            gains[result.rows] = 0.0
            best = int(gains.argmax())
            if gains[best] <= 0:
                break
            further.append(gains[best])
            level = choice.raised(level, best)
        chosen = np.concatenate([chosen, chosen[-1] + np.cumsum(further)])
        greedy = np.concatenate([greedy, np.ones(len(further), dtype=bool)])
    gained = np.concatenate([[0.0], chosen])
    return pd.DataFrame(
        {
            "sites": np.arange(len(gained)),
            f"{measure}_gained": gained,
            "share_covered": people.share(gained),
            "greedy": np.concatenate([[False], greedy]),
        }
    )
