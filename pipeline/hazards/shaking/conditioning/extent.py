"""Which stations a map is conditioned on, and how good the map is: the two ends of ShakeMap's housekeeping."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hazards.shaking.ground_motion import ArrayLike

#: How far beyond the map a station still counts, km, and kilometres in a degree. ShakeMap 4, model module.
_REACH, _DEGREE = 50.0, 111.0
#: Intensity from which shaking does damage; the grade looks only there. Wald et al. (2008).
_DAMAGING = 6.0
#: Upper bounds of the ratio for the grades A to D; worse is F. ShakeMap 4, model module.
_BOUNDS, _LETTERS = (0.96, 0.98, 1.05, 1.25), "ABCDF"


class Grade(NamedTuple):
    """How much the observations tell of the damaging part of the map."""

    ratio: float
    """Mean of the deviation of PGA over its prior within-event deviation; NaN where nothing is damaging."""
    letter: str
    """A to F; empty where nothing is damaging."""


def near(longitude: ArrayLike, latitude: ArrayLike, bounds: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    """Return which stations lie in the map or within about 50 km of it.

    As ShakeMap trims them: 50 km of 111 km to a degree, in longitude times the cosine of the mean latitude.

    Parameters
    ----------
    longitude, latitude
        Degrees; the longitudes counted as those of the bounds are.
    bounds
        (west, south, east, north), degrees.
    """
    west, south, east, north = bounds
    high = _REACH / _DEGREE
    wide = high * math.cos(math.radians((south + north) / 2.0))
    lon, lat = np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
    inside = (lon > west - wide) & (lon <= east + wide) & (lat > south - high) & (lat <= north + high)
    return np.asarray(inside)


def grade(mmi: ArrayLike, pga_sigma: ArrayLike, pga_prior_phi: ArrayLike) -> Grade:
    """Return the grade of a map: its deviation of PGA where intensity is VI or more, over the prior phi.

    Wald, D. J., Lin, K. and Quitoriano, V. (2008), Quantifying and qualifying USGS ShakeMap uncertainty, USGS Open-File
    Report 2008-1238, doi 10.3133/ofr20081238, with the bounds of ShakeMap 4.

    Parameters
    ----------
    mmi
        Conditioned intensity; NaN cells do not count.
    pga_sigma
        Conditioned total deviation of PGA, ln units.
    pga_prior_phi
        Prior within-event deviation of PGA, ln units.
    """
    ratio = np.asarray(pga_sigma, np.float64) / np.asarray(pga_prior_phi, np.float64)
    counted = (np.asarray(mmi) >= _DAMAGING) & np.isfinite(ratio)
    if not counted.any():
        return Grade(math.nan, "")
    mean = float(ratio[counted].mean())
    return Grade(mean, _LETTERS[int(np.searchsorted(_BOUNDS, mean))])
