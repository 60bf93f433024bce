"""Valhalla: tiles from the same file, then walking isochrones around each facility, united."""

import json
import subprocess

import shapely
import valhalla
from pyrosm import OSM
from work import hand_in, homes_of, read_work

work = read_work()
(work.out / "tiles").mkdir(parents=True, exist_ok=True)
config = valhalla.get_config(tile_extract="", tile_dir=str(work.out / "tiles"), verbose=False)
config["service_limits"]["isochrone"]["max_locations"] = 1
(work.out / "valhalla.json").write_text(json.dumps(config), encoding="utf-8")
build = valhalla.PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"
subprocess.run(
    [build, "-c", work.out / "valhalla.json", str(work.osm)], check=True, capture_output=True, cwd=work.out
)
homes = homes_of(work, OSM(str(work.osm)))
actor = valhalla.Actor(config)
points = shapely.points(homes.to_crs(4326).get_coordinates().to_numpy())
covered = {}
for service, facilities in work.services():
    shapes = {metres: [] for metres in work.metres}
    for lon, lat in facilities.to_crs(4326).get_coordinates().to_numpy():
        asked = {
            "locations": [{"lon": lon, "lat": lat}],
            "costing": "pedestrian",
            "contours": [{"distance": metres / 1000} for metres in work.metres],
            "polygons": True,
            "generalize": 10,
        }
        answer = json.loads(actor.isochrone(json.dumps(asked)))
        for feature in answer["features"]:
            shapes[1000 * feature["properties"]["contour"]].append(
                shapely.geometry.shape(feature["geometry"])
            )
    for metres, found in shapes.items():
        reach = shapely.union_all(shapely.make_valid(found))
        shapely.prepare(reach)
        covered[service, metres] = shapely.contains(reach, points)
hand_in(work, homes, covered)
