"""What does the map say of the projects of a list, and where does it draw them?"""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from lifecircle.messages import say
from lifecircle.project_list import Projects
from lifecircle.render import map_data
from lifecircle.render.dictionary import fields_called
from lifecircle.render.project_tables import project_rows, projects_table
from lifecircle.render.workbook import shown

_FACTS = (
    *("phase_label", "option_label", "condition_label", "checked_label", "place", "community"),
    *("amount_gained", "also_label", "cost", "gained_per_cost", "months", "robust_label"),
)
_UNITS = {"amount_gained": "counted", "cost": "cost_unit"}
"""What is counted, and the unit of costs, stand in other columns."""


def pack_projects(
    projects: Projects | None, lang: str, shift: map_data.Shift | None = None
) -> dict[str, Any]:
    """Return the projects in their order; nothing where there is no list.

    ``facts`` are names and values as people read them, without those that are missing. Places and links are
    drawn differently: ``sites`` and ``links`` name the projects of each by their rows.
    """
    if projects is None or projects.frame.empty:
        return {}
    rows, layer = projects_table(projects, lang), project_rows(projects)
    services = pd.Index([service.id for service in projects.coverage.standard.services])
    lines = shapely.get_type_id(layer.geometry.to_numpy()) == shapely.GeometryType.LINESTRING
    sites, links = np.flatnonzero(~lines), np.flatnonzero(lines)
    return {
        "name": say("projects.map_projects", lang),
        "key": say("projects.map_key", lang),
        "id": rows["project_id"].tolist(),
        "service": services.get_indexer(pd.Index(rows["service"])).tolist(),
        "facts": _facts(projects, rows, lang),
        "sites": sites.tolist(),
        "at": map_data.pack(layer.geometry.iloc[sites], shift),
        "links": links.tolist(),
        "lines": map_data.pack(layer.geometry.iloc[links], shift),
    }


def _facts(projects: Projects, rows: pd.DataFrame, lang: str) -> list[list[tuple[str, str]]]:
    """Return for each project what is known of it, by the headings of the ledger."""
    fields = fields_called(_FACTS, projects.coverage)
    told = []
    for row in rows.to_dict("records"):
        values = [(field, shown(row[field.key], field.kind, lang)) for field in fields]
        units = {key: f" {row[column]}" for key, column in _UNITS.items()}
        told.append(
            [(field.heading[lang], value + units.get(field.key, "")) for field, value in values if value]
        )
    return told
