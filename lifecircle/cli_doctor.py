"""What can be typed to find out whether this computer has what lifecircle needs?"""

import codecs
import contextlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from typing import NamedTuple

import click

from lifecircle import __version__
from lifecircle.cli_terminal import LANG, system_language
from lifecircle.messages import say

_LIBRARIES = ("numpy", "pandas", "geopandas", "shapely", "pyproj", "osmium", "osmnx", "matplotlib", "folium")
_DRIVERS = ("GPKG", "ESRI Shapefile", "GeoJSON")
_EXTRAS = {"parquet": "pyarrow", "explore": "mapclassify", "cluster": "distributed"}
_SCARCE_DISK_BYTES = 1_000_000_000
_SCARCE_MEMORY_BYTES = 3_000_000_000
_HANZI = "丽水莲都社区"
_NETWORK_SECONDS = 20.0


class Finding(NamedTuple):
    """One line: how bad it is (``"ok"``, ``"note"`` or ``"bad"``), what was seen, what to do if anything."""

    state: str
    seen: str
    advice: str = ""


@click.command()
@click.option("--network", is_flag=True, help="Also ask the servers that fetch downloads from.")
@click.option("--overpass-url", help="Another Overpass server to ask, with --network.")
@LANG
def doctor(*, network: bool, overpass_url: str | None, lang: str | None) -> None:
    """Check fonts, formats, encodings, folders and memory of this computer; code 1 if something is missing.

    \b
    lifecircle doctor
    lifecircle doctor --network
    """
    lang = lang or system_language()
    checks: list[Callable[[str], Iterator[Finding]]] = [
        _versions, _formats, _projections, _type, _encodings, _folders, _memory
    ]  # fmt: skip
    if network:
        checks.append(lambda lang: _network(lang, overpass_url))
    worst = 0
    for check in checks:
        for finding in _whatever_comes(check, lang):
            advice = f"  {finding.advice}" if finding.advice else ""
            click.echo(f"{say(f'doctor.{finding.state}', lang)}  {finding.seen}{advice}")
            worst = max(worst, finding.state == "bad")
    click.echo(say("doctor.ill" if worst else "doctor.well", lang))
    sys.exit(worst)


def _whatever_comes(check: Callable[[str], Iterator[Finding]], lang: str) -> Iterator[Finding]:
    try:
        yield from check(lang)
    except Exception as error:  # noqa: BLE001 - a broken installation breaks in any way
        seen = say("doctor.broken", lang, what=check.__name__.strip("_"), cause=repr(error))
        yield Finding("bad", seen, say("doctor.reinstall", lang))


def _versions(lang: str) -> Iterator[Finding]:
    from importlib import metadata

    found = " ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    system = f"Python {platform.python_version()}, {platform.platform()}"
    yield Finding("ok", f"lifecircle {__version__}; {system}")
    yield Finding("ok", say("doctor.libraries", lang, found=found))
    for extra, package in _EXTRAS.items():
        if util.find_spec(package) is None:
            yield Finding(
                "note",
                say("doctor.no_extra", lang, package=package),
                f'pip install "lifecircle[{extra}]"',
            )


def _formats(lang: str) -> Iterator[Finding]:
    import pyogrio

    drivers = pyogrio.list_drivers()
    missing = [name for name in _DRIVERS if "w" not in drivers.get(name, "")]
    version = f"GDAL {pyogrio.__gdal_version_string__}"
    if missing:
        names = ", ".join(missing)
        yield Finding(
            "bad", say("doctor.no_drivers", lang, gdal=version, names=names), say("doctor.reinstall", lang)
        )
    else:
        yield Finding("ok", f"{version}: {', '.join(_DRIVERS)}")
    if "OGR_VRT" in drivers:
        yield Finding("note", say("doctor.virtual", lang), say("doctor.virtual_cure", lang))


def _projections(lang: str) -> Iterator[Finding]:
    import pyproj

    x, _ = pyproj.Transformer.from_crs(4326, 4549, always_xy=True).transform(119.92, 28.45)
    near = abs(x - 492_168) < 100  # noqa: PLR2004 - metres east in its zone, by CGCS2000
    yield Finding(
        "ok" if near else "bad",
        say(
            "doctor.projections", lang, version=pyproj.proj_version_str, folder=pyproj.datadir.get_data_dir()
        ),
        "" if near else say("doctor.reinstall", lang),
    )


def _type(lang: str) -> Iterator[Finding]:
    from lifecircle.render.print_type import printable

    whole = printable(_HANZI) == _HANZI
    yield Finding(
        "ok" if whole else "bad",
        say("doctor.type" if whole else "doctor.no_type", lang, text=_HANZI),
        "" if whole else say("doctor.reinstall", lang),
    )


def _encodings(lang: str) -> Iterator[Finding]:
    codecs.lookup("gb18030")
    encoding = sys.stdout.encoding or "ascii"
    try:
        _HANZI.encode(encoding)
    except (UnicodeError, LookupError):
        yield Finding(
            "note", say("doctor.console", lang, encoding=encoding), say("doctor.console_cure", lang)
        )
    else:
        yield Finding(
            "ok", say("doctor.encodings", lang, encoding=encoding, files=sys.getfilesystemencoding())
        )


def _folders(lang: str) -> Iterator[Finding]:
    import platformdirs

    from lifecircle.catalog import user_cities_folder

    cache = platformdirs.user_cache_path("lifecircle", appauthor=False)
    folders = {
        "out": Path.cwd(),
        "cities": user_cities_folder(),
        "cache": cache,
        "temporary": Path(tempfile.gettempdir()),
    }
    for role, folder in folders.items():
        here = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(here).free
        size = _size(folder) if role in {"cities", "cache"} else 0
        seen = say(
            f"doctor.folder_{role}", lang, folder=folder, free=f"{free / 1e9:.1f}", size=f"{size / 1e6:.0f}"
        )
        if not _may_write(here):
            yield Finding("bad", seen, say("doctor.not_writable", lang))
        elif free < _SCARCE_DISK_BYTES:
            yield Finding("note", seen, say("doctor.little_room", lang))
        else:
            yield Finding("ok", seen)


def _may_write(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _size(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            size += path.lstat().st_size
    return size


def _memory(lang: str) -> Iterator[Finding]:
    from lifecircle.sources.memory import memory_here

    here = memory_here()
    shown = "?" if here is None else f"{here / 1e9:.1f}"
    seen = say("doctor.memory", lang, here=shown, cores=os.cpu_count() or 1)
    if here is not None and here < _SCARCE_MEMORY_BYTES:
        yield Finding("note", seen, say("doctor.little_memory", lang))
    else:
        yield Finding("ok", seen)


def _network(lang: str, overpass_url: str | None) -> Iterator[Finding]:
    """Ask each server for its status, once."""
    import osmnx

    from lifecircle.errors import FetchError
    from lifecircle.sources.transport import Transport

    servers = {(overpass_url or osmnx.settings.overpass_url).rstrip("/"): "/status"}
    if overpass_url is None:
        servers[osmnx.settings.nominatim_url.rstrip("/")] = "/status"
    for server, path in servers.items():
        transport = Transport(
            tries=1, total_seconds=_NETWORK_SECONDS, cache_folder=None, lang=lang, progress=lambda _: None
        )
        try:
            transport.ask("GET", server + path, {}, bytes)
        except FetchError as error:
            seen = say("doctor.no_answer", lang, server=server, detail=error.values["detail"])
            yield Finding("bad", seen, say("doctor.no_answer_cure", lang))
        else:
            yield Finding("ok", say("doctor.answers", lang, server=server))
