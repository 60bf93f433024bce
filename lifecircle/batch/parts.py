"""How do the homes of many cities become one data set that is read as one table?

``homes.parquet/city=liandu/tile=all/part.parquet``, or a part for each tile of a city that was
cut: what pandas, Dask, DuckDB and Spark know as partitions.
All parts are in degrees of WGS 84, for a data set has one CRS and cities have each their own.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely

from lifecircle.batch.store import keep_only, put_file, under
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError
from lifecircle.render.geodata import homes_layer
from lifecircle.sources.tile_plan import Plan, tile_name

DATA_SET = "homes.parquet"
"""No city has that name: a name has no dot."""
WHOLE = "all"
"""The tile of a city that was measured in one piece."""


def part_of(out: str, variant: str, city: str, tile: str = WHOLE) -> str:
    """Return where the homes of a city, or of a tile of it, stand."""
    parts = [*filter(None, variant.split("/")), DATA_SET, f"city={city}", f"tile={tile}", "part.parquet"]
    return under(out, *parts)


def write_parts(coverage: Coverage, plan: Plan | None, place: Callable[[str], str]) -> list[str]:
    """Write the homes of a city with their walks, each tile a file: whole, or not at all.

    Parts that earlier runs made of other tiles of it are removed.

    Parameters
    ----------
    coverage
        The measured city.
    plan
        Its tiles; None where it was measured in one piece.
    place
        Returns the file of a tile, or its address, as `part_of` does. Columns as in layer ``homes`` of
        ``gaps.gpkg``: one of minutes per service, inf out of reach, null unknown; the geometry in EPSG:4326.

    Returns
    -------
    list of str
        The tiles that have homes; where there are none at all, one without rows.

    Raises
    ------
    DataError
        If pyarrow is not installed.
    """
    homes = homes_layer(coverage)
    parts = {WHOLE: homes}
    if plan is not None and len(homes):
        tile = plan.tile_of(shapely.get_coordinates(homes.geometry))
        parts = {tile_name(number): homes[tile == number] for number in np.unique(tile).tolist()}
    with tempfile.TemporaryDirectory(prefix="lifecircle-") as passing:
        here = Path(passing) / "part.parquet"
        for name, part in parts.items():
            try:
                part.to_crs(4326).to_parquet(here, index=False)
            except ImportError as error:
                raise DataError("export.no_pyarrow") from error
            put_file(here, place(name))
    keep_only([place(name) for name in parts])
    return [*parts]
