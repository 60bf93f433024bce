"""Which facilities does a city have, and who says so?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from lifecircle.catalog import CityFiles
from lifecircle.people import quality_frame
from lifecircle.sources.facility_facts import FROM, ROOM
from lifecircle.sources.layers import read_facilities
from lifecircle.sources.opening import Limits
from lifecircle.sources.osm_file import OsmData
from lifecircle.sources.tables import unique_ids

if TYPE_CHECKING:
    from lifecircle.requirement import Requirement


def facilities_of(
    files: CityFiles,
    osm: OsmData,
    services: Sequence["Requirement"],
    communities: gpd.GeoDataFrame,
    limits: Limits,
) -> tuple[gpd.GeoDataFrame, dict[str, str], list[pd.DataFrame]]:
    """Return facilities, the source of each service, and notes; official lists go before OpenStreetMap."""
    area = shapely.box(*communities.total_bounds)
    read = [
        read_facilities(
            layer,
            crs=osm.network.crs,
            services=services,
            bare_crs=files.crs,
            area=area,
            network=osm.network,
            limits=limits,
        )
        for layer in files.facilities
    ]
    official = [frame for frame, _ in read]
    named = {service for frame in official for service in frame["service"]}
    parts = [*official, osm.facilities[~osm.facilities["service"].isin(named)]]
    facilities = gpd.GeoDataFrame(
        pd.concat([part for part in parts if len(part)] or parts[-1:], ignore_index=True)
    )
    for text in {"status", FROM}.intersection(facilities.columns):
        facilities[text] = facilities[text].fillna("")
    facilities["facility_id"] = unique_ids(facilities["facility_id"], "f", files.folder, [])
    sources = {
        service.id: ", ".join(facilities.loc[facilities["service"] == service.id, "source"].unique())
        for service in services
    }
    notes = [notes for _, notes in read]
    if ROOM in facilities and (told := facilities[ROOM].notna() & (facilities["source"] == "osm")).any():
        shown = ", ".join(dict.fromkeys(filter(None, facilities.loc[told, "name"][:10])))
        notes.append(quality_frame({"city.places_from_osm": int(told.sum())}, shown))
    return facilities.set_crs(osm.network.crs, allow_override=True), sources, notes
