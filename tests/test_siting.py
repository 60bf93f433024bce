"""Do the suggested sites bring what they promise, and does no choice bring more?"""

import dataclasses
import itertools

import geopandas as gpd
import numpy as np
import pytest
from budget import cases
from hypothesis import given
from hypothesis import strategies as st
from toy_town import (
    FACILITIES,
    STANDARD,
    Draft,
    boxes,
    build,
    drafts,
    hilly,
    layer,
    points,
    toy_facilities,
    toy_town,
)

from lifecircle.candidates import street_sites, thinned
from lifecircle.costs import Relief
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.demand import cutoff_of, not_served, people_covered, reached_from
from lifecircle.errors import DataError, UnknownNameError
from lifecircle.measured_again import remeasure
from lifecircle.shares import COVERED, GAP
from lifecircle.siting import Suggestion, suggest_sites
from lifecircle.siting_search import SitingChoices

SERVICES = [service.id for service in STANDARD.services]


def gained(coverage: Coverage, service: str, sites: gpd.GeoDataFrame) -> float:
    """Return the people of gaps that are within the longest limit once these sites are built."""
    limit = coverage.standard.service(service).longest
    before = coverage.status_codes(coverage.walks, service, limit)
    city = coverage.city.with_facilities(service, sites)
    after = measure_coverage(city, coverage.standard, round_trip=coverage.round_trip)
    codes = after.status_codes(after.walks, service, limit)
    return float(coverage.city.weight[(before == GAP) & (codes == COVERED)].sum())


def spots(*places: tuple[float, float], **columns: list[object]) -> gpd.GeoDataFrame:
    return layer(points(places), **columns)


@cases(40)
@given(
    drafts(),
    st.lists(st.tuples(st.integers(-90, 940), st.integers(-90, 540)), min_size=1, max_size=5),
    st.integers(1, 3),
    st.sampled_from(SERVICES),
)
def test_no_choice_of_candidates_brings_more(
    draft: Draft, places: list[tuple[int, int]], count: int, service: str
) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    candidates = spots(*places)

    suggestion = suggest_sites(coverage, service, sites=count, candidates=candidates)

    alone = [
        gained(coverage, service, candidates.iloc[list(rows)])
        for size in range(1, min(count, len(places)) + 1)
        for rows in itertools.combinations(range(len(places)), size)
    ]
    assert suggestion.sites["residents_gained"].sum() == pytest.approx(max(alone))
    assert suggestion.gap == 0
    assert suggestion.value == pytest.approx(max(alone))
    assert suggestion.greedy_value <= suggestion.value
    assert gained(coverage, service, suggestion.sites) == pytest.approx(max(alone))


@cases(40)
@given(
    drafts(),
    st.sampled_from(SERVICES),
    st.sampled_from(["people", "walk", "fair"]),
    st.sampled_from([1, 2]),
    st.one_of(st.none(), st.integers(0, 2**31)),
)
def test_what_is_promised_is_measured_to_the_resident(
    draft: Draft, service: str, goal: str, ways: int, seed: int | None
) -> None:
    city = build(draft) if seed is None else hilly(build(draft), seed)
    coverage = measure_coverage(city, STANDARD, round_trip=ways == 2)

    suggestion = suggest_sites(coverage, service, sites=2, choices=SitingChoices(goal=goal))

    built = remeasure(coverage, suggestion.city())
    for rank in range(1, len(suggestion.sites) + 1):
        so_far = suggestion.sites[suggestion.sites["rank"] <= rank]
        assert so_far["residents_gained"].sum() == pytest.approx(gained(coverage, service, so_far))
    share = built.share()
    now = share[share["service"] == service].iloc[-1]
    if len(suggestion.sites) and not np.isnan(now["share_covered"]):
        unknown = suggestion.sites["residents_unknown"].sum() / coverage.city.weight.sum()
        assert suggestion.sites["share_covered"].iloc[-1] + unknown == pytest.approx(now["share_covered"])


