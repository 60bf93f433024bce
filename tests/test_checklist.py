"""Does the checklist find what is asked beside walks, and never call a failure what nobody knows?"""

import dataclasses
import math
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from toy_town import STANDARD, toy_facilities, toy_town

from lifecircle.catalog import load_standard
from lifecircle.checklist import checklist, judge
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.render.supply_text import checklist_rows, checklist_sentence
from lifecircle.requirement import Figure
from lifecircle.sources.indicators import read_indicators

NAN = math.nan
NAME = {"en": "asked", "zh": "要求"}


def figure(figure_id: str, value: float) -> Figure:
    return Figure(figure_id, NAME, (value,), "a test", "S")


# In c-north: one of 400 m²; in c-south one too small and one whose size nobody tells; in c-estate none.
PLACES = (
    ("A", "Big", "clinic", (100, 0)),
    ("B", "Small", "clinic", (100, -300)),
    ("C", "Unknown", "clinic", (900, -300)),
)


def measured(floor_m2: list[float], figures: tuple[Figure, ...], **other: Any) -> Coverage:
    service = dataclasses.replace(STANDARD.services[2], figures=figures)
    of_city = other.pop("of_city", ())
    standard = dataclasses.replace(STANDARD, services=(service,), figures=of_city)
    city = toy_town(facilities=toy_facilities(PLACES).assign(floor_m2=floor_m2), **other)
    return measure_coverage(city, standard)


def test_one_of_each_with_its_least_size() -> None:
    table = checklist(measured([400.0, 119.0, NAN], (figure("n", 1), figure("gfa_min_m2", 120))))
    assert table["community_id"].tolist() == ["c-north", "c-south", "c-estate"]
    assert table["result"].tolist() == ["met", "no_data", "failed"]
    assert table["value"].tolist() == [1.0, 0.0, 0.0]
    assert table["not_known"].tolist() == [0.0, 1.0, 0.0]
    asked = (figure("n", 1), figure("gfa_min_m2", 120), figure("beds", 10))
    rows = checklist_rows(measured([400.0, 119.0, NAN], asked[:2]), "zh")
    assert rows["result_label"].tolist() == ["达标", "无数据", "未达标"]
    assert "10" in checklist_rows(measured([400.0, 119.0, NAN], asked), "en")["asked_shown"].iloc[0]
    assert set(table["sizes"]) == {"floor_m2>=120"}
    assert set(table["source"]) == {"a test"}
    assert set(table["grade"]) == {"S"}
    exact = checklist(measured([120.0, 120.0, 119.0], (figure("n", 1), figure("gfa_min_m2", 120))))
    assert exact["result"].tolist() == ["met", "met", "failed"]


def test_where_no_such_facility_is_known_anywhere_nothing_is_known() -> None:
    coverage = measured([NAN] * 3, (figure("n", 1),))
    nowhere = dataclasses.replace(coverage, city=coverage.city.without_facility("A"))
    assert checklist(nowhere)["result"].tolist() == ["failed", "met", "failed"]
    city = dataclasses.replace(coverage.city, facilities=coverage.city.facilities.assign(service="other"))
    assert set(checklist(dataclasses.replace(coverage, city=city))["result"]) == {"no_data"}


def test_floor_area_for_every_hundred_households() -> None:
    asked = (figure("clinic_m2_per_100_households", 30),)
    communities = toy_town().communities.assign(households=[1000.0, 1000.0, NAN])
    coverage = measured([300.0, 100.0, 199.0], (), of_city=asked, communities=communities)
    table = checklist(coverage)
    # 300 m² for 10 hundreds are exactly 30; 299 are 29.9; households of the estate are not known
    assert table["value"].tolist()[:2] == [30.0, 29.9]
    assert table["result"].tolist() == ["met", "failed", "no_data"]
    unknown = checklist(measured([300.0, 100.0, NAN], (), of_city=asked, communities=communities))
    assert unknown["result"].tolist() == ["met", "no_data", "no_data"]
    assert math.isnan(unknown["value"].iloc[1])


def test_the_standard_asks_one_of_each_and_two_floor_areas() -> None:
    standard = load_standard("complete-community")
    asked = {one.id: (one.value, one.grade) for one in standard.figures if "per_100_households" in one.id}
    assert asked == {
        "community_service_m2_per_100_households": ((30.0,), "V"),
        "community_service_m2_per_100_households_high": ((80.0,), "M"),
    }
    coverage = measure_coverage(toy_town(), standard)
    counts = checklist(coverage).groupby("check")["subject"].nunique()
    assert counts.to_dict() == {"one_of_each": 5, "per_100_households": 1}
    assert len(checklist_rows(coverage, "zh")) == 3 * 7  # five services and two floor areas


@pytest.mark.parametrize(
    ("target", "value", "result"),
    [
        ("≥80%", "80%", "met"),
        ("≥80%", "0.8", "met"),  # as a spreadsheet keeps a percentage
        ("80％", "79.9%", "failed"),
        ("≥ 80 %", "85", "met"),
        (">30", "30", "failed"),
        ("30", "30", "met"),
        ("≤15分钟", "15", "met"),
        ("不超过 15", "15.5", "failed"),
        ("<15", "15", "failed"),
        ("1,200", "1,199.9", "failed"),
        ("有", "有", "met"),
        ("有", "无", "failed"),
        ("有", "部分", "no_data"),
        ("30", "约三十", "no_data"),
        ("30-80", "50", "no_data"),
        ("30", "", "no_data"),
        ("", "30", "no_data"),
    ],
)
def test_a_value_is_judged_by_its_target(target: str, value: str, result: str) -> None:
    assert judge(target, value) == result


def test_a_table_of_indicators_is_read_and_blanks_stay_blank(tmp_path: Path) -> None:
    path = tmp_path / "indicators.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (
        ["表一 指标"],
        ["指标名称", "目标值", "现状值", "单位"],
        ["百户面积", "≥30", None, "m²"],
        ["绿地率", 35, 30, "%"],
    ):
        book.active.append(row)
    book.save(path)
    table = read_indicators(path)
    assert table["value"].tolist() == ["", "30"]
    city = toy_town(indicators=table)
    coverage = measure_coverage(city, STANDARD)
    rows = checklist(coverage)
    assert rows["result"].tolist() == ["no_data", "failed"]
    assert checklist_rows(coverage, "zh")["value_shown"].tolist() == ["待填", "30"]
    assert checklist_rows(coverage, "zh")["result_label"].tolist() == ["无数据", "未达标"]
    assert checklist_rows(coverage, "en")["result_label"].tolist() == ["no data", "not met"]
    assert (
        checklist_sentence(coverage, "zh") == "步行之外的 2 项要求中，达标 0 项，未达标 1 项，无数据 1 项。"
    )


def test_a_table_without_targets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("指标,备注\n绿地率,无\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"wrong\.csv.*指标, 备注.*目标值"):
        read_indicators(path)


def test_nothing_asked_is_no_row() -> None:
    coverage = measure_coverage(toy_town(), STANDARD)
    assert checklist(coverage).empty
    assert checklist_sentence(coverage, "en") == ""
    assert isinstance(checklist_rows(coverage, "en"), pd.DataFrame)
