"""How does a page carry all it needs, ask nobody for anything, and run nothing but its own code?

Folium links to scripts on the web; here Leaflet comes from a Python package and is written into the page.
Then every script and style is named by its hash in a Content-Security-Policy: the second wall behind
`lifecircle.render.text`.
"""

import base64
import hashlib
import mimetypes
import re
from importlib import resources

from branca.element import Element, Figure
from jinja2 import Template

from lifecircle.errors import DataError
from lifecircle.render.text import escape

_LEAFLET = resources.files("xstatic.pkg.leaflet") / "data"
_NOTEBOOK_HEIGHT = "680px"
# A link a reader may click, and names that are no address: nothing here is ever loaded.
_HARMLESS = ("https://www.openstreetmap.org/copyright", "https://leafletjs.com", "http://www.w3.org/2000/svg")
_ADDRESS = re.compile(
    r"""\b(?:https?|wss?|ftp):[\\/]{2}[^\s"'<>`)]+"""
    r"""|(?<=[\s"'](?:src|url)=)["']?//[^\s"'>]+|(?<=\shref=)["']?//[^\s"'>]+"""
    r"""|@import[^;]+|\burl\(\s*["']?(?!["']?(?:data:|\#))[^)]*\)""",
    re.IGNORECASE,
)
_FIGURES = re.compile(r"[0-9,-]{64,}")  # runs of numbers, nine tenths of a page, hold no address
_INLINE = re.compile(r"<(script|style)\b([^>]*)>([^<]*(?:<(?!/\1>)[^<]*)*)</\1>", re.IGNORECASE)
_FOLIUM_ID = re.compile(r'"id": "([0-9a-f]{32})"')
_FOLIUM_NAME = re.compile(r"_([0-9a-f]{32})")


class Verbatim(Element):
    """Text that goes into the page as it is, unlike Folium's own elements, which Jinja compiles again.

    Parameters
    ----------
    text
        HTML; names in it have been escaped.
    """

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class SelfContainedPage(Figure):
    """A Folium page that is sealed whenever it is written or shown.

    Parameters
    ----------
    title
        Title of the window.
    lang
        Language of the page, such as ``"zh"``: it chooses between Chinese and Japanese letter forms.
    pictures_from
        The one host that pictures may come from, such as ``"https://tile.example.org"``; none by default.
    """

    _template = Template(
        '<!DOCTYPE html>\n<html lang="{{ this.lang }}">\n<head>\n<meta charset="utf-8">\n'
        "<title>{{ this.title }}</title>\n{{ this.header.render(**kwargs) }}\n</head>\n<body>\n"
        "{{ this.html.render(**kwargs) }}\n<script>\n{{ this.script.render(**kwargs) }}\n</script>\n"
        "</body>\n</html>\n"
    )

    def __init__(self, title: str, lang: str, pictures_from: str = "") -> None:
        super().__init__(height=_NOTEBOOK_HEIGHT, title=escape(title))
        self.lang = escape("zh-CN" if lang == "zh" else lang)
        self.pictures_from = pictures_from
        self.header.add_child(Verbatim(_leaflet()))

    def render(self, **kwargs: object) -> str:
        """Return the page's HTML, the same each time: Folium's random ids become numbers.

        Raises
        ------
        DataError
            If something added to the map would be loaded from the web.
        """
        html: str = super().render(**kwargs)
        ids = dict.fromkeys(_FOLIUM_ID.findall(self.to_json()))
        number = {random: f"_{number}" for number, random in enumerate(ids)}
        html = _FOLIUM_NAME.sub(lambda found: number.get(found[1], found[0]), html)
        return seal(html, self.pictures_from)


def seal(html: str, pictures_from: str = "") -> str:
    """Return the page with a policy that lets only its own scripts and styles run.

    Parameters
    ----------
    html
        The page.
    pictures_from
        The one host that pictures may come from; none by default.

    Raises
    ------
    DataError
        If the page names an address that it would load.
    """
    harmless = (*_HARMLESS, f"{pictures_from}/") if pictures_from else _HARMLESS
    for found in _ADDRESS.findall(_FIGURES.sub(",", html)):
        if not found.startswith(harmless):
            raise DataError("map.foreign_address", value=found)
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for tag, attributes, text in _INLINE.findall(html):
        if "application/json" in attributes:
            continue
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[tag.lower()].append(f"'sha256-{digest}'")
    scripts, styles = " ".join(hashes["script"]), " ".join(hashes["style"])
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; "
        f"img-src {' '.join(filter(None, ['data:', pictures_from]))}; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return html.replace('<meta charset="utf-8">', meta, 1)


def _leaflet() -> str:
    """Return Leaflet's style and script, its few pictures written into the style."""
    style = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    style = re.sub(r"/\*.*?\*/|[^;{}]*url\(#default#VML\);", "", style, flags=re.DOTALL)  # VML: old Explorer
    style = re.sub(r"url\((images/[\w.-]+)\)", lambda found: f"url({_data_url(found[1])})", style)
    script = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8").split("//# sourceMappingURL")[0]
    return f"<style>{style}</style>\n<script>{script}</script>"


def _data_url(path: str) -> str:
    kind = mimetypes.guess_type(path)[0]
    content = base64.b64encode((_LEAFLET / path).read_bytes()).decode()
    return f"data:{kind};base64,{content}"
