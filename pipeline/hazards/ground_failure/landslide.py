"""The layer `landslide`: what it takes, what it gives, and the call of its block function."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.ground_failure import nowicki_jessee18, reasons
from pipeline.hazards.ground_failure.strips import DTYPES, OUTPUTS
from pipeline.layer import Answers, Variable, blockwise, layer

_CODES = (
    reasons.WITHIN,
    reasons.MAP_UNKNOWN,
    reasons.SHAKING_UNKNOWN,
    reasons.SLOPE,
    reasons.SHAKING_ABOVE,
    reasons.SHAKING_LIMITED,
    reasons.SHAKING_BELOW,
)
#: Classes of the U.S. Geological Survey's ground failure maps for landslides; white up to 0.001, for the equation has a
#: floor of 0.0005 wherever anything shakes, which is no landslide.
COVERAGE_COLOURS = {
    0.0: "#ffffff",
    0.001: "#ffffff",
    0.002: "#ffe680",
    0.01: "#fdbf2d",
    0.02: "#f5871f",
    0.05: "#e0401c",
    0.1: "#a3123a",
    0.2: "#4a0d4f",
}

_INPUTS = {
    "pgv": Variable("cm s-1", "peak ground velocity"),
    "pgv_std": Variable("1", "standard deviation of ln peak ground velocity"),
    "pga": Variable("standard_gravity", "peak ground acceleration, for the least that makes ground fail", optional=True),
    "gradient": Variable("1", "terrain gradient, rise over run"),
    "rock": Variable("1", "model coefficient of the lithology"),
    "land_cover": Variable("1", "model coefficient of the land cover"),
    "cti": Variable("1", "compound topographic index"),
    "model_std": Variable("1", "standard deviation of the model's predictor, logit", optional=True),
    "shaking_exclusion": Variable("1", "exclusion of the shaking, 0 where it stands", optional=True),
}
_OUTPUTS = {
    "coverage": Variable("1", "share of the ground landslides cover", precision=1e-5, colours=COVERAGE_COLOURS),
    "coverage_std": Variable("1", "standard deviation of the share of the ground landslides cover", precision=1e-5),
    "probability": Variable("1", "probability of landslides", precision=1e-4),
    "probability_std": Variable("1", "standard deviation of the probability of landslides", precision=1e-4),
    "exclusion": Variable(
        "1",
        "why the estimate is limited, zero or absent",
        dtype="uint8",
        nodata=reasons.NODATA,
        labels={code: reasons.LABELS[code] for code in _CODES},
        colours={code: reasons.COLOURS[code] for code in _CODES},
    ),
}


@layer(
    title="Landslides set off by an earthquake",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    answers=Answers(estimate="coverage", uncertainty="coverage_std", exclusion="exclusion"),
    source="Nowicki Jessee et al. (2018); Allstadt et al. (2022), 10.1177/87552930211032685",
    doi="10.1029/2017JF004494",
    version="1.0.0",
)
def landslide(
    pgv: xr.DataArray,
    pgv_std: xr.DataArray,
    pga: xr.DataArray,
    gradient: xr.DataArray,
    rock: xr.DataArray,
    land_cover: xr.DataArray,
    cti: xr.DataArray,
    model_std: xr.DataArray,
    shaking_exclusion: xr.DataArray,
    *,
    default_model_std: float = nowicki_jessee18.MODEL_STD,
) -> Mapping[str, xr.DataArray]:
    """Return the share of ground that landslides cover, its probability, their deviations, and where both cannot be known.

    The estimate is the areal coverage: the probability is that of a sampling with as many landslide as other points, it
    has no meaning of its own on the ground, and coverage is what the model's authors turned it into and publish.

    The model itself says zero on ground no steeper than 2 degrees (exclusion 3) and where PGA is below 0.02 g (6; without
    PGA nothing is cut off, and coverage is never less than 0.0005). The deviations there, as in the authors' own maps,
    are those of the equation without these limits. Anything unknown is NaN, never zero.

    Parameters
    ----------
    pgv
        cm/s; NaN or negative is unknown; above 211 it is taken as 211 (exclusion 4).
    pgv_std
        Of ln PGV; where NaN the estimate stands without deviation (exclusion 5).
    pga
        g; NaN where it is not given.
    gradient
        m/m; NaN or negative is unknown.
    rock, land_cover
        Coefficients of the model by GLiM lithology and GlobCover class; beyond +-4 the raster holds something else and
        is unknown. Unconsolidated sediment (-3.22) is taken as -1.36.
    cti
        Taken within 0 to 19.
    model_std
        NaN where no map speaks: `default_model_std` is taken.
    shaking_exclusion
        0 or NaN where the shaking stands by itself; otherwise the estimate is given with exclusion 5.
    default_model_std
        Logit.

    Raises
    ------
    InputError
        Where the default deviation is negative.
    """
    if not default_model_std >= 0.0:
        raise InputError(f"landslide: default_model_std {default_model_std}: expected a standard deviation, 0 or more")
    arrays = blockwise(
        nowicki_jessee18.landslide_block,
        *(pgv, pgv_std, pga, gradient, rock, land_cover, cti, model_std, shaking_exclusion),
        dtypes=DTYPES,
        model_std=float(default_model_std),
    )
    return dict(zip(OUTPUTS, arrays, strict=True))
