"""If pace, limit or snap limit were a little other, would these still be the sites to build on?"""

import dataclasses
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.coverage import Coverage
from lifecircle.demand import Reached, cutoff_of, not_served, reached_from
from lifecircle.locate import Choice, Chosen, worth
from lifecircle.scenarios import SCENARIOS, moved, robustness, under
from lifecircle.siting_search import People, SitingChoices, searched
from lifecircle.standard import Limit
from lifecircle.streets import Floats, Ints

NEAR_BEST = 0.95
"""A site is robust if in every scenario it is chosen, or all sites with it do so much of the best."""


def site_scenarios(
    people: People, rows: Ints, choices: SitingChoices, described: Callable[[Coverage], gpd.GeoDataFrame]
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Return what each scenario makes of chosen sites.

    As many sites are chosen anew in each scenario, also where they were the fewest for a target.

    Parameters
    ----------
    people
        Who is left out as measured, and the candidates.
    rows
        The chosen candidates.
    choices
        What was wished.
    described
        Returns the candidates as they meet the streets of a coverage with another snap limit.

    Returns
    -------
    DataFrame
        scenario; M_gained and M_gained_best (M is the city's measure: what the sites bring in it, and what
        the best choice in it brings); value_kept (the same by the goal, as a share of the best); sites_kept
        (how many of them are chosen in it, or nearly as good).
    dict
        Columns of the sites: robust, kept_share (the most that all sites with this one among them do, as a
        share of the best, in the scenario where that is least) and weakest (that scenario).
    """
    measure = people.coverage.city.measure
    choices = dataclasses.replace(choices, target_share=None)
    cases = [(scenario, under(people.coverage, scenario)) for scenario in SCENARIOS]
    pace_mps = people.coverage.standard.service(people.service).pace_mps
    limits = [moved(people.limit, scenario, pace_mps) for scenario in SCENARIOS]
    same = [(other, limit) for (one, other), limit in zip(cases, limits, strict=True) if one.snap == 1]
    reached = _widest(people, same)
    kept, found = np.ones((len(cases), len(rows))), []
    for number, ((scenario, other), limit) in enumerate(zip(cases, limits, strict=True)):
        if scenario.snap == 1:
            there = People.of(other, people.service, limit, people.frame, reached)
        else:
            there = People.of(other, people.service, limit, described(other))
        choice, best = searched(there, choices, max(len(rows), 1))
        kept[number] = _kept(choice, best, rows, fair=choices.goal == "fair")
        counted = dataclasses.replace(choice, benefit=there.benefit)
        found.append(
            {
                "scenario": scenario.id,
                f"{measure}_gained": worth(counted, rows),
                f"{measure}_gained_best": worth(counted, best.rows),
                "value_kept": worth(choice, rows) / best.value if best.value > 0 else np.nan,
                "sites_kept": int((kept[number] >= NEAR_BEST).sum()),
            }
        )
    columns: dict[str, object] = {**robustness(kept, (scenario.id for scenario in SCENARIOS), NEAR_BEST)}
    return pd.DataFrame(found), columns


def _widest(people: People, cases: list[tuple[Coverage, Limit]]) -> Reached:
    """Return all pairs that any of the cases needs, which differ in pace and limit only, by one search."""
    homes = np.unique(
        np.concatenate([np.concatenate(not_served(other, people.service, limit)) for other, limit in cases])
    )
    cutoff_m = max(cutoff_of(other, people.service, limit) for other, limit in cases)
    return reached_from(people.coverage, people.service, people.frame, homes, cutoff_m=cutoff_m)


def _kept(choice: Choice, best: Chosen, rows: Ints, *, fair: bool) -> Floats:
    """Return how much of the best remains with each candidate in it, where it replaces another best."""
    kept = np.isin(rows, best.rows).astype(np.float64)
    if best.value <= 0 or fair:
        return kept
    for place in range(len(best.rows)):
        others = np.delete(best.rows, place)
        level = choice.level(others)
        total = np.where(choice.affordable(choice.spent(others)), level.sum() + choice.gains(level), 0.0)
        kept = np.maximum(kept, np.minimum(total[rows] / best.value, 1.0))
    return kept
