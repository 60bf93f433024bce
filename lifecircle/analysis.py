"""How does a city become a report: read, measure, find the gaps."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from lifecircle.catalog import LayerFile, Overrides, Overriding, find_city, load_standard
from lifecircle.catalog.measures_file import find_creation, load_measures
from lifecircle.city import City
from lifecircle.coverage import measure_coverage
from lifecircle.gaps import find_gaps
from lifecircle.network import MAX_SNAP_M
from lifecircle.report import Report
from lifecircle.scenarios import with_scenarios
from lifecircle.sources.candidates import read_candidates
from lifecircle.sources.input_files import file_facts
from lifecircle.sources.kept_city import KeptCities
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.read_city import Progress, read_city_files
from lifecircle.sources.tiles import Tiling
from lifecircle.standard import Standard

STEPS = ("streets", "communities", "facilities", "homes", "walks", "sensitivity", "gaps", "write")
"""What a whole run does, in this order; sensitivity where it is asked for; the last is `Report.save`."""


class StepClock:
    """How long did each step take? Call it with the name of a step when that begins, and `stop` at the end.

    Parameters
    ----------
    progress
        Called with the name of each step as it begins.

    Attributes
    ----------
    seconds
        Seconds by step, of the steps that ended.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._step = ""
        self._since = 0.0

    def __call__(self, step: str) -> None:
        """Begin a step; the one before it ends."""
        self.stop()
        self._step, self._since = step, time.perf_counter()
        if self._progress is not None:
            self._progress(step)

    def stop(self) -> None:
        """End the last step."""
        if self._step:
            self.seconds[self._step] = time.perf_counter() - self._since
            self._step = ""


def analyze(  # noqa: PLR0913 - one call does the whole job, so it carries the choices of every part
    city: City | str | PathLike[str],
    standard: Standard | str | PathLike[str] | None = None,
    *,
    minutes: Iterable[float] | None = None,
    max_snap_m: float = MAX_SNAP_M,
    round_trip: bool = False,
    sensitivity: bool = False,
    lang: str | None = None,
    crs: str | None = None,
    kept: KeptCities | None = None,
    limits: Limits = LIMITS,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    **overriding: Unpack[Overriding],
) -> Report:
    """Measure a city and find its gaps.

    Parameters
    ----------
    city
        A city, or the name or folder of one.
    standard
        A standard, or the id or TOML file of one; ``life-circle`` where None.
    minutes
        Limits in minutes for every service; where None those of the ``city.toml``, for services that are not
        met in metres, else of the standard.
    max_snap_m
        Homes and facilities farther than this many metres from every street are off the network.
    round_trip
        Measure the walk there and back: limits hold for the sum, and the facility is the one with the least.
    sensitivity
        Repeat it in the `lifecircle.scenarios.SCENARIOS`, and say which gaps are robust.
    lang
        Language of the report; that of the city where None.
    crs
        Metric CRS, such as ``"EPSG:4549"``, for a city that is read here; chosen by itself where None.
    kept
        Where to keep what is read, so that next time it need not be; nowhere where None.
    limits
        How large the files of a city that is read here may be, and which share of their rows may be left out.
    tiling
        Who reads and measures a city that is read here, in tiles; in one piece where None.
    progress
        Called with the name of each step as it begins.
    elevation, population, barriers, levels, columns, scenario
        What is put in the place of the own files of a city that is read here: see
        `lifecircle.catalog.Overrides`.

    Returns
    -------
    Report

    Raises
    ------
    LifecircleError
        If something in the data or the choices is wrong; the message names it and a cure.

    Examples
    --------
    >>> report = analyze("lishui", minutes=[15])  # doctest: +SKIP
    >>> report.save("outputs/lishui")  # doctest: +SKIP
    """
    clock, overrides = StepClock(progress), Overrides(**overriding)
    if not isinstance(standard, Standard):
        standard = load_standard("life-circle" if standard is None else standard)
    source = "City" if isinstance(city, City) else str(city)
    asked = minutes is not None
    if not isinstance(city, City):
        files = find_city(city)
        minutes = minutes if asked else files.minutes
        if files.target is not None:
            standard = dataclasses.replace(standard, target=files.target)
    if minutes is not None:  # before any file is read: a wrong number fails at once
        minutes = tuple(minutes)
        standard = standard.with_minutes(minutes, metres_too=asked)
    if not isinstance(city, City):
        city = read_city_files(
            overrides.of(files),
            services=standard.placed,
            crs=crs,
            kept=kept,
            limits=limits,
            tiling=tiling,
            progress=clock,
        )
    clock("walks")
    coverage = measure_coverage(city, standard, max_snap_m=max_snap_m, round_trip=round_trip)
    if sensitivity:
        clock("sensitivity")
        coverage = with_scenarios(coverage)
    clock("gaps")
    gaps = find_gaps(coverage)
    clock.stop()
    lang = lang or city.lang
    settings = {
        "city": source,
        "standard": standard.id,
        "minutes": None if minutes is None else list(minutes),
        "max_snap_m": max_snap_m,
        "round_trip": round_trip,
        "sensitivity": sensitivity,
        "crs": crs,
        **overrides.as_settings(),
        "lang": lang,
    }
    return Report(coverage, gaps, lang, settings=settings, seconds=clock.seconds)


