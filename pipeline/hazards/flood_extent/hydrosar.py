"""HydroSAR's way from a tile to a threshold: its scale, its mixture of three classes, its choice of tiles.

After the published algorithm of the Alaska Satellite Facility (asf-tools, HydroSAR water map), own code; the reference
thresholds are in tests/golden/hydrosar_em.csv. In the layer tiles are 128 x 128 pixels (HydroSAR: 100 x 100), the scale is
the one of its reference scene for every scene, and tile medians are those of 8 x 8 means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

Floats = NDArray[np.float64]

#: Grey levels per decade of power. asf-tools, 256 / (mean + 3 standard deviations) of its reference scene.
SCALE = 8.732284197109262
#: Decades added to the logarithm so that grey levels are positive.
DECADES = 30.0
#: Weights that smooth a histogram.
_SMOOTHING = (1.0, 2.0, 3.0, 2.0, 1.0)
#: Rise of the log-likelihood below which the mixture stands.
_TOLERANCE = 1e-6
#: Added to each class's share, so that none dies out.
_LEAST_SHARE = 1e-3
#: Steps between the means of the two darkest classes in which the threshold is looked for, grey levels.
_STEP = 0.05
#: Most rounds; the reference tiles take 21 to 346.
_ROUNDS = 10_000
#: Tiles that make the threshold of a scene, and how many of their lowest thresholds the median is taken of.
CHOSEN, LOWEST = 5, 4


class Mixture(NamedTuple):
    """Classes of a histogram; one entry per class."""

    means: Floats
    variances: Floats
    shares: Floats


def grey_levels(power: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return round((log10(power) + 30) * scale), "1"; power that is not positive gives NaN.

    Parameters
    ----------
    power
        Backscatter, linear power, any dims; NaN is unknown.
    """
    known = np.where(power > 0, power, np.nan).astype(np.float64)
    return np.round((np.log10(known) + DECADES) * SCALE)


def decibel(level: float) -> float:
    """Return dB of a grey level."""
    return 10.0 * (level / SCALE - DECADES)


def tile_threshold(power: NDArray[np.floating], classes: int = 3) -> float:
    """Return the grey level below which a tile of linear power is water.

    Raises
    ------
    InputError
        Where fewer than two grey levels occur.
    """
    levels = grey_levels(power)
    found, counts = np.unique(levels[np.isfinite(levels)], return_counts=True)
    if found.size < 2:
        raise InputError(f"tile with {found.size} grey levels: expected at least 2")
    histogram = np.zeros(int(found[-1] - found[0]) + 1)
    histogram[(found - found[0]).astype(int)] = counts
    return threshold(histogram, first=float(found[0]), classes=classes)


def threshold(histogram: Floats, *, first: float = 0.0, classes: int = 3) -> float:
    """Return the threshold of a histogram over consecutive grey levels.

    The highest level is left out and the histogram smoothed by 1-2-3-2-1; the threshold is where the weighted densities
    of the two darkest classes cross, less one grey level (asf-tools counts grey levels from 1).

    Parameters
    ----------
    histogram
        Cells per grey level; the first and the last entry are not zero.
    first
        Grey level of the first entry.
    classes
        Number of classes of the mixture.
    """
    smooth = np.convolve(np.append(histogram[:-1], (0.0, 0.0)), _SMOOTHING)[2:-3]
    mixture = fit(smooth / smooth.sum(), classes, top=float(histogram.size))
    return _crossing(mixture) + first - 1.0


def fit(histogram: Floats, classes: int, top: float) -> Mixture:
    """Return the Gaussian mixture that expectation maximisation finds in a histogram that sums to 1.

    It starts from means at equal distances up to `top` and ends when the log-likelihood rises by less than 1e-6.
    """
    levels = np.flatnonzero(histogram)
    weights = histogram[levels]
    least = float(np.mean(np.diff(levels))) / 1000.0
    means = np.arange(1, classes + 1) * top / (classes + 1)
    mixture = Mixture(means, np.full(classes, top), np.full(classes, 1.0 / classes))
    density = _densities(mixture, levels)
    for _ in range(_ROUNDS):
        total = density.sum(axis=1) + np.finfo(float).eps
        before = float(np.sum(weights * np.log(total)))
        posterior = weights[:, None] * density / total[:, None]
        shares = posterior.sum(axis=0)
        means = (levels[:, None] * posterior).sum(axis=0) / shares
        variances = ((levels[:, None] - means) ** 2 * posterior).sum(axis=0) / shares + least
        shares = shares + _LEAST_SHARE
        mixture = Mixture(means, variances, shares / shares.sum())
        density = _densities(mixture, levels)
        if float(np.sum(weights * np.log(density.sum(axis=1) + np.finfo(float).eps))) - before < _TOLERANCE:
            break
    return mixture


def _densities(mixture: Mixture, levels: NDArray[np.floating] | NDArray[np.integer]) -> Floats:
    """Return the weighted density of each class (level, class)."""
    away = np.asarray(levels, np.float64)[:, None] - mixture.means
    scaled: Floats = mixture.shares / np.sqrt(2 * np.pi * mixture.variances) * np.exp(-0.5 * away**2 / mixture.variances)
    return scaled


def _crossing(mixture: Mixture) -> float:
    """Return the level between the two darkest means where their weighted densities are nearest."""
    dark, next_dark = np.argsort(mixture.means)[:2]
    levels = np.arange(mixture.means[dark], mixture.means[next_dark], _STEP)
    density = _densities(mixture, levels)
    return float(levels[np.argmin(np.abs(density[:, dark] - density[:, next_dark]))])


def hand_candidates(low_share: Floats, fraction: float = 0.8) -> NDArray[np.intp]:
    """Return which tiles are low above drainage: share of cells with HAND under the limit above `fraction`; in order."""
    return np.flatnonzero(low_share > fraction)


def chosen_tiles(medians: Floats, quarter_means: Floats, candidates: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the up to five tiles whose quarters differ most among dark candidates, the most different first.

    Tiles darker than the median candidate are kept; of these, those whose standard deviation of the quarter means over
    the tile median is above the 95th percentile of the scene, or the next lower one that leaves five.

    Parameters
    ----------
    medians
        Median power of each tile, (tile,); NaN where nothing is known.
    quarter_means
        Mean power of the four quarters, (tile, 4).
    candidates
        From `hand_candidates`.
    """
    spread = quarter_means.std(axis=1)
    variance = np.divide(spread, medians, out=np.full_like(spread, np.nan), where=medians > 0)
    known: NDArray[np.intp] = candidates[np.isfinite(variance[candidates])]
    if known.size == 0:
        return known
    dark: NDArray[np.intp] = known[medians[known] < np.median(medians[known])]
    for least in np.nanpercentile(variance, np.arange(95, 4, -1)):
        found: NDArray[np.intp] = dark[variance[dark] > least]
        if found.size >= CHOSEN:
            most_different = np.argsort(-spread[found], kind="stable")
            return np.asarray(found[most_different[:CHOSEN]])
    return known[:0]


def scene_threshold(thresholds: Floats) -> float:
    """Return the median of the four lowest tile thresholds."""
    return float(np.median(np.sort(thresholds)[:LOWEST]))
