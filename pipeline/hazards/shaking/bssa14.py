"""Boore, Stewart, Seyhan and Atkinson (2014): ground motion of shallow crustal earthquakes, NGA-West2.

Boore, D. M., Stewart, J. P., Seyhan, E. and Atkinson, G. M. (2014), NGA-West2 equations for predicting PGA,
PGV, and 5 % damped PSA for shallow crustal earthquakes, Earthquake Spectra 30, 1057-1085,
doi 10.1193/070113EQS184M. Equation numbers are of that paper; the coefficients are its electronic supplement's.
This is the base model for California and "global" regions: no regional anelastic term.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import (
    Array,
    ArrayLike,
    GroundMotion,
    GroundMotionModel,
    Limits,
    spectral_period,
)

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


class _Predictors(NamedTuple):
    """What the model uses of an event, a path and a site."""

    magnitude: Array
    rake: Array
    rjb: Array
    vs30: Array
    z1pt0: Array


def bssa14(
    imt: str,
    *,
    magnitude: ArrayLike,
    rjb: ArrayLike,
    vs30: ArrayLike,
    rake: ArrayLike = math.nan,
    z1pt0: ArrayLike = math.nan,
    dip: ArrayLike | None = None,
    ztor: ArrayLike | None = None,
    width: ArrayLike | None = None,
    hypo_depth: ArrayLike | None = None,
    rrup: ArrayLike | None = None,
    rx: ArrayLike | None = None,
    ry0: ArrayLike | None = None,
    rhypo: ArrayLike | None = None,
    vs30measured: ArrayLike | None = None,
    z2pt5: ArrayLike | None = None,
    backarc: ArrayLike | None = None,
    dpp: ArrayLike | None = None,
) -> GroundMotion:
    """Return the median and standard deviations of a ground motion (average horizontal component RotD50).

    Parameters
    ----------
    imt
        "PGV", "PGA" or "SA(T)" with T from 0.01 to 10 s, 5 % damped; between the 105 tabulated periods the
        mean and both deviations are interpolated linearly in ln T.
    magnitude
        Moment magnitude.
    rjb
        Joyner-Boore distance, km.
    vs30
        Time-averaged shear-wave velocity of the upper 30 m, m s-1.
    rake
        Degrees; NaN for an unspecified mechanism.
    z1pt0
        Depth to a shear-wave velocity of 1 km/s, m; NaN for the depth usual at this Vs30 (no basin term).
    dip, ztor, width, hypo_depth, rrup, rx, ry0, rhypo, vs30measured, z2pt5, backarc, dpp
        Not used by this model.

    Returns
    -------
    GroundMotion
        In the broadcast shape of the inputs, NaN where magnitude, rjb or vs30 is.

    Raises
    ------
    InputError
        Where the model does not give the measure.
    """
    given = _Predictors(*(np.asarray(a, dtype=np.float64) for a in (magnitude, rake, rjb, vs30, z1pt0)))
    (name, _), *others = parts = _tabulated(imt)
    if not others:
        return _tabulated_motion(name, given)
    motions = [_tabulated_motion(name, given) for name, _ in parts]
    weights = [weight for _, weight in parts]
    return GroundMotion(*(sum(w * a for w, a in zip(weights, same, strict=True)) for same in zip(*motions, strict=True)))


#: The model as the registry knows it; ranges from the paper's section on limits of use, hypocentral depth from the
#: range over which ShakeMap uses active-crust models (30 km and a buffer of 5 km, Worden et al. 2020, select.conf).
BSSA14 = GroundMotionModel(
    name="BSSA14",
    function=bssa14,
    magnitude=Limits(3.0, 8.5),
    distance=Limits(0.0, 400.0),
    vs30=Limits(150.0, 1500.0),
    depth=Limits(0.0, 35.0),
    doi="10.1193/070113EQS184M",
)


def _tabulated_motion(name: str, given: _Predictors) -> GroundMotion:
    """Return the motion of a row of the supplement (Eq. 1 and Eq. 13)."""
    rows = _rows()
    row = rows[name]
    ln_vs30 = np.log(given.vs30)
    reference_pga = np.exp(_rock(rows["PGA"], given))
    mean = _rock(row, given) + _site(row, given.vs30, ln_vs30, reference_pga)
    if row.f6:
        mean = mean + _basin(row, given.vs30, given.z1pt0)
    tau, phi = _deviations(row, given.magnitude, given.rjb, ln_vs30)
    shape = np.broadcast_shapes(mean.shape, phi.shape)
    return GroundMotion(*(np.broadcast_to(a, shape) for a in (mean, tau, phi)))


def _rock(row: _Coefficients, given: _Predictors) -> Array:
    """Return ln motion on the reference rock: event term (Eq. 2) and path term (Eqs. 3 and 4)."""
    m = given.magnitude
    above = m - row.mh
    event = _mechanism(row, given.rake) + np.where(m <= row.mh, row.e4 * above + row.e5 * above**2, row.e6 * above)
    distance = np.sqrt(given.rjb * given.rjb + row.h**2)
    spreading = row.c1 + row.c2 * (m - _REFERENCE_MAGNITUDE)
    path = spreading * np.log(distance / _REFERENCE_DISTANCE) + row.c3 * (distance - _REFERENCE_DISTANCE)
    return np.asarray(event + path)


def _mechanism(row: _Coefficients, rake: Array) -> Array:
    """Return the constant of the event term by mechanism: e0 unspecified, e1 strike-slip, e2 normal, e3 reverse."""
    from_horizontal = np.minimum(np.abs(rake), 180.0 - np.abs(rake))
    dip_slip = np.where(rake > 0, row.e3, row.e2)
    return np.where(np.isnan(rake), row.e0, np.where(from_horizontal <= _STRIKE_SLIP, row.e1, dip_slip))


def _site(row: _Coefficients, vs30: Array, ln_vs30: Array, reference_pga: Array) -> Array:
    """Return the linear (Eq. 6) and non-linear (Eqs. 7 and 8) site terms; `reference_pga` on rock, g."""
    linear = row.c * (np.minimum(ln_vs30, math.log(row.vc)) - math.log(_REFERENCE_VS30))
    soft = np.exp(row.f5 * (np.minimum(vs30, _REFERENCE_VS30) - _NONLINEAR_VS30))
    strength = row.f4 * (soft - math.exp(row.f5 * (_REFERENCE_VS30 - _NONLINEAR_VS30)))
    return np.asarray(linear + strength * np.log1p(reference_pga / _NONLINEAR_PGA))


def _basin(row: _Coefficients, vs30: Array, z1pt0: Array) -> Array:
    """Return the basin term (Eqs. 9 to 11, California): depth to 1 km/s against the depth usual at this Vs30."""
    if np.isnan(z1pt0).all():
        return np.zeros(())
    usual = np.exp(-7.15 / 4.0 * np.log((vs30**4 + 570.94**4) / (1360.0**4 + 570.94**4)))
    excess = z1pt0 / 1000.0 - usual / 1000.0
    return np.where(np.isnan(z1pt0), 0.0, np.minimum(row.f6 * excess, row.f7))


def _deviations(row: _Coefficients, m: Array, rjb: Array, ln_vs30: Array) -> tuple[Array, Array]:
    """Return (tau, phi): Eq. 14 between events, Eqs. 15 to 17 within an event."""
    low, high = _SIGMA_MAGNITUDES
    share = (np.clip(m, low, high) - low) / (high - low)
    tau = row.tau1 + (row.tau2 - row.tau1) * share
    far = np.log(np.clip(rjb, row.r1, row.r2) / row.r1) / math.log(row.r2 / row.r1)
    ln_low, ln_high = (math.log(v) for v in _SOFT_VS30)
    soft = (ln_high - np.clip(ln_vs30, ln_low, ln_high)) / (ln_high - ln_low)
    phi = row.phi1 + (row.phi2 - row.phi1) * share + row.dphi_r * far - row.dphi_v * soft
    return np.asarray(tau), np.asarray(phi)


@cache
def _rows() -> dict[str, _Coefficients]:
    """Return the supplement's rows by measure."""
    text = files(__package__).joinpath("bssa14_coefficients.csv").read_text(encoding="utf-8")
    records = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {r["measure"]: _Coefficients(*(float(r[name]) for name in _Coefficients._fields)) for r in records}


@cache
def _tabulated(imt: str) -> tuple[tuple[str, float], ...]:
    """Return (row, weight) of the one row of a measure, or of the two between whose periods it lies."""
    if imt in ("PGV", "PGA"):
        return ((imt, 1.0),)
    names = [name for name in _rows() if name not in ("PGV", "PGA")]
    periods = [float(name) for name in names]
    period = spectral_period(imt)
    if period is None or not periods[0] <= period <= periods[-1]:
        raise InputError(f"BSSA14: found measure {imt!r}; expected PGV, PGA or SA(T) with T of 0.01 to 10 s")
    after = bisect_left(periods, period)
    if periods[after] == period:
        return ((names[after], 1.0),)
    weight = math.log(period / periods[after - 1]) / math.log(periods[after] / periods[after - 1])
    return (names[after - 1], 1.0 - weight), (names[after], weight)
