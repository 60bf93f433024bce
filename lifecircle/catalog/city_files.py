"""Which files is a city made of, and what does who owns them say of them?"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

from lifecircle.catalog.standard_file import read_target
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError
from lifecircle.kinds import AGE_COLUMNS, MIN_GROUP, REAL
from lifecircle.messages import LANGUAGES
from lifecircle.standard import Target

DATUMS = ("wgs84", "gcj02", "bd09")
"""What coordinates of a file may be on; CGCS2000 and WGS 84 differ by less than a metre and count as one."""


_LEVEL_ID = re.compile(r"(?![\d_])[^\WA-Z]{1,31}")
"""A word of any script, such as planning_unit or 规划单元: it heads the rows of levels.csv."""
WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class LayerFile:
    """One file of a city and what its owner says about it; None means: find out.

    Attributes
    ----------
    path
        The file.
    encoding
        Of its texts.
    sheet
        Of a workbook, or layer of a GeoPackage.
    crs
        Where the file does not say it itself.
    datum
        One of `DATUMS`; where None that of the format: GCJ-02 for a saved answer of AMap, else WGS 84.
    entrances
        Layer of points where the sites of this file, drawn as areas, are entered; of the same datum.

    Raises
    ------
    DataError
        If the datum is none of `DATUMS`.
    """

    path: Path
    encoding: str | None = None
    sheet: str | None = None
    crs: str | None = None
    datum: str | None = None
    entrances: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a datum that nobody knows how to undo."""
        if self.datum is not None and self.datum not in DATUMS:
            raise DataError("catalog.bad_datum", path=self.path, value=self.datum, known=", ".join(DATUMS))

    @classmethod
    def of(cls, file: "LayerFile | str | PathLike[str]") -> "LayerFile":
        """Return a file about which perhaps nothing but its path is said."""
        return file if isinstance(file, LayerFile) else cls(Path(file))


@dataclasses.dataclass(frozen=True)
class LevelFile:
    """A layer of units in which people are counted together, such as planning units (规划单元)."""

    file: LayerFile
    id: str
    name: Mapping[str, str]

    @classmethod
    def of(cls, file: "AnyLevel", number: int) -> "LevelFile":
        """Return a layer about which perhaps only its path is said: then it is named for its file.

        Parameters
        ----------
        file
            The layer.
        number
            Its place among the layers of units, from 1.
        """
        if isinstance(file, LevelFile):
            return file
        layer = LayerFile.of(file)
        return cls.called(layer.path.stem, layer, number)

    @classmethod
    def called(cls, name: str, file: LayerFile, number: int) -> "LevelFile":
        """Return a layer of units by the one name they have; the name is the id too where it can be."""
        slug = re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
        return cls(file, slug if _LEVEL_ID.fullmatch(slug) else f"level_{number}", {"en": name, "zh": name})


PathOf = Callable[[Table, str, str], Path]
"""Of a table, a key in it and the text found there, the file that is meant."""
AnyFile = str | PathLike[str] | LayerFile
AnyLevel = LevelFile | LayerFile | str | PathLike[str]


@dataclasses.dataclass(frozen=True)
class CityFiles:
    """What a ``city.toml`` says; every path is absolute and lies inside `folder`.

    The files themselves may be missing still: `lifecircle fetch` or the planner brings them.

    Facilities of the `statuses` count beside those that stand; `supplementary` ones count, too, where it is
    set; `indicators` is a table to be checked.
    """

    id: str
    folder: Path
    name: Mapping[str, str]
    lang: str
    data: str
    osm: Path
    communities: LayerFile
    facilities: tuple[LayerFile, ...] = ()
    homes: LayerFile | None = None
    elevation: Path | None = None
    population: Path | None = None
    barriers: LayerFile | None = None
    boundary: LayerFile | None = None
    data_area: LayerFile | None = None
    place: str | None = None
    crs: str | None = None
    minutes: tuple[float, ...] | None = None
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    levels: tuple[LevelFile, ...] = ()
    ages: Mapping[str, float] = dataclasses.field(default_factory=dict)
    ages_source: str = ""
    min_group: float = MIN_GROUP
    candidates: LayerFile | None = None
    measures: Path | None = None
    creation_type: str | None = None
    target: Target | None = None
    statuses: tuple[str, ...] = ()
    supplementary: bool = False
    indicators: Path | None = None

    @property
    def is_synthetic(self) -> bool:
        """Whether this is the invented sample, not a real place."""
        return self.data != REAL


def read_city_file(folder: Path) -> CityFiles:
    """Return what the ``city.toml`` of a folder says; all its files must lie in that folder."""
    table = Table.read(folder / "city.toml")
    lang = table.text("lang", "en")
    if lang not in LANGUAGES:
        raise DataError("catalog.bad_language", file=table.file, value=lang)
    city = _files_of(table, folder.name, folder, _inside)
    table.close()
    return city


