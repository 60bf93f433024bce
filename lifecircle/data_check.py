"""What should a planner know of the data before believing any number made of it?

Nothing is judged here and nothing is changed: each row is one figure, and the first ten places it is about.
"""

import difflib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle.city import City
from lifecircle.doors import facilities_on, homes_on, sites_of
from lifecircle.metric import moved
from lifecircle.network import MAX_SNAP_M, Positions
from lifecircle.streets import Floats, Ints, components

ROADS_KM_PER_KM2 = 8.0
"""Least density of city roads in residential areas: GB 50180-2018, 6.0.2; from memory, not verified (M)."""
ROADS = frozenset(
    {
        *("living_street", "primary", "primary_link", "residential", "road", "secondary", "secondary_link"),
        *("tertiary", "tertiary_link", "trunk", "trunk_link", "unclassified"),
    }
)
"""Values of OpenStreetMap's ``highway`` that are city roads; private ones are not."""
SAME_PLACE_M = 30.0
"""Two facilities of one service so near each other, with a like name, are probably one."""
TOPICS = ("read", "names", "duplicates", "outside", "snap", "streets", "communities", "homes")
COLUMNS = ("topic", "item", "value", "unit", "detail", "examples")
SHOWN = 10
"""How many examples stand beside a figure."""
_LIKE = 0.7
_HOLE_M2 = 1.0
_SHARED_M2, _SHARED_PART = 1.0, 0.001
"""Neighbours drawn apart share slivers; above both of these they overlap."""
_OF_HOMES = re.compile(r"city\.(homes|communities)_|osm\.(homes|buildings|levels)")
_SAID_BELOW = frozenset(
    {
        *(
            "city.communities_overlap",
            "city.communities_without_homes",
            "city.communities_without_population",
        ),
        *("city.facilities_off_network", "city.homes_off_network", "osm.island_streets"),
        *("tables.rows_outside", "tables.rows_overlap"),
    }
)
"""Notes that a finding with names says better."""
_UNNAMED = "–"


class Finding(NamedTuple):
    """One figure of a check; the fields are the columns of its table."""

    topic: str
    item: str
    value: float
    unit: str = ""
    detail: str = ""
    examples: tuple[str, ...] = ()


def check_city(city: City, *, max_snap_m: float = MAX_SNAP_M) -> pd.DataFrame:
    """Return what is to be known of a city's data.

    Parameters
    ----------
    city
        As it was read; no walk is measured.
    max_snap_m
        Homes and facilities farther than this from every street are off the network.

    Returns
    -------
    pandas.DataFrame
        topic (of `TOPICS`, in their order), item (a message key), value, unit ("" for a count, "m", "km",
        or "km/km2"), detail (the file, or what the value is of), examples (up to `SHOWN` texts).
    """
    at_home = homes_on(city.network, sites_of(city.homes), max_m=max_snap_m)
    at_facility = facilities_on(city.network, sites_of(city.facilities), max_m=max_snap_m)
    named = city.facilities["name"].where(city.facilities["name"] != "", city.facilities["facility_id"])
    found = [
        *_read(city),
        *_names(city),
        _duplicates(city.facilities),
        *_outside(city, named),
        *_snapped(city, "homes", city.homes.assign(named=city.homes["community_id"]), at_home, max_snap_m),
        *_snapped(city, "facilities", city.facilities.assign(named=named), at_facility, max_snap_m),
        *_streets(city),
        *_communities(city),
        *_homes(city),
    ]
    order = sorted(found, key=lambda finding: TOPICS.index(finding.topic))
    return pd.DataFrame(order, columns=pd.Index(COLUMNS))


