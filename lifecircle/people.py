"""Who lives where: which homes are there, in which community, and what does each count?"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.doors import DOORS
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.network import WalkNetwork
from lifecircle.streets import Floats, Ints

GRID_M = 50.0
_GROUPS = {"": "households", **AGE_COLUMNS}
"""Columns of what is counted beside residents, by age group."""
_STEP_M = 10.0


class People(NamedTuple):
    """Homes ready for a `City`."""

    homes: gpd.GeoDataFrame
    measure: str
    quality: dict[str, int]
    outside: Floats
    """Shape (k, 2). Where the homes outside every community are."""


class PeopleGrid(NamedTuple):
    """Residents by cells of a raster."""

    x: Floats
    """Shape (cells,). Of the centres, in the CRS of the communities; so is y."""
    y: Floats
    people: Floats
    """Shape (cells,). Residents, not negative; cells without a number are left out."""
    cell_of: Callable[[Floats, Floats], Ints]
    """Tells the row of the cell that each point lies in, -1 where in none."""


def place_people(
    communities: gpd.GeoDataFrame,
    network: WalkNetwork,
    buildings: gpd.GeoDataFrame,
    *,
    listed: gpd.GeoDataFrame | None = None,
    grid: PeopleGrid | None = None,
    shares: Mapping[str, float] | None = None,
) -> People:
    """Return the homes of every community and what each of them counts.

    Homes are those the planner lists, else residential buildings; a community without any gets a 50 m grid
    along its streets, and one without streets a single home of kind ``none``, about which nothing is known. A
    community's population is shared out over its homes by floor area. Where a population is missing, all
    homes count their households, their floor area, or each counts one: the first of these that all have.

    A raster of population says how many live in each of its cells: they are shared out over the buildings in
    it by floor area, and where there is none, they live at its centre, in a home of kind ``grid``. A
    community whose population is given keeps that number; the raster then says where in it.

    Those of an age group, and households, are shared out over the homes of their community like residents,
    unless all listed homes of the community give their own.

    Parameters
    ----------
    communities
        community_id, population (NaN where missing), polygons; metric CRS. Perhaps households and
        `AGE_COLUMNS`, NaN where missing.
    network
        Streets, in the same CRS.
    buildings
        Points with floor_m2, perhaps doors.
    listed
        Points with residents and floor_m2, each NaN where missing, perhaps doors, households and
        `AGE_COLUMNS`.
    grid
        Residents by cells; not used where every listed home has its residents.
    shares
        Share of the population by age group, used where a community does not give the number.

    Returns
    -------
    People
        Homes with community_id, kind, floor_m2, residents, home_places, and households and `AGE_COLUMNS`
        where they are known everywhere; the measure; counts for the table of data quality; and the homes that
        are left out.
    """
    known = buildings if listed is None else listed
    known = known.assign(kind="building" if listed is None else "list")
    counts: dict[str, int] = {}
    gridded = grid is not None and (listed is None or bool(listed["residents"].isna().any()))
    if grid is not None and gridded:
        known, counts = _on_grid(communities, known, grid)
    people = _homes(communities, network, known, gridded=gridded)
    owner = pd.Index(communities["community_id"]).get_indexer(pd.Index(people.homes["community_id"]))
    groups, more = _groups(communities, people, owner, shares or {})
    blank = 0 if listed is None else int(listed["residents"].isna().sum())
    quality = {**people.quality, "city.homes_without_residents": blank, **counts, **more}
    homes = people.homes.drop(columns=[*_GROUPS.values()], errors="ignore").assign(**groups)
    measure = people.measure
    if measure != "residents" and "households" in groups:
        measure = "households"
    return People(homes, measure, quality, people.outside)


def _homes(
    communities: gpd.GeoDataFrame,
    network: WalkNetwork,
    known: gpd.GeoDataFrame,
    *,
    gridded: bool,
) -> People:
    """Return the homes with their residents; `known` has residents where a list or a raster gives them."""
    x, y = known.geometry.x.to_numpy(), known.geometry.y.to_numpy()
    owner = community_of(communities, x, y)
    inside = owner >= 0
    floor = known["floor_m2"].to_numpy(dtype=np.float64)[inside]
    residents = np.full(len(floor), np.nan)
    if "residents" in known:
        residents = known["residents"].to_numpy(dtype=np.float64)[inside]
    empty = np.setdiff1d(np.arange(len(communities)), owner[inside])
    population = communities["population"].to_numpy(dtype=np.float64)
    counted = bool(len(residents)) and bool(np.isfinite(residents).all())
    grid_x, grid_y, grid_owner = _grid_along_streets(communities, network, empty)
    bare = np.setdiff1d(empty, grid_owner)
    inner = communities.geometry.iloc[bare].representative_point()
    owners = np.concatenate([owner[inside], grid_owner, bare])
    unlisted = owners[len(floor) :]
    missing = np.full(len(unlisted), np.nan)
    homes = gpd.GeoDataFrame(
        {
            "community_id": communities["community_id"].to_numpy()[owners],
            "kind": [
                *known["kind"].to_numpy()[inside],
                *np.repeat(["grid", "none"], [len(grid_x), len(bare)]),
            ],
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
    for column in _GROUPS.values():
        if column in known:
            homes[column] = np.append(known[column].to_numpy(dtype=np.float64)[inside], missing)
    if DOORS in known:
        homes[DOORS] = np.append(known[DOORS].to_numpy()[inside], np.full(len(unlisted), None))
    if gridded and counted:
        homes["residents"] = _scaled(population, owners, homes)
    elif not counted:
        homes["residents"] = _shared_out(population, owners, homes["floor_m2"].to_numpy())
        counted = bool(np.isfinite(population).all())
    measure = "residents" if counted else "floor_m2" if homes["floor_m2"].notna().all() else "home_places"
    quality = {
        "city.homes_outside": int((~inside).sum()),
        "city.homes_without_residents": 0,
        "city.homes_grid": len(grid_x),
        "city.communities_without_homes": len(bare),
        "city.communities_without_population": int(np.isnan(population).sum()),
        "city.communities_overlap": round(communities.area.sum() - communities.union_all().area),
    }
    return People(homes, measure, quality, np.column_stack([x, y])[~inside])


def _on_grid(
    communities: gpd.GeoDataFrame, known: gpd.GeoDataFrame, grid: PeopleGrid
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Return homes with the residents of their cells, and a home for each cell with people and no home.

    Such a cell counts where its centre lies in a community.
    """
    cell = grid.cell_of(known.geometry.x.to_numpy(), known.geometry.y.to_numpy())
    floor = known["floor_m2"].to_numpy(dtype=np.float64)
    within = cell >= 0
    residents = np.zeros(len(known))
    residents[within] = _shared_out(grid.people, cell[within], floor[within])
    alone = np.setdiff1d(np.flatnonzero(grid.people > 0), cell[within])
    alone = alone[community_of(communities, grid.x[alone], grid.y[alone]) >= 0]
    at = gpd.GeoDataFrame(
        {"floor_m2": np.nan, "residents": grid.people[alone], "kind": "grid"},
        geometry=shapely.points(grid.x[alone], grid.y[alone]),
        crs=known.crs,
    )
    homes = known.assign(residents=residents)
    if DOORS in homes:
        at[DOORS] = np.full(len(at), None)
    counts = {
        "people.homes_in_raster": int(within.sum()),
        "people.homes_outside_raster": int((~within).sum()),
        "people.homes_of_raster": len(alone),
    }
    parts = [part for part in (homes, at) if len(part)] or [homes]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=known.crs), counts


