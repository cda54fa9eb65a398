import hashlib
import io
import math
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import morecantile
import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from PIL import Image
from pyproj import Transformer
from rasterio.transform import rowcol
from rio_tiler.colormap import cmap
from starlette.testclient import TestClient

from pipeline.products.thumbnail import HATCH, UNKNOWN
from pipeline.service.raster.answers import DRAWING
from pipeline.service.raster.style import Style
from tests.service.raster.samples import Published, application, listening

Pixels = npt.NDArray[np.uint8]

MERCATOR = morecantile.tms.get("WebMercatorQuad")
XLINK = "{http://www.w3.org/1999/xlink}"
HATCHES = {UNKNOWN, HATCH}


def middle(published: Published, name: str) -> tuple[float, float]:
    west, south, east, north = published.items[name]["bbox"]
    return (west + (east if east > west else east + 360)) / 2, (south + north) / 2


def tile_of(published: Published, name: str, zoom: int, matrix: str = "WebMercatorQuad") -> str:
    tms = morecantile.tms.get(matrix)
    tile = tms.tile(*middle(published, name), zoom)
    return f"tiles/{matrix}/{tile.z}/{tile.x}/{tile.y}"


def picture(client: TestClient, url: str, **query: Any) -> Pixels:
    answer = client.get(url, params=query)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


def cells_under(published: Published, name: str, url: str, size: int = 256) -> tuple[Any, Any]:
    """Return row and column of the cell under each pixel's centre, by rasterio and pyproj alone."""
    _, matrix, z, x, y = url.split("/")
    tms = morecantile.tms.get(matrix)
    bounds = tms.xy_bounds(morecantile.Tile(int(x), int(y), int(z)))
    step = (bounds.right - bounds.left) / size
    across, down = np.meshgrid(bounds.left + (np.arange(size) + 0.5) * step, bounds.top - (np.arange(size) + 0.5) * step)
    _, transform, code = published.values(name)
    turned = Transformer.from_crs(tms.rasterio_crs.to_wkt(), f"EPSG:{code}", always_xy=True)
    east, north = turned.transform(across, down)
    rows, columns = rowcol(transform, east.ravel(), north.ravel())
    return np.reshape(rows, (size, size)), np.reshape(columns, (size, size))


def expected(published: Published, name: str, asset: str, url: str) -> tuple[Pixels, Any, Any]:
    """Return colours under each pixel, where they are known, and where the raster is."""
    values, _, _ = published.values(name, asset)
    rows, columns = cells_under(published, name, url)
    inside = (rows >= 0) & (rows < values.shape[0]) & (columns >= 0) & (columns < values.shape[1])
    under = values[np.clip(rows, 0, values.shape[0] - 1), np.clip(columns, 0, values.shape[1] - 1)]
    drawn = published.items[name]["properties"]["renders"][asset]
    table = np.zeros((256, 3), np.uint8)
    for code, colour in drawn["colormap"].items():
        table[int(code)] = tuple(bytes.fromhex(colour[1:]))
    if "rescale" in drawn:
        known = np.isfinite(under)
        least, greatest = drawn["rescale"][0]
        entries = np.clip((np.nan_to_num(under) - least) / (greatest - least) * 255, 0, 255).round().astype(int)
    else:
        known = under != 255
        entries = under
    return table[entries], known & inside, inside


@pytest.mark.parametrize(("name", "zoom"), [("degrees", 9), ("degrees", 12), ("metres", 11), ("metres", 14)])
@pytest.mark.parametrize("asset", ["mmi", "outside"])
def test_a_fine_tile_shows_every_cell_in_its_own_colour(
    client: TestClient, published: Published, name: str, zoom: int, asset: str
) -> None:
    tile = tile_of(published, name, zoom)
    shown = picture(client, f"{published.url(name, asset)}/{tile}.png")
    colours, known, _ = expected(published, name, asset, tile)
    same = (np.abs(shown[..., :3].astype(int) - colours) <= 2).all(axis=-1)  # a half of a colour step may round either way
    assert known.any()
    # A pixel whose centre lies on the edge of two cells may show either.
    assert (same & (shown[..., 3] == 255))[known].mean() > 0.995


