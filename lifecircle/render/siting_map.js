/* How are suggested sites, other places and missing links drawn, and what do they answer to a pointer? */
"use strict";

mapPage.draw((map) => {
  const { data, INK, number, percent, unpack, element, icon, Mark, Late, hatch } = mapPage;
  const { words, services, communities, facilities, sites, alternatives, links } = data;
  const people = (value) => `${number.format(value)} ${words.unit}`;
  const fact = (name, value) => element("div", "", element("span", "lc-faint", `${name} `), value);
  const known = (name, value) => (value === null ? null : fact(name, number.format(value)));
  const SITE = "#8c2f12";

  function siteCard(row) {
    return element("div", "",
      element("b", "", `${row + 1} · ${sites.name[row]}`),
      element("div", "lc-faint", sites.community[row]),
      fact(words.gained, people(sites.gained[row])), fact(words.alone, people(sites.alone[row])),
      fact(words.share, percent(sites.share[row])), known(words.cost, sites.cost[row]),
      sites.robust[row] ? fact(words.robust, sites.robust[row]) : null);
  }
  function alternativeCard(row) {
    return element("div", "",
      element("b", "", alternatives.name[row]),
      element("div", "lc-faint", alternatives.community[row]),
      fact(words.instead, String(alternatives.instead[row])), fact(words.together, people(alternatives.gained[row])));
  }
  function linkCard(row) {
    return element("div", "",
      element("b", "", `${links.kind[row]} · ${number.format(links.metres[row])} ${words.metres_unit}`),
      fact(words.gained, people(links.gained[row])), fact(words.alone, people(links.alone[row])));
  }
  const told = (layer, card, row) => layer.bindTooltip(() => card(row), { className: "lc-tip" })
    .bindPopup(() => card(row), popup);

  /* -------------------------------------------------------------------------------- the map */

  const { fills, backdrop, top, popup } = mapPage.prepare(map);
  const borders = unpack(communities.shapes).map((rings) => L.polygon(rings, {
    renderer: top, color: "#5b5650", weight: 0.9, fillOpacity: 0, interactive: false,
  }));
  L.layerGroup(borders.map((border) => L.polygon(border.getLatLngs(), {
    renderer: fills, interactive: false, stroke: false, fillColor: "#ffffff", fillOpacity: 0.9,
  }))).addTo(map);
  L.layerGroup(borders).addTo(map);
  const part = (kind) => (data.backdrop[kind] ? unpack(data.backdrop[kind]) : []);
  L.layerGroup(part("water").map((rings) => L.polygon(rings, {
    renderer: fills, interactive: false, stroke: false, fillColor: "#c9dde6", fillOpacity: 1,
  }))).addTo(map);
  const streets = new Late(() => [["path", 0.6], ["side", 1], ["main", 1.8]].flatMap(([kind, weight]) =>
    part(kind).map((lines) => L.polyline(lines, {
      renderer: fills, interactive: false, color: "#b9b4aa", weight, smoothFactor: 1,
    }))));
  const pattern = hatch("#8a8580", 1.6, { paper: "#dfdcd5", size: 6 });
  const gaps = new Late(() => unpack(data.gaps).map((rings) => L.polygon(rings, {
    renderer: backdrop, interactive: false, smoothFactor: 0.5, weight: 0.5, color: "#77736d", fillColor: pattern, fillOpacity: 1,
  })));
  const open = unpack(facilities.at).map(([[place]], row) => new Mark(place, {
    renderer: top, service: 0, radius: 5,
  }).bindTooltip(() => facilities.name[row] || words.unnamed, { className: "lc-tip" }));
  /* A site is the service's mark, large, on a ring of its own colour; its number stands beside it. */
  const ring = (pen, scale) => {
    pen.setLineDash([]);
    pen.lineWidth = 2.6 / scale;
    pen.strokeStyle = SITE;
    pen.stroke(new Path2D(services[0].mark));
  };
  const places = unpack(sites.at).map(([[place]], row) => told(new Mark(place, {
    renderer: top, service: 0, radius: 10, sign: ring,
  }), siteCard, row));
  const numbered = places.map((place, row) => L.marker(place.getLatLng(), {
    pane: "lc-names", interactive: false, keyboard: false,
    icon: L.divIcon({ className: "lc-name", iconSize: [0, -34], html: element("span", "", String(row + 1)) }),
  }));
  const others = unpack(alternatives.at).map(([[place]], row) => told(new Mark(place, {
    renderer: top, service: 0, radius: 6, paper: "#ffffff", sign: ring,
  }), alternativeCard, row));
  const passages = unpack(links.lines).map((lines, row) => told(L.polyline(lines, {
    renderer: top, color: SITE, weight: 5, dashArray: "2 7",
  }), linkCard, row));

  const centers = unpack(communities.center).map(([[place]]) => place);
  const names = mapPage.nameLayer(map, borders, centers, communities.name);
  const marked = (paper) => {
    const made = icon(0);
    made.firstChild.setAttribute("stroke", SITE);
    made.firstChild.setAttribute("stroke-width", "2");
    if (paper) made.firstChild.setAttribute("fill", paper);
    return made;
  };
  const legend = mapPage.addLegend(map, () => [[icon(0), services[0].name],
    element("div", "lc-keys",
      element("div", "lc-key", marked(), words.map_sites),
      element("div", "lc-key", marked("#ffffff"), words.map_alternatives),
      element("div", "lc-key", mapPage.swatch(SITE), words.map_links)),
    element("div", "lc-keys", ...data.curve.map(([count, share, note]) =>
      element("div", "lc-key", `${count} ${words.sites}: ${percent(share)}`, note ? element("span", "lc-faint", ` ${note}`) : "")))]);
  legend.draw();
  mapPage.addSearch(map, [
    ...communities.name.map((name, row) => ({
      name, service: null, hint: words.kind_community,
      show() { map.fitBounds(borders[row].getBounds(), { maxZoom: 16, padding: [30, 30], animate: false }); },
    })),
    ...sites.name.map((name, row) => ({
      name, service: 0, hint: String(row + 1),
      show() {
        map.setView(places[row].getLatLng(), Math.max(16, map.getZoom()), { animate: false });
        places[row].openPopup();
      },
    })),
  ]);

  return {
    gaps: () => gaps, streets: () => streets, names: () => names,
    facilities: () => L.layerGroup(open), alternatives: () => L.layerGroup(others),
    links: () => L.layerGroup(passages), sites: () => L.layerGroup([...places, ...numbered]),
  };
});
