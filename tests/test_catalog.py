"""Are cities and standards found where they may be, and nowhere else?"""

from pathlib import Path

import openpyxl
import pytest

from lifecircle.catalog import (
    LayerFile,
    find_city,
    list_cities,
    user_cities_folder,
    write_city_folder,
)
from lifecircle.catalog.measures_file import load_measures
from lifecircle.errors import DataError, FileError, UnknownNameError

MINIMAL = """
osm = "streets.osm.pbf"
communities = "communities.gpkg"
[name]
zh = "小城"
en = "Smalltown"
"""

pytestmark = pytest.mark.usefixtures("elsewhere")


def make_city(folder: Path, text: str = MINIMAL) -> Path:
    folder.mkdir(parents=True)
    (folder / "city.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_city_file_says_what_the_city_is_made_of(elsewhere: Path) -> None:
    make_city(
        elsewhere / "small",
        'lang = "zh"\ncrs = "EPSG:4549"\nminutes = [5, 15]\nplace = "莲都区"\nhomes = "homes.gpkg"\n'
        'facilities = ["a.csv", { path = "b.xlsx", sheet = "养老", encoding = "gbk", crs = "EPSG:4490" }]\n'
        + MINIMAL
        + '[columns]\ncommunity = "名称"\n',
    )
    city = find_city("small")
    assert (city.id, city.lang, city.crs, city.minutes, city.place) == (
        "small",
        "zh",
        "EPSG:4549",
        (5.0, 15.0),
        "莲都区",
    )
    assert city.name == {"zh": "小城", "en": "Smalltown"}
    assert city.osm == elsewhere / "small" / "streets.osm.pbf"
    assert [layer.path.name for layer in city.facilities] == ["a.csv", "b.xlsx"]
    assert (city.facilities[1].sheet, city.facilities[1].encoding, city.facilities[1].crs) == (
        "养老",
        "gbk",
        "EPSG:4490",
    )
    assert city.columns == {"community": "名称"}
    assert not city.is_synthetic


def test_every_layer_may_say_what_is_known_of_it(elsewhere: Path) -> None:
    folder = make_city(
        elsewhere / "small",
        """
osm = "streets.osm"
communities = { path = "c.shp", encoding = "gb18030", crs = "EPSG:4528", datum = "gcj02" }
homes = { path = "h.xlsx", sheet = "楼", datum = "bd09" }
boundary = { path = "b.geojson", datum = "gcj02" }
facilities = [{ path = "f.gpkg", entrances = "gates.gpkg", datum = "wgs84" }]
[name]
zh = "小城"
en = "Smalltown"
""",
    )
    city = find_city("small")
    assert city.communities == LayerFile(folder / "c.shp", encoding="gb18030", crs="EPSG:4528", datum="gcj02")
    assert city.homes == LayerFile(folder / "h.xlsx", sheet="楼", datum="bd09")
    assert city.boundary == LayerFile(folder / "b.geojson", datum="gcj02")
    assert city.facilities == (LayerFile(folder / "f.gpkg", entrances=folder / "gates.gpkg", datum="wgs84"),)


def test_a_datum_that_nobody_knows_is_refused_in_both_languages(elsewhere: Path) -> None:
    lists = 'facilities = [{ path = "a.csv", datum = "GCJ02" }]\n'
    make_city(elsewhere / "small", lists + MINIMAL)
    with pytest.raises(DataError, match=r"a\.csv: GCJ02 is not a datum.*wgs84, gcj02, bd09") as refused:
        find_city("small")
    assert "高德数据为 gcj02" in refused.value.in_language("zh")


def test_places_are_searched_in_order(elsewhere: Path) -> None:
    places = [elsewhere / "small", elsewhere / "data" / "small", user_cities_folder() / "small"]
    for place in reversed(places):
        make_city(place)
        assert find_city("small").folder == place


def test_a_sample_never_shadows_a_real_city(elsewhere: Path) -> None:
    sample = make_city(elsewhere / "data" / "lishui", 'data = "synthetic sample"\n' + MINIMAL)
    assert find_city("lishui").folder == sample
    fetched = make_city(user_cities_folder() / "lishui")
    assert find_city("lishui").folder == fetched


def test_a_folder_without_streets_borrows_the_fetched_ones(elsewhere: Path) -> None:
    own = make_city(elsewhere / "small")
    fetched = make_city(user_cities_folder() / "small", 'data_area = "data_area.geojson"\n' + MINIMAL)
    city = find_city("small")
    assert city.osm == fetched / "streets.osm.pbf"
    assert city.data_area == LayerFile(fetched / "data_area.geojson")
    assert city.communities == LayerFile(own / "communities.gpkg")
    (own / "streets.osm.pbf").write_bytes(b"mine")
    assert find_city("./small").osm == own / "streets.osm.pbf"


def test_a_folder_is_a_path(elsewhere: Path) -> None:
    folder = make_city(elsewhere / "deep" / "in here")
    for spelling in ("./deep/in here", "deep/in here/", str(folder), folder):
        assert find_city(spelling).folder == folder
    with pytest.raises(FileError, match=r"holds no city\.toml"):
        find_city("./nowhere")


@pytest.mark.parametrize(
    "name", ["", "con", "COM1", "lpt9", "a b", "a.b", "x" * 65, "~", "%2e%2e", "a\n", "a\0", "C:", "*", "é"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot be the name of a city"):
        find_city(name)


@pytest.mark.parametrize("name", ["../../etc", "..", "/etc", "..\\..\\windows", "data/../../x"])
def test_a_path_without_a_city_is_no_city(name: str) -> None:
    with pytest.raises(FileError, match=r"holds no city\.toml"):
        find_city(name)


def test_a_name_does_not_follow_a_link_out(elsewhere: Path, tmp_path: Path) -> None:
    outside = make_city(tmp_path / "outside")
    (elsewhere / "small").symlink_to(outside)
    with pytest.raises(DataError, match="leads out of the folder"):
        find_city("small")
    assert find_city("./small").folder == outside, "a path says itself where it leads"


@pytest.mark.parametrize(
    "value",
    [
        "../secret.gpkg",
        "/etc/passwd",
        "a/../../b.gpkg",
        "C:/x.gpkg",
        "C:x.gpkg",
        "..\\\\x.gpkg",
        "http://example.org/x.gpkg",
        "/vsicurl/http://example.org/x.gpkg",
        "nul",
        "aux.gpkg",
        "",
        ".",
        "a\\u0000b",
    ],
)
def test_a_city_file_names_only_files_of_its_folder(elsewhere: Path, value: str) -> None:
    folder = make_city(elsewhere / "small", MINIMAL.replace("communities.gpkg", value))
    with pytest.raises(DataError, match="must name a file inside that folder") as caught:
        find_city("small")
    assert str(folder) in str(caught.value)
    assert "communities" in str(caught.value)


def test_a_city_file_does_not_follow_links_out(elsewhere: Path, tmp_path: Path) -> None:
    folder = make_city(elsewhere / "small")
    (tmp_path / "secret").write_text("x")
    (folder / "streets.osm.pbf").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"osm = streets\.osm\.pbf"):
        find_city("small")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + "zh =", "not valid TOML"),
        (MINIMAL.replace("osm =", "streets ="), "osm is missing"),
        ("comunities = 1\n" + MINIMAL, "comunities is not a known setting"),
        ("facilities = 3\n" + MINIMAL, "facilities = 3 must be a list"),
        ('facilities = [{ sheet = "a" }]\n' + MINIMAL, "facilities.path is missing"),
        ("place = 3\n" + MINIMAL, "place = 3 must be text"),
        ('minutes = ["ten"]\n' + MINIMAL, "must be a number"),
        ("minutes = [true]\n" + MINIMAL, "must be a number"),
        ('lang = "fr"\n' + MINIMAL, "lang = fr"),
        (MINIMAL.replace("[name]", "[names]"), "name is missing"),
        ("name = 1\n" + MINIMAL.replace("[name]", "[x]"), "name = 1 must be a table"),
        (MINIMAL.replace("en =", "fr ="), "name.en is missing"),
    ],
)
def test_a_wrong_city_file_is_told_by_file_and_key(elsewhere: Path, text: str, said: str) -> None:
    folder = make_city(elsewhere / "small", text)
    with pytest.raises(DataError) as caught:
        find_city("small")
    assert said in str(caught.value)
    assert str(folder / "city.toml") in str(caught.value)


