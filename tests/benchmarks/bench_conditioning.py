"""Seconds and peak memory of the conditioning at the size of ShakeMap's Northridge map, beside ShakeMap's own code.

    python -m tests.benchmarks.bench_conditioning [--rows 384] [--columns 461] [--repeat 3]

185 instruments and 535 intensity reports, six measures, a prior that varies from cell to cell. The reference is the
bias and interpolation of shakemap-modules over the very same arrays, in an environment of its own (`oracle`); its
answers are compared as well. Ours runs in as many threads as there are cores. On a busy machine compare processor times,
with OPENBLAS_NUM_THREADS=1: the reference's BLAS threads burn time while they wait.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from pipeline.hazards.shaking.conditioning import Cells, Conditioned, Event, Options, Stations, Update, fit, station_residuals
from pipeline.hazards.shaking.conditioning.measures import correlation_period, model_name
from pipeline.hazards.shaking.conditioning.pairing import evidence
from pipeline.hazards.shaking.conditioning.residuals import Residuals
from pipeline.hazards.shaking.ground_motion import GroundMotion
from tests.benchmarks.oracle import oracle_python

EVENT = Event(6.7, False)
#: ln of the motion (intensity itself) 20 km from the source.
BASE = {"mmi": 6.5, "pga": -1.5, "pgv": 2.8, "sa_0p3": -0.8, "sa_1p0": -1.6, "sa_3p0": -3.0}
INSTRUMENTS, REPORTS = 185, 535
ORACLE = Path(__file__).with_name("oracle_conditioning.py")
#: Cells given to a thread at once.
BLOCK = 8192


def motions(longitude: np.ndarray, latitude: np.ndarray) -> dict[str, GroundMotion]:
    """Return a prior that falls off from the epicentre, with site terms and deviations that vary."""
    distance = np.hypot((longitude + 118.5) * 92.0, (latitude - 34.2) * 111.0)
    fall = -1.1 * np.log(np.hypot(distance, 10.0) / 20.0) + 0.2 * np.sin(longitude * 40) * np.cos(latitude * 50)
    uneven = 0.05 * np.cos(longitude * 20)
    return {m: GroundMotion(base + fall, 0.33 + 0.2 * uneven, 0.55 + uneven) for m, base in BASE.items()}


def grid(rows: int, columns: int) -> Cells:
    """Return the prior on a grid of 30 arc seconds."""
    longitude = np.tile(-120.433 + np.arange(columns) / 120.0, rows)
    latitude = np.repeat(35.85 - np.arange(rows) / 120.0, columns)
    return Cells(longitude, latitude, motions(longitude, latitude))


def observations() -> tuple[xr.Dataset, Stations]:
    """Return stations and reports, dense in the middle, and their prior."""
    random = np.random.default_rng(1994)
    count = INSTRUMENTS + REPORTS
    longitude, latitude = random.normal(-118.4, 0.5, count), random.normal(34.2, 0.35, count)
    kind = (np.arange(count) >= INSTRUMENTS).astype(np.uint8)
    prior = motions(longitude, latitude)
    columns: dict[str, object] = {"station_id": np.arange(count).astype(str), "kind": kind, "flag": np.full(count, "")}
    for measure, motion in prior.items():
        value = motion.mean_ln + random.normal(0.3, 0.5, count)
        observed = kind == (measure == "mmi")
        columns[measure] = np.where(observed, value if measure == "mmi" else np.exp(value), np.nan)
    columns |= {"longitude": longitude, "latitude": latitude}
    distance = np.hypot((longitude + 118.5) * 92.0, (latitude - 34.2) * 111.0)
    return xr.Dataset({name: ("station", values) for name, values in columns.items()}), Stations(distance, prior)


def spread(learned: Update, cells: Cells, threads: int) -> dict[str, list[Conditioned]]:
    """Return the conditioned motion, block after block."""

    def block(start: int) -> dict[str, Conditioned]:
        part = slice(start, start + BLOCK)
        prior = {m: GroundMotion(*(a[part] for a in motion)) for m, motion in cells.motions.items()}
        return learned.at(Cells(cells.longitude[part], cells.latitude[part], prior))

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(block, range(0, cells.longitude.size, BLOCK)))
    return {m: [part[m] for part in found] for m in cells.motions}


def reference(found: Residuals, cells: Cells, shape: tuple[int, int], python: str) -> tuple[list[float], dict[str, np.ndarray]]:
    """Return ShakeMap's seconds, of wall clock and processor, and its arrays."""
    periods = sorted({correlation_period(m) for m in found.measures})
    arrays: dict[str, object] = {"periods": periods, "shape": shape, "measures": [model_name(m) for m in found.measures]}
    arrays |= {"longitude": cells.longitude, "latitude": cells.latitude}
    for measure in found.measures:
        entries, name = evidence(found, measure), model_name(measure)
        at = entries.row, entries.station
        arrays[f"{name}_target"] = periods.index(correlation_period(measure))
        arrays[f"{name}_period"] = np.searchsorted(periods, entries.period)
        arrays[f"{name}_prior"] = np.stack(cells.motions[measure])
        for part in ("residual", "tau", "phi", "noise"):
            arrays[f"{name}_{part}"] = getattr(found, part)[at]
        for part in ("longitude", "latitude", "distance"):
            arrays[f"{name}_{part}"] = getattr(found, part)[entries.station]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "arrays.npz", Path(folder) / "result.npz"
        np.savez(source, **arrays)  # type: ignore[arg-type]
        said = subprocess.run([python, str(ORACLE), str(source), str(target)], check=True, capture_output=True, text=True)
        with np.load(target) as stored:
            return [float(word) for word in said.stdout.split()[-2:]], {name: stored[name].ravel() for name in stored.files}


