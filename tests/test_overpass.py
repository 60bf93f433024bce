"""Does a city come whole from the servers into its folder, and is it the city that was asked for?"""

import dataclasses
import itertools
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from overpass_server import (
    BOUNDARY,
    BUSY,
    FAULTS,
    Answer,
    Element,
    OverpassServer,
    elements_of,
    sample_window,
    serve,
    town,
)
from shapely.geometry import box, mapping

from lifecircle.barriers import NO_BARRIERS
from lifecircle.catalog import LayerFile, find_city
from lifecircle.errors import DataError, FetchError, FileError
from lifecircle.messages import LANGUAGES, say
from lifecircle.network import WalkNetwork
from lifecircle.reach import metres_to_nearest
from lifecircle.sources import overpass, transport
from lifecircle.sources.layers import read_boundary
from lifecircle.sources.overpass import download_graph, fetch_city
from lifecircle.sources.read_city import load_city

FILES = ["boundary.geojson", "city.toml", "communities.gpkg", "data_area.geojson", "streets.osm.pbf"]


@pytest.fixture(autouse=True)
def _no_proxy_and_short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(transport, "_FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[OverpassServer]:
    with serve(town()) as running:
        yield running


@pytest.fixture
def fetch(server: OverpassServer, tmp_path: Path) -> Callable[..., Path]:
    def run(**options: Any) -> Path:
        defaults: dict[str, Any] = {
            "name": {"zh": "小镇", "en": "Town"}, "lang": "zh", "boundary": BOUNDARY, "place": None,
            "overpass_url": server.url, "nominatim_url": server.url, "cache_folder": tmp_path / "cache",
        }  # fmt: skip
        return fetch_city(tmp_path / "town", **(defaults | options))

    return run


# ---------------------------------------------------------------------- the folder


def test_the_folder_holds_every_element_and_says_what_it_covers(fetch: Callable[..., Path]) -> None:
    folder = fetch()
    assert sorted(file.name for file in folder.iterdir()) == FILES
    assert elements_of(folder / "streets.osm.pbf") == town()
    city = load_city(folder)
    assert city.osm_timestamp == "2026-10-01T00:00:00Z"
    data_area = gpd.read_file(folder / "data_area.geojson").to_crs(city.crs).union_all()
    assert city.boundary is not None
    assert shapely.hausdorff_distance(city.boundary, data_area) < 0.01
    assert list(city.communities["community"]) == ["西社区", "东社区"]


def test_boundary_is_what_was_asked_for_and_data_area_has_the_halo(fetch: Callable[..., Path]) -> None:
    folder = fetch(halo_m=1000)
    assert read_boundary(folder / "boundary.geojson", crs=4326).equals(BOUNDARY)
    asked = gpd.GeoSeries([BOUNDARY], crs=4326).to_crs(4549).iloc[0]
    data = read_boundary(folder / "data_area.geojson", crs=4549)
    assert data.contains(asked.buffer(1000))
    assert not data.contains(asked.buffer(1200))


def test_fetching_a_fetched_city_again_asks_for_the_same_area(
    fetch: Callable[..., Path], server: OverpassServer, tmp_path: Path
) -> None:
    # an odd shape with a hole, in figures that no short text can hold
    hole = shapely.Point(119.905, 28.445).buffer(0.0001)
    folder = fetch(boundary=shapely.Point(119.905, 28.445).buffer(0.01 / 3).difference(hole))
    files = find_city(folder)
    assert files.boundary == LayerFile(folder / "boundary.geojson")
    assert files.data_area == LayerFile(folder / "data_area.geojson")
    told: list[str] = []
    fetch(boundary=read_boundary(files.boundary, crs=4326), overwrite=True, lang="en", progress=told.append)
    assert len(server.asked) == 3  # the same questions as before, so all of them are answered by the cache
    (old,) = tmp_path.glob("town.*.old")
    assert told[-1] == say("fetch.kept_old", "en", path=old)
    for name in ("boundary.geojson", "data_area.geojson", "streets.osm.pbf"):
        assert (folder / name).read_bytes() == (old / name).read_bytes()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_city_toml_names_the_files_and_carries_any_name(lang: str) -> None:
    text = overpass._city_toml({"zh": '小"镇\n\\', "en": "Town"}, lang, "莲都区", "A note")
    assert tomllib.loads(text) == {
        "lang": lang,
        "osm": "streets.osm.pbf",
        "communities": "communities.gpkg",
        "facilities": [],
        "boundary": "boundary.geojson",
        "data_area": "data_area.geojson",
        "place": "莲都区",
        "name": {"zh": '小"镇\ufffd\\', "en": "Town"},
        "columns": {"community": "community"},
    }
    for key in ("facilities", "boundary", "data_area"):
        assert f"# {say(f'fetch.toml_{key}', lang)}\n{key} = " in text


def test_communities_are_the_administrative_areas_inside(fetch: Callable[..., Path]) -> None:
    communities = gpd.read_file(fetch() / "communities.gpkg")
    assert dict(zip(communities["community_id"], communities["community"], strict=True)) == {
        "relation/201": "西社区",
        "relation/202": "东社区",
    }
    halves = gpd.GeoSeries(
        [box(119.900, 28.440, 119.905, 28.450), box(119.905, 28.440, 119.910, 28.450)], crs=4326
    )
    ordered = communities.set_index("community_id").geometry.loc[["relation/201", "relation/202"]]
    assert (shapely.hausdorff_distance(ordered.array, halves.array) < 1e-6).all()


@pytest.mark.parametrize(
    ("known", "boundary"),
    [([], BOUNDARY), ([201], BOUNDARY), ([201, 202], box(119.900, 28.440, 119.920, 28.450))],
    ids=["none", "only one", "two that cover half"],
)
def test_without_administrative_areas_the_city_is_one_community_and_says_so(
    fetch: Callable[..., Path], server: OverpassServer, known: list[int], boundary: shapely.Polygon
) -> None:
    server.elements = [thing for thing in town() if thing["type"] != "relation" or thing["id"] in known]
    told: list[str] = []
    folder = fetch(boundary=boundary, progress=told.append)
    communities = gpd.read_file(folder / "communities.gpkg")
    assert list(communities["community"]) == ["小镇"]
    assert communities.union_all().equals(boundary)
    assert say("fetch.one_community", "zh") in told
    assert f"# {say('fetch.one_community', 'zh')}" in (folder / "city.toml").read_text(encoding="utf-8")


def test_a_neighbour_along_the_border_is_no_community(
    fetch: Callable[..., Path], server: OverpassServer
) -> None:
    north = {**town()[-1], "id": 203, "members": [{"type": "way", "ref": 113, "role": "outer"}]}
    server.elements += [
        {"type": "node", "id": 16, "lat": 28.460, "lon": 119.910},
        {"type": "node", "id": 17, "lat": 28.460, "lon": 119.900},
        {"type": "way", "id": 113, "nodes": [15, 13, 16, 17, 15]},
        north,
    ]
    communities = gpd.read_file(fetch(boundary=box(119.900, 28.440, 119.910, 28.4501)) / "communities.gpkg")
    assert sorted(communities["community_id"]) == ["relation/201", "relation/202"]


def test_a_place_is_found_by_the_geocoder(fetch: Callable[..., Path], server: OverpassServer) -> None:
    west, south, east, north = BOUNDARY.bounds
    server.places = [
        {
            "lat": "28.445", "lon": "119.905", "importance": 0.5, "geojson": mapping(BOUNDARY),
            "boundingbox": [str(south), str(north), str(west), str(east)],
        }
    ]  # fmt: skip
    server.script.append(BUSY)
    folder = fetch(boundary=None, place="小镇")
    assert read_boundary(folder / "boundary.geojson", crs=4326).equals(BOUNDARY)
    assert "/api/search?" in server.asked[0]


def test_an_unknown_place_is_an_error_that_names_it(fetch: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"Nirgendwo.*--boundary FILE"):
        fetch(boundary=None, place="Nirgendwo")


# ---------------------------------------------------------------------- what goes wrong


def test_a_server_that_stays_faulty_leaves_nothing(
    fetch: Callable[..., Path], server: OverpassServer, tmp_path: Path
) -> None:
    server.script.extend(answer for answer, _ in FAULTS.values())
    with pytest.raises(FetchError):
        fetch(tries=len(FAULTS))
    assert list(tmp_path.rglob("*")) == []  # no folder, nothing cached


def test_faults_that_pass_do_no_harm(fetch: Callable[..., Path], server: OverpassServer) -> None:
    server.script.extend(answer for answer, _ in FAULTS.values())
    assert elements_of(fetch(tries=len(FAULTS) + 1) / "streets.osm.pbf") == town()


def test_an_area_without_streets_is_said(fetch: Callable[..., Path], server: OverpassServer) -> None:
    server.elements = []
    with pytest.raises(FetchError) as caught:
        fetch()
    assert caught.value.key == "fetch.no_streets"


def test_a_failed_run_is_taken_up_where_it_ended(fetch: Callable[..., Path], server: OverpassServer) -> None:
    server.script.extend([Answer(), BUSY])
    with pytest.raises(FetchError):
        fetch(tries=1)
    fetch()
    assert len(server.asked) == 4  # two, of which one failed, and the two that were missing


def test_a_folder_that_is_there_is_refused_before_anything_is_asked(
    fetch: Callable[..., Path], server: OverpassServer, tmp_path: Path
) -> None:
    (tmp_path / "town").mkdir()
    with pytest.raises(FileError, match="exists already"):
        fetch()
    with pytest.raises(FileError, match="no city folder"):
        fetch(overwrite=True)
    assert server.asked == []
    assert list((tmp_path / "town").iterdir()) == []


def test_an_element_that_cannot_be_written_is_one_clear_line(
    fetch: Callable[..., Path], server: OverpassServer, tmp_path: Path
) -> None:
    server.elements[-1]["tags"]["note"] = "x" * 100_000
    with pytest.raises(FileError, match=r"town cannot be written: .*too long"):
        fetch()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"boundary": box(28.44, 119.90, 28.45, 119.91)}, "fetch.not_degrees"),
        ({"boundary": box(553000, 3145000, 554000, 3146000)}, "fetch.not_degrees"),
        ({"boundary": shapely.Polygon()}, "fetch.bad_boundary"),
        ({"boundary": shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])}, "fetch.bad_boundary"),
        ({"boundary": box(110, 20, 120, 30)}, "fetch.too_wide"),
        ({"boundary": None}, "fetch.nowhere"),
        ({"overpass_url": "overpass-api.de"}, "fetch.bad_url"),
    ],
)
def test_a_wrong_question_is_not_asked(
    fetch: Callable[..., Path], server: OverpassServer, options: dict[str, Any], key: str
) -> None:
    with pytest.raises(DataError) as caught:
        fetch(**options)
    assert caught.value.key == key
    assert server.asked == []


