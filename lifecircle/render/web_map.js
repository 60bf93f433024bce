/* How is a city drawn on canvas, and what does it answer to a pointer, a search or a change of layer? */
"use strict";

mapPage.draw((map) => {
  const { data, INK, NOBODY, number, percent, within, rowOf, unpack, element, swatch, icon, Mark, Late } = mapPage;
  const { words, services, communities, gaps, facilities, projects } = data;
  const SHARE_COLORS = ["#c4604a", "#df8c68", "#eeb791", "#f6dabd", "#fcf2e6"];
  const WALK_COLORS = ["#eef4f8", "#cbdfec", "#9fc3dc", "#6b9ec4", "#3f719b"];
  const BACKDROP = {
    green: { fill: "#8fb57f", opacity: 0.38 },
    water: { fill: "#b4d2e3", opacity: 1, line: "#93bdd4", weight: 0.6 },
    building: { fill: "#8b8a88", opacity: 0.5, minZoom: 14 },
    path: { line: "#8f8b85", weight: 0.7, dash: "2 2", minZoom: 14.5 },
    side: { line: "#a8a49d", weight: 0.8 },
    main: { line: "#7d7972", weight: 1.8 },
    edge: { line: "#444444", weight: 1, dash: "6 5" },
  };
  const walk = (value, service) => value === null ? "–" : value < 0 ? words.unreached
    : `${value.toFixed(services[service].digits)} ${services[service].unit}`;
  const people = (value, unit = words.unit) => `${value === null ? words.fewer : number.format(value)} ${unit}`;
  const facilityName = (row) => facilities.name[row] || words.unnamed;

  /* -------------------------------------------------------------------------------- what a pointer is told */

  function communityTip(row, view) {
    const at = rowOf(row, view.service, view.step ?? 0);
    const { rows } = communities;
    return element("div", "", element("b", "", communities.name[row]),
      element("div", "", icon(view.service), view.step === undefined
        ? `${services[view.service].name} · ${words.median} ${walk(rows.median[at], view.service)}`
        : `${services[view.service].name} · ${within(view.service, view.step)} · ${words.covered} ${percent(rows.covered[at])}`));
  }

  /* Why, with how many people each: most first. */
  function reasons(at, service) {
    const told = data.reasons.map((reason) => [communities.rows.reasons[reason][at], words[`reason_${reason}`]])
      .filter(([count]) => count === null || count > 0).sort(([one], [other]) => other - one);
    return told.map(([count, reason]) => `${reason} ${people(count, services[service].people)}`).join(" · ");
  }

  function communityTable(row) {
    const { rows } = communities;
    const body = services.flatMap((service, column) => {
      const first = rowOf(row, column, 0);
      const lines = service.limits.flatMap((limit, step) => {
        const at = first + step;
        const bar = element("span", "lc-bar");
        for (const [name, share] of [["covered", rows.covered[at]], ["gap", rows.gap[at]], ["unknown", rows.unknown[at]]]) {
          const piece = element("i", `lc-${name}`);
          piece.style.flexGrow = share ?? 0;
          bar.append(piece);
        }
        const figures = element("tr", "",
          element("td", "lc-within", limit, bar),
          element("td", "", percent(rows.covered[at])),
          element("td", rows.gap[at] > 0 ? "lc-short" : "", percent(rows.gap[at])),
          element("td", "", percent(rows.unknown[at])));
        const why = element("td", "lc-why", reasons(at, column));
        why.colSpan = 4;
        return why.textContent ? [figures, element("tr", "", why)] : [figures];
      });
      const nearest = rows.nearest[first] ? `${words.nearest} ${rows.nearest[first]} · ` : "";
      const heading = element("th", "", icon(column), service.name,
        element("small", "", `${nearest}${words.median} ${walk(rows.median[first], column)}`));
      heading.colSpan = 4;
      return [element("tr", "lc-service", heading), ...lines];
    });
    const heads = ["threshold", "covered", "gap", "unknown"];
    return element("table", "lc-table",
      element("thead", "", element("tr", "", ...heads.map((name) => element("th", "", words[name])))),
      element("tbody", "", ...body));
  }

  function pageLink(row) {
    if (!communities.page[row]) return null;
    const link = element("a", "", words.community_page);
    Object.assign(link, { href: communities.page[row], target: "_blank", rel: "noopener" });
    return element("p", "lc-page", link);
  }

  function communityPopup(row) {
    return element("div", "lc-popup",
      element("h2", "", communities.name[row], element("small", "", people(communities.people[row]))),
      communityTable(row), pageLink(row));
  }

  const gapTitle = (row) => [
    icon(gaps.service[row]),
    `${words.gap} ${gaps.id[row]} · ${services[gaps.service[row]].name} · ${within(gaps.service[row], gaps.step[row])}`,
  ];

  function gapTip(row) {
    return element("div", "",
      element("b", "", ...gapTitle(row)),
      element("div", "", `${communities.name[gaps.community[row]]} · ${people(gaps.people[row], services[gaps.service[row]].people)}`),
      element("div", "", words[`reason_${gaps.reason[row]}`]));
  }

  function gapPopup(row) {
    const straight = gaps.straight[row];
    const facts = [
      [words.reason, words[`reason_${gaps.reason[row]}`]],
      [words.nearest, gaps.nearest[row] || "–"],
      [words.median, walk(gaps.walk[row], gaps.service[row])],
      [words.straight, straight === null || straight < 0 ? "–" : `${number.format(straight)} ${words.metres_unit}`],
      [words.worst, walk(gaps.worst[row], gaps.service[row])],
    ];
    if (gaps.robust[row]) facts.push([words.robust, gaps.robust[row]]);
    return element("div", "lc-popup",
      element("h2", "", ...gapTitle(row), element("small", "", people(gaps.people[row], services[gaps.service[row]].people))),
      element("dl", "", ...facts.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)])),
      element("h3", "", communities.name[gaps.community[row]]),
      communityTable(gaps.community[row]), pageLink(gaps.community[row]));
  }

  function facilityCard(row) {
    return element("div", "",
      element("b", "", facilityName(row)),
      element("div", "", icon(facilities.service[row]), services[facilities.service[row]].name),
      element("div", "lc-faint", `${words.source} ${facilities.source[row]}`));
  }

  const projectTitle = (row) => [icon(projects.service[row]), `${projects.id[row]} · ${services[projects.service[row]].name}`];

  function projectCard(row) {
    return element("div", "lc-popup",
      element("h2", "", ...projectTitle(row)),
      element("dl", "", ...projects.facts[row].flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)])));
  }

  /* -------------------------------------------------------------------------------- the map */

  const { fills, backdrop, top, popup } = mapPage.prepare(map);
  const gapHatch = mapPage.hatch(INK, 1.3);
  const capacityHatch = mapPage.hatch(INK, 0.9, { falling: true });
  const unknownHatch = mapPage.hatch("#8d8d88", 0.9);
  const outlines = unpack(communities.shapes);
  let view = null;

  const borders = outlines.map((rings, row) => L.polygon(rings, {
    renderer: top, color: "#5b5650", weight: 0.9, fillOpacity: 0,
  }).bindTooltip(() => communityTip(row, view), { sticky: true, className: "lc-tip" })
    .bindPopup(() => communityPopup(row), popup)
    .on("mouseover", (event) => event.target.setStyle({ color: INK, weight: 2.4 }))
    .on("mouseout", (event) => event.target.setStyle({ color: "#5b5650", weight: 0.9 })));
  L.layerGroup(borders).addTo(map);

  /* ---- projects: the service's mark on a ring, or a line, and its number */
  const PROJECT = "#8c2f12";
  const ring = (pen, scale, outline) => {
    pen.lineWidth = 2.6 / scale;
    pen.strokeStyle = PROJECT;
    pen.stroke(outline);
  };
  const told = (layer, row) => layer.bindTooltip(() => element("b", "", ...projectTitle(row)), { className: "lc-tip" })
    .bindPopup(() => projectCard(row), popup);
  const label = (place, row) => L.marker(place, {
    pane: "lc-names", interactive: false, keyboard: false,
    icon: L.divIcon({ className: "lc-name", iconSize: [0, -34], html: element("span", "", projects.id[row]) }),
  });
  const works = projects.id ? [
    ...unpack(projects.lines).map((lines, at) => told(L.polyline(lines, {
      renderer: top, color: PROJECT, weight: 5, dashArray: "2 7",
    }), projects.links[at])),
    ...unpack(projects.at).map(([[place]], at) => told(new Mark(place, {
      renderer: top, service: projects.service[projects.sites[at]], radius: 9, sign: ring,
    }), projects.sites[at])),
  ] : [];
  const numbered = works.map((work, at) => label(
    work.getLatLng?.() ?? work.getBounds().getCenter(), [...projects.links, ...projects.sites][at]));
  const projectLayer = L.layerGroup([...works, ...numbered]);
  projectLayer.on("add", () => raise());

  /* ---- facilities: those of the service in view stand out */
  const places = unpack(facilities.at).map(([[place]], row) => new Mark(place, {
    renderer: top, service: facilities.service[row], radius: 5,
  }).bindTooltip(() => facilityCard(row), { className: "lc-tip" }).bindPopup(() => facilityCard(row), popup));
  const facilityLayers = services.map((_, service) =>
    L.layerGroup(places.filter((place) => place.options.service === service)));
  const raise = () => {
    for (const place of [...places, ...works]) {
      if (map.hasLayer(place)) place.bringToFront();
    }
  };
  facilityLayers.forEach((layer) => layer.on("add", raise));

  /* ---- streets too far from what shall stand every so many metres, and what stands */
  const spacing = data.spacing.map(({ name, color, lines, at }) => new Late(() => [
    ...unpack(lines).map((parts) => L.polyline(parts, {
      renderer: top, interactive: false, color, weight: 3, opacity: 0.85, smoothFactor: 0.5,
    })),
    ...unpack(at).map(([[place]]) => L.circleMarker(place, {
      renderer: top, radius: 4, weight: 1.5, color: INK, fillColor: color, fillOpacity: 1,
    }).bindTooltip(() => element("div", "", name), { className: "lc-tip" })),
  ]));

  /* ---- gaps of the service and limit in view */
  const gapShapes = unpack(gaps.shapes);
  const gapLayers = services.map(({ limits }, service) => limits.map((_, step) => new Late(() =>
    gapShapes.flatMap((rings, row) => gaps.service[row] === service && gaps.step[row] === step
      ? [L.polygon(rings, {
          renderer: top, color: INK, weight: 1.1, fillColor: gaps.reason[row] === "capacity" ? capacityHatch : gapHatch,
          fillOpacity: 1, smoothFactor: 0.5,
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
  let strength = 1;
  const adapt = () => {
    const zoom = map.getZoom();
    map.getPane("lc-fills").style.opacity = (zoom < 15 ? 1 : 0.78) * strength;
    inView()?._drawn?.eachLayer((shape) => shape.setStyle({ weight: zoom < 13.5 ? 0.4 : 1.1 }));
    for (const place of places) {
      place.setRadius((place.options.service === view?.service ? 6.5 : 4) - (zoom < 13 ? 1.5 : 0));
    }
  };
  map.on("zoomend", adapt);
  const gapSwitch = mapPage.toggle(
    () => { gapsWanted = true; showGaps(); },
    () => { gapsWanted = false; showGaps(); });

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

  const centers = unpack(communities.center).map(([[place]]) => place);
  const names = mapPage.nameLayer(map, borders, centers, communities.name);

  /* ---- tiles, where there are any and the network lets them through, take the place of our backdrop */
  mapPage.addTiles(map, () => {
    [...water, ...green, streets, buildings].forEach((layer) => layer.remove());
    strength = 0.65;
    adapt();
  });

  /* ---- controls */
  const legend = mapPage.addLegend(map, () => {
    const { service, step } = view;
    const title = [icon(service), services[service].name,
      ` · ${step === undefined ? services[service].walk : within(service, step)}`];
    const scale = element("div", "lc-scale");
    const rows = [];
    const line = (mark, text) => rows.push(element("div", "lc-key", mark, text));
    if (step === undefined) {
      const edges = [0, ...data.bandEdges[service]];
      WALK_COLORS.forEach((color, band) => scale.append(element("span", "", swatch(color), edges[band])));
      scale.append(element("b", "", "+"));
      line(swatch("", "lc-hatch lc-pale"), words.legend_unknown);
    } else {
      SHARE_COLORS.forEach((color, rank) => scale.append(element("span", "", swatch(color), rank * 20)));
      scale.append(element("b", "", "100%"));
      line(swatch("", "lc-hatch"), words.legend_gap);
      if (gaps.reason.some((reason, row) => reason === "capacity" && gaps.service[row] === service && gaps.step[row] === step)) {
        line(swatch("", "lc-hatch lc-falling"), words.legend_capacity);
      }
      line(swatch(NOBODY), words.legend_nobody);
    }
    if (projects.id) line(swatch(PROJECT), projects.key);
    if (data.backdrop.edge) line(swatch("", "lc-dashes"), words.legend_edge);
    return [title, element("p", "", step === undefined ? services[service].legendWalk : services[service].legendShare), scale,
      element("div", "lc-keys", ...rows)];
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
      name: facilityName(row), service: facilities.service[row], hint: services[facilities.service[row]].name,
      show() {
        map.addLayer(facilityLayers[facilities.service[row]]);
        map.setView(places[row].getLatLng(), Math.max(16, map.getZoom()), { animate: false });
        places[row].openPopup();
      },
    })),
  ]);

  return {
    share: chosen, walk: chosen, gaps: () => gapSwitch, facilities: (service) => facilityLayers[service],
    spacing: (row) => spacing[row], projects: () => projectLayer,
    names: () => names, streets: () => streets, buildings: () => buildings,
  };
});
