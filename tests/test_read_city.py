"""Do files become the city they describe, and do whole real cities keep their figures?

The golden tables hold the totals of whole cities as they were when somebody last looked at them. After a
change that is meant to move them, look at the difference and write them anew::

    cd tests && python -c "import test_read_city; test_read_city.write_golden_tables()"
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from lifecircle.catalog import load_standard
from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.errors import DataError, FileError
from lifecircle.gaps import find_gaps
from lifecircle.messages import say
from lifecircle.sources.read_city import load_city, read_city
from lifecircle.supply import supplies_of

GOLDEN = Path(__file__).parent / "golden"
SAMPLE = Path(__file__).parents[1] / "data" / "lishui"

# Two streets in the valley of Lishui, 980 m and 440 m long, two blocks of flats, a kindergarten and a clinic.
NODES = {
    1: (119.900, 28.450), 2: (119.904, 28.450), 3: (119.910, 28.450), 4: (119.904, 28.454),
    11: (119.9018, 28.4502), 12: (119.9020, 28.4502), 13: (119.9020, 28.4504), 14: (119.9018, 28.4504),
    21: (119.9080, 28.4502), 22: (119.9082, 28.4502), 23: (119.9082, 28.4504), 24: (119.9080, 28.4504),
}  # fmt: skip
WAYS: list[tuple[list[int], dict[str, str]]] = [
    ([1, 2, 3], {"highway": "residential"}),
    ([2, 4], {"highway": "footway"}),
    ([11, 12, 13, 14, 11], {"building": "apartments", "building:levels": "5"}),
    ([21, 22, 23, 24, 21], {"building": "apartments", "building:levels": "10"}),
]
PLACES = [
    (119.9005, 28.4502, {"amenity": "kindergarten", "name": "OSM Kindergarten"}),
    (119.9095, 28.4502, {"amenity": "clinic", "name": "OSM Clinic"}),
]


def write_osm(path: Path) -> Path:
    """Write the streets, houses and places above as an OpenStreetMap file."""

    def tags(of: dict[str, str]) -> str:
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in of.items())

    nodes = [f'<node id="{ref}" version="1" lon="{x}" lat="{y}"/>' for ref, (x, y) in NODES.items()]
    for row, (x, y, what) in enumerate(PLACES, start=100):
        nodes.append(f'<node id="{row}" version="1" lon="{x}" lat="{y}">{tags(what)}</node>')
    for row, (refs, what) in enumerate(WAYS, start=1):
        line = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        nodes.append(f'<way id="{row}" version="1">{line}{tags(what)}</way>')
    path.write_text(f'<osm version="0.6">{"".join(nodes)}</osm>', encoding="utf-8")
    return path


def write_layer(path: Path, rows: list[tuple[tuple[float, float, float, float], dict[str, Any]]]) -> Path:
    """Write rectangles in degrees with their columns."""
    frame = gpd.GeoDataFrame(
        [row[1] for row in rows], geometry=[shapely.box(*row[0]) for row in rows], crs=4326
    )
    frame.to_file(path)
    return path


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


WEST = ((119.899, 28.448, 119.905, 28.456), {"编号": "w", "名称": "西社区", "人口": 300.0})
EAST = ((119.905, 28.448, 119.911, 28.456), {"编号": "e", "名称": "东社区", "人口": 100.0})


class Files(TypedDict):
    osm: Path
    communities: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a street file and a layer of communities of the same place."""
    return {
        "osm": write_osm(tmp_path / "streets.osm"),
        "communities": write_layer(tmp_path / "communities.gpkg", [WEST, EAST]),
    }


