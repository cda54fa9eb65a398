"""The layer `shaking`: what it takes, what it gives, and the call of its block function."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from pipeline.errors import GridError, InputError
from pipeline.grid import geobox_of, on_geobox
from pipeline.hazards.shaking import kernel
from pipeline.hazards.shaking.models import ground_motion_model
from pipeline.hazards.shaking.source.mechanisms import mechanism as mechanism_named
from pipeline.layer import Answers, Variable, blockwise, layer

#: Colours of intensity, ShakeMap's (Worden et al. 2020, doi 10.5066/F7D21VPQ).
MMI_COLOURS = {
    1.0: "#ffffff",
    2.0: "#bfccff",
    3.0: "#a0e6ff",
    4.0: "#80ffff",
    5.0: "#7aff93",
    6.0: "#ffff00",
    7.0: "#ffc800",
    8.0: "#ff9100",
    9.0: "#ff0000",
    10.0: "#c80000",
}
#: Why the estimate is limited or absent; without a site condition or a magnitude there is none.
EXCLUSION_LABELS = {
    kernel.WITHIN: "inside the model's range",
    kernel.NO_SITE: "no site condition",
    kernel.TOO_FAR: "beyond the model's distances",
    kernel.MAGNITUDE: "magnitude unknown or outside the model's range",
    kernel.NEAR_SOURCE: "near a large source whose rupture is unknown",
    kernel.TOO_DEEP: "hypocentre below the model's range",
    kernel.UNUSUAL_SITE: "site condition outside the model's range",
}


def _acceleration(long_name: str) -> Variable:
    return Variable("standard_gravity", f"median {long_name}", precision=1e-5)


def _deviation(long_name: str) -> Variable:
    return Variable("1", f"standard deviation of ln {long_name}", precision=5e-4)


_INPUTS = {
    "magnitude": Variable("1", "moment magnitude", on="scalar"),
    "depth": Variable("km", "hypocentral depth, positive down; NaN unknown", on="scalar"),
    "longitude": Variable("degrees_east", "longitude of the epicentre", on="scalar"),
    "latitude": Variable("degrees_north", "latitude of the epicentre", on="scalar"),
    "vs30": Variable("m s-1", "time-averaged shear-wave velocity of the upper 30 m", optional=True),
    "elevation": Variable("m", "terrain elevation, for Vs30 by slope where the map has none", optional=True),
}
_OUTPUTS = {
    "mmi": Variable("1", "median Modified Mercalli intensity", precision=0.005, colours=MMI_COLOURS),
    "mmi_std": Variable("1", "standard deviation of Modified Mercalli intensity", precision=0.005),
    "pga": _acceleration("peak ground acceleration"),
    "pgv": Variable("cm s-1", "median peak ground velocity", precision=1e-3),
    "sa_0p3": _acceleration("spectral acceleration at 0.3 s, 5 % damped"),
    "sa_1p0": _acceleration("spectral acceleration at 1.0 s, 5 % damped"),
    "sa_3p0": _acceleration("spectral acceleration at 3.0 s, 5 % damped"),
    "pga_std": _deviation("peak ground acceleration"),
    "pgv_std": _deviation("peak ground velocity"),
    "sa_0p3_std": _deviation("spectral acceleration at 0.3 s"),
    "sa_1p0_std": _deviation("spectral acceleration at 1.0 s"),
    "sa_3p0_std": _deviation("spectral acceleration at 3.0 s"),
    "exclusion": Variable(
        "1", "why the estimate is limited or absent", dtype="uint8", nodata=kernel.UNKNOWN, labels=EXCLUSION_LABELS
    ),
}


@layer(
    title="Ground shaking of an earthquake",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    answers=Answers(estimate="mmi", uncertainty="mmi_std", exclusion="exclusion"),
    source="Boore et al. (2014); Worden et al. (2012), 10.1785/0120110156; Thompson and Worden (2018), 10.1785/0120170174",
    doi="10.1193/070113EQS184M",
    version="1.0.0",
)
def shaking(
    magnitude: xr.DataArray,
    depth: xr.DataArray,
    longitude: xr.DataArray,
    latitude: xr.DataArray,
    vs30: xr.DataArray,
    elevation: xr.DataArray,
    *,
    model: str = "BSSA14",
    mechanism: str = "unspecified",
    craton: float = 0.0,
) -> Mapping[str, xr.DataArray]:
    """Return the median shaking of an earthquake known by its hypocentre and magnitude, on a geographic grid.

    Motion comes from the ground-motion model; intensity from PGV, as ShakeMap's virtual intensity derives it. The
    rupture is unknown: distance and variance are those of all ruptures the epicentre may belong to (`rupture`).

    Parameters
    ----------
    magnitude, depth, longitude, latitude
        Of the hypocentre. An unknown (NaN) depth is taken as 10 km, with the variance of all shallow depths;
        without magnitude or epicentre all estimates are NaN.
    vs30
        m s-1; NaN or not positive is unknown: taken from the slope of the terrain.
    elevation
        m; NaN unknown. Where neither is known there is no estimate (exclusion 1).
    model
        Key of `GROUND_MOTION_MODELS`.
    mechanism
        "unspecified", "strike-slip", "normal" or "reverse".
    craton
        Share of stable craton in the slope proxy, 0 (active crust) to 1.

    Raises
    ------
    InputError
        Where a parameter has no such value.
    GridError
        Where the grid is not geographic.
    """
    ground_motion_model(model)
    mechanism_named(mechanism)
    if not 0.0 <= craton <= 1.0:
        raise InputError(f"craton {craton}: expected a share from 0 to 1")
    rows, columns, spacing = _axes(vs30)
    north_south, west_east = vs30.dims[-2:]
    arrays = blockwise(
        kernel.shaking_block,
        *(magnitude, depth, longitude, latitude, vs30, elevation),
        *(elevation.shift({north_south: step}) for step in (1, -1)),
        *(elevation.shift({west_east: step}) for step in (1, -1)),
        *(rows, columns),
        dtypes=kernel.DTYPES,
        choices=kernel.Choices(model, mechanism, float(craton), spacing),
    )
    return dict(zip(kernel.OUTPUTS, arrays, strict=True))


def _axes(grid: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, tuple[float, float]]:
    """Return latitude (y) and longitude (x) of the cells, in blocks like the grid's, and (height, width) of a cell."""
    geobox = geobox_of(grid)
    if geobox.crs is None or not geobox.crs.geographic:
        raise GridError(f"shaking: the grid is in {geobox.crs}; expected geographic coordinates")
    labelled = on_geobox(grid, geobox)
    axes = []
    for dim, own in zip(geobox.dimensions, grid.dims[-2:], strict=True):
        axis = xr.DataArray(labelled[dim].values.astype(np.float64), dims=(own,))
        axes.append(axis if grid.chunks is None else axis.chunk({own: grid.chunksizes[own]}))
    return axes[0], axes[1], (abs(geobox.resolution.y), abs(geobox.resolution.x))
