"""What does the sample say about itself: its `city.toml`, its boundary and where it comes from?"""

CITY_TOML = """\
# The synthetic sample city. Every community, facility, street and number here is invented: see SOURCE.md.
data = "synthetic sample"
lang = "zh"
crs = "EPSG:4549"
osm = "streets.osm.pbf"
communities = "communities.gpkg"
facilities = ["facilities.csv"]

# For `lifecircle fetch`: where the real city is downloaded.
boundary = "boundary.geojson"
place = "莲都区, 丽水市, 浙江省"

[name]
zh = "丽水"
en = "Lishui"

[columns]
community_id = "社区编号"
community = "名称"
population = "人口"
"""

BOUNDARY = """\
{
  "type": "FeatureCollection",
  "features": [
    {
      "type": "Feature",
      "properties": {"name": "丽水城区河谷"},
      "geometry": {
        "type": "Polygon",
        "coordinates": [[[119.88, 28.42], [119.97, 28.42], [119.97, 28.49], [119.88, 28.49], [119.88, 28.42]]]
      }
    }
  ]
}
"""

SOURCE = """\
# A synthetic city / 合成示例城市

**This is not Lishui.** Every street, building, community, population, facility, name and address in this
folder was drawn by a program from random numbers. Nobody may quote a number from it, or from an analysis of
it, as a real one.

**这不是真实的丽水。** 本目录中的道路、建筑、社区、人口、设施、名称和地址全部由程序随机生成。
任何人不得将其中的数字或据其得出的分析结果当作真实数据引用。

## How it was made

`python data/make_sample.py` (seed {seed}) writes every file of this folder, with the same content each time.

| file | what it holds |
|---|---|
| `streets.osm.pbf` | {nodes} nodes, {ways} ways (of them {buildings} buildings), {relations} relations |
| `communities.gpkg` | {communities} communities, {residents} residents, EPSG:4549 |
| `facilities.csv` | {facilities} facilities, WGS 84, utf-8 with byte-order mark |
| `boundary.geojson` | the valley's rectangle: where `lifecircle fetch` downloads the real city |

The streets end at their box as in a real extract: some ways refer to nodes that are not in the file. About a
third of the listed facilities also stand in it as tags, so that one sees the list win over OpenStreetMap.

## What is real

- The place: 119.88-119.97 E, 28.42-28.49 N, the rectangle round the valley in which the city of Lishui lies.
- The coordinate reference system that fits it: EPSG:4549 (CGCS2000, 3-degree Gauss-Kruger, CM 120E).
- The shape of such a city: a river with few bridges, alleys, gated estates, villages in the hills.
- The number of residents is of the district's order: Liandu had 562,116 people at the 2020 census (15.75 %
  aged 0-14, 17.50 % aged 60 and over); the sample holds about a fifth of that, and gives no ages.

Nothing was copied from OpenStreetMap or from any other data set. Names begin with 示例 (sample) so that
nobody takes them for those of a real community, street or facility.

## Licence

MIT, like the program that made it. It holds no OpenStreetMap data, so the ODbL does not apply to it.
"""
