"""Two runs of the toy town, a year apart, and what a test may do to their files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
from toy_town import FACILITIES, STANDARD, toy_facilities, toy_town

from lifecircle.analysis import analyze
from lifecircle.city import City
from lifecircle.report import Report

LATER = (
    ("K2", "New Kindergarten", "kindergarten", (700, 0)),  # moved 600 m east: near b and c, far from a's west
    ("C", "Main Clinic", "clinic", (1100, 20)),
    ("E", "Day Care", "elderly_care", (1850, 200)),  # at the gate of the estate
)  # South Surgery is gone


def town(facilities: Any = FACILITIES, **other: Any) -> City:
    return toy_town(facilities=toy_facilities(facilities), **other)


def measured(city: City) -> Report:
    return analyze(city, STANDARD)


def saved(city: City, folder: Path) -> Path:
    measured(city).save(folder)
    return folder


def copied(run: Path, folder: Path, **changes: Any) -> Path:
    """Return a copy of a run whose record says something else."""
    shutil.copytree(run, folder)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(record | changes), encoding="utf-8")
    return folder


def rewritten(run: Path, folder: Path, change: Callable[[str, gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Path:
    """Return a copy of a run whose layers went through `change`."""
    shutil.copytree(run, folder)
    (folder / "gaps.gpkg").unlink()
    for layer in ("gaps", "communities", "facilities", "homes"):
        frame = change(layer, gpd.read_file(run / "gaps.gpkg", layer=layer))
        frame.to_file(folder / "gaps.gpkg", layer=layer)
    return folder
