"""A case computed by ShakeMap 4, read for comparison: prior and result at cells, stations with their prior."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from pipeline.hazards.shaking.conditioning import Cells, Stations
from pipeline.hazards.shaking.ground_motion import GroundMotion

#: ShakeMap's names of the measures.
NAMES = {"pga": "PGA", "pgv": "PGV", "sa_0p3": "SA(0.3)", "sa_1p0": "SA(1.0)", "sa_3p0": "SA(3.0)", "mmi": "MMI"}


class Case(NamedTuple):
    cells: Cells
    stations: xr.Dataset
    prior: Stations
    grids: dict[str, np.ndarray]
    features: list[dict[str, Any]]
    info: dict[str, Any]


def read(folder: Path) -> Case:
    features = json.loads(gzip.decompress((folder / "stationlist.json.gz").read_bytes()))["features"]
    with np.load(folder / "float_grids_step4.npz") as stored:
        grids = {name: stored[name].astype(np.float64) for name in stored.files}
    info = json.loads((folder / "info.json").read_text())
    return Case(_cells(grids), _stations(features), _station_prior(features), grids, features, info)


def _cells(grids: dict[str, np.ndarray]) -> Cells:
    west, _, _, north, dx, dy = grids["extent_xmin_xmax_ymin_ymax_dx_dy"]
    rows, columns = grids["PGA_mean"].shape
    longitude = west + 4 * dx * np.arange(columns)
    latitude = north - 4 * dy * np.arange(rows)
    longitude, latitude = (a.ravel() for a in np.meshgrid(longitude, latitude))
    motions = {
        name: GroundMotion(*(grids[f"prior_{imt}_{part}"].ravel() for part in ("mean", "tau", "phi")))
        for name, imt in NAMES.items()
    }
    return Cells(longitude, latitude, motions)


def _stations(features: list[dict[str, Any]]) -> xr.Dataset:
    columns: dict[str, Any] = {name: np.full(len(features), np.nan) for name in NAMES}
    columns |= {f"{name}_std": np.zeros(len(features)) for name in NAMES}
    kind = np.array([f["properties"]["station_type"] == "macroseismic" for f in features], np.uint8)
    for i, feature in enumerate(features):
        if kind[i]:
            # An outlier's intensity is null in the properties; it is still in the name of a community's report.
            columns["mmi"][i] = _intensity(feature)
            continue
        for measure, value, deviation in _larger(feature):
            columns[measure][i], columns[f"{measure}_std"][i] = value, deviation
    longitude, latitude = np.array([f["geometry"]["coordinates"] for f in features]).T
    columns |= {"longitude": longitude, "latitude": latitude, "kind": kind}
    columns["station_id"] = np.array([f["id"] for f in features])
    columns["flag"] = np.full(len(features), "", dtype="U16")
    return xr.Dataset({name: ("station", values) for name, values in columns.items()})


def _larger(feature: dict[str, Any]) -> list[tuple[str, float, float]]:
    """The larger of the horizontal components that the network does not flag: measure, value, deviation."""
    found: dict[str, tuple[float, float]] = {}
    for channel in feature["properties"]["channels"]:
        if channel["name"].upper().endswith("Z"):
            continue
        for amplitude in channel["amplitudes"]:
            name = next((k for k, imt in NAMES.items() if imt.lower() == amplitude["name"]), None)
            if name is None or amplitude["flag"] not in ("0", "Outlier") or not isinstance(amplitude["value"], float):
                continue
            value = amplitude["value"] * (1.0 if name == "pgv" else 0.01)
            found[name] = max(found.get(name, (0.0, 0.0)), (value, amplitude["ln_sigma"]))
    return [(name, *values) for name, values in found.items()]


def _intensity(feature: dict[str, Any]) -> float:
    value = feature["properties"]["intensity"]
    return 10.0 if value == "null" else float(value)


def _station_prior(features: list[dict[str, Any]]) -> Stations:
    table = {name: np.full((3, len(features)), np.nan) for name in NAMES}
    for i, feature in enumerate(features):
        for predicted in feature["properties"]["predictions"]:
            name = next((k for k, imt in NAMES.items() if imt.lower() == predicted["name"]), None)
            if name is None:
                continue
            prefix = "" if name == "mmi" else "ln_"
            value = predicted["value"] if name == "mmi" else np.log(predicted["value"] * (1.0 if name == "pgv" else 0.01))
            table[name][:, i] = value, predicted[f"{prefix}tau"], predicted[f"{prefix}phi"]
    distance = np.array([f["properties"]["distance"] for f in features])
    return Stations(distance, {name: GroundMotion(*rows) for name, rows in table.items()})
