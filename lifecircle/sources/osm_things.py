"""Which OpenStreetMap outlines and points are homes, facilities, or a backdrop for maps?"""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle.sources.service_words import FacilityWords
from lifecircle.streets import Flags, Floats, Ints, of_each

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement

HOME_BUILDINGS = (
    *(
        "apartments",
        "bungalow",
        "cabin",
        "detached",
        "dormitory",
        "farm",
        "house",
        "houseboat",
        "residential",
    ),
    *("semidetached_house", "static_caravan", "terrace"),
)
OTHER_USES = (
    *("aeroway", "amenity", "craft", "healthcare", "historic", "leisure", "man_made", "military", "office"),
    *("power", "public_transport", "railway", "shop", "social_facility", "tourism"),
)
GROUND_WITHOUT_HOMES = {
    "landuse": (
        *(
            "brownfield",
            "cemetery",
            "commercial",
            "construction",
            "depot",
            "garages",
            "industrial",
            "landfill",
        ),
        *("greenhouse_horticulture", "military", "port", "quarry", "railway", "religious", "retail"),
    ),
    "amenity": ("college", "hospital", "kindergarten", "prison", "school", "university"),
}
BACKDROP = {
    "water": {"natural": ("water",), "waterway": ("riverbank", "dock"), "landuse": ("reservoir", "basin")},
    "green": {
        "leisure": ("park", "garden", "nature_reserve", "pitch", "golf_course"),
        "landuse": ("forest", "grass", "meadow", "recreation_ground", "village_green", "orchard"),
        "natural": ("wood", "scrub", "grassland", "heath"),
    },
}
_GROUND_WITHOUT_HOMES = frozenset(
    (key, value) for key in GROUND_WITHOUT_HOMES for value in GROUND_WITHOUT_HOMES[key]
)
_BACKDROP = frozenset((key, value) for values in BACKDROP.values() for key in values for value in values[key])
FACILITY_KEYS = (
    *("amenity", "community_centre", "healthcare", "leisure", "office", "place", "public_transport"),
    *("shop", "social_facility", "tourism"),
)
"""Keys of what is kept of a file even if no service asks for it yet: the next standard may."""
OUTLINE_KEYS = frozenset(
    {
        *("building", "building:levels", "height", *OTHER_USES, *GROUND_WITHOUT_HOMES),
        *(key for kinds in BACKDROP.values() for key in kinds),
        *("bridge", "covered", "disused", "location", "tunnel"),  # whether a water is on the ground
    }
)
"""All that is ever asked of an outline that is no facility."""
SMALLEST_HOME_M2 = 20.0
STOREY_M = 3.0
MOST_STOREYS = 200


class Things(NamedTuple):
    """Points or outlines with their tags; rows belong together."""

    shapes: NDArray[Any]
    """Shape (k,). Shapely geometries in metres."""
    tags: Sequence[Mapping[str, str]]
    ids: Sequence[str]
    """n, w or r and the number of the element."""

    def rows_having(self, keys: Iterable[str]) -> list[int]:
        """Return the rows of those that have one of these tags."""
        sought = frozenset(keys)
        return np.flatnonzero(of_each(self.tags, lambda tags: not sought.isdisjoint(tags))).tolist()

    def take(self, rows: Sequence[int]) -> "Things":
        """Return those in `rows`."""
        return Things(self.shapes[rows], [self.tags[row] for row in rows], [self.ids[row] for row in rows])


