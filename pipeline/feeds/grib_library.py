"""ecCodes, loaded after PROJ, GDAL and what reaches PostgreSQL.

The ecCodes wheel brings a PROJ of its own and shows its symbols to whatever is loaded later: imported before pyproj it
makes the first CRS fail and the process crash (eccodes 2.50, pyproj 3.7). It brings a curl and an OpenSSL as well:
imported before rasterio, GDAL's first remote reads from two threads crash the process (rasterio 1.4.4). And an
OpenLDAP: imported before psycopg, which brings another, the process crashes when it ends (psycopg-binary 3.3). Everything
that needs ecCodes takes it from here.
"""

from contextlib import suppress

import pyproj  # noqa: F401
import rasterio  # noqa: F401

with suppress(ModuleNotFoundError):  # only where the service is to write to PostgreSQL
    import psycopg  # noqa: F401

# isort: split
import eccodes

__all__ = ["eccodes"]
