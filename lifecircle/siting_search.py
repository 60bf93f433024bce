"""Which candidates are best by a goal: most people, the shortest mean walk, fairness, a target share?"""

import dataclasses
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse

from lifecircle.candidates import APART_M
from lifecircle.coverage import Coverage
from lifecircle.demand import (
    Reached,
    cutoff_of,
    not_served,
    people_covered,
    reached_from,
    walks_saved,
    weight_of,
)
from lifecircle.errors import DataError
from lifecircle.locate import Choice, Chosen, choose, greedily, worth
from lifecircle.standard import Limit
from lifecircle.streets import Floats, Ints

Goal = Literal["people", "walk", "fair"]
GOALS: tuple[Goal, ...] = ("people", "walk", "fair")
_FAR = 2.0
"""For the goal ``walk``, a walk longer than so many times the limit counts as so many times the limit."""
_SAME = 1e-9
_DEFAULT_SITES = 3


@dataclasses.dataclass(frozen=True)
class SitingChoices:
    """What a planner may wish of the sites, beside their number.

    Attributes
    ----------
    goal
        ``"people"``: most people newly within the limit. ``"walk"``: the shortest mean walk. ``"fair"``: each
        site does most for the community that is served worst at that point, then for all.
    budget
        Most that the sites may cost together; candidates without a cost are left out then.
    target_share
        Share of the city (0-1) that shall be within the limit: the fewest sites for it are looked for, and
        the number of sites asked for is the most there may be.
    places
        How many people one site has room for; a column ``capacity`` of the candidates goes before it.
    apart_m
        How far apart candidates along streets lie, where none are given.
    alternatives
        How many other places to name for each site, of those with at most 5 % less for all sites together.
    sensitivity
        Search again in the `lifecircle.scenarios.SCENARIOS`, and say which sites are robust.
    time_limit_s
        Of each search for the best; then the best so far is taken, and how good it is proven to be is told.

    Raises
    ------
    DataError
        If a number or word cannot be used.
    """

    goal: Goal = "people"
    budget: float | None = None
    target_share: float | None = None
    places: float | None = None
    apart_m: float = APART_M
    alternatives: int = 3
    sensitivity: bool = False
    time_limit_s: float = 60.0

    def __post_init__(self) -> None:
        """Prove what the search relies on."""
        if self.goal not in GOALS:
            raise DataError("siting.bad_choice", field="goal", value=self.goal, known=", ".join(GOALS))
        positive = {name: getattr(self, name) for name in ("budget", "places", "apart_m", "time_limit_s")}
        for name, value in positive.items():
            if value is not None and not 0 < value < np.inf:
                raise DataError("siting.bad_choice", field=name, value=value, known="> 0")
        if self.target_share is not None and not 0 < self.target_share <= 1:
            raise DataError("siting.bad_choice", field="target_share", value=self.target_share, known="0-1")
        alone = [self.goal != "people", self.places is not None, self.target_share is not None]
        if sum(alone) > 1 or (self.goal == "fair" and self.budget is not None):
            raise DataError("siting.not_together")


@dataclasses.dataclass(frozen=True, eq=False)
class People:
    """Who is left out, and which candidates could serve them.

    Attributes
    ----------
    coverage, service, limit, frame
        Of whom, of what, and the candidates.
    benefit
        Shape (candidates, groups). People of gaps, in groups that the same candidates reach.
    unknown
        Shape (candidates, groups). The same for people of whom nothing is known.
    covered, everyone
        People served today, and all.
    """

    coverage: Coverage
    service: str
    limit: Limit
    frame: gpd.GeoDataFrame
    benefit: sparse.csr_array
    unknown: sparse.csr_array
    covered: float
    everyone: float

    @classmethod
    def of(
        cls,
        coverage: Coverage,
        service: str,
        limit: Limit,
        frame: gpd.GeoDataFrame,
        reached: Reached | None = None,
    ) -> "People":
        """Return whom candidates could serve within a limit; `reached` holds at least those pairs."""
        gap, unknown = not_served(coverage, service, limit)
        cutoff_m = cutoff_of(coverage, service, limit)
        left_out = np.concatenate([gap, unknown])
        if reached is None:
            reached = reached_from(coverage, service, frame, left_out, cutoff_m=cutoff_m)
        reached = reached.within(cutoff_m)
        weight = weight_of(coverage, service)
        of_gap, of_unknown = (
            people_covered(reached.of_homes(homes), weight, len(frame))[0] for homes in (gap, unknown)
        )
        everyone = float(weight.sum())
        covered = everyone - float(weight[left_out].sum())
        return cls(coverage, service, limit, frame, of_gap, of_unknown, covered, everyone)

    def share(self, gained: Floats) -> Floats:
        """Return the share of the city that is served once so many people more are."""
        return (self.covered + gained) / self.everyone if self.everyone > 0 else gained * np.nan

    def choice(self, choices: SitingChoices, sites: int) -> Choice:
        """Return what there is to choose from, for most people."""
        cost = None if choices.budget is None else self.frame["cost"].to_numpy()
        budget = np.inf if choices.budget is None else choices.budget
        room = None
        if choices.places is not None:
            room = self.frame["capacity"].fillna(choices.places).to_numpy()
        return Choice(self.benefit, sites, cost, budget, room)


