"""Is every planning number that was collected in a standard, with the grade that it was given?"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lifecircle.catalog import load_standard
from lifecircle.catalog.kind_files import load_paces
from lifecircle.requirement import Figure
from lifecircle.standard import Limit, Service

Graded = tuple[float, str]
STANDARD_OF = {
    "gb50180-2018": "gb50180-2018",
    "gb50437-2018rev": "gb50437",
    "jgj39-2016": "jgj39-2016",
    "tdt1062-2021": "tdt1062-2021",
    "tdt1063-2021": "tdt1063-2021",
    "mohurd-complete-2020": "complete-community",
    "zj-weilai-2021": "zhejiang-future-community",
    "zj-145-community": "zhejiang-145",
    "mofcom-15min-2021": "mofcom-quarter-hour",
    "shanghai-2016": "shanghai-2016",
}
GRADE_OF = {"pop": "pop_grade", "dwellings": "dw_grade", "unit_pop": "unit_grade", "walk_min": "walk_grade"}
FOLDER = Path(load_standard.__code__.co_filename).parent / "standards"


@pytest.fixture(scope="module")
def collected(shared_data: Callable[[str], Path]) -> dict[str, Any]:
    """Return the numbers as they were collected."""
    path = shared_data("../standards/profiles.json")
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def numbers(node: object, grade: str = "", key: str = "") -> Iterator[Graded]:
    """Yield every number beneath a node with the letter of the grade that governs it."""
    if isinstance(node, dict):
        own = node.get("grade", grade)
        for name, value in node.items():
            yield from numbers(value, node.get(GRADE_OF.get(name, ""), own), name)
    elif isinstance(node, list):
        ends = dict.fromkeys(node) if all(isinstance(one, int | float) for one in node) else node
        for value in ends:  # 500-500 is one number
            yield from numbers(value, grade, key)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        # "S(300)/M(gfa)": the distance and the size have grades of their own
        size = re.search(r"/([VSM])\(gfa\)", grade)
        yield float(node), size.group(1) if size and key == "gfa_m2" else grade[0]


def shipped(parts: Sequence[Figure | Limit]) -> Counter[Graded]:
    """Return the numbers of figures and limits with their grades."""
    return Counter(
        (value, part.grade)
        for part in parts
        for value in (part.value if isinstance(part.value, tuple) else (part.value,))
    )


def assert_carried(expected: Counter[Graded], found: Counter[Graded], where: str) -> None:
    assert not expected - found, f"{where}: {expected - found} missing or of another grade"


def parts_of(one: Any) -> list[Figure | Limit]:
    return [*one.figures, *(one.limits if isinstance(one, Service) else ())]


@pytest.mark.parametrize(("profile_id", "standard_id"), STANDARD_OF.items())
def test_every_number_of_a_profile_is_carried_over(
    collected: Mapping[str, Any], profile_id: str, standard_id: str
) -> None:
    profile = next(one for one in collected["profiles"] if one["id"] == profile_id)
    standard = load_standard(standard_id)
    facilities = profile.get("facilities", profile.get("indicators", []))
    order = tomllib.loads((FOLDER / f"{standard_id}.toml").read_text(encoding="utf-8")).get("services", [])
    asked = {one.id: one for one in (*standard.services, *standard.unmeasured)}
    if profile_id == "jgj39-2016":
        facilities = facilities * 2  # one number for two services
    if facilities:
        for facility, listed in zip(facilities, order, strict=True):
            one = asked[listed.get("id", listed.get("kind"))]
            assert_carried(
                Counter(numbers(facility, profile.get("grade", ""))), shipped(parts_of(one)), facility["zh"]
            )
            assert one.required is facility.get("must", True)
            assert one.tier == facility.get("tier", one.tier)
            measured = any(facility.get(key) is not None for key in ("radius_m", "min", "n"))
            assert isinstance(one, Service) is (measured and bool(one.kinds)), facility["zh"]
    rest = {key: value for key, value in profile.items() if key not in ("facilities", "indicators")}
    parts = [*standard.figures, *(figure for tier in standard.tiers for figure in tier.figures)]
    limits = {limit for _, limit in standard.pairs}
    assert_carried(Counter(numbers(rest)), shipped([*parts, *limits]), profile_id)


def test_words_are_carried_over_too(collected: Mapping[str, Any]) -> None:
    profiles = {one["id"]: one for one in collected["profiles"]}
    zhejiang = {figure.id: figure for figure in load_standard("zhejiang-future-community").figures}
    for name, kind in profiles["zj-weilai-2021"]["types"].items():
        assert zhejiang[name].value == (() if kind["years"] is None else (kind["years"],))
    assert zhejiang["units"].text.split("、") == profiles["zj-weilai-2021"]["units"]
    assert zhejiang["measures"].text.split("、") == profiles["zj-weilai-2021"]["measures"]
    guide = load_standard("tdt1062-2021")
    assert guide.figures[0].text == profiles["tdt1062-2021"]["effective"]
    texts = {figure.text for one in guide.services for figure in one.figures}
    assert texts >= {"基础保障型", "各街道（镇）设一处"}
    (station,) = (one for one in load_standard("complete-community").services if one.id == "elderly_station")
    assert (750.0, "M") in shipped(station.figures)


def test_a_number_that_is_missing_stays_missing(collected: Mapping[str, Any]) -> None:
    (profile,) = (one for one in collected["profiles"] if one["id"] == "gb50180-2018")
    without = [one for one in profile["facilities"] if one["radius_m"] is None]
    unmeasured = load_standard("gb50180-2018").unmeasured
    assert len(without) == len(unmeasured) == 3
    for facility, one in zip(without, unmeasured, strict=True):
        (radius,) = (figure for figure in one.figures if figure.id == "radius_m")
        assert (radius.value, radius.grade, radius.shown("缺")) == ((), facility["grade"], "缺")


def test_paces_targets_and_implied_speeds_are_carried_over(collected: Mapping[str, Any]) -> None:
    walk, paces = collected["walk"], load_paces()
    assert list(paces["adult"].range_mps) == walk["adult_mps"]
    assert (paces["elder"].mps, paces["child"].mps) == (walk["elderly_mps"], walk["child_with_carer_mps"])
    assert {pace.grade for pace in paces.values()} == {walk["grade"][0]}
    assert (walk["detour"], walk["grade"][0]) in shipped(load_standard().figures)
    for target in collected["local_targets"]:
        figures = load_standard("tdt1063-2021").figures
        assert any(target["city"] in one.name["zh"] and (target["target"],) == one.value for one in figures)
    tiers = {tier.id: tier.figures for tier in load_standard("gb50180-2018").tiers}
    for tier, speed in collected["implied_speed_from_gb50180_mps"].items():
        (implied,) = (figure for figure in tiers[tier] if figure.id == "implied_mps")
        assert list(implied.value) == (speed if isinstance(speed, list) else [speed])
