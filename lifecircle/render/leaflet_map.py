"""What of Leaflet does a page of ours use: a map, what it shows first, its layers and what switches them?

The elements are Branca's, as Folium's are, so that Folium's layers can be added to them; Folium itself takes
a fifth of a second to load, and is not needed to draw what is ours. What the templates write is what Folium
0.20 writes.
"""

from collections.abc import Sequence
from typing import Any

from branca.element import MacroElement
from jinja2 import Template

from lifecircle.render.leaflet import Verbatim


class _Named(MacroElement):
    """An element that the page's script calls by this name and a number."""

    def __init__(self, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = name

    def render(self, **kwargs: Any) -> str:
        """Put what the template says into the page, as it is: Branca would compile it as a template again."""
        page: Any = self.get_root()
        for part in ("header", "html", "script"):
            macro = getattr(self._template.module, part, None)
            if macro is not None:
                getattr(page, part).add_child(Verbatim(macro(self, kwargs)), name=self.get_name())
        for child in self._children.values():
            child.render(**kwargs)
        return ""


class LeafletMap(_Named):
    """A map that fills its page. Layers are added by ``add_child``, or by ``add_to`` of Folium's.

    Parameters
    ----------
    bounds
        West, south, east and north of what is shown first, degrees.
    """

    _template = Template("""
        {% macro header(this, kwargs) %}
            <meta name="viewport" content="width=device-width,
                initial-scale=1.0, maximum-scale=1.0, user-scalable=no" />
            <style>
                #{{ this.get_name() }} {
                    position: relative;
                    width: 100.0%;
                    height: 100.0%;
                    left: 0.0%;
                    top: 0.0%;
                }
                .leaflet-container { font-size: 13px; }
            </style>

            <style>html, body {
                width: 100%;
                height: 100%;
                margin: 0;
                padding: 0;
            }
            </style>

            <style>#map {
                position:absolute;
                top:0;
                bottom:0;
                right:0;
                left:0;
                }
            </style>

            <script>
                L_NO_TOUCH = false;
                L_DISABLE_3D = false;
            </script>

        {% endmacro %}

        {% macro html(this, kwargs) %}
            <div class="folium-map" id={{ this.get_name()|tojson }} ></div>
        {% endmacro %}

        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.map(
                {{ this.get_name()|tojson }},
                {
                    center: {{ this.middle|tojson }},
                    crs: L.CRS.EPSG3857,
                    ...{
  "zoom": 10,
  "zoomControl": true,
  "preferCanvas": true,
  "zoomSnap": 0.25,
}

                }
            );

            {# where Folium brings layers to the front #}

        {% endmacro %}
        """)

    def __init__(self, bounds: Sequence[float]) -> None:
        super().__init__("Map")
        west, south, east, north = map(float, bounds)
        self.middle = [(south + north) / 2, (west + east) / 2]
        self.add_child(_FitBounds([[south, west], [north, east]]))

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        page: Any = self.get_root()
        shown: str = page._repr_html_()
        return shown


class _FitBounds(_Named):
    _template = Template("""
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.fitBounds(
                {{ this.bounds|tojson }},
                {"padding": [12, 12]}
            );
        {% endmacro %}
        """)

    def __init__(self, bounds: Sequence[Sequence[float]]) -> None:
        super().__init__("FitBounds")
        self.bounds = bounds


class DrawnLayer(_Named):
    """A layer that a script of ours draws.

    Parameters
    ----------
    what
        Its kind and the numbers of its service and limit.
    name
        How the layer control shows it: HTML, its texts escaped.
    overlay
        Whether it is shown beside others, not in their place.
    show
        Whether it is shown at first.
    """

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = mapPage.layer({{ this._parent.get_name() }}, {{ this.what|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, what: Sequence[object], name: str, *, overlay: bool = True, show: bool = True) -> None:
        super().__init__("Drawn")
        self.what, self.layer_name, self.overlay = what, name, overlay
        if show:
            self.add_child(_Shown("Shown"))


class _Shown(_Named):
    _template = Template("""
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.addTo({{ this._parent._parent.get_name() }});
        {% endmacro %}
    """)


class LayerControl(_Named):
    """What switches these layers of a map; it is added after them."""

    _template = Template("""
        {% macro script(this,kwargs) %}
            var {{ this.get_name() }}_layers = {
                base_layers : {
                    {%- for layer in this.layers if not layer.overlay %}
                    {{ layer.layer_name|tojson }} : {{ layer.get_name() }},
                    {%- endfor %}
                },
                overlays :  {
                    {%- for layer in this.layers if layer.overlay %}
                    {{ layer.layer_name|tojson }} : {{ layer.get_name() }},
                    {%- endfor %}
                },
            };
            let {{ this.get_name() }} = L.control.layers(
                {{ this.get_name() }}_layers.base_layers,
                {{ this.get_name() }}_layers.overlays,
                {
  "position": "topright",
  "collapsed": window.innerWidth < 720,
  "autoZIndex": true,
  "autoZIndex": false,
}
            ).addTo({{this._parent.get_name()}});

        {% endmacro %}
        """)

    def __init__(self, layers: Sequence[DrawnLayer]) -> None:
        super().__init__("LayerControl")
        self.layers = layers
