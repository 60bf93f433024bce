"""What areas do ways surround together, or rings that are not simple?

libosmium says: it is handed these ways and relations, without their tags, as if they were a file of their own.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lifecircle.sources.osm_elements import AFTER_ALL, NOTHING, Elements
from lifecircle.sources.osm_hearing import Heard, as_elements, hear_area
from lifecircle.sources.pbf_ways import Drawn
from lifecircle.streets import Ints


class AreaRelation(NamedTuple):
    """A relation whose ways surround areas."""

    id: int
    number: int
    """Where among the relations of the file it stands, the last of them being -1."""
    ways: Ints
    """Ids."""
    tags: Mapping[str, str]


def assembled(
    drawn: Sequence[Drawn],
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
    if not drawn and not relations:
        return NOTHING
    import osmium  # noqa: PLC0415  a compiled reader that only those who hear a file need

    number = {
        way: at for ways in drawn for way, at in zip(ways.id.tolist(), ways.number.tolist(), strict=True)
    }
    of_id = {relation.id: relation for relation in relations}
    heard, wkb, numbers, of_lines = Heard(), osmium.geom.WKBFactory(), list[int](), list[int]()
    text = "\n".join([*_nodes(drawn), *_ways(drawn, tags), *_relations(relations), ""])
    areas = osmium.FileProcessor(osmium.io.FileBuffer(text.encode(), "opl")).with_areas()
    for area in areas.with_filter(osmium.filter.EntityFilter(osmium.osm.AREA)):
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


def _nodes(drawn: Sequence[Drawn]) -> Iterator[str]:
    there = [~ways.missing for ways in drawn]
    node, lon, lat = (
        np.concatenate(
            [np.zeros(0), *(getattr(ways, name)[here] for ways, here in zip(drawn, there, strict=True))]
        )
        for name in ("node", "lon", "lat")
    )
    node, row = np.unique(node.astype(np.int64), return_index=True)
    for one, x, y in zip(node.tolist(), lon[row].tolist(), lat[row].tolist(), strict=True):
        yield f"n{one} x{x:.7f} y{y:.7f}"


def _ways(drawn: Sequence[Drawn], rings: Collection[int]) -> Iterator[str]:
    for ways in drawn:
        nodes, start = ways.node.tolist(), ways.start.tolist()
        for one, first, last in zip(ways.id.tolist(), start, start[1:], strict=False):
            tag = " Tarea=yes" if one in rings else ""  # of a ring without any tag libosmium makes no area
            yield f"w{one}{tag} Nn{',n'.join(map(str, nodes[first:last]))}"


def _relations(relations: Sequence[AreaRelation]) -> Iterator[str]:
    for relation in relations:
        yield f"r{relation.id} Ttype=multipolygon M{','.join(f'w{way}@' for way in relation.ways.tolist())}"
