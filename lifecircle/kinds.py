"""What kinds of facility are there, for whom, and how is each known in OpenStreetMap and in lists?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lifecircle.errors import DataError

GRADES = ("V", "S", "M")
"""How sure we are of a number: V read in its source text, S seen second-hand, M from memory, not verified."""

AGES = ("all", "0-3", "3-6", "60+")
"""Whom a facility is for: one of the age groups of a table of population."""
AGE_COLUMNS = {"0-3": "residents_0_3", "3-6": "residents_3_6", "60+": "residents_60plus"}
"""The columns that count residents of an age group, of communities and of homes."""
MIN_GROUP = 10.0
"""Fewer people of an age group are not shown by community."""
REAL = "real"
"""What the data of a city are, unless they are invented."""

SCENES = (
    *("neighbourhood", "education", "health", "enterprise", "building", "transport", "low_carbon"),
    *("services", "governance"),
)
"""The nine scenes (九场景: 邻里 教育 健康 创业 建筑 交通 低碳 服务 治理) of Zhejiang's future communities."""

TO_FACILITY, TO_HOME = DIRECTIONS = ("to_facility", "to_home")
"""Which way a walk goes: people to the service, or those who give it to the homes (家政, 上门养老)."""

CAPACITIES = {"places": "places", "nursery_places": "places", "beds": "beds", "floor_m2": "floor_m2"}
"""What a list may say of how much a facility offers, and in which unit: places, beds or m² of floor."""

SLOWEST_MPS, FASTEST_MPS = 0.1, 5.0


@dataclass(frozen=True)
class Kind:
    """One kind of facility, such as a day-care centre for the old.

    Parameters
    ----------
    id
        Lower-case word, such as ``"day_care"``.
    name
        ``{"zh": ..., "en": ...}``.
    osm
        Tag rules: an element with every tag of any one rule is of this kind.
    osm_except
        Tag rules that take an element out again.
    typecodes
        Codes of AMap's (高德) classification.
    keywords
        Words that mark the kind in the type or the name of a facility, in any case, width and script.
    name_may_say
        Ids of closer kinds that the name of such a facility may tell, where tags, code or type say no more.
    ages
        Whom it serves, one of `AGES`.
    scene
        One of `SCENES`, or ``""``.
    pace_mps, pace_source, pace_grade
        How fast its users walk, in metres per second, where that is from, and its grade (one of `GRADES`).
    color
        ``"#rrggbb"``.
    direction
        Which way its walks go, one of `DIRECTIONS`.
    capacity
        Which of the `CAPACITIES` of a list says how much such a facility offers, the one that counts first;
        empty where none does.
    places_per_class
        How many places a class has, where a list gives classes only; 0 where that is not known.
    place_for_each
        Whether everybody of the age group needs a place: then fewer places than persons are too few.
    supplements
        Ids of kinds that such a facility stands in for where it is asked to count.

    Raises
    ------
    DataError
        If the id, the age group, the scene, the pace, the grade, the colour, the direction or a capacity
        cannot be used.
    """

    id: str
    name: Mapping[str, str]
    osm: tuple[Mapping[str, str], ...] = ()
    osm_except: tuple[Mapping[str, str], ...] = ()
    typecodes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    name_may_say: tuple[str, ...] = ()
    ages: str = "all"
    scene: str = ""
    pace_mps: float = 1.2
    pace_source: str = "成年人步行，本项目假定 (adult, assumed by this project)"
    pace_grade: str = "M"
    color: str = "#0072B2"
    direction: str = TO_FACILITY
    capacity: tuple[str, ...] = ()
    places_per_class: float = 0.0
    place_for_each: bool = False
    supplements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Prove what recognition, searches and maps rely on."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", self.id):
            raise DataError("catalog.bad_kind_id", where=self.id)
        if self.ages not in AGES:
            raise DataError("catalog.bad_ages", where=self.id, value=self.ages, known=", ".join(AGES))
        if self.scene and self.scene not in SCENES:
            raise DataError("catalog.bad_scene", where=self.id, value=self.scene, known=", ".join(SCENES))
        check_pace(self.id, self.pace_mps, self.pace_grade)
        check_color(self.id, self.color)
        check_direction(self.id, self.direction)
        for column in self.capacity:
            if column not in CAPACITIES:
                known = ", ".join(CAPACITIES)
                raise DataError("catalog.bad_capacity", where=self.id, value=column, known=known)

    def label(self, lang: str) -> str:
        """Return the name in `lang` (``"zh"`` or ``"en"``)."""
        return self.name[lang]

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Say whether an OpenStreetMap element with these tags is of this kind.

        A tag may list several values (``senior;disabled``): one of them is enough for a rule of `osm`,
        while a rule of `osm_except` must equal the whole value.
        """
        return any(
            all(value in tags.get(key, "").split(";") for key, value in rule.items()) for rule in self.osm
        ) and not any(all(tags.get(key) == value for key, value in rule.items()) for rule in self.osm_except)


def check_pace(where: str, pace_mps: float, grade: str) -> None:
    """Refuse a pace at which nobody walks, or a grade that is none."""
    if not SLOWEST_MPS <= pace_mps <= FASTEST_MPS:
        raise DataError("catalog.bad_pace", where=where, value=pace_mps)
    if grade not in GRADES:
        raise DataError("catalog.bad_grade", where=where, value=grade)


def check_direction(where: str, direction: str) -> None:
    """Refuse a way that walks do not go."""
    if direction not in DIRECTIONS:
        raise DataError("catalog.bad_direction", where=where, value=direction, known=", ".join(DIRECTIONS))


def check_color(where: str, color: str) -> None:
    """Refuse a colour that is not written as maps need it."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
        raise DataError("catalog.bad_color", where=where, value=color)
