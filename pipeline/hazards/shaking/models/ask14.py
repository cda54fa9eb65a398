"""Abrahamson, Silva and Kamai (2014): ground motion of shallow crustal earthquakes, NGA-West2.

Abrahamson, N. A., Silva, W. J. and Kamai, R. (2014), Summary of the ASK14 ground motion relation for active crustal
regions, Earthquake Spectra 30, 1025-1055, doi 10.1193/070913EQS198M. Equation numbers are of that paper.
Not used: aftershocks, the site terms of Taiwan and Japan.
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
    MEASURED,
    PHI,
    RRUP,
    RX,
    RY0,
    TAU,
    VS30,
    Z1PT0,
    A,
    B,
    C,
    D,
    E,
    store,
)
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients, period_of

#: Coefficients that do not depend on period. Table 4 and p. 1032.
_A3, _A4, _A5, _N, _M2, _C4 = 0.275, -0.1, -0.41, 1.5, 5.0, 4.5
#: Taper of the hanging wall: a2HW, and h1 to h3. Pp. 1040 and 1041.
_A2HW, _H1, _H2, _H3 = 0.2, 0.25, 1.5, -0.75
_TAN_20 = math.tan(math.radians(20.0))
#: Vs30 of the reference rock, m/s. P. 1034.
_ROCK = 1180.0
#: Within-event deviation of site amplification, ln units. P. 1046.
_PHI_AMPLIFICATION = 0.4


class _Row(NamedTuple):
    """One row of the tables, in the paper's symbols."""

    m1: float
    vlin: float
    b: float
    c: float
    a1: float
    a2: float
    a6: float
    a8: float
    a10: float
    a12: float
    a13: float
    a15: float
    a17: float
    a28: float
    a43: float
    a44: float
    a45: float
    a46: float
    s1e: float
    s2e: float
    s1m: float
    s2m: float
    s3: float
    s4: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    spreading: float
    saturation: float
    """Square of the fictitious depth, km^2."""
    anelastic: float
    hanging_wall: float
    reach: float
    """Horizontal width of the rupture, km."""
    vlin: float
    ln_vlin: float
    ln_v1: float
    b: float
    c: float
    a10: float
    rock_site: float
    a43: float
    a44: float
    a45: float
    a46: float
    tau: float
    phi_inferred: float
    amplification_inferred: float
    phi_measured: float
    amplification_measured: float
    """The last four squared."""


def _terms(imts: Sequence[str], event: Event, *, china: bool) -> Records:
    return records([_of_measure(imt, event, china) for imt in imts])


def _of_measure(imt: str, event: Event, china: bool) -> _Terms:
    row, m = coefficients("ask14", imt, _Row), event.magnitude
    v1 = _ceiling(period_of(imt))
    small = m < _M2
    steep = _A5 if m >= row.m1 else _A4
    source = (
        row.a1 + steep * (max(m, _M2) - row.m1) + row.a8 * (8.5 - max(m, _M2)) ** 2 + (row.a6 * (m - _M2) if small else 0.0)
    )
    fictitious = _C4 - (_C4 - 1.0) * (5.0 - min(max(m, 4.0), 5.0))
    style = row.a12 * min(max(m - 4.0, 0.0), 1.0) if -150.0 < event.rake < -30.0 else 0.0
    inferred, measured = (_within(low, high, m) for low, high in ((row.s1e, row.s2e), (row.s1m, row.s2m)))
    return _Terms(
        constant=source + style + row.a15 * min(event.ztor / 20.0, 1.0),
        spreading=row.a2 + _A3 * (max(m, _M2) - row.m1),
        saturation=fictitious**2,
        anelastic=row.a17 + (row.a28 if china else 0.0),
        hanging_wall=row.a13 * _tapers(event),
        reach=max(event.width * math.cos(math.radians(event.dip)), 1e-9),
        vlin=row.vlin,
        ln_vlin=math.log(row.vlin),
        ln_v1=math.log(v1),
        b=row.b,
        c=row.c,
        a10=row.a10,
        rock_site=(row.a10 + row.b * _N) * math.log(min(_ROCK, v1) / row.vlin),
        a43=row.a43,
        a44=row.a44,
        a45=row.a45,
        a46=row.a46,
        tau=row.s3 + (row.s4 - row.s3) / 2.0 * (min(max(m, 5.0), 7.0) - 5.0),
        phi_inferred=inferred[0],
        amplification_inferred=inferred[1],
        phi_measured=measured[0],
        amplification_measured=measured[1],
    )


