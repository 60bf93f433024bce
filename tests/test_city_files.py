import dataclasses
import json
from pathlib import Path

from lifecircle.catalog import CityFiles, LayerFile, LevelFile
from lifecircle.catalog.city_files import as_record, read_record
from lifecircle.catalog.toml_table import Table
from lifecircle.standard import Target


def test_all_that_is_said_of_the_files_comes_back_from_the_record(tmp_path: Path) -> None:
    def layer(name: str) -> LayerFile:
        return LayerFile(tmp_path / name, "gbk", "表", "EPSG:4528", "gcj02", tmp_path / "gates.gpkg")

    files = CityFiles(
        id="small",
        folder=tmp_path,
        name={"zh": "小城", "en": "Small"},
        lang="zh",
        data="real",
        osm=tmp_path / "streets.osm",
        communities=layer("c.shp"),
        facilities=(layer("a.gpkg"), LayerFile(tmp_path / "b.csv")),
        homes=layer("h.csv"),
        elevation=tmp_path / "dem.tif",
        barriers=layer("walls.shp"),
        boundary=layer("b.shp"),
        data_area=LayerFile(tmp_path / "d.geojson"),
        place="somewhere",
        crs="EPSG:4549",
        minutes=(10.0, 15.0),
        columns={"community": "名称"},
        population=tmp_path / "worldpop.tif",
        levels=(LevelFile(layer("units.shp"), "unit", {"zh": "单元", "en": "Unit"}),),
        ages={"3-6": 0.03, "60+": 0.2},
        ages_source="a census",
        min_group=5.0,
        candidates=layer("plots.gpkg"),
        measures=tmp_path / "measures.toml",
        creation_type="整合提升类",
        target=Target(0.85, "a work plan", "S"),
        statuses=("planned",),
        supplementary=True,
        indicators=tmp_path / "indicators.csv",
    )
    text = json.dumps(as_record(files), default=str)
    assert all(getattr(files, field.name) for field in dataclasses.fields(files)), "a field is left untried"
    values = json.loads(text, object_hook=lambda table: {k: v for k, v in table.items() if v is not None})
    assert read_record(Table(tmp_path / "run.json", values)) == files
