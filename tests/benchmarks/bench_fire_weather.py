"""Fire weather against xclim on the same arrays in one run; prints million cell-days per second and the ratio.

A month over 300 x 300 cells, 30 % of them rainy at random (the worst case: no block of cells is dry). Both make all
seven numbers of every day, day after day from yesterday's codes, as a daily service does; a day's grids are dropped
when the next day is made. xclim also runs the month in one call, time-contiguous, and the faster of its two ways
counts. Once with one thread each, once under two Dask threads each. Rounds alternate; the median counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import dask
import dask.array
import numpy as np
import pandas as pd
import xarray as xr
from xclim.indices.fire import fire_weather_ufunc

from pipeline.hazards.fire_weather.system import COLD_START, FFMC_CONSTANT_1985, Codes, Weather, advance

SIDE, DAYS, ROUNDS = 300, 30, 5
CELLS = SIDE * SIDE
NAMES = ("FFMC", "DMC", "DC", "ISI", "BUI", "FWI", "DSR")


def month(dtype: str) -> tuple[list[Any], Any]:
    """Return temperature, humidity, wind, rain (day, cell) and latitude (cell)."""
    random, shape = np.random.default_rng(42), (DAYS, CELLS)
    rain = np.where(random.random(shape) < 0.3, random.gamma(1, 6, shape), 0.0)
    weather = (random.normal(18, 8, shape), random.uniform(5, 100, shape), random.gamma(3, 5, shape), rain)
    return [array.astype(dtype) for array in weather], np.linspace(35, 55, CELLS).astype(dtype)


def with_hazmon(weather: list[Any], latitude: Any) -> Any:
    """Return FWI of the last day."""
    codes = Codes(*(np.full(latitude.size, value, latitude.dtype) for value in COLD_START.values()))
    for day in range(DAYS):
        today = advance(Weather(*(array[day] for array in weather)), codes, latitude, 7, FFMC_CONSTANT_1985)
        codes = Codes(*today[:3])
    return today.fwi


def xclim_days(weather: list[Any], latitude: Any, codes: dict[str, Any], days: slice) -> dict[str, Any]:
    """Return xclim's numbers of some days, from NumPy or Dask arrays alike."""
    time = pd.date_range("2024-07-01", periods=DAYS)[days]
    tas, hurs, wind, rain = (xr.DataArray(array[days], dims=("time", "x"), coords={"time": time}) for array in weather)
    lat = xr.DataArray(latitude, dims="x")
    found = fire_weather_ufunc(
        tas=tas, hurs=hurs, sfcWind=wind, pr=rain, lat=lat, **codes, indexes=list(NAMES), season_method=None
    )
    (computed,) = dask.compute(found)
    return computed


def xclim_cold(latitude: Any) -> dict[str, Any]:
    """Return the codes of the day before the first."""
    return {f"{name}0": xr.DataArray(np.full(latitude.size, v, latitude.dtype), dims="x") for name, v in COLD_START.items()}


def with_xclim_at_once(weather: list[Any], latitude: Any) -> Any:
    """Return FWI of the last day from one call for the month."""
    codes = xclim_cold(latitude)
    if dask.is_dask_collection(latitude):
        codes = {name: array.chunk(x=latitude.chunks[0]) for name, array in codes.items()}
    return xclim_days(weather, latitude, codes, slice(None))["FWI"].isel(time=-1).values


def with_xclim_daily(weather: list[Any], latitude: Any) -> Any:
    """Return FWI of the last day from one call a day."""
    codes = xclim_cold(latitude)
    for day in range(DAYS):
        today = {
            name: array.isel(time=0, drop=True)
            for name, array in xclim_days(weather, latitude, codes, slice(day, day + 1)).items()
        }
        codes = {f"{name}0": today[name.upper()] for name in COLD_START}
    return today["FWI"].values


def chunked(weather: list[Any], latitude: Any) -> tuple[list[Any], Any]:
    """Return the arrays as Dask's, whole in time and cut over the cells."""
    size = CELLS // 4
    return [dask.array.from_array(array, chunks=(DAYS, size)) for array in weather], dask.array.from_array(latitude, size)


def with_hazmon_dask(weather: list[Any], latitude: Any) -> Any:
    """Return FWI of the last day, each chunk of cells through the month on its own."""
    pieces = [[array.blocks[0, k] for array in weather] for k in range(weather[0].numblocks[1])]
    tasks = [dask.delayed(with_hazmon)(piece, latitude.blocks[k]) for k, piece in enumerate(pieces)]
    return np.concatenate(dask.compute(*tasks))


def race(ours: Callable[..., Any], theirs: list[Callable[..., Any]], arrays: tuple[Any, Any]) -> str:
    """Return both rates in M cell-days/s, the median ratio of the rounds, and the largest difference of the FWI, as text."""
    expected = [other(*arrays) for other in theirs]  # compiles
    difference = max(float(np.max(np.abs(ours(*arrays) - other))) for other in expected)
    rates, ratios = [], []
    for _ in range(ROUNDS):
        spent = [seconds(function, arrays) for function in (ours, *theirs)]
        rates.append([CELLS * DAYS / 1e6 / one for one in (spent[0], min(spent[1:]))])
        ratios.append(min(spent[1:]) / spent[0])
    mine, other = (statistics.median(column) for column in zip(*rates, strict=True))
    return (
        f"hazmon {mine:.1f}, xclim {other:.1f} M cell-days/s, ratio {statistics.median(ratios):.1f} (at least 6, aim 10); "
        f"largest difference of the FWI {difference:.1e}"
    )


def seconds(function: Callable[..., Any], arrays: tuple[Any, Any]) -> float:
    """Return how long one call takes."""
    began = perf_counter()
    function(*arrays)
    return perf_counter() - began


def main() -> None:
    """Print one line for each floating type and number of threads; the products are float32, so that line is the claim."""
    for dtype in ("float32", "float64"):
        arrays = month(dtype)
        print(f"fire_weather {dtype}, one thread each: {race(with_hazmon, [with_xclim_at_once, with_xclim_daily], arrays)}")
        with dask.config.set(scheduler="threads", num_workers=2):
            result = race(with_hazmon_dask, [with_xclim_at_once], chunked(*arrays))
        print(f"fire_weather {dtype}, two Dask threads each: {result}")


if __name__ == "__main__":
    main()
