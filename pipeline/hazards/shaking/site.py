"""Site condition where no map gives it: Vs30 from the slope of the terrain, and depths of soft ground from Vs30.

Wald, D. J. and Allen, T. I. (2007), Bull. Seismol. Soc. Am. 97, 1379-1395, doi 10.1785/0120060267 (stable craton);
Allen, T. I. and Wald, D. J. (2009), Bull. Seismol. Soc. Am. 99, 935-943, doi 10.1785/0120080255 (active crust).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike

#: Semi-major axis of WGS84, m.
_SEMI_MAJOR = 6378137.0
#: First eccentricity squared of WGS84.
_ECCENTRICITY_SQUARED = 0.00669437999014
#: Slopes (m/m) at which Vs30 takes the values of `_VS30`, active crust. Allen and Wald (2009), Table 2.
_ACTIVE_SLOPE = (3e-4, 3.5e-3, 0.010, 0.018, 0.05, 0.10, 0.14)
#: The same for stable craton. Wald and Allen (2007), Table 2, lowest slope as USGS's global map has it.
_CRATON_SLOPE = (2e-5, 2e-3, 4e-3, 7.2e-3, 0.013, 0.018, 0.025)
#: Boundaries of the site classes, m/s. Wald and Allen (2007), Table 2.
_VS30 = (180.0, 240.0, 300.0, 360.0, 490.0, 620.0, 760.0)
#: Bounds of the extrapolated Vs30, m/s: those of USGS's global map.
_VS30_RANGE = (180.0, 900.0)
#: Velocity at which the usual depth to 1 km/s is 1 m, m/s. Chiou and Youngs (2014), Eqs. 1 and 2.
_DEEP_ROCK = 1360.0
#: p, n and v (m/s) of depth to 1 km/s by region. Chiou and Youngs (2014), Eqs. 1 and 2.
_Z1PT0 = {"California": (7.15, 4.0, 571.0), "Japan": (5.23, 2.0, 412.0)}
#: a and b of depth to 2.5 km/s by region. Campbell and Bozorgnia (2014), Eqs. 33 and 34.
_Z2PT5 = {"California": (7.089, -1.144), "Japan": (5.359, -1.102)}


class Neighbourhood(NamedTuple):
    """Elevation in m of a cell and of the cells beside it; NaN unknown. Arrays of one shape (y, x)."""

    here: Array
    north: Array
    south: Array
    west: Array
    east: Array


def terrain_slope(elevation: Neighbourhood, latitude: ArrayLike, spacing: tuple[float, float]) -> Array:
    """Return the slope (m/m) of terrain on a geographic grid, by central differences in WGS84 metres.

    Where one neighbour is unknown the difference to the other one is taken; NaN where the cell itself or both
    neighbours of a direction are unknown.

    Parameters
    ----------
    elevation
        The cell and its neighbours.
    latitude
        Of each cell, degrees north; dims (y, 1).
    spacing
        Cell height and width, degrees, both positive.
    """
    sine = np.sin(np.radians(np.asarray(latitude, dtype=np.float64)))
    cosine = np.sqrt(1.0 - sine * sine)
    root = np.sqrt(1.0 - _ECCENTRICITY_SQUARED * sine * sine)
    metres_north = math.radians(spacing[0]) * _SEMI_MAJOR * (1.0 - _ECCENTRICITY_SQUARED) / root**3
    metres_east = math.radians(spacing[1]) * _SEMI_MAJOR * cosine / root
    northward = _difference(elevation.south, elevation.here, elevation.north) / metres_north
    eastward = _difference(elevation.west, elevation.here, elevation.east) / metres_east
    return np.hypot(northward, eastward)


def vs30_from_slope(slope: ArrayLike, *, craton: float = 0.0) -> Array:
    """Return Vs30 (m s-1) from the slope of the terrain: log-log interpolation between the published classes.

    Beyond the table the last class is extrapolated, within 180 to 900 m/s.

    Parameters
    ----------
    slope
        m/m; NaN unknown.
    craton
        Share of stable craton, 0 (active crust) to 1; values between mix the two tables linearly.
    """
    steepness = np.log(np.maximum(np.asarray(slope, dtype=np.float64), 1e-9))
    active = _from_table(steepness, _ACTIVE_SLOPE) if craton < 1.0 else 0.0
    stable = _from_table(steepness, _CRATON_SLOPE) if craton > 0.0 else 0.0
    return np.asarray((1.0 - craton) * active + craton * stable)


def z1pt0_from_vs30(vs30: ArrayLike, *, region: str = "California") -> Array:
    """Return the depth (m) to a shear-wave velocity of 1 km/s usual at this Vs30.

    Chiou, B. S.-J. and Youngs, R. R. (2014), Earthquake Spectra 30, 1117-1153, doi 10.1193/072813EQS219M, Eq. 1
    (California) and Eq. 2 (Japan): ln z1.0 = -p/n ln((vs30^n + v^n) / (1360^n + v^n)). ShakeMap uses Eq. 1.

    Parameters
    ----------
    vs30
        m s-1; NaN unknown.
    region
        "California" or "Japan".

    Raises
    ------
    InputError
        Where the region has no relation.
    """
    power, exponent, velocity = _of_region(_Z1PT0, region)
    speed = np.asarray(vs30, dtype=np.float64)
    ratio = (speed**exponent + velocity**exponent) / (_DEEP_ROCK**exponent + velocity**exponent)
    return np.asarray(np.exp(-power / exponent * np.log(ratio)))


def z2pt5_from_vs30(vs30: ArrayLike, *, region: str = "California") -> Array:
    """Return the depth (km) to a shear-wave velocity of 2.5 km/s usual at this Vs30.

    Campbell, K. W. and Bozorgnia, Y. (2014), Earthquake Spectra 30, 1087-1115, doi 10.1193/062913EQS175M, Eq. 33
    (California) and Eq. 34 (Japan): ln z2.5 = a + b ln vs30. ShakeMap uses Eq. 33.

    Parameters
    ----------
    vs30
        m s-1; NaN unknown.
    region
        "California" or "Japan".

    Raises
    ------
    InputError
        Where the region has no relation.
    """
    constant, slope = _of_region(_Z2PT5, region)
    return np.asarray(np.exp(constant + slope * np.log(np.asarray(vs30, dtype=np.float64))))


def _of_region(table: Mapping[str, tuple[float, ...]], region: str) -> tuple[float, ...]:
    try:
        return table[region]
    except KeyError as error:
        raise InputError(f"region {region!r} of a basin depth: expected one of {sorted(table)}") from error


def _difference(before: Array, here: Array, after: Array) -> Array:
    """Return the change per cell; the mean of the two one-sided differences is the central one."""
    forward, backward = after - here, here - before
    one_sided = np.where(np.isnan(forward), backward, forward)
    return np.where(np.isnan(forward) | np.isnan(backward), one_sided, 0.5 * (forward + backward))


def _from_table(steepness: Array, slopes: tuple[float, ...]) -> Array:
    nodes, values = np.log(slopes), np.log(_VS30)
    segment = np.clip(np.searchsorted(nodes, steepness) - 1, 0, len(slopes) - 2)
    gradient = np.diff(values) / np.diff(nodes)
    ln_vs30 = values[segment] + gradient[segment] * (steepness - nodes[segment])
    return np.clip(np.exp(ln_vs30), *_VS30_RANGE)
