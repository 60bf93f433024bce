"""Is an OpenStreetMap file read as it is, in every format, and refused when it is broken?"""

import bz2
import dataclasses
import gzip
import re
from collections.abc import Callable
from html import escape
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import osmnx as ox
import pyproj
import pyrosm
import pytest
import shapely
from oracle import walks_m

from lifecircle.barriers import NO_BARRIERS
from lifecircle.catalog import load_standard
from lifecircle.errors import DataError, FileError
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.sources import osm_copies
from lifecircle.sources.opening import Limits, check_osm
from lifecircle.sources.osm_file import OsmData, read_osm

SERVICES = load_standard("life-circle").services
CORNER = (590_000.0, 3_148_000.0)  # in EPSG:4549, within Lishui
NEAR_M = 0.02  # OpenStreetMap's coordinates have seven decimals: a centimetre
LAS_PALMAS = "las_palmas/las_palmas.osm.pbf"
CAMPUS = "beijing_campus/campus.osm"

GEOD = pyproj.Geod(ellps="WGS84")

_to_degrees = pyproj.Transformer.from_crs(4549, 4326, always_xy=True)


# ---------------------------------------------------------------------- writing OpenStreetMap's XML


def element(kind: str, ref: int, inner: str = "", attributes: str = "", **tags: str) -> str:
    marks = "".join(f'<tag k="{escape(key)}" v="{escape(value)}"/>' for key, value in tags.items())
    return f'<{kind} id="{ref}" version="1" {attributes}>{inner}{marks}</{kind}>\n'


def node(ref: int, x: float, y: float, **tags: str) -> str:
    """Return a node, x and y metres from the corner."""
    lon, lat = _to_degrees.transform(CORNER[0] + x, CORNER[1] + y)
    return element("node", ref, attributes=f'lon="{lon:.7f}" lat="{lat:.7f}"', **tags)


def way(ref: int, refs: list[int], attributes: str = "", **tags: str) -> str:
    return element("way", ref, "".join(f'<nd ref="{at}"/>' for at in refs), attributes, **tags)


def relation(ref: int, members: dict[int, str], **tags: str) -> str:
    inner = "".join(f'<member type="way" ref="{at}" role="{role}"/>' for at, role in members.items())
    return element("relation", ref, inner, **tags)


def square(ref: int, x: float, y: float, wide: float, high: float, **tags: str) -> list[str]:
    """Return four nodes and the closed way around them."""
    corners = [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]
    refs = [10 * ref + i for i in range(4)]
    nodes = [node(at, *corner) for at, corner in zip(refs, corners, strict=True)]
    return [*nodes, way(ref, [*refs, refs[0]], **tags)]


def xml(*elements: str, head: str = "", prolog: str = "") -> str:
    """Return a file with nodes before ways before relations, as every tool writes it."""
    order = ("<node", "<way", "<relation")
    lines = sorted(elements, key=lambda text: (order.index(text.split(" ")[0]), int(text.split('"')[1])))
    return f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<osm version="0.6">{head}{"".join(lines)}</osm>'


MAIN_STREET = [
    *(node(1, 0, 0), node(2, 1000, 0), node(3, 2000, 0), node(4, 1000, 500)),
    way(1, [1, 2, 3], highway="residential", name="大洋路"),
]
TOWN = [
    *MAIN_STREET,
    way(2, [2, 4], highway="service", access="private"),
    *square(30, 100, 20, 30, 20, building="apartments", **{"building:levels": "6"}),
    *square(31, 200, 20, 30, 20, amenity="kindergarten", name="示例幼儿园"),
    *square(32, 400, 20, 100, 100, natural="water"),
    node(5, 300, -10, amenity="clinic", name="A & B <clinic>"),
]


def written(folder: Path, *elements: str, suffix: str = ".osm", **more: str) -> Path:
    """Write the elements as a file of that format."""
    text = xml(*elements, **more).encode()
    path = folder / f"town{suffix}"
    if suffix == ".osm.gz":
        path.write_bytes(gzip.compress(text))
    elif suffix == ".osm.bz2":
        path.write_bytes(bz2.compress(text))
    elif suffix.endswith(".pbf"):
        plain = written(folder, *elements, **more)
        with osmium.SimpleWriter(str(path)) as writer:
            for thing in osmium.FileProcessor(str(plain)):
                writer.add(thing)
    else:
        path.write_bytes(text)
    return path


def read(folder: Path, *elements: str, **more: str) -> OsmData:
    return read_osm(written(folder, *elements, **more), services=SERVICES)


def counts(data: OsmData) -> dict[str, int]:
    return {
        str(item): int(count) for item, count in zip(data.quality["item"], data.quality["count"], strict=True)
    }


# ---------------------------------------------------------------------- formats


@pytest.mark.parametrize("suffix", [".osm", ".osm.gz", ".osm.bz2", ".osm.pbf", ".pbf"])
def test_every_format_holds_the_same_town(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, *TOWN, suffix=suffix)

    data = read_osm(path, services=SERVICES)

    network = data.network
    assert network.crs.to_epsg() == 4549
    assert network.street_m == pytest.approx([1000, 1000, 500], abs=NEAR_M)
    assert network.kind.tolist() == ["residential", "residential", "service"]
    assert network.private.tolist() == [False, False, True]
    assert (network.node_x.min(), network.node_y.min()) == pytest.approx(CORNER, abs=NEAR_M)
    assert data.homes["floor_m2"].tolist() == pytest.approx([30 * 20 * 6], abs=10)
    assert data.facilities[["facility_id", "name", "service", "source"]].to_numpy().tolist() == [
        ["osm-n5-clinic", "A & B <clinic>", "clinic", "osm"],
        ["osm-w31-kindergarten", "示例幼儿园", "kindergarten", "osm"],
    ]
    assert sorted(data.backdrop["kind"]) == ["building", "water"]
    assert {frame.crs.to_epsg() for frame in (data.homes, data.facilities, data.backdrop)} == {4549}
    assert data.boundary is None
    assert WalkNetwork.from_osm(path).street_m.tolist() == network.street_m.tolist()


