"""Boore, Stewart, Seyhan and Atkinson (2014): ground motion of shallow crustal earthquakes, NGA-West2.

Boore, D. M., Stewart, J. P., Seyhan, E. and Atkinson, G. M. (2014), NGA-West2 equations for predicting PGA,
PGV, and 5 % damped PSA for shallow crustal earthquakes, Earthquake Spectra 30, 1057-1085,
doi 10.1193/070113EQS184M. Equation numbers are of that paper; the coefficients are its electronic supplement's.
BSSA14 is the base model for California and "global" regions without basins; BSSA14ca adds the basin term of California
(Eqs. 9 to 11), BSSA14hq the anelastic attenuation of China and Turkey (Eq. 4). Between two tabulated periods the mean and
both deviations are linear in ln T, not the coefficients: the hinge magnitude Mh moves with period.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import BLOCK, LN_VS30, MEAN, PHI, RJB, TAU, VS30, Z1PT0, A, B, C, D, E, F, store
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients, tabulated

#: Reference magnitude of geometrical spreading. Electronic supplement.
_REFERENCE_MAGNITUDE = 4.5
#: Reference distance, km. Electronic supplement.
_REFERENCE_DISTANCE = 1.0
#: Vs30 of the reference rock, m/s. Electronic supplement.
_REFERENCE_VS30 = 760.0
#: Acceleration at which soil begins to act non-linearly, g. f3 of Eq. 7.
_NONLINEAR_PGA = 0.1
#: Offset of Vs30 in the non-linear term, m/s. Eq. 8.
_NONLINEAR_VS30 = 360.0
#: Range of Vs30 over which the within-event deviation of soft sites falls, m/s. V1 and V2 of Eq. 17.
_SOFT_VS30 = (225.0, 300.0)
_LN_SOFT = (math.log(_SOFT_VS30[0]), math.log(_SOFT_VS30[1]))
_LN_REFERENCE_VS30 = math.log(_REFERENCE_VS30)
#: Range of magnitude over which the standard deviations change. Eqs. 14 and 15.
_SIGMA_MAGNITUDES = (4.5, 5.5)
#: Rakes of strike-slip motion lie within this angle of horizontal, degrees. NGA-West2 database.
_STRIKE_SLIP = 30.0


class _Coefficients(NamedTuple):
    """One row of the electronic supplement, in its own symbols."""

    e0: float
    e1: float
    e2: float
    e3: float
    e4: float
    e5: float
    e6: float
    mh: float
    c1: float
    c2: float
    c3: float
    h: float
    dc3_china_turkey: float
    dc3_italy_japan: float
    c: float
    vc: float
    f4: float
    f5: float
    f6: float
    f7: float
    r1: float
    r2: float
    dphi_r: float
    dphi_v: float
    phi1: float
    phi2: float
    tau1: float
    tau2: float


class _Terms(NamedTuple):
    """What an event fixes for one row of the supplement."""

    weight: float
    """Share of the row in its measure: 1, or those of two rows one after the other that make 1."""
    constant: float
    spreading: float
    anelastic: float
    h2: float
    """Square of the pseudo-depth, km^2."""
    c: float
    ln_vc: float
    f4: float
    f5: float
    rock: float
    f6: float
    f7: float
    tau: float
    phi: float
    dphi_v: float
    far: float
    """dphi_r over the logarithm of R2/R1."""
    ln_r1: float
    ln_r2: float


def _terms(imts: Sequence[str], event: Event, *, basin: bool, high_q: bool) -> Records:
    """Return the terms of PGA (for the reference motion), then those of the rows each measure is made of."""
    rows = [(1.0, "PGA"), *(part for imt in imts for part in tabulated("bssa14", imt))]
    return records([_of_row(weight, imt, event, basin, high_q) for weight, imt in rows])


def _of_row(weight: float, imt: str, event: Event, basin: bool, high_q: bool) -> _Terms:
    row, m = coefficients("bssa14", imt, _Coefficients), event.magnitude
    low, high = _SIGMA_MAGNITUDES
    share = (min(max(m, low), high) - low) / (high - low)
    return _Terms(
        weight=weight,
        constant=_source(row, event),
        spreading=row.c1 + row.c2 * (m - _REFERENCE_MAGNITUDE),
        anelastic=row.c3 + (row.dc3_china_turkey if high_q else 0.0),
        h2=row.h**2,
        c=row.c,
        ln_vc=math.log(row.vc),
        f4=row.f4,
        f5=row.f5,
        rock=math.exp(row.f5 * (_REFERENCE_VS30 - _NONLINEAR_VS30)),
        f6=row.f6 if basin else 0.0,
        f7=row.f7 if basin else 0.0,
        tau=row.tau1 + (row.tau2 - row.tau1) * share,
        phi=row.phi1 + (row.phi2 - row.phi1) * share,
        dphi_v=row.dphi_v,
        far=row.dphi_r / math.log(row.r2 / row.r1),
        ln_r1=math.log(row.r1),
        ln_r2=math.log(row.r2),
    )


def _source(row: _Coefficients, event: Event) -> float:
    """Return the event term (Eq. 2): e0 unspecified, e1 strike-slip, e2 normal, e3 reverse."""
    rake, above = event.rake, event.magnitude - row.mh
    scaling = row.e4 * above + row.e5 * above**2 if above <= 0 else row.e6 * above
    if math.isnan(rake):
        return row.e0 + scaling
    if min(abs(rake), 180.0 - abs(rake)) <= _STRIKE_SLIP:
        return row.e1 + scaling
    return (row.e3 if rake > 0 else row.e2) + scaling


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion on the reference rock: event and path terms (Eqs. 3 and 4)."""
    constant, spreading, anelastic, h2 = t.constant, t.spreading, t.anelastic, t.h2
    for i in range(BLOCK):
        x[E + i] = x[RJB + i] * x[RJB + i] + h2
    for i in range(BLOCK):
        x[MEAN + i] = log(x[E + i])
    for i in range(BLOCK):
        x[MEAN + i] = constant + 0.5 * spreading * x[MEAN + i] + anelastic * (math.sqrt(x[E + i]) - _REFERENCE_DISTANCE)


