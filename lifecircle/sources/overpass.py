"""How does a real city get from OpenStreetMap's servers into a city folder?

OSMnx writes the questions and builds the graph; our transport asks them. The folder keeps the answers
themselves, so that a fetched city is read as any other OpenStreetMap file.
"""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from lifecircle.errors import DataError, FetchError
from lifecircle.messages import LANGUAGES, clean, say
from lifecircle.metric import metric_crs
from lifecircle.sources.fetched_folder import check_free, put_in_place
from lifecircle.sources.osm_answers import write_pbf
from lifecircle.sources.osmnx_loan import borrowed_osmnx
from lifecircle.sources.transport import Progress, Transport

if TYPE_CHECKING:
    import networkx as nx

Area = shapely.Polygon | shapely.MultiPolygon

FEATURES: dict[str, bool | str | list[str]] = {
    "amenity": True,
    "barrier": True,
    "building": True,
    "entrance": True,
    "healthcare": True,
    "highway": "bus_stop",
    "landuse": True,
    "leisure": True,
    "natural": ["coastline", "grassland", "heath", "scrub", "water", "wood"],
    "public_transport": True,
    "railway": True,
    "shop": True,
    "social_facility": True,
    "waterway": True,
}
"""What is downloaded beside the streets; more than today's standards name, because standards are data."""
_LEVELS = ("10", "9", "8")
_LEAST_SHARE = 0.9
"""Administrative areas stand in for communities only where they cover this share of the city."""
_SLIVER_M = 25.0
"""A neighbour that reaches less than twice this into the city only shares its border."""
_LARGEST_KM2 = 20_000.0


