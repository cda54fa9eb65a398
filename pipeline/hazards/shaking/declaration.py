"""The layer `shaking`: what it takes, what it gives, and the call of its block function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from pipeline.errors import GridError, InputError
from pipeline.grid import geobox_of, on_geobox
from pipeline.hazards.shaking import kernel
from pipeline.hazards.shaking.conditioning import Options
from pipeline.hazards.shaking.learning import Axes, Choices, bias_rows, learn, station_rows
from pipeline.hazards.shaking.prior import MEASURES
from pipeline.hazards.shaking.regimes import REGIMES, check_rules
from pipeline.hazards.shaking.source import mechanism as mechanism_named
from pipeline.layer import Answers, Declared, Table, Variable, blockwise, layer, once, tabulate

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


#: Cells of a strip.
_STRIP = 65536


def _acceleration(long_name: str) -> Variable:
    return Variable("standard_gravity", f"median {long_name}", precision=1e-5)


def _deviation(long_name: str) -> Variable:
    return Variable("1", f"standard deviation of ln {long_name}", precision=5e-4)


def _stations() -> dict[str, Variable]:
    """Return the columns of stations: who, where, and each measure with its own deviation where it was observed."""
    columns = {
        "station_id": Variable("1", "network and station", dtype="object"),
        "longitude": Variable("degrees_east", "longitude", dtype="float64"),
        "latitude": Variable("degrees_north", "latitude", dtype="float64"),
        "kind": Variable("1", "0 an instrument, 1 a felt report", dtype="uint8"),
        "flag": Variable("1", "why it does not count; empty where it does", dtype="object"),
        "vs30": Variable("m s-1", "site condition where the map is silent", dtype="float64", optional=True),
    }
    units = {"pgv": "cm s-1", "mmi": "1"}
    for measure in (*MEASURES, "mmi"):
        unit = units.get(measure, "standard_gravity")
        columns[measure] = Variable(unit, f"{measure} observed", dtype="float64", optional=True)
        columns[f"{measure}_std"] = Variable("1", "its own deviation, ln or intensity units", dtype="float64", optional=True)
    return columns


_INPUTS: dict[str, Declared] = {
    "magnitude": Variable("1", "moment magnitude", on="scalar"),
    "depth": Variable("km", "hypocentral depth, positive down; NaN unknown", on="scalar"),
    "longitude": Variable("degrees_east", "longitude of the epicentre", on="scalar"),
    "latitude": Variable("degrees_north", "latitude of the epicentre", on="scalar"),
    "rake": Variable("degree", "direction of slip; NaN unknown", on="scalar", optional=True),
    "vs30": Variable("m s-1", "time-averaged shear-wave velocity of the upper 30 m", optional=True),
    "elevation": Variable("m", "terrain elevation, for Vs30 by slope where the map has none", optional=True),
    "rupture": Table(
        "finite rupture: corners of quadrilaterals, top edge along strike first",
        {
            "longitude": Variable("degrees_east", "longitude of a corner", dtype="float64"),
            "latitude": Variable("degrees_north", "latitude of a corner", dtype="float64"),
            "depth": Variable("km", "depth of a corner, positive down", dtype="float64"),
        },
        dims=("quad", "corner"),
        optional=True,
        example={
            "longitude": [[78.2, 78.2, 78.4, 78.4]],
            "latitude": [[41.1, 41.4, 41.4, 41.1]],
            "depth": [[5.0, 5.0, 20.0, 20.0]],
        },
    ),
    "stations": Table(
        "what was recorded and felt",
        _stations(),
        dims=("station",),
        optional=True,
        example={
            "station_id": ["XX.A", "XX.B", "felt"],
            "longitude": [78.1, 78.3, 78.5],
            "latitude": [41.1, 41.2, 41.3],
            "kind": [0, 0, 1],
            "flag": ["", "", ""],
            "pga": [0.2, 0.3, math.nan],
            "mmi": [math.nan, math.nan, 6.0],
        },
    ),
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
    "variance_removed": Variable("1", "share of the variance of intensity that observations removed", precision=0.001),
    "exclusion": Variable(
        "1", "why the estimate is limited or absent", dtype="uint8", nodata=kernel.UNKNOWN, labels=EXCLUSION_LABELS
    ),
}
_TABLES = {
    "stations": Table(
        "observations beside what was expected",
        {
            "station_id": Variable("1", "network and station", dtype="object"),
            "longitude": Variable("degrees_east", "longitude"),
            "latitude": Variable("degrees_north", "latitude"),
            "distance": Variable("km", "distance to the rupture, of a point source to the hypocentre"),
            "measure": Variable("1", "measure observed, or derived from another", dtype="object"),
            "observed": Variable("1", "ln of g or cm/s; intensity"),
            "noise": Variable("1", "deviation of the observation itself, ln or intensity units"),
            "expected": Variable("1", "prior mean, as observed"),
            "deviations": Variable("1", "observed less expected, in total prior deviations"),
            "flag": Variable("1", "why it does not count; empty where it does", dtype="object"),
        },
        hxl={
            "station_id": "#loc+code",
            "longitude": "#geo+lon",
            "latitude": "#geo+lat",
            "measure": "#indicator+name",
            "observed": "#indicator+num",
        },
    ),
    "bias": Table(
        "by how much the event differs from what models expect of it",
        {
            "measure": Variable("1", "measure", dtype="object"),
            "bias": Variable("1", "mean bias at the observations, ln or intensity units"),
            "bias_std": Variable("1", "its standard deviation"),
            "event_term": Variable("1", "bias of a place, in its own between-event deviations"),
            "event_std": Variable("1", "standard deviation of the event term"),
            "observations": Variable("1", "number of observations"),
        },
        inline=True,
    ),
}


@layer(
    title="Ground shaking of an earthquake",
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    tables=_TABLES,
    answers=Answers(estimate="mmi", uncertainty="mmi_std", exclusion="exclusion"),
    source=(
        "Worden et al. (2020), ShakeMap manual; Engler et al. (2022), 10.1785/0120210177; Loth and Baker (2013); "
        "Worden et al. (2012), 10.1785/0120110156; Thompson and Worden (2018), 10.1785/0120170174; NGA-West2 models"
    ),
    doi="10.5066/F7D21VPQ",
    version="2.0.0",
    blockwise=False,
)
def shaking(
    magnitude: xr.DataArray,
    depth: xr.DataArray,
    longitude: xr.DataArray,
    latitude: xr.DataArray,
    rake: xr.DataArray,
    vs30: xr.DataArray,
    elevation: xr.DataArray,
    rupture: xr.Dataset,
    stations: xr.Dataset,
    *,
    regimes: Sequence[Mapping[str, Any]] = REGIMES,
    mechanism: str = "unspecified",
    craton: float = 0.0,
    default_vs30: float | None = None,
    screen_outliers: bool = True,
    correct_bias: bool = True,
) -> Mapping[str, Any]:
    """Return the median shaking of an earthquake on a geographic grid, of the larger horizontal component.

    A weighted set of ground-motion models gives the prior, from the finite rupture where one is known, else from all
    the ruptures the hypocentre may belong to (`source.epicentral`). What stations recorded and people felt conditions
    it (`conditioning`). Intensity comes from PGV, as ShakeMap's virtual intensity derives it.

    Parameters
    ----------
    magnitude, depth, longitude, latitude, rake
        Of the hypocentre. An unknown (NaN) depth is taken as 10 km, with the variance of all shallow depths;
        without magnitude or epicentre all estimates are NaN.
    vs30
        m s-1; NaN or not positive is unknown: taken from the slope of the terrain.
    elevation
        m; NaN unknown. Where neither is known there is no estimate (exclusion 1).
    rupture
        Corners of the quadrilaterals; empty where it is not known.
    stations
        Observations; empty where there are none, and then the prior stands as it is.
    regimes
        Rules that choose a set of models by depth and place (`regimes`).
    mechanism
        "unspecified", "strike-slip", "normal" or "reverse", where the rake is not known.
    craton
        Share of stable craton in the slope proxy, 0 (active crust) to 1.
    default_vs30
        m s-1, where neither map nor terrain says any; None: there is no estimate.
    screen_outliers
        Leave out observations more than three deviations from the prior.
    correct_bias
        Let the observations move the whole event.

    Raises
    ------
    InputError
        Where a parameter has no such value, or the corners make no rupture.
    GridError
        Where the grid is not geographic.
    """
    mechanism_named(mechanism)
    check_rules(regimes)
    if not 0.0 <= craton <= 1.0:
        raise InputError(f"craton {craton}: expected a share from 0 to 1")
    vs30, elevation = (_in_strips(array) for array in (vs30, elevation))
    axes, rows, columns = _axes(vs30)
    site = _site(vs30, elevation, rows, craton=float(craton), default=default_vs30, spacing=axes.spacing)
    options = Options(screen_outliers=screen_outliers, correct_bias=correct_bias)
    choices = Choices(tuple(dict(rule) for rule in regimes), mechanism, options)
    sample = site[:: axes.stride, :: axes.stride]
    given = (magnitude, depth, longitude, latitude, rake, rupture, stations, sample, _site_at(stations, site, axes))
    known = once(learn, *given, axes=axes, choices=choices)
    arrays = blockwise(kernel.shaking_block, known, magnitude, site, rows, columns, dtypes=kernel.DTYPES)
    tables = {"stations": tabulate(station_rows, known), "bias": tabulate(bias_rows, known)}
    return dict(zip(kernel.OUTPUTS, arrays, strict=True)) | tables


def _in_strips(array: xr.DataArray) -> xr.DataArray:
    """Return a lazy grid in strips that keep every core busy: conditioning takes far longer than reading."""
    if array.chunks is None:
        return array
    return array.chunk({array.dims[-2]: max(1, _STRIP // array.shape[-1]), array.dims[-1]: -1})


def _site(
    vs30: xr.DataArray,
    elevation: xr.DataArray,
    rows: xr.DataArray,
    *,
    craton: float,
    default: float | None,
    spacing: tuple[float, float],
) -> xr.DataArray:
    """Return Vs30 of every cell, from the slope of the terrain where the map is silent."""
    north_south, west_east = vs30.dims[-2:]
    beside = [elevation.shift({dim: step}) for dim in (north_south, west_east) for step in (1, -1)]
    (site,) = blockwise(kernel.site_block, vs30, elevation, *beside, rows, dtypes=("float64",), craton=craton, spacing=spacing)
    return site if default is None else site.fillna(default)


def _site_at(stations: xr.Dataset, site: xr.DataArray, axes: Axes) -> xr.DataArray:
    """Return Vs30 of the cell each station stands in, lazily; NaN outside the grid."""
    places = []
    for name, centres, size in zip(("latitude", "longitude"), axes[:2], axes.spacing, strict=True):
        order = -1 if centres.size > 1 and centres[1] < centres[0] else 1
        places.append(np.floor((stations[name].values - centres[0]) * order / size + 0.5))
    inside = np.all([(place >= 0) & (place < count) for place, count in zip(places, site.shape, strict=True)], axis=0)
    y, x = (xr.DataArray(np.where(inside, place, 0).astype(np.intp), dims="station") for place in places)
    return site[{site.dims[0]: y, site.dims[1]: x}].where(xr.DataArray(inside, dims="station"))


def _axes(grid: xr.DataArray) -> tuple[Axes, xr.DataArray, xr.DataArray]:
    """Return the axes of a grid, and latitude (y) and longitude (x) of its cells in blocks like the grid's."""
    geobox = geobox_of(grid)
    if geobox.crs is None or not geobox.crs.geographic:
        raise GridError(f"shaking: the grid is in {geobox.crs}; expected geographic coordinates")
    labelled = on_geobox(grid, geobox)
    values = [labelled[dim].values.astype(np.float64) for dim in geobox.dimensions]
    blocks = []
    for axis, own in zip(values, grid.dims[-2:], strict=True):
        block = xr.DataArray(axis, dims=(own,))
        blocks.append(block if grid.chunks is None else block.chunk({own: grid.chunksizes[own]}))
    return Axes(values[0], values[1], (abs(geobox.resolution.y), abs(geobox.resolution.x))), blocks[0], blocks[1]
