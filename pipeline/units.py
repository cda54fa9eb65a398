"""The one unit registry; arrays carry UDUNITS text in `attrs["units"]` and are converted lazily or refused."""

from __future__ import annotations

import warnings
from functools import cache
from typing import cast

import numpy as np
import pint
import xarray as xr

from pipeline.errors import UnitsError

with warnings.catch_warnings():  # it says that matplotlib is not installed; nothing here draws with it
    warnings.simplefilter("ignore", UserWarning)
    import cf_xarray.units

registry: pint.UnitRegistry[float] = cf_xarray.units.units
"""pint with CF and UDUNITS spellings ("m s-1", "degC", "1", "%")."""

#: Units that name the same thing as "1" in CF but not in pint's eyes.
_DECIBEL = "dB"


@cache
def _affine(source: str, target: str) -> tuple[float, float]:
    """Return (factor, offset) so that target = source * factor + offset."""
    try:
        zero = registry.Quantity(0.0, registry.Unit(source)).to(target).magnitude
        one = registry.Quantity(1.0, registry.Unit(source)).to(target).magnitude
    except (pint.DimensionalityError, pint.UndefinedUnitError, pint.OffsetUnitCalculusError) as error:
        raise UnitsError(f"cannot convert units {source!r} to {target!r}: {error}") from error
    return float(one - zero), float(zero)


def convert(array: xr.DataArray, source: str, target: str) -> xr.DataArray:
    """Return the array in other units, lazily where it is lazy, with the floating type it had.

    "dB" against "1" is ten times the decimal logarithm of a power ratio; all else is affine.

    Raises
    ------
    UnitsError
        Where the two units are of different kinds or unknown.
    """
    if source == target:
        return array
    if source == _DECIBEL and target == "1":
        converted = np.power(10.0, array / 10.0)
    elif source == "1" and target == _DECIBEL:
        converted = 10.0 * np.log10(array)
    else:
        factor, offset = _affine(source, target)
        if (factor, offset) == (1.0, 0.0):
            converted = array
        else:
            dtype = array.dtype if np.issubdtype(array.dtype, np.floating) else np.dtype("float64")
            converted = (array * factor + offset).astype(dtype)
    return cast(xr.DataArray, converted).assign_attrs({**array.attrs, "units": target})


def require(array: xr.DataArray, units: str) -> xr.DataArray:
    """Return the array in the units demanded, converting lazily.

    Raises
    ------
    UnitsError
        Where the array names no units, or units of another kind.
    """
    found = array.attrs.get("units")
    if found is None:
        raise UnitsError(f"{array.name or 'array'}: attrs['units'] is missing; expected units convertible to {units!r}")
    try:
        return convert(array, str(found), units)
    except UnitsError as error:
        raise UnitsError(f"{array.name or 'array'}: {error}") from error
