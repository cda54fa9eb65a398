"""ecCodes, loaded after PROJ.

The ecCodes wheel brings a PROJ of its own and shows its symbols to whatever is loaded later: imported before pyproj it
makes the first CRS fail and the process crash (eccodes 2.50, pyproj 3.7). Everything that needs ecCodes takes it from here.
"""

import pyproj  # noqa: F401

# isort: split
import eccodes

__all__ = ["eccodes"]
