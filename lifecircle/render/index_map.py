"""How well is each city of a batch served, on one page that leads to the map of each?"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import folium
import geopandas as gpd
import shapely

from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.basemap import Basemap
from lifecircle.render.found import Found, Unit
from lifecircle.render.leaflet import SelfContainedPage
from lifecircle.render.map_page import DrawnLayer, choice_layers, make_map, shared_data
from lifecircle.render.text import escape
from lifecircle.standard import Service

_WORDS = ("search", "open", "legend", "nobody")
_CHINA = (73.0, 18.0, 135.0, 54.0)
"""What is shown where no city was measured, degrees."""
_MOST_TOLD = 20


def draw_index(units: Sequence[Unit], *, lang: str) -> folium.Map:
    """Return the map of all cities: the outline of each, its share covered, and a link to its own map.

    Parameters
    ----------
    units
        What was measured, and what was not, in their order.
    lang
        ``"en"`` or ``"zh"``.

    Returns
    -------
    folium.Map
        With one base layer per service and limit of every standard and scenario, in one page that asks
        nothing of the network.
    """
    services = _services(units, lang)
    choices = [
        [(limit.label(lang), "share", row) for row, limit in enumerate(service.limits)]
        for service in services.values()
    ]
    layers = choice_layers([*services.values()], choices, lang)
    layers.append(DrawnLayer(["names"], escape(say("batch.names", lang))))
    measured = [unit.found for unit in units if unit.found]
    outlines = _outlines(measured)
    title = say("batch.title", lang, count=len({unit.city for unit in units}))
    return make_map(
        SelfContainedPage(title, lang),
        heading=_heading(title, units, lang),
        data=_data(units, services, lang),
        script="index_map.js",
        bounds=map_data.bounds(outlines) if measured else list(_CHINA),
        layers=layers,
    )


_View = tuple[str, str, str, str]
"""Standard, scenario, service and the unit of its limits: what is one row of choices."""


def _services(units: Sequence[Unit], lang: str) -> dict[_View, Service]:
    """Return a service for each row of choices, with every limit that any city was measured by.

    Where there are several standards or scenarios its name says which is meant.
    """
    found: dict[_View, Service] = {}
    for unit in units:
        for service in unit.found.standard.services if unit.found else ():
            view = (unit.standard, unit.scenario, service.id, service.longest.unit)
            limits = {limit.value: limit for limit in service.limits}
            if view in found:
                limits |= {limit.value: limit for limit in found[view].limits}
            found[view] = dataclasses.replace(
                service, limits=tuple(limits[value] for value in sorted(limits))
            )
    if len({view[:2] for view in found}) <= 1:
        return found
    return {
        view: dataclasses.replace(
            service, name=dict.fromkeys(service.name, _joined(service.label(lang), *view[:2]))
        )
        for view, service in found.items()
    }


def _heading(title: str, units: Sequence[Unit], lang: str) -> str:
    invented = any(unit.found is not None and unit.found.is_synthetic for unit in units)
    sample = f'<p class="lc-sample">{escape(say("batch.sample", lang))}</p>' if invented else ""
    missing = sum(unit.found is None for unit in units)
    told = say("batch.counted", lang, measured=len(units) - missing, missing=missing)
    return (
        f'<header class="lc-head">{sample}<h1>{escape(title)}</h1>'
        f'<p class="lc-finding"><span>{escape(told)}</span></p></header>'
    )


def _data(units: Sequence[Unit], services: Mapping[_View, Service], lang: str) -> dict[str, Any]:
    """Return all that ``index_map.js`` draws and says."""
    cities: dict[str, list[Unit]] = {}
    for unit in units:
        if unit.found:
            cities.setdefault(unit.city, []).append(unit)
    outlines = _outlines([of_city[0].found for of_city in cities.values() if of_city[0].found])
    invented = bool(cities) and all(unit.found is None or unit.found.is_synthetic for unit in units)
    data = shared_data([*services.values()], Basemap(), [], lang, is_synthetic=invented)
    data["words"] |= {word: say(f"batch.map_{word}", lang) for word in _WORDS}
    pairs = [(view, limit.value) for view, service in services.items() for limit in service.limits]
    several = len({(unit.standard, unit.scenario) for unit in units}) > 1
    return data | {
        "notes": _notes(units, lang),
        "cities": {
            "name": [of_city[0].name[lang] for of_city in cities.values()],
            "shapes": map_data.pack(outlines),
            "center": map_data.pack(outlines.representative_point()),
            "shares": [_shares(of_city, pairs) for of_city in cities.values()],
            "pages": [
                [
                    [_joined(unit.standard, unit.scenario) if several else "", quote(unit.page)]
                    for unit in of_city
                ]
                for of_city in cities.values()
            ],
        },
    }


def _shares(of_city: Sequence[Unit], pairs: Sequence[tuple[_View, float]]) -> list[float | None]:
    """Return the share covered of a city by every service and limit of every row of choices."""
    known = {
        ((unit.standard, unit.scenario, service.id, limit.unit), limit.value): row["share_covered"]
        for unit in of_city
        if unit.found
        for (service, limit), row in zip(unit.found.standard.pairs, unit.found.rows, strict=True)
    }
    return map_data.numbers([known.get(pair, math.nan) for pair in pairs], 4)


def _notes(units: Sequence[Unit], lang: str) -> list[str]:
    """Return what the legend says of cities that were not measured."""
    missing = [unit for unit in units if unit.found is None]
    told = [
        say(
            "batch.map_missing", lang, name=_joined(unit.name[lang], unit.scenario), reason=unit.message[lang]
        )
        for unit in missing[:_MOST_TOLD]
    ]
    more = len(missing) - len(told)
    return [*told, say("batch.map_more", lang, count=more)] if more else told


def _outlines(measured: Sequence[Found]) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.from_wkb([found.outline for found in measured]), crs=4326)


def _joined(*names: str) -> str:
    return " · ".join(filter(None, names))
