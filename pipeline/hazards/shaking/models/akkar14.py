"""Akkar, Sandikkaya and Bommer (2014): ground motion of crustal earthquakes in Europe and the Middle East, by rjb.

Akkar, S., Sandikkaya, M. A. and Bommer, J. J. (2014), Empirical ground-motion models for point- and extended-source
crustal earthquake scenarios in Europe and the Middle East, Bull. Earthquake Eng. 12, 359-387,
doi 10.1007/s10518-013-9461-4. Equation numbers are of that paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import BLOCK, LN_VS30, MEAN, PHI, RJB, TAU, VS30, A, B, C, store
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients

#: Coefficients that do not depend on period. Tables 3 and 4a.
_A2, _A5, _A6, _A7, _C1, _C, _N = 0.0029, 0.2529, 7.5, -0.5096, 6.75, 2.5, 3.2
#: Vs30 of the reference rock, and beyond which it no longer matters, m/s. Table 3.
_ROCK, _STIFFEST = 750.0, 1000.0
_LN_ROCK, _LN_STIFFEST = math.log(_ROCK), math.log(_STIFFEST)


class _Row(NamedTuple):
    """One row of the table, in the paper's symbols."""

    a1: float
    a3: float
    a4: float
    a8: float
    a9: float
    b1: float
    b2: float
    sigma: float
    tau: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    spreading: float
    b1: float
    b2: float
    tau: float
    phi: float


def _terms(imts: Sequence[str], event: Event) -> Records:
    """Return the terms of PGA (for the reference motion), then those of the measures."""
    return records([_of_measure(imt, event) for imt in ("PGA", *imts)])


def _of_measure(imt: str, event: Event) -> _Terms:
    row, above = coefficients("akkar14", imt, _Row), event.magnitude - _C1
    style = row.a8 if -135.0 < event.rake < -45.0 else row.a9 if 45.0 < event.rake < 135.0 else 0.0
    scaling = (_A2 if above <= 0 else _A7) * above + row.a3 * (8.5 - event.magnitude) ** 2
    return _Terms(row.a1 + scaling + style, row.a4 + _A5 * above, row.b1, row.b2, row.tau, row.sigma)


@inlined
def _reference(x: Array, constant: float, spreading: float) -> None:
    """Fill A with ln distance, B with ln of the non-linear factor of soft soil, from PGA on rock (Eqs. 1, 2 and 3a)."""
    for i in range(BLOCK):
        x[A + i] = 0.5 * log(x[RJB + i] * x[RJB + i] + _A6 * _A6)
    for i in range(BLOCK):
        x[B + i] = exp(constant + spreading * x[A + i])
    for i in range(BLOCK):
        x[C + i] = exp(_N * (x[LN_VS30 + i] - _LN_ROCK))
    for i in range(BLOCK):
        x[B + i] = log((x[B + i] + _C * x[C + i]) / ((x[B + i] + _C) * x[C + i]))
    for i in range(BLOCK):
        x[B + i] = where(x[VS30 + i] >= _ROCK, 0.0, x[B + i])


@inlined
def _motion(x: Array, t: Any) -> None:
    """Fill MEAN, TAU and PHI (Eqs. 1 to 3)."""
    constant, spreading, b1, b2, tau, phi = t.constant, t.spreading, t.b1, t.b2, t.tau, t.phi
    for i in range(BLOCK):
        ln_share = where(x[LN_VS30 + i] > _LN_STIFFEST, _LN_STIFFEST, x[LN_VS30 + i]) - _LN_ROCK
        x[MEAN + i] = constant + spreading * x[A + i] + b1 * ln_share + b2 * x[B + i]
    for i in range(BLOCK):
        x[TAU + i] = tau
    for i in range(BLOCK):
        x[PHI + i] = phi


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _reference(x, terms[0].constant, terms[0].spreading)
    for m in range(1, terms.size):
        _motion(x, terms[m])
        store(x, out, m - 1)


#: Ranges from the paper's section on limits of use.
AKKAR14_RJB = GroundMotionModel(
    name="Akkar14Rjb",
    terms=_terms,
    kernel=_kernel,
    needs=("magnitude", "rake", "rjb", "vs30"),
    magnitude=Limits(4.0, 8.0),
    distance=Limits(0.0, 200.0),
    vs30=Limits(150.0, 1200.0),
    depth=Limits(0.0, 35.0),
    doi="10.1007/s10518-013-9461-4",
    component="GEOMETRIC_MEAN",
)
