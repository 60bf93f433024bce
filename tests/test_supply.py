"""Is what homes are offered what one works out by hand, and slowly in another way, in any town?"""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from oracle import walks_m
from toy_town import FACILITIES, HOMES, STANDARD, Draft, build, drafts, toy_facilities, toy_homes, toy_town

from lifecircle.catalog.kind_files import find_kind
from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.gaps import CAPACITY, find_gaps
from lifecircle.messages import say
from lifecircle.render.finding import headline
from lifecircle.render.ledger_tables import ledger_tables
from lifecircle.render.print_shades import shades_of
from lifecircle.render.print_subject import subject_of
from lifecircle.render.supply_text import supply_rows, why_not_judged
from lifecircle.requirement import Figure
from lifecircle.shares import COVERED, GAP
from lifecircle.standard import Service, Standard
from lifecircle.supply import (
    ENOUGH,
    NOT_KNOWN,
    OUT_OF_REACH,
    PER_1000,
    SHORT,
    offered_per_1000,
    supplies_of,
    supply_codes,
    supply_table,
)

NAN, INF = math.nan, math.inf
K = find_kind("kindergarten")
# 810 m in 15 minutes, 540 m in 10. To the kindergarten at (100, 0) walk: a 230 m, f 600 m (over the bridge),
# b exactly 810 m; c a millimetre more, and everybody else farther.
SERVICE = dataclasses.replace(STANDARD.services[0], kinds=(K,), ages="3-6")


def standard_of(service: Service, *figures: Figure) -> Standard:
    return dataclasses.replace(STANDARD, services=(dataclasses.replace(service, figures=figures),))


def minimum(per_1000: float) -> Figure:
    return Figure(PER_1000, {"en": "least", "zh": "下限"}, (per_1000,), "a test", "S")


def town(capacities: dict[str, float], more: tuple[Any, ...] = (), **other: Any) -> City:
    """Return the toy town with capacities by facility_id, where all its residents are three to six."""
    facilities = toy_facilities((*FACILITIES, *more))
    facilities["capacity"] = facilities["facility_id"].map(capacities).astype(float)
    homes = toy_homes(HOMES)
    return toy_town(facilities=facilities, homes=homes.assign(residents_3_6=homes["residents"]), **other)


def measured(city: City, standard: Standard | None = None, **choices: Any) -> Coverage:
    return measure_coverage(city, standard or standard_of(SERVICE), **choices)


def codes(coverage: Coverage, step: int = 1) -> dict[str, int]:
    found = supply_codes(coverage, supplies_of(coverage)["kindergarten"], step)
    return dict(zip(coverage.city.homes.index, found.tolist(), strict=True))


def test_one_facility_is_shared_by_all_who_can_walk_to_it() -> None:
    supply = supplies_of(measured(town({"K": 95})))["kindergarten"]
    by_home = dict(zip((row[0] for row in HOMES), supply.per_person[1].tolist(), strict=True))
    assert (supply.unit, supply.need) == ("places", 1.0)
    # a 100, b 50 and f 40 are 190 in 15 minutes; in 10 there is a alone
    assert {home: by_home[home] for home in "abcf"} == {"a": 0.5, "b": 0.5, "c": 0.0, "f": 0.5}
    assert supply.per_person[0][0] == 0.95


def test_two_facilities_add_up_and_nearer_walks_weigh_more_by_gauss() -> None:
    # The new one, at (900, 0), is walked to by a (630 m), b (10 m) and c (10.001 m): 157 people.
    city = town({"K": 95, "N": 60}, more=(("N", "New", "kindergarten", (900, 0)),))
    supply = supplies_of(measured(city))["kindergarten"]
    both = 95 / 190 + 60 / 157
    np.testing.assert_allclose(supply.per_person[1][[0, 1, 2, 5]], [both, both, 60 / 157, 0.5])

    def weight(metres: float) -> float:
        return (math.exp(-((metres / 810) ** 2) / 2) - math.exp(-0.5)) / (1 - math.exp(-0.5))

    old = 95 / (100 * weight(230) + 50 * weight(810) + 40 * weight(600))
    new = 60 / (100 * weight(630) + 50 * weight(10) + 7 * weight(10.001))
    expected = [
        weight(230) * old + weight(630) * new,
        weight(10) * new,
        weight(10.001) * new,
        weight(600) * old,
    ]
    np.testing.assert_allclose(supply.gaussian[1][[0, 1, 2, 5]], expected, rtol=1e-9)


