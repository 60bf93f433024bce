"""Does OSMnx ask by our transport, whatever its user has set, and is it left as it was?"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from overpass_server import BOUNDARY, BUSY, HTML, Answer, OverpassServer, serve, town

from lifecircle.errors import DataError, FetchError
from lifecircle.messages import LANGUAGES
from lifecircle.sources import osmnx_loan
from lifecircle.sources.osmnx_loan import borrowed_osmnx
from lifecircle.sources.transport import Transport


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OverpassServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(town()) as running:
        yield running


def borrow(url: str, tries: int = 1) -> AbstractContextManager[tuple[Any, list[bytes]]]:
    transport = Transport(
        tries=tries, total_seconds=10, cache_folder=None, lang="en", progress=lambda _: None
    )
    return borrowed_osmnx(transport, url, url)


def graph_by(ox: Any) -> Any:
    return ox.graph_from_polygon(BOUNDARY, network_type="walk", custom_filter='["highway"]', simplify=False)


@pytest.mark.parametrize("fails", [False, True])
def test_osmnx_and_the_resolver_are_left_as_they_were(
    server: OverpassServer, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    import osmnx as ox
    from osmnx import _nominatim, _overpass

    monkeypatch.setattr(ox.settings, "use_cache", True)
    monkeypatch.setattr(ox.settings, "requests_timeout", 7)
    monkeypatch.setattr(ox.settings, "useful_tags_way", ["mine"])

    def state() -> tuple[object, ...]:
        return (
            dict(vars(ox.settings)),
            socket.getaddrinfo,
            _overpass._overpass_request,
            _nominatim._nominatim_request,
        )

    before = state()
    if fails:
        server.script.append(BUSY)
        with pytest.raises(FetchError), borrow(server.url) as (borrowed, _):
            graph_by(borrowed)
    else:
        with borrow(server.url) as (borrowed, _):
            graph_by(borrowed)
    assert len(server.asked) == 1
    assert state() == before


def test_what_the_user_set_changes_no_question_and_no_graph(
    server: OverpassServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import osmnx as ox

    with borrow(server.url) as (borrowed, answers):
        graph = graph_by(borrowed)
    monkeypatch.setattr(ox.settings, "all_oneway", True)
    monkeypatch.setattr(ox.settings, "bidirectional_network_types", [])
    monkeypatch.setattr(ox.settings, "cache_only_mode", True)
    monkeypatch.setattr(ox.settings, "default_crs", "epsg:3857")
    monkeypatch.setattr(ox.settings, "max_query_area_size", 1000)
    monkeypatch.setattr(ox.settings, "overpass_memory", 1)
    monkeypatch.setattr(ox.settings, "overpass_settings", "[out:xml]")
    monkeypatch.setattr(ox.settings, "requests_timeout", 7)
    monkeypatch.setattr(ox.settings, "useful_tags_way", ["mine"])
    with borrow(server.url) as (borrowed, again):
        assert dict(graph_by(borrowed).adj) == dict(graph.adj)
    assert answers == again
    assert server.asked[0] == server.asked[1]


def test_a_wide_area_is_asked_for_in_parts(server: OverpassServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with borrow(server.url) as (ox, whole):
        nodes = set(graph_by(ox))
    monkeypatch.setattr(osmnx_loan, "_PART_M", 1000.0)
    with borrow(server.url) as (ox, parts):
        assert set(graph_by(ox)) == nodes
    assert len(whole) == 1
    assert len(parts) > 3


def test_the_users_proxy_is_used(server: OverpassServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import osmnx as ox

    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setattr(ox.settings, "requests_kwargs", {"proxies": {"http": server.url}})
    with borrow("http://overpass.invalid/api") as (borrowed, answers):
        graph_by(borrowed)
    assert len(answers) == 1


@pytest.mark.parametrize("answer", [BUSY, Answer(403), Answer(body=HTML)], ids=["busy", "refused", "page"])
def test_a_geocoder_that_fails_is_cured_by_a_boundary(server: OverpassServer, answer: Answer) -> None:
    server.script.extend([answer] * 9)
    with borrow(server.url) as (ox, _), pytest.raises(FetchError) as caught:
        ox.geocode_to_gdf("小镇")
    for lang in LANGUAGES:
        text = caught.value.in_language(lang)
        assert "--boundary FILE" in text
        assert "127.0.0.1" in text
        assert "overpass" not in text


@pytest.mark.parametrize("url", ["overpass-api.de", "file:///etc/passwd", "http://", "ftp://127.0.0.1/api"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(DataError) as caught, borrow(url):
        pass
    assert caught.value.key == "fetch.bad_url"


@pytest.mark.parametrize("end", ["", "/", "/interpreter", "/interpreter/"])
def test_an_address_may_end_as_it_likes(server: OverpassServer, end: str) -> None:
    with borrow(f" {server.url}{end}") as (ox, _):
        assert len(graph_by(ox)) == 5


def test_importing_loads_neither_osmnx_nor_requests() -> None:
    code = "import sys, lifecircle.sources.overpass; sys.exit(bool({'osmnx', 'requests'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
