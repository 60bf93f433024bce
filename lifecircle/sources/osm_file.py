"""What does an OpenStreetMap file hold: streets, homes, facilities, and where does it end?

Clipped extracts, whose ways miss nodes, are cut where the nodes end, and the cut is remembered: beyond it
nothing is known.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from lifecircle.doors import doors_of_outlines
from lifecircle.errors import DataError
from lifecircle.metric import as_crs, check_metric, metric_crs
from lifecircle.network import WalkNetwork
from lifecircle.sources.facility_facts import amounts_of_tags, with_capacity
from lifecircle.sources.notes import Note, note_counts
from lifecircle.sources.opening import LIMITS, Limits, check_file, check_osm
from lifecircle.sources.osm_barriers import WATER_KEYS, barriers_among, doors_on, is_wall
from lifecircle.sources.osm_elements import Elements, Found, Lines
from lifecircle.sources.osm_hearing import heard_of
from lifecircle.sources.osm_things import (
    Things,
    backdrop_among,
    facilities_among,
    facility_keys,
    homes_among,
)
from lifecircle.sources.pbf_arrays import OddPbfError
from lifecircle.sources.pbf_elements import pbf_elements
from lifecircle.streets import Ints, Ways, of_each
from lifecircle.walkable import Walk, hurdles, who_may_pass

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
_HALF_TURN = 180.0


@dataclasses.dataclass(frozen=True, eq=False)
class OsmGround:
    """What one file holds whatever services are asked for, in one metric CRS.

    Attributes
    ----------
    network
        Streets a person may walk.
    homes
        Points of residential buildings: floor_m2 (footprint x levels), doors (mapped entrances, else None).
    backdrop
        Polygons for drawing: kind is water, green or building.
    boundary
        Area the file says it covers; None where it does not say.
    timestamp
        When the data was taken from OpenStreetMap.
    counts
        For the table of data quality, by its items.
    points, outlines
        What may be a facility.
    mapped
        Shape (outlines,). The doors of each outline that are mapped, else None.
    """

    network: WalkNetwork
    homes: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    boundary: shapely.Polygon | shapely.MultiPolygon | None
    timestamp: str | None
    counts: Mapping[str, int]
    points: Things
    outlines: Things
    mapped: NDArray[Any]


@dataclasses.dataclass(frozen=True, eq=False)
class OsmData:
    """A file's ground and the facilities of some services.

    Attributes
    ----------
    network, homes, backdrop, boundary, timestamp
        As in `OsmGround`.
    facilities
        Points: facility_id, name, service, source.
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


