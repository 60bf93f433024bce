"""Which city, or which files, are meant by the words typed?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lifecircle.cli_terminal import FILE, system_language
from lifecircle.messages import say
from lifecircle.ranges import MAX_SNAP_RANGE_M

if TYPE_CHECKING:
    from lifecircle.catalog import CityFiles, LevelFile, Overrides

_LAYERS = ("communities", "facilities", "homes")
_WITH_DATUM = (*_LAYERS, "levels", "candidates")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_DATUMS = ("gcj02", "bd09", "wgs84")


def _datums(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the datum of each layer of which one is said."""
    said = {}
    for value in values:
        layer, _, datum = value.lower().rpartition("=")
        layer = layer or "facilities"
        if layer not in _WITH_DATUM or datum not in _DATUMS:
            raise click.BadParameter(
                say("cli.bad_datum", system_language(), value=value, known=", ".join(_DATUMS))
            )
        said[layer] = datum
    return said


def _columns(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return columns that were typed as FIELD=COLUMN."""
    named = {}
    for value in values:
        field, mark, column = value.partition("=")
        if not (field.strip() and mark and column.strip()):
            raise click.BadParameter(say("cli.bad_column", system_language(), value=value))
        named[field.strip()] = column.strip()
    return named


_STATUS = click.option(
    "--status",
    "statuses",
    type=click.Choice(["built", "building", "planned"], case_sensitive=False),
    multiple=True,
    help="Which facilities count by their status (建成, 在建, 拟建): what is built always does; "
    "may be repeated.",
)
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
    click.option("--elevation", type=FILE, help="GeoTIFF of heights, so that slopes count."),
    click.option("--population", type=FILE, help="GeoTIFF of residents per cell, such as WorldPop's."),
    click.option("--barriers", type=FILE, help="Lines or areas nobody walks across but on a street."),
    _STATUS,
    click.option(
        "--with-supplementary",
        "supplementary",
        is_flag=True,
        help="Count what only supplements a service, such as cloud clinics (云诊室).",
    ),
    click.option(
        "--indicators", type=FILE, help="Table of indicators to check: indicator, target, value (csv, xlsx)."
    ),
    click.option(
        "--levels",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Units in which people are counted together, such as 规划单元=units.gpkg; may be repeated.",
    ),
    click.option(
        "--column",
        "columns",
        multiple=True,
        callback=_columns,
        metavar="FIELD=COLUMN",
        help="What a column of the communities is called, such as population=常住人口 or subdistrict=镇街.",
    ),
    click.option(
        "--datum",
        "datums",
        multiple=True,
        callback=_datums,
        metavar="DATUM",
        help="Datum of the lists of facilities: gcj02 (AMap), bd09 (Baidu) or wgs84; "
        "of another file: communities=gcj02, homes=bd09, levels=gcj02, candidates=gcj02.",
    ),
    click.option(
        "--crs",
        help="Metric CRS to work in, such as EPSG:4549, chosen by itself when not given; "
        "also the CRS of files that name none.",
    ),
)

STANDARD = click.option(
    "--standard", default="life-circle", show_default=True, help="Id or .toml file of a standard."
)
MAX_SNAP = click.option(
    "--max-snap",
    type=click.FloatRange(*MAX_SNAP_RANGE_M),
    default=200.0,
    show_default=True,
    help="Farthest a home may be from a street, metres.",
)


def source_options(command: _Command) -> _Command:
    """Give a command the options that say which city or files it works on."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def source_options_but_status(command: _Command) -> _Command:
    """Do the same for a command that has its own words for the status of facilities."""
    for option in reversed([one for one in _OPTIONS if one is not _STATUS]):
        command = option(command)
    return command


def check_source(options: dict[str, Any]) -> None:
    """Refuse options that leave open, or say twice, what shall be read."""
    lang = options["lang"] or system_language()
    files = [options[key] for key in ("osm", *_LAYERS)]
    if any(files) if options["city"] else not (options["osm"] and options["communities"]):
        raise click.UsageError(say("cli.one_source", lang))
    if options["city"] and options["datums"].keys() - {"candidates"}:
        raise click.UsageError(say("cli.datum_of_city", lang))
    for layer in options["datums"]:
        if not options.get(layer):
            raise click.UsageError(say("cli.datum_of_nothing", lang, layer=layer))


def overrides_of(options: Mapping[str, Any]) -> "Overrides":
    """Return what was typed to stand in the place of a city's own files."""
    from lifecircle.catalog import Counted, Overrides

    return Overrides(
        **{key: options[key] for key in ("elevation", "population", "barriers", "columns")},
        levels=tuple(_levels_of(options)),
        counted=Counted(options.get("statuses", ()), options["supplementary"], options["indicators"]),
    )


def files_of(options: Mapping[str, Any]) -> "CityFiles":
    """Return the files of the city that was named, or those that were named one by one.

    Raises
    ------
    LifecircleError
        If there is no such city, or its ``city.toml`` is wrong; files are not looked at.
    """
    from lifecircle.catalog import LayerFile, find_city
    from lifecircle.sources.read_city import plain_files

    def layer(role: str, path: Path) -> LayerFile:
        return LayerFile(path, datum=options["datums"].get(role))

    if options["city"]:
        files = find_city(options["city"])
    else:
        files = plain_files(
            osm=options["osm"],
            communities=layer("communities", options["communities"]),
            facilities=[layer("facilities", path) for path in options["facilities"]],
            homes=layer("homes", options["homes"]) if options["homes"] else None,
        )
    return overrides_of(options).of(files)


def _levels_of(options: Mapping[str, Any]) -> "list[LevelFile]":
    """Return the layers of units that were typed as ``FILE`` or ``NAME=FILE``."""
    from lifecircle.catalog import LayerFile, LevelFile

    levels = []
    for number, value in enumerate(options["levels"], start=1):
        name, mark, path = ("", "", value) if Path(value).is_file() else value.partition("=")
        layer = LayerFile(Path(path if mark else value), datum=options["datums"].get("levels"))
        levels.append(LevelFile.called(name.strip() or layer.path.stem, layer, number))
    return levels
