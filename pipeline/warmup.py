"""Compiles every numerical kernel once, so that the first event of a process is not slow: `python -m pipeline.warmup`."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from pipeline import grid
from pipeline.hazards import HAZARDS
from pipeline.hazards.shaking.ground_motion import PREDICTORS
from pipeline.hazards.shaking.model_sets import model_set, weighted_motion
from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS
from pipeline.layer import Layer, Table, Variable, samples
from pipeline.products.cog import write_cogs
from pipeline.products.table import write_tables

log = logging.getLogger(__name__)

#: Plausible anywhere: a grid of 64 x 64 cells in Central Asia.
_GEOBOX = grid.region_geobox((78.0, 41.0, 78.64, 41.64), 0.01)


def warm_up() -> None:
    """Call every layer once on a tiny grid, and every ground-motion model; compiled kernels stay in numba's cache on disk."""
    for layer in HAZARDS.values():
        began = perf_counter()
        inputs = {name: _plausible(declared) for name, declared in layer.inputs.items()}
        _call(layer, inputs)
        optional = {name for name, declared in layer.inputs.items() if isinstance(declared, Table) and declared.optional}
        if optional:
            _call(layer, {name: value for name, value in inputs.items() if name not in optional})
        log.info("%s is compiled, %.1f s", layer.name, perf_counter() - began)
    predictors: dict[str, Any] = dict.fromkeys(PREDICTORS, 5.0)
    for name in GROUND_MOTION_MODELS:
        weighted_motion(model_set(name), ("PGA",), conversion=lambda *_: (0.0, 0.0, 0.0), **predictors)


def _call(layer: Layer, inputs: dict[str, xr.DataArray | xr.Dataset]) -> None:
    outcome = layer.run(**inputs)
    with tempfile.TemporaryDirectory() as scratch:
        if layer.outputs:
            write_cogs(outcome.grid, layer.outputs, Path(scratch))
        write_tables(outcome.tables, layer.tables, Path(scratch))


def _plausible(declared: Variable | Table) -> xr.DataArray | xr.Dataset:
    if isinstance(declared, Variable):
        return _cells(declared)
    if declared.example is None:
        return samples(None, declared, "warm-up")
    columns = {
        name: (declared.dims, np.asarray(rows, declared.columns[name].dtype), {"units": declared.columns[name].units})
        for name, rows in declared.example.items()
    }
    return xr.Dataset(columns)


def _cells(variable: Variable) -> xr.DataArray:
    value = 5.0 if variable.on == "scalar" else 0.5
    attributes = {"units": variable.units}
    if variable.on == "scalar":
        return xr.DataArray(value, attrs=attributes)
    cells = np.full(tuple(_GEOBOX.shape), value, variable.dtype)
    array = grid.on_geobox(xr.DataArray(cells, dims=("y", "x"), attrs=attributes), _GEOBOX)
    return array.chunk(64).assign_coords(time=np.datetime64("2024-04-05", "ns"))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    warm_up()