@pytest.mark.parametrize("name", ["degrees", "metres"])
@pytest.mark.parametrize("matrix", ["WebMercatorQuad", "WGS1984Quad"])
def test_what_is_unknown_is_hatched_and_what_is_outside_is_transparent(
    client: TestClient, published: Published, name: str, matrix: str
) -> None:
    west, _, _, north = published.items[name]["bbox"]
    tms = morecantile.tms.get(matrix)
    tile = tms.tile(west + 0.05, north - 0.05, 8)
    url = f"tiles/{matrix}/{tile.z}/{tile.x}/{tile.y}"
    shown = picture(client, f"{published.url(name)}/{url}.png")
    _, known, inside = expected(published, name, "mmi", url)
    hatched = np.array([[tuple(pixel) in HATCHES for pixel in row] for row in shown[..., :3].tolist()])
    assert (inside & ~known).sum() > 500
    assert hatched[inside & ~known].mean() > 0.98  # cells at the edge lie in a coarser cell of an overview
    assert (shown[..., 3] == 0)[~inside].mean() > 0.98


def test_what_is_unknown_may_be_transparent(client: TestClient, published: Published) -> None:
    west, _, _, north = published.items["degrees"]["bbox"]
    tile = MERCATOR.tile(west + 0.5, north - 0.5, 11)
    url = f"{published.url('degrees')}/tiles/WebMercatorQuad/{tile.z}/{tile.x}/{tile.y}.png"
    assert (picture(client, url)[..., 3] == 255).all()
    assert (picture(client, url, unknown="transparent")[..., 3] == 0).all()


@pytest.mark.parametrize("zoom", [0, 3, 6])
@pytest.mark.parametrize("name", ["degrees", "metres", "dateline"])
def test_a_coarse_tile_invents_no_class(client: TestClient, published: Published, name: str, zoom: int) -> None:
    shown = picture(client, f"{published.url(name, 'outside')}/{tile_of(published, name, zoom)}.png")
    drawn = shown[shown[..., 3] == 255][:, :3].tolist()
    colours = {
        tuple(bytes.fromhex(c[1:])) for c in published.items[name]["properties"]["renders"]["outside"]["colormap"].values()
    }
    assert drawn
    assert {tuple(colour) for colour in drawn} <= colours | HATCHES


def test_far_from_the_raster_a_tile_is_there_and_empty(client: TestClient, published: Published) -> None:
    for name in ("degrees", "metres"):
        shown = picture(client, f"{published.url(name)}/tiles/WebMercatorQuad/4/1/12.png")
        assert shown.shape == (256, 256, 4)
        assert (shown[..., 3] == 0).all()


def test_a_scene_is_not_seen_again_on_the_other_side_of_the_earth(client: TestClient, published: Published) -> None:
    shown = picture(client, f"{published.url('metres')}/tiles/WebMercatorQuad/0/0/0.png")
    rows, columns = np.nonzero(shown[..., 3])
    tile = MERCATOR.tile(*middle(published, "metres"), 8)
    assert (np.abs(rows - tile.y) <= 1).all()
    assert (np.abs(columns - tile.x) <= 1).all()


def test_both_sides_of_the_antimeridian_are_drawn(client: TestClient, published: Published) -> None:
    url = f"{published.url('dateline', 'deviation')}/tiles/WebMercatorQuad"
    row = MERCATOR.tile(179.5, 41.6, 7).y
    east, west = picture(client, f"{url}/7/127/{row}.png"), picture(client, f"{url}/7/0/{row}.png")
    assert (east[..., 3] == 255).any(axis=0)[-1]
    assert (west[..., 3] == 255).any(axis=0)[0]


