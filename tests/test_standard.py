"""Does a standard hold only numbers that can be used, and know its facilities by their tags?"""

import dataclasses
import math

import pytest

from lifecircle.catalog import load_standard
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.standard import CHOSEN_BY_USER, Limit, Service, Standard

STANDARD = load_standard("life-circle")
CLINIC = STANDARD.service("clinic")


def test_default_standard_is_the_one_the_reports_promise() -> None:
    assert {
        tuple((limit.value, limit.unit, limit.grade) for limit in service.limits)
        for service in STANDARD.services
    } == {((10, "min", "S"), (15, "min", "S"))}
    assert {service.id: service.pace_mps for service in STANDARD.services} == {
        "kindergarten": 0.9,
        "elderly_care": 0.8,
        "clinic": 1.2,
    }
    assert {service.pace_grade for service in STANDARD.services} == {"M"}, "no pace was read in a source text"
    assert STANDARD.service("elderly_care").label("zh") == "养老服务"


@pytest.mark.parametrize(
    ("service", "tags", "expected"),
    [
        ("kindergarten", {"amenity": "kindergarten", "name": "x"}, True),
        ("kindergarten", {"amenity": "childcare"}, False),
        ("kindergarten", {"amenity": "kindergarten", "max_age": "2"}, False),
        ("kindergarten", {"amenity": "kindergarten", "max_age": "6"}, True),
        ("clinic", {"amenity": "doctors"}, True),
        ("clinic", {"healthcare": "centre", "building": "yes"}, True),
        ("clinic", {"amenity": "hospital", "healthcare": "centre"}, False),
        ("clinic", {"amenity": "pharmacy"}, False),
        ("clinic", {}, False),
        ("elderly_care", {"amenity": "social_facility", "social_facility": "nursing_home"}, True),
        ("elderly_care", {"amenity": "social_facility", "social_facility": "group_home"}, False),
        (
            "elderly_care",
            {
                "amenity": "social_facility",
                "social_facility": "group_home",
                "social_facility:for": "senior;disabled",
            },
            True,
        ),
        (
            "elderly_care",
            {
                "amenity": "social_facility",
                "social_facility": "nursing_home",
                "social_facility:for": "disabled",
            },
            False,
        ),
        ("elderly_care", {"amenity": "retirement_home"}, True),
        ("elderly_care", {"amenity": "community_centre", "community_centre:for": "senior"}, True),
        ("elderly_care", {"amenity": "community_centre"}, False),
    ],
)
def test_tags_tell_the_service(service: str, tags: dict[str, str], expected: bool) -> None:
    assert any(kind.matches(tags) for kind in STANDARD.service(service).kinds) is expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Clinic"}, "Clinic"),
        ({"id": "residents"}, "residents"),
        ({"pace_mps": 0.0}, "pace_mps = 0"),
        ({"pace_mps": math.nan}, "pace_mps = nan"),
        ({"pace_mps": 72.0}, "pace_mps = 72"),
        ({"pace_grade": "A"}, "A"),
        ({"color": "green"}, "green"),
    ],
)
def test_a_service_refuses_what_cannot_be_used(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(CLINIC, **change)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert said in caught.value.in_language("zh")


@pytest.mark.parametrize("minutes", [[], [0], [-5], [900], [math.nan], [math.inf]])
def test_thresholds_must_be_minutes(minutes: list[float]) -> None:
    with pytest.raises(DataError, match="in minutes"):
        STANDARD.with_minutes(minutes)


def test_other_thresholds_are_sorted_and_said_to_be_the_users() -> None:
    other = STANDARD.with_minutes([20, 5, 5])
    for service in other.services:
        assert [(limit.value, limit.unit) for limit in service.limits] == [(5, "min"), (20, "min")]
        assert {limit.source for limit in service.limits} == {CHOSEN_BY_USER}
    assert STANDARD.with_minutes([15, 10]) is STANDARD


def test_a_limit_in_minutes_or_in_metres() -> None:
    metres, minutes = Limit(540.0, "m", "x", "V"), Limit(15.0, "min", "x", "V")
    assert (metres.minutes_at(0.9), metres.metres_at(0.9)) == (10.0, 540.0)
    assert (minutes.minutes_at(0.9), minutes.metres_at(0.9)) == (15.0, 810.0)
    assert [limit.label(lang) for limit in (metres, minutes) for lang in ("en", "zh")] == [
        "540 m", "540 米", "15 min", "15 分钟"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": 0.0}, "0 m cannot be used"),
        ({"value": 20_001.0}, "20001 m cannot be used"),
        ({"value": math.nan}, "nan m cannot be used"),
        ({"unit": "km"}, "km cannot be used"),
        ({"grade": "A"}, "grade = A"),
    ],
)
def test_a_limit_refuses_what_cannot_be_used(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(Limit(300.0, "m", "x", "V"), **change)  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "pairs", [[], [(15, "min"), (15, "min")], [(15, "m"), (10, "m")], [(9, "min"), (99, "m")]]
)
def test_limits_ascend_in_one_unit(pairs: list[tuple[float, str]]) -> None:
    limits = tuple(Limit(value, unit, "x", "M") for value, unit in pairs)
    with pytest.raises(DataError, match=r"clinic: .* must be one or more ascending limits"):
        dataclasses.replace(CLINIC, limits=limits)


def test_minutes_of_the_user_replace_metres_and_those_of_a_city_do_not() -> None:
    in_metres = dataclasses.replace(CLINIC, limits=(Limit(500.0, "m", "x", "V"),))
    standard = dataclasses.replace(STANDARD, services=(*STANDARD.services[:2], in_metres))
    assert {str(service.longest.label("en")) for service in standard.with_minutes([9]).services} == {"9 min"}
    kept = standard.with_minutes([9], metres_too=False)
    assert [service.longest.label("en") for service in kept.services] == ["9 min", "9 min", "500 m"]
    assert standard.with_minutes([10, 15], metres_too=False) is standard


def test_a_service_may_stand_once() -> None:
    with pytest.raises(DataError, match="clinic, clinic"):
        dataclasses.replace(STANDARD, services=(CLINIC, CLINIC))
    with pytest.raises(DataError, match="at least one"):
        dataclasses.replace(STANDARD, services=())


def test_an_unknown_service_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="kindergarten, elderly_care, clinic") as caught:
        STANDARD.service("school")
    assert isinstance(caught.value, KeyError)


def test_types_are_frozen() -> None:
    for value, name in ((CLINIC, "pace_mps"), (STANDARD, "services")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, 1)
    assert isinstance(CLINIC, Service)
    assert isinstance(STANDARD, Standard)
