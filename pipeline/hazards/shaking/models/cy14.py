"""Chiou and Youngs (2014): ground motion of shallow crustal earthquakes, NGA-West2.

Chiou, B. S.-J. and Youngs, R. R. (2014), Update of the Chiou and Youngs NGA model for the average horizontal component
of peak ground motion and response spectra, Earthquake Spectra 30, 1117-1153, doi 10.1193/072813EQS219M.
Equation numbers are of that paper. Not used: the terms of Japan, Italy and Wenchuan.
Where the depth to the top of the rupture is not given it is the mean at its magnitude (Eqs. 4 and 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import (
    BLOCK,
    DPP,
    LN_VS30,
    MEAN,
    MEASURED,
    PHI,
    RJB,
    RRUP,
    RX,
    TAU,
    VS30,
    Z1PT0,
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H,
    store,
)
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients, period_of

#: Coefficients that do not depend on period. Tables 1 and 2.
_C2, _C4, _C4A, _CRB, _C8A, _PHI6 = 1.06, -2.1, -0.5, 50.0, 0.2695, 300.0
#: Vs30 of the reference rock, m/s.
_ROCK = 1130.0
_LN_ROCK = math.log(_ROCK)
#: sigma3 where Vs30 is measured. Eq. 13.
_MEASURED = 0.7


class _Row(NamedTuple):
    """One row of the tables, in the paper's symbols."""

    c1: float
    c1a: float
    c1b: float
    c1c: float
    c1d: float
    cn: float
    cm: float
    c3: float
    c5: float
    chm: float
    c6: float
    c7: float
    c7b: float
    c8: float
    c8b: float
    c9: float
    c9a: float
    c9b: float
    c11b: float
    cg1: float
    cg2: float
    cg3: float
    phi1: float
    phi2: float
    phi3: float
    phi4: float
    phi5: float
    tau1: float
    tau2: float
    sig1: float
    sig2: float
    sig3: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    near: float
    """Distance at which spreading saturates, km."""
    anelastic: float
    directivity: float
    hanging_wall: float
    c9a: float
    c9b: float
    ztor2: float
    """Square of the depth to the top of the rupture, km^2."""
    phi1: float
    phi2: float
    phi3: float
    rock: float
    phi4: float
    phi5: float
    no_less_than_pga: float
    tau: float
    phi: float
    inferred: float


def _terms(imts: Sequence[str], event: Event) -> Records:
    """Return the terms of PGA (the least of short periods), then those of the measures."""
    return records([_of_measure(imt, event) for imt in ("PGA", *imts)])


def _of_measure(imt: str, event: Event) -> _Terms:
    row, m = coefficients("cy14", imt, _Row), event.magnitude
    share = min(max(m - 5.0, 0.0), 1.5) / 1.5
    directivity = row.c8 * math.exp(-_C8A * (m - row.c8b) ** 2) * min(max((m - 5.5) / 0.8, 0.0), 1.0)
    return _Terms(
        constant=_source(row, event),
        near=row.c5 * math.cosh(row.c6 * max(m - row.chm, 0.0)),
        anelastic=row.cg1 + row.cg2 / math.cosh(max(m - row.cg3, 0.0)),
        directivity=directivity,
        hanging_wall=row.c9 * math.cos(math.radians(event.dip)),
        c9a=row.c9a,
        c9b=row.c9b,
        ztor2=_top(event) ** 2,
        phi1=row.phi1,
        phi2=row.phi2,
        phi3=row.phi3,
        rock=math.exp(row.phi3 * (_ROCK - 360.0)),
        phi4=row.phi4,
        phi5=row.phi5,
        no_less_than_pga=float(period_of(imt) <= 0.3),
        tau=row.tau1 + (row.tau2 - row.tau1) * share,
        phi=row.sig1 + (row.sig2 - row.sig1) * share,
        inferred=row.sig3,
    )


def _source(row: _Row, event: Event) -> float:
    """Return all of Eq. 11 that an event fixes: constant, style, depth, dip and magnitude."""
    m = event.magnitude
    cosh = math.cosh(2.0 * max(m - 4.5, 0.0))
    style = row.c1a + row.c1c / cosh if _is_reverse(event) else 0.0
    if -120.0 <= event.rake <= -60.0:
        style = row.c1b + row.c1d / cosh
    depth = (row.c7 + row.c7b / cosh) * (_top(event) - _usual_top(event))
    dip = row.c11b / cosh * math.cos(math.radians(event.dip)) ** 2
    corner = math.log1p(math.exp(row.cn * (row.cm - m)))
    return row.c1 + style + depth + dip + _C2 * (m - 6.0) + (_C2 - row.c3) / row.cn * corner


def _is_reverse(event: Event) -> bool:
    return 30.0 <= event.rake <= 150.0


def _usual_top(event: Event) -> float:
    """Return the mean depth to the top of a rupture of this magnitude, km (Eqs. 4 and 5)."""
    m = event.magnitude
    root = 2.704 - 1.226 * max(m - 5.849, 0.0) if _is_reverse(event) else 2.673 - 1.136 * max(m - 4.970, 0.0)
    return max(root, 0.0) ** 2


def _top(event: Event) -> float:
    """Return the depth to the top of the rupture, km, within the model's range of 0 to 20 km.

    ShakeMap limits it so as well (gmpe_limits of modules.conf).
    """
    return _usual_top(event) if math.isnan(event.ztor) else min(max(event.ztor, 0.0), 20.0)


