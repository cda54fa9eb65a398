"""How a COG describes itself in STAC: bands, classes, statistics and how to draw it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from pipeline.layer import Variable
from pipeline.products.cog import CogFile
from pipeline.products.colours import class_colours, ramp

#: Media type of a COG.
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"


def band(name: str, variable: Variable, geobox: GeoBox, file: CogFile | None = None) -> dict[str, Any]:
    """Return a STAC 1.1 band object; with statistics where the file is there."""
    described: dict[str, Any] = {
        "name": name,
        "description": variable.long_name,
        "data_type": variable.dtype,
        "nodata": nodata(variable),
        "unit": variable.units,
        "raster:scale": 1.0,
        "raster:offset": 0.0,
        "raster:sampling": "area",
        "raster:spatial_resolution": abs(float(geobox.transform.a)),
    }
    if variable.precision is not None:
        described["hazmon:precision"] = variable.precision
    if variable.is_categorical:
        described["classification:classes"] = classes(variable, file)
    if file is not None:
        described["statistics"] = statistics(file)
    return described


def nodata(variable: Variable) -> float | str | int:
    """Return the nodata value as JSON: "nan" for NaN, whole numbers whole."""
    if math.isnan(variable.nodata):
        return "nan"
    return int(variable.nodata) if np.issubdtype(np.dtype(variable.dtype), np.integer) else variable.nodata


def statistics(file: CogFile) -> dict[str, float]:
    """Return STAC statistics; only the share of known cells where none is known."""
    found = file.statistics
    every = {"minimum": found.minimum, "maximum": found.maximum, "mean": found.mean, "stddev": found.stddev}
    return {name: value for name, value in every.items() if value is not None} | {"valid_percent": found.valid_percent}


def classes(variable: Variable, file: CogFile | None = None) -> list[dict[str, Any]]:
    """Return `classification:classes`, with the cells of each where the file is there; nodata is the class "unknown"."""
    colours = class_colours(variable)
    counts = file.statistics.counts if file is not None else None
    known = sum((counts or {}).values())
    found: list[dict[str, Any]] = []
    for code, label in (variable.labels or {}).items():
        colour = "{:02X}{:02X}{:02X}".format(*colours[code])
        entry = {"value": code, "name": class_name(label), "title": label, "description": label, "color_hint": colour}
        if counts is not None:
            count = counts.get(code, 0)
            entry |= {"count": count, "percentage": round(100 * count / known, 6) if known else 0.0}
        found.append(entry)
    if not math.isnan(variable.nodata):
        unknown = {"value": int(variable.nodata), "name": "unknown", "description": "not known", "nodata": True}
        found.append(unknown)
    return found


def class_name(label: str) -> str:
    """Return a label as classification:classes wants names: letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", label).strip("_") or "class"


def render(name: str, variable: Variable, file: CogFile | None, *, table: bool) -> dict[str, Any]:
    """Return how to draw an asset by the Render extension.

    Parameters
    ----------
    name
        Key of the asset.
    variable
        Its declaration.
    file
        Its file, for the range where no colours are declared.
    table
        Whether to write out the 256 colours of a continuous variable.
    """
    drawn: dict[str, Any] = {"assets": [name], "title": variable.long_name, "nodata": nodata(variable)}
    if variable.is_categorical:
        colours = class_colours(variable)
        drawn["colormap"] = {str(code): "#{:02x}{:02x}{:02x}".format(*colour) for code, colour in colours.items()}
        return drawn | {"resampling": "nearest"}
    least, greatest = (file.statistics.minimum, file.statistics.maximum) if file else (None, None)
    shades = ramp(variable, least if least is not None else 0.0, greatest if greatest is not None else 1.0)
    drawn |= {"rescale": [[shades.values[0], shades.values[-1]]], "resampling": "average"}
    if table:
        painted = shades.paint(np.linspace(shades.values[0], shades.values[-1], 256))
        drawn["colormap"] = {str(index): "#{:02x}{:02x}{:02x}".format(*colour) for index, colour in enumerate(painted)}
    return drawn
