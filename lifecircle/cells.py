"""Where is area sampled?"""

import geopandas as gpd
import numpy as np
import shapely

from lifecircle.city import CELL_M, City
from lifecircle.people import community_of


def cells_of(city: City) -> gpd.GeoDataFrame:
    """Return the centres of the 50 m cells inside communities; one too small for any gets a point."""
    boxes = np.floor(shapely.bounds(city.communities.geometry.to_numpy()) / CELL_M).astype(np.int64)
    grids = [np.mgrid[low_x : high_x + 1, low_y : high_y + 1] for low_x, low_y, high_x, high_y in boxes]
    cells = np.concatenate([grid.reshape(2, -1).T for grid in grids])
    lowest = cells.min(axis=0)
    height = int(cells[:, 1].max() - lowest[1]) + 1
    numbers = np.unique((cells - lowest) @ [height, 1])  # one per cell: pairs take ten times as long
    x, y = (np.column_stack(np.divmod(numbers, height)) + lowest + 0.5).T * CELL_M
    owner = community_of(city.communities, x, y)
    inside = owner >= 0
    tiny = np.setdiff1d(np.arange(len(city.communities)), owner[inside])
    points = city.communities.geometry.iloc[tiny].representative_point()
    return gpd.GeoDataFrame(
        {"community_id": city.communities["community_id"].to_numpy()[np.concatenate([owner[inside], tiny])]},
        geometry=shapely.points(np.concatenate([x[inside], points.x]), np.concatenate([y[inside], points.y])),
        crs=city.crs,
    )
