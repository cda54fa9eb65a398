"""PGV given a spectral acceleration, for models that have no equation for PGV.

Abrahamson, N. A. and Bhasin, S. (2020), Conditional ground-motion model for peak ground velocity for active crustal
regions, PEER report 2020/05, Pacific Earthquake Engineering Research Center: the model from SA at
a period that follows magnitude. ShakeMap supplies PGV in this way to every model without (esi-shakelib 1.2.1).

    ln PGV = a1 + f1 ln SA(T) + a4 (M - 6) + a5 (8.5 - M)^2 + a6 ln(R + 5 exp(0.4 (M - 6))) + f2 ln(Vs30 / 425)

The deviation of ln PGV is that of ln SA times f1, with that of the relation itself added as variance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

#: Period in s by the largest magnitude it is taken for.
_PERIODS = ((3.5, 0.20), (4.5, 0.28), (5.5, 0.40), (6.5, 0.95), (7.5, 1.40), (8.5, 2.80))
#: Coefficients a1 to a8.
_A1, _A2, _A3, _A4, _A5, _A6, _A7, _A8 = 5.39, 0.799, 0.654, 0.479, -0.062, -0.359, -0.134, 0.023
#: Deviations of the relation between and within events, ln units.
_TAU, _PHI = 0.16, 0.29
#: Vs30 by which site conditions are scaled, m/s.
_VS30 = 425.0


class ConditionalPgv(NamedTuple):
    """ln PGV = constant + slope ln SA + distance ln(R + near) + site ln Vs30, R in km, Vs30 in m/s, PGV in cm/s."""

    imt: str
    """The measure it is made from."""
    constant: float
    slope: float
    distance: float
    near: float
    site: float
    tau: float
    phi: float


#: The measure as it is.
NONE = ConditionalPgv("", 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def conditional_pgv(magnitude: float) -> ConditionalPgv:
    """Return the relation for a magnitude."""
    m = magnitude
    period = next((t for largest, t in _PERIODS if m <= largest), _PERIODS[-1][1])
    slope = _A2 + (_A3 - _A2) * (min(max(m, 5.0), 7.5) - 5.0) / 2.5
    site = _A7 + _A8 * (m - 5.0)
    return ConditionalPgv(
        imt=f"SA({period})",
        constant=_A1 + _A4 * (m - 6.0) + _A5 * (8.5 - m) ** 2 - site * math.log(_VS30),
        slope=slope,
        distance=_A6,
        near=5.0 * math.exp(0.4 * (m - 6.0)),
        site=site,
        tau=_TAU,
        phi=_PHI,
    )
