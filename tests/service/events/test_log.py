"""The log of news by polling and as a stream: complete, in order, each entry once."""

import asyncio
import json
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, takewhile
from time import monotonic

import httpx
import pytest
from fastapi.testclient import TestClient

from pipeline import news
from pipeline.errors import StoreError
from pipeline.news import Entry
from pipeline.service.app import application
from pipeline.service.events import stream
from pipeline.service.events.sent import Teller, to_text
from pipeline.service.events.watcher import Watcher
from tests.alerts.samples import NOW
from tests.service.events.client import Client
from tests.service.events.receiver import until
from tests.service.events.serving import door_of, parts, serving, warned
from tests.service.homes import Publisher

GONE = Entry("item", "published", "shaking-x", "shaking", NOW, "catalog/shaking/shaking-x/shaking-x.json", "s")


def tell(store, count, start=0, **changes):
    """Write entries of Items that cannot be found any more: the log is what is tested."""
    for number in range(start, start + count):
        news.tell(store, replace(GONE, id=f"shaking-{number}", **changes))


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path)


@pytest.fixture
def store(door):
    return door.work.store


@pytest.fixture
def client(door):
    return TestClient(parts(door), base_url="http://localhost")


# Polling


def test_pages_of_news_follow_one_another(client, store):
    tell(store, 5)
    first = client.get("/news?limit=2").json()
    assert [entry["number"] for entry in first["entries"]] == [1, 2]
    assert (first["after"], first["head"]) == (2, 5)
    rest = client.get(first["links"][0]["href"]).json()
    assert [entry["number"] for entry in rest["entries"]] == [3, 4]
    assert client.get("/news?after=5").json()["entries"] == []


def test_what_is_not_wanted_is_passed_over_but_counted(client, store):
    tell(store, 3)
    tell(store, 2, start=3, hazard="flood_extent")
    page = client.get("/news?hazard=flood_extent&limit=4").json()
    assert ([entry["number"] for entry in page["entries"]], page["after"]) == ([4], 4)
    assert "hazard=flood_extent" in page["links"][0]["href"]
    assert client.get("/news?kind=alert").json()["entries"] == []


def test_a_number_beyond_the_log_is_a_conflict(client, store):
    tell(store, 2)
    answer = client.get("/news?after=3")
    assert answer.status_code == 409
    assert "from 0" in answer.json()["description"]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "kind=war", "after=10000000000000", "since=1"])
def test_a_question_that_cannot_be_understood_is_refused(client, query):
    assert client.get(f"/news?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/news?hazard=shaking&hazard=earthqake", "/events?hazard=earthqake", "/events?hazard="])
def test_what_is_no_hazard_is_refused_by_name(client, path):
    with client:
        answer = client.get(path)
    assert answer.status_code == 400
    assert f"found hazard {path.rsplit('=', 1)[1]!r}, expected one of [" in answer.json()["description"]


def test_a_hazard_that_was_published_is_one_though_it_is_configured_no_more(door, client, store, tmp_path):
    Publisher(door.work.catalog, tmp_path / "made").publish(hazard="tsunami")
    warned(store, 1, product="avalanche-scene-1")
    assert [entry["hazard"] for entry in client.get("/news?hazard=tsunami").json()["entries"]] == ["tsunami"]
    assert client.get("/news?hazard=avalanche").status_code == 200
    assert client.get("/features/collections/alerts/items?hazard=avalanche").json()["numberMatched"] == 1
    assert client.get("/features/collections/alerts/items?hazard=tsunami").json()["numberMatched"] == 0


def test_an_alert_is_told_with_its_headlines(client, store):
    ref = warned(store, 1, status="Exercise", drill="a drill")
    (entry,) = client.get("/news").json()["entries"]
    assert (entry["kind"], entry["what"], entry["id"]) == ("alert", "sent", ref.identifier)
    assert entry["href"] == f"http://localhost/{ref.key}"
    assert client.get(entry["href"]).content == store.get(ref.key)
    assert (entry["exercise"], entry["synthetic"], entry["status"]) == (True, False, "Exercise")
    assert set(entry["headlines"]) == {"kk", "ru", "en"}
    assert entry["bbox"] == [50.0, 48.0, 51.0, 49.0]


