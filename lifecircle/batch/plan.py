"""Which cities are to be measured, by which standards, in which scenarios (``plan.toml``)?"""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lifecircle.batch.store import is_address
from lifecircle.batch.task import Choices, Task
from lifecircle.catalog import check_city_name, find_city, find_group, load_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, LifecircleError
from lifecircle.sources.memory import memory_needed
from lifecircle.statuses import status_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """What is otherwise in one scenario of a plan than the command line says.

    Attributes
    ----------
    id
        Its name, which is a folder's.
    minutes
        Limits for every service; None leaves them.
    round_trip
        Whether walks are there and back; None leaves it.
    status
        Facilities of these statuses count too; None leaves it.
    supplementary
        Whether what only supplements a service counts; None leaves it.
    """

    id: str
    minutes: tuple[float, ...] | None = None
    round_trip: bool | None = None
    status: tuple[str, ...] | None = None
    supplementary: bool | None = None

    def applied(self, choices: Choices) -> Choices:
        """Return how cities are measured in this scenario."""
        changes: dict[str, Any] = {"minutes": self.minutes, "round_trip": self.round_trip}
        counted: dict[str, Any] = {"statuses": self.status, "supplementary": self.supplementary}
        scenario = dataclasses.replace(
            choices.overrides.scenario,
            **{name: value for name, value in counted.items() if value is not None},
        )
        return dataclasses.replace(
            choices,
            **{name: value for name, value in changes.items() if value is not None},
            overrides=dataclasses.replace(choices.overrides, scenario=scenario),
        )


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
    """

    cities: tuple[str, ...]
    standards: tuple[str, ...] = ("life-circle",)
    scenarios: tuple[Variant, ...] = (Variant(id=""),)


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
        scenarios = tuple(_scenario(name, one) for name, one in table.table("scenarios").tables().items())
    table.close()
    if not cities:
        raise DataError("batch.no_city", file=file)
    return Plan(cities, standards, scenarios or Plan.scenarios)


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
        If a standard is not known, or two units would have the same folder. What is wrong with a city is
        found when its task is done: it must not stop the others.
    """
    standards = {load_standard(one).id: _absolute(one) for one in plan.standards}
    if len(standards) < len(plan.standards):
        raise DataError("batch.twice", value=", ".join(plan.standards))
    for scenario in plan.scenarios:  # what is wrong for every city is one line, not a row of each
        _check(scenario.applied(common.choices), plan.standards)
    tasks = []
    for city, source, may_lack_data in _cities(plan.cities):
        for standard_id, standard in standards.items():
            for scenario in plan.scenarios:
                variant = [standard_id] * (len(standards) > 1) + [scenario.id] * bool(scenario.id)
                for name in variant:
                    check_city_name(name)  # it is a folder's, and must be as harmless
                task = dataclasses.replace(
                    common,
                    city=city,
                    source=source,
                    standard=standard,
                    scenario=scenario.id,
                    variant="/".join(variant),
                    choices=scenario.applied(common.choices),
                    may_lack_data=may_lack_data,
                )
                tasks.append(task)
    return tasks


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


def _check(choices: Choices, standards: Sequence[str]) -> None:
    """Refuse limits and statuses that no city can be measured with."""
    for word in choices.overrides.scenario.statuses:
        if not status_of(word):
            raise DataError("siting.unknown_status", value=word)
    if choices.minutes is not None:
        for standard in standards:
            load_standard(standard).with_minutes(choices.minutes)


def _scenario(name: str, table: Table) -> Variant:
    scenario = Variant(
        id=name,
        minutes=table.number_or_numbers("minutes") if "minutes" in table else None,
        round_trip=table.flag("round_trip", default=False) if "round_trip" in table else None,
        status=table.texts("status") if "status" in table else None,
        supplementary=table.flag("supplementary", default=False) if "supplementary" in table else None,
    )
    table.close()
    return scenario


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
    needed = []
    for source in {task.source for task in tasks if not is_address(task.source)}:
        with contextlib.suppress(LifecircleError, OSError):  # its own row will say what is wrong
            needed.append(memory_needed(find_city(source).osm))
    return max(needed, default=None)
