"""Does a file that was made to do harm stay harmless: in time, in memory, and within its own walls?

Each file is read by a child with little memory to spare, while a file outside and a port are watched.
"""

import bz2
import ctypes
import gzip
import json
import os
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import openpyxl
import osmium
import pytest
from pyproj import CRS
from shapely.geometry import Point, box
from test_osm_file import MAIN_STREET, TOWN, written, xml

SQUARE = box(492_000, 3_148_000, 493_000, 3_149_000)
CHILD = """
import json, resource, sys, time
from pathlib import Path
from lifecircle.catalog import load_standard
from lifecircle.errors import DataError, FileError
from lifecircle.sources.layers import read_communities, read_facilities
from lifecircle.sources.osm_file import read_osm
services = load_standard("life-circle").services
readers = {
    "osm": lambda path: read_osm(path, services=services),
    "areas": lambda path: read_communities(path, crs=4549),
    "list": lambda path: read_facilities(path, crs=4549, services=services),
}
def most():
    lines = dict(line.split(":") for line in open("/proc/self/status"))
    return int(lines["VmHWM"].split()[0]) / 1000
readers["osm"](Path(sys.argv[1]))  # all libraries are loaded
space = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (space + 1_500_000_000,) * 2)
for line in sys.stdin:
    open("/proc/self/clear_refs", "w").write("5")  # forget the most memory held so far
    before, start = most(), time.process_time()
    kind, path = json.loads(line)
    try:
        found = "read: " + str(len(readers[kind](Path(path))))
    except (DataError, FileError) as error:
        found = error.key + ": " + str(error)
    print(json.dumps([found, time.process_time() - start, most() - before]), flush=True)
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="watches files and memory as Linux does")
Outcome = Callable[[str, Path], str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Yield what a child says of a file, having proved that it took little time and memory."""
    town = written(tmp_path_factory.mktemp("town"), *TOWN)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(town)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None

    def read(kind: str, file: Path) -> str:
        print(json.dumps([kind, str(file)]), file=child.stdin, flush=True)
        if not select.select([child.stdout], [], [], 180)[
            0
        ]:  # of a clock on the wall: the machine may be busy
            child.kill()
        answer = child.stdout.readline()
        assert answer, f"the child died with {child.wait()}"
        found, seconds, megabytes = json.loads(answer)
        assert seconds < 10, found  # bounded, on a slow machine too
        assert megabytes < 400, found
        return str(found)

    yield read
    child.stdin.close()
    child.wait(timeout=60)
    child.stdout.close()


# ---------------------------------------------------------------------- small files that unpack to much


def packed(file: Path, packer: Callable[[bytes], bytes], text: bytes, megabytes: int) -> Path:
    """Write a text and many spaces after it; in both formats, parts packed alone may follow each other."""
    file.write_bytes((packer(text) if text else b"") + packer(b" " * 1_000_000) * megabytes)
    return file


def number(value: int) -> bytes:
    """Return a number as a PBF holds it."""
    more = value >> 7
    return bytes([value & 127 | (128 if more else 0)]) + (number(more) if more else b"")


def blob(kind: bytes, size: int, content: bytes) -> bytes:
    """Return a block of a PBF that says it unpacks to `size` bytes."""
    body = b"\x10" + number(size) + b"\x1a" + number(len(content)) + content
    head = b"\x0a" + number(len(kind)) + kind + b"\x18" + number(len(body))
    return struct.pack(">I", len(head)) + head + body


