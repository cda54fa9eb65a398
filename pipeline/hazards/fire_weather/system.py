"""One day of the Fire Weather Index System over NumPy arrays: what is refused, the codes and indices, their spread."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.hazards.fire_weather.daylength import month_factors
from pipeline.hazards.fire_weather.equations import one_day

Floats = NDArray[np.float32] | NDArray[np.float64]

#: Scale of the FFMC in Van Wagner and Pickett (1985), Eq. 1 and 10.
FFMC_CONSTANT_1985 = 147.2
#: The scale with FFMC 0 at exactly 250 % moisture, 250 x 59.5 / 101, as the Canadian Forest Service computes now.
FFMC_CONSTANT = 147.27723

#: Codes after snow melt or a long wet spell, where there is no yesterday. Lawson and Armitage (2008), Weather guide for
#: the Canadian Forest Fire Danger Rating System, Natural Resources Canada.
COLD_START = {"ffmc": 85.0, "dmc": 6.0, "dc": 15.0}

#: Codes of `exclusion`.
VALID, WEATHER_MISSING, WEATHER_IMPOSSIBLE, CODES_MISSING = 0, 1, 2, 3

#: What the air at the ground can be: degC, %, km h-1, mm in 24 h. The ends of temperature, wind and rain stand a little
#: outside the records of the World Meteorological Organization (-89.2 and 56.7 degC; 408 km h-1; 1825 mm).
POSSIBLE_WEATHER = ((-90.0, 60.0), (0.0, 100.0), (0.0, 410.0), (0.0, 1850.0))
#: What FFMC, DMC and DC can be, "1".
POSSIBLE_CODES = ((0.0, 101.0), (0.0, np.inf), (0.0, np.inf))


class Weather(NamedTuple):
    """Noon weather of one day; arrays of one shape."""

    temperature: Floats
    """degC."""
    humidity: Floats
    """Relative humidity, %."""
    wind: Floats
    """km h-1 at 10 m in the open."""
    rain: Floats
    """mm in the 24 h before noon."""


class Codes(NamedTuple):
    """Yesterday's moisture codes; arrays of one shape, units "1"."""

    ffmc: Floats
    dmc: Floats
    dc: Floats


class Indices(NamedTuple):
    """Today's codes and indices; arrays of one shape, units "1", NaN where an input was NaN."""

    ffmc: Floats
    dmc: Floats
    dc: Floats
    isi: Floats
    bui: Floats
    fwi: Floats
    dsr: Floats


class Spread(NamedTuple):
    """Standard deviations of the noon weather."""

    temperature: float
    """K."""
    humidity: float
    """Percentage points."""
    wind: float
    """km h-1."""
    rain: float
    """Fraction of the amount."""


def advance(weather: Weather, yesterday: Codes, latitude: Floats, month: int, constant: float = FFMC_CONSTANT) -> Indices:
    """Return today's codes and indices by the bare equations; see `exclusion` for what to refuse first.

    Parameters
    ----------
    weather, yesterday
        Of one floating type, which the result has too; the arithmetic is in doubles.
    latitude
        Degrees north; broadcast to the shape of the weather. Selects day lengths with `month`.
    constant
        Scale of the FFMC: `FFMC_CONSTANT` or `FFMC_CONSTANT_1985`.

    Raises
    ------
    InputError
        Where the month is none.
    """
    shape, dtype = np.shape(weather.temperature), np.asarray(weather.temperature).dtype
    flat = tuple(
        # Writeable as well, for numba compiles anew for each mixture of writeable and read-only arrays.
        np.require(np.broadcast_to(array, shape), dtype, ["C", "W"]).reshape(-1)
        for array in (*weather, *yesterday, latitude)
    )
    out = tuple(np.empty(flat[0].size, dtype) for _ in Indices._fields)
    one_day(flat, month_factors(month), constant, out)
    return Indices(*(array.reshape(shape) for array in out))


def exclusion(weather: Weather, yesterday: Codes) -> NDArray[np.uint8]:
    """Return why a cell cannot have indices; NaN is missing, outside the closed possible ranges impossible.

    0: it can. 1: weather missing. 2: weather impossible. 3: yesterday's codes missing or impossible.
    """
    codes = np.where(_outside(yesterday, POSSIBLE_CODES), CODES_MISSING, VALID)
    codes = np.where(_outside(weather, POSSIBLE_WEATHER), WEATHER_IMPOSSIBLE, codes)
    missing = np.logical_or.reduce([np.isnan(array) for array in weather])
    return np.where(missing, WEATHER_MISSING, codes).astype(np.uint8)


def _outside(arrays: tuple[Floats, ...], ranges: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    """Tell where any array is NaN or outside its closed range."""
    inside = [(array >= low) & (array <= high) for array, (low, high) in zip(arrays, ranges, strict=True)]
    return cast("NDArray[np.bool_]", ~np.logical_and.reduce(inside))


def fwi_spread(
    weather: Weather, yesterday: Codes, latitude: Floats, month: int, spread: Spread, *, constant: float = FFMC_CONSTANT
) -> Floats:
    """Return the standard deviation of the FWI that the spread of today's weather makes, "1", to first order.

    sigma**2 = sum over the four weather variables of ((F(x + s) - F(x - s)) / 2)**2: central differences one
    standard deviation wide, errors taken as independent, each variable kept within its possible range. What is left
    out: the error of yesterday's codes (it fades over 2/3 of a day, 12 and 52 days for FFMC, DMC and DC) and that of the
    equations themselves.
    """
    steps = (spread.temperature, spread.humidity, spread.wind, spread.rain * weather.rain)
    total = np.zeros_like(weather.temperature, dtype=np.float64)
    for name, step, (low, high) in zip(Weather._fields, steps, POSSIBLE_WEATHER, strict=True):
        value = getattr(weather, name)
        above = weather._replace(**{name: np.clip(value + step, low, high)})
        below = weather._replace(**{name: np.clip(value - step, low, high)})
        upper = advance(above, yesterday, latitude, month, constant).fwi
        lower = advance(below, yesterday, latitude, month, constant).fwi
        total += (0.5 * (upper.astype(np.float64) - lower)) ** 2
    return cast(Floats, np.sqrt(total).astype(weather.temperature.dtype))
