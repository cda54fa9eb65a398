import io
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from PIL import Image

from pipeline.errors import ProductError
from pipeline.products.cog import write_cogs
from pipeline.products.sheet import SYNTHETIC_BANNER, Caption
from pipeline.products.thumbnail import render
from tests.products.samples import OUTPUTS, dataset, geobox

CAPTION = Caption("Shaking, M7.0", "2024-01-22 18:09 UTC", "USGS; Wald & Allen (2007)", SYNTHETIC_BANNER)
RED = (176, 42, 26)
UNKNOWN = {(238, 240, 243), (188, 194, 203)}


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cogs")
    write_cogs(dataset(geobox(600, 800)), OUTPUTS, folder)
    return folder


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_same_product_gives_the_same_bytes(folder: Path, name: str) -> None:
    first = render(folder / f"{name}.tif", OUTPUTS[name], CAPTION, marker=(78.0, 41.0))
    assert render(folder / f"{name}.tif", OUTPUTS[name], CAPTION, marker=(78.0, 41.0)) == first
    assert len(first) < 400_000


def test_the_banner_is_there_when_asked_for_and_only_then(folder: Path) -> None:
    with_banner = picture(render(folder / "mmi.tif", OUTPUTS["mmi"], CAPTION))
    without = picture(render(folder / "mmi.tif", OUTPUTS["mmi"], Caption("Shaking", "2024", "USGS")))
    assert tuple(with_banner[3, 3]) == RED
    assert not (without == RED).all(axis=-1).any()


@pytest.mark.parametrize("name", OUTPUTS)
def test_unknown_cells_are_hatched_grey_and_take_no_colour_of_the_legend(folder: Path, name: str) -> None:
    pixels = picture(render(folder / f"{name}.tif", OUTPUTS[name], CAPTION))
    corner = pixels[140:200, 85:200].reshape(-1, 3)
    assert {tuple(map(int, colour)) for colour in np.unique(corner, axis=0)} == UNKNOWN


def test_a_raster_of_nothing_but_unknown_is_drawn(tmp_path: Path) -> None:
    data = dataset(geobox())
    data["mmi"] = xr.full_like(data.mmi, np.nan)
    write_cogs(data, OUTPUTS, tmp_path)
    pixels = picture(render(tmp_path / "mmi.tif", OUTPUTS["mmi"], CAPTION))
    assert {tuple(map(int, colour)) for colour in np.unique(pixels[300:310, 300:340].reshape(-1, 3), axis=0)} == UNKNOWN


def test_a_projected_scene_and_words_in_other_scripts_are_drawn(tmp_path: Path) -> None:
    grid = GeoBox((300, 900), Affine(20, 0, 400_000, 0, -20, 5_640_000), "EPSG:32639")
    data = dataset(grid).assign_coords(xr_coords(grid))
    write_cogs(data, OUTPUTS, tmp_path)
    png = render(tmp_path / "outside.tif", OUTPUTS["outside"], Caption("Жайық – flood", "2024-04-10", "© Copernicus " * 40))
    assert picture(png).shape[1] == 960


def test_what_is_no_raster_is_a_product_error(tmp_path: Path) -> None:
    (tmp_path / "mmi.tif").write_bytes(b"<html>")
    with pytest.raises(ProductError, match="cannot be drawn"):
        render(tmp_path / "mmi.tif", OUTPUTS["mmi"], CAPTION)
