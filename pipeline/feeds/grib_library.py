"""ecCodes, loaded after PROJ and GDAL.

The ecCodes wheel brings a PROJ of its own and shows its symbols to whatever is loaded later: imported before pyproj it
makes the first CRS fail and the process crash (eccodes 2.50, pyproj 3.7). It brings a curl and an OpenSSL as well:
imported before rasterio, GDAL's first remote reads from two threads crash the process (rasterio 1.4.4). Everything
that needs ecCodes takes it from here.
"""

import pyproj  # noqa: F401
import rasterio  # noqa: F401

# isort: split
import eccodes

__all__ = ["eccodes"]
