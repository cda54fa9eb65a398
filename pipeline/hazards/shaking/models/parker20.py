"""Parker et al. (2020): ground motion of subduction earthquakes, NGA-Subduction, the global models.

Parker, G. A., Stewart, J. P., Boore, D. M., Atkinson, G. M. and Hassani, B. (2022), NGA-subduction global ground motion
models with regional adjustment factors, Earthquake Spectra 38, 456-493, doi 10.1177/87552930211034889; first published
as PEER report 2020/03. Not used: regional terms, basins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import BLOCK, LN_VS30, MEAN, PHI, RRUP, TAU, VS30, A, B, C, D, E, store
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients, period_of

#: Coefficients that do not depend on period: b4, f3 in g, Vb and Vref in m/s.
_B4, _F3, _VB, _ROCK = 0.1, 0.05, 200.0, 760.0
_LN_ROCK = math.log(_ROCK)
#: Magnitude at which scaling breaks: interface, slab.
_BREAKS = (7.9, 7.6)
#: Hypocentral depth below which that of a slab earthquake no longer matters, km.
_SHALLOWEST = 20.0
#: From this period in s on soil responds linearly.
_LINEAR = 3.0
#: Distances in km and Vs30 in m/s over which the within-event deviation changes.
_LN_200, _LN_500 = math.log(200.0), math.log(500.0)


class _Row(NamedTuple):
    """One row of the supplement, in its own symbols."""

    c0: float
    c0slab: float
    c1: float
    c1slab: float
    a0: float
    a0slab: float
    c4: float
    c5: float
    c6: float
    c4slab: float
    c5slab: float
    c6slab: float
    d: float
    m: float
    db: float
    v2: float
    s2: float
    f4: float
    f5: float
    tau: float
    phi21: float
    phi22: float
    phi2v: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    spreading: float
    anelastic: float
    h2: float
    """Square of the near-source saturation term, km^2."""
    s2: float
    ln_v2: float
    f4: float
    f5: float
    rock: float
    tau: float
    phi21: float
    phi22: float
    phi2v: float


def _terms(imts: Sequence[str], event: Event, *, slab: bool) -> Records:
    """Return the terms of PGA (for the reference motion), then those of the measures."""
    return records([_of_measure(imt, event, slab) for imt in ("PGA", *imts)])


def _of_measure(imt: str, event: Event, slab: bool) -> _Terms:
    row, m = coefficients("parker20", imt, _Row), event.magnitude
    c0, c1, a0 = (row.c0slab, row.c1slab, row.a0slab) if slab else (row.c0, row.c1, row.a0)
    h = _saturation(m, slab)
    return _Terms(
        constant=c0 + _scaling(row, event, slab) - _B4 * m * 0.5 * math.log(1.0 + h**2),
        spreading=c1 + _B4 * m,
        anelastic=a0,
        h2=h**2,
        s2=row.s2,
        ln_v2=math.log(row.v2),
        f4=0.0 if period_of(imt) >= _LINEAR else row.f4,
        f5=row.f5,
        rock=math.exp(row.f5 * (_ROCK - _VB)),
        tau=row.tau,
        phi21=row.phi21,
        phi22=row.phi22,
        phi2v=row.phi2v,
    )


def _scaling(row: _Row, event: Event, slab: bool) -> float:
    """Return the terms of magnitude and, of slab earthquakes, depth."""
    above = event.magnitude - _BREAKS[slab]
    c4, c5, c6 = (row.c4slab, row.c5slab, row.c6slab) if slab else (row.c4, row.c5, row.c6)
    scaling = c6 * above if above > 0 else c4 * above + c5 * above**2
    if not slab:
        return scaling
    return scaling + row.d + row.m * (min(max(event.hypo_depth, _SHALLOWEST), row.db) - row.db)


def _saturation(m: float, slab: bool) -> float:
    """Return the near-source saturation term h, km."""
    if not slab:
        return float(10.0 ** (-0.82 + 0.252 * m))
    slope = math.log10(35.0 / 3.12) / (_BREAKS[1] - 4.0)
    return float(10.0 ** (slope * min(m - _BREAKS[1], 0.0) + math.log10(35.0)))


@inlined
def _distances(x: Array, h2: float) -> None:
    """Fill A with ln R and B with R, D with ln rrup and E with ln Vs30 on their way from 200 to 500, 0 to 1."""
    for i in range(BLOCK):
        x[B + i] = x[RRUP + i] * x[RRUP + i] + h2
    for i in range(BLOCK):
        x[A + i] = 0.5 * log(x[B + i])
    for i in range(BLOCK):
        x[B + i] = math.sqrt(x[B + i])
    for i in range(BLOCK):
        x[D + i] = log(where(x[RRUP + i] < 1.0, 1.0, x[RRUP + i]))
    for i in range(BLOCK):
        x[D + i] = _on_the_way(x[D + i])
        x[E + i] = _on_the_way(x[LN_VS30 + i])


@inlined
def _on_the_way(logarithm: float) -> float:
    share = (logarithm - _LN_200) / (_LN_500 - _LN_200)
    share = where(share < 0.0, 0.0, share)
    return where(share > 1.0, 1.0, share)


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion on the reference rock."""
    constant, spreading, anelastic = t.constant, t.spreading, t.anelastic
    for i in range(BLOCK):
        x[MEAN + i] = constant + spreading * x[A + i] + anelastic * x[B + i]


