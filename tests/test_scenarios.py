"""Are scenarios what fresh measurements find, and which gaps of the toy town hold in all of them?"""

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from map_pages import data_of
from test_supply import measured, town
from toy_town import MIXED, STANDARD, Draft, build, drafts, limits, toy_town

from lifecircle.analysis import analyze
from lifecircle.costs import Relief
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.gaps import CAPACITY, find_gaps, homes_of_gaps
from lifecircle.messages import say
from lifecircle.render.dictionary import write_dictionary
from lifecircle.render.sensitivity import EVERY, MEASURED, gap_label, holds, sensitivity_table
from lifecircle.report import Report
from lifecircle.scenarios import HALF, SCENARIOS, moved, with_scenarios
from lifecircle.shares import GAP, STATUS, UNKNOWN
from lifecircle.standard import LONGEST, Limit, Service, Standard

few = cases(8)


def other_standard(standard: Standard, name: str) -> Standard:
    """Return a standard as a planner would write it for a scenario, by other code than the package's."""

    def changed(service: Service) -> Service:
        pace = {"pace_slower": 0.9, "pace_faster": 1.1}.get(name, 1.0)
        more = {"limit_shorter": -1.0, "limit_longer": 1.0}.get(name, 0.0)
        if service.in_metres:
            values = [limit.value + more * 60 * service.pace_mps for limit in service.limits]
            return dataclasses.replace(service, limits=limits("m", *values))
        values = [limit.value + more for limit in service.limits]
        return dataclasses.replace(service, pace_mps=service.pace_mps * pace, limits=limits("min", *values))

    return dataclasses.replace(standard, services=tuple(changed(one) for one in standard.services))


def afresh(coverage: Coverage, name: str) -> list[list[str]]:
    """Return how each home stands, for each service and limit, measured from nothing for a scenario."""
    snap = {"snap_halved": 0.5, "snap_doubled": 2.0}.get(name, 1.0)
    other = measure_coverage(
        coverage.city,
        other_standard(coverage.standard, name),
        max_snap_m=coverage.max_snap_m * snap,
        round_trip=coverage.round_trip,
    )
    return [
        [STATUS[code] for code in other.status_codes(other.walks, service.id, limit)]
        for service, limit in other.standard.pairs
    ]


@few
@given(drafts(), st.sampled_from([STANDARD, MIXED]), st.booleans(), st.integers(0, 2**31))
def test_scenarios_are_fresh_analyses(draft: Draft, standard: Standard, trip: bool, seed: int) -> None:
    city = build(draft)
    rng, streets = np.random.default_rng(seed), len(city.network.street_m)
    relief = Relief(rng.uniform(0.8, 2.0, streets), rng.uniform(0.8, 2.0, streets), np.zeros(streets))
    city = dataclasses.replace(city, relief=relief)
    coverage = with_scenarios(measure_coverage(city, standard, round_trip=trip))
    assert list(coverage.scenarios) == [one.id for one in SCENARIOS]
    for name, codes in coverage.scenarios.items():
        assert [[STATUS[code] for code in column] for column in codes.T] == afresh(coverage, name), name


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return with_scenarios(measure_coverage(toy_town(), STANDARD))


def gap_of(coverage: Coverage, home: str, service: str, minutes: float) -> dict[str, object]:
    gaps, members = find_gaps(coverage), homes_of_gaps(coverage)
    row = list(coverage.city.homes.index).index(home)
    pair = [(one.id, limit.value) for one, limit in coverage.standard.pairs].index((service, minutes))
    (gap,) = members[(members["home"] == row) & (members["pair"] == pair)]["gap"]
    return dict(gaps.iloc[gap])


