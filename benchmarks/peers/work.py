"""What do all peers start from, and what do they hand in? The same files, written the same quick way."""

import argparse
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

CELL_M = 50.0
HOMES = (
    *(
        "apartments",
        "bungalow",
        "cabin",
        "detached",
        "dormitory",
        "farm",
        "house",
        "houseboat",
        "residential",
    ),
    *("semidetached_house", "static_caravan", "terrace"),
)
OTHER_USES = (
    "amenity",
    "craft",
    "healthcare",
    "historic",
    "leisure",
    "man_made",
    "office",
    "shop",
    "tourism",
)
GROUND_WITHOUT_HOMES = {
    "landuse": [
        *(
            "brownfield",
            "cemetery",
            "commercial",
            "construction",
            "depot",
            "garages",
            "industrial",
            "landfill",
        ),
        *("greenhouse_horticulture", "military", "port", "quarry", "railway", "religious", "retail"),
    ],
    "amenity": ["college", "hospital", "kindergarten", "prison", "school", "university"],
}
SMALLEST_M2 = 20.0


@dataclasses.dataclass(frozen=True)
class Work:
    """A case as its peers get it; layers in metres."""

    folder: Path
    out: Path
    osm: Path
    crs: int
    metres: tuple[float, ...]
    """Thresholds, ascending."""
    communities: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame

    def services(self) -> list[tuple[str, gpd.GeoDataFrame]]:
        """Return each service with its facilities."""
        return list(self.facilities.groupby("service"))


def read_work() -> Work:
    """Return the case whose folder, and the folder to write to, stand on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    case = json.loads((chosen.folder / "case.json").read_text(encoding="utf-8"))
    table = pd.read_csv(chosen.folder / "facilities.csv")
    places = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    return Work(
        chosen.folder,
        chosen.out,
        Path(case["osm"]),
        case["crs"],
        tuple(60 * minutes * case["pace_mps"] for minutes in case["minutes"]),
        gpd.read_file(chosen.folder / "communities.gpkg"),
        gpd.GeoDataFrame(table, geometry=places).to_crs(case["crs"]),
    )


def homes_of(work: Work, osm: Any) -> gpd.GeoDataFrame:
    """Return residential buildings as points with floor_m2 and community_id, by the rules of lifecircle.

    Parameters
    ----------
    work
        The case.
    osm
        A file that pyrosm reads.
    """
    buildings = osm.get_buildings()
    grounds = osm.get_data_by_custom_criteria(
        GROUND_WITHOUT_HOMES, filter_type="keep", keep_nodes=False, keep_ways=True, keep_relations=True
    )
    bare = grounds[grounds["building"].isna()] if "building" in grounds else grounds
    shapes = buildings.to_crs(work.crs).geometry
    other = buildings[[key for key in OTHER_USES if key in buildings]].notna().any(axis=1)
    unsaid = (buildings["building"] == "yes") & ~other
    home = (buildings["building"].isin(HOMES) | unsaid) & (shapes.area >= SMALLEST_M2)
    doubtful = gpd.GeoDataFrame(geometry=shapes[home & unsaid].representative_point())
    home[doubtful.sjoin(bare[["geometry"]].to_crs(work.crs), predicate="within").index] = False
    levels = pd.to_numeric(buildings["building:levels"][home], "coerce")
    levels = levels.fillna(levels.groupby(buildings["building"][home]).transform("median")).fillna(1.0)
    homes = gpd.GeoDataFrame(
        {"floor_m2": shapes[home].area * levels}, geometry=shapes[home].representative_point(), crs=work.crs
    )
    inside = homes.sjoin(work.communities[["community_id", "geometry"]], predicate="within")
    return inside[~inside.index.duplicated()].reset_index(drop=True)


def hand_in(work: Work, homes: gpd.GeoDataFrame, covered: Mapping[tuple[str, float], np.ndarray]) -> None:
    """Write shares by community, gaps as polygons, and a map.

    Parameters
    ----------
    work
        The case.
    homes
        As `homes_of` returns them.
    covered
        For each service and threshold in metres whether each home is covered.
    """
    work.out.mkdir(parents=True, exist_ok=True)
    shares, gaps = [], []
    cell = np.floor(homes.get_coordinates().to_numpy() / CELL_M) * CELL_M
    cells = pd.DataFrame({"community_id": homes["community_id"], "x": cell[:, 0], "y": cell[:, 1]})
    for (service, metres), inside in covered.items():
        floor = homes["floor_m2"]
        table = pd.DataFrame({"all_m2": floor, "covered_m2": floor.where(inside, 0.0)})
        table = table.groupby(homes["community_id"]).sum().reset_index()
        shares.append(table.assign(service=service, metres=metres))
        left = cells[~inside].drop_duplicates()
        boxes = shapely.box(left["x"], left["y"], left["x"] + CELL_M, left["y"] + CELL_M)
        shapes = gpd.GeoSeries(boxes).groupby(left["community_id"].to_numpy()).agg(shapely.coverage_union_all)
        gaps.append(gpd.GeoDataFrame(
            {"community_id": shapes.index, "service": service, "metres": metres},
            geometry=shapes.to_numpy(), crs=work.crs,
        ))  # fmt: skip
    table = pd.concat(shares, ignore_index=True)
    table["share"] = table["covered_m2"] / table["all_m2"]
    table.to_csv(work.out / "shares.csv", index=False)
    totals = table.groupby(["service", "metres"])[["all_m2", "covered_m2"]].sum()
    (totals["covered_m2"] / totals["all_m2"]).to_csv(work.out / "totals.csv")
    layer = pd.concat(gaps, ignore_index=True)
    layer.to_file(work.out / "gaps.gpkg")
    _draw(work, layer)


def _draw(work: Work, gaps: gpd.GeoDataFrame) -> None:
    """Write a map of communities, gaps by service and threshold, and facilities."""
    west, south, east, north = work.communities.to_crs(4326).total_bounds
    drawn = folium.Map(prefer_canvas=True)
    drawn.fit_bounds([[south, west], [north, east]])
    folium.GeoJson(work.communities.to_crs(4326).to_json(), name="communities").add_to(drawn)
    for (service, metres), layer in gaps.to_crs(4326).groupby(["service", "metres"]):
        folium.GeoJson(layer.to_json(), name=f"{service} {metres:g} m", show=False).add_to(drawn)
    folium.GeoJson(
        work.facilities.to_crs(4326).to_json(), name="facilities", marker=folium.CircleMarker(radius=3)
    ).add_to(drawn)
    folium.LayerControl().add_to(drawn)
    drawn.save(str(work.out / "map.html"))
