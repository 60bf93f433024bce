"""What at a single point of a way, such as a stile or a kerb, stops some walkers and not others?

The way is cut there and a way without length leads over. It bears the hurdle as a trait: for whoever avoids
that, the way ends exactly there, and for all others nothing changes.
"""

import numpy as np

from lifecircle.streets import Ways
from lifecircle.walkable import ACROSS, AVOIDABLE, HURDLE, Walk, who_may_walk

_WHO = ("highway", "access", "foot", "motorroad")
"""Tags that say who may walk a way; which way round does not matter over a hurdle."""


def with_hurdles(ways: Ways) -> Ways:
    """Return the ways cut at their hurdles, and behind them a way without length over each.

    Where more than two ends of walkable ways meet, the map does not say which of them the hurdle is on: as
    gates do, it bars none there.

    Parameters
    ----------
    ways
        With hurdles, or without; squares are none any more.
    """
    if ways.hurdle is None or not np.any(ways.hurdle):
        return ways
    vertex, start = np.asarray(ways.vertex), np.asarray(ways.start, dtype=np.int64)
    xy = np.asarray(ways.xy, dtype=np.float64).reshape(-1, 2)
    way = np.repeat(np.arange(len(start) - 1), np.diff(start))
    at_end = np.zeros(len(vertex), dtype=bool)
    at_end[start[:-1]] = at_end[start[1:] - 1] = True
    walked = np.array([who_may_walk(tags) is not Walk.CLOSED for tags in ways.tags], dtype=bool)
    rows = np.flatnonzero(walked[way])
    nodes, node = np.unique(vertex[rows], return_inverse=True)
    ends = np.bincount(node, weights=2 - at_end[rows])
    bars, last = np.zeros((2, len(nodes)), dtype=np.int64)
    np.bitwise_or.at(bars, node, np.asarray(ways.hurdle, dtype=np.int64)[rows])
    np.maximum.at(last, node, rows)
    cut = np.flatnonzero((bars > 0) & (ends == 2))  # noqa: PLR2004  one way goes on in another
    at, bars = last[cut], bars[cut]
    copies = np.ones(len(vertex), dtype=np.int64)
    copies[at] = 2 - at_end[at]
    row, behind = np.repeat(np.arange(len(vertex)), copies), np.cumsum(copies)
    beyond = behind[at] - 1  # from here on the way begins at a node of its own
    number = vertex.max() + 1 + np.arange(len(at))
    apart = vertex[row]
    apart[beyond] = number
    begins = np.union1d((behind - copies)[start[:-1]], beyond[~at_end[at]])
    tags = [ways.tags[one] for one in way[row[begins]].tolist()]
    words = [";".join(word for word, trait in AVOIDABLE.items() if trait & bar) for bar in bars.tolist()]
    over = [
        {key: value for key, value in ways.tags[one].items() if key in _WHO} | {ACROSS: "yes", HURDLE: word}
        for one, word in zip(way[at].tolist(), words, strict=True)
    ]
    link = np.repeat(at, 2)
    gate = None
    if ways.gate is not None:
        gate = np.append(np.asarray(ways.gate)[row], np.full(len(link), int(Walk.PUBLIC)))
        gate[beyond] = int(Walk.PUBLIC)
    return Ways(
        np.append(apart, np.column_stack([vertex[at], number]).ravel()),
        np.concatenate([xy[row], xy[link]]),
        np.concatenate([begins, len(row) + 2 * np.arange(len(at) + 1)]),
        [*tags, *over],
        None if ways.cut is None else np.append(np.asarray(ways.cut)[row], np.zeros(len(link), dtype=bool)),
        gate,
    )