# ---------------------------------------------------------------------- where the data ends


def exits_of(data: OsmData) -> list[tuple[float, float]]:
    """Return where streets leave the data, metres from the corner."""
    exits = data.network.exits
    at = shapely.line_interpolate_point(data.network.lines[exits.street], exits.along_m)
    return sorted({(round(point.x - CORNER[0]), round(point.y - CORNER[1])) for point in at})


def test_a_way_that_misses_nodes_falls_into_the_pieces_that_are_there(tmp_path: Path) -> None:
    nodes = [node(ref, 100.0 * ref, 0) for ref in (1, 2, 3, 5, 6)]

    data = read(tmp_path, *nodes, way(1, [1, 2, 3, 4, 5, 6, 7], highway="path"))

    # 100 - 300 m, and 500 - 600 m, which goes on at both ends
    assert data.network.street_m == pytest.approx([200, 100], abs=NEAR_M)
    assert exits_of(data) == [(300, 0), (500, 0), (600, 0)]
    assert counts(data)["osm.clipped_ways"] == 1
    assert counts(data)["osm.data_ends"] == 3


def test_a_way_with_one_node_in_the_data_leaves_it_there(tmp_path: Path) -> None:
    lost = way(2, [2, 98, 99], highway="footway")

    data = read(tmp_path, *MAIN_STREET, lost)

    assert data.network.street_m == pytest.approx([1000, 1000], abs=NEAR_M)
    assert exits_of(data) == [(1000, 0)]


def test_ways_nobody_walks_leave_the_data_unheard(tmp_path: Path) -> None:
    data = read(tmp_path, *MAIN_STREET, way(2, [2, 98], highway="motorway"), way(3, [1, 97], building="yes"))

    assert exits_of(data) == []
    assert counts(data)["osm.clipped_ways"] == 0


def test_the_box_in_the_header_is_where_the_data_ends(tmp_path: Path) -> None:
    (west, south), (east, north) = (_to_degrees.transform(CORNER[0] + x, CORNER[1] + x) for x in (-500, 1500))
    head = f'<bounds minlat="{south}" minlon="{west}" maxlat="{north}" maxlon="{east}"/>'

    data = read(tmp_path, *MAIN_STREET, head=head)

    assert data.boundary is not None
    # the zone's grid stands at half a degree to the meridian here, so the corners are not quite square
    assert data.boundary.area == pytest.approx(2000**2, rel=0.02)
    assert [y for _, y in exits_of(data)] == [0]
    assert exits_of(data)[0][0] == pytest.approx(1500, abs=20)


def test_a_boundary_given_wins_over_the_header(tmp_path: Path) -> None:
    area = gpd.GeoSeries([shapely.box(-10, -10, 700, 10)], crs=4549).translate(*CORNER)

    data = read_osm(
        written(tmp_path, *MAIN_STREET, head='<bounds minlat="28" minlon="119" maxlat="29" maxlon="121"/>'),
        boundary=area.to_crs(4326),
    )

    assert exits_of(data) == [(700, 0)]


@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf"])
def test_the_newest_way_dates_a_file_that_has_no_date(tmp_path: Path, suffix: str) -> None:
    nodes = MAIN_STREET[:4]
    ways = [
        way(1, [1, 2], 'timestamp="2019-05-06T07:08:09Z"', highway="path"),
        way(2, [2, 3], 'timestamp="2024-02-29T23:00:00Z"', highway="path"),
    ]

    assert read_osm(written(tmp_path, *nodes, *ways, suffix=suffix)).timestamp == "2024-02-29T23:00:00Z"


def test_a_file_without_any_date_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, *TOWN).timestamp is None


def test_the_date_in_the_header_is_the_datas(tmp_path: Path) -> None:
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2023-02-21T03:31:14Z")
    path, plain = tmp_path / "dated.osm.pbf", written(tmp_path, *TOWN)
    writer = osmium.SimpleWriter(str(path), header=header)
    for thing in osmium.FileProcessor(str(plain)):
        writer.add(thing)
    writer.close()

    assert read_osm(path).timestamp == "2023-02-21T03:31:14Z"


# ---------------------------------------------------------------------- homes


def floors_of(folder: Path, *tags: dict[str, str]) -> list[float]:
    """Return floor areas of buildings of 10 x 20 m from west to east, in storeys."""
    squares = [square(100 + i, 100.0 * i, 20, 10, 20, **tag) for i, tag in enumerate(tags)]
    homes = read(folder, *MAIN_STREET, *chain(*squares)).homes
    return [round(floor / 200, 2) for floor in homes.assign(x=homes.geometry.x).sort_values("x")["floor_m2"]]


