"""Which facility is nearest there and back, and how far is that?

Slopes and one-way paths make the way back another walk. The facility with the least sum may be neither the
nearest on the way there nor on the way back, so sums are bounded from below until no other can be less.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from lifecircle.choice import KNearest, Pairs, k_nearest, within
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.streets import Floats, Ints

_FEW = (4, 8)
"""How many nearest facilities of either way are tried, one after the other, before all within reach are."""


class ThereAndBack(NamedTuple):
    """The walks to a facility and home again; rows are those of the homes."""

    metres: Floats
    """Shape (homes,). Least level metres there and back; inf where no facility can be reached and left."""
    facility: Ints
    """Shape (homes,). Row of that facility, -1 where there is none."""
    there_m: Floats
    """Shape (homes,). Level metres to the facility nearest on the way there, no matter the way back."""
    back_m: Floats
    """Shape (homes,). Level metres from the facility nearest on the way back."""


def walked_back(network: WalkNetwork) -> WalkNetwork:
    """Return the streets on which a walk to a facility costs what the way home from it costs.

    Residents come back into their estate where they may leave it.
    """
    if np.array_equal(network.along, network.against):
        return network
    turned = dataclasses.replace(network, along=network.against, against=network.along)
    vars(turned).update(network.of_geometry)
    return turned


def nearest_there_and_back(
    network: WalkNetwork, homes: Positions, facilities: Positions, *, back: WalkNetwork | None = None
) -> ThereAndBack:
    """Return the facility with the least walk there and back for each home.

    Parameters
    ----------
    network
        Streets.
    homes
        Doors of the homes; each way by whichever door is nearer.
    facilities
        Doors of the facilities; each way by whichever door is nearer.
    back
        `walked_back` of the network, where it is at hand.

    Returns
    -------
    ThereAndBack
        On level streets that are walked both ways the sum is twice the walk.

    Notes
    -----
    The least sum of two rankings, after the threshold algorithm of Fagin et al. [1]_.

    .. [1] R. Fagin, A. Lotem, M. Naor, "Optimal aggregation algorithms for middleware", PODS 2001.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from lifecircle import WalkNetwork
    >>> street = gpd.GeoSeries.from_wkt(["LINESTRING (0 0, 2000 0)"], crs="EPSG:4549")
    >>> network = WalkNetwork.from_edges(street.to_frame("geometry"))
    >>> homes, facilities = network.snap([100, 900], [0, 0]), network.doors([0, 500], [0, 0])
    >>> nearest_there_and_back(network, homes, facilities).metres.tolist()
    [200.0, 800.0]
    """
    ways = network, walked_back(network) if back is None else back
    there = metres_to_nearest(network, homes, facilities)
    home = there if ways[1] is network else metres_to_nearest(ways[1], homes, facilities)
    metres, facility = there.metres + home.metres, there.facility.copy()
    facility[np.isinf(metres)] = -1
    rows = np.flatnonzero(np.isfinite(metres) & (there.facility != home.facility))
    if len(rows):
        metres[rows], facility[rows] = _least_sums(ways, _of_homes(homes, rows), facilities)
    return ThereAndBack(metres, facility, there.metres, home.metres)


def within_there_and_back(
    ways: tuple[WalkNetwork, WalkNetwork], homes: Positions, facilities: Positions, *, cutoff_m: float
) -> Pairs:
    """Return every pair of a home and a facility whose walks there and back add up to no more than a cutoff.

    Parameters
    ----------
    ways
        The streets, and `walked_back` of them.
    homes, facilities
        As for `nearest_there_and_back`.
    cutoff_m
        Longest sum in level metres; exactly so far is inside.
    """
    return _both_within(ways, homes, facilities, (cutoff_m, cutoff_m)).within(cutoff_m)


def _of_homes(homes: Positions, rows: Ints) -> Positions:
    """Return the doors of some homes, by their rows."""
    return homes.take(np.isin(homes.row_of_place()[0], rows))


def _least_sums(
    ways: tuple[WalkNetwork, WalkNetwork], homes: Positions, facilities: Positions
) -> tuple[Floats, Ints]:
    """Return the least sum of each home, and its facility."""
    count = homes.row_of_place()[1]
    metres, facility = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
    nearest_m = np.zeros((2, count))
    unsure = np.arange(count)
    for k in _FEW:
        there, back = (k_nearest(way, _of_homes(homes, unsure), facilities, k=k) for way in ways)
        metres[unsure], facility[unsure] = _least_of_both(there, back)
        nearest_m[:, unsure] = there.metres[:, 0], back.metres[:, 0]
        # a facility that is missing in one ranking is no nearer than the last in it
        others = np.minimum(there.metres[:, 0] + back.metres[:, -1], there.metres[:, -1] + back.metres[:, 0])
        unsure = unsure[others < metres[unsure]]
        if len(unsure) == 0:
            return metres, facility
    bounded = np.isfinite(metres[unsure])
    for rows in (unsure[bounded], unsure[~bounded]):
        if len(rows):
            there_m, back_m = (metres[rows] - nearest_m[::-1, rows]).max(axis=1).tolist()
            found, at = _least_within(ways, _of_homes(homes, rows), facilities, (there_m, back_m))
            less = found < metres[rows]
            metres[rows[less]], facility[rows[less]] = found[less], at[less]
    return metres, facility


def _least_of_both(there: KNearest, back: KNearest) -> tuple[Floats, Ints]:
    """Return the least sum of the facilities in both rankings, and which: inf and -1 where there is none."""
    same = (there.facility[:, :, None] == back.facility[:, None, :]) & (there.facility[:, :, None] >= 0)
    sums = np.where(same, there.metres[:, :, None] + back.metres[:, None, :], np.inf)
    pair = sums.reshape(len(sums), -1).argmin(axis=1)
    row, rank = np.arange(len(sums)), pair // sums.shape[2]
    metres: Floats = sums.reshape(len(sums), -1)[row, pair]
    return metres, np.where(np.isfinite(metres), there.facility[row, rank], -1)


def _both_within(
    ways: tuple[WalkNetwork, WalkNetwork],
    homes: Positions,
    facilities: Positions,
    cutoffs_m: tuple[float, float],
) -> Pairs:
    """Return the pairs that are within a cutoff either way, with the sum of both."""
    there, back = (
        within(way, homes, facilities, cutoff_m=cutoff_m)
        for way, cutoff_m in zip(ways, cutoffs_m, strict=True)
    )
    count = int(facilities.place.max(initial=0)) + 1
    _, one, other = np.intersect1d(
        there.home * count + there.facility,
        back.home * count + back.facility,
        assume_unique=True,
        return_indices=True,
    )
    return Pairs(there.home[one], there.facility[one], there.metres[one] + back.metres[other])


def _least_within(
    ways: tuple[WalkNetwork, WalkNetwork],
    homes: Positions,
    facilities: Positions,
    cutoffs_m: tuple[float, float],
) -> tuple[Floats, Ints]:
    """Return the least sum of each home, and its facility, of those within a cutoff either way."""
    home, at, sums = _both_within(ways, homes, facilities, cutoffs_m)
    many = homes.row_of_place()[1]
    metres, facility = np.full(many, np.inf), np.full(many, -1, dtype=np.int64)
    order = np.lexsort([at, sums, home])
    order = order[np.unique(home[order], return_index=True)[1]]
    metres[home[order]], facility[home[order]] = sums[order], at[order]
    return metres, facility
