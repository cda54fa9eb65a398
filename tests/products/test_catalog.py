import json
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pystac
import pytest
import rasterio
from jsonschema import Draft7Validator

from pipeline import news
from pipeline.errors import KeyMissing, ProductError, StoreError, Unreadable
from pipeline.model import Event, Scene
from pipeline.products.catalog import Catalog, item_key
from pipeline.products.collection import hrefs
from pipeline.products.index import Reached
from pipeline.products.listed import listed
from pipeline.products.product import Product
from pipeline.products.read import asset_href
from pipeline.products.validate import validate
from pipeline.store import Store, to_bytes
from tests.products.samples import EVENT, INFO, NOW, ORIGIN, OUTPUTS, built, product

LINEAGE = f"event:{EVENT}"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(Store.open(tmp_path / "store"), tmp_path / "index.sqlite")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workshop")


def publish(catalog: Catalog, made: Product, workshop: Path, minutes: int = 0) -> dict[str, Any]:
    now = NOW + timedelta(minutes=minutes)
    item, files = built(made, workshop, now=now)
    catalog.stage(item, files)
    return catalog.publish(made.item_id, INFO, now=now)


def files(catalog: Catalog) -> dict[str, bytes]:
    return {key: catalog.store.get(key) for key in catalog.store.list("")}


