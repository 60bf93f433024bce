"""Who answers instead of Overpass and Nominatim? A server on 127.0.0.1, with what it is told to know."""

import contextlib
import json
import re
import time
import urllib.parse
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import osmium
from shapely.geometry import box

Element = dict[str, Any]
_SELECTOR = re.compile(r"""(node|way|relation)\[["']([^"']+)["'](?:=["']([^"']+)["'])?\]""")


@dataclass
class Answer:
    """One answer; where `body` is None the data asked for."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    how: Literal["whole", "cut", "drip"] = "whole"


BUSY = Answer(429, b"", {"Retry-After": "0"})
HTML = b"<html><body><p><strong>Error</strong>: The server is probably too busy.</p></body></html>"
TIMED_OUT = json.dumps(
    {"elements": [], "remark": 'runtime error: Query timed out in "query" at line 1 after 181 seconds.'}
).encode()
FAULTS = {
    "504 for ever": (Answer(504, HTML), "fetch.busy"),
    "timed out half-way": (Answer(body=TIMED_OUT), "fetch.partial"),
    "an HTML page": (Answer(body=HTML, headers={"Content-Type": "text/html"}), "fetch.not_data"),
    "truncated JSON": (Answer(body=b'{"elements": [{"type": "node", "id": 1, "la'), "fetch.not_data"),
    "cut mid-body": (Answer(how="cut"), "fetch.broken_off"),
}
"""What a server does wrong, and how that is called."""


class OverpassServer(ThreadingHTTPServer):
    """Serves the `elements` a question's tags select, wherever they lie, once `script` is through.

    `asked` are the questions so far.
    """

    daemon_threads = True

    def __init__(
        self, elements: Iterable[Element], places: Iterable[dict[str, Any]], script: Iterable[Answer]
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.elements = list(elements)
        self.places = list(places)
        self.script = deque(script)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """The address to give as `overpass_url` or `nominatim_url`."""
        return f"http://127.0.0.1:{self.server_address[1]}/api"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: tests make them."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OverpassServer

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(
            form["data"][0],
            {
                "version": 0.6,
                "osm3s": {"timestamp_osm_base": "2026-10-01T00:00:00Z"},
                "elements": _selected(self.server.elements, form["data"][0]),
            },
        )

    def do_GET(self) -> None:
        self._answer(self.path, self.server.places)

    def _answer(self, question: str, data: object) -> None:
        self.server.asked.append(question)
        answer = self.server.script.popleft() if self.server.script else Answer()
        body = json.dumps(data).encode() if answer.body is None else answer.body
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer.how == "drip":
            size = len(body) // 200 + 1
            for start in range(0, len(body), size):
                self.wfile.write(body[start : start + size])
                time.sleep(0.05)
        elif answer.how == "cut":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the terminal for pytest."""


@contextlib.contextmanager
def serve(
    elements: Iterable[Element] = (), *, places: Iterable[dict[str, Any]] = (), script: Iterable[Answer] = ()
) -> Iterator[OverpassServer]:
    """Run the server while the block runs."""
    with OverpassServer(elements, places, script) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _selected(elements: list[Element], question: str) -> list[Element]:
    """Return the elements with a tag that the question names, and what they are made of."""
    wanted = set(_SELECTOR.findall(question))

    def is_wanted(element: Element) -> bool:
        kind, tags = element["type"], element.get("tags", {})
        return any((kind, key, "") in wanted or (kind, key, value) in wanted for key, value in tags.items())

    known = {(element["type"], element["id"]): element for element in elements}
    left = [key for key, element in known.items() if is_wanted(element)]
    taken: set[tuple[str, int]] = set()
    while left:
        key = left.pop()
        if key in known and key not in taken:
            taken.add(key)
            left += [("node", ref) for ref in known[key].get("nodes", [])]
            left += [(member["type"], member["ref"]) for member in known[key].get("members", [])]
    return [element for key, element in known.items() if key in taken]


