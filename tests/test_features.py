import contextlib
import json
import math
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from lifecircle.catalog import LayerFile
from lifecircle.errors import DataError, FileError
from lifecircle.sources.features import read_features
from lifecircle.sources.notes import Note
from lifecircle.sources.opening import Limits

CRS = "EPSG:4549"  # CGCS2000, central meridian 120 E: the CRS of Lishui
SQUARE = box(492_000, 3_148_000, 493_000, 3_149_000)
NEXT = box(493_000, 3_148_000, 494_000, 3_149_000)
ANY_SHARE = Limits(max_dropped_share=1.0)


def write(file: Path, geometries: list[object], **columns: list[object]) -> LayerFile:
    gpd.GeoDataFrame(columns, geometry=geometries, crs=CRS).to_file(file)
    return LayerFile(file)


def write_json(file: Path, **document: object) -> LayerFile:
    file.write_text(json.dumps(document), encoding="utf-8")
    return LayerFile(file)


def feature(kind: str, coordinates: object, **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


@contextlib.contextmanager
def editing(file: Path) -> Iterator[sqlite3.Connection]:
    """Yield a GeoPackage's tables, without the triggers that need GDAL's own functions."""
    database = sqlite3.connect(file)
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    yield database
    database.commit()
    database.close()


def counts(notes: list[Note]) -> dict[str, int]:
    return {item.removeprefix("tables."): count for item, count, _ in notes}


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_a_layer_is_read_in_the_citys_crs(tmp_path: Path, ending: str) -> None:
    source = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[SQUARE, NEXT], crs=CRS).to_crs(4490)
    source.to_file(tmp_path / f"layer.{ending}", encoding="utf-8" if ending == "shp" else None)
    notes: list[Note] = []
    layer = read_features(LayerFile(tmp_path / f"layer.{ending}"), notes, crs=CRS, polygons=True)
    assert layer.crs == CRS
    assert list(layer["name"]) == ["甲", "乙"]
    assert shapely.hausdorff_distance(layer.geometry.to_numpy(), [SQUARE, NEXT]).max() < 0.02
    assert notes == [("tables.rows_read", 2, f"layer.{ending}")]


@pytest.mark.parametrize("text", ["UTF-8", "GBK", "936", "ANSI 936", "cp936", "nonsense", None])
def test_a_shapefile_is_decoded_by_its_cpg_or_by_what_fits(tmp_path: Path, text: str | None) -> None:
    file = write(tmp_path / "layer.shp", [SQUARE, NEXT], 名称=["紫金社区", "白云社区"], 人口=[5, 6])
    encoding = "utf-8" if text == "UTF-8" else "gb18030"
    layer = gpd.read_file(file.path)
    layer.to_file(file.path, encoding=encoding)
    cpg = file.path.with_suffix(".cpg")
    cpg.unlink()
    if text is not None:
        cpg.write_text(text)
    notes: list[Note] = []
    read = read_features(file, notes, crs=CRS)
    assert list(read["名称"]) == ["紫金社区", "白云社区"]
    assert list(read["人口"]) == [5, 6]
    guessed = [detail for item, _, detail in notes if item == "tables.encoding_guessed"]
    assert guessed == ([] if text not in {None, "nonsense"} else ["layer.shp: gb18030: 名称; 人口; 紫金社区"])


def test_utf8_without_a_cpg_is_tried_before_gb18030_and_an_encoding_overrides(tmp_path: Path) -> None:
    file = write(tmp_path / "layer.shp", [SQUARE], name=["紫金社区"])
    file.path.with_suffix(".cpg").unlink()
    assert read_features(file, [], crs=CRS)["name"].iloc[0] == "紫金社区"
    gpd.GeoDataFrame({"name": ["RAMÓN"]}, geometry=[SQUARE], crs=CRS).to_file(
        file.path, encoding="ISO-8859-1"
    )
    file.path.with_suffix(".cpg").unlink()
    told = LayerFile(file.path, encoding="latin-1")
    assert read_features(told, [], crs=CRS)["name"].iloc[0] == "RAMÓN"
    with pytest.raises(DataError, match="cannot be read as ascii"):
        read_features(LayerFile(file.path, encoding="ascii"), [], crs=CRS)


