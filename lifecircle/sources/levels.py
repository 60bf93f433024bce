"""In which larger units do communities, or parts of them, lie?"""

import geopandas as gpd
import numpy as np
import pandas as pd

from lifecircle.catalog import CityFiles
from lifecircle.city import Level
from lifecircle.errors import DataError
from lifecircle.messages import LANGUAGES, say
from lifecircle.sources.layers import LEVEL_FIELDS, read_communities
from lifecircle.sources.notes import Note, note_values

_SHOWN = 10


def read_levels(
    files: CityFiles, communities: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, tuple[Level, ...], list[pd.DataFrame]]:
    """Return the communities without the columns that name units, the units, and notes of their files.

    First come the units that columns of the communities name, from the finest to the coarsest, then those of
    layers of their own. Units of one name in different larger units are different ones. Units of a layer that
    touch no community are left out, and noted.

    Parameters
    ----------
    files
        Names the layers of units.
    communities
        As `read_communities` gives them.

    Returns
    -------
    communities
    levels
    notes
        As of `read_communities`.

    Raises
    ------
    FileError, DataError
        As of `read_communities`; also if two levels have one id, or no unit of a layer touches a community.
    """
    named = [field for field in LEVEL_FIELDS if field in communities]
    levels = [_of_column(communities, named[row:]) for row in range(len(named))]
    notes = []
    for layer in files.levels:
        units, told = read_communities(layer.file, crs=communities.crs, bare_crs=files.crs)
        units = units.rename(columns={"community_id": "unit_id", "community": "unit"})
        here = units.intersects(communities.union_all())
        if not here.any():
            raise DataError("levels.elsewhere", path=layer.file.path, known=", ".join(units["unit"][:_SHOWN]))
        outside: list[Note] = []
        note_values(outside, "units_outside", layer.file.path, units["unit"][~here])
        notes += [told, *([pd.DataFrame(outside, columns=told.columns)] if outside else [])]
        units = units.loc[here, ["unit_id", "unit", "geometry"]].reset_index(drop=True)
        levels.append(Level(layer.id, layer.name, units))
    ids = [level.id for level in levels]
    for one in ids:
        if ids.count(one) > 1:
            raise DataError("levels.twice", value=one, known=", ".join(LEVEL_FIELDS))
    return communities.drop(columns=named), tuple(levels), notes


def _of_column(communities: gpd.GeoDataFrame, fields: list[str]) -> Level:
    """Return the units that the first of the fields names; the others name the units around them."""
    names = communities[fields[0]]
    ids = (
        communities[fields].agg(lambda row: "/".join(filter(None, row[::-1])), axis=1).where(names != "", "")
    )
    unit_ids = [one for one in ids.unique() if one]
    row = pd.Index(unit_ids).get_indexer(pd.Index(ids)).astype(np.int64)
    inside = communities.assign(unit_id=ids, unit=names)[row >= 0]
    units = (
        inside[["unit_id", "unit", "geometry"]].dissolve("unit_id", sort=False).loc[unit_ids].reset_index()
    )
    name = {lang: say(f"levels.name_{fields[0]}", lang) for lang in LANGUAGES}
    return Level(fields[0], name, units[["unit_id", "unit", "geometry"]], row)