def read_osm(
    path: str | Path,
    *,
    services: Iterable["Requirement"] = (),
    crs: object | None = None,
    boundary: gpd.GeoSeries | None = None,
    barriers: gpd.GeoSeries | None = None,
    limits: Limits = LIMITS,
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
    barriers
        Lines and polygons that no access leg crosses besides those in the file, any CRS.
    limits
        How much the file may unpack to, and which share of its nodes may lie nowhere on Earth.

    Returns
    -------
    OsmData

    Raises
    ------
    FileError
        If the file does not exist.
    DataError
        If it is not an OpenStreetMap file, is cut short, unpacks to too much, or holds no street.
    """
    services = tuple(services)
    ground = read_ground(
        path, services=services, crs=crs, boundary=boundary, barriers=barriers, limits=limits
    )
    return with_facilities(ground, services, Path(path))


def read_ground(
    path: str | Path,
    *,
    services: Iterable["Requirement"] = (),
    crs: object | None = None,
    boundary: gpd.GeoSeries | None = None,
    barriers: gpd.GeoSeries | None = None,
    limits: Limits = LIMITS,
) -> OsmGround:
    """Return what an OpenStreetMap file holds; parameters and errors as for `read_osm`.

    Of services only the keys count by which `facility_keys` knows them.
    """
    path = Path(path)
    check_is_osm(path, limits)
    keys = facility_keys(services)
    raw = elements_of(path, keys, limits)
    check_elements(raw, path, limits)
    return ground_of(raw, path, keys, crs=crs, boundary=boundary, barriers=barriers)


def elements_of(
    path: Path, facility_keys: Collection[str], limits: Limits, *, areas: Collection[str] | None = None
) -> Elements:
    """Return what is in a whole file, points that have one of `facility_keys`; of a broken one nothing.

    A PBF as nearly all are is decoded by NumPy; every other file is heard, and judged, by libosmium. Where
    areas that have one of some keys are asked for, others may be missing.

    Raises
    ------
    DataError
        If it is not an OpenStreetMap file, not whole, unpacks to too much, holds far more than its size lets
        expect, or cannot be put in order.
    """
    size = check_osm(path, limits)
    if path.name.endswith(".pbf"):
        with contextlib.suppress(OddPbfError):
            return pbf_elements(path, facility_keys, areas=areas)
    return heard_of(path, facility_keys, room=size if size <= limits.max_text_bytes else None)


def read_network(path: str | Path, *, crs: object | None = None) -> WalkNetwork:
    """Return the walking network of an OpenStreetMap file; parameters and errors as for `read_osm`."""
    path = Path(path)
    check_is_osm(path, LIMITS)
    raw = elements_of(path, (), LIMITS, areas=WATER_KEYS)
    check_elements(raw, path, LIMITS)
    network, *_ = _streets_of(raw, path, crs=crs)
    return network


def check_is_osm(path: Path, limits: Limits) -> None:
    """Prove that a file is there and has a name of OpenStreetMap's."""
    check_file(path, (path.suffix.lower(),), max_bytes=limits.max_bytes)
    if not path.name.endswith(SUFFIXES):
        raise DataError("osm.suffix", path=path, suffixes=" ".join(SUFFIXES))


def check_elements(raw: Elements, path: Path, limits: Limits) -> None:
    """Refuse a file of which too many nodes lie nowhere on Earth, or that holds no street."""
    count = len(raw.misplaced)
    if count and count > limits.max_dropped_share * (count + len(np.unique(raw.ways.vertex))):
        raise DataError("osm.misplaced", path=path, count=count, node=min(raw.misplaced))
    if not raw.ways.tags:
        raise DataError("osm.no_streets", path=path)


def _homes_among(
    network: WalkNetwork, outlines: Things, _gates: Things, mapped: NDArray[Any]
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    return homes_among(outlines, mapped, network.crs)


def ground_of(  # noqa: PLR0913  what may be chosen of a file
    raw: Elements,
    path: Path,
    keys: Iterable[str],
    *,
    crs: object | None = None,
    boundary: gpd.GeoSeries | None = None,
    barriers: gpd.GeoSeries | None = None,
    homes_among: Callable[..., tuple[gpd.GeoDataFrame, dict[str, int]]] = _homes_among,
) -> OsmGround:
    """Return what the elements of a file are.

    Parameters
    ----------
    raw, path
        What was heard of it, and its name.
    keys
        Of what may be a facility.
    crs, boundary, barriers
        As for `read_osm`.
    homes_among
        Finds the homes and their counts, given network, outlines, gates and mapped doors.
    """
    network, area, outlines, gates = _streets_of(raw, path, crs=crs, boundary=boundary, barriers=barriers)
    in_the_way, on_way = network.barriers, np.isin(np.arange(len(raw.gates.id)), _gates_at_vertices(raw))
    who_passes = np.array(of_each(gates.tags, who_may_pass), dtype=np.int64)[on_way]
    mapped = doors_on(outlines, gates)
    homes, home_counts = homes_among(network, outlines, gates, mapped)
    grounds = outlines.rows_having(keys)
    counts = {
        "osm.reordered": int(raw.reordered),
        "osm.objects_twice": raw.twice,
        "osm.nodes_out_of_range": len(raw.misplaced),
        "osm.facilities_within": 0,
        "osm.clipped_ways": raw.clipped_ways,
        "osm.broken_areas": raw.broken_areas,
        "osm.island_streets": int(network.island.sum()),
        "osm.private_streets": int(network.private.sum()),
        "osm.squares": raw.squares,
        "osm.data_ends": len(network.exits),
        "osm.barriers": len(in_the_way),
        "osm.openings": len(in_the_way.openings),
        "osm.gates_private": int((who_passes == Walk.PRIVATE).sum()),
        "osm.gates_closed": int((who_passes == Walk.CLOSED).sum()),
        "osm.homes_with_doors": int(homes["doors"].notna().sum()),
        "osm.facilities_with_doors": 0,
        **home_counts,
    }
    return OsmGround(
        network=network,
        homes=homes,
        backdrop=backdrop_among(outlines, network.crs),
        boundary=area,
        timestamp=raw.timestamp,
        counts=counts,
        points=_things(raw.points, "n", network.crs),
        outlines=outlines.take(grounds),
        mapped=mapped[grounds],
    )


def _streets_of(
    raw: Elements,
    path: Path,
    *,
    crs: object | None,
    boundary: gpd.GeoSeries | None = None,
    barriers: gpd.GeoSeries | None = None,
) -> tuple[WalkNetwork, shapely.Polygon | shapely.MultiPolygon | None, Things, Things]:
    """Return the walking network of the elements of a file, the area it covers, outlines and gates."""
    target, drawn = _target_crs(crs, raw.ways, path), raw.ways
    area = _area_covered(raw, boundary, target)
    to_metres = pyproj.Transformer.from_crs(4326, target, always_xy=True)
    xy = np.column_stack(to_metres.transform(drawn.lon, drawn.lat))
    # a way of which a single node is here leaves the data where other ways pass that node
    cut = drawn.cut | np.isin(drawn.vertex, raw.lonely)
    outlines, gates = _things(raw.outlines, "w", target), _things(raw.gates, "n", target)
    walls = np.array(of_each(raw.bars.tags, is_wall), dtype=bool)
    further = None if barriers is None else barriers.to_crs(target)
    in_the_way = barriers_among(projected(raw.bars.shapes, target), walls, outlines, gates, further)
    who_passes = np.array(of_each(gates.tags, who_may_pass), dtype=np.int64)
    hard = np.array(of_each(gates.tags, hurdles), dtype=np.int64)
    gate = _gates_at_vertices(raw)
    passes, hurdle = np.append(who_passes, int(Walk.PUBLIC))[gate], np.append(hard, 0)[gate]
    ways = Ways(drawn.vertex, xy, drawn.start, drawn.tags, cut, passes, drawn.square, hurdle)
    network = WalkNetwork.from_ways(ways, crs=target, boundary=area, barriers=in_the_way)
    return network, area, outlines, gates


def _gates_at_vertices(raw: Elements) -> Ints:
    """Return the row of the gate at each vertex of the ways, -1 where there is none."""
    gate: Ints = pd.Index(raw.gates.id).get_indexer(pd.Index(raw.ways.vertex))
    return gate


def with_facilities(ground: OsmGround, services: Sequence["Requirement"], path: Path) -> OsmData:
    """Return the ground with the facilities of services; `path` is its file, for the table of quality."""
    crs, outlines = ground.network.crs, ground.outlines
    at_points, within_points, point_kinds = facilities_among(ground.points, services, crs)
    on_grounds, within_grounds, ground_kinds = facilities_among(outlines, services, crs)
    rows = on_grounds.index.to_numpy(dtype=np.int64)
    mapped = ground.mapped[rows]
    on_grounds["doors"] = doors_of_outlines(ground.network, outlines.shapes[rows], mapped=mapped)
    facilities = pd.concat([at_points.assign(doors=None), on_grounds])
    notes: list[Note] = []
    note_counts(notes, "rows_other_kind", path, pd.Series([*point_kinds, *ground_kinds], dtype=object))
    again = facilities["facility_id"].duplicated().to_numpy()
    of = [(ground.points, row) for row in at_points.index] + [(outlines, row) for row in rows]
    site = [things.ids[row] for things, row in of]
    amounts = amounts_of_tags(site, [things.tags[row] for things, row in of], path, notes)
    facilities = facilities.reset_index(drop=True).assign(site=site, **amounts.dropna(axis=1, how="all"))
    facilities = facilities[~again].reset_index(drop=True)
    counts = dict(ground.counts)
    counts["osm.objects_twice"] += int(again.sum())
    counts["osm.facilities_within"] = within_points + within_grounds
    counts["osm.facilities_with_doors"] = sum(door is not None for door in mapped)
    return OsmData(
        network=ground.network,
        homes=ground.homes,
        facilities=gpd.GeoDataFrame(with_capacity(facilities, services, path, notes), crs=crs),
        backdrop=ground.backdrop,
        boundary=ground.boundary,
        timestamp=ground.timestamp,
        quality=pd.DataFrame(
            [*((item, count, path.name) for item, count in counts.items()), *notes],
            columns=pd.Index(["item", "count", "detail"]),
        ),
    )


def projected(shapes: NDArray[Any], crs: pyproj.CRS) -> NDArray[Any]:
    """Return shapes in degrees as shapes in metres."""
    projected: NDArray[Any] = gpd.GeoSeries(shapes, crs=4326).to_crs(crs).to_numpy()
    return projected


def _things(found: Found, kind: str, crs: pyproj.CRS) -> Things:
    """Return elements in metres, called w12, n12 or r12."""
    names = [f"{kind}{one}" if one > 0 else f"r{-one}" for one in found.id.tolist()]
    return Things(projected(found.shapes, crs), found.tags, names)


def _target_crs(crs: object | None, ways: Lines, path: Path) -> pyproj.CRS:
    """Return the CRS asked for, or one that fits the middle of the streets."""
    if crs is None:
        west, east = float(ways.lon.min()), float(ways.lon.max())
        if east - west > _HALF_TURN:
            raise DataError("osm.antimeridian", path=path, west=f"{west:.4f}", east=f"{east:.4f}")
        return metric_crs(float(np.median(ways.lon)), float(np.median(ways.lat)))
    target = as_crs(crs)
    check_metric(target)
    return target


def _area_covered(
    raw: Elements, boundary: gpd.GeoSeries | None, crs: pyproj.CRS
) -> shapely.Polygon | shapely.MultiPolygon | None:
    if boundary is not None:
        area: shapely.Polygon | shapely.MultiPolygon = boundary.to_crs(crs).union_all()
        return area
    if raw.box is None:
        return None
    # Some headers name the whole world, which no metric CRS can hold.
    places = np.stack([raw.ways.lon, raw.ways.lat])
    low, high = places.min(axis=1) - 1, places.max(axis=1) + 1
    near = shapely.box(*low, *high)
    covered = shapely.intersection(shapely.box(*raw.box), near)
    if covered.area == 0:
        return None
    # a box in degrees has curved sides in metres
    rim = gpd.GeoSeries([shapely.segmentize(covered, 0.01)], crs=4326)
    polygon: shapely.Polygon = rim.to_crs(crs).iloc[0]
    return polygon
