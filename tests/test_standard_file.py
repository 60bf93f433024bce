"""Is every standard read as its file says, with the source and grade of every number?"""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest

from lifecircle.catalog import list_standards, load_standard
from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, FileError, UnknownNameError
from lifecircle.kinds import GRADES
from lifecircle.requirement import Figure
from lifecircle.standard import EVERYBODY, Limit, Standard, Target

FOLDER = Path(load_standard.__code__.co_filename).parent / "standards"

STANDARD_TOML = """
id = "own"
name = { zh = "自定", en = "Own" }
minutes = [10, 15]
minutes_source = "本社区 (this community)"
minutes_grade = "S"

[[services]]
kind = "kindergarten"
osm = [{ amenity = "kindergarten" }]

[[services]]
id = "care"
kinds = ["day_care", "nursing_home"]

[[services]]
id = "clinic"
kinds = ["clinic"]
pace_mps = 1.2
pace_source = "实测 (measured)"
pace_grade = "V"
color = "#009E73"
"""


def test_a_standard_of_ones_own_is_read_by_path(elsewhere: Path) -> None:
    (elsewhere / "own.toml").write_text(
        STANDARD_TOML.replace("pace_mps = 1.2", "pace_mps = 1.0"), encoding="utf-8-sig"
    )
    own = load_standard(Path("own.toml"))
    assert own == load_standard("own.toml")
    assert own.service("clinic").pace_mps == 1.0
    plain = load_standard().service("kindergarten")
    # OpenStreetMap's nurseries count where a standard says no more than its tags.
    (kind,) = own.service("kindergarten").kinds
    assert (kind.osm, kind.osm_except, kind.keywords) == (
        plain.kinds[0].osm,
        plain.kinds[0].osm_except,
        plain.kinds[0].keywords,
    )