def test_city_of_two_files(files: Files) -> None:
    steps: list[str] = []
    city = read_city(**files, progress=steps.append)
    assert steps == ["streets", "communities", "facilities", "homes"]
    assert city.crs.to_epsg() == 4549
    assert city.lang == "zh"
    assert city.label("en") == "streets"
    assert city.communities["community"].to_list() == ["西社区", "东社区"]
    assert city.measure == "residents"
    assert city.homes["residents"].to_list() == pytest.approx([300, 100])
    assert city.homes["floor_m2"].iloc[1] == pytest.approx(2 * city.homes["floor_m2"].iloc[0], rel=1e-3)
    assert city.facilities["name"].to_list() == ["OSM Kindergarten", "OSM Clinic"]
    assert city.service_sources == {"kindergarten": "osm", "elderly_care": "", "clinic": "osm"}
    assert not city.is_synthetic
    assert [fact["role"] for fact in city.inputs] == ["osm", "communities"]
    for fact, path in zip(city.inputs, [files["osm"], files["communities"]], strict=True):
        assert fact["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert fact["size"] == path.stat().st_size
        assert Path(fact["path"]) == path


def test_every_row_of_data_quality_has_a_text_in_both_languages(files: Files) -> None:
    quality = read_city(**files).quality
    assert (quality["count"] > 0).all()
    assert "city.data_end_unknown" in set(quality["item"])  # the file names no bounds and no way is cut off
    for item in quality["item"]:
        assert say(item, "en").isascii() or "²" in say(item, "en")
        assert say(item, "zh") != say(item, "en")


def test_given_name_and_crs_are_used(files: Files, tmp_path: Path) -> None:
    degrees = write_csv(tmp_path / "list.csv", "名称,经度,纬度,类别\n甲,119.9095,28.4502,幼儿园\n")
    homes = write_csv(tmp_path / "homes.csv", "经度,纬度,人口\n119.9082,28.4502,9\n")
    city = read_city(**files, facilities=degrees, homes=homes, name="丽水一角", crs="EPSG:32650")
    assert city.name == {"en": "丽水一角", "zh": "丽水一角"}
    assert city.crs.to_epsg() == 32650
    assert city.homes.crs == city.network.crs == city.crs
    listed, clinic = city.facilities.geometry
    assert (
        listed.distance(clinic) < 1e-3
    )  # the list's degrees are degrees still, whatever the city is measured in


def test_official_list_goes_before_openstreetmap_for_the_services_it_names(
    files: Files, tmp_path: Path
) -> None:
    official = write_csv(
        tmp_path / "official.csv",
        "名称,经度,纬度,类别\n实验幼儿园,119.9095,28.4501,幼儿园\n敬老院,119.9041,28.4538,养老\n",
    )
    city = read_city(**files, facilities=official)
    assert dict(zip(city.facilities["name"], city.facilities["service"], strict=True)) == {
        "实验幼儿园": "kindergarten",
        "敬老院": "elderly_care",
        "OSM Clinic": "clinic",  # no list names a clinic
    }
    assert city.service_sources == {
        "kindergarten": "official.csv",
        "elderly_care": "official.csv",
        "clinic": "osm",
    }
    assert [fact["role"] for fact in city.inputs] == ["osm", "communities", "facilities"]
    minutes = measure_coverage(city, load_standard("life-circle")).minutes["kindergarten"]
    assert minutes.iloc[1] < minutes.iloc[0]  # the kindergarten of the list is in the east, OSM's in the west


def test_beds_of_openstreetmap_count_for_the_old_unless_a_list_names_the_service(
    files: Files, tmp_path: Path
) -> None:
    text = files["osm"].read_text(encoding="utf-8")
    home = {"amenity": "social_facility", "social_facility": "nursing_home", "capacity:beds": "40"}
    home |= {"social_facility:for": "senior", "name": "安养院"}
    tags = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in home.items())
    node = f'<node id="200" version="1" lon="119.9041" lat="28.4502">{tags}</node></osm>'
    school = '<tag k="amenity" v="kindergarten"/>'
    text = text.replace(school, f'{school}<tag k="capacity" v="about 90"/>').replace("</osm>", node)
    files["osm"].write_text(text, encoding="utf-8")
    city = read_city(**files)
    quality = city.quality.set_index("item")["detail"]
    assert quality["city.places_from_osm"] == "安养院"
    assert quality["tables.rows_bad_capacity"] == "streets.osm: n100 about 90"
    beds = city.facilities.set_index("name")["capacity"]
    assert beds["安养院"] == 40
    assert beds.drop("安养院").isna().all()
    assert supplies_of(measure_coverage(city, load_standard("life-circle"))).keys() == {"elderly_care"}
    listed = write_csv(tmp_path / "list.csv", "名称,经度,纬度,类别\n敬老院,119.9041,28.4538,养老\n")
    assert "city.places_from_osm" not in set(read_city(**files, facilities=listed).quality["item"])


