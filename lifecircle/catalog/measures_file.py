"""What does a planner's table of measures say (``measures.toml``)?"""

import math
from collections.abc import Collection
from pathlib import Path

from lifecircle.catalog.kind_files import load_kinds
from lifecircle.catalog.standard_file import load_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.measures import MEASURES, Creation, Measure, MeasureTable
from lifecircle.requirement import Figure
from lifecircle.standard import Standard

MEASURES_FILE = Path(__file__).parent / "measures.toml"
"""The table to fill in: which place allows what, and no cost."""
_DEADLINES = "zhejiang-future-community"
"""The standard that sets years for each way of creation."""
_SUFFIX = "类"


def load_measures(path: Path | None = None, *, services: Collection[str] = ()) -> MeasureTable:
    """Return a table of measures.

    Parameters
    ----------
    path
        The TOML file; the one without costs that lifecircle brings where None.
    services
        Ids by which costs may be told apart, besides those of all kinds of facility.

    Raises
    ------
    FileError
        If there is no such file.
    DataError
        If it is not as ``measures.toml`` has it; the message names the key and the value.
    """
    path = path or MEASURES_FILE
    table = Table.read(path)
    phases = table.table("phases")
    near, medium = phases.number("near"), phases.number("medium")
    phases.close()
    ids = {*services, *load_kinds()}
    measures = {name: _measure(table.table(name), ids) if name in table else Measure() for name in MEASURES}
    converts = {}
    if "convert_from" in table:
        entry = table.table("convert_from")
        converts = {kind: _kinds(entry, kind) for kind in entry.values}
    read = MeasureTable(
        measures, table.text("cost_unit"), converts, (near, medium), path.read_text("utf-8-sig")
    )
    table.close()
    return read


def find_creation(name: str, standard: Standard) -> Creation:
    """Return a way of creation (创建类型) with its years, by a standard or else by the province's.

    Parameters
    ----------
    name
        Such as ``"整合提升类"``, or without its last character.
    standard
        Whose figures are asked first.

    Raises
    ------
    UnknownNameError
        If neither names it; the message lists those that are named.
    """
    known: dict[str, Figure] = {}
    for one in (load_standard(_DEADLINES), standard):
        known |= {figure.id: figure for figure in one.figures if figure.id.endswith(_SUFFIX)}
    figure = known.get(name) or known.get(name + _SUFFIX)
    if figure is None:
        raise UnknownNameError("projects.unknown_creation", value=name, known=", ".join(known))
    years = figure.value[0] if figure.value else math.nan
    return Creation(figure.id, years, figure.grade, figure.source)


def _measure(table: Table, ids: Collection[str]) -> Measure:
    months = _amount(table, "months") if "months" in table else math.nan
    read = Measure(
        table.texts("sites"), _amounts(table, "cost", ids), _amounts(table, "cost_per", ids), months
    )
    table.close()
    return read


def _amounts(table: Table, key: str, ids: Collection[str]) -> dict[str, float]:
    """Return an amount, or one by service; what is empty is not there."""
    if key not in table:
        return {}
    if not isinstance(table.value(key), dict):
        amounts = {"": _amount(table, key)}
    else:
        entry = table.table(key)
        known = {one: one for one in ids}
        amounts = {entry.named(name, name, known): _amount(entry, name) for name in entry.values}
    return {name: amount for name, amount in amounts.items() if not math.isnan(amount)}


def _amount(table: Table, key: str) -> float:
    """Return a number of 0 or more, NaN where the planner left it empty."""
    if table.value(key) == "":
        return math.nan
    amount = table.number(key)
    if not 0 <= amount < math.inf:
        raise DataError("projects.bad_amount", file=table.file, field=key, value=amount)
    return amount


def _kinds(table: Table, key: str) -> tuple[str, ...]:
    """Return kinds of facility that must be known; so must the kind they are converted to."""
    known = {one: one for one in load_kinds()}
    return tuple(table.named(key, name, known) for name in (key, *table.texts(key)))[1:]
