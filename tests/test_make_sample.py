"""Does the generator write the sample city again, and does the city keep what its description promises?"""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

import lifecircle as lc
from lifecircle.walkable import Walk, who_may_walk

DATA = Path(__file__).parents[1] / "data"
SAMPLE = DATA / "lishui"
TEXTS = ("city.toml", "boundary.geojson", "SOURCE.md", "facilities.csv")
BOX = (119.88, 28.42, 119.97, 28.49)


@dataclass(frozen=True)
class Streets:
    """The sample's OpenStreetMap file."""

    nodes: dict[int, tuple[float, float]]
    node_tags: dict[int, dict[str, str]]
    ways: dict[int, tuple[list[int], dict[str, str]]]
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]]
    box: tuple[float, float, float, float]
    timestamp: str

    def highways(self, *kinds: str) -> dict[int, tuple[list[int], dict[str, str]]]:
        """Return the streets of these kinds (of all if none is named)."""
        return {
            way_id: way
            for way_id, way in self.ways.items()
            if "highway" in way[1] and (not kinds or way[1]["highway"] in kinds)
        }

    def lines(self, ways: dict[int, tuple[list[int], dict[str, str]]]) -> gpd.GeoSeries:
        """Return ways as lines in metres, by way id; nodes beyond the box are left out."""
        points = {
            way_id: [self.nodes[n] for n in refs if n in self.nodes] for way_id, (refs, _) in ways.items()
        }
        lines = {way_id: shapely.LineString(line) for way_id, line in points.items() if len(line) > 1}
        return gpd.GeoSeries(lines, crs="EPSG:4326").to_crs("EPSG:4549")


def read_streets(path: Path) -> Streets:
    """Read an OpenStreetMap file whole, and prove that it is sorted."""
    nodes, node_tags, ways, relations = {}, {}, {}, {}
    order = []
    with osmium.io.Reader(path) as reader:
        header = reader.header()
        corner = header.box()
        box = (corner.bottom_left.lon, corner.bottom_left.lat, corner.top_right.lon, corner.top_right.lat)
        timestamp = header.get("osmosis_replication_timestamp")
    for thing in osmium.FileProcessor(path):
        order.append(("nwr".index(thing.type_str()), thing.id))
        tags = dict(thing.tags)
        if thing.is_node():
            nodes[thing.id] = (thing.location.lon, thing.location.lat)
            node_tags[thing.id] = tags
        elif thing.is_way():
            ways[thing.id] = ([node.ref for node in thing.nodes], tags)
        else:
            relations[thing.id] = ([(m.type, m.ref, m.role) for m in thing.members], tags)
    assert order == sorted(set(order))
    return Streets(nodes, node_tags, ways, relations, box, timestamp)


def river(streets: Streets) -> shapely.LineString:
    """Return the course of the main river in metres."""
    course = {
        k: way for k, way in streets.ways.items() if way[1].get("name") == "示例江" and "waterway" in way[1]
    }
    return streets.lines(course).item()


@pytest.fixture(scope="module")
def streets() -> Streets:
    return read_streets(SAMPLE / "streets.osm.pbf")


@pytest.fixture(scope="module")
def communities() -> gpd.GeoDataFrame:
    return gpd.read_file(SAMPLE / "communities.gpkg", layer="communities")


@pytest.fixture(scope="module")
def facilities() -> gpd.GeoDataFrame:
    table = pd.read_csv(SAMPLE / "facilities.csv", encoding="utf-8-sig")
    places = gpd.points_from_xy(table["经度"], table["纬度"], crs="EPSG:4326")
    return gpd.GeoDataFrame(table, geometry=places).to_crs("EPSG:4549")


@pytest.fixture(scope="module")
def coverage() -> lc.Coverage:
    return lc.measure_coverage(lc.load_city(SAMPLE), lc.load_standard("life-circle"))


def test_the_generator_writes_the_same_city_again(
    tmp_path: Path, streets: Streets, communities: gpd.GeoDataFrame
) -> None:
    subprocess.run(
        [sys.executable, DATA / "make_sample.py", "--out", tmp_path], check=True, capture_output=True
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in SAMPLE.iterdir())
    assert read_streets(tmp_path / "streets.osm.pbf") == streets
    assert_geodataframe_equal(gpd.read_file(tmp_path / "communities.gpkg", layer="communities"), communities)
    for name in TEXTS:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes(), name