def test_ids_stay_unique_over_several_lists(files: Files, tmp_path: Path) -> None:
    one = write_csv(
        tmp_path / "one.csv",
        "编号,名称,经度,纬度,类别\na,甲,119.901,28.45,幼儿园\na-2,乙,119.902,28.45,幼儿园\n",
    )
    two = write_csv(tmp_path / "two.csv", "编号,名称,经度,纬度,类别\na,丙,119.903,28.45,幼儿园\n")
    city = read_city(**files, facilities=[one, two])
    kindergartens = city.facilities[city.facilities["service"] == "kindergarten"]
    assert kindergartens["name"].to_list() == ["甲", "乙", "丙"]
    assert kindergartens["facility_id"].is_unique
    assert kindergartens["facility_id"].to_list()[:2] == ["a", "a-2"]
    assert city.service_sources["kindergarten"] == "one.csv, two.csv"


def test_homes_behind_a_wall_without_a_gate_are_told(files: Files) -> None:
    text = files["osm"].read_text(encoding="utf-8")
    corners = [(119.9016, 28.4501), (119.9022, 28.4501), (119.9022, 28.4506), (119.9016, 28.4506)]
    nodes = [f'<node id="{ref}" version="1" lon="{x}" lat="{y}"/>' for ref, (x, y) in enumerate(corners, 301)]
    ring = "".join(f'<nd ref="{ref}"/>' for ref in (301, 302, 303, 304, 301))
    wall = f'<way id="300" version="1">{ring}<tag k="barrier" v="wall"/></way></osm>'
    text = text.replace("<way", "".join(nodes) + "<way", 1).replace("</osm>", wall)
    files["osm"].write_text(text, encoding="utf-8")
    quality = read_city(**files).quality.set_index("item")["count"]
    assert quality["city.homes_walled_in"] == 1


def test_only_the_services_asked_for_are_read(files: Files) -> None:
    clinic = load_standard("life-circle").service("clinic")
    city = read_city(**files, services=[clinic])
    assert city.facilities["service"].to_list() == ["clinic"]
    assert city.service_sources == {"clinic": "osm"}


def test_listed_homes_replace_buildings(files: Files, tmp_path: Path) -> None:
    homes = write_csv(tmp_path / "homes.csv", "经度,纬度,人口\n119.9010,28.4501,7\n119.9090,28.4501,9\n")
    city = read_city(**files, homes=homes)
    assert city.homes["residents"].to_list() == [7, 9]
    assert city.homes["kind"].to_list() == ["list", "list"]
    assert [fact["role"] for fact in city.inputs] == ["osm", "communities", "homes"]


def test_facility_far_from_any_street_is_counted(files: Files, tmp_path: Path) -> None:
    far = write_csv(tmp_path / "far.csv", "名称,经度,纬度,类别\n山上幼儿园,119.9005,28.4555,幼儿园\n")
    city = read_city(**files, facilities=far)
    quality = city.quality.set_index("item")["count"]
    assert quality["city.facilities_off_network"] == 1
    assert "city.homes_off_network" not in quality


def test_communities_of_another_place_are_refused(files: Files, tmp_path: Path) -> None:
    elsewhere = ((120.899, 28.448, 120.905, 28.456), {"名称": "远方"})
    files["communities"] = write_layer(tmp_path / "elsewhere.gpkg", [elsewhere])
    with pytest.raises(DataError) as refusal:
        read_city(**files)
    assert refusal.value.key == "city.outside_streets"
    for lang in ("en", "zh"):
        message = refusal.value.in_language(lang)
        for part in ("elsewhere.gpkg", "streets.osm", "120.899", "119.900"):
            assert part in message


@pytest.mark.parametrize("role", ["osm", "communities", "facilities", "homes"])
def test_missing_file_is_named_with_its_role(files: Files, tmp_path: Path, role: str) -> None:
    given: dict[str, Any] = {**files, role: tmp_path / f"no_{role}.gpkg"}
    with pytest.raises(FileError) as refusal:
        read_city(**given)
    assert role in str(refusal.value)
    assert f"no_{role}.gpkg" in refusal.value.in_language("zh")


