"""What did an earlier run find, by the files that it left?"""

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.city import MEASURES
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError, FileError, LifecircleError
from lifecircle.kinds import AGE_COLUMNS, REAL
from lifecircle.render.geodata import layers as geo_layers
from lifecircle.render.tables import DECIMALS, harmless
from lifecircle.sources.opening import check_file, check_geopackage
from lifecircle.staging import clear_dead
from lifecircle.standard import Standard

KEYS = ["community_id", "service", "threshold_minutes"]
_FILES = ("run.json", "communities.csv", "gaps.gpkg")
_INPUT = ("role", "path", "sha256")
_COLUMNS = {
    "gaps": ("service", "threshold_minutes"),
    "communities": ("community_id", "community"),
    "facilities": ("facility_id", "name", "service"),
    "homes": ("community_id",),
}


@dataclasses.dataclass(frozen=True, eq=False)
class PastRun:
    """The folder of a finished run, read.

    Attributes
    ----------
    folder
        Where it stands.
    made_at
        When it was made, ISO 8601.
    city
        Name of the city by language.
    data
        ``"real"`` or ``"synthetic sample"``.
    measure
        What its homes count.
    denominators
        What is counted for each service of the standard, by its id.
    standard
        By which it was measured.
    max_snap_m
        How far a home might be from a street; None where the record does not say.
    round_trip
        Whether its walks are there and back.
    elevation
        The model of heights that weighed its slopes, and how its digest begins; "" for none.
    table
        ``communities.csv``: indexed by community_id ("" for the whole city), service and threshold_minutes;
        the measure M, M_covered, share_unknown.
    layers
        ``gaps``, ``communities``, ``facilities`` and ``homes`` of ``gaps.gpkg``, in one CRS.
    """

    folder: Path
    made_at: str
    city: dict[str, str]
    data: str
    measure: str
    denominators: dict[str, str]
    standard: Standard
    max_snap_m: float | None
    round_trip: bool
    elevation: str
    table: pd.DataFrame
    layers: dict[str, gpd.GeoDataFrame]

    @property
    def is_synthetic(self) -> bool:
        """Whether it is of an invented place."""
        return self.data != REAL

    @property
    def trip(self) -> str:
        """How its walks are counted, in the words of the command line."""
        return "--round-trip" if self.round_trip else "one way"

    @property
    def label(self) -> str:
        """What to call it: its folder, and the day it was made."""
        return f"{self.folder.name} ({self.made_at[:10]})"


def read_past_run(folder: Path) -> PastRun:
    """Read a finished run, as `Report.save` wrote it.

    Parameters
    ----------
    folder
        Such as ``outputs/lishui``.

    Raises
    ------
    FileError
        If the folder or one of its files is missing or cannot be read.
    DataError
        If one of them is not as lifecircle writes it.
    """
    folder = folder.resolve()
    clear_dead(folder)
    for name in _FILES:
        if not (folder / name).is_file():
            raise FileError("compare.no_file", folder=folder, name=name)
    record = read_record(folder / "run.json")
    try:
        measure = record.text("measure")
        if measure not in MEASURES:
            raise DataError("compare.bad_record", path=record.file, field="measure")
        standard = read_standard(record.table("standard"))
        facts: dict[str, Any] = {
            "made_at": record.text("made_at"),
            "city": record.names("city"),
            "data": record.text("data"),
            "max_snap_m": _max_snap(record.table("settings")),
            "round_trip": record.flag("round_trip", default=False),
            "elevation": _elevation(
                {key: one.text(key) for key in _INPUT}
                for value in record.items("inputs")
                for one in (record.as_table("inputs", value),)
            ),
        }
    except LifecircleError as error:
        field = error.values.get("field", error.values.get("where", "standard"))
        raise DataError("compare.bad_record", path=record.file, field=field) from error
    check_file(folder / "gaps.gpkg", (".gpkg",))
    check_geopackage(folder / "gaps.gpkg")
    layers = {name: read_layer(folder / "gaps.gpkg", name, columns) for name, columns in _COLUMNS.items()}
    _need(folder / "gaps.gpkg", layers["homes"], [measure, *(service.id for service in standard.services)])
    ids = layers["communities"]["community_id"]
    table = _table(folder / "communities.csv", measure, dict(zip(ids.map(harmless), ids, strict=True)))
    table, denominators = table.drop(columns="denominator"), _denominators(table, standard)
    if not {*denominators.values()} <= {measure, *AGE_COLUMNS.values()}:
        raise DataError("compare.bad_record", path=folder / "communities.csv", field="denominator")
    _need(folder / "gaps.gpkg", layers["homes"], [*denominators.values()])
    table = table.rename(_exact_minutes(standard), level="threshold_minutes")
    return PastRun(
        folder=folder,
        measure=measure,
        denominators=denominators,
        standard=standard,
        table=table,
        layers=layers,
        **facts,
    )


