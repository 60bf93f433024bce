"""Of what is a share: people, homes, the area they live on, or communities?"""

import numpy as np

from lifecircle.city import MEASURES, City
from lifecircle.streets import Floats, Ints

MEETS, FAILS, NOT_KNOWN, NOBODY = 0, 1, 2, 3
"""How a community stands to a limit; the first three are in the order of `lifecircle.shares.STATUS`."""
_NOISE = 1e-9


def of_homes(city: City, ages: str) -> dict[str, Floats]:
    """Return what each home counts by every denominator that is summed from homes.

    Parameters
    ----------
    city
        Whose homes.
    ages
        The age group of a service, one of `lifecircle.kinds.AGES`.

    Returns
    -------
    dict of str to ndarray
        Shape (homes,) each. First that of ``city.denominator(ages)``, then those measures that every home has
        and that are not all 0, the city's own first; last ``inhabited_m2``: every 50 m cell with homes, in
        equal parts to its homes.
    """
    own = city.denominator(ages)
    amounts = {own: city.weight_for(ages)}
    for measure in sorted(MEASURES, key=lambda measure: measure != city.measure):
        if measure in city.homes and measure != own:
            weight = city.homes[measure].to_numpy(dtype=np.float64)
            if np.isfinite(weight).all() and weight.sum() > 0:
                amounts[measure] = weight
    return {**amounts, "inhabited_m2": city.inhabited_m2}


def meets(total: Floats, covered: Floats, gap: Floats, share: float = 1.0) -> Ints:
    """Return `MEETS` where enough are covered, `FAILS` where they cannot be, `NOT_KNOWN` or `NOBODY`.

    Parameters
    ----------
    total, covered, gap
        Shape (communities,). All that counts, and those of them that are covered and in a gap.
    share
        How much of all must be covered; exactly so much is enough.
    """
    needed = (share - _NOISE) * total
    return np.select(
        [total <= 0, covered >= needed, total - gap < needed], [NOBODY, MEETS, FAILS], NOT_KNOWN
    ).astype(np.int64)