def _scaled(population: Floats, owner: Ints, homes: gpd.GeoDataFrame) -> Floats:
    """Return the residents of a raster, in the numbers of the communities that give theirs."""
    of_raster = homes["residents"].to_numpy()
    whole = np.bincount(owner, weights=of_raster, minlength=len(population))
    by_floor = _shared_out(population, owner, homes["floor_m2"].to_numpy())
    given = np.where(whole[owner] > 0, _in_proportion(population, owner, of_raster), by_floor)
    scaled: Floats = np.where(np.isnan(population[owner]), of_raster, given)
    return scaled


def _in_proportion(total: Floats, owner: Ints, part: Floats) -> Floats:
    """Return each community's total shared out in proportion to a part; evenly where all parts are 0."""
    nothing = np.bincount(owner, weights=part, minlength=len(total)) <= 0
    part = np.where(nothing[owner], 1.0, part)
    return total[owner] * part / np.bincount(owner, weights=part, minlength=len(total))[owner]


def _groups(
    communities: gpd.GeoDataFrame, people: People, owner: Ints, shares: Mapping[str, float]
) -> tuple[dict[str, Floats], dict[str, int]]:
    """Return households and age groups by home, where every community knows them, and counts of the rest.

    A community knows those of its homes where a list gives all of them, else what it says itself, else by
    its share.
    """
    count = len(communities)
    residents = people.homes["residents"].to_numpy(dtype=np.float64)
    if people.measure != "residents":
        residents = people.homes[people.measure].to_numpy(dtype=np.float64)
    found: dict[str, Floats] = {}
    counts: dict[str, int] = {}
    for ages, column in _GROUPS.items():
        share = shares.get(ages) if people.measure == "residents" else None
        given = (
            communities[column].to_numpy(dtype=np.float64)
            if column in communities
            else np.full(count, np.nan)
        )
        own = np.full(len(owner), np.nan)
        if column in people.homes:
            own = people.homes[column].to_numpy(dtype=np.float64)
        listed = np.bincount(owner[np.isnan(own)], minlength=count) == 0
        blank = np.isnan(given) & ~listed
        if blank.all() and share is None:
            continue
        values = np.zeros(len(owner)) if share is None else share * residents
        if share is None and blank.any():
            counts[f"people.without_{column}"] = int(blank.sum())
            continue
        if share is not None and blank.any():
            counts[f"people.share_{column}"] = int(blank.sum())
        told = ~blank[owner]
        values[told] = _in_proportion(given, owner, residents)[told]
        found[column] = np.where(listed[owner], own, values)
    given = communities[[column for column in AGE_COLUMNS.values() if column in communities]]
    above = given.gt(communities["population"], axis=0).any(axis=1)
    counts["people.groups_above_population"] = int(above.sum())
    return found, counts


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
