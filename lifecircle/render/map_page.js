/* What do our maps share: shapes out of numbers, marks, hatches, tiles, names, the search and the legend?

   Names come from files of strangers: they go into the page as text nodes only, never as HTML. The one exception,
   the attribution, was escaped in Python. */
"use strict";

const mapPage = (() => {
  const data = JSON.parse(document.getElementById("lifecircle-data").textContent);
  const { words, services } = data;
  const INK = "#22262b";
  const NOBODY = "#d8d8d4";
  const number = new Intl.NumberFormat(data.lang === "zh" ? "zh-CN" : "en", { maximumFractionDigits: 0 });
  const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)}%`);
  const within = (service, step) => services[service].limits[step];
  /* Rows run by community, service and limit; a service has limits of its own, in minutes or in metres. */
  let pairs = 0;
  const firstPair = services.map(({ limits }) => (pairs += limits.length) - limits.length);
  const rowOf = (community, service, step) => community * pairs + firstPair[service] + step;

  /* Shapes: parts per shape, vertices per part, steps in micro-degrees (lon, lat) from vertex to vertex. */
  function unpack({ parts, vertices, steps }) {
    let part = 0, at = 0, x = 0, y = 0;
    return parts.map((count) =>
      Array.from({ length: count }, () =>
        Array.from({ length: vertices[part++] }, () => {
          x += steps[at++];
          y += steps[at++];
          return new L.LatLng(y / 1e6, x / 1e6);
        })));
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  }

  function swatch(color, className = "") {
    const made = element("i", `lc-swatch ${className}`);
    if (color) made.style.backgroundColor = color;
    return made;
  }

  function icon(service) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    made.setAttribute("viewBox", "-1 -1 14 14");
    made.setAttribute("class", "lc-mark");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", services[service].mark);
    path.setAttribute("fill", services[service].color);
    made.append(path);
    return made;
  }

  /* Canvas takes a pattern where Leaflet expects a colour. Lines rise to the right, or fall. */
  function hatch(ink, width, { paper = null, size = 6, falling = false } = {}) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    if (paper) {
      pen.fillStyle = paper;
      pen.fillRect(0, 0, size, size);
    }
    if (falling) pen.setTransform(1, 0, 0, -1, 0, size);
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  /* A facility's mark; `sign` draws over it, in its box of 12 x 12. */
  const Mark = L.CircleMarker.extend({
    _updatePath() {
      const pen = this._renderer._ctx;
      if (!this._renderer._drawing || this._empty()) return;
      const { service, paper, sign } = this.options;
      const scale = this._radius / 6;
      pen.save();
      pen.translate(this._point.x - this._radius, this._point.y - this._radius);
      pen.scale(scale, scale);
      const outline = new Path2D(services[service].mark);
      pen.lineWidth = 3 / scale;
      pen.strokeStyle = "#ffffff";
      pen.stroke(outline);
      pen.fillStyle = paper ?? services[service].color;
      pen.fill(outline);
      pen.lineWidth = 0.9 / scale;
      pen.strokeStyle = INK;
      pen.stroke(outline);
      sign?.(pen, scale, outline);
      pen.restore();
    },
  });

  /* A layer whose parts are made when it is first seen, and seen from a zoom on. */
  const Late = L.Layer.extend({
    initialize(make, minZoom = 0) {
      this._make = make;
      this._minZoom = minZoom;
    },
    onAdd(map) {
      map.on("zoomend", this._check, this);
      this._check();
    },
    onRemove(map) {
      map.off("zoomend", this._check, this);
      this._drawn?.remove();
    },
    _check() {
      const seen = this._map.getZoom() >= this._minZoom;
      if (seen) {
        this._drawn ??= L.layerGroup(this._make());
        if (!this._map.hasLayer(this._drawn)) {
          this._drawn.addTo(this._map);
          this.fire("seen");
        }
      } else {
        this._drawn?.remove();
      }
    },
  });

  /* A layer that is nothing but what to do when it is switched on and off. */
  function toggle(on, off) {
    const layer = new L.Layer();
    layer.onAdd = on;
    layer.onRemove = off;
    return layer;
  }

  /* Leaflet's own words, before it makes the map. */
  const { _initLayout } = L.Control.Layers.prototype;
  L.Control.Zoom.mergeOptions({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out });
  L.Control.Layers.include({
    _initLayout() {
      _initLayout.call(this);
      this._layersLink.title = words.layers;
      this._layersLink.setAttribute("aria-label", words.layers);
    },
  });

  /* Panes and canvases, and what every map has. */
  function prepare(map, leastZoom = 8) {
    map.setMinZoom(Math.min(leastZoom, map.getZoom())).setMaxZoom(19);  // it shows the whole place by now
    const panes = { "lc-fills": 350, "lc-backdrop": 360, "lc-names": 450 };
    for (const [name, height] of Object.entries(panes)) {
      Object.assign(map.createPane(name).style, { zIndex: height, pointerEvents: "none" });
    }
    L.control.scale({ imperial: false, maxWidth: 160, position: "bottomleft" }).addTo(map);
    map.on("popupopen", ({ popup }) => {
      popup._source?.closeTooltip();
      popup._closeButton?.setAttribute("aria-label", words.close);
    });
    map.attributionControl.setPrefix("Leaflet").addAttribution(data.attribution);
    return {
      fills: L.canvas({ pane: "lc-fills", padding: 0.3 }),
      backdrop: L.canvas({ pane: "lc-backdrop", padding: 0.3 }),
      top: L.canvas({ padding: 0.3 }),
      popup: {
        maxWidth: Math.min(430, window.innerWidth - 50), maxHeight: Math.max(200, map.getSize().y - 110),
        autoPanPaddingTopLeft: [12, 58], autoPanPaddingBottomRight: [12, 12],
      },
    };
  }

  /* Tiles below everything. `seen` is called when the first of them arrives: without a network, never. */
  function addTiles(map, seen) {
    const { tiles, maxZoom, website } = data.basemap;
    if (website && !/^(https?|about):/.test(window.location.protocol)) {
      data.notes.push(words.website_only);
      return;
    }
    for (const address of tiles) {
      const layer = L.tileLayer(address, {
        maxNativeZoom: maxZoom, maxZoom: 19, referrerPolicy: "strict-origin-when-cross-origin", className: "lc-tiles",
      });
      layer.once("tileload", seen);
      layer.addTo(map);
    }
  }

  /* Names of communities, where they fit. */
  function nameLayer(map, borders, centers, names) {
    const labels = centers.map((place, row) => L.marker(place, {
      pane: "lc-names", interactive: false, keyboard: false,
      icon: L.divIcon({ className: "lc-name", iconSize: [0, 0], html: element("span", "", names[row]) }),
    }));
    const widths = [];
    const fit = () => {
      const taken = [];
      labels.forEach((label, row) => {
        const bounds = borders[row].getBounds();
        const size = map.latLngToLayerPoint(bounds.getSouthEast()).subtract(map.latLngToLayerPoint(bounds.getNorthWest()));
        const middle = map.latLngToLayerPoint(label.getLatLng());
        label.addTo(map);
        widths[row] ??= label.getElement().firstChild.offsetWidth;
        const half = L.point(widths[row] / 2 + 2, 9);
        const place = L.bounds(middle.subtract(half), middle.add(half));
        if (size.x > 0.9 * widths[row] && size.y > 26 && !taken.some((other) => other.intersects(place))) taken.push(place);
        else label.remove();
      });
    };
    return toggle(
      () => { map.on("zoomend", fit); fit(); },
      () => { map.off("zoomend", fit); labels.forEach((label) => label.remove()); });
  }

  /* A legend that `contents` fills: the title's parts, then the rest. */
  function addLegend(map, contents) {
    const legend = L.control({ position: "bottomleft" });
    legend.onAdd = () => {
      legend.box = element("details", "lc-panel lc-legend");
      legend.box.open = window.innerWidth >= 720;
      L.DomEvent.disableClickPropagation(legend.box);
      L.DomEvent.disableScrollPropagation(legend.box);
      return legend.box;
    };
    legend.draw = () => {
      const [title, ...rest] = contents();
      legend.box.replaceChildren(element("summary", "", ...title), ...rest,
        element("div", "lc-services", ...services.map((other, column) => element("span", "", icon(column), other.name))),
        ...data.notes.map((note) => element("p", "lc-faint", note)));
    };
    return legend.addTo(map);
  }

  /* Entries have a name, a hint, the number of a service or null, and `show`. */
  function addSearch(map, given) {
    const entries = given.map((entry) => ({ ...entry, key: `${entry.name} ${entry.hint}`.toLowerCase() }));
    const field = element("input");
    Object.assign(field, { type: "search", placeholder: words.search, autocomplete: "off", spellcheck: false });
    field.setAttribute("aria-label", words.search);
    const list = element("ul");
    const box = element("div", "lc-panel lc-search", field, list);
    let active = 0;

    function choose(entry) {
      list.replaceChildren();
      field.value = entry.name;
      field.blur();
      entry.show();
    }
    function suggest() {
      const asked = field.value.trim().toLowerCase();
      const found = asked ? entries.filter((entry) => entry.key.includes(asked)).slice(0, 8) : [];
      active = Math.max(0, Math.min(active, found.length - 1));
      list.replaceChildren(...found.map((entry, place) => {
        const item = element("li", place === active ? "lc-active" : "",
          entry.service === null ? "" : icon(entry.service), entry.name, element("small", "", entry.hint));
        item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(entry); });
        return item;
      }));
      if (asked && !found.length) list.append(element("li", "lc-faint", words.nothing_found));
      return found;
    }
    field.addEventListener("input", () => { active = 0; suggest(); });
    field.addEventListener("focus", suggest);
    field.addEventListener("blur", () => list.replaceChildren());
    field.addEventListener("keydown", (event) => {
      active += { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
      const found = suggest();
      if (event.key === "Enter" && found.length) choose(found[active]);
      if (event.key === "Escape") { field.value = ""; list.replaceChildren(); }
    });
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    const control = L.control({ position: "topleft" });
    control.onAdd = () => box;
    control.addTo(map);
    map.zoomControl?.setPosition("topleft");
  }

  /* `start` draws the map once and returns what makes its layers, by their kind. */
  let start = null;
  const started = new WeakMap();
  return {
    data, INK, NOBODY, number, percent, within, rowOf, unpack, element, swatch, icon, hatch, Mark, Late, toggle,
    prepare, addTiles, nameLayer, addLegend, addSearch,
    draw(how) { start = how; },
    layer(map, [kind, ...numbers]) {
      if (!started.has(map)) started.set(map, start(map));
      return started.get(map)[kind](...numbers);
    },
  };
})();
