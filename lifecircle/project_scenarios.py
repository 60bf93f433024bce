"""If pace, limit or snap limit were a little other, would these projects still bring what they promise?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifecircle.coverage import Coverage
from lifecircle.measured_again import without_cells
from lifecircle.options import longest_codes, net_gains, with_work
from lifecircle.scenarios import HALF, SCENARIOS, Scenario, robustness, under
from lifecircle.streets import Floats


def project_scenarios(
    coverage: Coverage, works: Sequence[dict[str, Any]], gained: Floats
) -> dict[str, NDArray[Any]]:
    """Return which projects of a list are robust.

    The list is built in its order in each of the `lifecircle.scenarios.SCENARIOS`. A project is robust if in
    each it still brings at least half of the people whom it brings as measured; whom it leaves without a
    service there is taken off. People of whom nothing is known in a scenario are brought nothing in it.

    Parameters
    ----------
    coverage
        The city as it stands.
    works
        Rows of `lifecircle.options.Ideas.works`, in order.
    gained
        Shape (works,). People of gaps of its service whom each adds to those before it.

    Returns
    -------
    dict
        Columns robust, kept_share (the least share that any scenario leaves, 1 at most) and weakest (that
        scenario, "" where all is left).
    """
    kept = np.ones((len(SCENARIOS), len(works)))
    for snap in dict.fromkeys(scenario.snap for scenario in SCENARIOS):
        rows = [row for row, scenario in enumerate(SCENARIOS) if scenario.snap == snap]
        kept[rows] = _brought(coverage, [SCENARIOS[row] for row in rows], works) / gained
    told = robustness(kept, (scenario.id for scenario in SCENARIOS), HALF)
    return told | {"kept_share": np.clip(told["kept_share"], 0.0, 1.0)}


def _brought(coverage: Coverage, scenarios: Sequence[Scenario], works: Sequence[dict[str, Any]]) -> Floats:
    """Return the people whom each work brings, less those it takes, in scenarios with the same snap limit.

    They share the walks, which other paces and limits only read anew: the works are built once.
    """
    apart = scenarios[0].snap != 1
    now = under(coverage, scenarios[0]) if apart else without_cells(coverage)

    def read(there: Coverage) -> list[NDArray[np.int8]]:
        return [longest_codes(there if apart else under(there, one)) for one in scenarios]

    services = [service.id for service in coverage.standard.services]
    first = was = read(now)
    brought = np.zeros((len(scenarios), len(works)))
    for number, work in enumerate(works):
        now = with_work(now, work)
        then, was = was, read(now)
        own = np.array([service == work["service"] for service in services])
        for row in range(len(scenarios)):
            gains = net_gains(first[row], then[row], was[row], coverage.weights)
            brought[row, number] = gains[own].sum() + np.minimum(gains[~own], 0.0).sum()
    return brought
