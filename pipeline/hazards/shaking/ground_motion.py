"""What a ground-motion model is: its equations, the range it was made for, and how it is called with arrays.

A model has two halves. `terms` works out in plain Python all that an event fixes, one record for each measure. The
compiled `kernel` makes of it the motion of one block of cells (`block`). Both the call of one model and the fused
call of a set of models (`model_sets`) run these same two, so an equation stands in one place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError
from pipeline.hazards.shaking.block import BLOCK, CELL_PREDICTORS, DEFAULTS, ROWS, prepare

Array = npt.NDArray[np.float64]
ArrayLike = npt.ArrayLike
Records = npt.NDArray[Any]

#: Predictors that are one number for an earthquake.
EVENT_PREDICTORS = ("magnitude", "rake", "dip", "ztor", "width", "hypo_depth")
#: Keywords every ground-motion model accepts; a model ignores those it does not use.
PREDICTORS = (*EVENT_PREDICTORS, *CELL_PREDICTORS)


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


class Event(NamedTuple):
    """What a model may use of an earthquake; NaN where it is not given."""

    magnitude: float
    """Moment magnitude."""
    rake: float = math.nan
    """Degrees; NaN for an unspecified mechanism."""
    dip: float = math.nan
    """Degrees."""
    ztor: float = math.nan
    """Depth to the top of the rupture, km."""
    width: float = math.nan
    """Down-dip width of the rupture, km."""
    hypo_depth: float = math.nan
    """Hypocentral depth, km."""


@dataclass(frozen=True, slots=True)
class GroundMotionModel:
    """A ground-motion model with the range its authors give; call it like a function."""

    name: str
    terms: Callable[[Sequence[str], Event], Records]
    """What the event fixes, for the measures; raises InputError where the model does not give one."""
    kernel: Callable[[Records, Array, Array], None]
    """`kernel(terms, cells, out)`: fill `out` (mean, tau, phi; measure; cell) of one block."""
    needs: tuple[str, ...]
    """Predictors that must be given."""
    magnitude: Limits
    distance: Limits
    """Distance to the rupture, km, in the model's own measure."""
    vs30: Limits
    """m s-1."""
    depth: Limits
    """Hypocentral depth, km."""
    doi: str
    component: str = "RotD50"
    """Horizontal component the model predicts."""

    def __call__(
        self,
        imt: str,
        *,
        magnitude: ArrayLike,
        rake: ArrayLike = math.nan,
        dip: ArrayLike | None = None,
        ztor: ArrayLike | None = None,
        width: ArrayLike | None = None,
        hypo_depth: ArrayLike | None = None,
        rrup: ArrayLike | None = None,
        rjb: ArrayLike | None = None,
        rx: ArrayLike | None = None,
        ry0: ArrayLike | None = None,
        rhypo: ArrayLike | None = None,
        vs30: ArrayLike | None = None,
        vs30measured: ArrayLike | None = None,
        z1pt0: ArrayLike | None = None,
        z2pt5: ArrayLike | None = None,
        backarc: ArrayLike | None = None,
        dpp: ArrayLike | None = None,
    ) -> GroundMotion:
        """Return the median and standard deviations of a ground motion.

        Parameters
        ----------
        imt
            "PGV", "PGA" or "SA(T)", 5 % damped; between tabulated periods the coefficients are linear in ln T.
        magnitude
            Moment magnitude.
        rake, dip
            Degrees; a NaN rake is an unspecified mechanism.
        ztor, width, hypo_depth
            Depth to the top of the rupture, its down-dip width, and depth of the hypocentre, km.
        rrup, rjb, rx, ry0, rhypo
            Distances to the rupture, its surface projection, across and along strike, and to the hypocentre, km.
        vs30
            Time-averaged shear-wave velocity of the upper 30 m, m s-1.
        vs30measured
            True where Vs30 was measured; inferred where not given or NaN.
        z1pt0, z2pt5
            Depth to a shear-wave velocity of 1 km/s (m) and of 2.5 km/s (km); NaN for the depth usual at this Vs30.
        backarc
            True for sites behind the volcanic arc; not, where not given or NaN.
        dpp
            Directivity parameter of CY14 less its mean; 0 where not given.

        Returns
        -------
        GroundMotion
            In the broadcast shape of the inputs, NaN where a predictor the model uses is.

        Raises
        ------
        InputError
            Where the model does not give the measure, or a predictor it needs is not given.
        """
        events = (magnitude, rake, dip, ztor, width, hypo_depth)
        cells = (rrup, rjb, rx, ry0, rhypo, vs30, vs30measured, z1pt0, z2pt5, backarc, dpp)
        named = zip(PREDICTORS, (*events, *cells), strict=True)
        given = {name: np.asarray(value, dtype=np.float64) for name, value in named if value is not None}
        self.require(given)
        used = np.broadcast_shapes(*(a.shape for a in given.values()))
        out = np.empty((3, math.prod(used)))
        for event, where in _by_event(given, used):
            sites = {name: _at(given[name], used, where) for name in CELL_PREDICTORS if name in given}
            out[:, where] = self.evaluate((imt,), event, sites, out[0, where].size)[:, 0]
        return GroundMotion(*out.reshape(3, *used))

    def require(self, given: Any) -> None:
        """Raise InputError where a predictor the model needs is not among those given."""
        missing = [name for name in self.needs if name not in given]
        if missing:
            raise InputError(f"{self.name}: found no {', '.join(missing)}; expected {', '.join(self.needs)}")

    def gives(self, imt: str) -> bool:
        """Tell whether the model gives a measure."""
        try:
            self.terms((imt,), Event(6.0))
        except InputError:
            return False
        return True

    def knows(self, event: Event) -> bool:
        """Tell whether all the model needs of the event is known."""
        # A rake that is NaN has a meaning of its own.
        needed = [name for name in self.needs if name in EVENT_PREDICTORS and name != "rake"]
        return not any(math.isnan(getattr(event, name)) for name in needed)

    def evaluate(self, imts: Sequence[str], event: Event, cells: dict[str, Array], count: int) -> Array:
        """Return (mean ln, tau, phi; measure; cell) of one event; `cells` are one-dimensional, of `count` or 1 values."""
        terms, out = self.terms(imts, event), np.empty((3, len(imts), count))
        if not self.knows(event):
            return np.full_like(out, np.nan)
        block, found = empty_block(cells), np.empty((3, len(imts), BLOCK))
        for start in range(0, count, BLOCK):
            size = load(block, cells, start, min(start + BLOCK, count))
            self.kernel(terms, block, found)
            out[:, :, start : start + size] = found[:, :, :size]
        return out


