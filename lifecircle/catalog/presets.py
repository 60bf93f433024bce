"""Which places are known by name although nothing of them was downloaded yet, and where do they lie?"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import shapely

from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError

_FOLDER = Path(__file__).parent / "cities"
_GROUP = "all-"
_IN_GROUP = ("district", "zone")
LEVELS = ("city", "district", "zone", "project")


@dataclass(frozen=True)
class Preset:
    """What the catalog says of a place; see ``catalog/cities/README.md``."""

    id: str
    name: Mapping[str, str]
    also: tuple[str, ...]
    level: str
    within: str
    outline_name: str | None = None
    place: str | None = None
    standard: str | None = None
    creation_type: str | None = None
    area_ha: float | None = None
    population: float | None = None
    source: str | None = None
    grade: str | None = None

    @property
    def outline(self) -> shapely.MultiPolygon | None:
        """Where it lies, in degrees (CGCS2000, here the same as WGS 84); None where unsourced (边界待核)."""
        return None if self.outline_name is None else _outlines()[self.outline_name]


@functools.cache
def load_presets() -> Mapping[str, Preset]:
    """Return the places of ``catalog/cities/*.toml`` by their ids."""
    return MappingProxyType({file.stem: _preset(file) for file in sorted(_FOLDER.glob("*.toml"))})


def find_preset(name: str) -> Preset | None:
    """Return the place of that id or name (``"liandu"``, ``"莲都"``, ``"莲都区"``), or None."""
    presets = load_presets()
    wanted = name.strip().casefold()
    return next(
        (
            one
            for one in presets.values()
            if wanted in (one.id, *(word.casefold() for word in (*one.name.values(), *one.also)))
        ),
        None,
    )


def find_group(name: str) -> tuple[Preset, ...]:
    """Return the districts and zones that ``all-lishui`` and the like names; empty for any other name.

    Examples
    --------
    >>> len(find_group("all-lishui")), find_group("lishui")
    (11, ())
    """
    if not name.startswith(_GROUP):
        return ()
    city = name.removeprefix(_GROUP)
    return tuple(one for one in load_presets().values() if one.within == city and one.level in _IN_GROUP)


def _preset(file: Path) -> Preset:
    table = Table.read(file)
    preset = Preset(
        id=file.stem,
        name=table.names("name"),
        also=table.texts("also"),
        level=table.text("level"),
        within=table.text("within"),
        outline_name=table.optional_text("outline"),
        place=table.optional_text("place"),
        standard=table.optional_text("standard"),
        creation_type=table.optional_text("creation_type"),
        area_ha=table.number("area_ha") if "area_ha" in table else None,
        population=table.number("population") if "population" in table else None,
        source=table.optional_text("source"),
        grade=table.optional_text("grade"),
    )
    table.close()
    if preset.level not in LEVELS:
        raise DataError(
            "catalog.not_known", file=file, field="level", value=preset.level, known=", ".join(LEVELS)
        )
    return preset


@functools.cache
def _outlines() -> dict[str, shapely.MultiPolygon]:
    layer = json.loads((_FOLDER / "outlines.geojson").read_text(encoding="utf-8"))
    return {
        feature["properties"]["name"]: shapely.MultiPolygon(
            [(rings[0], rings[1:]) for rings in feature["geometry"]["coordinates"]]
        )
        for feature in layer["features"]
    }
