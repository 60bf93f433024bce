"""Which projects come first (项目库): each with what it adds to those before it, phased by what it is worth?

Benefit per cost decides; a project whose cost is not known cannot be weighed, so those stand by themselves,
ordered by the people they bring. No place is built on twice, and every gain is measured.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.coverage import Coverage
from lifecircle.demand import not_served, weight_of
from lifecircle.measures import PHASES, Creation
from lifecircle.options import (
    LOOKED_AT,
    Ideas,
    costs_of,
    longest_codes,
    net_gains,
    reached_by,
    spare,
    with_work,
)
from lifecircle.project_list import Projects
from lifecircle.project_scenarios import project_scenarios
from lifecircle.scenarios import no_robustness
from lifecircle.shares import COVERED, UNKNOWN
from lifecircle.streets import Flags, Floats, Ints

MOST = 30
"""A list longer than this is none to work by."""
_LEAST = 1.0
"""What brings fewer people (or whatever the city counts) is no project."""


def list_projects(ideas: Ideas, *, creation: Creation | None = None, most: int = MOST) -> Projects:
    """Return the projects that together close most of the gaps, best first.

    Parameters
    ----------
    ideas
        What could be done.
    creation
        The city's way of creation.
    most
        How many projects, at most.

    Returns
    -------
    Projects
    """
    ways = costs_of(ideas.works, ideas.table).drop_duplicates("work").set_index("work")
    cost = ways["cost"].to_numpy()
    chosen, steps, after, cut = _chosen(ideas, cost, most)
    priced = ~np.isnan(cost[chosen])
    order, phase = _phased(chosen, steps, priced, ideas)
    if (order != np.arange(len(chosen))).any():
        chosen, phase = chosen[order], phase[order]
        steps, after = _measured(ideas, chosen)
    kept = np.flatnonzero([step.own >= _LEAST for step in steps]) if steps else np.zeros(0, dtype=np.int64)
    if len(kept) < len(steps):  # what those before it leave nothing to do is left out, and changes nothing
        chosen, phase = chosen[kept], phase[kept]
        steps, after = _measured(ideas, chosen)
    frame = _frame(ideas, chosen, steps, phase, ways)
    return Projects(
        coverage=ideas.coverage,
        options=ideas.options,
        frame=frame,
        brings=_brings(ideas, frame, steps, phase),
        cost_unit=ideas.table.cost_unit,
        phases=ideas.table.phases,
        measures_text=ideas.table.text,
        creation=creation,
        candidates=ideas.candidates,
        unnamed=ideas.unnamed,
        cut=cut,
        after=after,
    )


class _Step(NamedTuple):
    """What one project did: for its service, for people of whom nothing was known, and for other services.

    People whom it takes a service are taken off.
    """

    own: float
    unknown: float
    also: dict[str, float]


def _step(first: Coverage, before: Coverage, work: dict[str, Any]) -> tuple[_Step, Coverage]:
    """Return what a work does beside those before it, and the coverage once it is done."""
    after = with_work(before, work)
    at_first, was, now = (longest_codes(one) for one in (first, before, after))
    ids, weights = [service.id for service in first.standard.services], first.weights
    gained = dict(zip(ids, net_gains(at_first, was, now, weights).tolist(), strict=True))
    own, column = gained.pop(work["service"]), ids.index(work["service"])
    newly = (at_first == UNKNOWN) & (was != COVERED) & (now == COVERED)
    unknown = weights[newly[:, column], column].sum()
    return _Step(own, float(unknown), {name: value for name, value in gained.items() if value}), after


def _measured(ideas: Ideas, chosen: Ints) -> tuple[list[_Step], Coverage]:
    """Return what each of these works does, one after the other, and the coverage once all are done."""
    works, now, steps = ideas.works.to_dict("records"), ideas.coverage, []
    for row in chosen.tolist():
        step, now = _step(ideas.coverage, now, works[row])
        steps.append(step)
    return steps, now


def _chosen(ideas: Ideas, cost: Floats, most: int) -> tuple[Ints, list[_Step], Coverage, bool]:
    """Return works, each with most people per cost beside those before it; then those without a cost.

    And what each does, the coverage once all are done, and whether more would bring somebody something.
    """
    works, services = ideas.works, ideas.coverage.standard.services
    rows = works.to_dict("records")
    open_ = np.ones(len(works), dtype=bool)
    home, work, now = ideas.home, ideas.work, ideas.coverage
    chosen: list[int] = []
    steps: list[_Step] = []
    while True:
        gains = _gains(now, works, home, work) * open_
        useful = gains >= _LEAST
        if not useful.any() or len(chosen) == most:
            return np.array(chosen, dtype=np.int64), steps, now, bool(useful.any())
        best = _best(gains, cost, useful)
        step, after = _step(ideas.coverage, now, rows[best])
        open_[best] = False
        if step.own < _LEAST:  # a link found good by itself, that others have made needless
            continue
        chosen.append(best)
        steps.append(step)
        now = after
        open_ &= ~_taken(works, best)
        if rows[best]["condition"] == "link":
            places = np.flatnonzero((works["condition"] != "link") & open_)
            home, work = _reached_again(now, works, places, ideas)
        if rows[best]["condition"] == "facility":
            gone = {rows[row]["place_id"] for row in chosen if rows[row]["condition"] == "facility"}
            free = set().union(*(spare(ideas.coverage, service, gone) for service in services))
            open_ &= (works["condition"] != "facility") | works["place_id"].isin(free)


def _gains(now: Coverage, works: gpd.GeoDataFrame, home: Ints, work: Ints) -> Floats:
    """Return the people of gaps that each work would serve now."""
    gains = np.zeros(len(works))
    service_of = works["service"].to_numpy()[work]
    for service in now.standard.services:
        weight = np.zeros(len(now.city.homes))
        gap = not_served(now, service.id, service.longest)[0]
        weight[gap] = weight_of(now, service.id)[gap]
        own = service_of == service.id
        gains += np.bincount(work[own], weights=weight[home[own]], minlength=len(works))
    return gains


def _best(gains: Floats, cost: Floats, useful: Flags) -> int:
    """Return the work with most people per cost; where no useful one has a cost, with most people."""
    priced = useful & ~np.isnan(cost)
    if not priced.any():
        return int(np.where(useful, gains, -1.0).argmax())
    free = priced & (cost == 0)
    if free.any():
        return int(np.where(free, gains, -1.0).argmax())
    per_cost = np.where(priced, gains, -1.0) / np.where(priced, cost, 1.0)
    return int(np.lexsort([-gains, -per_cost])[0])


def _taken(works: gpd.GeoDataFrame, row: int) -> Any:
    """Return the works that a chosen one leaves no place for: the same plot or facility, for any service."""
    one = works.iloc[row]
    if one["condition"] in {"street", "link"}:
        return np.zeros(len(works), dtype=bool)
    return ((works["place_id"] == one["place_id"]) & ~works["condition"].isin(["street", "link"])).to_numpy()


def _reached_again(now: Coverage, works: gpd.GeoDataFrame, places: Ints, ideas: Ideas) -> tuple[Ints, Ints]:
    """Return whom works reach on streets that changed; links keep the homes they served by themselves."""
    by_link = (works["condition"] == "link").to_numpy()[ideas.work]
    homes, rows = [ideas.home[by_link]], [ideas.work[by_link]]
    for service in now.standard.services:
        own = places[(works["service"].to_numpy()[places]) == service.id]
        if len(own) == 0:
            continue
        gap = not_served(now, service.id, service.longest)[0]
        home, row = reached_by(now, service, works.iloc[own].reset_index(drop=True), gap)
        homes.append(home)
        rows.append(own[row])
    return np.concatenate(homes), np.concatenate(rows)


def _phased(chosen: Ints, steps: list[_Step], priced: Flags, ideas: Ideas) -> tuple[Ints, Ints]:
    """Return the order by phases, and the phase of each work in the order it was chosen in.

    The near phase ends with the project by which its share of all gains is reached; so does the medium one.
    Projects with and without a cost are shared out by themselves; within a phase those with one come first.
    """
    gained = np.array([step.own + sum(step.also.values()) for step in steps])
    phase = np.zeros(len(chosen), dtype=np.int64)
    for group in (np.flatnonzero(priced), np.flatnonzero(~priced)):
        before = np.cumsum(gained[group]) - gained[group]
        ends = np.array(ideas.table.phases) * gained[group].sum()
        phase[group] = np.searchsorted(ends, before, side="right")
    return np.lexsort([np.arange(len(chosen)), ~priced, phase]), phase


def _frame(
    ideas: Ideas, chosen: Ints, steps: list[_Step], phase: Ints, ways: pd.DataFrame
) -> gpd.GeoDataFrame:
    coverage, measure = ideas.coverage, ideas.coverage.city.measure
    works = ideas.works.iloc[chosen].reset_index(drop=True)
    own = np.array([step.own for step in steps], dtype=np.float64)
    cost = ways["cost"].to_numpy()[chosen]
    per_cost = np.divide(own, cost, out=np.full(len(own), np.nan), where=cost > 0)
    return gpd.GeoDataFrame(
        {
            "project_id": np.array([f"P{row + 1:02d}" for row in range(len(chosen))], dtype=object),
            "phase": np.array(PHASES, dtype=object)[phase],
            "service": works["service"].to_numpy(),
            "option": ways["option"].to_numpy()[chosen],
            "condition": works["condition"].to_numpy(),
            "checked": (works["condition"] == LOOKED_AT).to_numpy(dtype=bool),
            **{name: works[name].to_numpy() for name in ("place_id", "name", "kind", "link_kind")},
            **{name: works[name].to_numpy(dtype=np.float64) for name in ("length_m", "area_m2")},
            **{name: works[name].to_numpy() for name in ("community_id", "community")},
            f"{measure}_gained": own,
            f"{measure}_unknown": np.array([step.unknown for step in steps], dtype=np.float64),
            "denominator": np.array([coverage.denominator(one) for one in works["service"]], dtype=object),
            "also": np.array([_told(step.also) for step in steps], dtype=object),
            "cost": cost,
            "gained_per_cost": per_cost,
            "months": ways["months"].to_numpy()[chosen],
            "ordered_by": np.where(np.isnan(cost), "people", "cost").astype(object),
            "share_covered": _shares(coverage, works["service"].tolist(), steps),
            **_robust(ideas, chosen, own),
            "gap_ids": _gaps_helped(ideas, chosen),
        },
        geometry=works.geometry.to_numpy(),
        crs=coverage.city.crs,
    )


def _robust(ideas: Ideas, chosen: Ints, own: Floats) -> Mapping[str, Any]:
    """Return which projects are robust, empty where the city was not measured in scenarios."""
    if not ideas.coverage.scenarios:
        return no_robustness(len(chosen))
    return project_scenarios(ideas.coverage, ideas.works.iloc[chosen].to_dict("records"), own)


def _brings(ideas: Ideas, frame: gpd.GeoDataFrame, steps: list[_Step], phase: Ints) -> Floats:
    ids = [service.id for service in ideas.coverage.standard.services]
    brings = np.zeros((len(ids), len(PHASES)))
    for service, step, at in zip(frame["service"], steps, phase, strict=True):
        for name, amount in {**step.also, service: step.own}.items():
            brings[ids.index(name), at] += amount
    return brings


def _told(also: dict[str, float]) -> str:
    return "; ".join(f"{name}={amount!r}" for name, amount in also.items())


def _shares(coverage: Coverage, services: list[str], steps: list[_Step]) -> Floats:
    """Return the share of each project's service that is covered once it is done, those of gaps counted."""
    share = np.full(len(steps), np.nan)
    so_far: dict[str, float] = {}
    for row, (service, step) in enumerate(zip(services, steps, strict=True)):
        for name, amount in {**step.also, service: step.own}.items():
            so_far[name] = so_far.get(name, 0.0) + amount
        weight, one = weight_of(coverage, service), coverage.standard.service(service)
        codes = coverage.status_codes(coverage.walks, service, one.longest)
        if (everyone := weight.sum()) > 0:
            share[row] = (weight[codes == COVERED].sum() + so_far[service]) / everyone
    return share


def _gaps_helped(ideas: Ideas, chosen: Ints) -> "np.ndarray[Any, np.dtype[np.object_]]":
    helped = ideas.by_gap.groupby("work")["gap_id"].agg(" ".join)
    texts: np.ndarray[Any, np.dtype[np.object_]] = helped.reindex(chosen).fillna("").to_numpy(dtype=object)
    return texts