@inlined
def _strength(x: Array) -> None:
    """Fill A with the factor of non-linear response (Eq. 7), from ln PGA on rock in MEAN."""
    for i in range(BLOCK):
        x[A + i] = exp(x[MEAN + i])
    for i in range(BLOCK):
        x[A + i] = log(1.0 + x[A + i] / _NONLINEAR_PGA)


@inlined
def _unusual_depth(vs30: float, z1pt0: float) -> float:
    """Return depth to 1 km/s less that usual at this Vs30, km (Eqs. 10 and 11); 0 where it is unknown."""
    fourth = vs30 * vs30 * vs30 * vs30
    usual = exp(-7.15 / 4.0 * log((fourth + 570.94**4) / (1360.0**4 + 570.94**4)))
    return where(z1pt0 == z1pt0, (z1pt0 - usual) / 1000.0, 0.0)


@inlined
def _share_soft(ln_vs30: float) -> float:
    """Return how far a site is on the way from V2 down to V1, 0 to 1 (Eq. 17)."""
    soft = (_LN_SOFT[1] - ln_vs30) / (_LN_SOFT[1] - _LN_SOFT[0])
    soft = where(soft < 0.0, 0.0, soft)
    return where(soft > 1.0, 1.0, soft)


@inlined
def _shared(x: Array) -> None:
    """Fill B with the unusual depth, C with the share of soft soil, D with ln rjb."""
    for i in range(BLOCK):
        x[B + i] = _unusual_depth(x[VS30 + i], x[Z1PT0 + i])
    for i in range(BLOCK):
        x[C + i] = _share_soft(x[LN_VS30 + i])
    for i in range(BLOCK):
        x[D + i] = log(where(x[RJB + i] < 1.0, 1.0, x[RJB + i]))


@inlined
def _site(x: Array, t: Any) -> None:
    """Add the linear (Eq. 6), non-linear (Eqs. 7 and 8) and basin terms (Eq. 9)."""
    c, ln_vc, f4, f5, rock, f6, f7 = t.c, t.ln_vc, t.f4, t.f5, t.rock, t.f6, t.f7
    for i in range(BLOCK):
        v = where(x[VS30 + i] > _REFERENCE_VS30, _REFERENCE_VS30, x[VS30 + i])
        x[E + i] = exp(f5 * (v - _NONLINEAR_VS30))
    for i in range(BLOCK):
        linear = c * (where(x[LN_VS30 + i] > ln_vc, ln_vc, x[LN_VS30 + i]) - _LN_REFERENCE_VS30)
        basin = f6 * x[B + i]
        x[MEAN + i] += linear + f4 * (x[E + i] - rock) * x[A + i] + where(basin > f7, f7, basin)


@inlined
def _deviations(x: Array, t: Any) -> None:
    """Fill TAU (Eq. 14) and PHI (Eqs. 15 to 17)."""
    tau, phi, dphi_v, far, ln_r1, ln_r2 = t.tau, t.phi, t.dphi_v, t.far, t.ln_r1, t.ln_r2
    for i in range(BLOCK):
        ln_r = where(x[D + i] > ln_r2, ln_r2, x[D + i])
        x[PHI + i] = phi + far * (where(ln_r < ln_r1, ln_r1, ln_r) - ln_r1) - dphi_v * x[C + i]
    for i in range(BLOCK):
        x[TAU + i] = tau


@inlined
def _blend(x: Array, weight: float, begun: bool) -> None:
    """Keep the share of the row below a period in rows F to H; add it to that of the row above."""
    for row in range(3):
        for i in range(BLOCK):
            kept = where(begun, x[F + row * BLOCK + i], 0.0)
            x[MEAN + row * BLOCK + i] = kept + weight * x[MEAN + row * BLOCK + i]
        for i in range(BLOCK):
            x[F + row * BLOCK + i] = x[MEAN + row * BLOCK + i]


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _rock(x, terms[0])
    _strength(x)
    _shared(x)
    measure, begun = 0, False
    for row in range(1, terms.size):
        _rock(x, terms[row])
        _site(x, terms[row])
        _deviations(x, terms[row])
        if terms[row].weight < 1.0:
            _blend(x, terms[row].weight, begun)
            begun = not begun
        if not begun:
            store(x, out, measure)
            measure += 1


#: Ranges from the paper's section on limits of use; hypocentral depth from the range over which ShakeMap uses
#: active-crust models (30 km and a buffer of 5 km, Worden et al. 2020, select.conf).
BSSA14 = GroundMotionModel(
    name="BSSA14",
    terms=partial(_terms, basin=False, high_q=False),
    kernel=_kernel,
    needs=("magnitude", "rjb", "vs30"),
    magnitude=Limits(3.0, 8.5),
    distance=Limits(0.0, 400.0),
    vs30=Limits(150.0, 1500.0),
    depth=Limits(0.0, 35.0),
    doi="10.1193/070113EQS184M",
)
#: With the basin term of California.
BSSA14_CALIFORNIA = replace(BSSA14, name="BSSA14ca", terms=partial(_terms, basin=True, high_q=False))
#: With the anelastic attenuation of China and Turkey.
BSSA14_HIGH_Q = replace(BSSA14, name="BSSA14hq", terms=partial(_terms, basin=False, high_q=True))
