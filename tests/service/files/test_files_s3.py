"""The same objects out of a bucket: an S3-compatible server on loopback."""

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer
from starlette.testclient import TestClient

from pipeline.config import Config
from pipeline.service.door import Door
from pipeline.steps import open_workspace
from tests.drills import CONFIG
from tests.products.samples import INFO, NOW, built, product
from tests.service.raster.samples import application

LARGE = bytes(range(256)) * 12_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    settings = {"ENDPOINT_URL_S3": endpoint, "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "REGION": "us-east-1"}
    folder = tmp_path_factory.mktemp("bucket")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (settings | {"DEFAULT_REGION": "us-east-1"}).items():
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        boto = boto3.client("s3", endpoint_url=endpoint)
        boto.create_bucket(Bucket="hazmon")
        boto.close()
        work = open_workspace("s3://hazmon/state", Config(CONFIG))
        work.store.put("raw/feed/granule/1", LARGE)
        work.catalog.stage(*built(product(), folder / "built"))
        work.catalog.publish(product().item_id, INFO, now=NOW)
        with TestClient(application(Door(work))) as client:
            yield client
    server.stop()


def key() -> str:
    return f"/files/catalog/shaking/{product().item_id}/mmi.tif"


def test_the_whole_comes_in_pieces(client: TestClient) -> None:
    answer = client.get("/files/raw/feed/granule/1")
    assert answer.content == LARGE
    assert int(answer.headers["content-length"]) == len(LARGE)


@pytest.mark.parametrize(("asked", "start", "stop"), [("0-99", 0, 100), ("3000000-", 3_000_000, None), ("-7", -7, None)])
def test_a_range_is_equal_to_the_object_s(client: TestClient, asked: str, start: int, stop: int | None) -> None:
    answer = client.get("/files/raw/feed/granule/1", headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == LARGE[start:stop]


def test_a_range_beyond_the_end_cannot_be_given(client: TestClient) -> None:
    assert client.get("/files/raw/feed/granule/1", headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_head_sends_nothing(client: TestClient) -> None:
    answer = client.head("/files/raw/feed/granule/1")
    assert (answer.content, answer.headers["content-length"]) == (b"", str(len(LARGE)))


def test_what_is_missing_is_not_found(client: TestClient) -> None:
    for name in ("raw/feed/granule/2", "catalog/%2e%2e/raw/feed/granule/1", "ledger/x"):
        assert client.get(f"/files/{name}").status_code == 404


def test_an_asset_and_its_tiles_come_from_the_bucket(client: TestClient) -> None:
    assert client.get(key()).headers["etag"].startswith('"1220')
    answer = client.get(f"/raster/shaking/{product().item_id}/mmi/tiles/WebMercatorQuad/0/0/0.png")
    assert answer.content.startswith(b"\x89PNG")