def test_every_raster_of_every_item_has_tiles_that_are_pictures(client: TestClient, published: Published) -> None:
    for name, item in published.items.items():
        for asset in item["properties"]["renders"]:
            shown = picture(client, f"{published.url(name, asset)}/{tile_of(published, name, 8)}.png")
            assert shown[..., 3].any()


def test_webp_shows_the_same_pixels(client: TestClient, published: Published) -> None:
    url = f"{published.url('degrees')}/{tile_of(published, 'degrees', 7)}"
    first, second = picture(client, f"{url}.png"), picture(client, f"{url}.webp")
    seen = first[..., 3] > 0
    np.testing.assert_array_equal(first[seen], second[seen])
    np.testing.assert_array_equal(first[..., 3], second[..., 3])


def test_large_tiles_show_the_four_of_the_next_zoom(client: TestClient, published: Published) -> None:
    tile = MERCATOR.tile(*middle(published, "degrees"), 8)
    url = f"{published.url('degrees')}/tiles/WebMercatorQuad"
    large = picture(client, f"{url}/8/{tile.x}/{tile.y}.png", tilesize=512)
    small = picture(client, f"{url}/9/{2 * tile.x}/{2 * tile.y}.png")
    np.testing.assert_array_equal(large[:256, :256], small)


def test_another_range_and_colour_map_are_rio_tilers(client: TestClient, published: Published) -> None:
    tile = tile_of(published, "degrees", 10)
    shown = picture(client, f"{published.url('degrees')}/{tile}.png", rescale="4,6", colormap_name="viridis")
    values, _, _ = published.values("degrees")
    rows, columns = cells_under(published, "degrees", tile)
    under = values[rows, columns]
    table = np.array([cmap.get("viridis")[entry][:3] for entry in range(256)])
    colours = table[np.clip((np.nan_to_num(under) - 4) / 2 * 255, 0, 255).round().astype(int)]
    same = (np.abs(shown[..., :3].astype(int) - colours) <= 2).all(axis=-1)
    assert same[np.isfinite(under)].mean() > 0.99


