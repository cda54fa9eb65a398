"""One time series out of many model cycles: for each valid time the value of the newest cycle that has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from pipeline.errors import InputError


def newest_per_time(arrays: Sequence[xr.DataArray]) -> xr.DataArray:
    """Return one array along `time`, each valid time taken from the array with the latest `reference_time`.

    Parameters
    ----------
    arrays
        dims (time, y, x) with a scalar coordinate `reference_time`; on one grid.

    Raises
    ------
    InputError
        Where there is none, or one names no cycle.
    """
    if not arrays:
        raise InputError("no model cycle to take a time series from")
    nameless = [array.name for array in arrays if "reference_time" not in array.coords]
    if nameless:
        raise InputError(f"{nameless}: coordinate reference_time is missing; expected the time of the model cycle")
    arrays = [_without_empty_interval(array) for array in arrays]
    kept: list[xr.DataArray] = []
    seen: set[np.datetime64] = set()
    for array in sorted(arrays, key=lambda a: a["reference_time"].values, reverse=True):
        fresh = [index for index, time in enumerate(array["time"].values) if time not in seen]
        seen.update(array["time"].values)
        if fresh:
            kept.append(array.isel(time=fresh).drop_vars(["reference_time", "lead"], errors="ignore"))
    joined = xr.concat(kept, dim="time", coords="minimal", compat="override", combine_attrs="override")
    return joined.sortby("time")


def _without_empty_interval(array: xr.DataArray) -> xr.DataArray:
    """Leave out step 0 of an amount: no interval ends there, and the cycle before knows the one that does."""
    if "start" not in array.coords:
        return array
    return array.isel(time=np.flatnonzero(~np.isnat(array["start"].values)))
