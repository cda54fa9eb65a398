import math
import os
import subprocess
import sys
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from distributed import Client, LocalCluster
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from rio_cogeo.cogeo import cog_validate

from pipeline.errors import FeedUnavailable, ProductError
from pipeline.layer import Variable
from pipeline.products.cog import write_cogs
from tests.products.samples import OUTPUTS, dataset, geobox

GRID = geobox(1300, 1100)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    files = write_cogs(dataset(GRID, chunks=512), OUTPUTS, tmp_path_factory.mktemp("cogs"))
    return {name: file.path for name, file in files.items()}


def checksums(folder: Path, chunks: int | None, grid: GeoBox = GRID) -> dict[str, str]:
    return {name: file.sha256 for name, file in write_cogs(dataset(grid, chunks=chunks), OUTPUTS, folder).items()}


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_cog_passes_strict_validation(written: dict[str, Path], name: str) -> None:
    valid, errors, cautions = cog_validate(written[name], strict=True, quiet=True)
    assert (valid, errors, cautions) == (True, [], [])


def test_values_kept_whole_come_back_bit_for_bit(written: dict[str, Path]) -> None:
    with rasterio.open(written["deviation"]) as source:
        np.testing.assert_array_equal(source.read(1), dataset(GRID).deviation.values)


def test_values_with_a_precision_come_back_within_it_and_unknown_stays_unknown(written: dict[str, Path]) -> None:
    with rasterio.open(written["mmi"]) as source:
        found, expected = source.read(1), dataset(GRID).mmi.values
        assert source.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "LERC_ZSTD"
    assert np.nanmax(np.abs(found - expected)) <= 0.01 + 1e-6
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


def test_blocks_overviews_units_and_nodata_are_set(written: dict[str, Path]) -> None:
    with rasterio.open(written["deviation"]) as source:
        assert source.block_shapes == [(512, 512)]
        assert source.overviews(1) == [2, 4]
        assert math.isnan(source.nodata)
        assert (source.units, source.scales, source.offsets) == (("1",), (1.0,), (0.0,))
        assert source.descriptions == ("standard deviation of the intensity",)
        assert source.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "ZSTD"
        assert "TIFFTAG_DATETIME" not in source.tags()


def test_classes_carry_names_colours_and_no_invented_class_in_the_overviews(written: dict[str, Path]) -> None:
    with rasterio.open(written["outside"]) as source:
        assert source.dtypes == ("uint8",)
        assert source.nodata == 255
        assert source.colormap(1)[0] == (230, 230, 230, 255)
        assert source.tags(1)["CLASS_1"] == "too near the fault"
        assert source.tags(1)["FLAG_VALUES"] == "0,1"
        assert set(np.unique(source.read(1, out_shape=(325, 275)))) <= {0, 1, 255}


def test_bytes_depend_on_no_chunking_scheduler_or_run(tmp_path: Path) -> None:
    expected = checksums(tmp_path / "512", 512)
    assert checksums(tmp_path / "numpy", None) == expected
    assert checksums(tmp_path / "odd", 700) == expected
    with dask.config.set(scheduler="synchronous"):
        assert checksums(tmp_path / "synchronous", 1024) == expected


def test_workers_in_other_processes_give_the_same_bytes(tmp_path: Path) -> None:
    grid = geobox(600, 700)
    expected = checksums(tmp_path / "threads", 512, grid)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster),
    ):
        assert checksums(tmp_path / "workers", 300, grid) == expected


def test_a_scheduler_that_brings_no_blocks_back_is_refused(tmp_path: Path) -> None:
    with dask.config.set(scheduler="processes"), pytest.raises(ProductError, match="processes"):
        checksums(tmp_path, 512)


def test_shared_inputs_are_read_once(tmp_path: Path) -> None:
    read: list[tuple[int, ...]] = []

    def source(block: np.ndarray, block_info: object = None) -> np.ndarray:
        read.append(block.shape)
        return block

    rows, columns = GRID.shape
    shared = da.zeros((rows, columns), chunks=512, dtype=np.float32).map_blocks(source, meta=np.empty((0, 0), np.float32))
    total = shared.sum()
    arrays = {"mmi": shared + total, "deviation": shared * 2, "outside": (shared > 1).astype(np.uint8)}
    data = xr.Dataset({name: (GRID.dimensions, array) for name, array in arrays.items()}, coords=xr_coords(GRID))
    write_cogs(data, OUTPUTS, tmp_path)
    assert len(read) == shared.npartitions


