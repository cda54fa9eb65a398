"""One value a day from steps in UTC: weather at local noon, and amounts over the 24 hours before it.

Noon is that of the mean sun: the sun of longitude L stands highest at 12 h - L / 15 UTC, so that every column of a grid
has its own noon and no political time zone or summer time enters. Longitudes are taken into [-180, 180), so the local day
changes at the 180th meridian. A fixed offset from UTC may be asked for instead.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer

from pipeline.errors import InputError
from pipeline.grid import geobox_of

_HOUR = 3600.0
_DAY = 24 * _HOUR
#: The sun's way in a second of time, s per degree.
_SECONDS_PER_DEGREE = 240.0
#: Times are whole seconds; less than one is no gap.
_TOLERANCE = 1.0


def at_local_noon(
    array: xr.DataArray,
    day: date,
    *,
    longitude: xr.DataArray | None = None,
    utc_offset: float | None = None,
    max_gap: float = 6.0,
) -> xr.DataArray:
    """Return the value at local noon of a day, dims (y, x), between two steps by linear interpolation; lazy if `array` is.

    Parameters
    ----------
    array
        dims (time, y, x); `time` is the valid time, UTC, ascending; NaN is unknown.
    day
        The local calendar day.
    longitude
        Degrees east along dims of the array; the array's own grid says it where this is None.
    utc_offset
        Hours ahead of UTC for all cells alike, instead of the sun's time.
    max_gap
        Longest gap between two steps that is interpolated across, hours.

    Returns
    -------
    xr.DataArray
        NaN where noon lies outside the steps or in too long a gap, and where a step that counts is unknown.

    Raises
    ------
    InputError
        Where the array has no ascending `time` as its first dimension.
    """
    times = _seconds(array, "time")
    noon = _noon(array, day, longitude, utc_offset)
    later = np.clip(np.searchsorted(times, noon.values, side="left"), 0, len(times) - 1)
    exact = times[later] == noon.values
    earlier = np.where(exact, later, np.maximum(later - 1, 0))
    gap = times[later] - times[earlier]
    share = np.where(gap > 0, (noon.values - times[earlier]) / np.where(gap > 0, gap, 1.0), 1.0)
    known = exact | ((noon.values > times[earlier]) & (noon.values < times[later]) & (gap <= max_gap * _HOUR))
    weights = np.stack([(later == k) * share + (earlier == k) * (1.0 - share) for k in range(len(times))])
    found = _weighted(array, weights * known, known, noon.dims)
    return found.assign_attrs({**array.attrs, "cell_methods": "time: point (local noon)"})


def total_to_local_noon(
    array: xr.DataArray, day: date, *, longitude: xr.DataArray | None = None, utc_offset: float | None = None
) -> xr.DataArray:
    """Return the amount in the 24 hours that end at local noon of a day, dims (y, x); lazy if `array` is.

    Parameters
    ----------
    array
        dims (time, y, x): amounts over the intervals (start, time]; `time` ascending, the coordinate `start` along `time`,
        both UTC; NaT where there is no interval. An interval that noon cuts counts by its share. Of intervals that
        overlap the one that ends last counts.
    day, longitude, utc_offset
        As for `at_local_noon`.

    Returns
    -------
    xr.DataArray
        NaN where the intervals do not cover all of the 24 hours or one that counts is unknown: never a part as the whole.

    Raises
    ------
    InputError
        Where `time` or `start` is missing, or an interval ends before it starts.
    """
    ends, starts = _seconds(array, "time"), _seconds(array, "start")
    lengths = ends - starts
    if (lengths <= 0).any():
        raise InputError(f"{array.name or 'array'}: coordinate 'start' is not before 'time'; expected intervals (start, time]")
    noon = _noon(array, day, longitude, utc_offset)
    shape = (len(ends), *(1 for _ in noon.shape))
    overlap = np.minimum(ends.reshape(shape), noon.values) - np.maximum(starts.reshape(shape), noon.values - _DAY)
    overlap = np.clip(overlap, 0.0, None) * _counting(starts, ends).reshape(shape)
    overlap = np.nan_to_num(overlap)
    known = overlap.sum(axis=0) >= _DAY - _TOLERANCE
    weights = np.where(overlap > 0, overlap / lengths.reshape(shape), 0.0)
    found = _weighted(array, weights * known, known, noon.dims)
    return found.assign_attrs({**array.attrs, "cell_methods": "time: sum (24 hours to local noon)"})


def _counting(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which intervals count when, from the last backwards, one that reaches into a counted one does not."""
    counts = np.zeros(len(ends), bool)
    free_before = np.inf
    for index in reversed(range(len(ends))):
        if np.isfinite(starts[index]) and ends[index] <= free_before + _TOLERANCE:
            counts[index] = True
            free_before = starts[index]
    return counts


