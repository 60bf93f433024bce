"""What is otherwise in one scenario of a plan than the command line says?"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lifecircle.batch.task import Projects, Task
from lifecircle.catalog import AnyLevel, LayerFile, LevelFile, load_standard
from lifecircle.catalog.city_files import file_in, layer_in, level_in
from lifecircle.catalog.measures_file import load_measures
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, FileError
from lifecircle.ranges import MAX_SNAP_RANGE_M, MOST_PROJECTS_RANGE
from lifecircle.render.formats import check_formats
from lifecircle.statuses import status_of

_CHOICES = ("minutes", "round_trip", "max_snap_m", "sensitivity", "projects")
_FILES = ("elevation", "population", "barriers", "levels")
_COUNTED = ("statuses", "supplementary", "indicators")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """What is otherwise in one scenario of a plan than the command line says; None leaves what that says.

    Attributes
    ----------
    id
        Its name, which is a folder's.
    minutes
        Limits for every service.
    round_trip
        Whether walks are there and back.
    max_snap_m
        Farthest that homes and facilities may be from a street.
    sensitivity
        Whether other paces, limits and ways to a street are tried.
    projects
        On what project lists rest, where there are to be any.
    formats
        What else is written.
    statuses
        Facilities of these statuses count too.
    supplementary
        Whether what only supplements a service counts.
    indicators, elevation, population, barriers, levels
        Files in the place of every city's own; see `lifecircle.catalog.Overrides`.
    """

    id: str
    minutes: tuple[float, ...] | None = None
    round_trip: bool | None = None
    max_snap_m: float | None = None
    sensitivity: bool | None = None
    projects: Projects | None = None
    formats: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    supplementary: bool | None = None
    indicators: Path | None = None
    elevation: Path | None = None
    population: Path | None = None
    barriers: LayerFile | None = None
    levels: tuple[AnyLevel, ...] | None = dataclasses.field(default=None, hash=False)

    def applied(self, task: Task) -> Task:
        """Return how a city is measured in this scenario."""
        overrides = task.choices.overrides
        counted = dataclasses.replace(overrides.counted, **self._said(_COUNTED))
        overrides = dataclasses.replace(overrides, counted=counted, **self._said(_FILES))
        choices = dataclasses.replace(task.choices, overrides=overrides, **self._said(_CHOICES))
        return dataclasses.replace(task, scenario=self.id, choices=choices, **self._said(("formats",)))

    def _said(self, names: Sequence[str]) -> dict[str, Any]:
        """Return those of the named settings that are not left."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def check(self, standards: Sequence[str]) -> None:
        """Refuse what no city can be measured with, before any is.

        Raises
        ------
        LifecircleError
            If a file does not exist, or a limit, a status, a format or the table of measures is wrong.
        """
        for word in self.statuses or ():
            if not status_of(word):
                raise DataError("siting.unknown_status", value=word)
        check_formats(self.formats or ())
        for path in self._files():
            if not path.is_file():
                raise FileError("tables.missing_file", path=path)
        for standard in map(load_standard, standards):
            if self.minutes is not None:
                standard.with_minutes(self.minutes)
            if self.projects and self.projects.measures:
                services = [service.id for service in standard.services]
                load_measures(self.projects.measures, services=services)

    def _files(self) -> list[Path]:
        layers = [self.barriers, self.projects and self.projects.candidates]
        layers += [LevelFile.of(level, 1).file for level in self.levels or ()]
        files = [self.elevation, self.population, self.indicators, self.projects and self.projects.measures]
        return [*(path for path in files if path), *(layer.path for layer in layers if layer)]


def read_variant(name: str, table: Table) -> Variant:
    """Return a scenario of a plan; files in it are seen from the folder of the plan.

    Raises
    ------
    DataError
        If something in it is wrong, or not known.
    """

    def flag(key: str) -> bool | None:
        return table.flag(key, default=False) if key in table else None

    variant = Variant(
        id=name,
        minutes=table.number_or_numbers("minutes") if "minutes" in table else None,
        round_trip=flag("round_trip"),
        max_snap_m=_number(table, "max_snap_m", MAX_SNAP_RANGE_M),
        sensitivity=flag("sensitivity"),
        projects=_projects(table),
        formats=table.texts("formats") if "formats" in table else None,
        statuses=table.texts("status") if "status" in table else None,
        supplementary=flag("supplementary"),
        indicators=file_in(table, "indicators", _beside),
        elevation=file_in(table, "elevation", _beside),
        population=file_in(table, "population", _beside),
        barriers=layer_in(table, "barriers", _beside),
        levels=tuple(_level(table, one) for one in table.items("levels")) if "levels" in table else None,
    )
    table.close()
    return variant


def _projects(table: Table) -> Projects | None:
    """Return on what project lists rest; any word of them asks for lists."""
    asked = table.flag("projects", default=False)
    most = _number(table, "most_projects", MOST_PROJECTS_RANGE)
    if most is not None and most != int(most):
        cause = DataError("batch.not_whole", value=most, whole=int(most))
        raise DataError("batch.in_plan", file=table.file, field=table.place("most_projects"), cause=cause)
    files = Projects(
        candidates=layer_in(table, "candidates", _beside),
        measures=file_in(table, "measures", _beside),
        most=None if most is None else int(most),
    )
    return files if asked or files != Projects() else None


def _level(table: Table, value: object) -> AnyLevel:
    return _beside(table, "levels", value) if isinstance(value, str) else level_in(table, value, _beside)


def _number(table: Table, key: str, span: tuple[float, float]) -> float | None:
    """Return a number that lies in a range, None where there is none."""
    if key not in table:
        return None
    value = table.number(key)
    if not span[0] <= value <= span[1]:
        cause = DataError("batch.out_of_range", value=value, low=span[0], high=span[1])
        raise DataError("batch.in_plan", file=table.file, field=table.place(key), cause=cause)
    return value


def _beside(table: Table, _key: str, value: str) -> Path:
    """Return a file as it is seen from the folder of the plan."""
    return (table.file.parent / value).resolve()
