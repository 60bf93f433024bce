"""What can be typed: words in, words out; nothing is worked out here."""

import dataclasses
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from lifecircle import __version__
from lifecircle.cli_batch import measure_group, measure_many
from lifecircle.cli_check import check_data
from lifecircle.cli_doctor import doctor
from lifecircle.cli_export import compare_two, export_run
from lifecircle.cli_projects import are_asked, check_asked, listed, projects_options
from lifecircle.cli_show import list_known, show_known
from lifecircle.cli_siting import suggest, what_if
from lifecircle.cli_source import (
    MAX_SNAP,
    STANDARD,
    check_source,
    files_of,
    overrides_of,
    source_options,
)
from lifecircle.cli_terminal import (
    FILE,
    FORMAT_WORDS,
    LANG,
    NO_CACHE,
    ROUND_TRIP,
    errors_in,
    formats_option,
    give_up_output,
    kept_cities,
    language_of,
    limits_of,
    limits_options,
    lines,
    minutes_option,
    numbered_steps,
    signals_as_exits,
    system_language,
    tell_alarms,
    tell_memory,
)
from lifecircle.cli_tiles import check_tiling, tile_options, tiling_of
from lifecircle.errors import FileError
from lifecircle.messages import say
from lifecircle.sources.memory import no_search_for_cycles

if TYPE_CHECKING:
    import shapely

    from lifecircle.analysis import StepClock
    from lifecircle.catalog import LayerFile
    from lifecircle.city import City
    from lifecircle.report import Report
    from lifecircle.sources.kept_city import KeptCities
    from lifecircle.sources.tiles import Tiling


_TOLD = (click.ClickException, MemoryError, ImportError, OSError)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 something in the data or the system is wrong, 2 wrong words, 130 stopped by Ctrl-C, 128 and the
    signal's number where another one ended it.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an office console in GBK must not end a run
    code: int | None
    came: list[int] = []
    try:
        with no_search_for_cycles(), signals_as_exits() as came:  # what cycles hold goes with the process
            code = cli.main(args, prog_name="lifecircle", standalone_mode=False)
    except click.Abort:
        code = 130
    except Exception as error:
        if not came and not isinstance(error, _TOLD):
            raise
        code = 128 + came[0] if came else _tell_error(error)  # a library's start makes other errors of Ctrl-C
    sys.exit(code or 0)