def test_a_service_of_ones_own_is_ten_lines(elsewhere: Path) -> None:
    (elsewhere / "own.toml").write_text(
        STANDARD_TOML
        + """
[[services]]
id = "charging"
name = { zh = "充电站", en = "Charging" }
pace = "adult"
osm = [{ amenity = "charging_station" }]
keywords = ["充电站", "充电桩"]
color = "#AA3377"
""",
        encoding="utf-8",
    )
    charging = load_standard("own.toml").service("charging")
    (kind,) = charging.kinds
    assert (kind.id, kind.keywords, kind.matches({"amenity": "charging_station"})) == (
        "charging",
        ("充电站", "充电桩"),
        True,
    )
    assert (charging.pace_mps, charging.color) == (1.2, "#AA3377")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("pace_mps = 1.2", "pace_mps = 12", "clinic: pace_mps = 12"),
        ("pace_mps = 1.2", 'pace_mps = "fast"', "services[3].pace_mps = 'fast' must be a number"),
        ("pace_mps = 1.2", "pace_mph = 3", "services[3].pace_mph is not a known setting"),
        ('pace_grade = "V"', "", "services[3].pace_grade is missing"),
        ('"day_care"', '"castle"', "services[2].kinds[1] = castle is not known. Known here: "),
        (
            'kind = "kindergarten"',
            'kind = "park"\npace = "dog"',
            "pace = dog is not known. Known here: adult, elder",
        ),
        ("minutes = [10, 15]", "minutes = [15, 10]", "kindergarten: 15 min, 10 min must be"),
        ("minutes = [10, 15]", "minutes = 15", "minutes = 15 must be a list"),
        ('minutes_grade = "S"', 'minutes_grade = "A+"', "grade = A+"),
        ("minutes = [10, 15]", "minutes = [15, 900]", "own.toml: own: limit: 900 min cannot be used"),
        ("minutes = [10, 15]", "", "there is no [[services]] that"),
        ("pace_mps = 1.2", "pace_mps = 1.2\nmetres = [500]", "services[3].limit_source is missing"),
        (
            "pace_mps = 1.2",
            'pace_mps = 1.2\nmetres = [50000]\nlimit_source = "x"\nlimit_grade = "V"',
            "own.toml: clinic: limit: 50000 m cannot be used",
        ),
        (
            "pace_mps = 1.2",
            "pace_mps = 1.2\nmetres = [5]\nminutes = [5]",
            "clinic: minutes and metres both",
        ),
        ("pace_mps = 1.2", 'pace_mps = 1.2\nlimit_source = "x"', "services[3].limit_source is not a known"),
        ("pace_mps = 1.2", "pace_mps = 1.2\nlimits = [{ value = 5 }]", "services[3].limits.unit is missing"),
        ('osm = [{ amenity = "kindergarten" }]', "osm = [3]", "services[1].osm = 3 must be a table"),
        ('{ amenity = "kindergarten" }', "{ amenity = 1 }", "services[1].osm.amenity = 1 must be text"),
        ('id = "clinic"', 'id = "kindergarten"', "kindergarten, care, kindergarten"),
        ('color = "#009E73"', 'colour = "#009E73"', "services[3].colour is not a known setting"),
    ],
)
def test_a_wrong_standard_is_told_by_file_key_and_value(
    elsewhere: Path, before: str, after: str, said: str
) -> None:
    assert before in STANDARD_TOML
    (elsewhere / "own.toml").write_text(STANDARD_TOML.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_standard("own.toml")
    assert said in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_limits_flow_from_the_top_to_the_services_that_give_none(elsewhere: Path) -> None:
    own = STANDARD_TOML.replace(
        'kind = "kindergarten"',
        'kind = "kindergarten"\nmetres = [300, 500]\nlimit_source = "here"\nlimit_grade = "V"',
    ).replace(
        "pace_mps = 1.2",
        'pace_mps = 1.2\nlimits = [{ value = 5, unit = "min", source = "this", grade = "S" },'
        ' { value = 20, unit = "min", source = "that", grade = "M" }]',
    )
    (elsewhere / "own.toml").write_text(own, encoding="utf-8")
    kindergarten, elderly, clinic = load_standard("own.toml").services
    assert kindergarten.limits == (Limit(300.0, "m", "here", "V"), Limit(500.0, "m", "here", "V"))
    assert [limit.source for limit in elderly.limits] == ["本社区 (this community)"] * 2
    assert clinic.limits == (Limit(5.0, "min", "this", "S"), Limit(20.0, "min", "that", "M"))


def test_a_standard_and_a_city_say_how_much_of_a_community_must_be_covered(elsewhere: Path) -> None:
    assert load_standard("life-circle").target == EVERYBODY
    own = 'id = "own"\nextends = "life-circle"\n'
    target = '[target]\nshare = 0.85\nsource = "长沙"\ngrade = "S"\n'
    (elsewhere / "own.toml").write_text(own + target, encoding="utf-8")
    assert load_standard("own.toml").target == Target(0.85, "长沙", "S")
    (elsewhere / "more.toml").write_text('id = "more"\nextends = "own.toml"\n', encoding="utf-8")
    assert load_standard("more.toml").target == Target(0.85, "长沙", "S")
    for wrong, said in (("0.85", "85"), ("0.85", "0"), ('grade = "S"', ""), ("0.85", '"85%"')):
        (elsewhere / "own.toml").write_text(own + target.replace(wrong, said), encoding="utf-8")
        with pytest.raises(DataError, match=r"target|share"):
            load_standard("own.toml")


def test_an_unknown_standard_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="life-circle"):
        load_standard("gb50180")
    with pytest.raises(FileError, match=r"nowhere\.toml cannot be read"):
        load_standard("nowhere.toml")


