"""What does a standard's TOML file say?

Limits flow from the top of the file down: ``minutes`` there, with ``minutes_source`` and ``minutes_grade``,
hold for every service that gives none. A service that differs gives ``minutes = [..]`` or ``metres = [..]``
with ``limit_source`` and ``limit_grade``; or ``limits``, where each number has its own source.
"""

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.standard import Limit, Service, Standard, Walker

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
    >>> [limit.label("en") for limit in load_standard("life-circle").service("clinic").limits]
    ['10 min', '15 min']
    """
    known = list_standards()
    if isinstance(id_or_path, str) and not id_or_path.endswith(".toml"):
        if id_or_path not in known:
            raise UnknownNameError("catalog.unknown_standard", value=id_or_path, known=", ".join(known))
        return read_standard(Table.read(_FOLDER / f"{id_or_path}.toml"))
    return read_standard(Table.read(Path(id_or_path)))


def read_standard(table: Table) -> Standard:
    """Return the standard that a table describes; errors as for `load_standard`."""
    with _naming(str(table.file)):
        name = table.text("id")
        with _naming(name):
            default = _limits(table, "minutes_source", "minutes_grade")
        standard = Standard(
            id=name,
            name=table.names("name"),
            services=tuple(
                _service(table.as_table(f"services[{number}]", value), default)
                for number, value in enumerate(table.items("services", ()), start=1)
            ),
        )
    table.close()
    return standard


@contextlib.contextmanager
def _naming(place: str) -> Iterator[None]:
    """Put `place` before what an error says of where it is: each type knows only itself."""
    try:
        yield
    except DataError as error:
        if "where" in error.values:
            raise DataError(
                error.key, **{**error.values, "where": f"{place}: {error.values['where']}"}
            ) from error
        raise


def _limits(table: Table, source_key: str, grade_key: str) -> tuple[Limit, ...]:
    """Return the limits that a table gives, empty where it gives none."""
    given = [key for key in ("minutes", "metres", "limits") if key in table]
    if len(given) > 1:
        raise DataError("catalog.two_limits", where=given[0], other=given[1])
    if given == ["limits"]:
        return tuple(_limit(table.as_table("limits", value)) for value in table.items("limits"))
    if not given:
        return ()
    unit = {"minutes": "min", "metres": "m"}[given[0]]
    source, grade = table.text(source_key), table.text(grade_key)
    return tuple(Limit(value, unit, source, grade) for value in table.numbers(given[0]))


def _limit(table: Table) -> Limit:
    limit = Limit(table.number("value"), table.text("unit"), table.text("source"), table.text("grade"))
    table.close()
    return limit


def _service(table: Table, default: tuple[Limit, ...]) -> Service:
    """Return a service; `default` are its limits where it gives none."""
    name = table.text("id")
    with _naming(name):
        limits = _limits(table, "limit_source", "limit_grade") or default
    service = Service(
        id=name,
        name=table.names("name"),
        pace_mps=table.number("pace_mps"),
        pace_source=table.text("pace_source"),
        pace_grade=table.text("pace_grade"),
        limits=limits,
        osm=_rules(table, "osm"),
        osm_except=_rules(table, "osm_except"),
        keywords=tuple(keyword.lower() for keyword in table.texts("keywords")),
        color=table.text("color", "#0072B2"),
        walker=_walker(table.table("walker")) if "walker" in table else Walker(),
    )
    table.close()
    return service


def _walker(table: Table) -> Walker:
    plain = Walker()
    walker = Walker(
        steps_factor=table.number("steps_factor") if "steps_factor" in table else plain.steps_factor,
        avoid=table.texts("avoid"),
        max_slope=table.number("max_slope") if "max_slope" in table else plain.max_slope,
    )
    table.close()
    return walker


def _rules(table: Table, key: str) -> tuple[dict[str, str], ...]:
    return tuple(table.as_table(key, value).all_texts() for value in table.items(key, ()))
