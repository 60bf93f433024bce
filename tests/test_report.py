"""Does a report say what was measured, in every file, whole or not at all, and without doing harm?"""

import dataclasses
import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from toy_town import FACILITIES, HOMES, STANDARD, toy_facilities, toy_homes, toy_town

import lifecircle
from lifecircle.analysis import STEPS, StepClock, analyze
from lifecircle.catalog import find_kind
from lifecircle.errors import FileError
from lifecircle.messages import say
from lifecircle.render import report_page, tables
from lifecircle.render.ledger_tables import summary_table
from lifecircle.render.tables import records
from lifecircle.report import FILES, Report

SAMPLE = "Synthetic sample"


@pytest.fixture(scope="module")
def report() -> Report:
    return analyze(toy_town(), STANDARD)


@pytest.fixture(scope="module")
def saved(report: Report, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return report.save(tmp_path_factory.mktemp("saved") / "deep" / "toy")


def page(report: Report, lang: str = "en") -> str:
    return report_page.report_page(report.coverage, report.gaps, lang)


def test_a_report_is_these_files_and_no_other(saved: dict[str, Path]) -> None:
    # the toy town has no unit above communities and no capacity, and no more is asked of it
    asked = {"levels.csv", "supply.csv", "checklist.csv", "sensitivity.csv", "spacing.csv"}
    files = [name for name in FILES if name not in asked]
    assert list(saved) == files
    folder = saved["run.json"].parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    assert [path.name for path in folder.parent.iterdir()] == ["toy"], "no temporary folder stays"
    assert all(path.is_absolute() and path.stat().st_size for path in saved.values())


def test_communities_csv_is_the_table_and_the_total(saved: dict[str, Path], report: Report) -> None:
    assert saved["communities.csv"].read_bytes().startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(saved["communities.csv"], keep_default_na=False, na_values=[""])
    expected = pd.concat([report.coverage.by_community(), report.coverage.totals()], ignore_index=True)
    assert list(table.columns) == [*expected.columns, "data"]
    assert len(table) == (3 + 1) * 3 * 2
    numbers = list(expected.select_dtypes("number"))
    np.testing.assert_allclose(table[numbers], expected[numbers], atol=5e-5)
    assert table["community"].fillna("").tolist() == expected["community"].tolist()
    assert set(table["data"]) == {"real"}


def test_gaps_gpkg_has_all_layers(saved: dict[str, Path], report: Report) -> None:
    layers = {
        name: gpd.read_file(saved["gaps.gpkg"], layer=name)
        for name in ("gaps", "communities", "facilities", "homes")
    }
    assert all(layer.crs == report.city.crs for layer in layers.values())
    assert all(set(layer["data"]) == {"real"} for layer in layers.values())
    assert layers["gaps"]["gap_id"].tolist() == report.gaps["gap_id"].tolist()
    assert layers["gaps"]["residents"].sum() == pytest.approx(
        report.coverage.by_community()["residents_gap"].sum()
    )
    np.testing.assert_array_equal(layers["homes"][report.coverage.minutes.columns], report.coverage.minutes)
    assert np.isinf(layers["homes"]["elderly_care"]).any(), "out of reach stays apart from unknown"
    table = report.coverage.by_community().set_index(["community_id", "service", "threshold_minutes"])
    for row in layers["communities"].itertuples():
        expected = table.loc[(row.community_id, "clinic", 15.0)]
        assert row.clinic_15_share_covered == pytest.approx(expected["share_covered"])
        assert row.clinic_15_residents_gap == pytest.approx(expected["residents_gap"])
    assert list(layers["facilities"]["facility_id"]) == ["K", "C", "S"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_a_finding_of_ten_lines_and_every_table(report: Report, lang: str) -> None:
    text = page(report, lang)
    numbers = re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 11)]
    assert text.count("\n## ") == 7
    assert text.count("|---|") >= 6
    for name in ("North Bank", "South Bank", "The Estate", "Main Clinic", "G001"):
        assert name in text
    assert "{" not in text