@pytest.mark.parametrize(
    ("tags", "storeys"),
    [
        ({"building:levels": "6"}, 6),
        ({"building:levels": "6.5"}, 6.5),
        ({"building:levels": "6", "height": "99"}, 6),
        ({"height": "18"}, 6),
        ({"height": "18 m"}, 6),
        ({"height": "2.5"}, 1),
        # what cannot be: as if it were not mapped
        ({"building:levels": "0"}, 1),
        ({"building:levels": "-2", "height": "12"}, 4),
        ({"building:levels": "5;6"}, 1),
        ({"building:levels": "inf"}, 1),
        ({"building:levels": "1e9"}, 1),
        ({"building:levels": "many"}, 1),
        ({}, 1),
    ],
)
def test_storeys_are_those_mapped_else_by_height_else_one(
    tmp_path: Path, tags: dict[str, str], storeys: float
) -> None:
    assert floors_of(tmp_path, {"building": "apartments"} | tags) == [storeys]


def test_storeys_not_mapped_are_the_median_of_the_kind(tmp_path: Path) -> None:
    levels = [{"building": "apartments", "building:levels": count} for count in ("4", "6", "20")]

    data = floors_of(tmp_path, *levels, {"building": "apartments"}, {"building": "house"})

    assert data == [4, 6, 20, 6, 1]


@pytest.mark.parametrize(
    "kind", ["apartments", "house", "residential", "terrace", "dormitory", "detached", "yes"]
)
def test_people_live_in_residential_buildings(tmp_path: Path, kind: str) -> None:
    assert floors_of(tmp_path, {"building": kind}) == [1]


@pytest.mark.parametrize(
    "tags",
    [
        {"building": "garage"},
        {"building": "industrial"},
        {"building": "school"},
        {"building": "no"},
        {"building": "yes", "shop": "supermarket"},
        {"building": "yes", "amenity": "school"},
        {"building": "yes", "office": "company"},
        {"building:part": "yes"},
    ],
)
def test_nobody_lives_in_other_buildings(tmp_path: Path, tags: dict[str, str]) -> None:
    assert floors_of(tmp_path, tags) == []


def test_people_live_over_a_shop(tmp_path: Path) -> None:
    assert floors_of(tmp_path, {"building": "apartments", "shop": "bakery", "building:levels": "5"}) == [5]


def test_a_hut_is_no_home(tmp_path: Path) -> None:
    sizes = square(50, 0, 20, 4, 4, building="house"), square(51, 50, 20, 5, 5, building="house")

    assert read(tmp_path, *MAIN_STREET, *sizes[0], *sizes[1]).homes["floor_m2"].tolist() == pytest.approx(
        [25], abs=0.2
    )


@pytest.mark.parametrize(
    ("ground", "homes"),
    [
        ({"landuse": "industrial"}, ["apartments"]),
        ({"amenity": "school"}, ["apartments"]),
        ({"landuse": "residential"}, ["apartments", "yes"]),
        ({"landuse": "industrial", "building": "industrial"}, ["apartments", "yes"]),
    ],
)
def test_a_building_of_no_named_use_is_no_home_on_other_ground(
    tmp_path: Path, ground: dict[str, str], homes: list[str]
) -> None:
    # the same ground mapped twice takes a building out once
    grounds = square(50, 0, 10, 300, 100, **ground) + square(51, 1, 11, 300, 100, **ground)
    apartments = square(60, 20, 20, 10, 20, building="apartments")
    unsaid = square(61, 50, 20, 10, 20, building="yes")

    data = read(tmp_path, *MAIN_STREET, *grounds, *apartments, *unsaid)

    assert counts(data)["osm.homes"] == len(data.homes) == len(homes)
    assert counts(data)["osm.homes_building_yes"] == homes.count("yes")
    assert counts(data)["osm.buildings_other_ground"] == 2 - len(homes)
    assert counts(data)["osm.levels_assumed"] == len(homes)


def test_a_building_with_a_court_counts_without_the_court(tmp_path: Path) -> None:
    rings = square(50, 0, 20, 60, 50) + square(51, 20, 30, 20, 30)
    block = relation(9, {50: "outer", 51: "inner"}, type="multipolygon", building="apartments")

    data = read(tmp_path, *MAIN_STREET, *rings, block)

    assert data.homes["floor_m2"].tolist() == pytest.approx([60 * 50 - 20 * 30], abs=8)
    # the home lies in the building, not in its court
    place = shapely.transform(data.homes.geometry.iloc[0], lambda xy: xy - CORNER)
    assert shapely.box(0, 20, 60, 70).contains(place)
    assert not shapely.box(20, 30, 40, 60).contains(place)


def test_an_outline_that_misses_nodes_is_left_out(tmp_path: Path) -> None:
    corners = square(50, 0, 20, 30, 20, building="house")

    data = read(tmp_path, *MAIN_STREET, *corners[1:])

    assert data.homes.empty


def test_streets_alone_are_enough(tmp_path: Path) -> None:
    data = read(tmp_path, *MAIN_STREET)

    assert len(data.network.street_m) == 1
    assert data.homes.empty
    assert data.facilities.empty
    assert data.backdrop.empty


# ---------------------------------------------------------------------- facilities