def test_gaps_by_hand(coverage: Coverage) -> None:
    # b and c, 810 and 810.001 m from the kindergarten, in 10 minutes: 540 m as measured, 594 m at most
    # (11 minutes, or 10 % faster): 810 m is too far in any case. Snapping: both stand on Main Street.
    far = gap_of(coverage, "b", "kindergarten", 10)
    assert (far["robust"], far["kept_share"], far["weakest"]) == ("robust", 1.0, "")
    # c alone at 15 minutes: 810.001 m > 810 m, but 10 % faster 891 m, a minute more 864 m
    near = gap_of(coverage, "c", "kindergarten", 15)
    assert (near["robust"], near["kept_share"], near["weakest"]) == ("not_robust", 0.0, "pace_faster")
    assert gap_label(near, "en") == "not robust (pace +10 %: 0.0% stays)"
    assert gap_label(near, "zh") == "不稳健（步速 +10 %：仅余 0.0%）"
    # d lies 280 m from any street: within a doubled snap limit (400 m), and then at
    # 280 + 500 m from the kindergarten (540 m in 10 minutes: still a gap), and as far from the clinic (720 m)
    d = gap_of(coverage, "d", "kindergarten", 10)
    assert (d["reason"], d["robust"]) == ("off_network", "robust")
    # within 15 minutes (810 m) 780 m are covered
    d15 = gap_of(coverage, "d", "kindergarten", 15)
    assert (d15["robust"], d15["weakest"]) == ("not_robust", "snap_doubled")


def test_who_becomes_unknown_is_no_longer_in_a_gap(coverage: Coverage) -> None:
    # h is 700 m from where the data ends, in a gap of the kindergarten at 10 minutes (540 m, at most 594 m)
    codes = coverage.scenarios
    h = list(coverage.city.homes.index).index("h")
    at_10 = [codes[one.id][h, 0] for one in SCENARIOS]
    assert at_10 == [GAP] * 6
    # at 15 minutes (810 m) it is unknown, but 10 % slower (729 m) too; of elderly care (720 m) slower: 648 m
    assert codes["pace_slower"][h, 1] == UNKNOWN
    assert codes["pace_slower"][h, 3] == GAP


def test_robust_is_what_the_rule_says(coverage: Coverage) -> None:
    gaps, members = find_gaps(coverage), homes_of_gaps(coverage)
    assert {"robust", "not_robust"} == set(gaps["robust"])
    homes = coverage.city.homes["residents"].to_numpy()
    for number, gap in gaps.iterrows():
        rows = members[members["gap"] == number]
        people = homes[rows["home"]]
        kept = [
            people[codes[rows["home"], rows["pair"]] == GAP].sum() / people.sum()
            for codes in coverage.scenarios.values()
        ]
        assert gap["kept_share"] == pytest.approx(min(kept))
        assert (gap["robust"] == "robust") == (min(kept) >= HALF)


def test_a_gap_where_nobody_counts_is_judged_by_its_homes() -> None:
    town = toy_town()
    town = dataclasses.replace(town, homes=town.homes.assign(residents=0.0))
    gaps = find_gaps(with_scenarios(measure_coverage(town, STANDARD)))
    assert gaps["kept_share"].between(0, 1).all()


def test_without_scenarios_nothing_is_said() -> None:
    gaps = find_gaps(measure_coverage(toy_town(), STANDARD))
    assert set(gaps["robust"]) == {""} == set(gaps["weakest"])
    assert gaps["kept_share"].isna().all()


def test_the_table_counts_people(coverage: Coverage) -> None:
    table = sensitivity_table(coverage)
    one = table[(table["service"] == "kindergarten") & (table["threshold_minutes"] == 15)].set_index(
        "scenario"
    )
    # residents: a 100 and f 40 always; b 50 at 810 m: not slower nor shorter; c 7; d 20 if doubled
    assert one["residents_covered"].to_dict() == {
        MEASURED: 190, "pace_slower": 140, "pace_faster": 197, "limit_shorter": 140, "limit_longer": 197,
        "snap_halved": 190, "snap_doubled": 210, EVERY: 140,
    }  # fmt: skip
    assert one.loc["pace_slower", "pace_mps"] == pytest.approx(0.81)
    assert one.loc["limit_longer", "limit"] == 16
    assert one.loc["snap_halved", "max_snap_m"] == 100
    assert (table["gaps_kept"] <= table["gaps"]).all()
    every = table[table["scenario"] == EVERY]
    assert every["gaps_kept"].sum() == (find_gaps(coverage)["robust"] == "robust").sum()


