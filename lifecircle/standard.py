"""Which service must be how near: what a `Service` and a `Standard` hold, with the source of every number."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import GRADES, Kind, check_color, check_pace
from lifecircle.walkable import AVOIDABLE

CHOSEN_BY_USER = "使用者设定 (set by the user)"
LONGEST_MINUTES = 240.0
MOST_STEPS_FACTOR = 20.0
# columns of the homes, beside which each service has one of its own
RESERVED_IDS = frozenset(
    {"community_id", "data", "fid", "floor_m2", "geometry", "home_places", "kind", "residents"}
)


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
class Service:
    """One service, how fast its users walk, and the kinds of facility that give it.

    Parameters
    ----------
    id
        Lower-case word, such as ``"kindergarten"``; it names columns in every table.
    name
        ``{"zh": ..., "en": ...}``.
    pace_mps
        Walking pace in metres per second.
    pace_source, pace_grade
        Where the pace comes from, and its grade (one of `GRADES`).
    kinds
        A facility of any of these kinds gives the service.
    color
        ``"#rrggbb"``, told apart by colour-blind readers and in grey print.
    walker
        What its users find hard: steps, surfaces, slopes.

    Raises
    ------
    DataError
        If the id, the pace, the grade or the colour cannot be used.
    """

    id: str
    name: Mapping[str, str]
    pace_mps: float
    pace_source: str
    pace_grade: str
    kinds: tuple[Kind, ...] = ()
    color: str = "#0072B2"
    walker: Walker = Walker()

    def __post_init__(self) -> None:
        """Prove what the searches, tables and maps rely on."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", self.id) or self.id in RESERVED_IDS:
            raise DataError("catalog.bad_service_id", where=self.id)
        check_pace(self.id, self.pace_mps, self.pace_grade)
        check_color(self.id, self.color)

    def label(self, lang: str) -> str:
        """Return the name in `lang` (``"zh"`` or ``"en"``)."""
        return self.name[lang]


@dataclass(frozen=True)
class Standard:
    """A set of services and the minutes within which each must be reached on foot.

    Parameters
    ----------
    id
        Name of the standard, such as ``"life-circle"``.
    name
        ``{"zh": ..., "en": ...}``.
    minutes
        Thresholds in minutes, ascending; a walk of exactly so many minutes is inside.
    minutes_source, minutes_grade
        Where the thresholds come from, and their grade (one of `GRADES`).
    services
        The services, in the order of every table and map.

    Raises
    ------
    DataError
        If there is no service or threshold, a service comes twice, or a threshold is out of range.
    """

    id: str
    name: Mapping[str, str]
    minutes: tuple[float, ...]
    minutes_source: str
    minutes_grade: str
    services: tuple[Service, ...]

    def __post_init__(self) -> None:
        """Prove that thresholds ascend and services are told apart."""
        usable = all(0 < value <= LONGEST_MINUTES for value in self.minutes)
        if not self.minutes or not usable or list(self.minutes) != sorted(set(self.minutes)):
            raise DataError("catalog.bad_minutes", where=self.id, value=_joined(self.minutes))
        if self.minutes_grade not in GRADES:
            raise DataError("catalog.bad_grade", where=self.id, value=self.minutes_grade)
        ids = [service.id for service in self.services]
        if not ids:
            raise DataError("catalog.no_service", where=self.id)
        if len(ids) > len(set(ids)):
            raise DataError("catalog.service_twice", where=self.id, value=_joined(ids))

    def label(self, lang: str) -> str:
        """Return the name in `lang` (``"zh"`` or ``"en"``)."""
        return self.name[lang]

    def with_minutes(self, minutes: Iterable[float]) -> "Standard":
        """Return this standard with other thresholds, sorted, each once."""
        chosen = tuple(sorted({float(value) for value in minutes}))
        if chosen == self.minutes:
            return self
        return dataclasses.replace(self, minutes=chosen, minutes_source=CHOSEN_BY_USER, minutes_grade="M")

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


def _joined(values: Iterable[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