@pytest.mark.parametrize(
    ("tags", "services"),
    [
        ({"amenity": "kindergarten"}, ["kindergarten"]),
        ({"amenity": "kindergarten", "max_age": "2"}, []),
        ({"amenity": "kindergarten", "max_age": "6"}, ["kindergarten"]),
        ({"amenity": "childcare"}, []),
        ({"amenity": "clinic"}, ["clinic"]),
        ({"amenity": "doctors"}, ["clinic"]),
        ({"healthcare": "centre"}, ["clinic"]),
        ({"amenity": "clinic", "healthcare": "hospital"}, []),
        ({"amenity": "hospital", "healthcare": "clinic"}, []),
        ({"amenity": "nursing_home"}, ["elderly_care"]),
        ({"amenity": "social_facility"}, []),
        ({"amenity": "social_facility", "social_facility": "nursing_home"}, ["elderly_care"]),
        ({"amenity": "social_facility", "social_facility": "group_home"}, []),
        (
            {
                "amenity": "social_facility",
                "social_facility": "group_home",
                "social_facility:for": "senior;disabled",
            },
            ["elderly_care"],
        ),
        (
            {
                "amenity": "social_facility",
                "social_facility": "assisted_living",
                "social_facility:for": "disabled",
            },
            [],
        ),
        ({"amenity": "kindergarten", "healthcare": "doctor"}, ["kindergarten", "clinic"]),
        ({"shop": "bakery"}, []),
    ],
)
def test_tags_name_the_services_of_a_place(tmp_path: Path, tags: dict[str, str], services: list[str]) -> None:
    data = read(tmp_path, *MAIN_STREET, node(70, 500, 30, **tags))

    assert data.facilities["service"].tolist() == services
    assert data.facilities["facility_id"].tolist() == [f"osm-n70-{service}" for service in services]


def test_a_facility_may_be_a_node_an_outline_or_a_relation(tmp_path: Path) -> None:
    kindergarten = {"amenity": "kindergarten", "type": "multipolygon"}
    outlines = (
        square(50, 0, 20, 60, 50),
        square(51, 20, 30, 20, 30),
        square(52, 200, 20, 10, 10, amenity="kindergarten"),
    )
    block = relation(9, {50: "outer", 51: "inner"}, **kindergarten)
    open_line = way(80, [1, 4], amenity="kindergarten")

    data = read(
        tmp_path,
        *MAIN_STREET,
        *chain(*outlines),
        block,
        open_line,
        node(70, 500, 30, amenity="kindergarten"),
    )

    places = data.facilities.set_index("facility_id").geometry
    assert sorted(places.index) == ["osm-n70-kindergarten", "osm-r9-kindergarten", "osm-w52-kindergarten"]
    assert (places.x - CORNER[0])["osm-n70-kindergarten"] == pytest.approx(500, abs=NEAR_M)
    assert (places.x - CORNER[0])["osm-w52-kindergarten"] == pytest.approx(205, abs=NEAR_M)
    court = shapely.box(20, 30, 40, 60)
    assert not court.contains(shapely.transform(places["osm-r9-kindergarten"], lambda xy: xy - CORNER))


def test_a_kindergarten_house_is_no_home(tmp_path: Path) -> None:
    data = read(tmp_path, *MAIN_STREET, *square(50, 0, 20, 30, 20, building="yes", amenity="kindergarten"))

    assert data.homes.empty
    assert len(data.facilities) == 1


# ---------------------------------------------------------------------- bad input


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist") as raised:
        read_osm(tmp_path / "nowhere.osm.pbf")
    assert "nowhere.osm.pbf" in str(raised.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        read_osm(tmp_path)


def test_another_kind_of_file_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "streets.geojson"
    path.write_text("{}")

    with pytest.raises(DataError, match=r"\.osm\.pbf"):
        read_osm(path)


HTML = b"<!DOCTYPE html><html><head><title>429 Too Many Requests</title></head><body>Slow down</body></html>"


@pytest.mark.parametrize("content", [b"", b"\x00" * 200, HTML, b"\x1f\x8b\x08\x00", "中文".encode()])
@pytest.mark.parametrize("suffix", [".osm.pbf", ".osm", ".osm.gz", ".osm.bz2"])
def test_what_is_no_openstreetmap_file_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"saved{suffix}"
    path.write_bytes(content)

    with pytest.raises(DataError) as raised:
        read_osm(path, services=SERVICES)
    assert path.name in str(raised.value)
    assert path.name in raised.value.in_language("zh")


@pytest.mark.parametrize("part", [0.1, 0.45, 0.95])
@pytest.mark.parametrize("suffix", [".osm.pbf", ".osm", ".osm.gz", ".osm.bz2"])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = written(tmp_path, *TOWN, suffix=suffix)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(DataError, match="not a whole OpenStreetMap file"):
        read_osm(path, services=SERVICES)


@pytest.mark.parametrize("part", [0.3, 0.7, 0.999])
def test_a_real_file_cut_short_is_refused(tmp_path: Path, part: float) -> None:
    whole = (Path(pyrosm.__file__).parent / "data" / "test.osm.pbf").read_bytes()
    path = tmp_path / "half.osm.pbf"
    path.write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(DataError, match="not a whole OpenStreetMap file"):
        read_osm(path)


def test_a_file_without_streets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no street a person may walk"):
        read(
            tmp_path,
            *square(50, 0, 0, 20, 20, building="house"),
            *MAIN_STREET[:4],
            way(2, [1, 2], highway="motorway"),
        )


def test_xml_that_declares_entities_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE osm [<!ENTITY a "residential"><!ENTITY b "&a;&a;&a;&a;">]>'
    street = way(1, [1, 2], highway="residential").replace("residential", "&a;")

    with pytest.raises(DataError, match="not a whole OpenStreetMap file"):
        read(tmp_path, *MAIN_STREET[:2], street, prolog=bomb)


def test_xml_that_reads_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("residential")
    outside = f'<!DOCTYPE osm [<!ENTITY a SYSTEM "file://{tmp_path}/secret.txt">]>'
    named = node(5, 300, -10, amenity="clinic", name="X").replace('"X"', '"&a;"')

    with pytest.raises(DataError, match="not a whole OpenStreetMap file") as raised:
        read(tmp_path, *MAIN_STREET, named, prolog=outside)
    assert "residential" not in str(raised.value)


# ---------------------------------------------------------------------- files out of order, places nowhere


def unordered(folder: Path, *elements: str, suffix: str = ".osm", head: str = "") -> Path:
    """Write the elements as they come."""
    path = folder / f"odd{suffix}"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">{head}{"".join(elements)}</osm>'.encode()
    )
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    if suffix.endswith(".pbf"):
        plain = unordered(folder, *elements, head=head)
        path.unlink()
        with osmium.SimpleWriter(str(path)) as writer:
            for thing in osmium.FileProcessor(str(plain)):
                writer.add(thing)
    return path


