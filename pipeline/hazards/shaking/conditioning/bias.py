"""Between-event and within-event residuals of one measure at the stations: the part of the update without a map.

Engler, D. T., Worden, C. B., Thompson, E. M. and Jaiswal, K. S. (2022), Partitioning ground motion uncertainty when
conditioned on station data, Bull. Seismol. Soc. Am. 112, 1060-1079, doi 10.1785/0120210177, after Worden et al. (2018),
doi 10.1785/0120170201. In units of the within-event deviation phi of each observation:

    R = correlation + diag(noise^2 / phi^2)        t = tau / phi, a column for each period
    var(H) = (t' R^-1 t + corr(H)^-1)^-1           H: the event's normalised term at each period
    H = var(H) t' R^-1 (residual / phi)            residuals beyond the bias range count as none
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hazards.shaking.conditioning.correlation import SpatialCorrelation
from pipeline.hazards.shaking.conditioning.kernel import correlate_stations, unit_vectors
from pipeline.hazards.shaking.conditioning.measures import correlation_period
from pipeline.hazards.shaking.conditioning.options import Event, Options
from pipeline.hazards.shaking.conditioning.pairing import Evidence, evidence
from pipeline.hazards.shaking.conditioning.product import Single, packed
from pipeline.hazards.shaking.conditioning.residuals import Residuals
from pipeline.hazards.shaking.conditioning.whitening import multiply, multiply_transposed, whitener
from pipeline.hazards.shaking.ground_motion import Array


@dataclass(frozen=True, slots=True)
class Solution:
    """What the stations say of one measure, ready to be spread over cells; n observations, k periods."""

    longitude: Array
    latitude: Array
    weights: Array
    """(n, 3): short, long and nugget weight of the correlation with the measure at a cell."""
    triangle: Single
    """The lower triangle W, W' W = R^-1, from `product.packed`."""
    slope: Array
    """(n,): what a cell's correlation with each observation adds to its mean, in its phi, once the event term is in."""
    loading: Array
    """(n, k): how much of the event term is already in the observations, R^-1 t."""
    event_term: float
    """H at the measure's own period: the bias of a cell is tau times this."""
    event_variance: Array
    """(k, k): var(H)."""
    own: int
    """Which of the k periods is the measure's."""
    bias: float
    """Mean over the observations of tau H, ln units (intensity units for "mmi")."""
    bias_std: float
    """Mean over the observations of its standard deviation."""

    @property
    def event_std(self) -> float:
        """Standard deviation of the event term at the measure's own period."""
        return float(np.sqrt(self.event_variance[self.own, self.own]))


class _Sample(NamedTuple):
    """Observations at distinct places or periods, in units of their phi."""

    longitude: Array
    latitude: Array
    period: Array
    scaled: Array
    """Residual."""
    ratio: Array
    """tau / phi."""
    noise: Array
    counts: npt.NDArray[np.bool_]
    """Whether it counts for the event term."""


def solve(found: Residuals, measure: str, event: Event, correlation: SpatialCorrelation, options: Options) -> Solution | None:
    """Return what the stations say of a measure, None where they say nothing.

    Exact observations of one measure at one place are averaged first: they are fully correlated.

    Parameters
    ----------
    found
        Residuals at the stations.
    measure
        One of `found.measures`.
    event, options
        Source and limits.
    correlation
        Of within-event residuals over distance and period; at distance zero also of the event terms.
    """
    entries = evidence(found, measure)
    if entries.period.size == 0:
        return None
    sample = _sample(found, entries, options)
    target = correlation_period(measure)
    types = np.unique(np.append(sample.period, target))
    own = int(np.searchsorted(types, target))
    loads = np.where(sample.period[:, None] == types, sample.ratio[:, None], 0.0)
    triangle = whitener(_correlated(sample, correlation))
    whitened = multiply(triangle, loads)
    term, variance = _event_term(sample, triangle, whitened, correlation.between(types, types).at_zero)
    if not options.correct_bias or (event.is_point and event.magnitude > options.bias_magnitude):
        term = np.zeros_like(term)
    loading = multiply_transposed(triangle, whitened)
    slope = multiply_transposed(triangle, multiply(triangle, sample.scaled[:, None]))[:, 0]
    biases = np.where(entries.period[:, None] == types, found.tau[entries.row, entries.station][:, None], 0.0)
    return Solution(
        longitude=sample.longitude,
        latitude=sample.latitude,
        weights=np.concatenate(correlation.between(sample.period, target), axis=1),
        triangle=packed(triangle),
        slope=slope - np.einsum("ik,k->i", loading, term),
        loading=loading,
        event_term=float(term[own]),
        event_variance=variance,
        own=own,
        bias=float(np.mean(np.einsum("ik,k->i", biases, term))),
        bias_std=float(np.mean(np.sqrt(np.einsum("ij,jk,ik->i", biases, variance, biases)))),
    )


def _sample(found: Residuals, entries: Evidence, options: Options) -> _Sample:
    at = entries.row, entries.station
    noise = found.noise[at] / found.phi[at]
    kept = np.where(noise == 0.0, -1, np.arange(noise.size))
    keys = np.stack([found.latitude[entries.station], found.longitude[entries.station], entries.period, kept], axis=1)
    groups, group, size = np.unique(keys, axis=0, return_inverse=True, return_counts=True)

    def averaged(values: Array) -> Array:
        return np.asarray(np.bincount(group.reshape(-1), values, len(groups)) / size)

    counts = averaged((found.distance[entries.station] <= options.bias_range).astype(np.float64)) > 0
    scaled, ratio = found.residual[at] / found.phi[at], found.tau[at] / found.phi[at]
    latitude, longitude, period, _ = groups.T
    return _Sample(longitude, latitude, period, averaged(scaled), averaged(ratio), averaged(noise), counts)


def _correlated(sample: _Sample, correlation: SpatialCorrelation) -> Array:
    """Return R."""
    periods, kinds = np.unique(sample.period, return_inverse=True)
    between = correlation.between(periods, periods)
    vectors = unit_vectors(np.ascontiguousarray(sample.longitude), np.ascontiguousarray(sample.latitude))
    matrix = correlate_stations(vectors, kinds.reshape(-1).astype(np.int64), *between, correlation.ranges)
    matrix[np.diag_indices_from(matrix)] += sample.noise**2
    return matrix


def _event_term(sample: _Sample, triangle: Array, whitened: Array, at_zero: Array) -> tuple[Array, Array]:
    """Return H and var(H) for each period, whatever the threads of BLAS: nothing here is large enough for them."""
    prior = np.linalg.pinv(at_zero, hermitian=True)
    variance = np.linalg.pinv(np.einsum("ij,ik->jk", whitened, whitened) + prior, hermitian=True)
    counted = multiply(triangle, np.where(sample.counts, sample.scaled, 0.0)[:, None])
    return np.asarray(variance @ np.einsum("ij,ik->jk", whitened, counted)[:, 0]), variance
