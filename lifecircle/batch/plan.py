"""Which cities are to be measured, by which standards, in which scenarios (``plan.toml``)?"""

import contextlib
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lifecircle.batch.lots import Cut
from lifecircle.batch.store import is_address
from lifecircle.batch.task import Task
from lifecircle.batch.variant import Variant, read_variant
from lifecircle.catalog import check_city_name, find_city, find_group, load_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, LifecircleError
from lifecircle.sources.memory import memory_needed

Tiles = int | Literal["auto"]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a batch measures: every city by every standard in every scenario.

    Attributes
    ----------
    cities
        Names, folders, addresses of folders, or groups such as ``"all-lishui"``.
    standards
        Ids or files.
    scenarios
        At least one; the one without a name is what the command line says.
    tiles
        ``"auto"`` where cities that do not fit into a worker's share of the memory are cut into tiles; a
        number where every one is, into so many at least; None where none is.
    file
        Where it stands, None where it was typed.
    """

    cities: tuple[str, ...]
    standards: tuple[str, ...] = ("life-circle",)
    scenarios: tuple[Variant, ...] = (Variant(id=""),)
    tiles: Tiles | None = None
    file: Path | None = None


def read_plan(file: Path) -> Plan:
    """Read a plan; paths in it are seen from its folder.

    Raises
    ------
    FileError, DataError
        If it cannot be read, or something in it is wrong.
    """
    table = Table.read(file)
    cities = tuple(_seen_from(file, city) for city in table.texts("cities"))
    standards = tuple(_seen_from(file, one) for one in table.texts("standards")) or Plan.standards
    scenarios = Plan.scenarios
    if "scenarios" in table:
        scenarios = tuple(read_variant(name, one) for name, one in table.table("scenarios").tables().items())
    tiles = _tiles(table) if "tiles" in table else None
    table.close()
    if not cities:
        raise DataError("batch.no_city", file=file)
    return Plan(cities, standards, scenarios or Plan.scenarios, tiles, file)


def tasks_of(plan: Plan, common: Task) -> list[Task]:
    """Return what is to be done, city after city.

    Parameters
    ----------
    plan
        The plan.
    common
        A task with all that every one has in common; its city and source mean nothing.

    Raises
    ------
    LifecircleError
        If a standard is not known, what a scenario says is wrong, or two units would have the same folder.
        What is wrong with a city is found when its task is done: it must not stop the others.
    """
    standards = {load_standard(one).id: _absolute(one) for one in plan.standards}
    if len(standards) < len(plan.standards):
        raise DataError("batch.twice", value=", ".join(plan.standards))
    for scenario in plan.scenarios:  # what is wrong for every city is one line, not a row of each
        _check(scenario, plan)
    if common.choices.minutes is not None:
        Variant(id="", minutes=common.choices.minutes).check(plan.standards)
    tasks = []
    for city, source, may_lack_data in _cities(plan.cities):
        for standard_id, standard in standards.items():
            for scenario in plan.scenarios:
                variant = [standard_id] * (len(standards) > 1) + [scenario.id] * bool(scenario.id)
                if len(standards) > 1:
                    check_city_name(standard_id)  # it is a folder's, and must be as harmless
                task = dataclasses.replace(
                    scenario.applied(common),
                    city=city,
                    source=source,
                    standard=standard,
                    variant="/".join(variant),
                    may_lack_data=may_lack_data,
                )
                tasks.append(task)
    return tasks


def _check(scenario: Variant, plan: Plan) -> None:
    """Refuse a scenario that no city can be measured in; say where in the plan it stands."""
    try:
        if scenario.id:
            check_city_name(scenario.id)  # it is a folder's, and must be as harmless
        scenario.check(plan.standards)
    except LifecircleError as error:
        if plan.file is None:
            raise
        field = f"scenarios.{scenario.id}"
        raise DataError("batch.in_plan", file=plan.file, field=field, cause=error) from error


def _cities(named: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return id, folder or address, and whether it is one of a group, of every city."""
    found: dict[str, tuple[str, str, bool]] = {}
    for name in named:
        members = [(place.id, True) for place in find_group(name)] or [(name, False)]
        for member, grouped in members:
            city, source = _city(member)
            if city in found and found[city][1] == source:
                continue
            if city in found:
                raise DataError("batch.twice", value=city)
            found[city] = city, source, grouped
    return [*found.values()]


def _city(name: str) -> tuple[str, str]:
    """Return id and place of a city; of one that is not found what was typed: its row will say why not."""
    if is_address(name):
        city = name.rstrip("/").rpartition("/")[2]
        check_city_name(city)
        return city, name
    try:
        files = find_city(name)
    except LifecircleError:
        city = Path(name).name
        check_city_name(city)
        return city, _absolute(name)
    check_city_name(files.id)
    return files.id, str(files.folder)


def _tiles(table: Table) -> Tiles:
    value = table.value("tiles")
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    cause = DataError("tiles.bad_number", value=value)
    raise DataError("batch.in_plan", file=table.file, field="tiles", cause=cause)


def _seen_from(file: Path, named: str) -> str:
    """Return a path of a plan as it is seen from here; names and addresses stay."""
    return str(file.parent / named) if _is_path(named) and not is_address(named) else named


def _absolute(named: str) -> str:
    return str(Path(named).resolve()) if _is_path(named) else named


def _is_path(named: str) -> bool:
    """Say whether it is a path, as `find_city` and `load_standard` tell them from names."""
    return named.startswith(".") or "/" in named or "\\" in named or named.endswith(".toml")


def memory_of_largest(tasks: Sequence[Task]) -> int | None:
    """Return about how many bytes the largest city of these takes, of those whose streets are here."""
    return max((needed for task in _by_source(tasks) if (needed := _needed(task))), default=None)


def cut_large(tasks: Sequence[Task], tiles: Tiles, *, memory_bytes: int | None, workers: int) -> list[Task]:
    """Return tasks of which those of large cities are to be measured in tiles.

    Parameters
    ----------
    tasks
        The tasks.
    tiles
        As in `Plan`. Cities whose streets are not here, or behind an address, are cut by a number only.
    memory_bytes
        What all workers together may take; where it is not known, only a number cuts.
    workers
        How many cities are measured at once.
    """
    share = memory_bytes / workers if memory_bytes else math.inf
    large = {task.source for task in _by_source(tasks) if tiles != "auto" or (_needed(task) or 0) > share}
    cut = Cut(None if tiles == "auto" else tiles, memory_bytes)
    return [dataclasses.replace(task, cut=cut) if task.source in large else task for task in tasks]


def _by_source(tasks: Sequence[Task]) -> list[Task]:
    """Return one task of each city."""
    return [*{task.source: task for task in tasks}.values()]


def _needed(task: Task) -> int | None:
    """Return about how many bytes a city takes, None where its streets are not here."""
    if is_address(task.source):
        return None
    with contextlib.suppress(LifecircleError, OSError):  # its own row will say what is wrong
        return memory_needed(find_city(task.source).osm)
    return None
