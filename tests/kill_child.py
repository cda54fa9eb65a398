"""What the kill test runs and kills: imported once by a fork server, then forked for every attempt."""

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import xarray as xr

from pipeline import config, grid, steps
from pipeline.alerts.rules import places
from pipeline.exercise.play import Direct
from pipeline.feeds.http import MIRROR
from pipeline.hazards.shaking import shaking
from pipeline.layer import Table
from pipeline.products import cog
from pipeline.products.statistics import Tally


def warm_up() -> None:
    """Load compiled kernels and the gazetteer, in this thread alone: a forked child inherits no other."""
    geobox = grid.region_geobox((40.5, 40.5, 41.5, 41.5), 0.1)
    arrays = {}
    for name, variable in shaking.inputs.items():
        if isinstance(variable, Table):
            continue
        cells = np.float64(41.0) if variable.on == "scalar" else np.full(tuple(geobox.shape), 400.0, np.float32)
        array = xr.DataArray(cells, dims=() if variable.on == "scalar" else ("y", "x"), attrs={"units": variable.units})
        arrays[name] = array if variable.on == "scalar" else grid.on_geobox(array, geobox).chunk(5)
    found = shaking(**arrays).compute(scheduler="synchronous")
    for name in ("mmi", "exclusion"):
        block = cog._canonical(found[name].values)  # not a whole COG: GDAL would start threads
        tally = Tally(block.shape, block.dtype, shaking.outputs[name].nodata)
        tally.add(0, 0, block)
        tally.result()
    places.load((0, 0, 1, 1))


def poll(environment: dict[str, str], home: str, now: datetime, begun: str) -> None:
    """Poll the earthquake feed once, to the last message; the file `begun` appears just before."""
    os.environ[MIRROR] = environment[MIRROR]
    folders = environment["HAZMON_CONFIG"].split(os.pathsep)
    work = steps.open_workspace(home, config.Config(*map(Path, folders)), drill="EXERCISE test")
    Path(begun).touch()
    runner = Direct(work)
    runner.poll("usgs", now)
    if runner.failures:
        raise SystemExit("; ".join(runner.failures))


warm_up()
