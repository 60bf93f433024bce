"""How many residents reach each service in time, where, and where do we not know?

Covered, gap and unknown are three things: a home is *unknown* for a service where the walk to the edge of the
street data is shorter than both the limit and the walk to the nearest known facility, so that a facility
just beyond the edge could serve it.

Limits in metres are compared as the minutes those metres take at the service's pace: one search, one rule.
"""

import dataclasses
import functools
import html
from collections.abc import Hashable
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lifecircle.city import CELL_M, City
from lifecircle.costs import for_walker
from lifecircle.doors import facilities_on, homes_on, sites_of
from lifecircle.errors import UnknownNameError
from lifecircle.grouped import grouped_quantile, heaviest
from lifecircle.network import MAX_SNAP_M, Positions, WalkNetwork
from lifecircle.people import community_of
from lifecircle.reach import metres_to_nearest
from lifecircle.route import route_to_nearest
from lifecircle.standard import Limit, Standard, Walker
from lifecircle.streets import Flags, Floats, Ints

COVERED, GAP, UNKNOWN = 0, 1, 2
STATUS = ("covered", "gap", "unknown")
_FLOAT_NOISE_MINUTES = 1e-9


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


@dataclasses.dataclass(frozen=True, eq=False)
class Coverage:
    """The walk from every home to every service, and what follows from it.

    Attributes
    ----------
    city, standard
        What was measured, and by which rules.
    walks
        From ``city.homes``, in their order.
    cell_places
        Centres of 50 m cells that fill the communities: community_id and a point.
    cell_walks
        From the cells, in their order.
    straight_m, straight_facility
        Shape (homes, services). Straight line to the facility nearest that way, and its row.
    max_snap_m
        Homes and facilities farther from any street are off the network.
    """

    city: City
    standard: Standard
    walks: Walks
    cell_places: gpd.GeoDataFrame
    cell_walks: Walks
    straight_m: Floats
    straight_facility: Ints
    max_snap_m: float = MAX_SNAP_M

    def __repr__(self) -> str:
        """Return the coverage in one line."""
        shares = ", ".join(
            f"{service.id} {limit.label('en')} {share:.1%}"
            for (service, limit), share in zip(
                self.standard.pairs, self.share()["share_covered"], strict=True
            )
        )
        return f"<Coverage {self.city.name['en']}: {shares}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the table of `share`, names made harmless."""
        return f"<p>{html.escape(repr(self))}</p>{self.share().to_html(index=False)}"

    @property
    def minutes(self) -> pd.DataFrame:
        """Minutes from each home (index of ``city.homes``) to each service (columns).

        inf where no facility can be reached, NaN where it is unknown at the service's longest limit because
        the data ends. Of a service that is met in metres they are those metres at its pace.
        """
        return pd.DataFrame(
            self._known_minutes(self.walks), index=self.city.homes.index, columns=self._service_ids
        )

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """Points at the centres of 50 m cells: community_id and one column of minutes per service."""
        minutes = pd.DataFrame(self._known_minutes(self.cell_walks), columns=self._service_ids)
        return gpd.GeoDataFrame(pd.concat([self.cell_places, minutes], axis=1), crs=self.city.crs)

    def status(self, minutes: float | None = None) -> pd.DataFrame:
        """Return "covered", "gap" or "unknown" for each home and service.

        Parameters
        ----------
        minutes
            Where the line is drawn, for every service at its own pace; exactly so many are covered. Where
            None, each service's own longest limit.

        Returns
        -------
        pandas.DataFrame
            Index of ``city.homes``, one column per service.
        """
        return pd.DataFrame(
            {
                service.id: pd.Categorical.from_codes(
                    self._codes(
                        self.walks,
                        column,
                        service.longest.minutes_at(service.pace_mps) if minutes is None else minutes,
                    ).tolist(),
                    categories=pd.Index(STATUS),
                )
                for column, service in enumerate(self.standard.services)
            },
            index=self.city.homes.index,
        )

    def share(self) -> pd.DataFrame:
        """Return the city's totals, one row per service and limit; columns as in `by_community`."""
        return self.totals().drop(columns=["community_id", "community"])

    def totals(self) -> pd.DataFrame:
        """Return the city's totals as rows of `by_community`, with an empty community."""
        return self._totals.copy()

    @functools.cached_property
    def _totals(self) -> pd.DataFrame:
        whole = gpd.GeoDataFrame(
            {"community_id": [""], "community": [""]},
            geometry=[shapely.union_all(self.city.communities.geometry.to_numpy())],
            crs=self.city.crs,
        )
        homes, cells = len(self.city.homes), len(self.cell_places)
        return self._table(whole, np.zeros(homes, dtype=np.int64), np.zeros(cells, dtype=np.int64))

    def by_community(self) -> pd.DataFrame:
        """Return one row per community, service and limit of that service.

        Returns
        -------
        pandas.DataFrame
            community_id, community, service, threshold_minutes (at the service's pace where its limit is in
            metres), threshold_m (NaN where it is in minutes), denominator (the city's measure M), M,
            M_covered, M_gap, M_unknown, share_covered, share_gap, share_unknown (of M; NaN where M is 0),
            area_m2, area_covered_m2, share_area_covered (sampled at 50 m), median_minutes, p90_minutes (of M
            with known walks; inf where no facility can be reached, NaN where no walk is known),
            nearest_facility (nearest to most).
        """
        return self._by_community.copy()

    @functools.cached_property
    def _by_community(self) -> pd.DataFrame:
        rows = pd.Series(np.arange(len(self.city.communities)), index=self.city.communities["community_id"])
        return self._table(
            self.city.communities,
            rows[self.city.homes["community_id"]].to_numpy(),
            rows[self.cell_places["community_id"]].to_numpy(),
        )

    def catchments(self) -> pd.DataFrame:
        """Return whom each facility is the nearest for, in the order of ``city.facilities``.

        A home whose walk is unknown, because the data ends, belongs to no facility.

        Returns
        -------
        pandas.DataFrame
            Index of ``city.facilities``. facility_id, name, service, homes (how many), M (the city's
            measure), mean_minutes (of M; NaN where M is 0), farthest_minutes (NaN where there is no home).
        """
        minutes = self._known_minutes(self.walks)
        home, column = np.nonzero(np.isfinite(minutes))
        walk, weight = minutes[home, column], self.city.weight[home]
        facilities = self.city.facilities
        near, count = self.walks.facility[home, column], len(facilities)
        people = np.bincount(near, weights=weight, minlength=count)
        farthest = np.full(count, np.nan)
        np.fmax.at(farthest, near, walk)
        table = pd.DataFrame(facilities[["facility_id", "name", "service"]]).assign(
            **{
                "homes": np.bincount(near, minlength=count),
                self.city.measure: people,
                "mean_minutes": _ratio(np.bincount(near, weights=weight * walk, minlength=count), people),
                "farthest_minutes": farthest,
            }
        )
        return table[table["service"].isin(self._service_ids)]

    def mean_minutes(self) -> pd.DataFrame:
        """Return the mean walk to each service; people without a walk are counted apart.

        Returns
        -------
        pandas.DataFrame
            service, mean_minutes (of M_in_reach; NaN where it is 0), M_in_reach, M_out_of_reach (no facility
            can be reached), M_unknown (the data ends); M is the city's measure.
        """
        minutes, weight, measure = self._known_minutes(self.walks), self.city.weight, self.city.measure
        in_reach = weight @ np.isfinite(minutes)
        return pd.DataFrame(
            {
                "service": self._service_ids,
                "mean_minutes": _ratio(weight @ np.where(np.isfinite(minutes), minutes, 0.0), in_reach),
                f"{measure}_in_reach": in_reach,
                f"{measure}_out_of_reach": weight @ np.isinf(minutes),
                f"{measure}_unknown": weight @ np.isnan(minutes),
            }
        )

    def route(self, home: Hashable, service: str) -> shapely.LineString | None:
        """Return the walk from a home to its nearest facility as a line.

        Parameters
        ----------
        home
            Index of the home in ``city.homes``.
        service
            Id of the service.

        Returns
        -------
        shapely.LineString or None
            In the city's CRS, access legs included; None where no facility can be reached. Where the data
            ends nearer than that, it is the walk to the nearest facility known.

        Raises
        ------
        UnknownNameError
            If there is no such home or service.
        """
        chosen = self.standard.service(service)
        column = self._service_ids.index(chosen.id)
        rows = np.flatnonzero(self.city.homes.index == home)
        if len(rows) == 0:
            raise UnknownNameError("route.unknown_home", value=home)
        facility = self.walks.facility[rows[0], column]
        if facility < 0:
            return None
        home_site, facility_site = (
            sites_of(places.iloc[[row]])
            for places, row in ((self.city.homes, rows[0]), (self.city.facilities, facility))
        )
        network = for_walker(self.city.network, chosen.walker, self.city.relief, level=chosen.in_metres)
        return route_to_nearest(network, home_site[0], list(facility_site), max_snap_m=self.max_snap_m)

    def status_codes(self, walks: Walks, service: str, limit: Limit) -> NDArray[np.int8]:
        """Return `COVERED`, `GAP` or `UNKNOWN` for each place, shape (places,), by a limit of a service.

        Not covered, with the data ending within the limit: then its end is nearer than any known facility.
        """
        pace_mps = self.standard.service(service).pace_mps
        return self._codes(walks, self._service_ids.index(service), limit.minutes_at(pace_mps))

    def _codes(self, walks: Walks, column: int, minutes: float) -> NDArray[np.int8]:
        walk = walks.metres[:, column] / self._metres_per_minute[column]
        edge = walks.edge_m[:, column] / self._metres_per_minute[column]
        covered = walk <= minutes + _FLOAT_NOISE_MINUTES
        unknown = ~covered & (edge <= minutes + _FLOAT_NOISE_MINUTES)
        return np.select([covered, unknown], [COVERED, UNKNOWN], GAP).astype(np.int8)

    @functools.cached_property
    def _service_ids(self) -> list[str]:
        return [service.id for service in self.standard.services]

    @functools.cached_property
    def _metres_per_minute(self) -> Floats:
        return np.array([60.0 * service.pace_mps for service in self.standard.services])

    def _known_minutes(self, walks: Walks) -> Floats:
        unknown = np.column_stack(
            [
                self.status_codes(walks, service.id, service.longest) == UNKNOWN
                for service in self.standard.services
            ]
        )
        return np.where(unknown, np.nan, walks.metres / self._metres_per_minute)

    def _table(self, groups: gpd.GeoDataFrame, of_home: Ints, of_cell: Ints) -> pd.DataFrame:
        """Return the table of `by_community` for any grouping of homes and cells."""
        measure, weight, count = self.city.measure, self.city.weight, len(groups)
        total = np.bincount(of_home, weights=weight, minlength=count).astype(np.float64)
        cells = np.bincount(of_cell, minlength=count)
        area = groups.area.to_numpy()
        minutes = self._known_minutes(self.walks)
        names = np.append(self.city.facilities["name"].to_numpy(dtype=object), "")
        tables = []
        for column, service in enumerate(self.standard.services):
            known = ~np.isnan(minutes[:, column])
            walk = (of_home[known], minutes[known, column], weight[known], count)
            median, p90 = grouped_quantile(*walk, 0.5), grouped_quantile(*walk, 0.9)
            main = main_facility(self.city, of_home, self.walks.facility[:, column], weight, count)
            for limit in service.limits:
                status = self.status_codes(self.walks, service.id, limit)
                in_cells = self.status_codes(self.cell_walks, service.id, limit) == COVERED
                counts = {
                    word: np.bincount(of_home, weights=weight * (status == code), minlength=count)
                    for code, word in enumerate(STATUS)
                }
                share_area = _ratio(np.bincount(of_cell, weights=in_cells, minlength=count), cells)
                tables.append(
                    pd.DataFrame(
                        {
                            "community_id": groups["community_id"].to_numpy(),
                            "community": groups["community"].to_numpy(),
                            "service": service.id,
                            "threshold_minutes": float(limit.minutes_at(service.pace_mps)),
                            "threshold_m": limit.value if service.in_metres else np.nan,
                            "denominator": measure,
                            measure: total,
                            **{f"{measure}_{word}": people for word, people in counts.items()},
                            **{f"share_{word}": _ratio(people, total) for word, people in counts.items()},
                            "area_m2": area,
                            "area_covered_m2": area * share_area,
                            "share_area_covered": share_area,
                            "median_minutes": median,
                            "p90_minutes": p90,
                            "nearest_facility": names[main],
                        }
                    )
                )
        table = pd.concat(tables, keys=range(len(tables)))
        return table.sort_index(level=[1, 0]).reset_index(drop=True)


