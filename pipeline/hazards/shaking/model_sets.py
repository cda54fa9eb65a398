"""Weighted sets of ground-motion models, and the motion a set gives.

Sets, weights and the rule of combination are ShakeMap's (gmpe_sets.conf of shakemap-modules 1.1.18; `MultiGMPE` of
esi-shakelib 1.2.1; Worden et al. 2020, doi 10.5066/F7D21VPQ). The mean is the weighted mean of ln motion. A deviation is that
of a weighted sum of correlated variables, sigma^2 = sum_ij w_i w_j r_ij sigma_i sigma_j, r_ij being the correlation of the
models' means over the sites. A model that lacks a measure is left out of it and the other weights are scaled up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import InputError
from pipeline.hazards.shaking.block import BLOCK, CELL_PREDICTORS
from pipeline.hazards.shaking.combination import combine, convert
from pipeline.hazards.shaking.ground_motion import (
    EVENT_PREDICTORS,
    Array,
    Event,
    GroundMotion,
    GroundMotionModel,
    empty_block,
    load,
)
from pipeline.hazards.shaking.models import ground_motion_model

#: Weights may miss one by as much as ShakeMap allows.
_ROUNDING = 1e-7
#: Sites over which the correlation of models is taken at most; a larger grid is sampled evenly.
_SAMPLE = 65536
#: Below this number of sites the correlation is not computed but taken to be `_HIGH`. esi-shakelib, `MultiGMPE`.
_FEWEST, _HIGH = 10, 0.95

#: `conversion(component, imt, magnitude)`: (c, r, deviation) of a change of horizontal component, which adds
#: c + r ln(rrup / 50 km) to mean ln motion, and the deviation to phi as variance (Boore and Kishida 2017).
Conversion = Callable[[str, str, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class ModelSet:
    """Ground-motion models and their weights."""

    names: tuple[str, ...]
    """Keys of `GROUND_MOTION_MODELS`."""
    weights: tuple[float, ...]
    """One for each name; they make 1."""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.weights) or not self.names:
            raise InputError(f"model set: found {len(self.names)} names and {len(self.weights)} weights; expected one for each")
        if abs(sum(self.weights) - 1.0) > _ROUNDING or min(self.weights) <= 0.0:
            raise InputError(f"model set: found weights {self.weights}; expected positive ones that make 1")
        self.models()

    def models(self) -> tuple[GroundMotionModel, ...]:
        """Return the models."""
        return tuple(ground_motion_model(name) for name in self.names)

    def weights_of(self, imt: str) -> Array:
        """Return the weights for a measure: 0 for models that lack it, the others scaled to make 1.

        Raises
        ------
        InputError
            Where no model gives the measure.
        """
        weights = np.array([w if m.gives(imt) else 0.0 for w, m in zip(self.weights, self.models(), strict=True)])
        if not weights.any():
            raise InputError(f"measure {imt!r}: given by none of {', '.join(self.names)}")
        return np.asarray(weights / weights.sum())


_QUARTERS = (0.25, 0.25, 0.25, 0.25)
_THIRDS = (0.3333, 0.3333, 0.3334)
MODEL_SETS: Mapping[str, ModelSet] = MappingProxyType(
    {
        "active_crustal_nshmp2014": ModelSet(("ASK14", "BSSA14", "CB14", "CY14"), _QUARTERS),
        "active_crustal_deep": ModelSet(("ASK14", "CB14", "CY14"), _THIRDS),
        "active_crustal_california": ModelSet(("ASK14", "BSSA14ca", "CB14", "CY14"), _QUARTERS),
        "active_crustal_china": ModelSet(("ASK14chn", "BSSA14hq", "CB14hq", "CY14"), _QUARTERS),
        "active_crustal_china_deep": ModelSet(("ASK14chn", "CB14hq", "CY14"), _THIRDS),
        # Earthquakes of 70 to 250 km under the Hindu Kush and Pamir: no set of ShakeMap's is named for them.
        "hindu_kush_slab": ModelSet(("Parker20Slab", "BCHydroSlab"), (0.5, 0.5)),
    }
)
"""Every set of models, by the name configurations use; all but the last by ShakeMap's."""


