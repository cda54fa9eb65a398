"""Distance on the WGS84 ellipsoid from an epicentre to the cells of a grid."""

from __future__ import annotations

import numpy as np

from pipeline.hazards.shaking.ground_motion import Array, ArrayLike

#: Semi-major axis of WGS84, km.
_SEMI_MAJOR = 6378.137
#: Flattening of WGS84.
_FLATTENING = 1.0 / 298.257223563


def epicentral_distance(longitude: ArrayLike, latitude: ArrayLike, origin: tuple[float, float]) -> Array:
    """Return the distance in km along the ellipsoid, by Lambert's formula for long lines.

    Lambert, W. D. (1942), J. Wash. Acad. Sci. 32, 125-130: the central angle on reduced latitudes, corrected to
    first order in the flattening; within 0.01 % everywhere short of the antipode. Only the haversine and its root
    are taken cell by cell when rows and columns are given apart.

    Parameters
    ----------
    longitude
        Degrees east, any turn; dims (1, x) or (y, x). NaN unknown.
    latitude
        Degrees north; dims (y, 1) or (y, x). NaN unknown.
    origin
        (longitude, latitude) of the epicentre, degrees.
    """
    first = _reduced(np.asarray(origin[1], dtype=np.float64))
    second = _reduced(np.asarray(latitude, dtype=np.float64))
    half_turn = np.radians(np.asarray(longitude, dtype=np.float64) - origin[0]) / 2.0
    middle, half_way = (first + second) / 2.0, (second - first) / 2.0
    north = np.sin(half_way) ** 2
    haversine = np.minimum(north + np.cos(first) * np.cos(second) * np.sin(half_turn) ** 2, 1.0)
    sine, cosine = np.sqrt(haversine), np.sqrt(1.0 - haversine)
    angle = 2.0 * np.arcsin(sine)
    bend = 2.0 * sine * cosine
    along = np.sin(middle) ** 2 * np.cos(half_way) ** 2
    across = np.cos(middle) ** 2 * north
    tiny = np.finfo(np.float64).tiny
    correction = (angle - bend) * along / np.maximum(cosine * cosine, tiny)
    correction += (angle + bend) * across / np.maximum(haversine, tiny)
    return np.asarray(_SEMI_MAJOR * (angle - _FLATTENING / 2.0 * correction))


def _reduced(latitude: Array) -> Array:
    """Return the reduced latitude in radians."""
    return np.asarray(np.arctan((1.0 - _FLATTENING) * np.tan(np.radians(latitude))))
