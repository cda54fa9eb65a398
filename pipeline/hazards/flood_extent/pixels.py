"""Water pixel by pixel in one block: evidence, neighbours, smallest area, and what cannot be known."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.flood_extent.scene import LOOK_ALIKE, SUPPORTED, Scene
from pipeline.hazards.flood_extent.sieve import sieve
from pipeline.hazards.flood_extent.tiles import CELL, compiled, read_only

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

#: Codes of `exclusion`.
OBSERVED, NO_BACKSCATTER, TERRAIN, LOOKS_LIKE_WATER, NO_HAND, NO_REFERENCE = range(6)
UNKNOWN = 255
#: Reference water from this share of a pixel on.
_HALF = np.float32(0.5)
#: Bounds of one pixel's log-odds: ground is not all of one level, and a ship or a wet field is a single pixel.
_DARKEST, _BRIGHTEST = np.float32(6.0), np.float32(-6.0)
#: Log-odds each of eight neighbours adds. Besag (1986), doi:10.1111/j.2517-6161.1986.tb01412.x, finds 1.5 in all good
#: where classes are large.
_NEIGHBOUR = np.float32(0.8)
#: Log-odds that reference water adds and, per metre above `_FREE` up to `_MOST`, that HAND takes away.
_REFERENCE_PRIOR, _PER_METRE, _FREE, _MOST = np.float32(3.0), np.float32(0.2), np.float32(4.0), np.float32(2.0)
#: Rounds of the neighbours, and pixels by which a block must overlap the next for them.
ROUNDS = 4
_START = 2
_NAN = np.float32(np.nan)


class Block(NamedTuple):
    """Inputs of one block, the margin included; (y, x)."""

    vv: Floats
    vh: Floats
    hand: Floats
    reference_water: Floats


#: Of the outputs.
DTYPES = (np.uint8, np.uint8, np.float32, np.uint8)


class Extent(NamedTuple):
    """Outputs of one block, without the margin; (y, x)."""

    flooded: Bytes
    water: Bytes
    likelihood: Floats
    exclusion: Bytes


def margin(minimum_area: int) -> int:
    """Return how many pixels round a block its result depends on."""
    return ROUNDS + _START + 2 * minimum_area


def extent(
    block: Block, scene: Scene, *, origin: tuple[int, int], core: tuple[slice, slice], hand_limit: float, minimum_area: int
) -> Extent:
    """Return flooded, water, likelihood of water and exclusion of the core of a block.

    Each pixel has log-odds of water from its VV and VH power under gamma speckle, from HAND and from reference water.
    The sign of their 5 x 5 sums is the first map; then each pixel takes the side of its own log-odds plus 0.8 for each
    wet and less 0.8 for each dry neighbour, four times (iterated conditional modes, Besag 1986). The last of these sums
    gives the likelihood. Wet patches and dry holes of fewer than `minimum_area` pixels go to the other side.

    Parameters
    ----------
    block
        Backscatter in linear power, HAND in m, reference water 0 to 1; NaN is unknown.
    scene
        Of the whole scene.
    origin
        Row and column of the block's first pixel in the scene.
    core
        The part of the block that is asked for; results depend on `margin` pixels round it.
    hand_limit
        HAND above which there is no open water, m.
    minimum_area
        Pixels.
    """
    shape = block.vv.shape
    evidence = np.empty(shape, np.float32)
    arrays = tuple(read_only(array) for array in block)
    _evidence(arrays, scene.coefficients, scene.uses_vh, origin, evidence)
    sides = np.zeros((2, shape[0] + 2, shape[1] + 2), np.int8)
    _first_map(evidence, sides[0])
    for turn in range(ROUNDS - 1):
        _take_sides(evidence, sides[turn % 2], sides[(turn + 1) % 2])
    before, wet = sides[(ROUNDS - 1) % 2], sides[ROUNDS % 2]
    _take_sides(evidence, before, wet)
    sieve(wet, minimum_area)
    first = (core[0].start, core[1].start)
    size = (core[0].stop - first[0], core[1].stop - first[1])
    found = Extent(*(np.empty(size, dtype) for dtype in DTYPES))
    limits = (np.float32(scene.low_hand), np.float32(hand_limit))
    _results((evidence, before, wet), arrays, (scene.support, scene.uses_vh, limits, _LOGISTIC), (origin, first), found)
    return found


#: The logistic function at log-odds -16 to 16 in steps of 1/16, interpolated linearly (error below 1e-4).
_LOGISTIC = (1.0 / (1.0 + np.exp(-np.arange(-16.0, 16.0 + 1 / 8, 1 / 16)))).astype(np.float32)


@compiled
def _evidence(arrays: Any, coefficients: Any, uses_vh: bool, origin: Any, out: Any) -> None:
    """Fill the log-odds of single pixels; NaN where a band is unknown."""
    vv, vh, hand, reference = arrays
    height, width = vv.shape
    rows, columns = coefficients.shape[1:]
    line = np.empty((3, columns + 2), np.float32)
    near = np.empty((3, width), np.float32)
    for y in range(height):
        place = np.float32((origin[0] + y + 0.5) / CELL - 0.5)
        upper = math.floor(place)
        part = place - np.float32(upper)
        above, below = min(max(upper, 0), rows - 1), min(upper + 1, rows - 1)
        for k in range(3):
            for j in range(columns):
                line[k, j + 1] = coefficients[k, above, j] + part * (coefficients[k, below, j] - coefficients[k, above, j])
            line[k, 0], line[k, columns + 1] = line[k, 1], line[k, columns]
            _stretch(line[k], origin[1], near[k])
        _row_evidence((vv[y], vh[y], hand[y], reference[y]), near, uses_vh, out[y])


@compiled
def _stretch(line: Any, first: int, out: Any) -> None:
    """Fill a row of pixels by linear interpolation between cell centres; `line` has a cell more at either end."""
    x = 0
    while x < out.size:
        shifted = first + x + CELL // 2
        cell, phase = shifted // CELL, shifted % CELL
        left, step = line[cell], (line[cell + 1] - line[cell]) / np.float32(CELL)
        for k in range(phase, min(CELL, phase + out.size - x)):
            out[x + k - phase] = left + step * np.float32(k + 0.5)
        x += CELL - phase


@compiled
def _row_evidence(row: Any, near: Any, uses_vh: bool, out: Any) -> None:
    vv, vh, hand, reference = row
    zero = np.float32(0.0)
    for x in range(out.size):
        v, h = vv[x], vh[x]
        h = h if uses_vh else zero
        odds = near[0, x] - near[1, x] * v - near[2, x] * h
        odds = min(max(odds, _BRIGHTEST), _DARKEST)
        odds += _REFERENCE_PRIOR if reference[x] >= _HALF else zero
        height = _PER_METRE * (hand[x] - _FREE)
        height = height if height > zero else zero
        odds -= height if height < _MOST else _MOST
        known = (v > zero) & ((h > zero) | (not uses_vh))
        out[x] = odds if known else _NAN


@compiled
def _first_map(evidence: Any, sides: Any) -> None:
    """Fill the signs (1, -1; 0 unknown) of the sums of log-odds over 5 x 5 pixels; `sides` has a rim of one."""
    height, width = evidence.shape
    column = np.zeros(width + 2 * _START, np.float32)
    for y in range(height):
        column[:] = np.float32(0.0)
        for k in range(max(y - _START, 0), min(y + _START + 1, height)):
            for x in range(width):
                odds = evidence[k, x]
                column[x + _START] += odds if odds == odds else np.float32(0.0)
        for x in range(width):
            total = column[x] + column[x + 1] + column[x + 2] + column[x + 3] + column[x + 4]
            side = np.int8(1) if total > np.float32(0.0) else np.int8(-1)
            sides[y + 1, x + 1] = side if evidence[y, x] == evidence[y, x] else np.int8(0)


@compiled
def _take_sides(evidence: Any, before: Any, after: Any) -> None:
    """Fill the signs of each pixel's log-odds with those of its neighbours."""
    height, width = evidence.shape
    column = np.zeros(width + 2, np.int8)
    for y in range(height):
        for x in range(width + 2):
            column[x] = before[y, x] + before[y + 1, x] + before[y + 2, x]
        for x in range(width):
            around = np.int8(column[x] + column[x + 1] + column[x + 2] - before[y + 1, x + 1])
            odds = evidence[y, x] + _NEIGHBOUR * np.float32(around)
            after[y + 1, x + 1] = np.int8(odds > np.float32(0.0)) - np.int8(odds <= np.float32(0.0))


