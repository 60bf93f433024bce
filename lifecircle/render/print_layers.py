"""What lies on a printed map, from the green below to the names on top?"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely

from lifecircle.city import City
from lifecircle.messages import say
from lifecircle.render.map_data import drawn_as
from lifecircle.render.print_ground import Ground, mark, paint
from lifecircle.render.print_labels import draw_names, write_caution
from lifecircle.render.print_shades import Shade
from lifecircle.render.print_sheet import INK, Box, Page
from lifecircle.render.print_subject import Subject
from lifecircle.render.print_type import MM_PER_POINT, printable, typeface, width_mm

STYLES: Final[dict[str, dict[str, Any]]] = {
    "green": {"facecolor": "#8fb57f", "alpha": 0.3},
    "water": {"facecolor": "#cfe3ee", "hatch": "----", "edgecolor": "#8ab6cf", "linewidth": 0.3},
    "building": {"facecolor": "#4b4a48", "alpha": 0.28},
    "path": {"edgecolor": "#8f8b85", "linewidth": 0.25, "linestyle": (0, (3, 2))},
    "side": {"edgecolor": "#97928a", "linewidth": 0.35},
    "main": {"edgecolor": "#6d6962", "linewidth": 0.95},
    "edge": {"edgecolor": "#444444", "linewidth": 0.7, "linestyle": (0, (6, 4))},
    "community": {"edgecolor": "#3d3a36", "linewidth": 0.5},
}
"""Backdrop and borders, the lowest first; line widths in points of an A4 sheet."""
GROUND: Final = "#faf9f6"
"""Where nothing is drawn."""
_OUTLINE: Final = {"edgecolor": INK, "linewidth": 1.1}
_VEIL: Final = {"facecolor": GROUND, "alpha": 0.55}
_PATHS_UP_TO = 12_000.0  # on smaller scales paths would run together
_EDGES_UP_TO = 60_000.0  # on smaller scales one would see nothing of cells but their edges
_ROOMY = 30_000.0  # a scale on which streets and marks have room at their full width
_FINEST_MM = 0.05
_MARK, _MARK_OF_SEVERAL = 5.6, 4.4
_BACKDROP, _BORDERS, _WATERMARK = 2.0, 4.0, 6.0  # shades lie below the first, facilities below the last


def draw_layers(page: Page, subject: Subject, shades: Sequence[Shade]) -> None:
    """Draw the map of a sheet, all but its frame."""
    low_x, low_y, high_x, high_y = subject.coverage.city.communities.total_bounds
    ground = Ground(page, (low_x + high_x) / 2, (low_y + high_y) / 2)
    window, thinner = ground.window, float(np.clip((_ROOMY / page.scale) ** 0.5, 0.5, 1.0))
    paint(ground, window, {"facecolor": GROUND}, 0)
    bare = {} if page.scale <= _EDGES_UP_TO else {"linewidth": 0.0}
    for number, shade in enumerate(shades):
        paint(ground, shade.shape, shade.style | bare, 1 + 0.01 * number)
    for number, (kind, shapes) in enumerate(_backdrop(subject.whole, ground).items()):
        line = {"linewidth": STYLES[kind].get("linewidth", 0.0) * thinner}
        paint(ground, shapes, STYLES[kind] | line, _BACKDROP + 0.01 * number)
    here = subject.coverage.city.area
    paint(ground, shapely.difference(window, here), _VEIL, _BORDERS - 0.1)
    everywhere = shapely.boundary(subject.whole.communities.geometry.to_numpy())
    paint(ground, everywhere, STYLES["community"], _BORDERS)
    paint(ground, shapely.boundary(here), _OUTLINE, _BORDERS + 0.1)
    taken = _draw_facilities(ground, subject, max(thinner, 0.8))
    caution = write_caution(page, say("print.internal", subject.lang))
    draw_names(ground, subject, [*taken, caution])
    if subject.whole.is_synthetic:
        _draw_watermark(page, say("print.watermark", subject.lang))


def _backdrop(city: City, ground: Ground) -> dict[str, Any]:
    """Return the shapes on the map by kind, the lowest first, as fine as one can see."""
    streets = city.network.to_streets()
    kind = drawn_as(streets)
    shapes, of = [streets.geometry.to_numpy()], [kind]
    if city.backdrop is not None:
        shapes.append(city.backdrop.geometry.to_numpy())
        of.append(city.backdrop["kind"].to_numpy())
    if city.boundary is not None:
        shapes.append(np.array([shapely.boundary(city.boundary)]))
        of.append(np.array(["edge"]))
    every, name = np.concatenate(shapes), np.concatenate(of).astype(str)
    seen = shapely.intersects(ground.window, shapely.box(*shapely.bounds(every).T))
    finest = _FINEST_MM * ground.page.scale / 1000
    fine, name = shapely.simplify(every[seen], finest, preserve_topology=False), name[seen]
    kinds = [kind for kind in STYLES if kind != "path" or ground.page.scale <= _PATHS_UP_TO]
    return {kind: fine[name == kind] for kind in kinds if (name == kind).any()}


def _draw_facilities(ground: Ground, subject: Subject, smaller: float) -> list[Box]:
    """Draw the facilities of the sheet's services and return where they stand."""
    facilities, page = subject.whole.facilities, ground.page
    size = smaller * (_MARK_OF_SEVERAL if subject.service is None else _MARK)
    half, standing = size * page.unit * MM_PER_POINT / 2, []
    for service in subject.coverage.standard.services:
        places = facilities.geometry[facilities["service"] == service.id]
        at = ground.mm(shapely.get_coordinates(places.to_numpy()))
        mark(page, at, (subject.marks[service.id], service.color), size, page.map)
        standing += [Box(x - half, y - half, x + half, y + half) for x, y in at.tolist()]
    return standing


def _draw_watermark(page: Page, text: str) -> None:
    size = 0.62 * page.map.width / width_mm(text, 1.0)
    x, middle = (page.map.left + page.map.right) / 2, (page.map.bottom + page.map.top) / 2
    for share in (-0.25, 0.25):
        page.axes.text(
            x,
            middle + share * page.map.height,
            printable(text),
            font=typeface(size),
            color=INK,
            alpha=0.11,
            rotation=24.0,
            ha="center",
            va="center",
            parse_math=False,
            usetex=False,
            zorder=_WATERMARK,
        )
