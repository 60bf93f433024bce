"""Does a comparison tell what changed between two runs, and nothing else?"""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from toy_town import CORNER, FACILITIES, HOMES, STANDARD, toy_homes, toy_town
from two_runs import LATER, measured, rewritten, saved, town

from lifecircle.errors import FileError
from lifecircle.render.compare import CHANGES, FILES, Comparison, compare_runs
from lifecircle.render.folder import digests


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(town(), tmp_path_factory.mktemp("runs") / "toy-2024")


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(town(LATER), tmp_path_factory.mktemp("runs") / "toy-2025")


@pytest.fixture(scope="module")
def comparison(before: Path, after: Path) -> Comparison:
    return compare_runs(before, after)


# ---------------------------------------------------------------------- the table


def test_the_table_is_the_difference_of_two_measurements(comparison: Comparison) -> None:
    keys = ["community_id", "service", "threshold_minutes"]
    then, now = (
        report.tables["communities"].set_index(keys).sort_index()
        for report in (measured(town()), measured(town(LATER)))
    )
    table = comparison.table.set_index(keys).sort_index()
    assert table.index.equals(now.index)
    for when, run in (("before", then), ("after", now)):
        np.testing.assert_allclose(table[f"residents_covered_{when}"], run["residents_covered"], atol=1e-3)
        np.testing.assert_allclose(table[f"share_covered_{when}"], run["share_covered"], atol=1e-4)
    change = table["residents_gained"] - table["residents_lost"] + table["residents_otherwise"]
    np.testing.assert_allclose(change, now["residents_covered"] - then["residents_covered"], atol=1e-3)
    np.testing.assert_allclose(
        table["change_points"], 100 * (now["share_covered"] - then["share_covered"]), atol=1e-2
    )
    assert (table["residents_otherwise"] == 0).all()
    assert set(table["denominator"]) == {"residents"}


def test_gained_and_lost_stand_apart(comparison: Comparison) -> None:
    rows = comparison.table.query("community_id == 'c-north' and service == 'kindergarten'")
    ten = rows[rows["threshold_minutes"] == 10].iloc[0]
    # a (300, 30) is 230 m from the old kindergarten and 430 m from the new one: both within 540 m
    assert ten[["residents_gained", "residents_lost"]].tolist() == [
        57.0,
        0.0,
    ]  # b and c, 210 m from the new one
    surgery = comparison.table.query("community_id == 'c-south' and service == 'clinic'")
    assert surgery["residents_gained"].tolist() == [0.0, 0.0]
    assert surgery["residents_lost"].tolist() == [120.0, 120.0]  # e and f


def test_communities_add_up_to_the_city(comparison: Comparison) -> None:
    table = comparison.table.set_index("community_id")
    whole = table.loc[[""]]
    for column in ("residents_gained", "residents_lost", "residents_covered_after", "facilities_added"):
        parts = table.drop(index="").groupby(["service", "threshold_minutes"], sort=False)[column].sum()
        np.testing.assert_allclose(parts, whole[column])


def test_nothing_changes_between_a_run_and_itself(before: Path) -> None:
    same = compare_runs(before, before)
    moved = [
        "residents_gained",
        "residents_lost",
        "residents_otherwise",
        "facilities_added",
        "facilities_removed",
    ]
    assert (same.table[moved] == 0).all(axis=None)
    assert (same.table["change_points"].dropna() == 0).all()
    assert set(same.facilities["change"]) == {"kept"}
    assert set(same.changes["change"]) == {"still"}
    assert "Nobody gained or lost cover." in same.finding()
    assert "No facility was added or removed." in same.finding()


def test_new_homes_are_neither_gained_nor_lost(before: Path, tmp_path: Path) -> None:
    grown = toy_homes([*HOMES, ("k", "c-north", (150, 0), 1000), ("l", "c-north", (300, 30), 9)])
    later = compare_runs(before, saved(town(homes=grown), tmp_path / "later"))
    rows = later.table.query("community_id == 'c-north' and service == 'kindergarten'")
    assert (rows[["residents_gained", "residents_lost"]] == 0).all(axis=None)
    assert rows["residents_otherwise"].tolist() == [1009.0, 1009.0]
    assert any("+1,009 residents are homes built" in sentence for sentence in later.finding())


