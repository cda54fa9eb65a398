"""What the whole scene says about each place in it: how dark water is there, and where dark ground may be water.

Works on the cells of `tiles`; its result is a handful of small maps that the second read interpolates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.hazards.flood_extent.levels import Level, scene_levels
from pipeline.hazards.flood_extent.tiles import HAND, REFERENCE, VH, VV, Statistics

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Windows of the running means that give the local level of land and of water, cells (8 pixels).
_LAND_WINDOW, _WATER_WINDOW = 31, 7
#: Window in which ground below the stage must be dim for the most part, cells, and the share.
_STAGE_WINDOW, _MOST_DIM = 63, 0.67
#: Weight of the scene's level in them, cells.
_LAND_PRIOR, _WATER_PRIOR = 4.0, 2.0
#: Where a cell may lie between water (0) and land (1) and still be roughened water, outside and inside reference water; and
#: the same in deviations of the land from 1.
_ROUGH, _ROUGH_DEVIATIONS = (0.65, 0.85), (3.0, 1.0)
#: Log-odds of water that such a cell adds to its pixels.
_CONTEXT = np.float32(1.5)
#: Fewest cells of water whose height above drainage says anything.
_FEWEST = 50
#: Least distance of local water from local land, dB.
_LEAST_CONTRAST = 1.5
#: Highest HAND of water that no reference water is near to, where the scene shows none to learn from, m.
LOW_HAND = 5.0
#: Share of the rim of a water body that must rise outwards: where reference water touches it, and elsewhere.
_RISING = (0.5, 0.65)
#: Codes of `Scene.support`.
NEUTRAL, SUPPORTED, LOOK_ALIKE = 0, 1, 2
_EIGHT = np.ones((3, 3), bool)


class Settings(NamedTuple):
    """What may be chosen about the scene."""

    looks: float
    method: str
    ceilings: tuple[float, float]
    """Highest thresholds of VV and VH, dB."""
    hand_limit: float
    """HAND above which there is no open water, m."""


class Scene(NamedTuple):
    """Maps over the cells of a scene, and what holds for all of it."""

    coefficients: Floats
    """Log-odds of water, c - a vv - b vh: c, a, b; (3, y, x)."""
    support: NDArray[np.uint8]
    """`NEUTRAL`, `SUPPORTED` (at or near a plausible water body) or `LOOK_ALIKE` (dark ground that is none); (y, x)."""
    low_hand: float
    """HAND up to which dark neutral ground is water, m."""
    uses_vh: bool
    levels: tuple[Level, Level]


def describe(found: Statistics, settings: Settings) -> Scene:
    """Return what the second read needs to know, from the coarse grids of the whole scene."""
    levels = scene_levels(found, method=settings.method, ceilings=settings.ceilings, looks=settings.looks)
    known = np.isfinite(found.cells[VV])
    hand = np.nan_to_num(found.cells[HAND].astype(np.float32), nan=np.inf)
    rivers = np.nan_to_num(found.cells[REFERENCE]) >= 0.5
    scene_land = np.array([level.land for level in levels], np.float32)[:, None, None]
    place = _between(found, levels, scene_land)
    first = known & (place < 0.5)
    at_rivers = _joined(first, rivers) & np.isfinite(hand)
    low_hand = _low_hand(hand[at_rivers], settings.hand_limit)
    is_below = _below_stage(hand, at_rivers if rivers.any() else first & (hand <= low_hand), known, place < _ROUGH[1])
    land, deviation = _local_land(found, levels, known & ~first & ~is_below & (hand < settings.hand_limit))
    place = _between(found, levels, land)
    calm = known & (place < 0.5)
    expected = is_below | (rivers & known)
    rough = _roughened(place, calm, expected, known & (hand <= low_hand), deviation)
    rough &= ~_unbounded(rough & ~expected, calm | rough, hand, known)
    water = calm | rough
    support = _support(hand, rivers, water, known, low_hand)
    coefficients = _coefficients(found, levels, land, water & (support != LOOK_ALIKE), settings.looks)
    coefficients[0] += _CONTEXT * rough
    return Scene(coefficients, support, low_hand, bool(np.isfinite(found.cells[VH]).any()), levels)


def _joined(mask: Mask, seeds: Mask) -> Mask:
    """Return the parts of a mask that touch the seeds, corners included."""
    bodies, count = ndimage.label(mask, _EIGHT)
    touches = np.bincount(bodies[ndimage.binary_dilation(seeds, _EIGHT)], minlength=count + 1) > 0
    touches[0] = False
    return np.asarray(touches[bodies])


def _below_stage(hand: Floats, water: Mask, known: Mask, dim: Mask) -> Mask:
    """Return the cells that stand lower than the water round them, where most cells so low are dim.

    The stage is the mean and 1.3 standard deviations of the HAND of wet cells nearby: seven eighths of the range where
    they fill it evenly.
    """
    heights = np.where(water, hand, 0.0).astype(np.float32)
    share, mean, square = (
        ndimage.uniform_filter(array, _STAGE_WINDOW, mode="constant")
        for array in (water.astype(np.float32), heights, heights**2)
    )
    near = share > 0.5 / _STAGE_WINDOW**2
    divisor = np.where(near, share, 1.0)
    mean, square = mean / divisor, square / divisor
    below = known & near & (hand <= mean + 1.3 * np.sqrt(np.maximum(square - mean**2, 0.0)))
    wet, all_below = (
        ndimage.uniform_filter(mask.astype(np.float32), _STAGE_WINDOW, mode="constant") for mask in (below & dim, below)
    )
    return np.asarray(below & (wet > _MOST_DIM * all_below))


def _local_land(found: Statistics, levels: tuple[Level, Level], chosen: Mask) -> tuple[Floats, float]:
    """Return the local level of land of both bands, dB, and the deviation of land cells in units of the contrast."""
    land = np.stack([_running_mean(found.cells[b], chosen, _LAND_WINDOW, _LAND_PRIOR, levels[b].land) for b in (VV, VH)])
    values = _between(found, levels, land)[chosen]
    # The upper half alone: the lower holds mixed cells and roughened water.
    above = values[values > 1.0]
    return land, float(np.sqrt(np.mean((above - 1.0) ** 2))) if above.size else 0.1


def _between(found: Statistics, levels: tuple[Level, Level], land: Floats) -> Floats:
    """Return where each cell lies between calm water (0) and local land (1), both bands by their contrasts."""
    total = np.zeros(found.cells[VV].shape, np.float32)
    weight = np.zeros_like(total)
    for band in (VV, VH):
        if not levels[band].is_used:
            continue
        contrast = np.maximum(land[band] - levels[band].water, _LEAST_CONTRAST)
        distance = found.cells[band].astype(np.float32) - np.float32(levels[band].water)
        counts = np.isfinite(distance)
        np.add(total, contrast * distance, out=total, where=counts)
        np.add(weight, contrast**2, out=weight, where=counts)
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _running_mean(values: Floats, chosen: Mask, window: int, prior: float, level: float) -> Floats:
    """Return the mean of the chosen cells of a window, with `prior` cells of the scene's level added."""
    counted = chosen & np.isfinite(values)
    total = ndimage.uniform_filter(np.where(counted, values - level, 0.0).astype(np.float32), window, mode="constant")
    share = ndimage.uniform_filter(counted.astype(np.float32), window, mode="constant")
    weight = np.maximum(share, 0.0) + (prior or 1e-6) / window**2
    mean: Floats = (level + total / weight).astype(np.float32)
    return mean