@pytest.mark.parametrize("suffix", [".osm", ".osm.gz", ".osm.pbf"])
@pytest.mark.parametrize(
    ("order", "twice"),
    [
        ([5, 4, 3, 2, 1, 0], 0),  # ways before their nodes
        ([0, 1, 4, 2, 3, 5], 0),  # and among them
        ([0, 1, 2, 3, 5, 4], 0),  # ways in no order
        ([0, 1, 2, 3, 4, 4, 5], 1),  # a way twice
    ],
)
def test_a_file_out_of_order_is_put_in_order_and_said_to_be(
    tmp_path: Path, suffix: str, order: list[int], twice: int
) -> None:
    elements = [*MAIN_STREET, way(2, [2, 4], highway="path")]
    head = '<bounds minlat="28" minlon="119" maxlat="29" maxlon="121"/>'
    whole = read(tmp_path, *elements, head=head)

    data = read_osm(unordered(tmp_path, *(elements[at] for at in order), suffix=suffix, head=head))

    assert sorted(data.network.street_m) == pytest.approx(sorted(whole.network.street_m))
    assert exits_of(data) == []
    assert counts(data)["osm.reordered"] == 1
    assert counts(data)["osm.objects_twice"] == twice
    assert (data.boundary is None) == (suffix == ".osm.pbf")
    assert counts(whole)["osm.reordered"] == 0


def test_a_missing_node_may_have_any_number(tmp_path: Path) -> None:
    data = read(tmp_path, *MAIN_STREET, way(2, [2, 2**60], highway="path"))
    assert counts(data)["osm.clipped_ways"] == 1


def test_a_large_file_out_of_order_is_refused_with_the_command_that_sorts_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"osmium sort .*odd\.osm -o"):
        read_osm(unordered(tmp_path, *reversed(MAIN_STREET)), limits=Limits(max_text_bytes=100))


def test_nodes_in_no_order_or_twice_change_nothing(tmp_path: Path) -> None:
    clinic = node(9, 300, -10, amenity="clinic")
    one, two, three, four, street = MAIN_STREET

    data = read_osm(
        unordered(tmp_path, four, two, clinic, two, one, clinic, three, street), services=SERVICES
    )

    assert data.network.street_m == pytest.approx([2000], abs=NEAR_M)
    assert data.facilities["facility_id"].tolist() == ["osm-n9-clinic"]
    assert counts(data)["osm.objects_twice"] == 1


def test_objects_drawn_but_never_uploaded_are_refused_with_the_cure(tmp_path: Path) -> None:
    drawn = [node(-1, 0, 0), node(-2, 900, 0), way(-1, [-1, -2], highway="path")]

    with pytest.raises(DataError, match=r"negative ids \(node -2\).*osmium renumber"):
        read_osm(unordered(tmp_path, *drawn))


@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf"])
def test_nodes_that_lie_nowhere_are_left_out_and_counted(tmp_path: Path, suffix: str) -> None:
    nowhere = [element("node", ref, attributes='lon="120.9" lat="120"', amenity="clinic") for ref in (3, 70)]
    house = square(50, 0, 20, 30, 20, building="house")
    house[0] = element("node", 500, attributes='lon="190" lat="28"')
    path = [node(6, 1000, 100), way(2, [2, 6], highway="path")]

    data = read(
        tmp_path, *MAIN_STREET[:2], nowhere[0], *MAIN_STREET[3:], *house, *path, nowhere[1], suffix=suffix
    )

    assert sorted(data.network.street_m) == pytest.approx([100, 1000], abs=NEAR_M)
    assert data.facilities.empty
    assert data.homes.empty
    assert counts(data)["osm.nodes_out_of_range"] == 2
    # where a street goes from there, nobody knows
    assert exits_of(data) == [(1000, 0)]


def test_longitude_and_latitude_swapped_is_said_to_be(tmp_path: Path) -> None:
    text = xml(*MAIN_STREET).replace("lon=", "was=").replace("lat=", "lon=").replace("was=", "lat=")
    (tmp_path / "a.osm").write_text(text)

    with pytest.raises(DataError, match=r"lie nowhere on Earth\. Longitude and latitude look swapped"):
        read_osm(tmp_path / "a.osm")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-inf", "1e30", "", "28,4", "3148000", "28&#9;"])
