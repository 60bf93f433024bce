"""Which unit of a level does each place belong to, and what area is whose?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle.city import City, Level
from lifecircle.people import community_of
from lifecircle.streets import Ints


def unit_of(level: Level, city: City, places: gpd.GeoDataFrame) -> Ints:
    """Return the row of the unit that each place of a community belongs to, -1 for none.

    Parameters
    ----------
    level
        The units.
    city
        Whose communities the column community_id of `places` names.
    places
        Points with community_id, in the CRS of the city.
    """
    if level.of_community is None:
        return community_of(level.units, places.geometry.x.to_numpy(), places.geometry.y.to_numpy())
    rows = pd.Index(city.communities["community_id"]).get_indexer(pd.Index(places["community_id"]))
    return np.asarray(level.of_community[rows], dtype=np.int64)


def groups_of(level: Level, city: City) -> gpd.GeoDataFrame:
    """Return the units of a level as groups for a table, and last, with the id "", what lies in none.

    Returns
    -------
    GeoDataFrame
        community_id and community (of the unit), and its part of the city, of which none overlaps another.
    """
    units, whole = level.units, city.area
    inside = _parted(shapely.intersection(units.geometry.to_numpy(), whole))
    rest = shapely.difference(whole, shapely.union_all(inside))
    return gpd.GeoDataFrame(
        {"community_id": [*units["unit_id"], ""], "community": [*units["unit"], ""]},
        geometry=[*inside, rest],
        crs=city.crs,
    )


def _parted(shapes: NDArray[Any]) -> NDArray[Any]:
    """Return polygons of which none overlaps another: what lies in several is the smallest one's."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    area, parted = shapely.area(shapes), shapes.copy()
    larger = (area[one] > area[other]) | ((area[one] == area[other]) & (one > other))
    for row in np.unique(one[larger]):
        parted[row] = shapely.difference(shapes[row], shapely.union_all(shapes[other[larger & (one == row)]]))
    return parted
