"""The triangle that makes correlated observations independent, found without LAPACK, whose bytes vary with its threads.

W' W = R^-1 for the correlation R of n observations, row after row (bordering): with r the correlations of observation
i with those before it and d^2 = R_ii - |W r|^2 what they leave of its variance,

    W_i = (-(W r)' W, 1) / d

An observation that those before it determine, d^2 = 0, gets a row of zeros: it says nothing new.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.hazards.elementary import compiled, inlined
from pipeline.hazards.shaking.ground_motion import Array

#: Share of its variance below which an observation is taken to be determined by others: the tables of correlation
#: have two decimals, what is less (or negative) is their rounding.
_DETERMINED = 1e-9
#: Rows found together, and rows added at once.
_STEP = 4


@compiled
def whitener(matrix: Array) -> Array:
    """Return the lower triangle W (n, n) with W' W the inverse of a symmetric matrix (n, n).

    Four rows are found together, so that the rows before them are fetched from memory once for the four.
    """
    count = len(matrix)
    padded = count + 2 * _STEP
    rows, columns = np.zeros((padded, padded)), np.zeros((padded, padded))
    given, left, row = np.zeros((_STEP, padded)), np.zeros((_STEP, padded)), np.zeros((_STEP, padded))
    for start in range(0, count, _STEP):
        height = min(_STEP, count - start)
        given[:height, :start] = matrix[start : start + height, :start]
        left[:], row[:] = 0.0, 0.0
        for k in range(0, start, _STEP):
            for r in range(height):
                _add(left[r, k:start], given[r, k : k + _STEP], columns[k : k + _STEP, k:start])
        for k in range(0, start, _STEP):
            for r in range(height):
                _add(row[r, : k + _STEP], left[r, k : k + _STEP], rows[k : k + _STEP, : k + _STEP])
        for r in range(height):
            _border(matrix, rows, start, start + r, left[r], row[r])
            columns[: start + r + 1, start + r] = rows[start + r, : start + r + 1]
    return rows[:count, :count].copy()


@inlined
def _border(matrix: Array, rows: Array, start: int, i: int, left: Array, row: Array) -> None:
    """Fill row i of the triangle; `left` and `row` hold what the rows before `start` contribute."""
    rest = matrix[i, i]
    for j in range(start, i):
        for k in range(j + 1):
            left[j] += rows[j, k] * matrix[i, k]
        for k in range(j + 1):
            row[k] += left[j] * rows[j, k]
    for k in range(i):
        rest -= left[k] * left[k]
    if rest > _DETERMINED * matrix[i, i]:
        scale = 1.0 / math.sqrt(rest)
        for k in range(i):
            rows[i, k] = -scale * row[k]
        rows[i, i] = scale


@inlined
def _add(total: Array, factors: Array, rows: Array) -> None:
    """Add to `total` four rows, each times its factor."""
    a, b, c, d = factors[0], factors[1], factors[2], factors[3]
    first, second, third, fourth = rows[0], rows[1], rows[2], rows[3]
    for t in range(total.size):
        total[t] += (a * first[t] + b * second[t]) + (c * third[t] + d * fourth[t])


@compiled
def multiply(triangle: Array, columns: Array) -> Array:
    """Return the lower triangle (n, n) times columns (n, m)."""
    product = np.zeros(columns.shape)
    for i in range(triangle.shape[0]):
        for j in range(i + 1):
            for k in range(columns.shape[1]):
                product[i, k] += triangle[i, j] * columns[j, k]
    return product


@compiled
def multiply_transposed(triangle: Array, columns: Array) -> Array:
    """Return the transpose of the lower triangle (n, n) times columns (n, m)."""
    product = np.zeros(columns.shape)
    for i in range(triangle.shape[0]):
        for j in range(i + 1):
            for k in range(columns.shape[1]):
                product[j, k] += triangle[i, j] * columns[i, k]
    return product
