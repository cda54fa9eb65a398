"""The index of a home that others write to: whatever lies there, it goes on with all that can be read."""

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import news
from pipeline.errors import Busy, Unreadable
from pipeline.model import Event
from pipeline.products import index_follow
from pipeline.products.catalog import Catalog, item_key
from pipeline.products.index import Reached
from pipeline.products.index_follow import Follower
from pipeline.products.listed import listed
from pipeline.products.validate import validate
from pipeline.store import Store, to_bytes
from tests.products.samples import INFO, NOW, ORIGIN, built, product

#: Instead of an Item, or of a part of it.
UNREADABLE: list[bytes | tuple[bytes, bytes]] = [
    b'{"id": "shaking-',
    b"\xff\xfe",
    b"[]",
    b'{"id": "x", "properties": {}, "assets": {}, "links": []}',
    (b'"datetime"', b'"datetyme"'),
    (b'"deprecated"', b'"deprekated"'),
    (b'"deprecated": false', b'"deprecated": 0'),
    (b'"deprecated"', b'"number": NaN, "deprecated"'),
    (b'"deprecated"', b'"text": "\\ud800", "deprecated"'),
]
UNREADABLE_NAMES = ["cut", "no text", "list", "another", "no datetime", "no deprecated", "number", "NaN", "half a pair"]


@pytest.fixture
def here(tmp_path: Path) -> Catalog:
    return Catalog(Store.open(tmp_path / "store"), tmp_path / "here.sqlite")


@pytest.fixture
def elsewhere(here: Catalog, tmp_path: Path) -> Catalog:
    return Catalog(here.store, tmp_path / "elsewhere.sqlite")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workshop")


def publish(catalog: Catalog, workshop: Path, number: int) -> str:
    made = product(1, subject=Event(f"eq2024012218090{number}aaaa", 1, ORIGIN + timedelta(days=40 * number)))
    catalog.stage(*built(made, workshop, now=NOW))
    return str(catalog.publish(made.item_id, INFO, now=NOW)["id"])


def ids(catalog: Catalog) -> list[str]:
    return [row.id for row in catalog.index.rows()]


@pytest.mark.parametrize("data", UNREADABLE, ids=UNREADABLE_NAMES)
def test_an_item_that_cannot_be_read_holds_up_no_other(
    here: Catalog, elsewhere: Catalog, workshop: Path, data: bytes | tuple[bytes, bytes]
) -> None:
    bad, good = publish(elsewhere, workshop, 1), publish(elsewhere, workshop, 2)
    here.store.put(item_key(bad), data if isinstance(data, bytes) else here.store.get(item_key(bad)).replace(*data))
    here.refresh()
    assert (ids(here), list(here.index.unreadable())) == ([good], [item_key(bad)])
    again = Catalog(here.store, here.index.path.with_name("again.sqlite"))
    assert (ids(again), list(again.index.unreadable())) == ([good], [item_key(bad)])
    assert again.rebuild() == 1
    assert item_key(bad) in {problem.key for problem in validate(here.store, here.index)}
    with pytest.raises(Unreadable, match=bad):
        here.get(bad)


def test_an_item_of_another_naming_is_found_and_listed_as_any(here: Catalog, workshop: Path) -> None:
    good = publish(here, workshop, 1)
    here.store.put(item_key("shaking-foo"), to_bytes({**here.get(good), "id": "shaking-foo"}))
    assert here.rebuild() == 2
    assert [set(ids) for ids in listed(here.store, "shaking")] == [{"shaking-foo"}, {good}]


