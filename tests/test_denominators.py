"""Does each service count the people it is for, does each share say of what it is, and do levels add up?"""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from budget import cases
from hypothesis import given
from toy_town import CORNER, HOMES, STANDARD, Draft, boxes, build, drafts, layer, toy_homes, toy_town

from lifecircle.city import City, Level
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.denominators import meets, of_homes
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.gaps import find_gaps
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.render.dictionary import fields_of
from lifecircle.render.finding import finding, headline
from lifecircle.render.ledger_tables import communities_table, gaps_table, summary_table
from lifecircle.render.report_page import report_page
from lifecircle.render.whom import amount, groups_shown, of_whom, unit_of, who_is_counted, without_small
from lifecircle.report import Report
from lifecircle.requirement import Figure
from lifecircle.standard import Standard, Target

# Of every home a twentieth is 3-6 and a fifth is 60+; but home b (50 residents) is a home for the old.
RESIDENTS = np.array([float(row[3]) for row in HOMES])
CHILDREN, OLD = RESIDENTS / 20, np.where(RESIDENTS == 50, 50, RESIDENTS / 5)
AGED = Standard(
    id="aged",
    name=STANDARD.name,
    services=tuple(
        dataclasses.replace(service, ages=ages)
        for service, ages in zip(STANDARD.services, ("3-6", "60+", "all"), strict=True)
    ),
)


def aged_town(**other: Any) -> City:
    homes = toy_homes(HOMES).assign(residents_3_6=CHILDREN, residents_60plus=OLD)
    return toy_town(homes=homes, **other)


def aged_coverage(**other: Any) -> Coverage:
    return measure_coverage(aged_town(**other), AGED)


