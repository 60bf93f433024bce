"""Can a planner read what the catalog knows, in both languages?"""

import dataclasses
from pathlib import Path

import pytest
from commands import run_here

from lifecircle.catalog import list_standards, load_kinds, load_standard
from lifecircle.kinds import SCENES
from lifecircle.messages import LANGUAGES, listed, say
from lifecircle.render.standard_text import figure_rows, standard_rows
from lifecircle.standard import Walker
from lifecircle.walkable import AVOIDABLE

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", list_standards())
def test_a_standard_is_shown_with_every_number_its_grade_and_source(
    name: str, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("show", "standard", name, "--lang", lang) == 0
    shown = capsys.readouterr().out
    standard = load_standard(name)
    assert standard.label(lang) in shown
    for _, limit in standard.pairs:
        assert f": {limit.label(lang)} [{limit.grade}] {limit.source}" in shown
    for row in figure_rows(standard, lang):
        assert f"  {row.what}: {row.value} [{row.grade}] {row.source}" in shown
    for one in (*standard.services, *standard.unmeasured):
        assert f"\n{one.label(lang)} ({one.id})\n" in shown
    assert all(note[lang] in shown for note in standard.notes)


@pytest.mark.parametrize(
    ("lang", "said"),
    [("zh", "步行阈值: 缺：仅列出，不测算"), ("en", "Within: missing (缺): listed, not measured")],
)
def test_what_is_missing_is_shown_as_missing(
    lang: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("show", "standard", "gb50180-2018", "--lang", lang) == 0
    assert capsys.readouterr().out.count(said) == len(load_standard("gb50180-2018").unmeasured) == 3


def test_what_walkers_find_hard_is_shown(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "own.toml").write_text(
        'id = "own"\nextends = "life-circle"\n[[services]]\nid = "clinic"\n'
        '[services.walker]\nsteps_factor = 2\navoid = ["steps"]\nmax_slope = 0.08\n',
        encoding="utf-8",
    )
    assert run_here("show", "standard", "own.toml", "--lang", "zh") == 0
    assert "  台阶: 一米计 2 米\n  避开: 台阶\n  最大坡度: 0.08\n" in capsys.readouterr().out
    assert run_here("show", "standard", "own.toml", "--lang", "en") == 0
    assert "  Steps: a metre costs 2\n  Avoids: steps\n" in capsys.readouterr().out


def test_rows_of_both_languages_belong_together() -> None:
    for name in list_standards():
        zh, en = (
            [(row.grade, row.source) for row in standard_rows(load_standard(name), lang)]
            for lang in LANGUAGES
        )
        assert zh == en


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_kind_is_shown_with_what_it_is_known_by(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in load_kinds().values():
        assert run_here("show", "kind", kind.id, "--lang", lang) == 0
        shown = capsys.readouterr().out
        assert f"{kind.label(lang)} ({kind.id})" in shown
        assert listed(kind.keywords, lang) in shown
        assert "…" not in shown
        assert all(code in shown for code in kind.typecodes)


def test_kinds_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("list", "kinds", "--lang", "zh") == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}
    assert set(rows) == set(load_kinds())
    assert rows["kindergarten"] == ["幼儿园", "教育", "3-6 岁", "141204"]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("zh", ["盈二未来社区", "已收录，边界待核", "创建类型未知", "27.6 公顷 [S]", "9,842 人 [S]"]),
        (
            "en",
            [
                "Ying'er future community",
                "known, outline not sourced",
                "not known",
                "27.6 ha [S]",
                "9,842 people [S]",
            ],
        ),
    ],
)
def test_a_project_says_what_is_known_of_it(
    lang: str, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("list", "cities", "--lang", lang) == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in capsys.readouterr().out.splitlines()}
    assert all(part in shown for part, shown in zip(said, rows["yinger"], strict=True))
    assert len(rows["liandu"]) == 2
    assert "lifecircle fetch" in rows["liandu"][1]


def test_unknown_names_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here("show", "standard", "nothing", "--lang", "en") == 1
    assert "gb50180-2018" in capsys.readouterr().err
    assert run_here("show", "kind", "nothing", "--lang", "zh") == 1
    assert "kindergarten" in capsys.readouterr().err
    assert run_here("show", "city", "lishui") == 2


def test_the_nine_scenes_bear_their_published_names() -> None:
    names = ["邻里", "教育", "健康", "创业", "建筑", "交通", "低碳", "服务", "治理"]
    assert [say(f"standard.scene_{scene}", "zh") for scene in SCENES] == names


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("word", AVOIDABLE)
def test_what_walkers_avoid_is_said_in_words(word: str, lang: str) -> None:
    standard = load_standard("life-circle")
    service = dataclasses.replace(standard.services[0], walker=Walker(avoid=(word,)))
    shown = standard_rows(dataclasses.replace(standard, services=(service,)), lang)
    (said,) = [row.value for row in shown if row.what == say("standard.avoid", lang)]
    assert said == say(f"standard.avoid_{word}", lang)
    assert said.isascii() == (lang == "en")