def empty_block(cells: dict[str, Array]) -> Array:
    """Return a block that holds what all cells have in common: predictors of one value, and defaults of those not given."""
    rows = np.full((ROWS, BLOCK), np.nan)
    for row, name, default in zip(rows, CELL_PREDICTORS, DEFAULTS, strict=False):
        values = cells.get(name)
        row[:] = default if values is None else values if values.size == 1 else np.nan
    return rows.reshape(-1)


def load(block: Array, cells: dict[str, Array], start: int, stop: int) -> int:
    """Fill a block with cells start to stop and return their number; what stands beyond them is of no account."""
    rows = block.reshape(ROWS, BLOCK)
    for name, values in cells.items():
        if values.size > 1:
            rows[CELL_PREDICTORS.index(name), : stop - start] = values[start:stop]
    prepare(block)
    return stop - start


def records(terms: Sequence[Any]) -> Records:
    """Return named tuples of floats as an array of records, which compiled kernels read by name."""
    return np.array([tuple(t) for t in terms], dtype=[(name, np.float64) for name in terms[0]._fields])


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


def _at(values: Array, shape: tuple[int, ...], where: Any) -> Array:
    """Return the values of some cells, one number where all have the same."""
    return values.reshape(1) if values.size == 1 else np.broadcast_to(values, shape).reshape(-1)[where]


def _by_event(given: dict[str, Array], shape: tuple[int, ...]) -> list[tuple[Event, Any]]:
    """Return every event among the predictors, and its cells in the flattened shape."""
    parts = {name: given[name] for name in EVENT_PREDICTORS if name in given}
    if all(values.size == 1 for values in parts.values()):
        return [(Event(**{name: float(values.reshape(-1)[0]) for name, values in parts.items()}), slice(None))]
    table = np.stack([np.broadcast_to(values, shape).reshape(-1) for values in parts.values()], axis=1)
    # NaN is unequal to itself: it would make every cell an event of its own.
    _, first, inverse = np.unique(np.nan_to_num(table, nan=-9999.0), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    members = np.split(order, np.cumsum(np.bincount(inverse.reshape(-1)))[:-1])
    return [(Event(**dict(zip(parts, map(float, table[row]), strict=True))), m) for row, m in zip(first, members, strict=True)]
