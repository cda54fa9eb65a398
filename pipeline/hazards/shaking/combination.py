"""Compiled: the motions of several models over a block of cells made into one."""

from __future__ import annotations

import math

from pipeline.hazards.elementary import compiled, inlined, log, where
from pipeline.hazards.shaking.block import BLOCK, RRUP, A
from pipeline.hazards.shaking.ground_motion import Array

#: Distances in km between which the difference of components changes, and the one it is referred to.
#: Boore and Kishida (2017), doi 10.1785/0120160250.
_NEAREST, _FARTHEST, _LN_50 = 0.01, 400.0, math.log(50.0)


@compiled
def convert(x: Array, conversions: Array, found: Array) -> None:
    """Turn the motions `found` (model, 3, measure, cell) of a block into those of another horizontal component.

    `conversions` (measure, model, 3): what is added to the mean, what by ln(rrup / 50 km), and the deviation added to phi.
    """
    for i in range(BLOCK):
        r = where(x[RRUP + i] < _NEAREST, _NEAREST, x[RRUP + i])
        x[A + i] = log(where(r > _FARTHEST, _FARTHEST, r)) - _LN_50
    for model in range(found.shape[0]):
        for measure in range(found.shape[2]):
            constant, slope, deviation = conversions[measure, model]
            mean, phi = found[model, 0, measure], found[model, 2, measure]
            for i in range(BLOCK):
                mean[i] += constant + slope * x[A + i]
            for i in range(BLOCK):
                phi[i] = math.sqrt(phi[i] * phi[i] + deviation * deviation)


@inlined
def _add(total: Array, values: Array, factor: float) -> None:
    for i in range(BLOCK):
        total[i] += factor * values[i]


@inlined
def _add_product(total: Array, one: Array, other: Array, factor: float) -> None:
    for i in range(BLOCK):
        total[i] += factor * one[i] * other[i]


@inlined
def _deviate(total: Array, found: Array, part: int, measure: int, products: Array) -> None:
    """Fill `total` with tau (part 1) or phi (2) of a weighted sum; `products` (model, model) are those of the measure."""
    total[:] = 0.0
    for j in range(products.shape[0]):
        for k in range(j + 1):
            # A model of no weight may hold anything, NaN as well.
            if products[j, k] != 0.0:
                factor = products[j, k] if j == k else 2.0 * products[j, k]
                _add_product(total, found[j, part, measure], found[k, part, measure], factor)
    for i in range(BLOCK):
        total[i] = math.sqrt(total[i])


@compiled
def combine(found: Array, weights: Array, products: Array, out: Array) -> None:
    """Fill `out` (3, measure, cell) with the weighted mean and the deviations of the motions `found`.

    `weights` (measure, model); `products` (measure, model, model): weight times weight times correlation.
    """
    for measure in range(found.shape[2]):
        out[0, measure] = 0.0
        for j in range(found.shape[0]):
            if weights[measure, j] != 0.0:
                _add(out[0, measure], found[j, 0, measure], weights[measure, j])
        for part in (1, 2):
            _deviate(out[part, measure], found, part, measure, products[measure])
