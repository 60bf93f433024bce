"""Does a standard hold only numbers that can be used, and know its facilities by their tags?"""

import dataclasses
import math

import pytest

from lifecircle.catalog import load_standard
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.standard import Service, Standard

STANDARD = load_standard("life-circle")
CLINIC = STANDARD.service("clinic")


def test_default_standard_is_the_one_the_reports_promise() -> None:
    assert STANDARD.minutes == (10.0, 15.0)
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
def test_tags_tell_the_service(service: str, tags: dict[str, str], expected: bool) -> None:  # noqa: FBT001
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
    assert other.minutes == (5.0, 20.0)
    assert other.minutes_source != STANDARD.minutes_source
    assert other.services == STANDARD.services
    assert STANDARD.with_minutes([15, 10]) is STANDARD


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
    for value, name in ((CLINIC, "pace_mps"), (STANDARD, "minutes")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, 1)
    assert isinstance(CLINIC, Service)
    assert isinstance(STANDARD, Standard)
