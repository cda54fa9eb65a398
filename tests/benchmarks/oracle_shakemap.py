"""ShakeMap's own assemble and model steps on a recorded case; run by the interpreter of the oracle's environment.

    python oracle_shakemap.py CASE CONFIGURATION RESULT.npz > result.json

CASE is a folder of the event's input files, CONFIGURATION one of model.conf and gmpe_sets.conf as the case was computed
with. Everything is set up in a temporary home without network: a profile, the installed defaults of the other
configuration files, an ocean that lies nowhere near. Nothing of the pipeline is imported here. Prints the seconds of the
model step until its grids are computed and until its result is written, of wall clock and of processor; RESULT.npz takes
the grids. The threads of BLAS are left to the caller (OPENBLAS_NUM_THREADS).
"""

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

EVENT = "case"
PROFILE = """profile = case
[profiles]
  [[case]]
    install_path = {home}/install
    data_path = {home}/data
"""


def set_up(home, case, configuration):
    """Fill a home folder with the profile, configuration, inputs and mask; it must be HOME before ShakeMap is imported."""
    import shakemap_modules

    defaults = Path(next(iter(shakemap_modules.__path__))) / "data"
    current, config = home / "data" / EVENT / "current", home / "install" / "config"
    for folder in (config, home / "install" / "data", home / ".shakemap"):
        folder.mkdir(parents=True)
    shutil.copytree(case, current, copy_function=shutil.copyfile)
    for name in ("modules.conf", "products.conf", "logging.conf", "select.conf", "shake.conf"):
        shutil.copyfile(defaults / name, config / name)
    for name in ("model.conf", "gmpe_sets.conf"):
        shutil.copyfile(configuration / name, config / name)
    (home / ".shakemap" / "profiles.conf").write_text(PROFILE.format(home=home))
    write_ocean(home / "shapefiles" / "natural_earth" / "physical" / "ne_10m_ocean.shp")


def write_ocean(path):
    """Write one square in the South Pacific where Natural Earth's oceans are looked for."""
    import fiona

    path.parent.mkdir(parents=True)
    ring = [(-130.0, -50.0), (-130.0, -49.0), (-129.0, -49.0), (-129.0, -50.0), (-130.0, -50.0)]
    schema = {"geometry": "Polygon", "properties": {"name": "str"}}
    with fiona.open(path, "w", driver="ESRI Shapefile", crs="EPSG:4326", schema=schema) as layer:
        layer.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"name": "none"}})


def run(result):
    """Run both steps and return the seconds of the second."""
    from shakemap_modules.coremods.assemble import AssembleModule
    from shakemap_modules.coremods.model import ModelModule

    class Timed(ModelModule):
        """The model step, which tells when its grids are ready: masking is the first thing it does with them."""

        def _apply_custom_mask(self):
            self.ready = time.perf_counter(), time.process_time()
            super()._apply_custom_mask()

    logger = logging.getLogger("shakemap")
    AssembleModule(EVENT, comment="", logger=logger).execute()
    module = Timed(EVENT, logger=logger)
    began = time.perf_counter(), time.process_time()
    module.execute()
    ended = time.perf_counter(), time.process_time()
    save(module, result)
    spent = {"grids": module.ready, "whole": ended}
    return {name: [b - a for a, b in zip(began, stop, strict=True)] for name, stop in spent.items()}


def save(module, result):
    """Write mean and deviation of each measure, distance and extent."""
    import numpy as np

    grids = {f"{name}_mean": grid for name, grid in module.outgrid.items()}
    grids |= {f"{name}_std": grid for name, grid in module.outsd.items()}
    extent = [module.west, module.east, module.south, module.north, module.smdx, module.smdy]
    np.savez(result, extent=extent, rrup=module.dx_out.rrup, **grids)


def main(case, configuration, result):
    """Run in a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {"HOME": str(home), "CARTOPY_DATA_DIR": str(home)}
        set_up(home, Path(case), Path(configuration))
        spoken, sys.stdout = sys.stdout, sys.stderr
        seconds = run(result)
        print(json.dumps(seconds), file=spoken)


if __name__ == "__main__":
    main(*sys.argv[1:])