def test_exactly_as_much_as_is_needed_is_enough() -> None:
    coverage = measured(town({"K": 190}))
    assert {codes(coverage)[home] for home in "abf"} == {ENOUGH}
    coverage = measured(town({"K": 189}))
    found = codes(coverage)
    assert {found[home] for home in "abf"} == {SHORT}
    assert {found[home] for home in "cde"} == {OUT_OF_REACH}
    assert found["g"] == NOT_KNOWN  # the data ends before the kindergarten is reached


def test_those_short_of_places_are_gaps_and_the_uncovered_stay_the_others() -> None:
    plain = find_gaps(measured(toy_town(), standard_of(SERVICE)))
    coverage = measured(town({"K": 95}))
    gaps = find_gaps(coverage)
    lacking = gaps["reason"] == CAPACITY
    assert gaps[lacking].groupby("threshold_minutes")["residents"].sum().to_dict() == {
        10.0: 100.0,
        15.0: 190.0,
    }
    assert gaps[lacking & (gaps["community_id"] == "c-south")]["residents"].tolist() == [40.0]
    assert gaps.loc[lacking, "nearest_facility"].eq("Old Kindergarten").all()
    others = gaps[~lacking].drop(columns=["gap_id", "denominator"]).reset_index(drop=True)
    assert others.equals(plain.drop(columns=["gap_id", "denominator"]))


def test_where_nobody_walks_too_far_the_worst_gap_is_the_worst_shortage() -> None:
    coverage = measured(town({"K": 95}))
    gaps = find_gaps(coverage)
    lacking = gaps[gaps["reason"] == CAPACITY]
    assert "Worst gap: G" in headline(coverage, gaps, "en")[2]
    assert "beyond" in headline(coverage, gaps, "en")[2]
    said = headline(coverage, lacking, "en")[2]
    assert "100 residents aged 3-6 within 15 minutes but short of places" in said
    assert "步行范围内但供给不足" in headline(coverage, lacking, "zh")[2]


def test_what_is_short_is_drawn_apart_on_the_printed_map() -> None:
    coverage = measured(town({"K": 95}))
    gaps = find_gaps(coverage)
    service = coverage.standard.services[0].id
    shades = shades_of(subject_of(coverage, gaps, service, None, "en"))
    (drawn,) = (shade for shade in shades if shade.text == "within 15 min but short of places")
    lacking = gaps[(gaps["reason"] == CAPACITY) & (gaps["threshold_minutes"] == 15)]
    assert drawn.shape.symmetric_difference(lacking.union_all()).area == pytest.approx(0.0, abs=1.0)
    # on the sheet of all services, where this is the only one, the same homes miss none but are short
    whole = shades_of(subject_of(coverage, gaps, None, None, "en"))
    (short,) = (
        shade for shade in whole if shade.text == "Homes with every service near, but short of places"
    )
    assert short.shape.symmetric_difference(lacking.union_all()).area == pytest.approx(0.0, abs=1.0)
    assert short.share == pytest.approx(lacking["residents"].sum() / coverage.city.weight.sum())
    assert sum(shade.share for shade in whole) == pytest.approx(1.0)
    # on the sheet of South Bank, f still shares with its neighbours over the river: 95 places for 190
    part = subject_of(coverage, gaps, service, "c-south", "en").coverage
    assert supplies_of(part)["kindergarten"].per_person[1][1] == 0.5
    enough = measured(town({"K": 190}))
    for one in (service, None):
        shades = shades_of(subject_of(enough, find_gaps(enough), one, None, "en"))
        assert not [shade.text for shade in shades if "short" in shade.text]


