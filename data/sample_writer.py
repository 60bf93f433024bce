"""How does the drawing become an OpenStreetMap file, its crossings joined, cut at its box?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import osmium
import pyproj
import shapely
from sample_drawing import Drawing, Feature, Floats
from shapely import LineString, Polygon

CRS = "EPSG:4549"
ORIGIN = (488242.65, 3144988.0)
"""Where local metres begin, in the sample's CRS."""
LONLAT_BOX = (119.88, 28.42, 119.97, 28.49)
TIMESTAMP = "2025-01-01T00:00:00Z"

_TOUCH_M = 0.3
_STUB_M = 3.0


def to_lonlat(points: Floats) -> Floats:
    """Return WGS 84 degrees of local metres, rounded as OpenStreetMap stores them."""
    transformer = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(points[:, 0] + ORIGIN[0], points[:, 1] + ORIGIN[1])
    return np.column_stack([lon, lat]).round(7)


def join_streets(lines: Sequence[LineString]) -> list[LineString]:
    """Return the lines with a shared vertex wherever two of them cross or one ends on another."""
    points = [_distinct(np.round(shapely.get_coordinates(line), 2)) for line in lines]
    starts = np.vstack([p[:-1] for p in points])
    stops = np.vstack([p[1:] for p in points])
    owner = np.repeat(np.arange(len(points)), [len(p) - 1 for p in points])
    segments = shapely.linestrings(np.stack([starts, stops], axis=1))
    tree = shapely.STRtree(segments)

    ends = np.vstack([p[[0, -1]] for p in points])
    end, touched = tree.query(shapely.points(ends), predicate="dwithin", distance=_TOUCH_M)
    off = shapely.distance(shapely.points(ends[end]), segments[touched])
    order = np.lexsort((off, owner[touched], end))
    end, touched = end[order], touched[order]
    nearest = np.ones(len(end), dtype=bool)  # once per line, though two of its segments meet there
    nearest[1:] = (end[1:] != end[:-1]) | (owner[touched[1:]] != owner[touched[:-1]])
    end, touched = end[nearest], touched[nearest]
    one, other = tree.query(segments, predicate="crosses")
    one, other = one[one < other], other[one < other]
    crossing = np.round(shapely.get_coordinates(shapely.intersection(segments[one], segments[other])), 2)
    segment = np.concatenate([touched, one, other])
    place = np.vstack([ends[end], crossing, crossing])

    # The shared vertices slip in between the old ones, in their order along the line.
    vertex = np.concatenate([np.arange(len(p), dtype=float) for p in points])
    first = np.concatenate([np.arange(len(p) - 1, dtype=float) for p in points])
    run = stops[segment] - starts[segment]
    share = np.clip(((place - starts[segment]) * run).sum(axis=1) / (run**2).sum(axis=1), 0.0, 1.0)
    line = np.concatenate([np.repeat(np.arange(len(points)), [len(p) for p in points]), owner[segment]])
    order = np.lexsort((np.concatenate([vertex, first[segment] + share]), line))
    line, every = line[order], np.vstack([*points, place])[order]
    cuts = np.searchsorted(line, np.arange(1, len(points)))
    return _without_stubs([_distinct(part) for part in np.split(every, cuts)])


def write_streets(drawing: Drawing, path: Path) -> dict[str, int]:
    """Write the drawing as an OpenStreetMap PBF file, and return how many objects of each kind it holds."""
    streets = list(drawing.streets)
    for level in sorted({way.level for way in streets}):
        own = [number for number, way in enumerate(streets) if way.level == level]
        for number, line in zip(own, join_streets([streets[n].geometry for n in own]), strict=True):
            streets[number] = Feature(line, streets[number].tags, level)
    ways: list[tuple[Floats, Feature]] = [
        (shapely.get_coordinates(way.geometry), way) for way in [*streets, *drawing.lines]
    ]
    relations: list[tuple[list[tuple[int, str]], Feature]] = []
    for area in [*drawing.areas, *drawing.buildings]:
        shape: Polygon = area.geometry.normalize()
        if not shape.interiors:
            ways.append((shapely.get_coordinates(shape.exterior), area))
            continue
        members = []
        for role, ring in [("outer", shape.exterior), *(("inner", ring) for ring in shape.interiors)]:
            points = shapely.get_coordinates(ring)
            half = len(points) // 2 if role == "outer" else len(points) - 1
            for piece in (points[: half + 1], points[half:]):
                if len(piece) > 1:
                    members.append((len(ways), role))
                    ways.append((piece, Feature(ring, {})))
        relations.append((members, Feature(shape, {"type": "multipolygon", **area.tags})))
    return _write(path, ways, relations, drawing.places)


