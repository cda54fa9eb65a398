"""What the first read of a scene leaves behind: one row of numbers per cell of 8 x 8 pixels, one histogram per tile.

Tiles lie on the scene's own grid, whatever the blocks in which the scene is read. The histograms are of means over
4 x 4 pixels in dB, which take the speckle from 4.4 looks to 70 and so part land from water where single pixels do not;
HydroSAR's are of single pixels on its own scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.flood_extent.hydrosar import DECADES, SCALE

Floats = NDArray[np.float32]

#: Edge of a tile, a cell and a sub-cell, pixels.
TILE, CELL, SUBCELL = 128, 8, 4
#: Bins of a histogram, and the first edge (dB) and width (dB) of those of 4 x 4 means.
BINS, FIRST, WIDTH = 96, -42.0, 0.5
#: Grey level of the first bin on HydroSAR's scale: -45 dB; the last stands for +64 dB.
FIRST_GREY = 222.0
#: Sub-cells with fewer known pixels of 16 are not counted.
_ENOUGH = 12.0
_NAN = np.float32(np.nan)

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return a function that numba compiles when first called; it lets other threads run."""
    return cast(Function, numba.njit(nogil=True, cache=True)(function))


class Statistics(NamedTuple):
    """A scene, or part of it, on coarse grids."""

    cells: NDArray[np.float16]
    """VV and VH (dB of the mean power), mean HAND (m), mean reference water; NaN is unknown; (4, y, x)."""
    histograms: NDArray[np.int32]
    """Of VV and VH where HAND is below the limit: (2, y, x, bin)."""
    tiles: Floats
    """Share of pixels with HAND below the limit, and mean VH power of the four quarters; (5, y, x)."""


VV, VH, HAND, REFERENCE = range(4)


