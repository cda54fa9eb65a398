"""The shelf of messages: complete whatever happened, one bad file harms no other."""

import logging
from dataclasses import replace
from datetime import timedelta
from time import process_time

import pytest
from fastapi.testclient import TestClient

from pipeline.alerts import cap
from pipeline.errors import StoreError
from pipeline.service import alerts
from pipeline.service.alerts.find import Wanted, find
from pipeline.service.alerts.shelf import Shelf
from tests.alerts.samples import NOW as SENT
from tests.alerts.samples import area
from tests.service.events.serving import NOW, door_of, parts, warned


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path)


@pytest.fixture
def store(door):
    return door.work.store


@pytest.fixture
def shelf(door):
    return alerts.shelf_of(door)


def ids(shelf):
    shelf.refresh()
    return [message.identifier for message in find(shelf, Wanted(), NOW, limit=1000)[0]]


def active(shelf):
    shelf.refresh()
    return [message.identifier for message in find(shelf, Wanted(active=True), NOW, limit=1000)[0]]


def written(store, message, **changes):
    """Store a message made by hand."""
    made = replace(message, **changes)
    store.put(f"alerts/{made.sent:%Y}/{made.identifier}.xml", cap.build(made))
    return made


def test_after_the_log_was_set_back_the_next_listing_follows_it_again(shelf, store):
    for number in range(3):
        warned(store, number)
    assert len(ids(shelf)) == 3
    for number in (2, 3):
        store.delete(f"news/{number:012d}.json")
    shelf.problems()
    assert warned(store, 4).identifier in ids(shelf)


def test_a_log_that_was_set_back_and_has_grown_again_hides_no_message(shelf, store):
    for number in range(3):
        warned(store, number)
    assert len(ids(shelf)) == 3
    for number in (3, 2):
        store.delete(f"news/{number:012d}.json")
    assert warned(store, 4).identifier in ids(shelf)
    assert warned(store, 5).identifier in ids(shelf)


def test_a_gap_in_the_news_hides_no_message_and_is_passed_once(shelf, store, monkeypatch):
    first = warned(store, 1)
    assert ids(shelf) == [first.identifier]
    refs = [warned(store, number) for number in range(2, 6)]
    store.delete("news/000000000003.json")
    assert set(ids(shelf)) == {first.identifier, *(ref.identifier for ref in refs)}
    monkeypatch.setattr(Shelf, "_list", lambda self, past=0: pytest.fail("listed again"))
    assert warned(store, 6).identifier in ids(shelf)


def test_a_message_is_there_as_soon_as_it_is_told_of(shelf, store):
    assert ids(shelf) == []
    first = warned(store, 1)
    assert ids(shelf) == [first.identifier]
    second = warned(store, 2, now=SENT + timedelta(minutes=1))
    assert ids(shelf) == [second.identifier, first.identifier]


def test_what_was_read_is_not_read_again_after_a_restart(shelf, store, tmp_path, monkeypatch):
    refs = [warned(store, number) for number in range(3)]
    assert len(ids(shelf)) == 3
    again = Shelf(store, shelf.path)
    monkeypatch.setattr(Shelf, "_read", lambda self, key: pytest.fail(f"{key} was read again"))
    assert set(ids(again)) == {ref.identifier for ref in refs}


def test_a_lost_shelf_is_rebuilt_from_the_files(shelf, store):
    refs = [warned(store, number) for number in range(3)]
    for again in (shelf, Shelf(store, shelf.path)):
        ids(again)
        for path in shelf.path.parent.glob("alerts.sqlite*"):
            path.unlink()
        assert set(ids(again)) == {ref.identifier for ref in refs}


def test_what_is_read_so_far_never_looks_like_all(door, shelf, store, monkeypatch):
    monkeypatch.setattr("pipeline.service.alerts.shelf._WAIT_S", 0.05)
    client = TestClient(parts(door), base_url="http://localhost")
    with shelf._mine():
        answers = [client.get(path).status_code for path in ("/features/collections/alerts/items", "/alerts/atom.xml")]
    assert answers == [503, 503]
    assert client.get("/alerts/atom.xml").status_code == 200


def test_two_processes_share_one_shelf(shelf, store):
    other = Shelf(store, shelf.path)
    assert ids(shelf) == ids(other) == []
    ref = warned(store, 1)
    assert ids(shelf) == [ref.identifier]
    assert ids(other) == [ref.identifier]


