"""Do the files for a city's own platform say what the tables say, in the datum that was asked for?"""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from toy_town import COMMUNITIES, FACILITIES, STANDARD, toy_town

from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError
from lifecircle.gaps import find_gaps
from lifecircle.render.platform import write_platform
from lifecircle.sources.datum import wgs84_to_gcj02

NAMES = ("by_community", "by_category", "gaps")


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return measure_coverage(toy_town(), STANDARD)


@pytest.fixture(scope="module")
def gaps(coverage: Coverage) -> gpd.GeoDataFrame:
    return find_gaps(coverage)


def written(coverage: Coverage, gaps: gpd.GeoDataFrame, folder: Path, datum: str) -> dict[str, Any]:
    """Return the three files, read as strictly as any reader would."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    folder.mkdir()
    write_platform(coverage, gaps, folder, datum=datum)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(NAMES)
    texts = {name: (folder / f"{name}.json").read_text(encoding="utf-8") for name in NAMES}
    return {name: json.loads(text, parse_constant=refuse) for name, text in texts.items()}


@pytest.fixture(scope="module")
def files(
    coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    return written(coverage, gaps, tmp_path_factory.mktemp("platform") / "wgs84", "wgs84")


@pytest.fixture(scope="module")
def shifted(
    coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    return written(coverage, gaps, tmp_path_factory.mktemp("platform") / "gcj02", "gcj02")


def test_every_file_says_what_it_is(files: dict[str, Any], shifted: dict[str, Any]) -> None:
    for name in NAMES:
        head = {key: value for key, value in files[name].items() if not isinstance(value, list)}
        assert head["format"] == 2
        assert head["data"] == "real"
        assert head["city"] == {"zh": "玩具镇", "en": "Toy Town"}
        assert head["standard"] == {"id": "toy", "name": {"zh": "玩具", "en": "Toy"}}
        assert head["measure"] == "residents"
        assert "OpenStreetMap" in head["attribution"]
        assert (head["datum"], shifted[name]["datum"]) == ("wgs84", "gcj02")


def test_a_sample_says_so_and_names_no_source_it_does_not_have(
    gaps: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    sample = measure_coverage(toy_town(data="synthetic sample"), STANDARD)
    for file in written(sample, gaps, tmp_path / "sample", "wgs84").values():
        assert (file["data"], file["attribution"]) == ("synthetic sample", "")


def assert_same(thresholds: list[dict[str, Any]], expected: pd.DataFrame) -> None:
    rows = pd.DataFrame(thresholds)
    numbers = list(rows.columns.drop("nearest_facility"))
    finite = expected[numbers].replace([np.inf, -np.inf], np.nan)
    np.testing.assert_allclose(rows[numbers].astype(float), finite, atol=5e-5)
    assert rows["nearest_facility"].tolist() == expected["nearest_facility"].tolist()


def test_by_community_has_the_figures_of_the_table(files: dict[str, Any], coverage: Coverage) -> None:
    table = coverage.by_community()
    communities = files["by_community"]["communities"]
    assert [row["community_id"] for row in communities] == [row[0] for row in COMMUNITIES]
    for row in communities:
        assert row["population"] is None, "the toy town has none"
        for service, thresholds in row["services"].items():
            rows = table[(table["community_id"] == row["community_id"]) & (table["service"] == service)]
            assert row["residents"] == rows["residents"].iloc[0]
            assert_same(thresholds, rows)
        assert list(row["services"]) == [service.id for service in STANDARD.services]


def test_by_category_has_the_figures_of_the_tables(files: dict[str, Any], coverage: Coverage) -> None:
    table, totals = coverage.by_community(), coverage.totals()
    for row in files["by_category"]["categories"]:
        service = row["service"]
        assert row["limits"] == [
            {"value": value, "unit": "min", "source": "toy", "grade": "M"} for value in (10.0, 15.0)
        ]
        assert row["pace_mps"] == STANDARD.service(service).pace_mps
        assert_same(row["city"], totals[totals["service"] == service])
        for community in row["communities"]:
            here = (table["service"] == service) & (table["community_id"] == community["community_id"])
            assert_same(community["thresholds"], table[here])
        assert len(row["communities"]) == len(COMMUNITIES)
        ids = [facility["facility_id"] for facility in row["facilities"]]
        assert ids == [facility[0] for facility in FACILITIES if facility[2] == service]


def test_places_lie_where_they_are(files: dict[str, Any], coverage: Coverage) -> None:
    communities = coverage.city.communities.to_crs(4326).geometry
    for row, shape in zip(files["by_community"]["communities"], communities, strict=True):
        assert shape.contains(shapely.Point(row["location"]))
    facilities = coverage.city.facilities.to_crs(4326).set_index("facility_id").geometry
    for category in files["by_category"]["categories"]:
        for facility in category["facilities"]:
            at = facilities[facility["facility_id"]]
            assert facility["location"] == pytest.approx([at.x, at.y], abs=1e-7)


def test_gaps_have_their_values_and_shapes(files: dict[str, Any], gaps: gpd.GeoDataFrame) -> None:
    rows = files["gaps"]["gaps"]
    assert [row["gap_id"] for row in rows] == gaps["gap_id"].tolist()
    assert [row["residents"] for row in rows] == pytest.approx(gaps["residents"].tolist(), abs=5e-5)
    infinite = np.isinf(gaps["worst_minutes"])
    assert infinite.any()
    assert [row["worst_minutes"] is None for row in rows] == infinite.tolist()
    for row, shape in zip(rows, gaps.geometry.to_crs(4326), strict=True):
        read = shapely.from_geojson(json.dumps(row["geometry"]))
        assert read.symmetric_difference(shape).area < 1e-3 * shape.area
        assert all(part.exterior.is_ccw for part in shapely.get_parts(read))


def test_gcj02_shifts_every_place_and_nothing_else(files: dict[str, Any], shifted: dict[str, Any]) -> None:
    def places(of: dict[str, Any]) -> Any:
        points = [row["location"] for row in of["by_community"]["communities"]]
        for category in of["by_category"]["categories"]:
            points += [facility["location"] for facility in category["facilities"]]
        shapes = [shapely.from_geojson(json.dumps(row["geometry"])) for row in of["gaps"]["gaps"]]
        return np.concatenate([points, *map(shapely.get_coordinates, shapes)])

    assert np.abs(places(shifted) - wgs84_to_gcj02(places(files))).max() < 2e-7
    assert np.abs(places(shifted) - places(files)).min() > 1e-3, "some hundred metres"

    def rest(of: dict[str, Any]) -> str:
        text = json.dumps([of[name] for name in NAMES])
        return json.dumps(json.loads(text, object_hook=without_places))

    def without_places(table: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in table.items() if key not in {"location", "geometry", "datum"}}

    assert rest(shifted) == rest(files)


def test_an_unknown_datum_is_refused(coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"bd09 is no datum.*wgs84, gcj02"):
        write_platform(coverage, gaps, tmp_path, datum="bd09")
    assert not list(tmp_path.iterdir())
