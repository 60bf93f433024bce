"""What does an OpenStreetMap file hold: streets, homes, facilities, and where does it end?

Read by pyosmium in one pass. Clipped extracts, whose ways miss nodes, are cut where the nodes end, and the
cut is remembered: beyond it nothing is known.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from lifecircle.errors import DataError, FileError
from lifecircle.metric import as_crs, check_metric, metric_crs
from lifecircle.network import WalkNetwork
from lifecircle.sources.osm_things import (
    Things,
    backdrop_among,
    facilities_among,
    homes_among,
    service_finder,
)
from lifecircle.streets import Ways
from lifecircle.walkable import Walk, who_may_walk

if TYPE_CHECKING:
    from lifecircle.standard import Service

SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_OSM_BEGAN = 2004
_WALK_TAGS = ("highway", "access", "foot", "motorroad", "oneway:foot", "foot:forward", "foot:backward")


@dataclasses.dataclass(frozen=True, eq=False)
class OsmData:
    """What one file holds, in one metric CRS.

    Attributes
    ----------
    network
        Streets a person may walk.
    homes
        Points of residential buildings: floor_m2 (footprint x levels).
    facilities
        Points: facility_id, name, service, source.
    backdrop
        Polygons for drawing: kind is water, green or building.
    boundary
        Area the file says it covers; None where it does not say.
    timestamp
        When the data was taken from OpenStreetMap.
    quality
        Columns item, count, detail.
    """

    network: WalkNetwork
    homes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    boundary: shapely.Polygon | shapely.MultiPolygon | None
    timestamp: str | None
    quality: pd.DataFrame


@dataclasses.dataclass
class _Raw:
    """What was heard from the file so far; thrown away whole if the file turns out to be broken."""

    vertex: list[int] = dataclasses.field(default_factory=list)
    lon: list[float] = dataclasses.field(default_factory=list)
    lat: list[float] = dataclasses.field(default_factory=list)
    cut: list[bool] = dataclasses.field(default_factory=list)
    way_start: list[int] = dataclasses.field(default_factory=lambda: [0])
    tags: list[dict[str, str]] = dataclasses.field(default_factory=list)
    clipped_ways: int = 0
    lonely: set[int] = dataclasses.field(default_factory=set)
    newest: str = ""
    outlines: list[str] = dataclasses.field(default_factory=list)
    outline_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    outline_ids: list[str] = dataclasses.field(default_factory=list)
    broken_areas: int = 0
    points: list[str] = dataclasses.field(default_factory=list)
    point_tags: list[Mapping[str, str]] = dataclasses.field(default_factory=list)
    point_ids: list[str] = dataclasses.field(default_factory=list)
    box: tuple[float, float, float, float] | None = None
    timestamp: str | None = None


def read_osm(
    path: str | Path,
    *,
    services: Iterable["Service"] = (),
    crs: object | None = None,
    boundary: gpd.GeoSeries | None = None,
) -> OsmData:
    """Return the streets, homes and facilities of an OpenStreetMap file.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    services
        Services whose tags name the facilities.
    crs
        Metric CRS to work in; where None one is chosen from the place.
    boundary
        Area the data covers, any CRS; where None the box in the file's header.

    Returns
    -------
    OsmData

    Raises
    ------
    FileError
        If the file does not exist.
    DataError
        If it is not an OpenStreetMap file, is cut short, or holds no street.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("osm.missing", path=path)
    if not path.name.endswith(SUFFIXES):
        raise DataError("osm.suffix", path=path, suffixes=" ".join(SUFFIXES))
    services = tuple(services)
    raw = _listen(path, services)
    if not raw.tags:
        raise DataError("osm.no_streets", path=path)
    target = _target_crs(crs, raw)
    area = _area_covered(raw.box, boundary, target)
    vertices = _projected(shapely.points(raw.lon, raw.lat), target)
    # a way of which a single node is here leaves the data where other ways pass that node
    cut = np.array(raw.cut, dtype=bool) | np.isin(raw.vertex, list(raw.lonely))
    ways = Ways(raw.vertex, shapely.get_coordinates(vertices), raw.way_start, raw.tags, cut)
    network = WalkNetwork.from_ways(ways, crs=target, boundary=area)
    outlines = Things(_projected(shapely.from_wkb(raw.outlines), target), raw.outline_tags, raw.outline_ids)
    points = Things(_projected(shapely.from_wkb(raw.points), target), raw.point_tags, raw.point_ids)
    homes, home_counts = homes_among(outlines, target)
    facilities = [facilities_among(things, services, target) for things in (points, outlines)]
    counts = {
        "osm.clipped_ways": raw.clipped_ways,
        "osm.broken_areas": raw.broken_areas,
        "osm.island_streets": int(network.island.sum()),
        "osm.private_streets": int(network.private.sum()),
        "osm.data_ends": len(network.exits),
        **home_counts,
    }
    return OsmData(
        network=network,
        homes=homes,
        facilities=gpd.GeoDataFrame(pd.concat(facilities, ignore_index=True), crs=target),
        backdrop=backdrop_among(outlines, target),
        boundary=area,
        timestamp=raw.timestamp or raw.newest or None,
        quality=pd.DataFrame({"item": list(counts), "count": list(counts.values()), "detail": path.name}),
    )


