"""Which kinds of places does a sheet tell apart, where are they, and how are they filled?

The darker, the worse: in grey print too, and hatches help where colours fail.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from matplotlib.colors import to_hex, to_rgb

from lifecircle.city import CELL_M
from lifecircle.coverage import Coverage
from lifecircle.grouped import heaviest
from lifecircle.messages import say
from lifecircle.render.print_sheet import INK
from lifecircle.render.print_subject import Subject
from lifecircle.shares import COVERED, GAP, UNKNOWN
from lifecircle.standard import Service
from lifecircle.streets import Floats, Ints
from lifecircle.supply import SHORT, supplies_of, supply_codes

_NEAR, _LESS_NEAR = "#d9e8f2", "#a3c7de"
_NONE_MISSED, _ONE_MISSED, _ALL_MISSED = "#cbdfec", "#f0bf96", "#8f2f22"
_MOST_CLASSES: Final = 6
_HATCHES: Final = ("", "////", "xxxx")
_GAP_STYLE: Final = {"facecolor": "#cd6a50", "hatch": "//////", "edgecolor": INK, "linewidth": 0.15}
_CAPACITY_STYLE: Final = {"facecolor": "#e9c46a", "hatch": "....", "edgecolor": INK, "linewidth": 0.15}
_UNKNOWN_STYLE: Final = {
    "facecolor": "#e6e4df",
    "hatch": "\\\\\\\\",
    "edgecolor": "#77756f",
    "linewidth": 0.2,
}


class Shade(NamedTuple):
    """One kind of place.

    Attributes
    ----------
    text
        What the legend says of it.
    share
        Of all who are counted, who live there; None where that is not said.
    style
        How it is filled.
    shape
        Where it is, in metres.
    """

    text: str
    share: float | None
    style: dict[str, Any]
    shape: shapely.Geometry


def shades_of(subject: Subject) -> list[Shade]:
    """Return what a sheet shows, as its legend lists it: the best first; what is worse lies above."""
    return _services_missed(subject) if subject.service is None else _walked(subject)


def _walked(subject: Subject) -> list[Shade]:
    """Return where the one service is near, by its limits, and the homes where it is not."""
    coverage, lang = subject.coverage, subject.lang
    service = coverage.standard.services[0]
    corner = np.column_stack([coverage.cell_places.geometry.x, coverage.cell_places.geometry.y]) // CELL_M
    shades, before = [], np.zeros(len(corner), dtype=np.bool_)
    for row, limit in enumerate(service.limits):
        near = coverage.status_codes(coverage.cell_walks, service.id, limit) == COVERED
        key = "print.between" if row else "print.within"
        text = say(key, lang, shorter=service.limits[row - 1].value, limit=limit.label(lang))
        color = _between(_NEAR, _LESS_NEAR, row / max(len(service.limits) - 1, 1))
        shades.append(Shade(text, None, {"facecolor": color}, _cells(coverage, corner[near & ~before])))
        before |= near
    status = coverage.status_codes(coverage.walks, service.id, service.longest)
    short = _short(coverage, service)
    _, lacking, gap, unknown = _home_cells(coverage, short + 2 * (status == GAP) + 3 * (status == UNKNOWN), 4)
    if short.any():
        text = say("print.capacity", lang, limit=service.longest.label(lang))
        shades.append(Shade(text, None, _CAPACITY_STYLE, lacking))
    said = say("print.gap", lang, limit=service.longest.label(lang))
    return [*shades, Shade(said, None, _GAP_STYLE, gap), *_not_known(unknown, None, lang)]


def _short(coverage: Coverage, service: Service) -> Ints:
    """Return 1 for each home that walks to the service within its longest limit and is short of places."""
    supply = supplies_of(coverage).get(service.id)
    if supply is None:
        return np.zeros(len(coverage.city.homes), dtype=np.int64)
    short: Ints = np.flatnonzero(supply_codes(coverage, supply, len(service.limits) - 1) == SHORT)
    return np.bincount(short, minlength=len(coverage.city.homes))


def _services_missed(subject: Subject) -> list[Shade]:
    """Return the homes by how many services they miss, each by its longest limit.

    Those that miss none, but are short of places of one, are a kind of their own.
    """
    coverage, lang = subject.coverage, subject.lang
    status = np.column_stack(
        [
            coverage.status_codes(coverage.walks, service.id, service.longest)
            for service in coverage.standard.services
        ]
    )
    missed, most = (status == GAP).sum(axis=1), status.shape[1]
    classes, counts = min(most, _MOST_CLASSES), np.arange(most + 1)
    of_count = -(-counts * classes // most)  # 0 for none missed; the classes are alike
    short = np.sum([_short(coverage, service) for service in coverage.standard.services], axis=0) > 0
    kind = np.where(short, classes + 1, 0)
    kind = np.where((status == UNKNOWN).any(axis=1), classes + 2, kind)
    kind = np.where(missed > 0, of_count[missed], kind)
    amounts = np.bincount(kind, weights=coverage.city.weight, minlength=classes + 3)
    whole = amounts.sum()
    shares = (amounts / whole).tolist() if whole else [float("nan")] * len(amounts)
    shapes = _home_cells(coverage, kind, classes + 3)
    shades = [Shade(say("print.missed_none", lang), shares[0], {"facecolor": _NONE_MISSED}, shapes[0])]
    if (kind == classes + 1).any():
        text = say("print.missed_none_short", lang)
        shades.append(Shade(text, shares[classes + 1], _CAPACITY_STYLE, shapes[classes + 1]))
    for number in range(1, classes + 1):
        first, last = counts[of_count == number][[0, -1]].tolist()
        key = "print.missed_range" if first < last else "print.missed_one" if last == 1 else "print.missed"
        text = say(key, lang, first=first, count=last)
        rank = (number - 1) / max(classes - 1, 1)
        style = {
            "facecolor": _between(_ONE_MISSED, _ALL_MISSED, rank),
            "hatch": _HATCHES[round(rank * (len(_HATCHES) - 1))],
            "edgecolor": INK,
            "linewidth": 0.15,
        }
        shades.append(Shade(text, shares[number], style, shapes[number]))
    return [*shades, *_not_known(shapes[-1], shares[-1], lang)]


def _not_known(shape: shapely.Geometry, share: float | None, lang: str) -> list[Shade]:
    """Return the kind of homes of which nothing is known, if there are any."""
    return (
        [] if shapely.is_empty(shape) else [Shade(say("print.unknown", lang), share, _UNKNOWN_STYLE, shape)]
    )


def _between(first: str, last: str, share: float) -> str:
    mixed = (1 - share) * np.array(to_rgb(first)) + share * np.array(to_rgb(last))
    return to_hex((mixed[0], mixed[1], mixed[2]))


def _home_cells(coverage: Coverage, kind: Ints, kinds: int) -> list[shapely.Geometry]:
    """Return one shape for each kind of home: the cells where most live in such.

    A home of kind ``none`` stands for a community whose homes are not known: all of it is of the last kind.
    """
    city = coverage.city
    nowhere = (city.homes["kind"] == "none").to_numpy()
    corner = np.column_stack([city.homes.geometry.x, city.homes.geometry.y])[~nowhere] // CELL_M
    cells, cell = np.unique(corner, axis=0, return_inverse=True)
    weight = city.weight[~nowhere] + np.finfo(float).tiny  # a home that counts nobody is drawn all the same
    of_cell = heaviest(cell.ravel(), kind[~nowhere], weight, len(cells))
    shapes = [_cells(coverage, cells[of_cell == number]) for number in range(kinds)]
    empty = city.communities["community_id"].isin(city.homes["community_id"][nowhere])
    shapes[-1] = shapely.union_all([shapes[-1], *city.communities.geometry[empty]])
    return shapes


def _cells(coverage: Coverage, corner: Floats) -> shapely.Geometry:
    """Return cells, given by their numbers, as one shape inside the communities."""
    x, y = np.unique(corner, axis=0).T * CELL_M
    whole = shapely.coverage_union_all(shapely.box(x, y, x + CELL_M, y + CELL_M))
    return shapely.intersection(whole, coverage.city.area)
