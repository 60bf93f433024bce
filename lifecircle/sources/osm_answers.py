"""Is what a server of OpenStreetMap sent all of it, and how do many answers become one genuine file?"""

import contextlib
import datetime as dt
import errno
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import shapely
import shapely.geometry

from lifecircle.sources.osm_elements import OSM_BEGAN, TIME
from lifecircle.sources.transport import NoAnswerError, excerpt

_KINDS = ("node", "way", "relation")


def overpass_answer(body: bytes) -> dict[str, Any]:
    """Return the answer of Overpass, proved to be whole.

    A server that runs out of time or memory says so in a remark; and every way brings its nodes.

    Raises
    ------
    NoAnswerError
        If it is only a part, or something else.
    """
    answer: dict[str, Any] = _json(body)
    match answer:
        case {"remark": remark}:
            raise NoAnswerError("fetch.partial", str(remark))
        case {"elements": [*elements]} if all(map(_is_element, elements)):
            nodes = {element["id"] for element in elements if element["type"] == "node"}
        case _:
            raise _not_data(body)
    for element in elements:
        if element["type"] == "way" and not nodes.issuperset(element["nodes"]):
            raise NoAnswerError("fetch.partial", f"way/{element['id']}: nodes?")
    return answer


def nominatim_answer(body: bytes) -> list[dict[str, Any]]:
    """Return the places that Nominatim knows, proved to hold what OSMnx reads.

    Raises
    ------
    NoAnswerError
        If they do not.
    """
    answer = _json(body)
    try:
        for place in answer:
            shapely.geometry.shape(place["geojson"])
            [float(place[key]) for key in ("lat", "lon", "importance")]
            [float(side) for side in place["boundingbox"]]
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise _not_data(body) from error
    return answer  # type: ignore[no-any-return]


def write_pbf(path: Path, answers: Iterable[bytes], area: shapely.Polygon | shapely.MultiPolygon) -> None:
    """Write every element of every answer of Overpass once, sorted as OpenStreetMap files are.

    Parameters
    ----------
    path
        File to write, ``.osm.pbf``.
    answers
        As they came; where two hold an element, the later one counts.
    area
        What was asked for, in degrees; the header names its box, and the oldest day of the answers.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    import osmium  # noqa: PLC0415  a compiled writer that only this function needs

    elements: dict[tuple[str, int], dict[str, Any]] = {}
    taken: list[str] = []
    size = 0
    for body in answers:
        size += len(body)
        answer = json.loads(body)
        elements.update(((element["type"], element["id"]), element) for element in answer["elements"])
        taken.append(_taken(answer))
    header = osmium.io.Header()
    header.set("generator", "lifecircle")
    header.set("sorting", "Type_then_ID")
    if all(taken):
        header.set("osmosis_replication_timestamp", min(taken))
    header.add_box(osmium.osm.Box(*area.bounds))
    # Looked at before: where a disk is full, libosmium's writer takes the whole process with it.
    if shutil.disk_usage(path.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for key in sorted(elements, key=lambda key: (_KINDS.index(key[0]), key[1])):
            _write_element(writer, elements[key])


def _taken(answer: Mapping[str, Any]) -> str:
    """Return when the server's data was taken from OpenStreetMap; "" where it does not rightly say."""
    match answer:
        case {"osm3s": {"timestamp_osm_base": str(said)}}:
            said = said.replace("\\", "")  # servers fed from files of properties leave their escapes in
            with contextlib.suppress(ValueError):
                moment = dt.datetime.strptime(said, TIME).replace(tzinfo=dt.UTC)
                return f"{moment:{TIME}}" if moment.year >= OSM_BEGAN else ""
    return ""


def _write_element(writer: Any, element: dict[str, Any]) -> None:
    from osmium.osm import mutable  # noqa: PLC0415 - slow to load

    core = {"id": element["id"], "tags": element.get("tags", {})}
    match element["type"]:
        case "node":
            writer.add_node(mutable.Node(location=(element["lon"], element["lat"]), **core))
        case "way":
            writer.add_way(mutable.Way(nodes=element["nodes"], **core))
        case "relation":
            members = [(member["type"][0], member["ref"], member["role"]) for member in element["members"]]
            writer.add_relation(mutable.Relation(members=members, **core))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_data(body) from error


def _not_data(body: bytes) -> NoAnswerError:
    return NoAnswerError("fetch.not_data", f"{len(body)} B: {excerpt(body)}")


def _is_element(element: Any) -> bool:
    match element:
        case {"type": "node", "id": int(), "lat": float() | int() as lat, "lon": float() | int() as lon}:
            whole = -90 <= lat <= 90 and -180 <= lon <= 180  # noqa: PLR2004 - degrees
        case {"type": "way", "id": int(), "nodes": [*refs]}:
            whole = all(isinstance(ref, int) for ref in refs)
        case {"type": "relation", "id": int(), "members": [*members]}:
            whole = all(map(_is_member, members))
        case _:
            return False
    tags = element.get("tags", {})
    return whole and isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())


def _is_member(member: object) -> bool:
    match member:
        case {"type": "node" | "way" | "relation", "ref": int(), "role": str()}:
            return True
    return False
