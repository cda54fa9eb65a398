"""The generalized coordinate system GC2 of a rupture: along and across traces that bend, part or overlap.

Spudich, P. and Chiou, B. (2015), Strike-parallel and strike-normal coordinate system around geometrically complicated
rupture traces - use by NGA-West2 and further improvements, U.S. Geol. Surv. Open-File Rep. 2015-1028,
doi 10.3133/ofr20151028. As ShakeMap does, top edges are laid on a plane by orthographic projection of a sphere of
6371 km, here centred on the rupture so that a site has the same coordinates whatever other sites are asked about.
Meaningful within a quarter of the Earth's circumference; within 0.3 % of metres on WGS84 up to 500 km.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from pipeline.hazards.shaking.ground_motion import Array
from pipeline.hazards.shaking.source.ecef import local_axes, unit
from pipeline.hazards.shaking.source.quads import Rupture

#: Radius of the sphere, km. ShakeMap's.
_RADIUS = 6371.0
#: Quadrilaterals whose top edges end and begin this near to each other belong to one trace, km.
_JOINED = 0.1


class Traces(NamedTuple):
    """Top edges on a plane, ready for the sums of GC2."""

    axes: Array
    """East and north of the plane times the sphere's radius, km, for unit vectors; (2, 3)."""
    segments: Array
    """x, y of the start (km), x, y of the unit vector along strike, length and U of the start (km); (quad, 6)."""
    end: float
    """Largest U of a segment's end, km."""


def traces(rupture: Rupture) -> Traces:
    """Return the top edges in the plane about the rupture, traces that run against the nominal strike reversed."""
    tops = _directions(rupture.longitude, rupture.latitude)[:, :2]
    middle = unit(_directions(rupture.longitude, rupture.latitude).mean(axis=(0, 1)))
    longitude, latitude = np.degrees(np.arctan2(middle[1], middle[0])), np.degrees(np.arcsin(middle[2]))
    axes = _RADIUS * local_axes(longitude, latitude)[:2]
    surface = rupture.surface[:, :2]
    groups = _groups(rupture)
    if len(groups) > 1:
        order, shifts = _concordant(surface, groups)
    else:
        order, shifts = [(quad, False) for quad in groups[0]], [0.0]
    ends = np.array([tops[quad, ::-1] if reverse else tops[quad] for quad, reverse in order]) @ axes.T
    along = ends[:, 1] - ends[:, 0]
    chords = np.linalg.norm(surface[:, 1] - surface[:, 0], axis=-1)
    length = np.array([chords[quad] for quad, _ in order])
    start = np.concatenate([_starts(length, group, order) + shift for group, shift in zip(groups, shifts, strict=True)])
    return Traces(axes, np.column_stack([ends[:, 0], unit(along), length, start]), float((start + length).max()))


def _directions(longitude: Array, latitude: Array) -> Array:
    """Return unit vectors on the sphere."""
    return local_axes(longitude, latitude)[..., 2, :]


def _groups(rupture: Rupture) -> list[list[int]]:
    """Return the quadrilaterals of each trace: those whose top edges continue one another."""
    gap = np.linalg.norm(rupture.surface[1:, 0] - rupture.surface[:-1, 1], axis=-1)
    groups = [[0]]
    for quad, apart in enumerate(gap > _JOINED, start=1):
        if apart:
            groups.append([])
        groups[-1].append(quad)
    return groups


def _concordant(surface: Array, groups: list[list[int]]) -> tuple[list[tuple[int, bool]], list[float]]:
    """Return the quadrilaterals in order, whether each is reversed, and U (km) where each trace starts.

    The origin of U is one of the two ends of traces farthest from each other, the nominal strike points from it to
    the other one or back, as most of the length runs, and traces that run against it are discordant.
    """
    ends = np.array([(surface[group[0], 0], surface[group[-1], 1]) for group in groups])
    points = ends.reshape(-1, 3)
    first, last = max(combinations(range(len(points)), 2), key=lambda pair: np.linalg.norm(points[pair[0]] - points[pair[1]]))
    nominal = unit(points[last] - points[first])
    if ((ends[:, 1] - ends[:, 0]) @ nominal).sum() < 0.0:
        first, nominal = last, -nominal
    order, shifts = [], []
    for group, (start, end) in zip(groups, ends, strict=True):
        reverse = bool((end - start) @ nominal < 0.0)
        order += [(quad, reverse) for quad in (group[::-1] if reverse else group)]
        shifts.append(float(((end if reverse else start) - points[first]) @ nominal))
    return order, shifts


def _starts(length: Array, group: list[int], order: list[tuple[int, bool]]) -> Array:
    """Return the distance along its own trace (km) at which each quadrilateral of a group starts."""
    own = [row for row, (quad, _) in enumerate(order) if quad in group]
    return np.asarray(np.cumsum(length[own]) - length[own])
