"""Which city, or which files, are meant by the words typed?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lifecircle.cli_terminal import FILE, system_language
from lifecircle.messages import say

if TYPE_CHECKING:
    from lifecircle.city import City
    from lifecircle.sources.kept_city import KeptCities
    from lifecircle.sources.opening import Limits
    from lifecircle.sources.tiles import Tiling
    from lifecircle.standard import Service

_LAYERS = ("communities", "facilities", "homes")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_DATUMS = ("gcj02", "bd09", "wgs84")


def _datums(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the datum of each layer of which one is said."""
    said = {}
    for value in values:
        layer, _, datum = value.lower().rpartition("=")
        layer = layer or "facilities"
        if layer not in _LAYERS or datum not in _DATUMS:
            raise click.BadParameter(
                say("cli.bad_datum", system_language(), value=value, known=", ".join(_DATUMS))
            )
        said[layer] = datum
    return said


_OPTIONS = (
    click.option("--city", help="A city by its name (see: lifecircle list cities), or its folder."),
    click.option("--osm", type=FILE, help="OpenStreetMap file: .osm.pbf, .osm, .osm.gz or .osm.bz2."),
    click.option("--communities", type=FILE, help="Polygons of the communities: gpkg, geojson or shp."),
    click.option(
        "--facilities",
        type=FILE,
        multiple=True,
        help="List of facilities, or a saved answer of AMap (json); may be given several times.",
    ),
    click.option("--homes", type=FILE, help="Points of homes, in place of OpenStreetMap's buildings."),
    click.option("--barriers", type=FILE, help="Lines or areas nobody walks across but on a street."),
    click.option(
        "--datum",
        "datums",
        multiple=True,
        callback=_datums,
        metavar="DATUM",
        help="Datum of the lists of facilities: gcj02 (AMap), bd09 (Baidu) or wgs84; "
        "of another file: communities=gcj02, homes=bd09.",
    ),
    click.option(
        "--crs",
        help="Metric CRS to work in, such as EPSG:4549, chosen by itself when not given; "
        "also the CRS of files that name none.",
    ),
)


def source_options(command: _Command) -> _Command:
    """Give a command the options that say which city or files it works on."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_source(options: dict[str, Any]) -> None:
    """Refuse options that leave open, or say twice, what shall be read."""
    lang = options["lang"] or system_language()
    files = [options[key] for key in ("osm", *_LAYERS)]
    if any(files) if options["city"] else not (options["osm"] and options["communities"]):
        raise click.UsageError(say("cli.one_source", lang))
    if options["city"] and options["datums"]:
        raise click.UsageError(say("cli.datum_of_city", lang))
    for layer in options["datums"]:
        if not options[layer]:
            raise click.UsageError(say("cli.datum_of_nothing", lang, layer=layer))


def city_of_files(
    options: dict[str, Any],
    services: "Sequence[Service]",
    progress: Callable[[str], None],
    *,
    limits: "Limits | None" = None,
    kept: "KeptCities | None" = None,
    tiling: "Tiling | None" = None,
) -> "City":
    """Return the city of the files that were named, read within limits."""
    from lifecircle.catalog import LayerFile
    from lifecircle.sources.opening import LIMITS
    from lifecircle.sources.read_city import read_city

    def layer(role: str, path: Path) -> "LayerFile":
        return LayerFile(path, datum=options["datums"].get(role))

    return read_city(
        osm=options["osm"],
        communities=layer("communities", options["communities"]),
        facilities=[layer("facilities", path) for path in options["facilities"]],
        homes=layer("homes", options["homes"]) if options["homes"] else None,
        elevation=options.get("elevation"),
        population=options.get("population"),
        barriers=options["barriers"],
        crs=options["crs"],
        services=services,
        kept=kept,
        limits=limits or LIMITS,
        tiling=tiling,
        progress=progress,
    )