def model_set(name: str) -> ModelSet:
    """Return the set of this name; a single model is a set of its own.

    Raises
    ------
    InputError
        Where there is none.
    """
    if name in MODEL_SETS:
        return MODEL_SETS[name]
    try:
        return ModelSet((name,), (1.0,))
    except InputError as error:
        raise InputError(f"model set {name!r}: expected one of {sorted(MODEL_SETS)} or the name of a model") from error


class _Part(NamedTuple):
    """One model's work: its terms for the measures it gives, and which of the measures asked for these are."""

    model: GroundMotionModel
    terms: Any
    """None where the event is not known well enough, or there are no such measures."""
    places: Any


class _Plan(NamedTuple):
    """All of a call that does not depend on the cells."""

    parts: tuple[_Part, ...]
    weights: Array
    """(measure, model)."""
    conversions: Array | None
    """(measure, model, 3)."""
    cells: dict[str, Any]
    """Predictors, one-dimensional, of `size` values or one."""
    size: int


def weighted_motion(
    models: ModelSet,
    measures: Sequence[str],
    *,
    conversion: Conversion | None = None,
    correlation: Array | None = None,
    threads: int = 1,
    **predictors: Any,
) -> GroundMotion:
    """Return the motion a set of models gives, for several measures of one earthquake at once.

    Parameters
    ----------
    models
        Models and weights.
    measures
        "PGA", "PGV", "SA(T)".
    conversion
        How the component of each model is turned into the one wanted; None leaves the models' own.
    correlation
        `model_correlation` of the whole grid, where it is worked on in pieces; None computes it over the cells given.
    threads
        Threads over the cells; leave it at 1 inside Dask, to which the threads belong. The bytes are the same.
    predictors
        Keywords of `PREDICTORS` as a model takes them; those of the event (magnitude, rake, dip, ztor, width,
        hypo_depth) are single numbers, the others arrays of any common shape.

    Returns
    -------
    GroundMotion
        Arrays (measure, *cells). NaN where a model lacks a predictor.

    Raises
    ------
    InputError
        Where no model gives a measure, a predictor is missing, or one of the event is no single number.
    """
    shape, plan = _plan(models, measures, conversion, predictors)
    if correlation is None:
        correlation = _correlation(plan)
    products = plan.weights[:, :, None] * plan.weights[:, None, :] * correlation
    out = np.empty((3, len(measures), plan.size))
    blocks = -(-plan.size // BLOCK)
    edges = [BLOCK * (blocks * k // threads) for k in range(threads)] + [plan.size]

    def work(start: int, stop: int) -> None:
        block, found, own = _scratch(plan)
        combined = np.empty((3, len(measures), BLOCK))
        for first in range(start, stop, BLOCK):
            size = _evaluate(plan, slice(first, min(first + BLOCK, stop)), block, found, own)
            combine(found, plan.weights, products, combined)
            out[:, :, first : first + size] = combined[:, :, :size]

    if threads == 1:
        work(0, plan.size)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, edges[:-1], edges[1:]))
    return GroundMotion(*out.reshape(3, len(measures), *shape))


def model_correlation(
    models: ModelSet, measures: Sequence[str], *, conversion: Conversion | None = None, **predictors: Any
) -> Array:
    """Return the correlation of the models' mean ln motions over the cells, (measure, model, model).

    As in ShakeMap it is 0.95 between two models where there are fewer than ten cells, and 1 where a mean does not vary.
    Cells whose motion is unknown do not count. Of more than 65536 cells every k-th is taken: on a grid of a
    million the deviations then differ from those of the whole by less than 1e-4. Parameters as in `weighted_motion`.
    """
    return _correlation(_plan(models, measures, conversion, predictors)[1])


def _plan(
    models: ModelSet, measures: Sequence[str], conversion: Conversion | None, predictors: Mapping[str, Any]
) -> tuple[tuple[int, ...], _Plan]:
    given = {name: np.asarray(value) for name, value in predictors.items() if value is not None}
    unknown = sorted(set(given) - {*EVENT_PREDICTORS, *CELL_PREDICTORS})
    if unknown:
        raise InputError(f"predictors {', '.join(unknown)}: expected {', '.join((*EVENT_PREDICTORS, *CELL_PREDICTORS))}")
    several = [name for name in EVENT_PREDICTORS if name in given and given[name].size != 1]
    if several:
        raise InputError(f"predictors {', '.join(several)}: found several values; expected those of one earthquake")
    if "magnitude" not in given:
        raise InputError("found no magnitude; expected one")
    event = Event(**{name: float(given[name].reshape(-1)[0]) for name in EVENT_PREDICTORS if name in given})
    sites = {name: given[name] for name in CELL_PREDICTORS if name in given}
    shape = np.broadcast_shapes(*(a.shape for a in sites.values()))
    cells = {k: a.reshape(1) if a.size == 1 else np.broadcast_to(a, shape).reshape(-1) for k, a in sites.items()}
    weights = np.stack([models.weights_of(imt) for imt in measures])
    parts = []
    for own, model in zip(weights.T, models.models(), strict=True):
        model.require(given)
        given_by = [imt for imt, weight in zip(measures, own, strict=True) if weight > 0]
        terms = model.terms(given_by, event) if given_by and model.knows(event) else None
        parts.append(_Part(model, terms, np.flatnonzero(own)))
    conversions = None
    if conversion is not None:
        components = [model.component for model in models.models()]
        conversions = np.array([[conversion(c, imt, event.magnitude) for c in components] for imt in measures])
    return shape, _Plan(tuple(parts), weights, conversions, cells, int(np.prod(shape, dtype=np.int64)))


def _scratch(plan: _Plan) -> tuple[Array, Array, tuple[Array, ...]]:
    """Return a block, the motions of all models in it (model, 3, measure, cell), and those of each model's measures."""
    found = np.zeros((len(plan.parts), 3, len(plan.weights), BLOCK))
    whole = len(plan.weights)
    own = [f if p.places.size == whole else np.empty((3, p.places.size, BLOCK)) for f, p in zip(found, plan.parts, strict=True)]
    return empty_block(plan.cells), found, tuple(own)


def _evaluate(plan: _Plan, cells: slice, block: Array, found: Array, own: tuple[Array, ...]) -> int:
    """Fill `found` with the motions of a block of cells; return their number."""
    size = load(block, plan.cells, cells.start, cells.stop)
    for part, whole, few in zip(plan.parts, found, own, strict=True):
        if part.terms is None:
            whole[:, part.places] = np.nan
        else:
            part.model.kernel(part.terms, block, few)
            if few.shape != whole.shape:
                whole[:, part.places] = few
    if plan.conversions is not None:
        convert(block, plan.conversions, found)
    return size


def _correlation(plan: _Plan) -> Array:
    count = len(plan.parts)
    if plan.size < _FEWEST:
        return np.broadcast_to(np.where(np.eye(count, dtype=bool), 1.0, _HIGH), (len(plan.weights), count, count))
    step = -(-plan.size // _SAMPLE)
    cells = {name: values if values.size == 1 else np.ascontiguousarray(values[::step]) for name, values in plan.cells.items()}
    sample = plan._replace(cells=cells, size=-(-plan.size // step))
    means = np.empty((len(plan.weights), count, sample.size))
    block, found, own = _scratch(sample)
    for first in range(0, sample.size, BLOCK):
        size = _evaluate(sample, slice(first, min(first + BLOCK, sample.size)), block, found, own)
        means[:, :, first : first + size] = found[:, 0, :, :size].swapaxes(0, 1)
    return np.stack([_of_means(rows) for rows in means])


def _of_means(rows: Array) -> Array:
    """Return the correlation of the rows, 1 where it is not defined."""
    known = rows[:, ~np.isnan(rows).any(axis=0)]
    if known.shape[1] < _FEWEST:
        return np.where(np.eye(len(rows), dtype=bool), 1.0, _HIGH)
    centred = known - known.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.square(centred).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        # Not by a matrix product, whose bytes may differ with the number of threads.
        found = np.einsum("in,jn->ij", centred, centred) / np.outer(spread, spread)
    return np.asarray(np.where(np.isnan(found), 1.0, found))