def test_a_name_cut_within_a_character_loses_only_that_character(tmp_path: Path) -> None:
    file = write(tmp_path / "layer.shp", [SQUARE, NEXT], name=["紫金社区", "x"])
    gpd.GeoDataFrame({"name": ["紫金社区", "x"]}, geometry=[SQUARE, NEXT], crs=CRS).to_file(
        file.path, encoding="gb18030"
    )
    file.path.with_suffix(".cpg").unlink()
    dbf = file.path.with_suffix(".dbf")
    whole = "紫金社区".encode("gb18030")
    dbf.write_bytes(dbf.read_bytes().replace(whole, whole[:-1] + b" "))
    assert list(read_features(file, [], crs=CRS)["name"]) == ["紫金社", "x"]


def test_the_crs_member_of_old_geojson_is_honoured(tmp_path: Path) -> None:
    member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    square = feature("Polygon", [list(SQUARE.exterior.coords)])
    file = write_json(tmp_path / "a.geojson", type="FeatureCollection", crs=member, features=[square])
    assert read_features(file, [], crs=CRS).geometry.iloc[0].equals(SQUARE)


@pytest.mark.parametrize(
    "member",
    [
        {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}},
        {"type": "name", "properties": {"name": "+proj=longlat +nadgrids=/etc/passwd"}},
        {"type": "name", "properties": {"name": "EPSG:999999"}},
        {"type": "EPSG", "properties": {"code": 4549}},
    ],
)
def test_a_crs_that_is_a_link_or_not_known_is_refused(tmp_path: Path, member: object) -> None:
    file = write_json(
        tmp_path / "a.geojson", type="FeatureCollection", crs=member, features=[feature("Point", [120, 28])]
    )
    with pytest.raises(DataError, match="declares a CRS that is not known"):
        read_features(file, [], crs=CRS)


def test_geojson_without_a_crs_is_wgs84_unless_its_numbers_say_otherwise(tmp_path: Path) -> None:
    degrees = write_json(tmp_path / "a.json", type="Point", coordinates=[120, 28])
    assert read_features(degrees, [], crs=CRS).geometry.iloc[0].x == pytest.approx(500_000, abs=1e-3)
    # crs = in city.toml counts where the file does not say: in degrees it says, by the format's rule.
    with_crs = LayerFile(degrees.path, crs="EPSG:4549")
    assert read_features(with_crs, [], crs=CRS).geometry.iloc[0].x == pytest.approx(500_000, abs=1e-3)
    metres = write_json(tmp_path / "b.json", type="Point", coordinates=[500_000, 3_148_000])
    with pytest.raises(DataError, match="does not say in which CRS"):
        read_features(metres, [], crs=CRS)
    read = read_features(LayerFile(metres.path, crs="EPSG:4549"), [], crs=CRS)
    assert read.geometry.iloc[0].equals(Point(500_000, 3_148_000))


@pytest.mark.parametrize(
    "text",
    [
        "<OGRVRTDataSource/>", "", "[]", "{", '{"crs": 3}', '{"features": 3}', '{"features": [3]}',
        "[" * 100_000, "PK\x03\x04",
    ],
)  # fmt: skip
def test_what_is_not_geojson_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(DataError, match=r"a\.geojson does not hold what its ending"):
        read_features(LayerFile(tmp_path / "a.geojson"), [], crs=CRS)