def test_the_finding_counts_what_the_tables_count(report: Report) -> None:
    totals = report.coverage.totals().set_index(["service", "threshold_minutes"])
    gap = totals.loc[("elderly_care", 15.0)]
    first, second, third, fourth = report.finding()
    assert "no facility of elderly_care" in first
    assert f"clinic {totals.loc[('clinic', 15.0), 'share_covered']:.1%}" in second
    assert f"{gap['residents_gap']:,.0f} residents ({gap['share_gap']:.1%})" in third
    worst = report.gaps[report.gaps["threshold_minutes"] == 15].iloc[0]
    assert f"{worst['gap_id']}, {worst['community']}" in fourth
    assert f"nearest is Old Kindergarten, {worst['nearest_minutes']:.0f} minutes on foot" in fourth


def test_run_json_says_how_it_was_made(saved: dict[str, Path]) -> None:
    record = json.loads(saved["run.json"].read_text(encoding="utf-8"))
    assert record["data"] == "real"
    assert record["lifecircle"] == lifecircle.__version__
    assert record["crs"] == "EPSG:32650"
    assert record["paces"]["clinic"] == {"mps": 1.2, "source": "toy", "grade": "M"}
    limits = [{"value": value, "unit": "min", "source": "toy", "grade": "M"} for value in (10.0, 15.0)]
    assert [service["limits"] for service in record["standard"]["services"]] == [limits] * 3
    assert record["libraries"]["geopandas"]
    assert set(record["elapsed_s"]) == {"walks", "gaps", "write", "total"}
    assert record["elapsed_s"]["total"] > 0
    assert record["peak_memory_mb"] is None or record["peak_memory_mb"] > 10
    assert len(record["totals"]) == 6
    assert record["totals"][2]["median_minutes"] is None, "JSON knows no infinity"


@pytest.mark.parametrize(("lang", "said"), [("en", "Every walk is there and back"), ("zh", "步行按往返计")])
def test_walks_there_and_back_say_so_in_every_file(tmp_path: Path, lang: str, said: str) -> None:
    both = analyze(toy_town(), STANDARD, round_trip=True, lang=lang)
    paths = both.save(tmp_path / "both")
    assert said in both.finding()[-3]
    assert said in page(both, lang).split("## ")[1], "beside the finding"
    assert said in paths["map.html"].read_text(encoding="utf-8")
    book = openpyxl.load_workbook(paths["ledger.xlsx"])
    assert any(said in str(cell.value) for sheet in book for row in sheet for cell in row)
    record = json.loads(paths["run.json"].read_text(encoding="utf-8"))
    assert record["round_trip"] is record["settings"]["round_trip"] is True
    assert record["totals"] == records(both.coverage.totals())


def test_walks_one_way_do_not(report: Report, saved: dict[str, Path]) -> None:
    assert "there and back" not in page(report)
    assert "there and back" not in saved["map.html"].read_text(encoding="utf-8")
    assert json.loads(saved["run.json"].read_text(encoding="utf-8"))["round_trip"] is False


def test_a_sample_says_so_everywhere(tmp_path: Path) -> None:
    sample = analyze(toy_town(data="synthetic sample"), STANDARD)
    paths = sample.save(tmp_path / "sample")
    assert set(pd.read_csv(paths["communities.csv"])["data"]) == {"synthetic sample"}
    assert SAMPLE in paths["report.md"].read_text(encoding="utf-8")
    assert json.loads(paths["run.json"].read_text(encoding="utf-8"))["data"] == "synthetic sample"
    for name in ("gaps", "communities", "facilities", "homes"):
        assert set(gpd.read_file(paths["gaps.gpkg"], layer=name)["data"]) == {"synthetic sample"}
    assert all(set(table["data"]) <= {"synthetic sample"} for table in sample.tables.values())
    assert "synthetic" in paths["map.html"].read_text(encoding="utf-8").lower()


def test_a_real_city_does_not(report: Report, saved: dict[str, Path]) -> None:
    assert SAMPLE not in page(report)
    assert "合成示例" not in page(report, "zh")
    assert SAMPLE not in saved["map.html"].read_text(encoding="utf-8")


