"""How is one city of a batch measured, wherever its worker is, and what goes back to who asked?

A task is paths and small settings; streets and homes never travel. The worker writes the results itself,
whole or not at all, and sends back a few rows and an outline.
"""

import contextlib
import dataclasses
import functools
import glob
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import platformdirs

from lifecircle.analysis import analyze, with_projects
from lifecircle.batch.lots import Cut, tiling_beside
from lifecircle.batch.parts import part_of, write_parts
from lifecircle.batch.store import copy_here, is_address, put_back, under
from lifecircle.batch.work import Lost, Spread
from lifecircle.catalog import (
    CityFiles,
    LayerFile,
    NoDataError,
    Overrides,
    find_city,
    find_preset,
    load_standard,
)
from lifecircle.errors import LifecircleError
from lifecircle.messages import LANGUAGES
from lifecircle.network import MAX_SNAP_M
from lifecircle.render.folder import check_free, digest_of, digests, listed_files
from lifecircle.render.found import Found, Unit, alarms_of, read_found
from lifecircle.render.run_record import peak_memory_mb
from lifecircle.report import Report
from lifecircle.sources.input_files import file_facts, input_files
from lifecircle.sources.kept_city import KeptCities, key_of
from lifecircle.sources.memory import forget_peak, no_search_for_cycles
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.tiles import Tiling
from lifecircle.standard import Standard

J = TypeVar("J")
R = TypeVar("R")
STATES = ("measured", "kept", "no_data", "failed")
"""What becomes of a task: measured now; measured before and unchanged; no data here; wrong."""
_ONE_AT_A_TIME = threading.Lock()
"""A worker of a cluster may have threads; a city's memory and clock are of the whole process."""


