"""What does a planner pin to the wall: a sheet per service, per community, and for all together?"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import matplotlib.style
from matplotlib.figure import Figure

from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.render.print_layers import draw_layers
from lifecircle.render.print_panel import draw_panel, rows_needed
from lifecircle.render.print_shades import shades_of
from lifecircle.render.print_sheet import AIR_MM, SMALL, frame, new_page, rule, write_lines
from lifecircle.render.print_subject import Subject, heading, notes, subject_of

FORMATS: Final[dict[str, dict[str, Any]]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {"Software": None},
    "svg": {"Date": None},
}
"""What a sheet can be written as, and what it says of itself: no date, so that equal sheets are equal."""
_SETTINGS: Final = {
    # Noto Sans SC has outlines that type 42 cannot hold: such a PDF is broken. Text of type 3 is text too.
    "pdf.fonttype": 3,
    "svg.fonttype": "none",
    "svg.hashsalt": "lifecircle",
    "hatch.linewidth": 0.35,
    "text.hinting": "none",
}
_MARGIN: Final = 1.04  # of the place, on the map


def draw_sheet(
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    *,
    service: str | None = None,
    community: str | None = None,
    lang: str | None = None,
    sheet: str = "A4",
) -> Figure:
    """Return one sheet as a matplotlib figure: ``.savefig`` writes it, `save_sheets` with text as text.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps, worst first.
    service
        Id of the service; None shows how many services homes miss, each by its longest limit.
    community
        Id, or name if only one has it, of the community to show; the whole city where None.
    lang
        ``"en"`` or ``"zh"``; by default the city's.
    sheet
        ``"A4"`` or ``"A3"``, upright or across as the place is shaped.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UnknownNameError
        If there is no such service or community.
    DataError
        If there is no such sheet.
    """
    subject = subject_of(coverage, gaps, service, community, lang or coverage.city.lang)
    with _house_style():
        return _drawn(subject, sheet)


def save_sheets(  # noqa: PLR0913  what to draw and how to write it are choices of their own
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    folder: str | PathLike[str],
    *,
    formats: Sequence[str] = ("pdf", "png"),
    services: Sequence[str] | None = None,
    communities: Sequence[str] = (),
    lang: str | None = None,
    sheet: str = "A4",
    dpi: float = 300,
) -> list[Path]:
    """Write sheets to files: the same sheets make the same files.

    Parameters
    ----------
    coverage, gaps, lang, sheet
        As for `draw_sheet`.
    folder
        Where to; it must exist.
    formats
        Any of `FORMATS`.
    services
        Ids of the services that get a sheet; where None every service, and a sheet for all together.
    communities
        Ids or names of communities that get a sheet each.
    dpi
        Dots per inch of PNG files.

    Returns
    -------
    list of Path
        The files, sheet by sheet.

    Raises
    ------
    UnknownNameError, DataError
        As for `draw_sheet`, and if there is no such format; nothing is written then.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise DataError("print.unknown_format", value=unknown[0], known=", ".join(FORMATS))
    every = [None, *(one.id for one in coverage.standard.services)] if services is None else services
    wanted = [*((service, None) for service in every), *((None, community) for community in communities)]
    lang = lang or coverage.city.lang
    subjects = [subject_of(coverage, gaps, *one, lang) for one in wanted]
    paths = []
    with _house_style():
        for subject in subjects:
            figure = _drawn(subject, sheet)
            for name in formats:
                paths.append(Path(folder) / f"{_file_name(subject)}.{name}")
                figure.savefig(paths[-1], format=name, dpi=dpi, metadata=FORMATS[name])
    return paths


def _file_name(subject: Subject) -> str:
    if subject.community is None:
        return "map-all" if subject.service is None else f"map-{subject.service.id}"
    community_id = subject.coverage.city.communities["community_id"].iloc[0]
    return "map-community-" + re.sub(r"[^\w-]", lambda char: f"%{ord(char[0]):02X}", community_id)


@contextmanager
def _house_style() -> Iterator[None]:
    """Draw by matplotlib's defaults and ours, whatever the user has set, and put that back."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def _drawn(subject: Subject, sheet: str) -> Figure:
    low_x, low_y, high_x, high_y = subject.coverage.city.communities.total_bounds
    size_m = (_MARGIN * (high_x - low_x), _MARGIN * (high_y - low_y))
    above, below = heading(subject), notes(subject)
    shades = shades_of(subject)
    page = new_page(sheet, size_m, above, below, rows_needed(subject, shades))
    draw_layers(page, subject, shades)
    frame(page, page.map)
    draw_panel(page, subject, shades, sheet)
    box = page.heading
    for text, hand in above:
        box = write_lines(page, box, text, hand)
    box = page.notes._replace(top=page.notes.top - AIR_MM * page.unit)
    rule(page, box, box.top + AIR_MM * page.unit / 2)
    for text in below:
        box = write_lines(page, box, text, SMALL)
    return page.axes.figure  # type: ignore[return-value]
