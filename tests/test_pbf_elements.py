from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from osmium.osm import mutable
from same_elements import assert_same

from lifecircle.sources.opening import LIMITS
from lifecircle.sources.osm_elements import joined
from lifecircle.sources.osm_file import elements_of
from lifecircle.sources.osm_hearing import heard_of
from lifecircle.sources.osm_things import facility_keys
from lifecircle.sources.pbf_arrays import OddPbfError
from lifecircle.sources.pbf_elements import pbf_elements, pbf_parts

KEYS = facility_keys([])
SAMPLE = Path(__file__).parents[1] / "data" / "lishui" / "streets.osm.pbf"
STEP = 0.001
"""Degrees between neighbours of a square grid of nodes."""


def written(path: Path, things: Iterable[Any], *, options: str = "", **header: str) -> Path:
    """Write nodes, ways and relations as they come."""
    said = osmium.io.Header()
    for key, value in header.items():
        said.set(key, value)
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(osmium.io.File(str(path), f"pbf{options}"), header=said) as writer:
        for thing in things:
            writer.add(thing)
    return path


def grid(side: int, **tags: dict[str, str]) -> list[mutable.Node]:
    """Return nodes 1, 2, … of a square grid, row by row; n3={…} gives the third its tags."""
    return [
        mutable.Node(
            id=1 + row * side + column,
            location=(column * STEP, row * STEP),
            tags=tags.get(f"n{1 + row * side + column}", {}),
        )
        for row in range(side)
        for column in range(side)
    ]


def way(number: int, nodes: Sequence[int], **tags: str) -> mutable.Way:
    return mutable.Way(id=number, nodes=list(nodes), tags=tags)


def relation(number: int, ways: Sequence[int], **tags: str) -> mutable.Relation:
    return mutable.Relation(id=number, members=[("w", one, "") for one in ways], tags=tags)


def both(path: Path) -> None:
    """Prove that NumPy reads what libosmium hears."""
    assert_same(pbf_elements(path, KEYS), heard_of(path, KEYS, room=None))


# ---------------------------------------------------------------------- the same as libosmium


def test_the_sample_is_read_as_libosmium_hears_it() -> None:
    both(SAMPLE)