def searched(people: People, choices: SitingChoices, sites: int | None) -> tuple[Choice, Chosen]:
    """Return the choice that there was, by the goal, and its best answer."""
    if choices.target_share is not None:
        most = len(people.frame) if sites is None else sites
        return _fewest(people, choices, choices.target_share, most)
    choice = people.choice(choices, _DEFAULT_SITES if sites is None else sites)
    if choices.goal == "walk":
        choice = dataclasses.replace(choice, benefit=_saved(people))
    if choices.goal == "fair":
        rows = _fairly(people, choice.sites)
        value = worth(choice, rows)
        return choice, Chosen(rows, value, value, value)
    return choice, choose(choice, time_limit_s=choices.time_limit_s)


def _saved(people: People) -> sparse.csr_array:
    """Return what each candidate saves all people in metres; a walk counts as twice the limit at most."""
    coverage, service, limit = people.coverage, people.service, people.limit
    cutoff_m = _FAR * cutoff_of(coverage, service, limit)
    known = np.setdiff1d(np.arange(len(coverage.city.homes)), not_served(coverage, service, limit)[1])
    reached = reached_from(coverage, service, people.frame, known, cutoff_m=cutoff_m)
    column = [one.id for one in coverage.standard.services].index(service)
    walk_m = np.minimum(coverage.walks.metres[:, column], cutoff_m)
    return walks_saved(reached, walk_m, weight_of(coverage, service), len(people.frame))[0]


def _fewest(people: People, choices: SitingChoices, share: float, most: int) -> tuple[Choice, Chosen]:
    """Return the fewest sites by which a share of the city is served, and of so many the best."""
    needed = share * people.everyone - people.covered
    if needed <= 0 or len(people.frame) == 0:
        most = 0
    greedy = greedily(people.choice(choices, max(most, 1)))[:most]
    so_far = np.array([worth(people.choice(choices, 1), greedy[: count + 1]) for count in range(len(greedy))])
    enough = np.flatnonzero(so_far >= needed * (1 - _SAME))
    if needed > 0 and len(enough) == 0:
        best = people.share(so_far[-1:])[0] if len(so_far) else people.share(np.zeros(1))[0]
        raise DataError(
            "siting.target_unreached", target=f"{share:.1%}", sites=len(greedy), share=f"{best:.1%}"
        )
    fewest, high = 0, int(enough[0]) + 1 if needed > 0 else 0
    answer = people.choice(choices, 1), Chosen(greedy[:0], 0.0, 0.0, 0.0)
    if high:
        answer = _best_of(people, choices, high)
    while high - fewest > 1:
        count = (fewest + high) // 2
        tried = _best_of(people, choices, count)
        if tried[1].value >= needed * (1 - _SAME):
            answer, high = tried, count
        else:
            fewest = count
    return answer


def _best_of(people: People, choices: SitingChoices, sites: int) -> tuple[Choice, Chosen]:
    choice = people.choice(choices, sites)
    return choice, choose(choice, time_limit_s=choices.time_limit_s)


def _fairly(people: People, sites: int) -> Ints:
    """Return sites each of which does most for the community served worst by then; of equals, for all."""
    coverage, service, limit = people.coverage, people.service, people.limit
    weight, homes = weight_of(coverage, service), coverage.city.homes
    gap, _ = not_served(coverage, service, limit)
    reached = reached_from(coverage, service, people.frame, gap, cutoff_m=cutoff_of(coverage, service, limit))
    community = pd.Index(coverage.city.communities["community_id"]).get_indexer(
        pd.Index(homes["community_id"])
    )
    count = len(coverage.city.communities)
    everyone = np.bincount(community, weights=weight, minlength=count)
    covered = everyone - np.bincount(
        community[np.concatenate(not_served(coverage, service, limit))],
        weights=weight[np.concatenate(not_served(coverage, service, limit))],
        minlength=count,
    )
    open_ = np.ones(len(reached.home), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(sites, len(people.frame))):
        home, site = reached.home[open_], reached.site[open_]
        gains = np.bincount(site, weights=weight[home], minlength=len(people.frame))
        helped = np.bincount(community[home], weights=weight[home], minlength=count) > 0
        if not helped.any():
            break
        share = np.where(helped, covered / np.where(everyone > 0, everyone, 1.0), np.inf)
        worst = int(share.argmin())
        there = community[home] == worst
        own = np.bincount(site[there], weights=weight[home[there]], minlength=len(people.frame))
        chosen.append(int(np.lexsort([-gains, -own])[0]))
        served = np.unique(home[site == chosen[-1]])
        covered += np.bincount(community[served], weights=weight[served], minlength=count)
        open_ &= ~np.isin(reached.home, served)
    return np.array(chosen, dtype=np.int64)
