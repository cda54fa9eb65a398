"""A service over a home in which something cannot be read, written or waited for: it goes on with all the rest."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.products.catalog import Catalog, item_key
from pipeline.service import fresh
from pipeline.service.alerts import shelf_of
from pipeline.service.app import application
from pipeline.service.door import Door
from pipeline.service.status.layers import layers
from pipeline.steps import Workspace, open_workspace
from tests.drills import CONFIG
from tests.service.homes import START, Publisher, open_home

#: Whatever searches, counts or lists.
PATHS = [
    "/stac/search",
    "/stac/collections/shaking/items",
    "/stac/latest?days=all",
    "/stac/queryables",
    "/health",
    "/metrics",
    "/status",
]


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return open_home(tmp_path / "home")


@pytest.fixture
def elsewhere(work: Workspace, tmp_path: Path) -> Publisher:
    """A publisher with an index of its own."""
    return Publisher(Catalog(work.store, tmp_path / "elsewhere.sqlite"), tmp_path / "workshop")


@pytest.fixture
def client(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(fresh, "_LOOK_S", -1.0)
    with TestClient(application(Door(work, now=lambda: START)), base_url="http://localhost") as client:
        yield client


def found(client: TestClient) -> list[str]:
    return [feature["id"] for feature in client.get("/stac/search").json()["features"]]


def damage(work: Workspace, item: dict[str, Any], how: str) -> None:
    data = work.store.get(item_key(item["id"]))
    work.store.put(item_key(item["id"]), data[:200] if how == "cut" else data.replace(b'"datetime"', b'"datetyme"'))


@pytest.mark.parametrize("how", ["cut", "no datetime"])
def test_an_item_that_cannot_be_read_takes_no_other_away(
    client: TestClient, work: Workspace, elsewhere: Publisher, how: str
) -> None:
    good, bad = elsewhere.publish(), elsewhere.publish()
    damage(work, bad, how)
    assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 200)
    assert found(client) == [good["id"]]
    health = client.get("/health").json()
    (check,) = (check for check in health["checks"] if check["name"] == "items")
    assert (health["state"], check["good"]) == ("degraded", False)
    assert bad["id"] in check["detail"]
    assert client.get("/health/ready").status_code == 200
    assert "hazmon_items_unreadable 1.0" in client.get("/metrics").text


@pytest.mark.parametrize("known", [False, True], ids=["new", "indexed before"])
@pytest.mark.parametrize(
    "path",
    [
        "/explain/{id}",
        "/raster/shaking/{id}/mmi/info",
        "/files/catalog/shaking/{id}/mmi.tif",
        "/stac/collections/shaking/items/{id}",
    ],
)
def test_what_is_asked_of_an_item_that_cannot_be_read_is_503_and_names_it(
    client: TestClient, work: Workspace, elsewhere: Publisher, path: str, known: bool
) -> None:
    bad = elsewhere.publish()
    assert not known or found(client) == [bad["id"]]
    good = work.store.get(item_key(bad["id"]))
    damage(work, bad, "cut")
    answer = client.get(path.format(id=bad["id"]))
    if known and path.startswith("/stac"):
        assert answer.status_code == 200  # as it was when it could be read
    else:
        assert (answer.status_code, bad["id"] in answer.json()["description"]) == (503, True)
    work.store.put(item_key(bad["id"]), good)
    assert client.get(path.format(id=bad["id"])).status_code == 200


def test_the_board_shows_the_newest_item_as_it_was_when_it_could_be_read(work: Workspace, elsewhere: Publisher) -> None:
    item = elsewhere.publish()
    work.catalog.refresh()
    before = layers(work, START)
    damage(work, item, "cut")
    assert item["id"] in {layer.item for layer in before}
    assert layers(work, START) == before


def test_a_collection_that_cannot_be_read_takes_no_other_away(
    client: TestClient, work: Workspace, elsewhere: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere.publish()
    elsewhere.publish(hazard="flood_extent")
    work.store.put("catalog/shaking/collection.json", b"{")
    assert [each["id"] for each in client.get("/stac/collections").json()["collections"]] == ["flood_extent"]
    for path in ("/stac", "/stac/search", "/stac/collections/flood_extent/items"):
        assert client.get(path).status_code == 200
    answer = client.get("/stac/collections/shaking")
    assert (answer.status_code, "catalog/shaking/collection.json" in answer.text) == (503, True)
    assert sum("shaking/collection.json" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"id": "hazmon", "links": [1]}'])
def test_a_root_that_cannot_be_read_is_named(client: TestClient, work: Workspace, elsewhere: Publisher, data: bytes) -> None:
    elsewhere.publish()
    work.store.put("catalog/catalog.json", data)
    for path in ("/stac", "/stac/collections", "/stac/collections/shaking"):
        answer = client.get(path)
        assert (answer.status_code, "catalog/catalog.json" in answer.text) == (503, True)
    assert client.get("/stac/search").status_code == 200


def test_a_request_waits_shortly_for_another_writer_and_answers_from_what_is_there(
    client: TestClient, work: Workspace, elsewhere: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "_WAIT_S", 0.05)
    first = elsewhere.publish()
    assert found(client) == [first["id"]]
    second = elsewhere.publish()
    holder = sqlite3.connect(work.catalog.index.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = monotonic()
    assert found(client) == [first["id"]]
    assert client.get(f"/stac/collections/shaking/items/{second['id']}").status_code == 503
    assert monotonic() - began < 20
    holder.close()
    assert found(client) == [second["id"], first["id"]]


def test_damaged_caches_are_filled_anew(work: Workspace, elsewhere: Publisher) -> None:
    item = elsewhere.publish()
    for name in ("index", "alerts"):
        (work.cache / f"{name}.sqlite").write_bytes(b"garbage" * 2000)
    with TestClient(application(Door(work)), base_url="http://localhost") as client:
        assert found(client) == [item["id"]]
        assert client.get("/features/collections/alerts/items").json()["numberMatched"] == 0
        assert shelf_of(Door(work)).problems() == []
    assert sorted(path.name for path in work.cache.glob("*.damaged")) == ["alerts.sqlite.damaged", "index.sqlite.damaged"]


def test_a_home_that_is_only_to_be_read_keeps_its_caches_elsewhere(
    work: Workspace, elsewhere: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = elsewhere.publish()
    home, allowed = Path(work.store.root), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: home not in (path, *Path(path).parents) and allowed(path, mode))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    there = open_workspace(str(home), Config(CONFIG))
    assert there.cache.is_relative_to(tmp_path / "cache")
    with TestClient(application(Door(there)), base_url="http://localhost") as client:
        assert found(client) == [item["id"]]
    assert list(home.glob("*.sqlite*")) == []
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with pytest.raises(ConfigError, match="XDG_CACHE_HOME"):
        open_workspace(str(home), Config(CONFIG))


def test_a_store_that_cannot_be_written_to_is_indexed_though_its_news_lack_an_item(
    work: Workspace, elsewhere: Publisher, tmp_path: Path
) -> None:
    item = elsewhere.publish()
    for key in list(work.store.list("news")):
        work.store.delete(key)
    (Path(work.store.root) / "news/told").rmdir()
    (Path(work.store.root) / "news/told").write_text("in the way")
    catalog = Catalog(work.store, tmp_path / "again.sqlite")
    assert [row.id for row in catalog.index.rows()] == [item["id"]]


def test_news_that_cannot_be_read_hide_no_item(client: TestClient, work: Workspace, elsewhere: Publisher) -> None:
    first, second = elsewhere.publish(), elsewhere.publish()
    told = work.store.get("news/000000000001.json")
    work.store.put("news/000000000001.json", b"[]")
    assert {path: client.get(path).status_code for path in PATHS} == dict.fromkeys(PATHS, 200)
    third = elsewhere.publish()
    assert sorted(found(client)) == sorted(item["id"] for item in (first, second, third))
    assert sorted(row.id for row in Catalog(work.store, work.cache / "anew.sqlite").index.rows()) == sorted(found(client))
    assert client.get("/news").status_code == 503
    work.store.put("news/000000000001.json", told)
    assert client.get("/news").json()["head"] == 3
    assert len(found(client)) == 3
