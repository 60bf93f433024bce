"""Is a facility taken for what a planner would take it for?"""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecircle.catalog import find_kind, load_kinds, load_standard
from lifecircle.kinds import Kind
from lifecircle.sources.columns import table_words
from lifecircle.sources.service_words import FacilityWords, _last_end
from lifecircle.standard import Limit, Service

KINDS = load_kinds()
WORDS = FacilityWords(load_standard().services)


def service(service_id: str, *kinds: Kind) -> Service:
    return Service(
        service_id,
        {"zh": f"{service_id}服务", "en": service_id},
        1.2,
        "test",
        "M",
        (Limit(10, "min", "test", "M"),),
        kinds=kinds,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("示例第一幼儿园", "kindergarten"),
        ("示例小学附属幼儿园", "kindergarten"),
        ("示例中学附属小学", "primary_school"),
        ("示例学校（幼儿园部）", "school"),
        ("示例九年一贯制学校", "whole_school"),
        ("示例高级中学", "high_school"),
        ("示例托育园", "nursery"),
        ("示例托儿所", "nursery"),
        ("示例社区居家养老服务站", "home_care"),
        ("示例街道居家养老服务中心", "home_care"),
        ("示例养老服务中心", "elderly_centre"),
        ("示例老年人日间照料中心", "day_care"),
        ("示例敬老院", "nursing_home"),
        ("示例老年养护院", "elderly_nursing"),
        ("示例村老年活动室", "senior_activity"),
        ("示例社区老年食堂", "canteen"),
        ("示例社区居家养老服务中心老年食堂", "canteen"),
        ("示例养老", "elderly_care"),
        ("示例社区卫生服务站", "health_station"),
        # A station bears its centre's name, which is the longer word.
        ("白云街道社区卫生服务中心灯塔社区卫生服务站", "health_station"),
        ("白云街道社区卫生服务中心灯塔服务站", "health_station"),
        ("白云街道社区卫生服务中心（车站路）", "health_centre"),
        ("示例社区医院", "health_centre"),
        ("示例乡卫生院", "health_centre"),
        ("示例市人民医院", "hospital"),
        ("示例门诊部", "outpatient"),
        ("示例口腔诊所", "private_clinic"),
        ("示例大药房", "pharmacy"),
        ("示例农贸市场", "market"),
        ("示例生鲜超市", "market"),
        ("示例超市", "supermarket"),
        ("示例便利店", "convenience"),
        ("示例早餐店", "breakfast"),
        ("示例菜鸟驿站", "parcel"),
        ("示例口袋公园", "park"),
        ("示例文化活动站", "culture_station"),
        ("示例文化活动中心", "culture_centre"),
        ("示例篮球场", "sport_ground"),
        ("示例体育馆", "sport_hall"),
        ("示例幼儿园公交站", "bus_stop"),
        ("示例社区服务站", "service_station"),
        ("示例街道社区服务中心", "service_centre"),
        ("示例党群服务中心", "community_service"),
        ("Park Street Kindergarten", "kindergarten"),
        ("car park", ""),
        ("示例公司", ""),
        ("", ""),
    ],
)
def test_a_name_tells_the_kind(name: str, kind: str) -> None:
    assert WORDS.recognise("", "", name).kind == kind


@pytest.mark.parametrize(
    ("typecode", "said", "name", "kind"),
    [
        ("141204", "科教文化服务;学校;幼儿园", "示例园", "kindergarten"),
        ("141204", "", "示例托育园", "nursery"),  # the name is closer than the code
        ("141204", "", "示例幼儿园超市", "kindergarten"),  # but only of what the code leaves open
        ("090300", "", "王氏诊所", "private_clinic"),
        ("090300", "医疗保健服务;诊所;诊所", "示例社区卫生服务站", "health_station"),
        ("090102", "", "示例街道社区卫生服务中心", "health_centre"),
        ("090100|141204", "", "示例医院", "hospital"),
        ("090101", "", "示例社区医院", "health_centre"),
        ("120304", "商务住宅;住宅区;社区中心", "示例社区居家养老服务站", "home_care"),
        ("120304", "", "示例社区", "community_service"),
        ("120302", "商务住宅;住宅区;住宅小区", "示例中央公园", ""),  # an estate named for a park
        ("150900", "交通设施服务;停车场;停车场相关", "示例幼儿园停车场", ""),
        ("150900", "交通设施服务;停车场;停车场相关", "示例幼儿园", "kindergarten"),
        ("999999", "", "示例居家养老服务中心", "home_care"),
        ("", "体育休闲服务;运动场馆;体育馆", "示例馆", "sport_hall"),
        ("", "购物服务;专卖店;文具店", "示例小学文具店", ""),
        ("", "民办", "示例幼儿园", "kindergarten"),
        ("", "养老服务", "示例日间照料中心", "day_care"),
        ("", "养老服务", "示例中心", "elderly_care"),
        ("", "养老院", "示例日间照料中心", "nursing_home"),  # a type that leaves nothing open
        ("", "幼儿园", "养老院旁", "kindergarten"),
    ],
)
def test_the_code_decides_then_the_type_then_the_name(typecode: str, said: str, name: str, kind: str) -> None:
    assert WORDS.recognise(typecode, said, name).kind == kind


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("示例幼儿园", "示例幼兒園"),
        ("示例社区卫生服务站", "示例社區衛生服務站"),
        ("示例居家养老服务站", "示例居家養老服務站"),
        ("示例养老院", "示例養老院"),
        ("示例诊所", "示例診所"),
        ("示例医院", "示例醫院"),
        ("示例托儿所", "示例託兒所"),
        ("示例卫生院", "示例衞生院"),
        ("示例图书馆", "示例圖書館"),
        ("示例农贸市场", "示例農貿市場"),
        ("示例体育馆", "示例體育館"),
    ],
)
def test_both_scripts_mean_the_same(simplified: str, traditional: str) -> None:
    told = WORDS.recognise("", "", simplified)
    assert told.kind
    assert WORDS.recognise("", "", traditional) == told
    assert WORDS.recognise("", traditional, "") == WORDS.recognise("", simplified, "")


