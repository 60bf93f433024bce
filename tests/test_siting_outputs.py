"""What do planners get to see of suggested sites and of what-ifs: terminal, page, map, layers?"""

import json
import locale
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from browser import Visitor
from map_pages import BACKDROP, data_of, unpacked
from test_cli import SAMPLE, run
from test_siting import spots
from test_text import PAYLOADS
from toy_town import FACILITIES, STANDARD, toy_facilities, toy_town

import lifecircle as lc
from lifecircle.coverage import measure_coverage
from lifecircle.errors import FileError
from lifecircle.missing_links import suggest_links
from lifecircle.render.siting_folder import FILES, save_siting
from lifecircle.render.siting_map import draw_siting
from lifecircle.render.siting_text import lines, page, sections, sentences
from lifecircle.siting import Suggestion, suggest_sites
from lifecircle.siting_search import SitingChoices

PLACES = ((1900, 200), (1850, 200), (300, 0), (1300, -300))


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("en_US", "UTF-8"))
    monkeypatch.chdir(tmp_path)


def suggested(names: list[str] | None = None, **other: object) -> tuple[Suggestion, gpd.GeoDataFrame]:
    coverage = measure_coverage(toy_town(backdrop=BACKDROP, **other), STANDARD)
    candidates = spots(*PLACES, name=names or ["gate", "", "west", "south"], cost=[90.0, 80.0, None, 30.0])
    return suggest_sites(coverage, "elderly_care", sites=3, candidates=candidates), suggest_links(
        coverage, "clinic", longest_m=250
    )


def test_sites_in_sentences_and_tables() -> None:
    suggestion, links = suggested()
    made = sections(suggestion, links, "en", longest_m=250)

    told = lines(suggestion, made, "en")

    # gate 270 people, west 157, south e with 80; of h and g, 90 people, nothing is known
    assert told[0] == (
        "3 sites bring 507 residents more within 15 min of elderly_care: 0.0% → 77.2% of residents, chosen "
        "among 4 candidates."
    )
    assert "No other choice among these candidates does better: that is proven." in told
    assert any("90 residents of whom nothing is known" in line for line in told)
    assert not any("Synthetic" in line for line in told)
    table = told[told.index("Sites") + 1 :]
    assert table[0].split("\t")[:3] == ["No.", "place", "community"]
    first = table[1].split("\t")
    assert (first[1], first[2], first[5], first[6], first[7]) == ("gate", "The Estate", "270", "270", "41.1%")
    assert (first[8], first[9]) == ("90", "0.3333")
    assert table[2].split("\t")[8:] == ["–", "–"]
    assert any(line.startswith("1\tS0002") for line in told)  # beside the gate
    assert any("The best link brings 200 residents" in line for line in told)


def test_it_says_how_walks_and_places_count() -> None:
    coverage = measure_coverage(toy_town(), STANDARD, round_trip=True)
    roomy = spots((300, 0), capacity=[20.0])

    plain = suggest_sites(coverage, "elderly_care", candidates=spots((300, 0)))
    passed_over = suggest_sites(coverage, "elderly_care", candidates=roomy)
    counted = suggest_sites(coverage, "elderly_care", candidates=roomy, choices=SitingChoices(places=50))

    assert any("Every walk is there and back" in line for line in sentences(plain, "en"))
    assert not any("room for" in line for line in sentences(plain, "en"))
    assert any("Capacities are known here and not counted" in line for line in sentences(passed_over, "en"))
    assert passed_over.sites["residents_gained"].sum() == 100
    assert any("has room for its places only" in line for line in sentences(counted, "en"))
    assert counted.sites["residents_gained"].sum() == 20


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_goal_has_its_words(lang: str) -> None:
    coverage = measure_coverage(toy_town(data="synthetic sample"), STANDARD)
    for choices in (
        SitingChoices(goal="walk"),
        SitingChoices(goal="fair"),
        SitingChoices(places=50),
        SitingChoices(target_share=0.3),
    ):
        suggestion = suggest_sites(coverage, "elderly_care", candidates=spots(*PLACES), choices=choices)
        text = page(suggestion, sections(suggestion, None, lang, longest_m=150), lang)
        assert "{" not in text
        assert ("Synthetic" if lang == "en" else "合成示例") in text
    nothing = suggest_sites(coverage, "elderly_care", candidates=spots((0, 0)).iloc[:0])
    assert len(sentences(nothing, lang)) == 1
    assert lines(
        nothing, sections(nothing, suggest_links(coverage, "elderly_care"), lang, longest_m=150), lang
    )