def test_an_unknown_city_lists_the_known_ones(elsewhere: Path) -> None:
    make_city(elsewhere / "small")
    make_city(user_cities_folder() / "丽水")
    make_city(elsewhere / "not a name")
    assert {"small", "丽水"} <= set(list_cities())
    assert "not a name" not in list_cities()
    with pytest.raises(UnknownNameError, match=r"small.*丽水") as caught:
        find_city("atlantis")
    assert "atlantis" in caught.value.in_language("zh")


def test_a_new_city_folder_can_be_read_back(elsewhere: Path) -> None:
    folder = write_city_folder("mycity", "mycity")
    assert folder == elsewhere / "mycity"
    city = find_city("mycity")
    assert city.lang == "zh"
    assert [layer.path for layer in city.facilities] == [folder / "facilities.csv"]
    head = (folder / "facilities.csv").read_bytes()
    assert head.startswith(b"\xef\xbb\xbf")
    sheet = openpyxl.load_workbook(folder / "facilities.xlsx").active
    assert sheet is not None
    rows = [",".join(map(str, row)) for row in sheet.iter_rows(values_only=True)]
    assert rows == [head.decode("utf-8-sig").strip()]
    assert (folder / "COMMUNITIES.md").is_file()
    assert city.measures == folder / "measures.toml"
    assert load_measures(city.measures) == load_measures()


def test_a_new_city_never_touches_what_is_there(elsewhere: Path) -> None:
    make_city(elsewhere / "mycity", "mine")
    with pytest.raises(FileError, match="nothing was written"):
        write_city_folder("mycity", "mycity")
    assert [path.name for path in (elsewhere / "mycity").iterdir()] == ["city.toml"]
    with pytest.raises(DataError, match="cannot be the name"):
        write_city_folder("../other", "../other")
