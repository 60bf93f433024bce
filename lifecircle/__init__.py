"""lifecircle: who cannot walk to a kindergarten, elderly care or a clinic in time, and why.

Examples
--------
>>> import lifecircle as lc
>>> lc.load_standard("life-circle").service("clinic").longest.label("en")
'15 min'
"""

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lifecircle import errors
    from lifecircle.analysis import analyze, with_projects
    from lifecircle.catalog import LayerFile, load_standard
    from lifecircle.city import City
    from lifecircle.coverage import Coverage, measure_coverage
    from lifecircle.gaps import find_gaps
    from lifecircle.measured_again import remeasure
    from lifecircle.missing_links import suggest_links
    from lifecircle.network import Positions, WalkNetwork
    from lifecircle.project_list import Projects
    from lifecircle.reach import minutes_to_nearest
    from lifecircle.render.compare import compare_runs
    from lifecircle.render.explore import explore
    from lifecircle.render.formats import ExportChoices, export
    from lifecircle.render.print_map import draw_sheet
    from lifecircle.render.siting_map import draw_siting
    from lifecircle.render.web_map import draw_map
    from lifecircle.report import Report
    from lifecircle.siting import Suggestion, suggest_sites
    from lifecircle.siting_search import SitingChoices
    from lifecircle.sources.finished_run import read_run
    from lifecircle.sources.kept_city import KeptCities
    from lifecircle.sources.read_city import load_city, read_city
    from lifecircle.standard import Limit, Service, Standard

__version__ = "0.1.0"

# GDAL takes any text that names a virtual layer for that layer, whatever file the layer names: it must never
# learn how. It asks for this once, when pyogrio loads it: whichever file, or notebook, does that first.
os.environ["GDAL_SKIP"] = " ".join(dict.fromkeys([*os.environ.get("GDAL_SKIP", "").split(), "OGR_VRT"]))

__all__ = [
    "City",
    "Coverage",
    "ExportChoices",
    "KeptCities",
    "LayerFile",
    "Limit",
    "Positions",
    "Projects",
    "Report",
    "Service",
    "SitingChoices",
    "Standard",
    "Suggestion",
    "WalkNetwork",
    "__version__",
    "analyze",
    "compare_runs",
    "draw_map",
    "draw_sheet",
    "draw_siting",
    "errors",
    "explore",
    "export",
    "find_gaps",
    "load_city",
    "load_standard",
    "measure_coverage",
    "minutes_to_nearest",
    "read_city",
    "read_run",
    "remeasure",
    "suggest_links",
    "suggest_sites",
    "with_projects",
]

_HOME = {
    "City": "city",
    "Coverage": "coverage",
    "ExportChoices": "render.formats",
    "KeptCities": "sources.kept_city",
    "LayerFile": "catalog",
    "Limit": "standard",
    "Positions": "network",
    "Projects": "project_list",
    "Report": "report",
    "Service": "standard",
    "SitingChoices": "siting_search",
    "Standard": "standard",
    "Suggestion": "siting",
    "WalkNetwork": "network",
    "analyze": "analysis",
    "compare_runs": "render.compare",
    "draw_map": "render.web_map",
    "draw_sheet": "render.print_map",
    "draw_siting": "render.siting_map",
    "explore": "render.explore",
    "export": "render.formats",
    "find_gaps": "gaps",
    "load_city": "sources.read_city",
    "load_standard": "catalog",
    "measure_coverage": "coverage",
    "minutes_to_nearest": "reach",
    "read_city": "sources.read_city",
    "read_run": "sources.finished_run",
    "remeasure": "measured_again",
    "suggest_links": "missing_links",
    "suggest_sites": "siting",
    "with_projects": "analysis",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import lifecircle` stays quick."""
    if name == "errors":
        return importlib.import_module("lifecircle.errors")
    if name not in _HOME:
        message = f"module 'lifecircle' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"lifecircle.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
