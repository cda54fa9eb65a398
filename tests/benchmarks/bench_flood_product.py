"""The whole flood product against GDAL alone on the same files: prints the ratio of times.

    python -m tests.benchmarks.bench_flood_product [--cells 4096] [--repeat 3]

GDAL alone decodes VV and VH, warps HAND to the scene's grid, and encodes the four outputs (computed beforehand) as COGs
with the same options. The product does that too, and finds the water in between.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio import shutil
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from pipeline import grid
from pipeline.exercise.generate import raster, scenes
from pipeline.exercise.scenario import load
from pipeline.hazards import HAZARDS
from pipeline.products.cog import write_cogs
from pipeline.products.read import open_raster

#: Options of the outputs, as `write_cogs` chooses them.
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "flooded": {"COMPRESS": "ZSTD", "PREDICTOR": "NO", "RESAMPLING": "MODE"},
    "water": {"COMPRESS": "ZSTD", "PREDICTOR": "NO", "RESAMPLING": "MODE"},
    "likelihood": {"COMPRESS": "LERC_ZSTD", "MAX_Z_ERROR": "0.005", "RESAMPLING": "AVERAGE"},
    "exclusion": {"COMPRESS": "ZSTD", "PREDICTOR": "NO", "RESAMPLING": "MODE"},
}


def prepare(cells: int, folder: Path) -> GeoBox:
    """Write VV, VH and reference water on the scene's grid, and HAND on a geographic one; return the scene's grid."""
    scenario = load("zhaiyk-2024")
    if scenario.scenes is None:
        raise SystemExit("the scenario has no scenes")
    land = scenes.landscape(scenario.scenes.model_copy(update={"size": cells}), scenario.seed)
    seen = scenes.radar(land, 2.4, 7)
    for band, power in seen.power.items():
        raster.write(folder / f"{band}.tif", power, land.geobox, nodata=scenes.NODATA, name=band, units="1")
    hand = grid.on_geobox(xr.DataArray(land.hand.astype(np.float32), dims=("y", "x"), attrs={"units": "m"}), land.geobox)
    west, south, east, north = land.geobox.extent.to_crs("EPSG:4326").boundingbox.bbox
    geographic = grid.region_geobox((west, south, east, north), 1 / 3600)
    warped = grid.regrid(hand, geographic, "bilinear")
    raster.write(folder / "hand.tif", warped.values, geographic, nodata=float("nan"), name="hand", units="m")
    raster.write(folder / "reference_water.tif", land.river.astype(np.float32), land.geobox, nodata=np.nan, name="w", units="1")
    return land.geobox


def product(folder: Path, geobox: GeoBox, out: Path) -> None:
    """Make the product: read, warp, find water, write COGs."""
    layer = HAZARDS["flood_extent"]
    arrays = {name: open_raster(str(folder / f"{name}.tif")) for name in layer.inputs}
    arrays["hand"] = grid.regrid(arrays["hand"], geobox, "bilinear")
    write_cogs(layer(**arrays), layer.outputs, out)


def bare(folder: Path, geobox: GeoBox, outputs: Mapping[str, np.ndarray]) -> None:
    """Do with GDAL alone what surrounds the layer."""
    for band in ("vv", "vh", "reference_water"):
        with rasterio.open(folder / f"{band}.tif", num_threads="ALL_CPUS") as source:
            source.read(1)
    with rasterio.open(folder / "hand.tif", num_threads="ALL_CPUS") as source:
        height, width = geobox.shape
        options = {"crs": str(geobox.crs), "transform": geobox.affine, "width": width, "height": height}
        with WarpedVRT(source, resampling=Resampling.bilinear, **options) as warped:
            warped.read(1)
    for name, pixels in outputs.items():
        encode(name, pixels, geobox, folder / f"bare-{name}.tif")


def encode(name: str, pixels: np.ndarray, geobox: GeoBox, path: Path) -> None:
    """Write one output as a COG from memory."""
    height, width = geobox.shape
    profile = {"driver": "MEM", "height": height, "width": width, "count": 1, "dtype": str(pixels.dtype)}
    nodata = 255 if pixels.dtype == np.uint8 else float("nan")
    with rasterio.open("", "w+", **profile, crs=str(geobox.crs), transform=geobox.affine, nodata=nodata) as memory:
        memory.write(pixels, 1)
        options = {"BLOCKSIZE": "512", "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS", **OPTIONS[name]}
        shutil.copy(memory, path, driver="COG", **options)


def alternating(works: Mapping[str, Callable[[], None]], repeat: int) -> dict[str, float]:
    """Return the median of each work, done in turns after one unmeasured turn, seconds."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeat + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn:
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(kept) for name, kept in times.items()}


def main(arguments: list[str] | None = None) -> float:
    """Print one JSON line and return the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4096, help="edge of the scene, pixels")
    parser.add_argument("--repeat", type=int, default=3, help="turns; the median counts")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        geobox = prepare(given.cells, folder)
        product(folder, geobox, folder / "out")
        outputs = {}
        for name in OPTIONS:
            with rasterio.open(folder / "out" / f"{name}.tif") as source:
                outputs[name] = source.read(1)
        works = {
            "product": lambda: product(folder, geobox, folder / "out"),
            "gdal": lambda: bare(folder, geobox, outputs),
        }
        seconds = alternating(works, given.repeat)
    ratio = seconds["product"] / seconds["gdal"]
    row = {"benchmark": "flood product / GDAL alone", "limit": 2.0, "aim": 1.5, "ratio": round(ratio, 2), "cells": given.cells}
    sys.stdout.write(json.dumps({**row, **{name: round(value, 2) for name, value in seconds.items()}}) + "\n")
    return ratio


if __name__ == "__main__":
    main()
