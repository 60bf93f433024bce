"""Are the links found that shorten a detour, and do they bring what is measured with them?"""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from test_siting import toy
from toy_town import CRS, STANDARD, STREETS, Draft, boxes, build, drafts, hilly, layer, streets, toy_town

from lifecircle.city import City
from lifecircle.coverage import measure_coverage
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.missing_links import suggest_links
from lifecircle.shares import COVERED, GAP


def test_a_gate_for_the_estate_and_a_bridge_for_the_south_bank() -> None:
    # i is 1620 m from the clinic by the only gate and 269 m away: 200 m straight down from the path help 200
    # people. h and g, 90 people, are 1300 and 1700 m from the surgery; a bridge of 300 m brings them to the
    # clinic. The data ends nowhere.
    river = layer(boxes([(-300, -200, 2300, -100)]), kind=["water"])
    coverage = measure_coverage(toy_town(network=streets(STREETS), boundary=None, backdrop=river), STANDARD)

    links = suggest_links(coverage, "clinic", links=3, longest_m=300)

    assert links["kind"].tolist() == ["gate", "water"]
    assert links["length_m"].tolist() == pytest.approx([200, 300])
    assert links["residents_gained"].tolist() == links["residents_alone"].tolist() == [200, 90]
    share = coverage.share().query("service == 'clinic' and threshold_minutes == 15")["share_covered"].iloc[0]
    assert links["share_covered"].tolist() == pytest.approx([share + 200 / 657, share + 290 / 657])
    assert suggest_links(coverage, "clinic", longest_m=250)["kind"].tolist() == ["gate"]
    assert suggest_links(coverage, "clinic", longest_m=150).empty


def test_there_and_back_a_link_is_walked_twice() -> None:
    # The gate brings i to 420 m from the clinic, 840 m both ways; a bridge brings h to 520 m, 1040 m, and g
    # to 920 m, which is too far in 1080 m there and back.
    coverage = measure_coverage(toy_town(boundary=None), STANDARD, round_trip=True)

    links = suggest_links(coverage, "clinic", longest_m=300)

    assert links["kind"].tolist() == ["gate", "shortcut"]
    assert links["residents_gained"].tolist() == links["residents_alone"].tolist() == [200, 30]


def test_no_link_leads_through_a_building() -> None:
    wall = layer(boxes([(1150, 50, 1950, 150)]), kind=["building"])
    coverage = measure_coverage(toy_town(backdrop=wall), STANDARD)

    assert suggest_links(coverage, "clinic", longest_m=250).empty


def test_a_dead_end_is_called_one() -> None:
    city = dead_end_town()

    links = suggest_links(measure_coverage(city, STANDARD), "clinic", links=1, longest_m=60)

    assert links["kind"].tolist() == ["dead_end"]
    assert links["length_m"].tolist() == pytest.approx([50])


def dead_end_town() -> City:
    lane = ("Lane", [(700, 0), (700, 800), (0, 800)], "")
    draft = Draft(
        streets=(("Main", [(0, 0), (700, 0)], ""), lane, ("Blind", [(0, 0), (0, 750)], "")),
        communities=((-100, -100, 900, 900),),
        homes=((0, 700, 60),),
        facilities=((40, 800, "clinic"),),
        area=None,
    )
    return build(draft)


@cases(40)
@given(
    drafts(),
    st.sampled_from(["kindergarten", "clinic"]),
    st.sampled_from([1, 2]),
    st.one_of(st.none(), st.integers(0, 2**31)),
)
def test_what_a_link_brings_is_measured(draft: Draft, service: str, ways: int, seed: int | None) -> None:
    town = build(draft) if seed is None else hilly(build(draft), seed)
    coverage = measure_coverage(town, STANDARD, round_trip=ways == 2)
    limit = STANDARD.service(service).limits[0]
    before = coverage.status_codes(coverage.walks, service, limit)

    links = suggest_links(coverage, service, links=2, limit=limit.value)

    city = coverage.city
    for rank in range(1, len(links) + 1):
        start, end = (tuple(place) for place in shapely.get_coordinates(links.geometry.iloc[rank - 1]))
        city = city.with_link_at(start, end)
        after = measure_coverage(city, STANDARD, round_trip=ways == 2)
        codes = after.status_codes(after.walks, service, limit)
        gained = city.weight[(before == GAP) & (codes == COVERED)].sum()
        assert links["residents_gained"].iloc[:rank].sum() == pytest.approx(gained)
    assert (links["length_m"] <= 150 + 1e-9).all()
    assert len(links) <= 2


def test_where_everybody_is_served_there_is_no_link() -> None:
    city = toy_town(homes=toy_town().homes.loc[["f"]])

    links = suggest_links(measure_coverage(city, STANDARD), "clinic")

    assert isinstance(links, gpd.GeoDataFrame)
    assert links.empty
    assert links.crs == CRS
    assert list(links.columns) == [
        "rank", "kind", "length_m", "residents_gained", "residents_alone", "share_covered", "geometry",
    ]  # fmt: skip


def test_what_cannot_be_looked_for_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="casino"):
        suggest_links(toy(), "casino")
    with pytest.raises(DataError, match="at least 1"):
        suggest_links(toy(), "clinic", links=0)
    with pytest.raises(DataError, match="longest_m"):
        suggest_links(toy(), "clinic", longest_m=np.nan)