class Measured(NamedTuple):
    """The best of several runs."""

    fitting: float
    """Seconds for the stations."""
    spreading: float
    """Seconds for the cells."""
    processor: float
    """Seconds of processor time for both."""
    found: Residuals
    motions: dict[str, list[Conditioned]]


def measure(cells: Cells, threads: int, repeat: int) -> Measured:
    """Return our seconds and arrays."""
    stations, prior = observations()
    fitting, spreading, processor = [], [], []
    for _ in range(repeat):
        start, start_processor = time.perf_counter(), time.process_time()
        found = station_residuals(stations, prior, EVENT, Options())
        learned = fit(found, EVENT)
        middle = time.perf_counter()
        ours = spread(learned, cells, threads)
        fitting.append(middle - start)
        spreading.append(time.perf_counter() - middle)
        processor.append(time.process_time() - start_processor)
    return Measured(min(fitting), min(spreading), min(processor), found, ours)


def main(arguments: list[str] | None = None) -> None:
    """Print seconds, cells per second, peak memory, and the ratio where the reference is at hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=384)
    parser.add_argument("--columns", type=int, default=461)
    parser.add_argument("--repeat", type=int, default=3)
    chosen = parser.parse_args(arguments)
    cells, threads = grid(chosen.rows, chosen.columns), len(os.sched_getaffinity(0))
    measure(grid(4, 4), 1, 1)  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = measure(cells, threads, chosen.repeat)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0
    count, seconds = cells.longitude.size, ours.fitting + ours.spreading
    print(f"conditioning: {count:,} cells, {INSTRUMENTS} instruments, {REPORTS} reports, {len(BASE)} measures")
    print(f"  stations       {ours.fitting:7.2f} s")
    print(f"  cells          {ours.spreading:7.2f} s   {count / ours.spreading / 1e3:.0f} k cells/s, {threads} threads")
    print(f"  processor      {ours.processor:7.2f} s")
    print(f"  peak memory    {peak:7.0f} MB above what was loaded")
    (theirs, processor), results = reference(ours.found, cells, (chosen.rows, chosen.columns), oracle_python())
    print(f"  ShakeMap       {theirs:7.2f} s   ratio {theirs / seconds:.1f}")
    print(f"    processor    {processor:7.2f} s   ratio {processor / ours.processor:.1f}")
    for part, index in (("mean", 0), ("sigma", 1)):
        worst = max(_difference(ours.motions[m], index, results[f"{model_name(m)}_{part}"]) for m in BASE)
        print(f"  largest difference of {part:5s} {worst:.1e}")


def _difference(parts: list[Conditioned], index: int, theirs: np.ndarray) -> float:
    return float(np.abs(np.concatenate([part[index] for part in parts]) - theirs).max())


if __name__ == "__main__":
    main(sys.argv[1:])
