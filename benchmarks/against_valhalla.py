"""Do two programs that share no code walk the same: ours, and Valhalla on tiles of the same extract?

By hand, where pyvalhalla is installed (the extra ``peers``)::

    python -m benchmarks.against_valhalla --shared ../shared
"""

import argparse
import collections
import dataclasses
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import osmium
import pandas as pd
import pyproj
import shapely
import valhalla
from numpy.typing import NDArray

from lifecircle.barriers import NO_BARRIERS
from lifecircle.catalog import load_standard
from lifecircle.choice import within
from lifecircle.network import WalkNetwork
from lifecircle.route import route_to_nearest
from lifecircle.sources.osm_file import OsmData, read_osm
from lifecircle.walkable import Trait

LAS_PALMAS = Path("data/las_palmas/las_palmas.osm.pbf")
PAIRS, FARTHEST_M, SEED = 1000, 3000.0, 1
MUCH, MUCH_M = 0.01, 10.0
"""A walk that differs by more than both is explained."""
SAME_STREET_M, ON_WAY_M = 5.0, 0.5
_TAGS = ("highway", "area", "access", "foot", "service", "oneway:foot", "barrier")
# Distance alone: no dislike of steps, lifts, alleys or driveways, and every path that is no climb.
WALKER = {
    "shortest": True,
    "step_penalty": 0,
    "elevator_penalty": 0,
    "gate_penalty": 0,
    "private_access_penalty": 0,
    "destination_only_penalty": 0,
    "service_penalty": 0,
    "max_hiking_difficulty": 6,
    "use_ferry": 0,
}
Floats = NDArray[np.float64]


class Other(NamedTuple):
    """What Valhalla walks for one pair."""

    metres: float
    """With the way from the home to its street and from the street to the facility."""
    line: shapely.LineString
    """Along its streets, in our CRS."""


class Valhalla(NamedTuple):
    """Valhalla on tiles of the extract, asked in our CRS."""

    actor: Any
    degrees: pyproj.Transformer

    def walk(self, home: shapely.Point, facility: shapely.Point) -> Other:
        """Return its shortest walk between two points, inf metres where it finds none."""
        try:
            leg = self.actor.route(self._query(home, facility))["trip"]["legs"][0]
        except RuntimeError:
            return Other(np.inf, shapely.LineString())
        line = shapely.LineString(
            np.column_stack(self.degrees.transform(*decoded(leg["shape"]), direction="INVERSE"))
        )
        ends = shapely.get_point(line, [0, -1])
        return Other(line.length + shapely.distance(ends, [home, facility]).sum(), line)

    def metres_to_street(self, at: shapely.Point) -> float:
        """Return how far the nearest street is that it walks, inf where there is none."""
        edges = self.actor.locate(self._query(at) | {"verbose": True})[0]["edges"]
        return min((edge["distance"] for edge in edges), default=np.inf)

    def _query(self, *places: shapely.Point) -> dict[str, Any]:
        ends = [dict(zip(("lon", "lat"), self.degrees.transform(at.x, at.y), strict=True)) for at in places]
        return {"locations": ends, "costing": "pedestrian", "costing_options": {"pedestrian": WALKER}}


class Ours(NamedTuple):
    """What our network says of single points."""

    without_barriers: WalkNetwork
    streets: shapely.STRtree
    across: shapely.STRtree
    """Ways across squares, which nobody drew."""

    def meets_without_barriers(self, at: shapely.Point, place: str, there: shapely.Point) -> bool:
        """Return whether a place would open where Valhalla has it, if no barrier were there."""
        network = self.without_barriers
        door = network.snap(at.x, at.y) if place == "home" else network.doors(at.x, at.y)
        lines = network.lines[door.street]
        return bool(
            (
                shapely.distance(shapely.line_interpolate_point(lines, door.along_m), there) < SAME_STREET_M
            ).any()
        )

    def is_across(self, at: shapely.Point) -> bool:
        """Return whether a point is on a way across a square."""
        return len(self.across.query(at, "dwithin", ON_WAY_M)) > 0

    def metres_to_street(self, at: shapely.Point) -> float:
        """Return how far the nearest street is that we walk."""
        return float(shapely.distance(self.streets.geometries[self.streets.nearest(at)], at))


