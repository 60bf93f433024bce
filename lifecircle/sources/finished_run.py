"""How is a finished run read again, without measuring anything a second time?"""

import dataclasses
import json
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from lifecircle.catalog import CityFiles
from lifecircle.catalog.city_files import read_record
from lifecircle.catalog.standard_file import read_standard
from lifecircle.catalog.toml_table import Table
from lifecircle.city import City
from lifecircle.coverage import Coverage
from lifecircle.errors import DataError, LifecircleError
from lifecircle.messages import LANGUAGES
from lifecircle.scenarios import SCENARIOS, SHORT_OF_PLACES, Scenario
from lifecircle.sources.input_files import file_facts, input_files
from lifecircle.sources.kept_city import KeptCities
from lifecircle.sources.opening import LIMITS, Limits
from lifecircle.sources.read_city import read_city_files
from lifecircle.staging import clear_dead
from lifecircle.standard import Standard
from lifecircle.walks import Walks

_SAME_PLACE_M = 0.01
_NOT_WALKS = (  # what NumPy and zipfile raise over an archive that somebody else made
    OSError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    MemoryError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
_Arrays = dict[str, NDArray[Any]]


def read_run(folder: str | PathLike[str], *, kept: KeptCities | None = None) -> tuple[Coverage, str]:
    """Return what a run measured, and the language of its report.

    The city is read again from its files, which must be the very same; the walks come from ``walks.npz``.

    Parameters
    ----------
    folder
        Where `Report.save` wrote, such as ``"outputs/lishui"``.
    kept
        Where to keep what is read, so that next time it need not be; nowhere where None.

    Returns
    -------
    Coverage
    str
        ``"en"`` or ``"zh"``.

    Raises
    ------
    DataError
        If there is no finished run, it was not made from files, a file that it was made from or ``walks.npz``
        is missing or was changed since, or ``run.json`` is not as lifecircle writes it.
    """
    folder = Path(folder)
    clear_dead(folder.resolve())
    values = _parsed(folder / "run.json")
    if not values.get("origin"):
        raise DataError("export.not_from_files", folder=folder)
    record = Table(folder / "run.json", values)
    try:
        lang = record.text("lang")
        standard = read_standard(record.table("standard"))
        digest = record.table("files").text("walks.npz")
        inputs = [record.as_table("inputs", value).text("sha256") for value in record.items("inputs")]
        files = read_record(record.table("origin"))
        limits = _limits(record.table("origin"))
    except LifecircleError as error:
        field = error.values.get("field", error.values.get("where"))
        raise DataError("export.bad_record", path=record.file, field=field) from error
    if lang not in LANGUAGES:
        raise DataError("export.bad_record", path=record.file, field="lang")
    _check_inputs(folder, files, inputs)
    _check_same(folder, folder / "walks.npz", digest)
    city = read_city_files(files, services=standard.placed, kept=kept, limits=limits)
    return _with_walks(city, standard, folder), lang


def _parsed(path: Path) -> dict[str, Any]:
    """Return a record without its empty values."""
    try:
        values = json.loads(
            path.read_text(encoding="utf-8"),
            object_hook=lambda table: {key: value for key, value in table.items() if value is not None},
        )
    except OSError as error:
        raise DataError("export.no_run", folder=path.parent) from error
    except (ValueError, RecursionError) as error:
        raise DataError("export.bad_record", path=path, field="JSON") from error
    if not isinstance(values, dict):
        raise DataError("export.bad_record", path=path, field="JSON")
    return values


def _limits(origin: Table) -> Limits:
    """Return the limits that a record says its files were read with."""
    if "limits" not in origin:
        return LIMITS
    table = origin.table("limits")
    return Limits(
        max_text_bytes=int(table.number("max_text_bytes")),
        max_bytes=int(table.number("max_bytes")),
        max_ratio=table.number("max_ratio"),
        max_dropped_share=table.number("max_dropped_share"),
    )


def _check_inputs(folder: Path, files: CityFiles, digests: list[str]) -> None:
    """Refuse files that are no longer those which were measured."""
    paths = [path for _, path in input_files(files)]
    if len(paths) != len(digests):
        raise DataError("export.bad_record", path=folder / "run.json", field="inputs")
    for path, digest in zip(paths, digests, strict=True):
        _check_same(folder, path, digest)


def _check_same(folder: Path, path: Path, digest: str) -> None:
    if not path.is_file():
        raise DataError("export.missing", path=path, folder=folder)
    if file_facts("", path)["sha256"] != digest:
        raise DataError("export.changed", path=path, folder=folder)


def _with_walks(city: City, standard: Standard, folder: Path) -> Coverage:
    """Return the coverage of a city whose walks are kept in a folder."""
    path = folder / "walks.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays: _Arrays = {name: archive[name] for name in archive.files}
        _check_arrays(arrays, city, standard)
    except _NOT_WALKS as error:
        raise DataError("export.bad_walks", path=path, folder=folder) from error
    for layer, frame in (("home", city.homes), ("facility", city.facilities)):
        here = np.column_stack([frame.geometry.x, frame.geometry.y])
        if not np.allclose(here, arrays[f"{layer}_xy"], rtol=0.0, atol=_SAME_PLACE_M):
            raise DataError("export.other_places", path=path, folder=folder)
    ids = city.communities["community_id"].to_numpy()
    walks, cell_walks = (
        Walks(*(arrays[f"{place}_{field.name}"] for field in dataclasses.fields(Walks)))
        for place in ("home", "cell")
    )
    return Coverage(
        city=city,
        standard=standard,
        walks=walks,
        cell_places=gpd.GeoDataFrame(
            {"community_id": ids[arrays["cell_community"]]},
            geometry=shapely.points(arrays["cell_xy"]),
            crs=city.crs,
        ),
        cell_walks=cell_walks,
        straight_m=arrays["straight_m"],
        straight_facility=arrays["straight_facility"],
        max_snap_m=float(arrays["max_snap_m"]),
        round_trip=bool(arrays["round_trip"]),
        scenarios={one.id: arrays[_codes(one)] for one in SCENARIOS if _codes(one) in arrays},
    )


def _codes(scenario: Scenario) -> str:
    return f"scenario_{scenario.id}"


def _check_arrays(arrays: _Arrays, city: City, standard: Standard) -> None:
    """Prove that every array is there, of its kind, its shape and, where it names rows, within them.

    Raises
    ------
    ValueError, KeyError
        If one is not.
    """
    homes, cells, facilities = len(city.homes), len(arrays["cell_xy"]), len(city.facilities)
    services = len(standard.services)
    expected: dict[str, tuple[str, tuple[int, ...]]] = {
        "home_xy": ("f", (homes, 2)),
        "facility_xy": ("f", (facilities, 2)),
        "cell_xy": ("f", (cells, 2)),
        "cell_community": ("i", (cells,)),
        "straight_m": ("f", (homes, services)),
        "straight_facility": ("i", (homes, services)),
        "max_snap_m": ("f", ()),
        "round_trip": ("b", ()),
    }
    for place, count in (("home", homes), ("cell", cells)):
        expected |= {
            f"{place}_metres": ("f", (count, services)),
            f"{place}_facility": ("i", (count, services)),
            f"{place}_edge_m": ("f", (count, services)),
            f"{place}_on_street": ("b", (count, services)),
        }
    for name in map(_codes, SCENARIOS):
        if name in arrays:
            expected[name] = ("i", (homes, len(standard.pairs)))
    for name, (kind, shape) in expected.items():
        if (arrays[name].dtype.kind, arrays[name].shape) != (kind, shape):
            raise ValueError(name)
        rows = len(city.communities) if name == "cell_community" else facilities
        low, rows = (0, SHORT_OF_PLACES + 1) if name.startswith("scenario_") else (-1, rows)
        if kind == "i" and not ((arrays[name] >= low) & (arrays[name] < rows)).all():
            raise ValueError(name)
