"""Is a finished run read back, and refused where it is broken or counts differently?"""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from toy_town import HOMES, STANDARD, toy_homes, toy_town
from two_runs import copied, rewritten, saved, town

from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError, FileError
from lifecircle.gaps import find_gaps
from lifecircle.render.compare import compare_runs
from lifecircle.render.past_run import check_comparable, run_of


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(town(), tmp_path_factory.mktemp("runs") / "toy-2024")


def with_pace(record: dict[str, Any]) -> dict[str, Any]:
    services = [dict(service) for service in record["standard"]["services"]]
    services[1]["pace_mps"] = 1.3
    return record["standard"] | {"services": services}


def with_walker(record: dict[str, Any]) -> dict[str, Any]:
    services = [dict(service) for service in record["standard"]["services"]]
    services[1]["walker"] = {"avoid": ["steps"], "max_slope": 0.08}
    return record["standard"] | {"services": services}


def with_limits(record: dict[str, Any]) -> dict[str, Any]:
    limits = [{"value": value, "unit": "m", "source": "x", "grade": "V"} for value in (5, 20)]
    *others, clinic = record["standard"]["services"]
    return record["standard"] | {"services": [*others, clinic | {"limits": limits}]}


DIFFERENCES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], list[str]]] = {
    "city": (lambda _: {"city": {"zh": "别处", "en": "Elsewhere"}}, ["Toy Town", "Elsewhere", "no figure"]),
    "data": (lambda _: {"data": "synthetic sample"}, ["real", "synthetic sample", "none of their figures"]),
    "measure": (lambda _: {"measure": "home_places"}, ["residents", "home_places", "amounts and shares"]),
    "standard": (lambda r: {"standard": r["standard"] | {"id": "mine"}}, ["toy", "mine", "coverage"]),
    "limits": (
        lambda r: {"standard": with_limits(r)},
        ["10, 15 min in toy-2024", "5, 20 m in other", "clinic has", "gaps"],
    ),
    "services": (
        lambda r: {"standard": r["standard"] | {"services": r["standard"]["services"][:2]}},
        ["kindergarten, elderly_care, clinic", "kindergarten, elderly_care", "nothing to compare"],
    ),
    "pace": (
        lambda r: {"standard": with_pace(r)},
        ["0.8 m/s", "1.3 m/s", "elderly_care", "minutes and shares"],
    ),
    "walker": (
        lambda r: {"standard": with_walker(r)},
        ["steps_factor = 1, to_facility in toy-2024", "avoid steps, max_slope = 0.08", "elderly_care"],
    ),
    "elevation": (
        lambda r: {
            "inputs": [*r["inputs"], {"role": "elevation", "path": "d/dem.tif", "sha256": "0123456789"}]
        },
        ["by - in toy-2024", "dem.tif (01234567)", "--elevation", "minutes cannot be compared"],
    ),
    "trip": (
        lambda _: {"round_trip": True},
        ["counted one way", "--round-trip", "minutes cannot be compared"],
    ),
    "snap": (
        lambda r: {"settings": r["settings"] | {"max_snap_m": 50}},
        ["200 m", "50 m", "far from streets"],
    ),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_runs_that_count_differently_are_refused(before: Path, tmp_path: Path, what: str) -> None:
    change, expected = DIFFERENCES[what]
    record = json.loads((before / "run.json").read_text(encoding="utf-8"))
    other = copied(before, tmp_path / "other", **change(record))
    if what == "measure":
        table = pd.read_csv(other / "communities.csv", encoding="utf-8-sig", keep_default_na=False)
        table.columns = table.columns.str.replace("residents", "home_places")
        table["denominator"] = "home_places"
        table.to_csv(other / "communities.csv", index=False, encoding="utf-8-sig")
    with pytest.raises(DataError) as caught:
        compare_runs(before, other)
    assert caught.value.key == f"compare.other_{what}"
    for text in ["toy-2024", "other", *expected]:
        assert text in str(caught.value)
    assert "不" in caught.value.in_language("zh") or "无从" in caught.value.in_language("zh")


@pytest.mark.parametrize("name", ["run.json", "communities.csv", "gaps.gpkg"])
def test_a_run_with_a_file_missing_is_refused(before: Path, tmp_path: Path, name: str) -> None:
    broken = copied(before, tmp_path / "broken")
    (broken / name).unlink()
    with pytest.raises(FileError, match=name):
        compare_runs(before, broken)
    with pytest.raises(FileError, match=r"run\.json"):
        compare_runs(tmp_path / "nowhere", before)


@pytest.mark.parametrize(
    ("name", "old", "new", "field"),
    [
        ("run.json", '"measure": "residents"', '"measure": "sheep"', "measure"),
        ("run.json", '"pace_mps": 0.9', '"pace_mps": "fast"', "pace_mps"),
        ("run.json", '"made_at"', '"made"', "made_at"),
        ("run.json", "{", "[", "JSON"),
        ("communities.csv", "residents_covered", "covered", "residents_covered"),
        ("communities.csv", "clinic,10.0,,residents,1", "clinic,10.0,,residents,x", "residents"),
        ("communities.csv", "c-south,South Bank", "c-north,North Bank", "community_id"),
        ("gaps.gpkg", "", "nothing", "gaps"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_is_refused(
    before: Path, tmp_path: Path, name: str, old: str, new: str, field: str
) -> None:
    broken = copied(before, tmp_path / "broken")
    text = (broken / name).read_text(encoding="utf-8") if old else ""
    assert old in text
    (broken / name).write_text(text.replace(old, new) if old else new, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(name)) as caught:
        compare_runs(broken, before)
    assert field in str(caught.value)


def test_a_layer_without_its_columns_is_refused(before: Path, tmp_path: Path) -> None:
    for layer, column in (("homes", "clinic"), ("facilities", "service"), ("gaps", "threshold_minutes")):

        def without(
            name: str, frame: gpd.GeoDataFrame, layer: str = layer, column: str = column
        ) -> gpd.GeoDataFrame:
            return frame.drop(columns=column) if name == layer else frame

        with pytest.raises(DataError, match=column):
            compare_runs(rewritten(before, tmp_path / layer, without), before)


def test_runs_that_count_other_people_for_a_service_are_refused() -> None:
    children = dataclasses.replace(STANDARD.services[0], ages="3-6")
    standard = dataclasses.replace(STANDARD, services=(children, *STANDARD.services[1:]))
    homes = toy_homes(HOMES)
    known = toy_town(homes=homes.assign(residents_3_6=homes["residents"] / 10))
    runs = []
    for name, city in (("everybody", toy_town()), ("children", known)):
        coverage = measure_coverage(city, standard)
        runs.append(run_of(coverage, find_gaps(coverage), name))
    with pytest.raises(DataError, match="kindergarten") as caught:
        check_comparable(*runs)
    assert caught.value.key == "compare.other_denominator"
    assert "residents_3_6" in caught.value.in_language("zh")
