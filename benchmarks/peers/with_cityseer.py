"""cityseer: streets by pyrosm, cleaned by cityseer, the nearest facility of every node."""

from cityseer.metrics import layers
from cityseer.tools import graphs, io
from pyrosm import OSM
from scipy.spatial import cKDTree
from work import hand_in, homes_of, read_work

work = read_work()
osm = OSM(str(work.osm))
homes = homes_of(work, osm)
edges = osm.get_network(network_type="walking", nodes=True)[1].to_crs(work.crs)
lines = edges[["geometry"]].explode(ignore_index=True)
graph = graphs.nx_remove_filler_nodes(io.nx_from_generic_geopandas(lines))
nodes, _, network = io.network_structure_from_nx(graph)
names = [service for service, _ in work.services()]
farthest = max(work.metres)
nodes = layers.compute_accessibilities(
    work.facilities, "service", names, nodes, network, distances=[int(farthest)], max_netw_assign_dist=200
)
at_home = cKDTree(nodes.get_coordinates().to_numpy()).query(homes.get_coordinates().to_numpy())[1]
covered = {}
for service in names:
    walk = nodes[f"cc_{service}_nearest_max_{farthest:g}"].to_numpy()[at_home]
    for metres in work.metres:
        covered[service, metres] = walk <= metres
hand_in(work, homes, covered)
