"""By which doors does a place meet the streets?

A place with known doors is measured from them, and the shortest walk counts; one without, from its point.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.streets import Floats, Ints

_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
DOORS = "doors"
"""Column of homes and facilities: a MultiPoint in the city's CRS, or None where no door is known."""


def sites_of(places: gpd.GeoDataFrame) -> NDArray[Any]:
    """Return where each place may be entered, shape (places,): its doors as a MultiPoint, else its point.

    Parameters
    ----------
    places
        Points, perhaps with a column ``doors``.
    """
    sites = np.array(places.geometry.to_numpy(), dtype=object)
    if DOORS in places:
        known = places[DOORS].notna().to_numpy()
        sites[known] = places[DOORS].to_numpy()[known]
    return sites


def homes_on(network: WalkNetwork, sites: NDArray[Any], *, max_m: float = MAX_SNAP_M) -> Positions:
    """Return where people leave the sites of their homes: by one row for each door.

    Parameters
    ----------
    network
        Streets.
    sites
        Shape (k,). Points or MultiPoints of doors, in the network's CRS.
    max_m
        No access leg is longer.
    """
    xy, site = shapely.get_coordinates(sites, return_index=True)
    return network.snap(*xy.T, max_m=max_m).of(site)


def facilities_on(network: WalkNetwork, sites: NDArray[Any], *, max_m: float = MAX_SNAP_M) -> Positions:
    """Return where people enter the sites of facilities; parameters as for `homes_on`.

    Each door opens on the streets as `WalkNetwork.doors` says.
    """
    xy, site = shapely.get_coordinates(sites, return_index=True)
    return network.doors(*xy.T, max_m=max_m).of(site)


def doors_of_outlines(
    network: WalkNetwork,
    outlines: NDArray[Any],
    *,
    mapped: NDArray[Any] | None = None,
    max_m: float = MAX_SNAP_M,
) -> NDArray[Any]:
    """Return where the outlines of grounds and buildings may be entered.

    Where public streets cross an outline, those crossings are its doors, besides the mapped ones. One without
    either has one door: the point of it nearest to a public street, among those from which no barrier bars
    the way.

    Parameters
    ----------
    network
        Streets.
    outlines
        Shape (k,). Polygons or MultiPolygons in the network's CRS; all else has no doors but mapped ones.
    mapped
        Shape (k,). Doors that are known, as MultiPoints; None for those without.
    max_m
        An outline farther from every public street has no door but mapped ones.

    Returns
    -------
    numpy.ndarray
        Shape (k,). MultiPoints; None where there is no door.
    """
    rows = np.flatnonzero(np.isin(shapely.get_type_id(outlines), _POLYGONS) & ~shapely.is_empty(outlines))
    rims = shapely.boundary(outlines[rows])
    streets = network.lines[network.is_target & ~network.private]
    rim, street = shapely.STRtree(streets).query(rims, predicate="intersects")
    crossings, of = shapely.get_coordinates(
        shapely.intersection(rims[rim], streets[street]), return_index=True
    )
    known = np.full(len(outlines), None, dtype=object) if mapped is None else mapped
    mapped_xy, at = shapely.get_coordinates(known, return_index=True)
    aside = np.flatnonzero(~np.isin(np.arange(len(rows)), rim) & ~np.isin(rows, at))
    legs = network.legs(rims[aside], max_m=max_m, public_only=True)
    near = np.flatnonzero(legs.street >= 0)
    return multipoints(
        np.concatenate([mapped_xy, crossings, legs.start[near]]),
        np.concatenate([at, rows[rim[of]], rows[aside[near]]]),
        len(outlines),
    )


def multipoints(xy: Floats, of: Ints, count: int) -> NDArray[Any]:
    """Return the points of each of `count` places as one MultiPoint, None for those without."""
    order = np.argsort(of, kind="stable")
    having, group = np.unique(of[order], return_inverse=True)
    shapes = np.full(count, None, dtype=object)
    shapes[having] = shapely.multipoints(xy[order], indices=group)
    return shapes