class OsmWays(NamedTuple):
    """The highways of the extract, in our CRS, and their tags."""

    tree: shapely.STRtree
    tags: list[dict[str, str]]

    def on(self, at: shapely.Point) -> list[dict[str, str]]:
        """Return the tags of the ways a point is on."""
        return [self.tags[row] for row in self.tree.query(at, "dwithin", ON_WAY_M)]

    def at(self, at: shapely.Point) -> str:
        """Return the tags of the nearest way in words."""
        tags = self.tags[self.tree.nearest(at)]
        return " ".join(f"{key}={tags[key]}" for key in _TAGS if key in tags)


def main() -> None:
    """Compare, and print what stands in docs/trust.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_valhalla", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    path = parser.parse_args().shared / LAS_PALMAS
    city = read_osm(path, services=load_standard("life-circle").services)
    degrees = pyproj.Transformer.from_crs(city.network.crs, 4326, always_xy=True)
    pairs = ours(city)
    with tempfile.TemporaryDirectory() as folder:
        other = Valhalla(valhalla.Actor(str(tiles(path, Path(folder)))), degrees)
        theirs = [other.walk(row.home, row.facility) for row in pairs.itertuples()]
        report(pairs["metres"].to_numpy(), np.array([walk.metres for walk in theirs]))
        explain(city.network, other, ways_of(path, degrees), pairs, theirs)


def ours(city: OsmData) -> pd.DataFrame:
    """Return random pairs of a home and a facility (points) with our walk in metres."""
    rng, network = np.random.default_rng(SEED), city.network
    homes = city.homes.iloc[rng.permutation(len(city.homes))[:PAIRS]].geometry.to_numpy()
    facilities = city.facilities.geometry.to_numpy()
    at_home, doors = (
        network.snap(*shapely.get_coordinates(homes).T),
        network.doors(*shapely.get_coordinates(facilities).T),
    )
    found = within(network, at_home, doors, cutoff_m=np.inf)
    frame = pd.DataFrame(found._asdict())
    apart = shapely.distance(homes[frame["home"]], facilities[frame["facility"]])
    frame = frame[apart <= FARTHEST_M].sample(PAIRS, random_state=SEED)
    return pd.DataFrame(
        {
            "home": homes[frame["home"]],
            "facility": facilities[frame["facility"]],
            "metres": frame["metres"].to_numpy(),
        }
    )


def tiles(extract: Path, folder: Path) -> Path:
    """Build Valhalla's tiles of an extract, offline; return its settings."""
    programs = Path(valhalla.__file__).parent / "bin"
    (folder / "tiles").mkdir()
    settings = valhalla.get_config(tile_extract="", tile_dir=folder / "tiles")
    settings["logging"] = {"type": "file", "file_name": str(folder / "log.txt")}
    path = folder / "valhalla.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    subprocess.run(
        [programs / "valhalla_build_tiles", "-c", path, extract.resolve()],
        check=True,
        capture_output=True,
        cwd=folder,  # where it leaves what it remarks
    )
    return path


def ways_of(extract: Path, degrees: pyproj.Transformer) -> OsmWays:
    """Return the highways of an extract."""
    lines, tags = [], []
    for way in osmium.FileProcessor(extract, osmium.osm.NODE | osmium.osm.WAY).with_locations():
        if way.is_way() and "highway" in way.tags:
            lonlat = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if len(lonlat) > 1:
                xy = degrees.transform(*np.transpose(lonlat), direction="INVERSE")
                lines.append(shapely.LineString(np.column_stack(xy)))
                tags.append(dict(way.tags))
    return OsmWays(shapely.STRtree(lines), tags)


def decoded(shape: str) -> tuple[Floats, Floats]:
    """Return the longitudes and latitudes of an encoded polyline of six decimals."""
    values, value, shift = [], 0, 0
    for letter in shape:
        bits = ord(letter) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:  # noqa: PLR2004 - the last five bits of a number
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    lat, lon = np.cumsum(np.array(values).reshape(-1, 2), axis=0).T / 1e6
    return lon, lat


def report(ours_m: Floats, theirs_m: Floats) -> None:
    """Print how far the walks differ."""
    both = np.isfinite(theirs_m)
    metres = np.abs(theirs_m - ours_m)[both]
    share = metres / ours_m[both]
    print(f"{len(ours_m)} pairs, {both.sum()} walked by both; median walk {np.median(ours_m):.0f} m")
    for name, value, unit in (("relative", 100 * share, "%"), ("absolute", metres, "m")):
        low, high = np.percentile(value, [50, 95])
        print(f"{name} difference: median {low:.2f} {unit}, 95th percentile {high:.2f} {unit}")
    print(*(f"within {limit:.1%}: {(share <= limit).mean():.1%}" for limit in (0.001, 0.01, 0.05)), sep="\n")


