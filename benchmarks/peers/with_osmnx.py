"""OSMnx and NetworkX: the recipe of OSMnx's own examples, an ego graph around each facility.

Isochrones are the reached streets, widened and united once per service and threshold; ``--nodes`` leaves them
out and asks only which homes have a reached node.
"""

import sys

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import shapely
from work import hand_in, read_work

WIDTH_M = 50.0

only_nodes = "--nodes" in sys.argv
sys.argv = [word for word in sys.argv if word != "--nodes"]
work = read_work()
ox.settings.all_oneway = False
graph = ox.graph_from_xml(work.folder / "streets.osm", bidirectional=True, simplify=True, retain_all=False)
graph = ox.project_graph(graph, to_crs=work.crs)
homes = gpd.read_file(work.folder / "homes.gpkg")
home_nodes = ox.nearest_nodes(graph, homes.geometry.x, homes.geometry.y)
edges = ox.graph_to_gdfs(graph, nodes=False) if not only_nodes else None
points = shapely.points(homes.get_coordinates().to_numpy())
covered = {}
for service, facilities in work.services():
    origins = ox.nearest_nodes(graph, facilities.geometry.x, facilities.geometry.y)
    for metres in work.metres:
        reached = [nx.ego_graph(graph, node, radius=metres, distance="length") for node in set(origins)]
        if only_nodes:
            inside = np.isin(home_nodes, list({node for ego in reached for node in ego.nodes}))
        else:
            streets = {(min(u, v), max(u, v), k) for ego in reached for u, v, k in ego.edges(keys=True)}
            lines = gpd.GeoSeries(edges.geometry.loc[[key for key in streets if key in edges.index]])
            reach = shapely.union_all(lines.buffer(WIDTH_M).to_numpy())
            shapely.prepare(reach)
            inside = shapely.contains(reach, points)
        covered[service, metres] = inside
hand_in(work, homes, covered)
