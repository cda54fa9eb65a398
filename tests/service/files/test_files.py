import email.utils
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rasterio
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.service.raster.samples import Published, application, listening


def key(published: Published, asset: str = "mmi") -> str:
    root = published.door.work.store.root
    return published.path("degrees", asset).relative_to(root).as_posix()


def test_an_asset_has_its_type_its_checksum_and_stays(client: TestClient, published: Published) -> None:
    answer = client.get(f"/files/{key(published)}")
    asset = published.items["degrees"]["assets"]["mmi"]
    assert answer.content == published.path("degrees").read_bytes()
    assert answer.headers["content-type"] == asset["type"]
    assert answer.headers["etag"] == f'"{asset["file:checksum"]}"'
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "media_type", "cache"),
    [
        ("catalog/catalog.json", "application/json", "max-age=10"),
        ("catalog/shaking/collection.json", "application/json", "max-age=10"),
        ("alerts/atom.xml", "application/atom+xml", "max-age=10"),
        ("alerts/2024/one.xml", "application/cap+xml", "max-age=10"),
        ("raw/vs30/vs30/0", "application/octet-stream", "immutable"),
    ],
)
def test_other_objects_have_theirs(client: TestClient, name: str, media_type: str, cache: str) -> None:
    answer = client.get(f"/files/{name}")
    assert answer.headers["content-type"] == media_type
    assert cache in answer.headers["cache-control"]


def test_an_item_may_change_and_is_asked_for_again(client: TestClient, published: Published) -> None:
    item = published.items["degrees"]
    answer = client.get(f"/files/catalog/shaking/{item['id']}/{item['id']}.json")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "public, max-age=10"
    assert answer.json() == item


def test_what_came_from_elsewhere_is_saved_and_runs_nothing(client: TestClient) -> None:
    headers = client.get("/files/raw/usgs_all_hour/us7000lsze/1").headers
    assert headers["content-disposition"] == 'attachment; filename="1"'
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(("asked", "start", "stop"), [("0-99", 0, 100), ("100-", 100, None), ("-7", -7, None), ("5-5", 5, 6)])
def test_a_range_is_equal_to_the_file_s(
    client: TestClient, published: Published, asked: str, start: int, stop: int | None
) -> None:
    data = published.path("degrees").read_bytes()
    answer = client.get(f"/files/{key(published)}", headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == data[start:stop]
    first = start % len(data)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(data)}"


def test_several_ranges_come_as_parts(client: TestClient, published: Published) -> None:
    data = published.path("degrees").read_bytes()
    answer = client.get(f"/files/{key(published)}", headers={"Range": "bytes=0-9,100-119"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert data[:10] in answer.content
    assert data[100:120] in answer.content


def test_a_range_beyond_the_end_cannot_be_given(client: TestClient, published: Published) -> None:
    answer = client.get(f"/files/{key(published)}", headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416


def test_a_range_of_what_changed_meanwhile_is_the_whole(client: TestClient, published: Published) -> None:
    url = f"/files/{key(published)}"
    etag = client.head(url).headers["etag"]
    assert client.get(url, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert client.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200


def test_a_head_tells_the_size_and_sends_nothing(client: TestClient, published: Published) -> None:
    answer = client.head(f"/files/{key(published)}")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == published.path("degrees").stat().st_size
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("name", ["{asset}", "catalog/catalog.json", "raw/vs30/vs30/0", "alerts/atom.xml"])
def test_what_the_client_has_is_not_sent_again(client: TestClient, published: Published, name: str) -> None:
    url = f"/files/{name.format(asset=key(published))}"
    held = client.get(url).headers
    moment = email.utils.parsedate_to_datetime(held["last-modified"])
    later, earlier = (email.utils.format_datetime(moment + timedelta(hours=hours), usegmt=True) for hours in (1, -1))
    given: list[tuple[dict[str, str], int]] = [
        ({"If-None-Match": held["etag"]}, 304),
        ({"If-None-Match": f'"a", W/{held["etag"]}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"a"'}, 200),
        ({"If-None-Match": '"a"', "If-Modified-Since": later}, 200),
        ({"If-Modified-Since": held["last-modified"]}, 304),
        ({"If-Modified-Since": earlier}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
    ]
    assert [(headers, client.get(url, headers=headers).status_code) for headers, _ in given] == given


@pytest.mark.parametrize(
    "hostile",
    [
        "ledger/secret.json",
        "index.sqlite",
        "staging",
        "catalog",
        "catalog/",
        "catalog//catalog.json",
        "catalog/%2e/catalog.json",
        "catalog/../ledger/secret.json",
        "catalog/%2e%2e/ledger/secret.json",
        "catalog%2f..%2fledger%2fsecret.json",
        "catalog%2Fcatalog.json",
        "catalog/..%5c..%5cledger",
        "catalog\\catalog.json",
        "/catalog/catalog.json",
        "//etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "catalog/catalog.json%00",
        "catalog/%00",
        "catalog/.hidden",
        "catalog/catalog.json#1",
        "catalog/catalog.json%231",
        "catalog/shaking",
        "catalog/catalog.json/x",
        "catalog/shaking/no-such/mmi.tif",
        f"catalog/{'a' * 300}/x",
        f"catalog/{'a/' * 600}x",
        "%c0%ae%c0%ae/ledger/secret.json",
        "catalog/%EF%BC%8E%EF%BC%8E/ledger/secret.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_but_what_is_public_is_found(client: TestClient, hostile: str, method: str) -> None:
    answer = client.request(method, f"http://testserver/files/{hostile}".replace("#1", "%231"))
    assert answer.status_code == 404


def test_a_link_out_of_what_is_public_leads_nowhere(published: Published, client: TestClient) -> None:
    root = Path(published.door.work.store.root)
    (root / "raw" / "out").symlink_to("/etc/passwd")
    (root / "raw" / "ledger").symlink_to(root / "ledger")
    assert client.get("/files/raw/out").status_code == 404
    assert client.get("/files/raw/ledger/secret.json").status_code == 404


def test_assets_of_an_item_that_is_not_public_yet_are_not_found(published: Published, client: TestClient) -> None:
    published.door.work.store.put("catalog/shaking/shaking-half-made/mmi.tif", b"II*\0")
    assert client.get("/files/catalog/shaking/shaking-half-made/mmi.tif").status_code == 404


class _Counting:
    """An application that counts the bytes it sends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.sent = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            self.sent += len(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, counted)


def test_gdal_opens_a_raster_afar_by_the_ranges_it_needs(published: Published) -> None:
    app = _Counting(application(published.door))
    options: dict[str, Any] = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
        "GDAL_INGESTED_BYTES_AT_OPEN": 4096,
        "CPL_VSIL_CURL_CHUNK_SIZE": 4096,
    }
    with listening(app) as base, rasterio.Env(**options):
        with rasterio.open(f"/vsicurl/{base}/files/{key(published)}") as source:
            found = source.read(1, window=((0, 64), (600, 664)))
        values, _, _ = published.values("degrees")
    assert (found == values[:64, 600:664]).all()
    assert 0 < app.sent < published.path("degrees").stat().st_size
