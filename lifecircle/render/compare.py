"""What changed between two runs of one city: who gained, who lost, which facilities came and went?"""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from lifecircle import __version__
from lifecircle.gaps import CAPACITY
from lifecircle.kinds import MIN_GROUP
from lifecircle.people import community_of
from lifecircle.render.compare_map import CHANGES, draw_comparison
from lifecircle.render.compare_text import comparison_page, sentences
from lifecircle.render.folder import digests, whole_folder
from lifecircle.render.map_page import save_map
from lifecircle.render.past_run import KEYS, PastRun, check_comparable, read_past_run
from lifecircle.render.tables import write_csv
from lifecircle.render.whom import blank_small

FILES = ("compare.csv", "compare.md", "compare.html")
"""The files a comparison consists of, beside the record of them."""
_SAME_FACILITY_M = 50.0
_SAME_HOME_M = 0.1
_SLIVER_M2 = 1.0  # what two coordinate systems leave of the same cell
_FLOAT_NOISE_MINUTES = 1e-9
_ROUNDING = 0.01  # the figures come from a table with four decimals


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """What changed from one run to another.

    Attributes
    ----------
    before, after
        The runs.
    lang
        ``"en"`` or ``"zh"``.
    table
        One row per community, service and limit, then the whole city (community_id ""): the amount M, which
        is named for the measure and counts what the column denominator says,
        and its M_covered before and after, M_gained and M_lost (of homes in both runs), M_otherwise (the rest
        of the change: homes built or gone, or counted otherwise), shares before and after, change_points
        (percentage points), facilities_added and facilities_removed.
    facilities
        Those of both runs: change ("added", "removed" or "kept"), community_id, name, service, a point.
    changes
        service, threshold_minutes, change (one of `CHANGES`), area_m2, geometry: one row each, where there is
        any.
    notes
        Sentences that it opens with.
    links
        Lines of streets that are new in the later run, where they are known.
    """

    before: PastRun
    after: PastRun
    lang: str
    table: pd.DataFrame
    facilities: gpd.GeoDataFrame
    changes: gpd.GeoDataFrame
    notes: tuple[str, ...] = ()
    links: gpd.GeoSeries | None = None

    def finding(self) -> list[str]:
        """Return what changed, in a few sentences."""
        return [*self.notes, *sentences(self)]

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> dict[str, Path]:
        """Write the table, the page and the map: all of them, or nothing.

        Parameters
        ----------
        folder
            Where to; absent or empty.
        overwrite
            Replace an earlier comparison in that folder, unless anything else is in it or was changed since.

        Returns
        -------
        dict of str to Path
            The files by name, absolute.

        Raises
        ------
        FileError
            If the folder holds something already, or cannot be written.
        """
        with whole_folder(folder, overwrite=overwrite) as fresh:
            write_csv(self.table, fresh / FILES[0])
            (fresh / FILES[1]).write_text(comparison_page(self), encoding="utf-8", newline="\n")
            save_map(draw_comparison(self), fresh / FILES[2])
            record = {
                "data": self.after.data,
                "city": self.after.city,
                "lifecircle": __version__,
                "made_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "compared": [
                    {"folder": str(run.folder), "made_at": run.made_at} for run in (self.before, self.after)
                ],
                "files": digests(fresh),
            }
            text = json.dumps(record, ensure_ascii=False, indent=2)
            (fresh / "export.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        return {name: Path(folder).resolve() / name for name in FILES}


def compare_runs(before: str | PathLike[str], after: str | PathLike[str], *, lang: str = "en") -> Comparison:
    """Compare two finished runs of one city.

    Parameters
    ----------
    before, after
        Their folders, such as ``"outputs/lishui-2024"`` and ``"outputs/lishui-2025"``.
    lang
        ``"en"`` or ``"zh"``.

    Returns
    -------
    Comparison

    Raises
    ------
    FileError
        If a folder holds no finished run.
    DataError
        If a file is not as lifecircle writes it, or the runs differ in city, data, measure, standard,
        services, limits, paces or the farthest way to a street.
    """
    one, other = read_past_run(Path(before)), read_past_run(Path(after))
    check_comparable(one, other)
    return compared(one, other, lang=lang)


def compared(
    before: PastRun,
    after: PastRun,
    *,
    lang: str,
    notes: Sequence[str] = (),
    links: gpd.GeoSeries | None = None,
) -> Comparison:
    """Compare two runs whose figures count the same.

    Parameters
    ----------
    before, after
        The runs; `lifecircle.render.past_run.check_comparable` has nothing against them.
    lang
        ``"en"`` or ``"zh"``.
    notes
        Sentences that the comparison opens with, such as what was changed.
    links
        Lines of streets that are new in the later run.
    """
    crs = after.layers["communities"].crs
    layers = {name: layer.to_crs(crs) for name, layer in before.layers.items()}
    before = dataclasses.replace(before, layers=layers)
    facilities = _facilities(before, after)
    table, changes = _table(before, after, facilities), _changes(before, after)
    return Comparison(before, after, lang, table, facilities, changes, tuple(notes), links)


def _table(before: PastRun, after: PastRun, facilities: gpd.GeoDataFrame) -> pd.DataFrame:
    measure = after.measure
    ids = pd.concat([run.layers["communities"]["community_id"] for run in (after, before)]).unique()
    names = pd.concat(
        [run.layers["communities"].set_index("community_id")["community"] for run in (before, after)]
    )
    limits = after.standard.pairs
    rows = pd.MultiIndex.from_tuples(
        [
            (community, service.id, limit.minutes_at(service.pace_mps))
            for community in [*ids, ""]
            for service, limit in limits
        ],
        names=KEYS,
    )
    one, other = before.table.reindex(rows), after.table.reindex(rows)
    table = rows.to_frame(index=False)
    called = names[~names.index.duplicated(keep="last")]
    table.insert(1, "community", table["community_id"].map(called).fillna(""))
    in_metres = [limit.value if service.in_metres else np.nan for service, limit in limits]
    table["threshold_m"] = in_metres * (len(ids) + 1)
    table["denominator"] = table["service"].map(after.denominators)
    for column in (measure, f"{measure}_covered"):
        table[f"{column}_before"], table[f"{column}_after"] = one[column].to_numpy(), other[column].to_numpy()
    gained, lost = (
        amounts.reindex(rows, fill_value=0.0).to_numpy() for amounts in _gained_and_lost(before, after)
    )
    table[f"{measure}_gained"], table[f"{measure}_lost"] = gained, lost
    # a community that is in one run alone covered nobody in the other; NaN is an amount too small to be shown
    then, now = (
        table[f"{measure}_covered_{when}"].where(rows.isin(run.table.index), 0.0)
        for when, run in (("before", before), ("after", after))
    )
    covered = now - then
    rest = covered - (gained - lost)
    table[f"{measure}_otherwise"] = rest.where(rest.abs() >= _ROUNDING, 0.0)
    for when in ("before", "after"):
        everyone = table[f"{measure}_{when}"]
        table[f"share_covered_{when}"] = (table[f"{measure}_covered_{when}"] / everyone).where(everyone > 0)
    table["change_points"] = 100 * (table["share_covered_after"] - table["share_covered_before"])
    table["share_unknown_before"] = one["share_unknown"].to_numpy()
    table["share_unknown_after"] = other["share_unknown"].to_numpy()
    for change in ("added", "removed"):
        of_change = facilities[facilities["change"] == change]
        whole = of_change.assign(community_id="")
        of_change = of_change[
            of_change["community_id"] != ""
        ]  # outside every community: in the city's row alone
        counts = pd.concat([of_change, whole]).groupby(["community_id", "service"]).size()
        table[f"facilities_{change}"] = counts.reindex(rows.droplevel(2), fill_value=0).to_numpy()
    table["data"] = after.data
    changed = [f"{measure}_{kind}" for kind in ("gained", "lost", "otherwise")]
    return blank_small(table, changed, MIN_GROUP)


def _gained_and_lost(before: PastRun, after: PastRun) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Return amounts by community ("" for the city), service and limit, of homes in both runs."""
    then, now = (_placed(run.layers["homes"]) for run in (before, after))
    pairs = then.merge(now, on=["x", "y", "number"], suffixes=("_then", "_now"), how="inner")
    sides = {"gained": ("now", "then"), "lost": ("then", "now")}
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in sides}
    for service, limit in after.standard.pairs:
        threshold = limit.minutes_at(service.pace_mps)
        most = threshold + _FLOAT_NOISE_MINUTES
        for name, (inside, outside) in sides.items():
            covered, before_that = (pairs[f"{service.id}_{side}"] <= most for side in (inside, outside))
            homes = pairs[covered & ~before_that]
            people = homes.groupby(f"community_id_{inside}")[
                f"{after.denominators[service.id]}_{inside}"
            ].sum()
            people[""] = people.sum()
            part = people.rename_axis("community_id").rename("amount").reset_index()
            found[name].append(part.assign(service=service.id, threshold_minutes=threshold))
    gained, lost = (pd.concat(parts).set_index(KEYS)["amount"].astype(float) for parts in found.values())
    return gained, lost


def _placed(homes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the homes with their place as whole decimetres; of several in one place, their number."""
    frame = pd.DataFrame(homes.drop(columns="geometry"))
    frame["x"] = np.rint(homes.geometry.x / _SAME_HOME_M).astype(np.int64)
    frame["y"] = np.rint(homes.geometry.y / _SAME_HOME_M).astype(np.int64)
    frame["number"] = frame.groupby(["x", "y"]).cumcount()
    return frame


def _facilities(before: PastRun, after: PastRun) -> gpd.GeoDataFrame:
    """Return the facilities of both runs; one that moved or changed its service was removed and added."""
    then, now = before.layers["facilities"], after.layers["facilities"]
    row, near = shapely.STRtree(now.geometry.to_numpy()).query(
        then.geometry.to_numpy(), predicate="dwithin", distance=_SAME_FACILITY_M
    )
    called = _texts(then, "name")[row] == _texts(now, "name")[near]
    called |= _texts(then, "facility_id")[row] == _texts(now, "facility_id")[near]
    same = called & (_texts(then, "service")[row] == _texts(now, "service")[near])
    gone = np.setdiff1d(np.arange(len(then)), row[same])
    kept = np.isin(np.arange(len(now)), near[same])
    parts = [
        now.assign(change=np.where(kept, "kept", "added"), community_id=_community(after, now)),
        then.iloc[gone].assign(change="removed", community_id=_community(before, then.iloc[gone])),
    ]
    columns = ["change", "community_id", "facility_id", "name", "service", "geometry"]
    together = pd.concat([part[columns] for part in parts], ignore_index=True)
    return gpd.GeoDataFrame(together[together["service"].isin([s.id for s in after.standard.services])])


def _texts(frame: gpd.GeoDataFrame, column: str) -> NDArray[Any]:
    return np.asarray(frame[column].fillna(""), dtype=object)


def _community(run: PastRun, places: gpd.GeoDataFrame) -> list[str]:
    """Return the community of each place, "" where it is in none."""
    areas = run.layers["communities"]
    rows = community_of(areas, places.geometry.x.to_numpy(), places.geometry.y.to_numpy())
    ids = [*areas["community_id"], ""]
    return [ids[row] for row in rows]  # row -1 is the last


def _changes(before: PastRun, after: PastRun) -> gpd.GeoDataFrame:
    found: list[dict[str, Any]] = []
    for service, limit in after.standard.pairs:
        threshold = limit.minutes_at(service.pace_mps)
        then, now = (_gap(run, service.id, threshold) for run in (before, after))
        shapes = (then.difference(now), now.difference(then), then.intersection(now))
        for change, shape in zip(CHANGES, shapes, strict=True):
            parts = [part for part in shapely.get_parts(shape) if part.area >= _SLIVER_M2]
            keys = {"service": service.id, "threshold_minutes": threshold, "change": change}
            found += [{**keys, "geometry": shapely.MultiPolygon(parts)}] if parts else []
    columns = ["service", "threshold_minutes", "change", "geometry"]
    frame = gpd.GeoDataFrame(found, columns=columns, geometry="geometry", crs=after.layers["gaps"].crs)
    frame.insert(3, "area_m2", frame.area)
    return frame


def _gap(run: PastRun, service: str, threshold: float) -> Any:
    gaps = run.layers["gaps"]
    rows = (gaps["service"] == service) & (gaps["threshold_minutes"] == threshold)
    if "reason" in gaps:
        rows &= gaps["reason"] != CAPACITY  # those are covered: what is compared is walks
    return shapely.union_all(gaps.geometry.to_numpy()[rows])
