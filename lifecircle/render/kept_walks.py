"""What was measured (``walks.npz``), so that maps and documents can be made later without measuring again?"""

import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecircle.coverage import Coverage


def write_walks(coverage: Coverage, path: Path) -> None:
    """Write every measured array, and where the homes and facilities stood, for `read_run` to check.

    The same walks make the same bytes.

    Parameters
    ----------
    coverage
        The measured city.
    path
        The file, which ends in ``.npz``.
    """
    city, cells = coverage.city, coverage.cell_places
    row = pd.Series(np.arange(len(city.communities)), index=city.communities["community_id"])
    arrays: dict[str, NDArray[Any]] = {
        f"{place}_{field.name}": getattr(walks, field.name)
        for place, walks in (("home", coverage.walks), ("cell", coverage.cell_walks))
        for field in dataclasses.fields(walks)
    }
    for layer, frame in (("home", city.homes), ("facility", city.facilities), ("cell", cells)):
        arrays[f"{layer}_xy"] = np.column_stack([frame.geometry.x, frame.geometry.y])
    arrays |= {
        "cell_community": row[cells["community_id"]].to_numpy(),
        "straight_m": coverage.straight_m,
        "straight_facility": coverage.straight_facility,
        "max_snap_m": np.array(coverage.max_snap_m),
        "round_trip": np.array(coverage.round_trip),
        **{f"scenario_{name}": codes for name, codes in coverage.scenarios.items()},
    }
    # as `numpy.savez_compressed`, at its least: half the time for a file a twentieth larger
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as kept:
        for name, array in arrays.items():
            with kept.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
