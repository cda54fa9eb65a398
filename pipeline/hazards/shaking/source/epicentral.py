"""What a hypocentre alone says of motion: effective distances and added variance against epicentral distance.

The source of the virtual ruptures is Thompson and Worden (2018), doi 10.1785/0120170174 (`virtual`). For any
ground-motion model or weighted set of models, called as one function, the table gives at each epicentral distance

- the distances rrup and rjb at which ln motion, were it to fall with ln sqrt(r^2 + h^2), has the mean it has over all
  virtual ruptures: one distance for all models and measures;
- `shift`, by measure: what the mean of ln motion over all virtual ruptures has beyond the motion at these distances;
- `variance`, by measure: the variance of ln motion among the ruptures, because nobody knows which it was.

The azimuth of the site from the rupture is unknown. The effective rx and ry0 are zero, as ShakeMap has them for a
point: the site stands at the line between hanging wall and footwall, where models have little or no hanging-wall
term. What the walls do on the average is in `shift`, how much it matters which wall it is in `variance`, for each
virtual rupture is given its own rx, ry0, dip, width and depth to the top.

Shift and variance are those on rock; for soft soil the variance is an upper bound (non-linear soil evens strong motion
out). The point source of a large earthquake is thus neither its own rupture nor moved to the worst place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.elementary import compiled
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike, GroundMotion
from pipeline.hazards.shaking.source.mechanisms import mechanism, rupture_size
from pipeline.hazards.shaking.source.virtual import top_range, virtual_distances, virtual_ruptures

Motion = Callable[..., GroundMotion]
"""`motion(imt, **predictors)`: a ground-motion model or a weighted set, with the keywords of `PREDICTORS`."""

#: Depth in km taken for a hypocentre of unknown depth: the usual fixed depth of agencies in active crust.
DEFAULT_DEPTH = 10.0
#: Depths in km a hypocentre of unknown depth may have: shallow (0 to 70 km, as the ISC defines it), in steps of 10 km.
_POSSIBLE_DEPTHS = tuple(range(5, 70, 10))
#: Depth-like term at which motion saturates near a rupture, km: h of BSSA14 for PGV and PGA (5.3 and 4.5), rounded.
_SATURATION = 5.0
#: Vs30 of the rock on which shift and variance are taken, m/s.
_ROCK = 760.0
#: Epicentral distance beyond which the table no longer changes, km.
_REACH = 1600.0
#: Nodes are equidistant in ln(1 + distance / scale); the scale in km and the number of steps.
_SCALE, _STEPS = 10.0, 48
#: Mean radius of the Earth, km: a deep hypocentre is nearer to far places than on a flat one.
_EARTH = 6371.0


class Hypocentre(NamedTuple):
    """What is known of an earthquake before its rupture is: hashable, one per revision."""

    magnitude: float
    depth: float | None
    """km; None unknown (NaN is not equal to itself: tables could not be remembered by it)."""
    mechanism: str
    """Key of `MECHANISMS`: size and dips of the virtual ruptures."""
    rake: float | None = None
    """Degrees, for the models; None: the mechanism's."""


class PointSource(NamedTuple):
    """Effective predictors of sites known by their epicentral distance, of one shape; NaN where it is unknown."""

    rrup: Array
    """km, never below rjb."""
    rjb: Array
    """km."""
    rhypo: Array
    """km, straight through a spherical Earth."""
    shift: tuple[Array, ...]
    """To be added to the mean of ln motion, by measure."""
    variance: tuple[Array, ...]
    """To be added to the variance of ln motion, by measure."""


class EpicentralTable(NamedTuple):
    """Predictors and uncertainty against epicentral distance, for one hypocentre and one function of motion."""

    predictors: dict[str, float]
    """magnitude, rake, dip, ztor, width, hypo_depth, and rx and ry0 (zero): of the median virtual rupture."""
    rupture_length: float
    """Of the median rupture, km."""
    nodes: Array
    """Epicentral distance, rrup and rjb (km), then shift and variance by measure; (3 + 2 measures, node)."""

    def at(self, epicentral: ArrayLike) -> PointSource:
        """Return the source as seen from these distances (km) of the epicentre along the ellipsoid; NaN unknown."""
        distance = np.asarray(epicentral, dtype=np.float64)
        found = np.empty((self.nodes.shape[0] - 1, distance.size))
        _interpolate(self.nodes, np.ascontiguousarray(distance).reshape(-1), found)
        rrup, rjb, *rows = found.reshape(-1, *distance.shape)
        half = len(rows) // 2
        rhypo = straight_distance(distance, self.predictors["hypo_depth"])
        return PointSource(rrup, rjb, rhypo, tuple(rows[:half]), tuple(rows[half:]))


def straight_distance(epicentral: ArrayLike, depth: float) -> Array:
    """Return the distance (km) to a hypocentre straight through a spherical Earth.

    Parameters
    ----------
    epicentral
        Along the surface, km.
    depth
        km.
    """
    half = np.sin(np.asarray(epicentral, dtype=np.float64) / (2.0 * _EARTH))
    return np.asarray(np.sqrt(depth * depth + 4.0 * _EARTH * (_EARTH - depth) * half * half))


