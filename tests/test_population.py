"""Do the people of a raster end up where they live, all of them and each once?"""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from test_people import STREETS, buildings, communities, listed
from toy_town import CORNER, CRS, NAN, layer, points

from lifecircle.errors import DataError, FileError
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.messages import LANGUAGES, say
from lifecircle.people import place_people
from lifecircle.sources.population import read_population

LEFT, RIGHT = ("left", (0, 0, 500, 500), NAN), ("right", (500, 0, 1000, 500), NAN)
NODATA = -99999.0


def write_raster(
    path: Path,
    people: Any,
    *,
    cell: float = 100,
    west: float = 0,
    north: float = 500,
    **other: Any,
) -> Path:
    """Write people per cell of so many metres, the first row in the north; west and north from the corner."""
    values = np.array(people, dtype=np.float64)
    profile = {
        "driver": "GTiff",
        "height": values.shape[0],
        "width": values.shape[1],
        "count": 1,
        "dtype": "float64",
        "crs": CRS,
        "nodata": NODATA,
        "transform": rasterio.transform.from_origin(CORNER[0] + west, CORNER[1] + north, cell, cell),
    }
    with rasterio.open(path, "w", **(profile | other)) as raster:
        raster.write(values, 1)
    return path


def test_cells_without_buildings_become_homes(tmp_path: Path) -> None:
    areas = communities(LEFT, RIGHT)
    path = write_raster(tmp_path / "p.tif", [[10, NODATA, 0], [1.5, 2, np.nan]])
    grid = read_population(path, areas)
    assert sorted(grid.people.tolist()) == [0, 1.5, 2, 10]
    people = place_people(areas, STREETS, buildings(), grid=grid)
    of_left = people.homes[people.homes["community_id"] == "left"]
    at = np.column_stack([of_left.geometry.x, of_left.geometry.y]) - CORNER
    assert [*map(tuple, at.tolist())] == [(50, 450), (50, 350), (150, 350)]
    assert of_left["residents"].tolist() == [10, 1.5, 2]
    assert set(of_left["kind"]) == {"grid"}
    assert people.measure == "residents"
    # nobody lives in the right community, by the raster: its homes are places along its street
    assert people.homes.loc[people.homes["community_id"] == "right", "residents"].sum() == 0


def test_people_of_a_cell_are_shared_over_its_buildings_by_floor_area(tmp_path: Path) -> None:
    areas = communities(LEFT)
    path = write_raster(tmp_path / "p.tif", [[0, 40], [9, 7]], north=200)
    places = buildings((110, 110, 300), (190, 190, 100), (20, 20, NAN), (30, 30, 80), (420, 420, 50))
    people = place_people(areas, STREETS, places, grid=read_population(path, areas))
    # 40 by 3 to 1; 9 evenly, because a floor area is missing; 420, 420 is outside; 7 have no building
    assert people.homes["residents"].tolist() == [30, 10, 4.5, 4.5, 0, 7]
    assert people.homes["kind"].tolist() == ["building"] * 5 + ["grid"]
    assert people.quality["people.homes_in_raster"] == 4
    assert people.quality["people.homes_outside_raster"] == 1
    assert people.quality["people.homes_of_raster"] == 1


def test_a_population_that_is_given_goes_before_the_raster(tmp_path: Path) -> None:
    areas = communities(("left", LEFT[1], 1000.0), RIGHT)
    path = write_raster(tmp_path / "p.tif", [[3, 1, 0, 0, 0, 6]])
    people = place_people(areas, STREETS, buildings(), grid=read_population(path, areas))
    assert people.homes["residents"].tolist() == [750, 250, 6]


def test_a_population_where_the_raster_has_nobody_is_shared_out_by_floor_area(tmp_path: Path) -> None:
    areas = communities(("left", LEFT[1], 1000.0), RIGHT)
    path = write_raster(tmp_path / "p.tif", [[0, 0, 0, 0, 0, 6]])
    people = place_people(
        areas, STREETS, buildings((10, 410, 30), (20, 410, 10)), grid=read_population(path, areas)
    )
    assert people.homes["residents"].tolist() == [750, 250, 6]


def test_listed_homes_with_residents_go_before_the_raster(tmp_path: Path) -> None:
    areas = communities(LEFT)
    grid = read_population(write_raster(tmp_path / "p.tif", [[5]]), areas)
    people = place_people(areas, STREETS, buildings(), listed=listed((10, 410, 3, NAN)), grid=grid)
    assert people.homes["residents"].tolist() == [3]
    blank = place_people(areas, STREETS, buildings(), listed=listed((10, 410, NAN, NAN)), grid=grid)
    assert blank.homes["residents"].tolist() == [5]
    assert blank.homes["kind"].tolist() == ["list"]


