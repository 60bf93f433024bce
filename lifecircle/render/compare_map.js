/* How is what changed between two runs drawn on canvas, and what does it answer to a pointer or a search? */
"use strict";

mapPage.draw((map) => {
  const { data, INK, number, percent, within, rowOf, unpack, element, icon, Mark, Late } = mapPage;
  const { words, services, communities, facilities } = data;
  const MOVES = ["kept", "added", "removed"];
  /* Told apart without colour too: gained falls, thin on light; lost rises, heavy; what stayed is flat grey. */
  const CHANGE_COLORS = { gained: ["#0f5c93", "#d6e9f5"], lost: ["#8c2f12", "#f3b89d"], still: ["#77736d", "#b5b1aa"] };
  const HATCHES = {
    gained: mapPage.hatch(CHANGE_COLORS.gained[0], 1.1, { paper: CHANGE_COLORS.gained[1], size: 7, falling: true }),
    lost: mapPage.hatch(CHANGE_COLORS.lost[0], 2.2, { paper: CHANGE_COLORS.lost[1], size: 6 }),
    still: CHANGE_COLORS.still[1],
  };
  const people = (value) => `${number.format(value)} ${words.unit}`;
  const moved = (value) => (value === null ? "–" : number.format(value));
  const points = (value) => (value === null ? "–" : Math.abs(value) < 0.05 ? "0.0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`);
  const facilityName = (row) => facilities.name[row] || words.unnamed;

  /* -------------------------------------------------------------------------------- what a pointer is told */

  function communityTip(row, { service, step }) {
    const at = rowOf(row, service, step);
    const { rows } = communities;
    return element("div", "", element("b", "", communities.name[row]),
      element("div", "", icon(service), `${services[service].name} · ${within(service, step)} · `
        + `${percent(rows.before[at])} → ${percent(rows.after[at])} (${points(rows.points[at])})`));
  }

  function communityPopup(row) {
    const { rows } = communities;
    const body = services.flatMap((service, column) => {
      const heading = element("th", "", icon(column), service.name);
      heading.colSpan = 6;
      return [element("tr", "lc-service", heading), ...service.limits.map((limit, step) => {
        const at = rowOf(row, column, step);
        const cells = [limit, percent(rows.before[at]), percent(rows.after[at]), points(rows.points[at]),
          moved(rows.gained[at]), moved(rows.lost[at])];
        return element("tr", "", ...cells.map((text) => element("td", "", text)));
      })];
    });
    const heads = ["threshold", "before", "after", "points", "people_gained", "people_lost"];
    return element("div", "lc-popup",
      element("h2", "", communities.name[row],
        element("small", "", communities.people[row] === null ? "" : people(communities.people[row]))),
      element("table", "lc-table",
        element("thead", "", element("tr", "", ...heads.map((name) => element("th", "", words[name])))),
        element("tbody", "", ...body)));
  }

  function facilityCard(row) {
    return element("div", "",
      element("b", "", facilityName(row)),
      element("div", "", icon(facilities.service[row]), services[facilities.service[row]].name),
      element("div", "lc-faint", `${words.facility} ${words[MOVES[facilities.move[row]]]}`));
  }

  /* -------------------------------------------------------------------------------- the map */

  const { fills, backdrop, top, popup } = mapPage.prepare(map);
  let view = { service: 0, step: 0 };
  const borders = unpack(communities.shapes).map((rings, row) => L.polygon(rings, {
    renderer: top, color: "#5b5650", weight: 0.9, fillOpacity: 0,
  }).bindTooltip(() => communityTip(row, view), { sticky: true, className: "lc-tip" })
    .bindPopup(() => communityPopup(row), popup)
    .on("mouseover", (event) => event.target.setStyle({ color: INK, weight: 2.4 }))
    .on("mouseout", (event) => event.target.setStyle({ color: "#5b5650", weight: 0.9 })));
  const ground = L.layerGroup(borders.map((border) => L.polygon(border.getLatLngs(), {
    renderer: fills, interactive: false, stroke: false, fillColor: "#ffffff", fillOpacity: 0.9,
  }))).addTo(map);
  L.layerGroup(borders).addTo(map);

  const built = new Late(() => unpack(data.built).map((rings) => L.polygon(rings, {
    renderer: fills, interactive: false, stroke: false, fillColor: "#e4e1da", fillOpacity: 1, smoothFactor: 0.5,
  })));
  const sink = () => {
    built._drawn?.eachLayer((shape) => shape.bringToBack());
    ground.eachLayer((shape) => shape.bringToBack());
  };
  built.on("seen", sink);

  const change = (service, step) => {
    const layer = new Late(() => unpack(data.changes[rowOf(0, service, step)]).map((rings, kind) => {
      const name = data.changeKinds[kind];
      return L.polygon(rings, {
        renderer: backdrop, interactive: false, smoothFactor: 0.5, weight: name === "still" ? 0.5 : 1.2,
        color: CHANGE_COLORS[name][0], fillColor: HATCHES[name], fillOpacity: 1,
      });
    }));
    return layer.on("add", () => {
      view = { service, step };
      legend.draw();
      adapt();
    });
  };

  /* ---- facilities: a plus is new, a cross is gone */
  const strokes = { added: "M6 2.6V9.4M2.6 6H9.4", removed: "M1 1L11 11M11 1L1 11" };
  const sign = (name) => (pen, scale) => {
    const path = new Path2D(strokes[name]);
    for (const [color, width] of name === "added" ? [[INK, 4.4], ["#ffffff", 2.4]] : [["#ffffff", 4.4], [INK, 2.2]]) {
      pen.strokeStyle = color;
      pen.lineWidth = width / scale;
      pen.stroke(path);
    }
  };
  const places = unpack(facilities.at).map(([[place]], row) => {
    const name = MOVES[facilities.move[row]];
    return new Mark(place, {
      renderer: top, service: facilities.service[row], radius: 5, move: name,
      paper: name === "removed" ? "#ffffff" : undefined, sign: strokes[name] && sign(name),
    }).bindTooltip(() => facilityCard(row), { className: "lc-tip" }).bindPopup(() => facilityCard(row), popup);
  });
  const facilityLayers = services.map((_, service) =>
    L.layerGroup(places.filter((place) => place.options.service === service)));
  const adapt = () => {
    const far = map.getZoom() < 13 ? 1 : 0;
    for (const place of places) {
      const moved = place.options.move !== "kept";
      const near = place.options.service === view.service;
      place.setRadius((moved ? (near ? 9 : 6.5) : near ? 5 : 3.5) - far);
      if (moved && map.hasLayer(place)) place.bringToFront();
    }
  };
  map.on("zoomend", adapt);
  facilityLayers.forEach((layer) => layer.on("add", adapt));

  /* ---- streets that are new: the colour of what is gained, dotted on white, so that they show on any ground */
  const passages = unpack(data.links).flatMap((lines) => [
    L.polyline(lines, { renderer: top, color: "#ffffff", weight: 8, interactive: false }),
    L.polyline(lines, { renderer: top, color: CHANGE_COLORS.gained[0], weight: 5, dashArray: "2 7" })
      .bindTooltip(words.links, { className: "lc-tip" }),
  ]);

  /* ---- controls */
  const centers = unpack(communities.center).map(([[place]]) => place);
  const names = mapPage.nameLayer(map, borders, centers, communities.name);
  const signed = (service, name) => {
    const made = icon(service);
    if (!strokes[name]) return made;
    if (name === "removed") made.firstChild.setAttribute("fill", "#ffffff");
    for (const part of ["lc-under", "lc-over"]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", strokes[name]);
      path.setAttribute("class", `${part} lc-${name}`);
      made.append(path);
    }
    return made;
  };
  const legend = mapPage.addLegend(map, () => {
    const { service, step } = view;
    const line = (mark, text) => element("div", "lc-key", mark, text);
    return [[icon(service), services[service].name, ` · ${within(service, step)}`],
      element("div", "lc-keys",
        ...data.changeKinds.map((name) => line(element("i", `lc-swatch lc-change lc-${name}`), words[`gap_${name}`])),
        ...MOVES.map((name) => line(signed(service, name), `${words.facility} ${words[name]}`)),
        ...(passages.length ? [line(mapPage.swatch(CHANGE_COLORS.gained[0]), words.links)] : []),
        line(element("i", "lc-swatch lc-built"), words.built))];
  });
  mapPage.addSearch(map, [
    ...communities.name.map((name, row) => ({
      name, service: null, hint: words.kind_community,
      show() {
        map.fitBounds(borders[row].getBounds(), { maxZoom: 16, padding: [30, 30], animate: false });
        borders[row].openPopup(centers[row]);
      },
    })),
    ...facilities.name.map((_, row) => ({
      name: facilityName(row), service: facilities.service[row], hint: words[MOVES[facilities.move[row]]],
      show() {
        map.addLayer(facilityLayers[facilities.service[row]]);
        map.setView(places[row].getLatLng(), Math.max(16, map.getZoom()), { animate: false });
        places[row].openPopup();
      },
    })),
  ]);

  return { change, facilities: (service) => facilityLayers[service], links: () => L.layerGroup(passages),
    names: () => names, built: () => built };
});
