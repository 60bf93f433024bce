"""What can be typed about finished runs: make other files of one, or compare two."""

from pathlib import Path
from typing import Any

import click

from lifecircle.cli_terminal import (
    FILE,
    FORMAT_WORDS,
    LANG,
    NO_CACHE,
    errors_in,
    formats_option,
    kept_cities,
    numbered_steps,
    system_language,
)
from lifecircle.messages import say
from lifecircle.render.formats import ExportChoices, export

_STEPS = ("read", "gaps", "export")


@click.command("export")
@click.option("--city", help="A city that was analyzed into outputs/CITY.")
@click.option("--run", "run_folder", type=FILE, help="Folder of another finished run.")
@click.option(
    "--format",
    "formats",
    required=True,
    callback=formats_option,
    metavar="FORMATS",
    help=f"One or more, with commas: {FORMAT_WORDS}.",
)
@click.option(
    "--sheet", type=click.Choice(["A3", "A4"]), default="A3", show_default=True, help="Paper of printed maps."
)
@click.option("--per-community", is_flag=True, help="A printed map and a page for each community too.")
@click.option(
    "--basemap",
    type=click.Choice(["none", "osm", "tianditu", "amap"]),
    default="none",
    show_default=True,
    help="Background of the web map (html); all but none load pictures from the web.",
)
@click.option("--tianditu-key", help="Your own key, for --basemap tianditu.")
@click.option(
    "--platform-datum",
    type=click.Choice(["wgs84", "gcj02"]),
    default="wgs84",
    show_default=True,
    help="Datum of the platform's files.",
)
@click.option("--out", type=FILE, help="Folder for the files.  [default: export, in the folder of the run]")
@click.option("--overwrite", is_flag=True, help="Replace files of the same names.")
@NO_CACHE
@LANG
def export_run(**options: Any) -> None:
    """Make maps, documents and data of a finished run, without measuring again.

    \b
    lifecircle export --city lishui --format pdf,docx
    lifecircle export --run outputs/lishui --format png --per-community --sheet A4
    """
    lang = options["lang"] or system_language()
    if bool(options["city"]) == bool(options["run_folder"]) or not options["formats"]:
        raise click.UsageError(say("cli.one_run", lang))
    folder = options["run_folder"] or Path("outputs") / Path(options["city"]).name
    keeping = kept_cities(lang, no_cache=options["no_cache"])
    with errors_in(lang), keeping as kept, numbered_steps(lang, _STEPS) as steps:
        from lifecircle.gaps import find_gaps
        from lifecircle.render.project_files import read_projects
        from lifecircle.sources.finished_run import read_run

        steps("read")
        coverage, run_lang = read_run(folder, kept=kept)
        steps("gaps")
        gaps = find_gaps(coverage)
        steps("export")
        looks = ("sheet", "per_community", "basemap", "tianditu_key", "platform_datum")
        paths = export(
            coverage,
            gaps,
            options["out"] or folder / "export",
            options["formats"],
            lang=options["lang"] or run_lang,
            choices=ExportChoices(**{key: options[key] for key in looks}),
            overwrite=options["overwrite"],
            projects=read_projects(folder, coverage),
        )
    for path in paths:
        click.echo(str(path))


@click.command("compare")
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--out", type=FILE, help="Folder for the comparison.  [default: outputs/BEFORE-AFTER]")
@click.option("--overwrite", is_flag=True, help="Replace an earlier comparison in that folder.")
@LANG
def compare_two(before: Path, after: Path, out: Path | None, *, overwrite: bool, lang: str | None) -> None:
    """Compare two finished runs of a city: who gained, who lost, which facilities came and went.

    \b
    lifecircle compare outputs/lishui-2024 outputs/lishui-2025
    """
    lang = lang or system_language()
    out = out or Path("outputs") / f"{before.resolve().name}-{after.resolve().name}"
    with errors_in(lang):
        from lifecircle.render.compare import compare_runs
        from lifecircle.render.folder import check_free

        check_free(out, overwrite=overwrite)
        comparison = compare_runs(before, after, lang=lang)
        paths = comparison.save(out, overwrite=overwrite)
    for line in comparison.finding():
        click.echo(line)
    for path in paths.values():
        click.echo(str(path))
