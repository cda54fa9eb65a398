"""What one pixel says for itself: its log-odds of water in one byte, and in another what would be said of it wet or dry.

Two bytes a pixel are all that blocks exchange with one another, so a wide scene needs little memory.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.flood_extent.scene import LOOK_ALIKE, SUPPORTED, Scene
from pipeline.hazards.flood_extent.tiles import CELL, Floats, compiled, read_only

#: Codes of `exclusion`.
OBSERVED, NO_BACKSCATTER, TERRAIN, LOOKS_LIKE_WATER, NO_HAND, NO_REFERENCE = range(6)
#: Steps of stored evidence in one unit of log-odds, and the stored value of pixels without backscatter.
STEPS, UNSEEN = 12, -128
#: Bits of a mark: exclusion where wet in the lowest three, where dry in the next, then whether it is reference water.
DRY_SHIFT, REFERENCE_SHIFT = 3, 6
#: Reference water from this share of a pixel on.
_HALF = np.float32(0.5)
#: Power from which a pixel counts as unknown.
_ENDLESS = np.float32(1e30)
#: Bounds of the log-odds from backscatter: ground is not all of one level, and a ship or a wet field is a single pixel.
_DARKEST, _BRIGHTEST = np.float32(6.0), np.float32(-6.0)
#: Log-odds that reference water adds (it is open water 95 % of the time), and that HAND takes away: per metre above
#: `_FREE`, at most `_MOST`.
_REFERENCE_PRIOR, _PER_METRE, _FREE, _MOST = np.float32(3.0), np.float32(0.2), np.float32(4.0), np.float32(2.0)


class Block(NamedTuple):
    """Inputs of one block; (y, x)."""

    vv: Floats
    """Linear power; NaN or not positive is unknown."""
    vh: Floats
    hand: Floats
    """Height above nearest drainage, m; NaN is unknown."""
    reference_water: Floats
    """0 to 1; NaN is unknown."""


class Evidence(NamedTuple):
    """Of one block; (y, x)."""

    odds: NDArray[np.int8]
    """Log-odds of water in steps of 1/12, `UNSEEN` without backscatter."""
    marks: NDArray[np.uint8]
    """Exclusion if it is wet, exclusion if it is dry, and whether it is reference water."""


def evidence(block: Block, scene: Scene, *, origin: tuple[int, int], hand_limit: float) -> Evidence:
    """Return the evidence of single pixels.

    The log-odds are c - a vv - b vh with coefficients interpolated between cells, bounded, plus those of reference water
    less those of HAND.

    Parameters
    ----------
    block
        Inputs.
    scene
        Of the whole scene.
    origin
        Row and column of the block's first pixel in the scene.
    hand_limit
        HAND above which there is no open water, m.
    """
    found = Evidence(np.empty(block.vv.shape, np.int8), np.empty(block.vv.shape, np.uint8))
    arrays = tuple(read_only(array) for array in block)
    limits = (np.float32(scene.low_hand), np.float32(hand_limit))
    _fill(arrays, (scene.coefficients, scene.support), scene.uses_vh, (origin, limits), found)
    return found


@compiled
def _fill(arrays: Any, maps: Any, uses_vh: bool, where: Any, found: Any) -> None:
    vv, vh, hand, reference = arrays
    coefficients, support = maps
    (top, left), limits = where
    height, width = vv.shape
    rows, columns = support.shape
    line = np.empty((3, columns + 2), np.float32)
    near = np.empty((3, width), np.float32)
    ground = np.empty(width, np.uint8)
    for y in range(height):
        place = np.float32((top + y + 0.5) / CELL - 0.5)
        upper = math.floor(place)
        part = place - np.float32(upper)
        above, below = min(max(upper, 0), rows - 1), min(upper + 1, rows - 1)
        for k in range(3):
            for j in range(columns):
                line[k, j + 1] = coefficients[k, above, j] + part * (coefficients[k, below, j] - coefficients[k, above, j])
            line[k, 0], line[k, columns + 1] = line[k, 1], line[k, columns]
            _stretch(line[k], left, near[k])
        if y == 0 or (top + y) % CELL == 0:
            for x in range(width):
                ground[x] = support[(top + y) // CELL, (left + x) // CELL]
        _odds(vv[y], vh[y], hand[y], reference[y], near, uses_vh, found[0][y])
        _marks(found[0][y], hand[y], reference[y], ground, limits, found[1][y])


@compiled
def _stretch(line: Any, first: int, out: Any) -> None:
    """Fill a row of pixels by linear interpolation between cell centres; `line` has a cell more at either end."""
    x = 0
    while x < out.size:
        shifted = first + x + CELL // 2
        cell, phase = shifted // CELL, shifted % CELL
        start, step = line[cell], (line[cell + 1] - line[cell]) / np.float32(CELL)
        for k in range(phase, min(CELL, phase + out.size - x)):
            out[x + k - phase] = start + step * np.float32(k + 0.5)
        x += CELL - phase


@compiled
def _odds(vv: Any, vh: Any, hand: Any, reference: Any, near: Any, uses_vh: bool, out: Any) -> None:
    zero = np.float32(0.0)
    for x in range(out.size):
        v = vv[x]
        h = vh[x] if uses_vh else zero
        odds = near[0, x] - near[1, x] * v - near[2, x] * h
        odds = odds if odds > _BRIGHTEST else _BRIGHTEST
        odds = odds if odds < _DARKEST else _DARKEST
        odds += _REFERENCE_PRIOR if reference[x] >= _HALF else zero
        height = _PER_METRE * (hand[x] - _FREE)
        height = height if height > zero else zero
        odds -= height if height < _MOST else _MOST
        known = (v > zero) & (v < _ENDLESS) & (((h > zero) & (h < _ENDLESS)) | (not uses_vh))
        stored = np.int32(np.floor(odds * np.float32(STEPS) + np.float32(0.5)))
        out[x] = np.int8(stored if known else UNSEEN)


@compiled
def _marks(odds: Any, hand: Any, reference: Any, ground: Any, limits: Any, out: Any) -> None:
    """Fill what would be said of each pixel, the gravest reason first."""
    low, limit = limits
    for x in range(out.size):
        height, share = hand[x], reference[x]
        wet = OBSERVED if share == share else NO_REFERENCE
        unlikely = (ground[x] == LOOK_ALIKE) | ((ground[x] != SUPPORTED) & (height > low))
        wet = LOOKS_LIKE_WATER if unlikely else wet
        wet = TERRAIN if height > limit else wet
        dry = OBSERVED if height == height else NO_HAND
        wet = wet if height == height else NO_HAND
        seen = odds[x] != UNSEEN
        wet, dry = (wet if seen else NO_BACKSCATTER), (dry if seen else NO_BACKSCATTER)
        out[x] = np.uint8(wet | (dry << DRY_SHIFT) | ((share >= _HALF) << REFERENCE_SHIFT))
