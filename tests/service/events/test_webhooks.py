"""Webhooks: who may subscribe to what, and that every entry arrives, in order, signed, whatever the receiver does."""

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook

from pipeline import news
from pipeline.news import Entry
from pipeline.service.app import application
from pipeline.service.events import deliver, subscriptions
from pipeline.service.events.lease import Lease
from pipeline.service.events.subscriptions import LONGEST_WAIT_S, Progress, Subscriptions
from pipeline.store import to_bytes
from tests.alerts.samples import NOW
from tests.service.events.receiver import receiving, until
from tests.service.events.serving import KEY, door_of, parts, serving, warned

GIVEN = {"Authorization": f"Bearer {KEY}"}
LOOPBACK = ("127.0.0.1",)
GONE = Entry("item", "published", "shaking-x", "shaking", NOW, "catalog/shaking/shaking-x/shaking-x.json", "s")


def tell(store, count, start=0, **changes):
    for number in range(start, start + count):
        news.tell(store, replace(GONE, id=f"shaking-{number}", **changes))


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, webhook_hosts=(*LOOPBACK, ".ministry.example"))


@pytest.fixture
def store(door):
    return door.work.store


@pytest.fixture
def client(door):
    return TestClient(parts(door), base_url="http://localhost", headers=GIVEN)


@pytest.fixture
def quick(monkeypatch):
    """Short waits: what is tested is that there are any."""
    monkeypatch.setattr(subscriptions, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(deliver, "LOOK_S", 0.05)
    monkeypatch.setattr(deliver, "ATTEMPT_S", 1.0)


def subscribe(address, url, **wanted):
    made = httpx.post(f"{address}/webhooks", json={"url": url, **wanted}, headers=GIVEN)
    assert made.status_code == 201, made.text
    return made.json()


def state(address, id):
    return httpx.get(f"{address}/webhooks/{id}", headers=GIVEN).json()


# Who may


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}, {"X-Api-Key": KEY}])
def test_without_the_key_nothing_is_shown_or_changed(door, given):
    client = TestClient(parts(door), base_url="http://localhost")
    for method, path, body in (("GET", "", None), ("POST", "", {"url": "http://127.0.0.1/"}), ("DELETE", f"/{'0' * 32}", None)):
        answer = client.request(method, f"/webhooks{path}", json=body, headers=given)
        assert answer.status_code in (401, 403)
    assert list(door.work.store.list("webhooks")) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/hook",
        "http://localhost/hook",
        "http://elsewhere.example/hook",
        "http://ministry.example/hook",
        "http://127.0.0.1@elsewhere.example/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "",
        "http://[::1]/hook",
        "http://2130706433/",
    ],
)
def test_only_hosts_that_are_configured_may_be_called(client, url):
    answer = client.post("/webhooks", json={"url": url})
    assert answer.status_code == 400
    assert "expected" in answer.json()["description"] or "not a public address" in answer.json()["description"]


@pytest.mark.parametrize(
    "wanted", [{}, {"url": 3}, {"url": "http://127.0.0.1/", "colour": "red"}, {"url": "http://127.0.0.1/", "hazards": ["war"]}]
)
def test_what_cannot_be_understood_is_refused(client, wanted):
    assert client.post("/webhooks", json=wanted).status_code == 400


def test_a_subscription_is_shown_without_its_secret_and_can_be_removed(client, store):
    tell(store, 3)
    made = client.post("/webhooks", json={"url": "https://a.ministry.example/hook", "hazards": ["shaking"]}).json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["position"], made["lag"], made["hazards"]) == (3, 0, ["shaking"])
    assert client.get("/webhooks").json() == {"webhooks": [made]}
    assert client.get(f"/webhooks/{made['id']}").json() == made
    assert client.delete(f"/webhooks/{made['id']}").status_code == 204
    assert client.get(f"/webhooks/{made['id']}").status_code == 404
    assert client.delete(f"/webhooks/{made['id']}").status_code == 404
    assert list(store.list("webhooks")) == []


def test_secrets_lie_under_no_public_address(door, store):
    client = TestClient(application(door), base_url="http://localhost", headers=GIVEN)
    client.post("/webhooks", json={"url": "http://127.0.0.1/"})
    for key in store.list("webhooks"):
        assert client.get(f"/files/{key}").status_code in (400, 403, 404)


def test_a_subscription_cannot_begin_beyond_the_log(client, store):
    tell(store, 2)
    assert client.post("/webhooks", json={"url": "http://127.0.0.1/", "after": 3}).status_code == 409
    assert client.post("/webhooks", json={"url": "http://127.0.0.1/", "after": 0}).json()["lag"] == 2


