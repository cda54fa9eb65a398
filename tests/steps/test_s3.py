"""The steps with their home in an S3-compatible bucket on loopback."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipeline import steps
from pipeline.products.validate import validate
from tests.drills import digests, on_stage, quakes


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    settings = {"ENDPOINT_URL_S3": endpoint, "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "REGION": "us-east-1"}
    for name, value in (settings | {"DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="hazmon")
    client.close()
    yield "s3://hazmon/home"
    server.stop()


def test_in_a_bucket_the_same_is_published_as_in_a_folder_validated_and_reproduced(bucket: str, tmp_path: Path) -> None:
    scenario = quakes(events=slice(0, 2), radius_km=60)
    found = []
    for home in (bucket, str(tmp_path / "folder")):
        with on_stage(scenario, tmp_path / "stage", home) as player:
            assert player.play() == []
            work = player.work
            found.append({key: work.store.get(key) for folder in ("catalog", "alerts") for key in work.store.list(folder)})
            assert [item["properties"]["hazmon:revision"] for item in player.items()] == [1, 2]
            assert validate(work.store, work.catalog.index) == []
            assert {steps.reproduce(work, item["id"]).verdict for item in player.items()} == {"equal"}
    assert found[0] == found[1]
    assert set(digests(tmp_path / "folder", "catalog", "alerts")) == set(found[0])
