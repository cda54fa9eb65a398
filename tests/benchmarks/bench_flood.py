"""The flood extent layer alone, lazily in blocks on two threads and as one NumPy array: milliseconds and Mpx/s.

    python -m tests.benchmarks.bench_flood [--cells 4096] [--block 2048] [--repeat 3]

`against` times a whole product against GDAL alone once both are given as functions.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import dask
import dask.array as da
import xarray as xr

from pipeline.hazards.flood_extent import flood_extent
from tests.hazards.flood_extent import scenes


class _Nowhere:
    """Takes blocks and forgets them, as a writer would."""

    def __setitem__(self, index: Any, block: Any) -> None:
        pass


def lazily(inputs: dict[str, xr.DataArray]) -> None:
    """Compute every output block by block."""
    found = flood_extent(**inputs)
    da.store([array.data for array in found.values()], [_Nowhere()] * len(found), lock=False)


def at_once(inputs: dict[str, xr.DataArray]) -> None:
    """Compute every output over whole arrays."""
    flood_extent(**inputs)


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Return the median time of some repetitions; a first one warms up."""
    work()
    times = []
    for _ in range(repeat):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return statistics.median(times)


def against(product: Callable[[], object], gdal_alone: Callable[[], object], repeat: int = 5) -> tuple[float, float, float]:
    """Return seconds of a whole product and of GDAL alone, in turns, and the median ratio of the rounds.

    Parameters
    ----------
    product
        Reads VV and VH, warps HAND, computes, writes the four COGs.
    gdal_alone
        Decodes the same inputs, warps HAND, encodes the same outputs.
    """
    product()
    gdal_alone()
    rounds = []
    for _ in range(repeat):
        began = perf_counter()
        product()
        between = perf_counter()
        gdal_alone()
        rounds.append((between - began, perf_counter() - between))
    mine, other = (statistics.median(column) for column in zip(*rounds, strict=True))
    return mine, other, statistics.median(a / b for a, b in rounds)


def main() -> None:
    """Print one line for each way to call the layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=4096)
    parser.add_argument("--block", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    made = scenes.make(1, (options.cells, options.cells))
    whole, blocks = made.arrays(), made.arrays(options.block)
    pixels = options.cells**2
    with dask.config.set(scheduler="threads", num_workers=2):
        for name, work in (("two Dask threads", lambda: lazily(blocks)), ("one NumPy array", lambda: at_once(whole))):
            spent = seconds(work, options.repeat)
            print(
                f"flood_extent {options.cells} x {options.cells}, {name}: {spent * 1e3:.0f} ms, "
                f"{pixels / spent / 1e6:.1f} Mpx/s, {spent * 1e9 / pixels:.1f} ns a pixel"
            )


if __name__ == "__main__":
    main()
