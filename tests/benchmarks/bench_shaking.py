"""Cells per second of the layer `shaking` on one core: the blocked kernel, and the same functions over whole arrays.

python -m tests.benchmarks.bench_shaking
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pipeline.hazards.shaking import kernel
from pipeline.hazards.shaking.rupture import PointSource, source_table

SIDE = 1000
STEP = 1.0 / 120.0
CHOICES = kernel.Choices("BSSA14", "unspecified", 0.0, (STEP, STEP))


def main() -> None:
    """Print seconds, cells per second and the ratio."""
    vs30 = np.random.default_rng(1).uniform(180, 900, (SIDE, SIDE)).astype("float32")
    unknown = np.full_like(vs30, np.nan)
    rows = (41.26 + STEP * (SIDE / 2 - np.arange(SIDE)))[:, None]
    columns = (78.66 + STEP * (np.arange(SIDE) - SIDE / 2))[None]
    scalars = [np.asarray(v) for v in (7.0, 13.0, 78.66, 41.26)]

    def blocked() -> object:
        return kernel.shaking_block(*scalars, vs30, *[unknown] * 5, rows, columns, choices=CHOICES)

    def whole() -> object:
        cells, kernel._CELLS = kernel._CELLS, SIDE * SIDE
        try:
            return blocked()
        finally:
            kernel._CELLS = cells

    def first() -> object:
        source_table.cache_clear()
        return source_table("BSSA14", kernel.MEASURES, PointSource(7.0, 13.0, "unspecified"))

    table, fast, plain = _seconds(first), _seconds(blocked), _seconds(whole)
    cells = SIDE * SIDE
    print(f"shaking: {cells:,} cells, 5 motions, intensity and deviations, one core")
    print(f"  table of virtual ruptures, once per revision {table:.3f} s")
    print(f"  in blocks                                    {fast:.3f} s   {cells / fast / 1e6:.2f} M cells/s")
    print(f"  whole arrays in NumPy                        {plain:.3f} s   {cells / plain / 1e6:.2f} M cells/s")
    print(f"  ratio {plain / fast:.2f}")


def _seconds(function: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