def test_there_is_a_largest_number_of_subscriptions(client, monkeypatch):
    monkeypatch.setattr("pipeline.service.events.webhooks.MOST", 2)
    answers = [client.post("/webhooks", json={"url": "http://127.0.0.1/"}).status_code for _ in range(3)]
    assert answers == [201, 201, 409]


# Delivery


def test_every_entry_arrives_in_order_and_signed_whatever_the_receiver_does(door, store, quick):
    trouble = [500, "drop", 204, 204, "drop", 503, "hang", 204, 302, 400, 429, 204, 404, "drop", 204]
    tell(store, 10)
    with receiving(*trouble) as receiver, serving(door) as address:
        made = subscribe(address, receiver.url, after=0)
        receiver.wait(10)
        tell(store, 10, start=10)
        warned(store, 1)
        receiver.wait(21)
        shown = until(lambda: (found := state(address, made["id"]))["lag"] == 0 and found)
    assert receiver.numbers() == list(range(1, 22))
    assert (shown["position"], shown["delivered"], shown["failures"], shown["last_error"]) == (21, 21, 0, None)
    hook = Webhook(made["secret"])
    entries = [hook.verify(body, headers) for headers, body in receiver.taken]
    assert [entry["number"] for entry in entries] == list(range(1, 22))
    assert entries[-1]["kind"] == "alert"
    assert entries[-1]["href"].startswith(f"{address}/alerts/2024/")


def test_a_retry_has_the_same_id_and_body(door, store, quick):
    tell(store, 1)
    with receiving(200) as receiver, serving(door) as address:
        subscribe(address, receiver.url, after=0)
        receiver.wait(1)
        subscribe(address, receiver.url, after=0)
        receiver.wait(2)
    (first, body), (second, other) = receiver.taken
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-id"].startswith("news_1_")
    assert json.loads(body) == json.loads(other)
    assert first["webhook-signature"] != second["webhook-signature"]


def test_only_what_is_wanted_is_sent_and_the_rest_is_passed_over(door, store, quick):
    tell(store, 3)
    tell(store, 2, start=3, hazard="flood_extent")
    tell(store, 2, start=5)
    warned(store, 1)
    with receiving() as receiver, serving(door) as address:
        floods = subscribe(address, receiver.url, after=0, hazards=["flood_extent"], kinds=["item"])
        receiver.wait(2)
        shown = until(lambda: (found := state(address, floods["id"]))["lag"] == 0 and found)
    assert receiver.numbers() == [4, 5]
    assert (shown["position"], shown["delivered"]) == (8, 2)


def test_a_receiver_that_is_gone_is_sent_nothing_more(door, store, quick):
    tell(store, 3)
    with receiving(204, 410) as receiver, serving(door) as address:
        made = subscribe(address, receiver.url, after=0)
        shown = until(lambda: (found := state(address, made["id"]))["ended"] and found)
        tell(store, 1, start=3)
        other = subscribe(address, receiver.url)
        tell(store, 1, start=4)
        until(lambda: state(address, other["id"])["delivered"] == 1)
    assert receiver.tried == ["news_1", "news_2", "news_5"]
    assert (shown["position"], shown["last_error"]) == (1, "entry 2: HTTP 410")


def test_a_redirect_is_not_followed(door, store, quick):
    tell(store, 1)
    with receiving(302) as receiver, serving(door) as address:
        made = subscribe(address, receiver.url, after=0)
        receiver.wait(1)
        until(lambda: state(address, made["id"])["lag"] == 0)
    assert receiver.tried == ["news_1", "news_1"]