def test_the_folder_holds_it_all(tmp_path: Path) -> None:
    suggestion, links = suggested()

    paths = save_siting(suggestion, links, tmp_path / "out", lang="en", longest_link_m=250)

    assert list(paths) == [name for name in FILES if name != "sensitivity.csv"]
    sites = pd.read_csv(paths["sites.csv"])
    assert sites["residents_gained"].tolist() == [270, 157, 80]
    assert sites["data"].tolist() == ["real"] * 3
    assert pd.read_csv(paths["links.csv"])[["lon", "lat", "lon_to", "lat_to"]].notna().all(axis=None)
    for name, frame in (
        ("sites", suggestion.sites),
        ("alternatives", suggestion.alternatives),
        ("links", links),
    ):
        drawn = gpd.read_file(paths["siting.gpkg"], layer=name)
        assert drawn.geometry.geom_equals_exact(frame.geometry, 1e-6).all()
        assert drawn.crs == frame.crs
    record = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert (record["value"], record["bound"], record["candidates"]) == (507, 507, 4)
    with pytest.raises(FileError, match="overwrite"):
        save_siting(suggestion, links, tmp_path / "out", lang="en", longest_link_m=250)
    save_siting(suggestion, links, tmp_path / "out", lang="zh", longest_link_m=250, overwrite=True)


def test_the_map_is_whole_and_asks_for_nothing(visit: Visitor, tmp_path: Path) -> None:
    suggestion, links = suggested(data="synthetic sample")
    paths = save_siting(suggestion, links, tmp_path / "out", lang="zh", longest_link_m=250)

    with visit(paths["siting.html"]) as seen:
        assert seen.is_quiet
        assert seen.colors() > 20
        assert "合成示例" in seen.page.locator(".lc-sample").inner_text()
        overlays = seen.page.locator(".leaflet-control-layers-overlays label")
        assert overlays.count() == 6
        for number in range(6):
            overlays.nth(number).click()
            overlays.nth(number).click()
        field = seen.page.locator(".lc-search input")
        field.fill("gate")
        field.press("Enter")
        assert "270" in seen.page.locator(".leaflet-popup-content").inner_text()
        assert seen.is_quiet


def test_the_map_draws_what_was_found() -> None:
    suggestion, links = suggested()

    data = data_of(draw_siting(suggestion, links, lang="en").get_root().render())

    assert data["sites"]["gained"] == [270, 157, 80]
    assert data["links"]["metres"] == [200]
    assert len(unpacked(data["gaps"])) > 0
    assert data["curve"][3][1] == pytest.approx(507 / 657, abs=1e-4)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_runs(payload: str, visit: Visitor, tmp_path: Path) -> None:
    facilities = toy_facilities([(payload, payload, "clinic", (0, 0)), *FACILITIES])
    suggestion, links = suggested(names=[payload] * 4, facilities=facilities)
    paths = save_siting(suggestion, links, tmp_path / "out", lang="en", longest_link_m=250)

    with visit(paths["siting.html"]) as seen:
        assert seen.is_quiet
        assert seen.page.title().startswith("Toy Town")
    assert "<img" not in paths["siting.md"].read_text(encoding="utf-8")


# ---------------------------------------------------------------------- typed


@pytest.mark.usefixtures("sample")
def test_suggest_tells_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plots = tmp_path / "plots.csv"
    plots.write_text(
        "名称,经度,纬度,投资\n旧厂,119.9322,28.4350,120\n旧校,119.9473,28.4564,80\n", encoding="utf-8"
    )
    words = [
        "suggest",
        "--city",
        "lishui",
        "--service",
        "clinic",
        "--sites",
        "1",
        "--lang",
        "en",
        "--links",
        "0",
    ]

    assert run(*words, "--candidates", str(plots), "--budget", "100") == 0

    said = capsys.readouterr()
    assert "Synthetic sample" in said.out
    assert "旧校" in said.out
    assert "旧厂" not in said.out
    assert "[7/9]" in said.err
    out = tmp_path / "outputs" / "lishui-clinic-sites"
    assert {path.name for path in out.iterdir()} == {*FILES, "export.json"} - {"links.csv", "sensitivity.csv"}
    assert run(*words) == 1
    assert "overwrite" in capsys.readouterr().err


