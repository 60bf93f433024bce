"""What does a standard say that extends another?"""

from collections.abc import Mapping
from typing import Any

from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError

LIMIT_KEYS = ("minutes", "metres", "limits")
_ONE_ANSWER = (
    (
        LIMIT_KEYS,
        ("minutes_source", "minutes_grade", "limit_source", "limit_grade", "unmeasured"),
    ),
    (("pace", "pace_mps"), ("pace_source", "pace_grade")),
    (("kind", "kinds"), ()),
    (("spacing_m",), ("spacing_source", "spacing_grade")),
)
"""Keys that answer one question: who gives one of the first replaces them all, with what belongs to them."""
_Values = Mapping[str, Any]


def over(own: Table, base: Table) -> dict[str, Any]:
    """Return the keys of a standard laid over those of the standard that it extends.

    Services and tiers are laid over each other by their ids, figures are replaced by theirs, new ones come
    last, and services that the standard names in ``without`` are dropped. No number gets the source or the
    grade of another: limits, paces and figures that are overridden take theirs with them, and what stays
    says the source that it had.

    Parameters
    ----------
    own
        What the file of the standard says.
    base
        A whole standard that can be read.
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
    replaced = {
        key
        for answers, more in _ONE_ANSWER
        if any(answer in above for answer in answers)
        for key in (*answers, *more)
    }
    laid = {key: value for key, value in beneath.items() if key not in replaced} | dict(above)
    for key in ("services", "tiers", "figures"):
        if isinstance(below := beneath.get(key), list) and isinstance(on_top := above.get(key), list):
            laid[key] = _laid_by_id(below, on_top, whole=key == "figures")
    return laid


def _laid_by_id(beneath: list[Any], above: list[Any], *, whole: bool) -> list[Any]:
    """Return one list laid over another: each of its parts key by key, or as a whole."""
    ids = [_id(one) for one in beneath]
    laid = list(beneath)
    for one in above:
        if isinstance(one, dict) and _id(one) in ids:
            row = ids.index(_id(one))
            laid[row] = one if whole else _laid(laid[row], one)
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

    rest = {
        key: value for key, value in values.items() if key != "source"
    }  # that of the numbers above is not
    return {
        **limits(figures(rest), "minutes_source"),
        "services": [limits(figures(one), "limit_source") for one in values.get("services", ())],
        "tiers": [figures(one) for one in values.get("tiers", ())],
    }