def _denominators(table: pd.DataFrame, standard: Standard) -> dict[str, str]:
    """Return what each service counts, by the table of a run."""
    of_service = table.groupby(level="service")["denominator"].first()
    return {service.id: str(of_service.get(service.id, "")) for service in standard.services}


def run_of(coverage: Coverage, gaps: gpd.GeoDataFrame, name: str) -> PastRun:
    """Return a measured city as a run, without a folder.

    Parameters
    ----------
    coverage, gaps
        The city.
    name
        What to call it.
    """
    city = coverage.city
    table = pd.concat([coverage.by_community(), coverage.totals()], ignore_index=True)
    return PastRun(
        folder=Path(name),
        made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        city=dict(city.name),
        data=city.data,
        measure=city.measure,
        denominators=dict(
            zip((one.id for one in coverage.standard.services), coverage.denominators, strict=True)
        ),
        standard=coverage.standard,
        max_snap_m=coverage.max_snap_m,
        round_trip=coverage.round_trip,
        elevation=_elevation(city.inputs),
        table=table.set_index(KEYS)[[city.measure, f"{city.measure}_covered", "share_unknown"]],
        layers=geo_layers(coverage, gaps),
    )


def read_record(path: Path) -> Table:
    """Return ``run.json`` without its empty values; errors as of `read_past_run`."""
    try:
        values = json.loads(
            path.read_text(encoding="utf-8"),
            object_hook=lambda table: {key: value for key, value in table.items() if value is not None},
        )
    except OSError as error:
        raise FileError("compare.no_file", folder=path.parent, name=path.name) from error
    except (ValueError, RecursionError) as error:
        raise DataError("compare.bad_record", path=path, field="JSON") from error
    if not isinstance(values, dict):
        raise DataError("compare.bad_record", path=path, field="JSON")
    return Table(path, values)


def _elevation(inputs: Iterable[Mapping[str, Any]]) -> str:
    """Return what an attribute of `PastRun` is by the files that a city was made from."""
    for role, path, digest in ([one[key] for key in _INPUT] for one in inputs):
        if role == "elevation":
            return f"{PureWindowsPath(path).name} ({digest[:8]})"
    return ""


def _max_snap(settings: Table) -> float | None:
    """Return the farthest a home might be from a street: the command line and Python name it differently."""
    for key in ("max_snap_m", "max_snap"):
        if key in settings:
            return settings.number(key)
    return None


