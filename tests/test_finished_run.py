"""Does a finished run give back exactly what was measured, and refuse what is no longer that run?"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from test_read_city import EAST, WEST, write_layer, write_osm
from toy_town import STANDARD, toy_town

from lifecircle import grounds
from lifecircle.analysis import analyze
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.render.kept_walks import write_walks
from lifecircle.report import Report
from lifecircle.scenarios import with_scenarios
from lifecircle.sources.finished_run import read_run
from lifecircle.sources.read_city import read_city
from lifecircle.standard import CHOSEN_BY_USER


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of a small city."""
    folder = tmp_path_factory.mktemp("city") / "数据"
    folder.mkdir()
    write_osm(folder / "streets.osm")
    write_layer(folder / "communities.gpkg", [WEST, EAST])
    list_of_care = "名称,类别,经度,纬度\n夕阳红养老院,养老院,119.9041,28.4539\n"
    (folder / "care.csv").write_text(list_of_care, encoding="gb18030")
    return folder


@pytest.fixture(scope="module")
def report(inputs: Path) -> Report:
    city = read_city(
        osm=inputs / "streets.osm", communities=inputs / "communities.gpkg", facilities=inputs / "care.csv"
    )
    return analyze(city, minutes=[2.5, 15], max_snap_m=150.0, lang="en")