@pytest.mark.usefixtures("sample")
def test_whatif_tells_who_gains_and_who_loses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(
        "whatif", "--city", "lishui", "--lang", "en", "--minutes", "15",
        "--add", "clinic@119.932158,28.435011", "--remove", "F001",
        "--link", "119.9215,28.4497,119.9219,28.4495",
    )  # fmt: skip

    assert code == 0
    said = capsys.readouterr().out
    # the site that the sample's best choice of one holds: 7,698 people, as `suggest` promises
    assert "7,698 residents gained cover" in said
    assert "What if: 示例幼儿园01 (F001) removed; a link from 119.92150, 28.44970" in said
    assert "示例社区25·江南二区\tClinic\t15 min" in said
    out = tmp_path / "outputs" / "lishui-whatif"
    data = data_of((out / "compare.html").read_text(encoding="utf-8"))
    assert len(unpacked(data["links"])) == 1
    assert {path.name for path in out.iterdir()} == {
        "compare.csv",
        "compare.md",
        "compare.html",
        "export.json",
    }


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("whatif", "--city", "lishui"), 2, "Nothing was changed"),
        (("whatif", "--city", "lishui", "--add", "clinic"), 2, "SERVICE@LON,LAT"),
        (("whatif", "--city", "lishui", "--link", "1,2,3"), 2, "LON,LAT,LON,LAT"),
        (("whatif", "--city", "lishui", "--remove", "F999"), 1, "no facility with the id F999"),
        (("whatif", "--city", "lishui", "--add", "casino@119.9,28.4"), 1, "casino"),
        (
            ("whatif", "--city", "lishui", "--status", "拟建"),
            1,
            "No facility of this city has a status",
        ),
        (("suggest", "--city", "lishui", "--service", "casino"), 1, "casino"),
        (("suggest", "--city", "lishui", "--service", "clinic", "--target", "120%"), 2, "no share"),
        (
            ("suggest", "--city", "lishui", "--service", "clinic", "--goal", "fair", "--budget", "5"),
            1,
            "exclude",
        ),
        (("suggest", "--city", "nowhere", "--service", "clinic"), 1, "nowhere"),
    ],
)
def test_wrong_words_are_told_and_nothing_is_written(
    words: tuple[str, ...], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, "--lang", "en") == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "outputs").exists()


@pytest.mark.usefixtures("sample")
def test_what_is_planned_counts_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "plans"
    shutil.copytree(SAMPLE, folder)
    rows = (folder / "facilities.csv").read_text(encoding="utf-8-sig").splitlines()
    planned = ["状态", *("拟建" if number % 2 else "建成" for number in range(len(rows) - 1))]
    text = "\n".join(f"{row},{status}" for row, status in zip(rows, planned, strict=True))
    (folder / "facilities.csv").write_text(text, encoding="utf-8")

    assert run("whatif", "--city", str(folder), "--status", "拟建", "--lang", "en", "--out", "built") == 0

    said = capsys.readouterr().out
    assert "What if: 拟建 facilities stand." in said
    # with every second facility planned, all of the sample's stand in the end
    standard = lc.load_standard("life-circle")
    share = lc.measure_coverage(lc.load_city("lishui"), standard).share()
    after = pd.read_csv("built/compare.csv").query("community_id.isna()")
    assert after["residents_covered_after"].tolist() == pytest.approx(share["residents_covered"], abs=1e-3)
    assert (after["residents_covered_before"] < after["residents_covered_after"]).all()


@pytest.mark.usefixtures("sample")
def test_a_facility_far_from_every_street_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--add", "clinic@119.0,28.0", "--round-trip")
    assert run("whatif", "--city", "lishui", "--lang", "en", *words) == 0

    said = capsys.readouterr().out
    assert "more than 200 m from every public street" in said
    assert "Every walk is there and back" in said
