"""The log of what became public: one order, no gaps, every entry once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import news
from pipeline.news import Entry
from pipeline.store import Store

AT = datetime(2024, 1, 22, 18, 9, tzinfo=UTC)
ENTRY = Entry("item", "published", "shaking-a", "shaking", AT, "catalog/shaking/shaking-a/shaking-a.json", "s1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def entries(count: int) -> list[Entry]:
    return [replace(ENTRY, id=f"item-{number}") for number in range(count)]


def test_entries_come_back_in_the_order_they_were_told(store: Store) -> None:
    numbers = [news.tell(store, entry) for entry in entries(5)]
    assert numbers == [1, 2, 3, 4, 5]
    assert [found.id for found in news.after(store, 0)] == [entry.id for entry in entries(5)]
    assert [found.number for found in news.after(store, 3)] == [4, 5]
    assert [found.number for found in news.after(store, 1, limit=2)] == [2, 3]


def test_the_same_entry_is_told_once(store: Store) -> None:
    first = news.tell(store, ENTRY)
    for other in entries(3):
        news.tell(store, other)
    assert news.tell(store, ENTRY) == first
    assert news.head(store) == 4


def test_the_same_thing_in_another_state_is_told_anew(store: Store) -> None:
    assert news.tell(store, ENTRY) == 1
    assert news.tell(store, replace(ENTRY, what="superseded", state="s2")) == 2


def test_a_writer_killed_after_its_entry_finds_it_again(store: Store) -> None:
    news.tell(store, entries(1)[0])
    news.tell(store, ENTRY)
    mark = next(key for key in store.list("news/told") if "shaking-a" in key)
    store.put(mark, b'{"after": 0}')
    assert news.tell(store, ENTRY) == 2
    assert news.head(store) == 2


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 31])
def test_the_head_is_found_without_listing(store: Store, count: int) -> None:
    for entry in entries(count):
        news.tell(store, entry)
    assert news.head(store) == count
    assert news.head(store, known=count // 2) == count


def test_writers_at_once_leave_no_gap_and_no_entry_twice(store: Store) -> None:
    everything = entries(40) * 3
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda entry: news.tell(store, entry), everything))
    told = list(news.after(store, 0))
    assert [entry.number for entry in told] == list(range(1, 41))
    assert {entry.id for entry in told} == {entry.id for entry in entries(40)}


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b"3", b"{}", b"[" * 100_000, b'{"kind": "war"}'])
def test_an_entry_that_is_none_is_named_and_nobody_goes_past_it(store: Store, data: bytes) -> None:
    for entry in entries(4):
        news.tell(store, entry)
    good = store.get("news/000000000003.json")
    store.put("news/000000000003.json", data)
    assert [entry.number for entry in news.after(store, 0)] == [1, 2]
    with pytest.raises(news.EntryBroken, match=r"news/000000000003\.json: expected an entry of the news"):
        list(news.after(store, 2))
    store.put("news/000000000003.json", good)
    assert [entry.number for entry in news.after(store, 2)] == [3, 4]


def test_an_entry_that_cannot_be_read_keeps_nobody_from_telling(store: Store) -> None:
    first, second = entries(2)
    news.tell(store, first)
    mark = next(store.list("news/told"))
    store.put("news/000000000001.json", b"[]")
    store.put(mark, b"{}")
    assert news.tell(store, second) == 2
    assert news.tell(store, first) == 3


@pytest.mark.parametrize(("gone", "head"), [((3,), 0), ((3,), 4), ((2, 3), 4)])
def test_a_gap_is_an_entry_that_cannot_be_read_and_not_the_end(store: Store, gone: tuple[int, ...], head: int) -> None:
    for entry in entries(4):
        news.tell(store, entry)
    for number in gone:
        store.delete(f"news/{number:012d}.json")
    first = gone[0]
    assert [entry.number for entry in news.after(store, 0, head=head)] == list(range(1, first))
    with pytest.raises(news.EntryBroken, match=f"news/{first:012d}.json: found no entry") as caught:
        list(news.after(store, first - 1, head=head))
    assert caught.value.number == first
    assert list(news.after(store, 4)) == list(news.after(store, 6)) == []


@pytest.mark.parametrize("gone", [(1,), (2,), (3,), (6,), (2, 4, 6)])
def test_a_number_that_is_missing_is_not_given_anew(store: Store, gone: tuple[int, ...]) -> None:
    for entry in entries(7):
        news.tell(store, entry)
    for number in gone:
        store.delete(f"news/{number:012d}.json")
    assert news.head(store) == 7
    assert news.tell(store, replace(ENTRY, id="new")) == 8


def test_an_entry_told_while_it_was_looked_for_is_no_gap(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = Store.exists

    def told_meanwhile(self: Store, key: str) -> bool:
        monkeypatch.undo()
        for entry in entries(2):
            news.tell(self, entry)
        return exists(self, key)

    monkeypatch.setattr(Store, "exists", told_meanwhile)
    assert [entry.number for entry in news.after(store, 0)] == [1, 2]


def test_a_mark_stands_as_far_as_either_can_be_read(store: Store) -> None:
    for entry in entries(2):
        news.tell(store, entry)
    mark = news.mark_at(store, 2)
    assert news.stands(store, 0, "")
    assert news.stands(store, 2, mark)
    assert news.stands(store, 2, news.BROKEN)
    assert not news.stands(store, 2, "another")
    assert not news.stands(store, 3, mark)
    assert not news.stands(store, 3, news.BROKEN)
    store.put("news/000000000002.json", b"{")
    assert news.stands(store, 2, mark)
