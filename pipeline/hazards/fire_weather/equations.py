"""The equations of the Canadian Forest Fire Weather Index System for one cell, and the pass that runs them over blocks.

Three moisture codes carry yesterday's moisture into today, rain first and then the noon weather: fine fuel moisture
code (FFMC), duff moisture code (DMC), drought code (DC). From them come the initial spread index (ISI), the buildup
index (BUI), the fire weather index (FWI) and the daily severity rating (DSR).

Equation numbers are those of Van Wagner and Pickett (1985), Equations and FORTRAN program for the Canadian Forest
Fire Weather Index System, Canadian Forestry Service, Forestry Technical Report 33; the reasons are in Van Wagner
(1987), Development and structure of the Canadian Forest Fire Weather Index System, Forestry Technical Report 35.

Scalars are doubles: temperature degC, relative humidity %, wind speed km h-1, 24 h rain mm, moisture % of dry weight, codes
"1". NaN in gives NaN out. These are the bare equations: impossible input is refused before them.

The pieces are small because a loop over one or two exponentials keeps the processor busy, while a loop over a
whole index waits for its own chain of results (measured: half the time for the FWI cut in three). They stand in one
file with the pass because numba's cache sees only changes of the file that holds the cached function.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.elementary import compiled, exp, inlined, log, where

_LN_10 = 2.302585092994046
_LN_100 = 4.605170185988092
_LN_00114 = -4.474141923581687


@inlined
def moisture_of_ffmc(ffmc: float, constant: float) -> float:
    """Return the fine fuel moisture that an FFMC stands for (Eq. 1); `constant` is its scale, 147.2 in 1985."""
    return constant * (101.0 - ffmc) / (59.5 + ffmc)


@inlined
def wet_fine_fuel(moisture: float, rain: float) -> float:
    """Return the fine fuel moisture after the day's rain (Eq. 2 and 3)."""
    effective = rain - 0.5
    gained = 42.5 * effective * exp(-100.0 / (251.0 - moisture)) * (1.0 - exp(-6.93 / effective))
    excess = moisture - 150.0
    soaked = 0.0015 * (excess * excess) * math.sqrt(effective)
    wetted = moisture + gained + where(moisture > 150.0, soaked, 0.0)
    wetted = where(wetted > 250.0, 250.0, wetted)
    return where(rain > 0.5, wetted, moisture)


@inlined
def _warmth(temperature: float, humidity: float) -> float:
    return 0.18 * (21.1 - temperature) * (1.0 - exp(-0.115 * humidity))


@inlined
def _damp(humidity: float) -> float:
    return exp(0.1 * humidity - 10.0)


@inlined
def _drying_to(log_humidity: float, damp: float, warmth: float) -> float:
    """Return the moisture in equilibrium when drying (Eq. 4)."""
    return 0.942 * exp(0.679 * log_humidity) + 11.0 * damp + warmth


@inlined
def _wetting_to(log_humidity: float, damp: float, warmth: float) -> float:
    """Return the moisture in equilibrium when wetting (Eq. 5)."""
    return 0.618 * exp(0.753 * log_humidity) + 10.0 * damp + warmth


@inlined
def _log_share(humidity: float, log_humidity: float, dries: bool) -> float:
    """Return the logarithm of H/100 when drying, of (100-H)/100 when wetting."""
    return where(dries, log_humidity - _LN_100, log(0.01 * (100.0 - humidity)))


@inlined
def _rate(log_share: float, share: float, wind: float) -> float:
    """Return the drying or wetting rate at 21.1 degC (Eq. 6a, 7a)."""
    square = share * share
    fourth = square * square
    return 0.424 * (1.0 - exp(1.7 * log_share)) + 0.0694 * math.sqrt(wind) * (1.0 - fourth * fourth)


@inlined
def _approach(moisture: float, target: float, rate: float, temperature: float) -> float:
    """Return the moisture after a day's approach to equilibrium (Eq. 6b, 7b, 8, 9)."""
    return target + (moisture - target) * exp(-_LN_10 * 0.581 * rate * exp(0.0365 * temperature))


@inlined
def _settle(moisture: float, reached: float, drying_to: float, wetting_to: float) -> float:
    """Return the moisture reached, or the old one where it lies between the two equilibria."""
    moves = (moisture > drying_to) | ((moisture < drying_to) & (moisture < wetting_to))
    return where(moves | (drying_to != drying_to), reached, moisture)


@inlined
def ffmc_of_moisture(moisture: float, constant: float) -> float:
    """Return the FFMC of a fine fuel moisture (Eq. 10), within 0 to 101."""
    code = 59.5 * (250.0 - moisture) / (constant + moisture)
    code = where(code > 101.0, 101.0, code)
    return where(code < 0.0, 0.0, code)


