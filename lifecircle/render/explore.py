"""How is a layer looked at in a notebook, when the names in it come from anybody's files?"""

from typing import Any

import folium
import geopandas as gpd
from pandas.api.types import is_numeric_dtype

from lifecircle.errors import DataError
from lifecircle.render.text import escape


def explore(frame: gpd.GeoDataFrame, **options: Any) -> folium.Map:
    """Return ``frame.explore(**options)`` with every text made harmless first.

    GeoPandas hands texts to Folium, which compiles them as templates: a facility that somebody called
    ``{{ ... }}`` in OpenStreetMap would run as code on this computer, or in the reader's browser. Unlike
    `draw_map` this map loads its scripts, and background tiles if any, from the web.

    Parameters
    ----------
    frame
        Such as the gaps, or a layer of a city.
    **options
        As for `geopandas.GeoDataFrame.explore`, such as ``column="reason"``; no background tiles by default.

    Returns
    -------
    folium.Map

    Raises
    ------
    DataError
        If mapclassify, which GeoPandas needs for this, is not installed.
    """
    names = {name: escape(name) for name in frame.columns if name != frame.geometry.name}
    safe = frame.rename(columns=names).reset_index(drop=True)  # ids go into the page too
    for name in names.values():
        if not is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(escape)
    if isinstance(options.get("column"), str):
        options["column"] = names.get(options["column"], options["column"])
    try:
        drawn: folium.Map = gpd.GeoDataFrame.explore(safe, **{"tiles": None, **options})
    except ImportError as error:
        raise DataError("export.no_mapclassify") from error
    return drawn
