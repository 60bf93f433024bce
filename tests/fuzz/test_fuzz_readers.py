"""Does any list, layer or extract, however damaged, end in a layer or in one line that names the file?"""

import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import osmium
import pytest
from damage import damaged
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_osm_file import TOWN, square, way, written

from lifecircle.catalog import LayerFile, load_standard
from lifecircle.errors import DataError, FileError
from lifecircle.sources.features import read_features
from lifecircle.sources.layers import read_communities, read_facilities

FUZZ = settings.get_profile("fuzz")
SERVICES = load_standard("life-circle").services
CRS = "EPSG:4549"

words = st.sampled_from(
    ["name", "名称", "type", "类别", "lon", "lat", "经度", "纬度", "x", "y", "id", "population", "幼儿园",
     "clinic", "119.9", "28.4", "-1", "1e400", "NaN", "=1+1", "1,200", "", " ", '"', "\t", "\n", ",", ";",
     "\x00", "\ufeff", "𠀀"]
)  # fmt: skip
texts = st.lists(st.one_of(words, st.text(max_size=5)), max_size=30).map(",".join)
numbers = st.one_of(
    st.floats(), st.integers(-(10**30), 10**30), st.floats(118, 122), st.floats(27, 29), st.just(180)
)
places = st.lists(numbers, min_size=0, max_size=4)
near = st.tuples(st.floats(119, 121), st.floats(27, 29)).map(list)
rings = st.one_of(
    st.lists(places, max_size=6), st.lists(near, min_size=3, max_size=6).map(lambda at: [*at, at[0]])
)
kinds = st.sampled_from(
    [
        "Point",
        "MultiPoint",
        "LineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
        "Nonsense",
        None,
        3,
    ]
)
json_values: Any = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
geometries: Any = st.recursive(
    st.one_of(
        st.none(),
        json_values,
        st.fixed_dictionaries(
            {"type": kinds, "coordinates": st.one_of(places, rings, st.lists(rings, max_size=3))}
        ),
        st.fixed_dictionaries(
            {"type": st.just("Polygon"), "coordinates": st.lists(rings, min_size=1, max_size=2)}
        ),
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("GeometryCollection"), "geometries": st.lists(inner, max_size=3)}
    ),
    max_leaves=4,
)
features = st.fixed_dictionaries(
    {
        "type": st.just("Feature"),
        "properties": st.one_of(st.none(), json_values, st.dictionaries(words, json_values, max_size=4)),
        "geometry": geometries,
    }
)
documents = st.one_of(
    json_values,
    geometries,
    st.fixed_dictionaries(
        {
            "type": st.just("FeatureCollection"),
            "features": st.lists(st.one_of(features, json_values), max_size=5),
        },
        optional={"crs": json_values},
    ),
)