@dataclasses.dataclass(frozen=True)
class Projects:
    """Files that a project list rests on, None for those of the city; and how long it may be at most."""

    candidates: LayerFile | None = None
    measures: Path | None = None
    most: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """How the cities of a batch are measured; as for `lifecircle.analyze`.

    Attributes
    ----------
    overrides
        What is put in the place of a city's own files.
    projects
        On what project lists rest; None where there are to be none.
    """

    minutes: tuple[float, ...] | None = None
    max_snap_m: float = MAX_SNAP_M
    round_trip: bool = False
    lang: str | None = None
    crs: str | None = None
    overrides: Overrides = dataclasses.field(default_factory=Overrides)
    sensitivity: bool = False
    projects: Projects | None = None
    limits: Limits = LIMITS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One city, by one standard, in one scenario.

    Attributes
    ----------
    city
        Its id: the name of its folder, here and among the results.
    source
        Its folder, absolute, or an address of one.
    standard
        Id of a standard, or its file, absolute.
    scenario
        Name of the scenario, empty where the plan has none.
    variant
        What distinguishes standard and scenario among the results, such as ``"gb50180-2018/planned"``; empty
        where there is but one.
    out
        Folder of the batch, absolute, or an address.
    choices
        How it is measured.
    formats
        What else is written.
    parts
        Whether the homes are written as a part of a partitioned GeoParquet data set.
    resume
        Results that are there and were made of the same are left as they are; others are replaced.
    overwrite
        Results that are there are replaced.
    keep
        Whether what is read of the city is kept for the next time, where the worker is.
    may_lack_data
        Whether it is one of a group, of which some may not have been downloaded.
    cut
        How it is cut into tiles that several workers measure; None where it is measured in one piece.
    """

    city: str
    source: str
    standard: str = "life-circle"
    scenario: str = ""
    variant: str = ""
    out: str
    choices: Choices = dataclasses.field(default_factory=Choices)
    formats: tuple[str, ...] = ()
    parts: bool = False
    resume: bool = False
    overwrite: bool = False
    keep: bool = True
    may_lack_data: bool = False
    cut: Cut | None = None

    @property
    def unit(self) -> str:
        """Where its results stand, below the folder of the batch."""
        return f"{self.variant}/{self.city}" if self.variant else self.city

    @property
    def folder(self) -> str:
        """Where its results stand."""
        return under(self.out, *self.unit.split("/"))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes
    ----------
    task
        The task.
    state
        One of `STATES`.
    message
        By language, why nothing was measured.
    found
        What was found, None where nothing was measured.
    seconds
        How long it took when it was measured.
    peak_memory_mb
        The most that the process held while it measured it (on other systems than Linux: until then); None
        where its system does not say.
    worker
        Name of the computer and number of the process that did the task.
    """

    task: Task
    state: str
    message: Mapping[str, str] = dataclasses.field(default_factory=dict)
    found: Found | None = None
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    worker: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether something is wrong."""
        return self.state == "failed" or (self.state == "no_data" and not self.task.may_lack_data)


def measure(task: Task, spread: Spread | None = None) -> Outcome:
    """Measure a city, write its results, and return what is worth a row, or what is wrong with its data.

    Parameters
    ----------
    task
        The city.
    spread
        Who measures its tiles, where it is cut.
    """
    started = time.perf_counter()
    worker = f"{platform.node()}:{os.getpid()}"
    try:
        with _ONE_AT_A_TIME, no_search_for_cycles():
            started = time.perf_counter()
            forget_peak()
            state, found = _measured(task, spread)
    except LifecircleError as error:
        return Outcome(
            task,
            "no_data" if isinstance(error, NoDataError) else "failed",
            {lang: error.in_language(lang) for lang in LANGUAGES},
            seconds=time.perf_counter() - started,
            peak_memory_mb=peak_memory_mb(),
            worker=worker,
        )
    return Outcome(
        task,
        state,
        found=found,
        seconds=found.seconds,
        peak_memory_mb=found.peak_memory_mb,
        worker=worker,
    )


def _measured(task: Task, spread: Spread | None) -> tuple[str, Found]:
    standard = load_standard(task.standard)
    with copy_here(task.source) as source, copy_here(task.folder) as folder:
        choices = {field.name: getattr(task.choices, field.name) for field in dataclasses.fields(Choices)}
        projects, overrides = choices.pop("projects"), choices.pop("overrides")
        files = overrides.of(find_city(str(source)))
        fingerprint = _fingerprint(files, standard, task)
        if task.resume and _is_kept(task, folder, fingerprint):
            return "kept", read_found(folder)
        check_free(folder, overwrite=task.resume or task.overwrite)  # before minutes of work, not after
        kept = KeptCities(platformdirs.user_cache_path("lifecircle", appauthor=False) / "cities")
        with _tiling(task, spread) as tiling:
            report = analyze(
                str(source),
                standard,
                **choices,
                **vars(overrides),
                kept=kept if task.keep else None,
                tiling=tiling,
            )
            if projects is not None:
                files_of = {"candidates": projects.candidates, "measures": projects.measures}
                report = with_projects(report, **files_of, most=projects.most, limits=task.choices.limits)
            about = {"fingerprint": fingerprint, "alarms": alarms_of(report.city)}
            _save(report, about, task, folder, tiling)
        return "measured", read_found(folder)


@contextlib.contextmanager
def _tiling(task: Task, spread: Spread | None) -> Iterator[Tiling | None]:
    """Give who measures the tiles of a city, None where it is measured in one piece."""
    if task.cut is None or spread is None:
        yield None
        return
    shared = not is_address(task.source)
    with tiling_beside(task.folder, task.cut, _Waiting(spread), shared=shared) as tiling:
        yield tiling


class _Waiting(NamedTuple):
    """Lets other cities be measured in this process while one waits for its tiles."""

    spread: Spread

    @property
    def workers(self) -> int:
        return self.spread.workers

    def __call__(self, work: Callable[[J], R], jobs: Sequence[J]) -> list[R | Lost]:
        _ONE_AT_A_TIME.release()
        try:
            return self.spread(work, jobs)
        finally:
            _ONE_AT_A_TIME.acquire()


def _save(report: Report, about: dict[str, Any], task: Task, folder: Path, tiling: Tiling | None) -> None:
    """Write the parts first: a city that has its record has all."""
    if task.parts:
        plan = tiling.plans[-1] if tiling and tiling.plans else None
        place = functools.partial(part_of, task.out, task.variant, task.city)
        about["parts"] = write_parts(report.coverage, plan, place)
    if tiling and tiling.done:
        about["tiles"] = tiling.cost
    report = dataclasses.replace(report, settings={**report.settings, "in_batch": about})
    report.save(folder, overwrite=task.resume or task.overwrite, formats=task.formats)
    put_back(folder, task.folder)


def _is_kept(task: Task, folder: Path, fingerprint: str) -> bool:
    """Say whether whole results of the same inputs, settings and program are there."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        about = record["settings"]["in_batch"]
        same, parts = about["fingerprint"] == fingerprint, [str(tile) for tile in about.get("parts", [])]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
    written = listed_files(folder / "run.json")
    if not same or not written or not written.items() <= digests(folder).items():
        return False
    if not task.parts or is_address(task.out):
        return bool(parts) or not task.parts
    places = [part_of(task.out, task.variant, task.city, tile) for tile in parts]
    return bool(places) and all(Path(place).is_file() for place in places)


