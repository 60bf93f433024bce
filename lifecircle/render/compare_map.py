"""Where was cover gained and lost between two runs, on one page that needs no network?"""

from typing import TYPE_CHECKING, Any, Final

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.city import CELL_M
from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.basemap import Basemap
from lifecircle.render.compare_text import sample_line, subtitle, title
from lifecircle.render.leaflet import SelfContainedPage
from lifecircle.render.map_page import DrawnLayer, choice_layers, make_map, service_icon, shared_data
from lifecircle.render.text import escape

if TYPE_CHECKING:
    from lifecircle.render.compare import Comparison

CHANGES: Final = ("gained", "lost", "still")
"""What became of a place: a gap no more; a gap now; a gap then and now."""
_MOVES: Final = ("kept", "added", "removed")
_WORDS: Final = (
    "gap_gained", "gap_lost", "gap_still", "built", "kept", "added", "removed",
    "before", "after", "points", "people_gained", "people_lost", "facility", "links",
)  # fmt: skip


def draw_comparison(comparison: "Comparison") -> folium.Map:
    """Return the map of what changed: it shows itself in Jupyter, and asks nothing of the network.

    Parameters
    ----------
    comparison
        Two runs.

    Returns
    -------
    folium.Map
        With one base layer per service and limit: where a gap went, came, and stayed; facilities added
        and removed are marked.
    """
    lang, services = comparison.lang, comparison.after.standard.services
    choices = [
        [(limit.label(lang), "change", row) for row, limit in enumerate(service.limits)]
        for service in services
    ]
    layers = choice_layers(services, choices, lang)
    for column, service in enumerate(services):
        text = say("map.facilities", lang, service=service.label(lang))
        layers.append(DrawnLayer(["facilities", column], service_icon(services, column) + escape(text)))
    layers += [
        DrawnLayer(["names"], escape(say("map.names", lang))),
        DrawnLayer(["built"], escape(say("compare.built", lang))),
    ]
    if comparison.links is not None:
        layers.insert(-2, DrawnLayer(["links"], escape(say("compare.links", lang))))
    areas = comparison.after.layers["communities"]
    return make_map(
        SelfContainedPage(title(comparison), lang),
        heading=_heading(comparison),
        data=_data(comparison),
        script="compare_map.js",
        bounds=map_data.bounds(areas.geometry),
        layers=layers,
    )


def _heading(comparison: "Comparison") -> str:
    sample = sample_line(comparison)
    banner = f'<p class="lc-sample">{escape(sample)}</p>' if sample else ""
    first, *others = (escape(text) for text in comparison.finding())
    return (
        f'<header class="lc-head">{banner}<h1>{escape(title(comparison))}'
        f"<small>{escape(subtitle(comparison))}</small></h1>"
        f'<p class="lc-finding"><strong>{first}</strong> <span>{" ".join(others)}</span></p></header>'
    )


def _data(comparison: "Comparison") -> dict[str, Any]:
    """Return all that ``compare_map.js`` draws and says."""
    lang, standard, measure = comparison.lang, comparison.after.standard, comparison.after.measure
    data = shared_data(standard.services, Basemap(), [], lang, is_synthetic=comparison.after.is_synthetic)
    data["words"] |= {word: say(f"compare.{word}", lang) for word in _WORDS}
    data["words"] |= {"threshold": say("map.threshold", lang), "unnamed": say("report.unnamed", lang)}
    data["words"] |= {"unit": say(f"map.unit_{measure}", lang)}
    return data | {
        "notes": [],
        "changeKinds": CHANGES,
        "communities": _communities(comparison),
        "changes": _changes(comparison),
        "facilities": _facilities(comparison),
        "built": map_data.pack(_built(comparison)),
        "links": map_data.pack(gpd.GeoSeries([], crs=4326) if comparison.links is None else comparison.links),
    }


def _communities(comparison: "Comparison") -> dict[str, Any]:
    """Return those of the later run, with ``rows`` as in `map_data.pack_communities`."""
    run, measure = comparison.after, comparison.after.measure
    areas, count = run.layers["communities"], len(run.standard.pairs)
    table = comparison.table
    # its rows begin with the communities of the later run, in their order
    table = table.iloc[: count * len(areas)]
    people = run.layers["homes"].groupby("community_id")[measure].sum()
    return {
        "name": areas["community"].fillna("").tolist(),
        "people": map_data.numbers(people.reindex(areas["community_id"])),
        **map_data.pack_outlines(areas.geometry),
        "rows": {
            "before": map_data.numbers(table["share_covered_before"], 4),
            "after": map_data.numbers(table["share_covered_after"], 4),
            "points": map_data.numbers(table["change_points"], 2),
            "gained": map_data.numbers(table[f"{measure}_gained"]),
            "lost": map_data.numbers(table[f"{measure}_lost"]),
        },
    }


def _changes(comparison: "Comparison") -> list[map_data.Packed]:
    """Return one entry per service and limit, each with a shape per kind of change, empty where none."""
    standard, changes = comparison.after.standard, comparison.changes
    keys = ["service", "threshold_minutes", "change"]
    found = dict(zip(changes[keys].itertuples(index=False, name=None), changes.geometry, strict=True))
    nothing = shapely.MultiPolygon()
    return [
        map_data.pack(
            gpd.GeoSeries(
                [
                    found.get((service.id, limit.minutes_at(service.pace_mps), change), nothing)
                    for change in CHANGES
                ],
                crs=changes.crs,
            )
        )
        for service, limit in standard.pairs
    ]


def _facilities(comparison: "Comparison") -> dict[str, Any]:
    frame = comparison.facilities
    services = pd.Index([service.id for service in comparison.after.standard.services])
    return {
        "service": services.get_indexer(pd.Index(frame["service"])).tolist(),
        "name": frame["name"].fillna("").tolist(),
        "move": pd.Index(_MOVES).get_indexer(pd.Index(frame["change"])).tolist(),
        "at": map_data.pack(frame.geometry),
    }


def _built(comparison: "Comparison") -> gpd.GeoSeries:
    """Return the 50 m cells with homes as one shape: they show where one is."""
    homes = comparison.after.layers["homes"]
    corner = np.floor(np.column_stack([homes.geometry.x, homes.geometry.y]) / CELL_M)
    x, y = np.unique(corner, axis=0).T * CELL_M
    cells = shapely.box(x, y, x + CELL_M, y + CELL_M)
    return gpd.GeoSeries([shapely.coverage_union_all(cells)], crs=homes.crs)
