/* How is the city drawn on canvas, and what does it answer to a pointer, a search or a change of layer?

   Names come from files of strangers: they go into the page as text nodes only, never as HTML. The one exception,
   the attribution, was escaped in Python. */
"use strict";

const lifecircle = (() => {
  const data = JSON.parse(document.getElementById("lifecircle-data").textContent);
  const { words, services, minutes, communities, gaps, facilities } = data;
  const SHARE_COLORS = ["#c4604a", "#df8c68", "#eeb791", "#f6dabd", "#fcf2e6"];
  const WALK_COLORS = ["#eef4f8", "#cbdfec", "#9fc3dc", "#6b9ec4", "#3f719b"];
  const NOBODY = "#d8d8d4";
  const INK = "#22262b";
  const BACKDROP = {
    green: { fill: "#8fb57f", opacity: 0.38 },
    water: { fill: "#b4d2e3", opacity: 1, line: "#93bdd4", weight: 0.6 },
    building: { fill: "#8b8a88", opacity: 0.5, minZoom: 14 },
    path: { line: "#8f8b85", weight: 0.7, dash: "2 2", minZoom: 14.5 },
    side: { line: "#a8a49d", weight: 0.8 },
    main: { line: "#7d7972", weight: 1.8 },
    edge: { line: "#444444", weight: 1, dash: "6 5" },
  };
  const number = new Intl.NumberFormat(data.lang === "zh" ? "zh-CN" : "en", { maximumFractionDigits: 0 });
  const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)}%`);
  const walk = (value) =>
    value === null ? "–" : value < 0 ? words.unreached : `${value.toFixed(1)} ${words.minutes_unit}`;
  const within = (threshold) => `${threshold} ${words.minutes_unit}`;
  const people = (value) => `${number.format(value)} ${words.unit}`;
  const facilityName = (row) => facilities.name[row] || words.unnamed;
  const rowOf = (community, service, step) => (community * services.length + service) * minutes.length + step;

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

  /* Canvas takes a pattern where Leaflet expects a colour. */
  function hatch(ink, width) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    for (const shift of [-6, 0, 6]) {
      pen.moveTo(shift - 1, 7);
      pen.lineTo(shift + 7, -1);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  const Mark = L.CircleMarker.extend({
    _updatePath() {
      const pen = this._renderer._ctx;
      if (!this._renderer._drawing || this._empty()) return;
      const scale = this._radius / 6;
      pen.save();
      pen.translate(this._point.x - this._radius, this._point.y - this._radius);
      pen.scale(scale, scale);
      const outline = new Path2D(services[this.options.service].mark);
      pen.lineWidth = 3 / scale;
      pen.strokeStyle = "#ffffff";
      pen.stroke(outline);
      pen.fillStyle = services[this.options.service].color;
      pen.fill(outline);
      pen.lineWidth = 0.9 / scale;
      pen.strokeStyle = INK;
      pen.stroke(outline);
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

  /* -------------------------------------------------------------------------------- what a pointer is told */

  function communityTip(row, view) {
    const tip = element("div", "", element("b", "", communities.name[row]));
    const at = rowOf(row, view.service, view.step ?? minutes.length - 1);
    const { rows } = communities;
    tip.append(element("div", "", icon(view.service), view.step === undefined
      ? `${services[view.service].name} · ${words.median} ${walk(rows.median[at])}`
      : `${services[view.service].name} · ${within(minutes[view.step])} · ${words.covered} ${percent(rows.covered[at])}`));
    return tip;
  }

  function communityTable(row) {
    const { rows } = communities;
    const body = services.flatMap((service, column) => {
      const first = rowOf(row, column, 0);
      const lines = minutes.map((threshold, step) => {
        const at = first + step;
        const bar = element("span", "lc-bar");
        for (const [name, share] of [["covered", rows.covered[at]], ["gap", rows.gap[at]], ["unknown", rows.unknown[at]]]) {
          const piece = element("i", `lc-${name}`);
          piece.style.flexGrow = share ?? 0;
          bar.append(piece);
        }
        return element("tr", "",
          element("td", "lc-within", within(threshold), bar),
          element("td", "", percent(rows.covered[at])),
          element("td", rows.gap[at] > 0 ? "lc-short" : "", percent(rows.gap[at])),
          element("td", "", percent(rows.unknown[at])),
          element("td", "lc-why", rows.reason[at] ? words[`reason_${rows.reason[at]}`] : "–"));
      });
      const nearest = rows.nearest[first] ? `${words.nearest} ${rows.nearest[first]} · ` : "";
      const heading = element("th", "", icon(column), service.name,
        element("small", "", `${nearest}${words.median} ${walk(rows.median[first])}`));
      heading.colSpan = 5;
      return [element("tr", "lc-service", heading), ...lines];
    });
    const heads = ["threshold", "covered", "gap", "unknown", "reason"];
    return element("table", "lc-table",
      element("thead", "", element("tr", "", ...heads.map((name) => element("th", "", words[name])))),
      element("tbody", "", ...body));
  }

  function communityPopup(row) {
    return element("div", "lc-popup",
      element("h2", "", communities.name[row], element("small", "", people(communities.people[row]))),
      communityTable(row));
  }

  const gapTitle = (row) => [
    icon(gaps.service[row]),
    `${words.gap} ${gaps.id[row]} · ${services[gaps.service[row]].name} · ${within(gaps.minutes[row])}`,
  ];

  function gapTip(row) {
    return element("div", "",
      element("b", "", ...gapTitle(row)),
      element("div", "", `${communities.name[gaps.community[row]]} · ${people(gaps.people[row])}`),
      element("div", "", words[`reason_${gaps.reason[row]}`]));
  }

  function gapPopup(row) {
    const straight = gaps.straight[row];
    const facts = [
      [words.reason, words[`reason_${gaps.reason[row]}`]],
      [words.nearest, gaps.nearest[row] || "–"],
      [words.median, walk(gaps.walk[row])],
      [words.straight, straight === null || straight < 0 ? "–" : `${number.format(straight)} ${words.metres_unit}`],
      [words.worst, walk(gaps.worst[row])],
    ];
    return element("div", "lc-popup",
      element("h2", "", ...gapTitle(row), element("small", "", people(gaps.people[row]))),
      element("dl", "", ...facts.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)])),
      element("h3", "", communities.name[gaps.community[row]]),
      communityTable(gaps.community[row]));
  }

  function facilityCard(row) {
    return element("div", "",
      element("b", "", facilityName(row)),
      element("div", "", icon(facilities.service[row]), services[facilities.service[row]].name),
      element("div", "lc-faint", `${words.source} ${facilities.source[row]}`));
  }

  /* -------------------------------------------------------------------------------- the map */

  function start(map) {
    map.setMinZoom(8).setMaxZoom(19);
    map.createPane("lc-fills").style.zIndex = 350;
    map.createPane("lc-backdrop").style.zIndex = 360;
    map.createPane("lc-names").style.zIndex = 450;
    for (const pane of ["lc-fills", "lc-backdrop", "lc-names"]) map.getPane(pane).style.pointerEvents = "none";
    const fills = L.canvas({ pane: "lc-fills", padding: 0.3 });
    const backdrop = L.canvas({ pane: "lc-backdrop", padding: 0.3 });
    const top = L.canvas({ padding: 0.3 });
    const gapHatch = hatch(INK, 1.3);
    const unknownHatch = hatch("#8d8d88", 0.9);
    const popup = { maxWidth: Math.min(430, window.innerWidth - 50), autoPanPadding: [12, 12] };
    const outlines = unpack(communities.shapes);
    let view = null;

    const borders = outlines.map((rings, row) => L.polygon(rings, {
      renderer: top, color: "#5b5650", weight: 0.9, fillOpacity: 0,
    }).bindTooltip(() => communityTip(row, view), { sticky: true, className: "lc-tip" })
      .bindPopup(() => communityPopup(row), popup)
      .on("mouseover", (event) => event.target.setStyle({ color: INK, weight: 2.4 }))
      .on("mouseout", (event) => event.target.setStyle({ color: "#5b5650", weight: 0.9 })));
    L.layerGroup(borders).addTo(map);

    /* ---- facilities: those of the service in view stand out */
    const places = unpack(facilities.at).map(([[place]], row) => new Mark(place, {
      renderer: top, service: facilities.service[row], radius: 5,
    }).bindTooltip(() => facilityCard(row), { className: "lc-tip" }).bindPopup(() => facilityCard(row), popup));
    const facilityLayers = services.map((_, service) =>
      L.layerGroup(places.filter((place) => place.options.service === service)));
    const raise = () => {
      for (const place of places) {
        if (map.hasLayer(place)) place.bringToFront();
      }
    };
    facilityLayers.forEach((layer) => layer.on("add", raise));

    /* ---- gaps of the service and threshold in view */
    const gapShapes = unpack(gaps.shapes);
    const gapLayers = services.map((_, service) => minutes.map((threshold) => new Late(() =>
      gapShapes.flatMap((rings, row) => gaps.service[row] === service && gaps.minutes[row] === threshold
        ? [L.polygon(rings, {
            renderer: top, color: INK, weight: 1.1, fillColor: gapHatch, fillOpacity: 1, smoothFactor: 0.5,
          }).bindTooltip(() => gapTip(row), { sticky: true, className: "lc-tip" }).bindPopup(() => gapPopup(row), popup)]
        : []))));
    let gapsWanted = false;
    const inView = () => (view?.step === undefined ? null : gapLayers[view.service][view.step]);
    const showGaps = () => {
      gapLayers.flat().forEach((layer) => layer.remove());
      if (gapsWanted) inView()?.addTo(map);
      raise();
      adapt();
    };

    /* ---- seen from far, marks and lines are smaller; seen from near, buildings show through the colours */
    const adapt = () => {
      const zoom = map.getZoom();
      map.getPane("lc-fills").style.opacity = zoom < 15 ? 1 : 0.78;
      inView()?._drawn?.eachLayer((shape) => shape.setStyle({ weight: zoom < 13.5 ? 0.4 : 1.1 }));
      for (const place of places) {
        place.setRadius((place.options.service === view?.service ? 6.5 : 4) - (zoom < 13 ? 1.5 : 0));
      }
    };
    map.on("zoomend", adapt);
    const gapSwitch = new L.Layer();
    gapSwitch.onAdd = () => { gapsWanted = true; showGaps(); };
    gapSwitch.onRemove = () => { gapsWanted = false; showGaps(); };

    /* ---- what fills the communities */
    const share = (service, step) => () => outlines.map((rings, row) => {
      const value = communities.rows.covered[rowOf(row, service, step)];
      return L.polygon(rings, {
        renderer: fills, stroke: false, fillOpacity: 0.92, interactive: false,
        fillColor: value === null ? NOBODY : SHARE_COLORS[Math.min(4, Math.floor(value * 5))],
      });
    });
    const bands = (service) => () => unpack(data.bands[service]).map((rings, band) => L.polygon(rings, {
      renderer: fills, interactive: false, smoothFactor: 0.5, weight: 0.6, fillOpacity: 0.92,
      color: WALK_COLORS[band] ?? NOBODY, stroke: band < WALK_COLORS.length,
      fillColor: WALK_COLORS[band] ?? unknownHatch,
    }));
    function chosen(service, step) {
      const layer = new Late(step === undefined ? bands(service) : share(service, step));
      return layer.on("add", () => {
        view = { service, step };
        showGaps();
        legend.draw();
      });
    }

    /* ---- backdrop */
    function scenery(kind) {
      const { fill, opacity, line, weight = 0, dash, minZoom } = BACKDROP[kind];
      return new Late(() => {
        const [rings] = unpack(data.backdrop[kind]);
        const options = {
          renderer: backdrop, interactive: false, color: line, weight, dashArray: dash,
          stroke: Boolean(line), fillColor: fill, fillOpacity: opacity, fillRule: "nonzero",
        };
        return [fill ? L.polygon(rings, options) : L.polyline(rings, options)];
      }, minZoom);
    }
    const present = (kinds) => kinds.filter((kind) => data.backdrop[kind]).map(scenery);
    const [water, green, edge] = ["water", "green", "edge"].map((kind) => present([kind]));
    const streets = L.layerGroup(present(["path", "side", "main"]));
    const buildings = L.layerGroup(present(["building"]));
    [...green, ...water, ...edge].forEach((layer) => layer.addTo(map));
    const sink = (layers) => layers.forEach((layer) => layer._drawn?.eachLayer((shape) => shape.bringToBack()));
    const order = () => [buildings.getLayers(), water, green].forEach(sink);
    buildings.eachLayer((layer) => layer.on("seen", order));
    streets.eachLayer((layer) => layer.on("seen", order));

    /* ---- names where they fit */
    const centers = unpack(communities.center);
    const labels = centers.map(([[place]], row) => L.marker(place, {
      pane: "lc-names", interactive: false, keyboard: false,
      icon: L.divIcon({ className: "lc-name", iconSize: [0, 0], html: element("span", "", communities.name[row]) }),
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
    const names = new L.Layer();
    names.onAdd = () => { map.on("zoomend", fit); fit(); };
    names.onRemove = () => { map.off("zoomend", fit); labels.forEach((label) => label.remove()); };

    /* ---- controls */
    const legend = L.control({ position: "bottomleft" });
    legend.onAdd = () => {
      legend.box = element("details", "lc-panel lc-legend");
      legend.box.open = window.innerWidth >= 720;
      L.DomEvent.disableClickPropagation(legend.box);
      L.DomEvent.disableScrollPropagation(legend.box);
      legend.draw();
      return legend.box;
    };
    legend.draw = () => {
      if (!legend.box || !view) return;
      const { service, step } = view;
      const title = element("summary", "", icon(service), services[service].name,
        ` · ${step === undefined ? words.walk : within(minutes[step])}`);
      const scale = element("div", "lc-scale");
      const rows = [];
      const line = (mark, text) => rows.push(element("div", "lc-key", mark, text));
      if (step === undefined) {
        const edges = [0, ...data.bandEdges];
        WALK_COLORS.forEach((color, band) => scale.append(element("span", "", swatch(color), edges[band])));
        scale.append(element("b", "", "+"));
        line(swatch("", "lc-hatch lc-pale"), words.legend_unknown);
      } else {
        SHARE_COLORS.forEach((color, rank) => scale.append(element("span", "", swatch(color), rank * 20)));
        scale.append(element("b", "", "100%"));
        line(swatch("", "lc-hatch"), words.legend_gap);
        line(swatch(NOBODY), words.legend_nobody);
      }
      if (data.backdrop.edge) line(swatch("", "lc-dashes"), words.legend_edge);
      legend.box.replaceChildren(title,
        element("p", "", step === undefined ? words.legend_walk : words.legend_share), scale,
        element("div", "lc-keys", ...rows),
        element("div", "lc-services", ...services.map((other, column) => element("span", "", icon(column), other.name))),
        ...data.notes.map((note) => element("p", "lc-faint", note)));
    };
    legend.addTo(map);
    L.control.scale({ imperial: false, maxWidth: 160, position: "bottomleft" }).addTo(map);
    map.on("popupopen", ({ popup: opened }) => opened._source?.closeTooltip());
    map.attributionControl.setPrefix("Leaflet").addAttribution(data.attribution);
    search(map, {
      community: (row) => {
        map.fitBounds(borders[row].getBounds(), { maxZoom: 16, padding: [30, 30] });
        borders[row].openPopup(centers[row][0][0]);
      },
      facility: (row) => {
        map.addLayer(facilityLayers[facilities.service[row]]);
        map.setView(places[row].getLatLng(), Math.max(16, map.getZoom()));
        places[row].openPopup();
      },
    });

    const layers = { share: chosen, walk: chosen, gaps: () => gapSwitch, streets: () => streets,
      facilities: (service) => facilityLayers[service], buildings: () => buildings, names: () => names };
    return (kind, ...numbers) => layers[kind](...numbers);
  }

  function search(map, show) {
    const entries = [
      ...communities.name.map((name, row) => ({ name, row, kind: "community", mark: null, hint: words.kind_community })),
      ...facilities.name.map((name, row) => ({
        name: name || words.unnamed, row, kind: "facility", mark: facilities.service[row],
        hint: services[facilities.service[row]].name,
      })),
    ].map((entry) => ({ ...entry, key: `${entry.name} ${entry.hint}`.toLowerCase() }));
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
      show[entry.kind](entry.row);
    }
    function suggest() {
      const asked = field.value.trim().toLowerCase();
      const found = asked ? entries.filter((entry) => entry.key.includes(asked)).slice(0, 8) : [];
      active = Math.max(0, Math.min(active, found.length - 1));
      list.replaceChildren(...found.map((entry, place) => {
        const item = element("li", place === active ? "lc-active" : "",
          entry.mark === null ? "" : icon(entry.mark), entry.name, element("small", "", entry.hint));
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

  const started = new WeakMap();
  return {
    layer(map, what) {
      if (!started.has(map)) started.set(map, start(map));
      return started.get(map)(...what);
    },
  };
})();