def _fingerprint(files: CityFiles, standard: Standard, task: Task) -> str:
    """Return what results depend on: the content of every file, the standard, the choices, the program."""
    settings = files.folder / "city.toml"
    inputs = [("settings", settings), *input_files(files)]
    if (projects := task.choices.projects) is not None:
        layer, table = projects.candidates or files.candidates, projects.measures or files.measures
        inputs += [("candidates", layer.path)] if layer else []
        inputs += [("measures", table)] if table else []
    facts = [(role, path.name, file_facts(role, path)["sha256"], _beside(path)) for role, path in inputs]
    # What is in a chosen file is among the facts; where it lies is nothing that a result depends on.
    choices = json.dumps(dataclasses.asdict(task.choices), default=lambda value: Path(value).name)
    return key_of(facts, dataclasses.asdict(standard), choices, sorted(task.formats))


def _beside(path: Path) -> list[tuple[str, str]]:
    """Return name and digest of the files that belong to a file: the tables of a Shapefile, a ``.prj``."""
    others = sorted(other for other in path.parent.glob(f"{glob.escape(path.stem)}.*") if other != path)
    return [(other.name, digest_of(other)) for other in others if other.is_file()]


def as_units(outcomes: Sequence[Outcome]) -> list[Unit]:
    """Return outcomes as tables and maps of all cities show them: cities of one name have their id, too."""
    units = [_as_unit(outcome) for outcome in outcomes]
    cities: dict[tuple[str, str], set[str]] = {}
    for unit in units:
        for named in unit.name.items():
            cities.setdefault(named, set()).add(unit.city)
    return [
        dataclasses.replace(unit, name={lang: f"{name} ({unit.city})" for lang, name in unit.name.items()})
        if any(len(cities[named]) > 1 for named in unit.name.items())
        else unit
        for unit in units
    ]


def _as_unit(outcome: Outcome) -> Unit:
    task, found = outcome.task, outcome.found
    preset = find_preset(task.city)
    known = preset.name if preset else dict.fromkeys(LANGUAGES, task.city)
    return Unit(
        city=task.city,
        name=found.name if found else known,
        standard=found.standard.id if found else task.variant.partition("/")[0] or Path(task.standard).stem,
        scenario=task.scenario,
        page=f"{task.unit}/map.html",
        found=found,
        message=outcome.message,
    )


def as_record(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain values, for the record of a batch."""
    task = outcome.task
    return {
        "unit": task.unit,
        "city": task.city,
        "source": task.source,
        "standard": task.standard,
        "scenario": task.scenario,
        "state": outcome.state,
        "message": dict(outcome.message),
        "seconds": round(outcome.seconds, 3),
        "peak_memory_mb": outcome.peak_memory_mb,
        "worker": outcome.worker,
        "folder": task.folder,
    }
