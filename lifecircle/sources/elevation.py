"""How hilly is each street, by a digital elevation model?"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj
import shapely

from lifecircle.costs import Relief, tobler_factor
from lifecircle.errors import DataError, FileError
from lifecircle.network import WalkNetwork
from lifecircle.sources.opening import LIMITS, Limits, check_raster
from lifecircle.streets import Floats, Ints
from lifecircle.walkable import Trait

if TYPE_CHECKING:
    from rasterio import DatasetReader

_DEGREE_M = 111_320.0
_FINEST_M = 1.0
"""Between steps along a street: a slope of less is a kerb."""
_LEAST_KNOWN = 0.5
"""Share of the four cells around a point that must hold a height, weighted by nearness."""


class _Place(NamedTuple):
    """Which file a model is, the CRS of points in it, and how much of it may be read."""

    path: Path
    crs: pyproj.CRS
    limits: Limits


class _Steps(NamedTuple):
    """Points along every street, about a cell of the model apart."""

    street: Ints
    at_m: Floats


def read_relief(
    path: str | Path, network: WalkNetwork, *, limits: Limits = LIMITS
) -> tuple[Relief, dict[str, int]]:
    """Return how hilly the streets of a network are, and counts for the table of data quality.

    Heights are read along each street about every cell of the model, between cells bilinearly. Where it holds
    no height (the sea, a hole) a street is level. A bridge or tunnel runs straight from end to end.

    Parameters
    ----------
    path
        GeoTIFF with heights in metres and a CRS.
    network
        Streets.
    limits
        How many cells there may be around the streets.

    Returns
    -------
    Relief
    dict
        How many streets lie wholly, and how many partly, where the model holds no height.

    Raises
    ------
    FileError
        If there is no such file.
    DataError
        If it is no raster, has no CRS, holds no height anywhere along the streets, or exceeds `limits`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("elevation.missing", path=path)
    import rasterio  # noqa: PLC0415  a compiled reader that only this function needs

    try:
        with rasterio.open(path, driver="GTiff") as model:
            if model.crs is None or not (model.crs.is_geographic or model.crs.is_projected):
                raise DataError("elevation.no_crs", path=path)
            check_raster(model, 0, path, limits)
            steps = _steps(network.street_m, max(_cell_m(model), _FINEST_M))
            points = shapely.line_interpolate_point(network.lines[steps.street], steps.at_m)
            place = _Place(path, network.crs, limits)
            height = _heights(model, place, shapely.get_coordinates(points))
    except pyproj.exceptions.ProjError as error:
        raise DataError("elevation.no_crs", path=path) from error
    except rasterio.errors.RasterioError as error:
        raise DataError("elevation.not_a_raster", path=path, cause=error) from error
    if np.isnan(height).all():
        raise DataError("elevation.elsewhere", path=path)
    return _relief(network, steps, height)


def _relief(network: WalkNetwork, steps: _Steps, height: Floats) -> tuple[Relief, dict[str, int]]:
    """Return the costs that follow from heights at the steps."""
    lifted = (network.traits[steps.street] & Trait.OFF_GROUND) != 0
    height = np.where(lifted, _straight(network.street_m, steps, height), height)
    inside = steps.street[1:] == steps.street[:-1]
    street, run = steps.street[:-1][inside], np.diff(steps.at_m)[inside]
    slope = np.divide(np.diff(height)[inside], run, out=np.zeros(len(run)), where=run > 0)
    unknown, slope = np.isnan(slope), np.nan_to_num(slope)
    count = len(network.street_m)
    length = np.bincount(street, weights=run, minlength=count)

    def mean(values: Floats) -> Floats:
        total = np.bincount(street, weights=values * run, minlength=count)
        return np.divide(total, length, out=np.ones(count), where=length > 0)

    steepest = np.zeros(count)
    np.maximum.at(steepest, street, np.abs(slope))
    share = mean(unknown.astype(np.float64))
    counts = {
        "elevation.streets_without": int((share[length > 0] == 1).sum()),
        "elevation.streets_partly": int(((share > 0) & (share < 1)).sum()),
    }
    return Relief(mean(tobler_factor(slope)), mean(tobler_factor(-slope)), steepest), counts


def _cell_m(model: "DatasetReader") -> float:
    """Return the side of the model's cells, metres."""
    side = max(model.res)
    if not model.crs.is_geographic:
        return float(side * model.crs.linear_units_factor[1])
    return float(side * _DEGREE_M)


def _steps(street_m: Floats, cell_m: float) -> _Steps:
    """Return points from end to end of each street, evenly and at most `cell_m` apart."""
    pieces = np.maximum(np.ceil(street_m / cell_m), 1).astype(np.int64)
    street = np.repeat(np.arange(len(street_m)), pieces + 1)
    number = np.arange(len(street)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    return _Steps(street, street_m[street] * number / pieces[street])


def _straight(street_m: Floats, steps: _Steps, height: Floats) -> Floats:
    """Return the height at each step of a straight line between the ends of its street."""
    first = np.searchsorted(steps.street, np.arange(len(street_m)))
    last = np.searchsorted(steps.street, np.arange(len(street_m)), side="right") - 1
    rise = height[last] - height[first]
    share = np.divide(steps.at_m, street_m[steps.street], out=np.zeros(len(height)), where=steps.at_m > 0)
    straight: Floats = height[first][steps.street] + rise[steps.street] * share
    return straight


def _heights(model: "DatasetReader", place: _Place, xy: Floats) -> Floats:
    """Return bilinear heights at points, NaN where the model holds none."""
    from rasterio.windows import Window  # noqa: PLC0415  with its library, only when heights are read
    from scipy.ndimage import map_coordinates  # noqa: PLC0415  as above

    to_model = pyproj.Transformer.from_crs(place.crs, pyproj.CRS.from_user_input(model.crs), always_xy=True)
    x, y = to_model.transform(*xy.T)
    column, row, _ = np.linalg.inv(np.reshape(model.transform, (3, 3))) @ np.array([x, y, np.ones(len(xy))])
    if not np.isfinite([column, row]).all():
        return np.full(len(xy), np.nan)
    low_x, high_x = max(int(column.min()) - 2, 0), min(int(column.max()) + 3, model.width)
    low_y, high_y = max(int(row.min()) - 2, 0), min(int(row.max()) + 3, model.height)
    if low_x >= high_x or low_y >= high_y:
        return np.full(len(xy), np.nan)
    check_raster(model, (high_x - low_x) * (high_y - low_y), place.path, place.limits)
    window = Window(low_x, low_y, high_x - low_x, high_y - low_y)
    cells = model.read(1, window=window, masked=True).astype(np.float64)
    known = ~np.ma.getmaskarray(cells) & np.isfinite(cells.filled(np.nan))
    at = np.array([row - low_y - 0.5, column - low_x - 0.5])
    weight = map_coordinates(known.astype(np.float64), at, order=1, mode="nearest")
    height = map_coordinates(np.where(known, cells.filled(0.0), 0.0), at, order=1, mode="nearest")
    outside = (column < 0) | (column > model.width) | (row < 0) | (row > model.height)
    usable = (weight >= _LEAST_KNOWN) & ~outside
    heights: Floats = np.divide(height, weight, out=np.full(len(xy), np.nan), where=usable)
    return heights
