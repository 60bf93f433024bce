"""Do names stay names, in HTML, in Jinja and in JavaScript?"""

import html
import json

import jinja2
import pytest

from lifecircle.render.text import embed_json, escape, readable

PAYLOADS = (
    "{{ 7 * 7 }}",
    "{% for x in range(9) %}A{% endfor %}",
    "{# gone #} ${alert(1)}",
    "${document.title = 'x'} `${alert(1)}`",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e \\'; alert(1); //",
    "<!-- --><a href=javascript:alert(1)>x</a> &lt;b&gt; &#123;",
    "https://example.org/x.js @import url(//example.org/x.css)",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_escaped_text_is_inert_and_reads_as_written(payload: str) -> None:
    shown = escape(payload)
    assert not set(shown) & set("<>\"'{}$\\`/(@")
    assert jinja2.Template(shown).render() == shown
    assert html.unescape(shown) == payload


@pytest.mark.parametrize("payload", PAYLOADS)
def test_embedded_json_is_inert_and_reads_as_written(payload: str) -> None:
    data = {payload: [payload, {"number": 1.5, "none": None}], "plain": "示例社区 é"}
    text = embed_json(data)
    assert json.loads(text) == data
    assert jinja2.Template(text).render() == text
    assert not set(text) & set("<>&$`/'(@")
    assert "//" not in text


def test_what_cannot_be_seen_is_gone() -> None:
    name = "一\u202e二\u200b三\x00\x1b[31m\ud800\u2028四\r\n五"
    assert readable(name) == "一二三[31m 四  五"
    assert json.loads(embed_json([name])) == [readable(name)]
    embed_json([name]).encode()


def test_numbers_json_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        embed_json([float("nan")])


def test_anything_has_a_text() -> None:
    assert escape(3) == "3"
    assert escape(None) == "None"
