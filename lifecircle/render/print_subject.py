"""What is one sheet about: which services, which communities, and what must be said of them?"""

import dataclasses
from collections.abc import Mapping
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np

from lifecircle.city import City
from lifecircle.coverage import Coverage, at_longest
from lifecircle.errors import UnknownNameError
from lifecircle.messages import say
from lifecircle.render.finding import alarms, finding, headline, list_of, method
from lifecircle.render.limits_text import paces_listed, say_longest, threshold_notes
from lifecircle.render.map_data import SOURCE_NAMES
from lifecircle.render.print_sheet import ALARM, FINDING, TITLE, Hand
from lifecircle.standard import Service
from lifecircle.supply import of_part
from lifecircle.walks import Walks

MARKS: Final = "os^Dp"
"""One mark of matplotlib's per service in turn, shaped as on the web map."""
_KNOWN_SHOWN = 8


class Subject(NamedTuple):
    """One sheet's share of a measured city.

    Attributes
    ----------
    whole
        The whole city, for what is drawn around the subject.
    coverage, gaps
        Of the sheet's services and communities only, so every figure and sentence is about them.
    service
        The one service of the sheet; None where it shows all together.
    community
        Name of the one community of the sheet; None where it shows the whole city.
    lang
        ``"en"`` or ``"zh"``.
    marks
        The mark of each of the sheet's services.
    """

    whole: City
    coverage: Coverage
    gaps: gpd.GeoDataFrame
    service: Service | None
    community: str | None
    lang: str
    marks: Mapping[str, str]

    @property
    def worst(self) -> gpd.GeoDataFrame:
        """The gaps at the longest limit of each service, worst first: these are drawn."""
        return at_longest(self.gaps, self.coverage.standard)


def subject_of(
    coverage: Coverage, gaps: gpd.GeoDataFrame, service: str | None, community: str | None, lang: str
) -> Subject:
    """Return what a sheet is about.

    Raises
    ------
    UnknownNameError
        If the standard has no such service, or the city no such community or several of that name.
    """
    chosen = None if service is None else coverage.standard.service(service)
    city = coverage.city
    row = None if community is None else _row_of(city, community)
    name = None if row is None else str(city.communities["community"].iloc[row])
    part = coverage if chosen is None else _of_service(coverage, chosen)
    if chosen is not None:
        gaps = gaps[gaps["service"] == chosen.id]
    if row is not None:
        part = _of_community(part, row)
        gaps = gaps[gaps["community_id"] == city.communities["community_id"].iloc[row]]
    marks = {one.id: MARKS[row % len(MARKS)] for row, one in enumerate(coverage.standard.services)}
    marks = {one.id: marks[one.id] for one in part.standard.services}
    return Subject(city, part, gaps, chosen, name, lang, marks)


def _row_of(city: City, community: str) -> int:
    """Return the row of the community of that id, or else of that name if there is but one."""
    frame = city.communities
    for column in ("community_id", "community"):
        rows = np.flatnonzero(frame[column].to_numpy() == community)
        if len(rows) == 1:
            return int(rows[0])
    known = ", ".join(frame["community_id"].head(_KNOWN_SHOWN)) + (" …" if len(frame) > _KNOWN_SHOWN else "")
    raise UnknownNameError("print.unknown_community", value=community, count=len(rows), known=known)


def _of_service(coverage: Coverage, service: Service) -> Coverage:
    column = [one.id for one in coverage.standard.services].index(service.id)

    def of(walks: Walks) -> Walks:
        return Walks(*(getattr(walks, field.name)[:, [column]] for field in dataclasses.fields(walks)))

    part = dataclasses.replace(
        coverage,
        standard=dataclasses.replace(coverage.standard, services=(service,)),
        walks=of(coverage.walks),
        cell_walks=of(coverage.cell_walks),
        straight_m=coverage.straight_m[:, [column]],
        straight_facility=coverage.straight_facility[:, [column]],
    )
    return of_part(coverage, part)


