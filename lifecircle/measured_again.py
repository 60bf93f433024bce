"""A city was changed a little: what has to be measured again?

A new facility needs one search from itself, and the lesser of the old and the new walk. A facility gone needs
its service searched again, and so does a new one where walks are there and back: the least sum follows from
no search of its own. Other streets need every service searched again, but only places near what changed are
put on streets anew.
"""

import dataclasses
import operator

import numpy as np
import pandas as pd
import shapely

from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.doors import DOORS, sites_of
from lifecircle.grounds import Ground, ground_of, nearest_of, networks_of, rows_of, straight_of
from lifecircle.network import Positions, WalkNetwork
from lifecircle.streets import Flags, Ints
from lifecircle.walks import Walks, put_walks

_NEAR_M = 1e-6
"""Of streets equally near, another may be chosen when one of them changed."""


def remeasure(coverage: Coverage, city: City) -> Coverage:
    """Return the coverage of a city that was made from one already measured.

    Parameters
    ----------
    coverage
        Of the city as it was, by the same standard.
    city
        The same people; perhaps other facilities and streets, as `City.with_facility`, `City.with_link` and
        the like make them.

    Returns
    -------
    Coverage
        What `measure_coverage` finds, to the last digits; of facilities equally near, perhaps another one.
    """
    old = coverage.city
    if (
        city.homes is not old.homes
        or city.communities is not old.communities
        or city.boundary is not old.boundary
    ):
        return measure_coverage(
            city, coverage.standard, max_snap_m=coverage.max_snap_m, round_trip=coverage.round_trip
        )
    same_streets = city.network is old.network and city.relief is old.relief
    grounds = coverage.grounds if same_streets else _regrounded(coverage, city)
    now_at = _rows_now(old, city)
    walks = _both(coverage)
    straight_m, straight_facility = coverage.straight_m.copy(), coverage.straight_facility.copy()
    for column, service in enumerate(coverage.standard.services):
        rows, before = rows_of(city, service.id), rows_of(old, service.id)
        added = rows[~np.isin(rows, now_at)]
        gone = (now_at[before] < 0).any()
        if not same_streets or gone or (coverage.round_trip and len(added)):
            put_walks(walks, column, grounds[column], city, rows, coverage.max_snap_m)
        else:
            walks.facility[:, column] = np.append(now_at, -1)[walks.facility[:, column]]
            if len(added):
                _shorten(walks, column, grounds[column], city, added, coverage)
        if gone or len(added):
            straight_m[:, column], straight_facility[:, column] = straight_of(city, rows)
        else:
            straight_facility[:, column] = np.append(now_at, -1)[straight_facility[:, column]]
    unheard_of = np.flatnonzero(city.homes["kind"].to_numpy() == "none")
    walks.metres[unheard_of], walks.facility[unheard_of], walks.edge_m[unheard_of] = np.inf, -1, 0.0
    homes = len(city.homes)
    again = Coverage(
        city=city,
        standard=coverage.standard,
        walks=walks.rows(0, homes),
        cell_places=coverage.cell_places,
        cell_walks=walks.rows(homes),
        straight_m=straight_m,
        straight_facility=straight_facility,
        max_snap_m=coverage.max_snap_m,
        round_trip=coverage.round_trip,
    )
    vars(again)["grounds"] = grounds
    return again


def without_cells(coverage: Coverage) -> Coverage:
    """Return the coverage of homes alone: changes are measured in less time where no areas are asked for."""
    homes = len(coverage.city.homes)
    alone = dataclasses.replace(
        coverage, cell_places=coverage.cell_places.iloc[:0], cell_walks=coverage.cell_walks.rows(0, 0)
    )
    vars(alone)["grounds"] = tuple(
        ground._replace(
            places=ground.places.take(ground.places.place < homes),
            edge_m=ground.edge_m[:homes],
            on_street=ground.on_street[:homes],
            back_edge_m=None if ground.back_edge_m is None else ground.back_edge_m[:homes],
        )
        for ground in coverage.grounds
    )
    return alone


