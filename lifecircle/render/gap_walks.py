"""Which walk does the map draw for a gap: from its farthest home to the facility nearest to it?"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.coverage import Coverage
from lifecircle.gaps import CAPACITY, REASONS, gap_ids, homes_of_gaps
from lifecircle.render import map_data


def pack_walks(
    coverage: Coverage, gaps: gpd.GeoDataFrame, shift: map_data.Shift | None = None
) -> dict[str, Any]:
    """Return the walk of each gap, those that several gaps share once.

    It is the longest of those homes of the gap from which a facility can be reached: where homes have no
    street, or lack only places, there is none to check. There and back, the way there is drawn.

    Parameters
    ----------
    coverage, gaps, shift
        As for `lifecircle.render.map_data.pack_gaps`.

    Returns
    -------
    dict
        ``of`` is the walk of each gap, -1 for none; of each walk ``shapes`` is the line as `pack` returns it,
        ``walk`` how long it is in the unit of its service, and ``facility`` the row of its end in
        `pack_facilities`.
    """
    homes = homes_of_gaps(coverage)
    reached = np.isfinite(homes["minutes"]) & (homes["facility"] >= 0)
    homes = homes[reached & (homes["reason"] != REASONS.index(CAPACITY))]
    homes["service"] = np.array([one.id for one, _ in coverage.standard.pairs], dtype=object)[homes["pair"]]
    farthest = homes.sort_values(["gap", "minutes", "home"]).groupby("gap").tail(1)
    walks = farthest.drop_duplicates(["service", "home"]).reset_index(drop=True)
    lines = np.full(len(walks), None, dtype=object)
    for service, rows in walks.groupby("service").indices.items():
        lines[rows] = coverage.routes(walks["home"].to_numpy()[rows], str(service))
    keys = ["service", "home"]
    number = pd.MultiIndex.from_frame(walks[keys]).get_indexer(pd.MultiIndex.from_frame(farthest[keys]))
    of_gap = pd.Series(number, index=gap_ids(farthest["gap"]), dtype=np.int64)
    services = [service.id for service in coverage.standard.services]
    shown = coverage.city.facilities["service"].isin(services).to_numpy()
    drawn = shapely.simplify(lines, map_data.STREET_M, preserve_topology=False)
    return {
        "of": of_gap.reindex(gaps["gap_id"], fill_value=-1).tolist(),
        "shapes": map_data.pack(gpd.GeoSeries(drawn, crs=coverage.city.crs), shift),
        "walk": map_data.walks_in_units(coverage, walks["minutes"], walks["service"]),
        "facility": (np.cumsum(shown) - 1)[walks["facility"]].tolist(),
    }