def _listen(path: Path, services: Sequence["Service"]) -> _Raw:
    """Hear the whole file; nothing of a broken one is kept."""
    import osmium  # noqa: PLC0415  a compiled reader that only this function needs

    area_keys = {"building", "landuse", "natural", "waterway", "leisure", "amenity"}
    service_keys = {key for service in services for rule in service.osm for key in rule}
    offers = service_finder(services)
    raw = _Raw()
    try:
        with osmium.io.Reader(str(path)) as reader:
            header = reader.header()
        raw.timestamp = header.get("osmosis_replication_timestamp") or None
        box = header.box()
        if box.valid():
            raw.box = (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat)
        wkb = osmium.geom.WKBFactory()
        thing: Any
        kinds = osmium.osm
        heard = osmium.FileProcessor(str(path)).with_areas(osmium.filter.KeyFilter(*area_keys, *service_keys))
        heard.with_filter(osmium.filter.EntityFilter(kinds.NODE | kinds.WAY | kinds.AREA))
        for kind, keys in ((kinds.WAY, {"highway"}), (kinds.NODE, service_keys or {"amenity"})):
            with_keys = osmium.filter.KeyFilter(*keys)
            with_keys.enable_for(kind)
            heard.with_filter(with_keys)
        for thing in heard:
            if thing.is_way():
                _hear_way(thing, raw)
            elif thing.is_area():
                _hear_area(thing, raw, wkb)
            elif thing.is_node() and offers(thing.tags):
                raw.points.append(wkb.create_point(thing))
                raw.point_tags.append(dict(thing.tags))
                raw.point_ids.append(f"n{thing.id}")
    except (RuntimeError, ValueError) as error:
        raise DataError("osm.corrupt", path=path, cause=error) from error
    return raw


def _hear_way(way: Any, raw: _Raw) -> None:  # noqa: ANN401  pyosmium's types carry no annotations
    """Keep a walkable way; where nodes are missing it falls into the pieces that are there."""
    tags = {key: value for key in _WALK_TAGS if (value := way.tags.get(key)) is not None}
    if "highway" not in tags or who_may_walk(tags) is Walk.CLOSED:
        return
    if raw.timestamp is None and way.timestamp.year >= _OSM_BEGAN:
        raw.newest = max(raw.newest, way.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ"))
    piece: list[tuple[int, float, float]] = []
    missing_before = clipped = False
    for node in way.nodes:
        location = node.location
        if location.valid():
            piece.append((node.ref, location.lon, location.lat))
            continue
        clipped = True
        _keep_piece(piece, raw, tags, cut_first=missing_before, cut_last=True)
        piece, missing_before = [], True
    _keep_piece(piece, raw, tags, cut_first=missing_before, cut_last=False)
    raw.clipped_ways += clipped


def _keep_piece(
    piece: list[tuple[int, float, float]], raw: _Raw, tags: dict[str, str], *, cut_first: bool, cut_last: bool
) -> None:
    if len(piece) < 2:  # noqa: PLR2004  a line has two ends
        raw.lonely.update(ref for ref, *_ in piece if cut_first or cut_last)
        return
    for ref, lon, lat in piece:
        raw.vertex.append(ref)
        raw.lon.append(lon)
        raw.lat.append(lat)
    raw.cut.extend([cut_first, *[False] * (len(piece) - 2), cut_last])
    raw.way_start.append(len(raw.vertex))
    raw.tags.append(tags)


def _hear_area(area: Any, raw: _Raw, wkb: Any) -> None:  # noqa: ANN401
    try:
        raw.outlines.append(wkb.create_multipolygon(area))
    except RuntimeError:
        raw.broken_areas += 1
        return
    raw.outline_tags.append(dict(area.tags))
    raw.outline_ids.append(f"{'w' if area.from_way() else 'r'}{area.orig_id()}")


def _projected(shapes: NDArray[Any], crs: pyproj.CRS) -> NDArray[Any]:
    """Return shapes in degrees as shapes in metres."""
    projected: NDArray[Any] = gpd.GeoSeries(shapes, crs=4326).to_crs(crs).to_numpy()
    return projected


def _target_crs(crs: object | None, raw: _Raw) -> pyproj.CRS:
    """Return the CRS asked for, or one that fits the middle of the streets."""
    if crs is None:
        return metric_crs(float(np.median(raw.lon)), float(np.median(raw.lat)))
    target = as_crs(crs)
    check_metric(target)
    return target


def _area_covered(
    box: tuple[float, float, float, float] | None, boundary: gpd.GeoSeries | None, crs: pyproj.CRS
) -> shapely.Polygon | shapely.MultiPolygon | None:
    if boundary is not None:
        area: shapely.Polygon | shapely.MultiPolygon = boundary.to_crs(crs).union_all()
        return area
    if box is None:
        return None
    # a box in degrees has curved sides in metres
    rim = gpd.GeoSeries([shapely.segmentize(shapely.box(*box), 0.01)], crs=4326)
    polygon: shapely.Polygon = rim.to_crs(crs).iloc[0]
    return polygon