def test_a_standard_that_extends_another_overrides_by_id_and_says_whose_numbers_are_whose(
    elsewhere: Path,
) -> None:
    (elsewhere / "base.toml").write_text(STANDARD_TOML, encoding="utf-8")
    (elsewhere / "own.toml").write_text(
        """
id = "mine"
extends = "base.toml"
source = "我的 (mine)"
without = ["care"]

[[services]]
id = "clinic"
metres = [400]
limit_grade = "M"

[[services]]
kind = "park"
""",
        encoding="utf-8",
    )
    own, base = load_standard("own.toml"), load_standard("base.toml")
    assert (own.id, own.name) == ("mine", base.name)
    assert [service.id for service in own.services] == ["kindergarten", "clinic", "park"]
    assert own.service("kindergarten") == base.service("kindergarten")
    assert own.service("clinic").limits == (Limit(400.0, "m", "我的 (mine)", "M"),)
    assert own.service("clinic").pace_source == "实测 (measured)"
    assert {limit.source for limit in own.service("park").limits} == {"本社区 (this community)"}


def test_numbers_that_are_taken_over_keep_the_source_of_their_standard(elsewhere: Path) -> None:
    (elsewhere / "own.toml").write_text(
        'id = "mine"\nextends = "gb50180-2018"\nsource = "我的 (mine)"\n', encoding="utf-8"
    )
    own, base = load_standard("own.toml"), load_standard("gb50180-2018")
    assert dataclasses.replace(own, id=base.id, source=base.source) == base


def test_no_number_gets_the_source_or_grade_of_another(elsewhere: Path) -> None:
    (elsewhere / "own.toml").write_text(
        """
id = "mine"
extends = "gb50180-2018"
source = "我的 (mine)"

[[services]]
id = "nursing_home"
metres = [900]
limit_grade = "M"
figures = [{ id = "beds", value = 50, grade = "M" }]

[[services]]
id = "kindergarten"
pace_mps = 0.7
pace_source = "实测 (measured)"
pace_grade = "V"

[[services]]
id = "day_care"
kinds = ["day_care", "elderly_centre"]
""",
        encoding="utf-8",
    )
    own, base = load_standard("own.toml"), load_standard("gb50180-2018")
    home = own.service("nursing_home")  # what was not measured is, once a limit is given
    assert home.limits == (Limit(900.0, "m", "我的 (mine)", "M"),)
    figures = {figure.id: figure for figure in home.figures}
    assert (figures["beds"].source, figures["beds"].value) == ("我的 (mine)", (50.0,))
    assert figures["radius_m"].source == base.source
    kindergarten = own.service("kindergarten")
    assert (kindergarten.pace_mps, kindergarten.pace_source) == (0.7, "实测 (measured)")
    assert kindergarten.limits == base.service("kindergarten").limits
    assert [kind.id for kind in own.service("day_care").kinds] == ["day_care", "elderly_centre"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'extends = "gb50180-2018"\n[[services]]\nkind = "clinic"\nmetres = [400]\nlimit_grade = "M"',
            "services[18].limit_source is missing",  # it is not that of the national standard
        ),
        (
            'extends = "gb50437"\n[[services]]\nkind = "day_care"\nfigures = [{ id = "gfa_m2", value = 9 }]',
            "services[3].figures[2].source is missing",
        ),
        ('extends = "base.toml"', "base.toml: services[1] = 3 must be a table"),
        ('extends = "own.toml"', "extends = own.toml leads back to this file"),
        ('extends = "nothing"', "no standard nothing"),
        ('extends = "life-circle"\nwithout = ["park"]', "without = park is no service"),
        ('extends = "life-circle"\nwithout = ["kindergarten", "clinic", "elderly_care"]', "no [[services]]"),
        ('extends = "life-circle"\nservices = [3]', "services[4] = 3 must be a table"),
        ('extends = "life-circle"\nservices = 3', "services = 3 must be a list"),
        (
            'extends = "life-circle"\n[[services]]\nid = "clinic"\ntier = "5min"',
            "clinic: tier = 5min is not among",
        ),
        (
            'extends = "life-circle"\n[[services]]\nid = "clinic"\nages = "old"',
            "clinic: ages = old is no age group",
        ),
        (
            'extends = "life-circle"\n[[services]]\nid = "clinic"\nrequired = "yes"',
            "services[3].required = 'yes' must be true or false",
        ),
        (
            'extends = "life-circle"\nfigures = [{ id = "n", value = [9, 3], source = "x", grade = "M" }]',
            "n: 9, 3 is neither a number nor",
        ),
        (
            'extends = "life-circle"\nfigures = [{ id = "wings", value = 2, source = "x", grade = "M" }]',
            "id = wings is not known",
        ),
    ],
)
def test_a_wrong_extension_is_told(elsewhere: Path, text: str, said: str) -> None:
    (elsewhere / "base.toml").write_text('id = "base"\nservices = [3]', encoding="utf-8")
    (elsewhere / "own.toml").write_text(f'id = "own"\n{text}', encoding="utf-8")
    with pytest.raises((DataError, UnknownNameError)) as caught:
        load_standard("own.toml")
    assert said in str(caught.value)
    assert caught.value.in_language("zh") != str(caught.value)