def test_the_folder_is_small_and_says_that_it_is_synthetic() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 3_000_000
    assert 'data = "synthetic sample"' in (SAMPLE / "city.toml").read_text(encoding="utf-8")
    assert "This is not Lishui" in (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")


def test_the_header_has_box_and_timestamp(streets: Streets) -> None:
    assert streets.box == pytest.approx(BOX)
    assert streets.timestamp == "2025-01-01T00:00:00Z"
    lon, lat = np.array(list(streets.nodes.values())).T
    assert BOX[0] <= lon.min() < lon.max() <= BOX[2]
    assert BOX[1] <= lat.min() < lat.max() <= BOX[3]


def test_the_city_is_of_the_promised_size(streets: Streets) -> None:
    street_nodes = {n for refs, _ in streets.highways().values() for n in refs} & streets.nodes.keys()
    buildings = sum("building" in tags for _, tags in streets.ways.values())
    assert 12_000 <= len(street_nodes) <= 25_000
    assert 3_000 <= buildings <= 8_000


@pytest.mark.parametrize(
    ("key", "value", "at_least"),
    [
        ("highway", "primary", 10), ("highway", "secondary", 8), ("highway", "tertiary", 20),
        ("highway", "residential", 100), ("highway", "service", 100), ("highway", "footway", 400),
        ("highway", "pedestrian", 1), ("highway", "living_street", 3), ("highway", "steps", 10),
        ("highway", "path", 5), ("highway", "track", 1), ("highway", "unclassified", 5),
        ("highway", "motorway", 2), ("railway", "rail", 1), ("waterway", "river", 2), ("bridge", "yes", 5),
        ("barrier", "wall", 20), ("barrier", "fence", 20), ("access", "private", 400), ("oneway", "yes", 5),
        ("building", "apartments", 500), ("building", "house", 1000), ("building", "industrial", 20),
        ("landuse", "industrial", 5), ("landuse", "forest", 1), ("leisure", "park", 5),
        ("amenity", "school", 3), ("footway", "sidewalk", 4),
    ],
)  # fmt: skip
def test_the_streets_speak_openstreetmap(streets: Streets, key: str, value: str, at_least: int) -> None:
    found = Counter(tags.get(key) for _, tags in streets.ways.values())
    assert found[value] >= at_least


def test_the_river_is_a_multipolygon_with_an_islet_and_few_bridges(streets: Streets) -> None:
    members, _ = next(r for r in streets.relations.values() if r[1].get("natural") == "water")
    assert Counter(role for *_, role in members) == {"outer": 2, "inner": 1}
    roads = streets.highways()
    over = streets.lines(roads).loc[lambda lines: lines.intersects(river(streets))]
    assert len(over) == 3
    assert all(
        roads[way_id][1].get("bridge") == "yes" and roads[way_id][1]["layer"] == "1" for way_id in over.index
    )


def test_a_handful_of_ways_runs_out_of_the_file(streets: Streets) -> None:
    cut = [tags for refs, tags in streets.ways.values() if not streets.nodes.keys() >= set(refs)]
    assert 4 <= len(cut) <= 20
    assert sum(who_may_walk(tags) is Walk.PUBLIC for tags in cut) >= 3
    assert not any("building" in tags or "landuse" in tags for tags in cut)


def test_estates_open_only_at_their_gates(streets: Streets) -> None:
    private, public = nx.Graph(), set[int]()
    for refs, tags in streets.highways().values():
        if who_may_walk(tags) is Walk.PRIVATE:
            nx.add_path(private, refs)
        else:
            public |= set(refs)
    gates = {n for n, tags in streets.node_tags.items() if tags.get("barrier") == "gate"}
    openings = Counter(
        len(estate & gates)
        for estate in nx.connected_components(private)
        if len(estate) > 20 and estate & public
    )
    assert set(openings) == {1, 2}
    assert min(openings.values()) > 15
    # With its gates shut, an estate touches no street.
    private.remove_nodes_from(gates)
    inside = [part for part in nx.connected_components(private) if len(part) > 15]
    assert len(inside) >= openings.total()
    assert not any(part & public for part in inside)


def test_the_streets_hang_together_but_for_a_few_lost_paths(streets: Streets) -> None:
    graph = nx.Graph()
    for refs, tags in streets.highways().values():
        if who_may_walk(tags) is not Walk.CLOSED:
            nx.add_path(graph, refs)
    sizes = sorted((len(part) for part in nx.connected_components(graph)), reverse=True)
    assert sizes[0] > 0.97 * graph.number_of_nodes()
    assert 2 <= len(sizes) - 1 <= 12
    assert sum(degree == 1 for _, degree in graph.degree()) > 100


def test_streets_that_cross_on_the_ground_share_a_node(streets: Streets) -> None:
    ways = {
        k: w
        for k, w in streets.highways().items()
        if "layer" not in w[1] and "motorway" not in w[1]["highway"]
    }
    lines = streets.lines(ways)
    one, other = lines.sindex.query(lines, predicate="crosses")
    apart = [
        (lines.index[a], lines.index[b])
        for a, b in zip(one, other, strict=True)
        if not set(ways[lines.index[a]][0]) & set(ways[lines.index[b]][0])
    ]
    assert apart == []


def test_no_building_stands_on_a_street_or_on_another(streets: Streets) -> None:
    shapes = {
        way_id: shapely.Polygon([streets.nodes[n] for n in refs])
        for way_id, (refs, tags) in streets.ways.items()
        if "building" in tags
    }
    buildings = gpd.GeoSeries(shapes, crs="EPSG:4326").to_crs("EPSG:4549")
    assert buildings.is_valid.all()
    assert buildings.sindex.query(streets.lines(streets.highways()), predicate="intersects").size == 0
    one, other = buildings.sindex.query(buildings, predicate="overlaps")
    assert one.size == other.size == 0


def test_communities_are_whole_and_tile_the_town(communities: gpd.GeoDataFrame) -> None:
    assert communities.crs == "EPSG:4549"
    assert len(communities) >= 24
    assert communities["名称"].str.startswith("示例").all()
    assert communities["社区编号"].is_unique
    assert communities["名称"].is_unique
    assert communities.is_valid.all()
    assert set(communities.geom_type) == {"Polygon"}
    assert communities.area.sum() == pytest.approx(communities.union_all().area, abs=0.1)
    assert (4 * np.pi * communities.area / communities.length**2).min() > 0.2
    town = communities[communities["名称"].str.startswith("示例社区")].union_all()
    assert not any(part.interiors for part in shapely.get_parts(town))
    assert len(shapely.get_parts(town)) <= 3


def test_people_live_where_the_description_says(communities: gpd.GeoDataFrame) -> None:
    urban = communities["名称"].str.startswith("示例社区")
    assert 115_000 <= communities["人口"].sum() <= 125_000
    assert communities.loc[urban, "人口"].between(2_000, 9_000).all()
    assert communities.loc[~urban, "人口"].between(30, 2_000).all()


def test_facilities_are_listed_beside_streets_and_partly_in_openstreetmap(
    streets: Streets, communities: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame
) -> None:
    kinds = facilities["类别"].value_counts()
    assert 25 <= kinds["幼儿园"] <= 35
    assert 15 <= kinds[["居家养老服务中心", "日间照料中心", "养老院"]].sum() <= 25
    assert 15 <= kinds[["社区卫生服务站", "社区卫生服务中心"]].sum() <= 22
    assert facilities["编号"].is_unique
    assert facilities["名称"].str.startswith("示例").all()
    public = {k: w for k, w in streets.highways().items() if who_may_walk(w[1]) is Walk.PUBLIC}
    assert facilities.distance(streets.lines(public).union_all()).max() < 30.0
    named = communities.set_index("名称").geometry.reindex(facilities["社区"]).reset_index(drop=True)
    assert facilities.geometry.within(named).all()
    mapped = Counter(tags.get("amenity") for tags in streets.node_tags.values())
    assert 5 <= mapped["kindergarten"] < kinds["幼儿园"] / 2
    assert 2 <= mapped["social_facility"] < 12
    assert 3 <= mapped["clinic"] < 12


def test_gaps_of_every_kind_are_there(coverage: lc.Coverage, streets: Streets) -> None:
    gaps = lc.find_gaps(coverage)
    reasons = gaps.groupby(["service", "threshold_minutes"])["reason"].agg(set)
    assert len(reasons) == 6
    assert all(found == {"no_facility", "detour", "off_network"} for found in reasons)

    detours = gaps[gaps["reason"] == "detour"]
    # An estate whose gate is on the wrong side: next door for a bird, ten minutes on foot.
    assert ((detours["nearest_straight_m"] < 200.0) & (detours["nearest_minutes"] > 10.0)).any()
    # Behind the river: within 15 minutes for a bird, but the walk leads over a bridge far away.
    city = coverage.city
    kindergartens = city.facilities[city.facilities["service"] == "kindergarten"].geometry
    nearest = kindergartens.iloc[kindergartens.sindex.nearest(city.homes.geometry, return_all=False)[1]]
    sight = gpd.GeoSeries(
        shapely.shortest_line(city.homes.geometry.values, nearest.values), city.homes.index, crs=city.crs
    )
    hidden = (sight.length < 15 * 60 * 0.9) & (coverage.minutes["kindergarten"] > 15.0)
    assert (hidden & sight.intersects(river(streets))).sum() > 10

    table = coverage.by_community()
    full = table.groupby("community")["share_covered"].min()
    assert (full == 1.0).any()
    assert (table["share_unknown"] > 0.0).any()