def test_places_for_animals_are_none_whatever_else_they_say() -> None:
    for typecode, said, name in (
        ("090700", "", "示例医院"),
        ("", "clinic", "寵物診所"),
        ("", "动物医院", "示例站"),
    ):
        told = WORDS.recognise(typecode, said, name)
        assert (told.for_animals, told.kind, told.services) == (True, "", ())
    assert not WORDS.recognise("", "幼儿园", "动物园幼儿园").for_animals


def test_private_practices_count_only_where_a_standard_says_so() -> None:
    assert WORDS.recognise("090300", "", "王氏诊所").services == ()
    own = service("care", find_kind("health_station"), find_kind("private_clinic"))
    assert FacilityWords([own]).recognise("090300", "", "王氏诊所").services == ("care",)


def test_a_place_that_several_services_want_is_told_for_each() -> None:
    words = FacilityWords(
        [
            service("near", find_kind("whole_school")),
            service("far", find_kind("park"), find_kind("whole_school")),
        ]
    )
    assert words.recognise("", "九年一贯制学校", "").services == ("near", "far")


def test_a_type_may_be_the_name_of_a_service_of_ones_own() -> None:
    charger = Kind("charger", {"zh": "充电桩", "en": "Charger"}, keywords=("充电站",))
    words = FacilityWords([service("power", charger)])
    for said in ("power", "POWER", "power服务", "充电桩", "示例充电站"):
        assert words.recognise("", said, "").services == ("power",), said
    assert words.recognise("", "power station", "").services == ()


def test_a_kind_that_one_service_changes_is_changed_for_all() -> None:
    changed = dataclasses.replace(find_kind("canteen"), keywords=("职工餐厅",))
    for services in ([changed, find_kind("canteen")], [find_kind("canteen"), changed]):
        words = FacilityWords([service(f"meals{row}", kind) for row, kind in enumerate(services)])
        assert words.recognise("", "", "示例职工餐厅").services == ("meals0", "meals1")


def test_a_kind_of_a_standard_stands_in_for_that_of_the_catalog() -> None:
    other = Kind("canteen", {"zh": "食堂", "en": "Canteen"}, keywords=("职工餐厅",))
    words = FacilityWords([service("meals", other)])
    assert words.recognise("", "", "示例职工餐厅").services == ("meals",)
    assert words.recognise("", "", "示例老年食堂").kind == ""


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=30))
def test_any_text_is_taken(typecode: str, said: str, name: str) -> None:
    told = WORDS.recognise(typecode, said, name)
    assert told.kind == "" or told.kind in WORDS.kinds
    assert not told.services or told.kind


def test_the_pairs_of_scripts_are_characters_of_the_words() -> None:
    pairs = table_words()["scripts"]["simplified"]
    assert all(len(pair) == 2 and pair[0] != pair[1] for pair in pairs)
    assert len({pair[0] for pair in pairs}) == len(pairs)
    written = {char for kind in KINDS.values() for word in (*kind.keywords, kind.name["zh"]) for char in word}
    written |= set("".join(table_words()["not_for_people"]["words"]))
    assert not {pair[1] for pair in pairs} - written


@given(st.text("ab*", min_size=1, max_size=4), st.text("abc\n", max_size=9))
def test_a_word_is_found_where_a_greedy_pattern_ends(word: str, text: str) -> None:
    pieces = word.split("*")
    match = re.match(".*" + ".*".join(map(re.escape, pieces)), text, re.DOTALL)
    assert _last_end(tuple(pieces), text) == (match.end() if match else -1)
