"""What of a city was read, left out and assumed?"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.access import WALLED_IN
from lifecircle.catalog import CityFiles
from lifecircle.catalog.kind_files import load_kinds
from lifecircle.city import City
from lifecircle.doors import sites_of
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.people import People, quality_frame
from lifecircle.sources.notes import Note, note_values
from lifecircle.sources.osm_file import OsmData


def quality_of(
    osm: OsmData, people: People, facilities: gpd.GeoDataFrame, notes: list[pd.DataFrame], ages_source: str
) -> pd.DataFrame:
    """Return the table of what was read, dropped and assumed; counts of nothing are left out."""
    counts = dict(people.quality)
    for layer, places in (("homes", people.homes), ("facilities", facilities)):
        xy, of = shapely.get_coordinates(sites_of(places), return_index=True)
        found = osm.network.snap(*xy.T, public_only=layer == "facilities").of(of)
        reached = np.unique(found.place[found.on_street])
        counts[f"city.{layer}_off_network"] = len(places) - len(reached)
        counts[f"city.{layer}_walled_in"] = len(np.unique(found.place[found.gate == WALLED_IN]))
    counts["city.data_end_unknown"] = int(osm.boundary is None and len(osm.network.exits) == 0)
    if people.measure == "residents":
        counts.pop("city.communities_without_population")
    by_share = [f"people.share_{column}" for column in AGE_COLUMNS.values()]
    shares = {item: counts.pop(item) for item in by_share if item in counts}
    parts = [osm.quality, quality_frame(counts), quality_frame(shares, ages_source), *notes]
    # An empty part has no column of whole numbers, and would make fractions of all.
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    outside = gpd.GeoSeries(shapely.points(people.outside[:11]), crs=osm.network.crs).to_crs(4326)
    shown = [f"{x:.5f}, {y:.5f}" for x, y in zip(outside.x[:10], outside.y[:10], strict=True)]
    more = ["…"] if len(outside) > len(shown) else []
    table.loc[table["item"] == "city.homes_outside", "detail"] = "; ".join(shown + more)
    return table[table["count"] > 0].reset_index(drop=True)


def supplement_notes(files: CityFiles) -> list[pd.DataFrame]:
    """Return the note of which kinds count only because that was asked for."""
    kinds = [" ".join(kind.name.values()) for kind in load_kinds().values() if kind.supplements]
    if not files.supplementary:
        return []
    return [quality_frame({"city.supplementary": len(kinds)}, ", ".join(kinds))]


def with_standing(city: City, statuses: Sequence[str]) -> City:
    """Return the city with what stands, and what stands once that of `statuses` does; all else is listed."""
    city = city.with_status(*statuses)
    if city.planned is None or city.planned.empty:
        return city
    notes: list[Note] = []
    for source, rows in city.planned.groupby("source"):
        named = [f"{name} ({said})" for name, said in zip(rows["name"], rows["status"], strict=True)]
        note_values(notes, "rows_not_standing", Path(str(source)), named)
    listed = pd.DataFrame(notes, columns=city.quality.columns)
    return dataclasses.replace(city, quality=pd.concat([city.quality, listed], ignore_index=True))