@pytest.fixture(scope="module")
def saved(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.save(tmp_path_factory.mktemp("saved") / "run")["run.json"].parent


@pytest.fixture
def run(saved: Path, tmp_path: Path) -> Path:
    """Return a finished run that a test may spoil."""
    return shutil.copytree(saved, tmp_path / "run")


def record_of(run: Path) -> dict[str, Any]:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert isinstance(record, dict)
    return record


def write_record(run: Path, record: object) -> None:
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")


def forge_walks(run: Path, content: bytes) -> None:
    """Put something else in the place of the walks, and make the record swear to it."""
    (run / "walks.npz").write_bytes(content)
    record = record_of(run)
    record["files"]["walks.npz"] = hashlib.sha256(content).hexdigest()
    write_record(run, record)


def test_what_holds_under_other_assumptions_comes_back(report: Report, run: Path, tmp_path: Path) -> None:
    told = with_scenarios(report.coverage)
    write_walks(told, tmp_path / "walks.npz")
    forge_walks(run, (tmp_path / "walks.npz").read_bytes())
    coverage, _ = read_run(run)
    assert coverage.scenarios.keys() == told.scenarios.keys()
    for name, codes in told.scenarios.items():
        np.testing.assert_array_equal(coverage.scenarios[name], codes)
    pd.testing.assert_series_equal(find_gaps(coverage)["robust"], find_gaps(told)["robust"])
    with np.load(run / "walks.npz") as kept:
        arrays = dict(kept)
    arrays["scenario_pace_slower"][0, 0] = 4  # there is no such code
    forge_walks(run, archive(**arrays))
    with pytest.raises(DataError, match=r"walks\.npz"):
        read_run(run)


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def arrays_of(run: Path) -> dict[str, Any]:
    with np.load(run / "walks.npz") as kept:
        return {name: kept[name] for name in kept.files}


def test_everything_that_was_measured_comes_back_unmeasured(
    run: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> None:
        pytest.fail("walks were measured a second time")

    monkeypatch.setattr(grounds, "metres_to_nearest", measured)
    again, lang = read_run(run)
    before = report.coverage
    assert lang == "en"
    assert again.standard == before.standard
    assert again.max_snap_m == 150.0
    assert again.standard.service("clinic").limits_label("en") == "2.5, 15 min"
    pd.testing.assert_frame_equal(again.by_community(), before.by_community())
    pd.testing.assert_frame_equal(again.totals(), before.totals())
    pd.testing.assert_frame_equal(again.minutes, before.minutes)
    pd.testing.assert_frame_equal(again.cells, before.cells)
    pd.testing.assert_frame_equal(find_gaps(again), report.gaps)
    pd.testing.assert_frame_equal(again.city.quality, before.city.quality)
    assert again.city.inputs == before.city.inputs
    assert again.city.service_sources == before.city.service_sources


def test_walks_there_and_back_come_back_as_such(report: Report, tmp_path: Path) -> None:
    analyze(report.city, minutes=[15], round_trip=True).save(tmp_path / "both")

    again, _ = read_run(tmp_path / "both")

    assert again.round_trip
    assert not report.coverage.round_trip
    known = np.isfinite(report.coverage.walks.metres)
    assert (again.walks.metres[known] == 2 * report.coverage.walks.metres[known]).all()


def test_limits_in_metres_come_back_and_so_do_those_of_older_records(run: Path, report: Report) -> None:
    record = record_of(run)
    *others, clinic = record["standard"]["services"]
    limits = [{"value": 500, "unit": "m", "source": "GB 50180", "grade": "V"}]
    in_metres = {"services": [*others, clinic | {"limits": limits}]}
    write_record(run, record | {"standard": record["standard"] | in_metres})
    again = read_run(run)[0]
    assert again.standard.service("clinic").limits_label("en") == "500 m"
    assert again.totals()["threshold_m"].to_list()[-1] == 500
    # before services had limits of their own, a record held one list of minutes for all
    services = [{key: service[key] for key in service if key != "limits"} for service in [*others, clinic]]
    minutes = {"minutes": [2.5, 15.0], "minutes_source": CHOSEN_BY_USER, "minutes_grade": "M"}
    write_record(run, record | {"standard": record["standard"] | minutes | {"services": services}})
    assert read_run(run)[0].standard == report.standard


def test_the_same_walks_make_the_same_file(run: Path, report: Report, tmp_path: Path) -> None:
    report.save(tmp_path / "again")
    assert (tmp_path / "again" / "walks.npz").read_bytes() == (run / "walks.npz").read_bytes()


def test_a_run_of_relative_paths_is_read_from_anywhere(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    analyze(read_city(osm="streets.osm", communities="communities.gpkg")).save(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert len(read_run("run")[0].city.communities) == 2


def test_a_city_folder_comes_back_with_all_that_its_city_toml_says(inputs: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(inputs, tmp_path / "小城")
    homes = gpd.GeoDataFrame(
        {"residents": [30.0, 20.0]},
        geometry=gpd.points_from_xy([119.9019, 119.9081], [28.4503, 28.4503]),
        crs=4490,
    )
    homes.to_file(folder / "homes.gpkg")
    write_layer(folder / "area.geojson", [((119.89, 28.44, 119.909, 28.46), {})])
    (folder / "city.toml").write_text(
        """
        data = "synthetic sample"
        lang = "zh"
        crs = "EPSG:4528"
        osm = "streets.osm"
        communities = "communities.gpkg"
        facilities = [{path = "care.csv", encoding = "gb18030", crs = "EPSG:4490"}]
        homes = "homes.gpkg"
        data_area = "area.geojson"
        place = "某地"
        minutes = [7]
        [name]
        zh = "小城"
        en = "Small"
        [columns]
        community = "编号"
        """,
        encoding="utf-8",
    )
    before = analyze(folder)
    before.save(tmp_path / "run")
    again, lang = read_run(tmp_path / "run")
    assert lang == "zh"
    assert again.city.is_synthetic
    assert again.city.crs.to_epsg() == 4528
    assert again.city.label("zh") == "小城"
    assert again.city.communities["community"].tolist() == ["w", "e"]
    assert again.city.origin == before.city.origin
    pd.testing.assert_frame_equal(again.totals(), before.coverage.totals())


@pytest.mark.parametrize("name", ["streets.osm", "communities.gpkg", "care.csv"])
def test_a_changed_or_missing_input_is_named(run: Path, inputs: Path, tmp_path: Path, name: str) -> None:
    text = (run / "run.json").read_text(encoding="utf-8")
    (run / "run.json").write_text(text.replace(str(inputs), str(tmp_path / "copy")), encoding="utf-8")
    inputs = shutil.copytree(inputs, tmp_path / "copy")
    (inputs / name).write_bytes((inputs / name).read_bytes() + b" ")
    with pytest.raises(
        DataError, match=rf"{name} was changed .*[Mm]easure again: lifecircle analyze"
    ) as caught:
        read_run(run)
    assert "重新计算：lifecircle analyze" in caught.value.in_language("zh")
    (inputs / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is gone.*[Mm]easure again: lifecircle analyze"):
        read_run(run)


def test_changed_or_missing_walks_are_named(run: Path) -> None:
    whole = (run / "walks.npz").read_bytes()
    (run / "walks.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"walks\.npz was changed"):
        read_run(run)
    (run / "walks.npz").unlink()
    with pytest.raises(DataError, match=r"walks\.npz is gone"):
        read_run(run)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


def _without(arrays: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in arrays.items() if key != name}


FORGERIES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "nothing": lambda _: b"",
    "text": lambda _: b"residents,minutes\n",
    "cut": lambda arrays: archive(**arrays)[:-100],
    "flipped": lambda arrays: archive(**arrays)[:200] + bytes(100) + archive(**arrays)[300:],
    "pickle": lambda arrays: archive(**arrays | {"home_metres": np.array([_Bomb()], dtype=object)}),
    "one array": lambda arrays: _npy(arrays["home_metres"]),
    "array missing": lambda arrays: archive(**_without(arrays, "straight_m")),
    "homes missing": lambda arrays: archive(**arrays | {"home_metres": arrays["home_metres"][:-1]}),
    "service missing": lambda arrays: archive(**arrays | {"cell_metres": arrays["cell_metres"][:, :2]}),
    "whole metres": lambda arrays: archive(**arrays | {"straight_m": arrays["straight_facility"]}),
    "no such facility": lambda arrays: archive(**arrays | {"home_facility": arrays["home_facility"] + 99}),
    "no such community": lambda arrays: archive(**arrays | {"cell_community": arrays["cell_community"] + 2}),
}  # fmt: skip


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("forgery", FORGERIES)
def test_walks_of_another_kind_are_refused(run: Path, forgery: str) -> None:
    forge_walks(run, FORGERIES[forgery](arrays_of(run)))
    with pytest.raises(DataError, match=r"walks\.npz does not hold the walks of this run"):
        read_run(run)


def test_walks_from_other_places_are_refused(run: Path) -> None:
    arrays = arrays_of(run)
    forge_walks(run, archive(**arrays | {"home_xy": arrays["home_xy"] + 1.0}))
    with pytest.raises(DataError, match="measured for other places"):
        read_run(run)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"x"', "[" * 100_000])
def test_a_record_that_is_no_record_is_refused(run: Path, text: str) -> None:
    (run / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json is not as lifecircle writes it"):
        read_run(run)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, ["x"], {"x": 1}])
@pytest.mark.parametrize("field", ["lang", "standard", "files", "inputs", "origin"])
def test_a_record_with_a_wrong_field_is_refused(run: Path, field: str, value: object) -> None:
    write_record(run, record_of(run) | {field: value})
    with pytest.raises(DataError, match=r"is not as lifecircle writes it|cannot be read again from files"):
        read_run(run)


def test_a_folder_without_a_run_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no finished run"):
        read_run(tmp_path)


def test_a_city_made_in_python_is_exported_there(tmp_path: Path) -> None:
    analyze(toy_town(), STANDARD).save(tmp_path / "toy")
    with pytest.raises(DataError, match=r"report\.save"):
        read_run(tmp_path / "toy")
