"""Where is each site of this layer entered?

A park or a school drawn as an area is not reached at its middle. Known entrances go first; without one, the
site is entered where streets meet its outline. However many doors a site has, it counts once.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from lifecircle.catalog import LayerFile
from lifecircle.doors import DOORS, doors_of_outlines, multipoints
from lifecircle.sources.features import ENTRANCES, read_features
from lifecircle.sources.notes import Note, note_rows
from lifecircle.sources.opening import LIMITS, Limits

if TYPE_CHECKING:
    from lifecircle.network import WalkNetwork

ENTRANCE_M = 20.0
"""How far off a site's outline one of its entrances may be drawn."""
_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def doors_of_sites(
    sites: gpd.GeoDataFrame,
    file: LayerFile,
    notes: list[Note],
    *,
    bare_crs: str | None = None,
    network: "WalkNetwork | None" = None,
    limits: Limits = LIMITS,
) -> NDArray[Any] | None:
    """Return where each site is entered.

    Parameters
    ----------
    sites
        As `lifecircle.sources.features.read_features` gives them, in a metric CRS.
    file
        Where they were read from; it may name a layer of entrances, or hold one called so.
    notes
        Takes how many sites have entrances, which are entered at their outline, and stray entrances.
    bare_crs
        CRS of a layer of entrances that names none.
    network
        Streets, for sites without entrances; where None these get no door.
    limits
        As for `read_features`.

    Returns
    -------
    numpy.ndarray or None
        Shape (sites,). MultiPoint, or None for a site that is measured from its point; None where all are.

    Raises
    ------
    FileError, DataError
        As `read_features`, for the layer of entrances.
    """
    shapes = sites.geometry.to_numpy()
    kind = shapely.get_type_id(shapes)
    doors = np.full(len(sites), None, dtype=object)
    if DOORS in sites:
        doors[:] = sites[DOORS].to_numpy()
    several = kind == shapely.GeometryType.MULTIPOINT
    doors[several] = shapes[several]
    areas = np.isin(kind, _AREAS)
    if areas.any() and (gates := _layer_of_entrances(file)) is not None:
        points = read_features(gates, notes, crs=sites.crs, bare_crs=bare_crs, limits=limits)
        drawn, stray = _gates_of(shapes[areas], shapely.centroid(points.geometry.to_numpy()))
        doors[areas] = np.where(shapely.is_missing(drawn), doors[areas], drawn)
        note_rows(notes, "entrances_of_no_site", gates.path, pd.Series(stray, index=points.index))
    entered = ~shapely.is_missing(doors)
    note_rows(notes, "rows_with_entrances", file.path, pd.Series(entered, index=sites.index))
    if network is not None:
        open_ = np.flatnonzero(areas & ~entered)
        doors[open_] = doors_of_outlines(network, shapes[open_])
        at_outline = pd.Series(~shapely.is_missing(doors) & ~entered, index=sites.index)
        note_rows(notes, "rows_entered_at_outline", file.path, at_outline)
    return None if shapely.is_missing(doors).all() else doors


def _layer_of_entrances(file: LayerFile) -> LayerFile | None:
    if file.entrances is not None:
        return dataclasses.replace(file, path=file.entrances, sheet=None, encoding=None, entrances=None)
    if file.path.suffix.lower() == ".gpkg":
        layers = pyogrio.list_layers(file.path.absolute())[:, 0]
        if ENTRANCES in layers and file.sheet != ENTRANCES:
            return dataclasses.replace(file, sheet=ENTRANCES)
    return None


def _gates_of(sites: NDArray[Any], gates: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the gates of each site as a MultiPoint, None where it has none, and which gates have no site.

    A gate belongs to the site whose outline is nearest; one in a shared wall, to both.
    """
    gate, site = shapely.STRtree(shapely.boundary(sites)).query_nearest(
        gates, max_distance=ENTRANCE_M, all_matches=True
    )
    stray = np.ones(len(gates), dtype=bool)
    stray[gate] = False
    return multipoints(shapely.get_coordinates(gates[gate]), site, len(sites)), stray