def test_what_holds_is_said(coverage: Coverage) -> None:
    gaps, table = find_gaps(coverage), sensitivity_table(coverage)
    told = " ".join(holds(table, coverage, gaps, "en"))
    assert "kindergarten (15 min) 21.3% to 32.0%, with 21.3% covered in every case" in told  # 140, 210 of 657
    assert "Holds in every case: elderly_care leaves out most people." in told  # nobody has any
    in_chinese = " ".join(holds(table, coverage, gaps, "zh"))
    assert "kindergarten（15 分钟）21.3%～32.0%，各情景均覆盖 21.3%" in in_chinese
    assert "其中最大的盲区 G002：稳健。" in in_chinese  # beyond its reach by far


@pytest.mark.parametrize("unit", ["min", "m"])
def test_limits_stay_limits(unit: str) -> None:
    shorter, longer = SCENARIOS[2:4]
    values = [0.5, 1, 1.5, 30, LONGEST[unit] - 0.1, LONGEST[unit]]
    for scenario in (shorter, longer):
        limits_ = [moved(Limit(value, unit, "-", "M"), scenario, 1.2).value for value in values]
        assert limits_ == sorted(set(limits_)), "as many, in the same order"


def test_scenarios_are_the_same_every_time(coverage: Coverage) -> None:
    again = with_scenarios(measure_coverage(toy_town(), STANDARD))
    for name, codes in again.scenarios.items():
        np.testing.assert_array_equal(codes, coverage.scenarios[name])


def test_a_gap_of_places_is_a_gap_too() -> None:
    # Within 15 minutes a, b and f share the kindergarten, 190 people. With 95 places it is short of them in
    # any case. With 145 it suffices for a and f (140) where b, at 810 m, is out of reach: slower, or shorter.
    for places, expected in ((95, ("robust", "")), (145, ("not_robust", "pace_slower"))):
        coverage = with_scenarios(measured(town({"K": places})))
        gap = gap_of(coverage, "a", "kindergarten", 15)
        assert (gap["reason"], gap["robust"], gap["weakest"]) == (CAPACITY, *expected)
        b = gap_of(coverage, "b", "kindergarten", 15)
        assert (b["reason"], b["robust"]) == (CAPACITY, "robust"), "short of places, or out of reach"
        table = sensitivity_table(coverage).set_index(["threshold_minutes", "scenario"])
        assert table.loc[(15, "pace_slower"), "residents_covered"] == 140, "short of places is covered"


def test_a_report_tells(coverage: Coverage, tmp_path: Path) -> None:
    report = Report(coverage, find_gaps(coverage), "zh")
    paths = report.save(tmp_path / "out")
    table = pd.read_csv(paths["sensitivity.csv"])
    assert len(table) == 6 * (2 + len(SCENARIOS))
    write_dictionary(report.coverage, tmp_path / "dictionary.csv")
    dictionary = pd.read_csv(tmp_path / "dictionary.csv")
    assert dictionary[dictionary["file"] == "sensitivity.csv"]["column"].tolist() == list(table.columns)
    page = paths["report.md"].read_text(encoding="utf-8")
    assert "| 稳健 |" in page
    assert "结论是否稳健" in page
    assert "不稳健" in report.finding()[-1]
    layer = gpd.read_file(paths["gaps.gpkg"], layer="gaps")
    assert layer["robust"].tolist() == report.gaps["robust"].tolist()
    assert data_of(paths["map.html"].read_text(encoding="utf-8"))["gaps"]["robust"][0] == "稳健"


def test_analyze_asks_for_them() -> None:
    report = analyze(toy_town(), STANDARD, sensitivity=True)
    assert list(report.coverage.scenarios) == [one.id for one in SCENARIOS]
    assert report.settings["sensitivity"] is True
    assert "sensitivity" in report.seconds


def test_whom_most_lack_may_hang_on_the_assumption(coverage: Coverage) -> None:
    table = sensitivity_table(coverage)
    table.loc[(table["scenario"] == "pace_slower") & (table["service"] == "clinic"), "residents_gap"] = 1e6
    told = holds(table, coverage, find_gaps(coverage), "zh")
    assert say("sensitivity.most_differs", "zh", services="clinic、elderly_care") in told
