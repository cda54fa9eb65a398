"""Names of ground-motion measures: as variables ("sa_0p3"), as models call them ("SA(0.3)"), and their periods."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import spectral_period

#: Modified Mercalli intensity as a variable.
MMI = "mmi"
#: Period at which a measure without one of its own is correlated, s. PGA: the shortest of Loth and Baker (2013);
#: PGV and intensity: 1 s, where their residuals correlate best (Worden et al. 2018, doi 10.1785/0120170201).
PERIODS = {"pga": 0.01, "pgv": 1.0, MMI: 1.0}


def model_name(measure: str) -> str:
    """Return the name ground-motion models use: "PGA", "PGV", "MMI" or "SA(0.3)".

    >>> model_name("sa_0p3")
    'SA(0.3)'

    Raises
    ------
    InputError
        Where the variable names no measure.
    """
    if measure in PERIODS:
        return measure.upper()
    head, _, period = measure.partition("_")
    imt = f"SA({period.replace('p', '.')})"
    if head != "sa" or not period:
        raise InputError(f"measure {measure!r}: expected one of {sorted(PERIODS)} or a spectral acceleration as sa_0p3")
    spectral_period(imt)
    return imt


def correlation_period(measure: str) -> float:
    """Return the period, s, at which residuals of the measure are correlated with those of others."""
    own = PERIODS.get(measure)
    return _period(measure) if own is None else own


def spectral(measures: Iterable[str]) -> list[str]:
    """Return the spectral accelerations among the measures, from the shortest period to the longest."""
    return sorted((m for m in measures if m not in PERIODS), key=_period)


def _period(measure: str) -> float:
    period = spectral_period(model_name(measure))
    if period is None:
        raise InputError(f"measure {measure!r} has no period of its own")
    return period
