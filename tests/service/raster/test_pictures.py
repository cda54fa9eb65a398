import io

import numpy as np
import pytest
from PIL import Image
from rasterio.io import MemoryFile
from starlette.testclient import TestClient

from pipeline.service.raster.handles import Handles
from pipeline.service.raster.sampling import Canvas, sample
from pipeline.service.raster.source import Rasters
from tests.service.raster.samples import Published


def test_a_preview_has_the_proportions_of_the_raster(client: TestClient, published: Published) -> None:
    answer = client.get(f"{published.url('degrees')}/preview.png?max_size=450")
    assert Image.open(io.BytesIO(answer.content)).size == (450, 350)


def test_a_preview_is_no_larger_than_the_raster_unless_asked(client: TestClient, published: Published) -> None:
    answer = client.get(f"{published.url('degrees')}/preview.png?max_size=5000")
    assert Image.open(io.BytesIO(answer.content)).size == (900, 700)
    answer = client.get(f"{published.url('dateline')}/preview.webp?width=960")
    assert Image.open(io.BytesIO(answer.content)).size == (960, 120)


def test_a_preview_of_the_raster_s_own_size_shows_each_cell_once(client: TestClient, published: Published) -> None:
    values, _, _ = published.values("metres", "outside")
    answer = client.get(f"{published.url('metres', 'outside')}/preview.png")
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))[..., :3]
    colours = published.items["metres"]["properties"]["renders"]["outside"]["colormap"]
    for code in (0, 1):
        assert {tuple(pixel) for pixel in shown[values == code].tolist()} == {tuple(bytes.fromhex(colours[str(code)][1:]))}


def test_a_box_as_geotiff_holds_the_stored_values(client: TestClient, published: Published) -> None:
    values, transform, _ = published.values("degrees")
    west, north = transform @ (300, 200)
    east, south = transform @ (420, 290)
    answer = client.get(f"{published.url('degrees')}/bbox/{west},{south},{east},{north}.tif?width=120&height=90")
    assert answer.headers["content-type"] == "image/tiff; application=geotiff"
    with MemoryFile(answer.content) as memory, memory.open() as source:
        np.testing.assert_array_equal(source.read(1), values[200:290, 300:420])
        assert source.bounds == pytest.approx((west, south, east, north))
        assert source.descriptions == ("macroseismic intensity",)


def test_a_box_across_the_antimeridian_holds_both_sides(client: TestClient, published: Published) -> None:
    values, transform, _ = published.values("dateline", "outside")
    west, north = transform @ (200, 20)
    east, south = transform @ (280, 60)
    assert east > 180
    url = f"{published.url('dateline', 'outside')}/bbox/{west},{south},{east - 360},{north}.tif?width=80&height=40"
    with MemoryFile(client.get(url).content) as memory, memory.open() as source:
        np.testing.assert_array_equal(source.read(1), values[20:60, 200:280])


def test_a_box_outside_the_raster_is_unknown_in_a_geotiff(client: TestClient, published: Published) -> None:
    answer = client.get(f"{published.url('degrees')}/bbox/0,0,1,1.tif?max_size=8")
    with MemoryFile(answer.content) as memory, memory.open() as source:
        assert np.isnan(source.read(1)).all()


@pytest.mark.parametrize(
    "path",
    [
        "preview.png?width=2000&height=2000",
        "preview.png?width=16000",
        "bbox/77,41,78,42.png?max_size=5000",
        "bbox/77,41,78,42.tif?width=10000&height=10000",
        "bbox/-180,-90,180,90.png?max_size=16383",
    ],
)
def test_a_picture_of_too_many_pixels_is_refused_by_the_name_of_the_limit(
    client: TestClient, published: Published, path: str
) -> None:
    answer = client.get(f"{published.url('degrees')}/{path}")
    assert answer.status_code == 400
    assert "limits.pixels" in answer.json()["description"]


@pytest.mark.parametrize("path", ["preview.png?width=0", "preview.png?width=9999999999", "preview.tif", "bbox/1,2,3,4.exe"])
def test_a_picture_that_is_none_is_refused(client: TestClient, published: Published, path: str) -> None:
    assert client.get(f"{published.url('degrees')}/{path}").status_code == 400


@pytest.mark.parametrize("box", ["1,1,1,2", "1,2,3,2", "1,3,3,2"])
def test_a_box_without_an_area_is_refused(client: TestClient, published: Published, box: str) -> None:
    assert client.get(f"{published.url('degrees')}/bbox/{box}.png").status_code == 400


def test_a_long_thin_picture_reads_no_more_than_in_proportion(published: Published) -> None:
    item, handles = published.items["degrees"], Handles()
    raster = Rasters(published.door, handles).find("shaking", item["id"], "mmi")
    west, south, east, north = raster.bounds
    found = sample(handles, raster, Canvas(raster.crs, (west, south, east, north), 900, 2))
    assert found is not None
    with handles.borrow(raster.path, 0) as coarse:  # the overview, not the 630,000 cells of the raster itself
        values = coarse.read(1)
    assert set(found.values[found.known].tolist()) <= set(values[np.isfinite(values)].tolist())
