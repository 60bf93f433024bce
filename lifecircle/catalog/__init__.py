"""Which cities and standards does this machine know, and which files do they consist of?"""

from lifecircle.catalog.city_files import (
    DATUMS,
    AnyFile,
    AnyLevel,
    CityFiles,
    LayerFile,
    LevelFile,
)
from lifecircle.catalog.find_city import (
    NoDataError,
    check_city_name,
    find_city,
    list_cities,
    user_cities_folder,
)
from lifecircle.catalog.kind_files import find_kind, load_kinds
from lifecircle.catalog.new_city import write_city_folder
from lifecircle.catalog.overrides import Counted, Overrides, Overriding
from lifecircle.catalog.presets import Preset, find_group, find_preset, load_presets
from lifecircle.catalog.standard_file import list_standards, load_standard

__all__ = [
    "DATUMS",
    "AnyFile",
    "AnyLevel",
    "CityFiles",
    "Counted",
    "LayerFile",
    "LevelFile",
    "NoDataError",
    "Overrides",
    "Overriding",
    "Preset",
    "check_city_name",
    "find_city",
    "find_group",
    "find_kind",
    "find_preset",
    "list_cities",
    "list_standards",
    "load_kinds",
    "load_presets",
    "load_standard",
    "user_cities_folder",
    "write_city_folder",
]
