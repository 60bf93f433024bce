"""How do the homes of many cities become one data set that is read as one table?

``homes.parquet/city=liandu/tile=all/part.parquet``: what pandas, Dask, DuckDB and Spark know as partitions.
All parts are in degrees of WGS 84, for a data set has one CRS and cities have each their own.
"""

import tempfile
from pathlib import Path

from lifecircle.batch.store import put_file, under
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.render.geodata import homes_layer

DATA_SET = "homes.parquet"
"""No city has that name: a name has no dot."""
WHOLE = "all"
"""The tile of a city that was measured in one piece."""


def part_of(out: str, variant: str, city: str, tile: str = WHOLE) -> str:
    """Return where the homes of a city, or of a tile of it, stand."""
    parts = [*filter(None, variant.split("/")), DATA_SET, f"city={city}", f"tile={tile}", "part.parquet"]
    return under(out, *parts)


def write_part(coverage: Coverage, place: str) -> None:
    """Write the homes of a city with their walks: the whole file, or none.

    Parameters
    ----------
    coverage
        The measured city.
    place
        The file, or its address. Columns as in layer ``homes`` of ``gaps.gpkg``: one of minutes per service,
        inf out of reach, null unknown; the geometry in EPSG:4326.

    Raises
    ------
    DataError
        If pyarrow is not installed.
    """
    frame = homes_layer(coverage).to_crs(4326)
    with tempfile.TemporaryDirectory(prefix="lifecircle-") as passing:
        here = Path(passing) / "part.parquet"
        try:
            frame.to_parquet(here, index=False)
        except ImportError as error:
            raise DataError("export.no_pyarrow") from error
        put_file(here, place)
