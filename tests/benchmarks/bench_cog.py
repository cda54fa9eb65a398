"""COG publish against a bare GDAL copy (tiled GeoTIFF to COG, same pixels, same options): prints the ratio of times.

    python -m tests.benchmarks.bench_cog [--cells 4096] [--repeat 3]

The bare copy reads a file that exists already and does nothing else. Publishing computes the blocks, writes them,
gathers statistics, labels, encodes and takes the checksum.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from rasterio import shutil

from pipeline.layer import Variable
from pipeline.products.cog import write_cogs

#: What the three first layers publish: numbers kept whole, numbers with a stated precision, classes.
VARIABLES = {
    "whole": Variable("1", "every bit kept"),
    "rounded": Variable("1", "error at most 0.01", precision=0.01),
    "classes": Variable("1", "classes", dtype="uint8", nodata=255, labels={0: "dry", 1: "water"}),
}

#: The options of the same outputs, written by hand.
OPTIONS = {
    "whole": {"COMPRESS": "ZSTD", "PREDICTOR": "YES", "RESAMPLING": "AVERAGE"},
    "rounded": {"COMPRESS": "LERC_ZSTD", "MAX_Z_ERROR": "0.01", "RESAMPLING": "AVERAGE"},
    "classes": {"COMPRESS": "ZSTD", "PREDICTOR": "NO", "RESAMPLING": "MODE"},
}


def scene(cells: int) -> dict[str, np.ndarray]:
    """Return smooth terrain with measurement noise, and classes cut from it."""
    random = np.random.default_rng(20240410)
    y, x = np.mgrid[0:cells, 0:cells].astype(np.float32)
    field = np.sin(y / 331) * np.cos(x / 217) * 5 + random.normal(0, 0.05, (cells, cells)).astype(np.float32)
    field[: cells // 8, : cells // 8] = np.nan
    classes = np.where(np.isnan(field), 255, field > 1).astype(np.uint8)
    return {"whole": field, "rounded": field, "classes": classes}


def measure(name: str, pixels: np.ndarray, repeat: int) -> dict[str, object]:
    """Return times of both, seconds, and their ratio, for one variable."""
    variable = VARIABLES[name]
    geobox = GeoBox(pixels.shape, Affine(20, 0, 500_000, 0, -20, 5_600_000), "EPSG:32639")
    array = xr.DataArray(da.from_array(pixels, chunks=2048), dims=geobox.dimensions, coords=xr_coords(geobox))
    dataset = xr.Dataset({name: array})
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.tif"
        profile = {"driver": "GTiff", "count": 1, "tiled": True, "blockxsize": 512, "blockysize": 512}
        with rasterio.open(
            source,
            "w",
            dtype=variable.dtype,
            nodata=variable.nodata,
            crs="EPSG:32639",
            transform=geobox.transform,
            height=pixels.shape[0],
            width=pixels.shape[1],
            **profile,
        ) as file:
            file.write(pixels, 1)

        def bare() -> None:
            options = {"BLOCKSIZE": 512, "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS", **OPTIONS[name]}
            shutil.copy(str(source), f"{folder}/bare.tif", driver="COG", **options)

        def published() -> None:
            write_cogs(dataset, {name: variable}, Path(folder) / "published")

        times = _alternating(bare, published, repeat)
    return {
        "variable": name,
        "bare_s": round(times[0], 3),
        "publish_s": round(times[1], 3),
        "ratio": round(times[1] / times[0], 3),
    }


def _alternating(first: Callable[[], None], second: Callable[[], None], repeat: int) -> tuple[float, float]:
    """Return the medians of two works done in turns, so that a busy machine slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for work, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def main(arguments: list[str] | None = None) -> float:
    """Print one JSON line per variable and one for all; return the ratio of the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4096, help="edge of the raster, cells")
    parser.add_argument("--repeat", type=int, default=3, help="turns; the median counts")
    given = parser.parse_args(arguments)
    rows = [measure(name, pixels, given.repeat) for name, pixels in scene(given.cells).items()]
    ratio = sum(float(str(row["publish_s"])) for row in rows) / sum(float(str(row["bare_s"])) for row in rows)
    for row in [*rows, {"benchmark": "cog publish / bare GDAL copy", "aim": 1.1, "ratio": round(ratio, 3)}]:
        sys.stdout.write(json.dumps(row) + "\n")
    return ratio


if __name__ == "__main__":
    main()
