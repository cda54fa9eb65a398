"""Abrahamson, Gregor and Addo (2016), "BC Hydro": ground motion of slab earthquakes, the central model.

Abrahamson, N., Gregor, N. and Addo, K. (2016), BC Hydro ground motion prediction equations for subduction earthquakes,
Earthquake Spectra 32, 23-44, doi 10.1193/051712EQS188MR. Equation numbers are of that paper. Distance is to the
hypocentre. The model gives no PGV: it comes from the spectral acceleration of the same model (`conditional_pgv`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from pipeline.hazards.elementary import compiled, exp, inlined, log, where
from pipeline.hazards.shaking.block import BACKARC, BLOCK, LN_VS30, MEAN, PHI, RHYPO, TAU, VS30, A, B, C, D, store
from pipeline.hazards.shaking.ground_motion import Array, Event, GroundMotionModel, Limits, Records, records
from pipeline.hazards.shaking.models.coefficients import coefficients
from pipeline.hazards.shaking.models.conditional_pgv import NONE, conditional_pgv

#: Coefficients that do not depend on period. Table 2.
_N, _C, _THETA3, _THETA4, _THETA9, _C4, _C1 = 1.18, 1.88, 0.1, 0.9, 0.4, 10.0, 7.8
#: Shift of the magnitude at which scaling breaks, central model of slab earthquakes. Table 4.
_DELTA_C1 = -0.3
#: Vs30 of the reference rock, m/s.
_ROCK = 1000.0
_LN_ROCK = math.log(_ROCK)
#: Nearest distance of the term for sites behind the arc, km, and the distance it is scaled by.
_BACKARC_NEAREST, _LN_40 = 85.0, math.log(40.0)
#: Between-event and within-event deviation at every period, ln units. Table 3.
_TAU, _PHI = 0.43, 0.60


class _Row(NamedTuple):
    """One row of the tables, in the paper's symbols."""

    vlin: float
    b: float
    theta1: float
    theta2: float
    theta6: float
    theta7: float
    theta8: float
    theta10: float
    theta11: float
    theta12: float
    theta13: float
    theta14: float


class _Terms(NamedTuple):
    """What an event fixes for one measure."""

    constant: float
    spreading: float
    near: float
    """Distance at which spreading saturates, km."""
    anelastic: float
    theta7: float
    theta8: float
    theta12: float
    b: float
    vlin: float
    ln_vlin: float
    rock_site: float
    pgv_constant: float
    pgv_slope: float
    pgv_distance: float
    pgv_near: float
    pgv_site: float
    tau: float
    phi: float


def _terms(imts: Sequence[str], event: Event) -> Records:
    """Return the terms of PGA (for the reference motion), then those of the measures."""
    return records([_of_measure(imt, event) for imt in ("PGA", *imts)])


def _of_measure(imt: str, event: Event) -> _Terms:
    m = event.magnitude
    pgv = conditional_pgv(m) if imt == "PGV" else NONE
    row = coefficients("bchydro16", pgv.imt or imt, _Row)
    above = m - (_C1 + _DELTA_C1)
    scaling = row.theta1 + _THETA4 * _DELTA_C1 + (0.0 if above > 0 else _THETA4 * above) + row.theta13 * (10.0 - m) ** 2
    return _Terms(
        constant=scaling + row.theta10 + row.theta11 * (min(event.hypo_depth, 120.0) - 60.0),
        spreading=row.theta2 + row.theta14 + _THETA3 * (m - _C1),
        near=_C4 * math.exp(_THETA9 * (m - 6.0)),
        anelastic=row.theta6,
        theta7=row.theta7,
        theta8=row.theta8,
        theta12=row.theta12,
        b=row.b,
        vlin=row.vlin,
        ln_vlin=math.log(row.vlin),
        rock_site=(row.theta12 + row.b * _N) * math.log(_ROCK / row.vlin),
        pgv_constant=pgv.constant,
        pgv_slope=pgv.slope,
        pgv_distance=pgv.distance,
        pgv_near=pgv.near,
        pgv_site=pgv.site,
        tau=math.hypot(pgv.slope * _TAU, pgv.tau),
        phi=math.hypot(pgv.slope * _PHI, pgv.phi),
    )