@cases(40)
@given(drafts(), st.integers(0, 2**31))
def test_homes_that_the_same_sites_reach_are_one_row(draft: Draft, seed: int) -> None:
    coverage = measure_coverage(build(draft), STANDARD)
    rng = np.random.default_rng(seed)
    candidates = spots(*rng.integers(0, 500, (5, 2)).tolist())
    homes = np.arange(len(coverage.city.homes))
    reached = reached_from(coverage, "clinic", candidates, homes, cutoff_m=400)

    benefit, group = people_covered(reached, coverage.city.weight, 5)

    sets = {home: frozenset(reached.site[reached.home == home]) for home in homes}
    counted = coverage.city.weight > 0
    for home in homes:
        assert (group[home] >= 0) == bool(sets[home] and counted[home])
        for other in homes:
            if group[home] >= 0 and group[other] >= 0:
                assert (group[home] == group[other]) == (sets[home] == sets[other])
    total = [coverage.city.weight[[home for home in homes if site in sets[home]]].sum() for site in range(5)]
    assert benefit.sum(axis=1).tolist() == pytest.approx(total)


# ---------------------------------------------------------------------- by hand, in the toy town


def toy() -> Coverage:
    return measure_coverage(toy_town(), STANDARD)


def test_elderly_care_for_the_toy_town() -> None:
    # There is none. Within 15 minutes, 720 m, of (1100, 0) live b and c, 57 people; of (300, 0) a, b (610 m)
    # and c, 157 people; of the gate (1900, 200) i (600 m) and j, 270 people.
    candidates = spots((1100, 0), (300, 0), (1900, 200), name=["corner", "west", "gate"])

    suggestion = suggest_sites(toy(), "elderly_care", sites=2, candidates=candidates)

    sites = suggestion.sites
    assert sites["name"].tolist() == ["gate", "west"]
    assert sites["site_id"].tolist() == ["S0003", "S0002"]
    assert sites["residents_gained"].tolist() == [270, 157]
    assert sites["residents_alone"].tolist() == [270, 157]
    assert sites["community"].tolist() == ["The Estate", "North Bank"]
    assert sites["share_covered"].tolist() == pytest.approx([270 / 657, 427 / 657])
    assert suggestion.reachable == 427
    assert suggestion.curve["residents_gained"].tolist() == [0, 270, 427]
    assert (suggestion.gap, suggestion.candidates) == (0, 3)


def test_an_unknown_home_is_no_gap_closed() -> None:
    # g, 60 people, is 300 m from where the data ends: of it nothing is known, whatever is built near it
    candidates = spots((1600, -300))

    sites = suggest_sites(toy(), "elderly_care", sites=1, candidates=candidates).sites

    assert sites["residents_gained"].tolist() == [0] or sites.empty


def test_unknown_people_are_told_apart_from_those_gained() -> None:
    # at (1300, -300): h, 30 people 700 m from the end of the data, and g are unknown; e, 80 people, is near
    sites = suggest_sites(toy(), "elderly_care", sites=1, candidates=spots((1300, -300))).sites

    assert sites["residents_gained"].tolist() == [80]
    assert sites["residents_unknown"].tolist() == [90]


def test_costs_and_a_budget() -> None:
    candidates = spots((300, 0), (1900, 200), (1100, 0), cost=[30.0, 100.0, None], name=["w", "g", "c"])
    choices = SitingChoices(budget=50)

    suggestion = suggest_sites(toy(), "elderly_care", candidates=candidates, choices=choices)

    assert suggestion.sites["name"].tolist() == ["w"]
    assert suggestion.sites["cost_per_residents"].tolist() == [30 / 157]
    assert (suggestion.candidates, suggestion.without_cost) == (2, 1)
    free = suggest_sites(toy(), "elderly_care", sites=3, candidates=candidates)
    assert free.sites["name"].tolist()[:2] == ["g", "w"]
    with pytest.raises(DataError, match="not every candidate has a cost"):
        suggest_sites(toy(), "elderly_care", candidates=spots((0, 0)), choices=choices)


def test_the_fewest_sites_for_a_target() -> None:
    candidates = spots((1100, 0), (300, 0), (1900, 200))

    for share, count in ((0.1, 1), (270 / 657, 1), (0.5, 2), (427 / 657, 2)):
        choices = SitingChoices(target_share=share)
        suggestion = suggest_sites(toy(), "elderly_care", candidates=candidates, choices=choices)
        assert len(suggestion.sites) == count, share
        assert suggestion.sites["share_covered"].iloc[-1] >= share - 1e-9
    with pytest.raises(DataError, match=r"90.0% covered cannot be reached.*65.0%"):
        suggest_sites(toy(), "elderly_care", candidates=candidates, choices=SitingChoices(target_share=0.9))
    done = suggest_sites(toy(), "clinic", candidates=candidates, choices=SitingChoices(target_share=0.1))
    assert done.sites.empty


