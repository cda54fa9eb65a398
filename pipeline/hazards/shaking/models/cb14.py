"""Campbell and Bozorgnia (2014): ground motion of shallow crustal earthquakes, NGA-West2.

Campbell, K. W. and Bozorgnia, Y. (2014), NGA-West2 ground motion model for the average horizontal components of PGA,
PGV, and 5 % damped linear acceleration response spectra, Earthquake Spectra 30, 1087-1115, doi 10.1193/062913EQS175M.
Equation numbers are of that paper. Not used: the site terms of Japan. CB14hq has the anelastic attenuation of eastern China.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import (
    BLOCK,
    LN_VS30,
    MEAN,
    PHI,
    RJB,
    RRUP,
    RX,
    TAU,
    VS30,
    Z2PT5,
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    store,
)
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients, period_of

#: Coefficients of non-linear response that do not depend on period. Table 2.
_C, _N = 1.88, 1.18
#: Within-event deviation of ln amplification. Table 3.
_PHI_AF = 0.3
#: Vs30 of the reference rock, m/s, and depth to 2.5 km/s usual there, km (Eq. 33).
_ROCK, _ROCK_DEPTH = 1100.0, math.exp(7.089 - 1.144 * math.log(1100.0))
_EXP_3_4 = math.exp(-0.75)


class _Row(NamedTuple):
    """One row of the tables, in the paper's symbols."""

    c0: float
    c1: float
    c2: float
    c3: float
    c4: float
    c5: float
    c6: float
    c7: float
    c9: float
    c10: float
    c11: float
    c14: float
    c16: float
    c17: float
    c18: float
    c19: float
    c20: float
    a2: float
    h1: float
    h2: float
    h3: float
    h5: float
    h6: float
    k1: float
    k2: float
    k3: float
    phi1: float
    phi2: float
    tau1: float
    tau2: float
    rho: float
    dc20_high_q: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    spreading: float
    saturation: float
    anelastic: float
    hanging_wall: float
    reach: float
    """Horizontal width of the rupture, km: R1."""
    fade: float
    """R2 - R1, km."""
    h1: float
    h2: float
    h3: float
    h5: float
    h6: float
    c11: float
    c14: float
    c16k3: float
    k1: float
    ln_k1: float
    k2: float
    rock_site: float
    no_less_than_pga: float
    tau: float
    phi: float
    rho: float


def _terms(imts: Sequence[str], event: Event, *, high_q: bool) -> Records:
    """Return the terms of PGA (for the reference motion and as the least of short periods), then those of the measures."""
    return records([_of_measure(imt, event, high_q) for imt in ("PGA", *imts)])


def _of_measure(imt: str, event: Event, high_q: bool) -> _Terms:
    row, m = coefficients("cb14", imt, _Row), event.magnitude
    share = min(max(5.5 - m, 0.0), 1.0)
    phi = row.phi2 + (row.phi1 - row.phi2) * share
    reach = event.width * math.cos(math.radians(event.dip))
    return _Terms(
        constant=_source(row, event),
        spreading=row.c5 + row.c6 * m,
        saturation=row.c7**2,
        anelastic=row.c20 + (row.dc20_high_q if high_q else 0.0),
        hanging_wall=row.c10 * _tapers(row, event),
        reach=max(reach, 1e-9),
        fade=62.0 * m - 350.0 - reach or 1e-9,
        h1=row.h1,
        h2=row.h2,
        h3=row.h3,
        h5=row.h5,
        h6=row.h6,
        c11=row.c11,
        c14=row.c14,
        c16k3=row.c16 * row.k3 * _EXP_3_4,
        k1=row.k1,
        ln_k1=math.log(row.k1),
        k2=row.k2,
        rock_site=(row.c11 + row.k2 * _N) * math.log(_ROCK / row.k1) + row.c14 * (_ROCK_DEPTH - 1.0),
        no_less_than_pga=float(period_of(imt) < 0.25),
        tau=row.tau2 + (row.tau1 - row.tau2) * share,
        phi=math.sqrt(phi**2 - _PHI_AF**2),
        rho=row.rho,
    )


def _source(row: _Row, event: Event) -> float:
    """Return the terms of magnitude (Eq. 2), style (Eqs. 4 to 6), depth (Eqs. 21 to 23) and dip (Eq. 24)."""
    m = event.magnitude
    scaling = row.c0 + row.c1 * m + row.c2 * max(m - 4.5, 0.0) + row.c3 * max(m - 5.5, 0.0) + row.c4 * max(m - 6.5, 0.0)
    style = row.c9 * min(max(m - 4.5, 0.0), 1.0) if -150.0 < event.rake < -30.0 else 0.0
    by_magnitude = row.c17 + (row.c18 - row.c17) * min(max(m - 5.5, 0.0), 1.0)
    depth = min(max(event.hypo_depth - 7.0, 0.0), 13.0) * by_magnitude
    dip = row.c19 * min(max(5.5 - m, 0.0), 1.0) * event.dip
    return scaling + style + depth + dip


def _tapers(row: _Row, event: Event) -> float:
    """Return the product of the tapers of the hanging wall that an event fixes (Eqs. 14 to 16)."""
    above = event.magnitude - 6.5
    by_magnitude = max(min(above + 1.0, 1.0), 0.0) * (1.0 + row.a2 * above)
    by_depth = 1.0 - 0.06 * event.ztor if event.ztor <= 16.66 else 0.0
    return by_magnitude * by_depth * (90.0 - event.dip) / 45.0