@lru_cache(maxsize=64)
def epicentral_table(
    motion: Motion, measures: tuple[str, ...], source: Hypocentre, deepest: float = math.inf
) -> EpicentralTable:
    """Return the table of a hypocentre; a pure function remembered because every block of a grid asks for it.

    Where the depth is unknown, ruptures lie anywhere in 20 km of crust, and the mean square of the change that each
    possible depth makes is added to the variance.

    Parameters
    ----------
    motion
        Called with magnitude, rake, dip, ztor, width, hypo_depth and vs30, single numbers, and rrup, rjb, rx, ry0 and
        rhypo, arrays; the same object for the same models, for the table is remembered by it.
    measures
        Intensity measures as `motion` takes them.
    source
        The hypocentre.
    deepest
        Depth in km down to which rjb means what the models take it for: a hypocentre below it is farther from every
        place than its epicentre, and the excess is added to rjb at right angles.

    Raises
    ------
    InputError
        Where there is no such mechanism, or magnitude or depth is not a finite number.
    """
    if not math.isfinite(source.magnitude) or not math.isfinite(source.depth or 0.0):
        raise InputError(f"{source}: expected a finite magnitude, and a finite depth or None")
    nodes = _SCALE * np.expm1(np.linspace(0.0, math.log1p(_REACH / _SCALE), _STEPS + 1))
    each, one = _seen(source, source.depth, nodes, deepest)
    others = [] if source.depth is not None else [_seen(source, float(d), nodes, deepest)[1] for d in _POSSIBLE_DEPTHS]
    shift, variance = np.empty((2, len(measures), nodes.size))
    for row, imt in enumerate(measures):
        means = np.concatenate([_rock(motion, imt, predictors) for predictors in each])
        at_one = _rock(motion, imt, one)
        shift[row], variance[row] = means.mean(axis=0) - at_one, means.var(axis=0)
        if others:
            variance[row] += np.mean([np.square(_rock(motion, imt, other) - at_one) for other in others], axis=0)
    rows = np.vstack([nodes, one["rrup"], one["rjb"], shift, variance])
    rows.flags.writeable = False
    scalars = {name: float(value) for name, value in one.items() if np.ndim(value) == 0}
    return EpicentralTable(scalars, rupture_size(source.magnitude, mechanism(source.mechanism))[0], rows)


def _seen(source: Hypocentre, depth: float | None, nodes: Array, deepest: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the predictors of each virtual rupture, distances (view, node), and the effective ones, (node,)."""
    ruptures = virtual_ruptures(source.magnitude, mechanism(source.mechanism), depth)
    median = _median(source, depth)
    known = median["hypo_depth"]
    rhypo, flat = straight_distance(nodes, known), virtual_distances(ruptures, nodes)
    curved = np.divide(rhypo, np.hypot(nodes, known), out=np.ones_like(nodes), where=nodes > 0.0)
    rjb = np.hypot(flat.rjb, 0.0 if depth is None else max(depth - deepest, 0.0))
    rrup = np.maximum(flat.rrup * curved, rjb)
    each = []
    for number, (dip, ztor, width) in enumerate(zip(ruptures.dip, ruptures.ztor, ruptures.width, strict=True)):
        own = {"dip": float(dip), "ztor": float(ztor), "width": float(width), "rrup": rrup[number], "rjb": rjb[number]}
        each.append({**median, **own, "rx": flat.rx[number], "ry0": flat.ry0[number], "rhypo": rhypo})
    return each, {**median, "rrup": _effective(rrup), "rjb": _effective(rjb), "rhypo": rhypo}


def _median(source: Hypocentre, depth: float | None) -> dict[str, float]:
    """Return what the median virtual rupture is: median area, middle dip, top in the middle of its range."""
    kind = mechanism(source.mechanism)
    dip = sum(kind.dips) / 2.0
    _, width = rupture_size(source.magnitude, kind, dip=dip)
    known = DEFAULT_DEPTH if depth is None else depth
    ztor = sum(float(top) for top in top_range(known, width * math.sin(math.radians(dip)))) / 2.0
    rake = kind.rake if source.rake is None else source.rake
    geometry = {"dip": dip, "ztor": ztor, "width": width, "hypo_depth": known, "rx": 0.0, "ry0": 0.0}
    return {"magnitude": source.magnitude, "rake": rake, **geometry}


def _effective(distances: Array) -> Array:
    """Return the distances (km) whose ln sqrt(r^2 + h^2) is the mean over ruptures, held from falling outwards."""
    mean = np.log(np.hypot(distances, _SATURATION)).mean(axis=(0, 1))
    return np.asarray(np.maximum.accumulate(np.sqrt(np.maximum(np.exp(2.0 * mean) - _SATURATION**2, 0.0))))


def _rock(motion: Motion, imt: str, predictors: dict[str, Any]) -> Array:
    """Return the mean of ln motion on rock, in the shape of the distances."""
    return np.broadcast_to(np.asarray(motion(imt, vs30=_ROCK, **predictors).mean_ln), predictors["rrup"].shape)


@compiled
def _interpolate(nodes: Any, distance: Any, found: Any) -> None:
    """Fill each column of `found` with the rows below the first one at a distance, linear between the nodes."""
    last = nodes.shape[1] - 1
    per_step = last / np.log1p(_REACH / _SCALE)
    for place in range(distance.size):
        if np.isnan(distance[place]):
            found[:, place] = np.nan
            continue
        near = min(max(distance[place], 0.0), _REACH)
        before = min(int(np.log1p(near / _SCALE) * per_step), last - 1)
        weight = (near - nodes[0, before]) / (nodes[0, before + 1] - nodes[0, before])
        for row in range(found.shape[0]):
            found[row, place] = nodes[row + 1, before] * (1.0 - weight) + nodes[row + 1, before + 1] * weight
        found[0, place] += max(distance[place] - _REACH, 0.0)
        found[1, place] += max(distance[place] - _REACH, 0.0)
