"""Which kinds of facility does lifecircle know, and how fast does who walk?"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from lifecircle.catalog.toml_table import Table
from lifecircle.errors import UnknownNameError
from lifecircle.kinds import Kind

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

_CATALOG = Path(__file__).parent


class Pace(NamedTuple):
    """How fast somebody walks on level ground, where that is from, and its grade."""

    mps: float
    source: str
    grade: str
    range_mps: tuple[float, ...] = ()
    """Values met in practice, where several are."""


@functools.cache
def load_kinds() -> Mapping[str, Kind]:
    """Return the kinds of facility of ``catalog/kinds/*.toml`` by their ids, in the order of the files.

    Examples
    --------
    >>> load_kinds()["kindergarten"].typecodes
    ('141204',)
    """
    return MappingProxyType(
        {
            kind_id: read_kind(table, kind_id)
            for file in sorted((_CATALOG / "kinds").glob("*.toml"))
            for kind_id, table in Table.read(file).tables().items()
        }
    )


@functools.cache
def load_paces() -> Mapping[str, Pace]:
    """Return the paces of ``catalog/paces.toml`` by whose they are: adult, elder, child (with a carer)."""
    tables = Table.read(_CATALOG / "paces.toml").tables()
    return MappingProxyType(
        {
            walker: Pace(
                table.number("mps"),
                table.text("source"),
                table.text("grade"),
                table.numbers("range_mps") if "range_mps" in table else (),
            )
            for walker, table in tables.items()
        }
    )


def find_kind(kind_id: str) -> Kind:
    """Return the kind of that id.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists those that are known.
    """
    kinds = load_kinds()
    if kind_id not in kinds:
        raise UnknownNameError("catalog.unknown_kind", value=kind_id, known=", ".join(kinds))
    return kinds[kind_id]


def with_supplements(services: Iterable["Requirement"]) -> "tuple[Requirement, ...]":
    """Return services that count what supplements them, such as a cloud clinic (云诊室), as well.

    Examples
    --------
    >>> from lifecircle import load_standard
    >>> clinic = with_supplements(load_standard("life-circle").services)[2]
    >>> [kind.id for kind in clinic.kinds]
    ['clinic', 'health_station', 'health_centre', 'cloud_clinic']
    """
    counted = []
    for service in services:
        ids = {kind.id for kind in service.kinds}
        more = [
            kind
            for kind in load_kinds().values()
            if kind.id not in ids and not ids.isdisjoint(kind.supplements)
        ]
        counted.append(dataclasses.replace(service, kinds=(*service.kinds, *more)))
    return tuple(counted)


def read_kind(table: Table, kind_id: str | None = None) -> Kind:
    """Return the kind that a table describes, which names itself where no id is given.

    Raises
    ------
    DataError
        If something in it is missing, misspelt or cannot be used.
    """
    pace = read_pace(table) or load_paces()["adult"]
    kind = Kind(
        id=kind_id or table.text("id"),
        name=table.names("name"),
        **read_marks(table),
        ages=table.text("ages", "all"),
        scene=table.text("scene", ""),
        pace_mps=pace.mps,
        pace_source=pace.source,
        pace_grade=pace.grade,
        color=table.text("color", Kind.color),
        direction=table.text("direction", Kind.direction),
        capacity=table.texts("capacity"),
        places_per_class=table.number("places_per_class") if "places_per_class" in table else 0.0,
        place_for_each=table.flag("place_for_each", default=False),
        supplements=table.texts("supplements"),
    )
    table.close()
    return kind


def read_marks(table: Table) -> dict[str, Any]:
    """Return by what a facility is known: those fields of a `Kind` that the table has."""
    rules = {key: _rules(table, key) for key in ("osm", "osm_except")}
    words = {key: table.texts(key) for key in ("typecodes", "keywords", "name_may_say")}
    return {key: value for key, value in {**rules, **words}.items() if value}


def read_pace(table: Table) -> Pace | None:
    """Return the pace that a table names (``pace``) or states (``pace_mps`` with its source), if any."""
    if "pace" in table:
        pace: Pace = table.named("pace", table.text("pace"), load_paces())
        return pace
    if "pace_mps" in table:
        return Pace(table.number("pace_mps"), table.text("pace_source"), table.text("pace_grade"))
    return None


def _rules(table: Table, key: str) -> tuple[dict[str, str], ...]:
    return tuple(table.as_table(key, value).all_texts() for value in table.items(key, ()))
