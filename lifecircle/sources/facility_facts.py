"""What do a list or a map say of a facility beside where and what it is: how much it offers, and to whom?"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.errors import DataError
from lifecircle.kinds import CAPACITIES
from lifecircle.sources.cell_values import to_numbers, to_text
from lifecircle.sources.columns import find_column, table_words
from lifecircle.sources.notes import Note, note_rows, note_values

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

CLASSES = "classes"
ROOM = "capacity"
"""A column of room without its kind; and the column of facilities that says how much each offers."""
FROM = "capacity_from"
"""The column of facilities that says which column of the list told: of `CAPACITIES`, `ROOM` or `CLASSES`."""
SIZES = ("floor_m2", "area_m2", "beds", CLASSES)
"""Columns of facilities that a standard may ask a least size of."""
_AMOUNT_TAGS = {ROOM: ("capacity",), "beds": ("beds", "capacity:beds")}
_PLAIN = re.compile(r"[1-9][0-9]{0,5}")
_READ = tuple(dict.fromkeys([*CAPACITIES, CLASSES, ROOM, *SIZES]))


def amounts_of(frame: gpd.GeoDataFrame, path: Path, notes: list[Note]) -> pd.DataFrame:
    """Return the amounts that a list gives of its facilities, one column for each of those it has.

    Parameters
    ----------
    frame
        Its rows.
    path
        Named in errors and notes.
    notes
        Takes the rows whose cells are no numbers; an empty cell is just not known.

    Returns
    -------
    DataFrame
        Index of `frame`; NaN where an amount is missing.

    Raises
    ------
    DataError
        If an amount is negative.
    """
    found = {field: find_column(frame.columns, field) for field in _READ}
    columns = {}
    for field, column in found.items():
        if column is None:
            continue
        amounts = to_numbers(frame[column])
        if (amounts < 0).any():
            row = amounts.index[amounts < 0][0]
            raise DataError("tables.negative", path=path, column=column, row=row, value=f"{amounts[row]:g}")
        note_rows(
            notes, "rows_bad_capacity", path, amounts.isna() & (to_text(frame[column]) != ""), about=column
        )
        columns[field] = amounts
    return pd.DataFrame(columns, index=frame.index)


def amounts_of_tags(
    ids: Sequence[str], tags: Sequence[Mapping[str, str]], path: Path, notes: list[Note]
) -> pd.DataFrame:
    """Return the room and the beds that OpenStreetMap's tags give: columns capacity and beds.

    Only a plain whole number above 0 counts (OpenStreetMap wiki, *Key:capacity* and *Key:beds*): ``yes``,
    ``20-30`` or ``0`` stay missing, and are noted.

    Parameters
    ----------
    ids, tags
        Of the elements.
    path
        Named in notes.
    notes
        Takes the values that are no such number.

    Returns
    -------
    DataFrame
        One row per element; NaN where an amount is missing.
    """
    amounts, bad = {}, dict[str, None]()
    for field, keys in _AMOUNT_TAGS.items():
        texts = [_tag(one, keys) for one in tags]
        plain = [_PLAIN.fullmatch(text) is not None for text in texts]
        amounts[field] = np.array(
            [float(text) if good else np.nan for text, good in zip(texts, plain, strict=True)]
        )
        rows = zip(ids, texts, plain, strict=True)
        bad |= {f"{one} {text}": None for one, text, good in rows if text and not good}
    note_values(notes, "rows_bad_capacity", path, bad)
    return pd.DataFrame(amounts)


def _tag(tags: Mapping[str, str], keys: Sequence[str]) -> str:
    """Return the value of the first of the keys that an element has, else ``""``."""
    return next((tags[key].strip() for key in keys if key in tags), "")


def with_capacity(
    facilities: gpd.GeoDataFrame, services: Sequence["Requirement"], path: Path, notes: list[Note]
) -> gpd.GeoDataFrame:
    """Return facilities with what each offers for its service: columns capacity and capacity_from.

    Parameters
    ----------
    facilities
        One row per site and service, with the columns of `amounts_of` and site, which is the same for the
        rows of one site. Where two services of a site would count the same amount, neither is known: the list
        does not say how it is shared.
    services
        Their services; the kinds of each say which amounts count for it.
    path
        Named in notes.
    notes
        Takes the sites whose places were reckoned from classes, and those whose amounts are shared.

    Returns
    -------
    GeoDataFrame
        Without the columns that count for no least size; without capacity where no row has any.
    """
    amount = pd.Series(np.nan, index=facilities.index)
    source = pd.Series("", index=facilities.index, dtype=object)
    for service in services:
        rows = facilities["service"] == service.id
        for field, factor in _counting(service):
            if field in facilities:
                known = rows & amount.isna() & facilities[field].notna()
                amount[known], source[known] = factor * facilities.loc[known, field], field
    shared = source.ne("") & facilities.assign(source=source).duplicated(["site", "source"], keep=False)
    note_values(notes, "rows_capacity_shared", path, facilities.loc[shared, "name"].unique())
    amount[shared], source[shared] = np.nan, ""
    for service in services:
        rows = (source == CLASSES) & (facilities["service"] == service.id)
        about = f"× {dict(_counting(service)).get(CLASSES, 0.0):g}"
        note_values(notes, "places_from_classes", path, facilities.loc[rows, "name"], about=about)
    kept = [column for column in facilities if column not in {*_READ, "site"} or column in SIZES]
    told = {ROOM: amount, FROM: source} if amount.notna().any() else {}
    return facilities[kept].assign(**told)


def _counting(service: "Requirement") -> list[tuple[str, float]]:
    """Return which amounts count for a service, the first first, and how much one of each is worth."""
    fields = [(field, 1.0) for field in service.capacity]
    if service.capacity_unit in {"places", "beds"}:
        fields.append((ROOM, 1.0))
        each = next((kind.places_per_class for kind in service.kinds if kind.places_per_class > 0), 0.0)
        fields += [(CLASSES, each)] if each else []
    return fields


def not_open(frame: gpd.GeoDataFrame) -> "pd.Series[bool]":
    """Return which facilities a list calls not open to all; those of which it says nothing are."""
    column = find_column(frame.columns, "open_to_all")
    if column is None:
        return pd.Series(data=False, index=frame.index)
    told, rules = to_text(frame[column]).str.casefold(), table_words()["not_open"]
    return told.isin(rules["words"]) | told.str.startswith(tuple(rules["beginnings"]))
