"""Do names that want to be more than names stay names, from the planner's files to every format?"""

import contextlib
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import geopandas as gpd
import openpyxl
import pandas as pd
import pypdf
import pytest
import shapely
from commands import run_here
from test_read_city import write_csv, write_osm

NAMES = {
    "html": "<img src=x onerror=alert(1)>社区",
    "script": "</script><script>document.title='run'</script>",
    "jinja": "{{ 7*7 }}{% raw %}",
    "template": "${7*7}`${alert(1)}`",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "terminal": "a\x1b[31mred\x1b]0;title\x07",
    "direction": "abc\u202ecba\u200f",
    "long": "长" * 10_000,
    "emoji": "社区🏥👨‍👩‍👧",
    "nul": "a\x00b",
    "markdown": "[x](javascript:alert(1)) | # `y`",
}
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WIDE = 0.0008


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a run of a city every community and facility of which is called so, and all that was said."""
    folder = tmp_path_factory.mktemp("names")
    osm = write_osm(folder / "streets.osm")
    west = [119.899 + at * WIDE for at in range(len(NAMES))]
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": json.loads(shapely.to_geojson(shapely.box(x, 28.448, x + WIDE, 28.456))),
        }
        for x, name in zip(west, NAMES.values(), strict=True)
    ]
    layer = folder / "communities.geojson"
    layer.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "type", "lon", "lat"])
        rows.writerows(
            [name, "clinic", x + WIDE / 2, 28.4501]
            for x, name in zip(west, (name.replace("\0", "") for name in NAMES.values()), strict=True)
        )
    every = "pdf,svg,docx,xlsx,html,geojson,parquet,platform,survey,dictionary"
    words = ["--osm", str(osm), "--communities", str(layer), "--facilities", str(folder / "list.csv")]
    said = io.StringIO()
    out = str(folder / "out")
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        assert run_here("analyze", *words, "--lang", "en", "--out", out, "--formats", every) == 0
        assert run_here("export", "--run", out, "--format", "geojson,xlsx", "--lang", "zh") == 0
    return folder / "out", said.getvalue()


def table_of(path: Path) -> list[str]:
    return list(pd.read_csv(path, dtype=str, keep_default_na=False).to_numpy().ravel())


def cells_of(path: Path) -> list[str]:
    book = openpyxl.load_workbook(path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"], "a formula"
    assert not [cell for cell in cells if cell.hyperlink and "javascript" in str(cell.hyperlink.target)]
    return [str(cell.value) for cell in cells]


def paragraphs_of(path: Path) -> list[str]:
    document = docx.Document(str(path))
    tables = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                text = parts.read(name).decode()
                fields = re.findall(r"<w:instrText[^>]*>([^<]*)<", text)
                assert not [field for field in fields if field.split()[0] not in {"PAGE", "NUMPAGES", "SEQ"}]
                assert "javascript" not in text or name == "word/document.xml"
    return [paragraph.text for paragraph in document.paragraphs] + tables


def pages_of(path: Path) -> list[str]:
    reader = pypdf.PdfReader(path)
    assert "/JavaScript" not in str(reader.trailer["/Root"])
    assert not [note for page in reader.pages for note in page.get("/Annots", [])]
    return [page.extract_text() for page in reader.pages]


def texts_of(path: Path) -> list[str]:
    tree = ET.parse(path)  # noqa: S314 - our own
    assert not [one for one in tree.iter() if one.tag.endswith("script")]
    return [text for one in tree.iter() for text in one.itertext()]


def data_of(path: Path) -> list[str]:
    """Return every text in the data of a web map, having proved that nothing else of it is a name's."""
    page = path.read_text(encoding="utf-8")
    blocks = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert blocks
    for block in blocks:
        page = page.replace(block, "")
    for sign in ("onerror=alert", "document.title", "7*7", "SUM(1)", "calc"):
        assert sign not in page
    return [text for block in blocks for text in strings_in(json.loads(block))]