def workbook(file: Path, **parts: str | bytes) -> Path:
    """Write a workbook of one row, with these sheets or shared strings in place of its own."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["name", "type", "lon", "lat"])
    book.active.append(["A", "clinic", 119.9, 28.4])
    book.save(file)
    with zipfile.ZipFile(file) as source:
        content = {name: source.read(name) for name in source.namelist()}
    for name, text in parts.items():
        where = "xl/worksheets/sheet1.xml" if name == "sheet" else f"xl/{name}.xml"
        content[where] = text.encode() if isinstance(text, str) else text
    kind = 'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
    listed = content["[Content_Types].xml"]
    if b"sharedStrings" not in listed:
        strings = f'<Override PartName="/xl/sharedStrings.xml" {kind}</Types>'
        content["[Content_Types].xml"] = listed.replace(b"</Types>", strings.encode())
        content.setdefault("xl/sharedStrings.xml", b'<sst xmlns="%s"/>' % SHEET.split('"')[1].encode())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in content.items():
            target.writestr(name, part)
    return file


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
END = "</sheetData></worksheet>"


def row(*cells: str) -> str:
    return "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells) + "</row>"


def entities(reference: str) -> str:
    """Return the document type of a billion laughs."""
    steps = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))
    return f'<!DOCTYPE x [<!ENTITY a0 "{reference}">{steps}]>'


def sparse(file: Path, head: bytes, size: int) -> Path:
    with file.open("wb") as opened:
        opened.write(head)
        opened.truncate(size)
    return file


def gzip_bomb(folder: Path) -> Path:
    file = packed(folder / "a.osm.gz", gzip.compress, xml(*TOWN).encode(), 300)
    assert file.stat().st_size < 320_000
    return file


def workbook_bomb(folder: Path) -> Path:
    file = workbook(folder / "a.xlsx", sheet=SHEET + " " * 60_000_000 + END)
    assert file.stat().st_size < 80_000
    return file


def pbf_bomb(folder: Path) -> Path:
    plain = written(folder, *TOWN, suffix=".osm.pbf").read_bytes()
    empty = zlib.compress(bytes(32_000_000))
    (folder / "a.osm.pbf").write_bytes(plain + 10 * blob(b"OSMData", 32_000_000, empty))
    return folder / "a.osm.pbf"


def packed_block(folder: Path, content: bytes) -> Path:
    """Return an extract to which one more block was added, packed as small as it goes."""
    plain = written(folder, *TOWN, suffix=".osm.pbf").read_bytes()
    file = folder / "a.osm.pbf"
    file.write_bytes(plain + blob(b"OSMData", len(content), zlib.compress(content, 9)))
    assert file.stat().st_size < 300_000
    return file


def field(key: int, content: bytes) -> bytes:
    return number(key << 3 | 2) + number(len(content)) + content


def ways(key: bytes, value: bytes, steps: list[bytes]) -> bytes:
    """Return what a block of ways holds, each with this tag and these steps from node to node."""
    texts = field(1, b"".join(field(1, text) for text in (b"", key, value)))
    each = (
        field(3, b"\x08" + number(at) + field(2, b"\1") + field(3, b"\2") + field(8, step))
        for at, step in enumerate(steps, start=1000)
    )
    return texts + field(2, b"".join(each))


def text_with_a_zero(folder: Path) -> Path:
    """Return an extract that takes the library below out of its memory: a text goes on after its end."""
    plain = written(folder, *TOWN, suffix=".osm.pbf")
    whole = folder / "a.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(whole), "pbf,pbf_compression=none")) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    whole.write_bytes(whole.read_bytes().replace(b"A & B <clinic>", b"A & B\0<clinic>"))
    return whole


def far_cells(folder: Path) -> Path:
    cells = '<row><c r="XFD{}"><v>1</v></c></row>'
    rows = "".join(cells.format(at) for at in range(1, 5_000))
    return workbook(folder / "a.xlsx", sheet=SHEET + rows + END)


def one_long_text(folder: Path) -> Path:
    head, cell = row("name", "type", "lon", "lat"), '<c t="s"><v>0</v></c>'
    strings = f'<sst xmlns="{SHEET.split(chr(34))[1]}"><si><t>{"x" * 1_000_000}</t></si></sst>'
    rows = head + f"<row>{cell}{cell}</row>" * 5_000
    file = workbook(folder / "a.xlsx", sheet=SHEET + rows + END, sharedStrings=strings)
    assert file.stat().st_size < 50_000
    return file


def wide_header(folder: Path, columns: int = 16_000) -> Path:
    header = ",".join(f"c{at}" for at in range(columns))
    (folder / "a.csv").write_text(f"name,type,lon,lat,{header}\n" + "A,clinic,119.9,28.4\n" * 20_000)
    return folder / "a.csv"


def wide_lines(folder: Path) -> Path:
    line = ",".join(f"c{at}" for at in range(16_000))
    (folder / "a.csv").write_text(f"{line}\n" * 20)
    return folder / "a.csv"


def own_properties(folder: Path) -> Path:
    point = {"type": "Point", "coordinates": [119.9, 28.4]}
    features = [{"type": "Feature", "properties": {f"c{i}": i}, "geometry": point} for i in range(20_000)]
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder / "a.geojson"


def endless_block(folder: Path) -> Path:
    return sparse(folder / "a.osm.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\xff\xff\xff\xff\x7f", 300)


def late_row(folder: Path) -> Path:
    return workbook(folder / "a.xlsx", sheet=SHEET + '<row r="2000000000"><c><v>1</v></c></row>' + END)


def laughing_strings(folder: Path) -> Path:
    return workbook(folder / "a.xlsx", sharedStrings=(entities("lol") + "<sst/>").encode("utf-16"))


def empty_blocks(folder: Path) -> Path:
    """Write a file of blocks that hold nothing and are not packed, as large as its blocks."""
    head = b"\x0a\x07OSMData\x18\x02"
    (folder / "a.pbf").write_bytes((struct.pack(">I", len(head)) + head + b"\x0a\0") * 2_000_000)
    return folder / "a.pbf"


SWELLING: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "gzip": ("osm", gzip_bomb, "tables.too_large"),
    "bzip2": ("osm", lambda to: packed(to / "a.osm.bz2", bz2.compress, b"", 100), "tables.too_large"),
    "pbf blocks": ("osm", pbf_bomb, "tables.too_large"),
    "pbf fields of two bytes": ("osm", lambda to: packed_block(to, b"\x12\0" * 9_000_000), "osm.too_much"),
    "pbf texts of two bytes": (
        "osm",
        lambda to: packed_block(to, field(1, b"\n\0" * 9_000_000)),
        "osm.too_much",
    ),
    "pbf of two million empty blocks": ("osm", empty_blocks, "osm.too_much"),
    "pbf way of three million nodes": (
        "osm",
        lambda to: packed_block(to, ways(b"highway", b"path", [b"\2\1" * 1_500_000])),
        "osm.too_much",
    ),
    "pbf ways of no length": (
        "osm",
        lambda to: packed_block(to, ways(b"highway", b"path", [b"\2\0"] * 150_000)),
        "osm.too_much",
    ),
    "pbf outline whose lines all cross": (
        "osm",
        lambda to: packed_block(
            to, ways(b"building", b"yes", [b"\2" * 200_000 + number(2 * 200_000 - 1) + b"\2"])
        ),
        "osm.too_much",
    ),
    "pbf header of 4 GB": ("osm", lambda to: sparse(to / "a.pbf", b"\xff" * 4, 300), "osm.corrupt"),
    "pbf block of 34 GB": ("osm", endless_block, "osm.corrupt"),
    "pbf text with a zero": ("osm", text_with_a_zero, "osm.corrupt"),
    "xml of 5 GB": ("osm", lambda to: sparse(to / "a.osm", b"<osm>", 5 * 10**9), "tables.too_large"),
    "xml entities": ("osm", lambda to: written(to, *MAIN_STREET, prolog=entities("x")), "osm.corrupt"),
    "xlsx sheet": ("list", workbook_bomb, "tables.too_large"),
    "xlsx cells far out": ("list", far_cells, "tables.too_large"),
    "xlsx one long text": ("list", one_long_text, "tables.too_large"),
    "xlsx row two billion": ("list", late_row, "tables.no_rows"),
    "xlsx entities": (
        "list",
        lambda to: workbook(to / "a.xlsx", sheet=entities("lol") + SHEET + row("&a9;") + END),
        "tables.unreadable",
    ),
    "xlsx entities in utf-16": ("list", laughing_strings, "tables.unreadable"),
    "csv header": ("list", wide_header, "tables.too_large"),
    "csv of twenty wide lines": ("list", wide_lines, "tables.no_coordinates"),
    "csv of 300,000 columns": ("list", lambda to: wide_header(to, 300_000), "tables.unreadable"),
    "csv of 5 GB": ("list", lambda to: sparse(to / "a.csv", b"name,x,y\n", 5 * 10**9), "tables.too_large"),
    "geojson properties": ("areas", own_properties, "tables.too_large"),
    "geojson of 5 GB": ("areas", lambda to: sparse(to / "a.json", b"{", 5 * 10**9), "tables.too_large"),
    "gpkg of 5 GB": ("areas", lambda to: sparse(to / "a.gpkg", b"SQLite", 5 * 10**9), "tables.too_large"),
}


@linux_only
@pytest.mark.parametrize("name", SWELLING)
def test_what_swells_is_refused_in_little_time_and_memory(
    tmp_path: Path, outcome: Outcome, name: str
) -> None:
    kind, make, key = SWELLING[name]
    assert outcome(kind, make(tmp_path)).startswith(key)


def test_limits_may_be_raised_and_lowered(tmp_path: Path) -> None:
    from lifecircle.errors import DataError
    from lifecircle.sources.opening import Limits, check_osm
    from lifecircle.sources.osm_file import read_osm

    file = packed(tmp_path / "a.osm.gz", gzip.compress, xml(*TOWN).encode(), 25)
    with pytest.raises(DataError, match="more than the 20 MB allowed"):
        read_osm(file)
    assert check_osm(file, Limits(max_ratio=1e6)) > 25_000_000
    assert len(read_osm(file, limits=Limits(max_ratio=1e6)).network.street_m) == 3
    plain = written(tmp_path, *TOWN)
    with pytest.raises(DataError, match=r"town\.osm is not read"):
        read_osm(plain, limits=Limits(max_bytes=100))


# ---------------------------------------------------------------------- files that reach for others


class Watched:
    """A file outside and a port, and whether somebody came."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "secret.gpkg"
        gpd.GeoDataFrame({"name": ["secret"]}, geometry=[SQUARE], crs=4549).to_file(self.secret)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._events = self._libc.inotify_init1(os.O_NONBLOCK)
        opened_or_read = 0x21
        assert self._libc.inotify_add_watch(self._events, str(self.secret).encode(), opened_or_read) > 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def touched(self) -> bool:
        """Return whether the file was opened or the port called since the last question."""
        try:
            seen = bool(os.read(self._events, 4096))
        except BlockingIOError:
            seen = False
        seen, self.calls = seen or self.calls > 0, 0
        return seen

    def close(self) -> None:
        os.close(self._events)
        self._server.close()


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    watched = Watched(tmp_path_factory.mktemp("outside"))
    yield watched
    watched.close()