def measure_coverage(city: City, standard: Standard, *, max_snap_m: float = MAX_SNAP_M) -> Coverage:
    """Return the walk from every home to every service of a standard.

    Parameters
    ----------
    city
        People, facilities and streets.
    standard
        Services, paces and limits.
    max_snap_m
        Homes and facilities farther than this from every street are off the network.

    Returns
    -------
    Coverage
    """
    homes, cells, services = city.homes, _cells(city), standard.services
    home_sites, facility_sites = sites_of(homes), sites_of(city.facilities)
    sites = np.concatenate([home_sites, cells.geometry.to_numpy()])
    points = np.concatenate([homes.geometry.to_numpy(), cells.geometry.to_numpy()])
    shape = (len(sites), len(services))
    walks = Walks(
        metres=np.full(shape, np.inf),
        facility=np.full(shape, -1, dtype=np.int64),
        edge_m=np.full(shape, np.inf),
        on_street=np.zeros(shape, dtype=bool),
    )
    straight_m = np.full((len(homes), len(services)), np.inf)
    straight_facility = np.full(straight_m.shape, -1, dtype=np.int64)
    networks: dict[tuple[Walker, bool], WalkNetwork] = {}
    grounds: dict[WalkNetwork, _Ground] = {}
    by_id = np.argsort(city.facilities["facility_id"].to_numpy(), kind="stable")
    for column, service in enumerate(services):
        how = service.walker, service.in_metres
        if how not in networks:
            networks[how] = for_walker(city.network, service.walker, city.relief, level=service.in_metres)
        if networks[how] not in grounds:  # on level ground without steps to weigh, one serves all
            grounds[networks[how]] = _ground(city, networks[how], sites, points, max_snap_m)
        ground = grounds[networks[how]]
        rows = by_id[city.facilities["service"].to_numpy()[by_id] == service.id]
        doors = facilities_on(ground.network, facility_sites[rows], max_m=max_snap_m)
        nearest = metres_to_nearest(ground.network, ground.places, doors)
        walks.metres[:, column] = nearest.metres
        walks.facility[:, column] = np.append(rows, -1)[nearest.facility]
        walks.edge_m[:, column], walks.on_street[:, column] = ground.edge_m, ground.on_street
        if len(rows):
            straight_m[:, column], near = _nearest_in_line(home_sites, facility_sites[rows])
            straight_facility[:, column] = rows[near]
    unheard_of = np.flatnonzero(homes["kind"].to_numpy() == "none")
    walks.metres[unheard_of], walks.facility[unheard_of], walks.edge_m[unheard_of] = np.inf, -1, 0.0
    return Coverage(
        city=city,
        standard=standard,
        walks=walks.rows(0, len(homes)),
        cell_places=cells,
        cell_walks=walks.rows(len(homes)),
        straight_m=straight_m,
        straight_facility=straight_facility,
        max_snap_m=max_snap_m,
    )


