"""Can these coordinates be in the CRS that their file declares?

What cannot be is refused with the likely cure, never mended in silence: a wrong guess would move a city.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Proj, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError, ProjError

from lifecircle.errors import DataError
from lifecircle.metric import moved
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
_NEAR_DEGREES = 0.1
_SUGGESTED = 3
_USUAL = (
    r"(China Geodetic Coordinate System 2000|CGCS2000 / 3-degree Gauss-Kruger)",
    r"CGCS2000 / Gauss-Kruger",
    r"WGS 84( / UTM zone \d+[NS])?$",
    r"Xian 1980( / |$)",
    r"Beijing 1954( / |$)",
    r".* / UTM zone",
)
"""Names of CRSs, the more usual in a planner's office the earlier; all others come after."""


class Context(NamedTuple):
    """What is known of a city when one of its files does not say its CRS."""

    crs: CRS
    """The city's."""
    area: shapely.Polygon | shapely.MultiPolygon | None
    """Where the city lies, in `crs`."""
    bare_crs: str | None
    """What its owner says of files that name none."""


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


def crs_by_range(frame: gpd.GeoDataFrame, path: Path, city: Context, *, silent: bool) -> CRS:
    """Return the CRS of a file that names none.

    That is WGS 84 for formats that keep `silent` about degrees, in either order, else what the city's owner
    says of such files.

    Raises
    ------
    DataError
        If nothing is said; the message names the likeliest.
    """
    bounds = frame.bounds
    degrees = (in_degrees(bounds) | in_degrees(_swapped(bounds))).mean() >= MOST
    if silent and degrees:
        return CRS(WGS84)
    if (named := known_crs(city.bare_crs, path)) is not None:
        return named
    likely = ", ".join(likeliest_crs(frame, city, geographic=bool(degrees))) or "–"
    if silent:
        raise _coordinate_error("tables.metres_without_crs", frame, path, likely=likely)
    box = ", ".join(f"{value:.6g}" for value in frame.total_bounds)
    raise DataError("tables.missing_crs", path=path, bounds=box, likely=likely)


def likeliest_crs(frame: gpd.GeoDataFrame, city: Context, *, geographic: bool) -> list[str]:
    """Return up to three CRSs in which these coordinates lie in the city, the most usual first.

    Parameters
    ----------
    frame
        Rows as they stand in a file that names no CRS.
    city
        Where they should lie; where its area is not known, somewhere in the area that its CRS is made for.
    geographic
        Whether they are degrees.

    Returns
    -------
    list of str
        Such as ``"EPSG:4549 (CGCS2000 / 3-degree Gauss-Kruger CM 120E)"``.
    """
    x, y = (float(np.median(centre)) for centre in _centres(frame))
    if geographic:
        lon, lat = (x, y) if abs(y) <= _HALF_TURN / 2 else (y, x)
        box = (lon, lat, lon, lat)
    elif city.area is not None:
        box = Transformer.from_crs(city.crs, WGS84, always_xy=True).transform_bounds(*city.area.bounds)
    elif city.crs.is_projected and city.crs.area_of_use is not None:
        box = city.crs.area_of_use.bounds
    else:
        return []
    kind = PJType.GEOGRAPHIC_2D_CRS if geographic else PJType.PROJECTED_CRS
    known = query_crs_info("EPSG", pj_types=kind, area_of_interest=AreaOfInterest(*box))
    named = {int(info.code): info.name for info in known}
    west, south, east, north = box
    margin = max(east - west, north - south, _NEAR_DEGREES) if city.area is not None else 0.0

    def rank(code: int) -> tuple[int, int]:
        usual = [place for place, name in enumerate(_USUAL) if re.match(name, named[code])]
        return min(usual, default=len(_USUAL)), code

    ranked = sorted(named, key=rank)

    def fitting() -> Iterator[int]:
        for code in ranked:
            try:  # on its own datum: another is metres away, and takes forty times as long
                there = Proj(code)(x, y, inverse=True)
            except ProjError:  # a few are made by methods that PROJ does not know
                continue
            if west - margin <= there[0] <= east + margin and south - margin <= there[1] <= north + margin:
                yield code

    codes = itertools.islice(ranked if geographic else fitting(), _SUGGESTED)
    return [f"EPSG:{code} ({named[code]})" for code in codes]


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
    west, south, east, north = area.bounds
    margin = max(east - west, north - south, _NEAR_M)

    def near(x: "pd.Series[float]", y: "pd.Series[float]") -> "pd.Series[bool]":
        there_x, there_y = map(pd.Series, moved(np.column_stack([x, y]), source, crs).T)
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
    lon, lat = moved(np.column_stack([x, y]), source, WGS84).T
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
