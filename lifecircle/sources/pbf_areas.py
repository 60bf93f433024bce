"""What areas do ways surround together, or rings that are not simple?

A ring with courts in it is made here. All else libosmium says: it is handed those ways and relations, without
their tags, as if they were a file of their own.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely

from lifecircle.sources.osm_elements import AFTER_ALL, NOTHING, Elements, Found, joined
from lifecircle.sources.osm_hearing import Heard, as_elements, hear_area
from lifecircle.sources.osm_things import tags_that_matter
from lifecircle.sources.pbf_ways import Drawn, as_array, rings_of
from lifecircle.streets import Ints, found_in
from lifecircle.walkable import is_square

_RINGS = 50
"""Areas of more are rare, and libosmium's."""


class AreaRelation(NamedTuple):
    """A relation whose ways surround areas."""

    id: int
    number: int
    """Where among the relations of the file it stands, the last of them being -1."""
    ways: Ints
    """Ids."""
    tags: Mapping[str, str]


def assembled(
    drawn: Drawn,
    tags: Mapping[int, Mapping[str, str]],
    relations: Sequence[AreaRelation],
    facility_keys: Collection[str],
) -> Elements:
    """Return areas, and the rings of those that people walk all over, as elements.

    Parameters
    ----------
    drawn
        The ways: members of the relations, and rings.
    tags
        Of rings that are areas by themselves, by their ids.
    relations
        The relations. An area stands in the file where the last of its ways does, and `number` before it.
    facility_keys
        Keys of what may be a facility.
    """
    courts, rest = _with_courts(drawn, relations, facility_keys)
    used = [np.array(list(tags), dtype=np.int64), *(one.ways for one in rest)]
    left = drawn.take(np.flatnonzero(np.isin(drawn.id, np.concatenate(used))))
    return joined([courts, _by_libosmium(left, tags, rest, facility_keys)])


def _with_courts(
    drawn: Drawn, relations: Sequence[AreaRelation], facility_keys: Collection[str]
) -> tuple[Elements, list[AreaRelation]]:
    """Return areas of one ring around others, which nowhere meet, and the relations that are none."""
    simple, shapes, _ = rings_of(drawn)
    relation, ring = _rings_of_relations(drawn.take(simple), relations)
    order = np.lexsort([-shapely.area(shapes[ring]), relation])
    relation, ring = relation[order], ring[order]
    rings, outer = shapely.get_exterior_ring(shapes[ring]), np.diff(relation, prepend=-1) > 0
    area, first = np.cumsum(outer) - 1, np.flatnonzero(outer)
    place = np.arange(len(ring)) - first[area]
    courts = np.full((len(first), place.max(initial=0)), None, dtype=object)
    courts[area[~outer], place[~outer] - 1] = rings[~outer]
    areas = as_array(shapely.polygons(rings[first], holes=courts)) if len(first) else rings
    whole = np.asarray(shapely.is_valid(areas), dtype=bool)
    made = [relations[row] for row in relation[first[whole]].tolist()]
    last = np.maximum.reduceat(drawn.number[simple][ring], first) if len(first) else first
    outlines = Found(
        shapely.reverse(shapely.normalize(areas[whole])),
        [tags_that_matter(one.tags, facility_keys) for one in made],
        np.array([-one.id for one in made], dtype=np.int64),
        last[whole] + np.array([one.number for one in made], dtype=np.int64),
    )
    rest = {one.id: one for one in relations}
    for one in made:
        del rest[one.id]
    return dataclasses.replace(NOTHING, outlines=outlines), [*rest.values()]


