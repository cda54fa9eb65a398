"""STAC: searches end, filters are checked again, scenes supersede, nothing about the numbers is guessed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
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
from rasterio.control import GroundControlPoint

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import http, raster
from pipeline.feeds.protocol import Rejected
from pipeline.feeds.raster import signed
from pipeline.feeds.stac import StacFeed
from pipeline.grid import geobox_of
from pipeline.model import Granule, Window
from tests.feeds.served import Asked, Reply, Site, page, site  # noqa: F401

API = "https://stac.example.org/v1"
SEARCH = "/stac.example.org/v1/search"
GRID = GeoBox((300, 400), Affine(10, 0, 500_000, 0, -10, 5_300_000), "EPSG:32640")
DAY = Window(datetime(2024, 4, 10, tzinfo=UTC), datetime(2024, 4, 11, tzinfo=UTC))
FEED = StacFeed(
    "s1",
    API,
    ("blobs.example.org",),
    collections=("sentinel-1-rtc",),
    bands={"vv": "vv"},
    units="1",
    query={"sar:instrument_mode": {"eq": "IW"}},
)


def item(id: str = "S1A_IW_GRDH_1SDV_20240410T021500_20240410T021525_053400_067A11_rtc", **changes: Any) -> dict[str, Any]:
    properties = {
        "datetime": "2024-04-10T02:15:12Z",
        "platform": "sentinel-1a",
        "sar:product_type": "GRD",
        "sar:instrument_mode": "IW",
        "proj:epsg": 32640,
        "proj:shape": list(GRID.shape),
        "proj:transform": [*GRID.transform][:9],
        **changes.pop("properties", {}),
    }
    asset = {"href": "https://blobs.example.org/vv.tif", "raster:bands": [{"nodata": -32768, "data_type": "float32"}]}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": id,
        "collection": "sentinel-1-rtc",
        "bbox": [57.0, 47.8, 57.1, 47.9],
        "geometry": None,
        "properties": properties,
        "assets": {"vv": asset},
        "links": [],
        **changes,
    }


def pixels() -> np.ndarray[Any, Any]:
    values = np.random.default_rng(7).gamma(4.4, 0.02, size=tuple(GRID.shape)).astype("float32")
    values[:40, :50] = -32768
    return values


def write(path: Path, values: np.ndarray[Any, Any], **profile: Any) -> bytes:
    settings = {"nodata": -32768, "crs": "EPSG:32640", "transform": GRID.transform, **profile}
    rows, columns = values.shape
    with rasterio.open(path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype=values.dtype, **settings) as file:
        file.write(values, 1)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def forget() -> None:
    """Every test has its own site: what was learnt of a URL before is no longer true."""
    raster._probe.cache_clear()
    raster._check_file.cache_clear()
    raster._token.cache_clear()


@pytest.fixture
def scene(site: Site, tmp_path: Path) -> Site:  # noqa: F811
    site.files["/blobs.example.org/vv.tif"] = write(tmp_path / "vv.tif", pixels(), tiled=True, blockxsize=128, blockysize=128)
    return site


def granule_of(value: dict[str, Any], feed: StacFeed = FEED) -> tuple[Granule, bytes]:
    (found,) = feed.split(json.dumps(value).encode(), "item.json")
    assert not isinstance(found, Rejected), found.reason
    return found


def opened(value: dict[str, Any], feed: StacFeed = FEED, geobox: GeoBox | None = None) -> Any:
    granule, data = granule_of(value, feed)
    return feed.decode(data, granule, geobox)


def discovered(feed: StacFeed = FEED, bounds: Any = None) -> list[Any]:
    return list(feed.discover(DAY, bounds))


def pages(site: Site, *answers: Reply) -> None:  # noqa: F811
    """Answer the search page by page; `token` names the page."""

    def answer(asked: Asked) -> Reply:
        token = (asked.body or asked.query).get("token", "0")
        return answers[int(token)]

    site.handlers[SEARCH] = answer


def more(token: int, method: str = "GET") -> dict[str, Any]:
    if method == "GET":
        return {"href": f"{API}/search?token={token}"}
    return {"href": f"{API}/search", "method": "POST", "merge": True, "body": {"token": str(token)}}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_search_is_followed_page_by_page_with_both_kinds_of_next_link(site: Site, method: Any) -> None:  # noqa: F811
    pages(site, page(item("a"), next=more(1, method)), page(item("b"), next=more(2, method)), page(item("c")))
    assert [granule.id for granule in discovered(replace(FEED, method=method))] == ["a", "b", "c"]
    asked = site.asked[0].query if method == "GET" else site.asked[0].body
    assert asked["collections"] == ("sentinel-1-rtc" if method == "GET" else ["sentinel-1-rtc"])
    assert asked["datetime"] == "2024-04-10T00:00:00Z/2024-04-11T00:00:00Z"


def test_a_next_link_after_the_last_page_ends_the_search_at_the_empty_page(site: Site) -> None:  # noqa: F811
    pages(site, page(item("a"), next=more(1)), page(next=more(1)))
    assert len(discovered()) == 1


def test_a_next_link_that_leads_in_a_circle_ends_the_search(site: Site) -> None:  # noqa: F811
    pages(site, page(item("a"), next=more(1)), page(item("b"), next=more(0)))
    assert [granule.id for granule in discovered()] == ["a", "b"]
    assert len(site.asked) == 3


def test_a_next_link_to_another_host_is_refused(site: Site) -> None:  # noqa: F811
    pages(site, page(item("a"), next={"href": "https://elsewhere.example.com/search"}))
    with pytest.raises(FeedRefused, match=r"elsewhere\.example\.com"):
        discovered()


@pytest.mark.parametrize(
    "other",
    [
        item("elsewhere", bbox=[10.0, 10.0, 11.0, 11.0]),
        item("yesterday", properties={"datetime": "2024-04-09T23:59:59Z"}),
        item("next-day", properties={"datetime": "2024-04-11T00:00:00Z"}),
        item("collection", collection="sentinel-1-grd"),
        item("mode", properties={"sar:instrument_mode": "EW"}),
    ],
    ids=lambda value: value["id"],
)
def test_what_a_server_failed_to_filter_is_filtered_here(site: Site, other: dict[str, Any]) -> None:  # noqa: F811
    pages(site, page(other, item("wanted")))
    assert [granule.id for granule in discovered(bounds=(56.0, 47.0, 58.0, 49.0))] == ["wanted"]


def test_a_scene_across_the_antimeridian_is_found_from_both_sides(site: Site) -> None:  # noqa: F811
    pages(site, page(item("crossing", bbox=[179.5, 47.0, -179.5, 48.0])))
    assert len(discovered(bounds=(-180.0, 40.0, -179.0, 50.0))) == 1
    assert len(discovered(bounds=(179.0, 40.0, 180.0, 50.0))) == 1
    assert discovered(bounds=(0.0, 40.0, 10.0, 50.0)) == []


@pytest.mark.parametrize("body", [b'{"code": "NotFoundError"}', b"[]", b'{"features": {}}', b"<html></html>", b"{"])
def test_an_answer_that_is_no_page_is_malformed_never_nothing(site: Site, body: bytes) -> None:  # noqa: F811
    pages(site, Reply(body))
    with pytest.raises(FeedMalformed):
        discovered()


def test_no_item_found_is_an_answer(site: Site) -> None:  # noqa: F811
    pages(site, page())
    assert discovered() == []


def test_an_unreadable_item_is_rejected_and_the_others_go_on(site: Site) -> None:  # noqa: F811
    pages(site, page({"type": "Feature", "id": "broken"}, item("good")))
    rejected, good = discovered()
    assert isinstance(rejected, Rejected) and "properties" in rejected.reason
    assert good.id == "good"


def test_fetch_returns_the_item_as_canonical_json_the_same_as_split(site: Site) -> None:  # noqa: F811
    value = item()
    site.files[f"/stac.example.org/v1/collections/sentinel-1-rtc/items/{value['id']}"] = json.dumps(value, indent=2).encode()
    granule, data = granule_of(value)
    assert FEED.fetch(granule).data == data
    assert json.loads(data) == value


def test_a_scene_replaced_since_its_discovery_is_refused(site: Site) -> None:  # noqa: F811
    value = item(properties={"created": "2024-04-12T00:00:00Z"})
    site.files[f"/stac.example.org/v1/collections/sentinel-1-rtc/items/{value['id']}"] = json.dumps(value).encode()
    with pytest.raises(FeedRefused, match="replaced"):
        FEED.fetch(granule_of(item())[0])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (
            "S2A_MSIL2A_20240410T074611_N0510_R135_T39UXP_20240410T111111",
            "S2A_MSIL2A_20240410T074611_N0511_R135_T39UXP_20250101T000000",
        ),
        ("LC08_L2SP_166027_20240410_20240411_02_RT", "LC08_L2SP_166027_20240410_20240420_02_T1"),
        ("MOD11A1.A2024101.h22v04.061.2024102080000", "MOD11A1.A2024101.h22v04.061.2024110080000"),
    ],
)
def test_a_reprocessed_scene_is_the_same_granule_at_a_higher_revision(older: str, newer: str) -> None:
    first, second = (granule_of(item(id, properties={"sar:product_type": None}))[0] for id in (older, newer))
    assert first.id == second.id
    assert first.revision < second.revision


def test_four_digits_unique_to_the_processing_are_no_part_of_a_sentinel_1_acquisition() -> None:
    name = "S1A_IW_GRDH_1SDV_20240410T021500_20240410T021525_053400_067A11"
    early = granule_of(item(f"{name}_F851", properties={"s1:processing_datetime": "2024-04-10T05:00:00Z"}))[0]
    late = granule_of(item(f"{name}_0B77", properties={"s1:processing_datetime": "2024-04-12T05:00:00Z"}))[0]
    assert (early.id, late.id) == (name, name)
    assert early.revision < late.revision
    assert granule_of(item(f"{name}_rtc"))[0].id == f"{name}_rtc"


def test_the_same_item_under_a_new_href_is_the_same_granule_and_revision() -> None:
    moved = item()
    moved["assets"]["vv"]["href"] = "https://blobs.example.org/moved/vv.tif"
    assert granule_of(item())[0].key == granule_of(moved)[0].key


@pytest.mark.parametrize(
    "georeferencing",
    [
        {"proj:epsg": None, "proj:shape": None, "proj:transform": None},
        {"proj:epsg": 4326, "proj:transform": [0.0001, 0, 57.0, 0, -0.0001, 47.9]},
    ],
    ids=["none", "from the bounding box"],
)
def test_sentinel_1_grd_with_invented_georeferencing_is_rejected(georeferencing: dict[str, Any]) -> None:
    (found,) = FEED.split(json.dumps(item(properties=georeferencing)).encode(), "grd.json")
    assert isinstance(found, Rejected)
    assert "GRD" in found.reason
    with pytest.raises(FeedRefused, match="GRD"):
        FEED.decode(found.data, Granule("s1", "x"))


def test_pixels_are_opened_lazily_on_the_scenes_own_grid_and_equal_to_the_last_bit(scene: Site) -> None:
    dataset = opened(item())
    assert scene.asked == []
    assert geobox_of(dataset.vv) == GRID
    assert (dataset.vv.dtype, dataset.vv.attrs["units"]) == (np.float32, "1")
    expected = np.where(pixels() == -32768, np.nan, pixels())
    np.testing.assert_array_equal(dataset.vv.values, expected)
    assert dataset.time.values == np.datetime64("2024-04-10T02:15:12", "ns")


def test_a_window_reads_only_its_part_of_the_file(scene: Site) -> None:
    opened(item(), replace(FEED, chunk=128)).vv[:128, 128:256].compute()
    read = {asked.byte_range for asked in scene.asked if asked.method == "GET"}
    assert None not in read
    size = sum(int(r.split("-")[1] or 0) - int(r[6:].split("-")[0]) + 1 for r in read if r)
    assert size < len(scene.files["/blobs.example.org/vv.tif"]) / 2


def test_a_coarser_grid_is_the_named_resampling_of_the_full_resolution(scene: Site) -> None:
    target = GRID.zoom_to(resolution=20)
    found = opened(item(), replace(FEED, resampling="average"), target).vv.values
    expected = pixels().reshape(150, 2, 200, 2).mean((1, 3))
    assert np.isnan(found[:20, :25]).all()
    np.testing.assert_allclose(found[20:], expected[20:], rtol=1e-6)


def test_outside_the_scene_is_unknown(scene: Site) -> None:
    beyond = GeoBox((50, 50), Affine(10, 0, 503_800, 0, -10, 5_299_000), "EPSG:32640")
    found = opened(item(), geobox=beyond).vv.values
    assert np.isnan(found[:, 20:]).all() and np.isfinite(found[:, :20]).all()


def test_scale_offset_nodata_and_units_come_from_the_item(site: Site, tmp_path: Path) -> None:  # noqa: F811
    stored = (np.arange(120_000).reshape(300, 400) % 5000).astype("uint16")
    site.files["/blobs.example.org/vv.tif"] = write(tmp_path / "x.tif", stored, nodata=None)
    value = item(stac_version="1.1.0")
    del value["assets"]["vv"]["raster:bands"]
    bands = [{"nodata": 0, "data_type": "uint16", "unit": "dB", "raster:scale": 0.01, "raster:offset": -30}]
    value["assets"]["vv"]["bands"] = bands
    found = opened(value, replace(FEED, units=None)).vv
    assert found.attrs["units"] == "dB"
    np.testing.assert_allclose(found.values, np.where(stored == 0, np.nan, stored * 0.01 - 30), rtol=1e-5)


def test_undeclared_units_and_undeclared_nodata_are_malformed_never_guessed() -> None:
    with pytest.raises(FeedMalformed, match="no units"):
        opened(item(), replace(FEED, units=None))
    value = item()
    value["assets"]["vv"]["raster:bands"] = [{"data_type": "float32"}]
    with pytest.raises(FeedMalformed, match="no nodata"):
        opened(value)


def test_units_declared_twice_and_differently_are_malformed() -> None:
    value = item()
    value["assets"]["vv"]["raster:bands"][0]["unit"] = "dB"
    with pytest.raises(FeedMalformed, match="'dB' in the Item, '1' in feed"):
        opened(value)


def test_a_file_elsewhere_than_its_item_says_is_refused_when_read(site: Site, tmp_path: Path) -> None:  # noqa: F811
    moved = Affine(10, 0, 510_000, 0, -10, 5_300_000)
    site.files["/blobs.example.org/vv.tif"] = write(tmp_path / "x.tif", pixels(), transform=moved)
    with pytest.raises(FeedRefused, match="invented georeferencing"):
        opened(item()).vv.compute()


def test_a_file_with_ground_control_points_alone_is_refused_when_read(site: Site, tmp_path: Path) -> None:  # noqa: F811
    points = [GroundControlPoint(r, c, 57 + c / 1e4, 48 - r / 1e4) for r, c in ((0, 0), (0, 400), (300, 0), (300, 400))]
    path = tmp_path / "gcp.tif"
    profile = {"driver": "GTiff", "width": 400, "height": 300, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", gcps=points, **profile) as file:
        file.write(pixels(), 1)
    site.files["/blobs.example.org/vv.tif"] = path.read_bytes()
    with pytest.raises(FeedRefused, match="ground control points"):
        opened(item()).vv.compute()


def test_a_file_with_another_nodata_than_its_item_says_is_malformed_when_read(site: Site, tmp_path: Path) -> None:  # noqa: F811
    site.files["/blobs.example.org/vv.tif"] = write(tmp_path / "x.tif", pixels(), nodata=0)
    with pytest.raises(FeedMalformed, match="nodata"):
        opened(item()).vv.compute()


def html(_: Asked) -> Reply:
    return Reply(b"<!doctype html>", 206, {"Content-Range": "bytes 0-14/15", "Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: Reply(status=404), FeedUnavailable),
        (lambda _: Reply(status=503), FeedUnavailable),
        (lambda _: Reply(status=403, body=b"signature expired"), FeedRefused),
        (html, FeedMalformed),
        (lambda _: Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}), FeedRefused),
        (lambda _: Reply(status=302, headers={"Location": "file:///etc/passwd"}), FeedRefused),
    ],
    ids=["404", "503", "403", "html", "redirect to a private address", "redirect to a file"],
)
def test_an_asset_that_does_not_answer_with_its_bytes_is_an_error_by_name(
    site: Site,  # noqa: F811
    answer: Callable[[Asked], Reply],
    error: type[Exception],
) -> None:
    site.handlers["/blobs.example.org/vv.tif"] = answer
    with pytest.raises(error, match=r"blobs\.example\.org|expected"):
        opened(item()).vv.compute()


def test_a_truncated_file_is_unavailable_when_its_windows_are_read(scene: Site) -> None:
    whole = scene.files["/blobs.example.org/vv.tif"]
    scene.files["/blobs.example.org/vv.tif"] = whole[: len(whole) // 2]
    with pytest.raises(FeedUnavailable, match="cannot be read"):
        opened(item()).vv.compute()


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "/vsicurl/http://127.0.0.1/x.tif",
        "s3://bucket/x.tif",
        "http://127.0.0.1:1/x.tif",
        "http://10.0.0.1/x.tif",
        "https://evil.example.com/x.tif",
    ],
)
def test_an_asset_where_nothing_may_be_opened_is_refused_before_it_is_touched(href: str) -> None:
    value = item()
    value["assets"]["vv"]["href"] = href
    with pytest.raises(FeedRefused):
        opened(value)


def test_a_local_file_is_read_only_where_the_option_says_so(tmp_path: Path) -> None:
    write(tmp_path / "vv.tif", pixels())
    value = item()
    value["assets"]["vv"]["href"] = str(tmp_path / "vv.tif")
    assert np.isfinite(opened(value, replace(FEED, local_files=True)).vv.values).any()


@pytest.mark.parametrize("href", ["/vsicurl/http://10.0.0.1/x.tif", "file:///etc/passwd", "ftp://example.org/x.tif"])
def test_even_where_local_files_may_be_read_only_plain_paths_are(href: str) -> None:
    value = item()
    value["assets"]["vv"]["href"] = href
    with pytest.raises(FeedRefused):
        opened(value, replace(FEED, local_files=True))


def test_the_graph_travels_to_another_process(scene: Site) -> None:
    dataset = opened(item())
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again.vv.values, dataset.vv.values)


def test_synthetic_scenes_say_so() -> None:
    assert opened(item(properties={"hazmon:synthetic": True})).attrs["synthetic"] == 1
    assert opened(item()).attrs["synthetic"] == 0


def test_a_signature_is_asked_for_once_and_put_behind_the_url(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.delenv(http.MIRROR)
    site.files["/token/account/container"] = b'{"msft:expiry": "2030-01-01T00:00:00Z", "token": "se=1&sig=2"}'
    signer = f"{site.origin}/token"
    for name in ("a.tif", "b.tif"):
        href = f"https://account.blob.core.windows.net/container/{name}"
        assert signed(href, signer) == f"{href}?se=1&sig=2"
    assert len(site.asked) == 1
    assert signed("https://blobs.example.org/a.tif", signer) == "https://blobs.example.org/a.tif"


def test_signed_pixels_are_read_with_a_token_that_never_enters_the_payload(site: Site, tmp_path: Path) -> None:  # noqa: F811
    blob, token = "/account.blob.core.windows.net/rtc/vv.tif", "/planetarycomputer.microsoft.com/api/sas/v1/token/account/rtc"
    body = write(tmp_path / "vv.tif", pixels())
    site.files[token] = b'{"msft:expiry": "2030-01-01T00:00:00Z", "token": "se=1&sig=2"}'

    def guarded(asked: Asked) -> Reply:
        site.files["/body"] = body
        return site.reply(replace(asked, path="/body")) if asked.query.get("sig") == "2" else Reply(status=403)

    site.handlers[blob] = guarded
    value = item()
    value["assets"]["vv"]["href"] = f"https:/{blob}"
    feed = replace(FEED, allowed_hosts=("account.blob.core.windows.net",), signing="planetary_computer")
    granule, data = granule_of(value, feed)
    assert np.isfinite(feed.decode(data, granule).vv.values).any()
    assert b"sig=" not in data


def test_a_signer_that_gives_no_token_is_malformed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.delenv(http.MIRROR)
    site.files["/none/account/container"] = b'{"message": "no"}'
    with pytest.raises(FeedMalformed, match="token"):
        signed("https://account.blob.core.windows.net/container/a.tif", f"{site.origin}/none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "PUT"},
        {"signing": "aws"},
        {"bands": ["vv"]},
        {"bands": {"vv": "vv:0"}},
        {"resampling": "best"},
        {"nodata": "none"},
        {"collections": "sentinel-1-rtc"},
        {"query": {"x": {"like": 1}}},
        {"url": "stac.example.org"},
    ],
    ids=str,
)
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"feed s1: .*{next(iter(wrong))}"):
        replace(FEED, **wrong)


#: Items, and parts that are none, in each recorded payload (all search answers of a cassette together).
COUNTS = {
    "pc_s1rtc.json": (1, 0),
    "pc_s1grd.json": (0, 1),
    "pc_s2l2a.json": (1, 0),
    "pc_goes.json": (1, 0),
    "pc_copdem30.json": (1, 0),
    "pc_search_intersects.json": (42, 0),
    "pc_search_paged_naip.json": (20, 0),
    "pc_landsat_c2_l2_items_paged.json": (10, 0),
    "es_v1_search_small.json": (10, 0),
    "es_v1_search_fields.json": (0, 10),
    "es_v0_nonconformant_search.json": (1, 0),
    "eoapi_items.json": (10, 0),
    "eodag_result_cdse.geojson": (2, 0),
    "odcstac_site1-20200606-tall-strip-africa.geojson": (9, 0),
    "odcstac_site2-2020_jun_jul-35MNM.geojson": (13, 0),
    "sgp_sentinel-2-l2a-pc.json": (4, 0),
    "sgp_landsat-c2-l2-pc.json": (4, 0),
    "stactools_s2_N0500_reprocessed_T01VCG.json": (1, 0),
    "stactools_s2_T60CWS_antimeridian.json": (1, 0),
}


def bodies(path: Path) -> list[bytes]:
    """Return the payloads of a recorded file: its own, or every search answer of a cassette."""
    value = json.loads(path.read_bytes())
    if isinstance(value, list) and "response" in value[0]:
        answers = [entry["response"]["body"] for entry in value]
        return [json.dumps(body).encode() for body in answers if isinstance(body, dict) and "features" in body]
    return [json.dumps(value).encode()]


@pytest.mark.parametrize("name", COUNTS)
def test_recorded_payloads_go_through_with_the_right_counts(reference: Path, name: str) -> None:
    found = [part for body in bodies(reference / "satellite/stac" / name) for part in StacFeed("any", API).split(body, name)]
    rejected = [part for part in found if isinstance(part, Rejected)]
    assert (len(found) - len(rejected), len(rejected)) == COUNTS[name], [part.reason for part in rejected]


def test_a_recorded_payload_cut_anywhere_is_malformed(reference: Path) -> None:
    random = Random(20240410)
    for name in COUNTS:
        body = bodies(reference / "satellite/stac" / name)[0]
        for _ in range(50):
            with pytest.raises(FeedMalformed):
                list(StacFeed("any", API).split(body[: random.randrange(len(body))], name))


def test_the_recorded_rtc_scene_has_the_grid_and_nodata_that_it_declares(reference: Path) -> None:
    feed = replace(FEED, allowed_hosts=("sentinel1euwestrtc.blob.core.windows.net",))
    ((granule, data),) = feed.split(bodies(reference / "satellite/stac/pc_s1rtc.json")[0], "pc")  # type: ignore[misc]
    dataset = feed.decode(data, granule)
    assert dict(dataset.sizes) == {"y": 17058, "x": 28320}
    assert geobox_of(dataset.vv).transform == Affine(10, 0, 180_600, 0, -10, 3_408_040)
