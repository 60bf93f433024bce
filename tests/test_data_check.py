"""Does the check find what is wrong with the data, and does a planner get to read it?"""

import csv
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from commands import run_here
from hypothesis import given
from hypothesis import strategies as st
from test_read_city import EAST, WEST, write_csv, write_layer, write_osm
from toy_town import (
    COMMUNITIES,
    DATA_AREA,
    FACILITIES,
    HOMES,
    NAN,
    STREETS,
    boxes,
    layer,
    streets,
    toy_facilities,
    toy_homes,
    toy_town,
)

from lifecircle.city import City
from lifecircle.data_check import SHOWN, TOPICS, alike, check_city
from lifecircle.messages import say
from lifecircle.render.check_page import check_lines, check_page, save_check


def row(city: City, item: str, max_snap_m: float = 200) -> dict[str, Any]:
    findings = check_city(city, max_snap_m=max_snap_m)
    (found,) = findings[findings["item"] == f"check.{item}"].to_dict("records")
    return found


def areas(*bounds: tuple[float, ...]) -> gpd.GeoDataFrame:
    names = [f"c{number}" for number in range(len(bounds))]
    return layer(boxes(bounds), community_id=names, community=names, population=NAN)


def test_topics_stand_in_their_order_and_every_item_can_be_said() -> None:
    findings = check_city(toy_town())
    assert list(dict.fromkeys(findings["topic"])) == [topic for topic in TOPICS if topic != "read"]
    for item in findings["item"]:
        assert say(item, "en") != say(item, "zh")


def test_distances_to_the_street() -> None:
    # a 30, b 0, c 0, d 280 (beyond 200), e to j 0; K 0, C 20, S 0
    homes = {word: row(toy_town(), f"snap_homes_{word}") for word in ("median", "p95", "max", "beyond")}
    assert homes["median"]["value"] == 0
    assert homes["p95"]["value"] == pytest.approx(30 + 0.55 * 250)  # of ten, between the last two
    assert homes["max"]["value"] == 280
    assert homes["max"]["unit"] == "m"
    assert (homes["beyond"]["value"], homes["beyond"]["detail"]) == (1, "200 m")
    (shown,) = homes["beyond"]["examples"]
    assert shown.startswith("c-north (117.")
    assert shown.endswith("; 280 m)")
    assert row(toy_town(), "snap_homes_beyond", max_snap_m=300)["value"] == 0
    assert row(toy_town(), "snap_facilities_max")["value"] == 20
    assert row(toy_town(), "snap_facilities_beyond", max_snap_m=10)["examples"][0].startswith("Main Clinic (")


def test_facilities_that_may_be_listed_twice() -> None:
    more = [
        ("K2", "old kindergarten", "kindergarten", (100.0, 29.0)),  # 29 m from K, the same name
        ("K3", "Old Kindergarten", "kindergarten", (130.0, 29.0)),  # 42 m from K, 30 m from K2
        ("C2", "Main Clinic", "elderly_care", (1100.0, 20.0)),  # another service
        ("C3", "Sunflower", "clinic", (1100.0, 25.0)),  # another name
        ("S2", "", "clinic", (0.0, -305.0)),  # no name at all
    ]
    found = row(toy_town(facilities=toy_facilities([*FACILITIES, *more])), "duplicates")
    assert found["value"] == 3
    assert found["examples"] == (
        "Old Kindergarten / old kindergarten (29 m)",
        "South Surgery / – (5 m)",
        "old kindergarten / Old Kindergarten (30 m)",
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("莲都区实验幼儿园", "实验幼儿园", True),
        ("示例幼儿园（总园）", "示例幼儿园", True),
        ("第一幼儿园", "第二幼儿园", False),
        ("幼儿园01", "幼儿园02", False),
        ("Clinic A", "CLINIC  a", True),
        ("阳光养老院", "白云卫生站", False),
        ("", "白云卫生站", True),
    ],
)
def test_names_that_may_be_of_one_place(one: str, other: str, expected: bool) -> None:
    assert alike(one, other) is alike(other, one) is expected


@given(st.text(max_size=8))
def test_every_name_is_like_itself(name: str) -> None:
    assert alike(name, name)


