"""Who is left out, where, and why?"""

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse import csgraph

from lifecircle.city import CELL_M
from lifecircle.coverage import Coverage
from lifecircle.doors import sites_of
from lifecircle.grouped import grouped_quantile, heaviest
from lifecircle.scenarios import HALF, kept_shares, no_robustness, robustness
from lifecircle.shares import GAP, main_facility
from lifecircle.streets import Floats, Ints, found_in
from lifecircle.supply import SHORT, supplies_of, supply_codes

CAPACITY = "capacity"
REASONS = ("no_facility", "detour", "off_network", CAPACITY)
"""None within the limit's straight line; one within it but too long a walk; no street near the home; within
reach but short of places."""
_ONE_GAP_CELLS = 2


class Gaps(gpd.GeoDataFrame):  # type: ignore[misc]  # geopandas ships no types
    """Gaps as a GeoDataFrame whose ``explore`` runs nothing that a file hid in a name."""

    def explore(self, **options: Any) -> Any:
        """Return `lifecircle.render.explore.explore` of these gaps; its options are those of GeoPandas."""
        from lifecircle.render.explore import explore  # noqa: PLC0415  docs/decisions/0003

        return explore(self, **options)


def find_gaps(coverage: Coverage) -> Gaps:
    """Return the gaps of a city, worst first: where homes lie farther from a service than a limit of it.

    Homes within a limit whose facilities have too few places for all who walk to them are gaps of the reason
    `CAPACITY` (see `lifecircle.supply`).

    A gap is drawn with the 50 m cells of its homes, clipped to the community. Cells of one community,
    service, limit and reason that lie at most one empty cell apart are one gap. The homes of a cell that
    has several reasons share the one most of them have.

    Parameters
    ----------
    coverage
        Measured walks.

    Returns
    -------
    Gaps
        A GeoDataFrame: gap_id, community_id, community, service, threshold_minutes (at the service's pace
        where its limit is in metres), threshold_m (NaN where it is in minutes), reason (one of `REASONS`),
        the city's measure (such as residents; of the service's age group where that is known), denominator
        (what it counts, as in `Coverage.by_community`), worst_minutes, median_minutes (to known
        facilities; inf: nothing can be reached), nearest_facility (by the walk, of most people here; "" if
        none), nearest_minutes and nearest_straight_m (to that facility, medians), detour_ratio (walk over
        straight line), straight_facility and straight_m (the facility nearest as the crow flies and how far
        that is), robust (`lifecircle.scenarios.ROBUST` or `NOT_ROBUST`; "" where the coverage has no
        scenarios), kept_share (the least share of its people who stay in a gap in a scenario), weakest (id of
        that scenario; "" where nobody leaves in any), geometry in the city's CRS. People of a community's
        gaps add up to its uncovered people; those of reason `CAPACITY`, who are covered, to its people short
        of places.
    """
    return Gaps(_frame(coverage, homes_of_gaps(coverage)))


def homes_of_gaps(coverage: Coverage) -> pd.DataFrame:
    """Return one row per home, and service and limit by which it is in a gap.

    Parameters
    ----------
    coverage
        Measured walks.

    Returns
    -------
    pandas.DataFrame
        home (row of ``city.homes``), pair (row of ``standard.pairs``), gap (row of `find_gaps`), and what
        that works with.
    """
    homes = _homes_in_gaps(coverage)
    if homes.empty:
        return homes.assign(gap=np.zeros(0, dtype=np.int64))
    cell = np.asarray(homes.groupby(["key", "ix", "iy"], sort=True).ngroup(), dtype=np.int64)
    homes["reason"] = heaviest(
        cell,
        homes["reason"].to_numpy(),
        homes["weight"].to_numpy() + np.finfo(float).tiny,
        int(cell.max()) + 1,
    )[cell]
    homes["key"] = homes["key"] * len(REASONS) + homes["reason"]  # of a key all or none lack places
    patch = _patches(homes)
    people = np.bincount(patch, weights=homes["weight"])
    first = homes["community"].to_numpy()[np.unique(patch, return_index=True)[1]]
    community = coverage.city.communities["community_id"].to_numpy()[first]
    order = np.lexsort([np.arange(len(people)), community, -people])
    return homes.assign(gap=np.argsort(order)[patch])


