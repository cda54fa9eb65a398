import math
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest

from pipeline.errors import ProductError
from pipeline.grid import geobox_of
from pipeline.layer import Variable
from pipeline.products.cog import write_cogs
from pipeline.products.read import described_asset, gdal_path, item_geobox, open_asset, open_raster
from pipeline.store import Store
from tests.products.samples import OUTPUTS, built, dataset, geobox, product

GRID = geobox(1100, 700)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cogs")
    write_cogs(dataset(GRID), OUTPUTS, folder)
    return folder


def test_a_raster_opens_lazily_in_whole_blocks_on_its_own_grid(folder: Path) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        found = open_raster(str(folder / "deviation.tif"), blocks=1)
    assert found.chunks == ((512, 512, 76), (512, 188))
    assert geobox_of(found) == GRID
    assert found.attrs["units"] == "1"
    assert found.attrs["long_name"] == "standard deviation of the intensity"


def test_numbers_come_back_with_nan_for_unknown(folder: Path) -> None:
    np.testing.assert_array_equal(open_raster(str(folder / "deviation.tif")).values, dataset(GRID).deviation.values)


def test_codes_keep_their_type_and_say_which_one_means_unknown(folder: Path) -> None:
    found = open_raster(str(folder / "outside.tif"))
    assert (found.dtype, found.attrs["nodata"]) == (np.uint8, 255)
    assert found.attrs["flag_values"].tolist() == [0, 1]
    np.testing.assert_array_equal(found.values, dataset(GRID).outside.values)


def test_whole_numbers_that_are_no_codes_become_floating_with_nan(tmp_path: Path) -> None:
    share = dataset(GRID)[["outside"]]
    write_cogs(share, {"outside": Variable("%", "share", dtype="uint8", nodata=255)}, tmp_path)
    found = open_raster(str(tmp_path / "outside.tif"))
    assert found.dtype == np.float32
    assert math.isnan(found.attrs["nodata"])
    np.testing.assert_array_equal(np.isnan(found.values), share.outside.values == 255)


def test_only_the_blocks_asked_for_are_read(folder: Path) -> None:
    whole = open_raster(str(folder / "deviation.tif"), blocks=1)
    assert len(dask.optimize(whole[:10, :10])[0].__dask_graph__()) < len(dask.optimize(whole)[0].__dask_graph__()) / 2


def test_an_asset_of_an_item_opens_from_the_store(tmp_path: Path) -> None:
    item, files = built(product(), tmp_path / "built")
    store = Store.open(tmp_path / "store")
    for name, path in files.items():
        store.put(f"catalog/shaking/{item['id']}/{item['assets'][name]['href'][2:]}", path)
    found = open_asset(store, item, "mmi")
    assert found.name == "mmi"
    assert found.attrs["item"] == item["id"]
    assert np.isnan(found.values[0, 0])
    with pytest.raises(ProductError, match="no asset 'depth'"):
        open_asset(store, item, "depth")


def test_a_file_cut_short_is_a_product_error(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "deviation.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProductError, match=r"cut\.tif"):
        open_raster(str(cut)).compute()
    cut.write_bytes(whole[:100])
    with pytest.raises(ProductError, match="cannot be opened"):
        open_raster(str(cut))


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("s3://bucket/a/b.tif", "/vsis3/bucket/a/b.tif"),
        ("https://example.org/b.tif", "/vsicurl/https://example.org/b.tif"),
        ("/data/b.tif", "/data/b.tif"),
    ],
)
def test_addresses_take_gdals_spelling(href: str, path: str) -> None:
    assert gdal_path(href) == path


def test_what_an_item_says_of_a_raster_is_what_its_file_says(tmp_path: Path) -> None:
    item, files = built(product(), tmp_path)
    for name in OUTPUTS:
        said, found = described_asset(item, name, str(files[name])), open_raster(str(files[name]))
        np.testing.assert_array_equal(said.values, found.values)
        assert (said.name, said.dtype, said.chunks) == (name, found.dtype, found.chunks)
        assert item_geobox(item) == geobox_of(found)
        assert list(said.attrs) == list(found.attrs)
        for key, value in found.attrs.items():
            np.testing.assert_equal(said.attrs[key], value)


def test_a_raster_described_by_an_item_is_not_opened_before_it_is_computed(tmp_path: Path) -> None:
    item, _ = built(product(), tmp_path)
    lazy = described_asset(item, "mmi", str(tmp_path / "gone.tif"))
    with pytest.raises(ProductError, match=r"gone\.tif"):
        lazy.compute()
