"""What is a city to us: people, facilities and walkable streets, in one metric coordinate system.

The constructor of `City` is the one place that proves what every later step relies on.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from lifecircle.costs import Relief
from lifecircle.doors import DOORS
from lifecircle.errors import DataError
from lifecircle.metric import check_metric
from lifecircle.network import WalkNetwork

MEASURES = ("residents", "floor_m2", "home_places")
"""What a home can count as; also the name of the column that counts it."""
REAL = "real"
_POINTS, _POLYGONS = (0,), (3, 6)
CELL_M = 50.0
"""Side of the cells that gaps are drawn with and area is sampled on."""


@dataclasses.dataclass(frozen=True, eq=False)
class City:
    """People, facilities and streets of one place, every layer in `crs`.

    Attributes
    ----------
    name
        ``{"en": ..., "zh": ...}``.
    crs
        Projected CRS in metres.
    network
        Streets a person may walk.
    communities
        Polygons: community_id (unique text), community (name), population (NaN where it is missing).
    facilities
        Points: facility_id (unique text), name, service (id), source ("osm" or a file's name); perhaps doors
        (MultiPoints where it meets the street, None where that is not known).
    homes
        Points: community_id, kind (building, grid, list or none), floor_m2, residents, home_places (1 each).
        A home of kind ``none`` stands for a community where no home is known: all about it is unknown.
        Perhaps doors, as for facilities.
    measure
        Which column of `homes` counts people: one of `MEASURES`.
    lang
        Language of the place, ``"en"`` or ``"zh"``.
    data
        ``"real"`` or ``"synthetic sample"``.
    relief
        How hilly each street of `network` is; None where no elevation was read and all are level.
    backdrop
        Polygons for drawing: kind (water, green, building).
    boundary
        Area that the street data covers; None where it is not known.
    quality
        What was read, dropped and assumed: item (a message key), count, detail.
    inputs
        Role, path, size and SHA-256 of every file read.
    osm_timestamp
        When the street data was taken from OpenStreetMap.
    service_sources
        Where the facilities of each service came from.
    origin
        The files it was read from, as plain values for JSON; empty for a city made in Python.

    Raises
    ------
    DataError
        If a layer has another CRS, an id stands twice, a geometry is empty or invalid, a home has no
        community, or `measure` is missing for a home.
    """

    name: Mapping[str, str]
    crs: pyproj.CRS
    network: WalkNetwork
    communities: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    homes: gpd.GeoDataFrame
    measure: str
    lang: str = "en"
    data: str = REAL
    relief: Relief | None = None
    backdrop: gpd.GeoDataFrame | None = None
    boundary: shapely.Polygon | shapely.MultiPolygon | None = None
    quality: pd.DataFrame = dataclasses.field(
        default_factory=lambda: pd.DataFrame({"item": [], "count": [], "detail": []})
    )
    inputs: tuple[Mapping[str, Any], ...] = ()
    osm_timestamp: str | None = None
    service_sources: Mapping[str, str] = dataclasses.field(default_factory=dict)
    folder: Path | None = None
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prove the promises above."""
        check_metric(self.crs)
        _check_layer("communities", self.communities, self.crs, _POLYGONS)
        _check_layer("facilities", self.facilities, self.crs, _POINTS)
        _check_layer("homes", self.homes, self.crs, _POINTS)
        for layer, places in (("facilities", self.facilities), ("homes", self.homes)):
            if DOORS in places:
                _check_doors(layer, places[DOORS])
        if self.communities.empty:
            raise DataError("city.no_communities")
        if self.network.crs != self.crs:
            raise DataError("city.other_crs", layer="network", found=self.network.crs.name, crs=self.crs.name)
        _check_unique("communities", self.communities["community_id"])
        _check_unique("facilities", self.facilities["facility_id"])
        strangers = ~self.homes["community_id"].isin(self.communities["community_id"])
        if strangers.any():
            raise DataError("city.no_community", value=self.homes["community_id"][strangers].iloc[0])
        if self.measure not in MEASURES:
            raise DataError("city.unknown_measure", value=self.measure, known=", ".join(MEASURES))
        if self.measure not in self.homes:
            raise DataError("city.bad_weight", measure=self.measure, count=len(self.homes))
        unusable = ~(np.isfinite(self.weight) & (self.weight >= 0))
        if unusable.any():
            raise DataError("city.bad_weight", measure=self.measure, count=int(unusable.sum()))

    def __repr__(self) -> str:
        """Return the city in one line."""
        return (
            f"<City {self.name['en']}: {len(self.communities)} communities, {len(self.homes):,} homes, "
            f"{len(self.facilities):,} facilities, {self.network!r}>"
        )

    @property
    def is_synthetic(self) -> bool:
        """Whether this is an invented place whose numbers mean nothing."""
        return self.data != REAL

    @property
    def weight(self) -> NDArray[np.float64]:
        """Shape (homes,). What each home counts, in the unit of `measure`."""
        return np.asarray(self.homes[self.measure], dtype=np.float64)

    def label(self, lang: str) -> str:
        """Return the name in a language."""
        return self.name[lang]


def _check_layer(layer: str, frame: gpd.GeoDataFrame, crs: pyproj.CRS, types: tuple[int, ...]) -> None:
    if frame.crs != crs:
        raise DataError("city.other_crs", layer=layer, found=frame.crs and frame.crs.name, crs=crs.name)
    geometry = frame.geometry.to_numpy()
    bad = shapely.is_missing(geometry) | shapely.is_empty(geometry) | ~shapely.is_valid(geometry)
    bad |= ~np.isin(shapely.get_type_id(geometry), types) | ~np.isfinite(shapely.bounds(geometry)).all(axis=1)
    if bad.any():
        raise DataError("city.bad_geometry", layer=layer, row=int(bad.argmax()), count=int(bad.sum()))


def _check_doors(layer: str, doors: "pd.Series[Any]") -> None:
    known = np.flatnonzero(doors.notna())
    shapes = doors.to_numpy()[known]
    bad = ~shapely.is_geometry(shapes)
    bad[~bad] = shapely.get_type_id(shapes[~bad]) != shapely.GeometryType.MULTIPOINT
    bad[~bad] = ~np.isfinite(shapely.bounds(shapes[~bad])).all(axis=1)
    if bad.any():
        raise DataError("city.bad_doors", layer=layer, row=int(known[bad.argmax()]), count=int(bad.sum()))


def _check_unique(layer: str, ids: "pd.Series[str]") -> None:
    if ids.duplicated().any():
        raise DataError("city.id_twice", layer=layer, value=ids[ids.duplicated()].iloc[0])
