"""What do the tests of maps share: a town with scenery, its map as a file, and what stands in that?"""

import functools
import itertools
import json
import re
from pathlib import Path
from typing import Any

import folium
import numpy as np
import shapely
from toy_town import STANDARD, boxes, layer, toy_town

from lifecircle.city import City
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.gaps import find_gaps
from lifecircle.render import map_data
from lifecircle.render.web_map import draw_map, save_map
from lifecircle.standard import Standard

BACKDROP = layer(
    boxes([(-300, -250, 2000, -170), (200, 50, 400, 150), (500, 10, 530, 30), (520, 20, 560, 40)]),
    kind=["water", "green", "building", "building"],
)
MAP = "window[document.querySelector('.folium-map').id]"


def drawn(city: City, standard: Standard = STANDARD, lang: str = "en") -> folium.Map:
    coverage = measure_coverage(city, standard)
    return draw_map(coverage, find_gaps(coverage), lang=lang)


def saved(made: folium.Map, folder: Path) -> Path:
    save_map(made, folder / "map.html")
    return folder / "map.html"


def data_of(page: str) -> Any:
    found = re.search(r'id="lifecircle-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def unpacked(packed: map_data.Packed) -> list[list[np.ndarray[Any, Any]]]:
    """Return the parts of each shape, as the page's script reads them."""
    xy = np.cumsum(np.array(packed["steps"]).reshape(-1, 2), axis=0) / 1e6
    parts = np.split(xy, np.cumsum(packed["vertices"])[:-1])
    edges = np.concatenate([[0], np.cumsum(packed["parts"])])
    return [parts[low:high] for low, high in itertools.pairwise(edges)]


def even_odd(rings: list[np.ndarray[Any, Any]]) -> Any:
    """Return what a canvas fills between rings."""
    polygons: Any = map(shapely.Polygon, rings)
    return functools.reduce(lambda one, other: one.symmetric_difference(other), polygons, shapely.Polygon())


def pictured_town() -> Coverage:
    """Return the toy town with scenery, measured."""
    return measure_coverage(toy_town(backdrop=BACKDROP, osm_timestamp="2025-01-01T00:00:00Z"), STANDARD)
