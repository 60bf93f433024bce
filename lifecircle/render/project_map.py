"""What does the map say of the projects of a list, and where does it draw them?"""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from lifecircle.messages import say
from lifecircle.projects import Projects
from lifecircle.render import map_data
from lifecircle.render.dictionary import fields_called
from lifecircle.render.project_tables import project_rows, projects_table
from lifecircle.render.workbook import shown

_FACTS = (
    *("phase_label", "option_label", "condition_label", "checked_label", "place", "community"),
    *("amount_gained", "also_label", "cost", "gained_per_cost", "months", "robust_label"),
)
_UNITS = {"amount_gained": "counted", "cost": "cost_unit", "gained_per_cost": "counted"}


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
    fields = fields_called(_FACTS, projects.coverage)
    told = []
    for row in rows.to_dict("records"):
        values = [shown(row[field.key], field.kind, lang) for field in fields]
        units = [str(row[_UNITS[field.key]]) if field.key in _UNITS else "" for field in fields]
        units = [
            f"{unit}/{row['cost_unit']}" if field.key == "gained_per_cost" else unit
            for field, unit in zip(fields, units, strict=True)
        ]
        told.append(
            [
                (field.heading[lang], f"{value} {unit}".strip())
                for field, value, unit in zip(fields, values, units, strict=True)
                if value
            ]
        )
    return told
