"""Compiled: the motions of several models over a block of cells made into one."""

from __future__ import annotations

import math

from pipeline.hazards.fire_weather.elementary import compiled, inlined, log, where
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


@compiled
def combine(found: Array, weights: Array, products: Array, out: Array) -> None:
    """Fill `out` (3, measure, cell) with the weighted mean and the deviations of the motions `found`.

    `weights` (measure, model); `products` (measure, model, model): weight times weight times correlation.
    """
    models = found.shape[0]
    for measure in range(found.shape[2]):
        out[:, measure] = 0.0
        for j in range(models):
            if weights[measure, j] == 0.0:
                continue
            _add(out[0, measure], found[j, 0, measure], weights[measure, j])
            for part in (1, 2):
                for k in range(j):
                    _add_product(
                        out[part, measure], found[j, part, measure], found[k, part, measure], 2.0 * products[measure, j, k]
                    )
                _add_product(out[part, measure], found[j, part, measure], found[j, part, measure], products[measure, j, j])
        for part in (1, 2):
            total = out[part, measure]
            for i in range(BLOCK):
                total[i] = math.sqrt(total[i])
