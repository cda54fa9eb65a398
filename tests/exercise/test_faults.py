import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from pipeline.errors import FeedMalformed, FeedUnavailable
from pipeline.exercise.faults import Fault, Faults, emptied
from pipeline.exercise.server import Server
from pipeline.feeds import http
from tests.exercise.conftest import Ask

HOST = "earthquake.usgs.gov"
SUMMARY = f"{HOST}/earthquakes/feed/v1.0/summary/all_day.geojson"
SEARCH = "planetarycomputer.microsoft.com/api/stac/v1/search"
NOW = datetime(2024, 1, 22, 20, tzinfo=UTC)


def fault(kind: str, **more: Any) -> Fault:
    return Fault.model_validate({"match": f"{HOST}/*", "kind": kind, **more})


def test_a_fault_is_spent_and_then_all_is_well(server: Server, ask: Ask) -> None:
    server.arm(fault("500", times=2))
    assert [ask(SUMMARY).status_code for _ in range(3)] == [500, 500, 200]
    assert [entry["fault"] for entry in server.requests] == ["500", "500", None]


@pytest.mark.parametrize("kind", ["429", "503"])
def test_a_busy_server_says_how_long_to_wait(server: Server, ask: Ask, kind: str) -> None:
    server.arm(fault(kind, retry_after=7))
    answer = ask(SUMMARY)
    assert (answer.status_code, answer.headers["retry-after"]) == (int(kind), "7")


def test_a_timed_out_answer_comes_too_late(server: Server) -> None:
    server.arm(fault("timeout", delay=5))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.origin}/{SUMMARY}", timeout=0.05)


def test_a_delayed_answer_is_the_right_one(server: Server, ask: Ask) -> None:
    server.arm(fault("timeout", delay=0.03))
    assert ask(SUMMARY).json()["type"] == "FeatureCollection"


@pytest.mark.parametrize("kind", ["truncated", "disconnect"])
def test_a_broken_connection_promises_more_than_it_sends(server: Server, ask: Ask, kind: str) -> None:
    server.arm(fault(kind))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(SUMMARY)
    assert ask(SUMMARY).status_code == 200


def test_a_maintenance_page_comes_with_status_200(server: Server, ask: Ask) -> None:
    server.arm(fault("html"))
    answer = ask(SUMMARY)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", FeedUnavailable), ("429", FeedUnavailable), ("truncated", FeedUnavailable), ("html", FeedMalformed)],
)
def test_the_feeds_give_each_fault_its_name(
    server: Server, monkeypatch: pytest.MonkeyPatch, kind: str, error: type[Exception]
) -> None:
    monkeypatch.setenv("HAZMON_FEEDS_VIA", server.origin)
    server.arm(fault(kind))
    with pytest.raises(error):
        http.get(f"https://{SUMMARY}", allowed=(HOST,))


def test_an_empty_list_has_no_entries(server: Server, ask: Ask) -> None:
    server.arm(fault("empty"), Fault(match=SEARCH, kind="empty"))
    assert ask(SUMMARY).json()["features"] == []
    page = ask(SEARCH).json()
    assert (page["features"], page["links"]) == ([], [])
    assert emptied(b"#EventID|Time\n1|2\n") == b"#EventID|Time\n"
    assert emptied(b"GRIB") == b""


def test_a_redelivery_brings_the_same_ids_again_under_other_hrefs(server: Server, ask: Ask) -> None:
    server.arm(Fault(match=SEARCH, kind="redelivery"), fault("redelivery"))
    features = ask(SEARCH, params={"limit": 1}).json()["features"]
    assert len({feature["id"] for feature in features}) == 1
    first, second = (feature["assets"]["vv"]["href"] for feature in features)
    assert first != second
    one, other = (ask(href.removeprefix("https://"), headers={"Range": "bytes=0-99"}) for href in (first, second))
    assert one.content == other.content
    listed = ask(SUMMARY).json()["features"]
    again = listed[len(listed) // 2 + 1]["properties"]["detail"]
    assert "/redelivered/" in again
    assert ask(again.removeprefix("https://")).json()["id"] == listed[1]["id"]


def test_a_stale_answer_is_an_older_revision_after_a_newer_one(server: Server, ask: Ask) -> None:
    server.arm(fault("stale", as_of="2024-01-22T18:20:00Z"))
    old, new = (json.loads(ask(SUMMARY).content)["features"][-1] for _ in range(2))
    assert (old["id"], old["properties"]["mag"]) == ("usauto7000lsze", 6.7)
    assert (new["id"], new["properties"]["mag"]) == ("us7000lsze", 7.0)


def test_a_fault_waits_for_its_moment_and_its_path() -> None:
    armed = Faults([fault("500", at="2024-01-22T21:00:00Z"), Fault(match="*.idx", kind="503")])
    assert armed.take(SUMMARY, NOW) is None
    found = armed.take("host/a.idx", NOW)
    assert found is not None
    assert found.kind == "503"
    found = armed.take(SUMMARY, NOW.replace(hour=21))
    assert found is not None
    assert armed.armed == []


def test_faults_are_armed_listed_and_cleared_over_http(ask: Ask) -> None:
    one = {"match": "a/*", "kind": "500", "times": 3}
    assert ask("_faults", method="POST", json=one).json()[0]["left"] == 3
    assert len(ask("_faults", method="POST", json=[one, one]).json()) == 3
    assert ask("_faults", method="POST", json={"match": "a", "kind": "meteor"}).status_code == 422
    assert len(ask("_faults").json()) == 3
    assert ask("_faults", method="DELETE").json() == []