def test_an_answer_is_kept_for_a_while_and_asked_for_again_at_little_cost(client: TestClient, published: Published) -> None:
    url = f"{published.url('degrees')}/{tile_of(published, 'degrees', 7)}.png"
    first = client.get(url)
    again = client.get(url)
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=600"
    held = client.get(url, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (held.status_code, held.content) == (304, b"")
    assert held.headers["etag"] == first.headers["etag"]


def test_a_tag_changes_with_the_colours_of_the_layer(
    client: TestClient, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"{published.url('degrees')}/{picture}" for picture in (f"{tile_of(published, 'degrees', 7)}.png", "preview.png")]
    before = [client.get(url).headers["etag"] for url in urls]
    table = np.zeros((256, 3), np.uint8)
    monkeypatch.setattr("pipeline.service.raster.source.style_of", lambda item, asset: Style(table, (1.0, 10.0)))
    with TestClient(application(published.door)) as newer:
        answers = [newer.get(url, headers={"If-None-Match": tag}) for url, tag in zip(urls, before, strict=True)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_another_way_of_drawing_has_another_version() -> None:
    style = Style(np.arange(768, dtype=np.uint8).reshape(256, 3), (0.0, 1.0))
    values, known = np.linspace(0, 1, 4096).reshape(64, 64), np.arange(4096).reshape(64, 64) % 5 > 0
    drawn = style.picture(style.pixels(values, known, np.arange(64)[None, :] < 60, "hatch"), "png")
    seen = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGBA"))
    # Where this fails pictures have changed: raise DRAWING, so that clients fetch them anew, and write the new digest here.
    assert (DRAWING, hashlib.sha256(seen.tobytes()).hexdigest()[:16]) == ("1", "99c9887d27d95d4c")


def test_answers_that_differ_have_other_tags(client: TestClient, published: Published) -> None:
    tile = tile_of(published, "degrees", 7)
    asked = [
        client.get(f"{published.url('degrees')}/{tile}.png"),
        client.get(f"{published.url('degrees')}/{tile}.webp"),
        client.get(f"{published.url('degrees', 'deviation')}/{tile}.png"),
        client.get(f"{published.url('degrees')}/{tile}.png?unknown=transparent"),
        client.get(f"{published.url('degrees')}/{tile}.png?rescale=1,2"),
        client.get(f"{published.url('metres')}/{tile}.png"),
    ]
    assert len({answer.headers["etag"] for answer in asked}) == len(asked)


@pytest.mark.parametrize(
    "query",
    [
        {"url": "http://127.0.0.1/secret.tif"},
        {"url": "/etc/passwd"},
        {"expression": "b1*2"},
        {"bidx": "1"},
        {"nodata": "0"},
        {"crs": "http://127.0.0.1/crs"},
        {"coord_crs": "/etc/passwd"},
        {"algorithm": "hillshade"},
        {"colormap": '{"0":"#000"}'},
        {"rescale": "1"},
        {"rescale": "2,1"},
        {"rescale": "nan,1"},
        {"rescale": "-1e308,1e308"},
        {"rescale": "a,b"},
        {"colormap_name": "../../etc/passwd"},
        {"colormap_name": "no_such"},
    ],
)
def test_a_parameter_that_is_not_understood_is_refused(client: TestClient, published: Published, query: dict[str, str]) -> None:
    answer = client.get(f"{published.url('degrees')}/{tile_of(published, 'degrees', 7)}.png", params=query)
    assert answer.status_code == 400
    assert next(iter(query)) in answer.json()["description"]


def test_classes_have_no_range(client: TestClient, published: Published) -> None:
    answer = client.get(f"{published.url('degrees', 'outside')}/{tile_of(published, 'degrees', 7)}.png?rescale=0,1")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "place",
    [
        "shaking/no-such/mmi",
        "flood_extent/{item}/mmi",
        "shaking/{item}/no_such",
        "shaking/{item}/thumbnail",
        "shaking/{item}/inputs",
        "shaking/..%2f..%2fledger/secret.json",
        "shaking/%2fvsicurl%2fhttp:%2f%2f127.0.0.1%2fx/mmi",
        "shaking/{item}%00/mmi",
        "shaking/<VRTDataset>/mmi",
        "shaking/' OR 1=1 --/mmi",
    ],
)
def test_only_rasters_of_public_items_are_opened(client: TestClient, published: Published, place: str) -> None:
    url = f"/raster/{place.format(item=published.items['degrees']['id'])}/tiles/WebMercatorQuad/0/0/0.png"
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("tile", ["0/0/1", "3/8/0", "3/0/8"])
def test_a_tile_that_the_set_does_not_have_is_not_found(client: TestClient, published: Published, tile: str) -> None:
    assert client.get(f"{published.url('degrees')}/tiles/WebMercatorQuad/{tile}.png").status_code == 404


@pytest.mark.parametrize("tile", ["99/0/0", "-1/0/0", "a/0/0", "3/-1/0"])
def test_a_tile_that_is_none_is_refused(client: TestClient, published: Published, tile: str) -> None:
    assert client.get(f"{published.url('degrees')}/tiles/WebMercatorQuad/{tile}.png").status_code == 400


def test_tilejson_leads_to_the_tiles(client: TestClient, published: Published) -> None:
    for name in ("degrees", "metres"):
        told = client.get(f"{published.url(name)}/WebMercatorQuad/tilejson.json").json()
        west, south, east, north = published.items[name]["bbox"]
        np.testing.assert_allclose(told["bounds"], (west, south, east, north), atol=1e-3)
        tile = MERCATOR.tile((west + east) / 2, (south + north) / 2, told["maxzoom"])
        shown = picture(client, told["tiles"][0].format(z=tile.z, x=tile.x, y=tile.y))
        assert (shown[..., 3] == 255).all()
        assert told["attribution"] == "USGS; Wald & Allen (2007)"


def test_tilejson_hands_on_how_to_draw(client: TestClient, published: Published) -> None:
    url = f"{published.url('degrees')}/WebMercatorQuad/tilejson.json?rescale=2,3&tile_format=webp&tilesize=512"
    told = client.get(url).json()
    assert told["tiles"][0].endswith("{z}/{x}/{y}.webp?rescale=2%2C3&tilesize=512")
    assert told["tileSize"] == 512


@pytest.mark.parametrize("query", ["", "rescale=1%2C5&colormap_name=viridis", "rescale=1%2C5&unknown=transparent&tilesize=512"])
def test_tilejson_and_wmts_name_the_legend_of_their_tiles(client: TestClient, published: Published, query: str) -> None:
    told = client.get(f"{published.url('degrees')}/WebMercatorQuad/tilejson.json?{query}").json()
    drawn = client.get(f"{published.url('degrees')}/WMTSCapabilities.xml?{query}&SERVICE=WMTS&REQUEST=GetCapabilities").text
    root = ElementTree.fromstring(drawn)
    (template,) = (one.get("template") for one in root.iter("{http://www.opengis.net/wmts/1.0}ResourceURL"))
    (named,) = (one.get(f"{XLINK}href") for one in root.iter("{http://www.opengis.net/wmts/1.0}LegendURL"))
    colours = "&".join(part for part in query.split("&") if part.startswith(("rescale", "colormap_name")))
    for legend in (told["legend"], named):
        assert urlsplit(str(legend)).query == colours
        assert client.get(str(legend)).status_code == 200
    assert urlsplit(told["tiles"][0]).query == query
    assert urlsplit(str(template)).query == query.removesuffix("&tilesize=512")


@pytest.mark.parametrize("document", ["WebMercatorQuad/tilejson.json", "WMTSCapabilities.xml"])
def test_documents_refuse_colours_that_tiles_refuse(client: TestClient, published: Published, document: str) -> None:
    assert client.get(f"{published.url('degrees')}/{document}?rescale=5,1").status_code == 400
    assert client.get(f"{published.url('degrees', 'outside')}/{document}?colormap_name=viridis").status_code == 400


def test_at_the_deepest_zoom_of_tilejson_a_pixel_is_no_larger_than_a_cell(client: TestClient, published: Published) -> None:
    told = client.get(f"{published.url('metres')}/WebMercatorQuad/tilejson.json").json()
    ground = MERCATOR.matrix(told["maxzoom"]).cellSize * math.cos(math.radians(51))
    assert 45 < ground <= 105


@pytest.mark.parametrize(("matrix", "code"), [("WebMercatorQuad", 3857), ("WGS1984Quad", 4326)])
@pytest.mark.parametrize("name", ["degrees", "metres"])
def test_gdal_reads_the_wmts(published: Published, name: str, matrix: str, code: int) -> None:
    with listening(application(published.door)) as base:
        url = f"WMTS:{base}{published.url(name, 'deviation')}/WMTSCapabilities.xml"
        with rasterio.open(f"{url},tilematrixset={matrix}") as source:
            assert source.crs.to_epsg() == code
            west, south, east, north = published.items[name]["bbox"]
            place = (west + east) / 2, (south + north) / 2
            row, column = source.index(*Transformer.from_crs("EPSG:4326", source.crs, always_xy=True).transform(*place))
            found = source.read(window=((row, row + 2), (column, column + 2)))
    assert found.shape[0] == 4
    assert (found[3] == 255).all()


def test_wmts_capabilities_are_xml_that_names_both_sets(client: TestClient, published: Published) -> None:
    answer = client.get(f"{published.url('metres')}/WMTSCapabilities.xml?SERVICE=WMTS&REQUEST=GetCapabilities")
    root = ElementTree.fromstring(answer.content)
    names = [one.text for one in root.iter("{http://www.opengis.net/ows/1.1}Identifier")]
    assert {"WebMercatorQuad", "WGS1984Quad"} <= set(names)
