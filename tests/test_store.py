import threading

import pytest
from moto.server import ThreadedMotoServer

from pipeline.errors import ConfigError, KeyMissing
from pipeline.store import Store, to_bytes


@pytest.fixture(scope="module")
def bucket():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return Store.open(tmp_path / "home")
    endpoint = request.getfixturevalue("bucket")
    for name, value in {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import boto3

    name = f"b{abs(hash(request.node.name)) % 10**9}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return Store.open(f"s3://{name}/home")


def test_what_is_put_is_got(store):
    store.put("a/b.json", b"1")
    assert store.get("a/b.json") == b"1"
    assert store.exists("a/b.json")
    assert not store.exists("a/c.json")


def test_a_file_is_put_whole(store, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"x" * 100_000)
    store.put("file", path)
    assert len(store.get("file")) == 100_000


def test_create_never_replaces(store):
    assert store.create("k", b"first")
    assert not store.create("k", b"second")
    assert store.get("k") == b"first"


def test_swap_needs_the_expected_content(store):
    assert store.swap("k", None, b"1")
    assert not store.swap("k", None, b"2")
    assert not store.swap("k", b"0", b"2")
    assert store.swap("k", b"1", b"2")
    assert store.get("k") == b"2"


def test_a_missing_key_is_named(store):
    with pytest.raises(KeyMissing, match="nothing/here"):
        store.get("nothing/here")


def test_keys_are_listed_sorted_and_by_folder(store):
    for key in ("a/2", "a/1", "ab/3"):
        store.put(key, b"")
    assert list(store.list("a")) == ["a/1", "a/2"]


def test_deleting_twice_is_no_error(store):
    store.put("k", b"")
    store.delete("k")
    store.delete("k")
    assert not store.exists("k")


def test_concurrent_swaps_lose_no_update(tmp_path):
    store = Store.open(tmp_path)
    store.put("count", b"0")

    def add():
        for _ in range(25):
            while True:
                held = store.get("count")
                if store.swap("count", held, str(int(held) + 1).encode()):
                    break

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("count") == b"100"


def test_another_kind_of_url_is_refused():
    with pytest.raises(ConfigError, match="s3://"):
        Store.open("gs://bucket")


def test_canonical_json_does_not_depend_on_order():
    assert to_bytes({"b": 1, "a": "ш"}) == to_bytes({"a": "ш", "b": 1})