def test_facilities_outside_the_communities_and_the_streets() -> None:
    more = [("X", "", "clinic", (-100.0, 0.0)), ("Y", "Far Clinic", "clinic", (2100.0, 0.0))]
    city = toy_town(facilities=toy_facilities([*FACILITIES, *more]))
    outside = row(city, "outside_communities")
    # the farthest first; one without a name by its id. 2100 is 100 m from the estate and from the data's end
    assert outside["value"] == 2
    assert sorted(outside["examples"]) == ["Far Clinic (100 m)", "X (100 m)"]
    assert row(city, "outside_data")["examples"] == ("Far Clinic (100 m)",)
    findings = check_city(toy_town(boundary=None))
    assert "check.outside_data" not in set(findings["item"])


def test_density_of_streets_against_the_standard() -> None:
    # Main Street 1900 m, of the bridge 150 m in c-north and 40 m in c-south, South Street 2000 m, Gate
    # Lane 200 m; on 540,000 + 400,000 + 480,000 m2
    roads = row(toy_town(), "density_roads")
    assert (roads["value"], roads["unit"]) == (round(1000 * 4290 / 1_420_000, 2), "km/km2")
    # the estate path, private, is a way but no public road
    assert row(toy_town(), "density_ways")["value"] == round(1000 * 4890 / 1_420_000, 2)
    short = row(toy_town(), "density_short")
    assert short["value"] == 3
    # the sparsest first: 700 + 200 m on 0.48 km2, 1200 + 150 on 0.54, 2000 + 40 on 0.40
    assert short["examples"] == ("The Estate 1.9", "North Bank 2.5", "South Bank 5.1")


def test_islands_are_counted_the_longest_first() -> None:
    assert row(toy_town(), "islands")["value"] == 0
    alone = [("Isle", [(100, 100), (200, 100), (200, 150)], ""), ("Islet", [(500, 100), (540, 100)], "")]
    city = toy_town(network=streets([*STREETS, *alone], DATA_AREA))
    found = row(city, "islands")
    assert (found["value"], found["detail"]) == (2, "0.2 km")
    assert [text.rsplit("(", 1)[1] for text in found["examples"]] == ["150 m)", "40 m)"]


def test_communities_that_overlap_or_leave_holes() -> None:
    none = row(toy_town(), "overlaps")
    assert (none["value"], none["detail"], none["examples"]) == (0, "0 m2", ())
    # c0 and c1 share 100 x 300; the four leave a hole of 300 x 100 in their middle
    ring = areas(
        (0, 0, 500, 300), (400, 0, 1000, 300), (0, 300, 350, 400), (650, 300, 1000, 400), (0, 400, 1000, 600)
    )
    city = toy_town(communities=ring, homes=toy_homes([("a", "c0", (300.0, 30.0), 1.0)]))
    overlap = row(city, "overlaps")
    assert (overlap["value"], overlap["examples"]) == (1, ("c0 + c1 (30000 m2)",))
    hole = row(city, "holes")
    assert (hole["value"], hole["detail"]) == (1, "30000 m2")
    assert hole["examples"][0].endswith("(30000 m2)")


def test_only_the_first_ten_are_shown() -> None:
    many = [(f"f{number}", f"Clinic {number}", "clinic", (-100.0, 0.0)) for number in range(15)]
    found = row(toy_town(facilities=toy_facilities([*FACILITIES, *many])), "outside_communities")
    assert found["value"] == 15
    assert len(found["examples"]) == SHOWN == 10


def test_names_are_shown_file_by_file() -> None:
    findings = check_city(toy_town())
    names = findings[findings["item"] == "check.names"]
    assert names["detail"].to_list() == ["communities", "toy"]
    assert names["examples"].to_list()[1] == tuple(name for _, name, *_ in FACILITIES)


