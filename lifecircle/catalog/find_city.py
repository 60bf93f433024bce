"""Where is the city of that name?"""

import dataclasses
import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import platformdirs

from lifecircle.catalog.city_files import WINDOWS_DEVICE, CityFiles, read_city_file
from lifecircle.catalog.presets import find_group, find_preset, load_presets
from lifecircle.errors import DataError, FileError, UnknownNameError

_PACKAGE = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"[A-Za-z0-9_\-一-鿿]{1,64}")


class NoDataError(FileError):
    """The catalog knows this place, but its data is not here."""


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
        return _with_fetched_streets(read_city_file(folder.resolve()))
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
            city = read_city_file(_inside(home, name))
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
    return bool(_NAME.fullmatch(name)) and not WINDOWS_DEVICE.fullmatch(name)


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


def _with_fetched_streets(city: CityFiles) -> CityFiles:
    """Return the city with streets that were fetched for it, where it has none of its own."""
    home = user_cities_folder()
    if city.osm.exists() or not _is_city_name(city.id) or not (home / city.id / "city.toml").is_file():
        return city
    fetched = read_city_file(_inside(home, city.id))
    return dataclasses.replace(city, osm=fetched.osm, data_area=fetched.data_area)