@given(
    st.lists(st.lists(st.floats(0, 1e4), min_size=5, max_size=5), min_size=5, max_size=5),
    st.lists(st.tuples(st.floats(1, 499), st.floats(1, 499), st.floats(0.5, 1e4)), max_size=12),
)
@cases(30)
def test_nobody_is_lost_inside_communities(
    tmp_path_factory: pytest.TempPathFactory,
    people: list[list[float]],
    places: list[tuple[float, float, float]],
) -> None:
    areas = communities(LEFT)
    path = write_raster(tmp_path_factory.mktemp("raster") / "p.tif", people)
    placed = place_people(areas, STREETS, buildings(*places), grid=read_population(path, areas))
    assert placed.homes["residents"].sum() == pytest.approx(np.sum(people), rel=1e-12)


def test_a_raster_in_degrees_is_read_where_it_lies(tmp_path: Path) -> None:
    """Like WorldPop: EPSG:4326, 3 seconds of arc, far larger than the city; only its window is read."""
    areas = communities(LEFT, RIGHT)
    to_degrees = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)
    lon, lat = to_degrees.transform(CORNER[0] + 260.0, CORNER[1] + 240.0)
    side, half = 3 / 3600, 200
    people = np.full((2 * half, 2 * half), NODATA)
    people[half, half] = 12.5  # its middle is the point above
    transform = rasterio.transform.from_origin(
        lon - (half + 0.5) * side, lat + (half + 0.5) * side, side, side
    )
    path = write_raster(tmp_path / "p.tif", people, crs="EPSG:4326", transform=transform)
    grid = read_population(path, areas)
    assert grid.people.tolist() == [12.5]
    assert (grid.x[0] - CORNER[0], grid.y[0] - CORNER[1]) == pytest.approx((260, 240), abs=0.01)
    assert grid.cell_of(grid.x, grid.y).tolist() == [0]
    assert grid.cell_of(grid.x + 200, grid.y).tolist() == [-1]


def test_what_cannot_be_read_is_refused_with_a_cure(tmp_path: Path) -> None:
    areas = communities(LEFT)
    with pytest.raises(FileError, match=r"no\.tif"):
        read_population(tmp_path / "no.tif", areas)
    (tmp_path / "text.tif").write_text("people", encoding="utf-8")
    with pytest.raises(DataError, match="no GeoTIFF"):
        read_population(tmp_path / "text.tif", areas)
    cases: dict[str, tuple[list[list[float]], dict[str, Any]]] = {
        "coordinate system": ([[1.0]], {"crs": None}),
        "no number in or around": ([[1.0]], {"west": 90_000}),
        "holds no number": ([[NODATA]], {}),
        r"-5, a negative population, in row 1, column 0": ([[1.0, 2.0], [-5.0, 1.0]], {}),
        "rotated": ([[1.0]], {"transform": rasterio.Affine(70, 20, CORNER[0], 20, -70, CORNER[1])}),
    }
    for number, (message, (values, other)) in enumerate(cases.items()):
        path = write_raster(tmp_path / f"{number}.tif", values, **other)
        with pytest.raises(DataError, match=message):
            read_population(path, areas)


# ---------------------------------------------------------------------- households and age groups


def aged(**columns: list[float]) -> gpd.GeoDataFrame:
    return communities(("left", LEFT[1], 1000.0), ("right", RIGHT[1], 70.0)).assign(**columns)


PLACES = ((100, 100, 300), (200, 100, 100), (600, 100, 55))


def test_groups_are_shared_out_like_residents() -> None:
    areas = aged(residents_60plus=[200.0, 7.0], households=[400.0, 30.0])
    homes = place_people(areas, STREETS, buildings(*PLACES)).homes
    assert homes["residents_60plus"].tolist() == [150, 50, 7]
    assert homes["households"].tolist() == [300, 100, 30]


def test_nobody_of_a_group_lives_where_nobody_lives() -> None:
    areas = aged(residents_60plus=[200.0, 7.0])
    lists = listed((50, 50, 12, NAN), (60, 50, 0, NAN), (600, 50, 30, NAN))
    homes = place_people(areas, STREETS, buildings(), listed=lists).homes
    assert homes["residents_60plus"].tolist() == [200, 0, 7]


def test_a_group_that_some_community_lacks_is_not_counted() -> None:
    people = place_people(aged(residents_60plus=[200.0, NAN]), STREETS, buildings(*PLACES))
    assert "residents_60plus" not in people.homes
    assert people.quality["people.without_residents_60plus"] == 1


def test_shares_stand_in_for_missing_numbers_alone() -> None:
    people = place_people(
        aged(residents_60plus=[200.0, NAN]), STREETS, buildings(*PLACES), shares={"60+": 0.1, "3-6": 0.03}
    )
    assert people.homes["residents_60plus"].tolist() == pytest.approx([150, 50, 7])
    assert people.homes["residents_3_6"].tolist() == pytest.approx([22.5, 7.5, 2.1])
    assert people.quality["people.share_residents_60plus"] == 1
    assert people.quality["people.share_residents_3_6"] == 2


