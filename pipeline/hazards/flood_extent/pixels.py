"""Water pixel by pixel: evidence and neighbours, smallest area, and what is said of the result."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.flood_extent.evidence import DRY_SHIFT, NO_REFERENCE, OBSERVED, REFERENCE_SHIFT, STEPS, UNSEEN, Evidence
from pipeline.hazards.flood_extent.sieve import sieve
from pipeline.hazards.flood_extent.tiles import Floats, compiled

#: Stored where it is not known.
UNKNOWN = 255
#: What each of eight neighbours adds to the log-odds (beta of Besag 1986), in steps of the evidence: 0.83.
_NEIGHBOUR = 10
#: Rounds of the neighbours, and half the width of the window that gives the first map.
ROUNDS, _START = 4, 2
#: Of the outputs.
DTYPES = (np.uint8, np.uint8, np.float32, np.uint8)
#: Largest sum of evidence and neighbours, steps; and the logistic function from its negative on.
_MOST = 128 + 8 * _NEIGHBOUR
_LOGISTIC = (1.0 / (1.0 + np.exp(-np.arange(-_MOST, _MOST + 1) / STEPS))).astype(np.float32)


class Extent(NamedTuple):
    """Outputs of one block; (y, x)."""

    flooded: NDArray[np.uint8]
    water: NDArray[np.uint8]
    likelihood: Floats
    exclusion: NDArray[np.uint8]


def margin(minimum_area: int) -> int:
    """Return how many pixels round a block its result depends on."""
    return ROUNDS + _START + 2 * minimum_area


def extent(found: Evidence, *, first: tuple[int, int], minimum_area: int) -> Extent:
    """Return flooded, water, likelihood of water and exclusion where there are marks.

    The sign of 5 x 5 sums of the evidence is the first map; then each pixel takes the side of its own log-odds plus 0.83
    for each wet and less 0.83 for each dry neighbour, four times (iterated conditional modes, Besag 1986,
    doi:10.1111/j.2517-6161.1986.tb01412.x). The last of these sums gives the likelihood. Wet patches and dry holes of
    fewer than `minimum_area` pixels go to the other side.

    Parameters
    ----------
    found
        Evidence with the margin that is there, marks without.
    first
        Row and column of the first mark in the evidence.
    minimum_area
        Pixels.
    """
    odds = np.ascontiguousarray(found.odds)
    sides = np.zeros((2, odds.shape[0] + 2, odds.shape[1] + 2), np.int8)
    _first_map(odds, sides[0])
    for turn in range(ROUNDS):
        _take_sides(odds, sides[turn % 2], sides[(turn + 1) % 2])
    before, wet = sides[(ROUNDS - 1) % 2], sides[ROUNDS % 2]
    sieve(wet, minimum_area)
    outputs = Extent(*(np.empty(found.marks.shape, dtype) for dtype in DTYPES))
    _results((odds, before, wet), np.ascontiguousarray(found.marks), first, _LOGISTIC, outputs)
    return outputs


@compiled
def _first_map(odds: Any, sides: Any) -> None:
    """Fill the signs (1, -1; 0 unseen) of the sums of log-odds over 5 x 5 pixels; `sides` has a rim of one."""
    height, width = odds.shape
    column = np.zeros(width + 2 * _START, np.int16)
    for y in range(height):
        column[:] = 0
        for k in range(max(y - _START, 0), min(y + _START + 1, height)):
            for x in range(width):
                column[x + _START] += np.int16(0 if odds[k, x] == UNSEEN else odds[k, x])
        for x in range(width):
            total = np.int16(column[x] + column[x + 1] + column[x + 2] + column[x + 3] + column[x + 4])
            side = np.int8(1 if total > 0 else -1)
            sides[y + 1, x + 1] = np.int8(0) if odds[y, x] == UNSEEN else side


@compiled
def _take_sides(odds: Any, before: Any, after: Any) -> None:
    """Fill the signs of each pixel's log-odds with those of its neighbours."""
    height, width = odds.shape
    column = np.zeros(width + 2, np.int8)
    for y in range(height):
        for x in range(width + 2):
            column[x] = before[y, x] + before[y + 1, x] + before[y + 2, x]
        for x in range(width):
            around = np.int16(column[x] + column[x + 1] + column[x + 2] - before[y + 1, x + 1])
            side = np.int8(1 if np.int16(odds[y, x] + _NEIGHBOUR * around) > 0 else -1)
            after[y + 1, x + 1] = np.int8(0) if odds[y, x] == UNSEEN else side


@compiled
def _results(maps: Any, marks: Any, first: Any, logistic: Any, outputs: Any) -> None:
    """Fill the outputs; the likelihood of a pixel that the sieve turned is held at one half."""
    odds, before, wet = maps
    flooded, water, likelihood, exclusion = outputs
    top, left = first
    height, width = marks.shape
    column = np.zeros(width + 2, np.int8)
    for y in range(height):
        by = y + top
        for x in range(width + 2):
            column[x] = before[by, x + left] + before[by + 1, x + left] + before[by + 2, x + left]
        for x in range(width):
            is_wet, mark = wet[by + 1, x + left + 1] > 0, marks[y, x]
            code = np.uint8((mark if is_wet else mark >> DRY_SHIFT) & 7)
            told = (code == OBSERVED) | (code == NO_REFERENCE)
            exclusion[y, x] = code
            water[y, x] = np.uint8(is_wet) if told else np.uint8(UNKNOWN)
            is_flood = np.uint8(is_wet & ((mark >> REFERENCE_SHIFT) == 0))
            flooded[y, x] = is_flood if code == OBSERVED else np.uint8(UNKNOWN)
        for x in range(width):
            around = column[x] + column[x + 1] + column[x + 2] - before[by + 1, x + left + 1]
            chance = logistic[odds[by, x + left] + _NEIGHBOUR * around + _MOST]
            held = max(chance, np.float32(0.5)) if wet[by + 1, x + left + 1] > 0 else min(chance, np.float32(0.5))
            likelihood[y, x] = np.float32(np.nan) if water[y, x] == UNKNOWN else held
