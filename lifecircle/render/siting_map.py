"""Where should the next facilities stand, on one page that needs no network?"""

import dataclasses
from typing import Any

import folium
import geopandas as gpd

from lifecircle.gaps import CAPACITY, find_gaps
from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.basemap import Basemap
from lifecircle.render.leaflet import SelfContainedPage
from lifecircle.render.map_page import DrawnLayer, choice_layers, make_map, service_icon, shared_data
from lifecircle.render.siting_text import sample_line, sentences, site_label, title
from lifecircle.render.text import escape
from lifecircle.render.whom import unit_of
from lifecircle.siting import Suggestion

_COLLINEAR_M = 0.01
_KEYS = ("sites", "alternatives", "links")
_WORDS = ("gained", "alone", "share", "cost", "instead", "together", "sites", "robust")


def draw_siting(
    suggestion: Suggestion, links: gpd.GeoDataFrame | None = None, *, lang: str | None = None
) -> folium.Map:
    """Return the map of suggested sites: it shows itself in Jupyter, and asks nothing of the network.

    Parameters
    ----------
    suggestion
        The sites.
    links
        As `lifecircle.missing_links.suggest_links` returns them.
    lang
        ``"en"`` or ``"zh"``; that of the city where None.
    """
    city = suggestion.coverage.city
    lang = lang or city.lang
    service = suggestion.coverage.standard.service(suggestion.service)
    facilities = say("map.facilities", lang, service=service.label(lang))
    gaps = say("siting.map_gaps", lang, limit=suggestion.limit.label(lang))
    layers = [
        *choice_layers([service], [[(gaps, "gaps")]], lang),
        DrawnLayer(["streets"], escape(say("map.streets", lang))),
        DrawnLayer(["facilities"], service_icon([service], 0) + escape(facilities)),
        DrawnLayer(["alternatives"], escape(say("siting.map_alternatives", lang))),
        DrawnLayer(["links"], escape(say("siting.map_links", lang))),
        DrawnLayer(["sites"], escape(say("siting.map_sites", lang))),
        DrawnLayer(["names"], escape(say("map.names", lang))),
    ]
    return make_map(
        SelfContainedPage(title(suggestion, lang), lang),
        heading=_heading(suggestion, lang),
        data=_data(suggestion, links, lang),
        script="siting_map.js",
        bounds=map_data.bounds(city.communities.geometry),
        layers=layers,
    )


def _heading(suggestion: Suggestion, lang: str) -> str:
    sample = sample_line(suggestion, lang)
    banner = f'<p class="lc-sample">{escape(sample)}</p>' if sample else ""
    first, *others = (escape(text) for text in sentences(suggestion, lang))
    return (
        f'<header class="lc-head">{banner}<h1>{escape(title(suggestion, lang))}</h1>'
        f'<p class="lc-finding"><strong>{first}</strong> <span>{" ".join(others)}</span></p></header>'
    )


def _data(suggestion: Suggestion, links: gpd.GeoDataFrame | None, lang: str) -> dict[str, Any]:
    """Return all that ``siting_map.js`` draws and says."""
    coverage = suggestion.coverage
    city, measure = coverage.city, coverage.city.measure
    service = coverage.standard.service(suggestion.service)
    unit = unit_of([coverage.denominator(service.id)], lang)
    data = shared_data([service], Basemap(), [], lang, is_synthetic=city.is_synthetic)
    data["words"] |= {word: say(f"siting.column_{word}", lang, unit=unit) for word in _WORDS}
    data["words"] |= {f"map_{word}": say(f"siting.map_{word}", lang) for word in _KEYS}
    data["words"] |= {"unit": unit, "unnamed": say("report.unnamed", lang)}
    shown = links if links is not None else gpd.GeoDataFrame(geometry=[], crs=city.crs)
    facilities = city.facilities[city.facilities["service"] == service.id]
    sites, others = suggestion.sites, suggestion.alternatives
    return data | {
        "notes": [],
        "communities": {
            "name": city.communities["community"].tolist(),
            **map_data.pack_outlines(city.communities.geometry),
        },
        "backdrop": map_data.pack_backdrop(city)[0],
        "gaps": map_data.pack(_gaps(suggestion)),
        "facilities": {"name": facilities["name"].tolist(), "at": map_data.pack(facilities.geometry)},
        "sites": {
            **_described(sites),
            "gained": map_data.numbers(sites[f"{measure}_gained"]),
            "alone": map_data.numbers(sites[f"{measure}_alone"]),
            "share": map_data.numbers(sites["share_covered"], 4),
            "cost": map_data.numbers(sites["cost"]),
            "robust": [site_label(site, lang) for site in sites.to_dict("records")],
        },
        "alternatives": {
            **_described(others),
            "instead": others["instead_of"].tolist(),
            "gained": map_data.numbers(others[f"{measure}_gained"]),
        },
        "links": {
            "kind": [say(f"siting.kind_{kind}", lang) for kind in shown.get("kind", [])],
            "metres": map_data.numbers(shown.get("length_m", [])),
            "gained": map_data.numbers(shown.get(f"{measure}_gained", [])),
            "alone": map_data.numbers(shown.get(f"{measure}_alone", [])),
            "lines": map_data.pack(shown.geometry),
        },
        "curve": [
            [int(count), share, say("siting.curve_greedy", lang) if greedy else ""]
            for count, share, greedy in zip(
                suggestion.curve["sites"],
                map_data.numbers(suggestion.curve["share_covered"], 4),
                suggestion.curve["greedy"],
                strict=True,
            )
        ],
    }


def _described(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    named = frame["name"].where(frame["name"] != "", frame["site_id"])
    return {
        "name": named.tolist(),
        "community": frame["community"].tolist(),
        "at": map_data.pack(frame.geometry),
    }


def _gaps(suggestion: Suggestion) -> gpd.GeoSeries:
    """Return the gaps that the sites are to close."""
    coverage, standard = suggestion.coverage, suggestion.coverage.standard
    by_limit = dataclasses.replace(
        standard,
        services=tuple(
            dataclasses.replace(service, limits=(suggestion.limit,))
            if service.id == suggestion.service
            else service
            for service in standard.services
        ),
    )
    gaps = find_gaps(dataclasses.replace(coverage, standard=by_limit, scenarios={}))
    walked = (gaps["service"] == suggestion.service) & (gaps["reason"] != CAPACITY)
    return gaps.geometry[walked].simplify(_COLLINEAR_M)
