"""Whom could each candidate site serve, who is not served today?"""

import dataclasses

import geopandas as gpd
import numpy as np
from scipy import sparse

from lifecircle.coverage import Coverage
from lifecircle.doors import facilities_on, sites_of
from lifecircle.grounds import Ground, pairs_on
from lifecircle.network import Positions
from lifecircle.shares import GAP, UNKNOWN
from lifecircle.standard import Limit
from lifecircle.streets import Flags, Floats, Ints


@dataclasses.dataclass(frozen=True, eq=False)
class Reached:
    """Pairs of a home and a candidate site from which it is within reach.

    Attributes
    ----------
    home
        Shape (pairs,). Row of the home in ``city.homes``.
    site
        Shape (pairs,). Row of the candidate.
    metres
        Shape (pairs,). Level metres of the walk from home to site, or there and back.
    """

    home: Ints
    site: Ints
    metres: Floats

    def of_homes(self, homes: Ints) -> "Reached":
        """Return the pairs of some homes."""
        return self._of(np.isin(self.home, homes))

    def within(self, cutoff_m: float) -> "Reached":
        """Return the pairs no farther apart than that."""
        return self._of(self.metres <= cutoff_m)

    def _of(self, kept: Flags) -> "Reached":
        return Reached(self.home[kept], self.site[kept], self.metres[kept])


def weight_of(coverage: Coverage, service: str) -> Floats:
    """Return what each home counts for a service, shape (homes,): the one place that knows."""
    return coverage.weight(service)


def cutoff_of(coverage: Coverage, service: str, limit: Limit) -> float:
    """Return the longest walk in level metres that is within a limit, with the noise that a status allows."""
    return limit.metres_at(coverage.standard.service(service).pace_mps) + coverage.noise_m(service)


def not_served(coverage: Coverage, service: str, limit: Limit) -> tuple[Ints, Ints]:
    """Return the rows of homes in a gap, and of homes that nobody knows of because the data ends."""
    codes = coverage.status_codes(coverage.walks, service, limit)
    known = coverage.city.homes["kind"].to_numpy() != "none"
    return np.flatnonzero((codes == GAP) & known), np.flatnonzero((codes == UNKNOWN) & known)


def reached_from(
    coverage: Coverage, service: str, sites: gpd.GeoDataFrame, homes: Ints, *, cutoff_m: float
) -> Reached:
    """Return which of some homes are within reach of which sites, by the streets as the service's users walk.

    Parameters
    ----------
    coverage
        A measured city.
    service
        Id of the service.
    sites
        Points in the city's CRS, perhaps with doors: they are entered as facilities are.
    homes
        Rows of ``city.homes``.
    cutoff_m
        Longest walk in level metres, or sum of both ways where the city was measured there and back;
        exactly so far is inside.

    Returns
    -------
    Reached
        Gathered piece by piece as 32-bit rows, so that ten million pairs take 200 MB.
    """
    ground = coverage.ground_for(service)
    at_home = ground.places.take(np.isin(ground.places.place, homes))
    doors = facilities_on(ground.network, sites_of(sites), max_m=coverage.max_snap_m)
    return reached_at(ground, at_home, doors, cutoff_m=cutoff_m)


def reached_at(ground: Ground, homes: Positions, doors: Positions, *, cutoff_m: float) -> Reached:
    """Return which homes are within reach of which doors; as `reached_from`, where both are known."""
    place = np.unique(homes.place)
    parts = [
        (pairs.home.astype(np.int32), pairs.facility.astype(np.int32), pairs.metres)
        for pairs in pairs_on(ground, homes, doors, cutoff_m)
    ] or [(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))]
    home, site, metres = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Reached(place[home], site, metres)


def people_covered(reached: Reached, weight: Floats, sites: int) -> tuple[sparse.csr_array, Ints]:
    """Return what each site does for each group of people, and the group of each home.

    Homes that the same sites reach are one group: they are served or not together.

    Parameters
    ----------
    reached
        Pairs within the limit.
    weight
        Shape (homes,). What each home of the city counts.
    sites
        How many candidates there are.

    Returns
    -------
    benefit
        Shape (sites, groups). People of each group that each site reaches.
    group
        Shape (homes,). -1 for homes that no site reaches, or that count nothing.
    """
    counts = weight[reached.home] > 0
    home, site = reached.home[counts], reached.site[counts]
    homes, row = np.unique(home, return_inverse=True)
    # the set of sites of a home, as the sum of two random 64-bit numbers per site
    lots = np.random.default_rng(0).integers(0, 2**63, size=(sites, 2), dtype=np.int64).view(np.uint64)
    sums = np.zeros((len(homes), 2), dtype=np.uint64)
    for column in range(2):
        np.add.at(sums[:, column], row, lots[site, column])
    first, group = np.unique(sums, axis=0, return_index=True, return_inverse=True)[1:]
    group = group.ravel()
    people = np.bincount(group, weights=weight[homes], minlength=len(first))
    one = np.isin(row, first)
    shape = sites, len(first)
    benefit = sparse.csr_array((people[group[row[one]]], (site[one], group[row[one]])), shape=shape)
    of_home = np.full(len(weight), -1, dtype=np.int64)
    of_home[homes] = group
    return benefit, of_home


def walks_saved(
    reached: Reached, walk_m: Floats, weight: Floats, sites: int
) -> tuple[sparse.csr_array, Ints]:
    """Return how many metres each site saves the people of each home, and the rows of these homes.

    Parameters
    ----------
    reached
        Pairs as far as a walk may be shortened.
    walk_m
        Shape (homes,). Each home's walk today, finite.
    weight
        Shape (homes,). What each home counts.
    sites
        How many candidates there are.

    Returns
    -------
    benefit
        Shape (sites, k). Weight times metres saved.
    homes
        Shape (k,).
    """
    saved = (walk_m[reached.home] - reached.metres) * weight[reached.home]
    better = saved > 0
    homes, row = np.unique(reached.home[better], return_inverse=True)
    shape = sites, len(homes)
    return sparse.csr_array((saved[better], (reached.site[better], row)), shape=shape), homes
