"""What can be done about a gap, when is it possible, and what does it cost: the table a planner edits?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lifecircle.errors import DataError

BUILD, BUY, SWAP, LEASE, CONVERT, LINK = MEASURES = ("build", "buy", "swap", "lease", "convert", "link")
"""补建 购置 置换 租赁 改造 打通断头路. Of a place that allows several, the first of those that cost least."""
PHASES = ("near", "medium", "far")
"""近期 中期 远期."""


@dataclass(frozen=True)
class Measure:
    """What is known of one measure.

    Attributes
    ----------
    sites
        Words of which one stands in the kind of a candidate that makes the measure possible, such as 公房.
    cost, cost_per
        By id of a service, or ``""`` for every other: of one project; and of a square metre of the site, of a
        link of a metre of it. What is not there is not known.
    months
        How long it takes, NaN where that is not known.
    """

    sites: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    cost_per: Mapping[str, float] = field(default_factory=dict)
    months: float = math.nan

    def cost_of(self, service: str, size: float) -> float:
        """Return what a project costs, NaN where nothing is known of it.

        Parameters
        ----------
        service
            Id of the service it is for.
        size
            Square metres of the site or metres of the link, NaN where not known: then no cost per metre is.

        Examples
        --------
        >>> Measure(cost={"clinic": 300.0}, cost_per={"": 0.5}).cost_of("clinic", 200.0)
        400.0
        >>> Measure(cost={"clinic": 300.0}).cost_of("kindergarten", 200.0)
        nan
        """
        fixed, per = (known.get(service, known.get("", math.nan)) for known in (self.cost, self.cost_per))
        parts = [part for part, known in ((fixed, fixed), (per * size, per)) if not math.isnan(known)]
        return sum(parts) if parts else math.nan


@dataclass(frozen=True)
class MeasureTable:
    """The table of measures.

    Attributes
    ----------
    measures
        By their ids, every one of `MEASURES`.
    cost_unit
        Of every cost, such as ``"万元"``.
    convert_from
        By the id of a kind of facility, the kinds that may be converted to it.
    phases
        Which share of all that the list brings the near phase ends with, and the medium one.
    text
        The file as it stands, for the record.

    Raises
    ------
    DataError
        If the shares do not ascend within 0 and 1.
    """

    measures: Mapping[str, Measure]
    cost_unit: str
    convert_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phases: tuple[float, float] = (0.5, 0.8)
    text: str = ""

    def __post_init__(self) -> None:
        """Prove that the phases are in order."""
        near, medium = self.phases
        if not 0 < near <= medium <= 1:
            raise DataError("projects.bad_phases", near=near, medium=medium)

    def measures_at(self, kind: str) -> tuple[str, ...]:
        """Return the measures that a site of this kind, as a list words it, makes possible."""
        said = _folded(kind)
        return tuple(
            name
            for name in MEASURES
            if any(_folded(word) in said for word in self.measures[name].sites if _folded(word))
        )


def _folded(text: str) -> str:
    return "".join(text.casefold().split())


@dataclass(frozen=True)
class Creation:
    """In which way a city is created (创建类型), and the years there are for it, NaN where none are set.

    `grade` and `source` are those of the standard that sets them.
    """

    name: str
    years: float
    grade: str = ""
    source: str = ""
