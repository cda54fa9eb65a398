"""The ruptures an earthquake may have had of which only hypocentre, magnitude and mechanism are known.

Thompson, E. M. and Worden, C. B. (2018), Estimating rupture distances without a rupture, Bull. Seismol. Soc. Am.
108, 371-379, doi 10.1785/0120170174: rectangles of the area usual at the magnitude (Wells and Coppersmith 1994,
Bull. Seismol. Soc. Am. 84, 974-1002, Table 2A), aspect ratio 1.7, no wider than 20 km of seismogenic crust allow,
every azimuth, dip and position of the hypocentre on them equally likely. Here the integral over those five is a rule
of fixed points (a lattice of good parameters, Sloan and Joe 1994), so that an epicentre always gives the same bytes,
and each rupture is seen from two opposite sides, so that neither wall is seen more often.

Where the depth of the hypocentre is known, ruptures lie about it: tops at every depth equally likely at which the
rupture holds the hypocentre, stays below the surface and above the bottom of the seismogenic layer. That bottom is
20 km, or a quarter deeper than a hypocentre below 16 km (this project's choice): in a slab nothing holds them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from pipeline.hazards.shaking.ground_motion import Array, ArrayLike
from pipeline.hazards.shaking.source.distances import Distances
from pipeline.hazards.shaking.source.mechanisms import SEISMOGENIC_THICKNESS, Mechanism, rupture_size

#: Ruptures, a prime, and the views of each; generators of the two lattices, of all those nearest to 16381 ruptures.
#: For magnitudes 6 to 8 at 3 to 300 km the mean of ln sqrt(rrup^2 + 6^2) is within 0.01 and its standard deviation
#: within 0.02 of theirs.
_RUPTURES, _RUPTURE_GENERATOR, _VIEWS, _VIEW_GENERATOR = 37, 5, 7, 2
#: Bottom of the seismogenic layer over the depth of a hypocentre near it.
_ROOM_BELOW = 1.25


class VirtualRuptures(NamedTuple):
    """Rectangles, equally likely, and views of a site from them, equally likely."""

    length: Array
    """km; (rupture,)."""
    width: Array
    """km; (rupture,)."""
    dip: Array
    """Degrees; (rupture,)."""
    ztor: Array
    """km; (rupture,)."""
    across: Array
    """Of the epicentre at right angles to the top edge, km, positive down dip; (rupture,)."""
    along: Array
    """Of the epicentre along strike from the start of the top edge, km; (rupture, view)."""
    azimuth: Array
    """From the epicentre to the site, radians from strike; (rupture, view)."""


def virtual_ruptures(magnitude: float, kind: Mechanism, depth: float | None) -> VirtualRuptures:
    """Return the ruptures of an earthquake.

    Parameters
    ----------
    magnitude
        Moment magnitude.
    kind
        Gives size and dips.
    depth
        Of the hypocentre, km; None unknown: anywhere in 20 km of crust.
    """
    (sizes, tilts, down, tops), turns, along = _lattices()
    low, high = kind.dips
    dip = low + tilts * (high - low)
    deviation = [NormalDist().inv_cdf(float(share)) for share in sizes]
    size = [rupture_size(magnitude, kind, deviation=d, dip=float(t)) for d, t in zip(deviation, dip, strict=True)]
    length, width = np.array(size).T
    height = width * np.sin(np.radians(dip))
    if depth is None:
        ztor, share = (SEISMOGENIC_THICKNESS - height) * tops, down
    else:
        shallow, deep = top_range(depth, height)
        ztor = deep - down * (deep - shallow)
        share = (max(depth, 0.0) - ztor) / height
    across = share * width * np.cos(np.radians(dip))
    opposite = np.concatenate([turns, turns + 0.5], axis=1)
    return VirtualRuptures(length, width, dip, ztor, across, np.tile(along, 2) * length[:, None], 2.0 * math.pi * opposite)


def top_range(depth: float, height: ArrayLike) -> tuple[Array, Array]:
    """Return the least and greatest depth (km) the top of a rupture of this height (km) may have about a hypocentre."""
    below = max(depth, 0.0)
    tall = np.asarray(height, dtype=np.float64)
    bottom = max(SEISMOGENIC_THICKNESS, _ROOM_BELOW * below)
    shallow = np.maximum(below - tall, 0.0)
    return shallow, np.maximum(np.minimum(below, bottom - tall), shallow)


def virtual_distances(ruptures: VirtualRuptures, epicentral: ArrayLike) -> Distances:
    """Return the distances of sites to each rupture, on a flat Earth; (rupture, view, distance).

    Parameters
    ----------
    ruptures
        Of `virtual_ruptures`.
    epicentral
        Distances from the epicentre, km, one dimension.
    """
    length, width, dip, ztor, across = (a[:, None, None] for a in ruptures[:5])
    along, azimuth = ruptures.along[..., None], ruptures.azimuth[..., None]
    distance = np.asarray(epicentral, dtype=np.float64)
    cosine, sine = np.cos(np.radians(dip)), np.sin(np.radians(dip))
    rx = across + distance * np.sin(azimuth)
    ry0 = _beyond(along + distance * np.cos(azimuth), length)
    rjb = np.hypot(ry0, _beyond(rx, width * cosine))
    down = np.clip(rx * cosine - ztor * sine, 0.0, width)
    rrup = np.sqrt(ry0**2 + (rx - down * cosine) ** 2 + (ztor + down * sine) ** 2)
    return Distances(rrup, rjb, rx, ry0)


@lru_cache(maxsize=1)
def _lattices() -> tuple[Array, Array, Array]:
    """Return points in the unit cube: size, dip, place down dip and top by rupture; azimuth and place along by view.

    The views of each rupture are a lattice of their own, moved by what the lattice of ruptures says.
    """
    vector = np.array([pow(_RUPTURE_GENERATOR, power, _RUPTURES) for power in range(6)])
    sizes, tilts, turn, shift, down, tops = (np.arange(_RUPTURES) * vector[:, None] % _RUPTURES + 0.5) / _RUPTURES
    view = np.arange(_VIEWS)
    turns = turn[:, None] / _VIEWS + view / _VIEWS
    along = (shift[:, None] + _VIEW_GENERATOR * view % _VIEWS / _VIEWS) % 1.0
    return np.array([sizes, tilts, down, tops]), turns, along


def _beyond(position: Array, length: Array) -> Array:
    """Return how far a position lies outside [0, length]."""
    return np.asarray(np.maximum(np.maximum(-position, position - length), 0.0))
