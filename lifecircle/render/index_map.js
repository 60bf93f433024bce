/* How is each city of a batch drawn, and how does it lead to its own map? */
"use strict";

mapPage.draw((map) => {
  const { data, INK, NOBODY, percent, within, rowOf, unpack, element, swatch, icon } = mapPage;
  const { words, services, cities } = data;
  const SHARE_COLORS = ["#c4604a", "#df8c68", "#eeb791", "#f6dabd", "#fcf2e6"];
  const shareOf = (row, service, step) => cities.shares[row][rowOf(0, service, step)];
  const colorOf = (share) => (share === null ? NOBODY : SHARE_COLORS[Math.min(4, Math.floor(5 * share))]);
  let view = [0, 0];

  function tip(row) {
    const [service, step] = view;
    return element("div", "", element("b", "", cities.name[row]),
      element("div", "", icon(service), `${services[service].name} · ${within(service, step)} · ${percent(shareOf(row, service, step))}`));
  }
  function popupOf(row) {
    const body = services.flatMap(({ name, limits }, service) => limits.map((limit, step) =>
      element("tr", "", element("td", "", step ? "" : icon(service), step ? "" : name),
        element("td", "lc-within", limit), element("td", "", percent(shareOf(row, service, step))))));
    const links = cities.pages[row].map(([label, address]) => {
      const link = element("a", "", label ? `${words.open} · ${label}` : words.open);
      Object.assign(link, { href: address, target: "_blank", rel: "noopener" });
      return element("p", "lc-page", link);
    });
    return element("div", "lc-popup", element("h2", "", cities.name[row]),
      element("table", "lc-table", element("tbody", "", ...body)), ...links);
  }

  const { top, popup } = mapPage.prepare(map, 3);
  const looks = { color: "#5b5650", weight: 0.9 };
  const all = { ...looks, renderer: top, fillOpacity: 0.9 };
  const told = (shape, row) => shape.bindTooltip(() => tip(row), { sticky: true, className: "lc-tip" })
    .bindPopup(() => popupOf(row), popup)
    .on("mouseover", (event) => event.target.setStyle({ color: INK, weight: 2.4 }))
    .on("mouseout", (event) => event.target.setStyle(looks));
  const outlines = unpack(cities.shapes).map((rings, row) => told(L.polygon(rings, all), row));
  const centers = unpack(cities.center).map(([[place]]) => place);
  /* Of a country a city is smaller than a dot; nearer, it covers the dot. */
  const dots = centers.map((place, row) => told(L.circleMarker(place, { ...all, radius: 6 }), row));
  L.layerGroup([...dots, ...outlines]).addTo(map);
  const names = mapPage.nameLayer(map, outlines, centers, cities.name);
  const legend = mapPage.addLegend(map, () => {
    if (!services.length) return [[words.legend]];
    const [service, step] = view;
    return [[icon(service), `${services[service].name} · ${within(service, step)}`],
      element("div", "lc-faint", words.legend),
      element("div", "lc-keys", ...SHARE_COLORS.map((color, band) =>
        element("div", "lc-key", swatch(color), `${20 * band}–${20 * (band + 1)}%`)),
      element("div", "lc-key", swatch(NOBODY), words.nobody))];
  });
  legend.draw();
  mapPage.addSearch(map, cities.name.map((name, row) => ({
    name, service: null, hint: "",
    show() {
      map.fitBounds(outlines[row].getBounds(), { padding: [30, 30], animate: false });
      outlines[row].openPopup();
    },
  })));

  return {
    names: () => names,
    share: (service, step) => mapPage.toggle(() => {
      view = [service, step];
      [dots, outlines].forEach((shapes) => shapes.forEach((shape, row) =>
        shape.setStyle({ fillColor: colorOf(shareOf(row, service, step)) })));
      legend.draw();
    }, () => {}),
  };
});
