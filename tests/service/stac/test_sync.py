"""The copy of the catalogue in PostgreSQL: the same Items as in the store, whatever happened before."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import news
from pipeline.cli import app
from pipeline.errors import ConfigError, ProductError, StoreError
from pipeline.products.catalog import Catalog, collection_key, item_key
from pipeline.service.stac.database import database_url
from pipeline.store import Store, to_bytes
from tests.products.samples import EVENT, INFO, NOW, built, product
from tests.service.running import until

pytest.importorskip("pypgstac", reason="the extra pgstac is not installed")

from pipeline.service.stac import sync
from pipeline.service.stac.copied import Copy
from pipeline.service.stac.mirror import Mirror


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(Store.open(tmp_path / "home"), tmp_path / "home/index.sqlite")


def publish(catalog: Catalog, workshop: Path, revision: int = 1) -> dict[str, Any]:
    now = NOW + timedelta(minutes=revision)
    made = product(revision)
    item, files = built(made, workshop, now=now)
    catalog.stage(item, files)
    return catalog.publish(made.item_id, INFO, now=now)


def searched(url: str) -> list[dict[str, Any]]:
    """Return the Items of a database as pgstac gives them, the newest first."""
    with Mirror.open(url) as mirror:
        found = mirror.connection.execute("""SELECT search('{"limit": 1000, "conf": {"nohydrate": true}}')""").fetchone()
    return list(found[0]["features"]) if found else []


def ids(items: list[dict[str, Any]]) -> set[str]:
    return {item["id"] for item in items}


def test_a_database_that_is_not_there_yet_is_made_and_holds_every_item_to_the_last_number(
    catalog: Catalog, workshop: Path, postgres: Any
) -> None:
    item = publish(catalog, workshop)
    url = postgres.url("made_by_sync")
    done = sync.sync(catalog.store, url)
    assert (done.items, done.collections, done.loaded, done.removed) == (1, 1, 1, 0)
    assert searched(url) == [item]
    postgres.run("DROP DATABASE made_by_sync")


def test_a_second_time_nothing_is_loaded(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    publish(catalog, workshop)
    first = sync.sync(catalog.store, pgstac_url)
    second = sync.sync(catalog.store, pgstac_url)
    assert second.loaded == 0 and (second.items, second.number) == (first.items, first.number)


def test_an_item_that_a_newer_one_supersedes_is_changed_in_the_database_too(
    catalog: Catalog, workshop: Path, pgstac_url: str
) -> None:
    old = publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    new = publish(catalog, workshop, 2)
    done = sync.sync(catalog.store, pgstac_url)
    assert done.loaded == 2 and done.number == news.head(catalog.store)
    found = {item["id"]: item for item in searched(pgstac_url)}
    assert found[old["id"]] == catalog.get(old["id"]) and found[old["id"]]["properties"]["deprecated"]
    assert found[new["id"]] == new


def test_a_withdrawn_event_is_withdrawn_in_the_database_too(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    catalog.withdraw(f"event:{EVENT}", now=NOW + timedelta(hours=1), reason="no earthquake")
    sync.sync(catalog.store, pgstac_url)
    assert [item["properties"]["hazmon:withdrawn"]["reason"] for item in searched(pgstac_url)] == ["no earthquake"]


def test_items_come_out_as_they_went_in_after_their_collection_says_something_else(
    catalog: Catalog, workshop: Path, pgstac_url: str
) -> None:
    item = publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    collection = catalog.store.get_json(collection_key("shaking"))
    collection["item_assets"]["mmi"]["title"] = "something else"
    catalog.store.put(collection_key("shaking"), to_bytes(collection))
    sync.sync(catalog.store, pgstac_url, everything=True)
    assert searched(pgstac_url) == [item]


def test_an_item_that_is_not_in_the_news_yet_is_loaded_all_the_same(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    item = publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    other = item | {"id": f"{item['id']}0"}
    catalog.store.put(item_key(other["id"]), to_bytes(other))
    assert sync.sync(catalog.store, pgstac_url).items == 2
    assert ids(searched(pgstac_url)) == {item["id"], other["id"]}


def test_an_item_that_the_store_no_longer_has_is_an_error_until_everything_is_loaded_anew(
    catalog: Catalog, workshop: Path, pgstac_url: str
) -> None:
    item = publish(catalog, workshop)
    other = publish(catalog, workshop, 2)
    sync.sync(catalog.store, pgstac_url)
    catalog.store.delete(item_key(item["id"]))
    with pytest.raises(StoreError, match=r"found 2 Items, expected 1 .*--all"):
        sync.sync(catalog.store, pgstac_url)
    done = sync.sync(catalog.store, pgstac_url, everything=True)
    assert (done.items, done.removed) == (1, 1)
    assert ids(searched(pgstac_url)) == {other["id"]}


def test_a_collection_without_items_is_forgotten_when_everything_is_loaded_anew(
    catalog: Catalog, workshop: Path, pgstac_url: str
) -> None:
    item = publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    catalog.store.delete(item_key(item["id"]))
    done = sync.sync(catalog.store, pgstac_url, everything=True)
    assert (done.items, done.collections) == (0, 0)


def test_another_stores_database_is_loaded_anew(catalog: Catalog, workshop: Path, pgstac_url: str, tmp_path: Path) -> None:
    publish(catalog, workshop)
    publish(catalog, workshop, 2)
    sync.sync(catalog.store, pgstac_url)
    other = Catalog(Store.open(tmp_path / "other"), tmp_path / "other/index.sqlite")
    item = publish(other, workshop, 3)
    done = sync.sync(other.store, pgstac_url)
    assert (done.items, done.removed) == (1, 2)
    assert ids(searched(pgstac_url)) == {item["id"]}


def test_an_item_whose_collection_is_not_written_yet_is_loaded(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    item = publish(catalog, workshop)
    catalog.store.delete(collection_key("shaking"))
    sync.sync(catalog.store, pgstac_url)
    assert searched(pgstac_url) == [item]


def test_many_at_once_load_every_item_once(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    publish(catalog, workshop)
    item = publish(catalog, workshop, 2)
    for number in range(300):
        other = item | {"id": f"{item['id']}{number}"}
        catalog.store.put(item_key(other["id"]), to_bytes(other))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: sync.sync(catalog.store, pgstac_url), range(4)))
    assert {each.items for each in done} == {302}
    assert sum(each.loaded for each in done) == 302
    assert len(searched(pgstac_url)) == 302


def test_news_whose_number_cannot_be_kept_are_not_brought_in(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    publish(catalog, workshop)
    sync.sync(catalog.store, pgstac_url)
    publish(catalog, workshop, 2)
    with Mirror.open(pgstac_url) as mirror:
        mirror.connection.execute("ALTER TABLE hazmon.synced ADD CONSTRAINT full_disk CHECK (number < 2)")
        with pytest.raises(StoreError, match="full_disk"):
            sync.sync(catalog.store, pgstac_url)
        assert [item["properties"]["deprecated"] for item in searched(pgstac_url)] == [False]
        mirror.connection.execute("ALTER TABLE hazmon.synced DROP CONSTRAINT full_disk")
    assert sync.sync(catalog.store, pgstac_url).loaded == 2


def test_watching_brings_in_what_the_news_tell_of_until_told_to_stop(
    catalog: Catalog, workshop: Path, pgstac_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAUSE_S", 0.01)
    stop = threading.Event()
    with Mirror.open(pgstac_url) as mirror:
        mirror.prepare()
        watched = sync.watch(catalog.store, mirror, stop)
        publish(catalog, workshop)
        assert next(watched) == sync.News(1, 1)
        publish(catalog, workshop, 2)
        assert next(watched) == sync.News(2, 3)
        stop.set()
        assert list(watched) == []


#: Instead of an Item: half a file, no object, nothing in it, one of another collection.
UNREADABLE = [b"{", b"[]", b"{}", b'{"id": "shaking-x", "collection": "flood_extent"}']


@pytest.mark.parametrize("data", UNREADABLE)
def test_an_item_that_cannot_be_read_is_named_and_holds_up_no_other(
    catalog: Catalog, workshop: Path, pgstac_url: str, data: bytes
) -> None:
    item = publish(catalog, workshop)
    catalog.store.put(item_key("shaking-x"), data)
    with pytest.raises(ProductError, match=r"found 1 Items that cannot be read, for example shaking-x"):
        sync.sync(catalog.store, pgstac_url)
    assert ids(searched(pgstac_url)) == {item["id"]}


def test_the_service_follows_the_news_past_an_item_that_cannot_be_read(
    catalog: Catalog, workshop: Path, pgstac_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAUSE_S", 0.05)
    bad = publish(catalog, workshop)["id"]
    catalog.store.put(item_key(bad), b"{")
    stop = threading.Event()
    thread = threading.Thread(target=sync.keep, args=(catalog.store, pgstac_url, stop))
    thread.start()
    try:
        told = {"id": "shaking-x", "key": item_key("shaking-x")}
        news.tell(catalog.store, news.Entry("item", "published", hazard="shaking", at=NOW, state="s", **told))
        catalog.store.put(told["key"], b"{}")
        until(lambda: Copy(catalog.store, pgstac_url).number() == 2)
    finally:
        stop.set()
        thread.join()


def test_a_copy_that_is_behind_for_more_than_a_minute_is_not_good(catalog: Catalog, workshop: Path, pgstac_url: str) -> None:
    clock = iter([0, 50, 100, 161, 162])
    copy = Copy(catalog.store, pgstac_url, lambda: next(clock))
    sync.sync(catalog.store, pgstac_url)
    publish(catalog, workshop)
    assert copy.keeps_up()
    sync.sync(catalog.store, pgstac_url)
    assert copy.keeps_up()
    publish(catalog, workshop, 2)
    assert copy.keeps_up()
    assert not copy.keeps_up()
    sync.sync(catalog.store, pgstac_url)
    assert copy.keeps_up()


def test_a_database_that_cannot_be_reached_is_named_without_its_password(catalog: Catalog) -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1/hazmon") as caught:
        sync.sync(catalog.store, "postgresql://someone:secret@127.0.0.1:1/hazmon")
    assert "secret" not in str(caught.value)


def test_without_an_address_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAZMON_PGSTAC", raising=False)
    with pytest.raises(ConfigError, match="HAZMON_PGSTAC: found nothing, expected postgresql://"):
        database_url()


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.service.stac.database.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'hazmon\[pgstac\]'"):
        database_url()


def test_the_command_prints_its_counts_as_one_line(
    catalog: Catalog, workshop: Path, pgstac_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(catalog, workshop)
    monkeypatch.setenv("HAZMON_HOME", catalog.store.root)
    monkeypatch.setenv("HAZMON_PGSTAC", pgstac_url)
    done = CliRunner().invoke(app, ["catalog", "sync"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"items": 1, "collections": 1, "loaded": 1, "removed": 0, "number": 1}


def test_the_command_ends_with_one_where_the_counts_differ(
    catalog: Catalog, workshop: Path, pgstac_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = publish(catalog, workshop)
    monkeypatch.setenv("HAZMON_HOME", catalog.store.root)
    monkeypatch.setenv("HAZMON_PGSTAC", pgstac_url)
    CliRunner().invoke(app, ["catalog", "sync"])
    catalog.store.delete(item_key(item["id"]))
    done = CliRunner().invoke(app, ["catalog", "sync"])
    assert done.exit_code == 1 and "expected 0 as in" in done.stderr
