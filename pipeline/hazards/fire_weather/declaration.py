"""The fire weather layer: Canadian Fire Weather Index of one day, with danger class, spread and exclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer

from pipeline.errors import InputError
from pipeline.grid import geobox_of
from pipeline.hazards.fire_weather.system import (
    FFMC_CONSTANT,
    VALID,
    Codes,
    Floats,
    Indices,
    Spread,
    Weather,
    advance,
    exclusion,
    fwi_spread,
)
from pipeline.layer import Answers, Variable, blockwise, layer

#: Lower edges of the classes above "very low". European Forest Fire Information System (Joint Research Centre), fire danger
#: classes for Europe, upper bound excluded; 70 divides "extreme".
EFFIS_EUROPE = (5.2, 11.2, 21.3, 38.0, 50.0, 70.0)

DANGER = {0: "very low", 1: "low", 2: "moderate", 3: "high", 4: "very high", 5: "extreme", 6: "very extreme"}
_DANGER_COLOURS: dict[float, str] = dict(
    enumerate(("#3c8d40", "#9bc53d", "#ffe14d", "#f79d1e", "#e0401c", "#8c1515", "#3b0a2a"))
)
_FWI_COLOURS = dict(zip((0.0, *EFFIS_EUROPE), _DANGER_COLOURS.values(), strict=True))

EXCLUSION = {0: "valid", 1: "weather missing", 2: "weather impossible", 3: "codes of yesterday missing"}
_EXCLUSION_COLOURS: dict[float, str] = {0: "#ffffff", 1: "#9e9e9e", 2: "#7b1fa2", 3: "#455a64"}

_CODES = {"ffmc": "fine fuel moisture code", "dmc": "duff moisture code", "dc": "drought code"}
_INDICES = {
    "isi": "initial spread index",
    "bui": "buildup index",
    "fwi": "fire weather index",
    "dsr": "daily severity rating",
}


@layer(
    title="Fire weather (Canadian Forest Fire Weather Index System)",
    inputs={
        "temperature": Variable("degC", "air temperature at local noon", standard_name="air_temperature"),
        "relative_humidity": Variable("%", "relative humidity at local noon", standard_name="relative_humidity"),
        "wind_speed": Variable("km h-1", "10 m wind speed at local noon", standard_name="wind_speed"),
        "precipitation": Variable(
            "kg m-2", "precipitation in the 24 h before local noon", standard_name="precipitation_amount"
        ),
        **{name: Variable("1", f"{text} of the day before") for name, text in _CODES.items()},
    },
    outputs={
        **{name: Variable("1", text) for name, text in {**_CODES, **_INDICES}.items() if name != "fwi"},
        "fwi": Variable("1", _INDICES["fwi"], colours=_FWI_COLOURS),
        "fwi_std": Variable("1", "standard deviation of the fire weather index from the spread of the weather"),
        "danger": Variable(
            "1", "fire danger class, EFFIS (Europe)", dtype="uint8", nodata=255, labels=DANGER, colours=_DANGER_COLOURS
        ),
        "exclusion": Variable(
            "1", "why the index is unknown", dtype="uint8", nodata=255, labels=EXCLUSION, colours=_EXCLUSION_COLOURS
        ),
    },
    answers=Answers(estimate="fwi", uncertainty="fwi_std", exclusion="exclusion"),
    source="Van Wagner and Pickett (1985), Forestry Technical Report 33, Eq. 1-30; Van Wagner (1987), Report 35, Eq. 31",
    version="1.0.0",
)
def fire_weather(
    temperature: xr.DataArray,
    relative_humidity: xr.DataArray,
    wind_speed: xr.DataArray,
    precipitation: xr.DataArray,
    ffmc: xr.DataArray,
    dmc: xr.DataArray,
    dc: xr.DataArray,
    *,
    ffmc_constant: float = FFMC_CONSTANT,
    thresholds: Sequence[float] = EFFIS_EUROPE,
    temperature_std: float = 1.5,
    relative_humidity_std: float = 10.0,
    wind_speed_std: float = 5.0,
    precipitation_relative_std: float = 0.3,
) -> Mapping[str, xr.DataArray]:
    """Return the codes and indices of one day, the danger class, the spread of the FWI and why a cell is unknown.

    Parameters
    ----------
    temperature, relative_humidity, wind_speed, precipitation
        Weather at local noon, dims (y, x), with the day as a scalar coordinate `time`; NaN is unknown.
    ffmc, dmc, dc
        The day before, dims (y, x); the float32 products of this layer, so that a restart equals a continuous run.
    ffmc_constant
        Scale of the FFMC, "1": 147.27723 as the Canadian Forest Service, 147.2 as in 1985.
    thresholds
        Ascending lower edges of the classes above "very low", "1"; each class contains its lower edge.
    temperature_std, relative_humidity_std, wind_speed_std, precipitation_relative_std
        Standard deviations of the weather in K, percentage points, km h-1 and as a fraction; about those of a one-day
        forecast against stations. `fwi_std` is their first-order effect and leaves out the error of the codes.

    Raises
    ------
    InputError
        Where `time` is missing or the thresholds do not ascend.
    """
    edges = _edges(thresholds)
    vertical, horizontal = (
        temperature[dim].astype("float64").drop_vars("spatial_ref", errors="ignore") for dim in temperature.dims[-2:]
    )
    crs = geobox_of(temperature).crs
    names = (*Indices._fields, "fwi_std", "danger", "exclusion")
    arrays = blockwise(
        _block,
        *(temperature, relative_humidity, wind_speed, precipitation, ffmc, dmc, dc, vertical, horizontal),
        dtypes=["float32"] * 8 + ["uint8"] * 2,
        month=_month(temperature),
        constant=float(ffmc_constant),
        edges=edges,
        spread=Spread(temperature_std, relative_humidity_std, wind_speed_std, precipitation_relative_std),
        crs=None if crs is None or crs.geographic else crs.to_wkt(),
    )
    return dict(zip(names, arrays, strict=True))


def _month(array: xr.DataArray) -> int:
    time = array.coords.get("time")
    if time is None or time.ndim:
        raise InputError(f"fire_weather: {array.name!r} has no scalar coordinate 'time'; expected the day as datetime64")
    return int(time.dt.month)


def _edges(thresholds: Sequence[float]) -> tuple[float, ...]:
    edges = tuple(float(value) for value in thresholds)
    if not 1 <= len(edges) < len(DANGER) or any(low >= high for low, high in pairwise(edges)):
        raise InputError(f"fire_weather: thresholds {edges}: expected 1 to {len(DANGER) - 1} ascending numbers")
    return edges


def _block(
    *arrays: NDArray[Any], month: int, constant: float, edges: tuple[float, ...], spread: Spread, crs: str | None
) -> Any:
    """Return the ten outputs of one block; excluded cells are NaN (255 for the class)."""
    *gridded, vertical, horizontal = arrays
    floats: list[Floats] = [np.asarray(array, np.float32) for array in gridded]
    weather, yesterday = Weather(*floats[:4]), Codes(*floats[4:])
    latitude = vertical if crs is None else _latitudes(crs, vertical, horizontal)
    unknown = exclusion(weather, yesterday)
    with np.errstate(all="ignore"):
        indices = advance(weather, yesterday, latitude, month, constant)
        deviation = fwi_spread(weather, yesterday, latitude, month, spread, constant=constant)
    sealed = [np.where(unknown == VALID, array, np.float32(np.nan)) for array in (*indices, deviation)]
    # The edges in float32 too: a stored 5.2 belongs to the class that begins with 5.2.
    danger = np.searchsorted(np.asarray(edges, np.float32), indices.fwi, side="right")
    return (*sealed, np.where(unknown == VALID, danger, 255).astype(np.uint8), unknown)


def _latitudes(crs: str, vertical: NDArray[np.float64], horizontal: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = np.broadcast_arrays(horizontal, vertical)
    latitude: NDArray[np.float64] = _to_degrees(crs).transform(x, y)[1]
    return latitude


@lru_cache(maxsize=16)
def _to_degrees(crs: str) -> Transformer:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