def test_homes_that_give_their_own_ages_keep_them() -> None:
    areas = aged(residents_60plus=[200.0, 7.0])
    lists = listed((50, 50, 12, NAN), (60, 50, 30, NAN), (600, 50, 30, NAN), (700, 50, 40, NAN))
    # On the left all homes say how many old people there are; on the right one does not: its community does.
    lists = lists.assign(residents_60plus=[5.0, 0.0, 3.0, NAN], households=[4.0, 9.0, 8.0, 7.0])
    homes = place_people(areas, STREETS, buildings(), listed=lists).homes
    assert homes["residents_60plus"].tolist() == [5, 0, 3, 4]
    assert homes["households"].tolist() == [4, 9, 8, 7]


def test_ages_of_homes_count_where_the_community_is_left_out_of_the_list_by_its_own_number() -> None:
    lists = listed((50, 50, 12, NAN)).assign(residents_3_6=[2.0])
    people = place_people(aged(residents_3_6=[NAN, 7.0]), STREETS, buildings(), listed=lists)
    of_right = people.homes["community_id"] == "right"
    assert people.homes.loc[~of_right, "residents_3_6"].tolist() == [2]
    assert people.homes.loc[of_right, "residents_3_6"].sum() == pytest.approx(7)
    people = place_people(aged(residents_3_6=[NAN, NAN]), STREETS, buildings(), listed=lists)
    assert "residents_3_6" not in people.homes  # nobody knows of the right: then the group is not counted
    assert people.quality["people.without_residents_3_6"] == 1
    people = place_people(aged(), STREETS, buildings(), listed=lists, shares={"3-6": 0.1})
    assert people.homes["residents_3_6"].sum() == pytest.approx(2 + 7)
    assert people.quality["people.share_residents_3_6"] == 1


@pytest.mark.parametrize("column", ["households", *AGE_COLUMNS.values()])
def test_what_some_community_lacks_is_told_in_both_languages(column: str) -> None:
    shares = {ages: 0.1 for ages, one in AGE_COLUMNS.items() if one == column}
    found = {
        item
        for given in ({}, shares)
        for item in place_people(
            aged(**{column: [3.0, NAN]}), STREETS, buildings(*PLACES), shares=given
        ).quality
        if item.endswith(column)
    }
    assert found == {f"people.without_{column}", *([f"people.share_{column}"] if shares else [])}
    assert len({say(item, lang) for item in found for lang in LANGUAGES}) == 2 * len(found)


def test_more_old_people_than_residents_are_told() -> None:
    people = place_people(aged(residents_60plus=[1200.0, 7.0]), STREETS, buildings(*PLACES))
    assert people.quality["people.groups_above_population"] == 1


def test_without_populations_homes_count_households() -> None:
    areas = communities(LEFT, RIGHT).assign(households=[400.0, 30.0], residents_60plus=[5.0, 5.0])
    people = place_people(areas, STREETS, buildings(*PLACES))
    assert people.measure == "households"
    assert people.homes["households"].tolist() == [300, 100, 30]


def test_points_of_a_layer_are_not_changed() -> None:
    places = layer(points([(100, 100)]), floor_m2=[5.0])
    before = places.copy()
    place_people(communities(LEFT), STREETS, places)
    assert places.equals(before)


def test_a_raster_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    areas = communities(LEFT)
    # 500 by 500 m in cells of 10 cm are 25 million, of which the file holds none
    claim = {"width": 10_000, "height": 10_000, "dtype": "uint8", "sparse_ok": True, "tiled": True}
    place = rasterio.transform.from_origin(CORNER[0], CORNER[1] + 500, 0.1, 0.1)
    path = tmp_path / "fine.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, crs=CRS, transform=place, **claim):
        pass
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"fine\.tif is not read: 100,\d+,\d+ cells"):
        read_population(path, areas)
    # 1.5 million homes, of a file of which each cell says the same
    path = write_raster(tmp_path / "full.tif", np.ones((1250, 1250)), cell=0.4, compress="deflate")
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"full\.tif is not read: 31,250,000 cells"):
        read_population(path, areas)
    for crs in ("EPSG:4978", 'LOCAL_CS["site",UNIT["metre",1]]'):  # of the whole earth, and of no place on it
        with pytest.raises(DataError, match="coordinate system"):
            read_population(write_raster(tmp_path / "odd.tif", [[1.0]], crs=crs), areas)
    for number, transform in enumerate(
        ((0, 0, CORNER[0], 0, 0, CORNER[1]), (1, 0, np.nan, 0, -1, CORNER[1]))
    ):
        other = write_raster(tmp_path / f"{number}.tif", [[1.0]], transform=rasterio.Affine(*transform))
        with pytest.raises(DataError):
            read_population(other, areas)