def every(standard: Standard) -> list[Figure | Limit]:
    """Return every number of a standard that has a source and a grade."""
    asked = (*standard.services, *standard.unmeasured)
    figures = [figure for part in (standard, *standard.tiers, *asked) for figure in part.figures]
    return [*figures, *(limit for _, limit in standard.pairs)]


@pytest.mark.parametrize("name", list_standards())
def test_a_standard_of_the_catalog_is_sound(name: str) -> None:
    standard = load_standard(name)
    assert standard.id == name
    assert standard.source
    numbers = every(standard)
    assert all(one.grade in GRADES and one.source for one in numbers)
    for one in (standard, *standard.tiers, *standard.services, *standard.unmeasured):
        assert set(one.name) == {"zh", "en"}
    colors = [service.color for service in standard.services]
    assert len(set(colors)) == len(colors), "services of one map must be told apart"
    for first, second in itertools.combinations(standard.services, 2):
        shared = {kind.id for kind in first.kinds} & {kind.id for kind in second.kinds}
        assert shared <= {"whole_school"}, "only a nine-year school is two schools at once"


@pytest.mark.parametrize("name", list_standards())
def test_a_standard_is_read_back_from_the_record_of_a_run(name: str) -> None:
    standard = load_standard(name)
    record = json.loads(json.dumps(dataclasses.asdict(standard)))
    assert read_standard(Table(Path("run.json"), record)) == standard


def test_the_standards_planners_ask_for_are_there() -> None:
    assert set(list_standards()) >= {
        "life-circle",
        "zhejiang-future-community",
        "complete-community",
        "gb50180-2018",
        "gb50437",
        "tdt1062-2021",
        "tdt1063-2021",
        "mofcom-quarter-hour",
        "shanghai-2016",
        "island",
    }


def test_tiers_of_gb50180_do_not_stand_in_for_each_other() -> None:
    standard = load_standard("gb50180-2018")
    tiers = {tier.id: set[str]() for tier in standard.tiers}
    for service in standard.services:
        assert service.in_metres
        tiers[service.tier] |= {kind.id for kind in service.kinds}
    for first, second in itertools.combinations(tiers, 2):
        assert tiers[first] & tiers[second] <= {"whole_school"}
    assert "health_centre" not in {kind.id for kind in standard.service("health_station").kinds}
    assert any("do not nest" in note["en"] for note in standard.notes)
    assert not standard.service("nursery").required
    assert {one.id for one in standard.unmeasured} == {"outpatient", "nursing_home", "elderly_nursing"}


def test_island_says_that_its_numbers_are_ours_and_relaxes() -> None:
    island, plain = load_standard("island"), load_standard()
    for service in island.services:
        assert {limit.grade for limit in service.limits} == {"M"}
        assert all("本项目" in limit.source for limit in service.limits)
        assert service.limits[0].value > plain.service(service.id).limits[0].value
