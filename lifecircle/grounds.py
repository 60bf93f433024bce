"""Where do the walks to a service begin and end: on which streets, at which doors?"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lifecircle.choice import Pairs, pairs_by_piece
from lifecircle.city import City
from lifecircle.costs import for_walker
from lifecircle.doors import facilities_on, homes_on, sites_of
from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import Nearest, metres_to_nearest
from lifecircle.standard import Service, Walker
from lifecircle.streets import Flags, Floats, Ints
from lifecircle.there_and_back import nearest_there_and_back, walked_back, within_there_and_back

_AT_ONCE = 128
"""Of so many facilities all walks there and back are held in memory together."""


class Ground(NamedTuple):
    """What services whose users find the same streets hard share."""

    network: WalkNetwork
    """Streets as they cost that walker."""
    places: Positions
    """Homes, then cells."""
    edge_m: Floats
    """Shape (places,). To the nearest point where the street data ends; 0 outside it."""
    on_street: Flags
    """Shape (places,). Whether one of its doors opens on a street."""
    back: WalkNetwork | None = None
    """The streets as they cost who walks home; None where only the way there counts."""
    back_edge_m: Floats | None = None
    """Shape (places,). Walk home from the nearest point where the data ends."""


def grounds_of(
    city: City,
    services: Iterable[Service],
    lots: Sequence[NDArray[Any]],
    points: NDArray[Any],
    max_snap_m: float,
    *,
    round_trip: bool = False,
) -> tuple[Ground, ...]:
    """Return the ground of each service; on level ground without steps to weigh, one serves all.

    Parameters
    ----------
    city
        The city.
    services
        Of a standard.
    lots
        Where people leave the places, as `lifecircle.doors.sites_of`, in one array or several, one behind the
        other. Each lot is put on streets by itself: one that has been before, as homes have, is not again.
    points
        Shape (places,). Where the places stand.
    max_snap_m
        No access leg is longer.
    round_trip
        Whether the way home counts too.
    """
    grounds: dict[WalkNetwork, Ground] = {}
    networks = networks_of(city, services)
    for network in networks:
        if network not in grounds:
            doors = _doors(network, lots, max_snap_m)
            grounds[network] = ground_of(city, network, doors, points, round_trip=round_trip)
    return tuple(grounds[network] for network in networks)


def _doors(network: WalkNetwork, lots: Sequence[NDArray[Any]], max_snap_m: float) -> Positions:
    """Return the doors of all lots, places counted through."""
    first = np.cumsum([0, *map(len, lots)])
    doors = [
        homes_on(network, sites, max_m=max_snap_m).of(at + np.arange(len(sites)))
        for at, sites in zip(first, lots, strict=False)
    ]
    return functools.reduce(Positions.plus, doors)


def networks_of(city: City, services: Iterable[Service]) -> list[WalkNetwork]:
    """Return for each service the streets as they cost its users: one object for those who walk alike.

    A walk to a home is searched as one from it, on streets whose directions are exchanged.
    """
    networks: dict[tuple[Walker, bool, bool], WalkNetwork] = {}
    chosen = []
    for service in services:
        how = service.walker, service.in_metres, service.to_home
        if how not in networks:
            forth = (*how[:2], False)
            if forth not in networks:
                networks[forth] = for_walker(
                    city.network, service.walker, city.relief, level=service.in_metres
                )
            networks[how] = walked_back(networks[forth]) if service.to_home else networks[forth]
        chosen.append(networks[how])
    return chosen


def ground_of(
    city: City, network: WalkNetwork, doors: Positions, points: NDArray[Any], *, round_trip: bool = False
) -> Ground:
    """Return a ground, given the doors of its places."""
    on_street = np.bincount(doors.place, weights=doors.on_street, minlength=len(points)) > 0
    ground = Ground(network, doors, _edge_m(city, network, doors, points), on_street)
    if not round_trip:
        return ground
    back = walked_back(network)
    if back is network:
        return ground._replace(back=back, back_edge_m=ground.edge_m)
    return ground._replace(back=back, back_edge_m=_edge_m(city, back, doors, points))


def _edge_m(city: City, network: WalkNetwork, doors: Positions, points: NDArray[Any]) -> Floats:
    """Return the walk from places to where the data ends; 0 outside it."""
    edge_m = metres_to_nearest(network, doors, network.exits).metres
    if city.boundary is not None:
        shapely.prepare(city.boundary)
        edge_m[~shapely.contains(city.boundary, points)] = 0.0
    return edge_m


def rows_of(city: City, service: str) -> Ints:
    """Return the rows of a service's facilities, by their ids: of equals, the first id is the nearest."""
    by_id = np.argsort(city.facilities["facility_id"].to_numpy(), kind="stable")
    rows: Ints = by_id[city.facilities["service"].to_numpy()[by_id] == service]
    return rows


