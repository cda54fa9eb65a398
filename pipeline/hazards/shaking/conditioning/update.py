"""Ground motion conditioned on observations: the prior at every cell updated by what the stations say.

Engler et al. (2022), doi 10.1785/0120210177, Eqs. B25 to B32, as ShakeMap 4's model module applies them. For a cell
with prior mean m, tau and phi, and rho its correlation with the observations (the other symbols as in `bias`):

    c = tau e - phi rho' R^-1 t                    what of the event term is not in the observations yet
    mean = m + c H + phi rho' R^-1 (residual / phi)
    variance = phi^2 (1 - rho' R^-1 rho) + c var(H) c'

The cells are taken in tiles: the correlations of all cells with all stations never exist at once. Means are double
precision throughout; the quadratic form is single precision, right to about 1e-6 of phi^2, which leaves a deviation
of up to a thousandth of phi where it should be none: in a cell at the very place of an exact observation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import kernel
from pipeline.hazards.shaking.conditioning.bias import Solution, solve
from pipeline.hazards.shaking.conditioning.correlation import LOTH_BAKER, SpatialCorrelation
from pipeline.hazards.shaking.conditioning.measures import MMI
from pipeline.hazards.shaking.conditioning.options import Cells, Event, Options, Stations
from pipeline.hazards.shaking.conditioning.plan import Plan, Sums, correlate, plan, scratch, sums
from pipeline.hazards.shaking.conditioning.residuals import Residuals, station_residuals
from pipeline.hazards.shaking.ground_motion import Array, GroundMotion

#: Bounds of intensity, and of the logarithm of a motion.
_INTENSITIES, _UNBOUNDED = (1.0, 10.0), (-np.inf, np.inf)


class Conditioned(NamedTuple):
    """Ground motion of one measure at the cells after the observations."""

    mean: Array
    """ln of g or cm/s; the intensity itself for "mmi"; NaN where the prior is unknown."""
    sigma: Array
    """Total standard deviation, ln (or intensity) units."""
    tau: Array
    """What is left of the between-event deviation."""
    phi: Array
    """What is left of the within-event deviation."""
    variance_removed: Array
    """Share of the prior variance that the observations removed, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Update:
    """What the stations say of every measure; `at` spreads it over any cells, in any number of threads."""

    solutions: Mapping[str, Solution | None]
    """By measure; None where no observation speaks for it."""
    arranged: Plan | None
    """The observations of the measures that have any, in the order of `solutions`."""

    def at(self, cells: Cells) -> dict[str, Conditioned]:
        """Return the conditioned motion at the cells for every measure of `cells.motions`.

        Where no observation speaks for a measure its prior comes back as it is. What a cell gets does not depend, to
        the last bit, on which other cells are given with it.

        Parameters
        ----------
        cells
            Prior at the cells, one-dimensional.

        Raises
        ------
        InputError
            Where a measure has no prior at the stations.
        """
        unknown = sorted(set(cells.motions) - set(self.solutions))
        if unknown:
            raise InputError(f"cells have a prior of {unknown}, stations only of {sorted(self.solutions)}: expected the same")
        found = {measure: _prior(motion, np.size(cells.longitude)) for measure, motion in cells.motions.items()}
        if self.arranged is None:
            return found
        vectors = kernel.unit_vectors(*(np.ascontiguousarray(a, np.float64) for a in cells[:2]))
        memory = scratch(self.arranged)
        for start in range(0, vectors.shape[1], kernel.TILE):
            tile = slice(start, start + kernel.TILE)
            correlate(self.arranged, vectors[:, tile], memory)
            for number, (measure, solution) in enumerate(self._observed()):
                if measure in found:
                    _condition(found[measure], tile, solution, sums(self.arranged, number, memory), measure == MMI)
        return found

    def biases(self) -> pd.DataFrame:
        """Return by measure the bias, its deviation, the event term H, its deviation, and the number of observations.

        bias and bias_std are means over the observations of tau H (ln units, intensity units for "mmi"), as in
        ShakeMap's info.json; the bias of one cell is its tau times event_term.
        """
        rows = {
            measure: (s.bias, s.bias_std, s.event_term, s.event_std, len(s.slope)) if s else (0.0, 0.0, 0.0, np.nan, 0)
            for measure, s in self.solutions.items()
        }
        names = ["bias", "bias_std", "event_term", "event_std", "observations"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("measure")

    def _observed(self) -> list[tuple[str, Solution]]:
        return [(measure, s) for measure, s in self.solutions.items() if s is not None]


class Conditioning(NamedTuple):
    """Everything `condition` finds."""

    motions: dict[str, Conditioned]
    biases: pd.DataFrame
    """By measure, see `Update.biases`."""
    flags: pd.DataFrame
    """Why an observation does not count, by station and measure; empty text where it does."""
    observations: pd.DataFrame
    """Every observation, own or derived, beside its prior, see `Residuals.table`."""


def fit(
    found: Residuals, event: Event, *, correlation: SpatialCorrelation = LOTH_BAKER, options: Options | None = None
) -> Update:
    """Return what the stations say of every measure.

    Parameters
    ----------
    found
        Residuals at the stations.
    event, options
        Source and limits.
    correlation
        Of residuals over distance and period.
    """
    limits = options or Options()
    solutions = {measure: solve(found, measure, event, correlation, limits) for measure in found.measures}
    observed = [s for s in solutions.values() if s is not None]
    return Update(solutions, plan(observed, correlation.ranges) if observed else None)


def condition(
    cells: Cells,
    stations: xr.Dataset,
    prior: Stations,
    event: Event,
    *,
    correlation: SpatialCorrelation = LOTH_BAKER,
    options: Options | None = None,
) -> Conditioning:
    """Return the ground motion at the cells given what the stations observed.

    Parameters
    ----------
    cells
        Prior at the cells, in one dimension.
    stations
        Observations, see `residuals.station_residuals`.
    prior
        Prior at the stations for the same measures. Both priors are of the horizontal component the stations report
        (`components.convert_component`), that of intensity follows from PGV (`worden12.predicted_intensity`).
    event, options
        Source and limits.
    correlation
        Of residuals over distance and period.

    Raises
    ------
    InputError
        Where the priors do not fit one another or the observations.
    """
    limits = options or Options()
    found = station_residuals(stations, prior, event, limits)
    learned = fit(found, event, correlation=correlation, options=limits)
    return Conditioning(learned.at(cells), learned.biases(), found.flags(), found.table())


def _prior(motion: GroundMotion, count: int) -> Conditioned:
    """Return the prior as it is, in arrays of its own."""
    mean, tau, phi = (np.array(np.broadcast_to(part, (count,)), np.float64) for part in motion)
    return Conditioned(mean, np.sqrt(tau**2 + phi**2), tau, phi, np.zeros(count))


def _condition(found: Conditioned, tile: slice, solution: Solution, learned: Sums, is_intensity: bool) -> None:
    """Turn the prior of a tile into what the observations leave of it, in place."""
    kernel.condition_tile(
        found.mean[tile],
        found.sigma[tile],
        found.tau[tile],
        found.phi[tile],
        found.variance_removed[tile],
        learned.columns,
        learned.square,
        solution.event_variance,
        solution.own,
        solution.event_term,
        _INTENSITIES if is_intensity else _UNBOUNDED,
    )
