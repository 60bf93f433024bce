"""Who lives where: which homes are there, in which community, and what does each count?"""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.doors import DOORS
from lifecircle.network import WalkNetwork
from lifecircle.streets import Floats, Ints

GRID_M = 50.0
_STEP_M = 10.0


class People(NamedTuple):
    """Homes ready for a `City`."""

    homes: gpd.GeoDataFrame
    measure: str
    quality: dict[str, int]
    outside: Floats
    """Shape (k, 2). Where the homes outside every community are."""


def place_people(
    communities: gpd.GeoDataFrame,
    network: WalkNetwork,
    buildings: gpd.GeoDataFrame,
    *,
    listed: gpd.GeoDataFrame | None = None,
) -> People:
    """Return the homes of every community and what each of them counts.

    Homes are those the planner lists, else residential buildings; a community without any gets a 50 m grid
    along its streets, and one without streets a single home of kind ``none``, about which nothing is known. A
    community's population is shared out over its homes by floor area. Where a population is missing, all
    homes count their floor area instead, and where that is missing too, each counts one.

    Parameters
    ----------
    communities
        community_id, population (NaN where missing), polygons; metric CRS.
    network
        Streets, in the same CRS.
    buildings
        Points with floor_m2, perhaps doors.
    listed
        Points with residents and floor_m2, each NaN where missing, perhaps doors.

    Returns
    -------
    People
        Homes with community_id, kind, floor_m2, residents, home_places; the measure; counts for the table of
        data quality; and the homes that are left out.
    """
    known = buildings if listed is None else listed
    x, y = known.geometry.x.to_numpy(), known.geometry.y.to_numpy()
    owner = community_of(communities, x, y)
    inside = owner >= 0
    floor = known["floor_m2"].to_numpy(dtype=np.float64)[inside]
    residents = (
        np.full(len(floor), np.nan)
        if listed is None
        else listed["residents"].to_numpy(dtype=np.float64)[inside]
    )
    empty = np.setdiff1d(np.arange(len(communities)), owner[inside])
    population = communities["population"].to_numpy(dtype=np.float64)
    counted = bool(len(residents)) and bool(np.isfinite(residents).all())
    grid_x, grid_y, grid_owner = _grid_along_streets(communities, network, empty)
    bare = np.setdiff1d(empty, grid_owner)
    inner = communities.geometry.iloc[bare].representative_point()
    owners = np.concatenate([owner[inside], grid_owner, bare])
    kinds = np.repeat(
        ["building" if listed is None else "list", "grid", "none"], [len(floor), len(grid_x), len(bare)]
    )
    unlisted = owners[len(floor) :]
    missing = np.full(len(unlisted), np.nan)
    homes = gpd.GeoDataFrame(
        {
            "community_id": communities["community_id"].to_numpy()[owners],
            "kind": kinds,
            "floor_m2": np.concatenate([floor, missing]),
            "residents": np.concatenate(
                [residents, _shared_out(np.nan_to_num(population), unlisted, missing)]
            ),
            "home_places": 1.0,
        },
        geometry=shapely.points(
            np.concatenate([x[inside], grid_x, inner.x]), np.concatenate([y[inside], grid_y, inner.y])
        ),
        crs=communities.crs,
    )
    if DOORS in known:
        homes[DOORS] = np.append(known[DOORS].to_numpy()[inside], np.full(len(unlisted), None))
    if not counted:
        homes["residents"] = _shared_out(population, owners, homes["floor_m2"].to_numpy())
        counted = bool(np.isfinite(population).all())
    measure = "residents" if counted else "floor_m2" if homes["floor_m2"].notna().all() else "home_places"
    quality = {
        "city.homes_outside": int((~inside).sum()),
        "city.homes_without_residents": 0 if listed is None else int(np.isnan(residents).sum()),
        "city.homes_grid": len(grid_x),
        "city.communities_without_homes": len(bare),
        "city.communities_without_population": int(np.isnan(population).sum()),
        "city.communities_overlap": round(communities.area.sum() - communities.union_all().area),
    }
    return People(homes, measure, quality, np.column_stack([x, y])[~inside])


def community_of(communities: gpd.GeoDataFrame, x: Floats, y: Floats) -> Ints:
    """Return the row of the community each point lies in: the smallest of several, -1 where in none."""
    polygons = communities.geometry.to_numpy()
    polygon, point = shapely.STRtree(np.asarray(shapely.points(x, y))).query(polygons, predicate="intersects")
    low_x, low_y = shapely.bounds(polygons)[polygon, :2].T
    order = np.lexsort([polygon, low_y, low_x, shapely.area(polygons)[polygon], point])
    point, polygon = point[order], polygon[order]
    first = np.unique(point, return_index=True)[1]
    row = np.full(len(x), -1, dtype=np.int64)
    row[point[first]] = polygon[first]
    return row


def _grid_along_streets(
    communities: gpd.GeoDataFrame, network: WalkNetwork, rows: Ints
) -> tuple[Floats, Floats, Ints]:
    """Return the centres of 50 m cells that streets cross in the communities `rows`, and their rows.

    A community too narrow for a cell's centre, but with a street, gets one point.
    """
    if len(rows) == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64)
    streets = network.lines[~network.island]
    crossed, near = shapely.STRtree(streets).query(
        communities.geometry.to_numpy()[rows], predicate="intersects"
    )
    steps = shapely.get_coordinates(shapely.segmentize(streets[np.unique(near)], _STEP_M))
    cells = np.unique(np.floor(steps / GRID_M), axis=0)
    x, y = ((cells + 0.5) * GRID_M).T
    owner = community_of(communities, x, y)
    inside = np.isin(owner, rows)
    narrow = np.setdiff1d(rows[np.unique(crossed)], owner[inside])
    points = communities.geometry.iloc[narrow].representative_point()
    return (
        np.concatenate([x[inside], points.x]),
        np.concatenate([y[inside], points.y]),
        np.concatenate([owner[inside], narrow]),
    )


def _shared_out(population: Floats, owner: Ints, floor_m2: Floats) -> Floats:
    """Return residents per home: by floor area, or evenly where some of a community's is missing."""
    patchy = np.bincount(owner[~(floor_m2 > 0)], minlength=len(population)) > 0
    share = np.where(patchy[owner], 1.0, floor_m2)
    return population[owner] * share / np.bincount(owner, weights=share, minlength=len(population))[owner]


def quality_frame(counts: dict[str, int], detail: str = "") -> pd.DataFrame:
    """Return rows of the data-quality table."""
    return pd.DataFrame({"item": list(counts), "count": list(counts.values()), "detail": detail})