def statistics(
    vv: Floats, vh: Floats, hand: Floats, reference_water: Floats, *, hand_limit: float, grey: bool = False
) -> Statistics:
    """Return the coarse grids of a block whose first pixel is the first of a tile.

    Parameters
    ----------
    vv, vh
        Linear power, (y, x); NaN or not positive is unknown.
    hand
        Height above nearest drainage, m; NaN is unknown, and counts as above the limit.
    reference_water
        0 to 1; NaN is unknown.
    hand_limit
        HAND from which pixels are left out of the histograms, m.
    grey
        Whether histograms are of single pixels on HydroSAR's scale, not of 4 x 4 means in dB.
    """
    vv, vh, hand, reference_water = (read_only(array) for array in (vv, vh, hand, reference_water))
    height, width = vv.shape
    cells = np.empty((4, -(-height // CELL), -(-width // CELL)), np.float32)
    across = (-(-height // TILE), -(-width // TILE))
    histograms = np.zeros((2, *across, BINS), np.int32)
    tiles = np.zeros((5, *across), np.float32)
    _gather((vv, vh, hand, reference_water), np.float32(hand_limit), grey, cells, histograms)
    if grey:
        _quarters(vh, hand, np.float32(hand_limit), tiles)
    return Statistics(cells.astype(np.float16), histograms, tiles)


def read_only(array: NDArray[Any]) -> Floats:
    """Return a contiguous float32 array that cannot be written: one type for compiled code, wherever it came from."""
    view = np.ascontiguousarray(array, dtype=np.float32).view()
    view.flags.writeable = False
    return view


def decibel_of_bin(grey: bool) -> NDArray[np.float64]:
    """Return the dB of the centre of each bin; on HydroSAR's scale that of the mean power of single pixels."""
    if grey:
        return 10.0 * ((np.arange(BINS, dtype=np.float64) + FIRST_GREY) / SCALE - DECADES)
    return FIRST + WIDTH * (np.arange(BINS, dtype=np.float64) + 0.5)


@compiled
def _gather(bands: Any, limit: Any, grey: bool, cells: Any, histograms: Any) -> None:
    """Fill the cells and histograms, four rows of pixels at a time."""
    vv, vh, hand, reference = bands
    height = vv.shape[0]
    padded = cells.shape[2] * CELL
    pixels = np.empty((8, padded), np.float32)
    parts = np.empty((8, padded // SUBCELL), np.float32)
    whole = np.empty((8, cells.shape[2]), np.float32)
    for row in range(cells.shape[1]):
        whole[:] = 0.0
        for first in range(row * CELL, min((row + 1) * CELL, height), SUBCELL):
            pixels[:] = 0.0
            for y in range(first, min(first + SUBCELL, height)):
                _add(vv[y], pixels[0], pixels[1], np.float32(1e-30))
                _add(vh[y], pixels[2], pixels[3], np.float32(1e-30))
                _add(hand[y], pixels[4], pixels[5], np.float32(-1e30))
                _add(reference[y], pixels[6], pixels[7], np.float32(-1e30))
                if grey:
                    _count_grey(vv[y], hand[y], limit, histograms[0, y // TILE])
                    _count_grey(vh[y], hand[y], limit, histograms[1, y // TILE])
            _fold(pixels, parts, SUBCELL)
            if not grey:
                _count(parts, limit, histograms[:, first // TILE])
            _fold_more(parts, whole)
        _finish(whole, cells[:, row])


@compiled
def _add(values: Any, total: Any, count: Any, least: Any) -> None:
    """Add a row to running totals where it is known: above `least`, finite."""
    for x in range(values.size):
        value = values[x]
        known = (value > least) & (value < np.float32(1e30))
        total[x] += value if known else np.float32(0.0)
        count[x] += np.float32(1.0) if known else np.float32(0.0)


@compiled
def _fold(fine: Any, coarse: Any, times: int) -> None:
    for k in range(fine.shape[0]):
        for x in range(coarse.shape[1]):
            total = np.float32(0.0)
            for i in range(times):
                total += fine[k, x * times + i]
            coarse[k, x] = total


@compiled
def _fold_more(parts: Any, whole: Any) -> None:
    for k in range(parts.shape[0]):
        for x in range(whole.shape[1]):
            whole[k, x] += parts[k, 2 * x] + parts[k, 2 * x + 1]


@compiled
def _count(parts: Any, limit: Any, histograms: Any) -> None:
    """Count the means of sub-cells below the HAND limit; both bands of one row of tiles."""
    for x in range(parts.shape[1]):
        tile = x * SUBCELL // TILE
        if parts[5, x] < _ENOUGH or parts[4, x] >= limit * parts[5, x]:
            continue
        for band in range(2):
            if parts[2 * band + 1, x] >= _ENOUGH:
                level = 10.0 * math.log10(parts[2 * band, x] / parts[2 * band + 1, x])
                place = int((level - FIRST) / WIDTH)
                histograms[band, tile, min(max(place, 0), BINS - 1)] += 1


@compiled
def _count_grey(values: Any, hand: Any, limit: Any, histogram: Any) -> None:
    for x in range(values.size):
        if values[x] > np.float32(0.0) and hand[x] < limit:
            place = int(np.rint((math.log10(values[x]) + DECADES) * SCALE - FIRST_GREY))
            histogram[x // TILE, min(max(place, 0), BINS - 1)] += 1


@compiled
def _finish(whole: Any, cells: Any) -> None:
    """Turn totals into means; dB for the bands."""
    for x in range(whole.shape[1]):
        for band in range(2):
            count = whole[2 * band + 1, x]
            cells[band, x] = 10.0 * math.log10(whole[2 * band, x] / count) if count >= _ENOUGH else _NAN
        for k in range(2):
            count = whole[5 + 2 * k, x]
            cells[2 + k, x] = whole[4 + 2 * k, x] / count if count > 0 else _NAN


@compiled
def _quarters(vh: Any, hand: Any, limit: Any, tiles: Any) -> None:
    """Fill the share of pixels with HAND below the limit and the mean VH power of the quarters, unknown as 0."""
    half = TILE // 2
    for y in range(vh.shape[0]):
        for x in range(vh.shape[1]):
            ty, tx = y // TILE, x // TILE
            if hand[y, x] < limit:
                tiles[0, ty, tx] += np.float32(1.0 / (TILE * TILE))
            if vh[y, x] > np.float32(0.0):
                quarter = 1 + 2 * ((y % TILE) // half) + (x % TILE) // half
                tiles[quarter, ty, tx] += vh[y, x] * np.float32(1.0 / (half * half))