# ---------------------------------------------------------------------- the graph


def test_the_graph_has_every_way_in_both_directions(server: OverpassServer) -> None:
    graph = download_graph(BOUNDARY, overpass_url=server.url)
    (question,) = server.asked
    assert '(way["highway"](poly:' in question
    assert sorted(graph.nodes) == [1, 2, 3, 4, 5]
    assert sorted(graph.edges()) == [(1, 2), (2, 1), (2, 3), (2, 4), (2, 5), (3, 2), (4, 2), (5, 2)]
    east = graph.edges[1, 2, 0]
    assert (east["highway"], east["name"], east["bridge"]) == ("residential", "东街", "yes")
    assert graph.edges[4, 2, 0]["access"] == "private"
    assert graph.graph["crs"] == "epsg:4326"


def walks(network: WalkNetwork, places: np.ndarray) -> np.ndarray:
    """Return the metres from every place to every tenth one."""
    homes = network.snap(*places.T)
    return np.column_stack(
        [metres_to_nearest(network, homes, network.doors(*place)).metres for place in places[::10]]
    )


@pytest.fixture(params=["the sample", "a campus"])
def real_elements(request: pytest.FixtureRequest, shared_data: Callable[[str], Path]) -> list[Element]:
    if request.param == "a campus":
        elements = elements_of(shared_data("beijing_campus/campus.osm"))
        for element in elements:  # a graph knows nothing of gates
            element.get("tags", {}).pop("barrier", None)
        return elements
    elements = sample_window()
    directions = itertools.cycle([{"oneway:foot": "yes"}, {"oneway:foot": "-1"}, {"foot:backward": "no"}])
    streets = [element for element in elements if "highway" in element.get("tags", {})]
    for street, direction in zip(streets[::7], directions):  # noqa: B905  the cycle has no end
        street["tags"] |= direction
    return elements


