"""Statistics of a raster, gathered in the stream by fixed tiles so that no chunking and no order changes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

#: Edge of the tiles by which sums are taken, cells; the block size of the COGs.
TILE = 512

#: Significant digits kept: sums differ in the last bits between processors, and Items must not.
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the cells of a band hold; all but `valid_percent` are None where no cell is known."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    valid_percent: float
    """Share of cells that are known, %."""
    counts: Mapping[int, int] | None = None
    """Cells of each code, nodata left out; for bytes only."""


@dataclass(frozen=True, slots=True)
class _Moments:
    """Count, mean, sum of squared deviations, least and greatest of one tile."""

    count: int
    mean: float
    squares: float
    minimum: float
    maximum: float


class Tally:
    """Gathers the statistics of one band, block by block, from any number of threads.

    Parameters
    ----------
    shape
        (rows, columns) of the band.
    dtype
        Stored type; bytes are counted by code, all else summed.
    nodata
        Stored value of "unknown".
    """

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[np.generic], nodata: float) -> None:
        self._shape = shape
        self._nodata = nodata
        self._by_code = dtype == np.uint8
        self._codes: dict[tuple[int, int], npt.NDArray[np.int64]] = {}
        self._sums: dict[tuple[int, int], _Moments] = {}

    def add(self, row: int, column: int, block: npt.NDArray[np.generic]) -> None:
        """Take the whole tiles that a block with its first cell at (row, column) covers."""
        rows, columns = self._shape
        for top in range(-(-row // TILE) * TILE, row + block.shape[0], TILE):
            bottom = min(top + TILE, rows)
            if bottom > row + block.shape[0]:
                continue
            for left in range(-(-column // TILE) * TILE, column + block.shape[1], TILE):
                right = min(left + TILE, columns)
                if right <= column + block.shape[1]:
                    self._take(top, left, block[top - row : bottom - row, left - column : right - column])

    def missing(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (row, column, height, width) of the tiles that no single block covered."""
        rows, columns = self._shape
        for top in range(0, rows, TILE):
            for left in range(0, columns, TILE):
                if (top, left) not in self._codes and (top, left) not in self._sums:
                    yield top, left, min(TILE, rows - top), min(TILE, columns - left)

    def result(self) -> Statistics:
        """Return the statistics of all tiles, combined in the order of the tiles."""
        cells = self._shape[0] * self._shape[1]
        if self._by_code:
            counts = np.zeros(256, np.int64)
            for tile in self._codes.values():
                counts += tile
            return _from_counts(counts, self._nodata, cells)
        return _from_moments([self._sums[place] for place in sorted(self._sums)], cells)

    def _take(self, top: int, left: int, tile: npt.NDArray[np.generic]) -> None:
        if self._by_code:
            self._codes[top, left] = _count_codes(tile)
            return
        count, offset, total, squares, least, greatest = _sum_up(tile, self._nodata)
        if count:
            deviations = max(squares - total * total / count, 0.0)
            self._sums[top, left] = _Moments(count, offset + total / count, deviations, least, greatest)
        else:
            self._sums[top, left] = _Moments(0, 0.0, 0.0, math.inf, -math.inf)


@numba.njit(nogil=True, cache=True)
def _count_codes(tile):  # type: ignore[no-untyped-def]
    """Return how often each of 256 codes occurs."""
    counts = np.zeros(256, np.int64)
    for row in range(tile.shape[0]):
        for column in range(tile.shape[1]):
            counts[tile[row, column]] += 1
    return counts


@numba.njit(nogil=True, cache=True)
def _sum_up(tile, nodata):  # type: ignore[no-untyped-def]
    """Return count, first known value, sum and squares of what lies above it, least and greatest; one plain loop."""
    count, offset, total, squares = 0, 0.0, 0.0, 0.0
    least, greatest = np.inf, -np.inf
    for row in range(tile.shape[0]):
        for column in range(tile.shape[1]):
            value = float(tile[row, column])
            if np.isfinite(value) and value != nodata:
                if count == 0:
                    offset = value
                count += 1
                above = value - offset
                total += above
                squares += above * above
                least = min(least, value)
                greatest = max(greatest, value)
    return count, offset, total, squares, least, greatest


def _from_counts(counts: npt.NDArray[np.int64], nodata: float, cells: int) -> Statistics:
    codes = np.arange(256)
    if not math.isnan(nodata):
        counts = np.where(codes == nodata, 0, counts)
    known = int(counts.sum())
    if not known:
        return Statistics(None, None, None, None, 0.0, {})
    held = np.flatnonzero(counts)
    mean = float((counts * codes).sum()) / known
    variance = float((counts * (codes - mean) ** 2).sum()) / known
    return Statistics(
        minimum=float(held[0]),
        maximum=float(held[-1]),
        mean=_rounded(mean),
        stddev=_rounded(math.sqrt(variance)),
        valid_percent=_rounded(100.0 * known / cells),
        counts={int(code): int(counts[code]) for code in held},
    )


def _from_moments(tiles: list[_Moments], cells: int) -> Statistics:
    """Combine tiles pair by pair: Chan, Golub & LeVeque (1983), American Statistician 37, Eq. 1.5."""
    count, mean, squares = 0, 0.0, 0.0
    for tile in tiles:
        if tile.count:
            total = count + tile.count
            delta = tile.mean - mean
            squares += tile.squares + delta * delta * count * tile.count / total
            mean += delta * tile.count / total
            count = total
    if not count:
        return Statistics(None, None, None, None, 0.0)
    return Statistics(
        minimum=_rounded(min(tile.minimum for tile in tiles)),
        maximum=_rounded(max(tile.maximum for tile in tiles)),
        mean=_rounded(mean),
        stddev=_rounded(math.sqrt(squares / count)),
        valid_percent=_rounded(100.0 * count / cells),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
