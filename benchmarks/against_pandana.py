"""From junction to junction, does pandana's contraction hierarchy find the same metres as our search?

By hand, where pandana is installed (the extra ``peers``; it is AGPL, so the product never asks for it)::

    python -m benchmarks.against_pandana --shared ../shared

pandana knows junctions only: both search the public streets, from junctions that are homes to junctions that
are facilities. Access legs, places along streets and private streets are compared elsewhere (docs/trust.md).
"""

import argparse
from pathlib import Path

import numpy as np
import pandana
import pandas as pd

from lifecircle.network import Positions, WalkNetwork
from lifecircle.reach import metres_to_nearest

LAS_PALMAS = Path("data/las_palmas/las_palmas.osm.pbf")
HOMES, FACILITIES, SEED = 5000, 100, 1
NO_WAY_M = 4e6
"""pandana says as much, and more, where there is no way."""


def main() -> None:
    """Compare, and print what stands in docs/trust.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_pandana", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, help="folder that holds data/las_palmas")
    network = WalkNetwork.from_osm(parser.parse_args().shared / LAS_PALMAS)
    public = np.flatnonzero(~network.private & ~network.island)
    rng = np.random.default_rng(SEED)
    homes, facilities = (rng.choice(public, count, replace=False) for count in (HOMES, FACILITIES))
    ours = metres_to_nearest(network, at_first_node(homes), at_first_node(facilities)).metres
    theirs = nearest_by_pandana(network, public, homes, facilities)
    both = np.isfinite(ours) & np.isfinite(theirs)
    lonely = np.isfinite(ours) ^ np.isfinite(theirs)
    print(
        f"{HOMES} homes, {FACILITIES} facilities; walked by both {both.sum()}, by one of them {lonely.sum()}"
    )
    print(f"largest difference {np.abs(ours[both] - theirs[both]).max() * 1000:.1f} mm")


def at_first_node(streets: np.ndarray) -> Positions:
    """Return places at the first node of each street."""
    rows = np.arange(len(streets))
    return Positions(streets, np.zeros(len(streets)), np.zeros(len(streets)), rows, np.full(len(streets), -1))


def nearest_by_pandana(
    network: WalkNetwork, public: np.ndarray, homes: np.ndarray, facilities: np.ndarray
) -> np.ndarray:
    """Return metres from the first node of each home's street to the nearest first node of a facility's."""
    ends = np.stack([network.street_from, network.street_to])
    steps = []
    for tail, head, factor in ((0, 1, network.along), (1, 0, network.against)):
        open_ = public[np.isfinite(factor[public])]
        steps.append(
            np.column_stack([ends[tail, open_], ends[head, open_], network.street_m[open_] * factor[open_]])
        )
    edges = pd.DataFrame(np.concatenate(steps), columns=["from", "to", "metres"])
    edges = edges.sort_values("metres").drop_duplicates(["from", "to"])  # of parallel streets the shorter
    node_x, node_y = (pd.Series(at) for at in (network.node_x, network.node_y))
    other = pandana.Network(
        node_x, node_y, edges["from"].astype(int), edges["to"].astype(int), edges[["metres"]], twoway=False
    )
    pairs = pd.MultiIndex.from_product([ends[0, homes], np.unique(ends[0, facilities])])
    metres = np.array(other.shortest_path_lengths(pairs.get_level_values(0), pairs.get_level_values(1)))
    nearest = metres.reshape(len(homes), -1).min(axis=1)
    return np.where(nearest > NO_WAY_M, np.inf, nearest)


if __name__ == "__main__":
    main()