def test_another_coordinate_system_changes_nothing(
    comparison: Comparison, after: Path, tmp_path: Path
) -> None:
    moved = rewritten(after, tmp_path / "moved", lambda _, frame: frame.to_crs(4549))
    other = compare_runs(comparison.before.folder, moved)
    counts = [column for column in other.table.select_dtypes("number") if "facilities" not in column]
    np.testing.assert_allclose(other.table[counts], comparison.table[counts], atol=1e-6)
    assert other.changes.drop(columns=["geometry", "area_m2"]).equals(
        comparison.changes.drop(columns=["geometry", "area_m2"])
    )
    # the projections differ by 0.3 % in area
    np.testing.assert_allclose(other.changes["area_m2"], comparison.changes["area_m2"], rtol=5e-3)


def test_a_community_in_one_run_alone_is_told(before: Path, after: Path, tmp_path: Path) -> None:
    def without(layer: str, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame[frame["community_id"] != "c-south"] if layer != "facilities" else frame

    fewer = rewritten(after, tmp_path / "fewer", without)
    table = pd.read_csv(fewer / "communities.csv", encoding="utf-8-sig")
    table[table["community_id"] != "c-south"].to_csv(fewer / "communities.csv", index=False)
    for runs in ((before, fewer), (fewer, before)):
        compared = compare_runs(*runs)
        rows = compared.table[compared.table["community_id"] == "c-south"]
        assert len(rows) == 6
        assert rows["change_points"].isna().all()
        assert rows["community"].eq("South Bank").all()
        compared.save(tmp_path / "out", overwrite=True)
        assert "South Bank" in (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")


# ---------------------------------------------------------------------- facilities and gaps


def test_facilities_come_and_go(comparison: Comparison) -> None:
    changes = comparison.facilities.set_index("name")["change"].to_dict()
    assert changes == {
        "New Kindergarten": "added",
        "Main Clinic": "kept",
        "Day Care": "added",
        "Old Kindergarten": "removed",
        "South Surgery": "removed",
    }
    rows = comparison.table.query("threshold_minutes == 10").set_index(["community_id", "service"])
    assert rows.loc[("c-north", "kindergarten"), ["facilities_added", "facilities_removed"]].tolist() == [
        1,
        1,
    ]
    assert rows.loc[("c-estate", "elderly_care"), "facilities_added"] == 1
    assert rows.loc[("", "clinic"), ["facilities_added", "facilities_removed"]].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("facility", "changes"),
    [
        (("K", "Old Kindergarten", "kindergarten", (140, 0)), ["kept"]),
        (("K9", "Old Kindergarten", "kindergarten", (140, 0)), ["kept"]),
        (("K", "Renamed", "kindergarten", (100, 0)), ["kept"]),
        (("K", "Old Kindergarten", "kindergarten", (160, 0)), ["added", "removed"]),
        (("K9", "Renamed", "kindergarten", (100, 0)), ["added", "removed"]),
        (("K", "Old Kindergarten", "clinic", (100, 0)), ["added", "removed"]),
    ],
    ids=["40 m", "other id", "renamed", "60 m", "another", "other service"],
)
def test_which_facility_is_the_same(
    before: Path, tmp_path: Path, facility: tuple[Any, ...], changes: list[str]
) -> None:
    later = saved(town([facility, *FACILITIES[1:]]), tmp_path / "later")
    found = compare_runs(before, later).facilities
    assert found[found["name"].isin(["Old Kindergarten", "Renamed"])]["change"].tolist() == changes
    assert found.set_index("name").loc["Main Clinic", "change"] == "kept"


def test_gaps_are_parted_into_gone_new_and_kept(comparison: Comparison) -> None:
    then, now = (
        gpd.read_file(run.folder / "gaps.gpkg", layer="gaps") for run in (comparison.before, comparison.after)
    )
    parts = comparison.changes.set_index(["service", "threshold_minutes", "change"]).geometry
    seen = set()
    for service, threshold in ((one.id, limit.value) for one, limit in STANDARD.pairs):
        gained, lost, still = (
            parts.get((service, threshold, change), shapely.MultiPolygon()) for change in CHANGES
        )
        for run, with_these in ((then, (gained, still)), (now, (lost, still))):
            rows = run[(run["service"] == service) & (run["threshold_minutes"] == threshold)]
            whole = shapely.union_all(rows.geometry.to_numpy())
            assert shapely.union_all(with_these).symmetric_difference(whole).area < 1
        assert gained.intersection(lost).area == 0
        assert gained.intersection(still).area < 1e-6
        seen |= {name for name, shape in zip(CHANGES, (gained, lost, still), strict=True) if shape.area}
    assert seen == set(CHANGES)
    at_surgery = shapely.Point(CORNER[0] + 200, CORNER[1] - 300)  # home f
    assert parts["clinic", 15.0, "lost"].buffer(1).intersects(at_surgery)


# ---------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", [
            "Covered within 15 minutes: kindergarten",
            "clinic: 0 residents gained cover, 120 residents lost it.",
            "Most lost in South Bank: 120 residents (clinic).",
            "Facilities added: 1 kindergarten, 1 elderly_care.",
            "Facilities removed: 1 kindergarten, 1 clinic.",
        ]),
        ("zh", [
            "步行 15 分钟覆盖率（按居民人数）：kindergarten", "clinic：0 人新获覆盖，120 人失去覆盖。",
            "失去覆盖最多的是South Bank：120 人（clinic）。",
            "新增设施：kindergarten 1 处、elderly_care 1 处。",
        ]),
    ],
)  # fmt: skip
def test_the_paragraph_tells_the_figures(before: Path, after: Path, lang: str, expected: list[str]) -> None:
    compared = compare_runs(before, after, lang=lang)
    said = "\n".join(compared.finding())
    for text in expected:
        assert text in said
    row = compared.table.query("community_id == '' and service == 'elderly_care' and threshold_minutes == 15")
    assert f"0.0% → {row['share_covered_after'].iloc[0]:.1%}" in said


