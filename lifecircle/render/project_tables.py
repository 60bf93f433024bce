"""Which rows stand in the project list and in the list of options, in files of data and in the ledger?"""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from lifecircle.demand import weight_of
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.measures import PHASES
from lifecircle.messages import listed, say
from lifecircle.project_list import Projects
from lifecircle.render.sensitivity import gap_label
from lifecircle.render.whom import amount, blank_small, unit_of
from lifecircle.shares import COVERED
from lifecircle.streets import Floats

_MONTHS_A_YEAR = 12


def project_rows(projects: Projects) -> gpd.GeoDataFrame:
    """Return the project list as files of data have it: groups too small to be shown are NaN."""
    city, frame = projects.coverage.city, projects.frame
    measure, creation = city.measure, projects.creation
    columns = [f"{measure}_gained", f"{measure}_unknown"]
    shown = gpd.GeoDataFrame(blank_small(frame, columns, city.min_group), geometry="geometry", crs=city.crs)
    hidden = shown[columns[0]].isna() & frame[columns[0]].notna()
    shown[["gained_per_cost", "kept_share"]] = shown[["gained_per_cost", "kept_share"]].mask(hidden)
    shown["also"] = [_also_shown(projects, row) for row in range(len(frame))]
    at = shown.columns.get_loc("months") + 1
    shown.insert(at, "cost_unit", projects.cost_unit)
    shown.insert(at + 1, "creation_type", creation.name if creation else "")
    shown.insert(at + 2, "deadline_years", creation.years if creation else math.nan)
    return shown


def option_rows(projects: Projects) -> gpd.GeoDataFrame:
    """Return the options of each gap as files of data have them."""
    city, options = projects.coverage.city, projects.options
    measure = city.measure
    columns = [measure, f"{measure}_of_gap", f"{measure}_gained"]
    blank = blank_small(options, columns, city.min_group)
    return gpd.GeoDataFrame(blank.assign(cost_unit=projects.cost_unit), geometry="geometry", crs=city.crs)


def with_degrees(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a layer as a table: a place, or the middle of a link, in degrees; empty where there is none."""
    at = frame.geometry.to_numpy().copy()
    lines = shapely.get_type_id(at) == shapely.GeometryType.LINESTRING
    at[lines] = shapely.line_interpolate_point(at[lines], 0.5, normalized=True)
    points = gpd.GeoSeries(at, crs=frame.crs, index=frame.index).to_crs(4326)
    table = pd.DataFrame(frame.drop(columns="geometry"))
    return table.assign(lon=shapely.get_x(points.to_numpy()), lat=shapely.get_y(points.to_numpy()))


def projects_table(projects: Projects, lang: str) -> pd.DataFrame:
    """Return the rows of the ledger's sheet of projects."""
    rows = with_degrees(project_rows(projects))
    measure = projects.coverage.city.measure
    return _worded(rows, projects, lang).assign(
        share_after=rows["share_covered"],
        site_m2=rows["area_m2"],
        link_m=rows["length_m"],
        phase_label=[say(f"projects.phase_{phase}", lang) for phase in rows["phase"]],
        amount_gained=rows[f"{measure}_gained"],
        also_label=[_also_label(projects, text, lang) for text in rows["also"]],
        ordered_by_label=[say(f"projects.by_{by}", lang) for by in rows["ordered_by"]],
        in_time=[
            _in_time(months, years, lang)
            for months, years in zip(rows["months"], rows["deadline_years"], strict=True)
        ],
        robust_label=[
            gap_label(row, lang, "sensitivity.project_not_robust") for row in rows.to_dict("records")
        ],
        owner="",
    )


def options_table(projects: Projects, lang: str) -> pd.DataFrame:
    """Return the rows of the ledger's sheet of options."""
    rows = with_degrees(option_rows(projects))
    measure = projects.coverage.city.measure
    return _worded(rows, projects, lang).assign(
        amount_in_gap=rows[measure],
        of_gap=rows[f"{measure}_of_gap"],
        gained_alone=rows[f"{measure}_gained"],
    )


def shares_by_phase(projects: Projects) -> Floats:
    """Return the share of each service that is covered today and after each phase, shape (services, 4).

    People of whom nothing is known today are counted in none, whatever is built.
    """
    coverage = projects.coverage
    shares = np.full((len(coverage.standard.services), 1 + len(PHASES)), np.nan)
    for row, service in enumerate(coverage.standard.services):
        weight = weight_of(coverage, service.id)
        codes = coverage.status_codes(coverage.walks, service.id, service.longest)
        done = np.append(weight[codes == COVERED].sum(), projects.brings[row]).cumsum()
        if (everyone := weight.sum()) > 0:
            shares[row] = done / everyone
    return shares


def late(projects: Projects) -> list[str]:
    """Return the ids of the projects that take longer than the deadline."""
    if projects.creation is None:
        return []
    months = projects.frame["months"] > projects.creation.years * _MONTHS_A_YEAR
    return [str(project) for project in projects.frame["project_id"][months]]


def _worded(rows: pd.DataFrame, projects: Projects, lang: str) -> pd.DataFrame:
    """Return rows of projects or options with what is said in words."""
    standard = projects.coverage.standard
    services = [standard.service(name) for name in rows["service"]]
    return rows.assign(
        service_label=[service.label(lang) for service in services],
        limit=[service.longest.label(lang) for service in services],
        counted=[unit_of([one], lang) for one in rows["denominator"]],
        option_label=[say(f"projects.measure_{option or 'none'}", lang) for option in rows["option"]],
        condition_label=[condition(row, lang) for row in rows.to_dict("records")],
        checked_label=[
            say(f"projects.{'yes' if checked else 'no'}", lang) if option else ""
            for checked, option in zip(rows["checked"], rows["option"], strict=True)
        ],
        place=[
            name or (say("projects.place", lang, id=place, lon=lon, lat=lat) if place else "")
            for name, place, lon, lat in zip(
                *(rows[column] for column in ("name", "place_id", "lon", "lat")), strict=True
            )
        ],
    )


def condition(row: Mapping[Hashable, Any], lang: str) -> str:
    """Return on what condition an option rests, in words."""
    link = row["link_kind"]
    kind = say(f"siting.kind_{link}", lang) if link else row["kind"]
    return say(f"projects.condition_{row['condition']}", lang, kind=kind, metres=row["length_m"])


def _in_time(months: float, years: float, lang: str) -> str:
    if math.isnan(months) or math.isnan(years):
        return ""
    return say(f"projects.{'yes' if months <= years * _MONTHS_A_YEAR else 'no'}", lang)


def _also_shown(projects: Projects, row: int) -> str:
    """Return what a project does for other services, without groups too small to be shown."""
    least, parts = projects.coverage.city.min_group, projects.frame["also"].iloc[row].split("; ")
    kept = []
    for part in filter(None, parts):
        service, gained = part.split("=")
        aged = projects.coverage.denominator(service) in AGE_COLUMNS.values()
        kept += [] if aged and float(gained) < least else [part]
    return "; ".join(kept)


def _also_label(projects: Projects, text: str, lang: str) -> str:
    coverage, parts = projects.coverage, []
    for part in filter(None, text.split("; ")):
        name, gained = part.split("=")
        said = amount(coverage.denominator(name), float(gained), lang)
        service = coverage.standard.service(name).label(lang)
        parts.append(say("projects.also_one", lang, service=service, amount=said))
    return listed(parts, lang)
