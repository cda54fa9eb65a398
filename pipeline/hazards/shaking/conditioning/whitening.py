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
#: Rows summed at once: each pass over memory serves four.
_UNROLLED = 4


@compiled
def whitener(matrix: Array) -> Array:
    """Return the lower triangle W (n, n) with W' W the inverse of a symmetric matrix (n, n)."""
    count = len(matrix)
    rows = np.zeros((count + _UNROLLED, count + _UNROLLED))
    columns = np.zeros_like(rows)
    given, left, row = np.zeros(count + _UNROLLED), np.zeros(count + _UNROLLED), np.zeros(count + _UNROLLED)
    for i in range(count):
        given[:i], left[: i + _UNROLLED], row[: i + _UNROLLED] = matrix[i, :i], 0.0, 0.0
        for k in range(0, i, _UNROLLED):
            _add(left[k:i], given[k : k + _UNROLLED], columns[k : k + _UNROLLED, k:i])
        rest = matrix[i, i]
        for k in range(i):
            rest -= left[k] * left[k]
        if rest <= _DETERMINED * matrix[i, i]:
            continue
        for k in range(0, i, _UNROLLED):
            _add(row[: k + _UNROLLED], left[k : k + _UNROLLED], rows[k : k + _UNROLLED, : k + _UNROLLED])
        scale = 1.0 / math.sqrt(rest)
        rows[i, :i] = -scale * row[:i]
        rows[i, i] = scale
        columns[: i + 1, i] = rows[i, : i + 1]
    return rows[:count, :count].copy()


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
