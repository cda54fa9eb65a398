"""Worden, Gerstenberger, Rhoades and Wald (2012): Modified Mercalli intensity from ground motion and back.

Worden, C. B., Gerstenberger, M. C., Rhoades, D. A. and Wald, D. J. (2012), Probabilistic relationships between
ground-motion parameters and Modified Mercalli Intensity in California, Bull. Seismol. Soc. Am. 102, 204-221,
doi 10.1785/0120110156, with the third segment below MMI 2 that ShakeMap (WGRW12) adds.
With Y in cm/s^2 (cm/s for PGV), M the magnitude and D the distance to the rupture in km:

    MMI = a + b log10 Y                         a, b of the segment in which log10 Y lies
    MMI = a + b log10 Y + c5 + c6 log10 D + c7 M      10 <= D <= 300, 3 <= M <= 7.3
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike, GroundMotion

#: Standard gravity as the relation's authors round it, cm/s^2 for a g.
_GRAVITY = 981.0
#: Bounds of intensity; below I nothing is felt, above X the relation has no data.
_INTENSITIES = (1.0, 10.0)
#: Distances over which the residual term was fitted, km.
_DISTANCES = (10.0, 300.0)
#: Magnitudes over which the residual term was fitted.
_MAGNITUDES = (3.0, 7.3)
#: Intensity at which the lowest segment ends.
_FELT = 2.0
#: Change of log10 Y for one unit of ln Y.
_LOG10_E = math.log10(math.e)
#: Measures from which intensity is derived, the preferred first: as ShakeMap's virtual intensity (VirtualIPE).
INTENSITY_MEASURES = ("PGV", "PGA", "SA(1.0)")


class Intensity(NamedTuple):
    """Intensity and how it changes with the motion."""

    mmi: Array
    """Modified Mercalli intensity, 1 to 10; NaN where unknown."""
    slope: Array
    """d MMI / d ln Y."""


class Motion(NamedTuple):
    """Ground motion for an intensity and how it changes with it."""

    ln: Array
    """ln of g for PGA and SA, ln of cm/s for PGV; NaN where unknown."""
    slope: Array
    """d ln Y / d MMI."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """Constants of one ground-motion measure."""

    lines: tuple[tuple[float, float], ...]
    """(a, b) of the three segments, from weak to strong."""
    breaks: tuple[float, float]
    """log10 Y between the segments."""
    mmi_break: float
    """Intensity between the second and third segment."""
    residual: tuple[float, float, float]
    """c5, c6 and c7."""
    mmi_sigma: float
    """Standard deviation of intensity for a given motion, MMI units."""
    log10_sigma: float
    """Standard deviation of motion for a given intensity, log10 units."""
    divisor: float = _GRAVITY
    """Units of Y in one unit of the motion: cm/s^2 in a g, or 1."""

    @property
    def ln_sigma(self) -> float:
        """Standard deviation of motion for a given intensity, ln units."""
        return self.log10_sigma * math.log(10.0)


WORDEN12: Mapping[str, Conversion] = {
    "PGA": Conversion(((1.71, 2.08), (1.78, 1.55), (-1.60, 3.70)), (0.14, 1.57), 4.22, (-0.91, 1.02, -0.17), 0.66, 0.35),
    "PGV": Conversion(
        ((4.62, 2.17), (3.78, 1.47), (2.89, 3.16)), (-1.21, 0.53), 4.56, (0.90, 0.00, -0.18), 0.63, 0.38, divisor=1.0
    ),
    "SA(0.3)": Conversion(((1.15, 1.92), (1.26, 1.69), (-4.15, 4.14)), (0.44, 2.21), 4.99, (-1.05, 0.60, 0.00), 0.82, 0.44),
    "SA(1.0)": Conversion(((2.71, 2.17), (2.50, 1.51), (0.20, 2.90)), (-0.33, 1.65), 4.98, (2.27, -0.49, -0.29), 0.75, 0.47),
    "SA(3.0)": Conversion(((7.35, 3.45), (3.81, 1.17), (1.99, 3.01)), (-1.55, 0.99), 4.96, (1.91, -0.57, -0.21), 0.89, 0.64),
}
"""Constants of the relation by measure, as ShakeMap 4 has them (shakelib.gmice.wgrw12, public domain)."""


def intensity(
    imt: str, ln_motion: ArrayLike, *, magnitude: ArrayLike | None = None, distance: ArrayLike | None = None
) -> Intensity:
    """Return the intensity of a ground motion.

    Parameters
    ----------
    imt
        One of the keys of `WORDEN12`.
    ln_motion
        ln of g for PGA and SA, ln of cm/s for PGV; NaN unknown.
    magnitude, distance
        Moment magnitude and distance to the rupture in km; the residual term is added where both are given.

    Raises
    ------
    InputError
        Where the relation does not know the measure.
    """
    constants = _constants(imt)
    log_motion = np.asarray(ln_motion, dtype=np.float64) * _LOG10_E + math.log10(constants.divisor)
    weak, strong = constants.breaks
    lines = constants.lines
    intercept, factor = (
        np.where(log_motion < weak, lines[0][i], np.where(log_motion < strong, lines[1][i], lines[2][i])) for i in (0, 1)
    )
    mmi = intercept + factor * log_motion + _residual(constants, magnitude, distance)
    return Intensity(np.clip(mmi, *_INTENSITIES), np.where(np.isnan(log_motion), np.nan, factor * _LOG10_E))


def motion(imt: str, mmi: ArrayLike, *, magnitude: ArrayLike | None = None, distance: ArrayLike | None = None) -> Motion:
    """Return the ground motion of an intensity: the same lines read the other way.

    Parameters
    ----------
    imt
        One of the keys of `WORDEN12`.
    mmi
        Modified Mercalli intensity; NaN unknown.
    magnitude, distance
        As for `intensity`.

    Raises
    ------
    InputError
        Where the relation does not know the measure.
    """
    constants = _constants(imt)
    plain = np.asarray(mmi, dtype=np.float64) - _residual(constants, magnitude, distance)
    lines = constants.lines
    intercept, factor = (
        np.where(plain < _FELT, lines[0][i], np.where(plain < constants.mmi_break, lines[1][i], lines[2][i])) for i in (0, 1)
    )
    ln = ((plain - intercept) / factor - math.log10(constants.divisor)) / _LOG10_E
    return Motion(ln, np.where(np.isnan(plain), np.nan, 1.0 / (factor * _LOG10_E)))


def predicted_intensity(
    imt: str, predicted: GroundMotion, *, magnitude: ArrayLike | None = None, distance: ArrayLike | None = None
) -> GroundMotion:
    """Return the intensity of a predicted motion with its two deviations: ShakeMap's virtual intensity model.

    The between-event deviation is carried over by the slope alone, the within-event one takes the relation's own
    scatter as well, so that the two together are `intensity_deviation`.

    Parameters
    ----------
    imt
        The measure predicted; ShakeMap takes PGV.
    predicted
        Its prediction; `mean_ln` of the result is the intensity itself.
    magnitude, distance
        As for `intensity`.

    Raises
    ------
    InputError
        Where the relation does not know the measure.
    """
    mmi, slope = intensity(imt, predicted.mean_ln, magnitude=magnitude, distance=distance)
    tau = slope * np.asarray(predicted.tau, dtype=np.float64)
    return GroundMotion(mmi, tau, intensity_deviation(imt, slope, np.square(np.asarray(predicted.phi, dtype=np.float64))))


def intensity_deviation(imt: str, slope: ArrayLike, motion_variance: ArrayLike) -> Array:
    """Return the standard deviation of an intensity derived from a predicted motion, MMI units.

    The relation's own scatter and the motion's, carried over by the slope: sqrt(sigma^2 + (dMMI/dlnY)^2 var lnY),
    as ShakeMap's virtual intensity does it (Worden et al. 2020, doi 10.5066/F7D21VPQ).

    Parameters
    ----------
    imt
        The measure the intensity was derived from.
    slope
        d MMI / d ln Y.
    motion_variance
        Variance of the motion, squared ln units.
    """
    carried = np.square(np.asarray(slope, dtype=np.float64)) * np.asarray(motion_variance, dtype=np.float64)
    return np.asarray(np.sqrt(_constants(imt).mmi_sigma ** 2 + carried))


def _residual(constants: Conversion, magnitude: ArrayLike | None, distance: ArrayLike | None) -> Array:
    if magnitude is None or distance is None:
        return np.zeros(())
    constant, by_distance, by_magnitude = constants.residual
    limited = np.clip(np.asarray(magnitude, dtype=np.float64), *_MAGNITUDES)
    term = constant + by_magnitude * limited
    if by_distance:
        term = term + by_distance * np.log10(np.clip(np.asarray(distance, dtype=np.float64), *_DISTANCES))
    return np.asarray(term)


def _constants(imt: str) -> Conversion:
    try:
        return WORDEN12[imt]
    except KeyError as error:
        raise InputError(f"Worden et al. (2012): found measure {imt!r}; expected one of {sorted(WORDEN12)}") from error
