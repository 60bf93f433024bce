"""What does the map of a city show, and how does it get onto one page?

Folium makes the page, the map, its layers and the control that switches them. What is drawn stands once in
the page as compact JSON; ``web_map.js`` draws it on canvas: a Folium layer per polygon is slow and large.
"""

from collections.abc import Sequence
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any, Final

import folium
import geopandas as gpd
from folium.map import Layer
from folium.template import Template
from folium.utilities import JsCode

from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.gaps import REASONS
from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.finding import alarms, headline, list_of
from lifecircle.render.leaflet import SelfContainedPage, Verbatim
from lifecircle.render.text import embed_json, escape
from lifecircle.standard import Standard

MARKS: Final = (
    "M6 0.8A5.2 5.2 0 1 1 5.99 0.8Z",
    "M1.4 1.4H10.6V10.6H1.4Z",
    "M6 0.4L11.8 10.8H0.2Z",
    "M6 0L12 6L6 12L0 6Z",
    "M6 0.2L11.7 4.4L9.5 11.3H2.5L0.3 4.4Z",
)
"""Outlines in a 12 x 12 box, one per service in turn: services differ in shape, not in colour alone."""
_WORDS: Final = (
    "walk", "legend_walk", "legend_gap", "legend_nobody", "legend_unknown", "legend_edge", "search",
    "nothing_found",
    "threshold", "covered", "gap", "unknown", "nearest", "median", "worst", "straight", "reason", "source",
    "kind_community", "unreached", "minutes_unit", "metres_unit",
)  # fmt: skip