@inlined
def _strength(x: Array) -> None:
    """Fill C with the factor of non-linear response, from ln PGA on rock in MEAN."""
    for i in range(BLOCK):
        x[C + i] = exp(x[MEAN + i])
    for i in range(BLOCK):
        x[C + i] = log((x[C + i] + _F3) / _F3)


@inlined
def _site(x: Array, t: Any) -> None:
    """Add the linear and non-linear site terms."""
    s2, ln_v2, f4, f5, rock = t.s2, t.ln_v2, t.f4, t.f5, t.rock
    for i in range(BLOCK):
        v = where(x[VS30 + i] > _ROCK, _ROCK, x[VS30 + i])
        x[TAU + i] = exp(f5 * (v - _VB))
    for i in range(BLOCK):
        linear = s2 * (where(x[LN_VS30 + i] > ln_v2, ln_v2, x[LN_VS30 + i]) - _LN_ROCK)
        x[MEAN + i] += linear + f4 * (x[TAU + i] - rock) * x[C + i]


@inlined
def _deviations(x: Array, t: Any) -> None:
    """Fill TAU and PHI."""
    tau, phi21, phi22, phi2v = t.tau, t.phi21, t.phi22, t.phi2v
    for i in range(BLOCK):
        soft = (1.0 - x[E + i]) * (1.0 - x[D + i])
        x[PHI + i] = math.sqrt(phi21 + (phi22 - phi21) * x[D + i] + phi2v * soft)
    for i in range(BLOCK):
        x[TAU + i] = tau


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _distances(x, terms[0].h2)
    _rock(x, terms[0])
    _strength(x)
    for m in range(1, terms.size):
        _rock(x, terms[m])
        _site(x, terms[m])
        _deviations(x, terms[m])
        store(x, out, m - 1)


#: Ranges of magnitude, distance and Vs30 from the paper. The component is RotD50, that of the NGA-Subduction database
#: (OpenQuake 3.24 has the geometric mean).
PARKER20_INTERFACE = GroundMotionModel(
    name="Parker20Interface",
    terms=partial(_terms, slab=False),
    kernel=_kernel,
    needs=("magnitude", "rrup", "vs30"),
    magnitude=Limits(4.5, 9.5),
    distance=Limits(20.0, 1000.0),
    vs30=Limits(150.0, 2000.0),
    depth=Limits(0.0, 40.0),
    doi="10.1177/87552930211034889",
)
PARKER20_SLAB = replace(
    PARKER20_INTERFACE,
    name="Parker20Slab",
    terms=partial(_terms, slab=True),
    needs=("magnitude", "hypo_depth", "rrup", "vs30"),
    magnitude=Limits(4.5, 8.5),
    distance=Limits(35.0, 1000.0),
    # Depth counts no more below 67 km; the deepest slab earthquakes of Central Asia are at 300 km.
    depth=Limits(20.0, 300.0),
)
