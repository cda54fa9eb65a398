"""The catalogue in a bucket: an S3-compatible server on loopback."""

import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

import pipeline
from pipeline.products.catalog import Catalog
from pipeline.products.read import open_asset
from pipeline.products.validate import validate
from pipeline.store import Store
from tests.products.samples import EVENT, INFO, NOW, built, dataset, geobox, product


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    settings = {"ENDPOINT_URL_S3": endpoint, "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "REGION": "us-east-1"}
    for name, value in (settings | {"DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="hazmon")
    client.close()
    yield "s3://hazmon/state"
    server.stop()


def test_the_catalogue_works_in_a_bucket(bucket: str, tmp_path: Path) -> None:
    catalog = Catalog(Store.open(bucket), tmp_path / "index.sqlite")
    for key in ("raw/usgs_all_hour/us7000lsze/1", "raw/usgs_all_hour/us7000lsze/2", "raw/vs30/vs30/0"):
        catalog.store.put(key, b"payload")
    for revision in (1, 2):
        catalog.stage(*built(product(revision), tmp_path / "built"))
    threads = [
        threading.Thread(target=catalog.publish, args=(product(revision).item_id, INFO), kwargs={"now": NOW})
        for revision in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    current = catalog.latest("shaking", f"event:{EVENT}")
    assert current is not None
    assert current["id"] == product(2).item_id
    assert len(catalog.find(hazard="shaking")) == 2
    assert validate(catalog.store, catalog.index) == []
    np.testing.assert_array_equal(
        open_asset(catalog.store, current, "outside").values, dataset(geobox(), shift=2).outside.values
    )
    layer = pipeline.open_layer("shaking", event=EVENT, source=bucket)
    assert layer.attrs["item"] == current["id"]
    np.testing.assert_array_equal(layer.outside.values, dataset(geobox(), shift=2).outside.values)
