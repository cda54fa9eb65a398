import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import Busy, KeyMissing, StoreError
from pipeline.model import Window
from pipeline.products.index import Index, Reached

DAY = datetime(2024, 4, 5, tzinfo=UTC)


def item(id: str, **changes: Any) -> dict[str, Any]:
    properties = {
        "datetime": "2024-04-05T00:00:00Z",
        "hazmon:subject": "event:eq1:1:20240405T000000Z",
        "hazmon:lineage": "event:eq1",
        "hazmon:revision": 1,
        "created": "2024-04-05T01:00:00Z",
        "deprecated": False,
    }
    bbox = changes.pop("bbox", [76.0, 40.0, 80.0, 44.0])
    collection = changes.pop("collection", "shaking")
    return {"id": id, "collection": collection, "bbox": bbox, "properties": properties | changes}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.sqlite")


def fill(index: Index, *items: dict[str, Any]) -> None:
    for entry in items:
        index.put(entry["id"], lambda _, entry=entry: entry)


@pytest.mark.parametrize(
    ("bbox", "found"),
    [
        ((77, 41, 78, 42), ["a"]),
        ((0, 0, 10, 10), []),
        ((80, 44, 81, 45), ["a"]),
        ((170, -30, 180, -10), ["fiji"]),
        ((-180, -30, -170, -10), ["fiji"]),
        ((175, -30, -175, -10), ["fiji"]),
        ((-180, -90, 180, 90), ["a", "fiji"]),
    ],
)
def test_places_are_found_on_both_sides_of_the_antimeridian(index: Index, bbox: tuple[float, ...], found: list[str]) -> None:
    fill(index, item("a"), item("fiji", bbox=[176.6, -22.7, -177.6, -17.2]))
    assert index.search(bbox=bbox) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start_hours", "end_hours", "found"),
    [(0, 1, ["day", "moment"]), (-1, 0, []), (1, 2, ["day"]), (24, 48, []), (-9, 99, ["day", "moment"])],
)
def test_windows_are_half_open(index: Index, start_hours: int, end_hours: int, found: list[str]) -> None:
    period = {"start_datetime": "2024-04-05T00:00:00Z", "end_datetime": "2024-04-06T00:00:00Z"}
    fill(index, item("day", **period), item("moment"))
    window = Window(DAY + timedelta(hours=start_hours), DAY + timedelta(hours=end_hours))
    assert index.search(window=window) == found


def test_a_subject_is_found_by_itself_its_lineage_and_its_series_but_not_by_half_a_name(index: Index) -> None:
    fill(index, item("a"), item("b", **{"hazmon:subject": "event:eq10:1:x", "hazmon:lineage": "event:eq10"}))
    assert index.search(subject="event:eq1:1:20240405T000000Z") == ["a"]
    assert index.search(subject="event:eq1") == ["a"]
    assert index.search(subject="event") == ["a", "b"]


def test_the_newest_comes_first_and_limit_cuts(index: Index) -> None:
    fill(index, item("old"), item("new", datetime="2024-04-06T00:00:00Z"), item("newer", **{"hazmon:revision": 2}))
    assert index.search() == ["new", "newer", "old"]
    assert index.search(limit=1) == ["new"]


def test_hazard_and_standing_narrow_the_search(index: Index) -> None:
    fill(index, item("a"), item("b", collection="flood_extent"), item("c", deprecated=True))
    assert index.search(hazard="shaking", current=True) == ["a"]
    assert index.search(current=False) == ["c"]


def test_an_item_put_again_replaces_its_row(index: Index) -> None:
    fill(index, item("a"), item("a", deprecated=True, bbox=[0, 0, 1, 1]))
    assert [(row.id, row.current) for row in index.rows()] == [("a", False)]
    assert index.search(bbox=(76, 40, 80, 44)) == []


def test_many_writers_at_once_lose_nothing(index: Index) -> None:
    def write(name: str) -> None:
        fill(Index(index.path), *(item(f"{name}{number}") for number in range(10)))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index.rows()) == 40


def test_an_index_of_another_version_is_emptied(index: Index) -> None:
    fill(index, item("a"))
    with sqlite3.connect(index.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert Index(index.path).rows() == []


def test_a_file_that_is_no_index_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    text = "not a database, but a long enough text to be taken for one" * 9
    for part in ("", "-wal"):
        (tmp_path / f"index.sqlite{part}").write_text(text)
    assert Index(tmp_path / "index.sqlite").rows() == []
    assert [(tmp_path / f"index.sqlite.damaged{part}").read_text() for part in ("", "-wal")] == [text] * 2


def test_an_index_cut_short_is_set_aside_by_one_of_many_that_open_it(index: Index) -> None:
    fill(index, *(item(f"a{number}") for number in range(50)))
    with sqlite3.connect(index.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    index.path.write_bytes(index.path.read_bytes()[:5000])
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Index(index.path), range(4)))
    assert [each.rows() for each in opened] == [[]] * 4
    assert index.path.with_name("index.sqlite.damaged").stat().st_size == 5000


def test_an_index_that_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(StoreError, match="index"):
        Index(tmp_path / "index.sqlite")


def test_a_writer_that_is_not_waited_for_long_is_busy_and_readers_go_on(index: Index) -> None:
    fill(index, item("a"))
    holder = sqlite3.connect(index.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="index"):
        index.follow(["b"], item, patience_s=0.01)
    assert [row.id for row in index.rows()] == ["a"]
    holder.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"datetime": None},
        {"datetime": "yesterday"},
        {"hazmon:subject": ["a"]},
        {"hazmon:revision": "first"},
        {"bbox": [1.0]},
        {"bbox": [76.0, 44.0, 80.0, 40.0]},
        {"bbox": [float("nan")] * 4},
        {"title": "\ud800"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_no_index_can_hold_is_left_out_and_noted_until_it_can(index: Index, changes: dict[str, Any]) -> None:
    fill(index, item("a"))
    items = {"a": item("a", **changes), "b": item("b")}
    index.follow(items, items.__getitem__, reached=Reached(7, "x"))
    assert [row.id for row in index.rows()] == ["b"]
    assert list(index.unreadable()) == ["a"]
    assert index.reached == Reached(7, "x")
    index.replace(items.items(), reached=lambda: Reached(7, "x"))
    assert ([row.id for row in index.rows()], list(index.unreadable())) == (["b"], ["a"])
    index.put("a", item)
    assert index.unreadable() == {}


def test_one_that_stays_unreadable_is_logged_once(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        index.follow(["a"], lambda _: {})
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    index.follow(["a"], lambda key: (_ for _ in ()).throw(KeyMissing(key)))
    assert index.unreadable() == {}
