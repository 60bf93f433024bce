"""What does a standard's TOML file say?

Limits flow from the top of the file down: ``minutes`` there, with ``minutes_source`` and ``minutes_grade``,
hold for every service that gives none. A service that differs gives ``minutes = [..]`` or ``metres = [..]``
with ``limit_source`` and ``limit_grade``; or ``limits``, where each number has its own source. A service with
``unmeasured = true``, or for which no limit is found, is listed and not measured. One with ``spacing_m`` (and
``spacing_source``, ``spacing_grade``) stands every so many metres along streets; limits of walks are only
those that it gives itself.

A service says ``kind = ".."`` or ``kinds = [..]`` of ``catalog/kinds`` and takes over name, colour, ages,
pace and direction of the first, or brings osm tags and keywords of its own. ``extends`` takes over another
standard, of which services, tiers and figures are overridden by their ids, the rest by its keys.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from lifecircle.catalog.kind_files import Pace, load_kinds, load_paces, read_kind, read_marks, read_pace
from lifecircle.catalog.standard_base import LIMIT_KEYS, over
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import Kind
from lifecircle.requirement import Figure, Requirement, Spacing, Tier
from lifecircle.standard import EVERYBODY, Limit, Service, Standard, Target, Walker

_CATALOG = Path(__file__).parent
_FOLDER = _CATALOG / "standards"


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
    return read_standard(_whole(_file_of(id_or_path)))


def _whole(file: Path, *above: Path) -> Table:
    """Return what a standard's file says together with the standards that it extends."""
    table = Table.read(file)
    if "extends" not in table:
        return table
    base = _file_of(table.text("extends"), file.parent)
    if base.resolve() in [path.resolve() for path in (file, *above)]:
        raise DataError("catalog.extends_itself", file=file, value=table.text("extends"))
    beneath = _whole(base, file, *above)
    read_standard(Table(beneath.file, beneath.values))  # what is wrong there is said of that file
    return Table(file, over(table, beneath))


def _file_of(id_or_path: str | PathLike[str], beside: Path = Path()) -> Path:
    """Return the file of a standard; a path is taken from the folder `beside`."""
    if not isinstance(id_or_path, str) or id_or_path.endswith(".toml"):
        return beside / id_or_path
    known = list_standards()
    if id_or_path not in known:
        raise UnknownNameError("catalog.unknown_standard", value=id_or_path, known=", ".join(known))
    return _FOLDER / f"{id_or_path}.toml"


def read_standard(table: Table) -> Standard:
    """Return the standard that a table describes; errors as for `load_standard`."""
    with _naming(str(table.file)):
        name, source = table.text("id"), table.text("source", "")
        with _naming(name):
            default = _limits(table, "minutes_source", "minutes_grade", source)
        asked = [
            _service(table.as_table(f"{key}[{number}]", value), default, source)
            for key in ("services", "unmeasured")
            for number, value in enumerate(table.items(key, ()), start=1)
        ]
        standard = Standard(
            id=name,
            name=table.names("name"),
            services=tuple(one for one in asked if isinstance(one, Service)),
            source=source,
            unmeasured=tuple(one for one in asked if not isinstance(one, Service)),
            tiers=tuple(
                _tier(table.as_table(f"tiers[{number}]", value), source)
                for number, value in enumerate(table.items("tiers", ()), start=1)
            ),
            figures=_figures(table, source),
            notes=tuple(
                table.as_table(f"notes[{number}]", value).all_names()
                for number, value in enumerate(table.items("notes", ()), start=1)
            ),
            target=read_target(table) or EVERYBODY,
        )
    table.close()
    return standard


def read_target(table: Table) -> Target | None:
    """Return how much of a community a standard, or a city, wants covered; None where it does not say.

    Raises
    ------
    DataError
        If something in it is missing, misspelt or cannot be used.
    """
    if "target" not in table:
        return None
    said = table.table("target")
    target = Target(said.number("share"), said.text("source"), said.text("grade"))
    said.close()
    return target


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


def _limits(table: Table, source_key: str, grade_key: str, source: str) -> tuple[Limit, ...]:
    """Return the limits that a table gives, empty where it gives none."""
    given = [key for key in LIMIT_KEYS if key in table]
    if len(given) > 1:
        raise DataError("catalog.two_limits", where=given[0], other=given[1])
    if given == ["limits"]:
        return tuple(_limit(table.as_table("limits", value), source) for value in table.items("limits"))
    if not given:
        return ()
    unit = {"minutes": "min", "metres": "m"}[given[0]]
    source, grade = table.text(source_key, source or None), table.text(grade_key)
    return tuple(Limit(value, unit, source, grade) for value in table.numbers(given[0]))


