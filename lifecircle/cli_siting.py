"""What can be typed about what is not there yet: what if this were built, and where to build next?"""

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifecircle.cli_projects import CANDIDATES, candidates_file
from lifecircle.cli_source import (
    STANDARD,
    check_source,
    files_of,
    overrides_of,
    source_options,
    source_options_but_status,
)
from lifecircle.cli_terminal import (
    FILE,
    LANG,
    NO_CACHE,
    ROUND_TRIP,
    errors_in,
    kept_cities,
    limits_of,
    limits_options,
    minutes_option,
    numbered_steps,
    system_language,
)
from lifecircle.errors import DataError
from lifecircle.messages import LANGUAGES, clean, say

if TYPE_CHECKING:
    import shapely

    from lifecircle.analysis import StepClock
    from lifecircle.city import City
    from lifecircle.coverage import Coverage
    from lifecircle.render.compare import Comparison
    from lifecircle.report import Report
    from lifecircle.sources.kept_city import KeptCities

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_READ = ("streets", "communities", "facilities", "homes", "walks", "gaps")
_MINUTES = click.option(
    "--minutes", callback=minutes_option, help="Minutes on foot for every service, such as 15."
)
_LEAST_PEOPLE = 0.5


def _add_option(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, float, float]]:
    """Return facilities that were typed as SERVICE@LON,LAT."""
    added = []
    for value in values:
        found = re.fullmatch(rf"([^@]+)@({_NUMBER})[,，]({_NUMBER})", value.strip())
        if not found:
            raise click.BadParameter(say("siting.bad_add", system_language(), value=value))
        added.append((found[1].strip(), float(found[2]), float(found[3])))
    return added