def test_a_city_without_gaps_is_written_too(tmp_path: Path) -> None:
    facilities = [(f"{x}-{s.id}", "Here", s.id, (x, 0)) for s in STANDARD.services for x in (300, 900)]
    city = toy_town(facilities=toy_facilities(facilities), homes=toy_homes(HOMES[:3]))
    happy = analyze(city, STANDARD, minutes=[60])
    assert happy.gaps.empty
    paths = happy.save(tmp_path / "happy")
    assert gpd.read_file(paths["gaps.gpkg"], layer="gaps").empty
    assert "Nobody is known to be farther than 60 minutes" in "\n".join(happy.finding())
    assert "There is no gap." in happy.finding()[-1]


def test_a_city_without_a_facility_is_written_too(tmp_path: Path) -> None:
    empty = analyze(toy_town(facilities=toy_facilities([])), STANDARD)
    paths = empty.save(tmp_path / "empty")
    assert gpd.read_file(paths["gaps.gpkg"], layer="facilities").empty
    alarm = "There is no facility of kindergarten, elderly\\_care, clinic in the data"
    assert paths["report.md"].read_text(encoding="utf-8").count(alarm) == 1
    assert "none can be reached on foot" in empty.finding()[-1]


def test_another_measure_is_named(tmp_path: Path) -> None:
    homes = toy_homes(HOMES).assign(floor_m2=100.0)
    built = analyze(toy_town(homes=homes, measure="floor_m2"), STANDARD)
    text = page(built)
    assert "of residential floor area" in text
    assert "residents" not in text
    head = (
        built.save(tmp_path / "built")["communities.csv"].read_text(encoding="utf-8-sig").partition("\n")[0]
    )
    assert "floor_m2_covered" in head


HOSTILE = "=cmd|' /C calc'!A0"


def test_hostile_names_are_shown_and_never_run(tmp_path: Path) -> None:
    city = toy_town(
        name={"zh": "坏", "en": "<script>alert(1)</script>\n# Bad"},
        facilities=toy_facilities([("K", HOSTILE, "kindergarten", (100, 0)), *FACILITIES[1:]]),
    )
    city = dataclasses.replace(
        city, communities=city.communities.assign(community=["+1|x", "@SUM(A1)\r\n| a | b |", "\t=1"])
    )
    paths = analyze(city, STANDARD, lang="en").save(tmp_path / "bad")
    cells = pd.read_csv(paths["communities.csv"], dtype=str).drop(columns=["community_id"])
    texts = cells[["community", "nearest_facility"]].fillna("").to_numpy().ravel()
    assert any(HOSTILE in text for text in texts), "the name is still read"
    assert not [text for text in texts if text[:1] in set("=+-@\t\r")]
    text = paths["report.md"].read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\n# Bad" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {row.replace(r"\|", "").count("|") for row in rows} <= {4, 5, 8, 9, 10}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+8657812345", "'+8657812345"),
        ("-2", "'-2"),
        ("@x", "'@x"),
        ("＝1", "'＝1"),
        ("\t=1", "\N{REPLACEMENT CHARACTER}=1"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("社区 🏥", "社区 🏥"),
    ],
)
def test_spreadsheets_get_texts_not_formulas(name: str, shown: str) -> None:
    assert tables.harmless(name) == shown