def test_an_item_that_was_mended_is_found_again(
    here: Catalog, elsewhere: Catalog, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, gone = publish(elsewhere, workshop, 1), publish(elsewhere, workshop, 2)
    good = here.store.get(item_key(bad))
    for id in (bad, gone):
        here.store.put(item_key(id), b"{")
    here.refresh()
    here.store.put(item_key(bad), good)
    here.store.delete(item_key(gone))
    here.refresh()
    assert ids(here) == []
    monkeypatch.setattr(index_follow, "_LOOK_AGAIN_S", -1.0)
    here.refresh()
    assert (ids(here), here.index.unreadable()) == ([bad], {})


def test_a_damaged_index_is_filled_anew(here: Catalog, workshop: Path) -> None:
    id = publish(here, workshop, 1)
    for part in ("-wal", "-shm"):
        Path(f"{here.index.path}{part}").unlink(missing_ok=True)
    here.index.path.write_bytes(b"garbage" * 2000)
    assert ids(Catalog(here.store, here.index.path)) == [id]


def set_back(catalog: Catalog, number: int, id: str) -> None:
    """Take away the newest Item and what the news told of it, as a copy of before does that is put in place."""
    catalog.store.delete(f"news/{number:012d}.json")
    for key in [key for key in catalog.store.list("news/told") if id[:60] in key]:
        catalog.store.delete(key)
    shutil.rmtree(Path(catalog.store.root, item_key(id)).parent)
    shutil.rmtree(Path(catalog.store.root, "lineages"))


def test_a_store_that_was_set_back_and_went_on_is_followed_anew(here: Catalog, elsewhere: Catalog, workshop: Path) -> None:
    first, lost = publish(elsewhere, workshop, 1), publish(elsewhere, workshop, 2)
    here.refresh()
    shutil.copyfile(here.index.path, here.index.path.with_name("restarted.sqlite"))
    set_back(here, 2, lost)
    other = publish(Catalog(here.store, here.index.path.with_name("third.sqlite")), workshop, 3)
    assert news.head(here.store) == 2
    here.refresh()
    assert ids(here) == [first, other]
    assert ids(Catalog(here.store, here.index.path.with_name("restarted.sqlite"))) == [first, other]


def test_a_store_that_was_only_set_back_forgets_what_is_gone(here: Catalog, elsewhere: Catalog, workshop: Path) -> None:
    first, lost = publish(elsewhere, workshop, 1), publish(elsewhere, workshop, 2)
    here.refresh()
    set_back(here, 2, lost)
    here.refresh()
    assert ids(here) == [first]


def test_while_another_process_writes_a_refresh_is_busy_and_the_index_can_be_read(
    here: Catalog, elsewhere: Catalog, workshop: Path
) -> None:
    publish(elsewhere, workshop, 1)
    here.refresh()
    known = ids(here)
    publish(elsewhere, workshop, 2)
    holder = sqlite3.connect(here.index.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        here.refresh(0.01)
    assert ids(here) == known
    holder.close()
    assert here.refresh() == 1


def test_an_entry_of_the_news_that_is_none_is_unreadable(here: Catalog) -> None:
    for data in (b"{", b"[]", b"{}"):
        here.store.put("news/000000000001.json", data)
        with pytest.raises(Unreadable, match="000000000001"):
            list(news.after(here.store, 0))
        assert news.mark_at(here.store, 1) == "broken"
    assert news.mark_at(here.store, 0) == news.mark_at(here.store, 2) == ""


@pytest.fixture
def fills(monkeypatch: pytest.MonkeyPatch) -> list[Follower]:
    """Grows whenever an index is filled anew."""
    made: list[Follower] = []
    fill = Follower._fill

    def counted(follower: Follower, *given: Any, **options: Any) -> Any:
        made.append(follower)
        return fill(follower, *given, **options)

    monkeypatch.setattr(Follower, "_fill", counted)
    return made


def test_many_broken_news_cost_one_fill_and_none_when_mended(
    here: Catalog, elsewhere: Catalog, workshop: Path, fills: list[Follower]
) -> None:
    published = [publish(elsewhere, workshop, number) for number in range(1, 6)]
    told = {number: here.store.get(f"news/{number:012d}.json") for number in (2, 3, 4)}
    for number in told:
        here.store.put(f"news/{number:012d}.json", b"{")
    here.refresh()
    assert (ids(here), len(fills)) == (sorted(published), 1)
    assert here.index.reached == Reached(5, news.mark_at(here.store, 5))
    for number, data in told.items():
        here.store.put(f"news/{number:012d}.json", data)
    published.append(publish(elsewhere, workshop, 6))
    here.refresh()
    assert (ids(here), len(fills)) == (sorted(published), 1)


def test_a_broken_newest_entry_is_not_stumbled_over_twice(
    here: Catalog, elsewhere: Catalog, workshop: Path, fills: list[Follower]
) -> None:
    first = publish(elsewhere, workshop, 1)
    here.store.put("news/000000000001.json", b"{")
    here.refresh()
    second = publish(elsewhere, workshop, 2)
    here.refresh()
    assert (ids(here), len(fills)) == (sorted([first, second]), 1)


def test_a_rebuild_passes_over_broken_news(here: Catalog, workshop: Path) -> None:
    published = [publish(here, workshop, number) for number in (1, 2, 3)]
    for number in (1, 3):
        here.store.put(f"news/{number:012d}.json", b"{")
    here.store.delete("catalog/shaking/2024-03.json")
    assert here.rebuild() == 3
    assert here.store.exists("catalog/shaking/2024-03.json")
    assert [entry.id for entry in news.after(here.store, 3)] == [published[0], published[2]]
    here.rebuild()
    assert news.head(here.store) == 5


def test_an_item_that_only_the_index_refuses_is_not_taken_in_again(
    here: Catalog, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = publish(here, workshop, 1)
    here.store.put(item_key(id), to_bytes({**here.get(id), "geometry": {"type": "Polygon", "coordinates": "x"}}))
    here.rebuild()
    here.refresh()
    assert list(here.index.unreadable()) == [item_key(id)]
    monkeypatch.setattr(index_follow, "_LOOK_AGAIN_S", -1.0)
    monkeypatch.setattr(here.index, "follow", lambda *given, **options: pytest.fail("the pen was taken"))
    assert here.refresh() == 0