@inlined
def _near_fault(rrup: float) -> float:
    """Return how much directivity counts at a distance: all to 40 km, nothing from 70 km."""
    taper = 1.0 - (rrup - 40.0) / 30.0
    taper = where(taper < 0.0, 0.0, taper)
    return where(taper > 1.0, 1.0, taper)


@inlined
def _unusual_depth(vs30: float, z1pt0: float) -> float:
    """Return depth to 1 km/s less that usual at this Vs30, m (Eq. 1); 0 where it is unknown or there is no soil."""
    fourth = vs30 * vs30 * vs30 * vs30
    usual = exp(-7.15 / 4.0 * log((fourth + 570.94**4) / (1360.0**4 + 570.94**4)))
    return where(z1pt0 > 0.0, z1pt0 - usual, 0.0)


@inlined
def _shared(x: Array, ztor2: float) -> None:
    """Fill A with far spreading, B with directivity, C with the hanging wall's taper, D with the depth of soil's share."""
    for i in range(BLOCK):
        x[A + i] = 0.5 * (_C4A - _C4) * log(x[RRUP + i] * x[RRUP + i] + _CRB * _CRB)
    for i in range(BLOCK):
        x[B + i] = _near_fault(x[RRUP + i]) * x[DPP + i]
    for i in range(BLOCK):
        close = 1.0 - math.sqrt(x[RJB + i] * x[RJB + i] + ztor2) / (x[RRUP + i] + 1.0)
        x[C + i] = where(x[RX + i] < 0.0, 0.0 * close, close)
    for i in range(BLOCK):
        x[D + i] = _unusual_depth(x[VS30 + i], x[Z1PT0 + i])
    for i in range(BLOCK):
        x[D + i] = 1.0 - exp(x[D + i] / -_PHI6)


@inlined
def _hanging_wall(x: Array, t: Any) -> None:
    """Add the term of the hanging wall (Eq. 11, last line)."""
    wall, c9a, c9b = t.hanging_wall, t.c9a, t.c9b
    for i in range(BLOCK):
        # tanh of a positive number; rows where rx is negative are zero in C.
        twice = exp(-2.0 * where(x[RX + i] < 0.0, 0.0, x[RX + i]) / c9b)
        x[F + i] = (1.0 - twice) / (1.0 + twice)
    for i in range(BLOCK):
        x[E + i] += wall * (c9a + (1.0 - c9a) * x[F + i]) * x[C + i]


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill E with ln motion on the reference rock (Eq. 11), F with that motion."""
    constant, near, anelastic, directivity = t.constant, t.near, t.anelastic, t.directivity
    for i in range(BLOCK):
        x[E + i] = log(x[RRUP + i] + near)
    for i in range(BLOCK):
        x[E + i] = constant + _C4 * x[E + i] + x[A + i] + anelastic * x[RRUP + i] + directivity * x[B + i]
    _hanging_wall(x, t)
    for i in range(BLOCK):
        x[F + i] = exp(x[E + i])


@inlined
def _site(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion at the site (Eq. 12), G with the slope of its non-linear term in ln motion on rock."""
    phi1, phi2, phi3, rock, phi4, phi5 = t.phi1, t.phi2, t.phi3, t.rock, t.phi4, t.phi5
    for i in range(BLOCK):
        v = where(x[VS30 + i] > _ROCK, _ROCK, x[VS30 + i])
        x[G + i] = phi2 * (exp(phi3 * (v - 360.0)) - rock)
    for i in range(BLOCK):
        x[MEAN + i] = log((x[F + i] + phi4) / phi4)
    for i in range(BLOCK):
        ln_share = x[LN_VS30 + i] - _LN_ROCK
        linear = phi1 * where(ln_share > 0.0, 0.0, ln_share)
        x[MEAN + i] = x[E + i] + linear + x[G + i] * x[MEAN + i] + phi5 * x[D + i]
    for i in range(BLOCK):
        x[G + i] = x[G + i] * x[F + i] / (x[F + i] + phi4)


@inlined
def _deviations(x: Array, t: Any) -> None:
    """Fill TAU and PHI (Eq. 13)."""
    tau, phi, inferred = t.tau, t.phi, t.inferred
    for i in range(BLOCK):
        x[TAU + i] = abs(1.0 + x[G + i]) * tau
    for i in range(BLOCK):
        own = where(x[MEASURED + i] > 0.5, _MEASURED, inferred)
        x[PHI + i] = phi * math.sqrt(own + (1.0 + x[G + i]) * (1.0 + x[G + i]))


@inlined
def _raise_to_pga(x: Array, holds: bool) -> None:
    """Let no motion of a period to 0.3 s be less than PGA, in row H (p. 1144)."""
    for i in range(BLOCK):
        x[MEAN + i] = where(holds & (x[MEAN + i] < x[H + i]), x[H + i], x[MEAN + i])


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _shared(x, terms[0].ztor2)
    for m in range(terms.size):
        _rock(x, terms[m])
        _site(x, terms[m])
        if m == 0:
            for i in range(BLOCK):
                x[H + i] = x[MEAN + i]
        else:
            _raise_to_pga(x, terms[m].no_less_than_pga > 0.5)
            _deviations(x, terms[m])
            store(x, out, m - 1)


#: Ranges from the paper's section on limits of use.
CY14 = GroundMotionModel(
    name="CY14",
    terms=_terms,
    kernel=_kernel,
    needs=("magnitude", "rake", "dip", "rrup", "rjb", "rx", "vs30"),
    magnitude=Limits(3.5, 8.5),
    distance=Limits(0.0, 300.0),
    vs30=Limits(180.0, 1500.0),
    depth=Limits(0.0, 35.0),
    doi="10.1193/072813EQS219M",
)
