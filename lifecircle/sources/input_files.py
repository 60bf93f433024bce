"""Which files is a city read from, and are they there, and which exactly?"""

import hashlib
from pathlib import Path
from typing import Any

from lifecircle.catalog import CityFiles
from lifecircle.errors import FileError, LifecircleError
from lifecircle.sources.opening import LIMITS, Limits, check_file


def input_files(files: CityFiles) -> list[tuple[str, Path]]:
    """Return role and path of every file that a city is read from, in the order of ``City.inputs``."""
    layers = [("communities", files.communities)]
    layers += [("facilities", layer) for layer in files.facilities]
    layers += [("levels", level.file) for level in files.levels]
    further = {role: getattr(files, role) for role in ("homes", "barriers", "data_area")}
    layers += [(role, layer) for role, layer in further.items() if layer is not None]
    roles = [("osm", files.osm), *((role, layer.path) for role, layer in layers)]
    if files.indicators is not None:
        roles.append(("indicators", files.indicators))
    roles += [("entrances", layer.entrances) for _, layer in layers if layer.entrances is not None]
    rasters = {"elevation": files.elevation, "population": files.population}
    return roles + [(role, path) for role, path in rasters.items() if path is not None]


def file_facts(role: str, path: Path) -> dict[str, Any]:
    """Return what identifies a file, so that a result can be traced to its inputs."""
    if not path.is_file():
        raise FileError("city.missing_file", role=role, path=path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"role": role, "path": str(path), "size": path.stat().st_size, "sha256": digest}


def unreadable(files: CityFiles, limits: Limits = LIMITS) -> dict[Path, LifecircleError]:
    """Return which files are not there, no files, or too large, before one of them is read to its end."""
    found: dict[Path, LifecircleError] = {}
    for role, path in input_files(files):
        if not path.exists():
            found[path] = FileError("city.missing_file", role=role, path=path)
            continue
        try:
            check_file(path, (path.suffix.lower(),), max_bytes=limits.max_bytes)
        except LifecircleError as error:
            found[path] = error
    return found
