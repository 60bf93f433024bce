"""Would these facilities lie on the streets if their list were read on another datum?

A list of GCJ-02 or BD-09 read as WGS 84 lies some 500 m (BD-09 about 1 km) off, all in one direction. Nobody
sees that in a table; but facilities stand beside streets, and places moved by 500 m do not.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from lifecircle.catalog import DATUMS
from lifecircle.metric import moved
from lifecircle.sources.datum import from_wgs84, to_wgs84
from lifecircle.sources.declared_crs import WGS84
from lifecircle.sources.notes import Note

if TYPE_CHECKING:
    from lifecircle.network import WalkNetwork

Floats = NDArray[np.float64]

LEAST_PLACES = 10
"""Of fewer nothing can be said."""
_MOST_PLACES = 2000
_FARTHEST_M = 2000.0
_CLOSE_M = 5.0
"""Nearer to a street than this, metres more or less mean nothing."""
_FALL = 0.4
"""How far the mean logarithm of the distances must fall: to two thirds."""
_SURE, _SURE_AROUND = 3.5, 1.0
"""Standard errors by which the other datum must be better than the list as read, and than around it."""
_AROUND_M = 150.0
_DIRECTIONS = 8


class Suspicion(NamedTuple):
    """What speaks for another datum."""

    datum: str
    median_m: float
    """Metres off the nearest street as the list was read."""
    other_median_m: float
    """The same, were it read on `datum`."""
    moved_m: float
    """How far the places would move."""


def likelier_datum(xy: Floats, network: "WalkNetwork", datum: str) -> Suspicion | None:
    """Return the datum that a list is probably on, if that is not the one it was read on.

    The distances to the nearest public street must fall sharply, and be least where that datum puts the
    places rather than anywhere around: otherwise any move towards a dense centre would look right. An honest
    list practically never passes; a shifted one may go unseen where streets are so dense that every place is
    near one, or where it is short.

    Parameters
    ----------
    xy
        Shape (k, 2). The places as read, metres in the CRS of `network`.
    network
        Streets.
    datum
        What the list was read on, one of `lifecircle.catalog.DATUMS`.

    Returns
    -------
    Suspicion or None
    """
    streets = network.lines[network.is_target & ~network.private]
    if len(xy) < LEAST_PLACES or len(streets) == 0:
        return None
    xy, tree = xy[:: -(-len(xy) // _MOST_PLACES)], shapely.STRtree(streets)
    as_read = _off_street_m(xy, tree)
    found = []
    for other in DATUMS:
        there = _read_on(xy, network.crs, datum, other)
        moved_m = float(np.median(np.hypot(*(there - xy).T)))
        if moved_m < _CLOSE_M:  # the same datum, or a place where datums are all one
            continue
        off_m = _off_street_m(there, tree)
        gain = _score(as_read) - _score(off_m)
        if gain.mean() > _FALL and _errors(gain) > _SURE and _is_least(there, off_m, tree):
            medians = float(np.median(as_read)), float(np.median(off_m))
            found.append((float(gain.mean()), Suspicion(other, *medians, moved_m)))
    return max(found)[1] if found else None


def note_datum(xy: Floats, network: "WalkNetwork", datum: str, path: Path, notes: list[Note]) -> None:
    """Note a list that is probably on another datum; nothing is moved."""
    if (likelier := likelier_datum(xy, network, datum)) is not None:
        fall = f"{likelier.median_m:.0f} m -> {likelier.other_median_m:.0f} m"
        text = f'{path.name}: datum = "{likelier.datum}" ({fall}; {likelier.moved_m:.0f} m)'
        notes.append(("tables.datum_suspect", len(xy), text))


def _read_on(xy: Floats, crs: CRS, datum: str, other: str) -> Floats:
    """Return where places that were read on one datum lie if their list is on another."""
    listed = from_wgs84(moved(xy, crs, WGS84), datum)
    return moved(to_wgs84(listed, other), WGS84, crs)


def _off_street_m(xy: Floats, streets: shapely.STRtree) -> Floats:
    """Return how far places are off the nearest street in a straight line, whatever lies between."""
    points = np.asarray(shapely.points(xy))
    distance_m: Floats = shapely.distance(points, streets.geometries.take(streets.nearest(points)))
    return np.minimum(distance_m, _FARTHEST_M)


def _score(off_m: Floats) -> Floats:
    """Return distances as logarithms, so that one far place does not outweigh all others."""
    score: Floats = np.log(off_m + _CLOSE_M)
    return score


def _errors(gain: Floats) -> float:
    """Return how many standard errors the mean of `gain` lies above 0."""
    spread = gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() / spread) if spread > 0 else np.inf * np.sign(gain.mean())


def _is_least(xy: Floats, off_m: Floats, streets: shapely.STRtree) -> bool:
    """Return whether the places are nearer to streets than they would be some way off in any direction."""
    turn = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    return all(
        _errors(_score(_off_street_m(xy + step, streets)) - _score(off_m)) > _SURE_AROUND
        for step in _AROUND_M * np.column_stack([np.cos(turn), np.sin(turn)])
    )
