"""How do the streets meet a spacing, in the report and on the map?"""

from typing import Any

import geopandas as gpd
import shapely

from lifecircle.coverage import Coverage
from lifecircle.kinds import Kind
from lifecircle.messages import say
from lifecircle.render import map_data
from lifecircle.render.finding import percent
from lifecircle.render.tables import markdown_table, markdown_text


def section(coverage: Coverage, lang: str) -> str:
    """Return the part of the report about spacings, as Markdown: the city, then its communities."""
    notes = [say("spacing.note", lang)]
    for one, spacing in coverage.standard.spaced:
        said = {"service": one.label(lang), "metres": spacing.metres, "half": spacing.metres / 2}
        notes.append(say("spacing.rule", lang, **said, source=spacing.source, grade=spacing.grade))
    table = coverage.spacing.table.assign(km=lambda rows: rows["streets_m"] / 1000)
    whole = table[table["community_id"] == ""]
    head = [say(f"spacing.column_{name}", lang) for name in ("service", "every", "streets")]
    head += [say(f"spacing.column_{name}", lang) for name in ("met", "gap", "unknown", "gap_km")]
    rows = [
        [
            one.label(lang),
            say("limits.m", lang, value=spacing.metres),
            f"{row['km']:,.1f}",
            *(percent(row[f"share_{name}"]) for name in ("met", "gap", "unknown")),
            f"{row['streets_gap_m'] / 1000:,.1f}",
        ]
        for (one, spacing), row in zip(coverage.standard.spaced, whole.to_dict("records"), strict=True)
    ]
    parts = [*map(markdown_text, notes), markdown_table(head, rows)]
    labels = [one.label(lang) for one, _ in coverage.standard.spaced]
    each = table[table["community_id"] != ""].groupby("community_id", sort=False)
    by_community = [
        [here["community"].iloc[0], f"{here['km'].iloc[0]:,.1f}", *map(percent, here["share_met"])]
        for _, here in each
    ]
    head = [say("report.column_community", lang), say("spacing.column_streets", lang), *labels]
    return "\n\n".join([*parts, say("spacing.by_community", lang), markdown_table(head, by_community)])


def pack_spacing(coverage: Coverage, lang: str, shift: map_data.Shift | None = None) -> list[dict[str, Any]]:
    """Return for each service with a spacing its facilities, and the streets that are too far from them."""
    if not coverage.standard.spaced:
        return []
    facilities = coverage.city.facilities
    return [
        {
            "name": one.label(lang),
            "color": one.kinds[0].color if one.kinds else Kind.color,
            "lines": map_data.pack(_too_far(coverage, one.id), shift),
            "at": map_data.pack(facilities.geometry[facilities["service"] == one.id], shift),
        }
        for one, _ in coverage.standard.spaced
    ]


def _too_far(coverage: Coverage, service: str) -> gpd.GeoSeries:
    """Return the streets that are too far, as one shape."""
    stretches = coverage.spacing.stretches
    chosen = stretches[(stretches["status"] == "gap") & (stretches["service"] == service)]
    joined = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(chosen.geometry.to_numpy())))
    drawn = shapely.simplify(joined, map_data.STREET_M, preserve_topology=False)
    return gpd.GeoSeries([drawn] if len(chosen) else [], crs=stretches.crs)


def layer_names(coverage: Coverage, lang: str) -> list[str]:
    """Return what the map calls those streets, service by service."""
    return [
        say("spacing.layer", lang, service=one.label(lang), half=spacing.metres / 2)
        for one, spacing in coverage.standard.spaced
    ]
