"""The shaking of one block of cells: from what is known of the earthquake to motion, intensity, deviations, exclusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.hazards.shaking.conditioning import Cells
from pipeline.hazards.shaking.conditioning.measures import MMI
from pipeline.hazards.shaking.ground_motion import Array, GroundMotion, Limits
from pipeline.hazards.shaking.learning import Known
from pipeline.hazards.shaking.prior import MEASURES, Expected, Prior
from pipeline.hazards.shaking.site import Neighbourhood, terrain_slope, vs30_from_slope
from pipeline.layer import held

#: Motions whose mean is given as exp(mean ln), then their deviations, then intensity and what is said of it.
OUTPUTS = (*MEASURES, *(f"{measure}_std" for measure in MEASURES), "mmi", "mmi_std", "variance_removed", "exclusion")
DTYPES = ("float32",) * 13 + ("uint8",)

#: Codes of `exclusion`.
WITHIN, NO_SITE, TOO_FAR, MAGNITUDE, NEAR_SOURCE, TOO_DEEP, UNUSUAL_SITE = range(7)
#: Stored where not even the epicentre is known.
UNKNOWN = 255
#: Magnitude from which a rupture is too long to be taken as a point. Exclusion 4.
LARGE = 6.5

#: Cells worked on at once: what fits the second-level cache.
_CELLS = 16384


def site_block(*arrays: npt.NDArray[Any], craton: float, spacing: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Return Vs30 (m/s) of one block, from the slope of the terrain where the map is silent; NaN where both are.

    Parameters
    ----------
    arrays
        vs30 (m/s) and elevation (m) of the cell and of its neighbours north, south, west and east, (y, x); latitude
        (y, 1) of the rows. NaN is unknown.
    craton
        Share of stable craton.
    spacing
        Cell height and width, degrees.
    """
    given, *elevation, rows = arrays
    vs30 = np.where(given > 0, given, np.nan).astype(np.float64)
    silent = np.isnan(vs30)
    if not silent.any() or np.isnan(elevation[0][silent]).all():
        return vs30
    slope = terrain_slope(Neighbourhood(*(a.astype(np.float64) for a in elevation)), rows.reshape(-1, 1), spacing)
    return np.where(silent, vs30_from_slope(slope, craton=craton), vs30)


def shaking_block(
    known: npt.NDArray[np.object_], magnitude: npt.NDArray[Any], vs30: Array, rows: Array, columns: Array
) -> tuple[npt.NDArray[Any], ...]:
    """Return the arrays of `OUTPUTS` for one block.

    Parameters
    ----------
    known
        What `learning.learn` returned.
    magnitude
        A single value; NaN unknown.
    vs30
        m/s, (y, x); NaN unknown.
    rows, columns
        Latitude (y, 1) and longitude (1, x) of the cells, degrees.
    """
    outputs = tuple(np.full(vs30.shape, UNKNOWN if dtype == "uint8" else np.nan, dtype) for dtype in DTYPES)
    about: Known | None = held(known)
    if about is None:
        if np.isnan(magnitude).all():
            outputs[-1][:] = MAGNITUDE
        return outputs
    latitude, longitude = rows.reshape(-1, 1), columns.reshape(1, -1)
    height = max(1, _CELLS // max(vs30.shape[1], 1))
    for start in range(0, vs30.shape[0], height):
        strip = slice(start, start + height)
        for output, value in zip(outputs, _strip(about, longitude, latitude[strip], vs30[strip]), strict=True):
            output[strip] = value
    return outputs


def _strip(about: Known, longitude: Array, latitude: Array, vs30: Array) -> tuple[npt.NDArray[Any], ...]:
    expected = about.prior.at(longitude, latitude, vs30)
    means, deviations, removed = _updated(about, longitude, latitude, expected.motions)
    return (
        *(np.exp(means[measure]) for measure in MEASURES),
        *(deviations[measure] for measure in MEASURES),
        *(means[MMI], deviations[MMI], removed),
        _exclusion(about.prior, expected, vs30),
    )


def _updated(
    about: Known, longitude: Array, latitude: Array, motions: Mapping[str, GroundMotion]
) -> tuple[dict[str, Array], dict[str, Array], Array]:
    """Return mean and deviation by measure, and the share of the variance of intensity that observations removed."""
    shape = motions[MMI].mean_ln.shape
    if about.update is None:
        means = {measure: motion.mean_ln for measure, motion in motions.items()}
        deviations = {measure: np.sqrt(motion.variance) for measure, motion in motions.items()}
        return means, deviations, np.where(np.isnan(motions[MMI].mean_ln), np.nan, 0.0)
    lon, lat = (np.broadcast_to(axis, shape).reshape(-1) for axis in (longitude, latitude))
    flat = {
        measure: GroundMotion(*(np.broadcast_to(part, shape).reshape(-1) for part in motion))
        for measure, motion in motions.items()
    }
    found = about.update.at(Cells(lon, lat, flat))
    means = {measure: one.mean.reshape(shape) for measure, one in found.items()}
    deviations = {measure: one.sigma.reshape(shape) for measure, one in found.items()}
    return means, deviations, found[MMI].variance_removed.reshape(shape)


def _exclusion(prior: Prior, expected: Expected, vs30: Array) -> npt.NDArray[np.uint8]:
    """Return the code of the first reason that holds, the gravest first; a range is that of the strictest model."""
    models = prior.models.models()
    magnitude, depth = prior.earthquake.magnitude, prior.earthquake.depth
    near = np.zeros(vs30.shape, bool)
    if prior.is_point and magnitude >= LARGE:
        near = np.broadcast_to(expected.epicentral <= prior.table.rupture_length, vs30.shape)
    reasons = (
        (np.isnan(vs30), NO_SITE),
        (_outside(magnitude, _strictest([model.magnitude for model in models])), MAGNITUDE),
        (depth > min(model.depth.high for model in models), TOO_DEEP),
        (near, NEAR_SOURCE),
        (expected.rupture > min(model.distance.high for model in models), TOO_FAR),
        (_outside(vs30, _strictest([model.vs30 for model in models])), UNUSUAL_SITE),
    )
    code = np.full(vs30.shape, WITHIN, np.uint8)
    for holds, reason in reversed(reasons):
        code = np.where(holds, np.uint8(reason), code)
    return code


def _strictest(limits: list[Limits]) -> Limits:
    return Limits(max(limit.low for limit in limits), min(limit.high for limit in limits))


def _outside(value: Any, limits: Limits) -> Any:
    return (value < limits.low) | (value > limits.high)
