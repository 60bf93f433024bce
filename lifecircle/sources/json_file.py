"""Which features does this GeoJSON hold, or which places does this saved answer of AMap's search?

GeoJSON does not go through GDAL, which would take a text that names a virtual layer for that layer, and would
ask the web for a CRS that is a link.
"""

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from lifecircle.errors import DataError
from lifecircle.sources import declared_crs, tables
from lifecircle.sources.declared_crs import WGS84
from lifecircle.sources.memory import no_search_for_cycles
from lifecircle.sources.opening import Limits, check_cells

_MEASURED = re.compile(r'\[([^][",]+,[^][",]+,[^][",]+)(?:,[^][",]+)+\]')
"""A position of more than three numbers, of which GEOS refuses those behind the third."""
_PLAIN = ("id", "name", "type", "typecode", "address", "adname", "tel")
"""What is taken of a place as it stands; each is a text, or an empty list where AMap knows nothing."""


def read_document(path: Path, encoding: str | None) -> tuple[str, Any]:
    """Return the text of a JSON file and what it holds.

    Raises
    ------
    DataError
        If it is no JSON, or cannot be decoded.
    """
    (text,), _ = tables.decode([path.read_bytes()], [encoding or "utf-8-sig"], path)
    try:
        with no_search_for_cycles():
            return text, json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix) from error


def amap_places(document: Any, path: Path) -> pd.DataFrame | None:
    """Return the places of AMap's answers; None where the document is something else.

    Answers of its place search in versions 3 and 5 are known, one or a list of them (page after page), and
    bare lists of places. Versions: https://lbs.amap.com/api/webservice/guide/api/search and
    https://lbs.amap.com/api/webservice/guide/api-advanced/newpoisearch.

    Returns
    -------
    DataFrame or None
        id, name, type, typecode, address, adname, tel, location and entr_location: texts ("lon,lat" for the
        last two), "" where AMap knows nothing; numbered from 1.

    Raises
    ------
    DataError
        If the answer is AMap's refusal, or one of its places is no object.
    """
    answers = document if isinstance(document, list) else [document]
    if not answers or not all(isinstance(answer, dict) for answer in answers):
        return None
    if any("pois" in answer for answer in answers):
        found = [answer.get("pois") for answer in answers]
        places = [place for one in found if isinstance(one, list) for place in one]
    elif {"status", "info", "infocode"} <= answers[0].keys():
        raise DataError("tables.amap_refused", path=path, info=answers[0]["info"])
    elif isinstance(document, list) and any("location" in answer for answer in answers):
        places = answers
    else:
        return None
    if not all(isinstance(place, dict) for place in places):
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix)
    rows = [
        {
            **{field: _text(place.get(field)) for field in _PLAIN},
            "location": _lonlat(place.get("location")),
            "entr_location": _lonlat(_entrance(place)),
        }
        for place in places
    ]
    return pd.DataFrame(
        rows,
        index=pd.RangeIndex(1, len(rows) + 1),
        columns=pd.Index([*_PLAIN, "location", "entr_location"]),
        dtype=object,
    )


def geojson_features(
    text: str,
    document: Any,
    path: Path,
    limits: Limits,
) -> tuple[gpd.GeoDataFrame, CRS | None]:
    """Return the features and their CRS; None where it is not declared and the numbers are not degrees.

    Raises
    ------
    DataError
        If it is no GeoJSON, its CRS is not known, or it exceeds `limits`.
    """
    try:
        features = document.get("features", [document])
        geometries = [feature.get("geometry", feature) for feature in features]
        properties = [feature.get("properties") for feature in features]
        properties = [fields if isinstance(fields, dict) else {} for fields in properties]
        check_cells(path, len(features), len(set().union(*properties)), limits)
        member = document.get("crs") or {}
        named = member.get("properties", {}).get("name") or member
        frame = gpd.GeoDataFrame(
            pd.DataFrame(properties, index=pd.RangeIndex(1, len(features) + 1)),
            geometry=shapely.force_2d(_shapes(text, geometries)),
        )
    except DataError:
        raise
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DataError("tables.wrong_content", path=path, suffix=path.suffix) from error
    if named:
        return frame, declared_crs.known_crs(str(named), path)
    in_degrees = declared_crs.in_degrees(frame.bounds).mean() >= declared_crs.MOST
    return frame, CRS(WGS84) if in_degrees else None


def _entrance(place: dict[str, Any]) -> object:
    """Return where a place is entered: version 5 says it under ``navi``."""
    navi = place.get("navi")
    return place.get("entr_location") or (navi.get("entr_location") if isinstance(navi, dict) else None)


def _lonlat(value: object) -> str:
    """Return a position as "lon,lat": the web service's way; the JavaScript one has an object or a pair."""
    if isinstance(value, dict) and {"lng", "lat"} <= value.keys():
        value = [value["lng"], value["lat"]]
    if isinstance(value, list):
        return ",".join(map(str, value)) if len(value) == 2 else ""  # noqa: PLR2004 - a pair
    return _text(value)


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _shapes(text: str, geometries: Sequence[object]) -> NDArray[Any]:
    """Return the geometry of each feature, None where it is none."""
    # All at once is three times as fast, but one broken geometry takes all others with it.
    with contextlib.suppress(shapely.GEOSException):
        shapes: NDArray[Any] = shapely.get_parts(shapely.from_geojson(text))
        if len(shapes) == len(geometries) > 1:
            return shapes
    with np.errstate(all="ignore"):
        return np.asarray(
            shapely.from_geojson(
                [_MEASURED.sub(r"[\1]", json.dumps(geometry)) for geometry in geometries], on_invalid="ignore"
            )
        )
