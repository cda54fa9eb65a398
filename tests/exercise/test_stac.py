from collections.abc import Callable
from datetime import UTC, datetime

import pystac_client
import pytest
import requests

from pipeline.exercise.answers.stac import HOST, ROOT
from pipeline.exercise.generate.items import API, COLLECTION
from pipeline.exercise.server import Server
from pipeline.feeds.stac import StacFeed
from pipeline.model import Window
from tests.exercise.conftest import Ask

BASE = f"{HOST}{ROOT}"
BOX = [51.2, 51.0, 51.3, 51.1]


def mirrored(server: Server) -> Callable[[requests.Request], None]:
    def modify(request: requests.Request) -> None:
        request.url = request.url.replace("https:/", server.origin)

    return modify


@pytest.fixture
def client(server: Server) -> pystac_client.Client:
    return pystac_client.Client.open(f"{API}/", request_modifier=mirrored(server))


def test_pystac_client_finds_what_conforms(client: pystac_client.Client) -> None:
    assert client.conforms_to(pystac_client.ConformanceClasses.ITEM_SEARCH)
    assert [collection.id for collection in client.get_collections()] == [COLLECTION]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_search_pages_to_its_end_though_the_last_page_has_a_next_link(client: pystac_client.Client, method: str) -> None:
    search = client.search(method=method, collections=[COLLECTION], bbox=BOX, limit=1, datetime="2024-03-01/2024-04-30")
    pages = list(search.pages())
    assert [len(page) for page in pages] == [1, 1]
    assert [item.id[17:25] for page in pages for item in page] == ["20240419", "20240326"]


def test_the_next_link_after_the_last_page_leads_to_an_empty_page(ask: Ask) -> None:
    last = ask(f"{BASE}/search", params={"limit": 2}).json()
    (link,) = [link for link in last["links"] if link["rel"] == "next"]
    assert link["href"].startswith(f"https://{BASE}/search?")
    beyond = ask(link["href"].removeprefix("https://")).json()
    assert beyond["features"] == []
    assert not any(link["rel"] == "next" for link in beyond["links"])


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 2),
        ({"bbox": "10,10,11,11"}, 0),
        ({"bbox": "51.2,51.0,51.3,51.1"}, 2),
        ({"datetime": "2024-04-01T00:00:00Z/.."}, 1),
        ({"datetime": "../2024-04-01T00:00:00Z"}, 1),
        ({"collections": "sentinel-2-l2a"}, 0),
        ({"query": '{"sar:instrument_mode":{"eq":"EW"}}'}, 0),
        ({"query": '{"sat:absolute_orbit":{"gt":53200}}'}, 1),
        ({"ids": "S1A_IW_GRDH_1SDV_20240326T030312_20240326T030337_053148_067155_rtc"}, 1),
    ],
)
def test_a_search_is_filtered(ask: Ask, params: dict[str, str], count: int) -> None:
    assert len(ask(f"{BASE}/search", params=params).json()["features"]) == count


@pytest.mark.parametrize("params", [{"bbox": "a,b"}, {"datetime": "soon"}, {"limit": "many"}, {"query": "["}])
def test_a_wrong_search_is_answered_by_400(ask: Ask, params: dict[str, str]) -> None:
    assert ask(f"{BASE}/search", params=params).status_code == 400


def test_items_appear_when_they_are_published(server: Server, ask: Ask) -> None:
    server.set_clock(datetime(2024, 3, 26, 14, 59, tzinfo=UTC), "zhaiyk-2024")
    assert ask(f"{BASE}/search").json()["features"] == []
    server.set_clock(datetime(2024, 3, 26, 15, tzinfo=UTC), "zhaiyk-2024")
    (item,) = ask(f"{BASE}/collections/{COLLECTION}/items").json()["features"]
    assert ask(f"{BASE}/collections/{COLLECTION}/items/{item['id']}").json() == item
    assert ask(f"{BASE}/collections/{COLLECTION}/items/other").status_code == 404


def test_an_item_has_the_fields_of_the_real_collection_and_says_that_it_is_synthetic(ask: Ask) -> None:
    item = ask(f"{BASE}/search").json()["features"][0]
    assert item["properties"]["hazmon:synthetic"] is True
    assert item["properties"]["sar:looks_equivalent_number"] == 4.4
    assert item["properties"]["proj:epsg"] == 32639
    assert item["properties"]["sat:relative_orbit"] == 51
    assert item["assets"]["vv"]["raster:bands"][0]["nodata"] == -32768
    assert all(
        asset["href"].startswith("https://sentinel1euwestrtc.blob.core.windows.net/") for asset in item["assets"].values()
    )
    assert all("127.0.0.1" not in str(value) for value in item.values())


def test_a_recorded_item_has_no_property_of_substance_that_ours_lacks(ask: Ask, reference: object) -> None:
    import json
    from pathlib import Path

    recorded = json.loads((Path(str(reference)) / "satellite/stac/pc_s1rtc.json").read_text())
    real = recorded[0]["response"]["body"]["features"][0]
    ours = ask(f"{BASE}/search").json()["features"][0]
    assert set(ours) == set(real)
    bookkeeping = {"s1:datatake_id", "s1:orbit_source", "s1:slice_number", "s1:total_slices", "s1:product_timeliness"}
    bookkeeping |= {"s1:instrument_configuration_ID", "sat:platform_international_designator"}
    bookkeeping |= {"sar:resolution_range", "sar:resolution_azimuth"}
    assert set(real["properties"]) - set(ours["properties"]) == bookkeeping
    assert set(real["assets"]["vv"]) - set(ours["assets"]["vv"]) <= {"description"}


def test_a_read_token_is_given(ask: Ask) -> None:
    answer = ask(f"{HOST}/api/sas/v1/token/sentinel1euwestrtc/sentinel1-grd-rtc").json()
    assert answer["token"]
    assert datetime.fromisoformat(answer["msft:expiry"])


def test_the_feed_reads_pixels_through_the_mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAZMON_FEEDS_VIA", server.origin)
    feed = StacFeed(
        "s1",
        API,
        ("sentinel1euwestrtc.blob.core.windows.net",),
        collections=(COLLECTION,),
        bands={"vv": "vv", "vh": "vh"},
        units="1",
        signing="planetary_computer",
    )
    window = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC))
    (granule,) = feed.discover(window, (46, 40, 88, 56))
    dataset = feed.decode(feed.fetch(granule).data, granule)  # type: ignore[arg-type]
    assert dataset.attrs["synthetic"] == 1
    assert dict(dataset.sizes) == {"y": 512, "x": 512}
    assert granule.start == datetime(2024, 3, 26, 3, 3, 12, tzinfo=UTC)  # type: ignore[union-attr]
    vv = dataset.vv.compute()
    assert 0.05 < float(vv.mean()) < 0.15
    assert 0 < int(vv.isnull().sum()) < 0.02 * vv.size
