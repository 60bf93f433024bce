"""Are plots and buildings that could take a facility read as the planner's list has them?"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from toy_town import CRS, boxes, layer, toy_town

from lifecircle.catalog import LayerFile
from lifecircle.errors import DataError, FileError
from lifecircle.sources.candidates import read_candidates


def written(folder: Path, text: str, name: str = "plots.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def test_a_list_of_idle_land(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "名称,经度,纬度,总投资（万元）,占地面积（亩）,床位数\n"
        '旧粮站,117.001,28.471,"1,200",3,40\n'
        "公房,117.002,28.472,,,\n",
        encoding="gb18030",
    )

    candidates, notes = read_candidates(path, crs=CRS)

    assert candidates["name"].tolist() == ["旧粮站", "公房"]
    np.testing.assert_allclose(candidates["cost"], [1200, np.nan])
    np.testing.assert_allclose(candidates["area_m2"], [2000, np.nan])
    np.testing.assert_allclose(candidates["capacity"], [40, np.nan])
    assert candidates.crs == CRS
    assert "doors" not in candidates
    assert len(notes) > 0  # that it was decoded as GB 18030


def test_what_a_place_is_and_in_which_money_it_costs(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "名称,经度,纬度,用地类型,投资（元）\n旧厂,117.001,28.471,闲置用地,12000000\n某校,117.002,28.472,小学,\n空白,117.003,28.473,,5\n",
    )

    candidates, _ = read_candidates(path, crs=CRS, cost_unit="万元")

    assert candidates["kind"].tolist() == ["闲置用地", "小学", ""]
    assert candidates["facility_kind"].tolist() == ["", "primary_school", ""]
    np.testing.assert_allclose(candidates["cost"], [1200, np.nan, 0.0005])
    for unit in ("", "EUR"):  # one of both names no unit of the yuan: nothing is turned
        same, _ = read_candidates(path, crs=CRS, cost_unit=unit)
        np.testing.assert_allclose(same["cost"], [12_000_000, np.nan, 5])


def test_a_list_may_be_on_the_datum_of_public_maps(tmp_path: Path) -> None:
    path = written(tmp_path, "名称,经度,纬度\n旧粮站,117.001,28.471\n")

    plain, _ = read_candidates(path, crs=CRS)
    moved, notes = read_candidates(LayerFile(path, datum="gcj02"), crs=CRS)

    assert 300 < plain.geometry.iloc[0].distance(moved.geometry.iloc[0]) < 700
    assert "tables.datum_moved" in set(notes["item"])


def test_plots_are_entered_where_they_meet_a_street(tmp_path: Path) -> None:
    plots = layer(boxes([(300, -50, 400, 50), (600, 100, 700, 200)]), name=["across", "aside"])
    plots.to_file(tmp_path / "plots.gpkg")

    candidates, _ = read_candidates(tmp_path / "plots.gpkg", crs=CRS, network=toy_town().network)

    assert candidates["area_m2"].tolist() == pytest.approx([10_000, 10_000])
    assert candidates["cost"].isna().all()
    # Main Street runs through the one; the other has no street within 200 m but that 100 m below
    doors = gpd.GeoSeries(candidates["doors"], crs=CRS)
    assert [len(door.geoms) for door in doors] == [2, 1]
    assert candidates.geom_type.eq("Point").all()


@pytest.mark.parametrize(("value", "says"), [("-3", "-3"), ("free", "free")])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, value: str, says: str) -> None:
    path = written(tmp_path, f"name,lon,lat,cost\na,117.001,28.471,5\nb,117.002,28.472,{value}\n")

    with pytest.raises(DataError, match=rf"row 3, column cost: {says}"):
        read_candidates(path, crs=CRS)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        read_candidates(tmp_path / "no.csv", crs=CRS)