@compiled
def fine_fuel_moisture_code(
    temperature: float, humidity: float, wind: float, rain: float, yesterday: float, constant: float
) -> float:
    """Return today's FFMC from the noon weather and yesterday's."""
    moisture = wet_fine_fuel(moisture_of_ffmc(yesterday, constant), rain)
    log_humidity, damp, warmth = log(humidity), _damp(humidity), _warmth(temperature, humidity)
    drying_to, wetting_to = _drying_to(log_humidity, damp, warmth), _wetting_to(log_humidity, damp, warmth)
    dries = moisture > drying_to
    share = 0.01 * where(dries, humidity, 100.0 - humidity)
    rate = _rate(_log_share(humidity, log_humidity, dries), share, wind)
    reached = _approach(moisture, where(dries, drying_to, wetting_to), rate, temperature)
    return ffmc_of_moisture(_settle(moisture, reached, drying_to, wetting_to), constant)


@inlined
def _free_duff_moisture(dmc: float, log_dmc: float, rain: float) -> float:
    """Return the duff moisture above 20 % after rain (Eq. 11 to 14)."""
    effective = 0.92 * rain - 1.27
    slope = where(dmc <= 65.0, 14.0 - 1.3 * log_dmc, 6.2 * log_dmc - 17.2)
    slope = where(dmc <= 33.0, 100.0 / (0.5 + 0.3 * dmc), slope)
    return 280.0 * exp(-0.023 * dmc) + 1000.0 * effective / (48.77 + slope * effective)


@inlined
def _dmc_of_moisture(free: float, dmc: float, rain: float) -> float:
    """Return the DMC of a duff moisture above 20 % where it rained (Eq. 15), at least 0."""
    wetted = where(rain > 1.5, 43.43 * (5.6348 - log(free)), dmc)
    return where(wetted < 0.0, 0.0, wetted)


@inlined
def _dry_duff(dmc: float, temperature: float, humidity: float, day_length: float) -> float:
    """Return the DMC after a day of drying (Eq. 16 and 17), at least 0."""
    warmth = where(temperature < -1.1, -1.1, temperature) + 1.1
    dried = dmc + 1.894e-4 * warmth * (100.0 - humidity) * day_length
    return where(dried < 0.0, 0.0, dried)


@compiled
def duff_moisture_code(temperature: float, humidity: float, rain: float, yesterday: float, day_length: float) -> float:
    """Return today's DMC from the noon weather, yesterday's and the effective day length, hours."""
    wetted = _dmc_of_moisture(_free_duff_moisture(yesterday, log(yesterday), rain), yesterday, rain)
    return _dry_duff(wetted, temperature, humidity, day_length)


@inlined
def _wet_drought(dc: float, rain: float) -> float:
    """Return the DC after the day's rain (Eq. 18 to 21), at least 0."""
    effective = 0.83 * rain - 1.27
    wetted = dc - 400.0 * log(1.0 + 3.937 * effective * exp(dc * 0.0025) * 0.00125)
    wetted = where(wetted < 0.0, 0.0, wetted)
    return where(rain > 2.8, wetted, dc)


@inlined
def _dry_drought(dc: float, temperature: float, factor: float) -> float:
    """Return the DC after a day of evapotranspiration (Eq. 22 and 23), at least 0."""
    warmth = where(temperature < -2.8, -2.8, temperature) + 2.8
    lost = 0.5 * (0.36 * warmth + factor)
    dried = dc + where(lost < 0.0, 0.0, lost)
    return where(dried < 0.0, 0.0, dried)


@compiled
def drought_code(temperature: float, rain: float, yesterday: float, factor: float) -> float:
    """Return today's DC from the noon weather, yesterday's and the seasonal day-length adjustment."""
    return _dry_drought(_wet_drought(yesterday, rain), temperature, factor)


@inlined
def _spread(log_moisture: float, moisture: float, wind: float) -> float:
    """Return the ISI of a fine fuel moisture and a wind speed (Eq. 24 to 26)."""
    fuel = 1.0 + exp(5.31 * log_moisture) / 4.93e7
    return 0.208 * 91.9 * exp(0.05039 * wind - 0.1386 * moisture) * fuel


@compiled
def initial_spread_index(ffmc: float, wind: float, constant: float) -> float:
    """Return the ISI of an FFMC and the noon wind speed."""
    moisture = moisture_of_ffmc(ffmc, constant)
    return _spread(log(moisture), moisture, wind)


@inlined
def _buildup(log_dmc: float, dmc: float, dc: float) -> float:
    """Return the BUI (Eq. 27), at least 0; 0 where both codes are 0."""
    total = dmc + 0.4 * dc
    share = 0.8 * dc / where(total == 0.0, 1.0, total)
    deep = dmc - (1.0 - share) * (0.92 + exp(1.7 * (log_dmc + _LN_00114)))
    deep = where(deep < 0.0, 0.0, deep)
    return where(dmc <= 0.4 * dc, share * dmc, deep)


