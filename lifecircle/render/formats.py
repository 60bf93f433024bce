"""Which files can be made of a measured city, format by format?

Each writer is imported when its format is wanted: drawing and Word are heavy, and the command line asks this
file what there is.
"""

import datetime as dt
import functools
import importlib.util
import json
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lifecircle import __version__
from lifecircle.errors import DataError
from lifecircle.render.folder import added_files, digests, listed_files

if TYPE_CHECKING:
    import geopandas as gpd

    from lifecircle.coverage import Coverage
    from lifecircle.project_list import Projects

SHEETS: Final = ("png", "pdf", "svg")
_DOCUMENT_DPI, _PAGE_DPI = 200, 150


@dataclass(frozen=True, kw_only=True)
class ExportChoices:
    """How the files shall look.

    Parameters
    ----------
    sheet
        Paper of the printed maps: ``"A3"`` or ``"A4"``.
    per_community
        Whether each community gets a printed map and a page of its own too.
    basemap
        Background of the web map: ``"none"``, ``"osm"``, ``"tianditu"`` or ``"amap"``.
    tianditu_key
        The planner's own key, for that background.
    platform_datum
        Datum of the platform's files: ``"wgs84"`` or ``"gcj02"``.
    """

    sheet: str = "A3"
    per_community: bool = False
    basemap: str = "none"
    tianditu_key: str | None = None
    platform_datum: str = "wgs84"


