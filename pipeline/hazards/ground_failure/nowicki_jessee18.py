"""Nowicki Jessee et al. (2018): the probability of landslides set off by shaking, and the share of ground they cover.

Nowicki Jessee, M. A., Hamburger, M. W., Allstadt, K., Wald, D. J., Robeson, S. M., Tanyas, H., Hearne, M. and Thompson,
E. M. (2018), A global empirical model for near-real-time assessment of seismically induced landslides, J. Geophys. Res.
Earth Surf. 123, 1835-1859, doi 10.1029/2017JF004494; with the weaker unconsolidated sediment, the limits of PGV and CTI and
the least PGA of Allstadt et al. (2022), Earthq. Spectra 38, 5-36, doi 10.1177/87552930211032685, as the U.S. Geological
Survey runs it. With PGV in cm/s and the slope s in degrees:

    X = -6.30 + 1.65 ln PGV + 0.06 s + rock + 0.03 CTI + land cover + 0.01 s ln PGV
    P = 1 / (1 + exp(-X))
    L = exp(-7.592 + 5.237 P - 3.042 P^2 + 4.035 P^3)

L is the areal coverage: the share of a cell's ground that landslides cover, 0.2562 at most. To first order

    sigma_X^2 = (1.65 + 0.01 s)^2 sigma_lnPGV^2 + sigma_model^2
    sigma_P = P (1 - P) sigma_X,   sigma_L = L (5.237 - 6.084 P + 12.105 P^2) sigma_P
"""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from pipeline.hazards.elementary import compiled, exp, fma, inlined, log, where
from pipeline.hazards.ground_failure import reasons
from pipeline.hazards.ground_failure.strips import STRIP, at_least, at_most, deviation, in_strips, known, non_negative, within

#: Intercept, ln PGV, slope, CTI, slope x ln PGV.
_INTERCEPT, _PGV, _SLOPE, _CTI, _PGV_SLOPE = -6.30, 1.65, 0.06, 0.03, 0.01
#: Coverage from probability.
_A, _B, _C, _D = -7.592, 5.237, -3.042, 4.035
#: Slopes the model speaks of, degrees: above the first, up to the second.
SLOPES = (2.0, 90.0)
#: PGV above which there were no observations, cm/s.
HIGHEST_PGV = 211.0
#: No shaking at all is taken as this, cm/s, for it has no logarithm; the share of ground is then its least, 0.0005.
_LEAST_PGV = 1e-5
#: PGA below which no ground fails, g (Jibson and Harp 2016, by Allstadt et al. 2022).
LOWEST_PGA = 0.02
#: Compound topographic index is limited to these, "1".
CTI_RANGE = (0.0, 19.0)
#: Coefficients at or below the first stand for unconsolidated sediment, which takes the second (Allstadt et al. 2022).
UNCONSOLIDATED = (-3.21, -1.36)
#: A coefficient of rock or land cover is never larger: a raster with larger numbers holds classes, not coefficients.
_LARGEST_COEFFICIENT = 4.0
#: No place on earth has a larger compound topographic index: what lies beyond is a code for "no value".
_LARGEST_CTI = 1000.0
#: Standard deviation of X where no map of it is given (the U.S. Geological Survey's configuration of the model).
MODEL_STD = 0.03

_DEGREES = 180.0 / math.pi
#: Gradients of `SLOPES`; no finite gradient reaches 90 degrees.
_LEAST_GRADIENT = math.tan(math.radians(SLOPES[0]))
_LOWEST_CTI, _HIGHEST_CTI = CTI_RANGE
_WEAK_BELOW, _WEAK = UNCONSOLIDATED
_WITHIN, _MAP, _SHAKING = map(float, (reasons.WITHIN, reasons.MAP_UNKNOWN, reasons.SHAKING_UNKNOWN))
_FLAT, _BELOW = map(float, (reasons.SLOPE, reasons.SHAKING_BELOW))
_ABOVE, _LIMITED = map(float, (reasons.SHAKING_ABOVE, reasons.SHAKING_LIMITED))
#: Where the rows of a strip begin: inputs, then outputs.
_PGV_AT, _PGV_STD_AT, _PGA_AT, _GRADIENT_AT, _ROCK_AT, _LAND_COVER_AT, _CTI_AT = (STRIP * row for row in range(7))
_MODEL_STD_AT, _EXCLUDED_AT = 7 * STRIP, 8 * STRIP
_COVERAGE_AT, _COVERAGE_STD_AT, _PROBABILITY_AT, _PROBABILITY_STD_AT, _CODE_AT = (STRIP * row for row in range(9, 14))

#: Polynomial of atan(t) / t in t^2 for |t| <= tan(pi / 8), interpolated at Chebyshev's nodes; relative error 3e-14.
_ATAN = (
    *(0.9999999999999732, -0.33333333330803444, 0.19999999604891977, -0.14285690423839287, 0.11110385046148014),
    *(-0.09078392072943424, 0.07563703551915192, -0.05874505621307831, 0.03066244037042445),
)
_A0, _A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8 = _ATAN
_TAN_LOW, _TAN_HIGH = math.sqrt(2.0) - 1.0, math.sqrt(2.0) + 1.0
_QUARTER, _HALF = math.pi / 4.0, math.pi / 2.0