@compiled
def buildup_index(dmc: float, dc: float) -> float:
    """Return the BUI of a DMC and a DC."""
    return _buildup(log(dmc), dmc, dc)


@inlined
def _intensity(log_bui: float, bui: float, isi: float) -> float:
    """Return the fire intensity in its own scale (Eq. 28 and 29)."""
    heavy = bui > 80.0
    grown = exp(where(heavy, -0.023 * bui, 0.809 * log_bui))
    return 0.1 * isi * where(heavy, 1000.0 / (25.0 + 108.64 * grown), 0.626 * grown + 2.0)


@inlined
def _log_fwi(log_intensity: float, log_log: float) -> float:
    """Return the logarithm of the FWI (Eq. 30); `log_log` is log(0.434 log B)."""
    return where(log_intensity > 0.0, 2.72 * exp(0.647 * log_log), log_intensity)


@inlined
def _fwi_of(intensity: float, log_fwi: float) -> float:
    return where(intensity > 1.0, exp(log_fwi), intensity)


@inlined
def _severity(log_fwi: float) -> float:
    """Return the DSR, 0.0272 FWI**1.77 (Van Wagner 1987, Eq. 31)."""
    return 0.0272 * exp(1.77 * log_fwi)


@compiled
def fire_weather_index(isi: float, bui: float) -> tuple[float, float]:
    """Return the FWI and the DSR of an ISI and a BUI."""
    intensity = _intensity(log(bui), bui, isi)
    log_intensity = log(intensity)
    log_fwi = _log_fwi(log_intensity, log(0.434 * log_intensity))
    return _fwi_of(intensity, log_fwi), _severity(log_fwi)


#: Cells of one block: its rows of doubles fit the first cache. A multiple of every vector width.
BLOCK = 256
#: Offsets of the rows in the scratch array: weather, codes, latitude, indices, three rows for intermediate results
#: (`_A`, `_B`, `_C`) and the four rows in which rainy cells are gathered.
_T, _H, _W, _R, _F, _P, _D, _L, _ISI, _BUI, _FWI, _DSR, _A, _B, _C, _WF, _WP, _WD, _WR = (BLOCK * row for row in range(19))
_ROWS = 19