@compiled
def _results(maps: Any, arrays: Any, scene: Any, places: Any, found: Any) -> None:
    evidence, before, wet = maps
    _, _, hand, reference = arrays
    support, _, limits, logistic = scene
    origin, first = places
    flooded, water, likelihood, exclusion = found
    for y in range(flooded.shape[0]):
        by = y + first[0]
        cells = support[(origin[0] + by) // CELL]
        for x in range(flooded.shape[1]):
            bx = x + first[1]
            side = wet[by + 1, bx + 1]
            code = _code(side, hand[by, bx], reference[by, bx], cells[(origin[1] + bx) // CELL], limits)
            exclusion[y, x] = code
            is_water = side > 0
            water[y, x] = is_water if code in (OBSERVED, NO_REFERENCE) else UNKNOWN
            flooded[y, x] = (is_water and reference[by, bx] < _HALF) if code == OBSERVED else UNKNOWN
            odds = evidence[by, bx] + _NEIGHBOUR * np.float32(_around(before, by + 1, bx + 1))
            chance = _logistic(odds, logistic)
            chance = max(chance, _HALF) if is_water else min(chance, _HALF)
            likelihood[y, x] = chance if code in (OBSERVED, NO_REFERENCE) else _NAN


@compiled
def _around(sides: Any, y: int, x: int) -> Any:
    return (
        sides[y - 1, x - 1] + sides[y - 1, x] + sides[y - 1, x + 1]
        + sides[y, x - 1] + sides[y, x + 1]
        + sides[y + 1, x - 1] + sides[y + 1, x] + sides[y + 1, x + 1]
    )  # fmt: skip


@compiled
def _logistic(odds: Any, table: Any) -> Any:
    held = min(max(odds, np.float32(-16.0)), np.float32(16.0))
    place = (held + np.float32(16.0)) * np.float32(16.0)
    index = int(place)
    part = place - np.float32(index)
    return table[index] + part * (table[index + 1] - table[index])


@compiled
def _code(side: Any, hand: Any, reference: Any, support: Any, limits: Any) -> Any:
    """Return why a pixel cannot be known, the gravest reason first."""
    if side == 0:
        return np.uint8(NO_BACKSCATTER)
    if hand != hand:
        return np.uint8(NO_HAND)
    if side < 0:
        return np.uint8(OBSERVED)
    if hand > limits[1]:
        return np.uint8(TERRAIN)
    if support == LOOK_ALIKE or (support != SUPPORTED and hand > limits[0]):
        return np.uint8(LOOKS_LIKE_WATER)
    return np.uint8(OBSERVED) if reference == reference else np.uint8(NO_REFERENCE)