def elements_of(path: Path) -> list[Element]:
    """Return the elements of an OpenStreetMap file as Overpass would send them.

    A clipped extract lacks nodes of some ways; a server does not, so those ways go without.
    """
    kinds = {"n": "node", "w": "way", "r": "relation"}
    elements: list[Element] = []
    nodes: set[int] = set()
    for thing in osmium.FileProcessor(str(path)):
        match thing:
            case osmium.osm.Node():
                element: Element = {"type": "node", "id": thing.id, "lat": thing.lat, "lon": thing.lon}
                nodes.add(thing.id)
            case osmium.osm.Way():
                refs = [node.ref for node in thing.nodes if node.ref in nodes]
                element = {"type": "way", "id": thing.id, "nodes": refs}
            case osmium.osm.Relation():
                members = [{"type": kinds[m.type], "ref": m.ref, "role": m.role} for m in thing.members]
                element = {"type": "relation", "id": thing.id, "members": members}
            case _:
                continue
        elements.append(element | ({"tags": dict(thing.tags)} if len(thing.tags) else {}))
    return elements


def sample_window() -> list[Element]:
    """Return some blocks of the bundled city: every way with a node there, whole, as a server sends it."""
    elements = elements_of(Path(__file__).parents[1] / "data" / "lishui" / "streets.osm.pbf")
    nodes = [element for element in elements if element["type"] == "node"]
    wanted = {e["id"] for e in nodes if 119.8952 <= e["lon"] <= 119.9045 and 28.4535 <= e["lat"] <= 28.459}
    ways = [e for e in elements if e["type"] == "way" and not wanted.isdisjoint(e["nodes"])]
    wanted.update(ref for way in ways for ref in way["nodes"])
    return [node for node in nodes if node["id"] in wanted] + ways


BOUNDARY = box(119.900, 28.440, 119.910, 28.450)
"""Where the town lies."""


def town() -> list[Element]:
    """Two streets that cross, one of them one-way, a house, a kindergarten, two communities side by side."""
    places = {
        1: (119.901, 28.445), 2: (119.905, 28.445), 3: (119.909, 28.445),
        4: (119.905, 28.441), 5: (119.905, 28.449),
        10: (119.900, 28.440), 11: (119.905, 28.440), 12: (119.910, 28.440),
        13: (119.910, 28.450), 14: (119.905, 28.450), 15: (119.900, 28.450),
        20: (119.902, 28.446), 21: (119.903, 28.446), 22: (119.903, 28.447),
    }  # fmt: skip
    ways = {
        101: ([1, 2, 3], {"highway": "residential", "oneway": "yes", "name": "东街", "bridge": "yes"}),
        102: ([4, 2, 5], {"highway": "service", "access": "private"}),
        103: ([20, 21, 22, 20], {"building": "apartments", "building:levels": "6"}),
        110: ([14, 15, 10, 11], {}), 111: ([11, 14], {}), 112: ([11, 12, 13, 14], {}),
    }  # fmt: skip
    relations = {201: ("西社区", [110, 111]), 202: ("东社区", [112, 111])}
    kindergarten = {"amenity": "kindergarten", "name": "花园"}
    elements: list[Element] = [
        *({"type": "node", "id": ref, "lat": lat, "lon": lon} for ref, (lon, lat) in places.items()),
        {"type": "node", "id": 30, "lat": 28.446, "lon": 119.904, "tags": kindergarten},
        *({"type": "way", "id": ref, "nodes": nodes, "tags": tags} for ref, (nodes, tags) in ways.items()),
        *(
            {
                "type": "relation",
                "id": ref,
                "members": [{"type": "way", "ref": way, "role": "outer"} for way in members],
                "tags": {"type": "boundary", "boundary": "administrative", "admin_level": "10", "name": name},
            }
            for ref, (name, members) in relations.items()
        ),
    ]
    return [{key: value for key, value in element.items() if value} for element in elements]