@pytest.fixture
def names(monkeypatch):
    """Hosts and the addresses that they have in turn when asked for; the last one stays."""
    given, ask = {}, socket.getaddrinfo

    def answered(host, port, *args, **options):
        if host not in given:
            return ask(host, port, *args, **options)
        address = given[host].pop(0) if len(given[host]) > 1 else given[host][0]
        return [entry for each in address.split() for entry in ask(each, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", answered)
    return given


def test_no_other_address_is_called_than_was_looked_at(tmp_path, quick, names):
    names["hooks.ministry.example"] = ["127.0.0.1", "127.0.0.9"]
    door = door_of(tmp_path, webhook_hosts=("hooks.ministry.example",))
    tell(door.work.store, 1)
    with receiving() as receiver, serving(door) as address:
        url = receiver.url.replace("127.0.0.1", "hooks.ministry.example")
        subscribe(address, url, after=0)
        receiver.wait(1, seconds=20)
    ((headers, _),) = receiver.taken
    assert headers["host"] == url.split("/")[2]


def test_a_receiver_is_called_at_each_of_its_addresses_until_one_answers(tmp_path, quick, names):
    names["hooks.ministry.example"] = ["127.0.0.9 127.0.0.1"]
    door = door_of(tmp_path, webhook_hosts=("hooks.ministry.example",))
    tell(door.work.store, 1)
    with receiving() as receiver, serving(door) as address:
        subscribe(address, receiver.url.replace("127.0.0.1", "hooks.ministry.example"), after=0)
        receiver.wait(1, seconds=20)
    assert receiver.tried == ["news_1"]


@pytest.mark.parametrize(("found", "words"), [("127.0.0.1", "FeedRefused"), ("", "FeedUnavailable")])
def test_a_host_of_a_suffix_is_called_at_no_address_that_is_not_public(door, store, quick, names, monkeypatch, found, words):
    # Behind a mirror of feeds, too.
    monkeypatch.setenv("HAZMON_FEEDS_VIA", "http://127.0.0.1:1")
    if found:
        names["hooks.ministry.example"] = [found]
    tell(store, 1)
    with receiving() as receiver, serving(door) as address:
        made = subscribe(address, receiver.url.replace("127.0.0.1", "hooks.ministry.example"), after=0)
        shown = until(lambda: (found := state(address, made["id"]))["failures"] and found)
    assert words in shown["last_error"]
    assert receiver.tried == []


def test_proxies_of_the_environment_are_not_used(door, client, store, quick, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    tell(store, 1)
    with receiving() as receiver:
        client.post("/webhooks", json={"url": receiver.url, "after": 0})
        with serving(door):
            receiver.wait(1, seconds=20)


def test_one_slow_receiver_does_not_hold_up_another(door, store, quick, monkeypatch):
    monkeypatch.setattr(deliver, "ATTEMPT_S", 10.0)
    tell(store, 5)
    with receiving("hang") as slow, receiving() as fast, serving(door) as address:
        subscribe(address, slow.url, after=0)
        slow.wait_tried(1)
        subscribe(address, fast.url, after=0)
        fast.wait(5, seconds=20)
        assert slow.taken == []
        slow.over.set()


def test_a_host_that_is_no_longer_configured_is_not_called(tmp_path, door, store, quick):
    tell(store, 1)
    with receiving() as receiver:
        made = TestClient(parts(door), base_url="http://localhost", headers=GIVEN).post(
            "/webhooks", json={"url": receiver.url, "after": 0}
        )
        with serving(door_of(tmp_path)) as address:
            shown = until(lambda: (found := state(address, made.json()["id"]))["failures"] and found)
    assert receiver.tried == []
    assert "FeedRefused" in shown["last_error"]


def test_a_new_process_goes_on_where_the_last_one_was(door, store, quick):
    tell(store, 3)
    with receiving() as receiver:
        with serving(door) as address:
            made = subscribe(address, receiver.url, after=0)
            until(lambda: state(address, made["id"])["lag"] == 0)
        tell(store, 3, start=3)
        with serving(door):
            receiver.wait(6)
    assert receiver.numbers() == [1, 2, 3, 4, 5, 6]


def test_of_two_processes_one_delivers(door, store, quick):
    tell(store, 1)
    with receiving() as receiver, serving(door) as address, serving(door):
        made = subscribe(address, receiver.url, after=0)
        receiver.wait(1)
        tell(store, 30, start=1)
        receiver.wait(31)
        until(lambda: state(address, made["id"])["lag"] == 0)
    assert receiver.numbers() == list(range(1, 32))


# A store that was set back


def set_back(store, upto):
    """Take away the entries after a number, as a restored copy does."""
    for number in range(upto + 1, news.head(store) + 1):
        store.delete(f"news/{number:012d}.json")


def test_after_the_log_was_set_back_a_receiver_is_told_all_that_is_new_in_it(door, store, quick, caplog):
    tell(store, 6)
    with receiving() as receiver, serving(door) as address:
        made = subscribe(address, receiver.url, after=0)
        receiver.wait(6)
        until(lambda: state(address, made["id"])["lag"] == 0)
        set_back(store, 4)
        tell(store, 2, start=20)
        receiver.wait(8)
        shown = until(lambda: (found := state(address, made["id"]))["position"] == 6 and found)
    assert [json.loads(body)["id"] for _, body in receiver.taken[4:]] == [f"shaking-{n}" for n in (4, 5, 20, 21)]
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 8
    assert shown["delivered"] == 8
    assert f"webhook {made['id']} was at entry 6" in caplog.text
    assert "goes on after 4" in caplog.text


def test_after_the_log_was_set_back_to_less_than_is_known_a_receiver_begins_anew(door, store, quick):
    tell(store, 6)
    with receiving() as receiver, serving(door) as address:
        subscribe(address, receiver.url)
        set_back(store, 2)
        tell(store, 1, start=20)
        receiver.wait(3)
    assert receiver.numbers() == [1, 2, 3]


def test_a_trail_is_short_and_reaches_back_to_the_beginning(store):
    progress, longest = Progress(0), 0
    for number in range(1, 3001):
        progress = progress.passed(replace(GONE, id=str(number), number=number))
        longest = max(longest, len(progress.trail))
        if number % 500 == 0:
            backs = [number - step for step, _ in progress.trail]
            assert all(older <= 2 * (newer + 1) for older, newer in pairwise(backs))
    assert longest < 32


def test_a_first_address_that_swallows_packets_does_not_keep_a_receiver_from_being_called(tmp_path, quick, names):
    door = door_of(tmp_path, webhook_hosts=("hooks.ministry.example",))
    names["hooks.ministry.example"] = ["127.0.0.9 127.0.0.1"]
    tell(door.work.store, 1)
    with receiving() as receiver, socket.socket() as deaf:
        deaf.bind(("127.0.0.9", int(receiver.url.split(":")[2].split("/")[0])))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        with serving(door) as address:
            subscribe(address, receiver.url.replace("127.0.0.1", "hooks.ministry.example"), after=0)
            receiver.wait(1, seconds=20)
        for each in waiting:
            each.close()


def test_a_gap_holds_up_a_webhook_and_is_named_by_the_health(door, store, quick):
    tell(store, 6)
    with receiving() as receiver, serving(door) as address:
        health = f"{address}/health"
        assert httpx.get(health).status_code == 200  # it has begun
        for number in (3, 4):
            store.delete(f"news/{number:012d}.json")
        subscribe(address, receiver.url, after=0)
        receiver.wait(2)
        (check,) = until(lambda: [each for each in httpx.get(health).json()["checks"] if each["name"] == "news"])
    assert receiver.numbers() == [1, 2]
    assert "news/000000000003.json: found no entry" in check["detail"]


# Waits


def test_waits_double_up_to_hours_and_are_as_long_as_the_receiver_asks():
    now, progress, waits = datetime(2024, 1, 1, tzinfo=UTC), Progress(0), []
    for _ in range(40):
        progress = progress.failed("HTTP 500", now)
        waits.append((progress.next_attempt - now).total_seconds())
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == LONGEST_WAIT_S
    asked = Progress(0).failed("HTTP 503", now, wait=600)
    assert asked.next_attempt - now == timedelta(seconds=600)
    assert not asked.due(now)
    assert asked.due(now + timedelta(seconds=600))


def test_a_success_ends_the_waiting():
    now = datetime(2024, 1, 1, tzinfo=UTC)
    taken = Progress(3).failed("HTTP 500", now).taken(replace(GONE, number=4), now)
    assert (taken.position, taken.failures, taken.next_attempt, taken.last_error) == (4, 0, None, None)


def test_what_is_no_subscription_does_not_stop_the_others(store, caplog):
    store.put("webhooks/subscriptions/bad.json", b"{}")
    store.put("webhooks/subscriptions/worse.json", b"{")
    assert Subscriptions(store).all() == []
    assert "bad.json" in caplog.text


# The lease


def test_a_lease_is_held_by_one_and_given_up(store):
    one, other = Lease(store, "webhooks/lease.json"), Lease(store, "webhooks/lease.json")
    assert one.hold()
    assert not other.hold()
    assert one.hold()
    one.release()
    assert not one.held
    assert other.hold()
    assert not one.hold()


def test_the_lease_of_a_dead_process_runs_out(store):
    past = datetime.now(UTC) - timedelta(seconds=1)
    store.put("webhooks/lease.json", to_bytes({"holder": "dead", "until": past.isoformat()}))
    assert Lease(store, "webhooks/lease.json").hold()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"holder": "x"}', b'{"holder": "x", "until": "soon"}'])
def test_a_lease_that_cannot_be_read_is_nobodys(store, data):
    store.put(deliver.LEASE, data)
    lease = Lease(store, deliver.LEASE)
    assert lease.hold()
    assert not Lease(store, deliver.LEASE).hold()


def test_a_lease_that_was_taken_meanwhile_is_not_released(store):
    one, other = Lease(store, "webhooks/lease.json"), Lease(store, "webhooks/lease.json")
    assert one.hold()
    store.delete("webhooks/lease.json")
    assert other.hold()
    one.release()
    assert not Lease(store, "webhooks/lease.json").hold()
