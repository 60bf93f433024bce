"""How does a name from somebody's file go into a page without doing anything there?

Folium compiles what it rendered once more as a Jinja template, and writes some of it into JavaScript, so a
facility called ``{{ ... }}`` or ``<img onerror=...>`` would run. Every value and key passes through here.
"""

import json
import re
import unicodedata
from html import escape as escape_html

_SPACES = frozenset("\t\n\r\x0b\x0c\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})  # control, direction and zero-width characters, half surrogates
# Marks of Jinja and of JavaScript templates; and those that addresses are made with: no name shall be one.
_MARKS = "{}$\\`/(@"
_ENTITIES = {ord(mark): f"&#{ord(mark)};" for mark in _MARKS}
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_JSON_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in _MARKS + "<>&'\""}


def readable(value: object) -> str:
    r"""Return `value` as text on one line, without characters that cannot be seen or turn the direction.

    Examples
    --------
    >>> readable("示例\u202e社区\n一")
    '示例社区 一'
    """
    text = str(value)
    if text.isprintable():  # Python's word for text that holds none of these
        return text
    return "".join(
        " " if char in _SPACES else char
        for char in text
        if char in _SPACES or unicodedata.category(char) not in _UNSEEN
    )


def escape(value: object) -> str:
    """Return `value` as HTML that shows it as written and is inert in Jinja and in JavaScript too.

    Examples
    --------
    >>> escape("{{ 7*7 }} <b>${x}</b>")
    '&#123;&#123; 7*7 &#125;&#125; &lt;b&gt;&#36;&#123;x&#125;&lt;&#47;b&gt;'
    """
    return escape_html(readable(value)).translate(_ENTITIES)


def embed_json(data: object) -> str:
    r"""Return `data` as compact JSON that can stand inside a ``<script type="application/json">``.

    In every string, keys too, the marks that HTML, Jinja or JavaScript could take for their own are written
    as ``\uXXXX``: the parsed text is the same, the page's is inert.

    Raises
    ------
    ValueError
        If a number is infinite or not a number: JSON has neither.
    """

    def inert(token: re.Match[str]) -> str:
        text = token[0][1:-1] if "\\" not in token[0] else json.loads(token[0])
        return f'"{readable(text).translate(_JSON_ESCAPES)}"'

    return _JSON_STRING.sub(
        inert, json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    )
