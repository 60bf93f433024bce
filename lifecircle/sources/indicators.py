"""Which indicators, with which targets and values, does this table of a city's hold?"""

from pathlib import Path

import pandas as pd

from lifecircle.errors import DataError
from lifecircle.sources.cell_values import to_text
from lifecircle.sources.columns import find_column
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.tables import read_table

FIELDS = ("indicator", "target", "value", "unit", "basis")


def read_indicators(path: Path, *, limits: Limits = LIMITS) -> pd.DataFrame:
    """Read a table of indicators: the 33 of Zhejiang's future communities, or a city's own.

    Parameters
    ----------
    path
        CSV or XLSX with a column of indicators (指标) and one of targets (目标值); perhaps of values
        (现状值), units (单位) and sources (依据).
    limits
        How large it may be.

    Returns
    -------
    DataFrame
        `FIELDS` as texts in the order of the file; ``""`` where a cell is empty or the column is missing.

    Raises
    ------
    FileError
        If there is no such file or it cannot be read.
    DataError
        If it is no such table, or has no column of indicators or of targets.
    """
    table = read_table(path, notes=[], limits=limits)
    found = {field: find_column(table.columns, field) for field in FIELDS}
    if found["indicator"] is None or found["target"] is None:
        raise DataError("checklist.no_columns", path=path, columns=", ".join(map(str, table.columns)))
    empty = pd.Series("", index=table.index)
    texts = {field: empty if column is None else to_text(table[column]) for field, column in found.items()}
    frame = pd.DataFrame(texts)
    return frame[frame["indicator"] != ""].reset_index(drop=True)
