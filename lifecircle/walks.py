"""How far is it from some places to each service, and where does the street data end?"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from lifecircle.city import City
from lifecircle.grounds import Ground, rows_of, straight_of, walks_of
from lifecircle.standard import Service
from lifecircle.streets import Flags, Floats, Ints


@dataclasses.dataclass(frozen=True, eq=False)
class Walks:
    """Measured walks from some places (rows) to the services of a standard (columns).

    Attributes
    ----------
    metres
        Shape (places, services). To the nearest known facility; inf where none can be reached.
    facility
        Shape (places, services). Row of that facility in ``city.facilities``, -1 where none.
    edge_m
        Shape (places, services). To the nearest point where the street data ends; 0 outside it.
    on_street
        Shape (places, services). Whether a street that the service's users can walk is near enough.
    """

    metres: Floats
    facility: Ints
    edge_m: Floats
    on_street: Flags

    def rows(self, first: int, last: int | None = None) -> "Walks":
        """Return a run of rows."""
        part = slice(first, last)
        return Walks(self.metres[part], self.facility[part], self.edge_m[part], self.on_street[part])


def measured_walks(
    city: City, services: Sequence[Service], grounds: Sequence[Ground], places: int, max_snap_m: float
) -> Walks:
    """Return the walks from some places to services, each on its own ground.

    Parameters
    ----------
    city
        Homes and facilities.
    services, grounds
        Services, and where each is measured, as `lifecircle.grounds.grounds_of`.
    places
        How many there are: the homes, then others.
    max_snap_m
        Facilities farther than this from every street are off the network.
    """
    shape = (places, len(services))
    walks = Walks(
        metres=np.full(shape, np.inf),
        facility=np.full(shape, -1, dtype=np.int64),
        edge_m=np.full(shape, np.inf),
        on_street=np.zeros(shape, dtype=bool),
    )
    for column, (service, ground) in enumerate(zip(services, grounds, strict=True)):
        put_walks(walks, column, ground, city, rows_of(city, service.id), max_snap_m)
    unheard_of = np.flatnonzero(city.homes["kind"].to_numpy() == "none")
    walks.metres[unheard_of], walks.facility[unheard_of], walks.edge_m[unheard_of] = np.inf, -1, 0.0
    return walks


def put_walks(walks: Walks, column: int, ground: Ground, city: City, rows: Ints, max_snap_m: float) -> None:
    """Search a service from the facilities in some rows, and put the walks into its column."""
    walks.metres[:, column], walks.facility[:, column], walks.edge_m[:, column] = walks_of(
        ground, city, rows, max_snap_m
    )
    walks.on_street[:, column] = ground.on_street


def straight_lines(city: City, services: Sequence[Service]) -> tuple[Floats, Ints]:
    """Return the straight line from each home to the facility nearest that way, and that facility's row.

    Both of shape (homes, services); inf and -1 where there is no facility.
    """
    metres = np.full((len(city.homes), len(services)), np.inf)
    facility = np.full(metres.shape, -1, dtype=np.int64)
    for column, service in enumerate(services):
        metres[:, column], facility[:, column] = straight_of(city, rows_of(city, service.id))
    return metres, facility