@inlined
def _wet(x: NDArray[np.float64], rainy: NDArray[np.int64]) -> None:
    """Let rain wet the codes of a block: rainy cells are gathered, wetted and put back."""
    count = numba.uint64(0)
    for i in range(BLOCK):
        rainy[count] = i
        count += numba.uint64(x[_R + i] > 0.5)
    for k in range(count):
        i = rainy[k]
        x[_WF + k], x[_WP + k], x[_WD + k], x[_WR + k] = x[_F + i], x[_P + i], x[_D + i], x[_R + i]
    padded = min(BLOCK, (numba.int64(count) + 7) // 8 * 8)
    for k in range(padded):
        x[_WF + k] = wet_fine_fuel(x[_WF + k], x[_WR + k])
    for k in range(padded):
        x[_A + k] = log(x[_WP + k])
    for k in range(padded):
        x[_B + k] = _free_duff_moisture(x[_WP + k], x[_A + k], x[_WR + k])
    for k in range(padded):
        x[_WP + k] = _dmc_of_moisture(x[_B + k], x[_WP + k], x[_WR + k])
    for k in range(padded):
        x[_WD + k] = _wet_drought(x[_WD + k], x[_WR + k])
    for k in range(count):
        i = rainy[k]
        x[_F + i], x[_P + i], x[_D + i] = x[_WF + k], x[_WP + k], x[_WD + k]


@inlined
def _dry_surface(x: NDArray[np.float64], constant: float) -> None:
    """Dry or wet the fine fuel of a block towards equilibrium; leaves the FFMC."""
    drying, wetting = _ISI, _BUI
    for i in range(BLOCK):
        x[_A + i] = log(x[_H + i])
    for i in range(BLOCK):
        x[_B + i] = _warmth(x[_T + i], x[_H + i])
        x[_C + i] = _damp(x[_H + i])
    for i in range(BLOCK):
        x[drying + i] = _drying_to(x[_A + i], x[_C + i], x[_B + i])
        x[wetting + i] = _wetting_to(x[_A + i], x[_C + i], x[_B + i])
    for i in range(BLOCK):
        x[_A + i] = _log_share(x[_H + i], x[_A + i], x[_F + i] > x[drying + i])
    for i in range(BLOCK):
        share = 0.01 * where(x[_F + i] > x[drying + i], x[_H + i], 100.0 - x[_H + i])
        x[_A + i] = _rate(x[_A + i], share, x[_W + i])
    for i in range(BLOCK):
        moisture = x[_F + i]
        target = where(moisture > x[drying + i], x[drying + i], x[wetting + i])
        reached = _approach(moisture, target, x[_A + i], x[_T + i])
        x[_F + i] = ffmc_of_moisture(_settle(moisture, reached, x[drying + i], x[wetting + i]), constant)


@inlined
def _dry_depth(x: NDArray[np.float64], factors: tuple[float, ...]) -> None:
    """Dry the duff and the deep layer of a block by the day length of latitude and month."""
    for i in range(BLOCK):
        lat = x[_L + i]
        length = where(lat > -30.0, factors[1], factors[0])
        length = where(lat > -10.0, factors[2], length)
        length = where(lat > 10.0, factors[3], length)
        x[_P + i] = _dry_duff(x[_P + i], x[_T + i], x[_H + i], where(lat > 30.0, factors[4], length))
        factor = where(lat > -20.0, factors[6], factors[5])
        x[_D + i] = _dry_drought(x[_D + i], x[_T + i], where(lat > 20.0, factors[7], factor))


@inlined
def _behave(x: NDArray[np.float64], constant: float) -> None:
    """Make the ISI and BUI of a block from its codes and wind."""
    for i in range(BLOCK):
        x[_A + i] = moisture_of_ffmc(x[_F + i], constant)
    for i in range(BLOCK):
        x[_B + i] = log(x[_A + i])
    for i in range(BLOCK):
        x[_ISI + i] = _spread(x[_B + i], x[_A + i], x[_W + i])
    for i in range(BLOCK):
        x[_A + i] = log(x[_P + i])
    for i in range(BLOCK):
        x[_BUI + i] = _buildup(x[_A + i], x[_P + i], x[_D + i])


@inlined
def _rate_fire(x: NDArray[np.float64]) -> None:
    """Make the FWI and DSR of a block from its ISI and BUI."""
    for i in range(BLOCK):
        x[_A + i] = log(x[_BUI + i])
    for i in range(BLOCK):
        x[_FWI + i] = _intensity(x[_A + i], x[_BUI + i], x[_ISI + i])
    for i in range(BLOCK):
        x[_A + i] = log(x[_FWI + i])
    for i in range(BLOCK):
        x[_B + i] = log(0.434 * x[_A + i])
    for i in range(BLOCK):
        x[_C + i] = _log_fwi(x[_A + i], x[_B + i])
    for i in range(BLOCK):
        x[_FWI + i] = _fwi_of(x[_FWI + i], x[_C + i])
    for i in range(BLOCK):
        x[_DSR + i] = _severity(x[_C + i])


@inlined
def _load(x: NDArray[np.float64], row: int, values: NDArray[Any]) -> None:
    for i in range(values.size):
        x[row + i] = values[i]


@inlined
def _store(x: NDArray[np.float64], row: int, values: NDArray[Any]) -> None:
    for i in range(values.size):
        values[i] = x[row + i]


@compiled
def one_day(inputs: Any, factors: tuple[float, ...], constant: float, out: Any) -> None:
    """Fill `out`, seven arrays of n cells: FFMC, DMC, DC, ISI, BUI, FWI and DSR.

    `inputs` are temperature, humidity, wind, rain, then yesterday's FFMC, DMC and DC, then latitude, degrees north:
    one-dimensional arrays of one length; `factors` is `daylength.month_factors(month)`.
    """
    temperature, humidity, wind, rain, ffmc, dmc, dc, latitude = inputs
    x, rainy = np.zeros(_ROWS * BLOCK), np.zeros(BLOCK + 1, np.int64)
    for start in range(0, temperature.size, BLOCK):
        cells = slice(start, min(start + BLOCK, temperature.size))
        _load(x, _T, temperature[cells])
        _load(x, _H, humidity[cells])
        _load(x, _W, wind[cells])
        _load(x, _R, rain[cells])
        _load(x, _F, ffmc[cells])
        _load(x, _P, dmc[cells])
        _load(x, _D, dc[cells])
        _load(x, _L, latitude[cells])
        for i in range(BLOCK):
            x[_F + i] = moisture_of_ffmc(x[_F + i], constant)
        _wet(x, rainy)
        _dry_surface(x, constant)
        _dry_depth(x, factors)
        _behave(x, constant)
        _rate_fire(x)
        _store(x, _F, out[0][cells])
        _store(x, _P, out[1][cells])
        _store(x, _D, out[2][cells])
        _store(x, _ISI, out[3][cells])
        _store(x, _BUI, out[4][cells])
        _store(x, _FWI, out[5][cells])
        _store(x, _DSR, out[6][cells])