def _ceiling(period: float) -> float:
    """Return V1 (m/s), above which Vs30 no longer matters (Eq. 9); `period` NaN for PGA and PGV."""
    if 0.5 < period < 3.0:
        return math.exp(-0.35 * math.log(period / 0.5) + math.log(1500.0))
    return 800.0 if period >= 3.0 else 1500.0


def _tapers(event: Event) -> float:
    """Return the product of the tapers of the hanging wall that an event fixes: T1, T2 and T4 (Eqs. 11, 12 and 14)."""
    m = event.magnitude
    by_dip = min((90.0 - event.dip) / 45.0, 60.0 / 45.0)
    above = m - 6.5
    by_magnitude = 0.0 if m <= 5.5 else 1.0 + _A2HW * above - (0.0 if above > 0 else (1.0 - _A2HW) * above**2)
    by_depth = 1.0 - event.ztor**2 / 100.0 if event.ztor <= 10.0 else 0.0
    return by_dip * by_magnitude * by_depth


def _within(low: float, high: float, m: float) -> tuple[float, float]:
    """Return the squares of phi on rock and of its part from amplification (Eq. 24 and p. 1047).

    Where phi is less than that part, the authors advise to take the part a little less than phi.
    """
    phi = low + (high - low) / 2.0 * (min(max(m, 4.0), 6.0) - 4.0)
    part = 0.99 * phi if phi < _PHI_AMPLIFICATION else _PHI_AMPLIFICATION
    return phi**2 - part**2, part**2


@inlined
def _distance(x: Array, saturation: float) -> None:
    """Fill row A with ln R (p. 1030)."""
    for i in range(BLOCK):
        x[A + i] = 0.5 * log(x[RRUP + i] * x[RRUP + i] + saturation)


@inlined
def _above_plane(rx: float, ry0: float, reach: float) -> float:
    """Return the tapers of the hanging wall across and along strike, T3 (Eq. 13) and T5 (Eq. 15a)."""
    share = rx / reach
    across = where(rx >= reach, 1.0 - 0.5 * (share - 1.0), _H1 + _H2 * share + _H3 * (share * share))
    along = 1.0 - (ry0 - rx * _TAN_20) / 5.0
    across, along = where(across < 0.0, 0.0, across), where(along < 0.0, 0.0, along)
    # On the footwall nothing, but of an unknown place still unknown.
    return where(rx <= 0.0, 0.0 * along, across * where(along > 1.0, 1.0, along))


@inlined
def _hanging_wall(x: Array, reach: float) -> None:
    """Fill row B with the tapers of the hanging wall."""
    for i in range(BLOCK):
        x[B + i] = _above_plane(x[RX + i], x[RY0 + i], reach)


@inlined
def _unusual_depth(vs30: float, z1pt0: float) -> float:
    """Return (z1 + 10 m) over the same at the depth usual for this Vs30 (Eqs. 17 and 18); 1 where z1 is unknown."""
    fourth = vs30 * vs30 * vs30 * vs30
    usual = exp(-7.67 / 4.0 * log((fourth + 610.0**4) / (1360.0**4 + 610.0**4)))
    return where(z1pt0 >= 0.0, (z1pt0 + 10.0) / (usual + 10.0), 1.0)


