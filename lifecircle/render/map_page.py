"""What do our maps share: one page, data that stands in it once, and layers drawn from that on canvas?

Folium makes the page, the map, its layers and the control that switches them. What is drawn stands once in
the page as compact JSON; scripts of ours draw it on canvas: a Folium layer per polygon is slow and large.
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any, Final

import folium
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode

from lifecircle.messages import say
from lifecircle.render.basemap import Basemap
from lifecircle.render.leaflet import SelfContainedPage, Verbatim
from lifecircle.render.text import embed_json, escape
from lifecircle.standard import Service

MARKS: Final = (
    "M6 0.8A5.2 5.2 0 1 1 5.99 0.8Z",
    "M1.4 1.4H10.6V10.6H1.4Z",
    "M6 0.4L11.8 10.8H0.2Z",
    "M6 0L12 6L6 12L0 6Z",
    "M6 0.2L11.7 4.4L9.5 11.3H2.5L0.3 4.4Z",
)
"""Outlines in a 12 x 12 box, one per service in turn: services differ in shape, not in colour alone."""
_WORDS: Final = (
    "search", "nothing_found", "kind_community", "metres_unit",
    "zoom_in", "zoom_out", "layers", "close", "website_only",
)  # fmt: skip


class DrawnLayer(Layer):
    """A layer that a script of ours draws.

    Parameters
    ----------
    what
        Its kind and the numbers of its service and limit.
    name
        How the layer control shows it: HTML, its texts escaped.
    overlay, show
        As for every Folium layer.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = mapPage.layer({{ this._parent.get_name() }}, {{ this.what|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, what: Sequence[object], name: str, *, overlay: bool = True, show: bool = True) -> None:
        super().__init__(name=name, overlay=overlay, show=show)
        self._name = "Drawn"
        self.what = what


def choice_layers(
    services: Sequence[Service], choices: Sequence[Sequence[Sequence[Any]]], lang: str
) -> list[DrawnLayer]:
    """Return base layers that the control shows as one row of choices per service.

    Parameters
    ----------
    services
        One row each.
    choices
        For each service: a text and a kind of layer each, and the number of a limit where there is one.
    lang
        ``"en"`` or ``"zh"``.

    Returns
    -------
    list of DrawnLayer
        The first is shown.
    """
    layers: list[DrawnLayer] = []
    for column, service in enumerate(services):
        heading = f"{service_icon(services, column)}{escape(service.label(lang))} "
        for place, (text, kind, *step) in enumerate(choices[column]):
            said = "lc-row lc-said" if place else "lc-row"  # the service is read out each time, shown once
            name = f'<span class="{said}">{heading}</span><span class="lc-pill">{escape(text)}</span>'
            layers.append(DrawnLayer([kind, column, *step], name, overlay=False, show=not layers))
    return layers


def service_icon(services: Sequence[Service], column: int) -> str:
    """Return the mark of a service as HTML."""
    path = f'<path d="{MARKS[column % len(MARKS)]}" fill="{services[column].color}"></path>'
    return f'<svg class="lc-mark" viewBox="-1 -1 14 14" aria-hidden="true">{path}</svg>'


def shared_data(
    services: Sequence[Service],
    basemap: Basemap,
    further: Sequence[str],
    lang: str,
    *,
    is_synthetic: bool = False,
) -> dict[str, Any]:
    """Return what every page's script is told: words, services, tiles and the line below the map.

    Parameters
    ----------
    services
        In their order.
    basemap
        Tiles under the map.
    further
        Texts of the line below the map, after that of OpenStreetMap and of the tiles.
    lang
        ``"en"`` or ``"zh"``.
    is_synthetic
        Whether the streets are invented: then OpenStreetMap has no part in them.
    """
    link = '<a href="https://www.openstreetmap.org/copyright" target="_blank" rel="noopener">'
    osm = "" if is_synthetic and not basemap.host else f"{link}{escape(say('map.attribution', lang))}</a>"
    texts = [escape(text) for text in (*further, say("map.internal", lang)) if text]
    return {
        "lang": lang,
        "words": {word: say(f"map.{word}", lang) for word in _WORDS},
        "attribution": " · ".join(filter(None, [osm, basemap.credit, *texts])),
        "basemap": {
            "tiles": [basemap.host + path for path in basemap.paths],
            "maxZoom": basemap.max_zoom,
            "website": basemap.needs_website,
        },
        "services": [
            {
                "name": service.label(lang),
                "color": service.color,
                "mark": MARKS[column % len(MARKS)],
                "limits": [limit.label(lang) for limit in service.limits],
            }
            for column, service in enumerate(services)
        ],
    }


def make_map(
    page: SelfContainedPage,
    *,
    heading: str,
    data: Mapping[str, Any],
    script: str,
    bounds: Sequence[float],
    layers: Sequence[DrawnLayer],
) -> folium.Map:
    """Return the map of a page.

    Parameters
    ----------
    page
        An empty page.
    heading
        HTML above the map, its texts escaped.
    data
        What the script draws and says, `shared_data` and more.
    script
        Name of the script in this package that draws it.
    bounds
        West, south, east and north of what is shown first, degrees.
    layers
        As the control lists them.
    """
    css = _asset("map_page.css") + _grid([layer for layer in layers if not layer.overlay])
    page.header.add_child(Verbatim(f"<style>{css}</style>"))
    page.html.add_child(Verbatim(heading))
    packed = f'<script type="application/json" id="lifecircle-data">{embed_json(data)}</script>'
    page.html.add_child(Verbatim(packed))
    for name in ("map_page.js", script):
        page.html.add_child(Verbatim(f"<script>{_asset(name)}</script>"))
    west, south, east, north = bounds
    middle = [(south + north) / 2, (west + east) / 2]
    drawn = folium.Map(location=middle, tiles=None, prefer_canvas=True, font_size="13px", zoom_snap=0.25)
    drawn.default_js, drawn.default_css = [], []
    page.add_child(drawn)
    drawn.fit_bounds([[south, west], [north, east]], padding=(12, 12))
    for layer in layers:
        drawn.add_child(layer)
    on_phones = JsCode("window.innerWidth < 720")  # Leaflet decides when the page is opened
    drawn.add_child(folium.LayerControl(collapsed=on_phones, auto_z_index=False))  # type: ignore[arg-type]
    return drawn


def _grid(choices: Sequence[DrawnLayer]) -> str:
    """Return the style that puts the choices of each service in a row, however many each has."""
    if not choices:
        return ""
    rows = [layer.what[1] for layer in choices]
    first = (number for number, row in enumerate(rows, start=1) if number == 1 or rows[number - 2] != row)
    begins = ", ".join(f".leaflet-control-layers-base label:nth-child({number})" for number in first)
    return f":root {{ --lc-choices: {max(map(rows.count, rows))}; }}\n{begins} {{ grid-column-start: 1; }}\n"


def save_map(drawn: folium.Map, path: str | PathLike[str]) -> None:
    """Write a map to one HTML file that needs no other.

    Raises
    ------
    DataError
        If a layer added since would be loaded from the web; no file is written then.
    """
    Path(path).write_text(drawn.get_root().render(), encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    return resources.files("lifecircle.render").joinpath(name).read_text(encoding="utf-8")
