"""What text, number or places does a cell of a table hold?"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd


def to_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Return each value as `text_of` does."""
    return pd.Series([text_of(value) for value in values], index=values.index, dtype=object).astype(str)


def to_numbers(values: "pd.Series[str]") -> "pd.Series[float]":
    """Return each value as a float, NaN where it is missing, infinite or no number; ``1,200`` is 1200."""
    texts = to_text(values).map(lambda text: unicodedata.normalize("NFKC", text))
    texts = texts.str.replace(r"(?<=\d),(?=\d{3}(?:\D|$))", "", regex=True)
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    return numbers.where(np.isfinite(numbers))


def pairs_in(text: str) -> list[tuple[float, float]]:
    """Return the places that a text names.

    Examples
    --------
    >>> pairs_in("119.9012,28.45;119.91，28.46"), pairs_in("")
    ([(119.9012, 28.45), (119.91, 28.46)], [])
    """
    number = r"(-?\d{1,3}(?:\.\d{1,20})?)"
    return [(float(x), float(y)) for x, y in re.findall(rf"{number}\s{{0,3}}[,，]\s{{0,3}}{number}", text)]


def text_of(value: object) -> str:
    """Return a value as one line of text: ``""`` where it is missing, no ``.0`` after a whole number."""
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else str(int(value) if float(value).is_integer() else value)
    return " ".join(str(value).split())


def is_filled(row: Sequence[object]) -> bool:
    """Say whether a row holds anything."""
    return any(text_of(cell) for cell in row if cell is not None)
