"""What does a planner hand in: the tables, the map and the page of one city."""

import functools
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from lifecircle.checklist import checklist
from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.doors import DOORS
from lifecircle.project_list import Projects
from lifecircle.render.finding import alarms, headline
from lifecircle.render.folder import digests, whole_folder
from lifecircle.render.formats import ExportChoices, write_formats
from lifecircle.render.geodata import write_geopackage
from lifecircle.render.kept_walks import write_walks
from lifecircle.render.project_files import FILES as PROJECT_FILES
from lifecircle.render.project_files import projects_record, write_projects
from lifecircle.render.project_tables import option_rows, project_rows, with_degrees
from lifecircle.render.report_page import report_html, report_page
from lifecircle.render.run_record import run_record
from lifecircle.render.sensitivity import headline_holds, sensitivity_table
from lifecircle.render.supply_text import supply_shown
from lifecircle.render.tables import write_csv
from lifecircle.render.web_map import draw_map, save_map
from lifecircle.render.whom import by_unit, without_small
from lifecircle.standard import Standard

FILES = (
    "map.html",
    "communities.csv",
    "levels.csv",
    "supply.csv",
    "checklist.csv",
    "sensitivity.csv",
    "spacing.csv",
    "gaps.gpkg",
    "ledger.xlsx",
    "report.md",
    "walks.npz",
    "run.json",
)
"""The files of a report, in the order in which they are shown; some tables only where there are such."""


@dataclass(frozen=True, eq=False)
class Report:
    """A measured city, ready to be read or saved.

    Parameters
    ----------
    coverage
        The walks from every home to every service.
    gaps
        Who is left out, worst first.
    lang
        Language of the report: ``"en"`` or ``"zh"``.
    settings
        What the user chose, for the record.
    seconds
        How long each step took, for the record.
    projects
        The project list, if one was asked for.
    """

    coverage: Coverage
    gaps: gpd.GeoDataFrame
    lang: str
    settings: Mapping[str, object] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    projects: Projects | None = None

    @property
    def city(self) -> City:
        """The city."""
        return self.coverage.city

    @property
    def standard(self) -> Standard:
        """The standard it was measured by."""
        return self.coverage.standard

    @functools.cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, each with a column ``data`` that says whether the city is real.

        ``communities`` is one row per community, service and threshold, then the whole city, which is also
        ``totals`` by itself; ``levels``, where the city has any, is one row per unit of every level;
        ``projects`` and ``options``, where they were asked for, are what could be done;
        ``supply``, where any capacity is known, is what each community and the city are offered;
        ``checklist``, where anything is asked, what else is; ``sensitivity``, where it was asked for, what
        each scenario finds; ``spacing``, where the standard asks for any, how streets meet it;
        ``gaps`` lists the gaps; ``facilities`` and ``quality`` say what the data holds.
        """
        city, totals = self.city, self.coverage.totals()
        communities, gaps = (
            without_small(table, self.coverage)
            for table in (self.coverage.by_community(), pd.DataFrame(self.gaps.drop(columns="geometry")))
        )
        frames = {
            "communities": pd.concat([communities, totals], ignore_index=True),
            "totals": totals,
            "gaps": gaps,
            "facilities": pd.DataFrame(city.facilities.drop(columns=["geometry", DOORS], errors="ignore")),
            "quality": city.quality,
        }
        if self.projects is not None:
            frames["projects"] = with_degrees(project_rows(self.projects))
            frames["options"] = with_degrees(option_rows(self.projects))
        if city.levels:
            frames["levels"] = by_unit(self.coverage)
        further = {"supply": supply_shown(self.coverage), "checklist": checklist(self.coverage)}
        frames |= {name: table for name, table in further.items() if len(table)}
        if self.coverage.scenarios:
            frames["sensitivity"] = sensitivity_table(self.coverage)
        if self.standard.spaced:
            frames["spacing"] = self.coverage.spacing.table
        return {name: frame.assign(data=city.data) for name, frame in frames.items()}

    def finding(self) -> list[str]:
        """Return what was found in three sentences, after any alarm about services without a facility."""
        told = [*alarms(self.coverage, self.lang), *headline(self.coverage, self.gaps, self.lang)]
        asked = bool(self.coverage.scenarios)
        return told + [headline_holds(self.coverage, self.gaps, self.lang)] * asked

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return report_html(self.coverage, self.gaps, self.lang)

    def save(
        self,
        folder: str | PathLike[str],
        *,
        overwrite: bool = False,
        formats: Collection[str] = (),
        choices: ExportChoices | None = None,
    ) -> dict[str, Path]:
        """Write the map, the tables, the page and the record: all of them, or nothing.

        Parameters
        ----------
        folder
            Where to; absent or empty.
        overwrite
            Replace an earlier report in that folder. A folder with anything else in it, or with a file that
            was changed since, is never replaced.
        formats
            What else to write: any of `lifecircle.render.formats.FORMATS`, such as ``["docx", "pdf"]``.
        choices
            How those files shall look.

        Returns
        -------
        dict of str to Path
            The files by their path in the folder, absolute: first those of every report.

        Raises
        ------
        FileError
            If the folder holds something already, or cannot be written.
        DataError
            As `lifecircle.render.formats.write_formats`.
        """
        started = time.perf_counter()
        with whole_folder(folder, overwrite=overwrite) as fresh:
            drawn = draw_map(self.coverage, self.gaps, lang=self.lang, projects=self.projects)
            save_map(drawn, fresh / "map.html")
            write_csv(self.tables["communities"], fresh / "communities.csv")
            for name in ("levels", "supply", "checklist", "sensitivity", "spacing"):
                if name in self.tables:
                    write_csv(self.tables[name], fresh / f"{name}.csv")
            write_geopackage(self.coverage, self.gaps, fresh / "gaps.gpkg")
            page = report_page(self.coverage, self.gaps, self.lang, self.projects)
            (fresh / "report.md").write_text(page, encoding="utf-8", newline="\n")
            if self.projects is not None:
                write_projects(self.projects, fresh)
            write_walks(self.coverage, fresh / "walks.npz")
            wanted = {"xlsx", *formats}
            how: dict[str, Any] = {"lang": self.lang, "choices": choices, "projects": self.projects}
            write_formats(self.coverage, self.gaps, fresh, wanted, **how)
            written = digests(fresh)
            seconds = {**self.seconds, "write": time.perf_counter() - started}
            record = run_record(self.coverage, self.settings, seconds, lang=self.lang, files=written)
            if self.projects is not None:
                record["projects"] = projects_record(self.projects)
            text = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False, default=str)
            (fresh / "run.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        names = [name for name in (*FILES, *PROJECT_FILES) if name in written or name == "run.json"]
        return {name: Path(folder).resolve() / name for name in dict.fromkeys([*names, *written])}
