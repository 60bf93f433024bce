"""What does a city's own platform read: by community, by category, and the gaps (``docs/platform.md``)?"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle import __version__
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.render.tables import records
from lifecircle.render.whom import by_community, without_small
from lifecircle.shares import STATUS
from lifecircle.sources.datum import wgs84_to_gcj02
from lifecircle.streets import Floats

FORMAT: Final = 2
"""Number of this layout of the files; it grows when a reader of the old one would go wrong."""
DATUMS: Final[dict[str, Callable[[Floats], Floats]]] = {"wgs84": lambda at: at, "gcj02": wgs84_to_gcj02}
_DEGREES_DECIMALS, _DECIMALS = 7, 4
_SHARES = ("share_covered", "share_gap", "share_unknown", "share_area_covered")
_WALKS = ("median_minutes", "p90_minutes")


def write_platform(coverage: Coverage, gaps: gpd.GeoDataFrame, folder: Path, *, datum: str = "wgs84") -> None:
    """Write ``by_community.json``, ``by_category.json`` and ``gaps.json``.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    folder
        Where to; it must exist.
    datum
        Of the coordinates: ``"wgs84"``, or ``"gcj02"`` for platforms on AMap and the like.

    Raises
    ------
    DataError
        If there is no such datum.
    """
    if datum not in DATUMS:
        raise DataError("platform.unknown_datum", value=datum, known=", ".join(DATUMS))
    head = _head(coverage, datum)
    for name, body in (
        ("by_community", {"communities": _communities(coverage, datum)}),
        ("by_category", {"categories": _categories(coverage, datum)}),
        ("gaps", {"gaps": _gaps(without_small(gaps, coverage), datum)}),
    ):
        text = json.dumps({**head, **body}, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _head(coverage: Coverage, datum: str) -> dict[str, Any]:
    """Return what every file begins with."""
    city, standard = coverage.city, coverage.standard
    return {
        "format": FORMAT,
        "made_by": f"lifecircle {__version__}",
        "data": city.data,
        "city": dict(city.name),
        "standard": {"id": standard.id, "name": dict(standard.name)},
        "measure": city.measure,
        "datum": datum,
        "osm_timestamp": city.osm_timestamp,
        "attribution": "" if city.is_synthetic else "© OpenStreetMap contributors, ODbL",
    }


def _communities(coverage: Coverage, datum: str) -> list[dict[str, Any]]:
    city = coverage.city
    frame = city.communities
    frame = frame.set_geometry(frame.representative_point()).to_crs(4326)
    at = _shifted(shapely.get_coordinates(frame.geometry.to_numpy()), datum)
    table = dict(
        iter(_figures(without_small(coverage.by_community(), coverage)).groupby("community_id", sort=False))
    )
    return [
        {
            "community_id": community,
            "community": name,
            "population": _number(population),
            city.measure: _number(round(everyone, _DECIMALS)),
            "location": place,
            "services": {
                service: _thresholds(rows, city.measure)
                for service, rows in table[community].groupby("service", sort=False)
            },
        }
        for community, name, population, place, everyone in zip(
            *(frame["community_id"], frame["community"], frame["population"], at.tolist()),
            by_community(coverage).tolist(),
            strict=True,
        )
    ]


def _categories(coverage: Coverage, datum: str) -> list[dict[str, Any]]:
    city = coverage.city
    totals = dict(iter(_figures(coverage.totals()).groupby("service")))
    table = dict(iter(_figures(without_small(coverage.by_community(), coverage)).groupby("service")))
    at = _shifted(shapely.get_coordinates(city.facilities.to_crs(4326).geometry.to_numpy()), datum)
    facilities = city.facilities[["facility_id", "name", "source"]].assign(location=at.tolist())
    return [
        {
            "service": service.id,
            "name": dict(service.name),
            "limits": [dataclasses.asdict(limit) for limit in service.limits],
            "denominator": coverage.denominator(service.id),
            "pace_mps": service.pace_mps,
            "pace_source": service.pace_source,
            "pace_grade": service.pace_grade,
            "city": _thresholds(totals[service.id], city.measure),
            "communities": [
                {"community_id": community, "thresholds": _thresholds(rows, city.measure)}
                for community, rows in table[service.id].groupby("community_id", sort=False)
            ],
            "facilities": facilities[city.facilities["service"] == service.id].to_dict("records"),
        }
        for service in coverage.standard.services
    ]


def _gaps(gaps: gpd.GeoDataFrame, datum: str) -> list[dict[str, Any]]:
    shapes = gaps.geometry.to_crs(4326).to_numpy()
    shapes = shapely.orient_polygons(shapely.transform(shapes, lambda at: _shifted(at, datum)))
    rows = records(gaps.drop(columns="geometry").round(_DECIMALS))
    return [
        {**row, "geometry": json.loads(shape)}
        for row, shape in zip(rows, shapely.to_geojson(shapes), strict=True)
    ]


def _figures(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of coverage with the decimals of ``communities.csv``."""
    return table.round(_DECIMALS)


def _thresholds(rows: pd.DataFrame, measure: str) -> list[dict[str, Any]]:
    columns = [
        "threshold_minutes",
        "threshold_m",
        *(f"{measure}_{status}" for status in STATUS),
        *_SHARES,
        *_WALKS,
    ]
    return records(rows[[*columns, "nearest_facility"]])


def _shifted(lonlat: Floats, datum: str) -> Floats:
    return np.round(DATUMS[datum](lonlat), _DEGREES_DECIMALS)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
