"""What does a planner fill in to describe a city of their own?"""

import os
import shutil
from os import PathLike
from pathlib import Path

from lifecircle.catalog.find_city import check_city_name
from lifecircle.catalog.measures_file import MEASURES_FILE
from lifecircle.errors import FileError
from lifecircle.staging import staged, take_place

_TEMPLATE = Path(__file__).parent / "new_city"
FACILITY_COLUMNS = ("名称", "经度", "纬度", "类别", "地址")


def write_city_folder(folder: str | PathLike[str], name: str) -> Path:
    """Write the folder of a new city: a commented ``city.toml``, empty lists and a note on communities.

    Parameters
    ----------
    folder
        The folder to make; it must not exist.
    name
        Name of the city, by which ``--city`` finds it; written into ``city.toml`` in both languages.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    DataError
        If the name cannot be the name of a city.
    FileError
        If the folder exists already or cannot be written.
    """
    check_city_name(name)
    folder = Path(folder).absolute()
    if os.path.lexists(folder):
        raise FileError("catalog.city_exists", folder=folder)
    try:
        with staged(folder) as (fresh, old):
            _fill(fresh, name)
            take_place(fresh, folder, old, replace=False)
    except OSError as error:
        raise FileError("catalog.not_writable", folder=folder, cause=error.strerror or error) from error
    return folder


def _fill(folder: Path, name: str) -> None:
    import openpyxl  # noqa: PLC0415 - only a new city needs it, and it is slow to load

    city_toml = (_TEMPLATE / "city.toml").read_text(encoding="utf-8").replace("NAME", name)
    (folder / "city.toml").write_text(city_toml, encoding="utf-8")
    shutil.copyfile(_TEMPLATE / "COMMUNITIES.md", folder / "COMMUNITIES.md")
    shutil.copyfile(MEASURES_FILE, folder / "measures.toml")
    (folder / "facilities.csv").write_text(",".join(FACILITY_COLUMNS) + "\n", encoding="utf-8-sig")
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "facilities"
    sheet.append(FACILITY_COLUMNS)
    sheet.freeze_panes = "A2"
    book.save(folder / "facilities.xlsx")
