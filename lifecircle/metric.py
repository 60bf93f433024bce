"""Which coordinate system counts in metres here?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from lifecircle.errors import DataError

_CHINA = (73.5, 18.0, 135.1, 53.6)
_LARGEST_SCALE_ERROR = 0.01


def metric_crs(lon: float, lat: float) -> pyproj.CRS:
    """Return the projected CRS to measure in around a place.

    In China the CGCS2000 3-degree Gauss-Krueger zone nearest the place (EPSG:4534 to 4554), because UTM
    changes zone at 120 E; elsewhere UTM on WGS 84. A metre in the plane is off by at most 0.1 %.

    Parameters
    ----------
    lon, lat
        Degrees, WGS 84.

    Examples
    --------
    >>> metric_crs(119.92, 28.45).to_epsg(), metric_crs(-15.43, 28.12).to_epsg()
    (4549, 32628)
    """
    if in_china(lon, lat):
        return pyproj.CRS.from_epsg(4534 + round((np.clip(lon, 75, 135) - 75) / 3))
    zone = int((lon + 180) // 6) % 60 + 1
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def as_crs(value: object) -> pyproj.CRS:
    """Return the CRS that a user named.

    Raises
    ------
    DataError
        If there is no such CRS, or it names a grid file, which PROJ would open wherever it lies.
    """
    if isinstance(value, str) and "grids" in value.lower():
        raise DataError("network.unknown_crs", crs=value)
    try:
        return pyproj.CRS.from_user_input(value)
    except pyproj.exceptions.CRSError as error:
        raise DataError("network.unknown_crs", crs=value) from error


def moved(xy: ArrayLike, source: Any, target: Any) -> NDArray[np.float64]:
    """Return places in another CRS, x or longitude first.

    GeoPandas keeps the way from one CRS to another once it is found; for each of China's zones PROJ searches
    50 ms for it.

    Parameters
    ----------
    xy
        Shape (n, 2). Places in `source`.
    source, target
        What `pyproj.CRS.from_user_input` takes.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2). Infinite where `target` has no such place.

    Examples
    --------
    >>> moved([[119.92, 28.45]], 4326, 4549).round()
    array([[ 492164., 3148315.]])
    """
    return shapely.get_coordinates(
        gpd.GeoSeries(shapely.points(np.asarray(xy, dtype=np.float64)), crs=source).to_crs(target)
    )


def in_china(lon: float, lat: float) -> bool:
    """Say whether a place lies in China's bounding box, which neighbours share."""
    low_lon, low_lat, high_lon, high_lat = _CHINA
    return low_lon < lon < high_lon and low_lat < lat < high_lat


def check_metric(crs: pyproj.CRS, xy: ArrayLike | None = None) -> None:
    """Raise DataError unless `crs` counts in metres, and true ones amid the points `xy`."""
    if not crs.is_projected or any(axis.unit_conversion_factor != 1 for axis in crs.axis_info[:2]):
        raise DataError("network.not_metric", crs=crs.name)
    points = np.asarray(() if xy is None else xy, dtype=np.float64).reshape(-1, 2)
    if len(points):
        to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
        scale = pyproj.Proj(crs).get_factors(*to_degrees.transform(*np.median(points, axis=0)))
        worst = max(abs(scale.meridional_scale - 1), abs(scale.parallel_scale - 1))
        if not worst < _LARGEST_SCALE_ERROR:
            raise DataError("network.not_true", crs=crs.name, percent=f"{100 * worst:.1f}")
