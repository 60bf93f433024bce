"""How does a value become a file of plain arrays, and come back the same?

An npz file holds the arrays, and one of them the plan by which they are put together. It holds no code: of
classes only those that the reader names are made, and NumPy's pickles are refused.
"""

import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

_PLAN = "plan"


class NotPackedError(Exception):
    """A file is damaged or no packed value."""


def pack(value: object) -> bytes:
    """Return the npz file of a value.

    Parameters
    ----------
    value
        None, a bool, number or text; an array of numbers, texts or shapely geometries (None where missing);
        a geometry, a CRS, or a GeoDataFrame with a range as its index; a dataclass, named tuple, dict, list
        or tuple of such.

    Raises
    ------
    TypeError
        If it is something else.
    """
    arrays: list[NDArray[Any]] = []
    plan = json.dumps(_plan(value, arrays))
    columns: dict[str, Any] = {f"a{number}": array for number, array in enumerate(arrays)}
    file = io.BytesIO()
    np.savez(file, **{_PLAN: np.frombuffer(plan.encode(), dtype=np.uint8), **columns})
    return file.getvalue()


def unpack(path: Path, classes: Sequence[type]) -> Any:
    """Return the value in a file.

    Parameters
    ----------
    path
        The file.
    classes
        Dataclasses and named tuples it may hold.

    Raises
    ------
    NotPackedError
        If the file is cut short, damaged, or holds anything else.
    OSError
        If it cannot be read.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            plan = json.loads(file[_PLAN].tobytes())
            return _built(plan, file, {known.__name__: known for known in classes})
    except OSError:
        raise
    except Exception as error:  # whatever a damaged file makes of those who read it
        raise NotPackedError(path) from error


def _plan(value: Any, arrays: list[NDArray[Any]]) -> list[Any]:
    """Return how to build `value` again; its arrays are added to `arrays`."""
    if isinstance(value, gpd.GeoDataFrame):
        columns = {name: _plan(value[name].to_numpy(), arrays) for name in value.columns}
        plan = ["frame", _plan(value.crs, arrays), columns]
    elif dataclasses.is_dataclass(value) or hasattr(value, "_asdict"):
        names = getattr(value, "_fields", None) or [field.name for field in dataclasses.fields(value)]
        plan = ["made", type(value).__name__, {name: _plan(getattr(value, name), arrays) for name in names}]
    elif isinstance(value, pyproj.CRS):
        plan = ["crs", value.to_wkt()]
    elif isinstance(value, shapely.Geometry):
        plan = ["geometry", shapely.to_wkb(value, hex=True)]
    elif isinstance(value, np.ndarray):
        plan = _plan_of_array(value, arrays)
    else:
        plan = ["plain", value]  # JSON says no to anything else
    return plan


def _plan_of_array(array: NDArray[Any], arrays: list[NDArray[Any]]) -> list[Any]:
    number = len(arrays)
    if array.dtype != object:
        arrays.append(array)
        return ["array", number]
    if all(isinstance(item, str) for item in array):
        arrays.append(array.astype(np.str_))
        return ["texts", number]
    parts = [part or b"" for part in shapely.to_wkb(array)]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    arrays += [np.frombuffer(b"".join(parts), dtype=np.uint8), lengths]
    return ["shapes", number]


def _built(plan: list[Any], file: Mapping[str, NDArray[Any]], classes: Mapping[str, type]) -> Any:
    """Return what a plan of `_plan` makes of the arrays in a file."""
    value: Any
    match plan:
        case ["plain", value]:
            pass
        case ["array", number]:
            value = file[f"a{number}"]
        case ["texts", number]:
            value = file[f"a{number}"].astype(object)
        case ["shapes", number]:
            value = _shapes(file[f"a{number}"].tobytes(), file[f"a{number + 1}"])
        case ["geometry", text]:
            value = shapely.from_wkb(text)
        case ["crs", text]:
            value = pyproj.CRS.from_wkt(text)
        case ["frame", crs, columns]:
            parts = {name: _built(column, file, classes) for name, column in columns.items()}
            value = gpd.GeoDataFrame(parts, crs=_built(crs, file, classes))
        case ["made", name, fields]:
            value = classes[name](**{key: _built(part, file, classes) for key, part in fields.items()})
        case _:
            raise ValueError(plan)
    return value


def _shapes(joined: bytes, lengths: NDArray[Any]) -> NDArray[Any]:
    """Return geometries, None where there are no bytes of one."""
    ends = np.cumsum(lengths).tolist()
    parts = [joined[start:end] or None for start, end in zip([0, *ends], ends, strict=False)]
    shapes = np.empty(len(parts), dtype=object)
    shapes[:] = shapely.from_wkb(parts)
    return shapes
