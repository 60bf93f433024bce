"""Do tags and names of OpenStreetMap tell which services a place offers?"""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from lifecircle.catalog import load_standard
from lifecircle.sources.osm_things import OsmServices, Things, facilities_among

DEFAULT = OsmServices(load_standard().services)
GB50180 = OsmServices(load_standard("gb50180-2018").services)


def offered(asked: OsmServices, **tags: str) -> tuple[str, ...]:
    return asked.offered(asked.kinds(tags))


@pytest.mark.parametrize(
    ("tags", "default", "gb50180"),
    [
        ({"amenity": "kindergarten"}, ("kindergarten",), ("kindergarten",)),
        ({"amenity": "kindergarten", "name": "示例托育园"}, (), ("nursery",)),
        ({"amenity": "clinic"}, ("clinic",), ()),  # its level is not told
        ({"amenity": "clinic", "name": "示例社区衛生服務站"}, ("clinic",), ("health_station",)),
        ({"amenity": "doctors", "name": "示例社区卫生服务中心"}, ("clinic",), ("health_centre",)),
        ({"amenity": "clinic", "name": "王氏诊所"}, (), ()),
        ({"amenity": "hospital", "name": "示例医院"}, (), ()),
        ({"amenity": "hospital", "name": "示例社区医院"}, ("clinic",), ("health_centre",)),
        ({"amenity": "school", "name": "示例小学"}, (), ("primary_school",)),
        ({"amenity": "school", "name": "示例九年一贯制学校"}, (), ("primary_school", "middle_school")),
        ({"amenity": "school", "isced:level": "1;2"}, (), ("primary_school", "middle_school")),
        ({"amenity": "school"}, (), ()),
        ({"highway": "bus_stop"}, (), ("bus_stop",)),
        ({"highway": "residential", "name": "幼儿园路"}, (), ()),
    ],
)
def test_tags_and_name_tell_what_is_offered(
    tags: dict[str, str], default: tuple[str, ...], gb50180: tuple[str, ...]
) -> None:
    assert offered(DEFAULT, **tags) == default
    assert offered(GB50180, **tags) == gb50180


def test_what_is_left_out_by_its_name_is_told() -> None:
    names = ["王氏诊所", "李氏诊所", "示例社区卫生服务站"]
    things = Things(
        np.array(shapely.points([(0, 0), (50, 0), (100, 0)])),
        [{"amenity": "clinic", "name": name} for name in names],
        ["n1", "n2", "n3"],
    )
    facilities, within, others = facilities_among(things, load_standard().services, "EPSG:4549")
    assert isinstance(facilities, gpd.GeoDataFrame)
    assert list(facilities["facility_id"]) == ["osm-n3-clinic"]
    assert (within, others) == (0, ["诊所 Private clinic"] * 2)