def test_messages_that_vanished_from_the_store_vanish_from_the_shelf(shelf, store):
    ref = warned(store, 1)
    ids(shelf)
    store.delete(ref.key)
    assert ids(Shelf(store, shelf.path)) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not XML"),
        (b"<alert", "not XML"),
        (b"<html/>", "found root"),
        (b'<!DOCTYPE alert [<!ENTITY a "b">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "DTD"),
        (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "has no identifier"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_harms_no_other(door, shelf, store, caplog, data, says):
    ref = warned(store, 1)
    store.put("alerts/2024/bad.xml", data)
    with caplog.at_level(logging.ERROR):
        assert ids(shelf) == [ref.identifier]
    (problem,) = alerts.problems(door)
    assert problem.key == "alerts/2024/bad.xml"
    assert says in problem.problem
    assert "alerts/2024/bad.xml" in caplog.text


def test_a_file_that_was_mended_is_no_problem_any_more(door, shelf, store):
    ref = warned(store, 1)
    data = store.get(ref.key)
    store.put(ref.key, data[:100])
    assert [problem.key for problem in alerts.problems(door)] == [ref.key]
    store.put(ref.key, data)
    assert alerts.problems(door) == []
    assert ids(shelf) == [ref.identifier]


def test_a_file_under_another_name_than_its_message_is_left_out(door, shelf, store):
    ref = warned(store, 1)
    store.put("alerts/2024/copy.xml", store.get(ref.key))
    store.put(f"alerts/2023/{ref.identifier}.xml", store.get(ref.key))
    assert ids(shelf) == [ref.identifier]
    assert len(alerts.problems(door)) == 2


def test_a_service_that_stops_does_not_read_on_but_keeps_what_it_has(shelf, store, monkeypatch):
    refs = [warned(store, number) for number in range(4)]
    monkeypatch.setattr("pipeline.service.alerts.shelf._BATCH", 1)
    read = Shelf._read

    def read_and_stop(self, key):
        self._stopping.set()
        return read(self, key)

    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr(Shelf, "_read", read_and_stop)
        shelf.refresh()
    assert len(find(shelf, Wanted(), NOW, limit=10)[0]) == 1
    with shelf.stopping():
        pass
    assert set(ids(shelf)) == {ref.identifier for ref in refs}


# What stands


def test_an_update_before_its_alert_is_read_supersedes_it(shelf, store):
    alert = warned(store, 1, area(level="moderate"))
    update = warned(store, 1, area(level="severe"), revision=1, product="flood_extent-b", now=SENT + timedelta(minutes=5))
    data = store.get(alert.key)
    store.delete(alert.key)
    assert active(shelf) == [update.identifier]
    store.put(alert.key, data)
    assert active(Shelf(store, shelf.path)) == [update.identifier]


def test_a_cancel_leaves_nothing_standing(shelf, store):
    alert = warned(store, 1)
    parsed = cap.parse(store.get(alert.key))
    written(
        store,
        parsed,
        identifier="cancel",
        msg_type="Cancel",
        sent=parsed.sent + timedelta(minutes=1),
        references=((parsed.sender, parsed.identifier, parsed.sent),),
    )
    assert active(shelf) == []
    assert len(ids(shelf)) == 2


def test_no_drill_ends_a_warning(shelf, store):
    alert = warned(store, 1)
    parsed = cap.parse(store.get(alert.key))
    written(
        store,
        parsed,
        identifier="other",
        msg_type="Cancel",
        sent=parsed.sent + timedelta(minutes=1),
        references=((parsed.sender, parsed.identifier, parsed.sent),),
        status="Exercise",
        note="a drill",
    )
    assert active(shelf) == [alert.identifier]


def test_a_warning_stands_until_the_moment_it_expires(shelf, store):
    ref = warned(store, 1, lifetime=timedelta(hours=1))
    shelf.refresh()
    for moment, stands in ((timedelta(minutes=59), [ref.identifier]), (timedelta(hours=1), [])):
        found, _ = find(shelf, Wanted(active=True), SENT + moment, limit=10)
        assert [message.identifier for message in found] == stands


def test_ten_thousand_messages_cost_little_per_request(shelf, store):
    """Filled by SQL: what is measured is the question, not the reading."""
    warned(store, 1)
    shelf.refresh()
    with shelf.open() as connection:
        connection.execute("BEGIN")
        for number in range(10_000):
            connection.execute(
                "INSERT INTO messages (key, sha256, sender, identifier, sent, begins, expires, status, closes, severity,"
                " hazard, incident, body, geometry, shape) SELECT key || ?1, sha256, sender, identifier || ?1, sent, begins,"
                " expires, status, closes, severity, hazard, incident, body, geometry, shape FROM messages WHERE number = 1",
                (f"-{number}",),
            )
            connection.execute(
                "INSERT INTO outlines SELECT last_insert_rowid(), west, east, south, north FROM outlines WHERE number = 1"
            )
        connection.execute("COMMIT")
    took = []
    for _ in range(3):
        began = process_time()
        shelf.refresh()
        found, count = find(shelf, Wanted(active=True, boxes=((50.2, 48.2, 50.4, 48.4),)), NOW, limit=100)
        took.append(process_time() - began)
    assert (len(found), count) == (100, 10_001)
    assert min(took) < 0.5, f"{took} s of one core"