def _link_option(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> list[tuple[float, float, float, float]]:
    """Return links that were typed as LON,LAT,LON,LAT."""
    links = []
    for value in values:
        parts = [part.strip() for part in re.split("[,，]", value)]
        if len(parts) != 4 or not all(re.fullmatch(_NUMBER, part) for part in parts):  # noqa: PLR2004 - two places
            raise click.BadParameter(say("siting.bad_link", system_language(), value=value))
        lon, lat, lon_to, lat_to = (float(part) for part in parts)
        links.append((lon, lat, lon_to, lat_to))
    return links


def _target_option(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    """Return a share that was typed as 90% or 0.9."""
    if value is None:
        return None
    found = re.fullmatch(rf"({_NUMBER})\s*([%％]?)", value.strip())
    share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(say("siting.bad_target", system_language(), value=value))
    return share


@click.command("whatif")
@source_options_but_status
@click.option(
    "--add", callback=_add_option, multiple=True, metavar="SERVICE@LON,LAT", help="A facility that is built."
)
@click.option("--remove", multiple=True, metavar="ID", help="A facility that closes, by its facility_id.")
@click.option(
    "--link",
    callback=_link_option,
    multiple=True,
    metavar="LON,LAT,LON,LAT",
    help="A street, a bridge or a gate between the streets nearest to two places.",
)
@click.option(
    "--status", multiple=True, help="Facilities of this status stand too, such as 在建 or 拟建 (planned)."
)
@_MINUTES
@ROUND_TRIP
@limits_options
@STANDARD
@click.option("--out", type=FILE, help="Folder for the comparison.  [default: outputs/CITY-whatif]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier comparison in that folder.")
@NO_CACHE
@LANG
def what_if(**options: Any) -> None:
    """Change a city and see who gains and who loses: build, close, link.

    \b
    lifecircle whatif --city lishui --add clinic@119.9230,28.4550
    lifecircle whatif --city lishui --link 119.9215,28.4497,119.9219,28.4495
    """
    check_source(options)
    lang = options["lang"] or system_language()
    if not any(options[key] for key in ("add", "remove", "link", "status")):
        raise click.UsageError(say("siting.no_change", lang))
    lang, out = _city_and_folder(options, "whatif")
    keeping = kept_cities(lang, no_cache=options["no_cache"])
    with errors_in(lang), keeping as kept, numbered_steps(lang, (*_READ, "change", "write")) as steps:
        report = _measured(options, lang, steps, kept)
        steps("change")
        comparison = _changed(report, options, lang)
        steps("write")
        paths = comparison.save(out, overwrite=options["overwrite"])
    sample = [say("report.sample", lang)] if report.city.is_synthetic else []
    for line in (*sample, *comparison.finding(), *_gained_and_lost(comparison)):
        click.echo(line)
    for path in paths.values():
        click.echo(str(path))


@click.command("suggest")
@source_options
@click.option("--service", required=True, help="Which service shall be built, such as clinic.")
@click.option(
    "--sites", type=click.IntRange(1, 200), help="How many sites.  [default: 3, or as a target needs]"
)
@CANDIDATES
@click.option(
    "--goal",
    type=click.Choice(["people", "walk", "fair"]),
    default="people",
    show_default=True,
    help="Most people within the limit, the shortest mean walk, or the worst-off community first.",
)
@click.option(
    "--target", callback=_target_option, help="The fewest sites for this share covered, such as 90%."
)
@click.option(
    "--budget", type=float, help="Most that the sites may cost, in the unit of the candidates' costs."
)
@click.option("--places", type=float, help="How many people one site has room for.")
@click.option(
    "--links",
    type=click.IntRange(0, 50),
    default=3,
    show_default=True,
    help="How many missing links to name.",
)
@click.option("--longest-link", type=float, default=150.0, show_default=True, help="Longest link, metres.")
@click.option(
    "--time-limit", type=float, default=60.0, show_default=True, help="Seconds to search for the best."
)
@click.option(
    "--sensitivity",
    is_flag=True,
    help="Search again at other paces (±10 %), limits (±1 min) and snap limits (half, double): which hold?",
)
@_MINUTES
@ROUND_TRIP
@limits_options
@STANDARD
@click.option("--out", type=FILE, help="Folder for the results.  [default: outputs/CITY-SERVICE-sites]")
@click.option("--overwrite", is_flag=True, help="Replace earlier results in that folder.")
@NO_CACHE
@LANG
def suggest(**options: Any) -> None:
    """Suggest where to build next, and which missing links would do as much.

    \b
    lifecircle suggest --city lishui --service clinic --sites 3
    lifecircle suggest --city lishui --service elderly_care --target 80%
    """
    check_source(options)
    lang, out = _city_and_folder(options, f"{options['service']}-sites")
    with errors_in(lang):
        from lifecircle.catalog import load_standard
        from lifecircle.siting_search import SitingChoices

        load_standard(options["standard"]).service(options["service"])  # before minutes of work, not after
        choices = SitingChoices(
            goal=options["goal"],
            budget=options["budget"],
            target_share=options["target"],
            places=options["places"],
            time_limit_s=options["time_limit"],
            sensitivity=options["sensitivity"],
        )
    keeping = kept_cities(lang, no_cache=options["no_cache"])
    with errors_in(lang), keeping as kept, numbered_steps(lang, (*_READ, "sites", "links", "write")) as steps:
        from lifecircle.missing_links import suggest_links
        from lifecircle.render.siting_folder import save_siting
        from lifecircle.render.siting_text import lines, sections
        from lifecircle.siting import suggest_sites
        from lifecircle.sources.candidates import read_candidates

        coverage = _measured(options, lang, steps, kept).coverage
        steps("sites")
        candidates = None
        if (layer := candidates_file(options)) is not None:
            network = coverage.ground_for(options["service"]).network
            crs, limits = coverage.city.crs, limits_of(options)
            candidates, notes = read_candidates(layer, crs=crs, network=network, limits=limits)
            for item, count, detail in notes.itertuples(index=False):
                click.echo(f"\n{say(item, lang)}: {count} ({clean(detail)})", err=True)
        suggestion = suggest_sites(
            coverage, options["service"], sites=options["sites"], candidates=candidates, choices=choices
        )
        steps("links")
        longest_m = options["longest_link"]
        links = None
        if options["links"]:
            links = suggest_links(coverage, options["service"], links=options["links"], longest_m=longest_m)
        tables = sections(suggestion, links, lang, longest_m=longest_m)
        steps("write")
        paths = save_siting(
            suggestion, links, out, lang=lang, longest_link_m=longest_m, overwrite=options["overwrite"]
        )
    for line in lines(suggestion, tables, lang):
        click.echo(line)
    for path in paths.values():
        click.echo(str(path))


def _city_and_folder(options: dict[str, Any], what: str) -> tuple[str, Path]:
    """Return the language to speak and the folder to write, which must be free."""
    lang = options["lang"] or system_language()
    with errors_in(lang):
        from lifecircle.catalog import find_city
        from lifecircle.render.folder import check_free

        files = find_city(options["city"]) if options["city"] else None
        called = files.id if files else options["osm"].name.split(".")[0] or "city"
        lang = options["lang"] or (files.lang if files else lang)
        out = options["out"] or Path("outputs") / f"{called}-{what}"
        check_free(out, overwrite=options["overwrite"])
    return lang, out


def _measured(options: dict[str, Any], lang: str, steps: "StepClock", kept: "KeptCities | None") -> "Report":
    from lifecircle.analysis import analyze
    from lifecircle.catalog import load_standard
    from lifecircle.sources.read_city import read_city_files

    standard, limits = load_standard(options["standard"]), limits_of(options)
    city: str | City = options["city"]
    if not city:
        read = {"crs": options["crs"], "kept": kept, "limits": limits, "progress": steps}
        city = read_city_files(files_of(options), services=standard.placed, **read)
    choices = {key: options[key] for key in ("minutes", "crs", "round_trip")}
    choices |= {**vars(overrides_of(options)), "kept": kept, "limits": limits}
    return analyze(city, standard, **choices, lang=lang, progress=steps)


def _changed(report: "Report", options: dict[str, Any], lang: str) -> "Comparison":
    """Return what the changes bring, against the city as it stands today."""
    import geopandas as gpd

    from lifecircle.gaps import find_gaps
    from lifecircle.measured_again import remeasure
    from lifecircle.render.compare import compared
    from lifecircle.render.past_run import run_of

    today = remeasure(report.coverage, report.city.with_status())
    city, told, links = _as_asked(today, options, lang)
    after = remeasure(today, city)
    runs = [
        run_of(coverage, find_gaps(coverage), say(f"siting.{name}", lang))
        for coverage, name in ((today, "today"), (after, "what_if"))
    ]
    changes = say("siting.changes", lang, changes=say("siting.mark", lang).join(told))
    lines = gpd.GeoSeries(links, crs=city.crs) if links else None
    return compared(*runs, lang=lang, notes=[changes], links=lines)


def _as_asked(
    today: "Coverage", options: dict[str, Any], lang: str
) -> tuple["City", list[str], list["shapely.LineString"]]:
    """Return the city with every change made, what these are, and the lines of its links."""
    city, told, links = today.city, [], []
    for word in options["status"]:
        if "status" not in city.facilities:
            raise DataError("siting.no_status", value=word)
        told.append(say("siting.change_status", lang, value=word))
    if options["status"]:
        city = city.with_status(*options["status"])
    for facility in options["remove"]:
        rows = city.facilities[city.facilities["facility_id"] == facility]
        city = city.without_facility(facility)
        name = rows["name"].iloc[0] or say("report.unnamed", lang)
        told.append(say("siting.change_remove", lang, name=name, id=facility))
    for lon, lat, lon2, lat2 in options["link"]:
        links.append(city.link_line((lon, lat), (lon2, lat2)))
        city = city.with_link((lon, lat), (lon2, lat2))
        told.append(say("siting.change_link", lang, lon=lon, lat=lat, lon2=lon2, lat2=lat2))
    for service, lon, lat in options["add"]:
        label = today.standard.service(service).label(lang)
        city = city.with_facility(service, lon=lon, lat=lat, name=say("siting.what_if", lang))
        told.append(say("siting.change_add", lang, service=label, lon=lon, lat=lat))
        at, network = city.facilities.geometry.iloc[-1], today.ground_for(service).network
        if not network.snap(at.x, at.y, max_m=today.max_snap_m, public_only=True).on_street.all():
            told.append(say("siting.off_street", lang, metres=today.max_snap_m))
    return city, told, links


def _gained_and_lost(comparison: "Comparison") -> list[str]:
    """Return a line for each community and service where anybody gained or lost, then for the city."""
    from lifecircle.render.limits_text import limit_labels
    from lifecircle.render.whom import unit_of

    measure, lang, standard = comparison.after.measure, comparison.lang, comparison.after.standard
    unit = unit_of(comparison.after.denominators.values(), lang)
    table = comparison.table
    gained, lost = table[f"{measure}_gained"], table[f"{measure}_lost"]
    rows = table[(gained >= _LEAST_PEOPLE) | (lost >= _LEAST_PEOPLE)]
    if rows.empty:
        return []
    head = [
        say("report.column_community", lang),
        say("report.column_service", lang),
        say("report.column_limit", lang),
    ]
    head += [say(f"compare.column_{name}", lang, unit=unit) for name in ("gained", "lost")]
    whole = comparison.after.city[lang if lang in LANGUAGES else "en"]
    told = ["\t".join(head)]
    for row, limit in zip(rows.to_dict("records"), limit_labels(rows, standard, lang), strict=True):
        counts = (row[f"{measure}_{name}"] for name in ("gained", "lost"))
        amounts = ["–" if math.isnan(count) else f"{count:,.0f}" for count in counts]
        service = standard.service(row["service"]).label(lang)
        told.append("\t".join([clean(row["community"] or whole), service, limit, *amounts]))
    return told