def test_a_virtual_layer_dressed_as_geojson_opens_nothing(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.gpkg", [SQUARE], name=["secret"])
    layer = f"<OGRVRTLayer name='secret'><SrcDataSource>{secret.path}</SrcDataSource></OGRVRTLayer>"
    file = write_json(tmp_path / "a.geojson", a=f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>")
    with pytest.raises(DataError, match="no row with a position"):
        read_features(file, [], crs=CRS)


@pytest.mark.parametrize("ending", ["gpkg", "shp"])
def test_other_content_under_a_known_ending_is_refused(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    file.write_text("<OGRVRTDataSource/>")
    with pytest.raises(DataError, match="does not hold what its ending"):
        read_features(LayerFile(file), [], crs=CRS)


def test_a_database_that_is_no_geopackage_is_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[SQUARE], crs=CRS).to_file(tmp_path / "a.sqlite", driver="SQLite")
    (tmp_path / "a.sqlite").rename(tmp_path / "a.gpkg")
    with pytest.raises(DataError, match="cannot be read: At least one of the required GeoPackage tables"):
        read_features(LayerFile(tmp_path / "a.gpkg"), [], crs=CRS)


@pytest.mark.parametrize("ending", ["gpkg", "shp"])
def test_a_truncated_file_gets_one_line(tmp_path: Path, ending: str) -> None:
    file = write(tmp_path / f"a.{ending}", [SQUARE] * 50)
    file.path.write_bytes(file.path.read_bytes()[:300])
    with pytest.raises(DataError, match=f"a.{ending}"):
        read_features(file, [], crs=CRS)


def test_a_shapefile_without_its_index_gets_one_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.shp", [SQUARE])
    file.path.with_suffix(".shx").unlink()
    with pytest.raises(DataError, match=r"a\.shp cannot be read"):
        read_features(file, [], crs=CRS)


def test_a_name_that_gdal_would_open_elsewhere_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip!b"
    archive.mkdir()
    shutil.copy(write(tmp_path / "a.gpkg", [SQUARE]).path, archive / "a.gpkg")
    with pytest.raises(FileError, match="plain file"):
        read_features(LayerFile(archive / "a.gpkg"), [], crs=CRS)


def test_the_layer_is_the_named_one_or_the_first_that_can_be_meant(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"name": ["p"]}, geometry=[Point(1, 2)], crs=CRS).to_file(file, layer="points")
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[SQUARE], crs=CRS).to_file(file, layer="areas")
    notes: list[Note] = []
    assert list(read_features(LayerFile(file), notes, crs=CRS, polygons=True)["name"]) == ["a"]
    assert notes[1] == ("tables.part_chosen", 1, "a.gpkg: areas")
    assert list(read_features(LayerFile(file, sheet="areas"), [], crs=CRS)["name"]) == ["a"]
    with pytest.raises(DataError, match=r"layer roads\. It has: points, areas"):
        read_features(LayerFile(file, sheet="roads"), [], crs=CRS)


@pytest.mark.parametrize("ending", ["gpkg", "shp"])
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_layer_without_crs_is_refused_with_the_cure(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"a.{ending}"
    gpd.GeoDataFrame(geometry=[SQUARE]).to_file(file)
    with pytest.raises(DataError, match=rf"a\.{ending} does not say in which CRS.*--crs.*492000, 3.148e\+06"):
        read_features(LayerFile(file), [], crs=CRS)
    assert read_features(LayerFile(file, crs=CRS), [], crs=CRS).geometry.iloc[0].equals(SQUARE)


def test_degrees_declared_as_metres_and_metres_declared_as_degrees_are_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[box(119.9, 28.4, 119.95, 28.45)], crs=CRS).to_file(tmp_path / "a.gpkg")
    with pytest.raises(DataError, match=r"projected CRS, but 119\.925, 28\.425"):
        read_features(LayerFile(tmp_path / "a.gpkg"), [], crs=CRS)
    gpd.GeoDataFrame(geometry=[SQUARE], crs=4490).to_file(tmp_path / "b.gpkg")
    with pytest.raises(DataError, match="in degrees, but holds 492500, 3148500"):
        read_features(LayerFile(tmp_path / "b.gpkg"), [], crs=CRS)


def test_swapped_degrees_are_refused_by_name(tmp_path: Path) -> None:
    ring = [[28.4, 119.9], [28.4, 120], [28.5, 120], [28.4, 119.9]]
    file = write_json(tmp_path / "a.geojson", type="FeatureCollection", features=[feature("Polygon", [ring])])
    with pytest.raises(DataError, match="longitude and latitude look swapped"):
        read_features(file, [], crs=CRS, polygons=True)


def test_single_rows_out_of_range_are_left_out_and_counted(tmp_path: Path) -> None:
    points: list[dict[str, object]] = [feature("Point", xy) for xy in ([120, 28], [120.1, 28.1], [120, 280])]
    file = write_json(tmp_path / "a.geojson", type="FeatureCollection", features=points)
    notes: list[Note] = []
    assert len(read_features(file, notes, crs=CRS)) == 2
    assert notes[1] == ("tables.rows_out_of_range", 1, "a.geojson: 3")