def test_room_for_so_many_people() -> None:
    candidates = spots((1900, 200), (300, 0), capacity=[None, 500.0])

    sites = suggest_sites(
        toy(), "elderly_care", sites=2, candidates=candidates, choices=SitingChoices(places=100)
    ).sites

    assert sites["residents_gained"].tolist() == [157, 100]


def test_the_shortest_mean_walk_is_another_goal() -> None:
    # Walks count as twice 15 minutes, 1440 m, at most. From the gate (1900, 200), i saves 840 m, j 1340 m,
    # b 1440 - 1190 and c a millimetre less: 276,050 m in all. From the blind end of the path (1300, 200), i
    # saves all 1440 m, and those who come by Main Street and 200 m across: j 540, b 850, c a millimetre more,
    # a 210. e, f are farther; of g and h nothing is known; d is off the network.
    candidates = spots((1900, 200), (1300, 200))
    choices = SitingChoices(goal="walk")

    suggestion = suggest_sites(toy(), "elderly_care", sites=1, candidates=candidates, choices=choices)

    assert suggestion.sites["site_id"].tolist() == ["S0002"]
    assert suggestion.value == pytest.approx(200 * 1440 + 70 * 540 + 50 * 850 + 7 * 850.001 + 100 * 210)
    assert suggestion.gap == 0


def test_the_worst_off_come_first() -> None:
    # South Bank and the estate have nobody within reach of the kindergarten; (700, -300) serves f and e, 120
    # people of South Bank, the gate serves 270 of the estate. Both shares are 0 and the estate comes second.
    coverage = toy()
    candidates = spots((1900, 200), (700, -300), (1100, 0))

    fair = suggest_sites(
        coverage, "kindergarten", sites=1, candidates=candidates, choices=SitingChoices(goal="fair")
    ).sites
    most = suggest_sites(coverage, "kindergarten", sites=1, candidates=candidates).sites

    share = coverage.by_community().query("service == 'kindergarten'").groupby("community")["share_covered"]
    worst = share.max().idxmin()
    assert fair["community"].tolist() == [worst]
    assert most["residents_gained"].iloc[0] >= fair["residents_gained"].iloc[0]


def test_alternatives_are_nearly_as_good() -> None:
    candidates = spots((1900, 200), (1850, 200), (1900, 190), (1900, 0), (300, 0))

    suggestion = suggest_sites(toy(), "elderly_care", sites=2, candidates=candidates)

    others = suggestion.alternatives
    assert set(others["instead_of"]) == {1}  # for the west there is no other place
    assert set(others["site_id"]) <= {"S0001", "S0002", "S0003", "S0004"} - set(suggestion.sites["site_id"])
    assert (others["share_of_best"] >= 0.95).all()
    for row in others.itertuples():
        kept = suggestion.sites[suggestion.sites["rank"] != row.instead_of]
        both = candidates.iloc[[int(site[1:]) - 1 for site in [*kept["site_id"], row.site_id]]]
        assert row.residents_gained == gained(toy(), "elderly_care", both)


def test_along_streets_where_nobody_names_a_place() -> None:
    coverage = toy()
    sites = street_sites(coverage, "clinic")

    snapped = coverage.city.network.snap(sites.geometry.x, sites.geometry.y)
    assert len(sites) > 20
    assert snapped.off_m.max() < 1e-6
    assert not coverage.city.network.private[snapped.street].any()
    xy = np.column_stack([sites.geometry.x, sites.geometry.y])
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) + np.eye(len(xy)) * 1e9
    assert apart.min() >= 100
    again = street_sites(coverage, "clinic")
    assert again.geometry.geom_equals(sites.geometry).all()
    assert suggest_sites(coverage, "clinic", sites=1).sites["residents_gained"].sum() > 0


@cases(100)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=40), st.sampled_from([1, 10, 25]))
def test_points_lie_apart_and_no_room_is_left(places: list[tuple[int, int]], apart_m: int) -> None:
    xy = np.array(places, dtype=float).reshape(-1, 2)

    kept = thinned(xy, apart_m)

    far = np.hypot(*(xy[:, None] - xy[kept][None]).transpose(2, 0, 1)) if len(xy) else np.zeros((0, 0))
    assert (far[~kept].min(axis=1, initial=np.inf) < apart_m).all()
    assert ((far[kept] + np.eye(kept.sum()) * 1e9) >= apart_m).all()
    backwards = thinned(xy[::-1], apart_m)[::-1]
    assert {tuple(place) for place in xy[backwards]} == {tuple(place) for place in xy[kept]}


