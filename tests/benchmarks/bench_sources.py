"""Seconds of distances to a finite rupture and of the table of a hypocentre, on one core.

python -m tests.benchmarks.bench_sources
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pipeline.hazards.shaking import GROUND_MOTION_MODELS
from pipeline.hazards.shaking.ground_motion import GroundMotion
from pipeline.hazards.shaking.source import Hypocentre, epicentral_table, quad_rupture, rupture_distances

SIDE = 1000
MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
#: Those of them that are registered make the set.
MODELS = ("ASK14", "BSSA14", "CB14", "CY14")


def main() -> None:
    """Print seconds for a million sites by number of quadrilaterals, for the table, and for reading it."""
    print(f"sources: {SIDE * SIDE:,} sites, one core")
    longitude, latitude = np.linspace(76.0, 81.0, SIDE)[None], np.linspace(44.0, 40.0, SIDE)[:, None]
    for count in (1, 10):
        start = 77.0 + 0.3 * np.arange(count)[:, None]
        corners = start + np.array([0.0, 0.3, 0.3, 0.0]), np.tile([42.0, 42.0, 41.9, 41.9], (count, 1))
        rupture = quad_rupture(*corners, np.tile([2.0, 2.0, 18.0, 18.0], (count, 1)))
        seconds = _seconds(lambda rupture=rupture: rupture_distances(rupture, longitude, latitude))
        print(f"  rrup, rjb, rx, ry0, {count:2d} quadrilaterals   {seconds:.3f} s   {seconds / count:.3f} s each")
    models = [GROUND_MOTION_MODELS[name] for name in MODELS if name in GROUND_MOTION_MODELS]

    def motion(imt: str, **predictors: object) -> GroundMotion:
        motions = [model(imt, **predictors) for model in models]
        return GroundMotion(*(sum(parts) / len(models) for parts in zip(*motions, strict=True)))

    for depth in (13.0, None):
        source = Hypocentre(7.0, depth, "reverse")

        def table(source: Hypocentre = source) -> object:
            epicentral_table.cache_clear()
            return epicentral_table(motion, MEASURES, source)

        print(f"  table of {len(models)} models, {len(MEASURES)} measures, depth {depth}   {_seconds(table):.3f} s")
    known = epicentral_table(motion, MEASURES, Hypocentre(7.0, 13.0, "reverse"))
    distance = np.random.default_rng(1).uniform(0.0, 500.0, SIDE * SIDE)
    blocks = np.array_split(distance, 64)
    print(f"  table read in blocks   {_seconds(lambda: [known.at(block) for block in blocks]):.3f} s")


def _seconds(function: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
