"""Which observations speak for a measure: its own, else the nearest spectral accelerations of the same station.

The rule is ShakeMap 4's: the measure itself where the station has it; for PGA else the shortest period observed; for
SA(T) the periods on both sides of T, or the last one on the side that exists; for PGV and intensity nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hazards.shaking.conditioning.measures import correlation_period, spectral
from pipeline.hazards.shaking.conditioning.residuals import USABLE, Residuals
from pipeline.hazards.shaking.ground_motion import Array

Indices = npt.NDArray[np.intp]


class Evidence(NamedTuple):
    """The observations used for one measure, one entry each, in an order that does not depend on the stations'."""

    station: Indices
    row: Indices
    """Which measure was observed: first index of the residuals."""
    period: Array
    """Period at which it is correlated, s."""


def evidence(found: Residuals, measure: str) -> Evidence:
    """Return the observations that count for a measure.

    Parameters
    ----------
    found
        Residuals at the stations.
    measure
        One of `found.measures`.
    """
    usable = found.flag == USABLE
    own = found.row(measure)
    chosen = np.zeros_like(usable)
    chosen[own] = usable[own]
    for row in _substitutes(found, measure):
        chosen[row] |= usable[row] & ~usable[own] & ~_nearer(found, usable, own, row)
    rows, stations = np.nonzero(chosen)
    period = np.array([correlation_period(m) for m in found.measures])[rows] if rows.size else np.empty(0)
    entries = rows, stations
    key = (found.tau[entries], found.phi[entries], found.noise[entries], found.residual[entries], period)
    order = np.lexsort((*key, found.longitude[stations], found.latitude[stations]))
    return Evidence(stations[order], rows[order], period[order])


def _substitutes(found: Residuals, measure: str) -> list[int]:
    """Return the rows that may stand in for a measure."""
    if measure != "pga" and not spectral([measure]):
        return []
    return [found.row(name) for name in spectral(found.measures) if name != measure]


def _nearer(found: Residuals, usable: npt.NDArray[np.bool_], own: int, row: int) -> npt.NDArray[np.bool_]:
    """Return the stations that have a usable spectral acceleration between `row` and the measure wanted."""
    target, here = (correlation_period(found.measures[i]) for i in (own, row))
    between = np.zeros(usable.shape[1], bool)
    for name in spectral(found.measures):
        period = correlation_period(name)
        if min(target, here) < period < max(target, here):
            between |= usable[found.row(name)]
    return between
