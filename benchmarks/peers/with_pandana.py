"""pandana: streets by pyrosm, one contraction, the nearest facility of every node."""

import pandana
from pyrosm import OSM
from work import hand_in, homes_of, read_work

work = read_work()
osm = OSM(str(work.osm))
homes = homes_of(work, osm)
nodes, edges = osm.get_network(network_type="walking", nodes=True)
nodes = nodes.set_index("id").to_crs(work.crs)
network = pandana.Network(
    nodes.geometry.x, nodes.geometry.y, edges["u"], edges["v"], edges[["length"]], twoway=True
)
farthest = max(work.metres) + 1  # what is farther comes out as the most that was asked for
network.precompute(farthest)
home_nodes = network.get_node_ids(homes.geometry.x, homes.geometry.y)
covered = {}
for service, facilities in work.services():
    network.set_pois(service, farthest, 1, facilities.geometry.x, facilities.geometry.y)
    walk = network.nearest_pois(farthest, service, num_pois=1)[1].reindex(home_nodes).to_numpy()
    for metres in work.metres:
        covered[service, metres] = walk <= metres
hand_in(work, homes, covered)
