"""Can every format be made of a measured city, beside each other, without harm to what is there?"""

import json
import zipfile
from pathlib import Path

import pytest
from toy_town import COMMUNITIES, STANDARD, toy_town

from lifecircle.analysis import analyze
from lifecircle.errors import DataError, FileError
from lifecircle.render.formats import FORMATS, ExportChoices, export
from lifecircle.report import Report

SMALL = ExportChoices(sheet="A4")


@pytest.fixture(scope="module")
def report() -> Report:
    return analyze(toy_town(), STANDARD)


def made(
    report: Report, folder: Path, *formats: str, choices: ExportChoices = SMALL, **options: bool
) -> list[str]:
    """Return what an export wrote, by path in its folder."""
    paths = export(report.coverage, report.gaps, folder, formats, lang="en", choices=choices, **options)
    assert all(path.is_file() for path in paths)
    return [path.relative_to(folder).as_posix() for path in paths]


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_makes_the_files_it_says(report: Report, tmp_path: Path, name: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    files = made(report, tmp_path / "out", name)
    assert files
    assert set(files) == {
        path.relative_to(tmp_path / "out").as_posix()
        for pattern in FORMATS[name][0]
        for path in (tmp_path / "out").glob(pattern)
    }
    record = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert sorted(record["files"]) == sorted(files)
    assert record["data"] == "real"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_sheets_are_drawn_once_for_all_their_formats(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []

    def save_sheets(*_: object, formats: tuple[str, ...], **__: object) -> None:
        calls.append(tuple(formats))

    monkeypatch.setattr("lifecircle.render.print_map.save_sheets", save_sheets)
    made(report, tmp_path / "out", "svg", "png", "pdf")
    assert calls == [("png", "pdf", "svg")]


def test_each_community_may_get_a_sheet_and_a_page(report: Report, tmp_path: Path) -> None:
    choices = ExportChoices(sheet="A4", per_community=True)
    files = made(report, tmp_path / "out", "html", "docx", "svg", choices=choices)
    pages = [name for name in files if name.startswith("communities/")]
    sheets = [name for name in files if name.startswith("maps/map-community")]
    assert len(pages) == len(sheets) == len(COMMUNITIES)
    with zipfile.ZipFile(tmp_path / "out" / pages[0]) as page:
        assert [name for name in page.namelist() if name.endswith(".png")], "its map is in it"
    drawn = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    assert all(Path(page).stem in drawn for page in pages), "the web map leads to each page"


def test_formats_made_one_after_another_stand_side_by_side(report: Report, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made(report, folder, "geojson")
    made(report, folder, "dictionary")
    record = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    assert list(record["files"]) == ["bands.geojson", "gaps.geojson", "data_dictionary.csv"]
    with pytest.raises(FileError, match=r"\.(csv|geojson) exists already"):
        made(report, folder, "dictionary", "geojson", overwrite=False)
    made(report, folder, "geojson", overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == [
        "bands.geojson",
        "data_dictionary.csv",
        "export.json",
        "gaps.geojson",
    ]


def test_a_report_writes_other_formats_at_once(report: Report, tmp_path: Path) -> None:
    paths = report.save(tmp_path / "run", formats=["geojson", "platform"], choices=SMALL)
    of_report = (
        "map.html",
        "communities.csv",
        "gaps.gpkg",
        "ledger.xlsx",
        "report.md",
        "walks.npz",
        "run.json",
    )
    assert tuple(paths)[: len(of_report)] == of_report
    assert set(tuple(paths)[len(of_report) :]) == {
        "bands.geojson",
        "gaps.geojson",
        "platform/by_category.json",
        "platform/by_community.json",
        "platform/gaps.json",
    }
    assert all(path.is_file() for path in paths.values())
    made(report, tmp_path / "run" / "export", "survey")
    report.save(tmp_path / "run", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(of_report)


def test_a_ledger_that_the_planner_filled_in_is_not_lost(report: Report, tmp_path: Path) -> None:
    paths = report.save(tmp_path / "run")
    with paths["ledger.xlsx"].open("ab") as file:
        file.write(b"responsible: the sub-district")
    with pytest.raises(FileError, match=r"ledger\.xlsx, which was changed"):
        report.save(tmp_path / "run", overwrite=True)
    assert paths["ledger.xlsx"].read_bytes().endswith(b"sub-district")


def test_an_unknown_format_is_refused_before_any_work(report: Report, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no format dwg.*png,"):
        made(report, tmp_path / "out", "dwg")
    with pytest.raises(DataError, match="no format dwg"):
        report.save(tmp_path / "run", formats=["dwg"])
    assert not list(tmp_path.iterdir())


def test_a_format_that_cannot_be_written_here_says_what_to_install(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DataError, match="pip install pyarrow"):
        made(report, tmp_path / "out", "parquet")
    assert not list(tmp_path.iterdir())
