"""Where could a facility stand, if nobody says where there is room?

On public streets of inhabited places: at points that lie apart, so that a choice among them is one of places
and not of house numbers.
"""

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from lifecircle.coverage import Coverage
from lifecircle.streets import Flags, Floats

APART_M = 100.0
_INHABITED_M = 200.0
"""Farther than this from every home, a street leads through no inhabited place."""


def street_sites(coverage: Coverage, service: str, *, apart_m: float = APART_M) -> gpd.GeoDataFrame:
    """Return points along the public streets of inhabited places.

    Parameters
    ----------
    coverage
        A measured city.
    service
        Id of the service whose users shall walk there.
    apart_m
        No two are closer in a straight line.

    Returns
    -------
    GeoDataFrame
        name (empty) and points in the city's CRS; the same for the same streets and homes.

    Raises
    ------
    UnknownNameError
        If the standard has no such service.
    """
    city = coverage.city
    network = coverage.ground_for(service).network
    rows = np.flatnonzero(network.is_target & ~network.private & (network.drawn_m > 0))
    count = np.maximum(1, np.ceil(network.street_m[rows] / apart_m)).astype(np.int64)
    of = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    along_m = (number + 0.5) * network.street_m[rows[of]] / count[of]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(network.lines[rows[of]], along_m))
    known = city.homes["kind"].to_numpy() != "none"
    homes = np.column_stack([city.homes.geometry.x, city.homes.geometry.y])[known]
    if len(homes) and len(xy):
        xy = xy[np.isfinite(cKDTree(homes).query(xy, distance_upper_bound=_INHABITED_M)[0])]
    xy = xy[: len(homes) * len(xy)]
    xy = xy[thinned(xy, apart_m)]
    return gpd.GeoDataFrame(
        {"name": np.full(len(xy), "", dtype=object)}, geometry=shapely.points(xy), crs=city.crs
    )


def thinned(xy: Floats, apart_m: float) -> Flags:
    """Return which points to keep: none is too close to another, and none that is left out could be added.

    Parameters
    ----------
    xy
        Shape (points, 2). Metres.
    apart_m
        Exactly so far apart is far enough.

    Returns
    -------
    numpy.ndarray
        Shape (points,). The same for the same points in any order; of points at one place, one is kept.

    Notes
    -----
    Points draw lots, and each that has the least of its neighbourhood stays, round after round [1]_.

    .. [1] M. Luby, "A simple parallel algorithm for the maximal independent set problem", SIAM Journal on
       Computing 15, 1986.
    """
    order = np.lexsort(xy.T[::-1])
    lot = np.empty(len(xy), dtype=np.int64)
    lot[order] = np.random.default_rng(0).permutation(len(xy))
    pairs = (
        cKDTree(xy).query_pairs(np.nextafter(apart_m, 0), output_type="ndarray")
        if len(xy)
        else np.zeros((0, 2), int)
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    waiting, kept = np.ones(len(xy), dtype=bool), np.zeros(len(xy), dtype=bool)
    while waiting.any():
        pairs = pairs[waiting[pairs].all(axis=1)]
        least = np.full(len(xy), len(xy))
        np.minimum.at(least, pairs[:, 0], lot[pairs[:, 1]])
        stays = waiting & (lot < least)
        kept |= stays
        waiting &= ~stays
        waiting[pairs[stays[pairs[:, 0]], 1]] = False
    return kept
