"""What is the least that a run takes? Its libraries are loaded, and the streets of the file are arrays.

``python -m benchmarks.floor FILE.osm.pbf`` does that and ends. A ratio that a peer does not reach beside this
process is out of reach for whatever analysis follows it.
"""

import sys
from pathlib import Path

import folium
import geopandas
import pyogrio
import scipy.sparse.csgraph
import xlsxwriter

from lifecircle.sources.pbf_elements import pbf_elements

LIBRARIES = (folium, geopandas, pyogrio, scipy.sparse.csgraph, xlsxwriter)
"""What reads, searches, maps and tabulates; NumPy, pandas, pyproj and shapely come with them."""

if __name__ == "__main__":
    print(len(pbf_elements(Path(sys.argv[1]), ()).ways.tags), "streets;", len(LIBRARIES), "libraries")
