"""What a GRIB parameter is called in CF, and in which units the dataset carries it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """A CF name, its units, and how the coded number becomes it."""

    name: str
    units: str
    factor: float = 1.0
    lowest: float | None = None
    """Numbers below it stand for "unknown"."""

    @property
    def is_amount(self) -> bool:
        """Whether it is something that accumulates."""
        return self.units in ("kg m-2", "J m-2")


#: Metres of water to kg m-2 (density 1000 kg m-3).
_WATER = 1000.0

#: Parameters by ecCodes shortName, and by the units it states where these differ between centres.
_BY_SHORT_NAME: Mapping[str, Parameter] = {
    "2t": Parameter("air_temperature", "K"),
    "t": Parameter("air_temperature", "K"),
    "2d": Parameter("dew_point_temperature", "K"),
    "dpt": Parameter("dew_point_temperature", "K"),
    "2r": Parameter("relative_humidity", "%"),
    "r": Parameter("relative_humidity", "%"),
    "2sh": Parameter("specific_humidity", "1"),
    "sh2": Parameter("specific_humidity", "1"),
    "q": Parameter("specific_humidity", "1"),
    "10u": Parameter("eastward_wind", "m s-1"),
    "100u": Parameter("eastward_wind", "m s-1"),
    "u": Parameter("eastward_wind", "m s-1"),
    "10v": Parameter("northward_wind", "m s-1"),
    "100v": Parameter("northward_wind", "m s-1"),
    "v": Parameter("northward_wind", "m s-1"),
    "10si": Parameter("wind_speed", "m s-1"),
    "ws": Parameter("wind_speed", "m s-1"),
    "gust": Parameter("wind_speed_of_gust", "m s-1"),
    "i10fg": Parameter("wind_speed_of_gust", "m s-1"),
    "10fg": Parameter("wind_speed_of_gust", "m s-1"),
    "sp": Parameter("surface_air_pressure", "Pa"),
    "msl": Parameter("air_pressure_at_mean_sea_level", "Pa"),
    "prmsl": Parameter("air_pressure_at_mean_sea_level", "Pa"),
    "mslet": Parameter("air_pressure_at_mean_sea_level", "Pa"),
    "pres": Parameter("air_pressure", "Pa"),
    "prate": Parameter("precipitation_flux", "kg m-2 s-1"),
    "tprate": Parameter("precipitation_flux", "kg m-2 s-1"),
    "skt": Parameter("surface_temperature", "K"),
    "gh": Parameter("geopotential_height", "m"),
    "z": Parameter("geopotential", "m2 s-2"),
    "tcc": Parameter("cloud_area_fraction", "%"),
    "vis": Parameter("visibility_in_air", "m"),
    "lsm": Parameter("land_area_fraction", "1"),
    "ssrd": Parameter("surface_downwelling_shortwave_energy", "J m-2"),
    "strd": Parameter("surface_downwelling_longwave_energy", "J m-2"),
}
#: Amounts of water by shortName; the units that ecCodes states tell metres from kg m-2.
_WATER_AMOUNTS: Mapping[str, str] = {
    "tp": "precipitation_amount",
    "cp": "convective_precipitation_amount",
    "acpcp": "convective_precipitation_amount",
    "lsp": "stratiform_precipitation_amount",
    "ncpcp": "stratiform_precipitation_amount",
    "sf": "snowfall_amount",
    "sd": "surface_snow_amount",
    "ro": "runoff_amount",
}
#: Local parameters that ecCodes does not name: (centre, discipline, category, number).
_LOCAL: Mapping[tuple[str, int, int, int], Parameter] = {
    # NOAA MRMS surface precipitation rate, mm/h; -1 is missing, -3 is no coverage.
    ("161", 209, 6, 1): Parameter("precipitation_flux", "kg m-2 s-1", factor=1 / 3600, lowest=0.0),
}
_DIMENSIONLESS = frozenset({"1", "dimensionless", "numeric", "(0 - 1)", "proportion", "kg kg**-1", "fraction"})


def parameter(short_name: str, long_name: str, units: str, code: tuple[str, int, int, int]) -> Parameter | None:
    """Return what a parameter is in CF, or None where neither these tables nor ecCodes name it.

    Parameters
    ----------
    short_name, long_name, units
        As ecCodes states them; "unknown" where it cannot.
    code
        Centre, discipline, category and number (edition 2); zeros for edition 1.
    """
    if code in _LOCAL:
        return _LOCAL[code]
    if short_name in _WATER_AMOUNTS:
        return Parameter(_WATER_AMOUNTS[short_name], "kg m-2", _WATER if units in ("m", "m of water equivalent") else 1.0)
    if short_name in _BY_SHORT_NAME:
        known = _BY_SHORT_NAME[short_name]
        as_fraction = known.units == "%" and units.lower() in _DIMENSIONLESS
        return Parameter(known.name, known.units, 100.0) if as_fraction else known
    if "unknown" in (long_name, units):
        return None
    return Parameter(re.sub(r"[^a-z0-9]+", "_", long_name.lower()).strip("_"), _udunits(units))


def _udunits(units: str) -> str:
    return "1" if units.lower() in _DIMENSIONLESS else units.replace("**", "")
