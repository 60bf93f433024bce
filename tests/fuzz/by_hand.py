"""What do readers make of bytes that atheris breeds for new paths through our code?

The suite runs it for some seconds where atheris is installed (``[test]`` brings it to Linux on x86-64: there
are wheels). For an hour, from the repository:

    PYTHONPATH=. python tests/fuzz/by_hand.py -max_total_time=3600 new tests/fuzz/corpus

where ``new`` is an empty folder for what it breeds. It stops at the first error that no user is meant to see,
and writes the bytes that made it. The first byte chooses the ending; ``ENDINGS=csv,xlsx`` before the command
tries those alone.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["lifecircle", "openpyxl", "json", "csv", "zipfile"]):
    from lifecircle.catalog import LayerFile, find_city, load_standard
    from lifecircle.errors import LifecircleError
    from lifecircle.sources.features import read_features
    from lifecircle.sources.osm_file import read_osm

SERVICES = load_standard("life-circle").services
ENDINGS = ("csv", "xlsx", "geojson", "gpkg", "shp", "osm", "osm.pbf", "toml", "city.toml")
TRIED = os.environ.get("ENDINGS", ",".join(ENDINGS)).split(",")
FOLDER = Path(tempfile.mkdtemp())


def read(content: bytes) -> None:
    chosen = content[0] if content else 0
    ending = ENDINGS[chosen % len(ENDINGS)]
    if ending not in TRIED:
        ending = TRIED[chosen % len(TRIED)]
    file = FOLDER / ("city.toml" if ending == "city.toml" else f"a.{ending}")
    file.write_bytes(content[1:])
    with contextlib.suppress(LifecircleError):
        if ending == "city.toml":
            find_city(FOLDER)
        elif ending == "toml":
            load_standard(file)
        elif ending.startswith("osm"):
            read_osm(file, services=SERVICES)
        else:
            read_features(LayerFile(file), [], crs="EPSG:4549")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
