"""Is every measure offered where its condition is met, and nowhere else?"""

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from test_siting import spots
from toy_town import FACILITIES, STANDARD, toy_facilities, toy_town

from lifecircle.catalog.measures_file import load_measures
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps, homes_of_gaps
from lifecircle.measures import Measure, MeasureTable
from lifecircle.options import Ideas, find_options, spare

TABLE = load_measures()


def toy(**other: object) -> Coverage:
    return measure_coverage(toy_town(**other), STANDARD)


def options_of(ideas: Ideas, service: str) -> dict[str, dict[str, tuple[str, float, float]]]:
    """Return by community and measure: the condition, people of its gaps, and people in all."""
    rows = ideas.options[ideas.options["service"] == service]
    found: dict[str, dict[str, tuple[str, float, float]]] = {}
    for row in rows.to_dict("records"):
        of_measures = found.setdefault(row["community"], {})
        before = of_measures.get(row["option"], ("", 0.0, 0.0))[1]
        about = row["condition"], before + row["residents_of_gap"], row["residents_gained"]
        of_measures[row["option"]] = about
    return found


def find(coverage: Coverage, candidates: gpd.GeoDataFrame | None, table: MeasureTable = TABLE) -> Ideas:
    return find_options(coverage, find_gaps(coverage), table, candidates=candidates, links=0)


def test_the_homes_of_gaps_are_those_that_they_count() -> None:
    coverage = toy()
    gaps, homes = find_gaps(coverage), homes_of_gaps(coverage)

    weight = coverage.city.weight[homes["home"]]
    people = homes.assign(weight=weight).groupby("gap")["weight"].sum()

    assert people.tolist() == gaps["residents"].tolist()
    assert people.sum() > 0


def test_what_a_place_is_decides_what_can_be_done_there() -> None:
    # Elderly care stands nowhere. Within 15 minutes, 720 m, of (300, 0) live a 100, b 50 (610 m) and c 7; of
    # the gate (1900, 200) i 200 (600 m) and j 70; of (700, -300) e 80 and f 40, and h 30, of whom nothing is
    # known as the data ends 700 m from there.
    candidates = spots(
        (300, 0), (1900, 200), (700, -300), (710, -300),
        name=["west", "gate", "south", "wet"], kind=["闲置用地", "公房", "商铺（待租）", "湿地"],
    )  # fmt: skip

    ideas = find(toy(), candidates)

    found = options_of(ideas, "elderly_care")
    assert found["North Bank"].pop("")[0] == "off_network"  # d, 280 m from every street
    assert found == {
        "North Bank": {"build": ("site", 157, 157)},
        "The Estate": {"swap": ("site", 270, 270), "convert": ("site", 270, 270)},
        "South Bank": {"buy": ("site", 120, 120), "lease": ("site", 120, 120)},
    }  # fmt: skip
    assert ideas.unnamed == {"湿地": 1}
    offered = ideas.options[ideas.options["option"] != ""]
    assert offered["checked"].all()
    assert set(offered["name"]) == {"west", "gate", "south"}


def test_a_place_of_no_kind_and_a_point_along_a_street_are_not_looked_at() -> None:
    unsaid = find(toy(), spots((300, 0), name=["somewhere"]))
    streets = find(toy(), None)

    for ideas, condition in ((unsaid, "kind_unknown"), (streets, "street")):
        offered = ideas.options[ideas.options["option"] != ""]
        assert set(offered["option"]) == {"build"}
        assert set(offered["condition"]) == {condition}
        assert not offered["checked"].any()
    assert streets.candidates is None
    assert unsaid.candidates == 1
    # what no candidate reaches has no option; with points along streets all but d, off every street, have one
    none = unsaid.options[unsaid.options["service"] == "elderly_care"].groupby("community")["condition"]
    assert set(none.get_group("The Estate")) == {"none"}
    assert set(streets.options.loc[streets.options["option"] == "", "condition"]) == {"off_network"}


