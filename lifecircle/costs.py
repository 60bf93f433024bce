"""What does a metre of each street cost a walker, in each direction?"""

import dataclasses
from typing import NamedTuple

import numpy as np

from lifecircle.network import WalkNetwork
from lifecircle.standard import Walker
from lifecircle.streets import Floats
from lifecircle.walkable import AVOIDABLE, Trait

_TOBLER_RATE, _TOBLER_EASIEST = 3.5, 0.05


class Relief(NamedTuple):
    """How hilly each street of a network is."""

    along: Floats
    """Shape (streets,). Level metres that a metre costs in the drawn direction."""
    against: Floats
    """Shape (streets,). The same in the other direction."""
    steepest: Floats
    """Shape (streets,). Rise over run of its steepest stretch, without sign."""


def tobler_factor(slope: Floats) -> Floats:
    """Return how many level metres a metre at this slope costs (rise over run, uphill positive).

    Tobler's hiking function gives a speed of 6 exp(-3.5 |slope + 0.05|) km/h [1]_; the factor is the speed on
    the level over that. It is least, 0.84, on a gentle way down.

    References
    ----------
    .. [1] W. Tobler, "Three presentations on geographical analysis and modeling", NCGIA report 93-1, 1993.

    Examples
    --------
    >>> tobler_factor(np.array([0.0, 0.1, -0.1])).round(3)
    array([1.   , 1.419, 1.   ])
    """
    factor: Floats = np.exp(_TOBLER_RATE * (np.abs(slope + _TOBLER_EASIEST) - _TOBLER_EASIEST))
    return factor


def for_walker(
    network: WalkNetwork, walker: Walker, relief: Relief | None = None, *, level: bool = False
) -> WalkNetwork:
    """Return the network as it costs a walker: steps dearer, some streets closed, slopes weighed.

    Parameters
    ----------
    network
        Streets, level and alike for all.
    walker
        What its users find hard.
    relief
        How hilly each street is; level where None.
    level
        Whether a metre is a metre, as for limits in metres (`Service.in_metres`): steps and slopes may close
        a street, and make none longer.

    Returns
    -------
    WalkNetwork
        The same streets in the same order. Streets closed in both directions are no targets for snapping.
    """
    factor = np.where(network.traits & Trait.STEPS, 1.0 if level else walker.steps_factor, 1.0)
    closed = np.zeros(len(factor), dtype=bool)
    for word in walker.avoid:
        closed |= (network.traits & AVOIDABLE[word]) != 0
    along, against = network.along * factor, network.against * factor
    if relief is not None:
        if not level:
            along, against = along * relief.along, against * relief.against
        closed |= relief.steepest > (np.inf if walker.max_slope is None else walker.max_slope)
    along[closed] = against[closed] = np.inf
    if np.array_equal(along, network.along) and np.array_equal(against, network.against):
        return network
    dear = dataclasses.replace(network, along=along, against=against)
    vars(dear).update(network.of_geometry)
    return dear