def with_projects(  # noqa: PLR0913 - the files it rests on, and how far it goes
    report: Report,
    *,
    candidates: str | PathLike[str] | LayerFile | None = None,
    measures: str | PathLike[str] | None = None,
    creation_type: str | None = None,
    links: int = 3,
    most: int | None = None,
    limits: Limits = LIMITS,
    note: Callable[[str, int, str], None] | None = None,
) -> Report:
    """Return a report with what can be done about its gaps, and which projects come first (项目库).

    Parameters
    ----------
    report
        A measured city.
    candidates
        List or layer of plots and buildings; where None that of its ``city.toml``, else points along streets.
    measures
        The table of measures; where None that of its ``city.toml``, else the one without costs.
    creation_type
        Way of creation (创建类型), which sets the deadline; where None that of its ``city.toml``, if any.
    links
        How many missing links to try for each service.
    most
        How many projects, at most; `lifecircle.projects.MOST` where None.
    limits
        How large the list of candidates may be, and which share of its rows may be left out.
    note
        Called with what was left out of the candidates or repaired: item (a message key), count, detail.

    Returns
    -------
    Report

    Raises
    ------
    LifecircleError
        If a file is missing or wrong; the message names it.
    """
    from lifecircle.options import find_options  # noqa: PLC0415 - it loads a solver, and few runs list projects
    from lifecircle.projects import MOST, list_projects  # noqa: PLC0415 - as above

    coverage, city, origin = report.coverage, report.city, report.city.origin
    table_file = measures or origin.get("measures")
    ids = [service.id for service in coverage.standard.services]
    table = load_measures(table_file and Path(table_file), services=ids)
    creation = creation_type or origin.get("creation_type")
    deadline = find_creation(creation, coverage.standard) if creation else None
    files = {"measures": Path(table_file)} if table_file else {}
    places = None
    if (layer := _candidates(candidates, origin)) is not None:
        files["candidates"] = layer.path
        unit, streets = table.cost_unit, city.network
        places, notes = read_candidates(layer, crs=city.crs, network=streets, cost_unit=unit, limits=limits)
        if note is not None:
            for item, count, detail in notes.itertuples(index=False):
                note(item, count, detail)
    ideas = find_options(coverage, report.gaps, table, candidates=places, links=links)
    projects = list_projects(ideas, creation=deadline, most=MOST if most is None else most)
    inputs = tuple(file_facts(role, path) for role, path in files.items())
    return dataclasses.replace(report, projects=dataclasses.replace(projects, inputs=inputs))


def _candidates(given: str | PathLike[str] | LayerFile | None, origin: Mapping[str, Any]) -> LayerFile | None:
    """Return the list of candidates: the one given, else that of the city's files, if any."""
    if given is not None:
        return LayerFile.of(given)
    own = origin.get("candidates")
    if own is None:
        return None
    return LayerFile(**(own | {key: own[key] and Path(own[key]) for key in ("path", "entrances")}))
