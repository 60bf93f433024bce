"""Which OpenStreetMap lines, areas and nodes bar the way, and which let people in?

The words are those of the OpenStreetMap wiki (``Key:barrier``, ``Key:entrance``, ``Key:waterway``,
``Key:railway``).
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.barriers import GATE_M, Barriers
from lifecircle.doors import multipoints
from lifecircle.sources.osm_things import Things
from lifecircle.streets import Flags, of_each
from lifecircle.walkable import Walk, who_may_pass

BARRIER_KEYS = ("barrier", "waterway", "railway", "natural")
"""Of ways that may bar the way as lines."""
DOOR_KEYS = ("barrier", "entrance")
"""Of nodes that may bar the way or open it."""
NODE_KEYS = (*DOOR_KEYS, "kerb")
"""Of nodes that are heard for what they are to a walker."""
_LINES = {
    "barrier": frozenset(
        {
            *("cable_barrier", "city_wall", "ditch", "fence", "guard_rail", "hedge", "hedge_bank"),
            *("jersey_barrier", "retaining_wall", "wall", "yes"),
        }
    ),
    # a stream is narrow enough to be jumped across, says the wiki; ditches and drains are narrower
    "waterway": frozenset({"canal", "river"}),
    "railway": frozenset({"light_rail", "narrow_gauge", "rail"}),
    "natural": frozenset({"coastline"}),
}
_WATER = {"natural": ("water",), "waterway": ("riverbank", "dock"), "landuse": ("reservoir",)}
WATER_KEYS = tuple(_WATER)
_NO_WAY_IN = frozenset({"emergency", "emergency_exit", "exit", "fire_exit", "garage", "no", "service"})
_ON_OUTLINE_M = 0.1


def bars_the_way(tags: Mapping[str, str]) -> bool:
    """Return whether a line with these tags is a wall, fence, river or railway on the ground.

    Examples
    --------
    >>> bars_the_way({"barrier": "fence"}), bars_the_way({"barrier": "kerb"})
    (True, False)
    >>> bars_the_way({"railway": "rail"}), bars_the_way({"railway": "rail", "tunnel": "yes"})
    (True, False)
    """
    return any(tags.get(key) in values for key, values in _LINES.items()) and not _off_the_ground(tags)


def is_wall(tags: Mapping[str, str]) -> bool:
    """Return whether a line that bars the way is a wall or fence, which may have gates that nobody drew."""
    return tags.get("barrier") in _LINES["barrier"]


def is_water(tags: Mapping[str, str]) -> bool:
    """Return whether an area with these tags is open water."""
    return any(tags.get(key) in values for key, values in _WATER.items()) and not _off_the_ground(tags)


def barriers_among(
    lines: NDArray[Any],
    walls: Flags,
    outlines: Things,
    gates: Things,
    more: gpd.GeoSeries | None = None,
) -> Barriers:
    """Return what access legs must not cross, and the gates and entrances in it that people pass.

    Parameters
    ----------
    lines
        Shape (l,). LineStrings that bar the way.
    walls
        Shape (l,). Which of them are walls and fences.
    outlines
        Areas; those that are water bar it.
    gates
        Nodes with ``barrier`` or ``entrance``. A private gate lets those pass whose leg it is: they live or
        are served behind it.
    more
        Lines and polygons that bar it too, and are believed to have no gates but those in `gates`.
    """
    water = np.array(of_each(outlines.tags, is_water), dtype=bool)
    lets_pass = np.array(of_each(gates.tags, _opens), dtype=bool)
    areas = shapely.get_parts(outlines.shapes[water])
    if more is not None:
        parts = shapely.get_parts(more.to_numpy())
        kind = shapely.get_type_id(parts)
        lines = np.append(lines, parts[kind == shapely.GeometryType.LINESTRING])
        walls = np.append(walls, np.zeros(len(lines) - len(walls), dtype=bool))
        areas = np.append(areas, parts[kind == shapely.GeometryType.POLYGON])
    openings = gates.shapes[lets_pass]
    near = np.unique(shapely.STRtree(openings).query(lines, predicate="dwithin", distance=GATE_M)[1])
    return Barriers(lines, areas, shapely.get_coordinates(openings[near]), walls)


def doors_on(outlines: Things, gates: Things) -> NDArray[Any]:
    """Return the mapped doors on each outline, shape (outlines,): MultiPoints, None where there is none.

    Those of a building are the entrances on its outline, those of grounds gates and entrances. A door that
    is only a way out, for cars or for staff is none.

    Parameters
    ----------
    outlines
        Buildings and grounds; points have no doors.
    gates
        Nodes with ``barrier`` or ``entrance``.
    """
    lets_in = np.array(
        of_each(gates.tags, lambda tags: tags.get("entrance") not in _NO_WAY_IN and _opens(tags)), dtype=bool
    )
    points = gates.shapes[lets_in]
    entrance = np.array(of_each(gates.tags, lambda tags: "entrance" in tags), dtype=bool)[lets_in]
    building = np.array(of_each(outlines.tags, lambda tags: "building" in tags), dtype=bool)
    door, outline = shapely.STRtree(outlines.shapes).query(
        points, predicate="dwithin", distance=_ON_OUTLINE_M
    )
    rims = shapely.boundary(outlines.shapes[outline])
    on_it = shapely.dwithin(rims, points[door], _ON_OUTLINE_M) & (entrance[door] | ~building[outline])
    return multipoints(shapely.get_coordinates(points[door[on_it]]), outline[on_it], len(building))


def _opens(tags: Mapping[str, str]) -> bool:
    """Return whether people pass a gate or an entrance; a kerb alone is neither."""
    return not tags.keys().isdisjoint(DOOR_KEYS) and who_may_pass(tags) is not Walk.CLOSED


def _off_the_ground(tags: Mapping[str, str]) -> bool:
    return (
        tags.get("tunnel", "no") != "no"
        or tags.get("bridge", "no") != "no"
        or tags.get("covered", "no") != "no"
        or tags.get("location") in {"underground", "overground", "overhead"}
        or tags.get("disused", "no") != "no"
    )
