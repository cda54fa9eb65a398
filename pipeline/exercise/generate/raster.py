"""Generated grids as cloud-optimised GeoTIFFs, the same bytes for the same values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

#: What every generated file says of itself.
TAGS = {"HAZMON_SYNTHETIC": "1", "TIFFTAG_IMAGEDESCRIPTION": "Generated for an exercise; not an observation"}


def write(path: Path, values: NDArray[Any], geobox: GeoBox, *, nodata: float, name: str, units: str = "") -> Path:
    """Write one band, dims (y, x), under its final name only when it is whole; return the path.

    Parameters
    ----------
    path
        The file; folders are made.
    values
        The cells, `nodata` where unknown.
    geobox
        Their grid.
    nodata
        Value of unknown cells.
    name, units
        Description of the band; units may be unknown, as they are in the wild.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    floating = values.dtype.kind == "f"
    with rasterio.open(
        partial,
        "w",
        driver="COG",
        height=geobox.shape[0],
        width=geobox.shape[1],
        count=1,
        dtype=values.dtype,
        crs=str(geobox.crs),
        transform=geobox.transform,
        nodata=nodata,
        compress="ZSTD",
        level=1,
        predictor="YES" if floating else "NO",
        blocksize=512,
        overview_resampling="AVERAGE" if floating else "NEAREST",
        bigtiff="IF_SAFER",
    ) as file:
        file.write(values, 1)
        file.set_band_description(1, name)
        file.update_tags(**TAGS)
        if units:
            file.units = [units]
    partial.replace(path)
    return path
