"""The rate of aftershocks: Reasenberg and Jones (1989), its generic parameters, and what a catalogue sees of it.

Reasenberg, P. A. and Jones, L. M. (1989), Earthquake hazard after a mainshock in California, Science 243, 1173-1176,
doi 10.1126/science.243.4895.1173. Rate of aftershocks of magnitude m or larger, t days after a mainshock of M:

    rate(t, m) = 10^(a + b (M - m)) (t + c)^-p

All aftershocks, those of aftershocks too, are the mainshock's; nothing is said of where they happen.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import exprel, hyp2f1

from pipeline.errors import InputError

Array = npt.NDArray[np.float64]

#: Below this magnitude of the mainshock the deviation of `a` grows no more. Page et al. (2016), as USGS applies it.
_SMALLEST_MAINSHOCK = 6.0
#: Bounds of the radius in which aftershocks are looked for, km: those of USGS's aftershock forecasts.
_RADII = (10.0, 2000.0)


class Generic(NamedTuple):
    """Parameters of the rate, as found over many sequences of one tectonic regime."""

    a: float
    """Mean over the sequences of the log10 of productivity."""
    sigma0: float
    """Deviation of `a` between sequences of large mainshocks."""
    sigma1: float
    """Scale of what smaller mainshocks add to it."""
    b: float
    """Gutenberg-Richter."""
    p: float
    """Decay with time."""
    c: float
    """Time before the decay, days."""

    def a_std(self, mainshock: float) -> float:
        """Return the standard deviation of `a` between sequences of such a mainshock."""
        return math.sqrt(self.sigma0**2 + self.sigma1**2 / 10.0 ** max(mainshock, _SMALLEST_MAINSHOCK))


class Completeness(NamedTuple):
    """Magnitude from which a catalogue holds all events, t days after a mainshock of M.

        Mc(t) = max(catalogue, f M - g - h log10 t)

    Helmstetter, A., Kagan, Y. Y. and Jackson, D. D. (2006), doi 10.1785/0120050067; Page et al. (2016), doi 10.1785/0120160073.
    """

    catalogue: float
    """In quiet times."""
    f: float
    g: float
    h: float

    def __call__(self, days: npt.ArrayLike, mainshock: float) -> Array:
        """Return the magnitude of completeness; no event is surely in the catalogue at the time of the mainshock."""
        with np.errstate(divide="ignore"):
            busy = self.f * mainshock - self.g - self.h * np.log10(np.asarray(days, dtype=np.float64))
        return np.maximum(self.catalogue, busy)


#: A global catalogue (USGS, EMSC): Page et al. (2016), with the threshold of USGS's forecasts outside the United States.
GLOBAL_CATALOGUE = Completeness(4.6, 0.5, 0.25, 1.0)
#: A dense local network: Helmstetter et al. (2006), southern California, with the threshold of USGS's forecasts there.
LOCAL_CATALOGUE = Completeness(3.0, 1.0, 4.5, 0.75)


#: Completeness of the events given, by the name in the configuration.
CATALOGUES: Mapping[str, Completeness] = {"global": GLOBAL_CATALOGUE, "local": LOCAL_CATALOGUE}


def smallest_counted(catalogue: str = "global") -> float:
    """Return the magnitude below which no event of a catalogue is ever counted.

    Raises
    ------
    InputError
        Where there is no such catalogue.
    """
    if catalogue not in CATALOGUES:
        raise InputError(f"aftershocks: catalogue {catalogue!r}: expected one of {sorted(CATALOGUES)}")
    return CATALOGUES[catalogue].catalogue


def generic(regime: str = "ANSR-SHALCON") -> Generic:
    """Return the parameters of a regime; the default is shallow active continental crust, as from Iran to Altai.

    Raises
    ------
    InputError
        Where there is no such regime.
    """
    try:
        return _regimes()[regime]
    except KeyError as error:
        raise InputError(f"aftershock regime {regime!r}: expected one of {sorted(_regimes())}") from error


def search_radius(mainshock: npt.ArrayLike) -> Array:
    """Return the distance from the epicentre, km, within which events count as aftershocks.

    The surface rupture length of Wells and Coppersmith (1994), doi 10.1785/BSSA0840040974, Table 2A (all mechanisms),
    from 10 to 2000 km, as in USGS's forecasts; an unknown rupture may reach so far to either side.
    """
    return np.clip(10.0 ** (-3.22 + 0.69 * np.asarray(mainshock, dtype=np.float64)), *_RADII)


def omori_integral(p: float, c: float, begin: npt.ArrayLike, end: npt.ArrayLike) -> Array:
    """Return the integral of (t + c)^-p from begin to end, days since the mainshock; exact also near p = 1."""
    first = np.asarray(begin, dtype=np.float64) + c
    ratio = np.log((np.asarray(end, dtype=np.float64) + c) / first)
    return np.asarray(first ** (1.0 - p) * ratio * exprel((1.0 - p) * ratio))


def expected_number(
    parameters: Generic, *, mainshock: float, magnitude: npt.ArrayLike, begin: npt.ArrayLike, end: npt.ArrayLike
) -> Array:
    """Return the expected number of aftershocks of a magnitude or larger between two times, days, for the mean `a`."""
    above = 10.0 ** (parameters.a + parameters.b * (mainshock - np.asarray(magnitude, dtype=np.float64)))
    return np.asarray(above * omori_integral(parameters.p, parameters.c, begin, end))


def complete_number(parameters: Generic, completeness: Completeness, *, mainshock: float, end: float) -> float:
    """Return the number of aftershocks above the magnitude of completeness up to `end` (days) that `a` = 0 would give.

    Until the catalogue is as complete as in quiet times the integrand is t^(b h) (t + c)^-p, whose integral is a
    hypergeometric function (NIST Digital Library of Mathematical Functions, 15.6.1).

    Raises
    ------
    InputError
        Where the completeness does not improve with time.
    """
    if not completeness.h > 0.0:
        raise InputError(f"completeness: found h {completeness.h}; expected a positive number")
    b, p, c = parameters.b, parameters.p, parameters.c
    quiet = 10.0 ** ((completeness.f * mainshock - completeness.g - completeness.catalogue) / completeness.h)
    until = min(quiet, end)
    power = b * completeness.h + 1.0
    scale = 10.0 ** (b * (mainshock * (1.0 - completeness.f) + completeness.g))
    busy = scale * until**power / power * c**-p * float(hyp2f1(p, power, power + 1.0, -until / c))
    unit = parameters._replace(a=0.0)
    return float(busy + expected_number(unit, mainshock=mainshock, magnitude=completeness.catalogue, begin=until, end=end))


@cache
def _regimes() -> Mapping[str, Generic]:
    """Return the packaged parameters by regime."""
    text = files(__package__).joinpath("generic_parameters.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["regime"]: Generic(*(float(row[name]) for name in Generic._fields)) for row in rows}
