"""Does spopt choose sites that serve as many people, in a window of a real city?"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely

import lifecircle as lc
from lifecircle.candidates import street_sites
from lifecircle.coverage import Coverage, measure_coverage
from lifecircle.siting_search import People

locate, pulp = pytest.importorskip("spopt.locate"), pytest.importorskip("pulp")  # the extra: peers
MIDDLE, HALF_M = (457_600.0, 3_110_200.0), 1_200.0
"""Of the window, in EPSG:32628: hills above the old harbour."""


@pytest.fixture(scope="module")
def window(shared_data: Callable[[str], Path]) -> Coverage:
    """Return the middle of Las Palmas, cut out after its streets were read."""
    city = lc.read_city(
        osm=shared_data("las_palmas/las_palmas.osm.pbf"),
        communities=shared_data("las_palmas/catchments.geojson"),
        crs="EPSG:32628",
    )
    box = shapely.box(*(np.array(MIDDLE) - HALF_M), *(np.array(MIDDLE) + HALF_M))
    homes = city.homes[city.homes.within(box)].reset_index(drop=True)
    return measure_coverage(dataclasses.replace(city, homes=homes), lc.load_standard("life-circle"))


@pytest.mark.parametrize("service", ["kindergarten", "elderly_care", "clinic"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # spopt writes its models for an older PuLP
def test_spopt_covers_as_many(window: Coverage, service: str) -> None:
    found = lc.suggest_sites(window, service, sites=2, choices=lc.SitingChoices(apart_m=250))
    frame = street_sites(window, service, apart_m=250)
    benefit = People.of(window, service, found.limit, frame).benefit

    model = locate.MCLP.from_cost_matrix(
        np.where(benefit.toarray().T > 0, 0.0, 1.0),
        benefit.max(axis=0).toarray().ravel(),
        service_radius=0.5,
        p_facilities=2,
    )
    model.solve(pulp.PULP_CBC_CMD(msg=False))

    assert found.gap == 0
    assert found.value > 0
    assert pulp.value(model.problem.objective) == pytest.approx(found.value, rel=1e-7)
