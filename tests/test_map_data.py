"""Do shapes and figures reach the page as they were measured?"""

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from map_pages import data_of, even_odd, pictured_town, unpacked
from toy_town import CRS, STANDARD

from lifecircle.coverage import Coverage
from lifecircle.gaps import find_gaps
from lifecircle.render import map_data
from lifecircle.render.web_map import draw_map


@pytest.fixture(scope="module")
def town() -> Coverage:
    return pictured_town()


def test_shapes_come_back_as_they_went_in() -> None:
    ring = shapely.Point(10, 50).buffer(0.01)
    shapes = gpd.GeoSeries(
        [
            ring.difference(shapely.Point(10, 50).buffer(0.002)),
            shapely.MultiPolygon([ring, shapely.box(11, 51, 12, 52)]),
        ],
        crs=4326,
    )
    rings = unpacked(map_data.pack(shapes))
    assert [len(parts) for parts in rings] == [2, 2]
    back = [
        shapely.Polygon(rings[0][0], [rings[0][1]]),
        shapely.MultiPolygon([(part, []) for part in rings[1]]),
    ]
    assert (shapely.hausdorff_distance(back, shapes.to_numpy()) < 1e-6).all()


def test_bands_fill_the_communities_once(town: Coverage) -> None:
    cells = town.cells
    for service, packed in zip(STANDARD.services, map_data.pack_bands(town), strict=True):
        bands = [even_odd(parts) for parts in unpacked(packed)]
        assert len(bands) == 6
        areas = gpd.GeoSeries(bands, crs=4326).to_crs(CRS).area.to_numpy()
        assert areas.sum() == pytest.approx(town.city.communities.area.sum(), rel=0.02)
        minutes = cells[service.id]
        counted = [
            (minutes <= 5).sum(), *(((minutes > low) & (minutes <= low + 5)).sum() for low in (5, 10, 15)),
            (minutes > 20).sum(), minutes.isna().sum(),
        ]  # fmt: skip
        assert areas / 2500 == pytest.approx(np.array(counted), rel=0.1, abs=3)


def test_tables_follow_the_order_of_communities(town: Coverage) -> None:
    data = map_data.pack_communities(town, find_gaps(town))
    table = town.by_community()
    keys = itertools.product(town.city.communities["community_id"], STANDARD.pairs)
    for at, (community, (service, limit)) in enumerate(keys):
        row = table[
            (table["community_id"] == community)
            & (table["service"] == service.id)
            & (table["threshold_minutes"] == limit.value)
        ]
        assert data["rows"]["covered"][at] == pytest.approx(row["share_covered"].iloc[0], abs=1e-4)
    assert data["rows"]["median"][2] == -1  # nobody reaches elderly care: there is none


def test_a_backdrop_too_large_is_dropped_and_said(monkeypatch: pytest.MonkeyPatch, town: Coverage) -> None:
    assert map_data.pack_backdrop(town.city)[1] == []
    monkeypatch.setattr(map_data, "_MOST_VERTICES", 30)
    data = data_of(draw_map(town, find_gaps(town), lang="en").get_root().render())
    assert "building" not in data["backdrop"]
    assert {"edge", "water"} <= set(data["backdrop"])
    assert data["notes"] == ["Not drawn, to keep the map fast: buildings."]
    monkeypatch.setattr(map_data, "_MOST_VERTICES", 0)
    data = data_of(draw_map(town, find_gaps(town), lang="en").get_root().render())
    assert data["backdrop"] == {}
    assert "side streets, paths" in data["notes"][0]