def test_homes_by_kind_and_communities_without_them_or_a_population() -> None:
    homes = toy_homes([*HOMES, ("z", "c-empty", (2500.0, 0.0), 0.0)])
    homes.loc["z", "kind"] = "none"
    communities = pd.concat(
        [
            toy_town().communities,
            layer(
                boxes([(2400, -50, 2600, 50)]), community_id=["c-empty"], community=["Moor"], population=5.0
            ),
        ],
        ignore_index=True,
    )
    city = toy_town(homes=homes, communities=communities)
    assert row(city, "homes_list")["value"] == 10
    assert row(city, "homes_none")["value"] == 1
    homes.loc["a", "kind"] = "grid"
    on_a_grid = toy_town(homes=homes, communities=communities)
    page = check_page(on_a_grid, check_city(on_a_grid), "en")
    assert all(say(f"check.homes_{kind}", "en") in page for kind in ("grid", "list", "none"))
    assert row(city, "communities_without_homes")["examples"] == ("Moor",)
    missing = row(city, "communities_without_population")
    assert missing["examples"] == tuple(name for _, name, _ in COMMUNITIES)


def test_a_city_without_facilities_is_checked_too() -> None:
    empty = toy_town().facilities.iloc[:0]
    findings = check_city(toy_town(facilities=empty))
    assert row(toy_town(facilities=empty), "duplicates")["value"] == 0
    assert "check.snap_facilities_median" not in set(findings["item"])


def test_what_was_read_is_told_once(tmp_path: Path) -> None:
    city = read_small(tmp_path)
    findings = check_city(city)
    read = findings[findings["topic"] == "read"]
    said = {(item, detail) for item, detail in zip(read["item"], read["detail"], strict=True)}
    assert ("tables.rows_read", "list.csv") in said
    assert ("tables.rows_unrecognised", "list.csv: 公司企业 (示例公司)") in said
    assert ("tables.rows_without_coordinates", "list.csv: 4") in said
    # what is found with names is not told twice
    assert not {"tables.rows_outside", "city.facilities_off_network"} & set(findings["item"])
    outside = findings.set_index("item").loc["city.homes_outside"]
    assert (outside["topic"], outside["value"]) == ("homes", 1)
    assert outside["detail"] == "119.94000, 28.45000"


def read_small(folder: Path) -> City:
    from lifecircle.sources.read_city import read_city

    return read_city(**small_files(folder))


def small_files(folder: Path) -> dict[str, Any]:
    """Write a small city with a row of every sort that a list may hold."""
    rows = [
        "实验幼儿园,119.9095,28.4501,幼儿园",
        "示例公司,119.9094,28.4502,公司企业",
        "没有坐标,,,幼儿园",
        "远处幼儿园,119.9150,28.4500,幼儿园",
    ]
    return {
        "osm": write_osm(folder / "streets.osm"),
        "communities": write_layer(folder / "communities.gpkg", [WEST, EAST]),
        "facilities": write_csv(folder / "list.csv", "名称,经度,纬度,类别\n" + "\n".join(rows)),
        "homes": write_csv(
            folder / "homes.csv", "经度,纬度,人口\n119.9010,28.4501,7\n119.9090,28.4501,9\n119.94,28.45,1\n"
        ),
    }


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_and_the_terminal_say_every_figure_and_that_a_city_is_invented(lang: str) -> None:
    city = toy_town(data="synthetic sample")
    findings = check_city(city)
    page, lines = check_page(city, findings, lang), check_lines(city, findings, lang)
    assert say("report.sample", lang) in page.replace("\\", "")
    assert lines[1] == say("report.sample", lang)
    assert say("report.sample", lang) not in check_lines(toy_town(), findings, lang)
    for item in findings["item"]:
        assert any(say(item, lang) in line for line in lines)
    for topic in findings["topic"].unique():
        assert f"## {say(f'check.topic_{topic}', lang)}" in page
    assert page.count("\n- ") == len(findings)
    assert page.count("\n  - ") == sum(map(len, findings["examples"]))
    assert say("check.about", lang)[:10] in page


