"""How good a water map is against a generated truth, and the plain method it must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

#: Bins of the histogram in which Otsu's threshold is looked for.
BINS = 256


@dataclass(frozen=True, slots=True)
class Score:
    """Agreement of a water map with the truth, over the cells the radar saw."""

    iou: float
    """Intersection over union of the water, over cells that are not excluded; NaN where neither has any."""
    false_alarms: float
    """Share of the dry cells (not excluded) that the map calls water."""
    kept: float
    """Share of the true water that is not excluded; NaN where there is none."""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"IoU {self.iou:.3f}, false alarms {self.false_alarms:.2%}, truth not excluded {self.kept:.1%}"


def score(estimate: NDArray[Any], truth: NDArray[Any], excluded: Mask | None = None, *, unseen: int = 255) -> Score:
    """Return how well a map agrees with the truth.

    Parameters
    ----------
    estimate
        1 water, 0 dry, 255 unknown; dims (y, x).
    truth
        1 water, 0 dry, `unseen` where the radar saw nothing; same shape.
    excluded
        Cells where the method says it cannot know; none: only those that the estimate leaves unknown.
    unseen
        Value of unseen cells of the truth.
    """
    seen = truth != unseen
    wet = seen & (truth == 1)
    known = seen & (estimate != 255) if excluded is None else seen & ~excluded & (estimate != 255)
    said = known & (estimate == 1)
    return Score(
        iou=_ratio(said & wet, (said | wet) & known),
        false_alarms=_ratio(said & ~wet, known & ~wet),
        kept=_ratio(wet & known, wet),
    )


def otsu_water(power: NDArray[Any], *, nodata: float, window: int = 5) -> NDArray[np.uint8]:
    """Return water by Otsu's threshold on the window means of one band, in dB: 1 water, 0 dry, 255 unknown.

    Parameters
    ----------
    power
        Linear power, `nodata` where unknown; dims (y, x).
    nodata
        Value of unknown cells.
    window
        Edge of the window, cells.
    """
    known = (power != nodata) & (power > 0)
    total = ndimage.uniform_filter(np.where(known, power, 0).astype(np.float64), window, mode="nearest")
    share = ndimage.uniform_filter(known.astype(np.float64), window, mode="nearest")
    mean = np.divide(total, share, out=np.ones_like(total), where=known & (share > 0))
    decibel = 10 * np.log10(np.maximum(mean, 1e-12))
    return np.where(known, decibel < otsu_threshold(decibel[known]), 255).astype(np.uint8)


def otsu_threshold(values: NDArray[Any]) -> float:
    """Return the value that parts a histogram into two classes with the greatest variance between them.

    Otsu (1979), doi:10.1109/TSMC.1979.4310076, Eq. 18.
    """
    counts, edges = np.histogram(values, BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    weight = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * centres) / counts.sum()
    spread = weight * (1 - weight)
    between = np.divide((mean[-1] * weight - mean) ** 2, spread, out=np.zeros_like(spread), where=spread > 0)
    return float(edges[1 + int(np.argmax(between))])


def _ratio(part: Mask, whole: Mask) -> float:
    count = int(whole.sum())
    return float(part.sum()) / count if count else float("nan")
