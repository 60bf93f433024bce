"""What can be typed to look at the data before any number is made of it?"""

from pathlib import Path
from typing import Any

import click

from lifecircle.cli_source import MAX_SNAP, STANDARD, check_source, files_of, source_options
from lifecircle.cli_terminal import (
    FILE,
    LANG,
    errors_in,
    limits_of,
    limits_options,
    numbered_steps,
    system_language,
)
from lifecircle.errors import LifecircleError

_STEPS = ("streets", "communities", "facilities", "homes", "check")


@click.command("check")
@source_options
@limits_options
@STANDARD
@MAX_SNAP
@click.option("--out", type=FILE, help="Folder for the report.  [default: outputs/CITY-check]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier check in that folder.")
@LANG
def check_data(**options: Any) -> None:
    """Check the data of a city before measuring it: rows, names, duplicates, distances, streets, holes.

    Where files cannot be read, all of them are named.

    \b
    lifecircle check --city lishui
    lifecircle check --osm city.osm.pbf --communities communities.shp --facilities list.xlsx --datum gcj02
    """
    check_source(options)
    lang = options["lang"] or system_language()
    with errors_in(lang):
        files = files_of(options)
        lang = options["lang"] or files.lang or lang
    out = options["out"] or Path("outputs") / f"{files.id or 'city'}-check"
    with errors_in(lang):
        from lifecircle.render.folder import check_free

        check_free(out, overwrite=options["overwrite"])
    with errors_in(lang):
        from lifecircle.catalog import load_standard
        from lifecircle.data_check import check_city
        from lifecircle.render.check_page import check_lines, save_check
        from lifecircle.sources.read_city import read_city_files

        choices = {"crs": options["crs"], "limits": limits_of(options)}
        services = load_standard(options["standard"]).placed
        try:
            with numbered_steps(lang, _STEPS) as steps:
                city = read_city_files(files, services=services, **choices, progress=steps)
                steps("check")
                findings = check_city(city, max_snap_m=options["max_snap"])
        except LifecircleError as first:
            from lifecircle.sources.file_troubles import file_troubles

            *others, last = file_troubles(files, services, first, **choices)
            for error in others:
                click.ClickException(error.in_language(lang)).show()
            raise last from first
        lang = options["lang"] or city.lang
        paths = save_check(city, findings, out, lang=lang, overwrite=options["overwrite"])
    for line in check_lines(city, findings, lang):
        click.echo(line)
    for path in paths:
        click.echo(str(path))
