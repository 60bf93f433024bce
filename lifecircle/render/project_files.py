"""How is the project list written beside a report, and read back from a finished run?"""

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio

from lifecircle.catalog.toml_table import Table
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError, LifecircleError
from lifecircle.measures import PHASES, Creation
from lifecircle.project_list import Projects
from lifecircle.render.folder import digests
from lifecircle.render.project_tables import option_rows, project_rows, with_degrees
from lifecircle.render.tables import write_csv
from lifecircle.sources.opening import check_file, check_geopackage
from lifecircle.streets import Floats

FILES = ("projects.csv", "options.csv", "projects.gpkg", "measures.toml")
_LAYERS = ("projects", "options")
_TEXTS = (
    *("project_id", "phase", "service", "option", "condition", "place_id", "name", "kind", "link_kind"),
    *("community_id", "community", "also", "ordered_by", "gap_ids", "gap_id", "reason", "denominator"),
    *("robust", "weakest"),
)


def write_projects(projects: Projects, folder: Path) -> None:
    """Write the list and the options as tables and as layers, and the table of measures they rest on."""
    data = projects.coverage.city.data
    for name, frame in zip(_LAYERS, (project_rows(projects), option_rows(projects)), strict=True):
        table = with_degrees(frame).assign(data=data)
        write_csv(
            table.assign(lon=table["lon"].round(7).map(_degrees), lat=table["lat"].round(7).map(_degrees)),
            folder / f"{name}.csv",
        )
        path = folder / "projects.gpkg"
        try:
            frame.assign(data=data).to_file(
                path,
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                mode="a" if path.exists() else "w",
                index=False,
                geometry_type="Unknown",  # points of places, lines of links
            )
        except RuntimeError as error:  # which is what GDAL makes of a full disk
            raise OSError(str(error)) from error
    (folder / "measures.toml").write_text(projects.measures_text, encoding="utf-8", newline="\n")


def projects_record(projects: Projects) -> dict[str, Any]:
    """Return what ``run.json`` keeps of a list, beside the layers."""
    creation = projects.creation
    return {
        "cost_unit": projects.cost_unit,
        "phases": list(projects.phases),
        "candidates": projects.candidates,
        "unnamed": projects.unnamed,
        "cut": projects.cut,
        "brings": projects.brings.tolist(),
        "inputs": [dict(one) for one in projects.inputs],
        "creation": None
        if creation is None
        else {
            "name": creation.name,
            "years": None if math.isnan(creation.years) else creation.years,
            "grade": creation.grade,
            "source": creation.source,
        },
    }


def read_projects(folder: Path, coverage: Coverage) -> Projects | None:
    """Return the project list of a finished run, None where it has none.

    Parameters
    ----------
    folder
        Where `Report.save` wrote.
    coverage
        What that run measured.

    Raises
    ------
    DataError
        If ``projects.gpkg`` is missing, was changed since, or is not of this run.
    """
    path = folder / "projects.gpkg"
    values = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if values.get("projects") is None:
        return None
    try:
        record = Table(folder / "run.json", values)
        about, digest = record.table("projects"), record.table("files").text("projects.gpkg")
        check_file(path, (".gpkg",))
        if digests(folder).get("projects.gpkg") != digest:
            raise DataError("projects.bad_file", path=path)
        check_geopackage(path)
        layers = {name: _layer(path, name, coverage) for name in _LAYERS}
        near, medium = about.numbers("phases")
        return Projects(
            coverage=coverage,
            options=layers["options"],
            frame=layers["projects"],
            brings=_brings(values["projects"]["brings"], coverage),
            cost_unit=about.text("cost_unit"),
            phases=(near, medium),
            creation=_creation(about.table("creation")) if "creation" in about else None,
            candidates=int(about.number("candidates")) if "candidates" in about else None,
            unnamed={name: int(count) for name, count in about.table("unnamed").values.items()},
            cut=about.flag("cut", default=False),
            measures_text=(folder / "measures.toml").read_text(encoding="utf-8"),
        )
    except (LifecircleError, ValueError, KeyError, RuntimeError, OSError) as error:
        raise DataError("projects.bad_file", path=path) from error


def _degrees(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.7f}"


def _brings(value: Any, coverage: Coverage) -> Floats:
    brings = np.array(value, dtype=np.float64)
    if brings.shape != (len(coverage.standard.services), len(PHASES)) or not np.isfinite(brings).all():
        raise ValueError
    return brings


def _creation(table: Table) -> Creation:
    years = table.number("years") if "years" in table else math.nan
    return Creation(table.text("name"), years, table.text("grade"), table.text("source"))


def _layer(path: Path, name: str, coverage: Coverage) -> gpd.GeoDataFrame:
    frame = pyogrio.read_dataframe(path, layer=name)
    for column in frame.columns.intersection(list(_TEXTS)):
        frame[column] = frame[column].fillna("").astype(object)
    known = set(frame["service"]) <= {service.id for service in coverage.standard.services}
    if not known or frame.crs != coverage.city.crs or f"{coverage.city.measure}_gained" not in frame:
        raise DataError("projects.bad_file", path=path)
    frame = frame.drop(columns=["data", "cost_unit", "creation_type", "deadline_years"], errors="ignore")
    numbers = frame.columns.difference([*_TEXTS, "geometry", "checked"])
    frame[numbers] = frame[numbers].astype(np.float64)
    return frame.assign(checked=frame["checked"].astype(bool))
