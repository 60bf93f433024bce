"""Which tiles may lie under a map, from which host, and in which coordinates?"""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, Final

from lifecircle.errors import DataError, UnknownNameError
from lifecircle.messages import say
from lifecircle.render.text import escape
from lifecircle.sources.datum import wgs84_to_gcj02

BASEMAPS: Final = ("none", "osm", "tianditu", "amap")
"""What may be asked for: no tiles, OpenStreetMap's, those of China's survey, those of AMap."""
_KEY = re.compile(r"[0-9A-Za-z]{8,64}")
_AMAP_LANG = {"zh": "zh_cn", "en": "en"}
_TIANDITU_NAMES = {"zh": "cva", "en": "eva"}


@dataclasses.dataclass(frozen=True)
class Basemap:
    """Tiles under a map; without any, the map asks nothing of the network.

    Attributes
    ----------
    host
        The one address that the page may load pictures from, such as ``"https://tile.example.org"``.
    paths
        Of the tiles on that host, one per layer, lowest first, with ``{x}``, ``{y}`` and ``{z}``.
    credit
        HTML that the map must show.
    max_zoom
        The deepest tiles there are; seen from nearer, they are enlarged.
    needs_website
        Whether the host serves pages of a website alone, not a file opened from disk.
    shift
        Moves longitudes and latitudes of WGS 84, shape (n, 2), to where these tiles have them.
    """

    host: str = ""
    paths: tuple[str, ...] = ()
    credit: str = ""
    max_zoom: int = 18
    needs_website: bool = False
    shift: Callable[[Any], Any] | None = None


def find_basemap(name: str, lang: str, tianditu_key: str | None = None) -> Basemap:
    """Return a base map.

    Parameters
    ----------
    name
        One of `BASEMAPS`.
    lang
        Language of the labels, ``"en"`` or ``"zh"``, where the tiles have both.
    tianditu_key
        The user's own key for Tianditu. It stands in the page, for its readers' browsers to use.

    Raises
    ------
    UnknownNameError
        If there is no such base map.
    DataError
        If Tianditu is asked for without a key, or with something that is none.
    """
    if name not in BASEMAPS:
        raise UnknownNameError("map.unknown_basemap", value=name, known=", ".join(BASEMAPS))
    if name == "osm":
        # The street data is from there too, so its credit stands already. Files send no referrer: refused.
        return Basemap(
            "https://tile.openstreetmap.org", ("/{z}/{x}/{y}.png",), max_zoom=19, needs_website=True
        )
    if name == "tianditu":
        if not tianditu_key:
            raise DataError("map.no_tianditu_key")
        if not _KEY.fullmatch(tianditu_key):
            raise DataError("map.bad_tianditu_key", count=len(tianditu_key))
        tiles = "/DataServer?T={layer}_w&x={{x}}&y={{y}}&l={{z}}&tk={key}"
        paths = tuple(tiles.format(layer=layer, key=tianditu_key) for layer in ("vec", _TIANDITU_NAMES[lang]))
        credit = _link("https://www.tianditu.gov.cn", say("map.credit_tianditu", lang))
        return Basemap("https://t0.tianditu.gov.cn", paths, credit)
    if name == "amap":
        path = f"/appmaptile?lang={_AMAP_LANG[lang]}&size=1&scale=1&style=8&x={{x}}&y={{y}}&z={{z}}"
        credit = _link("https://www.amap.com", say("map.credit_amap", lang))
        return Basemap("https://webrd01.is.autonavi.com", (path,), credit, shift=wgs84_to_gcj02)
    return Basemap()


def _link(address: str, text: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener">{escape(text)}</a>'
