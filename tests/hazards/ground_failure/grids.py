"""Small grids for the two layers, made from values by name."""

import csv
from pathlib import Path

import numpy as np
import xarray as xr

from pipeline.grid import on_geobox, region_geobox

GOLDEN = Path(__file__).parents[2] / "golden"

#: A place inside the range of either model.
PLACE = {
    "magnitude": 7.0,
    "pgv": 40.0,
    "pgv_std": 0.5,
    "pga": 0.3,
    "vs30": 250.0,
    "precipitation": 400.0,
    "distance_to_coast": 1500.0,
    "distance_to_river": 1.0,
    "water_table": 2.0,
    "rock": -1.5,
    "land_cover": 0.68,
    "cti": 8.0,
    "model_std": 0.2,
    "shaking_exclusion": 0.0,
}
#: Steep for landslides, nearly level for liquefaction.
GRADIENTS = {"landslide": 0.4, "liquefaction": 0.01}


def at(layer, parameters=None, without=(), **changed):
    """Return a layer's outputs for a row of places: PLACE, changed as said (a list of values makes that many places)."""
    values = {**PLACE, "gradient": GRADIENTS[layer.name], **changed}
    inputs = {name: value for name, value in values.items() if name in layer.inputs and name not in without}
    width = max(np.size(value) for name, value in inputs.items())
    geobox = region_geobox((75.0, 42.0, 75.0 + 0.01 * width, 42.01), 0.01)
    arrays = {}
    for name, value in inputs.items():
        declared = layer.inputs[name]
        if declared.on == "scalar":
            arrays[name] = xr.DataArray(float(value), attrs={"units": declared.units})
            continue
        row = np.broadcast_to(np.asarray(value, "float64"), (1, width)).copy()
        arrays[name] = on_geobox(xr.DataArray(row, dims=("y", "x"), attrs={"units": declared.units}), geobox)
    found = layer(**arrays, **(parameters or {}))
    return {name: array.values[0] for name, array in found.items()}


def golden(name):
    """Return the rows of a golden table as numbers where they are numbers, NaN where empty."""
    lines = [line for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = csv.DictReader(lines)
    return [{key: value if key == "model" else float(value or "nan") for key, value in row.items()} for row in rows]
