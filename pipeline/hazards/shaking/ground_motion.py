"""What a ground-motion model is: a function of arrays called by name, and the range it was made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError

Array = npt.NDArray[np.float64]
ArrayLike = npt.ArrayLike

#: Keywords every ground-motion model accepts; a model ignores those it does not use.
PREDICTORS = (
    "magnitude",
    "rake",
    "dip",
    "ztor",
    "width",
    "hypo_depth",
    "rrup",
    "rjb",
    "rx",
    "ry0",
    "rhypo",
    "vs30",
    "vs30measured",
    "z1pt0",
    "z2pt5",
    "backarc",
    "dpp",
)


class GroundMotion(NamedTuple):
    """Mean and the two parts of the standard deviation of the natural logarithm of a ground motion."""

    mean_ln: Array
    """ln of g for PGA and SA, ln of cm/s for PGV; NaN where an input is unknown."""
    tau: Array
    """Between-event standard deviation, ln units."""
    phi: Array
    """Within-event standard deviation, ln units."""

    @property
    def variance(self) -> Array:
        """Total variance, squared ln units."""
        return np.asarray(self.tau**2 + self.phi**2)


class Limits(NamedTuple):
    """Closed range of one predictor."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroundMotionModel:
    """A ground-motion model with the range its authors give; call it like its function."""

    name: str
    function: Callable[..., GroundMotion]
    """`function(imt, *, magnitude, rake, ..., dpp)` with the keywords of `PREDICTORS`."""
    magnitude: Limits
    distance: Limits
    """Distance to the rupture, km, in the model's own measure."""
    vs30: Limits
    """m s-1."""
    depth: Limits
    """Hypocentral depth, km."""
    doi: str

    def __call__(self, imt: str, **predictors: Any) -> GroundMotion:
        """Return the motion; `predictors` are the keywords of `PREDICTORS`, arrays of one broadcast shape."""
        return self.function(imt, **predictors)


def spectral_period(imt: str) -> float | None:
    """Return the period in seconds of a measure such as "SA(0.3)", None for one that is no spectral acceleration.

    Raises
    ------
    InputError
        Where the text between the brackets is no positive number.
    """
    if not (imt.startswith("SA(") and imt.endswith(")")):
        return None
    try:
        period = float(imt[3:-1])
    except ValueError as error:
        raise InputError(f"intensity measure {imt!r}: expected a period in seconds, as in 'SA(0.3)'") from error
    if not period > 0:
        raise InputError(f"intensity measure {imt!r}: expected a positive period in seconds")
    return period