def _limit(table: Table, source: str) -> Limit:
    limit = Limit(
        table.number("value"), table.text("unit"), table.text("source", source or None), table.text("grade")
    )
    table.close()
    return limit


def _spacing(table: Table, source: str) -> Spacing | None:
    """Return the spacing that a service gives: three keys, or in the record of a run one table."""
    if "spacing" in table:
        given = table.table("spacing")
        spacing = Spacing(given.number("metres"), given.text("source"), given.text("grade"))
        given.close()
        return spacing
    if "spacing_m" not in table:
        return None
    return Spacing(
        table.number("spacing_m"), table.text("spacing_source", source or None), table.text("spacing_grade")
    )


def _service(table: Table, default: tuple[Limit, ...], source: str) -> Service | Requirement:
    """Return a service; `default` are its limits where it gives none."""
    kinds = _kinds(table, "kinds")
    plain = kinds[0] if kinds else None
    service_id = table.text("id", plain.id if plain else None)
    name = table.names("name") if plain is None or "name" in table else dict(plain.name)
    kinds = _with_marks(kinds, table, service_id, name)
    with _naming(service_id):
        limits, spacing = _limits(table, "limit_source", "limit_grade", source), _spacing(table, source)
        limits = limits or (() if spacing else default)
    asked = Requirement(
        id=service_id,
        name=name,
        kinds=kinds,
        optional_kinds=_kinds(table, "optional_kinds"),
        required=table.flag("required", default=True),
        tier=table.text("tier", ""),
        ages=table.text("ages", plain.ages if plain else "all"),
        figures=_figures(table, source),
        spacing=spacing,
    )
    pace = read_pace(table)
    if pace is None:
        pace = Pace(plain.pace_mps, plain.pace_source, plain.pace_grade) if plain else load_paces()["adult"]
    color = table.text("color", plain.color if plain else Kind.color)
    walker = _walker(table.table("walker")) if "walker" in table else Walker()
    direction = table.text("direction", plain.direction if plain else Kind.direction)
    unmeasured = table.flag("unmeasured", default=False)
    table.close()
    if unmeasured or not limits:
        return asked
    return Service(
        **{field.name: getattr(asked, field.name) for field in dataclasses.fields(asked)},
        pace_mps=pace.mps,
        pace_source=pace.source,
        pace_grade=pace.grade,
        limits=limits,
        color=color,
        walker=walker,
        direction=direction,
    )


def _kinds(table: Table, key: str) -> tuple[Kind, ...]:
    """Return the kinds that a service names or, in the record of a run, spells out."""
    named = [table.text("kind")] if key == "kinds" and "kind" in table else table.items(key, ())
    return tuple(
        read_kind(table.as_table(at, value))
        if isinstance(value, dict)
        else table.named(at, value, load_kinds())
        for at, value in ((f"{key}[{number}]", value) for number, value in enumerate(named, start=1))
    )


def _with_marks(
    kinds: tuple[Kind, ...], table: Table, service_id: str, name: dict[str, str]
) -> tuple[Kind, ...]:
    """Return the kinds with the tags, codes and words that a service brings for the first of them."""
    marks = read_marks(table)
    if not marks:
        return kinds
    first = dataclasses.replace(kinds[0], **marks) if kinds else Kind(service_id, name, **marks)
    return (first, *kinds[1:])


def _tier(table: Table, source: str) -> Tier:
    tier = Tier(table.text("id"), table.names("name"), _figures(table, source))
    table.close()
    return tier


def _figures(table: Table, source: str) -> tuple[Figure, ...]:
    return tuple(
        _figure(table.as_table(f"figures[{number}]", value), source)
        for number, value in enumerate(table.items("figures", ()), start=1)
    )


@functools.cache
def _figure_names() -> dict[str, dict[str, str]]:
    tables = Table.read(_CATALOG / "figures.toml").tables()
    return {figure_id: table.all_names() for figure_id, table in tables.items()}


def _figure(table: Table, source: str) -> Figure:
    """Return a figure; its name may be one of ``catalog/figures.toml``, and a single number needs no list."""
    figure_id = table.text("id")
    named = "name" in table
    figure = Figure(
        id=figure_id,
        name=table.names("name") if named else table.named("id", figure_id, _figure_names()),
        value=table.number_or_numbers("value") if "value" in table else (),
        source=table.text("source", source or None),
        grade=table.text("grade"),
        text=table.text("text", ""),
    )
    table.close()
    return figure


def _walker(table: Table) -> Walker:
    plain = Walker()
    walker = Walker(
        steps_factor=table.number("steps_factor") if "steps_factor" in table else plain.steps_factor,
        avoid=table.texts("avoid"),
        max_slope=table.number("max_slope") if "max_slope" in table else plain.max_slope,
    )
    table.close()
    return walker