def test_an_earlier_report_is_kept_unless_told_otherwise(report: Report, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    report.save(folder)
    before = (folder / "run.json").read_bytes()
    with pytest.raises(FileError, match="--overwrite") as caught:
        report.save(folder)
    assert str(folder) in str(caught.value)
    assert (folder / "run.json").read_bytes() == before
    report.save(folder, overwrite=True)
    assert (folder / "run.json").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("stranger", ["thesis.docx", "map.html/inside"])
def test_what_is_not_ours_is_never_replaced(report: Report, tmp_path: Path, stranger: str) -> None:
    kept = tmp_path / "out" / stranger
    kept.parent.mkdir(parents=True)
    kept.write_text("three years of work")
    with pytest.raises(FileError, match=stranger.partition("/")[0]):
        report.save(tmp_path / "out", overwrite=True)
    assert kept.read_text() == "three years of work"


def test_a_file_or_the_working_folder_is_no_place(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="is a file"):
        report.save(tmp_path / "file", overwrite=True)
    with pytest.raises(FileError):
        report.save(tmp_path / "file" / "below")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder in (".", ".."):
        with pytest.raises(FileError, match="working in"):
            report.save(folder)


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()]
)
def test_a_fault_half_way_leaves_the_old_report(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    folder = tmp_path / "out"
    report.save(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("lifecircle.report.run_record", fail)
    expected = FileError if isinstance(fault, OSError) else type(fault)
    with pytest.raises(expected):
        report.save(folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failing_swap_puts_the_old_report_back(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    report.save(folder)
    before = (folder / "run.json").read_bytes()
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name.endswith(".new"):
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(FileError, match="Permission denied"):
        report.save(folder, overwrite=True)
    assert (folder / "run.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_steps_are_told_and_timed() -> None:
    told: list[str] = []
    clock = StepClock(told.append)
    for step in STEPS:
        clock(step)
    clock.stop()
    clock.stop()
    assert told == list(STEPS) == list(clock.seconds)
    assert all(seconds >= 0 for seconds in clock.seconds.values())


@pytest.mark.parametrize("minutes", [[5.0], (20, 7.5)])
def test_other_thresholds_reach_every_table(minutes: list[float]) -> None:
    other = analyze(toy_town(), STANDARD, minutes=minutes)
    assert set(other.tables["communities"]["threshold_minutes"]) == set(minutes)
    assert "set by the user" in page(other)


@pytest.mark.parametrize(("measure", "said"), [("households", "户"), ("home_places", "居住点")])
def test_a_city_may_count_households_or_home_places(measure: str, said: str) -> None:
    homes = toy_homes(HOMES).assign(households=2.0, home_places=1.0)
    report = analyze(toy_town(homes=homes, measure=measure), STANDARD)
    # a, b and c reach the kindergarten in 15 minutes: 3 of 10 homes; d is off the network
    every = 20 if measure == "households" else 10
    assert f"{every:,} {say(f'map.unit_{measure}', 'en')}" in page(report)
    text = page(report, "zh")
    assert said in say(f"report.amount_{measure}", "zh", value=every)
    assert say(f"report.of_{measure}", "zh") in text
    assert f"| {say(f'report.column_{measure}', 'zh')} |" in text
    assert say(f"ledger.unit_{measure}", "en") in set(summary_table(report.coverage, "en")["unit"])


def test_a_nursery_counts_the_youngest() -> None:
    service = dataclasses.replace(
        STANDARD.services[0], id="nursery", kinds=(find_kind("nursery"),), ages="0-3"
    )
    standard = dataclasses.replace(STANDARD, services=(service,))
    report = analyze(toy_town(homes=toy_homes(HOMES).assign(residents_0_3=20.0)), standard)
    for lang in ("en", "zh"):
        text = page(report, lang)
        assert say("report.of_residents_0_3", lang) in text
        gap = round(report.coverage.totals()["residents_gap"].iloc[-1])
        assert say("report.amount_residents_0_3", lang, value=gap) in text
        table = summary_table(report.coverage, lang)
        assert say("ledger.unit_residents_0_3", lang) in set(table["unit"])
        assert say("ledger.denominator_residents_0_3", lang) in set(table["denominator_label"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_rasters_stand_among_the_files(lang: str) -> None:
    roles = ("population", "elevation")
    inputs = [{"role": one, "path": f"/x/{one}.tif", "size": 9, "sha256": "0" * 64} for one in roles]
    text = page(analyze(toy_town(inputs=tuple(inputs)), STANDARD), lang)
    for one in roles:
        assert f"| {say(f'report.role_{one}', lang)} | {one}.tif | 9 |" in text
