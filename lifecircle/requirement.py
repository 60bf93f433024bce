"""What does a standard ask for, beside how near it must be?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lifecircle.errors import DataError
from lifecircle.kinds import AGE_COLUMNS, AGES, CAPACITIES, GRADES, Kind

# columns of the homes, beside which each service has one of its own
RESERVED_IDS = frozenset(
    {"community_id", "data", "fid", "floor_m2", "geometry", "home_places", "households", "kind", "residents"}
) | frozenset(AGE_COLUMNS.values())
_ENDS = 2


@dataclass(frozen=True)
class Figure:
    """A number of a standard that is printed, not measured on foot, such as a floor area.

    Parameters
    ----------
    id
        What it is of, with its unit, such as ``"gfa_m2"``.
    name
        ``{"zh": ..., "en": ...}``.
    value
        The number, or the two ends of a range; empty where the standard's number is missing (缺) or a rule
        in words stands in `text`.
    text
        What the standard says in words.
    source, grade
        Where it comes from, and its grade (one of `GRADES`).

    Raises
    ------
    DataError
        If there are more than two numbers, they do not ascend, or the grade is none.
    """

    id: str
    name: Mapping[str, str]
    value: tuple[float, ...]
    source: str
    grade: str
    text: str = ""

    def __post_init__(self) -> None:
        """Prove that the ends of a range are in order."""
        if len(self.value) > _ENDS or list(self.value) != sorted(self.value):
            shown = ", ".join(f"{value:g}" for value in self.value)
            raise DataError("catalog.bad_figure", where=self.id, value=shown)
        if self.grade not in GRADES:
            raise DataError("catalog.bad_grade", where=self.id, value=self.grade)

    def shown(self, missing: str) -> str:
        """Return the number, the range or the words, or `missing`."""
        return "–".join(f"{value:,g}" for value in self.value) or self.text or missing


@dataclass(frozen=True)
class Tier:
    """A level of a standard, such as the five-minute circle, and its figures."""

    id: str
    name: Mapping[str, str]
    figures: tuple[Figure, ...] = ()


LONGEST_SPACING_M = 20_000.0


@dataclass(frozen=True)
class Spacing:
    """One every so many metres along streets, with where that is from and its grade.

    Raises
    ------
    DataError
        If nobody would believe the number, or the grade is none.
    """

    metres: float
    source: str
    grade: str

    def __post_init__(self) -> None:
        """Prove what the measurement relies on."""
        if not 0 < self.metres <= LONGEST_SPACING_M:
            raise DataError("catalog.bad_spacing", where="spacing_m", value=f"{self.metres:g}")
        if self.grade not in GRADES:
            raise DataError("catalog.bad_grade", where="spacing_m", value=self.grade)


@dataclass(frozen=True)
class Requirement:
    """A service that a standard asks for.

    Parameters
    ----------
    id
        Lower-case word, such as ``"kindergarten"``; it names columns in every table.
    name
        ``{"zh": ..., "en": ...}``.
    kinds
        A facility of any of these kinds gives the service.
    optional_kinds
        Kinds that the standard names beside them; they do not give the service by themselves.
    required
        Whether it must be there (应配建), or should (宜配建).
    tier
        Id of the tier that asks for it, or ``""``.
    ages
        Whom it serves, one of `lifecircle.kinds.AGES`.
    figures
        Its sizes and the like: floor area, beds, classes, how many.
    spacing
        How close it stands along streets, as chargers (充电桩) do; None where that is no rule for it.

    Raises
    ------
    DataError
        If the id or the age group cannot be used.
    """

    id: str
    name: Mapping[str, str]
    kinds: tuple[Kind, ...] = field(default=(), kw_only=True)
    optional_kinds: tuple[Kind, ...] = field(default=(), kw_only=True)
    required: bool = field(default=True, kw_only=True)
    tier: str = field(default="", kw_only=True)
    ages: str = field(default="all", kw_only=True)
    figures: tuple[Figure, ...] = field(default=(), kw_only=True)
    spacing: Spacing | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Prove what tables rely on."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", self.id) or self.id in RESERVED_IDS:
            raise DataError("catalog.bad_service_id", where=self.id)
        if self.ages not in AGES:
            raise DataError("catalog.bad_ages", where=self.id, value=self.ages, known=", ".join(AGES))

    def label(self, lang: str) -> str:
        """Return the name in `lang` (``"zh"`` or ``"en"``)."""
        return self.name[lang]

    @property
    def capacity(self) -> tuple[str, ...]:
        """What a list may say of how much its facilities offer, of all its kinds, the first counts first."""
        return tuple(dict.fromkeys(column for kind in self.kinds for column in kind.capacity))

    @property
    def capacity_unit(self) -> str:
        """Unit of what its facilities offer: ``places``, ``beds``, ``floor_m2`` or ``""``."""
        return CAPACITIES[self.capacity[0]] if self.capacity else ""

    def figure(self, figure_id: str) -> Figure | None:
        """Return its figure of that id, if it has a number."""
        return next((one for one in self.figures if one.id == figure_id and one.value), None)
