"""May this file be opened, and how much may come out of it?

Every file of a user's is taken for hostile until it has passed here: a small one may unpack to more than the
memory holds, and formats that can name other files or run queries would reach beyond the file that was named.
"""

import bz2
import contextlib
import dataclasses
import gzip
import math
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lifecircle.errors import DataError, FileError
from lifecircle.sources.pbf_blocks import TooManyFieldsError, pbf_bytes


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much of a file is accepted; for a trusted file they may be raised.

    Attributes
    ----------
    max_text_bytes
        Of a CSV, XLSX or GeoJSON when unpacked: in memory they grow about tenfold.
    max_bytes
        Of an OpenStreetMap file when unpacked, of a GeoPackage or Shapefile.
    max_ratio
        Of unpacked to packed bytes, once more than `HARMLESS_BYTES` come out.
    max_dropped_share
        Of the rows of a layer or list that may be left out because they cannot be used (0-1).
    """

    max_text_bytes: int = 200_000_000
    max_bytes: int = 4_000_000_000
    max_ratio: float = 100.0
    max_dropped_share: float = 0.5


LIMITS = Limits()
HARMLESS_BYTES = 20_000_000
_CHUNK_BYTES = 1 << 20
CELL_BYTES = 8
"""Of a raster in memory."""
_XML_HEAD_BYTES = 4096
_LONGEST_PRJ_BYTES = 100_000
_NAMES_A_GRID = re.compile(r"PARAMETERFILE|PROJ4_GRIDS|grids\s*=\s*(?!@null\b)", re.IGNORECASE)
"""In the text of a CRS; @null stands for none."""


def check_file(path: Path, suffixes: Sequence[str], *, max_bytes: int = LIMITS.max_bytes) -> None:
    """Prove that `path` is a plain, readable file of this computer with one of these `suffixes`.

    Raises
    ------
    FileError
        If it is missing, unreadable, a web address or a path into an archive.
    DataError
        If it has another ending, or more than `max_bytes`.
    """
    # Readers below us take "a.zip!b" and "/vsi..." for archives and hosts, and cut a path at ";".
    if re.match(r"[A-Za-z][\w+.-]+:/", str(path)) or re.search(r"^/vsi|^//|[!;]", str(path.absolute())):
        raise FileError("tables.not_a_plain_file", path=path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FileError("tables.not_a_plain_file", path=path)  # a pipe or device may never end
    if not path.is_file():
        raise FileError("tables.missing_file", path=path)
    if path.suffix.lower() not in suffixes:
        raise DataError("tables.unknown_format", path=path, suffix=path.suffix, known=", ".join(suffixes))
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise FileError("tables.unreadable", path=path, reason=error.strerror) from error
    if path.stat().st_size > max_bytes:
        raise too_large(path, max_bytes)


def check_raster(raster: Any, cells: float, path: Path, limits: Limits = LIMITS) -> None:
    """Prove that an open raster lies somewhere, and that so many of its cells fit in memory.

    A GeoTIFF of some kilobytes may claim a city of a billion cells, or pack them all into one block.

    Raises
    ------
    DataError
        If it does not, or they do not.
    """
    if not (math.isfinite(area := raster.transform.determinant) and area):
        raise DataError("tables.unreadable", path=path, reason="GeoTransform")
    most, allowed = max(cells, *map(math.prod, raster.block_shapes)), limits.max_text_bytes // CELL_BYTES
    if not most <= allowed:
        raise DataError("tables.too_fine", path=path, cells=f"{most:,.0f}", allowed=f"{allowed:,}")


def too_large(path: Path, allowed: float) -> DataError:
    """Return the error of a file from which more than `allowed` bytes come."""
    size = f"{path.stat().st_size / 1e6:.1f}"
    return DataError("tables.too_large", path=path, size=size, allowed=f"{allowed / 1e6:.0f}")


def check_cells(path: Path, rows: int, columns: int, limits: Limits) -> None:
    """Prove that a table of so many cells fits in memory: short rows under a wide header take little on disk.

    Raises
    ------
    DataError
        If it does not.
    """
    if rows * columns * CELL_BYTES > limits.max_text_bytes:
        raise too_large(path, limits.max_text_bytes)


def check_workbook(path: Path, limits: Limits = LIMITS) -> None:
    """Prove that an XLSX unpacks to little enough, and that none of its parts declares a document type.

    Raises
    ------
    DataError
        If it does not: a document type is where entities, and references to other files, come from.
    zipfile.BadZipFile
        If it is no ZIP archive.
    """
    with zipfile.ZipFile(path) as archive:
        # What comes out of a part is never more than it declares: zipfile stops there.
        parts = [part for part in archive.infolist() if not part.is_dir()]
        allowed = _allowed(path, limits.max_text_bytes, limits)
        if sum(part.file_size for part in parts) > allowed:
            raise too_large(path, allowed)
        for part in parts:
            if part.filename.endswith((".xml", ".rels", ".vml")):
                with archive.open(part) as opened:
                    head = opened.read(_XML_HEAD_BYTES)
                # A document type stands before the first element, and Excel writes UTF-8 only.
                if not (root := re.search(rb"<[A-Za-z_]", head)) or b"<!DOCTYPE" in head[: root.start()]:
                    raise DataError("tables.unreadable", path=path, reason=f"{part.filename}: DOCTYPE")


def check_osm(path: Path, limits: Limits = LIMITS) -> int:
    """Return how many bytes an OpenStreetMap file unpacks to.

    The blocks of a PBF are followed from its first byte to its last: libosmium takes up to three bytes after
    the last block for an end, and reports others only after it has handed over what came before. Blocks must
    be packed by zlib or not at all, as nearly all are: others cannot be looked into.

    Raises
    ------
    DataError
        If it unpacks to too much, or is not whole.
    """
    allowed = _allowed(path, limits.max_bytes, limits)
    try:
        if path.name.endswith(".pbf"):
            size = pbf_bytes(path, allowed)
        elif path.name.endswith((".gz", ".bz2")):
            size = _stream_bytes(path, allowed)
        else:
            size = path.stat().st_size
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DataError("osm.corrupt", path=path, cause=error) from error
    except TooManyFieldsError as error:
        raise DataError("osm.too_much", path=path) from error
    if size > allowed:
        raise too_large(path, allowed)
    return size


def check_geopackage(path: Path) -> None:
    """Prove that a GeoPackage holds plain tables only.

    A view or a computed column runs a query of its author's choice, perhaps without end, and a virtual table
    may read another file. Triggers do no harm: nothing is written.

    Raises
    ------
    DataError
        If it holds one of these, or its tables cannot be listed.
    """
    # Without its log of changes beside it, a file in a folder that cannot be written still opens.
    log = path.with_name(path.name + "-wal")
    where = f"file:{quote(str(path.absolute()))}?mode=ro" + ("" if log.exists() else "&immutable=1")
    try:
        with contextlib.closing(sqlite3.connect(where, uri=True)) as database:
            made = database.execute(
                "SELECT name, type, coalesce(sql, '') FROM sqlite_master WHERE type IN ('table', 'view')"
            ).fetchall()
            odd = [name for name, kind, sql in made if kind == "view" or _is_foreign(sql)]
            if not odd and any(name == "gpkg_spatial_ref_sys" for name, *_ in made):
                for row in database.execute("SELECT * FROM gpkg_spatial_ref_sys"):
                    _check_crs(" ".join(map(str, row)), path)
            if not odd:
                hidden = "SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden > 1"
                plain = [name for name, _, sql in made if not sql.upper().startswith("CREATE VIRTUAL")]
                odd = [name for name in plain if database.execute(hidden, [name]).fetchone()[0]]
    except (sqlite3.Error, UnicodeError) as error:
        raise DataError("tables.unreadable", path=path, reason=error) from error
    if odd:
        raise DataError("tables.not_plain_tables", path=path, names=", ".join(odd[:10]))


def check_shapefile(path: Path) -> None:
    """Prove that a Shapefile is whole; GDAL reads what is left of one, and names no cure.

    Raises
    ------
    DataError
        If one of its files is missing or cut short, or its CRS names a file.
    """
    beside = {
        end: next((part for part in map(path.with_suffix, (end, end.upper())) if part.is_file()), None)
        for end in (".shx", ".dbf", ".prj")
    }
    for end in (".shx", ".dbf"):
        if beside[end] is None:
            raise DataError("tables.missing_companion", path=path, part=path.with_suffix(end).name)
    with path.open("rb") as file:
        head = file.read(28)
    # It says how many 16-bit words the file has.
    if 2 * int.from_bytes(head[24:]) > path.stat().st_size:
        raise DataError("tables.unreadable", path=path, reason="truncated")
    if (prj := beside[".prj"]) is not None:
        if prj.stat().st_size > _LONGEST_PRJ_BYTES:
            raise DataError("tables.unreadable", path=path, reason=prj.name)
        _check_crs(prj.read_text(encoding="latin-1"), path)


def _check_crs(text: str, path: Path) -> None:
    """Refuse a CRS that is shifted by a grid: GDAL would open the file, or ask the host, that it names."""
    if _NAMES_A_GRID.search(text):
        raise DataError("tables.unknown_crs", path=path, value=text[:40])


def _is_foreign(sql: str) -> bool:
    """Return whether this makes a virtual table that is no spatial index."""
    words = re.match(r"CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+(\w+)", sql, re.IGNORECASE | re.DOTALL)
    return words is not None and words[1].lower() != "rtree"


def _allowed(path: Path, most: int, limits: Limits) -> float:
    """Return how many bytes may come out of a packed file."""
    return min(most, max(HARMLESS_BYTES, limits.max_ratio * path.stat().st_size))


def _stream_bytes(path: Path, allowed: float) -> int:
    """Return how many bytes come out, or a number above `allowed` as soon as it is reached."""
    size = 0
    with gzip.open(path) if path.name.endswith(".gz") else bz2.open(path) as file:
        while size <= allowed and (chunk := file.read(_CHUNK_BYTES)):
            size += len(chunk)
    return size
