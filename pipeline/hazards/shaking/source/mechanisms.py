"""What the mechanism of an earthquake says of its rupture: rake, size and dip."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.errors import InputError


class Mechanism(NamedTuple):
    """Rake, size and dips of ruptures of one mechanism."""

    rake: float
    """Degrees; NaN unspecified."""
    log10_area: tuple[float, float, float]
    """a, b and standard deviation of log10(area in km^2) = a + b M. Wells and Coppersmith (1994), Table 2A."""
    dips: tuple[float, float]
    """Range of dip, degrees. Thompson and Worden (2018)."""


MECHANISMS: Mapping[str, Mechanism] = {
    "unspecified": Mechanism(math.nan, (-3.49, 0.91, 0.24), (10.0, 90.0)),
    "strike-slip": Mechanism(0.0, (-3.42, 0.90, 0.22), (75.0, 90.0)),
    "normal": Mechanism(-90.0, (-2.78, 0.82, 0.22), (40.0, 60.0)),
    "reverse": Mechanism(90.0, (-3.99, 0.98, 0.26), (35.0, 50.0)),
}
"""Mechanisms by the name configurations use."""

#: Length over width of a rupture. Thompson and Worden (2018).
ASPECT_RATIO = 1.7
#: Thickness of seismogenic crust, km. Thompson and Worden (2018).
SEISMOGENIC_THICKNESS = 20.0
#: Angle in degrees from horizontal slip (strike-slip) or from pure dip slip (normal, reverse) that still counts as it.
_NEAR = 30.0


def mechanism(name: str) -> Mechanism:
    """Return the mechanism of this name.

    Raises
    ------
    InputError
        Where there is none.
    """
    try:
        return MECHANISMS[name]
    except KeyError as error:
        raise InputError(f"mechanism {name!r}: expected one of {sorted(MECHANISMS)}") from error


def mechanism_of_rake(rake: float) -> str:
    """Return the name of the mechanism of slip in this direction, by ShakeMap's ranges (SS, NM, RS, ALL).

    Strike-slip within 30 degrees of horizontal, normal -120 to -60, reverse 60 to 120; oblique or NaN is unspecified.

    Parameters
    ----------
    rake
        Degrees, any turn; NaN unknown.
    """
    if math.isnan(rake):
        return "unspecified"
    turned = (rake + 180.0) % 360.0 - 180.0
    if min(abs(turned), 180.0 - abs(turned)) <= _NEAR:
        return "strike-slip"
    if abs(abs(turned) - 90.0) <= _NEAR:
        return "reverse" if turned > 0.0 else "normal"
    return "unspecified"


def rupture_size(magnitude: float, kind: Mechanism, *, deviation: float = 0.0, dip: float = 90.0) -> tuple[float, float]:
    """Return (length, width) of a rupture in km, its area `deviation` standard deviations above the median."""
    constant, factor, sigma = kind.log10_area
    area = 10.0 ** (constant + factor * magnitude + deviation * sigma)
    width = min(math.sqrt(area / ASPECT_RATIO), SEISMOGENIC_THICKNESS / math.sin(math.radians(dip)))
    return area / width, width
