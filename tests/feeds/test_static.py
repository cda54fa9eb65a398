"""Static maps: a record with checksums is the payload, pixels are opened lazily, nodata is never guessed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import raster
from pipeline.feeds.protocol import Rejected
from pipeline.feeds.static import SYNTHETIC_TAG, StaticMapFeed
from pipeline.grid import geobox_of, region_geobox
from pipeline.model import Granule, Window
from tests.feeds.served import Asked, Reply, Site, page, site  # noqa: F401

GRID = GeoBox((60, 80), Affine(0.01, 0, 57.0, 0, -0.01, 48.0), "EPSG:4326")
NOW = Window(datetime(2024, 4, 10, tzinfo=UTC), datetime(2024, 4, 10, tzinfo=UTC))
HAND = {"href": "hand.tif", "units": "m"}


@pytest.fixture(autouse=True)
def forget() -> None:
    raster._probe.cache_clear()
    raster._check_file.cache_clear()


def write(path: Path, values: np.ndarray[Any, Any], *, tags: dict[str, str] | None = None, **profile: Any) -> bytes:
    settings = {"nodata": -1, "crs": "EPSG:4326", "transform": GRID.transform, **profile}
    rows, columns = values.shape
    with rasterio.open(path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype=values.dtype, **settings) as file:
        file.write(values, 1)
        file.update_tags(**(tags or {}))
    return path.read_bytes()


def heights() -> np.ndarray[Any, Any]:
    values = np.arange(60 * 80, dtype="float32").reshape(60, 80)
    values[0, 0] = -1
    return values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "hand.tif", heights())
    return tmp_path


def feed(folder: Path | str, **maps: Any) -> StaticMapFeed:
    return StaticMapFeed("terrain", str(folder), maps=maps or {"hand": HAND})


def record(source: StaticMapFeed, name: str = "hand", bounds: Any = None) -> tuple[Granule, bytes]:
    (granule,) = (found for found in source.discover(NOW, bounds) if isinstance(found, Granule) and found.id == name)
    return granule, source.fetch(granule).data


def opened(source: StaticMapFeed, geobox: GeoBox | None = None, name: str = "hand") -> Any:
    granule, data = record(source, name)
    return source.decode(data, granule, geobox)


def test_a_local_map_is_opened_lazily_on_its_own_grid(folder: Path) -> None:
    dataset = opened(feed(folder))
    assert dataset.hand.chunks is not None
    assert geobox_of(dataset.hand) == GRID
    assert dataset.hand.attrs["units"] == "m" and "time" not in dataset.coords
    np.testing.assert_array_equal(dataset.hand.values, np.where(heights() == -1, np.nan, heights()))


def test_on_another_grid_it_is_the_named_resampling_and_unknown_outside(folder: Path) -> None:
    target = GeoBox((30, 50), Affine(0.02, 0, 57.0, 0, -0.02, 48.0), "EPSG:4326")
    found = opened(feed(folder, hand={**HAND, "resampling": "average"}), target).hand.values
    expected = heights().reshape(30, 2, 40, 2).mean((1, 3))
    np.testing.assert_allclose(found[1:, :40], expected[1:], rtol=1e-6)
    assert np.isnan(found[:, 40:]).all()


def test_classes_keep_their_codes_on_another_grid(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).choice(np.array([0, 10, 80], "uint8"), size=(60, 80))
    write(tmp_path / "water.tif", codes, nodata=255)
    source = feed(tmp_path, water={"href": "water.tif", "units": "1", "resampling": "nearest"})
    target = GeoBox((50, 50), Affine(700, 0, 500_100, 0, -700, 5_316_000), "EPSG:32640")
    found = opened(source, target, "water").water.values
    assert set(np.unique(found[np.isfinite(found)])) <= {0, 10, 80}


def test_changing_one_pixel_changes_the_payload_and_raises_the_revision(folder: Path) -> None:
    before, first = record(feed(folder))
    changed = heights()
    changed[30, 30] += 1
    write(folder / "hand.tif", changed)
    os.utime(folder / "hand.tif", ns=(before.revision * 10**6 + 10**9,) * 2)
    after, second = record(feed(folder))
    assert first != second
    assert after.revision > before.revision


def test_where_a_file_lies_is_no_part_of_its_payload(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "hand.tif").write_bytes((folder / "hand.tif").read_bytes())
    assert record(feed(folder))[1] == record(feed(elsewhere))[1]


def test_a_map_that_has_changed_since_it_was_recorded_is_unavailable(folder: Path) -> None:
    source = feed(folder)
    granule, data = record(source)
    write(folder / "hand.tif", heights() + 1)
    with pytest.raises(FeedUnavailable, match="changed since"):
        source.decode(data, granule)
    (folder / "hand.tif").unlink()
    with pytest.raises(FeedUnavailable, match="no such file"):
        source.decode(data, granule)


def test_a_map_whose_file_is_missing_is_not_offered(folder: Path) -> None:
    source = feed(folder, hand=HAND, vs30={"href": "vs30.tif", "units": "m s-1"})
    assert [granule.id for granule in source.discover(NOW, None) if isinstance(granule, Granule)] == ["hand"]
    with pytest.raises(FeedUnavailable, match="no such file"):
        source.fetch(Granule("terrain", "vs30"))


def test_undeclared_nodata_is_malformed_and_may_be_an_option(tmp_path: Path) -> None:
    write(tmp_path / "hand.tif", heights(), nodata=None)
    with pytest.raises(FeedMalformed, match="no nodata"):
        record(feed(tmp_path))
    found = opened(feed(tmp_path, hand={**HAND, "nodata": -1})).hand.values
    assert np.isnan(found[0, 0])


def test_a_map_without_georeferencing_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "hand.tif", heights(), crs=None, transform=None)
    with pytest.raises(FeedRefused, match="no CRS"):
        record(feed(tmp_path))


def test_a_file_that_is_no_raster_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "hand.tif").write_bytes(b"<html>no map</html>")
    with pytest.raises(FeedMalformed, match="cannot be read"):
        record(feed(tmp_path))


def test_generated_maps_say_so(tmp_path: Path, folder: Path) -> None:
    assert opened(feed(folder)).attrs["synthetic"] == 0
    write(tmp_path / "drawn.tif", heights(), tags={SYNTHETIC_TAG: "1"})
    assert opened(feed(tmp_path, hand={**HAND, "href": "drawn.tif"})).attrs["synthetic"] == 1


def test_a_remote_map_is_known_by_its_etag_and_read_by_ranges(site: Site, tmp_path: Path) -> None:  # noqa: F811
    site.files["/maps.example.org/v1/hand.tif"] = write(tmp_path / "x.tif", heights())
    source = feed("https://maps.example.org/v1")
    granule, data = record(source)
    (tile,) = json.loads(data)["tiles"]
    assert tile["href"] == "https://maps.example.org/v1/hand.tif" and tile["etag"].startswith('"')
    np.testing.assert_array_equal(source.decode(data, granule).hand.values[1:], heights()[1:])
    site.files["/maps.example.org/v1/hand.tif"] += b"\0"
    with pytest.raises(FeedUnavailable, match="changed since"):
        source.decode(data, granule)


def test_a_record_that_points_elsewhere_is_refused(site: Site, tmp_path: Path) -> None:  # noqa: F811
    site.files["/maps.example.org/v1/hand.tif"] = write(tmp_path / "x.tif", heights())
    source = feed("https://maps.example.org/v1")
    granule, data = record(source)
    with pytest.raises(FeedRefused):
        source.decode(data.replace(b"maps.example.org", b"evil.example.com"), granule)


@pytest.mark.parametrize("href", ["/etc/passwd", "file:///etc/passwd", "/vsicurl/https://maps.example.org/x", "s3://b/x"])
def test_a_record_that_points_to_a_path_of_its_own_is_refused(folder: Path, href: str) -> None:
    source = feed(folder)
    granule, data = record(source)
    value = json.loads(data)
    value["tiles"][0]["href"] = href
    with pytest.raises(FeedRefused):
        source.decode(json.dumps(value).encode(), granule)


def tile(id: str, west: float, site: Site, folder: Path) -> dict[str, Any]:  # noqa: F811
    transform = Affine(0.01, 0, west, 0, -0.01, 48.0)
    site.files[f"/blobs.example.org/{id}.tif"] = write(folder / f"{id}.tif", heights() + west, transform=transform)
    properties = {
        "datetime": "2021-04-22T00:00:00Z",
        "proj:epsg": 4326,
        "proj:shape": [60, 80],
        "proj:transform": [*transform][:6],
    }
    asset = {"href": f"https://blobs.example.org/{id}.tif", "raster:bands": [{"nodata": -1, "data_type": "float32"}]}
    box = [west, 47.4, west + 0.8, 48.0]
    return {
        "type": "Feature",
        "id": id,
        "collection": "dem",
        "bbox": box,
        "properties": properties,
        "assets": {"data": asset},
        "links": [],
    }


def test_a_collection_is_a_mosaic_of_its_tiles(site: Site, tmp_path: Path) -> None:  # noqa: F811
    items = [tile("east", 57.8, site, tmp_path), tile("west", 57.0, site, tmp_path)]
    site.handlers["/stac.example.org/search"] = lambda asked: page(*items) if asked.query["collections"] == "dem" else page()
    source = StaticMapFeed(
        "terrain", "https://stac.example.org", ("blobs.example.org",), {"dem": {"collection": "dem", "units": "m"}}
    )
    granule, data = record(source, "dem", (57.0, 47.4, 58.6, 48.0))
    dataset = source.decode(data, granule)
    assert dataset.dem.shape == (60, 160)
    np.testing.assert_allclose(dataset.dem.values[1:, :80], (heights() + 57.0)[1:], rtol=1e-6)
    np.testing.assert_allclose(dataset.dem.values[1:, 80:], (heights() + 57.8)[1:], rtol=1e-6)
    items[0]["assets"]["data"]["file:checksum"] = "1220abcd"
    assert source.fetch(granule).data != data


def test_a_server_error_is_no_missing_map(site: Site) -> None:  # noqa: F811
    def down(asked: Asked) -> Reply:
        return Reply(status=500)

    site.handlers["/maps.example.org/v1/hand.tif"] = down
    with pytest.raises(FeedUnavailable, match="500"):
        list(feed("https://maps.example.org/v1").discover(NOW, None))


def test_a_record_from_disk_is_the_map_it_names_and_cut_anywhere_malformed(folder: Path) -> None:
    source = feed(folder)
    _, data = record(source)
    ((granule, raw),) = source.split(data, "record.json")  # type: ignore[misc]
    assert (granule.id, raw) == ("hand", data)
    random = Random(3)
    for _ in range(50):
        with pytest.raises(FeedMalformed):
            list(source.split(data[: random.randrange(len(data))], "record.json"))


def test_a_record_of_an_unknown_map_is_rejected(folder: Path) -> None:
    _, data = record(feed(folder))
    (found,) = feed(folder, dem=HAND).split(data, "record.json")
    assert isinstance(found, Rejected) and "'hand'" in found.reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"maps": {}},
        {"maps": {"hand": {"href": "x.tif"}}},
        {"maps": {"hand": {"units": "m"}}},
        {"maps": {"hand": {**HAND, "collection": "x"}}},
        {"maps": {"hand": {**HAND, "colour": "blue"}}},
        {"signing": "aws"},
    ],
    ids=str,
)
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(wrong: dict[str, Any], folder: Path) -> None:
    with pytest.raises(ConfigError, match=f"feed terrain: .*{next(iter(wrong))}"):
        replace(feed(folder), **wrong)


@pytest.mark.parametrize("resolution", [0.005, 0.01, 0.02, 0.04, 1 / 120], ids="{:.4f}".format)
def test_a_map_of_people_keeps_their_number_on_any_grid(tmp_path, resolution):
    generator = np.random.default_rng(7)
    people = generator.uniform(0, 50, (80, 80)).astype(np.float32)
    profile = {"driver": "GTiff", "width": 80, "height": 80, "count": 1, "dtype": "float32", "nodata": -1, "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / "p.tif", "w", transform=Affine(0.01, 0, 77, 0, -0.01, 42.8), **profile) as raster:
        raster.write(people, 1)
    feed = StaticMapFeed("terrain", str(tmp_path), maps={"population": {"href": "p.tif", "units": "1", "resampling": "sum"}})
    (granule,) = feed.discover(NOW, None)
    box = region_geobox((76.5, 41.5, 78.5, 43.5), resolution)
    found = feed.decode(feed.fetch(granule).data, granule, box)["population"].values
    assert np.nansum(found, dtype=np.float64) == pytest.approx(people.sum(dtype=np.float64), rel=1e-4)
