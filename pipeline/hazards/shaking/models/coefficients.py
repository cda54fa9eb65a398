"""Coefficients of ground-motion models: packaged tables by measure, linear in ln T between periods."""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TypeVar

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import Array, spectral_period

R = TypeVar("R")


@cache
def coefficients(model: str, imt: str, row: Callable[..., R]) -> R:
    """Return the coefficients of a measure as `row`, a named tuple with the columns of the model's table.

    Parameters
    ----------
    model
        The table is `<model>_coefficients.csv` beside this module, its first column the measure.
    imt
        "PGA", "PGV" or "SA(T)".
    row
        Class of the result.

    Raises
    ------
    InputError
        Where the table has no such measure, or the period lies outside it.
    """
    columns, rows = _table(model)
    weights, names = zip(*tabulated(model, imt), strict=True)
    values = np.stack([rows[_key(name)] for name in names])
    # From the lower row on, so that a coefficient equal in both is not changed by rounding.
    mixed = values[0] + (values[-1] - values[0]) * weights[-1] if len(names) > 1 else values[0]
    return row(**dict(zip(columns, map(float, mixed), strict=True)))


def period_of(imt: str) -> float:
    """Return the period of a spectral acceleration in s, NaN for PGA and PGV: no comparison with it holds."""
    period = spectral_period(imt)
    return math.nan if period is None else period


def tabulated(model: str, imt: str) -> tuple[tuple[float, str], ...]:
    """Return (weight, measure) of the one row of a measure, or of the two between whose periods it lies.

    The weights are those of linear interpolation in ln T. Raises InputError as `coefficients`.
    """
    _, rows = _table(model)
    if imt in ("PGA", "PGV") and imt in rows:
        return ((1.0, imt),)
    periods = [name for name in rows if isinstance(name, float)]
    period = spectral_period(imt)
    if period is None or not periods[0] <= period <= periods[-1]:
        others = [name for name in rows if isinstance(name, str)]
        expected = f"{', '.join(others)} or SA(T) with T of {periods[0]:g} to {periods[-1]:g} s"
        raise InputError(f"{model.upper()}: found measure {imt!r}; expected {expected}")
    after = bisect_left(periods, period)
    if periods[after] == period:
        return ((1.0, f"SA({period:g})"),)
    weight = math.log(period / periods[after - 1]) / math.log(periods[after] / periods[after - 1])
    return (1.0 - weight, f"SA({periods[after - 1]:g})"), (weight, f"SA({periods[after]:g})")


def _key(imt: str) -> str | float:
    """Return what a row is found by: the period, or the name of a measure that has none."""
    period = spectral_period(imt)
    return imt if period is None else period


@cache
def _table(model: str) -> tuple[list[str], dict[str | float, Array]]:
    """Return the columns and the rows by measure."""
    text = files(__package__).joinpath(f"{model}_coefficients.csv").read_text(encoding="utf-8")
    (_, *columns), *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    names = (measure if measure in ("PGA", "PGV") else float(measure) for measure, *_ in rows)
    return columns, {name: np.array(values, dtype=np.float64) for name, (_, *values) in zip(names, rows, strict=True)}