def _homes_in_gaps(coverage: Coverage) -> pd.DataFrame:
    """Return one row per home, and service and limit by which it is in a gap."""
    city, standard = coverage.city, coverage.standard
    community = pd.Series(np.arange(len(city.communities)), index=city.communities["community_id"])
    of_home = community[city.homes["community_id"]].to_numpy()
    ix = np.floor(city.homes.geometry.x.to_numpy() / CELL_M).astype(np.int64)
    iy = np.floor(city.homes.geometry.y.to_numpy() / CELL_M).astype(np.int64)
    parts = []
    supplies = supplies_of(coverage)
    column_of = {service.id: column for column, service in enumerate(standard.services)}
    for pair, (service, limit) in enumerate(standard.pairs):
        column = column_of[service.id]
        home = np.flatnonzero(coverage.status_codes(coverage.walks, service.id, limit) == GAP)
        straight_m = coverage.straight_m[home, column]
        near = coverage.ways * straight_m <= limit.metres_at(service.pace_mps)
        reason = np.where(coverage.walks.on_street[home, column], np.where(near, 1, 0), 2)
        if service.id in supplies:
            step = service.limits.index(limit)
            short = np.flatnonzero(supply_codes(coverage, supplies[service.id], step) == SHORT)
            home = np.concatenate([home, short])
            reason = np.concatenate([reason, np.full(len(short), REASONS.index(CAPACITY))])
        parts.append(
            pd.DataFrame(
                {
                    "home": home,
                    "community": of_home[home],
                    "pair": pair,
                    "reason": reason,
                    "ix": ix[home],
                    "iy": iy[home],
                    "weight": coverage.weights[home, column],
                    "minutes": coverage.walks.metres[home, column] / (60.0 * service.pace_mps),
                    "facility": coverage.walks.facility[home, column],
                    "straight_facility": coverage.straight_facility[home, column],
                    "straight_m": coverage.straight_m[home, column],
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    lacking = found["reason"] == REASONS.index(CAPACITY)
    found["key"] = (found["community"] * len(standard.pairs) + found["pair"]) * 2 + lacking
    return found


def _patches(homes: pd.DataFrame) -> Ints:
    """Return which patch of neighbouring cells each row is in."""
    cells = homes[["key", "ix", "iy"]].to_numpy()
    cells -= cells.min(axis=0)
    wide, high = cells[:, 1:].max(axis=0) + 1 + 2 * _ONE_GAP_CELLS
    code = (cells[:, 0] * wide + cells[:, 1]) * high + cells[:, 2]
    unique, row = np.unique(code, return_inverse=True)
    reach = range(-_ONE_GAP_CELLS, _ONE_GAP_CELLS + 1)
    steps = np.array([dx * high + dy for dx in reach for dy in reach if (dx, dy) > (0, 0)])
    wanted = unique[:, None] + steps
    at, there = found_in(unique, wanted)
    first, step = np.nonzero(there)
    pairs = (np.ones(len(first), dtype=np.int8), (first, at[first, step]))
    joined = sparse.coo_array(pairs, shape=(len(unique), len(unique)))
    patch: Ints = csgraph.connected_components(joined, directed=False)[1][row.ravel()].astype(np.int64)
    return patch


def _frame(coverage: Coverage, homes: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return one row per gap, in their order."""
    city, standard, patch = coverage.city, coverage.standard, homes["gap"].to_numpy()
    count = int(patch.max()) + 1 if len(patch) else 0
    first = np.unique(patch, return_index=True)[1]
    one = homes.iloc[first]
    weight, minutes = homes["weight"].to_numpy(), homes["minutes"].to_numpy()
    tiny = weight + np.finfo(float).tiny  # a patch where nobody is counted still has a nearest facility
    nearest = main_facility(city, patch, homes["facility"].to_numpy(), tiny, count)
    across = main_facility(city, patch, homes["straight_facility"].to_numpy(), tiny, count)
    nearest_minutes, nearest_straight = _walk_and_line(coverage, homes, patch, nearest, tiny)
    names = np.append(city.facilities["name"].to_numpy(dtype=object), "")
    rules = pd.DataFrame(
        [
            (
                *(service.id, coverage.denominator(service.id), service.pace_mps),
                *(limit.minutes_at(service.pace_mps), limit.value, service.in_metres),
            )
            for service, limit in standard.pairs
        ],
        columns=["service", "denominator", "pace_mps", "minutes", "value", "in_metres"],
    ).iloc[one["pair"]]
    frame = gpd.GeoDataFrame(
        {
            "community_id": city.communities["community_id"].to_numpy()[one["community"]],
            "community": city.communities["community"].to_numpy()[one["community"]],
            "service": rules["service"].to_numpy(dtype=object),
            "threshold_minutes": rules["minutes"].to_numpy(dtype=np.float64),
            "threshold_m": np.where(rules["in_metres"], rules["value"], np.nan).astype(np.float64),
            "reason": np.array(REASONS, dtype=object)[one["reason"]],
            city.measure: np.bincount(patch, weights=weight, minlength=count).astype(np.float64),
            "denominator": rules["denominator"].to_numpy(dtype=object),
            "worst_minutes": homes["minutes"].groupby(patch).max().to_numpy(),
            "median_minutes": grouped_quantile(patch, minutes, tiny, count, 0.5),
            "nearest_facility": names[nearest],
            "nearest_minutes": nearest_minutes,
            "nearest_straight_m": nearest_straight,
            "detour_ratio": nearest_minutes
            * 60.0
            * rules["pace_mps"].to_numpy()
            / (coverage.ways * nearest_straight),
            "straight_facility": names[across],
            "straight_m": _of_chosen(patch, homes["straight_facility"], across, homes["straight_m"], tiny),
            **_robustness(coverage, homes, count),
        },
        geometry=_drawn(coverage, homes, patch, one["community"].to_numpy()),
        crs=city.crs,
    )
    frame.insert(0, "gap_id", pd.Series(gap_ids(range(count)), dtype="str"))
    return frame


def gap_ids(gaps: Iterable[int]) -> list[str]:
    """Return the ids of gaps by their numbers, as `homes_of_gaps` counts them."""
    return [f"G{gap + 1:03d}" for gap in gaps]


def _robustness(coverage: Coverage, homes: pd.DataFrame, count: int) -> dict[str, Any]:
    """Return the columns that say whether each gap holds under other assumptions."""
    if not coverage.scenarios:
        return no_robustness(count)
    return robustness(kept_shares(coverage, homes, count), coverage.scenarios, HALF)


def _walk_and_line(
    coverage: Coverage, homes: pd.DataFrame, patch: Ints, nearest: Ints, weight: Floats
) -> tuple[Floats, Floats]:
    """Return the median walk and line to each patch's nearest facility, over the homes it is nearest to."""
    facility = homes["facility"].to_numpy()
    to, at_home = sites_of(coverage.city.facilities), sites_of(coverage.city.homes)[homes["home"]]
    line = pd.Series(shapely.distance(at_home, np.append(to, [None])[facility]), index=homes.index)
    walk = _of_chosen(patch, homes["facility"], nearest, homes["minutes"], weight)
    return walk, _of_chosen(patch, homes["facility"], nearest, line, weight)


def _of_chosen(patch: Ints, item: Any, chosen: Ints, values: Any, weight: Floats) -> Floats:
    """Return the median of `values` over the rows whose `item` is the one chosen for their patch."""
    rows = (item.to_numpy() == chosen[patch]) & (item.to_numpy() >= 0)
    return grouped_quantile(patch[rows], values.to_numpy()[rows], weight[rows], len(chosen), 0.5)


def _united(boxes: Any, patch: Ints) -> Any:
    """Return the union of the cells of each patch; patches of as many cells are united at once."""
    order, counts = np.argsort(patch, kind="stable"), np.bincount(patch)
    first = np.cumsum(counts) - counts
    whole = np.empty(len(counts), dtype=object)
    for size in np.unique(counts).tolist():
        rows = np.flatnonzero(counts == size)
        of_patch = boxes[order[first[rows, None] + np.arange(size)]]
        whole[rows] = shapely.coverage_union_all(of_patch, axis=1)
    return whole


def _drawn(coverage: Coverage, homes: pd.DataFrame, patch: Ints, community: Ints) -> Any:
    """Return each patch as the union of its cells, clipped to its community."""
    cells = pd.DataFrame({"patch": patch, "ix": homes["ix"], "iy": homes["iy"]}).drop_duplicates()
    low = cells[["ix", "iy"]].to_numpy() * CELL_M
    boxes = shapely.box(low[:, 0], low[:, 1], low[:, 0] + CELL_M, low[:, 1] + CELL_M)
    clipped = _united(boxes, cells["patch"].to_numpy())
    areas = coverage.city.communities.geometry.to_numpy()
    shapely.prepare(areas)
    beyond = ~shapely.contains_properly(areas[community], clipped)
    clipped[beyond] = shapely.intersection(clipped[beyond], areas[community[beyond]])
    flat = ~np.isin(shapely.get_type_id(clipped), [3, 6])  # a cell that also touches the border along a line
    clipped[flat] = [
        shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
        for shape in clipped[flat]
    ]
    slivers = np.flatnonzero(shapely.area(clipped) <= 0)  # homes on the very border: cells around the homes
    homes_at = coverage.city.homes.geometry.to_numpy()[homes["home"]]
    for row in slivers:
        around = shapely.union_all(shapely.buffer(homes_at[patch == row], CELL_M / 2, cap_style="square"))
        clipped[row] = shapely.intersection(around, areas[community[row]])
    return clipped
