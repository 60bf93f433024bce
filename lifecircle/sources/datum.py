"""Where does a place lie in the shifted coordinates that maps in China use: GCJ-02 (AMap) and BD-09 (Baidu)?

The law has public maps of China shifted by some hundred metres. GCJ-02 was never published; what is known
is the approximation described at https://en.wikipedia.org/wiki/Restrictions_on_geographic_data_in_China,
good to about a metre against the maps themselves. BD-09 is GCJ-02 shifted once more.

The public description has one box around China, and so have we: Hong Kong, Macau and Taiwan lie in it and
are shifted like the rest, and so are neighbours such as Korea. Lists from there are often in plain WGS 84:
then call nothing. CGCS2000 and WGS 84 differ by less than a metre and count as one here.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271
_AXIS_M = 6378245.0  # Krasovsky's ellipsoid
_ECCENTRICITY_2 = 0.00669342162296594323
_MIDDLE = np.array([105.0, 35.0])
_BD_SHIFT = np.array([0.0065, 0.006])
_BD_WAVE = np.pi * 3000.0 / 180.0
_ROUNDS = 10  # each leaves a fiftieth of the error or less: far below what a double can hold


def wgs84_to_gcj02(lonlat: ArrayLike) -> Floats:
    """Return places of WGS 84 (or CGCS2000) as AMap has them.

    Parameters
    ----------
    lonlat
        Shape (..., 2). Degrees, longitude first; places outside the box around China stay as they are.

    Returns
    -------
    numpy.ndarray
        Shape (..., 2).

    Examples
    --------
    >>> wgs84_to_gcj02([[119.92, 28.45], [-15.43, 28.12]]).round(4)
    array([[119.9244,  28.4466],
           [-15.43  ,  28.12  ]])
    """
    return _in_box(lonlat, lambda at: at + _gcj02_shift(at))


def gcj02_to_wgs84(lonlat: ArrayLike) -> Floats:
    """Return places of AMap in WGS 84: the inverse of `wgs84_to_gcj02`, to far less than a millimetre."""
    return _in_box(lonlat, lambda at: _inverse(at, _gcj02_shift))


def gcj02_to_bd09(lonlat: ArrayLike) -> Floats:
    """Return places of AMap as Baidu has them; shapes as in `wgs84_to_gcj02`."""
    return _in_box(lonlat, lambda at: at + _bd09_shift(at))


def bd09_to_gcj02(lonlat: ArrayLike) -> Floats:
    """Return places of Baidu as AMap has them: the inverse of `gcj02_to_bd09`."""
    return _in_box(lonlat, lambda at: _inverse(at, _bd09_shift))


def to_wgs84(lonlat: ArrayLike, datum: str) -> Floats:
    """Return places of a datum (one of `lifecircle.catalog.DATUMS`) in WGS 84; shapes as above."""
    gcj02 = bd09_to_gcj02(lonlat) if datum == "bd09" else lonlat
    return np.array(gcj02, dtype=np.float64) if datum == "wgs84" else gcj02_to_wgs84(gcj02)


def from_wgs84(lonlat: ArrayLike, datum: str) -> Floats:
    """Return places of WGS 84 in a datum: the inverse of `to_wgs84`."""
    if datum == "wgs84":
        return np.array(lonlat, dtype=np.float64)
    gcj02 = wgs84_to_gcj02(lonlat)
    return gcj02_to_bd09(gcj02) if datum == "bd09" else gcj02


def _in_box(lonlat: ArrayLike, move: Callable[[Floats], Floats]) -> Floats:
    places = np.array(lonlat, dtype=np.float64)
    lon, lat = places[..., 0], places[..., 1]
    inside = (lon > _WEST) & (lon < _EAST) & (lat > _SOUTH) & (lat < _NORTH)
    places[inside] = move(places[inside])
    return places


def _inverse(shifted: Floats, shift: Callable[[Floats], Floats]) -> Floats:
    """Return what `shift` moves to `shifted`, by fixed point: shifts differ little between places."""
    places = shifted
    for _ in range(_ROUNDS):
        places = shifted - shift(places)
    return places


def _gcj02_shift(lonlat: Floats) -> Floats:
    """Return how far GCJ-02 moves places of WGS 84, in degrees, shape (n, 2)."""
    x, y = (lonlat - _MIDDLE).T
    ripple = _waves(x, (20.0, 6.0), (20.0, 2.0))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east_m += (ripple + _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))) * 2 / 3
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north_m += (ripple + _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))) * 2 / 3
    lat = np.radians(lonlat[:, 1])
    root = 1.0 - _ECCENTRICITY_2 * np.sin(lat) ** 2
    across_m = _AXIS_M / np.sqrt(root) * np.cos(lat)
    along_m = _AXIS_M * (1.0 - _ECCENTRICITY_2) / root**1.5
    shift: Floats = np.degrees(np.column_stack([east_m / across_m, north_m / along_m]))
    return shift


def _waves(at: Floats, *waves: tuple[float, float]) -> Floats:
    """Return a sum of sines given as metres and half periods per degree."""
    total: Floats = sum(metres * np.sin(rate * np.pi * at) for metres, rate in waves)  # type: ignore[assignment]
    return total


def _bd09_shift(lonlat: Floats) -> Floats:
    """Return how far BD-09 moves places of GCJ-02, in degrees, shape (n, 2)."""
    lon, lat = lonlat.T
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_WAVE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_WAVE)
    moved: Floats = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + _BD_SHIFT
    return moved - lonlat