@pytest.mark.parametrize("suffix", [".osm", ".osm.gz", ".osm.bz2"])
def test_coordinates_that_are_no_numbers_leave_out_their_nodes(
    tmp_path: Path, number: str, suffix: str
) -> None:
    odd = [
        element("node", 3, attributes=f'lon="{number}" lat="28.4"'),
        element("node", 9, attributes=f"""user="> lat='" lat='{number}' lon = '120'""", amenity="clinic"),
    ]

    data = read(tmp_path, *MAIN_STREET[:2], odd[0], *MAIN_STREET[3:], odd[1], suffix=suffix)

    assert data.network.street_m == pytest.approx([1000], abs=NEAR_M)
    assert data.facilities.empty
    assert counts(data)["osm.nodes_out_of_range"] == 2


def test_a_file_out_of_order_may_have_coordinates_that_are_no_numbers(tmp_path: Path) -> None:
    odd = element("node", 90, attributes='lon="120" lat="NaN"', amenity="clinic")
    (tmp_path / "a.osm").write_text(
        xml().replace("</osm>", "".join([odd, *reversed(MAIN_STREET)]) + "</osm>")
    )

    data = read_osm(tmp_path / "a.osm", services=SERVICES)

    assert len(data.network.street_m)
    assert counts(data)["osm.nodes_out_of_range"] == 1
    assert counts(data)["osm.reordered"] == 1


def test_a_bare_node_that_is_there_twice_stands_where_it_stands_first(tmp_path: Path) -> None:
    again = [node(1, 0, 0), node(1, 500, 0), node(2, 1000, 0)]

    data = read(tmp_path, *again, way(1, [1, 2], highway="path"))

    assert data.network.street_m == pytest.approx([1000], abs=NEAR_M)


@pytest.mark.parametrize("part_bytes", [1, 7, 100])
def test_nodes_are_found_wherever_a_file_is_parted(
    tmp_path: Path, part_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osm_copies, "_PART_BYTES", part_bytes)
    odd = element("node", 9, attributes='lon="120" lat="NaN"', amenity="clinic")

    assert counts(read(tmp_path, *MAIN_STREET, odd))["osm.nodes_out_of_range"] == 1


def test_metres_for_degrees_are_said_to_be_metres(tmp_path: Path) -> None:
    nodes = [element("node", ref, attributes=f'lon="590{ref}00.5" lat="3148000"') for ref in (1, 2, 3)]

    with pytest.raises(DataError, match=r"lie nowhere on Earth.*or the coordinates are metres"):
        read(tmp_path, *nodes, way(1, [1, 2, 3], highway="path"))


def test_streets_on_both_sides_of_the_antimeridian_need_a_crs(tmp_path: Path) -> None:
    ends = [
        element("node", ref, attributes=f'lon="{lon}" lat="-16.8"')
        for ref, lon in ((1, 179.999), (2, -179.999))
    ]
    path = written(tmp_path, *ends, way(1, [1, 2], highway="path"))

    with pytest.raises(DataError, match=r"from -179\.9990 to 179\.9990 degrees.*--crs"):
        read_osm(path)
    assert read_osm(path, crs="EPSG:32760").network.street_m == pytest.approx([213], rel=0.01)


@pytest.mark.parametrize("bounds", [(-90, -180, 90, 180), (27, 118, 30, 122)])
def test_a_header_that_claims_the_whole_world_does_no_harm(tmp_path: Path, bounds: tuple[int, ...]) -> None:
    head = '<bounds minlat="{}" minlon="{}" maxlat="{}" maxlon="{}"/>'.format(*bounds)

    data = read(tmp_path, *MAIN_STREET, head=head)

    assert data.boundary is not None
    assert data.boundary.is_valid
    assert data.boundary.covers(shapely.union_all(data.network.lines))
    assert exits_of(data) == []


@pytest.mark.parametrize("more", [b"\0", b"\0\0\0", b"<html>", b"\0\0\0\x0d\x0a\x07OSMData\x18\x09"])
def test_a_pbf_that_does_not_end_with_its_last_block_is_refused(tmp_path: Path, more: bytes) -> None:
    path = written(tmp_path, *TOWN, suffix=".osm.pbf")
    whole = path.read_bytes()
    path.write_bytes(whole + more)

    with pytest.raises(DataError, match=rf"not a whole OpenStreetMap file \(byte {len(whole)} of "):
        read_osm(path)


@pytest.mark.parametrize("left", [-1, -40, 30, 3])
def test_a_pbf_cut_within_a_block_is_refused_before_anything_is_read(tmp_path: Path, left: int) -> None:
    path = written(tmp_path, *TOWN, suffix=".osm.pbf")
    path.write_bytes(path.read_bytes()[:left])

    with pytest.raises(DataError, match=r"not a whole OpenStreetMap file \(byte \d+ of "):
        check_osm(path)


# ---------------------------------------------------------------------- one facility drawn twice


