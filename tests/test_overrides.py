import dataclasses
from pathlib import Path

import pytest

from lifecircle.catalog import CityFiles, Counted, LayerFile, LevelFile, Overrides, Overriding

UNITS = LevelFile(LayerFile(Path("units.gpkg")), "units", {"en": "units", "zh": "units"})
OWN = CityFiles(
    id="small",
    folder=Path("small"),
    name={"zh": "小城", "en": "Small"},
    lang="zh",
    data="real",
    osm=Path("streets.osm"),
    communities=LayerFile(Path("c.gpkg")),
    elevation=Path("own.tif"),
    population=Path("own_people.tif"),
    barriers=LayerFile(Path("own_walls.gpkg")),
    levels=(dataclasses.replace(UNITS, id="own"),),
    columns={"community": "名称", "population": "人口"},
    statuses=("building",),
    supplementary=True,
    indicators=Path("own.csv"),
)


def test_what_is_not_said_stays_the_citys_own() -> None:
    assert Overrides().of(OWN) == OWN


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ({"elevation": "a.tif"}, {"elevation": Path("a.tif")}),
        ({"population": "a.tif"}, {"population": Path("a.tif")}),
        ({"barriers": "a.gpkg"}, {"barriers": LayerFile(Path("a.gpkg"))}),
        ({"levels": ["units.gpkg"]}, {"levels": (UNITS,)}),
        ({"columns": {"population": "常住"}}, {"columns": {"community": "名称", "population": "常住"}}),
        ({"counted": Counted(("planned",))}, {"statuses": ("planned",)}),
        ({"counted": Counted(indicators=Path("a.csv"))}, {"indicators": Path("a.csv")}),
    ],
)
def test_what_is_said_takes_the_place_of_the_citys_own(said: Overriding, becomes: dict[str, object]) -> None:
    assert Overrides(**said).of(OWN) == dataclasses.replace(OWN, **becomes)


def test_functions_take_word_by_word_what_the_value_holds() -> None:
    assert Overriding.__annotations__ == {field.name: field.type for field in dataclasses.fields(Overrides)}