def _cells(city: City) -> gpd.GeoDataFrame:
    """Return the centres of the 50 m cells inside communities; one too small for any gets a point."""
    boxes = np.floor(shapely.bounds(city.communities.geometry.to_numpy()) / CELL_M).astype(np.int64)
    grids = [np.mgrid[low_x : high_x + 1, low_y : high_y + 1] for low_x, low_y, high_x, high_y in boxes]
    cells = np.concatenate([grid.reshape(2, -1).T for grid in grids])
    lowest = cells.min(axis=0)
    height = int(cells[:, 1].max() - lowest[1]) + 1
    numbers = np.unique((cells - lowest) @ [height, 1])  # one per cell: pairs take ten times as long
    x, y = (np.column_stack(np.divmod(numbers, height)) + lowest + 0.5).T * CELL_M
    owner = community_of(city.communities, x, y)
    inside = owner >= 0
    tiny = np.setdiff1d(np.arange(len(city.communities)), owner[inside])
    points = city.communities.geometry.iloc[tiny].representative_point()
    return gpd.GeoDataFrame(
        {"community_id": city.communities["community_id"].to_numpy()[np.concatenate([owner[inside], tiny])]},
        geometry=shapely.points(np.concatenate([x[inside], points.x]), np.concatenate([y[inside], points.y])),
        crs=city.crs,
    )


