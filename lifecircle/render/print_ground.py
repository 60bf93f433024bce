"""How do metres in nature get onto paper?"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox

from lifecircle.render.print_sheet import INK, Box, Page
from lifecircle.streets import Floats

_POLYGON = 2
_MOST_VERTICES = 800_000  # a layer of more is drawn in dots even where the rest of the file is lines


class Ground(NamedTuple):
    """A map's place on its sheet.

    Attributes
    ----------
    page
        The sheet.
    x, y
        What lies in the middle of the map, in metres.
    """

    page: Page
    x: float
    y: float

    def mm(self, xy: Floats) -> Floats:
        """Return millimetres on the sheet, shape (k, 2), of places in metres."""
        places: Floats = self.affine.transform(xy)
        return places

    @property
    def affine(self) -> Affine2D:
        """From metres to millimetres."""
        box = self.page.map
        middle = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        return Affine2D().translate(-self.x, -self.y).scale(1000.0 / self.page.scale).translate(*middle)

    @property
    def window(self) -> Any:
        """What the map shows, in metres."""
        half_x, half_y = np.array([self.page.map.width, self.page.map.height]) * self.page.scale / 2000.0
        return shapely.box(self.x - half_x, self.y - half_y, self.x + half_x, self.y + half_y)


def paint(ground: Ground, shapes: Any, style: Mapping[str, Any], order: float) -> None:
    """Draw polygons or lines in metres as one path; line widths are in points of an A4 sheet."""
    axes, curve = ground.page.axes, curve_of(shapes)
    looks = {
        "fill": "facecolor" in style,
        "edgecolor": "none",
        "joinstyle": "round",
        **style,
        "linewidth": style.get("linewidth", 0.0) * ground.page.unit,
    }
    patch = PathPatch(curve, transform=ground.affine + axes.transData, zorder=order, **looks)
    patch.set_rasterized(shapely.get_num_coordinates(shapes).sum() > _MOST_VERTICES)
    axes.add_artist(patch)
    patch.set_clip_box(_clip(ground.page, ground.page.map))


def curve_of(shapes: Any) -> Curve:
    """Return lines and the rings of polygons as one path; holes turn the other way, so they stay open."""
    parts = shapely.get_parts(shapely.get_parts(shapely.normalize(shapes)))
    areas = shapely.get_dimensions(parts) == _POLYGON
    rings = shapely.get_rings(parts[areas])
    xy, of = shapely.get_coordinates(np.concatenate([rings, parts[~areas]]), return_index=True)
    codes = np.full(len(xy), Curve.LINETO, dtype=Curve.code_type)
    codes[np.diff(of, prepend=-1) > 0] = Curve.MOVETO
    codes[(np.diff(of, append=len(parts) + len(rings)) > 0) & (of < len(rings))] = Curve.CLOSEPOLY
    return Curve(xy, codes)


def mark(page: Page, at: Floats, looks: tuple[str, str], size: float, box: Box) -> None:
    """Draw facilities at places in millimetres, shape (k, 2), as far as they lie in a box.

    `looks` are matplotlib's marker and the colour, `size` is in points of an A4 sheet.
    """
    marker, color = looks
    for larger, edge, wide in ((1.35, "white", 1.2), (1.0, INK, 0.45)):
        marks = Line2D(
            at[:, 0],
            at[:, 1],
            linestyle="",
            marker=marker,
            markersize=larger * size * page.unit,
            markerfacecolor=color,
            markeredgecolor=edge,
            markeredgewidth=wide * page.unit,
            zorder=5,
        )
        page.axes.add_artist(marks)
        marks.set_clip_box(_clip(page, box))


def _clip(page: Page, box: Box) -> TransformedBbox:
    return TransformedBbox(Bbox.from_extents(*box), page.axes.transData)