def _rings_of_relations(rings: Drawn, relations: Sequence[AreaRelation]) -> tuple[Ints, Ints]:
    """Return the relations that consist of these rings, of which no two meet, and their rings; by rows.

    Squares are none of them: the nodes of their rings are asked for.
    """
    count = np.array([len(one.ways) for one in relations], dtype=np.int64)
    member = np.concatenate([np.zeros(0, dtype=np.int64), *(one.ways for one in relations)])
    relation, (ring, there) = np.repeat(np.arange(len(count)), count), found_in(rings.id, member)
    square = np.array([is_square({"area": "yes", **one.tags}) for one in relations], dtype=bool)
    plain = (count <= _RINGS) & ~square
    plain[relation[~there]] = False
    relation, ring = relation[plain[relation]], ring[plain[relation]]

    size, nodes = np.diff(rings.start)[ring], rings.take(ring)
    owner, end = np.repeat(relation, size), np.zeros(size.sum(), dtype=bool)
    end[np.cumsum(size) - 1] = True  # where each begins, too
    lon, lat, owner = nodes.lon[~end], nodes.lat[~end], owner[~end]
    order = np.lexsort([lat, lon, owner])
    again = np.stack([lon, lat, owner])[:, order]
    plain[owner[order][1:][(again[:, 1:] == again[:, :-1]).all(axis=0)]] = False
    return relation[plain[relation]], ring[plain[relation]]


def _by_libosmium(
    drawn: Drawn,
    tags: Mapping[int, Mapping[str, str]],
    relations: Sequence[AreaRelation],
    facility_keys: Collection[str],
) -> Elements:
    """Return what libosmium makes of ways and relations."""
    if not len(drawn.id):
        return NOTHING
    import osmium  # noqa: PLC0415  a compiled reader that only those who hear a file need

    number = dict(zip(drawn.id.tolist(), drawn.number.tolist(), strict=True))
    of_id = {relation.id: relation for relation in relations}
    heard, wkb, numbers, of_lines = Heard(), osmium.geom.WKBFactory(), list[int](), list[int]()
    text = "\n".join([*_nodes(drawn), *_ways(drawn, tags), *_relations(relations), ""])
    things = osmium.FileProcessor(osmium.io.FileBuffer(text.encode(), "opl")).with_areas()
    area: Any
    for area in things.with_filter(osmium.filter.EntityFilter(osmium.osm.AREA)):
        if area.from_way():
            at, words = number[area.orig_id()], tags[area.orig_id()]
        else:
            relation = of_id[area.orig_id()]
            at = relation.number + max(number[way] for way in relation.ways.tolist() if way in number)
            words = relation.tags
        hear_area(area, heard, wkb, words, facility_keys)
        numbers += [at] * (len(heard.outlines) - len(numbers))
        of_lines += [AFTER_ALL + at] * (len(heard.tags) - len(of_lines))
    found = as_elements(heard)
    outlines = found.outlines._replace(number=np.array(numbers, dtype=np.int64))
    rings = found.ways._replace(number=np.array(of_lines, dtype=np.int64))
    return dataclasses.replace(found, outlines=outlines, ways=rings)


def _nodes(drawn: Drawn) -> Iterator[str]:
    there = ~drawn.missing
    node, row = np.unique(drawn.node[there], return_index=True)
    lon, lat = drawn.lon[there][row], drawn.lat[there][row]
    for one, x, y in zip(node.tolist(), lon.tolist(), lat.tolist(), strict=True):
        yield f"n{one} x{x:.7f} y{y:.7f}"


def _ways(drawn: Drawn, rings: Collection[int]) -> Iterator[str]:
    nodes, start = drawn.node.tolist(), drawn.start.tolist()
    for one, (first, last) in zip(drawn.id.tolist(), pairwise(start), strict=True):
        tag = " Tarea=yes" if one in rings else ""  # of a ring without any tag libosmium makes no area
        yield f"w{one}{tag} Nn{',n'.join(map(str, nodes[first:last]))}"


def _relations(relations: Sequence[AreaRelation]) -> Iterator[str]:
    for relation in relations:
        yield f"r{relation.id} Ttype=multipolygon M{','.join(f'w{way}@' for way in relation.ways.tolist())}"