def strings_in(value: object) -> list[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return [text for inner in value for text in strings_in(inner)]
    return [value] if isinstance(value, str) else []


def layers_of(path: Path) -> list[str]:
    frames = [gpd.read_file(path, layer=name) for name in gpd.list_layers(path)["name"]]
    return [str(value) for frame in frames for value in frame.drop(columns="geometry").to_numpy().ravel()]


READERS: dict[str, Callable[[Path], list[str]]] = {
    "communities.csv": table_of,
    "ledger.xlsx": cells_of,
    "blank_survey.xlsx": cells_of,
    "report.docx": paragraphs_of,
    "maps/map-clinic.pdf": pages_of,
    "maps/map-clinic.svg": texts_of,
    "map.html": data_of,
    "gaps.gpkg": layers_of,
    "gaps.geojson": lambda path: strings_in(json.loads(path.read_text(encoding="utf-8"))),
    "parquet/communities.parquet": lambda path: [
        str(value) for value in gpd.read_parquet(path).drop(columns="geometry").to_numpy().ravel()
    ],
    "platform": lambda path: [
        text
        for file in path.glob("*.json")
        for text in strings_in(json.loads(file.read_text(encoding="utf-8")))
    ],
    "report.md": lambda path: path.read_text(encoding="utf-8").splitlines(),
    "data_dictionary.csv": table_of,
}
FOR_PEOPLE = {"communities.csv", "ledger.xlsx", "report.docx", "map.html", "report.md", "maps/map-clinic.svg"}
WITH_ALL = {"communities.csv", "ledger.xlsx", "map.html", "gaps.gpkg", "parquet/communities.parquet"}
"""Others show the worst, or those for which there is room."""


@pytest.mark.parametrize("name", READERS)
def test_names_are_text_in(results: tuple[Path, str], name: str) -> None:
    texts = READERS[name](results[0] / name)
    assert texts
    if name in FOR_PEOPLE:
        assert not [text for text in texts if UNSEEN.search(text)]
    if name.endswith(".csv"):  # a quote before it keeps a spreadsheet from running it
        assert not [text for text in texts if re.match(r"[=+@＝＋－＠\t\r]|-(?![\d.]+$)", text)]
    if name.endswith(".md"):
        assert not [line for line in texts if re.search(r"<(img|script)|(?<!\\)\]\(javascript", line)]
    if name in WITH_ALL:
        seen = "\n".join(texts)
        for word in ("onerror", "7*7", "cmd|", "SUM(1)", "长长长", "社区🏥", "red", "+1+1", "-2+3"):
            assert word in seen, word


def test_names_drive_no_terminal(results: tuple[Path, str]) -> None:
    said = results[1]
    assert not UNSEEN.search(said.replace("\n", ""))
    assert max(map(len, said.splitlines())) < 5_000


def test_names_make_no_file_names(results: tuple[Path, str]) -> None:
    files = [path for path in results[0].rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        assert re.fullmatch(r"[\w.+\-]{1,120}", path.name), path.name


def test_a_workbook_of_such_names_is_read_as_text_too(tmp_path: Path) -> None:
    from lifecircle.catalog import load_standard
    from lifecircle.sources.layers import read_facilities

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["name", "type", "lon", "lat"])
    shown = [name for name in NAMES.values() if not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", name)]
    for name in shown:
        book.active.append([name, "clinic", 119.9, 28.4501])
        book.active.cell(book.active.max_row, 1).data_type = "s"
    book.save(tmp_path / "a.xlsx")
    frame, _ = read_facilities(tmp_path / "a.xlsx", crs=4549, services=load_standard().services)
    assert list(frame["name"]) == [" ".join(name.split()) for name in shown]
    write_csv(tmp_path / "nul.csv", "name,type,lon,lat\na\0b,clinic,119.9,28.45\n")
    frame, _ = read_facilities(tmp_path / "nul.csv", crs=4549, services=load_standard().services)
    assert list(frame["service"]) == ["clinic"]