def layer(folder: Path, ending: str = "gpkg", crs: object = 4549) -> Path:
    file = folder / f"a.{ending}"
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[SQUARE], crs=crs).to_file(file)
    return file


def with_sql(file: Path, *statements: str, **schema: str) -> Path:
    """Run statements in a GeoPackage, and put tables into its schema that SQLite itself could not make."""
    database = sqlite3.connect(file)
    for statement in statements:
        database.execute(statement)
    database.execute("PRAGMA writable_schema = ON")
    for name, sql in schema.items():
        database.execute("INSERT INTO sqlite_master VALUES ('table', ?, ?, 0, ?)", (name, name, sql))
    database.commit()
    database.close()
    return file


def virtual_layer(outside: Watched) -> str:
    source = f"<SrcDataSource>{outside.secret}</SrcDataSource>"
    return f"<OGRVRTDataSource><OGRVRTLayer name='secret'>{source}</OGRVRTLayer></OGRVRTDataSource>"


def dressed(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def foreign_view(folder: Path, _: Watched) -> Path:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
    register = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v', 'attributes', 'v')"
    view = f"CREATE VIEW v AS {endless} SELECT x AS fid, x AS name FROM c"  # noqa: S608 - the harm itself
    return with_sql(layer(folder), view, register)


def hijacked_contents(folder: Path, _: Watched) -> Path:
    move = "ALTER TABLE gpkg_contents RENAME TO moved"
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS table_name FROM c"
    return with_sql(
        layer(folder), "PRAGMA legacy_alter_table = ON", move, f"CREATE VIEW gpkg_contents AS {endless}"
    )


def virtual_table(folder: Path, outside: Watched) -> Path:
    return with_sql(layer(folder), v=f"CREATE VIRTUAL TABLE v USING VirtualOGR('{outside.secret}')")


def computed_column(folder: Path, _: Watched) -> Path:
    return with_sql(
        layer(folder), "ALTER TABLE a ADD COLUMN big TEXT AS (printf('%900000000d', fid)) VIRTUAL"
    )


def grid_in_geopackage(folder: Path, outside: Watched) -> Path:
    text = CRS.from_epsg(4490).to_wkt("WKT1_GDAL")[:-1] + (
        f',EXTENSION["PROJ4","+proj=longlat +ellps=GRS80 +nadgrids={outside.secret} +no_defs"]]'
    )
    file = layer(folder)
    database = sqlite3.connect(file)
    database.execute("UPDATE gpkg_spatial_ref_sys SET definition = ?, organization = 'x'", [text])
    database.commit()
    database.close()
    return file


def grid_in_prj(folder: Path, outside: Watched) -> Path:
    file = layer(folder, "shp")
    datum = f'DATUM["x",SPHEROID["x",6378137,298.25],EXTENSION["PROJ4_GRIDS","{outside.secret}"]]'
    file.with_suffix(".prj").write_text(
        f'GEOGCS["x",{datum},PRIMEM["G",0],UNIT["degree",0.0174532925199433]]'
    )
    return file


def linked_workbook(folder: Path, outside: Watched) -> Path:
    file = workbook(folder / "a.xlsx")
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"
    targets = [f"file://{outside.secret}", f"http://127.0.0.1:{outside.port}/book.xlsx"]
    with zipfile.ZipFile(file, "a") as archive:
        for number, target in enumerate(targets, start=1):
            link = f'<Relationship Id="rId1" Type="{types}" Target="{target}" TargetMode="External"/>'
            archive.writestr(f"xl/externalLinks/externalLink{number}.xml", "<externalLink/>")
            archive.writestr(
                f"xl/externalLinks/_rels/externalLink{number}.xml.rels",
                f"<Relationships>{link}</Relationships>",
            )
    return file


def outside_entity(folder: Path, outside: Watched) -> Path:
    kind = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{outside.secret}">]>'
    return workbook(folder / "a.xlsx", sheet=kind + SHEET + row("&a;") + END)


def address_as_folder(folder: Path, outside: Watched) -> Path:
    """Return a real file whose path, as it is written, is an address to the library below."""
    place = folder / "http:" / f"127.0.0.1:{outside.port}"
    place.mkdir(parents=True)
    return written(place, *TOWN)


def osm_entity(folder: Path, outside: Watched) -> Path:
    return written(folder, *MAIN_STREET, prolog=f'<!DOCTYPE x [<!ENTITY a SYSTEM "{outside.secret}">]>')


def address(name: str) -> Callable[[Path, Watched], Path]:
    return lambda _, outside: Path(name.format(host=f"127.0.0.1:{outside.port}", secret=outside.secret))


def virtual(name: str, before: str = "") -> Callable[[Path, Watched], Path]:
    return lambda folder, outside: dressed(folder / name, before + virtual_layer(outside))


REACHING: dict[str, tuple[str, Callable[[Path, Watched], Path], str]] = {
    "virtual layer as geojson": ("areas", virtual("a.geojson"), "tables.wrong_content"),
    "virtual layer as gpkg": ("areas", virtual("a.gpkg"), "tables.wrong_content"),
    "virtual layer as shp": ("areas", virtual("a.shp"), "tables.wrong_content"),
    "virtual layer behind SQLite's mark": (
        "areas",
        virtual("a.gpkg", "SQLite format 3\0"),
        "tables.unreadable",
    ),
    "foreign view": ("areas", foreign_view, "tables.not_plain_tables"),
    "table replaced by a view": ("areas", hijacked_contents, "tables.not_plain_tables"),
    "virtual table": ("areas", virtual_table, "tables.not_plain_tables"),
    "computed column": ("areas", computed_column, "tables.not_plain_tables"),
    "grid in gpkg": ("areas", grid_in_geopackage, "tables.unknown_crs"),
    "grid in prj": ("areas", grid_in_prj, "tables.unknown_crs"),
    "vsicurl": ("areas", address("/vsicurl/http://{host}/a.gpkg"), "tables.not_a_plain_file"),
    "vsizip": ("areas", address("/vsizip/{secret}/a.gpkg"), "tables.not_a_plain_file"),
    "list by http": ("list", address("http://{host}/a.xlsx"), "tables.not_a_plain_file"),
    "linked workbook": ("list", linked_workbook, "read: 2"),
    "outside entity in xlsx": ("list", outside_entity, "tables.unreadable"),
    "osm by http": ("osm", address("http://{host}/a.osm"), "tables.not_a_plain_file"),
    "outside entity in osm": ("osm", osm_entity, "osm.corrupt"),
}


@linux_only
@pytest.mark.parametrize("name", REACHING)
def test_nothing_outside_the_file_is_touched(
    tmp_path: Path, outcome: Outcome, watched: Watched, name: str
) -> None:
    kind, make, expected = REACHING[name]
    file = make(tmp_path, watched)
    assert not watched.touched()
    assert outcome(kind, file).startswith(expected)
    assert not watched.touched()


@linux_only
def test_a_folder_or_file_called_like_an_address_is_what_it_is(
    tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lifecircle.errors import FileError
    from lifecircle.sources.osm_file import read_osm

    file = address_as_folder(tmp_path, watched)
    assert len(read_osm(file).network.street_m) == 3
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="plain file"):
        read_osm(file.relative_to(tmp_path))
    file.rename(tmp_path / "http:town.osm")
    assert len(read_osm("http:town.osm").network.street_m) == 3
    assert not watched.touched()


@linux_only
def test_the_watch_sees_what_gdal_alone_would_do(tmp_path: Path, watched: Watched) -> None:
    """The proof that the tests above can fail."""
    file = dressed(tmp_path / "a.geojson", virtual_layer(watched))
    alone = "import pyogrio, sys; print(len(pyogrio.read_dataframe(sys.argv[1])))"
    ours = "import lifecircle.sources.features; " + alone
    bare = {key: value for key, value in os.environ.items() if key != "GDAL_SKIP"}

    def run(code: str, name: object) -> str:
        command = [sys.executable, "-c", code, str(name)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=bare).stdout.strip()

    assert run(alone, file) == "1"
    assert watched.touched()
    run(alone, f"/vsicurl/http://127.0.0.1:{watched.port}/a.gpkg")
    assert watched.touched()
    # GDAL no longer knows virtual layers once lifecircle has loaded it
    assert run(ours, file) == ""
    assert not watched.touched()


def test_triggers_of_a_geopackage_are_never_run(tmp_path: Path) -> None:
    from lifecircle.sources.layers import read_communities

    file = layer(tmp_path)
    with_sql(
        file,
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; END",
        "CREATE TRIGGER u AFTER UPDATE ON gpkg_contents BEGIN DELETE FROM a; END",
    )
    before = file.read_bytes()
    assert list(read_communities(file, crs=4549)[0]["community"]) == ["A"]
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


def test_points_of_a_list_are_no_less_safe(tmp_path: Path) -> None:
    from lifecircle.sources.layers import read_homes

    file = tmp_path / "homes.gpkg"
    gpd.GeoDataFrame({"residents": [3]}, geometry=[Point(492_500, 3_148_500)], crs=4549).to_file(file)
    with_sql(file, "CREATE VIEW v AS SELECT 1")
    with pytest.raises(ValueError, match="holds views"):
        read_homes(file, crs=4549)
