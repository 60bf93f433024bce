"""Can these coordinates be in the CRS that their file declares?

What cannot be is refused with the likely cure, never mended in silence: a wrong guess would move a city.
"""

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from lifecircle.errors import DataError
from lifecircle.streets import Flags

WGS84 = "EPSG:4326"
MOST = 0.5
"""From which share of the rows on what holds for them is taken to be the file's way."""

_CITY_DEGREES = 10.0
"""No city is wider in degrees, and none is as narrow in metres."""
_OUTSIDE_DEGREES = 15.0
"""How far beyond the area a CRS is made for it may still be meant: more than two zones of six degrees."""
_NEAR_M = 10_000.0
_HALF_TURN = 180.0


def known_crs(name: str | None, path: Path) -> CRS | None:
    """Return the CRS of a name like ``EPSG:4490`` or ``urn:ogc:...``: forms that lead to no file or host.

    Raises
    ------
    DataError
        If it is another form, or no CRS is called so.
    """
    if name is None:
        return None
    try:
        if re.fullmatch(r"[\w:.]+", name):
            return CRS.from_user_input(name)
    except CRSError:
        pass
    raise DataError("tables.unknown_crs", path=path, value=name)


def crs_by_range(frame: gpd.GeoDataFrame, path: Path, *, silent: bool) -> CRS:
    """Return WGS 84 for formats that keep `silent` about degrees, in either order; refuse any other guess.

    Raises
    ------
    DataError
        If the format ought to say its CRS, or the numbers are no degrees.
    """
    if not silent:
        bounds = ", ".join(f"{value:.6g}" for value in frame.total_bounds)
        raise DataError("tables.missing_crs", path=path, bounds=bounds)
    bounds = frame.bounds
    if (in_degrees(bounds) | in_degrees(_swapped(bounds))).mean() < MOST:
        raise _coordinate_error("tables.metres_without_crs", frame, path)
    return CRS(WGS84)


def in_range(frame: gpd.GeoDataFrame, source: CRS, path: Path) -> "pd.Series[bool]":
    """Return which rows can be in `source`.

    Raises
    ------
    DataError
        If most cannot, because then it is not their CRS.
    """
    bounds = frame.bounds
    inside = in_degrees(bounds)
    if source.is_geographic:
        if inside.mean() >= MOST:
            return inside
        swapped = in_degrees(_swapped(bounds))
        key = "tables.swapped" if (swapped & ~inside).mean() > MOST else "tables.not_degrees"
        raise _coordinate_error(key, frame[~inside], path, crs=source.name)
    west, south, east, north = frame.total_bounds
    if inside.all() and max(east - west, north - south) < _CITY_DEGREES:
        raise _coordinate_error("tables.not_metres", frame, path, crs=source.name)
    x, y = _centres(frame)
    fits = _where_it_is_used(x, y, source)
    if fits.mean() < MOST:
        key = "tables.swapped" if _where_it_is_used(y, x, source).mean() > MOST else "tables.not_this_crs"
        raise _coordinate_error(key, frame[~fits], path, crs=source.name)
    return pd.Series(fits, index=frame.index)


def refuse_swapped(
    frame: gpd.GeoDataFrame, source: CRS, crs: CRS, area: shapely.Polygon | shapely.MultiPolygon, path: Path
) -> None:
    """Refuse rows none of which lies near `area` (in `crs`), while most would with x and y exchanged.

    Raises
    ------
    DataError
        If so.
    """
    x, y = _centres(frame)
    to_city = Transformer.from_crs(source, crs, always_xy=True)
    west, south, east, north = area.bounds
    margin = max(east - west, north - south, _NEAR_M)

    def near(x: "pd.Series[float]", y: "pd.Series[float]") -> "pd.Series[bool]":
        there_x, there_y = map(pd.Series, to_city.transform(x.to_numpy(), y.to_numpy()))
        return there_x.between(west - margin, east + margin) & there_y.between(south - margin, north + margin)

    if not near(x, y).any() and near(y, x).mean() >= MOST:
        raise _coordinate_error("tables.swapped", frame, path)


def refuse_antimeridian(frame: gpd.GeoDataFrame, source: CRS, path: Path) -> None:
    """Refuse areas in degrees on both sides of the 180th meridian, or of two ends of the world.

    Raises
    ------
    DataError
        If so.
    """
    west, _, east, _ = frame.total_bounds
    if source.is_geographic and east - west > _HALF_TURN:
        raise DataError("tables.antimeridian", path=path, west=f"{west:.4f}", east=f"{east:.4f}")


def in_degrees(bounds: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows of `GeoDataFrame.bounds` are possible longitudes and latitudes."""
    longitude = (bounds["minx"] >= -180) & (bounds["maxx"] <= 180)  # noqa: PLR2004 - degrees
    return longitude & (bounds["miny"] >= -90) & (bounds["maxy"] <= 90)  # noqa: PLR2004 - degrees


def _where_it_is_used(x: "pd.Series[float]", y: "pd.Series[float]", source: CRS) -> Flags:
    """Return which places lie in the part of the world that `source` is made for, or not far from it."""
    lon, lat = Transformer.from_crs(source, WGS84, always_xy=True).transform(x.to_numpy(), y.to_numpy())
    fits: Flags = np.isfinite(lon) & np.isfinite(lat)
    if (used := source.area_of_use) is not None:
        fits &= (lat > used.south - _OUTSIDE_DEGREES) & (lat < used.north + _OUTSIDE_DEGREES)
        # Counted eastwards from its western edge: an area may cross the 180th meridian.
        width = used.east - used.west + (360 if used.east < used.west else 0)
        fits &= (np.where(fits, lon, 0) - used.west + _OUTSIDE_DEGREES) % 360 < width + 2 * _OUTSIDE_DEGREES
    return fits


def _swapped(bounds: pd.DataFrame) -> pd.DataFrame:
    return bounds.set_axis(["miny", "minx", "maxy", "maxx"], axis=1)


def _coordinate_error(key: str, frame: gpd.GeoDataFrame, path: Path, **values: object) -> DataError:
    """Return the error `key` with the first row of `frame` as its example."""
    x, y = (f"{centre.iloc[0]:.10g}" for centre in _centres(frame))
    return DataError(key, path=path, row=frame.index[0], x=x, y=y, **values)


def _centres(frame: gpd.GeoDataFrame) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Return x and y of the middle of each row's bounds: safe on geometry that is not valid yet."""
    bounds = frame.bounds
    return (bounds["minx"] + bounds["maxx"]) / 2, (bounds["miny"] + bounds["maxy"]) / 2
