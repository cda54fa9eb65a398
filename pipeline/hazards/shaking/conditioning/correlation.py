"""Loth and Baker (2013): how within-event residuals of two measures at two places are correlated.

Loth, C. and Baker, J. W. (2013), A spatial cross-correlation model of spectral accelerations at multiple periods,
Earthquake Engng Struct. Dyn. 42, 397-417, doi 10.1002/eqe.2212, with the tables of the erratum (2019),
doi 10.1002/eqe.3233. For periods T1, T2 and places h km apart (Eq. 42):

    rho(h) = B1(T1, T2) exp(-3 h / 20) + B2(T1, T2) exp(-3 h / 70) + B3(T1, T2) [h = 0]
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple, Protocol

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike

#: Distances at which the short and the long term have fallen to exp(-3), km. Eq. 42.
_RANGES = (20.0, 70.0)


class Coregionalization(NamedTuple):
    """Weights of the three terms between two lists of periods, each (first, second)."""

    short: Array
    long: Array
    nugget: Array
    """Counts only between observations at the very same place."""

    @property
    def at_zero(self) -> Array:
        """Correlation at one place."""
        return np.asarray(self.short + self.long + self.nugget)


class SpatialCorrelation(Protocol):
    """Correlation of residuals as two exponentials of distance and a nugget."""

    @property
    def ranges(self) -> tuple[float, float]:
        """Distances at which the two exponentials have fallen to exp(-3), km."""
        ...

    def between(self, first: ArrayLike, second: ArrayLike) -> Coregionalization:
        """Return the weights between every period of the first list and every period of the second."""
        ...


class LothBaker:
    """The correlation of Loth and Baker (2013); periods 0.01 to 10 s."""

    ranges = _RANGES

    def between(self, first: ArrayLike, second: ArrayLike) -> Coregionalization:
        """Return the weights between every period of the first list and every period of the second.

        The tables are interpolated linearly in both periods, and along their diagonal where the two are equal, so
        that a measure is fully correlated with itself (as ShakeMap 4 does it).

        Parameters
        ----------
        first, second
            Periods in seconds.

        Raises
        ------
        InputError
            Where a period lies outside the tables.
        """
        periods, tables = _tables()
        left, right = (_interpolation(np.atleast_1d(np.asarray(p, np.float64)), periods) for p in (first, second))
        same = np.equal.outer(np.atleast_1d(first), np.atleast_1d(second))
        mixed = (np.where(same, (left @ table.diagonal())[:, None], left @ table @ right.T) for table in tables)
        return Coregionalization(*mixed)


LOTH_BAKER = LothBaker()


def _interpolation(wanted: Array, periods: Array) -> Array:
    """Return the weights (wanted, periods) of linear interpolation."""
    if not ((wanted >= periods[0]) & (wanted <= periods[-1])).all():
        raise InputError(f"Loth and Baker (2013): found periods {wanted} s; expected {periods[0]} to {periods[-1]} s")
    return np.stack([np.interp(wanted, periods, unit) for unit in np.eye(len(periods))], axis=-1)


@cache
def _tables() -> tuple[Array, Array]:
    """Return the periods and the three tables (term, period, period)."""
    text = files(__package__).joinpath("loth_baker13.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    periods = np.unique([float(row["period"]) for row in rows])
    tables = np.empty((3, len(periods), len(periods)))
    for row in rows:
        i, j = np.searchsorted(periods, (float(row["period"]), float(row["other"])))
        tables[:, i, j] = tables[:, j, i] = [float(row[term]) for term in ("short", "long", "nugget")]
    return periods, tables
