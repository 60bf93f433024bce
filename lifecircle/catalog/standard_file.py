"""What does a standard's TOML file say?"""

import dataclasses
from os import PathLike
from pathlib import Path

from lifecircle.catalog.kind_files import Pace, load_kinds, load_paces, read_kind, read_marks, read_pace
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import Kind
from lifecircle.standard import Service, Standard, Walker

_FOLDER = Path(__file__).parent / "standards"


def list_standards() -> list[str]:
    """Return the ids of the standards that come with lifecircle, sorted."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def load_standard(id_or_path: str | PathLike[str] = "life-circle") -> Standard:
    """Return a standard by its id, or from a TOML file of your own.

    Parameters
    ----------
    id_or_path
        One of `list_standards`, or the path of a file that ends in ``.toml``.

    Returns
    -------
    Standard

    Raises
    ------
    UnknownNameError
        If there is no standard of that id.
    FileError, DataError
        If the file cannot be read, or something in it is missing, misspelt or out of range.

    Examples
    --------
    >>> load_standard("life-circle").minutes
    (10.0, 15.0)
    """
    known = list_standards()
    if isinstance(id_or_path, str) and not id_or_path.endswith(".toml"):
        if id_or_path not in known:
            raise UnknownNameError("catalog.unknown_standard", value=id_or_path, known=", ".join(known))
        return read_standard(Table.read(_FOLDER / f"{id_or_path}.toml"))
    return read_standard(Table.read(Path(id_or_path)))


def read_standard(table: Table) -> Standard:
    """Return the standard that a table describes; errors as for `load_standard`."""
    try:
        standard = Standard(
            id=table.text("id"),
            name=table.names("name"),
            minutes=table.numbers("minutes"),
            minutes_source=table.text("minutes_source"),
            minutes_grade=table.text("minutes_grade"),
            services=tuple(
                _service(table.as_table(f"services[{number}]", value))
                for number, value in enumerate(table.items("services", ()), start=1)
            ),
        )
    except DataError as error:
        if "where" in error.values:  # the types know the service, only we know the file
            where = f"{table.file}: {error.values['where']}"
            raise DataError(error.key, **{**error.values, "where": where}) from error
        raise
    table.close()
    return standard


def _service(table: Table) -> Service:
    kinds = _kinds(table)
    service_id = table.text("id", kinds[0].id if kinds else None)
    marks = read_marks(table)
    plain = kinds[0] if kinds else None
    name = table.names("name") if plain is None or "name" in table else plain.name
    if marks and kinds:
        kinds = (dataclasses.replace(kinds[0], **marks), *kinds[1:])
    elif marks:
        kinds = (Kind(service_id, name, **marks),)
    pace = read_pace(table)
    if pace is None:
        pace = Pace(plain.pace_mps, plain.pace_source, plain.pace_grade) if plain else load_paces()["adult"]
    service = Service(
        id=service_id,
        name=name,
        pace_mps=pace.mps,
        pace_source=pace.source,
        pace_grade=pace.grade,
        kinds=kinds,
        color=table.text("color", plain.color if plain else Kind.color),
        walker=_walker(table.table("walker")) if "walker" in table else Walker(),
    )
    table.close()
    return service


def _kinds(table: Table) -> tuple[Kind, ...]:
    """Return the kinds that a service names (``kind``, ``kinds``) or, in the record of a run, spells out."""
    named = [table.text("kind")] if "kind" in table else table.items("kinds", ())
    return tuple(
        read_kind(table.as_table(key, value))
        if isinstance(value, dict)
        else table.named(key, value, load_kinds())
        for key, value in ((f"kinds[{number}]", value) for number, value in enumerate(named, start=1))
    )


def _walker(table: Table) -> Walker:
    plain = Walker()
    walker = Walker(
        steps_factor=table.number("steps_factor") if "steps_factor" in table else plain.steps_factor,
        avoid=table.texts("avoid"),
        max_slope=table.number("max_slope") if "max_slope" in table else plain.max_slope,
    )
    table.close()
    return walker
