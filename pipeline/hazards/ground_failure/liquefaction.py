"""The layer `liquefaction`: what it takes, what it gives, and the call of its block function."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.ground_failure import reasons, zhu17
from pipeline.hazards.ground_failure.strips import DTYPES, OUTPUTS
from pipeline.layer import Answers, Variable, blockwise, layer

#: Classes of the U.S. Geological Survey's ground failure maps for liquefaction; white up to 0.001, for the equation has a
#: floor of 0.0003 wherever it speaks at all, which is no liquefaction.
COVERAGE_COLOURS = {
    0.0: "#ffffff",
    0.001: "#ffffff",
    0.005: "#c9e6f2",
    0.01: "#93cde6",
    0.02: "#5aaed6",
    0.05: "#2b7bba",
    0.1: "#5e3c99",
    0.2: "#3f0f5e",
}

_INPUTS = {
    "magnitude": Variable("1", "moment magnitude", on="scalar"),
    "pgv": Variable("cm s-1", "peak ground velocity"),
    "pgv_std": Variable("1", "standard deviation of ln peak ground velocity"),
    "pga": Variable("standard_gravity", "peak ground acceleration"),
    "vs30": Variable("m s-1", "time-averaged shear-wave velocity of the upper 30 m"),
    "precipitation": Variable("mm", "mean annual precipitation"),
    "distance_to_coast": Variable("km", "distance to the nearest coast"),
    "distance_to_river": Variable("km", "distance to the nearest river"),
    "water_table": Variable("m", "depth of the water table below ground, positive down; general model only", optional=True),
    "gradient": Variable("1", "terrain gradient, rise over run"),
    "model_std": Variable("1", "standard deviation of the model's predictor, logit", optional=True),
    "shaking_exclusion": Variable("1", "exclusion of the shaking, 0 where it stands", optional=True),
}
_OUTPUTS = {
    "coverage": Variable("1", "share of the ground that liquefies", precision=1e-5, colours=COVERAGE_COLOURS),
    "coverage_std": Variable("1", "standard deviation of the share of the ground that liquefies", precision=1e-5),
    "probability": Variable("1", "probability of liquefaction", precision=1e-4),
    "probability_std": Variable("1", "standard deviation of the probability of liquefaction", precision=1e-4),
    "exclusion": Variable(
        "1",
        "why the estimate is limited, zero or absent",
        dtype="uint8",
        nodata=reasons.NODATA,
        labels=reasons.LABELS,
        colours=reasons.COLOURS,
    ),
}


@layer(
    title="Liquefaction of the ground by an earthquake",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    answers=Answers(estimate="coverage", uncertainty="coverage_std", exclusion="exclusion"),
    source="Zhu et al. (2017), models 1 and 2; Rashidian and Baise (2020), 10.1016/j.enggeo.2020.105644",
    doi="10.1785/0120160198",
    version="1.0.0",
)
def liquefaction(
    magnitude: xr.DataArray,
    pgv: xr.DataArray,
    pgv_std: xr.DataArray,
    pga: xr.DataArray,
    vs30: xr.DataArray,
    precipitation: xr.DataArray,
    distance_to_coast: xr.DataArray,
    distance_to_river: xr.DataArray,
    water_table: xr.DataArray,
    gradient: xr.DataArray,
    model_std: xr.DataArray,
    shaking_exclusion: xr.DataArray,
    *,
    model: str = "general",
    default_model_std: float = zhu17.MODEL_STD,
) -> Mapping[str, xr.DataArray]:
    """Return the share of ground that liquefies, its probability, their deviations, and where both cannot be known.

    The estimate is the areal coverage: the probability is that of a sampling with as many liquefied as other points, it
    has no meaning of its own on the ground, and coverage is what the model's authors turned it into and publish.

    The model itself says zero on slopes above 5 degrees and on perfectly level cells, which are water (exclusion 3),
    on ground stiffer than 620 m/s (7) and where PGV is below 3 cm/s or PGA below 0.1 g (6). The deviations there are
    those of the equation without these limits. Anything unknown is NaN, never zero.

    Parameters
    ----------
    magnitude
        Unknown (NaN): no estimate, for the duration of shaking is unknown.
    pgv, pga
        cm/s, g; NaN or negative is unknown. PGV above 150 is taken as 150 (exclusion 4).
    pgv_std
        Of ln PGV; where NaN the estimate stands without deviation (exclusion 5).
    vs30, precipitation, distance_to_coast, distance_to_river, water_table, gradient
        m/s, mm, km, km, m, m/m; NaN, negative or impossibly large is unknown. Precipitation above 2500 mm is taken as that, a
        river farther than 15 km as at 15 km. The water table counts in the general model only, which has no estimate
        without it.
    model_std
        NaN where no map speaks: `default_model_std` is taken.
    shaking_exclusion
        0 or NaN where the shaking stands by itself; otherwise the estimate is given with exclusion 5.
    model
        "general", or "coastal" within about 20 km of a sea.
    default_model_std
        Logit.

    Raises
    ------
    InputError
        Where the model is none or the default deviation negative.
    """
    if model not in zhu17.MODELS:
        raise InputError(f"liquefaction: model {model!r}; expected one of {sorted(zhu17.MODELS)}")
    if not default_model_std >= 0.0:
        raise InputError(f"liquefaction: default_model_std {default_model_std}: expected a standard deviation, 0 or more")
    arrays = blockwise(
        zhu17.liquefaction_block,
        *(magnitude, pgv, pgv_std, pga, vs30, precipitation, distance_to_coast, distance_to_river),
        *(water_table, gradient, model_std, shaking_exclusion),
        dtypes=DTYPES,
        model=model,
        model_std=float(default_model_std),
    )
    return dict(zip(OUTPUTS, arrays, strict=True))
