"""How many people live in each cell of this raster of population?"""

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj

from lifecircle.errors import DataError, FileError
from lifecircle.people import PeopleGrid
from lifecircle.sources.opening import LIMITS, Limits, check_raster
from lifecircle.streets import Floats, Ints

if TYPE_CHECKING:
    from rasterio import DatasetReader

_EDGE_CELLS = 1
_COPIES, _HOME = 4, 20
"""As many cells of heights does a cell of people take in memory; and one with any people, which is a home."""


def read_population(
    path: str | Path, communities: gpd.GeoDataFrame, *, limits: Limits = LIMITS
) -> PeopleGrid:
    """Return the cells of a raster of population in and around communities, such as WorldPop's.

    Only the part of the file that covers the communities is read.

    Parameters
    ----------
    path
        GeoTIFF, north up, whose first band counts people per cell; with a CRS. Its nodata value and NaN are
        cells without a number.
    communities
        Polygons in the metric CRS of the city.
    limits
        How many cells there may be around them.

    Returns
    -------
    PeopleGrid
        Cells that hold a number, in the CRS of the communities.

    Raises
    ------
    FileError
        If there is no such file.
    DataError
        If it is no GeoTIFF, has no CRS, is rotated, holds a negative number, or none near the communities, or
        exceeds `limits`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("people.raster_missing", path=path)
    import rasterio  # noqa: PLC0415  a compiled reader that only this function needs

    try:
        with rasterio.open(path, driver="GTiff") as raster:
            if raster.crs is None or not (raster.crs.is_geographic or raster.crs.is_projected):
                raise DataError("people.raster_no_crs", path=path)
            if raster.transform.b or raster.transform.d:
                raise DataError("people.raster_turned", path=path)
            return _cells(raster, communities, path, limits)
    except pyproj.exceptions.ProjError as error:
        raise DataError("people.raster_no_crs", path=path) from error
    except rasterio.errors.RasterioError as error:
        raise DataError("people.raster_unreadable", path=path, cause=error) from error


def _cells(raster: "DatasetReader", communities: gpd.GeoDataFrame, path: Path, limits: Limits) -> PeopleGrid:
    """Return the cells of an open raster around the communities that hold a number."""
    from rasterio.windows import Window  # noqa: PLC0415  with its library

    crs = pyproj.CRS.from_user_input(raster.crs)
    to_raster = pyproj.Transformer.from_crs(communities.crs, crs, always_xy=True)
    check_raster(raster, 0, path, limits)
    to_cell = np.linalg.inv(np.reshape(raster.transform, (3, 3)))
    low_x, low_y, high_x, high_y = to_raster.transform_bounds(*communities.total_bounds)
    corners = to_cell @ np.array([[low_x, high_x], [low_y, high_y], [1.0, 1.0]])
    if not np.isfinite(corners).all():
        raise DataError("people.raster_elsewhere", path=path)
    size = np.array([raster.width, raster.height])
    first = np.clip(np.floor(corners[:2].min(axis=1)) - _EDGE_CELLS, 0, size).astype(np.int64)
    last = np.clip(np.ceil(corners[:2].max(axis=1)) + _EDGE_CELLS, 0, size).astype(np.int64)
    if (first >= last).any():
        raise DataError("people.raster_elsewhere", path=path)
    check_raster(raster, _COPIES * float((last - first).prod()), path, limits)
    read = raster.read(1, window=Window(*first.tolist(), *(last - first).tolist()), masked=True)
    people = read.astype(np.float64).filled(np.nan)
    known = np.isfinite(people)
    if not known.any():
        raise DataError("people.raster_elsewhere", path=path)
    row, column = np.nonzero(known)
    negative = people[row, column] < 0
    if negative.any():
        at = int(negative.argmax())
        place = {"row": int(row[at] + first[1]), "column": int(column[at] + first[0])}
        raise DataError("people.raster_negative", path=path, value=people[row[at], column[at]], **place)
    check_raster(raster, _HOME * float((people > 0).sum()), path, limits)
    number = np.full(people.shape, -1, dtype=np.int64)
    number[row, column] = np.arange(len(row))

    def cell_of(x: Floats, y: Floats) -> Ints:
        across, down, _ = to_cell @ np.array([*to_raster.transform(x, y), np.ones(len(x))])
        at = np.floor(np.array([across, down])) - first[:, None]
        inside = ((at >= 0) & (at < (last - first)[:, None])).all(axis=0)
        found = np.full(len(x), -1, dtype=np.int64)
        in_column, in_row = at[:, inside].astype(np.int64)
        found[inside] = number[in_row, in_column]
        return found

    middle = np.array([column + first[0] + 0.5, row + first[1] + 0.5, np.ones(len(row))])
    at_x, at_y, _ = np.reshape(raster.transform, (3, 3)) @ middle
    from_raster = pyproj.Transformer.from_crs(crs, communities.crs, always_xy=True)
    x, y = from_raster.transform(at_x, at_y)
    return PeopleGrid(np.asarray(x), np.asarray(y), people[row, column], cell_of)