@pytest.mark.parametrize(("value", "expected"), [(-0.0, 0.0), (-math.nan, math.nan)])
def test_one_bit_pattern_stands_for_zero_and_one_for_unknown(tmp_path: Path, value: float, expected: float) -> None:
    grid = geobox(8, 8)
    for name, fill in (("odd", value), ("plain", expected)):
        pixels = np.full(grid.shape, np.float32(fill))
        if math.isnan(fill):
            pixels = np.copysign(pixels, -1 if name == "odd" else 1)
        data = xr.Dataset({"deviation": (grid.dimensions, pixels)}, coords=xr_coords(grid))
        write_cogs(data, {"deviation": OUTPUTS["deviation"]}, tmp_path / name)
    assert (tmp_path / "odd/deviation.tif").read_bytes() == (tmp_path / "plain/deviation.tif").read_bytes()


def test_a_band_of_nothing_but_unknown_is_written_and_said_to_be_empty(tmp_path: Path) -> None:
    grid = geobox(600, 40)
    data = dataset(grid)
    data["mmi"] = xr.full_like(data.mmi, math.nan)
    files = write_cogs(data, OUTPUTS, tmp_path)
    assert files["mmi"].valid_percent == 0
    assert cog_validate(files["mmi"].path, strict=True, quiet=True)[0]


def test_a_computation_that_fails_leaves_nothing_and_its_error_passes_unchanged(tmp_path: Path) -> None:
    def broken(block: np.ndarray) -> np.ndarray:
        raise FeedUnavailable("503")

    data = dataset(GRID, chunks=512)
    data["outside"] = data.outside.copy(data=data.outside.data.map_blocks(broken, meta=np.empty((0, 0), np.uint8)))
    with pytest.raises(FeedUnavailable, match="503"):
        write_cogs(data, OUTPUTS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_product_error(tmp_path: Path) -> None:
    (tmp_path / "mmi.tif").mkdir()
    (tmp_path / "mmi.tif" / "in the way").touch()
    with pytest.raises(ProductError, match=r"mmi\.tif"):
        write_cogs(dataset(geobox(8, 8)), OUTPUTS, tmp_path)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"depth": Variable("m", "depth")}, "depth"),
        ({"mmi": Variable("1", "intensity", dtype="float64")}, "expected float64"),
    ],
)
def test_what_differs_from_its_declaration_is_refused(tmp_path: Path, variables: dict[str, Variable], message: str) -> None:
    with pytest.raises(ProductError, match=message):
        write_cogs(dataset(geobox(8, 8)), variables, tmp_path)


_PEAK = """
import resource, tempfile
from pathlib import Path
import dask.array as da, numpy as np, xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pipeline.layer import Variable
from pipeline.products.cog import write_cogs
def peak(size):
    grid = GeoBox((size, 4096), Affine(20, 0, 5e5, 0, -20, 5.6e6), "EPSG:32639")
    codes = da.ones((size, 4096), chunks=1024, dtype=np.uint8)
    data = xr.Dataset({"codes": (grid.dimensions, codes)}, coords=xr_coords(grid))
    with tempfile.TemporaryDirectory() as folder:
        write_cogs(data, {"codes": Variable("1", "codes", dtype="uint8", nodata=255, labels={1: "one"})}, Path(folder))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
small = peak(4096)
print(peak(16384) - small)
"""


def test_memory_stays_flat_as_the_raster_grows() -> None:
    """From 16 to 64 MB of pixels, with GDAL's cache held at 8 MB so that small rasters show it."""
    environment = {**os.environ, "GDAL_CACHEMAX": "8"}
    done = subprocess.run([sys.executable, "-c", _PEAK], capture_output=True, check=True, text=True, env=environment)
    assert float(done.stdout) < 24
