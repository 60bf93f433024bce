"""Which plots and buildings could take a facility (闲置用地, 公房, 腾退地), by the planner's list?"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from lifecircle.catalog import LayerFile
from lifecircle.doors import DOORS, doors_of_outlines
from lifecircle.errors import DataError
from lifecircle.network import WalkNetwork
from lifecircle.sources.cell_values import to_numbers, to_text
from lifecircle.sources.columns import find_column
from lifecircle.sources.features import read_features
from lifecircle.sources.notes import Note
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.service_words import FacilityWords

_UNITS_M2 = {"亩": 2000 / 3, "公顷": 10_000.0, "ha": 10_000.0}
"""What stands in the heading of a column of areas that are not in square metres."""

_YUAN = {"亿元": 1e8, "万元": 1e4, "元": 1.0}
"""The same for costs; the longest that is there counts."""


def read_candidates(
    path: Path | LayerFile,
    *,
    crs: CRS,
    network: WalkNetwork | None = None,
    cost_unit: str = "",
    limits: Limits = LIMITS,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Read where a facility could stand.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile, CSV or XLSX: points, or polygons of plots and buildings; perhaps with
        what is known of the file, such as its datum.
    crs
        Of the result.
    network
        Streets: a polygon is entered where its outline meets one.
    cost_unit
        Where this is a unit of the yuan and the heading of the costs names another, they are turned to it.
    limits
        How large the file may be, and which share of its rows may be left out.

    Returns
    -------
    candidates
        name, kind (what is there, such as 闲置用地 or 公房, as the file words it), facility_kind (id of the
        kind of facility that says, "" where none), cost (in the unit of the
        file or `cost_unit`), area_m2 and capacity (NaN where the file does not say; a polygon has its own
        area where there is no such column), geometry (points), doors where `network` is given.
    notes
        What was left out or repaired: item, count, detail.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If it is not what it says, no row has a place, or an amount is negative or no number.
    """
    notes: list[Note] = []
    file = LayerFile.of(path)
    path = file.path
    frame = read_features(file, notes, crs=crs, limits=limits)
    name = find_column(frame.columns, "name")
    kind = find_column(frame.columns, "site_kind") or find_column(frame.columns, "type")
    amounts = {field: _amounts(frame, field, path) for field in ("cost", "area_m2", "capacity")}
    for field in ("places", "nursery_places", "beds"):
        amounts["capacity"] = amounts["capacity"].fillna(_amounts(frame, field, path))
    area = find_column(frame.columns, "area_m2")
    if area is None:
        amounts["area_m2"] = frame.area.where(frame.area > 0)
    else:
        amounts["area_m2"] *= next((size for unit, size in _UNITS_M2.items() if unit in area), 1.0)
    amounts["cost"] *= _yuan_in(find_column(frame.columns, "cost") or "", cost_unit)
    kinds = [""] * len(frame) if kind is None else to_text(frame[kind]).tolist()
    words = FacilityWords(())
    columns: dict[str, object] = {
        "name": "" if name is None else to_text(frame[name]).to_numpy(),
        "kind": np.array(kinds, dtype=object),
        "facility_kind": np.array([words.kind_in(one) for one in kinds], dtype=object),
        **{field: values.to_numpy() for field, values in amounts.items()},
    }
    if network is not None:
        columns[DOORS] = doors_of_outlines(network, frame.geometry.to_numpy())
    points = frame.representative_point().to_numpy()
    table = pd.DataFrame(notes, columns=["item", "count", "detail"])
    return gpd.GeoDataFrame(columns, geometry=points, crs=crs), table


def _yuan_in(heading: str, cost_unit: str) -> float:
    """Return how many units a cost of 1 is by its heading; 1 where one of both names no unit of the yuan."""
    said = next((size for unit, size in _YUAN.items() if unit in heading), None)
    asked = next((size for unit, size in _YUAN.items() if unit in cost_unit), None)
    return said / asked if said and asked else 1.0


def _amounts(frame: gpd.GeoDataFrame, field: str, path: Path) -> "pd.Series[float]":
    """Return a column of amounts, NaN where it is empty or missing."""
    column = find_column(frame.columns, field)
    if column is None:
        return pd.Series(np.nan, index=frame.index)
    texts, amounts = to_text(frame[column]), to_numbers(frame[column])
    wrong = (amounts.isna() & (texts != "")) | (amounts < 0)
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise DataError(
            "siting.bad_amount", path=path, row=frame.index[at], column=column, value=texts.iloc[at]
        )
    return amounts