class _Drawn(Layer):
    """A layer that ``web_map.js`` draws.

    Parameters
    ----------
    what
        Its kind and the numbers of its service and threshold.
    name
        How the layer control shows it: HTML, its texts escaped.
    overlay, show
        As for every Folium layer.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = lifecircle.layer({{ this._parent.get_name() }}, {{ this.what|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, what: Sequence[object], name: str, *, overlay: bool = True, show: bool = True) -> None:
        super().__init__(name=name, overlay=overlay, show=show)
        self._name = "Drawn"
        self.what = what


def draw_map(coverage: Coverage, gaps: gpd.GeoDataFrame, *, lang: str | None = None) -> folium.Map:
    """Return the map of a measured city: it shows itself in Jupyter, and ``.save(path)`` writes one page.

    The page asks nothing of the network. Further Folium layers may be added to the map if they load nothing.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps.
    lang
        ``"en"`` or ``"zh"``; by default the city's.

    Returns
    -------
    folium.Map
        With one base layer per service and threshold (share covered by community, and the gaps), one per
        service for minutes on foot, and overlays for gaps, facilities, names, streets and buildings.
    """
    city, lang = coverage.city, lang or coverage.city.lang
    page = SelfContainedPage(say("map.title", lang, city=city.label(lang)), lang)
    choices = len(coverage.standard.minutes) + 1
    page.header.add_child(
        Verbatim(f"<style>{_asset('web_map.css')}:root {{ --lc-choices: {choices}; }}</style>")
    )
    page.html.add_child(Verbatim(_heading(coverage, gaps, lang)))
    data = embed_json(_data(coverage, gaps, lang))
    page.html.add_child(Verbatim(f'<script type="application/json" id="lifecircle-data">{data}</script>'))
    page.html.add_child(Verbatim(f"<script>{_asset('web_map.js')}</script>"))

    west, south, east, north = city.communities.to_crs(4326).total_bounds
    middle = [(south + north) / 2, (west + east) / 2]
    drawn = folium.Map(location=middle, tiles=None, prefer_canvas=True, font_size="13px", zoom_snap=0.25)
    drawn.default_js, drawn.default_css = [], []
    page.add_child(drawn)
    drawn.fit_bounds([[south, west], [north, east]], padding=(12, 12))
    for layer in _layers(coverage, lang):
        drawn.add_child(layer)
    on_phones = JsCode("window.innerWidth < 720")  # Leaflet decides when the page is opened
    drawn.add_child(folium.LayerControl(collapsed=on_phones, auto_z_index=False))  # type: ignore[arg-type]
    return drawn


def save_map(drawn: folium.Map, path: str | PathLike[str]) -> None:
    """Write a map of `draw_map` to one HTML file that needs nothing else.

    Raises
    ------
    DataError
        If a layer added since would be loaded from the web; no file is written then.
    """
    Path(path).write_text(drawn.get_root().render(), encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    return resources.files("lifecircle.render").joinpath(name).read_text(encoding="utf-8")


def _heading(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> str:
    name = coverage.city.label(lang)
    sample = f'<p class="lc-sample">{escape(say("map.sample", lang, city=name))}</p>'
    warnings = "".join(f'<p class="lc-alarm">{escape(text)}</p>' for text in alarms(coverage, lang))
    first, *others = (escape(text) for text in headline(coverage, gaps, lang))
    return (
        f'<header class="lc-head">{sample if coverage.city.is_synthetic else ""}'
        f"<h1>{escape(say('map.title', lang, city=name))}</h1>{warnings}"
        f'<p class="lc-finding"><strong>{first}</strong> <span>{" ".join(others)}</span></p></header>'
    )


def _layers(coverage: Coverage, lang: str) -> list[_Drawn]:
    """Return the layers as the control lists them: a row of choices per service, then what goes over it."""
    layers: list[_Drawn] = []
    services, minutes = coverage.standard.services, coverage.standard.minutes
    for column, service in enumerate(services):
        heading = f"{_icon(coverage, column)}{escape(service.label(lang))} "
        choices = [say("map.minutes", lang, minutes=threshold) for threshold in minutes]
        for row, text in enumerate([*choices, say("map.walk", lang)]):
            what = ["share", column, row] if row < len(minutes) else ["walk", column]
            said = "lc-row lc-said" if row else "lc-row"  # the service is read out each time, shown once
            name = f'<span class="{said}">{heading}</span><span class="lc-pill">{escape(text)}</span>'
            layers.append(_Drawn(what, name, overlay=False, show=not layers))
    layers.append(_Drawn(["gaps"], f'<i class="lc-hatch"></i>{escape(say("map.gaps", lang))}'))
    for column, service in enumerate(services):
        text = say("map.facilities", lang, service=service.label(lang))
        layers.append(_Drawn(["facilities", column], _icon(coverage, column) + escape(text)))
    layers += [_Drawn([what], escape(say(f"map.{what}", lang))) for what in ("names", "streets", "buildings")]
    return layers


def _icon(coverage: Coverage, column: int) -> str:
    mark, color = MARKS[column % len(MARKS)], coverage.standard.services[column].color
    path = f'<path d="{mark}" fill="{color}"></path>'
    return f'<svg class="lc-mark" viewBox="-1 -1 14 14" aria-hidden="true">{path}</svg>'


def _data(coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str) -> dict[str, Any]:
    """Return all that ``web_map.js`` draws and says."""
    city, standard = coverage.city, coverage.standard
    backdrop, dropped = map_data.pack_backdrop(city)
    words = {word: say(f"map.{word}", lang) for word in _WORDS}
    words |= {f"reason_{reason}": say(f"report.reason_{reason}", lang) for reason in REASONS}
    words["unnamed"] = say("report.unnamed", lang)
    words["unit"] = say(f"map.unit_{city.measure}", lang)
    words["legend_share"] = say("map.legend_share", lang, of=say(f"report.of_{city.measure}", lang))
    return {
        "lang": lang,
        "words": words,
        "attribution": _attribution(city, lang),
        "notes": _notes(city, standard, dropped, lang),
        "minutes": standard.minutes,
        "bandEdges": map_data.BAND_EDGES,
        "services": [
            {"name": service.label(lang), "color": service.color, "mark": MARKS[column % len(MARKS)]}
            for column, service in enumerate(standard.services)
        ],
        "communities": map_data.pack_communities(coverage, gaps),
        "gaps": map_data.pack_gaps(coverage, gaps),
        "facilities": map_data.pack_facilities(coverage),
        "bands": map_data.pack_bands(coverage),
        "backdrop": backdrop,
    }


def _attribution(city: City, lang: str) -> str:
    """Return the line below the map, as HTML."""
    link = '<a href="https://www.openstreetmap.org/copyright" target="_blank" rel="noopener">'
    date = say("map.street_date", lang, date=city.osm_timestamp[:10]) if city.osm_timestamp else ""
    texts = [escape(text) for text in (date, say("map.internal", lang)) if text]
    return " · ".join([f"{link}{escape(say('map.attribution', lang))}</a>", *texts])


def _notes(city: City, standard: Standard, dropped: Sequence[str], lang: str) -> list[str]:
    """Return what the legend says below: where the facilities came from, and what is not drawn."""
    given = {service.label(lang): city.service_sources.get(service.id, "") for service in standard.services}
    sources = {label: map_data.SOURCE_NAMES.get(source, source) for label, source in given.items() if source}
    told = [
        say("map.facility_source", lang, service=label, source=source) for label, source in sources.items()
    ]
    if len(sources) == len(standard.services) and len({*sources.values()}) == 1:
        told = [*sources.values()][:1]
    notes = [say("map.sources", lang, sources=list_of(told, lang))] if told else []
    if dropped:
        names = list_of((say(f"map.layer_{kind}", lang) for kind in dropped), lang)
        notes.append(say("map.dropped", lang, layers=names))
    return notes
