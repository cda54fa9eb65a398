"""Cloud-optimised GeoTIFFs: a product's variables computed once, block by block, and written whole or not at all."""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.base
import numba
import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio import shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil.copy raises; no public name
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pipeline.errors import ProductError
from pipeline.grid import geobox_of
from pipeline.layer import Variable
from pipeline.products.colours import class_colours
from pipeline.products.statistics import Statistics, Tally
from pipeline.products.stream import Array, stream

#: Edge of the blocks of a COG, cells.
BLOCK = 512

#: GDAL's block cache, MB. Its default of 5 % of the machine's memory would grow with the machine. GDAL reads the
#: setting once, at the first block of the process, hence the environment and not a rasterio.Env.
os.environ.setdefault("GDAL_CACHEMAX", "128")


@dataclass(frozen=True, slots=True)
class CogFile:
    """One variable on disk."""

    name: str
    path: Path
    sha256: str
    size: int
    """Bytes."""
    statistics: Statistics

    @property
    def valid_percent(self) -> float:
        """Share of cells that are known, %."""
        return self.statistics.valid_percent


def write_cogs(dataset: xr.Dataset, variables: Mapping[str, Variable], folder: Path) -> dict[str, CogFile]:
    """Return one COG per variable, named `{variable}.tif`; the only compute of a product.

    The bytes depend on the values alone, not on chunks, threads, scheduler or time. Memory stays flat as the raster
    grows; the folder needs room for the raw pixels for a while.

    Parameters
    ----------
    dataset
        Sealed variables (declared dtype, unknown as the declared nodata), dims (y, x), lazy or not, on one GeoBox.
    variables
        What to write, with units, labels and precision.
    folder
        Where to write; created where missing. A file appears in it whole or not at all.

    Raises
    ------
    ProductError
        Where a variable is missing, has other than two dimensions or another dtype, or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: _checked(dataset, name, variable) for name, variable in variables.items()}
    with _writing(folder):
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".cog-")
    with scratch as path:
        return _written(arrays, variables, Path(path), folder)


def _checked(dataset: xr.Dataset, name: str, variable: Variable) -> xr.DataArray:
    if name not in dataset:
        raise ProductError(f"variable {name!r} is not in the dataset, which holds {sorted(map(str, dataset))}")
    array = dataset[name].squeeze(drop=True) if dataset[name].ndim > 2 else dataset[name]
    if array.ndim != 2 or array.dtype != np.dtype(variable.dtype):
        raise ProductError(f"{name}: found {array.dtype} {array.dims}, expected {variable.dtype} over two dimensions")
    return array


def _written(
    arrays: Mapping[str, xr.DataArray], variables: Mapping[str, Variable], scratch: Path, folder: Path
) -> dict[str, CogFile]:
    with ExitStack() as stack:
        bands = {
            name: stack.enter_context(_Band(scratch / f"{name}.tif", variables[name], geobox_of(array)))
            for name, array in arrays.items()
        }
        lazy = [name for name, array in arrays.items() if dask.base.is_dask_collection(array.data)]
        stream([arrays[name].data for name in lazy], [bands[name] for name in lazy])
        for name in arrays.keys() - lazy:
            bands[name].write(0, 0, arrays[name].values)
        found = {name: band.finish() for name, band in bands.items()}
    for name in arrays:
        with _writing(folder / f"{name}.tif"):
            _encode(scratch / f"{name}.tif", scratch / f"{name}.cog", variables[name])
    for name in arrays:
        with _writing(folder / f"{name}.tif"):
            (scratch / f"{name}.cog").replace(folder / f"{name}.tif")
    return {name: _described(name, folder / f"{name}.tif", found[name]) for name in arrays}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the file in errors of writing; those of the computation itself pass as they are."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise ProductError(f"{path}: cannot write: {error}") from error


def _described(name: str, path: Path, statistics: Statistics) -> CogFile:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return CogFile(name, path, digest, path.stat().st_size, statistics)


class _Band:
    """A plain tiled GeoTIFF that takes blocks in any order and keeps their statistics."""

    def __init__(self, path: Path, variable: Variable, geobox: GeoBox) -> None:
        self._path = path
        self._variable = variable
        self._lock = threading.Lock()
        rows, columns = geobox.shape
        self._tally = Tally((rows, columns), np.dtype(variable.dtype), variable.nodata)
        self._file = rasterio.open(
            path,
            "w+",
            driver="GTiff",
            height=rows,
            width=columns,
            count=1,
            dtype=variable.dtype,
            nodata=variable.nodata,
            crs=rasterio.crs.CRS.from_user_input(str(geobox.crs)),
            transform=geobox.transform,
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            bigtiff="if_safer",
        )
        self._describe()

    def __enter__(self) -> _Band:
        return self

    def __exit__(self, *_: object) -> None:
        with _writing(self._path):
            self._file.close()

    def write(self, row: int, column: int, block: Array) -> None:
        """Keep a block whose first cell lies at (row, column)."""
        block = _canonical(block)
        self._tally.add(row, column, block)
        with self._lock, _writing(self._path):
            self._file.write(block, 1, window=Window(column, row, block.shape[1], block.shape[0]))

    def finish(self) -> Statistics:
        """Return the statistics after writing them and the labels into the file."""
        for row, column, height, width in list(self._tally.missing()):
            self._tally.add(row, column, self._file.read(1, window=Window(column, row, width, height)))
        statistics = self._tally.result()
        self._file.update_tags(1, **_tags(self._variable, statistics))
        return statistics

    def _describe(self) -> None:
        """Write what GeoTIFF keeps outside tags; a colour table has to come before the first block."""
        variable = self._variable
        if variable.labels and variable.dtype == "uint8":
            self._file.write_colormap(1, _colour_table(variable))
        self._file.set_band_description(1, variable.long_name)
        self._file.units = (variable.units,)
        self._file.scales, self._file.offsets = (1.0,), (0.0,)


def _canonical(block: Array) -> Array:
    """Return the block with one bit pattern for NaN and one for zero: which one comes out depends on vector widths."""
    if not np.issubdtype(block.dtype, np.floating):
        return block
    bits = np.ascontiguousarray(block).view(f"u{block.dtype.itemsize}")
    sign, unknown, infinite = np.array([-0.0, math.nan, math.inf], block.dtype).view(bits.dtype)
    if _is_plain(bits, sign, ~sign, unknown, infinite):
        return block
    clean: npt.NDArray[np.floating[Any]] = np.add(block, 0, dtype=block.dtype)
    clean[np.isnan(clean)] = math.nan
    return clean


@numba.njit(nogil=True, cache=True)
def _is_plain(bits, sign, magnitude, unknown, infinite):  # type: ignore[no-untyped-def]
    """Return whether no cell holds minus zero or a NaN of another pattern; bits as unsigned integers."""
    odd = False
    for row in range(bits.shape[0]):
        for column in range(bits.shape[1]):
            value = bits[row, column]
            odd |= (value == sign) | (((value & magnitude) > infinite) & (value != unknown))
    return not odd


def _tags(variable: Variable, statistics: Statistics) -> dict[str, str]:
    tags = {"LONG_NAME": variable.long_name, "STATISTICS_VALID_PERCENT": f"{statistics.valid_percent:.9g}"}
    if variable.standard_name:
        tags["STANDARD_NAME"] = variable.standard_name
    if variable.precision is not None:
        tags["PRECISION"] = f"{variable.precision:.9g}"
    for name in ("minimum", "maximum", "mean", "stddev"):
        value = getattr(statistics, name)
        if value is not None:
            tags[f"STATISTICS_{name.upper()}"] = f"{value:.9g}"
    for code, label in (variable.labels or {}).items():
        tags[f"CLASS_{code}"] = label
    if variable.labels:
        tags["FLAG_VALUES"] = ",".join(str(code) for code in variable.labels)
        tags["FLAG_MEANINGS"] = " ".join(label.replace(" ", "_") for label in variable.labels.values())
    return tags


def _colour_table(variable: Variable) -> dict[int, tuple[int, int, int, int]]:
    """Return RGBA of each code; nodata is transparent."""
    table = {code: (*colour, 255) for code, colour in class_colours(variable).items()}
    if not math.isnan(variable.nodata):
        table[int(variable.nodata)] = (0, 0, 0, 0)
    return table


def _encode(source: Path, target: Path, variable: Variable) -> None:
    options = {"BLOCKSIZE": BLOCK, "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS", "OVERVIEWS": "IGNORE_EXISTING"}
    shutil.copy(str(source), str(target), driver="COG", **options, **_compression(variable))


def _compression(variable: Variable) -> dict[str, Any]:
    """Return the options that suit the values: classes by mode and bare ZSTD, numbers by average."""
    if variable.is_categorical:
        return {"COMPRESS": "ZSTD", "PREDICTOR": "NO", "RESAMPLING": "MODE"}
    if variable.precision is not None and np.issubdtype(np.dtype(variable.dtype), np.floating):
        return {"COMPRESS": "LERC_ZSTD", "MAX_Z_ERROR": repr(variable.precision), "RESAMPLING": "AVERAGE"}
    predictor = "NO" if variable.dtype == "uint8" else "YES"
    return {"COMPRESS": "ZSTD", "PREDICTOR": predictor, "RESAMPLING": "AVERAGE"}
