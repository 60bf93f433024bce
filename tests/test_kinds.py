"""Does every kind of facility say what recognition, tables and maps need to know of it?"""

import dataclasses
from typing import Any

import numpy as np
import pytest
from colors import distances

from lifecircle.catalog import find_kind, load_kinds
from lifecircle.catalog.kind_files import load_paces
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.kinds import AGES, SCENES, Kind

KINDS = load_kinds()

# Codes that were seen in use; none may be made up.
KNOWN_CODES = {"141204", "141203", "141202", "090100", "090101", "090102", "090300", "090601", "120304"}


def test_every_kind_planners_ask_for_is_there() -> None:
    asked = (
        "幼儿园 托育 小学 初中 社区卫生服务站 社区卫生服务中心 医院 诊所 居家养老服务站 日间照料 "
        "养老院 老年活动室 食堂 菜市场 超市 便利店 早餐 药店 快递 公园 文化活动站 文化活动中心 "
        "健身场地 公交车站 社区服务"
    )
    labels = " ".join(kind.name["zh"] for kind in KINDS.values())
    assert [word for word in asked.split() if word not in labels] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.id)
def test_a_kind_can_be_recognised_and_shown(kind: Kind) -> None:
    assert set(kind.name) == {"zh", "en"}
    assert kind.keywords, "words must do where there are no tags"
    assert kind.scene in SCENES
    assert kind.ages in AGES
    assert set(kind.name_may_say) <= set(KINDS) - {kind.id}
    assert set(kind.typecodes) <= KNOWN_CODES
    assert any(any("一" <= char <= "鿿" for char in word) for word in kind.keywords)


def test_kinds_are_told_apart_by_their_words_and_codes() -> None:
    for what in ("keywords", "typecodes"):
        every = [word for kind in KINDS.values() for word in getattr(kind, what)]
        assert len(every) == len(set(every)), what
    assert {code for kind in KINDS.values() for code in kind.typecodes} == KNOWN_CODES


@pytest.mark.parametrize(
    ("tags", "kinds"),
    [
        ({"amenity": "kindergarten", "max_age": "2"}, {"nursery"}),
        ({"amenity": "childcare"}, {"nursery"}),
        ({"amenity": "school", "isced:level": "1;2"}, {"primary_school", "middle_school"}),
        ({"amenity": "school"}, {"school"}),
        ({"amenity": "hospital", "healthcare": "centre"}, {"hospital"}),
        ({"amenity": "community_centre", "community_centre:for": "senior"}, {"senior_activity"}),
        ({"leisure": "park", "access": "private"}, set()),
        ({"public_transport": "platform", "bus": "yes"}, {"bus_stop"}),
    ],
)
def test_tags_tell_the_kinds(tags: dict[str, str], kinds: set[str]) -> None:
    assert {kind.id for kind in KINDS.values() if kind.matches(tags)} == kinds


def test_every_rule_of_tags_can_be_met() -> None:
    for kind in KINDS.values():
        for rule in kind.osm:
            assert kind.matches(rule), (kind.id, rule)


def test_ages_are_those_of_the_users() -> None:
    ages = {kind.id: kind.ages for kind in KINDS.values()}
    assert (ages["kindergarten"], ages["nursery"], ages["day_care"]) == ("3-6", "0-3", "60+")
    assert {ages[kind] for kind in ("clinic", "primary_school", "middle_school", "park")} == {"all"}


def test_paces_are_those_of_the_users_and_nobody_read_them_anywhere() -> None:
    paces = load_paces()
    assert {walker: pace.mps for walker, pace in paces.items()} == {"adult": 1.2, "elder": 0.8, "child": 0.9}
    assert paces["adult"].range_mps == (1.1, 1.2, 1.33)
    assert {kind.pace_grade for kind in KINDS.values()} == {"M"}
    assert find_kind("day_care").pace_mps == 0.8


def test_no_two_kinds_share_a_colour_and_the_default_three_are_told_apart_by_every_eye() -> None:
    colors = [kind.color for kind in KINDS.values()]
    assert len(set(colors)) == len(colors)
    default = [find_kind(kind).color for kind in ("kindergarten", "elderly_care", "clinic")]
    for eyes in ("all", "deuteranopia", "protanopia"):
        assert distances(default, eyes).min() > 25, eyes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Day care"}, "Day care"),
        ({"ages": "7-99"}, "ages = 7-99"),
        ({"scene": "健康"}, "scene = 健康"),
        ({"pace_mps": 0.0}, "pace_mps = 0"),
        ({"pace_mps": np.nan}, "pace_mps = nan"),
        ({"pace_grade": "A"}, "A"),
        ({"color": "green"}, "green"),
    ],
)
def test_a_kind_refuses_what_cannot_be_used(change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        dataclasses.replace(find_kind("day_care"), **change)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert said in caught.value.in_language("zh")


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="kindergarten, nursery") as caught:
        find_kind("castle")
    assert "castle" in caught.value.in_language("zh")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"capacity": ("seats",)}, r"seats.*places, nursery_places, beds, floor_m2"),
        ({"direction": "sideways"}, r"sideways.*to_facility, to_home"),
    ],
)
def test_what_a_kind_cannot_have_is_refused(fault: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Kind("cafe", {"zh": "咖啡", "en": "Cafe"}, **fault)