def _tell_error(error: Exception) -> int:
    """Say in one line what ended a command, and return its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, MemoryError):
        told = say("memory.exhausted", system_language())
    elif isinstance(error, ImportError):  # a broken installation, or no memory to load a library into
        told = say("cli.library", system_language(), cause=error)
    else:  # mostly standard output on a full disk; what our files meet has its own words
        give_up_output()
        told = say("cli.system", system_language(), cause=error)
    click.echo(told, err=True)
    return 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lifecircle")
def cli() -> None:
    """Find who cannot walk to a kindergarten, elderly care or a clinic in time, and why.

    \b
    步行生活圈评估：谁在 10、15 分钟内走不到幼儿园、养老服务、社区卫生服务，原因何在。
    Try:  lifecircle analyze --city lishui
    """


@cli.command()
@source_options
@click.option("--minutes", callback=minutes_option, help="Minutes on foot for every service, such as 10,15.")
@limits_options
@STANDARD
@MAX_SNAP
@ROUND_TRIP
@tile_options
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Repeat it at other paces (±10 %), limits (±1 min) and snap limits (half, double): which gaps hold?",
)
@click.option(
    "--formats",
    callback=formats_option,
    metavar="FORMATS",
    help=f"What else to write beside the usual files, with commas: {FORMAT_WORDS}.",
)
@projects_options
@click.option("--out", type=FILE, help="Folder for the results.  [default: outputs/CITY]")
@click.option(
    "--overwrite", is_flag=True, help="Replace earlier results in that folder, and what was exported there."
)
@NO_CACHE
@LANG
@click.option("--json", "as_json", is_flag=True, help="Print the city's totals as JSON, and nothing else.")
def analyze(**options: Any) -> None:
    """Measure a city: map, tables, gaps and report.

    \b
    lifecircle analyze --city lishui
    lifecircle analyze --city all-lishui
    lifecircle analyze --city lishui --projects --formats docx
    lifecircle analyze --osm city.osm.pbf --communities communities.gpkg --facilities list.xlsx
    """
    check_source(options)
    lang = options["lang"] or system_language()
    with errors_in(lang):
        from lifecircle.catalog import find_city, find_group

        members = find_group(options["city"] or "")
    check_tiling(options, lang, group=bool(members))
    if members:
        code = measure_group(members, options)
        click.get_current_context().exit(code)
    with errors_in(lang):
        files = find_city(options["city"]) if options["city"] else None
        called = files.id if files else options["osm"].name.split(".")[0] or "city"
        lang = options["lang"] or (files.lang if files else lang)
    out = options["out"] or Path("outputs") / called
    with errors_in(lang):
        from lifecircle.analysis import STEPS
        from lifecircle.render.folder import check_free
        from lifecircle.render.formats import check_formats

        check_formats(options["formats"])  # before minutes of work, not after
        check_free(out, overwrite=options["overwrite"])
        check_asked(options, files)
        if not options["tiles"]:
            tell_memory(files.osm if files else options["osm"], lang)
    keeping = kept_cities(lang, no_cache=options["no_cache"])
    wanted = [step for step in STEPS if step != "sensitivity" or options["sensitivity"]]
    if are_asked(options):
        wanted.insert(-1, "projects")
    tiling_by = tiling_of(options, out, lang)
    with errors_in(lang), keeping as kept, tiling_by as tiling, numbered_steps(lang, wanted) as steps:
        report = _measure(options, steps, kept=kept, tiling=tiling)
        if are_asked(options):
            steps("projects")
            report = listed(report, options)
        steps("write")
        paths = report.save(out, overwrite=options["overwrite"], formats=options["formats"])
    _tell(report, paths, options["city"], as_json=options["as_json"])


@cli.command()
@click.option("--city", help="A place that is known by name (see: lifecircle list cities).")
@click.option("--place", help='Name of a place, such as "莲都区, 丽水市, 浙江省".')
@click.option(
    "--boundary",
    type=FILE,
    help="File with the area to download, also of a known city: geojson, gpkg or shp.",
)
@click.option("--name", help="What to call another city, with --place or --boundary.")
@click.option("--overpass-url", help="Another Overpass server, such as https://overpass.example.org/api.")
@click.option("--overwrite", is_flag=True, help="Download again; the earlier city is kept beside it.")
@LANG
def fetch(**options: Any) -> None:
    """Download streets and facilities of a real city from OpenStreetMap.

    \b
    lifecircle fetch --city liandu
    lifecircle fetch --city 灯塔 --boundary dengta.geojson
    lifecircle fetch --place "Laguna, Tenerife" --name laguna
    """
    city, place, boundary, name = (options[key] for key in ("city", "place", "boundary", "name"))
    if bool(city) == bool(name) or (name and not (place or boundary)) or (city and place):
        raise click.UsageError(say("cli.one_area", options["lang"] or system_language()))
    lang = options["lang"] or system_language()
    with errors_in(lang):
        from lifecircle.catalog import check_city_name, user_cities_folder

        known = _known_place(city) if city else None
        if known and not (boundary or known.boundary or known.place):
            raise FileError("catalog.no_outline", value=city, id=known.id)
        name = known.id if known else name
        check_city_name(name)
        place = known.place if known else place
        outline = _outline(boundary) if boundary or not known else known.boundary
        lang = options["lang"] or (known.lang if known else language_of(place, name))
    with errors_in(lang), lines() as tell:
        import platformdirs

        from lifecircle.sources.overpass import fetch_city

        folder = fetch_city(
            user_cities_folder() / name,
            name=known.name if known else name,
            lang=lang,
            boundary=outline,
            place=place,
            overpass_url=options["overpass_url"],
            cache_folder=platformdirs.user_cache_path("lifecircle", appauthor=False) / "overpass",
            overwrite=options["overwrite"],
            progress=tell,
        )
    click.echo(str(folder))
    click.echo(say("cli.fetched", lang, command=f"lifecircle analyze --city {name}"), err=True)


@cli.command()
@click.argument("name")
@LANG
def init(name: str, lang: str | None) -> None:
    """Make the folder of your own city: a commented city.toml and empty lists.

    \b
    lifecircle init mycity
    """
    lang = lang or system_language()
    with errors_in(lang):
        from lifecircle.catalog import write_city_folder

        folder = write_city_folder(name, name)
    for path in sorted(folder.iterdir()):
        click.echo(str(path))
    click.echo(
        say("cli.made", lang, path=folder / "city.toml", command=f"lifecircle analyze --city {name}"),
        err=True,
    )


cli.add_command(check_data)
cli.add_command(measure_many)
cli.add_command(doctor)
cli.add_command(list_known)
cli.add_command(show_known)
cli.add_command(export_run)
cli.add_command(compare_two)
cli.add_command(what_if)
cli.add_command(suggest)


def _measure(
    options: dict[str, Any], steps: "StepClock", *, kept: "KeptCities | None", tiling: "Tiling | None"
) -> "Report":
    from lifecircle import analysis
    from lifecircle.catalog import load_standard
    from lifecircle.sources.read_city import read_city_files

    standard, limits = load_standard(options["standard"]), limits_of(options)
    city: str | City = options["city"]
    if not city:
        read = {"crs": options["crs"], "kept": kept, "limits": limits, "tiling": tiling, "progress": steps}
        city = read_city_files(files_of(options), services=standard.placed, **read)
    choices = {key: options[key] for key in ("minutes", "lang", "crs", "round_trip", "sensitivity")}
    choices |= {**vars(overrides_of(options)), "limits": limits, "kept": kept, "tiling": tiling}
    report = analysis.analyze(city, standard, **choices, max_snap_m=options["max_snap"], progress=steps)
    settings = {**options, "minutes": report.settings["minutes"], "lang": report.lang}
    return dataclasses.replace(report, settings=settings, seconds=steps.seconds)


def _tell(report: "Report", paths: dict[str, Path], city: str | None, *, as_json: bool) -> None:
    """Say what was found and where it lies: results to stdout, all else to stderr."""
    if as_json:
        from lifecircle.render.tables import records

        click.echo(json.dumps(records(report.tables["totals"]), indent=1, allow_nan=False))
    tell_alarms(report.city, report.lang)
    for line in report.finding():
        click.echo(line, err=as_json)
    if report.projects is not None:
        from lifecircle.render.project_text import sentences

        for line in sentences(report.projects, report.lang):
            click.echo(line, err=as_json)
    for path in paths.values():
        click.echo(str(path), err=as_json)
    again = "lifecircle init mycity"
    if city:
        this, other = f"--city {shlex.quote(city)}", shlex.quote(f"outputs/{Path(city).name}-5")
        again = f"lifecircle analyze {this} --minutes 5 --out {other}"
        if report.city.is_synthetic:
            click.echo(say("cli.sample", report.lang, command=f"lifecircle fetch {this}"), err=True)
        else:
            since = report.city.osm_timestamp or "–"
            click.echo(say("cli.real", report.lang, folder=report.city.folder, since=since), err=True)
    click.echo(say("cli.next", report.lang, path=paths["map.html"], command=again), err=True)


class _KnownPlace(NamedTuple):
    """A place to download that has a name already."""

    id: str
    name: Mapping[str, str]
    lang: str
    place: str | None
    boundary: "shapely.Polygon | shapely.MultiPolygon | None"


def _known_place(name: str) -> _KnownPlace:
    """Return a city that has a folder, else a place of the catalog."""
    from lifecircle.catalog import NoDataError, find_city, load_presets

    try:
        city = find_city(name)
    except NoDataError as error:
        preset = load_presets()[str(error.values["id"])]
        return _KnownPlace(preset.id, preset.name, "zh", preset.place, preset.outline)
    return _KnownPlace(city.id, city.name, city.lang, city.place, _outline(city.boundary))


def _outline(file: "LayerFile | Path | None") -> "shapely.Polygon | shapely.MultiPolygon | None":
    """Return the area of a boundary file in degrees."""
    if file is None:
        return None
    from lifecircle.sources.layers import read_boundary

    return read_boundary(file, crs=4326)
