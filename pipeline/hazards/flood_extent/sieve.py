"""Patches of few pixels, found by joining runs of equal pixels from row to row, and turned to the other side."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.hazards.flood_extent.tiles import compiled


@compiled
def _root(parent: Any, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def sieve(sides: Any, least: int) -> None:
    """Turn wet patches (eight-connected) and dry holes in large water (four-connected) of fewer than `least` pixels.

    A hole counts as in water by what lies left of its first pixel. Which pixels turn depends on the `2 * least` round them.

    Parameters
    ----------
    sides
        1 wet, -1 dry, 0 unknown, int8, with a rim of 0; (y, x). Changed in place.
    least
        Pixels.
    """
    starts, rows = _runs(sides)
    count = starts.shape[0]
    parent, area = np.arange(count), np.zeros(count, np.int64)
    _join(sides, starts, rows, parent)
    for run in range(count):
        area[_root(parent, run)] += starts[run, 1] - starts[run, 0]
    for run in range(count):
        root = _root(parent, run)
        if area[root] >= least:
            continue
        y, first = starts[root, 2], starts[root, 0]
        is_wet = sides[y, first] > 0
        enclosed = root > 0 and starts[root - 1, 2] == y and starts[root - 1, 1] == first
        if is_wet or (enclosed and area[_root(parent, root - 1)] >= least):
            starts[run, 3] = 1
    for run in range(count):
        if starts[run, 3]:
            y = starts[run, 2]
            for x in range(starts[run, 0], starts[run, 1]):
                sides[y, x] = -sides[y, x]


@compiled
def _runs(sides: Any) -> Any:
    """Return runs of one sign (start, end, row, 0), and the first run of each row."""
    height, width = sides.shape
    rows = np.zeros(height + 1, np.int64)
    count = 0
    for y in range(height):
        rows[y] = count
        for x in range(1, width):
            count += (sides[y, x] != sides[y, x - 1]) & (sides[y, x] != 0)
    rows[height] = count
    starts = np.zeros((count, 4), np.int64)
    run = -1
    for y in range(1, height - 1):
        for x in range(1, width):
            if sides[y, x] != sides[y, x - 1]:
                if sides[y, x - 1] != 0:
                    starts[run, 1] = x
                if sides[y, x] != 0:
                    run += 1
                    starts[run, 0], starts[run, 2] = x, y
    return starts, rows


@compiled
def _join(sides: Any, starts: Any, rows: Any, parent: Any) -> None:
    """Join runs of one sign that touch from row to row; wet ones at corners too. The first run is the root."""
    for y in range(2, sides.shape[0] - 1):
        above = rows[y - 1]
        for run in range(rows[y], rows[y + 1]):
            first, last = starts[run, 0], starts[run, 1]
            side = sides[y, first]
            reach = 1 if side > 0 else 0
            while above < rows[y] and starts[above, 1] + 1 <= first:
                above += 1
            other = above
            while other < rows[y] and starts[other, 0] < last + reach:
                if sides[y - 1, starts[other, 0]] == side and starts[other, 1] + reach > first:
                    a, b = _root(parent, run), _root(parent, other)
                    if a != b:
                        parent[max(a, b)] = min(a, b)
                other += 1