def _low_hand(heights: Floats, limit: float) -> float:
    """Return how high above drainage water stands that touches reference water: its 98th percentile and a metre."""
    heights = heights[np.isfinite(heights)]
    if heights.size < _FEWEST:
        return min(LOW_HAND, limit)
    return float(np.clip(np.percentile(heights, 98) + 1.0, 2.0, limit))


def _roughened(place: Floats, calm: Mask, expected: Mask, low: Mask, deviation: float) -> Mask:
    """Return cells of water that wind has brightened: nearly as bright as land, low, and joined to water.

    Where water is expected (reference water, or ground lower than the water nearby) they may be brighter than elsewhere.
    """
    smooth = _running_mean(place, np.isfinite(place), 3, 0.0, 1.0)
    elsewhere, here = (min(most, 1.0 - times * deviation) for most, times in zip(_ROUGH, _ROUGH_DEVIATIONS, strict=True))
    dim = (low & (smooth < elsewhere) & (place < elsewhere + 0.1)) | (expected & (smooth < here))
    core = ndimage.binary_opening(dim | calm, _EIGHT) & dim
    joined = ndimage.binary_propagation(calm, _EIGHT, mask=core | calm)
    return np.asarray(joined & core & ~calm)


def _support(hand: Floats, rivers: Mask, water: Mask, known: Mask, low_hand: float) -> NDArray[np.uint8]:
    """Return which cells lie at a plausible water body and which at dark ground that is none."""
    near_rivers = ndimage.binary_dilation(rivers, _EIGHT, iterations=2)
    bodies, count = ndimage.label(water & ~near_rivers, _EIGHT)
    touches = np.bincount(bodies[ndimage.binary_dilation(near_rivers, _EIGHT)], minlength=count + 1) > 0
    cells = np.maximum(np.bincount(bodies.reshape(-1), minlength=count + 1), 1)
    low = np.bincount(bodies.reshape(-1), (hand <= low_hand).reshape(-1), minlength=count + 1) / cells
    plausible = (low >= 0.5) & (_rising_rim(bodies, count, hand, known & ~water) >= np.where(touches, *_RISING))
    plausible[0] = False
    bad = (~plausible)[bodies] & (bodies > 0)
    good = water & ~bad
    near_good = ndimage.binary_dilation(good | rivers, _EIGHT, iterations=4)
    near_bad = ndimage.binary_dilation(bad, _EIGHT, iterations=2)
    support = np.where(near_good, SUPPORTED, NEUTRAL).astype(np.uint8)
    support[near_bad & ~ndimage.binary_dilation(good, _EIGHT)] = LOOK_ALIKE
    support[bad] = LOOK_ALIKE
    return support


