"""Which service must be how near: what a `Service` and a `Standard` hold, with the source of every number."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import GRADES, TO_FACILITY, TO_HOME, check_color, check_direction, check_pace
from lifecircle.messages import listed, say
from lifecircle.requirement import Figure, Requirement, Spacing, Tier
from lifecircle.walkable import AVOIDABLE

CHOSEN_BY_USER = "使用者设定 (set by the user)"
LONGEST = {"min": 240.0, "m": 20_000.0}
"""The units of a limit, and the longest that is believed in each."""
MOST_STEPS_FACTOR = 20.0


@dataclass(frozen=True)
class Limit:
    """How far a service may be on foot; a walk of exactly so much is inside.

    Parameters
    ----------
    value
        Minutes at the pace of the service, or metres walked: along streets, with the ways from the door to
        the street, whatever slopes and steps cost.
    unit
        ``"min"`` or ``"m"``.
    source, grade
        Where the number comes from, and its grade (one of `GRADES`).

    Raises
    ------
    DataError
        If the number, the unit or the grade cannot be used.
    """

    value: float
    unit: str
    source: str
    grade: str

    def __post_init__(self) -> None:
        """Prove what every comparison relies on."""
        if not 0 < self.value <= LONGEST.get(self.unit, 0.0):
            raise DataError("catalog.bad_limit", where="limit", value=self._short)
        if self.grade not in GRADES:
            raise DataError("catalog.bad_grade", where=self._short, value=self.grade)

    def minutes_at(self, pace_mps: float) -> float:
        """Return the minutes it takes at a pace in metres per second.

        Examples
        --------
        >>> Limit(540, "m", "-", "M").minutes_at(0.9), Limit(15, "min", "-", "M").minutes_at(0.9)
        (10.0, 15)
        """
        return self.value if self.unit == "min" else self.value / (60.0 * pace_mps)

    def metres_at(self, pace_mps: float) -> float:
        """Return the metres that are walked within it at a pace in metres per second."""
        return self.value if self.unit == "m" else self.value * 60.0 * pace_mps

    def label(self, lang: str) -> str:
        """Return it with its unit, such as ``15 min`` or ``500 m``."""
        return say(f"limits.{self.unit}", lang, value=self.value)

    def words(self, lang: str) -> str:
        """Return it as words of a sentence, such as ``15 minutes`` or ``500 metres``."""
        return say(f"limits.words_{self.unit}", lang, value=self.value)

    @property
    def _short(self) -> str:
        return f"{self.value:g} {self.unit}"


@dataclass(frozen=True)
class Walker:
    """What the users of a service find hard; their pace on level ground is the service's.

    Parameters
    ----------
    steps_factor
        How many level metres a metre of steps costs, 1 or more.
    avoid
        Ways they cannot use, words of `lifecircle.walkable.AVOIDABLE`.
    max_slope
        The steepest street they can use, rise over run; None for any.

    Raises
    ------
    DataError
        If a number or a word cannot be used.
    """

    steps_factor: float = 1.0
    avoid: tuple[str, ...] = ()
    max_slope: float | None = None

    def __post_init__(self) -> None:
        """Prove what the costs of streets rely on."""
        if not 1 <= self.steps_factor <= MOST_STEPS_FACTOR:
            raise DataError("catalog.bad_steps_factor", value=self.steps_factor)
        if unknown := sorted(set(self.avoid) - set(AVOIDABLE)):
            raise DataError("catalog.bad_avoid", value=unknown[0], known=_joined(AVOIDABLE))
        if self.max_slope is not None and not 0 < self.max_slope <= 1:
            raise DataError("catalog.bad_max_slope", value=self.max_slope)


@dataclass(frozen=True)
class Service(Requirement):
    """A service whose walks are measured: a requirement with limits, and how fast its users walk.

    Parameters
    ----------
    id, name
        As of a `Requirement`; all its other fields may be given by name.
    pace_mps
        Walking pace in metres per second.
    pace_source, pace_grade
        Where the pace comes from, and its grade (one of `GRADES`).
    limits
        How near it must be: ascending, all in minutes or all in metres, at least one.
    color
        ``"#rrggbb"``, told apart by colour-blind readers and in grey print.
    walker
        What its users find hard: steps, surfaces, slopes.
    direction
        Which way its walks go, one of `lifecircle.kinds.DIRECTIONS`: those who serve homes walk to them, at
        the service's pace.

    Raises
    ------
    DataError
        If the id, the age group, the pace, the grade, the limits, the colour or the direction cannot be used.
    """

    pace_mps: float
    pace_source: str
    pace_grade: str
    limits: tuple[Limit, ...]
    color: str = "#0072B2"
    walker: Walker = Walker()
    direction: str = TO_FACILITY

    def __post_init__(self) -> None:
        """Prove what the searches, tables and maps rely on."""
        super().__post_init__()
        check_pace(self.id, self.pace_mps, self.pace_grade)
        values, units = [limit.value for limit in self.limits], {limit.unit for limit in self.limits}
        if len(units) != 1 or values != sorted(set(values)):
            shown = _joined(f"{limit.value:g} {limit.unit}" for limit in self.limits) or "[]"
            raise DataError("catalog.bad_limits", where=self.id, value=shown)
        check_color(self.id, self.color)
        check_direction(self.id, self.direction)

    @property
    def to_home(self) -> bool:
        """Whether its walks lead from the facility to the home."""
        return self.direction == TO_HOME

    @property
    def in_metres(self) -> bool:
        """Whether it is met in metres: then a metre of slope or steps counts as a metre."""
        return self.limits[0].unit == "m"

    @property
    def longest(self) -> Limit:
        """The longest of its limits: whoever is beyond it is left out by all."""
        return self.limits[-1]

    def limits_label(self, lang: str) -> str:
        """Return its limits with their unit, such as ``10, 15 min``."""
        return limits_label(self.limits, lang)


@dataclass(frozen=True)
class Target:
    """How much of a community must be covered, so that it meets the standard.

    Parameters
    ----------
    share
        Of those who count, 0 to 1; exactly so many are enough.
    source, grade
        Where it comes from, and its grade (one of `GRADES`).

    Raises
    ------
    DataError
        If the share or the grade cannot be used.
    """

    share: float
    source: str
    grade: str

    def __post_init__(self) -> None:
        """Prove what comparisons and headings rely on."""
        if not 0 < self.share <= 1:
            raise DataError("catalog.bad_target", where="target", value=self.share)
        if self.grade not in GRADES:
            raise DataError("catalog.bad_grade", where="target", value=self.grade)

    def label(self, lang: str) -> str:
        """Return what a community that meets it is: ``wholly covered``, or ``at least 85% covered``."""
        if self.share == 1:
            return say("limits.target_all", lang)
        return say("limits.target_share", lang, percent=100 * self.share)


EVERYBODY = Target(1.0, "全员覆盖，本项目假定 (everybody, assumed by this project)", "M")


@dataclass(frozen=True)
class Standard:
    """A set of services, each with the limits within which it must be reached on foot.

    Parameters
    ----------
    id
        Name of the standard, such as ``"life-circle"``.
    name
        ``{"zh": ..., "en": ...}``.
    services
        The services, in the order of every table and map.
    source
        The text that it is.
    unmeasured
        What it asks for and no walk can be measured to: no limit is known, or no kind of facility.
    tiers
        Its levels; of services that name none it is one level.
    figures
        Its other numbers, such as populations, deadlines and targets.
    notes
        What its reader must know, each ``{"zh": ..., "en": ...}``.
    target
        How much of a community must be covered, so that it meets the standard.

    Raises
    ------
    DataError
        If there is no service, one comes twice, or one names a tier that is not there.
    """

    id: str
    name: Mapping[str, str]
    services: tuple[Service, ...]
    source: str = ""
    unmeasured: tuple[Requirement, ...] = ()
    tiers: tuple[Tier, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[Mapping[str, str], ...] = ()
    target: Target = EVERYBODY

    def __post_init__(self) -> None:
        """Prove that services are told apart."""
        if not self.services:
            raise DataError("catalog.no_service", where=self.id)
        asked = (*self.services, *self.unmeasured)
        ids, tiers = [one.id for one in asked], [tier.id for tier in self.tiers]
        for one in asked:
            if one.tier and one.tier not in tiers:
                raise DataError("catalog.unknown_tier", where=one.id, value=one.tier, known=_joined(tiers))
        if len(ids) > len(set(ids)):
            raise DataError("catalog.service_twice", where=self.id, value=_joined(ids))

    @property
    def pairs(self) -> tuple[tuple[Service, Limit], ...]:
        """Every service with each of its limits, in the order of every table."""
        return tuple((service, limit) for service in self.services for limit in service.limits)

    @property
    def spaced(self) -> tuple[tuple[Requirement, Spacing], ...]:
        """What must stand every so many metres along streets, whether walks to it are measured or not."""
        return tuple((one, one.spacing) for one in (*self.services, *self.unmeasured) if one.spacing)

    @property
    def placed(self) -> tuple[Requirement, ...]:
        """Everything whose facilities it needs to know."""
        return (*self.services, *(one for one in self.unmeasured if one.spacing))

    @property
    def unanswered(self) -> tuple[Requirement, ...]:
        """What it asks for and nothing is measured of."""
        return tuple(one for one in self.unmeasured if not one.spacing)

    def label(self, lang: str) -> str:
        """Return the name in `lang` (``"zh"`` or ``"en"``)."""
        return self.name[lang]

    def with_minutes(self, minutes: Iterable[float], *, metres_too: bool = True) -> "Standard":
        """Return this standard with other limits, in minutes, as its user set them.

        Parameters
        ----------
        minutes
            The limits, in any order.
        metres_too
            Whether services that are met in metres get them too.

        Returns
        -------
        Standard
            The same where those are its limits already.
        """
        chosen = tuple(Limit(value, "min", CHOSEN_BY_USER, "M") for value in sorted(set(map(float, minutes))))
        changed = [service for service in self.services if metres_too or not service.in_metres]
        wanted = [(limit.value, limit.unit) for limit in chosen]
        if all([(limit.value, limit.unit) for limit in service.limits] == wanted for service in changed):
            return self
        services = tuple(
            dataclasses.replace(service, limits=chosen) if service in changed else service
            for service in self.services
        )
        return dataclasses.replace(self, services=services)

    def service(self, service_id: str) -> Service:
        """Return the service of that id.

        Raises
        ------
        UnknownNameError
            If the standard has no such service; the message lists those it has.
        """
        for service in self.services:
            if service.id == service_id:
                return service
        known = _joined(service.id for service in self.services)
        raise UnknownNameError("catalog.unknown_service", value=service_id, known=known)


def limits_label(limits: Sequence[Limit], lang: str) -> str:
    """Return limits of one unit with that unit, such as ``10, 15 min``."""
    values = listed((f"{limit.value:g}" for limit in limits), lang)
    return say(f"limits.list_{limits[0].unit}", lang, values=values)


def _joined(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