def without(element: Element, tag: str) -> Element:
    return {**element, "tags": {key: value for key, value in element.get("tags", {}).items() if key != tag}}


def test_the_graph_and_the_file_give_the_same_walks(
    server: OverpassServer, fetch: Callable[..., Path], real_elements: list[Element]
) -> None:
    server.elements = [without(e, "area") for e in real_elements]  # a graph walks round squares
    nodes = [(e["lon"], e["lat"]) for e in real_elements if e["type"] == "node"]
    everywhere = shapely.MultiPoint(nodes).envelope.buffer(0.005)  # OSMnx cuts at the polygon's edge
    graph = download_graph(everywhere, overpass_url=server.url)
    by_file = WalkNetwork.from_osm(fetch(boundary=everywhere) / "streets.osm.pbf")
    # a graph knows nothing of walls beside the streets
    by_file = dataclasses.replace(by_file, barriers=NO_BARRIERS)
    by_graph = WalkNetwork.from_networkx(graph, crs=by_file.crs)

    rng = np.random.default_rng(7)
    places = rng.choice(by_file.line_xy, 300) + rng.normal(0, 20, (300, 2))
    metres = walks(by_file, places)

    assert by_graph.street_m.sum() == pytest.approx(by_file.street_m.sum())
    assert np.isfinite(metres).mean() > 0.5
    np.testing.assert_allclose(walks(by_graph, places), metres, rtol=0, atol=1e-6)