def test_an_item_is_told_with_its_title_and_address(door, tmp_path):
    client = TestClient(application(door), base_url="http://localhost")
    item = Publisher(door.work.catalog, tmp_path / "made").publish()
    entry = client.get("/news").json()["entries"][0]
    assert (entry["kind"], entry["what"], entry["id"]) == ("item", "published", item["id"])
    assert entry["title"] == item["properties"]["title"]
    assert (entry["exercise"], entry["synthetic"]) == (True, True)
    assert client.get(entry["href"]).json()["id"] == item["id"]


def test_what_was_taken_away_is_told_all_the_same(client, store):
    tell(store, 1)
    (entry,) = client.get("/news").json()["entries"]
    assert (entry["number"], entry["title"]) == (1, None)


def test_text_of_every_kind_stays_on_one_line():
    line = to_text({"title": "a\u2028b\u0085c\nd\re"})
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["title"] == "a\u2028b\u0085c\nd\re"


def test_the_teller_forgets_what_is_long_ago(store, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.sent._MOST", 10)
    tell(store, 30)
    teller = Teller(store)
    for entry in news.after(store, 0):
        teller.tell(entry, "")
    assert len(teller._told) == 10


def test_what_happened_is_told_alike_for_ever_and_how_it_stands_is_read_anew(door, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.sent.FRESH_S", 0.0)
    catalog, store = door.work.catalog, door.work.store
    Publisher(catalog, tmp_path / "made").publish(**{"hazmon:lineage": "event:x"})
    teller = Teller(store)
    (entry,) = news.after(store, 0)
    assert [teller.tell(entry, "")[name] for name in ("what", "standing")] == ["published", "published"]
    catalog.withdraw("event:x", now=NOW, reason="wrong")
    for each in (teller, Teller(store)):
        assert [each.tell(entry, "")[name] for name in ("what", "standing")] == ["published", "withdrawn"]


def test_the_last_word_on_a_withdrawn_product_is_that_it_is_withdrawn_though_told_out_of_order(door, tmp_path):
    catalog, store = door.work.catalog, door.work.store
    Publisher(catalog, tmp_path / "made").publish(**{"hazmon:lineage": "event:x"})
    catalog.withdraw("event:x", now=NOW, reason="wrong")
    published, _ = news.after(store, 0)
    # As a writer does that was overtaken between its Item and its entry.
    news.tell(store, replace(published, state="written late"))
    teller = Teller(store)
    told = [teller.tell(entry, "") for entry in news.after(store, 0)]
    assert [entry["what"] for entry in told] == ["published", "withdrawn", "published"]
    assert told[-1]["standing"] == "withdrawn"


class Slow:
    """A store whose files take a while, and that counts how often they are read, and how many at once."""

    def __init__(self, store):
        self.store, self.reads, self.now, self.most = store, 0, 0, 0
        self.lock, self.go = threading.Lock(), threading.Event()

    def get(self, key):
        with self.lock:
            self.reads, self.now = self.reads + 1, self.now + 1
            self.most = max(self.most, self.now)
        self.go.wait(0.2)
        with self.lock:
            self.now -= 1
        return self.store.get(key)


def test_all_that_tell_an_entry_at_once_share_one_reading(store):
    tell(store, 1)
    slow, (entry,) = Slow(store), news.after(store, 0)
    teller = Teller(slow)
    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(lambda _: teller.tell(entry, "")["number"], range(20)))
    assert (told, slow.reads) == ([1] * 20, 1)


def test_a_page_reads_an_item_once_and_several_at_a_time(store):
    for number in range(40):
        news.tell(store, replace(GONE, state=str(number), key=f"catalog/{number % 4}"))
    slow, entries = Slow(store), list(news.after(store, 0))
    teller = Teller(slow)
    assert [each["number"] for each in teller.page(entries, "")] == list(range(1, 41))
    assert (slow.reads, slow.most > 1) == (4, True)


def test_what_cannot_be_reached_is_read_anew(store, monkeypatch):
    tell(store, 1)
    (entry,), teller = news.after(store, 0), Teller(store)
    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr(type(store), "get", lambda self, key: (_ for _ in ()).throw(StoreError("away")))
        teller.tell(entry, "")
    assert teller.tell(entry, "")["number"] == 1


@pytest.mark.parametrize(
    "data", [b"[]", b"{", b"{}", b'{"properties": {}}', b'{"bbox": [NaN], "properties": {"deprecated": false}}']
)
def test_an_item_that_cannot_be_read_is_told_as_unknown(client, store, data):
    tell(store, 1)
    store.put("catalog/shaking/shaking-x/shaking-x.json", data)
    (entry,) = client.get("/news").json()["entries"]
    assert (entry["what"], entry["standing"], entry["title"]) == ("published", None, None)


# Streams


def test_a_stream_replays_and_goes_on_without_a_seam(door, store):
    tell(store, 250)
    with serving(door) as address:
        events = Client(address).read("?after=0")
        replayed = list(islice(events, 250))
        tell(store, 3, start=250)
        live = list(islice(events, 3))
    assert [int(event.id) for event in replayed + live] == list(range(1, 254))
    assert {event.name for event in live} == {"item"}
    assert [json.loads(event.data)["number"] for event in live] == [251, 252, 253]


def test_news_reach_an_open_stream_within_a_second(door, store):
    took = []
    with serving(door) as address:
        client = Client(address)
        events = client.read()
        threading.Timer(0.2, tell, (store, 1)).start()
        next(events)
        for number in range(1, 6):
            began = monotonic()
            tell(store, 1, start=number)
            next(events)
            took.append(monotonic() - began)
    assert max(took) < 1.0, took
    assert client.retry == stream.RETRY_MS


def test_without_a_number_a_stream_begins_now(door, store):
    tell(store, 5)
    with serving(door) as address:
        events = Client(address).read()
        threading.Timer(0.3, tell, (store, 1, 5)).start()
        assert next(events).id == "6"


def test_a_client_whose_line_breaks_before_its_first_event_misses_none(door, store):
    tell(store, 5)
    with serving(door) as address:
        with httpx.stream("GET", f"{address}/events", trust_env=False) as response:
            first = dict(line.split(": ") for line in takewhile(bool, response.iter_lines()))
        tell(store, 1, start=5)
        assert first["id"] == "5"
        assert next(Client(address, last=first["id"]).read()).id == "6"


def test_a_header_is_stronger_than_the_query(door, store):
    tell(store, 5)
    with serving(door) as address:
        assert next(Client(address, last="3").read("?after=0")).id == "4"


def test_a_stream_of_one_hazard_tells_its_place_with_every_sign_of_life(door, store, monkeypatch):
    monkeypatch.setattr(stream, "BEAT_S", 0.2)
    tell(store, 3)
    tell(store, 1, start=3, hazard="flood_extent")
    tell(store, 4, start=4)
    with serving(door) as address:
        client = Client(address)
        events = client.read("?after=0&hazard=flood_extent&kind=item")
        assert next(events).id == "4"
        threading.Timer(1.0, tell, (store, 1, 8), {"hazard": "flood_extent"}).start()
        assert next(events).id == "9"
    assert "still here" in client.comments


def test_a_quiet_stream_gives_signs_of_life(door, store, monkeypatch):
    monkeypatch.setattr(stream, "BEAT_S", 0.1)
    with serving(door) as address:
        client = Client(address)
        threading.Timer(0.8, tell, (store, 1)).start()
        next(client.read())
    assert len(client.comments) >= 3


def test_a_client_from_before_the_log_was_set_back_is_told_so(door, store):
    tell(store, 3)
    with serving(door) as address:
        events = Client(address, last="50").read()
        reset = next(events)
        assert (reset.name, reset.id, json.loads(reset.data)) == ("reset", "3", {"found": 50, "head": 3})
        tell(store, 1, start=3)
        assert next(events).id == "4"


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 13])
def test_an_id_that_is_none_is_refused(client, last):
    with client:
        assert client.get("/events", headers={"Last-Event-ID": last}).status_code == 400