def fetch_city(  # noqa: PLR0913  each is one option of `lifecircle fetch`
    folder: str | os.PathLike[str],
    *,
    name: str | Mapping[str, str],
    lang: str,
    boundary: Area | None,
    place: str | None,
    overpass_url: str | None = None,
    nominatim_url: str | None = None,
    halo_m: float = 1500,
    tries: int = 4,
    total_seconds: float = 900,
    cache_folder: Path | None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Download a city's streets, buildings and places, and write them as a city folder.

    Parameters
    ----------
    folder
        Folder to write: ``city.toml``, ``streets.osm.pbf``, ``communities.gpkg``, ``boundary.geojson`` (what
        was asked for) and ``data_area.geojson`` (that and its halo: the area whose data is whole).
    name
        Name of the city, one for all languages or ``{"zh": ..., "en": ...}``.
    lang
        Language of the city's reports, and of `progress`.
    boundary
        The city in degrees of WGS 84, (lon, lat); where None the outline the geocoder knows for `place`.
    place
        Name of a place, as ``"莲都区, 丽水市, 浙江省"``; noted in ``city.toml`` in any case.
    overpass_url, nominatim_url
        Servers to ask, where None those of OSMnx's settings.
    halo_m
        Metres around the city to download as well, for walks that leave it.
    tries
        How often one question is asked at most.
    total_seconds
        Seconds for everything, waits included.
    cache_folder
        Where whole answers are kept for a day, so that a second run goes on where the first one failed; runs
        at the same time may share it. Where None nothing is kept.
    overwrite
        Replace a city folder; the one that was there is kept beside it under another name.
    progress
        Told every step and, second by second, every wait.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FetchError
        If a server gave no whole answer.
    DataError
        If the boundary, the place or a server's address is wrong.
    FileError
        If the folder exists or cannot be written.
    """
    folder = Path(folder)
    tell = progress or (lambda _: None)
    check_free(folder, overwrite=overwrite)
    transport = Transport(
        tries=tries, total_seconds=total_seconds, cache_folder=cache_folder, lang=lang, progress=tell
    )
    with borrowed_osmnx(transport, overpass_url, nominatim_url) as (ox, answers):
        if boundary is None:
            tell(say("fetch.asking_place", lang, place=place or ""))
            boundary = _outline(ox, place)
        area = _area_to_fetch(boundary, halo_m)
        tell(say("fetch.asking_streets", lang))
        graph = _walking_graph(ox, area)
        tell(say("fetch.streets", lang, nodes=len(graph)))
        tell(say("fetch.asking_features", lang))
        _ask_for_features(ox, area)
        tell(say("fetch.asking_communities", lang))
        communities, level = _communities(ox, boundary)
    names = dict.fromkeys(LANGUAGES, name) if isinstance(name, str) else dict(name)
    if level is None:
        communities["community"] = names[lang]
        note = say("fetch.one_community", lang)
    else:
        note = say("fetch.osm_communities", lang, count=len(communities), level=level)
    tell(note)

    def write(into: Path) -> None:
        write_pbf(into / "streets.osm.pbf", answers, area)
        communities.to_file(into / "communities.gpkg", layer="communities", driver="GPKG")
        (into / "boundary.geojson").write_text(shapely.to_geojson(boundary), encoding="utf-8")
        (into / "data_area.geojson").write_text(shapely.to_geojson(area), encoding="utf-8")
        (into / "city.toml").write_text(_city_toml(names, lang, place, note), encoding="utf-8")

    kept = put_in_place(folder, write, overwrite=overwrite)
    if kept is not None:
        tell(say("fetch.kept_old", lang, path=kept))
    return folder


def download_graph(  # noqa: PLR0913  the options of fetch_city
    boundary: Area,
    *,
    overpass_url: str | None = None,
    tries: int = 4,
    total_seconds: float = 900,
    cache_folder: Path | None = None,
    lang: str = "en",
    progress: Progress | None = None,
) -> "nx.MultiDiGraph":
    """Download the streets of an area as the graph OSMnx makes of them.

    Parameters
    ----------
    boundary
        The area in degrees of WGS 84, (lon, lat).
    overpass_url, tries, total_seconds, cache_folder, lang, progress
        As for `fetch_city`.

    Returns
    -------
    networkx.MultiDiGraph
        Every way with a ``highway`` tag, whoever may use it, in both directions (``reversed`` tells which),
        not simplified, in degrees (lon, lat). ``oneway`` is False throughout, because it binds vehicles;
        ``oneway:foot`` is kept as it is mapped.

    Raises
    ------
    FetchError
        If the server gave no whole answer, or there is no street.
    DataError
        If the boundary or the server's address is wrong.
    """
    _check_boundary(boundary)
    transport = Transport(
        tries=tries,
        total_seconds=total_seconds,
        cache_folder=cache_folder,
        lang=lang,
        progress=progress or (lambda _: None),
    )
    with borrowed_osmnx(transport, overpass_url, None) as (ox, _):
        return _walking_graph(ox, boundary)


# ---------------------------------------------------------------------- what is asked, through OSMnx


def _outline(ox: Any, place: str | None) -> Area:
    """Return the outline that the geocoder knows for a place."""
    if not place:
        raise DataError("fetch.nowhere")
    try:
        outline = shapely.make_valid(ox.geocode_to_gdf(place).geometry.iloc[0]).buffer(0)
    except (TypeError, ValueError) as error:  # OSMnx: found no outline, found nothing
        raise DataError("fetch.unknown_place", place=place) from error
    return outline  # type: ignore[no-any-return]


def _walking_graph(ox: Any, area: Area) -> "nx.MultiDiGraph":
    # OSMnx's own filter of this type drops private ways, which estates walk on; the type makes ways two-way
    try:
        return ox.graph_from_polygon(
            area,
            network_type="walk",
            custom_filter='["highway"]',
            simplify=False,
            retain_all=True,
            truncate_by_edge=True,
        )
    except ValueError as error:  # OSMnx: no data, or none inside the area
        raise FetchError("fetch.no_streets") from error


def _ask_for_features(ox: Any, area: Area) -> None:
    """Let OSMnx ask for the features, without making a table: they are read from our file later."""
    from osmnx._errors import CacheOnlyInterruptError  # noqa: PLC0415 - slow to load

    ox.settings.cache_only_mode = True
    with contextlib.suppress(CacheOnlyInterruptError):
        ox.features_from_polygon(area, FEATURES)
    ox.settings.cache_only_mode = False


def _communities(ox: Any, boundary: Area) -> tuple[gpd.GeoDataFrame, str | None]:
    """Return the finest administrative areas that cover the city and their level; else the city and None."""
    from osmnx._errors import InsufficientResponseError  # noqa: PLC0415 - slow to load

    whole = gpd.GeoDataFrame({"community_id": ["city"], "community": [""]}, geometry=[boundary], crs=4326)
    try:
        found = ox.features_from_polygon(boundary, {"admin_level": list(_LEVELS)})
    except InsufficientResponseError:
        return whole, None
    found = found.reindex(columns=["admin_level", "name", "geometry"]).to_crs(_metric(boundary))
    city = whole.to_crs(found.crs).geometry.iloc[0]
    found.geometry = found.intersection(city).buffer(0)
    found = found[~found.buffer(-_SLIVER_M).is_empty]
    for level in _LEVELS:
        parts = found[found["admin_level"] == level]
        if len(parts) > 1 and parts.union_all().area >= _LEAST_SHARE * city.area:
            ids = [f"{kind}/{number}" for kind, number in parts.index]
            names = [
                name if isinstance(name, str) else ref for name, ref in zip(parts["name"], ids, strict=True)
            ]
            table = gpd.GeoDataFrame(
                {"community_id": ids, "community": names}, geometry=list(parts.geometry), crs=found.crs
            )
            return table.to_crs(4326), level
    return whole, None


# ---------------------------------------------------------------------- where


def _check_boundary(boundary: Area) -> None:
    west, south, east, north = boundary.bounds
    if boundary.is_empty or not boundary.is_valid:
        raise DataError("fetch.bad_boundary", reason=shapely.is_valid_reason(boundary))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - degrees
        raise DataError("fetch.not_degrees", bounds=f"{west:g} {south:g} {east:g} {north:g}")


def _metric(area: Area) -> Any:
    return metric_crs(area.centroid.x, area.centroid.y)


def _area_to_fetch(boundary: Area, halo_m: float) -> Area:
    """Return the boundary and its halo, drawn with few corners: a question repeats them forty times."""
    _check_boundary(boundary)
    city = gpd.GeoSeries([boundary], crs=4326).to_crs(_metric(boundary))
    slack = 20 + halo_m / 20
    area = city.buffer(halo_m + slack).simplify(slack)
    km2 = area.area.iloc[0] / 1e6
    if km2 > _LARGEST_KM2:
        raise DataError("fetch.too_wide", km2=round(km2), largest=round(_LARGEST_KM2))
    return area.to_crs(4326).iloc[0]  # type: ignore[no-any-return]


# ---------------------------------------------------------------------- what is written


def _city_toml(names: Mapping[str, str], lang: str, place: str | None, note: str) -> str:
    def text(value: str) -> str:  # a JSON string is a TOML string, once control characters are gone
        return json.dumps(clean(value), ensure_ascii=False)

    lines = [
        f"# {say('fetch.toml_head', lang, day=dt.datetime.now(dt.UTC).date())}",
        f"lang = {text(lang)}",
        'osm = "streets.osm.pbf"',
        f"# {note}",
        'communities = "communities.gpkg"',
        f"# {say('fetch.toml_facilities', lang)}",
        "facilities = []",
        f"# {say('fetch.toml_boundary', lang)}",
        'boundary = "boundary.geojson"',
        f"# {say('fetch.toml_data_area', lang)}",
        'data_area = "data_area.geojson"',
        *([f"place = {text(place)}"] if place else []),
        "",
        "[name]",
        *(f"{key} = {text(names[key])}" for key in ("zh", "en")),
        "",
        "[columns]",
        'community = "community"',
        "",
    ]
    return "\n".join(lines)
