"""The loops of the conditioning: distances on the sphere, correlations of a tile of cells, and what is left of its prior."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.hazards.elementary import compiled, exp, inlined
from pipeline.hazards.shaking.conditioning.product import LANES, Single
from pipeline.hazards.shaking.ground_motion import Array

#: Mean radius of the Earth, km. IUGG, as ShakeMap takes it.
EARTH_RADIUS = 6371.0
#: Places nearer than this are one, km: coordinates that differ in their last bit.
SAME_PLACE = 1e-6
#: Cells worked on at once. Fixed: a tile is filled up to this width, so that a cell's bytes never depend on how the
#: cells were divided.
TILE = 256

Integers = npt.NDArray[np.int64]


@compiled
def unit_vectors(longitude: Array, latitude: Array) -> Array:
    """Return (3, n) vectors from the Earth's centre to places in degrees; equal places give equal bytes."""
    vectors = np.empty((3, longitude.size))
    for i in range(longitude.size):
        meridian, parallel = math.radians(longitude[i]), math.radians(latitude[i])
        vectors[0, i] = math.cos(parallel) * math.cos(meridian)
        vectors[1, i] = math.cos(parallel) * math.sin(meridian)
        vectors[2, i] = math.sin(parallel)
    return vectors


@inlined
def arc(x: float, y: float, z: float, other_x: float, other_y: float, other_z: float) -> float:
    """Return the great-circle distance, km, of two unit vectors, zero for equal ones.

    2 R asin(s) of half the chord s, the series of the arc sine up to s^9: within 1 m up to 2500 km, where the
    correlation is below 1e-46.
    """
    dx, dy, dz = x - other_x, y - other_y, z - other_z
    square = 0.25 * (dx * dx + dy * dy + dz * dz)
    series = 1.0 + square * (1.0 / 6.0 + square * (3.0 / 40.0 + square * (15.0 / 336.0 + square * (105.0 / 3456.0))))
    return 2.0 * EARTH_RADIUS * math.sqrt(square) * series


@compiled
def correlate_stations(
    vectors: Array, kinds: Integers, short: Array, long: Array, nugget: Array, ranges: tuple[float, float]
) -> Array:
    """Return the correlation (n, n) of observations.

    Parameters
    ----------
    vectors
        Unit vectors (3, n).
    kinds
        (n,): period of each, as an index into the weights.
    short, long, nugget
        Weights (k, k) of the three terms.
    ranges
        Distances at which the exponentials have fallen to exp(-3), km.
    """
    near, far = -3.0 / ranges[0], -3.0 / ranges[1]
    count = vectors.shape[1]
    matrix = np.empty((count, count))
    x, y, z = vectors[0], vectors[1], vectors[2]
    for i in range(count):
        for j in range(count):
            h = arc(x[i], y[i], z[i], x[j], y[j], z[j])
            a, b = kinds[i], kinds[j]
            value = short[a, b] * exp(near * h) + long[a, b] * exp(far * h)
            matrix[i, j] = value + (nugget[a, b] if h < SAME_PLACE else 0.0)
    return matrix


@compiled
def correlate_tile(
    cells: Array,
    places: Array,
    ranges: tuple[float, float],
    starts: Integers,
    entries: Integers,
    owners: Integers,
    wide: Integers,
    weights: Array,
    columns: Array,
    correlation: Single,
    sums: Array,
) -> None:
    """Fill the correlation of a tile's cells with every observation, and sum it with each observation's columns.

    Parameters
    ----------
    cells, places
        Unit vectors (3, tile) and (3, places with observations).
    ranges
        Distances at which the exponentials have fallen to exp(-3), km.
    starts
        Where each place's observations begin in `entries`, and the end.
    entries
        Observations (rows of the arrays below) by place.
    owners
        For which measure each observation counts.
    wide
        How many columns each measure has.
    weights
        (observation, 3): short, long and nugget.
    columns
        (observation, k): what the correlation is multiplied with.
    correlation
        (strip, observation, LANES), filled.
    sums
        (measure, k, tile), filled: the sum over observations of correlation times column.
    """
    width = cells.shape[1]
    distance, short, long, value = np.empty(width), np.empty(width), np.empty(width), np.empty(width)
    sums[:] = 0.0
    for place in range(places.shape[1]):
        at_place = _measure(cells, places, place, ranges, distance, short, long)
        for e in entries[starts[place] : starts[place + 1]]:
            owner = owners[e]
            for t in range(width):
                value[t] = weights[e, 0] * short[t] + weights[e, 1] * long[t]
            if at_place:
                for t in range(width):
                    value[t] += weights[e, 2] if distance[t] < SAME_PLACE else 0.0
            for strip in range(width // LANES):
                for lane in range(LANES):
                    correlation[strip, e, lane] = np.float32(value[strip * LANES + lane])
            for k in range(wide[owner]):
                _accumulate(sums[owner, k], columns[e, k], value)


@inlined
def _measure(
    cells: Array, places: Array, place: int, ranges: tuple[float, float], distance: Array, short: Array, long: Array
) -> bool:
    """Fill distances and exponentials from a place to the cells; return whether a cell is at the place."""
    near, far = -3.0 / ranges[0], -3.0 / ranges[1]
    x, y, z = cells[0], cells[1], cells[2]
    px, py, pz = places[0, place], places[1, place], places[2, place]
    at_place = False
    for t in range(distance.size):
        distance[t] = arc(x[t], y[t], z[t], px, py, pz)
    for t in range(distance.size):
        short[t] = exp(near * distance[t])
    for t in range(distance.size):
        long[t] = exp(far * distance[t])
    for t in range(distance.size):
        at_place |= distance[t] < SAME_PLACE
    return at_place


@inlined
def _accumulate(total: Array, factor: float, value: Array) -> None:
    for t in range(value.size):
        total[t] += factor * value[t]


@compiled
def condition_tile(
    mean: Array,
    sigma: Array,
    tau: Array,
    phi: Array,
    removed: Array,
    sums: Array,
    square: Array,
    variance: Array,
    own: int,
    term: float,
    limits: tuple[float, float],
) -> None:
    """Turn the prior of a tile's cells into what the observations leave of it, in place.

    Parameters
    ----------
    mean, sigma, tau, phi
        (cell,): the prior.
    removed
        (cell,), filled: the share of the prior variance that is gone, 0 to 1.
    sums
        (1 + k or more, cell or more): see `plan.Sums`.
    square
        (cell or more,): share of phi^2 that the observations remove.
    variance
        (k, k): covariance of the event terms.
    own, term
        Which of the k is the measure's, and its event term.
    limits
        Between which the mean is kept.
    """
    count = variance.shape[0]
    left = np.empty(count)
    for t in range(mean.size):
        for i in range(count):
            left[i] = (tau[t] if i == own else 0.0) - phi[t] * sums[1 + i, t]
        between = 0.0
        for i in range(count):
            for j in range(count):
                between += left[i] * variance[i, j] * left[j]
        within = phi[t] * phi[t] * max(1.0 - square[t], 0.0)
        value = mean[t] + tau[t] * term + phi[t] * sums[0, t]
        mean[t] = value if math.isnan(value) else min(max(value, limits[0]), limits[1])
        share = 1.0 - (within + between) / (sigma[t] * sigma[t])
        removed[t] = share if math.isnan(share) else min(max(share, 0.0), 1.0)
        sigma[t], tau[t], phi[t] = math.sqrt(within + between), math.sqrt(between), math.sqrt(within)