def nearest_of(
    ground: Ground, city: City, rows: Ints, max_snap_m: float, cutoff_m: float = np.inf
) -> Nearest:
    """Return the walk from each place of a ground to the nearest of some facilities, by their rows."""
    doors = facilities_on(ground.network, sites_of(city.facilities.iloc[rows]), max_m=max_snap_m)
    nearest = metres_to_nearest(ground.network, ground.places, doors, cutoff_m=cutoff_m)
    return Nearest(nearest.metres, np.append(rows, -1)[nearest.facility])


def walks_of(ground: Ground, city: City, rows: Ints, max_snap_m: float) -> tuple[Floats, Ints, Floats]:
    """Return the walk to the nearest of some facilities, its row, and the least walk that leaves the data.

    There and back, either way may lead through ground beyond the data, to a facility there or to a known one.
    No such walk is shorter than the least ways there and back, each inside the data or to its edge, of which
    one at least is to the edge.
    """
    if ground.back is None or ground.back_edge_m is None:
        one_way = nearest_of(ground, city, rows, max_snap_m)
        return one_way.metres, one_way.facility, ground.edge_m
    doors = facilities_on(ground.network, sites_of(city.facilities.iloc[rows]), max_m=max_snap_m)
    both = nearest_there_and_back(ground.network, ground.places, doors, back=ground.back)
    edge_there = ground.edge_m + np.minimum(ground.back_edge_m, both.back_m)
    edge_m = np.minimum(edge_there, both.there_m + ground.back_edge_m)
    return both.metres, np.append(rows, -1)[both.facility], edge_m


def pairs_on(ground: Ground, homes: Positions, facilities: Positions, cutoff_m: float) -> Iterator[Pairs]:
    """Yield the pairs of a home and a facility within a cutoff, those of a facility together.

    Parameters
    ----------
    ground
        Streets; there and back where it knows the way back.
    homes, facilities
        Doors on its streets.
    cutoff_m
        Longest walk in level metres, or sum of both ways; exactly so far is inside.
    """
    if ground.back is None:
        yield from pairs_by_piece(ground.network, homes, facilities, cutoff_m)
    elif ground.back is ground.network:  # the way back is the way there
        for pairs in pairs_by_piece(ground.network, homes, facilities, cutoff_m / 2):
            yield pairs._replace(metres=2 * pairs.metres)
    else:
        ways, places = (ground.network, ground.back), np.unique(facilities.place)
        for first in range(0, len(places), _AT_ONCE):
            some = facilities.take(np.isin(facilities.place, places[first : first + _AT_ONCE]))
            yield within_there_and_back(ways, homes, some, cutoff_m=cutoff_m)


def straight_of(city: City, rows: Ints) -> tuple[Floats, Ints]:
    """Return the straight line from each home to the nearest of some facilities, door to door, and which."""
    homes = len(city.homes)
    if len(rows) == 0:
        return np.full(homes, np.inf), np.full(homes, -1, dtype=np.int64)
    (at_home, home), (at, facility) = (
        shapely.get_coordinates(sites_of(places), return_index=True)
        for places in (city.homes, city.facilities.iloc[rows])
    )
    straight_m, near = cKDTree(at).query(at_home)
    first = np.lexsort([straight_m, home])[np.unique(home, return_index=True)[1]]
    return straight_m[first], rows[facility[near[first]]]
