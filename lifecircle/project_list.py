"""What is a project list (项目库): which projects, in which order, and on what does it rest?

It stands apart from how one is made: every page, table and map may hold a list, and few runs make one.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import geopandas as gpd

from lifecircle.coverage import Coverage
from lifecircle.measures import PHASES, Creation
from lifecircle.streets import Floats

BY = ("cost", "people")
"""What a project is ordered by: people per cost, or people where its cost is not known."""


@dataclasses.dataclass(frozen=True, eq=False)
class Projects:
    """The project list of a city.

    Attributes
    ----------
    coverage
        The city as it stands.
    options
        As `lifecircle.options.Ideas.options`.
    frame
        One row per project, in order: project_id, phase (one of `PHASES`), service, option (measure id),
        condition, checked, place_id, name, kind, link_kind, length_m, area_m2, community_id, community, the
        city's measure M as M_gained (people of gaps of its service whom it adds to the projects before it,
        less those whom it takes the service), M_unknown (of whom nothing is known today, who are certainly
        served then; in no other figure), denominator, also (what it adds for other services, as "id=amount;
        id=amount"), cost, gained_per_cost, months, ordered_by (one of `BY`), share_covered (of its service,
        with it and those before), robust,
        kept_share, weakest (as `lifecircle.project_scenarios.project_scenarios` tells them; empty unless the
        coverage has scenarios), gap_ids (gaps of its service it helps, before all others), and a point, or
        the line of a link.
    brings
        Shape (services, phases). What the projects of each phase add for each service, their own and others.
    cost_unit, phases, measures_text
        Of the table of measures.
    creation
        The city's way of creation and its deadline; None where ``city.toml`` does not say.
    candidates
        How many places were given; None where points along streets were taken.
    unnamed
        Kinds of candidates that make no measure possible, with how many there are.
    cut
        Whether more projects would have brought somebody something.
    inputs
        Role, path, size and SHA-256 of the files read for it.
    after
        The coverage once all are done; None where the list was read back from a file.
    """

    coverage: Coverage
    options: gpd.GeoDataFrame
    frame: gpd.GeoDataFrame
    brings: Floats
    cost_unit: str
    phases: tuple[float, float]
    measures_text: str
    creation: Creation | None
    candidates: int | None
    unnamed: dict[str, int]
    cut: bool
    inputs: tuple[Mapping[str, Any], ...] = ()
    after: Coverage | None = None

    def __repr__(self) -> str:
        """Return the list in one line."""
        gained = self.frame[f"{self.coverage.city.measure}_gained"].sum()
        phases = ", ".join(f"{(self.frame['phase'] == phase).sum()} {phase}" for phase in PHASES)
        return f"<Projects: {len(self.frame)} ({phases}), {gained:,.0f} {self.coverage.city.measure} gained>"
