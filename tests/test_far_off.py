"""Does a result say what it is where streets are in pieces, or places lie far from every street?

One street from (0, 0) to (2000, 0) with a house near each end; 1,500 m beyond it a village without a street;
farther still an islet with 80 m of street, a house and a clinic. Places are metres from a corner, as in
`test_osm_file`.
"""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from test_osm_file import CORNER, _to_degrees, node, square, way, written

import lifecircle as lc
from lifecircle.errors import DataError
from lifecircle.report import Report

STREETS = [
    *(node(1, 0, 0), node(2, 1000, 0), node(3, 2000, 0)),
    way(1, [1, 2, 3], highway="residential"),
    *(node(50, 5000, 0), node(51, 5080, 0)),
    way(5, [50, 51], highway="residential"),
]
HOUSES = [(30, 100, 20), (31, 1900, 20), (32, 5040, 10), (33, 3500, 0)]
AREAS = {
    "town": (-50, -100, 2100, 600),
    "village": (3300, -100, 3700, 300),
    "islet": (4800, -100, 5300, 300),
    "moor": (2300, 2000, 2600, 2300),
}
PEOPLE = {"town": 100.0, "village": 50.0, "islet": 30.0, "moor": 20.0}


def measured(folder: Path, *facilities: tuple[str, str, float, float]) -> Report:
    """Return what is found for the areas above with these facilities."""
    houses = [element for row in HOUSES for element in square(*row, 10, 10, building="apartments")]
    osm = written(folder, *STREETS, *houses)
    shapes = [shapely.box(*area) for area in AREAS.values()]
    areas = gpd.GeoDataFrame({"name": list(AREAS), "population": list(PEOPLE.values())}, geometry=shapes)
    areas.translate(*CORNER).set_crs(4549).to_frame("geometry").assign(
        name=list(AREAS), population=list(PEOPLE.values())
    ).to_file(folder / "areas.gpkg")
    rows = ["name,type,lon,lat"]
    for name, kind, x, y in facilities:
        lon, lat = _to_degrees.transform(CORNER[0] + x, CORNER[1] + y)
        rows.append(f"{name},{kind},{lon:.7f},{lat:.7f}")
    lists = [folder / "list.csv"] if facilities else []
    (folder / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    city = lc.read_city(osm=osm, communities=folder / "areas.gpkg", facilities=lists)
    return lc.analyze(city, minutes=[15], lang="en")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return measured(
        tmp_path_factory.mktemp("far"),
        ("Near", "kindergarten", 300, 10),
        ("Meadow", "clinic", 2050, 500),
        ("Islet", "clinic", 5050, 5),
    )


def row_of(report: Report, community: str, service: str) -> "pd.Series[float]":
    table = report.tables["communities"]
    row: pd.Series[float] = table[(table["community"] == community) & (table["service"] == service)].iloc[0]
    return row


def counts(report: Report) -> dict[str, int]:
    quality = report.tables["quality"]
    return dict(zip(quality["item"], quality["count"], strict=True))


def reasons(report: Report, community: str, service: str) -> set[str]:
    gaps = report.tables["gaps"]
    return set(gaps.loc[(gaps["community"] == community) & (gaps["service"] == service), "reason"])


def test_a_piece_of_street_on_its_own_is_counted(report: Report) -> None:
    assert counts(report)["osm.island_streets"] == 1


def test_homes_far_from_every_street_are_gaps_that_say_why(report: Report) -> None:
    assert counts(report)["city.homes_off_network"] == 3  # of the village, of the islet, and the moor's none
    for community in ("village", "islet"):
        row = row_of(report, community, "kindergarten")
        assert (row["residents_covered"], row["residents_gap"]) == (0.0, PEOPLE[community])
        assert reasons(report, community, "kindergarten") == {"off_network"}


def test_a_community_of_which_nothing_is_known_is_neither_covered_nor_a_gap(report: Report) -> None:
    for service in ("kindergarten", "clinic", "elderly_care"):
        row = row_of(report, "moor", service)
        assert (row["residents_covered"], row["residents_gap"], row["residents_unknown"]) == (0, 0, 20)
        assert row["share_unknown"] == 1.0
        assert reasons(report, "moor", service) == set()
    assert counts(report)["city.communities_without_homes"] == 1


def test_facilities_that_no_street_reaches_serve_nobody_and_are_counted(report: Report) -> None:
    assert counts(report)["city.facilities_off_network"] == 2  # in the meadow and on the islet
    assert row_of(report, "town", "clinic")["residents_covered"] == 0.0
    assert row_of(report, "islet", "clinic")["residents_covered"] == 0.0
    # 200 m along the street from the house at (105, 25), all of its 50 residents; the other is 1,600 m away
    assert row_of(report, "town", "kindergarten")["residents_covered"] == pytest.approx(50, rel=0.01)


def test_a_service_without_any_facility_is_an_alarm(report: Report) -> None:
    assert report.finding()[0].startswith("There is no facility of Elderly care in the data")
    row = row_of(report, "town", "elderly_care")
    assert (row["residents_covered"], row["residents_gap"], row["residents_unknown"]) == (0.0, 100.0, 0.0)
    assert reasons(report, "town", "elderly_care") == {"no_facility"}


def test_facilities_all_far_outside_are_refused_and_near_ones_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"list\.csv"):
        measured(tmp_path, ("Away", "clinic", 0, 60_000))
    (tmp_path / "near").mkdir()
    near = measured(tmp_path / "near", ("Beyond", "clinic", -300, 0))
    assert counts(near)["tables.rows_outside"] == 1


def test_no_facility_at_all_is_an_alarm_for_every_service(tmp_path: Path) -> None:
    found = measured(tmp_path)
    alarm = " ".join(line for line in found.finding() if line.startswith("There is no facility of"))
    assert all(service.label("en") in alarm for service in found.standard.services)
    paths = found.save(tmp_path / "out")
    assert "There is no facility of" in paths["report.md"].read_text(encoding="utf-8")
