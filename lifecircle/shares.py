"""How many of each group of homes are served, and how well?"""

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecircle.city import City
from lifecircle.denominators import FAILS, MEETS, NOT_KNOWN, meets
from lifecircle.grouped import grouped_quantiles, heaviest
from lifecircle.standard import Limit
from lifecircle.streets import Floats, Ints

if TYPE_CHECKING:
    from lifecircle.coverage import Coverage

COVERED, GAP, UNKNOWN = 0, 1, 2
STATUS = ("covered", "gap", "unknown")


def table_of(coverage: "Coverage", groups: gpd.GeoDataFrame, of_home: Ints, of_cell: Ints) -> pd.DataFrame:
    """Return the table of `Coverage.by_community` for any grouping of homes and cells.

    Parameters
    ----------
    coverage
        Measured walks.
    groups
        Columns community_id and community, and polygons.
    of_home, of_cell
        Shapes (homes,) and (cells,). The row of the group that each is in.
    """
    measure, count = coverage.city.measure, len(groups)
    cells = np.bincount(of_cell, minlength=count)
    inhabited = coverage.city.inhabited_m2
    whole_m2 = np.bincount(of_home, weights=inhabited, minlength=count)
    homes = np.bincount(of_home, minlength=count)
    area = groups.area.to_numpy()
    minutes = coverage.known_minutes(coverage.walks)
    parts = _parts(coverage.city, of_home)
    names = np.append(coverage.city.facilities["name"].to_numpy(dtype=object), "")
    pairs: list[dict[str, Any]] = []
    for column, service in enumerate(coverage.standard.services):
        weight, known = coverage.weights[:, column], ~np.isnan(minutes[:, column])
        total = np.bincount(of_home, weights=weight, minlength=count).astype(np.float64)
        walk = (of_home[known], minutes[known, column], weight[known], count)
        median, p90 = grouped_quantiles(*walk, (0.5, 0.9))
        main = main_facility(coverage.city, of_home, coverage.walks.facility[:, column], weight, count)
        for limit in service.limits:
            status = coverage.status_codes(coverage.walks, service.id, limit)
            in_cells = coverage.status_codes(coverage.cell_walks, service.id, limit) == COVERED
            counts = {
                word: np.bincount(of_home, weights=weight * (status == code), minlength=count)
                for code, word in enumerate(STATUS)
            }
            covered = status == COVERED
            covered_homes = np.bincount(of_home, weights=covered, minlength=count)
            covered_m2 = np.bincount(of_home, weights=inhabited * covered, minlength=count)
            standing = _standing(coverage, service.id, limit, parts, count)
            lived_in = standing[:, [MEETS, FAILS, NOT_KNOWN]].sum(axis=1)
            share_area = ratio(np.bincount(of_cell, weights=in_cells, minlength=count), cells)
            pairs.append(
                {
                    "community_id": groups["community_id"].to_numpy(),
                    "community": groups["community"].to_numpy(),
                    "service": service.id,
                    "threshold_minutes": float(limit.minutes_at(service.pace_mps)),
                    "threshold_m": limit.value if service.in_metres else np.nan,
                    "denominator": coverage.denominator(service.id),
                    measure: total,
                    **{f"{measure}_{word}": people for word, people in counts.items()},
                    **{f"share_{word}": ratio(people, total) for word, people in counts.items()},
                    "area_m2": area,
                    "area_covered_m2": area * share_area,
                    "share_area_covered": share_area,
                    "homes": homes,
                    "homes_covered": covered_homes.astype(np.int64),
                    "share_homes_covered": ratio(covered_homes, homes),
                    "inhabited_m2": whole_m2,
                    "inhabited_covered_m2": covered_m2,
                    "share_inhabited_covered": ratio(covered_m2, whole_m2),
                    "communities": lived_in,
                    "communities_covered": standing[:, MEETS],
                    "share_communities_covered": ratio(standing[:, MEETS], lived_in),
                    "median_minutes": median,
                    "p90_minutes": p90,
                    "nearest_facility": names[main],
                }
            )
    # each group with all pairs of a service and a limit, then the next
    columns = {
        name: np.column_stack([np.broadcast_to(pair[name], count) for pair in pairs]).ravel()
        for name in pairs[0]
    }
    return pd.DataFrame(columns)


class _Parts(NamedTuple):
    """Communities parted by groups of homes."""

    group: Ints
    """Shape (parts,). The group that each part is in."""
    of_home: Ints
    """Shape (homes,). The part that each home is in."""


def _parts(city: City, of_home: Ints) -> _Parts:
    """Return the parts of communities in groups, given the group of each home; a part has a home."""
    ids = pd.Index(city.communities["community_id"])
    community = ids.get_indexer(pd.Index(city.homes["community_id"]))
    parts, part = np.unique(of_home * len(ids) + community, return_inverse=True)
    return _Parts(parts // len(ids), part)


def _standing(coverage: "Coverage", service: str, limit: Limit, parts: _Parts, groups: int) -> Ints:
    """Return how many communities of each group meet a limit, fail, are not known, or hold nobody.

    Shape (groups, 4). A community in several groups is one of each of them, with its people there.
    """
    weight, status = coverage.weight(service), coverage.status_codes(coverage.walks, service, limit)
    total, covered, gap = (
        np.bincount(parts.of_home, weights=weight * chosen, minlength=len(parts.group)).astype(np.float64)
        for chosen in (np.ones(len(weight)), status == COVERED, status == GAP)
    )
    code = parts.group * 4 + meets(total, covered, gap, coverage.standard.target.share)
    return np.bincount(code, minlength=4 * groups).reshape(groups, 4)


def main_facility(city: City, group: Ints, facility: Ints, weights: Floats, groups: int) -> Ints:
    """Return the row of the facility that serves most weight in each group; of equals, the first id."""
    by_id = np.argsort(city.facilities["facility_id"].to_numpy(), kind="stable")
    rank = np.append(np.argsort(by_id), -1)
    return np.append(by_id, -1)[heaviest(group, rank[facility], weights, groups)]


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Return part / whole, NaN where there is no whole."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
