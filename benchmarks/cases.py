"""What do lifecircle and its peers measure: which files does each of them get?

Las Palmas has few facilities of each kind, so random places on its streets stand in for more, drawn with a
fixed seed. Peers get what spares them work: communities in metres, and for OSMnx, which reads XML only, the
walkable ways alone as XML, and the homes as points. Making these files is not timed.
"""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely

from lifecircle.city import City
from lifecircle.sources.read_city import read_city
from lifecircle.walkable import Walk, who_may_walk

PACE_MPS = 4 / 3
"""80 metres a minute, as pandana and cityseer assume: 10 and 15 minutes are 800 and 1,200 metres."""
MINUTES = (10, 15)
SEED = 20230221
_COLORS = ("#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")


def write_case(shared: Path, folder: Path, services: int, facilities: int) -> None:
    """Write Las Palmas with so many services and facilities of each.

    That is facilities.csv, standard.toml, homes.gpkg, communities.gpkg, streets.osm and case.json.
    """
    source = shared / "data" / "las_palmas"
    osm, communities = source / "las_palmas.osm.pbf", source / "catchments.geojson"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "standard.toml").write_text(_standard(services), encoding="utf-8")
    city = read_city(osm=osm, communities=communities)
    _places_on_streets(city, services, facilities).to_csv(folder / "facilities.csv", index=False)
    city.homes[["community_id", "floor_m2", "geometry"]].to_file(folder / "homes.gpkg")
    city.communities[["community_id", "community", "geometry"]].to_file(folder / "communities.gpkg")
    _write_streets(osm, folder / "streets.osm")
    words = {"osm": str(osm), "crs": city.crs.to_epsg(), "services": services, "pace_mps": PACE_MPS}
    (folder / "case.json").write_text(json.dumps({**words, "minutes": MINUTES}), encoding="utf-8")


def service_name(number: int) -> str:
    """Return the id of a service."""
    return f"service_{number}"


def _standard(services: int) -> str:
    head = (
        f'id = "benchmark"\nminutes = [{", ".join(map(str, MINUTES))}]\n'
        'minutes_source = "benchmark"\nminutes_grade = "M"\n[name]\nzh = "基准"\nen = "Benchmark"\n'
    )
    return head + "".join(
        f'[[services]]\nid = "{service_name(number)}"\npace_mps = {PACE_MPS}\npace_source = "benchmark"\n'
        f'pace_grade = "M"\ncolor = "{_COLORS[number % len(_COLORS)]}"\n'
        f'keywords = ["{service_name(number)}"]\n'
        f'name = {{ zh = "{service_name(number)}", en = "{service_name(number)}" }}\n'
        for number in range(services)
    )


def _places_on_streets(city: City, services: int, facilities: int) -> pd.DataFrame:
    """Return random places on public streets inside the communities, every metre of street alike."""
    rng, network = np.random.default_rng(SEED), city.network
    usable = ~(network.private | network.island)
    usable &= shapely.within(network.lines, shapely.union_all(city.communities.geometry.to_numpy()))
    rows = np.flatnonzero(usable)
    metres = network.street_m[rows]
    chosen = rng.choice(rows, size=services * facilities, p=metres / metres.sum())
    at = shapely.line_interpolate_point(network.lines[chosen], rng.random(len(chosen)), normalized=True)
    degrees = gpd.GeoSeries(at, crs=city.crs).to_crs(4326)
    service = np.repeat([service_name(number) for number in range(services)], facilities)
    return pd.DataFrame(
        {
            "name": [f"{name} {number}" for number, name in enumerate(service)],
            "service": service,
            "lon": degrees.x.to_numpy(),
            "lat": degrees.y.to_numpy(),
        }
    )


def _write_streets(osm: Path, path: Path) -> None:
    """Write the ways everybody may walk, and their nodes, as XML; OSMnx trips over nodes that it lacks."""
    ways = osmium.FileProcessor(str(osm), osmium.osm.NODE | osmium.osm.WAY).with_locations()
    ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(
        osmium.filter.KeyFilter("highway")
    )
    with osmium.BackReferenceWriter(str(path), str(osm), overwrite=True) as writer:
        for way in ways:
            here = [node.ref for node in way.nodes if node.location.valid()]
            if who_may_walk(dict(way.tags)) is Walk.PUBLIC and len(here) > 1:
                writer.add(way.replace(nodes=here))


if __name__ == "__main__":
    write_case(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
