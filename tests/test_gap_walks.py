"""Is the walk that the map draws for a gap the one from its farthest home, and to where it says?"""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from map_pages import unpacked
from toy_town import CRS, HOMES, STANDARD, toy_facilities, toy_homes, toy_town

from lifecircle.coverage import measure_coverage
from lifecircle.gaps import CAPACITY, find_gaps, homes_of_gaps
from lifecircle.render.gap_walks import pack_walks
from lifecircle.render.map_data import STREET_M, pack_facilities


@pytest.mark.parametrize("round_trip", [False, True])
def test_each_gap_has_the_walk_of_its_farthest_home(round_trip: bool) -> None:
    coverage = measure_coverage(toy_town(), STANDARD, round_trip=round_trip)
    gaps, homes = find_gaps(coverage), homes_of_gaps(coverage)
    packed, facilities = pack_walks(coverage, gaps), pack_facilities(coverage)
    lines = [np.asarray(line) for (line,) in unpacked(packed["shapes"])]

    drawn = 0
    for row, gap in enumerate(gaps.itertuples()):
        of_gap = homes[homes["gap"] == row]
        reached = of_gap[np.isfinite(of_gap["minutes"])]
        walk = packed["of"][row]
        assert (walk < 0) == (reached.empty or gap.reason == CAPACITY)
        if walk >= 0:
            drawn += 1
            one = reached.sort_values("minutes").iloc[-1]
            assert packed["walk"][walk] == pytest.approx(one["minutes"], abs=0.05)
            name = coverage.city.facilities["name"].iloc[int(one["facility"])]
            assert facilities["name"][packed["facility"][walk]] == name
            whole = coverage.route(coverage.city.homes.index[int(one["home"])], gap.service)
            line = gpd.GeoSeries([shapely.LineString(lines[walk])], crs=4326).to_crs(CRS)[0]
            assert shapely.hausdorff_distance(line, whole, densify=0.1) < STREET_M + 0.3
    assert drawn > 3


def test_walks_follow_the_gaps_that_are_shown_and_are_packed_once() -> None:
    coverage = measure_coverage(toy_town(), STANDARD)
    gaps = find_gaps(coverage)
    whole, last = pack_walks(coverage, gaps), pack_walks(coverage, gaps.iloc[::-1])

    assert last["of"] == whole["of"][::-1]
    used = [walk for walk in whole["of"] if walk >= 0]
    assert sorted(set(used)) == list(range(len(whole["walk"])))
    assert len(used) > len(set(used))  # the farthest home of 10 minutes is that of 15


def test_without_gaps_there_are_no_walks() -> None:
    served = toy_facilities([(one.id, one.id, one.id, (500, 0)) for one in STANDARD.services])
    homes = toy_homes(HOMES[:1])
    coverage = measure_coverage(toy_town(facilities=served, homes=homes), STANDARD.with_minutes([240]))
    gaps = find_gaps(coverage)
    assert gaps.empty

    assert pack_walks(coverage, gaps)["of"] == []
