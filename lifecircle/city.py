"""What is a city to us: people, facilities and walkable streets, in one metric coordinate system.

The constructor of `City` is the one place that proves what every later step relies on.
"""

import dataclasses
import functools
import itertools
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
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import AGE_COLUMNS, MIN_GROUP, REAL
from lifecircle.links import link_line, with_link
from lifecircle.metric import check_metric, moved
from lifecircle.network import WalkNetwork
from lifecircle.statuses import BUILT, status_of

MEASURES = ("residents", "households", "floor_m2", "home_places")
"""What a home can count as; also the name of the column that counts it."""
SCENARIO = "scenario"
"""Source of a facility that somebody only thought of."""
_POINTS, _POLYGONS = (0,), (3, 6)
_POLE = 90.0
CELL_M = 50.0
"""Side of the cells that gaps are drawn with and area is sampled on."""


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """Units in which communities, or parts of them, are counted together, such as subdistricts (街道).

    Attributes
    ----------
    id
        Lower-case word, such as ``"subdistrict"``.
    name
        ``{"en": ..., "zh": ...}``.
    units
        Polygons: unit_id (unique text) and unit (name).
    of_community
        Shape (communities,). Row of the unit that each community belongs to, -1 for none; None where a home
        belongs to the unit that it lies in, the smallest of several.
    """

    id: str
    name: Mapping[str, str]
    units: gpd.GeoDataFrame
    of_community: NDArray[np.int64] | None = None

    def label(self, lang: str) -> str:
        """Return the name in a language."""
        return self.name[lang]


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
        Polygons: community_id (unique text), community (name), population (NaN where it is missing), and
        where they are known households and the `lifecircle.kinds.AGE_COLUMNS`.
    facilities
        Points: facility_id (unique text), name, service (id), source ("osm" or a file's name); perhaps doors
        (MultiPoints where it meets the street, None where that is not known), status, capacity (how much it
        offers; NaN where that is not known), capacity_from (what told it) and the sizes floor_m2, area_m2,
        beds and classes. Every row counts as standing.
    homes
        Points: community_id, kind (building, grid, list or none), floor_m2, residents, home_places (1 each),
        and where every community has them households and the `lifecircle.kinds.AGE_COLUMNS`.
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
    levels
        Units above the communities, such as subdistricts, from the finest to the coarsest.
    min_group
        Smaller groups of an age are not shown by community.
    age_shares
        By age group, the share of the population that stands in where a community gives no number.
    planned
        Facilities, as in `facilities`, that do not stand (yet), by their status: none of them counts.
    indicators
        What a table asks beside walks: indicator, target, value, unit, source, texts as they stand there;
        None where there is none.
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
    levels: tuple[Level, ...] = ()
    min_group: float = MIN_GROUP
    age_shares: Mapping[str, float] = dataclasses.field(default_factory=dict)
    planned: gpd.GeoDataFrame | None = None
    indicators: pd.DataFrame | None = None
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
        if self.planned is not None:
            _check_layer("planned", self.planned, self.crs, _POINTS)
        known = [frame["facility_id"] for frame in (self.facilities, self.planned) if frame is not None]
        _check_unique("facilities", pd.concat(known, ignore_index=True))
        strangers = ~self.homes["community_id"].isin(self.communities["community_id"])
        if strangers.any():
            raise DataError("city.no_community", value=self.homes["community_id"][strangers].iloc[0])
        if self.measure not in MEASURES:
            raise DataError("city.unknown_measure", value=self.measure, known=", ".join(MEASURES))
        if self.measure not in self.homes:
            raise DataError("city.bad_weight", measure=self.measure, count=len(self.homes))
        _check_amounts(self.homes, self.measure)
        for level in self.levels:
            _check_layer(level.id, level.units, self.crs, _POLYGONS)
            _check_unique(level.id, level.units["unit_id"])

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

    def denominator(self, ages: str) -> str:
        """Return the column of `homes` that counts an age group, one of `lifecircle.kinds.AGES`.

        It is that of all residents, or what else `measure` is, where the group is not known.
        """
        column = AGE_COLUMNS.get(ages, self.measure)
        return column if self.measure == "residents" and column in self.homes else self.measure

    def weight_for(self, ages: str) -> NDArray[np.float64]:
        """Shape (homes,). What each home counts of an age group, or of all where the group is not known."""
        return np.asarray(self.homes[self.denominator(ages)], dtype=np.float64)

    @functools.cached_property
    def area(self) -> shapely.Polygon | shapely.MultiPolygon:
        """All the communities together."""
        whole: shapely.Polygon | shapely.MultiPolygon = self.communities.union_all()
        return whole

    @functools.cached_property
    def inhabited_m2(self) -> NDArray[np.float64]:
        """Shape (homes,). The part of a 50 m cell that each home stands for: homes of a cell share it."""
        corner = np.column_stack([self.homes.geometry.x, self.homes.geometry.y]) // CELL_M
        # As one number, of which NumPy finds the different ones ten times as fast as of pairs. A product with
        # [1, 1j] gives it too, but wakes a thread of BLAS on each core, and these spin on for a while.
        _, cell, count = np.unique(corner.view(np.complex128)[:, 0], return_inverse=True, return_counts=True)
        return np.asarray(CELL_M**2 / count[cell])

    def label(self, lang: str) -> str:
        """Return the name in a language."""
        return self.name[lang]

    def with_facility(
        self, service: str, *, lon: float, lat: float, name: str = "", capacity: float | None = None
    ) -> "City":
        """Return the city with one more facility; `lifecircle.remeasure` measures it in no time.

        Parameters
        ----------
        service
            Id of its service.
        lon, lat
            Degrees of WGS 84.
        name
            What to call it.
        capacity
            Places it offers.

        Raises
        ------
        DataError
            If the position is no such place on earth.
        """
        point = gpd.GeoSeries([self._point(lon, lat)], crs=self.crs)
        sites = gpd.GeoDataFrame({"name": [name]}, geometry=point)
        return self.with_facilities(service, sites if capacity is None else sites.assign(capacity=capacity))

    def with_facilities(self, service: str, sites: gpd.GeoDataFrame) -> "City":
        """Return the city with more facilities of a service.

        Parameters
        ----------
        service
            Id of their service.
        sites
            Points in the city's CRS; name, capacity and doors where they are there. They get ids ``new-1``,
            ``new-2`` …
        """
        known = set(self.facilities["facility_id"]) | set(
            () if self.planned is None else self.planned["facility_id"]
        )
        fresh = (f"new-{number}" for number in itertools.count(1) if f"new-{number}" not in known)
        shape = self.facilities.geometry.name
        columns = {name: sites[name].to_numpy() for name in ("name", "capacity", "doors") if name in sites}
        added = gpd.GeoDataFrame(
            {
                "facility_id": list(itertools.islice(fresh, len(sites))),
                "name": "",
                "service": service,
                "source": SCENARIO,
                **columns,
                shape: sites.geometry.to_numpy(),
            },
            geometry=shape,
            crs=sites.crs,
        )
        every = _stacked([self.facilities, added])
        if DOORS in every:  # where only the others have doors, rows without would hold NaN
            doors = every[DOORS].to_numpy(dtype=object, copy=True)
            doors[every[DOORS].isna().to_numpy()] = None
            every[DOORS] = doors
        if "capacity_from" in every:
            every["capacity_from"] = every["capacity_from"].fillna("")
        return dataclasses.replace(self, facilities=every)

    def without_facility(self, facility_id: str) -> "City":
        """Return the city without one of its facilities.

        Raises
        ------
        UnknownNameError
            If it has none of that id.
        """
        kept = self.facilities["facility_id"] != facility_id
        if kept.all():
            known = ", ".join(self.facilities["facility_id"].iloc[:10])
            raise UnknownNameError("siting.unknown_facility", value=facility_id, known=known)
        return dataclasses.replace(self, facilities=self.facilities[kept].reset_index(drop=True))

    def with_link(self, start: tuple[float, float], end: tuple[float, float]) -> "City":
        """Return the city with a new public street: a dead end joined, a bridge, a gate.

        Parameters
        ----------
        start, end
            Longitude and latitude, degrees of WGS 84. The link runs straight between the nearest points of
            streets, is level, and takes no steps. See `lifecircle.links.with_link`.

        Raises
        ------
        DataError
            If an end is far from every street, or both are the same point of one street.
        """
        ends = (self._point(*place) for place in (start, end))
        return self.with_link_at(*((point.x, point.y) for point in ends))

    def link_line(self, start: tuple[float, float], end: tuple[float, float]) -> shapely.LineString:
        """Return where `with_link` would build, in the city's CRS; parameters and errors as there."""
        places = (self._point(*place) for place in (start, end))
        return link_line(self.network, *((point.x, point.y) for point in places))

    def with_link_at(self, start: tuple[float, float], end: tuple[float, float]) -> "City":
        """Return the city with a new public street as `with_link`, between places in metres of its CRS."""
        network, parent = with_link(self.network, start, end, boundary=self.boundary)
        relief = self.relief
        if relief is not None:
            level = zip(relief, (1.0, 1.0, 0.0), strict=True)
            relief = Relief(*(np.append(values, flat)[parent] for values, flat in level))
        return dataclasses.replace(self, network=network, relief=relief)

    def with_status(self, *statuses: str) -> "City":
        """Return the city as it is once facilities of these statuses stand.

        Parameters
        ----------
        *statuses
            Such as ``"拟建"`` or ``"planned"``, ``"在建"`` or ``"under_construction"``; without any, only
            what stands today counts.

        Returns
        -------
        City
            Facilities that stand, or whose ``status`` says nothing known, and those of `statuses`; the others
            are `planned`. Without a column ``status`` all stand.

        Raises
        ------
        DataError
            If a word is no status.
        """
        for word in statuses:
            if not status_of(word):
                raise DataError("siting.unknown_status", value=word)
        every = _stacked([self.facilities] if self.planned is None else [self.facilities, self.planned])
        if "status" not in every:
            return self
        counted = {"", BUILT, *map(status_of, statuses)}
        stands = every["status"].fillna("").map(status_of).isin(counted)
        facilities, planned = (every[rows].reset_index(drop=True) for rows in (stands, ~stands))
        return dataclasses.replace(self, facilities=facilities, planned=planned)

    def _point(self, lon: float, lat: float) -> shapely.Point:
        """Return a place in the city's CRS."""
        x, y = moved([[lon, lat]], 4326, self.crs)[0]
        if not (np.isfinite([x, y]).all() and abs(lat) <= _POLE):
            raise DataError("siting.no_such_place", lon=lon, lat=lat)
        return shapely.Point(x, y)


def _stacked(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return frames as one, with the index numbered anew; an empty one must not turn columns into others."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=frames[0].crs)


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


def _check_amounts(homes: gpd.GeoDataFrame, measure: str) -> None:
    for column in (measure, *(one for one in AGE_COLUMNS.values() if one in homes)):
        values = np.asarray(homes[column], dtype=np.float64)
        unusable = ~(np.isfinite(values) & (values >= 0))
        if unusable.any():
            raise DataError("city.bad_weight", measure=column, count=int(unusable.sum()))


def _check_unique(layer: str, ids: "pd.Series[str]") -> None:
    if ids.duplicated().any():
        raise DataError("city.id_twice", layer=layer, value=ids[ids.duplicated()].iloc[0])
