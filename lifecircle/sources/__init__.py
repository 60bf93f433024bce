"""The only readers of files and web: they hand over clean layers and say what was dropped."""

import os

# GDAL takes any text that names a virtual layer for that layer, whatever file the layer names: it must never
# learn how. It asks for this once, when pyogrio loads it, and pyogrio is loaded from here on.
os.environ["GDAL_SKIP"] = " ".join(dict.fromkeys([*os.environ.get("GDAL_SKIP", "").split(), "OGR_VRT"]))
