"""How is the synthetic sample city made? `python data/make_sample.py [--out FOLDER]` writes it.

The same seed gives the same city. Each `sample_*.py` beside this file answers one question about it.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from sample_communities import HILLSIDE, make_communities
from sample_drawing import Drawing, Feature, rectangle
from sample_estates import (
    MIDDLE,
    TOWER,
    WALK_UP,
    draw_estate,
    draw_hospital,
    draw_park,
    draw_school,
    draw_shops,
    draw_works,
    estate_ground,
)
from sample_facilities import list_facilities
from sample_oldtown import draw_old_town
from sample_paths import draw_interchange, draw_pavements, draw_promenade, draw_trails
from sample_streets import Parcel, draw_main_streets, lay_main_streets, street_area, subdivide, superblocks
from sample_terrain import BOX, Terrain, draw_terrain, lay_terrain
from sample_texts import BOUNDARY, CITY_TOML, SOURCE
from sample_villages import VILLAGES, draw_fields, draw_hamlet, draw_hillside, draw_village, fields
from sample_writer import TIMESTAMP, write_streets
from shapely import Point, Polygon

SEED = 20250

_OLD_TOWN = Point(3000, 3000)
_HILL_PARK = Point(4050, 4100)
_STATION = Point(7790, 5345)
_HAMLET = Point(3900, 6350)
_USES = ("estate", "park", "school", "shops", "vacant", "works")
_SHARES = {
    "inner": (0.72, 0.06, 0.08, 0.10, 0.04, 0.0),
    "outer": (0.72, 0.07, 0.07, 0.06, 0.08, 0.0),
    "new": (0.50, 0.12, 0.04, 0.06, 0.28, 0.0),
    "works": (0.20, 0.0, 0.0, 0.0, 0.08, 0.72),
}
_STYLES = {
    "inner": (WALK_UP, WALK_UP, WALK_UP, MIDDLE),
    "outer": (MIDDLE, MIDDLE, TOWER, WALK_UP),
    "new": (TOWER, TOWER, TOWER, MIDDLE),
    "works": (WALK_UP,),
}


@dataclass(frozen=True)
class Town:
    """The drawn city: its map, its lie, the town's parcels and the ground of each place round it."""

    drawing: Drawing
    terrain: Terrain
    parcels: tuple[Polygon, ...]
    outskirts: tuple[tuple[str, Polygon], ...]


def draw_town(rng: np.random.Generator) -> Town:
    """Draw streets and buildings of the town and the villages round it."""
    terrain, drawing = lay_terrain(rng), Drawing()
    mains = lay_main_streets(rng, terrain)
    blocks = superblocks(mains, terrain)
    draw_main_streets(drawing, mains, terrain)
    draw_pavements(drawing, mains)
    draw_interchange(drawing, terrain, Point(next(m.line for m in mains if m.name == "示例西桥路").coords[0]))
    parcels: list[Parcel] = []
    for block in blocks:
        parcels += _cut_block(drawing, rng, block)
    _fill_parcels(drawing, rng, [parcel for parcel in parcels if parcel.district != "old"])
    outskirts = [(HILLSIDE, draw_hillside(drawing, rng))]
    outskirts += [(village.name, draw_village(drawing, rng, village, terrain)) for village in VILLAGES]
    outskirts.append(("岗顶", draw_hamlet(drawing, rng, _HAMLET, 24)))
    draw_promenade(drawing, terrain, shapely.union_all(blocks))
    draw_trails(drawing, rng, terrain)
    drawing.building(
        rectangle(_STATION.coords[0], (26.0, 110.0), 22.0), "train_station", 2, {"name": "示例站"}
    )
    return Town(drawing, terrain, tuple(parcel.shape for parcel in parcels), tuple(outskirts))


def write_sample(folder: Path) -> dict[str, int]:
    """Write every file of the sample city into a folder, and return what they hold."""
    rng = np.random.default_rng(SEED)
    town = draw_town(rng)
    _clear_buildings(town.drawing)
    communities = make_communities(rng, town.drawing, town.parcels, town.outskirts)
    facilities = list_facilities(rng, town.drawing, communities)
    clearings = shapely.union_all([ground for _, ground in town.outskirts]).buffer(25.0)
    draw_terrain(town.drawing, town.terrain, clearings)
    draw_fields(town.drawing, rng, fields(rng, town.terrain, _taken(town, clearings)))

    folder.mkdir(parents=True, exist_ok=True)
    counts = write_streets(town.drawing, folder / "streets.osm.pbf")
    (folder / "communities.gpkg").unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": TIMESTAMP})
    communities.to_file(folder / "communities.gpkg", layer="communities", driver="GPKG")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    facilities.to_csv(folder / "facilities.csv", index=False, encoding="utf-8-sig", lineterminator="\n")
    counts |= {
        "buildings": len(town.drawing.buildings),
        "communities": len(communities),
        "residents": int(communities["人口"].sum()),
        "facilities": len(facilities),
    }
    for name, text in (
        ("city.toml", CITY_TOML),
        ("boundary.geojson", BOUNDARY),
        ("SOURCE.md", SOURCE.format(seed=SEED, **{key: f"{value:,}" for key, value in counts.items()})),
    ):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return counts