@inlined
def _shared(x: Array) -> None:
    """Fill A with the taper of Eq. 13, and B and C with what the depth of soil counts in Eq. 20: shallow and deep."""
    for i in range(BLOCK):
        x[A + i] = where(x[RRUP + i] > 0.0, (x[RRUP + i] - x[RJB + i]) / x[RRUP + i], 1.0)
    for i in range(BLOCK):
        x[B + i] = exp(7.089 - 1.144 * x[LN_VS30 + i])
    for i in range(BLOCK):
        x[B + i] = where(x[Z2PT5 + i] == x[Z2PT5 + i], x[Z2PT5 + i], x[B + i])
        x[C + i] = 1.0 - exp(-0.25 * (x[B + i] - 3.0))
    for i in range(BLOCK):
        x[C + i] = where(x[C + i] < 0.0, 0.0, x[C + i])
        x[B + i] = where(x[B + i] > 1.0, 0.0, x[B + i] - 1.0)


@inlined
def _above_plane(x: Array, t: Any) -> None:
    """Add the term of the hanging wall; across strike it follows Eqs. 7 to 10."""
    wall, reach, fade, h1, h2, h3, h5, h6 = t.hanging_wall, t.reach, t.fade, t.h1, t.h2, t.h3, t.h5, t.h6
    for i in range(BLOCK):
        rx = x[RX + i]
        share, beyond = rx / reach, (rx - reach) / fade
        near = h1 + h2 * share + h3 * (share * share)
        far = 1.0 + h5 * beyond + h6 * (beyond * beyond)
        across = where(rx < reach, near, where(far < 0.0, 0.0, far))
        x[MEAN + i] += wall * where(rx < 0.0, 0.0, across) * x[A + i]


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion less its site and basin terms (Eqs. 2 to 16 and 21 to 25)."""
    constant, spreading, saturation, anelastic = t.constant, t.spreading, t.saturation, t.anelastic
    for i in range(BLOCK):
        x[MEAN + i] = log(x[RRUP + i] * x[RRUP + i] + saturation)
    for i in range(BLOCK):
        far = x[RRUP + i] - 80.0
        x[MEAN + i] = constant + 0.5 * spreading * x[MEAN + i] + anelastic * where(far < 0.0, 0.0, far)
    _above_plane(x, t)


@inlined
def _reference(x: Array, rock_site: float) -> None:
    """Fill D with PGA on rock, g."""
    for i in range(BLOCK):
        x[D + i] = exp(x[MEAN + i] + rock_site)


@inlined
def _site(x: Array, t: Any) -> None:
    """Add the terms of site (Eqs. 17 and 18) and basin (Eq. 20); fill E with c (Vs30/k1)^n."""
    c11, c14, c16k3, k1, ln_k1, k2 = t.c11, t.c14, t.c16k3, t.k1, t.ln_k1, t.k2
    for i in range(BLOCK):
        x[E + i] = _C * exp(_N * (x[LN_VS30 + i] - ln_k1))
    for i in range(BLOCK):
        x[F + i] = log((x[D + i] + x[E + i]) / (x[D + i] + _C))
    for i in range(BLOCK):
        ln_share = x[LN_VS30 + i] - ln_k1
        basin = c14 * x[B + i] + c16k3 * x[C + i]
        x[MEAN + i] += c11 * ln_share + k2 * where(x[VS30 + i] > k1, _N * ln_share, x[F + i]) + basin


@inlined
def _deviations(x: Array, t: Any, pga: Any) -> None:
    """Fill TAU and PHI (Eqs. 27 to 31)."""
    k1, k2, tau, phi, rho, tau_pga, phi_pga = t.k1, t.k2, t.tau, t.phi, t.rho, pga.tau, pga.phi
    for i in range(BLOCK):
        alpha = k2 * x[D + i] * (1.0 / (x[D + i] + x[E + i]) - 1.0 / (x[D + i] + _C))
        x[F + i] = where(x[VS30 + i] >= k1, 0.0, alpha)
    for i in range(BLOCK):
        a = x[F + i] * tau_pga
        x[TAU + i] = math.sqrt(tau * tau + a * a + 2.0 * rho * tau * a)
    for i in range(BLOCK):
        a = x[F + i] * phi_pga
        x[PHI + i] = math.sqrt(phi * phi + _PHI_AF * _PHI_AF + a * a + 2.0 * rho * phi * a)


@inlined
def _raise_to_pga(x: Array, holds: bool) -> None:
    """Let no motion of a period below 0.25 s be less than PGA, in row G (PEER report 2013/06)."""
    for i in range(BLOCK):
        x[MEAN + i] = where(holds & (x[MEAN + i] < x[G + i]), x[G + i], x[MEAN + i])


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _shared(x)
    _rock(x, terms[0])
    _reference(x, terms[0].rock_site)
    _site(x, terms[0])
    for i in range(BLOCK):
        x[G + i] = x[MEAN + i]
    for m in range(1, terms.size):
        _rock(x, terms[m])
        _site(x, terms[m])
        _raise_to_pga(x, terms[m].no_less_than_pga > 0.5)
        _deviations(x, terms[m], terms[0])
        store(x, out, m - 1)


#: Ranges from the paper's section on limits of use.
CB14 = GroundMotionModel(
    name="CB14",
    terms=partial(_terms, high_q=False),
    kernel=_kernel,
    needs=("magnitude", "rake", "dip", "ztor", "width", "hypo_depth", "rrup", "rjb", "rx", "vs30"),
    magnitude=Limits(3.3, 8.5),
    distance=Limits(0.0, 300.0),
    vs30=Limits(150.0, 1500.0),
    depth=Limits(0.0, 35.0),
    doi="10.1193/062913EQS175M",
)
#: With the anelastic attenuation of eastern China.
CB14_HIGH_Q = replace(CB14, name="CB14hq", terms=partial(_terms, high_q=True))