def read_layer(path: Path, name: str, columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Return a layer of ``gaps.gpkg`` that has these columns; errors as of `read_past_run`."""
    try:
        frame = gpd.read_file(path, layer=name, engine="pyogrio")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise DataError("compare.bad_record", path=path, field=name) from error
    _need(path, frame, columns)
    if frame.crs is None or not frame.crs.is_projected or frame.geometry.isna().any():
        raise DataError("compare.bad_record", path=path, field=name)
    return frame


def _table(path: Path, measure: str, ids: dict[str, str]) -> pd.DataFrame:
    """Return ``communities.csv``; `ids` undo what keeps a spreadsheet from running an id."""
    numbers = [measure, f"{measure}_covered", "share_unknown"]
    try:
        text = pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False)
    except OSError as error:
        raise FileError("compare.no_file", folder=path.parent, name=path.name) from error
    except ValueError as error:  # pandas' own errors too
        raise DataError("compare.bad_record", path=path, field="CSV") from error
    _need(path, text, [*KEYS, *numbers, "denominator"])
    frame = pd.DataFrame({"community_id": text["community_id"].map(lambda value: ids.get(value, value))})
    frame["service"], frame["denominator"] = text["service"], text["denominator"]
    for column in ("threshold_minutes", *numbers):
        values = pd.to_numeric(text[column], errors="coerce")
        if (values.isna() & (text[column] != "")).any():
            raise DataError("compare.bad_record", path=path, field=column)
        frame[column] = values
    table = frame.set_index(KEYS)
    if not table.index.is_unique:
        raise DataError("compare.bad_record", path=path, field=", ".join(KEYS))
    return table


def _exact_minutes(standard: Standard) -> dict[float, float]:
    """Return the minutes of every limit by what is left of them in a table of four decimals."""
    every = [limit.minutes_at(service.pace_mps) for service, limit in standard.pairs]
    return {round(minutes, DECIMALS): minutes for minutes in every}


def _need(path: Path, frame: pd.DataFrame, columns: "list[str] | tuple[str, ...]") -> None:
    for column in columns:
        if column not in frame:
            raise DataError("compare.bad_record", path=path, field=column)


def check_comparable(before: PastRun, after: PastRun) -> None:
    """Refuse two runs whose figures do not count the same.

    Raises
    ------
    DataError
        If city, data, measure, standard, services, limits, paces, what walkers find hard, elevation or the
        farthest way to a street differ; the message says which figures cannot be compared.
    """
    folders = {"first": before.folder.name, "second": after.folder.name}

    def refuse(key: str, one: object, other: object, **more: object) -> None:
        if one != other:
            raise DataError(key, **folders, before=one, after=other, **more)

    refuse("compare.other_city", " / ".join(before.city.values()), " / ".join(after.city.values()))
    refuse("compare.other_data", before.data, after.data)
    refuse("compare.other_measure", before.measure, after.measure)
    refuse("compare.other_standard", before.standard.id, after.standard.id)
    one, other = ([service.id for service in run.standard.services] for run in (before, after))
    refuse("compare.other_services", ", ".join(one), ", ".join(other))
    for service in before.standard.services:
        one_counts, other_counts = (run.denominators[service.id] for run in (before, after))
        refuse("compare.other_denominator", one_counts, other_counts, service=service.id)
        limits = after.standard.service(service.id).limits_label("en")
        refuse("compare.other_limits", service.limits_label("en"), limits, service=service.id)
        pace = after.standard.service(service.id).pace_mps
        if not math.isclose(pace, service.pace_mps, rel_tol=1e-9):
            refuse("compare.other_pace", f"{service.pace_mps:g}", f"{pace:g}", service=service.id)
        refuse(
            "compare.other_walker", *(_walker(run, service.id) for run in (before, after)), service=service.id
        )
    refuse("compare.other_elevation", *(run.elevation or "-" for run in (before, after)))
    refuse("compare.other_trip", before.trip, after.trip)
    if None not in (before.max_snap_m, after.max_snap_m):
        refuse("compare.other_snap", f"{before.max_snap_m:g}", f"{after.max_snap_m:g}")


def _walker(run: PastRun, service: str) -> str:
    """Return what makes the walks of a service longer, in the words of a standard's file."""
    one = run.standard.service(service)
    walker = one.walker
    words = [f"steps_factor = {walker.steps_factor:g}", *(f"avoid {way}" for way in sorted(walker.avoid))]
    words += [] if walker.max_slope is None else [f"max_slope = {walker.max_slope:g}"]
    return ", ".join([*words, one.direction])