def _district(block: Polygon) -> str:
    x, y = block.centroid.coords[0]
    if block.contains(_OLD_TOWN):
        return "old"
    if block.contains(_HILL_PARK):
        return "park"
    if x > 6700.0:  # east of the brook
        return "works"
    if y < 2300.0:  # south of the river
        return "new"
    return "inner" if block.centroid.distance(Point(3500, 3200)) < 1250.0 else "outer"


def _cut_block(drawing: Drawing, rng: np.random.Generator, block: Polygon) -> list[Parcel]:
    district = _district(block)
    if district == "park":
        return [Parcel(district, block)]
    if district == "old":
        return [Parcel(district, quarter) for quarter in draw_old_town(drawing, rng, block)]
    target = 1.1e5 if district == "works" else 6.2e4
    pieces, cuts = subdivide(rng, block, target_m2=target, bend=0.035, skew=0.07)
    for line, depth in cuts:
        kind = "tertiary" if depth == 0 and block.area > 3e5 else "residential"
        drawing.street(line, kind, {"oneway": "yes"} if rng.random() < 0.12 else {})
    return [Parcel(district, piece) for piece in pieces]


def _fill_parcels(drawing: Drawing, rng: np.random.Generator, parcels: list[Parcel]) -> None:
    streets = street_area(drawing, verge_m=5.0)
    public = shapely.union_all([way.geometry for way in drawing.public_streets()])
    hospital = next(n for n, parcel in enumerate(parcels) if parcel.district == "inner")
    for number, parcel in enumerate(parcels):
        ground = estate_ground(parcel.shape, streets)
        if ground.area < 2500.0:  # a green corner
            drawing.areas.append(Feature(ground, {"landuse": "grass"}))
            continue
        near = shapely.clip_by_rect(public, *ground.buffer(90.0).bounds)
        name = f"{number + 1:03d}"
        use = "park" if parcel.district == "park" else str(rng.choice(_USES, p=_SHARES[parcel.district]))
        if use != "works" and ground.area < 9000.0:  # too small for anything else
            use = "estate"
        if number == hospital:
            draw_hospital(drawing, rng, ground, public=near)
        elif use == "estate":
            styles = _STYLES[parcel.district]
            style = styles[int(rng.integers(len(styles)))]
            draw_estate(drawing, rng, ground, public=near, style=style, name=f"示例小区{name}")
        elif use == "park":
            draw_park(drawing, rng, ground, public=near, name=f"示例公园{name}")
        elif use == "school":
            draw_school(drawing, rng, ground, public=near, name=f"示例学校{name}")
        elif use == "shops":
            draw_shops(drawing, rng, ground, public=near)
        elif use == "works":
            draw_works(drawing, rng, ground, public=near)
        else:
            use = str(rng.choice(["construction", "grass", "brownfield"]))
            drawing.areas.append(Feature(ground, {"landuse": use}))


def _clear_buildings(drawing: Drawing) -> None:
    """Take away the buildings that stand on a street, in each other's way, or are no proper shape."""
    shapes = np.array([house.geometry for house in drawing.buildings], dtype=object)
    lines = np.array([way.geometry for way in drawing.streets], dtype=object)
    good = shapely.is_valid(shapes) & shapely.within(shapes, BOX)
    good[shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=1.2)[0]] = False
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for later, earlier in sorted(zip(one.tolist(), other.tolist(), strict=True)):
        if earlier < later and good[earlier]:
            good[later] = False
    drawing.buildings[:] = [house for house, keep in zip(drawing.buildings, good, strict=True) if keep]


def _taken(town: Town, clearings: Polygon) -> Polygon:
    ways = shapely.buffer([way.geometry for way in town.drawing.public_streets()], 12.0, quad_segs=2)
    return shapely.union_all([*town.parcels, *ways, town.terrain.crossing_zone(), clearings])


def main() -> int:
    """Write the sample into the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Write the synthetic sample city.")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "lishui", help="folder to write into"
    )
    counts = write_sample(parser.parse_args().out)
    sys.stdout.write(", ".join(f"{value:,} {key}" for key, value in counts.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