def test_broken_geometries_are_left_out_one_by_one_and_counted(tmp_path: Path) -> None:
    good = feature("Polygon", [[[120, 28], [120.1, 28], [120.1, 28.1], [120, 28]]])
    features = [
        good,
        {"type": "Feature", "properties": None, "geometry": None},
        feature("Polygon", []),
        feature("Polygon", [[[120, 28], [120.1, 28]]]),
        feature("Polygon", [[[120, 28], [float("nan"), 28], [120.1, 28.1], [120, 28]]]),
        feature("Point", [float("inf"), 28]),
        feature("Nonsense", [1]),
    ]
    file = write_json(tmp_path / "a.geojson", type="FeatureCollection", features=features)
    notes: list[Note] = []
    assert len(read_features(file, notes, crs=CRS, polygons=True, limits=ANY_SHARE)) == 1
    assert notes == [
        ("tables.rows_read", 7, "a.geojson"),
        ("tables.rows_without_geometry", 6, "a.geojson: 2, 3, 4, 5, 6, 7"),
    ]


def test_a_geopackage_with_empty_and_null_rows_keeps_the_others(tmp_path: Path) -> None:
    file = write(tmp_path / "a.gpkg", [SQUARE, None, Polygon(), NEXT], name=list("abcd"))
    notes: list[Note] = []
    assert list(read_features(file, notes, crs=CRS)["name"]) == ["a", "d"]
    assert counts(notes) == {"rows_read": 4, "rows_without_geometry": 2}


def test_coordinates_without_end_are_left_out_before_and_after_projecting(tmp_path: Path) -> None:
    endless = Polygon([(120, 28), (120.1, math.inf), (120.1, 28.1)])
    points = [Point(120, 28), Point(math.inf, 28), endless, Point(30, 0)]
    gpd.GeoDataFrame({"name": list("abcd")}, geometry=points, crs=4326).to_file(tmp_path / "a.gpkg")
    notes: list[Note] = []
    layer = read_features(LayerFile(tmp_path / "a.gpkg"), notes, crs=CRS, limits=ANY_SHARE)
    assert list(layer["name"]) == ["a"]
    assert counts(notes) == {"rows_read": 4, "rows_without_geometry": 2, "rows_out_of_range": 1}


def test_invalid_polygons_are_mended_and_counted(tmp_path: Path) -> None:
    x, y = SQUARE.bounds[:2]
    bow_tie = Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    overlapping = MultiPolygon([box(x, y, x + 100, y + 100), box(x + 50, y, x + 150, y + 100)])
    spike = Polygon([(x, y), (x + 100, y), (x + 100, y + 100), (x, y + 100), (x, y), (x - 50, y)])
    file = write(tmp_path / "a.gpkg", [bow_tie, overlapping, spike, NEXT])
    notes: list[Note] = []
    layer = read_features(file, notes, crs=CRS, polygons=True)
    assert counts(notes) == {"rows_read": 4, "rows_repaired": 3}
    assert layer.is_valid.all()
    assert set(layer.geom_type) <= {"Polygon", "MultiPolygon"}
    # The overlap of two parts belongs to the area once.
    assert layer.area.round(3).to_list() == [5_000, 15_000, 10_000, 1_000_000]


def test_polygons_are_taken_out_of_collections_and_other_shapes_left_out(tmp_path: Path) -> None:
    line = LineString(SQUARE.exterior.coords[:2])
    mixed = shapely.GeometryCollection([SQUARE, line, MultiPolygon([NEXT])])
    file = write(tmp_path / "a.gpkg", [mixed, line, NEXT])
    notes: list[Note] = []
    layer = read_features(file, notes, crs=CRS, polygons=True)
    assert layer.area.round().to_list() == [2_000_000, 1_000_000]
    assert counts(notes) == {"rows_read": 3, "rows_not_polygons": 1}


def test_heights_are_dropped(tmp_path: Path) -> None:
    file = write(tmp_path / "a.gpkg", [shapely.force_3d(SQUARE, 60)])
    assert not read_features(file, [], crs=CRS).has_z.any()
    text = write_json(tmp_path / "a.geojson", type="Point", coordinates=[120, 28, 60])
    assert not read_features(text, [], crs=CRS).has_z.any()


