"""How many residents reach each service in time, where, and where do we not know?

Covered, gap and unknown are three things: a home is *unknown* for a service where the walk to the edge of the
street data is shorter than both the limit and the walk to the nearest known facility, so that a facility
just beyond the edge could serve it.

Limits in metres are compared as the minutes those metres take at the service's pace: one search, one rule.
"""

import dataclasses
import functools
import html
from collections.abc import Hashable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle.catchments import catchments_of, mean_minutes_of
from lifecircle.cells import cells_of
from lifecircle.city import City
from lifecircle.doors import sites_of
from lifecircle.errors import UnknownNameError
from lifecircle.grounds import Ground, grounds_of, networks_of, rows_of
from lifecircle.network import MAX_SNAP_M
from lifecircle.route import routes_to_nearest
from lifecircle.shares import COVERED, GAP, STATUS, UNKNOWN, table_of
from lifecircle.spacing import StreetSpacing, street_spacing
from lifecircle.standard import Limit, Standard
from lifecircle.streets import Floats, Ints
from lifecircle.there_and_back import walked_back
from lifecircle.units import groups_of, unit_of
from lifecircle.walks import Walks, measured_walks, straight_lines

_FLOAT_NOISE_MINUTES = 1e-9


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
    round_trip
        Whether every walk is there and back: metres and minutes are the sum, limits hold for it, and the
        facility is the one with the least sum.
    scenarios
        How homes stand under other assumptions, where `lifecircle.scenarios.with_scenarios` asked: by the id
        of the scenario, shape (homes, pairs of service and limit), as `lifecircle.scenarios.codes_of`.
    """

    city: City
    standard: Standard
    walks: Walks
    cell_places: gpd.GeoDataFrame
    cell_walks: Walks
    straight_m: Floats
    straight_facility: Ints
    max_snap_m: float = MAX_SNAP_M
    round_trip: bool = False
    scenarios: Mapping[str, NDArray[np.int8]] = dataclasses.field(default_factory=dict)

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
            self.known_minutes(self.walks), index=self.city.homes.index, columns=self._service_ids
        )

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """Points at the centres of 50 m cells: community_id and one column of minutes per service."""
        minutes = pd.DataFrame(self.known_minutes(self.cell_walks), columns=self._service_ids)
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
            geometry=[self.city.area],
            crs=self.city.crs,
        )
        homes, cells = len(self.city.homes), len(self.cell_places)
        return table_of(self, whole, np.zeros(homes, dtype=np.int64), np.zeros(cells, dtype=np.int64))

    def by_community(self) -> pd.DataFrame:
        """Return one row per community, service and limit of that service.

        Returns
        -------
        pandas.DataFrame
            community_id, community, service, threshold_minutes (at the service's pace where its limit is in
            metres), threshold_m (NaN where it is in minutes), denominator (what is counted in the column M,
            which is named for the city's measure: those of the service's age group, such as residents_60plus,
            where they are known, else the measure), M,
            M_covered, M_gap, M_unknown, share_covered, share_gap, share_unknown (of M; NaN where M is 0),
            area_m2, area_covered_m2, share_area_covered (of all the area, sampled at 50 m), homes,
            homes_covered, share_homes_covered (of buildings or home places), inhabited_m2,
            inhabited_covered_m2, share_inhabited_covered (of 50 m cells with homes, each shared out over its
            homes), communities, communities_covered, share_communities_covered (of those where anybody of M
            lives, those that meet the standard: the covered share of their M reaches its target),
            median_minutes, p90_minutes (of M with known walks; inf where no facility can be reached, NaN
            where no walk is known), nearest_facility (nearest to most).
        """
        return self._by_community.copy()

    @functools.cached_property
    def _by_community(self) -> pd.DataFrame:
        rows = pd.Series(np.arange(len(self.city.communities)), index=self.city.communities["community_id"])
        return table_of(
            self,
            self.city.communities,
            rows[self.city.homes["community_id"]].to_numpy(),
            rows[self.cell_places["community_id"]].to_numpy(),
        )

    def by_levels(self) -> pd.DataFrame:
        """Return the rows of `by_level` for every level of a city that has any."""
        return self._by_levels.copy()

    @functools.cached_property
    def _by_levels(self) -> pd.DataFrame:
        return pd.concat([self.by_level(level.id) for level in self.city.levels], ignore_index=True)

    def by_level(self, level: str) -> pd.DataFrame:
        """Return one row per unit of a level, service and limit, summed from homes so that each counts once.

        Parameters
        ----------
        level
            Id of one of ``city.levels``.

        Returns
        -------
        pandas.DataFrame
            level, unit_id, unit, then the columns of `by_community` from service on. Homes in no unit are
            together in a last unit with the id "", if there are any.

        Raises
        ------
        UnknownNameError
            If the city has no such level.
        """
        chosen = next((one for one in self.city.levels if one.id == level), None)
        if chosen is None:
            known = ", ".join(one.id for one in self.city.levels)
            raise UnknownNameError("levels.unknown", value=level, known=known)
        groups = groups_of(chosen, self.city)
        homes, cells = (unit_of(chosen, self.city, places) for places in (self.city.homes, self.cell_places))
        table = table_of(self, groups, homes % len(groups), cells % len(groups))  # -1 is the rest, the last
        if (homes >= 0).all():
            table = table[table["community_id"] != ""].reset_index(drop=True)
        table = table.rename(columns={"community_id": "unit_id", "community": "unit"})
        table.insert(0, "level", level)
        return table

    @functools.cached_property
    def spacing(self) -> StreetSpacing:
        """How the streets meet the spacings of a standard that asks for any."""
        return street_spacing(self.city, self.standard, max_snap_m=self.max_snap_m)

    def weight(self, service: str) -> Floats:
        """Shape (homes,). What each home counts for a service: its age group where that is known."""
        return self.city.weight_for(self.standard.service(service).ages)

    def denominator(self, service: str) -> str:
        """Return what is counted for a service: a column of ``city.homes``, such as residents_60plus."""
        return self.city.denominator(self.standard.service(service).ages)

    @property
    def denominators(self) -> list[str]:
        """What is counted for each service, in their order."""
        return [self.denominator(service) for service in self._service_ids]

    @functools.cached_property
    def weights(self) -> Floats:
        """Shape (homes, services). What each home counts for each service."""
        return np.column_stack([self.weight(service) for service in self._service_ids])

    def catchments(self) -> pd.DataFrame:
        """Return whom each facility is the nearest for, in the order of ``city.facilities``.

        A home whose walk is unknown, because the data ends, belongs to no facility.

        Returns
        -------
        pandas.DataFrame
            Index of ``city.facilities``. facility_id, name, service, homes (how many), M (named for the
            city's measure), denominator (what M counts, as in `by_community`), mean_minutes (of M; NaN
            where M is 0), farthest_minutes (NaN where there is no home).
        """
        return catchments_of(self)

    def mean_minutes(self) -> pd.DataFrame:
        """Return the mean walk to each service; people without a walk are counted apart.

        Returns
        -------
        pandas.DataFrame
            service, mean_minutes (of M_in_reach; NaN where it is 0), M_in_reach, M_out_of_reach (no facility
            can be reached), M_unknown (the data ends); M is named for the city's measure and counts what
            `denominator` says.
        """
        return mean_minutes_of(self)

    @property
    def ways(self) -> int:
        """How many ways a walk consists of: 1, or 2 where it is there and back."""
        return 2 if self.round_trip else 1

    def route(self, home: Hashable, service: str, *, back: bool = False) -> shapely.LineString | None:
        """Return the walk from a home to its nearest facility as a line.

        Parameters
        ----------
        home
            Index of the home in ``city.homes``.
        service
            Id of the service.
        back
            The way home from that facility: another one where slopes or one-way paths make it so. (Of a
            service that comes to homes, the provider's way back.)

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
        self.standard.service(service)
        rows = np.flatnonzero(self.city.homes.index == home)
        if len(rows) == 0:
            raise UnknownNameError("route.unknown_home", value=home)
        line: shapely.LineString | None = self.routes(rows[:1], service, back=back)[0]
        return line

    def routes(self, homes: Ints, service: str, *, back: bool = False) -> NDArray[Any]:
        """Return the walks from many homes as `route` returns one, by one search.

        A search more is made for each facility that is nearest for another reason than the walk drawn, as
        there and back.

        Parameters
        ----------
        homes
            Shape (k,). Rows of ``city.homes``.
        service, back
            As for `route`.

        Returns
        -------
        numpy.ndarray
            Shape (k,). LineStrings in the city's CRS, None where no facility can be reached.
        """
        chosen = self.standard.service(service)
        goal = self.walks.facility[homes, self._service_ids.index(chosen.id)]
        (network,) = networks_of(self.city, [chosen])
        way = walked_back(network) if back else network
        facilities = rows_of(self.city, chosen.id)  # lots that were put on streets when they were measured
        lots = sites_of(self.city.homes), sites_of(self.city.facilities.iloc[facilities])
        lines, left = np.full(len(homes), None, dtype=object), np.flatnonzero(goal >= 0)
        every = np.flatnonzero(np.isin(facilities, goal[left]))
        for to in (every, *every[:, None]):
            rows = left[np.isin(goal[left], facilities[to])]
            if len(rows):
                found = routes_to_nearest(way, *lots, of=homes[rows], to=to, max_snap_m=self.max_snap_m)
                right = np.append(facilities, -1)[found.facility[homes[rows]]] == goal[rows]
                lines[rows[right]] = found.lines[homes[rows[right]]]
                left = np.setdiff1d(left, rows[right])
        known = np.flatnonzero(shapely.is_geometry(lines))
        if back != chosen.to_home:
            lines[known] = shapely.reverse(lines[known])
        return lines

    def status_codes(self, walks: Walks, service: str, limit: Limit) -> NDArray[np.int8]:
        """Return `COVERED`, `GAP` or `UNKNOWN` for each place, shape (places,), by a limit of a service.

        Not covered, with the data ending within the limit: then its end is nearer than any known facility.
        There and back, that is the least walk that leaves the data on either way.
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
    def grounds(self) -> tuple[Ground, ...]:
        """Where each service was measured: kept from the measurement, for the next one."""
        return grounds_of(
            self.city,
            self.standard.services,
            (sites_of(self.city.homes), self.cell_places.geometry.to_numpy()),
            self.points,
            self.max_snap_m,
            round_trip=self.round_trip,
        )

    def ground_for(self, service: str) -> Ground:
        """Return where the walks to a service were measured."""
        return self.grounds[self._service_ids.index(self.standard.service(service).id)]

    def noise_m(self, service: str) -> float:
        """Return how many metres more than a limit are within it, for the last digits of sums."""
        return _FLOAT_NOISE_MINUTES * 60.0 * self.standard.service(service).pace_mps

    @property
    def points(self) -> NDArray[Any]:
        """Shape (homes + cells,). Where the places stand, as shapely points."""
        return np.concatenate([self.city.homes.geometry.to_numpy(), self.cell_places.geometry.to_numpy()])

    @functools.cached_property
    def _service_ids(self) -> list[str]:
        return [service.id for service in self.standard.services]

    @functools.cached_property
    def _metres_per_minute(self) -> Floats:
        return np.array([60.0 * service.pace_mps for service in self.standard.services])

    def known_minutes(self, walks: Walks) -> Floats:
        """Return minutes, shape (places, services): inf where none can be reached, NaN where not known."""
        unknown = np.column_stack(
            [
                self.status_codes(walks, service.id, service.longest) == UNKNOWN
                for service in self.standard.services
            ]
        )
        return np.where(unknown, np.nan, walks.metres / self._metres_per_minute)


def measure_coverage(
    city: City,
    standard: Standard,
    *,
    max_snap_m: float = MAX_SNAP_M,
    round_trip: bool = False,
    cells: gpd.GeoDataFrame | None = None,
) -> Coverage:
    """Return the walk from every home to every service of a standard.

    Parameters
    ----------
    city
        People, facilities and streets.
    standard
        Services, paces and limits.
    max_snap_m
        Homes and facilities farther than this from every street are off the network.
    round_trip
        Measure the walk there and back, to the facility with the least sum.
    cells
        Where area is sampled: as `Coverage.cell_places`, which it is for None.

    Returns
    -------
    Coverage
    """
    homes, services = city.homes, standard.services
    cells = cells_of(city) if cells is None else cells
    points = np.concatenate([homes.geometry.to_numpy(), cells.geometry.to_numpy()])
    lots = sites_of(homes), cells.geometry.to_numpy()
    grounds = grounds_of(city, services, lots, points, max_snap_m, round_trip=round_trip)
    walks = measured_walks(city, services, grounds, len(points), max_snap_m)
    straight_m, straight_facility = straight_lines(city, services)
    coverage = Coverage(
        city=city,
        standard=standard,
        walks=walks.rows(0, len(homes)),
        cell_places=cells,
        cell_walks=walks.rows(len(homes)),
        straight_m=straight_m,
        straight_facility=straight_facility,
        max_snap_m=max_snap_m,
        round_trip=round_trip,
    )
    vars(coverage)["grounds"] = grounds
    return coverage


def at_longest(table: pd.DataFrame, standard: Standard) -> pd.DataFrame:
    """Return the rows of a table (columns service and threshold_minutes) at each service's longest limit."""
    longest = {service.id: service.longest.minutes_at(service.pace_mps) for service in standard.services}
    return table[table["threshold_minutes"] == table["service"].map(longest)]
