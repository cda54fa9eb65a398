"""Variables a feed does not give, derived from those it does, by CF standard name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import xarray as xr

from pipeline.errors import InputError
from pipeline.units import require

#: Magnus form over water, "1" and degC. Alduchov and Eskridge (1996), Improved Magnus form approximation of saturation
#: vapor pressure, doi:10.1175/1520-0450(1996)035<0601:IMFAOS>2.0.CO;2, Eq. 21 (within 0.4 % from -40 to 50 degC).
_MAGNUS_A, _MAGNUS_B = 17.625, 243.04

#: How far packing and rounding may lift a dew point above the temperature, K; farther is a fault of the data.
DEW_POINT_TOLERANCE = 1.0


@dataclass(frozen=True, slots=True)
class Derivation:
    """How one variable is made from others."""

    ingredients: tuple[str, ...]
    """CF standard names, in the order of the function's arguments."""
    units: str
    """Of the result, UDUNITS."""
    formula: Callable[..., xr.DataArray]


def derive(dataset: xr.Dataset, variable: str) -> xr.DataArray:
    """Return a variable of the dataset, or the same derived from its ingredients; lazy where these are.

    Parameters
    ----------
    dataset
        Variables under their CF standard names, with `units`; NaN is unknown and stays so.
    variable
        CF standard name: any in the dataset, or `relative_humidity` or `wind_speed`.

    Raises
    ------
    InputError
        Where neither the variable nor all its ingredients are there.
    UnitsError
        Where an ingredient has no units or those of something else.
    """
    if variable in dataset:
        return dataset[variable]
    recipe = DERIVATIONS.get(variable)
    found = sorted(str(name) for name in dataset.data_vars)
    if recipe is None:
        raise InputError(f"variable {variable!r} is not among {found}, and can be derived from nothing")
    missing = [name for name in recipe.ingredients if name not in dataset]
    if missing:
        raise InputError(f"variable {variable!r} is not among {found}; to derive it, {missing} are missing")
    derived = recipe.formula(*(dataset[name] for name in recipe.ingredients))
    attributes = {"units": recipe.units, "standard_name": variable, "derived_from": " ".join(recipe.ingredients)}
    result: xr.DataArray = derived.rename(variable)
    result.attrs = attributes
    return result


def relative_humidity(temperature: xr.DataArray, dew_point: xr.DataArray) -> xr.DataArray:
    """Return relative humidity over water, %, from air and dew-point temperature of any units of temperature.

    RH = 100 e(Td) / e(T), e(t) = exp(17.625 t / (243.04 + t)), t in degC (Alduchov and Eskridge 1996, Eq. 21), at most
    100; NaN where the dew point is more than `DEW_POINT_TOLERANCE` above the temperature.
    """
    air, dew = require(temperature, "degC"), require(dew_point, "degC")
    exponent = _MAGNUS_A * (dew / (_MAGNUS_B + dew) - air / (_MAGNUS_B + air))
    humidity = (100.0 * cast(xr.DataArray, np.exp(exponent))).clip(max=100.0)
    return humidity.where(dew - air <= DEW_POINT_TOLERANCE)


def wind_speed(eastward: xr.DataArray, northward: xr.DataArray) -> xr.DataArray:
    """Return wind speed, m s-1, from its components of any units of speed: sqrt(u**2 + v**2)."""
    return cast(xr.DataArray, np.hypot(require(eastward, "m s-1"), require(northward, "m s-1")))


#: By CF standard name.
DERIVATIONS = {
    "relative_humidity": Derivation(("air_temperature", "dew_point_temperature"), "%", relative_humidity),
    "wind_speed": Derivation(("eastward_wind", "northward_wind"), "m s-1", wind_speed),
}