def test_a_layer_without_any_polygon_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.gpkg", [Point(SQUARE.centroid), LineString(SQUARE.exterior.coords)])
    with pytest.raises(DataError, match="holds no polygon, but: LineString, Point"):
        read_features(file, [], crs=CRS, polygons=True)


def test_a_list_in_metres_needs_its_crs(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    pd.DataFrame({"name": ["A"], "x": [492_500], "y": [3_148_500]}).to_csv(file, index=False)
    with pytest.raises(DataError, match=r"492500, 3148500 \(row 2\) are not degrees"):
        read_features(LayerFile(file), [], crs=CRS)
    assert (
        read_features(LayerFile(file, crs=CRS), [], crs=CRS)
        .geometry.iloc[0]
        .equals(Point(492_500, 3_148_500))
    )
    with pytest.raises(DataError, match="CRS that is not known: EPSG:4549x"):
        read_features(LayerFile(file, crs="EPSG:4549x"), [], crs=CRS)


@pytest.mark.parametrize(("x", "y"), [("lat", "lon"), ("y", "x")])
def test_a_list_with_swapped_columns_is_refused_by_name(tmp_path: Path, x: str, y: str) -> None:
    file = tmp_path / "a.csv"
    in_metres = x == "y"
    east, north = (492_500, 3_148_500) if in_metres else (119.92, 28.45)
    pd.DataFrame({"name": ["A"], x: [east], y: [north]}).to_csv(file, index=False)
    given_crs = CRS if in_metres else None
    with pytest.raises(DataError, match="look swapped"):
        read_features(LayerFile(file, crs=given_crs), [], crs=CRS, area=SQUARE)


def test_a_swap_that_stays_within_degrees_is_recognised_by_the_area(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    area = gpd.GeoSeries([box(-15.5, 28.0, -15.4, 28.2)], crs=4326).to_crs(32628).iloc[0]
    pd.DataFrame({"lon": [28.1, 28.12], "lat": [-15.43, -15.42]}).to_csv(file, index=False)
    assert len(read_features(LayerFile(file), [], crs=32628)) == 2  # nothing to judge it by
    with pytest.raises(DataError, match=r"28\.1, -15\.43 \(row 2\) fits the map only as -15\.43, 28\.1"):
        read_features(LayerFile(file), [], crs=32628, area=area)


@cases(25)
@given(
    points=st.lists(st.tuples(st.floats(118.5, 121.5), st.floats(27, 29)), min_size=1, max_size=4),
    ending=st.sampled_from(["gpkg", "geojson", "shp", "csv"]),
)
def test_points_come_back_where_they_were(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], ending: str
) -> None:
    file = tmp_path_factory.mktemp("points") / f"a.{ending}"
    source = gpd.GeoDataFrame(
        {"name": "p"}, index=range(len(points)), geometry=shapely.points(points), crs=4326
    )
    if ending == "csv":
        pd.DataFrame(points, columns=["lon", "lat"]).to_csv(file, index=False)
    else:
        source.to_file(file)
    read = read_features(LayerFile(file), [], crs=CRS)
    there = source.to_crs(CRS)
    assert shapely.distance(read.geometry.to_numpy(), there.geometry.to_numpy()).max() < 0.02


# Geometry that cannot be used, row by row


def test_repairs_are_noted_with_the_area_before_and_after(tmp_path: Path) -> None:
    x, y = SQUARE.bounds[:2]
    bow_tie = Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    notes: list[Note] = []
    read_features(write(tmp_path / "a.gpkg", [NEXT, bow_tie]), notes, crs=CRS, polygons=True)
    assert ("tables.rows_repaired", 1, "a.gpkg: 0 -> 5000 m²: 2") in notes


def test_too_many_unusable_rows_are_an_error_that_names_them(tmp_path: Path) -> None:
    file = write(tmp_path / "a.gpkg", [SQUARE, None, Polygon()])
    with pytest.raises(DataError, match=r"2 of its 3 rows cannot be used.*50% allowed \(a\.gpkg: 2, 3\)"):
        read_features(file, [], crs=CRS)
    assert len(read_features(file, [], crs=CRS, limits=ANY_SHARE)) == 1
    strict = Limits(max_dropped_share=0)
    assert len(read_features(write(tmp_path / "b.gpkg", [SQUARE]), [], crs=CRS, limits=strict)) == 1
    table = tmp_path / "a.csv"
    table.write_text("name,lon,lat\nA,120,28\nB,,\nC,east,28\n")
    with pytest.raises(DataError, match=r"a\.csv: 3; a\.csv: 4"):
        read_features(LayerFile(table), [], crs=CRS)


def test_heights_and_measures_are_dropped(tmp_path: Path) -> None:
    ring = ", ".join(f"{x} {y} 60 7" for x, y in SQUARE.exterior.coords)
    shape = shapely.to_wkb(shapely.from_wkt(f"POLYGON ZM (({ring}))"), flavor="iso", output_dimension=4)
    file = write(tmp_path / "a.gpkg", [SQUARE])
    with editing(file.path) as editor:
        (old,) = editor.execute("SELECT geom FROM a").fetchone()
        editor.execute("UPDATE a SET geom = ?", [old[: 8 + 32] + shape])
    layer = read_features(file, [], crs=CRS, polygons=True)
    assert not layer.has_z.any()
    assert layer.geometry.iloc[0].equals(SQUARE)


def test_measures_in_geojson_are_dropped(tmp_path: Path) -> None:
    ring = [[120, 28, 5, 9], [120.1, 28, 5, 9], [120.1, 28.1, 5, 9], [120, 28, 5, 9]]
    file = write_json(
        tmp_path / "a.geojson", type="FeatureCollection", features=[feature("Polygon", [ring], name="a")]
    )
    layer = read_features(file, [], crs=CRS, polygons=True)
    assert len(layer) == 1
    assert not layer.has_z.any()


def test_polygons_are_taken_out_of_collections_within_collections(tmp_path: Path) -> None:
    deep = shapely.GeometryCollection([shapely.GeometryCollection([MultiPolygon([SQUARE])]), Point(0, 0)])
    layer = read_features(write(tmp_path / "a.gpkg", [deep]), [], crs=CRS, polygons=True)
    assert layer.area.round().to_list() == [1_000_000]


@pytest.mark.parametrize("broken", [None, {"type": "Point", "coordinates": [1e400, 2]}])
def test_geojson_is_read_alike_at_once_and_feature_by_feature(tmp_path: Path, broken: object) -> None:
    ring = [[120, 28, 5], [120.1, 28, 5], [120.1, 28.1, 5], [120, 28, 5]]
    whole = [feature("Polygon", [ring], name="a"), feature("Point", [120, 28]), feature("Polygon", [])]
    odd: dict[str, object] = {"type": "Feature", "properties": {}, "geometry": broken}
    quick = write_json(tmp_path / "a.geojson", type="FeatureCollection", features=whole)
    slow = write_json(tmp_path / "b.geojson", type="FeatureCollection", features=[*whole, odd])
    one, other = (read_features(file, [], crs=CRS) for file in (quick, slow))
    assert one.geometry.to_list() == other.geometry.to_list()
    assert one["name"].to_list()[0] == other["name"].to_list()[0] == "a"


def test_a_document_that_is_one_geometry_is_one_row(tmp_path: Path) -> None:
    rings = [[[[x, 28], [x + 0.1, 28], [x + 0.1, 28.1], [x, 28]]] for x in (120, 121)]
    file = write_json(tmp_path / "a.json", type="MultiPolygon", coordinates=rings)
    assert read_features(file, [], crs=CRS, polygons=True).geom_type.to_list() == ["MultiPolygon"]


# Files in parts


@pytest.mark.parametrize("part", ["shx", "dbf"])
def test_a_shapefile_that_misses_a_part_names_it(tmp_path: Path, part: str) -> None:
    file = write(tmp_path / "a.shp", [SQUARE])
    file.path.with_suffix(f".{part}").unlink()
    with pytest.raises(DataError, match=rf"a\.{part} is not beside it. Copy all files"):
        read_features(file, [], crs=CRS)


def test_parts_of_a_shapefile_may_end_in_capitals(tmp_path: Path) -> None:
    file = write(tmp_path / "a.shp", [SQUARE])
    for part in ("shx", "dbf", "prj"):
        file.path.with_suffix(f".{part}").rename(file.path.with_suffix(f".{part.upper()}"))
    assert read_features(file, [], crs=CRS).geometry.iloc[0].equals(SQUARE)


@pytest.mark.parametrize("ending", ["gpkg", "shp", "geojson"])
def test_an_empty_layer_is_refused(tmp_path: Path, ending: str) -> None:
    gpd.GeoDataFrame({"name": []}, geometry=[], crs=CRS).to_file(tmp_path / f"a.{ending}")
    with pytest.raises(DataError, match=rf"a\.{ending}: no row with a position is left to use \(0 read\)"):
        read_features(LayerFile(tmp_path / f"a.{ending}"), [], crs=CRS)


def test_a_geopackage_that_is_being_edited_is_read_as_it_is_now(tmp_path: Path) -> None:
    file = write(tmp_path / "a.gpkg", [SQUARE], name=["before"])
    with editing(file.path) as editor:
        editor.execute("PRAGMA journal_mode = WAL")
        editor.execute("UPDATE a SET name = 'after'")
        editor.commit()
        assert list(read_features(file, [], crs=CRS)["name"]) == ["after"]


# Coordinates that cannot be what the file says


@pytest.mark.parametrize(("declared", "x"), [(4549, 40_492_500), (4528, 492_500)])
def test_a_zone_number_before_eastings_belongs_to_another_crs(
    tmp_path: Path, declared: int, x: float
) -> None:
    gpd.GeoDataFrame(geometry=[Point(x, 3_148_500)], crs=declared).to_file(tmp_path / "a.gpkg")
    with pytest.raises(
        DataError, match=rf"but {x}, 3148500 \(row 1\) would lie far.*EPSG:4528 and EPSG:4549"
    ):
        read_features(LayerFile(tmp_path / "a.gpkg"), [], crs=CRS)


def test_swapped_metres_are_recognised_without_an_area(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[Point(3_148_500, 492_500)], crs=CRS).to_file(tmp_path / "a.gpkg")
    with pytest.raises(DataError, match="longitude and latitude look swapped"):
        read_features(LayerFile(tmp_path / "a.gpkg"), [], crs=CRS)


def test_one_stray_row_far_from_its_crs_is_left_out(tmp_path: Path) -> None:
    points = [Point(492_500, 3_148_500), Point(492_600, 3_148_500), Point(9e7, 3e6)]
    notes: list[Note] = []
    assert len(read_features(write(tmp_path / "a.gpkg", points), notes, crs=CRS)) == 2
    assert notes[1] == ("tables.rows_out_of_range", 1, "a.gpkg: 3")


def test_areas_on_both_sides_of_the_antimeridian_are_refused_and_metres_there_are_not(
    tmp_path: Path,
) -> None:
    fiji = box(179.9, -16.9, 180, -16.8), box(-180, -16.9, -179.9, -16.8)
    gpd.GeoDataFrame(geometry=list(fiji), crs=4326).to_file(tmp_path / "a.geojson")
    with pytest.raises(DataError, match=r"reaches from -180\.0000 to 180\.0000 degrees.*EPSG:3832"):
        read_features(LayerFile(tmp_path / "a.geojson"), [], crs=3832, polygons=True)
    gpd.GeoDataFrame(geometry=list(fiji), crs=4326).to_crs(3832).to_file(tmp_path / "b.gpkg")
    layer = read_features(LayerFile(tmp_path / "b.gpkg"), [], crs=3832, polygons=True)
    assert layer.union_all().geom_type == "Polygon"


def test_mercator_with_its_empty_grid_is_no_foreign_file(tmp_path: Path) -> None:
    file = tmp_path / "a.shp"
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[Point(13_350_000, 3_300_000)], crs=3857).to_file(file)
    prj = file.with_suffix(".prj")
    text = "+proj=merc +a=6378137 +b=6378137 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +no_defs"
    prj.write_text(prj.read_text()[:-1] + f',EXTENSION["PROJ4","{text}"]]')
    assert len(read_features(LayerFile(file), [], crs=CRS)) == 1