def _both(coverage: Coverage) -> Walks:
    """Return a copy of the walks from homes and cells, as one table."""
    parts = coverage.walks, coverage.cell_walks
    return Walks(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Walks.__dataclass_fields__)
    )


def _rows_now(old: City, city: City) -> Ints:
    """Return for each facility of the old city its row in the new one, -1 where it is gone or was changed."""
    found = pd.Index(city.facilities["facility_id"]).get_indexer(pd.Index(old.facilities["facility_id"]))
    row: Ints = np.asarray(found, dtype=np.int64)
    here = np.flatnonzero(row >= 0)
    then, now = old.facilities.iloc[here], city.facilities.iloc[row[here]]
    same = then["service"].to_numpy() == now["service"].to_numpy()
    for layer in ("geometry", DOORS):
        if layer in then or layer in now:
            same &= _wkb(then, layer) == _wkb(now, layer)
    row[here[~same]] = -1
    return row


def _wkb(frame: pd.DataFrame, column: str) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    shapes = frame[column].to_numpy() if column in frame else np.full(len(frame), None)
    return np.asarray(shapely.to_wkb(shapes), dtype=object)


def _shorten(walks: Walks, column: int, ground: Ground, city: City, added: Ints, coverage: Coverage) -> None:
    """Search from new facilities, no farther than the longest walk that they could shorten."""
    longest = walks.metres[ground.on_street, column].max(initial=0.0)
    nearest = nearest_of(ground, city, added, coverage.max_snap_m, cutoff_m=longest)
    nearer = nearest.metres < walks.metres[:, column]
    walks.metres[nearer, column] = nearest.metres[nearer]
    walks.facility[nearer, column] = nearest.facility[nearer]


def _regrounded(coverage: Coverage, city: City) -> tuple[Ground, ...]:
    """Return where each service is measured on the new streets."""
    grounds: dict[WalkNetwork, Ground] = {}
    networks = networks_of(city, coverage.standard.services)
    for ground, network in zip(coverage.grounds, networks, strict=True):
        if network not in grounds:
            grounds[network] = _reground(coverage, city, ground, network)
    return tuple(grounds[network] for network in networks)


def _reground(coverage: Coverage, city: City, ground: Ground, network: WalkNetwork) -> Ground:
    """Return a ground on other streets: only doors near what changed are put on streets anew."""
    doors, max_snap_m = ground.places, coverage.max_snap_m
    sites = np.concatenate([sites_of(city.homes), coverage.cell_places.geometry.to_numpy()])
    xy = shapely.get_coordinates(sites)  # in the order of the doors
    changed, gone = _changed(ground.network, network)
    near = doors.on_street & gone[doors.street]
    reach_m = np.where(doors.on_street, doors.off_m, max_snap_m) + _NEAR_M
    tree = shapely.STRtree(network.lines[changed & network.is_target])
    near[tree.query(shapely.points(xy), predicate="dwithin", distance=reach_m)[0]] = True
    rows = np.flatnonzero(near)
    moved = network.snap(*xy[rows].T, max_m=max_snap_m)
    values = {field.name: getattr(doors, field.name).copy() for field in dataclasses.fields(doors)}
    for name in values.keys() - {"place"}:
        values[name][rows] = getattr(moved, name)
    doors = Positions(**values)
    return ground_of(city, network, doors, coverage.points, round_trip=coverage.round_trip)


def _changed(old: WalkNetwork, network: WalkNetwork) -> tuple[Flags, Flags]:
    """Return which streets of the new network are other than they were, and which of the old ones are so."""
    kept = min(len(old.street_m), len(network.street_m))
    same = np.fromiter(map(operator.is_, old.lines[:kept], network.lines[:kept]), dtype=bool, count=kept)
    for name in ("street_m", "along", "against", "private", "island"):
        same &= getattr(old, name)[:kept] == getattr(network, name)[:kept]
    changed, gone = np.ones(len(network.street_m), dtype=bool), np.ones(len(old.street_m), dtype=bool)
    changed[:kept], gone[:kept] = ~same, ~same
    return changed, gone