def _distinct(points: Floats) -> Floats:
    """Return the points of a line without those that repeat the one before."""
    return points[np.concatenate([[True], (points[1:] != points[:-1]).any(axis=1)])]


def _without_stubs(lines: Sequence[Floats]) -> list[LineString]:
    """Cut off the bits of a line, shorter than `_STUB_M`, by which it overshoots the last line it meets."""
    _, point = np.unique(np.vstack(lines), axis=0, return_inverse=True)
    uses = np.bincount(point.ravel())[point.ravel()]
    result = []
    for points, used in zip(lines, np.split(uses, np.cumsum([len(p) for p in lines])[:-1]), strict=True):
        stub = used[[0, -1]] == 1
        stub &= (used[[1, -2]] > 1) & (np.hypot(*(points[[1, -2]] - points[[0, -1]]).T) < _STUB_M)
        keep = slice(int(stub[0]), len(points) - int(stub[1])) if len(points) > 3 else slice(None)
        result.append(LineString(points[keep]))
    return result


def _write(
    path: Path,
    ways: list[tuple[Floats, Feature]],
    relations: list[tuple[list[tuple[int, str]], Feature]],
    places: list[Feature],
) -> dict[str, int]:
    alone = shapely.get_coordinates([place.geometry for place in places])
    # To the centimetre, as the joined streets are: a gate must fall on its node.
    lonlat = to_lonlat(np.vstack([*(points for points, _ in ways), alone]).round(2))
    unique, number = np.unique(lonlat, axis=0, return_inverse=True)
    number = number.ravel() + 1
    west, south, east, north = LONLAT_BOX
    inside = (
        (unique[:, 0] >= west) & (unique[:, 0] <= east) & (unique[:, 1] >= south) & (unique[:, 1] <= north)
    )
    tags: dict[int, dict[str, str]] = {}
    for place, node in zip(places, number[len(number) - len(places) :], strict=True):
        tags.setdefault(int(node), {}).update(place.tags)
    refs = np.split(number[: len(number) - len(places)], np.cumsum([len(points) for points, _ in ways])[:-1])

    header = osmium.io.Header()
    header.add_box(osmium.osm.Box(west, south, east, north))
    header.set("generator", "lifecircle synthetic sample")
    header.set("osmosis_replication_timestamp", TIMESTAMP)
    header.set("sorting", "Type_then_ID")
    with osmium.SimpleWriter(path, header=header, overwrite=True) as writer:
        for node in np.flatnonzero(inside) + 1:
            place = tuple(float(value) for value in unique[node - 1])
            writer.add_node(
                osmium.osm.mutable.Node(id=int(node), location=place, tags=tags.get(int(node), {}))
            )
        for way_id, ((_, way), nodes) in enumerate(zip(ways, refs, strict=True), start=1):
            if inside[nodes - 1].any():
                writer.add_way(
                    osmium.osm.mutable.Way(id=way_id, nodes=[int(n) for n in nodes], tags=dict(way.tags))
                )
        for relation_id, (members, relation) in enumerate(relations, start=1):
            listed = [("w", index + 1, role) for index, role in members]
            writer.add_relation(
                osmium.osm.mutable.Relation(id=relation_id, members=listed, tags=dict(relation.tags))
            )
    written = sum(bool(inside[nodes - 1].any()) for nodes in refs)
    return {"nodes": int(inside.sum()), "ways": written, "relations": len(relations)}