def test_an_unknown_capacity_is_unknown_unless_the_others_suffice() -> None:
    new = (("N", "New", "kindergarten", (900, 0)),)
    found = codes(measured(town({"K": 95}, more=new)))
    assert [found[home] for home in "abcf"] == [NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, SHORT]
    found = codes(measured(town({"K": 190}, more=new)))
    assert [found[home] for home in "abcf"] == [ENOUGH, ENOUGH, NOT_KNOWN, ENOUGH]
    coverage = measured(town({"K": 190}, more=new))
    whole = supply_table(coverage).query("community_id == '' and threshold_minutes == 15").iloc[0]
    # of f alone all is known: 1000 of its 40; a and b have enough, of c nothing is, g and h end the data
    assert whole[["residents_enough", "residents_unknown"]].tolist() == [190.0, 7.0 + 60.0 + 30.0]
    assert (whole["per_1000"], whole["offered"]) == (1000.0, 40.0)
    per_home = offered_per_1000(coverage)["kindergarten_per_1000"]
    assert per_home["f"] == 1000.0
    assert per_home["e"] == 0.0
    assert per_home[["a", "c", "g"]].isna().all()


def test_nobody_is_judged_without_a_minimum_or_the_age_group() -> None:
    elders = dataclasses.replace(STANDARD.services[1], kinds=(find_kind("nursing_home"),), ages="60+")
    city = town({"K": 30}, more=())
    city = dataclasses.replace(city, facilities=city.facilities.assign(service="elderly_care"))
    unjudged = why_not_judged(measured(city, standard_of(elders, minimum(40))), "en")
    assert say("supply.no_ages", "en", services="elderly_care") in unjudged
    rows = supply_rows(measured(city, standard_of(elders)), "zh")
    assert set(rows["supply_unit"]) == {"床位（位）"}
    for standard, judged in (
        (standard_of(elders), False),  # no minimum
        (standard_of(elders, minimum(40)), False),  # a minimum, but nobody says how many elders there are
    ):
        coverage = measured(city, standard)
        supply = supplies_of(coverage)["elderly_care"]
        assert (supply.unit, supply.is_judged) == ("beds", judged)
        assert not (find_gaps(coverage)["reason"] == CAPACITY).any()
        assert supply_table(coverage)["residents_short"].isna().all()
    homes = city.homes.assign(residents_60plus=city.homes["residents"] / 10)
    coverage = measured(dataclasses.replace(city, homes=homes), standard_of(elders, minimum(40)))
    supply = supplies_of(coverage)["elderly_care"]
    assert supply.need == 0.04
    assert supply.minimum is not None
    table = supply_table(coverage)
    assert set(table["minimum_source"]) == {"a test"}
    assert set(table["minimum_grade"]) == {"S"}


def test_where_no_capacity_is_known_there_is_no_supply() -> None:
    for city in (toy_town(), town({"C": 50.0})):
        coverage = measured(city)
        assert supplies_of(coverage) == {}
        assert supply_table(coverage).empty
    # a clinic offers floor; of the toy's services none but the kindergarten has kinds
    clinic = dataclasses.replace(STANDARD.services[2], kinds=(find_kind("clinic"),))
    supply = supplies_of(measured(town({"C": 900.0}), standard_of(clinic)))["clinic"]
    assert (supply.unit, supply.is_judged) == ("floor_m2", False)


def test_a_place_of_no_capacity_offers_nothing_and_empty_homes_share_nothing() -> None:
    city = town({"K": 0.0})
    assert {codes(measured(city))[home] for home in "abf"} == {SHORT}
    empty = dataclasses.replace(city, homes=city.homes.assign(residents_3_6=0.0))
    supply = supplies_of(measured(empty))["kindergarten"]
    assert not np.isnan(supply.per_person).any()
    assert not np.isnan(supply.gaussian).any()
    assert supply_table(measured(empty))["per_1000"].isna().all()


def test_there_and_back_the_sum_of_both_ways_counts() -> None:
    # Level and walked both ways: a walks 460 m, f 1,200 m, b 1,620 m; 15 minutes are 810 m.
    supply = supplies_of(measured(town({"K": 95}), round_trip=True))["kindergarten"]
    assert supply.per_person[1][[0, 1, 5]].tolist() == [0.95, 0.0, 0.0]


