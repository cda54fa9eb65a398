"""Searches of the index: order, pages, places and what changes it."""

import json
import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import shapely

from pipeline.products.index import Index, Reached
from pipeline.products.index_row import boxes
from pipeline.products.index_search import NEWEST_FIRST, Key, Query, Term, in_places, spatial
from tests.products.test_index import fill, item


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.sqlite")


def ids(index: Index, query: Query) -> list[str]:
    return [json.loads(found.document)["id"] for found in index.find(query)]


def within(*bbox: float) -> Query:
    places = boxes(bbox)  # type: ignore[arg-type]
    shape = shapely.union_all([shapely.box(*place) for place in places])
    return Query(terms=[in_places(places, shape)], places=places, limit=100)


def many(count: int) -> list[dict[str, Any]]:
    """Return Items on a line of places, one a day."""
    return [
        item(f"i{number:04d}", datetime=f"20{number // 300:02d}-{number % 12 + 1:02d}-{number % 25 + 1:02d}T00:00:00Z",
             bbox=[number / 100, 0.0, number / 100 + 0.5, 1.0])
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [30, 1500])
def test_few_and_many_places_give_the_same_answer(index: Index, count: int) -> None:
    """Few are looked up in the R-tree, of many enough are met by walking through time."""
    made = many(count)
    index.replace((each["id"], each) for each in made)
    query = within(0.0, 0.0, 16.0, 1.0)
    expected = sorted(made, key=lambda each: (each["properties"]["datetime"], each["id"]), reverse=True)
    assert ids(index, query) == [each["id"] for each in expected[:100]]


@pytest.mark.parametrize("backwards", [False, True])
def test_unknown_keys_are_paged_too(index: Index, backwards: bool) -> None:
    fill(index, *(item(f"i{number}", **({"size": number} if number % 2 else {})) for number in range(9)))
    size = Key(Term("json_extract(contents.properties, ?)", ("$.size",)))
    order = [size, Key(Term("items.id"), is_known=True)]
    whole = index.find(Query(order=order))
    assert [found.keys[0] for found in whole] == [1, 3, 5, 7, None, None, None, None, None]
    for place, found in enumerate(whole):
        query = Query(order=order, beyond=found.keys, backwards=backwards)
        assert index.find(query) == (whole[:place] if backwards else whole[place + 1 :])


def test_a_footprint_is_asked_not_its_box(index: Index) -> None:
    corner = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [0, 10], [0, 0]]]}
    fill(index, item("corner", bbox=[0, 0, 10, 10]) | {"geometry": corner})
    assert ids(index, within(1, 1, 2, 2)) == ["corner"]
    assert ids(index, within(8, 8, 9, 9)) == []
    assert ids(index, Query(terms=[spatial("intersects", shapely.Point(8, 8))])) == []


def test_an_item_put_again_moves(index: Index) -> None:
    fill(index, item("a"), item("a", bbox=[0.0, 0.0, 1.0, 1.0], size=3))
    assert ids(index, within(76, 40, 80, 44)) == []
    assert ids(index, within(0, 0, 1, 1)) == ["a"]
    assert index.types("shaking")["size"] == {"integer"}


def test_a_document_comes_back_as_it_was(index: Index) -> None:
    made = item("a", title="Жер сілкінісі 地震", **{"hazmon:magnitude": 7.1})
    fill(index, made)
    found = index.document("a")
    assert found is not None and json.loads(found) == made
    assert index.document("b") is None


def test_readers_do_not_wait_for_a_writer(index: Index) -> None:
    fill(index, item("a"))
    with sqlite3.connect(index.path, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM items")
        assert ids(index, Query()) == ["a"]
        writer.execute("ROLLBACK")
    writer.close()


def test_each_thread_reads_for_itself(index: Index) -> None:
    fill(index, item("a"))
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(ids(index, Query()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["a"]] * 4


def test_a_file_put_in_place_of_the_index_is_read(index: Index, tmp_path: Path) -> None:
    fill(index, item("a"))
    assert ids(index, Query()) == ["a"]
    other = Index(tmp_path / "other.sqlite")
    fill(other, item("b"))
    with sqlite3.connect(other.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    other.path.replace(index.path)
    assert ids(index, Query()) == ["b"]


def test_an_index_goes_to_another_process(index: Index) -> None:
    fill(index, item("a"))
    assert ids(pickle.loads(pickle.dumps(index)), Query()) == ["a"]


def test_the_position_never_goes_back(index: Index) -> None:
    assert index.reached is None
    index.replace([], reached=lambda: Reached(3, "c"))
    for reached in (Reached(7, "g"), Reached(5, "e")):
        index.follow([], lambda _: {}, reached=reached)
    assert index.reached == Reached(7, "g")


def test_an_index_that_another_filled_is_left_as_it_is(index: Index) -> None:
    index.replace([("a", item("a"))])
    assert index.replace([("b", item("b"))], only_if=lambda reached: reached is None) == 1
    assert [row.id for row in index.rows()] == ["a"]


def test_the_default_order_walks_an_index(index: Index) -> None:
    """Not a promise to anyone, but without it a page of a large catalogue takes a hundred times as long."""
    fill(index, item("a"))
    first, last = NEWEST_FIRST
    with sqlite3.connect(index.path) as connection:
        order = f"ORDER BY {first.term.sql} DESC, {last.term.sql} DESC"
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT number FROM items WHERE start <= '2' {order}").fetchall()
    connection.close()
    assert "USING" in plan[0][3] and "items_by_start" in plan[0][3] and len(plan) == 1