def _unbounded(mask: Mask, water: Mask, hand: Floats, known: Mask) -> Mask:
    """Return the parts of a mask whose rim towards dry ground does not rise: no water could stand there."""
    bodies, count = ndimage.label(mask, _EIGHT)
    falling = _rising_rim(bodies, count, hand, known & ~water) < _RISING[1]
    falling[0] = False
    return np.asarray(falling[bodies])


def _rising_rim(bodies: NDArray[np.int32], count: int, hand: Floats, dry: Mask) -> NDArray[np.float64]:
    """Return for each body the share of its rim where the dry cell outside stands higher than the wet one inside."""
    pairs = np.zeros(count + 1)
    rising = np.zeros(count + 1)
    for axis in (0, 1):
        first, second = (tuple(slice(k, n) if a == axis else slice(None) for a in (0, 1)) for k, n in ((0, -1), (1, None)))
        for inside, outside in ((first, second), (second, first)):
            at = (bodies[inside] > 0) & dry[outside]
            body = bodies[inside][at]
            pairs += np.bincount(body, minlength=count + 1)
            rising += np.bincount(body, hand[outside][at] > hand[inside][at], minlength=count + 1)
    return np.where(pairs > 0, rising / np.maximum(pairs, 1.0), 1.0)


def _coefficients(found: Statistics, levels: tuple[Level, Level], land: Floats, water: Mask, looks: float) -> Floats:
    """Return c, a, b of the log-odds c - a vv - b vh of water against land in every cell.

    For gamma speckle of L looks about means w and l the log-odds of power x are L (ln l/w - x (1/w - 1/l)): linear in
    x. The zero is put at the local threshold, the scene's one moved by half the shift of each level.
    """
    coefficients = np.zeros((3, *water.shape), np.float32)
    for band, index in ((VV, 1), (VH, 2)):
        if not levels[band].is_used:
            continue
        dark = _running_mean(found.cells[band], water, _WATER_WINDOW, _WATER_PRIOR, levels[band].water)
        dark = np.minimum(dark, land[band] - _LEAST_CONTRAST)
        threshold = levels[band].threshold + 0.5 * (dark - levels[band].water) + 0.5 * (land[band] - levels[band].land)
        threshold = np.clip(threshold, dark + 0.3 * _LEAST_CONTRAST, land[band] - 0.3 * _LEAST_CONTRAST)
        slope = looks * (10.0 ** (-dark / 10.0) - 10.0 ** (-land[band] / 10.0))
        coefficients[index] = slope
        coefficients[0] += slope * 10.0 ** (threshold / 10.0)
    return coefficients
