"""What can be done about each gap, and on what condition?

A new building needs a plot within reach, a purchase or a lease a building that is to be had, a conversion a
facility of a like kind that nobody would miss, and a walk that is a detour may need no building but a link.
Only what has its condition met is an option; what nobody looked at says so.
"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle.candidates import street_sites
from lifecircle.coverage import Coverage, at_longest
from lifecircle.demand import cutoff_of, not_served, reached_from, weight_of
from lifecircle.doors import DOORS
from lifecircle.gaps import CAPACITY, homes_of_gaps
from lifecircle.measured_again import remeasure
from lifecircle.measures import BUILD, CONVERT, LINK, MEASURES, MeasureTable
from lifecircle.missing_links import missing_links
from lifecircle.people import community_of
from lifecircle.shares import COVERED, GAP, UNKNOWN
from lifecircle.siting import described_sites
from lifecircle.standard import Service
from lifecircle.streets import Flags, Floats, Ints

CONDITIONS = ("site", "kind_unknown", "street", "facility", "link", "none", "off_network", "capacity")
"""A candidate that allows the measure; one whose kind is not told; a point along a street, where nobody has
looked for room; a facility of a like kind that nobody would miss; a missing link; nothing; nothing that helps
before the homes have a street; nothing, as people are within reach and what lacks is places."""
LOOKED_AT = "site"
"""The only condition that somebody has looked into: the planner's own list says what is there."""
_COLUMNS = (
    *("service", "condition", "place_id", "name", "kind", "measures", "cost", "area_m2", "length_m"),
    *("capacity", "link_kind"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Ideas:
    """What could be done in a city.

    Attributes
    ----------
    coverage, table
        What it builds on.
    works
        One row per service and place: service, condition (one of `CONDITIONS`), place_id, name, kind,
        measures (tuple of ids), cost (its own, NaN where none is listed), area_m2, length_m, capacity,
        link_kind, community_id, community, doors, and a point, or the line of a link, in the city's CRS.
    home, work
        Shape (pairs,). Home of a gap that a work brings within its service's longest limit, and its row in
        `works`, each work by itself.
    by_gap
        One row per gap and work that helps it: gap (row), gap_id, work, people (of this gap).
    options
        One row per gap and measure that is possible there, and one for each gap without any: gap_id,
        community_id, community, service, the city's measure, denominator, option (measure id or ""),
        condition, checked, place_id, name, kind, M_of_gap (people of this gap) and M_gained (of all) by that
        work alone, cost, months; with the place as geometry, None for none. Each names the work that does
        most for the gap.
    candidates
        How many were given; None where points along streets were taken.
    unnamed
        Kinds of candidates that make no measure possible, with how many there are.
    """

    coverage: Coverage
    table: MeasureTable
    works: gpd.GeoDataFrame
    home: Ints
    work: Ints
    by_gap: pd.DataFrame
    options: gpd.GeoDataFrame
    candidates: int | None
    unnamed: dict[str, int]


def find_options(
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    table: MeasureTable,
    *,
    candidates: gpd.GeoDataFrame | None = None,
    links: int = 3,
) -> Ideas:
    """Return what can be done about the gaps at the longest limit of each service.

    Parameters
    ----------
    coverage
        A measured city.
    gaps
        Its gaps, as `lifecircle.find_gaps` returns them.
    table
        When measures are possible, and what they cost.
    candidates
        Plots and buildings as `lifecircle.sources.candidates.read_candidates` reads them: kind, and
        facility_kind where that is a kind of facility. Points along streets where None.
    links
        How many missing links to try for each service.
    """
    parts, pairs, first = [], [], 0
    free = _spare_now(coverage, table)
    for service in coverage.standard.services:
        left_out = not_served(coverage, service.id, service.longest)[0]
        if len(left_out) == 0:
            continue
        places = [
            _sites(coverage, service, table, candidates),
            _standing(coverage, service, table, free),
        ]
        frame = pd.concat([part for part in places if len(part)] or places[:1], ignore_index=True)
        frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=coverage.city.crs)
        home, work = reached_by(coverage, service, frame, left_out)
        lines, helped = _links(coverage, service, links)
        for number, homes in enumerate(helped):
            home = np.concatenate([home, homes])
            work = np.concatenate([work, np.full(len(homes), len(frame) + number)])
        parts += [frame, lines]
        pairs.append((home, work + first))
        first += len(frame) + len(lines)
    works = _located(coverage, [part for part in parts if len(part)])
    home, work = (
        np.concatenate([np.zeros(0, np.int64), *column])
        for column in (zip(*pairs, strict=True) if pairs else ([], []))
    )
    pairs_of = pd.DataFrame({"home": home, "work": work, "service": works["service"].to_numpy()[work]})
    pairs_of["people"] = _weights(coverage, pairs_of["service"], home)
    by_gap = _by_gap(coverage, gaps, pairs_of)
    return Ideas(
        coverage=coverage,
        table=table,
        works=works,
        home=home,
        work=work,
        by_gap=by_gap,
        options=_options(coverage, gaps, works, by_gap, pairs_of.groupby("work")["people"].sum(), table),
        candidates=None if candidates is None else len(candidates),
        unnamed=_unnamed(coverage, table, candidates),
    )


def reached_by(
    coverage: Coverage, service: Service, works: gpd.GeoDataFrame, homes: Ints
) -> tuple[Ints, Ints]:
    """Return which of some homes are within the longest limit of which places, as rows of both."""
    cutoff_m = cutoff_of(coverage, service.id, service.longest)
    found = reached_from(coverage, service.id, works, homes, cutoff_m=cutoff_m)
    return found.home.astype(np.int64), found.site.astype(np.int64)


def longest_codes(coverage: Coverage) -> NDArray[np.int8]:
    """Return how homes stand at the longest limit of each service, as codes of shape (homes, services)."""
    services = coverage.standard.services
    return np.column_stack([coverage.status_codes(coverage.walks, one.id, one.longest) for one in services])


def net_gains(
    first: NDArray[np.int8], before: NDArray[np.int8], after: NDArray[np.int8], weights: Floats
) -> Floats:
    """Return the people of gaps whom a work brings each service, less those whom it takes one.

    A new street may do so: it may be the nearest of a home, or cut an estate's path in two.

    Parameters
    ----------
    first, before, after
        Shape (homes, services). As `longest_codes`: of the city as it stands, before the work and after it.
        People in a gap at first are of gaps, whatever was built since: more walks may lead over the edge of
        the data, so that nothing is known of them for a while.
    weights
        Shape (homes, services). What each home counts.

    Returns
    -------
    numpy.ndarray
        Shape (services,).
    """
    gained = (first == GAP) & (before != COVERED) & (after == COVERED)
    lost = (first != UNKNOWN) & (before == COVERED) & (after != COVERED)
    sums: Floats = (weights * gained).sum(axis=0) - (weights * lost).sum(axis=0)
    return sums


def with_work(coverage: Coverage, work: dict[str, Any]) -> Coverage:
    """Return the coverage once a work, a row of `Ideas.works`, is done."""
    city = coverage.city
    if work["condition"] == "link":
        start, end = ((x, y) for x, y in shapely.get_coordinates(work["geometry"]).tolist())
        return remeasure(coverage, city.with_link_at(start, end))
    if work["condition"] == "facility":
        city = city.without_facility(work["place_id"])
    known = {"name": [work["name"]]}
    if isinstance(work[DOORS], shapely.Geometry):
        known[DOORS] = [work[DOORS]]
    if not np.isnan(work["capacity"]):
        known["capacity"] = [work["capacity"]]
    built = gpd.GeoDataFrame(known, geometry=[work["geometry"]], crs=city.crs)
    return remeasure(coverage, city.with_facilities(work["service"], built))


def spare(coverage: Coverage, service: Service, gone: set[str]) -> set[str]:
    """Return the ids of the facilities that nobody would miss, at any limit of their service.

    Everybody who is within a limit of such a facility is within it of another one, `gone` ones not counted.
    """
    facilities = coverage.city.facilities
    there = (facilities["service"] == service.id) & ~facilities["facility_id"].isin(gone)
    frame = facilities[there].reset_index(drop=True)
    missed = np.zeros(len(frame), dtype=bool)
    weight = weight_of(coverage, service.id)
    for limit in service.limits:
        cutoff_m = cutoff_of(coverage, service.id, limit)
        found = reached_from(coverage, service.id, frame, np.flatnonzero(weight > 0), cutoff_m=cutoff_m)
        only = np.bincount(found.home, minlength=len(weight))[found.home] == 1
        missed[found.site[only]] = True
    return set(frame["facility_id"][~missed])


# ---------------------------------------------------------------------- where something could be done


def _frame(coverage: Coverage, geometry: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Return works with every column; those not given are empty."""
    count = len(geometry)
    texts = {"place_id", "name", "kind", "link_kind"}
    given = {
        name: np.full(count, "", object) if name in texts else np.full(count, np.nan) for name in _COLUMNS
    }
    given |= {DOORS: np.full(count, None, dtype=object)} | columns
    return gpd.GeoDataFrame(given, geometry=geometry, crs=coverage.city.crs)


def _sites(
    coverage: Coverage, service: Service, table: MeasureTable, candidates: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Return candidates, each with what it makes possible."""
    network = coverage.ground_for(service.id).network
    given = street_sites(coverage, service.id) if candidates is None else candidates
    frame = described_sites(coverage, given, network)
    kinds, facility_kinds = (
        given[name].fillna("").tolist() if name in given else [""] * len(given)
        for name in ("kind", "facility_kind")
    )
    like = _like_kinds(service, table)
    allowed, conditions = [], []
    for kind, facility_kind in zip(kinds, facility_kinds, strict=True):
        measures = table.measures_at(kind)
        if facility_kind in like and CONVERT not in measures:
            measures = (*measures, CONVERT)
        allowed.append(measures or (() if kind else (BUILD,)))
        conditions.append("site" if kind else "kind_unknown" if candidates is not None else "street")
    columns = {name: frame[name].to_numpy() for name in ("name", "cost", "area_m2", "capacity")}
    if DOORS in frame:
        columns[DOORS] = frame[DOORS].to_numpy()
    works = _frame(
        coverage,
        frame.geometry.to_numpy(),
        service=service.id,
        condition=conditions,
        place_id=frame["site_id"].to_numpy(),
        kind=np.array(kinds, dtype=object),
        measures=_tuples(allowed),
        **columns,
    )
    return works[[len(one) > 0 for one in allowed]]


def _standing(coverage: Coverage, service: Service, table: MeasureTable, free: set[str]) -> gpd.GeoDataFrame:
    """Return those of the `free` facilities that are of a like kind, and could be converted."""
    facilities = coverage.city.facilities
    labels = {one.id: one.label(coverage.city.lang) for one in _origins(coverage, service, table)}
    stands = facilities[facilities["facility_id"].isin(free) & facilities["service"].isin(labels)]
    return _frame(
        coverage,
        stands.geometry.to_numpy(),
        service=service.id,
        condition="facility",
        place_id=stands["facility_id"].to_numpy(),
        name=stands["name"].fillna("").to_numpy(),
        kind=stands["service"].map(labels).to_numpy(dtype=object),
        measures=_tuples([(CONVERT,)] * len(stands)),
        **({DOORS: stands[DOORS].to_numpy()} if DOORS in stands else {}),
    )


def _origins(coverage: Coverage, service: Service, table: MeasureTable) -> list[Service]:
    """Return the services whose facilities may be converted to a service."""
    like = _like_kinds(service, table)
    return [
        one
        for one in coverage.standard.services
        if one.id != service.id and like & {one.id, *(kind.id for kind in one.kinds)}
    ]


def _spare_now(coverage: Coverage, table: MeasureTable) -> set[str]:
    """Return the facilities that nobody would miss, of the services that others can be converted from."""
    every = coverage.standard.services
    asked = {one.id: one for service in every for one in _origins(coverage, service, table)}
    return set().union(*(spare(coverage, one, set()) for one in asked.values()))


def _links(coverage: Coverage, service: Service, count: int) -> tuple[gpd.GeoDataFrame, list[Ints]]:
    """Return missing links, and the homes of gaps that each helps by itself."""
    if count == 0:
        return _frame(coverage, [], service="", condition=""), []
    found = missing_links(coverage, service.id, links=count)
    ids = [f"{service.id}-L{rank}" for rank in range(1, len(found.lines) + 1)]
    works = _frame(
        coverage,
        found.lines,
        service=service.id,
        condition="link",
        place_id=np.array(ids, dtype=object),
        length_m=shapely.length(found.lines),
        link_kind=found.kinds,
        measures=_tuples([(LINK,)] * len(ids)),
    )
    return works, found.helped


def _like_kinds(service: Service, table: MeasureTable) -> set[str]:
    """Return the kinds of facility that may be converted to a service."""
    own = {service.id, *(kind.id for kind in service.kinds)}
    return {kind for one in own for kind in table.convert_from.get(one, ())} - own


def _tuples(values: list[tuple[str, ...]]) -> "np.ndarray[Any, np.dtype[np.object_]]":
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _located(coverage: Coverage, parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return works as one table, with the community that each lies in."""
    city = coverage.city
    empty = [_frame(coverage, [], service="", condition="")]
    works = gpd.GeoDataFrame(pd.concat(parts or empty, ignore_index=True), geometry="geometry", crs=city.crs)
    at, lines = works.geometry.to_numpy().copy(), works.geom_type.eq("LineString").to_numpy()
    at[lines] = shapely.line_interpolate_point(at[lines], 0.5, normalized=True)
    community = community_of(city.communities, shapely.get_x(at), shapely.get_y(at))
    for name in ("community_id", "community"):
        works[name] = np.append(city.communities[name].to_numpy(dtype=object), "")[community]
    return works


def _rows(works: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = works.to_dict("records")
    return rows


# ---------------------------------------------------------------------- by gap


def costs_of(works: gpd.GeoDataFrame, table: MeasureTable) -> pd.DataFrame:
    """Return every way to do a work: work (row), option (measure id), cost and months, cheapest first.

    What a candidate's own list says it costs goes before the table.
    """
    rows = []
    for row, work in enumerate(_rows(works)):
        size = work["length_m"] if work["condition"] == "link" else work["area_m2"]
        for name in work["measures"]:
            measure = table.measures[name]
            listed = not np.isnan(work["cost"])
            cost = work["cost"] if listed else measure.cost_of(work["service"], size)
            rows.append((row, name, MEASURES.index(name), cost, measure.months))
    ways = pd.DataFrame(rows, columns=["work", "option", "place", "cost", "months"])
    ways = ways.astype({"work": np.int64, "cost": np.float64, "months": np.float64})
    return ways.sort_values(["work", "cost", "place"], kind="stable", ignore_index=True).drop(columns="place")


def _by_gap(coverage: Coverage, gaps: gpd.GeoDataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return how many people of each gap each work serves."""
    standard, homes = coverage.standard, homes_of_gaps(coverage)
    longest = [row for row, (service, limit) in enumerate(standard.pairs) if limit is service.longest]
    homes = homes[homes["pair"].isin(longest)]
    names = [standard.pairs[pair][0].id for pair in homes["pair"]]
    homes = homes.assign(service=np.array(names, dtype=object))
    found = (
        pairs.merge(homes, on=["home", "service"]).groupby(["gap", "work"], as_index=False)["people"].sum()
    )
    found = found[found["people"] > 0].reset_index(drop=True)
    ids = gaps["gap_id"].to_numpy()[found["gap"]]
    return pd.DataFrame(found.assign(gap_id=ids))


def _options(
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    works: gpd.GeoDataFrame,
    by_gap: pd.DataFrame,
    gained: "pd.Series[float]",
    table: MeasureTable,
) -> gpd.GeoDataFrame:
    """Return the best work of each measure for each gap, and the gaps that nothing helps."""
    measure = coverage.city.measure
    best = by_gap.join(gained.rename("gained"), on="work").merge(costs_of(works, table), on="work")
    best["looked_at"] = (works["condition"] == LOOKED_AT).to_numpy()[best["work"]]
    best = best.sort_values(
        ["gap", "option", "people", "gained", "work"],
        ascending=[True, True, False, False, True],
        kind="stable",
    ).drop_duplicates(["gap", "option"])
    best["place"] = best["option"].map(MEASURES.index)
    best = best.sort_values(["gap", "place"], kind="stable")
    without = np.setdiff1d(at_longest(gaps.reset_index(drop=True), coverage.standard).index, best["gap"])
    row = np.concatenate([best["gap"], without]).astype(np.int64)
    at = np.concatenate([best["work"], np.full(len(without), -1)]).astype(np.int64)
    reason = gaps["reason"].to_numpy()[without]
    said = {
        name: np.append(works[name].to_numpy(dtype=object), "")[at]
        for name in ("condition", "place_id", "name", "kind", "link_kind")
    }
    said["condition"][len(best) :] = np.where(np.isin(reason, ["off_network", CAPACITY]), reason, "none")

    def amounts(column: str) -> Floats:
        return np.concatenate([best[column], np.full(len(without), np.nan)]).astype(np.float64)

    nothing = np.full(len(without), "")
    frame = gpd.GeoDataFrame(
        {
            **{
                name: gaps[name].to_numpy()[row]
                for name in ("gap_id", "community_id", "community", "service")
            },
            **{name: gaps[name].to_numpy()[row] for name in (measure, "denominator", "reason")},
            "option": np.concatenate([best["option"], nothing]).astype(object),
            **said,
            "checked": np.concatenate([best["looked_at"], np.zeros(len(without), dtype=bool)]).astype(bool),
            "length_m": np.append(works["length_m"].to_numpy(), np.nan)[at].astype(np.float64),
            f"{measure}_of_gap": amounts("people"),
            f"{measure}_gained": amounts("gained"),
            "cost": amounts("cost"),
            "months": amounts("months"),
        },
        geometry=np.append(works.geometry.to_numpy(), np.array([None]))[at],
        crs=coverage.city.crs,
    )
    return frame.iloc[np.argsort(row, kind="stable")].reset_index(drop=True)


def _weights(coverage: Coverage, services: "pd.Series[str]", home: Ints) -> Floats:
    """Return what each home counts for the service beside it."""
    weights = np.zeros(len(home))
    for service in coverage.standard.services:
        rows: Flags = (services == service.id).to_numpy()
        weights[rows] = weight_of(coverage, service.id)[home[rows]]
    return weights


def _unnamed(coverage: Coverage, table: MeasureTable, candidates: gpd.GeoDataFrame | None) -> dict[str, int]:
    """Return the kinds of candidates that no measure names, and that no service can be converted from."""
    if candidates is None or "kind" not in candidates:
        return {}
    like = set().union(*(_like_kinds(service, table) for service in coverage.standard.services))
    facility = (
        candidates["facility_kind"] if "facility_kind" in candidates else pd.Series("", candidates.index)
    )
    kinds = candidates["kind"].fillna("")
    lost = (kinds != "") & ~facility.isin(like) & (kinds.map(lambda kind: not table.measures_at(kind)))
    return {str(kind): int(count) for kind, count in kinds[lost].value_counts().items()}