def at(table: pd.DataFrame, service: str, minutes: float, **where: str) -> pd.Series:
    rows = table[(table["service"] == service) & (table["threshold_minutes"] == minutes)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_each_service_counts_the_people_it_is_for() -> None:
    totals = aged_coverage().totals()
    kindergarten, care, clinic = (at(totals, service.id, 15) for service in AGED.services)
    named = [row["denominator"] for row in (kindergarten, care, clinic)]
    assert named == ["residents_3_6", "residents_60plus", "residents"]
    # a (100) and b (50) reach the kindergarten; so does f (40) from the south, 200 + 300 + 100 = 600 m
    assert kindergarten["residents"] == pytest.approx(657 / 20)
    assert kindergarten["residents_covered"] == pytest.approx((100 + 50 + 40) / 20)
    assert care["residents"] == pytest.approx(657 / 5 + 40)
    assert care["residents_covered"] == 0
    assert clinic["residents"] == 657


def test_whose_ages_are_not_known_is_counted_over_all() -> None:
    town = toy_town(homes=toy_homes(HOMES).assign(residents_60plus=OLD))
    totals = measure_coverage(town, AGED).totals()
    assert at(totals, "kindergarten", 15)["denominator"] == "residents"
    assert at(totals, "kindergarten", 15)["residents"] == 657
    assert at(totals, "elderly_care", 15)["denominator"] == "residents_60plus"


def test_ages_do_not_count_where_homes_count_otherwise() -> None:
    city = toy_town(homes=toy_homes(HOMES).assign(floor_m2=7.0, residents_60plus=OLD), measure="floor_m2")
    assert city.denominator("60+") == "floor_m2"
    assert city.weight_for("60+").tolist() == [7.0] * len(HOMES)


def test_tables_gaps_catchments_and_means_count_alike() -> None:
    coverage = aged_coverage()
    totals, gaps = coverage.totals(), find_gaps(coverage)
    means = coverage.mean_minutes().set_index("service")
    for service in AGED.services:
        last = at(totals, service.id, 15)
        of_service = gaps[(gaps["service"] == service.id) & (gaps["threshold_minutes"] == 15)]
        assert of_service["residents"].sum() == pytest.approx(last["residents_gap"])
        assert set(of_service["denominator"]) <= {coverage.denominator(service.id)}
        parts = means.loc[service.id, ["residents_in_reach", "residents_out_of_reach", "residents_unknown"]]
        assert parts.sum() == pytest.approx(coverage.weight(service.id).sum())
    catchments = coverage.catchments().set_index("facility_id")
    assert catchments.loc["K", "denominator"] == "residents_3_6"
    assert catchments.loc["K", "residents"] == pytest.approx(means.loc["kindergarten", "residents_in_reach"])


def test_a_column_of_ages_must_be_whole() -> None:
    with pytest.raises(DataError, match="residents_60plus"):
        toy_town(homes=toy_homes(HOMES).assign(residents_60plus=[-1.0, *OLD[1:]]))


# ---------------------------------------------------------------------- denominators


def test_every_table_gives_the_share_of_homes_area_and_communities() -> None:
    coverage = aged_coverage()
    row = at(coverage.totals(), "kindergarten", 15)
    # Homes a, b and f of ten. They lie in cells of their own, but b shares its with c: 900-950 of the street.
    assert (row["homes"], row["homes_covered"]) == (10, 3)
    assert row["share_homes_covered"] == pytest.approx(0.3)
    assert row["inhabited_m2"] == pytest.approx(9 * 2500)
    assert row["inhabited_covered_m2"] == pytest.approx(2.5 * 2500)
    assert row["share_inhabited_covered"] == pytest.approx(2.5 / 9)
    # No community has all its children within 15 minutes; South Bank is not wholly known, but has a gap.
    assert (row["communities"], row["communities_covered"], row["share_communities_covered"]) == (3, 0, 0)
    assert row["share_area_covered"] == pytest.approx(row["area_covered_m2"] / row["area_m2"])


def test_a_community_meets_the_standard_where_all_of_the_group_are_covered() -> None:
    # Only home a, near the kindergarten, has children: North Bank meets the standard for that reason.
    homes = toy_homes(HOMES).assign(residents_3_6=[5.0, *[0.0] * 9])
    table = measure_coverage(toy_town(homes=homes), AGED).by_community()
    north, south = (at(table, "kindergarten", 15, community_id=one) for one in ("c-north", "c-south"))
    assert (north["communities"], north["communities_covered"]) == (1, 1)
    assert (south["communities"], south["communities_covered"]) == (0, 0)
    assert np.isnan(south["share_communities_covered"])


def test_standing_to_a_limit() -> None:
    total, covered, gap = (
        np.array(values) for values in ([10.0, 10, 10, 0], [10.0, 9, 9, 0], [0.0, 1, 0, 0])
    )
    assert meets(total, covered, gap).tolist() == [0, 1, 2, 3]  # the third has one of whom nothing is known


def test_a_target_says_how_much_of_a_community_is_enough() -> None:
    # Exactly nine of ten are enough for 90 %; eight and one unknown may be; eight and two in a gap are not.
    total, covered, gap = (np.array(values) for values in ([10.0, 10, 10, 0], [9.0, 8, 8, 0], [1.0, 1, 2, 0]))
    assert meets(total, covered, gap, 0.9).tolist() == [0, 2, 1, 3]
    assert meets(total, covered, gap, 0.8).tolist() == [0, 0, 0, 3]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ["Communities at least 85% covered", "Source: 长沙 2025. Grade S.", "Meets the standard"]),
        ("zh", ["达标社区（覆盖率不低于 85%）", "来源：长沙 2025。等级 S。", "是否达标"]),
    ],
)
def test_a_target_is_named_wherever_communities_are_counted(lang: str, said: list[str]) -> None:
    target = Target(0.85, "长沙 2025", "S")
    # North Bank's children: 90 near the kindergarten, 10 at the far home c.
    homes = toy_homes(HOMES).assign(residents_3_6=[90.0, 0.0, 10.0, *[0.0] * 7])
    for standard, covered in ((AGED, 0), (dataclasses.replace(AGED, target=target), 1)):
        coverage = measure_coverage(toy_town(homes=homes), standard)
        assert at(coverage.totals(), "kindergarten", 15)["communities_covered"] == covered
    gaps = find_gaps(coverage)
    summary = summary_table(coverage, lang)
    rows = summary[summary["denominator_label"] == said[0]]
    assert rows.iloc[1][["total", "covered"]].tolist() == [1, 1]
    assert said[1] in report_page(coverage, gaps, lang).replace("\\", "")
    assert target.label(lang) in " ".join(finding(coverage, gaps, lang))
    headings = [field.heading[lang] for field in fields_of("sheet_communities", coverage)]
    assert f"{said[2]}" in " ".join(headings)
    assert any(target.label(lang) in heading for heading in headings)


def test_denominators_of_homes() -> None:
    city = toy_town(homes=toy_homes(HOMES).assign(residents_60plus=OLD, households=RESIDENTS / 2))
    assert [*of_homes(city, "60+")] == [
        "residents_60plus",
        "residents",
        "households",
        "home_places",
        "inhabited_m2",
    ]
    assert next(iter(of_homes(city, "all"))) == "residents"