class _Ground(NamedTuple):
    """What services whose users find the same streets hard share."""

    network: WalkNetwork
    places: Positions
    edge_m: Floats
    on_street: Flags


def _ground(
    city: City, network: WalkNetwork, sites: NDArray[Any], points: NDArray[Any], max_snap_m: float
) -> _Ground:
    """Return streets as they cost a walker, the places on them, and the walk to where the data ends."""
    places = homes_on(network, sites, max_m=max_snap_m)
    edge_m = metres_to_nearest(network, places, network.exits).metres
    if city.boundary is not None:
        shapely.prepare(city.boundary)
        edge_m[~shapely.contains(city.boundary, points)] = 0.0
    on_street = np.bincount(places.place, weights=places.on_street, minlength=len(sites)) > 0
    return _Ground(network, places, edge_m, on_street)


def _nearest_in_line(homes: NDArray[Any], facilities: NDArray[Any]) -> tuple[Floats, Ints]:
    """Return the straight line from each home to the facility nearest that way, door to door, and its row."""
    (at_home, home), (at, facility) = (
        shapely.get_coordinates(sites, return_index=True) for sites in (homes, facilities)
    )
    straight_m, near = cKDTree(at).query(at_home)
    first = np.lexsort([straight_m, home])[np.unique(home, return_index=True)[1]]
    return straight_m[first], facility[near[first]]


def at_longest(table: pd.DataFrame, standard: Standard) -> pd.DataFrame:
    """Return the rows of a table (columns service and threshold_minutes) at each service's longest limit."""
    longest = {service.id: service.longest.minutes_at(service.pace_mps) for service in standard.services}
    return table[table["threshold_minutes"] == table["service"].map(longest)]


def main_facility(city: City, group: Ints, facility: Ints, weights: Floats, groups: int) -> Ints:
    """Return the row of the facility that serves most weight in each group; of equals, the first id."""
    by_id = np.argsort(city.facilities["facility_id"].to_numpy(), kind="stable")
    rank = np.append(np.argsort(by_id), -1)
    return np.append(by_id, -1)[heaviest(group, rank[facility], weights, groups)]


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Return part / whole, NaN where there is no whole."""
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
