"""What did a finished city of a batch find, by its files: a row per service and limit, and its outline?

Rows are read from what was written, whoever wrote it and when, so that a city measured now, by a cluster or
in an earlier batch gives the same rows.
"""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.city import MEASURES, City
from lifecircle.errors import DataError, LifecircleError
from lifecircle.kinds import REAL
from lifecircle.messages import clean, say
from lifecircle.render.past_run import read_layer, read_record
from lifecircle.shares import STATUS
from lifecircle.sources.opening import check_file, check_geopackage
from lifecircle.standard import Standard

GRAVE = ("tables.datum_suspect",)
"""Rows of the table of data quality that are too grave to be found only there."""
_OUTLINE_SHARE = 1 / 500
"""How far an outline may be off, of the city's width: no map of all cities shows more."""


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """What a city of a batch found, small enough to be sent.

    Attributes
    ----------
    name
        Of the city, by language.
    lang
        Language of its report.
    data
        ``"real"`` or ``"synthetic sample"``.
    standard
        By which it was measured.
    rows
        One per service and limit, in the order of ``standard.pairs``: service, threshold_minutes,
        threshold_m, denominator, total, covered, gap, unknown, share_covered, share_gap, share_unknown,
        communities, communities_covered, gaps (how many).
    outline
        Of all its communities, simplified, EPSG:4326, as WKB.
    alarms
        What is so wrong with its data that nobody may miss it: a message and a detail each.
    seconds, peak_memory_mb
        Of the run that measured it.
    """

    name: dict[str, str]
    lang: str
    data: str
    standard: Standard
    rows: tuple[dict[str, Any], ...]
    outline: bytes
    alarms: tuple[tuple[str, str], ...]
    seconds: float
    peak_memory_mb: float | None

    @property
    def is_synthetic(self) -> bool:
        """Whether it is of an invented place."""
        return self.data != REAL

    def alarm(self, lang: str) -> str:
        """Return all alarms as one text, empty where there is none."""
        return "; ".join(f"{say(item, lang)}: {clean(detail)}" for item, detail in self.alarms)


@dataclasses.dataclass(frozen=True, eq=False)
class Unit:
    """A city among others, by one standard and in one scenario, as tables and maps of all show it.

    Attributes
    ----------
    city
        Its id.
    name
        By language.
    standard, scenario
        By which standard, its id, and in which scenario, empty where there is none.
    page
        Address of its own map, relative to that of all.
    found
        What was found; None where nothing was measured.
    message
        By language, why not.
    """

    city: str
    name: Mapping[str, str]
    standard: str
    scenario: str
    page: str
    found: Found | None = None
    message: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read_found(folder: Path) -> Found:
    """Return what was found, from ``run.json`` and ``gaps.gpkg`` of a finished run.

    Raises
    ------
    FileError, DataError
        If one of them is missing or not as lifecircle writes it.
    """
    record, layers = read_record(folder / "run.json"), folder / "gaps.gpkg"
    try:
        measure = record.named("measure", record.text("measure"), {one: one for one in MEASURES})
        standard = read_standard(record.table("standard"))
        totals = [_row(record.as_table("totals", row), measure) for row in record.items("totals")]
        facts: dict[str, Any] = {
            "name": record.names("city"),
            "lang": record.text("lang"),
            "alarms": _alarms(record.table("settings")),
            "data": record.text("data"),
            "seconds": record.table("elapsed_s").number("total"),
            "peak_memory_mb": _peak_mb(record),
        }
    except LifecircleError as error:
        field = error.values.get("field", error.values.get("where", "standard"))
        raise DataError("compare.bad_record", path=record.file, field=field) from error
    check_file(layers, (".gpkg",))
    check_geopackage(layers)
    gaps = read_layer(layers, "gaps", ("service", "threshold_minutes"))
    counts = gaps.groupby(["service", "threshold_minutes"]).size()
    keys = ((row["service"], row["threshold_minutes"]) for row in totals)
    rows = tuple(row | {"gaps": int(counts.get(key, 0))} for row, key in zip(totals, keys, strict=True))
    if len(rows) != len(standard.pairs):
        raise DataError("compare.bad_record", path=record.file, field="totals")
    areas = read_layer(layers, "communities", ("community_id",))
    return Found(standard=standard, rows=rows, outline=_outline(areas), **facts)


def alarms_of(city: City) -> list[tuple[str, str]]:
    """Return the alarms of a city's data, as a record holds them."""
    grave = city.quality[city.quality["item"].isin(GRAVE)]
    return list(zip(grave["item"], grave["detail"], strict=True))


def _alarms(settings: Table) -> tuple[tuple[str, str], ...]:
    """Return the alarms that a record of a batch holds."""
    if "in_batch" not in settings:
        return ()
    pairs = settings.table("in_batch").items("alarms", ())
    return tuple((str(item), str(detail)) for item, detail in pairs if item in GRAVE)


def _peak_mb(record: Table) -> float | None:
    """Return the most that a process held of those that measured a city: one, or those of its tiles too."""
    held = [record.number("peak_memory_mb")] if "peak_memory_mb" in record else []
    settings = record.table("settings")
    about = settings.table("in_batch") if "in_batch" in settings else settings
    tiles = about.table("tiles") if "in_batch" in settings and "tiles" in about else None
    if tiles is not None and "peak_mb" in tiles:
        held.append(tiles.number("peak_mb"))
    return max(held, default=None)


def _row(total: Table, measure: str) -> dict[str, Any]:
    """Return a row of the totals of a record; what is missing there is not known."""

    def known(key: str) -> float:
        return total.number(key) if key in total else math.nan

    return {
        "service": total.text("service"),
        "threshold_minutes": total.number("threshold_minutes"),
        "threshold_m": known("threshold_m"),
        "denominator": total.text("denominator"),
        "total": known(measure),
        **{word: known(f"{measure}_{word}") for word in STATUS},
        **{f"share_{word}": known(f"share_{word}") for word in STATUS},
        "communities": known("communities"),
        "communities_covered": known("communities_covered"),
    }


def _outline(areas: gpd.GeoDataFrame) -> bytes:
    """Return all areas as one shape in degrees, without what no map of all cities shows."""
    whole = shapely.union_all(areas.geometry.to_numpy())
    west, south, east, north = whole.bounds
    drawn = whole.simplify(max(east - west, north - south) * _OUTLINE_SHARE)
    return bytes(shapely.to_wkb(gpd.GeoSeries([drawn], crs=areas.crs).to_crs(4326).iloc[0]))