def test_a_real_city_is_read_as_libosmium_hears_it(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("las_palmas/las_palmas.osm.pbf")
    both(path)
    found = pbf_elements(path, KEYS)
    assert len(found.outlines.id) > 31_000
    assert (found.outlines.id < 0).sum() > 2_000


WAY_TAGS = st.sampled_from(
    [
        *({"highway": kind} for kind in ("residential", "steps", "motorway", "pedestrian")),
        {"highway": "pedestrian", "area": "yes"},
        {"building": "yes", "addr:street": "中山路"},
        {"building": "yes", "area": "no"},
        {"amenity": "school", "name": "丽水\\n%"},
        {"barrier": "fence", "highway": "path"},
        {"waterway": "river", "tunnel": "yes"},
        {"source": "survey"},
        {},
    ]
)
NODE_TAGS = st.sampled_from(
    [{}, {"amenity": "clinic"}, {"barrier": "gate", "access": "private"}, {"ele": "3"}]
)
AREA_TAGS = st.sampled_from(
    [{"building": "yes"}, {"highway": "pedestrian"}, {"place": "square"}, {"route": "bus"}]
)


@st.composite
def towns(draw: st.DrawFn) -> list[Any]:
    """Return objects of a small town: rings that cross themselves, nodes that are not there."""
    side = 5
    here = draw(st.lists(st.integers(1, side * side), min_size=4, unique=True))
    nodes = [one for one in grid(side) if one.id in here]
    for one in nodes:
        one.tags = draw(NODE_TAGS)
    if draw(st.booleans()):
        nodes[0].location = (20.0, 95.0)  # nowhere
    ways = []
    for number in range(1, draw(st.integers(2, 9))):
        at = draw(st.lists(st.integers(1, side * side), min_size=1, max_size=7))
        ways.append(way(number, [*at, at[0]] if draw(st.booleans()) else at, **draw(WAY_TAGS)))
    numbers = st.lists(st.integers(1, 10), min_size=1, max_size=4, unique=draw(st.booleans()))
    kinds = st.sampled_from(["multipolygon", "boundary", "route"])
    relations = [
        relation(number, draw(numbers), type=draw(kinds), **draw(AREA_TAGS))
        for number in range(1, draw(st.integers(1, 6)))
    ]
    return [*nodes, *ways, *relations]


@cases(200)
@given(towns())
def test_any_town_is_read_as_libosmium_hears_it(
    tmp_path_factory: pytest.TempPathFactory, town: list[Any]
) -> None:
    both(written(tmp_path_factory.getbasetemp() / "town.osm.pbf", town))


SQUARES = {  # of a grid of 7 x 7 nodes: rings by their corners
    "outer": [1, 7, 49, 43, 1],
    "court": [9, 10, 17, 16, 9],
    "another court": [12, 13, 20, 19, 12],
    "touching the first": [17, 18, 25, 24, 17],
    "beside it": [10, 11, 18, 17, 10],
    "in the court": [9, 17, 16, 9],
    "across the outer": [8, 10, 24, 22, 8],
    "crossing itself": [30, 32, 37, 39, 30],
}


@pytest.mark.parametrize(
    "rings",
    [
        ("outer",),
        ("outer", "court"),
        ("court", "outer", "another court"),
        ("outer", "court", "touching the first"),
        ("outer", "court", "beside it"),
        ("outer", "court", "in the court"),
        ("outer", "across the outer"),
        ("outer", "crossing itself"),
        ("court", "another court"),
        ("outer", "outer"),
    ],
)
@pytest.mark.parametrize("tags", [{"building": "yes"}, {"highway": "pedestrian"}])
def test_areas_of_several_rings(tmp_path: Path, rings: tuple[str, ...], tags: dict[str, str]) -> None:
    names = list(SQUARES)
    ways = [way(1 + number, SQUARES[name]) for number, name in enumerate(names)]
    path = written(
        tmp_path / "a.osm.pbf",
        [
            *grid(7),
            *ways,
            relation(1, [1 + names.index(ring) for ring in rings], type="multipolygon", **tags),
        ],
    )

    both(path)


def test_a_court_is_no_part_of_its_building(tmp_path: Path) -> None:
    """A ring of 6 x 6 cells around one of 1 x 1: 35 of them are built on."""
    ways = [way(1, SQUARES["outer"]), way(2, SQUARES["court"])]
    path = written(
        tmp_path / "a.osm.pbf", [*grid(7), *ways, relation(5, [1, 2], type="multipolygon", building="yes")]
    )

    outlines = pbf_elements(path, KEYS).outlines

    assert outlines.id.tolist() == [-5]
    assert shapely.area(outlines.shapes) / STEP**2 == pytest.approx([35])


def test_a_ring_of_two_ways_is_one_area(tmp_path: Path) -> None:
    ways = [way(1, [1, 2, 5]), way(2, [5, 4, 1])]
    path = written(
        tmp_path / "a.osm.pbf", [*grid(3), *ways, relation(5, [1, 2], type="multipolygon", leisure="park")]
    )

    both(path)
    assert pbf_elements(path, KEYS).outlines.id.tolist() == [-5]


def test_the_newest_way_people_walk_dates_a_file(tmp_path: Path) -> None:
    drawn = {1: "residential", 2: "motorway", 3: "path"}
    ways = [way(number, [1, 2], highway=kind) for number, kind in drawn.items()]
    for one, year in zip(ways, (2019, 2024, 1999), strict=True):
        one.timestamp = f"{year}-05-06T07:08:09Z"
        one.version = 1
    path = written(tmp_path / "a.osm.pbf", [*grid(2), *ways], options=",add_metadata=true")

    both(path)
    assert pbf_elements(path, KEYS).timestamp == "2019-05-06T07:08:09Z"


# ---------------------------------------------------------------------- shares


@pytest.mark.parametrize("shares", [2, 5])
def test_shares_join_to_the_whole(shares: int) -> None:
    parts = [part for share in range(shares) for part in pbf_parts(SAMPLE, KEYS, share=share, shares=shares)]

    together, alone = joined(parts), pbf_elements(SAMPLE, KEYS)

    assert_same(together, alone)
    assert together.outlines.id.tolist() == alone.outlines.id.tolist()


# ---------------------------------------------------------------------- other files are for libosmium


STREET = [way(1, [1, 2], highway="path"), way(2, [2, 3], highway="path")]


@pytest.mark.parametrize(
    ("things", "options"),
    [
        ([*grid(2), *STREET], ",pbf_dense_nodes=false"),
        ([*grid(2), *STREET], ",locations_on_ways=true"),
        ([*grid(2), *reversed(STREET)], ""),
        ([*STREET, *grid(2)], ""),
        ([*reversed(grid(2)), *STREET], ""),
        ([*grid(2), way(1, [1, -2], highway="path")], ""),
        ([*grid(2), *STREET, STREET[1]], ""),
    ],
    ids=[
        "plain nodes",
        "places on ways",
        "ways",
        "nodes after ways",
        "nodes",
        "a node not uploaded",
        "twice",
    ],
)
def test_an_odd_file_is_known_as_one(tmp_path: Path, things: list[Any], options: str) -> None:
    with pytest.raises(OddPbfError):
        pbf_elements(written(tmp_path / "a.osm.pbf", things, options=options), KEYS)


def test_an_odd_file_is_heard_by_libosmium(tmp_path: Path) -> None:
    path = written(tmp_path / "a.osm.pbf", [*grid(2), *STREET], options=",pbf_dense_nodes=false")

    assert elements_of(path, KEYS, LIMITS).ways.vertex.tolist() == [1, 2, 2, 3]


@cases(400)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_file_is_odd_or_read(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.osm.pbf"
    if not (whole := path.with_name("whole.osm.pbf")).exists():
        things = [
            *grid(7),
            *(way(1 + n, ring, building="yes") for n, ring in enumerate(SQUARES.values())),
            *STREET[:0],
        ]
        things += [
            way(20, range(1, 30), highway="path"),
            relation(1, [1, 2], type="multipolygon", building="yes"),
        ]
        written(whole, things, options=",pbf_compression=none")
    content = bytearray(whole.read_bytes())
    for at, byte in damage:
        content[int(at * len(content))] = byte
    path.write_bytes(content)

    try:
        found = pbf_elements(path, KEYS)
    except OddPbfError:
        return
    assert len(found.ways.lon) == len(found.ways.vertex)
    assert np.isfinite(found.ways.lon).all()