@inlined
def _depth(x: Array) -> None:
    """Fill row C with the logarithm of the unusual depth of soil."""
    for i in range(BLOCK):
        x[C + i] = _unusual_depth(x[VS30 + i], x[Z1PT0 + i])
    for i in range(BLOCK):
        x[C + i] = log(x[C + i])


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion on rock less its site term, D with that motion in g (cm/s)."""
    constant, spreading, anelastic, hanging_wall = t.constant, t.spreading, t.anelastic, t.hanging_wall
    rock_site = t.rock_site
    for i in range(BLOCK):
        x[MEAN + i] = constant + spreading * x[A + i] + anelastic * x[RRUP + i] + hanging_wall * x[B + i]
    for i in range(BLOCK):
        x[D + i] = exp(x[MEAN + i] + rock_site)


@inlined
def _ramp(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low)
    share = where(share < 0.0, 0.0, share)
    return where(share > 1.0, 1.0, share)


@inlined
def _site(x: Array, t: Any) -> None:
    """Add the site response (Eqs. 7 to 9) and the depth of soil (Eq. 17); fill E with the derivative of Eq. 30."""
    vlin, ln_vlin, ln_v1, b, c, a10 = t.vlin, t.ln_vlin, t.ln_v1, t.b, t.c, t.a10
    a43, a44, a45, a46 = t.a43, t.a44, t.a45, t.a46
    for i in range(BLOCK):
        share = x[VS30 + i] / vlin
        soft = x[D + i] + c * (share * math.sqrt(share))
        x[TAU + i] = soft / (x[D + i] + c)
        slope = b * x[D + i] * (1.0 / soft - 1.0 / (x[D + i] + c))
        x[E + i] = where(x[VS30 + i] >= vlin, 0.0, slope)
    for i in range(BLOCK):
        x[TAU + i] = b * log(x[TAU + i])
    for i in range(BLOCK):
        ln_share = where(x[LN_VS30 + i] > ln_v1, ln_v1, x[LN_VS30 + i]) - ln_vlin
        x[MEAN + i] += a10 * ln_share + where(x[VS30 + i] >= vlin, b * _N * ln_share, x[TAU + i])
    for i in range(BLOCK):
        v = x[VS30 + i]
        factor = a43 + (a44 - a43) * _ramp(v, 150.0, 250.0) + (a45 - a44) * _ramp(v, 250.0, 400.0)
        x[MEAN + i] += (factor + (a46 - a45) * _ramp(v, 400.0, 700.0)) * x[C + i]


@inlined
def _deviations(x: Array, t: Any) -> None:
    """Fill TAU and PHI (Eqs. 24 to 30)."""
    tau, phi_inferred, phi_measured = t.tau, t.phi_inferred, t.phi_measured
    amplification_inferred, amplification_measured = t.amplification_inferred, t.amplification_measured
    for i in range(BLOCK):
        x[TAU + i] = abs(tau * (1.0 + x[E + i]))
    for i in range(BLOCK):
        measured = x[MEASURED + i] > 0.5
        rock = where(measured, phi_measured, phi_inferred)
        amplification = where(measured, amplification_measured, amplification_inferred)
        x[PHI + i] = math.sqrt(rock * ((1.0 + x[E + i]) * (1.0 + x[E + i])) + amplification)


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _distance(x, terms[0].saturation)
    _hanging_wall(x, terms[0].reach)
    _depth(x)
    for m in range(terms.size):
        _rock(x, terms[m])
        _site(x, terms[m])
        _deviations(x, terms[m])
        store(x, out, m)


#: Ranges from the paper's section on limits of use and from ShakeMap's selection of models (see `bssa14`).
ASK14 = GroundMotionModel(
    name="ASK14",
    terms=partial(_terms, china=False),
    kernel=_kernel,
    needs=("magnitude", "rake", "dip", "ztor", "width", "rrup", "rx", "ry0", "vs30"),
    magnitude=Limits(3.0, 8.5),
    distance=Limits(0.0, 300.0),
    vs30=Limits(180.0, 1000.0),
    depth=Limits(0.0, 35.0),
    doi="10.1193/070913EQS198M",
)
#: With the anelastic attenuation of China.
ASK14_CHINA = replace(ASK14, name="ASK14chn", terms=partial(_terms, china=True))
