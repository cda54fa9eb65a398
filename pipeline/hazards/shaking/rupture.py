"""What an epicentre alone says of the distance to a rupture: virtual ruptures, summed deterministically.

Thompson, E. M. and Worden, C. B. (2018), Estimating rupture distances without a rupture, Bull. Seismol. Soc. Am.
108, 371-379, doi 10.1785/0120170174: rectangles of the area usual at the magnitude (Wells and Coppersmith 1994,
Bull. Seismol. Soc. Am. 84, 974-1002, Table 2A), aspect ratio 1.7, no wider than 20 km of seismogenic crust allow,
every azimuth, dip and position of the hypocentre on them equally likely. Here the integral is a fixed midpoint rule
(3 areas, 4 dips, 24 azimuths, 8 x 4 positions), so that the same epicentre always gives the same bytes.

For a given epicentral distance it yields the Joyner-Boore distance at which a model gives the mean of ln motion over
all these ruptures, and the variance of ln motion among them. The point source of a large earthquake is thus neither
taken to be its own rupture nor moved to the worst place; that nobody knows where the rupture lies is in the variance.
The variance is that on rock, which is an upper bound for soft soil (non-linear soil evens strong motion out).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipeline.hazards.shaking.ground_motion import Array, ArrayLike, GroundMotionModel
from pipeline.hazards.shaking.models import ground_motion_model
from pipeline.hazards.shaking.source.mechanisms import Mechanism, mechanism, rupture_size

#: Depth in km taken for a hypocentre of unknown depth: the usual fixed depth of agencies in active crust.
DEFAULT_DEPTH = 10.0
#: Depths in km a hypocentre of unknown depth may have: shallow (0 to 70 km, as the ISC defines it), in steps of 10 km.
_POSSIBLE_DEPTHS = tuple(range(5, 70, 10))
#: Depth-like term at which motion saturates near a rupture, km: h of BSSA14 for PGV and PGA (5.3 and 4.5), rounded.
_SATURATION = 5.0
#: Vs30 of the rock on which the variance among ruptures is taken, m/s.
_ROCK = 760.0
#: Three-point Gauss-Hermite rule: (standard deviations, weight).
_AREA_RULE = ((-math.sqrt(3.0), 1.0 / 6.0), (0.0, 2.0 / 3.0), (math.sqrt(3.0), 1.0 / 6.0))
#: Number of midpoints over dip, a quarter turn of azimuth, position along strike and position down dip.
_DIPS, _AZIMUTHS, _ALONG, _DOWN = 4, 6, 8, 4
#: Epicentral distance beyond which the adjustment no longer changes, km.
_REACH = 1600.0
#: Number of steps of the table; its nodes are equidistant in the square root of distance.
_STEPS = 160


class PointSource(NamedTuple):
    """What is known of an earthquake before its rupture is: hashable, one per revision."""

    magnitude: float
    depth: float | None
    """km; None unknown (NaN is not equal to itself: tables could not be remembered by it)."""
    mechanism: str
    """Key of `MECHANISMS`."""


class SourceTable(NamedTuple):
    """Distance and its uncertainty against epicentral distance, for one source and one model."""

    rjb: Array
    """Joyner-Boore distance (km) that gives the mean ln motion, at the nodes; (1, node)."""
    variance: Array
    """Variance of ln motion because rupture (and depth, where unknown) are unknown; (measure, node)."""
    rupture_length: float
    """Median length of the rupture, km."""

    def at(self, epicentral: Array) -> tuple[Array, Array]:
        """Return (rjb, variance by measure) at known epicentral distances in km, linear in their square root."""
        position = np.sqrt(np.clip(epicentral, 0.0, _REACH)) * (_STEPS / math.sqrt(_REACH))
        before = np.minimum(position, _STEPS - 1).astype(np.intp)
        weight = position - before
        table = np.concatenate([self.rjb, self.variance])
        values = table[:, before] * (1.0 - weight) + table[:, before + 1] * weight
        return values[0] + np.maximum(epicentral - _REACH, 0.0), values[1:]


def virtual_distances(epicentral: ArrayLike, magnitude: float, kind: Mechanism) -> tuple[Array, Array]:
    """Return the Joyner-Boore distances (rupture, distance) in km of all virtual ruptures, and their weights.

    Parameters
    ----------
    epicentral
        Distances from the epicentre, km, one dimension.
    magnitude
        Moment magnitude.
    kind
        Gives size and dips.
    """
    distance = np.asarray(epicentral, dtype=np.float64)
    low, high = kind.dips
    azimuth = np.radians(_midpoints(_AZIMUTHS) * 90.0)[:, None, None, None]
    along, down = _midpoints(_ALONG)[None, :, None, None], _midpoints(_DOWN)[None, None, :, None]
    found, weights = [], []
    for deviation, weight in _AREA_RULE:
        for dip in low + _midpoints(_DIPS) * (high - low):
            length, width = rupture_size(magnitude, kind, deviation=deviation, dip=float(dip))
            x = _beyond(along * length + distance * np.cos(azimuth), length)
            y = _beyond(down * width * np.cos(np.radians(dip)) + distance * np.sin(azimuth), width * np.cos(np.radians(dip)))
            found.append(np.hypot(x, y).reshape(-1, distance.size))
            weights.append(np.full(found[-1].shape[0], weight / (_DIPS * found[-1].shape[0])))
    return np.concatenate(found), np.concatenate(weights)


def effective_distance(distances: Array, weights: Array) -> Array:
    """Return the distance (km) whose ln sqrt(rjb^2 + h^2) is the weighted mean: it keeps the mean of ln motion."""
    mean = weights @ np.log(np.hypot(distances, _SATURATION))
    return np.sqrt(np.maximum(np.exp(2.0 * mean) - _SATURATION**2, 0.0))


@lru_cache(maxsize=64)
def source_table(model_name: str, measures: tuple[str, ...], source: PointSource) -> SourceTable:
    """Return the table of a source; a pure function remembered because every block of a grid asks for it.

    A hypocentre below the model's range is farther from every place than its epicentre: the excess over the range
    is added to the distance at right angles. Where the depth is unknown, the mean square of the change this makes
    at each possible depth is added to the variance.
    """
    model, kind = ground_motion_model(model_name), mechanism(source.mechanism)
    nodes = np.square(np.linspace(0.0, math.sqrt(_REACH), _STEPS + 1))
    distances, weights = virtual_distances(nodes, source.magnitude, kind)
    excess = _excess(model, source.depth)
    rjb = np.hypot(effective_distance(distances, weights), excess)
    variance = np.empty((len(measures), nodes.size))
    for row, imt in zip(variance, measures, strict=True):
        among = _rock_motion(model, imt, source.magnitude, kind, np.hypot(distances, excess))
        row[:] = weights @ np.square(among - weights @ among)
        if source.depth is None:
            offsets = np.array([_excess(model, float(depth)) for depth in _POSSIBLE_DEPTHS])
            deep = _rock_motion(model, imt, source.magnitude, kind, np.hypot(rjb, offsets[:, None]))
            row += np.square(deep - _rock_motion(model, imt, source.magnitude, kind, rjb)).mean(axis=0)
    return SourceTable(rjb[None], variance, rupture_size(source.magnitude, kind)[0])


def _excess(model: GroundMotionModel, depth: float | None) -> float:
    return 0.0 if depth is None else max(depth - model.depth.high, 0.0)


def _rock_motion(model: GroundMotionModel, imt: str, magnitude: float, kind: Mechanism, rjb: Array) -> Array:
    return model(imt, magnitude=magnitude, rake=kind.rake, rjb=rjb, vs30=_ROCK).mean_ln


def _midpoints(count: int) -> Array:
    return (np.arange(count) + 0.5) / count


def _beyond(position: Array, length: float) -> Array:
    """Return how far a position lies outside [0, length]."""
    return np.asarray(np.maximum(np.maximum(-position, position - length), 0.0))
