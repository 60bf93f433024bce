"""Is every column that is really written in the dictionary, and nothing else?"""

import contextlib
import sqlite3
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from test_workbook import head_row
from toy_town import HOMES, STANDARD, toy_homes, toy_town

from lifecircle.analysis import analyze
from lifecircle.render.dictionary import write_dictionary
from lifecircle.render.geodata import write_bands
from lifecircle.render.workbook import write_ledger
from lifecircle.report import Report

LAYERS = ("gaps", "communities", "facilities", "homes")


@pytest.fixture(scope="module", params=["residents", "floor_m2"])
def report(request: pytest.FixtureRequest) -> Report:
    homes = toy_homes(HOMES).assign(floor_m2=100.0)
    return analyze(toy_town(homes=homes, measure=request.param), STANDARD, minutes=[7.5, 15])


@pytest.fixture(scope="module")
def dictionary(report: Report, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("dictionary") / "data_dictionary.csv"
    write_dictionary(report.coverage, path)
    return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False)


@pytest.fixture(scope="module")
def saved(report: Report, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return report.save(tmp_path_factory.mktemp("saved") / "out")


def test_columns_of_communities_csv(saved: dict[str, Path], dictionary: pd.DataFrame) -> None:
    written = pd.read_csv(saved["communities.csv"]).columns
    assert dictionary[dictionary["file"] == "communities.csv"]["column"].tolist() == list(written)


def test_columns_of_every_layer(saved: dict[str, Path], dictionary: pd.DataFrame) -> None:
    of_file = dictionary[dictionary["file"] == "gaps.gpkg"]
    assert set(of_file["table"]) == set(LAYERS)
    with contextlib.closing(sqlite3.connect(saved["gaps.gpkg"])) as base:
        for layer in LAYERS:
            written = [row[1] for row in base.execute(f"PRAGMA table_info({layer})")]
            listed = of_file[of_file["table"] == layer]["column"]
            assert sorted(listed) == sorted(written), layer


def test_columns_of_bands(report: Report, dictionary: pd.DataFrame, tmp_path: Path) -> None:
    write_bands(report.coverage, tmp_path / "bands.geojson")
    written = gpd.read_file(tmp_path / "bands.geojson").columns.drop("geometry")
    assert dictionary[dictionary["file"] == "bands.geojson"]["column"].tolist() == list(written)


@pytest.mark.parametrize(("lang", "suffix"), [("en", ""), ("zh", "_zh")])
def test_headings_of_every_sheet(
    report: Report, dictionary: pd.DataFrame, tmp_path: Path, lang: str, suffix: str
) -> None:
    write_ledger(report.coverage, report.gaps, tmp_path / "ledger.xlsx", lang=lang)
    book = openpyxl.load_workbook(tmp_path / "ledger.xlsx")
    of_file = dictionary[dictionary["file"] == "ledger.xlsx"]
    assert list(dict.fromkeys(of_file[f"table{suffix}"])) == book.sheetnames
    for sheet in book:
        written = [cell.value for cell in sheet[head_row(sheet)]]
        listed = of_file[of_file[f"table{suffix}"] == sheet.title]
        assert listed[f"column{suffix}"].tolist() == written
        assert len(set(written)) == len(written), "no two columns of a sheet are called the same"


def test_every_column_is_explained_in_both_languages(report: Report, dictionary: pd.DataFrame) -> None:
    assert (dictionary[["meaning", "meaning_zh", "column_zh", "table_zh"]] != "").all(axis=None)
    assert ((dictionary["unit"] == "") == (dictionary["unit_zh"] == "")).all()
    assert not dictionary.map(lambda text: "{" in text).any(axis=None)
    numbers = dictionary["column"].str.contains("_m2|minutes|share|_gap$")
    assert (dictionary[numbers]["unit"] != "").all(), "a number has a unit"
    measure = report.city.measure
    assert f"clinic_7_5_{measure}_gap" in set(dictionary["column"])
