"""The whole layer on a million cells: point source, four models, five motions, intensity, deviations, exclusion.

python -m tests.benchmarks.bench_shaking
"""

from __future__ import annotations

import resource
import time

import dask
import numpy as np
import xarray as xr

from pipeline import grid
from pipeline.hazards import HAZARDS

SIDE = 1000
STEP = 1.0 / 120.0


def main() -> None:
    """Print seconds, cells per second and the peak memory of the process."""
    half = STEP * SIDE / 2
    geobox = grid.region_geobox((78.66 - half, 41.26 - half, 78.66 + half, 41.26 + half), STEP)
    cells = np.random.default_rng(1).uniform(180, 900, tuple(geobox.shape)).astype("float32")
    vs30 = grid.on_geobox(xr.DataArray(cells, dims=("y", "x"), attrs={"units": "m s-1"}), geobox).chunk(512)
    units = {"magnitude": (7.0, "1"), "depth": (13.0, "km"), "longitude": (78.66, "degrees_east")}
    units["latitude"] = (41.26, "degrees_north")
    event = {name: xr.DataArray(value, attrs={"units": unit}) for name, (value, unit) in units.items()}
    best = float("inf")
    for _ in range(4):
        began = time.perf_counter()
        dask.compute(HAZARDS["shaking"](**event, vs30=vs30))
        best = min(best, time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"shaking, the whole layer: {cells.size:,} cells in {best:.2f} s, {cells.size / best / 1e6:.1f} M cells/s")
    print(f"  peak memory of the process so far {peak:.0f} MB")


if __name__ == "__main__":
    main()
