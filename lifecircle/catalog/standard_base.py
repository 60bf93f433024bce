"""What does a standard say that extends another?"""

from collections.abc import Mapping
from typing import Any

from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError

LIMIT_KEYS = ("minutes", "metres", "limits")
_SOURCES_OF_LIMITS = ("minutes_source", "minutes_grade", "limit_source", "limit_grade")
_LISTS = ("services", "tiers", "figures")
_Values = Mapping[str, Any]


def over(own: Table, base: Table) -> dict[str, Any]:
    """Return the keys of a standard laid over those of the standard that it extends.

    Services, tiers and figures are laid over each other by their ids, new ones come last, and services that
    the standard names in ``without`` are dropped. A number keeps its own source and grade: limits that are
    overridden take theirs with them, and what stays says the source that it had.
    """
    dropped = own.texts("without")
    beneath = _with_sources(base.values)
    services = {_id(one): one for one in beneath["services"]}
    for name in dropped:
        if name not in services:
            raise DataError(
                "catalog.nothing_to_drop", file=own.file, value=name, known=", ".join(map(str, services))
            )
    beneath["services"] = [one for name, one in services.items() if name not in dropped]
    return _laid(beneath, {key: own.values[key] for key in own.values if key not in ("extends", "without")})


def _laid(beneath: _Values, above: _Values) -> dict[str, Any]:
    """Return one table laid over another."""
    replaced = (*LIMIT_KEYS, *_SOURCES_OF_LIMITS) if any(key in above for key in LIMIT_KEYS) else ()
    laid = {key: value for key, value in beneath.items() if key not in replaced} | dict(above)
    for key in _LISTS:
        if isinstance(below := beneath.get(key), list) and isinstance(on_top := above.get(key), list):
            laid[key] = _laid_by_id(below, on_top)
    return laid


def _laid_by_id(beneath: list[Any], above: list[Any]) -> list[Any]:
    ids = [_id(one) for one in beneath]
    laid = list(beneath)
    for one in above:
        if isinstance(one, dict) and _id(one) in ids:
            row = ids.index(_id(one))
            laid[row] = _laid(laid[row], one)
        else:
            laid.append(one)  # what is no table is refused where it is read
    return laid


def _id(values: _Values) -> object:
    """Return the id of a service, tier or figure; a service of one kind may be called by that."""
    return values.get("id", values.get("kind"))


def _with_sources(values: _Values) -> dict[str, Any]:
    """Return a standard that can be read, with its source beside every number that names none."""
    source = {"source": values["source"]} if "source" in values else {}

    def figures(table: _Values) -> dict[str, Any]:
        return {
            **table,
            **({"figures": [source | one for one in table["figures"]]} if "figures" in table else {}),
        }

    def limits(table: _Values, key: str) -> dict[str, Any]:
        said = {"limits": [source | one for one in table["limits"]]} if "limits" in table else {}
        plain = {key: values["source"]} if source and any(one in table for one in LIMIT_KEYS[:2]) else {}
        return {**plain, **table, **said}

    return {
        **limits(figures(values), "minutes_source"),
        "services": [limits(figures(one), "limit_source") for one in values.get("services", ())],
        "tiers": [figures(one) for one in values.get("tiers", ())],
    }
