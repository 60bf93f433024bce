"""Is only a whole answer taken, and is the file made of many answers a genuine one?"""

import json
from pathlib import Path
from typing import Any

import osmium
import pytest
from overpass_server import BOUNDARY, HTML, TIMED_OUT, Element, elements_of, town
from shapely.geometry import mapping

from lifecircle.sources.osm_answers import nominatim_answer, overpass_answer, write_pbf
from lifecircle.sources.transport import NoAnswerError

NODE: Element = {"type": "node", "id": 1, "lat": 28.445, "lon": 119.905}
PLACE = {
    "lat": "28.445", "lon": "119.905", "importance": 0.5, "geojson": mapping(BOUNDARY),
    "boundingbox": ["28.44", "28.45", "119.90", "119.91"],
}  # fmt: skip


def answer_of(*elements: Element, **more: Any) -> bytes:
    return json.dumps({"version": 0.6, "elements": elements, **more}).encode()


def test_a_whole_answer_is_taken_as_it_is() -> None:
    assert overpass_answer(answer_of(*town())) == json.loads(answer_of(*town()))
    assert overpass_answer(answer_of())["elements"] == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (TIMED_OUT, "partial"),
        (HTML, "not_data"),
        (b'{"elements": [{"type": "node", "id": 1, "la', "not_data"),
        (b'{"version": 0.6}', "not_data"),
        (b"[]", "not_data"),
        (b"", "not_data"),
        (b"\xff\xfe", "not_data"),
        (b"[" * 200_000, "not_data"),
        (answer_of(NODE | {"lat": 120}), "not_data"),
        (answer_of(NODE | {"lat": float("nan")}), "not_data"),
        (answer_of(NODE | {"tags": {"levels": 6}}), "not_data"),
        (answer_of({"type": "way", "id": 1}), "not_data"),
        (answer_of(NODE, {"type": "way", "id": 1, "nodes": ["1", "1"]}), "not_data"),
        (answer_of(NODE, {"type": "way", "id": 1, "nodes": [1, 2]}), "partial"),
        (answer_of({"type": "relation", "id": 1, "members": [{"type": "way", "ref": 1}]}), "not_data"),
        (answer_of({"type": "area", "id": 1}), "not_data"),
    ],
)
def test_anything_less_is_no_answer(body: bytes, key: str) -> None:
    with pytest.raises(NoAnswerError) as caught:
        overpass_answer(body)
    assert caught.value.key == f"fetch.{key}"
    assert caught.value.again


def test_what_came_instead_is_quoted_in_short() -> None:
    with pytest.raises(NoAnswerError) as caught:
        overpass_answer(HTML + b"x" * 9000)
    assert caught.value.detail.startswith(f"{len(HTML) + 9000} B: Error : The server is probably too busy.")
    assert len(caught.value.detail) < 150


def test_places_hold_what_the_geocoder_is_asked_for() -> None:
    assert nominatim_answer(b"[]") == []
    assert [place["lat"] for place in nominatim_answer(json.dumps([PLACE]).encode())] == ["28.445"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"error": "busy"},
        5,
        [{}],
        [PLACE | {"importance": "high"}],
        [PLACE | {"boundingbox": None}],
        [PLACE | {"geojson": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}}],
    ],
)
def test_other_places_are_no_answer(wrong: object) -> None:
    with pytest.raises(NoAnswerError) as caught:
        nominatim_answer(json.dumps(wrong).encode())
    assert caught.value.key == "fetch.not_data"


# ---------------------------------------------------------------------- the file


def header_of(path: Path) -> Any:
    with osmium.io.Reader(str(path)) as reader:
        return reader.header()


def test_the_file_holds_every_element_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "town.osm.pbf"
    write_pbf(path, [answer_of(*reversed(town())), answer_of(*town()[:9]), answer_of()], BOUNDARY)
    assert elements_of(path) == town()
    assert header_of(path).get("sorting") == "Type_then_ID"


def test_the_header_says_what_box_is_covered(tmp_path: Path) -> None:
    path = tmp_path / "town.osm.pbf"
    write_pbf(path, [answer_of(NODE)], BOUNDARY)
    low, high = header_of(path).box().bottom_left, header_of(path).box().top_right
    assert (low.lon, low.lat, high.lon, high.lat) == pytest.approx(BOUNDARY.bounds)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (["2026-10-02T00:00:00Z", "2026-10-01T23:00:00Z"], "2026-10-01T23:00:00Z"),
        (["2026-10-02T00:00:00Z", None], ""),
        (["2026-10-02T00\\:00\\:00Z"], "2026-10-02T00:00:00Z"),
        (["2026-10-2T0:0:0Z"], "2026-10-02T00:00:00Z"),
        (["2026-99-02T00:00:00Z"], ""),
        (["0001-01-01T00:00:00Z"], ""),
        (["yesterday"], ""),
        ([""], ""),
    ],
    ids=["the oldest", "one silent", "escaped", "short", "no month", "too old", "words", "empty"],
)
def test_the_header_says_when_the_data_was_taken(
    tmp_path: Path, said: list[str | None], understood: str
) -> None:
    # a time that the writer cannot read would end the whole process
    path = tmp_path / "town.osm.pbf"
    write_pbf(path, [answer_of(NODE, osm3s={"timestamp_osm_base": time}) for time in said], BOUNDARY)
    assert header_of(path).get("osmosis_replication_timestamp") == understood


def test_an_answer_without_a_time_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "town.osm.pbf"
    write_pbf(path, [answer_of(NODE), answer_of(NODE | {"id": 2}, osm3s=None)], BOUNDARY)
    assert len(elements_of(path)) == 2
