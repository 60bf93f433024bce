"""Does `--city all-lishui` measure what has data, and say of the rest why not?"""

import json
import shutil
from pathlib import Path

import pandas as pd
import platformdirs
import pytest

from lifecircle import cli
from lifecircle.catalog import find_city, user_cities_folder

SAMPLE = Path(__file__).parents[1] / "data" / "lishui"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "user")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    return int(left.value.code or 0)


def test_those_with_data_are_measured_and_the_others_say_so(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The sample stands in for one district, as if it had been downloaded.
    shutil.copytree(SAMPLE, user_cities_folder() / "liandu")
    broken = user_cities_folder() / "yunhe"
    broken.mkdir()
    (broken / "city.toml").write_text("osm = 3\n")

    assert run("analyze", "--city", "all-lishui", "--minutes", "15", "--no-cache") == 1

    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 11, "a line for each"
    rows = [line.split() for line in told.out.splitlines()[1:-4]]
    assert [row[1] for row in rows if row[0] == "丽水"] == ["幼儿园", "养老服务", "社区卫生服务"]
    (yunhe,) = (line for line in told.out.splitlines() if line.startswith("云和县"))
    assert "未测算：出错" in yunhe
    assert "city.toml" in yunhe
    assert any("未测算：无数据" in line and "边界待核" in line for line in told.out.splitlines())
    out = elsewhere / "outputs" / "all-lishui"
    assert (out / "liandu" / "report.md").is_file()
    record = json.loads((out / "liandu" / "run.json").read_text("utf-8"))
    covered = [f"{row['share_covered']:.1%}" for row in record["totals"]]
    assert [row[-4] for row in rows if row[0] == "丽水"] == covered
    summary = pd.read_csv(out / "summary.csv", encoding="utf-8-sig")
    assert summary["city"].nunique() == 11

    assert run("analyze", "--city", "all-lishui", "--lang", "en") == 1
    assert "--overwrite" in capsys.readouterr().err, "results are kept"
    assert (
        run(
            "batch",
            "--cities",
            "all-lishui",
            "--minutes",
            "15",
            "--lang",
            "zh",
            "--workers",
            "1",
            "--resume",
            "--json",
        )
        == 1
    )
    states = {row["city"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert list(states.values()).count("no_data") == 9
    assert states["yunhe"] == "failed"
    assert states["liandu"] == "kept", "a batch goes on with what was measured so"


def test_a_group_without_any_data_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_city("lishui").is_synthetic
    assert run("analyze", "--city", "all-lishui", "--lang", "en") == 0
    lines = capsys.readouterr().out.splitlines()[1:-4]
    assert len(lines) == 11
    assert all("not measured: no data" in line for line in lines)


def test_a_wrong_standard_stops_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("analyze", "--city", "all-lishui", "--standard", "nothing") == 1
    assert capsys.readouterr().out == ""
