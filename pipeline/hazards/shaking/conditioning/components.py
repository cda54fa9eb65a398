"""Boore and Kishida (2017): one definition of horizontal ground motion turned into another.

Boore, D. M. and Kishida, T. (2017), Relations between some horizontal-component ground-motion intensity measures used
in practice, Bull. Seismol. Soc. Am. 107, 334-343, doi 10.1785/0120160250. For M clipped to 2-9 and R to 0.01-400 km:

    ln(first / second) = c0 + r1 ln(R / 50) + m1 (M - 5.5) + m2 (M - 5.5)^2,  standard deviation sigma

A ground-motion model predicts one definition (RotD50 for the NGA-West2 models), stations report another (the larger
of the two as recorded). As in ShakeMap 4 the scatter of the relation goes wholly into the within-event deviation, each
step of a chain adds its own, and a definition not in the paper is taken for the geometric mean as recorded.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike, GroundMotion, spectral_period

#: Largest of the two horizontal components as recorded.
LARGER = "GREATER_OF_TWO_HORIZONTAL"
#: Names in the paper of the definitions as FDSN stations and ground-motion models spell them.
_SHORT_NAMES = {LARGER: "larger", "RotD50": "rotd50", "RotD100": "rotd100", "GMRotI50": "gmroti50"}
#: What every other definition is taken for: the geometric mean as recorded.
_GEOMETRIC_MEAN = "gmar"
#: Where the two definitions have no relation of their own the way leads over this one.
_HUB = "rotd50"
#: Ranges of the regressions: distance to the rupture, km, and magnitude.
_DISTANCES, _MAGNITUDES = (0.01, 400.0), (2.0, 9.0)
#: Rows of the table that are no periods.
_ROWS = {"PGA": 0.0, "PGV": -1.0}

_Table = tuple[Array, Array]


def convert_component(
    imt: str, motion: GroundMotion, components: tuple[str, str], *, magnitude: ArrayLike, distance: ArrayLike
) -> GroundMotion:
    """Return a predicted motion of one horizontal component as one of another.

    Parameters
    ----------
    imt
        "PGA", "PGV" or a spectral acceleration such as "SA(0.3)".
    motion
        Mean and deviations of ln; the between-event deviation stays as it is.
    components
        From which definition to which: "RotD50", "RotD100", "GMRotI50", "GREATER_OF_TWO_HORIZONTAL"; any other is
        taken for the geometric mean as recorded.
    magnitude
        Moment magnitude.
    distance
        Distance to the rupture, km.

    Raises
    ------
    InputError
        Where the measure is unknown.
    """
    mean, variance = motion.mean_ln, np.square(motion.phi)
    for first, second in _steps(*(_SHORT_NAMES.get(name, _GEOMETRIC_MEAN) for name in components)):
        sign, sigma, terms = _coefficients(imt, first, second)
        mean = mean + sign * _ln_ratio(terms, magnitude, distance)
        variance = variance + sigma**2
    return GroundMotion(np.asarray(mean, np.float64), motion.tau, np.asarray(np.sqrt(variance)))


def _ln_ratio(terms: Array, magnitude: ArrayLike, distance: ArrayLike) -> Array:
    constant, by_distance, linear, square = terms
    above = np.clip(np.asarray(magnitude, np.float64), *_MAGNITUDES) - 5.5
    spread = np.log(np.clip(np.asarray(distance, np.float64), *_DISTANCES) / 50.0)
    return np.asarray(constant + by_distance * spread + linear * above + square * above**2)


def _steps(first: str, second: str) -> list[tuple[str, str]]:
    """Return the relations to apply one after the other."""
    if first == second:
        return []
    known = _relations()
    if (first, second) in known or (second, first) in known:
        return [(first, second)]
    return [(first, _HUB), (_HUB, second)]


def _coefficients(imt: str, first: str, second: str) -> tuple[float, float, Array]:
    """Return the sign with which ln(first/second) is added, sigma, and c0, r1, m1, m2."""
    forward = (first, second) in _relations()
    periods, columns = _relations()[(first, second) if forward else (second, first)]
    period = _ROWS.get(imt, spectral_period(imt))
    if period is None:
        raise InputError(f"Boore and Kishida (2017): found measure {imt!r}; expected PGA, PGV or a spectral acceleration")
    if imt in _ROWS:
        values = columns[:, periods == period][:, 0]
    else:
        spectra = periods > 0
        values = np.array([np.interp(period, periods[spectra], column[spectra]) for column in columns])
    return -1.0 if forward else 1.0, float(values[0]), values[1:]


@cache
def _relations() -> Mapping[tuple[str, str], _Table]:
    """Return by pair the periods and the columns sigma, c0, r1, m1, m2."""
    text = files(__package__).joinpath("boore_kishida17.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    found: dict[tuple[str, str], list[list[float]]] = {}
    for row in rows:
        numbers = [float(row[name]) for name in ("period", "sigma", "c0", "r1", "m1", "m2")]
        found.setdefault((row["first"], row["second"]), []).append(numbers)
    return {pair: (np.array(table)[:, 0], np.array(table).T[1:]) for pair, table in found.items()}