@given(drafts())
@cases(20)
def test_cells_with_homes_are_shared_out_wholly(draft: Draft) -> None:
    city = build(draft)
    corner = {(x // 50, y // 50) for x, y in zip(city.homes.geometry.x, city.homes.geometry.y, strict=True)}
    assert city.inhabited_m2.sum() == pytest.approx(2500 * len(corner))


# ---------------------------------------------------------------------- levels


def of_columns() -> Level:
    units = layer(
        boxes([(0, -460, 2000, 300), (1200, -150, 2000, 450)]),
        unit_id=["west", "east"],
        unit=["West", "East"],
    )
    return Level("subdistrict", {"zh": "街道", "en": "Subdistrict"}, units, np.array([0, 0, 1]))


def of_layer() -> Level:
    """Two nested units: the outer is all east of x = 600, less what lies in the inner."""
    units = layer(
        boxes([(600, -500, 2000, 500), (1200, -500, 1500, 500)]),
        unit_id=["outer", "inner"],
        unit=["Outer", "Inner"],
    )
    return Level("unit", {"zh": "单元", "en": "Unit"}, units)


def test_levels_by_columns_and_by_a_layer() -> None:
    coverage = aged_coverage(levels=(of_columns(), of_layer()))
    table = coverage.by_level("subdistrict")
    assert at(table, "clinic", 15, unit_id="east")["residents"] == 270  # i and j
    assert at(table, "clinic", 15, unit_id="west")["residents"] == 657 - 270
    assert at(table, "clinic", 15, unit_id="west")["communities"] == 2
    table = coverage.by_level("unit")
    assert at(table, "clinic", 15, unit_id="inner")["residents"] == 230  # h and i
    assert at(table, "clinic", 15, unit_id="")["residents"] == 140  # a and f, in no unit
    assert set(table["level"]) == {"unit"}
    with pytest.raises(UnknownNameError, match="subdistrict, unit"):
        coverage.by_level("street")


def test_nobody_counts_twice_at_any_level() -> None:
    coverage = aged_coverage(levels=(of_columns(), of_layer()))
    totals = coverage.totals()
    for level in coverage.city.levels:
        units = coverage.by_level(level.id)
        for service, limit in AGED.pairs:
            minutes = limit.minutes_at(service.pace_mps)
            rows = units[(units["service"] == service.id) & (units["threshold_minutes"] == minutes)]
            whole = at(totals, service.id, minutes)
            for column in ("residents", "residents_covered", "residents_gap", "homes", "area_m2"):
                assert rows[column].sum() == pytest.approx(whole[column]), column


def test_one_unit_around_everything_is_the_whole_city() -> None:
    all_of_it = layer(boxes([(-100, -900, 3000, 900)]), unit_id=["all"], unit=["All"])
    coverage = aged_coverage(levels=(Level("county", {"zh": "县", "en": "County"}, all_of_it),))
    units = coverage.by_level("county").drop(columns=["level", "unit_id", "unit"])
    pd.testing.assert_frame_equal(units, coverage.share())


def test_a_report_with_levels_writes_them(tmp_path: Path) -> None:
    coverage = aged_coverage(levels=(of_columns(), of_layer()))
    paths = Report(coverage, find_gaps(coverage), "en").save(tmp_path / "out")
    written = pd.read_csv(paths["levels.csv"], keep_default_na=False)
    assert list(dict.fromkeys(written["level"])) == ["subdistrict", "unit"]
    assert set(written["data"]) == {"real"}


# ---------------------------------------------------------------------- words and small groups


def test_words_name_the_group() -> None:
    assert amount("residents_60plus", 1234.4, "en") == "1,234 residents aged 60+"
    assert amount("residents_3_6", 12, "zh") == "12 名3-6岁儿童"
    assert amount("residents_60plus", float("nan"), "en") == "fewer than 10 residents aged 60+"
    assert of_whom(["residents", "residents"], "en") == "of residents"
    assert of_whom(["residents", "residents_60plus"], "en") == "of those whom each service is for"
    assert unit_of(["residents_0_3"], "zh") == "名0-3岁婴幼儿"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_finding_says_whom_it_counts(lang: str) -> None:
    coverage = aged_coverage()
    gaps = find_gaps(coverage)
    text = " ".join([*finding(coverage, gaps, lang), *headline(coverage, gaps, lang)])
    assert {"en": "residents aged 60+", "zh": "60岁以上老人"}[lang] in text
    assert {"en": "657 residents", "zh": "657 人"}[lang] in text  # all of the town, in the sentence of scope
    said = who_is_counted(coverage, lang)
    assert unit_of(["residents_3_6"], lang) in said
    assert "10" in said
    assert who_is_counted(measure_coverage(toy_town(), STANDARD), lang) == ""


def test_the_report_gives_shares_of_everything_and_each_column_says_of_what() -> None:
    coverage = aged_coverage()
    page = report_page(coverage, find_gaps(coverage), "en")
    head = (
        "| service | within | who counts | of those who count | of homes | of inhabited area | of all area "
    )
    assert head + "| communities wholly covered |" in page
    row = at(coverage.totals(), "kindergarten", 15)
    shares = ["share_covered", "share_homes_covered", "share_inhabited_covered", "share_area_covered"]
    told = " | ".join(f"{row[share]:.1%}" for share in [*shares, "share_communities_covered"])
    assert f"| kindergarten | 15 min | residents aged 3-6 | {told} |" in page
    # Why people are left out is counted over all services: those whom each is for, not residents.
    assert re.search(r"no facility near [\d,]+ of those whom each service is for", page)


def test_what_a_standard_asks_for_beside_walks_is_in_the_report_with_its_grade() -> None:
    name = {"en": "Floor area", "zh": "建筑面积"}
    standard = dataclasses.replace(AGED, figures=(Figure("gfa_m2", name, (350, 750), "标准", "S"),))
    coverage = measure_coverage(aged_town(), standard)
    assert "| Floor area | 350–750 | S | 标准 |" in report_page(coverage, find_gaps(coverage), "en")


def test_a_share_of_the_population_is_said() -> None:
    assert "17.50% of its population" in who_is_counted(aged_coverage(age_shares={"60+": 0.175}), "en")


def test_summary_names_every_denominator() -> None:
    rows = summary_table(aged_coverage(), "en")
    care = rows[(rows["service_label"] == "elderly_care") & (rows["limit"] == "15 min")]
    assert care["denominator_label"].tolist() == [
        "Residents aged 60+",
        "Residents",
        "Home places",
        "Inhabited area (50 m cells with homes)",
        "Area of communities",
        "Communities wholly covered",
    ]
    parts = care[["covered", "gap", "unknown"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(care["total"].to_numpy())


def test_small_groups_are_not_shown_by_community_and_totals_stay() -> None:
    coverage = aged_coverage()  # children: North 177/20 = 8.85, South 210/20 = 10.5, Estate 270/20 = 13.5
    table = without_small(coverage.by_community(), coverage)
    north, south = (at(table, "kindergarten", 15, community_id=one) for one in ("c-north", "c-south"))
    assert np.isnan(north["residents"])  # the whole group is small: nothing of it is shown
    assert north[["residents_covered", "share_covered", "median_minutes"]].isna().all()
    assert south["residents"] == pytest.approx(10.5)
    assert np.isnan(south["residents_covered"])  # 40 / 20 = 2
    assert south["share_covered"] == pytest.approx(40 / 210)
    assert at(table, "clinic", 15, community_id="c-north")["residents"] == 177  # no vulnerable group
    assert without_small(coverage.totals(), coverage).equals(coverage.totals())
    everybody = aged_coverage(min_group=0.0)
    assert without_small(everybody.by_community(), everybody).equals(everybody.by_community())


def test_small_groups_of_listed_homes_are_shown_by_no_home() -> None:
    old = np.where(np.arange(len(HOMES)) == 0, 40.0, 3.0)
    for kind, shown in (("list", [40.0]), ("building", old.tolist())):
        homes = toy_homes(HOMES).assign(residents_60plus=old, kind=kind)
        coverage = measure_coverage(toy_town(homes=homes, min_group=10.0 if kind == "list" else 1.0), AGED)
        layer_of_homes = groups_shown(coverage.city.homes, coverage)
        assert layer_of_homes["residents_60plus"].dropna().tolist() == shown


def test_small_groups_are_in_no_file_by_community(tmp_path: Path) -> None:
    coverage = aged_coverage()
    report = Report(coverage, find_gaps(coverage), "en")
    for table in (
        report.tables["communities"],
        report.tables["gaps"],
        communities_table(coverage, "en"),
        gaps_table(coverage, report.gaps, "en"),
    ):
        aged = table[table["denominator"].isin(AGE_COLUMNS.values()) & (table["community_id"] != "")]
        names = {"residents", "residents_gap", "amount", "amount_gap", "amount_in_gap"}
        amounts = aged[[one for one in table if one in names]]
        assert len(aged)
        assert not ((amounts > 0) & (amounts < 10)).any(axis=None)
    totals = report.tables["communities"].query("community_id == ''")
    assert at(totals, "kindergarten", 15)["residents_covered"] == pytest.approx(9.5)
    # every writer takes what is not shown
    report.save(tmp_path / "out", formats=["platform", "docx", "dictionary"])
    assert "fewer than 10" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_corner_is_on_the_cells() -> None:
    """Where homes share a cell above is worked out from the corner."""
    assert CORNER[0] % 50 == CORNER[1] % 50 == 0