def test_an_outline_within_another_of_its_kind_and_name_is_the_same_facility(tmp_path: Path) -> None:
    def kindergarten(ref: int, x: float, wide: float, name: str) -> list[str]:
        return square(ref, x, 20 + (100 - wide) / 2, wide, wide, amenity="kindergarten", name=name)

    data = read(
        tmp_path,
        *MAIN_STREET,
        *kindergarten(50, 0, 100, "甲"),
        *kindergarten(51, 10, 50, "甲"),
        *kindergarten(52, 60, 20, "乙"),  # another one, on the same ground
        *kindergarten(53, 200, 20, "甲"),  # of the same name, elsewhere
        *square(54, 20, 55, 10, 10, amenity="clinic", name="甲"),
    )

    assert sorted(data.facilities["facility_id"]) == [
        "osm-w50-kindergarten", "osm-w52-kindergarten", "osm-w53-kindergarten", "osm-w54-clinic",
    ]  # fmt: skip
    assert counts(data)["osm.facilities_within"] == 1


@pytest.mark.parametrize("drawn", ["a way", "a multipolygon"])
def test_a_square_is_crossed_however_it_is_drawn(tmp_path: Path, drawn: str) -> None:
    # a square of 300 m with its corner on Main Street's middle; a path leaves it at the opposite corner
    tags = {"highway": "pedestrian", "area": "yes"}
    corners = [node(40, 1300, 0), node(41, 1300, 300), node(42, 1000, 300), node(43, 1300, 1300)]
    outline = way(40, [2, 40, 41, 42, 2], **(tags if drawn == "a way" else {}))
    whole = (
        [] if drawn == "a way" else [relation(9, {40: "outer"}, type="multipolygon", highway="pedestrian")]
    )
    data = read(tmp_path, *MAIN_STREET, *corners, outline, way(41, [41, 43], highway="path"), *whole)

    places = data.network.snap(*np.transpose([(CORNER[0], CORNER[1]), (CORNER[0] + 1300, CORNER[1] + 1300)]))
    doors = places.take(np.array([1]))
    walk = metres_to_nearest(data.network, places.take(np.array([0])), doors).metres
    assert walk == pytest.approx([1000 + 300 * np.sqrt(2) + 1000], rel=1e-3)
    assert counts(data)["osm.squares"] == 1


def test_a_relation_and_its_ring_are_one_facility(tmp_path: Path) -> None:
    tags = {"amenity": "kindergarten", "name": "甲"}
    ring = square(50, 0, 20, 60, 50, **tags)

    data = read(tmp_path, *MAIN_STREET, *ring, relation(9, {50: "outer"}, type="multipolygon", **tags))

    assert len(data.facilities) == 1
    assert counts(data)["osm.facilities_within"] == 1


def test_a_coordinate_system_may_be_chosen_if_it_counts_in_metres(tmp_path: Path) -> None:
    path = written(tmp_path, *MAIN_STREET)

    assert read_osm(path, crs="EPSG:32650").network.crs.to_epsg() == 32650
    with pytest.raises(DataError, match="does not count in metres"):
        read_osm(path, crs=4326)
    with pytest.raises(DataError, match="EPSG:999999"):
        read_osm(path, crs="EPSG:999999")


# ---------------------------------------------------------------------- real files


@pytest.fixture(scope="module")
def las_palmas(shared_data: Callable[[str], Path]) -> OsmData:
    return read_osm(shared_data(LAS_PALMAS), services=SERVICES)


def test_a_whole_city_is_read(las_palmas: OsmData) -> None:
    network = las_palmas.network

    assert network.crs.to_epsg() == 32628
    assert las_palmas.timestamp == "2023-02-21T03:31:14Z"
    # what shared/data/README.md counted by itself: 23, 116 and 12
    assert las_palmas.facilities["service"].value_counts().to_dict() == {
        "clinic": 116, "kindergarten": 23, "elderly_care": 12,
    }  # fmt: skip
    assert 25_000 < (network.drawn_m > 0).sum() < 30_000
    assert 2_000_000 < network.drawn_m.sum() < 2_200_000
    # streets are as long as their lines, islands are few, and most of the network is in one piece
    assert shapely.length(network.lines) == pytest.approx(network.street_m, abs=1e-6)
    assert network.drawn_m[~network.island].sum() / network.drawn_m.sum() > 0.9
    assert 15_000 < len(las_palmas.homes) < 22_595
    assert las_palmas.homes["floor_m2"].min() >= 20


def test_a_window_of_a_real_city_is_walked_as_the_oracle_walks(las_palmas: OsmData) -> None:
    # the two kilometres of the old town and the port road around Triana
    x, y = pyproj.Transformer.from_crs(4326, 32628, always_xy=True).transform(-15.4175, 28.105)
    window = shapely.box(x - 1000, y - 1000, x + 1000, y + 1000)
    graph = las_palmas.network.to_networkx()
    within = [ref for ref, at in graph.nodes(data=True) if window.covers(shapely.Point(at["x"], at["y"]))]
    network = WalkNetwork.from_networkx(graph.subgraph(within))
    rng = np.random.default_rng(28)
    homes = las_palmas.homes[las_palmas.homes.within(window)].get_coordinates().to_numpy()
    homes = np.concatenate(
        [rng.permutation(homes)[:300], rng.uniform(window.bounds[:2], window.bounds[2:], (100, 2))]
    )
    facilities = las_palmas.facilities[las_palmas.facilities.within(window)].get_coordinates().to_numpy()
    assert len(network.street_m) > 1500
    assert len(facilities) > 5

    found = metres_to_nearest(network, network.snap(*homes.T), network.doors(*facilities.T))

    expected = walks_m(network, homes, facilities)
    np.testing.assert_allclose(found.metres, expected.min(axis=1), rtol=0, atol=1e-6)
    reached = np.flatnonzero(found.facility >= 0)
    assert len(reached) > 300
    named = expected[reached, found.facility[reached]]
    np.testing.assert_allclose(named, found.metres[reached], rtol=0, atol=1e-6)