def _weighted(
    array: xr.DataArray, weights: NDArray[np.float64], known: NDArray[np.bool_], dims: tuple[Any, ...]
) -> xr.DataArray:
    """Return the sum over time of weight times value; steps of weight 0 do not count even where they are NaN."""
    total = xr.zeros_like(array.isel(time=0, drop=True))
    for index in np.flatnonzero(weights.reshape(len(weights), -1).any(axis=1)):
        weight = xr.DataArray(weights[index].astype(array.dtype), dims=dims)
        total = total + (array.isel(time=index, drop=True) * weight).where(weight > 0, weight.dtype.type(0))
    extra = [name for name, coordinate in array.coords.items() if "time" in coordinate.dims and name in total.coords]
    return total.where(xr.DataArray(known, dims=dims)).drop_vars(extra).transpose(*array.dims[1:]).rename(array.name)


def _noon(array: xr.DataArray, day: date, longitude: xr.DataArray | None, utc_offset: float | None) -> xr.DataArray:
    """Return local noon as seconds since 1970, along the dims that longitude varies on."""
    midday = float(np.datetime64(day, "s").astype(np.int64)) + _DAY / 2
    if utc_offset is not None:
        return xr.DataArray(midday - utc_offset * _HOUR)
    degrees = _longitude(array) if longitude is None else longitude
    west_to_east = (degrees.astype(np.float64) + 180.0) % 360.0 - 180.0
    return xr.DataArray(np.round(midday - west_to_east.values * _SECONDS_PER_DEGREE), dims=degrees.dims)


def _longitude(array: xr.DataArray) -> xr.DataArray:
    """Return the longitude of each column, or of each cell where the grid is projected."""
    crs = geobox_of(array).crs
    vertical, horizontal = (array[dim] for dim in array.dims[-2:])
    if crs is None or crs.geographic:
        return xr.DataArray(horizontal.values, dims=horizontal.dims)
    x, y = np.meshgrid(horizontal.values, vertical.values)
    degrees = Transformer.from_crs(crs.to_wkt(), "EPSG:4326", always_xy=True).transform(x, y)[0]
    return xr.DataArray(degrees, dims=(*vertical.dims, *horizontal.dims))


def _seconds(array: xr.DataArray, name: str) -> NDArray[np.float64]:
    """Return a coordinate of times along the first dimension, `time`, as seconds since 1970; NaN for NaT."""
    if (
        array.dims[:1] != ("time",)
        or name not in array.coords
        or array.coords[name].dims != ("time",)
        or not array.sizes["time"]
    ):
        raise InputError(
            f"{array.name or 'array'}: dims {array.dims}, coordinates {list(array.coords)}; "
            f"expected steps along a first dimension 'time' with the coordinate {name!r}"
        )
    moments = array.coords[name].values.astype("datetime64[s]")
    seconds = np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
    if name == "time" and not (np.diff(seconds) > 0).all():
        raise InputError(f"{array.name or 'array'}: coordinate 'time' does not ascend")
    return seconds
