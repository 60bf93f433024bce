"""Where is the city of that name, and which files is it made of?"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import platformdirs

from lifecircle.catalog.presets import find_group, find_preset, load_presets
from lifecircle.catalog.standard_file import read_target
from lifecircle.catalog.toml_table import Table
from lifecircle.errors import DataError, FileError, UnknownNameError
from lifecircle.kinds import AGE_COLUMNS
from lifecircle.messages import LANGUAGES
from lifecircle.standard import Target

REAL = "real"
MIN_GROUP = 10.0
"""Fewer people of an age group are not shown by community."""
DATUMS = ("wgs84", "gcj02", "bd09")
"""What coordinates of a file may be on; CGCS2000 and WGS 84 differ by less than a metre and count as one."""


class NoDataError(FileError):
    """The catalog knows this place, but its data is not here."""


_PACKAGE = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"[A-Za-z0-9_\-一-鿿]{1,64}")
_LEVEL_ID = re.compile(r"(?![\d_])[^\WA-Z]{1,31}")
"""A word of any script, such as planning_unit or 规划单元: it heads the rows of levels.csv."""
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


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


def find_city(name_or_path: str | PathLike[str]) -> CityFiles:
    """Return the files of a city, by its name or by its folder.

    A name is looked for in ``./NAME``, ``./data/NAME``, the user's data folder and among the bundled
    cities; a real city goes before a synthetic sample of the same name. Anything with a slash, or
    that starts with a dot, is a folder. What has no such folder may be another name of a place in the catalog
    (``"莲都"`` for ``"liandu"``). A folder without its street file borrows the streets that
    `lifecircle fetch` downloaded for a city of that name.

    Parameters
    ----------
    name_or_path
        Such as ``"lishui"`` or ``"./mycity"``.

    Returns
    -------
    CityFiles

    Raises
    ------
    UnknownNameError
        If no such city is known; the message lists those that are.
    DataError
        If the name is not safe, or ``city.toml`` is wrong or leads out of its folder.
    FileError
        If the folder holds no ``city.toml``; `NoDataError` if the catalog knows the place, but nothing of it
        was downloaded yet.
    """
    name = str(name_or_path)
    if isinstance(name_or_path, PathLike) or name.startswith(".") or "/" in name or "\\" in name:
        folder = Path(name_or_path)
        if not (folder / "city.toml").is_file():
            raise FileError("catalog.not_a_city_folder", folder=folder)
        return _with_fetched_streets(_read(folder.resolve()))
    check_city_name(name)
    found = _named(name)
    if found is None and (preset := find_preset(name)):
        found = _named(preset.id)
        if found is None:
            missing = "catalog.no_data" if preset.outline_name else "catalog.no_outline"
            raise NoDataError(missing, value=name, id=preset.id)
    if found is None and (members := find_group(name)):
        raise UnknownNameError("catalog.group", value=name, known=", ".join(one.id for one in members))
    if found is None:
        known = ", ".join((*list_cities(), *load_presets()))
        raise UnknownNameError("catalog.unknown_city", value=name, known=known)
    return found


def _named(name: str) -> CityFiles | None:
    """Return the first real city whose folder has that name, else the first sample, if any."""
    sample = None
    for home in _homes():
        if (home / name / "city.toml").is_file():
            city = _read(_inside(home, name))
            if not city.is_synthetic:
                return _with_fetched_streets(city)
            sample = sample or city
    return sample


def list_cities() -> list[str]:
    """Return the names of the cities that `find_city` finds, sorted."""
    return sorted(
        {
            file.parent.name
            for home in _homes()
            for file in home.glob("*/city.toml")
            if _is_city_name(file.parent.name)
        }
    )


def user_cities_folder() -> Path:
    """Return the folder into which `lifecircle fetch` writes cities; it need not exist yet."""
    return platformdirs.user_data_path("lifecircle", appauthor=False) / "cities"


def check_city_name(name: str) -> None:
    """Refuse a name that could be anything but one plain folder.

    Raises
    ------
    DataError
        If the name has other characters, more than 64, or is the name of a Windows device.
    """
    if not _is_city_name(name):
        raise DataError("catalog.bad_city_name", value=name)


def _is_city_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not _WINDOWS_DEVICE.fullmatch(name)


def _homes() -> Iterator[Path]:
    """Yield the folders that hold cities, in the order of their rank."""
    yield Path()
    yield Path("data")
    yield user_cities_folder()
    bundled = _PACKAGE / "bundled"
    if bundled.is_dir():
        yield bundled
    elif (_PACKAGE.parent / "pyproject.toml").is_file():  # run from a source tree
        yield _PACKAGE.parent / "data"


def _inside(home: Path, name: str) -> Path:
    folder = (home / name).resolve()
    if folder.parent != home.resolve():
        raise DataError("catalog.link_outside", folder=home / name)
    return folder


def _read(folder: Path) -> CityFiles:
    table = Table.read(folder / "city.toml")
    lang = table.text("lang", "en")
    if lang not in LANGUAGES:
        raise DataError("catalog.bad_language", file=table.file, value=lang)
    city = CityFiles(
        id=folder.name,
        folder=folder,
        name=table.names("name"),
        lang=lang,
        data=table.text("data", REAL),
        osm=_file(table, "osm", table.text("osm")),
        communities=_layer_file(table, "communities", table.value("communities")),
        facilities=tuple(_layer_file(table, "facilities", value) for value in table.items("facilities", ())),
        homes=_optional_layer(table, "homes"),
        elevation=_optional_file(table, "elevation"),
        population=_optional_file(table, "population"),
        barriers=_optional_layer(table, "barriers"),
        boundary=_optional_layer(table, "boundary"),
        data_area=_optional_layer(table, "data_area"),
        place=table.optional_text("place"),
        crs=table.optional_text("crs"),
        minutes=table.numbers("minutes") if "minutes" in table else None,
        columns=table.text_map("columns"),
        levels=tuple(_level_file(table, value) for value in table.items("levels", ())),
        min_group=table.number("min_group") if "min_group" in table else MIN_GROUP,
        candidates=_optional_layer(table, "candidates"),
        measures=_optional_file(table, "measures"),
        creation_type=table.optional_text("creation_type"),
        target=read_target(table),
        statuses=table.texts("statuses"),
        supplementary=table.flag("supplementary", default=False),
        indicators=_optional_file(table, "indicators"),
        **_ages(table),
    )
    table.close()
    return city


def _with_fetched_streets(city: CityFiles) -> CityFiles:
    """Return the city with streets that were fetched for it, where it has none of its own."""
    home = user_cities_folder()
    if city.osm.exists() or not _is_city_name(city.id) or not (home / city.id / "city.toml").is_file():
        return city
    fetched = _read(_inside(home, city.id))
    return dataclasses.replace(city, osm=fetched.osm, data_area=fetched.data_area)


def _layer_file(table: Table, key: str, value: object) -> LayerFile:
    if isinstance(value, str):
        return LayerFile(_file(table, key, value))
    entry = table.as_table(key, value)
    layer = LayerFile(
        _file(entry, "path", entry.text("path")),
        **{name: entry.optional_text(name) for name in ("encoding", "sheet", "crs", "datum")},
        entrances=_optional_file(entry, "entrances"),
    )
    entry.close()
    return layer


def _level_file(table: Table, value: object) -> LevelFile:
    entry = table.as_table("levels", value)
    level, name = entry.text("id"), entry.names("name")
    if not _LEVEL_ID.fullmatch(level):
        raise DataError("levels.bad_id", file=table.file, value=level)
    about_file = {key: one for key, one in entry.values.items() if key not in {"id", "name"}}
    return LevelFile(_layer_file(table, "levels", about_file), level, name)


def _ages(table: Table) -> dict[str, Any]:
    """Return shares of the population by age group, and where they come from."""
    if "ages" not in table:
        return {}
    entry = table.table("ages")
    shares = {ages: entry.number(ages) for ages in AGE_COLUMNS if ages in entry}
    for ages, share in shares.items():
        if not 0 <= share <= 1:
            raise DataError("people.bad_share", file=table.file, field=ages, value=share)
    source = entry.text("source")
    entry.close()
    return {"ages": shares, "ages_source": source}


def _optional_layer(table: Table, key: str) -> LayerFile | None:
    return _layer_file(table, key, table.value(key)) if key in table else None


def _optional_file(table: Table, key: str) -> Path | None:
    return _file(table, key, table.text(key)) if key in table else None


def _file(table: Table, key: str, value: str) -> Path:
    """Return the file that a ``city.toml`` names, proved to lie inside its folder on any system."""
    path = PurePosixPath(value)
    plain = (
        path.parts
        and not path.is_absolute()
        and value.isprintable()
        and not any(mark in value for mark in ':\\*?"<>|')  # drives, addresses, what Windows cannot name
        and not any(part == ".." or _WINDOWS_DEVICE.fullmatch(part) for part in path.parts)
    )
    folder = table.file.parent
    if not plain or not (folder / value).resolve().is_relative_to(folder):
        raise DataError("catalog.file_outside", file=table.file, field=key, value=value)
    return folder / value
