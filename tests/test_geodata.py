"""Do other programs read our layers as they are meant?"""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from toy_town import STANDARD, toy_town

from lifecircle.bands import time_bands
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.gaps import find_gaps
from lifecircle.render.geodata import layers, write_bands, write_geojson, write_geopackage, write_parquet


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return measure_coverage(toy_town(), STANDARD)


@pytest.fixture(scope="module")
def gaps(coverage: Coverage) -> gpd.GeoDataFrame:
    return find_gaps(coverage)


@pytest.fixture(scope="module")
def document(coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("geojson") / "gaps.geojson"
    write_geojson(coverage, gaps, path)

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_geojson_is_of_rfc_7946(document: Any, gaps: gpd.GeoDataFrame) -> None:
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    assert len(document["features"]) == len(gaps)
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in document["features"]]
    parts = [part for shape in shapes for part in shape.geoms]
    assert all(part.exterior.is_ccw for part in parts), "right-hand rule"
    assert not any(ring.is_ccw for part in parts for ring in part.interiors)
    degrees = np.concatenate([shapely.get_coordinates(part) for part in parts])
    assert (np.round(degrees, 7) == degrees).all(), "a centimetre, no more"
    assert document["bbox"] == pytest.approx([*degrees.min(axis=0), *degrees.max(axis=0)])
    west, south, east, north = gaps.to_crs(4326).total_bounds
    assert document["bbox"] == pytest.approx([west, south, east, north], abs=1e-7), "longitude first"


def test_geojson_has_the_values_and_null_for_what_json_cannot_say(
    document: Any,
    gaps: gpd.GeoDataFrame,
) -> None:
    rows = pd.DataFrame([feature["properties"] for feature in document["features"]])
    assert list(rows.columns) == [*gaps.columns.drop("geometry"), "data"]
    assert rows["gap_id"].tolist() == gaps["gap_id"].tolist()
    for name in gaps.columns[[pd.api.types.is_numeric_dtype(kind) for kind in gaps.dtypes]]:
        expected = gaps[name].replace([np.inf, -np.inf], np.nan).astype(float)
        np.testing.assert_allclose(rows[name].astype(float), expected)
    assert np.isinf(gaps["worst_minutes"]).any(), "the case is there"


def test_geojson_without_a_gap_is_still_a_collection(
    coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    write_geojson(coverage, gaps.head(0), tmp_path / "gaps.geojson")
    assert json.loads((tmp_path / "gaps.geojson").read_text(encoding="utf-8"))["features"] == []


def test_bands_come_back_where_they_were_with_their_minutes(coverage: Coverage, tmp_path: Path) -> None:
    write_bands(coverage, tmp_path / "bands.geojson")
    again, bands = gpd.read_file(tmp_path / "bands.geojson"), time_bands(coverage)
    assert again.crs == "EPSG:4326"
    columns = ["service", "from_minutes", "to_minutes", "data"]
    expected = bands.assign(data=coverage.city.data)[columns]
    assert again[columns].to_numpy().tolist() == expected.to_numpy().tolist()
    assert again.to_crs(bands.crs).area.to_numpy() == pytest.approx(bands.area.to_numpy(), rel=1e-4)


def test_geoparquet_comes_back_whole(coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_parquet(coverage, gaps, tmp_path)
    for name, frame in layers(coverage, gaps).items():
        again = gpd.read_parquet(tmp_path / f"{name}.parquet")
        assert again.crs == coverage.city.crs
        assert again.geometry.geom_equals(frame.geometry.reset_index(drop=True)).all()
        pd.testing.assert_frame_equal(
            pd.DataFrame(again.drop(columns="geometry")),
            pd.DataFrame(frame.drop(columns="geometry")).reset_index(drop=True),
            check_dtype=False,
        )


@pytest.mark.parametrize("set_before", [None, "FULL"])
def test_gdal_waits_for_the_disk_again_afterwards(
    coverage: Coverage, gaps: gpd.GeoDataFrame, tmp_path: Path, set_before: str | None
) -> None:
    option = "OGR_SQLITE_SYNCHRONOUS"
    pyogrio.set_gdal_config_options({option: set_before})
    try:
        write_geopackage(coverage, gaps, tmp_path / "gaps.gpkg")
        assert pyogrio.get_gdal_config_option(option) == set_before
        with pytest.raises(OSError, match=r"absent"):
            write_geopackage(coverage, gaps, tmp_path / "absent" / "gaps.gpkg")
        assert pyogrio.get_gdal_config_option(option) == set_before
    finally:
        pyogrio.set_gdal_config_options({option: None})
    assert len(gpd.read_file(tmp_path / "gaps.gpkg", layer="homes")) == len(coverage.city.homes)
