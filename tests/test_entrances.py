"""Is a site drawn as an area entered by its gates, else where streets meet its outline, and counted once?"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from toy_town import CORNER, CRS, STANDARD, boxes, points, toy_town

from lifecircle.catalog import LayerFile, load_standard
from lifecircle.city import City
from lifecircle.coverage import measure_coverage
from lifecircle.errors import FileError
from lifecircle.messages import say
from lifecircle.sources.datum import wgs84_to_gcj02
from lifecircle.sources.layers import read_facilities

SERVICES = load_standard("life-circle").services
TOWN = toy_town()
# Grounds from 20 m north of Main Street to 280 m north of it; their middle is 150 m from the street.
GROUNDS = (400.0, 20.0, 800.0, 280.0)


def layer(path: Path, shapes: object, part: str | None = None, **columns: object) -> Path:
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    frame.to_file(path, **({"layer": part} if part else {}))
    return path


def grounds(path: Path, part: str | None = None) -> Path:
    return layer(path, boxes([GROUNDS]), part, 名称=["示例幼儿园"], 类别=["幼儿园"])


def read(file: LayerFile | Path) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    return read_facilities(file, crs=CRS, services=SERVICES, network=TOWN.network)


def doors(facilities: gpd.GeoDataFrame, row: int = 0) -> list[list[float]]:
    """Return the doors of a facility in metres from the corner."""
    xy = shapely.get_coordinates(facilities["doors"].iloc[row]) - CORNER
    return sorted(xy.round(3).tolist())


def with_facilities(facilities: gpd.GeoDataFrame) -> City:
    return toy_town(facilities=facilities)


def minutes(facilities: gpd.GeoDataFrame, home: str) -> float:
    coverage = measure_coverage(with_facilities(facilities), STANDARD)
    return float(coverage.minutes.loc[home, "kindergarten"])


def said(notes: pd.DataFrame, item: str) -> str:
    return str(notes.set_index("item").loc[f"tables.{item}", "detail"])


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_without_entrances_a_site_is_entered_at_its_outline_nearest_to_a_street(
    tmp_path: Path, ending: str
) -> None:
    facilities, notes = read(grounds(tmp_path / f"sites.{ending}"))
    ((x, y),) = doors(facilities)
    assert 400 <= x <= 800
    assert y == pytest.approx(20, abs=0.05)
    assert said(notes, "rows_entered_at_outline") == f"sites.{ending}: 1"
    assert facilities.geom_type.to_list() == ["Point"]
    # Home a stands at (300, 30). Its walk ends at the south side of the grounds, not 150 m off the street.
    assert minutes(facilities, "a") == pytest.approx((30 + (x - 300) + 20) / 54, abs=0.01)


def test_a_site_that_streets_cross_is_entered_where_they_do(tmp_path: Path) -> None:
    file = layer(tmp_path / "s.gpkg", boxes([(400, -50, 800, 50)]), name=["a"], type=["kindergarten"])
    facilities, _ = read(file)
    assert doors(facilities) == [[400, 0], [800, 0]]


def test_a_layer_called_entrances_beside_the_sites_holds_their_gates(tmp_path: Path) -> None:
    file = tmp_path / "sites.gpkg"
    layer(file, points([(800, 20), (405, 26), (600, 150), (900, 900)]), "entrances", no=[1, 2, 3, 4])
    grounds(file, "sites")
    facilities, notes = read(file)
    # (600, 150) lies in the middle of the grounds and (900, 900) elsewhere: neither is a gate of the outline
    assert doors(facilities) == [[405, 26], [800, 20]]
    assert len(facilities) == 1
    assert said(notes, "rows_with_entrances") == "sites.gpkg: 1"
    assert said(notes, "entrances_of_no_site") == "sites.gpkg: 3, 4"
    assert "tables.part_chosen" not in set(notes["item"])
    # home b at (910, 0) walks 110 m to the gate at 800 and 20 m up to it; home a 105 m and 30 + 26
    assert minutes(facilities, "b") == pytest.approx((110 + 20) / 54)
    assert minutes(facilities, "a") == pytest.approx((30 + 105 + 26) / 54)


def test_a_file_of_entrances_can_be_named_and_shares_the_datum(tmp_path: Path) -> None:
    sites = gpd.GeoDataFrame({"name": ["a"], "type": ["幼儿园"]}, geometry=boxes([GROUNDS]), crs=CRS)
    gates = gpd.GeoDataFrame(geometry=points([(405, 26)]), crs=CRS)
    for frame, name in ((sites, "sites.geojson"), (gates, "gates.geojson")):
        degrees = frame.to_crs(4326)
        degrees.geometry = shapely.transform(degrees.geometry.to_numpy(), wgs84_to_gcj02)
        degrees.to_file(tmp_path / name)
    file = LayerFile(tmp_path / "sites.geojson", datum="gcj02", entrances=tmp_path / "gates.geojson")
    facilities, notes = read(file)
    np.testing.assert_allclose(doors(facilities), [[405, 26]], atol=0.02)
    assert set(notes.loc[notes["item"] == "tables.datum_moved", "detail"].str.split(":").str[0]) == {
        "sites.geojson",
        "gates.geojson",
    }
    with pytest.raises(FileError, match=r"none\.gpkg does not exist"):
        read(LayerFile(tmp_path / "sites.geojson", entrances=tmp_path / "none.gpkg"))


def test_a_gate_in_a_shared_wall_is_a_gate_of_both(tmp_path: Path) -> None:
    file = tmp_path / "sites.gpkg"
    two = boxes([(400, 20, 600, 280), (600, 20, 800, 280)])
    layer(file, two, "sites", name=["a", "b"], type=["kindergarten"] * 2)
    layer(file, points([(600, 100)]), "entrances", no=[1])
    facilities, _ = read(file)
    assert doors(facilities, 0) == doors(facilities, 1) == [[600, 100]]


def test_a_place_of_several_points_is_entered_at_any_and_counts_once(tmp_path: Path) -> None:
    gates = shapely.multipoints([points([(800, 20), (405, 26)])])
    facilities, notes = read(layer(tmp_path / "f.gpkg", gates, name=["示例幼儿园"]))
    assert doors(facilities) == [[405, 26], [800, 20]]
    assert said(notes, "rows_with_entrances") == "f.gpkg: 1"
    catchments = measure_coverage(with_facilities(facilities), STANDARD).catchments()
    assert len(catchments) == 1


def test_points_have_no_doors_and_are_measured_as_before(tmp_path: Path) -> None:
    facilities, notes = read(layer(tmp_path / "f.gpkg", points([(600, 20)]), name=["示例幼儿园"]))
    assert "doors" not in facilities
    assert not {"tables.rows_with_entrances", "tables.rows_entered_at_outline"} & set(notes["item"])


def test_a_column_of_the_file_that_is_called_doors_is_none_of_ours(tmp_path: Path) -> None:
    file = layer(tmp_path / "f.gpkg", points([(600, 20)]), name=["示例幼儿园"], doors=["2"])
    assert "doors" not in read(file)[0]


def test_an_outline_far_from_every_street_has_no_door(tmp_path: Path) -> None:
    far = boxes([(400, 300, 500, 400)])
    facilities, _ = read(layer(tmp_path / "f.gpkg", far, name=["示例幼儿园"]))
    assert "doors" not in facilities


@pytest.mark.parametrize("key", ["rows_with_entrances", "rows_entered_at_outline", "entrances_of_no_site"])
def test_notes_are_said_in_both_languages(key: str) -> None:
    assert say(f"tables.{key}", "en").isascii()
    assert not say(f"tables.{key}", "zh").isascii()
