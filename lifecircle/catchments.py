"""Whom is each facility the nearest for, and how long do people walk to it?"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecircle.shares import ratio
from lifecircle.streets import Floats

if TYPE_CHECKING:
    from lifecircle.coverage import Coverage


def catchments_of(coverage: "Coverage") -> pd.DataFrame:
    """Return what `Coverage.catchments` does."""
    services = [service.id for service in coverage.standard.services]
    minutes = coverage.known_minutes(coverage.walks)
    home, column = np.nonzero(np.isfinite(minutes))
    walk, weight = minutes[home, column], coverage.weights[home, column]
    facilities = coverage.city.facilities
    near, count = coverage.walks.facility[home, column], len(facilities)
    people = np.bincount(near, weights=weight, minlength=count)
    farthest = np.full(count, np.nan)
    np.fmax.at(farthest, near, walk)
    table = pd.DataFrame(facilities[["facility_id", "name", "service"]]).assign(
        **{
            "homes": np.bincount(near, minlength=count),
            coverage.city.measure: people,
            "denominator": facilities["service"].map({one: coverage.denominator(one) for one in services}),
            "mean_minutes": ratio(np.bincount(near, weights=weight * walk, minlength=count), people),
            "farthest_minutes": farthest,
        }
    )
    return table[table["service"].isin(services)]


def mean_minutes_of(coverage: "Coverage") -> pd.DataFrame:
    """Return what `Coverage.mean_minutes` does."""
    minutes, weight, measure = coverage.known_minutes(coverage.walks), coverage.weights, coverage.city.measure
    in_reach = _sums(weight, np.isfinite(minutes))
    return pd.DataFrame(
        {
            "service": [service.id for service in coverage.standard.services],
            "mean_minutes": ratio(_sums(weight, np.where(np.isfinite(minutes), minutes, 0.0)), in_reach),
            f"{measure}_in_reach": in_reach,
            f"{measure}_out_of_reach": _sums(weight, np.isinf(minutes)),
            f"{measure}_unknown": _sums(weight, np.isnan(minutes)),
        }
    )


def _sums(weight: Floats, values: NDArray[Any]) -> Floats:
    """Return the sums of each column of values, weighted; both of shape (homes, services)."""
    return np.asarray(np.einsum("ij,ij->j", weight, values), dtype=np.float64)