@cases(20)
@given(drafts(), st.integers(0, 2**31), st.sampled_from([120.0, 500.0, 900.0]))
def test_in_any_town_it_is_what_a_slow_reckoning_finds(draft: Draft, seed: int, least: float) -> None:
    city = build(draft)
    rng = np.random.default_rng(seed)
    capacity = rng.choice([0.0, 15.0, 80.0, NAN], len(city.facilities))
    city = dataclasses.replace(city, facilities=city.facilities.assign(capacity=capacity))
    services = tuple(
        dataclasses.replace(service, kinds=(K,), figures=(minimum(least),)) for service in STANDARD.services
    )
    coverage = measure_coverage(city, dataclasses.replace(STANDARD, services=services))
    homes = np.column_stack([city.homes.geometry.x, city.homes.geometry.y])
    for service_id, supply in supplies_of(coverage).items():
        service = coverage.standard.service(service_id)
        mine = city.facilities[city.facilities["service"] == service_id]
        walks = walks_m(city.network, homes, np.column_stack([mine.geometry.x, mine.geometry.y]))
        for step, limit in enumerate(service.limits):
            cutoff = limit.metres_at(service.pace_mps)
            for gaussian, found in ((False, supply.per_person), (True, supply.gaussian)):
                expected = slowly(walks, mine["capacity"].tolist(), city.weight.tolist(), cutoff, gaussian)
                np.testing.assert_allclose(found[step], expected, rtol=1e-6, atol=1e-9)
        assert_adds_up(coverage, service, supply_codes(coverage, supply, 1))


def slowly(
    walks: Any,
    capacity: list[float],
    people: list[float],
    cutoff: float,
    gaussian: bool,
) -> list[float]:
    """Return what each home is offered, facility by facility and home by home."""

    def weight(metres: float) -> float:
        if metres > cutoff + 1e-6:
            return 0.0
        if not gaussian:
            return 1.0
        edge = math.exp(-0.5)
        return max(0.0, (math.exp(-0.5 * (metres / cutoff) ** 2) - edge) / (1 - edge))

    offered = [0.0] * len(people)
    for column, places in enumerate(capacity):
        if math.isnan(places) or places == 0:
            continue
        weights = [weight(row[column]) for row in walks]
        sharing = sum(one * count for one, count in zip(weights, people, strict=True))
        for home, one in enumerate(weights):
            if one > 0:
                offered[home] += one * (places / sharing if sharing > 0 else INF)
    return offered


def assert_adds_up(coverage: Coverage, service: Service, found: Any) -> None:
    """Prove that the four states are those of the walks, and that tables and gaps count them."""
    walked = coverage.status_codes(coverage.walks, service.id, service.longest)
    assert ((found == OUT_OF_REACH) == (walked == GAP)).all()
    assert (walked[(found == SHORT) | (found == ENOUGH)] == COVERED).all()
    table = supply_table(coverage)
    table = table[(table["service"] == service.id) & (table["threshold_minutes"] == 15)]
    weight, words = coverage.city.weight, ("enough", "short", "unknown", "out_of_reach")
    for code, word in enumerate(words):
        sums = table[f"residents_{word}"].to_numpy()
        assert sums[-1] == pytest.approx(weight[found == code].sum())
        assert sums[:-1].sum() == pytest.approx(sums[-1])
    gaps = find_gaps(coverage)
    gaps = gaps[(gaps["service"] == service.id) & (gaps["threshold_minutes"] == 15)]
    lacking = gaps["reason"] == CAPACITY
    assert gaps.loc[lacking, "residents"].sum() == pytest.approx(weight[found == SHORT].sum())
    assert gaps.loc[~lacking, "residents"].sum() == pytest.approx(weight[walked == GAP].sum())


@pytest.mark.parametrize("told", ["places", "nursery_places", "beds", "floor_m2", "capacity", "classes"])
def test_the_ledger_says_what_told_a_capacity(told: str) -> None:
    city = town({"K": 30}, more=())
    told_by = city.facilities.assign(capacity_from=told)
    coverage = measured(dataclasses.replace(city, facilities=told_by))
    for lang in ("en", "zh"):
        table = ledger_tables(coverage, find_gaps(coverage), lang)["facilities"]
        assert table.isin([say(f"supply.from_{told}", lang)]).any(axis=None)
