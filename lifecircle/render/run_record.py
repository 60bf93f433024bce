"""How was this result made (``run.json``): versions, settings, inputs, time and memory?"""

import dataclasses
import datetime as dt
import functools
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pyogrio
import pyproj
import shapely

from lifecircle import __version__
from lifecircle.coverage import Coverage
from lifecircle.render.tables import records
from lifecircle.sources.memory import peak_mb

_LIBRARIES = (
    "folium",
    "geopandas",
    "matplotlib",
    "numpy",
    "osmium",
    "osmnx",
    "pandas",
    "pyogrio",
    "pyproj",
    "python-docx",
    "scipy",
    "shapely",
    "XlsxWriter",
)


def run_record(
    coverage: Coverage,
    settings: Mapping[str, object],
    seconds: Mapping[str, float],
    *,
    lang: str,
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return all that is needed to repeat a run, or to read it again, for JSON (paths as text).

    Parameters
    ----------
    coverage
        The measured city.
    settings
        What the user chose.
    seconds
        How long each step took.
    lang
        Language of the report.
    files
        SHA-256 of the other files of the run, by their path in its folder.

    Returns
    -------
    dict
    """
    city, standard = coverage.city, coverage.standard
    return {
        "data": city.data,
        "city": dict(city.name),
        "lifecircle": __version__,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "lang": lang,
        "settings": dict(settings),
        "measure": city.measure,
        "round_trip": coverage.round_trip,
        "crs": city.crs.to_string(),
        "standard": dataclasses.asdict(standard),
        "paces": {
            service.id: {"mps": service.pace_mps, "source": service.pace_source, "grade": service.pace_grade}
            for service in standard.services
        },
        "service_sources": dict(city.service_sources),
        "osm_timestamp": city.osm_timestamp,
        "inputs": [dict(file) for file in city.inputs],
        "origin": dict(city.origin),
        "files": dict(files),
        "totals": records(coverage.totals()),
        "elapsed_s": {
            **{step: round(value, 3) for step, value in seconds.items()},
            "total": round(sum(seconds.values()), 3),
        },
        "peak_memory_mb": peak_memory_mb(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": _versions(),
        "gdal": pyogrio.__gdal_version_string__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
    }


def peak_memory_mb() -> float | None:
    """Return the most memory this process ever held, in megabytes; None where the system does not say."""
    most = peak_mb()
    return None if most is None else round(most, 1)


@functools.cache
def _versions() -> dict[str, str]:
    """Return the versions of the libraries that make a result."""
    return {name: metadata.version(name) for name in _LIBRARIES}