def test_a_facility_is_converted_only_if_nobody_would_miss_it() -> None:
    # Elderly care may be made of kindergartens. K alone serves a within 10 minutes, and b within 15. With K2
    # across the street and a K3 at the gate: K and K2 are spare, K3 is not, as i and j have no other.
    table = dataclasses.replace(TABLE, convert_from={"elderly_care": ("kindergarten",)})
    more = (("K2", "New Kindergarten", "kindergarten", (100, 0)), ("K3", "Gate", "kindergarten", (1900, 200)))
    nowhere = spots((-290, 0), kind=["公园"])

    alone = find(toy(), nowhere, table)
    three = find(toy(facilities=toy_facilities([*FACILITIES, *more])), nowhere, table)

    assert "convert" not in set(alone.options["option"])
    # from (100, 0), 720 m: a 230 m, f 600 m; b is 810 m away
    offered = three.options[three.options["option"] == "convert"]
    assert offered["condition"].eq("facility").all()
    assert offered.set_index("community")["residents_of_gap"].to_dict() == {
        "North Bank": 100,
        "South Bank": 40,
    }
    assert set(offered["place_id"]) == {"K"}
    assert set(offered["kind"]) == {"kindergarten"}
    kindergarten = STANDARD.service("kindergarten")
    assert spare(three.coverage, kindergarten, set()) == {"K", "K2"}
    assert spare(three.coverage, kindergarten, {"K"}) == set(), "one of the two must stay"


def test_a_like_kind_may_stand_in_the_list_of_candidates() -> None:
    table = dataclasses.replace(TABLE, convert_from={"elderly_care": ("primary_school",)})
    school = spots((300, 0), name=["school"], kind=["小学"], facility_kind=["primary_school"])

    ideas = find(toy(), school, table)

    assert options_of(ideas, "elderly_care")["North Bank"]["convert"] == ("site", 157, 157)
    assert set(options_of(ideas, "clinic").get("The Estate", {"": ()})) == {""}, (
        "no clinic is made of a school"
    )


def test_a_missing_link_is_an_option_where_the_walk_is_a_detour() -> None:
    # i, 200 m north of Main Street, walks 600 m to the gate, 200 m down and 800 m back to the clinic
    coverage = toy()

    ideas = find_options(
        coverage, find_gaps(coverage), TABLE, candidates=spots((0, 0), kind=["公园"]), links=2
    )

    links = ideas.options[ideas.options["option"] == "link"]
    assert set(links["service"]) <= {"clinic", "kindergarten"}
    assert (links["residents_of_gap"] > 0).all()
    assert not links["checked"].any()


def test_what_it_costs() -> None:
    # a listed cost goes before the table; the table's two parts add up; what is missing stays missing
    measures = dict(TABLE.measures)
    measures["build"] = Measure(TABLE.measures["build"].sites, {"elderly_care": 100.0}, {"": 0.5}, 6.0)
    table = dataclasses.replace(TABLE, measures=measures)
    candidates = spots(
        (300, 0), (700, -300), (1900, 200),
        kind=["闲置用地"] * 3, cost=[30.0, None, None], area_m2=[400.0, 400.0, None],
    )  # fmt: skip

    options = find(toy(), candidates, table).options
    cost = options[(options["service"] == "elderly_care") & (options["option"] == "build")]
    by_place = cost.drop_duplicates("place_id").set_index("place_id")["cost"]

    assert by_place["S0001"] == 30
    assert by_place["S0002"] == 300
    assert by_place.isna()["S0003"], "a cost per square metre of a site of unknown size"
    assert set(cost["months"]) == {6}


# ---------------------------------------------------------------------- the planner's table


def table_file(folder: Path, text: str) -> Path:
    path = folder / "measures.toml"
    path.write_text(f'cost_unit = "万元"\n[phases]\nnear = 0.5\nmedium = 0.8\n{text}', encoding="utf-8")
    return path


def test_the_table_that_comes_along_knows_no_cost() -> None:
    assert all(not (one.cost or one.cost_per) for one in TABLE.measures.values())
    assert TABLE.cost_unit == "万元"
    assert TABLE.measures_at("市属公房") == ("swap", "convert")
    assert TABLE.measures_at("Idle Land") == ("build",)
    assert TABLE.measures_at("") == ()


def test_empty_is_not_nought(tmp_path: Path) -> None:
    table = load_measures(
        table_file(tmp_path, '[build]\ncost = { clinic = 0, kindergarten = "" }\ncost_per = ""\n')
    )

    assert table.measures["build"].cost_of("clinic", 100.0) == 0
    assert np.isnan(table.measures["build"].cost_of("kindergarten", 100.0))
    assert np.isnan(table.measures["build"].months)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[build]\ncost = -1", "-1"),
        ("[build]\ncost = nan", "nan"),
        ('[build]\ncost = "much"', "'much'"),
        ("[build]\ncost = { casino = 3 }", "casino"),
        ("[build]\nprice = 3", "price"),
        ('[convert_from]\nclinic = ["casino"]', "casino"),
        ('[convert_from]\ncasino = ["clinic"]', "casino"),
        ("[demolish]\ncost = 1", "demolish"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        load_measures(table_file(tmp_path, text))


def test_phases_are_in_order() -> None:
    with pytest.raises(DataError, match="near before medium"):
        MeasureTable({}, "万元", phases=(0.8, 0.5))
