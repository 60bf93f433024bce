"""What can be typed to look at the data before any number is made of it?"""

from pathlib import Path
from typing import Any

import click

from lifecircle.cli_source import check_source, city_of_files, source_options
from lifecircle.cli_terminal import (
    FILE,
    LANG,
    errors_in,
    limits_of,
    limits_options,
    numbered_steps,
    system_language,
)

_STEPS = ("streets", "communities", "facilities", "homes", "check")


@click.command("check")
@source_options
@limits_options
@click.option("--standard", default="life-circle", show_default=True, help="Id or .toml file of a standard.")
@click.option(
    "--max-snap",
    type=click.FloatRange(1, 5000),
    default=200.0,
    show_default=True,
    help="Farthest a home may be from a street, metres.",
)
@click.option("--out", type=FILE, help="Folder for the report.  [default: outputs/CITY-check]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier check in that folder.")
@LANG
def check_data(**options: Any) -> None:  # noqa: ANN401 - the options above
    """Check the data of a city before measuring it: rows, names, duplicates, distances, streets, holes.

    \b
    lifecircle check --city lishui
    lifecircle check --osm city.osm.pbf --communities communities.shp --facilities list.xlsx --datum gcj02
    """
    check_source(options)
    lang = options["lang"] or system_language()
    with errors_in(lang):
        from lifecircle.catalog import find_city

        files = find_city(options["city"]) if options["city"] else None
        called = files.id if files else options["osm"].name.split(".")[0] or "city"
        lang = options["lang"] or (files.lang if files else lang)
    out = options["out"] or Path("outputs") / f"{called}-check"
    with errors_in(lang):
        from lifecircle.render.folder import check_free

        check_free(out, overwrite=options["overwrite"])
    with errors_in(lang), numbered_steps(lang, _STEPS) as steps:
        from lifecircle.catalog import load_standard
        from lifecircle.data_check import check_city
        from lifecircle.render.check_page import check_lines, save_check
        from lifecircle.sources.read_city import load_city

        services, limits = load_standard(options["standard"]).placed, limits_of(options)
        if options["city"]:
            choices = {key: options[key] for key in ("barriers", "crs")}
            city = load_city(options["city"], services=services, **choices, limits=limits, progress=steps)
        else:
            city = city_of_files(options, services, steps, limits=limits)
        steps("check")
        findings = check_city(city, max_snap_m=options["max_snap"])
        lang = options["lang"] or city.lang
        paths = save_check(city, findings, out, lang=lang, overwrite=options["overwrite"])
    for line in check_lines(city, findings, lang):
        click.echo(line)
    for path in paths:
        click.echo(str(path))
