"""Weighted ground motion against OpenQuake's hazard library: 1 million sites, four NGA-West2 models, five measures.

OpenQuake runs its models one after the other in one array, and in blocks of 20,000 sites; hazmon gives the weighted mean
and deviations of the set. OpenQuake (AGPL) is no dependency: it lives in an environment of its own (`oracle`).

python -m tests.benchmarks.bench_ground_motion
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from pipeline.hazards.shaking.model_sets import MODEL_SETS, weighted_motion
from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS
from tests.benchmarks.oracle import oracle_python

SITES, ROUNDS = 1_000_000, 7
MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
SET = MODEL_SETS["active_crustal_nshmp2014"]
EVENT = {"magnitude": 6.7, "rake": 90.0, "dip": 40.0, "ztor": 6.0, "width": 20.0, "hypo_depth": 18.0}
SCRIPT = Path(__file__).with_name("oracle_ground_motion.py")


def sites() -> dict[str, Any]:
    """Return predictors of sites within 250 km of a dipping rupture."""
    rng = np.random.default_rng(1)
    rjb = rng.uniform(0, 250, SITES)
    across, along = rng.uniform(-250, 250, SITES), rng.uniform(0, 200, SITES)
    return {"rrup": np.hypot(rjb, 6.0), "rjb": rjb, "rx": across, "ry0": along, "vs30": rng.uniform(180, 1200, SITES)}


def with_openquake(predictors: dict[str, Any]) -> dict[str, Any]:
    """Return OpenQuake's seconds and its motions at every thousandth site."""
    # NaN, our "usual for this Vs30", is -999 there.
    usual = {"z1pt0": np.full(SITES, -999.0), "z2pt5": np.full(SITES, -999.0), "vs30measured": np.zeros(SITES, bool)}
    event = {("mag" if name == "magnitude" else name): np.full(SITES, value) for name, value in EVENT.items()}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "sites.npz", **predictors, **usual, **event)
        command = [oracle_python(), str(SCRIPT), str(Path(folder) / "sites.npz"), *MEASURES]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def largest_difference(sample: list[Any], predictors: dict[str, Any]) -> float:
    """Return how far any mean or deviation of a model is from OpenQuake's at the sampled sites."""
    few = {name: values[::1000] for name, values in predictors.items()}
    found = np.array([[GROUND_MOTION_MODELS[name](imt, **EVENT, **few) for imt in MEASURES] for name in SET.names])
    return float(np.abs(found.swapaxes(1, 2) - np.array(sample)).max())


def seconds(threads: int, predictors: dict[str, Any]) -> float:
    """Return the median of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        began = perf_counter()
        weighted_motion(SET, MEASURES, threads=threads, **EVENT, **predictors)
        spent.append(perf_counter() - began)
    return statistics.median(spent)


def main() -> None:
    """Print seconds, ratios, the largest difference and the peak of memory."""
    predictors = sites()
    weighted_motion(SET, MEASURES, **EVENT, **{name: values[:10] for name, values in predictors.items()})
    one, two = seconds(1, predictors), seconds(2, predictors)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    theirs = with_openquake(predictors)
    print(f"ground_motion: {SITES:,} sites, {len(MEASURES)} measures, {' + '.join(SET.names)}")
    print(f"  hazmon, one thread {one:.2f} s, two threads {two:.2f} s; peak memory of the process {peak:.2f} GB")
    for way, limit in (("at_once", 20), ("in_blocks", 10)):
        spent = theirs[way]
        print(f"  OpenQuake {way:9s} {spent:6.2f} s, ratio {spent / one:.0f} and {spent / two:.0f} (aim {limit})")
    print(f"  largest difference of ln mean, tau or phi of any model {largest_difference(theirs['sample'], predictors):.1e}")


if __name__ == "__main__":
    main()
