"""Do the places of the facilities that people can walk to suffice for them?

By the two-step floating catchment area: each facility shares its places out over the people within its
catchment, and each home adds up the shares of the facilities within reach. A capacity that is not known is
not zero: who walks to such a facility is *unknown*, unless the others suffice already.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from lifecircle.choice import Pairs
from lifecircle.coverage import Coverage
from lifecircle.doors import facilities_on, sites_of
from lifecircle.grounds import pairs_on, rows_of
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.requirement import Figure
from lifecircle.shares import COVERED, GAP
from lifecircle.standard import Service
from lifecircle.streets import Flags, Floats, Ints

PER_1000 = "capacity_per_1000"
"""Id of the figure of a service by which a standard says how much is enough."""
ENOUGH, SHORT, NOT_KNOWN, OUT_OF_REACH = 0, 1, 2, 3
SUPPLY = ("enough", "short", "unknown", "out_of_reach")
_FLOAT_NOISE = 1e-9
_THOUSAND = 1000.0


def gaussian_decay(metres: Floats, cutoff_m: float) -> Floats:
    """Return how much walks weigh: 1 at the door, 0 at the cutoff and beyond, by a Gaussian between.

    Parameters
    ----------
    metres
        Shape (pairs,). Walks.
    cutoff_m
        Radius of the catchment, metres.

    Returns
    -------
    numpy.ndarray
        Shape (pairs,).

    Notes
    -----
    ``(exp(-(d/d0)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2))``, by Dai [1]_.

    .. [1] D. Dai, "Black residential segregation, disparities in spatial access to health care facilities,
       and late-stage breast cancer diagnosis in metropolitan Detroit", Health & Place 16(5), 2010, 1038-1052.

    Examples
    --------
    >>> gaussian_decay(np.array([0.0, 500.0, 1000.0]), 1000.0).round(4).tolist()
    [1.0, 0.7014, 0.0]
    """
    edge = np.exp(-0.5)
    weight = (np.exp(-0.5 * (metres / cutoff_m) ** 2) - edge) / (1.0 - edge)
    return np.where(metres <= cutoff_m, np.maximum(weight, 0.0), 0.0)


def floating_catchment(
    pairs: Pairs, capacity: Floats, demand: Floats, *, weight: Floats | None = None
) -> Floats:
    """Return what each home is offered per person, by the two-step floating catchment area.

    Parameters
    ----------
    pairs
        Homes and facilities within reach of each other, such as `lifecircle.choice.within` finds.
    capacity
        Shape (facilities,). Places, beds or m² of each.
    demand
        Shape (homes,). People of each.
    weight
        Shape (pairs,). What each pair counts in both steps, such as `gaussian_decay`; 1 where None.

    Returns
    -------
    numpy.ndarray
        Shape (homes,). 0 where nothing is within reach; inf where there are places and nobody to share them
        with. Summed over the people of all homes it is the capacity of all facilities that anybody reaches.

    Notes
    -----
    After Luo and Wang [1]_: ``R_j = S_j / sum_k w_kj P_k``, then ``A_i = sum_j w_ij R_j``.

    .. [1] W. Luo, F. Wang, "Measures of spatial accessibility to health care in a GIS environment: synthesis
       and a case study in the Chicago region", Environment and Planning B 30(6), 2003, 865-884.

    Examples
    --------
    >>> pairs = Pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([100.0, 400.0, 200.0]))
    >>> floating_catchment(pairs, np.array([30.0, 10.0]), np.array([100.0, 50.0])).tolist()
    [0.2, 0.4]
    """
    counted = np.ones(len(pairs.home)) if weight is None else weight
    people = np.bincount(pairs.facility, weights=counted * demand[pairs.home], minlength=len(capacity))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(capacity > 0, capacity / people, 0.0)
        offered = np.where(counted > 0, counted * ratio[pairs.facility], 0.0)
    return np.bincount(pairs.home, weights=offered, minlength=len(demand)).astype(np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class Supply:
    """What the homes of a city are offered of one service, within each of its limits.

    Attributes
    ----------
    service
        Whose facilities.
    unit
        What they offer: ``places``, ``beds`` or ``floor_m2``.
    minimum
        What the standard asks per 1,000 served; None where it does not.
    need
        How much a person needs; NaN where nobody says, or where it is not known how many are served.
    per_person, gaussian
        Shape (limits, homes). What each person is offered by facilities of known capacity: by the plain
        catchment, and by the Gaussian one.
    beyond
        Shape (limits, homes). Whether a facility of unknown capacity is within reach, or could be, beyond
        the end of the data.
    """

    service: Service
    unit: str
    minimum: Figure | None
    need: float
    per_person: Floats
    gaussian: Floats
    beyond: Flags

    @property
    def is_judged(self) -> bool:
        """Whether anybody says how much is enough."""
        return bool(np.isfinite(self.need))


def supplies_of(coverage: Coverage) -> dict[str, Supply]:
    """Return the supply of every service of which the capacity of a facility is known, by its id.

    It is searched once and kept with the coverage.
    """
    kept = vars(coverage)
    if "supplies" not in kept:
        services = [service for service in coverage.standard.services if _told(coverage, service)]
        kept["supplies"] = {service.id: _supply_of(coverage, service) for service in services}
    found: dict[str, Supply] = kept["supplies"]
    return found


def of_part(coverage: Coverage, part: Coverage, homes: Flags | None = None) -> Coverage:
    """Return a part of a coverage with the supply of the whole: neighbours outside it share the places, too.

    Parameters
    ----------
    coverage
        The whole.
    part
        Some of its services, or some of its homes.
    homes
        Shape (homes of the whole,). Which homes the part has; all where None.
    """
    rows = slice(None) if homes is None else homes
    wanted = {service.id for service in part.standard.services}
    vars(part)["supplies"] = {
        service: dataclasses.replace(
            supply,
            per_person=supply.per_person[:, rows],
            gaussian=supply.gaussian[:, rows],
            beyond=supply.beyond[:, rows],
        )
        for service, supply in supplies_of(coverage).items()
        if service in wanted
    }
    return part


def supply_codes(coverage: Coverage, supply: Supply, step: int) -> Ints:
    """Return `ENOUGH`, `SHORT`, `NOT_KNOWN` or `OUT_OF_REACH` for each home, by a limit of the service.

    Who walks farther than the limit is out of reach, whatever is offered there; exactly as much as is needed
    is enough.

    Parameters
    ----------
    coverage
        Measured walks.
    supply
        One of `supplies_of` it.
    step
        Which of the service's limits.
    """
    service = supply.service
    walked = coverage.status_codes(coverage.walks, service.id, service.limits[step])
    enough = supply.per_person[step] >= supply.need * (1.0 - _FLOAT_NOISE)
    rules = [walked == GAP, walked != COVERED, enough, supply.beyond[step] | (not supply.is_judged)]
    return np.select(rules, [OUT_OF_REACH, NOT_KNOWN, ENOUGH, NOT_KNOWN], SHORT)


def offered_per_1000(coverage: Coverage) -> pd.DataFrame:
    """Return what each home is offered per 1,000 served, within the longest limit of each service.

    Returns
    -------
    DataFrame
        Index of ``city.homes``; a column such as ``kindergarten_per_1000`` for each service with a known
        capacity: 0 out of reach, NaN where not all that is offered is known, inf where nobody shares it.
    """
    columns = {}
    for supply in supplies_of(coverage).values():
        last = len(supply.service.limits) - 1
        walked = supply_codes(coverage, supply, last)
        offered = np.where(walked == OUT_OF_REACH, 0.0, _THOUSAND * supply.per_person[last])
        known = _known(coverage, supply, last)
        columns[f"{supply.service.id}_per_1000"] = np.where(known, offered, np.nan)
    return pd.DataFrame(columns, index=coverage.city.homes.index)


def supply_table(coverage: Coverage) -> pd.DataFrame:
    """Return what communities are offered, and after them the whole city.

    Returns
    -------
    DataFrame
        One row per community ("" is the whole city), service with a known capacity, and limit: community_id,
        community, service, threshold_minutes, threshold_m, denominator, M (named for the city's measure),
        M_enough, M_short, M_unknown, M_out_of_reach (of M; the first two NaN where nobody says how much is
        enough), unit, offered (in that unit, by the two-step floating catchment area, to those within reach
        of whom all that they are offered is known: unknown is not 0), per_1000 and per_1000_gaussian (of the
        same people), minimum_per_1000 with its minimum_source and minimum_grade, balance (offered less what
        those need).
    """
    city, measure = coverage.city, coverage.city.measure
    ids = pd.Index(city.communities["community_id"])
    row = ids.get_indexer(pd.Index(city.homes["community_id"]))
    count = len(ids)
    parts = []
    for supply in supplies_of(coverage).values():
        weight = coverage.weight(supply.service.id)
        for step, limit in enumerate(supply.service.limits):
            codes = supply_codes(coverage, supply, step)
            known = _known(coverage, supply, step)
            sums = functools.partial(_with_whole, row, count)
            people = {word: sums(weight * (codes == code)) for code, word in enumerate(SUPPLY)}
            if not supply.is_judged:
                blank = np.full(count + 1, np.nan)
                people |= {"enough": blank, "short": blank, "unknown": sums(weight * ~known)}
            counted = weight * (known & (codes != OUT_OF_REACH))
            offered, gaussian = (
                sums(np.multiply(counted, each[step], out=np.zeros(len(counted)), where=counted > 0))
                for each in (supply.per_person, supply.gaussian)
            )
            total = sums(counted)
            minimum = supply.minimum
            parts.append(
                pd.DataFrame(
                    {
                        "community_id": [*ids, ""],
                        "community": [*city.communities["community"], ""],
                        "service": supply.service.id,
                        "threshold_minutes": float(limit.minutes_at(supply.service.pace_mps)),
                        "threshold_m": limit.value if supply.service.in_metres else np.nan,
                        "denominator": coverage.denominator(supply.service.id),
                        measure: sums(weight),
                        **{f"{measure}_{word}": amount for word, amount in people.items()},
                        "unit": supply.unit,
                        "offered": np.where(total > 0, offered, np.nan),
                        "per_1000": _per_1000(offered, total),
                        "per_1000_gaussian": _per_1000(gaussian, total),
                        "minimum_per_1000": supply.need * _THOUSAND,
                        "minimum_source": "" if minimum is None else minimum.source,
                        "minimum_grade": "" if minimum is None else minimum.grade,
                        "balance": np.where(total > 0, offered - supply.need * total, np.nan),
                    }
                )
            )
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, keys=range(len(parts)))
    return table.sort_index(level=[1, 0]).reset_index(drop=True)


def _told(coverage: Coverage, service: Service) -> bool:
    """Say whether the capacity of any facility of a service is known."""
    facilities = coverage.city.facilities
    if not service.capacity or "capacity" not in facilities:
        return False
    return bool(facilities["capacity"][facilities["service"] == service.id].notna().any())


def _supply_of(coverage: Coverage, service: Service) -> Supply:
    city, count = coverage.city, len(coverage.city.homes)
    rows = rows_of(city, service.id)
    capacity = city.facilities["capacity"].to_numpy(dtype=np.float64)[rows]
    known, missing = np.nan_to_num(capacity), np.isnan(capacity)
    demand = np.where(city.homes["kind"].to_numpy() == "none", 0.0, coverage.weight(service.id))
    cutoffs_m = [limit.metres_at(service.pace_mps) + coverage.noise_m(service.id) for limit in service.limits]
    shape = len(service.limits), count
    plain, gaussian = np.zeros(shape), np.zeros(shape)
    beyond = np.zeros(shape, dtype=bool)
    for pairs in _pairs_of(coverage, service, rows, max(cutoffs_m)):
        for step, cutoff_m in enumerate(cutoffs_m):
            part = pairs.within(cutoff_m)
            plain[step] += floating_catchment(part, known, demand)
            decay = gaussian_decay(part.metres, cutoff_m)
            gaussian[step] += floating_catchment(part, known, demand, weight=decay)
            beyond[step, part.home[missing[part.facility]]] = True
    column = [one.id for one in coverage.standard.services].index(service.id)
    edge_m = coverage.walks.edge_m[:, column]
    beyond |= edge_m <= np.array(cutoffs_m)[:, None]
    minimum = service.figure(PER_1000)
    return Supply(
        service, service.capacity_unit, minimum, _need(coverage, service, minimum), plain, gaussian, beyond
    )


def _need(coverage: Coverage, service: Service, minimum: Figure | None) -> float:
    """Return how much each of those served needs, NaN where nobody says or they are not known."""
    if coverage.denominator(service.id) != AGE_COLUMNS.get(service.ages, "residents"):
        return np.nan
    if minimum is not None:
        return minimum.value[0] / _THOUSAND
    return 1.0 if service.kinds and service.kinds[0].place_for_each else np.nan


def _pairs_of(coverage: Coverage, service: Service, rows: Ints, cutoff_m: float) -> Iterator[Pairs]:
    """Yield homes and facilities within reach, by their rows; those of a facility come together."""
    ground = coverage.ground_for(service.id)
    doors = ground.places.take(ground.places.place < len(coverage.city.homes))
    sites = sites_of(coverage.city.facilities.iloc[rows])
    entered = facilities_on(ground.network, sites, max_m=coverage.max_snap_m)
    homes = pd.unique(doors.place)
    for pairs in pairs_on(ground, doors, entered, cutoff_m):
        yield pairs._replace(home=homes[pairs.home])


def _known(coverage: Coverage, supply: Supply, step: int) -> Flags:
    """Return of which homes all that they are offered is known; of others perhaps that it is enough."""
    limit = supply.service.limits[step]
    walked = coverage.status_codes(coverage.walks, supply.service.id, limit)
    known: Flags = (walked == GAP) | ((walked == COVERED) & ~supply.beyond[step])
    return known


def _with_whole(row: Ints, count: int, values: Floats) -> Floats:
    """Return the sum of each community, and that of all at the end."""
    sums = np.bincount(row, weights=values, minlength=count)
    return np.append(sums, sums.sum())


def _per_1000(offered: Floats, people: Floats) -> Floats:
    per: Floats = np.full(len(people), np.nan)
    np.divide(_THOUSAND * offered, people, out=per, where=people > 0)
    return per