def explain(
    network: WalkNetwork, other: Valhalla, ways: OsmWays, pairs: pd.DataFrame, theirs: Sequence[Other]
) -> None:
    """Print each pair that differs much, why, and how many there are of each class."""
    classes: collections.Counter[str] = collections.Counter()
    ours = Ours(
        dataclasses.replace(network, barriers=NO_BARRIERS),
        shapely.STRtree(network.lines[np.isfinite(network.along) | np.isfinite(network.against)]),
        shapely.STRtree(network.lines[((network.traits & Trait.ACROSS) != 0) & (network.street_m > 0)]),
    )
    for pair, walk in zip(pairs.itertuples(), theirs, strict=True):
        more = walk.metres - pair.metres
        if abs(more) > max(MUCH_M, MUCH * pair.metres):
            route = route_to_nearest(network, pair.home, [pair.facility])
            line = shapely.LineString(shapely.get_coordinates(route)[1:-1])
            kind, what = reason((pair.home, pair.facility), line, walk.line, ours, other, ways)
            if kind == "other" and abs(other.walk(pair.facility, pair.home).metres - pair.metres) < MUCH_M:
                kind = "Valhalla's walkers keep to a one-way rule for vehicles"
            classes[f"{kind} ({'Valhalla' if more > 0 else 'lifecircle'} walks farther)"] += 1
            print(f"{pair.metres:7.0f} m, Valhalla {more / pair.metres:+.1%} {more:+5.0f} m: {kind}: {what}")
    print(*(f"{count:4}  {name}" for name, count in classes.most_common()), sep="\n")


def reason(
    places: tuple[shapely.Point, shapely.Point],
    line: shapely.LineString,
    other_line: shapely.LineString,
    ours: Ours,
    other: Valhalla,
    ways: OsmWays,
) -> tuple[str, str]:
    """Return why two walks part: a class, and the tags of the way that makes the difference."""
    if found := reason_at_ends(places, line, other_line, ours, ways):
        return found
    for at in points_of(line, 2.0):
        if ours.is_across(at) and shapely.distance(at, other_line) > ON_WAY_M:
            return "a square that is crossed, which Valhalla leaves out or walks round", ways.at(at)
        on = ways.on(at)
        if on and all(tags.get("area") == "yes" for tags in on):
            return "a square's outline, which Valhalla leaves out", ways.at(at)
    for at in points_of(other_line, 10.0):
        if ours.metres_to_street(at) > SAME_STREET_M:
            return "a way that only Valhalla walks", ways.at(at)
    for at in points_of(line, 10.0):
        if shapely.distance(at, other_line) > SAME_STREET_M and other.metres_to_street(at) > SAME_STREET_M:
            return "a way that only lifecircle walks", ways.at(at)
    parted = [at for at in points_of(line, 5.0) if shapely.distance(at, other_line) > ON_WAY_M]
    return "other", ", ".join(dict.fromkeys(ways.at(at) for at in parted))


def reason_at_ends(
    places: tuple[shapely.Point, shapely.Point],
    line: shapely.LineString,
    other_line: shapely.LineString,
    ours: Ours,
    ways: OsmWays,
) -> tuple[str, str] | None:
    """Return why two walks begin or end on different streets, None where they do not."""
    ends, other_ends = (shapely.get_point(one, [0, -1]) for one in (line, other_line))
    for place, at, here, there in zip(("home", "facility"), places, ends, other_ends, strict=True):
        if shapely.distance(here, there) > SAME_STREET_M:
            what = f"{ways.at(here)} / {ways.at(there)}"
            if ours.meets_without_barriers(at, place, there):
                return f"a barrier is in the way of the {place}'s leg, which Valhalla crosses", what
            if ours.is_across(here):
                return f"the {place} opens on a square that is crossed", what
            return f"the {place} opens on another street", what
    return None


def points_of(line: shapely.LineString, apart_m: float) -> NDArray[Any]:
    """Return points along a line."""
    return np.asarray(shapely.points(shapely.get_coordinates(shapely.segmentize(line, apart_m))))


if __name__ == "__main__":
    main()
