"""Earth-centred, Earth-fixed coordinates on WGS84, in which distances are straight lines."""

from __future__ import annotations

import numpy as np

from pipeline.hazards.shaking.ground_motion import Array, ArrayLike

#: Semi-major axis of WGS84, km.
SEMI_MAJOR = 6378.137
#: First eccentricity squared of WGS84.
ECCENTRICITY_SQUARED = 0.00669437999014


def ecef(longitude: ArrayLike, latitude: ArrayLike, depth: ArrayLike = 0.0) -> Array:
    """Return x, y, z in km on a new last axis.

    Parameters
    ----------
    longitude, latitude
        Degrees, geodetic on WGS84; NaN unknown.
    depth
        km below the ellipsoid.
    """
    east, north = np.radians(np.asarray(longitude, np.float64)), np.radians(np.asarray(latitude, np.float64))
    below = np.asarray(depth, np.float64)
    sine, cosine = np.sin(north), np.cos(north)
    radius = SEMI_MAJOR / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine * sine)
    across = (radius - below) * cosine
    polar = (radius * (1.0 - ECCENTRICITY_SQUARED) - below) * sine
    return np.stack(np.broadcast_arrays(across * np.cos(east), across * np.sin(east), polar), axis=-1)


def local_axes(longitude: ArrayLike, latitude: ArrayLike) -> Array:
    """Return the unit vectors east, north and up at places, (..., 3, 3): axis before the last counts the vectors.

    Parameters
    ----------
    longitude, latitude
        Degrees; one shape.
    """
    lon, lat = np.radians(np.asarray(longitude, np.float64)), np.radians(np.asarray(latitude, np.float64))
    zero = np.zeros_like(lon)
    east = (-np.sin(lon), np.cos(lon), zero)
    north = (-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat))
    up = (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    return np.stack([np.stack(vector, axis=-1) for vector in (east, north, up)], axis=-2)


def unit(vectors: Array) -> Array:
    """Return the vectors, last axis, at length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
