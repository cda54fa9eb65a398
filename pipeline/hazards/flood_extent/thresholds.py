"""Where to cut the histogram of a tile in two, and whether it has two parts at all."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

Floats = NDArray[np.float64]

#: Least share of either class in a tile that shows both.
LEAST_SHARE = 0.05
#: Least distance of the class means, dB.
LEAST_CONTRAST = 3.0
#: Least separation D of two classes. A single Gaussian cut at its mean reaches 2.6; Ashman et al. (1994),
#: doi:10.1086/117248, call two free Gaussians apart from 2.
LEAST_SEPARATION = 3.2
#: Highest count at the threshold against the peak of the lower class.
DEEPEST_VALLEY = 0.6
#: Least variance of a class, dB squared: a class of one bin still holds the speckle of a 4 x 4 mean.
_LEAST_VARIANCE = 0.25
#: Fewest counts of a histogram.
_FEWEST = 200


class Cut(NamedTuple):
    """Two classes of each histogram; arrays over tiles."""

    threshold: Floats
    """Between the classes, in the unit of the bins (dB)."""
    low_mean: Floats
    high_mean: Floats
    is_bimodal: NDArray[np.bool_]


class _Parts(NamedTuple):
    """Shares, means and variances below and above the upper edge of each bin but the last; (tile, bin)."""

    share: tuple[Floats, Floats]
    mean: tuple[Floats, Floats]
    variance: tuple[Floats, Floats]


def cut(histograms: NDArray[np.integer], centres: Floats, method: str) -> Cut:
    """Return the threshold of every tile by a method, and whether the tile shows land and water.

    "ki": least J(T) = 1 + 2 (P1 ln s1 + P2 ln s2) - 2 (P1 ln P1 + P2 ln P2), Kittler and Illingworth (1986),
    doi:10.1016/0031-3203(86)90030-0. "otsu": greatest P1 P2 (m1 - m2)**2, Otsu (1979),
    doi:10.1109/TSMC.1979.4310076, Eq. 14 and 18.

    Parameters
    ----------
    histograms
        Counts, (tile, bin).
    centres
        Of the bins, evenly spaced, dB.
    method
        "ki" or "otsu".

    Raises
    ------
    InputError
        Where the method is neither.
    """
    counts = np.asarray(histograms, np.float64)
    parts = _parts(counts, centres)
    (p1, p2), (v1, v2) = parts.share, parts.variance
    allowed = (p1 >= LEAST_SHARE) & (p2 >= LEAST_SHARE)
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "ki":
            cost = p1 * np.log(v1) + p2 * np.log(v2) - 2.0 * (p1 * np.log(p1) + p2 * np.log(p2))
        elif method == "otsu":
            cost = -p1 * p2 * (parts.mean[1] - parts.mean[0]) ** 2
        else:
            raise InputError(f"threshold method {method!r}: expected 'ki' or 'otsu'")
    return _described(counts, centres, parts, _middle_of_best(np.where(allowed, cost, np.inf)))


def _middle_of_best(cost: Floats) -> NDArray[np.intp]:
    """Return the least cost of each row; the middle one where an empty valley makes several equal."""
    equal = cost <= cost.min(axis=1, keepdims=True) + 1e-9
    last = cost.shape[1] - 1 - np.argmax(equal[:, ::-1], axis=1)
    return np.asarray((np.argmax(equal, axis=1) + last) // 2)


def _parts(counts: Floats, centres: Floats) -> _Parts:
    total = counts.sum(axis=1, keepdims=True)
    low = [np.cumsum(counts * centres**k, axis=1)[:, :-1] for k in range(3)]
    whole = [(counts * centres**k).sum(axis=1, keepdims=True) for k in range(3)]
    high = [everything - part for everything, part in zip(whole, low, strict=True)]
    share, mean, variance = [], [], []
    for zeroth, first, second in (low, high):
        count = np.maximum(zeroth, 1e-9)
        share.append(zeroth / np.maximum(total, 1.0))
        mean.append(first / count)
        variance.append(np.maximum(second / count - (first / count) ** 2, _LEAST_VARIANCE))
    return _Parts((share[0], share[1]), (mean[0], mean[1]), (variance[0], variance[1]))


def _described(counts: Floats, centres: Floats, parts: _Parts, best: NDArray[np.intp]) -> Cut:
    """Return the cut after bin `best` of each tile."""
    rows = np.arange(best.size)
    p1, p2, m1, m2, v1, v2 = (pair[k][rows, best] for pair in (parts.share, parts.mean, parts.variance) for k in (0, 1))
    separation = np.sqrt(2.0) * (m2 - m1) / np.sqrt(v1 + v2)
    bimodal = (
        (counts.sum(axis=1) >= _FEWEST)
        & (np.minimum(p1, p2) >= LEAST_SHARE)
        & (m2 - m1 >= LEAST_CONTRAST)
        & (separation >= LEAST_SEPARATION)
        & (_valley(counts, best) <= DEEPEST_VALLEY)
    )
    half = 0.5 * (centres[1] - centres[0])
    return Cut(centres[best] + half, m1, m2, bimodal)


def _valley(counts: Floats, best: NDArray[np.intp]) -> Floats:
    """Return the count around the threshold over the peak of the lower of the two classes, smoothed by 1-2-1."""
    around = np.pad(counts, ((0, 0), (1, 1)))
    smooth = around[:, :-2] + 2.0 * around[:, 1:-1] + around[:, 2:]
    rows, bins = np.arange(best.size), np.arange(counts.shape[1])
    at = np.minimum(smooth[rows, best], smooth[rows, best + 1])
    is_low = bins <= best[:, None]
    peak = np.minimum(np.where(is_low, smooth, 0.0).max(axis=1), np.where(is_low, 0.0, smooth).max(axis=1))
    return cast(Floats, at / np.maximum(peak, 1e-9))