@inlined
def _shared(x: Array, near: float) -> None:
    """Fill A with ln R and B with ln of the distance of sites behind the arc, 0 elsewhere (Eq. 1)."""
    for i in range(BLOCK):
        x[A + i] = log(x[RHYPO + i] + near)
    for i in range(BLOCK):
        x[B + i] = log(where(x[RHYPO + i] < _BACKARC_NEAREST, _BACKARC_NEAREST, x[RHYPO + i])) - _LN_40


@inlined
def _rock(x: Array, t: Any) -> None:
    """Fill MEAN with ln motion less its site term (Eqs. 1 to 3)."""
    constant, spreading, anelastic, theta7, theta8 = t.constant, t.spreading, t.anelastic, t.theta7, t.theta8
    for i in range(BLOCK):
        behind = where(x[BACKARC + i] > 0.5, theta7 + theta8 * x[B + i], 0.0)
        x[MEAN + i] = constant + spreading * x[A + i] + anelastic * x[RHYPO + i] + behind


@inlined
def _reference(x: Array, rock_site: float) -> None:
    """Fill C with PGA on rock, g."""
    for i in range(BLOCK):
        x[C + i] = exp(x[MEAN + i] + rock_site)


@inlined
def _site(x: Array, t: Any) -> None:
    """Add the site response."""
    theta12, b, vlin, ln_vlin = t.theta12, t.b, t.vlin, t.ln_vlin
    for i in range(BLOCK):
        x[D + i] = where(x[LN_VS30 + i] > _LN_ROCK, _LN_ROCK, x[LN_VS30 + i]) - ln_vlin
    for i in range(BLOCK):
        x[TAU + i] = exp(_N * x[D + i])
    for i in range(BLOCK):
        x[TAU + i] = log((x[C + i] + _C * x[TAU + i]) / (x[C + i] + _C))
    for i in range(BLOCK):
        x[MEAN + i] += theta12 * x[D + i] + b * where(x[VS30 + i] >= vlin, _N * x[D + i], x[TAU + i])


@inlined
def _convert(x: Array, t: Any) -> None:
    """Turn ln acceleration into the measure asked for: itself, or ln PGV given it."""
    constant, slope, distance, near, site = t.pgv_constant, t.pgv_slope, t.pgv_distance, t.pgv_near, t.pgv_site
    for i in range(BLOCK):
        x[TAU + i] = log(x[RHYPO + i] + near)
    for i in range(BLOCK):
        x[MEAN + i] = constant + slope * x[MEAN + i] + distance * x[TAU + i] + site * x[LN_VS30 + i]


@inlined
def _deviations(x: Array, tau: float, phi: float) -> None:
    for i in range(BLOCK):
        x[TAU + i] = tau
    for i in range(BLOCK):
        x[PHI + i] = phi


@compiled
def _kernel(terms: Records, x: Array, out: Array) -> None:
    _shared(x, terms[0].near)
    _rock(x, terms[0])
    _reference(x, terms[0].rock_site)
    for m in range(1, terms.size):
        _rock(x, terms[m])
        _site(x, terms[m])
        if terms[m].pgv_near > 0.0:
            _convert(x, terms[m])
        _deviations(x, terms[m].tau, terms[m].phi)
        store(x, out, m - 1)


#: Depth counts no more below 120 km; the deepest slab earthquakes of Central Asia are at 300 km.
BCHYDRO_SLAB = GroundMotionModel(
    name="BCHydroSlab",
    terms=_terms,
    kernel=_kernel,
    needs=("magnitude", "hypo_depth", "rhypo", "vs30"),
    magnitude=Limits(5.0, 8.0),
    distance=Limits(0.0, 300.0),
    vs30=Limits(180.0, 1000.0),
    depth=Limits(20.0, 300.0),
    doi="10.1193/051712EQS188MR",
    component="GEOMETRIC_MEAN",
)