# What the long run has found so far.
PROPERTIES_IN_A_LIST = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "properties": [None], "geometry": {"type": "Point", "coordinates": [120, 28]}},
        {"type": "Feature", "properties": None, "geometry": None},
    ],
}
BEYOND_REPAIR = {
    "type": "Polygon",
    "coordinates": [[[119, 27]] * 4, [[119, 28], [119, 29], [120, 27], [119, 28]]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def read(file: Path) -> None:
    """Read a file in every way; only the errors that a user is meant to see may come of it."""
    for reader in (
        lambda: read_features(LayerFile(file), [], crs=CRS),
        lambda: read_communities(file, crs=CRS),
        lambda: read_facilities(file, crs=CRS, services=SERVICES),
    ):
        try:
            layer = reader()
        except (DataError, FileError) as error:
            said = str(error), error.in_language("zh")
            assert all(file.name in text for text in said)
        else:
            frame = layer[0] if isinstance(layer, tuple) else layer
            assert frame.is_valid.all()
            assert not frame.is_empty.any()


@FUZZ
@given(
    st.one_of(texts, st.lists(texts, max_size=6).map("\n".join)),
    st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)
@example("name,type,lon,lat\nA,clinic,119.9,28.4", "utf-8")
@example("name,type,lon,lat\n" + "A" * 200_000, "utf-8")
def test_any_text_named_csv(folder: Path, text: str, encoding: str) -> None:
    (folder / "a.csv").write_bytes(text.encode(encoding, errors="replace"))
    read(folder / "a.csv")


@FUZZ
@given(st.binary(max_size=200), st.sampled_from(["csv", "xlsx", "geojson", "gpkg", "shp"]))
def test_any_bytes_under_any_ending(folder: Path, content: bytes, ending: str) -> None:
    (folder / f"b.{ending}").write_bytes(content)
    read(folder / f"b.{ending}")


@FUZZ
@given(documents)
@example({"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [120, 28]}]})
@example(PROPERTIES_IN_A_LIST)
@example(BEYOND_REPAIR)
def test_any_document_named_geojson(folder: Path, document: object) -> None:
    (folder / "a.geojson").write_text(json.dumps(document), encoding="utf-8", errors="replace")
    read(folder / "a.geojson")


@FUZZ
@given(
    st.lists(
        st.lists(st.one_of(words.filter(str.isprintable), numbers, st.none(), st.dates()), max_size=6),
        max_size=6,
    )
)
def test_any_cells_in_a_workbook(folder: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    for cells in [["name", "type", "lon", "lat"], *rows]:
        assert book.active is not None
        book.active.append(cells)
    book.save(folder / "a.xlsx")
    read(folder / "a.xlsx")


def test_a_damaged_workbook(folder: Path, mutants: int) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["name", "type", "lon", "lat"])
    book.active.append(["A", "clinic", 119.9, 28.4])
    book.save(folder / "whole.xlsx")
    with zipfile.ZipFile(folder / "whole.xlsx") as source:
        parts = {name: source.read(name) for name in source.namelist()}
    for seed in range(mutants // 8):
        rng = random.Random(seed)  # noqa: S311 - the same damage every time
        name = rng.choice(list(parts))
        with zipfile.ZipFile(folder / "c.xlsx", "w") as target:
            for part, content in parts.items():
                target.writestr(part, damaged(content, rng) if part == name else content)
        read(folder / "c.xlsx")


# Read by a child, because a fault in the library below would take the tests with it.
CHILD = """
import random, sys
from pathlib import Path
from lifecircle.catalog import load_standard
from lifecircle.errors import DataError
from lifecircle.sources.osm_file import read_osm
sys.path.insert(0, sys.argv[2])
from damage import damaged
services = load_standard("life-circle").services
for whole in map(Path, sys.argv[3:]):
    content, outcomes = whole.read_bytes(), {"read": 0, "refused": 0}
    for seed in range(int(sys.argv[1])):
        print(whole, seed, file=sys.stderr, flush=True)
        file = whole.with_name("damaged" + "".join(whole.suffixes))
        file.write_bytes(damaged(content, random.Random(seed)))
        try:
            read_osm(file, services=services)
            outcomes["read"] += 1
        except DataError as error:
            assert "damaged" in str(error) and error.in_language("zh")
            outcomes["refused"] += 1
    print(outcomes["refused"])
"""


def test_a_damaged_extract(tmp_path: Path, mutants: int) -> None:
    things = *TOWN, *square(60, 500, 20, 9, 9, building="yes"), way(7, [1, 4], highway="steps")
    plain = written(tmp_path, *things)
    packed = tmp_path / "whole.osm.pbf"
    # not packed, so that the damage reaches what the blocks hold rather than their checksums
    with osmium.SimpleWriter(osmium.io.File(str(packed), "pbf,pbf_compression=none")) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    words = [str(mutants // 2), str(Path(__file__).parent), str(packed), str(plain)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(int(refused) > mutants // 10 for refused in done.stdout.split())