class OsmServices:
    """By which tags the services of a standard are found among the elements of OpenStreetMap.

    Kinds that leave a closer one open, such as a clinic, are looked for too: a name may tell that it is one
    of those wanted, a community health station, or one of those that are not, a private practice.
    """

    def __init__(self, services: Iterable["Requirement"]) -> None:
        chosen = tuple(services)
        self._words = FacilityWords(chosen)
        self._services = {
            kind: tuple(service.id for service in chosen if kind in {one.id for one in service.kinds})
            for kind in self._words.kinds
        }
        asked = {kind for kind, services in self._services.items() if services}
        self._kinds = tuple(
            kind
            for kind in self._words.kinds.values()
            if kind.osm and (kind.id in asked or asked.intersection(kind.name_may_say))
        )
        rules = [rule for kind in self._kinds for rule in (*kind.osm, *kind.osm_except)]
        self._tags = sorted({key for rule in rules for key in rule})
        self._kinds_of = functools.cache(self._kinds_with)
        self.keys = frozenset(key for kind in self._kinds for rule in kind.osm for key in rule)
        """Tags of which an element has one at least, if it offers a service."""

    def kinds(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Return of which of the kinds that matter an element with these tags is; its name may say more."""
        kinds = self._kinds_of(tuple(map(tags.get, self._tags)))
        return tuple(self._words.closer(kind, tags.get("name", "")) for kind in kinds)

    def offered(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of the services that a place of these kinds offers."""
        return tuple(dict.fromkeys(service for kind in kinds for service in self._services[kind]))

    def label(self, kind: str) -> str:
        """Return the name of a kind in both languages."""
        return self._words.label(kind)

    def _kinds_with(self, values: tuple[str | None, ...]) -> tuple[str, ...]:
        """Return the kinds of an element; few combinations of these tags occur among many elements."""
        tags = {key: value for key, value in zip(self._tags, values, strict=True) if value is not None}
        return tuple(kind.id for kind in self._kinds if kind.matches(tags))


def facility_keys(services: Iterable["Requirement"]) -> list[str]:
    """Return the keys by which facilities of these services, and of most others, are known."""
    return sorted(OsmServices(services).keys.union(FACILITY_KEYS))


def facilities_among(
    things: Things, services: Sequence["Requirement"], crs: object
) -> tuple[gpd.GeoDataFrame, int, list[str]]:
    """Return the facilities, and what was left out.

    Facilities have facility_id, name, service, source and a point; their index is the row of the thing. Left
    out were those within others of their kind, so many, and those of kinds that no service is of. An
    element may offer several services. Of outlines within one another that have one service and name, as
    grounds and their buildings, or a relation and its rings, the outermost is the facility.
    """
    asked = OsmServices(services)
    kinds = list(map(asked.kinds, things.tags))
    rows = [
        (row, f"osm-{things.ids[row]}-{service}", things.tags[row].get("name", ""), service)
        for row, of_row in enumerate(kinds)
        for service in asked.offered(of_row)
    ]
    others = [asked.label(of_row[0]) for of_row in kinds if of_row and not asked.offered(of_row)]
    frame = pd.DataFrame(rows, columns=["row", "facility_id", "name", "service"]).assign(source="osm")
    frame = frame.set_index("row")
    shapes = things.shapes[frame.index.to_numpy(dtype=np.int64)]
    within = _within_others(shapes, frame.groupby(["service", "name"]).ngroup().to_numpy())
    frame = gpd.GeoDataFrame(frame, geometry=shapely.point_on_surface(shapes), crs=crs)
    return frame[~within], int(within.sum()), others


def _within_others(shapes: NDArray[Any], kind: NDArray[np.integer[Any]]) -> Flags:
    """Return which outlines lie within a larger one of their kind, or repeat an earlier one."""
    size = shapely.area(shapes)
    outlines = shapely.make_valid(shapes)
    inner, outer = shapely.STRtree(outlines).query(outlines, predicate="covered_by")
    larger = (size[outer] > size[inner]) | ((size[outer] == size[inner]) & (outer < inner))
    within = np.zeros(len(shapes), dtype=bool)
    within[inner[larger & (kind[inner] == kind[outer]) & (size[inner] > 0)]] = True
    return within


class Houses(NamedTuple):
    """Residential buildings before it is known how high the unmapped among them are; rows belong together."""

    row: Ints
    """Shape (k,). Row of the outline."""
    kind: NDArray[np.str_]
    """Shape (k,). Its ``building`` value."""
    storeys: Floats
    """Shape (k,). Those mapped, or by its height; nan where neither is."""
    footprint_m2: Floats
    point: NDArray[Any]
    """Shape (k,). Inside the outline."""
    doors: NDArray[Any]
    """Shape (k,). Mapped entrances as MultiPoints, else None."""
    elsewhere: int
    """How many more stand on ground of another use."""


def tags_that_matter(tags: Mapping[str, str], facility_keys: Collection[str]) -> Mapping[str, str]:
    """Return the tags of an outline: of a facility all, of others what is asked of them, mostly the same."""
    if not tags.keys().isdisjoint(facility_keys):
        return tags
    return {key: value for key, value in tags.items() if key in OUTLINE_KEYS}


def homes_among(
    outlines: Things, doors: NDArray[Any], crs: object
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Return residential buildings as points with floor_m2 and doors, and counts of how they were told apart.

    As `houses_among` finds them and `homes_of` counts their storeys.
    """
    return homes_of(houses_among(outlines, doors, outlines.shapes[ground_without_homes(outlines.tags)]), crs)


def ground_without_homes(tags: Sequence[Mapping[str, str]]) -> Flags:
    """Return which outlines are ground on which ``building=yes`` is no home."""
    return np.array(of_each(tags, is_ground_without_homes), dtype=bool)


def is_ground_without_homes(tags: Mapping[str, str]) -> bool:
    """Say whether an outline is ground on which ``building=yes`` is no home."""
    return "building" not in tags and not _GROUND_WITHOUT_HOMES.isdisjoint(tags.items())


def is_backdrop(tags: Mapping[str, str]) -> bool:
    """Say whether an outline is water or green on a map."""
    return not _BACKDROP.isdisjoint(tags.items())


def houses_among(outlines: Things, doors: NDArray[Any], grounds: NDArray[Any]) -> Houses:
    """Return the residential buildings among outlines.

    ``building=yes`` is a home unless another tag or the ground it stands on names another use.

    Parameters
    ----------
    outlines
        Buildings, and perhaps other things.
    doors
        Shape (outlines,). Mapped entrances, None where there are none.
    grounds
        Outlines of `ground_without_homes` that buildings may stand on.
    """
    building = np.array(of_each(outlines.tags, lambda tags: tags.get("building", "")), dtype=np.str_)
    unsaid = (building == "yes") & ~_any_of(outlines.tags, OTHER_USES)
    footprint = shapely.area(outlines.shapes)
    home = (np.isin(building, HOME_BUILDINGS) | unsaid) & (footprint >= SMALLEST_HOME_M2)
    inside = shapely.point_on_surface(outlines.shapes)
    doubtful = np.flatnonzero(home & unsaid)
    elsewhere = shapely.STRtree(grounds).query(inside[doubtful], predicate="within")[0]
    elsewhere = np.unique(elsewhere)
    home[doubtful[elsewhere]] = False
    row = np.flatnonzero(home)
    storeys = _storeys([outlines.tags[at] for at in row.tolist()])
    return Houses(row, building[row], storeys, footprint[row], inside[row], doors[row], len(elsewhere))


def homes_of(houses: Houses, crs: object) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Return houses as points with floor_m2 and doors, and counts of how they were told apart.

    Storeys that are not known are the median of the building's kind among these houses, else one.
    """
    known = pd.Series(houses.storeys)
    levels = known.fillna(known.groupby(houses.kind.astype(object)).transform("median")).fillna(1.0)
    counts = {
        "osm.homes": len(houses.row),
        "osm.homes_building_yes": int((houses.kind == "yes").sum()),
        "osm.buildings_other_ground": houses.elsewhere,
        "osm.levels_assumed": int(known.isna().sum()),
    }
    columns = {"floor_m2": houses.footprint_m2 * levels.to_numpy(dtype=np.float64), "doors": houses.doors}
    return gpd.GeoDataFrame(columns, geometry=houses.point, crs=crs), counts


def backdrop_among(outlines: Things, crs: object) -> gpd.GeoDataFrame:
    """Return what a map shows beneath the findings: kind (water, green, building) and polygons."""
    kind = np.where(of_each(outlines.tags, lambda tags: "building" in tags), "building", "").astype(np.str_)
    for name, values in BACKDROP.items():
        kind = np.where((kind == "") & _among(outlines.tags, values), name, kind)
    return gpd.GeoDataFrame({"kind": kind[kind != ""]}, geometry=outlines.shapes[kind != ""], crs=crs)


def _among(tags: Sequence[Mapping[str, str]], values: Mapping[str, Sequence[str]]) -> Flags:
    """Return which elements have one of these values."""
    sought = {(key, value) for key in values for value in values[key]}
    return np.array(of_each(tags, lambda one: not sought.isdisjoint(one.items())), dtype=bool)


def _any_of(tags: Sequence[Mapping[str, str]], keys: Sequence[str]) -> Flags:
    """Return which elements have one of these keys."""
    sought = frozenset(keys)
    return np.array(of_each(tags, lambda one: not sought.isdisjoint(one)), dtype=bool)


def _storeys(tags: Sequence[Mapping[str, str]]) -> Floats:
    """Return storeys of buildings: those mapped, else height / 3 m, else nan."""
    mapped = pd.Series([tag.get("building:levels") for tag in tags], dtype=object)
    height = pd.Series([tag.get("height", "").removesuffix("m").strip() for tag in tags], dtype=object)
    storeys = pd.to_numeric(mapped, errors="coerce").astype(np.float64)
    known = storeys.where(storeys > 0, pd.to_numeric(height, errors="coerce") / STOREY_M)
    believed = known.where((known > 0) & (known <= MOST_STOREYS)).clip(lower=1.0)
    return np.asarray(believed, dtype=np.float64)
