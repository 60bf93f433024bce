"""Are plots and buildings that could take a facility read as the planner's list has them?"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from toy_town import CRS, boxes, layer, toy_town

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
