"""Which Items a hazard's collection lists, in homes of now and of before."""

from pathlib import Path

import pytest

from pipeline.errors import KeyMissing
from pipeline.products.catalog import Catalog
from pipeline.products.listed import listed
from pipeline.store import Store, to_bytes
from tests.products.test_index_follow import publish


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(Store.open(tmp_path / "store"), tmp_path / "index.sqlite")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workshop")


def test_items_that_a_home_of_before_lists_in_its_collection_stay_listed(catalog: Catalog, workshop: Path) -> None:
    older = [publish(catalog, workshop, 1), publish(catalog, workshop, 2)]
    key = "catalog/shaking/collection.json"
    collection = catalog.store.get_json(key)
    links = [link for link in collection["links"] if link["rel"] != "child"]
    links += [{"rel": "item", "href": f"./{id}/{id}.json", "type": "application/geo+json"} for id in older]
    catalog.store.put(key, to_bytes({**collection, "links": links}))
    for month in [key for key in catalog.store.list("catalog/shaking") if key.count("/") == 2 and "collection" not in key]:
        catalog.store.delete(month)
    assert list(listed(catalog.store, "shaking")) == [[older[1]], [older[0]]]
    newer = publish(catalog, workshop, 3)
    assert [id for month in listed(catalog.store, "shaking") for id in month] == [newer, older[1], older[0]]
    catalog.rebuild()
    assert [link["rel"] for link in catalog.store.get_json(key)["links"] if link["rel"] == "item"] == []
    assert [id for month in listed(catalog.store, "shaking") for id in month] == [newer, older[1], older[0]]


def test_what_was_never_public_is_a_missing_key(catalog: Catalog) -> None:
    with pytest.raises(KeyMissing):
        list(listed(catalog.store, "shaking"))
