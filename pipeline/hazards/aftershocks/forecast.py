"""The aftershocks to be expected: generic at first, then more and more like the sequence itself.

Sequences of one regime differ in productivity: `a` is normally distributed among them (Page et al. 2016,
doi 10.1785/0120160073). That is the prior; the number of aftershocks seen above the magnitude of completeness, Poisson
for a given `a`, updates it (Michael et al. 2020, doi 10.1785/0220190196). b, p and c stay generic. A forecast is the
mixture of Poisson distributions over what `a` may be, as in USGS's operational aftershock forecasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import pdtr

from pipeline.errors import InputError
from pipeline.hazards.aftershocks.rate import (
    GLOBAL_CATALOGUE,
    Array,
    Completeness,
    Generic,
    complete_number,
    expected_number,
    generic,
)

#: Values of `a` considered: those of USGS's forecasts.
_A = np.linspace(-4.5, -0.5, 401)
#: Weights below this share of the largest change no printed digit.
_NEGLIGIBLE = 1e-12
#: The range given holds this share of what may happen.
_RANGE = (0.025, 0.975)
#: Spans forecast, from `now`: name and days.
WINDOWS: tuple[tuple[str, float], ...] = (("1 day", 1.0), ("1 week", 7.0), ("1 month", 30.0), ("1 year", 365.0))
#: Smallest magnitudes forecast; the mainshock's own is added.
MAGNITUDES: tuple[float, ...] = (3.0, 4.0, 5.0, 6.0, 7.0)

#: (column, units, meaning, HXL tag) of `aftershock_forecast`.
FORECAST_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("window", "1", "span of the forecast", "#date+span"),
    ("magnitude", "1", "smallest magnitude counted", "#indicator+magnitude+min"),
    ("expected", "1", "expected number of aftershocks", "#indicator+aftershocks+mean"),
    ("low", "1", "fewest aftershocks of the 95 % range", "#indicator+aftershocks+min"),
    ("high", "1", "most aftershocks of the 95 % range", "#indicator+aftershocks+max"),
    ("probability", "1", "probability of one or more", "#indicator+aftershocks+probability"),
    ("is_mainshock", "1", "whether that is the mainshock's own", "#indicator+magnitude+mainshock"),
    ("begin", "days", "its begin, since the mainshock", "#date+start+days"),
    ("end", "days", "its end, since the mainshock", "#date+end+days"),
    (
        "observed",
        "1",
        "aftershocks seen above the magnitude of completeness; empty: not watched",
        "#indicator+aftershocks+observed",
    ),
    ("watched", "days", "time in which they would have been seen; 0: forecast of the regime alone", "#date+watched+days"),
    ("a", "1", "mean log10 productivity", "#indicator+productivity+mean"),
    ("a_std", "1", "its standard deviation", "#indicator+productivity+std"),
)


@dataclass(frozen=True, slots=True)
class Productivity:
    """What `a` may be: values and their probabilities, which add up to one."""

    values: Array
    probabilities: Array
    observed: int
    """Aftershocks above the magnitude of completeness that were used."""
    watched: float
    """Days in which they would have been seen; 0: `a` is that of the regime."""

    @property
    def mean(self) -> float:
        """Expected `a`."""
        return float(self.values @ self.probabilities)

    @property
    def std(self) -> float:
        """Standard deviation of `a`."""
        return math.sqrt(float((self.values - self.mean) ** 2 @ self.probabilities))


def productivity(
    days: npt.ArrayLike,
    magnitudes: npt.ArrayLike,
    *,
    mainshock: float,
    now: float,
    parameters: Generic,
    completeness: Completeness,
    watched: tuple[float, float] | None = None,
) -> Productivity:
    """Return what `a` may be, after the aftershocks seen up to `now`; arguments as in `aftershock_forecast`."""
    times, sizes = (np.asarray(a, dtype=np.float64).ravel() for a in (days, magnitudes))
    _refuse(times, sizes, mainshock, now)
    begin, end = watch(now, watched)
    seen = (times > begin) & (times <= end)
    observed = int(np.sum(sizes[seen] >= completeness(times[seen], mainshock)))
    standard = (_A - parameters.a) / parameters.a_std(mainshock)
    number = sum(
        sign * complete_number(parameters, completeness, mainshock=mainshock, end=time)
        for sign, time in ((1, end), (-1, begin))
    )
    log_likelihood = observed * math.log(10.0) * _A - number * 10.0**_A
    logarithm = log_likelihood - 0.5 * standard * standard
    weight = np.exp(logarithm - logarithm.max())
    kept = weight > _NEGLIGIBLE
    return Productivity(_A[kept], weight[kept] / weight[kept].sum(), observed, end - begin)


def watch(now: float, watched: tuple[float, float] | None) -> tuple[float, float]:
    """Return begin and end (days) of the time in which aftershocks would have been seen; alike where there is none.

    Parameters
    ----------
    now
        Days since the mainshock; nothing is seen later.
    watched
        Days; NaN: never. Not given: from the mainshock to `now`.
    """
    begin, end = (0.0, now) if watched is None else (max(watched[0], 0.0), min(watched[1], now))
    return (begin, end) if begin < end else (0.0, 0.0)


def aftershock_forecast(
    days: npt.ArrayLike,
    magnitudes: npt.ArrayLike,
    *,
    mainshock: float,
    now: float,
    parameters: Generic | None = None,
    completeness: Completeness = GLOBAL_CATALOGUE,
    watched: tuple[float, float] | None = None,
    windows: Sequence[tuple[str, float]] = WINDOWS,
    smallest: Sequence[float] = MAGNITUDES,
) -> pd.DataFrame:
    """Return the aftershocks expected, by span and smallest magnitude, with the columns of `FORECAST_COLUMNS`.

    The 95 % range and the probability contain both chance and the uncertainty of `a`; not that of b, p and c, nor of
    large aftershocks with many of their own. Magnitudes have no upper bound.

    Parameters
    ----------
    days, magnitudes
        Time since the mainshock, days, and magnitude (NaN unknown: not counted) of each event within the
        `rate.search_radius`, in any order. Events before the mainshock or after `now` are not counted. Where one is
        larger than the mainshock, it is the mainshock: forecast from it.
    mainshock
        Its magnitude.
    now
        Days since the mainshock; the spans begin here.
    parameters
        Those of the regime (`rate.generic`); shallow active continental crust where not given.
    completeness
        Of the catalogue the events are from.
    watched
        Begin and end, days since the mainshock, of the time whose aftershocks would be among those given: what was not
        watched says nothing, not that nothing was. NaN: never, the forecast is that of the regime. Not given: all of
        it up to `now`.
    windows
        Name and length in days of each span.
    smallest
        Magnitudes; aftershocks of at least so much are counted. The mainshock's own is added.

    Raises
    ------
    InputError
        Where the times and magnitudes differ in number, a time, the mainshock or `now` is unknown, or `now` is before
        the mainshock.
    """
    model = generic() if parameters is None else parameters
    known = productivity(
        *(days, magnitudes), mainshock=mainshock, now=now, parameters=model, completeness=completeness, watched=watched
    )
    table = pd.DataFrame(
        [
            (name, now, now + span, magnitude, is_mainshock)
            for name, span in windows
            for magnitude, is_mainshock in (*((m, False) for m in smallest), (mainshock, True))
        ],
        columns=["window", "begin", "end", "magnitude", "is_mainshock"],
    )
    for_zero = model._replace(a=0.0)
    begin, end, size = (table[name].to_numpy(float) for name in ("begin", "end", "magnitude"))
    numbers = expected_number(for_zero, mainshock=mainshock, magnitude=size, begin=begin, end=end)
    rates = numbers[:, None] * 10.0**known.values
    table["expected"] = rates @ known.probabilities
    table["low"], table["high"] = (_quantile(rates, known.probabilities, share) for share in _RANGE)
    table["probability"] = np.minimum(-np.expm1(-rates) @ known.probabilities, 1.0)
    observed = float(known.observed) if known.watched else np.nan
    table = table.assign(observed=observed, watched=known.watched, a=known.mean, a_std=known.std)
    return table[[name for name, *_ in FORECAST_COLUMNS]]


def _quantile(rates: Array, probabilities: Array, share: float) -> npt.NDArray[np.int64]:
    """Return the smallest number whose cumulative probability in a mixture of Poisson rates reaches a share, by row."""
    largest = rates.max(axis=1)
    below = np.full(len(rates), -1.0)
    reached = np.ceil(largest + 10.0 * np.sqrt(largest) + 20.0)
    while np.any(reached - below > 1.0):
        middle = np.floor(0.5 * (below + reached))
        enough = pdtr(np.maximum(middle, 0.0)[:, None], rates) @ probabilities >= share
        enough &= middle >= 0.0
        below, reached = np.where(enough, below, middle), np.where(enough, middle, reached)
    return np.asarray(reached, dtype=np.int64)


def _refuse(days: Array, magnitudes: Array, mainshock: float, now: float) -> None:
    if days.shape != magnitudes.shape:
        raise InputError(f"aftershocks: found {days.size} times and {magnitudes.size} magnitudes; expected as many")
    if not np.isfinite(days).all():
        raise InputError("aftershocks: found an unknown time; expected days since the mainshock")
    if not (math.isfinite(mainshock) and math.isfinite(now) and now >= 0.0):
        raise InputError(f"aftershocks: found mainshock {mainshock} and now {now} days; expected both known, now after it")