def test_plots_and_other_coordinate_systems() -> None:
    plots = layer(boxes([(1875, 205, 1925, 255)]))

    site = suggest_sites(toy(), "elderly_care", sites=1, candidates=plots.to_crs(4326)).sites.iloc[0]

    assert site.geometry.distance(points([(1900, 230)])[0]) < 1e-6
    assert site["residents_gained"] == 270
    with pytest.raises(DataError, match="no CRS"):
        suggest_sites(toy(), "clinic", candidates=gpd.GeoDataFrame(geometry=points([(0, 0)])))


def test_nobody_to_help_and_nowhere_to_build() -> None:
    coverage = measure_coverage(toy_town(facilities=toy_facilities(FACILITIES[:0])), STANDARD)
    for candidates in (spots(), spots((99_000, 99_000))):
        suggestion = suggest_sites(coverage, "clinic", candidates=candidates)
        assert isinstance(suggestion, Suggestion)
        assert (len(suggestion.sites), suggestion.value, suggestion.reachable) == (0, 0, 0)
        assert suggestion.city().facilities.empty


def test_what_cannot_be_searched_is_refused() -> None:
    coverage = toy()
    with pytest.raises(UnknownNameError, match="casino"):
        suggest_sites(coverage, "casino")
    with pytest.raises(DataError, match="at least 1"):
        suggest_sites(coverage, "clinic", sites=0)
    for wrong in (
        {"goal": "beauty"},
        {"budget": -1},
        {"target_share": 1.2},
        {"places": 0},
        {"apart_m": np.nan},
    ):
        with pytest.raises(DataError, match=next(iter(wrong))):
            SitingChoices(**wrong)
    for both in (
        {"goal": "walk", "places": 3},
        {"goal": "fair", "budget": 3},
        {"goal": "walk", "target_share": 0.5},
    ):
        with pytest.raises(DataError, match="exclude"):
            SitingChoices(**both)
    with pytest.raises(DataError, match="cost"):
        suggest_sites(coverage, "clinic", candidates=spots((0, 0), cost=[-3.0]))


def test_a_shorter_limit_may_be_asked_for() -> None:
    candidates = spots((1900, 200))

    site = suggest_sites(toy(), "elderly_care", limit=10, candidates=candidates).sites.iloc[0]

    # in 10 minutes, 480 m, only j comes to the gate
    assert site["residents_gained"] == 70
    limit = toy().standard.service("elderly_care").limits[0]
    assert cutoff_of(toy(), "elderly_care", limit) == pytest.approx(480)
    assert len(not_served(toy(), "elderly_care", limit)[0]) > 0


def test_there_and_back_half_as_far_is_reached() -> None:
    # 720 m there and back are 360 m each way: to the gate comes j, 70 people, 110 m; to (300, 0) comes a, 100
    coverage = measure_coverage(toy_town(), STANDARD, round_trip=True)
    candidates = spots((300, 0), (1900, 200), name=["west", "gate"])

    found = suggest_sites(coverage, "elderly_care", sites=2, candidates=candidates)

    assert found.sites["name"].tolist() == ["west", "gate"]
    assert found.sites["residents_gained"].tolist() == [100, 70]


def test_there_and_back_the_way_home_uphill_counts() -> None:
    # Main Street costs 1.5 a metre to the west. From a, at x = 300 and 30 m off it, to (500, 0): 230 m there
    # and 330 m back; to (150, 0) 255 m and 180 m.
    city = toy_town(homes=toy_town().homes.loc[["a"]])
    count = len(city.network.street_m)
    west = np.where(np.arange(count) == 0, 1.5, 1.0)
    city = dataclasses.replace(city, relief=Relief(np.ones(count), west, np.zeros(count)))
    coverage = measure_coverage(city, STANDARD, round_trip=True)
    homes = np.arange(1)

    near, far = reached_from(coverage, "clinic", spots((500, 0), (150, 0)), homes, cutoff_m=800).metres

    assert (near, far) == pytest.approx((560, 435))
    assert len(reached_from(coverage, "clinic", spots((150, 0)), homes, cutoff_m=434).metres) == 0