@dataclass(frozen=True)
class _Job:
    """A measured city, where and how its files are wanted; and the pages of communities, once made."""

    coverage: "Coverage"
    gaps: "gpd.GeoDataFrame"
    folder: Path
    lang: str
    choices: ExportChoices
    projects: "Projects | None" = None
    pages: dict[str, str] = field(default_factory=dict)

    def below(self, name: str) -> Path:
        """Return a folder in the folder, made."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def communities(self) -> list[str]:
        """Ids of the communities that get something of their own."""
        return list(self.coverage.city.communities["community_id"]) if self.choices.per_community else []


def write_formats(  # noqa: PLR0913 - what is written, where to, and how it shall look
    coverage: "Coverage",
    gaps: "gpd.GeoDataFrame",
    folder: Path,
    formats: Collection[str],
    *,
    lang: str,
    choices: ExportChoices | None = None,
    projects: "Projects | None" = None,
) -> None:
    """Write a measured city in other formats.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    folder
        Where to; it must exist.
    formats
        Any of `FORMATS`.
    lang
        ``"en"`` or ``"zh"``.
    choices
        How the files shall look.
    projects
        The project list, if there is one: a sheet of the ledger and a chapter of the document.

    Raises
    ------
    DataError
        If there is no such format or choice, or a format needs a package that is not installed.
    """
    check_formats(formats)
    job = _Job(coverage, gaps, folder, lang, choices or ExportChoices(), projects)
    sheets = [name for name in SHEETS if name in formats]
    if sheets:
        _write_sheets(job, sheets)
    for name, (_, write) in FORMATS.items():
        if name in formats and write is not None:
            write(job)


def export(  # noqa: PLR0913 - what is written, where to, and how it shall look
    coverage: "Coverage",
    gaps: "gpd.GeoDataFrame",
    folder: str | PathLike[str],
    formats: Collection[str],
    *,
    lang: str,
    choices: ExportChoices | None = None,
    overwrite: bool = False,
    projects: "Projects | None" = None,
) -> list[Path]:
    """Add files of a measured city to a folder: all of them, or none.

    Parameters
    ----------
    coverage, gaps, formats, lang, choices, projects
        As for `write_formats`.
    folder
        Where to; other files in it stay. ``export.json`` lists what was written.
    overwrite
        Replace files of the same names.

    Returns
    -------
    list of Path
        The files, absolute, sorted.

    Raises
    ------
    FileError
        If such a file exists and `overwrite` is not given, or something cannot be written.
    DataError
        As `write_formats`.
    """
    check_formats(formats)
    target = Path(folder).resolve()
    patterns = [pattern for name in formats for pattern in FORMATS[name][0]]
    with added_files(target, overwrite=overwrite, patterns=patterns) as fresh:
        write_formats(coverage, gaps, fresh, formats, lang=lang, choices=choices, projects=projects)
        written = digests(fresh)
        record = {
            "data": coverage.city.data,
            "city": dict(coverage.city.name),
            "lifecircle": __version__,
            "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "files": {**(listed_files(target / "export.json") or {}), **written},
        }
        text = json.dumps(record, ensure_ascii=False, indent=2)
        (fresh / "export.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return [target / name for name in written]


def check_formats(formats: Collection[str]) -> None:
    """Refuse a format that does not exist or cannot be written here, before any work is done.

    Raises
    ------
    DataError
        If there is no such format, or a package that it needs is not installed.
    """
    for name in formats:
        if name not in FORMATS:
            raise DataError("export.unknown_format", value=name, known=", ".join(FORMATS))
    if "parquet" in formats and importlib.util.find_spec("pyarrow") is None:
        raise DataError("export.no_pyarrow")


def _write_sheets(job: _Job, formats: Sequence[str]) -> None:
    from lifecircle.render.print_map import save_sheets

    save_sheets(
        job.coverage,
        job.gaps,
        job.below("maps"),
        formats=formats,
        communities=job.communities,
        lang=job.lang,
        sheet=job.choices.sheet,
    )


def _write_document(job: _Job) -> None:
    from lifecircle.render.community_page import write_community_pages
    from lifecircle.render.document import write_document
    from lifecircle.render.print_map import save_sheets

    with tempfile.TemporaryDirectory(dir=job.folder) as name:  # where there is room, if anywhere
        kept = Path(name)
        draw = functools.partial(save_sheets, job.coverage, job.gaps, kept, formats=("png",), lang=job.lang)
        pictures = draw(dpi=_DOCUMENT_DPI)
        path = job.folder / "report.docx"
        write_document(job.coverage, job.gaps, path, lang=job.lang, pictures=pictures, projects=job.projects)
        if job.communities:
            drawn = draw(dpi=_PAGE_DPI, services=(), communities=job.communities)
            pages = write_community_pages(
                job.coverage,
                job.gaps,
                job.below("communities"),
                lang=job.lang,
                pictures=dict(zip(job.communities, drawn, strict=True)),
            )
            job.pages.update({one: path.relative_to(job.folder).as_posix() for one, path in pages.items()})


def _write_ledger(job: _Job) -> None:
    from lifecircle.render.workbook import write_ledger

    path = job.folder / "ledger.xlsx"
    write_ledger(job.coverage, job.gaps, path, lang=job.lang, projects=job.projects)


def _write_web_map(job: _Job) -> None:
    from lifecircle.render.web_map import draw_map, save_map

    drawn = draw_map(
        job.coverage,
        job.gaps,
        lang=job.lang,
        basemap=job.choices.basemap,
        tianditu_key=job.choices.tianditu_key,
        pages=job.pages,
        projects=job.projects,
    )
    save_map(drawn, job.folder / "map.html")


def _write_geojson(job: _Job) -> None:
    from lifecircle.render.geodata import write_bands, write_geojson

    write_geojson(job.coverage, job.gaps, job.folder / "gaps.geojson")
    write_bands(job.coverage, job.folder / "bands.geojson")


def _write_parquet(job: _Job) -> None:
    from lifecircle.render.geodata import write_parquet

    write_parquet(job.coverage, job.gaps, job.below("parquet"))


def _write_platform(job: _Job) -> None:
    from lifecircle.render.platform import write_platform

    write_platform(job.coverage, job.gaps, job.below("platform"), datum=job.choices.platform_datum)


def _write_survey(job: _Job) -> None:
    from lifecircle.render.survey import write_survey

    write_survey(job.folder / "blank_survey.xlsx", standard=job.coverage.standard, lang=job.lang)


def _write_dictionary(job: _Job) -> None:
    from lifecircle.render.dictionary import write_dictionary

    write_dictionary(job.coverage, job.folder / "data_dictionary.csv", projects=job.projects is not None)


FORMATS: Final[dict[str, tuple[tuple[str, ...], Callable[[_Job], None] | None]]] = {
    **{name: ((f"maps/*.{name}",), None) for name in SHEETS},
    "docx": (("report.docx", "communities/*.docx"), _write_document),
    "xlsx": (("ledger.xlsx",), _write_ledger),
    "html": (("map.html",), _write_web_map),
    "geojson": (("gaps.geojson", "bands.geojson"), _write_geojson),
    "parquet": (("parquet/*.parquet",), _write_parquet),
    "platform": (("platform/*.json",), _write_platform),
    "survey": (("blank_survey.xlsx",), _write_survey),
    "dictionary": (("data_dictionary.csv",), _write_dictionary),
}
"""The formats in the order of writing: which files each is, what writes it (sheets are drawn together)."""
