"""Ruptures: the quadrilaterals an earthquake broke, whatever file they came in.

A segment is a closed ring: along the top edge in the direction of strike, back along the bottom edge. It falls apart into
quadrilaterals with the corners P0 P1 (top, along strike) and P2 P3 (bottom, P2 below P1, P3 below P0); a quadrilateral
that dips to the left of P0-P1 is turned round, so that dip is always to the right of strike (Worden et al. 2020,
ShakeMap Manual Online, doi:10.5066/F7D21VPQ, "Rupture Specification"; esi-shakelib 1.2.1, `QuadRupture`). The corners are
kept as they are written: none is moved to make four points coplanar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from pipeline.feeds.origins import DEPTHS, latitude, longitude, malformed, number

Corner = tuple[float, float, float]
"""Longitude, latitude (degrees) and depth (km, positive down)."""
Quad = tuple[Corner, Corner, Corner, Corner]

#: How far to the left of strike a bottom edge may lie and still be taken to be below the top: rounding, km.
TOLERANCE = 0.02
#: Length of a degree of latitude, km; rough, only sides are told with it.
_DEGREE = 111.2


def corner(value: object, where: str, *, depth: float | None = None, depth_unit: float = 1.0) -> Corner:
    """Return a corner from longitude, latitude and depth; `depth` stands in where there is none, `depth_unit` in km.

    Raises
    ------
    FeedMalformed
        Where they are not three numbers of a place on Earth.
    """
    if not isinstance(value, list | tuple) or not (len(value) == 3 or (len(value) == 2 and depth is not None)):
        malformed(where, value, "longitude, latitude and depth")
    bounds = (DEPTHS[0] / depth_unit, DEPTHS[1] / depth_unit)
    down = depth if len(value) == 2 else number(value[2], f"{where}: depth", bounds) * depth_unit
    return longitude(value[0], where), latitude(value[1], where), float(down or 0.0)


def quads(ring: Sequence[Corner], where: str) -> list[Quad]:
    """Return the quadrilaterals of a ring, in its order.

    A ring that begins elsewhere than at the top edge is turned until every top corner is above its bottom corner.

    Raises
    ------
    FeedMalformed
        Where the ring is not closed, has an odd number of corners or fewer than four, or no turn puts its top on top.
    """
    if len(ring) < 5 or ring[0] != ring[-1]:
        malformed(where, f"{len(ring)} corners, the last {ring[-1:]}", "a closed ring of at least four corners")
    corners = list(ring[:-1])
    half, odd = divmod(len(corners), 2)
    if odd:
        malformed(where, f"{len(corners)} corners", "as many along the top as along the bottom")
    for turn in range(len(corners)):
        turned = corners[turn:] + corners[:turn]
        top, bottom = turned[:half], turned[half:][::-1]
        if all(above[2] < below[2] for above, below in zip(top, bottom, strict=True)):
            break
    else:
        malformed(where, [found[2] for found in corners], "a top edge above a bottom edge")
    return [_rightwards((top[k], top[k + 1], bottom[k + 1], bottom[k])) for k in range(half - 1)]


def to_dataset(found: Sequence[Quad], *, reference: str = "", is_point: bool = False) -> xr.Dataset:
    """Return quadrilaterals along `quad` and `corner`: longitude, latitude (degrees), depth (km, positive down).

    Attributes: reference, is_point (1: the place of the hypocentre is all that is known, four equal corners).
    """
    values = np.array(found, dtype="float64").reshape(len(found), 4, 3)
    dims = ("quad", "corner")
    dataset = xr.Dataset(
        {
            "longitude": (dims, values[..., 0].copy(), {"units": "degrees_east", "standard_name": "longitude"}),
            "latitude": (dims, values[..., 1].copy(), {"units": "degrees_north", "standard_name": "latitude"}),
            "depth": (dims, values[..., 2].copy(), {"units": "km", "standard_name": "depth", "positive": "down"}),
        }
    )
    dataset.attrs.update(reference=reference, is_point=int(is_point))
    return dataset


def _rightwards(quad: Quad) -> Quad:
    """Return a quadrilateral with its dip to the right of P0-P1."""
    first, second, third, fourth = quad
    east, north = _offset(first, second)
    length = math.hypot(east, north)
    down = [0.5 * (a + b) for a, b in zip(_offset(second, third), _offset(first, fourth), strict=True)]
    right = (down[0] * north - down[1] * east) / length if length > 0.0 else 0.0
    return quad if right >= -TOLERANCE else (second, first, fourth, third)


def _offset(start: Corner, end: Corner) -> tuple[float, float]:
    """Return how far one corner lies east and north of another, km."""
    east = (end[0] - start[0] + 180.0) % 360.0 - 180.0
    return east * math.cos(math.radians(start[1])) * _DEGREE, (end[1] - start[1]) * _DEGREE