def overlapping(shapes: NDArray[Any]) -> tuple[Ints, Ints, Floats]:
    """Return the rows of polygons that overlap, pair by pair, and by how many square metres."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    smaller = np.minimum(shapely.area(shapes[one]), shapely.area(shapes[other]))
    found = (shared > _SHARED_M2) & (shared > _SHARED_PART * smaller)
    return one[found], other[found], shared[found]


def alike(one: str, other: str) -> bool:
    """Return whether two names may be of one place.

    Names with different numbers are not alike; a place without a name is like any.

    Examples
    --------
    >>> alike("莲都区第一幼儿园", "第一幼儿园"), alike("第一幼儿园", "第二幼儿园")
    (True, False)
    """
    one, other = (
        re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold()) for name in (one, other)
    )
    if not one or not other:
        return True
    digits = [re.findall(r"\d+|[一二三四五六七八九十]+", name) for name in (one, other)]
    if digits[0] != digits[1]:
        return False
    same = one in other or other in one
    return same or difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= _LIKE


def _listed(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, itertools.islice(values, SHOWN)))


def _lonlat(city: City, xy: Floats) -> list[str]:
    return [f"{lon:.5f}, {lat:.5f}" for lon, lat in moved(xy, city.crs, 4326)]


def _read(city: City) -> Iterator[Finding]:
    """Yield what reading the files noted: rows read, used, left out and why, datums, encodings."""
    for row in city.quality[~city.quality["item"].isin(_SAID_BELOW)].to_dict("records"):
        topic = "homes" if _OF_HOMES.match(row["item"]) else "read"
        yield Finding(topic, row["item"], row["count"], "", str(row["detail"]))


def _names(city: City) -> Iterator[Finding]:
    """Yield the first names of each file: whether they can be read shows whether its encoding is right."""
    files = {file["role"]: re.split(r"[/\\]", str(file["path"]))[-1] for file in city.inputs}
    listed = [(files.get("communities", "communities"), city.communities["community"])]
    listed += [
        (str(source), part)
        for source, part in city.facilities["name"].groupby(city.facilities["source"], sort=False)
    ]
    for source, names in listed:
        named = names[names != ""]
        yield Finding("names", "check.names", len(named), "", source, _listed(named))


def _duplicates(facilities: gpd.GeoDataFrame) -> Finding:
    """Return facilities of one service that are near each other and have like names."""
    points = facilities.geometry.to_numpy()
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=SAME_PLACE_M)
    names, services = facilities["name"].to_numpy(), facilities["service"].to_numpy()
    pairs = (one < other) & (services[one] == services[other])
    found = [
        f"{names[a] or _UNNAMED} / {names[b] or _UNNAMED} ({points[a].distance(points[b]):.0f} m)"
        for a, b in sorted(zip(one[pairs].tolist(), other[pairs].tolist(), strict=True))
        if alike(names[a], names[b])
    ]
    return Finding("duplicates", "check.duplicates", len(found), "", "", _listed(found))


def _outside(city: City, named: "pd.Series[str]") -> Iterator[Finding]:
    """Yield facilities outside the communities, and outside the area that the streets cover."""
    areas = {"communities": city.area, "data": city.boundary}
    for what, area in areas.items():
        if area is None:
            continue
        off_m = shapely.distance(city.facilities.geometry.to_numpy(), area)
        rows = np.flatnonzero(off_m > 0)
        rows = rows[np.argsort(-off_m[rows], kind="stable")]
        shown = (f"{named.iloc[row]} ({off_m[row]:.0f} m)" for row in rows)
        yield Finding("outside", f"check.outside_{what}", len(rows), "", "", _listed(shown))


def _snapped(
    city: City, layer: str, places: gpd.GeoDataFrame, doors: Positions, max_snap_m: float
) -> Iterator[Finding]:
    """Yield how far places are off the street they open on, and which find none."""
    off_m = np.full(len(places), np.inf)
    np.minimum.at(off_m, doors.place, doors.off_m)
    beyond = np.flatnonzero(np.isinf(off_m))
    targets = city.network.lines[city.network.is_target]
    points = places.geometry.to_numpy()
    if len(beyond) and len(targets):  # in a straight line, whatever lies between
        row, street = shapely.STRtree(targets).query_nearest(points[beyond], all_matches=False)
        off_m[beyond[row]] = shapely.distance(points[beyond[row]], targets[street])
    if len(off_m):
        figures = zip(("median", "p95", "max"), np.quantile(off_m, [0.5, 0.95, 1.0]), strict=True)
        for word, value in figures:
            yield Finding("snap", f"check.snap_{layer}_{word}", round(float(value), 1), "m")
    beyond = beyond[np.argsort(-off_m[beyond], kind="stable")]
    where = _lonlat(city, np.column_stack([places.geometry.x, places.geometry.y])[beyond[:SHOWN]])
    shown = [
        f"{places['named'].iloc[row]} ({at}; {off_m[row]:.0f} m)"
        for row, at in zip(beyond[:SHOWN], where, strict=True)
    ]
    yield Finding("snap", f"check.snap_{layer}_beyond", len(beyond), "", f"{max_snap_m:g} m", _listed(shown))


def _streets(city: City) -> Iterator[Finding]:
    """Yield the density of roads and of all ways, which communities fall short, and the islands."""
    network = city.network
    roads = np.isin(network.kind, list(ROADS)) & ~network.private
    for word, which in (("roads", roads), ("ways", network.drawn_m > 0)):
        metres = _metres_within(city.communities.geometry.to_numpy(), network.lines[which])
        total = _metres_within(np.array([city.area]), network.lines[which])[0]
        yield Finding("streets", f"check.density_{word}", round(1000 * total / city.area.area, 2), "km/km2")
        if word == "roads":
            density = 1000 * metres / city.communities.area.to_numpy()
            short = np.flatnonzero(density < ROADS_KM_PER_KM2)
            short = short[np.argsort(density[short], kind="stable")]
            names = city.communities["community"]
            shown = (f"{names.iloc[row]} {density[row]:.1f}" for row in short)
            yield Finding("streets", "check.density_short", len(short), "", "", _listed(shown))
    yield _islands(city)


def _islands(city: City) -> Finding:
    """Return the small disconnected pieces of network, the longest first."""
    network = city.network
    rows = np.flatnonzero(network.island)
    if len(rows) == 0:
        return Finding("streets", "check.islands", 0)
    pieces = components(network.street_from[rows], network.street_to[rows])[network.street_from[rows]]
    _, first, piece = np.unique(pieces, return_index=True, return_inverse=True)
    metres = np.bincount(piece, weights=network.drawn_m[rows])
    order = np.argsort(-metres, kind="stable")
    middle = shapely.line_interpolate_point(network.lines[rows[first[order]]], 0.5, normalized=True)
    where = _lonlat(city, shapely.get_coordinates(middle))
    shown = [f"{at} ({metres[row]:.0f} m)" for row, at in zip(order, where, strict=True)]
    return Finding(
        "streets", "check.islands", len(first), "", f"{metres.sum() / 1000:.1f} km", _listed(shown)
    )


def _metres_within(areas: NDArray[Any], lines: NDArray[Any]) -> Floats:
    """Return the metres of lines in each area."""
    shapely.prepare(areas)
    area, line = shapely.STRtree(lines).query(areas, predicate="intersects")
    inside = shapely.contains(areas[area], lines[line])
    metres = shapely.length(lines[line])
    cut = np.flatnonzero(~inside)
    metres[cut] = shapely.length(shapely.intersection(lines[line[cut]], areas[area[cut]]))
    return np.bincount(area, weights=metres, minlength=len(areas)).astype(np.float64)


def _communities(city: City) -> Iterator[Finding]:
    """Yield communities that overlap, and holes that they leave between them."""
    shapes, names = city.communities.geometry.to_numpy(), city.communities["community"].to_numpy()
    one, other, shared = overlapping(shapes)
    order = np.argsort(-shared, kind="stable")
    shown = [f"{names[one[row]]} + {names[other[row]]} ({shared[row]:.0f} m2)" for row in order]
    yield Finding("communities", "check.overlaps", len(shared), "", f"{shared.sum():.0f} m2", _listed(shown))
    parts = shapely.get_parts(shapely.union_all(shapes))
    rings, part = shapely.get_rings(parts, return_index=True)
    holes = shapely.polygons(rings[1:][part[1:] == part[:-1]])  # the first of a part is its outline
    area = shapely.area(holes)
    holes, area = holes[area > _HOLE_M2], area[area > _HOLE_M2]
    order = np.argsort(-area, kind="stable")
    where = _lonlat(city, shapely.get_coordinates(shapely.point_on_surface(holes[order])))
    shown = [f"{at} ({area[row]:.0f} m2)" for row, at in zip(order, where, strict=True)]
    yield Finding("communities", "check.holes", len(holes), "", f"{area.sum():.0f} m2", _listed(shown))


def _homes(city: City) -> Iterator[Finding]:
    """Yield how many homes there are by kind, and communities that have none or no population."""
    kinds = city.homes["kind"].value_counts()
    for kind in kinds.index:
        yield Finding("homes", f"check.homes_{kind}", int(kinds[kind]))
    none = city.communities["community_id"].isin(city.homes.loc[city.homes["kind"] == "none", "community_id"])
    missing = city.communities["population"].isna()
    for word, rows in (("without_homes", none), ("without_population", missing)):
        names = city.communities["community"][rows]
        yield Finding("homes", f"check.communities_{word}", len(names), "", "", _listed(names))