def _of_community(coverage: Coverage, row: int) -> Coverage:
    city, cells = coverage.city, coverage.cell_places
    community_id = city.communities["community_id"].iloc[row]
    homes = (city.homes["community_id"] == community_id).to_numpy()
    inside = (cells["community_id"] == community_id).to_numpy()

    def of(walks: Walks, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Walks:
        return Walks(walks.metres[rows], walks.facility[rows], walks.edge_m[rows], walks.on_street[rows])

    part = dataclasses.replace(
        coverage,
        city=dataclasses.replace(
            city, communities=city.communities.iloc[[row]].reset_index(drop=True), homes=city.homes[homes]
        ),
        walks=of(coverage.walks, homes),
        cell_places=cells[inside].reset_index(drop=True),
        cell_walks=of(coverage.cell_walks, inside),
        straight_m=coverage.straight_m[homes],
        straight_facility=coverage.straight_facility[homes],
    )
    return of_part(coverage, part, homes)


def title(subject: Subject) -> str:
    """Return the name of the sheet: the place, the service and its limits."""
    lang, standard = subject.lang, subject.coverage.standard
    place = subject.whole.label(lang)
    if subject.community is not None:
        place = say("print.community_of", lang, city=place, community=subject.community)
    if subject.service is None:
        return say_longest("print.title_all", standard, lang, place=place)
    service, limits = subject.service.label(lang), subject.service.limits_label(lang)
    return say("print.title_service", lang, place=place, service=service, limits=limits)


def heading(subject: Subject) -> list[tuple[str, Hand]]:
    """Return what stands above the map: title, alarms, what was found."""
    coverage, gaps, lang = subject.coverage, subject.gaps, subject.lang
    first, *others = headline(coverage, gaps, lang)
    if subject.service is not None:
        _, _, first, _, reasons, worst, *_ = finding(coverage, gaps, lang)
        others = [reasons, worst]
    told = [*alarms(coverage, lang)]
    if subject.whole.is_synthetic:
        told.insert(0, say("map.sample", lang, city=subject.whole.label(lang)))
    return [
        (title(subject), TITLE),
        *((text, FINDING._replace(color=ALARM)) for text in told),
        (first, FINDING._replace(bold=True)),
        (("" if lang == "zh" else " ").join(others), FINDING),
    ]


def notes(subject: Subject) -> list[str]:
    """Return what stands below the map: rules and their grades, method, coordinates, dates and sources."""
    lang, city, standard = subject.lang, subject.whole, subject.coverage.standard
    between = "" if lang == "zh" else " "
    rules = [
        say("print.standard", lang, standard=standard.label(lang)),
        *threshold_notes(standard, lang),
        say("print.paces", lang, paces=paces_listed(standard, lang)),
        say("report.note_grades", lang),
    ]
    code = city.crs.to_authority()
    sources = [
        say("print.attribution", lang),
        say("report.crs", lang, crs=city.crs.name, code=":".join(code) if code else "–"),
        *([say("report.osm_time", lang, time=city.osm_timestamp[:10])] if city.osm_timestamp else []),
        *_sources(subject),
    ]
    return [between.join(rules), method(subject.coverage, lang), between.join(sources)]


def _sources(subject: Subject) -> list[str]:
    """Return where communities, homes and facilities came from, if that is known."""
    lang, city = subject.lang, subject.whole
    files = {
        say(f"report.role_{one['role']}", lang): str(one["path"]).replace("\\", "/").rsplit("/", 1)[-1]
        for one in city.inputs
        if one["role"] in {"osm", "communities", "homes"}
    }
    facilities = {
        one.label(lang): SOURCE_NAMES.get(city.service_sources[one.id], city.service_sources[one.id])
        for one in subject.coverage.standard.services
        if city.service_sources.get(one.id)
    }
    if len({*facilities.values()}) == 1:
        facilities = {say("report.role_facilities", lang): next(iter(facilities.values()))}
    told = [
        say("map.facility_source", lang, service=role, source=source)
        for role, source in (files | facilities).items()
    ]
    return [say("print.sources", lang, sources=list_of(told, lang))] if told else []