def read_record(table: Table) -> CityFiles:
    """Return what `as_record` said; its files may lie anywhere."""
    folder = Path(table.text("folder"))
    return _files_of(table, table.text("id"), folder, lambda _table, _key, value: Path(value))


def as_record(files: CityFiles) -> dict[str, Any]:
    """Return a city's files as their ``city.toml`` would name them, with its id and folder."""
    record = dataclasses.asdict(files)
    record["levels"] = [
        {"id": one.id, "name": one.name, **dataclasses.asdict(one.file)} for one in files.levels
    ]
    source = record.pop("ages_source")
    record["ages"] = {**files.ages, "source": source} if files.ages else {}
    return record


def _files_of(table: Table, city_id: str, folder: Path, path_of: PathOf) -> CityFiles:
    return CityFiles(
        id=city_id,
        folder=folder,
        name=table.names("name"),
        lang=table.text("lang", "en"),
        data=table.text("data", REAL),
        osm=path_of(table, "osm", table.text("osm")),
        communities=_layer_file(table, "communities", table.value("communities"), path_of),
        facilities=tuple(
            _layer_file(table, "facilities", value, path_of) for value in table.items("facilities", ())
        ),
        homes=layer_in(table, "homes", path_of),
        elevation=file_in(table, "elevation", path_of),
        population=file_in(table, "population", path_of),
        barriers=layer_in(table, "barriers", path_of),
        boundary=layer_in(table, "boundary", path_of),
        data_area=layer_in(table, "data_area", path_of),
        place=table.optional_text("place"),
        crs=table.optional_text("crs"),
        minutes=table.numbers("minutes") if "minutes" in table else None,
        columns=table.text_map("columns"),
        levels=tuple(level_in(table, value, path_of) for value in table.items("levels", ())),
        min_group=table.number("min_group") if "min_group" in table else MIN_GROUP,
        candidates=layer_in(table, "candidates", path_of),
        measures=file_in(table, "measures", path_of),
        creation_type=table.optional_text("creation_type"),
        target=read_target(table),
        statuses=table.texts("statuses"),
        supplementary=table.flag("supplementary", default=False),
        indicators=file_in(table, "indicators", path_of),
        **_ages(table),
    )


def _layer_file(table: Table, key: str, value: object, path_of: PathOf) -> LayerFile:
    if isinstance(value, str):
        return LayerFile(path_of(table, key, value))
    entry = table.as_table(key, value)
    layer = LayerFile(
        path_of(entry, "path", entry.text("path")),
        **{name: entry.optional_text(name) for name in ("encoding", "sheet", "crs", "datum")},
        entrances=file_in(entry, "entrances", path_of),
    )
    entry.close()
    return layer


def level_in(table: Table, value: object, path_of: PathOf) -> LevelFile:
    """Return a layer of units, found among the ``levels`` of a table."""
    entry = table.as_table("levels", value)
    level, name = entry.text("id"), entry.names("name")
    if not _LEVEL_ID.fullmatch(level):
        raise DataError("levels.bad_id", file=table.file, value=level)
    about_file = {key: one for key, one in entry.values.items() if key not in {"id", "name"}}
    return LevelFile(_layer_file(table, "levels", about_file, path_of), level, name)


def _ages(table: Table) -> dict[str, Any]:
    """Return shares of the population by age group, and where they come from."""
    if "ages" not in table or not table.values["ages"]:
        return {}
    entry = table.table("ages")
    shares = {ages: entry.number(ages) for ages in AGE_COLUMNS if ages in entry}
    for ages, share in shares.items():
        if not 0 <= share <= 1:
            raise DataError("people.bad_share", file=table.file, field=ages, value=share)
    source = entry.text("source")
    entry.close()
    return {"ages": shares, "ages_source": source}


def layer_in(table: Table, key: str, path_of: PathOf) -> LayerFile | None:
    """Return the layer that a table names, by its path or a table about it; None where it names none."""
    return _layer_file(table, key, table.value(key), path_of) if key in table else None


def file_in(table: Table, key: str, path_of: PathOf) -> Path | None:
    """Return the file that a table names, None where it names none."""
    return path_of(table, key, table.text(key)) if key in table else None


def _inside(table: Table, key: str, value: str) -> Path:
    """Return the file that a ``city.toml`` names, proved to lie inside its folder on any system."""
    path = PurePosixPath(value)
    plain = (
        path.parts
        and not path.is_absolute()
        and value.isprintable()
        and not any(mark in value for mark in ':\\*?"<>|')  # drives, addresses, what Windows cannot name
        and not any(part == ".." or WINDOWS_DEVICE.fullmatch(part) for part in path.parts)
    )
    folder = table.file.parent
    if not plain or not (folder / value).resolve().is_relative_to(folder):
        raise DataError("catalog.file_outside", file=table.file, field=key, value=value)
    return folder / value
