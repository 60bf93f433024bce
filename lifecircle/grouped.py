"""What is typical of each group, where its members weigh differently?"""

from collections.abc import Iterable

import numpy as np

from lifecircle.streets import Floats, Ints

_SHARE_NOISE = 1e-9


def grouped_quantile(group: Ints, values: Floats, weights: Floats, groups: int, q: float) -> Floats:
    """Return the least value that a share `q` of the weight does not exceed, for each group.

    Parameters
    ----------
    group
        Shape (k,). Group of each value, 0 to groups - 1.
    values, weights
        Shape (k,). inf is the largest value; no NaN.
    groups
        Number of groups.
    q
        0 to 1.

    Returns
    -------
    numpy.ndarray
        Shape (groups,). NaN for a group without weight.
    """
    return grouped_quantiles(group, values, weights, groups, [q])[0]


def grouped_quantiles(
    group: Ints, values: Floats, weights: Floats, groups: int, shares: Iterable[float]
) -> list[Floats]:
    """Return `grouped_quantile` for several shares, of values that are put in order once."""
    order = np.lexsort([values, group])
    order = order[weights[order] > 0]
    group, values, weights = group[order], values[order], weights[order]
    # shares of its own group, so that a light group beside a heavy one loses no digits
    share = weights / np.bincount(group, weights=weights, minlength=groups)[group]
    whole = np.concatenate([[0.0], np.cumsum(np.bincount(group, weights=share, minlength=groups))])
    below = np.cumsum(share) - whole[group]
    results = []
    for q in shares:
        reached = below >= q - _SHARE_NOISE
        rows, first = np.unique(group[reached], return_index=True)
        results.append(np.full(groups, np.nan))
        results[-1][rows] = values[reached][first]
    return results


def heaviest(group: Ints, item: Ints, weights: Floats, groups: int) -> Ints:
    """Return the item (-1 is none) that carries most weight in each group; -1 for a group without items."""
    named = item >= 0
    items = int(item.max(initial=-1)) + 1
    pairs, pair = np.unique(group[named] * items + item[named], return_inverse=True)
    weight = np.bincount(pair, weights=weights[named], minlength=len(pairs))
    owner, thing = np.divmod(pairs, max(items, 1))
    order = np.lexsort([thing, -weight, owner])
    rows, first = np.unique(owner[order], return_index=True)
    result = np.full(groups, -1, dtype=np.int64)
    result[rows] = thing[order][first]
    return result