def write_city_toml(folder: Path, text: str) -> None:
    (folder / "city.toml").write_text(
        'osm = "streets.osm"\ncommunities = "communities.gpkg"\n'
        f'{text}\n[name]\nzh = "小城"\nen = "Small Town"\n',
        encoding="utf-8",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("role", ["osm", "communities", "facilities", "homes", "elevation"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "100 GB"])
def test_what_cannot_be_read_to_its_end_is_refused_before_it_is_tried(
    files: Files, tmp_path: Path, role: str, kind: str
) -> None:
    endings = {
        "osm": "osm.pbf",
        "communities": "gpkg",
        "facilities": "csv",
        "homes": "xlsx",
        "elevation": "tif",
    }
    odd = tmp_path / f"odd.{endings[role]}"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "device":
        odd.symlink_to("/dev/zero")
    elif kind == "folder":
        odd.mkdir()
    else:
        with odd.open("wb") as file:
            file.truncate(10**11)
    given: dict[str, Any] = {**files, role: odd}
    start = time.process_time()
    with pytest.raises((DataError, FileError), match=r"odd\."):
        read_city(**given)
    assert time.process_time() - start < 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of POSIX")
def test_a_city_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "city.toml").symlink_to("/dev/zero")
    with pytest.raises(FileError):
        load_city(tmp_path)
    (tmp_path / "city.toml").unlink()
    (tmp_path / "city.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(DataError, match="> 1000 kB"):
        load_city(tmp_path)


def test_city_folder_with_a_data_area_beyond_which_all_is_unknown(files: Files, tmp_path: Path) -> None:
    assert files["osm"].parent == tmp_path
    write_layer(tmp_path / "data_area.geojson", [((119.899, 28.4, 119.9095, 28.5), {"a": 1})])
    write_city_toml(tmp_path, 'lang = "zh"\ncrs = "EPSG:32651"\ndata_area = "data_area.geojson"')
    city = load_city(tmp_path)
    assert city.label("zh") == "小城"
    assert city.folder == tmp_path
    assert city.crs.to_epsg() == 32651
    assert [fact["role"] for fact in city.inputs] == ["osm", "communities", "data_area"]
    status = measure_coverage(city, load_standard("life-circle")).status(10)
    # the data ends 125 m east of the eastern flats and 730 m east of the western ones: 2.3 and 13.5 minutes
    assert status["elderly_care"].to_list() == ["gap", "unknown"]
    assert status["kindergarten"].to_list() == ["covered", "unknown"]
    assert "city.data_end_unknown" not in set(city.quality["item"])


def test_city_folder_with_barriers_of_its_own(files: Files, tmp_path: Path) -> None:
    # a strip between the western flats and the street 33 m below them; the next nearest street goes round it
    write_layer(tmp_path / "works.geojson", [((119.9010, 28.45005, 119.9025, 28.4501), {"a": 1})])
    write_city_toml(tmp_path, 'barriers = "works.geojson"')
    fenced, free = load_city(tmp_path), read_city(**files)
    assert [fact["role"] for fact in fenced.inputs] == ["osm", "communities", "barriers"]
    assert len(fenced.network.barriers) == 1
    standard = load_standard("life-circle")
    round_m, straight_m = (measure_coverage(city, standard).walks.metres[0, 0] for city in (fenced, free))
    assert round_m > straight_m + 10
    near = measure_coverage(fenced, standard, max_snap_m=40.0)
    assert near.walks.on_street[:, 0].tolist() == [False, True]
    given = load_city(tmp_path, barriers=write_layer(tmp_path / "none.geojson", [EAST]))
    assert given.inputs[-1]["path"].endswith("none.geojson")


def test_city_folder_of_synthetic_data_says_so(files: Files, tmp_path: Path) -> None:
    assert files["osm"].parent == tmp_path
    write_city_toml(tmp_path, 'data = "synthetic sample"\nlang = "en"')
    city = load_city(tmp_path)
    assert city.is_synthetic
    assert city.lang == "en"


# ---------------------------------------------------------------------- whole cities

Shared = Callable[[str], Path]


def las_palmas_city(find: Shared) -> City:
    return read_city(
        osm=find("las_palmas/las_palmas.osm.pbf"), communities=find("las_palmas/catchments.geojson")
    )


def measured(city: City) -> Coverage:
    return measure_coverage(city, load_standard("life-circle"))


def write_golden_tables() -> None:
    """Write the golden tables anew; to be run by hand, see the top of this file."""
    from conftest import SHARED_DATA

    cities = {"las_palmas": las_palmas_city(lambda name: SHARED_DATA / name), "lishui": load_city(SAMPLE)}
    for name, city in cities.items():
        totals = measured(city).totals().drop(columns="threshold_m")
        totals.to_csv(GOLDEN / f"{name}_totals.csv", index=False)


def assert_golden(name: str, coverage: Coverage) -> None:
    golden = pd.read_csv(GOLDEN / f"{name}_totals.csv", keep_default_na=False, na_values=["nan"])
    totals = coverage.totals()
    assert totals.pop("threshold_m").isna().all()  # all its services are met in minutes
    pd.testing.assert_frame_equal(totals, golden, check_dtype=False, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def las_palmas(shared_data: Shared) -> Coverage:
    return measured(las_palmas_city(shared_data))


@pytest.fixture(scope="module")
def lishui() -> Coverage:
    return measured(load_city(SAMPLE))


def test_las_palmas_is_read_whole(las_palmas: Coverage) -> None:
    city = las_palmas.city
    assert city.crs.to_epsg() == 32628
    assert city.lang == "en"
    assert len(city.communities) == 29
    assert city.measure == "floor_m2"  # the catchments have no populations
    assert set(city.homes["kind"]) == {"building"}
    assert 15_000 < len(city.homes) < 25_000
    assert set(city.service_sources.values()) == {"osm"}
    assert city.facilities["service"].value_counts().min() > 10


def test_las_palmas_keeps_its_totals(las_palmas: Coverage) -> None:
    assert_golden("las_palmas", las_palmas)


def test_las_palmas_people_add_up(las_palmas: Coverage) -> None:
    communities = las_palmas.by_community()
    keys = ["community_id", "service", "threshold_minutes"]
    in_gaps = find_gaps(las_palmas).groupby(keys)["floor_m2"].sum()
    expected = communities.set_index(keys)["floor_m2_gap"]
    np.testing.assert_allclose(in_gaps.reindex(expected.index, fill_value=0.0), expected, rtol=1e-9)
    summed = communities.groupby(keys[1:], sort=False)[["floor_m2", "floor_m2_covered", "floor_m2_gap"]].sum()
    np.testing.assert_allclose(summed, las_palmas.totals()[summed.columns], rtol=1e-9)


def test_straight_line_buffer_covers_more_of_las_palmas_than_the_walk(las_palmas: Coverage) -> None:
    assert (las_palmas.walks.metres >= las_palmas.straight_m - 1e-6).all()
    weight = las_palmas.city.weight
    for row in las_palmas.totals().to_dict("records"):
        column = las_palmas.minutes.columns.get_loc(row["service"])
        reach = row["threshold_minutes"] * 60 * las_palmas.standard.service(row["service"]).pace_mps
        within = weight[las_palmas.straight_m[:, column] <= reach].sum()
        assert within > 1.1 * row["floor_m2_covered"]


def test_sample_city_keeps_its_totals(lishui: Coverage) -> None:
    assert lishui.city.is_synthetic
    assert lishui.city.measure == "residents"
    assert_golden("lishui", lishui)


def test_sample_city_has_gaps_of_every_kind(lishui: Coverage) -> None:
    gaps = find_gaps(lishui)
    assert set(gaps["reason"]) == {"no_facility", "detour", "off_network"}
    communities = lishui.by_community()
    keys = ["community_id", "service", "threshold_minutes"]
    expected = communities.set_index(keys)["residents_gap"]
    in_gaps = gaps.groupby(keys)["residents"].sum().reindex(expected.index, fill_value=0.0)
    np.testing.assert_allclose(in_gaps, expected, rtol=1e-9)
