"""What does a GIS get: gaps, communities, facilities and homes as layers."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from lifecircle.bands import time_bands
from lifecircle.coverage import Coverage
from lifecircle.doors import DOORS
from lifecircle.render.limits_text import limit_code
from lifecircle.render.whom import groups_shown, without_small
from lifecircle.supply import offered_per_1000

_SYNCHRONOUS = "OGR_SQLITE_SYNCHRONOUS"
_SHAPES = {"gaps": "MultiPolygon", "communities": "MultiPolygon", "spacing": "MultiLineString"}


def layers(coverage: Coverage, gaps: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of ``gaps.gpkg``, each with a column ``data`` that says whether the city is real.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps.

    Returns
    -------
    dict of str to GeoDataFrame
        ``gaps``, ``communities`` (with shares and amounts per service and limit), ``facilities`` and
        ``homes`` (with one column of minutes per service: inf is out of reach, null is unknown; and what they
        are offered per 1,000 of services with a known capacity), in the CRS of the city; of a standard with
        spacings ``spacing`` too, the stretches of street that do not meet it.
    """
    city = coverage.city
    # a layer holds one geometry: doors stay behind
    facilities = city.facilities.drop(columns=DOORS, errors="ignore")
    communities = groups_shown(city.communities, coverage)
    frames = {
        "gaps": without_small(gaps, coverage),
        "communities": communities.merge(_wide(coverage), on="community_id", how="left"),
        "facilities": facilities,
        "homes": homes_layer(coverage),
    }
    if coverage.standard.spaced:
        frames["spacing"] = coverage.spacing.stretches
    return {name: frame.assign(data=city.data) for name, frame in frames.items()}


def homes_layer(coverage: Coverage) -> gpd.GeoDataFrame:
    """Return the layer ``homes`` of `layers`."""
    homes = coverage.city.homes.drop(columns=DOORS, errors="ignore")
    walks = groups_shown(homes, coverage).join(coverage.minutes)
    return walks.join(offered_per_1000(coverage)).assign(data=coverage.city.data)


def write_geopackage(coverage: Coverage, gaps: gpd.GeoDataFrame, path: Path) -> None:
    """Write `layers` to a new GeoPackage.

    Parameters
    ----------
    coverage, gaps
        As for `layers`.
    path
        The file; it must not exist.
    """
    with _not_waiting_for_the_disk():
        for name, frame in layers(coverage, gaps).items():
            shape = _SHAPES.get(name, "Point")
            _write(
                frame,
                path,
                layer=name,
                driver="GPKG",
                mode="a" if path.exists() else "w",
                geometry_type=shape,  # one type, also for a layer without rows
                promote_to_multi=shape != "Point",
            )


def write_geojson(coverage: Coverage, gaps: gpd.GeoDataFrame, path: Path) -> None:
    """Write the gaps as GeoJSON by RFC 7946: degrees of WGS 84, seven decimals, null for inf and NaN.

    Parameters
    ----------
    coverage, gaps
        As for `layers`.
    path
        The file.
    """
    _write_degrees(layers(coverage, gaps)["gaps"], path)


def write_bands(coverage: Coverage, path: Path) -> None:
    """Write the ground within each limit of each service (`lifecircle.bands.time_bands`), as `write_geojson`.

    Parameters
    ----------
    coverage
        The measured city.
    path
        The file.
    """
    _write_degrees(time_bands(coverage).assign(data=coverage.city.data), path)


def _write_degrees(frame: gpd.GeoDataFrame, path: Path) -> None:
    _write(
        frame.to_crs(4326).replace([np.inf, -np.inf], np.nan),
        path,
        driver="GeoJSON",
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        layer_options={"RFC7946": "YES", "WRITE_BBOX": "YES"},
    )


def write_parquet(coverage: Coverage, gaps: gpd.GeoDataFrame, folder: Path) -> None:
    """Write each of the `layers` as GeoParquet, in the CRS of the city.

    Parameters
    ----------
    coverage, gaps
        As for `layers`.
    folder
        Where to; it must exist.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    """
    for name, frame in layers(coverage, gaps).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)


@contextlib.contextmanager
def _not_waiting_for_the_disk() -> Iterator[None]:
    """Have GDAL hand a GeoPackage to the system as every other file is: what is half written is thrown away.

    Else it waits, many times a layer, until all is on the disk.
    """
    before = pyogrio.get_gdal_config_option(_SYNCHRONOUS)
    pyogrio.set_gdal_config_options({_SYNCHRONOUS: "OFF"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({_SYNCHRONOUS: before})


def _write(frame: gpd.GeoDataFrame, path: Path, **options: object) -> None:
    try:
        frame.to_file(path, engine="pyogrio", index=False, **options)
    except RuntimeError as error:  # which is what GDAL makes of a full disk
        raise OSError(str(error)) from error


def _wide(coverage: Coverage) -> pd.DataFrame:
    """Return one row per community, with columns such as ``clinic_10_share_covered`` or ``clinic_500m_…``."""
    table = without_small(coverage.by_community(), coverage)
    pairs = [f"{service.id}_{limit_code(limit)}" for service, limit in coverage.standard.pairs]
    table["pair"] = pairs * len(coverage.city.communities)
    parts = [
        table.pivot_table(
            value, index="community_id", columns="pair", aggfunc="first", sort=False, dropna=False
        ).add_suffix(f"_{value}")
        for value in ("share_covered", f"{coverage.city.measure}_gap")
    ]
    return pd.concat(parts, axis=1).reset_index()
