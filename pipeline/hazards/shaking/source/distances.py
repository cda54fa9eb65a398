"""Distances from sites at the ellipsoid to a finite rupture, straight through the Earth (ECEF on WGS84)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.hazards.elementary import compiled
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike
from pipeline.hazards.shaking.source.coordinates import Traces, traces
from pipeline.hazards.shaking.source.ecef import ECCENTRICITY_SQUARED, SEMI_MAJOR, ecef, local_axes, unit
from pipeline.hazards.shaking.source.quads import Rupture

#: Mean radius of the Earth, km: by which an edge sags below the ellipsoid.
_MEAN_RADIUS = 6371.0
#: Width of a surface projection, km, below which its plane is taken to be horizontal, and below which it is a line.
_NARROW, _LINE = 0.05, 1e-6
#: First position in a facet's row of its four edges, and the numbers each takes.
_EDGES, _STRIDE = 12, 6


class Distances(NamedTuple):
    """Distances of sites to a rupture, km; NaN where the site is unknown."""

    rrup: Array
    """To the nearest point of the rupture."""
    rjb: Array
    """To its surface projection (Joyner and Boore), zero above it."""
    rx: Array
    """Across strike (GC2's T), positive on the hanging wall."""
    ry0: Array
    """Beyond the ends of the rupture along strike, zero abreast of it."""


def rupture_distances(rupture: Rupture, longitude: ArrayLike, latitude: ArrayLike) -> Distances:
    """Return the distances of sites at depth zero to a rupture.

    Quadrilaterals are planar in ECEF, as ShakeMap takes them, so a long one lies deeper between its ends than at them
    (0.2 km at 100 km of length). rjb is corrected for that: it grows from zero at the edge of the projection. It is
    never above rrup. rx and ry0 are those of GC2 (`coordinates`). A site has the same bytes whatever the others are.

    Parameters
    ----------
    rupture
        Made by `quad_rupture`.
    longitude, latitude
        Degrees, of one broadcast shape: (1, x) and (y, 1) give a grid. NaN unknown.
    """
    lon, lat = np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
    shape = np.broadcast_shapes(lon.shape, lat.shape)
    grid = lon.ndim == lat.ndim == 2 and lon.shape[0] == 1 and lat.shape[1] == 1
    if not grid:
        lon, lat = (np.broadcast_to(a, shape) for a in (lon, lat))
    columns, rows = (np.radians(a).ravel() for a in (lon, lat))
    found = np.empty((4, *((rows.size, columns.size) if grid else (1, columns.size))))
    facets, plan = _prepared(rupture)
    _fill(columns, rows, grid, facets, plan.axes, plan.segments, plan.end, found)
    return Distances(*(a.reshape(shape) for a in found))


def hypocentral_distance(longitude: ArrayLike, latitude: ArrayLike, hypocentre: tuple[float, float, float]) -> Array:
    """Return the straight distance in km of sites at depth zero to a hypocentre.

    Parameters
    ----------
    longitude, latitude
        Degrees, of one broadcast shape; NaN unknown.
    hypocentre
        (longitude, latitude) in degrees and depth in km.
    """
    return np.asarray(np.linalg.norm(ecef(longitude, latitude) - ecef(*hypocentre), axis=-1))


@lru_cache(maxsize=16)
def _prepared(rupture: Rupture) -> tuple[Array, Traces]:
    """Return what does not depend on the sites; remembered because every block of a grid asks for it."""
    return _facets(rupture), traces(rupture)


def _facets(rupture: Rupture) -> Array:
    """Return rows for `_squared`: the quadrilaterals and their surface projections; (quad, 2, number)."""
    ups = local_axes(rupture.longitude[:, 0], rupture.latitude[:, 0])[:, 2]
    rows = []
    for buried, surface, up in zip(rupture.corners, rupture.surface, ups, strict=True):
        wide = np.linalg.norm(surface[3] - surface[0]) > _NARROW
        rows.append(
            [_facet(buried, _normal(buried), curved=False), _facet(surface, _normal(surface) if wide else up, curved=True)]
        )
    return np.array(rows)


def _normal(corners: Array) -> Array:
    return np.cross(corners[3] - corners[0], corners[1] - corners[0])


def _facet(corners: Array, normal: Array, *, curved: bool) -> Array:
    """Return origin, axes along, down and up, then of each edge start, vector, inverse squared length and sag."""
    along = unit(corners[1] - corners[0])
    up = unit(normal - (normal @ along) * along)
    down = np.cross(along, up)
    flat = (corners - corners[0]) @ np.column_stack([along, down])
    edges = np.roll(flat, -1, axis=0) - flat
    squared = (edges**2).sum(axis=1)
    inverse = np.divide(1.0, squared, out=np.zeros(4), where=squared > 0.0)
    sag = squared / (2.0 * _MEAN_RADIUS) if curved else np.zeros(4)
    wide = np.ptp(flat[:, 1]) > _LINE
    return np.concatenate([corners[0], along, down, up, np.column_stack([flat, edges, inverse, sag]).ravel(), [float(wide)]])


@compiled
def _squared(facet: Any, x: float, y: float, z: float, shadow: bool) -> float:
    """Return the squared distance of a place to a facet; zero above one that is a shadow (a surface projection)."""
    x, y, z = x - facet[0], y - facet[1], z - facet[2]
    a = facet[3] * x + facet[4] * y + facet[5] * z
    b = facet[6] * x + facet[7] * y + facet[8] * z
    c = facet[9] * x + facet[10] * y + facet[11] * z
    inside = facet[_EDGES + 4 * _STRIDE] > 0.0
    nearest = np.inf
    for edge in range(_EDGES, _EDGES + 4 * _STRIDE, _STRIDE):
        da, db = a - facet[edge], b - facet[edge + 1]
        ea, eb = facet[edge + 2], facet[edge + 3]
        inside = inside and ea * db - eb * da >= 0.0
        share = min(max((da * ea + db * eb) * facet[edge + 4], 0.0), 1.0)
        da, db, dc = da - share * ea, db - share * eb, c - facet[edge + 5] * share * (1.0 - share)
        nearest = min(nearest, da * da + db * db + dc * dc)
    if not inside:
        return nearest
    return 0.0 if shadow and c > -_MEAN_RADIUS else c * c  # the outline lies over the antipode as well


@compiled
def _across_and_along(segments: Any, x: float, y: float) -> tuple[float, float]:
    """Return T and U (km) of a place on the plane: means over the segments, weighted by Spudich and Chiou (2015)."""
    total, across, along = 0.0, 0.0, 0.0
    for row in range(segments.shape[0]):
        dx, dy = x - segments[row, 0], y - segments[row, 1]
        east, north, length = segments[row, 2], segments[row, 3], segments[row, 4]
        t, u = dx * north - dy * east, dx * east + dy * north
        beyond = t * t + u * (u - length)
        if abs(t) < 1e-9 and beyond <= 0.0:  # on the trace, where the weight of its segment is infinite
            return 0.0, u + segments[row, 5]
        # The weight's difference of two arc tangents is the angle the segment is seen under.
        weight = length / beyond if abs(t) < 1e-9 else np.arctan2(length * abs(t), beyond) / abs(t)
        total += weight
        across += weight * t
        along += weight * (u + segments[row, 5])
    return across / total, along / total


@compiled
def _fill(longitude: Any, latitude: Any, grid: bool, facets: Any, axes: Any, segments: Any, end: float, found: Any) -> None:
    """Fill rrup, rjb, rx and ry0 of sites given in radians; a grid's columns and rows apart, else in pairs."""
    east, north = np.cos(longitude), np.sin(longitude)
    cosine, sine = np.cos(latitude), np.sin(latitude)
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            at = row if grid else column
            radius = SEMI_MAJOR / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine[at] * sine[at])
            ux, uy, uz = cosine[at] * east[column], cosine[at] * north[column], sine[at]
            if np.isnan(ux) or np.isnan(uz):
                found[:, row, column] = np.nan
                continue
            x, y, z = radius * ux, radius * uy, radius * (1.0 - ECCENTRICITY_SQUARED) * uz
            rrup, rjb = np.inf, np.inf
            for quad in range(facets.shape[0]):
                rrup = min(rrup, _squared(facets[quad, 0], x, y, z, False))
                rjb = min(rjb, _squared(facets[quad, 1], x, y, z, True))
            found[0, row, column] = np.sqrt(rrup)
            found[1, row, column] = np.sqrt(min(rjb, rrup))
            across, along = _across_and_along(
                segments,
                axes[0, 0] * ux + axes[0, 1] * uy + axes[0, 2] * uz,
                axes[1, 0] * ux + axes[1, 1] * uy + axes[1, 2] * uz,
            )
            found[2, row, column] = across
            found[3, row, column] = max(-along, along - end, 0.0)