def test_more_streams_than_are_kept_open_are_told_to_come_again(tmp_path, store):
    door = door_of(tmp_path, limits={"streams": 2})
    tell(store, 1)
    with serving(door) as address:
        open_streams = [Client(address).read("?after=0") for _ in range(2)]
        for events in open_streams:
            next(events)
        refused = httpx.get(f"{address}/events")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        open_streams.pop().close()
        deadline = monotonic() + 10
        while httpx.get(f"{address}/events?after=x").status_code != 400:
            assert monotonic() < deadline
        tell(store, 1, start=1)
        assert next(open_streams[0]).id == "2"
        found = None
        while found is None and monotonic() < deadline:
            try:
                found = next(Client(address).read("?after=0"))
            except AssertionError:
                continue
        assert found is not None


def test_a_service_that_stops_ends_its_streams_at_once(door, store):
    tell(store, 1)
    with serving(door) as address:
        streams = [Client(address).read("?after=0") for _ in range(5)]
        for events in streams:
            next(events)
        began = monotonic()
    assert monotonic() - began < 5
    for events in streams:
        assert list(events) == []


def test_a_client_that_does_not_read_is_dropped(door, store, monkeypatch):
    monkeypatch.setattr(stream, "PATIENCE_S", 0.5)
    for number in range(2000):
        news.tell(store, replace(GONE, id=f"shaking-{'x' * 2000}-{number}"))
    with serving(door) as address:
        port = int(address.rsplit(":", 1)[1])
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect(("127.0.0.1", port))
            lazy.sendall(b"GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            deadline = monotonic() + 20
            while b"hazmon_streams_open 0" not in _metrics(address, started := monotonic()):
                assert started < deadline


def _metrics(address, _):
    return httpx.get(f"{address}/metrics").content.replace(b"hazmon_streams_open 0.0", b"hazmon_streams_open 0")


def test_a_client_that_disconnects_at_random_gets_every_event_once(door, store):
    chance = random.Random(4)
    count = 400
    teller = threading.Thread(target=tell, args=(store, count))
    seen = []
    with serving(door) as address:
        client = Client(address, last="0")
        teller.start()
        while len(seen) < count:
            events = client.read()
            for event in islice(events, min(chance.choice((0, 1, 1, 1, 2, 3)), count - len(seen))):
                seen.append(int(event.id))
            events.close()
        teller.join()
    assert seen == list(range(1, count + 1))
    assert client.connections > 200


def test_a_store_that_was_set_back_while_the_service_runs_is_noticed(door, store, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.watcher._LOOKS_BETWEEN_CHECKS", 2)
    tell(store, 10)
    with serving(door) as address:
        events = Client(address).read("?after=9")
        assert next(events).id == "10"
        for number in range(10, 5, -1):
            store.delete(f"news/{number:012d}.json")
        reset = next(events)
        assert (reset.name, json.loads(reset.data)["found"]) == ("reset", 10)
        # The first look may have come between two deletions.
        until(lambda: httpx.get(f"{address}/news?after=6").status_code == 409)
        assert httpx.get(f"{address}/news?after=5").json()["head"] == 5


async def _all_blocks(events):
    return [block async for block in events.blocks()]


def _opened(watcher, store, place):
    return stream.EventStream(watcher, Teller(store), stream.Choice(), place=place, base="")


def test_a_stream_that_is_behind_when_the_log_is_set_back_is_told_so_at_once(store):
    tell(store, 6)

    async def told():
        watcher = Watcher(store)
        await watcher.start()
        watcher._recent.clear()
        for number in range(6, 2, -1):
            store.delete(f"news/{number:012d}.json")
        blocks = _opened(watcher, store, 4).blocks()
        await anext(blocks)
        return await anext(blocks), watcher.trouble

    block, trouble = asyncio.run(told())
    assert b'"found": 4, "head": 2' in block
    assert trouble is None


# What cannot be read


def spoilt(store, number):
    """Spoil an entry; return its bytes."""
    key = f"news/{number:012d}.json"
    good = store.get(key)
    store.put(key, b"[]")
    return key, good


def test_an_entry_that_cannot_be_read_is_stopped_at_by_name(client, store):
    tell(store, 3)
    key, good = spoilt(store, 2)
    page = client.get("/news").json()
    assert ([entry["number"] for entry in page["entries"]], page["after"], page["head"]) == ([1], 1, 3)
    answer = client.get("/news?after=1")
    assert (answer.status_code, key in answer.json()["description"]) == (503, True)
    with client:
        refused = client.get("/events?after=1")
    assert (refused.status_code, key in refused.json()["description"]) == (503, True)
    store.put(key, good)
    assert [entry["number"] for entry in client.get("/news?after=1").json()["entries"]] == [2, 3]


def test_a_gap_ends_a_stream_by_name(store):
    tell(store, 6)

    async def ended():
        watcher = Watcher(store)
        await watcher.start()
        watcher._recent.clear()
        store.delete("news/000000000004.json")
        blocks = await asyncio.wait_for(_all_blocks(_opened(watcher, store, 2)), 60)
        return blocks, watcher.trouble

    blocks, trouble = asyncio.run(ended())
    assert [b"id: 3" in block for block in blocks] == [False, True]
    assert "news/000000000004.json: found no entry" in trouble


def test_a_gap_is_no_log_that_was_set_back(client, store):
    tell(store, 4)
    store.delete("news/000000000003.json")
    answer = client.get("/news?after=2")
    assert (answer.status_code, "news/000000000003.json" in answer.json()["description"]) == (503, True)
    assert client.get("/news?after=4").json()["head"] == 4


def _check_of_news(client):
    return next((check for check in client.get("/health").json()["checks"] if check["name"] == "news"), None)


def missing(count):
    """Return what deletes so many entries from a number on."""
    return lambda store, first: [store.delete(f"news/{number:012d}.json") for number in range(first, first + count)]


@pytest.mark.parametrize("spoil", [spoilt, missing(1), missing(2)], ids=["spoilt", "one gone", "two gone"])
def test_an_entry_that_could_not_be_read_is_not_forgotten_at_a_restart(client, store, spoil):
    tell(store, 7)
    spoil(store, 4)
    with client:
        assert "news/000000000004.json" in _check_of_news(client)["detail"]
        for query in ("", "?after=3", "?after=6"):
            answer = client.get(f"/events{query}")
            assert (answer.status_code, "news/000000000004.json" in answer.json()["description"]) == (503, True)


def test_an_entry_that_is_found_broken_behind_the_head_is_told_by_the_health_until_it_is_mended(client, store, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.watcher._LOOKS_BETWEEN_CHECKS", 1)
    monkeypatch.setattr("pipeline.service.status.board.FRESH", 0.0)
    tell(store, 6)
    with client:
        key, good = spoilt(store, 4)
        assert client.get("/news?after=3").status_code == 503
        until(lambda: (check := _check_of_news(client)) and key in check["detail"])
        store.put(key, good)
        until(lambda: _check_of_news(client) is None)


def test_messages_are_found_past_an_entry_that_cannot_be_read(client, store):
    assert client.get("/features/collections/alerts/items").json()["features"] == []
    tell(store, 1)
    spoilt(store, 1)
    ref = warned(store, 1)
    found = client.get("/features/collections/alerts/items").json()["features"]
    assert [feature["id"] for feature in found] == [ref.identifier]


def test_streams_end_before_an_entry_that_cannot_be_read_and_go_on_once_it_is_mended(door, store, caplog):
    tell(store, 1)
    with serving(door) as address:
        events = Client(address).read("?after=0")
        assert next(events).id == "1"
        store.put("news/000000000002.json", b"[]")
        assert list(events) == []
        checks = httpx.get(f"{address}/health").json()["checks"]
        (check,) = [check for check in checks if check["name"] == "news"]
        assert (check["good"], "news/000000000002.json" in check["detail"]) == (False, True)
        assert httpx.get(f"{address}/health/ready").status_code == 200
        store.delete("news/000000000002.json")
        tell(store, 1, start=1)
        until(lambda: httpx.get(f"{address}/events?after=x&kind=item").status_code == 400)
        assert next(until(lambda: _stream(address))).id == "2"
    assert "news/000000000002.json" in caplog.text


def _stream(address):
    try:
        return iter([next(Client(address, last="1").read())])
    except AssertionError:
        return None


@pytest.mark.parametrize("name", ["news", "webhooks"])
def test_no_work_in_the_background_ends_unsaid(door, store, caplog, monkeypatch, name):
    broken = {
        "news": "pipeline.service.events.watcher.Watcher.look",
        "webhooks": "pipeline.service.events.deliver.Courier._look",
    }

    async def fails(self):
        raise RuntimeError("nobody foresaw this")

    with serving(door) as address:
        assert httpx.get(f"{address}/health/ready").status_code == 200
    monkeypatch.setattr(broken[name], fails)
    with serving(door) as address:
        answer = until(lambda: (found := httpx.get(f"{address}/health/ready")).status_code == 503 and found)
        health = httpx.get(f"{address}/health")
    (check,) = [check for check in answer.json()["checks"] if not check["good"]]
    assert (check["name"], name in check["detail"]) == ("background", True)
    assert (health.status_code, health.json()["state"]) == (503, "failing")
    assert "nobody foresaw this" in caplog.text


def test_a_log_that_was_set_back_and_has_grown_again_is_noticed(door, store, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.watcher._LOOKS_BETWEEN_CHECKS", 2)
    tell(store, 6)
    with serving(door) as address:
        events = Client(address).read("?after=5")
        assert next(events).id == "6"
        for number in (6, 5):
            store.delete(f"news/{number:012d}.json")
        tell(store, 2, start=20)
        reset = next(events)
        # The first look may have come before all were told anew.
        assert (reset.name, json.loads(reset.data)["found"]) == ("reset", 6)
        told = httpx.get(f"{address}/news?after=4").json()["entries"]
    assert [entry["id"] for entry in told] == ["shaking-20", "shaking-21"]