def test_names_from_files_do_no_harm(tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0 <img src=x> \x1b[31m"
    city = toy_town(facilities=toy_facilities([("K", evil, "kindergarten", (-50.0, 0.0))]))
    findings = check_city(city)
    page, _ = save_check(city, findings, tmp_path / "out", lang="en")
    text = page.read_text(encoding="utf-8")
    assert "<img" not in text
    assert "\x1b" not in text + "".join(check_lines(city, findings, "en"))
    with (tmp_path / "out" / "check.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


# ---------------------------------------------------------------------- the command


def words_of(files: dict[str, Any]) -> list[str]:
    return [word for option, path in files.items() for word in (f"--{option}", str(path))]


def test_check_of_plain_files_prints_and_writes(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = small_files(elsewhere)
    assert run_here("check", *words_of(files)) == 0
    out, err = capsys.readouterr()
    folder = elsewhere / "outputs" / "streets-check"
    assert out.splitlines()[-2:] == [str(folder / "check.md"), str(folder / "check.csv")]
    assert "streets数据检查" in out  # the language of the place, unless told
    assert "示例公司" in out
    assert "[5/5]" in err
    table = pd.read_csv(folder / "check.csv", keep_default_na=False)
    assert list(table.columns[:6]) == ["topic", "item", "value", "unit", "detail", "label"]
    assert set(table["data"]) == {"real"}
    assert table.set_index("item").loc["check.outside_communities", "example_01"] == "远处幼儿园 (392 m)"
    first = (folder / "check.csv").read_bytes()

    assert run_here("check", *words_of(files), "--lang", "en") == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "check.csv").read_bytes() == first
    assert run_here("check", *words_of(files), "--lang", "en", "--overwrite") == 0
    assert "streets: check of the data" in capsys.readouterr().out
    assert run_here("check", *words_of(files), "--lang", "en", "--out", "here", "--max-snap", "20") == 0
    assert "(20 m)" in capsys.readouterr().out
    assert (elsewhere / "here" / "check.md").is_file()


def test_check_of_the_bundled_city_says_that_it_is_invented(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("check", "--city", "lishui") == 0
    out, _ = capsys.readouterr()
    assert out.splitlines()[:2] == ["丽水数据检查", say("report.sample", "zh")]
    folder = elsewhere / "outputs" / "lishui-check"
    assert say("report.sample", "zh") in (folder / "check.md").read_text(encoding="utf-8")
    assert set(pd.read_csv(folder / "check.csv")["data"]) == {"synthetic sample"}


def test_check_names_the_trouble_of_every_file(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {key: str(path) for key, path in small_files(elsewhere).items()}
    broken = elsewhere / "broken.xlsx"
    broken.write_bytes(b"no workbook")
    untold = write_csv(elsewhere / "untold.csv", "经度,纬度\n119.9,28.45\n")
    points = write_csv(elsewhere / "points.geojson", '{"type": "Point", "coordinates": [119.9, 28.45]}')
    words = words_of(files | {"homes": "none.csv", "barriers": points, "population": broken})
    words += ["--facilities", str(broken), "--facilities", str(untold), "--levels", str(points)]
    assert run_here("check", *words, "--lang", "en") == 1
    out, err = capsys.readouterr()
    assert out == ""
    told = [line for line in err.splitlines() if line.startswith("Error: ")]
    named = [next(name for name in ("none", "broken", "untold", "points") if name in line) for line in told]
    assert sorted(named) == ["broken", "broken", "none", "points", "points", "untold"]
    assert not (elsewhere / "outputs").exists()

    # Streets that cannot be read hide nothing of the rest.
    streets = write_csv(elsewhere / "streets.osm", "<osm")
    words = words_of(files | {"osm": streets, "homes": "none.csv", "facilities": untold})
    assert run_here("check", *words, "--lang", "zh") == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert [next(name for name in ("none", "untold", "streets") if name in line) for line in told] == [
        "none",
        "streets",
        "untold",
    ]


def test_what_is_wrong_with_no_file_alone_is_told_last(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = small_files(elsewhere)
    (west, columns), far = WEST, (10.0, 50.0, 10.1, 50.1)
    write_layer(files["communities"], [(far, columns)])
    assert run_here("check", *words_of(files), "--lang", "en") == 1
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(west) == 4
    assert "list.csv" in told[0]
    assert "communities.gpkg" in told[-1]


def test_check_of_wrong_data_is_one_line_and_code_1(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = small_files(elsewhere) | {"homes": elsewhere / "none.csv"}
    assert run_here("check", *words_of(files)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "none.csv" in err.splitlines()[-1]
    assert not (elsewhere / "outputs").exists()
    assert run_here("check") == 2
    assert run_here("check", "--city", "atlantis") == 1
