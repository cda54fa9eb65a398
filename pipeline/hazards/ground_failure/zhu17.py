"""Zhu, Baise and Thompson (2017): the probability of liquefaction, and the share of ground it reaches.

Zhu, J., Baise, L. G. and Thompson, E. M. (2017), An updated geospatial liquefaction model for global application, Bull.
Seismol. Soc. Am. 107, 1365-1385, doi 10.1785/0120160198; with the magnitude scaling and the PGA threshold of Rashidian and
Baise (2020), Eng. Geol. 272, 105644, doi 10.1016/j.enggeo.2020.105644, and the limits of Allstadt et al. (2022), Earthq.
Spectra 38, 5-36, doi 10.1177/87552930211032685, as the U.S. Geological Survey runs it. PGV in cm/s, Vs30 in m/s, r mean
annual precipitation in mm, d_c and d_r distances to coast and river in km, w depth of the water table in m, M the
magnitude, MSF = 1 / (1 + exp(-2 (M - 6))):

    general (model 2)  X = 8.801 + 0.334 ln(PGV MSF) - 1.918 ln Vs30 + 0.0005408 r - 0.2054 min(d_c, d_r) - 0.0333 w
    coastal (model 1)  X = 12.435 + 0.301 ln(PGV MSF) - 2.615 ln Vs30 + 0.0005556 r - 0.0287 sqrt(d_c) + 0.0666 d_r
                           - 0.0369 sqrt(d_c) d_r
    P = 1 / (1 + exp(-X)),   L = a / (1 + b exp(-c P))^2

L is the areal coverage, 0.487 (general) and 0.42 (coastal) at most. To first order

    sigma_X^2 = b1^2 sigma_lnPGV^2 + sigma_model^2,   sigma_P = P (1 - P) sigma_X
    sigma_L = 2 L b c exp(-c P) / (1 + b exp(-c P)) sigma_P

The U.S. Geological Survey's program takes sigma_model + sigma_model^2 where the variance sigma_model^2 belongs. That is taken
for an error and not followed: with its own map of sigma_model its deviations for Loma Prieta are 1.3 to 2.5 times these
(median 1.8). It also rounds M to one decimal in the scaling; this does not.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy.typing as npt

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.ground_failure import reasons
from pipeline.hazards.ground_failure.strips import STRIP, at_most, deviation, in_strips, known, non_negative, within


class Coefficients(NamedTuple):
    """One of the two models: terms of X, then of the coverage."""

    intercept: float
    pgv: float
    vs30: float
    precipitation: float
    nearest_water: float
    """Of min(d_c, d_r); general only."""
    water_table: float
    """General only."""
    coast: float
    """Of sqrt(d_c); coastal only."""
    river: float
    """Of d_r; coastal only."""
    coast_river: float
    """Of sqrt(d_c) d_r; coastal only."""
    a: float
    b: float
    c: float


#: The two models by name: models 2 and 1 of Zhu et al. (2017), Table 6; coverage by their Eq. 2.
MODELS = {
    "general": Coefficients(8.801, 0.334, -1.918, 0.0005408, -0.2054, -0.0333, 0.0, 0.0, 0.0, 0.4915, 42.40, 9.165),
    "coastal": Coefficients(12.435, 0.301, -2.615, 0.0005556, 0.0, 0.0, -0.0287, 0.0666, -0.0369, 0.4208, 62.59, 11.43),
}
#: Slopes the models speak of, degrees: above the first, up to the second.
SLOPES = (0.0, 5.0)
#: PGV below which nothing liquefies, and above which there were no observations, cm/s.
PGV_RANGE = (3.0, 150.0)
#: PGA below which nothing liquefies, g (Rashidian and Baise 2020).
LOWEST_PGA = 0.10
#: Vs30 above which nothing liquefies, m/s.
HIGHEST_VS30 = 620.0
#: Precipitation is taken as no more than this, mm.
HIGHEST_PRECIPITATION = 2500.0
#: Distance to a river is taken as no more than this, km: where the raster the models are run with ends.
FARTHEST_RIVER = 15.0
#: Standard deviation of X where no map of it is given (the U.S. Geological Survey's configuration of the model).
MODEL_STD = 0.05
#: No earthquake has another magnitude: what lies beyond (-999) is a code for "no value".
_MAGNITUDES = (-3.0, 11.0)
#: No place on earth has a higher value; m/s, mm, km, km, m. What lies beyond is a code for "no value".
_LARGEST_VS30, _LARGEST_PRECIPITATION, _LARGEST_DISTANCE, _LARGEST_DEPTH = 5000.0, 30000.0, 5000.0, 5000.0

#: Gradients of `SLOPES`.
_LOWEST_GRADIENT, _HIGHEST_GRADIENT = (math.tan(math.radians(slope)) for slope in SLOPES)
_LOWEST_PGV, _HIGHEST_PGV = PGV_RANGE
_WITHIN, _MAP, _SHAKING = map(float, (reasons.WITHIN, reasons.MAP_UNKNOWN, reasons.SHAKING_UNKNOWN))
_STEEP, _STIFF, _BELOW = map(float, (reasons.SLOPE, reasons.STIFF, reasons.SHAKING_BELOW))
_ABOVE, _LIMITED, _MAGNITUDE = map(float, (reasons.SHAKING_ABOVE, reasons.SHAKING_LIMITED, reasons.MAGNITUDE_UNKNOWN))
#: Where the rows of a strip begin: inputs, then outputs.
_PGV_AT, _PGV_STD_AT, _PGA_AT, _VS30_AT, _PRECIPITATION_AT, _COAST_AT, _RIVER_AT = (STRIP * row for row in range(7))
_WATER_TABLE_AT, _GRADIENT_AT, _MODEL_STD_AT, _EXCLUDED_AT = (STRIP * row for row in range(7, 11))
_COVERAGE_AT, _COVERAGE_STD_AT, _PROBABILITY_AT, _PROBABILITY_STD_AT, _CODE_AT = (STRIP * row for row in range(11, 16))


def liquefaction_block(*arrays: npt.NDArray[Any], model: str, model_std: float) -> tuple[npt.NDArray[Any], ...]:
    """Return coverage, its deviation, probability, its deviation and exclusion of one block.

    Parameters
    ----------
    arrays
        magnitude, one value; pgv (cm/s), pgv_std (of ln), pga (g), vs30 (m/s), precipitation (mm), distances to coast
        and river (km), depth of the water table (m), gradient (m/m), standard deviation of X (NaN: none given),
        exclusion of the shaking (NaN or 0: none); of one shape, NaN is unknown.
    model
        Key of `MODELS`.
    model_std
        Standard deviation of X where the map has none.
    """
    magnitude = float(arrays[0].reshape(-1)[0])
    return in_strips(_run, arrays[1:], (*MODELS[model], log_magnitude_scaling(magnitude), model_std))


def log_magnitude_scaling(magnitude: float) -> float:
    """Return ln MSF: how much less a short shaking liquefies than a long one; NaN for what is no magnitude."""
    low, high = _MAGNITUDES
    return -math.log1p(math.exp(-2.0 * (magnitude - 6.0))) if low <= magnitude <= high else math.nan


@inlined
def _maps_known(x: Any, i: int, needs_water_table: bool) -> bool:
    vs30 = (x[_VS30_AT + i] > 0.0) & (x[_VS30_AT + i] <= _LARGEST_VS30)
    coast = within(x[_COAST_AT + i], 0.0, _LARGEST_DISTANCE)
    river = within(x[_RIVER_AT + i], 0.0, _LARGEST_DISTANCE)
    water_table = within(x[_WATER_TABLE_AT + i], 0.0, _LARGEST_DEPTH) | (not needs_water_table)
    rain = within(x[_PRECIPITATION_AT + i], 0.0, _LARGEST_PRECIPITATION)
    return bool(vs30 & coast & river & water_table & rain & non_negative(x[_GRADIENT_AT + i]))


@inlined
def _is_weak(x: Any, i: int) -> bool:
    return bool((x[_PGV_AT + i] < _LOWEST_PGV) | (x[_PGA_AT + i] < LOWEST_PGA))


@inlined
def _reason(x: Any, i: int, needs_water_table: bool) -> float:
    """Return the code of the first reason that holds, the gravest first."""
    gradient = x[_GRADIENT_AT + i]
    code = where(x[_PGV_AT + i] > _HIGHEST_PGV, _ABOVE, _WITHIN)
    code = where(_is_weak(x, i), _BELOW, code)
    code = where((x[_EXCLUDED_AT + i] > 0.5) | (not non_negative(x[_PGV_STD_AT + i])), _LIMITED, code)
    code = where(x[_VS30_AT + i] > HIGHEST_VS30, _STIFF, code)
    code = where((gradient > _LOWEST_GRADIENT) & (gradient <= _HIGHEST_GRADIENT), code, _STEEP)
    code = where(_maps_known(x, i, needs_water_table), code, _MAP)
    return where(non_negative(x[_PGV_AT + i]) & non_negative(x[_PGA_AT + i]), code, _SHAKING)


@inlined
def _predictor(x: Any, i: int, terms: Any, log_scaling: float) -> float:
    """Return X of one cell."""
    pgv, vs30, coast = x[_PGV_AT + i], x[_VS30_AT + i], x[_COAST_AT + i]
    river, rain = at_most(x[_RIVER_AT + i], FARTHEST_RIVER), at_most(x[_PRECIPITATION_AT + i], HIGHEST_PRECIPITATION)
    water_table = where(terms[5] == 0.0, 0.0, x[_WATER_TABLE_AT + i])
    root = math.sqrt(coast)
    shaken = terms[1] * (log(at_most(pgv, _HIGHEST_PGV)) + log_scaling) + terms[2] * log(vs30) + terms[3] * rain
    general = terms[4] * at_most(coast, river) + terms[5] * water_table
    return float(terms[0] + shaken + general + terms[6] * root + terms[7] * river + terms[8] * root * river)


@compiled
def _run(x: Any, terms: Any) -> None:
    log_scaling, default_std, a, b, c = terms[12], terms[13], terms[9], terms[10], terms[11]
    magnitude_known, needs_water_table = log_scaling == log_scaling, terms[5] != 0.0
    for i in range(STRIP):
        x[_CODE_AT + i] = where(magnitude_known, _reason(x, i, needs_water_table), _MAGNITUDE)
    for i in range(STRIP):
        p = 1.0 / (1.0 + exp(-_predictor(x, i, terms, log_scaling)))
        model_std = where(non_negative(x[_MODEL_STD_AT + i]), x[_MODEL_STD_AT + i], default_std)
        from_pgv = terms[1] * deviation(x[_PGV_STD_AT + i])
        x[_PROBABILITY_AT + i] = p
        x[_PROBABILITY_STD_AT + i] = p * (1.0 - p) * math.sqrt(from_pgv * from_pgv + model_std * model_std)
    for i in range(STRIP):
        p, sigma, code = x[_PROBABILITY_AT + i], x[_PROBABILITY_STD_AT + i], x[_CODE_AT + i]
        unknown = (code == _MAP) | (code == _SHAKING) | (code == _MAGNITUDE)
        zero = (code == _STEEP) | (code == _STIFF) | _is_weak(x, i)
        fall = b * exp(-c * p)
        covered = a / ((1.0 + fall) * (1.0 + fall))
        x[_COVERAGE_AT + i] = known(where(zero, 0.0, covered), unknown)
        x[_COVERAGE_STD_AT + i] = known(2.0 * covered * c * fall / (1.0 + fall) * sigma, unknown)
        x[_PROBABILITY_AT + i] = known(where(zero, 0.0, p), unknown)
        x[_PROBABILITY_STD_AT + i] = known(sigma, unknown)