def related(item: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"].split("/")[1] for link in item["links"] if link["rel"].endswith("-version")}


def test_a_published_item_is_found_listed_and_valid(catalog: Catalog, workshop: Path) -> None:
    item = publish(catalog, product(), workshop)
    catalog.store.put("raw/usgs_all_hour/us7000lsze/1", b"{}")
    catalog.store.put("raw/vs30/vs30/0", b"map")
    assert catalog.get(item["id"]) == item
    assert catalog.find(hazard="shaking", bbox=(77.0, 41.0, 78.0, 42.0)) == [item]
    assert catalog.latest("shaking", LINEAGE) == item
    assert validate(catalog.store, catalog.index) == []
    assert list(catalog.store.list("staging")) == []


def test_a_staged_item_is_not_visible(catalog: Catalog, workshop: Path) -> None:
    catalog.stage(*built(product(), workshop))
    assert list(catalog.items()) == []
    assert catalog.find() == []
    assert not catalog.is_public(product().item_id)


def test_the_same_digest_again_changes_no_byte_even_hours_later(catalog: Catalog, workshop: Path) -> None:
    first = publish(catalog, product(), workshop)
    before = files(catalog)
    assert publish(catalog, product(), workshop, minutes=90) == first
    assert files(catalog) == before


def test_a_new_revision_supersedes_and_both_say_so(catalog: Catalog, workshop: Path) -> None:
    one, two, three = (publish(catalog, product(revision), workshop, revision)["id"] for revision in (1, 2, 3))
    items = [catalog.get(id) for id in (one, two, three)]
    assert [item["properties"]["deprecated"] for item in items] == [True, True, False]
    assert related(items[0]) == {"successor-version": two, "latest-version": three}
    assert related(items[1]) == {"predecessor-version": one, "successor-version": three, "latest-version": three}
    assert related(items[2]) == {"predecessor-version": two}
    assert [item["id"] for item in catalog.find(current=True)] == [three]


def test_an_older_revision_that_comes_late_never_becomes_the_latest(catalog: Catalog, workshop: Path) -> None:
    two = publish(catalog, product(2), workshop)
    one = publish(catalog, product(1), workshop, 30)
    assert one["properties"]["deprecated"]
    assert catalog.latest("shaking", LINEAGE)["id"] == two["id"]  # type: ignore[index]
    assert related(catalog.get(two["id"])) == {"predecessor-version": one["id"]}


@pytest.mark.parametrize(
    "change",
    [{"parameters": {"near": 5.0}}, {"inputs": product(vs30="a pixel differs").inputs}],
    ids=["parameter", "static map"],
)
def test_a_new_parameter_or_map_makes_a_new_item_linked_to_the_old(
    catalog: Catalog, workshop: Path, change: dict[str, Any]
) -> None:
    old = publish(catalog, product(), workshop)
    new = publish(catalog, replace(product(), **change), workshop, 30)
    assert new["id"] != old["id"]
    assert related(new) == {"predecessor-version": old["id"]}


def test_a_reprocessed_scene_supersedes_the_same_acquisition_and_no_other(catalog: Catalog, workshop: Path) -> None:
    acquisition = Scene("sentinel1_rtc", "S1A_20240410", ORIGIN)
    other = publish(catalog, product(1, subject=Scene("sentinel1_rtc", "S1A_20240422", ORIGIN)), workshop)
    first = publish(catalog, product(1, subject=acquisition), workshop)
    again = publish(catalog, product(2, subject=acquisition), workshop, 5)
    assert related(catalog.get(first["id"])) == {"successor-version": again["id"], "latest-version": again["id"]}
    assert related(catalog.get(other["id"])) == {}


def test_of_a_withdrawn_event_nothing_stands(catalog: Catalog, workshop: Path) -> None:
    ids = [publish(catalog, product(revision), workshop)["id"] for revision in (1, 2)]
    when = NOW + timedelta(hours=1)
    assert catalog.withdraw(LINEAGE, now=when, reason="deleted by the source") == sorted(ids)
    assert catalog.latest("shaking", LINEAGE) is None
    assert catalog.find(current=True) == []
    for id in ids:
        properties = catalog.get(id)["properties"]
        assert properties["deprecated"]
        assert properties["hazmon:withdrawn"] == {"at": "2024-01-22T19:20:00Z", "reason": "deleted by the source"}


def test_withdrawing_twice_changes_no_byte(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(), workshop)
    catalog.withdraw(LINEAGE, now=NOW, reason="deleted")
    before = files(catalog)
    catalog.withdraw(LINEAGE, now=NOW + timedelta(hours=1), reason="deleted again")
    assert files(catalog) == before


def test_what_was_on_its_way_when_the_event_was_withdrawn_does_not_stand_but_a_later_revision_does(
    catalog: Catalog, workshop: Path
) -> None:
    publish(catalog, product(1), workshop)
    catalog.withdraw(LINEAGE, now=NOW, reason="deleted", revision=2)
    late = publish(catalog, product(2), workshop, 1)
    assert late["properties"]["deprecated"]
    restored = publish(catalog, product(3), workshop, 2)
    assert catalog.latest("shaking", LINEAGE) == restored


def test_an_item_without_its_asset_is_not_published(catalog: Catalog, workshop: Path) -> None:
    item, paths = built(product(), workshop)
    catalog.stage(item, paths)
    catalog.store.delete(f"catalog/shaking/{item['id']}/mmi.tif")
    with pytest.raises(ProductError, match="'mmi' is missing"):
        catalog.publish(item["id"], INFO, now=NOW)
    assert not catalog.is_public(item["id"])


def test_an_item_whose_asset_was_cut_is_not_published_until_it_is_staged_again(catalog: Catalog, workshop: Path) -> None:
    item, paths = built(product(), workshop)
    catalog.stage(item, paths)
    catalog.store.put(f"catalog/shaking/{item['id']}/mmi.tif", paths["mmi"].read_bytes()[:-1])
    with pytest.raises(ProductError, match="bytes, expected"):
        catalog.publish(item["id"], INFO, now=NOW)
    catalog.stage(item, paths)
    assert catalog.publish(item["id"], INFO, now=NOW)["id"] == item["id"]


def test_files_that_do_not_match_the_item_are_refused(catalog: Catalog, workshop: Path) -> None:
    item, paths = built(product(), workshop)
    with pytest.raises(ProductError, match="expected"):
        catalog.stage(item, {"mmi": paths["mmi"]})


def test_an_item_never_staged_is_a_missing_key(catalog: Catalog) -> None:
    with pytest.raises(KeyMissing):
        catalog.publish("shaking-x-20240101T000000Z-00000000", INFO, now=NOW)


def test_the_collection_grows_with_its_items(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(1), workshop)
    later = Event("eq20240301000000ffff", 1, ORIGIN + timedelta(days=39))
    publish(catalog, product(1, subject=later), workshop)
    collection = catalog.store.get_json("catalog/shaking/collection.json")
    assert hrefs(collection, "child") == ["./2024-01.json", "./2024-03.json"]
    assert collection["extent"]["temporal"]["interval"] == [["2024-01-22T18:09:04Z", "2024-03-01T18:09:04Z"]]
    assert collection["license"] == "CC-BY-4.0"
    assert collection["providers"][0]["name"] == "USGS"
    assert set(collection["item_assets"]) == {*OUTPUTS, *(f"{name}_qml" for name in OUTPUTS), "inputs", "thumbnail"}
    root = catalog.store.get_json("catalog/catalog.json")
    assert [link["href"] for link in root["links"] if link["rel"] == "child"] == ["./shaking/collection.json"]


def test_a_month_lists_the_items_that_start_in_it_and_is_their_parent(catalog: Catalog, workshop: Path) -> None:
    first, again = publish(catalog, product(1), workshop), publish(catalog, product(2), workshop)
    later = publish(catalog, product(1, subject=Event("eq20240301000000ffff", 1, ORIGIN + timedelta(days=39))), workshop)
    assert list(listed(catalog.store, "shaking")) == [[later["id"]], sorted([first["id"], again["id"]])]
    assert hrefs(later, "parent") == ["../2024-03.json"]
    month = catalog.store.get_json("catalog/shaking/2024-03.json")
    assert (month["type"], month["id"], hrefs(month, "parent")) == ("Catalog", "shaking-2024-03", ["./collection.json"])


def test_a_walk_from_the_root_meets_every_item_once(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    publish(catalog, product(1), workshop)
    publish(catalog, product(1, subject=Event("eq20240301000000ffff", 1, ORIGIN + timedelta(days=39))), workshop)
    root = pystac.Catalog.from_file(str(tmp_path / "store/catalog/catalog.json"))
    assert sorted(item.id for item in root.get_items(recursive=True)) == [row.id for row in catalog.index.rows()]


def test_lists_that_were_lost_are_made_again_from_the_items(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(1), workshop)
    collection = catalog.store.get_json("catalog/shaking/collection.json")
    month = catalog.store.get("catalog/shaking/2024-01.json")
    catalog.store.delete("catalog/shaking/2024-01.json")
    without = {**collection, "links": [link for link in collection["links"] if link["rel"] != "child"]}
    catalog.store.put("catalog/shaking/collection.json", to_bytes(without))
    assert catalog.rebuild() == 1
    assert catalog.store.get_json("catalog/shaking/collection.json") == collection
    assert catalog.store.get("catalog/shaking/2024-01.json") == month


def test_a_lost_root_is_made_again_and_of_a_lost_collection_it_is_said_what_mends_it(
    catalog: Catalog, workshop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    item = publish(catalog, product(1), workshop)
    root, collection = (catalog.store.get(key) for key in ("catalog/catalog.json", "catalog/shaking/collection.json"))
    catalog.store.delete("catalog/catalog.json")
    assert remedies(catalog, "catalog/catalog.json") == ["rebuild the catalogue"]
    catalog.rebuild()
    assert catalog.store.get("catalog/catalog.json") == root
    catalog.store.delete("catalog/shaking/collection.json")
    remedy = "publish one of its Items again (hazmon run), then rebuild the catalogue"
    assert remedies(catalog, "catalog/shaking/collection.json") == [remedy]
    catalog.rebuild()
    assert remedy in caplog.text
    catalog.publish(item["id"], INFO, now=NOW)
    catalog.rebuild()
    assert catalog.store.get("catalog/shaking/collection.json") == collection


def remedies(catalog: Catalog, key: str) -> list[str]:
    """Return what is said to mend a document."""
    problems = validate(catalog.store, catalog.index)
    return [problem.message.rsplit("; ", 1)[1] for problem in problems if problem.key == key]


def test_the_collection_follows_the_monty_extension(catalog: Catalog, workshop: Path, reference: Path) -> None:
    publish(catalog, product(), workshop)
    schema = json.loads((reference / "stac_monty/monty-schema.json").read_bytes())
    collection = catalog.store.get_json("catalog/shaking/collection.json")
    assert [error.message for error in Draft7Validator(schema).iter_errors(collection)] == []


def test_the_index_is_rebuilt_from_the_files_where_it_is_lost(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    for revision in (1, 2):
        publish(catalog, product(revision), workshop)
    again = Catalog(catalog.store, tmp_path / "another.sqlite")
    assert again.index.rows() == catalog.index.rows()
    assert again.find(subject=LINEAGE) == catalog.find(subject=LINEAGE)


def test_many_publishers_at_once_publish_as_many_as_were_sent(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    """Four publishers, each with the revisions of one event and with one of its own: all there, one latest, all listed."""
    for revision in (1, 2, 3):
        catalog.stage(*built(product(revision), workshop))
    own = {name: product(1, subject=Event(f"eq2024012218090400{name}", 1, ORIGIN)) for name in ("aa", "bb", "cc", "dd")}
    for made in own.values():
        catalog.stage(*built(made, workshop))

    def work(name: str) -> list[str]:
        mine = Catalog(Store.open(tmp_path / "store"), tmp_path / "index.sqlite")
        order = (product(2), own[name], product(1), product(3))
        return [mine.publish(made.item_id, INFO, now=NOW)["id"] for made in order]

    with ThreadPoolExecutor(len(own)) as pool:
        sent = {id for ids in pool.map(work, own) for id in ids}
    assert sent == {item["id"] for _, item in catalog.items()}
    assert len(list(catalog.items())) == len(catalog.index.rows()) == 3 + 4
    assert [item["id"] for item in catalog.find(subject=LINEAGE, current=True)] == [product(3).item_id]
    assert related(catalog.get(product(2).item_id)) == {
        "predecessor-version": product(1).item_id,
        "successor-version": product(3).item_id,
        "latest-version": product(3).item_id,
    }
    kinds = {problem.kind for problem in validate(catalog.store, catalog.index)}
    assert kinds <= {"link"}, "only the raw payloads, which this test does not archive"


def test_a_reader_during_publication_never_meets_an_item_whose_asset_does_not_open(catalog: Catalog, workshop: Path) -> None:
    staged = [product(revision) for revision in (1, 2, 3)]
    for made in staged:
        catalog.stage(*built(made, workshop))
    done = threading.Event()

    def read() -> list[int]:
        seen: list[int] = []
        while not done.is_set():
            public = [item for _, item in catalog.items()]
            for item in public:
                for asset in ("mmi", "outside"):
                    with rasterio.open(asset_href(catalog.store, item, asset)) as source:
                        source.read(1)
            seen.append(len(public))
        return seen

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        try:
            for made in staged:
                catalog.publish(made.item_id, INFO, now=NOW)
        finally:
            done.set()
        seen = reading.result()
    assert seen == sorted(seen)


def test_an_index_that_stays_locked_or_a_store_that_is_gone_is_a_store_error(
    catalog: Catalog, workshop: Path, tmp_path: Path
) -> None:
    catalog.stage(*built(product(), workshop))
    shutil.rmtree(tmp_path / "store" / "catalog")
    (tmp_path / "store" / "catalog").write_text("in the way")
    with pytest.raises((StoreError, ProductError)):
        catalog.publish(product().item_id, INFO, now=NOW)


def test_the_key_of_an_item_follows_from_its_id() -> None:
    id = product().item_id
    assert item_key(id) == f"catalog/shaking/{id}/{id}.json"


def test_every_change_of_an_item_reaches_the_index(catalog: Catalog, workshop: Path) -> None:
    for revision in (1, 2, 3):
        publish(catalog, product(revision), workshop)
    for row in catalog.index.rows():
        document = catalog.index.document(row.id)
        assert document is not None
        assert json.loads(document) == catalog.get(row.id)


def test_an_index_elsewhere_follows_the_news(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    publish(catalog, product(1), workshop)
    other = Catalog(catalog.store, tmp_path / "another.sqlite")
    assert other.refresh() == 0
    publish(catalog, product(2), workshop)
    assert other.index.rows() != catalog.index.rows()
    assert other.refresh() == 2
    assert other.index.rows() == catalog.index.rows()
    assert other.refresh() == 0


def test_an_index_that_knows_already_reads_no_item_again(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(1), workshop)
    reached = catalog.index.reached
    assert catalog.refresh() == 0
    assert catalog.index.reached != reached
    assert catalog.index.reached == Reached(1, news.mark_at(catalog.store, 1))


def test_a_state_told_late_does_not_hide_the_one_before(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    publish(catalog, product(1), workshop)
    other = Catalog(catalog.store, tmp_path / "another.sqlite")
    (first,) = news.after(catalog.store, 0)
    other.index.put(first.key, catalog.store.get_json)
    publish(catalog, product(2), workshop)
    # Another writer tells last what it saw first.
    news.tell(catalog.store, replace(first, what="withdrawn"))
    other.refresh()
    assert other.index.rows() == catalog.index.rows()


def test_an_item_taken_away_by_hand_does_not_hold_up_those_after_it(catalog: Catalog, workshop: Path, tmp_path: Path) -> None:
    other = Catalog(catalog.store, tmp_path / "another.sqlite")
    gone = publish(catalog, product(1, subject=Event("eq20240101000000aaaa", 1, ORIGIN)), workshop)
    there = publish(catalog, product(1), workshop)
    catalog.store.delete(item_key(gone["id"]))
    other.refresh()
    assert [row.id for row in other.index.rows()] == [there["id"]]


def test_a_rebuild_tells_the_news_what_they_miss(catalog: Catalog, workshop: Path) -> None:
    item = publish(catalog, product(1), workshop)
    told = list(news.after(catalog.store, 0))
    for key in list(catalog.store.list("news")):
        catalog.store.delete(key)
    assert catalog.rebuild() == 1
    (entry,) = news.after(catalog.store, 0)
    assert (entry.id, entry.state) == (item["id"], told[-1].state)
    catalog.rebuild()
    assert news.head(catalog.store) == 1


def test_an_index_of_another_version_is_rebuilt(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(1), workshop)
    rows = catalog.index.rows()
    with sqlite3.connect(catalog.index.path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert Catalog(catalog.store, catalog.index.path).index.rows() == rows


def test_an_index_of_a_home_that_began_anew_is_rebuilt(catalog: Catalog, workshop: Path) -> None:
    publish(catalog, product(1), workshop)
    catalog.refresh()
    for prefix in ("news", "catalog"):
        for key in list(catalog.store.list(prefix)):
            catalog.store.delete(key)
    assert Catalog(catalog.store, catalog.index.path).index.rows() == []


DAMAGES = pytest.mark.parametrize("data", [b"{", b"{}"], ids=["no JSON", "no Item"])


@DAMAGES
def test_an_old_version_that_cannot_be_read_holds_up_neither_the_next_nor_a_withdrawal(
    catalog: Catalog, workshop: Path, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    one, two = (publish(catalog, product(revision), workshop, revision)["id"] for revision in (1, 2))
    catalog.store.put(item_key(one), data)
    three = publish(catalog, product(3), workshop, 3)["id"]
    assert [item["id"] for item in catalog.find(current=True)] == [three]
    assert one in caplog.text
    assert catalog.withdraw(LINEAGE, now=NOW + timedelta(hours=1), reason="false alarm") == sorted([one, two, three])
    assert catalog.find(current=True) == []
    assert all("hazmon:withdrawn" in catalog.get(id)["properties"] for id in (two, three))
    assert {entry.id for entry in news.after(catalog.store, 0) if entry.what == "withdrawn"} == {two, three}
    assert catalog.store.get(item_key(one)) == data


@DAMAGES
def test_a_withdrawn_version_that_cannot_be_read_stands_in_no_search(catalog: Catalog, workshop: Path, data: bytes) -> None:
    one, two = (publish(catalog, product(revision), workshop, revision)["id"] for revision in (1, 2))
    catalog.store.put(item_key(two), data)
    catalog.withdraw(LINEAGE, now=NOW + timedelta(hours=1), reason="false alarm")
    assert [(row.id, row.current) for row in catalog.index.rows()] == [(one, False)]
    assert list(catalog.index.unreadable()) == [item_key(two)]


@DAMAGES
def test_a_version_that_cannot_be_read_is_not_published_again(catalog: Catalog, workshop: Path, data: bytes) -> None:
    item = publish(catalog, product(1), workshop)
    catalog.store.put(item_key(item["id"]), data)
    with pytest.raises(Unreadable, match=item["id"]):
        catalog.publish(item["id"], INFO, now=NOW)


def test_what_was_damaged_or_removed_takes_no_other_out_of_what_is_found(
    catalog: Catalog, workshop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad, gone, good = (publish(catalog, product(revision), workshop)["id"] for revision in (1, 2, 3))
    catalog.refresh()
    catalog.store.put(item_key(bad), b"{")
    catalog.store.delete(item_key(gone))
    assert [item["id"] for item in catalog.find(hazard="shaking")] == [good]
    assert bad in caplog.text and gone in caplog.text