def landslide_block(*arrays: npt.NDArray[Any], model_std: float) -> tuple[npt.NDArray[Any], ...]:
    """Return coverage, its deviation, probability, its deviation and exclusion of one block.

    Parameters
    ----------
    arrays
        pgv (cm/s), pgv_std (of ln), pga (g; NaN: none given), gradient (m/m), rock and land cover coefficients, CTI,
        standard deviation of X (NaN: none given), exclusion of the shaking (NaN or 0: none); of one shape, NaN is unknown.
    model_std
        Standard deviation of X where the map has none.
    """
    return in_strips(_run, arrays, (model_std,))


@inlined
def slope_of(gradient: float) -> float:
    """Return the slope in degrees of a gradient not below zero, without a branch."""
    flat, steep = gradient <= _TAN_LOW, gradient > _TAN_HIGH
    above = where(flat, gradient, where(steep, -1.0, gradient - 1.0))
    below = where(flat, 1.0, where(steep, gradient, gradient + 1.0))
    t = above / below
    z = t * t
    p = fma(z, fma(z, fma(z, fma(z, _A8, _A7), _A6), _A5), _A4)
    p = fma(z, fma(z, fma(z, fma(z, p, _A3), _A2), _A1), _A0)
    return _DEGREES * fma(t, p, where(flat, 0.0, where(steep, _HALF, _QUARTER)))


@inlined
def _predictor(log_pgv: float, slope: float, rock: float, land_cover: float, cti: float) -> float:
    """Return X from ln PGV (cm/s), slope (degrees), two coefficients and the compound topographic index."""
    weak = where(rock <= _WEAK_BELOW, _WEAK, rock)
    wet = at_most(at_least(cti, _LOWEST_CTI), _HIGHEST_CTI)
    return _INTERCEPT + _PGV * log_pgv + _SLOPE * slope + weak + _CTI * wet + land_cover + _PGV_SLOPE * log_pgv * slope


@inlined
def _maps_known(x: Any, i: int) -> bool:
    rock = within(x[_ROCK_AT + i], -_LARGEST_COEFFICIENT, _LARGEST_COEFFICIENT)
    land_cover = within(x[_LAND_COVER_AT + i], -_LARGEST_COEFFICIENT, _LARGEST_COEFFICIENT)
    return rock & land_cover & within(x[_CTI_AT + i], -_LARGEST_CTI, _LARGEST_CTI) & non_negative(x[_GRADIENT_AT + i])


@inlined
def _reason(x: Any, i: int) -> float:
    """Return the code of the first reason that holds, the gravest first."""
    pgv = x[_PGV_AT + i]
    code = where(pgv > HIGHEST_PGV, _ABOVE, _WITHIN)
    code = where(x[_PGA_AT + i] < LOWEST_PGA, _BELOW, code)
    code = where((x[_EXCLUDED_AT + i] > 0.5) | (not non_negative(x[_PGV_STD_AT + i])), _LIMITED, code)
    code = where(x[_GRADIENT_AT + i] > _LEAST_GRADIENT, code, _FLAT)
    code = where(_maps_known(x, i), code, _MAP)
    return where(non_negative(pgv), code, _SHAKING)


@compiled
def _run(x: Any, constants: Any) -> None:
    default_std = constants[0]
    for i in range(STRIP):
        x[_CODE_AT + i] = _reason(x, i)
    for i in range(STRIP):
        log_pgv = log(at_most(at_least(x[_PGV_AT + i], _LEAST_PGV), HIGHEST_PGV))
        slope = slope_of(x[_GRADIENT_AT + i])
        p = 1.0 / (1.0 + exp(-_predictor(log_pgv, slope, x[_ROCK_AT + i], x[_LAND_COVER_AT + i], x[_CTI_AT + i])))
        model_std = where(non_negative(x[_MODEL_STD_AT + i]), x[_MODEL_STD_AT + i], default_std)
        from_pgv = (_PGV + _PGV_SLOPE * slope) * deviation(x[_PGV_STD_AT + i])
        x[_PROBABILITY_AT + i] = p
        x[_PROBABILITY_STD_AT + i] = p * (1.0 - p) * math.sqrt(from_pgv * from_pgv + model_std * model_std)
    for i in range(STRIP):
        p, sigma, code = x[_PROBABILITY_AT + i], x[_PROBABILITY_STD_AT + i], x[_CODE_AT + i]
        unknown = (code == _MAP) | (code == _SHAKING)
        covered = exp(_A + p * (_B + p * (_C + p * _D)))
        zero = (code == _FLAT) | (x[_PGA_AT + i] < LOWEST_PGA)
        x[_COVERAGE_AT + i] = known(where(zero, 0.0, covered), unknown)
        x[_COVERAGE_STD_AT + i] = known(covered * (_B + p * (2.0 * _C + 3.0 * _D * p)) * sigma, unknown)
        x[_PROBABILITY_AT + i] = known(where(zero, 0.0, p), unknown)
        x[_PROBABILITY_STD_AT + i] = known(sigma, unknown)