def test_a_change_of_what_is_known_is_told(before: Path, tmp_path: Path) -> None:
    wider = saved(town(boundary=None, network=toy_town().network), tmp_path / "wider")
    table = pd.read_csv(wider / "communities.csv", encoding="utf-8-sig", keep_default_na=False)
    table["share_unknown"] = 0.25
    table.to_csv(wider / "communities.csv", index=False, encoding="utf-8-sig")
    said = compare_runs(before, wider).finding()[-1]
    assert said.startswith("What is known changed as well")
    assert "→ 25.0%" in said


def test_a_sample_says_so_and_a_real_city_does_not(comparison: Comparison, tmp_path: Path) -> None:
    runs = [saved(town(data="synthetic sample"), tmp_path / name) for name in ("one", "two")]
    sample = compare_runs(*runs).save(tmp_path / "sample")
    real = comparison.save(tmp_path / "real")
    for name in ("compare.md", "compare.html"):
        assert "Synthetic sample: this city" in sample[name].read_text(encoding="utf-8")
        assert "Synthetic sample" not in real[name].read_text(encoding="utf-8")
    assert set(pd.read_csv(sample["compare.csv"])["data"]) == {"synthetic sample"}
    assert "OpenStreetMap contributors" in real["compare.md"].read_text(encoding="utf-8")
    assert "OpenStreetMap contributors" not in sample["compare.md"].read_text(encoding="utf-8")


def test_the_files_say_the_same(comparison: Comparison, tmp_path: Path) -> None:
    paths = comparison.save(tmp_path / "out")
    assert tuple(paths) == FILES
    assert paths["compare.csv"].read_bytes().startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(paths["compare.csv"], keep_default_na=False, na_values=[""])
    numbers = comparison.table.select_dtypes("number").columns
    np.testing.assert_allclose(read[numbers], comparison.table[numbers], atol=5e-5)
    page = paths["compare.md"].read_text(encoding="utf-8")
    row = comparison.table.query("community_id == 'c-south' and service == 'clinic'").iloc[-1]
    assert f"| South Bank | clinic | 15 min | {row['share_covered_before']:.1%} |" in page
    record = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert record["files"] == {name: digests(tmp_path / "out")[name] for name in sorted(FILES)}


def test_a_comparison_is_written_whole_or_not_at_all(comparison: Comparison, tmp_path: Path) -> None:
    comparison.save(tmp_path / "out")
    with pytest.raises(FileError):
        comparison.save(tmp_path / "out")
    comparison.save(tmp_path / "out", overwrite=True)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileError, match=r"notes\.txt"):
        comparison.save(tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
