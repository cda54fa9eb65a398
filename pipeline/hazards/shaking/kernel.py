"""The shaking of one block of cells: from the point source to motion, intensity, deviations and exclusion."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.distance import epicentral_distance
from pipeline.hazards.shaking.ground_motion import Array, GroundMotionModel, Limits
from pipeline.hazards.shaking.models import ground_motion_model
from pipeline.hazards.shaking.rupture import DEFAULT_DEPTH, PointSource, source_table
from pipeline.hazards.shaking.site import Neighbourhood, terrain_slope, vs30_from_slope
from pipeline.hazards.shaking.source.mechanisms import mechanism

#: Measures in the order of the outputs; intensity comes from the second.
MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
#: Motions whose mean is given as exp(mean ln), then their deviations, then intensity, its deviation and exclusion.
OUTPUTS = (
    *("pga", "pgv", "sa_0p3", "sa_1p0", "sa_3p0"),
    *("pga_std", "pgv_std", "sa_0p3_std", "sa_1p0_std", "sa_3p0_std"),
    *("mmi", "mmi_std", "exclusion"),
)
DTYPES = ("float32",) * 12 + ("uint8",)

#: Codes of `exclusion`.
WITHIN, NO_SITE, TOO_FAR, MAGNITUDE, NEAR_SOURCE, TOO_DEEP, UNUSUAL_SITE = range(7)
#: Stored where not even the epicentre is known.
UNKNOWN = 255
#: Magnitude from which a rupture is too long to be taken as a point. Exclusion 4.
LARGE = 6.5

#: Cells worked on at once: what fits the second-level cache.
_CELLS = 16384


class Choices(NamedTuple):
    """The parameters of the layer."""

    model: str
    mechanism: str
    craton: float
    spacing: tuple[float, float]
    """Cell height and width, degrees."""


class _Site(NamedTuple):
    """Rows of the grid inputs of a block."""

    vs30: Array
    elevation: Neighbourhood
    latitude: Array


def shaking_block(*arrays: npt.NDArray[Any], choices: Choices) -> tuple[npt.NDArray[Any], ...]:
    """Return the arrays of `OUTPUTS` for one block.

    Parameters
    ----------
    arrays
        magnitude, depth (km), longitude and latitude of the epicentre (degrees), single values; vs30 (m s-1) and
        elevation (m) of the cell and of its neighbours north, south, west and east, (y, x); latitude (y, 1) and
        longitude (1, x) of the cells. NaN is unknown.
    choices
        The parameters of the layer.
    """
    magnitude, depth, longitude, latitude = (float(a.reshape(-1)[0]) for a in arrays[:4])
    vs30, *elevation = arrays[4:10]
    rows, columns = arrays[10].reshape(-1, 1), arrays[11].reshape(1, -1)
    outputs = tuple(np.full(vs30.shape, UNKNOWN if dtype == "uint8" else np.nan, dtype) for dtype in DTYPES)
    if math.isnan(longitude) or math.isnan(latitude):
        return outputs
    if math.isnan(magnitude):
        outputs[-1][:] = MAGNITUDE
        return outputs
    source = PointSource(magnitude, None if math.isnan(depth) else depth, choices.mechanism)
    height = max(1, _CELLS // max(vs30.shape[1], 1))
    for start in range(0, vs30.shape[0], height):
        strip = slice(start, start + height)
        epicentral = epicentral_distance(columns, rows[strip], (longitude, latitude))
        site = _Site(vs30[strip], Neighbourhood(*(a[strip] for a in elevation)), rows[strip])
        values = _strip(source, epicentral, _filled(site, choices), choices)
        for output, value in zip(outputs, values, strict=True):
            output[strip] = value
    return outputs


def _strip(source: PointSource, epicentral: Array, vs30: Array, choices: Choices) -> tuple[npt.NDArray[Any], ...]:
    model, kind = ground_motion_model(choices.model), mechanism(choices.mechanism)
    table = source_table(choices.model, MEASURES, source)
    depth = DEFAULT_DEPTH if source.depth is None else source.depth
    rhypo = np.hypot(epicentral, depth)
    rjb, unknown_rupture = table.at(epicentral)
    predictors = {"magnitude": source.magnitude, "rake": kind.rake, "hypo_depth": depth}
    means, variances = [], []
    for imt, extra in zip(MEASURES, unknown_rupture, strict=True):
        motion = model(imt, rjb=rjb, rhypo=rhypo, vs30=vs30, **predictors)
        means.append(motion.mean_ln)
        variances.append(motion.variance + extra)
    preferred = MEASURES.index(worden12.INTENSITY_MEASURES[0])
    mmi, slope = worden12.intensity(MEASURES[preferred], means[preferred], magnitude=source.magnitude, distance=rhypo)
    mmi_std = worden12.intensity_deviation(MEASURES[preferred], slope, variances[preferred])
    near = (source.magnitude >= LARGE) & (epicentral <= table.rupture_length)
    exclusion = _exclusion(source, model, near, rjb, vs30)
    return (*(np.exp(m) for m in means), *(np.sqrt(v) for v in variances), mmi, mmi_std, exclusion)


def _filled(site: _Site, choices: Choices) -> Array:
    """Return Vs30 in float64, from the slope of the terrain where the map is silent; NaN where both are."""
    vs30 = np.where(site.vs30 > 0, site.vs30, np.nan).astype(np.float64)
    silent = np.isnan(vs30)
    if not silent.any() or np.isnan(site.elevation.here[silent]).all():
        return vs30
    neighbours = Neighbourhood(*(a.astype(np.float64) for a in site.elevation))
    slope = terrain_slope(neighbours, site.latitude, choices.spacing)
    return np.where(silent, vs30_from_slope(slope, craton=choices.craton), vs30)


def _exclusion(
    source: PointSource, model: GroundMotionModel, near: npt.NDArray[np.bool_], rjb: Array, vs30: Array
) -> npt.NDArray[np.uint8]:
    """Return the code of the first reason that holds, the gravest first."""
    reasons = (
        (np.isnan(vs30), NO_SITE),
        (_outside(source.magnitude, model.magnitude), MAGNITUDE),
        (source.depth is not None and source.depth > model.depth.high, TOO_DEEP),
        (near, NEAR_SOURCE),
        (rjb > model.distance.high, TOO_FAR),
        (_outside(vs30, model.vs30), UNUSUAL_SITE),
    )
    code = np.full(vs30.shape, WITHIN, np.uint8)
    for holds, reason in reversed(reasons):
        code = np.where(holds, np.uint8(reason), code)
    return code


def _outside(value: Any, limits: Limits) -> Any:
    return (value < limits.low) | (value > limits.high)
