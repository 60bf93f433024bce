"""What does a planner get of suggested sites: tables, layers, a page and a map, all of them or nothing?"""

import dataclasses
import datetime as dt
import json
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from lifecircle import __version__
from lifecircle.render.folder import digests, whole_folder
from lifecircle.render.map_page import save_map
from lifecircle.render.siting_map import draw_siting
from lifecircle.render.siting_text import page, sections
from lifecircle.render.tables import write_csv
from lifecircle.siting import Suggestion

FILES = (
    *("siting.html", "siting.md", "sites.csv", "alternatives.csv", "curve.csv", "links.csv"),
    *("sensitivity.csv", "siting.gpkg"),
)
"""The files, beside the record of them; links and sensitivity where they were asked for."""


def save_siting(
    suggestion: Suggestion,
    links: gpd.GeoDataFrame | None,
    folder: str | PathLike[str],
    *,
    lang: str,
    longest_link_m: float,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write suggested sites and links.

    Parameters
    ----------
    suggestion
        The sites.
    links
        As `lifecircle.missing_links.suggest_links` returns them; None where they were not looked for.
    folder
        Where to; absent or empty.
    lang
        ``"en"`` or ``"zh"``.
    longest_link_m
        The longest link looked for.
    overwrite
        Replace earlier results in that folder, unless anything else is in it or was changed since.

    Returns
    -------
    dict of str to Path
        The files by name, absolute.

    Raises
    ------
    FileError
        If the folder holds something already, or cannot be written.
    """
    city = suggestion.coverage.city
    layers = {"sites": suggestion.sites, "alternatives": suggestion.alternatives}
    if links is not None:
        layers["links"] = links
    with whole_folder(folder, overwrite=overwrite) as fresh:
        save_map(draw_siting(suggestion, links, lang=lang), fresh / "siting.html")
        made = sections(suggestion, links, lang, longest_m=longest_link_m)
        (fresh / "siting.md").write_text(page(suggestion, made, lang), encoding="utf-8", newline="\n")
        for name, frame in layers.items():
            write_csv(_table(frame).assign(data=city.data), fresh / f"{name}.csv")
            plain = frame.drop(columns="doors", errors="ignore").assign(data=city.data)
            plain.to_file(
                fresh / "siting.gpkg",
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                mode="a" if (fresh / "siting.gpkg").exists() else "w",
                index=False,
                geometry_type="LineString" if name == "links" else "Point",
            )
        write_csv(suggestion.curve.assign(data=city.data), fresh / "curve.csv")
        if len(suggestion.scenarios):
            write_csv(suggestion.scenarios.assign(data=city.data), fresh / "sensitivity.csv")
        written = [name for name in FILES if (fresh / name).exists()]
        text = json.dumps(_record(suggestion, fresh), ensure_ascii=False, indent=2, allow_nan=False)
        (fresh / "export.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return {name: Path(folder).resolve() / name for name in written}


def _table(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a layer as a table, its places in degrees; of a link, both ends."""
    table = pd.DataFrame(frame.drop(columns=["geometry", "doors"], errors="ignore"))
    shapes = frame.geometry.to_crs(4326)
    if "length_m" in frame:
        ends = shapes.get_coordinates().to_numpy().reshape(-1, 4)
        return table.assign(**dict(zip(("lon", "lat", "lon_to", "lat_to"), ends.T.round(7), strict=True)))
    return table.assign(lon=shapes.x.round(7), lat=shapes.y.round(7))


def _record(suggestion: Suggestion, fresh: Path) -> dict[str, Any]:
    city, limit = suggestion.coverage.city, suggestion.limit
    return {
        "data": city.data,
        "city": dict(city.name),
        "lifecircle": __version__,
        "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "service": suggestion.service,
        "limit": {"value": limit.value, "unit": limit.unit, "source": limit.source},
        "choices": dataclasses.asdict(suggestion.choices),
        "candidates": suggestion.candidates,
        "value": suggestion.value,
        "bound": suggestion.bound,
        "greedy_value": suggestion.greedy_value,
        "inputs": [dict(one) for one in city.inputs],
        "files": digests(fresh),
    }