def test_a_campus_in_xml_is_read(shared_data: Callable[[str], Path]) -> None:
    path = shared_data(CAMPUS)

    data = read_osm(path, services=SERVICES)

    # every highway but the one under construction may be walked; their length, measured on the ellipsoid
    ground_m = 0.0
    for thing in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations():
        if isinstance(thing, osmium.osm.Way) and thing.tags.get("highway", "construction") != "construction":
            ends = pairwise([(at.lon, at.lat) for at in thing.nodes])
            ground_m += sum(GEOD.inv(*here, *there)[2] for here, there in ends)
    assert data.network.drawn_m.sum() == pytest.approx(ground_m, rel=4e-4)
    kinds = "footway path pedestrian residential service steps tertiary trunk trunk_link"
    assert sorted(set(data.network.kind)) == kinds.split()
    assert data.network.crs.to_epsg() == 4548
    assert data.timestamp == "2025-04-30T10:06:54Z"
    # 30 apartments, 12 dormitories, 8 bungalows, 7 houses, of which two are huts; most of its building=yes
    # stand on the ground of the university
    assert len(data.homes) == 57
    assert counts(data)["osm.homes_building_yes"] == 2
    assert data.facilities.empty
    assert data.boundary is not None
    # the bounds in the file are 0.00633 degrees wide and 0.00709 high: 541 x 787 m
    assert data.boundary.area == pytest.approx(541 * 787, rel=0.002)


@pytest.mark.parametrize(
    ("name", "facilities", "homes", "clipped"),
    [("Helsinki.osm.pbf", {"clinic": 7}, 146, 180), ("test.osm.pbf", {"kindergarten": 1}, 1779, 42)],
)
def test_clipped_extracts_are_read(name: str, facilities: dict[str, int], homes: int, clipped: int) -> None:
    path = Path(pyrosm.__file__).parent / "data" / name

    data = read_osm(path, services=SERVICES)

    # counted by hand with pyosmium alone: of the 1170 outlines in test.osm.pbf whose tag names a residential
    # building 25 miss nodes, and 634 building=yes stand on no other ground; 1170 - 25 + 634 = 1779

    assert data.network.crs.to_epsg() == 32635
    assert data.facilities["service"].value_counts().to_dict() == facilities
    assert len(data.homes) == homes
    assert counts(data)["osm.clipped_ways"] == clipped
    assert counts(data)["osm.data_ends"] >= clipped
    assert shapely.length(data.network.lines) == pytest.approx(data.network.street_m, abs=1e-6)


# ---------------------------------------------------------------------- through OSMnx


@pytest.fixture
def walking_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let OSMnx keep the tags that say who may walk, and put its settings back."""
    tags = ["highway", "access", "foot", "motorroad", "oneway:foot", "foot:forward", "foot:backward"]
    monkeypatch.setattr(ox.settings, "useful_tags_way", tags)


@pytest.mark.usefixtures("walking_tags")
def test_osmnx_and_the_file_reader_give_the_same_walks(
    shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared_data(CAMPUS)
    graph: Any = ox.graph_from_xml(path, bidirectional=True, simplify=False, retain_all=True)
    # from a file OSMnx takes every way for a street, buildings too
    graph.remove_edges_from([edge[:3] for edge in graph.edges(keys=True, data="highway") if edge[3] is None])

    by_osmnx = WalkNetwork.from_networkx(graph, crs="EPSG:4548")
    # a graph knows nothing of squares, nor of fences beside the streets
    monkeypatch.setattr("lifecircle.network.with_crossings", lambda ways, _: ways)
    monkeypatch.setattr("lifecircle.sources.osm_hearing._hear_square", lambda *_: None)
    by_file = dataclasses.replace(WalkNetwork.from_osm(path, crs="EPSG:4548"), barriers=NO_BARRIERS)

    assert by_osmnx.street_m.sum() == pytest.approx(by_file.street_m.sum(), abs=1e-6)
    rng = np.random.default_rng(5)
    low, high = np.reshape(shapely.total_bounds(by_file.lines), (2, 2))
    homes, facilities = rng.uniform(low, high, (300, 2)), rng.uniform(low, high, (6, 2))
    walks = [
        metres_to_nearest(network, network.snap(*homes.T), network.doors(*facilities.T))
        for network in (by_osmnx, by_file)
    ]
    assert np.isfinite(walks[0].metres).sum() > 150
    np.testing.assert_allclose(walks[0].metres, walks[1].metres, rtol=0, atol=1e-6)
    assert walks[0].facility.tolist() == walks[1].facility.tolist()


def test_errors_never_speak_of_a_line_of_code(tmp_path: Path) -> None:
    path = tmp_path / "saved.osm.pbf"
    path.write_bytes(HTML)

    with pytest.raises(DataError) as raised:
        read_osm(path)
    assert not re.search(r"Traceback|\.py|0x", str(raised.value))


def test_an_area_that_is_none_is_counted(tmp_path: Path) -> None:
    # A ring that crosses itself cannot be put together to an area.
    knot = [node(901, 0, 50), node(902, 40, 90), node(903, 40, 50), node(904, 0, 90)]
    data = read(tmp_path, *MAIN_STREET, *knot, way(90, [901, 902, 903, 904, 901], building="apartments"))
    assert counts(data)["osm.broken_areas"] == 1
