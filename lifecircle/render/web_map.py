"""What does the map of a city show, and what does it say?"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import folium
import geopandas as gpd

from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.gaps import REASONS
from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render import map_data, spacing_text
from lifecircle.render.basemap import Basemap, find_basemap
from lifecircle.render.finding import alarms, headline, list_of
from lifecircle.render.gap_walks import pack_walks
from lifecircle.render.leaflet import SelfContainedPage
from lifecircle.render.map_page import (
    DrawnLayer,
    choice_layers,
    make_map,
    save_map,
    service_icon,
    shared_data,
)
from lifecircle.render.project_map import pack_projects
from lifecircle.render.text import escape, readable
from lifecircle.render.whom import of_whom, unit_of
from lifecircle.standard import Standard

__all__ = ["draw_map", "save_map"]
_WORDS: Final = (
    "legend_gap", "legend_capacity", "legend_nobody", "legend_unknown", "legend_edge",
    "threshold", "covered", "gap", "unknown", "nearest", "median", "worst", "straight", "reason", "source",
    "robust", "unreached", "community_page", "walk_drawn",
)  # fmt: skip
_LEADS_ELSEWHERE = re.compile(r"[\s/]|.*[:\\]|(.*/)?\.\.(/|$)", re.DOTALL)


def draw_map(  # noqa: PLR0913 - what may be drawn, and how
    coverage: Coverage,
    gaps: gpd.GeoDataFrame,
    *,
    lang: str | None = None,
    basemap: str = "none",
    tianditu_key: str | None = None,
    pages: Mapping[str, str] | None = None,
    projects: Projects | None = None,
) -> folium.Map:
    """Return the map of a measured city: it shows itself in Jupyter, and ``.save(path)`` writes one page.

    Without a base map the page asks nothing of the network. Further Folium layers may be added to the map if
    they load nothing; over the tiles of AMap they would lie some hundred metres off.

    Parameters
    ----------
    coverage
        The measured city.
    gaps
        Its gaps.
    lang
        ``"en"`` or ``"zh"``; by default the city's.
    basemap
        Tiles below the map, loaded when it is looked at: ``"none"``, ``"osm"`` (only for pages put on a
        website: OpenStreetMap's servers refuse files opened from disk), ``"tianditu"``, or ``"amap"``, whose
        tiles are in GCJ-02, so everything drawn is moved there. The providers' terms of use apply. Without
        a network the map's own backdrop stays.
    tianditu_key
        The key for Tianditu, which everybody can read in the page.
    pages
        Where each community's page lies, by community_id: addresses relative to the map's.
    projects
        The project list, if there is one: a layer of its own.

    Returns
    -------
    folium.Map
        With one base layer per service and limit (share covered by community, and the gaps), one per service
        for minutes or metres on foot, and overlays for gaps, their walks, facilities,
        names, streets and buildings.

    Raises
    ------
    UnknownNameError
        If there is no such base map.
    DataError
        If Tianditu's key is missing or none, or a page's address is not relative.
    """
    city, lang = coverage.city, lang or coverage.city.lang
    tiles = find_basemap(basemap, lang, tianditu_key)
    return make_map(
        SelfContainedPage(say("map.title", lang, city=city.label(lang)), lang, tiles.host),
        heading=_heading(coverage, gaps, lang),
        data=_data(coverage, gaps, lang, tiles, _checked(pages or {}))
        | {"projects": pack_projects(projects, lang, tiles.shift)},
        script="web_map.js",
        bounds=map_data.bounds(city.communities.geometry, tiles.shift),
        layers=_layers(coverage, lang, projects),
    )


def _checked(pages: Mapping[str, str]) -> Mapping[str, str]:
    for address in pages.values():
        shown = unquote(address)  # what a browser reads in it
        if not address or _LEADS_ELSEWHERE.match(shown) or readable(shown) != shown:
            raise DataError("map.page_elsewhere", value=address)
    return pages


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


def _layers(coverage: Coverage, lang: str, projects: Projects | None) -> list[DrawnLayer]:
    """Return the layers as the control lists them: a row of choices per service, then what goes over it."""
    services = coverage.standard.services
    choices = [
        [
            *((limit.label(lang), "share", row) for row, limit in enumerate(service.limits)),
            (say(f"map.walk_{service.longest.unit}", lang), "walk"),
        ]
        for service in services
    ]
    layers = choice_layers(services, choices, lang)
    layers.append(DrawnLayer(["gaps"], f'<i class="lc-hatch"></i>{escape(say("map.gaps", lang))}'))
    layers.append(DrawnLayer(["walks"], escape(say("map.walks", lang)), show=False))
    for column, service in enumerate(services):
        text = say("map.facilities", lang, service=service.label(lang))
        layers.append(DrawnLayer(["facilities", column], service_icon(services, column) + escape(text)))
    layers += [
        DrawnLayer(["spacing", row], escape(name), show=False)
        for row, name in enumerate(spacing_text.layer_names(coverage, lang))
    ]
    if projects is not None and len(projects.frame):
        layers.append(DrawnLayer(["projects"], escape(say("projects.map_projects", lang))))
    layers += [
        DrawnLayer([what], escape(say(f"map.{what}", lang))) for what in ("names", "streets", "buildings")
    ]
    return layers


def _data(
    coverage: Coverage, gaps: gpd.GeoDataFrame, lang: str, tiles: Basemap, pages: Mapping[str, str]
) -> dict[str, Any]:
    """Return all that ``web_map.js`` draws and says."""
    city, standard, shift = coverage.city, coverage.standard, tiles.shift
    backdrop, dropped = map_data.pack_backdrop(city, shift)
    date = say("map.street_date", lang, date=city.osm_timestamp[:10]) if city.osm_timestamp else ""
    data = shared_data(standard.services, tiles, [date], lang, is_synthetic=city.is_synthetic)
    data["words"] |= {word: say(f"map.{word}", lang) for word in _WORDS}
    for one, service in zip(data["services"], standard.services, strict=True):
        unit = service.longest.unit
        one |= {
            "walk": say(f"map.walk_{unit}", lang),
            "legendWalk": say(f"map.legend_walk_{unit}", lang),
            "unit": say("map.metres_unit" if service.in_metres else "map.minutes_unit", lang),
            "digits": 0 if service.in_metres else 1,
            "people": unit_of([coverage.denominator(service.id)], lang),
            "legendShare": say(
                "map.legend_share", lang, of=of_whom([coverage.denominator(service.id)], lang)
            ),
        }
    data["words"] |= {f"reason_{reason}": say(f"report.reason_{reason}", lang) for reason in REASONS}
    data["words"] |= {
        "unnamed": say("report.unnamed", lang),
        "unit": say(f"map.unit_{city.measure}", lang),
        "fewer": f"<{city.min_group:g}",
    }
    page = [pages.get(community, "") for community in city.communities["community_id"]]
    return data | {
        "notes": _notes(city, standard, dropped, lang),
        "reasons": REASONS,
        "bandEdges": [map_data.BAND_EDGES[service.longest.unit] for service in standard.services],
        "communities": {**map_data.pack_communities(coverage, gaps, shift), "page": page},
        "gaps": map_data.pack_gaps(coverage, gaps, lang, shift),
        "walks": pack_walks(coverage, gaps, shift),
        "facilities": map_data.pack_facilities(coverage, shift),
        "spacing": spacing_text.pack_spacing(coverage, lang, shift),
        "bands": map_data.pack_bands(coverage, shift),
        "backdrop": backdrop,
    }


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
