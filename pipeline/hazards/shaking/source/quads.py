"""A finite rupture: planar quadrilaterals in ECEF, and what ground-motion models ask of them.

Corners go round each quadrilateral: P0 and P1 the top edge along strike, P2 below P1, P3 below P0; it dips to the right
of strike. Averages over several are ShakeMap's (Worden et al. 2020, ShakeMap manual, doi 10.5066/F7D21VPQ): strike the
direction of the mean vector of the top edges, dip and width plain means, length their sum, ztor the shallowest corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike
from pipeline.hazards.shaking.source.ecef import ecef, local_axes, unit

#: How far a corner may lie off the plane of the other three, as a share of the bottom edge. ShakeMap's tolerance.
_OFF_PLANE = 0.05
#: How far the ends of an edge taken to be horizontal may differ in depth, km. ShakeMap's tolerance.
_HORIZONTAL = 0.05
#: Dip in degrees up to which a vertical quadrilateral may lean to the left of strike: what corners rounded to 10 m do.
_VERTICAL = 91.0
#: Longest edge of one quadrilateral, km: the chord of a longer one lies 20 km below the ellipsoid.
_LONGEST = 1000.0
#: Highest corner, km above the ellipsoid.
_HIGHEST = 9.0
#: Shortest edge, km: shorter ones are repeated corners.
_SHORTEST = 1e-3


@dataclass(frozen=True, eq=False)
class Rupture:
    """A rupture and the facts derived from its corners; made by `quad_rupture`."""

    longitude: Array
    """Degrees; (quad, corner)."""
    latitude: Array
    """Degrees; (quad, corner)."""
    depth: Array
    """km below the ellipsoid; (quad, corner)."""
    corners: Array
    """ECEF, km, P2 moved onto the plane of the other three; (quad, corner, 3)."""
    surface: Array
    """ECEF, km, of the ellipsoid above `corners`; (quad, corner, 3)."""
    strike: float
    """Degrees from north, 0 to 360, the mean weighted by length."""
    dip: float
    """Degrees, the mean of the quadrilaterals."""
    ztor: float
    """Depth to the top of the rupture, km, zero where it is above the ellipsoid."""
    width: float
    """Down-dip width, km, the mean of the quadrilaterals."""
    length: float
    """Length of the top edges, km, summed."""


def quad_rupture(longitude: ArrayLike, latitude: ArrayLike, depth: ArrayLike) -> Rupture:
    """Return the rupture of these corners.

    The rupture may cross the antimeridian, its longitudes jumping or running on.

    Parameters
    ----------
    longitude, latitude
        Degrees; (quad, corner).
    depth
        km, positive down; (quad, corner).

    Raises
    ------
    InputError
        Where the corners are not finite, not four, out of range, farther apart than a quadrilateral can be, not deeper
        at the bottom, not in a plane, not in order, or dip to the left of strike (`right_dipping` turns those).
    """
    lon, lat, deep = (np.array(a, dtype=np.float64) for a in (longitude, latitude, depth))
    _require_coordinates(lon, lat, deep)
    corners = ecef(lon, lat, deep)
    edges = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1)
    _require(edges <= _LONGEST, f"an edge is longer than {_LONGEST:.0f} km")
    _require(edges >= _SHORTEST, "two corners are in the same place")
    planar = _planar(corners, deep)
    along, down = unit(planar[:, 1] - planar[:, 0]), planar[:, 3] - planar[:, 0]
    lean = _lean(lon, lat, planar)
    _require(lean.reshape(-1, 1) <= _VERTICAL, "it dips to the left of strike; expected to the right")
    width = np.linalg.norm(down - (down * along).sum(-1, keepdims=True) * along, axis=-1)
    azimuth, length = _azimuth(lon, lat, corners), edges[:, 0]
    mean = np.degrees(np.arctan2((np.sin(azimuth) * length).sum(), (np.cos(azimuth) * length).sum()))
    return Rupture(
        longitude=lon,
        latitude=lat,
        depth=deep,
        corners=planar,
        surface=_surface(lon, lat, planar - corners),
        strike=float(mean) % 360.0,
        dip=float(np.minimum(lean, 180.0 - lean).mean()),
        ztor=max(float(deep.min()), 0.0),
        width=float(width.mean()),
        length=float(length.sum()),
    )


def right_dipping(longitude: ArrayLike, latitude: ArrayLike, depth: ArrayLike) -> tuple[Array, Array, Array]:
    """Return the corners with the strike of quadrilaterals that dip to the left of it reversed, as ShakeMap does.

    Parameters
    ----------
    longitude, latitude, depth
        As `quad_rupture` takes them.

    Raises
    ------
    InputError
        Where they are not finite or not four.
    """
    lon, lat, deep = (np.array(a, dtype=np.float64) for a in (longitude, latitude, depth))
    _require_coordinates(lon, lat, deep)
    left = _lean(lon, lat, ecef(lon, lat, deep)) > 90.0
    turned = [np.where(left[:, None], array[:, (1, 0, 3, 2)], array) for array in (lon, lat, deep)]
    return turned[0], turned[1], turned[2]


def _require_coordinates(lon: Array, lat: Array, deep: Array) -> None:
    if not (lon.shape == lat.shape == deep.shape and lon.ndim == 2 and lon.shape[0] > 0 and lon.shape[1] == 4):
        raise InputError(f"rupture: shapes {lon.shape}, {lat.shape}, {deep.shape}; expected (quad, 4) three times")
    _require(np.isfinite(lon) & np.isfinite(lat) & np.isfinite(deep), "a coordinate is not finite")
    _require(np.abs(lat) <= 90.0, "a latitude is outside -90 to 90 degrees")
    _require(np.abs(lon) <= 540.0, "a longitude is outside -540 to 540 degrees")
    _require((deep >= -_HIGHEST) & (deep <= 800.0), f"a depth is outside -{_HIGHEST:.0f} to 800 km")
    _require(deep[:, (3, 2)] > deep[:, (0, 1)], "the bottom (P2, P3) is not deeper than the top (P1, P0)")


def _require(holds: npt.NDArray[np.bool_], otherwise: str) -> None:
    """Raise where not all hold; naming the first quadrilateral in which one does not."""
    if not holds.all():
        number = int(np.flatnonzero(~holds.all(axis=1))[0])
        raise InputError(f"rupture: in quadrilateral {number} {otherwise}")


def _planar(corners: Array, depth: Array) -> Array:
    """Return the corners with P2 on the plane of the others.

    Where both edges are horizontal so must the bottom run like the top, and P2 is moved to where it does, as ShakeMap
    moves it; elsewhere it is moved at right angles to the plane.
    """
    along, down = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    normal = np.cross(down, along)
    _require(np.linalg.norm(normal, axis=-1, keepdims=True) > _SHORTEST**2, "three corners are in one line")
    normal = unit(normal)
    off = ((corners[:, 2] - corners[:, 0]) * normal).sum(-1)
    bottom = np.linalg.norm(corners[:, 3] - corners[:, 2], axis=-1)
    _require((np.abs(off) <= _OFF_PLANE * bottom).reshape(-1, 1), "corner P2 is off the plane of the others")
    planar = corners.copy()
    planar[:, 2] -= off[:, None] * normal
    edges = np.roll(planar, -1, axis=1) - planar
    turn = (np.cross(np.roll(edges, -1, axis=1), edges) * normal[:, None]).sum(-1)
    _require(turn > 0.0, "the corners are not in order round a convex outline")
    horizontal = (np.abs(depth[:, (0, 2)] - depth[:, (1, 3)]) <= _HORIZONTAL).all(axis=1, keepdims=True)
    parallel = corners[:, 3] + unit(along) * bottom[:, None]
    planar[:, 2] = np.where(horizontal, parallel, planar[:, 2])
    return planar


def _surface(lon: Array, lat: Array, moved: Array) -> Array:
    """Return the places on the ellipsoid above corners that were moved by so much (km, ECEF)."""
    up = local_axes(lon, lat)[..., 2, :]
    return np.asarray(ecef(lon, lat) + moved - (moved * up).sum(-1, keepdims=True) * up)


def _lean(lon: Array, lat: Array, corners: Array) -> Array:
    """Return the dip in degrees of each quadrilateral, above 90 where it dips to the left of strike."""
    normal = unit(np.cross(corners[:, 3] - corners[:, 0], corners[:, 1] - corners[:, 0]))
    up = local_axes(lon[:, 0], lat[:, 0])[:, 2]
    return np.asarray(np.degrees(np.arccos(np.clip((normal * up).sum(-1), -1.0, 1.0))))


def _azimuth(lon: Array, lat: Array, corners: Array) -> Array:
    """Return the direction of each top edge in radians from north."""
    east, north = np.moveaxis(local_axes(lon[:, 0], lat[:, 0])[:, :2], 1, 0)
    along = corners[:, 1] - corners[:, 0]
    return np.asarray(np.arctan2((along * east).sum(-1), (along * north).sum(-1)))
